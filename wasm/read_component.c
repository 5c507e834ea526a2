/* read_component.c - reads the sections of components. */
#include "reader.h"

struct component_reader {
    struct wasm_reader *r;
    struct wasm_component *c;
    u32 section; /* ordinal of the section at hand */
};

static void add_item(struct component_reader *x, enum cm_item_kind kind, u32 index)
{
    if (!x->r->c.failed) {
        *vec_push(x->r->a, &x->c->items) = (struct cm_item){kind, index, x->section};
    }
}

/* ---- Instances ------------------------------------------------------------------------------------- */

static void read_core_args(struct wasm_reader *r, struct cm_instance *i)
{
    u32 n = wasm_get_count(&r->c, 3);
    struct cm_arg *args = arena_array(r->a, struct cm_arg, n);
    for (u32 k = 0; k < n && !r->c.failed; k++) {
        args[k].name = wasm_get_name(&r->c);
        u8 byte = wasm_get_byte(&r->c);
        if (byte != 0x12) {
            wasm_rd_bad_byte(r, byte, "instantiation arg kind");
        }
        args[k].item = (struct cm_sortidx){SORT_CORE_INSTANCE, wasm_get_u32(&r->c)};
    }
    i->args = args;
    i->arg_count = n;
}

static void read_args(struct wasm_reader *r, struct cm_instance *i)
{
    u32 n = wasm_get_count(&r->c, 3);
    struct cm_arg *args = arena_array(r->a, struct cm_arg, n);
    for (u32 k = 0; k < n && !r->c.failed; k++) {
        args[k].name = wasm_get_name(&r->c);
        args[k].item.sort = wasm_rd_sort(r);
        args[k].item.index = wasm_get_u32(&r->c);
    }
    i->args = args;
    i->arg_count = n;
}

static void read_inline_exports(struct wasm_reader *r, bool core, struct cm_instance *i)
{
    u32 n = wasm_get_count(&r->c, 3);
    struct cm_inline_export *exports = arena_array(r->a, struct cm_inline_export, n);
    for (u32 k = 0; k < n && !r->c.failed; k++) {
        struct cm_inline_export *e = &exports[k];
        if (core) {
            e->name.name = wasm_get_name(&r->c);
            e->item.sort = wasm_rd_core_sort(r);
        } else {
            e->name = wasm_rd_cm_name(r);
            e->item.sort = wasm_rd_sort(r);
        }
        e->item.index = wasm_get_u32(&r->c);
    }
    i->exports = exports;
    i->export_count = n;
}

static struct cm_instance read_instance(struct wasm_reader *r, bool core)
{
    const u8 *start = r->c.at;
    struct cm_instance i = {0};
    u8 byte = wasm_get_byte(&r->c);
    if (byte == 0) {
        i.is_instantiate = true;
        i.source = wasm_get_u32(&r->c);
        if (core) {
            read_core_args(r, &i);
        } else {
            read_args(r, &i);
        }
    } else if (byte == 1) {
        read_inline_exports(r, core, &i);
    } else {
        wasm_rd_bad_byte(r, byte, core ? "core instance" : "instance");
    }
    i.at = wasm_rd_span(r, start);
    return i;
}

/* ---- Canonical definitions -------------------------------------------------------------------------- */

static void read_opt(struct wasm_reader *r, struct cm_canon_opts *o)
{
    const u8 *at = r->c.at;
    u8 byte = wasm_get_byte(&r->c);
    if (byte >= OPTION_COUNT) {
        wasm_rd_bad_byte(r, byte, "canonical option");
        return;
    }
    const struct cm_option_info *option = &cm_option_info[byte];
    if (!features_has(r->features, option->gate)) {
        wasm_rd_gate(r, at, option->gate,
                     str_to_c(r->a, str_printf(r->a, "option `%s`", option->word)));
    }
    u32 index = option->sort == SORT_COUNT ? 0 : wasm_get_u32(&r->c);
    cm_option_set(o, (enum cm_option)byte, index);
    *vec_push(r->a, &o->order) = byte;
    *vec_push(r->a, &o->order_values) = index;
}

static void read_opts(struct wasm_reader *r, struct cm_canon_opts *o)
{
    u32 n = wasm_get_count(&r->c, 1);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        read_opt(r, o);
    }
}

static bool read_flag(struct wasm_reader *r)
{
    u8 byte = wasm_get_byte(&r->c);
    if (byte > 1) {
        wasm_rd_fail(r, r->c.at - 1, "invalid boolean value 0x%x", byte);
    }
    return byte == 1;
}

