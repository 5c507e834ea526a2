/* wasm_component.h - the model of components, and how tools build one. Part of wasm.h, which says what holds for all of it.
 *
 * Specification: component-model Binary.md (each definition by its name there); Explainer.md for what the attributes of names mean.
 */
#ifndef WITC_WASM_COMPONENT_H
#define WITC_WASM_COMPONENT_H

#include "wasm_module.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Component types -------------------------------------------------------------------------------- */

/* A component value type: a primitive, or a type index. */
struct cm_valtype {
    bool is_index;
    u8 prim;   /* enum cm_prim */
    u32 index; /* into the component's type index space */
};
/* Values are those of the binary format. */
enum cm_prim {
    PRIM_BOOL = 0x7f,
    PRIM_S8 = 0x7e,
    PRIM_U8 = 0x7d,
    PRIM_S16 = 0x7c,
    PRIM_U16 = 0x7b,
    PRIM_S32 = 0x7a,
    PRIM_U32 = 0x79,
    PRIM_S64 = 0x78,
    PRIM_U64 = 0x77,
    PRIM_F32 = 0x76,
    PRIM_F64 = 0x75,
    PRIM_CHAR = 0x74,
    PRIM_STRING = 0x73,
    PRIM_ERROR_CONTEXT = 0x64,
};
/* Values are those of the binary format; DEF_PRIM stands for all primitives. */
enum cm_def {
    DEF_PRIM = 0x7f,
    DEF_RECORD = 0x72,
    DEF_VARIANT = 0x71,
    DEF_LIST = 0x70,
    DEF_FIXED_LIST = 0x67,
    DEF_TUPLE = 0x6f,
    DEF_FLAGS = 0x6e,
    DEF_ENUM = 0x6d,
    DEF_OPTION = 0x6b,
    DEF_RESULT = 0x6a,
    DEF_OWN = 0x69,
    DEF_BORROW = 0x68,
    DEF_STREAM = 0x66,
    DEF_FUTURE = 0x65,
    DEF_MAP = 0x63,
    DEF_FUNC = 0x40,
    DEF_COMPONENT = 0x41,
    DEF_INSTANCE = 0x42,
    DEF_RESOURCE = 0x3f,
};
/* A record field, variant case, flag, enum case or parameter. */
struct cm_label {
    str name;
    bool has_type;
    struct cm_valtype type;
};
struct cm_functype {
    bool is_async;
    const struct cm_label *params;
    u32 param_count;
    bool has_result;
    struct cm_valtype result;
};

/* The name of an import or export with its attributes; absent attributes have ptr NULL.
 * Explainer.md, "Import and Export Definitions". */
struct cm_name {
    str name;
    str implements, version_suffix, external_id;
    u8 form;            /* leading byte in the binary, 0x00, 0x01 or 0x02 */
    u8 attribute_order; /* as they stand in the binary: 1 + enum cm_attribute, from the lowest two bits on */
};
/* Binary.md, `attribute`: kinds by their byte. */
enum cm_attribute {
    ATTRIBUTE_IMPLEMENTS,
    ATTRIBUTE_VERSION_SUFFIX,
    ATTRIBUTE_EXTERNAL_ID,
    ATTRIBUTE_COUNT
};
extern const char *const cm_attribute_words[ATTRIBUTE_COUNT]; /* in the text format */
str cm_name_attribute(const struct cm_name *n, enum cm_attribute kind);
/* The attributes that there are, in the order of the binary; those that it does not tell of come last. How many there are. */
u32 cm_name_attributes(const struct cm_name *n, enum cm_attribute order[ATTRIBUTE_COUNT]);

/* One row each in sorts.def. */
enum cm_sort {
#define CORE_SORT(id, word, byte) SORT_##id,
#define SORT(id, word, byte)      SORT_##id,
#include "sorts.def"
#undef CORE_SORT
#undef SORT
    SORT_COUNT
};
struct cm_sort_info {
    str word;         /* "func" */
    const char *name; /* "core func" */
    bool is_core;
    u8 byte; /* in the binary; of core ones within `core:sort` */
};
extern const struct cm_sort_info cm_sort_info[SORT_COUNT];
/* Appends the bytes of a `sort`. */
void cm_write_sort(struct buf *out, enum cm_sort sort);
struct cm_sortidx {
    enum cm_sort sort;
    u32 index;
};

/* What an import or export is declared to be (Binary.md externtype). */
struct cm_externtype {
    enum cm_sort sort;       /* SORT_CORE_MODULE, FUNC, VALUE, TYPE, COMPONENT, INSTANCE */
    bool is_bound;           /* SORT_TYPE: (sub resource), without index; SORT_VALUE: (eq index) */
    u32 index;               /* type index (core type index for modules); SORT_TYPE: (eq index) */
    struct cm_valtype value; /* SORT_VALUE with a type */
};

