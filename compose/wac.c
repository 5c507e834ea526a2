/* wac.c - a WAC file as a graph. Interfaces, worlds and the types of imports are handed to the WIT resolver, as a package of their own
 * beside those that the file's paths name. */
#include "wac.h"

struct builder {
    struct compose_graph *g;
    struct wac_file file;
    struct diags *d;
    const char *deps_dir;
    struct wit_resolve wit;
    u32 own; /* the own package of the file in wit */
    u32 target;
    struct map components; /* "ns:name@version" -> package of the graph */
    struct map locals;     /* local name -> node */
    struct map exports;    /* names taken */
    struct map declared;   /* names of interfaces and worlds */
    u32 *import_offsets;   /* by statement: where the type of an import stands in the WIT text */
    VEC(struct compose_spot) places;
};

/* ---- Packages ------------------------------------------------------------------------------------------ */

/* deps/ns/name[/version] as a directory of WIT, or as a component with an ending. */
static bool find_file(struct builder *b, str package, str *path, bool *is_wit)
{
    static const char *const endings[] = {"", ".wasm", ".wat"};
    struct arena *a = b->g->arena;
    str name, version = str_cut(package, '@', &name), base = str_c(b->deps_dir);
    while (name.ptr) {
        str part;
        name = str_cut(name, ':', &part);
        base = path_join(a, base, part);
    }
    if (version.len)
        base = path_join(a, base, version);
    for (size_t i = 0; i < LENGTH_OF(endings); i++) {
        *path = str_concat(a, base, str_c(endings[i]));
        *is_wit = i == 0;
        const char *file = str_to_c(a, *path);
        if (file_exists(file) && file_is_directory(file) == *is_wit)
            return true;
    }
    return false;
}

static bool component_package(struct builder *b, str package, span at, u32 *index)
{
    str path;
    bool is_wit;
    u32 source, known = map_get(&b->components, package);
    struct wasm_binary binary;
    if (known != MAP_NONE) {
        *index = known;
        return true;
    }
    if (str_eq(package, b->file.package)) {
        diag_error(b->d, CODE_COMPOSE, at, "cannot instantiate the package that is being defined");
        return false;
    }
    if (!find_file(b, package, &path, &is_wit)) {
        struct diag *x =
            diag_error(b->d, CODE_COMPOSE, at, "unknown package `" STRF "`", STRA(package));
        diag_help(b->d, x, "packages are looked up in `%s`", b->deps_dir);
        return false;
    }
    u32 before = b->d->errors;
    if (is_wit) {
        diag_error(b->d, CODE_COMPOSE, at, "`" STRF "` is a WIT package, not a component",
                   STRA(package));
        return false;
    }
    if (!file_source(str_to_c(b->g->arena, path), &source, b->d) ||
        !wasm_read(b->g->arena, source, b->g->features, &binary, b->d)) {
        if (b->d->errors > before)
            diag_label(b->d, *vec_last(&b->d->list), at, "package asked for here");
        return false;
    }
    if (!binary.component) {
        diag_error(b->d, CODE_COMPOSE, at, "package `" STRF "` is a core module, not a component",
                   STRA(package));
        return false;
    }
    str name, short_name = str_cut(package, '@', &name);
    short_name = str_cut(name, ':', &name);
    if (!compose_add_package(b->g, short_name, path, binary.component, index, b->d))
        return false;
    map_put(b->g->arena, &b->components, package, *index);
    return true;
}

/* ---- WIT ------------------------------------------------------------------------------------------------- */

static str source_text(const struct builder *b, span s)
{
    return str_sub(sources_get(b->d->sources, s.source)->text, s.start, s.end);
}

/* Packages of WIT that paths name; components are read when they are instantiated. */
static bool push_wit_packages(struct builder *b)
{
    struct map seen = {0};
    for (u32 i = 0; i < b->file.packages.len; i++) {
        str package = b->file.packages.data[i], path, own;
        bool is_wit;
        u32 index;
        str_cut(b->file.package, '@', &own);
        if (map_add(b->g->arena, &seen, package, 0) != MAP_NONE || str_eq(package, own) ||
            !find_file(b, package, &path, &is_wit) || !is_wit)
            continue;
        if (!wit_push_path(&b->wit, str_to_c(b->g->arena, path), &index))
            return false;
    }
    return true;
}

