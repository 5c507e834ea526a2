/* canon_gc.c - the canonical option `gc`: values travel as references to structs and arrays instead of through a memory.
 * Nothing is flattened: each parameter and result has one core value of the function type that the definition names. */
#include "scope.h"

struct gc_check {
    struct validate_cm *v;
    const struct validate_scope *s;
    bool utf16;
    str place; /* "parameter `x`" */
};

static const struct wasm_type *pointee(const struct gc_check *g, wasm_valtype core)
{
    if (!wasm_is_ref(core) || !wasm_is_concrete(core))
        return NULL;
    return validate_store_type(g->v->t->store, wasm_heap_of(core));
}

/* A core type by its structure: the numbers of core types are those of the store here, which nobody wrote. */
static str core_text(const struct gc_check *g, wasm_valtype core)
{
    struct arena *a = g->v->t->arena;
    const struct wasm_type *t = pointee(g, core);
    if (!t)
        return validate_valtype_text(a, core);
    static const char *const words[] = {"func", "struct", "array", "cont"};
    struct buf b = buf_in(a);
    buf_printf(&b, "(ref %s(%s", wasm_is_nullable(core) ? "null " : "", words[t->kind]);
    for (u32 i = 0; i < t->field_count && i < 10; i++) {
        const struct wasm_field *f = &t->fields[i];
        const struct wasm_type *inner = pointee(g, f->type);
        buf_c(&b, t->kind == COMPTYPE_STRUCT ? " (field " : " ");
        buf_c(&b, f->is_mutable ? "(mut " : "");
        if (inner)
            buf_printf(&b, "(ref %s(%s ...))", wasm_is_nullable(f->type) ? "null " : "",
                       words[inner->kind]);
        else
            buf_str(&b, validate_valtype_text(a, f->type));
        buf_c(&b, f->is_mutable ? ")" : "");
        buf_c(&b, t->kind == COMPTYPE_STRUCT ? ")" : "");
    }
    buf_c(&b, t->field_count > 10 ? " ...))" : "))");
    return buf_view(&b);
}

static bool bad(const struct gc_check *g, const char *format, ...) WITC_PRINTF(2, 3);

static bool bad(const struct gc_check *g, const char *format, ...)
{
    struct diags *d = g->v->diags;
    va_list args;
    va_start(args, format);
    str text = str_vprintf(d->arena, format, args);
    va_end(args);
    struct diag *x = diag_error(d, CODE_INVALID, g->s->at, STRF, STRA(text));
    diag_note(d, x, "in " STRF, STRA(g->place));
    if (g->s->path.len)
        diag_note(d, x, "in " STRF, STRA(g->s->path));
    return false;
}

static bool mismatch(const struct gc_check *g, const char *what, const char *expected,
                     wasm_valtype found)
{
    return bad(g, "expected to lower component `%s` type to core `%s` type, found `" STRF "`", what,
               expected, STRA(core_text(g, found)));
}

/* ---- Scalars, strings and handles --------------------------------------------------------------------- */

static const struct scalar {
    const char *name;
    u8 value;   /* enum wasm_kind as a parameter or result */
    u8 storage; /* and in a struct or array */
    u8 prim;
} scalars[] = {
    {"bool", WASM_I32, WASM_I8, PRIM_BOOL}, {"s8", WASM_I32, WASM_I8, PRIM_S8},
    {"u8", WASM_I32, WASM_I8, PRIM_U8},     {"s16", WASM_I32, WASM_I16, PRIM_S16},
    {"u16", WASM_I32, WASM_I16, PRIM_U16},  {"s32", WASM_I32, WASM_I32, PRIM_S32},
    {"u32", WASM_I32, WASM_I32, PRIM_U32},  {"s64", WASM_I64, WASM_I64, PRIM_S64},
    {"u64", WASM_I64, WASM_I64, PRIM_U64},  {"f32", WASM_F32, WASM_F32, PRIM_F32},
    {"f64", WASM_F64, WASM_F64, PRIM_F64},  {"char", WASM_I32, WASM_I32, PRIM_CHAR},
};

static bool fits_string(const struct gc_check *g, wasm_valtype core)
{
    const struct wasm_type *t = pointee(g, core);
    wasm_valtype unit = g->utf16 ? WASM_I16 : WASM_I8;
    return (t && t->kind == COMPTYPE_ARRAY && t->fields[0].type == unit) ||
           mismatch(g, "string",
                    g->utf16 ? "(ref null? (array (mut? i16)))" : "(ref null? (array (mut? i8)))",
                    core);
}

static bool fits_handle(const struct gc_check *g, const char *what, wasm_valtype core)
{
    return (wasm_is_ref(core) && !wasm_is_concrete(core) && wasm_heap_of(core) == HEAP_EXTERN) ||
           mismatch(g, what, "(ref null? extern)", core);
}

static bool fits_prim(const struct gc_check *g, u8 prim, wasm_valtype core, bool stored)
{
    if (prim == PRIM_STRING)
        return fits_string(g, core);
    if (prim == PRIM_ERROR_CONTEXT)
        return fits_handle(g, "error-context", core);
    const struct scalar *row = scalars;
    while (row->prim != prim)
        row++;
    u8 want = stored ? row->storage : row->value;
    return core == want ||
           mismatch(g, row->name, validate_valtype_text(g->v->t->arena, want).ptr, core);
}

static bool fits_i32(const struct gc_check *g, const char *what, wasm_valtype core)
{
    return core == WASM_I32 || mismatch(g, what, "i32", core);
}

