/* text_places.c - from the bytes that a text was made into back to the text.
 *
 * Nothing is recorded while all is well: when a diagnostic is shown, the text is assembled once more. */
#include "text.h"

#include <stdlib.h>

void text_place_add(struct text_places *x, size_t offset, span at, bool exact)
{
    if (x)
        *vec_push(x->arena, &x->list) = (struct text_place){
            .offset = (u32)offset, .at = at, .exact = exact, .order = x->list.len};
}

struct origin {
    span text;
    struct features features;
    text_again_fn *again;
    bool made;
    struct text_places places;
};

/* Of places with one offset the last is the innermost. */
static int by_offset(const void *a, const void *b)
{
    const struct text_place *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->exact != y->exact  ? x->exact - y->exact
           : x->order < y->order ? -1
                                 : x->order > y->order;
}

static void make(struct origin *o, struct sources *s)
{
    struct diags ignored;
    diags_init(&ignored, s->arena, s);
    o->made = true;
    o->places.arena = s->arena;
    if (!o->again(s->arena, o->text, o->features, &o->places, &ignored))
        o->places.list.len = 0;
    if (o->places.list.len)
        qsort(o->places.list.data, o->places.list.len, sizeof *o->places.list.data, by_offset);
}

static bool translate(void *context, struct sources *s, u32 offset, span *out, bool *exact)
{
    struct origin *o = context;
    if (!o->made)
        make(o, s);
    u32 low = 0, high = o->places.list.len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (o->places.list.data[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    *out = o->places.list.data[low - 1].at;
    *exact = o->places.list.data[low - 1].exact;
    return true;
}

void text_set_places(struct sources *s, u32 binary, span text, struct features features,
                     text_again_fn *again)
{
    struct origin *o = arena_new(s->arena, struct origin);
    o->text = text;
    o->features = features;
    o->again = again;
    struct source *source = sources_get(s, binary);
    source->translate = translate;
    source->context = o;
}
