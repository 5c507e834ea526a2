/* encode_docs.c - the custom section "package-docs": doc comments and stability of a WIT package, as JSON.
 *
 * Component types have no room for them. One version byte, then an object whose keys follow the graph:
 * package, worlds, interfaces, functions and types, and the fields or cases of a type.
 */
#include "encode.h"

#include <cjson/cJSON.h>

/* cJSON's memory is not the arena's: everything hangs on one root, and functions that allocate while it is there run
 * under a guard, so that it is freed also when memory runs out. Then unwinding goes on. */
static void keep_unwinding(struct arena *a)
{
    (void)arena_alloc_array(a, SIZE_MAX, 2); /* cannot be had */
}

/* ---- Writing ----------------------------------------------------------------------------------- */

struct docs_writer {
    const struct wit_resolve *r;
    u32 package;
    cJSON *root;
    struct buf key, value; /* cJSON wants NUL-terminated text */
    struct buf *out;
    char *text;
};

static const char *text_of(struct buf *b, str s)
{
    b->len = 0;
    for (size_t i = 0; i < s.len; i++)
        buf_byte(b, s.ptr[i] ? (u8)s.ptr[i] : ' ');
    buf_byte(b, 0);
    return b->data;
}

static cJSON *open_key(struct docs_writer *w, cJSON *parent, str key)
{
    return cJSON_AddObjectToObject(parent, text_of(&w->key, key));
}

/* What has stayed empty goes. */
static void close_object(cJSON *parent, cJSON *object)
{
    if (object && !object->child)
        cJSON_Delete(cJSON_DetachItemViaPointer(parent, object));
}

static void put_text(struct docs_writer *w, cJSON *object, const char *key, str text)
{
    if (text.len)
        cJSON_AddStringToObject(object, key, text_of(&w->value, text));
}

static void put_stability(struct docs_writer *w, cJSON *object, const char *key,
                          const struct wit_stability *s)
{
    if (s->kind == WIT_STABILITY_UNKNOWN)
        return;
    bool stable = s->kind == WIT_STABLE;
    cJSON *outer = key ? cJSON_AddObjectToObject(object, key) : object;
    cJSON *inner = cJSON_AddObjectToObject(outer, stable ? "stable" : "unstable");
    if (stable)
        put_text(w, inner, "since", s->since.text);
    else
        put_text(w, inner, "feature", s->feature);
    put_text(w, inner, "deprecated", s->deprecated.text);
}

static void put_docs(struct docs_writer *w, cJSON *object, str docs, const struct wit_stability *s)
{
    put_text(w, object, "docs", docs);
    put_stability(w, object, "stability", s);
}

static void put_func(struct docs_writer *w, cJSON *funcs, const struct wit_func *f)
{
    cJSON *o = open_key(w, funcs, f->name);
    put_docs(w, o, f->docs, &f->stability);
    close_object(funcs, o);
}

static void put_type(struct docs_writer *w, cJSON *types, u32 type)
{
    const struct wit_typedef *t = &w->r->types.data[type];
    cJSON *o = open_key(w, types, t->name);
    put_docs(w, o, t->docs, &t->stability);
    cJSON *items = cJSON_AddObjectToObject(o, "items");
    for (u32 i = 0; i < t->field_count; i++)
        if (t->fields[i].docs.len)
            put_text(w, items, text_of(&w->key, t->fields[i].name), t->fields[i].docs);
    close_object(o, items);
    close_object(types, o);
}

static void put_interface(struct docs_writer *w, cJSON *interfaces, str name, u32 interface)
{
    const struct wit_interface *iface = &w->r->interfaces.data[interface];
    cJSON *o = open_key(w, interfaces, name);
    put_docs(w, o, iface->docs, &iface->stability);
    cJSON *funcs = cJSON_AddObjectToObject(o, "funcs");
    for (u32 i = 0; i < iface->funcs.len; i++)
        put_func(w, funcs, &iface->funcs.data[i]);
    close_object(o, funcs);
    cJSON *types = cJSON_AddObjectToObject(o, "types");
    for (u32 i = 0; i < iface->types.len; i++)
        put_type(w, types, iface->types.data[i].type);
    close_object(o, types);
    close_object(interfaces, o);
}

/* Where the items of one side of a world are described: inline interfaces, types and functions; docs and
 * stability of interfaces that have a place of their own. */
struct world_docs {
    cJSON *interfaces, *types, *funcs, *stability, *docs;
};

