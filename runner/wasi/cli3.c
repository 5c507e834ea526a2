/* cli3.c - wasi:cli 0.3.0: standard streams as streams of u8 with a future that tells how it ended. */
#include "list.h"
#include "wasi_internal.h"

#include <errno.h>

enum { ERROR_IO, ERROR_ILLEGAL_BYTE_SEQUENCE, ERROR_PIPE };

static u32 error_code(int error)
{
    return error == EPIPE ? ERROR_PIPE : error == EILSEQ ? ERROR_ILLEGAL_BYTE_SEQUENCE : ERROR_IO;
}

/* Gives the future its result<_, error-code>: ok for 0. */
static void resolve(struct canon_end *future, int error)
{
    struct canon_value code = canon_case(CANON_T_ENUM, error_code(error), NULL);
    struct canon_value result = canon_case(CANON_T_RESULT, error ? 1 : 0, error ? &code : NULL);
    canon_future_resolve(future, &result);
}

/* ---- stdout, stderr ---------------------------------------------------------------------------------- */

/* A stream that is being written. Lives until the guest has dropped the future and the stream is at its end, or as long as `w`: of a
 * store that is freed a reader hears nothing. */
struct wasi_writer {
    struct wasi *w;
    struct wasi_writer *all_next, *all_previous;
    int fd;
    struct canon_end *future; /* writable; NULL when it was dropped */
    bool done;
};

static void writer_release(struct wasi_writer *x)
{
    if (x->done && !x->future) {
        LIST_REMOVE(x->w->writers, x, all);
        mem_free(x);
    }
}

void wasi_writers_free(struct wasi *w)
{
    for (struct wasi_writer *x = w->writers, *next; x; x = next) {
        next = x->all_next;
        mem_free(x);
    }
}

static void future_dropped(void *env, struct canon_end *writable)
{
    struct wasi_writer *x = env;
    (void)writable;
    x->future = NULL;
    writer_release(x);
}

static void writer_end(struct wasi_writer *x, struct canon_end *stream, int error)
{
    canon_end_drop(stream);
    x->done = true;
    if (x->future) {
        resolve(x->future, error);
    } else {
        writer_release(x);
    }
}

static void on_data(void *env, struct canon_end *stream, const struct canon_read *r)
{
    struct wasi_writer *x = env;
    int error = wasi_write(x->w, x->fd, r->bytes, r->count);
    if (error || r->closed) {
        writer_end(x, stream, error);
    } else {
        canon_stream_read(stream, WASI_CHUNK, on_data, x);
    }
}

static void write_via_stream(struct wasi *w, struct canon_call *c, int fd)
{
    static const struct canon_source source = {.dropped = future_dropped};
    struct canon_end *stream = canon_call_arg(c, 0)->end;
    struct wasi_writer *x = mem_alloc(sizeof *x);
    x->w = w;
    LIST_PUSH(w->writers, x, all);
    x->fd = fd;
    struct canon_value future = canon_readable(
        CANON_T_FUTURE, canon_future_new(canon_call_store(c), canon_call_type(c)->result->element,
                                         &source, x, &x->future));
    canon_call_return(c, &future);
    canon_stream_read(stream, WASI_CHUNK, on_data, x);
}

static void stdout_write(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    write_via_stream(w, c, w->options->output);
}

static void stderr_write(void *env, struct canon_call *c)
{
    struct wasi *w = env;
    write_via_stream(w, c, w->options->error);
}

/* ---- stdin --------------------------------------------------------------------------------------------- */

/* Standard input as a source. Lives until both of its ends are dropped. */
struct reader {
    struct wasi_waiter waiter; /* first: the waiter is the reader */
    struct wasi *w;
    struct canon_end *stream, *future; /* writable; NULL when dropped */
    u32 wanted;
    u32 from, to; /* bytes that were read and not yet taken */
    int error;    /* how it ended, once it has */
    u8 bytes[WASI_CHUNK];
};

static void reader_dropped(void *env, struct canon_end *writable)
{
    struct reader *x = env;
    if (writable == x->stream) {
        wasi_wait_cancel(&x->waiter);
        x->stream = NULL;
        if (x->future) {
            resolve(x->future, x->error); /* x is no more, if this drops the future */
        } else {
            mem_free(x);
        }
    } else {
        x->future = NULL;
        if (!x->stream) {
            mem_free(x);
        }
    }
}

