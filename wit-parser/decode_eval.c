/* decode_eval.c - runs the definitions of components and component types, for decoding WIT. */
#include "decode.h"

#define DEPTH_MAX 100

typedef VEC(struct dec_entity) entities;
struct dec_scope {
    struct dec_scope *parent;
    entities types, funcs, instances, components;
    struct dec_surface surface;
};

void wit_eval_init(struct dec_eval *e, struct wit_resolve *r, u32 source, u64 size)
{
    /* Honest binaries evaluate each definition once or a few times. */
    *e = (struct dec_eval){
        .arena = r->arena, .diags = r->diags, .source = source, .steps = 100000 + 4 * size};
}

static bool fail(struct dec_eval *e, span at, const char *what)
{
    diag_error(e->diags, "wit-decode", at, "ill-formed component: %s", what);
    return false;
}

bool wit_eval_step(struct dec_eval *e, span at)
{
    if (e->steps == 0) {
        diag_error(e->diags, "wit-decode", at,
                   "this component uses its parts too many times to be read as WIT");
        return false;
    }
    e->steps--;
    return true;
}

static bool enter(struct dec_eval *e, span at)
{
    if (e->depth >= DEPTH_MAX)
        return fail(e, at, "types or components nest more than 100 deep");
    e->depth++;
    return true;
}

/* ---- Index spaces ------------------------------------------------------------------------------ */

static entities *space_of(struct dec_scope *s, enum cm_sort sort)
{
    switch (sort) {
    case SORT_TYPE: return &s->types;
    case SORT_FUNC: return &s->funcs;
    case SORT_INSTANCE: return &s->instances;
    case SORT_COMPONENT: return &s->components;
    default: return NULL;
    }
}

static void add_entity(struct dec_eval *e, struct dec_scope *s, struct dec_entity x)
{
    entities *space = space_of(s, x.sort);
    if (space)
        *vec_push(e->arena, space) = x;
}

static const char *unknown_index(enum cm_sort sort)
{
    switch (sort) {
    case SORT_TYPE: return "unknown type index";
    case SORT_FUNC: return "unknown function index";
    case SORT_INSTANCE: return "unknown instance index";
    default: return "unknown component index";
    }
}

static bool get_entity(struct dec_eval *e, struct dec_scope *s, enum cm_sort sort, u32 index,
                       span at, struct dec_entity *out)
{
    const entities *space = space_of(s, sort);
    *out = (struct dec_entity){.sort = sort};
    if (!space)
        return true;
    if (index >= space->len)
        return fail(e, at, unknown_index(sort));
    *out = space->data[index];
    return true;
}

struct dec_type *wit_eval_type(struct dec_eval *e, const struct dec_scope *s, u32 index, span at)
{
    if (index < s->types.len)
        return s->types.data[index].type;
    fail(e, at, unknown_index(SORT_TYPE));
    return NULL;
}

static struct dec_scope *new_scope(struct dec_eval *e, struct dec_scope *parent)
{
    struct dec_scope *s = arena_new(e->arena, struct dec_scope);
    s->parent = parent;
    return s;
}

static struct dec_entity new_type(struct dec_eval *e, struct dec_type type)
{
    struct dec_type *t = arena_new(e->arena, struct dec_type);
    *t = type;
    return (struct dec_entity){.sort = SORT_TYPE, .type = t};
}

static struct dec_entity new_alias(struct dec_eval *e, struct dec_type *of)
{
    return new_type(e, (struct dec_type){.alias_of = of,
                                         .def = of ? of->def : NULL,
                                         .scope = of ? of->scope : NULL});
}

static const struct dec_entity *find_export(struct dec_eval *e, struct dec_instance *i, str name)
{
    if (i->by_name.len == 0)
        for (u32 k = 0; k < i->exports.len; k++)
            map_add(e->arena, &i->by_name, i->exports.data[k].name.name, k);
    u32 k = map_get(&i->by_name, name);
    return k == MAP_NONE ? NULL : &i->exports.data[k].what;
}

