/* print.h - what the files of the printer share. Internal to wasm/.
 *
 * The layout is that of `wasm-tools print`: a group that stayed on its line is closed there, one that did
 * not is closed on a line of its own; every index is shown in a comment; names come from the name sections.
 */
#ifndef WITC_WASM_PRINT_H
#define WITC_WASM_PRINT_H

#include "names.h"
#include "wasm.h"

/* ---- Identifiers -------------------------------------------------------------------------------- */

/* Index spaces that have names: those of enum cm_sort (a module uses the SORT_CORE_*), and these. */
enum { SPACE_ELEM = SORT_COUNT, SPACE_DATA, SPACE_COUNT };

enum ident_kind { IDENT_PLAIN, IDENT_QUOTED, IDENT_SYNTHETIC };
struct ident {
    u32 outer, index;
    u32 order; /* place in the name section; later ones win */
    enum ident_kind kind;
    str name;
    const char *group; /* of a synthetic identifier: #groupINDEX */
};
/* Sorted by outer and index, no two alike. */
struct ident_table {
    const struct ident *idents;
    u32 len;
};
/* `unique`: an identifier may stand only once (in its group `outer`). */
struct ident_table wasm_pr_idents(struct arena *a, const struct name_map *map, const char *group,
                                  bool unique);
struct ident wasm_pr_ident(str name, u32 index, const char *group, bool taken);
const struct ident *wasm_pr_find(const struct ident_table *t, u32 outer, u32 index);
static inline bool ident_eq(const struct ident *x, const struct ident *y)
{
    return x->kind == y->kind && x->index == y->index && str_eq(x->name, y->name);
}

/* ---- The printer ---------------------------------------------------------------------------------- */

/* A module, component, or type of one, while it is printed. */
struct print_scope {
    const struct wasm_module *module;
    const struct print_scope *parent;
    bool is_component;
    bool has_name;
    struct ident name;
    struct ident_table idents[SPACE_COUNT];
    struct ident_table locals, labels, fields, params, tag_params; /* by function, type, tag */
    u32 count[SPACE_COUNT];
    VEC(const struct wasm_type *) types; /* core types, NULL where unknown */
    const char *place;                   /* of custom sections, in modules */
    const struct wasm_custom *hints;     /* "metadata.code.branch_hint" */
};

struct printer {
    struct buf *out;
    struct arena *a;
    struct diags *d;
    const struct wasm_print_options *options;
    str indent;
    u32 nesting;
    u32 line;
    VEC(u32) group_lines; /* line where each open group began */
    u32 source;
    bool failed;
    bool (*sink)(void *ctx, str text); /* takes what is done, if set */
    void *sink_ctx;
    struct instr_printer *instr; /* scratch of print_instr.c, reused */
};

/* Names of locals and params in a type use. */
enum param_names { PARAMS_NONE, PARAMS_OF_TYPE, PARAMS_OF_TAG, PARAMS_OF_FUNC };

#define NO_OFFSET UINT32_MAX

static inline void p_bytes(struct printer *p, const char *bytes, size_t n)
{
    struct buf *b = p->out;
    if (b->cap - b->len < n) {
        buf_reserve(b, n);
    }
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
}
static inline void p_str(struct printer *p, str s)
{
    if (s.len) {
        p_bytes(p, s.ptr, s.len);
    }
}
static inline void p_c(struct printer *p, const char *s)
{
    p_bytes(p, s, strlen(s));
}
static inline void p_byte(struct printer *p, char c)
{
    p_bytes(p, &c, 1);
}
void p_u64(struct printer *p, u64 n);
void p_i64(struct printer *p, i64 n);
void p_hex(struct printer *p, u64 n); /* without 0x */

