/* lift.c - from core values and memory to values: what lifting checks, handles, and values of hosts (load, lift_flat, which are one). */
#include "transfer.h"

bool canon_check_range(struct cx *cx, u64 ptr, u64 length, u32 align, const char *what)
{
    if (ptr & (align - 1)) {
        canon_fail(cx->store, cx->inst, "unaligned pointer");
        return canon_explain(cx->store, "address %llu is not a multiple of %u",
                             (unsigned long long)ptr, align);
    }
    if (ptr > cx->size || length > cx->size - ptr) {
        canon_fail(cx->store, cx->inst, "%s", what);
        return canon_explain(cx->store, "%llu bytes at %llu, in a memory of %llu bytes",
                             (unsigned long long)length, (unsigned long long)ptr,
                             (unsigned long long)cx->size);
    }
    return true;
}

static bool keep(struct cx *cx, u64 n)
{
    if (n > cx->budget) {
        return !cx->is_show && canon_fail(cx->store, cx->inst, "too many values in one call");
    }
    cx->budget -= n;
    return true;
}

bool canon_spend(struct cx *cx, u64 n)
{
    return keep(cx, n) && (cx->is_show || canon_goes_on(cx->store, cx->inst, n));
}

/* Lists may name one place in memory many times, so that a call seems to hold more than any memory does. */
bool canon_claim_bytes(struct cx *cx, u64 n)
{
    u64 max = cx->store->config.max_bytes;
    cx->bytes += n;
    if (cx->bytes <= max || cx->is_show) {
        return true;
    }
    canon_fail(cx->store, cx->inst, "too many bytes in one call");
    return canon_explain(cx->store,
                         "its lists and strings, each counted as often as it is named, hold more "
                         "than %llu bytes",
                         (unsigned long long)max);
}

/* ... and each copy takes room of its own. */
bool canon_spend_bytes(struct cx *cx, u64 n)
{
    return keep(cx, n / 32);
}

static u64 load_int(const u8 *at, u32 bytes)
{
    u64 v = 0;
    memcpy(&v, at, bytes); /* little-endian hosts only, as is the whole of the engine */
    return v;
}

static i64 sign_extend(u64 v, u32 bits)
{
    u32 shift = 64 - bits;
    return (i64)(v << shift) >> shift;
}

static u32 canonicalize_nan32(u32 bits)
{
    return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
}

static u64 canonicalize_nan64(u64 bits)
{
    return (bits & 0x7fffffffffffffff) > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
}

bool canon_check_char(struct cx *cx, u32 c)
{
    if (c < 0x110000 && (c < 0xd800 || c > 0xdfff)) {
        return true;
    }
    canon_fail(cx->store, cx->inst, "invalid `char` bit pattern");
    return canon_explain(cx->store,
                         c >= 0x110000 ? "%#x is above U+10FFFF, the last character"
                                       : "U+%X is a surrogate, no character",
                         c);
}

/* A number, bool or char from its bits. */
static bool lift_prim(struct cx *cx, enum canon_kind kind, u64 bits, struct canon_value *v)
{
    v->kind = (u8)kind;
    switch (kind) {
    case CANON_T_BOOL: v->u = (u32)bits != 0; return true;
    case CANON_T_S8: v->s = sign_extend(bits, 8); return true;
    case CANON_T_U8: v->u = (u8)bits; return true;
    case CANON_T_S16: v->s = sign_extend(bits, 16); return true;
    case CANON_T_U16: v->u = (u16)bits; return true;
    case CANON_T_S32: v->s = sign_extend(bits, 32); return true;
    case CANON_T_U32: v->u = (u32)bits; return true;
    case CANON_T_F32: {
        u32 f = canonicalize_nan32((u32)bits);
        v->u = 0;
        memcpy(&v->f32, &f, 4);
        return true;
    }
    case CANON_T_F64: v->u = canonicalize_nan64(bits); return true;
    case CANON_T_CHAR: v->u = (u32)bits; return canon_check_char(cx, (u32)bits);
    default: v->u = bits; return true;
    }
}

