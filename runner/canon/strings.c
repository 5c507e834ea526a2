/* strings.c - strings in and out of memory in their three encodings, with the sequences of realloc that the
 * specification lays down. Both ends are bytes: nothing in between. */
#include "transfer.h"

static u64 utf16_tag(const struct cx *cx)
{
    return (u64)1 << (cx->opts->p ? 63 : 31);
}

static bool is_wide(const struct text *t)
{
    return t->hint == HINT_UTF16 || t->hint == HINT_LATIN1_UTF16;
}

/* ---- Pieces -------------------------------------------------------------------------------------- */

static bool look(struct cx *cx)
{
    return cx->is_show || canon_look(cx->inst);
}

/* Where the piece of a text ends that begins at t->at; false at the end of all, and when the guest is to stop. `end`: NULL before the
 * first. A character may reach over its end. */
static bool next_piece(struct cx *cx, const struct text *t, const u8 **end)
{
    if (t->at >= t->end || (*end && !look(cx))) {
        return false;
    }
    *end = (u64)(t->end - t->at) > ENGINE_PIECE ? t->at + ENGINE_PIECE : t->end;
    return true;
}

static bool ends_piece(u64 i)
{
    return (i + 1) % ENGINE_PIECE == 0;
}

/* ---- Reading ------------------------------------------------------------------------------------- */

/* What the encoding and the length say: no place yet. */
static void describe(const struct cx *cx, u64 tagged, struct text *t)
{
    static const u8 hints[] = {[ENCODING_UTF8] = HINT_UTF8,
                               [ENCODING_UTF16] = HINT_UTF16,
                               [ENCODING_LATIN1_UTF16] = HINT_LATIN1};
    t->hint = hints[cx->opts->encoding];
    t->units = tagged;
    if (cx->opts->encoding == ENCODING_LATIN1_UTF16 && (tagged & utf16_tag(cx))) {
        t->hint = HINT_LATIN1_UTF16;
        t->units = tagged ^ utf16_tag(cx);
    }
    t->form = is_wide(t) ? HINT_UTF16 : t->hint;
}

static u64 bytes_of(const struct text *t)
{
    return t->units * (is_wide(t) ? 2 : 1);
}

static void put_at(struct text *t, const struct cx *cx, u64 ptr)
{
    t->at = cx->mem + ptr;
    t->end = t->at + bytes_of(t);
}

void canon_text_at(const struct cx *cx, u64 ptr, u64 tagged, struct text *t)
{
    describe(cx, tagged, t);
    put_at(t, cx, ptr);
}

struct text canon_text_of(const struct canon_value *v)
{
    const u8 *at = (const u8 *)v->text.ptr;
    return (struct text){.at = at,
                         .end = at ? at + v->text.len : at,
                         .units = v->text.units,
                         .hint = v->hint,
                         .form = HINT_UTF8};
}

static u32 unit_at(const u8 *at)
{
    return (u32)at[0] | (u32)at[1] << 8;
}

/* The next character of well-formed text. */
static u32 next_char(struct text *t)
{
    const u8 *at = t->at;
    u32 c = at[0];
    if (t->form == HINT_UTF16) {
        c = unit_at(at);
        if (c >= 0xd800 && c <= 0xdfff) {
            t->at += 4;
            return 0x10000 + ((c - 0xd800) << 10) + (unit_at(at + 2) - 0xdc00);
        }
        t->at += 2;
        return c;
    }
    if (c < 0x80 || t->form == HINT_LATIN1) {
        t->at++;
        return c;
    }
    u32 length = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    c &= 0x7fu >> length;
    for (u32 i = 1; i < length; i++) {
        c = c << 6 | (at[i] & 0x3f);
    }
    t->at += length;
    return c;
}

/* The length of the piece at the start of s, which ends before a character. */
static size_t whole_piece(str s)
{
    size_t n = ENGINE_PIECE;
    if (s.len <= n) {
        return s.len;
    }
    for (u32 back = 0; back < 4; back++) {
        if (((u8)s.ptr[n - back] & 0xc0) != 0x80) {
            return n - back;
        }
    }
    return n;
}

