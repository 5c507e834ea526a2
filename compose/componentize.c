/* componentize.c - from core module to component: the stages in order (see componentize.h). */
#include "componentize.h"
#include "validate.h"

/* All that follows relies on a valid module: indices in bounds, types as declared. */
static bool is_valid(struct componentizer *c, const struct wasm_module *m)
{
    struct wasm_binary binary = {.layer = LAYER_MODULE, .module = (struct wasm_module *)m};
    return validate_binary(c->arena, &binary, features_all(), c->diags);
}

static bool add_unit(struct componentizer *c, const struct wasm_module *m, str name,
                     bool is_adapter)
{
    struct unit *u = vec_push(c->arena, &c->units);
    *u = (struct unit){.name = name, .m = m, .body = m, .is_adapter = is_adapter};
    if (!is_valid(c, m))
        return false;
    if (is_adapter)
        u->used = arena_array(c->arena, bool, m->exports.len);
    return compose_read_exports(c, u);
}

/* The worlds of the main module and of the adapters, as one. */
static bool read_worlds(struct componentizer *c, const struct wasm_module *m)
{
    if (!compose_read_world(c, m, &c->world))
        return false;
    for (u32 i = 0; i < c->options->adapter_count; i++) {
        u32 world;
        if (!compose_read_world(c, c->options->adapters[i].module, &world) ||
            !wit_merge_worlds(&c->r, world, c->world))
            return false;
    }
    if (!c->options->keep_versions && !wit_merge_semver(&c->r, c->world, false))
        return false;
    wit_split_identities(&c->r, c->world);
    compose_index_world(c);
    return true;
}

/* Whether the unit's own realloc is called on behalf of it; then that must stay. */
static bool keep_realloc(struct componentizer *c, u32 unit)
{
    struct unit *u = &c->units.data[unit];
    u8 imports = 0, exports = 0;
    bool added = false;
    for (u32 i = 0; i < u->body->imports.len; i++)
        imports |= u->bindings[i].needs;
    for (u32 i = 0; i < c->lifts.len; i++)
        if (c->lifts.data[i].unit == unit)
            exports |= c->lifts.data[i].needs;
    for (u32 side = 0; side < 2; side++) {
        u32 owner, at = compose_realloc_export(c, unit, side, &owner);
        if (((side ? exports : imports) & NEEDS_REALLOC) && owner == unit && at != NONE &&
            !u->used[at])
            u->used[at] = added = true;
    }
    return added;
}

static bool bind_adapter(struct componentizer *c, u32 unit)
{
    struct unit *u = &c->units.data[unit];
    bool used = false;
    for (u32 i = 0; i < u->m->exports.len; i++)
        used |= u->used[i];
    if (!used) {
        u->dropped = true;
        u->body = arena_new(c->arena, struct wasm_module);
        struct diag *x = diag_warning(c->diags, "new-adapter", (span){0},
                                      "the adapter `" STRF "` is not used: the core module imports "
                                      "nothing from a module of that name",
                                      STRA(u->name));
        diag_help(c->diags, x, "`--adapt NAME=FILE` says what the adapter stands for");
        return true;
    }
    if (!compose_trim_adapter(c, u) || !compose_bind_unit(c, unit))
        return false;
    return !keep_realloc(c, unit) || (compose_trim_adapter(c, u) && compose_bind_unit(c, unit));
}

static bool bind(struct componentizer *c)
{
    bool ok = compose_bind_unit(c, 0);
    ok &= compose_bind_exports(c);
    if (!ok)
        return false;
    for (u32 u = 1; u < c->units.len; u++)
        ok &= bind_adapter(c, u);
    compose_mark_world(c);
    return ok;
}

bool compose_new(struct arena *a, const struct wasm_module *m,
                 const struct compose_new_options *options, struct diags *d, struct buf *out)
{
    struct componentizer *c = arena_new(a, struct componentizer);
    *c = (struct componentizer){.arena = a, .diags = d, .options = options};
    wit_resolve_init(&c->r, a, d);
    if (!add_unit(c, m, STR("main"), false))
        return false;
    for (u32 i = 0; i < options->adapter_count; i++)
        if (!add_unit(c, options->adapters[i].module, options->adapters[i].name, true))
            return false;
    if (!read_worlds(c, m) || !bind(c) || !compose_emit(c))
        return false;
    wasm_write_component(out, c->b.component);
    return true;
}
