/* write_module.c - encodes core modules and their types. */
#include "writer.h"

/* ---- Pieces ------------------------------------------------------------------------------------- */

void wasm_write_name(struct buf *out, str name)
{
    buf_uleb(out, name.len);
    buf_str(out, name);
}

void wasm_write_section(struct buf *out, u8 id, str contents)
{
    buf_byte(out, id);
    wasm_write_name(out, contents);
}

void wasm_write_custom(struct buf *out, str name, str contents)
{
    struct buf head = buf_in(out->arena);
    wasm_write_name(&head, name);
    buf_byte(out, 0);
    buf_uleb(out, head.len + contents.len);
    buf_str(out, buf_view(&head));
    buf_str(out, contents);
}

static void write_heap(struct buf *out, wasm_valtype t)
{
    if (!wasm_is_concrete(t)) {
        if (wasm_is_shared_ref(t)) {
            buf_byte(out, 0x65);
        }
        buf_byte(out, (u8)wasm_heap_of(t));
    } else if (t & WASM_REF_EXACT) {
        buf_byte(out, 0x62);
        buf_uleb(out, wasm_heap_of(t));
    } else {
        buf_sleb(out, wasm_heap_of(t));
    }
}

void wasm_write_valtype(struct buf *out, wasm_valtype t)
{
    if (!wasm_is_ref(t)) {
        buf_byte(out, (u8)t);
        return;
    }
    if (wasm_is_concrete(t) || !wasm_is_nullable(t)) {
        buf_byte(out, wasm_is_nullable(t) ? 0x63 : 0x64);
    } /* else the abbreviation: the heap type alone */
    write_heap(out, t);
}

static void write_valtypes(struct buf *out, const wasm_valtype *types, u32 n)
{
    buf_uleb(out, n);
    for (u32 i = 0; i < n; i++) {
        wasm_write_valtype(out, types[i]);
    }
}

void wasm_write_functype(struct buf *out, const struct wasm_functype *f)
{
    buf_byte(out, 0x60);
    write_valtypes(out, f->params, f->param_count);
    write_valtypes(out, f->results, f->result_count);
}

static void write_field(struct buf *out, const struct wasm_field *f)
{
    wasm_write_valtype(out, f->type);
    buf_byte(out, f->is_mutable);
}

static void write_comptype(struct buf *out, const struct wasm_type *t)
{
    switch (t->kind) {
    case COMPTYPE_FUNC: wasm_write_functype(out, &t->func); break;
    case COMPTYPE_STRUCT:
        buf_byte(out, 0x5f);
        buf_uleb(out, t->field_count);
        for (u32 i = 0; i < t->field_count; i++) {
            write_field(out, &t->fields[i]);
        }
        break;
    case COMPTYPE_ARRAY:
        buf_byte(out, 0x5e);
        write_field(out, &t->fields[0]);
        break;
    case COMPTYPE_CONT:
        buf_byte(out, 0x5d);
        buf_sleb(out, t->cont);
        break;
    }
}

void wasm_wr_subtype(struct buf *out, const struct wasm_type *t)
{
    if (!t->is_final || t->has_super) {
        buf_byte(out, t->is_final ? 0x4f : 0x50);
        buf_byte(out, t->has_super);
        if (t->has_super) {
            buf_uleb(out, t->super);
        }
    }
    if (t->is_shared) {
        buf_byte(out, 0x65);
    }
    if (t->has_describes) {
        buf_byte(out, 0x4c);
        buf_uleb(out, t->describes);
    }
    if (t->has_descriptor) {
        buf_byte(out, 0x4d);
        buf_uleb(out, t->descriptor);
    }
    write_comptype(out, t);
}

void wasm_wr_rectype(struct buf *out, const struct wasm_type *types, u32 n, bool group)
{
    if (group || n != 1) {
        buf_byte(out, 0x4e);
        buf_uleb(out, n);
    }
    for (u32 i = 0; i < n; i++) {
        wasm_wr_subtype(out, &types[i]);
    }
}

void wasm_wr_limits(struct buf *out, const struct wasm_limits *l)
{
    buf_byte(out, (u8)(l->has_max | l->is_shared << 1 | l->is_64 << 2 | l->has_page_size << 3));
    buf_uleb(out, l->min);
    if (l->has_max) {
        buf_uleb(out, l->max);
    }
    if (l->has_page_size) {
        buf_uleb(out, l->page_size_log2);
    }
}

static void write_tabletype(struct buf *out, const struct wasm_tabletype *t)
{
    wasm_write_valtype(out, t->element);
    wasm_wr_limits(out, &t->limits);
}

