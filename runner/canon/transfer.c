/* transfer.c - values on their way from one guest to another: carries out the plans of plan.h. */
#include "plan.h"

/* A list or a REPEAT that is at work; the outermost frame is that of the whole. */
struct frame {
    const struct plan_step *body;
    const struct plan_step *step; /* its own; NULL: the whole */
    u64 left;                     /* elements, with the one at hand */
    const u8 *at;                 /* that one in the source */
    u32 size, target_size;
    u64 target;        /* copy: where it goes */
    u64 start, length; /* copy: of the list in the target's memory */
    bool in_cells;     /* copy: the target is no memory */
};
#define FEW_FRAMES 6

/* Room for the frames of a plan. */
static struct frame *frames_for(struct transfer *x, struct frame *few)
{
    return x->plan->depth < FEW_FRAMES
               ? few
               : arena_array(&x->from.store->scratch, struct frame, x->plan->depth + 1);
}

/* 1, 2 or 4 bytes. */
static inline u32 load_u32(const u8 *at, u32 bytes)
{
    u32 v = *at;
    if (bytes == 4) {
        memcpy(&v, at, 4);
    } else if (bytes == 2) {
        v |= (u32)at[1] << 8;
    }
    return v;
}

static inline void store_u32(u8 *at, u32 v, u32 bytes)
{
    if (bytes == 4) {
        memcpy(at, &v, 4);
    } else {
        at[0] = (u8)v;
        if (bytes == 2) {
            at[1] = (u8)(v >> 8);
        }
    }
}

/* Also between the elements of a list, which were paid for with it: lists that name one place many times hold more than a memory does. */
static bool goes_on(struct transfer *x, u64 turns)
{
    return canon_goes_on(x->from.store, x->from.inst, turns);
}

/* ---- Plain steps ------------------------------------------------------------------------------------ */

/* Those from s on, up to the first that is not plain, which it gives; NULL after a trap. */
static inline const struct plan_step *check_plain(struct cx *from, const struct plan_program *p,
                                                  const struct plan_step *s, const u8 *at)
{
    for (;;) {
        const u8 *here = at + s->source;
        switch ((enum plan_op)s->op) {
        case PLAN_JUMP: s = p->steps + s->next; continue;
        case PLAN_CHAR:
            if (load_u32(here, 4) >= 0xd800 && !canon_check_char(from, load_u32(here, 4))) {
                return NULL;
            }
            s++;
            continue;
        case PLAN_ENUM:
        case PLAN_CASE: {
            u32 index = load_u32(here, s->width);
            if (index >= s->next) {
                canon_check_case(from, index, s->type);
                return NULL;
            }
            s = s->op == PLAN_ENUM ? s + 1 : p->steps + p->targets[s->n + index];
            continue;
        }
        default: return s;
        }
    }
}

/* Most are few; those of 4 to 16 go as two halves, which may overlap. */
static inline void copy_bytes(u8 *to, const u8 *from, u32 n)
{
    if (n > 16 || n < 4) {
        memcpy(to, from, n);
    } else {
        u32 half = n >= 8 ? 8 : 4;
        u64 first = 0, last = 0;
        if (half == 8) {
            memcpy(&first, from, 8);
            memcpy(&last, from + n - 8, 8);
            memcpy(to, &first, 8);
            memcpy(to + n - 8, &last, 8);
        } else {
            memcpy(&first, from, 4);
            memcpy(&last, from + n - 4, 4);
            memcpy(to, &first, 4);
            memcpy(to + n - 4, &last, 4);
        }
    }
}