static void put_item(struct docs_writer *w, const struct world_docs *o,
                     const struct wit_world_item *item)
{
    switch (item->kind) {
    case WIT_ITEM_FUNC: put_func(w, o->funcs, &item->func); return;
    case WIT_ITEM_TYPE: put_type(w, o->types, item->type); return;
    case WIT_ITEM_INTERFACE: break;
    }
    str name = wit_item_name(w->r, w->key.arena, item);
    if (!w->r->interfaces.data[item->interface].name.len) {
        put_interface(w, o->interfaces, name, item->interface);
        return;
    }
    cJSON *stability = open_key(w, o->stability, name);
    put_stability(w, stability, NULL, &item->stability);
    close_object(o->stability, stability);
    put_text(w, o->docs, text_of(&w->key, name), item->docs);
}

static void put_world(struct docs_writer *w, cJSON *worlds, u32 world)
{
    const struct wit_world *x = &w->r->worlds.data[world];
    cJSON *o = open_key(w, worlds, x->name);
    put_docs(w, o, x->docs, &x->stability);
    /* In the order in which they are written. */
    static const char *const keys[] = {"interfaces",
                                       "types",
                                       "funcs",
                                       "interface_exports",
                                       "func_exports",
                                       "interface_import_stability",
                                       "interface_export_stability",
                                       "interface_import_docs",
                                       "interface_export_docs"};
    cJSON *parts[LENGTH_OF(keys)];
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        parts[i] = cJSON_AddObjectToObject(o, keys[i]);
    struct world_docs imports = {parts[0], parts[1], parts[2], parts[5], parts[7]};
    struct world_docs exports = {parts[3], NULL, parts[4], parts[6], parts[8]};
    for (u32 i = 0; i < x->imports.len; i++)
        put_item(w, &imports, &x->imports.data[i]);
    for (u32 i = 0; i < x->exports.len; i++)
        put_item(w, &exports, &x->exports.data[i]);
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        close_object(o, parts[i]);
    close_object(worlds, o);
}

static void put_package(void *ctx)
{
    struct docs_writer *w = ctx;
    const struct wit_package *p = &w->r->packages.data[w->package];
    put_text(w, w->root, "docs", p->docs);
    cJSON *worlds = cJSON_AddObjectToObject(w->root, "worlds");
    for (u32 i = 0; i < p->worlds.len; i++)
        put_world(w, worlds, p->worlds.data[i].type);
    close_object(w->root, worlds);
    cJSON *interfaces = cJSON_AddObjectToObject(w->root, "interfaces");
    for (u32 i = 0; i < p->interfaces.len; i++)
        put_interface(w, interfaces, p->interfaces.data[i].name, p->interfaces.data[i].type);
    close_object(w->root, interfaces);
    w->text = cJSON_PrintUnformatted(w->root);
    if (!w->text)
        keep_unwinding(w->key.arena);
    buf_byte(w->out, WIT_DOCS_VERSION);
    buf_c(w->out, w->text);
}

void wit_encode_docs(const struct wit_resolve *r, u32 package, struct buf *out)
{
    struct docs_writer w = {r,   package, cJSON_CreateObject(), buf_in(r->arena), buf_in(r->arena),
                            out, NULL};
    bool fine = w.root && oom_guard(put_package, &w);
    cJSON_free(w.text);
    cJSON_Delete(w.root);
    if (!fine)
        keep_unwinding(r->arena);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

struct docs_reader {
    struct wit_resolve *r;
    span at;
    u32 package;
    const cJSON *root;
    bool failed;
};

static void docs_fail(struct docs_reader *d, const char *what, const char *name)
{
    if (!d->failed)
        diag_error(d->r->diags, "wit-docs", d->at, "the section `" WIT_DOCS_SECTION "` %s `%s`",
                   what, name ? name : "");
    d->failed = true;
}

static str text_at(struct docs_reader *d, const cJSON *object, const char *key)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(x) ? str_dup(d->r->arena, str_c(x->valuestring)) : (str){0};
}

static struct wit_version version_at(struct docs_reader *d, const cJSON *object, const char *key)
{
    struct wit_version v = {0};
    str text = text_at(d, object, key);
    if (text.len && !wit_version_parse(text, &v))
        docs_fail(d, "has an ill-formed version at", key);
    return v;
}

