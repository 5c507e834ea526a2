/* text_cm_types.c - component types, imports and the declarators of component and instance types. */
#include "text_cm.h"

/* ---- Shapes ---------------------------------------------------------------------------------------------- */

void text_set_shape(struct text_scope *s, const struct text_shape *shape)
{
    if (s->shapes.len && s->shapes.len == s->count[SORT_TYPE])
        *vec_last(&s->shapes) = shape;
}

static const struct text_shape unknown_shape; /* of kind 0 */

/* The shape of a type that is referred to, without making an alias for it. */
static const struct text_shape *shape_of(struct text_scope *s, const struct text_ref *ref)
{
    struct text_parser *p = s->p;
    if (ref->name_count || p->failed)
        return &unknown_shape;
    u64 index = ref->value;
    if (!ref->known && ref->index.kind == TEXT_NUMBER && !text_token_u64(p, ref->index, &index))
        return &unknown_shape;
    struct text_scope *from = s;
    if (!ref->known && ref->index.kind == TEXT_ID) {
        str name = text_id_name(p, ref->index);
        for (; from; from = from->parent) {
            index = text_names_get(&from->names[SORT_TYPE], name);
            if (index != TEXT_NONE)
                break;
        }
    }
    if (!from || index >= from->shapes.len || !from->shapes.data[index])
        return &unknown_shape;
    return from->shapes.data[index];
}

/* Children and labels while a type is parsed. */
struct parts {
    VEC(str) labels;
    VEC(const struct text_shape *) children;
};

static const struct text_shape *make_shape(struct text_scope *s, enum cm_def kind,
                                           const struct parts *parts, u32 length)
{
    struct text_shape *shape = arena_new(s->p->arena, struct text_shape);
    shape->kind = (u8)kind;
    shape->labels = parts->labels.data;
    shape->children = parts->children.data;
    shape->count =
        parts->labels.len > parts->children.len ? parts->labels.len : parts->children.len;
    shape->length = length;
    return shape;
}

/* ---- Value types ------------------------------------------------------------------------------------------- */

static const struct {
    str word;
    struct text_shape shape;
} prims[] = {
#define PRIM(word, id)                          \
    {                                           \
        STR_INIT(word),                         \
        {                                       \
            .kind = DEF_PRIM, .prim = PRIM_##id \
        }                                       \
    }
    PRIM("bool", BOOL),     PRIM("s8", S8),
    PRIM("u8", U8),         PRIM("s16", S16),
    PRIM("u16", U16),       PRIM("s32", S32),
    PRIM("u32", U32),       PRIM("s64", S64),
    PRIM("u64", U64),       PRIM("f32", F32),
    PRIM("f64", F64),       PRIM("float32", F32),
    PRIM("float64", F64),   PRIM("char", CHAR),
    PRIM("string", STRING), PRIM("error-context", ERROR_CONTEXT),
#undef PRIM
};

static const struct text_shape *take_prim(struct text_parser *p)
{
    if (p->tok.kind != TEXT_KEYWORD)
        return NULL;
    for (u32 i = 0; i < LENGTH_OF(prims); i++) {
        if (text_take_word(p, prims[i].word))
            return &prims[i].shape;
    }
    return NULL;
}

static const struct {
    str word;
    enum cm_def kind;
} compounds[] = {
    {STR_INIT("record"), DEF_RECORD}, {STR_INIT("variant"), DEF_VARIANT},
    {STR_INIT("list"), DEF_LIST},     {STR_INIT("tuple"), DEF_TUPLE},
    {STR_INIT("flags"), DEF_FLAGS},   {STR_INIT("enum"), DEF_ENUM},
    {STR_INIT("option"), DEF_OPTION}, {STR_INIT("result"), DEF_RESULT},
    {STR_INIT("own"), DEF_OWN},       {STR_INIT("borrow"), DEF_BORROW},
    {STR_INIT("stream"), DEF_STREAM}, {STR_INIT("future"), DEF_FUTURE},
    {STR_INIT("map"), DEF_MAP},
};