static str own_interface(const struct builder *b, str name)
{
    str package, version = str_cut(b->file.package, '@', &package);
    return version.len ? str_printf(b->g->arena, STRF "/" STRF "@" STRF, STRA(package), STRA(name),
                                    STRA(version))
                       : str_printf(b->g->arena, STRF "/" STRF, STRA(package), STRA(name));
}

/* The world that holds one import. */
static str world_name(const struct builder *b, u32 statement)
{
    return str_printf(b->g->arena, "wac-import-%u", statement);
}

/* What is said about the WIT text is said about the file. */
static span original_place(const struct builder *b, u32 wit_source, span s)
{
    if (s.source != wit_source)
        return s;
    s.source = b->file.source;
    for (u32 i = 0; i < b->file.statements.len; i++) {
        u32 offset = b->import_offsets[i];
        const struct wac_statement *x = &b->file.statements.data[i];
        span type = x->func.source ? x->func : x->type;
        if (!offset || s.start < offset || s.start > offset + (type.end - type.start))
            continue;
        u32 length = s.end - s.start;
        s.start = s.start - offset + type.start;
        s.end = s.start + length;
        return s;
    }
    return s;
}

/* WAC has a semicolon behind an interface within a world, WIT has none. */
static void drop_semicolons(char *text, size_t len)
{
    bool closed = false, names = false; /* names: within `use x.{a, b}` */
    char before = ' ';
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
            continue;
        if (closed && c == ';')
            text[i] = ' ';
        names = c == '{' ? before == '.' : names;
        closed = c == '}' && !names;
        names &= c != '}';
        before = c;
    }
}

/* An angle bracket that is open. */
struct angle {
    size_t at, comma;
    u32 arguments;
    bool result;
    bool blank[2]; /* `_` stands in that argument ... */
    bool used[2];  /* ... or something else */
};

/* Blanks what WAC has of a result and WIT has not: `result<_>`, `result<_, _>` and `result<t, _>`. */
static void drop_blanks(struct arena *a, char *text, size_t len)
{
    VEC(struct angle) open = {0};
    size_t word = 0, word_end = 0; /* the last word */
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        struct angle *top = open.len ? vec_last(&open) : NULL;
        bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (c == '<') {
            bool result = str_eq_c(str_of(text + word, word_end - word), "result");
            *vec_push(a, &open) = (struct angle){i, 0, 1, result, {false}, {false}};
        } else if (c == ';' || c == '{' || c == '}') {
            open.len = 0;
        } else if (top && c == '_' && top->arguments <= 2 && !top->blank[top->arguments - 1]) {
            top->blank[top->arguments - 1] = true;
        } else if (top && c == ',') {
            top->comma = i;
            top->arguments++;
        } else if (top && c == '>' && text[i - 1] != '-') {
            bool last = top->result && top->arguments <= 2 && top->blank[top->arguments - 1] &&
                        !top->used[top->arguments - 1];
            if (last && top->blank[0] && !top->used[0])
                memset(text + top->at, ' ', i + 1 - top->at);
            else if (last)
                memset(text + top->comma, ' ', i - top->comma);
            open.len--;
        } else if (top && !space && top->arguments <= 2) {
            top->used[top->arguments - 1] = true;
        }
        if (space || c == '<')
            continue;
        word = word_end == i ? word : i;
        word_end = i + 1;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '%'))
            word = word_end;
    }
}

/* Types outside of interfaces share an interface that nobody else sees. */
static void put_types(struct builder *b, struct buf *text)
{
    bool any = false;
    for (u32 i = 0; i < b->file.statements.len; i++) {
        const struct wac_statement *s = &b->file.statements.data[i];
        if (s->kind != WAC_TYPE)
            continue;
        buf_c(text, any ? "\n" : "\ninterface wac-types {\n");
        any = true;
        if (s->func.source)
            buf_printf(text, "%%" STRF ": ", STRA(s->name));
        b->import_offsets[i] = (u32)text->len;
        buf_str(text, source_text(b, s->func.source ? s->func : s->type));
    }
    buf_c(text, any ? "\n}" : "");
}

