/* scope.c - WIT types in a component, component type or instance type that somebody builds.
 *
 * A type stands in a scope once: defined there, or found elsewhere (an alias, an import). Named types nest
 * to any depth, so the walk over the parts of a type keeps a stack of its own.
 */
#include "encode.h"

void wit_scope_init(struct wit_scope *s, const struct wit_resolve *r,
                    const struct wit_scope_ops *ops, void *ctx)
{
    *s = (struct wit_scope){
        .r = r, .arena = r->arena, .ops = ops, .ctx = ctx, .epoch = 1, .size = r->types.len};
    s->index = arena_array(r->arena, u32, s->size);
    s->mark = arena_array(r->arena, u32, s->size);
}

void wit_scope_reset(struct wit_scope *s)
{
    s->epoch++;
    s->funcs = (struct map){0};
}

bool wit_scope_get(const struct wit_scope *s, u32 type, u32 *index)
{
    *index = s->index[type];
    return s->mark[type] == s->epoch;
}

void wit_scope_set(struct wit_scope *s, u32 type, u32 index)
{
    s->mark[type] = s->epoch;
    s->index[type] = index;
}

/* ---- Definitions ------------------------------------------------------------------------------- */

static u8 prim_of(enum wit_kind kind)
{
    static const u8 table[] = {
        [WIT_BOOL] = PRIM_BOOL,     [WIT_U8] = PRIM_U8,
        [WIT_U16] = PRIM_U16,       [WIT_U32] = PRIM_U32,
        [WIT_U64] = PRIM_U64,       [WIT_S8] = PRIM_S8,
        [WIT_S16] = PRIM_S16,       [WIT_S32] = PRIM_S32,
        [WIT_S64] = PRIM_S64,       [WIT_F32] = PRIM_F32,
        [WIT_F64] = PRIM_F64,       [WIT_CHAR] = PRIM_CHAR,
        [WIT_STRING] = PRIM_STRING, [WIT_ERROR_CONTEXT] = PRIM_ERROR_CONTEXT,
    };
    return table[kind];
}

static enum cm_def def_of(enum wit_kind kind)
{
    static const u8 table[] = {
        [WIT_RECORD] = DEF_RECORD, [WIT_OWN] = DEF_OWN,       [WIT_BORROW] = DEF_BORROW,
        [WIT_FLAGS] = DEF_FLAGS,   [WIT_TUPLE] = DEF_TUPLE,   [WIT_VARIANT] = DEF_VARIANT,
        [WIT_ENUM] = DEF_ENUM,     [WIT_OPTION] = DEF_OPTION, [WIT_RESULT] = DEF_RESULT,
        [WIT_LIST] = DEF_LIST,     [WIT_MAP] = DEF_MAP,       [WIT_FIXED_LIST] = DEF_FIXED_LIST,
        [WIT_FUTURE] = DEF_FUTURE, [WIT_STREAM] = DEF_STREAM,
    };
    return (enum cm_def)table[kind];
}

/* A use of a type that already stands in the scope. */
static struct cm_valtype use_type(const struct wit_scope *s, struct wit_type t)
{
    if (t.kind != WIT_ID)
        return (struct cm_valtype){.prim = prim_of(t.kind)};
    return (struct cm_valtype){.is_index = true, .index = s->index[t.id]};
}

static const struct cm_label *labels_of(const struct wit_scope *s, const struct wit_field *fields,
                                        u32 n)
{
    struct cm_label *labels = arena_array(s->arena, struct cm_label, n);
    for (u32 i = 0; i < n; i++) {
        labels[i].name = fields[i].name;
        labels[i].has_type = wit_type_present(fields[i].type);
        if (labels[i].has_type)
            labels[i].type = use_type(s, fields[i].type);
    }
    return labels;
}

/* The definition of a type whose parts stand in the scope. */
static struct cm_type define(const struct wit_scope *s, const struct wit_typedef *t)
{
    struct cm_type d = {.kind = def_of(t->kind)};
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        d.resource = s->index[t->first.id];
        return d;
    }
    d.labels = labels_of(s, t->fields, t->field_count);
    d.label_count = t->field_count;
    bool has_parts = t->kind >= WIT_OPTION;
    d.has_element = has_parts && wit_type_present(t->first);
    if (d.has_element)
        d.element = use_type(s, t->first);
    d.has_second = (t->kind == WIT_RESULT || t->kind == WIT_MAP) && wit_type_present(t->second);
    if (d.has_second)
        d.second = use_type(s, t->second);
    d.length = (u32)t->length;
    return d;
}

/* The index that a type has before it gets its name: of a definition, or of what it is an alias of. */
static u32 unnamed_index(struct wit_scope *s, const struct wit_typedef *t)
{
    if (t->kind != WIT_ALIAS)
        return s->ops->define(s->ctx, define(s, t));
    if (t->first.kind == WIT_ID)
        return s->index[t->first.id];
    return s->ops->define(s->ctx,
                          (struct cm_type){.kind = DEF_PRIM, .prim = prim_of(t->first.kind)});
}

