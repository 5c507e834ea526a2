/* text_types.c - core types in text: value types, signatures, limits, type definitions. */
#include "text.h"

/* ---- Reference and value types ---------------------------------------------------------------------- */

struct heap_word {
    str word;      /* in `(ref null word)` */
    str shorthand; /* `wordref` for the nullable reference */
    u8 code;
};
static const struct heap_word heap_words[] = {
    {STR_INIT("func"), STR_INIT("funcref"), HEAP_FUNC},
    {STR_INIT("extern"), STR_INIT("externref"), HEAP_EXTERN},
    {STR_INIT("any"), STR_INIT("anyref"), HEAP_ANY},
    {STR_INIT("eq"), STR_INIT("eqref"), HEAP_EQ},
    {STR_INIT("i31"), STR_INIT("i31ref"), HEAP_I31},
    {STR_INIT("struct"), STR_INIT("structref"), HEAP_STRUCT},
    {STR_INIT("array"), STR_INIT("arrayref"), HEAP_ARRAY},
    {STR_INIT("none"), STR_INIT("nullref"), HEAP_NONE},
    {STR_INIT("nofunc"), STR_INIT("nullfuncref"), HEAP_NOFUNC},
    {STR_INIT("noextern"), STR_INIT("nullexternref"), HEAP_NOEXTERN},
    {STR_INIT("exn"), STR_INIT("exnref"), HEAP_EXN},
    {STR_INIT("noexn"), STR_INIT("nullexnref"), HEAP_NOEXN},
    {STR_INIT("cont"), STR_INIT("contref"), HEAP_CONT},
    {STR_INIT("nocont"), STR_INIT("nullcontref"), HEAP_NOCONT},
};

static u8 heap_code(const struct text_parser *p, struct text_token t)
{
    if (t.kind != TEXT_KEYWORD)
        return 0;
    str word = text_of(p, t);
    for (u32 i = 0; i < LENGTH_OF(heap_words); i++) {
        if (str_eq(heap_words[i].word, word))
            return heap_words[i].code;
    }
    return 0;
}

static u8 shorthand_code(const struct text_parser *p, struct text_token t)
{
    if (t.kind != TEXT_KEYWORD)
        return 0;
    str word = text_of(p, t);
    if (!str_ends(word, STR("ref")))
        return 0;
    for (u32 i = 0; i < LENGTH_OF(heap_words); i++) {
        if (str_eq(heap_words[i].shorthand, word))
            return heap_words[i].code;
    }
    return 0;
}

static u8 number_code(const struct text_parser *p, struct text_token t)
{
    if (t.kind != TEXT_KEYWORD || t.end - t.start < 3)
        return 0;
    const char *s = p->text + t.start;
    if (t.end - t.start == 3) {
        if (memcmp(s, "i32", 3) == 0)
            return WASM_I32;
        if (memcmp(s, "i64", 3) == 0)
            return WASM_I64;
        if (memcmp(s, "f32", 3) == 0)
            return WASM_F32;
        if (memcmp(s, "f64", 3) == 0)
            return WASM_F64;
    }
    return text_is_word(p, t, STR("v128")) ? WASM_V128 : 0;
}

void text_heaptype(struct text_types *t, struct buf *out)
{
    struct text_parser *p = t->p;
    u8 code = heap_code(p, p->tok);
    if (code) {
        text_advance(p);
        text_byte(out, code);
    } else if (p->tok.kind == TEXT_NUMBER || p->tok.kind == TEXT_ID) {
        buf_sleb(out, t->type_index(t->self));
    } else if (text_open(p, "exact")) {
        text_byte(out, 0x62);
        text_uleb(out, t->type_index(t->self));
        text_close(p);
    } else if (text_open(p, "shared")) {
        text_byte(out, 0x65);
        code = heap_code(p, p->tok);
        if (!code)
            text_unexpected(p, "an abstract heap type");
        text_advance(p);
        text_byte(out, code);
        text_close(p);
    } else {
        text_unexpected(p, "a heap type");
    }
}

bool text_at_reftype(struct text_parser *p)
{
    return text_form(p, "ref") || shorthand_code(p, p->tok);
}

bool text_at_valtype(struct text_parser *p)
{
    return number_code(p, p->tok) || text_at_reftype(p);
}

void text_reftype_parts(struct text_types *t, bool *nullable, struct buf *heap)
{
    struct text_parser *p = t->p;
    u8 code = shorthand_code(p, p->tok);
    *nullable = true;
    if (code) {
        text_advance(p);
        text_byte(heap, code);
    } else if (text_open(p, "ref")) {
        *nullable = text_take(p, "null");
        text_heaptype(t, heap);
        text_close(p);
    } else {
        text_unexpected(p, "a reference type");
    }
}

