/* yaml.c - a composition file and its root component as a graph: from the root's imports on, each is looked up in the
 * definitions, in the arguments that the file gives, or in a component called like the import. */
#include "yaml_config.h"

enum { MAX_INSTANCES = 1000 };

struct builder {
    struct compose_graph *g;
    struct yaml_config config;
    struct diags *d;
    struct map packages;  /* path -> package */
    struct map instances; /* name -> node */
    VEC(u32) definitions; /* nodes, MAP_NONE as long as it is not used */
    VEC(u32) definition_packages;
    u32 resolved;
};

/* ---- Finding components ------------------------------------------------------------------------------ */

static bool load(struct builder *b, str path, str name, span at, u32 *package)
{
    u32 known = map_get(&b->packages, path);
    if (known != MAP_NONE) {
        *package = known;
        return true;
    }
    u32 source;
    struct wasm_binary binary;
    u32 before = b->d->errors;
    if (!file_source(str_to_c(b->g->arena, path), &source, b->d) ||
        !wasm_read(b->g->arena, source, b->g->features, &binary, b->d)) {
        if (b->d->errors > before && at.source)
            diag_label(b->d, *vec_last(&b->d->list), at, "asked for here");
        return false;
    }
    if (!binary.component) {
        diag_error(b->d, CODE_COMPOSE, at, "`" STRF "` is a core module, not a component",
                   STRA(path));
        return false;
    }
    if (!compose_add_package(b->g, name, path, binary.component, package, b->d))
        return false;
    struct compose_package *p = &b->g->packages.data[*package];
    p->is_import = b->config.import_components;
    p->import_name = name;
    map_put(b->g->arena, &b->packages, path, *package);
    return true;
}

static bool try_directory(struct builder *b, str directory, str name, str *path)
{
    static const char *const endings[] = {".wasm", ".wat"};
    for (size_t i = 0; i < LENGTH_OF(endings); i++) {
        *path = path_join(b->g->arena, directory, str_concat(b->g->arena, name, str_c(endings[i])));
        if (file_exists(str_to_c(b->g->arena, *path)) &&
            !file_is_directory(str_to_c(b->g->arena, *path)))
            return true;
    }
    return false;
}

/* A component called `name`: from the file's dependencies, or NAME.wasm and NAME.wat in the folders. */
static bool find_component(struct builder *b, str name, str *path, span *at)
{
    struct yaml_config *c = &b->config;
    for (u32 i = 0; i < c->dependencies.len; i++) {
        if (str_eq(c->dependencies.data[i].name, name)) {
            *path = path_join(b->g->arena, c->directory, c->dependencies.data[i].path);
            *at = c->dependencies.data[i].at;
            return true;
        }
    }
    /* A name with a separator could only name a file elsewhere. */
    if (str_find_char(name, '/', 0) != SIZE_MAX)
        return false;
    if (try_directory(b, c->directory, name, path))
        return true;
    for (u32 i = 0; i < c->search_paths.len; i++) {
        if (try_directory(b, path_join(b->g->arena, c->directory, c->search_paths.data[i].path),
                          name, path))
            return true;
    }
    return false;
}

static const struct yaml_instantiation *find_instantiation(const struct builder *b, str name)
{
    for (u32 i = 0; i < b->config.instantiations.len; i++) {
        if (str_eq(b->config.instantiations.data[i].name, name))
            return &b->config.instantiations.data[i];
    }
    return NULL;
}

/* The instance of a name, made if it is not there yet. *node is MAP_NONE if there is no component for it. */
static bool find_instance(struct builder *b, str name, u32 *node)
{
    *node = map_get(&b->instances, name);
    if (*node != MAP_NONE)
        return true;
    const struct yaml_instantiation *i = find_instantiation(b, name);
    str dependency = i && i->dependency.ptr ? i->dependency : name, path;
    span at = i ? i->at : (span){0};
    u32 package;
    if (!find_component(b, dependency, &path, &at)) {
        if (!i || !i->dependency.ptr)
            return true;
        diag_error(b->d, CODE_COMPOSE, i->at, "no component `" STRF "` was found",
                   STRA(dependency));
        return false;
    }
    if (b->g->nodes.len >= MAX_INSTANCES) {
        diag_error(b->d, CODE_COMPOSE, at, "more than %d instances", MAX_INSTANCES);
        return false;
    }
    if (!load(b, path, dependency, at, &package))
        return false;
    *node = compose_add_instance(b->g, package, name);
    b->g->nodes.data[*node].at = at;
    map_put(b->g->arena, &b->instances, name, *node);
    return true;
}

/* ---- What fits -------------------------------------------------------------------------------------------- */

static const struct validate_type *package_type(const struct builder *b, u32 node)
{
    u32 package = b->g->nodes.data[node].package;
    return validate_get(b->g->types, b->g->packages.data[package].type);
}

