/* exec_tail.h - turns HANDLER(id, body) into a function that ends in a tail call. For exec_*.c only. */
#ifndef WITC_ENGINE_EXEC_TAIL_H
#define WITC_ENGINE_EXEC_TAIL_H

#include "exec.h"

#define HANDLER(id, ...) engine_op engine_h_##id;
#include "handlers.def"
#undef HANDLER

#define HANDLER(id, ...)                                        \
    int engine_h_##id(OP_ARGS)                                  \
    {                                                           \
        (void)mem, (void)memlen, (void)acc, (void)fd, (void)fs; \
        __VA_ARGS__                                             \
    }

#endif
