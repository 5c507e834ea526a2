/* merge.c - joining graphs and worlds: what both have is compared, what one lacks is added.
 *
 * wit_merge_graph takes everything of another graph in; wit_merge_worlds adds one world to another
 * of the same graph. Types are compared for real: by their parts, not by their names alone.
 */
#include "clone.h"
#include "encode.h"
#include "index.h"
#include "unit.h"

/* ---- Sameness ----------------------------------------------------------------------------------- */

/* Types of the left side may have another that stands for them on the right. */
struct alike {
    const struct wit_resolve *r;
    const u32 *to; /* by type, or NULL */
    u32 count;     /* of types that `to` knows */
};

static bool same_nested(const struct alike *l, struct wit_type a, struct wit_type b, u32 depth);

static bool same_fields(const struct alike *l, const struct wit_field *a, const struct wit_field *b,
                        u32 n, u32 depth)
{
    for (u32 i = 0; i < n; i++)
        if (!str_eq(a[i].name, b[i].name) || !same_nested(l, a[i].type, b[i].type, depth))
            return false;
    return true;
}

static bool same_def(const struct alike *l, const struct wit_typedef *a,
                     const struct wit_typedef *b, u32 depth)
{
    return a->kind == b->kind && a->field_count == b->field_count && a->length == b->length &&
           same_fields(l, a->fields, b->fields, a->field_count, depth) &&
           same_nested(l, a->first, b->first, depth) && same_nested(l, a->second, b->second, depth);
}

static bool same_nested(const struct alike *l, struct wit_type a, struct wit_type b, u32 depth)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind != WIT_ID)
        return true;
    if (a.id == WIT_NONE || b.id == WIT_NONE)
        return a.id == b.id;
    if ((l->to && a.id < l->count ? l->to[a.id] : a.id) == b.id)
        return true;
    if (depth >= WIT_MAX_TYPE_DEPTH)
        return false;
    const struct wit_typedef *x = &l->r->types.data[a.id], *y = &l->r->types.data[b.id];
    return !x->name.len && !y->name.len && same_def(l, x, y, depth + 1);
}

static bool same_func(const struct alike *l, const struct wit_func *a, const struct wit_func *b)
{
    return a->is_async == b->is_async && a->param_count == b->param_count &&
           same_fields(l, a->params, b->params, a->param_count, 0) &&
           same_nested(l, a->result, b->result, 0);
}

/* Two definitions under one name. An alias is as good as what it stands for, but a resource is only
 * itself. */
static bool same_named_def(const struct alike *l, const struct wit_typedef *a,
                           const struct wit_typedef *b)
{
    const struct wit_resolve *r = l->r;
    if (same_def(l, a, b, 0))
        return true;
    const struct wit_typedef *ends[2] = {a, b};
    for (u32 i = 0; i < 2; i++)
        for (u32 n = 0;
             ends[i]->kind == WIT_ALIAS && ends[i]->first.kind == WIT_ID && n < r->types.len; n++)
            ends[i] = &r->types.data[ends[i]->first.id];
    return (ends[0] != a || ends[1] != b) && ends[0]->kind != WIT_RESOURCE &&
           same_def(l, ends[0], ends[1], 0);
}

static bool report_difference(struct wit_resolve *r, const char *what, str name, str where, span a,
                              span b)
{
    struct diag *x = diag_error(r->diags, "wit-merge", b,
                                "%s `" STRF "` of " STRF " is defined in two different ways", what,
                                STRA(name), STRA(where));
    if (a.source)
        diag_label(r->diags, x, a, "the other definition");
    return false;
}

/* ---- Graph into graph ------------------------------------------------------------------------------ */

struct merger {
    struct wit_resolve *into;
    const struct wit_resolve *from;
    struct wit_remap *map;
    struct arena *arena;
    u32 old_types, old_interfaces, old_worlds; /* sizes of `into` before */
    bool needs_more; /* an interface that was there uses another one now */
};

