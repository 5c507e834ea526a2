/* lower.c - from values to core values and memory: what realloc gives, handles, and values of hosts (store, lower_flat, which are one). */
#include "transfer.h"

static bool check_allocation(struct cx *cx, u64 ptr, u64 size, u32 align, const char *what)
{
    bool odd = (ptr & (align - 1)) != 0;
    if (!odd && ptr <= cx->size && size <= cx->size - ptr) {
        return true;
    }
    if (odd) {
        canon_fail(cx->store, cx->inst, "unaligned pointer (realloc return: result not aligned)");
    } else {
        canon_fail(cx->store, cx->inst,
                   "%s content out-of-bounds (realloc return: beyond end of memory)", what);
    }
    return canon_explain(cx->store,
                         "asked for %llu bytes aligned to %u, it gave address %llu of a memory of "
                         "%llu bytes",
                         (unsigned long long)size, align, (unsigned long long)ptr,
                         (unsigned long long)cx->size);
}

bool canon_reallocate(struct cx *cx, u64 old, u64 old_size, u32 align, u64 size, const char *what,
                      u64 *out)
{
    struct component_instance *i = cx->inst;
    if (!cx->opts->realloc || !cx->opts->memory) {
        return canon_fail(cx->store, i, "no realloc function to lower with");
    }
    if (!canon_goes_on(cx->store, i, size / TURN_BYTES)) {
        return false;
    }
    u64 slots[4] = {old, old_size, align, size};
    u64 storage[2] = {0, 0}; /* realloc is called as a new thread */
    u64 *outer = cx->store->context;
    bool may_leave = i->may_leave;
    cx->store->context = storage;
    i->may_leave = false;
    bool fine = canon_call_core(i, cx->opts->realloc, slots, 1);
    i->may_leave = may_leave;
    cx->store->context = outer;
    cx_refresh(cx);
    *out = cx->opts->p ? slots[0] : (u32)slots[0];
    return fine && check_allocation(cx, *out, size, align, what);
}

u64 canon_lower_f32(struct canon_store *s, u32 bits)
{
    if ((bits & 0x7fffffff) <= 0x7f800000) {
        return bits;
    }
    return canon_choose(s, CHOICE_NAN, 2) ? 0xffedcba9 : 0x7fc00000;
}

u64 canon_lower_f64(struct canon_store *s, u64 bits)
{
    if ((bits & 0x7fffffffffffffff) <= 0x7ff0000000000000) {
        return bits;
    }
    return canon_choose(s, CHOICE_NAN, 2) ? 0xfffdcba987654321 : 0x7ff8000000000000;
}

/* The bits of a number, bool or char. */
static u64 lower_prim(struct cx *cx, const struct canon_value *v, enum canon_kind kind)
{
    switch (kind) {
    case CANON_T_F32: {
        u32 bits;
        memcpy(&bits, &v->f32, 4);
        return canon_lower_f32(cx->store, bits);
    }
    case CANON_T_F64: return canon_lower_f64(cx->store, v->u);
    case CANON_T_S8:
    case CANON_T_S16:
    case CANON_T_S32: return (u32)v->s;
    default: return v->u;
    }
}

/* ---- Handles ----------------------------------------------------------------------------------------- */

static bool lower_own(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                      u32 *index)
{
    struct handle h = {.kind = HANDLE_RESOURCE, .own = true};
    h.rt = t->resource;
    h.rep = v->rep;
    *index = canon_handle_add(cx->inst, h);
    return *index != 0;
}

static bool lower_borrow(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                         u32 *index)
{
    if (cx->inst == t->resource->impl) {
        *index = (u32)v->rep;
        return true;
    }
    if (!cx->borrow_scope) {
        return canon_fail(cx->store, cx->inst, "a borrow cannot be lowered here");
    }
    struct handle h = {.kind = HANDLE_RESOURCE};
    h.rt = t->resource;
    h.rep = v->rep;
    h.borrow_scope = cx->borrow_scope;
    *index = canon_handle_add(cx->inst, h);
    cx->borrow_scope->num_borrows += *index != 0;
    return *index != 0;
}

static bool lower_async_value(struct cx *cx, const struct canon_value *v,
                              const struct canon_type *t, u32 *index)
{
    struct canon_end *e = v->end;
    if (!e || e->is_writable || e->is_stream != (t->kind == CANON_T_STREAM) ||
        e->state != END_IDLE || e->owner || e->buffer.active ||
        !canon_type_equal(e->element, t->element)) {
        return canon_fail(cx->store, cx->inst, "a host gave an unfit end of a stream or future");
    }
    struct handle h = {.kind = HANDLE_END};
    h.end = e;
    e->owner = cx->inst;
    e->index = *index = canon_handle_add(cx->inst, h);
    return *index != 0;
}

bool canon_lower_handle(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                        u32 *index)
{
    switch (t->kind) {
    case CANON_T_OWN: return lower_own(cx, v, t, index);
    case CANON_T_BORROW: return lower_borrow(cx, v, t, index);
    case CANON_T_ERROR_CONTEXT: {
        struct handle h = {.kind = HANDLE_ERROR};
        h.error = v->error;
        *index = canon_handle_add(cx->inst, h);
        return *index != 0;
    }
    default: return lower_async_value(cx, v, t, index);
    }
}

