/* graph_imports.c - what a composition imports: the imports that no edge satisfies, merged by name. Each type
 * that has a name in an import gets one identity for the whole composition, so that the wishes of different
 * components can be compared, and types be written once. */
#include "graph.h"

/* ---- Keys ------------------------------------------------------------------------------------------ */

/* Imports with equal keys are one. Interfaces of compatible versions are; what only `implements` an interface
 * is not mixed with anything else. */
static str import_key(struct arena *a, const struct cm_name *name)
{
    if (name->implements.ptr)
        return str_concat(a, STR("="), name->name);
    str track = validate_semver_track(a, name->name);
    return track.len ? track : name->name;
}

u32 graph_import_of(const struct composition *c, const struct cm_name *name)
{
    return map_get(&c->import_keys, import_key(c->a, name));
}

static bool is_newer(str a, str b)
{
    struct validate_semver x, y;
    size_t i = str_rfind_char(a, '@'), k = str_rfind_char(b, '@');
    if (i == SIZE_MAX || k == SIZE_MAX || !validate_parse_semver(str_sub(a, i + 1, a.len), &x) ||
        !validate_parse_semver(str_sub(b, k + 1, b.len), &y))
        return false;
    return validate_semver_cmp(&x, &y) > 0;
}

static u32 import_at(struct composition *c, const struct cm_name *name)
{
    str key = import_key(c->a, name);
    u32 i = map_add(c->a, &c->import_keys, key, c->imports.len);
    if (i != MAP_NONE)
        return i;
    *vec_push(c->a, &c->imports) =
        (struct graph_import){.name = *name, .asked_by = MAP_NONE, .lacked_by = MAP_NONE};
    return c->imports.len - 1;
}

/* ---- Identities -------------------------------------------------------------------------------------- */

static u32 owner_of(struct composition *c, u32 import, str path)
{
    *vec_push(c->a, &c->owners) =
        (struct graph_owner){.import = import, .scope_instance = MAP_NONE, .path = path};
    return c->owners.len - 1;
}

static u32 own_tag(struct composition *c, u32 import, str path)
{
    struct graph_import *x = &c->imports.data[import];
    u32 tag = map_get(&x->tags, path);
    if (tag != MAP_NONE)
        return tag;
    tag = validate_fresh_tag(c->g->types);
    map_put(c->a, &x->tags, path, tag);
    graph_numbers_put(c->a, &c->tag_owner, tag, owner_of(c, import, path));
    return tag;
}

static u32 own_resource(struct composition *c, u32 import, str path)
{
    struct graph_import *x = &c->imports.data[import];
    u32 resource = map_get(&x->resources, path);
    if (resource != MAP_NONE)
        return resource;
    resource = validate_fresh_resource(c->g->types);
    map_put(c->a, &x->resources, path, resource);
    graph_numbers_put(c->a, &c->resource_owner, resource, owner_of(c, import, path));
    return resource;
}

/* Gives the named types within an import their identities in the composition. */
static void identify(struct composition *c, struct validate_renaming *r, u32 import, str path,
                     struct validate_entity e)
{
    const struct validate_type *type = validate_get(c->g->types, e.type);
    if (e.sort == SORT_INSTANCE) {
        for (u32 i = 0; i < type->export_count; i++) {
            str name = type->exports[i].name.name;
            str inner = path.len ? str_printf(c->a, STRF "\n" STRF, STRA(path), STRA(name)) : name;
            identify(c, r, import, inner, type->exports[i].entity);
        }
    } else if (e.sort == SORT_TYPE) {
        if (type->tag)
            validate_rename_tag(r, type->tag, own_tag(c, import, path));
        /* Only the first mention owns a resource: later ones are uses. */
        if (type->kind == DEF_RESOURCE && !validate_renames_resource(r, type->resource))
            validate_rename_resource(r, type->resource, own_resource(c, import, path));
    }
}

/* ---- Merging ------------------------------------------------------------------------------------------ */

static bool merge_entity(struct composition *c, struct validate_entity *have,
                         struct validate_entity more, struct validate_mismatch *why);