static u32 *new_map(struct arena *a, u32 n)
{
    u32 *map = arena_array(a, u32, n);
    for (u32 i = 0; i < n; i++)
        map[i] = WIT_NONE;
    return map;
}

/* Packages whose interfaces a package uses: one edge for each type that an interface takes from elsewhere. */
struct package_edges {
    u32 *starts; /* by package: its first edge in `to` */
    VEC(u32) to;
};

static void find_edges(struct merger *m, struct package_edges *e)
{
    const struct wit_resolve *g = m->from;
    e->starts = arena_array(m->arena, u32, g->packages.len + 1);
    for (u32 p = 0; p < g->packages.len; p++) {
        e->starts[p] = e->to.len;
        for (u32 i = 0; i < g->packages.data[p].interfaces.len; i++) {
            const struct wit_interface *it =
                &g->interfaces.data[g->packages.data[p].interfaces.data[i].type];
            for (u32 k = 0; k < it->types.len; k++) {
                u32 used = wit_type_dep(g, it->types.data[k].type);
                if (used != WIT_NONE && g->interfaces.data[used].package != p)
                    *vec_push(m->arena, &e->to) = g->interfaces.data[used].package;
            }
        }
    }
    e->starts[g->packages.len] = e->to.len;
}

/* Dependencies first, else as in the list of roots, where all packages are. */
static bool package_order(struct merger *m, const u32 *roots, u32 *order)
{
    enum { UNSEEN, OPEN, DONE };
    struct package_edges e = {0};
    u32 n = m->from->packages.len, done = 0;
    u32 *next = arena_array(m->arena, u32, n);
    u8 *state = arena_array(m->arena, u8, n);
    VEC(u32) stack = {0};
    find_edges(m, &e);
    memcpy(next, e.starts, n * sizeof *next);
    for (u32 i = 0; i < n; i++) {
        if (state[roots[i]] != UNSEEN)
            continue;
        state[roots[i]] = OPEN;
        *vec_push(m->arena, &stack) = roots[i];
        while (stack.len) {
            u32 p = *vec_last(&stack);
            if (next[p] == e.starts[p + 1]) {
                order[done++] = p;
                state[p] = DONE;
                stack.len--;
                continue;
            }
            u32 to = e.to.data[next[p]++];
            if (state[to] == OPEN) {
                str id = wit_package_id(m->arena, &m->from->packages.data[to].name);
                diag_error(m->into->diags, "wit-decode", m->from->packages.data[to].at,
                           "package `" STRF "` depends on itself, which WIT cannot say", STRA(id));
                return false;
            }
            if (state[to] == UNSEEN) {
                state[to] = OPEN;
                *vec_push(m->arena, &stack) = to;
            }
        }
    }
    return true;
}

static struct map names_of(struct arena *a, const struct wit_named_type *list, u32 n)
{
    struct map m = {0};
    for (u32 i = 0; i < n; i++)
        map_add(a, &m, list[i].name, list[i].type);
    return m;
}

static void map_package(struct merger *m, u32 package)
{
    const struct wit_package *from = &m->from->packages.data[package];
    u32 to = wit_find_package(m->into, &from->name);
    if (to == WIT_NONE) {
        to = m->into->packages.len;
        *vec_push(m->arena, &m->into->packages) =
            (struct wit_package){.name = from->name, .docs = from->docs, .at = from->at};
    }
    m->map->packages[package] = to;
    struct wit_package *into = &m->into->packages.data[to];
    if (!into->docs.len)
        into->docs = from->docs;
    struct map interfaces = names_of(m->arena, into->interfaces.data, into->interfaces.len);
    for (u32 i = 0; i < from->interfaces.len; i++) {
        struct wit_named_type x = from->interfaces.data[i];
        m->map->interfaces[x.type] = map_get(&interfaces, x.name);
    }
    struct map worlds = names_of(m->arena, into->worlds.data, into->worlds.len);
    for (u32 i = 0; i < from->worlds.len; i++) {
        struct wit_named_type x = from->worlds.data[i];
        m->map->worlds[x.type] = map_get(&worlds, x.name);
    }
}

