/* text_segments.c - element and data segments, custom sections as annotations. */
#include "text_core.h"

void text_offset(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    struct text_token at = p->tok;
    if (text_open(p, "offset")) {
        text_instrs(m, out);
        text_close(p);
    } else {
        text_folded(m, out);
    }
    at.end = p->last_end;
    text_module_place(m, out, at);
    text_byte(out, 0x0b);
}

/* ---- Elements -------------------------------------------------------------------------------------------- */

struct elem {
    enum { MODE_ACTIVE, MODE_PASSIVE, MODE_DECLARED } mode;
    bool has_table, has_exprs;
    u32 table, count;
    struct buf offset, type, items;
    struct text_token at_table, at_type;
};

static void elem_exprs(struct text_module *m, struct elem *e)
{
    struct text_parser *p = m->p;
    e->has_exprs = true;
    for (; p->tok.kind == TEXT_LPAREN; e->count++) {
        struct text_token at = p->tok;
        if (text_open(p, "item")) {
            text_instrs(m, &e->items);
            text_close(p);
        } else {
            text_folded(m, &e->items);
        }
        at.end = p->last_end;
        text_module_place(m, &e->items, at);
        text_byte(&e->items, 0x0b);
    }
}

static void elem_indices(struct text_module *m, struct elem *e, bool as_exprs)
{
    struct text_parser *p = m->p;
    e->has_exprs = as_exprs;
    for (; p->tok.kind == TEXT_NUMBER || p->tok.kind == TEXT_ID; e->count++) {
        text_module_place(m, &e->items, p->tok);
        if (as_exprs)
            text_byte(&e->items, 0xd2);
        text_uleb(&e->items, text_index(m, SPACE_FUNC));
        if (as_exprs)
            text_byte(&e->items, 0x0b);
    }
}

static bool is_funcref(const struct buf *type)
{
    return type->len == 1 && (u8)type->data[0] == HEAP_FUNC;
}

static void put_elem(struct text_module *m, struct elem *e)
{
    struct text_section *s = &m->sections[SECTION_ELEM];
    struct buf *out = &s->bytes;
    bool table =
        e->mode == MODE_ACTIVE && (e->has_table || (e->has_exprs && !is_funcref(&e->type)));
    u8 flags = e->has_exprs ? 4 : 0;
    if (e->mode == MODE_PASSIVE)
        flags |= 1;
    else if (e->mode == MODE_DECLARED)
        flags |= 3;
    else if (table)
        flags |= 2;
    text_byte(out, flags);
    if (table) {
        text_module_place(m, out, e->at_table);
        text_uleb(out, e->table);
    }
    if (e->mode == MODE_ACTIVE)
        text_put_part(m, out, &e->offset);
    text_module_place(m, out, e->at_type);
    if (flags & 3) {
        if (e->has_exprs)
            buf_str(out, buf_view(&e->type));
        else
            text_byte(out, 0x00);
    }
    text_uleb(out, e->count);
    text_put_part(m, out, &e->items);
    text_begin_parts(m, NULL, NULL);
    s->count++;
    m->spaces[SPACE_ELEM].next++;
}

static void begin_elem(struct text_module *m, struct elem *e)
{
    struct arena *a = m->p->arena;
    *e = (struct elem){.offset = buf_in(a),
                       .type = buf_in(a),
                       .items = buf_in(a),
                       .at_table = m->p->tok,
                       .at_type = m->p->tok};
    text_begin_parts(m, &e->offset, &e->items);
    text_instrs_reset(m);
}

