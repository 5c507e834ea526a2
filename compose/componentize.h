/* componentize.h - from core module to component: what the stages share. Private to compose.
 *
 *   componentize.c        the stages in order
 *   componentize_world.c  embedded worlds -> one world; what of it is used
 *   componentize_bind.c   each core import and export -> what it means in that world
 *   componentize_types.c  WIT types, imports and exports of the component
 *   componentize_code.c   the two core modules that close the circle (below)
 *   componentize_bytes.c  a core module as it goes into the component
 *   componentize_emit.c   the component, item by item
 *   adapter.c             an adapter, cut down to what is used of it
 *
 * The circle: lowering an import may need the memory of the main module, which exists once that is
 * instantiated, for which it needs the import. So the main module gets its late imports from the shim, a
 * module of functions that jump through a table, and when everything stands, the fixup fills the table.
 */
#ifndef WITC_COMPONENTIZE_H
#define WITC_COMPONENTIZE_H

#include "compose.h"
#include "names.h"

#define NONE UINT32_MAX

enum bind_kind {
    BIND_FUNC,      /* an imported function, lowered */
    BIND_INTRINSIC, /* a canonical built-in */
    BIND_TLS,       /* the thread-local base without threads: a global in the shim */
    BIND_MEMORY,    /* env.memory: of the shim (main), of the main module (adapters) */
    BIND_ADAPTER,   /* a function of an adapter */
    BIND_MAIN,      /* an export of the main module (adapters) */
};
/* What one core import means. */
struct binding {
    enum bind_kind kind;
    enum compose_import_id id; /* INTRINSIC, TLS */
    bool exported, async, unit;
    u32 item;                  /* of the world's imports or exports; NONE */
    u32 interface, func_index; /* a function of an interface; NONE */
    const struct wit_func *func;
    u32 type; /* WIT type: a resource, a stream or future; NONE */
    u32 number;
    enum cm_encoding encoding;
    bool has_encoding;
    u8 needs;         /* enum compose_needs */
    u32 unit_index;   /* ADAPTER: which unit ... */
    u32 export_index; /* ADAPTER, MAIN: ... and which export */
    u32 shim;         /* slot in the table; NONE: direct */
    str field;        /* the name it gets, unique for its import module */
    wasm_valtype slot_type;
};

/* A core module that becomes part of the component: the main one, or an adapter. */
struct unit {
    str name;
    const struct wasm_module *m;    /* as it was given: its exports */
    const struct wasm_module *body; /* as it is embedded: its imports; an adapter is cut down */
    bool is_adapter;
    struct map exports;             /* by name: index into m->exports */
    u32 known[MODULE_EXPORT_COUNT]; /* index into m->exports, or NONE */
    struct binding *bindings;       /* by import */
    u32 module, instance;           /* in the component */
    bool *used;                     /* adapters: by export */
    bool dropped;                   /* an adapter that nobody uses */
};

enum lift_kind { LIFT_SYNC, LIFT_ASYNC, LIFT_STACKFUL };
/* A function that the component exports. */
struct lift {
    u32 item, interface, func_index;
    const struct wit_func *func;
    u32 unit;
    enum lift_kind kind;
    u32 export_index, callback, post_return; /* exports of the unit; NONE */
    u8 needs;
    bool has_encoding;
    enum cm_encoding encoding;
    u32 hooked, hooked_callback, hooked_post; /* fixup exports when there is a task hook; NONE */
};

struct dtor {
    u32 type; /* WIT resource */
    u32 item;
    u32 unit, export_index; /* of the destructor; NONE: there is none */
    u32 shim;
};

/* One function of the shim, and what fills its place. */
struct shim_slot {
    enum { SLOT_BINDING, SLOT_DTOR, SLOT_REALLOC } what;
    struct wasm_functype type;
    u32 unit, binding; /* SLOT_BINDING */
    u32 dtor;          /* SLOT_DTOR */
    str name;
};

struct debug_name {
    enum cm_sort sort;
    u32 index;
    str name;
};

