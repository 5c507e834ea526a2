/* script_core.c - core modules of a script: linking, calls, results. */
#include "script_internal.h"

u32 script_slots(wasm_valtype type)
{
    return type == WASM_V128 ? 2 : 1;
}

/* ---- Instantiation ------------------------------------------------------------------------------------ */

static bool find_import(struct runner *r, const struct wasm_import *import,
                        struct engine_extern *out)
{
    u32 instance = map_get(&r->registered, import->module);
    if (instance != MAP_NONE) {
        const struct instance *i = &r->instances.data[instance];
        return i->layer == LAYER_MODULE && engine_export(i->core, import->name, out);
    }
    if (!str_eq(import->module, STR("spectest")))
        return false;
    u32 item = map_get(&r->spectest, import->name);
    if (item != MAP_NONE)
        *out = r->spectest_items.data[item];
    return item != MAP_NONE;
}

static struct outcome trapped(struct runner *r)
{
    const struct engine_trap *trap = engine_trap_of(r->task);
    enum end end = END_TRAP;
    if (trap->is_exception)
        end = END_EXCEPTION;
    else if (str_find(trap->message, STR("exhausted"), 0) != SIZE_MAX)
        end = END_EXHAUSTION;
    struct outcome o = script_message(end, str_dup(r->arena, trap->message));
    o.trap = trap;
    return o;
}

static struct outcome call(struct runner *r, struct engine_func *f, const u64 *slots)
{
    enum engine_outcome outcome;
    bool forever;
    if (r->blocked) {
        r->blocked = false;
        outcome = engine_resume(r->task, NULL);
    } else {
        engine_task_free(r->task);
        r->task = engine_task_new(r->store);
        outcome = engine_start(r->task, f, slots);
    }
    switch (outcome) {
    case ENGINE_DONE: return script_message(END_FINE, (str){0});
    case ENGINE_TRAPPED: return trapped(r);
    case ENGINE_SUSPENDED: break;
    }
    r->blocked = engine_waits(r->task, &forever);
    return script_message(r->blocked ? END_BLOCKED : END_UNSUPPORTED,
                          STR("the call was suspended"));
}

/* A start function waits for nobody: a module that is half made cannot be tried again. */
static struct outcome start(struct runner *r, struct engine_func *f)
{
    struct outcome o = call(r, f, NULL);
    if (o.end == END_BLOCKED) {
        engine_end_wait(r->task);
        return start(r, f);
    }
    return o;
}

struct outcome script_instantiate_core(struct runner *r, struct definition *def, str label,
                                       struct instance *out)
{
    const struct wasm_module *m = def->binary.module;
    struct diags *why = arena_new(r->arena, struct diags);
    diags_init(why, r->arena, r->d->sources);
    if (!def->loaded)
        def->loaded = engine_load(r->store, m, r->features, why);
    if (!def->loaded)
        return script_failed(r, END_INVALID, why);
    struct engine_extern *imports = arena_array(r->arena, struct engine_extern, m->imports.len);
    for (u32 i = 0; i < m->imports.len; i++) {
        const struct wasm_import *import = &m->imports.data[i];
        if (!find_import(r, import, &imports[i])) {
            return script_message(END_UNLINKABLE,
                                  str_printf(r->arena, "unknown import `" STRF "` `" STRF "`",
                                             STRA(import->module), STRA(import->name)));
        }
    }
    out->layer = LAYER_MODULE;
    enum engine_outcome outcome =
        engine_instantiate(r->store, def->loaded, imports, m->imports.len, label, &out->core, why);
    if (outcome != ENGINE_DONE)
        return script_failed(r, out->core ? END_TRAP : END_UNLINKABLE, why);
    struct engine_func *f = engine_start_func(out->core);
    return f ? start(r, f) : script_message(END_FINE, (str){0});
}

/* ---- Calls ------------------------------------------------------------------------------------------------ */

static bool is_core_value(const struct wast_value *v)
{
    return v->kind <= WAST_REF_EXN;
}

/* Writes an argument into its slots; false if it is of another type. */
static bool argument(const struct wast_value *v, wasm_valtype type, u64 *slots)
{
    static const struct {
        enum wast_value_kind kind;
        wasm_valtype type;
    } numbers[] = {
        {WAST_I32, WASM_I32}, {WAST_I64, WASM_I64},   {WAST_F32, WASM_F32},
        {WAST_F64, WASM_F64}, {WAST_V128, WASM_V128},
    };
    for (u32 i = 0; i < LENGTH_OF(numbers); i++) {
        if (v->kind == numbers[i].kind) {
            slots[0] = v->bits[0];
            if (v->kind == WAST_V128)
                slots[1] = v->bits[1];
            return type == numbers[i].type;
        }
    }
    if (!wasm_is_ref(type))
        return false;
    if (v->kind == WAST_REF_NULL)
        slots[0] = 0;
    else if ((v->kind == WAST_REF_EXTERN || v->kind == WAST_REF_HOST) && v->has_payload)
        slots[0] = engine_extern_ref(v->bits[0]);
    else
        return false;
    return true;
}

