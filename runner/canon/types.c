/* types.c - value types as data: layout (alignment, elem_size), flattening, equality, printing. */
#include "canon_internal.h"

#define CAP (1u << 28) /* a value's size stays below this */

#define CELL 8

#define CORE(bytes, core)                                                                     \
    .size = {bytes, bytes, CELL, CELL}, .align = {bytes, bytes, CELL, CELL}, .flat_count = 1, \
    .flat = {{core}, {core}}
#define NUMBER(bytes, core) CORE(bytes, core), .is_plain = true
#define OTHER(bytes)        CORE(bytes, WASM_I32)

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
                        .size = {8, 16, 2 * CELL, 2 * CELL},
                        .align = {4, 8, CELL, CELL},
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
    if (kind == CANON_T_MAP) {
        t->element = canon_type_new(a, CANON_T_TUPLE);
    }
    return t;
}

static void inherit(struct canon_type *t, const struct canon_type *part)
{
    t->has_handle |= part->has_handle;
}

static void set_layout(struct canon_type *t, int l, u64 size, u32 align)
{
    u64 rounded = (size + align - 1) / align * align;
    t->size[l] = rounded < CAP ? (u32)rounded : CAP;
    t->align[l] = align;
}

static void set_scalar(struct canon_type *t, u32 bytes)
{
    for (int l = 0; l < CANON_LAYOUTS; l++) {
        u32 size = l < CANON_FLAT_32 ? bytes : CELL;
        set_layout(t, l, size, size);
    }
    t->flat[0][0] = t->flat[1][0] = WASM_I32;
}

/* The core types of `part` from `at` on. */
static void set_flat(struct canon_type *t, u32 at, const struct canon_type *part)
{
    for (u32 i = 0; i < part->flat_count && at + i < LENGTH_OF(t->flat[0]); i++) {
        for (int p = 0; p < 2; p++) {
            t->flat[p][at + i] = part->flat[p][i];
        }
    }
}

static void finish_record(struct canon_type *t)
{
    for (int l = 0; l < CANON_LAYOUTS; l++) {
        u64 size = 0;
        u32 align = 1;
        for (u32 i = 0; i < t->field_count; i++) {
            const struct canon_type *f = t->fields[i].type;
            size = (size + f->align[l] - 1) / f->align[l] * f->align[l];
            t->fields[i].offset[l] = size < CAP ? (u32)size : CAP;
            size += f->size[l];
            align = f->align[l] > align ? f->align[l] : align;
        }
        set_layout(t, l, size, align);
    }
    u32 used = 0;
    t->is_plain = true;
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_type *f = t->fields[i].type;
        set_flat(t, t->fields[i].offset[CANON_FLAT_32] / CELL, f);
        inherit(t, f);
        /* NaNs in lists of floats are made canonical in one pass; within records field by field. */
        t->is_plain &= f->is_plain && f->kind != CANON_T_F32 && f->kind != CANON_T_F64;
        used += f->size[0];
    }
    t->is_plain &= used == t->size[0]; /* no holes, whose bytes would travel along */
}

static u8 join(u8 a, u8 b)
{
    if (a == b) {
        return a;
    }
    bool small = (a == WASM_I32 || a == WASM_F32) && (b == WASM_I32 || b == WASM_F32);
    return small ? WASM_I32 : WASM_I64;
}

/* The joined core types of the payloads, behind that of the discriminant. */
static void join_flat(struct canon_type *t)
{
    u32 known = 1;
    t->flat[0][0] = t->flat[1][0] = WASM_I32;
    for (u32 i = 0; i < t->field_count; i++) {
        const struct canon_type *c = t->fields[i].type;
        for (u32 j = 0; c && j < c->flat_count && 1 + j < LENGTH_OF(t->flat[0]); j++) {
            bool is_new = 1 + j >= known;
            for (int p = 0; p < 2; p++) {
                u8 *at = &t->flat[p][1 + j];
                *at = is_new ? c->flat[p][j] : join(*at, c->flat[p][j]);
            }
            known += is_new;
        }
    }
}

static void finish_variant(struct canon_type *t)
{
    u32 n = t->field_count;
    t->disc_size = n <= 256 ? 1 : n <= 65536 ? 2 : 4;
    for (int l = 0; l < CANON_LAYOUTS; l++) {
        u32 disc = l < CANON_FLAT_32 ? t->disc_size : CELL, align = 1;
        u64 size = 0;
        for (u32 i = 0; i < n; i++) {
            const struct canon_type *c = t->fields[i].type;
            if (c) {
                align = c->align[l] > align ? c->align[l] : align;
                size = c->size[l] > size ? c->size[l] : size;
            }
        }
        u32 offset = align_to(disc, align);
        for (u32 i = 0; i < n; i++) {
            t->fields[i].offset[l] = offset;
        }
        set_layout(t, l, offset + size, align > disc ? align : disc);
    }
    for (u32 i = 0; i < n; i++) {
        if (t->fields[i].type) {
            inherit(t, t->fields[i].type);
        }
    }
    join_flat(t);
}

static void finish_list(struct canon_type *t)
{
    for (int l = 0; l < CANON_LAYOUTS; l++) {
        u32 word = l == CANON_MEMORY_32 ? 4 : 8;
        set_layout(t, l, 2 * (u64)word, word);
    }
    set_flat(t, 0, canon_prim(CANON_T_STRING)); /* an address and a length too */
    inherit(t, t->element);
}