static bool check_utf8(struct cx *cx, u64 ptr, const struct text *t)
{
    str s = str_of((const char *)t->at, (size_t)t->units), rest = s;
    size_t bad = SIZE_MAX;
    do {
        str piece = str_of(rest.ptr, whole_piece(rest));
        bad = utf8_check(piece);
        if (bad != SIZE_MAX) {
            bad += s.len - rest.len;
            break;
        }
        rest = str_of(rest.ptr + piece.len, rest.len - piece.len);
    } while (rest.len && look(cx));
    if (bad == SIZE_MAX) {
        return !rest.len;
    }
    /* Cut short within its last character? */
    u8 first = (u8)s.ptr[bad];
    u32 length = first > 0xf4 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    bool cut = bad + length > s.len && length > 1;
    for (size_t i = bad + 1; i < s.len && cut; i++) {
        cut = ((u8)s.ptr[i] & 0xc0) == 0x80;
    }
    canon_fail(cx->store, cx->inst, cut ? "incomplete utf-8 byte sequence" : "invalid utf-8");
    return canon_explain(cx->store, "byte %zu of the %zu at %llu is %#04x", bad + 1, s.len,
                         (unsigned long long)ptr, first);
}

static bool check_utf16(struct cx *cx, u64 ptr, const struct text *t)
{
    struct text rest = *t;
    const u8 *piece = NULL;
    for (const u8 *at = t->at; at < t->end; at += 2) {
        if (at >= piece) {
            rest.at = at;
            if (!next_piece(cx, &rest, &piece)) {
                return false;
            }
        }
        u32 c = unit_at(at);
        if (c < 0xd800 || c > 0xdfff) {
            continue;
        }
        u32 low = at + 2 < t->end ? unit_at(at + 2) : 0;
        if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
            canon_fail(cx->store, cx->inst, "unpaired surrogate found");
            return canon_explain(cx->store, "code unit %u of the %u at %llu is %#06x",
                                 (u32)(at - t->at) / 2 + 1, (u32)t->units, (unsigned long long)ptr,
                                 c);
        }
        at += 2;
    }
    return true;
}

bool canon_check_string(struct cx *cx, u64 ptr, u64 tagged)
{
    struct text t;
    describe(cx, tagged, &t);
    u32 align = cx->opts->encoding == ENCODING_UTF8 ? 1 : 2;
    if (t.units > MAX_STRING_BYTE_LENGTH || bytes_of(&t) > MAX_STRING_BYTE_LENGTH) {
        return canon_fail(cx->store, cx->inst, "string byte length exceeds maximum");
    }
    if (!canon_check_range(cx, ptr, bytes_of(&t), align, "string content out-of-bounds") ||
        !canon_claim_bytes(cx, bytes_of(&t)) ||
        !canon_goes_on(cx->store, cx->inst, cx->is_show ? 0 : t.units / TURN_BYTES)) {
        return false;
    }
    put_at(&t, cx, ptr);
    return t.form == HINT_UTF8    ? check_utf8(cx, ptr, &t)
           : t.form == HINT_UTF16 ? check_utf16(cx, ptr, &t)
                                  : true;
}

/* 8 characters of UTF-8 before `piece` that take a byte each? */
static inline bool starts_plain(const struct text *t, const u8 *piece)
{
    u64 word;
    if (t->form != HINT_UTF8 || piece - t->at < 8) {
        return false;
    }
    memcpy(&word, t->at, 8);
    return !(word & 0x8080808080808080);
}

/* Writes the rest of a text where room was checked, and gives its length. */
static bool encode_utf8(struct cx *cx, struct text *t, u8 *out, u64 *length)
{
    u8 *at = out;
    for (const u8 *piece = NULL; next_piece(cx, t, &piece);) {
        while (t->at < piece) {
            at += utf8_encode(next_char(t), (char *)at);
        }
    }
    *length = (u64)(at - out);
    return t->at >= t->end;
}

