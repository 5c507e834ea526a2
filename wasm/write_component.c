/* write_component.c - encodes components. */
#include "writer.h"

/* ---- Names, sorts, value types --------------------------------------------------------------------- */

static void write_sortidx(struct buf *out, struct cm_sortidx item)
{
    cm_write_sort(out, item.sort);
    buf_uleb(out, item.index);
}

static void write_cm_valtype(struct buf *out, struct cm_valtype t)
{
    if (t.is_index) {
        buf_sleb(out, t.index);
    } else {
        buf_byte(out, t.prim);
    }
}

static void write_optional(struct buf *out, bool has, struct cm_valtype t)
{
    buf_byte(out, has);
    if (has) {
        write_cm_valtype(out, t);
    }
}

static void write_cm_name(struct buf *out, const struct cm_name *n)
{
    enum cm_attribute attributes[ATTRIBUTE_COUNT];
    u32 count = cm_name_attributes(n, attributes);
    u8 form = count ? 2 : n->form;
    buf_byte(out, form);
    wasm_write_name(out, n->name);
    if (form != 2) {
        return;
    }
    buf_uleb(out, count);
    for (u32 i = 0; i < count; i++) {
        buf_byte(out, (u8)attributes[i]);
        wasm_write_name(out, cm_name_attribute(n, attributes[i]));
    }
}

static void write_cm_externtype(struct buf *out, const struct cm_externtype *t)
{
    cm_write_sort(out, t->sort);
    if (t->sort == SORT_VALUE) {
        buf_byte(out, !t->is_bound);
        if (!t->is_bound) {
            write_cm_valtype(out, t->value);
            return;
        }
    } else if (t->sort == SORT_TYPE) {
        buf_byte(out, t->is_bound);
        if (t->is_bound) {
            return;
        }
    }
    buf_uleb(out, t->index);
}

static void write_alias(struct buf *out, const struct cm_alias *a)
{
    cm_write_sort(out, a->sort);
    buf_byte(out, (u8)a->kind);
    if (a->kind == ALIAS_OUTER) {
        buf_uleb(out, a->outer_count);
        buf_uleb(out, a->index);
    } else {
        buf_uleb(out, a->instance);
        wasm_write_name(out, a->name);
    }
}

/* ---- Types -------------------------------------------------------------------------------------------- */

static void write_type(struct buf *out, const struct cm_type *t);
static void write_core_type(struct buf *out, const struct cm_core_type *t);

static void write_labels(struct buf *out, const struct cm_label *labels, u32 n, enum cm_def kind)
{
    buf_uleb(out, n);
    for (u32 i = 0; i < n; i++) {
        const struct cm_label *l = &labels[i];
        if (kind != DEF_TUPLE) {
            wasm_write_name(out, l->name);
        }
        if (kind == DEF_VARIANT) {
            write_optional(out, l->has_type, l->type);
            buf_byte(out, 0);
        } else if (kind != DEF_FLAGS && kind != DEF_ENUM) {
            write_cm_valtype(out, l->type);
        }
    }
}

static void write_resultlist(struct buf *out, bool has, struct cm_valtype result)
{
    if (has) {
        buf_byte(out, 0);
        write_cm_valtype(out, result);
    } else {
        buf_put(out, "\1", 2);
    }
}

static void write_decl(struct buf *out, const struct cm_decl *d)
{
    switch (d->kind) {
    case DECL_CORE_TYPE:
        buf_byte(out, 0x00);
        write_core_type(out, d->core_type);
        break;
    case DECL_TYPE:
        buf_byte(out, 0x01);
        write_type(out, d->type);
        break;
    case DECL_ALIAS:
        buf_byte(out, 0x02);
        write_alias(out, d->alias);
        break;
    case DECL_IMPORT:
    case DECL_EXPORT:
        buf_byte(out, d->kind == DECL_IMPORT ? 0x03 : 0x04);
        write_cm_name(out, &d->name);
        write_cm_externtype(out, &d->extern_type);
        break;
    }
}

