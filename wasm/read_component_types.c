/* read_component_types.c - reads names, sorts, aliases and types of components. */
#include "reader.h"

/* ---- Names, sorts, value types ------------------------------------------------------------------- */

enum cm_sort wasm_rd_core_sort(struct wasm_reader *r)
{
    u8 byte = wasm_get_byte(&r->c);
    for (u32 i = SORT_CORE_FUNC; i < SORT_FUNC; i++) {
        if (cm_sort_info[i].byte == byte) {
            return (enum cm_sort)i;
        }
    }
    wasm_rd_bad_byte(r, byte, "core sort");
    return SORT_CORE_FUNC;
}

enum cm_sort wasm_rd_sort(struct wasm_reader *r)
{
    const u8 *at = r->c.at;
    u8 byte = wasm_get_byte(&r->c);
    if (byte == 0) {
        return wasm_rd_core_sort(r);
    }
    for (u32 i = SORT_FUNC; i < SORT_COUNT; i++) {
        if (cm_sort_info[i].byte != byte) {
            continue;
        }
        if (i == SORT_VALUE) {
            wasm_rd_gate(r, at, FEATURE_CM_VALUES, "value");
        }
        return (enum cm_sort)i;
    }
    wasm_rd_bad_byte(r, byte, "component external kind");
    return SORT_FUNC;
}

static bool is_primitive(u8 byte)
{
    return (byte >= PRIM_STRING && byte <= PRIM_BOOL) || byte == PRIM_ERROR_CONTEXT;
}

static void gate_primitive(struct wasm_reader *r, const u8 *at, u8 prim)
{
    if (prim == PRIM_ERROR_CONTEXT) {
        wasm_rd_gate(r, at, FEATURE_CM_ERROR_CONTEXT, "error-context");
    }
}

struct cm_valtype wasm_rd_cm_valtype(struct wasm_reader *r)
{
    const u8 *at = r->c.at;
    u8 byte = at == r->c.end ? 0 : *at;
    if (is_primitive(byte)) {
        r->c.at++;
        gate_primitive(r, at, byte);
        return (struct cm_valtype){.prim = byte};
    }
    i64 index = wasm_get_s33(&r->c);
    if (index < 0) {
        wasm_rd_fail(r, at, "invalid leading byte (0x%x) for component value type", byte);
        return (struct cm_valtype){.prim = PRIM_BOOL};
    }
    return (struct cm_valtype){.is_index = true, .index = (u32)index};
}

static bool read_optional_valtype(struct wasm_reader *r, struct cm_valtype *out)
{
    u8 byte = wasm_get_byte(&r->c);
    if (byte > 1) {
        wasm_rd_bad_byte(r, byte, "optional component value type");
    } else if (byte == 1) {
        *out = wasm_rd_cm_valtype(r);
    }
    return byte == 1;
}

static void read_attribute(struct wasm_reader *r, struct cm_name *n)
{
    const u8 *at = r->c.at;
    u8 kind = wasm_get_byte(&r->c);
    str *const slots[ATTRIBUTE_COUNT] = {&n->implements, &n->version_suffix, &n->external_id};
    if (kind >= ATTRIBUTE_COUNT) {
        wasm_rd_bad_byte(r, kind, "name option");
        return;
    }
    const char *word = cm_attribute_words[kind];
    wasm_rd_gate(r, at,
                 kind == ATTRIBUTE_VERSION_SUFFIX ? FEATURE_CM_CANON_NAMES : FEATURE_CM_IMPLEMENTS,
                 word);
    if (slots[kind]->ptr) {
        wasm_rd_fail(r, at, "duplicate '%s' option in name", word);
        return;
    }
    *slots[kind] = wasm_get_name(&r->c);
    u32 place = 0;
    while (n->attribute_order >> place) {
        place += 2;
    }
    n->attribute_order |= (u8)((kind + 1u) << place);
}

struct cm_name wasm_rd_cm_name(struct wasm_reader *r)
{
    struct cm_name n = {0};
    n.form = wasm_get_byte(&r->c);
    if (n.form > 2) {
        wasm_rd_bad_byte(r, n.form, "component name");
        return n;
    }
    n.name = wasm_get_name(&r->c);
    if (n.form == 2) {
        u32 count = wasm_get_count(&r->c, 2);
        for (u32 i = 0; i < count && !r->c.failed; i++) {
            read_attribute(r, &n);
        }
    }
    return n;
}

