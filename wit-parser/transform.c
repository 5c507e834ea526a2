/* transform.c - worlds turned round. */
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
