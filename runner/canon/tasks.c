/* tasks.c - Task and canon_lift: the life of a call of an export, from the gate of backpressure to its last thread's end. Each
 * function here that gives a step is one stretch of the specification's thread_func between two points where it may
 * block. */
#include "transfer.h"

static enum step task_start(struct thread *th);
static enum step callback_loop(struct thread *th, u32 packed);

void canon_task_of_call(struct task *t, struct canon_func *f)
{
    struct canon_store *s = f->inst->store;
    t->func = f;
    t->inst = f->inst;
    t->id = ++s->next_task;
    if (s->current) {
        t->caller = s->current->task->func;
        t->caller_id = s->current->task->id;
    }
}

struct task *canon_task_new(struct canon_func *f)
{
    struct canon_store *s = f->inst->store;
    struct task *t = canon_pool_get(s, &s->tasks_pool);
    canon_task_of_call(t, f);
    t->state = TASK_INITIAL;
    return t;
}

/* Frees a task once nothing runs on its behalf. */
void canon_task_release(struct task *t)
{
    if (t->live_threads) {
        return;
    }
    if (t->sub) {
        t->sub->task = NULL;
    }
    if (t->inv) {
        t->inv->task = NULL;
    }
    canon_pool_put(&t->inst->store->tasks_pool, t);
}

bool canon_needs_lock(const struct task *t)
{
    return t->func->type->is_async && (!t->func->opts.is_async || t->func->opts.callback);
}

bool canon_task_deliver_cancel(struct task *t)
{
    if (t->state != TASK_PENDING_CANCEL) {
        return false;
    }
    t->state = TASK_CANCEL_DELIVERED;
    return true;
}

/* ---- Returning ------------------------------------------------------------------------------------- */

static bool no_borrows_left(struct task *t)
{
    return t->num_borrows == 0 || canon_fail_borrows(t);
}

/* Hands the result to whoever called. */
static bool on_resolve(struct task *t, struct transfer *result, bool cancelled)
{
    struct canon_store *s = t->inst->store;
    if (s->config.trace) {
        canon_trace_result(t, result ? canon_transfer_show(result) : NULL, cancelled);
    }
    struct subtask *sub = t->sub;
    struct canon_invocation *inv = t->inv;
    t->sub = NULL;
    t->inv = NULL;
    if (sub) {
        sub->task = NULL;
        /* A caller that has trapped since hears nothing, and none of its code runs. */
        return sub->low->inst->root->locked || canon_subtask_resolve(sub, result, cancelled);
    }
    if (inv) {
        canon_invocation_resolve(inv, result ? &result->value : NULL, cancelled);
    }
    return true;
}

bool canon_task_return(struct task *t, struct transfer *result)
{
    if (t->state == TASK_RESOLVED) {
        return canon_fail(t->inst->store, t->inst,
                          "invalid `task.return` or `task.cancel`: the task has resolved already");
    }
    if (!no_borrows_left(t) || !on_resolve(t, result, false)) {
        return false;
    }
    t->state = TASK_RESOLVED;
    return true;
}

bool canon_task_cancel(struct task *t)
{
    if (t->state != TASK_CANCEL_DELIVERED) {
        return canon_fail(t->inst->store, t->inst,
                          "`task.cancel` called by task which has not been "
                          "cancelled");
    }
    if (!no_borrows_left(t) || !on_resolve(t, NULL, true)) {
        return false;
    }
    t->state = TASK_RESOLVED;
    return true;
}

bool canon_task_return_flat(struct task *t, u32 max_flat, const u64 *slots)
{
    struct canon_store *s = t->inst->store;
    const struct canon_type *type = t->func->type->result;
    if (!type) {
        return canon_task_return(t, NULL);
    }
    struct transfer x;
    canon_scratch_enter(s);
    bool fine = canon_lift_result(&x, t, max_flat, slots) && canon_task_return(t, &x);
    canon_scratch_leave(s);
    return fine;
}

/* ---- Entering: enter_implicit_thread ------------------------------------------------------------------ */

static bool has_backpressure(const struct task *t)
{
    return t->inst->backpressure > 0 || (canon_needs_lock(t) && t->inst->exclusive_thread);
}

static enum step task_entered(struct thread *th)
{
    struct task *t = th->task;
    t->inst->num_waiting_to_enter--;
    if (canon_task_deliver_cancel(t)) {
        return canon_task_cancel(t) ? STEP_DONE : STEP_TRAP;
    }
    /* The host has forgotten the call before it began, or its caller has trapped. */
    if (t->sub ? t->sub->low->inst->root->locked : !t->inv) {
        t->state = TASK_RESOLVED;
        return STEP_DONE;
    }
    return task_start(th);
}

enum step canon_task_enter(struct thread *th)
{
    struct task *t = th->task;
    t->implicit = th;
    if (t->func->type->is_async && (has_backpressure(t) || t->inst->num_waiting_to_enter > 0)) {
        t->inst->num_waiting_to_enter++;
        th->then = task_entered;
        th->doing = "enter";
        return canon_thread_wait_until(th, WAIT_GATE, NULL) ? STEP_AGAIN : STEP_BLOCK;
    }
    return task_start(th);
}

/* ---- Starting ------------------------------------------------------------------------------------------ */

