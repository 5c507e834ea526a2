/* print_component.c - prints components, definition by definition. */
#include "print.h"
#include "writer.h"

/* ---- Names --------------------------------------------------------------------------------------------- */

/* What unnamed items are called after, under the option that names them. */
static const char *const name_groups[SORT_COUNT] = {
#define CORE_SORT(id, word, byte) "core-" word,
#define SORT(id, word, byte)      word,
#include "sorts.def"
#undef CORE_SORT
#undef SORT
};

/* A nested component goes by the name that its parent gives it. */
static void component_scope(struct printer *p, struct print_scope *s,
                            const struct wasm_component *c, u32 index)
{
    struct component_names names = {0};
    for (u32 i = 0; i < c->customs.len; i++) {
        if (str_eq(c->customs.data[i].name, STR("component-name"))) {
            wasm_names_of_component(p->a, c->customs.data[i].bytes, 0, &names);
        }
    }
    s->is_component = true;
    for (u32 i = 0; i < SORT_COUNT; i++) {
        s->idents[i] = wasm_pr_idents(p->a, &names.maps[i], name_groups[i], true);
    }
    if (!s->parent) {
        s->has_name = names.has_name;
        s->name = wasm_pr_ident(names.name, 0, "component", false);
        return;
    }
    const struct ident *given = wasm_pr_find(&s->parent->idents[SORT_COMPONENT], 0, index);
    s->has_name = given != NULL;
    if (given) {
        s->name = *given;
    }
}

/* Names the index that comes next in a space, and counts it. */
static void next_name(struct printer *p, struct print_scope *s, enum cm_sort sort)
{
    p_name(p, s, sort, s->count[sort]);
    s->count[sort]++;
}

/* A core type whose form is not known here. */
static void unknown_core_type(struct printer *p, struct print_scope *s)
{
    *vec_push(p->a, &s->types) = NULL;
}

static const char *const sort_words[SORT_COUNT] = {
#define CORE_SORT(id, word, byte) "core " word " ",
#define SORT(id, word, byte)      word " ",
#include "sorts.def"
#undef CORE_SORT
#undef SORT
};

/* "(word $index)" */
static void index_group(struct printer *p, const struct print_scope *s, const char *word,
                        enum cm_sort sort, u32 index)
{
    p_byte(p, '(');
    p_c(p, word);
    p_index(p, s, sort, index);
    p_byte(p, ')');
}

static void sort_index(struct printer *p, const struct print_scope *s, struct cm_sortidx item)
{
    index_group(p, s, sort_words[item.sort], item.sort, item.index);
}

static void extern_name(struct printer *p, const struct cm_name *n)
{
    p_string(p, n->name);
    enum cm_attribute attributes[ATTRIBUTE_COUNT];
    u32 count = cm_name_attributes(n, attributes);
    for (u32 i = 0; i < count; i++) {
        p_c(p, " (");
        p_c(p, cm_attribute_words[attributes[i]]);
        p_byte(p, ' ');
        p_string(p, cm_name_attribute(n, attributes[i]));
        p_byte(p, ')');
    }
}

/* ---- Types ---------------------------------------------------------------------------------------------- */

static const struct {
    u8 prim;
    const char *name;
} primitives[] = {
    {PRIM_BOOL, "bool"},     {PRIM_S8, "s8"},
    {PRIM_U8, "u8"},         {PRIM_S16, "s16"},
    {PRIM_U16, "u16"},       {PRIM_S32, "s32"},
    {PRIM_U32, "u32"},       {PRIM_S64, "s64"},
    {PRIM_U64, "u64"},       {PRIM_F32, "f32"},
    {PRIM_F64, "f64"},       {PRIM_CHAR, "char"},
    {PRIM_STRING, "string"}, {PRIM_ERROR_CONTEXT, "error-context"},
};

static void primitive(struct printer *p, u8 prim)
{
    for (size_t i = 0; i < LENGTH_OF(primitives); i++) {
        if (primitives[i].prim == prim) {
            p_c(p, primitives[i].name);
        }
    }
}

