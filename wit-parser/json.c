/* json.c - the resolved graph as JSON, in the layout of `wasm-tools component wit --json`. */
#include "wit-parser.h"

#include <cjson/cJSON.h>
#include <limits.h>

struct json {
    const struct wit_resolve *r;
    struct buf *out;
    u32 depth;
    bool first;
};

/* The graph may be large: it is written as it is walked; cJSON writes the texts. */

static void line(struct json *j)
{
    buf_byte(j->out, '\n');
    buf_fill(j->out, ' ', (size_t)j->depth * 2);
}

static void element(struct json *j)
{
    if (!j->first) {
        buf_byte(j->out, ',');
    }
    j->first = false;
    line(j);
}

/* What cJSON makes of a text, at most, and what it wants to have over. */
static size_t quoted_length(str s)
{
    size_t n = s.len + 16;
    for (size_t i = 0; i < s.len; i++) {
        u8 c = (u8)s.ptr[i];
        n += c < 0x20 ? 5 : c == '"' || c == '\\';
    }
    return n;
}

/* In place, so that nothing is allocated but room in `out`. */
static void quote(struct json *j, str s)
{
    size_t room = quoted_length(s);
    buf_reserve(j->out, room + s.len + 1);
    char *text = j->out->data + j->out->len, *copy = text + room;
    if (s.len) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = 0;
    cJSON item = {.type = cJSON_String, .valuestring = copy};
    if (room > INT_MAX || !cJSON_PrintPreallocated(&item, text, (int)room, false)) {
        buf_reserve(j->out, SIZE_MAX / 2); /* unwinds */
        return;
    }
    j->out->len += strlen(text);
}

static void key(struct json *j, const char *name)
{
    element(j);
    quote(j, str_c(name));
    buf_c(j->out, ": ");
}

static void key_str(struct json *j, str name)
{
    element(j);
    quote(j, name);
    buf_c(j->out, ": ");
}

static void open(struct json *j, char bracket)
{
    buf_byte(j->out, (u8)bracket);
    j->depth++;
    j->first = true;
}

static void close(struct json *j, char bracket)
{
    bool empty = j->first;
    j->depth--;
    if (!empty) {
        line(j);
    }
    buf_byte(j->out, (u8)bracket);
    j->first = false;
}

static void number(struct json *j, u64 n)
{
    buf_printf(j->out, "%llu", (unsigned long long)n);
}

static void text_or_null(struct json *j, str s)
{
    if (s.len) {
        quote(j, s);
    } else {
        buf_c(j->out, "null");
    }
}

/* ---- Parts --------------------------------------------------------------------------------------------- */

static void put_docs(struct json *j, str docs)
{
    if (docs.ptr) {
        key(j, "docs");
        open(j, '{');
        key(j, "contents");
        quote(j, docs);
        close(j, '}');
    }
}

static void put_stability(struct json *j, const struct wit_stability *s)
{
    if (s->kind == WIT_STABILITY_UNKNOWN) {
        return;
    }
    bool stable = s->kind == WIT_STABLE;
    key(j, "stability");
    open(j, '{');
    key(j, stable ? "stable" : "unstable");
    open(j, '{');
    key(j, stable ? "since" : "feature");
    quote(j, stable ? s->since.text : s->feature);
    if (s->deprecated.text.len) {
        key(j, "deprecated");
        quote(j, s->deprecated.text);
    }
    close(j, '}');
    close(j, '}');
}

static void put_external_id(struct json *j, str id)
{
    if (id.ptr) {
        key(j, "external_id");
        quote(j, id);
    }
}

static void put_type(struct json *j, struct wit_type t)
{
    if (t.kind != WIT_ID) {
        quote(j, str_c(wit_prim_name(t.kind)));
    } else if (t.id == WIT_NONE) {
        buf_c(j->out, "null");
    } else {
        number(j, t.id);
    }
}