/* ---- Declared types of imports and exports ------------------------------------------------------ */

static bool eval_instance_type(struct dec_eval *e, const struct dec_type *t, span at,
                               struct dec_instance **out);

static bool eval_extern(struct dec_eval *e, struct dec_scope *s, const struct cm_externtype *x,
                        span at, struct dec_entity *out)
{
    *out = (struct dec_entity){.sort = x->sort};
    struct dec_type *t = NULL;
    bool abstract = x->sort == SORT_TYPE && x->is_bound;
    if (space_of(s, x->sort) && !abstract && !(t = wit_eval_type(e, s, x->index, at)))
        return false;
    switch (x->sort) {
    case SORT_TYPE: *out = new_alias(e, t); return true;
    case SORT_FUNC: out->type = t; return true;
    case SORT_INSTANCE: return eval_instance_type(e, t, at, &out->instance);
    case SORT_COMPONENT: {
        if (!t->def || t->def->kind != DEF_COMPONENT)
            return fail(e, at, "not a component type");
        out->component = arena_new(e->arena, struct dec_component);
        *out->component = (struct dec_component){.type = t->def, .parent = t->scope};
        return true;
    }
    default: return true;
    }
}

/* ---- Aliases ------------------------------------------------------------------------------------- */

static bool eval_outer_alias(struct dec_eval *e, struct dec_scope *s, const struct cm_alias *a)
{
    struct dec_scope *from = s;
    struct dec_entity x;
    for (u32 i = 0; i < a->outer_count && from; i++)
        from = from->parent;
    if (!from)
        return fail(e, a->at, "an alias reaches past the outermost component");
    if (!get_entity(e, from, a->sort, a->index, a->at, &x))
        return false;
    add_entity(e, s, x);
    return true;
}

static bool eval_alias(struct dec_eval *e, struct dec_scope *s, const struct cm_alias *a)
{
    if (a->kind == ALIAS_CORE_EXPORT)
        return true;
    if (a->kind == ALIAS_OUTER)
        return eval_outer_alias(e, s, a);
    struct dec_entity i;
    if (!get_entity(e, s, SORT_INSTANCE, a->instance, a->at, &i))
        return false;
    const struct dec_entity *x = find_export(e, i.instance, a->name);
    if (x && x->sort == a->sort) {
        add_entity(e, s, *x);
        return true;
    }
    diag_error(e->diags, "wit-decode", a->at,
               "ill-formed component: an alias names `" STRF "`, which the instance %s",
               STRA(a->name), x ? "exports as something else" : "does not export");
    return false;
}

/* ---- Declarators of instance and component types -------------------------------------------------- */

static void add_named(struct dec_eval *e, dec_names *names, const struct cm_name *name,
                      struct dec_entity what, span at)
{
    *vec_push(e->arena, names) = (struct dec_named){*name, what, at};
}

static bool eval_decl(struct dec_eval *e, struct dec_scope *s, const struct cm_decl *d)
{
    struct dec_entity x;
    switch (d->kind) {
    case DECL_CORE_TYPE: return true;
    case DECL_TYPE:
        add_entity(e, s, new_type(e, (struct dec_type){.def = d->type, .scope = s}));
        return true;
    case DECL_ALIAS: return eval_alias(e, s, d->alias);
    case DECL_IMPORT:
    case DECL_EXPORT: break;
    }
    if (!eval_extern(e, s, &d->extern_type, d->at, &x))
        return false;
    add_entity(e, s, x);
    bool import = d->kind == DECL_IMPORT;
    add_named(e, import ? &s->surface.imports : &s->surface.exports, &d->name, x, d->at);
    return true;
}

static bool eval_decls(struct dec_eval *e, struct dec_scope *s, const struct cm_type *t, span at)
{
    if (!enter(e, at))
        return false;
    bool ok = true;
    for (u32 i = 0; i < t->decl_count && ok; i++)
        ok = wit_eval_step(e, t->decls[i].at) && eval_decl(e, s, &t->decls[i]);
    e->depth--;
    return ok;
}