static void cm_valtype(struct printer *p, const struct print_scope *s, struct cm_valtype t)
{
    if (t.is_index) {
        p_index(p, s, SORT_TYPE, t.index);
    } else {
        primitive(p, t.prim);
    }
}

/* " (word type)" */
static void type_group(struct printer *p, const struct print_scope *s, const char *word,
                       struct cm_valtype t)
{
    p_c(p, " (");
    p_c(p, word);
    cm_valtype(p, s, t);
    p_byte(p, ')');
}

static void labels(struct printer *p, const struct print_scope *s, const char *word,
                   const struct cm_label *list, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        p_c(p, " (");
        p_c(p, word);
        p_string(p, list[i].name);
        if (list[i].has_type) {
            p_byte(p, ' ');
            cm_valtype(p, s, list[i].type);
        }
        p_byte(p, ')');
    }
}

static void component_functype(struct printer *p, const struct print_scope *s,
                               const struct cm_functype *f)
{
    p_c(p, f->is_async ? "(func async" : "(func");
    labels(p, s, "param ", f->params, f->param_count);
    if (f->has_result) {
        type_group(p, s, "result ", f->result);
    }
    p_byte(p, ')');
}

/* "(word" and what each kind has inside. */
static void defined_type(struct printer *p, const struct print_scope *s, const struct cm_type *t)
{
    static const char *const words[] = {
        [DEF_RECORD] = "(record",   [DEF_VARIANT] = "(variant", [DEF_LIST] = "(list",
        [DEF_FIXED_LIST] = "(list", [DEF_TUPLE] = "(tuple",     [DEF_FLAGS] = "(flags",
        [DEF_ENUM] = "(enum",       [DEF_OPTION] = "(option",   [DEF_RESULT] = "(result",
        [DEF_OWN] = "(own ",        [DEF_BORROW] = "(borrow ",  [DEF_STREAM] = "(stream",
        [DEF_FUTURE] = "(future",   [DEF_MAP] = "(map",
    };
    p_c(p, words[t->kind]);
    switch (t->kind) {
    case DEF_RECORD: labels(p, s, "field ", t->labels, t->label_count); break;
    case DEF_VARIANT: labels(p, s, "case ", t->labels, t->label_count); break;
    case DEF_TUPLE:
        for (u32 i = 0; i < t->label_count; i++) {
            p_byte(p, ' ');
            cm_valtype(p, s, t->labels[i].type);
        }
        break;
    case DEF_FLAGS:
    case DEF_ENUM:
        for (u32 i = 0; i < t->label_count; i++) {
            p_byte(p, ' ');
            p_string(p, t->labels[i].name);
        }
        break;
    case DEF_OWN:
    case DEF_BORROW: p_index(p, s, SORT_TYPE, t->resource); break;
    default:
        if (t->has_element) {
            p_byte(p, ' ');
            cm_valtype(p, s, t->element);
        }
        if (t->kind == DEF_RESULT && t->has_second) {
            type_group(p, s, "error ", t->second);
        } else if (t->kind == DEF_MAP) {
            p_byte(p, ' ');
            cm_valtype(p, s, t->second);
        } else if (t->kind == DEF_FIXED_LIST) {
            p_byte(p, ' ');
            p_u64(p, t->length);
        }
    }
    p_byte(p, ')');
}

static void resource_type(struct printer *p, const struct print_scope *s, const struct cm_type *t)
{
    p_c(p, " (resource (rep ");
    p_valtype(p, s, t->rep);
    p_byte(p, ')');
    if (t->has_dtor) {
        p_byte(p, ' ');
        index_group(p, s, "dtor ", SORT_CORE_FUNC, t->dtor);
    }
    p_byte(p, ')');
}

