/* graph.c - composition graphs: packages, instances, edges. */
#include "graph.h"

void compose_graph_init(struct compose_graph *g, struct arena *a, struct features f)
{
    *g = (struct compose_graph){.arena = a, .types = validate_types_new(a), .features = f};
}

bool compose_add_package(struct compose_graph *g, str name, str path,
                         const struct wasm_component *c, u32 *index, struct diags *d)
{
    struct compose_package package = {.name = name, .path = path, .component = c};
    if (!validate_component(g->types, c, g->features, &package.type, d))
        return false;
    if (index)
        *index = g->packages.len;
    *vec_push(g->arena, &g->packages) = package;
    return true;
}

u32 compose_add_instance(struct compose_graph *g, u32 package, str name)
{
    *vec_push(g->arena, &g->nodes) =
        (struct compose_node){.kind = COMPOSE_INSTANCE, .name = name, .package = package};
    return g->nodes.len - 1;
}

u32 compose_add_alias(struct compose_graph *g, u32 node, str export_)
{
    for (u32 i = node + 1; i < g->nodes.len; i++) {
        const struct compose_node *n = &g->nodes.data[i];
        if (n->kind == COMPOSE_EXPORT && n->of == node && str_eq(n->export_name, export_))
            return i;
    }
    *vec_push(g->arena, &g->nodes) = (struct compose_node){
        .kind = COMPOSE_EXPORT, .name = export_, .of = node, .export_name = export_};
    return g->nodes.len - 1;
}

void compose_connect(struct compose_graph *g, u32 instance, str import, u32 node, span at)
{
    *vec_push(g->arena, &g->nodes.data[instance].args) = (struct compose_edge){import, node, at};
}

void compose_add_export(struct compose_graph *g, struct cm_name name, u32 node)
{
    *vec_push(g->arena, &g->exports) = (struct compose_export){.name = name, .node = node};
}

const struct compose_edge *compose_find_edge(const struct compose_node *instance, str import)
{
    for (u32 i = 0; i < instance->args.len; i++) {
        if (str_eq(instance->args.data[i].import, import))
            return &instance->args.data[i];
    }
    return NULL;
}

/* ---- A map of numbers ---------------------------------------------------------------------------------- */

u32 graph_numbers_get(const struct graph_numbers *m, u32 key)
{
    return map_get(&m->map, str_of((const char *)&key, sizeof key));
}

void graph_numbers_put(struct arena *a, struct graph_numbers *m, u32 key, u32 value)
{
    str k = str_dup(a, str_of((const char *)&key, sizeof key));
    map_put(a, &m->map, k, value);
}

/* ---- Encoding ------------------------------------------------------------------------------------------------ */

static u32 sort_count(const struct composition *c, enum cm_sort sort)
{
    return c->builder.count[sort];
}

static u32 encode_package(struct composition *c, u32 package)
{
    struct compose_package *p = &c->g->packages.data[package];
    if (c->package_index[package] != MAP_NONE)
        return c->package_index[package];
    if (p->is_import) {
        struct validate_entity e = {SORT_COMPONENT, p->type};
        struct cm_import import = {.name = {.name = p->import_name},
                                   .type = graph_extern(c->top, e)};
        c->package_index[package] = cm_add_import(&c->builder, import);
    } else {
        struct wasm_component *copy = arena_new(c->a, struct wasm_component);
        *copy = *p->component;
        c->package_index[package] = cm_add_component(&c->builder, copy);
    }
    return c->package_index[package];
}

static u32 encode_node(struct composition *c, u32 node);

/* The type index of the named type that an import of sort type wants is that of the import. */
static u32 encode_instance(struct composition *c, u32 node)
{
    const struct compose_node *n = &c->g->nodes.data[node];
    const struct validate_type *type =
        validate_get(c->g->types, c->g->packages.data[n->package].type);
    struct cm_arg *args = arena_array(c->a, struct cm_arg, type->import_count);
    for (u32 i = 0; i < type->import_count; i++) {
        const struct validate_item *item = &type->imports[i];
        const struct compose_edge *edge = compose_find_edge(n, item->name.name);
        args[i].name = item->name.name;
        args[i].item.sort = item->entity.sort;
        args[i].item.index = edge ? encode_node(c, edge->node)
                                  : c->imports.data[graph_import_of(c, &item->name)].index;
    }
    struct cm_instance instance = {.is_instantiate = true,
                                   .source = encode_package(c, n->package),
                                   .args = args,
                                   .arg_count = type->import_count};
    return cm_add_instance(&c->builder, instance);
}