/* The statement that names the function type of an import, if it is named. */
static const struct wac_statement *named_func(const struct builder *b,
                                              const struct wac_statement *import)
{
    for (u32 i = 0; import->type_kind == WAC_TYPE_IDENT && i < b->file.statements.len; i++) {
        const struct wac_statement *s = &b->file.statements.data[i];
        if (s == import)
            break;
        if (s->kind == WAC_TYPE && s->func.source && str_eq(s->name, source_text(b, import->type)))
            return s;
    }
    return NULL;
}

/* The declarations stand where they stood, so that places in messages are right; a world for each import follows. */
static bool push_own_package(struct builder *b)
{
    const struct source *file = sources_get(b->d->sources, b->file.source);
    struct buf *text = arena_new(b->g->arena, struct buf);
    *text = buf_in(b->g->arena);
    b->import_offsets = arena_array(b->g->arena, u32, b->file.statements.len);
    str path = file->path;
    size_t length = file->text.len;
    str head = str_printf(b->g->arena, "package " STRF ";", STRA(b->file.package));
    buf_str(text, head);
    for (size_t i = head.len; i < length; i++)
        buf_byte(text, file->text.ptr[i] == '\n' ? '\n' : ' ');
    for (u32 i = 0; i < b->file.statements.len; i++) {
        const struct wac_statement *s = &b->file.statements.data[i];
        if (s->kind == WAC_WIT && s->type.start >= head.len) {
            memcpy(text->data + s->type.start, file->text.ptr + s->type.start,
                   s->type.end - s->type.start);
            drop_semicolons(text->data + s->type.start, s->type.end - s->type.start);
        }
    }
    for (u32 i = 0; i < b->file.statements.len; i++) {
        const struct wac_statement *s = &b->file.statements.data[i];
        if (s->kind != WAC_IMPORT)
            continue;
        buf_printf(text, "\nworld " STRF " { import ", STRA(world_name(b, i)));
        const struct wac_statement *named = named_func(b, s);
        if (s->type_kind == WAC_TYPE_FUNC || s->type_kind == WAC_TYPE_INTERFACE || named)
            buf_c(text, "x: ");
        b->import_offsets[i] = (u32)text->len;
        buf_str(text, source_text(b, named ? named->func : s->type));
        buf_c(text, s->type_kind == WAC_TYPE_INTERFACE ? " }" : named ? " }" : "; }");
    }
    put_types(b, text);
    drop_blanks(b->g->arena, text->data, text->len);
    u32 source = sources_add(b->d->sources, path, buf_view(text), SOURCE_TEXT);
    u32 before = b->d->list.len;
    bool fine = wit_push_source(&b->wit, source, &b->own);
    for (u32 i = before; i < b->d->list.len; i++) {
        struct diag *x = b->d->list.data[i];
        x->at = original_place(b, source, x->at);
        for (u32 k = 0; k < x->labels.len; k++)
            x->labels.data[k].at = original_place(b, source, x->labels.data[k].at);
    }
    return fine;
}

/* ---- Names ------------------------------------------------------------------------------------------------- */

static bool define(struct builder *b, str name, u32 node, span at)
{
    if (map_get(&b->declared, name) == MAP_NONE &&
        map_add(b->g->arena, &b->locals, name, node) == MAP_NONE)
        return true;
    diag_error(b->d, CODE_COMPOSE, at, "`" STRF "` is already defined", STRA(name));
    return false;
}

static bool check_name(struct builder *b, const char *what, str name, span at)
{
    const char *reason;
    if (validate_parse_name(name, b->g->features, &reason).kind)
        return true;
    diag_error(b->d, CODE_COMPOSE, at, "%s name `" STRF "` is not valid: %s", what, STRA(name),
               reason);
    return false;
}

/* Exports of what a node is, by name; the types within are not those of this instance. NULL if it is no instance. */
static const struct validate_type *shape(const struct builder *b, u32 node)
{
    const struct compose_node *n = &b->g->nodes.data[node];
    const struct compose_graph *g = b->g;
    if (n->kind == COMPOSE_INSTANCE)
        return validate_get(g->types, g->packages.data[n->package].type);
    if (n->kind == COMPOSE_IMPORT)
        return n->entity.sort == SORT_INSTANCE ? validate_get(g->types, n->entity.type) : NULL;
    const struct validate_type *of = shape(b, n->of);
    const struct validate_item *item =
        of ? validate_find(of->exports, of->export_count, n->export_name) : NULL;
    return item && item->entity.sort == SORT_INSTANCE ? validate_get(g->types, item->entity.type)
                                                      : NULL;
}

