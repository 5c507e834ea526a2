/* io2.c - wasi:io 0.2.12 (error, poll, streams) and wasi:cli 0.2.12 over the standard streams. */
#include "wasi_internal.h"

#include <errno.h>
#include <string.h>

/* Representations of the resources. */
struct input {
    struct wasi *w;
    struct wasi_fd *fd;
    bool ended;
};
struct output {
    struct wasi *w;
    int fd;
    bool closed;
};
struct io_error {
    int error;
};

static void free_rep(void *env, u64 rep)
{
    (void)env;
    mem_free((void *)(uintptr_t)rep);
}

static void *rep_of(const struct canon_call *c, u32 arg)
{
    return (void *)(uintptr_t)canon_call_arg(c, arg)->rep;
}

static struct canon_value own(struct canon_resource_type *resource, void *rep)
{
    return canon_own(resource, (u64)(uintptr_t)rep);
}

/* ---- error --------------------------------------------------------------------------------------------- */

static void to_debug_string(void *env, struct canon_call *c)
{
    struct io_error *e = rep_of(c, 0);
    struct canon_value v = canon_string(str_c(strerror(e->error)));
    (void)env;
    canon_call_return(c, &v);
}

/* result<T, stream-error>: closed for a descriptor at its end or a broken pipe, else the error as a resource. */
static void return_error(struct wasi *w, struct canon_call *c, int error)
{
    struct canon_value handle, which = canon_case(CANON_T_VARIANT, 1, NULL);
    if (error && error != EPIPE) {
        struct io_error *e = mem_alloc(sizeof *e);
        e->error = error;
        handle = own(w->resources.io_error, e);
        which = canon_case(CANON_T_VARIANT, 0, &handle);
    }
    struct canon_value result = canon_case(CANON_T_RESULT, 1, &which);
    canon_call_return(c, &result);
}

static void return_ok(struct canon_call *c, struct canon_value *payload)
{
    struct canon_value result = canon_case(CANON_T_RESULT, 0, payload);
    canon_call_return(c, &result);
}

static void return_ok_u64(struct canon_call *c, u64 u)
{
    struct canon_value v = canon_u(CANON_T_U64, u);
    return_ok(c, &v);
}

/* ---- poll ------------------------------------------------------------------------------------------------ */

struct canon_value wasi_pollable_value(struct wasi *w, struct wasi_pollable p)
{
    struct wasi_pollable *x = mem_alloc(sizeof *x);
    *x = p;
    return own(w->resources.pollable, x);
}

static bool is_ready(struct wasi *w, const struct wasi_pollable *p)
{
    switch (p->kind) {
    case POLLABLE_TIME: return p->deadline <= wasi_now(&w->world);
    case POLLABLE_FD: return wasi_fd_ready(w, p->fd);
    default: return true;
    }
}

/* A call that waits for the first of its pollables. */
struct poll_call;
struct poll_watch {
    struct wasi_waiter waiter; /* first: the waiter is the watch */
    struct poll_call *poll;
    struct wasi_pollable *pollable;
    struct wasi_timer *timer;
};
struct poll_call {
    struct wasi *w;
    struct canon_call *call;
    bool is_block; /* [method]pollable.block: no list to return */
    u32 count;
    struct poll_watch *watches;
};

static void poll_finish(struct poll_call *p)
{
    struct arena *a = canon_call_arena(p->call);
    VEC(struct canon_value) ready = {0};
    for (u32 i = 0; i < p->count; i++) {
        wasi_wait_cancel(&p->watches[i].waiter);
        if (p->watches[i].timer) {
            wasi_timer_stop(p->watches[i].timer);
        }
        if (!p->is_block && is_ready(p->w, p->watches[i].pollable)) {
            *vec_push(a, &ready) = canon_u(CANON_T_U32, i);
        }
    }
    struct canon_value list = canon_list(CANON_T_LIST, ready.data, ready.len);
    canon_call_return(p->call, p->is_block ? NULL : &list);
}

