/* graph_types.c - writes the types of a composition's imports. A type that has a name is written as a use of that
 * name wherever it is known: in an enclosing scope (outer alias), or in an instance (alias of an export; an import of the
 * composition is written first when it is needed for this). */
#include "graph.h"

/* ---- Adding to a scope -------------------------------------------------------------------------------- */

static struct cm_decl *new_decl(struct graph_scope *s, int kind)
{
    struct cm_decl *d = vec_push(s->c->a, &s->decls);
    d->kind = kind;
    return d;
}

static u32 put_type(struct graph_scope *s, struct cm_type type)
{
    if (!s->parent)
        cm_add_type(&s->c->builder, type);
    else {
        struct cm_type *copy = arena_new(s->c->a, struct cm_type);
        *copy = type;
        new_decl(s, DECL_TYPE)->type = copy;
    }
    return s->types++;
}

static void put_alias(struct graph_scope *s, struct cm_alias alias)
{
    if (!s->parent) {
        cm_add_alias(&s->c->builder, alias);
    } else {
        struct cm_alias *copy = arena_new(s->c->a, struct cm_alias);
        *copy = alias;
        new_decl(s, DECL_ALIAS)->alias = copy;
    }
}

/* ---- Finding named types ---------------------------------------------------------------------------------- */

/* A named type within an instance of the scope: aliases along its path. */
static u32 alias_path(struct graph_scope *s, u32 instance, str path)
{
    for (;;) {
        str name;
        path = str_cut(path, '\n', &name);
        bool last = !path.ptr;
        struct cm_alias alias = {.kind = ALIAS_EXPORT,
                                 .sort = last ? SORT_TYPE : SORT_INSTANCE,
                                 .instance = instance,
                                 .name = name};
        put_alias(s, alias);
        if (last)
            return s->types++;
        instance = s->instances++;
    }
}

/* Which kind of identity is looked up. */
enum identity { TAG, RESOURCE };

static struct graph_numbers *known(struct graph_scope *s, enum identity kind)
{
    return kind == TAG ? &s->tags : &s->resources;
}

static struct graph_numbers *owners(struct graph_scope *s, enum identity kind)
{
    if (!s->parent)
        return kind == TAG ? &s->c->tag_owner : &s->c->resource_owner;
    return kind == TAG ? &s->tag_owner : &s->resource_owner;
}

/* In this very scope: known already, or to be had from an instance. */
static u32 find_here(struct graph_scope *s, enum identity kind, u32 identity)
{
    struct composition *c = s->c;
    u32 index = graph_numbers_get(known(s, kind), identity);
    if (index != MAP_NONE)
        return index;
    u32 o = graph_numbers_get(owners(s, kind), identity);
    if (o == MAP_NONE)
        return MAP_NONE;
    struct graph_owner owner = c->owners.data[o];
    if (owner.import != MAP_NONE) {
        if (owner.import == c->current) /* it is being declared right now */
            return MAP_NONE;
        if (!graph_encode_import(c, owner.import))
            return MAP_NONE;
        /* An import that is a type itself is known now. */
        index = graph_numbers_get(known(s, kind), identity);
        if (index != MAP_NONE)
            return index;
        owner.scope_instance = c->imports.data[owner.import].index;
    }
    index = alias_path(s, owner.scope_instance, owner.path);
    graph_numbers_put(c->a, known(s, kind), identity, index);
    return index;
}

static u32 find_named(struct graph_scope *s, enum identity kind, u32 identity)
{
    u32 count = 0;
    for (struct graph_scope *from = s; from; from = from->parent, count++) {
        u32 index = find_here(from, kind, identity);
        if (index == MAP_NONE)
            continue;
        if (count > 0) {
            struct cm_alias alias = {
                .kind = ALIAS_OUTER, .sort = SORT_TYPE, .outer_count = count, .index = index};
            put_alias(s, alias);
            index = s->types++;
            graph_numbers_put(s->c->a, known(s, kind), identity, index);
        }
        return index;
    }
    return MAP_NONE;
}

/* ---- Definitions ---------------------------------------------------------------------------------------------- */