static void put_function(struct json *j, const struct wit_func *f)
{
    static const char *const free_kinds[][3] = {{"freestanding", "getter", "setter"},
                                                {"async-freestanding", "getter", "setter"}};
    static const char *const kinds[][3] = {
        [WIT_METHOD] = {"method", "method-getter", "method-setter"},
        [WIT_STATIC] = {"static", "static-getter", "static-setter"},
        [WIT_CONSTRUCTOR] = {"constructor", "constructor", "constructor"},
    };
    open(j, '{');
    key(j, "name");
    quote(j, f->name);
    key(j, "kind");
    if (f->kind == WIT_FREE) {
        quote(j, str_c(free_kinds[f->is_async][f->accessor]));
    } else {
        open(j, '{');
        bool async = f->is_async && f->kind != WIT_CONSTRUCTOR;
        key(j, async ? (f->kind == WIT_METHOD ? "async-method" : "async-static")
                     : kinds[f->kind][f->accessor]);
        number(j, f->resource);
        close(j, '}');
    }
    key(j, "params");
    open(j, '[');
    for (u32 i = 0; i < f->param_count; i++) {
        element(j);
        open(j, '{');
        key(j, "name");
        quote(j, f->params[i].name);
        key(j, "type");
        put_type(j, f->params[i].type);
        close(j, '}');
    }
    close(j, ']');
    if (wit_type_present(f->result)) {
        key(j, "result");
        put_type(j, f->result);
    }
    put_docs(j, f->docs);
    put_stability(j, &f->stability);
    put_external_id(j, f->external_id);
    close(j, '}');
}

/* ---- Worlds and interfaces ----------------------------------------------------------------------------------- */

static void put_item(struct json *j, const struct wit_world_item *item)
{
    if (item->has_key_name) {
        key_str(j, item->name);
    } else {
        element(j);
        buf_printf(j->out, "\"interface-%u\": ", item->interface);
    }
    open(j, '{');
    if (item->kind == WIT_ITEM_TYPE) {
        key(j, "type");
        number(j, item->type);
    } else if (item->kind == WIT_ITEM_FUNC) {
        key(j, "function");
        put_function(j, &item->func);
    } else {
        key(j, "interface");
        open(j, '{');
        key(j, "id");
        number(j, item->interface);
        put_stability(j, &item->stability);
        put_external_id(j, item->external_id);
        put_docs(j, item->docs);
        close(j, '}');
    }
    close(j, '}');
}

static void put_items(struct json *j, const char *name, const struct wit_world_item *list, u32 n)
{
    key(j, name);
    open(j, '{');
    for (u32 i = 0; i < n; i++) {
        put_item(j, &list[i]);
    }
    close(j, '}');
}

static void put_world(struct json *j, const struct wit_world *w)
{
    element(j);
    open(j, '{');
    key(j, "name");
    quote(j, w->name);
    put_items(j, "imports", w->imports.data, w->imports.len);
    put_items(j, "exports", w->exports.data, w->exports.len);
    key(j, "package");
    put_type(j, (struct wit_type){WIT_ID, w->package});
    put_docs(j, w->docs);
    put_stability(j, &w->stability);
    close(j, '}');
}

static void put_interface(struct json *j, const struct wit_interface *it)
{
    element(j);
    open(j, '{');
    key(j, "name");
    text_or_null(j, it->name);
    key(j, "types");
    open(j, '{');
    for (u32 i = 0; i < it->types.len; i++) {
        key_str(j, it->types.data[i].name);
        number(j, it->types.data[i].type);
    }
    close(j, '}');
    key(j, "functions");
    open(j, '{');
    for (u32 i = 0; i < it->funcs.len; i++) {
        key_str(j, it->funcs.data[i].name);
        put_function(j, &it->funcs.data[i]);
    }
    close(j, '}');
    put_docs(j, it->docs);
    put_stability(j, &it->stability);
    key(j, "package");
    put_type(j, (struct wit_type){WIT_ID, it->package});
    if (it->clone_of != WIT_NONE) {
        key(j, "clone_of");
        number(j, it->clone_of);
    }
    close(j, '}');
}

/* ---- Types ---------------------------------------------------------------------------------------------------- */

/* {"record": {"fields": [...]}} */
static void put_fields(struct json *j, const char *kind, const char *list,
                       const struct wit_typedef *t)
{
    bool typed = t->kind == WIT_RECORD || t->kind == WIT_VARIANT;
    key(j, kind);
    open(j, '{');
    key(j, list);
    open(j, '[');
    for (u32 i = 0; i < t->field_count; i++) {
        const struct wit_field *f = &t->fields[i];
        element(j);
        if (t->kind == WIT_TUPLE) {
            put_type(j, f->type);
            continue;
        }
        open(j, '{');
        key(j, "name");
        quote(j, f->name);
        if (typed) {
            key(j, "type");
            put_type(j, f->type);
        }
        put_docs(j, f->docs);
        close(j, '}');
    }
    close(j, ']');
    close(j, '}');
}

