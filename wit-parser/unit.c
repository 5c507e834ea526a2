/* unit.c - the first step of resolving: names within a package, types in topological order. */
#include "unit.h"

/* ---- Reporting ---------------------------------------------------------------------------------------- */

span wit_unit_span(const struct wit_unit *u, u32 start, u32 end)
{
    return (span){u->files.data[u->file]->source, start, end};
}

struct diag *wit_unit_error(struct wit_unit *u, const char *code, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(u->diags->arena, format, args);
    va_end(args);
    u->broken = true;
    return diag_error(u->diags, code, at, STRF, STRA(text));
}

struct diag *wit_unit_missing(struct wit_unit *u, span at, str name, const char *kind,
                              const struct map *candidates)
{
    u->broken = true;
    if (u->skipped && map_get(&u->skipped->words, name) != MAP_NONE) {
        return NULL;
    }
    struct diag *x =
        wit_unit_error(u, "wit-unknown-name", at, "%s `" STRF "` does not exist", kind, STRA(name));
    if (candidates && candidates->len) {
        diag_suggest_in(u->diags, x, name, &candidates->entries->key, candidates->len,
                        sizeof *candidates->entries);
    }
    return x;
}

/* ---- Gates ---------------------------------------------------------------------------------------------- */

const struct wit_stability *wit_gates_stability(const struct ast_gates *gates)
{
    static const struct wit_stability unknown;
    return gates ? &gates->stability : &unknown;
}

str wit_gates_external_id(const struct ast_gates *gates)
{
    return gates ? gates->external_id : (str){NULL, 0};
}

/* ---- Paths ------------------------------------------------------------------------------------------------ */

static void add_path(struct wit_unit *u, u32 file, const struct ast_item *owner,
                     const struct ast_member *m)
{
    *vec_push(u->scratch, &u->paths) = (struct unit_path){
        .file = file,
        .owner = owner,
        .gates = m->gates,
        .path = m->path,
        .names = m->names,
        .name_count = m->name_count,
        .has_names = m->kind == AST_USE,
        .is_world = m->kind == AST_INCLUDE,
    };
}

/* Imports before exports, whatever their order in the text: a printed world lists them so. */
static void collect_externs(struct wit_unit *u, u32 file, const struct ast_item *world,
                            enum ast_member_kind kind)
{
    for (u32 i = 0; i < world->member_count; i++) {
        const struct ast_member *m = &world->members[i];
        if (m->kind != kind) {
            continue;
        }
        if (m->path) {
            add_path(u, file, NULL, m);
        }
        for (u32 k = 0; k < m->body_count; k++) {
            if (m->body[k].kind == AST_USE) {
                add_path(u, file, NULL, &m->body[k]);
            }
        }
    }
}

static void collect_paths(struct wit_unit *u)
{
    for (u32 f = 0; f < u->files.len; f++) {
        const struct ast_decls *file = u->files.data[f];
        for (u32 i = 0; i < file->item_count; i++) {
            const struct ast_item *it = &file->items[i];
            if (it->kind == AST_TOPLEVEL_USE) {
                *vec_push(u->scratch, &u->paths) =
                    (struct unit_path){.file = f, .gates = it->gates, .path = it->path};
            }
            for (u32 k = 0; k < it->member_count; k++) {
                const struct ast_member *m = &it->members[k];
                if (m->kind == AST_USE) {
                    add_path(u, f, it->kind == AST_INTERFACE ? it : NULL, m);
                } else if (m->kind == AST_INCLUDE) {
                    add_path(u, f, it, m);
                }
            }
            collect_externs(u, f, it, AST_IMPORT);
            collect_externs(u, f, it, AST_EXPORT);
        }
    }
}

u32 wit_unit_new_interface(struct wit_unit *u, span at)
{
    *vec_push(u->scratch, &u->scopes) = (struct unit_scope){0};
    *vec_push(u->scratch, &u->interfaces) =
        (struct wit_interface){.package = WIT_NONE, .clone_of = WIT_NONE, .at = at};
    return u->interfaces.len - 1;
}

u32 wit_unit_new_world(struct wit_unit *u, span at)
{
    *vec_push(u->scratch, &u->worlds) =
        (struct unit_world){.world = {.package = WIT_NONE, .at = at}};
    return u->worlds.len - 1;
}

static struct unit_dep *dep_of(struct wit_unit *u, const struct wit_package_name *name, span at)
{
    str id = wit_package_id(u->scratch, name);
    u32 index = map_add(u->scratch, &u->dep_by_name, id, u->deps.len);
    if (index == MAP_NONE) {
        struct wit_version v;
        str version = name->version.text;
        *vec_push(u->scratch, &u->deps) = (struct unit_dep){
            .name = *name, .at = at, .told = version.len && !wit_version_parse(version, &v)};
        index = u->deps.len - 1;
    }
    return &u->deps.data[index];
}

