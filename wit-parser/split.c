/* split.c - separate identities for interfaces that stand in a world more than once: imported and exported, or under names. */
#include "clone.h"
#include "index.h"
#include "unit.h"

struct split {
    struct wit_resolve *r;
    struct arena *scratch;
    struct map types; /* type to its copy, of interfaces that others can use */
    u8 *seen;         /* interfaces: SEEN, COPIED */
};
enum { SEEN = 1, COPIED = 2 };

struct place {
    u32 item, next; /* the next place of the interface + 1 */
};
/* The items to copy, by interface in the order of the first one. */
struct places {
    VEC(u32) interfaces;
    u32 *first; /* by interface: its first place + 1 */
    VEC(struct place) list;
};

static bool uses_copy(const struct split *s, u32 interface)
{
    const struct wit_interface *it = &s->r->interfaces.data[interface];
    for (u32 i = 0; i < it->types.len; i++) {
        u32 dep = wit_type_dep(s->r, it->types.data[i].type);
        if (dep != WIT_NONE && s->seen[dep] & COPIED) {
            return true;
        }
    }
    return false;
}

/* What comes a second time needs a copy, and what uses types of a copied interface. Nobody can use what has a
 * name in the world: that comes after the others. */
static void look_at(struct split *s, const wit_world_items *items, bool named, struct places *out)
{
    for (u32 i = 0; i < items->len; i++) {
        const struct wit_world_item *item = &items->data[i];
        if (item->kind != WIT_ITEM_INTERFACE || item->has_key_name != named) {
            continue;
        }
        u32 id = item->interface;
        bool again = s->seen[id] & SEEN;
        s->seen[id] |= SEEN;
        if (!again && !uses_copy(s, id)) {
            continue;
        }
        if (!named) {
            s->seen[id] |= COPIED;
        }
        if (!out->first[id]) {
            *vec_push(s->scratch, &out->interfaces) = id;
        }
        *vec_push(s->scratch, &out->list) = (struct place){i, out->first[id]};
        out->first[id] = out->list.len;
    }
}

static void copy(struct split *s, struct wit_world_item *item)
{
    struct wit_cloner cloner = {.r = s->r, .scratch = s->scratch};
    cloner.package = s->r->interfaces.data[item->interface].package;
    if (item->has_key_name) {
        cloner.known = &s->types;
    } else {
        cloner.types = s->types;
    }
    item->interface = wit_clone_interface(&cloner, item->interface);
    if (!item->has_key_name) {
        s->types = cloner.types;
    }
}

static void split_side(struct split *s, wit_world_items *items, u32 interfaces)
{
    struct places places = {.first = arena_array(s->scratch, u32, interfaces)};
    look_at(s, items, false, &places);
    look_at(s, items, true, &places);
    for (u32 i = 0; i < places.interfaces.len; i++) {
        u32 first = places.first[places.interfaces.data[i]], last = 0;
        while (first) { /* the places are a chain, last one first: turn it round */
            struct place *p = &places.list.data[first - 1];
            u32 next = p->next;
            p->next = last;
            last = first;
            first = next;
        }
        /* Those with names first: they do not add to what others are led to. */
        for (u32 at = last; at; at = places.list.data[at - 1].next) {
            struct wit_world_item *item = &items->data[places.list.data[at - 1].item];
            if (item->has_key_name) {
                copy(s, item);
            }
        }
        for (u32 at = last; at; at = places.list.data[at - 1].next) {
            struct wit_world_item *item = &items->data[places.list.data[at - 1].item];
            if (!item->has_key_name) {
                copy(s, item);
            }
        }
    }
}

void wit_split_identities(struct wit_resolve *r, u32 world)
{
    u32 n = r->interfaces.len;
    struct split s = {.r = r, .scratch = r->arena, .seen = arena_array(r->arena, u8, n)};
    split_side(&s, &r->worlds.data[world].imports, n);
    /* Copies are not looked at again: exports name what the world was written with. */
    split_side(&s, &r->worlds.data[world].exports, n);
}
