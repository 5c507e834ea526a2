/* strings.c - strings in and out of memory in their three encodings, with the sequences of realloc that the
 * specification lays down. Within, a string is UTF-8 with a hint of what the producer had. */
#include "canon_internal.h"

static u64 utf16_tag(const struct cx *cx)
{
    return (u64)1 << (cx->opts->p ? 63 : 31);
}

/* ---- Loading ------------------------------------------------------------------------------------- */

static bool load_utf8(struct cx *cx, u64 ptr, u32 n, struct canon_value *v)
{
    str s = str_of((const char *)cx->mem + ptr, n);
    size_t bad = utf8_check(s);
    if (bad != SIZE_MAX) {
        /* Cut short within its last character? */
        u8 first = (u8)s.ptr[bad];
        u32 length = first > 0xf4    ? 1
                     : first >= 0xf0 ? 4
                     : first >= 0xe0 ? 3
                     : first >= 0xc2 ? 2
                                     : 1;
        bool cut = bad + length > n && length > 1;
        for (size_t i = bad + 1; i < n && cut; i++) {
            cut = ((u8)s.ptr[i] & 0xc0) == 0x80;
        }
        canon_fail(cx->store, cx->inst, cut ? "incomplete utf-8 byte sequence" : "invalid utf-8");
        return canon_explain(cx->store, "byte %zu of the %u at %llu is %#04x", bad + 1, n,
                             (unsigned long long)ptr, first);
    }
    v->text.ptr = cx->views ? s.ptr : str_dup(cx->arena, s).ptr;
    v->text.len = n;
    return true;
}

static bool load_utf16(struct cx *cx, u64 ptr, u32 units, struct canon_value *v)
{
    const u8 *at = cx->mem + ptr;
    char *out = arena_alloc(cx->arena, (size_t)units * 3);
    u32 n = 0;
    for (u32 i = 0; i < units; i++) {
        u32 c = (u32)at[2 * i] | (u32)at[2 * i + 1] << 8;
        if (c >= 0xd800 && c <= 0xdfff) {
            u32 low = i + 1 < units ? (u32)at[2 * i + 2] | (u32)at[2 * i + 3] << 8 : 0;
            if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
                canon_fail(cx->store, cx->inst, "unpaired surrogate found");
                return canon_explain(cx->store, "code unit %u of the %u at %llu is %#06x", i + 1,
                                     units, (unsigned long long)ptr, c);
            }
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i++;
        }
        n += utf8_encode(c, out + n);
    }
    v->text.ptr = out;
    v->text.len = n;
    return true;
}

static void load_latin1(struct cx *cx, u64 ptr, u32 n, struct canon_value *v)
{
    char *out = arena_alloc(cx->arena, (size_t)n * 2);
    u32 len = 0;
    for (u32 i = 0; i < n; i++) {
        len += utf8_encode(cx->mem[ptr + i], out + len);
    }
    v->text.ptr = out;
    v->text.len = len;
}

/* load_string_from_range */
bool canon_load_string(struct cx *cx, u64 ptr, u64 tagged, struct canon_value *v)
{
    static const u8 hints[] = {[ENCODING_UTF8] = HINT_UTF8,
                               [ENCODING_UTF16] = HINT_UTF16,
                               [ENCODING_LATIN1_UTF16] = HINT_LATIN1};
    v->kind = CANON_T_STRING;
    v->hint = hints[cx->opts->encoding];
    u64 units = tagged;
    if (cx->opts->encoding == ENCODING_LATIN1_UTF16 && (tagged & utf16_tag(cx))) {
        v->hint = HINT_LATIN1_UTF16;
        units = tagged ^ utf16_tag(cx);
    }
    bool wide = v->hint == HINT_UTF16 || v->hint == HINT_LATIN1_UTF16;
    if (units > MAX_STRING_BYTE_LENGTH || units * (wide ? 2 : 1) > MAX_STRING_BYTE_LENGTH) {
        return canon_fail(cx->store, cx->inst, "string byte length exceeds maximum");
    }
    u32 align = cx->opts->encoding == ENCODING_UTF8 ? 1 : 2;
    if (!canon_check_range(cx, ptr, units * (wide ? 2 : 1), align,
                           "string content out-of-bounds")) {
        return false;
    }
    v->text.units = (u32)units;
    bool copies = v->hint != HINT_UTF8 || !cx->views;
    if (copies && !canon_spend_bytes(cx, units * (wide ? 2 : 1))) {
        return false;
    }
    switch (v->hint) {
    case HINT_UTF8: return load_utf8(cx, ptr, (u32)units, v);
    case HINT_LATIN1: load_latin1(cx, ptr, (u32)units, v); return true;
    default: return load_utf16(cx, ptr, (u32)units, v);
    }
}

