/* world.c - the time and the random numbers that guests get: of the machine, or made up from a seed. */
#include "wasi_internal.h"

#include <sys/random.h>
#include <time.h>

#define SECOND 1000000000u
/* Made-up clocks begin with the year 2026, and one second after a start that nobody has seen: some programs take 0 for "no time". */
#define WALL_START      1767225600u /* 2026-01-01T00:00:00Z */
#define MONOTONIC_START SECOND
#define OUTSIDE         0x6f75747369646521u /* so that hosts draw other numbers than the scheduler */

void wasi_world_init(struct wasi_world *x, const struct wasi_options *o)
{
    *x = (struct wasi_world){.is_made_up = o->has_seed, .now = MONOTONIC_START};
    x->random.state = o->seed ^ OUTSIDE;
}

/* ---- Clocks ------------------------------------------------------------------------------------------- */

static u64 nanoseconds(struct timespec t)
{
    return (u64)t.tv_sec * SECOND + (u64)t.tv_nsec;
}

static u64 read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return nanoseconds(t);
}

void wasi_pass(struct wasi_world *x, u64 time)
{
    x->now = time > UINT64_MAX - x->now ? UINT64_MAX : x->now + time;
}

void wasi_pass_until(struct wasi_world *x, u64 when)
{
    x->now = when > x->now ? when : x->now;
}

u64 wasi_time(const struct wasi_world *x)
{
    return x->is_made_up ? x->now : read_clock(CLOCK_MONOTONIC);
}

u64 wasi_now(struct wasi_world *x)
{
    if (x->is_made_up) {
        wasi_pass(x, WASI_TICK);
    }
    return wasi_time(x);
}

u64 wasi_elapsed(struct wasi_world *x, clockid_t clock)
{
    return x->is_made_up ? wasi_now(x) - MONOTONIC_START : read_clock(clock);
}

struct timespec wasi_wall(struct wasi_world *x)
{
    struct timespec t;
    if (!x->is_made_up) {
        clock_gettime(CLOCK_REALTIME, &t);
        return t;
    }
    u64 since = wasi_now(x) - MONOTONIC_START;
    return (struct timespec){.tv_sec = (time_t)(WALL_START + since / SECOND),
                             .tv_nsec = (long)(since % SECOND)};
}

struct timespec wasi_resolution(const struct wasi_world *x, clockid_t clock)
{
    struct timespec t = {.tv_nsec = WASI_TICK};
    if (!x->is_made_up) {
        clock_getres(clock, &t);
    }
    return t;
}

u64 wasi_nanoseconds(struct timespec t)
{
    u64 seconds = (u64)t.tv_sec;
    return seconds > UINT64_MAX / SECOND - 1 ? UINT64_MAX : nanoseconds(t);
}

/* ---- Random numbers ------------------------------------------------------------------------------------- */

void wasi_random_bytes(struct wasi_world *x, void *bytes, size_t n)
{
    char *at = bytes;
    while (n) {
        u64 drawn;
        ssize_t got;
        if (x->is_made_up) {
            drawn = canon_seed_next(&x->random);
            got = n < sizeof drawn ? (ssize_t)n : (ssize_t)sizeof drawn;
            memcpy(at, &drawn, (size_t)got);
        } else {
            got = getrandom(at, n, 0);
        }
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}