/* The item of a name, exactly or else of a compatible version. */
static const struct validate_item *find_export(const struct builder *b,
                                               const struct validate_type *t, str name)
{
    const struct validate_item *item = validate_find(t->exports, t->export_count, name);
    str track = validate_semver_track(b->g->arena, name);
    for (u32 i = 0; !item && track.len && i < t->export_count; i++) {
        if (str_eq(track, validate_semver_track(b->g->arena, t->exports[i].name.name)))
            item = &t->exports[i];
    }
    return item;
}

/* ---- Expressions --------------------------------------------------------------------------------------------- */

static bool evaluate(struct builder *b, const struct wac_expr *e, u32 *node);

static bool local(struct builder *b, str name, span at, u32 *node)
{
    *node = map_get(&b->locals, name);
    if (*node != MAP_NONE)
        return true;
    if (map_get(&b->declared, name) != MAP_NONE) {
        diag_unsupported(b->d, at, "a type or an interface as a value in a WAC file");
        return false;
    }
    struct diag *x = diag_error(b->d, CODE_COMPOSE, at, "undefined name `" STRF "`", STRA(name));
    str *names = arena_array(b->g->arena, str, b->locals.len);
    for (u32 i = 0; i < b->locals.len; i++)
        names[i] = b->locals.entries[i].key;
    diag_suggest(b->d, x, name, names, b->locals.len);
    return false;
}

static bool evaluate_access(struct builder *b, const struct wac_expr *e, u32 *node)
{
    u32 of;
    if (!evaluate(b, e->of, &of))
        return false;
    const struct validate_type *t = shape(b, of);
    if (!t) {
        diag_error(b->d, CODE_COMPOSE, e->of->at, "this is not an instance: it has no exports");
        return false;
    }
    const struct validate_item *item = validate_find(t->exports, t->export_count, e->name);
    if (!item) { /* `i.types` for "ns:pkg/types@1.0.0", if there is but one */
        for (u32 i = 0; i < t->export_count; i++) {
            const char *reason;
            struct validate_name n =
                validate_parse_name(t->exports[i].name.name, b->g->features, &reason);
            if (n.kind == NAME_INTERFACE && str_eq(n.interface, e->name))
                item = &t->exports[i];
        }
    }
    if (!item) {
        struct diag *x = diag_error(b->d, CODE_COMPOSE, e->at,
                                    "the instance has no export named `" STRF "`", STRA(e->name));
        str *names = arena_array(b->g->arena, str, t->export_count);
        for (u32 i = 0; i < t->export_count; i++)
            names[i] = t->exports[i].name.name;
        diag_suggest(b->d, x, e->name, names, t->export_count);
        return false;
    }
    *node = compose_add_alias(b->g, of, item->name.name);
    b->g->nodes.data[*node].at = e->at;
    return true;
}

/* The import that an argument's identifier means. */
static str import_for(const struct builder *b, const struct validate_type *c, str name, u32 node,
                      bool inferred)
{
    const struct compose_node *n = &b->g->nodes.data[node];
    str path = n->kind == COMPOSE_EXPORT   ? n->export_name
               : n->kind == COMPOSE_IMPORT ? n->import.name
                                           : (str){0};
    if (inferred && path.len && str_find_char(path, ':', 0) != SIZE_MAX) {
        if (validate_find(c->imports, c->import_count, path))
            return path;
        str track = validate_semver_track(b->g->arena, path);
        for (u32 i = 0; track.len && i < c->import_count; i++) {
            if (str_eq(track, validate_semver_track(b->g->arena, c->imports[i].name.name)))
                return c->imports[i].name.name;
        }
    }
    if (inferred && path.len && validate_find(c->imports, c->import_count, path))
        return path;
    if (validate_find(c->imports, c->import_count, name))
        return name;
    str found = name;
    u32 count = 0;
    for (u32 i = 0; i < c->import_count; i++) {
        const char *reason;
        struct validate_name x =
            validate_parse_name(c->imports[i].name.name, b->g->features, &reason);
        if (x.kind == NAME_INTERFACE && str_eq(x.interface, name)) {
            found = c->imports[i].name.name;
            count++;
        }
    }
    return count == 1 ? found : name;
}