struct cm_type;
struct cm_alias;
struct cm_import {
    struct cm_name name;
    struct cm_externtype type;
    span at;
};
/* One declarator of a component or instance type, or of a core module type. */
struct cm_decl {
    enum { DECL_CORE_TYPE, DECL_TYPE, DECL_ALIAS, DECL_IMPORT, DECL_EXPORT } kind;
    struct cm_core_type *core_type; /* DECL_CORE_TYPE */
    struct cm_type *type;           /* DECL_TYPE */
    struct cm_alias *alias;         /* DECL_ALIAS */
    struct cm_name name;            /* DECL_IMPORT, DECL_EXPORT */
    struct cm_externtype extern_type;
    span at;
};

/* A definition of the component type index space (Binary.md deftype). */
struct cm_type {
    enum cm_def kind;
    u8 prim;                       /* DEF_PRIM */
    const struct cm_label *labels; /* RECORD, VARIANT, FLAGS, ENUM; TUPLE (no names) */
    u32 label_count;
    bool has_element, has_second;
    struct cm_valtype element;   /* LIST, FIXED_LIST, OPTION, STREAM, FUTURE, RESULT ok, MAP key */
    struct cm_valtype second;    /* RESULT error, MAP value */
    u32 length;                  /* FIXED_LIST */
    u32 resource;                /* OWN, BORROW: type index */
    struct cm_functype func;     /* FUNC */
    const struct cm_decl *decls; /* COMPONENT, INSTANCE */
    u32 decl_count;
    wasm_valtype rep; /* RESOURCE */
    bool has_dtor;
    u32 dtor; /* core function index */
    span at;
};

/* A declarator of a core module type. */
struct cm_module_decl {
    enum { MODULE_DECL_IMPORT, MODULE_DECL_TYPE, MODULE_DECL_ALIAS, MODULE_DECL_EXPORT } kind;
    struct wasm_import import;
    struct cm_core_type *type;
    u32 outer_count, outer_index; /* MODULE_DECL_ALIAS */
    str name;                     /* MODULE_DECL_EXPORT */
    struct wasm_externtype extern_type;
};
/* A definition of the core type index space: a recursion group or a module type. */
struct cm_core_type {
    bool is_module;
    const struct wasm_type *types; /* a recursion group takes type_count indices */
    u32 type_count;
    bool explicit_rec;
    const struct cm_module_decl *decls;
    u32 decl_count;
    span at;
};

/* ---- Components ------------------------------------------------------------------------------------- */

struct cm_inline_export {
    struct cm_name name;
    struct cm_sortidx item;
};
struct cm_arg {
    str name;
    struct cm_sortidx item; /* of a core instantiation: always SORT_CORE_INSTANCE */
};
/* Core instances and instances alike. */
struct cm_instance {
    bool is_instantiate; /* else a bundle of inline exports */
    u32 source;          /* module or component index */
    const struct cm_arg *args;
    u32 arg_count;
    const struct cm_inline_export *exports;
    u32 export_count;
    span at;
};
struct cm_alias {
    enum { ALIAS_EXPORT, ALIAS_CORE_EXPORT, ALIAS_OUTER } kind;
    enum cm_sort sort;
    u32 instance; /* (core) instance index */
    str name;
    u32 outer_count, index; /* ALIAS_OUTER */
    span at;
};

/* Canonical definitions, one row each in canon.def: CANON(id, opcode, "text name", form, gate). */
enum cm_canon_kind {
#define CANON(id, opcode, text, form, gate) CANON_##id,
#include "canon.def"
#undef CANON
    CANON_COUNT
};
/* What a row of canon.def carries beside its opcode. */
enum cm_canon_form {
    CANON_FORM_LIFT,  /* core func, opts, type */
    CANON_FORM_LOWER, /* func, opts */
    CANON_FORM_NONE,
    CANON_FORM_TYPE,        /* type */
    CANON_FORM_TYPE_OPTS,   /* type, opts */
    CANON_FORM_TYPE_ASYNC,  /* type, async? */
    CANON_FORM_RESULT_OPTS, /* resultlist, opts */
    CANON_FORM_OPTS,
    CANON_FORM_ASYNC,           /* async? */
    CANON_FORM_SLOT,            /* core value type, u32 */
    CANON_FORM_ZERO,            /* reserved 0x00 */
    CANON_FORM_ZERO_MEMORY,     /* reserved 0x00, memory */
    CANON_FORM_CORE_TYPE_TABLE, /* core type, table */
    CANON_FORM_SHARED,          /* shared? */
    CANON_FORM_SHARED_TYPE,     /* shared?, core type */
    CANON_FORM_SHARED_TYPE_TABLE,
};
struct cm_canon_info {
    u8 opcode;
    const char *name; /* as in the text format: "stream.cancel-read" */
    enum cm_canon_form form;
    enum feature gate;
};
extern const struct cm_canon_info cm_canon_info[CANON_COUNT];

