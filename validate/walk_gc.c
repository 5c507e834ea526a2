/* walk_gc.c - references, structs, arrays, casts. */
#include "validate_internal.h"

static const char *const kind_names[] = {[COMPTYPE_FUNC] = "a function type",
                                         [COMPTYPE_STRUCT] = "a struct type",
                                         [COMPTYPE_ARRAY] = "an array type",
                                         [COMPTYPE_CONT] = "a continuation type"};
static const char *const kind_plurals[] = {[COMPTYPE_FUNC] = "functions",
                                           [COMPTYPE_STRUCT] = "structs",
                                           [COMPTYPE_ARRAY] = "arrays",
                                           [COMPTYPE_CONT] = "continuations"};

bool validate_imm_type(struct validate_context *c, u32 *id, enum wasm_comptype kind,
                       const struct wasm_type **type)
{
    u32 index = validate_imm(c);
    if (index >= c->m->types.len)
        return validate_fail(c, "unknown type %u: type index out of bounds", index);
    *id = c->ids[index];
    *type = validate_store_type(c->store, *id);
    if ((*type)->kind != kind)
        return validate_fail(c, "type mismatch: %s needs %s, type %u is %s",
                             wasm_op_info[c->op].name, kind_names[kind], index,
                             kind_names[(*type)->kind]);
    return !c->is_shared || (*type)->is_shared ||
           validate_fail(c, "shared functions cannot access unshared %s: type %u is one",
                         kind_plurals[kind], index);
}

bool validate_imm_heap(struct validate_context *c, bool nullable, wasm_valtype *out)
{
    struct validate_type_scope scope = validate_scope_of(c);
    u32 offset = wasm_cursor_offset(&c->in);
    wasm_valtype t = wasm_get_heaptype(&c->in, nullable);
    if (c->in.failed)
        return validate_malformed(c, "malformed heap type");
    /* Nullable for the check: a heap type alone needs no feature for its nullability. */
    if (!validate_check_valtype(&scope, t | WASM_REF_NULLABLE, c->m->types.len,
                                (span){c->m->source, offset, offset + 1}))
        return false;
    *out = validate_canonicalize(c->ids, t);
    return true;
}

/* ---- Structs ---------------------------------------------------------------------------------------- */

static bool is_packed(wasm_valtype t)
{
    return t == WASM_I8 || t == WASM_I16;
}

static wasm_valtype unpacked(wasm_valtype t)
{
    return is_packed(t) ? WASM_I32 : t;
}

/* Packed fields are read with a sign, others without. */
static bool check_packing(struct validate_context *c, wasm_valtype t, bool with_sign)
{
    if (is_packed(t) == with_sign)
        return true;
    return validate_fail(c,
                         with_sign ? "type mismatch: %s reads packed fields only, this is "
                                     "not one"
                                   : "type mismatch: %s cannot read a packed field, its _s and _u "
                                     "forms can",
                         wasm_op_info[c->op].name);
}

static bool walk_struct(struct validate_context *c, enum wasm_op op)
{
    u32 id = 0;
    const struct wasm_type *type = NULL;
    if (!validate_imm_type(c, &id, COMPTYPE_STRUCT, &type))
        return false;
    if (op == OP_STRUCT_NEW || op == OP_STRUCT_NEW_DEFAULT) {
        for (u32 i = type->field_count; i-- > 0;) {
            if (op == OP_STRUCT_NEW && !validate_pop(c, unpacked(type->fields[i].type)))
                return false;
            if (op == OP_STRUCT_NEW_DEFAULT && !validate_has_default(type->fields[i].type))
                return validate_fail(c, "type mismatch: field %u has no default value", i);
        }
        validate_push(c, wasm_ref_concrete(id, false));
        return true;
    }
    u32 index = validate_imm(c);
    if (index >= type->field_count)
        return validate_fail(c, "unknown field: field index %u out of bounds", index);
    const struct wasm_field *field = &type->fields[index];
    if (op == OP_STRUCT_SET)
        return field->is_mutable
                   ? validate_pop(c, unpacked(field->type)) &&
                         validate_pop(c, wasm_ref_concrete(id, true))
                   : validate_fail(c, "immutable field: field %u cannot be set", index);
    if (!check_packing(c, field->type, op != OP_STRUCT_GET) ||
        !validate_pop(c, wasm_ref_concrete(id, true)))
        return false;
    validate_push(c, unpacked(field->type));
    return true;
}

