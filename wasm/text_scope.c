/* text_scope.c - scopes of components and their types: names, references, and the items on their way out. */
#include "text_cm.h"

/* ---- Sorts -------------------------------------------------------------------------------------------- */

bool text_take_sort(struct text_parser *p, bool in_core, enum cm_sort *sort)
{
    bool core = in_core;
    if (text_at(p, "core")) {
        struct text_token next = text_peek(p);
        if (next.kind != TEXT_KEYWORD)
            return false;
        text_advance(p);
        core = true;
    }
    for (u32 i = 0; i < SORT_COUNT; i++) {
        if (cm_sort_info[i].is_core == core && text_take_word(p, cm_sort_info[i].word)) {
            *sort = (enum cm_sort)i;
            return true;
        }
    }
    return false;
}

/* ---- References ----------------------------------------------------------------------------------------- */

static struct text_token take_index(struct text_parser *p, enum cm_sort sort)
{
    struct text_token t = p->tok;
    if (t.kind != TEXT_ID && t.kind != TEXT_NUMBER)
        text_unexpected(p, str_printf(p->d->arena, "a %s%c", cm_sort_info[sort].name, 0).ptr);
    text_advance(p);
    return t;
}

struct text_ref text_take_plain_ref(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    struct text_ref ref = {.sort = sort, .index = take_index(p, sort)};
    VEC(str) names = {0};
    while (p->tok.kind == TEXT_STRING)
        *vec_push(p->arena, &names) = text_name(p);
    ref.names = names.data;
    ref.name_count = names.len;
    return ref;
}

struct text_ref text_take_any_ref(struct text_scope *s, bool in_core)
{
    struct text_parser *p = s->p;
    enum cm_sort sort = SORT_FUNC;
    text_lparen(p);
    if (!text_take_sort(p, in_core, &sort))
        text_unexpected(p, "a sort, such as `func` or `core module`");
    struct text_ref ref = text_take_plain_ref(s, sort);
    text_close(p);
    return ref;
}

/* The sort and the rest of a reference, past its `(`. */
static struct text_ref in_parens(struct text_scope *s, enum cm_sort sort)
{
    text_expect_word(s->p, cm_sort_info[sort].word);
    struct text_ref ref = text_take_plain_ref(s, sort);
    text_close(s->p);
    return ref;
}

static struct text_ref take_index_ref(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    struct text_ref ref = {.sort = sort, .index = take_index(p, sort)};
    if (p->tok.kind == TEXT_STRING)
        text_fail(p, p->tok, "an export is named in parentheses: `(%s $instance \"name\")`",
                  cm_sort_info[sort].name);
    return ref;
}

struct text_ref text_take_sort_ref(struct text_scope *s, enum cm_sort sort)
{
    text_lparen(s->p);
    if (cm_sort_info[sort].is_core)
        text_expect(s->p, "core");
    return in_parens(s, sort);
}

struct text_ref text_take_ref(struct text_scope *s, enum cm_sort sort)
{
    return s->p->tok.kind == TEXT_LPAREN ? text_take_sort_ref(s, sort) : take_index_ref(s, sort);
}

struct text_ref text_take_older_ref(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    if (p->tok.kind != TEXT_LPAREN)
        return take_index_ref(s, sort);
    text_advance(p);
    text_take(p, "core");
    return in_parens(s, sort);
}

struct text_ref text_take_memory_ref(struct text_scope *s)
{
    if (s->p->tok.kind == TEXT_LPAREN)
        return text_take_sort_ref(s, SORT_CORE_MEMORY);
    return text_take_plain_ref(s, SORT_CORE_MEMORY);
}

struct text_ref text_take_core_ref(struct text_scope *s, enum cm_sort sort)
{
    if (s->p->tok.kind != TEXT_LPAREN)
        return take_index_ref(s, sort);
    text_advance(s->p);
    return in_parens(s, sort);
}

/* ---- Scopes ------------------------------------------------------------------------------------------------ */

static u32 scope_type_index(void *self)
{
    struct text_scope *s = self;
    return text_lookup(s, SORT_CORE_TYPE, take_index(s->p, SORT_CORE_TYPE));
}

