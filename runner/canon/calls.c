/* calls.c - Subtask and canon_lower: calls out of a guest, to other guests and to the host. */
#include "transfer.h"

struct subtask *canon_subtask_new(struct canon_store *s, struct lowered *low)
{
    struct subtask *sub = canon_pool_get(s, &s->subtasks_pool);
    sub->w.is_subtask = true;
    sub->low = low;
    sub->caller_task = s->current ? s->current->task->id : 0;
    LIST_PUSH(s->subtasks, sub, all);
    return sub;
}

void canon_subtask_free(struct canon_store *s, struct subtask *sub)
{
    LIST_REMOVE(s->subtasks, sub, all);
    engine_let_go(s->engine, (u64)sub->lender_cap * sizeof *sub->lenders);
    mem_free(sub->lenders);
    canon_pool_put(&s->subtasks_pool, sub);
}

/* ---- Progress --------------------------------------------------------------------------------------- */

void canon_subtask_deliver_resolve(struct subtask *sub)
{
    if (sub->resolve_delivered) {
        return;
    }
    sub->resolve_delivered = true;
    struct handle_table *t = &sub->low->inst->handles;
    for (u32 i = 0; i < sub->lender_count; i++) {
        t->data[sub->lenders[i] - 1].num_lends--; /* a lent handle cannot have gone */
    }
    sub->lender_count = 0;
}

static void on_progress(struct subtask *sub)
{
    if (sub->progress_events) {
        canon_waitable_set_event(sub->low->inst->store, &sub->w);
    }
}

bool canon_subtask_start(struct subtask *sub)
{
    sub->state = SUBTASK_STARTED;
    on_progress(sub);
    return true;
}

/* on_resolve of canon_lower. */
bool canon_subtask_resolve(struct subtask *sub, struct transfer *result, bool is_cancelled)
{
    if (is_cancelled) {
        sub->state = sub->state == SUBTASK_STARTING ? SUBTASK_CANCELLED_BEFORE_STARTED
                                                    : SUBTASK_CANCELLED_BEFORE_RETURNED;
    } else {
        if (result && !canon_lower_result(result, sub)) {
            return false;
        }
        sub->state = SUBTASK_RETURNED;
    }
    on_progress(sub);
    if (sub->w.waiter && canon_thread_condition(sub->w.waiter)) {
        canon_thread_wake(sub->w.waiter);
    }
    return true;
}

/* ---- canon_lower ------------------------------------------------------------------------------------- */

/* Adds an unresolved subtask to the caller's table; gives the packed state, 0 after a trap. */
static u32 subtask_to_table(struct subtask *sub)
{
    struct handle h = {.kind = HANDLE_SUBTASK};
    h.subtask = sub;
    sub->index = canon_handle_add(sub->low->inst, h);
    sub->progress_events = true;
    return sub->index ? sub->state | sub->index << 4 : 0;
}

static enum step sync_resolved(struct thread *th)
{
    struct subtask *sub = th->kp;
    u64 result = sub->result;
    canon_subtask_deliver_resolve(sub);
    canon_subtask_free(th->task->inst->store, sub);
    return canon_resume_core(th, &result);
}

/* Control is back from the callee: it has returned, or blocked. */
enum step canon_callee_gave_back(struct thread *th)
{
    struct subtask *sub = th->kp;
    const struct lowered *low = sub->low;
    struct canon_store *s = low->inst->store;
    if (!low->callee->type->is_async && !subtask_resolved(sub)) {
        struct thread *helper = canon_pick_thread(s, low->callee->inst, CHOICE_SYNC_HELPER, NULL);
        if (!helper) {
            canon_fail_blocked(s, sub->task);
            return STEP_TRAP;
        }
        s->step_to = helper;
        return STEP_CALL;
    }
    if (!low->opts.is_async) {
        if (subtask_resolved(sub)) {
            return sync_resolved(th);
        }
        th->then = sync_resolved;
        th->doing = "call";
        return canon_thread_wait_until(th, WAIT_SUBTASK, sub) ? STEP_AGAIN : STEP_BLOCK;
    }
    if (subtask_resolved(sub)) {
        canon_subtask_deliver_resolve(sub);
        canon_subtask_free(s, sub);
        return canon_resume_core_u32(th, SUBTASK_RETURNED);
    }
    u32 packed = subtask_to_table(sub);
    return packed ? canon_resume_core_u32(th, packed) : STEP_TRAP;
}

bool canon_enter_allowed(struct component_instance *i)
{
    return !i->root->locked || canon_fail(i->store, i, "cannot enter component instance");
}