/* print.c */
void p_open(struct printer *p, const char *head); /* "(head" */
void p_close(struct printer *p);
void p_close_at(struct printer *p, u32 offset);
void p_newline(struct printer *p, u32 offset);
void p_string(struct printer *p, str s); /* quoted text */
void p_string_contents(struct printer *p, str s);
void p_data(struct printer *p, str bytes); /* quoted bytes */
void p_ident_use(struct printer *p, const struct ident *i);
/* With `(@name "..")` behind it if it is synthetic. */
void p_ident_def(struct printer *p, const struct ident *i);
/* A use of an index: its identifier, or the number. */
void p_index(struct printer *p, const struct print_scope *s, u32 space, u32 index);
void p_index_in(struct printer *p, const struct ident_table *t, u32 outer, u32 index,
                const char *group);
/* A definition: identifier, if any, and the index as a comment. */
void p_name(struct printer *p, const struct print_scope *s, u32 space, u32 index);
void p_fail(struct printer *p, u32 offset, const char *format, ...) WITC_PRINTF(3, 4);
void wasm_pr_module_scope(struct printer *p, struct print_scope *s, const struct wasm_module *m);

/* print_types.c */
void p_valtype(struct printer *p, const struct print_scope *s, wasm_valtype t);
void p_heaptype(struct printer *p, const struct print_scope *s, wasm_valtype t);
void p_type_use(struct printer *p, const struct print_scope *s, u32 type);
/* `(type N)` and, if it is known to be a function type, its parameters and results; gives their number. */
u32 p_func_type_use(struct printer *p, const struct print_scope *s, u32 type,
                    enum param_names names, u32 owner);
struct local_printer {
    const char *group;
    bool in_group, end_after, not_first;
};
void p_local(struct printer *p, const struct print_scope *s, struct local_printer *l,
             enum param_names names, u32 owner, u32 index, wasm_valtype type);
void p_locals_end(struct printer *p, struct local_printer *l);
/* Prints a recursion group of `n` types and adds them to the scope. */
void p_rec(struct printer *p, struct print_scope *s, const struct wasm_type *types, u32 n,
           bool group, bool core);
void p_limits(struct printer *p, const struct wasm_limits *l);
void p_tabletype(struct printer *p, const struct print_scope *s, const struct wasm_tabletype *t,
                 bool index);
void p_memtype(struct printer *p, const struct print_scope *s, const struct wasm_limits *l,
               bool index);
void p_globaltype(struct printer *p, const struct print_scope *s, const struct wasm_globaltype *g,
                  bool index);
void p_tagtype(struct printer *p, const struct print_scope *s, u32 type, bool index);
/* The description of an import, closed. */
void p_externtype(struct printer *p, const struct print_scope *s, const struct wasm_externtype *t,
                  bool index);
void p_import(struct printer *p, const struct print_scope *s, const struct wasm_import *i,
              bool index);

/* print_instr.c, print_fold.c, print_float.c */
void p_const_expr(struct printer *p, const struct print_scope *s, const struct wasm_expr *e);
/* In parentheses; with the keyword if it is more than one instruction. */
void p_const_expr_group(struct printer *p, const struct print_scope *s, const struct wasm_expr *e,
                        const char *keyword);
/* Locals and instructions of a function; gives the offset of its end. */
u32 p_func_body(struct printer *p, const struct print_scope *s, u32 func, u32 params,
                const struct wasm_code *code);
void p_f32(struct printer *p, u32 bits);
void p_f64(struct printer *p, u64 bits);

/* print_module.c, print_component.c, print_custom.c */
void p_module(struct printer *p, const struct wasm_module *m, const struct print_scope *parent,
              u32 index);
void p_component(struct printer *p, const struct wasm_component *c,
                 const struct print_scope *parent, u32 index);
void p_core_export(struct printer *p, const struct print_scope *s, str name, u32 space, u32 index);
/* Offset of the contents of a custom section, its name included. */
u32 wasm_pr_custom_start(const struct wasm_custom *c);
void p_custom(struct printer *p, const struct print_scope *s, const struct wasm_custom *c,
              u32 offset);

#endif
