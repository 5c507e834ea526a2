/* compose.h - components from core modules, and from components.
 *
 * The first half: a WIT world is embedded into a core module (or a dummy module is made for it), and a core
 * module with embedded worlds becomes a component.
 */
#ifndef WITC_COMPOSE_H
#define WITC_COMPOSE_H

#include "wit-parser.h"

/* ---- Core module + world ------------------------------------------------------------------------- */

/* Appends the world to a core module as a `component-type` section. */
WITC_NODISCARD bool compose_embed(struct wit_resolve *r, u32 world, enum cm_encoding encoding,
                                  const struct wasm_module *m, struct buf *out);

enum compose_dummy_names { DUMMY_STANDARD32, DUMMY_LEGACY };
/* A core module that fits a world: imports all it may, exports all it must, every function traps. Async
 * functions are exported with callback, or stackful. Standard names know no async. */
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
};
/* Makes a component of a core module whose worlds are embedded. */
WITC_NODISCARD bool compose_new(struct arena *a, const struct wasm_module *m,
                                const struct compose_new_options *options, struct diags *d,
                                struct buf *out);

#endif