/* What has no place yet gets one, in the order of the other graph. */
static void place_items(struct merger *m)
{
    const struct wit_resolve *from = m->from;
    for (u32 i = 0; i < from->interfaces.len; i++)
        if (m->map->interfaces[i] == WIT_NONE) {
            m->map->interfaces[i] = m->into->interfaces.len;
            vec_push(m->arena, &m->into->interfaces)->clone_of = WIT_NONE;
        }
    for (u32 i = 0; i < from->worlds.len; i++)
        if (m->map->worlds[i] == WIT_NONE) {
            m->map->worlds[i] = m->into->worlds.len;
            vec_push(m->arena, &m->into->worlds);
        }
}

/* New items become known to their package. */
static void list_items(struct merger *m, u32 package)
{
    const struct wit_package *from = &m->from->packages.data[package];
    struct wit_package *into = &m->into->packages.data[m->map->packages[package]];
    for (u32 i = 0; i < from->interfaces.len; i++) {
        u32 to = m->map->interfaces[from->interfaces.data[i].type];
        if (to >= m->old_interfaces)
            *vec_push(m->arena, &into->interfaces) =
                (struct wit_named_type){from->interfaces.data[i].name, to};
    }
    for (u32 i = 0; i < from->worlds.len; i++) {
        u32 to = m->map->worlds[from->worlds.data[i].type];
        if (to >= m->old_worlds)
            *vec_push(m->arena, &into->worlds) =
                (struct wit_named_type){from->worlds.data[i].name, to};
    }
}

/* Where the items of one side of a world are, by their keys. */
static struct map keys_of(struct wit_resolve *r, struct arena *a, const wit_world_items *items)
{
    struct map keys = {0};
    for (u32 i = 0; i < items->len; i++)
        map_add(a, &keys, wit_item_key(r, &items->data[i]), i);
    return keys;
}

/* The inline interfaces of a world that is there: those of the same names. */
static void map_inline(struct merger *m, const wit_world_items *items, const wit_world_items *have)
{
    struct map keys = keys_of(m->into, m->arena, have);
    for (u32 i = 0; i < items->len; i++) {
        const struct wit_world_item *x = &items->data[i];
        if (x->kind != WIT_ITEM_INTERFACE || m->from->interfaces.data[x->interface].name.len)
            continue;
        u32 at = map_get(&keys, x->name);
        const struct wit_world_item *same = at == MAP_NONE ? NULL : &have->data[at];
        if (same && same->kind == WIT_ITEM_INTERFACE &&
            !m->into->interfaces.data[same->interface].name.len)
            m->map->interfaces[x->interface] = same->interface;
    }
}

static void map_world_inlines(struct merger *m, u32 world)
{
    if (m->map->worlds[world] == WIT_NONE)
        return;
    const struct wit_world *from = &m->from->worlds.data[world];
    const struct wit_world *into = &m->into->worlds.data[m->map->worlds[world]];
    map_inline(m, &from->imports, &into->imports);
    map_inline(m, &from->exports, &into->exports);
}

