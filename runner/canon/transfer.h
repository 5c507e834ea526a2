/* transfer.h - lifting and lowering (lift.c, lower.c, strings.c, transfer.c): values of hosts, and values on their way from one guest to another. */
#ifndef WITC_CANON_TRANSFER_H
#define WITC_CANON_TRANSFER_H

#include "canon_internal.h"

struct cx {
    struct canon_store *store;
    const struct options *opts;
    struct component_instance *inst;
    struct subtask *lender;          /* lifting borrows */
    struct task *borrow_scope;       /* lowering borrows */
    struct arena *arena;             /* lifted values */
    bool for_guest;                  /* takes the values at once */
    bool host_values;                /* lowering what a host made: its string hints do not count */
    bool is_show;                    /* lifting to show what was lifted: no effects, no traps ... */
    const struct canon_value *shown; /* ... the next of the handles that were taken */
    u64 budget;                      /* values to come */
    u64 bytes;                       /* of lists and strings until now */
    u8 *mem;                         /* cached view of the memory */
    u64 size;
    u8 *cells; /* lowering: flat values, zero before */
};
#define SHOWN_VALUES 100000
static inline void cx_refresh(struct cx *cx)
{
    cx->mem = cx->opts->memory ? engine_memory_data(cx->opts->memory) : NULL;
    cx->size = cx->opts->memory ? engine_memory_size(cx->opts->memory) : 0;
}
/* In place, as canon_transfer_begin: a copy of what was just written costs more than all else in a small call. */
static inline void canon_cx_begin(struct cx *cx, struct canon_store *s, const struct options *o,
                                  struct component_instance *i)
{
    cx->store = s;
    cx->opts = o;
    cx->inst = i;
    cx->lender = NULL;
    cx->borrow_scope = NULL;
    cx->arena = NULL;
    cx->for_guest = cx->host_values = cx->is_show = false;
    cx->shown = NULL;
    cx->budget = s->config.max_values;
    cx->bytes = 0;
    cx_refresh(cx);
    cx->cells = NULL;
}
static inline struct cx canon_cx(struct canon_store *s, const struct options *o,
                                 struct component_instance *i)
{
    struct cx cx;
    canon_cx_begin(&cx, s, o, i);
    return cx;
}

/* What lifting checks; false after a trap. */
bool canon_check_range(struct cx *cx, u64 ptr, u64 length, u32 align, const char *what);
bool canon_check_char(struct cx *cx, u32 c);
bool canon_check_case(struct cx *cx, u32 index, const struct canon_type *t);
bool canon_check_list(struct cx *cx, u64 ptr, u64 length, const struct canon_type *t);
bool canon_check_string(struct cx *cx, u64 ptr, u64 tagged);
/* Counts values that the host keeps for this call, or bytes of them. */
bool canon_spend(struct cx *cx, u64 n);
bool canon_spend_bytes(struct cx *cx, u64 n);
/* Counts bytes of lists and strings that lifting passes over. */
bool canon_claim_bytes(struct cx *cx, u64 n);

/* Lifting to values, from a place in the given layout. */
bool canon_lift_value(struct cx *cx, const u8 *at, enum canon_layout l, const struct canon_type *t,
                      struct canon_value *v);
bool canon_lift_values(struct cx *cx, u32 max_flat, const u64 *slots, const struct canon_type *t,
                       struct canon_value *v);
bool canon_load_list_valid(struct cx *cx, u64 ptr, u32 n, const struct canon_type *t,
                           struct canon_value *items);
bool canon_load_string(struct cx *cx, u64 ptr, u64 tagged, struct canon_value *v);
bool canon_lift_handle(struct cx *cx, u32 index, const struct canon_type *t, struct canon_value *v);
/* Where lift_flat_values finds a value: in cells, or where the first one points. NULL after a trap. */
const u8 *canon_lift_from(struct cx *cx, u32 max_flat, const u64 *slots, const struct canon_type *t,
                          enum canon_layout *l);
