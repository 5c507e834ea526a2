/* text_cm_core.c - core types within components, module types, aliases. */
#include "text_cm.h"

/* ---- Core types ------------------------------------------------------------------------------------------- */

/* Types of one recursion group may refer to each other before they have an index, and whatever they use of an enclosing
 * component becomes an alias before them. So a group is gone through twice: first for the aliases. */
struct group {
    struct text_scope *scope;
    struct text_names own;  /* names in the group, by their number in it */
    struct text_names used; /* other names that were looked up */
    VEC(struct text_type_info) info;
    bool dry;
};

static u32 group_type_index(void *self)
{
    struct group *g = self;
    struct text_scope *s = g->scope;
    struct text_parser *p = s->p;
    struct text_token at = p->tok;
    if (at.kind == TEXT_NUMBER)
        return text_u32(p, "a type");
    if (at.kind != TEXT_ID) {
        text_unexpected(p, "a type");
        return 0;
    }
    text_advance(p);
    str name = text_id_name(p, at);
    u32 own = text_names_get(&g->own, name);
    if (own != TEXT_NONE)
        return s->count[SORT_CORE_TYPE] + own;
    if (s->kind == SCOPE_MODULE_TYPE &&
        text_names_get(&s->names[SORT_CORE_TYPE], name) == TEXT_NONE) {
        /* definitions in a module type see no outer types without an alias */
        text_unknown_name(p, at, "core type", name, &s->names[SORT_CORE_TYPE]);
        return 0;
    }
    u32 found = text_names_get(&g->used, name);
    if (found == TEXT_NONE) {
        found = text_lookup(s, SORT_CORE_TYPE, at);
        bool fresh;
        *text_names_at(p->arena, &g->used, name, &fresh) = found;
    }
    return found;
}

static void group_type(void *self, const struct text_type_info *info)
{
    struct group *g = self;
    if (!g->dry)
        *vec_push(g->scope->p->arena, &g->info) = *info;
}

static void set_info(struct text_scope *s, const struct text_type_info *info)
{
    static const struct text_type_info none = {.kind = COMPTYPE_STRUCT};
    while (s->type_info.len < s->count[SORT_CORE_TYPE])
        *vec_push(s->p->arena, &s->type_info) = none;
    if (info && s->type_info.len)
        *vec_last(&s->type_info) = *info;
}

static void ignore_binding(void *self, u32 index, struct text_token at, str id, str shown)
{
    (void)self, (void)index, (void)at, (void)id, (void)shown;
}

static struct text_type_sink sink_of(struct group *g)
{
    struct text_types types = {g->scope->p, group_type_index, g};
    return (struct text_type_sink){types, group_type, ignore_binding, ignore_binding, g};
}

static void put_core_type(struct text_scope *s, struct buf *bytes)
{
    struct text_item item = text_item_new(s);
    /* 0x50 alone would be a module type */
    if (s->kind != SCOPE_MODULE_TYPE && bytes->len && (u8)bytes->data[0] == 0x50)
        text_byte(&item.bytes, 0);
    buf_str(&item.bytes, buf_view(bytes));
    text_emit(s, TEXT_ITEM_CORE_TYPE, &item);
}

static void core_type_body(struct text_scope *s, str id, struct text_token at, str shown)
{
    struct text_parser *p = s->p;
    const struct text_shape *no_shape;
    if (text_inverted_alias(s, SORT_CORE_TYPE, &no_shape)) {
        text_define(s, SORT_CORE_TYPE, at, id, shown);
        set_info(s, NULL);
        return;
    }
    if (text_open(p, "module")) {
        text_module_type(s, id);
        s->count[SORT_CORE_TYPE]--; /* defined again, with its name */
        text_define(s, SORT_CORE_TYPE, at, id, shown);
        set_info(s, NULL);
        text_close(p);
        return;
    }
    if (!text_at_comptype(p)) {
        text_unexpected(p, "a core type");
        return;
    }
    struct group g = {.scope = s};
    struct text_type_sink sink = sink_of(&g);
    struct buf bytes = buf_in(p->arena);
    bool fresh;
    if (id.ptr)
        *text_names_at(p->arena, &g.own, id, &fresh) = 0;
    struct text_mark before = text_mark(p);
    g.dry = true;
    text_subtype(&sink, &bytes, true);
    if (p->failed)
        return;
    text_rewind(p, before);
    bytes.len = 0;
    g.dry = false;
    text_subtype(&sink, &bytes, true);
    put_core_type(s, &bytes);
    u32 index = text_define(s, SORT_CORE_TYPE, at, id, shown);
    if (g.info.len == 0)
        return;
    set_info(s, &g.info.data[0]);
    if (g.info.data[0].plain && g.info.data[0].kind == COMPTYPE_FUNC) {
        u32 *known = text_names_at(p->arena, &s->signatures, g.info.data[0].signature, &fresh);
        if (fresh)
            *known = index;
    }
}