/* Where named types of interfaces and worlds that are there already are. */
static void map_old_types(struct merger *m)
{
    for (u32 i = 0; i < m->from->interfaces.len; i++) {
        u32 to = m->map->interfaces[i];
        if (to == WIT_NONE || to >= m->old_interfaces)
            continue;
        const struct wit_interface *from = &m->from->interfaces.data[i];
        const struct wit_interface *into = &m->into->interfaces.data[to];
        struct map names = names_of(m->arena, into->types.data, into->types.len);
        for (u32 k = 0; k < from->types.len; k++)
            m->map->types[from->types.data[k].type] = map_get(&names, from->types.data[k].name);
    }
    for (u32 i = 0; i < m->from->worlds.len; i++) {
        u32 to = m->map->worlds[i];
        if (to >= m->old_worlds)
            continue;
        const struct wit_world *from = &m->from->worlds.data[i];
        const struct wit_world *into = &m->into->worlds.data[to];
        struct map names = {0};
        for (u32 k = 0; k < into->imports.len; k++)
            if (into->imports.data[k].kind == WIT_ITEM_TYPE)
                map_add(m->arena, &names, into->imports.data[k].name, into->imports.data[k].type);
        for (u32 k = 0; k < from->imports.len; k++)
            if (from->imports.data[k].kind == WIT_ITEM_TYPE)
                m->map->types[from->imports.data[k].type] =
                    map_get(&names, from->imports.data[k].name);
    }
}

static struct wit_type moved_type(const struct merger *m, struct wit_type t)
{
    if (t.kind == WIT_ID && t.id != WIT_NONE)
        t.id = m->map->types[t.id];
    return t;
}

static const struct wit_field *moved_fields(struct merger *m, const struct wit_field *from, u32 n)
{
    struct wit_field *fields = arena_array(m->arena, struct wit_field, n);
    for (u32 i = 0; i < n; i++) {
        fields[i] = from[i];
        fields[i].type = moved_type(m, from[i].type);
    }
    return fields;
}

static struct wit_typedef moved_def(struct merger *m, const struct wit_typedef *from)
{
    struct wit_typedef t = *from;
    t.fields = moved_fields(m, from->fields, from->field_count);
    t.first = moved_type(m, from->first);
    t.second = moved_type(m, from->second);
    if (t.owner.kind == WIT_OWNER_INTERFACE)
        t.owner.index = m->map->interfaces[t.owner.index];
    else if (t.owner.kind == WIT_OWNER_WORLD)
        t.owner.index = m->map->worlds[t.owner.index];
    return t;
}

static struct wit_func moved_func(struct merger *m, const struct wit_func *from)
{
    struct wit_func f = *from;
    f.params = moved_fields(m, from->params, from->param_count);
    f.result = moved_type(m, from->result);
    if (f.kind != WIT_FREE)
        f.resource = m->map->types[from->resource];
    return f;
}

static str owner_name(const struct wit_resolve *r, struct wit_owner owner)
{
    if (owner.kind == WIT_OWNER_WORLD)
        return str_printf(r->arena, "world `" STRF "`", STRA(r->worlds.data[owner.index].name));
    return str_printf(r->arena, "interface `" STRF "`",
                      STRA(wit_interface_id(r, r->arena, owner.index)));
}

static bool move_types(struct merger *m)
{
    bool ok = true;
    for (u32 i = 0; i < m->from->types.len; i++) {
        if (m->map->types[i] != WIT_NONE)
            continue;
        m->map->types[i] = m->into->types.len;
        vec_push(m->arena, &m->into->types);
    }
    for (u32 i = 0; i < m->from->types.len; i++) {
        struct wit_typedef t = moved_def(m, &m->from->types.data[i]);
        struct wit_typedef *have = &m->into->types.data[m->map->types[i]];
        if (m->map->types[i] >= m->old_types)
            *have = t;
        else if (!same_named_def(&(struct alike){.r = m->into}, &t, have))
            ok = report_difference(m->into, "type", t.name, owner_name(m->into, t.owner), have->at,
                                   t.at);
    }
    return ok;
}