/* Places for all that other packages have to bring. */
static void add_foreign(struct wit_unit *u)
{
    for (u32 i = 0; i < u->paths.len; i++) {
        const struct unit_path *p = &u->paths.data[i];
        if (!p->path->qualified) {
            continue;
        }
        u->file = p->file;
        struct unit_dep *dep = dep_of(u, &p->path->package.name, UNIT_SPAN(u, p->path->package));
        u32 k = map_add(u->scratch, &dep->by_name, p->path->name.name, dep->items.len);
        if (k == MAP_NONE) {
            span at = UNIT_SPAN(u, p->path->name);
            k = dep->items.len;
            *vec_push(u->scratch, &dep->items) = (struct unit_foreign_item){
                .name = p->path->name.name,
                .is_world = p->is_world,
                .id = p->is_world ? wit_unit_new_world(u, at) : wit_unit_new_interface(u, at),
                .at = at,
            };
        }
        *vec_push(u->scratch, &dep->items.data[k].gates) = p->gates;
    }
    u->foreign_interfaces = u->interfaces.len;
    u->foreign_worlds = u->worlds.len;
}

bool wit_unit_path(struct wit_unit *u, const struct ast_path *path, struct unit_item *out, span *at)
{
    *at = UNIT_SPAN(u, path->name);
    if (path->qualified) {
        struct unit_dep *dep = dep_of(u, &path->package.name, *at);
        const struct unit_foreign_item *item =
            &dep->items.data[map_get(&dep->by_name, path->name.name)];
        *out = (struct unit_item){item->is_world, item->id};
        return true;
    }
    u32 index = map_get(&u->file_items.data[u->file], path->name.name);
    index = index == MAP_NONE ? map_get(&u->package_items, path->name.name) : index;
    if (index == MAP_NONE) {
        wit_unit_missing(u, *at, path->name.name, "interface or world", &u->package_items);
        return false;
    }
    *out = u->items.data[index];
    return true;
}

bool wit_unit_interface(struct wit_unit *u, const struct ast_path *path, u32 *interface, span *at)
{
    struct unit_item item;
    if (!wit_unit_path(u, path, &item, at)) {
        return false;
    }
    if (item.is_world) {
        wit_unit_error(u, "wit-kind", *at,
                       "name `" STRF "` is defined as a world, not an interface",
                       STRA(path->name.name));
    }
    *interface = item.id;
    return !item.is_world;
}

/* ---- The items of the package ---------------------------------------------------------------------------------- */

struct toplevel {
    const struct ast_item *ast;
    u32 file;
};
struct order {
    struct map by_name; /* into nodes and items */
    VEC(struct sort_node) nodes;
    VEC(struct toplevel) items;
};

static bool is_definition(const struct ast_item *it)
{
    return it->kind == AST_INTERFACE || it->kind == AST_WORLD;
}

static void define_items(struct wit_unit *u, struct order *o)
{
    struct map canonical = {0}; /* into o->nodes */
    for (u32 f = 0; f < u->files.len; f++) {
        u->file = f;
        for (u32 i = 0; i < u->files.data[f]->item_count; i++) {
            const struct ast_item *it = &u->files.data[f]->items[i];
            if (!is_definition(it)) {
                continue;
            }
            /* Equal names have equal canonical ones. */
            str key = wit_canonical_name(u->scratch, it->name.name);
            u32 prior = map_add(u->scratch, &canonical, key, o->nodes.len);
            map_add(u->scratch, &o->by_name, it->name.name,
                    prior == MAP_NONE ? o->nodes.len : prior);
            if (prior != MAP_NONE) {
                str other = o->nodes.data[prior].name;
                bool same = str_eq(other, it->name.name);
                struct diag *x = wit_unit_error(
                    u, "wit-duplicate", UNIT_SPAN(u, it->name),
                    same ? "duplicate item named `" STRF "`"
                         : "`" STRF "` differs from an earlier item by case or `-` only",
                    STRA(it->name.name));
                diag_label(u->diags, x, o->nodes.data[prior].at, "first defined here");
                continue;
            }
            *vec_push(u->scratch, &o->nodes) =
                (struct sort_node){.name = it->name.name, .at = UNIT_SPAN(u, it->name)};
            *vec_push(u->scratch, &o->items) = (struct toplevel){it, f};
        }
    }
}