static void write_type(struct buf *out, const struct cm_type *t)
{
    if (t->kind == DEF_PRIM) {
        buf_byte(out, t->prim);
        return;
    }
    buf_byte(out, t->kind == DEF_FUNC && t->func.is_async ? 0x43 : (u8)t->kind);
    switch (t->kind) {
    case DEF_PRIM: break;
    case DEF_RECORD:
    case DEF_VARIANT:
    case DEF_TUPLE:
    case DEF_FLAGS:
    case DEF_ENUM: write_labels(out, t->labels, t->label_count, t->kind); break;
    case DEF_LIST:
    case DEF_OPTION: write_cm_valtype(out, t->element); break;
    case DEF_FIXED_LIST:
        write_cm_valtype(out, t->element);
        buf_uleb(out, t->length);
        break;
    case DEF_MAP:
        write_cm_valtype(out, t->element);
        write_cm_valtype(out, t->second);
        break;
    case DEF_RESULT:
        write_optional(out, t->has_element, t->element);
        write_optional(out, t->has_second, t->second);
        break;
    case DEF_OWN:
    case DEF_BORROW: buf_uleb(out, t->resource); break;
    case DEF_STREAM:
    case DEF_FUTURE: write_optional(out, t->has_element, t->element); break;
    case DEF_FUNC:
        write_labels(out, t->func.params, t->func.param_count, DEF_FUNC);
        write_resultlist(out, t->func.has_result, t->func.result);
        break;
    case DEF_COMPONENT:
    case DEF_INSTANCE:
        buf_uleb(out, t->decl_count);
        for (u32 i = 0; i < t->decl_count; i++) {
            write_decl(out, &t->decls[i]);
        }
        break;
    case DEF_RESOURCE:
        wasm_write_valtype(out, t->rep);
        buf_byte(out, t->has_dtor);
        if (t->has_dtor) {
            buf_uleb(out, t->dtor);
        }
        break;
    }
}

static void write_module_decl(struct buf *out, const struct cm_module_decl *d)
{
    switch (d->kind) {
    case MODULE_DECL_IMPORT:
        buf_byte(out, 0x00);
        wasm_wr_import(out, &d->import);
        break;
    case MODULE_DECL_TYPE:
        buf_byte(out, 0x01); /* no prefix before a non-final subtype here */
        wasm_wr_rectype(out, d->type->types, d->type->type_count, d->type->explicit_rec);
        break;
    case MODULE_DECL_ALIAS:
        buf_put(out, "\x02\x10\x01", 3);
        buf_uleb(out, d->outer_count);
        buf_uleb(out, d->outer_index);
        break;
    case MODULE_DECL_EXPORT:
        buf_byte(out, 0x03);
        wasm_write_name(out, d->name);
        wasm_wr_externtype(out, &d->extern_type);
        break;
    }
}

static void write_core_type(struct buf *out, const struct cm_core_type *t)
{
    if (t->is_module) {
        buf_byte(out, 0x50);
        buf_uleb(out, t->decl_count);
        for (u32 i = 0; i < t->decl_count; i++) {
            write_module_decl(out, &t->decls[i]);
        }
        return;
    }
    if (t->type_count == 1 && !t->explicit_rec && !t->types[0].is_final) {
        buf_byte(out, 0x00); /* tells a non-final subtype from a module type */
    }
    wasm_wr_rectype(out, t->types, t->type_count, t->explicit_rec);
}

/* ---- Definitions ---------------------------------------------------------------------------------------- */

static void write_instance(struct buf *out, const struct cm_instance *i, bool core)
{
    buf_byte(out, !i->is_instantiate);
    if (i->is_instantiate) {
        buf_uleb(out, i->source);
        buf_uleb(out, i->arg_count);
        for (u32 k = 0; k < i->arg_count; k++) {
            wasm_write_name(out, i->args[k].name);
            if (core) {
                buf_byte(out, 0x12);
                buf_uleb(out, i->args[k].item.index);
            } else {
                write_sortidx(out, i->args[k].item);
            }
        }
        return;
    }
    buf_uleb(out, i->export_count);
    for (u32 k = 0; k < i->export_count; k++) {
        const struct cm_inline_export *e = &i->exports[k];
        if (core) {
            wasm_write_name(out, e->name.name);
            buf_byte(out, cm_sort_info[e->item.sort].byte);
            buf_uleb(out, e->item.index);
        } else {
            write_cm_name(out, &e->name);
            write_sortidx(out, e->item);
        }
    }
}

