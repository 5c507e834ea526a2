/* validate.h - is a module or component valid, and does one type fit another?
 *
 * Core modules are checked in the algorithm of the core specification's appendix, either as a whole or in two steps (everything
 * but bodies first, then one function at a time), so that an interpreter may validate a function when it is first
 * called.
 *
 * Core types are interned: equal recursion groups, of whatever module, have equal canonical ids within one store. Component
 * types are interned the same way, resolved to what they mean (no aliases, no index spaces), with one identity
 * for each resource. There is one subtype relation, and a variant of it that tells why not.
 *
 * Specification: Core Wasm 3.0, "Validation" and the appendix "Validation Algorithm"; component-model Explainer.md, "Type Checking", the validation
 * rules of Binary.md after each production, and "Lifting and Lowering Definitions" of CanonicalABI.md for the types of core functions.
 *
 * All functions that take diagnostics report there what is wrong, and then give false, NULL or VALIDATE_NONE. Results live in the arena that
 * was given, or in that of the types or of the store.
 */
#ifndef WITC_VALIDATE_H
#define WITC_VALIDATE_H

#include "base.h"
#include "wasm.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Core types across modules ------------------------------------------------------------------- */

/* Canonical core types. Everything in a store's types that refers to a type does so by canonical id: a value type
 * `(ref $t)` holds the id where that of a module holds the module's type index. */
struct validate_store;
struct validate_store *validate_store_new(struct arena *a);

/* The type of a canonical id; `super` and value types within are canonical. */
const struct wasm_type *validate_store_type(const struct validate_store *s, u32 id);
u32 validate_store_size(const struct validate_store *s);
/* The id of a function type that stands alone (final, without a supertype), whose value types are canonical: for host functions.
 * Modules may fill the store with a million types; VALIDATE_NONE if there are 48,576 more. */
u32 validate_store_functype(struct validate_store *s, const struct wasm_functype *type);
/* Is id `sub` declared, directly or not, below `super`? Reflexive. */
bool validate_is_subtype(const struct validate_store *s, u32 sub, u32 super);
/* Length of the chain of supertypes above id, and its link at `depth` (0 = the topmost; depth of id itself: id): for casts in
 * constant time, `target` is above `id` iff depth(target) <= depth(id) and ancestor(id, depth(target)) == target. */
u32 validate_type_depth(const struct validate_store *s, u32 id);
u32 validate_type_ancestor(const struct validate_store *s, u32 id, u32 depth);
/* Both with canonical ids. */
bool validate_valtype_matches(const struct validate_store *s, wasm_valtype sub, wasm_valtype super);
/* May something of type `sub` be given for an import of type `super`? Canonical ids; the limits of `sub` are those of the moment
 * (min = actual size). */
bool validate_import_matches(const struct validate_store *s, const struct wasm_externtype *sub,
                             const struct wasm_externtype *super);
/* "(ref null 3)", "i32", ... */
str validate_valtype_text(struct arena *a, wasm_valtype t);
str validate_externtype_text(struct arena *a, const struct validate_store *s,
                             const struct wasm_externtype *t);

/* ---- Core modules ---------------------------------------------------------------------------------- */

/* A module whose types, imports, constant expressions, segments and exports are valid; what validate_func
 * needs. `m` and the store must outlive it. */
struct validate_context;
/* NULL store: one of its own. NULL after diagnostics if invalid. */
struct validate_context *validate_module_shell(struct arena *a, struct validate_store *store,
                                               const struct wasm_module *m, struct features f,
                                               struct diags *d);
/* Validates the body of a function, by its index in the function index space (not an imported one). */
WITC_NODISCARD bool validate_func(struct validate_context *c, u32 func, struct diags *d);
/* The same, and tells `seen` after each instruction but the last `end`, by its offset, the operands in the innermost block:
 * "[i32 i64]". */
typedef void validate_seen(void *ctx, u32 offset, str operands);
WITC_NODISCARD bool validate_func_seen(struct validate_context *c, u32 func, validate_seen *seen,
                                       void *ctx, struct diags *d);