static bool fits(struct builder *b, u32 taker, struct validate_entity e,
                 const struct validate_item *import, struct validate_mismatch *why)
{
    const struct validate_type *type = package_type(b, taker);
    return validate_subtype(b->g->types, e, import->entity, type->imported, type->imported_count,
                            b->g->arena, why);
}

/* The exports of a component as an instance. */
static struct validate_entity as_instance(struct builder *b, u32 node)
{
    const struct validate_type *type = package_type(b, node);
    struct validate_type made = validate_empty(DEF_INSTANCE);
    made.exports = type->exports;
    made.export_count = type->export_count;
    return (struct validate_entity){SORT_INSTANCE, validate_make(b->g->types, &made)};
}

static bool mismatch(struct builder *b, u32 taker, const struct validate_item *import,
                     const struct yaml_argument *argument, str giver, str export_,
                     const struct validate_mismatch *why)
{
    struct diag *x =
        export_.ptr
            ? diag_error(b->d, CODE_COMPOSE, argument ? argument->at : (span){0},
                         "export `" STRF "` of `" STRF "` does not fit import `" STRF "` of `" STRF
                         "`",
                         STRA(export_), STRA(giver), STRA(import->name.name),
                         STRA(b->g->nodes.data[taker].name))
            : diag_error(b->d, CODE_COMPOSE, argument ? argument->at : (span){0},
                         "`" STRF "` does not fit import `" STRF "` of `" STRF
                         "`, and it has no export that does",
                         STRA(giver), STRA(import->name.name), STRA(b->g->nodes.data[taker].name));
    diag_note(b->d, x, STRF, STRA(validate_mismatch_text(b->d->arena, why)));
    return false;
}

/* Connects an import with the instance, or with the export of it that fits: one of the same name before all others. */
static bool connect_instance(struct builder *b, u32 taker, const struct validate_item *import,
                             const struct yaml_argument *argument, u32 giver)
{
    const struct validate_type type = *package_type(b, giver);
    struct validate_mismatch whole = {0}, why = {0};
    str name = b->g->nodes.data[giver].name;
    if (argument && argument->export.ptr) {
        const struct validate_item *item =
            validate_find(type.exports, type.export_count, argument->export);
        if (!item || item->entity.sort != SORT_INSTANCE) {
            diag_error(b->d, CODE_COMPOSE, argument->at,
                       "`" STRF "` does not export an instance `" STRF "`", STRA(name),
                       STRA(argument->export));
            return false;
        }
        if (!fits(b, taker, item->entity, import, &why))
            return mismatch(b, taker, import, argument, name, argument->export, &why);
        compose_connect(b->g, taker, import->name.name,
                        compose_add_alias(b->g, giver, argument->export), argument->at);
        return true;
    }
    if (fits(b, taker, as_instance(b, giver), import, &whole)) {
        compose_connect(b->g, taker, import->name.name, giver, argument ? argument->at : (span){0});
        return true;
    }
    const struct validate_item *found =
        validate_find(type.exports, type.export_count, import->name.name);
    if (found && !fits(b, taker, found->entity, import, &why))
        found = NULL;
    for (u32 i = 0; !found && i < type.export_count; i++) {
        if (type.exports[i].entity.sort == SORT_INSTANCE &&
            fits(b, taker, type.exports[i].entity, import, &why))
            found = &type.exports[i];
    }
    if (!found)
        return mismatch(b, taker, import, argument, name, (str){0}, &whole);
    compose_connect(b->g, taker, import->name.name,
                    compose_add_alias(b->g, giver, found->name.name),
                    argument ? argument->at : (span){0});
    return true;
}

/* ---- Definitions ----------------------------------------------------------------------------------------------- */

static bool load_definitions(struct builder *b)
{
    for (u32 i = 0; i < b->config.definitions.len; i++) {
        const struct yaml_path *p = &b->config.definitions.data[i];
        u32 package;
        if (!load(b, path_join(b->g->arena, b->config.directory, p->path), path_stem(p->path),
                  p->at, &package))
            return false;
        *vec_push(b->g->arena, &b->definition_packages) = package;
        *vec_push(b->g->arena, &b->definitions) = MAP_NONE;
    }
    return true;
}

