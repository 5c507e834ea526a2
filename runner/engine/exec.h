/* exec.h - what the bodies of handlers are written in. Include after defining ENGINE_TAIL to 0 or 1. */
#ifndef WITC_ENGINE_EXEC_H
#define WITC_ENGINE_EXEC_H

#include "engine_internal.h"
#include "exec_vector.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define W (ip[1].w)

#define RELOAD                                       \
    do {                                             \
        struct engine_memory *m0 = t->inst->memory0; \
        mem = m0->data;                              \
        memlen = m0->size;                           \
    } while (0)

#if ENGINE_TAIL
#define OP_ARGS                                                                                    \
    const union cell *ip, u64 *sp, u8 *mem, u64 memlen, struct engine_task *t, u64 acc, double fd, \
        float fs
#define OP_VALUES ip, sp, mem, memlen, t, acc, fd, fs
#if defined(__clang__)
#define MUSTTAIL __attribute__((musttail))
#else
#define MUSTTAIL
#endif
#define DISPATCH   MUSTTAIL return ip->op(OP_VALUES)
#define SLOW(what) MUSTTAIL return engine_slow_##what(OP_VALUES)
#if defined(__GNUC__) && !defined(__clang__)
#define AS_WRITTEN __attribute__((noipa)) /* GCC else moves parameters, in the handlers that call */
#else
#define AS_WRITTEN
#endif
/* Out of line: within a handler they would cost it its registers. */
AS_WRITTEN __attribute__((noinline, cold)) engine_op engine_slow_tick, engine_slow_turn,
    engine_slow_stack, engine_slow_other, engine_slow_indirect, engine_slow_trap;
#else
#define DISPATCH   goto next
#define SLOW(what) goto slow_##what
#endif

#define NEXT(n)    \
    do {           \
        ip += (n); \
        DISPATCH;  \
    } while (0)
#define JUMP(distance)    \
    do {                  \
        ip += (distance); \
        DISPATCH;         \
    } while (0)
#define JUMP_BACK(distance)           \
    do {                              \
        ip += (distance);             \
        if (UNLIKELY(--t->ticks < 0)) \
            SLOW(turn);               \
        DISPATCH;                     \
    } while (0)
#define TRAP(id)                  \
    do {                          \
        t->trap_code = TRAP_##id; \
        SLOW(trap);               \
    } while (0)

/* Room for the frame at s of the code at entry, and a tick; else the slow path, which tries the instruction again. */
#define GROW_FOR(entry, s)     \
    do {                       \
        t->need_entry = entry; \
        t->need_from = s;      \
        SLOW(stack);           \
    } while (0)
#if ENGINE_TORTURE & TORTURE_STACK
#define TORTURE_MOVE(entry, s)  \
    if ((t->moved = !t->moved)) \
        GROW_FOR(entry, s);
#else
#define TORTURE_MOVE(entry, s)
#endif
#define ENTER_CHECK(entry, s)                     \
    TORTURE_MOVE(entry, s)                        \
    if (UNLIKELY((s) + (entry)[-1].u > t->limit)) \
        GROW_FOR(entry, s);                       \
    if (UNLIKELY(--t->ticks < 0))                 \
    SLOW(tick)
#define SET_RETURN(s, record, to) (s)[record] = (u64)(uintptr_t)(to)
/* Reads a field of the code again rather than have it in a register that the handler would have to save first. */
#define AGAIN(field) (*(const volatile u32 *)&(field))
/* Calls a function of this instance or of the host; one of another. */
#define CALL_HERE(f, word, n)                       \
    do {                                            \
        const union cell *entry = (f)->code->entry; \
        ENTER_CHECK(entry, sp + AGAIN((word).off)); \
        u64 *s = sp + AGAIN((word).off);            \
        SET_RETURN(s, (word).a, ip + (n));          \
        acc = (u64)(uintptr_t)(f);                  \
        sp = s;                                     \
        ip = entry;                                 \
        DISPATCH;                                   \
    } while (0)
#define CALL_OTHER(f, stub, word, n)                \
    do {                                            \
        const union cell *entry = (f)->code->entry; \
        u64 *s = sp + (word).off;                   \
        u64 *record = s + (word).a;                 \
        ENTER_CHECK(entry, s);                      \
        record[0] = (u64)(uintptr_t)(stub);         \
        record[1] = (u64)(uintptr_t)t->inst;        \
        record[2] = (u64)(uintptr_t)(ip + (n));     \
        engine_set_instance(t, (f)->instance);      \
        RELOAD;                                     \
        acc = (u64)(uintptr_t)(f);                  \
        sp = s;                                     \
        ip = entry;                                 \
        DISPATCH;                                   \
    } while (0)
#define FIND_INDIRECT(f, index, table_)                             \
    do {                                                            \
        const struct engine_table *table = t->inst->tables[table_]; \
        u64 at = (index);                                           \
        if (UNLIKELY(at >= table->size))                            \
            TRAP(UNDEFINED);                                        \
        f = func_of(table->elems[at]);                              \
        if (UNLIKELY(!f))                                           \
            TRAP(UNINITIALIZED);                                    \
    } while (0)
#define RETURN_TO(record)                               \
    do {                                                \
        ip = (const union cell *)(uintptr_t)sp[record]; \
        sp -= ip[-1].w.off;                             \
        DISPATCH;                                       \
    } while (0)
/* Calls the function for the first time: its number stands where its code is to stand. */
#define FIRST_CALL                    \
    do {                              \
        t->ip = ip;                   \
        t->sp = sp;                   \
        int r = engine_first_call(t); \
        if (r != RUN_DONE)            \
            return r;                 \
        DISPATCH;                     \
    } while (0)
/* Room for the code at `entry` on this frame, and a tick. */
#define TAIL_CHECK(entry) ENTER_CHECK(entry, sp)
#define ADDRESS(m, address)                                                     \
    do {                                                                        \
        u64 from = (address);                                                   \
        acc = from + ip[2].u;                                                   \
        if (UNLIKELY(acc < from || acc > (m)->size || (m)->size - acc < W.off)) \
            TRAP(MEMORY);                                                       \
        acc += (u64)(uintptr_t)(m)->data;                                       \
    } while (0)

static inline struct engine_func *func_of(u64 ref)
{
    return (struct engine_func *)(uintptr_t)ref;
}
static inline void *host_pointer(u64 acc)
{
    return (void *)(uintptr_t)acc;
}

/* Makes the frame of a tail call of this one: arguments to its start, the record after them. */
void engine_tail_move(struct engine_task *t, u64 *sp, struct word w, u32 record);
void engine_tail_call(struct engine_task *t, u64 *sp, struct word w, struct engine_func *f);
bool engine_fits(struct engine_task *t, const struct engine_func *f, u32 type_id);
/* Translates what the instruction at t->ip calls, and makes a plain call of it. */
int engine_first_call(struct engine_task *t);
/* The same for f, whose frame is t->sp: goes to its code. */
int engine_first_entry(struct engine_task *t, struct engine_func *f);
int engine_stack_grow(struct engine_task *t);

#endif