/* The same for what goes from `from` to `to`. */
static inline const struct plan_step *copy_plain(struct canon_store *store,
                                                 const struct plan_program *p,
                                                 const struct plan_step *s, const u8 *from, u8 *to)
{
    for (;; s++) {
        const u8 *here = from + s->source;
        u8 *there = to + s->target;
        switch ((enum plan_op)s->op) {
        case PLAN_JUMP: s = p->steps + s->next - 1; break;
        case PLAN_BYTES: copy_bytes(there, here, s->n); break;
        case PLAN_1: *there = *here; break;
        case PLAN_2: memcpy(there, here, 2); break;
        case PLAN_4: memcpy(there, here, 4); break;
        case PLAN_8: memcpy(there, here, 8); break;
        case PLAN_S8: store_u32(there, (u32)(i8)*here, 4); break;
        case PLAN_S16: store_u32(there, (u32)(i16)load_u32(here, 2), 4); break;
        case PLAN_BOOL: *there = *here != 0; break;
        case PLAN_BOOL_4: *there = load_u32(here, 4) != 0; break;
        case PLAN_F32: {
            u32 bits;
            memcpy(&bits, here, 4);
            if ((bits & 0x7fffffff) > 0x7f800000) {
                bits = (u32)canon_lower_f32(store, bits);
            }
            memcpy(there, &bits, 4);
            break;
        }
        case PLAN_F64: {
            u64 bits;
            memcpy(&bits, here, 8);
            if ((bits & 0x7fffffffffffffff) > 0x7ff0000000000000) {
                bits = canon_lower_f64(store, bits);
            }
            memcpy(there, &bits, 8);
            break;
        }
        case PLAN_FLAGS: store_u32(there, load_u32(here, s->width) & s->n, s->width); break;
        case PLAN_CASE: {
            u32 index = load_u32(here, s->width);
            store_u32(there, index, s->width);
            s = p->steps + p->targets[s->n + index] - 1;
            break;
        }
        default: return s;
        }
    }
}

/* n elements one after the other, each by the body, which is plain. */
static bool check_elements(struct transfer *x, const struct plan_step *body, const u8 *at, u32 size,
                           u64 n)
{
    while (check_plain(&x->from, &x->plan->check, body, at)) {
        if (--n == 0) {
            return true;
        }
        at += size;
        if (n % BETWEEN_LOOKS == 0 && !goes_on(x, 1)) {
            break;
        }
    }
    return false;
}

static bool copy_elements(struct transfer *x, const struct plan_step *body, const u8 *from,
                          u32 from_size, u8 *to, u32 to_size, u64 n)
{
    struct canon_store *s = x->from.store;
    for (;;) {
        copy_plain(s, &x->plan->copy, body, from, to);
        if (--n == 0) {
            return true;
        }
        from += from_size;
        to += to_size;
        if (n % BETWEEN_LOOKS == 0 && !goes_on(x, 1)) {
            return false;
        }
    }
}

/* ---- Frames ------------------------------------------------------------------------------------------ */

/* An element of a list is done with, others follow. */
static inline bool next_element(struct transfer *x, struct frame *f)
{
    f->at += f->size;
    f->target += f->target_size;
    return f->left % BETWEEN_LOOKS || goes_on(x, 1);
}

/* PLAN_END: gives the step to go on with; NULL after a trap, or at the end of the whole: nothing is left of that then. */
static const struct plan_step *end_element(struct transfer *x, const struct plan_program *p,
                                           struct frame **f)
{
    struct frame *at = *f;
    if (--at->left) {
        return next_element(x, at) ? at->body : NULL;
    }
    if (!at->step) {
        return NULL;
    }
    --*f;
    return p->steps + at->step->next;
}

/* ---- check ---------------------------------------------------------------------------------------- */

static bool take_handle(struct transfer *x, const u8 *at, const struct canon_type *t)
{
    struct canon_value v = {0};
    if (!canon_lift_handle(&x->from, load_u32(at, 4), t, &v) || !canon_spend(&x->from, 1)) {
        return false;
    }
    *vec_push(&x->from.store->scratch, &x->handles) = v;
    return true;
}

/* Gives the frame of the elements if they are to be looked at, else `f`; NULL after a trap. */
static struct frame *check_list(struct transfer *x, const struct plan_step *s, const u8 *at,
                                struct frame *f)
{
    const struct canon_type *e = s->type->element;
    u64 start = canon_load_word(at, s->from, 0), length = canon_load_word(at, s->from, 1);
    if (!canon_check_list(&x->from, start, length, s->type) ||
        !goes_on(x, length * e->size[x->from.opts->p] / TURN_BYTES)) {
        return NULL;
    }
    if (!length || s->op == PLAN_LIST_BYTES) {
        return f;
    }
    if (!goes_on(x, length)) {
        return NULL;
    }
    if (s->op == PLAN_LIST_PLAIN) {
        return check_elements(x, s + 1, x->from.mem + start, e->size[x->from.opts->p], length)
                   ? f
                   : NULL;
    }
    f[1] = (struct frame){.step = s,
                          .body = s + 1,
                          .left = length,
                          .at = x->from.mem + start,
                          .size = e->size[x->from.opts->p]};
    return f + 1;
}