/* A definition that exports an instance of the import's name. */
static bool connect_definition(struct builder *b, u32 taker, const struct validate_item *import,
                               bool *connected)
{
    *connected = false;
    for (u32 i = 0; i < b->definitions.len; i++) {
        u32 package = b->definition_packages.data[i];
        const struct validate_item *item =
            validate_find_export(b->g->types, b->g->packages.data[package].type, import->name.name);
        if (!item || item->entity.sort != SORT_INSTANCE)
            continue;
        struct validate_mismatch why = {0};
        if (!fits(b, taker, item->entity, import, &why))
            return mismatch(b, taker, import, NULL, b->g->packages.data[package].name,
                            item->name.name, &why);
        if (b->definitions.data[i] == MAP_NONE)
            b->definitions.data[i] =
                compose_add_instance(b->g, package, b->g->packages.data[package].name);
        compose_connect(b->g, taker, import->name.name,
                        compose_add_alias(b->g, b->definitions.data[i], import->name.name),
                        (span){0});
        *connected = true;
        return true;
    }
    return true;
}

/* ---- The graph ---------------------------------------------------------------------------------------------------- */

static const struct yaml_argument *find_argument(const struct yaml_instantiation *i, str import)
{
    for (u32 k = 0; i && k < i->arguments.len; k++) {
        if (str_eq(i->arguments.data[k].import, import))
            return &i->arguments.data[k];
    }
    return NULL;
}

static bool connect_import(struct builder *b, u32 node, const struct validate_item *import)
{
    const struct yaml_instantiation *i = find_instantiation(b, b->g->nodes.data[node].name);
    const struct yaml_argument *argument = find_argument(i, import->name.name);
    bool connected = false;
    u32 giver;
    if (import->entity.sort != SORT_INSTANCE)
        return true;
    if (!argument && !connect_definition(b, node, import, &connected))
        return false;
    if (connected) {
        b->resolved++;
        return true;
    }
    if (!find_instance(b, argument ? argument->instance : import->name.name, &giver))
        return false;
    if (giver == MAP_NONE && argument) {
        diag_error(b->d, CODE_COMPOSE, argument->at,
                   "no component for instance `" STRF "` was found", STRA(argument->instance));
        return false;
    }
    if (giver == MAP_NONE)
        return true;
    b->resolved++;
    return connect_instance(b, node, import, argument, giver);
}

/* Arguments must be for imports that are there. */
static bool check_arguments(struct builder *b, u32 node)
{
    const struct compose_node *n = &b->g->nodes.data[node];
    const struct yaml_instantiation *i = find_instantiation(b, n->name);
    const struct validate_type *type = package_type(b, node);
    bool fine = true;
    for (u32 k = 0; i && k < i->arguments.len; k++) {
        const struct yaml_argument *argument = &i->arguments.data[k];
        if (validate_find(type->imports, type->import_count, argument->import))
            continue;
        str *names = arena_array(b->g->arena, str, type->import_count);
        for (u32 m = 0; m < type->import_count; m++)
            names[m] = type->imports[m].name.name;
        struct diag *x = diag_error(
            b->d, CODE_COMPOSE, argument->at, "component `" STRF "` has no import `" STRF "`",
            STRA(b->g->packages.data[n->package].name), STRA(argument->import));
        diag_suggest(b->d, x, argument->import, names, type->import_count);
        fine = false;
    }
    return fine;
}

static bool build(struct builder *b, str root_path)
{
    u32 package;
    if (!load(b, root_path, STR("root"), (span){0}, &package) || !load_definitions(b))
        return false;
    u32 root = compose_add_instance(b->g, package, STR("root"));
    map_put(b->g->arena, &b->instances, STR("root"), root);
    for (u32 node = 0; node < b->g->nodes.len; node++) { /* breadth first */
        if (b->g->nodes.data[node].kind != COMPOSE_INSTANCE)
            continue;
        const struct validate_type type = *package_type(b, node);
        if (!check_arguments(b, node))
            return false;
        for (u32 i = 0; i < type.import_count; i++) {
            if (!connect_import(b, node, &type.imports[i]))
                return false;
        }
    }
    if (!b->resolved) {
        struct diag *x = diag_error(b->d, CODE_COMPOSE, (span){0},
                                    "no dependencies of `" STRF "` were found", STRA(root_path));
        diag_help(b->d, x,
                  "name components in a file given with `-c`, put them beside it as "
                  "IMPORT.wasm, or plug them with `--plug`");
        return false;
    }
    const struct validate_type type = *package_type(b, root);
    for (u32 i = 0; i < type.export_count; i++)
        compose_add_export(b->g, type.exports[i].name,
                           compose_add_alias(b->g, root, type.exports[i].name.name));
    return true;
}

bool compose_yaml(struct compose_graph *g, const char *config, const char *root, struct diags *d)
{
    struct builder b = {.g = g, .d = d};
    u32 source;
    if (config &&
        (!file_source(config, &source, d) || !compose_yaml_read(g->arena, source, &b.config, d)))
        return false;
    b.config.directory = path_directory(str_c(config ? config : root));
    g->no_imports = b.config.disallow_imports;
    g->no_validate |= b.config.skip_validation;
    return build(&b, str_c(root));
}
