/* What the hosts share: the loop, waiting for descriptors and times, tables of interfaces. */
#ifndef WITC_WASI_INTERNAL_H
#define WITC_WASI_INTERNAL_H

#include "wasi.h"

#include <uv.h>

#define WASI_CHUNK 65536u /* most bytes that one read or write moves */

struct wasi_waiter;
typedef void wasi_waiter_fn(struct wasi_waiter *x);
/* Somebody who waits for a descriptor. Intrusive: part of the waiting object. */
struct wasi_waiter {
    wasi_waiter_fn *fn;
    struct wasi_waiter *next, **link; /* link NULL: waits for nothing */
};

/* A descriptor that can be waited for. Regular files and some devices are always ready. */
struct wasi_fd {
    int fd; /* -1: at its end from the start */
    bool opened, always_ready;
    uv_poll_t poll;
    struct wasi_waiter *waiters;
};

struct wasi_timer;
typedef void wasi_timer_fn(struct wasi_timer *t);
/* Waits for a time of the monotonic clock (nanoseconds). Frees itself when it has fired or was stopped. */
struct wasi_timer {
    uv_timer_t handle;
    u64 deadline;
    wasi_timer_fn *fn;
    void *env;
};

/* What of `wasi:io` a host resource is. */
struct wasi_resources {
    struct canon_resource_type *io_error, *pollable, *input_stream, *output_stream;
    struct canon_resource_type *terminal_input[2], *terminal_output[2]; /* 0.2 and 0.3 */
};

struct wasi {
    const struct wasi_options *options;
    uv_loop_t loop;
    struct wasi_fd input;
    struct wasi_resources resources;
    int output_error;
    uv_timer_t patience; /* of wasi_wait */
    bool patience_ended;
    u64 insecure; /* state of the insecure generator */
};

/* Readiness to read. The waiter is called once, from the loop. */
bool wasi_fd_ready(struct wasi *w, struct wasi_fd *f);
void wasi_fd_wait(struct wasi *w, struct wasi_fd *f, struct wasi_waiter *x);
void wasi_wait_cancel(struct wasi_waiter *x);
/* Reads what is there: bytes, 0 at the end, or -errno. */
ssize_t wasi_fd_read(struct wasi_fd *f, void *bytes, size_t n);
/* Writes all of it, to standard output or error. 0 or errno; -1 as descriptor takes everything. */
int wasi_write(struct wasi *w, int fd, const void *bytes, size_t n);

u64 wasi_now(void); /* monotonic clock */
u64 wasi_resolution(clockid_t clock);
struct wasi_timer *wasi_timer_start(struct wasi *w, u64 deadline, wasi_timer_fn *fn, void *env);
void wasi_timer_stop(struct wasi_timer *t);

void wasi_random_bytes(void *bytes, size_t n);

/* ---- Tables ---- */

struct wasi_type_row {
    const char *name, *type; /* as canon_linker_type takes them */
};
struct wasi_interface {
    const char *name;                  /* "wasi:cli/stdout@0.3.0" */
    const struct wasi_type_row *types; /* may be NULL; ended by a NULL name */
    const struct canon_host_row *rows; /* may be NULL */
};
/* Puts an interface into the linker. */
struct canon_linker_instance *wasi_offer(struct wasi *w, struct canon_linker *l,
                                         const struct wasi_interface *i);

void wasi_link_cli3(struct wasi *w, struct canon_linker *l);
void wasi_link_cli2(struct wasi *w, struct canon_linker *l);
void wasi_link_io2(struct wasi *w, struct canon_linker *l);
void wasi_link_clocks(struct wasi *w, struct canon_linker *l);
void wasi_link_random(struct wasi *w, struct canon_linker *l);

/* The functions of environment, exit and terminal, which 0.2 and 0.3 have in common. */
extern const struct canon_host_row wasi_environment2_rows[], wasi_environment3_rows[],
    wasi_exit_rows[];
void wasi_link_terminal(struct wasi *w, struct canon_linker *l, u32 which, const char *version);

/* A pollable of wasi:io 0.2. */
enum wasi_pollable_kind { POLLABLE_READY, POLLABLE_TIME, POLLABLE_FD };
struct wasi_pollable {
    enum wasi_pollable_kind kind;
    u64 deadline;
    struct wasi_fd *fd;
};
struct canon_value wasi_pollable_value(struct wasi *w, struct wasi_pollable p);
/* The standard streams of wasi:io 0.2, as owned handles. */
struct canon_value wasi_input_stream(struct wasi *w);
struct canon_value wasi_output_stream(struct wasi *w, int fd);

#endif