/* ---- Arrays ------------------------------------------------------------------------------------------ */

static bool need_mutable(struct validate_context *c, const struct wasm_type *type)
{
    return type->fields[0].is_mutable || validate_fail(c, "immutable array");
}

static bool segment_matches(struct validate_context *c, wasm_valtype element, u32 segment)
{
    return validate_valtype_matches(c->store, c->elems[segment], element) ||
           validate_fail(c, "type mismatch: array of " STRF " from segment %u of " STRF,
                         STRA(validate_text_of(c, element)), segment,
                         STRA(validate_text_of(c, c->elems[segment])));
}

static bool data_matches(struct validate_context *c, wasm_valtype element)
{
    return !wasm_is_ref(element) ||
           validate_fail(c, "type mismatch: array type is not numeric or vector: " STRF,
                         STRA(validate_text_of(c, element)));
}

static bool array_new(struct validate_context *c, enum wasm_op op, u32 id, wasm_valtype element)
{
    u32 n = 0;
    switch (op) {
    case OP_ARRAY_NEW:
        if (!validate_pop(c, WASM_I32) || !validate_pop(c, unpacked(element)))
            return false;
        break;
    case OP_ARRAY_NEW_DEFAULT:
        if (!validate_has_default(element))
            return validate_fail(c, "type mismatch: the element has no default value");
        if (!validate_pop(c, WASM_I32))
            return false;
        break;
    case OP_ARRAY_NEW_FIXED:
        n = validate_imm(c);
        if (n > 10000) /* as engines have it; keeps the work in proportion to the input */
            return validate_fail(c, "array.new_fixed takes at most 10000 elements, not %u", n);
        for (u32 i = 0; i < n; i++) {
            if (!validate_pop(c, unpacked(element)))
                return false;
        }
        break;
    case OP_ARRAY_NEW_DATA:
        if (!validate_imm_data(c, &n) || !data_matches(c, element) || !validate_pop(c, WASM_I32) ||
            !validate_pop(c, WASM_I32))
            return false;
        break;
    default: /* array.new_elem */
        if (!validate_imm_elem(c, &n) || !segment_matches(c, element, n) ||
            !validate_pop(c, WASM_I32) || !validate_pop(c, WASM_I32))
            return false;
    }
    validate_push(c, wasm_ref_concrete(id, false));
    return true;
}

static bool array_init(struct validate_context *c, enum wasm_op op, u32 id,
                       const struct wasm_type *type)
{
    u32 segment;
    wasm_valtype element = type->fields[0].type;
    if (op == OP_ARRAY_INIT_DATA
            ? !validate_imm_data(c, &segment) || !need_mutable(c, type) || !data_matches(c, element)
            : !validate_imm_elem(c, &segment) || !need_mutable(c, type) ||
                  !segment_matches(c, element, segment))
        return false;
    return validate_pop(c, WASM_I32) && validate_pop(c, WASM_I32) && validate_pop(c, WASM_I32) &&
           validate_pop(c, wasm_ref_concrete(id, true));
}

static bool array_copy(struct validate_context *c, u32 id, const struct wasm_type *type)
{
    u32 from_id;
    const struct wasm_type *from = NULL;
    if (!validate_imm_type(c, &from_id, COMPTYPE_ARRAY, &from) || !need_mutable(c, type))
        return false;
    if (!validate_valtype_matches(c->store, from->fields[0].type, type->fields[0].type))
        return validate_fail(c, "array types do not match: type mismatch");
    return validate_pop(c, WASM_I32) && validate_pop(c, WASM_I32) &&
           validate_pop(c, wasm_ref_concrete(from_id, true)) && validate_pop(c, WASM_I32) &&
           validate_pop(c, wasm_ref_concrete(id, true));
}