/* The reserved byte where older binaries had a flag. */
static void read_zero(struct wasm_reader *r)
{
    u8 byte = wasm_get_byte(&r->c);
    if (byte == 1) {
        wasm_rd_fail(r, r->c.at - 1,
                     "non-zero reserved byte: invalid leading byte (0x1) for zero byte required; "
                     "it once meant `cancellable`, which the specification no longer has");
    } else if (byte != 0) {
        wasm_rd_fail(r, r->c.at - 1,
                     "non-zero reserved byte: invalid leading byte (0x%x) for zero byte required",
                     byte);
    }
}

static void read_func_sort(struct wasm_reader *r, const char *what)
{
    u8 byte = wasm_get_byte(&r->c);
    if (byte != 0) {
        wasm_rd_bad_byte(r, byte, what);
    }
}

static void read_canon_immediates(struct wasm_reader *r, struct cm_canon *c)
{
    struct wasm_cursor *k = &r->c;
    switch (cm_canon_info[c->kind].form) {
    case CANON_FORM_LIFT:
        read_func_sort(r, "canonical function lift");
        c->func = wasm_get_u32(k);
        read_opts(r, &c->opts);
        c->type = wasm_get_u32(k);
        break;
    case CANON_FORM_LOWER:
        read_func_sort(r, "canonical function lower");
        c->func = wasm_get_u32(k);
        read_opts(r, &c->opts);
        break;
    case CANON_FORM_NONE: break;
    case CANON_FORM_TYPE: c->type = wasm_get_u32(k); break;
    case CANON_FORM_TYPE_OPTS:
        c->type = wasm_get_u32(k);
        read_opts(r, &c->opts);
        break;
    case CANON_FORM_TYPE_ASYNC:
        c->type = wasm_get_u32(k);
        c->is_async = read_flag(r);
        break;
    case CANON_FORM_RESULT_OPTS:
        c->has_result = wasm_rd_resultlist(r, &c->result);
        read_opts(r, &c->opts);
        break;
    case CANON_FORM_OPTS: read_opts(r, &c->opts); break;
    case CANON_FORM_ASYNC: c->is_async = read_flag(r); break;
    case CANON_FORM_SLOT:
        c->slot_type = wasm_rd_valtype(r);
        c->slot = wasm_get_u32(k);
        break;
    case CANON_FORM_ZERO: read_zero(r); break;
    case CANON_FORM_ZERO_MEMORY:
        read_zero(r);
        c->memory = wasm_get_u32(k);
        break;
    case CANON_FORM_CORE_TYPE_TABLE:
        c->type = wasm_get_u32(k);
        c->table = wasm_get_u32(k);
        break;
    case CANON_FORM_SHARED: c->is_shared = read_flag(r); break;
    case CANON_FORM_SHARED_TYPE:
        c->is_shared = read_flag(r);
        c->type = wasm_get_u32(k);
        break;
    case CANON_FORM_SHARED_TYPE_TABLE:
        c->is_shared = read_flag(r);
        c->type = wasm_get_u32(k);
        c->table = wasm_get_u32(k);
        break;
    }
}

static struct cm_canon read_canon(struct wasm_reader *r)
{
    const u8 *start = r->c.at;
    struct cm_canon c = {.kind = CANON_COUNT};
    u8 byte = wasm_get_byte(&r->c);
    for (u32 i = 0; i < CANON_COUNT; i++) {
        if (cm_canon_info[i].opcode == byte) {
            c.kind = (enum cm_canon_kind)i;
        }
    }
    if (c.kind == CANON_COUNT || r->c.failed) {
        wasm_rd_bad_byte(r, byte, "canonical function");
        return c;
    }
    wasm_rd_gate(r, start, cm_canon_info[c.kind].gate, cm_canon_info[c.kind].name);
    read_canon_immediates(r, &c);
    c.at = wasm_rd_span(r, start);
    return c;
}

/* ---- Imports, exports, start, values ---------------------------------------------------------------- */

static struct cm_import read_import(struct wasm_reader *r)
{
    const u8 *start = r->c.at;
    struct cm_import i = {.name = wasm_rd_cm_name(r)};
    i.type = wasm_rd_cm_externtype(r);
    i.at = wasm_rd_span(r, start);
    return i;
}

static struct cm_export read_export(struct wasm_reader *r)
{
    const u8 *start = r->c.at;
    struct cm_export e = {.name = wasm_rd_cm_name(r)};
    e.item.sort = wasm_rd_sort(r);
    e.item.index = wasm_get_u32(&r->c);
    u8 byte = wasm_get_byte(&r->c);
    if (byte > 1) {
        wasm_rd_bad_byte(r, byte, "optional component export type");
    }
    e.has_type = byte == 1;
    if (e.has_type) {
        e.type = wasm_rd_cm_externtype(r);
    }
    e.at = wasm_rd_span(r, start);
    return e;
}