struct cm_externtype wasm_rd_cm_externtype(struct wasm_reader *r)
{
    struct cm_externtype t = {0};
    t.sort = wasm_rd_sort(r);
    switch (t.sort) {
    case SORT_CORE_MODULE:
    case SORT_FUNC:
    case SORT_COMPONENT:
    case SORT_INSTANCE: t.index = wasm_get_u32(&r->c); break;
    case SORT_VALUE: {
        u8 bound = wasm_get_byte(&r->c);
        if (bound > 1) {
            wasm_rd_bad_byte(r, bound, "value bound");
        } else if (bound == 0) {
            t.is_bound = true;
            t.index = wasm_get_u32(&r->c);
        } else {
            t.value = wasm_rd_cm_valtype(r);
        }
        break;
    }
    case SORT_TYPE: {
        u8 bound = wasm_get_byte(&r->c);
        if (bound > 1) {
            wasm_rd_bad_byte(r, bound, "type bound");
        } else if (bound == 0) {
            t.index = wasm_get_u32(&r->c);
        } else {
            t.is_bound = true;
        }
        break;
    }
    default: wasm_rd_bad_byte(r, r->c.failed ? 0 : r->c.at[-1], "component external kind");
    }
    return t;
}

struct cm_alias wasm_rd_alias(struct wasm_reader *r)
{
    const u8 *start = r->c.at;
    struct cm_alias a = {.sort = wasm_rd_sort(r)};
    u8 kind = wasm_get_byte(&r->c);
    switch (kind) {
    case 0x00:
        a.kind = ALIAS_EXPORT;
        a.instance = wasm_get_u32(&r->c);
        a.name = wasm_get_name(&r->c);
        break;
    case 0x01:
        a.kind = ALIAS_CORE_EXPORT;
        if (a.sort > SORT_CORE_TAG) {
            wasm_rd_fail(r, start,
                         "a core export alias names a core function, table, memory, "
                         "global or tag");
        }
        a.instance = wasm_get_u32(&r->c);
        a.name = wasm_get_name(&r->c);
        break;
    case 0x02:
        a.kind = ALIAS_OUTER;
        if (a.sort != SORT_CORE_MODULE && a.sort != SORT_CORE_TYPE && a.sort != SORT_TYPE &&
            a.sort != SORT_COMPONENT) {
            wasm_rd_fail(r, start, "invalid leading byte (0x%x) for component outer alias kind",
                         *start);
        }
        a.outer_count = wasm_get_u32(&r->c);
        a.index = wasm_get_u32(&r->c);
        break;
    default: wasm_rd_bad_byte(r, kind, "alias");
    }
    a.at = wasm_rd_span(r, start);
    return a;
}

/* ---- Defined value types ---------------------------------------------------------------------------- */

enum label_form { LABEL_TYPED, LABEL_CASE, LABEL_BARE, LABEL_TYPE_ONLY };

static const struct cm_label *read_labels(struct wasm_reader *r, enum label_form form, u32 *count)
{
    static const u8 least[] = {
        [LABEL_TYPED] = 2, [LABEL_CASE] = 3, [LABEL_BARE] = 1, [LABEL_TYPE_ONLY] = 1};
    u32 n = wasm_get_count(&r->c, least[form]);
    struct cm_label *labels = arena_array(r->a, struct cm_label, n);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        struct cm_label *l = &labels[i];
        if (form != LABEL_TYPE_ONLY) {
            l->name = wasm_get_name(&r->c);
        }
        if (form == LABEL_TYPED || form == LABEL_TYPE_ONLY) {
            l->has_type = true;
            l->type = wasm_rd_cm_valtype(r);
        } else if (form == LABEL_CASE) {
            l->has_type = read_optional_valtype(r, &l->type);
            u8 zero = wasm_get_byte(&r->c);
            if (zero != 0) {
                wasm_rd_bad_byte(r, zero, "end of variant case");
            }
        }
    }
    *count = n;
    return labels;
}

bool wasm_rd_resultlist(struct wasm_reader *r, struct cm_valtype *out)
{
    u8 byte = wasm_get_byte(&r->c);
    if (byte == 0) {
        *out = wasm_rd_cm_valtype(r);
        return true;
    }
    if (byte != 1) {
        wasm_rd_bad_byte(r, byte, "component function results");
        return false;
    }
    byte = wasm_get_byte(&r->c);
    if (byte != 0) {
        wasm_rd_bad_byte(r, byte, "number of results");
    }
    return false;
}

static void read_functype(struct wasm_reader *r, struct cm_functype *f)
{
    f->params = read_labels(r, LABEL_TYPED, &f->param_count);
    f->has_result = wasm_rd_resultlist(r, &f->result);
}

