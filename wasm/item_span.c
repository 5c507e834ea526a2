/* item_span.c - where an item stands in its section. Looked up only to say what is wrong with it, so the model keeps no places of
 * what is small and plentiful. */
#include "wasm.h"

static void skip_limits(struct wasm_cursor *c)
{
    u8 flags = wasm_get_byte(c);
    wasm_get_u64(c);
    if (flags & 1)
        wasm_get_u64(c);
    if (flags & 8)
        wasm_get_u32(c);
}

static void skip_table(struct wasm_cursor *c)
{
    bool has_init = c->at != c->end && *c->at == 0x40;
    if (has_init)
        wasm_get_bytes(c, 2);
    wasm_get_reftype(c);
    skip_limits(c);
    if (has_init)
        wasm_skip_expr(c);
}

static void skip_item(struct wasm_cursor *c, enum wasm_section section)
{
    switch (section) {
    case WASM_SECTION_FUNC: wasm_get_u32(c); break;
    case WASM_SECTION_TABLE: skip_table(c); break;
    case WASM_SECTION_MEMORY: skip_limits(c); break;
    case WASM_SECTION_GLOBAL:
        wasm_get_valtype(c);
        wasm_get_byte(c);
        wasm_skip_expr(c);
        break;
    case WASM_SECTION_TAG:
        wasm_get_byte(c);
        wasm_get_u32(c);
        break;
    case WASM_SECTION_START: break;
    }
}

static struct wasm_cursor cursor_at(const struct wasm_module *m, u32 start, u32 end)
{
    return wasm_cursor_of(m->source, str_sub(m->bytes, start - m->base, end - m->base), start);
}

span wasm_item_span(const struct wasm_module *m, enum wasm_section section, u32 index)
{
    for (u32 i = 0; i < m->sections.len; i++) {
        const struct wasm_section_span *s = &m->sections.data[i];
        if (s->id != section)
            continue;
        struct wasm_cursor c = cursor_at(m, s->start, s->end);
        u32 count = section == WASM_SECTION_START ? 0 : wasm_get_u32(&c);
        for (u32 k = 0; k < count && !c.failed && c.at != c.end; k++) {
            u32 start = wasm_cursor_offset(&c);
            skip_item(&c, section);
            if (k == index)
                return (span){m->source, start, wasm_cursor_offset(&c)};
        }
        return (span){m->source, s->start, s->end};
    }
    return (span){m->source, m->base, m->base};
}

span wasm_elem_func_span(const struct wasm_module *m, const struct wasm_elem *e, u32 index)
{
    struct wasm_cursor c = cursor_at(m, e->at.start, e->at.end);
    u32 flags = wasm_get_u32(&c);
    bool active = !(flags & 1);
    if (active && flags & 2)
        wasm_get_u32(&c);
    if (active)
        wasm_skip_expr(&c);
    if (flags & 3)
        wasm_get_byte(&c); /* the kind */
    wasm_get_u32(&c);
    for (u32 i = 0; i < index; i++)
        wasm_get_u32(&c);
    u32 start = wasm_cursor_offset(&c);
    wasm_get_u32(&c);
    return c.failed ? e->at : (span){m->source, start, wasm_cursor_offset(&c)};
}