static bool args_from_guest(struct task *t, u64 *slots)
{
    canon_subtask_start(t->sub);
    return canon_pass_args(t->sub, t, slots);
}

static bool args_from_host(struct task *t, u64 *slots)
{
    struct canon_store *s = t->inst->store;
    const struct canon_functype *ft = t->func->type;
    const struct canon_type *type = functype_of(ft)->param_tuple;
    struct cx cx = canon_cx(s, &t->func->opts, t->inst);
    struct canon_value all = canon_list(CANON_T_TUPLE, t->inv->args, ft->param_count);
    enum canon_layout l;
    u64 at;
    cx.borrow_scope = t;
    cx.host_values = true;
    if (s->config.trace) {
        canon_trace_call(t, t->inv->args, ft->param_count);
    }
    return !type || (canon_place_params(&cx, type, slots, &at, &l) &&
                     canon_lower_value(&cx, &all, type, at, l));
}

static bool exit_implicit_thread(struct thread *th)
{
    struct task *t = th->task;
    bool fine = canon_thread_unregister(th);
    if (canon_needs_lock(t)) {
        canon_unlock(t->inst);
    }
    return fine;
}

/* The core function of a synchronous lift has returned. */
enum step canon_sync_returned(struct thread *th)
{
    struct task *t = th->task;
    const struct canon_func *f = t->func;
    u64 slots[4] = {0};
    u32 n = functype_of(f->type)->flat_results ? 1 : 0;
    if (n) {
        slots[0] = engine_results(th->et)[0];
    }
    if (!canon_task_return_flat(t, MAX_FLAT_RESULTS, slots)) {
        return STEP_TRAP;
    }
    if (f->opts.post_return) {
        t->inst->may_leave = false;
        bool fine = canon_call_core(t->inst, f->opts.post_return, slots, 0);
        t->inst->may_leave = true;
        if (!fine) {
            return STEP_TRAP;
        }
    }
    return exit_implicit_thread(th) ? STEP_DONE : STEP_TRAP;
}

static enum step stackful_returned(struct thread *th)
{
    return exit_implicit_thread(th) ? STEP_DONE : STEP_TRAP;
}

static enum step callback_returned(struct thread *th)
{
    return callback_loop(th, (u32)engine_results(th->et)[0]);
}

static enum step task_start(struct thread *th)
{
    struct task *t = th->task;
    const struct canon_func *f = t->func;
    u64 slots[MAX_FLAT_PARAMS + 1] = {0};
    if (canon_needs_lock(t)) {
        canon_lock(th);
    }
    if (!canon_thread_register(th)) {
        return STEP_TRAP;
    }
    t->state = TASK_STARTED;
    if (!(t->sub ? args_from_guest(t, slots) : args_from_host(t, slots))) {
        return STEP_TRAP;
    }
    th->body = !f->opts.is_async  ? canon_sync_returned
               : f->opts.callback ? callback_returned
                                  : stackful_returned;
    return canon_start_core(th, f->callee, slots);
}

/* ---- The callback loop ------------------------------------------------------------------------------------ */

enum { CODE_EXIT, CODE_YIELD, CODE_WAIT };

static enum step call_callback(struct thread *th, struct event e)
{
    struct task *t = th->task;
    u64 slots[3] = {e.code, e.p1, e.p2};
    return canon_start_core(th, t->func->opts.callback, slots);
}

static const struct event cancelled = {EVENT_TASK_CANCELLED, 0, 0};

static enum step callback_yielded(struct thread *th)
{
    struct task *t = th->task;
    canon_lock(th);
    return call_callback(th, canon_task_deliver_cancel(t) ? cancelled : (struct event){0});
}

static enum step callback_waited(struct thread *th)
{
    struct task *t = th->task;
    struct waitable_set *set = th->kp;
    struct event e = canon_task_deliver_cancel(t) ? cancelled : canon_set_take(t->inst->store, set);
    canon_lock(th);
    return call_callback(th, e);
}

/* The callee or its callback has returned `packed`. A task that waits here keeps no stack. */
static enum step callback_loop(struct thread *th, u32 packed)
{
    struct task *t = th->task;
    struct component_instance *i = t->inst;
    u32 code = packed & 0xf;
    if (code > CODE_WAIT) {
        canon_fail(i->store, i, "unsupported callback code: %u", code);
        return STEP_TRAP;
    }
    if (code == CODE_EXIT) {
        return exit_implicit_thread(th) ? STEP_DONE : STEP_TRAP;
    }
    if (canon_task_deliver_cancel(t)) {
        return call_callback(th, cancelled);
    }
    canon_unlock(i);
    engine_task_free(th->et);
    th->et = NULL;
    if (code == CODE_YIELD) {
        th->then = callback_yielded;
        th->doing = "yield";
        return canon_thread_wait_until(th, WAIT_UNLOCKED, NULL) ? STEP_AGAIN : STEP_BLOCK;
    }
    struct handle *h = canon_handle_get(i, packed >> 4, HANDLE_SET);
    if (!h) {
        return STEP_TRAP;
    }
    th->kp = h->set;
    th->then = callback_waited;
    th->doing = "wait";
    return canon_thread_wait_until(th, WAIT_CALLBACK, h->set) ? STEP_AGAIN : STEP_BLOCK;
}
