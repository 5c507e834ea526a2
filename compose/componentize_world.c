/* componentize_world.c - the worlds embedded in core modules: read, joined, indexed, and what of them is used. */
#include "componentize.h"

/* ---- Reading ------------------------------------------------------------------------------------ */

static str encoding_key(struct arena *a, bool import, str key, str func)
{
    return str_printf(a, "%s " STRF "#" STRF, import ? "import" : "export", STRA(key), STRA(func));
}

static void note_encodings(struct componentizer *c, const wit_world_items *items, bool import,
                           enum cm_encoding encoding)
{
    for (u32 i = 0; i < items->len; i++) {
        const struct wit_world_item *x = &items->data[i];
        str key = wit_item_name(&c->r, c->arena, x);
        if (x->kind == WIT_ITEM_FUNC) {
            map_add(c->arena, &c->encodings, encoding_key(c->arena, import, STR(""), x->func.name),
                    encoding);
        } else if (x->kind == WIT_ITEM_INTERFACE) {
            const struct wit_interface *iface = &c->r.interfaces.data[x->interface];
            for (u32 k = 0; k < iface->funcs.len; k++)
                map_add(c->arena, &c->encodings,
                        encoding_key(c->arena, import, key, iface->funcs.data[k].name), encoding);
        }
    }
}

enum cm_encoding compose_encoding_of(const struct componentizer *c, bool import, u32 item,
                                     const struct wit_func *f)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    const struct wit_world_item *x = import ? &w->imports.data[item] : &w->exports.data[item];
    str key = x->kind == WIT_ITEM_FUNC ? (str){0} : wit_item_name(&c->r, c->arena, x);
    u32 found = map_get(&c->encodings, encoding_key(c->arena, import, key, f->name));
    return found == MAP_NONE ? ENCODING_UTF8 : (enum cm_encoding)found;
}

bool compose_read_world(struct componentizer *c, const struct wasm_module *m, u32 *world)
{
    *world = wit_add_root_world(&c->r);
    for (u32 i = 0; i < m->customs.len; i++) {
        const struct wasm_custom *x = &m->customs.data[i];
        enum cm_encoding encoding;
        u32 each;
        if (!str_starts(x->name, STR("component-type")))
            continue;
        u32 base = m->base + (u32)(x->bytes.ptr - m->bytes.ptr);
        if (!wit_decode_world(&c->r, m->source, x->bytes, base, &each, &encoding))
            return false;
        note_encodings(c, &c->r.worlds.data[each].imports, true, encoding);
        note_encodings(c, &c->r.worlds.data[each].exports, false, encoding);
        if (!wit_merge_worlds(&c->r, each, *world))
            return false;
    }
    return true;
}

/* ---- Finding items -------------------------------------------------------------------------------- */

u32 *compose_none_array(struct arena *a, u32 n)
{
    u32 *x = arena_array(a, u32, n);
    for (u32 i = 0; i < n; i++)
        x[i] = NONE;
    return x;
}

static void index_items(struct componentizer *c, const wit_world_items *items, struct map *keys,
                        struct map *tracks, u32 *by_interface)
{
    for (u32 i = 0; i < items->len; i++) {
        const struct wit_world_item *x = &items->data[i];
        str key = wit_item_name(&c->r, c->arena, x);
        if (x->kind == WIT_ITEM_TYPE)
            continue;
        map_add(c->arena, keys, key, i);
        map_add(c->arena, tracks, wit_canonical_id(c->arena, key), i);
        if (x->kind == WIT_ITEM_INTERFACE)
            by_interface[x->interface] = i;
    }
}

void compose_index_world(struct componentizer *c)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    c->import_item = compose_none_array(c->arena, c->r.interfaces.len);
    c->export_item = compose_none_array(c->arena, c->r.interfaces.len);
    c->live_funcs = arena_array(c->arena, bool *, c->r.interfaces.len);
    c->live_types = arena_array(c->arena, bool, c->r.types.len);
    c->live_items = arena_array(c->arena, bool, w->imports.len);
    index_items(c, &w->imports, &c->import_keys, &c->import_tracks, c->import_item);
    index_items(c, &w->exports, &c->export_keys, &c->export_tracks, c->export_item);
}

u32 compose_find_item(const struct componentizer *c, bool import, str key)
{
    u32 item = map_get(import ? &c->import_keys : &c->export_keys, key);
    if (item == MAP_NONE)
        item = map_get(import ? &c->import_tracks : &c->export_tracks,
                       wit_canonical_id(c->arena, key));
    return item == MAP_NONE ? NONE : item;
}

/* ---- What is used ---------------------------------------------------------------------------------- */

typedef VEC(u32) type_stack;

static void push_type(struct componentizer *c, type_stack *stack, struct wit_type t)
{
    if (t.kind == WIT_ID && t.id != WIT_NONE && !c->live_types[t.id]) {
        c->live_types[t.id] = true;
        *vec_push(c->arena, stack) = t.id;
    }
}

void compose_mark_type(struct componentizer *c, struct wit_type t)
{
    type_stack stack = {0};
    push_type(c, &stack, t);
    while (stack.len) {
        const struct wit_typedef *def = &c->r.types.data[stack.data[--stack.len]];
        push_type(c, &stack, def->first);
        push_type(c, &stack, def->second);
        for (u32 i = 0; i < def->field_count; i++)
            push_type(c, &stack, def->fields[i].type);
    }
}

void compose_mark_func(struct componentizer *c, const struct wit_func *f)
{
    for (u32 i = 0; i < f->param_count; i++)
        compose_mark_type(c, f->params[i].type);
    compose_mark_type(c, f->result);
    if (f->kind != WIT_FREE)
        compose_mark_type(c, (struct wit_type){WIT_ID, f->resource});
}

static void mark_interface(struct componentizer *c, u32 interface)
{
    const struct wit_interface *iface = &c->r.interfaces.data[interface];
    for (u32 i = 0; i < iface->types.len; i++)
        compose_mark_type(c, (struct wit_type){WIT_ID, iface->types.data[i].type});
    for (u32 i = 0; i < iface->funcs.len; i++)
        compose_mark_func(c, &iface->funcs.data[i]);
}

void compose_mark_world(struct componentizer *c)
{
    const struct wit_world *w = &c->r.worlds.data[c->world];
    for (u32 i = 0; i < w->imports.len; i++)
        if (w->imports.data[i].kind == WIT_ITEM_TYPE)
            compose_mark_type(c, (struct wit_type){WIT_ID, w->imports.data[i].type});
    for (u32 i = 0; i < w->exports.len; i++) {
        const struct wit_world_item *x = &w->exports.data[i];
        if (x->kind == WIT_ITEM_INTERFACE)
            mark_interface(c, x->interface);
        else if (x->kind == WIT_ITEM_FUNC)
            compose_mark_func(c, &x->func);
    }
}

bool compose_item_is_live(const struct componentizer *c, u32 import)
{
    const struct wit_world_item *x = &c->r.worlds.data[c->world].imports.data[import];
    if (x->kind == WIT_ITEM_TYPE)
        return true;
    if (x->kind == WIT_ITEM_FUNC)
        return c->live_items[import];
    const struct wit_interface *iface = &c->r.interfaces.data[x->interface];
    if (c->live_funcs[x->interface])
        return true;
    for (u32 i = 0; i < iface->types.len; i++)
        if (c->live_types[iface->types.data[i].type])
            return true;
    return false;
}
