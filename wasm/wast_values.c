/* wast_values.c - arguments and results in scripts. */
#include "wast_internal.h"

/* ---- Floats ------------------------------------------------------------------------------------------ */

/* `nan:canonical` and `nan:arithmetic`, in results. */
static bool nan_pattern(struct text_parser *p, u8 *nan)
{
    if (text_take(p, "nan:canonical"))
        *nan = WAST_NAN_CANONICAL;
    else if (text_take(p, "nan:arithmetic"))
        *nan = WAST_NAN_ARITHMETIC;
    else
        return false;
    return true;
}

static void floating(struct text_parser *p, unsigned bits, struct wast_value *v)
{
    if (nan_pattern(p, &v->nan[0]))
        return;
    v->bits[0] = bits == 32 ? text_f32(p) : text_f64(p);
}

static void vector(struct text_parser *p, struct wast_value *v)
{
    static const struct {
        str shape;
        u8 bits;
        bool is_float;
    } shapes[] = {
        {STR_INIT("i8x16"), 8, false},  {STR_INIT("i16x8"), 16, false},
        {STR_INIT("i32x4"), 32, false}, {STR_INIT("i64x2"), 64, false},
        {STR_INIT("f32x4"), 32, true},  {STR_INIT("f64x2"), 64, true},
    };
    u32 i = 0;
    while (i < LENGTH_OF(shapes) && !text_take_word(p, shapes[i].shape))
        i++;
    if (i == LENGTH_OF(shapes)) {
        text_unexpected(p, "the shape of a vector: i8x16, i16x8, i32x4, i64x2, f32x4 or f64x2");
        return;
    }
    unsigned bits = shapes[i].bits;
    v->lane_bits = (u8)bits;
    v->lanes_float = shapes[i].is_float;
    for (u32 lane = 0; lane < 128 / bits; lane++) {
        u64 value = 0;
        if (!v->lanes_float)
            value = text_integer(p, bits);
        else if (!nan_pattern(p, &v->nan[lane]))
            value = bits == 32 ? text_f32(p) : text_f64(p);
        u32 at = lane * bits;
        v->bits[at / 64] |= value << (at % 64);
    }
}

/* ---- References ------------------------------------------------------------------------------------------- */

static u32 no_type_index(void *self)
{
    struct text_parser *p = self;
    if (p->tok.kind == TEXT_NUMBER)
        return text_u32(p, "a type");
    text_unexpected(p, "a heap type");
    return 0;
}

static void null_reference(struct text_parser *p, struct wast_value *v)
{
    if (p->tok.kind == TEXT_RPAREN)
        return;
    char room[16];
    struct buf heap = {p->arena, room, 0, sizeof room};
    struct text_types types = {p, no_type_index, p};
    text_heaptype(&types, &heap);
    if (p->failed)
        return;
    struct wasm_cursor c = wasm_cursor_of(0, buf_view(&heap), 0);
    v->has_payload = true;
    v->heap = wasm_get_heaptype(&c, true);
}

static void host_reference(struct text_parser *p, struct wast_value *v)
{
    v->has_payload = p->tok.kind == TEXT_NUMBER;
    if (v->has_payload)
        v->bits[0] = text_u32(p, "a host reference");
}

