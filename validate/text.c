/* text.c - core types in the words of the text format, for messages. */
#include "validate_internal.h"

static const char *heap_name(enum wasm_heap h)
{
    switch (h) {
    case HEAP_NOCONT: return "nocont";
    case HEAP_NOEXN: return "noexn";
    case HEAP_NOFUNC: return "nofunc";
    case HEAP_NOEXTERN: return "noextern";
    case HEAP_NONE: return "none";
    case HEAP_FUNC: return "func";
    case HEAP_EXTERN: return "extern";
    case HEAP_ANY: return "any";
    case HEAP_EQ: return "eq";
    case HEAP_I31: return "i31";
    case HEAP_STRUCT: return "struct";
    case HEAP_ARRAY: return "array";
    case HEAP_EXN: return "exn";
    case HEAP_CONT: return "cont";
    }
    return "bottom";
}

static const char *short_ref_name(enum wasm_heap h)
{
    switch (h) {
    case HEAP_NONE: return "nullref";
    case HEAP_NOFUNC: return "nullfuncref";
    case HEAP_NOEXTERN: return "nullexternref";
    case HEAP_NOEXN: return "nullexnref";
    case HEAP_NOCONT: return "nullcontref";
    default: return NULL;
    }
}

str validate_valtype_text(struct arena *a, wasm_valtype t)
{
    switch (wasm_kind_of(t)) {
    case WASM_I32: return STR("i32");
    case WASM_I64: return STR("i64");
    case WASM_F32: return STR("f32");
    case WASM_F64: return STR("f64");
    case WASM_V128: return STR("v128");
    case WASM_I8: return STR("i8");
    case WASM_I16: return STR("i16");
    case WASM_BOTTOM: return STR("any value");
    case WASM_NONE: return STR("nothing");
    case WASM_REF: break;
    }
    const char *null = wasm_is_nullable(t) ? "null " : "";
    if (wasm_is_concrete(t))
        return str_printf(a, t & WASM_REF_EXACT ? "(ref %s(exact %u))" : "(ref %s%u)", null,
                          wasm_heap_of(t));
    enum wasm_heap heap = (enum wasm_heap)wasm_heap_of(t);
    if (wasm_is_shared_ref(t))
        return str_printf(a, "(ref %s(shared %s))", null, heap_name(heap));
    if (!wasm_is_nullable(t))
        return str_printf(a, "(ref %s)", heap_name(heap));
    if (short_ref_name(heap))
        return str_c(short_ref_name(heap));
    return str_printf(a, "%sref", heap_name(heap));
}

static void functype_text(struct arena *a, struct buf *b, const struct wasm_type *type)
{
    const struct wasm_functype *t = &type->func;
    buf_c(b, type->is_shared ? "shared (func" : "func");
    for (u32 i = 0; i < t->param_count; i++) {
        buf_c(b, i ? " " : " (param ");
        buf_str(b, validate_valtype_text(a, t->params[i]));
    }
    if (t->param_count)
        buf_c(b, ")");
    for (u32 i = 0; i < t->result_count; i++) {
        buf_c(b, i ? " " : " (result ");
        buf_str(b, validate_valtype_text(a, t->results[i]));
    }
    if (t->result_count)
        buf_c(b, ")");
    if (type->is_shared)
        buf_c(b, ")");
}

static void limits_text(struct buf *b, const struct wasm_limits *l)
{
    buf_printf(b, "%s%llu", l->is_64 ? "i64 " : "", (unsigned long long)l->min);
    if (l->has_max)
        buf_printf(b, " %llu", (unsigned long long)l->max);
    if (l->is_shared)
        buf_c(b, " shared");
    if (l->has_page_size)
        buf_printf(b, " (pagesize %u)", 1u << (l->page_size_log2 & 31));
}

str validate_externtype_text(struct arena *a, const struct validate_store *s,
                             const struct wasm_externtype *t)
{
    struct buf b = buf_in(a);
    buf_c(&b, "(");
    switch (t->kind) {
    case EXTERN_FUNC: functype_text(a, &b, validate_store_type(s, t->type)); break;
    case EXTERN_TAG:
        buf_c(&b, "tag ");
        functype_text(a, &b, validate_store_type(s, t->type));
        break;
    case EXTERN_TABLE:
        buf_c(&b, "table ");
        limits_text(&b, &t->table.limits);
        buf_c(&b, " ");
        buf_str(&b, validate_valtype_text(a, t->table.element));
        break;
    case EXTERN_MEMORY:
        buf_c(&b, "memory ");
        limits_text(&b, &t->memory);
        break;
    case EXTERN_GLOBAL:
        buf_c(&b, t->global.is_shared ? "global shared " : "global ");
        buf_c(&b, t->global.is_mutable ? "(mut " : "");
        buf_str(&b, validate_valtype_text(a, t->global.type));
        buf_c(&b, t->global.is_mutable ? ")" : "");
        break;
    }
    buf_c(&b, ")");
    return buf_view(&b);
}