/* Both steps for the whole module. */
WITC_NODISCARD bool validate_module(struct arena *a, struct validate_store *store,
                                    const struct wasm_module *m, struct features f,
                                    struct diags *d);

struct validate_store *validate_context_store(const struct validate_context *c);
/* Canonical id of each type index of the module. */
const u32 *validate_context_ids(const struct validate_context *c);
/* A value type, or the type of an import or an entity, of the module with canonical ids for its type indices. */
wasm_valtype validate_canonical_valtype(const struct validate_context *c, wasm_valtype t);
struct wasm_externtype validate_canonical_externtype(const struct validate_context *c,
                                                     const struct wasm_externtype *t);
struct wasm_externtype validate_export_type(const struct validate_context *c,
                                            const struct wasm_export *e);

/* ---- Component types, resolved ----------------------------------------------------------------------- */

/* A type in a struct validate_types: equal ids = equal types. */
typedef u32 validate_id;
#define VALIDATE_NONE UINT32_MAX

/* What a name stands for. */
struct validate_entity {
    enum cm_sort sort; /* SORT_CORE_MODULE, FUNC, VALUE, TYPE, COMPONENT, INSTANCE */
    validate_id type;  /* TYPE: the type it is equal to */
};
struct validate_item {
    struct cm_name name;
    struct validate_entity entity;
};
struct validate_label {
    str name;         /* empty in tuples */
    validate_id type; /* VALIDATE_NONE: no payload */
};
/* Beside the kinds of enum cm_def: a core module type. */
#define DEF_MODULE ((enum cm_def)0x50)

/* More core values than this are never passed as parameters (CanonicalABI.md, MAX_FLAT_PARAMS). */
#define VALIDATE_MAX_FLAT 16

/* Limits of component types; what exceeds one is refused with a diagnostic that tells it. */
#define VALIDATE_MAX_SIZE \
    1000000u /* effective size of a type: what a walk of the whole would visit */
#define VALIDATE_MAX_DEPTH  1000u /* nesting: bounds every recursion over types */
#define VALIDATE_MAX_LEVELS 100u  /* of value types in each other, as in other runtimes */

/* What one component may cost: types there are with their parts, and types that substitutions, comparisons and searches visit. Both are far above
 * what programs need, and keep small files from taking minutes and gigabytes. */
#define VALIDATE_MAX_LIST 2000000u
#define VALIDATE_MAX_WORK 1000000u

struct validate_type {
    enum cm_def kind;
    u8 prim;                             /* PRIM: enum cm_prim */
    bool is_async;                       /* FUNC */
    const struct validate_label *labels; /* RECORD, VARIANT, FLAGS, ENUM, TUPLE; params of FUNC */
    u32 label_count;
    /* LIST, FIXED_LIST, OPTION, STREAM, FUTURE: element; MAP: key, value; RESULT: ok, error; FUNC: result. VALIDATE_NONE if there is
     * none. */
    validate_id element, second;
    u32 length;   /* FIXED_LIST */
    u32 resource; /* OWN, BORROW, RESOURCE: identity of the resource */
    /* COMPONENT and INSTANCE. Resources that stand in the types of items and are listed here are bound by this type: each
     * instantiation replaces `defined` ones by new ones, and `imported` ones by those of the arguments. */
    const struct validate_item *imports, *exports;
    u32 import_count, export_count;
    const u32 *imported, *defined;
    u32 imported_count, defined_count;
    /* MODULE: types canonical in the core store. */
    const struct wasm_import *core_imports;
    const struct validate_core_export *core_exports;
    u32 core_import_count, core_export_count;
    /* Which definition, import or export this is, 0 if nobody asks. Records, variants, flags, enums and resources must have a name to
     * be visible outside. Types that differ in this only are equal: their `plain` is. Functions, instances and components have none,
     * only the types that stand for them. Handles have the tag of their resource. */
    u32 tag;
    u32 handle_tag; /* OWN, BORROW: which import or export this is */
    u32 uses;       /* tag of the type that an import or export of this one names, 0 if none */
    validate_id plain;
    /* Facts. */
    u32 size;            /* effective size: how much a walk of the whole would visit */
    u32 depth;           /* nesting */
    bool has_borrow;     /* somewhere in a value type */
    bool has_handle;     /* own, borrow, stream, future, error-context */
    bool has_pointer;    /* list, string, map: needs a memory */
    bool mentions;       /* some resource, free or bound */
    bool tagged;         /* somewhere */
    u64 elem32, elem64;  /* bytes of a value in memory, for both pointer sizes; saturated at 2^40 */
    u8 align32, align64; /* its alignment in bytes */
    /* Core values that it flattens to (enum wasm_kind), for both pointer sizes; more than VALIDATE_MAX_FLAT: the count is
     * VALIDATE_MAX_FLAT + 1 and the arrays mean nothing. */
    u8 flat_count;
    u8 flat32[VALIDATE_MAX_FLAT], flat64[VALIDATE_MAX_FLAT];
    const struct map *export_index, *import_index; /* names to positions; NULL in short lists */
};
struct validate_core_export {
    str name;
    struct wasm_externtype type;
};

