/* wit-parser.h - WIT: from text to a resolved graph of packages, interfaces, worlds and types; back to text; and
 * to and from the binary encoding (component types).
 *
 * Stages, each plain data: text --tree-sitter--> AST (ast.h, private) --> struct wit_resolve. The resolved
 * graph is arrays with indices. Their order is that of allocation: packages in topological order
 * (dependencies first), inside a package interfaces and types in declaration order, inline ones where
 * they stand. Tools that print the graph as JSON rely on it.
 *
 * Specification: WIT.md; Explainer.md for names.
 */
#ifndef WITC_WIT_PARSER_H
#define WITC_WIT_PARSER_H

#include "base.h"
#include "wasm.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

#define WIT_NONE UINT32_MAX

/* ---- Versions and names ----------------------------------------------------------------------------- */

/* A semantic version as written; present only if text.len > 0. */
struct wit_version {
    str text; /* "0.2.1-rc+b" */
    u64 major, minor, patch;
    str pre, build; /* without '-' and '+' */
};
/* Reads one (semver.org, 2.0.0). False if it is none, with no message; *out looks into `text`, which must outlive it. */
bool wit_version_parse(str text, struct wit_version *out);
int wit_version_compare(const struct wit_version *a,
                        const struct wit_version *b); /* semver precedence */
/* Semver track ("0.2", "1"; all but the build of a pre-release or 0.0.x): equal tracks are compatible. */
str wit_version_track(struct arena *a, const struct wit_version *v);

struct wit_package_name {
    str ns, name;
    struct wit_version version;
};
/* "ns:name@version" and "ns:name/item@version". */
str wit_package_id(struct arena *a, const struct wit_package_name *p);
str wit_item_id(struct arena *a, const struct wit_package_name *p, str item);
/* "ns:name/item@0.2.1" with the version cut to its track (Explainer.md, canonicalized interface names); other names as they are. */
str wit_canonical_id(struct arena *a, str id);

/* @since, @unstable, @deprecated. Items whose gate is closed are not in the graph. */
struct wit_stability {
    enum { WIT_STABILITY_UNKNOWN, WIT_STABLE, WIT_UNSTABLE } kind;
    struct wit_version since;
    str feature;
    struct wit_version deprecated; /* text.len == 0: not deprecated */
};

/* ---- Types -------------------------------------------------------------------------------------------- */

enum wit_kind {
    /* Primitives: have no entry in `types`. */
    WIT_BOOL,
    WIT_U8,
    WIT_U16,
    WIT_U32,
    WIT_U64,
    WIT_S8,
    WIT_S16,
    WIT_S32,
    WIT_S64,
    WIT_F32,
    WIT_F64,
    WIT_CHAR,
    WIT_STRING,
    WIT_ERROR_CONTEXT,
    /* Defined types. */
    WIT_RECORD,
    WIT_RESOURCE,
    WIT_OWN,    /* the handle `r` or own<r> */
    WIT_BORROW, /* borrow<r> */
    WIT_FLAGS,
    WIT_TUPLE,
    WIT_VARIANT,
    WIT_ENUM,
    WIT_OPTION,
    WIT_RESULT,
    WIT_LIST,
    WIT_MAP,
    WIT_FIXED_LIST,
    WIT_FUTURE,
    WIT_STREAM,
    WIT_ALIAS, /* type a = b, and what `use` brings in */
    WIT_ID,    /* only in struct wit_type: a reference into `types` */
};
const char *wit_prim_name(enum wit_kind k); /* "u8"; NULL if not a primitive */

/* A use of a type: a primitive, or WIT_ID and an index into `types`. Absent: index WIT_NONE, kind WIT_ID. */
struct wit_type {
    enum wit_kind kind;
    u32 id;
};
static inline bool wit_type_present(struct wit_type t)
{
    return t.kind != WIT_ID || t.id != WIT_NONE;
}
#define WIT_NO_TYPE ((struct wit_type){WIT_ID, WIT_NONE})

