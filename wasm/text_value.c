/* text_value.c - values in text, encoded by their type (Binary.md, "Value Definitions"). */
#include "text_cm.h"

static bool take_bool(struct text_parser *p, bool *out)
{
    *out = text_at(p, "true");
    return text_take(p, "true") || text_take(p, "false");
}

static void character(struct text_parser *p, struct buf *out)
{
    if (p->tok.kind != TEXT_CHAR)
        text_unexpected(p, "a character such as 'x'");
    else
        text_string_to(p, out);
}

static u64 ranged(struct text_parser *p, unsigned bits, bool is_signed)
{
    struct text_token at = p->tok;
    bool negative = at.kind == TEXT_NUMBER && p->text[at.start] == '-';
    u64 value = text_integer(p, bits);
    bool high = value >> (bits - 1) & 1;
    if (!p->failed && (is_signed ? high && !negative : negative && value))
        text_fail(p, at, "%c%u constant out of range", is_signed ? 's' : 'u', bits);
    if (is_signed && bits < 64 && high)
        value |= ~(u64)0 << bits;
    return value;
}

static void little_endian(struct buf *out, u64 value, u32 bytes)
{
    for (; bytes; bytes--, value >>= 8)
        text_byte(out, (u8)value);
}

static void floating(struct text_parser *p, bool wide, struct buf *out)
{
    struct text_token at = p->tok;
    str s = text_of(p, at);
    if (str_find(s, STR("nan:"), 0) != SIZE_MAX || str_eq(s, STR("-nan"))) {
        text_fail(p, at, "components know one NaN only: write `nan`");
        return;
    }
    if (wide)
        little_endian(out, text_f64(p), 8);
    else
        little_endian(out, text_f32(p), 4);
}

static void primitive(struct text_parser *p, enum cm_prim prim, struct buf *out)
{
    bool truth;
    switch (prim) {
    case PRIM_BOOL:
        if (!take_bool(p, &truth))
            text_unexpected(p, "`true` or `false`");
        text_byte(out, truth);
        break;
    case PRIM_S8: text_byte(out, (u8)ranged(p, 8, true)); break;
    case PRIM_U8: text_byte(out, (u8)ranged(p, 8, false)); break;
    case PRIM_S16: buf_sleb(out, (i64)ranged(p, 16, true)); break;
    case PRIM_S32: buf_sleb(out, (i64)ranged(p, 32, true)); break;
    case PRIM_S64: buf_sleb(out, (i64)ranged(p, 64, true)); break;
    case PRIM_U16: buf_uleb(out, ranged(p, 16, false)); break;
    case PRIM_U32: buf_uleb(out, ranged(p, 32, false)); break;
    case PRIM_U64: buf_uleb(out, ranged(p, 64, false)); break;
    case PRIM_F32: floating(p, false, out); break;
    case PRIM_F64: floating(p, true, out); break;
    case PRIM_CHAR: character(p, out); break;
    case PRIM_STRING: wasm_write_name(out, text_name(p)); break;
    case PRIM_ERROR_CONTEXT:
        text_fail(p, p->tok, "there are no values of this type in text");
        break;
    }
}

static u32 take_label(struct text_parser *p, const struct text_shape *shape)
{
    struct text_token at = p->tok;
    str name = text_name(p);
    for (u32 i = 0; i < shape->count && !p->failed; i++) {
        if (str_eq(shape->labels[i], name))
            return i;
    }
    if (!p->failed) {
        struct diag *x = text_fail(p, at, "the type has no `" STRF "`", STRA(name));
        diag_suggest(p->d, x, name, shape->labels, shape->count);
    }
    return 0;
}

static void flags(struct text_parser *p, const struct text_shape *shape, struct buf *out)
{
    u32 bytes = (shape->count + 7) / 8;
    u8 *set = arena_alloc(p->arena, bytes);
    while (p->tok.kind == TEXT_STRING && !p->failed) {
        u32 i = take_label(p, shape);
        set[i / 8] |= (u8)(1u << (i % 8));
    }
    buf_put(out, set, bytes);
}