/* The elements of a list of fixed length. */
static struct frame *repeat(struct frame *f, const struct plan_step *s)
{
    f[1] = (struct frame){.step = s,
                          .body = s + 1,
                          .left = s->type->length,
                          .at = f->at + s->source,
                          .size = s->type->element->size[s->from],
                          .target_size = s->type->element->size[s->to],
                          .target = f->target + s->target};
    return f + 1;
}

/* One that is not plain; gives what is to follow, as end_element does. */
static const struct plan_step *check_step(struct transfer *x, const struct plan_step *s,
                                          struct frame **at)
{
    const struct plan_program *p = &x->plan->check;
    struct frame *f = *at;
    const u8 *here = f->at + s->source;
    bool fine = true;
    switch ((enum plan_op)s->op) {
    case PLAN_END: return end_element(x, p, at);
    case PLAN_STRING:
        fine = canon_check_string(&x->from, canon_load_word(here, s->from, 0),
                                  canon_load_word(here, s->from, 1));
        break;
    case PLAN_LIST:
    case PLAN_LIST_PLAIN:
    case PLAN_LIST_BYTES:
        *at = check_list(x, s, here, f);
        if (*at == f) {
            return p->steps + s->next;
        }
        fine = *at != NULL;
        break;
    case PLAN_REPEAT: *at = repeat(f, s); break;
    case PLAN_HANDLE: fine = take_handle(x, here, s->type); break;
    default: break; /* only copied */
    }
    return fine ? s + 1 : NULL;
}

bool canon_plan_check(struct transfer *x, const u8 *at, u32 n)
{
    const struct plan *p = x->plan;
    const struct plan_step *s = p->check.steps;
    struct frame few[FEW_FRAMES], *frames, *f;
    if (n > 1 && !goes_on(x, n)) {
        return false;
    }
    if (!n || s->op == PLAN_END) {
        return true;
    }
    if (p->check.is_plain) {
        return check_elements(x, s, at, p->type->size[p->from], n);
    }
    f = frames = frames_for(x, few);
    *f = (struct frame){.body = s, .left = n, .at = at, .size = p->type->size[p->from]};
    do {
        s = check_plain(&x->from, &p->check, s, f->at);
        s = s ? check_step(x, s, &f) : NULL;
    } while (s);
    return frames->left == 0;
}

/* ---- copy ------------------------------------------------------------------------------------------- */

static u8 *base_of(const struct frame *f, const struct cx *to)
{
    return f->in_cells ? to->cells : to->mem;
}

static bool copy_string(struct transfer *x, struct cx *to, const struct plan_step *s,
                        const struct frame *f)
{
    const u8 *from = f->at + s->source;
    u64 start, length;
    struct text text;
    canon_text_at(&x->from, canon_load_word(from, s->from, 0), canon_load_word(from, s->from, 1),
                  &text);
    if (!canon_store_string(to, &text, &start, &length)) {
        return false;
    }
    canon_store_words(base_of(f, to) + f->target + s->target, s->to, start, length);
    return true;
}