/* A record field, variant case, flag, enum case or parameter. */
struct wit_field {
    str name; /* without '%' */
    str docs;
    struct wit_type type; /* WIT_NO_TYPE: case without payload, flag, enum case */
    span at;
};
enum wit_owner_kind { WIT_OWNER_NONE, WIT_OWNER_INTERFACE, WIT_OWNER_WORLD };
struct wit_owner {
    enum wit_owner_kind kind;
    u32 index;
};
/* A defined type. */
struct wit_typedef {
    enum wit_kind kind; /* WIT_RECORD .. WIT_ALIAS */
    str name;           /* empty for anonymous types */
    struct wit_owner owner;
    const struct wit_field *fields; /* RECORD, FLAGS, VARIANT, ENUM; TUPLE (no names) */
    u32 field_count;
    struct wit_type
        first; /* OPTION, LIST, FIXED_LIST, FUTURE, STREAM, ALIAS, RESULT ok, MAP key, OWN, BORROW */
    struct wit_type second; /* RESULT error, MAP value */
    u64 length;             /* FIXED_LIST */
    struct wit_stability stability;
    str docs;
    str external_id; /* ptr NULL: none */
    span at;
};

/* ---- Functions, interfaces, worlds, packages ------------------------------------------------------------ */

enum wit_func_kind { WIT_FREE, WIT_METHOD, WIT_STATIC, WIT_CONSTRUCTOR };
enum wit_accessor { WIT_NO_ACCESSOR, WIT_GETTER, WIT_SETTER };
struct wit_func {
    str name; /* as in the component model: "f", "[method]r.f", "[constructor]r", "[method][get]r.p" */
    enum wit_func_kind kind;
    enum wit_accessor accessor;
    bool is_async;
    u32 resource;                   /* METHOD, STATIC, CONSTRUCTOR: type index */
    const struct wit_field *params; /* `self` included */
    u32 param_count;
    struct wit_type result; /* WIT_NO_TYPE: none */
    struct wit_stability stability;
    str docs;
    str external_id;
    span at;
};
struct wit_named_type {
    str name;
    u32 type;
};
struct wit_interface {
    str name; /* empty: inline in a world */
    u32 package;
    VEC(struct wit_named_type) types; /* declaration order */
    VEC(struct wit_func) funcs;
    struct wit_stability stability;
    str docs;
    u32 clone_of; /* the interface that this one was copied from for nominal identity, or WIT_NONE */
    span at;
};

enum wit_item_kind { WIT_ITEM_INTERFACE, WIT_ITEM_FUNC, WIT_ITEM_TYPE };
/* One import or export of a world. */
struct wit_world_item {
    enum wit_item_kind kind;
    /* Key: an interface by id (has_key_name false), or a plain name. A plain name with an interface that has
     * a name of its own is `import name: ns:pkg/iface` (implements). */
    bool has_key_name;
    str name;
    u32 interface;        /* INTERFACE */
    u32 type;             /* TYPE */
    struct wit_func func; /* FUNC */
    struct wit_stability stability;
    str docs;
    str external_id;
    span at;
};
typedef VEC(struct wit_world_item) wit_world_items;
struct wit_world {
    str name;
    u32 package;
    wit_world_items imports, exports;
    struct wit_stability stability;
    str docs;
    span at;
};
struct wit_package {
    struct wit_package_name name;
    str docs;
    bool built_in;                         /* from inside witc, not from a file */
    VEC(struct wit_named_type) interfaces; /* `type` is an interface index */
    VEC(struct wit_named_type) worlds;     /* `type` is a world index */
    span at;
};

struct wit_resolve {
    struct arena *arena;
    struct diags *diags;
    struct wit_features {
        const str *names;
        u32 count;
        bool all;
    } features;               /* of @unstable */
    const char *world_option; /* what help names where a world must be chosen; NULL: "world" */
    bool canonical_names;     /* encode interfaces by canonical names with version suffixes */
    VEC(struct wit_package) packages;
    VEC(struct wit_interface) interfaces;
    VEC(struct wit_world) worlds;
    VEC(struct wit_typedef) types;
    struct wit_facts *facts; /* private to layout.c: what it has computed of types so far */
    struct wit_index *index; /* private to the resolver: names to indices, made at first need */
};