static u32 group_members(struct group *g, struct buf *bytes)
{
    struct text_scope *s = g->scope;
    struct text_parser *p = s->p;
    struct text_type_sink sink = sink_of(g);
    u32 count = 0;
    for (; text_open(p, "type"); count++) {
        struct text_token at;
        str id, shown;
        text_binder(p, &id, &at, &shown);
        text_subtype(&sink, bytes, false);
        text_close(p);
    }
    return count;
}

static void core_rec(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct group g = {.scope = s};
    struct buf bytes = buf_in(p->arena);
    struct member {
        struct text_token at;
        str id, shown;
    };
    VEC(struct member) members = {0};
    struct text_mark before = text_mark(p);
    while (text_open(p, "type")) { /* the names */
        struct member m;
        text_binder(p, &m.id, &m.at, &m.shown);
        if (m.id.ptr && !p->failed) {
            bool fresh;
            *text_names_at(p->arena, &g.own, m.id, &fresh) = members.len;
            if (!fresh)
                text_fail(p, m.at, "duplicate core type identifier `$" STRF "`", STRA(m.id));
        }
        *vec_push(p->arena, &members) = m;
        text_skip_rest(p);
    }
    if (p->failed)
        return;
    text_rewind(p, before);
    g.dry = true;
    group_members(&g, &bytes);
    if (p->failed)
        return;
    text_rewind(p, before);
    g.dry = false;
    bytes.len = 0;
    u32 count = group_members(&g, &bytes);
    struct text_item item = text_item_new(s);
    text_byte(&item.bytes, 0x4e);
    text_put_vec(&item.bytes, count, &bytes);
    text_emit(s, TEXT_ITEM_CORE_TYPE, &item);
    for (u32 i = 0; i < members.len && i < g.info.len; i++) {
        text_define(s, SORT_CORE_TYPE, members.data[i].at, members.data[i].id,
                    members.data[i].shown);
        set_info(s, &g.info.data[i]);
    }
}

bool text_core_type_field(struct text_scope *s)
{
    struct text_parser *p = s->p;
    if (text_take(p, "type")) {
        str id, shown;
        struct text_token at;
        text_binder(p, &id, &at, &shown);
        core_type_body(s, id, at, shown);
        return true;
    }
    bool rec = text_take(p, "rec");
    if (rec)
        core_rec(s);
    return rec;
}

/* ---- Module types --------------------------------------------------------------------------------------------- */

/* A type use in a module type: the index of a type that is there, or of a new one. */
static u32 module_typeuse(struct text_scope *s)
{
    struct text_parser *p = s->p;
    bool has_index = false;
    u32 index = 0;
    struct text_token at = p->tok;
    if (text_open(p, "type")) {
        has_index = true;
        at = p->tok;
        index = s->types.type_index(s->types.self);
        text_close(p);
    }
    struct text_signature signature = {buf_in(p->arena), buf_in(p->arena), 0, 0, false};
    text_signature(&s->types, &signature, ignore_binding, NULL);
    struct buf bytes = buf_in(p->arena);
    text_byte(&bytes, 0x60);
    text_put_signature(&bytes, &signature);
    str shape = str_sub(buf_view(&bytes), 1, bytes.len);
    if (has_index)
        return index;
    u32 known = text_names_get(&s->signatures, shape);
    if (known != TEXT_NONE)
        return known;
    put_core_type(s, &bytes);
    struct text_type_info info = {COMPTYPE_FUNC, true, shape, signature.param_count};
    index = text_define(s, SORT_CORE_TYPE, at, (str){0}, (str){0});
    set_info(s, &info);
    return index;
}

