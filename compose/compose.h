/* compose.h - components from core modules, and from components.
 *
 * The first half: a WIT world is embedded into a core module (or a dummy module is made for it), and a core
 * module with embedded worlds becomes a component.
 *
 * The second half: components are put together. A composition is a graph, plain data: instances of components, and which export goes to
 * which import. Front ends make graphs (plug, a YAML file, a WAC file); one encoder makes a component of any graph.
 */
#ifndef WITC_COMPOSE_H
#define WITC_COMPOSE_H

#include "validate.h"
#include "wit-parser.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Core module + world ------------------------------------------------------------------------- */

/* Appends the world to a core module as a `component-type` section. */
WITC_NODISCARD bool compose_embed(struct wit_resolve *r, u32 world, enum cm_encoding encoding,
                                  const struct wasm_module *m, struct buf *out);

enum compose_dummy_names { DUMMY_STANDARD32, DUMMY_LEGACY };
/* A core module that fits a world: imports all it may, exports all it must, every function traps. Async
 * functions are exported with callback, or stackful. Standard names know no async. Built-ins behind a feature that is off by default are
 * imported if r->features has its name. */
WITC_NODISCARD bool compose_dummy(struct wit_resolve *r, u32 world, enum compose_dummy_names names,
                                  bool stackful, struct buf *out);

/* ---- Core module -> component ---------------------------------------------------------------------- */

struct compose_adapter {
    str name; /* of the import module that it stands for */
    const struct wasm_module *module;
};
struct compose_rename {
    str from, to;
};
struct compose_new_options {
    const struct compose_adapter *adapters;
    u32 adapter_count;
    const struct compose_rename *renames; /* of imported instances */
    u32 rename_count;
    bool keep_versions;           /* imports of compatible versions are not merged */
    bool no_debug_names;          /* without the section `component-name` */
    bool realloc_via_memory_grow; /* adapters allocate by themselves */
    bool return_call_ref;         /* how shims call */
    bool reject_legacy_names;     /* standard32 names only */
    bool emit_canonical_names;    /* interface names with a `version-suffix` */
};
/* Makes a component of a core module whose worlds are embedded. */
WITC_NODISCARD bool compose_new(struct arena *a, const struct wasm_module *m,
                                const struct compose_new_options *options, struct diags *d,
                                struct buf *out);

/* ---- Components -> component ------------------------------------------------------------------------ */

/* A component that instances can be made of. */
struct compose_package {
    str name; /* for messages, pictures and the name section: `cache` */
    str path; /* where it came from, may be empty */
    const struct wasm_component *component;
    validate_id type;
    bool is_import; /* imported as a component instead of embedded */
    str import_name;
};
struct compose_edge {
    str import; /* of the instance that takes */
    u32 node;   /* what is given */
    span at;    /* where the user said so, may be none */
};
enum compose_node_kind {
    COMPOSE_INSTANCE, /* of a package */
    COMPOSE_EXPORT,   /* an export of another node */
    COMPOSE_IMPORT,   /* an import of the composition that the user asked for */
};
/* Something that can be given to an import, or exported. */
struct compose_node {
    enum compose_node_kind kind;
    str name;    /* for messages */
    u32 package; /* COMPOSE_INSTANCE */
    VEC(struct compose_edge) args;
    u32 of; /* COMPOSE_EXPORT */
    str export_name;
    struct cm_name import; /* COMPOSE_IMPORT, of this type, whose types are its own */
    struct validate_entity entity;
    validate_id
        context; /* component type with an import `context_item` of this type, after those that it uses types of */
    str context_item;
    span at; /* where the user asked for it, may be none */
};
struct compose_export {
    struct cm_name name;
    u32 node;
    span at;
};
struct compose_graph {
    struct arena *arena;
    struct validate_types *types;
    struct features features;
    VEC(struct compose_package) packages;
    VEC(struct compose_node) nodes;
    VEC(struct compose_export) exports;
    bool no_imports;  /* what is left unconnected is an error */
    bool no_validate; /* skip the check of the result */
};
void compose_graph_init(struct compose_graph *g, struct arena *a, struct features f);
/* Validates a component and adds it; *index may be NULL. */
WITC_NODISCARD bool compose_add_package(struct compose_graph *g, str name, str path,
                                        const struct wasm_component *c, u32 *index,
                                        struct diags *d);
