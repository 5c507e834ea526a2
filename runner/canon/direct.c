/* direct.c - the short way of calls: from a guest to a synchronous function of an instance none of whose code can block. Such a call
 * needs no stack of its own and no thread that outlives it: the callee runs nested on the caller's engine
 * task.
 *
 * An instance may block if it has a built-in that blocks or resumes another thread, or if it calls (by what is lowered into it) an async
 * function, an instance that may block, or - directly or not - itself: with circles excluded the native stack grows by the length of a
 * chain of instances at most, and one on top of DIRECT_MAX others is said to block, so that it goes on a stack of its own. */
#include "plan.h"

/* So many nested calls, and a realloc within, have room on the C stack in any build. */
#define DIRECT_MAX 32

/* A circle is looked for so far; beyond that there may be one. */
#define REACH_MAX 1000

static bool may_reach(struct canon_store *s, struct component_instance *from,
                      const struct component_instance *to)
{
    VEC(struct component_instance *) stack = {0};
    struct arena *a = canon_scratch_enter(s);
    u32 mark = ++s->marks, steps = 0;
    bool found = false;
    *vec_push(a, &stack) = from;
    while (stack.len && !found) {
        struct component_instance *i = stack.data[--stack.len];
        found = i == to;
        for (u32 k = 0; k < i->callees.len && !found; k++) {
            found = ++steps > REACH_MAX;
            if (i->callees.data[k]->mark != mark) {
                i->callees.data[k]->mark = mark;
                *vec_push(a, &stack) = i->callees.data[k];
            }
        }
    }
    canon_scratch_leave(s);
    return found;
}

void canon_may_block(struct component_instance *i)
{
    struct canon_store *s = i->store;
    VEC(struct component_instance *) stack = {0};
    struct arena *a = canon_scratch_enter(s);
    *vec_push(a, &stack) = i;
    while (stack.len) {
        struct component_instance *at = stack.data[--stack.len];
        if (!at->may_block) {
            at->may_block = true;
            for (u32 k = 0; k < at->callers.len; k++) {
                *vec_push(a, &stack) = at->callers.data[k];
            }
        }
    }
    canon_scratch_leave(s);
}

/* `from` has the new callee `to`. */
static void raise_height(struct component_instance *from, const struct component_instance *to)
{
    VEC(struct component_instance *) stack = {0};
    struct arena *a = canon_scratch_enter(from->store);
    if (to->height >= from->height) {
        from->height = to->height + 1;
        *vec_push(a, &stack) = from;
    }
    while (stack.len) {
        struct component_instance *i = stack.data[--stack.len];
        if (i->height >= DIRECT_MAX) {
            canon_may_block(i); /* so do all that call it */
        }
        for (u32 k = 0; k < i->callers.len && !i->may_block; k++) {
            struct component_instance *caller = i->callers.data[k];
            if (caller->height <= i->height) {
                caller->height = i->height + 1;
                *vec_push(a, &stack) = caller;
            }
        }
    }
    canon_scratch_leave(from->store);
}

static bool calls(const struct component_instance *from, const struct component_instance *to)
{
    bool down = from->callees.len < to->callers.len;
    u32 n = down ? from->callees.len : to->callers.len;
    for (u32 i = 0; i < n; i++) {
        if (down ? from->callees.data[i] == to : to->callers.data[i] == from) {
            return true;
        }
    }
    return false;
}

void canon_add_call(struct component_instance *from, struct canon_func *f)
{
    struct canon_store *s = from->store;
    if (from->may_block || (f->kind != FUNC_LIFTED && !f->type->is_async)) {
        return; /* a host function that is not async holds everybody up, it does not suspend */
    }
    struct component_instance *to = f->inst;
    if (f->type->is_async || to == from || to->may_block ||
        (from->callers.len && may_reach(s, to, from))) {
        canon_may_block(from);
    } else if (!calls(from, to)) {
        *vec_push(&s->arena, &from->callees) = to;
        *vec_push(&s->arena, &to->callers) = from;
        raise_height(from, to);
    }
}