enum engine_outcome canon_call_lifted(struct canon_store *s, struct canon_func *f,
                                      struct subtask *sub)
{
    if (!canon_enter_allowed(f->inst) || !canon_chain_room(s->current) ||
        !canon_has_room(f->inst, 0)) {
        return ENGINE_TRAPPED;
    }
    struct task *t = canon_task_new(f);
    t->is_async_call = sub->low->opts.is_async;
    t->sub = sub;
    sub->task = t;
    if (s->config.trace) {
        canon_trace_lift(t);
    }
    s->current->kp = sub;
    return canon_suspend(s, STEP_CALL, canon_thread_new(t, canon_task_enter),
                         canon_callee_gave_back);
}

/* ---- Calls of the host ---------------------------------------------------------------------------------- */

void canon_call_free(struct canon_call *c)
{
    struct canon_store *s = c->store;
    LIST_REMOVE(s->calls, c, all);
    if (c->later) {
        QUEUE_REMOVE(s->late_calls.first, s->late_calls.last, c, late);
    }
    if (c->sub) {
        c->sub->call = NULL;
    }
    if (c->inv) {
        c->inv->call = NULL;
    }
    engine_let_go(s->engine, c->kept);
    arena_free(&c->arena);
    mem_free(c);
}

static struct canon_call *call_new(struct canon_store *s, struct canon_func *f)
{
    struct canon_call *c = mem_alloc(sizeof *c);
    c->store = s;
    c->func = f;
    c->arena.first = 256;
    LIST_PUSH(s->calls, c, all);
    return c;
}

/* A function that is not async has not returned: the whole store waits for the outside. */
static bool wait_outside(struct canon_store *s, struct subtask *sub, struct canon_invocation *inv)
{
    struct canon_loop *loop = &s->config.loop;
    while (!(sub ? subtask_resolved(sub) : inv->resolved)) {
        bool went_on = canon_late_ends(s); /* what hosts have among themselves need not wait */
        if (!s->failed && !(loop->poll && loop->poll(loop->env, !went_on)) && !went_on) {
            const struct canon_func *f = sub ? sub->low->callee : inv->func;
            if (!s->failed && !canon_fail_stalled(s, sub ? sub->low->inst : NULL)) {
                canon_explain(s, "the host has not finished `" STRF "`", STRA(f->name));
            }
            return false;
        }
        if (s->failed) {
            return false;
        }
    }
    return true;
}

static bool lift_host_args(struct subtask *sub, struct canon_call *c)
{
    const struct lowered *low = sub->low;
    const struct canon_functype *ft = low->callee->type;
    struct cx cx = canon_cx(c->store, &low->opts, low->inst);
    cx.lender = sub;
    cx.arena = &c->arena;
    canon_subtask_start(sub);
    if (!ft->param_count) {
        return true;
    }
    struct canon_value all = {0};
    bool fine =
        canon_lift_values(&cx, low->max_flat_params, sub->args, functype_of(ft)->param_tuple, &all);
    c->args = all.items;
    c->kept = sizeof *c + c->arena.used;
    engine_keep(c->store->engine, c->kept);
    return fine && canon_has_room(low->inst, 0);
}

static enum engine_outcome host_call(struct canon_store *s, struct subtask *sub, u64 *slots)
{
    const struct lowered *low = sub->low;
    const struct canon_func *f = low->callee;
    struct thread *th = s->current;
    struct canon_call *c = call_new(s, low->callee);
    c->sub = sub;
    sub->call = c;
    if (!lift_host_args(sub, c)) {
        return ENGINE_TRAPPED;
    }
    if (s->config.trace) {
        canon_trace_host_call(c);
    }
    c->inside = true;
    f->fn(f->env, c);
    c->inside = false;
    bool ended = c->ended && !c->later;
    if (ended) {
        canon_call_free(c);
    }
    if (s->failed || (!ended && !f->type->is_async && !wait_outside(s, sub, NULL))) {
        return ENGINE_TRAPPED;
    }
    if (subtask_resolved(sub)) {
        canon_subtask_deliver_resolve(sub);
        u64 result = low->opts.is_async ? SUBTASK_RETURNED : sub->result;
        canon_subtask_free(s, sub);
        if (low->opts.is_async || low->callee->type->result) {
            slots[0] = result;
        }
        return ENGINE_DONE;
    }
    if (low->opts.is_async) {
        slots[0] = subtask_to_table(sub);
        return slots[0] ? ENGINE_DONE : ENGINE_TRAPPED;
    }
    th->kp = sub;
    th->doing = "call";
    if (canon_thread_wait_until(th, WAIT_SUBTASK, sub)) {
        return canon_suspend(s, STEP_AGAIN, NULL, sync_resolved);
    }
    return canon_suspend(s, STEP_BLOCK, NULL, sync_resolved);
}