/* ---- Resolving -------------------------------------------------------------------------------------------- */

/* An empty graph. All that comes into it is of `a`, which must outlive it, as must `d` and its sources. */
void wit_resolve_init(struct wit_resolve *r, struct arena *a, struct diags *d);

/* Adds what `path` holds: a .wit file, a directory (a package, with deps/), a WIT package as .wasm or .wat, or a
 * component or core module that carries WIT. Reports all independent errors. *package is the main package. */
WITC_NODISCARD bool wit_push_path(struct wit_resolve *r, const char *path, u32 *package);
/* The same for one text. `source` is in r->diags->sources. */
WITC_NODISCARD bool wit_push_source(struct wit_resolve *r, u32 source, u32 *package);

/* The world that `name` means ("w", "ns:pkg/w@1.0.0"; empty: the only one of `package`). Reports candidates. */
WITC_NODISCARD bool wit_select_world(struct wit_resolve *r, u32 package, str name, u32 *world);

/* Finds by name; WIT_NONE if absent. */
u32 wit_find_package(struct wit_resolve *r, const struct wit_package_name *name);
u32 wit_find_interface(const struct wit_resolve *r, u32 package, str name);
/* "ns:pkg/iface@ver" of an interface with a package, or its plain name. */
str wit_interface_id(const struct wit_resolve *r, struct arena *a, u32 interface);
/* The name that a world item has in a component: interface id or plain name. */
str wit_item_name(const struct wit_resolve *r, struct arena *a, const struct wit_world_item *item);
/* Follows aliases: the type that is not WIT_ALIAS (or a primitive). */
struct wit_type wit_unalias(const struct wit_resolve *r, struct wit_type t);

/* Gives interfaces that a world both imports and exports separate copies for the export side, so that their types
 * have separate identities (as generators and the encoder need). */
void wit_split_identities(struct wit_resolve *r, u32 world);

/* ---- Changing and comparing worlds ------------------------------------------------------------------------- */

/* Exports become imports, as for a world that uses such a component; imports that are no types are dropped. The world is
 * then called `name`, which must be a free name in its package and must stay with `r`, or without one (ptr NULL) as before with
 * "-importized". Reports a name that cannot be had, and an export that has the name of an imported type; `r` is good for no
 * more then. */
WITC_NODISCARD bool wit_importize(struct wit_resolve *r, u32 world, str name);
/* Imports become exports (of `n` names `only` those, full or of the interface alone; 0: all), exports are dropped;
 * "-exportized". Also reports names that no import has. */
WITC_NODISCARD bool wit_exportize(struct wit_resolve *r, u32 world, str name, const str *only,
                                  u32 n);
/* Imports of one interface in versions of one semver track become one import, of the highest version; what used the
 * others uses that. Labelled imports stay. Reports where the higher version lacks or changes something: with `whole`
 * anything, else a type that the world uses. */
WITC_NODISCARD bool wit_merge_semver(struct wit_resolve *r, u32 world, bool whole);
/* Can a component of world `prev` run where `next` is expected? Versions of packages are not looked at. Reports each
 * item that forbids it. */
WITC_NODISCARD bool wit_semver_check(struct wit_resolve *r, u32 prev, u32 next);

/* ---- Canonical ABI facts of types (CanonicalABI.md, "Alignment", "Element Size", "Flattening") ------------ */

/* The i-th type that `t` is made of, a handle's resource included; false past the last one. */
bool wit_type_part(const struct wit_typedef *t, u32 i, struct wit_type *part);

struct wit_layout {
    u32 size, align; /* bytes in a 32-bit memory */
};
struct wit_layout wit_layout_of(const struct wit_resolve *r, struct wit_type t);
/* Byte offset of the payload of a VARIANT, OPTION or RESULT, and the size of its discriminant (1, 2, 4). */
u32 wit_payload_offset(const struct wit_resolve *r, struct wit_type t);
u32 wit_discriminant_size(u32 cases); /* of so many cases (CanonicalABI.md, "Alignment") */
/* Appends the flat core types (WASM_I32 ..); false when more than `max` are needed. */
bool wit_flatten(const struct wit_resolve *r, struct wit_type t, wasm_valtype *out, u32 max,
                 u32 *n);
