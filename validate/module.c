/* module.c - a core module: types, imports, constant expressions, segments, exports; then its function bodies. */
#include "validate_internal.h"

enum { MAX_LOCALS = 50000 };

static bool bad(struct validate_context *c, span at, const char *format, ...) WITC_PRINTF(3, 4);

static bool bad(struct validate_context *c, span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(c->diags->arena, format, args);
    va_end(args);
    diag_error(c->diags, CODE_INVALID, at, STRF, STRA(text));
    return false;
}

static const span nowhere;

/* The check of an item failed: its place is looked for only now. */
static bool at_item(struct validate_context *c, enum wasm_section section, u32 index)
{
    if (c->diags->list.len && !c->diags->dropped)
        (*vec_last(&c->diags->list))->at = wasm_item_span(c->m, section, index);
    return false;
}

/* ---- Types and imports ----------------------------------------------------------------------------- */

static bool check_types(struct validate_context *c, struct validate_type_scope *scope)
{
    const struct wasm_module *m = c->m;
    for (u32 i = 0; i < m->types.len;) {
        u32 n = m->types.data[i].rec_count;
        if (n == 0 || n > m->types.len - i)
            n = 1;
        if (!validate_rec_group(scope, &m->types.data[i], n))
            return false;
        i += n;
    }
    return true;
}

static bool check_imports(struct validate_context *c, const struct validate_type_scope *scope)
{
    for (u32 i = 0; i < c->m->imports.len; i++) {
        const struct wasm_import *import = &c->m->imports.data[i];
        if (!validate_check_externtype(scope, &import->type, import->at))
            return false;
        if (import->type.kind == EXTERN_GLOBAL && import->type.global.is_mutable &&
            !features_has(c->features, FEATURE_MUTABLE_GLOBAL))
            return bad(c, import->at, "mutable global support is not enabled");
    }
    return true;
}

static bool check_funcs(struct validate_context *c, const struct validate_type_scope *scope)
{
    const struct wasm_module *m = c->m;
    c->funcs = arena_array(c->arena, u32, m->funcs.len);
    c->declared = arena_array(c->arena, u8, m->funcs.len);
    c->exact_imports = arena_array(c->arena, bool, m->imported_funcs);
    for (u32 i = 0, func = 0; i < m->imports.len; i++) {
        if (m->imports.data[i].type.kind == EXTERN_FUNC)
            c->exact_imports[func++] = m->imports.data[i].type.exact;
    }
    for (u32 i = 0; i < m->funcs.len; i++) {
        struct wasm_externtype type = {.kind = EXTERN_FUNC, .type = m->funcs.data[i]};
        if (!validate_check_externtype(scope, &type, nowhere))
            return at_item(c, WASM_SECTION_FUNC, i - m->imported_funcs);
        c->funcs[i] = c->ids[m->funcs.data[i]];
    }
    c->tags = arena_array(c->arena, u32, m->tags.len);
    for (u32 i = 0; i < m->tags.len; i++) {
        struct wasm_externtype type = {.kind = EXTERN_TAG, .type = m->tags.data[i]};
        if (!validate_check_externtype(scope, &type, nowhere))
            return at_item(c, WASM_SECTION_TAG, i - m->imported_tags);
        c->tags[i] = c->ids[m->tags.data[i]];
    }
    return true;
}

/* ---- Tables, memories, globals ---------------------------------------------------------------------- */

static bool check_tables(struct validate_context *c, const struct validate_type_scope *scope)
{
    const struct wasm_module *m = c->m;
    c->tables = arena_array(c->arena, wasm_valtype, m->tables.len);
    for (u32 i = 0; i < m->tables.len; i++) {
        const struct wasm_table *t = &m->tables.data[i];
        if (!validate_check_table(scope, &t->type, nowhere))
            return at_item(c, WASM_SECTION_TABLE, i - m->imported_tables);
        c->tables[i] = validate_canonicalize(c->ids, t->type.element);
    }
    if (m->tables.len > 1 && !features_has(c->features, FEATURE_REFERENCE_TYPES))
        return bad(c, wasm_item_span(m, WASM_SECTION_TABLE, 1),
                   "multiple tables need the feature `reference-types`");
    return true;
}

/* The initial values of tables see imported globals only. */
static bool check_table_inits(struct validate_context *c)
{
    const struct wasm_module *m = c->m;
    u32 known = c->known_globals;
    c->known_globals = m->imported_globals;
    for (u32 i = m->imported_tables; i < m->tables.len; i++) {
        const struct wasm_table *t = &m->tables.data[i];
        if (!t->has_init && !wasm_is_nullable(t->type.element))
            return bad(c, wasm_item_span(m, WASM_SECTION_TABLE, i - m->imported_tables),
                       "type mismatch: table %u has elements that cannot be null and no initial "
                       "value",
                       i);
        if (t->has_init &&
            !validate_const_expr(c, &t->init, c->tables[i], "initial value of table", i))
            return false;
    }
    c->known_globals = known;
    return true;
}

