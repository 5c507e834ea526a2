/* split.c - separate identities for interfaces that a world both imports and exports. */
#include "clone.h"

struct split {
    struct wit_resolve *r;
    struct wit_cloner cloner;
    struct map done; /* interface to its copy */
};

static str key_of(struct split *s, u32 id)
{
    return str_dup(s->cloner.scratch, str_of((const char *)&id, sizeof id));
}

/* Copies what the export side exports; types used from one copied interface lead to the copy. */
static void split_item(struct split *s, struct wit_world_item *item)
{
    u32 old = item->interface;
    u32 copy = map_get(&s->done, key_of(s, old));
    if (copy == MAP_NONE || item->has_key_name) {
        s->cloner.package = s->r->interfaces.data[old].package;
        copy = wit_clone_interface(&s->cloner, old);
        map_put(s->cloner.scratch, &s->done, key_of(s, old), copy);
    }
    item->interface = copy;
}

/* An interface that is imported again under another name: nothing else refers to this copy. */
static void split_import(struct split *s, struct wit_world_item *item)
{
    struct wit_cloner cloner = {.r = s->r, .scratch = s->cloner.scratch};
    cloner.package = s->r->interfaces.data[item->interface].package;
    item->interface = wit_clone_interface(&cloner, item->interface);
}

void wit_split_identities(struct wit_resolve *r, u32 world)
{
    struct wit_world *w = &r->worlds.data[world];
    struct map imported = {0}, exported = {0};
    struct arena *scratch = r->arena;
    struct split s = {.r = r, .cloner = {.r = r, .scratch = scratch}};
    for (u32 i = 0; i < w->imports.len; i++) {
        struct wit_world_item *item = &w->imports.data[i];
        if (item->kind == WIT_ITEM_INTERFACE &&
            !map_put(scratch, &imported, key_of(&s, item->interface), 1)) {
            split_import(&s, item);
        }
    }
    for (u32 i = 0; i < w->exports.len; i++) {
        struct wit_world_item *item = &w->exports.data[i];
        if (item->kind != WIT_ITEM_INTERFACE) {
            continue;
        }
        /* Also what uses a type of a copied interface must be copied, to use that of the copy. Exports
         * are in topological order, so that has been seen by now. */
        bool needs = map_get(&imported, key_of(&s, item->interface)) != MAP_NONE ||
                     !map_put(scratch, &exported, key_of(&s, item->interface), 1);
        const struct wit_interface *it = &r->interfaces.data[item->interface];
        for (u32 k = 0; k < it->types.len && !needs; k++) {
            const struct wit_typedef *t = &r->types.data[it->types.data[k].type];
            needs = t->kind == WIT_ALIAS && t->first.kind == WIT_ID &&
                    map_get(&s.cloner.types,
                            str_of((const char *)&t->first.id, sizeof t->first.id)) != MAP_NONE;
        }
        if (needs) {
            split_item(&s, item);
        }
    }
}