/* Hands over what was read; the other end may take only a part. */
static void offer(struct reader *x)
{
    u32 n = x->to - x->from;
    x->from +=
        canon_stream_write_bytes(x->stream, x->bytes + x->from, x->wanted < n ? x->wanted : n);
}

static void read_now(struct wasi_waiter *waiter)
{
    struct reader *x = (struct reader *)waiter;
    if (x->wanted == 0 || x->from < x->to) {
        offer(x);
        return;
    }
    ssize_t got = wasi_fd_read(&x->w->input, x->bytes, sizeof x->bytes);
    if (got == -EAGAIN) {
        wasi_fd_wait(x->w, &x->w->input, &x->waiter);
    } else if (got > 0) {
        x->from = 0;
        x->to = (u32)got;
        offer(x);
    } else {
        x->error = (int)-got;
        canon_stream_close(x->stream);
    }
}

static void wanted(void *env, struct canon_end *writable, u32 n)
{
    struct reader *x = env;
    (void)writable;
    x->wanted = n;
    if (x->from < x->to || wasi_fd_ready(x->w, &x->w->input)) {
        read_now(&x->waiter);
    } else {
        wasi_fd_wait(x->w, &x->w->input, &x->waiter);
    }
}

static void cancelled(void *env, struct canon_end *writable)
{
    struct reader *x = env;
    (void)writable;
    wasi_wait_cancel(&x->waiter);
}

static void read_via_stream(void *env, struct canon_call *c)
{
    static const struct canon_source stream_source = {wanted, cancelled, reader_dropped};
    static const struct canon_source future_source = {.dropped = reader_dropped};
    const struct canon_type *tuple = canon_call_type(c)->result;
    struct canon_store *s = canon_call_store(c);
    struct reader *x = mem_alloc(sizeof *x);
    struct canon_value ends[2];
    x->w = env;
    x->waiter.fn = read_now;
    ends[0] = canon_readable(CANON_T_STREAM, canon_stream_new(s, tuple->fields[0].type->element,
                                                              &stream_source, x, &x->stream));
    ends[1] = canon_readable(CANON_T_FUTURE, canon_future_new(s, tuple->fields[1].type->element,
                                                              &future_source, x, &x->future));
    struct canon_value pair = canon_list(CANON_T_TUPLE, ends, 2);
    canon_call_return(c, &pair);
}

/* ---- Tables ---------------------------------------------------------------------------------------------- */

static const struct wasi_type_row types[] = {
    {"error-code", "enum{io, illegal-byte-sequence, pipe}"},
    {NULL},
};
static const struct canon_host_row stdin_rows[] = {
    {"read-via-stream", "func() -> tuple<stream<u8>, future<result<_, error-code>>>",
     read_via_stream},
    {NULL},
};
static const struct canon_host_row stdout_rows[] = {
    {"write-via-stream", "func(data: stream<u8>) -> future<result<_, error-code>>", stdout_write},
    {NULL},
};
static const struct canon_host_row stderr_rows[] = {
    {"write-via-stream", "func(data: stream<u8>) -> future<result<_, error-code>>", stderr_write},
    {NULL},
};
static const struct wasi_interface interfaces[] = {
    {"wasi:cli/types@0.3.0", types, NULL},
    {"wasi:cli/stdin@0.3.0", types, stdin_rows},
    {"wasi:cli/stdout@0.3.0", types, stdout_rows},
    {"wasi:cli/stderr@0.3.0", types, stderr_rows},
    {"wasi:cli/environment@0.3.0", NULL, wasi_environment3_rows},
    {"wasi:cli/exit@0.3.0", NULL, wasi_exit_rows},
};

void wasi_link_cli3(struct wasi *w, struct canon_linker *l)
{
    for (size_t i = 0; i < LENGTH_OF(interfaces); i++) {
        wasi_offer(w, l, &interfaces[i]);
    }
    wasi_link_terminal(w, l, 1, "0.3.0");
}
