/* invoke.c - the embedder's side: calling exports, turning the scheduler, dropping resources. */
#include "canon_internal.h"

#define LOOK_EVERY \
    16 /* turns between looks at the outside, and at what hosts go on with, while guests are busy */

static struct canon_invocation *invocation_new(struct canon_store *s, struct canon_func *f)
{
    struct canon_invocation *inv = mem_alloc(sizeof *inv);
    inv->func = f;
    LIST_PUSH(s->invocations, inv, all);
    return inv;
}

void canon_invocation_free(struct canon_store *s, struct canon_invocation *inv)
{
    LIST_REMOVE(s->invocations, inv, all);
    if (inv->task) {
        inv->task->inv = NULL;
    }
    if (inv->call) {
        inv->call->inv = NULL;
    }
    arena_free(&inv->arena);
    mem_free(inv);
}

void canon_invocation_resolve(struct canon_invocation *inv, const struct canon_value *result,
                              bool cancelled)
{
    const struct canon_type *t = inv->func->type->result;
    inv->resolved = true;
    inv->task = NULL;
    if (t && !cancelled) {
        canon_value_copy(&inv->arena, result, &inv->result);
    }
    if (inv->done) {
        inv->done(inv->env, t && !cancelled ? &inv->result : NULL);
    }
}

/* Takes notice of a trap that came up outside of any thread. */
static enum canon_outcome trapped(struct canon_store *s)
{
    if (s->failed_inst && !s->failed_inst->root->locked) {
        s->failed_inst->root->locked = true;
        canon_lock_roots(s);
    }
    canon_clear_trap(s);
    return CANON_TRAPPED;
}

/* A synchronous function's callee has blocked: other threads of its instance run until it returns. */
static bool finish_sync(struct canon_store *s, struct canon_invocation *inv)
{
    struct component_instance *i = inv->func->inst;
    while (!inv->resolved) {
        struct thread *helper = canon_pick_thread(s, i, CHOICE_SYNC_HELPER, NULL);
        if (!helper) {
            return canon_fail_blocked(s, inv->task);
        }
        if (!canon_drive(s, helper)) {
            return false;
        }
    }
    return true;
}

static bool start(struct canon_store *s, struct canon_invocation *inv)
{
    struct canon_func *f = inv->func;
    if (f->kind != FUNC_LIFTED) {
        return canon_host_invoke(s, inv);
    }
    struct task *t = canon_task_new(f);
    t->inv = inv;
    inv->task = t;
    if (s->config.trace) {
        canon_trace_lift(t);
    }
    return canon_drive(s, canon_thread_new(t, canon_task_enter)) &&
           (f->type->is_async || finish_sync(s, inv));
}

static bool check_args(struct canon_store *s, struct canon_func *f, const struct canon_value *args,
                       u32 count)
{
    const struct canon_functype *ft = f->type;
    if (count != ft->param_count) {
        return canon_fail(s, NULL, "`" STRF "` takes %u arguments, %u were given", STRA(f->name),
                          ft->param_count, count);
    }
    for (u32 i = 0; i < count; i++) {
        str why;
        if (!canon_value_check(&args[i], ft->params[i].type, &s->arena, &why)) {
            return canon_fail(s, NULL, "argument %u of `" STRF "` does not fit: " STRF, i + 1,
                              STRA(f->name), STRA(why));
        }
    }
    return true;
}

enum canon_outcome canon_begin(struct canon_store *s, struct canon_func *f,
                               const struct canon_value *args, u32 arg_count, canon_done_fn *done,
                               void *env, struct canon_invocation **out)
{
    *out = NULL;
    canon_clear_trap(s);
    if ((f->inst && !canon_enter_allowed(f->inst)) || !check_args(s, f, args, arg_count)) {
        canon_clear_trap(s);
        return CANON_TRAPPED;
    }
    struct canon_invocation *inv = invocation_new(s, f);
    inv->done = done;
    inv->env = env;
    inv->args = arena_array(&inv->arena, struct canon_value, arg_count ? arg_count : 1);
    for (u32 i = 0; i < arg_count; i++) {
        canon_value_copy(&inv->arena, &args[i], &inv->args[i]);
    }
    *out = inv;
    return start(s, inv) ? CANON_OK : trapped(s);
}

void canon_forget(struct canon_store *s, struct canon_invocation *inv)
{
    canon_invocation_free(s, inv);
}

static bool is_resolved(void *env)
{
    return ((struct canon_invocation *)env)->resolved;
}

enum canon_outcome canon_invoke(struct canon_store *s, struct canon_func *f,
                                const struct canon_value *args, u32 arg_count, struct arena *a,
                                struct canon_value *result)
{
    struct canon_invocation *inv;
    enum canon_outcome outcome = canon_begin(s, f, args, arg_count, NULL, NULL, &inv);
    if (outcome == CANON_OK) {
        outcome = canon_store_run_until(s, is_resolved, inv);
    }
    if (outcome == CANON_OK && result && f->type->result) {
        canon_value_copy(a, &inv->result, result);
    }
    if (inv) {
        canon_invocation_free(s, inv);
    }
    return outcome;
}

bool canon_run_func(struct canon_store *s, struct canon_func *f)
{
    struct canon_invocation *inv = invocation_new(s, f);
    bool fine = start(s, inv);
    canon_invocation_free(s, inv);
    return fine;
}