static struct cm_valtype valtype(struct graph_scope *s, validate_id id)
{
    const struct validate_type *d = validate_get(s->c->g->types, id);
    u32 named = d->kind == DEF_PRIM && d->tag ? find_named(s, TAG, d->tag) : MAP_NONE;
    if (named != MAP_NONE)
        return (struct cm_valtype){.is_index = true, .index = named};
    if (d->kind == DEF_PRIM)
        return (struct cm_valtype){.prim = d->prim};
    return (struct cm_valtype){.is_index = true, .index = graph_type_index(s, id)};
}

static struct cm_label *labels(struct graph_scope *s, const struct validate_type *d)
{
    struct cm_label *out = arena_array(s->c->a, struct cm_label, d->label_count);
    for (u32 i = 0; i < d->label_count; i++) {
        out[i].name = d->labels[i].name;
        out[i].has_type = d->labels[i].type != VALIDATE_NONE;
        if (out[i].has_type)
            out[i].type = valtype(s, d->labels[i].type);
    }
    return out;
}

/* Index of the resource that a handle is of. */
static u32 resource_index(struct graph_scope *s, const struct validate_type *d)
{
    u32 index = d->tag ? find_named(s, TAG, d->tag) : MAP_NONE;
    if (index == MAP_NONE)
        index = find_named(s, RESOURCE, d->resource);
    if (index != MAP_NONE)
        return index;
    if (!s->c->failed)
        diag_error(s->c->d, CODE_COMPOSE, (span){0},
                   "an import uses a resource that the composition has no name for");
    s->c->failed = true;
    return 0;
}

static void scope_decls(struct graph_scope *s, const struct validate_item *items, u32 n,
                        bool imports)
{
    for (u32 i = 0; i < n; i++) {
        struct cm_externtype type = graph_extern(s, items[i].entity);
        struct cm_decl *decl = new_decl(s, imports ? DECL_IMPORT : DECL_EXPORT);
        decl->name = items[i].name;
        decl->extern_type = type;
        graph_declared(s, items[i].entity, MAP_NONE);
    }
}

static struct cm_type scope_type(struct graph_scope *parent, const struct validate_type *d)
{
    struct graph_scope s = {
        .parent = parent, .c = parent->c, .is_component = d->kind == DEF_COMPONENT};
    scope_decls(&s, d->imports, d->import_count, true);
    scope_decls(&s, d->exports, d->export_count, false);
    return (struct cm_type){.kind = d->kind, .decls = s.decls.data, .decl_count = s.decls.len};
}

/* Writes a type by its structure. */
static u32 define(struct graph_scope *s, validate_id id)
{
    const struct validate_type d = *validate_get(s->c->g->types, id);
    struct cm_type t = {.kind = d.kind, .prim = d.prim, .length = d.length};
    switch (d.kind) {
    case DEF_COMPONENT:
    case DEF_INSTANCE: t = scope_type(s, &d); break;
    case DEF_FUNC:
        t.func.is_async = d.is_async;
        t.func.params = labels(s, &d);
        t.func.param_count = d.label_count;
        t.func.has_result = d.element != VALIDATE_NONE;
        if (t.func.has_result)
            t.func.result = valtype(s, d.element);
        break;
    case DEF_OWN:
    case DEF_BORROW: t.resource = resource_index(s, &d); break;
    default:
        t.labels = labels(s, &d);
        t.label_count = d.label_count;
        t.has_element = d.element != VALIDATE_NONE;
        t.has_second = d.second != VALIDATE_NONE;
        if (t.has_element)
            t.element = valtype(s, d.element);
        if (t.has_second)
            t.second = valtype(s, d.second);
    }
    return put_type(s, t);
}

static bool is_named(const struct validate_type *d)
{
    return d->tag && d->kind != DEF_OWN && d->kind != DEF_BORROW;
}

u32 graph_type_index(struct graph_scope *s, validate_id id)
{
    const struct validate_type *d = validate_get(s->c->g->types, id);
    u32 index = graph_numbers_get(&s->ids, id);
    if (index != MAP_NONE)
        return index;
    if (is_named(d)) {
        index = find_named(s, TAG, d->tag);
        if (index == MAP_NONE && d->kind == DEF_RESOURCE)
            index = find_named(s, RESOURCE, d->resource);
    }
    if (index == MAP_NONE)
        index = define(s, id);
    graph_numbers_put(s->c->a, &s->ids, id, index);
    return index;
}

/* ---- Imports and exports ---------------------------------------------------------------------------------------- */

/* (sub resource) for a resource met for the first time; else (eq ...) the type that this one names, if that is known, or its
 * structure. */
