/* snapshot.c - units as bytes.
 *
 * One walk over a unit serves both ways: each code_* function writes a value, or reads it into its place. Numbers are
 * LEB128; texts are numbers in a table of texts, 0 for none. A blob: count of texts, texts (length, bytes);
 * count of units; each unit as length, name, contents.
 */
#include "snapshot.h"

struct coder {
    bool writing;
    struct arena *arena, *scratch;
    struct buf *out;
    struct map texts; /* writing: text to its number */
    str in;           /* reading */
    size_t at;
    const str *table;
    u32 table_count;
};

static void code_u64(struct coder *c, u64 *x)
{
    if (c->writing) {
        buf_uleb(c->out, *x);
        return;
    }
    *x = 0;
    for (u32 shift = 0; c->at < c->in.len && shift < 64; shift += 7) {
        u8 byte = (u8)c->in.ptr[c->at++];
        *x |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return;
        }
    }
}

static void code_u32(struct coder *c, u32 *x)
{
    u64 wide = (u64)*x + 1; /* WIT_NONE is 0 */
    wide = *x == UINT32_MAX ? 0 : wide;
    code_u64(c, &wide);
    *x = wide ? (u32)(wide - 1) : UINT32_MAX;
}

static u64 code_number(struct coder *c, u64 x)
{
    code_u64(c, &x);
    return x;
}

#define CODE_ENUM(c, field, type) ((field) = (type)code_number((c), (u64)(field)))
#define CODE_BOOL(c, field)       ((field) = code_number((c), (field)) != 0)

static void code_str(struct coder *c, str *s)
{
    u64 index = 0;
    if (c->writing && s->ptr) {
        u32 prior = map_add(c->scratch, &c->texts, *s, c->texts.len);
        index = prior == MAP_NONE ? c->texts.len : (u64)prior + 1;
    }
    code_u64(c, &index);
    if (!c->writing) {
        *s = index && index <= c->table_count ? c->table[index - 1] : (str){NULL, 0};
    }
}

/* Codes the length of a VEC, and makes room when reading. */
#define CODE_LENGTH(c, a, v)                                                \
    do {                                                                    \
        u32 length_ = (v)->len;                                             \
        code_u32((c), &length_);                                            \
        if (!(c)->writing) {                                                \
            (v)->data = arena_alloc_array((a), length_, sizeof *(v)->data); \
            (v)->len = (v)->cap = length_;                                  \
        }                                                                   \
    } while (0)

static void code_version(struct coder *c, struct wit_version *v)
{
    str text = v->text;
    code_str(c, &text);
    if (!c->writing && text.ptr) {
        wit_version_parse(text, v);
    }
}

static void code_name(struct coder *c, struct wit_package_name *n)
{
    code_str(c, &n->ns);
    code_str(c, &n->name);
    code_version(c, &n->version);
}

static void code_stability(struct coder *c, struct wit_stability *s)
{
    CODE_ENUM(c, s->kind, int);
    if (s->kind != WIT_STABILITY_UNKNOWN) {
        code_version(c, &s->since);
        code_version(c, &s->deprecated);
        code_str(c, &s->feature);
    }
}

static const struct ast_gates *code_gates(struct coder *c, const struct ast_gates *gates)
{
    bool any = gates != NULL;
    CODE_BOOL(c, any);
    if (!any) {
        return NULL;
    }
    struct ast_gates g = gates ? *gates : (struct ast_gates){0};
    code_stability(c, &g.stability);
    code_str(c, &g.external_id);
    if (c->writing) {
        return gates;
    }
    struct ast_gates *copy = arena_new(c->scratch, struct ast_gates);
    *copy = g;
    return copy;
}

/* ---- Types and functions --------------------------------------------------------------------------------- */

static void code_type(struct coder *c, struct wit_type *t)
{
    CODE_ENUM(c, t->kind, enum wit_kind);
    if (t->kind == WIT_ID) {
        code_u32(c, &t->id);
    }
}