struct componentizer {
    struct arena *arena;
    struct diags *diags;
    const struct compose_new_options *options;
    struct wit_resolve r;
    u32 world;
    struct map encodings; /* "import KEY#f", "export KEY#f": enum cm_encoding */
    struct map import_keys, import_tracks, export_keys, export_tracks; /* item index */
    VEC(struct unit) units;                                            /* the main module first */
    VEC(struct lift) lifts;
    VEC(struct dtor) dtors;
    VEC(struct shim_slot) slots;
    bool shim_memory; /* the main module imports its memory */
    bool shim_tls;
    bool tls_64;
    bool has_threads;  /* makes threads: the context slots are its own */
    bool **live_funcs; /* by interface, then function; NULL: none */
    bool *live_items;  /* by world import: functions */
    bool *live_types;
    u32 *import_item, *export_item; /* by interface: item of the world; NONE */

    /* Emitting. */
    struct cm_builder b;
    struct wit_scope root, scratch;
    u32 *import_instance, *export_instance; /* by interface; NONE */
    u32 **import_funcs;           /* by interface, then function: aliased function; NONE */
    u32 *item_funcs;              /* by world import */
    u32 defining;                 /* the type of the world that is being imported */
    u32 unit_types[2];            /* stream and future without payload; NONE */
    u32 *world_types, *resources; /* by WIT type: component type index; NONE */
    struct map core_aliases;
    u32 shim_instance, fixup_instance;
    u32 memory;                                /* core memory index */
    u32 realloc_slot;                          /* of the hooked realloc of the main module; NONE */
    u32 hooked_realloc;                        /* number of its export `hookN`; NONE */
    struct map imported_names, exported_names; /* of instances, with canonical names */
    VEC(struct debug_name) names;
};

/* componentize_world.c */
u32 *compose_none_array(struct arena *a, u32 n);
WITC_NODISCARD bool compose_read_world(struct componentizer *c, const struct wasm_module *m,
                                       u32 *world);
void compose_index_world(struct componentizer *c);
enum cm_encoding compose_encoding_of(const struct componentizer *c, bool import, u32 item,
                                     const struct wit_func *f);
/* The item of a world that an import module means, by exact name or else by version track; NONE. */
u32 compose_find_item(const struct componentizer *c, bool import, str key);
void compose_mark_type(struct componentizer *c, struct wit_type t);
void compose_mark_func(struct componentizer *c, const struct wit_func *f);
/* What marks exports and the world's own types. */
void compose_mark_world(struct componentizer *c);
bool compose_item_is_live(const struct componentizer *c, u32 import);

/* componentize_bind.c */
WITC_NODISCARD bool compose_bind_unit(struct componentizer *c, u32 unit);
WITC_NODISCARD bool compose_bind_exports(struct componentizer *c);
WITC_NODISCARD bool compose_read_exports(struct componentizer *c, struct unit *u);
const struct wasm_functype *compose_export_type(const struct unit *u, u32 export_index);
/* What lowering (or lifting) needs from the core module, and whether strings pass. */
u8 compose_lower_needs(const struct wit_resolve *r, const struct wit_func *f, bool async,
                       bool *strings);
u8 compose_lift_needs(const struct wit_resolve *r, const struct wit_func *f, enum lift_kind kind,
                      bool *strings);

/* componentize_types.c */
void compose_init_types(struct componentizer *c);
WITC_NODISCARD bool compose_emit_imports(struct componentizer *c);
WITC_NODISCARD bool compose_emit_interface_export(struct componentizer *c, u32 item,
                                                  const u32 *funcs);
void compose_debug_name(struct componentizer *c, enum cm_sort sort, u32 index, str name);

/* componentize_code.c */
str compose_shim_module(struct componentizer *c);
str compose_fixup_module(struct componentizer *c, bool *needed);

/* componentize_emit.c */
/* The realloc for what a unit imports, or exports: which unit exports it, and its export there; NONE. */
u32 compose_realloc_export(const struct componentizer *c, u32 unit, bool exports, u32 *owner);
WITC_NODISCARD bool compose_emit(struct componentizer *c);

/* componentize_bytes.c */
str compose_unit_bytes(struct componentizer *c, const struct unit *u);

/* adapter.c */
/* Cuts an adapter down to what `used` says of its exports. */
WITC_NODISCARD bool compose_trim_adapter(struct componentizer *c, struct unit *u);

#endif
