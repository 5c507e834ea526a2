/* threads.c - threads: their life, what they wait for, how they run. One that runs core code has an engine task of its own; when it calls another
 * thread (a guest's call of a guest) its code is suspended and the other's `resumer` points back to it. So the chain of
 * callers is a list on the heap, and canon_drive is a loop. Which thread runs next is in ready.c. */
#include "canon_internal.h"

/* ---- Life ---------------------------------------------------------------------------------------- */

struct thread *canon_thread_new(struct task *task, enum step (*then)(struct thread *))
{
    struct canon_store *s = task->inst->store;
    struct thread *th = canon_pool_get(s, &s->threads_pool);
    th->task = task;
    th->then = then;
    th->state = THREAD_SUSPENDED;
    LIST_PUSH(s->threads, th, all);
    s->thread_count++;
    task->live_threads++;
    return th;
}

void canon_thread_free(struct thread *th)
{
    struct task *task = th->task;
    struct canon_store *s = task->inst->store;
    if (th->state == THREAD_WAITING) {
        canon_thread_stop_waiting(th);
    }
    if (th->et) {
        engine_task_free(th->et);
    }
    LIST_REMOVE(s->threads, th, all);
    s->thread_count--;
    if (task->implicit == th) {
        task->implicit = NULL;
    }
    canon_pool_put(&s->threads_pool, th);
    task->live_threads--;
    canon_task_release(task);
}

bool canon_thread_register(struct thread *th)
{
    struct component_instance *i = th->task->inst;
    if (i->threads.free_len) {
        th->index = i->threads.free[--i->threads.free_len];
    } else {
        if (i->threads.len >= THREAD_MAX_LENGTH) {
            return canon_fail(i->store, i, "thread table has no free keys");
        }
        if (i->threads.len == i->threads.cap) {
            u32 cap = i->threads.cap ? 2 * i->threads.cap : 4;
            engine_keep(i->store->engine, (cap - i->threads.cap) * sizeof(struct thread *));
            i->threads.data = mem_realloc(i->threads.data, cap * sizeof(struct thread *));
            i->threads.cap = cap;
        }
        th->index = ++i->threads.len;
    }
    i->threads.data[th->index - 1] = th;
    th->task->thread_count++;
    return true;
}

bool canon_thread_unregister(struct thread *th)
{
    struct task *t = th->task;
    struct component_instance *i = t->inst;
    if (--t->thread_count == 0 && t->state != TASK_RESOLVED) {
        return canon_fail(i->store, i,
                          "async-lifted export failed to produce a result"); /* and never will */
    }
    i->threads.data[th->index - 1] = NULL;
    if (i->threads.free_len == i->threads.free_cap) {
        u32 cap = i->threads.free_cap ? 2 * i->threads.free_cap : 4;
        engine_keep(i->store->engine, (cap - i->threads.free_cap) * sizeof(u32));
        i->threads.free = mem_realloc(i->threads.free, cap * sizeof(u32));
        i->threads.free_cap = cap;
    }
    i->threads.free[i->threads.free_len++] = th->index;
    th->index = 0;
    return true;
}

struct thread *canon_thread_get(struct component_instance *i, u32 index)
{
    if (index == 0 || index > i->threads.len || !i->threads.data[index - 1]) {
        canon_fail(i->store, i, "unknown thread index %u", index);
        return NULL;
    }
    return i->threads.data[index - 1];
}

/* ---- Waiting --------------------------------------------------------------------------------------- */

bool canon_thread_condition(const struct thread *th)
{
    const struct task *t = th->task;
    switch ((enum wait_kind)th->wait) {
    case WAIT_ALWAYS:
    case WAIT_UNLOCKED: return true;
    case WAIT_GATE: return t->inst->backpressure == 0;
    case WAIT_SET: return canon_set_pending(th->on.set) > 0;
    case WAIT_CALLBACK: return canon_set_pending(th->on.set) > 0 || t->state == TASK_PENDING_CANCEL;
    case WAIT_EVENT: return th->on.waitable->pending;
    case WAIT_SUBTASK: return subtask_resolved(th->on.subtask);
    default: return false;
    }
}

