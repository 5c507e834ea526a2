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
    struct wasi_fd *fd;               /* that it waits for */
};

/* A descriptor that can be waited for. Regular files and some devices are always ready. */
struct wasi_fd {
    int fd; /* -1: at its end from the start */
    bool opened, always_ready;
    uv_poll_t poll;
    struct wasi_waiter *waiters;
};

/* The time and the random numbers that guests get. Those of the machine; or, with a seed, made up, so that a run is repeatable: the
 * clocks go on by a tick when a guest looks at them and with each turn of the scheduler, and to the next time that somebody waits for
 * when nothing else can happen. Nobody waits for that in earnest, but for input that is not there yet. */
struct wasi_world {
    bool is_made_up;
    u64 now; /* nanoseconds of the made-up monotonic clock */
    struct canon_seed random;
};
#define WASI_TICK 1000u /* nanoseconds */
#define WASI_LOOK_TICKS \
    16u /* from one look of the scheduler at the outside to the next, while guests run */

struct wasi_timer;
typedef void wasi_timer_fn(struct wasi_timer *t);
/* Waits for a time of the monotonic clock (nanoseconds). Is freed when it has fired or was stopped. */
struct wasi_timer {
    struct wasi *w;
    u64 deadline, order;
    u32 at; /* place in the heap, from 1; 0: it fires */
    wasi_timer_fn *fn;
    void *env;
};
struct wasi_timers {
    struct wasi_timer **data; /* a heap */
    u32 len, cap;
    u64 started; /* so far */
};

/* What of `wasi:io` a host resource is. */
struct wasi_resources {
    struct canon_resource_type *io_error, *pollable, *input_stream, *output_stream;
    struct canon_resource_type *terminal_input[2], *terminal_output[2]; /* 0.2 and 0.3 */
};

struct wasi {
    const struct wasi_options *options;
    struct wasi_world world;
    uv_loop_t loop;
    struct wasi_timers timers;
    uv_timer_t alarm; /* for the next of them */
    struct wasi_fd input;
    struct wasi_resources resources;
    int output_error;
    struct wasi_writer *writers; /* all; cli3.c */
    uv_timer_t patience;         /* of wasi_wait */
    bool patience_ended;
    u64 insecure; /* state of the insecure generator */
};

void wasi_writers_free(struct wasi *w);

/* Readiness to read. The waiter is called once, from the loop. */
bool wasi_fd_ready(struct wasi *w, struct wasi_fd *f);
void wasi_fd_wait(struct wasi *w, struct wasi_fd *f, struct wasi_waiter *x);
void wasi_wait_cancel(struct wasi_waiter *x);
/* Reads what is there: bytes, 0 at the end, or -errno. */
ssize_t wasi_fd_read(struct wasi_fd *f, void *bytes, size_t n);
/* Writes all of it, to standard output or error. 0 or errno; -1 as descriptor takes everything. */
int wasi_write(struct wasi *w, int fd, const void *bytes, size_t n);

/* world.c. A look at a made-up clock takes a tick. */
void wasi_world_init(struct wasi_world *x, const struct wasi_options *o);
u64 wasi_now(struct wasi_world *x);                      /* monotonic clock, nanoseconds */
u64 wasi_time(const struct wasi_world *x);               /* the same, without a tick */
u64 wasi_elapsed(struct wasi_world *x, clockid_t clock); /* of the process or thread */
struct timespec wasi_wall(struct wasi_world *x);
struct timespec wasi_resolution(const struct wasi_world *x, clockid_t clock);
u64 wasi_nanoseconds(struct timespec t); /* at most UINT64_MAX */
void wasi_random_bytes(struct wasi_world *x, void *bytes, size_t n);
/* The made-up clock goes on. */
void wasi_pass(struct wasi_world *x, u64 time);
void wasi_pass_until(struct wasi_world *x, u64 when);

/* timers.c */
struct wasi_timer *wasi_timer_start(struct wasi *w, u64 deadline, wasi_timer_fn *fn, void *env);
void wasi_timer_stop(struct wasi_timer *t);
void wasi_timers_fire(struct wasi *w); /* those whose time has come */
void wasi_timers_jump(struct wasi *w); /* makes the next one's time come */
void wasi_timers_arm(
    struct wasi
        *w); /* the loop does one of both, when that time has gone by on the machine's clock */
void wasi_timers_free(struct wasi_timers *h);

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
