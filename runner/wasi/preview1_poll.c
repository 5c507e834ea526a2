/* preview1_poll.c - WASI 0.1: poll_oneoff, and waiting that --timeout and Ctrl-C can end. */
#include "preview1.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FOREVER UINT64_MAX

enum { SUBSCRIPTION_SIZE = 48, EVENT_SIZE = 32, CLOCK_ABSOLUTE = 1, SUBSCRIPTIONS_MAX = 4096 };
enum { EVENT_CLOCK, EVENT_READ, EVENT_WRITE };

/* Waits for descriptors, or so long by the machine's clock (FOREVER: no end). 0, an errno, or P1_ENDED; *over: the time is over. */
static u32 wait_for(struct wasi_preview1 *p, struct pollfd *fds, u32 count, u64 time, bool *over)
{
    const struct wasi_options *o = p->options;
    struct wasi_world machine = {0};
    u64 start = wasi_now(&machine);
    for (;;) {
        u64 gone = wasi_now(&machine) - start;
        u64 left = time == FOREVER ? FOREVER : time > gone ? time - gone : 0;
        u64 ms = left == FOREVER ? FOREVER : left / 1000000u + (left % 1000000u != 0);
        u64 allowed = o->time_left ? o->time_left() : FOREVER;
        u64 turn = ms < allowed ? ms : allowed;
        if (o->waiting)
            o->waiting(true);
        int n = poll(fds, count, turn > INT32_MAX ? (turn == FOREVER ? -1 : INT32_MAX) : (int)turn);
        int error = errno;
        if (o->waiting)
            o->waiting(false);
        *over = n <= 0 && time != FOREVER && wasi_now(&machine) - start >= time;
        if (n > 0 || *over)
            return 0;
        if (n < 0 && error != EINTR)
            return p1_errno(error);
        if (o->time_left && o->time_left() == 0) {
            engine_trap(p->task, "interrupted");
            return P1_ENDED;
        }
    }
}

/* Waits for descriptors or until a time of the monotonic clock (FOREVER: none). Time that is made up is waited for only if input may
 * come before. */
static u32 wait_until(struct wasi_preview1 *p, struct pollfd *fds, u32 count, u64 deadline)
{
    bool made_up = p->world.is_made_up, over = true;
    u64 now = wasi_time(&p->world), time = FOREVER;
    if (deadline != FOREVER)
        time = deadline > now ? deadline - now : 0;
    u32 error = made_up && !count && time != FOREVER ? 0 : wait_for(p, fds, count, time, &over);
    if (made_up && over)
        wasi_pass_until(&p->world, deadline);
    return error;
}

u32 p1_wait(struct wasi_preview1 *p, int host, short events)
{
    struct pollfd fd = {.fd = host, .events = events};
    if (poll(&fd, 1, 0) > 0)
        return 0;
    return wait_until(p, &fd, 1, FOREVER);
}

/* ---- poll_oneoff ----------------------------------------------------------------------------------------- */

struct subscription {
    u64 userdata;
    u8 kind;
    u32 error;    /* known at once */
    u64 deadline; /* of the monotonic clock */
    u32 fd;       /* of the guest */
    u32 poll;     /* index in the list of pollfds, UINT32_MAX: always ready */
};

/* The time that a clock subscription means, on the monotonic clock. */
static u64 deadline_of(struct wasi_world *world, const u8 *from, u32 *error)
{
    u32 id = p1_load32(from + 16);
    u64 timeout = p1_load64(from + 24), now = wasi_now(world), base = now;
    bool absolute = from[40] & CLOCK_ABSOLUTE;
    if (id > 1) {
        *error = p1_errno(id > 3 ? EINVAL : ENOTSUP);
        return 0;
    }
    if (absolute && id == 0)
        base = wasi_nanoseconds(wasi_wall(world));
    if (absolute)
        timeout = timeout > base ? timeout - base : 0;
    return timeout > FOREVER - 1 - now ? FOREVER - 1 : now + timeout;
}