static bool move_funcs(struct merger *m, const struct wit_interface *from, u32 to)
{
    struct wit_interface *into = &m->into->interfaces.data[to];
    struct map names = {0};
    bool ok = true;
    for (u32 k = 0; k < into->funcs.len; k++)
        map_add(m->arena, &names, into->funcs.data[k].name, k);
    for (u32 k = 0; k < from->funcs.len; k++) {
        struct wit_func f = moved_func(m, &from->funcs.data[k]);
        u32 found = map_get(&names, f.name);
        if (found == MAP_NONE)
            *vec_push(m->arena, &into->funcs) = f;
        else if (!same_func(&(struct alike){.r = m->into}, &f, &into->funcs.data[found]))
            ok = report_difference(m->into, "function", f.name,
                                   owner_name(m->into, (struct wit_owner){WIT_OWNER_INTERFACE, to}),
                                   into->funcs.data[found].at, f.at);
    }
    return ok;
}

/* What an interface or a world says of itself: it stays, where it is said. */
#define JOIN_HEADS(m, into, from, is_new)                          \
    do {                                                           \
        if (is_new) {                                              \
            (into)->name = (from)->name;                           \
            (into)->package = (m)->map->packages[(from)->package]; \
            (into)->at = (from)->at;                               \
        }                                                          \
        if (!(into)->docs.len)                                     \
            (into)->docs = (from)->docs;                           \
        if ((into)->stability.kind == WIT_STABILITY_UNKNOWN)       \
            (into)->stability = (from)->stability;                 \
    } while (0)

static bool move_interface(struct merger *m, u32 interface)
{
    const struct wit_interface *from = &m->from->interfaces.data[interface];
    u32 to = m->map->interfaces[interface];
    if (to == WIT_NONE)
        return true;
    struct wit_interface *into = &m->into->interfaces.data[to];
    JOIN_HEADS(m, into, from, to >= m->old_interfaces);
    for (u32 k = 0; k < from->types.len; k++) {
        u32 type = m->map->types[from->types.data[k].type];
        if (type < m->old_types)
            continue;
        *vec_push(m->arena, &into->types) = (struct wit_named_type){from->types.data[k].name, type};
        m->needs_more |= to < m->old_interfaces && wit_type_dep(m->into, type) != WIT_NONE;
    }
    return move_funcs(m, from, to);
}

static struct wit_world_item moved_item(struct merger *m, const struct wit_world_item *from)
{
    struct wit_world_item x = *from;
    switch (x.kind) {
    case WIT_ITEM_INTERFACE: x.interface = m->map->interfaces[x.interface]; break;
    case WIT_ITEM_TYPE: x.type = m->map->types[x.type]; break;
    case WIT_ITEM_FUNC: x.func = moved_func(m, &from->func); break;
    }
    return x;
}

/* ---- World into world --------------------------------------------------------------------------------- */

static wit_world_items *side_of(struct wit_world *w, bool import)
{
    return import ? &w->imports : &w->exports;
}

/* Adds an item of this graph to a world, or compares it with what stands there under the same key. */
static bool join_item(struct wit_resolve *r, u32 world, bool import, struct map *keys,
                      const struct wit_world_item *x)
{
    wit_world_items *side = side_of(&r->worlds.data[world], import);
    u32 at = map_add(r->arena, keys, wit_item_key(r, x), side->len);
    if (at == MAP_NONE) {
        *vec_push(r->arena, side) = *x;
        return true;
    }
    const struct wit_world_item *have = &side->data[at];
    bool same = have->kind == x->kind;
    if (same && x->kind == WIT_ITEM_FUNC)
        same = same_func(&(struct alike){.r = r}, &x->func, &have->func);
    else if (same && x->kind == WIT_ITEM_INTERFACE)
        same = have->interface == x->interface;
    else if (same)
        same = have->type == x->type;
    return same || report_difference(r, import ? "import" : "export", wit_item_name(r, r->arena, x),
                                     owner_name(r, (struct wit_owner){WIT_OWNER_WORLD, world}),
                                     have->at, x->at);
}