/* ---- Storing --------------------------------------------------------------------------------------- */

/* A reallocation with the checks after it. */
static bool grow(struct cx *cx, u64 old, u64 old_size, u32 align, u64 size, u64 *ptr)
{
    if (!canon_reallocate(cx, old, old_size, align, size, ptr)) {
        return false;
    }
    return canon_check_allocation(cx, *ptr, size, align, "string");
}

static u8 *put16(u8 *at, u32 unit)
{
    at[0] = (u8)unit;
    at[1] = (u8)(unit >> 8);
    return at + 2;
}

/* Writes text[from..] as UTF-16 at memory offset `ptr`, where room was checked; gives the end. */
static u64 encode_utf16(struct cx *cx, str text, size_t from, u64 ptr)
{
    u8 *out = cx->mem + ptr, *start = out;
    while (from < text.len) {
        u32 c = utf8_next(text, &from);
        if (c >= 0x10000) {
            out = put16(out, 0xd800 + ((c - 0x10000) >> 10));
            out = put16(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            out = put16(out, c);
        }
    }
    return ptr + (u64)(out - start);
}

/* store_string_copy into UTF-8, UTF-16 or Latin-1. */
static bool store_copy_utf8(struct cx *cx, str text, u64 *ptr, u64 *units)
{
    *units = text.len;
    if (!grow(cx, 0, 0, 1, text.len, ptr)) {
        return false;
    }
    if (text.len) {
        memmove(cx->mem + *ptr, text.ptr, text.len);
    }
    return true;
}

static bool store_copy_utf16(struct cx *cx, str text, u32 src_units, u64 *ptr, u64 *units)
{
    *units = src_units;
    if (!grow(cx, 0, 0, 2, (u64)src_units * 2, ptr)) {
        return false;
    }
    encode_utf16(cx, text, 0, *ptr);
    return true;
}

static bool store_copy_latin1(struct cx *cx, str text, u32 src_units, u64 *ptr, u64 *units)
{
    *units = src_units;
    if (!grow(cx, 0, 0, 2, src_units, ptr)) {
        return false;
    }
    u8 *out = cx->mem + *ptr;
    for (size_t i = 0; i < text.len;) {
        *out++ = (u8)utf8_next(text, &i);
    }
    return true;
}

static bool store_string_to_utf8(struct cx *cx, str text, u32 src_units, u64 worst, u64 *ptr,
                                 u64 *units)
{
    if (!grow(cx, 0, 0, 1, src_units, ptr)) {
        return false;
    }
    size_t plain = 0; /* leading characters of one byte */
    while (plain < text.len && (u8)text.ptr[plain] < 0x80) {
        plain++;
    }
    if (plain) {
        memcpy(cx->mem + *ptr, text.ptr, plain);
    }
    *units = text.len;
    if (plain == text.len) {
        return true;
    }
    if (!grow(cx, *ptr, src_units, 1, worst, ptr)) {
        return false;
    }
    memcpy(cx->mem + *ptr + plain, text.ptr + plain, text.len - plain);
    return worst <= text.len || grow(cx, *ptr, worst, 1, text.len, ptr);
}

static bool store_utf8_to_utf16(struct cx *cx, str text, u32 src_units, u64 *ptr, u64 *units)
{
    u64 worst = 2 * (u64)src_units;
    if (!grow(cx, 0, 0, 2, worst, ptr)) {
        return false;
    }
    u64 bytes = encode_utf16(cx, text, 0, *ptr) - *ptr;
    *units = bytes / 2;
    return bytes >= worst || grow(cx, *ptr, worst, 2, bytes, ptr);
}

static bool store_string_to_latin1_or_utf16(struct cx *cx, str text, u32 src_units, u64 *ptr,
                                            u64 *units)
{
    if (!grow(cx, 0, 0, 2, src_units, ptr)) {
        return false;
    }
    u64 n = 0;
    size_t at = 0;
    while (at < text.len) {
        size_t before = at;
        u32 c = utf8_next(text, &at);
        if (c < 0x100) {
            cx->mem[*ptr + n++] = (u8)c;
            continue;
        }
        u64 worst = 2 * (u64)src_units;
        if (!grow(cx, *ptr, src_units, 2, worst, ptr)) {
            return false;
        }
        u8 *mem = cx->mem + *ptr;
        for (u64 j = n; j-- > 0;) {
            mem[2 * j] = mem[j];
            mem[2 * j + 1] = 0;
        }
        u64 bytes = encode_utf16(cx, text, before, *ptr + 2 * n) - *ptr;
        *units = bytes / 2 | utf16_tag(cx);
        return worst <= bytes || grow(cx, *ptr, worst, 2, bytes, ptr);
    }
    *units = n;
    return n >= src_units || grow(cx, *ptr, src_units, 2, n, ptr);
}

static bool store_probably_utf16(struct cx *cx, str text, u32 src_units, u64 *ptr, u64 *units)
{
    u64 bytes = 2 * (u64)src_units;
    if (!grow(cx, 0, 0, 2, bytes, ptr)) {
        return false;
    }
    encode_utf16(cx, text, 0, *ptr);
    bool wide = false;
    for (size_t i = 0; i < text.len && !wide;) {
        wide = utf8_next(text, &i) >= 0x100;
    }
    if (wide) {
        *units = src_units | utf16_tag(cx);
        return true;
    }
    for (u64 i = 0; i < src_units; i++) {
        cx->mem[*ptr + i] = cx->mem[*ptr + 2 * i];
    }
    *units = src_units;
    return grow(cx, *ptr, bytes, 1, src_units, ptr);
}

bool canon_store_string(struct cx *cx, const struct canon_value *v, u64 *ptr, u64 *units)
{
    str text = canon_text(v);
    u32 n = v->text.units;
    u8 hint = v->hint;
    if (cx->host_values) {
        hint = HINT_UTF8;
        n = (u32)text.len;
    }
    bool wide = hint == HINT_UTF16 || hint == HINT_LATIN1_UTF16;
    switch (cx->opts->encoding) {
    case ENCODING_UTF8:
        return hint == HINT_UTF8
                   ? store_copy_utf8(cx, text, ptr, units)
                   : store_string_to_utf8(cx, text, n, (u64)n * (wide ? 3 : 2), ptr, units);
    case ENCODING_UTF16:
        return hint == HINT_UTF8 ? store_utf8_to_utf16(cx, text, n, ptr, units)
                                 : store_copy_utf16(cx, text, n, ptr, units);
    default:
        if (hint == HINT_LATIN1) {
            return store_copy_latin1(cx, text, n, ptr, units);
        }
        return hint == HINT_LATIN1_UTF16 ? store_probably_utf16(cx, text, n, ptr, units)
                                         : store_string_to_latin1_or_utf16(cx, text, n, ptr, units);
    }
}
