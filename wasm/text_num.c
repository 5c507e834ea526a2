/* text_num.c - numeric literals of the text format. */
#include "text.h"

#include <errno.h>
#include <stdlib.h>

static int digit_of(char c, unsigned base)
{
    int digit = -1;
    if (c >= '0' && c <= '9')
        digit = c - '0';
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        digit = (c | 0x20) - 'a' + 10;
    return digit >= 0 && (unsigned)digit < base ? digit : -1;
}

enum number { NUMBER_BAD, NUMBER_FINE, NUMBER_LARGE };

/* Digits with single underscores between them, decimal or with 0x. */
static enum number scan_digits(str s, u64 *out)
{
    unsigned base = 10;
    size_t i = 0;
    if (s.len > 2 && s.ptr[0] == '0' && s.ptr[1] == 'x') {
        base = 16;
        i = 2;
    }
    u64 value = 0;
    bool large = false, last_digit = false;
    for (; i < s.len; i++) {
        if (s.ptr[i] == '_' && last_digit) {
            last_digit = false;
            continue;
        }
        int digit = digit_of(s.ptr[i], base);
        if (digit < 0)
            return NUMBER_BAD;
        if (value > (UINT64_MAX - (u64)digit) / base)
            large = true;
        value = value * base + (u64)digit;
        last_digit = true;
    }
    *out = value;
    return !last_digit ? NUMBER_BAD : large ? NUMBER_LARGE : NUMBER_FINE;
}

bool text_token_u64(const struct text_parser *p, struct text_token t, u64 *out)
{
    return t.kind == TEXT_NUMBER && scan_digits(text_of(p, t), out) == NUMBER_FINE;
}

u64 text_unsigned(struct text_parser *p, unsigned bits, const char *what)
{
    u64 value = 0;
    enum number n =
        p->tok.kind == TEXT_NUMBER ? scan_digits(text_of(p, p->tok), &value) : NUMBER_BAD;
    if (n == NUMBER_BAD) {
        text_unexpected(p, what);
        return 0;
    }
    if (n == NUMBER_LARGE || (bits < 64 && value >> bits)) {
        text_fail(p, p->tok, "number out of range for %s: it must be below 2^%u", what, bits);
        return 0;
    }
    text_advance(p);
    return value;
}

u32 text_u32(struct text_parser *p, const char *what)
{
    return (u32)text_unsigned(p, 32, what);
}

u64 text_integer(struct text_parser *p, unsigned bits)
{
    str s = text_of(p, p->tok);
    u64 value = 0;
    enum number n = NUMBER_BAD;
    bool negative = false;
    if (p->tok.kind == TEXT_NUMBER) {
        negative = s.ptr[0] == '-';
        n = scan_digits(negative || s.ptr[0] == '+' ? str_sub(s, 1, s.len) : s, &value);
    }
    if (n == NUMBER_BAD) {
        text_unexpected(p, bits == 64   ? "a 64-bit integer"
                           : bits == 32 ? "a 32-bit integer"
                           : bits == 16 ? "a 16-bit integer"
                                        : "an 8-bit integer");
        return 0;
    }
    u64 half = (u64)1 << (bits - 1);
    bool large = negative ? value > half : bits < 64 && value >> bits;
    if (n == NUMBER_LARGE || large) {
        text_fail(p, p->tok, "i%u constant out of range", bits);
        return 0;
    }
    text_advance(p);
    if (negative)
        value = ~value + 1;
    return bits < 64 ? value & (half * 2 - 1) : value;
}

/* ---- Floating point ---------------------------------------------------------------------------------- */

/* Is this `num (. num?)? (e sign? num)?`, or the same in hexadecimal with p? Appends it without underscores,
 * NUL-terminated, for strtod. */