/* Gives the frame of the elements if they go one by one, else `f`; NULL after a trap. */
static struct frame *copy_list(struct transfer *x, struct cx *to, const struct plan_step *s,
                               struct frame *f)
{
    const struct canon_type *e = s->type->element;
    const u8 *from = f->at + s->source;
    u32 size = e->size[x->from.opts->p], target_size = e->size[to->opts->p];
    u64 length = canon_load_word(from, s->from, 1), start;
    const u8 *elements = x->from.mem + canon_load_word(from, s->from, 0);
    if (!canon_reallocate(to, 0, 0, e->align[to->opts->p], length * target_size, "list", &start)) {
        return NULL;
    }
    bool is_plain = s->op == PLAN_LIST_PLAIN;
    if (length && (is_plain || s->op == PLAN_LIST) && !goes_on(x, length)) {
        return NULL;
    }
    if (length && is_plain) {
        if (!copy_elements(x, s + 1, elements, size, to->mem + start, target_size, length)) {
            return NULL;
        }
    } else if (length && s->op == PLAN_LIST) {
        f[1] = (struct frame){.step = s,
                              .body = s + 1,
                              .left = length,
                              .at = elements,
                              .size = size,
                              .target_size = target_size,
                              .target = start,
                              .start = start,
                              .length = length};
        return f + 1;
    } else if (!is_plain && !canon_move(to->inst, to->mem + start, elements, length * size,
                                        s->op == PLAN_LIST_FLOATS ? e->kind : CANON_T_U8)) {
        return NULL;
    }
    canon_store_words(base_of(f, to) + f->target + s->target, s->to, start, length);
    return f;
}

static bool give_handle(struct transfer *x, struct cx *to, const struct plan_step *s, u8 *there)
{
    u32 index;
    if (!canon_lower_handle(to, &x->handles.data[x->given++], s->type, &index)) {
        return false;
    }
    store_u32(there, index, 4);
    return true;
}

/* The same as check_step. */
static const struct plan_step *copy_step(struct transfer *x, struct cx *to,
                                         const struct plan_step *s, struct frame **at)
{
    const struct plan_program *p = &x->plan->copy;
    struct frame *f = *at;
    bool fine = true;
    switch ((enum plan_op)s->op) {
    case PLAN_END: {
        const struct plan_step *list = f->step, *next = end_element(x, p, at);
        if (*at != f && list->op == PLAN_LIST) {
            canon_store_words(base_of(*at, to) + (*at)->target + list->target, list->to, f->start,
                              f->length);
        }
        return next;
    }
    case PLAN_STRING: fine = copy_string(x, to, s, f); break;
    case PLAN_LIST:
    case PLAN_LIST_PLAIN:
    case PLAN_LIST_BYTES:
    case PLAN_LIST_FLOATS:
        *at = copy_list(x, to, s, f);
        if (*at == f) {
            return p->steps + s->next;
        }
        fine = *at != NULL;
        break;
    case PLAN_REPEAT: *at = repeat(f, s); break;
    case PLAN_HANDLE: fine = give_handle(x, to, s, base_of(f, to) + f->target + s->target); break;
    default: break; /* only checked */
    }
    return fine ? s + 1 : NULL;
}

bool canon_plan_copy(struct transfer *x, struct cx *to, u64 at, u32 n)
{
    const struct plan *p = x->plan;
    const struct plan_step *s = p->copy.steps;
    u32 size = p->type->size[p->from], target_size = p->type->size[p->to];
    struct frame few[FEW_FRAMES], *frames, *f;
    if (!n) {
        return true;
    }
    f = frames = frames_for(x, few);
    *f = (struct frame){.body = s,
                        .left = n,
                        .at = x->at,
                        .size = size,
                        .target_size = target_size,
                        .target = at,
                        .in_cells = canon_is_flat(p->to)};
    if (p->copy.is_plain) {
        return copy_elements(x, s, x->at, size, base_of(f, to) + at, target_size, n);
    }
    do {
        s = copy_plain(to->store, &p->copy, s, f->at, base_of(f, to) + f->target);
        s = copy_step(x, to, s, &f);
    } while (s);
    return frames->left == 0;
}

/* A plan that is_cells. */
static inline void copy_cells(struct canon_store *s, const struct plan *p, const u64 *source,
                              u64 *target)
{
    if (p->masked) {
        for (u32 i = 0; i < p->masked; i++) {
            target[i] = source[i] & p->masks[i];
        }
    } else {
        memset(target, 0, p->type->size[p->to]);
        copy_plain(s, &p->copy, p->copy.steps, (const u8 *)source, (u8 *)target);
    }
}