bool canon_host_invoke(struct canon_store *s, struct canon_invocation *inv)
{
    const struct canon_func *f = inv->func;
    if (f->kind == FUNC_UNKNOWN) {
        return canon_fail(s, NULL, "unknown import `" STRF "` has been called", STRA(f->name));
    }
    struct canon_call *c = call_new(s, inv->func);
    c->inv = inv;
    inv->call = c;
    u32 count = f->type->param_count;
    c->args = arena_array(&c->arena, struct canon_value, count ? count : 1);
    for (u32 i = 0; i < count; i++) { /* the invocation may be forgotten before the call ends */
        canon_value_copy(&c->arena, &inv->args[i], &c->args[i]);
    }
    c->inside = true;
    f->fn(f->env, c);
    c->inside = false;
    if (c->ended && !c->later) {
        canon_call_free(c);
    }
    return !s->failed && (f->type->is_async || wait_outside(s, NULL, inv));
}

/* canon_lower: the core function that guests call. */
enum engine_outcome canon_lower_core(struct lowered *low, u64 *slots)
{
    struct canon_store *s = low->inst->store;
    struct canon_func *f = low->callee;
    if (!low->inst->may_leave) {
        canon_fail(s, low->inst, "cannot leave component instance");
        return ENGINE_TRAPPED;
    }
    if (s->config.trace) {
        canon_trace_lower(low);
    }
    if (f->kind == FUNC_UNKNOWN) {
        canon_fail(s, low->inst, "unknown import `" STRF "` has been called", STRA(f->name));
        return ENGINE_TRAPPED;
    }
    if (canon_is_direct(f)) {
        return canon_call_direct(low, slots) ? ENGINE_DONE : ENGINE_TRAPPED;
    }
    if (canon_is_nested(low)) {
        return canon_call_nested(low, slots);
    }
    struct subtask *sub = canon_subtask_new(s, low);
    memcpy(sub->args, slots, low->core_params * sizeof *slots);
    return f->kind == FUNC_HOST ? host_call(s, sub, slots) : canon_call_lifted(s, f, sub);
}

/* ---- What hosts see ---------------------------------------------------------------------------------------- */

u32 canon_call_arg_count(const struct canon_call *c)
{
    return c->func->type->param_count;
}

const struct canon_value *canon_call_arg(const struct canon_call *c, u32 i)
{
    return &c->args[i];
}

struct arena *canon_call_arena(struct canon_call *c)
{
    return &c->arena;
}

struct canon_store *canon_call_store(const struct canon_call *c)
{
    return c->store;
}

const struct canon_functype *canon_call_type(const struct canon_call *c)
{
    return c->func->type;
}

str canon_call_name(const struct canon_call *c)
{
    return c->func->name;
}

/* The value was checked. */
static void resolve_call(struct canon_call *c, const struct canon_value *result)
{
    if (c->inv) {
        canon_invocation_resolve(c->inv, result, false);
    }
    if (c->sub && !c->sub->low->inst->root->locked) {
        if (c->store->config.trace) {
            canon_trace_host_return(c, result);
        }
        struct transfer x = {.type = c->func->type->result};
        if (x.type) {
            x.value = *result;
        }
        canon_subtask_resolve(c->sub, x.type ? &x : NULL, false);
    }
}

/* Ends the calls that chose to be done a turn later. What hears of one may end others. */
bool canon_late_calls(struct canon_store *s)
{
    bool any = s->late_calls.first != NULL;
    s->late_turn++;
    for (struct canon_call *c;
         !s->failed && (c = s->late_calls.first) != NULL && c->late_turn != s->late_turn;) {
        QUEUE_REMOVE(s->late_calls.first, s->late_calls.last, c, late);
        c->later = false;
        resolve_call(c, &c->result);
        canon_call_free(c);
    }
    return any;
}

static bool goes_later(struct canon_call *c, const struct canon_value *result)
{
    struct canon_store *s = c->store;
    if (!c->func->type->is_async) {
        return false;
    }
    /* After a trap that was not taken yet no guest's realloc may run. */
    if (!s->failed && (!c->inside || canon_choose(s, CHOICE_HOST_LATER, 2) == 0)) {
        return false;
    }
    if (c->func->type->result) {
        canon_value_copy(&c->arena, result, &c->result);
    }
    c->later = c->ended = true;
    c->late_turn = s->late_turn;
    QUEUE_APPEND(s->late_calls.first, s->late_calls.last, c, late);
    return true;
}

/* It has ended, or its store is being freed: that frees the call itself. */
static bool no_answer_counts(const struct canon_call *c)
{
    return c->ended || c->store->freeing;
}