/* Interned component types with the core store they use. Components that are to be compared or composed must be validated into
 * the same one. */
struct validate_types;
struct validate_types *validate_types_new(struct arena *a);
const struct validate_type *validate_get(const struct validate_types *t, validate_id id);
struct validate_store *validate_types_store(struct validate_types *t);
/* From now on the bodies of modules are left to whoever runs them (validate_func): only their shells are validated. */
void validate_leave_bodies(struct validate_types *t);
validate_id validate_prim(const struct validate_types *t, enum cm_prim prim);

/* Validates a component with everything in it; *type is its component type (may be NULL). */
WITC_NODISCARD bool validate_component(struct validate_types *t, const struct wasm_component *c,
                                       struct features f, validate_id *type, struct diags *d);
/* Validates a module and gives its DEF_MODULE type. */
WITC_NODISCARD bool validate_core_module(struct validate_types *t, const struct wasm_module *m,
                                         struct features f, validate_id *type, struct diags *d);
/* Whichever it is. */
WITC_NODISCARD bool validate_binary(struct arena *a, const struct wasm_binary *b, struct features f,
                                    struct diags *d);

/* The index spaces of a validated component (this one or a nested one), as they were at its end. */
struct validate_spaces {
    const validate_id *types;                 /* SORT_TYPE */
    const validate_id *funcs;                 /* SORT_FUNC: DEF_FUNC types */
    const validate_id *values;                /* SORT_VALUE */
    const validate_id *instances;             /* SORT_INSTANCE: DEF_INSTANCE types */
    const validate_id *components;            /* SORT_COMPONENT */
    const validate_id *modules;               /* SORT_CORE_MODULE: DEF_MODULE types */
    const u32 *core_types;                    /* canonical ids; module types: VALIDATE_NONE */
    const struct wasm_externtype *core_funcs; /* canonical ids, as all below */
    const struct wasm_externtype *core_tables, *core_memories, *core_globals, *core_tags;
    u32 count[SORT_COUNT];
};
/* NULL if c was not validated into t. */
const struct validate_spaces *validate_spaces_of(const struct validate_types *t,
                                                 const struct wasm_component *c);

/* The item of a name, exactly; NULL if there is none. */
const struct validate_item *validate_find(const struct validate_item *items, u32 count, str name);
const struct validate_item *validate_find_import(const struct validate_types *t, validate_id type,
                                                 str name);
const struct validate_item *validate_find_export(const struct validate_types *t, validate_id type,
                                                 str name);
/* A type as WIT writes it, at most about `limit` characters ("option<list<u8>>"). */
str validate_type_text(struct arena *a, const struct validate_types *t, validate_id id, u32 limit);
str validate_entity_text(struct arena *a, const struct validate_types *t, struct validate_entity e,
                         u32 limit);

/* ---- Making types ---- */