static void print_extern_type(struct printer *p, struct print_scope *s,
                              const struct cm_externtype *t, bool index)
{
    p_open(p, sort_words[t->sort]);
    if (index) {
        next_name(p, s, t->sort);
        p_byte(p, ' ');
    }
    if (t->sort == SORT_VALUE) {
        if (t->is_bound) {
            index_group(p, s, "eq ", SORT_VALUE, t->index);
        } else if (t->value.is_index) {
            index_group(p, s, "type ", SORT_TYPE, t->value.index);
        } else {
            primitive(p, t->value.prim);
        }
    } else if (t->sort == SORT_TYPE) {
        if (t->is_bound) {
            p_c(p, "(sub resource)");
        } else {
            index_group(p, s, "eq ", SORT_TYPE, t->index);
        }
    } else {
        index_group(p, s, "type ", t->sort == SORT_CORE_MODULE ? SORT_CORE_TYPE : SORT_TYPE,
                    t->index);
    }
    p_close(p);
}

static void print_alias(struct printer *p, struct print_scope *s, const struct cm_alias *a);
static void print_type(struct printer *p, struct print_scope *s, const struct cm_type *t);
static void print_core_type(struct printer *p, struct print_scope *s, const struct cm_core_type *t);

static void print_decl(struct printer *p, struct print_scope *s, const struct cm_decl *d)
{
    switch (d->kind) {
    case DECL_CORE_TYPE: print_core_type(p, s, d->core_type); break;
    case DECL_TYPE: print_type(p, s, d->type); break;
    case DECL_ALIAS: print_alias(p, s, d->alias); break;
    case DECL_IMPORT:
        p_open(p, "import ");
        extern_name(p, &d->name);
        p_byte(p, ' ');
        print_extern_type(p, s, &d->extern_type, true);
        p_close(p);
        break;
    case DECL_EXPORT:
        p_open(p, "export ");
        next_name(p, s, d->extern_type.sort);
        p_byte(p, ' ');
        extern_name(p, &d->name);
        p_byte(p, ' ');
        print_extern_type(p, s, &d->extern_type, false);
        p_close(p);
        break;
    }
}

static void print_decls(struct printer *p, const struct print_scope *parent,
                        const struct cm_type *t)
{
    struct print_scope scope = {.parent = parent, .is_component = true};
    p_newline(p, NO_OFFSET);
    p_open(p, t->kind == DEF_COMPONENT ? "component" : "instance");
    for (u32 i = 0; i < t->decl_count; i++) {
        p_newline(p, NO_OFFSET);
        print_decl(p, &scope, &t->decls[i]);
    }
    p_close(p);
}

static void print_type(struct printer *p, struct print_scope *s, const struct cm_type *t)
{
    p_open(p, "type ");
    p_name(p, s, SORT_TYPE, s->count[SORT_TYPE]);
    switch (t->kind) {
    case DEF_COMPONENT:
    case DEF_INSTANCE: print_decls(p, s, t); break;
    case DEF_RESOURCE: resource_type(p, s, t); break;
    case DEF_FUNC:
        p_byte(p, ' ');
        component_functype(p, s, &t->func);
        break;
    case DEF_PRIM:
        p_byte(p, ' ');
        primitive(p, t->prim);
        break;
    default: p_byte(p, ' '); defined_type(p, s, t);
    }
    p_close(p);
    s->count[SORT_TYPE]++;
}

/* ---- Core types ------------------------------------------------------------------------------------------- */

static void outer_count(struct printer *p, const struct print_scope *s, u32 count);

static const struct print_scope *outer_scope(const struct print_scope *s, u32 count)
{
    for (; s && count; count--) {
        s = s->parent;
    }
    return s;
}

