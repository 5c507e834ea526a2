/* waitables.c - Waitable and WaitableSet. What an event says is computed when it is delivered; until then a waitable only
 * remembers that there is one. */
#include "canon_internal.h"

#define PENDING offsetof(struct waitable, pending_at)
#define PLACE   offsetof(struct thread, set_at)

/* ---- Who waits for a set ------------------------------------------------------------------------------ */

/* Of the idle ones. */
static void make_last(struct waiters *w, u32 at)
{
    if (at != w->idle - 1) {
        picks_swap(&w->threads, at, w->idle - 1, PLACE);
    }
}

/* As many are awake as there are events, so that crowds that wait for one set cost nothing. But nobody stands in for those that wait for the
 * lock: each kind has its own. */
static void balance_kind(struct canon_store *s, struct waiters *w, u32 pending)
{
    void **threads = picks_data(&w->threads);
    while (!pending && w->idle < w->threads.len) {
        canon_thread_unwake(threads[w->idle++]);
    }
    while (w->idle && w->threads.len - w->idle < pending) {
        make_last(w, w->idle - 1 - canon_choose(s, CHOICE_WAITER, w->idle));
        canon_thread_wake(threads[--w->idle]);
    }
}

static inline void balance(struct canon_store *s, struct waitable_set *set)
{
    for (u32 k = 0; k < LENGTH_OF(set->waiters); k++) {
        if (set->waiters[k].threads.len && !s->freeing) {
            balance_kind(s, &set->waiters[k], canon_set_pending(set));
        }
    }
}

static struct waiters *waiters_of(const struct thread *th)
{
    return &th->on.set->waiters[th->wait == WAIT_CALLBACK];
}

void canon_set_add_waiter(struct thread *th)
{
    struct waitable_set *set = th->on.set;
    struct waiters *w = waiters_of(th);
    bool is_pending = canon_set_pending(set) > 0;
    set->num_waiting++;
    if (is_pending || th->wait == WAIT_SET || th->task->state != TASK_PENDING_CANCEL) {
        th->in_set = true;
        picks_add(&w->threads, th, PLACE);
        w->idle += !is_pending;
    }
}

void canon_set_let_go(struct thread *th)
{
    struct waiters *w = waiters_of(th);
    if (th->in_set) {
        if (th->set_at < w->idle) {
            make_last(w, th->set_at);
            w->idle--;
        }
        picks_remove(&w->threads, th, PLACE, false);
        th->in_set = false;
        if (w->idle) {
            balance(th->task->inst->store, th->on.set);
        }
    }
}

void canon_set_remove_waiter(struct thread *th)
{
    canon_set_let_go(th);
    th->on.set->num_waiting--;
}

void canon_set_free(struct canon_store *s, struct waitable_set *set)
{
    picks_free(&set->pending);
    picks_free(&set->waiters[0].threads);
    picks_free(&set->waiters[1].threads);
    canon_pool_put(&s->sets_pool, set);
}

/* ---- Events -------------------------------------------------------------------------------------------- */

static void link_pending(struct canon_store *s, struct waitable_set *set, struct waitable *w)
{
    picks_add(&set->pending, w, PENDING);
    balance(s, set);
}

static void unlink_pending(struct canon_store *s, struct waitable_set *set, struct waitable *w)
{
    picks_remove(&set->pending, w, PENDING, !s->config.choose);
    balance(s, set);
}

void canon_waitable_set_event(struct canon_store *s, struct waitable *w)
{
    if (!w->pending) {
        w->pending = true;
        if (w->set) {
            link_pending(s, w->set, w);
        }
    }
    if (w->waiter && canon_thread_condition(w->waiter)) {
        canon_thread_wake(w->waiter);
    }
}

static struct event subtask_event(struct subtask *sub)
{
    if (subtask_resolved(sub)) {
        canon_subtask_deliver_resolve(sub);
    }
    return (struct event){EVENT_SUBTASK, sub->index, sub->state};
}

/* get_pending_event */
struct event canon_waitable_take(struct canon_store *s, struct waitable *w)
{
    w->pending = false;
    if (w->set) {
        unlink_pending(s, w->set, w);
    }
    if (w->waiter && !canon_thread_condition(w->waiter)) {
        canon_thread_unwake(w->waiter);
    }
    return w->is_subtask ? subtask_event((struct subtask *)w)
                         : canon_end_event((struct canon_end *)w);
}

void canon_waitable_join(struct canon_store *s, struct waitable *w, struct waitable_set *set)
{
    struct waitable_set *old = w->set;
    if (old) {
        if (w->pending) {
            unlink_pending(s, old, w);
        }
        QUEUE_REMOVE(old->first, old->last, w, set);
        old->count--;
    }
    w->set = set;
    if (set) {
        QUEUE_APPEND(set->first, set->last, w, set);
        set->count++;
        if (w->pending) {
            link_pending(s, set, w);
        }
    }
}

struct event canon_set_take(struct canon_store *s, struct waitable_set *set)
{
    u32 n = canon_choose(s, CHOICE_EVENT, canon_set_pending(set));
    return canon_waitable_take(s, picks_get(&set->pending, n, PENDING));
}
