/* wasi.c - the host object: its loop, descriptors and timers. */
#include "wasi_internal.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

struct wasi *wasi_new(const struct wasi_options *options)
{
    struct wasi *w = mem_alloc(sizeof *w);
    w->options = options;
    w->input.fd = options->input;
    uv_loop_init(&w->loop);
    uv_timer_init(&w->loop, &w->patience);
    uv_unref((uv_handle_t *)&w->patience);
    w->patience.data = w;
    wasi_random_bytes(&w->insecure, sizeof w->insecure);
    w->insecure |= 1;
    return w;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    if (!uv_is_closing(handle)) {
        if (handle->type == UV_TIMER && handle->data != arg) {
            wasi_timer_stop(handle->data);
        } else {
            uv_close(handle, NULL);
        }
    }
}

void wasi_free(struct wasi *w)
{
    if (!w) {
        return;
    }
    uv_walk(&w->loop, close_handle, w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    mem_free(w);
}

static bool loop_poll(void *env, bool may_block)
{
    struct wasi *w = env;
    if (!uv_loop_alive(&w->loop)) {
        return false;
    }
    uv_run(&w->loop, may_block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    return true;
}

static void patience_over(uv_timer_t *handle)
{
    ((struct wasi *)handle->data)->patience_ended = true;
}

enum wasi_turn wasi_wait(struct wasi *w, u64 milliseconds)
{
    if (!uv_loop_alive(&w->loop)) {
        return WASI_NOTHING;
    }
    w->patience_ended = false;
    uv_update_time(&w->loop);
    uv_timer_start(&w->patience, patience_over, milliseconds, 0);
    uv_run(&w->loop, UV_RUN_ONCE);
    uv_timer_stop(&w->patience);
    return w->patience_ended ? WASI_TIMEOUT : WASI_PROGRESS;
}

struct canon_loop wasi_loop(struct wasi *w)
{
    return (struct canon_loop){w, loop_poll};
}

int wasi_output_error(const struct wasi *w)
{
    return w->output_error;
}

/* ---- Descriptors ------------------------------------------------------------------------------------ */

static void call_waiters(struct wasi_fd *f)
{
    struct wasi_waiter *x = f->waiters;
    f->waiters = NULL;
    if (x) {
        x->link = &x; /* cancelling one of them from a callback of another keeps the list whole */
    }
    while (x) {
        struct wasi_waiter *now = x;
        wasi_wait_cancel(now);
        now->fn(now);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status; /* an error shows itself at the read */
    (void)events;
    struct wasi_fd *f = handle->data;
    uv_poll_stop(handle);
    call_waiters(f);
}

/* Opens the descriptor for waiting, at its first use. */
static void open_fd(struct wasi *w, struct wasi_fd *f)
{
    if (!f->opened) {
        f->opened = true;
        f->always_ready = f->fd < 0 || uv_guess_handle(f->fd) == UV_FILE ||
                          uv_poll_init(&w->loop, &f->poll, f->fd) != 0;
        f->poll.data = f;
    }
}

bool wasi_fd_ready(struct wasi *w, struct wasi_fd *f)
{
    open_fd(w, f);
    struct pollfd p = {.fd = f->fd, .events = POLLIN};
    return f->always_ready || poll(&p, 1, 0) != 0;
}

void wasi_fd_wait(struct wasi *w, struct wasi_fd *f, struct wasi_waiter *x)
{
    open_fd(w, f);
    wasi_wait_cancel(x);
    x->next = f->waiters;
    x->link = &f->waiters;
    if (x->next) {
        x->next->link = &x->next;
    }
    f->waiters = x;
    if (!f->always_ready) {
        uv_poll_start(&f->poll, UV_READABLE | UV_DISCONNECT, on_poll);
    }
}

void wasi_wait_cancel(struct wasi_waiter *x)
{
    if (x->link) {
        *x->link = x->next;
        if (x->next) {
            x->next->link = x->link;
        }
        x->link = NULL;
        x->next = NULL;
    }
}

ssize_t wasi_fd_read(struct wasi_fd *f, void *bytes, size_t n)
{
    if (f->fd < 0) {
        return 0;
    }
    for (;;) {
        ssize_t got = read(f->fd, bytes, n);
        if (got >= 0) {
            return got;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

int wasi_write(struct wasi *w, int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (fd >= 0 && n) {
        ssize_t done = write(fd, at, n);
        if (done >= 0) {
            at += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            int error = errno;
            if (fd == w->options->output && !w->output_error) {
                w->output_error = error;
            }
            return error;
        }
    }
    return 0;
}

/* ---- Time --------------------------------------------------------------------------------------------- */

static u64 nanoseconds(struct timespec t)
{
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

u64 wasi_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return nanoseconds(t);
}

u64 wasi_resolution(clockid_t clock)
{
    struct timespec t;
    clock_getres(clock, &t);
    return nanoseconds(t);
}

static void on_timer(uv_timer_t *handle);

/* libuv counts milliseconds: round up, and look at the clock when it fires. */
static void arm(struct wasi_timer *t)
{
    u64 now = wasi_now();
    u64 left = t->deadline > now ? t->deadline - now : 0;
    uv_update_time(t->handle.loop);
    uv_timer_start(&t->handle, on_timer, left / 1000000u + (left % 1000000u != 0), 0);
}

static void on_timer(uv_timer_t *handle)
{
    struct wasi_timer *t = handle->data;
    if (wasi_now() < t->deadline) {
        arm(t);
        return;
    }
    wasi_timer_fn *fn = t->fn;
    if (fn) {
        fn(t);
    }
    wasi_timer_stop(t);
}

struct wasi_timer *wasi_timer_start(struct wasi *w, u64 deadline, wasi_timer_fn *fn, void *env)
{
    struct wasi_timer *t = mem_alloc(sizeof *t);
    uv_timer_init(&w->loop, &t->handle);
    t->handle.data = t;
    t->deadline = deadline;
    t->fn = fn;
    t->env = env;
    arm(t);
    return t;
}

static void timer_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void wasi_timer_stop(struct wasi_timer *t)
{
    t->fn = NULL;
    if (!uv_is_closing((uv_handle_t *)&t->handle)) {
        uv_close((uv_handle_t *)&t->handle, timer_closed);
    }
}

/* ---- Tables --------------------------------------------------------------------------------------------- */

struct canon_linker_instance *wasi_offer(struct wasi *w, struct canon_linker *l,
                                         const struct wasi_interface *i)
{
    struct canon_linker_instance *instance = canon_linker_instance(l, i->name);
    for (const struct wasi_type_row *t = i->types; t && t->name; t++) {
        canon_linker_type(instance, t->name, t->type);
    }
    if (i->rows) {
        canon_linker_funcs(instance, i->rows, w);
    }
    return instance;
}

void wasi_link(struct wasi *w, struct canon_linker *l)
{
    wasi_link_io2(w, l);
    wasi_link_cli2(w, l);
    wasi_link_cli3(w, l);
    wasi_link_clocks(w, l);
    wasi_link_random(w, l);
}