static bool connect(struct builder *b, u32 instance, const struct validate_type *c, str import,
                    u32 node, span at)
{
    const struct validate_item *item = validate_find(c->imports, c->import_count, import);
    if (!item) {
        struct diag *x = diag_error(b->d, CODE_COMPOSE, at,
                                    "component `" STRF "` has no import named `" STRF "`",
                                    STRA(b->g->nodes.data[instance].name), STRA(import));
        str *names = arena_array(b->g->arena, str, c->import_count);
        for (u32 i = 0; i < c->import_count; i++)
            names[i] = c->imports[i].name.name;
        diag_suggest(b->d, x, import, names, c->import_count);
        return false;
    }
    if (compose_find_edge(&b->g->nodes.data[instance], import)) {
        diag_error(b->d, CODE_COMPOSE, at, "duplicate argument `" STRF "`", STRA(import));
        return false;
    }
    compose_connect(b->g, instance, import, node, at);
    return true;
}

static bool spread_argument(struct builder *b, u32 instance, const struct validate_type *c,
                            const struct wac_arg *arg)
{
    u32 from, connected = 0;
    if (!local(b, arg->name, arg->at, &from))
        return false;
    const struct validate_type *t = shape(b, from);
    if (!t) {
        diag_error(b->d, CODE_COMPOSE, arg->at,
                   "`" STRF "` is not an instance, it has nothing to spread", STRA(arg->name));
        return false;
    }
    for (u32 i = 0; i < c->import_count; i++) {
        str import = c->imports[i].name.name;
        const struct validate_item *item = find_export(b, t, import);
        if (!item || compose_find_edge(&b->g->nodes.data[instance], import))
            continue;
        compose_connect(b->g, instance, import, compose_add_alias(b->g, from, item->name.name),
                        arg->at);
        connected++;
    }
    if (connected)
        return true;
    diag_error(b->d, CODE_COMPOSE, arg->at,
               "no export of `" STRF "` matches an import that is still open", STRA(arg->name));
    return false;
}

static bool one_argument(struct builder *b, u32 instance, const struct validate_type *c,
                         const struct wac_arg *arg)
{
    u32 node;
    if (arg->kind == WAC_NAMED) {
        if (!evaluate(b, arg->value, &node))
            return false;
        str import = arg->exact ? arg->name : import_for(b, c, arg->name, node, false);
        return connect(b, instance, c, import, node, arg->at);
    }
    return local(b, arg->name, arg->at, &node) &&
           connect(b, instance, c, import_for(b, c, arg->name, node, true), node, arg->at);
}

static bool evaluate_new(struct builder *b, const struct wac_expr *e, u32 *node)
{
    u32 package;
    bool fill = false;
    str name = e->version.len
                   ? str_printf(b->g->arena, STRF "@" STRF, STRA(e->name), STRA(e->version))
                   : e->name;
    if (!component_package(b, name, e->at, &package))
        return false;
    u32 instance = compose_add_instance(b->g, package, b->g->packages.data[package].name);
    b->g->nodes.data[instance].at = e->at;
    const struct validate_type c = *validate_get(b->g->types, b->g->packages.data[package].type);
    for (u32 i = 0; i < e->args.len; i++) {
        const struct wac_arg *arg = &e->args.data[i];
        if (arg->kind == WAC_FILL) {
            fill = true;
            if (i + 1 < e->args.len) {
                diag_error(b->d, CODE_COMPOSE, arg->at, "`...` must be the last argument");
                return false;
            }
        } else if (arg->kind == WAC_SPREAD ? !spread_argument(b, instance, &c, arg)
                                           : !one_argument(b, instance, &c, arg)) {
            return false;
        }
    }
    for (u32 i = 0; !fill && i < c.import_count; i++) {
        str import = c.imports[i].name.name;
        if (compose_find_edge(&b->g->nodes.data[instance], import))
            continue;
        struct diag *x = diag_error(b->d, CODE_COMPOSE, e->at,
                                    "missing argument `" STRF "` of package `" STRF "`",
                                    STRA(import), STRA(name));
        diag_help(b->d, x, "a last argument `...` makes imports of what is missing");
        return false;
    }
    *node = instance;
    return true;
}