static void outer_alias(struct printer *p, struct print_scope *s, enum cm_sort sort, u32 count,
                        u32 index)
{
    static const struct print_scope nowhere;
    const struct print_scope *outer = outer_scope(s, count);
    if (!outer) {
        p_c(p, "(; invalid outer alias count ");
        p_u64(p, count);
        p_c(p, " ;) ");
    }
    p_open(p, "alias outer ");
    outer_count(p, s, count);
    p_byte(p, ' ');
    p_index(p, outer ? outer : &nowhere, sort, index);
    p_c(p, " (");
    /* in a module type the sort is a core one already */
    p_c(p, sort == SORT_CORE_TYPE && !s->is_component ? "type " : sort_words[sort]);
    next_name(p, s, sort);
    p_byte(p, ')');
    p_close(p);
    if (sort == SORT_CORE_TYPE) {
        unknown_core_type(p, s);
    }
}

/* The scope that an outer alias counts to: its name, unless one in between has the same. */
static void outer_count(struct printer *p, const struct print_scope *s, u32 count)
{
    const struct print_scope *outer = outer_scope(s, count);
    bool named = outer && outer->has_name;
    for (const struct print_scope *i = s; named && i != outer; i = i->parent) {
        named = !(i->has_name && ident_eq(&i->name, &outer->name));
    }
    if (named) {
        p_ident_use(p, &outer->name);
    } else {
        p_u64(p, count);
    }
}

static void module_decl(struct printer *p, struct print_scope *s, const struct cm_module_decl *d)
{
    switch (d->kind) {
    case MODULE_DECL_IMPORT: p_import(p, s, &d->import, false); break;
    case MODULE_DECL_TYPE:
        p_rec(p, s, d->type->types, d->type->type_count,
              d->type->explicit_rec || d->type->type_count != 1, false);
        break;
    case MODULE_DECL_ALIAS:
        outer_alias(p, s, SORT_CORE_TYPE, d->outer_count, d->outer_index);
        break;
    case MODULE_DECL_EXPORT:
        p_open(p, "export ");
        p_string(p, d->name);
        p_byte(p, ' ');
        p_externtype(p, s, &d->extern_type, false);
        p_close(p);
        break;
    }
}

static void print_core_type(struct printer *p, struct print_scope *s, const struct cm_core_type *t)
{
    if (!t->is_module) {
        p_rec(p, s, t->types, t->type_count, t->explicit_rec || t->type_count != 1, true);
        return;
    }
    struct print_scope scope = {.parent = s};
    p_open(p, "core type ");
    next_name(p, s, SORT_CORE_TYPE);
    p_newline(p, NO_OFFSET);
    p_open(p, "module");
    for (u32 i = 0; i < t->decl_count; i++) {
        p_newline(p, NO_OFFSET);
        module_decl(p, &scope, &t->decls[i]);
    }
    p_close(p);
    p_close(p);
    unknown_core_type(p, s);
}

/* ---- Aliases, instances ------------------------------------------------------------------------------------ */

static void print_alias(struct printer *p, struct print_scope *s, const struct cm_alias *a)
{
    if (a->kind == ALIAS_OUTER) {
        outer_alias(p, s, a->sort, a->outer_count, a->index);
        return;
    }
    bool core = a->kind == ALIAS_CORE_EXPORT;
    p_open(p, core ? "alias core export " : "alias export ");
    p_index(p, s, core ? SORT_CORE_INSTANCE : SORT_INSTANCE, a->instance);
    p_byte(p, ' ');
    p_string(p, a->name);
    p_c(p, " (");
    p_c(p, sort_words[a->sort]);
    next_name(p, s, a->sort);
    p_byte(p, ')');
    p_close(p);
}

static void print_args(struct printer *p, const struct print_scope *s, const struct cm_instance *i,
                       bool core)
{
    p_c(p, " ");
    p_open(p, "instantiate ");
    p_index(p, s, core ? SORT_CORE_MODULE : SORT_COMPONENT, i->source);
    for (u32 k = 0; k < i->arg_count; k++) {
        p_newline(p, i->at.start);
        p_open(p, "with ");
        p_string(p, i->args[k].name);
        p_byte(p, ' ');
        if (core) {
            index_group(p, s, "instance ", SORT_CORE_INSTANCE, i->args[k].item.index);
        } else {
            sort_index(p, s, i->args[k].item);
        }
        p_close(p);
    }
    p_close(p);
}