bool canon_plan_cells(struct canon_store *s, const struct plan *p, struct component_instance *from,
                      const u64 *source, u64 *target)
{
    const u8 *at = (const u8 *)source;
    if (p->check.steps->op != PLAN_END) {
        struct cx cx = {.store = s, .inst = from};
        if (!check_plain(&cx, &p->check, p->check.steps, at)) {
            return false;
        }
    }
    copy_cells(s, p, source, target);
    return true;
}

/* ---- Transfers ----------------------------------------------------------------------------------------- */

bool canon_transfer_lift(struct transfer *x, const struct plan *plan, u32 max_flat,
                         const u64 *slots)
{
    enum canon_layout l;
    x->plan = plan;
    x->at = canon_lift_from(&x->from, max_flat, slots, x->type, &l);
    if (!x->at) {
        return false;
    }
    if (plan) {
        return canon_plan_check(x, x->at, 1);
    }
    x->from.arena = &x->from.store->scratch;
    return canon_lift_value(&x->from, x->at, l, x->type, &x->value);
}

bool canon_transfer_lower(struct transfer *x, struct cx *to, u64 at, enum canon_layout l)
{
    return x->plan ? canon_plan_copy(x, to, at, 1)
                   : canon_lower_value(to, &x->value, x->type, at, l);
}

const struct canon_value *canon_transfer_show(struct transfer *x)
{
    if (!x->plan) {
        return &x->value;
    }
    struct cx show = x->from;
    show.arena = &x->from.store->scratch;
    show.is_show = true;
    show.shown = x->handles.data;
    show.budget = SHOWN_VALUES;
    return canon_lift_value(&show, x->at, x->plan->from, x->type, &x->value) ? &x->value : NULL;
}

/* ---- Calls ------------------------------------------------------------------------------------------------ */

static enum canon_layout layout_of(const struct options *o, const struct canon_type *t,
                                   u32 max_flat)
{
    return o->p + (t->flat_count <= max_flat ? CANON_FLAT_32 : CANON_MEMORY_32);
}

void canon_make_plans(struct lowered *low)
{
    const struct functype *f = functype_of(low->callee->type);
    const struct options *o = &low->callee->opts;
    const struct canon_type *params = f->param_tuple, *result = f->pub.result;
    struct canon_store *s = low->inst->store;
    low->has_plans = true;
    if (low->inst == low->callee->inst) {
        return; /* realloc may change the memory that values come from */
    }
    if (params) {
        low->params = canon_plan_new(s, params, layout_of(&low->opts, params, low->max_flat_params),
                                     layout_of(o, params, MAX_FLAT_PARAMS));
    }
    if (result) {
        u32 max_flat = o->is_async ? MAX_FLAT_PARAMS : MAX_FLAT_RESULTS;
        low->result = canon_plan_new(s, result, layout_of(o, result, max_flat),
                                     layout_of(&low->opts, result, low->max_flat_results));
    }
    low->is_cells = (!params || (low->params && low->params->is_cells)) &&
                    (!result || (low->result && low->result->is_cells));
}

bool canon_pass_args(struct subtask *sub, struct task *t, u64 *slots)
{
    struct lowered *low = canon_with_plans(sub->low);
    struct canon_store *s = low->inst->store;
    const struct canon_functype *ft = t->func->type;
    const struct canon_type *type = functype_of(ft)->param_tuple;
    if (low->params && low->params->is_cells && !s->config.trace) {
        return canon_plan_cells(s, low->params, low->inst, sub->args, slots);
    }
    struct transfer x;
    struct cx to;
    canon_transfer_begin(&x, s, &low->opts, low->inst, type);
    canon_cx_begin(&to, s, &t->func->opts, t->inst);
    enum canon_layout l;
    u64 at;
    bool fine;
    if (type) {
        memset(slots, 0,
               type->flat_count <= MAX_FLAT_PARAMS ? type->flat_count * sizeof *slots : 0);
    }
    x.from.lender = sub;
    x.from.for_guest = true;
    to.borrow_scope = t;
    canon_scratch_enter(s);
    fine = !type || canon_transfer_lift(&x, low->params, low->max_flat_params, sub->args);
    if (fine && s->config.trace) {
        const struct canon_value *shown = type ? canon_transfer_show(&x) : NULL;
        canon_trace_call(t, shown ? shown->items : NULL, shown ? ft->param_count : 0);
    }
    fine = fine && (!type || (canon_place_params(&to, type, slots, &at, &l) &&
                              canon_transfer_lower(&x, &to, at, l)));
    canon_scratch_leave(s);
    return fine;
}