static bool check_memories(struct validate_context *c, const struct validate_type_scope *scope)
{
    const struct wasm_module *m = c->m;
    for (u32 i = 0; i < m->memories.len; i++) {
        if (!validate_check_limits(scope, &m->memories.data[i], true, nowhere))
            return at_item(c, WASM_SECTION_MEMORY, i - m->imported_memories);
    }
    if (m->memories.len > 1 && !features_has(c->features, FEATURE_MULTI_MEMORY))
        return bad(c, wasm_item_span(m, WASM_SECTION_MEMORY, 1),
                   "multiple memories need the feature `multi-memory`");
    return true;
}

static bool check_globals(struct validate_context *c, const struct validate_type_scope *scope)
{
    const struct wasm_module *m = c->m;
    c->globals = arena_array(c->arena, wasm_valtype, m->globals.len);
    for (u32 i = 0; i < m->globals.len; i++) {
        const struct wasm_globaltype *g = &m->globals.data[i].type;
        if (!validate_check_global(scope, g, nowhere))
            return at_item(c, WASM_SECTION_GLOBAL, i - m->imported_globals);
        c->globals[i] = validate_canonicalize(c->ids, g->type);
    }
    bool any = features_has(c->features, FEATURE_GC);
    for (u32 i = m->imported_globals; i < m->globals.len; i++) {
        c->known_globals = any ? i : m->imported_globals;
        if (!validate_const_expr(c, &m->globals.data[i].init, c->globals[i],
                                 "initial value of global", i))
            return false;
    }
    c->known_globals = any ? m->globals.len : m->imported_globals;
    return true;
}

/* ---- Segments ------------------------------------------------------------------------------------------ */

/* The table or memory of an active segment stands after its flags. */
static span segment_target(span segment)
{
    return (span){segment.source, segment.start + 1, segment.start + 2};
}

static bool check_elem(struct validate_context *c, const struct validate_type_scope *scope,
                       const struct wasm_elem *e, u32 index)
{
    if (!validate_check_valtype(scope, e->type, c->m->types.len, e->at))
        return false;
    wasm_valtype type = c->elems[index] = validate_canonicalize(c->ids, e->type);
    if (e->mode == ELEM_ACTIVE) {
        if (e->table >= c->m->tables.len)
            return bad(c, segment_target(e->at), "unknown table %u", e->table);
        if (!validate_valtype_matches(c->store, type, c->tables[e->table]))
            return bad(c, e->at,
                       "type mismatch: element segment %u of " STRF
                       " does not fit table %u of " STRF,
                       index, STRA(validate_text_of(c, type)), e->table,
                       STRA(validate_text_of(c, c->tables[e->table])));
        bool is_64 = c->m->tables.data[e->table].type.limits.is_64;
        if (!validate_const_expr(c, &e->offset, is_64 ? WASM_I64 : WASM_I32,
                                 "offset of element segment", index))
            return false;
    }
    for (u32 i = 0; i < e->count; i++) {
        if (e->exprs) {
            if (!validate_const_expr(c, &e->exprs[i], type, "element segment", index))
                return false;
        } else if (e->funcs[i] >= c->m->funcs.len) {
            return bad(c, wasm_elem_func_span(c->m, e, i),
                       "unknown function %u: function index out of bounds", e->funcs[i]);
        } else {
            c->declared[e->funcs[i]] = true;
        }
    }
    return true;
}

static bool check_elems(struct validate_context *c, const struct validate_type_scope *scope)
{
    const struct wasm_module *m = c->m;
    c->elems = arena_array(c->arena, wasm_valtype, m->elems.len);
    for (u32 i = 0; i < m->elems.len; i++) {
        if (!check_elem(c, scope, &m->elems.data[i], i))
            return false;
    }
    return true;
}

static bool check_datas(struct validate_context *c)
{
    for (u32 i = 0; i < c->m->datas.len; i++) {
        const struct wasm_data *data = &c->m->datas.data[i];
        if (data->mode != DATA_ACTIVE)
            continue;
        if (data->memory >= c->m->memories.len)
            return bad(c, segment_target(data->at), "unknown memory %u", data->memory);
        bool is_64 = c->m->memories.data[data->memory].is_64;
        if (!validate_const_expr(c, &data->offset, is_64 ? WASM_I64 : WASM_I32,
                                 "offset of data segment", i))
            return false;
    }
    return true;
}

