/* decode_docs.c - reads the custom section "package-docs": see encode_docs.c.
 *
 * The JSON is checked against a table of its shape first. A section that is damaged, or speaks of what the package
 * does not have, was not written for this package: it is refused, not half believed.
 */
#include "encode.h"

#include <cjson/cJSON.h>

struct docs_reader {
    struct wit_resolve *r;
    span at;
    u32 package;
    const cJSON *root;
    const char *path[12]; /* keys down to the value at hand */
    u32 depth;
    bool failed;
};

/* Reports the first thing that is wrong. */
static bool docs_fail(struct docs_reader *d, const char *format, ...) WITC_PRINTF(2, 3);
static bool docs_fail(struct docs_reader *d, const char *format, ...)
{
    if (!d->failed) {
        va_list args;
        va_start(args, format);
        str message = str_vprintf(d->r->arena, format, args);
        va_end(args);
        struct diag *x = diag_error(d->r->diags, "wit-docs", d->at,
                                    "the section `" WIT_DOCS_SECTION "` " STRF, STRA(message));
        diag_note(d->r->diags, x,
                  "it holds the doc comments and gates of a package, as JSON; without the section "
                  "the package can be read");
    }
    d->failed = true;
    return false;
}

static bool unknown(struct docs_reader *d, const char *what, const char *name)
{
    return docs_fail(d, "describes %s `%s`, which is not there", what, name);
}

/* ---- Shape ----------------------------------------------------------------------------------- */

enum shape { TEXT, VERSION, PACKAGE, WORLD, INTERFACE, FUNC, TYPE, STABILITY, STABLE, UNSTABLE };
enum { ONE, MAP, NEEDED };
static const struct key {
    u8 in; /* enum shape */
    u8 of;
    u8 how;
    const char *name;
} keys[] = {
    {PACKAGE, TEXT, ONE, "docs"},
    {PACKAGE, WORLD, MAP, "worlds"},
    {PACKAGE, INTERFACE, MAP, "interfaces"},
    {WORLD, TEXT, ONE, "docs"},
    {WORLD, STABILITY, ONE, "stability"},
    {WORLD, INTERFACE, MAP, "interfaces"},
    {WORLD, TYPE, MAP, "types"},
    {WORLD, FUNC, MAP, "funcs"},
    {WORLD, INTERFACE, MAP, "interface_exports"},
    {WORLD, FUNC, MAP, "func_exports"},
    {WORLD, STABILITY, MAP, "interface_import_stability"},
    {WORLD, STABILITY, MAP, "interface_export_stability"},
    {WORLD, TEXT, MAP, "interface_import_docs"},
    {WORLD, TEXT, MAP, "interface_export_docs"},
    {INTERFACE, TEXT, ONE, "docs"},
    {INTERFACE, STABILITY, ONE, "stability"},
    {INTERFACE, FUNC, MAP, "funcs"},
    {INTERFACE, TYPE, MAP, "types"},
    {FUNC, TEXT, ONE, "docs"},
    {FUNC, STABILITY, ONE, "stability"},
    {TYPE, TEXT, ONE, "docs"},
    {TYPE, STABILITY, ONE, "stability"},
    {TYPE, TEXT, MAP, "items"},
    {STABILITY, STABLE, ONE, "stable"},
    {STABILITY, UNSTABLE, ONE, "unstable"},
    {STABLE, VERSION, NEEDED, "since"},
    {STABLE, VERSION, ONE, "deprecated"},
    {UNSTABLE, TEXT, NEEDED, "feature"},
    {UNSTABLE, VERSION, ONE, "deprecated"},
};

static bool wrong(struct docs_reader *d, const char *what)
{
    struct buf b = buf_in(d->r->arena);
    for (u32 i = 0; i < d->depth; i++)
        buf_printf(&b, "%s%s", i ? "." : "", d->path[i]);
    return docs_fail(d, "is damaged: `" STRF "` %s", STRA(buf_view(&b)), what);
}

static bool check_shape(struct docs_reader *d, const cJSON *x, enum shape shape);

