/* builtins.c - the canonical built-ins that never block, and the gate that all of them pass. */
#include "builtins.h"
#include "transfer.h"

static const struct row {
    enum cm_canon_kind kind;
    const char *params, *results;
    bool guarded;
    builtin_fn *fn;
} rows[] = {
#define BUILTIN(id, params, results, guarded, fn) \
    {CANON_##id, params, results, guarded, canon_bi_##fn},
#include "builtins.def"
#undef BUILTIN
};

/* Each loop turn may have moved a memory: a look at interrupts as often as that. One that is suspended looks when it goes on. */
static enum engine_outcome unless_interrupted(struct component_instance *i,
                                              enum engine_outcome outcome)
{
    return outcome != ENGINE_DONE || canon_look(i) ? outcome : FAILED;
}

static enum engine_outcome finish(struct canon_store *s, struct engine_task *t,
                                  enum engine_outcome outcome)
{
    return s->failed ? engine_trap(t, STRF, STRA(s->trap.message)) : outcome;
}

static enum engine_outcome builtin_entry(void *env, struct engine_task *t, u64 *slots)
{
    struct builtin *b = env;
    struct canon_store *s = b->inst->store;
    struct engine_task *outer = s->host_task;
    const char *outer_name = s->builtin;
    enum engine_outcome outcome = FAILED;
    s->host_task = t;
    s->builtin = cm_canon_info[b->def->kind].name;
    if (b->guarded && !b->inst->may_leave) {
        canon_fail(s, b->inst, "cannot leave component instance");
    } else {
        if (s->config.trace) {
            canon_trace_event(s, TRACE_BUILTIN, s->current, s->builtin);
        }
        outcome = unless_interrupted(b->inst, b->fn(b, slots));
    }
    s->host_task = outer;
    s->builtin = outer_name;
    return finish(s, t, outcome);
}

/* The core function of a lowered import. */
static enum engine_outcome lower_entry(void *env, struct engine_task *t, u64 *slots)
{
    struct lowered *low = env;
    struct canon_store *s = low->inst->store;
    struct engine_task *outer = s->host_task;
    s->host_task = t;
    enum engine_outcome outcome = unless_interrupted(low->inst, canon_lower_core(low, slots));
    s->host_task = outer;
    return finish(s, t, outcome);
}

/* ---- Making them -------------------------------------------------------------------------------------- */

static wasm_valtype letter_type(const struct builtin *b, char letter)
{
    switch (letter) {
    case 'I': return WASM_I64;
    case 'p': return b->opts.p ? WASM_I64 : WASM_I32;
    case 't': return b->table_64 ? WASM_I64 : WASM_I32;
    case 'c': return b->closure_64 ? WASM_I64 : WASM_I32;
    case 's': return b->def->slot_type;
    case 'r': return b->rt->rep_64 ? WASM_I64 : WASM_I32;
    default: return WASM_I32;
    }
}

static struct wasm_functype builtin_type(struct arena *a, const struct builtin *b,
                                         const struct row *row)
{
    struct wasm_functype ft = {0};
    wasm_valtype *params = arena_array(a, wasm_valtype, MAX_FLAT_PARAMS + 1);
    wasm_valtype *results = arena_array(a, wasm_valtype, 1);
    if (row->kind == CANON_TASK_RETURN) {
        const struct canon_type *t = b->result;
        u32 n = t ? t->flat_count : 0;
        if (n > MAX_FLAT_PARAMS) {
            params[ft.param_count++] = letter_type(b, 'p');
        } else {
            for (u32 i = 0; i < n; i++) {
                params[ft.param_count++] = t->flat[b->opts.p][i];
            }
        }
    } else {
        for (const char *c = row->params; *c; c++) {
            params[ft.param_count++] = letter_type(b, *c);
        }
    }
    for (const char *c = row->results; *c; c++) {
        results[ft.result_count++] = letter_type(b, *c);
    }
    ft.params = params;
    ft.results = results;
    return ft;
}

struct engine_func *canon_builtin_func(struct builtin *b, struct diags *d)
{
    struct canon_store *s = b->inst->store;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        if (rows[i].kind == b->def->kind) {
            b->fn = rows[i].fn;
            b->guarded = rows[i].guarded;
            struct wasm_functype type = builtin_type(&s->arena, b, &rows[i]);
            return engine_host_func(s->engine, &type, str_c(cm_canon_info[b->def->kind].name),
                                    builtin_entry, b);
        }
    }
    diag_unsupported(d, b->def->at, "running `canon %s`", cm_canon_info[b->def->kind].name);
    return NULL;
}