static void child(struct text_scope *s, struct text_item *item, struct parts *parts)
{
    const struct text_shape *shape = text_cm_valtype(s, item);
    *vec_push(s->p->arena, &parts->children) = shape;
}

static void label(struct text_scope *s, struct buf *out, struct parts *parts)
{
    str name = text_name(s->p);
    wasm_write_name(out, name);
    *vec_push(s->p->arena, &parts->labels) = name;
}

static void optional_child(struct text_scope *s, struct text_item *item, struct parts *parts)
{
    struct text_parser *p = s->p;
    bool there = p->tok.kind != TEXT_RPAREN && !text_form(p, "error");
    text_byte(&item->bytes, there);
    if (there)
        child(s, item, parts);
    else
        *vec_push(p->arena, &parts->children) = NULL;
}

/* Puts the number of elements before them. */
static void splice_count(struct text_item *item, u32 at, u32 first_hole, u32 count)
{
    char room[8];
    struct buf bytes = {item->bytes.arena, room, 0, sizeof room};
    buf_uleb(&bytes, count);
    buf_fill(&item->bytes, 0, bytes.len);
    char *place = item->bytes.data + at;
    memmove(place + bytes.len, place, item->bytes.len - bytes.len - at);
    memcpy(place, bytes.data, bytes.len);
    for (u32 i = first_hole; i < item->holes.len; i++)
        item->holes.data[i].at += (u32)bytes.len;
}

static u32 fields_or_cases(struct text_scope *s, struct text_item *item, struct parts *parts,
                           enum cm_def kind)
{
    struct text_parser *p = s->p;
    u32 count = 0;
    struct text_names ids = {0}; /* cases may have names, which nothing refers to */
    for (; text_open_word(p, kind == DEF_RECORD ? STR("field") : STR("case")); count++) {
        struct text_token at;
        bool fresh = true;
        str id = kind == DEF_VARIANT ? text_id(p, &at) : (str){0};
        if (id.ptr && !p->failed)
            text_names_at(p->arena, &ids, id, &fresh);
        if (!fresh)
            text_fail(p, at, "duplicate case identifier `$" STRF "`", STRA(id));
        label(s, &item->bytes, parts);
        if (kind == DEF_RECORD) {
            child(s, item, parts);
        } else {
            optional_child(s, item, parts);
            text_byte(&item->bytes, 0);
        }
        text_close(p);
    }
    return count;
}

/* What follows `(record` and its like. */
static const struct text_shape *compound(struct text_scope *s, enum cm_def kind,
                                         struct text_item *item)
{
    struct text_parser *p = s->p;
    struct parts parts = {0};
    u32 length = 0, count = 0;
    u32 start = (u32)item->bytes.len + 1, holes = item->holes.len;
    text_byte(&item->bytes, (u8)kind);
    switch (kind) {
    case DEF_RECORD:
    case DEF_VARIANT:
        count = fields_or_cases(s, item, &parts, kind);
        splice_count(item, start, holes, count);
        break;
    case DEF_TUPLE:
        for (; p->tok.kind != TEXT_RPAREN && !p->failed; count++)
            child(s, item, &parts);
        splice_count(item, start, holes, count);
        break;
    case DEF_FLAGS:
    case DEF_ENUM:
        for (; p->tok.kind == TEXT_STRING; count++)
            label(s, &item->bytes, &parts);
        splice_count(item, start, holes, count);
        break;
    case DEF_LIST:
        child(s, item, &parts);
        if (p->tok.kind == TEXT_NUMBER) {
            length = text_u32(p, "the length of a list");
            text_uleb(&item->bytes, length);
            item->bytes.data[start - 1] = DEF_FIXED_LIST;
            kind = DEF_FIXED_LIST;
        }
        break;
    case DEF_OPTION: child(s, item, &parts); break;
    case DEF_MAP:
        child(s, item, &parts);
        child(s, item, &parts);
        break;
    case DEF_RESULT:
        optional_child(s, item, &parts);
        if (text_open(p, "error")) {
            text_byte(&item->bytes, 1);
            child(s, item, &parts);
            text_close(p);
        } else {
            text_byte(&item->bytes, 0);
            *vec_push(p->arena, &parts.children) = NULL;
        }
        break;
    case DEF_STREAM:
    case DEF_FUTURE: optional_child(s, item, &parts); break;
    default: /* own, borrow */ text_item_ref(item, text_take_ref(s, SORT_TYPE), false); break;
    }
    return make_shape(s, kind, &parts, length);
}

