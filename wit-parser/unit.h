/* unit.h - a package on its way into the graph. Private to this folder.
 *
 * Resolving runs in two steps, as packages meet each other only at the second. The first (unit.c,
 * unit_world.c) makes a unit of one package's files: names inside the package are resolved, types are defined in
 * topological order, with ids that count within the unit; what comes from other packages stands
 * first in each array, as an empty place. The second (append.c, elaborate.c) moves the unit into the graph: the
 * empty places meet what they stand for, items behind closed gates are dropped, ids become those of the
 * graph, worlds take up what they include and what they need.
 */
#ifndef WITC_WIT_UNIT_H
#define WITC_WIT_UNIT_H

#include "ast.h"

struct unit_foreign_item {
    str name;
    bool is_world;
    u32 id;                              /* interface or world of the unit */
    span at;                             /* of its name */
    VEC(const struct ast_gates *) gates; /* one for each use */
};
struct unit_dep {
    struct wit_package_name name;
    span at;
    bool told;          /* that it cannot be had: its version is none, or it is part of a cycle */
    struct map by_name; /* into items */
    VEC(struct unit_foreign_item) items;
};
struct unit_include {
    const struct ast_gates *gates;
    u32 world; /* of the unit */
    const struct ast_rename *names;
    u32 name_count;
    span at;
};
struct unit_world {
    struct wit_world world;
    VEC(struct unit_include) includes;
};
struct unit_item {
    bool is_world;
    u32 id;
};
/* A use of a path, in the order in which they count. */
struct unit_path {
    u32 file; /* index into unit.files */
    const struct ast_item
        *owner; /* the interface, or world for an include: takes part in the order */
    const struct ast_gates *gates;
    const struct ast_path *path;
    const struct ast_rename *names; /* of types; has_names tells none from no list */
    u32 name_count;
    bool has_names, is_world;
};
struct unit_name {
    u32 type; /* of the unit, or WIT_NONE: a function */
    span at;
};
struct unit_scope {
    struct map by_name;
    VEC(struct unit_name) names;
    struct map declared; /* names that have a definition, even a faulty one */
    bool resolved;
};

/* Names that are compared under their canonical form. */
struct name_entry {
    str name;
    span at;
};
struct name_scope {
    struct map canonical; /* into entries */
    struct map raw;
    VEC(struct name_entry) entries;
};

struct wit_unit {
    struct arena *arena;   /* of the graph: what is to stay */
    struct arena *scratch; /* what goes with the unit */
    struct diags *diags;
    const struct wit_skipped *skipped;
    struct wit_package_name name;
    bool has_name;
    span at; /* of the name */
    str docs;
    span docs_at;
    VEC(const struct ast_decls *) files;
    bool broken; /* has errors already */

    VEC(struct wit_typedef) types; /* kind WIT_ID: one of another package */
    VEC(struct wit_interface) interfaces;
    VEC(struct unit_scope) scopes; /* of each interface */
    VEC(struct unit_world) worlds;
    u32 foreign_types, foreign_interfaces, foreign_worlds;
    struct map dep_by_name; /* package id, into deps */
    VEC(struct unit_dep) deps;
    VEC(struct unit_path) paths;
    struct map package_items;   /* name, into items */
    VEC(struct map) file_items; /* the same for each file, with its top-level `use`s */
    VEC(struct unit_item) items;
    struct name_scope names;
    struct buf key;                  /* room to build keys */
    struct map params;               /* names of those of the function that is being resolved */
    struct map anonymous;            /* structure of a type, to its id */
    struct unit_scope scope;         /* of the interface or world that is being resolved */
    u32 file;                        /* ... and its file */
    VEC(struct unit_name) resources; /* types of other packages that must be resources */

    bool built_in;
    bool cut; /* of a later version: what is younger than the unit's version is not there */
    bool visiting, ordered; /* marks of the sort of packages */
    bool early, placed;     /* ... and of its place in the graph */
};