static void end_call(struct canon_call *c)
{
    c->ended = true;
    if (!c->inside) {
        canon_call_free(c);
    }
}

void canon_call_return(struct canon_call *c, const struct canon_value *result)
{
    struct canon_store *s = c->store;
    const struct canon_type *t = c->func->type->result;
    str why;
    if (no_answer_counts(c)) {
        return;
    }
    if (t && (!result || !canon_value_check(result, t, &c->arena, &why))) {
        canon_fail(s, NULL, "host function `" STRF "` returned an unfit value: " STRF,
                   STRA(c->func->name), STRA(result ? why : STR("none")));
    } else if (goes_later(c, result)) {
        return;
    } else {
        resolve_call(c, result);
    }
    end_call(c);
}

void canon_call_trap(struct canon_call *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(&c->arena, format, args);
    va_end(args);
    if (!no_answer_counts(c)) {
        canon_fail(c->store, c->sub ? c->sub->low->inst : NULL, STRF, STRA(text));
        end_call(c);
    }
}

void canon_call_exit(struct canon_call *c, int code)
{
    if (!no_answer_counts(c)) {
        if (!c->store->failed) { /* an earlier trap counts */
            canon_fail(c->store, NULL, "exit with code %d", code);
            c->store->trap.is_exit = true;
            c->store->trap.exit_code = code;
        }
        end_call(c);
    }
}

void canon_call_on_cancel(struct canon_call *c, void (*fn)(void *env, struct canon_call *c),
                          void *env)
{
    c->on_cancel = fn;
    c->cancel_env = env;
}

void canon_call_cancelled(struct canon_call *c)
{
    if (!no_answer_counts(c) && c->sub && c->sub->cancellation_requested) {
        canon_subtask_resolve(c->sub, NULL, true);
        end_call(c);
    }
}

/* ---- subtask.cancel ------------------------------------------------------------------------------------------ */

static enum step cancel_done(struct thread *th)
{
    struct subtask *sub = th->kp;
    sub->w.has_sync_waiter = false;
    if (!subtask_resolved(sub)) {
        return canon_resume_core_u32(th, BLOCKED);
    }
    canon_waitable_take(th->task->inst->store, &sub->w);
    return canon_resume_core_u32(th, sub->state);
}

static enum step cancel_asked(struct thread *th)
{
    struct subtask *sub = th->kp;
    th->then = cancel_done;
    if (!th->k[0] && !subtask_resolved(sub)) {
        th->doing = "subtask.cancel";
        return canon_thread_wait_until(th, WAIT_SUBTASK, sub) ? STEP_AGAIN : STEP_BLOCK;
    }
    return STEP_AGAIN;
}

/* Task.request_cancellation of a started task: resumes ready threads of the callee's instance. */
static enum step request_cancellation(struct thread *th)
{
    struct subtask *sub = th->kp;
    struct canon_store *s = th->task->inst->store;
    bool first = th->k[1] == 0;
    if (!subtask_resolved(sub) && sub->task &&
        (first || canon_choose(s, CHOICE_CANCEL_MORE, 2) == 1)) {
        struct thread *other =
            canon_pick_thread(s, sub->task->inst, CHOICE_CANCEL_THREAD, sub->task->implicit);
        if (other) {
            th->k[1]++;
            s->step_to = other;
            return STEP_CALL;
        }
    }
    return cancel_asked(th);
}

/* canon_subtask_cancel after its guards. */
enum engine_outcome canon_subtask_cancel(struct canon_store *s, struct subtask *sub, bool is_async)
{
    struct thread *th = s->current;
    th->kp = sub;
    th->k[0] = is_async;
    th->k[1] = 0;
    sub->cancellation_requested = true;
    sub->w.has_sync_waiter = true;
    if (sub->call) {
        struct canon_call *c = sub->call;
        if (c->on_cancel && !c->ended) {
            c->inside = true;
            c->on_cancel(c->cancel_env, c);
            c->inside = false;
            if (c->ended && !c->later) {
                canon_call_free(c);
            }
        }
        return s->failed ? ENGINE_TRAPPED : canon_suspend(s, STEP_AGAIN, NULL, cancel_asked);
    }
    struct task *t = sub->task;
    if (!t) {
        return canon_suspend(s, STEP_AGAIN, NULL, cancel_asked);
    }
    bool initial = t->state == TASK_INITIAL;
    t->state = TASK_PENDING_CANCEL;
    if (initial) {
        return canon_suspend(s, STEP_CALL, t->implicit, cancel_asked);
    }
    if (t->implicit) {
        canon_thread_cancel(t->implicit);
    }
    return canon_suspend(s, STEP_AGAIN, NULL, request_cancellation);
}