bool canon_run_start(struct canon_store *s, struct canon_func *f, const struct canon_value *args,
                     u32 count, struct canon_value *result)
{
    return canon_invoke(s, f, args, count, &s->arena, result) == CANON_OK;
}

enum canon_outcome canon_cancel(struct canon_store *s, struct canon_invocation *inv)
{
    struct task *t = inv->task;
    canon_clear_trap(s);
    if (inv->resolved || inv->cancel_requested || !t) { /* calls of the host itself go on */
        return CANON_OK;
    }
    inv->cancel_requested = true;
    bool initial = t->state == TASK_INITIAL;
    t->state = TASK_PENDING_CANCEL;
    if (initial) {
        return canon_drive(s, t->implicit) ? CANON_OK : trapped(s);
    }
    if (t->implicit) {
        canon_thread_cancel(t->implicit);
    }
    struct component_instance *i = t->inst;
    do {
        struct thread *th = canon_pick_thread(s, i, CHOICE_CANCEL_THREAD, t->implicit);
        if (!th) {
            break;
        }
        if (!canon_drive(s, th)) {
            return trapped(s);
        }
    } while (!inv->resolved && canon_choose(s, CHOICE_CANCEL_MORE, 2) == 1);
    return CANON_OK;
}

/* ---- Turning ---------------------------------------------------------------------------------------- */

static bool run_drops(struct canon_store *s)
{
    for (u32 i = 0; i < s->drops.len; i++) {
        struct canon_resource_type *rt = s->drops.data[i].rt;
        if (!rt->dtor_func || rt->impl->root->locked) {
            continue;
        }
        struct canon_invocation *inv = invocation_new(s, rt->dtor_func);
        struct canon_value rep =
            canon_u(rt->rep_64 ? CANON_T_U64 : CANON_T_U32, s->drops.data[i].rep);
        inv->args = &rep;
        bool fine = start(s, inv);
        canon_invocation_free(s, inv);
        if (!fine) {
            s->drops.len = 0;
            return false;
        }
    }
    s->drops.len = 0;
    return true;
}

void canon_resource_drop(struct canon_store *s, struct canon_resource_type *rt, u64 rep)
{
    if (!rt->impl) {
        if (rt->host_dtor) {
            rt->host_dtor(rt->host_env, rep);
        }
    } else if (rt->dtor_func && !s->freeing) {
        vec_push(&s->arena, &s->drops);
        s->drops.data[s->drops.len - 1].rt = rt;
        s->drops.data[s->drops.len - 1].rep = rep;
    }
}

str canon_resource_name(const struct canon_resource_type *r)
{
    return r && r->name.len ? r->name : STR("resource");
}

bool canon_resource_is_host(const struct canon_resource_type *r)
{
    return r->impl == NULL;
}

/* Gives the trap the wait-for graph: of a task, or of all (NULL). */
static void tell_waits(struct canon_store *s, const struct task *t)
{
    canon_waits_of(s, &s->arena, t, &s->trap.waits, &s->trap.wait_count);
    s->trap.report = canon_waits_text(&s->arena, s->trap.waits, s->trap.wait_count);
}

bool canon_fail_stalled(struct canon_store *s, struct component_instance *i)
{
    canon_fail(s, i, "deadlock detected: event loop cannot make further progress");
    s->trap.is_deadlock = true;
    tell_waits(s, NULL);
    return false;
}

bool canon_fail_blocked(struct canon_store *s, const struct task *t)
{
    struct thread *outer = s->current, *th = t->implicit;
    if (s->failed) {
        return false; /* the first one counts */
    }
    s->current = th;
    canon_fail(s, t->inst, "cannot block a synchronous task before returning");
    s->current = outer;
    tell_waits(s, t);
    if (th && th->et) {
        s->trap.frames = engine_backtrace(th->et, &s->arena);
    }
    return false;
}

/* Instances whose threads wait for ever. */
static enum canon_outcome stalled(struct canon_store *s)
{
    struct component_instance *i = NULL;
    for (struct thread *th = s->threads; th; th = th->all_next) {
        i = th->task->inst;
        i->root->locked = true;
    }
    canon_fail_stalled(s, i);
    canon_lock_roots(s);
    return trapped(s);
}

/* What hosts go on with a turn later; false: nothing. */
static bool run_late(struct canon_store *s)
{
    bool ends = canon_late_ends(s);
    return canon_late_calls(s) || ends;
}

enum canon_outcome canon_store_run_until(struct canon_store *s, bool (*done)(void *env), void *env)
{
    struct canon_loop *loop = &s->config.loop;
    for (;;) {
        if (s->failed) {
            return trapped(s);
        }
        if (done && done(env)) {
            return CANON_OK;
        }
        if (s->drops.len && !run_drops(s)) {
            return trapped(s);
        }
        if (++s->ticks % LOOK_EVERY == 0) {
            if (loop->poll) {
                loop->poll(loop->env, false);
            }
            run_late(s);
            if (s->failed) {
                return trapped(s);
            }
        }
        struct thread *th = canon_pick_thread(s, NULL, CHOICE_THREAD, NULL);
        if (th) {
            if (!canon_drive(s, th)) {
                return trapped(s);
            }
            continue;
        }
        if (run_late(s)) {
            continue;
        }
        if (loop->poll && loop->poll(loop->env, true)) {
            continue;
        }
        if (s->failed || canon_has_ready(s)) {
            continue;
        }
        if (done && done(env)) {
            return CANON_OK;
        }
        return done ? stalled(s) : CANON_IDLE;
    }
}