bool canon_load_string(struct cx *cx, u64 ptr, u64 tagged, struct canon_value *v)
{
    if (!canon_check_string(cx, ptr, tagged)) {
        return false;
    }
    struct text t;
    canon_text_at(cx, ptr, tagged, &t);
    u64 bytes = (u64)(t.end - t.at);
    if (cx->is_show && bytes / 32 > cx->budget) {
        t.end = t.at; /* it is not shown */
        bytes = 0;
    }
    if (!canon_spend_bytes(cx, bytes)) {
        return false;
    }
    v->kind = CANON_T_STRING;
    v->hint = t.hint;
    v->text.units = (u32)t.units;
    u64 n = t.form == HINT_UTF8 ? bytes : bytes * 2; /* enough for either of the others */
    char *out = arena_alloc(cx->arena, n);
    bool fine = t.form == HINT_UTF8 ? canon_move(cx->inst, out, t.at, bytes, CANON_T_U8)
                                    : encode_utf8(cx, &t, (u8 *)out, &n);
    v->text.ptr = out;
    v->text.len = (u32)n;
    return fine;
}

/* ---- Storing --------------------------------------------------------------------------------------- */

static bool grow(struct cx *cx, u64 old, u64 old_size, u32 align, u64 size, u64 *ptr)
{
    return canon_reallocate(cx, old, old_size, align, size, "string", ptr);
}

static u8 *put16(u8 *at, u32 unit)
{
    at[0] = (u8)unit;
    at[1] = (u8)(unit >> 8);
    return at + 2;
}

/* The same in UTF-16. */
static bool encode_utf16(struct cx *cx, struct text *t, u8 *out, u64 *length)
{
    u8 *at = out;
    *length = (u64)(t->end - t->at);
    if (t->form == HINT_UTF16) {
        return canon_move(cx->inst, out, t->at, *length, CANON_T_U8);
    }
    for (const u8 *piece = NULL; next_piece(cx, t, &piece);) {
        while (t->at < piece) {
            if (starts_plain(t, piece)) {
                for (u32 i = 0; i < 8; i++) {
                    at = put16(at, *t->at++);
                }
                continue;
            }
            u32 c = next_char(t);
            if (c >= 0x10000) {
                at = put16(at, 0xd800 + ((c - 0x10000) >> 10));
                at = put16(at, 0xdc00 + ((c - 0x10000) & 0x3ff));
            } else {
                at = put16(at, c);
            }
        }
    }
    *length = (u64)(at - out);
    return t->at >= t->end;
}

/* Characters below a limit as a byte each: gives how many, and leaves t at the first other one. */
static bool encode_bytes(struct cx *cx, struct text *t, u32 limit, u8 *out, u64 *length)
{
    u8 *at = out;
    bool more = true;
    for (const u8 *piece = NULL; more && next_piece(cx, t, &piece);) {
        while (t->at < piece) {
            const u8 *here = t->at;
            if (starts_plain(t, piece)) {
                memcpy(at, here, 8);
                at += 8;
                t->at += 8;
                continue;
            }
            u32 c = next_char(t);
            if (c >= limit) {
                t->at = here;
                more = false;
                break;
            }
            *at++ = (u8)c;
        }
    }
    *length = (u64)(at - out);
    return t->at >= t->end || !more;
}

/* store_string_copy into UTF-8, UTF-16 or Latin-1. */
static bool store_copy_utf8(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    *units = (u64)(t->end - t->at);
    if (!grow(cx, 0, 0, 1, *units, ptr)) {
        return false;
    }
    return canon_move(cx->inst, cx->mem + *ptr, t->at, *units, CANON_T_U8);
}

static bool store_copy_utf16(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    *units = t->units;
    if (!grow(cx, 0, 0, 2, t->units * 2, ptr)) {
        return false;
    }
    u64 bytes;
    return encode_utf16(cx, t, cx->mem + *ptr, &bytes);
}

static bool store_copy_latin1(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    *units = t->units;
    if (!grow(cx, 0, 0, 2, t->units, ptr)) {
        return false;
    }
    u64 bytes;
    return t->form == HINT_LATIN1
               ? canon_move(cx->inst, cx->mem + *ptr, t->at, t->units, CANON_T_U8)
               : encode_bytes(cx, t, UINT32_MAX, cx->mem + *ptr, &bytes);
}

