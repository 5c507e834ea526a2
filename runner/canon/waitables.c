/* waitables.c - Waitable and WaitableSet. What an event says is computed when it is delivered; until then a waitable only
 * remembers that there is one. */
#include "canon_internal.h"

static void link_pending(struct waitable_set *set, struct waitable *w)
{
    QUEUE_APPEND(set->pending_first, set->pending_last, w, pending);
    set->pending_count++;
}

static void unlink_pending(struct waitable_set *set, struct waitable *w)
{
    QUEUE_REMOVE(set->pending_first, set->pending_last, w, pending);
    set->pending_count--;
}

static void wake_waiters(struct waitable_set *set)
{
    for (struct thread *th = set->waiters; th; th = th->set_next) {
        canon_thread_wake(th);
    }
}

void canon_waitable_set_event(struct canon_store *s, struct waitable *w)
{
    (void)s;
    if (!w->pending) {
        w->pending = true;
        if (w->set) {
            link_pending(w->set, w);
        }
    }
    if (w->set) {
        wake_waiters(w->set);
    }
    if (w->waiter) {
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
    (void)s;
    w->pending = false;
    if (w->set) {
        unlink_pending(w->set, w);
    }
    return w->is_subtask ? subtask_event((struct subtask *)w)
                         : canon_end_event((struct canon_end *)w);
}

void canon_waitable_join(struct canon_store *s, struct waitable *w, struct waitable_set *set)
{
    (void)s;
    struct waitable_set *old = w->set;
    if (old) {
        if (w->pending) {
            unlink_pending(old, w);
        }
        QUEUE_REMOVE(old->first, old->last, w, set);
        old->count--;
    }
    w->set = set;
    if (set) {
        QUEUE_APPEND(set->first, set->last, w, set);
        set->count++;
        if (w->pending) {
            link_pending(set, w);
            wake_waiters(set);
        }
    }
}

struct event canon_set_take(struct canon_store *s, struct waitable_set *set)
{
    u32 n = canon_choose(s, CHOICE_EVENT, set->pending_count);
    struct waitable *w = set->pending_first;
    while (n--) {
        w = w->pending_next;
    }
    return canon_waitable_take(s, w);
}
