/* str.c - text views, formatting, buffers. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>

bool str_eq_c(str a, const char *cstring)
{
    return str_eq(a, str_c(cstring));
}

int str_cmp(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_eq(str_of(s.ptr, prefix.len), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_of(s.ptr + (s.len - suffix.len), suffix.len), suffix);
}

str str_sub(str s, size_t from, size_t to)
{
    to = to > s.len ? s.len : to;
    from = from > to ? to : from;
    return s.ptr ? str_of(s.ptr + from, to - from) : s;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.len && is_space(s.ptr[0])) {
        s = str_sub(s, 1, s.len);
    }
    return str_trim_end(s);
}

str str_trim_end(str s)
{
    while (s.len && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

size_t str_find_char(str s, char c, size_t from)
{
    if (from >= s.len) {
        return SIZE_MAX;
    }
    const char *at = memchr(s.ptr + from, c, s.len - from);
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

size_t str_rfind_char(str s, char c)
{
    for (size_t i = s.len; i-- > 0;) {
        if (s.ptr[i] == c) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t str_find(str s, str needle, size_t from)
{
    if (needle.len == 0) {
        return from <= s.len ? from : SIZE_MAX;
    }
    for (size_t i = str_find_char(s, needle.ptr[0], from); i != SIZE_MAX;
         i = str_find_char(s, needle.ptr[0], i + 1)) {
        if (str_starts(str_sub(s, i, s.len), needle)) {
            return i;
        }
    }
    return SIZE_MAX;
}

str str_cut(str s, char separator, str *head)
{
    size_t at = str_find_char(s, separator, 0);
    if (at == SIZE_MAX) {
        *head = s;
        return (str){NULL, 0};
    }
    *head = str_sub(s, 0, at);
    return str_of(s.ptr + at + 1, s.len - at - 1);
}

bool str_to_u64(str s, u64 *out)
{
    u64 value = 0;
    if (s.len == 0 || (s.len > 1 && s.ptr[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        u64 digit = (u64)(u8)s.ptr[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

str str_dup(struct arena *a, str s)
{
    char *copy = arena_alloc(a, s.len + 1);
    if (s.len) {
        memcpy(copy, s.ptr, s.len);
    }
    return str_of(copy, s.len);
}

char *str_to_c(struct arena *a, str s)
{
    return (char *)str_dup(a, s).ptr;
}

struct output {
    char *data;
    size_t room, len; /* what does not fit is counted */
};

static void put(struct output *o, const char *text, size_t n)
{
    if (n && o->len < o->room) {
        memcpy(o->data + o->len, text, n < o->room - o->len ? n : o->room - o->len);
    }
    o->len += n;
}

static void put_number(struct output *o, u64 value, unsigned base)
{
    char digits[20], *p = digits + sizeof digits;
    do {
        *--p = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    put(o, p, (size_t)(digits + sizeof digits - p));
}

/* The directives that most formats are made of: texts are put in as long as they are, which vsnprintf does up to a NUL. False if there are
 * others. */
static bool format_plain(struct output *o, const char *format, va_list args)
{
    while (*format) {
        size_t n = strcspn(format, "%");
        put(o, format, n);
        format += n;
        if (*format == 0) {
            break;
        }
        if (strncmp(format, "%.*s", 4) == 0) {
            int length = va_arg(args, int);
            put(o, va_arg(args, const char *), length > 0 ? (size_t)length : 0);
            format += 4;
        } else if (format[1] == 's') {
            const char *text = va_arg(args, const char *);
            put(o, text, strlen(text));
            format += 2;
        } else if (format[1] == 'u') {
            put_number(o, va_arg(args, unsigned), 10);
            format += 2;
        } else if (format[1] == 'x') {
            put_number(o, va_arg(args, unsigned), 16);
            format += 2;
        } else if (format[1] == 'c') {
            char c = (char)va_arg(args, int);
            put(o, &c, 1);
            format += 2;
        } else if (format[1] == '%') {
            put(o, format, 1);
            format += 2;
        } else if (strncmp(format, "%zu", 3) == 0) {
            put_number(o, va_arg(args, size_t), 10);
            format += 3;
        } else if (strncmp(format, "%llu", 4) == 0) {
            put_number(o, va_arg(args, unsigned long long), 10);
            format += 4;
        } else {
            return false;
        }
    }
    return true;
}

/* The length of the text, of which what fits into `room` is written. */
static size_t format_into(char *data, size_t room, const char *format, va_list args)
{
    struct output o = {data, room, 0};
    va_list again;
    va_copy(again, args);
    if (!format_plain(&o, format, args)) {
        int n = vsnprintf(data, room, format, again);
        o.len = n < 0 ? 0 : (size_t)n;
    }
    va_end(again);
    return o.len;
}

str str_vprintf(struct arena *a, const char *format, va_list args)
{
    char small[256];
    va_list again;
    va_copy(again, args);
    size_t n = format_into(small, sizeof small, format, args);
    char *text = arena_alloc(a, n + 1);
    if (n < sizeof small) {
        memcpy(text, small, n);
    } else {
        format_into(text, n + 1, format, again);
    }
    va_end(again);
    return str_of(text, n);
}

str str_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = str_vprintf(a, format, args);
    va_end(args);
    return s;
}

