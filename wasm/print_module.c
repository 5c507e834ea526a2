/* print_module.c - prints core modules, section by section. */
#include "print.h"
#include "reader.h"
#include "writer.h"

/* ---- Names ------------------------------------------------------------------------------------------- */

static const struct {
    u8 names, space;
    const char *group;
} name_spaces[] = {
    {NAMES_FUNCS, SORT_CORE_FUNC, "func"},       {NAMES_TYPES, SORT_CORE_TYPE, "type"},
    {NAMES_TABLES, SORT_CORE_TABLE, "table"},    {NAMES_MEMORIES, SORT_CORE_MEMORY, "memory"},
    {NAMES_GLOBALS, SORT_CORE_GLOBAL, "global"}, {NAMES_ELEMS, SPACE_ELEM, "elem"},
    {NAMES_DATAS, SPACE_DATA, "data"},           {NAMES_TAGS, SORT_CORE_TAG, "tag"},
};

void wasm_pr_module_scope(struct printer *p, struct print_scope *s, const struct wasm_module *m)
{
    struct module_names names = {0};
    s->module = m;
    s->place = "before first";
    for (u32 i = 0; i < m->customs.len; i++) {
        const struct wasm_custom *c = &m->customs.data[i];
        if (str_eq(c->name, STR("name"))) {
            wasm_names_of_module(p->a, c->bytes, 0, &names);
        } else if (str_eq(c->name, STR("metadata.code.branch_hint"))) {
            s->hints = c;
        }
    }
    s->has_name = names.has_module;
    s->name = wasm_pr_ident(names.module, 0, "module", false);
    for (size_t i = 0; i < LENGTH_OF(name_spaces); i++) {
        s->idents[name_spaces[i].space] =
            wasm_pr_idents(p->a, &names.maps[name_spaces[i].names], name_spaces[i].group, true);
    }
    s->locals = wasm_pr_idents(p->a, &names.maps[NAMES_LOCALS], "local", true);
    s->labels = wasm_pr_idents(p->a, &names.maps[NAMES_LABELS], "label", false);
    s->fields = wasm_pr_idents(p->a, &names.maps[NAMES_FIELDS], "field", true);
    s->params = wasm_pr_idents(p->a, &names.maps[NAMES_PARAMS], "parameter", true);
    s->tag_params = wasm_pr_idents(p->a, &names.maps[NAMES_TAG_PARAMS], "tag parameter", true);
}

/* ---- Sections ------------------------------------------------------------------------------------------ */

struct module_printer {
    struct printer *p;
    struct print_scope *s;
    const struct wasm_module *m;
    u32 custom;                 /* next custom section */
    struct wasm_reader offsets; /* walks the section at hand for its offsets, if they are shown */
    struct wasm_read_state state;
};

/* Offset of the next definition of the section; it is read past with `skip`. */
static u32 next_offset(struct module_printer *x)
{
    return x->p->options->offsets ? wasm_cursor_offset(&x->offsets.c) : 0;
}

static void start_offsets(struct module_printer *x, const struct wasm_section_span *section)
{
    str contents =
        str_of(x->m->bytes.ptr + (section->start - x->m->base), section->end - section->start);
    x->offsets = (struct wasm_reader){.a = x->p->a, .features = features_all(), .state = &x->state};
    x->offsets.c = wasm_cursor_of(x->m->source, contents, section->start);
    if (section->id != 8) {
        wasm_get_u32(&x->offsets.c); /* the count */
    }
}

static u32 type_section(struct module_printer *x)
{
    const struct wasm_module *m = x->m;
    u32 empty = 0, i = 0, at = next_offset(x); /* of the group */
    for (;;) {
        if (empty < m->empty_recs.len && m->empty_recs.data[empty] <= i) {
            p_newline(x->p, at);
            p_rec(x->p, x->s, NULL, 0, true, false);
            at += 2;
            empty++;
            continue;
        }
        if (i >= m->types.len) {
            break;
        }
        const struct wasm_type *t = &m->types.data[i];
        u32 n = t->rec_count ? t->rec_count : 1;
        p_newline(x->p, at);
        p_rec(x->p, x->s, t, n, t->explicit_rec || n != 1, false);
        at = t[n - 1].at.end;
        i += n;
    }
    return m->types.len + m->empty_recs.len;
}