bool canon_is_direct(const struct canon_func *f)
{
    return f->kind == FUNC_LIFTED && !f->type->is_async && !f->inst->may_block;
}

/* Runs the callee nested. `slots` has room for its parameters and its result. */
static bool run_nested(struct canon_store *s, struct canon_func *f, struct engine_func *core,
                       u64 *slots)
{
    if (engine_call_nested(s->host_task, core, slots) == ENGINE_DONE) {
        return true;
    }
    canon_fail_core(s, f->inst, s->host_task);
    return false;
}

static bool post_return(struct canon_store *s, struct canon_func *f, u64 *slots)
{
    if (!f->opts.post_return) {
        return true;
    }
    f->inst->may_leave = false;
    bool fine = run_nested(s, f, f->opts.post_return, slots);
    f->inst->may_leave = true;
    return fine;
}

static bool direct_result(struct canon_store *s, struct task *t, struct subtask *sub,
                          const u64 *core)
{
    const struct canon_func *f = t->func;
    const struct canon_type *type = f->type->result;
    struct transfer x;
    canon_scratch_enter(s);
    bool fine = !type || canon_lift_result(&x, t, MAX_FLAT_RESULTS, core);
    if (fine && t->num_borrows) {
        fine = canon_fail_borrows(t);
    }
    if (fine && s->config.trace) {
        canon_trace_result(t, type ? canon_transfer_show(&x) : NULL, false);
    }
    fine = fine && (!type || canon_lower_result(&x, sub));
    canon_scratch_leave(s);
    return fine;
}

/* Numbers in, a number out. */
static bool call_cells(struct canon_store *s, struct lowered *low, u64 *slots)
{
    struct canon_func *f = low->callee;
    u64 core[MAX_FLAT_PARAMS + 1], result;
    if ((low->params && !canon_plan_cells(s, low->params, low->inst, slots, core)) ||
        !run_nested(s, f, f->callee, core)) {
        return false;
    }
    if (low->result) {
        if (!canon_plan_cells(s, low->result, f->inst, core, &result)) {
            return false;
        }
        slots[0] = result;
    }
    return post_return(s, f, core);
}

/* A subtask that lives as long as its call runs on top of the caller. To clear one, with its arguments, costs as much as all else. */
static void start_local(struct subtask *sub, struct lowered *low, const u64 *slots,
                        const struct thread *caller)
{
    sub->w = (struct waitable){.is_subtask = true};
    sub->state = SUBTASK_STARTED;
    sub->cancellation_requested = sub->resolve_delivered = sub->progress_events = false;
    sub->index = 0;
    sub->low = low;
    sub->task = NULL;
    sub->call = NULL;
    sub->caller_task = caller ? caller->task->id : 0;
    sub->result = 0;
    sub->lenders = NULL;
    sub->lender_count = sub->lender_cap = 0;
    sub->all_next = sub->all_previous = NULL;
    memcpy(sub->args, slots, low->core_params * sizeof *slots);
}

static bool call_values(struct canon_store *s, struct lowered *low, struct task *t, u64 *slots)
{
    struct canon_func *f = low->callee;
    struct subtask sub;
    u64 core[MAX_FLAT_PARAMS + 1];
    start_local(&sub, low, slots, s->current->under);
    t->sub = &sub;
    bool fine = canon_pass_args(&sub, t, core) && run_nested(s, f, f->callee, core) &&
                direct_result(s, t, &sub, core) && post_return(s, f, core);
    if (fine) {
        canon_subtask_deliver_resolve(&sub);
        slots[0] = sub.result;
    }
    engine_let_go(s->engine, (u64)sub.lender_cap * sizeof *sub.lenders);
    mem_free(sub.lenders);
    return fine;
}

/* ---- Functions that canon_is_direct allows ------------------------------------------------------------ */