bool canon_thread_ready(const struct thread *th)
{
    if (th->state != THREAD_WAITING || !canon_thread_condition(th)) {
        return false;
    }
    bool locked = th->task->inst->exclusive_thread != NULL;
    switch ((enum wait_kind)th->wait) {
    case WAIT_GATE: return !locked || !canon_needs_lock(th->task);
    case WAIT_CALLBACK:
    case WAIT_UNLOCKED: return !locked;
    default: return true;
    }
}

void canon_thread_cancel(struct thread *th)
{
    if (th->state == THREAD_WAITING && th->wait == WAIT_CALLBACK) {
        canon_set_let_go(th);
        canon_thread_wake(th);
    }
}

void canon_thread_start_waiting(struct thread *th, enum wait_kind kind, void *on)
{
    th->state = THREAD_WAITING;
    th->wait = (u8)kind;
    switch (kind) {
    case WAIT_SET:
    case WAIT_CALLBACK:
        th->on.set = on;
        canon_set_add_waiter(th);
        break;
    case WAIT_EVENT:
        th->on.waitable = on;
        th->on.waitable->waiter = th;
        break;
    case WAIT_SUBTASK:
        th->on.subtask = on;
        th->on.subtask->w.waiter = th;
        break;
    default: break;
    }
    if (kind == WAIT_GATE || canon_thread_condition(th)) {
        canon_thread_wake(th);
    }
}

void canon_thread_stop_waiting(struct thread *th)
{
    canon_thread_unwake(th);
    switch ((enum wait_kind)th->wait) {
    case WAIT_SET:
    case WAIT_CALLBACK: canon_set_remove_waiter(th); break;
    case WAIT_EVENT: th->on.waitable->waiter = NULL; break;
    case WAIT_SUBTASK: th->on.subtask->w.waiter = NULL; break;
    default: break;
    }
    th->wait = WAIT_NOTHING;
    th->state = THREAD_SUSPENDED;
}

bool canon_thread_wait_until(struct thread *th, enum wait_kind kind, void *on)
{
    struct canon_store *s = th->task->inst->store;
    bool goes_on = kind == WAIT_SET || kind == WAIT_SUBTASK;
    canon_thread_start_waiting(th, kind, on);
    if (canon_thread_ready(th) &&
        (canon_choose(s, CHOICE_BLOCK_WHEN_READY, 2) == 0 ? goes_on : !goes_on)) {
        canon_thread_stop_waiting(th);
        th->state = THREAD_RUNNING;
        return true;
    }
    return false;
}

bool canon_has_waiting(const struct canon_store *s)
{
    for (struct thread *th = s->threads; th; th = th->all_next) {
        if (th->state == THREAD_WAITING) {
            return true;
        }
    }
    return false;
}

/* ---- Running ------------------------------------------------------------------------------------------- */

static enum step after_core(struct thread *th, enum engine_outcome outcome)
{
    struct component_instance *i = th->task->inst;
    struct canon_store *s = i->store;
    switch (outcome) {
    case ENGINE_DONE: return th->body(th);
    case ENGINE_TRAPPED: canon_fail_core(s, i, th->et); return STEP_TRAP;
    default: break;
    }
    enum step step = s->step;
    s->step = STEP_NONE;
    if (step == STEP_NONE) {
        canon_fail(s, i, "all fuel consumed");
        return STEP_TRAP;
    }
    return step;
}

enum step canon_start_core(struct thread *th, struct engine_func *f, const u64 *slots)
{
    if (!th->et) {
        th->et = engine_task_new(th->task->inst->store->engine);
    }
    return after_core(th, engine_start(th->et, f, slots));
}

enum step canon_resume_core(struct thread *th, const u64 *results)
{
    th->doing = NULL;
    return after_core(th, engine_resume(th->et, results));
}

enum step canon_resume_core_u32(struct thread *th, u32 result)
{
    u64 slot = result;
    return canon_resume_core(th, &slot);
}

enum engine_outcome canon_suspend(struct canon_store *s, enum step step, struct thread *to,
                                  enum step (*then)(struct thread *))
{
    s->current->then = then;
    s->step = step;
    s->step_to = to;
    return ENGINE_SUSPENDED;
}