/* flatten_functype for lowering. */
struct engine_func *canon_lower_func(struct lowered *low)
{
    struct canon_store *s = low->inst->store;
    const struct functype *f = functype_of(low->callee->type);
    struct wasm_functype ft = {0};
    wasm_valtype *params = arena_array(&s->arena, wasm_valtype, MAX_FLAT_PARAMS + 2);
    wasm_valtype *results = arena_array(&s->arena, wasm_valtype, 1);
    u8 p = low->opts.p;
    wasm_valtype pointer = p ? WASM_I64 : WASM_I32;
    low->max_flat_params = low->opts.is_async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS;
    low->max_flat_results = low->opts.is_async ? 0 : MAX_FLAT_RESULTS;
    if (f->flat_params > low->max_flat_params) {
        params[ft.param_count++] = pointer;
    } else {
        for (u32 i = 0; i < f->flat_params; i++) {
            params[ft.param_count++] = f->param_tuple->flat[p][i];
        }
    }
    if (f->flat_results > low->max_flat_results) {
        params[ft.param_count++] = pointer;
    } else if (f->flat_results) {
        results[ft.result_count++] = f->pub.result->flat[p][0];
    }
    if (low->opts.is_async) {
        results[ft.result_count++] = WASM_I32;
    }
    ft.params = params;
    ft.results = results;
    low->core_params = ft.param_count;
    struct engine_func *func =
        engine_host_func(s->engine, &ft, low->callee->name, lower_entry, low);
    if (low->callee->kind == FUNC_LIFTED) {
        engine_host_func_is_of(func, low->callee->inst->path);
    }
    return func;
}

/* ---- Resources ------------------------------------------------------------------------------------------- */

enum engine_outcome canon_bi_resource_new(struct builtin *b, u64 *slots)
{
    struct handle h = {.kind = HANDLE_RESOURCE, .own = true};
    h.rt = b->rt;
    h.rep = b->rt->rep_64 ? slots[0] : (u32)slots[0];
    slots[0] = canon_handle_add(b->inst, h);
    return slots[0] ? ENGINE_DONE : FAILED;
}

enum engine_outcome canon_bi_resource_rep(struct builtin *b, u64 *slots)
{
    struct handle *h = canon_handle_resource(b->inst, (u32)slots[0], b->rt);
    if (!h) {
        return FAILED;
    }
    slots[0] = h->rep;
    return ENGINE_DONE;
}

enum engine_outcome canon_bi_resource_drop(struct builtin *b, u64 *slots)
{
    u32 index = (u32)slots[0];
    struct component_instance *i = b->inst;
    struct canon_store *s = i->store;
    struct handle *h = canon_handle_resource(i, index, b->rt);
    if (!h) {
        return FAILED;
    }
    if (h->num_lends) {
        canon_fail_handle(i, index, "cannot remove owned resource while borrowed");
        return FAILED;
    }
    bool own = h->own;
    u64 rep = h->rep;
    struct task *scope = own ? NULL : h->borrow_scope;
    canon_handle_remove(i, index);
    if (s->config.trace) {
        canon_trace_event(s, TRACE_DROP, s->current, own ? "own" : "borrow");
    }
    if (!own) {
        scope->num_borrows--;
        return ENGINE_DONE;
    }
    struct canon_resource_type *rt = b->rt;
    if (!rt->impl) {
        if (rt->host_dtor) {
            rt->host_dtor(rt->host_env, rep);
        }
        return ENGINE_DONE;
    }
    if (!rt->dtor_func) {
        return ENGINE_DONE;
    }
    if (canon_is_direct(rt->dtor_func)) {
        return canon_call_direct(b->drop, &rep) ? ENGINE_DONE : FAILED;
    }
    struct subtask *sub = canon_subtask_new(s, b->drop);
    sub->args[0] = rep;
    return canon_call_lifted(s, rt->dtor_func, sub);
}

/* ---- Context, backpressure ---------------------------------------------------------------------------------- */

enum engine_outcome canon_bi_context_get(struct builtin *b, u64 *slots)
{
    u64 v = b->inst->store->context[b->def->slot & 1];
    slots[0] = b->def->slot_type == WASM_I64 ? v : (u32)v;
    return ENGINE_DONE;
}

enum engine_outcome canon_bi_context_set(struct builtin *b, u64 *slots)
{
    b->inst->store->context[b->def->slot & 1] = slots[0];
    return ENGINE_DONE;
}

