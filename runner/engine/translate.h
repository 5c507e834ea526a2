/* translate.h - what the files of the translator share.
 *
 * The translator reads a valid body once and keeps the operand stack as descriptions: a value is in its home slot, is a local that
 * was not read yet, or a constant. Instructions take their operands where they are; `local.get` and constants emit
 * nothing. Whoever writes a local first saves the unread reads of it; whoever opens a block saves all of
 * them.
 */
#ifndef WITC_ENGINE_TRANSLATE_H
#define WITC_ENGINE_TRANSLATE_H

#include "rules.h"

#define NOWHERE UINT32_MAX

enum value_kind { VALUE_TEMP, VALUE_LOCAL, VALUE_CONST };
/* An entry of the operand stack. Types are letters: i I f F v, and r for references. */
struct value {
    u8 kind;
    char type;
    bool in_chain; /* of the local's reads */
    u32 home;      /* slot */
    u32 local;     /* VALUE_LOCAL, in_chain: index */
    u32 below;     /* in_chain: the next of the chain, index + 1 */
    u64 bits;      /* VALUE_CONST */
};

/* A popped operand: form s, c or a. */
struct operand {
    char form, type;
    u32 slot; /* s, and where the value also is of a */
    u32 home;
    u64 bits; /* c */
    bool temp;
};

/* A forward branch that waits for its target. */
struct fixup {
    u32 cell; /* whose imm takes the distance ... */
    u32 from; /* ... from this one */
    u32 next; /* index + 1 */
};

enum control_kind { CONTROL_BLOCK, CONTROL_LOOP, CONTROL_IF, CONTROL_TRY };
struct control {
    u8 kind;
    u32 height; /* operands below the parameters */
    u32 base;   /* slot of the first parameter or result */
    const wasm_valtype *params, *results;
    u32 param_count, result_count;
    u32 fixups; /* of branches to the end */
    u32 loop;   /* cell of a loop's start */
    u32 else_fixups;
    u32 try_index;
};

/* What an accumulator is known to hold. */
struct accumulator {
    u32 slot;     /* the value of this slot; NOWHERE: nothing known */
    u32 producer; /* cell of the instruction that stored it there, NOWHERE: none */
    u32 handler;  /* its handler, of form _r */
};

/* The instruction that was emitted last, while no label has come after it. */
struct emitted {
    u32 cell;        /* NOWHERE: none */
    u32 dest;        /* slot written, NOWHERE: not to be changed */
    enum wasm_op op; /* OP_COUNT: not one to fuse */
    u32 form;
    struct word word;
    u64 extra;
    struct accumulator before[3];
};

/* `local = local + constant`, emitted just before cell `end`. */
struct counted {
    u32 cell, end; /* end NOWHERE: none */
    u32 slot;
    i32 step;
    bool is_64;
};

struct translator {
    struct arena *arena; /* scratch */
    struct engine_code *code;
    struct engine_module *em;
    const struct wasm_module *m;
    const struct wasm_functype *type;
    struct wasm_cursor in;
    VEC(union cell) cells;
    VEC(struct value) values;
    VEC(struct control) controls;
    VEC(u32) waiting; /* of br_table, zeros in between */
    VEC(struct fixup) fixups;
    VEC(struct try_range) tries;
    u32 open_try; /* the innermost, index + 1 */
    VEC(struct catch_clause) catches;
    char *local_types;
    u32 *local_slots, *local_unread; /* how many values are unread reads of it */
    u32 *local_reads; /* chain of all of these, and some that were saved: the topmost, index + 1 */
    u64 looked;       /* values that translate_save_local looked at */
    u32 unread_from;  /* values below are no unread reads */
    u32 top, max_top;
    struct accumulator acc[3]; /* integer, f32, f64 */
    struct emitted last;
    struct counted counted;
    bool dead;
    u32 dead_depth;
    bool too_large;
    u32 probe, probe_offset; /* engine_offset_of */
    u32 op_offset;
};

