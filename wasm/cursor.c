/* cursor.c - reads bytes, LEB128 numbers, names and types of the binary format, bounds-checked. */
#include "wasm.h"

struct wasm_cursor wasm_cursor_of(u32 source, str bytes, u32 base)
{
    const u8 *start = (const u8 *)(bytes.ptr ? bytes.ptr : "");
    return (struct wasm_cursor){
        .start = start, .at = start, .end = start + bytes.len, .base = base, .source = source};
}

void wasm_cursor_fail(struct wasm_cursor *c, const u8 *at, const char *error)
{
    if (c->failed)
        return;
    c->failed = true;
    c->error = error;
    c->error_offset = c->base + (u32)(at - c->start);
    c->at = c->end;
}

u8 wasm_get_byte(struct wasm_cursor *c)
{
    if (c->at == c->end) {
        wasm_cursor_fail(c, c->at, "unexpected end");
        return 0;
    }
    return *c->at++;
}

/* An unsigned number of `bits` bits: at most ceil(bits / 7) bytes, no bit set past the last. */
static u64 get_unsigned(struct wasm_cursor *c, unsigned bits)
{
    const u8 *start = c->at;
    u64 value = 0;
    for (unsigned shift = 0;; shift += 7) {
        u8 byte = wasm_get_byte(c);
        if (c->failed)
            return 0;
        if (shift + 7 >= bits) {
            unsigned used = bits - shift;
            if (byte & 0x80) {
                wasm_cursor_fail(c, start, "integer representation too long");
                return 0;
            }
            if (used < 7 && byte >> used) {
                wasm_cursor_fail(c, start, "integer too large");
                return 0;
            }
        }
        value |= (u64)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

/* The same for signed numbers: the bits past the last repeat the sign. */
static i64 get_signed(struct wasm_cursor *c, unsigned bits)
{
    const u8 *start = c->at;
    u64 value = 0;
    for (unsigned shift = 0;; shift += 7) {
        u8 byte = wasm_get_byte(c);
        if (c->failed)
            return 0;
        if (shift + 7 >= bits) {
            unsigned used = bits - shift;
            if (byte & 0x80) {
                wasm_cursor_fail(c, start, "integer representation too long");
                return 0;
            }
            u8 tail = (u8)((byte & 0x7f) >> (used - 1));
            if (tail != 0 && tail != 0x7f >> (used - 1)) {
                wasm_cursor_fail(c, start, "integer too large");
                return 0;
            }
        }
        value |= (u64)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (shift + 7 < 64 && byte & 0x40)
            value |= ~(u64)0 << (shift + 7);
        return (i64)value;
    }
}

u32 wasm_get_u32(struct wasm_cursor *c)
{
    if (c->at != c->end && *c->at < 0x80)
        return *c->at++;
    return (u32)get_unsigned(c, 32);
}

u64 wasm_get_u64(struct wasm_cursor *c)
{
    return get_unsigned(c, 64);
}

i32 wasm_get_s32(struct wasm_cursor *c)
{
    return (i32)get_signed(c, 32);
}

i64 wasm_get_s33(struct wasm_cursor *c)
{
    return get_signed(c, 33);
}

i64 wasm_get_s64(struct wasm_cursor *c)
{
    return get_signed(c, 64);
}

str wasm_get_bytes(struct wasm_cursor *c, size_t n)
{
    if ((size_t)(c->end - c->at) < n) {
        wasm_cursor_fail(c, c->at, "unexpected end: length out of bounds");
        return (str){0};
    }
    str bytes = str_of((const char *)c->at, n);
    c->at += n;
    return bytes;
}

u64 wasm_get_fixed(struct wasm_cursor *c, u32 bytes)
{
    str s = wasm_get_bytes(c, bytes);
    u64 value = 0;
    for (size_t i = s.len; i-- > 0;) {
        value = value << 8 | (u8)s.ptr[i];
    }
    return value;
}

str wasm_get_name(struct wasm_cursor *c)
{
    u32 length = wasm_get_u32(c);
    const u8 *at = c->at;
    str name = wasm_get_bytes(c, length);
    size_t bad = utf8_check(name);
    if (bad != SIZE_MAX) {
        wasm_cursor_fail(c, at + bad, "malformed UTF-8 encoding");
        return (str){0};
    }
    return name;
}

u32 wasm_get_count(struct wasm_cursor *c, u32 element_size)
{
    const u8 *at = c->at;
    u32 count = wasm_get_u32(c);
    if ((u64)count * element_size > (u64)(c->end - c->at)) {
        wasm_cursor_fail(c, at,
                         "unexpected end: more elements than the rest of the bytes can hold");
        return 0;
    }
    return count;
}

bool wasm_get_section(struct wasm_cursor *c, u8 *id, struct wasm_cursor *contents)
{
    if (c->at == c->end || c->failed) {
        return false;
    }
    *id = wasm_get_byte(c);
    u32 size = wasm_get_u32(c);
    u32 offset = wasm_cursor_offset(c);
    *contents = wasm_cursor_of(c->source, wasm_get_bytes(c, size), offset);
    return !c->failed;
}

/* ---- Types ------------------------------------------------------------------------------------- */

static bool is_abstract_heap(i64 code)
{
    return (code >= HEAP_EXN && code <= HEAP_NOEXN) || code == HEAP_CONT || code == HEAP_NOCONT;
}

wasm_valtype wasm_get_heaptype(struct wasm_cursor *c, bool nullable)
{
    const u8 *at = c->at;
    wasm_valtype flags = nullable ? WASM_REF_NULLABLE : 0;
    if (c->at != c->end && *c->at == 0x62) {
        c->at++;
        return wasm_ref_concrete(wasm_clamp_type(wasm_get_u32(c)), nullable) | WASM_REF_EXACT;
    }
    if (c->at != c->end && *c->at == 0x65) {
        c->at++;
        flags |= WASM_REF_SHARED;
        at = c->at;
        if (c->at != c->end && (*c->at & 0xc0) != 0x40) {
            wasm_cursor_fail(c, at, "malformed heap type");
            return WASM_NONE;
        }
    }
    i64 heap = wasm_get_s33(c);
    if (c->failed)
        return WASM_NONE;
    if (heap >= 0)
        return wasm_ref_concrete(wasm_clamp_type((u32)heap), nullable);
    if (heap < -64 || !is_abstract_heap(heap & 0x7f)) {
        wasm_cursor_fail(c, at, "malformed heap type");
        return WASM_NONE;
    }
    return wasm_ref_abstract((enum wasm_heap)(heap & 0x7f), false) | flags;
}

wasm_valtype wasm_get_valtype(struct wasm_cursor *c)
{
    const u8 *at = c->at;
    u8 code = wasm_get_byte(c);
    switch (code) {
    case WASM_I32:
    case WASM_I64:
    case WASM_F32:
    case WASM_F64:
    case WASM_V128: return code;
    case 0x63: return wasm_get_heaptype(c, true);
    case WASM_REF: return wasm_get_heaptype(c, false);
    case 0x65: /* abbreviation of (ref null (shared heap)) */
        c->at = at;
        return wasm_get_heaptype(c, true);
    default:
        if (is_abstract_heap(code))
            return wasm_ref_abstract((enum wasm_heap)code, true);
        wasm_cursor_fail(c, at, "malformed value type");
        return WASM_NONE;
    }
}

wasm_valtype wasm_get_reftype(struct wasm_cursor *c)
{
    const u8 *at = c->at;
    wasm_valtype type = wasm_get_valtype(c);
    if (c->failed || wasm_is_ref(type))
        return type;
    wasm_cursor_fail(c, at, "malformed reference type");
    return WASM_NONE;
}