static struct cm_start read_start(struct wasm_reader *r)
{
    const u8 *start = r->c.at;
    struct cm_start s = {.func = wasm_get_u32(&r->c)};
    s.arg_count = wasm_get_count(&r->c, 1);
    u32 *args = arena_array(r->a, u32, s.arg_count);
    for (u32 i = 0; i < s.arg_count && !r->c.failed; i++) {
        args[i] = wasm_get_u32(&r->c);
    }
    s.args = args;
    const u8 *at = r->c.at;
    s.result_count = wasm_get_u32(&r->c);
    if (s.result_count > 1000) {
        wasm_rd_fail(r, at, "start function results size is out of bounds");
    }
    s.at = wasm_rd_span(r, start);
    if (!r->c.failed && r->c.at != r->c.end) {
        wasm_rd_fail(r, r->c.at, "unexpected content in the component start section");
    }
    return s;
}

static struct cm_value read_value(struct wasm_reader *r)
{
    const u8 *start = r->c.at;
    struct cm_value v = {.type = wasm_rd_cm_valtype(r)};
    v.bytes = wasm_get_bytes(&r->c, wasm_get_u32(&r->c));
    v.at = wasm_rd_span(r, start);
    return v;
}

/* ---- Sections ---------------------------------------------------------------------------------------- */

static str rest(const struct wasm_reader *r)
{
    return str_of((const char *)r->c.at, (size_t)(r->c.end - r->c.at));
}

/* A module or component inside: all of the section. */
static void read_unit(struct component_reader *x, bool component)
{
    struct wasm_reader *r = x->r;
    u32 base = wasm_cursor_offset(&r->c), source = r->c.source;
    u32 index = component ? x->c->components.len : x->c->modules.len;
    if (r->depth < LENGTH_OF(r->state->path)) {
        r->state->path[r->depth] = (struct wasm_read_step){component, index};
    }
    r->depth++;
    if (component) {
        struct wasm_component *c = wasm_rd_component(r, source, rest(r), base);
        r->c.failed = !c;
        *vec_push(r->a, &x->c->components) = c;
        add_item(x, ITEM_COMPONENT, x->c->components.len - 1);
    } else {
        struct wasm_module *m = wasm_rd_module(r, source, rest(r), base);
        r->c.failed = !m;
        *vec_push(r->a, &x->c->modules) = m;
        add_item(x, ITEM_CORE_MODULE, x->c->modules.len - 1);
    }
    r->depth--;
    r->c.at = r->c.end;
}

/* A vector of definitions: each is read with READ and added to TABLE. */
#define READ_VECTOR(x, least, TABLE, KIND, READ)               \
    do {                                                       \
        u32 n_ = wasm_get_count(&(x)->r->c, least);            \
        for (u32 i_ = 0; i_ < n_ && !(x)->r->c.failed; i_++) { \
            *vec_push((x)->r->a, &(x)->c->TABLE) = READ;       \
            add_item((x), KIND, (x)->c->TABLE.len - 1);        \
        }                                                      \
    } while (0)

static void read_types(struct component_reader *x)
{
    u32 n = wasm_get_count(&x->r->c, 1);
    for (u32 i = 0; i < n && !x->r->c.failed; i++) {
        struct cm_type t = {0};
        wasm_rd_cm_type(x->r, &t);
        *vec_push(x->r->a, &x->c->types) = t;
        add_item(x, ITEM_TYPE, x->c->types.len - 1);
    }
}

static void read_core_types(struct component_reader *x)
{
    u32 n = wasm_get_count(&x->r->c, 2);
    for (u32 i = 0; i < n && !x->r->c.failed; i++) {
        struct cm_core_type t = {0};
        wasm_rd_core_type(x->r, &t);
        *vec_push(x->r->a, &x->c->core_types) = t;
        add_item(x, ITEM_CORE_TYPE, x->c->core_types.len - 1);
    }
}

static void read_custom(struct component_reader *x, u32 start)
{
    struct wasm_reader *r = x->r;
    struct wasm_custom c = {.name = wasm_get_name(&r->c)};
    c.bytes = rest(r);
    r->c.at = r->c.end;
    c.at = (span){r->c.source, start, wasm_cursor_offset(&r->c)};
    *vec_push(r->a, &x->c->customs) = c;
    add_item(x, ITEM_CUSTOM, x->c->customs.len - 1);
}

