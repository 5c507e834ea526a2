/* wasm.h - the model of WebAssembly binaries: core modules (Wasm 3.0) and components, their reader,
 * writer, text parser and printer.
 *
 * A model is plain data in an arena. Everything that refers to something else does so by index into the
 * index space of the specification, never by pointer. Bytes (function bodies, data, custom
 * sections) are views into the input, which must outlive the model; so are names.
 *
 * The reader decodes and checks form only (what the specification calls malformed). Whether a model
 * is valid is validate/'s question.
 *
 * Specification: Core Wasm 3.0 binary format; component-model Binary.md.
 */
#ifndef WITC_WASM_H
#define WITC_WASM_H

#include "base.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Core types ---------------------------------------------------------------------------------- */

/* A core value type in one word: kind in bits 0..7, for references also nullability in bit 8, exactness
 * in bit 9 and the heap type in bits 10..31 (an abstract type's code, or a type index with bit 31 set). */
typedef u32 wasm_valtype;

enum wasm_kind {
    WASM_I32 = 0x7f,
    WASM_I64 = 0x7e,
    WASM_F32 = 0x7d,
    WASM_F64 = 0x7c,
    WASM_V128 = 0x7b,
    WASM_I8 = 0x78, /* storage types of fields only */
    WASM_I16 = 0x77,
    WASM_REF = 0x64,
    WASM_BOTTOM = 0x01, /* validation only: below every type */
    WASM_NONE = 0x00,   /* no type */
};
/* Abstract heap types, by their byte in the binary format. */
enum wasm_heap {
    HEAP_NOCONT = 0x75,
    HEAP_NOEXN = 0x74,
    HEAP_NOFUNC = 0x73,
    HEAP_NOEXTERN = 0x72,
    HEAP_NONE = 0x71,
    HEAP_FUNC = 0x70,
    HEAP_EXTERN = 0x6f,
    HEAP_ANY = 0x6e,
    HEAP_EQ = 0x6d,
    HEAP_I31 = 0x6c,
    HEAP_STRUCT = 0x6b,
    HEAP_ARRAY = 0x6a,
    HEAP_EXN = 0x69,
    HEAP_CONT = 0x68,
};
#define WASM_REF_NULLABLE (1u << 8)
#define WASM_REF_EXACT    (1u << 9)
#define WASM_REF_CONCRETE (1u << 31)
#define WASM_MAX_TYPES    1000000u /* type indices fit 21 bits */

static inline enum wasm_kind wasm_kind_of(wasm_valtype t)
{
    return (enum wasm_kind)(t & 0xff);
}
static inline bool wasm_is_ref(wasm_valtype t)
{
    return (t & 0xff) == WASM_REF;
}
static inline bool wasm_is_nullable(wasm_valtype t)
{
    return (t & WASM_REF_NULLABLE) != 0;
}
static inline bool wasm_is_concrete(wasm_valtype t)
{
    return (t & WASM_REF_CONCRETE) != 0;
}
/* The type index of a concrete reference, or the enum wasm_heap of an abstract one. */
static inline u32 wasm_heap_of(wasm_valtype t)
{
    return wasm_is_concrete(t) ? (t & ~WASM_REF_CONCRETE) >> 10 : t >> 10 & 0x7f;
}
/* A reference to a shared abstract heap type (shared-everything-threads). */
#define WASM_REF_SHARED (1u << 17)
static inline bool wasm_is_shared_ref(wasm_valtype t)
{
    return wasm_is_ref(t) && !wasm_is_concrete(t) && (t & WASM_REF_SHARED) != 0;
}
static inline wasm_valtype wasm_ref_abstract(enum wasm_heap heap, bool nullable)
{
    return WASM_REF | (nullable ? WASM_REF_NULLABLE : 0) | (u32)heap << 10;
}
static inline wasm_valtype wasm_ref_concrete(u32 type, bool nullable)
{
    return WASM_REF | (nullable ? WASM_REF_NULLABLE : 0) | type << 10 | WASM_REF_CONCRETE;
}
/* The word has room for 21 bits of a type index; larger ones (no module has them) become the largest,
 * which is above WASM_MAX_TYPES and so unknown everywhere. */