/* ---- Exports and start ------------------------------------------------------------------------------------ */

static u32 space_size(const struct wasm_module *m, enum wasm_extern kind)
{
    switch (kind) {
    case EXTERN_FUNC: return m->funcs.len;
    case EXTERN_TABLE: return m->tables.len;
    case EXTERN_MEMORY: return m->memories.len;
    case EXTERN_GLOBAL: return m->globals.len;
    case EXTERN_TAG: return m->tags.len;
    }
    return 0;
}

static bool check_exports(struct validate_context *c)
{
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    struct map names = {0};
    for (u32 i = 0; i < c->m->exports.len; i++) {
        const struct wasm_export *e = &c->m->exports.data[i];
        if (e->index >= space_size(c->m, e->kind))
            return bad(c, e->at, "unknown %s %u: exported %s index out of bounds", kinds[e->kind],
                       e->index, kinds[e->kind]);
        u32 first = map_add(c->arena, &names, e->name, i);
        if (first != MAP_NONE) {
            struct diag *x = diag_error(c->diags, CODE_INVALID, e->at,
                                        "duplicate export name `" STRF "`", STRA(e->name));
            diag_label(c->diags, x, c->m->exports.data[first].at, "first exported here");
            return false;
        }
        if (e->kind == EXTERN_FUNC)
            c->declared[e->index] = true;
        if (e->kind == EXTERN_GLOBAL && c->m->globals.data[e->index].type.is_mutable &&
            !features_has(c->features, FEATURE_MUTABLE_GLOBAL))
            return bad(c, e->at, "mutable global support is not enabled");
    }
    return true;
}

static bool check_start(struct validate_context *c)
{
    if (!c->m->has_start)
        return true;
    span at = wasm_item_span(c->m, WASM_SECTION_START, 0);
    if (c->m->start >= c->m->funcs.len)
        return bad(c, at, "unknown function %u: start function index out of bounds", c->m->start);
    const struct wasm_functype *t = &validate_store_type(c->store, c->funcs[c->m->start])->func;
    return (t->param_count == 0 && t->result_count == 0) ||
           bad(c, at, "invalid start function type: the start function takes and gives nothing");
}

/* ---- The module ---------------------------------------------------------------------------------------------- */

struct validate_context *validate_module_shell(struct arena *a, struct validate_store *store,
                                               const struct wasm_module *m, struct features f,
                                               struct diags *d)
{
    struct validate_context *c = arena_new(a, struct validate_context);
    c->arena = a;
    c->store = store ? store : validate_store_new(a);
    c->m = m;
    c->features = f;
    c->diags = d;
    c->func = UINT32_MAX;
    c->ids = arena_array(a, u32, m->types.len);
    struct validate_type_scope scope = {
        .store = c->store, .ids = c->ids, .features = f, .diags = d};
    bool fine = check_types(c, &scope) && check_imports(c, &scope) && check_funcs(c, &scope) &&
                check_tables(c, &scope) && check_memories(c, &scope) && check_globals(c, &scope) &&
                check_table_inits(c) && check_exports(c) && check_start(c) &&
                check_elems(c, &scope) && check_datas(c);
    return fine ? c : NULL;
}

static void set_all(struct validate_context *c, u32 n, bool is_set)
{
    if (n == 0)
        return; /* there may be no array yet */
    vec_reserve(c->arena, &c->local_set, n);
    memset(c->local_set.data + c->local_set.len, is_set, n);
    c->local_set.len += n;
}

static void no_locals(struct validate_context *c)
{
    c->local_count = c->locals.len = c->local_ranges.len = c->local_set.len = 0;
}

bool validate_const_expr(struct validate_context *c, const struct wasm_expr *e, wasm_valtype type,
                         const char *where, u32 index)
{
    c->in = wasm_cursor_of(c->m->source, e->bytes, e->offset);
    c->is_const = true;
    c->is_shared = false;
    c->where = where;
    c->where_index = index;
    no_locals(c);
    return validate_walk(c, &type, 1);
}

/* Adds n locals; from the first without a default value on, all are tracked. */
static void add_locals(struct validate_context *c, wasm_valtype t, u32 n, bool is_set)
{
    if (!is_set && !c->local_set.len)
        set_all(c, c->local_count, true);
    if (c->local_set.len || !is_set)
        set_all(c, n, is_set);
    u32 room = VALIDATE_FLAT_LOCALS - c->locals.len, flat = n < room ? n : room;
    vec_reserve(c->arena, &c->locals, flat);
    for (u32 i = 0; i < flat; i++)
        c->locals.data[c->locals.len++] = t;
    c->local_count += n;
    if (n > flat)
        *vec_push(c->arena, &c->local_ranges) = (struct validate_locals){c->local_count, t};
}

