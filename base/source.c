/* source.c - the files that were read, and places in them. */
#include "base.h"

u32 sources_add(struct sources *s, str path, str text, enum source_kind kind)
{
    *vec_push(s->arena, &s->list) = (struct source){.path = path, .text = text, .kind = kind};
    return s->list.len;
}

struct source *sources_get(struct sources *s, u32 number)
{
    return number && number <= s->list.len ? &s->list.data[number - 1] : NULL;
}

static void index_lines(struct sources *s, struct source *source)
{
    VEC(u32) starts = {0};
    *vec_push(s->arena, &starts) = 0;
    for (size_t i = 0; (i = str_find_char(source->text, '\n', i)) != SIZE_MAX;) {
        *vec_push(s->arena, &starts) = (u32)++i;
    }
    source->line_starts = starts.data;
    source->line_count = starts.len;
}

void source_locate(struct sources *s, u32 number, u32 offset, u32 *line, u32 *column)
{
    struct source *source = sources_get(s, number);
    *line = *column = 1;
    if (!source) {
        return;
    }
    if (!source->line_starts) {
        index_lines(s, source);
    }
    u32 low = 0, high = source->line_count;
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;
        *(source->line_starts[middle] <= offset ? &low : &high) = middle;
    }
    *line = low + 1;
    u32 end = offset < source->text.len ? offset : (u32)source->text.len;
    for (u32 i = source->line_starts[low]; i < end; i++) {
        *column += ((u8)source->text.ptr[i] & 0xc0) != 0x80;
    }
}
