/* yaml_read.c - the schema of composition files: keys by table, unknown ones reported with the near one. */
#include "yaml_config.h"

#include <yaml.h>

#define CODE_YAML "compose-yaml"
#define DEPTH_MAX 64

struct reader {
    struct arena *a;
    struct diags *d;
    u32 source;
    yaml_document_t document;
    struct yaml_config *config;
};

static span mark_span(const struct reader *r, const yaml_mark_t *start, const yaml_mark_t *end)
{
    return (span){r->source, (u32)start->index,
                  (u32)(end->index > start->index ? end->index : start->index + 1)};
}

static span at(const struct reader *r, const yaml_node_t *n)
{
    return mark_span(r, &n->start_mark, &n->end_mark);
}

static yaml_node_t *node(struct reader *r, int id)
{
    return yaml_document_get_node(&r->document, id);
}

static str scalar(struct reader *r, const yaml_node_t *n)
{
    return str_dup(r->a, str_of((const char *)n->data.scalar.value, n->data.scalar.length));
}

static bool wrong(struct reader *r, const yaml_node_t *n, const char *what, const char *form)
{
    diag_error(r->d, CODE_YAML, at(r, n), "`%s` must be %s", what, form);
    return false;
}

static bool read_str(struct reader *r, const yaml_node_t *n, const char *what, str *out)
{
    if (n->type != YAML_SCALAR_NODE)
        return wrong(r, n, what, "a text");
    *out = scalar(r, n);
    return true;
}

static bool read_bool(struct reader *r, const yaml_node_t *n, const char *what, bool *out)
{
    str s;
    if (n->type != YAML_SCALAR_NODE)
        return wrong(r, n, what, "true or false");
    s = scalar(r, n);
    *out = str_eq_c(s, "true");
    return *out || str_eq_c(s, "false") || wrong(r, n, what, "true or false");
}

/* ---- Mappings ------------------------------------------------------------------------------------------ */

/* Reads one value of a mapping into `target`. */
typedef bool field_fn(struct reader *r, const yaml_node_t *n, void *target);
struct field {
    const char *name;
    field_fn *read;
};

static bool unknown_key(struct reader *r, const yaml_node_t *key, const struct field *fields)
{
    str names[8], name = scalar(r, key);
    size_t n = 0;
    for (; fields[n].name; n++)
        names[n] = str_c(fields[n].name);
    struct diag *x = diag_error(r->d, CODE_YAML, at(r, key), "unknown key `" STRF "`", STRA(name));
    diag_suggest(r->d, x, name, names, n);
    return false;
}

/* Keys of a table; each at most once. */
static bool read_fields(struct reader *r, const yaml_node_t *n, const char *what,
                        const struct field *fields, void *target)
{
    bool fine = true;
    u32 seen = 0;
    if (n->type != YAML_MAPPING_NODE)
        return wrong(r, n, what, "a mapping");
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = node(r, p->key);
        u32 i = 0;
        if (key->type != YAML_SCALAR_NODE)
            return wrong(r, key, what, "a mapping whose keys are texts");
        while (fields[i].name && !str_eq_c(scalar(r, key), fields[i].name))
            i++;
        if (!fields[i].name) {
            fine = unknown_key(r, key, fields);
            continue;
        }
        if (seen >> i & 1) {
            diag_error(r->d, CODE_YAML, at(r, key), "key `%s` stands here twice", fields[i].name);
            fine = false;
        }
        seen |= 1u << i;
        fine &= fields[i].read(r, node(r, p->value), target);
    }
    return fine;
}

/* Names that the user makes up, each with something. */
typedef bool entry_fn(struct reader *r, str name, span where, const yaml_node_t *value,
                      void *target);

static bool read_entries(struct reader *r, const yaml_node_t *n, const char *what, entry_fn *read,
                         void *target)
{
    bool fine = true;
    struct map names = {0};
    if (n->type != YAML_MAPPING_NODE)
        return wrong(r, n, what, "a mapping");
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = node(r, p->key);
        if (key->type != YAML_SCALAR_NODE)
            return wrong(r, key, what, "a mapping whose keys are texts");
        str name = scalar(r, key);
        if (map_add(r->a, &names, name, 0) != MAP_NONE) {
            diag_error(r->d, CODE_YAML, at(r, key), "`" STRF "` stands here twice", STRA(name));
            fine = false;
            continue;
        }
        fine &= read(r, name, at(r, key), node(r, p->value), target);
    }
    return fine;
}

/* ---- Lists of paths --------------------------------------------------------------------------------------- */

typedef VEC(struct yaml_path) path_list;

static bool read_paths(struct reader *r, const yaml_node_t *n, const char *what, void *target)
{
    path_list *list = target;
    if (n->type != YAML_SEQUENCE_NODE)
        return wrong(r, n, what, "a list of paths");
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        const yaml_node_t *item = node(r, *i);
        struct yaml_path path = {.at = at(r, item)};
        if (!read_str(r, item, what, &path.path))
            return false;
        *vec_push(r->a, list) = path;
    }
    return true;
}

static bool read_definitions(struct reader *r, const yaml_node_t *n, void *target)
{
    struct yaml_config *c = target;
    return read_paths(r, n, "definitions", &c->definitions);
}

static bool read_search_paths(struct reader *r, const yaml_node_t *n, void *target)
{
    struct yaml_config *c = target;
    return read_paths(r, n, "search-paths", &c->search_paths);
}

/* ---- Dependencies --------------------------------------------------------------------------------------------- */

static bool dependency_path(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_str(r, n, "path", &((struct yaml_dependency *)target)->path);
}