static void count_import(struct module_printer *x, const struct wasm_import *i)
{
    static const u8 spaces[] = {SORT_CORE_FUNC, SORT_CORE_TABLE, SORT_CORE_MEMORY, SORT_CORE_GLOBAL,
                                SORT_CORE_TAG};
    x->s->count[spaces[i->type.kind]]++;
}

/* Imports of one module; a type for all of them stands at the end. */
static void import_group(struct module_printer *x, const struct wasm_import *group, u32 n)
{
    struct printer *p = x->p;
    p_open(p, "import ");
    p_string(p, group->module);
    for (u32 i = 0; i < n; i++) {
        p_newline(p, group[i].at.start);
        p_open(p, "item ");
        p_string(p, group[i].name);
        if (group->form == IMPORT_GROUP) {
            p_byte(p, ' ');
            p_externtype(p, x->s, &group[i].type, true);
        }
        p_close(p);
        count_import(x, &group[i]);
    }
    if (group->form == IMPORT_GROUP_OF_TYPE) {
        p_newline(p, next_offset(x));
        p_externtype(p, x->s, &group->type, false);
    }
    p_close(p);
}

/* Moves past an entry where offsets are shown. */
static void skip_import(struct module_printer *x, const struct wasm_import *last)
{
    if (x->p->options->offsets) {
        x->offsets.c.at = x->offsets.c.start + (last->at.end - x->offsets.c.base);
    }
}

static u32 import_section(struct module_printer *x)
{
    const struct wasm_module *m = x->m;
    u32 empty = 0;
    for (u32 i = 0, n;; i += n) {
        for (; empty < m->empty_groups.len && m->empty_groups.data[empty].group_count <= i;
             empty++) {
            p_newline(x->p, next_offset(x));
            import_group(x, &m->empty_groups.data[empty], 0);
            skip_import(x, &m->empty_groups.data[empty]);
        }
        if (i >= m->imports.len) {
            break;
        }
        const struct wasm_import *import = &m->imports.data[i];
        n = wasm_import_group(m, i);
        p_newline(x->p, next_offset(x));
        if (import->form == IMPORT_SINGLE) {
            p_import(x->p, x->s, import, true);
            count_import(x, import);
        } else {
            import_group(x, import, n);
        }
        skip_import(x, import + n - 1);
    }
    return m->imports.len + m->empty_groups.len;
}

static u32 table_section(struct module_printer *x)
{
    for (u32 i = x->m->imported_tables; i < x->m->tables.len; i++) {
        const struct wasm_table *t = &x->m->tables.data[i];
        p_newline(x->p, next_offset(x));
        p_tabletype(x->p, x->s, &t->type, true);
        if (t->has_init) {
            p_byte(x->p, ' ');
            p_const_expr(x->p, x->s, &t->init);
        }
        p_close(x->p);
        x->s->count[SORT_CORE_TABLE]++;
        if (x->p->options->offsets) {
            wasm_get_bytes(&x->offsets.c, t->has_init ? 2 : 0);
            wasm_rd_tabletype(&x->offsets);
            wasm_get_bytes(&x->offsets.c, t->has_init ? t->init.bytes.len : 0);
        }
    }
    return x->m->tables.len - x->m->imported_tables;
}

static u32 memory_section(struct module_printer *x)
{
    for (u32 i = x->m->imported_memories; i < x->m->memories.len; i++) {
        p_newline(x->p, next_offset(x));
        p_memtype(x->p, x->s, &x->m->memories.data[i], true);
        p_close(x->p);
        x->s->count[SORT_CORE_MEMORY]++;
        if (x->p->options->offsets) {
            wasm_rd_limits(&x->offsets, false);
        }
    }
    return x->m->memories.len - x->m->imported_memories;
}

