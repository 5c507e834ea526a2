/* ast.h - the syntax tree of WIT: what the text says, with places, before names mean anything. Private to
 * this folder. Everything lives in the arena that it was read with; offsets are bytes of the source.
 */
#ifndef WITC_WIT_AST_H
#define WITC_WIT_AST_H

#include "wit-parser.h"

#define WIT_MAX_TYPE_DEPTH    100
#define WIT_MAX_PACKAGE_DEPTH 100

struct ast_id {
    str name; /* without '%' */
    u32 start, end;
};

/* @since, @unstable, @deprecated and @external-id of one item. */
struct ast_gates {
    struct wit_stability stability;
    str external_id; /* ptr NULL: none */
    struct ast_id external_word;
};

/* There are many of these: the name of a reference and the parts of a structure share their place. */
struct ast_type {
    u8 kind;        /* enum wit_kind; WIT_ID: a name */
    u32 start, end; /* its first word; of a handle the resource's name */
    u32 count;      /* parts: RESULT and MAP 2; TUPLE any; others 0 or 1 */
    union {
        const struct ast_type *const *items; /* NULL: `_`, or left out */
        const char *name;                    /* WIT_ID, WIT_OWN, WIT_BORROW: `size` bytes */
    } of;
    u32 size; /* ... or of a FIXED_LIST the length */
};
static inline bool ast_type_is_name(const struct ast_type *t)
{
    return t->kind == WIT_ID || t->kind == WIT_OWN || t->kind == WIT_BORROW;
}
static inline str ast_type_name(const struct ast_type *t)
{
    return str_of(t->of.name, t->size);
}
/* A field, case, flag or parameter. */
struct ast_field {
    struct ast_id name;
    str docs;
    const struct ast_type *type;
};
struct ast_func {
    enum wit_accessor accessor;
    bool is_async, is_static, is_constructor;
    struct ast_id word; /* `func`, `get`, `set` or `constructor` */
    const struct ast_field *params;
    u32 param_count;
    const struct ast_type *result;
};
struct ast_member;
struct ast_typedef {
    enum wit_kind kind; /* ALIAS, RECORD, FLAGS, VARIANT, ENUM, RESOURCE */
    const struct ast_type *target;
    const struct ast_field *fields;
    u32 field_count;
    const struct ast_member *funcs; /* RESOURCE */
    u32 func_count;
};
struct ast_package_name {
    struct wit_package_name name;
    u32 start, end; /* namespace to version; in a path: to the package's name */
};
/* `name` or `ns:pkg/name@version`. */
struct ast_path {
    bool qualified;
    struct ast_package_name package;
    struct ast_id name;
};
/* `name as alias`. */
struct ast_rename {
    struct ast_id name, alias; /* alias.name.ptr NULL: none */
};

enum ast_member_kind { AST_FUNC, AST_TYPEDEF, AST_USE, AST_IMPORT, AST_EXPORT, AST_INCLUDE };
/* An item of an interface, a world or a resource. */
struct ast_member {
    enum ast_member_kind kind;
    struct ast_id name; /* ptr NULL: an import, export, use or include without */
    str docs;
    const struct ast_gates *gates; /* NULL: none */
    const struct ast_func *func;
    const struct ast_typedef *type;
    const struct ast_path *path;
    const struct ast_rename *names; /* USE, INCLUDE */
    u32 name_count;
    bool has_body; /* IMPORT, EXPORT of an inline interface */
    const struct ast_member *body;
    u32 body_count;
};

enum ast_item_kind { AST_INTERFACE, AST_WORLD, AST_TOPLEVEL_USE, AST_PACKAGE };
struct ast_item {
    enum ast_item_kind kind;
    struct ast_id word; /* the keyword */
    struct ast_id name; /* TOPLEVEL_USE: the alias, or ptr NULL */
    str docs;
    const struct ast_gates *gates;
    const struct ast_member *members; /* INTERFACE, WORLD */
    u32 member_count;
    const struct ast_path *path;    /* TOPLEVEL_USE */
    const struct ast_decls *nested; /* PACKAGE */
};
/* The contents of a file, or of `package a:b { }`. */
struct ast_decls {
    u32 source;
    bool has_package;
    struct ast_package_name package;
    struct ast_id docs_at; /* of the docs before `package` */
    str docs;
    const struct ast_item *items;
    u32 item_count;
    u32 depth;
};