static bool move_world(struct merger *m, u32 world)
{
    const struct wit_world *from = &m->from->worlds.data[world];
    u32 to = m->map->worlds[world];
    struct wit_world *into = &m->into->worlds.data[to];
    JOIN_HEADS(m, into, from, to >= m->old_worlds);
    struct map imports = keys_of(m->into, m->arena, &into->imports);
    struct map exports = keys_of(m->into, m->arena, &into->exports);
    bool ok = true;
    for (u32 i = 0; i < from->imports.len; i++) {
        struct wit_world_item x = moved_item(m, &from->imports.data[i]);
        ok &= join_item(m->into, to, true, &imports, &x);
    }
    for (u32 i = 0; i < from->exports.len; i++) {
        struct wit_world_item x = moved_item(m, &from->exports.data[i]);
        ok &= join_item(m->into, to, false, &exports, &x);
    }
    return ok;
}

bool wit_merge_graph(struct wit_resolve *into, const struct wit_resolve *from, const u32 *roots,
                     struct wit_remap *map)
{
    struct merger m = {
        into, from, map, into->arena, into->types.len, into->interfaces.len, into->worlds.len,
        false};
    *map = (struct wit_remap){
        new_map(m.arena, from->packages.len), new_map(m.arena, from->interfaces.len),
        new_map(m.arena, from->worlds.len), new_map(m.arena, from->types.len)};
    u32 *order = arena_array(m.arena, u32, from->packages.len);
    if (!package_order(&m, roots, order))
        return false;
    for (u32 i = 0; i < from->packages.len; i++)
        map_package(&m, order[i]);
    for (u32 i = 0; i < from->worlds.len; i++)
        map_world_inlines(&m, i);
    place_items(&m);
    for (u32 i = 0; i < from->packages.len; i++)
        list_items(&m, order[i]);
    map_old_types(&m);
    bool ok = move_types(&m);
    for (u32 i = 0; i < from->interfaces.len && ok; i++)
        ok = move_interface(&m, i);
    for (u32 i = 0; i < from->worlds.len && ok; i++)
        ok = move_world(&m, i);
    ok = ok && (!m.needs_more || wit_check_circles(into));
    for (u32 i = 0; i < into->worlds.len && ok && m.needs_more; i++)
        ok = wit_elaborate_world(into, i);
    return ok;
}

/* One world added to another. What both have is compared; the rest moves over, with types and inline interfaces of its
 * own: clones of those of the first world. */
struct transfer {
    struct wit_resolve *r;
    u32 from, into;
    struct map imports, exports; /* of the world that grows */
    struct wit_cloner cloner;
    u32 *to; /* by type: what stands for it in the comparison */
    u32 old; /* number of types before */
    bool fine;
};

/* Inline interfaces of one name: the types of one stand for those of the other where they are alike. */
static bool same_inline(struct transfer *t, u32 from, u32 into)
{
    struct wit_resolve *r = t->r;
    struct alike l = {r, t->to, t->old};
    const struct wit_interface *a = &r->interfaces.data[from], *b = &r->interfaces.data[into];
    if (a->types.len != b->types.len || a->funcs.len != b->funcs.len)
        return false;
    struct map types = names_of(r->arena, b->types.data, b->types.len), funcs = {0};
    for (u32 i = 0; i < b->funcs.len; i++)
        map_add(r->arena, &funcs, b->funcs.data[i].name, i);
    for (u32 i = 0; i < a->types.len; i++) {
        u32 have = map_get(&types, a->types.data[i].name);
        if (have == MAP_NONE)
            return false;
        t->to[a->types.data[i].type] = have;
    }
    for (u32 i = 0; i < a->types.len; i++) {
        u32 type = a->types.data[i].type;
        if (!same_named_def(&l, &r->types.data[type], &r->types.data[t->to[type]]))
            return false;
    }
    for (u32 i = 0; i < a->funcs.len; i++) {
        u32 have = map_get(&funcs, a->funcs.data[i].name);
        if (have == MAP_NONE || !same_func(&l, &a->funcs.data[i], &b->funcs.data[have]))
            return false;
    }
    return true;
}

