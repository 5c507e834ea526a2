/* bulk.c - what instructions on many bytes cost, and how they stay interruptible. */
#include "engine_internal.h"

#define TICK_BYTES 1024 /* touched for the price of a loop turn */

int engine_charge(struct engine_task *t, u64 bytes)
{
    u64 price = bytes / TICK_BYTES;
    if (price == 0 || t->state != TASK_RUNNING) { /* constant expressions are free */
        t->paid = 0; /* of the same instruction, before another task changed what it works on */
        return RUN_DONE;
    }
    while (price - t->paid > (u64)(t->ticks > 0 ? t->ticks : 0)) {
        t->paid += (u64)(t->ticks > 0 ? t->ticks : 0);
        int r = engine_tick(t);
        if (r == RUN_SUSPEND)
            return r;
        if (r > 0) {
            t->paid = 0;
            return r;
        }
    }
    t->ticks -= (i64)(price - t->paid);
    t->paid = 0;
    return RUN_DONE;
}

static int look(struct engine_task *t)
{
    return t->store->interrupted && t->state == TASK_RUNNING ? engine_tick(t) : RUN_DONE;
}

u64 engine_move_piece(void *to, const void *from, u64 bytes, u64 done, u64 *at)
{
    bool upwards = (uintptr_t)to > (uintptr_t)from; /* from the end, as the two may overlap */
    u64 n = bytes - done < ENGINE_PIECE ? bytes - done : ENGINE_PIECE;
    u64 start = upwards ? bytes - done - n : done;
    memmove((u8 *)to + start, (const u8 *)from + start, (size_t)n);
    if (at)
        *at = start;
    return n;
}

int engine_move(struct engine_task *t, void *to, const void *from, u64 bytes)
{
    int r = RUN_DONE;
    for (u64 done = 0; done < bytes && r <= 0; r = look(t))
        done += engine_move_piece(to, from, bytes, done, NULL);
    return r > 0 ? r : RUN_DONE;
}

int engine_fill(struct engine_task *t, void *to, const void *value, u32 size, u64 n)
{
    enum { PATTERN = 4096 };
    u64 bytes = n * size, done = 0;
    u8 *at = to;
    int r = RUN_DONE;
    for (; size > 1 && done < bytes && done < PATTERN; done += size)
        memcpy(at + done, value, size);
    while (done < bytes && r <= 0) {
        u64 piece = bytes - done < ENGINE_PIECE ? bytes - done : ENGINE_PIECE;
        if (size == 1)
            memset(at + done, *(const u8 *)value, (size_t)piece);
        else
            memcpy(at + done, at, (size_t)(piece = piece < done ? piece : done));
        done += piece;
        r = look(t);
    }
    return r > 0 ? r : RUN_DONE;
}