/* Pops a reference below an abstract type or its shared twin. VALIDATE_REF_BOTTOM in unreachable code. */
static bool pop_below(struct validate_context *c, enum wasm_heap heap, wasm_valtype *found)
{
    wasm_valtype super = wasm_ref_abstract(heap, true);
    *found = super;
    if (!features_has(c->features, FEATURE_SHARED_EVERYTHING))
        return validate_pop(c, super);
    if (!validate_pop_ref(c, found))
        return false;
    if (*found == VALIDATE_REF_BOTTOM)
        return true;
    if (validate_is_shared(c->store, *found))
        super |= WASM_REF_SHARED;
    return validate_valtype_matches(c->store, *found, super) ||
           validate_fail(c, "type mismatch: %s expects " STRF ", found " STRF,
                         wasm_op_info[c->op].name, STRA(validate_text_of(c, super)),
                         STRA(validate_text_of(c, *found)));
}

static bool walk_array(struct validate_context *c, enum wasm_op op)
{
    if (op == OP_ARRAY_LEN) {
        wasm_valtype found;
        if (!pop_below(c, HEAP_ARRAY, &found))
            return false;
        validate_push(c, WASM_I32);
        return true;
    }
    u32 id = 0;
    const struct wasm_type *type = NULL;
    if (!validate_imm_type(c, &id, COMPTYPE_ARRAY, &type))
        return false;
    wasm_valtype element = type->fields[0].type, array = wasm_ref_concrete(id, true);
    switch (op) {
    case OP_ARRAY_GET:
    case OP_ARRAY_GET_S:
    case OP_ARRAY_GET_U:
        if (!check_packing(c, element, op != OP_ARRAY_GET) || !validate_pop(c, WASM_I32) ||
            !validate_pop(c, array))
            return false;
        validate_push(c, unpacked(element));
        return true;
    case OP_ARRAY_SET:
        return need_mutable(c, type) && validate_pop(c, unpacked(element)) &&
               validate_pop(c, WASM_I32) && validate_pop(c, array);
    case OP_ARRAY_FILL:
        return need_mutable(c, type) && validate_pop(c, WASM_I32) &&
               validate_pop(c, unpacked(element)) && validate_pop(c, WASM_I32) &&
               validate_pop(c, array);
    case OP_ARRAY_COPY: return array_copy(c, id, type);
    case OP_ARRAY_INIT_DATA:
    case OP_ARRAY_INIT_ELEM: return array_init(c, op, id, type);
    default: return array_new(c, op, id, element);
    }
}

/* ---- Casts --------------------------------------------------------------------------------------------- */

/* The type of a cast; continuations have none at run time. */
static bool imm_target(struct validate_context *c, bool nullable, wasm_valtype *out)
{
    return validate_imm_heap(c, nullable, out) &&
           (validate_heap_top(c->store, *out) != HEAP_CONT ||
            validate_fail(c, "invalid cast: cannot cast to a continuation type"));
}

static bool walk_cast(struct validate_context *c, enum wasm_op op)
{
    wasm_valtype target = 0, found = 0;
    bool nullable = op == OP_REF_TEST_NULL || op == OP_REF_CAST_NULL;
    if (!imm_target(c, nullable, &target) || !validate_pop_ref(c, &found))
        return false;
    if (found != VALIDATE_REF_BOTTOM &&
        (validate_heap_top(c->store, found) != validate_heap_top(c->store, target) ||
         validate_is_shared(c->store, found) != validate_is_shared(c->store, target)))
        return validate_fail(c, "type mismatch: " STRF " can never be " STRF,
                             STRA(validate_text_of(c, found)), STRA(validate_text_of(c, target)));
    bool test = op == OP_REF_TEST || op == OP_REF_TEST_NULL;
    validate_push(c, test ? (wasm_valtype)WASM_I32 : target);
    return true;
}

