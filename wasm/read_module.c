/* read_module.c - reads the sections of core modules. */
#include "reader.h"

struct module_reader {
    struct wasm_reader *r;
    struct wasm_module *m;
    u8 last;        /* id of the last known section */
    u32 func_count; /* of the function section */
    u32 data_place; /* where the data count stands, for messages */
    bool had_code, had_data;
};

static struct wasm_expr read_expr(struct wasm_reader *r)
{
    struct wasm_expr e = {.offset = wasm_cursor_offset(&r->c)};
    const u8 *start = r->c.at;
    wasm_skip_expr(&r->c);
    e.bytes = str_of((const char *)start, (size_t)(r->c.at - start));
    return e;
}

/* ---- One function for each section -------------------------------------------------------------- */

static void read_type_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 2);
    vec_reserve(r->a, &x->m->types, n < WASM_MAX_TYPES ? n : 0);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        wasm_type_vec types = {x->m->types.data, x->m->types.len, x->m->types.cap};
        u32 before = types.len;
        wasm_rd_rectype(r, &types);
        x->m->types.data = types.data;
        x->m->types.len = types.len;
        x->m->types.cap = types.cap;
        if (types.len == before && !r->c.failed) {
            *vec_push(r->a, &x->m->empty_recs) = before;
        }
    }
}

static void add_import(struct module_reader *x, const struct wasm_import *i)
{
    struct wasm_module *m = x->m;
    struct arena *a = x->r->a;
    switch (i->type.kind) {
    case EXTERN_FUNC:
        *vec_push(a, &m->funcs) = i->type.type;
        m->imported_funcs++;
        break;
    case EXTERN_TABLE:
        vec_push(a, &m->tables)->type = i->type.table;
        m->imported_tables++;
        break;
    case EXTERN_MEMORY:
        *vec_push(a, &m->memories) = i->type.memory;
        m->imported_memories++;
        break;
    case EXTERN_GLOBAL:
        vec_push(a, &m->globals)->type = i->type.global;
        m->imported_globals++;
        break;
    case EXTERN_TAG:
        *vec_push(a, &m->tags) = i->type.type;
        m->imported_tags++;
        break;
    }
}

static void push_import(struct module_reader *x, struct wasm_import i, const u8 *start)
{
    if (!x->r->c.failed) {
        i.at = wasm_rd_span(x->r, start);
        *vec_push(x->r->a, &x->m->imports) = i;
        add_import(x, &i);
    }
}

/* After module name, empty name and the byte of the form. */
static void read_import_group(struct module_reader *x, struct wasm_import i, const u8 *entry)
{
    struct wasm_reader *r = x->r;
    if (i.form == IMPORT_GROUP_OF_TYPE) {
        i.type = wasm_rd_externtype(r);
    }
    u32 n = wasm_get_count(&r->c, i.form == IMPORT_GROUP ? 3 : 1);
    if (n == 0 && !r->c.failed) {
        i.group_count = x->m->imports.len;
        i.at = wasm_rd_span(r, entry);
        *vec_push(r->a, &x->m->empty_groups) = i;
    }
    for (u32 k = 0; k < n && !r->c.failed; k++) {
        const u8 *start = r->c.at;
        i.group_count = k == 0 ? n : 0;
        i.name = wasm_get_name(&r->c);
        if (i.form == IMPORT_GROUP) {
            i.type = wasm_rd_externtype(r);
        }
        push_import(x, i, start);
    }
}

static void read_import_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 4);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        const u8 *start = r->c.at;
        struct wasm_import import = {.module = wasm_get_name(&r->c)};
        import.name = wasm_get_name(&r->c);
        u8 form = r->c.at == r->c.end ? 0 : *r->c.at;
        if (import.name.len == 0 && (form == IMPORT_GROUP || form == IMPORT_GROUP_OF_TYPE)) {
            wasm_rd_gate(r, r->c.at, FEATURE_COMPACT_IMPORTS, "group of imports");
            import.form = (enum wasm_import_form)wasm_get_byte(&r->c);
            read_import_group(x, import, start);
        } else {
            import.type = wasm_rd_externtype(r);
            push_import(x, import, start);
        }
    }
}

static void read_function_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 1);
    vec_reserve(r->a, &x->m->funcs, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        *vec_push(r->a, &x->m->funcs) = wasm_get_u32(&r->c);
    }
    x->func_count = n;
}

static void read_table_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 3);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        struct wasm_table *t = vec_push(r->a, &x->m->tables);
        const u8 *at = r->c.at;
        if (at != r->c.end && *at == 0x40) {
            wasm_rd_gate(r, at, FEATURE_FUNCTION_REFERENCES, "table with an initialiser");
            t->has_init = wasm_get_byte(&r->c) != 0;
            if (wasm_get_byte(&r->c) != 0) {
                wasm_rd_fail(r, r->c.at - 1, "invalid table encoding: non-zero reserved byte");
            }
        }
        t->type = wasm_rd_tabletype(r);
        if (t->has_init) {
            t->init = read_expr(r);
        }
    }
}

static void read_memory_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 2);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        *vec_push(r->a, &x->m->memories) = wasm_rd_limits(r, false);
    }
}