/* canon_lower and canon_lift in one. */
bool canon_call_direct(struct lowered *low, u64 *slots)
{
    struct canon_func *f = low->callee;
    struct canon_store *s = low->inst->store;
    struct thread *outer = s->current;
    u64 *context = s->context;
    struct thread th;
    struct task t;
    if (!canon_enter_allowed(f->inst)) {
        return false;
    }
    memset(&t, 0, sizeof t);
    canon_task_of_call(&t, f);
    t.state = TASK_STARTED;
    th.task = &t;
    th.index = 0;
    th.resumer = NULL;
    th.under = outer;
    th.state = THREAD_RUNNING;
    th.storage[0] = th.storage[1] = 0;
    s->current = &th;
    s->context = th.storage;
    if (s->config.trace) {
        canon_trace_lift(&t);
    }
    bool fine = canon_with_plans(low)->is_cells && !s->config.trace
                    ? call_cells(s, low, slots)
                    : call_values(s, low, &t, slots);
    s->current = outer;
    s->context = context;
    if (!fine && f->inst->root != low->inst->root) {
        f->inst->root->locked = true;
    }
    return fine;
}

/* ---- Synchronous functions that may block ------------------------------------------------------------- */

/* So many run nested, on top of each other. */
#define NESTED_MAX 8

bool canon_is_nested(const struct lowered *low)
{
    const struct canon_store *s = low->inst->store;
    return low->callee->kind == FUNC_LIFTED && !low->callee->type->is_async &&
           !low->callee->opts.is_async && !low->opts.is_async && s->nested < NESTED_MAX &&
           !s->config.trace;
}

/* A thread in a task, with a stack: most of these calls leave them as they found them, for the next ones. */
static struct thread *nested_thread(struct canon_store *s, struct canon_func *f)
{
    struct thread *th = s->spare;
    if (!th) {
        th = canon_thread_new(canon_task_new(f), NULL);
        th->et = engine_task_new(s->engine);
    } else {
        s->spare = th->all_next;
        LIST_PUSH(s->threads, th, all);
        s->thread_count++;
        th->task->live_threads = 1; /* what is not set here is set before it is read */
        th->resumer = NULL;
        th->doing = NULL;
        th->wait = WAIT_NOTHING;
        th->storage[0] = th->storage[1] = 0;
        canon_task_of_call(th->task, f);
    }
    th->under = s->current;
    th->task->implicit = th;
    th->task->state = TASK_STARTED;
    th->state = THREAD_RUNNING;
    th->body = canon_sync_returned;
    return th;
}

/* A larger stack is not kept for them. */
#define SPARE_SLOTS 1024

static void nested_thread_ended(struct canon_store *s, struct thread *th)
{
    struct task *t = th->task;
    if (t->live_threads > 1 || engine_task_slots(th->et) > SPARE_SLOTS) {
        canon_thread_free(th);
        return;
    }
    LIST_REMOVE(s->threads, th, all);
    s->thread_count--;
    *t = (struct task){0};
    th->all_next = s->spare;
    s->spare = th;
}

/* Its core code has returned. */
static bool nested_returned(struct canon_store *s, struct lowered *low, struct thread *th,
                            struct subtask *sub, u64 *slots)
{
    struct task *t = th->task;
    struct canon_func *f = low->callee;
    u64 core[1] = {0};
    if (f->type->result) {
        core[0] = engine_results(th->et)[0];
    }
    if (sub) {
        if (!direct_result(s, t, sub, core)) {
            return false;
        }
        t->sub = NULL;
    } else if (low->result && !canon_plan_cells(s, low->result, f->inst, core, &slots[0])) {
        return false;
    }
    t->state = TASK_RESOLVED;
    if (!post_return(s, f, core) || !canon_thread_unregister(th)) {
        return false;
    }
    nested_thread_ended(s, th);
    if (sub) {
        canon_subtask_deliver_resolve(sub);
        slots[0] = sub->result;
    }
    return true;
}