static bool same_item(struct transfer *t, const struct wit_world_item *x,
                      const struct wit_world_item *have)
{
    struct wit_resolve *r = t->r;
    struct alike l = {r, t->to, t->old};
    if (x->kind != have->kind)
        return false;
    if (x->kind == WIT_ITEM_FUNC)
        return same_func(&l, &x->func, &have->func);
    if (x->kind == WIT_ITEM_TYPE)
        return same_named_def(&l, &r->types.data[x->type], &r->types.data[have->type]);
    return x->interface == have->interface || (!r->interfaces.data[x->interface].name.len &&
                                               !r->interfaces.data[have->interface].name.len &&
                                               same_inline(t, x->interface, have->interface));
}

/* World types of one name are one type. */
static void overlap(struct transfer *t)
{
    struct wit_resolve *r = t->r;
    const wit_world_items *from = &r->worlds.data[t->from].imports;
    const wit_world_items *into = &r->worlds.data[t->into].imports;
    for (u32 i = 0; i < from->len; i++) {
        const struct wit_world_item *x = &from->data[i];
        u32 at = x->kind == WIT_ITEM_TYPE ? map_get(&t->imports, x->name) : MAP_NONE;
        if (at == MAP_NONE || into->data[at].kind != WIT_ITEM_TYPE)
            continue;
        t->to[x->type] = into->data[at].type;
        wit_clone_as(&t->cloner, x->type, into->data[at].type);
    }
}

/* Compares what is there, and leaves in `fresh` what is not. */
static void compare_side(struct transfer *t, bool import, wit_world_items *fresh)
{
    struct wit_resolve *r = t->r;
    const wit_world_items *from = side_of(&r->worlds.data[t->from], import);
    const wit_world_items *into = side_of(&r->worlds.data[t->into], import);
    const struct map *keys = import ? &t->imports : &t->exports;
    for (u32 i = 0; i < from->len; i++) {
        const struct wit_world_item *x = &from->data[i];
        u32 at = map_get(keys, wit_item_key(r, x));
        if (at == MAP_NONE)
            *vec_push(r->arena, fresh) = *x;
        else if (!same_item(t, x, &into->data[at]))
            t->fine =
                report_difference(r, import ? "import" : "export", wit_item_name(r, r->arena, x),
                                  owner_name(r, (struct wit_owner){WIT_OWNER_WORLD, t->into}),
                                  into->data[at].at, x->at);
    }
}

static void add_items(struct transfer *t, bool import, const wit_world_items *fresh)
{
    struct wit_resolve *r = t->r;
    for (u32 i = 0; i < fresh->len; i++) {
        struct wit_world_item x = fresh->data[i];
        if (x.kind == WIT_ITEM_TYPE)
            x.type = wit_clone_type(&t->cloner, x.type);
        else if (x.kind == WIT_ITEM_FUNC)
            wit_clone_function(&t->cloner, &x.func);
        else if (x.has_key_name && !r->interfaces.data[x.interface].name.len)
            x.interface = wit_clone_interface(&t->cloner, x.interface);
        *vec_push(r->arena, side_of(&r->worlds.data[t->into], import)) = x;
    }
}

/* ---- Imports that exports rely on ----------------------------------------------------------------------- */

/* Interfaces that exports of a world use as imports, directly or not, or: all that lead to something. */
struct reach {
    struct transfer *t;
    u32 *by; /* by interface: the export that needs it + 1 */
    VEC(u32) stack;
};

static bool is_exported(const struct transfer *t, u32 interface)
{
    struct wit_world_item key = {.kind = WIT_ITEM_INTERFACE, .interface = interface};
    return map_get(&t->exports, wit_item_key(t->r, &key)) != MAP_NONE;
}

