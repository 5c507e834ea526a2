/* wasi.c - the host object: its loop, descriptors and timers. */
#include "wasi_internal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static void init_timer(struct wasi *w, uv_timer_t *timer)
{
    uv_timer_init(&w->loop, timer);
    timer->data = w;
}

struct wasi *wasi_new(const struct wasi_options *options)
{
    struct wasi *w = mem_alloc(sizeof *w);
    w->options = options;
    w->input.fd = options->input;
    wasi_world_init(&w->world, options);
    uv_loop_init(&w->loop);
    init_timer(w, &w->alarm);
    init_timer(w, &w->patience);
    uv_unref((uv_handle_t *)&w->patience);
    wasi_random_bytes(&w->world, &w->insecure, sizeof w->insecure);
    w->insecure |= 1;
    return w;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void wasi_free(struct wasi *w)
{
    if (!w) {
        return;
    }
    uv_walk(&w->loop, close_handle, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    wasi_timers_free(&w->timers);
    wasi_writers_free(w);
    mem_free(w);
}

/* ---- The loop ------------------------------------------------------------------------------------------- */

/* While somebody waits for input, made-up time does not run ahead of the machine's. */
static void block(struct wasi *w)
{
    bool made_up = w->world.is_made_up;
    if (made_up && !uv_loop_alive(&w->loop)) {
        wasi_timers_jump(w);
        return;
    }
    if (made_up) {
        wasi_timers_arm(w);
    }
    uv_run(&w->loop, UV_RUN_ONCE);
    if (made_up) {
        uv_timer_stop(&w->alarm);
    }
}

static void look(struct wasi *w)
{
    if (w->world.is_made_up) {
        wasi_pass(&w->world, WASI_LOOK_TICKS * WASI_TICK);
        wasi_timers_fire(w);
    }
    uv_run(&w->loop, UV_RUN_NOWAIT);
}

static bool loop_poll(void *env, bool may_block)
{
    struct wasi *w = env;
    if (!w->timers.len && !uv_loop_alive(&w->loop)) {
        return false;
    }
    if (may_block) {
        block(w);
    } else {
        look(w);
    }
    return true;
}

static void patience_over(uv_timer_t *handle)
{
    ((struct wasi *)handle->data)->patience_ended = true;
}

enum wasi_turn wasi_wait(struct wasi *w, u64 milliseconds)
{
    w->patience_ended = false;
    uv_update_time(&w->loop);
    uv_timer_start(&w->patience, patience_over, milliseconds, 0);
    bool pending = loop_poll(w, true);
    uv_timer_stop(&w->patience);
    return !pending ? WASI_NOTHING : w->patience_ended ? WASI_TIMEOUT : WASI_PROGRESS;
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
    x->fd = f;
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
        if (!x->fd->waiters && !x->fd->always_ready) {
            uv_poll_stop(&x->fd->poll); /* else the loop would wait on for nobody */
        }
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