static void read_stability(struct docs_reader *d, const cJSON *s, struct wit_stability *out)
{
    const cJSON *stable = cJSON_GetObjectItemCaseSensitive(s, "stable");
    const cJSON *unstable = cJSON_GetObjectItemCaseSensitive(s, "unstable");
    const cJSON *x = stable ? stable : unstable;
    if (!x)
        return;
    out->kind = stable ? WIT_STABLE : WIT_UNSTABLE;
    if (stable)
        out->since = version_at(d, x, "since");
    else
        out->feature = text_at(d, x, "feature");
    out->deprecated = version_at(d, x, "deprecated");
}

static void read_docs(struct docs_reader *d, const cJSON *o, str *docs, struct wit_stability *s)
{
    if (cJSON_IsString(o)) { /* functions were a plain text once */
        *docs = str_dup(d->r->arena, str_c(o->valuestring));
        return;
    }
    *docs = text_at(d, o, "docs");
    read_stability(d, cJSON_GetObjectItemCaseSensitive(o, "stability"), s);
}

static void read_func(struct docs_reader *d, const cJSON *o, struct wit_func *f)
{
    read_docs(d, o, &f->docs, &f->stability);
}

static void read_type(struct docs_reader *d, const cJSON *o, u32 type)
{
    struct wit_typedef *t = &d->r->types.data[type];
    read_docs(d, o, &t->docs, &t->stability);
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(o, "items"), *x;
    if (!items)
        return;
    struct map names = {0};
    for (u32 i = 0; i < t->field_count; i++)
        map_add(d->r->arena, &names, t->fields[i].name, i);
    struct wit_field *fields = arena_array(d->r->arena, struct wit_field, t->field_count);
    if (t->field_count)
        memcpy(fields, t->fields, t->field_count * sizeof *fields);
    t->fields = fields;
    cJSON_ArrayForEach(x, items)
    {
        u32 i = map_get(&names, str_c(x->string));
        if (i == MAP_NONE || !cJSON_IsString(x))
            docs_fail(d, "describes an unknown field or case", x->string);
        else
            fields[i].docs = str_dup(d->r->arena, str_c(x->valuestring));
    }
}

static void read_interface(struct docs_reader *d, const cJSON *o, u32 interface)
{
    struct wit_interface *iface = &d->r->interfaces.data[interface];
    read_docs(d, o, &iface->docs, &iface->stability);
    struct map funcs = {0}, types = {0};
    for (u32 i = 0; i < iface->funcs.len; i++)
        map_add(d->r->arena, &funcs, iface->funcs.data[i].name, i);
    for (u32 i = 0; i < iface->types.len; i++)
        map_add(d->r->arena, &types, iface->types.data[i].name, iface->types.data[i].type);
    const cJSON *x;
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(o, "funcs"))
    {
        u32 i = map_get(&funcs, str_c(x->string));
        if (i == MAP_NONE)
            docs_fail(d, "describes an unknown function", x->string);
        else
            read_func(d, x, &iface->funcs.data[i]);
    }
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(o, "types"))
    {
        u32 type = map_get(&types, str_c(x->string));
        if (type == MAP_NONE)
            docs_fail(d, "describes an unknown type", x->string);
        else
            read_type(d, x, type);
    }
}

/* The items of one side of a world, by name. Types and functions share no name with interfaces. */
struct world_side {
    struct wit_world_item *items;
    struct map names;
};

static struct world_side side_of(struct docs_reader *d, struct wit_world_item *items, u32 n)
{
    struct world_side s = {.items = items};
    for (u32 i = 0; i < n; i++)
        map_add(d->r->arena, &s.names,
                items[i].kind == WIT_ITEM_TYPE ? d->r->types.data[items[i].type].name
                                               : wit_item_name(d->r, d->r->arena, &items[i]),
                i);
    return s;
}

static struct wit_world_item *item_at(struct docs_reader *d, const struct world_side *s,
                                      const char *name)
{
    u32 i = map_get(&s->names, str_c(name));
    if (i == MAP_NONE)
        docs_fail(d, "describes an unknown world item", name);
    return i == MAP_NONE ? NULL : &s->items[i];
}

/* Details of one key of a world: of imports, or of exports where `side` lacks the name (version 0). */
static void read_world_items(struct docs_reader *d, const cJSON *o, const struct world_side *side,
                             const struct world_side *other)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, o)
    {
        bool here = !other || map_get(&side->names, str_c(x->string)) != MAP_NONE;
        struct wit_world_item *item = item_at(d, here ? side : other, x->string);
        if (!item)
            return;
        switch (item->kind) {
        case WIT_ITEM_FUNC:
            read_func(d, x, &item->func);
            item->docs = item->func.docs;
            item->stability = item->func.stability;
            break;
        case WIT_ITEM_TYPE: read_type(d, x, item->type); break;
        case WIT_ITEM_INTERFACE:
            read_interface(d, x, item->interface);
            item->stability = d->r->interfaces.data[item->interface].stability;
            break;
        }
    }
}