static void code_fields(struct coder *c, const struct wit_field **fields, u32 *count)
{
    code_u32(c, count);
    struct wit_field *list =
        c->writing ? (struct wit_field *)*fields : arena_array(c->arena, struct wit_field, *count);
    for (u32 i = 0; i < *count; i++) {
        code_str(c, &list[i].name);
        code_type(c, &list[i].type);
    }
    *fields = list;
}

static void code_typedef(struct coder *c, struct wit_typedef *t)
{
    CODE_ENUM(c, t->kind, enum wit_kind);
    code_str(c, &t->name);
    CODE_ENUM(c, t->owner.kind, enum wit_owner_kind);
    code_u32(c, &t->owner.index);
    code_fields(c, &t->fields, &t->field_count);
    code_type(c, &t->first);
    code_type(c, &t->second);
    code_u64(c, &t->length);
    code_stability(c, &t->stability);
    code_str(c, &t->external_id);
}

static void code_func(struct coder *c, struct wit_func *f)
{
    code_str(c, &f->name);
    CODE_ENUM(c, f->kind, enum wit_func_kind);
    CODE_ENUM(c, f->accessor, enum wit_accessor);
    CODE_BOOL(c, f->is_async);
    code_u32(c, &f->resource);
    code_fields(c, &f->params, &f->param_count);
    code_type(c, &f->result);
    code_stability(c, &f->stability);
    code_str(c, &f->external_id);
}

/* ---- Interfaces and worlds --------------------------------------------------------------------------------- */

static void code_interface(struct coder *c, struct wit_interface *it)
{
    code_str(c, &it->name);
    code_stability(c, &it->stability);
    CODE_LENGTH(c, c->arena, &it->types);
    for (u32 i = 0; i < it->types.len; i++) {
        code_str(c, &it->types.data[i].name);
        code_u32(c, &it->types.data[i].type);
    }
    CODE_LENGTH(c, c->arena, &it->funcs);
    for (u32 i = 0; i < it->funcs.len; i++) {
        code_func(c, &it->funcs.data[i]);
    }
    it->package = it->clone_of = WIT_NONE;
}

static void code_item(struct coder *c, struct wit_world_item *item)
{
    CODE_ENUM(c, item->kind, enum wit_item_kind);
    CODE_BOOL(c, item->has_key_name);
    code_str(c, &item->name);
    code_u32(c, &item->interface);
    code_u32(c, &item->type);
    if (item->kind == WIT_ITEM_FUNC) {
        code_func(c, &item->func);
    }
    code_stability(c, &item->stability);
    code_str(c, &item->external_id);
}

static void code_world(struct coder *c, struct unit_world *w)
{
    code_str(c, &w->world.name);
    code_stability(c, &w->world.stability);
    CODE_LENGTH(c, c->arena, &w->world.imports);
    for (u32 i = 0; i < w->world.imports.len; i++) {
        code_item(c, &w->world.imports.data[i]);
    }
    CODE_LENGTH(c, c->arena, &w->world.exports);
    for (u32 i = 0; i < w->world.exports.len; i++) {
        code_item(c, &w->world.exports.data[i]);
    }
    CODE_LENGTH(c, c->scratch, &w->includes);
    for (u32 i = 0; i < w->includes.len; i++) {
        struct unit_include *inc = &w->includes.data[i];
        inc->gates = code_gates(c, inc->gates);
        code_u32(c, &inc->world);
        code_u32(c, &inc->name_count);
        struct ast_rename *names =
            c->writing ? (struct ast_rename *)inc->names
                       : arena_array(c->scratch, struct ast_rename, inc->name_count);
        for (u32 k = 0; k < inc->name_count; k++) {
            code_str(c, &names[k].name.name);
            code_str(c, &names[k].alias.name);
        }
        inc->names = names;
    }
}

static void code_dep(struct coder *c, struct unit_dep *dep)
{
    code_name(c, &dep->name);
    CODE_LENGTH(c, c->scratch, &dep->items);
    for (u32 i = 0; i < dep->items.len; i++) {
        struct unit_foreign_item *item = &dep->items.data[i];
        code_str(c, &item->name);
        CODE_BOOL(c, item->is_world);
        code_u32(c, &item->id);
        CODE_LENGTH(c, c->scratch, &item->gates);
        for (u32 k = 0; k < item->gates.len; k++) {
            item->gates.data[k] = code_gates(c, item->gates.data[k]);
        }
    }
}