static u32 tag_section(struct module_printer *x)
{
    for (u32 i = x->m->imported_tags; i < x->m->tags.len; i++) {
        p_newline(x->p, next_offset(x));
        p_tagtype(x->p, x->s, x->m->tags.data[i], true);
        p_close(x->p);
        x->s->count[SORT_CORE_TAG]++;
        if (x->p->options->offsets) {
            wasm_rd_tagtype(&x->offsets);
        }
    }
    return x->m->tags.len - x->m->imported_tags;
}

static u32 global_section(struct module_printer *x)
{
    for (u32 i = x->m->imported_globals; i < x->m->globals.len; i++) {
        const struct wasm_global *g = &x->m->globals.data[i];
        p_newline(x->p, next_offset(x));
        p_globaltype(x->p, x->s, &g->type, true);
        p_byte(x->p, ' ');
        p_const_expr(x->p, x->s, &g->init);
        p_close(x->p);
        x->s->count[SORT_CORE_GLOBAL]++;
        if (x->p->options->offsets) {
            wasm_rd_globaltype(&x->offsets);
            wasm_get_bytes(&x->offsets.c, g->init.bytes.len);
        }
    }
    return x->m->globals.len - x->m->imported_globals;
}

void p_core_export(struct printer *p, const struct print_scope *s, str name, u32 space, u32 index)
{
    p_open(p, "export ");
    p_string(p, name);
    p_byte(p, ' ');
    p_byte(p, '(');
    p_c(p, cm_sort_info[space].word.ptr);
    p_byte(p, ' ');
    if (space == SORT_CORE_TAG) {
        p_u64(p, index);
    } else {
        p_index(p, s, space, index);
    }
    p_byte(p, ')');
    p_close(p);
}

static u32 export_section(struct module_printer *x)
{
    static const u8 spaces[] = {SORT_CORE_FUNC, SORT_CORE_TABLE, SORT_CORE_MEMORY, SORT_CORE_GLOBAL,
                                SORT_CORE_TAG};
    for (u32 i = 0; i < x->m->exports.len; i++) {
        const struct wasm_export *e = &x->m->exports.data[i];
        p_newline(x->p, e->at.start);
        p_core_export(x->p, x->s, e->name, spaces[e->kind], e->index);
    }
    return x->m->exports.len;
}

static u32 start_section(struct module_printer *x)
{
    p_newline(x->p, next_offset(x));
    p_open(x->p, "start ");
    p_index(x->p, x->s, SORT_CORE_FUNC, x->m->start);
    p_close(x->p);
    return 1;
}

static void elem_items(struct module_printer *x, const struct wasm_elem *e)
{
    struct printer *p = x->p;
    if (p->options->skeleton) {
        p_c(p, "...");
        return;
    }
    if (e->flags & 4) {
        p_valtype(p, x->s, e->type);
        for (u32 i = 0; i < e->count; i++) {
            p_byte(p, ' ');
            p_const_expr_group(p, x->s, &e->exprs[i], "item");
        }
        return;
    }
    p_c(p, "func");
    for (u32 i = 0; i < e->count; i++) {
        p_byte(p, ' ');
        p_index(p, x->s, SORT_CORE_FUNC, e->funcs[i]);
    }
}

static u32 elem_section(struct module_printer *x)
{
    struct printer *p = x->p;
    for (u32 i = 0; i < x->m->elems.len; i++) {
        const struct wasm_elem *e = &x->m->elems.data[i];
        p_newline(p, e->at.start);
        p_open(p, "elem ");
        p_name(p, x->s, SPACE_ELEM, i);
        if (e->mode == ELEM_DECLARED) {
            p_c(p, " declare");
        } else if (e->mode == ELEM_ACTIVE) {
            if (e->flags & 2) {
                p_c(p, " (table ");
                p_index(p, x->s, SORT_CORE_TABLE, e->table);
                p_byte(p, ')');
            }
            p_byte(p, ' ');
            p_const_expr_group(p, x->s, &e->offset, "offset");
        }
        p_byte(p, ' ');
        elem_items(x, e);
        p_close(p);
    }
    return x->m->elems.len;
}