static void read_tag_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 2);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        *vec_push(r->a, &x->m->tags) = wasm_rd_tagtype(r);
    }
}

static void read_global_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 3);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        struct wasm_global *g = vec_push(r->a, &x->m->globals);
        g->type = wasm_rd_globaltype(r);
        g->init = read_expr(r);
    }
}

static void read_export_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 3);
    vec_reserve(r->a, &x->m->exports, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        const u8 *start = r->c.at;
        struct wasm_export *e = vec_push(r->a, &x->m->exports);
        e->name = wasm_get_name(&r->c);
        u8 kind = wasm_get_byte(&r->c);
        if (kind > EXTERN_TAG) {
            wasm_rd_fail(r, r->c.at - 1, "malformed export kind 0x%x", kind);
        }
        e->kind = (enum wasm_extern)kind;
        e->index = wasm_get_u32(&r->c);
        e->at = wasm_rd_span(r, start);
    }
}

static void read_start_section(struct module_reader *x)
{
    x->m->has_start = true;
    x->m->start = wasm_get_u32(&x->r->c);
}

/* The bits of an element segment's flags. */
enum { ELEM_NOT_ACTIVE = 1, ELEM_EXPLICIT = 2, ELEM_EXPRS = 4 };

static void read_elem_items(struct wasm_reader *r, struct wasm_elem *e)
{
    u32 n = wasm_get_count(&r->c, 1);
    e->count = n;
    if (e->flags & ELEM_EXPRS) {
        struct wasm_expr *exprs = arena_array(r->a, struct wasm_expr, n);
        for (u32 i = 0; i < n && !r->c.failed; i++) {
            exprs[i] = read_expr(r);
        }
        e->exprs = exprs;
        return;
    }
    u32 *funcs = arena_array(r->a, u32, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        funcs[i] = wasm_get_u32(&r->c);
    }
    e->funcs = funcs;
}

static void read_elem(struct wasm_reader *r, struct wasm_elem *e)
{
    const u8 *start = r->c.at;
    u32 flags = wasm_get_u32(&r->c);
    if (flags > 7) {
        wasm_rd_fail(r, start, "malformed elements segment kind");
        return;
    }
    e->flags = (u8)flags;
    e->mode = !(flags & ELEM_NOT_ACTIVE) ? ELEM_ACTIVE
              : flags & ELEM_EXPLICIT    ? ELEM_DECLARED
                                         : ELEM_PASSIVE;
    if (e->mode == ELEM_ACTIVE) {
        e->table = flags & ELEM_EXPLICIT ? wasm_get_u32(&r->c) : 0;
        e->offset = read_expr(r);
    } else {
        wasm_rd_gate(r, start, FEATURE_BULK_MEMORY, "passive element segment");
    }
    bool typed = flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT);
    if (!(flags & ELEM_EXPRS)) {
        e->type = wasm_ref_abstract(HEAP_FUNC, false);
        if (typed && wasm_get_byte(&r->c) != 0) {
            wasm_rd_fail(r, r->c.at - 1, "malformed element kind");
        }
    } else {
        e->type = typed ? wasm_rd_reftype(r) : WASM_FUNCREF;
    }
    read_elem_items(r, e);
    e->at = wasm_rd_span(r, start);
}

static void read_elem_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    u32 n = wasm_get_count(&r->c, 3);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        read_elem(r, vec_push(r->a, &x->m->elems));
    }
}

static void read_data_count_section(struct module_reader *x)
{
    wasm_rd_gate(x->r, x->r->c.at, FEATURE_BULK_MEMORY, "data count section");
    x->data_place = wasm_cursor_offset(&x->r->c);
    x->m->has_data_count = true;
    x->m->data_count = wasm_get_u32(&x->r->c);
}

/* The sizes of bodies lie far apart and one leads to the next: fetch what probably comes after this place ahead of time. */
static void prefetch(const u8 *at, const u8 *end)
{
    enum { FROM = 256, TO = 1280, LINE = 64 };
    for (ptrdiff_t n = FROM; n < TO && n < end - at; n += LINE)
        __builtin_prefetch(at + n);
}

static void read_code_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    const u8 *at = r->c.at;
    x->had_code = true;
    u32 n = wasm_get_count(&r->c, 1);
    if (n != x->func_count) {
        wasm_rd_fail(r, at,
                     "function and code section have inconsistent lengths: %u functions, %u bodies",
                     x->func_count, n);
    }
    vec_reserve(r->a, &x->m->codes, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        u32 size = wasm_get_u32(&r->c);
        struct wasm_code code = {.offset = wasm_cursor_offset(&r->c)};
        code.bytes = wasm_get_bytes(&r->c, size);
        prefetch(r->c.at, r->c.end);
        *vec_push(r->a, &x->m->codes) = code;
    }
}

