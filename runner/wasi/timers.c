/* timers.c - who waits for which time, the next one first; of one time, who came first. */
#include "wasi_internal.h"

static bool is_before(const struct wasi_timer *a, const struct wasi_timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
}

/* ---- The heap: data[0] is the next ----------------------------------------------------------------------- */

static void put(struct wasi_timers *h, u32 at, struct wasi_timer *t)
{
    h->data[at] = t;
    t->at = at + 1;
}

static void rise(struct wasi_timers *h, u32 at, struct wasi_timer *t)
{
    while (at && is_before(t, h->data[(at - 1) / 2])) {
        put(h, at, h->data[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(h, at, t);
}

static void sink(struct wasi_timers *h, u32 at, struct wasi_timer *t)
{
    for (u32 child; (child = 2 * at + 1) < h->len; at = child) {
        child += child + 1 < h->len && is_before(h->data[child + 1], h->data[child]);
        if (!is_before(h->data[child], t)) {
            break;
        }
        put(h, at, h->data[child]);
    }
    put(h, at, t);
}

static void take_out(struct wasi_timers *h, struct wasi_timer *t)
{
    u32 at = t->at - 1;
    struct wasi_timer *last = h->data[--h->len];
    t->at = 0;
    if (last != t) {
        rise(h, at, last);
        sink(h, last->at - 1, last);
    }
}

/* ---- Waiting ---------------------------------------------------------------------------------------------- */

static void ring(uv_timer_t *alarm)
{
    struct wasi *w = alarm->data;
    if (w->world.is_made_up) {
        wasi_timers_jump(w);
    } else {
        wasi_timers_fire(w);
    }
}

void wasi_timers_arm(struct wasi *w)
{
    if (!w->timers.len) {
        uv_timer_stop(&w->alarm);
        return;
    }
    /* libuv counts milliseconds: round up. One that rings too early finds nobody, and is armed again. */
    u64 next = w->timers.data[0]->deadline;
    u64 now = wasi_time(&w->world);
    u64 left = next > now ? next - now : 0;
    uv_update_time(&w->loop);
    uv_timer_start(&w->alarm, ring, left / 1000000u + (left % 1000000u != 0), 0);
}

/* The alarm of the machine's clock is always set for the next one; that of a made-up clock only while it is waited for. */
static void changed(struct wasi *w)
{
    if (!w->world.is_made_up) {
        wasi_timers_arm(w);
    }
}

void wasi_timers_fire(struct wasi *w)
{
    struct wasi_timers *h = &w->timers;
    u64 now = wasi_time(&w->world);
    while (h->len && h->data[0]->deadline <= now) {
        struct wasi_timer *t = h->data[0];
        take_out(h, t);
        t->fn(t);
        mem_free(t);
    }
    changed(w);
}

void wasi_timers_jump(struct wasi *w)
{
    if (w->timers.len) {
        wasi_pass_until(&w->world, w->timers.data[0]->deadline);
        wasi_timers_fire(w);
    }
}

struct wasi_timer *wasi_timer_start(struct wasi *w, u64 deadline, wasi_timer_fn *fn, void *env)
{
    struct wasi_timers *h = &w->timers;
    struct wasi_timer *t = mem_alloc(sizeof *t);
    *t = (struct wasi_timer){
        .w = w, .deadline = deadline, .order = h->started++, .fn = fn, .env = env};
    if (h->len == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 8;
        h->data = mem_realloc(h->data, h->cap * sizeof(struct wasi_timer *));
    }
    rise(h, h->len++, t);
    if (t->at == 1) {
        changed(w);
    }
    return t;
}

void wasi_timer_stop(struct wasi_timer *t)
{
    if (!t->at) {
        return; /* it fires, and is freed after that */
    }
    struct wasi *w = t->w;
    bool was_next = t->at == 1;
    take_out(&w->timers, t);
    mem_free(t);
    if (was_next) {
        changed(w);
    }
}

void wasi_timers_free(struct wasi_timers *h)
{
    for (u32 i = 0; i < h->len; i++) {
        mem_free(h->data[i]);
    }
    mem_free(h->data);
}
