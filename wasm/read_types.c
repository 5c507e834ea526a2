/* read_types.c - reads the types of core modules. */
#include "reader.h"

/* ---- Value types ----------------------------------------------------------------------------- */

/* The feature that an abstract heap type came with. */
static enum feature heap_feature(enum wasm_heap heap)
{
    switch (heap) {
    case HEAP_FUNC:
    case HEAP_EXTERN: return FEATURE_REFERENCE_TYPES;
    case HEAP_EXN:
    case HEAP_NOEXN: return FEATURE_EXCEPTIONS;
    case HEAP_CONT:
    case HEAP_NOCONT: return FEATURE_STACK_SWITCHING;
    default: return FEATURE_GC;
    }
}

static void gate_type(struct wasm_reader *r, const u8 *at, wasm_valtype t)
{
    if (t == WASM_V128) {
        wasm_rd_gate(r, at, FEATURE_SIMD, "vector type");
    }
    if (!wasm_is_ref(t)) {
        return;
    }
    if (wasm_is_concrete(t) || !wasm_is_nullable(t)) {
        wasm_rd_gate(r, at, FEATURE_FUNCTION_REFERENCES, "typed reference");
    }
    if (t & WASM_REF_EXACT) {
        wasm_rd_gate(r, at, FEATURE_CUSTOM_DESCRIPTORS, "exact reference type");
    }
    if (wasm_is_shared_ref(t)) {
        wasm_rd_gate(r, at, FEATURE_SHARED_EVERYTHING, "shared reference type");
    }
    if (!wasm_is_concrete(t)) {
        wasm_rd_gate(r, at, heap_feature((enum wasm_heap)wasm_heap_of(t)), "reference type");
    }
}

wasm_valtype wasm_rd_valtype(struct wasm_reader *r)
{
    const u8 *at = r->c.at;
    wasm_valtype t = wasm_get_valtype(&r->c);
    gate_type(r, at, t);
    return t;
}

wasm_valtype wasm_rd_reftype(struct wasm_reader *r)
{
    const u8 *at = r->c.at;
    wasm_valtype t = wasm_get_reftype(&r->c);
    if (t != WASM_FUNCREF) { /* that one was there from the start, in tables */
        gate_type(r, at, t);
    }
    return t;
}

/* ---- Type definitions ------------------------------------------------------------------------- */

static const wasm_valtype *read_valtypes(struct wasm_reader *r, u32 *count)
{
    u32 n = wasm_get_count(&r->c, 1);
    wasm_valtype *types = arena_array(r->a, wasm_valtype, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        types[i] = wasm_rd_valtype(r);
    }
    *count = n;
    return types;
}

static u8 peek(const struct wasm_reader *r)
{
    return r->c.at == r->c.end ? 0 : *r->c.at;
}

static struct wasm_field read_field(struct wasm_reader *r)
{
    struct wasm_field f = {0};
    u8 storage = peek(r);
    if (storage == WASM_I8 || storage == WASM_I16) {
        f.type = wasm_get_byte(&r->c);
    } else {
        f.type = wasm_rd_valtype(r);
    }
    u8 mutable = wasm_get_byte(&r->c);
    if (mutable > 1) {
        wasm_rd_fail(r, r->c.at - 1, "malformed mutability");
    }
    f.is_mutable = mutable == 1;
    return f;
}

static void read_fields(struct wasm_reader *r, u32 n, struct wasm_type *out)
{
    struct wasm_field *fields = arena_array(r->a, struct wasm_field, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        fields[i] = read_field(r);
    }
    out->fields = fields;
    out->field_count = n;
}