/* An instance with what either has. */
static bool merge_instance(struct composition *c, struct validate_entity *have,
                           struct validate_entity more, struct validate_mismatch *why)
{
    const struct validate_type x = *validate_get(c->g->types, have->type);
    const struct validate_type y = *validate_get(c->g->types, more.type);
    VEC(struct validate_item) items = {0};
    for (u32 i = 0; i < x.export_count; i++)
        *vec_push(c->a, &items) = x.exports[i];
    bool changed = false;
    for (u32 i = 0; i < y.export_count; i++) {
        const struct validate_item *item = &y.exports[i];
        u32 k = 0;
        while (k < x.export_count && !str_eq(x.exports[k].name.name, item->name.name))
            k++;
        if (k == x.export_count) {
            *vec_push(c->a, &items) = *item;
            changed = true;
        } else {
            struct validate_entity before = items.data[k].entity;
            if (!merge_entity(c, &items.data[k].entity, item->entity, why)) {
                why->path = why->path.len ? str_printf(c->a, STRF ": " STRF, STRA(item->name.name),
                                                       STRA(why->path))
                                          : item->name.name;
                return false;
            }
            changed |= before.type != items.data[k].entity.type;
        }
    }
    if (!changed)
        return true;
    struct validate_type made = validate_empty(DEF_INSTANCE);
    made.exports = items.data;
    made.export_count = items.len;
    have->type = validate_make(c->g->types, &made);
    return have->type != VALIDATE_NONE;
}

static bool merge_entity(struct composition *c, struct validate_entity *have,
                         struct validate_entity more, struct validate_mismatch *why)
{
    if (have->sort == SORT_INSTANCE && more.sort == SORT_INSTANCE)
        return merge_instance(c, have, more, why);
    if (validate_subtype(c->g->types, *have, more, NULL, 0, c->a, why))
        return true;
    if (!validate_subtype(c->g->types, more, *have, NULL, 0, NULL, NULL))
        return false;
    *have = more;
    return true;
}

static bool want(struct composition *c, u32 import, const struct cm_name *name,
                 struct validate_entity e, str who, bool wanted)
{
    struct graph_import *x = &c->imports.data[import];
    struct validate_mismatch why = {0};
    x->wanted |= wanted;
    if (is_newer(name->name, x->name.name))
        x->name = *name;
    if (!x->has_entity) {
        x->has_entity = true;
        x->entity = e;
        x->first = who;
        return true;
    }
    if (merge_entity(c, &x->entity, e, &why) || !wanted)
        return true;
    struct diag *d = diag_error(c->d, CODE_COMPOSE, (span){0},
                                "`" STRF "` and `" STRF "` both import `" STRF
                                "`, but with types that do not fit together",
                                STRA(x->first), STRA(who), STRA(name->name));
    diag_note(c->d, d, STRF, STRA(validate_mismatch_text(c->a, &why)));
    diag_help(c->d, d, "connect the import of one of them to a component that exports it");
    return false;
}

/* The part of an entity that only names types: what others may refer to. */
static struct validate_entity types_only(struct composition *c, struct validate_entity e)
{
    if (e.sort != SORT_INSTANCE)
        return e;
    const struct validate_type type = *validate_get(c->g->types, e.type);
    VEC(struct validate_item) items = {0};
    for (u32 i = 0; i < type.export_count; i++) {
        struct validate_item item = type.exports[i];
        if (item.entity.sort != SORT_TYPE && item.entity.sort != SORT_INSTANCE)
            continue;
        item.entity = types_only(c, item.entity);
        *vec_push(c->a, &items) = item;
    }
    struct validate_type made = validate_empty(DEF_INSTANCE);
    made.exports = items.data;
    made.export_count = items.len;
    return (struct validate_entity){SORT_INSTANCE, validate_make(c->g->types, &made)};
}

/* ---- All imports ------------------------------------------------------------------------------------------ */