static void write_opt(struct buf *out, u8 option, u32 index)
{
    buf_byte(out, option);
    if (cm_option_info[option].sort != SORT_COUNT) {
        buf_uleb(out, index);
    }
}

u32 wasm_option_index(const struct cm_canon_opts *o, u32 i)
{
    u32 index;
    if (o->order_values.len == o->order.len) {
        return o->order_values.data[i];
    }
    cm_option_get(o, (enum cm_option)o->order.data[i], &index);
    return index;
}

/* Options are written in the order they stood, then those that were set since. */
static void write_opts(struct buf *out, const struct cm_canon_opts *o)
{
    u32 ordered = 0, count = o->order.len, index;
    for (u32 i = 0; i < o->order.len; i++) {
        ordered |= 1u << o->order.data[i];
    }
    for (u32 option = 0; option < OPTION_COUNT; option++) {
        count += !(ordered >> option & 1) && cm_option_get(o, (enum cm_option)option, &index);
    }
    buf_uleb(out, count);
    for (u32 i = 0; i < o->order.len; i++) {
        write_opt(out, o->order.data[i], wasm_option_index(o, i));
    }
    for (u32 option = 0; option < OPTION_COUNT; option++) {
        if (!(ordered >> option & 1) && cm_option_get(o, (enum cm_option)option, &index)) {
            write_opt(out, (u8)option, index);
        }
    }
}

static void write_canon(struct buf *out, const struct cm_canon *c)
{
    const struct cm_canon_info *info = &cm_canon_info[c->kind];
    buf_byte(out, info->opcode);
    switch (info->form) {
    case CANON_FORM_LIFT:
        buf_byte(out, 0);
        buf_uleb(out, c->func);
        write_opts(out, &c->opts);
        buf_uleb(out, c->type);
        break;
    case CANON_FORM_LOWER:
        buf_byte(out, 0);
        buf_uleb(out, c->func);
        write_opts(out, &c->opts);
        break;
    case CANON_FORM_NONE: break;
    case CANON_FORM_TYPE: buf_uleb(out, c->type); break;
    case CANON_FORM_TYPE_OPTS:
        buf_uleb(out, c->type);
        write_opts(out, &c->opts);
        break;
    case CANON_FORM_TYPE_ASYNC:
        buf_uleb(out, c->type);
        buf_byte(out, c->is_async);
        break;
    case CANON_FORM_RESULT_OPTS:
        write_resultlist(out, c->has_result, c->result);
        write_opts(out, &c->opts);
        break;
    case CANON_FORM_OPTS: write_opts(out, &c->opts); break;
    case CANON_FORM_ASYNC: buf_byte(out, c->is_async); break;
    case CANON_FORM_SLOT:
        wasm_write_valtype(out, c->slot_type ? c->slot_type : WASM_I32);
        buf_uleb(out, c->slot);
        break;
    case CANON_FORM_ZERO: buf_byte(out, 0); break;
    case CANON_FORM_ZERO_MEMORY:
        buf_byte(out, 0);
        buf_uleb(out, c->memory);
        break;
    case CANON_FORM_SHARED: buf_byte(out, c->is_shared); break;
    case CANON_FORM_SHARED_TYPE:
        buf_byte(out, c->is_shared);
        buf_uleb(out, c->type);
        break;
    case CANON_FORM_SHARED_TYPE_TABLE: buf_byte(out, c->is_shared);
    /* fall through */
    case CANON_FORM_CORE_TYPE_TABLE:
        buf_uleb(out, c->type);
        buf_uleb(out, c->table);
        break;
    }
}

static void write_export(struct buf *out, const struct cm_export *e)
{
    write_cm_name(out, &e->name);
    write_sortidx(out, e->item);
    buf_byte(out, e->has_type);
    if (e->has_type) {
        write_cm_externtype(out, &e->type);
    }
}