/* `(func id? type)` and its like in a module type. */
static void core_externtype(struct text_scope *s, struct buf *out)
{
    struct text_parser *p = s->p;
    enum cm_sort sort = SORT_CORE_FUNC;
    str id, shown;
    struct text_token at;
    text_lparen(p);
    if (!text_take_sort(p, true, &sort) || sort > SORT_CORE_TAG) {
        text_unexpected(p, "`func`, `table`, `memory`, `global` or `tag`");
        return;
    }
    text_binder(p, &id, &at, &shown);
    struct text_limits limits = {0};
    switch (sort) {
    case SORT_CORE_FUNC: {
        bool exact = text_open(p, "exact");
        u32 type = module_typeuse(s);
        text_byte(out, exact ? 0x20 : 0x00);
        text_uleb(out, type);
        if (exact)
            text_close(p);
        break;
    }
    case SORT_CORE_TABLE:
        text_byte(out, 0x01);
        text_tabletype(&s->types, out);
        break;
    case SORT_CORE_MEMORY:
        text_byte(out, 0x02);
        text_address_type(p, &limits);
        text_limits(p, &limits);
        text_memory_rest(p, &limits);
        text_put_limits(out, &limits);
        break;
    case SORT_CORE_GLOBAL:
        text_byte(out, 0x03);
        text_globaltype(&s->types, out);
        break;
    default: {
        u32 type = module_typeuse(s);
        buf_str(out, STR("\x04\x00"));
        text_uleb(out, type);
        break;
    }
    }
    text_close(p);
}

static void module_declarators(struct text_scope *s)
{
    struct text_parser *p = s->p;
    while (p->tok.kind == TEXT_LPAREN && !p->failed) {
        struct text_item item = text_item_new(s);
        text_advance(p);
        if (text_take(p, "import")) {
            wasm_write_name(&item.bytes, text_name(p));
            wasm_write_name(&item.bytes, text_name(p));
            core_externtype(s, &item.bytes);
            text_emit(s, TEXT_ITEM_IMPORT, &item);
        } else if (text_take(p, "export")) {
            wasm_write_name(&item.bytes, text_name(p));
            core_externtype(s, &item.bytes);
            text_emit(s, TEXT_ITEM_EXPORT, &item);
        } else if (text_take(p, "alias")) {
            text_alias_field(s);
        } else if (!text_core_type_field(s)) {
            text_unexpected(p, "`import`, `export`, `type`, `rec` or `alias`");
        }
        text_close(p);
    }
}

u32 text_module_type(struct text_scope *s, str id)
{
    struct text_parser *p = s->p;
    if (!text_enter(p))
        return 0;
    struct text_scope *inner = text_scope_new(p, SCOPE_MODULE_TYPE, s, id);
    module_declarators(inner);
    struct text_item item = text_item_new(s);
    text_byte(&item.bytes, 0x50);
    text_put_vec(&item.bytes, inner->section_count, &inner->section);
    text_scope_end(inner);
    text_emit(s, TEXT_ITEM_CORE_TYPE, &item);
    text_leave(p);
    u32 index = s->count[SORT_CORE_TYPE]++;
    set_info(s, NULL);
    return index;
}

/* ---- Aliases -------------------------------------------------------------------------------------------------------- */

struct alias {
    u8 target; /* as in the binary: 0 export, 1 core export, 2 outer */
    struct text_ref instance;
    str name;
    u32 depth;
    struct text_scope *scope; /* outer: where the index belongs, NULL if there is no such scope */
    struct text_token index;
};

static void alias_target(struct text_scope *s, struct alias *a)
{
    struct text_parser *p = s->p;
    if (text_take(p, "outer")) {
        a->target = 2;
        a->depth = text_outer_scope(s, &a->scope);
        a->index = p->tok;
        if (a->index.kind != TEXT_ID && a->index.kind != TEXT_NUMBER)
            text_unexpected(p, "an index");
        text_advance(p);
        return;
    }
    a->target = text_take(p, "core");
    if (!text_take(p, "export")) {
        text_unexpected(p, "`export`, `core export` or `outer`");
        return;
    }
    a->instance =
        (struct text_ref){.sort = a->target ? SORT_CORE_INSTANCE : SORT_INSTANCE, .index = p->tok};
    if (p->tok.kind != TEXT_ID && p->tok.kind != TEXT_NUMBER)
        text_unexpected(p, "an instance");
    text_advance(p);
    a->name = text_name(p);
}

