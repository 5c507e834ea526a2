/* values.c - values of hosts: copying, comparing, checking. */
#include "canon_internal.h"

static void copy_items(struct arena *a, const struct canon_value *from, struct canon_value *to)
{
    to->items = from->count ? arena_array(a, struct canon_value, from->count) : NULL;
    for (u32 i = 0; i < from->count; i++) {
        canon_value_copy(a, &from->items[i], &to->items[i]);
    }
}

void canon_value_copy(struct arena *a, const struct canon_value *from, struct canon_value *to)
{
    *to = *from;
    switch ((enum canon_kind)from->kind) {
    case CANON_T_STRING: to->text.ptr = str_dup(a, canon_text(from)).ptr; break;
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST:
        if (from->is_bytes) {
            to->text.ptr = str_dup(a, canon_text(from)).ptr;
            break;
        }
        copy_items(a, from, to);
        break;
    case CANON_T_MAP:
    case CANON_T_RECORD:
    case CANON_T_TUPLE: copy_items(a, from, to); break;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT:
        if (from->payload) {
            to->payload = arena_new(a, struct canon_value);
            canon_value_copy(a, from->payload, to->payload);
        }
        break;
    default: break;
    }
}

/* ---- Equality ---------------------------------------------------------------------------------------- */

static u32 length(const struct canon_value *v)
{
    return v->is_bytes ? v->text.len : v->count;
}

static u8 byte_at(const struct canon_value *v, u32 i)
{
    return v->is_bytes ? (u8)v->text.ptr[i] : (u8)v->items[i].u;
}

static bool list_equal(const struct canon_value *a, const struct canon_value *b,
                       const struct canon_type *e)
{
    if (length(a) != length(b)) {
        return false;
    }
    for (u32 i = 0; i < length(a); i++) {
        bool same = e->kind == CANON_T_U8 || e->kind == CANON_T_S8
                        ? byte_at(a, i) == byte_at(b, i)
                        : canon_value_equal(&a->items[i], &b->items[i], e);
        if (!same) {
            return false;
        }
    }
    return true;
}

static bool fields_equal(const struct canon_value *a, const struct canon_value *b,
                         const struct canon_type *t)
{
    for (u32 i = 0; i < t->field_count; i++) {
        if (!canon_value_equal(&a->items[i], &b->items[i], t->fields[i].type)) {
            return false;
        }
    }
    return true;
}

bool canon_value_equal(const struct canon_value *a, const struct canon_value *b,
                       const struct canon_type *t)
{
    switch (t->kind) {
    case CANON_T_F32: return a->f32 == b->f32 || (a->f32 != a->f32 && b->f32 != b->f32);
    case CANON_T_F64: return a->f64 == b->f64 || (a->f64 != a->f64 && b->f64 != b->f64);
    case CANON_T_STRING: return str_eq(canon_text(a), canon_text(b));
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST: return list_equal(a, b, t->element);
    case CANON_T_MAP:
        if (a->count != b->count) {
            return false;
        }
        for (u32 i = 0; i < a->count; i++) {
            if (!fields_equal(&a->items[i], &b->items[i], t)) {
                return false;
            }
        }
        return true;
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return fields_equal(a, b, t);
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: {
        const struct canon_type *p = t->fields[a->index].type;
        return a->index == b->index && (!p || canon_value_equal(a->payload, b->payload, p));
    }
    case CANON_T_OWN:
    case CANON_T_BORROW: return a->resource == b->resource && a->rep == b->rep;
    case CANON_T_STREAM:
    case CANON_T_FUTURE: return a->end == b->end;
    case CANON_T_ERROR_CONTEXT: return a->error == b->error;
    default: return a->u == b->u;
    }
}

/* ---- Checking ------------------------------------------------------------------------------------------ */

static bool unfit(struct arena *a, const struct canon_type *t, str *why, const char *what)
{
    if (a) {
        struct buf b = buf_in(a);
        buf_printf(&b, "%s where ", what);
        canon_type_print(&b, t);
        buf_c(&b, " is wanted");
        *why = buf_view(&b);
    } else {
        *why = str_c(what);
    }
    return false;
}