static void write_globaltype(struct buf *out, const struct wasm_globaltype *g)
{
    wasm_write_valtype(out, g->type);
    buf_byte(out, (u8)(g->is_mutable | g->is_shared << 1));
}

void wasm_wr_externtype(struct buf *out, const struct wasm_externtype *t)
{
    buf_byte(out, t->kind == EXTERN_FUNC && t->exact ? 0x20 : (u8)t->kind);
    switch (t->kind) {
    case EXTERN_TAG:
        buf_byte(out, 0); /* the attribute, then the type */
    /* fall through */
    case EXTERN_FUNC: buf_uleb(out, t->type); break;
    case EXTERN_TABLE: write_tabletype(out, &t->table); break;
    case EXTERN_MEMORY: wasm_wr_limits(out, &t->memory); break;
    case EXTERN_GLOBAL: write_globaltype(out, &t->global); break;
    }
}

void wasm_wr_import(struct buf *out, const struct wasm_import *i)
{
    wasm_write_name(out, i->module);
    wasm_write_name(out, i->name);
    wasm_wr_externtype(out, &i->type);
}

/* ---- Sections ------------------------------------------------------------------------------------ */

u32 wasm_import_group(const struct wasm_module *m, u32 first)
{
    const struct wasm_import *import = &m->imports.data[first];
    u32 rest = m->imports.len - first;
    u32 n = import->form == IMPORT_SINGLE || import->group_count == 0 ? 1 : import->group_count;
    return n < rest ? n : rest;
}

/* Each writes the contents of its section and gives the number of definitions in it; 0: no section. */

static u32 type_section(struct buf *b, const struct wasm_module *m)
{
    struct buf groups = buf_in(b->arena);
    u32 count = 0, empty = 0;
    for (u32 i = 0;; count++) {
        if (empty < m->empty_recs.len && m->empty_recs.data[empty] <= i) {
            wasm_wr_rectype(&groups, NULL, 0, true);
            empty++;
            continue;
        }
        if (i >= m->types.len) {
            break;
        }
        const struct wasm_type *t = &m->types.data[i];
        u32 n = t->rec_count ? t->rec_count : 1;
        n = n > m->types.len - i ? m->types.len - i : n;
        wasm_wr_rectype(&groups, t, n, t->explicit_rec);
        i += n;
    }
    buf_uleb(b, count);
    buf_str(b, buf_view(&groups));
    return count;
}

static void import_group(struct buf *b, const struct wasm_import *group, u32 n)
{
    bool one_type = group->form == IMPORT_GROUP_OF_TYPE;
    wasm_write_name(b, group->module);
    buf_byte(b, 0);
    buf_byte(b, (u8)group->form);
    if (one_type) {
        wasm_wr_externtype(b, &group->type);
    }
    buf_uleb(b, n);
    for (u32 i = 0; i < n; i++) {
        wasm_write_name(b, group[i].name);
        if (!one_type) {
            wasm_wr_externtype(b, &group[i].type);
        }
    }
}

static u32 import_section(struct buf *b, const struct wasm_module *m)
{
    struct buf imports = buf_in(b->arena);
    u32 entries = 0, empty = 0;
    for (u32 i = 0, n;; i += n, entries++) {
        for (; empty < m->empty_groups.len && m->empty_groups.data[empty].group_count <= i;
             empty++, entries++) {
            import_group(&imports, &m->empty_groups.data[empty], 0);
        }
        if (i >= m->imports.len) {
            break;
        }
        const struct wasm_import *import = &m->imports.data[i];
        n = wasm_import_group(m, i);
        if (import->form == IMPORT_SINGLE) {
            wasm_wr_import(&imports, import);
        } else {
            import_group(&imports, import, n);
        }
    }
    buf_uleb(b, entries);
    buf_str(b, buf_view(&imports));
    return entries;
}

static u32 function_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->funcs.len - m->imported_funcs);
    for (u32 i = m->imported_funcs; i < m->funcs.len; i++) {
        buf_uleb(b, m->funcs.data[i]);
    }
    return m->funcs.len - m->imported_funcs;
}

static u32 table_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->tables.len - m->imported_tables);
    for (u32 i = m->imported_tables; i < m->tables.len; i++) {
        const struct wasm_table *t = &m->tables.data[i];
        if (t->has_init) {
            buf_put(b, "\x40", 2);
        }
        write_tabletype(b, &t->type);
        buf_str(b, t->has_init ? t->init.bytes : (str){0});
    }
    return m->tables.len - m->imported_tables;
}

