/* types.c - value types as data: layout (alignment, elem_size), flattening, equality, printing. */
#include "canon_internal.h"

#define CAP (1u << 28) /* a value's size stays below this */

#define NUMBER(bytes, core)                                                             \
    .size = {bytes, bytes}, .align = {bytes, bytes}, .flat_count = 1, .is_plain = true, \
    .flat = {{core}, {core}}
#define OTHER(bytes)                                                  \
    .size = {bytes, bytes}, .align = {bytes, bytes}, .flat_count = 1, \
    .flat = {{WASM_I32}, {WASM_I32}}

const struct canon_type canon_prims[] = {
    [CANON_T_BOOL] = {.kind = CANON_T_BOOL, OTHER(1)},
    [CANON_T_S8] = {.kind = CANON_T_S8, NUMBER(1, WASM_I32)},
    [CANON_T_U8] = {.kind = CANON_T_U8, NUMBER(1, WASM_I32)},
    [CANON_T_S16] = {.kind = CANON_T_S16, NUMBER(2, WASM_I32)},
    [CANON_T_U16] = {.kind = CANON_T_U16, NUMBER(2, WASM_I32)},
    [CANON_T_S32] = {.kind = CANON_T_S32, NUMBER(4, WASM_I32)},
    [CANON_T_U32] = {.kind = CANON_T_U32, NUMBER(4, WASM_I32)},
    [CANON_T_S64] = {.kind = CANON_T_S64, NUMBER(8, WASM_I64)},
    [CANON_T_U64] = {.kind = CANON_T_U64, NUMBER(8, WASM_I64)},
    [CANON_T_F32] = {.kind = CANON_T_F32, NUMBER(4, WASM_F32)},
    [CANON_T_F64] = {.kind = CANON_T_F64, NUMBER(8, WASM_F64)},
    [CANON_T_CHAR] = {.kind = CANON_T_CHAR, OTHER(4)},
    [CANON_T_STRING] = {.kind = CANON_T_STRING,
                        .size = {8, 16},
                        .align = {4, 8},
                        .flat_count = 2,
                        .flat = {{WASM_I32, WASM_I32}, {WASM_I64, WASM_I64}}},
    [CANON_T_ERROR_CONTEXT] = {.kind = CANON_T_ERROR_CONTEXT, OTHER(4), .has_handle = true},
};

const struct canon_type *canon_prim(enum canon_kind kind)
{
    return &canon_prims[kind];
}

struct canon_type *canon_type_new(struct arena *a, enum canon_kind kind)
{
    struct canon_type *t = arena_new(a, struct canon_type);
    t->kind = kind;
    return t;
}

static void inherit(struct canon_type *t, const struct canon_type *part)
{
    t->has_handle |= part->has_handle;
}

static void set_layout(struct canon_type *t, int p, u64 size, u32 align)
{
    u64 rounded = (size + align - 1) / align * align;
    t->size[p] = rounded < CAP ? (u32)rounded : CAP;
    t->align[p] = align;
}

static void set_flat(struct canon_type *t, int p, u32 at, u8 core)
{
    if (at < LENGTH_OF(t->flat[p])) {
        t->flat[p][at] = core;
    }
}

static u32 cap_flat(u64 n)
{
    return n < 1000 ? (u32)n : 1000;
}

/* n copies of `part` one after the other in flat form, from `at` on. */
static u32 append_flat(struct canon_type *t, u32 at, const struct canon_type *part)
{
    for (int p = 0; p < 2; p++) {
        for (u32 i = 0; i < part->flat_count && i < LENGTH_OF(part->flat[p]); i++) {
            set_flat(t, p, at + i, part->flat[p][i]);
        }
    }
    return cap_flat((u64)at + part->flat_count);
}

static void finish_record(struct canon_type *t)
{
    t->is_plain = true;
    for (int p = 0; p < 2; p++) {
        u64 size = 0;
        u32 align = 1;
        for (u32 i = 0; i < t->field_count; i++) {
            const struct canon_type *f = t->fields[i].type;
            size = (size + f->align[p] - 1) / f->align[p] * f->align[p];
            t->fields[i].offset[p] = size < CAP ? (u32)size : CAP;
            size += f->size[p];
            align = f->align[p] > align ? f->align[p] : align;
        }
        set_layout(t, p, size, align);
    }
    u32 flat = 0, used = 0;
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_type *f = t->fields[i].type;
        flat = append_flat(t, flat, f);
        inherit(t, f);
        /* NaNs in lists of floats are made canonical in one pass; within records field by field. */
        t->is_plain &= f->is_plain && f->kind != CANON_T_F32 && f->kind != CANON_T_F64;
        used += f->size[0];
    }
    t->is_plain &= used == t->size[0]; /* no holes, whose bytes would travel along */
    t->flat_count = flat;
}