static bool eval_instance_type(struct dec_eval *e, const struct dec_type *t, span at,
                               struct dec_instance **out)
{
    if (!t->def || t->def->kind != DEF_INSTANCE)
        return fail(e, at, "not an instance type");
    struct dec_scope *s = new_scope(e, t->scope);
    if (!eval_decls(e, s, t->def, at))
        return false;
    *out = arena_new(e->arena, struct dec_instance);
    (*out)->exports = s->surface.exports;
    return true;
}

bool wit_eval_component_type(struct dec_eval *e, const struct dec_component *c,
                             struct dec_surface *out)
{
    span at = {.source = e->source};
    if (!c->type)
        return fail(e, at, "a component where a component type is expected");
    struct dec_scope *s = new_scope(e, c->parent);
    bool ok = eval_decls(e, s, c->type, c->type->at);
    *out = s->surface;
    return ok;
}

/* ---- Bodies of components --------------------------------------------------------------------------- */

struct arguments {
    struct dec_scope *scope;
    const struct cm_instance *instance;
    struct map by_name;
};

static bool eval_body(struct dec_eval *e, const struct wasm_component *c, struct dec_scope *s,
                      const struct arguments *args);

static bool eval_instantiate(struct dec_eval *e, struct dec_scope *s, const struct cm_instance *i,
                             struct dec_instance *out)
{
    struct dec_entity c;
    if (!get_entity(e, s, SORT_COMPONENT, i->source, i->at, &c))
        return false;
    struct dec_scope *inner = new_scope(e, c.component->parent);
    bool ok;
    if (c.component->body) {
        struct arguments args = {.scope = s, .instance = i};
        for (u32 k = 0; k < i->arg_count; k++)
            map_add(e->arena, &args.by_name, i->args[k].name, k);
        if (!enter(e, i->at))
            return false;
        ok = eval_body(e, c.component->body, inner, &args);
        e->depth--;
    } else {
        ok = eval_decls(e, inner, c.component->type, i->at);
    }
    out->exports = inner->surface.exports;
    return ok;
}

static bool eval_instance(struct dec_eval *e, struct dec_scope *s, const struct cm_instance *i)
{
    struct dec_instance *out = arena_new(e->arena, struct dec_instance);
    if (i->is_instantiate && !eval_instantiate(e, s, i, out))
        return false;
    for (u32 k = 0; k < i->export_count; k++) {
        const struct cm_inline_export *x = &i->exports[k];
        struct dec_entity what;
        if (!wit_eval_step(e, i->at) ||
            !get_entity(e, s, x->item.sort, x->item.index, i->at, &what))
            return false;
        add_named(e, &out->exports, &x->name, what, i->at);
    }
    add_entity(e, s, (struct dec_entity){.sort = SORT_INSTANCE, .instance = out});
    return true;
}

static bool bind_argument(struct dec_eval *e, const struct cm_import *i,
                          const struct arguments *args, struct dec_entity *out)
{
    u32 k = map_get(&args->by_name, i->name.name);
    if (k == MAP_NONE) {
        diag_error(e->diags, "wit-decode", args->instance->at,
                   "ill-formed component: an instantiation lacks the argument `" STRF "`",
                   STRA(i->name.name));
        return false;
    }
    const struct cm_sortidx *item = &args->instance->args[k].item;
    if (item->sort != i->type.sort)
        return fail(e, args->instance->at, "an argument of another sort than its import");
    if (!get_entity(e, args->scope, item->sort, item->index, args->instance->at, out))
        return false;
    if (out->sort == SORT_TYPE)
        *out = new_alias(e, out->type);
    return true;
}

static bool eval_import(struct dec_eval *e, struct dec_scope *s, const struct cm_import *i,
                        const struct arguments *args)
{
    struct dec_entity x;
    if (args ? !bind_argument(e, i, args, &x) : !eval_extern(e, s, &i->type, i->at, &x))
        return false;
    add_entity(e, s, x);
    add_named(e, &s->surface.imports, &i->name, x, i->at);
    return true;
}