static void code_unit(struct coder *c, struct wit_unit *u)
{
    code_u32(c, &u->foreign_types);
    code_u32(c, &u->foreign_interfaces);
    code_u32(c, &u->foreign_worlds);
    CODE_LENGTH(c, c->scratch, &u->types);
    for (u32 i = 0; i < u->types.len; i++) {
        code_typedef(c, &u->types.data[i]);
    }
    CODE_LENGTH(c, c->scratch, &u->interfaces);
    for (u32 i = 0; i < u->interfaces.len; i++) {
        code_interface(c, &u->interfaces.data[i]);
    }
    CODE_LENGTH(c, c->scratch, &u->worlds);
    for (u32 i = 0; i < u->worlds.len; i++) {
        code_world(c, &u->worlds.data[i]);
    }
    CODE_LENGTH(c, c->scratch, &u->deps);
    for (u32 i = 0; i < u->deps.len; i++) {
        code_dep(c, &u->deps.data[i]);
    }
    CODE_LENGTH(c, c->scratch, &u->resources);
    for (u32 i = 0; i < u->resources.len; i++) {
        code_u32(c, &u->resources.data[i].type);
    }
}

/* ---- Blobs ------------------------------------------------------------------------------------------------------ */

void wit_snapshot_write(struct buf *out, struct wit_unit *const *units, u32 n)
{
    struct arena scratch = {0};
    struct buf bodies = buf_in(&scratch);
    struct coder c = {.writing = true, .arena = &scratch, .scratch = &scratch};
    buf_uleb(&bodies, n);
    for (u32 i = 0; i < n; i++) {
        struct buf body = buf_in(&scratch);
        struct wit_package_name name = units[i]->name;
        c.out = &body;
        code_name(&c, &name);
        code_unit(&c, units[i]);
        buf_uleb(&bodies, body.len);
        buf_str(&bodies, buf_view(&body));
    }
    buf_uleb(out, c.texts.len);
    for (u32 i = 0; i < c.texts.len; i++) {
        buf_uleb(out, c.texts.entries[i].key.len);
        buf_str(out, c.texts.entries[i].key);
    }
    buf_str(out, buf_view(&bodies));
    arena_free(&scratch);
}

static struct coder open_blob(struct arena *arena, struct arena *scratch, str blob, u32 *units)
{
    struct coder c = {.arena = arena, .scratch = scratch, .in = blob};
    c.table_count = (u32)code_number(&c, 0);
    str *table = arena_array(scratch, str, c.table_count);
    for (u32 i = 0; i < c.table_count; i++) {
        u64 len = code_number(&c, 0);
        table[i] = str_sub(blob, c.at, c.at + len);
        c.at += len;
    }
    c.table = table;
    *units = (u32)code_number(&c, 0);
    return c;
}

u32 wit_snapshot_list(struct arena *a, str blob, struct wit_package_name **names)
{
    u32 n;
    struct coder c = open_blob(a, a, blob, &n);
    *names = arena_array(a, struct wit_package_name, n);
    for (u32 i = 0; i < n; i++) {
        u64 len = code_number(&c, 0);
        size_t end = c.at + len;
        code_name(&c, &(*names)[i]);
        c.at = end;
    }
    return n;
}

bool wit_snapshot_read(str blob, const struct wit_package_name *name, struct wit_unit *u)
{
    u32 n;
    struct coder c = open_blob(u->arena, u->scratch, blob, &n);
    for (u32 i = 0; i < n; i++) {
        u64 len = code_number(&c, 0);
        size_t end = c.at + len;
        struct wit_package_name found = {{NULL, 0}, {NULL, 0}, {{NULL, 0}}};
        code_name(&c, &found);
        if (str_eq(found.ns, name->ns) && str_eq(found.name, name->name) &&
            str_eq(found.version.text, name->version.text)) {
            u->name = found;
            u->has_name = true;
            code_unit(&c, u);
            return true;
        }
        c.at = end;
    }
    return false;
}