static void read_resource(struct wasm_reader *r, struct cm_type *t)
{
    t->rep = wasm_rd_valtype(r);
    u8 dtor = wasm_get_byte(&r->c);
    if (dtor > 1) {
        wasm_rd_bad_byte(r, dtor, "optional resource destructor");
    }
    t->has_dtor = dtor == 1;
    if (t->has_dtor) {
        t->dtor = wasm_get_u32(&r->c);
    }
}

static void read_decls(struct wasm_reader *r, struct cm_type *t);

/* The byte of the type is read; false if it is no type. */
static bool read_defined(struct wasm_reader *r, u8 byte, const u8 *at, struct cm_type *t)
{
    t->kind = (enum cm_def)byte;
    switch (t->kind) {
    case DEF_RECORD: t->labels = read_labels(r, LABEL_TYPED, &t->label_count); return true;
    case DEF_VARIANT: t->labels = read_labels(r, LABEL_CASE, &t->label_count); return true;
    case DEF_TUPLE: t->labels = read_labels(r, LABEL_TYPE_ONLY, &t->label_count); return true;
    case DEF_FLAGS:
    case DEF_ENUM: t->labels = read_labels(r, LABEL_BARE, &t->label_count); return true;
    case DEF_FIXED_LIST:
        wasm_rd_gate(r, at, FEATURE_CM_FIXED_LISTS, "fixed-length list");
        t->has_element = true;
        t->element = wasm_rd_cm_valtype(r);
        t->length = wasm_get_u32(&r->c);
        return true;
    case DEF_MAP:
        wasm_rd_gate(r, at, FEATURE_CM_MAP, "map");
        t->has_element = t->has_second = true;
        t->element = wasm_rd_cm_valtype(r);
        t->second = wasm_rd_cm_valtype(r);
        return true;
    case DEF_LIST:
    case DEF_OPTION:
        t->has_element = true;
        t->element = wasm_rd_cm_valtype(r);
        return true;
    case DEF_RESULT:
        t->has_element = read_optional_valtype(r, &t->element);
        t->has_second = read_optional_valtype(r, &t->second);
        return true;
    case DEF_OWN:
    case DEF_BORROW: t->resource = wasm_get_u32(&r->c); return true;
    case DEF_STREAM:
    case DEF_FUTURE:
        wasm_rd_gate(r, at, FEATURE_CM_ASYNC, byte == DEF_STREAM ? "stream" : "future");
        t->has_element = read_optional_valtype(r, &t->element);
        return true;
    default: return false;
    }
}

void wasm_rd_cm_type(struct wasm_reader *r, struct cm_type *t)
{
    const u8 *start = r->c.at;
    u8 byte = wasm_get_byte(&r->c);
    if (is_primitive(byte)) {
        gate_primitive(r, start, byte);
        t->kind = DEF_PRIM;
        t->prim = byte;
    } else if (byte == 0x43 || byte == DEF_FUNC) {
        t->kind = DEF_FUNC;
        t->func.is_async = byte == 0x43;
        if (byte == 0x43) {
            wasm_rd_gate(r, start, FEATURE_CM_ASYNC, "async function type");
        }
        read_functype(r, &t->func);
    } else if (byte == DEF_COMPONENT || byte == DEF_INSTANCE) {
        t->kind = (enum cm_def)byte;
        read_decls(r, t);
    } else if (byte == DEF_RESOURCE) {
        t->kind = DEF_RESOURCE;
        read_resource(r, t);
    } else if (!read_defined(r, byte, start, t)) {
        wasm_rd_fail(r, start, "invalid leading byte (0x%x) for component defined type", byte);
    }
    t->at = wasm_rd_span(r, start);
}

/* ---- Component, instance and module types ---------------------------------------------------------- */

static bool enter_type(struct wasm_reader *r)
{
    if (r->type_depth >= READ_MAX_DEPTH) {
        wasm_rd_fail(r, r->c.at, "types nest deeper than %d", READ_MAX_DEPTH);
        return false;
    }
    r->type_depth++;
    return true;
}

