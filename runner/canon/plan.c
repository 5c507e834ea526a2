/* plan.c - makes the plans of plan.h. */
#include "plan.h"

/* A type that names another one twice, which names another one twice...: its plan is not small because it is. */
#define PLAN_LARGEST  20000
#define PLANS_LARGEST 2000000 /* steps in a store */

struct maker {
    struct arena *arena;
    bool is_copy;
    VEC(struct plan_step) steps;
    VEC(u32) targets;
    bool joins;    /* the last step may grow: nothing jumps behind it */
    bool is_plain; /* all steps are */
    u32 visits;    /* of types, PLAN_LARGEST at most */
    u32 depth, deepest;
};

/* A type where it is in source and target. */
struct spot {
    enum canon_layout from, to;
    u32 source, target;
};

static void add_type(struct maker *m, const struct canon_type *t, struct spot at);

static struct plan_step *add(struct maker *m, enum plan_op op, const struct canon_type *t,
                             struct spot at)
{
    struct plan_step *s = vec_push(m->arena, &m->steps);
    *s = (struct plan_step){.op = (u8)op,
                            .from = (u8)at.from,
                            .to = (u8)at.to,
                            .width = (u8)(t->disc_size ? t->disc_size : t->size[0]),
                            .source = at.source,
                            .target = at.target,
                            .type = t};
    m->joins = false;
    return s;
}

/* Bytes that follow those of the last step in both places join them. */
static void add_bytes(struct maker *m, const struct canon_type *t, struct spot at, u32 n)
{
    struct plan_step *last = m->joins ? &m->steps.data[m->steps.len - 1] : NULL;
    if (last && last->source + last->n == at.source && last->target + last->n == at.target) {
        last->n += n;
        return;
    }
    add(m, PLAN_BYTES, t, at)->n = n;
    m->joins = true;
}

static struct spot field_at(struct spot at, const struct canon_field *f)
{
    at.source += f->offset[at.from];
    at.target += f->offset[at.to];
    return at;
}

static void add_variant(struct maker *m, const struct canon_type *t, struct spot at)
{
    u32 step = m->steps.len, targets = m->targets.len, jumps = step + 1;
    bool joined = m->joins;
    struct plan_step *s = add(m, PLAN_CASE, t, at);
    s->width = !m->is_copy && canon_is_flat(at.from) ? 4 : t->disc_size;
    s->n = targets;
    s->next = t->field_count;
    for (u32 i = 0; i < t->field_count; i++) {
        *vec_push(m->arena, &m->targets) = UINT32_MAX;
    }
    for (u32 i = 0; i < t->field_count; i++) {
        u32 start = m->steps.len;
        if (t->fields[i].type) {
            add_type(m, t->fields[i].type, field_at(at, &t->fields[i]));
        }
        if (m->steps.len > start) {
            m->targets.data[targets + i] = start;
            add(m, PLAN_JUMP, t, at)->next = UINT32_MAX;
        }
    }
    if (m->steps.len == jumps) { /* nothing to do in any case */
        m->targets.len = targets;
        m->steps.data[step].op = PLAN_ENUM;
        if (m->is_copy) {
            m->steps.len = step;
            m->joins = joined;
            add_bytes(m, t, at, t->disc_size);
        }
        return;
    }
    /* Cases without steps, and the jumps behind those with some, lead here. */
    for (u32 i = 0; i < t->field_count; i++) {
        if (m->targets.data[targets + i] == UINT32_MAX) {
            m->targets.data[targets + i] = m->steps.len;
        }
    }
    for (u32 i = jumps; i < m->steps.len; i++) {
        if (m->steps.data[i].op == PLAN_JUMP && m->steps.data[i].next == UINT32_MAX) {
            m->steps.data[i].next = m->steps.len;
        }
    }
    m->joins = false;
}

/* The steps of one element, behind a step that repeats them. */
static void add_body(struct maker *m, const struct canon_type *e, enum canon_layout from,
                     enum canon_layout to)
{
    m->depth++;
    m->deepest = m->depth > m->deepest ? m->depth : m->deepest;
    add_type(m, e, (struct spot){.from = from, .to = to});
    m->depth--;
    add(m, PLAN_END, e, (struct spot){.from = from, .to = to});
}