static struct outcome invoke(struct runner *r, const struct engine_extern *e,
                             const struct wast_action *action, struct results *out)
{
    const struct wasm_functype *type = engine_func_type(e->func);
    if (type->param_count != action->arg_count) {
        return script_message(END_UNSUPPORTED,
                              str_printf(r->arena, "`" STRF "` takes %u arguments, not %u",
                                         STRA(action->name), type->param_count, action->arg_count));
    }
    u64 *slots = arena_array(r->arena, u64, 2 * (size_t)type->param_count + 1);
    u32 at = 0;
    for (u32 i = 0; i < type->param_count; i++) {
        if (!is_core_value(&action->args[i]) ||
            !argument(&action->args[i], type->params[i], slots + at)) {
            return script_message(END_UNSUPPORTED,
                                  str_printf(r->arena,
                                             "argument %u of `" STRF
                                             "` has another type than the parameter",
                                             i + 1, STRA(action->name)));
        }
        at += script_slots(type->params[i]);
    }
    struct outcome o = call(r, e->func, slots);
    if (o.end == END_FINE)
        *out = (struct results){
            .types = type->results, .count = type->result_count, .slots = engine_results(r->task)};
    return o;
}

struct outcome script_invoke_core(struct runner *r, const struct instance *i,
                                  const struct wast_action *action, struct results *out)
{
    struct engine_extern e;
    enum wasm_extern kind = action->kind == WAST_GET ? EXTERN_GLOBAL : EXTERN_FUNC;
    if (!engine_export(i->core, action->name, &e) || e.kind != kind) {
        return script_message(END_UNSUPPORTED,
                              str_printf(r->arena, "the instance exports no %s `" STRF "`",
                                         kind == EXTERN_FUNC ? "function" : "global",
                                         STRA(action->name)));
    }
    if (kind == EXTERN_FUNC)
        return invoke(r, &e, action, out);
    *out = (struct results){.types = &engine_global_type(e.global)->type,
                            .count = 1,
                            .slots = engine_global_slots(e.global)};
    return script_message(END_FINE, (str){0});
}

/* ---- Results ----------------------------------------------------------------------------------------------- */

static bool in_hierarchy(wasm_valtype type, enum wasm_heap top)
{
    if (!wasm_is_ref(type))
        return false;
    if (wasm_is_concrete(type))
        return top != HEAP_EXTERN &&
               top != HEAP_EXN; /* functions and data alike: the value tells */
    switch (wasm_heap_of(type)) {
    case HEAP_FUNC:
    case HEAP_NOFUNC: return top == HEAP_FUNC;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN: return top == HEAP_EXTERN;
    case HEAP_EXN:
    case HEAP_NOEXN: return top == HEAP_EXN;
    default: return top == HEAP_ANY;
    }
}

static bool reference_matches(struct runner *r, const struct wast_value *want, wasm_valtype type,
                              engine_ref ref)
{
    u64 host;
    if (!wasm_is_ref(type))
        return false;
    if (want->kind == WAST_REF_NULL)
        return ref == 0;
    if (ref == 0)
        return false;
    bool any = in_hierarchy(type, HEAP_ANY);
    switch (want->kind) {
    case WAST_REF_FUNC: return in_hierarchy(type, HEAP_FUNC);
    case WAST_REF_EXN: return in_hierarchy(type, HEAP_EXN);
    case WAST_REF_EXTERN:
    case WAST_REF_HOST:
        if (!want->has_payload)
            return in_hierarchy(type, want->kind == WAST_REF_HOST ? HEAP_ANY : HEAP_EXTERN);
        return engine_is_extern_ref(ref, &host) && host == want->bits[0];
    case WAST_REF_ANY: return any;
    case WAST_REF_EQ: return any && engine_ref_is(r->store, ref, wasm_ref_abstract(HEAP_EQ, false));
    case WAST_REF_I31:
        return any && engine_ref_is(r->store, ref, wasm_ref_abstract(HEAP_I31, false));
    case WAST_REF_STRUCT:
        return any && engine_ref_is(r->store, ref, wasm_ref_abstract(HEAP_STRUCT, false));
    case WAST_REF_ARRAY:
        return any && engine_ref_is(r->store, ref, wasm_ref_abstract(HEAP_ARRAY, false));
    default: return false;
    }
}

static bool vector_matches(const struct wast_value *want, const u64 *have)
{
    unsigned bits = want->lane_bits;
    if (!want->lanes_float)
        return want->bits[0] == have[0] && want->bits[1] == have[1];
    u64 mask = bits == 64 ? ~(u64)0 : ((u64)1 << bits) - 1;
    for (u32 lane = 0; lane < 128 / bits; lane++) {
        u32 word = lane * bits / 64, shift = lane * bits % 64;
        if (!script_float_matches(want->nan[lane], want->bits[word] >> shift & mask,
                                  have[word] >> shift & mask, bits))
            return false;
    }
    return true;
}

bool script_core_matches(struct runner *r, const struct wast_value *want, wasm_valtype type,
                         const u64 *slots)
{
    switch (want->kind) {
    case WAST_EITHER:
        for (u32 i = 0; i < want->count; i++) {
            if (script_core_matches(r, &want->items[i], type, slots))
                return true;
        }
        return false;
    case WAST_I32: return type == WASM_I32 && (u32)slots[0] == (u32)want->bits[0];
    case WAST_I64: return type == WASM_I64 && slots[0] == want->bits[0];
    case WAST_F32:
        return type == WASM_F32 &&
               script_float_matches(want->nan[0], want->bits[0], (u32)slots[0], 32);
    case WAST_F64:
        return type == WASM_F64 && script_float_matches(want->nan[0], want->bits[0], slots[0], 64);
    case WAST_V128: return type == WASM_V128 && vector_matches(want, slots);
    default: return is_core_value(want) && reference_matches(r, want, type, slots[0]);
    }
}
