/* lift.c - from core values and memory to values: load, lift_flat, lift_flat_values. */
#include "canon_internal.h"

struct cx canon_cx(struct canon_store *s, const struct options *o, struct component_instance *i)
{
    struct cx cx = {.store = s, .opts = o, .inst = i};
    cx.budget = s->config.max_values;
    cx_refresh(&cx);
    return cx;
}

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

static bool spend(struct cx *cx, u64 n)
{
    if (n > cx->budget) {
        return canon_fail(cx->store, cx->inst, "too many values in one call");
    }
    cx->budget -= n;
    return true;
}

/* A list may name one place in memory many times, and each copy takes room of its own. */
bool canon_spend_bytes(struct cx *cx, u64 n)
{
    return spend(cx, n / 32);
}

static u64 load_int(const struct cx *cx, u64 ptr, u32 bytes)
{
    u64 v = 0;
    memcpy(&v, cx->mem + ptr, bytes); /* little-endian hosts only, as is the whole of the engine */
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
    case CANON_T_CHAR:
        v->u = (u32)bits;
        if (v->u >= 0x110000 || (v->u >= 0xd800 && v->u <= 0xdfff)) {
            canon_fail(cx->store, cx->inst, "invalid `char` bit pattern");
            return canon_explain(cx->store,
                                 v->u >= 0x110000 ? "%#llx is above U+10FFFF, the last character"
                                                  : "U+%llX is a surrogate, no character",
                                 (unsigned long long)v->u);
        }
        return true;
    default: v->u = bits; return true;
    }
}

/* The way of a scalar through a call without becoming a value: lifted and lowered again. */
bool canon_lift_scalar(struct cx *cx, enum canon_kind kind, u64 slot, u64 *out)
{
    struct canon_value v = {0};
    if (!lift_prim(cx, kind, slot, &v)) {
        return false;
    }
    switch (kind) {
    case CANON_T_S8:
    case CANON_T_S16:
    case CANON_T_S32: *out = (u32)v.s; return true;
    case CANON_T_F32: *out = canon_lower_f32(cx->store, (u32)v.u); return true;
    case CANON_T_F64: *out = canon_lower_f64(cx->store, v.u); return true;
    default: *out = v.u; return true;
    }
}

struct canon_value canon_scalar_value(enum canon_kind kind, u64 slot)
{
    struct canon_value v = canon_u(kind, slot);
    switch (kind) {
    case CANON_T_S8: v.s = (i8)slot; break;
    case CANON_T_S16: v.s = (i16)slot; break;
    case CANON_T_S32: v.s = (i32)slot; break;
    default: break;
    }
    return v;
}

/* ---- Handles --------------------------------------------------------------------------------------- */