static inline u32 wasm_clamp_type(u32 type)
{
    return type < (1u << 21) ? type : (1u << 21) - 1;
}
#define WASM_FUNCREF   wasm_ref_abstract(HEAP_FUNC, true)
#define WASM_EXTERNREF wasm_ref_abstract(HEAP_EXTERN, true)

struct wasm_functype {
    const wasm_valtype *params;
    const wasm_valtype *results;
    u32 param_count, result_count;
};
struct wasm_field {
    wasm_valtype type; /* WASM_I8 and WASM_I16 allowed */
    bool is_mutable;
};
enum wasm_comptype { COMPTYPE_FUNC, COMPTYPE_STRUCT, COMPTYPE_ARRAY, COMPTYPE_CONT };
/* One type of the type index space (a subtype within a recursion group). */
struct wasm_type {
    enum wasm_comptype kind;
    bool is_final, has_super, is_shared;
    bool explicit_rec; /* its group was written as one; a single type may stand without */
    u32 super;         /* type index, if has_super */
    u32 rec_start;     /* first type index of its recursion group */
    u32 rec_count;
    struct wasm_functype func;       /* COMPTYPE_FUNC */
    const struct wasm_field *fields; /* COMPTYPE_STRUCT; COMPTYPE_ARRAY has one */
    u32 field_count;
    u32 cont;                           /* COMPTYPE_CONT: type index */
    bool has_describes, has_descriptor; /* custom-descriptors */
    u32 describes, descriptor;
    span at;
};

struct wasm_limits {
    u64 min, max;
    bool has_max, is_shared, is_64;
    bool has_page_size;
    u8 page_size_log2; /* 16 unless has_page_size */
};
struct wasm_tabletype {
    wasm_valtype element;
    struct wasm_limits limits;
};
struct wasm_globaltype {
    wasm_valtype type;
    bool is_mutable, is_shared;
};
/* Values are those of the binary format. */
enum wasm_extern {
    EXTERN_FUNC = 0,
    EXTERN_TABLE = 1,
    EXTERN_MEMORY = 2,
    EXTERN_GLOBAL = 3,
    EXTERN_TAG = 4
};
struct wasm_externtype {
    enum wasm_extern kind;
    bool exact; /* EXTERN_FUNC, custom-descriptors */
    u32 type;   /* EXTERN_FUNC and EXTERN_TAG: type index */
    struct wasm_tabletype table;
    struct wasm_limits memory;
    struct wasm_globaltype global;
};

/* ---- Core modules -------------------------------------------------------------------------------- */

/* Bytes of a constant expression, `end` included. */
struct wasm_expr {
    str bytes;
    u32 offset; /* of the first byte in the source */
};
/* How an import is encoded; a group names its module once (compact import section proposal). */
enum wasm_import_form {
    IMPORT_SINGLE = 0,
    IMPORT_GROUP = 0x7f,        /* each with its name and type */
    IMPORT_GROUP_OF_TYPE = 0x7e /* one type, many names */
};
struct wasm_import {
    str module, name;
    struct wasm_externtype type;
    enum wasm_import_form form;
    u32 group_count; /* set at the first of a group */
    span at;
};
struct wasm_export {
    str name;
    enum wasm_extern kind;
    u32 index;
    span at;
};
struct wasm_table {
    struct wasm_tabletype type;
    bool has_init;
    struct wasm_expr init;
};
struct wasm_global {
    struct wasm_globaltype type;
    struct wasm_expr init;
};
struct wasm_elem {
    enum { ELEM_ACTIVE, ELEM_PASSIVE, ELEM_DECLARED } mode;
    u8 flags; /* as in the binary */
    u32 table;
    struct wasm_expr offset; /* ELEM_ACTIVE */
    wasm_valtype type;       /* of function indices: (ref func) */
    u32 count;
    const u32 *funcs;              /* function indices, or NULL and then ... */
    const struct wasm_expr *exprs; /* ... expressions */
    span at;
};
struct wasm_data {
    enum { DATA_ACTIVE, DATA_PASSIVE } mode;
    u8 flags;
    u32 memory;
    struct wasm_expr offset;
    str bytes;
    span at;
};
/* A function body: local declarations and instructions. */
struct wasm_code {
    str bytes; /* locals and expression, without the size */
    u32 offset;
};
struct wasm_custom {
    str name;
    str bytes;
    u8 after; /* id of the last known section before it */
    span at;
};
/* A section as it stood, custom sections (id 0) included. */
enum wasm_section {
    WASM_SECTION_FUNC = 3,
    WASM_SECTION_TABLE = 4,
    WASM_SECTION_MEMORY = 5,
    WASM_SECTION_GLOBAL = 6,
    WASM_SECTION_START = 8,
    WASM_SECTION_TAG = 13
};
struct wasm_section_span {
    u8 id;
    u32 start, end; /* contents, without id and size */
};