/* Interns a type (facts, `plain` and indices are filled in; arrays are copied). VALIDATE_NONE if it is too large or nested too deep. */
validate_id validate_make(struct validate_types *t, const struct validate_type *def);
/* A type of a kind without any contents, to start from. */
struct validate_type validate_empty(enum cm_def kind);
u32 validate_fresh_resource(struct validate_types *t);
u32 validate_fresh_tag(struct validate_types *t);

/* Replaces resources and tags in types by others. Lives in its arena. */
struct validate_renaming;
struct validate_renaming *validate_renaming_new(struct arena *a, struct validate_types *t);
/* False if there is a rule for `from` already (it stays). */
bool validate_rename_resource(struct validate_renaming *r, u32 from, u32 to);
bool validate_renames_resource(const struct validate_renaming *r, u32 from);
bool validate_rename_tag(struct validate_renaming *r, u32 from, u32 to);
validate_id validate_rename(struct validate_renaming *r, validate_id id);

/* ---- The subtype relation -------------------------------------------------------------------------- */

/* The first place where two types do not fit. */
struct validate_mismatch {
    str path;            /* "function get: result" - from the outside to the place, may be empty */
    str expected, found; /* "option<string>", "option<list<u8>>"; or "a function", "nothing" */
};
/* "function get: result: expected option<string>, found option<list<u8>>" */
str validate_mismatch_text(struct arena *a, const struct validate_mismatch *why);

/* May `sub` be used where `super` is asked for? The resources in `open` (may be NULL) stand for any: the first that is met in the
 * place of one is taken for it from then on. `why` may be NULL. */
bool validate_subtype(struct validate_types *t, struct validate_entity sub,
                      struct validate_entity super, const u32 *open, u32 open_count,
                      struct arena *why_arena, struct validate_mismatch *why);

/* Instantiates component type `component` with arguments by name: checks each import in order, gives the DEF_INSTANCE type with new
 * resources. *why and *import_index tell the first import that is missing or does not fit; *import_index is the number of imports
 * if that is not the reason: the types are too much to check. */
bool validate_instantiate(struct validate_types *t, validate_id component,
                          const struct validate_item *args, u32 arg_count, validate_id *instance,
                          u32 *import_index, struct arena *why_arena,
                          struct validate_mismatch *why);

/* ---- Names ------------------------------------------------------------------------------------------ */

enum validate_name_kind {
    NAME_INVALID,
    NAME_LABEL,       /* plain-name */
    NAME_CONSTRUCTOR, /* [constructor]resource */
    NAME_METHOD,      /* [method]resource.label, [get] or [set] possibly before */
    NAME_STATIC,
    NAME_GET,       /* [get]label */
    NAME_SET,       /* [set]label */
    NAME_INTERFACE, /* ns:package/interface@version */
};
struct validate_name {
    enum validate_name_kind kind;
    bool is_get, is_set;        /* accessor, of whatever kind */
    str resource, label;        /* plain names: "r", "l" of "[method]r.l"; label: the name alone */
    str ns, package, interface; /* NAME_INTERFACE: "wasi", "http", "types" */
    str version;                /* without the '@'; empty if none */
};
/* Takes a name apart; NAME_INVALID and a reason if it is none. */
struct validate_name validate_parse_name(str name, struct features f, const char **reason);
/* The canonical string of strong uniqueness: names clash iff theirs are equal. */
str validate_unique_key(struct arena *a, str name);
/* Semantic versions. */
struct validate_semver {
    u64 major, minor, patch;
    str pre, build;
};
bool validate_parse_semver(str text, struct validate_semver *out);
int validate_semver_cmp(const struct validate_semver *a, const struct validate_semver *b);
/* "ns:pkg/i@1.2.3" -> "ns:pkg/i@1", "@0.2.3" -> "@0.2", "@0.0.3" -> "@0.0.3": names with equal tracks are semver-compatible. Empty if it has
 * no version or a pre-release. */
str validate_semver_track(struct arena *a, str name);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