void text_elem(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct elem e;
    bool old_form = false;
    begin_elem(m, &e);
    e.mode = MODE_PASSIVE;
    if (text_take(p, "declare")) {
        e.mode = MODE_DECLARED;
    } else {
        if (p->tok.kind == TEXT_NUMBER) {
            e.has_table = old_form = true; /* of the first release */
            e.at_table = p->tok;
            e.table = text_index(m, SPACE_TABLE);
        } else if (text_open(p, "table")) {
            e.has_table = true;
            e.at_table = p->tok;
            e.table = text_index(m, SPACE_TABLE);
            text_close(p);
        }
        if (e.has_table || (p->tok.kind == TEXT_LPAREN && !text_at_reftype(p))) {
            e.mode = MODE_ACTIVE;
            text_offset(m, &e.offset);
        }
    }
    e.at_type = p->tok;
    if (text_take(p, "func")) {
        elem_indices(m, &e, false);
    } else if (text_at_reftype(p)) {
        text_valtype(&m->types, &e.type);
        elem_exprs(m, &e);
    } else if (e.mode == MODE_ACTIVE && (!e.has_table || old_form) && p->tok.kind != TEXT_LPAREN) {
        elem_indices(m, &e, false);
    } else {
        text_unexpected(p, "`func` or a reference type");
    }
    put_elem(m, &e);
}

u32 text_inline_elem(struct text_module *m, u32 table, bool is_64, str type)
{
    struct text_parser *p = m->p;
    struct elem e;
    begin_elem(m, &e);
    e.has_table = true;
    e.table = table;
    buf_str(&e.offset, is_64 ? STR("\x42\x00\x0b") : STR("\x41\x00\x0b"));
    buf_str(&e.type, type);
    if (p->tok.kind == TEXT_LPAREN)
        elem_exprs(m, &e);
    else
        elem_indices(m, &e, !is_funcref(&e.type));
    put_elem(m, &e);
    return e.count;
}

/* ---- Data --------------------------------------------------------------------------------------------------- */

/* `(i16 1 2)`: numbers, little-endian. */
static void number_list(struct text_parser *p, struct buf *out)
{
    static const struct {
        str word;
        u8 bits;
        bool is_float;
    } kinds[] = {
        {STR_INIT("i8"), 8, false},   {STR_INIT("i16"), 16, false}, {STR_INIT("i32"), 32, false},
        {STR_INIT("i64"), 64, false}, {STR_INIT("f32"), 32, true},  {STR_INIT("f64"), 64, true},
    };
    text_advance(p);
    if (text_take(p, "v128")) {
        while (p->tok.kind == TEXT_KEYWORD)
            text_v128(p, out);
        text_close(p);
        return;
    }
    for (u32 i = 0; i < LENGTH_OF(kinds); i++) {
        if (!text_take_word(p, kinds[i].word))
            continue;
        while (p->tok.kind == TEXT_NUMBER || (kinds[i].is_float && p->tok.kind == TEXT_KEYWORD)) {
            u64 value;
            if (!kinds[i].is_float)
                value = text_integer(p, kinds[i].bits);
            else
                value = kinds[i].bits == 32 ? text_f32(p) : text_f64(p);
            for (u32 shift = 0; shift < kinds[i].bits; shift += 8)
                text_byte(out, (u8)(value >> shift));
        }
        text_close(p);
        return;
    }
    text_unexpected(p, "a string, or a list of numbers such as `(i8 1 2)`");
}

void text_data_bytes(struct text_module *m, struct buf *out)
{
    struct text_parser *p = m->p;
    for (;;) {
        if (p->tok.kind == TEXT_STRING)
            text_string_to(p, out);
        else if (p->tok.kind == TEXT_LPAREN)
            number_list(p, out);
        else
            break;
    }
}

void text_data(struct text_module *m)
{
    struct text_parser *p = m->p;
    struct text_section *s = &m->sections[SECTION_DATA];
    u32 memory = 0;
    bool active = false;
    struct text_token at = p->tok;
    text_instrs_reset(m);
    if (p->tok.kind == TEXT_NUMBER) {
        active = true; /* the form of the first release */
        memory = text_index(m, SPACE_MEMORY);
    } else if (text_open(p, "memory")) {
        active = true;
        at = p->tok;
        memory = text_index(m, SPACE_MEMORY);
        text_close(p);
    }
    struct text_token next = p->tok.kind == TEXT_LPAREN ? text_peek(p) : p->tok;
    str word = text_of(p, next);
    bool numbers = next.kind == TEXT_KEYWORD && str_find_char(word, '.', 0) == SIZE_MAX &&
                   (word.ptr[0] == 'i' || word.ptr[0] == 'f' || word.ptr[0] == 'v') &&
                   word.len <= 4;
    active |= p->tok.kind == TEXT_LPAREN && !numbers;
    text_byte(&s->bytes, !active ? 1 : memory ? 2 : 0);
    if (memory) {
        text_module_place(m, &s->bytes, at);
        text_uleb(&s->bytes, memory);
    }
    if (active)
        text_offset(m, &s->bytes);
    text_module_place(m, &s->bytes, p->tok);
    size_t start = text_begin_size(&s->bytes);
    text_data_bytes(m, &s->bytes);
    text_end_size(&s->bytes, start);
    s->count++;
    m->spaces[SPACE_DATA].next++;
}

