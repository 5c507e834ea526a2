/* load.c - loading components into a store: each is validated, each core module is made ready for the engine once. */
#include "canon_internal.h"

struct loaded_module *canon_find_module(struct canon_store *s, const struct wasm_module *m)
{
    u32 n = map_get(&s->modules, str_of((const char *)&m, sizeof m));
    return n == MAP_NONE ? NULL : &s->module_list.data[n];
}

struct engine_module *canon_get_module(struct canon_store *s, const struct wasm_module *m,
                                       struct diags *d)
{
    struct loaded_module *found = canon_find_module(s, m);
    if (found) {
        return found->module;
    }
    struct engine_module *module = engine_load(s->engine, m, s->config.features, d);
    if (module) {
        struct arena a = {0};
        struct wasm_names names = {0};
        wasm_read_names(&a, m, &names); /* the name itself lies in the section */
        arena_free(&a);
        str key = str_of((const char *)&m, sizeof m);
        map_put(&s->arena, &s->modules, str_dup(&s->arena, key), s->module_list.len);
        *vec_push(&s->arena, &s->module_list) = (struct loaded_module){module, names.module};
    }
    return module;
}

static bool load_modules(struct canon_store *s, const struct wasm_component *c, struct diags *d)
{
    bool fine = true;
    for (u32 i = 0; i < c->modules.len; i++) {
        if (!canon_burn(s, NULL, 0)) {
            return false;
        }
        fine &= canon_get_module(s, c->modules.data[i], d) != NULL;
    }
    for (u32 i = 0; i < c->components.len && !s->failed; i++) {
        fine &= load_modules(s, c->components.data[i], d);
    }
    return fine;
}

struct canon_loaded *canon_load(struct canon_store *s, const struct wasm_component *c,
                                struct diags *d)
{
    if (!s->types) {
        s->types = validate_types_new(&s->arena);
        validate_leave_bodies(s->types); /* engine_load validates them */
    }
    validate_id type;
    canon_clear_trap(s);
    if (!validate_component(s->types, c, s->config.features, &type, d) || !load_modules(s, c, d)) {
        canon_clear_trap(s);
        return NULL;
    }
    struct canon_loaded *l = arena_new(&s->arena, struct canon_loaded);
    l->store = s;
    l->type = type;
    l->component = c;
    return l;
}