/* An address (i 0) or a length (1). */
static inline u64 canon_load_word(const u8 *at, enum canon_layout l, u32 i)
{
    u64 wide;
    u32 narrow;
    if (l & 1) {
        memcpy(&wide, at + 8 * i, 8);
        return wide;
    }
    memcpy(&narrow, at + (canon_is_flat(l) ? 8 : 4) * i,
           4); /* the rest of a cell may be of a joined type */
    return narrow;
}
static inline void canon_store_words(u8 *at, enum canon_layout l, u64 ptr, u64 length)
{
    if (l == CANON_MEMORY_32) {
        u32 words[2] = {(u32)ptr, (u32)length};
        memcpy(at, words, 8);
    } else {
        u64 words[2] = {ptr, length};
        memcpy(at, words, 16);
    }
}
/* Moves plain elements, which may overlap, with looks in between; NaNs of f32 or f64 become canonical. */
bool canon_move(struct component_instance *i, void *to, const void *from, u64 bytes,
                enum canon_kind kind);

/* Lowering values, to a place in memory or among the cells of cx. */
bool canon_lower_value(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                       u64 at, enum canon_layout l);
bool canon_store_list_valid(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                            u64 ptr);
bool canon_lower_handle(struct cx *cx, const struct canon_value *v, const struct canon_type *t,
                        u32 *index);
u64 canon_lower_f32(struct canon_store *s, u32 bits);
u64 canon_lower_f64(struct canon_store *s, u64 bits);
/* Where lower_flat_values puts a value: into `slots`, into memory that realloc gives, or where the out-parameter points. */
bool canon_place_params(struct cx *cx, const struct canon_type *t, u64 *slots, u64 *at,
                        enum canon_layout *l);
bool canon_place_result(struct cx *cx, u32 max_flat, const struct canon_type *t,
                        const u64 *out_slot, u64 *slots, u64 *at, enum canon_layout *l);
/* Calls realloc, and checks what it gave for `what`: "string". */
bool canon_reallocate(struct cx *cx, u64 old, u64 old_size, u32 align, u64 size, const char *what,
                      u64 *out);

/* Text as bytes somewhere, which are well-formed. */
struct text {
    const u8 *at, *end;
    u64 units; /* code units of the producer */
    u8 hint;   /* enum canon_string_hint: what the producer has */
    u8 form;   /* UTF8, UTF16 or LATIN1: what stands here */
};
void canon_text_at(const struct cx *cx, u64 ptr, u64 tagged, struct text *t);
struct text canon_text_of(const struct canon_value *v);
/* Uses t up. */
bool canon_store_string(struct cx *cx, struct text *t, u64 *ptr, u64 *units);

/* Values on their way: lifted, but not yet lowered. From guest to guest they stay where they are; else, or if nothing else will do, they
 * are a tree. The scratch arena has to be entered for the time. */
struct transfer {
    struct cx from;
    const struct canon_type *type;
    const struct plan *plan; /* NULL: a tree */
    const u8 *at;
    VEC(struct canon_value) handles; /* taken from the source */
    u32 given;                       /* of them, to the target */
    struct canon_value value;        /* the tree */
};
static inline void canon_transfer_begin(struct transfer *x, struct canon_store *s,
                                        const struct options *o, struct component_instance *i,
                                        const struct canon_type *t)
{
    canon_cx_begin(&x->from, s, o, i);
    x->type = t;
    x->plan = NULL;
    x->at = NULL;
    memset(&x->handles, 0, sizeof x->handles);
    x->given = 0;
    memset(&x->value, 0, sizeof x->value);
}
bool canon_transfer_lift(struct transfer *x, const struct plan *plan, u32 max_flat,
                         const u64 *slots);
bool canon_transfer_lower(struct transfer *x, struct cx *to, u64 at, enum canon_layout l);
/* The values to show, as many as SHOWN_VALUES; NULL if that is not possible. */
const struct canon_value *canon_transfer_show(struct transfer *x);
void canon_make_plans(struct lowered *low);
static inline struct lowered *canon_with_plans(struct lowered *low)
{
    if (!low->has_plans) {
        canon_make_plans(low);
    }
    return low;
}
/* Task.start and the lowering of its arguments into `slots`. */
bool canon_pass_args(struct subtask *sub, struct task *t, u64 *slots);
/* Lifts the result of t for whoever called it; lowers it for the guest that did. */
bool canon_lift_result(struct transfer *x, struct task *t, u32 max_flat, const u64 *slots);
bool canon_lower_result(struct transfer *x, struct subtask *sub);

#endif
