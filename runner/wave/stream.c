/* stream.c - streams and futures whose elements were written as text. */
#include "wave_internal.h"

struct list_source {
    const struct canon_value *values;
    u32 at, count;
};

static void wanted(void *env, struct canon_end *writable, u32 n)
{
    struct list_source *s = env;
    u32 left = s->count - s->at;
    (void)n; /* no more are taken than the reader waits for */
    if (left) {
        s->at += canon_stream_write(writable, s->values + s->at, left);
    } else {
        canon_stream_close(writable);
    }
}

struct canon_value wave_stream(struct wave_reader *r, const struct canon_type *element,
                               const struct canon_value *values, u32 count)
{
    static const struct canon_source source = {.wanted = wanted};
    struct list_source *s = arena_new(r->arena, struct list_source);
    struct canon_end *writable;
    *s = (struct list_source){values, 0, count};
    return canon_readable(CANON_T_STREAM,
                          canon_stream_new(r->store, element, &source, s, &writable));
}

struct canon_value wave_future(struct wave_reader *r, const struct canon_type *element,
                               const struct canon_value *value)
{
    struct canon_end *writable;
    struct canon_end *readable = canon_future_new(r->store, element, NULL, NULL, &writable);
    canon_future_resolve(writable, value);
    return canon_readable(CANON_T_FUTURE, readable);
}
