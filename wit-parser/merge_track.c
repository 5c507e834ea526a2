/* merge_track.c - joins a world's imports of one interface in compatible versions.
 *
 * The highest version of a semver track takes the place of the lower ones. Types of the lower interfaces become those
 * of the highest wherever the world uses them: it must have those. Worlds may show but a part of an interface, so that
 * it may lack what nobody uses.
 */
#include "compare.h"
#include "unit.h"

struct track {
    struct wit_resolve *r;
    u32 world;
    u32 *type;      /* by type: what stands for it */
    u32 *interface; /* by interface: what stands for it */
    bool *used;     /* by interface: the world has it, and goes on having it */
    bool whole;
    u32 missed; /* a type that is used and has nothing to stand for it */
};

static struct wit_type replaced(struct track *t, struct wit_type x)
{
    if (x.kind != WIT_ID || x.id == WIT_NONE)
        return x;
    if (t->type[x.id] == WIT_NONE)
        t->missed = x.id;
    else
        x.id = t->type[x.id];
    return x;
}

static void replace_fields(struct track *t, const struct wit_field **fields, u32 n)
{
    bool changed = false;
    for (u32 i = 0; i < n; i++) {
        struct wit_type x = (*fields)[i].type;
        changed |= x.kind == WIT_ID && x.id != WIT_NONE && t->type[x.id] != x.id;
    }
    if (!changed)
        return;
    struct wit_field *copy = arena_array(t->r->arena, struct wit_field, n);
    for (u32 i = 0; i < n; i++) {
        copy[i] = (*fields)[i];
        copy[i].type = replaced(t, copy[i].type);
    }
    *fields = copy;
}

static void replace_func(struct track *t, struct wit_func *f)
{
    replace_fields(t, &f->params, f->param_count);
    f->result = replaced(t, f->result);
    if (f->kind != WIT_FREE)
        f->resource = replaced(t, (struct wit_type){WIT_ID, f->resource}).id;
}

/* Interfaces that are replaced, and those that the world does not have, keep their own types. */
static bool is_affected(const struct track *t, struct wit_owner owner)
{
    switch (owner.kind) {
    case WIT_OWNER_INTERFACE: return t->used[owner.index];
    case WIT_OWNER_WORLD: return owner.index == t->world;
    default: return true;
    }
}

/* What the world imports and exports uses what stands for the others; so do types without a name, and itself. */
static void replace_all(struct track *t)
{
    struct wit_resolve *r = t->r;
    for (u32 i = 0; i < r->types.len; i++) {
        struct wit_typedef *x = &r->types.data[i];
        if (!is_affected(t, x->owner))
            continue;
        replace_fields(t, &x->fields, x->field_count);
        x->first = replaced(t, x->first);
        x->second = replaced(t, x->second);
        if (x->owner.kind == WIT_OWNER_NONE) /* it counts where it is used */
            t->missed = WIT_NONE;
        else if (t->missed != WIT_NONE)
            return;
    }
    for (u32 i = 0; i < r->interfaces.len; i++)
        for (u32 k = 0; k < r->interfaces.data[i].funcs.len && t->used[i]; k++)
            replace_func(t, &r->interfaces.data[i].funcs.data[k]);
    struct wit_world *w = &r->worlds.data[t->world];
    for (u32 i = 0; i < w->imports.len; i++)
        if (w->imports.data[i].kind == WIT_ITEM_FUNC)
            replace_func(t, &w->imports.data[i].func);
    for (u32 i = 0; i < w->exports.len; i++)
        if (w->exports.data[i].kind == WIT_ITEM_FUNC)
            replace_func(t, &w->exports.data[i].func);
}

static const struct wit_package_name *package_of(const struct wit_resolve *r, u32 interface)
{
    return &r->packages.data[r->interfaces.data[interface].package].name;
}

static bool lacks(struct wit_resolve *r, u32 from, u32 to, str type)
{
    struct diag *x = diag_error(r->diags, "wit-versions", r->interfaces.data[to].at,
                                "the world imports `" STRF "` and `" STRF
                                "`, but the later one lacks the type `" STRF "`",
                                STRA(wit_interface_id(r, r->arena, from)),
                                STRA(wit_interface_id(r, r->arena, to)), STRA(type));
    diag_note(r->diags, x, "imports of compatible versions are joined to the highest one");
    diag_help(r->diags, x, "`--merge-imports-based-on-semver=false` keeps them apart");
    return false;
}

