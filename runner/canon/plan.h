/* plan.h - values on their way from one guest to another: for a type, where it comes from and where it goes, two flat programs that are
 * made once. `check` looks at the source, in the order of lifting: whatever can trap, and handles, which it takes. `copy` writes the
 * target, in the order of lowering: reallocs, stores, new handles. Nothing can change the source between the two, or while `copy` runs:
 * a realloc may call nobody outside its instance. */
#ifndef WITC_CANON_PLAN_H
#define WITC_CANON_PLAN_H

#include "transfer.h"

enum plan_op {
    PLAN_END,   /* of the plan, or of the body of a LIST or REPEAT: on to the next element */
    PLAN_JUMP,  /* to `next` */
    PLAN_BYTES, /* `n` bytes as they are */
    PLAN_1,     /* the same with so many */
    PLAN_2,
    PLAN_4,
    PLAN_8,
    PLAN_S8,     /* sign-extended to 32 bits, into a cell */
    PLAN_S16,    /* the same */
    PLAN_BOOL,   /* from memory */
    PLAN_BOOL_4, /* from a cell */
    PLAN_F32,
    PLAN_F64,
    PLAN_FLAGS, /* those of `n`, a mask */
    PLAN_CHAR,  /* check */
    PLAN_ENUM,  /* check: a discriminant below `next` with nothing more to it */
    PLAN_CASE,  /* the same; goes on at targets[n + case] */
    PLAN_STRING,
    PLAN_LIST,        /* each element by the body, which follows; `next` is behind it */
    PLAN_LIST_PLAIN,  /* the same; all steps of the body are plain */
    PLAN_LIST_BYTES,  /* elements as they are: no body. check: nothing about them can trap */
    PLAN_LIST_FLOATS, /* the same, but for NaNs */
    PLAN_REPEAT,      /* a fixed-length list in memory, else as LIST */
    PLAN_HANDLE,
};

/* Offsets are from the value at hand: an element, or the whole. Targets among cells are zero before. */
struct plan_step {
    u8 op;
    u8 from, to; /* enum canon_layout */
    u8 width;    /* of a scalar in memory, or of a discriminant */
    u32 source, target;
    u32 n, next;
    const struct canon_type *type;
};
/* It neither points anywhere nor holds a handle. */
static inline bool plan_is_plain(const struct plan_step *s)
{
    return s->op >= PLAN_JUMP && s->op <= PLAN_CASE;
}

struct plan_program {
    const struct plan_step *steps;
    const u32 *targets; /* of all CASE: numbers of steps */
    bool is_plain;      /* all steps are */
};
struct plan {
    enum canon_layout from, to;
    const struct canon_type *type;
    struct plan_program check, copy;
    u32 depth;     /* of lists within lists */
    bool is_cells; /* plain, from cells to cells */
    u32 masked;    /* if not 0, they are so many cells of which these bits count */
    u64 masks[MAX_FLAT_PARAMS];
};
/* Lives as long as the store. NULL if it would be too large: then values go as they do for hosts. */
const struct plan *canon_plan_new(struct canon_store *s, const struct canon_type *t,
                                  enum canon_layout from, enum canon_layout to);

/* A plan that is_cells, in one go; the target need not be zero before. */
bool canon_plan_cells(struct canon_store *s, const struct plan *p, struct component_instance *from,
                      const u64 *source, u64 *target);
/* So many values of x->plan, one after the other, are checked from `at` on, and written to `at` in the layout of the target. */
bool canon_plan_check(struct transfer *x, const u8 *at, u32 n);
bool canon_plan_copy(struct transfer *x, struct cx *to, u64 at, u32 n);

#endif