static struct cm_externtype type_bound(struct graph_scope *s, validate_id id)
{
    const struct validate_type d = *validate_get(s->c->g->types, id);
    struct cm_externtype out = {.sort = SORT_TYPE};
    u32 index = d.uses ? find_named(s, TAG, d.uses) : MAP_NONE;
    if (index == MAP_NONE && d.kind == DEF_RESOURCE)
        index = find_named(s, RESOURCE, d.resource);
    if (index == MAP_NONE && d.kind == DEF_RESOURCE) {
        out.is_bound = true;
        return out;
    }
    if (index == MAP_NONE)
        index = is_named(&d) ? define(s, id) : graph_type_index(s, id);
    out.index = index;
    return out;
}

struct cm_externtype graph_extern(struct graph_scope *s, struct validate_entity e)
{
    struct cm_externtype out = {.sort = e.sort};
    switch (e.sort) {
    case SORT_TYPE: return type_bound(s, e.type);
    case SORT_VALUE: out.value = valtype(s, e.type); return out;
    case SORT_CORE_MODULE:
        if (!s->c->failed)
            diag_unsupported(s->c->d, (span){0}, "a composition that imports a core module");
        s->c->failed = true;
        return out;
    default: out.index = graph_type_index(s, e.type); return out;
    }
}

/* Makes the types within an instance of a scope known as its exports. */
static void own_exports(struct graph_scope *s, u32 instance, validate_id type, str path)
{
    const struct validate_type *d = validate_get(s->c->g->types, type);
    struct arena *a = s->c->a;
    for (u32 i = 0; i < d->export_count; i++) {
        const struct validate_item *item = &d->exports[i];
        str inner = path.len ? str_printf(a, STRF "\n" STRF, STRA(path), STRA(item->name.name))
                             : item->name.name;
        if (item->entity.sort == SORT_INSTANCE)
            own_exports(s, instance, item->entity.type, inner);
        if (item->entity.sort != SORT_TYPE)
            continue;
        const struct validate_type *t = validate_get(s->c->g->types, item->entity.type);
        u32 o = s->c->owners.len;
        *vec_push(a, &s->c->owners) = (struct graph_owner){MAP_NONE, instance, inner};
        if (is_named(t) && graph_numbers_get(&s->tag_owner, t->tag) == MAP_NONE)
            graph_numbers_put(a, &s->tag_owner, t->tag, o);
        if (t->kind == DEF_RESOURCE &&
            graph_numbers_get(&s->resource_owner, t->resource) == MAP_NONE)
            graph_numbers_put(a, &s->resource_owner, t->resource, o);
    }
}

u32 graph_declared(struct graph_scope *s, struct validate_entity e, u32 import)
{
    const struct validate_type *d = validate_get(s->c->g->types, e.type);
    switch (e.sort) {
    case SORT_TYPE:
        if (is_named(d))
            graph_numbers_put(s->c->a, &s->tags, d->tag, s->types);
        if (d->kind == DEF_RESOURCE && graph_numbers_get(&s->resources, d->resource) == MAP_NONE)
            graph_numbers_put(s->c->a, &s->resources, d->resource, s->types);
        graph_numbers_put(s->c->a, &s->ids, e.type, s->types);
        return s->types++;
    case SORT_INSTANCE:
        if (import == MAP_NONE && s->parent)
            own_exports(s, s->instances, e.type, (str){0});
        return s->instances++;
    default: return 0;
    }
}

bool graph_encode_import(struct composition *c, u32 import)
{
    struct graph_import *x = &c->imports.data[import];
    if (x->state == IMPORT_DONE)
        return true;
    if (x->state == IMPORT_UNDER_WAY) {
        if (!c->failed)
            diag_error(c->d, CODE_COMPOSE, (span){0},
                       "merged import `" STRF "` refers to itself through another import",
                       STRA(x->name.name));
        c->failed = true;
        return false;
    }
    u32 outer = c->current;
    x->state = IMPORT_UNDER_WAY;
    c->current = import;
    struct cm_import made = {.name = x->name, .type = graph_extern(c->top, x->entity)};
    c->current = outer;
    x = &c->imports.data[import];
    x->index = cm_add_import(&c->builder, made);
    graph_declared(c->top, x->entity, import);
    x->state = IMPORT_DONE;
    return !c->failed;
}