static bool join(struct track *t, u32 from, u32 to)
{
    struct wit_resolve *r = t->r;
    const struct wit_interface *low = &r->interfaces.data[from], *high = &r->interfaces.data[to];
    struct map types = {0};
    str label = str_printf(r->arena, "`" STRF "` (in `" STRF "`)",
                           STRA(wit_interface_id(r, r->arena, from)),
                           STRA(wit_interface_id(r, r->arena, to)));
    t->interface[from] = to;
    if (t->whole && !wit_compare_interfaces(r, from, to, label, "wit-semver"))
        return false;
    for (u32 i = 0; i < high->types.len; i++)
        map_add(r->arena, &types, high->types.data[i].name, high->types.data[i].type);
    for (u32 i = 0; i < low->types.len; i++) {
        struct wit_named_type x = low->types.data[i];
        u32 type = map_get(&types, x.name);
        if (type != MAP_NONE && r->types.data[type].kind != r->types.data[x.type].kind)
            return lacks(r, from, to, x.name);
        t->type[x.type] = type == MAP_NONE ? WIT_NONE : type;
    }
    return true;
}

/* An import of an interface by its id that has a version. */
static bool has_track(const struct wit_resolve *r, const struct wit_world_item *x)
{
    return x->kind == WIT_ITEM_INTERFACE && !x->has_key_name &&
           r->interfaces.data[x->interface].package != WIT_NONE &&
           package_of(r, x->interface)->version.text.len;
}

/* By import: the one of the highest version in its track, itself if it is that or has none. False: all are. */
static bool find_highest(struct wit_resolve *r, const wit_world_items *imports, u32 *highest)
{
    struct map best = {0}; /* "ns:name/item track" */
    u32 *group = arena_array(r->arena, u32, imports->len);
    bool any = false;
    for (u32 i = 0; i < imports->len; i++) {
        const struct wit_world_item *x = &imports->data[i];
        group[i] = highest[i] = i;
        if (!has_track(r, x))
            continue;
        const struct wit_package_name *p = package_of(r, x->interface);
        str key = str_printf(r->arena, STRF ":" STRF "/" STRF " " STRF, STRA(p->ns), STRA(p->name),
                             STRA(r->interfaces.data[x->interface].name),
                             STRA(wit_version_track(r->arena, &p->version)));
        u32 first = map_add(r->arena, &best, key, i);
        if (first == MAP_NONE)
            continue;
        any = true;
        group[i] = first;
        u32 have = imports->data[highest[first]].interface;
        if (wit_version_order(&p->version, &package_of(r, have)->version) > 0)
            highest[first] = i;
    }
    for (u32 i = 0; i < imports->len; i++)
        if (group[i] != i)
            highest[i] = highest[group[i]];
    return any;
}

static u32 *identity(struct arena *a, u32 n)
{
    u32 *map = arena_array(a, u32, n);
    for (u32 i = 0; i < n; i++)
        map[i] = i;
    return map;
}

/* Interfaces have changed: so have the needs of every world that uses them. */
static bool elaborate_all(struct wit_resolve *r)
{
    bool fine = wit_check_circles(r);
    for (u32 i = 0; i < r->worlds.len && fine; i++)
        fine = wit_elaborate_world(r, i);
    return fine;
}

bool wit_merge_semver(struct wit_resolve *r, u32 world, bool whole)
{
    struct wit_world *w = &r->worlds.data[world];
    struct track t = {.r = r, .world = world, .missed = WIT_NONE, .whole = whole};
    u32 *highest = arena_array(r->arena, u32, w->imports.len);
    if (!find_highest(r, &w->imports, highest))
        return true;
    t.type = identity(r->arena, r->types.len);
    t.interface = identity(r->arena, r->interfaces.len);
    t.used = arena_array(r->arena, bool, r->interfaces.len);
    u32 kept = 0;
    bool fine = true;
    for (u32 i = 0; i < w->exports.len; i++)
        if (w->exports.data[i].kind == WIT_ITEM_INTERFACE)
            t.used[w->exports.data[i].interface] = true;
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *x = &w->imports.data[i];
        if (highest[i] != i)
            fine &= join(&t, x->interface, w->imports.data[highest[i]].interface);
        else if (x->kind == WIT_ITEM_INTERFACE)
            t.used[x->interface] = true;
    }
    for (u32 i = 0; i < w->imports.len; i++)
        if (highest[i] == i)
            w->imports.data[kept++] = w->imports.data[i];
    w->imports.len = kept;
    if (!fine)
        return false;
    replace_all(&t);
    if (t.missed != WIT_NONE) {
        const struct wit_typedef *x = &r->types.data[t.missed];
        return lacks(r, x->owner.index, t.interface[x->owner.index], x->name);
    }
    return elaborate_all(r);
}