static u32 memory_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->memories.len - m->imported_memories);
    for (u32 i = m->imported_memories; i < m->memories.len; i++) {
        wasm_wr_limits(b, &m->memories.data[i]);
    }
    return m->memories.len - m->imported_memories;
}

static u32 tag_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->tags.len - m->imported_tags);
    for (u32 i = m->imported_tags; i < m->tags.len; i++) {
        buf_byte(b, 0);
        buf_uleb(b, m->tags.data[i]);
    }
    return m->tags.len - m->imported_tags;
}

static u32 global_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->globals.len - m->imported_globals);
    for (u32 i = m->imported_globals; i < m->globals.len; i++) {
        write_globaltype(b, &m->globals.data[i].type);
        buf_str(b, m->globals.data[i].init.bytes);
    }
    return m->globals.len - m->imported_globals;
}

static u32 export_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->exports.len);
    for (u32 i = 0; i < m->exports.len; i++) {
        const struct wasm_export *e = &m->exports.data[i];
        wasm_write_name(b, e->name);
        buf_byte(b, (u8)e->kind);
        buf_uleb(b, e->index);
    }
    return m->exports.len;
}

static u32 start_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->start);
    return m->has_start;
}

static void write_elem(struct buf *b, const struct wasm_elem *e)
{
    u8 mode = e->mode == ELEM_PASSIVE ? 1 : e->mode == ELEM_DECLARED ? 3 : 0;
    bool exprs = e->exprs != NULL || (e->flags & 4 && !e->funcs);
    if (e->mode == ELEM_ACTIVE &&
        (e->table != 0 || e->flags & 2 || (exprs && e->type != WASM_FUNCREF))) {
        mode = 2;
    }
    buf_uleb(b, mode | (exprs ? 4 : 0));
    if (mode == 2) {
        buf_uleb(b, e->table);
    }
    if (e->mode == ELEM_ACTIVE) {
        buf_str(b, e->offset.bytes);
    }
    if (mode != 0 && exprs) {
        wasm_write_valtype(b, e->type);
    } else if (mode != 0) {
        buf_byte(b, 0);
    }
    buf_uleb(b, e->count);
    for (u32 i = 0; i < e->count; i++) {
        if (exprs) {
            buf_str(b, e->exprs[i].bytes);
        } else {
            buf_uleb(b, e->funcs[i]);
        }
    }
}

static u32 elem_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->elems.len);
    for (u32 i = 0; i < m->elems.len; i++) {
        write_elem(b, &m->elems.data[i]);
    }
    return m->elems.len;
}

static u32 data_count_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->datas.len);
    return m->has_data_count;
}

static u32 code_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->codes.len);
    for (u32 i = 0; i < m->codes.len; i++) {
        wasm_write_name(b, m->codes.data[i].bytes);
    }
    return m->codes.len;
}

static u32 data_section(struct buf *b, const struct wasm_module *m)
{
    buf_uleb(b, m->datas.len);
    for (u32 i = 0; i < m->datas.len; i++) {
        const struct wasm_data *d = &m->datas.data[i];
        u8 flags = d->mode == DATA_PASSIVE ? 1 : d->memory != 0 || d->flags == 2 ? 2 : 0;
        buf_byte(b, flags);
        if (flags == 2) {
            buf_uleb(b, d->memory);
        }
        if (d->mode == DATA_ACTIVE) {
            buf_str(b, d->offset.bytes);
        }
        wasm_write_name(b, d->bytes);
    }
    return m->datas.len;
}

static const struct {
    u8 id;
    u32 (*write)(struct buf *b, const struct wasm_module *m);
} sections[] = {
    {1, type_section},   {2, import_section}, {3, function_section},    {4, table_section},
    {5, memory_section}, {13, tag_section},   {6, global_section},      {7, export_section},
    {8, start_section},  {9, elem_section},   {12, data_count_section}, {10, code_section},
    {11, data_section},
};

static void write_customs(struct buf *out, const struct wasm_module *m, u8 after)
{
    for (u32 i = 0; i < m->customs.len; i++) {
        if (m->customs.data[i].after == after) {
            wasm_write_custom(out, m->customs.data[i].name, m->customs.data[i].bytes);
        }
    }
}

void wasm_write_module(struct buf *out, const struct wasm_module *m)
{
    buf_put(out, "\0asm\1\0\0", 8);
    write_customs(out, m, 0);
    for (size_t i = 0; i < LENGTH_OF(sections); i++) {
        struct buf contents = buf_in(out->arena);
        if (sections[i].write(&contents, m)) {
            wasm_write_section(out, sections[i].id, buf_view(&contents));
        }
        write_customs(out, m, sections[i].id);
    }
}