static bool read_dependency(struct reader *r, str name, span where, const yaml_node_t *n,
                            void *target)
{
    static const struct field fields[] = {{"path", dependency_path}, {NULL}};
    struct yaml_config *c = target;
    struct yaml_dependency dependency = {.name = name, .at = where};
    if (n->type == YAML_SCALAR_NODE)
        dependency.path = scalar(r, n);
    else if (!read_fields(r, n, "a dependency", fields, &dependency))
        return false;
    if (!dependency.path.len) {
        diag_error(r->d, CODE_YAML, where, "dependency `" STRF "` has no path", STRA(name));
        return false;
    }
    *vec_push(r->a, &c->dependencies) = dependency;
    return true;
}

static bool read_dependencies(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_entries(r, n, "dependencies", read_dependency, target);
}

/* ---- Instantiations ---------------------------------------------------------------------------------------------- */

static bool argument_instance(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_str(r, n, "instance", &((struct yaml_argument *)target)->instance);
}

static bool argument_export(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_str(r, n, "export", &((struct yaml_argument *)target)->export);
}

static bool read_argument(struct reader *r, str name, span where, const yaml_node_t *n,
                          void *target)
{
    static const struct field fields[] = {
        {"instance", argument_instance}, {"export", argument_export}, {NULL}};
    struct yaml_instantiation *i = target;
    struct yaml_argument argument = {.import = name, .at = where};
    if (n->type == YAML_SCALAR_NODE)
        argument.instance = scalar(r, n);
    else if (!read_fields(r, n, "an argument", fields, &argument))
        return false;
    if (!argument.instance.len) {
        diag_error(r->d, CODE_YAML, where, "argument `" STRF "` names no instance", STRA(name));
        return false;
    }
    *vec_push(r->a, &i->arguments) = argument;
    return true;
}

static bool instantiation_dependency(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_str(r, n, "dependency", &((struct yaml_instantiation *)target)->dependency);
}

static bool instantiation_arguments(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_entries(r, n, "arguments", read_argument, target);
}

static bool read_instantiation(struct reader *r, str name, span where, const yaml_node_t *n,
                               void *target)
{
    static const struct field fields[] = {
        {"dependency", instantiation_dependency}, {"arguments", instantiation_arguments}, {NULL}};
    struct yaml_config *c = target;
    struct yaml_instantiation i = {.name = name, .at = where};
    if (!read_fields(r, n, "an instantiation", fields, &i))
        return false;
    *vec_push(r->a, &c->instantiations) = i;
    return true;
}

static bool read_instantiations(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_entries(r, n, "instantiations", read_instantiation, target);
}

/* ---- The file ----------------------------------------------------------------------------------------------------- */

static bool read_skip_validation(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_bool(r, n, "skip-validation", &((struct yaml_config *)target)->skip_validation);
}

static bool read_import_components(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_bool(r, n, "import-components", &((struct yaml_config *)target)->import_components);
}

static bool read_disallow_imports(struct reader *r, const yaml_node_t *n, void *target)
{
    return read_bool(r, n, "disallow-imports", &((struct yaml_config *)target)->disallow_imports);
}

static const struct field top_fields[] = {
    {"definitions", read_definitions},           {"search-paths", read_search_paths},
    {"skip-validation", read_skip_validation},   {"import-components", read_import_components},
    {"disallow-imports", read_disallow_imports}, {"dependencies", read_dependencies},
    {"instantiations", read_instantiations},     {NULL}};

static bool read_document(struct reader *r)
{
    yaml_node_t *root = yaml_document_get_root_node(&r->document);
    bool empty = !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
    return empty || read_fields(r, root, "a composition file", top_fields, r->config);
}

static bool syntax_error(struct diags *d, u32 source, const yaml_parser_t *p)
{
    u32 offset = (u32)(p->problem_offset ? p->problem_offset : p->problem_mark.index);
    diag_error(d, CODE_YAML, (span){source, offset, offset + 1}, "malformed YAML: %s%s%s",
               p->problem ? p->problem : "not readable", p->context ? ", " : "",
               p->context ? p->context : "");
    return false;
}

/* Stops at the first node that is nested too deep: the reader's time grows with the square of the depth. */
static bool check_depth(struct diags *d, u32 source, str text)
{
    yaml_parser_t parser;
    yaml_event_t e;
    u32 depth = 0;
    bool more = true;
    if (!yaml_parser_initialize(&parser))
        return true; /* who reads it will tell */
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    while (more && depth <= DEPTH_MAX && yaml_parser_parse(&parser, &e)) {
        depth += e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_MAPPING_START_EVENT;
        depth -= e.type == YAML_SEQUENCE_END_EVENT || e.type == YAML_MAPPING_END_EVENT;
        more = e.type != YAML_DOCUMENT_END_EVENT && e.type != YAML_STREAM_END_EVENT;
        if (depth > DEPTH_MAX) {
            u32 offset = (u32)e.start_mark.index;
            diag_error(d, CODE_YAML, (span){source, offset, offset + 1},
                       "nesting too deep: more than %u levels", DEPTH_MAX);
        }
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    return depth <= DEPTH_MAX;
}

bool compose_yaml_read(struct arena *a, u32 source, struct yaml_config *out, struct diags *d)
{
    struct reader r = {.a = a, .d = d, .source = source, .config = out};
    const struct source *text = sources_get(d->sources, source);
    yaml_parser_t parser;
    bool fine = false;
    *out = (struct yaml_config){0};
    if (!check_depth(d, source, text->text))
        return false;
    if (!yaml_parser_initialize(&parser)) {
        diag_error(d, CODE_YAML, (span){0}, "out of memory");
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text->text.ptr, text->text.len);
    if (!yaml_parser_load(&parser, &r.document)) {
        fine = syntax_error(d, source, &parser);
    } else {
        fine = read_document(&r);
        yaml_document_delete(&r.document);
    }
    yaml_parser_delete(&parser);
    return fine;
}