/* ---- Annotations ------------------------------------------------------------------------------------------------ */

static const struct {
    str word;
    u8 section;
} places[] = {
    {STR_INIT("first"), SECTION_COUNT},   {STR_INIT("last"), SECTION_COUNT},
    {STR_INIT("type"), SECTION_TYPE},     {STR_INIT("import"), SECTION_IMPORT},
    {STR_INIT("func"), SECTION_FUNC},     {STR_INIT("table"), SECTION_TABLE},
    {STR_INIT("memory"), SECTION_MEMORY}, {STR_INIT("global"), SECTION_GLOBAL},
    {STR_INIT("export"), SECTION_EXPORT}, {STR_INIT("start"), SECTION_START},
    {STR_INIT("elem"), SECTION_ELEM},     {STR_INIT("code"), SECTION_CODE},
    {STR_INIT("data"), SECTION_DATA},     {STR_INIT("datacount"), SECTION_DATA_COUNT},
    {STR_INIT("tag"), SECTION_TAG},
};

void text_custom_annotation(struct text_parser *p, struct text_custom *out)
{
    text_advance(p);
    *out = (struct text_custom){.section = SECTION_COUNT};
    out->name = text_name(p);
    bool before = text_form(p, "before");
    if (before || text_form(p, "after")) {
        text_advance(p);
        text_advance(p);
        out->before = before;
        u32 i = 0;
        while (i < LENGTH_OF(places) && !text_take_word(p, places[i].word))
            i++;
        bool fits = i < LENGTH_OF(places) && !(i == 0 && !before) && !(i == 1 && before);
        if (fits)
            out->section = places[i].section;
        else
            text_unexpected(p, "the name of a section, or `before first` or `after last`");
        text_close(p);
    }
    struct buf bytes = buf_in(p->arena);
    while (p->tok.kind == TEXT_STRING)
        text_string_to(p, &bytes);
    out->bytes = buf_view(&bytes);
    text_close(p);
}

/* `(@producers (language "C" "11") ...)` as the custom section of tool-conventions. */
void text_producers_annotation(struct text_parser *p, struct text_custom *out)
{
    struct buf values[WASM_PRODUCER_FIELDS], all = buf_in(p->arena);
    u32 counts[WASM_PRODUCER_FIELDS] = {0}, used = 0;
    for (u32 i = 0; i < WASM_PRODUCER_FIELDS; i++)
        values[i] = buf_in(p->arena);
    text_advance(p);
    while (p->tok.kind == TEXT_LPAREN && !p->failed) {
        text_advance(p);
        u32 i = 0;
        while (i < WASM_PRODUCER_FIELDS && !text_take_word(p, wasm_producer_fields[i]))
            i++;
        if (i == WASM_PRODUCER_FIELDS) {
            text_unexpected(p, "`language`, `sdk` or `processed-by`");
            return;
        }
        used += counts[i] == 0;
        counts[i]++;
        wasm_write_name(&values[i], text_name(p));
        wasm_write_name(&values[i], text_name(p));
        text_close(p);
    }
    text_close(p);
    buf_uleb(&all, used);
    for (u32 i = 0; i < WASM_PRODUCER_FIELDS; i++) {
        if (counts[i]) {
            wasm_write_name(&all, wasm_producer_fields[i]);
            text_put_vec(&all, counts[i], &values[i]);
        }
    }
    *out = (struct text_custom){SECTION_COUNT, false, STR("producers"), buf_view(&all)};
}