static u8 join(u8 a, u8 b)
{
    if (a == b) {
        return a;
    }
    bool small = (a == WASM_I32 || a == WASM_F32) && (b == WASM_I32 || b == WASM_F32);
    return small ? WASM_I32 : WASM_I64;
}

static void finish_variant(struct canon_type *t)
{
    u32 n = t->field_count;
    t->disc_size = n <= 256 ? 1 : n <= 65536 ? 2 : 4;
    u32 flat = 0;
    for (int p = 0; p < 2; p++) {
        u32 align = 1;
        u64 size = 0;
        for (u32 i = 0; i < n; i++) {
            const struct canon_type *c = t->fields[i].type;
            if (c) {
                align = c->align[p] > align ? c->align[p] : align;
                size = c->size[p] > size ? c->size[p] : size;
            }
        }
        u32 offset = align_to(t->disc_size, align);
        for (u32 i = 0; i < n; i++) {
            t->fields[i].offset[p] = offset;
        }
        set_layout(t, p, offset + size, align > t->disc_size ? align : t->disc_size);
        set_flat(t, p, 0, WASM_I32);
        flat = 1;
        for (u32 i = 0; i < n; i++) {
            const struct canon_type *c = t->fields[i].type;
            for (u32 j = 0; c && j < c->flat_count && j < 15; j++) {
                bool is_new = 1 + j >= flat;
                set_flat(t, p, 1 + j,
                         is_new ? c->flat[p][j] : join(t->flat[p][1 + j], c->flat[p][j]));
                flat = is_new ? 2 + j : flat;
            }
        }
    }
    for (u32 i = 0; i < n; i++) {
        const struct canon_type *c = t->fields[i].type;
        if (c) {
            inherit(t, c);
            flat = 1 + c->flat_count > flat ? cap_flat(1 + (u64)c->flat_count) : flat;
        }
    }
    t->flat_count = flat;
}

static void finish_handle(struct canon_type *t)
{
    for (int p = 0; p < 2; p++) {
        set_layout(t, p, 4, 4);
        set_flat(t, p, 0, WASM_I32);
    }
    t->flat_count = 1;
    t->has_handle = true;
}

static void finish_list(struct canon_type *t)
{
    for (int p = 0; p < 2; p++) {
        set_layout(t, p, p ? 16 : 8, p ? 8 : 4);
        set_flat(t, p, 0, p ? WASM_I64 : WASM_I32);
        set_flat(t, p, 1, p ? WASM_I64 : WASM_I32);
    }
    t->flat_count = 2;
    if (t->element) {
        inherit(t, t->element);
    }
    for (u32 i = 0; i < t->field_count; i++) {
        inherit(t, t->fields[i].type);
    }
}

static void finish_fixed(struct canon_type *t)
{
    const struct canon_type *e = t->element;
    for (int p = 0; p < 2; p++) {
        set_layout(t, p, (u64)e->size[p] * t->length, e->align[p]);
    }
    u32 flat = 0;
    for (u32 i = 0; i < t->length && flat < 1000; i++) {
        flat = append_flat(t, flat, e);
    }
    t->flat_count = flat;
    t->is_plain = e->is_plain && e->kind != CANON_T_F32 && e->kind != CANON_T_F64;
    inherit(t, e);
}

bool canon_type_finish(struct canon_type *t)
{
    switch (t->kind) {
    case CANON_T_LIST:
    case CANON_T_MAP: finish_list(t); break;
    case CANON_T_FIXED_LIST: finish_fixed(t); break;
    case CANON_T_RECORD:
    case CANON_T_TUPLE: finish_record(t); break;
    case CANON_T_FLAGS: {
        u32 bytes = t->field_count <= 8 ? 1 : t->field_count <= 16 ? 2 : 4;
        for (int p = 0; p < 2; p++) {
            set_layout(t, p, bytes, bytes);
            set_flat(t, p, 0, WASM_I32);
        }
        t->flat_count = 1;
        break;
    }
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: finish_variant(t); break;
    default: finish_handle(t); break;
    }
    return t->size[0] < CAP && t->size[1] < CAP;
}

const struct canon_functype *canon_functype_new(struct arena *a, bool is_async,
                                                const struct canon_param *params, u32 count,
                                                const struct canon_type *result)
{
    struct functype *f = arena_new(a, struct functype);
    f->pub.is_async = is_async;
    f->pub.params = params;
    f->pub.param_count = count;
    f->pub.result = result;
    f->scalar = true;
    if (count) {
        struct canon_type *t = canon_type_new(a, CANON_T_TUPLE);
        t->fields = arena_array(a, struct canon_field, count);
        t->field_count = count;
        for (u32 i = 0; i < count; i++) {
            t->fields[i].type = params[i].type;
            f->scalar &= params[i].type->kind <= CANON_T_CHAR;
        }
        canon_type_finish(t);
        f->param_tuple = t;
        f->flat_params = t->flat_count;
    }
    if (result) {
        f->flat_results = result->flat_count;
        f->scalar &= result->kind <= CANON_T_CHAR;
    }
    f->scalar &= f->flat_params <= MAX_FLAT_ASYNC_PARAMS;
    return &f->pub;
}

