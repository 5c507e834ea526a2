/* print.c - values as WAVE text. */
#include "wave_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* `digits` are those of %.Ne: sign d[.ddd]e[+-]xx. Writes them without an exponent. */
static void put_decimal(struct buf *out, const char *digits)
{
    char number[32];
    u32 n = 0;
    if (*digits == '-') {
        buf_byte(out, '-');
        digits++;
    }
    for (; *digits && *digits != 'e'; digits++) {
        if (*digits != '.' && n < sizeof number) {
            number[n++] = *digits;
        }
    }
    int point = *digits ? atoi(digits + 1) + 1 : 1; /* place of the point behind number[0] */
    while (n > 1 && number[n - 1] == '0') {
        n--;
    }
    if (point <= 0) {
        buf_c(out, number[0] == '0' && n == 1 ? "0" : "0.");
        if (!(number[0] == '0' && n == 1)) {
            buf_fill(out, '0', (size_t)-point);
            buf_put(out, number, n);
        }
        return;
    }
    for (int i = 0; i < point || i < (int)n; i++) {
        if (i == point) {
            buf_byte(out, '.');
        }
        buf_byte(out, i < (int)n ? (u8)number[i] : '0');
    }
}

static bool put_special(struct buf *out, double f)
{
    if (isnan(f)) {
        buf_c(out, "nan");
    } else if (isinf(f)) {
        buf_c(out, f < 0 ? "-inf" : "inf");
    } else {
        return false;
    }
    return true;
}

void wave_print_f32(struct buf *out, float f)
{
    char text[64];
    if (put_special(out, f)) {
        return;
    }
    for (int precision = 0; precision <= 9; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, (double)f);
        if (strtof(text, NULL) == f) {
            break;
        }
    }
    put_decimal(out, text);
}

void wave_print_f64(struct buf *out, double f)
{
    char text[64];
    if (put_special(out, f)) {
        return;
    }
    for (int precision = 0; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, f);
        if (strtod(text, NULL) == f) {
            break;
        }
    }
    put_decimal(out, text);
}

/* Nothing would be seen of it, or it would join the quote before it, or reorder the line. */
static bool is_hidden(u32 scalar)
{
    static const struct {
        u32 first, last;
    } hidden[] = {
#define RANGE(first, last) {first, last},
#include "hidden.def"
#undef RANGE
    };
    if (scalar >= 0x20 && scalar < 0x7f) {
        return false;
    }
    size_t low = 0,
           high = LENGTH_OF(hidden); /* of the ranges that begin at or below it, the last */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(hidden[middle].first <= scalar ? &low : &high) = middle;
    }
    return scalar <= hidden[low].last;
}

static void put_scalar(struct buf *out, u32 scalar)
{
    static const struct {
        u32 scalar;
        const char *text;
    } escapes[] = {{'\\', "\\\\"}, {'\'', "\\'"}, {'"', "\\\""},
                   {'\t', "\\t"},  {'\n', "\\n"}, {'\r', "\\r"}};
    for (size_t i = 0; i < LENGTH_OF(escapes); i++) {
        if (escapes[i].scalar == scalar) {
            buf_c(out, escapes[i].text);
            return;
        }
    }
    if (is_hidden(scalar)) {
        buf_printf(out, "\\u{%x}", scalar);
    } else {
        char bytes[4];
        buf_put(out, bytes, utf8_encode(scalar, bytes));
    }
}

/* Where to print, and at which length to stop. */
struct printer {
    struct buf *out;
    size_t end;
};

static void print(struct printer *p, const struct canon_value *v, const struct canon_type *type);

/* The rest is left out, in words, when there is no more room. */
static bool is_full(struct printer *p)
{
    if (p->out->len < p->end) {
        return false;
    }
    buf_c(p->out, "...");
    return true;
}

static void put_string(struct printer *p, str s)
{
    struct buf *out = p->out;
    buf_byte(out, '"');
    for (size_t at = 0; at < s.len && !is_full(p);) {
        put_scalar(out, utf8_next(s, &at));
    }
    buf_byte(out, '"');
}

static void put_label(struct buf *out, str name)
{
    if (wave_is_keyword(name)) {
        buf_byte(out, '%');
    }
    buf_str(out, name);
}

static void put_sequence(struct printer *p, const struct canon_value *v,
                         const struct canon_type *type)
{
    struct buf *out = p->out;
    bool list = type->kind != CANON_T_TUPLE;
    buf_byte(out, list ? '[' : '(');
    for (u32 i = 0; i < v->count && !is_full(p); i++) {
        if (i) {
            buf_c(out, ", ");
        }
        print(p, &v->items[i], list ? type->element : type->fields[i].type);
    }
    buf_byte(out, list ? ']' : ')');
}