static bool evaluate(struct builder *b, const struct wac_expr *e, u32 *node)
{
    switch (e->kind) {
    case WAC_IDENT: return local(b, e->name, e->at, node);
    case WAC_ACCESS: return evaluate_access(b, e, node);
    case WAC_NEW: break;
    }
    return evaluate_new(b, e, node);
}

/* ---- Statements ------------------------------------------------------------------------------------------------- */

static bool import(struct builder *b, const struct wac_statement *s, u32 index)
{
    u32 world;
    validate_id type;
    if (!wit_select_world(&b->wit, b->own, world_name(b, index), &world) ||
        !compose_world_type(b->g, &b->wit, world, &type, b->d))
        return false;
    const struct validate_type w = *validate_get(b->g->types, type);
    /* What it uses comes first. */
    const struct validate_item *item = w.import_count ? &w.imports[w.import_count - 1] : NULL;
    if (!item) {
        diag_error(b->d, CODE_COMPOSE, s->at, "`" STRF "` cannot be imported", STRA(s->name));
        return false;
    }
    struct compose_node n = {.kind = COMPOSE_IMPORT,
                             .name = s->name,
                             .import = item->name,
                             .entity = item->entity,
                             .context = type,
                             .context_item = item->name.name,
                             .at = s->at};
    bool named =
        s->type_kind == WAC_TYPE_FUNC || s->type_kind == WAC_TYPE_INTERFACE || named_func(b, s);
    if (s->has_as || named)
        n.import = (struct cm_name){.name = s->has_as ? s->as : s->name};
    if (!check_name(b, "import", n.import.name, s->has_as ? s->as_at : s->at))
        return false;
    for (u32 i = 0; i < b->g->nodes.len; i++) {
        const struct compose_node *other = &b->g->nodes.data[i];
        if (other->kind != COMPOSE_IMPORT || !str_eq(other->import.name, n.import.name))
            continue;
        struct diag *x = diag_error(b->d, CODE_COMPOSE,
                                    s->has_as ? s->as_at
                                    : named   ? s->at
                                              : s->type,
                                    "`" STRF "` is imported twice", STRA(n.import.name));
        diag_label(b->d, x, other->at, "first imported here");
        return false;
    }
    *vec_push(b->g->arena, &b->g->nodes) = n;
    *vec_push(b->g->arena, &b->places) =
        (struct compose_spot){true, n.import.name, s->has_as ? s->as_at : s->at};
    return define(b, s->name, b->g->nodes.len - 1, s->at);
}

static bool add_export(struct builder *b, struct cm_name name, u32 node, span at)
{
    if (!check_name(b, "export", name.name, at))
        return false;
    if (map_get(&b->declared, name.name) != MAP_NONE) {
        diag_error(b->d, CODE_COMPOSE, at,
                   "export `" STRF "` conflicts with a declaration of that name", STRA(name.name));
        return false;
    }
    if (map_add(b->g->arena, &b->exports, name.name, node) != MAP_NONE) {
        diag_error(b->d, CODE_COMPOSE, at, "`" STRF "` is exported twice", STRA(name.name));
        return false;
    }
    compose_add_export(b->g, name, node);
    *vec_push(b->g->arena, &b->places) = (struct compose_spot){false, name.name, at};
    return true;
}

static bool export_spread(struct builder *b, const struct wac_statement *s, u32 node)
{
    const struct validate_type *t = shape(b, node);
    u32 added = 0;
    if (!t) {
        diag_error(b->d, CODE_COMPOSE, s->at, "this is not an instance: it has no exports");
        return false;
    }
    for (u32 i = 0; i < t->export_count; i++) {
        if (map_get(&b->exports, t->exports[i].name.name) != MAP_NONE)
            continue;
        if (!add_export(b, t->exports[i].name,
                        compose_add_alias(b->g, node, t->exports[i].name.name), s->at))
            return false;
        added++;
    }
    if (added)
        return true;
    diag_error(b->d, CODE_COMPOSE, s->at,
               "the instance has nothing to export that is not exported already");
    return false;
}