/* Marks what an interface uses; of an export only what is not exported itself. */
static void mark_uses(struct reach *x, u32 interface, bool is_export, u32 by)
{
    const struct wit_interface *it = &x->t->r->interfaces.data[interface];
    for (u32 i = 0; i < it->types.len; i++) {
        u32 dep = wit_type_dep(x->t->r, it->types.data[i].type);
        if (dep == WIT_NONE || x->by[dep] || (is_export && is_exported(x->t, dep)))
            continue;
        x->by[dep] = by;
        *vec_push(x->t->r->arena, &x->stack) = dep;
    }
}

static void mark_imports(struct reach *x, u32 interface, u32 by)
{
    mark_uses(x, interface, true, by);
    while (x->stack.len)
        mark_uses(x, x->stack.data[--x->stack.len], false, by);
}

static str export_name(const struct transfer *t, const struct wit_world_item *x)
{
    return wit_item_name(t->r, t->r->arena, x);
}

/* An interface must not become an export that exports of the other world know as an import. */
static void check_exports(struct transfer *t, const wit_world_items *fresh)
{
    struct wit_resolve *r = t->r;
    const wit_world_items *have = &r->worlds.data[t->into].exports;
    struct reach needed = {.t = t, .by = arena_array(r->arena, u32, r->interfaces.len)};
    for (u32 i = 0; i < have->len; i++)
        if (have->data[i].kind == WIT_ITEM_INTERFACE)
            mark_imports(&needed, have->data[i].interface, i + 1);
    struct reach used = {.t = t, .by = arena_array(r->arena, u32, r->interfaces.len)};
    for (u32 i = 0; i < fresh->len; i++) {
        const struct wit_world_item *x = &fresh->data[i];
        if (x->kind != WIT_ITEM_INTERFACE)
            continue;
        mark_imports(&used, x->interface, i + 1);
        u32 by = x->has_key_name ? 0 : needed.by[x->interface];
        if (!by)
            continue;
        t->fine = false;
        diag_error(r->diags, "wit-merge", x->at,
                   "export `" STRF "` needs the import `" STRF
                   "`, which another world exports: the two cannot be one",
                   STRA(export_name(t, &have->data[by - 1])), STRA(export_name(t, x)));
    }
    for (u32 i = 0; i < have->len; i++) {
        const struct wit_world_item *x = &have->data[i];
        u32 by = x->kind == WIT_ITEM_INTERFACE && !x->has_key_name ? used.by[x->interface] : 0;
        if (!by)
            continue;
        t->fine = false;
        diag_error(r->diags, "wit-merge", fresh->data[by - 1].at,
                   "export `" STRF "` needs the import `" STRF
                   "`, which another world exports: the two cannot be one",
                   STRA(export_name(t, &fresh->data[by - 1])), STRA(export_name(t, x)));
    }
}

bool wit_merge_worlds(struct wit_resolve *r, u32 from, u32 into)
{
    if (from == into)
        return true;
    struct transfer t = {.r = r, .from = from, .into = into, .old = r->types.len, .fine = true};
    t.cloner = (struct wit_cloner){.r = r,
                                   .scratch = r->arena,
                                   .from = {WIT_OWNER_WORLD, from},
                                   .to = {WIT_OWNER_WORLD, into},
                                   .package = r->worlds.data[into].package};
    t.to = arena_array(r->arena, u32, t.old);
    for (u32 i = 0; i < t.old; i++)
        t.to[i] = i;
    t.imports = keys_of(r, r->arena, &r->worlds.data[into].imports);
    t.exports = keys_of(r, r->arena, &r->worlds.data[into].exports);
    wit_world_items imports = {0}, exports = {0};
    overlap(&t);
    compare_side(&t, true, &imports);
    compare_side(&t, false, &exports);
    check_exports(&t, &exports);
    if (t.fine) {
        add_items(&t, true, &imports);
        add_items(&t, false, &exports);
    }
    return t.fine;
}