static void watch_fd_ready(struct wasi_waiter *x)
{
    poll_finish(((struct poll_watch *)x)->poll);
}

static void watch_time_up(struct wasi_timer *t)
{
    struct poll_watch *x = t->env;
    x->timer = NULL; /* ends itself */
    poll_finish(x->poll);
}

static void wait_for_first(struct poll_call *p)
{
    for (u32 i = 0; i < p->count; i++) {
        struct poll_watch *x = &p->watches[i];
        x->poll = p;
        x->waiter.fn = watch_fd_ready;
        if (is_ready(p->w, x->pollable)) {
            poll_finish(p);
            return;
        }
    }
    for (u32 i = 0; i < p->count; i++) {
        struct poll_watch *x = &p->watches[i];
        if (x->pollable->kind == POLLABLE_TIME) {
            x->timer = wasi_timer_start(p->w, x->pollable->deadline, watch_time_up, x);
        } else if (x->pollable->kind == POLLABLE_FD) {
            wasi_fd_wait(p->w, x->pollable->fd, &x->waiter);
        }
    }
}

static struct poll_call *poll_new(struct wasi *w, struct canon_call *c, u32 count, bool is_block)
{
    struct poll_call *p = arena_new(canon_call_arena(c), struct poll_call);
    *p = (struct poll_call){w, c, is_block, count,
                            arena_array(canon_call_arena(c), struct poll_watch, count)};
    return p;
}

static void poll_list(void *env, struct canon_call *c)
{
    const struct canon_value *list = canon_call_arg(c, 0);
    if (list->count == 0) {
        canon_call_trap(c, "the list of pollables is empty");
        return;
    }
    struct poll_call *p = poll_new(env, c, list->count, false);
    for (u32 i = 0; i < list->count; i++) {
        p->watches[i].pollable = (void *)(uintptr_t)list->items[i].rep;
    }
    wait_for_first(p);
}

static void pollable_block(void *env, struct canon_call *c)
{
    struct poll_call *p = poll_new(env, c, 1, true);
    p->watches[0].pollable = rep_of(c, 0);
    wait_for_first(p);
}

static void pollable_ready(void *env, struct canon_call *c)
{
    struct canon_value v = canon_bool(is_ready(env, rep_of(c, 0)));
    canon_call_return(c, &v);
}

/* ---- input-stream -------------------------------------------------------------------------------------------- */

struct canon_value wasi_input_stream(struct wasi *w)
{
    struct input *x = mem_alloc(sizeof *x);
    *x = (struct input){w, &w->input, false};
    return own(w->resources.input_stream, x);
}

/* A blocking read or skip that waits for bytes. */
struct read_call {
    struct wasi_waiter waiter; /* first: the waiter is the call */
    struct input *stream;
    struct canon_call *call;
    bool is_skip;
};

static void read_now(struct input *x, struct canon_call *c, bool is_skip)
{
    u64 n = canon_call_arg(c, 1)->u;
    size_t most = n < WASI_CHUNK ? (size_t)n : WASI_CHUNK;
    char *bytes = arena_array(canon_call_arena(c), char, most);
    ssize_t got = most ? wasi_fd_read(x->fd, bytes, most) : 0;
    if (most && got <= 0 && got != -EAGAIN) {
        x->ended = true;
        return_error(x->w, c, (int)-got);
        return;
    }
    got = got < 0 ? 0 : got;
    if (is_skip) {
        return_ok_u64(c, (u64)got);
    } else {
        struct canon_value v = canon_bytes(str_of(bytes, (size_t)got));
        return_ok(c, &v);
    }
}

static void read_when_ready(struct wasi_waiter *waiter)
{
    struct read_call *r = (struct read_call *)waiter;
    read_now(r->stream, r->call, r->is_skip);
}