static const struct {
    str word;
    enum wast_value_kind kind;
} words[] = {
    {STR_INIT("i32.const"), WAST_I32},         {STR_INIT("i64.const"), WAST_I64},
    {STR_INIT("f32.const"), WAST_F32},         {STR_INIT("f64.const"), WAST_F64},
    {STR_INIT("v128.const"), WAST_V128},       {STR_INIT("ref.null"), WAST_REF_NULL},
    {STR_INIT("ref.func"), WAST_REF_FUNC},     {STR_INIT("ref.extern"), WAST_REF_EXTERN},
    {STR_INIT("ref.host"), WAST_REF_HOST},     {STR_INIT("ref.any"), WAST_REF_ANY},
    {STR_INIT("ref.eq"), WAST_REF_EQ},         {STR_INIT("ref.i31"), WAST_REF_I31},
    {STR_INIT("ref.struct"), WAST_REF_STRUCT}, {STR_INIT("ref.array"), WAST_REF_ARRAY},
    {STR_INIT("ref.exn"), WAST_REF_EXN},       {STR_INIT("bool.const"), WAST_CM_BOOL},
    {STR_INIT("s8.const"), WAST_CM_S8},        {STR_INIT("u8.const"), WAST_CM_U8},
    {STR_INIT("s16.const"), WAST_CM_S16},      {STR_INIT("u16.const"), WAST_CM_U16},
    {STR_INIT("s32.const"), WAST_CM_S32},      {STR_INIT("u32.const"), WAST_CM_U32},
    {STR_INIT("s64.const"), WAST_CM_S64},      {STR_INIT("u64.const"), WAST_CM_U64},
    {STR_INIT("char.const"), WAST_CM_CHAR},    {STR_INIT("str.const"), WAST_CM_STRING},
    {STR_INIT("list.const"), WAST_CM_LIST},    {STR_INIT("record.const"), WAST_CM_RECORD},
    {STR_INIT("tuple.const"), WAST_CM_TUPLE},  {STR_INIT("variant.const"), WAST_CM_VARIANT},
    {STR_INIT("enum.const"), WAST_CM_ENUM},    {STR_INIT("option.none"), WAST_CM_OPTION},
    {STR_INIT("option.some"), WAST_CM_OPTION}, {STR_INIT("result.ok"), WAST_CM_RESULT},
    {STR_INIT("result.err"), WAST_CM_RESULT},  {STR_INIT("flags.const"), WAST_CM_FLAGS},
    {STR_INIT("map.const"), WAST_CM_MAP},      {STR_INIT("either"), WAST_EITHER},
};

/* ---- Component values ---------------------------------------------------------------------------------------- */

static void value(struct text_parser *p, struct wast_value *v);

/* `(kind ...)` */
static void nested(struct text_parser *p, struct wast_value *v)
{
    text_lparen(p);
    value(p, v);
    text_close(p);
}

/* Within `(field "x" ...)` the parentheses may be left out. */
static void maybe_nested(struct text_parser *p, struct wast_value *v)
{
    if (p->tok.kind == TEXT_LPAREN)
        nested(p, v);
    else
        value(p, v);
}

static void payload(struct text_parser *p, struct wast_value *v)
{
    v->has_payload = p->tok.kind != TEXT_RPAREN;
    if (!v->has_payload)
        return;
    v->items = arena_new(p->arena, struct wast_value);
    v->count = 1;
    maybe_nested(p, v->items);
}

struct values {
    VEC(struct wast_value) list;
};

static void sequence(struct text_parser *p, struct wast_value *v)
{
    struct values items = {0};
    while (p->tok.kind == TEXT_LPAREN && !p->failed) {
        struct wast_value item = {0};
        nested(p, &item);
        *vec_push(p->arena, &items.list) = item;
    }
    v->items = items.list.data;
    v->count = items.list.len;
}

static void record(struct text_parser *p, struct wast_value *v)
{
    struct values items = {0};
    VEC(str) names = {0};
    while (text_open(p, "field")) {
        struct wast_value item = {0};
        *vec_push(p->arena, &names) = text_name(p);
        maybe_nested(p, &item);
        text_close(p);
        *vec_push(p->arena, &items.list) = item;
    }
    v->items = items.list.data;
    v->names = names.data;
    v->count = items.list.len;
}

static void map(struct text_parser *p, struct wast_value *v)
{
    struct values items = {0};
    while (text_open(p, "entry")) {
        for (u32 i = 0; i < 2; i++) {
            struct wast_value item = {0};
            nested(p, &item);
            *vec_push(p->arena, &items.list) = item;
        }
        text_close(p);
    }
    v->items = items.list.data;
    v->count = items.list.len;
}

static void flags(struct text_parser *p, struct wast_value *v)
{
    VEC(str) names = {0};
    while (p->tok.kind == TEXT_STRING)
        *vec_push(p->arena, &names) = text_name(p);
    v->names = names.data;
    v->count = names.len;
}

