/* lower.c - from values to core values and memory: store, lower_flat, lower_flat_values. */
#include "canon_internal.h"

bool canon_reallocate(struct cx *cx, u64 old, u64 old_size, u32 align, u64 size, u64 *out)
{
    struct component_instance *i = cx->inst;
    if (!cx->opts->realloc || !cx->opts->memory) {
        return canon_fail(cx->store, i, "no realloc function to lower with");
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
    return fine;
}

bool canon_check_allocation(struct cx *cx, u64 ptr, u64 size, u32 align, const char *what)
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

/* allocate, and the checks of what realloc gave. */
static bool allocate(struct cx *cx, u32 align, u64 size, const char *what, u64 *out)
{
    if (!canon_reallocate(cx, 0, 0, align, size, out)) {
        return false;
    }
    return canon_check_allocation(cx, *out, size, align, what);
}

static void store_int(struct cx *cx, u64 v, u64 ptr, u32 bytes)
{
    memcpy(cx->mem + ptr, &v, bytes);
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

static bool lower_handle(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
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

/* ---- Storing ------------------------------------------------------------------------------------------- */

static u32 list_length(const struct canon_value *v, u32 element_size)
{
    return v->is_bytes ? v->text.len / element_size : v->count;
}

static bool store_pairs(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                        u64 ptr, u32 size)
{
    u8 p = cx->opts->p;
    const struct canon_type *k = t->fields[0].type, *x = t->fields[1].type;
    u32 at = align_to(k->size[p], x->align[p]);
    for (u32 i = 0; i < v->count; i++) {
        const struct canon_value *pair = v->items[i].items;
        u64 to = ptr + (u64)i * size;
        if (!canon_store_value(cx, &pair[0], k, to) ||
            !canon_store_value(cx, &pair[1], x, to + at)) {
            return false;
        }
    }
    return true;
}

bool canon_store_list_valid(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                            u64 ptr)
{
    u32 size = t->size[cx->opts->p];
    if (v->is_bytes) {
        memmove(cx->mem + ptr, v->text.ptr, v->text.len);
        return true;
    }
    for (u32 i = 0; i < v->count; i++) {
        if (!canon_store_value(cx, &v->items[i], t, ptr + (u64)i * size)) {
            return false;
        }
    }
    return true;
}

static bool store_list_into_range(struct cx *cx, const struct canon_value *v,
                                  const struct canon_type *t, u64 *ptr, u64 *length)
{
    u8 p = cx->opts->p;
    u32 size, align;
    if (t->kind == CANON_T_MAP) {
        const struct canon_type *k = t->fields[0].type, *x = t->fields[1].type;
        align = k->align[p] > x->align[p] ? k->align[p] : x->align[p];
        size = align_to(align_to(k->size[p], x->align[p]) + x->size[p], align);
    } else {
        size = t->element->size[p];
        align = t->element->align[p];
    }
    u32 n = list_length(v, size);
    u64 bytes = (u64)n * size;
    if (bytes > UINT32_MAX) {
        return canon_fail(cx->store, cx->inst, "list byte length exceeds maximum");
    }
    *length = n;
    return allocate(cx, align, bytes, "list", ptr) &&
           (t->kind == CANON_T_MAP ? store_pairs(cx, v, t, *ptr, size)
                                   : canon_store_list_valid(cx, v, t->element, *ptr));
}

static bool store_record(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                         u64 ptr)
{
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_field *f = &t->fields[i];
        if (!canon_store_value(cx, &v->items[i], f->type, ptr + f->offset[cx->opts->p])) {
            return false;
        }
    }
    return true;
}

static bool store_variant(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                          u64 ptr)
{
    const struct canon_field *c = &t->fields[v->index];
    store_int(cx, v->index, ptr, t->disc_size);
    return !c->type || canon_store_value(cx, v->payload, c->type, ptr + c->offset[cx->opts->p]);
}

bool canon_store_value(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                       u64 ptr)
{
    u8 p = cx->opts->p;
    switch (t->kind) {
    case CANON_T_STRING:
    case CANON_T_LIST:
    case CANON_T_MAP: {
        u32 word = p ? 8 : 4;
        u64 at, n;
        bool fine = t->kind == CANON_T_STRING ? canon_store_string(cx, v, &at, &n)
                                              : store_list_into_range(cx, v, t, &at, &n);
        if (!fine) {
            return false;
        }
        store_int(cx, at, ptr, word);
        store_int(cx, n, ptr + word, word);
        return true;
    }
    case CANON_T_FIXED_LIST: return canon_store_list_valid(cx, v, t->element, ptr);
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return store_record(cx, v, t, ptr);
    case CANON_T_FLAGS: store_int(cx, v->u, ptr, t->size[p]); return true;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return store_variant(cx, v, t, ptr);
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE: {
        u32 index;
        if (!lower_handle(cx, v, t, &index)) {
            return false;
        }
        store_int(cx, index, ptr, 4);
        return true;
    }
    default: store_int(cx, lower_prim(cx, v, t->kind), ptr, t->size[0]); return true;
    }
}

/* ---- Flat lowering -------------------------------------------------------------------------------------- */

static void put(u64 **out, u64 v)
{
    *(*out)++ = v;
}

static bool lower_flat_variant(struct cx *cx, const struct canon_value *v,
                               const struct canon_type *t, u64 **out)
{
    u64 *end = *out + t->flat_count;
    put(out, v->index);
    /* In joined slots narrower payloads are zero-extended bits already. */
    const struct canon_type *payload = t->fields[v->index].type;
    if (payload && !canon_lower_flat(cx, v->payload, payload, out)) {
        return false;
    }
    while (*out < end) {
        put(out, 0);
    }
    return true;
}

static bool lower_flat_items(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                             u64 **out)
{
    bool fixed = t->kind == CANON_T_FIXED_LIST;
    u32 n = fixed ? t->length : t->field_count;
    for (u32 i = 0; i < n; i++) {
        struct canon_value byte = {.kind = CANON_T_U8};
        const struct canon_value *item = &byte;
        if (v->is_bytes) {
            byte.u = (u8)v->text.ptr[i];
        } else {
            item = &v->items[i];
        }
        if (!canon_lower_flat(cx, item, fixed ? t->element : t->fields[i].type, out)) {
            return false;
        }
    }
    return true;
}

bool canon_lower_flat(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                      u64 **out)
{
    switch (t->kind) {
    case CANON_T_STRING:
    case CANON_T_LIST:
    case CANON_T_MAP: {
        u64 ptr, n;
        bool fine = t->kind == CANON_T_STRING ? canon_store_string(cx, v, &ptr, &n)
                                              : store_list_into_range(cx, v, t, &ptr, &n);
        put(out, ptr);
        put(out, n);
        return fine;
    }
    case CANON_T_FIXED_LIST:
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return lower_flat_items(cx, v, t, out);
    case CANON_T_FLAGS: put(out, (u32)v->u); return true;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: return lower_flat_variant(cx, v, t, out);
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE: {
        u32 index = 0;
        bool fine = lower_handle(cx, v, t, &index);
        put(out, index);
        return fine;
    }
    default: put(out, lower_prim(cx, v, t->kind)); return true;
    }
}

/* ---- Values ----------------------------------------------------------------------------------------------- */

bool canon_lower_params(struct cx *cx, const struct canon_value *values,
                        const struct canon_functype *ft, u64 *slots)
{
    const struct functype *f = functype_of(ft);
    u64 *out = slots;
    if (f->flat_params > MAX_FLAT_PARAMS) {
        u8 p = cx->opts->p;
        struct canon_value tuple = {.kind = CANON_T_TUPLE};
        tuple.items = (struct canon_value *)values;
        tuple.count = ft->param_count;
        u64 ptr;
        if (!allocate(cx, f->param_tuple->align[p], f->param_tuple->size[p], "parameter", &ptr)) {
            return false;
        }
        put(&out, ptr);
        return canon_store_value(cx, &tuple, f->param_tuple, ptr);
    }
    for (u32 i = 0; i < ft->param_count; i++) {
        if (!canon_lower_flat(cx, &values[i], ft->params[i].type, &out)) {
            return false;
        }
    }
    return true;
}

bool canon_lower_result(struct cx *cx, u32 max_flat, const struct canon_value *v,
                        const struct canon_functype *ft, const u64 *out_slot, u64 *slots)
{
    const struct canon_type *t = ft->result;
    if (!t) {
        return true;
    }
    if (functype_of(ft)->flat_results <= max_flat) {
        return canon_lower_flat(cx, v, t, &slots);
    }
    u8 p = cx->opts->p;
    u64 ptr = p ? *out_slot : (u32)*out_slot;
    return canon_check_range(cx, ptr, t->size[p], t->align[p], "pointer out of bounds of memory") &&
           canon_store_value(cx, v, t, ptr);
}