/* What copies an element whole, if its body (from `body` on) is one step: PLAN_BYTES, PLAN_F32 or PLAN_F64; else PLAN_END. */
static enum plan_op whole(const struct maker *m, u32 body, const struct canon_type *e,
                          enum canon_layout from, enum canon_layout to)
{
    const struct plan_step *s = &m->steps.data[body];
    u32 size = e->size[from];
    if (m->steps.len - body != 2 || size != e->size[to] || s->source || s->target) {
        return PLAN_END;
    }
    bool is_float = s->op == PLAN_F32 || s->op == PLAN_F64;
    u32 bytes = s->op == PLAN_BYTES ? s->n : is_float ? s->type->size[0] : 0;
    return bytes == size ? (enum plan_op)s->op : PLAN_END;
}

/* Are all steps from this one on, but for the last? */
static bool all_plain(const struct plan_step *s, const struct plan_step *last)
{
    while (s < last && plan_is_plain(s)) {
        s++;
    }
    return s == last;
}

static void add_list(struct maker *m, const struct canon_type *t, struct spot at)
{
    enum canon_layout from = at.from & 1, to = at.to & 1;
    u32 list = m->steps.len;
    add(m, PLAN_LIST, t, at);
    add_body(m, t->element, from, to);
    enum plan_op as = m->is_copy ? whole(m, list + 1, t->element, from, to) : PLAN_END;
    if (as != PLAN_END || m->steps.len == list + 2) {
        m->steps.len = list + 1;
        bool is_float = as == PLAN_F32 || as == PLAN_F64;
        m->steps.data[list].op = is_float ? PLAN_LIST_FLOATS : PLAN_LIST_BYTES;
    } else if (all_plain(&m->steps.data[list + 1], &m->steps.data[m->steps.len - 1])) {
        m->steps.data[list].op = PLAN_LIST_PLAIN;
    }
    m->steps.data[list].next = m->steps.len;
    m->joins = false;
}

static void add_fixed_list(struct maker *m, const struct canon_type *t, struct spot at)
{
    const struct canon_type *e = t->element;
    if (canon_is_flat(at.from) || canon_is_flat(at.to)) { /* a few */
        for (u32 i = 0; i < t->length; i++) {
            add_type(m, e, at);
            at.source += e->size[at.from];
            at.target += e->size[at.to];
        }
        return;
    }
    u32 list = m->steps.len;
    bool joined = m->joins;
    add(m, PLAN_REPEAT, t, at);
    add_body(m, e, at.from, at.to);
    bool is_bytes = m->is_copy && whole(m, list + 1, e, at.from, at.to) == PLAN_BYTES;
    if (is_bytes || m->steps.len == list + 2) {
        m->steps.len = list;
        m->joins = joined;
        if (is_bytes) {
            add_bytes(m, t, at, t->size[at.from]);
        }
        return;
    }
    m->steps.data[list].next = m->steps.len;
    m->joins = false;
}

static void add_flags(struct maker *m, const struct canon_type *t, struct spot at)
{
    u32 bits = t->size[0] * 8;
    if (t->field_count == bits) {
        add_bytes(m, t, at, t->size[0]);
        return;
    }
    add(m, PLAN_FLAGS, t, at)->n = ((u32)1 << t->field_count) - 1;
}

/* Numbers, bools and chars. */
static void add_scalar(struct maker *m, const struct canon_type *t, struct spot at)
{
    if (!m->is_copy) {
        if (t->kind == CANON_T_CHAR) {
            add(m, PLAN_CHAR, t, at);
        }
        return;
    }
    switch (t->kind) {
    case CANON_T_BOOL: add(m, canon_is_flat(at.from) ? PLAN_BOOL_4 : PLAN_BOOL, t, at); return;
    case CANON_T_F32: add(m, PLAN_F32, t, at); return;
    case CANON_T_F64: add(m, PLAN_F64, t, at); return;
    case CANON_T_S8:
    case CANON_T_S16:
        if (canon_is_flat(at.to)) {
            add(m, t->kind == CANON_T_S8 ? PLAN_S8 : PLAN_S16, t, at);
            return;
        }
        break;
    default: break;
    }
    add_bytes(m, t, at, t->size[0]);
}