static void read_decl(struct wasm_reader *r, bool component, struct cm_decl *d)
{
    const u8 *start = r->c.at;
    u8 byte = wasm_get_byte(&r->c);
    switch (byte) {
    case 0x00:
        d->kind = DECL_CORE_TYPE;
        d->core_type = arena_new(r->a, struct cm_core_type);
        wasm_rd_core_type(r, d->core_type);
        break;
    case 0x01:
        d->kind = DECL_TYPE;
        d->type = arena_new(r->a, struct cm_type);
        wasm_rd_cm_type(r, d->type);
        break;
    case 0x02:
        d->kind = DECL_ALIAS;
        d->alias = arena_new(r->a, struct cm_alias);
        *d->alias = wasm_rd_alias(r);
        break;
    case 0x03:
        if (!component) {
            wasm_rd_bad_byte(r, byte, "component or instance type declaration");
            break;
        }
        d->kind = DECL_IMPORT;
        d->name = wasm_rd_cm_name(r);
        d->extern_type = wasm_rd_cm_externtype(r);
        break;
    case 0x04:
        d->kind = DECL_EXPORT;
        d->name = wasm_rd_cm_name(r);
        d->extern_type = wasm_rd_cm_externtype(r);
        break;
    default: wasm_rd_bad_byte(r, byte, "component or instance type declaration");
    }
    d->at = wasm_rd_span(r, start);
}

static void read_decls(struct wasm_reader *r, struct cm_type *t)
{
    if (!enter_type(r)) {
        return;
    }
    VEC(struct cm_decl) decls = {0};
    u32 n = wasm_get_count(&r->c, 2);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        struct cm_decl d = {0};
        read_decl(r, t->kind == DEF_COMPONENT, &d);
        *vec_push(r->a, &decls) = d;
    }
    t->decls = decls.data;
    t->decl_count = decls.len;
    r->type_depth--;
}

static void read_rec_group(struct wasm_reader *r, struct cm_core_type *t)
{
    const u8 *start = r->c.at;
    wasm_type_vec types = {0};
    t->explicit_rec = wasm_rd_rectype(r, &types);
    t->types = types.data;
    t->type_count = types.len;
    t->at = wasm_rd_span(r, start);
}

static void read_module_decl(struct wasm_reader *r, struct cm_module_decl *d)
{
    u8 byte = wasm_get_byte(&r->c);
    switch (byte) {
    case 0x00:
        d->kind = MODULE_DECL_IMPORT;
        d->import = wasm_rd_import(r);
        break;
    case 0x01: {
        d->kind = MODULE_DECL_TYPE;
        d->type = arena_new(r->a, struct cm_core_type);
        read_rec_group(r, d->type); /* 0x50 is a subtype here, as in core modules */
        break;
    }
    case 0x02:
        d->kind = MODULE_DECL_ALIAS;
        byte = wasm_get_byte(&r->c);
        if (byte != 0x10) {
            wasm_rd_bad_byte(r, byte, "outer alias kind");
        }
        byte = wasm_get_byte(&r->c);
        if (byte != 0x01) {
            wasm_rd_bad_byte(r, byte, "outer alias target");
        }
        d->outer_count = wasm_get_u32(&r->c);
        d->outer_index = wasm_get_u32(&r->c);
        break;
    case 0x03:
        d->kind = MODULE_DECL_EXPORT;
        d->name = wasm_get_name(&r->c);
        d->extern_type = wasm_rd_externtype(r);
        break;
    default: wasm_rd_bad_byte(r, byte, "type definition");
    }
}

static void read_module_type(struct wasm_reader *r, struct cm_core_type *t)
{
    if (!enter_type(r)) {
        return;
    }
    t->is_module = true;
    VEC(struct cm_module_decl) decls = {0};
    u32 n = wasm_get_count(&r->c, 2);
    for (u32 i = 0; i < n && !r->c.failed; i++) {
        struct cm_module_decl d = {0};
        read_module_decl(r, &d);
        *vec_push(r->a, &decls) = d;
    }
    t->decls = decls.data;
    t->decl_count = decls.len;
    r->type_depth--;
}

/* Binary.md core:deftype: 0x50 is a module type, 0x00 0x50 a non-final subtype. */
void wasm_rd_core_type(struct wasm_reader *r, struct cm_core_type *t)
{
    const u8 *start = r->c.at;
    u8 byte = start == r->c.end ? 0xff : *start;
    if (byte == 0x50) {
        r->c.at++;
        read_module_type(r, t);
    } else {
        if (byte == 0x00) {
            r->c.at++;
            byte = r->c.at == r->c.end ? 0x50 : *r->c.at;
            if (byte != 0x50) {
                wasm_rd_fail(r, r->c.at, "invalid leading byte (0x%x) for non-final sub type",
                             byte);
            }
        }
        read_rec_group(r, t);
    }
    t->at = wasm_rd_span(r, start);
}