struct text_scope *text_scope_new(struct text_parser *p, enum text_scope_kind kind,
                                  struct text_scope *parent, str id)
{
    struct text_scope *s = p->spare;
    if (s) {
        p->spare = s->parent;
    } else {
        s = arena_new(p->arena, struct text_scope);
        s->p = p;
        s->section = buf_in(p->arena);
        s->types = (struct text_types){p, scope_type_index, s};
        for (u32 i = 0; i < SORT_COUNT; i++)
            s->shown[i].bytes = buf_in(p->arena);
    }
    s->kind = kind;
    s->parent = parent;
    s->id = id;
    return s;
}

void text_scope_end(struct text_scope *s)
{
    for (u32 i = 0; i < SORT_COUNT; i++) {
        text_names_clear(&s->names[i]);
        s->shown[i].bytes.len = 0;
        s->shown[i].count = 0;
        s->count[i] = 0;
    }
    text_names_clear(&s->signatures);
    s->name = (str){0};
    s->section.len = 0;
    s->section_count = 0;
    s->places.len = s->exports.len = s->shapes.len = s->type_info.len = 0;
    s->parent = s->p->spare;
    s->p->spare = s;
}

void text_flush(struct text_scope *s)
{
    if (s->section_count == 0)
        return;
    struct buf *out = s->out;
    u8 kind = s->section_kind;
    struct text_places *places = s->p->places;
    if (s->places.len)
        text_place_add(places, out->len, s->places.data[0].at, false);
    buf_byte(out, kind);
    if (kind == TEXT_ITEM_START || kind == TEXT_ITEM_CUSTOM) { /* no vectors */
        buf_uleb(out, s->section.len);
    } else {
        char room[8];
        struct buf count = {s->p->arena, room, 0, sizeof room};
        buf_uleb(&count, s->section_count);
        buf_uleb(out, count.len + s->section.len);
        buf_str(out, buf_view(&count));
    }
    for (u32 i = 0; i < s->places.len; i++) {
        struct text_place *x = &s->places.data[i];
        text_place_add(places, out->len + x->offset, x->at, x->exact);
    }
    s->places.len = 0;
    buf_str(out, buf_view(&s->section));
    s->section.len = 0;
    s->section_count = 0;
}

static void emit_bytes(struct text_scope *s, enum text_item_kind kind, str bytes)
{
    if (s->p->failed)
        return;
    if (s->kind == SCOPE_COMPONENT) {
        bool vector = kind != TEXT_ITEM_START && kind != TEXT_ITEM_CUSTOM;
        if (s->section_count && (s->section_kind != kind || !vector))
            text_flush(s);
        s->section_kind = (u8)kind;
        struct text_parser *p = s->p;
        if (p->places)
            *vec_push(p->arena, &s->places) =
                (struct text_place){.offset = (u32)s->section.len,
                                    .at = {p->source, p->field_start, p->last_end},
                                    .exact = true};
    } else {
        static const i8 codes[2][16] = {
            /* of component and instance types, and of module types */
            {[TEXT_ITEM_CORE_TYPE] = 0x00 + 1,
             [TEXT_ITEM_TYPE] = 0x01 + 1,
             [TEXT_ITEM_ALIAS] = 0x02 + 1,
             [TEXT_ITEM_IMPORT] = 0x03 + 1,
             [TEXT_ITEM_EXPORT] = 0x04 + 1},
            {[TEXT_ITEM_IMPORT] = 0x00 + 1,
             [TEXT_ITEM_CORE_TYPE] = 0x01 + 1,
             [TEXT_ITEM_ALIAS] = 0x02 + 1,
             [TEXT_ITEM_EXPORT] = 0x03 + 1},
        };
        text_byte(&s->section, (u8)(codes[s->kind == SCOPE_MODULE_TYPE][kind] - 1));
    }
    buf_str(&s->section, bytes);
    s->section_count++;
}

static void emit_alias(struct text_scope *s, struct buf *bytes)
{
    emit_bytes(s, TEXT_ITEM_ALIAS, buf_view(bytes));
}

