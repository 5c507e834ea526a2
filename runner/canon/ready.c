/* ready.c - the threads that may run, and which of them does.
 *
 * Whoever makes a thread ready puts it on a queue of its instance, with the number of that turn; the lowest number runs first. Those
 * that need the lock of the instance, or that wait at its gate, have queues of their own, which are closed as a whole: however many wait there,
 * nobody walks past them. The instances with an open queue are a heap, by the lowest number.
 *
 * Under a `choose` order does not count, but the number of all that are ready does: each instance in the heap knows how many there are with it
 * and below it, so that the thread of a number is found on one way down. */
#include "canon_internal.h"

/* ---- Queues ------------------------------------------------------------------------------------------ */

enum { NEEDS_LOCK = 1, AT_GATE = 2 }; /* bits of the number of a queue */
enum {
    LOCKED = 1 << NEEDS_LOCK | 1 << (NEEDS_LOCK | AT_GATE),
    GATED = 1 << AT_GATE | 1 << (NEEDS_LOCK | AT_GATE)
};

#define PLACE offsetof(struct thread, ready_at)

static u32 queue_of(const struct thread *th)
{
    switch ((enum wait_kind)th->wait) {
    case WAIT_GATE: return AT_GATE | (canon_needs_lock(th->task) ? NEEDS_LOCK : 0);
    case WAIT_CALLBACK:
    case WAIT_UNLOCKED: return NEEDS_LOCK;
    default: return 0;
    }
}

static bool is_open(const struct component_instance *i, u32 queue)
{
    return !(queue & NEEDS_LOCK && i->exclusive_thread) && !(queue & AT_GATE && i->backpressure);
}

/* Those at the gate have become ready when it was opened. */
static u64 turn_of(const struct thread *th)
{
    u64 opened = th->wait == WAIT_GATE ? th->task->inst->opened : 0;
    return th->turn > opened ? th->turn : opened;
}

static bool comes_before(const struct thread *a, const struct thread *b)
{
    u64 x = turn_of(a), y = turn_of(b);
    return x < y || (x == y && a->turn < b->turn);
}

static struct thread *first_in(struct component_instance *i, u32 queue)
{
    return i->ready[queue].len && is_open(i, queue) ? picks_first(&i->ready[queue]) : NULL;
}

/* The ready threads of an instance on its first so many queues. */
static u32 count_of(const struct component_instance *i, u32 queues)
{
    u32 n = 0;
    for (u32 q = 0; q < queues; q++) {
        n += is_open(i, q) ? picks_count(&i->ready[q]) : 0;
    }
    return n;
}

/* ---- The heap of instances --------------------------------------------------------------------------- */

static u32 below(const struct canon_store *s, u32 at)
{
    return at < s->open.len ? s->open.data[at].below : 0;
}

/* Something has changed at this place. */
static inline void recount(struct canon_store *s, u32 at)
{
    for (bool more = s->config.choose && s->open.len; more; at = (at - 1) / 2) {
        if (at < s->open.len) {
            struct open_instance *o = &s->open.data[at];
            o->below = o->ready + below(s, 2 * at + 1) + below(s, 2 * at + 2);
        }
        more = at > 0;
    }
}

static void place(struct canon_store *s, u32 at, struct open_instance o)
{
    s->open.data[at] = o;
    o.inst->open_at = at + 1;
}

static void sift(struct canon_store *s, u32 at, struct open_instance o)
{
    struct open_instance *heap = s->open.data;
    u32 child, deepest = at;
    for (; at && o.turn < heap[(at - 1) / 2].turn; at = (at - 1) / 2) {
        place(s, at, heap[(at - 1) / 2]);
    }
    while ((child = 2 * at + 1) < s->open.len) {
        child += child + 1 < s->open.len && heap[child + 1].turn < heap[child].turn;
        if (o.turn <= heap[child].turn) {
            break;
        }
        place(s, at, heap[child]);
        at = child;
    }
    place(s, at, o);
    recount(s, at > deepest ? at : deepest);
}

/* The first of a queue, the lock or the gate of i has changed. */
static void update(struct component_instance *i)
{
    struct canon_store *s = i->store;
    struct open_instance o = {.turn = UINT64_MAX, .inst = i};
    for (u32 left = i->filled, q; left; left &= left - 1) {
        q = (u32)__builtin_ctz(left);
        if (is_open(i, q)) {
            u64 turn = turn_of(picks_first(&i->ready[q]));
            o.turn = turn < o.turn ? turn : o.turn;
        }
    }
    if (s->config.choose) {
        o.ready = count_of(i, READY_QUEUES);
    } else if (i->open_at && s->open.data[i->open_at - 1].turn == o.turn) {
        return;
    }
    if (o.turn != UINT64_MAX) {
        if (!i->open_at) {
            vec_push(&s->arena, &s->open);
            i->open_at = s->open.len;
        }
        sift(s, i->open_at - 1, o);
    } else if (i->open_at) {
        u32 at = i->open_at - 1;
        struct open_instance last = s->open.data[--s->open.len];
        i->open_at = 0;
        recount(s, s->open.len);
        if (last.inst != i) {
            sift(s, at, last);
        }
    }
}