static void read_comptype(struct wasm_reader *r, struct wasm_type *out)
{
    const u8 *at = r->c.at;
    u8 form = wasm_get_byte(&r->c);
    switch (form) {
    case 0x60:
        out->kind = COMPTYPE_FUNC;
        out->func.params = read_valtypes(r, &out->func.param_count);
        out->func.results = read_valtypes(r, &out->func.result_count);
        return;
    case 0x5f:
        wasm_rd_gate(r, at, FEATURE_GC, "struct type");
        out->kind = COMPTYPE_STRUCT;
        read_fields(r, wasm_get_count(&r->c, 2), out);
        return;
    case 0x5e:
        wasm_rd_gate(r, at, FEATURE_GC, "array type");
        out->kind = COMPTYPE_ARRAY;
        read_fields(r, 1, out);
        return;
    case 0x5d: {
        wasm_rd_gate(r, at, FEATURE_STACK_SWITCHING, "continuation type");
        out->kind = COMPTYPE_CONT;
        i64 index = wasm_get_s33(&r->c);
        if (index < 0) {
            wasm_rd_fail(r, at + 1, "malformed continuation type");
        }
        out->cont = (u32)index;
        return;
    }
    default: wasm_rd_bad_byte(r, form, "type");
    }
}

void wasm_rd_subtype(struct wasm_reader *r, struct wasm_type *out)
{
    const u8 *start = r->c.at;
    out->is_final = true;
    if (peek(r) == 0x50 || peek(r) == 0x4f) {
        wasm_rd_gate(r, start, FEATURE_GC, "subtype");
        out->is_final = wasm_get_byte(&r->c) == 0x4f;
        const u8 *at = r->c.at;
        u32 supers = wasm_get_u32(&r->c);
        if (supers > 1) {
            wasm_rd_fail(r, at, "a type has at most one supertype, not %u", supers);
        } else if (supers == 1) {
            out->has_super = true;
            out->super = wasm_get_u32(&r->c);
        }
    }
    if (peek(r) == 0x65) {
        wasm_rd_gate(r, r->c.at, FEATURE_SHARED_EVERYTHING, "shared type");
        out->is_shared = wasm_get_byte(&r->c) != 0;
    }
    if (peek(r) == 0x4c) {
        wasm_rd_gate(r, r->c.at, FEATURE_CUSTOM_DESCRIPTORS, "descriptor type");
        out->has_describes = wasm_get_byte(&r->c) != 0;
        out->describes = wasm_get_u32(&r->c);
    }
    if (peek(r) == 0x4d) {
        wasm_rd_gate(r, r->c.at, FEATURE_CUSTOM_DESCRIPTORS, "type with a descriptor");
        out->has_descriptor = wasm_get_byte(&r->c) != 0;
        out->descriptor = wasm_get_u32(&r->c);
    }
    read_comptype(r, out);
    out->at = wasm_rd_span(r, start);
}

bool wasm_rd_rectype(struct wasm_reader *r, wasm_type_vec *types)
{
    u32 start = types->len, count = 1;
    bool group = peek(r) == 0x4e;
    if (group) {
        wasm_rd_gate(r, r->c.at, FEATURE_GC, "recursion group");
        wasm_get_byte(&r->c);
        count = wasm_get_count(&r->c, 2);
    }
    for (u32 i = 0; i < count && !r->c.failed; i++) {
        if (types->len >= WASM_MAX_TYPES) {
            wasm_rd_fail(r, r->c.at, "types count exceeds limit of %u", WASM_MAX_TYPES);
            break;
        }
        struct wasm_type *t = vec_push(r->a, types);
        wasm_rd_subtype(r, t);
        t->rec_start = start;
        t->rec_count = count;
        t->explicit_rec = group;
    }
    return group;
}

/* ---- Types of imports and definitions ---------------------------------------------------------- */

enum { LIMITS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4, LIMITS_PAGE_SIZE = 8 };