/* Names of one file: 1 + the node of a local item, 0 for another package's. Reports names used twice. */
static void file_names(struct wit_unit *u, struct order *o, struct map *names)
{
    const struct ast_decls *file = u->files.data[u->file];
    struct map places = {0}; /* name, into items of the file */
    for (u32 i = 0; i < file->item_count; i++) {
        const struct ast_item *it = &file->items[i];
        if (it->kind == AST_PACKAGE) {
            continue;
        }
        bool use = it->kind == AST_TOPLEVEL_USE;
        struct ast_id name = use && !it->name.name.ptr ? it->path->name : it->name;
        u32 prior = map_add(u->scratch, &places, name.name, i);
        if (prior != MAP_NONE) {
            const struct ast_item *p = &file->items[prior];
            if (use || p->kind == AST_TOPLEVEL_USE) {
                struct ast_id first = p->name.name.ptr ? p->name : p->path->name;
                struct diag *x =
                    wit_unit_error(u, "wit-duplicate", UNIT_SPAN(u, name),
                                   "duplicate name `" STRF "` in this file", STRA(name.name));
                diag_label(u->diags, x, UNIT_SPAN(u, first), "first defined here");
            }
            continue;
        }
        u32 node = use && it->path->qualified
                       ? MAP_NONE
                       : map_get(&o->by_name, use ? it->path->name.name : name.name);
        map_put(u->scratch, names, name.name, node == MAP_NONE ? 0 : node + 1);
    }
}

/* Top-level `use`s with a name of their own, by that name: indices into the file's items. */
static struct map renaming_uses(struct wit_unit *u, const struct ast_decls *file)
{
    struct map uses = {0};
    for (u32 i = 0; i < file->item_count; i++) {
        const struct ast_item *it = &file->items[i];
        if (it->kind == AST_TOPLEVEL_USE && it->name.name.ptr) {
            map_add(u->scratch, &uses, it->name.name, i);
        }
    }
    return uses;
}

/* Where the other end of an edge is named: its own name or a top-level `use`, if that is in the same file. */
static span named_at(struct wit_unit *u, const struct order *o, const struct map *uses, str name,
                     span use)
{
    u32 node = map_get(&o->by_name, name);
    if (node != MAP_NONE) {
        return o->nodes.data[node].at.source == use.source ? o->nodes.data[node].at : use;
    }
    u32 item = map_get(uses, name);
    return item == MAP_NONE ? use : UNIT_SPAN(u, u->files.data[u->file]->items[item].path->name);
}

static void add_edges(struct wit_unit *u, struct order *o)
{
    struct map *names = arena_array(u->scratch, struct map, u->files.len);
    struct map *uses = arena_array(u->scratch, struct map, u->files.len);
    for (u32 f = 0; f < u->files.len; f++) {
        u->file = f;
        file_names(u, o, &names[f]);
        uses[f] = renaming_uses(u, u->files.data[f]);
    }
    for (u32 i = 0; i < u->paths.len; i++) {
        const struct unit_path *p = &u->paths.data[i];
        if (!p->owner || p->path->qualified) {
            continue;
        }
        u->file = p->file;
        u32 to = map_get(&names[p->file], p->path->name.name);
        to = to == MAP_NONE ? map_get(&o->by_name, p->path->name.name) : to - 1;
        u32 from = map_get(&o->by_name, p->owner->name.name);
        if (to != MAP_NONE && o->items.data[from].ast == p->owner) {
            span use = UNIT_SPAN(u, p->path->name);
            *vec_push(u->scratch, &o->nodes.data[from].edges) = (struct sort_edge){
                to, named_at(u, o, &uses[p->file], p->path->name.name, use), use};
        }
    }
}

/* What each file can name: its top-level uses and its own items. */
static void fill_scopes(struct wit_unit *u)
{
    for (u32 f = 0; f < u->files.len; f++) {
        struct map scope = {0};
        u->file = f;
        for (u32 i = 0; i < u->files.data[f]->item_count; i++) {
            const struct ast_item *it = &u->files.data[f]->items[i];
            if (is_definition(it)) {
                map_put(u->scratch, &scope, it->name.name,
                        map_get(&u->package_items, it->name.name));
            }
        }
        *vec_push(u->scratch, &u->file_items) = scope;
    }
    for (u32 f = 0; f < u->files.len; f++) {
        u->file = f;
        for (u32 i = 0; i < u->files.data[f]->item_count; i++) {
            const struct ast_item *it = &u->files.data[f]->items[i];
            if (it->kind != AST_TOPLEVEL_USE) {
                continue;
            }
            struct ast_id name = it->name.name.ptr ? it->name : it->path->name;
            struct unit_item item;
            u32 index;
            if (it->path->qualified) {
                span at;
                (void)wit_unit_path(u, it->path, &item, &at);
                index = u->items.len;
                *vec_push(u->scratch, &u->items) = item;
            } else {
                index = map_get(&u->package_items, it->path->name.name);
                if (index == MAP_NONE) {
                    wit_unit_missing(u, UNIT_SPAN(u, it->path->name), it->path->name.name,
                                     "interface or world", &u->package_items);
                    continue;
                }
            }
            map_add(u->scratch, &u->file_items.data[f], name.name, index);
        }
    }
}