enum engine_outcome canon_bi_backpressure_inc(struct builtin *b, u64 *slots)
{
    (void)slots;
    if (++b->inst->backpressure == 1u << 16) {
        canon_fail(b->inst->store, b->inst, "backpressure counter overflow");
        return FAILED;
    }
    const struct thread *th = b->inst->store->current; /* another's, or none, within realloc */
    bool own = th && th->task->inst == b->inst;
    b->inst->raised.func = own ? th->task->func : NULL;
    b->inst->raised.task = own ? th->task->id : 0;
    canon_backpressure_changed(b->inst);
    return ENGINE_DONE;
}

enum engine_outcome canon_bi_backpressure_dec(struct builtin *b, u64 *slots)
{
    (void)slots;
    if (b->inst->backpressure == 0) {
        canon_fail(b->inst->store, b->inst, "backpressure counter underflow");
        return FAILED;
    }
    b->inst->backpressure--;
    canon_backpressure_changed(b->inst);
    return ENGINE_DONE;
}

/* ---- Task -------------------------------------------------------------------------------------------------------- */

enum engine_outcome canon_bi_task_return(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    struct task *t = s->current->task;
    const struct options *o = &t->func->opts;
    /* Without a memory, as its type then needs none, it fits any (tests/differences.md). */
    if (!o->is_async || !canon_type_equal(b->result, t->func->type->result) ||
        o->encoding != b->opts.encoding || (b->opts.memory && o->memory != b->opts.memory)) {
        canon_fail(s, b->inst, "invalid `task.return` signature and/or options for current task");
        return FAILED;
    }
    u64 copy[MAX_FLAT_PARAMS];
    u32 n = t->func->type->result ? t->func->type->result->flat_count : 0;
    n = n > MAX_FLAT_PARAMS ? 1 : n;
    memcpy(copy, slots, n * sizeof *slots);
    return canon_task_return_flat(t, MAX_FLAT_PARAMS, copy) ? ENGINE_DONE : FAILED;
}

enum engine_outcome canon_bi_task_cancel(struct builtin *b, u64 *slots)
{
    (void)slots;
    struct canon_store *s = b->inst->store;
    struct task *t = s->current->task;
    if (!t->func->opts.is_async) {
        canon_fail(s, b->inst, "`task.cancel` called by task which has not been cancelled");
        return FAILED;
    }
    return canon_task_cancel(t) ? ENGINE_DONE : FAILED;
}

/* ---- Error contexts ------------------------------------------------------------------------------------------------ */

enum engine_outcome canon_bi_error_context_new(struct builtin *b, u64 *slots)
{
    struct canon_store *s = b->inst->store;
    str message = STR("");
    struct arena *scratch = canon_scratch_enter(s);
    bool fine = true;
    if (canon_choose(s, CHOICE_ERROR_MESSAGE, 2) == 0) {
        struct cx cx = canon_cx(s, &b->opts, b->inst);
        struct canon_value v = {0};
        cx.arena = scratch;
        u64 ptr = cx.opts->p ? slots[0] : (u32)slots[0];
        fine = canon_load_string(&cx, ptr, cx.opts->p ? slots[1] : (u32)slots[1], &v);
        message = fine ? canon_text(&v) : message;
    }
    struct canon_error *error = fine ? canon_error_new(s, message) : NULL;
    canon_scratch_leave(s);
    if (!fine) {
        return FAILED;
    }
    struct handle h = {.kind = HANDLE_ERROR};
    h.error = error;
    slots[0] = canon_handle_add(b->inst, h);
    return slots[0] ? ENGINE_DONE : FAILED;
}

enum engine_outcome canon_bi_error_context_debug_message(struct builtin *b, u64 *slots)
{
    struct handle *h = canon_handle_get(b->inst, (u32)slots[0], HANDLE_ERROR);
    if (!h) {
        return FAILED;
    }
    struct cx cx = canon_cx(b->inst->store, &b->opts, b->inst);
    struct canon_value v = canon_string(h->error->message);
    const struct canon_type *t = canon_prim(CANON_T_STRING);
    u64 ptr = b->opts.p ? slots[1] : (u32)slots[1];
    cx.host_values = true;
    bool fine = canon_check_range(&cx, ptr, t->size[b->opts.p], t->align[b->opts.p],
                                  "pointer out of bounds of memory") &&
                canon_lower_value(&cx, &v, t, ptr, b->opts.p);
    return fine ? ENGINE_DONE : FAILED;
}

enum engine_outcome canon_bi_error_context_drop(struct builtin *b, u64 *slots)
{
    if (!canon_handle_get(b->inst, (u32)slots[0], HANDLE_ERROR)) {
        return FAILED;
    }
    canon_handle_remove(b->inst, (u32)slots[0]);
    return ENGINE_DONE;
}
