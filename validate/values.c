/* values.c - the value index space: value definitions, start functions, and that every value is used once. */
#include "scope.h"

bool validate_cm_use_value(struct validate_cm *v, struct validate_scope *s, u32 index,
                           validate_id *type)
{
    if (index >= s->values.len)
        return validate_cm_bad(v, s, "unknown value %u: value index out of bounds", index);
    struct validate_value_use *value = &s->values.data[index];
    if (value->used)
        return validate_cm_bad(v, s, "cannot use value %u more than once", index);
    value->used = true;
    *type = value->type;
    return true;
}

bool validate_cm_start(struct validate_cm *v, struct validate_scope *s,
                       const struct cm_start *start)
{
    validate_id func = VALIDATE_NONE;
    if (!validate_cm_need(v, s, FEATURE_CM_VALUES, "start functions") ||
        !validate_cm_at(v, s, SORT_FUNC, start->func, &func))
        return false;
    const struct validate_type f = *validate_at(v->t, func);
    u32 results = f.element != VALIDATE_NONE;
    if (start->arg_count != f.label_count)
        return validate_cm_bad(v, s,
                               "component start function requires %u arguments but was given "
                               "%u",
                               f.label_count, start->arg_count);
    if (start->result_count != results)
        return validate_cm_bad(v, s,
                               "component start function has a result count of %u but the "
                               "function type has a result count of %u",
                               start->result_count, results);
    for (u32 i = 0; i < start->arg_count; i++) {
        validate_id type = 0;
        if (!validate_cm_use_value(v, s, start->args[i], &type))
            return false;
        if (validate_at(v->t, type)->plain != validate_at(v->t, f.labels[i].type)->plain)
            return validate_cm_bad(
                v, s,
                "value type mismatch for component start function argument %u: expected " STRF
                ", found " STRF,
                i, STRA(validate_type_text(v->t->arena, v->t, f.labels[i].type, 100)),
                STRA(validate_type_text(v->t->arena, v->t, type, 100)));
    }
    if (results)
        *vec_push(s->arena, &s->values) = (struct validate_value_use){f.element, false};
    return true;
}

/* ---- The bytes of a value definition --------------------------------------------------------------- */

struct reader {
    const struct validate_types *t;
    struct wasm_cursor in;
    const char *error;
    u64 fuel; /* bounds what empty elements could make of a length */
};

static bool read_value(struct reader *r, validate_id id);

static bool wrong(struct reader *r, const char *what)
{
    if (!r->error)
        r->error = what;
    return false;
}

static bool read_float(struct reader *r, u32 bytes)
{
    u64 bits = wasm_get_fixed(&r->in, bytes);
    u64 exponent = bytes == 4 ? 0x7f800000u : 0x7ff0000000000000u;
    u64 fraction = bytes == 4 ? 0x007fffffu : 0x000fffffffffffffu;
    u64 canonical = bytes == 4 ? 0x7fc00000u : 0x7ff8000000000000u;
    bool nan = (bits & exponent) == exponent && (bits & fraction);
    return !nan || bits == canonical || wrong(r, "a NaN that is not the canonical one");
}

static bool in_range(struct reader *r, i64 value, i64 low, i64 high)
{
    return (value >= low && value <= high) || wrong(r, "a number out of range");
}

static bool read_char(struct reader *r)
{
    static const u8 lengths[] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};
    u8 first = r->in.at != r->in.end ? *r->in.at : 0;
    u32 n = lengths[first >> 4];
    str bytes = wasm_get_bytes(&r->in, n ? n : 1);
    return (n && utf8_check(bytes) == SIZE_MAX) || wrong(r, "malformed UTF-8");
}

/* LEB128 of 16 bits: three bytes at most. */
static bool read_16(struct reader *r, bool is_signed)
{
    const u8 *from = r->in.at;
    i64 n = is_signed ? wasm_get_s32(&r->in) : (i64)wasm_get_u32(&r->in);
    return r->in.failed || r->in.at - from <= 3
               ? in_range(r, n, is_signed ? INT16_MIN : 0, is_signed ? INT16_MAX : UINT16_MAX)
               : wrong(r, "an integer representation that is too long");
}