#define WIT_MAX_FLAT_PARAMS       16
#define WIT_MAX_FLAT_ASYNC_PARAMS 4
#define WIT_MAX_FLAT_RESULTS      1
/* Core signature of a function (CanonicalABI.md, "Flattening"). LIFT_ASYNC: with a callback, the result is an i32. */
enum wit_abi {
    WIT_ABI_LOWER,
    WIT_ABI_LOWER_ASYNC,
    WIT_ABI_LIFT,
    WIT_ABI_LIFT_ASYNC,
    WIT_ABI_LIFT_ASYNC_STACKFUL
};
struct wit_core_sig {
    wasm_valtype params[WIT_MAX_FLAT_PARAMS + 1];
    wasm_valtype results[1];
    u32 param_count, result_count;
    bool indirect_params; /* the parameters go through memory */
    bool
        ret_pointer; /* lower: last parameter points at the result area; lift: the result is a pointer */
};
void wit_core_signature(const struct wit_resolve *r, const struct wit_func *f, enum wit_abi abi,
                        struct wit_core_sig *out);
/* The streams and futures that a signature mentions, in the order of the `[stream-new-N]f` names:
 * parameters then result, inner before outer. Type indices. */
u32 wit_payload_types(const struct wit_resolve *r, struct arena *a, const struct wit_func *f,
                      u32 **out);

/* ---- Types in a component that is being built ---------------------------------------------------------- */

/* What a scope does with the types that it meets. */
struct wit_scope_ops {
    /* Adds an unnamed definition and gives its index. */
    u32 (*define)(void *ctx, struct cm_type def);
    /* Where a named type comes from if it is not defined here: *found and its *index. */
    bool (*find)(void *ctx, u32 type, bool *found, u32 *index);
    /* Names what was just defined (`bound`, or a new resource): gives the index under the name. */
    u32 (*name)(void *ctx, u32 type, struct cm_externtype bound);
};
/* Which WIT types stand where in one type index space. */
struct wit_scope {
    const struct wit_resolve *r;
    struct arena *arena; /* of what it makes; at first that of `r` */
    const struct wit_scope_ops *ops;
    void *ctx;
    u32 *index, *mark; /* by type; valid where mark == epoch */
    u32 epoch, size;
    struct map funcs; /* function types by signature */
};
/* For the types that `r` has now; `r`, `ops` and `ctx` must outlive the scope. */
void wit_scope_init(struct wit_scope *s, const struct wit_resolve *r,
                    const struct wit_scope_ops *ops, void *ctx);
void wit_scope_reset(struct wit_scope *s); /* forgets all types */
/* Where a type stands; false if it does not yet. */
bool wit_scope_get(const struct wit_scope *s, u32 type, u32 *index);
void wit_scope_set(struct wit_scope *s, u32 type, u32 index);
/* Makes a type, or a function type, stand in the scope after all it is made of. `out` may be NULL. */
WITC_NODISCARD bool wit_scope_type(struct wit_scope *s, struct wit_type t, struct cm_valtype *out);
WITC_NODISCARD bool wit_scope_func(struct wit_scope *s, const struct wit_func *f, u32 *index);

/* An interface as an instance type, whole or in part. */
struct wit_instance_options {
    void *ctx;
    bool (*outer)(void *ctx, u32 type, u32 *index); /* of a type of another interface */
    bool (*wants_type)(void *ctx, u32 type);        /* NULL: all */
    bool (*wants_func)(void *ctx, u32 interface, u32 func);
};
/* `scratch` is reset, and may be used again. */
WITC_NODISCARD bool wit_instance_type(struct wit_scope *scratch, u32 interface,
                                      const struct wit_instance_options *options,
                                      struct cm_type *out);
/* Functions in the order of the encoding: those of resources first, in the order of the resources, as they
 * stand in WIT text. Indices into the interface's functions. */
