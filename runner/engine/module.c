/* module.c - loading a module: validation, and one small record for each function. */
#include "engine_internal.h"

static u32 record_of(const struct wasm_functype *type)
{
    u32 params = engine_type_slots(type->params, type->param_count);
    u32 results = engine_type_slots(type->results, type->result_count);
    return params > results ? params : results;
}

static void init_codes(struct engine_module *em)
{
    const struct wasm_module *m = em->source;
    em->code_count = m->codes.len;
    em->codes = arena_array(&em->store->arena, struct engine_code, m->codes.len);
    union cell translate = engine_cell_of(H_TRANSLATE);
    for (u32 i = 0; i < m->codes.len; i++) {
        struct engine_code *c = &em->codes[i];
        c->module = em;
        c->index = m->imported_funcs + i;
        c->record = record_of(wasm_func_type(m, c->index));
        c->stub[0].u = (u64)c->record + 3;
        c->stub[1] = translate;
        c->stub[2].ptr = c;
        c->entry = c->stub + 1;
    }
}

/* Does some body use the older form of exceptions? */
static bool has_legacy(const struct wasm_module *m)
{
    bool found = false;
    for (u32 i = 0; i < m->codes.len && !found; i++)
        found = engine_code_uses(m, i, FEATURE_LEGACY_EXCEPTIONS);
    return found;
}

struct engine_module *engine_load(struct engine_store *s, const struct wasm_module *m,
                                  struct features features, struct diags *d)
{
    struct validate_context *context = validate_module_shell(&s->arena, s->types, m, features, d);
    if (!context)
        return NULL;
    bool fine = true;
    for (u32 i = 0; i < m->codes.len && fine; i++)
        fine = validate_func(context, m->imported_funcs + i, d);
    if (!fine)
        return NULL;
    if (features_has(features, FEATURE_LEGACY_EXCEPTIONS) && has_legacy(m)) {
        diag_unsupported(d, (span){m->source, m->base, m->base}, "running legacy exceptions");
        return NULL;
    }
    struct engine_module *em = arena_new(&s->arena, struct engine_module);
    em->store = s;
    em->source = m;
    em->context = context;
    em->type_ids = validate_context_ids(context);
    em->layouts = arena_array(&s->arena, struct layout *, m->types.len);
    for (u32 i = 0; i < m->exports.len; i++)
        map_add(&s->arena, &em->exports, m->exports.data[i].name, i);
    init_codes(em);
    return em;
}

const struct wasm_module *engine_module_source(const struct engine_module *m)
{
    return m->source;
}
