/* print_types.c - prints the types of core modules. */
#include "print.h"

/* ---- Value types ----------------------------------------------------------------------------------- */

static const struct {
    u8 code;
    const char *heap,
        *nullable; /* name of the heap type; of the nullable reference to it, if any */
} heap_names[] = {
    {HEAP_FUNC, "func", "funcref"},
    {HEAP_EXTERN, "extern", "externref"},
    {HEAP_ANY, "any", "anyref"},
    {HEAP_EQ, "eq", "eqref"},
    {HEAP_I31, "i31", "i31ref"},
    {HEAP_STRUCT, "struct", "structref"},
    {HEAP_ARRAY, "array", "arrayref"},
    {HEAP_EXN, "exn", "exnref"},
    {HEAP_NONE, "none", "nullref"},
    {HEAP_NOEXTERN, "noextern", "nullexternref"},
    {HEAP_NOFUNC, "nofunc", "nullfuncref"},
    {HEAP_NOEXN, "noexn", "nullexnref"},
    {HEAP_CONT, "cont", NULL},
    {HEAP_NOCONT, "nocont", NULL},
};

static u32 heap_row(wasm_valtype t)
{
    u32 row = 0;
    while (row + 1 < LENGTH_OF(heap_names) && heap_names[row].code != wasm_heap_of(t)) {
        row++;
    }
    return row;
}

void p_heaptype(struct printer *p, const struct print_scope *s, wasm_valtype t)
{
    if (wasm_is_concrete(t)) {
        bool exact = t & WASM_REF_EXACT;
        p_c(p, exact ? "(exact " : "");
        p_index(p, s, SORT_CORE_TYPE, wasm_heap_of(t));
        p_c(p, exact ? ")" : "");
        return;
    }
    p_c(p, wasm_is_shared_ref(t) ? "(shared " : "");
    p_c(p, heap_names[heap_row(t)].heap);
    p_c(p, wasm_is_shared_ref(t) ? ")" : "");
}

static void reftype(struct printer *p, const struct print_scope *s, wasm_valtype t)
{
    if (wasm_is_nullable(t) && !wasm_is_concrete(t) && !wasm_is_shared_ref(t)) {
        const char *name = heap_names[heap_row(t)].nullable;
        if (name) {
            p_c(p, name);
            return;
        }
    }
    p_c(p, wasm_is_nullable(t) ? "(ref null " : "(ref ");
    p_heaptype(p, s, t);
    p_byte(p, ')');
}

void p_valtype(struct printer *p, const struct print_scope *s, wasm_valtype t)
{
    switch (wasm_kind_of(t)) {
    case WASM_I32: p_c(p, "i32"); break;
    case WASM_I64: p_c(p, "i64"); break;
    case WASM_F32: p_c(p, "f32"); break;
    case WASM_F64: p_c(p, "f64"); break;
    case WASM_V128: p_c(p, "v128"); break;
    case WASM_I8: p_c(p, "i8"); break;
    case WASM_I16: p_c(p, "i16"); break;
    case WASM_REF: reftype(p, s, t); break;
    case WASM_BOTTOM:
    case WASM_NONE: break;
    }
}

/* ---- Functions --------------------------------------------------------------------------------------- */

static const struct ident *local_ident(const struct print_scope *s, enum param_names names,
                                       u32 owner, u32 index)
{
    switch (names) {
    case PARAMS_OF_TYPE: return wasm_pr_find(&s->params, owner, index);
    case PARAMS_OF_TAG: return wasm_pr_find(&s->tag_params, owner, index);
    case PARAMS_OF_FUNC: return wasm_pr_find(&s->locals, owner, index);
    case PARAMS_NONE: break;
    }
    return NULL;
}

/* A parameter or local. Those with a name need a group of their own. */
void p_local(struct printer *p, const struct print_scope *s, struct local_printer *l,
             enum param_names names, u32 owner, u32 index, wasm_valtype type)
{
    const struct ident *i = local_ident(s, names, owner, index);
    bool invent = !i && p->options->name_unnamed && names == PARAMS_OF_FUNC;
    if (i && l->in_group) {
        p_byte(p, ')');
        l->in_group = false;
    }
    p_c(p, l->not_first ? " " : "");
    l->not_first = true;
    if (!l->in_group) {
        p_byte(p, '(');
        p_c(p, l->group);
        p_byte(p, ' ');
        l->in_group = true;
    }
    if (i) {
        p_ident_def(p, i);
        p_byte(p, ' ');
    } else if (invent) {
        p_c(p, "$#local");
        p_u64(p, index);
        p_byte(p, ' ');
    }
    p_valtype(p, s, type);
    if (i || invent) {
        p_byte(p, ')');
        l->in_group = false;
    }
}