static void print_instance(struct printer *p, struct print_scope *s, const struct cm_instance *i,
                           bool core)
{
    p_open(p, core ? "core instance " : "instance ");
    next_name(p, s, core ? SORT_CORE_INSTANCE : SORT_INSTANCE);
    if (i->is_instantiate) {
        print_args(p, s, i, core);
    }
    for (u32 k = 0; k < i->export_count; k++) {
        const struct cm_inline_export *e = &i->exports[k];
        p_newline(p, i->at.start);
        if (core) {
            p_core_export(p, s, e->name.name, e->item.sort, e->item.index);
            continue;
        }
        p_open(p, "export ");
        extern_name(p, &e->name);
        p_byte(p, ' ');
        sort_index(p, s, e->item);
        p_close(p);
    }
    p_close(p);
}

/* ---- Canonical definitions ----------------------------------------------------------------------------------- */

static void canon_options(struct printer *p, const struct print_scope *s,
                          const struct cm_canon_opts *o)
{
    for (u32 i = 0; i < o->order.len; i++) {
        const struct cm_option_info *option = &cm_option_info[o->order.data[i]];
        p_byte(p, ' ');
        if (option->sort == SORT_COUNT) {
            p_c(p, option->word);
            continue;
        }
        p_byte(p, '(');
        p_c(p, option->word);
        p_byte(p, ' ');
        p_index(p, s, option->sort, wasm_option_index(o, i));
        p_byte(p, ')');
    }
}

static void print_lift(struct printer *p, struct print_scope *s, const struct cm_canon *c)
{
    p_open(p, "func ");
    next_name(p, s, SORT_FUNC);
    p_byte(p, ' ');
    index_group(p, s, "type ", SORT_TYPE, c->type);
    p_c(p, " (canon lift ");
    index_group(p, s, "core func ", SORT_CORE_FUNC, c->func);
    canon_options(p, s, &c->opts);
    p_byte(p, ')');
    p_close(p);
}

static void canon_immediates(struct printer *p, const struct print_scope *s,
                             const struct cm_canon *c)
{
    enum cm_canon_form form = cm_canon_info[c->kind].form;
    switch (form) {
    case CANON_FORM_LIFT:
    case CANON_FORM_NONE:
    case CANON_FORM_ZERO: break;
    case CANON_FORM_LOWER:
        p_byte(p, ' ');
        index_group(p, s, "func ", SORT_FUNC, c->func);
        canon_options(p, s, &c->opts);
        break;
    case CANON_FORM_TYPE:
    case CANON_FORM_TYPE_OPTS:
    case CANON_FORM_TYPE_ASYNC:
        p_byte(p, ' ');
        p_index(p, s, SORT_TYPE, c->type);
        p_c(p, c->is_async ? " async" : "");
        canon_options(p, s, &c->opts);
        break;
    case CANON_FORM_RESULT_OPTS:
        if (c->has_result) {
            type_group(p, s, "result ", c->result);
        }
        canon_options(p, s, &c->opts);
        break;
    case CANON_FORM_OPTS: canon_options(p, s, &c->opts); break;
    case CANON_FORM_ASYNC: p_c(p, c->is_async ? " async" : ""); break;
    case CANON_FORM_SLOT:
        p_byte(p, ' ');
        p_valtype(p, s, c->slot_type);
        p_byte(p, ' ');
        p_u64(p, c->slot);
        break;
    case CANON_FORM_ZERO_MEMORY:
        p_byte(p, ' ');
        index_group(p, s, "memory ", SORT_CORE_MEMORY, c->memory);
        break;
    case CANON_FORM_SHARED: p_c(p, c->is_shared ? " shared" : ""); break;
    case CANON_FORM_SHARED_TYPE:
    case CANON_FORM_SHARED_TYPE_TABLE:
    case CANON_FORM_CORE_TYPE_TABLE:
        p_c(p, c->is_shared ? " shared " : " ");
        p_index(p, s, SORT_CORE_TYPE, c->type);
        if (form != CANON_FORM_SHARED_TYPE) {
            p_byte(p, ' ');
            p_index(p, s, SORT_CORE_TABLE, c->table);
        }
        break;
    }
}