/* A type written in place: an item of its own. */
static u32 emit_type(struct text_scope *s, struct text_item *item, const struct text_shape *shape)
{
    text_emit(s, TEXT_ITEM_TYPE, item);
    u32 index = text_define(s, SORT_TYPE, s->p->tok, (str){0}, (str){0});
    text_set_shape(s, shape);
    return index;
}

/* Takes `(record ...)` and its like, if one is there. */
static const struct text_shape *take_compound(struct text_scope *s, struct text_item *item)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape = NULL;
    if (p->tok.kind != TEXT_LPAREN)
        return NULL;
    for (u32 i = 0; i < LENGTH_OF(compounds); i++) {
        if (!text_open_word(p, compounds[i].word))
            continue;
        if (!text_enter(p))
            return NULL;
        shape = compound(s, compounds[i].kind, item);
        text_leave(p);
        text_close(p);
        return shape;
    }
    return NULL;
}

static void unknown_valtype(struct text_parser *p)
{
    str near[LENGTH_OF(prims) + LENGTH_OF(compounds)];
    for (u32 i = 0; i < LENGTH_OF(prims); i++)
        near[i] = prims[i].word;
    for (u32 i = 0; i < LENGTH_OF(compounds); i++)
        near[LENGTH_OF(prims) + i] = compounds[i].word;
    if (p->tok.kind == TEXT_LPAREN)
        text_advance(p);
    text_unexpected_word(p, "a value type", near, LENGTH_OF(near));
}

const struct text_shape *text_cm_valtype(struct text_scope *s, struct text_item *item)
{
    struct text_parser *p = s->p;
    const struct text_shape *shape = take_prim(p);
    if (shape) {
        text_byte(&item->bytes, shape->prim);
        return shape;
    }
    if (p->tok.kind == TEXT_ID || p->tok.kind == TEXT_NUMBER || text_form(p, "type")) {
        bool plain = p->tok.kind != TEXT_LPAREN;
        struct text_ref ref = {.sort = SORT_TYPE, .index = p->tok};
        if (plain)
            text_advance(p);
        else
            ref = text_take_ref(s, SORT_TYPE);
        text_item_ref(item, ref, true);
        return shape_of(s, &ref);
    }
    struct text_item inner = text_item_new(s);
    shape = take_compound(s, &inner);
    if (!shape) {
        unknown_valtype(p);
        return NULL;
    }
    text_item_ref(item, text_known_ref(SORT_TYPE, emit_type(s, &inner, shape)), true);
    return shape;
}

/* ---- Functions, resources, components, instances ------------------------------------------------------------- */

static void function_type(struct text_scope *s, struct text_item *item)
{
    struct text_parser *p = s->p;
    text_byte(&item->bytes, text_take(p, "async") ? 0x43 : 0x40);
    u32 start = (u32)item->bytes.len, count = 0;
    for (; text_open(p, "param"); count++) {
        wasm_write_name(&item->bytes, text_name(p));
        text_cm_valtype(s, item);
        text_close(p);
    }
    splice_count(item, start, 0, count);
    if (text_open(p, "result")) {
        text_byte(&item->bytes, 0);
        text_cm_valtype(s, item);
        text_close(p);
    } else {
        buf_str(&item->bytes, STR("\x01\x00"));
    }
}

static void resource_type(struct text_scope *s, struct text_item *item)
{
    struct text_parser *p = s->p;
    text_byte(&item->bytes, 0x3f);
    text_lparen(p);
    text_expect(p, "rep");
    text_valtype(&s->types, &item->bytes);
    text_close(p);
    bool dtor = text_open(p, "dtor");
    text_byte(&item->bytes, dtor);
    if (dtor) {
        text_item_ref(item, text_take_older_ref(s, SORT_CORE_FUNC), false);
        text_close(p);
    }
}