static bool clean_float(str s, struct buf *out)
{
    unsigned base = 10;
    size_t i = 0;
    out->len = 0;
    if (s.len > 2 && s.ptr[0] == '0' && s.ptr[1] == 'x') {
        base = 16;
        i = 2;
        buf_c(out, "0x");
    }
    bool last_digit = false, fraction = false, exponent = false;
    for (; i < s.len; i++) {
        char c = s.ptr[i];
        if (digit_of(c, exponent ? 10 : base) >= 0) {
            last_digit = true;
        } else if (c == '_' && last_digit) {
            last_digit = false;
            if (i + 1 == s.len || digit_of(s.ptr[i + 1], exponent ? 10 : base) < 0)
                return false;
            continue;
        } else if (c == '.' && last_digit && !fraction && !exponent) {
            fraction = true;
            last_digit = false;
            if (i + 1 < s.len && s.ptr[i + 1] == '_')
                return false;
            if (i + 1 == s.len || (s.ptr[i + 1] | 0x20) == (base == 16 ? 'p' : 'e')) {
                last_digit = true; /* nothing need follow the point */
                buf_byte(out, '.');
                buf_byte(out, '0');
                continue;
            }
        } else if ((c | 0x20) == (base == 16 ? 'p' : 'e') && last_digit && !exponent) {
            exponent = true;
            last_digit = false;
            buf_byte(out, (u8)c);
            if (i + 1 < s.len && (s.ptr[i + 1] == '+' || s.ptr[i + 1] == '-'))
                buf_byte(out, (u8)s.ptr[++i]);
            continue;
        } else {
            return false;
        }
        buf_byte(out, (u8)c);
    }
    buf_byte(out, 0);
    return last_digit;
}

struct float_format {
    unsigned bits, fraction;
    const char *name, *expected;
};
static const struct float_format f32_format = {32, 23, "f32", "a 32-bit float"};
static const struct float_format f64_format = {64, 52, "f64", "a 64-bit float"};

static u64 float_bits(const struct float_format *f, const char *text, bool *overflow)
{
    if (f->bits == 32) {
        float value = strtof(text, NULL);
        u32 bits;
        memcpy(&bits, &value, 4);
        *overflow = (bits & 0x7f800000u) == 0x7f800000u;
        return bits;
    }
    double value = strtod(text, NULL);
    u64 bits;
    memcpy(&bits, &value, 8);
    *overflow = (bits >> 52 & 0x7ff) == 0x7ff;
    return bits;
}

static u64 take_float(struct text_parser *p, const struct float_format *f)
{
    if (p->tok.kind != TEXT_NUMBER && p->tok.kind != TEXT_KEYWORD) {
        text_unexpected(p, f->expected);
        return 0;
    }
    str s = text_of(p, p->tok);
    u64 sign = 0, bits = 0;
    u64 infinity = (((u64)1 << (f->bits - 1 - f->fraction)) - 1) << f->fraction;
    if (s.ptr[0] == '-' || s.ptr[0] == '+') {
        sign = s.ptr[0] == '-' ? (u64)1 << (f->bits - 1) : 0;
        s = str_sub(s, 1, s.len);
    }
    if (str_eq(s, STR("inf"))) {
        bits = infinity;
    } else if (str_eq(s, STR("nan"))) {
        bits = infinity | (u64)1 << (f->fraction - 1);
    } else if (str_starts(s, STR("nan:0x"))) {
        u64 payload = 0;
        enum number n = scan_digits(str_sub(s, 4, s.len), &payload);
        if (n == NUMBER_BAD) {
            text_unexpected(p, f->expected);
            return 0;
        }
        if (n == NUMBER_LARGE || payload == 0 || payload >> f->fraction) {
            text_fail(p, p->tok, "%s constant out of range: a NaN payload is from 1 to 2^%u - 1",
                      f->name, f->fraction);
            return 0;
        }
        bits = infinity | payload;
    } else {
        bool overflow = false;
        if (p->tok.kind != TEXT_NUMBER || !clean_float(s, &p->scratch)) {
            text_unexpected(p, f->expected);
            return 0;
        }
        bits = float_bits(f, p->scratch.data, &overflow);
        if (overflow) {
            text_fail(p, p->tok, "%s constant out of range", f->name);
            return 0;
        }
    }
    text_advance(p);
    return bits | sign;
}

u32 text_f32(struct text_parser *p)
{
    return (u32)take_float(p, &f32_format);
}

u64 text_f64(struct text_parser *p)
{
    return take_float(p, &f64_format);
}
