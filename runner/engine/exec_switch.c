/* exec_switch.c - all handlers as cases of one switch: for compilers and builds that do not turn tail calls into jumps. */
#include "engine_internal.h"

#if !ENGINE_TAIL
#include "exec.h"

union cell engine_cell_of(enum handler h)
{
    return (union cell){.u = h};
}

int engine_run(struct engine_task *t)
{
    const union cell *ip = t->ip;
    u64 *sp = t->sp;
    u8 *mem;
    u64 memlen, acc = t->acc;
    double fd = 0;
    float fs = 0;
    int status;
    RELOAD;

next:
    switch ((enum handler)ip->u) {
#define HANDLER(id, ...) \
    case H_##id: {       \
        __VA_ARGS__      \
    }
#include "handlers.def"
#undef HANDLER
    case H_COUNT: break;
    }
    return TRAP_UNREACHABLE; /* not reached: code has no other numbers */

slow_tick:
    t->ip = ip;
    t->sp = sp;
    t->acc = acc;
    status = engine_tick(t);
    if (status != RUN_DONE)
        return status;
    goto next;

slow_turn:
    t->ip = ip;
    t->sp = sp;
    t->acc = acc;
    status = engine_turn(t);
    if (status != RUN_DONE)
        return status;
    goto next;

slow_stack:
    t->ip = ip;
    t->sp = sp;
    status = engine_stack_grow(t);
    if (status != RUN_DONE)
        return status;
    sp = t->sp;
    goto next;

slow_other : {
    struct engine_func *f = func_of(acc);
    CALL_OTHER(f, ip[1].p, ip[2].w, 3);
}

slow_indirect:
    if (func_of(acc)->type_id != W.off && !engine_fits(t, func_of(acc), W.off))
        TRAP(INDIRECT_TYPE);
    NEXT(2);

slow_trap:
    t->ip = ip;
    t->sp = sp;
    t->acc = acc; /* to tell why */
    return t->trap_code;
}

#endif
