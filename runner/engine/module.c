/* module.c - loading a module: validation; records of functions are made when they are called. */
#include "engine_internal.h"

u32 engine_record_of(const struct wasm_functype *type)
{
    u32 params = engine_type_slots(type->params, type->param_count);
    u32 results = engine_type_slots(type->results, type->result_count);
    return params > results ? params : results;
}

void engine_set_record(struct engine_code *c, const struct wasm_functype *type)
{
    c->params = (u16)engine_type_slots(type->params, type->param_count);
    c->results = (u16)engine_type_slots(type->results, type->result_count);
    c->record = c->params > c->results ? c->params : c->results;
}

struct engine_code *engine_code_at(struct engine_module *em, u32 func)
{
    struct engine_code **slot = &em->codes[func - em->source->imported_funcs];
    if (!*slot) {
        struct engine_code *c = arena_new(&em->store->arena, struct engine_code);
        c->module = em;
        c->index = func;
        engine_set_record(c, wasm_func_type(em->source, func));
        *slot = c;
    }
    return *slot;
}

void engine_validate_lazily(struct engine_store *s, bool lazily)
{
    s->lazy = lazily;
}

bool engine_check_body(struct engine_module *em, u32 func, struct diags *d)
{
    const struct wasm_module *m = em->source;
    u32 code = func - m->imported_funcs;
    if (!validate_func(em->context, func, d))
        return false;
    if (em->has_legacy && engine_code_uses(m, code, FEATURE_LEGACY_EXCEPTIONS)) {
        u32 at = m->codes.data[code].offset;
        diag_unsupported(d, (span){m->source, at, at + 1}, "running legacy exceptions");
        return false;
    }
    return true;
}

struct engine_module *engine_load(struct engine_store *s, const struct wasm_module *m,
                                  struct features features, struct diags *d)
{
    struct validate_context *context = validate_module_shell(&s->arena, s->types, m, features, d);
    if (!context)
        return NULL;
    struct engine_module *em = arena_new(&s->arena, struct engine_module);
    em->store = s;
    em->source = m;
    em->context = context;
    em->is_lazy = s->lazy;
    em->has_legacy = features_has(features, FEATURE_LEGACY_EXCEPTIONS);
    bool fine = true;
    u32 before = d->errors;
    for (u32 i = 0; !s->lazy && i < m->codes.len && d->errors - before < diags_limit(d); i++)
        fine &= engine_check_body(em, m->imported_funcs + i, d);
    if (!fine)
        return NULL;
    em->type_ids = validate_context_ids(context);
    em->layouts = arena_array(&s->arena, struct layout *, m->types.len);
    for (u32 i = 0; i < m->exports.len; i++)
        map_add(&s->arena, &em->exports, m->exports.data[i].name, i);
    em->codes = arena_array(&s->arena, struct engine_code *, m->codes.len);
    return em;
}

struct engine_module *engine_load_source(struct engine_store *s, u32 source,
                                         struct features features, struct diags *d)
{
    struct wasm_binary binary;
    if (!wasm_read(&s->arena, source, features, &binary, d))
        return NULL;
    if (binary.layer == LAYER_MODULE)
        return engine_load(s, binary.module, features, d);
    diag_error(d, "run", (span){source, 0, 0}, "this is a component: a core module is expected");
    return NULL;
}

const struct wasm_module *engine_module_source(const struct engine_module *m)
{
    return m->source;
}

struct wasm_externtype engine_import_type(const struct engine_module *m, u32 import)
{
    return validate_canonical_externtype(m->context, &m->source->imports.data[import].type);
}