static void read_item_notes(struct docs_reader *d, const cJSON *docs, const cJSON *stability,
                            const struct world_side *side)
{
    const cJSON *x;
    struct wit_world_item *item;
    cJSON_ArrayForEach(x, docs) if ((item = item_at(d, side, x->string)) && cJSON_IsString(x))
        item->docs = str_dup(d->r->arena, str_c(x->valuestring));
    cJSON_ArrayForEach(x, stability) if ((item = item_at(d, side, x->string)))
        read_stability(d, x, &item->stability);
}

static void read_world(struct docs_reader *d, const cJSON *o, u32 world)
{
    struct wit_world *w = &d->r->worlds.data[world];
    read_docs(d, o, &w->docs, &w->stability);
    struct world_side imports = side_of(d, w->imports.data, w->imports.len);
    struct world_side exports = side_of(d, w->exports.data, w->exports.len);
    const cJSON *x[] = {
        cJSON_GetObjectItemCaseSensitive(o, "interfaces"),
        cJSON_GetObjectItemCaseSensitive(o, "types"),
        cJSON_GetObjectItemCaseSensitive(o, "funcs"),
        cJSON_GetObjectItemCaseSensitive(o, "interface_exports"),
        cJSON_GetObjectItemCaseSensitive(o, "func_exports"),
    };
    for (u32 i = 0; i < 3; i++)
        read_world_items(d, x[i], &imports, &exports);
    for (u32 i = 3; i < 5; i++)
        read_world_items(d, x[i], &exports, NULL);
    read_item_notes(d, cJSON_GetObjectItemCaseSensitive(o, "interface_import_docs"),
                    cJSON_GetObjectItemCaseSensitive(o, "interface_import_stability"), &imports);
    read_item_notes(d, cJSON_GetObjectItemCaseSensitive(o, "interface_export_docs"),
                    cJSON_GetObjectItemCaseSensitive(o, "interface_export_stability"), &exports);
}

static void read_package(void *ctx)
{
    struct docs_reader *d = ctx;
    const cJSON *o = d->root;
    struct wit_package *p = &d->r->packages.data[d->package];
    p->docs = text_at(d, o, "docs");
    struct map worlds = {0}, interfaces = {0};
    for (u32 i = 0; i < p->worlds.len; i++)
        map_add(d->r->arena, &worlds, p->worlds.data[i].name, p->worlds.data[i].type);
    for (u32 i = 0; i < p->interfaces.len; i++)
        map_add(d->r->arena, &interfaces, p->interfaces.data[i].name, p->interfaces.data[i].type);
    const cJSON *x;
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(o, "worlds"))
    {
        u32 world = map_get(&worlds, str_c(x->string));
        if (world == MAP_NONE)
            docs_fail(d, "describes an unknown world", x->string);
        else
            read_world(d, x, world);
    }
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(o, "interfaces"))
    {
        u32 interface = map_get(&interfaces, str_c(x->string));
        if (interface == MAP_NONE)
            docs_fail(d, "describes an unknown interface", x->string);
        else
            read_interface(d, x, interface);
    }
}

bool wit_decode_docs(struct wit_resolve *r, u32 package, str section, span at)
{
    if (section.len == 0 || (u8)section.ptr[0] > WIT_DOCS_VERSION ||
        utf8_check(section) != SIZE_MAX) {
        diag_error(r->diags, "wit-docs", at,
                   "the section `" WIT_DOCS_SECTION "` is not of a version that witc knows");
        return false;
    }
    cJSON *o = cJSON_ParseWithLength(section.ptr + 1, section.len - 1);
    if (!cJSON_IsObject(o)) {
        cJSON_Delete(o);
        diag_error(r->diags, "wit-docs", at,
                   "the section `" WIT_DOCS_SECTION "` does not hold a JSON object");
        return false;
    }
    struct docs_reader d = {.r = r, .at = at, .package = package, .root = o};
    bool fine = oom_guard(read_package, &d);
    cJSON_Delete(o);
    if (!fine)
        keep_unwinding(r->arena);
    return !d.failed;
}