static bool lift_own(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v)
{
    struct handle *h = canon_handle_resource(cx->inst, index, t->resource);
    if (!h) {
        return false;
    }
    if (h->num_lends) {
        return canon_fail(cx->store, cx->inst, "cannot remove owned resource while borrowed");
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

static bool lift_handle(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v)
{
    switch (t->kind) {
    case CANON_T_OWN: return lift_own(cx, index, t, v);
    case CANON_T_BORROW: return lift_borrow(cx, index, t, v);
    case CANON_T_ERROR_CONTEXT: return lift_error_context(cx, index, v);
    default: return lift_async_value(cx, index, t, v);
    }
}

/* ---- Loading ----------------------------------------------------------------------------------------- */

static void load_items(struct cx *cx, const struct canon_type *t, struct canon_value *v, u32 n)
{
    v->kind = (u8)t->kind;
    v->count = n;
    v->items = n ? arena_array(cx->arena, struct canon_value, n) : NULL;
}

static bool load_pairs(struct cx *cx, u64 ptr, u32 n, const struct canon_type *t,
                       struct canon_value *items, u32 size)
{
    u8 p = cx->opts->p;
    u32 at = align_to(t->fields[0].type->size[p], t->fields[1].type->align[p]);
    for (u32 i = 0; i < n; i++) {
        struct canon_value *pair = arena_array(cx->arena, struct canon_value, 2);
        items[i] = canon_list(CANON_T_TUPLE, pair, 2);
        if (!canon_load_value(cx, ptr, t->fields[0].type, &pair[0]) ||
            !canon_load_value(cx, ptr + at, t->fields[1].type, &pair[1])) {
            return false;
        }
        ptr += size;
    }
    return true;
}

bool canon_load_list_valid(struct cx *cx, u64 ptr, u32 n, const struct canon_type *t,
                           struct canon_value *items)
{
    u32 size = t->size[cx->opts->p];
    for (u32 i = 0; i < n; i++) {
        if (!canon_load_value(cx, ptr + (u64)i * size, t, &items[i])) {
            return false;
        }
    }
    return true;
}

void canon_canonicalize(void *bytes, u64 n, enum canon_kind kind)
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

/* Plain elements as they stand in memory: a view where that is safe. NULL after a trap. */
static const char *load_bytes(struct cx *cx, u64 ptr, u64 n, enum canon_kind kind)
{
    bool is_float = kind == CANON_T_F32 || kind == CANON_T_F64;
    if (cx->views && !is_float) {
        return (const char *)cx->mem + ptr;
    }
    if (!canon_spend_bytes(cx, n)) {
        return NULL;
    }
    char *copy = arena_alloc(cx->arena, n);
    memcpy(copy, cx->mem + ptr, n);
    canon_canonicalize(copy, n, kind);
    return copy;
}

static bool load_list_from_range(struct cx *cx, u64 ptr, u64 length, const struct canon_type *t,
                                 struct canon_value *v)
{
    u8 p = cx->opts->p;
    const struct canon_type *e = t->element;
    u32 size, align;
    if (t->kind == CANON_T_MAP) {
        const struct canon_type *k = t->fields[0].type, *x = t->fields[1].type;
        align = k->align[p] > x->align[p] ? k->align[p] : x->align[p];
        size = align_to(align_to(k->size[p], x->align[p]) + x->size[p], align);
    } else {
        size = e->size[p];
        align = e->align[p];
    }
    if (length > MAX_LIST_BYTE_LENGTH || length * size > MAX_LIST_BYTE_LENGTH) {
        return canon_fail(cx->store, cx->inst, "list byte length exceeds maximum");
    }
    if (!canon_check_range(cx, ptr, length * size, align, "list content out-of-bounds")) {
        return false;
    }
    u32 n = (u32)length;
    v->kind = (u8)t->kind;
    if (t->kind == CANON_T_LIST && e->is_plain && (cx->for_guest || e->kind <= CANON_T_U8)) {
        v->is_bytes = 1;
        v->text.ptr = load_bytes(cx, ptr, length * size, e->kind);
        v->text.len = n * size;
        return v->text.ptr != NULL;
    }
    if (!spend(cx, n)) {
        return false;
    }
    load_items(cx, t, v, n);
    return t->kind == CANON_T_MAP ? load_pairs(cx, ptr, n, t, v->items, size)
                                  : canon_load_list_valid(cx, ptr, n, e, v->items);
}

static bool load_record(struct cx *cx, u64 ptr, const struct canon_type *t, struct canon_value *v)
{
    load_items(cx, t, v, t->field_count);
    for (u32 i = 0; i < t->field_count; i++) {
        if (!canon_load_value(cx, ptr + t->fields[i].offset[cx->opts->p], t->fields[i].type,
                              &v->items[i])) {
            return false;
        }
    }
    return spend(cx, t->field_count);
}

static bool lift_case(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v)
{
    if (index >= t->field_count) {
        canon_fail(cx->store, cx->inst, "invalid variant discriminant");
        struct buf type = buf_in(&cx->store->arena);
        canon_type_print(&type, t);
        return canon_explain(cx->store, "%u, but the last case has %u: " STRF, index,
                             t->field_count - 1, STRA(buf_view(&type)));
    }
    v->kind = (u8)t->kind;
    v->index = index;
    v->payload = t->fields[index].type ? arena_new(cx->arena, struct canon_value) : NULL;
    return true;
}

static bool load_variant(struct cx *cx, u64 ptr, const struct canon_type *t, struct canon_value *v)
{
    u32 index = (u32)load_int(cx, ptr, t->disc_size);
    if (!lift_case(cx, index, t, v)) {
        return false;
    }
    const struct canon_field *c = &t->fields[index];
    return !c->type || canon_load_value(cx, ptr + c->offset[cx->opts->p], c->type, v->payload);
}

static u64 flags_mask(const struct canon_type *t)
{
    return t->field_count >= 64 ? UINT64_MAX : ((u64)1 << t->field_count) - 1;
}

bool canon_load_value(struct cx *cx, u64 ptr, const struct canon_type *t, struct canon_value *v)
{
    u8 p = cx->opts->p;
    u32 word = p ? 8 : 4;
    v->kind = (u8)t->kind;
    switch (t->kind) {
    case CANON_T_STRING:
        return canon_load_string(cx, load_int(cx, ptr, word), load_int(cx, ptr + word, word), v);
    case CANON_T_LIST:
    case CANON_T_MAP:
        return load_list_from_range(cx, load_int(cx, ptr, word), load_int(cx, ptr + word, word), t,
                                    v);
    case CANON_T_FIXED_LIST:
        if (!spend(cx, t->length)) {
            return false;
        }
        load_items(cx, t, v, t->length);
        return canon_load_list_valid(cx, ptr, t->length, t->element, v->items);
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return load_record(cx, ptr, t, v);
    case CANON_T_FLAGS: v->u = load_int(cx, ptr, t->size[p]) & flags_mask(t); return true;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return load_variant(cx, ptr, t, v);
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE: return lift_handle(cx, (u32)load_int(cx, ptr, 4), t, v);
    default: return lift_prim(cx, t->kind, load_int(cx, ptr, t->size[0]), v);
    }
}

/* ---- Flat lifting --------------------------------------------------------------------------------------- */

static u64 next(const u64 **vi)
{
    return *(*vi)++;
}

/* A pointer or a length: the slot's upper half counts only with 64-bit pointers (the slot may be a joined one). */
static u64 next_ptr(const struct cx *cx, const u64 **vi)
{
    u64 x = next(vi);
    return cx->opts->p ? x : (u32)x;
}

static bool lift_flat_variant(struct cx *cx, const u64 **vi, const struct canon_type *t,
                              struct canon_value *v)
{
    const u64 *end = *vi + t->flat_count;
    u32 index = (u32)next(vi);
    if (!lift_case(cx, index, t, v)) {
        return false;
    }
    /* Joined slots hold the same bits: an f32 in an i64 slot is its low half. */
    if (v->payload && !canon_lift_flat(cx, vi, t->fields[index].type, v->payload)) {
        return false;
    }
    *vi = end;
    return true;
}

bool canon_lift_flat(struct cx *cx, const u64 **vi, const struct canon_type *t,
                     struct canon_value *v)
{
    v->kind = (u8)t->kind;
    switch (t->kind) {
    case CANON_T_STRING: {
        u64 ptr = next_ptr(cx, vi);
        return canon_load_string(cx, ptr, next_ptr(cx, vi), v);
    }
    case CANON_T_LIST:
    case CANON_T_MAP: {
        u64 ptr = next_ptr(cx, vi);
        return load_list_from_range(cx, ptr, next_ptr(cx, vi), t, v);
    }
    case CANON_T_FIXED_LIST:
        load_items(cx, t, v, t->length);
        for (u32 i = 0; i < t->length; i++) {
            if (!canon_lift_flat(cx, vi, t->element, &v->items[i])) {
                return false;
            }
        }
        return true;
    case CANON_T_RECORD:
    case CANON_T_TUPLE:
        load_items(cx, t, v, t->field_count);
        for (u32 i = 0; i < t->field_count; i++) {
            if (!canon_lift_flat(cx, vi, t->fields[i].type, &v->items[i])) {
                return false;
            }
        }
        return true;
    case CANON_T_FLAGS: v->u = next(vi) & flags_mask(t) & UINT32_MAX; return true;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return lift_flat_variant(cx, vi, t, v);
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE: return lift_handle(cx, (u32)next(vi), t, v);
    default: return lift_prim(cx, t->kind, next(vi), v);
    }
}

/* ---- Values -------------------------------------------------------------------------------------------------- */

static bool spilled(struct cx *cx, u64 ptr, const struct canon_type *t)
{
    u8 p = cx->opts->p;
    ptr = p ? ptr : (u32)ptr;
    return canon_check_range(cx, ptr, t->size[p], t->align[p], "pointer out of bounds of memory");
}

bool canon_lift_params(struct cx *cx, u32 max_flat, const u64 *slots,
                       const struct canon_functype *ft, struct canon_value *values)
{
    const struct functype *f = functype_of(ft);
    if (f->flat_params > max_flat) {
        u64 ptr = cx->opts->p ? slots[0] : (u32)slots[0];
        struct canon_value tuple = {0};
        if (!spilled(cx, ptr, f->param_tuple) ||
            !canon_load_value(cx, ptr, f->param_tuple, &tuple)) {
            return false;
        }
        memcpy(values, tuple.items, ft->param_count * sizeof *values);
        return true;
    }
    const u64 *vi = slots;
    for (u32 i = 0; i < ft->param_count; i++) {
        if (!canon_lift_flat(cx, &vi, ft->params[i].type, &values[i])) {
            return false;
        }
    }
    return true;
}

bool canon_lift_result(struct cx *cx, u32 max_flat, const u64 *slots,
                       const struct canon_functype *ft, struct canon_value *v)
{
    if (!ft->result) {
        return true;
    }
    if (functype_of(ft)->flat_results > max_flat) {
        u64 ptr = cx->opts->p ? slots[0] : (u32)slots[0];
        return spilled(cx, ptr, ft->result) && canon_load_value(cx, ptr, ft->result, v);
    }
    const u64 *vi = slots;
    return canon_lift_flat(cx, &vi, ft->result, v);
}