static bool store_string_to_utf8(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    u64 worst = t->units * (is_wide(t) ? 3 : 2), n, more;
    if (!grow(cx, 0, 0, 1, t->units, ptr) || !encode_bytes(cx, t, 0x80, cx->mem + *ptr, &n)) {
        return false;
    }
    *units = n;
    if (t->at == t->end) {
        return true;
    }
    if (!grow(cx, *ptr, t->units, 1, worst, ptr) ||
        !encode_utf8(cx, t, cx->mem + *ptr + n, &more)) {
        return false;
    }
    *units = n += more;
    return worst <= n || grow(cx, *ptr, worst, 1, n, ptr);
}

static bool store_utf8_to_utf16(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    u64 worst = 2 * t->units, bytes;
    if (!grow(cx, 0, 0, 2, worst, ptr) || !encode_utf16(cx, t, cx->mem + *ptr, &bytes)) {
        return false;
    }
    *units = bytes / 2;
    return bytes >= worst || grow(cx, *ptr, worst, 2, bytes, ptr);
}

static bool store_string_to_latin1_or_utf16(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    u64 n, worst = 2 * t->units, bytes;
    if (!grow(cx, 0, 0, 2, t->units, ptr) || !encode_bytes(cx, t, 0x100, cx->mem + *ptr, &n)) {
        return false;
    }
    if (t->at == t->end) {
        *units = n;
        return n >= t->units || grow(cx, *ptr, t->units, 2, n, ptr);
    }
    if (!grow(cx, *ptr, t->units, 2, worst, ptr)) {
        return false;
    }
    u8 *mem = cx->mem + *ptr;
    for (u64 j = n; j-- > 0;) {
        mem[2 * j] = mem[j];
        mem[2 * j + 1] = 0;
        if (ends_piece(j) && !look(cx)) {
            return false;
        }
    }
    if (!encode_utf16(cx, t, mem + 2 * n, &bytes)) {
        return false;
    }
    bytes += 2 * n;
    *units = bytes / 2 | utf16_tag(cx);
    return worst <= bytes || grow(cx, *ptr, worst, 2, bytes, ptr);
}

static bool store_probably_utf16(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    u64 bytes = 2 * t->units, written;
    if (!grow(cx, 0, 0, 2, bytes, ptr) || !encode_utf16(cx, t, cx->mem + *ptr, &written)) {
        return false;
    }
    u8 *mem = cx->mem + *ptr;
    for (u64 i = 0; i < t->units; i++) {
        if (mem[2 * i + 1]) {
            *units = t->units | utf16_tag(cx);
            return true;
        }
        if (ends_piece(i) && !look(cx)) {
            return false;
        }
    }
    for (u64 i = 0; i < t->units; i++) {
        mem[i] = mem[2 * i];
        if (ends_piece(i) && !look(cx)) {
            return false;
        }
    }
    *units = t->units;
    return grow(cx, *ptr, bytes, 1, t->units, ptr);
}

bool canon_store_string(struct cx *cx, struct text *t, u64 *ptr, u64 *units)
{
    if (cx->host_values) {
        t->hint = HINT_UTF8;
        t->units = (u64)(t->end - t->at);
    }
    switch (cx->opts->encoding) {
    case ENCODING_UTF8:
        return t->hint == HINT_UTF8 ? store_copy_utf8(cx, t, ptr, units)
                                    : store_string_to_utf8(cx, t, ptr, units);
    case ENCODING_UTF16:
        return t->hint == HINT_UTF8 ? store_utf8_to_utf16(cx, t, ptr, units)
                                    : store_copy_utf16(cx, t, ptr, units);
    default:
        if (t->hint == HINT_LATIN1) {
            return store_copy_latin1(cx, t, ptr, units);
        }
        return t->hint == HINT_LATIN1_UTF16 ? store_probably_utf16(cx, t, ptr, units)
                                            : store_string_to_latin1_or_utf16(cx, t, ptr, units);
    }
}
