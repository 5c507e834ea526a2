/* task.c - tasks: their stacks, starting and resuming, calls from host functions, unwinding, traps. */
#include "exec.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_SLOTS 512
#define TICKS       16384 /* between looks at fuel and interrupts */
#define NESTS_MAX   200
#define C_STACK_MAX ((uintptr_t)3 << 20) /* what nested calls may take of it */
#define POOL_MAX    64
#define STEP_BYTES  16 /* a step of the search for a handler costs what it costs to touch these */

/* ---- Stacks ------------------------------------------------------------------------------------------------- */

static u64 stack_bytes(const struct engine_task *t)
{
    return sizeof(*t) + t->cap * sizeof(u64);
}

static int move_stack(struct engine_task *t, u64 cap)
{
    u64 more = (cap - t->cap) * sizeof(u64);
    if (!engine_has_room(t->store, more))
        return TRAP_TASKS;
    u64 *stack = malloc(cap * sizeof(u64));
    if (!stack)
        return TRAP_HOST_MEMORY;
    u64 at = (u64)(t->sp - t->stack);
    memcpy(stack, t->stack, (cap < t->cap ? cap : t->cap) * sizeof(u64));
    if (cap > t->cap)
        memset(stack + t->cap, 0, (cap - t->cap) * sizeof(u64));
    if (ENGINE_TORTURE & TORTURE_STACK)
        memset(t->stack, 0xdd, t->cap * sizeof(u64));
    free(t->stack);
    engine_keep(t->store, more);
    t->stack = stack;
    t->cap = (u32)cap;
    t->sp = stack + at;
    t->limit = stack + cap;
    return RUN_DONE;
}

int engine_stack_room(struct engine_task *t, u64 slots)
{
    if (slots <= (u64)(t->limit - t->sp))
        return RUN_DONE;
    u64 need = (u64)(t->sp - t->stack) + slots;
    u64 max = t->store->limits.stack_slots;
    if (need > max)
        return TRAP_STACK;
    u64 cap = (u64)t->cap * 2;
    if (cap < need)
        cap = need;
    return move_stack(t, cap < max ? cap : max);
}

int engine_stack_grow(struct engine_task *t)
{
    int r = engine_stack_room(t, (u64)(t->need_from - t->sp) + t->need_entry[-1].u);
    if (r == RUN_DONE && (ENGINE_TORTURE & TORTURE_STACK) && t->cap <= 16384)
        r = move_stack(t, t->cap);
    return r;
}

/* ---- Fuel and interruption ---------------------------------------------------------------------------------- */

static void give_fuel_back(struct engine_task *t)
{
    struct engine_store *s = t->store;
    if (s->limits.fuel && t->ticks > 0)
        s->fuel += (u64)t->ticks;
    t->ticks = 0;
    if (s->drew == t)
        s->drew = NULL;
}

int engine_tick(struct engine_task *t)
{
    struct engine_store *s = t->store;
    if (engine_take_interrupt(s)) {
        return TRAP_INTERRUPTED;
    }
    u64 take = ENGINE_TORTURE & TORTURE_FUEL ? 1 : TICKS;
    if (s->limits.fuel) {
        if (s->drew && s->drew != t)
            give_fuel_back(s->drew); /* it waits for its host function, which runs this one */
        if (s->fuel == 0) {
            t->ticks = 0;
            if (t->nest)
                return TRAP_FUEL;
            t->out_of_fuel = true;
            return RUN_SUSPEND;
        }
        take = take < s->fuel ? take : s->fuel;
        s->fuel -= take;
        s->drew = t;
    }
    t->ticks = (i64)take;
    return ENGINE_TORTURE & TORTURE_FUEL ? RUN_YIELD : RUN_DONE;
}

int engine_turn(struct engine_task *t)
{
    int r = engine_tick(t);
    if (r != RUN_SUSPEND && r <= 0)
        t->ticks--;
    return r;
}

void engine_interrupt(struct engine_store *s)
{
    s->interrupted = 1;
}