void p_locals_end(struct printer *p, struct local_printer *l)
{
    if (l->in_group) {
        p_byte(p, ')');
    }
}

static void functype(struct printer *p, const struct print_scope *s, const struct wasm_functype *f,
                     enum param_names names, u32 owner)
{
    p_c(p, f->param_count ? " " : "");
    struct local_printer l = {.group = "param"};
    for (u32 i = 0; i < f->param_count; i++) {
        p_local(p, s, &l, names, owner, i, f->params[i]);
    }
    p_locals_end(p, &l);
    if (f->result_count) {
        p_c(p, " (result");
        for (u32 i = 0; i < f->result_count; i++) {
            p_byte(p, ' ');
            p_valtype(p, s, f->results[i]);
        }
        p_byte(p, ')');
    }
}

void p_type_use(struct printer *p, const struct print_scope *s, u32 type)
{
    p_c(p, "(type ");
    p_index(p, s, SORT_CORE_TYPE, type);
    p_byte(p, ')');
}

u32 p_func_type_use(struct printer *p, const struct print_scope *s, u32 type,
                    enum param_names names, u32 owner)
{
    p_type_use(p, s, type);
    const struct wasm_type *t = type < s->types.len ? s->types.data[type] : NULL;
    if (!t || t->kind != COMPTYPE_FUNC || t->is_shared || t->has_describes || t->has_descriptor) {
        return 0;
    }
    functype(p, s, &t->func, names, owner);
    return t->func.param_count;
}

/* ---- Type definitions ---------------------------------------------------------------------------------- */

static void fieldtype(struct printer *p, const struct print_scope *s, const struct wasm_field *f)
{
    p_c(p, f->is_mutable ? "(mut " : "");
    p_valtype(p, s, f->type);
    p_c(p, f->is_mutable ? ")" : "");
}

static void structtype(struct printer *p, const struct print_scope *s, const struct wasm_type *t,
                       u32 index)
{
    p_c(p, "(struct");
    for (u32 i = 0; i < t->field_count; i++) {
        p_c(p, " (field ");
        const struct ident *name = wasm_pr_find(&s->fields, index, i);
        if (name) {
            p_ident_use(p, name);
            p_byte(p, ' ');
        } else if (p->options->name_unnamed) {
            p_c(p, "$#field");
            p_u64(p, i);
            p_byte(p, ' ');
        }
        fieldtype(p, s, &t->fields[i]);
        p_byte(p, ')');
    }
    p_byte(p, ')');
}

static void descriptor(struct printer *p, const struct print_scope *s, const char *word, u32 type)
{
    p_byte(p, '(');
    p_c(p, word);
    p_byte(p, ' ');
    p_index(p, s, SORT_CORE_TYPE, type);
    p_c(p, ") ");
}

static void comptype(struct printer *p, const struct print_scope *s, const struct wasm_type *t,
                     u32 index)
{
    p_c(p, t->is_shared ? "(shared " : "");
    if (t->has_describes) {
        descriptor(p, s, "describes", t->describes);
    }
    if (t->has_descriptor) {
        descriptor(p, s, "descriptor", t->descriptor);
    }
    switch (t->kind) {
    case COMPTYPE_FUNC:
        p_c(p, "(func");
        functype(p, s, &t->func, PARAMS_OF_TYPE, index);
        p_byte(p, ')');
        break;
    case COMPTYPE_STRUCT: structtype(p, s, t, index); break;
    case COMPTYPE_ARRAY:
        p_c(p, "(array ");
        fieldtype(p, s, &t->fields[0]);
        p_byte(p, ')');
        break;
    case COMPTYPE_CONT:
        p_c(p, "(cont ");
        p_index(p, s, SORT_CORE_TYPE, t->cont);
        p_byte(p, ')');
        break;
    }
    p_c(p, t->is_shared ? ")" : "");
}