static u32 code_section(struct module_printer *x)
{
    struct printer *p = x->p;
    for (u32 i = 0; i < x->m->codes.len && !p->failed; i++) {
        const struct wasm_code *code = &x->m->codes.data[i];
        u32 func = x->m->imported_funcs + i;
        p_newline(p, code->offset);
        p_open(p, "func ");
        p_name(p, x->s, SORT_CORE_FUNC, func);
        p_byte(p, ' ');
        u32 params = p_func_type_use(p, x->s, x->m->funcs.data[func], PARAMS_OF_FUNC, func);
        if (p->options->skeleton) {
            p_c(p, " ...");
            p_close(p);
        } else {
            p_close_at(p, p_func_body(p, x->s, func, params, code));
        }
        x->s->count[SORT_CORE_FUNC]++;
    }
    return x->m->codes.len;
}

static u32 data_section(struct module_printer *x)
{
    struct printer *p = x->p;
    for (u32 i = 0; i < x->m->datas.len; i++) {
        const struct wasm_data *d = &x->m->datas.data[i];
        p_newline(p, d->at.start);
        p_open(p, "data ");
        p_name(p, x->s, SPACE_DATA, i);
        p_byte(p, ' ');
        if (d->mode == DATA_ACTIVE) {
            if (d->memory) {
                p_c(p, "(memory ");
                p_index(p, x->s, SORT_CORE_MEMORY, d->memory);
                p_c(p, ") ");
            }
            p_const_expr_group(p, x->s, &d->offset, "offset");
            p_byte(p, ' ');
        }
        if (p->options->skeleton) {
            p_c(p, "...");
        } else {
            p_data(p, d->bytes);
        }
        p_close(p);
    }
    return x->m->datas.len;
}

static u32 function_section(struct module_printer *x)
{
    return x->m->funcs.len - x->m->imported_funcs; /* printed with the bodies */
}

static u32 data_count_section(struct module_printer *x)
{
    (void)x;
    return 0; /* no part of the text format */
}

static const struct {
    u32 (*print)(struct module_printer *x); /* gives the number of definitions */
    const char *place;
} sections[] = {
    [1] = {type_section, "after type"},     [2] = {import_section, "after import"},
    [3] = {function_section, "after func"}, [4] = {table_section, "after table"},
    [5] = {memory_section, "after memory"}, [6] = {global_section, "after global"},
    [7] = {export_section, "after export"}, [8] = {start_section, "after start"},
    [9] = {elem_section, "after elem"},     [10] = {code_section, "after code"},
    [11] = {data_section, "after data"},    [12] = {data_count_section, NULL},
    [13] = {tag_section, "after tag"},
};

/* ---- The module --------------------------------------------------------------------------------------------- */

void p_module(struct printer *p, const struct wasm_module *m, const struct print_scope *parent,
              u32 index)
{
    struct print_scope scope = {.parent = parent};
    struct module_printer x = {.p = p, .s = &scope, .m = m};
    wasm_pr_module_scope(p, &scope, m);
    p_open(p, parent ? "core module" : "module");
    if (parent) {
        p_byte(p, ' ');
        p_name(p, parent, SORT_CORE_MODULE, index);
    } else if (scope.has_name) {
        p_byte(p, ' ');
        p_ident_def(p, &scope.name);
    }
    for (u32 i = 0; i < m->sections.len && !p->failed; i++) {
        const struct wasm_section_span *section = &m->sections.data[i];
        if (section->id == 0) {
            p_custom(p, &scope, &m->customs.data[x.custom++], section->start);
            continue;
        }
        if (p->options->offsets) {
            start_offsets(&x, section);
        }
        if (sections[section->id].print(&x) && sections[section->id].place) {
            scope.place = sections[section->id].place;
        }
    }
    p_close_at(p, m->base + (u32)m->bytes.len);
}