static void emit_type(struct wit_scope *s, u32 type)
{
    const struct wit_typedef *t = &s->r->types.data[type];
    struct cm_externtype bound = {.sort = SORT_TYPE};
    if (t->kind == WIT_RESOURCE)
        bound.is_bound = true;
    else
        bound.index = unnamed_index(s, t);
    wit_scope_set(s, type, t->name.len ? s->ops->name(s->ctx, type, bound) : bound.index);
}

/* ---- Walking ----------------------------------------------------------------------------------- */

struct frame {
    u32 type, next;
};
typedef VEC(struct frame) frames;

/* Starts on a part that does not stand in the scope yet: found elsewhere at once, or pushed. */
static bool visit(struct wit_scope *s, frames *stack, struct wit_type part)
{
    u32 index;
    bool found = false;
    if (part.kind != WIT_ID || part.id == WIT_NONE || wit_scope_get(s, part.id, &index))
        return true;
    if (s->r->types.data[part.id].name.len && !s->ops->find(s->ctx, part.id, &found, &index))
        return false;
    if (found)
        wit_scope_set(s, part.id, index);
    else
        *vec_push(s->arena, stack) = (struct frame){part.id, 0};
    return true;
}

bool wit_scope_type(struct wit_scope *s, struct wit_type wanted, struct cm_valtype *out)
{
    frames stack = {0};
    if (!visit(s, &stack, wanted))
        return false;
    while (stack.len) {
        struct frame *top = vec_last(&stack);
        struct wit_type part;
        u32 type = top->type, index;
        if (wit_type_part(&s->r->types.data[type], top->next++, &part)) {
            if (!visit(s, &stack, part))
                return false;
        } else {
            if (!wit_scope_get(s, type, &index))
                emit_type(s, type);
            stack.len--;
        }
    }
    if (out && wit_type_present(wanted))
        *out = use_type(s, wanted);
    return true;
}

/* ---- Functions --------------------------------------------------------------------------------- */

static str func_key(const struct wit_scope *s, const struct wit_func *f)
{
    struct buf b = buf_in(s->arena);
    buf_byte(&b, f->is_async);
    for (u32 i = 0; i < f->param_count; i++) {
        buf_str(&b, f->params[i].name);
        buf_byte(&b, 0);
        buf_put(&b, &f->params[i].type.kind, sizeof f->params[i].type.kind);
        buf_put(&b, &f->params[i].type.id, sizeof f->params[i].type.id);
    }
    buf_byte(&b, 0);
    buf_put(&b, &f->result.kind, sizeof f->result.kind);
    buf_put(&b, &f->result.id, sizeof f->result.id);
    return buf_view(&b);
}

bool wit_scope_func(struct wit_scope *s, const struct wit_func *f, u32 *index)
{
    str key = func_key(s, f);
    *index = map_get(&s->funcs, key);
    if (*index != MAP_NONE)
        return true;
    for (u32 i = 0; i < f->param_count; i++)
        if (!wit_scope_type(s, f->params[i].type, NULL))
            return false;
    if (!wit_scope_type(s, f->result, NULL))
        return false;
    struct cm_type d = {.kind = DEF_FUNC};
    d.func.is_async = f->is_async;
    d.func.params = labels_of(s, f->params, f->param_count);
    d.func.param_count = f->param_count;
    d.func.has_result = wit_type_present(f->result);
    if (d.func.has_result)
        d.func.result = use_type(s, f->result);
    *index = s->ops->define(s->ctx, d);
    map_put(s->arena, &s->funcs, key, *index);
    return true;
}

/* ---- Declarators --------------------------------------------------------------------------------- */

u32 wit_decls_type(struct wit_decls *d, struct cm_type type)
{
    struct cm_decl *x = vec_push(d->arena, &d->list);
    *x = (struct cm_decl){.kind = DECL_TYPE, .type = arena_new(d->arena, struct cm_type)};
    *x->type = type;
    return d->types++;
}

u32 wit_decls_alias(struct wit_decls *d, struct cm_alias alias)
{
    struct cm_decl *x = vec_push(d->arena, &d->list);
    *x = (struct cm_decl){.kind = DECL_ALIAS, .alias = arena_new(d->arena, struct cm_alias)};
    *x->alias = alias;
    return d->types++;
}

struct cm_name wit_extern_name(str name, str implements, str external_id)
{
    struct cm_name n = {.name = name, .implements = implements, .external_id = external_id};
    n.form = n.implements.ptr || n.external_id.ptr ? 2 : 0;
    return n;
}