static void typedef_(struct printer *p, struct print_scope *s, const struct wasm_type *t, bool core)
{
    u32 index = s->types.len;
    p_open(p, core ? "core type " : "type ");
    p_name(p, s, SORT_CORE_TYPE, index);
    p_byte(p, ' ');
    bool sub = !t->is_final || t->has_super;
    if (sub) {
        p_c(p, t->is_final ? "(sub final " : "(sub ");
        if (t->has_super) {
            p_index(p, s, SORT_CORE_TYPE, t->super);
            p_byte(p, ' ');
        }
    }
    comptype(p, s, t, index);
    p_c(p, sub ? ")" : "");
    p_close(p);
    *vec_push(p->a, &s->types) = t;
    s->count[SORT_CORE_TYPE]++;
}

void p_rec(struct printer *p, struct print_scope *s, const struct wasm_type *types, u32 n,
           bool group, bool core)
{
    if (!group) {
        typedef_(p, s, types, core);
        return;
    }
    p_open(p, core ? "core rec" : "rec");
    for (u32 i = 0; i < n; i++) {
        p_newline(p, s->module ? types[0].at.start : NO_OFFSET);
        typedef_(p, s, &types[i], false);
    }
    p_close(p);
}

/* ---- Types of imports and definitions ------------------------------------------------------------------- */

/* "(word " and, if it defines something, its name. */
static void define(struct printer *p, const struct print_scope *s, const char *word, u32 space,
                   bool index)
{
    p_open(p, word);
    p_byte(p, ' ');
    if (index) {
        p_name(p, s, space, s->count[space]);
        p_byte(p, ' ');
    }
}

void p_limits(struct printer *p, const struct wasm_limits *l)
{
    p_u64(p, l->min);
    if (l->has_max) {
        p_byte(p, ' ');
        p_u64(p, l->max);
    }
}

void p_tabletype(struct printer *p, const struct print_scope *s, const struct wasm_tabletype *t,
                 bool index)
{
    define(p, s, "table", SORT_CORE_TABLE, index);
    p_c(p, t->limits.is_shared ? "shared " : "");
    p_c(p, t->limits.is_64 ? "i64 " : "");
    p_limits(p, &t->limits);
    p_byte(p, ' ');
    p_valtype(p, s, t->element);
}

void p_memtype(struct printer *p, const struct print_scope *s, const struct wasm_limits *l,
               bool index)
{
    define(p, s, "memory", SORT_CORE_MEMORY, index);
    p_c(p, l->is_64 ? "i64 " : "");
    p_limits(p, l);
    p_c(p, l->is_shared ? " shared" : "");
    if (l->has_page_size) {
        p_c(p, " (pagesize 0x");
        p_hex(p, (u64)1 << (l->page_size_log2 & 63));
        p_byte(p, ')');
    }
}

void p_globaltype(struct printer *p, const struct print_scope *s, const struct wasm_globaltype *g,
                  bool index)
{
    define(p, s, "global", SORT_CORE_GLOBAL, index);
    bool wrapped = g->is_mutable || g->is_shared;
    p_c(p, wrapped ? "(" : "");
    p_c(p, g->is_shared ? "shared " : "");
    p_c(p, g->is_mutable ? "mut " : "");
    p_valtype(p, s, g->type);
    p_c(p, wrapped ? ")" : "");
}

void p_tagtype(struct printer *p, const struct print_scope *s, u32 type, bool index)
{
    define(p, s, "tag", SORT_CORE_TAG, index);
    p_func_type_use(p, s, type, index ? PARAMS_OF_TAG : PARAMS_NONE, s->count[SORT_CORE_TAG]);
}

void p_externtype(struct printer *p, const struct print_scope *s, const struct wasm_externtype *t,
                  bool index)
{
    switch (t->kind) {
    case EXTERN_FUNC:
        define(p, s, "func", SORT_CORE_FUNC, index);
        p_c(p, t->exact ? "(exact " : "");
        p_func_type_use(p, s, t->type, PARAMS_OF_FUNC, s->count[SORT_CORE_FUNC]);
        p_c(p, t->exact ? ")" : "");
        break;
    case EXTERN_TABLE: p_tabletype(p, s, &t->table, index); break;
    case EXTERN_MEMORY: p_memtype(p, s, &t->memory, index); break;
    case EXTERN_GLOBAL: p_globaltype(p, s, &t->global, index); break;
    case EXTERN_TAG: p_tagtype(p, s, t->type, index); break;
    }
    p_close(p);
}

void p_import(struct printer *p, const struct print_scope *s, const struct wasm_import *i,
              bool index)
{
    p_open(p, "import ");
    p_string(p, i->module);
    p_byte(p, ' ');
    p_string(p, i->name);
    p_byte(p, ' ');
    p_externtype(p, s, &i->type, index);
    p_close(p);
}