u32 compose_add_instance(struct compose_graph *g, u32 package, str name);
/* The node of an export of a node (one for each name); its type is checked when the graph is encoded. */
u32 compose_add_alias(struct compose_graph *g, u32 node, str export_);
void compose_connect(struct compose_graph *g, u32 instance, str import, u32 node, span at);
void compose_add_export(struct compose_graph *g, struct cm_name name, u32 node);
/* The argument that an instance has for an import, NULL if it has none. */
const struct compose_edge *compose_find_edge(const struct compose_node *instance, str import);
/* Makes the component. Imports that no edge satisfies become imports of the result: those of equal names, and of interfaces with
 * compatible versions, are merged. */
WITC_NODISCARD bool compose_encode(struct compose_graph *g, struct buf *out, struct diags *d);

/* Makes a graph of a composition file (NULL: none) and the root component. */
WITC_NODISCARD bool compose_yaml(struct compose_graph *g, const char *config, const char *root,
                                 struct diags *d);

/* Composes by a WAC file: packages are looked up in `deps_dir` as NAMESPACE/NAME, a directory of WIT or a component. *package is a buffer
 * that the composed component is written to. */
WITC_NODISCARD bool compose_wac(struct compose_graph *g, const char *path, const char *deps_dir,
                                struct buf *out, struct diags *d);
/* The component type of a world, in the graph's types. */
WITC_NODISCARD bool compose_world_type(struct compose_graph *g, struct wit_resolve *r, u32 world,
                                       validate_id *type, struct diags *d);
struct compose_spot {
    bool import;
    str name;
    span at;
};
struct compose_targets_options {
    bool compatible_versions;          /* interfaces may differ in compatible versions */
    span at;                           /* for reports */
    const struct compose_spot *places; /* better ones, by name of an import or export */
    u32 place_count;
};
/* Does a component fit a world? Reports each import and export that does not. */
WITC_NODISCARD bool compose_targets(struct compose_graph *g, validate_id component,
                                    validate_id world, const struct compose_targets_options *how,
                                    struct diags *d);

/* What became of one export of a plug. */
enum compose_verdict {
    PLUG_CONNECTED,
    PLUG_CONNECTED_TO_VERSION, /* a compatible version, not the same */
    PLUG_TAKEN,                /* another plug has given this import already */
    PLUG_NO_IMPORT,            /* the socket imports nothing of the name */
    PLUG_VERSION,              /* only another, incompatible version of it */
    PLUG_MISMATCH,             /* the types do not fit */
};
struct compose_match {
    u32 plug; /* position in the list of plugs */
    str export_name, import;
    enum compose_verdict verdict;
    u32 by; /* PLUG_TAKEN: the plug that was first */
    struct validate_mismatch why;
};
struct compose_plan {
    VEC(struct compose_match) matches;
};
/* Plugs components into a socket: the graph gets an instance of each plug that fits anything, one of the socket, and all exports of the
 * socket. Plugs do not feed each other. It is an error if a plug fits nothing. `plan` tells what was compared. */
WITC_NODISCARD bool compose_plug(struct compose_graph *g, u32 socket, const u32 *plugs,
                                 u32 plug_count, struct compose_plan *plan, struct diags *d);
/* The plan in words. */
void compose_explain(const struct compose_graph *g, u32 socket, const u32 *plugs, u32 plug_count,
                     const struct compose_plan *plan, struct buf *out);
enum compose_picture { PICTURE_DOT, PICTURE_MERMAID, PICTURE_JSON };
void compose_draw(const struct compose_graph *g, enum compose_picture how, struct buf *out);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