/* ---- Values ------------------------------------------------------------------------------------------- */

/* `at` is a place in memory, or among the cells of cx. Memory may move whenever realloc is called. */
static void store_int(struct cx *cx, u64 at, enum canon_layout l, u64 v, u32 bytes)
{
    memcpy((canon_is_flat(l) ? cx->cells : cx->mem) + at, &v, bytes);
}

static bool lower_pair(struct cx *cx, u64 at, enum canon_layout l, u64 ptr, u64 length)
{
    canon_store_words((canon_is_flat(l) ? cx->cells : cx->mem) + at, l, ptr, length);
    return true;
}

static bool store_elements(struct cx *cx, const struct canon_value *v, const struct canon_type *e,
                           u64 at, enum canon_layout l)
{
    u32 n = v->is_bytes ? v->text.len : v->count;
    if (v->is_bytes && !canon_is_flat(l)) {
        return canon_move(cx->inst, cx->mem + at, v->text.ptr, n, CANON_T_U8);
    }
    for (u32 i = 0; i < n; i++) {
        u64 to = at + (u64)i * e->size[l];
        if (v->is_bytes) {
            store_int(cx, to, l, (u8)v->text.ptr[i], 1);
        } else if (!canon_lower_value(cx, &v->items[i], e, to, l) ||
                   ((i + 1) % BETWEEN_LOOKS == 0 && !canon_look(cx->inst))) {
            return false;
        }
    }
    return true;
}

bool canon_store_list_valid(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                            u64 ptr)
{
    return store_elements(cx, v, t, ptr, cx->opts->p);
}

/* store_list_into_range */
static bool store_list(struct cx *cx, const struct canon_value *v, const struct canon_type *e,
                       u64 *ptr, u64 *length)
{
    u32 size = e->size[cx->opts->p];
    *length = v->is_bytes ? v->text.len / size : v->count;
    if (*length * size > UINT32_MAX) {
        return canon_fail(cx->store, cx->inst, "list byte length exceeds maximum");
    }
    return canon_reallocate(cx, 0, 0, e->align[cx->opts->p], *length * size, "list", ptr) &&
           store_elements(cx, v, e, *ptr, cx->opts->p);
}

static bool lower_record(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                         u64 at, enum canon_layout l)
{
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_field *f = &t->fields[i];
        if (!canon_lower_value(cx, &v->items[i], f->type, at + f->offset[l], l)) {
            return false;
        }
    }
    return true;
}

static bool lower_variant(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                          u64 at, enum canon_layout l)
{
    const struct canon_field *c = &t->fields[v->index];
    store_int(cx, at, l, v->index, t->disc_size);
    return !c->type || canon_lower_value(cx, v->payload, c->type, at + c->offset[l], l);
}

bool canon_lower_value(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                       u64 at, enum canon_layout l)
{
    u64 ptr, n;
    u32 index;
    switch (t->kind) {
    case CANON_T_STRING: {
        struct text text = canon_text_of(v);
        return canon_store_string(cx, &text, &ptr, &n) && lower_pair(cx, at, l, ptr, n);
    }
    case CANON_T_LIST:
    case CANON_T_MAP:
        return store_list(cx, v, t->element, &ptr, &n) && lower_pair(cx, at, l, ptr, n);
    case CANON_T_FIXED_LIST: return store_elements(cx, v, t->element, at, l);
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return lower_record(cx, v, t, at, l);
    case CANON_T_FLAGS: store_int(cx, at, l, v->u, t->size[0]); return true;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return lower_variant(cx, v, t, at, l);
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE:
        if (!canon_lower_handle(cx, v, t, &index)) {
            return false;
        }
        store_int(cx, at, l, index, 4);
        return true;
    default: {
        u32 size = t->size[0];
        store_int(cx, at, l, lower_prim(cx, v, t->kind), canon_is_flat(l) && size < 4 ? 4 : size);
        return true;
    }
    }
}

/* ---- Places ---------------------------------------------------------------------------------------------- */

bool canon_place_params(struct cx *cx, const struct canon_type *t, u64 *slots, u64 *at,
                        enum canon_layout *l)
{
    u8 p = cx->opts->p;
    cx->cells = (u8 *)slots;
    *at = 0;
    *l = CANON_FLAT_32 + p;
    if (t->flat_count <= MAX_FLAT_PARAMS) {
        return true;
    }
    *l = p;
    if (!canon_reallocate(cx, 0, 0, t->align[p], t->size[p], "parameter", at)) {
        return false;
    }
    slots[0] = *at;
    return true;
}

bool canon_place_result(struct cx *cx, u32 max_flat, const struct canon_type *t,
                        const u64 *out_slot, u64 *slots, u64 *at, enum canon_layout *l)
{
    u8 p = cx->opts->p;
    cx->cells = (u8 *)slots;
    *at = 0;
    *l = CANON_FLAT_32 + p;
    if (t->flat_count <= max_flat) {
        return true;
    }
    *l = p;
    *at = p ? *out_slot : (u32)*out_slot;
    return canon_check_range(cx, *at, t->size[p], t->align[p], "pointer out of bounds of memory");
}
