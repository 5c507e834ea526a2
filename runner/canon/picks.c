/* picks.c - see picks.h. Where order counts a removal leaves a hole; holes go when they are at an end, or when there is no room. */
#include "picks.h"

static void put(struct picks *q, u32 at, void *x, size_t place)
{
    picks_data(q)[at] = x;
    if (x) {
        memcpy((u8 *)x + place, &at, sizeof at);
    }
}

static u32 place_of(const void *x, size_t place)
{
    u32 at;
    memcpy(&at, (const u8 *)x + place, sizeof at);
    return at;
}

static void close_holes(struct picks *q, size_t place)
{
    void **data = picks_data(q);
    u32 n = 0;
    for (u32 i = q->first; i < q->len; i++) {
        if (data[i]) {
            put(q, n++, data[i], place);
        }
    }
    q->first = q->holes = 0;
    q->len = n;
}

static void grow(struct picks *q)
{
    u32 cap = q->cap ? 2 * q->cap : 4;
    void *one = q->one;
    void **data = mem_realloc(q->cap ? q->data : NULL, cap * sizeof *data);
    if (!q->cap) {
        data[0] = one;
    }
    q->data = data;
    q->cap = cap;
}

void picks_make_room(struct picks *q, size_t place)
{
    if (q->cap && picks_count(q) <= q->cap / 2) {
        close_holes(q, place);
    } else {
        grow(q);
    }
}

void picks_remove_of_many(struct picks *q, void *x, size_t place, bool in_order)
{
    void **data = picks_data(q);
    u32 at = place_of(x, place);
    if (in_order) {
        data[at] = NULL;
        q->holes++;
    } else {
        put(q, at, data[--q->len], place);
    }
    while (!data[q->len - 1]) {
        q->len--;
        q->holes--;
    }
    while (!data[q->first]) { /* it does not get empty: others are in it */
        q->first++;
        q->holes--;
    }
}

void *picks_get(struct picks *q, u32 number, size_t place)
{
    if (number && q->holes) {
        close_holes(q, place);
    }
    return picks_data(q)[q->first + number];
}

u32 picks_number(struct picks *q, const void *x, size_t place)
{
    if (q->holes) {
        close_holes(q, place);
    }
    return place_of(x, place) - q->first;
}

void picks_swap(struct picks *q, u32 a, u32 b, size_t place)
{
    void **data = picks_data(q), *x = data[a];
    put(q, a, data[b], place);
    put(q, b, x, place);
}

void picks_free(struct picks *q)
{
    if (q->cap) {
        mem_free(q->data);
    }
    *q = (struct picks){0};
}