static void put_result(struct json *j, const struct wit_typedef *t)
{
    key(j, "result");
    open(j, '{');
    key(j, "ok");
    put_type(j, t->first);
    key(j, "err");
    put_type(j, t->second);
    close(j, '}');
}

static void put_pair(struct json *j, const char *name, const struct wit_typedef *t)
{
    key(j, name);
    open(j, '[');
    element(j);
    put_type(j, t->first);
    element(j);
    if (t->kind == WIT_MAP) {
        put_type(j, t->second);
    } else {
        number(j, t->length);
    }
    close(j, ']');
}

static void put_kind(struct json *j, const struct wit_typedef *t)
{
    static const char *const simple[] = {
        [WIT_OPTION] = "option", [WIT_LIST] = "list",  [WIT_FUTURE] = "future",
        [WIT_STREAM] = "stream", [WIT_ALIAS] = "type",
    };
    if (t->kind == WIT_RESOURCE) {
        quote(j, STR("resource"));
        return;
    }
    open(j, '{');
    switch (t->kind) {
    case WIT_RECORD: put_fields(j, "record", "fields", t); break;
    case WIT_FLAGS: put_fields(j, "flags", "flags", t); break;
    case WIT_VARIANT: put_fields(j, "variant", "cases", t); break;
    case WIT_ENUM: put_fields(j, "enum", "cases", t); break;
    case WIT_TUPLE: put_fields(j, "tuple", "types", t); break;
    case WIT_RESULT: put_result(j, t); break;
    case WIT_MAP: put_pair(j, "map", t); break;
    case WIT_FIXED_LIST: put_pair(j, "fixed-length-list", t); break;
    case WIT_OWN:
    case WIT_BORROW:
        key(j, "handle");
        open(j, '{');
        key(j, t->kind == WIT_OWN ? "own" : "borrow");
        put_type(j, t->first);
        close(j, '}');
        break;
    default:
        key(j, simple[t->kind]);
        put_type(j, t->first);
        break;
    }
    close(j, '}');
}

static void put_typedef(struct json *j, const struct wit_typedef *t)
{
    element(j);
    open(j, '{');
    key(j, "name");
    text_or_null(j, t->name);
    key(j, "kind");
    put_kind(j, t);
    key(j, "owner");
    if (t->owner.kind == WIT_OWNER_NONE) {
        buf_c(j->out, "null");
    } else {
        open(j, '{');
        key(j, t->owner.kind == WIT_OWNER_WORLD ? "world" : "interface");
        number(j, t->owner.index);
        close(j, '}');
    }
    put_docs(j, t->docs);
    put_stability(j, &t->stability);
    put_external_id(j, t->external_id);
    close(j, '}');
}

static void put_names(struct json *j, const char *name, const struct wit_named_type *list, u32 n)
{
    key(j, name);
    open(j, '{');
    for (u32 i = 0; i < n; i++) {
        key_str(j, list[i].name);
        number(j, list[i].type);
    }
    close(j, '}');
}

void wit_print_json(struct buf *out, const struct wit_resolve *r)
{
    struct json j = {.r = r, .out = out};
    open(&j, '{');
    key(&j, "worlds");
    open(&j, '[');
    for (u32 i = 0; i < r->worlds.len; i++) {
        put_world(&j, &r->worlds.data[i]);
    }
    close(&j, ']');
    key(&j, "interfaces");
    open(&j, '[');
    for (u32 i = 0; i < r->interfaces.len; i++) {
        put_interface(&j, &r->interfaces.data[i]);
    }
    close(&j, ']');
    key(&j, "types");
    open(&j, '[');
    for (u32 i = 0; i < r->types.len; i++) {
        put_typedef(&j, &r->types.data[i]);
    }
    close(&j, ']');
    key(&j, "packages");
    open(&j, '[');
    for (u32 i = 0; i < r->packages.len; i++) {
        const struct wit_package *p = &r->packages.data[i];
        element(&j);
        open(&j, '{');
        key(&j, "name");
        quote(&j, wit_package_id(r->arena, &p->name));
        put_docs(&j, p->docs);
        put_names(&j, "interfaces", p->interfaces.data, p->interfaces.len);
        put_names(&j, "worlds", p->worlds.data, p->worlds.len);
        close(&j, '}');
    }
    close(&j, ']');
    close(&j, '}');
}