static void write_start(struct buf *out, const struct cm_start *s)
{
    buf_uleb(out, s->func);
    buf_uleb(out, s->arg_count);
    for (u32 i = 0; i < s->arg_count; i++) {
        buf_uleb(out, s->args[i]);
    }
    buf_uleb(out, s->result_count);
}

/* ---- The component -------------------------------------------------------------------------------------- */

static const u8 section_ids[] = {
    [ITEM_CUSTOM] = 0,    [ITEM_CORE_MODULE] = 1, [ITEM_CORE_INSTANCE] = 2, [ITEM_CORE_TYPE] = 3,
    [ITEM_COMPONENT] = 4, [ITEM_INSTANCE] = 5,    [ITEM_ALIAS] = 6,         [ITEM_TYPE] = 7,
    [ITEM_CANON] = 8,     [ITEM_START] = 9,       [ITEM_IMPORT] = 10,       [ITEM_EXPORT] = 11,
    [ITEM_VALUE] = 12,
};

static void write_item(struct buf *out, const struct wasm_component *c, struct cm_item item)
{
    u32 i = item.index;
    switch (item.kind) {
    case ITEM_CORE_INSTANCE: write_instance(out, &c->core_instances.data[i], true); break;
    case ITEM_CORE_TYPE: write_core_type(out, &c->core_types.data[i]); break;
    case ITEM_INSTANCE: write_instance(out, &c->instances.data[i], false); break;
    case ITEM_ALIAS: write_alias(out, &c->aliases.data[i]); break;
    case ITEM_TYPE: write_type(out, &c->types.data[i]); break;
    case ITEM_CANON: write_canon(out, &c->canons.data[i]); break;
    case ITEM_START: write_start(out, &c->starts.data[i]); break;
    case ITEM_IMPORT:
        write_cm_name(out, &c->imports.data[i].name);
        write_cm_externtype(out, &c->imports.data[i].type);
        break;
    case ITEM_EXPORT: write_export(out, &c->exports.data[i]); break;
    case ITEM_VALUE:
        write_cm_valtype(out, c->values.data[i].type);
        wasm_write_name(out, c->values.data[i].bytes);
        break;
    case ITEM_CORE_MODULE:
    case ITEM_COMPONENT:
    case ITEM_CUSTOM: break; /* a section of their own */
    }
}

/* Modules, components and custom sections fill a section each. */
static bool write_whole(struct buf *out, const struct wasm_component *c, struct cm_item item)
{
    if (item.kind == ITEM_CUSTOM) {
        const struct wasm_custom *x = &c->customs.data[item.index];
        wasm_write_custom(out, x->name, x->bytes);
    } else if (item.kind == ITEM_CORE_MODULE) {
        wasm_write_section(out, 1, c->modules.data[item.index]->bytes);
    } else if (item.kind == ITEM_COMPONENT) {
        const struct wasm_component *inner = c->components.data[item.index];
        struct buf encoded = buf_in(out->arena);
        if (inner->bytes.len == 0) {
            wasm_write_component(&encoded, inner);
        }
        wasm_write_section(out, 4, inner->bytes.len ? inner->bytes : buf_view(&encoded));
    } else {
        return false;
    }
    return true;
}

void wasm_write_component(struct buf *out, const struct wasm_component *c)
{
    buf_put(out, "\0asm\x0d\0\1", 8);
    struct buf contents = buf_in(out->arena), counted = buf_in(out->arena);
    for (u32 i = 0, end; i < c->items.len; i = end) {
        struct cm_item first = c->items.data[i];
        end = i + 1;
        if (write_whole(out, c, first)) {
            continue;
        }
        contents.len = counted.len = 0;
        write_item(&contents, c, first);
        while (first.kind != ITEM_START && end < c->items.len &&
               c->items.data[end].kind == first.kind &&
               c->items.data[end].section == first.section) {
            write_item(&contents, c, c->items.data[end++]);
        }
        if (first.kind != ITEM_START) {
            buf_uleb(&counted, end - i);
        }
        buf_str(&counted, buf_view(&contents));
        wasm_write_section(out, section_ids[first.kind], buf_view(&counted));
    }
}