/* ---- Reading ---------------------------------------------------------------------------------------- */

/* A place in a copy, and the place in the text that it stands for: what follows it is the same in both. */
struct wit_gap {
    u32 copy, source;
};
struct wit_comment {
    u32 start, end;
};
/* A text as it is parsed. */
struct wit_text {
    str source;
    str compact; /* without comments and superfluous blanks */
    VEC(struct wit_gap) gaps;
    VEC(u32) cuts; /* in the copy, between items of the file: a part is parsed for itself */
    VEC(struct wit_comment) comments;
    bool crowded; /* an item has more comments than a tree of tree-sitter may have */
};
/* Refuses characters and nesting that must not be. `a` takes what is found. */
WITC_NODISCARD bool wit_scan_text(struct arena *a, struct diags *d, u32 source, str text,
                                  struct wit_text *out);
/* The end of a comment or text literal that starts here, or `at`. */
u32 wit_skip_opaque(str text, u32 at);

/* Reads a source into `a`; texts that are not in the source (docs, literals) go into `keep`. Reports all that is
 * wrong with its shape; what can be read nevertheless is in *out (it is always usable). `skipped` takes the
 * words of the parts that could not be read: a name among them may well be defined there; and where they were. */
struct wit_skipped {
    struct arena *arena;
    struct map words;
    VEC(span) places;
};
struct wit_pool;
bool wit_read_ast(struct wit_pool *pool, struct arena *a, struct arena *keep, struct diags *d,
                  u32 source, struct wit_skipped *skipped, struct ast_decls *out);

struct reader;
/* Is shown the tree of each part of a text without faults, in their order: the reader's cursor is at its root. */
struct wit_visitor {
    void (*part)(void *context, struct reader *r, bool last);
    void *context;
};
/* The same, with a visitor; all goes into `a`. */
bool wit_visit_ast(struct wit_pool *pool, struct arena *a, struct diags *d, u32 source,
                   struct wit_skipped *skipped, const struct wit_visitor *visitor,
                   struct ast_decls *out);

struct TSTree;
struct TSParser;
/* The same from a tree without faults that the caller keeps. All goes into `a`. */
bool wit_read_tree(struct wit_pool *pool, struct arena *a, struct diags *d, u32 source,
                   struct TSTree *tree, struct wit_skipped *skipped, struct ast_decls *out);
/* The second pass, over a source that tree-sitter found faulty, with its comments blanked: reports each error at the
 * token where parsing stops, blanks the item around it in a copy of the text, and goes on. The result is the
 * tree of what is left, NULL if nothing is to be had; its offsets are those of the source. */
struct TSTree *wit_report_syntax(struct arena *a, struct diags *d, u32 source,
                                 struct wit_skipped *skipped, struct TSParser *parser, str *text);

/* ---- Words (names.c) -------------------------------------------------------------------------------- */

/* Semver precedence, then that of the builds: none before any. */
const char *wit_version_fault(str version); /* of one that is none */
int wit_version_order(const struct wit_version *a, const struct wit_version *b);
bool wit_is_reserved(str word);
/* Where a reserved word stands for a name. */
void wit_help_reserved(struct diags *d, struct diag *x, str word);
enum wit_kind wit_prim_of(str name); /* of a primitive type's name */
/* Is it a label in kebab case? Says what is wrong, else NULL. */
const char *wit_check_label(str name);
/* The first sign, arrow, emoji or byte order mark in a word: no word of any language has one. */
struct wit_sign {
    u32 at, length, c;
};
bool wit_find_sign(str word, struct wit_sign *out);
struct diag *wit_report_sign(struct diags *d, span at, u32 c);
/* The key by which names are compared: strongly-unique names are equal under it (Explainer.md, "Name
 * Uniqueness"). */
str wit_canonical_name(struct arena *a, str name);
bool wit_same_label(str a, str b); /* ... of two labels */
/* A text literal's contents; *bad is the offset of what is wrong, *why says it. */
bool wit_unquote(struct arena *a, str literal, str *out, size_t *bad, const char **why);
/* Text of the comments before an item. */
str wit_docs_text(struct arena *a, const str *comments, u32 n);

#endif