u32 *wit_func_order(const struct wit_resolve *r, u32 interface);
/* A component-level name; absent attributes have ptr NULL. */
struct cm_name wit_extern_name(str name, str implements, str external_id);
/* Cuts the version in the id of an interface to its track; what is cut off becomes the name's version suffix. */
void wit_canonical_extern_name(struct arena *a, struct cm_name *name);

/* ---- Printing, encoding, decoding -------------------------------------------------------------------------- */

/* Text goes behind what `out` holds, which owns it. Printing cannot fail, and takes only what was resolved without errors. */
struct wit_print_options {
    bool no_docs;
    bool nested; /* every other package follows as `package a:b { }` */
};
/* Prints a package as WIT text. */
void wit_print_package(struct buf *out, const struct wit_resolve *r, u32 package,
                       const struct wit_print_options *options);

/* A table of the imports and exports of a package's worlds, a line each. */
void wit_print_list(struct buf *out, const struct wit_resolve *r, u32 package);
/* A function's type as in WIT: "async func(x: u32) -> string". */
void wit_print_signature(struct buf *out, const struct wit_resolve *r, const struct wit_func *f);
/* A type as in WIT: "option<u32>". */
void wit_print_type(struct buf *out, const struct wit_resolve *r, struct wit_type t);

/* Encodes a package as a component (wasm-tools `component wit --wasm`). Reports types that have no binary form, and what
 * would be larger than validators take; what `out` holds is of no use then. */
WITC_NODISCARD bool wit_encode_package(struct wit_resolve *r, u32 package, struct buf *out);
/* Encodes a world as the contents of a `component-type` custom section (format 0x04). */
WITC_NODISCARD bool wit_encode_world(struct wit_resolve *r, u32 world, enum cm_encoding encoding,
                                     struct buf *out);

/* Decodes a WIT package, a component (as package root:component, world root) or the `component-type*` sections of a core
 * module (merged into one world) into r. *world is WIT_NONE for a package. */
WITC_NODISCARD bool wit_decode(struct wit_resolve *r, const struct wasm_binary *binary,
                               u32 *package, u32 *world);
/* Decodes one component-type section. */
WITC_NODISCARD bool wit_decode_world(struct wit_resolve *r, u32 source, str section, u32 base,
                                     u32 *world, enum cm_encoding *encoding);
/* Adds the empty world `root:root/root`, which the worlds of several sections are merged into. */
u32 wit_add_root_world(struct wit_resolve *r);
/* Adds all imports and exports of world `from` to world `into`, comparing types for real. */
WITC_NODISCARD bool wit_merge_worlds(struct wit_resolve *r, u32 from, u32 into);

/* The resolved graph as JSON, as wasm-tools prints it. */
void wit_print_json(struct buf *out, const struct wit_resolve *r);

/* Formats one source text, comments kept. Reports mistakes of its shape; nothing is written then. */
WITC_NODISCARD bool wit_format(struct arena *a, u32 source, struct diags *d, struct buf *out);

/* ---- Documents that change ---------------------------------------------------------------------------------- */

/* Documents in memory, as an editor holds them. After a change only that document is parsed again, and of it
 * only what the change touches. Documents of one directory are one package. The workspace owns its memory. */
struct wit_workspace;
struct wit_workspace *wit_workspace_new(void);
void wit_workspace_free(struct wit_workspace *w); /* NULL is fine */
/* Adds a document, or replaces the one of that path. Gives its number. */
u32 wit_workspace_open(struct wit_workspace *w, str path, str text);
/* Replaces bytes [start, end) of a document. False if they are not in it. */
WITC_NODISCARD bool wit_workspace_edit(struct wit_workspace *w, u32 document, u32 start, u32 end,
                                       str text);
str wit_workspace_text(const struct wit_workspace *w, u32 document);
/* Resolves all packages into `r`, which is new and has sources without entries; *package is that of `document`. Places
 * are in sources numbered as the documents, from 1. The result looks into the documents: it is valid
 * until the next change. */
WITC_NODISCARD bool wit_workspace_resolve(struct wit_workspace *w, struct wit_resolve *r,
                                          u32 document, u32 *package);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