void wit_canonical_extern_name(struct arena *a, struct cm_name *name)
{
    str *id = name->implements.ptr ? &name->implements : &name->name;
    str full = *id, canonical = wit_canonical_id(a, full);
    if (canonical.len < full.len) {
        *id = canonical;
        name->version_suffix = str_sub(full, canonical.len, full.len);
        name->form = 2;
    }
}

u32 wit_decls_extern(struct wit_decls *d, bool import, struct cm_name name,
                     struct cm_externtype type)
{
    struct cm_decl *x = vec_push(d->arena, &d->list);
    *x = (struct cm_decl){
        .kind = import ? DECL_IMPORT : DECL_EXPORT, .name = name, .extern_type = type};
    switch (type.sort) {
    case SORT_TYPE: return d->types++;
    case SORT_INSTANCE: return d->instances++;
    default: return 0;
    }
}

/* ---- Instance types --------------------------------------------------------------------------------- */

struct instance {
    struct wit_decls decls;
    const struct wit_resolve *r;
    const struct wit_instance_options *options;
    u32 interface;
};

static u32 instance_define(void *ctx, struct cm_type def)
{
    struct instance *i = ctx;
    return wit_decls_type(&i->decls, def);
}

/* Types of other interfaces come from the scope around. */
static bool instance_find(void *ctx, u32 type, bool *found, u32 *index)
{
    struct instance *i = ctx;
    const struct wit_owner *owner = &i->r->types.data[type].owner;
    u32 outer;
    if (owner->kind != WIT_OWNER_INTERFACE || owner->index == i->interface)
        return true;
    if (!i->options->outer(i->options->ctx, type, &outer))
        return false;
    *found = true;
    *index = wit_decls_alias(
        &i->decls, (struct cm_alias){
                       .kind = ALIAS_OUTER, .sort = SORT_TYPE, .outer_count = 1, .index = outer});
    return true;
}

static u32 instance_name(void *ctx, u32 type, struct cm_externtype bound)
{
    struct instance *i = ctx;
    const struct wit_typedef *t = &i->r->types.data[type];
    return wit_decls_extern(&i->decls, false, wit_extern_name(t->name, str_c(NULL), t->external_id),
                            bound);
}

static const struct wit_scope_ops instance_ops = {instance_define, instance_find, instance_name};

struct ranked {
    u32 rank, index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static u32 *func_order(struct arena *a, const struct wit_resolve *r, u32 interface)
{
    const struct wit_interface *iface = &r->interfaces.data[interface];
    struct ranked *ranks = arena_array(a, struct ranked, iface->funcs.len);
    struct map resources = {0};
    for (u32 i = 0; i < iface->types.len; i++)
        map_add(a, &resources, iface->types.data[i].name, i);
    for (u32 i = 0; i < iface->funcs.len; i++) {
        const struct wit_func *f = &iface->funcs.data[i];
        ranks[i] = (struct ranked){UINT32_MAX, i};
        if (f->kind != WIT_FREE)
            ranks[i].rank = map_get(&resources, r->types.data[f->resource].name);
    }
    if (iface->funcs.len)
        qsort(ranks, iface->funcs.len, sizeof *ranks, compare_ranked);
    u32 *order = arena_array(a, u32, iface->funcs.len);
    for (u32 i = 0; i < iface->funcs.len; i++)
        order[i] = ranks[i].index;
    return order;
}

u32 *wit_func_order(const struct wit_resolve *r, u32 interface)
{
    return func_order(r->arena, r, interface);
}

bool wit_instance_type(struct wit_scope *scratch, u32 interface,
                       const struct wit_instance_options *options, struct cm_type *out)
{
    const struct wit_resolve *r = scratch->r;
    const struct wit_interface *iface = &r->interfaces.data[interface];
    struct instance i = {.decls = {.arena = scratch->arena}, .r = r, .options = options};
    i.interface = interface;
    scratch->ops = &instance_ops;
    scratch->ctx = &i;
    wit_scope_reset(scratch);
    for (u32 k = 0; k < iface->types.len; k++) {
        u32 type = iface->types.data[k].type;
        if ((!options->wants_type || options->wants_type(options->ctx, type)) &&
            !wit_scope_type(scratch, (struct wit_type){WIT_ID, type}, NULL))
            return false;
    }
    u32 *order = func_order(scratch->arena, r, interface);
    for (u32 k = 0; k < iface->funcs.len; k++) {
        const struct wit_func *f = &iface->funcs.data[order[k]];
        struct cm_externtype type = {.sort = SORT_FUNC};
        if (options->wants_func && !options->wants_func(options->ctx, interface, order[k]))
            continue;
        if (!wit_scope_func(scratch, f, &type.index))
            return false;
        wit_decls_extern(&i.decls, false, wit_extern_name(f->name, str_c(NULL), f->external_id),
                         type);
    }
    *out = wit_decls_close(&i.decls, DEF_INSTANCE);
    return true;
}