static void integer(struct text_parser *p, unsigned bits, bool is_signed, struct wast_value *v)
{
    struct text_token at = p->tok;
    bool negative = at.kind == TEXT_NUMBER && p->text[at.start] == '-';
    u64 bits_of = text_integer(p, bits);
    bool high = bits_of >> (bits - 1) & 1;
    if (!p->failed && (is_signed ? high && !negative : negative && bits_of))
        text_fail(p, at, "%c%u constant out of range", is_signed ? 's' : 'u', bits);
    if (is_signed && bits < 64 && high)
        bits_of |= ~(u64)0 << bits;
    v->bits[0] = bits_of;
}

static void character(struct text_parser *p, struct wast_value *v)
{
    struct text_token at = p->tok;
    str s = text_name(p);
    size_t end = 0;
    if (s.len)
        v->bits[0] = utf8_next(s, &end);
    if (!p->failed && (s.len == 0 || end != s.len))
        text_fail(p, at, "a char is one character");
}

/* The word says what it is; the rest up to `)`. */
static void value(struct text_parser *p, struct wast_value *v)
{
    v->at = text_span(p, p->tok);
    if (!text_enter(p))
        return;
    /* floats of both layers are f32.const: the type of the function tells */
    u32 i = 0;
    while (i < LENGTH_OF(words) && !text_is_word(p, p->tok, words[i].word))
        i++;
    if (i == LENGTH_OF(words)) {
        text_unexpected(p, "a value, such as `i32.const` or `str.const`");
        return;
    }
    str word = words[i].word;
    text_advance(p);
    v->kind = words[i].kind;
    switch (v->kind) {
    case WAST_I32: v->bits[0] = text_integer(p, 32); break;
    case WAST_I64: v->bits[0] = text_integer(p, 64); break;
    case WAST_F32:
    case WAST_CM_F32: floating(p, 32, v); break;
    case WAST_F64:
    case WAST_CM_F64: floating(p, 64, v); break;
    case WAST_V128: vector(p, v); break;
    case WAST_REF_NULL: null_reference(p, v); break;
    case WAST_REF_EXTERN:
    case WAST_REF_HOST: host_reference(p, v); break;
    case WAST_REF_FUNC:
        if (p->tok.kind == TEXT_NUMBER || p->tok.kind == TEXT_ID)
            text_advance(p); /* which one cannot be told from outside */
        break;
    case WAST_REF_ANY:
    case WAST_REF_EQ:
    case WAST_REF_I31:
    case WAST_REF_STRUCT:
    case WAST_REF_ARRAY:
    case WAST_REF_EXN: break;
    case WAST_CM_BOOL:
        v->bits[0] = text_at(p, "true");
        if (!text_take(p, "true") && !text_take(p, "false"))
            text_unexpected(p, "`true` or `false`");
        break;
    case WAST_CM_S8: integer(p, 8, true, v); break;
    case WAST_CM_U8: integer(p, 8, false, v); break;
    case WAST_CM_S16: integer(p, 16, true, v); break;
    case WAST_CM_U16: integer(p, 16, false, v); break;
    case WAST_CM_S32: integer(p, 32, true, v); break;
    case WAST_CM_U32: integer(p, 32, false, v); break;
    case WAST_CM_S64: integer(p, 64, true, v); break;
    case WAST_CM_U64: integer(p, 64, false, v); break;
    case WAST_CM_CHAR: character(p, v); break;
    case WAST_CM_STRING: v->text = text_name(p); break;
    case WAST_CM_RECORD: record(p, v); break;
    case WAST_CM_MAP: map(p, v); break;
    case WAST_CM_VARIANT:
        v->text = text_name(p);
        payload(p, v);
        break;
    case WAST_CM_ENUM: v->text = text_name(p); break;
    case WAST_CM_OPTION:
        if (str_ends(word, STR("some")))
            payload(p, v);
        break;
    case WAST_CM_RESULT:
        v->is_error = str_ends(word, STR("err"));
        payload(p, v);
        break;
    case WAST_CM_FLAGS: flags(p, v); break;
    case WAST_CM_LIST:
    case WAST_CM_TUPLE:
    case WAST_EITHER: sequence(p, v); break;
    }
    text_leave(p);
}

void wast_values(struct text_parser *p, struct wast_value **values, u32 *count)
{
    struct wast_value list = {0};
    sequence(p, &list);
    *values = list.items;
    *count = list.count;
}