static bool check_part(struct docs_reader *d, const cJSON *x, const struct key *key)
{
    const cJSON *each;
    bool ok = true;
    if (key->how != MAP)
        return check_shape(d, x, key->of);
    if (!cJSON_IsObject(x))
        return wrong(d, "is no object");
    cJSON_ArrayForEach(each, x)
    {
        d->path[d->depth++] = each->string;
        ok = ok && check_shape(d, each, key->of);
        d->depth--;
    }
    return ok;
}

/* What later versions may say of a gate is left alone. */
static bool check_object(struct docs_reader *d, const cJSON *o, enum shape shape)
{
    bool seen[LENGTH_OF(keys)] = {false}, ok = true;
    const cJSON *x;
    if (!cJSON_IsObject(o))
        return d->depth ? wrong(d, "is no object") : docs_fail(d, "holds no JSON object");
    cJSON_ArrayForEach(x, o)
    {
        size_t i = 0;
        while (i < LENGTH_OF(keys) && (keys[i].in != shape || strcmp(keys[i].name, x->string) != 0))
            i++;
        d->path[d->depth++] = x->string;
        if (i < LENGTH_OF(keys))
            ok = ok && (!seen[i] || wrong(d, "is there twice")) && check_part(d, x, &keys[i]);
        else if (shape != STABLE && shape != UNSTABLE)
            ok = ok && wrong(d, "has no meaning");
        seen[i < LENGTH_OF(keys) ? i : 0] = true;
        d->depth--;
    }
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        if (keys[i].in == shape && keys[i].how == NEEDED && !seen[i])
            ok = ok && wrong(d, shape == STABLE ? "lacks `since`" : "lacks `feature`");
    return ok;
}

static bool check_shape(struct docs_reader *d, const cJSON *x, enum shape shape)
{
    struct wit_version v;
    bool optional = d->depth && (strcmp(d->path[d->depth - 1], "docs") == 0 ||
                                 strcmp(d->path[d->depth - 1], "deprecated") == 0);
    switch (shape) {
    case TEXT: return cJSON_IsString(x) || (optional && cJSON_IsNull(x)) || wrong(d, "is no text");
    case VERSION:
        return (cJSON_IsString(x) && wit_version_parse(str_c(x->valuestring), &v)) ||
               (optional && cJSON_IsNull(x)) || wrong(d, "is no semantic version");
    case FUNC: /* functions were a plain text once */
        return cJSON_IsString(x) || check_object(d, x, FUNC);
    case STABILITY:
        if (cJSON_IsString(x))
            return strcmp(x->valuestring, "unknown") == 0 || wrong(d, "is no gate");
        return check_object(d, x, STABILITY) &&
               ((x->child && !x->child->next) || wrong(d, "is not one gate"));
    default: return check_object(d, x, shape);
    }
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static str text_at(struct docs_reader *d, const cJSON *object, const char *key)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(x) ? str_dup(d->r->arena, str_c(x->valuestring)) : (str){0};
}

static struct wit_version version_at(struct docs_reader *d, const cJSON *object, const char *key)
{
    struct wit_version v = {0};
    str text = text_at(d, object, key);
    return text.len && wit_version_parse(text, &v) ? v : (struct wit_version){0};
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
    if (cJSON_IsString(o)) {
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
        if (i == MAP_NONE)
            unknown(d, "the field or case", x->string);
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
            unknown(d, "the function", x->string);
        else
            read_func(d, x, &iface->funcs.data[i]);
    }
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(o, "types"))
    {
        u32 type = map_get(&types, str_c(x->string));
        if (type == MAP_NONE)
            unknown(d, "the type", x->string);
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
        unknown(d, "the world item", name);
    return i == MAP_NONE ? NULL : &s->items[i];
}

