/* component_values.c - the value index space: values that a component defines, in their binary form, and the calls of its start
 * functions. */
#include "canon_internal.h"

/* The validator has read the bytes before; what is checked here keeps a mistake there from becoming one of memory. */
struct reader {
    struct wasm_cursor in;
    struct arena *arena;
};

static bool read_value(struct reader *r, const struct canon_type *t, struct canon_value *v);

static bool read_float(struct reader *r, u32 bytes, void *out)
{
    str s = wasm_get_bytes(&r->in, bytes);
    if (s.len == bytes) {
        memcpy(out, s.ptr, bytes);
    }
    return !r->in.failed;
}

static bool read_char(struct reader *r, struct canon_value *v)
{
    char text[4];
    text[0] = (char)wasm_get_byte(&r->in);
    u8 first = (u8)text[0];
    u32 length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (u32 i = 1; i < length; i++) {
        text[i] = (char)wasm_get_byte(&r->in);
    }
    if (r->in.failed || utf8_check(str_of(text, length)) != SIZE_MAX) {
        return false;
    }
    v->u = length == 1 ? first : first & (0x7fu >> length);
    for (u32 i = 1; i < length; i++) {
        v->u = v->u << 6 | ((u8)text[i] & 0x3f);
    }
    return true;
}

/* `count` values of one type, or with `fields` those of its fields in turn. */
static bool read_items(struct reader *r, const struct canon_type *element,
                       const struct canon_field *fields, u32 count, struct canon_value *v)
{
    VEC(struct canon_value) items = {0};
    for (u32 i = 0; i < count; i++) {
        struct canon_value *item = vec_push(r->arena, &items);
        *item = (struct canon_value){0};
        struct canon_value read = {0};
        if (!read_value(r, fields ? fields[i].type : element, &read)) {
            return false;
        }
        items.data[i] = read;
    }
    v->items = items.data;
    v->count = count;
    return true;
}

static bool read_pairs(struct reader *r, const struct canon_type *t, u32 count,
                       struct canon_value *v)
{
    VEC(struct canon_value) items = {0};
    for (u32 i = 0; i < count; i++) {
        struct canon_value pair = {.kind = CANON_T_TUPLE};
        if (!read_items(r, NULL, t->fields, 2, &pair)) {
            return false;
        }
        *vec_push(r->arena, &items) = pair;
    }
    v->items = items.data;
    v->count = count;
    return true;
}

static bool read_flags(struct reader *r, const struct canon_type *t, struct canon_value *v)
{
    u32 bytes = (t->field_count + 7) / 8;
    str s = wasm_get_bytes(&r->in, bytes);
    for (u32 i = 0; i < s.len && i < 8; i++) {
        v->u |= (u64)(u8)s.ptr[i] << 8 * i;
    }
    return !r->in.failed;
}

static bool read_case(struct reader *r, const struct canon_type *t, u32 index,
                      struct canon_value *v)
{
    if (r->in.failed || index >= t->field_count) {
        return false;
    }
    v->index = index;
    v->payload = NULL;
    if (!t->fields[index].type) {
        return true;
    }
    v->payload = arena_new(r->arena, struct canon_value);
    return read_value(r, t->fields[index].type, v->payload);
}

static bool read_value(struct reader *r, const struct canon_type *t, struct canon_value *v)
{
    v->kind = (u8)t->kind;
    switch (t->kind) {
    case CANON_T_BOOL:
    case CANON_T_U8: v->u = wasm_get_byte(&r->in); break;
    case CANON_T_S8: v->s = (i8)wasm_get_byte(&r->in); break;
    case CANON_T_S16:
    case CANON_T_S32: v->s = wasm_get_s32(&r->in); break;
    case CANON_T_U16:
    case CANON_T_U32: v->u = wasm_get_u32(&r->in); break;
    case CANON_T_S64: v->s = wasm_get_s64(&r->in); break;
    case CANON_T_U64: v->u = wasm_get_u64(&r->in); break;
    case CANON_T_F32: return read_float(r, 4, &v->f32);
    case CANON_T_F64: return read_float(r, 8, &v->f64);
    case CANON_T_CHAR: return read_char(r, v);
    case CANON_T_STRING: {
        str s = wasm_get_name(&r->in);
        v->text.ptr = s.ptr;
        v->text.len = (u32)s.len;
        break;
    }
    case CANON_T_LIST: return read_items(r, t->element, NULL, wasm_get_u32(&r->in), v);
    case CANON_T_FIXED_LIST: return read_items(r, t->element, NULL, t->length, v);
    case CANON_T_MAP: return read_pairs(r, t, wasm_get_u32(&r->in), v);
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return read_items(r, NULL, t->fields, t->field_count, v);
    case CANON_T_FLAGS: return read_flags(r, t, v);
    case CANON_T_VARIANT:
    case CANON_T_ENUM: return read_case(r, t, wasm_get_u32(&r->in), v);
    case CANON_T_OPTION:
    case CANON_T_RESULT: return read_case(r, t, wasm_get_byte(&r->in), v);
    default: return false;
    }
    return !r->in.failed;
}

const struct canon_value *canon_read_value(struct arena *a, str bytes, const struct canon_type *t)
{
    struct reader r = {.in = wasm_cursor_of(0, bytes, 0), .arena = a};
    struct canon_value *v = arena_new(a, struct canon_value);
    return read_value(&r, t, v) ? v : NULL;
}
