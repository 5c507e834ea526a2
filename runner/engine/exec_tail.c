/* exec_tail.c - control instructions as tail-called functions, their slow paths, and the table of all handlers. */
#include "engine_internal.h"

#if ENGINE_TAIL
#include "exec_tail.h"

#include "forms.h"

#include "control.def"

int engine_slow_tick(OP_ARGS)
{
    t->ip = ip;
    t->sp = sp;
    t->acc = acc;
    int r = engine_tick(t);
    if (r != RUN_DONE)
        return r;
    DISPATCH;
}

int engine_slow_turn(OP_ARGS)
{
    t->ip = ip;
    t->sp = sp;
    t->acc = acc;
    int r = engine_turn(t);
    if (r != RUN_DONE)
        return r;
    DISPATCH;
}

int engine_slow_stack(OP_ARGS)
{
    t->ip = ip;
    t->sp = sp;
    int r = engine_stack_grow(t);
    if (r != RUN_DONE)
        return r;
    sp = t->sp;
    DISPATCH;
}

int engine_slow_other(OP_ARGS)
{
    struct engine_func *f = func_of(acc);
    CALL_OTHER(f, ip[1].p, ip[2].w, 3);
}

int engine_slow_indirect(OP_ARGS)
{
    if (func_of(acc)->type_id != W.off && !engine_fits(t, func_of(acc), W.off))
        TRAP(INDIRECT_TYPE);
    NEXT(2);
}

int engine_slow_trap(OP_ARGS)
{
    (void)mem, (void)memlen, (void)acc, (void)fd, (void)fs;
    t->ip = ip;
    t->sp = sp;
    t->acc = acc; /* to tell why */
    return t->trap_code;
}

#undef HANDLER
#define HANDLER(id, ...) engine_h_##id,
static engine_op *const handlers[H_COUNT] = {
#include "handlers.def"
};

union cell engine_cell_of(enum handler h)
{
    return (union cell){.op = handlers[h]};
}

int engine_run(struct engine_task *t)
{
    const struct engine_memory *m = t->inst->memory0;
    return t->ip->op(t->ip, t->sp, m->data, m->size, t, t->acc, 0, 0);
}

#endif