static void input_read(struct canon_call *c, bool blocking, bool is_skip)
{
    struct input *x = rep_of(c, 0);
    if (x->ended) {
        return_error(x->w, c, 0);
    } else if (canon_call_arg(c, 1)->u == 0 || wasi_fd_ready(x->w, x->fd)) {
        read_now(x, c, is_skip);
    } else if (blocking) {
        struct read_call *r = arena_new(canon_call_arena(c), struct read_call);
        *r = (struct read_call){{.fn = read_when_ready}, x, c, is_skip};
        wasi_fd_wait(x->w, x->fd, &r->waiter);
    } else if (is_skip) {
        return_ok_u64(c, 0);
    } else {
        struct canon_value v = canon_bytes(STR(""));
        return_ok(c, &v);
    }
}

static void stream_read(void *env, struct canon_call *c)
{
    (void)env;
    input_read(c, false, false);
}

static void stream_blocking_read(void *env, struct canon_call *c)
{
    (void)env;
    input_read(c, true, false);
}

static void stream_skip(void *env, struct canon_call *c)
{
    (void)env;
    input_read(c, false, true);
}

static void stream_blocking_skip(void *env, struct canon_call *c)
{
    (void)env;
    input_read(c, true, true);
}

static void input_subscribe(void *env, struct canon_call *c)
{
    struct input *x = rep_of(c, 0);
    struct canon_value v = wasi_pollable_value(
        env, (struct wasi_pollable){x->ended ? POLLABLE_READY : POLLABLE_FD, 0, x->fd});
    canon_call_return(c, &v);
}

/* ---- output-stream ------------------------------------------------------------------------------------------- */

struct canon_value wasi_output_stream(struct wasi *w, int fd)
{
    struct output *x = mem_alloc(sizeof *x);
    *x = (struct output){w, fd, false};
    return own(w->resources.output_stream, x);
}

static void output_write(struct canon_call *c, const char *bytes, size_t n)
{
    struct output *x = rep_of(c, 0);
    int error = x->closed ? EPIPE : wasi_write(x->w, x->fd, bytes, n);
    if (error) {
        x->closed = true;
        return_error(x->w, c, error);
    } else {
        return_ok(c, NULL);
    }
}

static void stream_check_write(void *env, struct canon_call *c)
{
    struct output *x = rep_of(c, 0);
    if (x->closed) {
        return_error(env, c, 0);
    } else {
        return_ok_u64(c, WASI_CHUNK);
    }
}

static void stream_write(void *env, struct canon_call *c)
{
    (void)env;
    str bytes = canon_text(canon_call_arg(c, 1));
    output_write(c, bytes.ptr, bytes.len);
}

static void stream_flush(void *env, struct canon_call *c)
{
    (void)env;
    output_write(c, NULL, 0);
}

static void stream_write_zeroes(void *env, struct canon_call *c)
{
    static const char zeroes[4096];
    u64 n = canon_call_arg(c, 1)->u;
    struct output *x = rep_of(c, 0);
    (void)env;
    if (n > WASI_CHUNK) {
        canon_call_trap(c, "more zeroes than check-write permits");
        return;
    }
    for (; n > sizeof zeroes; n -= sizeof zeroes) {
        if (x->closed || wasi_write(x->w, x->fd, zeroes, sizeof zeroes)) {
            break;
        }
    }
    output_write(c, zeroes, n < sizeof zeroes ? (size_t)n : sizeof zeroes);
}

/* A splice that waits for bytes to move. */
struct splice_call {
    struct wasi_waiter waiter; /* first: the waiter is the call */
    struct canon_call *call;
};

static void splice_now(struct canon_call *c)
{
    struct output *to = rep_of(c, 0);
    struct input *from = rep_of(c, 1);
    u64 n = canon_call_arg(c, 2)->u;
    size_t most = n < WASI_CHUNK ? (size_t)n : WASI_CHUNK;
    char *bytes = arena_array(canon_call_arena(c), char, most);
    ssize_t got = most ? wasi_fd_read(from->fd, bytes, most) : 0;
    int error = got < 0 && got != -EAGAIN ? (int)-got : 0;
    from->ended |= most && got == 0;
    if (!error && got > 0) {
        error = wasi_write(to->w, to->fd, bytes, (size_t)got);
        to->closed |= error != 0;
    }
    if (error || from->ended) {
        return_error(to->w, c, error);
    } else {
        return_ok_u64(c, got > 0 ? (u64)got : 0);
    }
}