/* The type `from` without what a cast to `to` takes away. */
static wasm_valtype difference(wasm_valtype from, wasm_valtype to)
{
    return wasm_is_nullable(to) ? from & ~WASM_REF_NULLABLE : from;
}

/* Custom descriptors only ask for the same hierarchy. */
static bool can_cast(const struct validate_context *c, wasm_valtype from, wasm_valtype to)
{
    return features_has(c->features, FEATURE_CUSTOM_DESCRIPTORS)
               ? validate_heap_top(c->store, from) == validate_heap_top(c->store, to)
               : validate_valtype_matches(c->store, to, from);
}

static bool walk_br_cast(struct validate_context *c, enum wasm_op op)
{
    u8 flags = wasm_get_byte(&c->in);
    if (flags > 3)
        return validate_malformed(c, "malformed br_on_cast flags");
    u32 depth = validate_imm(c), n;
    wasm_valtype from = 0, to = 0;
    const wasm_valtype *label = NULL;
    if (!validate_imm_heap(c, flags & 1, &from) || !imm_target(c, flags & 2, &to))
        return false;
    if (!can_cast(c, from, to))
        return validate_fail(c, "type mismatch: " STRF " is not below " STRF,
                             STRA(validate_text_of(c, to)), STRA(validate_text_of(c, from)));
    if (!validate_label(c, depth, &label, &n))
        return false;
    wasm_valtype rest = difference(from, to);
    wasm_valtype taken = op == OP_BR_ON_CAST ? to : rest;
    wasm_valtype kept = op == OP_BR_ON_CAST ? rest : to;
    if (n == 0 || !validate_valtype_matches(c->store, taken, label[n - 1]))
        return validate_fail(c, "type mismatch: label %u does not take " STRF, depth,
                             STRA(validate_text_of(c, taken)));
    if (!validate_pop(c, from) || !validate_pop_types(c, label, n - 1))
        return false;
    validate_push_types(c, label, n - 1);
    validate_push(c, kept);
    return true;
}

static bool walk_br_on_null(struct validate_context *c, enum wasm_op op)
{
    const wasm_valtype *label = NULL;
    u32 depth = validate_imm(c), n;
    wasm_valtype found = 0;
    if (!validate_label(c, depth, &label, &n))
        return false;
    if (!validate_pop_ref(c, &found))
        return false;
    wasm_valtype there = found & ~WASM_REF_NULLABLE;
    if (op == OP_BR_ON_NON_NULL) {
        if (n == 0 || !wasm_is_ref(label[n - 1]) ||
            !validate_valtype_matches(c->store, there, label[n - 1]))
            return validate_fail(c, "type mismatch: label %u does not take " STRF, depth,
                                 STRA(validate_text_of(c, there)));
        n--;
    }
    if (!validate_pop_types(c, label, n))
        return false;
    validate_push_types(c, label, n);
    if (op == OP_BR_ON_NULL)
        validate_push(c, there);
    return true;
}

/* ---- Conversions and the rest -------------------------------------------------------------------------------- */

/* Pops a reference below `from`, pushes one to `to` that is nullable if it was. */
static bool convert(struct validate_context *c, enum wasm_heap from, enum wasm_heap to)
{
    wasm_valtype found = 0;
    if (!validate_pop_ref(c, &found))
        return false;
    wasm_valtype shared =
        found != VALIDATE_REF_BOTTOM && validate_is_shared(c->store, found) ? WASM_REF_SHARED : 0;
    wasm_valtype super = wasm_ref_abstract(from, true) | shared;
    if (!validate_valtype_matches(c->store, found, super))
        return validate_fail(c, "type mismatch: %s expects " STRF ", found " STRF,
                             wasm_op_info[c->op].name, STRA(validate_text_of(c, super)),
                             STRA(validate_text_of(c, found)));
    wasm_valtype result = wasm_ref_abstract(to, wasm_is_nullable(found)) | shared;
    if (found == VALIDATE_REF_BOTTOM && features_has(c->features, FEATURE_SHARED_EVERYTHING))
        result = found; /* shared or not */
    validate_push(c, result);
    return true;
}