enum cm_encoding { ENCODING_UTF8, ENCODING_UTF16, ENCODING_LATIN1_UTF16 };
struct cm_canon_opts {
    enum cm_encoding encoding;
    bool has_encoding, has_memory, has_realloc, has_post_return, has_callback, is_async;
    bool has_core_type, is_gc; /* cm-gc */
    u32 memory, realloc, post_return, callback, core_type;
    VEC(u8)
    order; /* option bytes as they stood, duplicates included: for validation and round trips */
    VEC(u32) order_values; /* their indices, 0 where there is none; empty: those above */
};

/* Canonical options, one row each in options.def, by their byte in the binary. */
enum cm_option {
#define ENCODING(id, word, value)          OPTION_##id,
#define FLAG(id, word, field, gate)        OPTION_##id,
#define INDEX(id, word, sort, field, gate) OPTION_##id,
#include "options.def"
#undef ENCODING
#undef FLAG
#undef INDEX
    OPTION_COUNT
};
struct cm_option_info {
    const char *word;  /* in the text format */
    enum cm_sort sort; /* the space of its index, SORT_COUNT if it has none */
    enum feature gate;
};
extern const struct cm_option_info cm_option_info[OPTION_COUNT];
/* Is it set? *index is its index then, or 0. */
bool cm_option_get(const struct cm_canon_opts *o, enum cm_option option, u32 *index);
void cm_option_set(struct cm_canon_opts *o, enum cm_option option, u32 index);

struct cm_canon {
    enum cm_canon_kind kind;
    u32 func;        /* LIFT: core func; LOWER: func */
    u32 type;        /* type index, or core type index of thread.* */
    bool has_result; /* TASK_RETURN */
    struct cm_valtype result;
    bool is_async, is_shared;
    wasm_valtype slot_type; /* CONTEXT_* */
    u32 slot, memory, table;
    struct cm_canon_opts opts;
    span at;
};
struct cm_start {
    u32 func;
    const u32 *args;
    u32 arg_count, result_count;
    span at;
};
struct cm_export {
    struct cm_name name;
    struct cm_sortidx item;
    bool has_type;
    struct cm_externtype type;
    span at;
};
struct cm_value {
    struct cm_valtype type;
    str bytes;
    span at;
};

/* Definitions stand in the order of the binary; each item says in which table its payload is. */
enum cm_item_kind {
    ITEM_CORE_MODULE,
    ITEM_CORE_INSTANCE,
    ITEM_CORE_TYPE,
    ITEM_COMPONENT,
    ITEM_INSTANCE,
    ITEM_ALIAS,
    ITEM_TYPE,
    ITEM_CANON,
    ITEM_START,
    ITEM_IMPORT,
    ITEM_EXPORT,
    ITEM_VALUE,
    ITEM_CUSTOM,
};
struct cm_item {
    enum cm_item_kind kind;
    u32 index;   /* into the table of that kind below (which is no index space) */
    u32 section; /* ordinal of the section it came from */
};
struct wasm_component {
    str bytes;
    u32 source, base;
    VEC(struct cm_item) items;
    VEC(struct wasm_module *) modules;
    VEC(struct cm_instance) core_instances;
    VEC(struct cm_core_type) core_types;
    VEC(struct wasm_component *) components;
    VEC(struct cm_instance) instances;
    VEC(struct cm_alias) aliases;
    VEC(struct cm_type) types;
    VEC(struct cm_canon) canons;
    VEC(struct cm_start) starts;
    VEC(struct cm_import) imports;
    VEC(struct cm_export) exports;
    VEC(struct cm_value) values;
    VEC(struct wasm_custom) customs;
};

/* The sort of index that an item adds to, or SORT_COUNT if it adds none (start, custom). Imports,
 * exports and aliases add to the space of their sort; canon lift to SORT_FUNC, other canons to
 * SORT_CORE_FUNC; a core recursion group adds type_count core types. */
enum cm_sort cm_item_sort(const struct wasm_component *c, struct cm_item item);

/* ---- Building components ---------------------------------------------------------------------------------- */

/* A component under construction: adds an item and gives its index in the index space of its sort. The
 * payload is copied; arrays in it must live in the same arena. */
struct cm_builder {
    struct arena *arena;
    struct wasm_component *component;
    u32 count[SORT_COUNT]; /* sizes of the index spaces */
};
void cm_builder_init(struct cm_builder *b, struct arena *a);
u32 cm_add_module(struct cm_builder *b,
                  struct wasm_module *module); /* only `bytes` needs to be set */
u32 cm_add_core_instance(struct cm_builder *b, struct cm_instance instance);
u32 cm_add_component(struct cm_builder *b, struct wasm_component *component);
u32 cm_add_instance(struct cm_builder *b, struct cm_instance instance);
u32 cm_add_alias(struct cm_builder *b, struct cm_alias alias);
u32 cm_add_type(struct cm_builder *b, struct cm_type type);
u32 cm_add_core_type(struct cm_builder *b, struct cm_core_type type);
u32 cm_add_canon(struct cm_builder *b, struct cm_canon canon);
u32 cm_add_import(struct cm_builder *b, struct cm_import import);
u32 cm_add_export(struct cm_builder *b, struct cm_export export_);
void cm_add_custom(struct cm_builder *b, str name, str bytes);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