static bool instance_imports(struct composition *c, const struct compose_node *n)
{
    const struct compose_package *p = &c->g->packages.data[n->package];
    const struct validate_type type = *validate_get(c->g->types, p->type);
    struct validate_renaming *r = validate_renaming_new(c->a, c->g->types);
    for (u32 i = 0; i < type.import_count; i++) {
        const struct validate_item *item = &type.imports[i];
        bool lacking = !compose_find_edge(n, item->name.name);
        if (lacking && c->g->no_imports) {
            struct diag *d = diag_error(c->d, CODE_COMPOSE, n->at,
                                        "import `" STRF "` of `" STRF "` is not connected",
                                        STRA(item->name.name), STRA(n->name));
            diag_note(c->d, d, "the composition may not have imports");
            return false;
        }
        if (!lacking && item->entity.sort != SORT_INSTANCE && item->entity.sort != SORT_TYPE)
            continue;
        u32 import = import_at(c, &item->name);
        if (lacking)
            c->imports.data[import].lacked_by = (u32)(n - c->g->nodes.data);
        identify(c, r, import, (str){"", 0}, item->entity);
        struct validate_entity e = {item->entity.sort, validate_rename(r, item->entity.type)};
        if (!want(c, import, &item->name, lacking ? e : types_only(c, e), n->name, lacking))
            return false;
    }
    return true;
}

/* An import that the user asked for, and before it what its type uses. */
static bool asked_import(struct composition *c, const struct compose_node *n)
{
    struct validate_renaming *r = validate_renaming_new(c->a, c->g->types);
    const struct validate_type context = *validate_get(c->g->types, n->context);
    for (u32 i = 0; i < context.import_count; i++) {
        const struct validate_item *item = &context.imports[i];
        bool asked = str_eq(item->name.name, n->context_item);
        const struct cm_name *name = asked ? &n->import : &item->name;
        u32 import = import_at(c, name);
        if (asked)
            c->imports.data[import].asked_by = (u32)(n - c->g->nodes.data);
        identify(c, r, import, (str){"", 0}, item->entity);
        struct validate_entity e = {item->entity.sort, validate_rename(r, item->entity.type)};
        if (!want(c, import, name, asked ? e : types_only(c, e), n->name, asked))
            return false;
    }
    return true;
}

/* What the user imports by name and what an instance leaves open must differ, else it would be unclear what was meant. */
static bool check_asked(struct composition *c)
{
    for (u32 i = 0; i < c->imports.len; i++) {
        const struct graph_import *x = &c->imports.data[i];
        if (x->asked_by == MAP_NONE || x->lacked_by == MAP_NONE)
            continue;
        const struct compose_node *asked = &c->g->nodes.data[x->asked_by];
        const struct compose_node *lacks = &c->g->nodes.data[x->lacked_by];
        struct diag *d =
            diag_error(c->d, CODE_COMPOSE, asked->at,
                       "import `" STRF "` conflicts with what an instantiation of `" STRF
                       "` leaves to be imported",
                       STRA(asked->import.name), STRA(lacks->name));
        diag_label(c->d, d, lacks->at, "instantiated here");
        diag_help(c->d, d, "give the import as an argument");
        return false;
    }
    return true;
}

bool graph_find_imports(struct composition *c)
{
    for (u32 i = 0; i < c->g->nodes.len; i++) {
        const struct compose_node *n = &c->g->nodes.data[i];
        if ((n->kind == COMPOSE_INSTANCE && !instance_imports(c, n)) ||
            (n->kind == COMPOSE_IMPORT && !asked_import(c, n)))
            return false;
    }
    return check_asked(c);
}

/* ---- Types of nodes ------------------------------------------------------------------------------------------ */

struct validate_entity graph_entity(const struct composition *c, u32 node)
{
    const struct compose_node *n = &c->g->nodes.data[node];
    if (n->kind == COMPOSE_INSTANCE)
        return (struct validate_entity){SORT_INSTANCE, c->types[node]};
    if (n->kind == COMPOSE_IMPORT)
        return c->imports.data[graph_import_of(c, &n->import)].entity;
    const struct validate_item *item =
        validate_find_export(c->g->types, graph_entity(c, n->of).type, n->export_name);
    return item ? item->entity : (struct validate_entity){SORT_COUNT, VALIDATE_NONE};
}