static void print_canon(struct printer *p, struct print_scope *s, const struct cm_canon *c)
{
    if (c->kind == CANON_LIFT) {
        print_lift(p, s, c);
        return;
    }
    p_open(p, "core func ");
    next_name(p, s, SORT_CORE_FUNC);
    p_c(p, " (canon ");
    p_c(p, cm_canon_info[c->kind].name);
    canon_immediates(p, s, c);
    p_byte(p, ')');
    p_close(p);
}

/* ---- Start, imports, exports ---------------------------------------------------------------------------------- */

static void print_start(struct printer *p, struct print_scope *s, const struct cm_start *start)
{
    p_open(p, "start ");
    p_index(p, s, SORT_FUNC, start->func);
    for (u32 i = 0; i < start->arg_count; i++) {
        p_byte(p, ' ');
        index_group(p, s, "value ", SORT_VALUE, start->args[i]);
    }
    for (u32 i = 0; i < start->result_count; i++) {
        p_c(p, " (result (value ");
        next_name(p, s, SORT_VALUE);
        p_c(p, "))");
    }
    p_close(p);
}

static void print_import(struct printer *p, struct print_scope *s, const struct cm_import *i)
{
    p_open(p, "import ");
    extern_name(p, &i->name);
    p_byte(p, ' ');
    print_extern_type(p, s, &i->type, true);
    p_close(p);
}

static void print_export(struct printer *p, struct print_scope *s, const struct cm_export *e)
{
    p_open(p, "export ");
    next_name(p, s, e->item.sort);
    p_byte(p, ' ');
    extern_name(p, &e->name);
    p_byte(p, ' ');
    sort_index(p, s, e->item);
    if (e->has_type) {
        p_byte(p, ' ');
        print_extern_type(p, s, &e->type, false);
    }
    p_close(p);
}

/* ---- Values --------------------------------------------------------------------------------------------------- */

/* A value that reads as it was written: integers in fewest bytes, text of the length it says. */
static bool plain_value(struct printer *p, const struct cm_value *v)
{
    struct wasm_cursor c = wasm_cursor_of(p->source, v->bytes, 0);
    struct buf again = buf_in(p->a);
    u8 prim = v->type.is_index ? 0 : v->type.prim;
    if (prim == PRIM_STRING) {
        str text = wasm_get_name(&c);
        if (c.failed || c.at != c.end) {
            return false;
        }
        p_string(p, text);
        return true;
    }
    if (prim == PRIM_BOOL || prim == PRIM_U8 || prim == PRIM_S8) {
        u8 byte = wasm_get_byte(&c);
        if (c.failed || c.at != c.end || (prim == PRIM_BOOL && byte > 1)) {
            return false;
        }
        if (prim == PRIM_BOOL) {
            p_c(p, byte ? "true" : "false");
        } else {
            p_i64(p, prim == PRIM_S8 ? (i8)byte : byte);
        }
        return true;
    }
    bool is_signed = prim == PRIM_S16 || prim == PRIM_S32 || prim == PRIM_S64;
    if (!is_signed && prim != PRIM_U16 && prim != PRIM_U32 && prim != PRIM_U64) {
        return false;
    }
    u64 n = is_signed ? (u64)wasm_get_s64(&c) : wasm_get_u64(&c);
    if (is_signed) {
        buf_sleb(&again, (i64)n);
    } else {
        buf_uleb(&again, n);
    }
    if (c.failed || !str_eq(buf_view(&again), v->bytes)) {
        return false;
    }
    if (is_signed) {
        p_i64(p, (i64)n);
    } else {
        p_u64(p, n);
    }
    return true;
}