static void read_data_section(struct module_reader *x)
{
    struct wasm_reader *r = x->r;
    const u8 *at = r->c.at;
    x->had_data = true;
    u32 n = wasm_get_count(&r->c, 2);
    if (x->m->has_data_count && n != x->m->data_count) {
        wasm_rd_fail(
            r, at, "data count and data section have inconsistent lengths: %u announced, %u there",
            x->m->data_count, n);
    }
    vec_reserve(r->a, &x->m->datas, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        const u8 *start = r->c.at;
        u32 flags = wasm_get_u32(&r->c);
        if (flags > 2) {
            wasm_rd_fail(r, start, "malformed data segment kind");
        }
        struct wasm_data d = {.flags = (u8)flags, .mode = flags == 1 ? DATA_PASSIVE : DATA_ACTIVE};
        if (flags == 1) {
            wasm_rd_gate(r, start, FEATURE_BULK_MEMORY, "passive data segment");
        }
        d.memory = flags == 2 ? wasm_get_u32(&r->c) : 0;
        if (d.mode == DATA_ACTIVE) {
            d.offset = read_expr(r);
        }
        d.bytes = wasm_get_bytes(&r->c, wasm_get_u32(&r->c));
        d.at = wasm_rd_span(r, start);
        *vec_push(r->a, &x->m->datas) = d;
    }
}

static void read_custom_section(struct module_reader *x, u32 start)
{
    struct wasm_reader *r = x->r;
    struct wasm_custom c = {.after = x->last};
    c.name = wasm_get_name(&r->c);
    c.bytes = wasm_get_bytes(&r->c, (size_t)(r->c.end - r->c.at));
    c.at = (span){r->c.source, start, wasm_cursor_offset(&r->c)};
    if (!r->c.failed) {
        *vec_push(r->a, &x->m->customs) = c;
    }
}

/* ---- The module ------------------------------------------------------------------------------------ */

static const struct {
    u8 place; /* in the order of sections; 0: no section */
    const char *name;
    void (*read)(struct module_reader *x);
} section_table[] = {
    [1] = {1, "type", read_type_section},
    [2] = {2, "import", read_import_section},
    [3] = {3, "function", read_function_section},
    [4] = {4, "table", read_table_section},
    [5] = {5, "memory", read_memory_section},
    [13] = {6, "tag", read_tag_section},
    [6] = {7, "global", read_global_section},
    [7] = {8, "export", read_export_section},
    [8] = {9, "start", read_start_section},
    [9] = {10, "element", read_elem_section},
    [12] = {11, "data count", read_data_count_section},
    [10] = {12, "code", read_code_section},
    [11] = {13, "data", read_data_section},
};

static void read_section(struct module_reader *x, u8 id, u32 start)
{
    struct wasm_reader *r = x->r;
    if (id == 0) {
        r->section = "custom";
        read_custom_section(x, start);
        return;
    }
    r->section = NULL;
    if (id >= LENGTH_OF(section_table) || !section_table[id].read) {
        wasm_rd_fail(r, r->c.at, "malformed section id %u", id);
        r->c.error_offset = start;
        return;
    }
    if (x->last && section_table[id].place <= section_table[x->last].place) {
        wasm_rd_fail(r, r->c.at, "unexpected content after last section: section %u is %s", id,
                     id == x->last ? "there twice" : "out of order");
        r->c.error_offset = start;
        return;
    }
    x->last = id;
    r->section = section_table[id].name;
    section_table[id].read(x);
    if (!r->c.failed && r->c.at != r->c.end) {
        wasm_rd_fail(r, r->c.at,
                     "section size mismatch: unexpected data at the end of the section");
    }
}

/* Reads all sections; false with the failure in r->c. */
static bool read_sections(struct module_reader *x, struct wasm_cursor top)
{
    struct wasm_reader *r = x->r;
    u8 id;
    for (;;) {
        u32 start = wasm_cursor_offset(&top);
        if (!wasm_get_section(&top, &id, &r->c)) {
            break;
        }
        *vec_push(r->a, &x->m->sections) =
            (struct wasm_section_span){id, r->c.base, r->c.base + (u32)(r->c.end - r->c.start)};
        read_section(x, id, start);
        if (r->c.failed) {
            return false;
        }
    }
    r->c = top;
    r->section = NULL;
    if (top.failed) {
        return false;
    }
    if (x->func_count && !x->had_code) {
        wasm_rd_fail(r, top.end,
                     "function and code section have inconsistent lengths: %u functions, 0 bodies",
                     x->func_count);
    } else if (x->m->has_data_count && x->m->data_count && !x->had_data) {
        wasm_rd_fail(r, top.end,
                     "data count and data section have inconsistent lengths: %u announced, 0 there",
                     x->m->data_count);
        r->c.error_offset = x->data_place;
    }
    return !r->c.failed;
}

struct wasm_module *wasm_rd_module(struct wasm_reader *r, u32 source, str bytes, u32 base)
{
    struct wasm_module *m = arena_new(r->a, struct wasm_module);
    *m = (struct wasm_module){.bytes = bytes, .source = source, .base = base};
    struct wasm_cursor outer = r->c;
    struct module_reader x = {.r = r, .m = m};
    bool fine = wasm_rd_enter_unit(r, bytes, base, source, "module") && read_sections(&x, r->c);
    if (!fine) {
        wasm_rd_report(r, &r->c);
    }
    r->c = outer;
    return fine ? m : NULL;
}