/* `"name" attributes* (sort id? type)`, after `import`, or `export` in a type. */
static void declaration(struct text_scope *s, enum text_item_kind kind)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    const struct text_shape *shape = NULL;
    enum cm_sort sort = SORT_FUNC;
    str id, shown;
    struct text_token at;
    text_extern_name(s, &item.bytes);
    text_lparen(p);
    if (!text_take_sort(p, false, &sort)) {
        text_unexpected(p, "a sort, such as `func` or `core module`");
        return;
    }
    text_binder(p, &id, &at, &shown);
    text_externtype(s, &item, sort, &shape);
    text_close(p);
    text_emit(s, kind, &item);
    text_define(s, sort, at, id, shown);
    if (sort == SORT_TYPE)
        text_set_shape(s, shape);
}

static void declarators(struct text_scope *s)
{
    struct text_parser *p = s->p;
    while (p->tok.kind == TEXT_LPAREN && !p->failed) {
        text_advance(p);
        if (text_take(p, "core")) {
            if (!text_core_type_field(s))
                text_unexpected(p, "`type` or `rec`");
        } else if (text_take(p, "type"))
            text_type_field(s);
        else if (text_take(p, "alias"))
            text_alias_field(s);
        else if (s->kind == SCOPE_COMPONENT_TYPE && text_take(p, "import"))
            declaration(s, TEXT_ITEM_IMPORT);
        else if (text_take(p, "export"))
            declaration(s, TEXT_ITEM_EXPORT);
        else
            text_unexpected(p, s->kind == SCOPE_COMPONENT_TYPE
                                   ? "`type`, `core type`, `alias`, `import` or `export`"
                                   : "`type`, `core type`, `alias` or `export`");
        text_close(p);
    }
}

static void nested_type(struct text_scope *s, enum text_scope_kind kind, str id,
                        struct text_item *item)
{
    if (!text_enter(s->p))
        return;
    struct text_scope *inner = text_scope_new(s->p, kind, s, id);
    declarators(inner);
    text_byte(&item->bytes, kind == SCOPE_COMPONENT_TYPE ? DEF_COMPONENT : DEF_INSTANCE);
    text_put_vec(&item->bytes, inner->section_count, &inner->section);
    text_scope_end(inner);
    text_leave(s->p);
}

void text_type_body(struct text_scope *s, str id, const struct text_shape **shape)
{
    struct text_parser *p = s->p;
    struct text_item item = text_item_new(s);
    *shape = take_prim(p);
    if (*shape) {
        text_byte(&item.bytes, (*shape)->prim);
    } else if (text_open(p, "func")) {
        function_type(s, &item);
        text_close(p);
    } else if (text_open(p, "component")) {
        nested_type(s, SCOPE_COMPONENT_TYPE, id, &item);
        text_close(p);
    } else if (text_open(p, "instance")) {
        nested_type(s, SCOPE_INSTANCE_TYPE, id, &item);
        text_close(p);
    } else if (text_open(p, "resource")) {
        resource_type(s, &item);
        text_close(p);
    } else {
        *shape = take_compound(s, &item);
        if (!*shape)
            text_unexpected(p, "a type");
    }
    text_emit(s, TEXT_ITEM_TYPE, &item);
}

/* `(type x)` that is all there is, not the first declarator `(type ...)` of a type written in place. */
static bool at_type_ref(struct text_scope *s)
{
    struct text_parser *p = s->p;
    struct text_mark before = text_mark(p);
    bool found = false;
    if (p->tok.kind != TEXT_LPAREN)
        return false;
    text_advance(p);
    text_take(p, "core");
    if (text_take(p, "type") && (p->tok.kind == TEXT_ID || p->tok.kind == TEXT_NUMBER)) {
        text_advance(p);
        while (p->tok.kind == TEXT_STRING)
            text_advance(p);
        found = p->tok.kind == TEXT_RPAREN && text_peek(p).kind == TEXT_RPAREN;
    }
    text_rewind(p, before);
    return found;
}