/* A type space index with a shape that is not known here. */
static void grow_shapes(struct text_scope *s, enum cm_sort sort, const struct text_shape *shape)
{
    if (sort != SORT_TYPE)
        return;
    while (s->shapes.len < s->count[SORT_TYPE])
        *vec_push(s->p->arena, &s->shapes) = NULL;
    if (s->shapes.len)
        *vec_last(&s->shapes) = shape;
}

static u32 alias_export(struct text_scope *s, bool core, enum cm_sort sort, u32 instance, str name)
{
    struct buf bytes = buf_in(s->p->arena);
    cm_write_sort(&bytes, sort);
    text_byte(&bytes, core);
    text_uleb(&bytes, instance);
    wasm_write_name(&bytes, name);
    emit_alias(s, &bytes);
    u32 index = s->count[sort]++;
    grow_shapes(s, sort, NULL);
    return index;
}

static u32 alias_outer(struct text_scope *s, enum cm_sort sort, u32 depth, u32 index)
{
    struct buf bytes = buf_in(s->p->arena);
    if (s->kind == SCOPE_MODULE_TYPE)
        buf_str(&bytes, STR("\x10\x01"));
    else {
        cm_write_sort(&bytes, sort);
        text_byte(&bytes, 2);
    }
    text_uleb(&bytes, depth);
    text_uleb(&bytes, index);
    emit_alias(s, &bytes);
    const struct text_shape *shape = NULL;
    struct text_scope *outer = s;
    for (u32 i = 0; i < depth && outer; i++)
        outer = outer->parent;
    if (sort == SORT_TYPE && outer && index < outer->shapes.len)
        shape = outer->shapes.data[index];
    u32 own = s->count[sort]++;
    grow_shapes(s, sort, shape);
    return own;
}

bool text_is_outer_sort(enum cm_sort sort)
{
    return sort == SORT_CORE_MODULE || sort == SORT_CORE_TYPE || sort == SORT_COMPONENT ||
           sort == SORT_TYPE;
}

static void unknown(struct text_scope *s, enum cm_sort sort, struct text_token at, str name)
{
    struct text_parser *p = s->p;
    if (p->failed)
        return;
    VEC(str) near = {0};
    for (struct text_scope *from = s; from; from = from->parent) {
        str *list = text_names_list(p->arena, &from->names[sort]);
        for (u32 i = 0; i < from->names[sort].len && near.len < 10000; i++)
            *vec_push(p->arena, &near) = list[i];
        if (!text_is_outer_sort(sort))
            break;
    }
    str *names = near.data;
    u32 count = near.len;
    struct diag *x =
        text_fail(p, at, "unknown %s `$" STRF "`", cm_sort_info[sort].name, STRA(name));
    diag_suggest(p->d, x, name, names, count);
    for (struct text_scope *from = s->parent; from && !text_is_outer_sort(sort);
         from = from->parent) {
        if (text_names_get(&from->names[sort], name) != TEXT_NONE) {
            diag_note(p->d, x,
                      "an enclosing component has one; only modules, core types, components and "
                      "types can "
                      "be used from there");
            break;
        }
    }
    for (u32 i = 0; i < SORT_COUNT; i++) {
        if (i != (u32)sort && text_names_get(&s->names[i], name) != TEXT_NONE)
            diag_note(p->d, x, "there is a %s of this name", cm_sort_info[(enum cm_sort)i].name);
    }
}

u32 text_lookup(struct text_scope *s, enum cm_sort sort, struct text_token at)
{
    struct text_parser *p = s->p;
    if (p->failed)
        return 0;
    if (at.kind == TEXT_NUMBER) {
        u64 value = 0;
        if (!text_token_u64(p, at, &value) || value > UINT32_MAX)
            text_fail(p, at, "index out of range: it must be below 2^32");
        return (u32)value;
    }
    str name = text_id_name(p, at);
    u32 depth = 0;
    for (struct text_scope *from = s; from; from = from->parent, depth++) {
        u32 found = text_names_get(&from->names[sort], name);
        if (found == TEXT_NONE)
            continue;
        if (depth == 0)
            return found;
        if (!text_is_outer_sort(sort))
            break;
        return alias_outer(s, sort, depth, found);
    }
    unknown(s, sort, at, name);
    return 0;
}

