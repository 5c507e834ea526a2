/* wait.c - memory.atomic.wait and notify. A task that waits stops there, if the store's user runs other tasks that can notify it. */
#include "engine_internal.h"

/* x: memory << 4 | size; y: offset. The address is s[0]. */
static int check(struct engine_task *t, const u64 *s, u64 x, u64 y, struct engine_memory **m)
{
    u64 size = x & 15, ea = s[0] + y;
    *m = t->inst->memories[x >> 4];
    if (ea & (size - 1))
        return TRAP_UNALIGNED;
    return ea < y || engine_outside(ea, size, (*m)->size) ? TRAP_MEMORY : TRAP_NONE;
}

/* ---- The tasks that wait, those that have waited longest first -------------------------------------------- */

static void leave(struct engine_task *t, enum wait_state state)
{
    if (t->wait.state == WAIT_STANDS)
        QUEUE_REMOVE(t->store->first_waiter, t->store->last_waiter, t, wait.line);
    t->wait.state = state;
}

void engine_leave_wait(struct engine_task *t)
{
    leave(t, WAIT_NOT);
}

/* ---- Instructions ------------------------------------------------------------------------------------------ */

int engine_out_atomic_notify(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    struct engine_memory *m;
    int r = check(t, s, x, y, &m);
    if (r != TRAP_NONE)
        return r;
    u64 at = s[0] + y;
    u32 most = (u32)s[1], woken = 0;
    struct engine_task *next;
    for (struct engine_task *w = t->store->first_waiter; w && woken < most; w = next) {
        next = w->wait.line_next;
        if (w->wait.memory != m || w->wait.at != at)
            continue;
        leave(w, WAIT_WOKEN);
        woken++;
    }
    s[0] = woken;
    return TRAP_NONE;
}

int engine_out_atomic_wait(struct engine_task *t, u64 *s, u64 x, u64 y)
{
    static const u64 results[] = {[WAIT_WOKEN] = 0, [WAIT_TIMED_OUT] = 2};
    enum wait_state state = t->wait.state;
    engine_leave_wait(t);
    if (state == WAIT_HOPELESS)
        return TRAP_WAIT_FOREVER;
    if (state != WAIT_NOT) { /* tried again after the wait */
        s[0] = results[state];
        return TRAP_NONE;
    }
    struct engine_memory *m;
    u64 value = 0, ea = s[0] + y;
    int r = check(t, s, x, y, &m);
    if (r != TRAP_NONE)
        return r;
    if (!m->type.is_shared)
        return TRAP_WAIT;
    memcpy(&value, m->data + ea, x & 15);
    if (value != s[1]) {
        s[0] = 1;
        return TRAP_NONE;
    }
    bool forever = (i64)s[2] < 0;
    if (!t->store->lets_wait || t->nest) {
        s[0] = 2;
        return forever ? TRAP_WAIT_FOREVER : TRAP_NONE;
    }
    t->wait = (struct task_wait){.state = WAIT_STANDS, .memory = m, .at = ea, .forever = forever};
    QUEUE_APPEND(t->store->first_waiter, t->store->last_waiter, t, wait.line);
    return RUN_SUSPEND;
}

void engine_let_wait(struct engine_store *s, bool on)
{
    s->lets_wait = on;
}

bool engine_waits(const struct engine_task *t, bool *forever)
{
    *forever = t->wait.forever;
    return t->wait.state == WAIT_STANDS;
}

void engine_end_wait(struct engine_task *t)
{
    if (t->wait.state == WAIT_STANDS)
        leave(t, t->wait.forever ? WAIT_HOPELESS : WAIT_TIMED_OUT);
}