bool engine_take_interrupt(struct engine_store *s)
{
    if (!s->interrupted)
        return false; /* a signal that comes now counts at the next look */
    s->interrupted = 0;
    return true;
}

const char *engine_work(struct engine_store *s, u64 turns)
{
    if (engine_take_interrupt(s))
        return engine_trap_text[TRAP_INTERRUPTED];
    if (!s->limits.fuel || !turns)
        return NULL;
    if (s->drew)
        give_fuel_back(s->drew); /* it waits for the host function that works */
    if (s->fuel < turns) {
        s->fuel = 0;
        return engine_trap_text[TRAP_FUEL];
    }
    s->fuel -= turns;
    return NULL;
}

/* ---- Frames ------------------------------------------------------------------------------------------------- */

void engine_set_instance(struct engine_task *t, struct engine_instance *i)
{
    t->inst = i;
    t->own = i->own;
}

static const union cell *return_of(const u64 *record)
{
    return (const union cell *)(uintptr_t)record[0];
}

/* The innermost range that starts at the cell or before it; one around that may be the first that the cell is in. */
static u32 last_range(const struct engine_code *code, u32 cell)
{
    u32 low = 0, high = code->try_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (code->tries[middle].start <= cell)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The clause of this frame that takes the exception, or NULL. */
static const struct catch_clause *clause_of(const struct walk *w, const struct object *e,
                                            u64 *steps)
{
    u32 cell = (u32)(w->ip - w->code->cells);
    for (u32 i = last_range(w->code, cell); i > 0; i = w->code->tries[i - 1].outer) {
        const struct try_range *range = &w->code->tries[i - 1];
        ++*steps;
        if (cell >= range->end)
            continue;
        for (u32 k = 0; k < range->count; k++) {
            const struct catch_clause *c = &w->code->catches[range->first + k];
            if (c->kind >= 2 || w->inst->tags[c->tag] == e->tag)
                return c;
        }
        *steps += range->count;
    }
    return NULL;
}

static void enter_clause(struct engine_task *t, const struct handler_found *h)
{
    const struct object *e = (const struct object *)(uintptr_t)t->exception;
    u64 *sp = t->stack + h->sp, *to = sp + h->clause->slot;
    if (h->clause->kind < 2) {
        memcpy(to, e->data, e->length * sizeof(u64));
        to += e->length;
    }
    if (h->clause->kind & 1)
        *to = t->exception;
    t->ip = h->code->cells + h->clause->target;
    t->sp = sp;
    t->exception = 0;
    engine_set_instance(t, h->inst);
}

/* RUN_DONE, or a trap. */
static int find_handler(struct engine_task *t)
{
    struct walk w = {.store = t->store, .ip = t->ip, .sp = t->sp, .inst = t->inst};
    const struct object *e = (const struct object *)(uintptr_t)t->exception;
    u64 steps = 0;
    const struct catch_clause *c = NULL;
    int r = RUN_DONE;
    while (engine_walk_here(&w)) {
        c = clause_of(&w, e, &steps);
        if (c)
            break;
        if (t->store->interrupted) {
            r = engine_tick(t);
            break;
        }
        steps++;
        if (!engine_walk_out(&w))
            break;
    }
    t->searched += steps;
    if (!c)
        return r == RUN_DONE ? (int)TRAP_EXCEPTION : r;
    t->found =
        (struct handler_found){c, w.code, w.inst, (u64)(w.sp - t->stack), steps * STEP_BYTES};
    return RUN_DONE;
}

int engine_unwind(struct engine_task *t)
{
    /* Tried again after a wait for fuel, it has found what it looks for. */
    int r = t->found.clause ? RUN_DONE : find_handler(t);
    if (r == RUN_DONE)
        r = engine_charge(t, t->found.price);
    if (r == RUN_DONE)
        enter_clause(t, &t->found);
    if (r != RUN_SUSPEND)
        t->found.clause = NULL;
    return r;
}

/* ---- Slow parts of calls --------------------------------------------------------------------------------------- */

int engine_first_call(struct engine_task *t)
{
    union cell *at = (union cell *)(uintptr_t)t->ip;
    bool tail = at->u == engine_cell_of(H_TAIL_CALL_FIRST).u;
    union cell *callee = at + (tail ? 2 : 1);
    struct engine_code *code = engine_code_at(t->inst->module, (u32)callee->u);
    int r = (int)engine_translate(code);
    if (r != RUN_DONE)
        return r;
    if (tail)
        callee->ptr = code;
    else
        callee->p = code->entry;
    *at = engine_cell_of(tail ? H_TAIL_CALL : H_CALL);
    return RUN_DONE;
}

/* What stands for functions that were never called is no code of f. */
static int translated(struct engine_func *f)
{
    if (f->host || f->code->module)
        return RUN_DONE;
    struct engine_code *code = engine_code_at(f->instance->module, f->index);
    int r = (int)engine_translate(code);
    if (r == RUN_DONE)
        f->code = code;
    return r;
}

int engine_first_entry(struct engine_task *t, struct engine_func *f)
{
    int r = translated(f);
    if (r == RUN_DONE)
        r = engine_stack_room(t, f->code->entry[-1].u);
    if (r == RUN_DONE) {
        t->ip = f->code->entry;
        return r;
    }
    /* The trap is the caller's. */
    struct walk w = {.store = t->store, .ip = t->ip, .sp = t->sp, .inst = t->inst, .code = f->code};
    if (engine_walk_out(&w)) {
        t->ip = w.ip;
        t->sp = w.sp;
        engine_set_instance(t, w.inst);
    }
    return r;
}

void engine_tail_move(struct engine_task *t, u64 *sp, struct word w, u32 record)
{
    u64 r0 = sp[w.a], r1 = sp[w.a + 1], r2 = sp[w.a + 2];
    memmove(sp, sp + w.d, w.off * sizeof(u64));
    if (engine_is_restore((const union cell *)(uintptr_t)r0))
        r0 = (u64)(uintptr_t)engine_restore_stub(t->store, record);
    sp[record] = r0;
    sp[record + 1] = r1;
    sp[record + 2] = r2;
}

void engine_tail_call(struct engine_task *t, u64 *sp, struct word w, struct engine_func *f)
{
    u32 record = f->code->record;
    engine_tail_move(t, sp, w, record);
    if (!f->instance || f->instance == t->inst)
        return;
    const union cell *to = return_of(sp + record);
    if (to != t->store->exit_stub && !engine_is_restore(to)) {
        sp[record] = (u64)(uintptr_t)engine_restore_stub(t->store, record);
        sp[record + 1] = (u64)(uintptr_t)t->inst;
        sp[record + 2] = (u64)(uintptr_t)to;
    }
    engine_set_instance(t, f->instance);
}

bool engine_fits(struct engine_task *t, const struct engine_func *f, u32 type_id)
{
    return validate_is_subtype(t->store->types, f->type_id, type_id);
}

/* Where on the stack a slot is; t->cap or more if it is elsewhere. */
static inline u64 slot_of(const struct engine_task *t, const u64 *slot)
{
    return ((uintptr_t)slot - (uintptr_t)t->stack) / sizeof(u64);
}

/* memmove; what most functions take costs no call. */
static inline void move_slots(u64 *to, const u64 *from, u32 n)
{
    if (n > 4) {
        memmove(to, from, n * sizeof(u64));
    } else if (n) {
        u64 first = from[0], second = n > 1 ? from[1] : 0, third = n > 2 ? from[2] : 0;
        if (n > 3)
            to[3] = from[3];
        if (n > 2)
            to[2] = third;
        if (n > 1)
            to[1] = second;
        to[0] = first;
    }
}

/* The host function works on a copy of its slots, as the stack may move below it. */
int engine_host_call(struct engine_task *t, struct host *h)
{
    u64 few[16], *slots = few;
    u32 n = h->code.record;
    struct arena_temp many;
    if (n > LENGTH_OF(few)) {
        arena_temp_begin(&many);
        slots = arena_array(&many.arena, u64, n);
    }
    move_slots(slots, t->sp, n);
    enum engine_outcome outcome = h->fn(h->env, t, slots);
    move_slots(t->sp, slots, n);
    if (slots != few)
        arena_temp_end(&many);
    switch (outcome) {
    case ENGINE_DONE:
        if (ENGINE_TORTURE & TORTURE_SUSPEND) {
            t->ip += 2;
            return RUN_YIELD;
        }
        return RUN_DONE;
    case ENGINE_TRAPPED:
        if (!t->trap.message.ptr)
            engine_trap(t, "host function failed");
        return RUN_TRAPPED;
    default:
        if (t->nest)
            return TRAP_NESTED_SUSPEND;
        t->suspended_by = h;
        return RUN_SUSPEND;
    }
}

/* ---- Tasks ------------------------------------------------------------------------------------------------------ */

/* Those that an unwinding has left: what they were is gone from the C stack. */
static void forget_nests(struct engine_task *t)
{
    t->nest = NULL;
    t->nests = 0;
}

struct engine_task *engine_task_new(struct engine_store *s)
{
    struct engine_task *t = s->pool;
    if (!t) {
        t = s->pool = mem_alloc(sizeof(*t));
        s->pooled++;
        t->store = s;
    }
    if (!t->stack) {
        u32 cap = FIRST_SLOTS < s->limits.stack_slots ? FIRST_SLOTS : s->limits.stack_slots;
        t->stack = mem_alloc(cap * sizeof(u64));
        t->cap = cap;
    }
    s->pool = t->next;
    s->pooled--;
    t->limit = t->stack + t->cap;
    t->sp = t->stack;
    t->state = TASK_IDLE;
    forget_nests(t);
    engine_keep(s, stack_bytes(t));
    engine_set_instance(t, &s->no_instance);
    t->previous = NULL;
    t->next = s->tasks;
    if (s->tasks)
        s->tasks->previous = t;
    s->tasks = t;
    return t;
}

static void forget_trap(struct engine_task *t)
{
    t->exception = 0;
    if (!t->trap.message.ptr && !t->trap_arena.used)
        return;
    arena_free(&t->trap_arena);
    t->trap_arena = (struct arena){0};
    t->trap = (struct engine_trap){0};
}

void engine_task_free(struct engine_task *t)
{
    struct engine_store *s = t->store;
    give_fuel_back(t);
    forget_trap(t);
    engine_leave_wait(t);
    engine_let_go(s, stack_bytes(t));
    if (t->previous)
        t->previous->next = t->next;
    else
        s->tasks = t->next;
    if (t->next)
        t->next->previous = t->previous;
    if (s->pooled >= POOL_MAX || t->cap > 16 * FIRST_SLOTS) {
        free(t->stack);
        mem_free(t);
        return;
    }
    /* What outlives a run; to clear all of it costs as much as a short call does. */
    t->acc = 0;
    t->out_of_fuel = false;
    t->suspended_by = NULL;
    t->data = NULL;
    t->next = s->pool;
    s->pool = t;
    s->pooled++;
}

void engine_task_set_data(struct engine_task *t, void *data)
{
    t->data = data;
}
void *engine_task_data(struct engine_task *t)
{
    return t->data;
}
struct engine_store *engine_task_store(struct engine_task *t)
{
    return t->store;
}
struct engine_instance *engine_task_instance(struct engine_task *t)
{
    return t->inst == &t->store->no_instance ? NULL : t->inst;
}

/* Runs until there is something to tell. */
static enum engine_outcome run(struct engine_task *t)
{
    t->state = TASK_RUNNING;
    t->store->operand_count = 0; /* an unwinding may have left some */
    int r;
    do
        r = engine_run(t);
    while (r == RUN_YIELD);
    if (r == RUN_SUSPEND) {
        t->state = TASK_SUSPENDED;
        give_fuel_back(t);
        return ENGINE_SUSPENDED;
    }
    if (r > 0)
        engine_trap_raise(t, (enum trap)r);
    if (!t->nest) {
        t->state = TASK_IDLE;
        give_fuel_back(t);
    }
    return r == RUN_DONE ? ENGINE_DONE : ENGINE_TRAPPED;
}

/* Makes a frame of f, `above` slots above t->sp; its arguments may be on the stack. The task may stop before the first instruction: it then
 * stands in code that is known by its address, so that the collector and backtraces find the frame. */
static inline int enter(struct engine_task *t, struct engine_func *f, u64 above, const u64 *slots)
{
    int r = translated(f);
    if (r != RUN_DONE)
        return r;
    u64 need = above + f->code->entry[-1].u;
    if (need > (u64)(t->limit - t->sp)) {
        u64 at = slot_of(t, slots);
        bool inside = at < t->cap;
        r = engine_stack_room(t, need);
        if (r != RUN_DONE)
            return r;
        slots = inside ? t->stack + at : slots;
    }
    t->sp += above;
    move_slots(t->sp, slots, f->code->params);
    t->sp[f->code->record] = (u64)(uintptr_t)t->store->exit_stub;
    t->ip = f->code->entry;
    t->acc = (u64)(uintptr_t)f;
    if (f->instance)
        engine_set_instance(t, f->instance);
    return RUN_DONE;
}

enum engine_outcome engine_start(struct engine_task *t, struct engine_func *f, const u64 *slots)
{
    forget_trap(t);
    forget_nests(t);
    t->state = TASK_IDLE;
    t->out_of_fuel = false;
    t->paid = 0;
    t->found.clause = NULL;
    engine_leave_wait(t);
    t->suspended_by = NULL;
    t->sp = t->stack;
    int r = enter(t, f, 0, slots);
    t->result_slots = f->code->results;
    if (r == RUN_DONE && --t->ticks < 0)
        r = engine_turn(t); /* a host may start functions for ever that neither loop nor call */
    if (r > 0) {
        t->ip = t->store->exit_stub;
        engine_trap_raise(t, (enum trap)r);
        return ENGINE_TRAPPED;
    }
    if (r == RUN_SUSPEND) {
        t->state = TASK_SUSPENDED;
        return ENGINE_SUSPENDED;
    }
    return run(t);
}

enum engine_outcome engine_resume(struct engine_task *t, const u64 *results)
{
    t->out_of_fuel = false;
    if (t->suspended_by) {
        move_slots(t->sp, results, t->suspended_by->code.results);
        t->suspended_by = NULL;
        t->ip += 2;
    }
    return run(t);
}

const u64 *engine_results(const struct engine_task *t)
{
    return t->sp;
}
bool engine_out_of_fuel(const struct engine_task *t)
{
    return t->out_of_fuel;
}

u32 engine_task_slots(const struct engine_task *t)
{
    return t->cap;
}

u32 engine_max_slots(const struct engine_store *s)
{
    return s->limits.stack_slots;
}

/* A nested call is the one thing that recurses on the C stack. */
static bool nests_too_deep(struct engine_task *t)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (!t->nest)
        t->c_base = here;
    uintptr_t used = here < t->c_base ? t->c_base - here : here - t->c_base;
    return t->nests >= NESTS_MAX || used > C_STACK_MAX;
}

enum engine_outcome engine_call_nested(struct engine_task *t, struct engine_func *f, u64 *slots)
{
    struct nest nest = {t->nest, t->ip, (u64)(t->sp - t->stack), t->inst};
    u64 at = slot_of(t, slots);
    bool inside = at < t->cap;
    u64 frame = t->ip[-1].u; /* a host function's code: its instruction is the first */
    int r = nests_too_deep(t) ? (int)TRAP_STACK : enter(t, f, frame, slots);
    enum engine_outcome outcome = ENGINE_TRAPPED;
    if (r != RUN_DONE) {
        t->sp = t->stack + nest.sp;
        engine_trap_raise(t, (enum trap)r);
    } else {
        t->nest = &nest;
        t->nests++;
        outcome = run(t);
        t->nests--;
        t->nest = nest.outer;
        if (outcome == ENGINE_DONE)
            move_slots(inside ? t->stack + at : slots, t->sp, f->code->results);
    }
    t->state = TASK_RUNNING;
    t->ip = nest.ip;
    t->sp = t->stack + nest.sp;
    engine_set_instance(t, nest.inst);
    return outcome;
}