static bool read_locals(struct validate_context *c)
{
    struct validate_type_scope scope = {.store = c->store,
                                        .ids = c->ids,
                                        .count = c->m->types.len,
                                        .features = c->features,
                                        .diags = c->diags};
    u32 groups = wasm_get_count(&c->in, 2);
    u64 declared = 0;
    for (u32 i = 0; i < groups && !c->in.failed; i++) {
        c->instruction = c->in.at;
        u32 n = wasm_get_u32(&c->in);
        declared += n;
        span at = {c->m->source, wasm_cursor_offset(&c->in), wasm_cursor_offset(&c->in) + 1};
        wasm_valtype t = wasm_get_valtype(&c->in);
        if (c->in.failed)
            break;
        if (declared + c->local_count > UINT32_MAX)
            return validate_malformed(c, "too many locals");
        if (declared > MAX_LOCALS || c->local_count + (u64)n > MAX_LOCALS)
            return validate_fail(c, "too many locals: more than %d", MAX_LOCALS);
        if (!validate_check_valtype(&scope, t, c->m->types.len, at))
            return false;
        add_locals(c, validate_canonicalize(c->ids, t), n, validate_has_default(t));
    }
    return !c->in.failed || validate_malformed(c, "unexpected end");
}

bool validate_func(struct validate_context *c, u32 func, struct diags *d)
{
    const struct wasm_code *code = &c->m->codes.data[func - c->m->imported_funcs];
    const struct wasm_type *of = validate_store_type(c->store, c->funcs[func]);
    const struct wasm_functype *type = &of->func;
    c->diags = d;
    c->in = wasm_cursor_of(c->m->source, code->bytes, code->offset);
    c->is_const = false;
    c->is_shared = of->is_shared;
    c->func = func;
    c->op = OP_COUNT;
    c->instruction = NULL;
    no_locals(c);
    for (u32 i = 0; i < type->param_count; i++)
        add_locals(c, type->params[i], 1, true);
    return read_locals(c) && validate_walk(c, type->results, type->result_count);
}

bool validate_func_seen(struct validate_context *c, u32 func, validate_seen *seen, void *ctx,
                        struct diags *d)
{
    c->seen = seen;
    c->seen_ctx = ctx;
    bool fine = validate_func(c, func, d);
    c->seen = NULL;
    return fine;
}

bool validate_module(struct arena *a, struct validate_store *store, const struct wasm_module *m,
                     struct features f, struct diags *d)
{
    struct validate_context *c = validate_module_shell(a, store, m, f, d);
    if (!c)
        return false;
    bool fine = true;
    u32 before = d->errors;
    for (u32 i = 0; i < m->codes.len && d->errors - before < diags_limit(d); i++)
        fine &= validate_func(c, m->imported_funcs + i, d);
    return fine;
}

struct validate_store *validate_context_store(const struct validate_context *c)
{
    return c->store;
}

const u32 *validate_context_ids(const struct validate_context *c)
{
    return c->ids;
}

wasm_valtype validate_canonical_valtype(const struct validate_context *c, wasm_valtype t)
{
    return validate_canonicalize(c->ids, t);
}

struct wasm_externtype validate_canonical_externtype(const struct validate_context *c,
                                                     const struct wasm_externtype *t)
{
    return validate_canonicalize_extern(c->ids, t);
}

/* Of a function that the module defines the very type is known; of an imported one if it says so. */
static bool is_exact(const struct validate_context *c, u32 func)
{
    return features_has(c->features, FEATURE_CUSTOM_DESCRIPTORS) &&
           (func >= c->m->imported_funcs || c->exact_imports[func]);
}

struct validate_type_scope validate_scope_of(const struct validate_context *c)
{
    return (struct validate_type_scope){.store = c->store,
                                        .ids = c->ids,
                                        .count = c->m->types.len,
                                        .features = c->features,
                                        .diags = c->diags};
}

struct wasm_externtype validate_export_type(const struct validate_context *c,
                                            const struct wasm_export *e)
{
    struct wasm_externtype out = {.kind = e->kind};
    switch (e->kind) {
    case EXTERN_FUNC:
        out.type = c->funcs[e->index];
        out.exact = is_exact(c, e->index);
        break;
    case EXTERN_TABLE:
        out.table = c->m->tables.data[e->index].type;
        out.table.element = c->tables[e->index];
        break;
    case EXTERN_MEMORY: out.memory = c->m->memories.data[e->index]; break;
    case EXTERN_GLOBAL:
        out.global = c->m->globals.data[e->index].type;
        out.global.type = c->globals[e->index];
        break;
    case EXTERN_TAG: out.type = c->tags[e->index]; break;
    }
    return out;
}