/* ---- translate_emit.c: cells, values, accumulators ---------------------------------------------------- */

char translate_letter(wasm_valtype t);
static inline u32 translate_slots(char type)
{
    return type == 'v' ? 2 : 1;
}
u32 translate_emit(struct translator *tr, enum handler h, struct word w);
void translate_extra(struct translator *tr, u64 bits);
/* Emits an instruction of form _r whose result goes to the accumulator of `type` and to the home of a new value. */
void translate_emit_value(struct translator *tr, enum handler h, struct word w, char type);
/* The same for results that no accumulator takes. */
void translate_emit_plain(struct translator *tr, enum handler h, struct word w, char type);
void translate_wrote(struct translator *tr, u32 slot, u32 n);
/* Takes the last instruction back. */
void translate_undo(struct translator *tr);
void translate_forget(struct translator *tr); /* accumulators and the last instruction: a label */

struct value *translate_push(struct translator *tr, enum value_kind kind, char type);
void translate_push_local(struct translator *tr, u32 local);
void translate_push_const(struct translator *tr, char type, u64 bits);
struct operand translate_pop(struct translator *tr);
struct operand translate_pop_slot(struct translator *tr); /* form s */
void translate_to_slot(struct translator *tr, struct operand *o);
void translate_drop_to(struct translator *tr, u32 height);
/* The operand is used in form a: who made it need not store it. */
void translate_use_acc(struct translator *tr, const struct operand *o);
void translate_save(struct translator *tr, u32 index);     /* into its home slot */
void translate_save_top(struct translator *tr, u32 count); /* the topmost */
void translate_save_unread(struct translator *tr);         /* all reads of locals */
void translate_save_local(struct translator *tr, u32 local);
void translate_copy(struct translator *tr, u32 to, u32 from, char type);
void translate_const(struct translator *tr, u32 to, u64 bits);

u32 translate_fixup(struct translator *tr, u32 cell, u32 from, u32 next);
void translate_bind(struct translator *tr, u32 fixups); /* here is the target */

/* ---- translate_number.c: instructions with rules ------------------------------------------------------- */

/* The last instruction, if it made the topmost value and nothing came between; else OP_COUNT. */
enum wasm_op translate_made_by(const struct translator *tr, const struct value *v);
void translate_number(struct translator *tr, enum wasm_op op, const struct rule *rule);
void translate_memory(struct translator *tr, enum wasm_op op, const struct rule *rule);
void translate_vector(struct translator *tr, enum wasm_op op, const struct rule *rule);
struct memarg {
    u32 memory;
    u64 offset;
};
struct memarg translate_memarg(struct translator *tr);
/* The checked host address of an access goes to acc. */
void translate_address(struct translator *tr, struct memarg m, struct operand address, u32 size,
                       bool atomic);
bool translate_atomic(struct translator *tr, enum wasm_op op);

/* A condition that was popped: a fused comparison, or a value that is or is not zero. */
struct condition {
    enum wasm_op op; /* OP_COUNT: not a comparison */
    u32 form;
    struct word word;
    u64 extra;
    bool zero; /* true if the value is zero */
    struct operand value;
};
struct condition translate_condition(struct translator *tr);
/* Emits a branch taken if the condition is `when`. The target is a loop's start, or gives the fixup. */
u32 translate_branch_if(struct translator *tr, struct condition *c, bool when, u32 loop);

/* ---- translate_control.c ------------------------------------------------------------------------------- */

bool translate_control(struct translator *tr, enum wasm_op op); /* false: not one of them */
void translate_dead(struct translator *tr, enum wasm_op op);
void translate_body(struct translator *tr);
enum wasm_op translate_read_op(struct translator *tr);

/* ---- translate_other.c: variables, references, calls out of line -------------------------------------- */

bool translate_other(struct translator *tr, enum wasm_op op);
/* An instruction out of line: takes `in` operands, pushes results. */
void translate_out(struct translator *tr, engine_out *fn, u32 in, const char *results, u32 x,
                   u64 y);

#endif