struct wasm_limits wasm_rd_limits(struct wasm_reader *r, bool table)
{
    const u8 *at = r->c.at;
    u8 flags = wasm_get_byte(&r->c);
    struct wasm_limits l = {.page_size_log2 = 16};
    if (flags & ~(LIMITS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE_SIZE) ||
        (table && flags & LIMITS_PAGE_SIZE)) {
        wasm_rd_fail(r, at, "malformed limits flags");
        return l;
    }
    l.has_max = flags & LIMITS_MAX;
    l.is_shared = flags & LIMITS_SHARED;
    l.is_64 = flags & LIMITS_64;
    l.has_page_size = flags & LIMITS_PAGE_SIZE;
    if (l.is_shared) {
        wasm_rd_gate(r, at, table ? FEATURE_SHARED_EVERYTHING : FEATURE_THREADS,
                     table ? "shared table" : "shared memory");
    }
    if (l.is_64) {
        wasm_rd_gate(r, at, FEATURE_MEMORY64, table ? "64-bit table" : "64-bit memory");
    }
    if (l.has_page_size) {
        wasm_rd_gate(r, at, FEATURE_CUSTOM_PAGE_SIZES, "custom page size");
    }
    bool wide = features_has(r->features, FEATURE_MEMORY64);
    l.min = wide ? wasm_get_u64(&r->c) : wasm_get_u32(&r->c);
    if (l.has_max) {
        l.max = wide ? wasm_get_u64(&r->c) : wasm_get_u32(&r->c);
    }
    if (l.has_page_size) {
        at = r->c.at;
        u32 log2 = wasm_get_u32(&r->c);
        if (log2 > 63) {
            wasm_rd_fail(r, at, "invalid custom page size");
        }
        l.page_size_log2 = (u8)log2;
    }
    return l;
}

struct wasm_tabletype wasm_rd_tabletype(struct wasm_reader *r)
{
    struct wasm_tabletype t;
    t.element = wasm_rd_reftype(r);
    t.limits = wasm_rd_limits(r, true);
    return t;
}

struct wasm_globaltype wasm_rd_globaltype(struct wasm_reader *r)
{
    struct wasm_globaltype g = {0};
    g.type = wasm_rd_valtype(r);
    const u8 *at = r->c.at;
    u8 flags = wasm_get_byte(&r->c);
    if (flags > 3) {
        wasm_rd_fail(r, at, "malformed mutability");
    }
    g.is_mutable = flags & 1;
    g.is_shared = flags & 2;
    if (g.is_shared) {
        wasm_rd_gate(r, at, FEATURE_SHARED_EVERYTHING, "shared global");
    }
    return g;
}

u32 wasm_rd_tagtype(struct wasm_reader *r)
{
    const u8 *at = r->c.at;
    wasm_rd_gate(r, at, FEATURE_EXCEPTIONS, "tag");
    if (wasm_get_byte(&r->c) != 0) {
        wasm_rd_fail(r, at, "malformed tag attribute");
    }
    return wasm_get_u32(&r->c);
}

struct wasm_externtype wasm_rd_externtype(struct wasm_reader *r)
{
    struct wasm_externtype t = {0};
    const u8 *at = r->c.at;
    u8 kind = wasm_get_byte(&r->c);
    switch (kind) {
    case 0x20:
        wasm_rd_gate(r, at, FEATURE_CUSTOM_DESCRIPTORS, "exact function type");
        t.exact = true;
        t.type = wasm_get_u32(&r->c);
        break;
    case EXTERN_FUNC: t.type = wasm_get_u32(&r->c); break;
    case EXTERN_TABLE: t.table = wasm_rd_tabletype(r); break;
    case EXTERN_MEMORY: t.memory = wasm_rd_limits(r, false); break;
    case EXTERN_GLOBAL: t.global = wasm_rd_globaltype(r); break;
    case EXTERN_TAG: t.type = wasm_rd_tagtype(r); break;
    default: wasm_rd_fail(r, at, "malformed import kind 0x%x", kind);
    }
    t.kind = t.exact ? EXTERN_FUNC : (enum wasm_extern)kind;
    return t;
}

struct wasm_import wasm_rd_import(struct wasm_reader *r)
{
    struct wasm_import i = {0};
    const u8 *start = r->c.at;
    i.module = wasm_get_name(&r->c);
    i.name = wasm_get_name(&r->c);
    i.type = wasm_rd_externtype(r);
    i.at = wasm_rd_span(r, start);
    return i;
}
