/* transform.c - worlds turned round. */
#include "index.h"
#include "unit.h"

/* ---- importize, exportize ---------------------------------------------------------------------------------- */

/* A world's new name must be one, and free in the package. */
static bool check_world_name(struct wit_resolve *r, u32 world, str name)
{
    const struct wit_world *w = &r->worlds.data[world];
    const char *why = wit_check_label(name);
    if (why) {
        struct diag *x = diag_error(r->diags, "wit-label", (span){0},
                                    "`" STRF "` cannot be the name of a world", STRA(name));
        diag_note(r->diags, x, "%s", why);
        return false;
    }
    u32 other = wit_find_world(r, w->package, name);
    bool is_world = other != WIT_NONE && other != world;
    u32 interface = wit_find_interface(r, w->package, name);
    if (!is_world && interface == WIT_NONE) {
        return true;
    }
    struct diag *x =
        diag_error(r->diags, "wit-duplicate",
                   is_world ? r->worlds.data[other].at : r->interfaces.data[interface].at,
                   "package `" STRF "` has %s `" STRF "` already",
                   STRA(wit_package_id(r->arena, &r->packages.data[w->package].name)),
                   is_world ? "a world" : "an interface", STRA(name));
    diag_help(r->diags, x, "give the new world another name");
    return false;
}

/* A world gets a new name and stands last in its package. */
static bool rename_world(struct wit_resolve *r, u32 world, str name, const char *suffix)
{
    struct wit_world *w = &r->worlds.data[world];
    struct wit_package *p = &r->packages.data[w->package];
    name = name.ptr ? name : str_printf(r->arena, STRF "%s", STRA(w->name), suffix);
    if (!check_world_name(r, world, name)) {
        return false;
    }
    u32 n = 0;
    for (u32 i = 0; i < p->worlds.len; i++) {
        if (p->worlds.data[i].type != world) {
            p->worlds.data[n++] = p->worlds.data[i];
        }
    }
    w->name = name;
    p->worlds.len = n;
    *vec_push(r->arena, &p->worlds) = (struct wit_named_type){w->name, world};
    wit_index_forget_worlds(r, w->package);
    return true;
}

/* Methods of imported resources stay with them. */
static bool is_type(const struct wit_world_item *item)
{
    return item->kind == WIT_ITEM_TYPE ||
           (item->kind == WIT_ITEM_FUNC && item->func.kind != WIT_FREE);
}

bool wit_importize(struct wit_resolve *r, u32 world, str name)
{
    if (!rename_world(r, world, name, "-importized")) {
        return false;
    }
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

/* By its full name, or that of the interface alone. */
static bool is_called(const struct wit_resolve *r, const struct wit_world_item *item, str name)
{
    str label = item->has_key_name ? item->name : r->interfaces.data[item->interface].name;
    return str_eq(name, label) || str_eq(name, wit_item_name(r, r->arena, item));
}

static bool is_named(const struct wit_resolve *r, const struct wit_world_item *item,
                     const str *only, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        if (is_called(r, item, only[i])) {
            return true;
        }
    }
    return n == 0;
}

/* Is there an import of each of these names? */
static bool check_wanted(struct wit_resolve *r, const struct wit_world *w, const str *only, u32 n)
{
    bool fine = true;
    for (u32 i = 0; i < n; i++) {
        bool found = false;
        str *names = arena_array(r->arena, str, w->imports.len);
        for (u32 k = 0; k < w->imports.len && !found; k++) {
            const struct wit_world_item *item = &w->imports.data[k];
            found = !is_type(item) && is_called(r, item, only[i]);
            names[k] = wit_item_name(r, r->arena, item);
        }
        if (!found) {
            struct diag *x = diag_error(r->diags, "wit-unknown-name", w->at,
                                        "world `" STRF "` has no import `" STRF "`", STRA(w->name),
                                        STRA(only[i]));
            diag_suggest(r->diags, x, only[i], names, w->imports.len);
            fine = false;
        }
    }
    return fine;
}

bool wit_exportize(struct wit_resolve *r, u32 world, str name, const str *only, u32 n)
{
    struct wit_world *w = &r->worlds.data[world];
    if (!check_wanted(r, w, only, n) || !rename_world(r, world, name, "-exportized")) {
        return false;
    }
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