/* Fills a unit of which name and files are known. Reports; false if something was wrong. */
bool wit_resolve_unit(struct wit_unit *u);

/* ---- Shared by unit.c and unit_world.c --------------------------------------------------------------- */

span wit_unit_span(const struct wit_unit *u, u32 start, u32 end);
#define UNIT_SPAN(u, id) wit_unit_span((u), (id).start, (id).end)
struct diag *wit_unit_error(struct wit_unit *u, const char *code, span at, const char *format, ...)
    WITC_PRINTF(4, 5);
/* A name that is not there; silent if it stands in a part of a source that could not be read. */
struct diag *wit_unit_missing(struct wit_unit *u, span at, str name, const char *kind,
                              const struct map *candidates);
const struct wit_stability *wit_gates_stability(const struct ast_gates *gates);
str wit_gates_external_id(const struct ast_gates *gates);
/* What a path means; false after a diagnostic. */
bool wit_unit_path(struct wit_unit *u, const struct ast_path *path, struct unit_item *out,
                   span *at);
bool wit_unit_interface(struct wit_unit *u, const struct ast_path *path, u32 *interface, span *at);
u32 wit_unit_new_interface(struct wit_unit *u, span at);
u32 wit_unit_new_world(struct wit_unit *u, span at);
void wit_unit_types(struct wit_unit *u, struct wit_owner owner, const struct ast_member *members,
                    u32 n);
void wit_unit_interface_items(struct wit_unit *u, u32 interface, const struct ast_member *members,
                              u32 n, str docs, const struct ast_gates *gates);
struct wit_func wit_unit_function(struct wit_unit *u, const struct ast_member *m, u32 resource);
void wit_unit_worlds(struct wit_unit *u, u32 world, const struct ast_item *ast);

bool wit_scope_define(struct wit_unit *u, struct name_scope *s, str name, span at);
/* "[set]x" to "[get]x". */
str wit_getter_of(struct arena *a, str setter);

/* Sorts nodes so that each comes after those that it needs, else in their order. */
struct sort_edge {
    u32 to;
    span at;  /* where a cycle is reported */
    span use; /* where the need is written */
};
struct sort_node {
    str name;
    span at;
    VEC(struct sort_edge) edges;
    u32 remaining;
    VEC(u32) back;
};
/* Reports cycles of `kind` ("type"). Fills order[n]; the nodes of cycles are in it too. */
void wit_sort(struct arena *a, struct diags *d, const char *kind, struct sort_node *nodes, u32 n,
              u32 *order);

/* ---- The second step ---------------------------------------------------------------------------------- */

/* Moves the unit into the graph. False if something was wrong; the package is there nevertheless. */
bool wit_append_unit(struct wit_resolve *r, struct wit_unit *u, u32 *package);
/* `include from with { ... }`. */
struct wit_include {
    u32 from;
    const struct ast_rename *names;
    u32 name_count;
    span at;
};
/* A world takes up what it includes and what it needs. Are its names unique, does each setter have its getter? */
bool wit_finish_world(struct wit_resolve *r, u32 world, const struct wit_include *includes, u32 n);
/* Do interfaces use each other in a circle? Reports the first; to be asked before elaborating what was joined. */
bool wit_check_circles(struct wit_resolve *r);
/* Brings the imports and exports of a world into order, with all that they need. */
bool wit_elaborate_world(struct wit_resolve *r, u32 world);
/* Is the gate open in this package? Reports a version from the future. */
bool wit_gate_open(struct wit_resolve *r, const struct wit_stability *s, u32 package, span at,
                   bool *fine);
/* A file for a package: read already, or else a source to read. */
struct wit_file {
    const struct ast_decls *ast; /* NULL: not read */
    u32 source;
    u32 group; /* files of one number are one package */
};
/* Resolves packages of such files; that of group `main` is the main one. `scratch` is reset at the end. */
bool wit_resolve_files(struct wit_resolve *r, struct arena *scratch, const struct wit_file *files,
                       u32 n, u32 main, u32 *package);

#endif