str str_concat(struct arena *a, str x, str y)
{
    char *text = arena_alloc(a, x.len + y.len + 1);
    if (x.len) {
        memcpy(text, x.ptr, x.len);
    }
    if (y.len) {
        memcpy(text + x.len, y.ptr, y.len);
    }
    return str_of(text, x.len + y.len);
}

/* Optimal string alignment distance of short names; big when one is longer than the rows. */
static u32 edit_distance(str a, str b)
{
    enum { ROW = 65 };
    u32 rows[3][ROW];
    if (a.len >= ROW || b.len >= ROW) {
        return UINT32_MAX;
    }
    for (u32 j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (u32 i = 1; i <= a.len; i++) {
        u32 *now = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (u32 j = 1; j <= b.len; j++) {
            u32 best = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[a.len % 3][b.len];
}

str near_name_in(str wanted, const void *names, size_t n, size_t stride)
{
    u32 best = wanted.len <= 2 ? 1 : wanted.len <= 5 ? 2 : (u32)(wanted.len / 3) + 1;
    str found = {NULL, 0};
    for (size_t i = 0; i < n; i++) {
        str candidate = *(const str *)(const void *)((const char *)names + i * stride);
        if (candidate.len > wanted.len + best || wanted.len > candidate.len + best) {
            continue;
        }
        u32 distance = edit_distance(wanted, candidate);
        if (distance < best || (distance == best && !found.ptr)) {
            best = distance;
            found = candidate;
        }
    }
    return found;
}

str near_name(str wanted, const str *candidates, size_t n)
{
    return near_name_in(wanted, candidates, n, sizeof *candidates);
}

/* ---- Buffers ---- */

void buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->len >= more) {
        return;
    }
    size_t cap = b->cap ? b->cap * 2 : 256;
    cap = cap < b->len + more ? b->len + more : cap;
    b->data = arena_realloc(b->arena, b->data, b->cap, cap);
    b->cap = cap;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (n) {
        buf_reserve(b, n);
        memcpy(b->data + b->len, bytes, n);
        b->len += n;
    }
}

void buf_str(struct buf *b, str s)
{
    buf_put(b, s.ptr, s.len);
}

void buf_c(struct buf *b, const char *cstring)
{
    buf_put(b, cstring, strlen(cstring));
}

void buf_byte(struct buf *b, u8 byte)
{
    buf_put(b, &byte, 1);
}

void buf_fill(struct buf *b, u8 byte, size_t n)
{
    buf_reserve(b, n);
    if (n) {
        memset(b->data + b->len, byte, n);
    }
    b->len += n;
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    buf_reserve(b, 64);
    size_t n = format_into(b->data + b->len, b->cap - b->len, format, args);
    if (n >= b->cap - b->len) {
        buf_reserve(b, n + 1);
        format_into(b->data + b->len, b->cap - b->len, format, again);
    }
    va_end(again);
    b->len += n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_uleb(struct buf *b, u64 value)
{
    do {
        u8 byte = value & 0x7f;
        value >>= 7;
        buf_byte(b, value ? byte | 0x80 : byte);
    } while (value);
}

void buf_sleb(struct buf *b, i64 value)
{
    for (bool more = true; more;) {
        u8 byte = value & 0x7f;
        value >>= 7; /* arithmetic on every compiler that builds witc */
        more = !((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40)));
        buf_byte(b, more ? byte | 0x80 : byte);
    }
}