static void splice_when_ready(struct wasi_waiter *waiter)
{
    splice_now(((struct splice_call *)waiter)->call);
}

static void splice(struct canon_call *c, bool blocking)
{
    struct output *to = rep_of(c, 0);
    struct input *from = rep_of(c, 1);
    if (to->closed || from->ended) {
        return_error(to->w, c, 0);
    } else if (wasi_fd_ready(from->w, from->fd)) {
        splice_now(c);
    } else if (blocking) {
        struct splice_call *x = arena_new(canon_call_arena(c), struct splice_call);
        *x = (struct splice_call){{splice_when_ready, NULL, NULL}, c};
        wasi_fd_wait(from->w, from->fd, &x->waiter);
    } else {
        return_ok_u64(c, 0);
    }
}

static void stream_splice(void *env, struct canon_call *c)
{
    (void)env;
    splice(c, false);
}

static void stream_blocking_splice(void *env, struct canon_call *c)
{
    (void)env;
    splice(c, true);
}

static void output_subscribe(void *env, struct canon_call *c)
{
    struct canon_value v =
        wasi_pollable_value(env, (struct wasi_pollable){POLLABLE_READY, 0, NULL});
    canon_call_return(c, &v);
}

/* ---- wasi:cli: where the streams come from --------------------------------------------------------------------- */

static void get_stdin(void *env, struct canon_call *c)
{
    struct canon_value v = wasi_input_stream(env);
    canon_call_return(c, &v);
}

static void get_stdout(void *env, struct canon_call *c)
{
    struct canon_value v = wasi_output_stream(env, ((struct wasi *)env)->options->output);
    canon_call_return(c, &v);
}

static void get_stderr(void *env, struct canon_call *c)
{
    struct canon_value v = wasi_output_stream(env, ((struct wasi *)env)->options->error);
    canon_call_return(c, &v);
}

/* ---- Tables ----------------------------------------------------------------------------------------------------- */

static const struct canon_host_row error_rows[] = {
    {"[method]error.to-debug-string", "func(self: borrow<error>) -> string", to_debug_string},
    {NULL},
};
static const struct canon_host_row poll_rows[] = {
    {"[method]pollable.ready", "func(self: borrow<pollable>) -> bool", pollable_ready},
    {"[method]pollable.block", "func(self: borrow<pollable>)", pollable_block},
    {"poll", "func(in: list<borrow<pollable>>) -> list<u32>", poll_list},
    {NULL},
};
static const struct wasi_type_row stream_types[] = {
    {"stream-error", "variant{last-operation-failed(own<error>), closed}"},
    {NULL},
};
#define OF_INPUT  "self: borrow<input-stream>"
#define OF_OUTPUT "self: borrow<output-stream>"
static const struct canon_host_row stream_rows[] = {
    {"[method]input-stream.read", "func(" OF_INPUT ", len: u64) -> result<list<u8>, stream-error>",
     stream_read},
    {"[method]input-stream.blocking-read",
     "func(" OF_INPUT ", len: u64) -> result<list<u8>, stream-error>", stream_blocking_read},
    {"[method]input-stream.skip", "func(" OF_INPUT ", len: u64) -> result<u64, stream-error>",
     stream_skip},
    {"[method]input-stream.blocking-skip",
     "func(" OF_INPUT ", len: u64) -> result<u64, stream-error>", stream_blocking_skip},
    {"[method]input-stream.subscribe", "func(" OF_INPUT ") -> own<pollable>", input_subscribe},
    {"[method]output-stream.check-write", "func(" OF_OUTPUT ") -> result<u64, stream-error>",
     stream_check_write},
    {"[method]output-stream.write",
     "func(" OF_OUTPUT ", contents: list<u8>) -> result<_, stream-error>", stream_write},
    {"[method]output-stream.blocking-write-and-flush",
     "func(" OF_OUTPUT ", contents: list<u8>) -> result<_, stream-error>", stream_write},
    {"[method]output-stream.flush", "func(" OF_OUTPUT ") -> result<_, stream-error>", stream_flush},
    {"[method]output-stream.blocking-flush", "func(" OF_OUTPUT ") -> result<_, stream-error>",
     stream_flush},
    {"[method]output-stream.subscribe", "func(" OF_OUTPUT ") -> own<pollable>", output_subscribe},
    {"[method]output-stream.write-zeroes",
     "func(" OF_OUTPUT ", len: u64) -> result<_, stream-error>", stream_write_zeroes},
    {"[method]output-stream.blocking-write-zeroes-and-flush",
     "func(" OF_OUTPUT ", len: u64) -> result<_, stream-error>", stream_write_zeroes},
    {"[method]output-stream.splice",
     "func(" OF_OUTPUT ", src: borrow<input-stream>, len: u64) -> result<u64, stream-error>",
     stream_splice},
    {"[method]output-stream.blocking-splice",
     "func(" OF_OUTPUT ", src: borrow<input-stream>, len: u64) -> result<u64, stream-error>",
     stream_blocking_splice},
    {NULL},
};
static const struct canon_host_row stdin_rows[] = {
    {"get-stdin", "func() -> own<input-stream>", get_stdin},
    {NULL},
};
static const struct canon_host_row stdout_rows[] = {
    {"get-stdout", "func() -> own<output-stream>", get_stdout},
    {NULL},
};
static const struct canon_host_row stderr_rows[] = {
    {"get-stderr", "func() -> own<output-stream>", get_stderr},
    {NULL},
};