struct text_ref text_cm_typeuse(struct text_scope *s, enum cm_sort sort)
{
    struct text_parser *p = s->p;
    if (sort == SORT_CORE_MODULE) {
        if (at_type_ref(s))
            return text_take_core_ref(s, SORT_CORE_TYPE);
        return text_known_ref(SORT_CORE_TYPE, text_module_type(s, (str){0}));
    }
    if (sort == SORT_FUNC ? text_form(p, "type") : at_type_ref(s))
        return text_take_ref(s, SORT_TYPE);
    struct text_item item = text_item_new(s);
    if (sort == SORT_FUNC)
        function_type(s, &item);
    else
        nested_type(s, sort == SORT_COMPONENT ? SCOPE_COMPONENT_TYPE : SCOPE_INSTANCE_TYPE,
                    (str){0}, &item);
    return text_known_ref(SORT_TYPE, emit_type(s, &item, NULL));
}

void text_externtype(struct text_scope *s, struct text_item *item, enum cm_sort sort,
                     const struct text_shape **shape)
{
    struct text_parser *p = s->p;
    switch (sort) {
    case SORT_CORE_MODULE:
        buf_str(&item->bytes, STR("\x00\x11"));
        text_item_ref(item, text_cm_typeuse(s, sort), false);
        break;
    case SORT_FUNC:
    case SORT_COMPONENT:
    case SORT_INSTANCE:
        cm_write_sort(&item->bytes, sort);
        text_item_ref(item, text_cm_typeuse(s, sort), false);
        break;
    case SORT_TYPE:
        cm_write_sort(&item->bytes, sort);
        if (text_open(p, "sub")) {
            text_expect(p, "resource");
            text_byte(&item->bytes, 1);
        } else {
            text_lparen(p);
            text_expect(p, "eq");
            text_byte(&item->bytes, 0);
            struct text_ref ref = text_take_ref(s, SORT_TYPE);
            *shape = shape_of(s, &ref);
            text_item_ref(item, ref, false);
        }
        text_close(p);
        break;
    case SORT_VALUE:
        cm_write_sort(&item->bytes, sort);
        if (text_open(p, "eq")) {
            text_byte(&item->bytes, 0);
            text_item_ref(item, text_take_ref(s, SORT_VALUE), false);
            text_close(p);
        } else {
            text_byte(&item->bytes, 1);
            text_cm_valtype(s, item);
        }
        break;
    default:
        text_fail(p, p->tok, "a %s can be neither imported nor exported", cm_sort_info[sort].name);
        break;
    }
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */

void text_import_field(struct text_scope *s)
{
    declaration(s, TEXT_ITEM_IMPORT);
}

void text_extern_name(struct text_scope *s, struct buf *out)
{
    static const struct {
        str word;
        u8 code;
    } kinds[] = {
        {STR_INIT("implements"), ATTRIBUTE_IMPLEMENTS},
        {STR_INIT("version-suffix"), ATTRIBUTE_VERSION_SUFFIX},
        {STR_INIT("versionsuffix"), ATTRIBUTE_VERSION_SUFFIX}, /* as Explainer.md has it */
        {STR_INIT("external-id"), ATTRIBUTE_EXTERNAL_ID},
    };
    struct text_parser *p = s->p;
    bool older = text_open(p, "interface"); /* (interface "a:b/c") */
    str name = text_name(p);
    struct buf values = buf_in(p->arena); /* in the order of the text */
    u32 count = 0, seen = 0;
    if (older)
        text_close(p);
    for (u32 i = 0; i < LENGTH_OF(kinds);) {
        if (!text_at_form(p, kinds[i].word)) {
            i++;
            continue;
        }
        struct text_token at = text_peek(p);
        text_advance(p);
        text_advance(p);
        if (seen >> kinds[i].code & 1)
            text_fail(p, at, "duplicate attribute `" STRF "`", STRA(kinds[i].word));
        seen |= 1u << kinds[i].code;
        text_byte(&values, kinds[i].code);
        wasm_write_name(&values, text_name(p));
        text_close(p);
        count++;
        i = 0;
    }
    text_byte(out, count ? 2 : 0);
    wasm_write_name(out, name);
    if (count)
        text_uleb(out, count);
    buf_str(out, buf_view(&values));
}