static const char *const section_names[] = {
    "custom", "core module", "core instance", "core type", "component", "instance", "alias",
    "type",   "canon",       "start",         "import",    "export",    "value",
};

static void read_section(struct component_reader *x, u8 id, u32 start)
{
    struct wasm_reader *r = x->r;
    const u8 *at = r->c.at;
    r->section = id < LENGTH_OF(section_names) ? section_names[id] : NULL;
    switch (id) {
    case 0: read_custom(x, start); break;
    case 1: read_unit(x, false); break;
    case 2: READ_VECTOR(x, 2, core_instances, ITEM_CORE_INSTANCE, read_instance(r, true)); break;
    case 3: read_core_types(x); break;
    case 4: read_unit(x, true); break;
    case 5: READ_VECTOR(x, 2, instances, ITEM_INSTANCE, read_instance(r, false)); break;
    case 6: READ_VECTOR(x, 4, aliases, ITEM_ALIAS, wasm_rd_alias(r)); break;
    case 7: read_types(x); break;
    case 8: READ_VECTOR(x, 1, canons, ITEM_CANON, read_canon(r)); break;
    case 9:
        wasm_rd_gate(r, at, FEATURE_CM_VALUES, "start section");
        *vec_push(r->a, &x->c->starts) = read_start(r);
        add_item(x, ITEM_START, x->c->starts.len - 1);
        break;
    case 10: READ_VECTOR(x, 4, imports, ITEM_IMPORT, read_import(r)); break;
    case 11: READ_VECTOR(x, 5, exports, ITEM_EXPORT, read_export(r)); break;
    case 12:
        wasm_rd_gate(r, at, FEATURE_CM_VALUES, "value section");
        READ_VECTOR(x, 2, values, ITEM_VALUE, read_value(r));
        break;
    default:
        wasm_rd_fail(r, at, "malformed section id %u", id);
        r->c.error_offset = start;
        return;
    }
    if (!r->c.failed && r->c.at != r->c.end) {
        wasm_rd_fail(r, r->c.at,
                     "section size mismatch: unexpected data at the end of the section");
    }
}

/* False with the failure reported. */
static bool read_sections(struct component_reader *x, struct wasm_cursor top)
{
    struct wasm_reader *r = x->r;
    u8 id;
    for (;; x->section++) {
        u32 start = wasm_cursor_offset(&top);
        if (!wasm_get_section(&top, &id, &r->c)) {
            break;
        }
        read_section(x, id, start);
        if (r->c.failed) {
            if (r->c.error) { /* else the one inside has reported */
                wasm_rd_report(r, &r->c);
            }
            return false;
        }
    }
    if (top.failed) {
        r->section = NULL;
        wasm_rd_report(r, &top);
    }
    return !top.failed;
}

struct wasm_component *wasm_rd_component(struct wasm_reader *r, u32 source, str bytes, u32 base)
{
    struct wasm_component *c = arena_new(r->a, struct wasm_component);
    *c = (struct wasm_component){.bytes = bytes, .source = source, .base = base};
    struct wasm_cursor outer = r->c;
    struct component_reader x = {.r = r, .c = c};
    bool fine = wasm_rd_enter_unit(r, bytes, base, source, "component");
    if (!fine) {
        wasm_rd_report(r, &r->c);
    } else {
        wasm_rd_gate(r, r->c.at - 4, FEATURE_COMPONENT_MODEL, "component");
        fine = read_sections(&x, r->c);
    }
    r->c = outer;
    return fine ? c : NULL;
}

enum cm_sort cm_item_sort(const struct wasm_component *c, struct cm_item item)
{
    switch (item.kind) {
    case ITEM_CORE_MODULE: return SORT_CORE_MODULE;
    case ITEM_CORE_INSTANCE: return SORT_CORE_INSTANCE;
    case ITEM_CORE_TYPE: return SORT_CORE_TYPE;
    case ITEM_COMPONENT: return SORT_COMPONENT;
    case ITEM_INSTANCE: return SORT_INSTANCE;
    case ITEM_ALIAS: return c->aliases.data[item.index].sort;
    case ITEM_TYPE: return SORT_TYPE;
    case ITEM_CANON:
        return c->canons.data[item.index].kind == CANON_LIFT ? SORT_FUNC : SORT_CORE_FUNC;
    case ITEM_IMPORT: return c->imports.data[item.index].type.sort;
    case ITEM_EXPORT: return c->exports.data[item.index].item.sort;
    case ITEM_VALUE: return SORT_VALUE;
    case ITEM_START:
    case ITEM_CUSTOM: break;
    }
    return SORT_COUNT;
}