static bool type_node(struct composition *c, u32 node, u8 *state);

static bool type_instance(struct composition *c, u32 node, u8 *state)
{
    const struct compose_node *n = &c->g->nodes.data[node];
    const struct compose_package *p = &c->g->packages.data[n->package];
    const struct validate_type type = *validate_get(c->g->types, p->type);
    struct validate_item *args = arena_array(c->a, struct validate_item, type.import_count);
    for (u32 i = 0; i < n->args.len; i++) {
        if (!type_node(c, n->args.data[i].node, state))
            return false;
        if (!validate_find_import(c->g->types, p->type, n->args.data[i].import)) {
            diag_error(c->d, CODE_COMPOSE, n->at, "component `" STRF "` has no import `" STRF "`",
                       STRA(p->name), STRA(n->args.data[i].import));
            return false;
        }
    }
    for (u32 i = 0; i < type.import_count; i++) {
        const struct validate_item *item = &type.imports[i];
        const struct compose_edge *edge = compose_find_edge(n, item->name.name);
        args[i].name = item->name;
        args[i].entity = edge ? graph_entity(c, edge->node)
                              : c->imports.data[graph_import_of(c, &item->name)].entity;
    }
    u32 bad = 0;
    struct validate_mismatch why = {0};
    if (validate_instantiate(c->g->types, p->type, args, type.import_count, &c->types[node], &bad,
                             c->a, &why))
        return c->types[node] != VALIDATE_NONE;
    if (bad == type.import_count) {
        diag_error(c->d, CODE_COMPOSE, n->at,
                   "the types of what is composed are too much to check, up to `" STRF "`",
                   STRA(n->name));
        return false;
    }
    const struct compose_edge *edge = compose_find_edge(n, type.imports[bad].name.name);
    struct diag *d = diag_error(c->d, CODE_COMPOSE, edge && edge->at.source ? edge->at : n->at,
                                "what is given for import `" STRF "` of `" STRF "` does not fit",
                                STRA(type.imports[bad].name.name), STRA(n->name));
    diag_note(c->d, d, STRF, STRA(validate_mismatch_text(c->a, &why)));
    if (!edge)
        diag_help(c->d, d,
                  "`" STRF "` stays an import, but it shares types with imports that are "
                  "connected: connect it to the same component",
                  STRA(type.imports[bad].name.name));
    return false;
}

static bool type_node(struct composition *c, u32 node, u8 *state)
{
    enum { UNDER_WAY = 1, DONE = 2 };
    const struct compose_node *n = &c->g->nodes.data[node];
    if (state[node] == DONE)
        return true;
    if (state[node] == UNDER_WAY) {
        u32 root = node;
        while (c->g->nodes.data[root].kind == COMPOSE_EXPORT)
            root = c->g->nodes.data[root].of;
        diag_error(c->d, CODE_COMPOSE, c->g->nodes.data[root].at,
                   "instance `" STRF "` needs itself: the composition goes round in a circle",
                   STRA(c->g->nodes.data[root].name));
        return false;
    }
    state[node] = UNDER_WAY;
    if (n->kind == COMPOSE_INSTANCE && !type_instance(c, node, state))
        return false;
    if (n->kind == COMPOSE_EXPORT) {
        if (!type_node(c, n->of, state))
            return false;
        struct validate_entity of = graph_entity(c, n->of);
        if (of.sort != SORT_INSTANCE ||
            !validate_find_export(c->g->types, of.type, n->export_name)) {
            diag_error(c->d, CODE_COMPOSE, n->at, "`" STRF "` has no export `" STRF "`",
                       STRA(c->g->nodes.data[n->of].name), STRA(n->export_name));
            return false;
        }
    }
    state[node] = DONE;
    return true;
}

bool graph_type_nodes(struct composition *c)
{
    u8 *state = arena_array(c->a, u8, c->g->nodes.len);
    c->types = arena_array(c->a, validate_id, c->g->nodes.len);
    for (u32 i = 0; i < c->g->nodes.len; i++) {
        if (!type_node(c, i, state))
            return false;
    }
    return true;
}