static u32 encode_node(struct composition *c, u32 node)
{
    const struct compose_node *n = &c->g->nodes.data[node];
    if (c->node_index[node] != MAP_NONE)
        return c->node_index[node];
    u32 index;
    if (n->kind == COMPOSE_IMPORT) {
        index = c->imports.data[graph_import_of(c, &n->import)].index;
    } else if (n->kind == COMPOSE_INSTANCE) {
        index = encode_instance(c, node);
    } else {
        struct cm_alias alias = {.kind = ALIAS_EXPORT,
                                 .sort = graph_entity(c, node).sort,
                                 .instance = encode_node(c, n->of),
                                 .name = n->export_name};
        index = sort_count(c, alias.sort);
        cm_add_alias(&c->builder, alias);
    }
    c->node_index[node] = index;
    return index;
}

static void encode_exports(struct composition *c)
{
    for (u32 i = 0; i < c->g->exports.len; i++) {
        const struct compose_export *x = &c->g->exports.data[i];
        struct cm_export export_ = {
            .name = x->name, .item = {graph_entity(c, x->node).sort, encode_node(c, x->node)}};
        u32 index = cm_add_export(&c->builder, export_);
        /* Later uses go through the exported name, so that types are known by it. */
        c->node_index[x->node] = index;
    }
}

/* ---- Names of what stands in the result ------------------------------------------------------------------------- */

/* A map from indices of a sort to names; things with MAP_NONE or without a name are left out. */
static void put_names(struct composition *c, struct buf *out, u8 sort, const u32 *indices,
                      const str *names, u32 n)
{
    struct buf b = buf_in(c->a);
    u32 count = 0;
    for (u32 i = 0; i < n; i++)
        count += indices[i] != MAP_NONE && names[i].len > 0;
    buf_byte(&b, sort);
    buf_uleb(&b, count);
    for (u32 index = 0; count; index++) { /* in the order of the index space */
        for (u32 i = 0; i < n; i++) {
            if (indices[i] != index || !names[i].len)
                continue;
            buf_uleb(&b, index);
            wasm_write_name(&b, names[i]);
            count--;
        }
    }
    if (b.len == 2)
        return;
    buf_byte(out, 1);
    buf_uleb(out, b.len);
    buf_str(out, buf_view(&b));
}

/* Section "component-name": the embedded components and the instances, so that backtraces and pictures can name
 * them. */
static void add_names(struct composition *c)
{
    struct buf b = buf_in(c->a);
    u32 packages = c->g->packages.len, nodes = c->g->nodes.len;
    str *names = arena_array(c->a, str, packages > nodes ? packages : nodes);
    for (u32 i = 0; i < packages; i++)
        names[i] = c->g->packages.data[i].name;
    put_names(c, &b, 0x04, c->package_index, names, packages);
    for (u32 i = 0; i < nodes; i++) {
        bool shown = c->g->nodes.data[i].kind == COMPOSE_INSTANCE;
        names[i] = shown ? c->g->nodes.data[i].name : (str){0};
    }
    put_names(c, &b, 0x05, c->node_index, names, nodes);
    if (b.len)
        cm_add_custom(&c->builder, STR("component-name"), buf_view(&b));
}

/* The result is checked like anybody else's component: a mistake here must not leave the program. */
static bool check_result(struct composition *c, str bytes)
{
    struct wasm_component *made;
    u32 source = sources_add(c->d->sources, STR("<composition>"), bytes, SOURCE_BINARY);
    u32 before = c->d->errors;
    if (wasm_read_component(c->a, source, bytes, 0, c->g->features, &made, c->d) &&
        validate_component(c->g->types, made, c->g->features, NULL, c->d))
        return true;
    if (c->d->errors > before)
        diag_note(c->d, *vec_last(&c->d->list), "the composed component is not valid");
    return false;
}

static bool encode(struct composition *c, struct buf *out)
{
    cm_builder_init(&c->builder, c->a);
    struct graph_scope top = {.c = c, .is_component = true};
    c->top = &top;
    c->current = MAP_NONE;
    c->node_index = arena_array(c->a, u32, c->g->nodes.len);
    c->package_index = arena_array(c->a, u32, c->g->packages.len);
    memset(c->node_index, 0xff, c->g->nodes.len * sizeof(u32));
    memset(c->package_index, 0xff, c->g->packages.len * sizeof(u32));
    for (u32 i = 0; i < c->imports.len; i++) {
        if (c->imports.data[i].wanted && !graph_encode_import(c, i))
            return false;
    }
    for (u32 i = 0; i < c->g->nodes.len; i++) {
        if (c->g->nodes.data[i].kind == COMPOSE_INSTANCE)
            encode_node(c, i);
    }
    encode_exports(c);
    add_names(c);
    if (c->failed)
        return false;
    struct buf bytes = buf_in(c->a);
    wasm_write_component(&bytes, c->builder.component);
    if (!c->g->no_validate && !check_result(c, buf_view(&bytes)))
        return false;
    buf_str(out, buf_view(&bytes));
    return true;
}

bool compose_encode(struct compose_graph *g, struct buf *out, struct diags *d)
{
    struct composition c = {.g = g, .a = g->arena, .d = d};
    return graph_find_imports(&c) && graph_type_nodes(&c) && encode(&c, out);
}