bool canon_type_equal(const struct canon_type *a, const struct canon_type *b)
{
    if (a == b) {
        return true;
    }
    if (!a || !b || a->kind != b->kind || a->field_count != b->field_count ||
        a->length != b->length || a->resource != b->resource) {
        return false;
    }
    for (u32 i = 0; i < a->field_count; i++) {
        if (!str_eq(a->fields[i].name, b->fields[i].name) ||
            !canon_type_equal(a->fields[i].type, b->fields[i].type)) {
            return false;
        }
    }
    return canon_type_equal(a->element, b->element);
}

/* ---- Printing ------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {
    [CANON_T_BOOL] = "bool",       [CANON_T_S8] = "s8",
    [CANON_T_U8] = "u8",           [CANON_T_S16] = "s16",
    [CANON_T_U16] = "u16",         [CANON_T_S32] = "s32",
    [CANON_T_U32] = "u32",         [CANON_T_S64] = "s64",
    [CANON_T_U64] = "u64",         [CANON_T_F32] = "f32",
    [CANON_T_F64] = "f64",         [CANON_T_CHAR] = "char",
    [CANON_T_STRING] = "string",   [CANON_T_ERROR_CONTEXT] = "error-context",
    [CANON_T_LIST] = "list",       [CANON_T_FIXED_LIST] = "list",
    [CANON_T_MAP] = "map",         [CANON_T_RECORD] = "record",
    [CANON_T_TUPLE] = "tuple",     [CANON_T_FLAGS] = "flags",
    [CANON_T_VARIANT] = "variant", [CANON_T_ENUM] = "enum",
    [CANON_T_OPTION] = "option",   [CANON_T_RESULT] = "result",
    [CANON_T_OWN] = "own",         [CANON_T_BORROW] = "borrow",
    [CANON_T_STREAM] = "stream",   [CANON_T_FUTURE] = "future",
};

static void print_fields(struct buf *out, const struct canon_type *t)
{
    bool is_case = t->kind == CANON_T_VARIANT;
    buf_byte(out, '{');
    for (u32 i = 0; i < t->field_count; i++) {
        buf_c(out, i ? ", " : "");
        buf_str(out, t->fields[i].name);
        if (t->fields[i].type) {
            buf_c(out, is_case ? "(" : ": ");
            canon_type_print(out, t->fields[i].type);
            buf_c(out, is_case ? ")" : "");
        }
    }
    buf_byte(out, '}');
}

void canon_type_print(struct buf *out, const struct canon_type *t)
{
    if (!t) {
        buf_byte(out, '_');
        return;
    }
    if (t->kind == CANON_T_OWN) { /* its plain name means the same */
        buf_str(out, canon_resource_name(t->resource));
        return;
    }
    buf_c(out, kind_names[t->kind]);
    switch (t->kind) {
    case CANON_T_RECORD:
    case CANON_T_FLAGS:
    case CANON_T_VARIANT:
    case CANON_T_ENUM: print_fields(out, t); return;
    case CANON_T_BORROW:
        buf_byte(out, '<');
        buf_str(out, canon_resource_name(t->resource));
        buf_byte(out, '>');
        return;
    case CANON_T_RESULT:
        if (!t->fields[0].type && !t->fields[1].type) {
            return;
        }
        buf_byte(out, '<');
        canon_type_print(out, t->fields[0].type);
        if (t->fields[1].type) {
            buf_c(out, ", ");
            canon_type_print(out, t->fields[1].type);
        }
        buf_byte(out, '>');
        return;
    case CANON_T_OPTION:
        buf_byte(out, '<');
        canon_type_print(out, t->fields[1].type);
        buf_byte(out, '>');
        return;
    case CANON_T_TUPLE:
    case CANON_T_MAP:
        buf_byte(out, '<');
        for (u32 i = 0; i < t->field_count; i++) {
            buf_c(out, i ? ", " : "");
            canon_type_print(out, t->fields[i].type);
        }
        buf_byte(out, '>');
        return;
    default: break;
    }
    if (t->element) {
        buf_byte(out, '<');
        canon_type_print(out, t->element);
        if (t->kind == CANON_T_FIXED_LIST) {
            buf_printf(out, ", %u", t->length);
        }
        buf_byte(out, '>');
    }
}

void canon_functype_print(struct buf *out, const struct canon_functype *t)
{
    buf_c(out, t->is_async ? "async func(" : "func(");
    for (u32 i = 0; i < t->param_count; i++) {
        buf_c(out, i ? ", " : "");
        buf_str(out, t->params[i].name);
        buf_c(out, ": ");
        canon_type_print(out, t->params[i].type);
    }
    buf_byte(out, ')');
    if (t->result) {
        buf_c(out, " -> ");
        canon_type_print(out, t->result);
    }
}
