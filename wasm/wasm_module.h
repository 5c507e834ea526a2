/* wasm_module.h - the model of core types and modules. Part of wasm.h, which says what holds for all of it.
 *
 * Specification: Core Wasm 3.0, "Binary Format" (Types, Modules); the proposals behind the gates of base/features.def.
 */
#ifndef WITC_WASM_MODULE_H
#define WITC_WASM_MODULE_H

#include "base.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Core types ---------------------------------------------------------------------------------- */

/* A core value type in one word: kind in bits 0..7, for references also nullability in bit 8, exactness in bit 9 and the heap type:
 * of an abstract one its code in bits 10..16 and whether it is shared in bit 17, else bit 31 and a type index in bits 10..30. */
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

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