void text_valtype(struct text_types *t, struct buf *out)
{
    struct text_parser *p = t->p;
    u8 code = number_code(p, p->tok);
    if (code) {
        text_advance(p);
        text_byte(out, code);
        return;
    }
    if (!text_at_reftype(p)) {
        text_unexpected(p, "a value type");
        return;
    }
    char room[16];
    struct buf heap = {p->arena, room, 0, sizeof room};
    bool nullable;
    text_reftype_parts(t, &nullable, &heap);
    if (p->failed)
        return;
    bool shared = heap.len == 2 && (u8)heap.data[0] == 0x65;
    bool is_abstract = shared || (heap.len == 1 && (u8)heap.data[0] >= HEAP_CONT &&
                                  (u8)heap.data[0] <= HEAP_NOCONT);
    if (!nullable || !is_abstract)
        text_byte(out, nullable ? 0x63 : 0x64);
    buf_str(out, buf_view(&heap));
}

/* ---- Signatures ------------------------------------------------------------------------------------------ */

void text_signature(struct text_types *t, struct text_signature *s, text_param_fn *bind, void *self)
{
    struct text_parser *p = t->p;
    s->params.len = s->results.len = 0;
    s->param_count = s->result_count = 0;
    s->any = false;
    while (text_open(p, "param")) {
        s->any = true;
        if (bind && text_at_binder(p)) {
            str id, shown;
            struct text_token at;
            text_binder(p, &id, &at, &shown);
            bind(self, s->param_count, at, id, shown);
            text_valtype(t, &s->params);
            s->param_count++;
        } else {
            while (p->tok.kind != TEXT_RPAREN && !p->failed) {
                text_valtype(t, &s->params);
                s->param_count++;
            }
        }
        text_close(p);
    }
    while (text_open(p, "result")) {
        s->any = true;
        while (p->tok.kind != TEXT_RPAREN && !p->failed) {
            text_valtype(t, &s->results);
            s->result_count++;
        }
        text_close(p);
    }
}

void text_put_signature(struct buf *out, const struct text_signature *s)
{
    text_uleb(out, s->param_count);
    buf_str(out, buf_view(&s->params));
    text_uleb(out, s->result_count);
    buf_str(out, buf_view(&s->results));
}

/* ---- Limits, tables, globals --------------------------------------------------------------------------------- */

void text_address_type(struct text_parser *p, struct text_limits *l)
{
    if (text_take(p, "i64"))
        l->is_64 = true;
    else
        text_take(p, "i32");
}

void text_limits(struct text_parser *p, struct text_limits *l)
{
    l->min = text_unsigned(p, 64, "a size");
    if (p->tok.kind == TEXT_NUMBER) {
        l->max = text_unsigned(p, 64, "a size");
        l->has_max = true;
    }
}

void text_page_size(struct text_parser *p, struct text_limits *l)
{
    if (!text_open(p, "pagesize"))
        return;
    struct text_token at = p->tok;
    u32 size = text_u32(p, "a page size");
    if (!p->failed && (size == 0 || size & (size - 1)))
        text_fail(p, at, "invalid custom page size: it must be a power of two");
    l->has_page_size = true;
    while (size > 1) {
        size >>= 1;
        l->page_size_log2++;
    }
    text_close(p);
}

void text_memory_rest(struct text_parser *p, struct text_limits *l)
{
    l->shared = text_take(p, "shared");
    text_page_size(p, l);
}

void text_put_limits(struct buf *out, const struct text_limits *l)
{
    text_byte(out, (u8)(l->has_max | l->shared << 1 | l->is_64 << 2 | l->has_page_size << 3));
    text_uleb(out, l->min);
    if (l->has_max)
        text_uleb(out, l->max);
    if (l->has_page_size)
        text_uleb(out, l->page_size_log2);
}

void text_tabletype(struct text_types *t, struct buf *out)
{
    struct text_parser *p = t->p;
    struct text_limits limits = {0};
    bool shared = text_take(p, "shared"); /* before or after the limits */
    text_address_type(p, &limits);
    text_limits(p, &limits);
    limits.shared = text_take(p, "shared") || shared;
    if (!text_at_reftype(p))
        text_unexpected(p, "a reference type");
    text_valtype(t, out);
    text_put_limits(out, &limits);
}

