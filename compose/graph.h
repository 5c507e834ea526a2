/* graph.h - what the files about composition graphs share. Internal to compose/. */
#ifndef WITC_COMPOSE_GRAPH_H
#define WITC_COMPOSE_GRAPH_H

#include "compose.h"

#define CODE_COMPOSE "compose"

/* A map of numbers. */
struct graph_numbers {
    struct map map;
};
u32 graph_numbers_get(const struct graph_numbers *m, u32 key); /* MAP_NONE if absent */
void graph_numbers_put(struct arena *a, struct graph_numbers *m, u32 key, u32 value);

/* One import of the composition: what all instances that lack it want, merged. */
struct graph_import {
    struct cm_name name; /* the highest of the merged versions */
    struct validate_entity entity;
    bool has_entity;
    bool wanted;     /* some instance lacks it; else it is only known for its types */
    u32 asked_by;    /* node of kind COMPOSE_IMPORT, MAP_NONE */
    u32 lacked_by;   /* node of an instance that lacks it, MAP_NONE */
    str first;       /* name of the node that asked first, for messages */
    struct map tags; /* path of a type within -> its tag in the composition */
    struct map resources;
    enum { IMPORT_NEW, IMPORT_UNDER_WAY, IMPORT_DONE } state;
    u32 index; /* once encoded, in the index space of its sort */
};

/* Where a named type comes from. */
struct graph_owner {
    u32 import;         /* an import of the composition, or ... */
    u32 scope_instance; /* ... an instance of the scope, if import is MAP_NONE */
    str path;           /* names of exports, separated by '\n' */
};

struct composition {
    struct compose_graph *g;
    struct arena *a;
    struct diags *d;
    VEC(struct graph_import) imports;
    struct map import_keys;         /* track or name -> import */
    VEC(struct graph_owner) owners; /* of the composition's tags and resources */
    struct graph_numbers tag_owner, resource_owner;
    /* For each node: its type and, of instances, what it lacks. */
    validate_id *types;

    /* While encoding. */
    struct cm_builder builder;
    struct graph_scope *top;
    u32 current; /* import under way, MAP_NONE */
    u32 *node_index;
    u32 *package_index;
    bool failed;
};

/* graph_imports.c: finds the imports of the composition, and the types of all nodes. */
bool graph_find_imports(struct composition *c);
bool graph_type_nodes(struct composition *c);
struct validate_entity graph_entity(const struct composition *c, u32 node);
/* The import of the composition for one of an instance's. */
u32 graph_import_of(const struct composition *c, const struct cm_name *name);

/* graph_types.c: writes types. A scope is the composition itself, or an instance or component type within it. */
struct graph_scope {
    struct graph_scope *parent;
    struct composition *c;
    bool is_component;         /* has imports: they bind resources */
    VEC(struct cm_decl) decls; /* not of the outermost */
    u32 types, instances, values, core_types;
    struct graph_numbers ids;       /* type -> index */
    struct graph_numbers tags;      /* tag -> index of the named type */
    struct graph_numbers resources; /* resource -> index */
    struct graph_numbers tag_owner,
        resource_owner; /* types that can be had from instances of the scope */
};
/* Index of a type in a scope, written if it is not there yet. */
u32 graph_type_index(struct graph_scope *s, validate_id id);
/* The type of an import or export, ready to be declared; then graph_declared enters what the declaration adds. */
struct cm_externtype graph_extern(struct graph_scope *s, struct validate_entity e);
u32 graph_declared(struct graph_scope *s, struct validate_entity e, u32 import);
bool graph_encode_import(struct composition *c, u32 import);

#endif