static void print_value(struct printer *p, struct print_scope *s, const struct cm_value *v)
{
    p_open(p, "value ");
    next_name(p, s, SORT_VALUE);
    p_byte(p, ' ');
    cm_valtype(p, s, v->type);
    p_byte(p, ' ');
    if (!plain_value(p, v)) {
        p_c(p, "(binary ");
        p_data(p, v->bytes);
        p_byte(p, ')');
    }
    p_close(p);
}

/* ---- The component ---------------------------------------------------------------------------------------------- */

static u32 item_offset(const struct wasm_component *c, struct cm_item item)
{
    u32 i = item.index;
    switch (item.kind) {
    case ITEM_CORE_MODULE: return c->modules.data[i]->base;
    case ITEM_CORE_INSTANCE: return c->core_instances.data[i].at.start;
    case ITEM_CORE_TYPE: return c->core_types.data[i].at.start;
    case ITEM_COMPONENT: return c->components.data[i]->base;
    case ITEM_INSTANCE: return c->instances.data[i].at.start;
    case ITEM_ALIAS: return c->aliases.data[i].at.start;
    case ITEM_TYPE: return c->types.data[i].at.start;
    case ITEM_CANON: return c->canons.data[i].at.start;
    case ITEM_START: return c->starts.data[i].at.start;
    case ITEM_IMPORT: return c->imports.data[i].at.start;
    case ITEM_EXPORT: return c->exports.data[i].at.start;
    case ITEM_VALUE: return c->values.data[i].at.start;
    case ITEM_CUSTOM: return c->customs.data[i].at.start;
    }
    return 0;
}

static void print_item(struct printer *p, struct print_scope *s, const struct wasm_component *c,
                       struct cm_item item)
{
    u32 i = item.index, offset = item_offset(c, item);
    if (item.kind == ITEM_CUSTOM) {
        const struct wasm_custom *custom = &c->customs.data[i];
        p_custom(p, s, custom, wasm_pr_custom_start(custom));
        return;
    }
    p_newline(p, offset);
    switch (item.kind) {
    case ITEM_CORE_MODULE: p_module(p, c->modules.data[i], s, s->count[SORT_CORE_MODULE]++); break;
    case ITEM_COMPONENT:
        p_component(p, c->components.data[i], s, s->count[SORT_COMPONENT]);
        s->count[SORT_COMPONENT]++;
        break;
    case ITEM_CORE_INSTANCE: print_instance(p, s, &c->core_instances.data[i], true); break;
    case ITEM_CORE_TYPE: print_core_type(p, s, &c->core_types.data[i]); break;
    case ITEM_INSTANCE: print_instance(p, s, &c->instances.data[i], false); break;
    case ITEM_ALIAS: print_alias(p, s, &c->aliases.data[i]); break;
    case ITEM_TYPE: print_type(p, s, &c->types.data[i]); break;
    case ITEM_CANON: print_canon(p, s, &c->canons.data[i]); break;
    case ITEM_START: print_start(p, s, &c->starts.data[i]); break;
    case ITEM_IMPORT: print_import(p, s, &c->imports.data[i]); break;
    case ITEM_EXPORT: print_export(p, s, &c->exports.data[i]); break;
    case ITEM_VALUE: print_value(p, s, &c->values.data[i]); break;
    case ITEM_CUSTOM: break;
    }
}

void p_component(struct printer *p, const struct wasm_component *c,
                 const struct print_scope *parent, u32 index)
{
    struct print_scope scope = {.parent = parent};
    component_scope(p, &scope, c, index);
    p_open(p, "component");
    if (parent) {
        p_byte(p, ' ');
        p_name(p, parent, SORT_COMPONENT, index);
    } else if (scope.has_name) {
        p_byte(p, ' ');
        p_ident_def(p, &scope.name);
    }
    for (u32 i = 0; i < c->items.len && !p->failed; i++) {
        print_item(p, &scope, c, c->items.data[i]);
    }
    p_close_at(p, c->base + (u32)c->bytes.len);
}