/* Details of one key of a world: of imports, or of exports where `side` lacks the name (version 0). */
static void read_world_items(struct docs_reader *d, const cJSON *o, enum wit_item_kind kind,
                             const struct world_side *side, const struct world_side *other)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, o)
    {
        bool here = !other || map_get(&side->names, str_c(x->string)) != MAP_NONE;
        struct wit_world_item *item = item_at(d, here ? side : other, x->string);
        if (!item)
            return;
        if (item->kind != kind) {
            docs_fail(d, "describes `%s` as what it is not", x->string);
            return;
        }
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
    static const struct {
        const char *key;
        enum wit_item_kind kind;
        bool exports; /* only; the others speak of both sides */
    } parts[] = {{"interfaces", WIT_ITEM_INTERFACE, false},
                 {"types", WIT_ITEM_TYPE, false},
                 {"funcs", WIT_ITEM_FUNC, false},
                 {"interface_exports", WIT_ITEM_INTERFACE, true},
                 {"func_exports", WIT_ITEM_FUNC, true}};
    for (u32 i = 0; i < LENGTH_OF(parts); i++)
        read_world_items(d, cJSON_GetObjectItemCaseSensitive(o, parts[i].key), parts[i].kind,
                         parts[i].exports ? &exports : &imports,
                         parts[i].exports ? NULL : &exports);
    read_item_notes(d, cJSON_GetObjectItemCaseSensitive(o, "interface_import_docs"),
                    cJSON_GetObjectItemCaseSensitive(o, "interface_import_stability"), &imports);
    read_item_notes(d, cJSON_GetObjectItemCaseSensitive(o, "interface_export_docs"),
                    cJSON_GetObjectItemCaseSensitive(o, "interface_export_stability"), &exports);
}

static void read_package(void *ctx)
{
    struct docs_reader *d = ctx;
    const cJSON *o = d->root;
    if (!check_shape(d, o, PACKAGE))
        return;
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
            unknown(d, "the world", x->string);
        else
            read_world(d, x, world);
    }
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(o, "interfaces"))
    {
        u32 interface = map_get(&interfaces, str_c(x->string));
        if (interface == MAP_NONE)
            unknown(d, "the interface", x->string);
        else
            read_interface(d, x, interface);
    }
}

/* The place of what is wrong in the text, or its end. cJSON lets control characters pass in texts, ends a text at an
 * escaped NUL, and does not look behind the value. */
static size_t find_damage(str json, cJSON **out)
{
    bool in_text = false;
    for (size_t i = 0; i < json.len; i++) {
        bool nul = in_text && str_starts(str_sub(json, i, json.len), STR("\\u0000"));
        if (nul || (in_text && (u8)json.ptr[i] < 0x20))
            return i;
        in_text ^= json.ptr[i] == '"';
        i += in_text && json.ptr[i] == '\\';
    }
    const char *end = json.ptr;
    *out = cJSON_ParseWithLengthOpts(json.ptr, json.len, &end, false);
    while (*out && end < json.ptr + json.len && memchr(" \t\r\n", *end, 4))
        end++;
    return (size_t)(end - json.ptr);
}

static bool parse(struct docs_reader *d, str section, cJSON **out)
{
    *out = NULL;
    if (section.len == 0)
        return docs_fail(d, "is empty");
    if ((u8)section.ptr[0] > WIT_DOCS_VERSION)
        return docs_fail(d, "is of version %d, witc knows %d", (u8)section.ptr[0],
                         WIT_DOCS_VERSION);
    str json = str_sub(section, 1, section.len);
    if (utf8_check(json) != SIZE_MAX)
        return docs_fail(d, "is damaged: not UTF-8 at byte %zu", utf8_check(json));
    size_t end = find_damage(json, out);
    return (*out && end == json.len) || docs_fail(d, "is damaged: no JSON at byte %zu", end);
}

bool wit_decode_docs(struct wit_resolve *r, u32 package, str section, span at)
{
    struct docs_reader d = {.r = r, .at = at, .package = package};
    cJSON *root;
    bool fine = true;
    if (parse(&d, section, &root)) {
        d.root = root;
        fine = oom_guard(read_package, &d);
    }
    cJSON_Delete(root);
    if (!fine)
        oom_unwind();
    return !d.failed;
}
