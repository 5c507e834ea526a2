/* transform.c - worlds turned round, and imports of several versions made one. */
#include "compare.h"
#include "index.h"
#include "unit.h"

/* ---- importize, exportize ---------------------------------------------------------------------------------- */

static void rename_world(struct wit_resolve *r, u32 world, str name, const char *suffix)
{
    struct wit_world *w = &r->worlds.data[world];
    struct wit_package *p = &r->packages.data[w->package];
    u32 n = 0;
    for (u32 i = 0; i < p->worlds.len; i++) {
        if (p->worlds.data[i].type != world) {
            p->worlds.data[n++] = p->worlds.data[i];
        }
    }
    w->name = name.len ? name : str_printf(r->arena, STRF "%s", STRA(w->name), suffix);
    p->worlds.len = n;
    *vec_push(r->arena, &p->worlds) = (struct wit_named_type){w->name, world};
    r->index = NULL; /* made anew at need */
}

/* Methods of imported resources stay with them. */
static bool is_type(const struct wit_world_item *item)
{
    return item->kind == WIT_ITEM_TYPE ||
           (item->kind == WIT_ITEM_FUNC && item->func.kind != WIT_FREE);
}

bool wit_importize(struct wit_resolve *r, u32 world, str name)
{
    rename_world(r, world, name, "-importized");
    struct wit_world *w = &r->worlds.data[world];
    struct map keys = {0};
    u32 n = 0;
    for (u32 i = 0; i < w->imports.len; i++) {
        if (is_type(&w->imports.data[i])) {
            map_put(r->arena, &keys, wit_item_key(r, &w->imports.data[i]), n);
            w->imports.data[n++] = w->imports.data[i];
        }
    }
    w->imports.len = n;
    for (u32 i = 0; i < w->exports.len; i++) {
        if (map_get(&keys, wit_item_key(r, &w->exports.data[i])) != MAP_NONE) {
            diag_error(r->diags, "wit-importize", w->exports.data[i].at,
                       "world export `" STRF "` conflicts with import of same name",
                       STRA(w->exports.data[i].name));
            return false;
        }
        struct wit_world_item item = w->exports.data[i];
        *vec_push(r->arena, &w->imports) = item;
    }
    w->exports.len = 0;
    return wit_elaborate_world(r, world);
}

static bool is_named(const struct wit_resolve *r, const struct wit_world_item *item,
                     const str *only, u32 n)
{
    str name = item->has_key_name ? item->name : r->interfaces.data[item->interface].name;
    for (u32 i = 0; i < n; i++) {
        if (str_eq(only[i], name) || str_eq(only[i], wit_item_name(r, r->arena, item))) {
            return true;
        }
    }
    return n == 0;
}

bool wit_exportize(struct wit_resolve *r, u32 world, str name, const str *only, u32 n)
{
    rename_world(r, world, name, "-exportized");
    struct wit_world *w = &r->worlds.data[world];
    VEC(struct wit_world_item) exports = {0};
    u32 kept = 0;
    for (u32 i = 0; i < w->imports.len; i++) {
        struct wit_world_item item = w->imports.data[i];
        if (!is_type(&item) && is_named(r, &item, only, n)) {
            *vec_push(r->arena, &exports) = item;
        } else {
            w->imports.data[kept++] = item;
        }
    }
    w->imports.len = kept;
    w->exports.data = exports.data;
    w->exports.len = exports.len;
    w->exports.cap = exports.cap;
    return wit_elaborate_world(r, world);
}

/* ---- One import for each semver track -------------------------------------------------------------------------- */

struct merge {
    struct wit_resolve *r;
    struct map latest; /* "ns:pkg/iface@track", into the list of imports */
    u32 *replaced;     /* of each interface: its replacement, or WIT_NONE */
};

static const struct wit_version *version_of(const struct wit_resolve *r, u32 interface)
{
    u32 package = r->interfaces.data[interface].package;
    return package == WIT_NONE ? NULL : &r->packages.data[package].name.version;
}

/* NULL: no version, no track. */
static str track_of(struct wit_resolve *r, u32 interface)
{
    const struct wit_interface *it = &r->interfaces.data[interface];
    const struct wit_version *v = version_of(r, interface);
    if (!v || !v->text.len || !it->name.len) {
        return (str){NULL, 0};
    }
    const struct wit_package_name *p = &r->packages.data[it->package].name;
    return str_printf(r->arena, STRF ":" STRF "/" STRF "@" STRF, STRA(p->ns), STRA(p->name),
                      STRA(it->name), STRA(wit_version_track(r->arena, v)));
}