void text_globaltype(struct text_types *t, struct buf *out)
{
    struct text_parser *p = t->p;
    u8 flags = 0;
    bool open = true;
    if (text_open(p, "shared"))
        flags = text_take(p, "mut") ? 3 : 2;
    else if (text_open(p, "mut"))
        flags = 1;
    else
        open = false;
    text_valtype(t, out);
    if (open)
        text_close(p);
    text_byte(out, flags);
}

/* ---- Type definitions --------------------------------------------------------------------------------------------- */

static void field_type(struct text_types *t, struct buf *out)
{
    struct text_parser *p = t->p;
    bool is_mutable = text_open(p, "mut");
    if (text_take(p, "i8"))
        text_byte(out, WASM_I8);
    else if (text_take(p, "i16"))
        text_byte(out, WASM_I16);
    else
        text_valtype(t, out);
    if (is_mutable)
        text_close(p);
    text_byte(out, is_mutable);
}

static void struct_fields(struct text_type_sink *s, struct buf *out)
{
    struct text_parser *p = s->types.p;
    struct buf fields = buf_in(p->arena);
    u32 count = 0;
    while (text_open(p, "field")) {
        if (p->tok.kind == TEXT_ID) {
            str id, shown;
            struct text_token at;
            text_binder(p, &id, &at, &shown);
            if (s->field)
                s->field(s->self, count, at, id, shown);
            field_type(&s->types, &fields);
            count++;
        } else {
            for (; p->tok.kind != TEXT_RPAREN && !p->failed; count++)
                field_type(&s->types, &fields);
        }
        text_close(p);
    }
    text_put_vec(out, count, &fields);
}

bool text_at_comptype(struct text_parser *p)
{
    return text_form(p, "func") || text_form(p, "struct") || text_form(p, "array") ||
           text_form(p, "cont") || text_form(p, "sub") || text_form(p, "shared") ||
           text_form(p, "describes") || text_form(p, "descriptor");
}

static void composite(struct text_type_sink *s, struct buf *out, struct text_type_info *info)
{
    struct text_parser *p = s->types.p;
    if (text_open(p, "func")) {
        struct text_signature signature = {buf_in(p->arena), buf_in(p->arena), 0, 0, false};
        text_signature(&s->types, &signature, s->param, s->self);
        info->kind = COMPTYPE_FUNC;
        info->param_count = signature.param_count;
        struct buf bytes = buf_in(p->arena);
        text_put_signature(&bytes, &signature);
        info->signature = buf_view(&bytes);
        text_byte(out, 0x60);
        buf_str(out, info->signature);
    } else if (text_open(p, "struct")) {
        info->kind = COMPTYPE_STRUCT;
        text_byte(out, 0x5f);
        struct_fields(s, out);
    } else if (text_open(p, "array")) {
        info->kind = COMPTYPE_ARRAY;
        text_byte(out, 0x5e);
        field_type(&s->types, out);
    } else if (text_open(p, "cont")) {
        info->kind = COMPTYPE_CONT;
        text_byte(out, 0x5d);
        text_uleb(out, s->types.type_index(s->types.self));
    } else {
        text_unexpected(p, "a type: `(func`, `(struct`, `(array`, `(cont` or `(sub`");
        return;
    }
    text_close(p);
}

/* What may stand before a composite type. */
static void described(struct text_type_sink *s, struct buf *out, struct text_type_info *info)
{
    struct text_parser *p = s->types.p;
    if (text_open(p, "describes")) {
        info->plain = false;
        text_byte(out, 0x4c);
        text_uleb(out, s->types.type_index(s->types.self));
        text_close(p);
    }
    if (text_open(p, "descriptor")) {
        info->plain = false;
        text_byte(out, 0x4d);
        text_uleb(out, s->types.type_index(s->types.self));
        text_close(p);
    }
    if (text_open(p, "shared")) {
        info->plain = false;
        text_byte(out, 0x65);
        composite(s, out, info);
        text_close(p);
    } else {
        composite(s, out, info);
    }
}

void text_subtype(struct text_type_sink *s, struct buf *out, bool alone)
{
    struct text_parser *p = s->types.p;
    struct text_type_info info = {.plain = alone};
    if (text_open(p, "sub")) {
        bool is_final = text_take(p, "final");
        struct buf supers = buf_in(p->arena);
        u32 count = 0;
        for (; p->tok.kind == TEXT_ID || p->tok.kind == TEXT_NUMBER; count++)
            text_uleb(&supers, s->types.type_index(s->types.self));
        if (!is_final || count) {
            info.plain = false;
            text_byte(out, is_final ? 0x4f : 0x50);
            text_put_vec(out, count, &supers);
        }
        described(s, out, &info);
        text_close(p);
    } else {
        described(s, out, &info);
    }
    if (!p->failed)
        s->type(s->self, &info);
}