static bool export_(struct builder *b, const struct wac_statement *s)
{
    u32 node;
    if (!evaluate(b, s->value, &node))
        return false;
    if (s->spread)
        return export_spread(b, s, node);
    const struct compose_node *n = &b->g->nodes.data[node];
    struct cm_name name = {.name = s->as};
    if (!s->has_as && n->kind == COMPOSE_EXPORT)
        name.name = n->export_name;
    else if (!s->has_as && n->kind == COMPOSE_IMPORT)
        name = n->import;
    else if (!s->has_as) {
        struct diag *x = diag_error(b->d, CODE_COMPOSE, s->at, "this export needs a name");
        diag_help(b->d, x, "add `as NAME`");
        return false;
    }
    return add_export(b, name, node, s->at);
}

/* Enters the name of a declaration; that those differ WIT has seen. */
static bool declare(struct builder *b, const struct wac_statement *s, u32 index)
{
    str text = source_text(b, s->type);
    size_t start = 0, end;
    while (start < text.len && text.ptr[start] != ' ' && text.ptr[start] != '\n')
        start++;
    while (start < text.len && (text.ptr[start] == ' ' || text.ptr[start] == '\n'))
        start++;
    start += start < text.len && text.ptr[start] == '%';
    for (end = start; end < text.len && strchr(" \n\t\r{", text.ptr[end]) == NULL;)
        end++;
    str name = str_sub(text, start, end), full = own_interface(b, name);
    span at = {s->type.source, s->type.start + (u32)start, s->type.start + (u32)end};
    if (map_get(&b->exports, name) != MAP_NONE || map_get(&b->exports, full) != MAP_NONE ||
        map_get(&b->locals, name) != MAP_NONE) {
        diag_error(b->d, CODE_COMPOSE, at,
                   "`" STRF "` conflicts with an import, an export or a local name before it",
                   STRA(name));
        return false;
    }
    map_add(b->g->arena, &b->declared, name, index);
    map_add(b->g->arena, &b->declared, full, index);
    return true;
}

static bool statement(struct builder *b, u32 index)
{
    const struct wac_statement *s = &b->file.statements.data[index];
    u32 node;
    switch (s->kind) {
    case WAC_LET: return evaluate(b, s->value, &node) && define(b, s->name, node, s->at);
    case WAC_IMPORT: return import(b, s, index);
    case WAC_EXPORT: return export_(b, s);
    case WAC_TYPE:
    case WAC_WIT: return declare(b, s, index);
    }
    return true;
}

static bool find_target(struct builder *b)
{
    u32 before = b->d->list.len;
    if (!b->file.targets.len || wit_select_world(&b->wit, b->own, b->file.targets, &b->target))
        return true;
    for (u32 i = before; i < b->d->list.len; i++) {
        span at = b->file.targets_at;
        size_t slash = str_rfind_char(source_text(b, at), '/');
        at.start += slash == SIZE_MAX ? 0 : (u32)slash + 1;
        b->d->list.data[i]->at = at;
    }
    return false;
}

static bool check_targets(struct builder *b, str bytes)
{
    validate_id wanted, made;
    struct wasm_component *c;
    if (!b->file.targets.len)
        return true;
    struct compose_targets_options how = {
        .at = b->file.targets_at, .places = b->places.data, .place_count = b->places.len};
    u32 source = sources_add(b->d->sources, STR("<composition>"), bytes, SOURCE_BINARY);
    return compose_world_type(b->g, &b->wit, b->target, &wanted, b->d) &&
           wasm_read_component(b->g->arena, source, bytes, 0, b->g->features, &c, b->d) &&
           validate_component(b->g->types, c, b->g->features, &made, b->d) &&
           compose_targets(b->g, made, wanted, &how, b->d);
}

bool compose_wac(struct compose_graph *g, const char *path, const char *deps_dir, struct buf *out,
                 struct diags *d)
{
    struct builder b = {.g = g, .d = d, .deps_dir = deps_dir};
    u32 source;
    if (!file_source(path, &source, d) || !compose_wac_parse(g->arena, source, &b.file, d))
        return false;
    wit_resolve_init(&b.wit, g->arena, d);
    b.wit.features.all = true;
    if (!push_wit_packages(&b) || !push_own_package(&b) || !find_target(&b))
        return false;
    for (u32 i = 0; i < b.file.statements.len; i++) {
        if (!statement(&b, i))
            return false;
    }
    return compose_encode(g, out, d) && check_targets(&b, buf_view(out));
}