static bool walk_ref_eq(struct validate_context *c)
{
    wasm_valtype x, y;
    if (!pop_below(c, HEAP_EQ, &y) || !pop_below(c, HEAP_EQ, &x))
        return false;
    if (x != VALIDATE_REF_BOTTOM && y != VALIDATE_REF_BOTTOM &&
        validate_is_shared(c->store, x) != validate_is_shared(c->store, y))
        return validate_fail(c,
                             "type mismatch: ref.eq cannot compare " STRF " with " STRF
                             ": `ref.eq` types must match in `shared`-ness",
                             STRA(validate_text_of(c, x)), STRA(validate_text_of(c, y)));
    validate_push(c, WASM_I32);
    return true;
}

static bool walk_ref_func(struct validate_context *c)
{
    u32 func = validate_imm(c);
    if (func >= c->m->funcs.len)
        return validate_fail(c, "unknown function %u: function index out of bounds", func);
    if (c->is_const)
        c->declared[func] = true;
    else if (!c->declared[func])
        return validate_fail(
            c, "undeclared function reference: " STRF " is in no element segment, global or export",
            STRA(validate_func_text(c, func)));
    validate_push(c, features_has(c->features, FEATURE_FUNCTION_REFERENCES)
                         ? wasm_ref_concrete(c->funcs[func], false)
                         : WASM_FUNCREF);
    return true;
}

bool validate_walk_gc(struct validate_context *c, enum wasm_op op)
{
    wasm_valtype t = 0;
    switch (op) {
    case OP_REF_NULL:
        if (!validate_imm_heap(c, true, &t))
            return false;
        validate_push(c, t);
        return true;
    case OP_REF_FUNC: return walk_ref_func(c);
    case OP_REF_IS_NULL:
        if (!validate_pop_ref(c, &t))
            return false;
        validate_push(c, WASM_I32);
        return true;
    case OP_REF_EQ: return walk_ref_eq(c);
    case OP_REF_AS_NON_NULL:
        if (!validate_pop_ref(c, &t))
            return false;
        validate_push(c, t & ~WASM_REF_NULLABLE);
        return true;
    case OP_BR_ON_NULL:
    case OP_BR_ON_NON_NULL: return walk_br_on_null(c, op);
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
    case OP_STRUCT_GET:
    case OP_STRUCT_GET_S:
    case OP_STRUCT_GET_U:
    case OP_STRUCT_SET: return walk_struct(c, op);
    case OP_REF_TEST:
    case OP_REF_TEST_NULL:
    case OP_REF_CAST:
    case OP_REF_CAST_NULL: return walk_cast(c, op);
    case OP_BR_ON_CAST:
    case OP_BR_ON_CAST_FAIL: return walk_br_cast(c, op);
    case OP_ANY_CONVERT_EXTERN: return convert(c, HEAP_EXTERN, HEAP_ANY);
    case OP_EXTERN_CONVERT_ANY: return convert(c, HEAP_ANY, HEAP_EXTERN);
    case OP_REF_I31:
        if (!validate_pop(c, WASM_I32))
            return false;
        validate_push(c, wasm_ref_abstract(HEAP_I31, false));
        return true;
    case OP_I31_GET_S:
    case OP_I31_GET_U:
        if (!pop_below(c, HEAP_I31, &t))
            return false;
        validate_push(c, WASM_I32);
        return true;
    default: return walk_array(c, op);
    }
}
