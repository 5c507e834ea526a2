/* utf8.c - UTF-8 as Unicode defines it: no overlong forms, no surrogates, at most U+10FFFF. */
#include "base.h"

/* Length of the well-formed sequence at p (n bytes left), 0 if there is none. */
static u32 sequence(const u8 *p, size_t n, u32 *scalar)
{
    if (p[0] < 0x80) {
        *scalar = p[0];
        return 1;
    }
    u32 length = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
                 : (p[0] & 0xf0) == 0xe0        ? 3
                 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                : 0;
    if (!length || length > n) {
        return 0;
    }
    u32 value = p[0] & (0x7fu >> length);
    for (u32 i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (p[i] & 0x3f);
    }
    static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *scalar = value;
    return length;
}

static inline bool is_ascii(const u8 p[8])
{
    u64 word;
    memcpy(&word, p, 8);
    return !(word & 0x8080808080808080u);
}

size_t utf8_check(str s)
{
    const u8 *p = (const u8 *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        size_t left = s.len - i;
        if (left >= 8 ? is_ascii(p + i) : s.len >= 8 && is_ascii(p + s.len - 8)) {
            i += left >= 8 ? 8 : left;
            continue;
        }
        u32 scalar, n = sequence(p + i, s.len - i, &scalar);
        if (!n) {
            return i;
        }
        i += n;
    }
    return SIZE_MAX;
}

u32 utf8_next(str s, size_t *at)
{
    u32 scalar, n = sequence((const u8 *)s.ptr + *at, s.len - *at, &scalar);
    *at += n ? n : 1;
    return n ? scalar : 0xfffd;
}

u32 utf8_encode(u32 scalar, char out[4])
{
    if (scalar < 0x80) {
        out[0] = (char)scalar;
        return 1;
    }
    u32 n = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (u32 i = n; i-- > 1;) {
        out[i] = (char)(0x80 | (scalar & 0x3f));
        scalar >>= 6;
    }
    out[0] = (char)((0xf00u >> n & 0xff) | scalar);
    return n;
}

void buf_clean(struct buf *b, str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        u32 scalar = utf8_next(text, &i);
        if (scalar == '\t') {
            buf_byte(b, ' ');
        } else if (scalar == 0xfffd || scalar < ' ' || (scalar >= 0x7f && scalar < 0xa0) ||
                   (scalar >= 0x2028 && scalar <= 0x202e) ||
                   (scalar >= 0x2066 && scalar <= 0x2069)) {
            buf_c(b, "\xef\xbf\xbd");
        } else {
            buf_str(b, str_sub(text, from, i));
        }
    }
}

const char *utf8_to_c(struct arena *a, str s)
{
    if (utf8_check(s) == SIZE_MAX && str_find_char(s, '\0', 0) == SIZE_MAX) {
        return str_to_c(a, s);
    }
    struct buf b = buf_in(a);
    for (size_t i = 0; i < s.len;) {
        char bytes[4];
        u32 scalar = utf8_next(s, &i);
        buf_put(&b, bytes, utf8_encode(scalar ? scalar : 0xfffd, bytes));
    }
    buf_byte(&b, 0);
    return b.data;
}
