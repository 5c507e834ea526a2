/* encode_docs.c - the custom section "package-docs": doc comments and stability of a WIT package, as JSON.
 *
 * Component types have no room for them. One version byte, then an object whose keys follow the graph:
 * package, worlds, interfaces, functions and types, and the fields or cases of a type.
 */
#include "encode.h"

#include <cjson/cJSON.h>

/* cJSON's memory is not the arena's: everything hangs on one root, and functions that allocate while it is there run
 * under a guard, so that it is freed also when memory runs out. Then unwinding goes on. */
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
        oom_unwind();
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
        oom_unwind();
}