bool canon_lift_result(struct transfer *x, struct task *t, u32 max_flat, const u64 *slots)
{
    struct canon_store *s = t->inst->store;
    struct lowered *low = t->sub ? canon_with_plans(t->sub->low) : NULL;
    const struct plan *plan = low ? low->result : NULL;
    if (plan && plan->is_cells && !s->config.trace) { /* little of x is needed */
        x->from.store = s;
        x->from.inst = t->inst;
        x->type = t->func->type->result;
        x->plan = plan;
        x->at = (const u8 *)slots;
        return plan->check.steps->op == PLAN_END || canon_plan_check(x, x->at, 1);
    }
    canon_transfer_begin(x, s, &t->func->opts, t->inst, t->func->type->result);
    x->from.for_guest = low != NULL;
    return canon_transfer_lift(x, plan, max_flat, slots);
}

bool canon_lower_result(struct transfer *x, struct subtask *sub)
{
    struct lowered *low = sub->low;
    struct canon_store *s = low->inst->store;
    if (x->plan && x->plan->is_cells) {
        copy_cells(s, x->plan, (const u64 *)(const void *)x->at, &sub->result);
        return true;
    }
    struct cx to;
    canon_cx_begin(&to, s, &low->opts, low->inst);
    enum canon_layout l;
    u64 at;
    to.host_values = sub->call != NULL;
    return canon_place_result(&to, low->max_flat_results, x->type,
                              low->core_params ? &sub->args[low->core_params - 1] : NULL,
                              &sub->result, &at, &l) &&
           canon_transfer_lower(x, &to, at, l);
}

/* ---- Elements of streams --------------------------------------------------------------------------------- */

/* Plans for elements are the store's, one for each type and pair of memories. */
static const struct plan *plan_of_elements(struct canon_store *s, const struct canon_type *t,
                                           enum canon_layout from, enum canon_layout to)
{
    struct {
        const struct canon_type *t;
        u32 from, to;
    } key = {t, from, to};
    str bytes = str_of((const char *)&key, sizeof key);
    u32 at = map_get(&s->plan_numbers, bytes);
    if (at == MAP_NONE) {
        at = s->plans.len;
        *vec_push(&s->arena, &s->plans) = canon_plan_new(s, t, from, to);
        map_put(&s->arena, &s->plan_numbers, str_dup(&s->arena, bytes), at);
    }
    return s->plans.data[at];
}

bool canon_pass_elements(const struct buffer *from, const struct buffer *to,
                         const struct canon_type *t, u32 n)
{
    struct canon_store *s = from->inst->store;
    u8 p = from->opts->p, q = to->opts->p;
    struct transfer x;
    struct cx target;
    canon_transfer_begin(&x, s, from->opts, from->inst, t);
    canon_cx_begin(&target, s, to->opts, to->inst);
    u64 at = to->ptr + (u64)to->progress * t->size[q];
    bool fine;
    x.from.for_guest = true;
    x.from.arena = canon_scratch_enter(s);
    x.at = x.from.mem + from->ptr + (u64)from->progress * t->size[p];
    x.plan = plan_of_elements(s, t, p, q);
    if (x.plan) {
        fine = canon_plan_check(&x, x.at, n) && canon_plan_copy(&x, &target, at, n);
    } else {
        struct canon_value list = {.kind = CANON_T_LIST, .count = n};
        fine = canon_spend(&x.from, n);
        list.items = fine ? arena_array(x.from.arena, struct canon_value, n) : NULL;
        fine = fine && canon_load_list_valid(&x.from, (u64)(x.at - x.from.mem), n, t, list.items) &&
               canon_store_list_valid(&target, &list, t, at);
    }
    canon_scratch_leave(s);
    return fine;
}