static bool read_prim(struct reader *r, enum cm_prim prim)
{
    switch (prim) {
    case PRIM_BOOL: return wasm_get_byte(&r->in) <= 1 || wrong(r, "a bool that is not 0 or 1");
    case PRIM_S8:
    case PRIM_U8: wasm_get_byte(&r->in); return true;
    case PRIM_S16: return read_16(r, true);
    case PRIM_U16: return read_16(r, false);
    case PRIM_S32: wasm_get_s32(&r->in); return true;
    case PRIM_U32: wasm_get_u32(&r->in); return true;
    case PRIM_S64: wasm_get_s64(&r->in); return true;
    case PRIM_U64: wasm_get_u64(&r->in); return true;
    case PRIM_F32: return read_float(r, 4);
    case PRIM_F64: return read_float(r, 8);
    case PRIM_CHAR: return read_char(r);
    case PRIM_STRING: wasm_get_name(&r->in); return true;
    case PRIM_ERROR_CONTEXT: break;
    }
    return wrong(r, "a type that has no values in the binary format");
}

static bool read_optional(struct reader *r, validate_id id)
{
    return id == VALIDATE_NONE || read_value(r, id);
}

static bool read_times(struct reader *r, u32 n, validate_id first, validate_id second)
{
    for (u32 i = 0; i < n && !r->in.failed; i++) {
        if (!read_value(r, first) || !read_optional(r, second))
            return false;
    }
    return true;
}

static bool read_flags(struct reader *r, const struct validate_type *d)
{
    u32 n = (d->label_count + 7) / 8;
    str bytes = wasm_get_bytes(&r->in, n);
    u32 spare = n * 8 - d->label_count;
    return !bytes.len || !spare || (u8)bytes.ptr[bytes.len - 1] >> (8 - spare) == 0 ||
           wrong(r, "flags that the type does not have");
}

static bool read_value(struct reader *r, validate_id id)
{
    const struct validate_type *d = validate_at(r->t, id);
    if (r->in.failed || r->fuel-- == 0)
        return wrong(r, r->in.failed ? r->in.error : "too much of it");
    u32 which;
    switch (d->kind) {
    case DEF_PRIM: return read_prim(r, (enum cm_prim)d->prim);
    case DEF_RECORD:
    case DEF_TUPLE:
        for (u32 i = 0; i < d->label_count; i++) {
            if (!read_value(r, d->labels[i].type))
                return false;
        }
        return true;
    case DEF_VARIANT:
    case DEF_ENUM:
        which = wasm_get_u32(&r->in);
        if (which >= d->label_count)
            return wrong(r, "a case that the type does not have");
        return read_optional(r, d->labels[which].type);
    case DEF_FLAGS: return read_flags(r, d);
    case DEF_OPTION:
    case DEF_RESULT:
        which = wasm_get_byte(&r->in);
        if (which > 1)
            return wrong(r, "a discriminant that is not 0 or 1");
        if (d->kind == DEF_OPTION)
            return which == 0 || read_value(r, d->element);
        return read_optional(r, which ? d->second : d->element);
    case DEF_LIST: return read_times(r, wasm_get_u32(&r->in), d->element, VALIDATE_NONE);
    case DEF_MAP: return read_times(r, wasm_get_u32(&r->in), d->element, d->second);
    case DEF_FIXED_LIST: return read_times(r, d->length, d->element, VALIDATE_NONE);
    default: return wrong(r, "a type that has no values in the binary format");
    }
}

bool validate_cm_value(struct validate_cm *v, struct validate_scope *s,
                       const struct cm_value *value)
{
    validate_id type = 0;
    if (!validate_cm_need(v, s, FEATURE_CM_VALUES, "value definitions") ||
        !validate_cm_valtype(v, s, value->type, &type))
        return false;
    struct reader r = {.t = v->t,
                       .in = wasm_cursor_of(s->source, value->bytes, s->at.start),
                       .fuel = 16 * (u64)value->bytes.len + 1000};
    bool fine = read_value(&r, type) && !r.in.failed;
    if (fine && r.in.at != r.in.end)
        fine = wrong(&r, "more bytes than the value takes");
    if (!fine)
        return validate_cm_bad(v, s, "value definition of type " STRF ": %s",
                               STRA(validate_type_text(v->t->arena, v->t, type, 100)),
                               r.error ? r.error : r.in.error);
    *vec_push(s->arena, &s->values) = (struct validate_value_use){type, false};
    return true;
}