/* It has blocked, or has another thread run: from now on it is a call as any other. The subtask that it had was the stack's. */
static enum engine_outcome nested_blocked(struct canon_store *s, struct lowered *low,
                                          struct thread *th, const struct subtask *had)
{
    struct subtask *sub = canon_subtask_new(s, low);
    enum step step = s->step;
    sub->state = SUBTASK_STARTED;
    sub->task = th->task;
    th->under = NULL;
    th->task->sub = sub;
    s->current->kp = sub;
    if (had) {
        memcpy(sub->args, had->args, sizeof sub->args);
        sub->lenders = had->lenders;
        sub->lender_count = had->lender_count;
        sub->lender_cap = had->lender_cap;
    }
    switch (step) {
    case STEP_BLOCK: return canon_suspend(s, STEP_AGAIN, NULL, canon_callee_gave_back);
    case STEP_SWITCH: return canon_suspend(s, STEP_CALL, s->step_to, canon_callee_gave_back);
    case STEP_CALL: canon_thread_add_resumer(s->step_to, th); break;
    default: s->step_to = th; break;
    }
    return canon_suspend(s, STEP_CALL, s->step_to, canon_callee_gave_back);
}

static enum engine_outcome run_nested_thread(struct canon_store *s, struct lowered *low,
                                             struct thread *th, struct subtask *sub, u64 *slots)
{
    struct canon_func *f = low->callee;
    struct thread *caller = s->current;
    u64 *context = s->context;
    u64 core[MAX_FLAT_PARAMS + 1];
    bool fine = canon_thread_register(th) &&
                (sub           ? canon_pass_args(sub, th->task, core)
                 : low->params ? canon_plan_cells(s, low->params, low->inst, slots, core)
                               : true);
    enum engine_outcome outcome = ENGINE_TRAPPED;
    if (fine) {
        s->current = th;
        s->context = th->storage;
        s->nested++;
        outcome = engine_start(th->et, f->callee, core);
        s->nested--;
        if (outcome == ENGINE_TRAPPED) {
            canon_fail_core(s, f->inst, th->et);
        } else if (outcome == ENGINE_DONE) {
            outcome = nested_returned(s, low, th, sub, slots) ? ENGINE_DONE : ENGINE_TRAPPED;
        } else if (s->step == STEP_NONE) {
            canon_fail(s, f->inst, "all fuel consumed");
        }
        s->current = caller;
        s->context = context;
    }
    if (s->failed) {
        s->step = STEP_NONE;
        th->task->sub = NULL;
        return ENGINE_TRAPPED;
    }
    return outcome == ENGINE_SUSPENDED ? nested_blocked(s, low, th, sub) : outcome;
}

/* The callee has a stack of its own, but runs on top of its caller until it blocks: one that does not needs no switch of stacks, no
 * subtask, no scheduler. */
enum engine_outcome canon_call_nested(struct lowered *low, u64 *slots)
{
    struct canon_func *f = low->callee;
    struct canon_store *s = low->inst->store;
    struct subtask local, *sub = NULL;
    u64 chain = canon_enter_allowed(f->inst) ? canon_chain_room(s->current) : 0;
    if (!chain || (!s->spare && !canon_has_room(f->inst, 0))) {
        return ENGINE_TRAPPED;
    }
    struct thread *th = nested_thread(s, f);
    th->chain = chain;
    if (!canon_with_plans(low)->is_cells) {
        sub = &local;
        start_local(sub, low, slots, s->current);
        th->task->sub = sub;
    }
    enum engine_outcome outcome = run_nested_thread(s, low, th, sub, slots);
    if (outcome == ENGINE_TRAPPED && f->inst->root != low->inst->root) {
        f->inst->root->locked = true;
    }
    if (sub && outcome != ENGINE_SUSPENDED) {
        engine_let_go(s->engine, (u64)sub->lender_cap * sizeof *sub->lenders);
        mem_free(sub->lenders);
    }
    return outcome;
}