struct wasm_module {
    str bytes;  /* the whole binary */
    u32 source; /* for spans; spans are offsets into that source */
    u32 base;   /* offset of `bytes` in the source */
    VEC(struct wasm_type) types;
    VEC(u32) empty_recs; /* recursion groups without types: number of types before each */
    VEC(struct wasm_import) imports;
    VEC(struct wasm_import)
    empty_groups;                  /* without items: group_count is the number of imports before */
    VEC(u32) funcs;                /* type index of each function, imported ones first */
    VEC(struct wasm_table) tables; /* the same for the other spaces ... */
    VEC(struct wasm_limits) memories;
    VEC(struct wasm_global) globals;
    VEC(u32) tags; /* type index */
    u32 imported_funcs, imported_tables, imported_memories, imported_globals, imported_tags;
    VEC(struct wasm_export) exports;
    VEC(struct wasm_elem) elems;
    VEC(struct wasm_data) datas;
    VEC(struct wasm_code) codes; /* of function imported_funcs + i */
    VEC(struct wasm_custom) customs;
    VEC(struct wasm_section_span) sections;
    bool has_start, has_data_count;
    u32 start, data_count;
};

/* Where an item of a section stands (the section if there is none such), of the sections in enum wasm_section: it is looked for. */
span wasm_item_span(const struct wasm_module *m, enum wasm_section section, u32 index);
/* Where a function index of an element segment stands. */
span wasm_elem_func_span(const struct wasm_module *m, const struct wasm_elem *e, u32 index);

static inline const struct wasm_functype *wasm_func_type(const struct wasm_module *m, u32 func)
{
    return &m->types.data[m->funcs.data[func]].func;
}

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
    u8 form; /* leading byte in the binary, 0x00, 0x01 or 0x02 */
};

enum cm_sort {
    SORT_CORE_FUNC,
    SORT_CORE_TABLE,
    SORT_CORE_MEMORY,
    SORT_CORE_GLOBAL,
    SORT_CORE_TAG,
    SORT_CORE_TYPE,
    SORT_CORE_MODULE,
    SORT_CORE_INSTANCE,
    SORT_FUNC,
    SORT_VALUE,
    SORT_TYPE,
    SORT_COMPONENT,
    SORT_INSTANCE,
    SORT_COUNT
};
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

/* Canonical definitions, one row each in canon.def: CANON(id, opcode, "text name", gate). */
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

/* ---- Reading and writing -------------------------------------------------------------------------------- */

enum wasm_layer { LAYER_MODULE, LAYER_COMPONENT };

/* What a file turned out to be; exactly one pointer is set. */
struct wasm_binary {
    enum wasm_layer layer;
    struct wasm_module *module;
    struct wasm_component *component;
};

/* Reads `source` of d->sources, binary or text (text is assembled into the arena first, and spans then point
 * into a second, binary source). Limits: nesting 100, 1,000 modules and components in all. */
WITC_NODISCARD bool wasm_read(struct arena *a, u32 source, struct features features,
                              struct wasm_binary *out, struct diags *d);
/* Reads bytes that stand at `base` of a binary source. */
WITC_NODISCARD bool wasm_read_module(struct arena *a, u32 source, str bytes, u32 base,
                                     struct features features, struct wasm_module **out,
                                     struct diags *d);
WITC_NODISCARD bool wasm_read_component(struct arena *a, u32 source, str bytes, u32 base,
                                        struct features features, struct wasm_component **out,
                                        struct diags *d);
bool wasm_is_binary(str bytes);    /* starts with the magic */
bool wasm_is_component(str bytes); /* ... and the layer of a component */

/* Assembles text (module or component) to binary. */
WITC_NODISCARD bool wasm_parse_text(struct arena *a, u32 source, struct features features,
                                    str *binary, struct diags *d);

