/* text_sections.c - the sections of a core module on their way out: their order, names, and which bytes come from where. */
#include "text_core.h"

/* ---- Places --------------------------------------------------------------------------------------------------------- */

/* Of struct text_place.section: what its offset counts in. */
enum { PLACE_PART = SECTION_COUNT, PLACE_NOWHERE = PLACE_PART + 2 };

static u32 place_kind(const struct text_module *m, const struct buf *out)
{
    if (out == &m->body)
        return SECTION_CODE;
    for (u32 i = 0; i < LENGTH_OF(m->parts); i++) {
        if (out == m->parts[i])
            return PLACE_PART + i;
    }
    for (u32 i = 0; i < SECTION_COUNT; i++) {
        if (out == &m->sections[i].bytes && i != SECTION_CODE)
            return i;
    }
    return PLACE_NOWHERE;
}

void text_begin_parts(struct text_module *m, const struct buf *first, const struct buf *second)
{
    m->parts[0] = first;
    m->parts[1] = second;
    m->part_places = m->places.len;
}

void text_put_part(struct text_module *m, struct buf *out, const struct buf *part)
{
    u32 kind = place_kind(m, part), section = place_kind(m, out);
    for (u32 i = m->part_places; i < m->places.len; i++) {
        struct text_place *x = &m->places.data[i];
        if (x->section == kind) {
            x->section = (u8)section;
            x->offset += (u32)out->len;
        }
    }
    buf_str(out, buf_view(part));
}

void text_module_place(struct text_module *m, const struct buf *out, struct text_token at)
{
    struct text_parser *p = m->p;
    if (!p->places)
        return;
    u32 section = place_kind(m, out);
    if (section == PLACE_NOWHERE)
        return; /* of something that has a place itself */
    *vec_push(p->arena, &m->places) = (struct text_place){
        .offset = (u32)out->len, .section = (u8)section, .at = text_span(p, at), .exact = true};
}

/* ---- Sections in their order -------------------------------------------------------------------------------------------- */

static void put_custom(struct buf *out, str name, str bytes)
{
    struct buf contents = buf_in(out->arena);
    wasm_write_name(&contents, name);
    buf_str(&contents, bytes);
    wasm_write_section(out, 0, buf_view(&contents));
}

static void put_customs(const struct text_module *m, u8 section, bool before, struct buf *out)
{
    for (u32 i = 0; i < m->customs.len; i++) {
        const struct text_custom *c = &m->customs.data[i];
        if (c->section == section && c->before == before)
            put_custom(out, c->name, c->bytes);
    }
}

static void put_names(struct text_module *m, struct buf *out)
{
    struct buf names = buf_in(m->p->arena);
    wasm_write_name(&names, STR("name"));
    size_t empty = names.len;
    if (m->name.ptr) {
        struct buf name = buf_in(m->p->arena);
        wasm_write_name(&name, m->name);
        wasm_write_section(&names, 0, buf_view(&name));
    }
    text_namemap_put(&names, 1, &m->spaces[SPACE_FUNC].shown);
    text_namemap_put(&names, 2, &m->local_names);
    text_namemap_put(&names, 3, &m->label_names);
    text_namemap_put(&names, 4, &m->spaces[SPACE_TYPE].shown);
    text_namemap_put(&names, 5, &m->spaces[SPACE_TABLE].shown);
    text_namemap_put(&names, 6, &m->spaces[SPACE_MEMORY].shown);
    text_namemap_put(&names, 7, &m->spaces[SPACE_GLOBAL].shown);
    text_namemap_put(&names, 8, &m->spaces[SPACE_ELEM].shown);
    text_namemap_put(&names, 9, &m->spaces[SPACE_DATA].shown);
    text_namemap_put(&names, 10, &m->field_names);
    text_namemap_put(&names, 11, &m->spaces[SPACE_TAG].shown);
    text_namemap_put(&names, 12, &m->type_param_names);
    text_namemap_put(&names, 13, &m->tag_param_names);
    if (names.len > empty)
        wasm_write_section(out, 0, buf_view(&names));
}

static void section_places(struct text_module *m, u8 id, size_t base)
{
    for (u32 i = 0; i < m->places.len; i++) {
        struct text_place *x = &m->places.data[i];
        if (x->section == id)
            text_place_add(m->p->places, base + x->offset, x->at, x->exact);
    }
}

void text_put_sections(struct text_module *m, span whole, struct buf *out)
{
    static const u8 order[] = {
        SECTION_TYPE,       SECTION_IMPORT, SECTION_FUNC,   SECTION_TABLE, SECTION_MEMORY,
        SECTION_TAG,        SECTION_GLOBAL, SECTION_EXPORT, SECTION_START, SECTION_ELEM,
        SECTION_DATA_COUNT, SECTION_CODE,   SECTION_DATA,
    };
    struct arena *a = m->p->arena;
    size_t total = 0;
    for (u32 i = 0; i < SECTION_COUNT; i++)
        total += m->sections[i].bytes.len + 16;
    buf_reserve(out, total);
    buf_str(out, STR("\0asm\1\0\0\0"));
    put_customs(m, SECTION_COUNT, true, out);
    for (u32 i = 0; i < LENGTH_OF(order); i++) {
        u8 id = order[i];
        text_place_add(m->p->places, out->len, whole, false);
        struct text_section *s = &m->sections[id];
        put_customs(m, id, true, out);
        if (id == SECTION_CODE && m->hinted_funcs) {
            struct buf hints = buf_in(a);
            text_put_vec(&hints, m->hinted_funcs, &m->hints);
            put_custom(out, STR("metadata.code.branch_hint"), buf_view(&hints));
        }
        if (id == SECTION_START) {
            if (m->has_start) {
                section_places(m, id, out->len);
                wasm_write_section(out, id, buf_view(&s->bytes));
            }
        } else if (id == SECTION_DATA_COUNT) {
            if (m->needs_data_count) {
                buf_uleb(&s->bytes, m->sections[SECTION_DATA].count);
                wasm_write_section(out, id, buf_view(&s->bytes));
            }
        } else if (s->count) {
            struct buf head = buf_in(a);
            buf_uleb(&head, s->count);
            buf_byte(out, id);
            buf_uleb(out, head.len + s->bytes.len);
            buf_str(out, buf_view(&head));
            section_places(m, id, out->len);
            buf_str(out, buf_view(&s->bytes));
        }
        text_place_add(m->p->places, out->len, whole, false);
        put_customs(m, id, false, out);
    }
    put_customs(m, SECTION_COUNT, false, out);
    put_names(m, out);
}