static void finish_fixed(struct canon_type *t)
{
    const struct canon_type *e = t->element;
    for (int l = 0; l < CANON_LAYOUTS; l++) {
        set_layout(t, l, (u64)e->size[l] * t->length, e->align[l]);
    }
    for (u32 i = 0; i < t->length && e->flat_count * i < LENGTH_OF(t->flat[0]); i++) {
        set_flat(t, e->flat_count * i, e);
    }
    t->is_plain = e->is_plain && e->kind != CANON_T_F32 && e->kind != CANON_T_F64;
    inherit(t, e);
}

/* A map is a list of pairs; where these are too large there is only the empty one. */
static void finish_map(struct canon_type *t)
{
    struct canon_type *pair = (struct canon_type *)t->element;
    pair->fields = t->fields;
    pair->field_count = t->field_count;
    canon_type_finish(pair);
    finish_list(t);
}

bool canon_type_finish(struct canon_type *t)
{
    switch (t->kind) {
    case CANON_T_LIST: finish_list(t); break;
    case CANON_T_MAP: finish_map(t); break;
    case CANON_T_FIXED_LIST: finish_fixed(t); break;
    case CANON_T_RECORD:
    case CANON_T_TUPLE: finish_record(t); break;
    case CANON_T_FLAGS:
        set_scalar(t, t->field_count <= 8 ? 1 : t->field_count <= 16 ? 2 : 4);
        break;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: finish_variant(t); break;
    default:
        set_scalar(t, 4);
        t->has_handle = true;
        break;
    }
    u32 cells = t->size[CANON_FLAT_32] / CELL;
    t->flat_count = cells < 1000 ? cells : 1000;
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
    if (count) {
        struct canon_type *t = canon_type_new(a, CANON_T_TUPLE);
        t->fields = arena_array(a, struct canon_field, count);
        t->field_count = count;
        for (u32 i = 0; i < count; i++) {
            t->fields[i].type = params[i].type;
        }
        canon_type_finish(t);
        f->param_tuple = t;
        f->flat_params = t->flat_count;
    }
    if (result) {
        f->flat_results = result->flat_count;
    }
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
    return a->kind == CANON_T_MAP || canon_type_equal(a->element, b->element);
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

/* A type is shown for a person, who reads no more of it than this; written out, few types can have any length. */
#define TYPE_SHOWN 500

static void print_type(struct buf *out, const struct canon_type *t, size_t end);

static void print_fields(struct buf *out, const struct canon_type *t, size_t end)
{
    bool is_case = t->kind == CANON_T_VARIANT;
    buf_byte(out, '{');
    for (u32 i = 0; i < t->field_count && out->len <= end; i++) {
        buf_c(out, i ? ", " : "");
        buf_str(out, t->fields[i].name);
        if (t->fields[i].type) {
            buf_c(out, is_case ? "(" : ": ");
            print_type(out, t->fields[i].type, end);
            buf_c(out, is_case ? ")" : "");
        }
    }
    buf_byte(out, '}');
}

static void print_type(struct buf *out, const struct canon_type *t, size_t end)
{
    if (out->len > end) {
        return;
    }
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
    case CANON_T_ENUM: print_fields(out, t, end); return;
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
        print_type(out, t->fields[0].type, end);
        if (t->fields[1].type) {
            buf_c(out, ", ");
            print_type(out, t->fields[1].type, end);
        }
        buf_byte(out, '>');
        return;
    case CANON_T_OPTION:
        buf_byte(out, '<');
        print_type(out, t->fields[1].type, end);
        buf_byte(out, '>');
        return;
    case CANON_T_TUPLE:
    case CANON_T_MAP:
        buf_byte(out, '<');
        for (u32 i = 0; i < t->field_count && out->len <= end; i++) {
            buf_c(out, i ? ", " : "");
            print_type(out, t->fields[i].type, end);
        }
        buf_byte(out, '>');
        return;
    default: break;
    }
    if (t->element) {
        buf_byte(out, '<');
        print_type(out, t->element, end);
        if (t->kind == CANON_T_FIXED_LIST) {
            buf_printf(out, ", %u", t->length);
        }
        buf_byte(out, '>');
    }
}

static void cut(struct buf *out, size_t end)
{
    if (out->len > end) {
        while (((u8)out->data[end] & 0xc0) == 0x80) {
            end--;
        }
        out->len = end;
        buf_c(out, "...");
    }
}

void canon_type_print(struct buf *out, const struct canon_type *t)
{
    size_t end = out->len + TYPE_SHOWN;
    print_type(out, t, end);
    cut(out, end);
}

void canon_functype_print(struct buf *out, const struct canon_functype *t)
{
    size_t end = out->len + 2 * TYPE_SHOWN;
    buf_c(out, t->is_async ? "async func(" : "func(");
    for (u32 i = 0; i < t->param_count && out->len <= end; i++) {
        buf_c(out, i ? ", " : "");
        buf_str(out, t->params[i].name);
        buf_c(out, ": ");
        print_type(out, t->params[i].type, end);
    }
    buf_byte(out, ')');
    if (t->result) {
        buf_c(out, " -> ");
        print_type(out, t->result, end);
    }
    cut(out, end);
}