/* Encodes a component model; nested components are encoded from their model if `bytes` is empty, else
 * copied; modules are copied from `bytes`. Consecutive items of one kind share a section unless their
 * `section` differs. */
void wasm_write_component(struct buf *out, const struct wasm_component *c);
/* Encodes a core module model, sections in order, customs at their place. */
void wasm_write_module(struct buf *out, const struct wasm_module *m);
/* Single pieces, for tools that copy a module and change some sections. */
void wasm_write_functype(struct buf *out, const struct wasm_functype *type);
void wasm_write_valtype(struct buf *out, wasm_valtype type);
void wasm_write_name(struct buf *out, str name);

/* Fields of the section "producers" of tool-conventions, in the order that they are written in. */
#define WASM_PRODUCER_FIELDS 3
extern const str wasm_producer_fields[WASM_PRODUCER_FIELDS];
/* Appends a section: id, size, contents. */
void wasm_write_section(struct buf *out, u8 id, str contents);
void wasm_write_custom(struct buf *out, str name, str contents);

/* What is said of an instruction, by its offset. */
struct wasm_remark {
    u32 offset;
    str text;
};
struct wasm_print_options {
    bool skeleton; /* no bodies, no data */
    bool offsets;  /* a comment with the offset before each line */
    bool folded;   /* instructions as nested expressions */
    bool name_unnamed;
    const char *indent; /* NULL: two blanks */
    /* Remarks on the instructions of a function, in order; asked before it is printed. NULL: there are none. */
    const struct wasm_remark *(*remarks)(void *ctx, const struct wasm_module *m, u32 func,
                                         u32 *count);
    void *remarks_ctx;
};
/* Prints as text in the layout of `wasm-tools print`. */
WITC_NODISCARD bool wasm_print(struct buf *out, const struct wasm_binary *binary,
                               const struct wasm_print_options *options, struct diags *d);

/* The same, handing the text to `sink` in pieces; stops when it gives false. */
WITC_NODISCARD bool wasm_print_stream(struct arena *a, const struct wasm_binary *binary,
                                      const struct wasm_print_options *options,
                                      bool (*sink)(void *ctx, str text), void *ctx,
                                      struct diags *d);

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

/* ---- Names in the custom section "name" --------------------------------------------------------------------- */

struct wasm_names {
    str module;
    const str *funcs; /* by function index, empty if unnamed; NULL if there are none */
    u32 func_count;
    const str *tags; /* likewise, by tag index */
};
/* Never fails: an ill-formed section just names less. */
void wasm_read_names(struct arena *a, const struct wasm_module *m, struct wasm_names *out);
/* Name of a component from its "component-name" section, empty if none. */
str wasm_component_name(const struct wasm_component *c);

/* ---- Instructions (ops.def) ----------------------------------------------------------------------------------- */

/* What follows an opcode. */
enum wasm_imm {
    IMM_NONE,
    IMM_BLOCK, /* block type */
    IMM_LABEL,
    IMM_LABELS, /* br_table */
    IMM_FUNC,
    IMM_TYPE,
    IMM_CALL_INDIRECT, /* type, table */
    IMM_LOCAL,
    IMM_GLOBAL,
    IMM_TABLE,
    IMM_TABLE_TABLE,
    IMM_ELEM,
    IMM_ELEM_TABLE, /* table.init */
    IMM_DATA,
    IMM_MEMORY,
    IMM_MEMORY_MEMORY,
    IMM_DATA_MEMORY, /* memory.init */
    IMM_MEMARG,
    IMM_MEMARG_LANE,
    IMM_LANE,
    IMM_SHUFFLE, /* 16 lanes */
    IMM_I32,
    IMM_I64,
    IMM_F32,
    IMM_F64,
    IMM_V128,
    IMM_VALTYPES,   /* select t* */
    IMM_HEAP,       /* ref.null, ref.test, ref.cast */
    IMM_TYPE_FIELD, /* struct.get */
    IMM_TYPE_COUNT, /* array.new_fixed */
    IMM_TYPE_DATA,
    IMM_TYPE_ELEM,
    IMM_TYPE_TYPE, /* array.copy */
    IMM_BR_CAST,
    IMM_TAG,
    IMM_TRY_TABLE,
    IMM_CATCH_TAG, /* legacy catch */
    IMM_DELEGATE,
    IMM_RETHROW,
    IMM_FENCE, /* reserved byte */
};
/* Rows of ops.def: OP(id, prefix, code, "name", immediate, "signature", feature).
 * prefix 0 for one-byte opcodes, else 0xfb..0xfe. Signature: operands ':' results in letters
 * i I f F v (i32 i64 f32 f64 v128) and a (the address type of the memory named by the immediate, i32
 * or i64), or "*" when it depends on types and is checked by hand. Two rows may share a name: plain and
 * typed select, ref.test and ref.cast with and without null.
 * Gate FEATURE_MVP: always there. */