void canon_thread_wake(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    if (th->state == THREAD_WAITING && !th->in_ready) {
        u32 q = queue_of(th);
        th->turn = ++i->store->turns;
        th->in_ready = true;
        picks_add(&i->ready[q], th, PLACE);
        i->filled |= (u8)(1 << q);
        update(i);
    }
}

void canon_thread_unwake(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    if (th->in_ready) {
        u32 q = queue_of(th);
        picks_remove(&i->ready[q], th, PLACE, !i->store->config.choose);
        i->filled &= (u8) ~(!i->ready[q].len << q);
        th->in_ready = false;
        update(i);
    }
}

void canon_lock(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    i->exclusive_thread = th;
    if (i->filled & LOCKED) {
        update(i);
    }
}

void canon_unlock(struct component_instance *i)
{
    i->exclusive_thread = NULL;
    if (i->filled & LOCKED) {
        update(i);
    }
}

void canon_backpressure_changed(struct component_instance *i)
{
    if (!i->backpressure) {
        i->opened = ++i->store->turns;
    }
    if (i->filled & GATED) {
        update(i);
    }
}

/* ---- Choosing ---------------------------------------------------------------------------------------- */

/* The queues whose threads have entered: those are the threads of an instance in the specification's sense. */
#define ENTERED AT_GATE

/* The first ready thread of an instance, of its first so many queues. */
static struct thread *first_of(struct component_instance *i, u32 queues)
{
    struct thread *best = NULL;
    for (u32 q = 0; q < queues; q++) {
        struct thread *th = first_in(i, q);
        i->store->looked += th != NULL;
        if (th && (!best || comes_before(th, best))) {
            best = th;
        }
    }
    return best;
}

/* The one of a number below count_of. */
static struct thread *thread_of_number(struct component_instance *i, u32 number)
{
    for (u32 q = 0;; q++) {
        u32 n = is_open(i, q) ? picks_count(&i->ready[q]) : 0;
        if (number < n) {
            return picks_get(&i->ready[q], number, PLACE);
        }
        number -= n;
    }
}

static u32 number_of(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    u32 q = queue_of(th);
    return count_of(i, q) + picks_number(&i->ready[q], th, PLACE);
}

/* The one of a number below the count of all. */
static struct thread *thread_of_all(struct canon_store *s, u32 number)
{
    for (u32 at = 0;;) {
        u32 left = 2 * at + 1, n = below(s, left);
        const struct open_instance *o = &s->open.data[at];
        s->looked++;
        if (number < n) {
            at = left;
        } else if (number - n < o->ready) {
            return thread_of_number(o->inst, number - n);
        } else {
            number -= n + o->ready;
            at = left + 1;
        }
    }
}

static struct thread *choose_thread(struct canon_store *s, struct component_instance *i,
                                    enum canon_choice kind, struct thread *favourite)
{
    u32 n = i ? count_of(i, ENTERED) : below(s, 0);
    if (favourite) {
        bool is_counted = favourite->in_ready;
        u32 choice = canon_choose(s, kind, n + !is_counted);
        if (!choice) {
            return favourite;
        }
        choice -= !is_counted || choice <= number_of(favourite);
        return thread_of_number(i, choice);
    }
    if (!n) {
        return NULL;
    }
    u32 choice = canon_choose(s, kind, n);
    return i ? thread_of_number(i, choice) : thread_of_all(s, choice);
}

struct thread *canon_pick_thread(struct canon_store *s, struct component_instance *i,
                                 enum canon_choice kind, struct thread *favourite)
{
    if (favourite && !(favourite->index && canon_thread_ready(favourite))) {
        favourite = NULL;
    }
    if (s->config.choose) {
        return choose_thread(s, i, kind, favourite);
    }
    return favourite     ? favourite
           : i           ? first_of(i, ENTERED)
           : s->open.len ? first_of(s->open.data[0].inst, READY_QUEUES)
                         : NULL;
}

bool canon_has_ready(const struct canon_store *s)
{
    return s->open.len > 0;
}