/* Where lift_flat_values finds values: in their cells, or where the first one points. NULL after a trap. */
const u8 *canon_lift_from(struct cx *cx, u32 max_flat, const u64 *slots, const struct canon_type *t,
                          enum canon_layout *l)
{
    u8 p = cx->opts->p;
    if (t->flat_count <= max_flat) {
        *l = CANON_FLAT_32 + p;
        return (const u8 *)slots;
    }
    u64 ptr = p ? slots[0] : (u32)slots[0];
    *l = p;
    return canon_check_range(cx, ptr, t->size[p], t->align[p], "pointer out of bounds of memory")
               ? cx->mem + ptr
               : NULL;
}

/* ---- Handles --------------------------------------------------------------------------------------- */

static bool lift_own(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v)
{
    struct handle *h = canon_handle_resource(cx->inst, index, t->resource);
    if (!h) {
        return false;
    }
    if (h->num_lends) {
        return canon_fail_handle(cx->inst, index, "cannot remove owned resource while borrowed");
    }
    if (!h->own) {
        return canon_fail(cx->store, cx->inst, "cannot lift own resource from a borrow");
    }
    v->resource = t->resource;
    v->rep = h->rep;
    canon_handle_remove(cx->inst, index);
    return true;
}

static bool lift_borrow(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v)
{
    struct handle *h = canon_handle_resource(cx->inst, index, t->resource);
    if (!h) {
        return false;
    }
    struct subtask *sub = cx->lender;
    if (!sub) {
        return canon_fail(cx->store, cx->inst, "a borrow cannot be lifted here");
    }
    if (sub->lender_count == sub->lender_cap) {
        u32 cap = sub->lender_cap ? 2 * sub->lender_cap : 4;
        engine_keep(cx->store->engine, (u64)(cap - sub->lender_cap) * sizeof *sub->lenders);
        sub->lender_cap = cap;
        sub->lenders = mem_realloc(sub->lenders, cap * sizeof *sub->lenders);
        if (!canon_has_room(cx->inst, 0)) {
            return false;
        }
    }
    sub->lenders[sub->lender_count++] = index;
    h->num_lends++;
    v->resource = t->resource;
    v->rep = h->rep;
    return true;
}

static bool lift_async_value(struct cx *cx, u32 index, const struct canon_type *t,
                             struct canon_value *v)
{
    struct handle *h = canon_handle_get(cx->inst, index, HANDLE_END);
    if (!h) {
        return false;
    }
    struct canon_end *e = h->end;
    bool stream = t->kind == CANON_T_STREAM;
    const char *what = stream ? "stream" : "future";
    if (e->is_writable || e->is_stream != stream || !canon_type_equal(e->element, t->element)) {
        return canon_handle_wrong(cx->inst, index);
    }
    if (e->state == END_DONE) {
        return canon_fail(cx->store, cx->inst,
                          stream ? "cannot lift stream after being notified that the writable end "
                                   "dropped"
                                 : "cannot lift future after previous read succeeded");
    }
    if (e->state != END_IDLE) {
        return canon_fail(cx->store, cx->inst, "cannot remove busy %s", what);
    }
    if (e->w.set) {
        return canon_fail(cx->store, cx->inst, "cannot lift %s while it's in a waitable set", what);
    }
    canon_handle_remove(cx->inst, index);
    e->owner = NULL;
    e->index = 0;
    v->end = e;
    return true;
}

static bool lift_error_context(struct cx *cx, u32 index, struct canon_value *v)
{
    struct handle *h = canon_handle_get(cx->inst, index, HANDLE_ERROR);
    if (!h) {
        return false;
    }
    v->error = h->error;
    h->error->references += !cx->for_guest; /* a host keeps it for good */
    return true;
}