/* Places for the types that other packages have to bring. */
static void add_foreign_types(struct wit_unit *u)
{
    for (u32 i = 0; i < u->paths.len; i++) {
        const struct unit_path *p = &u->paths.data[i];
        struct unit_item item;
        span at;
        u->file = p->file;
        if (!p->has_names) {
            continue;
        }
        u32 index =
            p->path->qualified ? 0 : map_get(&u->file_items.data[u->file], p->path->name.name);
        if (index == MAP_NONE || !wit_unit_path(u, p->path, &item, &at) || item.is_world ||
            item.id >= u->foreign_interfaces) {
            continue; /* of this package, or reported where it is resolved */
        }
        struct unit_scope *scope = &u->scopes.data[item.id];
        for (u32 k = 0; k < p->name_count; k++) {
            const struct ast_id *name = &p->names[k].name;
            if (map_add(u->scratch, &scope->by_name, name->name, scope->names.len) != MAP_NONE) {
                continue;
            }
            *vec_push(u->scratch, &scope->names) =
                (struct unit_name){u->types.len, UNIT_SPAN(u, *name)};
            *vec_push(u->scratch, &u->types) = (struct wit_typedef){
                .kind = WIT_ID,
                .name = name->name,
                .owner = {WIT_OWNER_INTERFACE, item.id},
                .first = WIT_NO_TYPE,
                .second = WIT_NO_TYPE,
                .stability = *wit_gates_stability(p->gates),
                .at = UNIT_SPAN(u, *name),
            };
        }
    }
    u->foreign_types = u->types.len;
}

static bool valid_header(struct wit_unit *u)
{
    for (u32 f = 0; f < u->files.len; f++) {
        u->file = f;
        const struct ast_decls *file = u->files.data[f];
        for (u32 i = 0; i < file->item_count; i++) {
            if (file->depth > 0 && file->items[i].kind == AST_PACKAGE) {
                const struct ast_decls *nested = file->items[i].nested;
                wit_unit_error(u, "wit-nested-package", UNIT_SPAN(u, nested->package),
                               "nested packages must be placed at the top-level");
            }
        }
    }
    return u->has_name;
}

bool wit_resolve_unit(struct wit_unit *u)
{
    struct order o = {0};
    if (!valid_header(u)) {
        return false;
    }
    collect_paths(u);
    add_foreign(u);
    define_items(u, &o);
    add_edges(u, &o);
    u32 *order = arena_array(u->scratch, u32, o.nodes.len);
    u32 errors = u->diags->errors;
    wit_sort(u->scratch, u->diags, "interface or world", o.nodes.data, o.nodes.len, order);
    u->broken |= errors != u->diags->errors;
    for (u32 i = 0; i < o.nodes.len; i++) {
        const struct sort_node *n = &o.nodes.data[order[i]];
        bool is_world = o.items.data[order[i]].ast->kind == AST_WORLD;
        u32 id = is_world ? wit_unit_new_world(u, n->at) : wit_unit_new_interface(u, n->at);
        *(is_world ? &u->worlds.data[id].world.name : &u->interfaces.data[id].name) = n->name;
        map_put(u->scratch, &u->package_items, n->name, u->items.len);
        *vec_push(u->scratch, &u->items) = (struct unit_item){is_world, id};
    }
    fill_scopes(u);
    add_foreign_types(u);
    for (u32 pass = 0; pass < 2; pass++) { /* interfaces, then worlds */
        for (u32 i = 0; i < o.nodes.len; i++) {
            const struct toplevel *t = &o.items.data[order[i]];
            u32 id = u->items.data[map_get(&u->package_items, t->ast->name.name)].id;
            u->file = t->file;
            if (pass == 0 && t->ast->kind == AST_INTERFACE) {
                wit_unit_interface_items(u, id, t->ast->members, t->ast->member_count, t->ast->docs,
                                         t->ast->gates);
            } else if (pass == 1 && t->ast->kind == AST_WORLD) {
                wit_unit_worlds(u, id, t->ast);
            }
        }
    }
    return !u->broken;
}