/* `word value?` of option and result, in parentheses if there is a value. */
static bool alternative(struct text_parser *p, str word, const struct text_shape *payload,
                        bool has_payload, u8 code, struct buf *out)
{
    if (!has_payload) {
        if (!text_take_word(p, word))
            return false;
        text_byte(out, code);
        return true;
    }
    if (!text_open_word(p, word))
        return false;
    text_byte(out, code);
    text_value(p, payload, out);
    text_close(p);
    return true;
}

static void sequence(struct text_parser *p, const struct text_shape *shape, struct buf *out)
{
    struct buf items = buf_in(p->arena);
    u32 count = 0;
    bool map = shape->kind == DEF_MAP;
    for (; p->tok.kind != TEXT_RPAREN && !p->failed; count++) {
        if (map) {
            text_lparen(p);
            text_expect(p, "entry");
        }
        text_value(p, shape->children[0], &items);
        if (map) {
            text_value(p, shape->children[1], &items);
            text_close(p);
        }
    }
    if (shape->kind != DEF_FIXED_LIST)
        text_uleb(out, count);
    else if (count != shape->length && !p->failed)
        text_fail(p, p->tok, "the list has %u elements, its type says %u", count, shape->length);
    buf_str(out, buf_view(&items));
}

static void value_of(struct text_parser *p, const struct text_shape *shape, struct buf *out)
{
    switch ((enum cm_def)shape->kind) {
    case DEF_PRIM: primitive(p, (enum cm_prim)shape->prim, out); return;
    case DEF_OPTION:
        if (!alternative(p, STR("none"), NULL, false, 0, out) &&
            !alternative(p, STR("some"), shape->children[0], true, 1, out))
            text_unexpected(p, "`none` or `(some`");
        return;
    case DEF_RESULT: {
        /* a side without a type has no child; one whose type is not known has an unknown shape */
        const struct text_shape *ok = shape->children[0], *error = shape->children[1];
        if (!alternative(p, STR("ok"), ok, ok != NULL, 0, out) &&
            !alternative(p, STR("error"), error, error != NULL, 1, out))
            text_unexpected(p, "a result: `ok`, `(ok`, `error` or `(error`, as its type says");
        return;
    }
    default: break;
    }
    text_lparen(p);
    switch ((enum cm_def)shape->kind) {
    case DEF_RECORD:
    case DEF_TUPLE:
        text_expect_word(p, shape->kind == DEF_RECORD ? STR("record") : STR("tuple"));
        for (u32 i = 0; i < shape->count && !p->failed; i++)
            text_value(p, shape->children[i], out);
        break;
    case DEF_VARIANT: {
        text_expect(p, "variant");
        u32 i = take_label(p, shape);
        text_uleb(out, i);
        if (!p->failed && shape->children[i])
            text_value(p, shape->children[i], out);
        break;
    }
    case DEF_LIST:
    case DEF_FIXED_LIST:
        text_expect(p, "list");
        sequence(p, shape, out);
        break;
    case DEF_MAP:
        text_expect(p, "map");
        sequence(p, shape, out);
        break;
    case DEF_FLAGS:
        text_expect(p, "flags");
        flags(p, shape, out);
        break;
    case DEF_ENUM:
        text_expect(p, "enum");
        text_uleb(out, take_label(p, shape));
        break;
    default: text_fail(p, p->tok, "there are no values of this type in text"); break;
    }
    text_close(p);
}

void text_value(struct text_parser *p, const struct text_shape *shape, struct buf *out)
{
    if (!text_enter(p))
        return;
    if (text_open(p, "binary")) {
        while (p->tok.kind == TEXT_STRING)
            text_string_to(p, out);
        text_close(p);
    } else if (!shape || !shape->kind) {
        struct diag *x = text_fail(p, p->tok, "the type of this value is not known here");
        diag_help(p->d, x, "write its bytes: `(binary \"...\")`");
    } else {
        value_of(p, shape, out);
    }
    text_leave(p);
}