static void put_bytes(struct printer *p, const struct canon_value *v, const struct canon_type *type)
{
    struct buf *out = p->out;
    bool is_signed = type->element->kind == CANON_T_S8;
    buf_byte(out, '[');
    for (u32 i = 0; i < v->text.len && !is_full(p); i++) {
        u8 byte = (u8)v->text.ptr[i];
        buf_printf(out, "%s%d", i ? ", " : "", is_signed ? (i8)byte : byte);
    }
    buf_byte(out, ']');
}

static void put_record(struct printer *p, const struct canon_value *v,
                       const struct canon_type *type)
{
    struct buf *out = p->out;
    u32 written = 0;
    buf_byte(out, '{');
    for (u32 i = 0; i < type->field_count && !is_full(p); i++) {
        const struct canon_field *f = &type->fields[i];
        if (f->type->kind == CANON_T_OPTION && v->items[i].index == 0) {
            continue;
        }
        buf_printf(out, "%s" STRF ": ", written++ ? ", " : "", STRA(f->name));
        print(p, &v->items[i], f->type);
    }
    buf_c(out, written ? "}" : ":}");
}

static void put_flags(struct printer *p, const struct canon_value *v, const struct canon_type *type)
{
    struct buf *out = p->out;
    u32 written = 0;
    buf_byte(out, '{');
    for (u32 i = 0; i < type->field_count && i < 64; i++) {
        if ((v->u >> i) & 1) {
            buf_printf(out, "%s" STRF, written++ ? ", " : "", STRA(type->fields[i].name));
        }
    }
    buf_byte(out, '}');
}

static void put_map(struct printer *p, const struct canon_value *v, const struct canon_type *type)
{
    struct buf *out = p->out;
    buf_byte(out, '{');
    for (u32 i = 0; i < v->count && !is_full(p); i++) {
        buf_c(out, i ? ", " : "");
        print(p, &v->items[i].items[0], type->fields[0].type);
        buf_c(out, ": ");
        print(p, &v->items[i].items[1], type->fields[1].type);
    }
    buf_byte(out, '}');
}

static void put_case(struct printer *p, const struct canon_value *v, const struct canon_type *type)
{
    struct buf *out = p->out;
    if (type->kind == CANON_T_RESULT) {
        buf_c(out, v->index ? "err" : "ok");
    } else if (type->kind == CANON_T_OPTION) {
        buf_c(out, v->index ? "some" : "none");
    } else {
        put_label(out, type->fields[v->index].name);
    }
    if (v->payload) {
        buf_byte(out, '(');
        print(p, v->payload, type->fields[v->index].type);
        buf_byte(out, ')');
    }
}

static void print(struct printer *p, const struct canon_value *v, const struct canon_type *type)
{
    struct buf *out = p->out;
    switch (type->kind) {
    case CANON_T_BOOL: buf_c(out, v->u ? "true" : "false"); return;
    case CANON_T_U8:
    case CANON_T_U16:
    case CANON_T_U32:
    case CANON_T_U64: buf_printf(out, "%llu", (unsigned long long)v->u); return;
    case CANON_T_S8:
    case CANON_T_S16:
    case CANON_T_S32:
    case CANON_T_S64: buf_printf(out, "%lld", (long long)v->s); return;
    case CANON_T_F32: wave_print_f32(out, v->f32); return;
    case CANON_T_F64: wave_print_f64(out, v->f64); return;
    case CANON_T_CHAR:
        buf_byte(out, '\'');
        put_scalar(out, (u32)v->u);
        buf_byte(out, '\'');
        return;
    case CANON_T_STRING: put_string(p, canon_text(v)); return;
    case CANON_T_LIST:
        if (v->is_bytes) {
            put_bytes(p, v, type);
            return;
        }
        /* fall through */
    case CANON_T_FIXED_LIST:
    case CANON_T_TUPLE: put_sequence(p, v, type); return;
    case CANON_T_RECORD: put_record(p, v, type); return;
    case CANON_T_FLAGS: put_flags(p, v, type); return;
    case CANON_T_MAP: put_map(p, v, type); return;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: put_case(p, v, type); return;
    default:
        buf_byte(out, '<');
        canon_type_print(out, type);
        buf_byte(out, '>');
        return;
    }
}

void wave_print(struct buf *out, const struct canon_value *v, const struct canon_type *type)
{
    print(&(struct printer){out, SIZE_MAX}, v, type);
}

void wave_print_some(struct buf *out, const struct canon_value *v, const struct canon_type *type,
                     size_t most)
{
    print(&(struct printer){out, out->len + most}, v, type);
}
