/* print_instr.h - the state of printing one expression. Internal to the printer. */
#ifndef WITC_WASM_PRINT_INSTR_H
#define WITC_WASM_PRINT_INSTR_H

#include "print.h"

/* What stands before the next instruction. */
enum separator { SEP_NEWLINE, SEP_NONE, SEP_NONE_THEN_BLANK, SEP_BLANK };

struct instr_printer {
    struct printer *p;
    const struct print_scope *s;
    struct wasm_cursor c;
    u32 func;
    struct ident_table locals, labels; /* those of the function */
    enum separator separator;
    u32 base;                 /* nesting outside */
    u32 label;                /* number of the next block */
    u32 offset;               /* of the instruction at hand */
    VEC(u32) open;            /* numbers of the open blocks */
    u32 body;                 /* offset of the function body, for branch hints */
    struct wasm_cursor hints; /* of this function */
    u32 hint_count;
    const struct wasm_custom *hint_section; /* of this module, and how far it is read */
    struct wasm_cursor hint_funcs;
    u32 hint_funcs_left;
    const struct wasm_remark *remarks; /* of this function, and how many are left */
    u32 remark_count;
    struct folder *folder; /* of print_fold.c, kept from one function to the next */
};

static inline u32 instr_depth(const struct instr_printer *x)
{
    return x->p->nesting - x->base;
}
/* Prints the instruction whose opcode has been read. */
void wasm_pr_instr(struct instr_printer *x, enum wasm_op op);
/* Whether a branch hint stands at the instruction at hand; then its value and offset. */
bool wasm_pr_hint(struct instr_printer *x, bool *taken, u32 *offset);
/* The remark on the instruction at hand, empty if there is none. */
str wasm_pr_remark(struct instr_printer *x);
/* True if what is left is the `end` of the expression. */
static inline bool instr_at_end(const struct instr_printer *x)
{
    return x->c.end - x->c.at == 1 && *x->c.at == 0x0b;
}
/* print_fold.c: prints the expression folded, up to its end. */
void wasm_pr_folded(struct instr_printer *x, bool is_function, u32 type);

#endif