void wasi_link_io2(struct wasi *w, struct canon_linker *l)
{
    static const struct wasi_interface error = {"wasi:io/error@0.2.12", NULL, error_rows},
                                       poll = {"wasi:io/poll@0.2.12", NULL, poll_rows},
                                       streams = {"wasi:io/streams@0.2.12", stream_types,
                                                  stream_rows};
    struct wasi_resources *r = &w->resources;
    struct canon_linker_instance *i = canon_linker_instance(l, streams.name);
    r->io_error = canon_linker_resource(canon_linker_instance(l, error.name), "error", free_rep, w);
    r->pollable =
        canon_linker_resource(canon_linker_instance(l, poll.name), "pollable", free_rep, w);
    canon_linker_use(i, "error", r->io_error);
    canon_linker_use(i, "pollable", r->pollable);
    r->input_stream = canon_linker_resource(i, "input-stream", free_rep, w);
    r->output_stream = canon_linker_resource(i, "output-stream", free_rep, w);
    wasi_offer(w, l, &error);
    wasi_offer(w, l, &poll);
    wasi_offer(w, l, &streams);
}

void wasi_link_cli2(struct wasi *w, struct canon_linker *l)
{
    static const struct wasi_interface interfaces[] = {
        {"wasi:cli/stdin@0.2.12", NULL, stdin_rows},
        {"wasi:cli/stdout@0.2.12", NULL, stdout_rows},
        {"wasi:cli/stderr@0.2.12", NULL, stderr_rows},
        {"wasi:cli/environment@0.2.12", NULL, wasi_environment2_rows},
        {"wasi:cli/exit@0.2.12", NULL, wasi_exit_rows},
    };
    for (size_t i = 0; i < LENGTH_OF(interfaces); i++) {
        struct canon_linker_instance *x = canon_linker_instance(l, interfaces[i].name);
        if (interfaces[i].rows == stdin_rows) {
            canon_linker_use(x, "input-stream", w->resources.input_stream);
        } else if (i < 3) {
            canon_linker_use(x, "output-stream", w->resources.output_stream);
        }
        wasi_offer(w, l, &interfaces[i]);
    }
    wasi_link_terminal(w, l, 0, "0.2.12");
}