static void start_running(struct thread *th)
{
    if (th->state == THREAD_WAITING) {
        canon_thread_stop_waiting(th);
    }
    th->state = THREAD_RUNNING;
}

static struct thread *step_back(struct thread *th)
{
    struct thread *back = th->resumer;
    th->resumer = NULL;
    return back;
}

void canon_thread_add_resumer(struct thread *to, struct thread *th)
{
    while (to->resumer) {
        to = to->resumer;
    }
    to->resumer = th;
}

/* What th adds to the chain of those that wait: its stack, and a little for what is around it. */
u64 canon_chain_with(const struct thread *th)
{
    return th ? th->chain + 64 + (th->et ? engine_task_slots(th->et) : 0) : 0;
}

u64 canon_chain_room(const struct thread *th)
{
    struct canon_store *s = th->task->inst->store;
    u64 chain = canon_chain_with(th);
    if (chain / CHAIN_STACKS <= engine_max_slots(s->engine)) {
        return chain;
    }
    canon_fail(s, th->task->inst, "call stack exhausted");
    return 0;
}

/* Of a long chain of calls so many at either end are told whole. */
#define CHAIN_TOLD 32

/* Frames of th, if it is not what trapped, and of all that wait for it. */
static void add_frames(struct canon_store *s, struct thread *th)
{
    struct arena a = {0};
    u32 length = 0, at = 0;
    for (struct thread *x = th; x; x = x->resumer) {
        length += x->et != NULL;
    }
    for (struct thread *x = th; x; x = x->resumer) {
        if (x->et) {
            struct engine_frames frames = engine_backtrace(x->et, &a);
            if (at < CHAIN_TOLD || at + CHAIN_TOLD >= length) {
                engine_add_frames(&s->arena, &s->trap.frames, &frames);
            } else {
                s->trap.frames.left_out += frames.count + frames.left_out;
            }
            at++;
            arena_reset(&a);
        }
    }
    arena_free(&a);
}

/* Locks the instances of th and of all that wait for it. */
static void lock_chain(struct canon_store *s, struct thread *th)
{
    for (; th; th = th->resumer) {
        th->task->inst->root->locked = true;
    }
    canon_lock_roots(s);
}

/* A thread blocks in what it is doing, or goes on from there; a new one does nothing yet. */
static void trace_thread(struct canon_store *s, enum canon_event e, struct thread *th)
{
    if (s->config.trace && th->doing) {
        canon_trace_event(s, e, th, th->doing);
    }
}

bool canon_drive(struct canon_store *s, struct thread *th)
{
    th->resumer = NULL;
    th->chain = 0;
    trace_thread(s, TRACE_RESUME, th);
    start_running(th);
    while (th) {
        s->current = th;
        s->context = th->storage;
        enum step step = th->then(th);
        if (s->failed) {
            step = STEP_TRAP;
        }
        struct thread *to = s->step_to;
        switch (step) {
        case STEP_BLOCK:
            trace_thread(s, TRACE_BLOCK, th);
            th = step_back(th);
            break;
        case STEP_CALL:
            canon_thread_add_resumer(to, th);
            to->chain = canon_chain_with(to->resumer);
            start_running(to);
            th = to;
            break;
        case STEP_SWITCH:
            trace_thread(s, TRACE_BLOCK, th);
            trace_thread(s, TRACE_RESUME, to);
            to->resumer = step_back(th);
            to->chain = canon_chain_with(to->resumer);
            start_running(to);
            th = to;
            break;
        case STEP_DONE: {
            struct thread *back = step_back(th);
            canon_thread_free(th);
            th = back;
            break;
        }
        case STEP_AGAIN: break;
        default:
            s->current = NULL;
            s->step = STEP_NONE;
            if (!s->trap.is_exit) {
                add_frames(s, th);
            }
            lock_chain(s, th);
            return false;
        }
    }
    s->current = NULL;
    return true;
}

/* After a trap the threads of locked instances never run again. */
void canon_lock_roots(struct canon_store *s)
{
    struct thread *next = NULL;
    canon_note_lost_tasks(s);
    for (struct thread *th = s->threads; th; th = next) {
        next = th->all_next;
        if (th->task->inst->root->locked) {
            th->resumer = NULL;
            canon_thread_free(th);
        }
    }
}