/* ---- dylink.0 ------------------------------------------------------------------------------------------------------ */

static u32 symbol_flags(struct text_parser *p)
{
    static const struct {
        str word;
        u32 flag;
    } words[] = {
        {STR_INIT("binding-weak"), 0x1},      {STR_INIT("binding-local"), 0x2},
        {STR_INIT("visibility-hidden"), 0x4}, {STR_INIT("undefined"), 0x10},
        {STR_INIT("exported"), 0x20},         {STR_INIT("explicit-name"), 0x40},
        {STR_INIT("no-strip"), 0x80},         {STR_INIT("tls"), 0x100},
        {STR_INIT("absolute"), 0x200},
    };
    u32 flags = 0;
    while (p->tok.kind != TEXT_RPAREN && !p->failed) {
        if (p->tok.kind == TEXT_NUMBER) {
            flags |= text_u32(p, "flags");
            continue;
        }
        u32 i = 0;
        while (i < LENGTH_OF(words) && !text_take_word(p, words[i].word))
            i++;
        if (i == LENGTH_OF(words))
            text_unexpected(p, "a symbol flag, such as `binding-weak`, or a number");
        else
            flags |= words[i].flag;
    }
    return flags;
}

static void memory_info(struct text_parser *p, struct buf *out)
{
    u32 values[4] = {0};
    for (u32 i = 0; i < 2; i++) {
        if (!text_open_word(p, i ? STR("table") : STR("memory")))
            continue;
        values[2 * i] = text_u32(p, "a size");
        values[2 * i + 1] = text_u32(p, "an alignment");
        text_close(p);
    }
    for (u32 i = 0; i < 4; i++)
        buf_uleb(out, values[i]);
}

/* `(@dylink.0 (mem-info ...) (needed ...) ...)`: subsections in the order of the text; neighbours of one symbol kind are one. */
void text_dylink_annotation(struct text_parser *p, struct text_custom *out)
{
    static const str words[] = {
        STR_INIT("mem-info"),    STR_INIT("needed"),       STR_INIT("export-info"),
        STR_INIT("import-info"), STR_INIT("runtime-path"), STR_INIT("target-arch"),
    };
    enum { MEM_INFO, NEEDED, EXPORT_INFO, IMPORT_INFO, RUNTIME_PATH, TARGET_ARCH, KINDS };
    struct buf all = buf_in(p->arena);
    text_advance(p);
    while (p->tok.kind == TEXT_LPAREN && !p->failed) {
        u32 kind = 0, count = 0;
        while (kind < KINDS && !text_open_word(p, words[kind]))
            kind++;
        struct buf items = buf_in(p->arena), section = buf_in(p->arena);
        switch (kind) {
        case MEM_INFO: memory_info(p, &items); break;
        case NEEDED:
        case RUNTIME_PATH:
            for (; p->tok.kind == TEXT_STRING; count++)
                wasm_write_name(&items, text_name(p));
            break;
        case EXPORT_INFO:
        case IMPORT_INFO:
            for (;;) {
                wasm_write_name(&items, text_name(p));
                if (kind == IMPORT_INFO)
                    wasm_write_name(&items, text_name(p));
                buf_uleb(&items, symbol_flags(p));
                count++;
                text_close(p);
                if (!text_open_word(p, words[kind]))
                    break;
            }
            break;
        case TARGET_ARCH: buf_str(&items, text_name(p)); break;
        default:
            text_advance(p);
            text_unexpected(p,
                            "`mem-info`, `needed`, `export-info`, `import-info`, `runtime-path` or "
                            "`target-arch`");
            return;
        }
        if (kind != EXPORT_INFO && kind != IMPORT_INFO)
            text_close(p);
        if (kind == MEM_INFO)
            section = items;
        else if (kind == TARGET_ARCH)
            wasm_write_name(&section, buf_view(&items));
        else
            text_put_vec(&section, count, &items);
        wasm_write_section(&all, (u8)(kind + 1), buf_view(&section));
    }
    text_close(p);
    *out = (struct text_custom){SECTION_COUNT, true, STR("dylink.0"), buf_view(&all)};
}