static void find_latest(struct merge *m, const struct wit_world *w)
{
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        str track = item->kind == WIT_ITEM_INTERFACE && !item->has_key_name
                        ? track_of(m->r, item->interface)
                        : (str){NULL, 0};
        u32 prior = track.ptr ? map_add(m->r->arena, &m->latest, track, item->interface) : MAP_NONE;
        if (prior != MAP_NONE &&
            wit_version_compare(version_of(m->r, item->interface), version_of(m->r, prior)) > 0) {
            map_put(m->r->arena, &m->latest, track, item->interface);
        }
    }
}

/* Types that come from a replaced interface come from its replacement. */
static bool redirect(struct merge *m, u32 type)
{
    struct wit_resolve *r = m->r;
    struct wit_typedef *t = &r->types.data[type];
    u32 dep = wit_type_dep(r, type);
    if (dep == WIT_NONE || m->replaced[dep] == WIT_NONE) {
        return true;
    }
    str name = r->types.data[t->first.id].name;
    u32 to = wit_lookup_type(r, m->replaced[dep], name);
    if (to == WIT_NONE) {
        diag_error(r->diags, "wit-semver", t->at,
                   "type `" STRF "` is used from `" STRF "`, but `" STRF
                   "`, which takes its place, has no such type",
                   STRA(name), STRA(wit_interface_id(r, r->arena, dep)),
                   STRA(wit_interface_id(r, r->arena, m->replaced[dep])));
        return false;
    }
    t->first.id = to;
    return true;
}

static bool redirect_item(struct merge *m, const struct wit_world_item *item)
{
    bool fine = true;
    if (item->kind == WIT_ITEM_TYPE) {
        return redirect(m, item->type);
    }
    if (item->kind == WIT_ITEM_INTERFACE) {
        const struct wit_interface *it = &m->r->interfaces.data[item->interface];
        for (u32 i = 0; i < it->types.len; i++) {
            fine &= redirect(m, it->types.data[i].type);
        }
    }
    return fine;
}

static bool find_replaced(struct merge *m, const struct wit_world *w)
{
    bool fine = true;
    struct wit_resolve *r = m->r;
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        if (item->kind != WIT_ITEM_INTERFACE || item->has_key_name) {
            continue;
        }
        str track = track_of(r, item->interface);
        u32 latest = track.ptr ? map_get(&m->latest, track) : MAP_NONE;
        if (latest == MAP_NONE || latest == item->interface ||
            !wit_version_compare(version_of(r, item->interface), version_of(r, latest))) {
            continue;
        }
        m->replaced[item->interface] = latest;
        str label = str_printf(r->arena, "`" STRF "` (in `" STRF "`)",
                               STRA(wit_interface_id(r, r->arena, item->interface)),
                               STRA(wit_interface_id(r, r->arena, latest)));
        fine &= wit_compare_interfaces(r, item->interface, latest, label, "wit-semver");
    }
    return fine;
}

bool wit_merge_semver(struct wit_resolve *r, u32 world)
{
    struct merge m = {.r = r, .replaced = arena_array(r->arena, u32, r->interfaces.len)};
    struct wit_world *w = &r->worlds.data[world];
    bool fine = true;
    for (u32 i = 0; i < r->interfaces.len; i++) {
        m.replaced[i] = WIT_NONE;
    }
    find_latest(&m, w);
    if (!find_replaced(&m, w)) {
        return false;
    }
    u32 n = 0;
    for (u32 i = 0; i < w->imports.len; i++) {
        const struct wit_world_item *item = &w->imports.data[i];
        if (item->kind == WIT_ITEM_INTERFACE && !item->has_key_name &&
            m.replaced[item->interface] != WIT_NONE) {
            continue;
        }
        fine &= redirect_item(&m, item);
        w->imports.data[n++] = *item;
    }
    w->imports.len = n;
    for (u32 i = 0; i < w->exports.len; i++) {
        fine &= redirect_item(&m, &w->exports.data[i]);
    }
    fine = fine && wit_check_circles(r, r->arena);
    /* Interfaces have changed: so have the needs of every world that uses them. */
    for (u32 i = 0; i < r->worlds.len && fine; i++) {
        fine = wit_elaborate_world(r, i);
    }
    return fine;
}
