/* ready.c - the threads that may run, and which of them does.
 *
 * Whoever changes what a thread waits for puts it on a queue of its instance, with the number of that turn; the lowest number runs first. Those
 * that need the lock of the instance, or that wait at its gate, have queues of their own, which are closed as a whole: however many wait there,
 * nobody walks past them. The instances with an open queue are a heap, by the lowest number. A thread on a queue may have stopped being ready
 * (another one took the event): it is taken off when its turn comes. */
#include "canon_internal.h"

#include <stdlib.h>

/* ---- Queues ------------------------------------------------------------------------------------------ */

enum { NEEDS_LOCK = 1, AT_GATE = 2 }; /* bits of the number of a queue */

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

/* ---- The heap of instances --------------------------------------------------------------------------- */

static void place(struct canon_store *s, u32 at, struct open_instance o)
{
    s->open.data[at] = o;
    o.inst->open_at = at + 1;
}

static void sift(struct canon_store *s, u32 at, struct open_instance o)
{
    struct open_instance *heap = s->open.data;
    u32 child;
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
}

/* The first of a queue, the lock or the gate of i has changed. */
static void update(struct component_instance *i)
{
    struct canon_store *s = i->store;
    struct open_instance o = {UINT64_MAX, i};
    for (u32 q = 0; q < READY_QUEUES; q++) {
        if (i->ready[q].first && is_open(i, q) && turn_of(i->ready[q].first) < o.turn) {
            o.turn = turn_of(i->ready[q].first);
        }
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
        if (last.inst != i) {
            sift(s, at, last);
        }
    }
}

void canon_thread_wake(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    if (th->state == THREAD_WAITING && !th->in_ready) {
        struct thread_queue *q = &i->ready[queue_of(th)];
        th->turn = ++i->store->turns;
        th->in_ready = true;
        QUEUE_APPEND(q->first, q->last, th, ready);
        update(i);
    }
}

void canon_thread_unwake(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    if (th->in_ready) {
        struct thread_queue *q = &i->ready[queue_of(th)];
        QUEUE_REMOVE(q->first, q->last, th, ready);
        th->in_ready = false;
        update(i);
    }
}

void canon_lock(struct thread *th)
{
    th->task->inst->exclusive_thread = th;
    update(th->task->inst);
}

void canon_unlock(struct component_instance *i)
{
    i->exclusive_thread = NULL;
    update(i);
}

void canon_backpressure_changed(struct component_instance *i)
{
    if (!i->backpressure) {
        i->opened = ++i->store->turns;
    }
    update(i);
}

/* ---- Choosing ---------------------------------------------------------------------------------------- */

/* The queues whose threads have entered: those are the threads of an instance in the specification's sense. */
#define ENTERED AT_GATE

/* The first ready thread of an instance, of its first so many queues. */
static struct thread *first_of(struct component_instance *i, u32 queues)
{
    struct thread *best = NULL;
    for (u32 q = 0; q < queues; q++) {
        struct thread *th = NULL;
        while (is_open(i, q) && (th = i->ready[q].first)) {
            i->store->looked++;
            if (canon_thread_ready(th)) {
                break;
            }
            canon_thread_unwake(th);
        }
        if (th && (!best || comes_before(th, best))) {
            best = th;
        }
    }
    return best;
}

static struct thread *first_of_all(struct canon_store *s)
{
    while (s->open.len) {
        struct component_instance *i = s->open.data[0].inst;
        struct thread *th = first_of(i, READY_QUEUES);
        if (th && s->open.data[0].inst == i) {
            return th;
        }
    }
    return NULL;
}

static int by_turn(const void *a, const void *b)
{
    return comes_before(*(struct thread *const *)a, *(struct thread *const *)b) ? -1 : 1;
}

static void add_all(struct component_instance *i, u32 queues)
{
    struct canon_store *s = i->store;
    for (u32 q = 0; q < queues; q++) {
        for (struct thread *th = i->ready[q].first; th && is_open(i, q); th = th->ready_next) {
            *vec_push(&s->arena, &s->candidates) = th;
        }
    }
}

/* All ready threads in the order of their turns, in s->candidates. */
static void collect(struct canon_store *s, struct component_instance *i,
                    const struct thread *favourite)
{
    u32 n = 0;
    s->candidates.len = 0;
    if (i) {
        add_all(i, ENTERED);
    }
    for (u32 k = 0; !i && k < s->open.len; k++) {
        add_all(s->open.data[k].inst, READY_QUEUES);
    }
    s->looked += s->candidates.len;
    for (u32 k = 0; k < s->candidates.len; k++) {
        struct thread *th = s->candidates.data[k];
        if (!canon_thread_ready(th)) {
            canon_thread_unwake(th);
        } else if (th != favourite) {
            s->candidates.data[n++] = th;
        }
    }
    s->candidates.len = n;
    if (n > 1) {
        qsort(s->candidates.data, n, sizeof *s->candidates.data, by_turn);
    }
}

struct thread *canon_pick_thread(struct canon_store *s, struct component_instance *i,
                                 enum canon_choice kind, struct thread *favourite)
{
    if (favourite && !(favourite->index && canon_thread_ready(favourite))) {
        favourite = NULL;
    }
    if (!s->config.choose) {
        return favourite ? favourite : i ? first_of(i, ENTERED) : first_of_all(s);
    }
    collect(s, i, favourite);
    u32 before = favourite != NULL, n = s->candidates.len + before;
    u32 choice = n ? canon_choose(s, kind, n) : 0;
    if (choice < before) {
        return favourite;
    }
    return n ? s->candidates.data[choice - before] : NULL;
}

bool canon_has_ready(const struct canon_store *s)
{
    for (u32 k = 0; k < s->open.len; k++) {
        const struct component_instance *i = s->open.data[k].inst;
        for (u32 q = 0; q < READY_QUEUES; q++) {
            const struct thread *th = is_open(i, q) ? i->ready[q].first : NULL;
            while (th && !canon_thread_ready(th)) {
                th = th->ready_next;
            }
            if (th) {
                return true;
            }
        }
    }
    return false;
}