bool canon_lift_handle(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v)
{
    v->kind = (u8)t->kind;
    if (cx->is_show) { /* it has been taken */
        *v = *cx->shown++;
        return true;
    }
    switch (t->kind) {
    case CANON_T_OWN: return lift_own(cx, index, t, v);
    case CANON_T_BORROW: return lift_borrow(cx, index, t, v);
    case CANON_T_ERROR_CONTEXT: return lift_error_context(cx, index, v);
    default: return lift_async_value(cx, index, t, v);
    }
}

/* ---- Values ------------------------------------------------------------------------------------------- */

static void new_items(struct cx *cx, struct canon_value *v, u32 n)
{
    v->count = n;
    v->items = n ? arena_array(cx->arena, struct canon_value, n) : NULL;
}

bool canon_load_list_valid(struct cx *cx, u64 ptr, u32 n, const struct canon_type *t,
                           struct canon_value *items)
{
    enum canon_layout l = cx->opts->p;
    for (u32 i = 0; i < n; i++) {
        if (!canon_lift_value(cx, cx->mem + ptr + (u64)i * t->size[l], l, t, &items[i]) ||
            ((i + 1) % BETWEEN_LOOKS == 0 && !cx->is_show && !canon_look(cx->inst))) {
            return false;
        }
    }
    return true;
}

static void canonicalize(void *bytes, u64 n, enum canon_kind kind)
{
    if (kind == CANON_T_F32) {
        for (u8 *at = bytes, *end = at + n; at < end; at += 4) {
            u32 x;
            memcpy(&x, at, 4);
            x = canonicalize_nan32(x);
            memcpy(at, &x, 4);
        }
    } else if (kind == CANON_T_F64) {
        for (u8 *at = bytes, *end = at + n; at < end; at += 8) {
            u64 x;
            memcpy(&x, at, 8);
            x = canonicalize_nan64(x);
            memcpy(at, &x, 8);
        }
    }
}

bool canon_move(struct component_instance *i, void *to, const void *from, u64 bytes,
                enum canon_kind kind)
{
    if (bytes <= TURN_BYTES) {
        memmove(to, from, bytes);
        canonicalize(to, bytes, kind);
        return true;
    }
    for (u64 done = 0, n, at; done < bytes; done += n) {
        if (done && !canon_look(i)) {
            return false;
        }
        n = engine_move_piece(to, from, bytes, done, &at);
        canonicalize((u8 *)to + at, n, kind);
    }
    return true;
}

bool canon_check_list(struct cx *cx, u64 ptr, u64 length, const struct canon_type *t)
{
    u64 size = t->element->size[cx->opts->p];
    if (length > MAX_LIST_BYTE_LENGTH || length * size > MAX_LIST_BYTE_LENGTH) {
        return canon_fail(cx->store, cx->inst, "list byte length exceeds maximum");
    }
    return canon_check_range(cx, ptr, length * size, t->element->align[cx->opts->p],
                             "list content out-of-bounds") &&
           canon_claim_bytes(cx, length * size);
}

/* load_list_from_range */
static bool load_list(struct cx *cx, u64 ptr, u64 length, const struct canon_type *t,
                      struct canon_value *v)
{
    const struct canon_type *e = t->element;
    if (!canon_check_list(cx, ptr, length, t)) {
        return false;
    }
    if (cx->is_show && !e->has_handle && length > cx->budget) {
        length = cx->budget; /* so much is shown of it */
    }
    u64 bytes = length * e->size[cx->opts->p];
    if (t->kind == CANON_T_LIST && e->is_plain &&
        ((cx->for_guest && !cx->is_show) || e->kind <= CANON_T_U8)) {
        if (!canon_spend_bytes(cx, bytes) ||
            (!cx->is_show && !canon_goes_on(cx->store, cx->inst, bytes / TURN_BYTES))) {
            return false;
        }
        char *copy = arena_alloc(cx->arena, bytes);
        v->is_bytes = 1;
        v->text.ptr = copy;
        v->text.len = (u32)bytes;
        return canon_move(cx->inst, copy, cx->mem + ptr, bytes, e->kind);
    }
    if (!canon_spend(cx, length)) {
        return false;
    }
    new_items(cx, v, (u32)length);
    return canon_load_list_valid(cx, ptr, (u32)length, e, v->items);
}