/* ---- Compounds ----------------------------------------------------------------------------------------- */

static bool fits(const struct gc_check *g, validate_id id, wasm_valtype core, bool stored);

/* Which case it is and its payload are up to subtypes that the empty struct has. */
static bool fits_sum(const struct gc_check *g, const char *what, wasm_valtype core)
{
    const struct wasm_type *t = pointee(g, core);
    return (t && t->kind == COMPTYPE_STRUCT && t->field_count == 0) ||
           mismatch(g, what, "(ref null? (struct))", core);
}

static bool fits_product(const struct gc_check *g, const struct validate_type *d, const char *what,
                         wasm_valtype core)
{
    const struct wasm_type *t = pointee(g, core);
    if (!t || t->kind != COMPTYPE_STRUCT)
        return mismatch(g, what, "(ref null? (struct ...))", core);
    if (t->field_count != d->label_count)
        return bad(g, "core `struct` has %u fields, but component `%s` has %u fields",
                   t->field_count, what, d->label_count);
    for (u32 i = 0; i < d->label_count; i++) {
        if (!fits(g, d->labels[i].type, t->fields[i].type, true))
            return false;
    }
    return true;
}

static bool fits_list(const struct gc_check *g, const struct validate_type *d, wasm_valtype core)
{
    const struct wasm_type *t = pointee(g, core);
    if (!t || t->kind != COMPTYPE_ARRAY)
        return mismatch(g, "list", "(ref null? (array ...))", core);
    return fits(g, d->element, t->fields[0].type, true);
}

/* Types share parts: each pair of them is looked at once, whatever the number of ways to it. */
static bool fits_compound(const struct gc_check *g, validate_id id, const struct validate_type *d,
                          wasm_valtype core)
{
    u32 pair[] = {id, core, g->utf16};
    struct validate_types *t = g->v->t;
    str key = {(const char *)pair, sizeof pair};
    if (map_get(&t->gc_pairs, key) != MAP_NONE)
        return true;
    bool is_list = d->kind == DEF_LIST || d->kind == DEF_FIXED_LIST;
    if (!(is_list ? fits_list(g, d, core)
                  : fits_product(g, d, d->kind == DEF_RECORD ? "record" : "tuple", core)))
        return false;
    map_put(t->arena, &t->gc_pairs, str_dup(t->arena, key), 0);
    return true;
}

/* Does a value of the component type travel as one of the core type? `stored`: in a field or an array, where small ones are
 * packed. */
static bool fits(const struct gc_check *g, validate_id id, wasm_valtype core, bool stored)
{
    const struct validate_type d = *validate_at(g->v->t, id);
    switch (d.kind) {
    case DEF_PRIM: return fits_prim(g, d.prim, core, stored);
    case DEF_FLAGS: return fits_i32(g, "flags", core);
    case DEF_ENUM: return fits_i32(g, "enum", core);
    case DEF_VARIANT: return fits_sum(g, "variant", core);
    case DEF_OPTION: return fits_sum(g, "option", core);
    case DEF_RESULT: return fits_sum(g, "result", core);
    case DEF_OWN: return fits_handle(g, "own", core);
    case DEF_BORROW: return fits_handle(g, "borrow", core);
    case DEF_STREAM: return fits_handle(g, "stream", core);
    case DEF_FUTURE: return fits_handle(g, "future", core);
    case DEF_LIST:
    case DEF_FIXED_LIST:
    case DEF_RECORD:
    case DEF_TUPLE: return fits_compound(g, id, &d, core);
    default:
        diag_unsupported(g->v->diags, g->s->at, "the canonical option `gc` for maps");
        return false;
    }
}

/* ---- Definitions ----------------------------------------------------------------------------------------- */

bool validate_cm_gc_core_type(struct validate_cm *v, struct validate_scope *s, u32 index, u32 *id)
{
    if (index >= s->core_types.len)
        return validate_cm_bad(v, s, "unknown core type %u: core type index out of bounds", index);
    *id = s->core_types.data[index];
    const struct wasm_type *t = *id == VALIDATE_NONE ? NULL : validate_store_type(v->t->store, *id);
    if (!t || t->kind != COMPTYPE_FUNC)
        return validate_cm_bad(v, s,
                               "canonical option `core-type` must reference a core function type, "
                               "core type %u is none",
                               index);
    return true;
}

static bool same_count(struct validate_cm *v, struct validate_scope *s, const char *what, u32 core,
                       u32 component)
{
    return core == component ||
           validate_cm_bad(v, s,
                           "the core function type has %u %s, but the component function has %u %s",
                           core, what, component, what);
}

bool validate_cm_gc_signature(struct validate_cm *v, struct validate_scope *s, bool utf16,
                              const struct validate_label *params, u32 param_count,
                              validate_id result, const struct wasm_functype *core)
{
    struct gc_check g = {v, s, utf16, STR("the result")};
    if (!same_count(v, s, "parameters", core->param_count, param_count))
        return false;
    for (u32 i = 0; i < param_count; i++) {
        g.place = str_printf(v->t->arena, "parameter `" STRF "`", STRA(params[i].name));
        if (!fits(&g, params[i].type, core->params[i], false))
            return false;
    }
    g.place = STR("the result");
    return same_count(v, s, "results", core->result_count, result != VALIDATE_NONE) &&
           (result == VALIDATE_NONE || fits(&g, result, core->results[0], false));
}