u32 text_resolve(struct text_scope *s, const struct text_ref *ref)
{
    if (ref->known)
        return ref->value;
    if (ref->name_count == 0)
        return text_lookup(s, ref->sort, ref->index);
    bool core = cm_sort_info[ref->sort].is_core && ref->sort != SORT_CORE_MODULE;
    enum cm_sort instances = core ? SORT_CORE_INSTANCE : SORT_INSTANCE;
    u32 index = text_lookup(s, instances, ref->index);
    for (u32 i = 0; i + 1 < ref->name_count; i++)
        index = alias_export(s, core, instances, index, ref->names[i]);
    return alias_export(s, core, ref->sort, index, ref->names[ref->name_count - 1]);
}

u32 text_outer_scope(struct text_scope *s, struct text_scope **out)
{
    struct text_parser *p = s->p;
    struct text_token at = p->tok;
    u32 depth = 0;
    *out = s;
    if (at.kind == TEXT_NUMBER) {
        u32 wanted = text_u32(p, "a number of scopes");
        for (; depth < wanted && *out; depth++)
            *out = (*out)->parent;
        return wanted;
    }
    if (at.kind != TEXT_ID) {
        text_unexpected(p, "the name of an enclosing component, or a number of scopes");
        return 0;
    }
    str name = text_id_name(p, at);
    for (; *out; *out = (*out)->parent, depth++) {
        if ((*out)->id.ptr && str_eq((*out)->id, name)) {
            text_advance(p);
            return depth;
        }
    }
    text_fail(p, at, "unknown enclosing component `$" STRF "`", STRA(name));
    return 0;
}

u32 text_define(struct text_scope *s, enum cm_sort sort, struct text_token at, str id, str shown)
{
    struct text_parser *p = s->p;
    u32 index = s->count[sort]++;
    grow_shapes(s, sort, NULL);
    if (p->failed)
        return index;
    if (shown.ptr)
        text_namemap_add(&s->shown[sort], index, shown);
    if (!id.ptr)
        return index;
    bool fresh;
    u32 *value = text_names_at(p->arena, &s->names[sort], id, &fresh);
    if (fresh)
        *value = index;
    else
        text_fail(p, at, "duplicate %s identifier `$" STRF "`", cm_sort_info[sort].name, STRA(id));
    return index;
}

/* ---- Items ----------------------------------------------------------------------------------------------------- */

struct text_item text_item_new(struct text_scope *s)
{
    return (struct text_item){.bytes = buf_in(s->p->arena)};
}

void text_item_ref(struct text_item *item, struct text_ref ref, bool is_signed)
{
    *vec_push(item->bytes.arena, &item->holes) =
        (struct text_hole){(u32)item->bytes.len, is_signed, ref};
}

void text_item_append(struct text_item *item, const struct text_item *part)
{
    u32 base = (u32)item->bytes.len;
    buf_str(&item->bytes, buf_view(&part->bytes));
    for (u32 i = 0; i < part->holes.len; i++) {
        struct text_hole hole = part->holes.data[i];
        hole.at += base;
        *vec_push(item->bytes.arena, &item->holes) = hole;
    }
}

void text_emit(struct text_scope *s, enum text_item_kind kind, struct text_item *item)
{
    struct buf out = buf_in(s->p->arena);
    u32 from = 0;
    for (u32 i = 0; i < item->holes.len && !s->p->failed; i++) {
        struct text_hole *hole = &item->holes.data[i];
        buf_put(&out, item->bytes.data + from, hole->at - from);
        from = hole->at;
        hole->ref.value = text_resolve(s, &hole->ref);
        hole->ref.known = true;
        if (hole->is_signed)
            buf_sleb(&out, hole->ref.value);
        else
            buf_uleb(&out, hole->ref.value);
    }
    if (item->holes.len == 0) {
        emit_bytes(s, kind, buf_view(&item->bytes));
        return;
    }
    buf_put(&out, item->bytes.data + from, item->bytes.len - from);
    emit_bytes(s, kind, buf_view(&out));
}