#define FEATURE_MVP FEATURE_COUNT
enum wasm_op {
#define OP(id, prefix, code, text, imm, signature, gate) OP_##id,
#include "ops.def"
#undef OP
    OP_COUNT
};
struct wasm_op_info {
    u8 prefix;
    u16 code;
    u8 align; /* natural alignment of memory access, log2 bytes */
    enum wasm_imm imm;
    const char *name;
    const char *signature;
    enum feature gate;
};
extern const struct wasm_op_info wasm_op_info[OP_COUNT];
/* The instruction of a prefix and code, or OP_COUNT. */
enum wasm_op wasm_op_find(u8 prefix, u32 code);
static inline bool wasm_gate_open(struct features f, enum feature gate)
{
    return gate == FEATURE_MVP || features_has(f, gate);
}

/* Reads the bytes of a section, bounds-checked; used by everybody who walks instruction bytes. */
struct wasm_cursor {
    const u8 *start, *at, *end;
    u32 base; /* offset of `start` in the source */
    u32 source;
    bool failed; /* sticky: once set every read gives 0 */
    const char *error;
    u32 error_offset;
};
struct wasm_cursor wasm_cursor_of(u32 source, str bytes, u32 base);
u8 wasm_get_byte(struct wasm_cursor *c);
u32 wasm_get_u32(struct wasm_cursor *c);
u64 wasm_get_u64(struct wasm_cursor *c);
i32 wasm_get_s32(struct wasm_cursor *c);
i64 wasm_get_s33(struct wasm_cursor *c);
i64 wasm_get_s64(struct wasm_cursor *c);
str wasm_get_bytes(struct wasm_cursor *c, size_t n);
str wasm_get_name(struct wasm_cursor *c); /* length, UTF-8 checked */
/* A count of elements of at least `element_size` bytes each: fails if the rest cannot hold them. */
u32 wasm_get_count(struct wasm_cursor *c, u32 element_size);
wasm_valtype wasm_get_valtype(struct wasm_cursor *c);
wasm_valtype wasm_get_reftype(struct wasm_cursor *c);
/* A heap type, as the reference to it. */
wasm_valtype wasm_get_heaptype(struct wasm_cursor *c, bool nullable);
/* Sets the error unless one is set; `at` points into the bytes. */
void wasm_cursor_fail(struct wasm_cursor *c, const u8 *at, const char *error);
static inline u32 wasm_cursor_offset(const struct wasm_cursor *c)
{
    return c->base + (u32)(c->at - c->start);
}

/* The next section: its id and a cursor over its contents. False at the end and after a failure. */
bool wasm_get_section(struct wasm_cursor *c, u8 *id, struct wasm_cursor *contents);

/* ---- Walking instructions (instr.c) ---------------------------------------------------------------------------- */

/* The next opcode with its prefix; OP_COUNT after a failure ("illegal opcode"). */
enum wasm_op wasm_get_op(struct wasm_cursor *c);
struct wasm_blocktype {
    bool is_index;
    u32 index;           /* type index */
    wasm_valtype result; /* else one result or WASM_NONE */
};
struct wasm_blocktype wasm_get_blocktype(struct wasm_cursor *c);
struct wasm_memarg {
    u32 align; /* log2 */
    u32 memory;
    u64 offset;
};
struct wasm_memarg wasm_get_memarg(struct wasm_cursor *c);
/* Moves past the immediates of an instruction, checking their form. */
void wasm_skip_immediates(struct wasm_cursor *c, enum wasm_op op);
/* Moves past an expression, its `end` included. */
void wasm_skip_expr(struct wasm_cursor *c);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