static bool range_ok(const struct canon_value *v, enum canon_kind kind)
{
    switch (kind) {
    case CANON_T_BOOL: return v->u <= 1;
    case CANON_T_S8: return v->s >= INT8_MIN && v->s <= INT8_MAX;
    case CANON_T_U8: return v->u <= UINT8_MAX;
    case CANON_T_S16: return v->s >= INT16_MIN && v->s <= INT16_MAX;
    case CANON_T_U16: return v->u <= UINT16_MAX;
    case CANON_T_S32: return v->s >= INT32_MIN && v->s <= INT32_MAX;
    case CANON_T_U32: return v->u <= UINT32_MAX;
    case CANON_T_CHAR: return v->u < 0x110000 && (v->u < 0xd800 || v->u > 0xdfff);
    default: return true;
    }
}

static bool check_items(const struct canon_value *v, const struct canon_type *t, u32 want,
                        struct arena *a, str *why)
{
    if (v->is_bytes || v->count != want || (want && !v->items)) {
        return unfit(a, t, why, "another number of items");
    }
    for (u32 i = 0; i < want; i++) {
        if (!canon_value_check(&v->items[i], t->fields[i].type, a, why)) {
            return false;
        }
    }
    return true;
}

static bool check_list(const struct canon_value *v, const struct canon_type *t, struct arena *a,
                       str *why)
{
    const struct canon_type *e = t->element;
    u32 n = length(v);
    if (t->kind == CANON_T_FIXED_LIST && n != t->length) {
        return unfit(a, t, why, "another length");
    }
    if (v->is_bytes) {
        return e->kind == CANON_T_U8 || e->kind == CANON_T_S8 || unfit(a, t, why, "bytes");
    }
    for (u32 i = 0; i < n; i++) {
        if (!canon_value_check(&v->items[i], e, a, why)) {
            return false;
        }
    }
    return true;
}

static bool check_map(const struct canon_value *v, const struct canon_type *t, struct arena *a,
                      str *why)
{
    for (u32 i = 0; i < v->count; i++) {
        if (!check_items(&v->items[i], t, 2, a, why)) {
            return false;
        }
    }
    return true;
}

bool canon_value_check(const struct canon_value *v, const struct canon_type *t, struct arena *a,
                       str *why)
{
    *why = STR("");
    if (v->kind != t->kind) {
        return unfit(a, t, why, "a value of another kind");
    }
    switch (t->kind) {
    case CANON_T_STRING:
        return utf8_check(canon_text(v)) == SIZE_MAX || unfit(a, t, why, "malformed UTF-8");
    case CANON_T_LIST:
    case CANON_T_FIXED_LIST: return check_list(v, t, a, why);
    case CANON_T_MAP: return check_map(v, t, a, why);
    case CANON_T_RECORD:
    case CANON_T_TUPLE: return check_items(v, t, t->field_count, a, why);
    case CANON_T_FLAGS:
        return t->field_count >= 64 || v->u >> t->field_count == 0 ||
               unfit(a, t, why, "unknown flags");
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: {
        if (v->index >= t->field_count) {
            return unfit(a, t, why, "an unknown case");
        }
        const struct canon_type *p = t->fields[v->index].type;
        if (!p != !v->payload) {
            return unfit(a, t, why, p ? "a case without its payload" : "a case with a payload");
        }
        return !p || canon_value_check(v->payload, p, a, why);
    }
    case CANON_T_OWN:
    case CANON_T_BORROW: return v->resource == t->resource || unfit(a, t, why, "another resource");
    case CANON_T_STREAM:
    case CANON_T_FUTURE:
        return (v->end && !v->end->is_writable) || unfit(a, t, why, "no readable end");
    case CANON_T_ERROR_CONTEXT: return v->error != NULL || unfit(a, t, why, "nothing");
    default: return range_ok(v, t->kind) || unfit(a, t, why, "a number out of range");
    }
}

str canon_error_message(const struct canon_error *e)
{
    return e->message;
}