static void read_subscription(struct wasi_preview1 *p, const u8 *from, struct subscription *s,
                              struct pollfd *polls, u32 *count)
{
    *s = (struct subscription){
        .userdata = p1_load64(from), .kind = from[8], .deadline = FOREVER, .poll = UINT32_MAX};
    if (s->kind == EVENT_CLOCK) {
        s->deadline = deadline_of(&p->world, from, &s->error);
        return;
    }
    s->fd = p1_load32(from + 16);
    const struct p1_fd *f = p1_get(p, s->fd);
    bool may = f && (s->kind == EVENT_READ ? f->reads : f->writes) && f->type != P1_DIRECTORY;
    if (s->kind > EVENT_WRITE)
        s->error = p1_errno(EINVAL);
    else if (!may)
        s->error = p1_errno(EBADF);
    else if (f->host >= 0 && f->type != P1_REGULAR) {
        s->poll = *count;
        polls[(*count)++] =
            (struct pollfd){.fd = f->host, .events = s->kind == EVENT_READ ? POLLIN : POLLOUT};
    }
}

/* How many bytes a read would give. */
static u64 readable(const struct p1_fd *f)
{
    struct stat s;
    int n = 0;
    if (f->host < 0)
        return 0;
    if (f->type == P1_REGULAR) {
        off_t at = lseek(f->host, 0, SEEK_CUR);
        return at >= 0 && fstat(f->host, &s) == 0 && s.st_size > at ? (u64)(s.st_size - at) : 0;
    }
    return ioctl(f->host, FIONREAD, &n) == 0 && n > 0 ? (u64)n : 0;
}

static bool is_ready(const struct subscription *s, const struct pollfd *polls, u64 now)
{
    if (s->error)
        return true;
    if (s->kind == EVENT_CLOCK)
        return s->deadline <= now;
    return s->poll == UINT32_MAX || polls[s->poll].revents;
}

static void put_event(struct wasi_preview1 *p, const struct subscription *s,
                      const struct pollfd *polls, u8 *to)
{
    memset(to, 0, EVENT_SIZE);
    p1_store64(to, s->userdata);
    p1_store16(to + 8, (u16)s->error);
    to[10] = s->kind;
    if (s->error || s->kind == EVENT_CLOCK)
        return;
    bool hangup = s->poll != UINT32_MAX && (polls[s->poll].revents & POLLHUP);
    p1_store64(to + 16, s->kind == EVENT_READ ? readable(p1_get(p, s->fd)) : 0);
    p1_store16(to + 24, hangup);
}

static u32 poll_all(struct wasi_preview1 *p, const u64 *a, struct arena *scratch)
{
    u32 n = (u32)a[2], polls_len = 0, events = 0;
    const u8 *from = p1_bytes(p, a[0], (u64)n * SUBSCRIPTION_SIZE);
    u8 *to = p1_bytes(p, a[1], (u64)n * EVENT_SIZE);
    if (!from || !to || !p1_bytes(p, a[3], 4))
        return p1_errno(EFAULT);
    if (n == 0 || n > SUBSCRIPTIONS_MAX)
        return p1_errno(EINVAL);
    struct subscription *list = arena_array(scratch, struct subscription, n);
    struct pollfd *polls = arena_array(scratch, struct pollfd, n);
    u64 deadline = FOREVER;
    for (u32 i = 0; i < n; i++) {
        read_subscription(p, from + (u64)i * SUBSCRIPTION_SIZE, &list[i], polls, &polls_len);
        bool at_once = list[i].error || (list[i].kind != EVENT_CLOCK && list[i].poll == UINT32_MAX);
        u64 till = at_once ? 0 : list[i].deadline;
        deadline = till < deadline ? till : deadline;
    }
    u32 error = wait_until(p, polls, polls_len, deadline);
    u64 now = wasi_now(&p->world);
    for (u32 i = 0; i < n && !error; i++) {
        if (is_ready(&list[i], polls, now))
            put_event(p, &list[i], polls, to + (u64)events++ * EVENT_SIZE);
    }
    return error ? error : p1_put32(p, a[3], events);
}

u32 p1_poll_oneoff(struct wasi_preview1 *p, const u64 *a)
{
    struct arena scratch = {0};
    u32 error = poll_all(p, a, &scratch);
    arena_free(&scratch);
    return error;
}