static void add_type(struct maker *m, const struct canon_type *t, struct spot at)
{
    if (m->visits == PLAN_LARGEST) {
        return;
    }
    m->visits++;
    switch (t->kind) {
    case CANON_T_STRING: add(m, PLAN_STRING, t, at); return;
    case CANON_T_LIST:
    case CANON_T_MAP: add_list(m, t, at); return;
    case CANON_T_FIXED_LIST: add_fixed_list(m, t, at); return;
    case CANON_T_RECORD:
    case CANON_T_TUPLE:
        for (u32 i = 0; i < t->field_count; i++) {
            add_type(m, t->fields[i].type, field_at(at, &t->fields[i]));
        }
        return;
    case CANON_T_FLAGS:
        if (m->is_copy) {
            add_flags(m, t, at);
        }
        return;
    case CANON_T_VARIANT:
    case CANON_T_ENUM:
    case CANON_T_OPTION:
    case CANON_T_RESULT: add_variant(m, t, at); return;
    case CANON_T_ERROR_CONTEXT:
    case CANON_T_OWN:
    case CANON_T_BORROW:
    case CANON_T_STREAM:
    case CANON_T_FUTURE: add(m, PLAN_HANDLE, t, at); return;
    default: add_scalar(m, t, at); return;
    }
}

/* The bits of a cell that a step copies as they are; 0 if it does more. */
static u64 mask_of(const struct plan_step *s)
{
    switch ((enum plan_op)s->op) {
    case PLAN_1: return UINT8_MAX;
    case PLAN_2: return UINT16_MAX;
    case PLAN_4: return UINT32_MAX;
    case PLAN_8: return UINT64_MAX;
    case PLAN_FLAGS: return s->n;
    default: return 0;
    }
}

static void find_masks(struct plan *p)
{
    u32 n = 0;
    const struct plan_step *s = p->copy.steps;
    for (; s->op != PLAN_END && s->source == 8 * n && s->target == 8 * n; s++) {
        p->masks[n] = mask_of(s);
        if (!p->masks[n++]) {
            return;
        }
    }
    p->masked = s->op == PLAN_END ? n : 0;
}

static void make(struct maker *m, const struct canon_type *t, struct spot at)
{
    add_type(m, t, at);
    add(m, PLAN_END, t, at);
    m->is_plain = all_plain(m->steps.data, &m->steps.data[m->steps.len - 1]);
    for (u32 i = m->steps.len; i-- > 0;) {
        struct plan_step *s = &m->steps.data[i];
        if (s->op == PLAN_BYTES) {
            s->op = s->n == 1   ? PLAN_1
                    : s->n == 2 ? PLAN_2
                    : s->n == 4 ? PLAN_4
                    : s->n == 8 ? PLAN_8
                                : PLAN_BYTES;
        } else if (s->op == PLAN_JUMP) { /* all jumps are forward */
            const struct plan_step *to = &m->steps.data[s->next];
            if (to->op == PLAN_JUMP || to->op == PLAN_END) {
                *s = *to;
            }
        }
    }
}

static struct plan_program kept(struct arena *a, const struct maker *m)
{
    struct plan_step *steps = arena_array(a, struct plan_step, m->steps.len);
    u32 *targets = arena_array(a, u32, m->targets.len ? m->targets.len : 1);
    memcpy(steps, m->steps.data, m->steps.len * sizeof *steps);
    if (m->targets.len) {
        memcpy(targets, m->targets.data, m->targets.len * sizeof *targets);
    }
    return (struct plan_program){steps, targets, m->is_plain};
}

const struct plan *canon_plan_new(struct canon_store *s, const struct canon_type *t,
                                  enum canon_layout from, enum canon_layout to)
{
    struct spot at = {.from = from, .to = to};
    struct arena *scratch = canon_scratch_enter(s);
    struct maker check = {.arena = scratch}, copy = {.arena = scratch, .is_copy = true};
    struct plan *p = NULL;
    make(&check, t, at);
    make(&copy, t, at);
    u32 size = check.steps.len + copy.steps.len + copy.targets.len;
    if (copy.visits < PLAN_LARGEST && (u64)s->plan_steps + size <= PLANS_LARGEST) {
        s->plan_steps += size;
        p = arena_new(&s->arena, struct plan);
        p->from = from;
        p->to = to;
        p->type = t;
        p->check = kept(&s->arena, &check);
        p->copy = kept(&s->arena, &copy);
        p->is_cells =
            canon_is_flat(from) && canon_is_flat(to) && p->check.is_plain && p->copy.is_plain;
        if (p->is_cells) {
            find_masks(p);
        }
        p->depth = copy.deepest > check.deepest ? copy.deepest : check.deepest;
    }
    canon_scratch_leave(s);
    return p;
}