/* An export under a declared type: the declared one is seen, its types are those of the item. */
static bool ascribe(struct dec_eval *e, struct dec_scope *s, const struct cm_export *x,
                    struct dec_entity *item)
{
    struct dec_entity declared;
    if (x->type.sort != item->sort)
        return fail(e, x->at, "an export declared to be of another sort than its item");
    if (item->sort == SORT_TYPE || item->sort == SORT_COMPONENT)
        return true;
    if (!eval_extern(e, s, &x->type, x->at, &declared))
        return false;
    if (declared.instance && item->instance) {
        dec_names *exports = &declared.instance->exports;
        for (u32 k = 0; k < exports->len; k++) {
            struct dec_entity *d = &exports->data[k].what;
            const struct dec_entity *actual =
                find_export(e, item->instance, exports->data[k].name.name);
            if (actual && actual->sort == SORT_TYPE && d->sort == SORT_TYPE && !d->type->alias_of)
                d->type->alias_of = actual->type; /* an abstract resource: which one it is */
        }
    }
    *item = declared;
    return true;
}

static bool eval_export(struct dec_eval *e, struct dec_scope *s, const struct cm_export *x)
{
    struct dec_entity item;
    if (!get_entity(e, s, x->item.sort, x->item.index, x->at, &item) ||
        (x->has_type && !ascribe(e, s, x, &item)))
        return false;
    if (item.sort == SORT_TYPE)
        item = new_alias(e, item.type);
    add_entity(e, s, item);
    add_named(e, &s->surface.exports, &x->name, item, x->at);
    return true;
}

static bool eval_canon(struct dec_eval *e, struct dec_scope *s, const struct cm_canon *c)
{
    if (c->kind != CANON_LIFT)
        return true;
    struct dec_type *t = wit_eval_type(e, s, c->type, c->at);
    add_entity(e, s, (struct dec_entity){.sort = SORT_FUNC, .type = t});
    return t != NULL;
}

static void add_component(struct dec_eval *e, struct dec_scope *s, const struct wasm_component *c)
{
    struct dec_component *x = arena_new(e->arena, struct dec_component);
    *x = (struct dec_component){.body = c, .parent = s};
    add_entity(e, s, (struct dec_entity){.sort = SORT_COMPONENT, .component = x});
}

static bool eval_item(struct dec_eval *e, const struct wasm_component *c, struct cm_item item,
                      struct dec_scope *s, const struct arguments *args)
{
    switch (item.kind) {
    case ITEM_COMPONENT: add_component(e, s, c->components.data[item.index]); return true;
    case ITEM_INSTANCE: return eval_instance(e, s, &c->instances.data[item.index]);
    case ITEM_ALIAS: return eval_alias(e, s, &c->aliases.data[item.index]);
    case ITEM_TYPE:
        add_entity(e, s,
                   new_type(e, (struct dec_type){.def = &c->types.data[item.index], .scope = s}));
        return true;
    case ITEM_CANON: return eval_canon(e, s, &c->canons.data[item.index]);
    case ITEM_IMPORT: return eval_import(e, s, &c->imports.data[item.index], args);
    case ITEM_EXPORT: return eval_export(e, s, &c->exports.data[item.index]);
    default: return true;
    }
}

static bool eval_body(struct dec_eval *e, const struct wasm_component *c, struct dec_scope *s,
                      const struct arguments *args)
{
    span at = {e->source, c->base, c->base};
    for (u32 i = 0; i < c->items.len; i++)
        if (!wit_eval_step(e, at) || !eval_item(e, c, c->items.data[i], s, args))
            return false;
    return true;
}

bool wit_eval_component(struct dec_eval *e, const struct wasm_component *c, struct dec_surface *out)
{
    struct dec_scope *s = new_scope(e, NULL);
    bool ok = eval_body(e, c, s, NULL);
    *out = s->surface;
    return ok;
}