static bool lift_fixed_list(struct cx *cx, const u8 *at, enum canon_layout l,
                            const struct canon_type *t, struct canon_value *v)
{
    if (!canon_spend(cx, t->length)) {
        return false;
    }
    new_items(cx, v, t->length);
    for (u32 i = 0; i < t->length; i++) {
        if (!canon_lift_value(cx, at + (u64)i * t->element->size[l], l, t->element, &v->items[i])) {
            return false;
        }
    }
    return true;
}

static bool lift_record(struct cx *cx, const u8 *at, enum canon_layout l,
                        const struct canon_type *t, struct canon_value *v)
{
    new_items(cx, v, t->field_count);
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_field *f = &t->fields[i];
        if (!canon_lift_value(cx, at + f->offset[l], l, f->type, &v->items[i])) {
            return false;
        }
    }
    return cx->is_show || canon_spend(cx, t->field_count);
}

bool canon_check_case(struct cx *cx, u32 index, const struct canon_type *t)
{
    if (index < t->field_count) {
        return true;
    }
    canon_fail(cx->store, cx->inst, "invalid variant discriminant");
    struct buf type = buf_in(&cx->store->arena);
    canon_type_print(&type, t);
    return canon_explain(cx->store, "%u, but the last case has %u: " STRF, index,
                         t->field_count - 1, STRA(buf_view(&type)));
}

static bool lift_variant(struct cx *cx, const u8 *at, enum canon_layout l,
                         const struct canon_type *t, struct canon_value *v)
{
    u32 index = (u32)load_int(at, canon_is_flat(l) ? 4 : t->disc_size);
    if (!canon_check_case(cx, index, t)) {
        return false;
    }
    const struct canon_field *c = &t->fields[index];
    v->index = index;
    v->payload = c->type ? arena_new(cx->arena, struct canon_value) : NULL;
    return !c->type || canon_lift_value(cx, at + c->offset[l], l, c->type, v->payload);
}

static u64 flags_mask(const struct canon_type *t)
{
    return ((u64)1 << t->field_count) - 1;
}

bool canon_lift_value(struct cx *cx, const u8 *at, enum canon_layout l, const struct canon_type *t,
                      struct canon_value *v)
{
    v->kind = (u8)t->kind;
    switch (t->kind) {
    case CANON_T_STRING:
        return canon_load_string(cx, canon_load_word(at, l, 0), canon_load_word(at, l, 1), v);
    case CANON_T_LIST:
    case CANON_T_MAP:
        return load_list(cx, canon_load_word(at, l, 0), canon_load_word(at, l, 1), t, v);
    case CANON_T_FIXED_LIST: return lift_fixed_list(cx, at, l, t, v);
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return lift_record(cx, at, l, t, v);
    case CANON_T_FLAGS: v->u = load_int(at, t->size[0]) & flags_mask(t); return true;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return lift_variant(cx, at, l, t, v);
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE: return canon_lift_handle(cx, (u32)load_int(at, 4), t, v);
    case CANON_T_BOOL: return lift_prim(cx, t->kind, load_int(at, canon_is_flat(l) ? 4 : 1), v);
    default: return lift_prim(cx, t->kind, load_int(at, t->size[0]), v);
    }
}

bool canon_lift_values(struct cx *cx, u32 max_flat, const u64 *slots, const struct canon_type *t,
                       struct canon_value *v)
{
    enum canon_layout l;
    const u8 *at = canon_lift_from(cx, max_flat, slots, t, &l);
    return at && canon_lift_value(cx, at, l, t, v);
}