static u32 outer_index(struct text_scope *s, const struct alias *a, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    u64 value = 0;
    if (text_token_u64(p, a->index, &value) && value <= UINT32_MAX)
        return (u32)value;
    if (a->index.kind != TEXT_ID || p->failed)
        return 0;
    str name = text_id_name(p, a->index);
    static const struct text_names none;
    const struct text_names *names = a->scope ? &a->scope->names[sort] : &none;
    u32 found = text_names_get(names, name);
    if (found == TEXT_NONE) {
        str *list = text_names_list(p->arena, names);
        u32 count = names->len;
        struct diag *x = text_fail(p, a->index, "unknown outer %s `$" STRF "`",
                                   cm_sort_info[sort].name, STRA(name));
        diag_suggest(p->d, x, name, list, count);
        return 0;
    }
    return found;
}

static void emit_alias(struct text_scope *s, const struct alias *a, enum cm_sort sort,
                       const struct text_shape **shape)
{
    struct text_item item = text_item_new(s);
    *shape = NULL;
    if (s->kind == SCOPE_MODULE_TYPE) {
        if (a->target != 2 || sort != SORT_CORE_TYPE)
            text_fail(s->p, s->p->tok, "a module type has outer aliases of types only");
        buf_str(&item.bytes, STR("\x10\x01"));
    } else {
        cm_write_sort(&item.bytes, sort);
        text_byte(&item.bytes, a->target);
    }
    if (a->target == 2) {
        u32 index = outer_index(s, a, sort);
        if (sort == SORT_TYPE && a->scope && index < a->scope->shapes.len)
            *shape = a->scope->shapes.data[index];
        text_uleb(&item.bytes, a->depth);
        text_uleb(&item.bytes, index);
    } else {
        text_item_ref(&item, a->instance, false);
        wasm_write_name(&item.bytes, a->name);
    }
    text_emit(s, TEXT_ITEM_ALIAS, &item);
}

void text_alias_field(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct alias a = {0};
    enum cm_sort sort = SORT_FUNC;
    const struct text_shape *shape;
    str id, shown;
    struct text_token at;
    alias_target(s, &a);
    text_lparen(p);
    struct text_token word = p->tok;
    if (a.target == 1 && !text_at(p, "core"))
        text_unexpected(p, "`core`");
    if (!text_take_sort(p, s->kind == SCOPE_MODULE_TYPE, &sort)) {
        text_unexpected(p, "a sort, such as `func` or `core module`");
        return;
    }
    if (a.target == 0 && cm_sort_info[sort].is_core && sort != SORT_CORE_MODULE)
        text_fail(p, word, "a component instance exports no %s", cm_sort_info[sort].name);
    if (a.target == 2 && !text_is_outer_sort(sort))
        text_fail(p, word, "an outer alias is of a module, a type or a component, not of a %s",
                  cm_sort_info[sort].name);
    text_binder(p, &id, &at, &shown);
    text_close(p);
    emit_alias(s, &a, sort, &shape);
    text_define(s, sort, at, id, shown);
    if (sort == SORT_TYPE)
        text_set_shape(s, shape);
    if (sort == SORT_CORE_TYPE)
        set_info(s, NULL);
}

bool text_inverted_alias(struct text_scope *s, enum cm_sort sort, const struct text_shape **shape)
{
    struct text_parser *p = s->p;
    struct alias a = {0};
    struct text_mark before = text_mark(p);
    if (!text_open(p, "alias"))
        return false;
    alias_target(s, &a);
    if (sort == SORT_COMPONENT && p->tok.kind == TEXT_LPAREN) {
        text_rewind(p, before); /* an alias within the component that is being defined */
        return false;
    }
    text_close(p);
    emit_alias(s, &a, sort, shape);
    return true;
}
