/* picks.h - queues from which the first is taken, or any one by its number, or one that knows its place: in constant time each. */
#ifndef WITC_PICKS_H
#define WITC_PICKS_H

#include "base.h"

/* Zero is an empty one. What is in it has a u32 for its place, at an offset that each caller gives: of one queue always the same. */
struct picks {
    union {
        void **data; /* owned, unless cap is 0 */
        void *one;
    };
    u32 first, len, cap;
    u32 holes; /* between first and len */
};

static inline u32 picks_count(const struct picks *q)
{
    return q->len - q->first - q->holes;
}
static inline void **picks_data(struct picks *q)
{
    return q->cap ? q->data : &q->one;
}
/* NULL: it is empty. */
static inline void *picks_first(struct picks *q)
{
    return q->len ? picks_data(q)[q->first] : NULL;
}
/* Of picks_count. */
void *picks_get(struct picks *q, u32 number, size_t place);
u32 picks_number(struct picks *q, const void *x, size_t place);
void picks_make_room(struct picks *q, size_t place);
static inline void picks_add(struct picks *q, void *x, size_t place)
{
    if (q->len >= (q->cap ? q->cap : 1)) {
        picks_make_room(q, place);
    }
    picks_data(q)[q->len] = x;
    memcpy((u8 *)x + place, &q->len, sizeof q->len);
    q->len++;
}
/* `in_order`: the others keep their order, else the last one takes its place. */
void picks_remove_of_many(struct picks *q, void *x, size_t place, bool in_order);
static inline void picks_remove(struct picks *q, void *x, size_t place, bool in_order)
{
    if (q->len - q->first == 1) {
        q->first = q->len = 0;
    } else {
        picks_remove_of_many(q, x, place, in_order);
    }
}
void picks_swap(struct picks *q, u32 a, u32 b, size_t place);
void picks_free(struct picks *q);

#endif
