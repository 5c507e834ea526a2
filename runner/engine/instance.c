/* instance.c - instantiation: imports, constant expressions, segments, exports. */
#include "engine_internal.h"

/* ---- Functions, made at need --------------------------------------------------------------------------------- */

struct engine_func *engine_func_at(struct engine_instance *i, u32 index)
{
    if (i->funcs[index])
        return i->funcs[index];
    const struct wasm_module *m = i->module->source;
    const struct wasm_functype *type = wasm_func_type(m, index);
    struct engine_func *f = arena_new(&i->store->arena, struct engine_func);
    *f = (struct engine_func){
        .code = engine_untranslated(i->store, engine_record_of(type)),
        .instance = i,
        .type = type,
        .type_id = i->module->type_ids[m->funcs.data[index]],
        .index = index,
    };
    return i->funcs[index] = f;
}

/* ---- Constant expressions ------------------------------------------------------------------------------------ */

struct eval {
    struct arena_temp arena;
    struct engine_instance *inst;
    struct engine_task task; /* for instructions out of line; it has no stack */
    struct wasm_cursor in;
    VEC(u64) stack;
};

static u64 pop(struct eval *e)
{
    return e->stack.len ? e->stack.data[--e->stack.len] : 0;
}
static void push(struct eval *e, u64 value)
{
    *vec_push(&e->arena.arena, &e->stack) = value;
}

/* Operands are the topmost `slots`; the result replaces them. */
static enum trap out(struct eval *e, engine_out *fn, u32 slots, u64 x, u64 y)
{
    if (slots > e->stack.len)
        slots = e->stack.len;
    if (slots == 0)
        push(e, 0);
    u32 base = e->stack.len - (slots ? slots : 1);
    e->inst->store->operands = e->stack.data;
    e->inst->store->operand_count = e->stack.len;
    int r = fn(&e->task, &e->stack.data[base], x, y);
    e->inst->store->operand_count = 0;
    e->stack.len = base + 1;
    return (enum trap)r;
}

static enum trap eval_gc(struct eval *e, enum wasm_op op)
{
    const struct wasm_module *m = e->inst->module->source;
    u32 type, n;
    switch (op) {
    case OP_REF_I31: return out(e, engine_out_ref_i31, 1, 0, 0);
    case OP_ANY_CONVERT_EXTERN:
    case OP_EXTERN_CONVERT_ANY: return TRAP_NONE;
    case OP_STRUCT_NEW:
        type = wasm_get_u32(&e->in);
        n = 0;
        for (u32 i = 0; i < m->types.data[type].field_count; i++)
            n += engine_valtype_slots(m->types.data[type].fields[i].type);
        return out(e, engine_out_struct_new, n, type, 0);
    case OP_STRUCT_NEW_DEFAULT:
        return out(e, engine_out_struct_new_default, 0, wasm_get_u32(&e->in), 0);
    case OP_ARRAY_NEW:
        type = wasm_get_u32(&e->in);
        return out(e, engine_out_array_new,
                   engine_valtype_slots(m->types.data[type].fields[0].type) + 1, type, 0);
    case OP_ARRAY_NEW_DEFAULT:
        return out(e, engine_out_array_new_default, 1, wasm_get_u32(&e->in), 0);
    case OP_ARRAY_NEW_FIXED:
        type = wasm_get_u32(&e->in);
        n = wasm_get_u32(&e->in);
        return out(e, engine_out_array_new_fixed,
                   n * engine_valtype_slots(m->types.data[type].fields[0].type), type, n);
    default: e->in.failed = true; return TRAP_NONE;
    }
}

static enum trap eval_step(struct eval *e, enum wasm_op op)
{
    u64 b;
    switch (op) {
    case OP_I32_CONST: push(e, (u32)wasm_get_s32(&e->in)); break;
    case OP_I64_CONST: push(e, (u64)wasm_get_s64(&e->in)); break;
    case OP_F32_CONST: push(e, wasm_get_fixed(&e->in, 4)); break;
    case OP_F64_CONST: push(e, wasm_get_fixed(&e->in, 8)); break;
    case OP_V128_CONST:
        b = wasm_get_fixed(&e->in, 8);
        push(e, b);
        push(e, wasm_get_fixed(&e->in, 8));
        break;
    case OP_GLOBAL_GET: {
        struct engine_global *g = e->inst->globals[wasm_get_u32(&e->in)];
        push(e, g->slots[0]);
        if (g->type.type == WASM_V128)
            push(e, g->slots[1]);
        break;
    }
    case OP_REF_NULL:
        wasm_get_heaptype(&e->in, true);
        push(e, 0);
        break;
    case OP_REF_FUNC: push(e, (u64)(uintptr_t)engine_func_at(e->inst, wasm_get_u32(&e->in))); break;
    case OP_I32_ADD: b = pop(e), push(e, (u32)(pop(e) + b)); break;
    case OP_I32_SUB: b = pop(e), push(e, (u32)(pop(e) - b)); break;
    case OP_I32_MUL: b = pop(e), push(e, (u32)(pop(e) * b)); break;
    case OP_I64_ADD: b = pop(e), push(e, pop(e) + b); break;
    case OP_I64_SUB: b = pop(e), push(e, pop(e) - b); break;
    case OP_I64_MUL: b = pop(e), push(e, pop(e) * b); break;
    default: return eval_gc(e, op);
    }
    return TRAP_NONE;
}

enum trap engine_eval(struct engine_instance *i, const struct wasm_expr *x, u64 *slots)
{
    u64 few[8]; /* most are one constant */
    struct eval e = {.inst = i,
                     .in = wasm_cursor_of(i->module->source->source, x->bytes, x->offset),
                     .stack = {.data = few, .cap = LENGTH_OF(few)},
                     .task = {.store = i->store}};
    engine_set_instance(&e.task, i);
    arena_temp_begin(&e.arena);
    enum trap trap = TRAP_NONE;
    while (trap == TRAP_NONE && !e.in.failed) {
        u8 byte = wasm_get_byte(&e.in);
        enum wasm_op op =
            byte < 0xfb ? wasm_op_find(0, byte) : wasm_op_find(byte, wasm_get_u32(&e.in));
        if (op == OP_END || op == OP_COUNT)
            break;
        trap = eval_step(&e, op);
    }
    for (u32 k = 0; k < e.stack.len && k < 2; k++)
        slots[k] = e.stack.data[k];
    arena_temp_end(&e.arena);
    return trap;
}

enum trap engine_elem_refs(struct engine_instance *i, u32 elem, engine_ref **refs)
{
    const struct wasm_elem *e = &i->module->source->elems.data[elem];
    if (!i->elem_refs[elem]) {
        engine_ref *made = i->elem_refs[elem] =
            arena_array(&i->store->arena, engine_ref, e->count); /* roots from now on */
        for (u32 k = 0; k < e->count; k++) {
            u64 slots[2] = {0};
            enum trap trap = TRAP_NONE;
            if (e->funcs)
                slots[0] = (u64)(uintptr_t)engine_func_at(i, e->funcs[k]);
            else
                trap = engine_eval(i, &e->exprs[k], slots);
            if (trap != TRAP_NONE) {
                i->elem_refs[elem] = NULL;
                return trap;
            }
            made[k] = slots[0];
        }
    }
    *refs = i->elem_refs[elem];
    return TRAP_NONE;
}

/* ---- Imports ---------------------------------------------------------------------------------------------------- */

/* The canonical type of an external, limits as they are at this moment. */
static struct wasm_externtype type_of(const struct engine_extern *x)
{
    struct wasm_externtype t = {.kind = x->kind};
    switch (x->kind) {
    case EXTERN_FUNC: t.type = x->func->type_id; break;
    case EXTERN_TABLE:
        t.table = x->table->type;
        t.table.limits.min = x->table->size;
        break;
    case EXTERN_MEMORY:
        t.memory = x->memory->type;
        t.memory.min = x->memory->size >> (t.memory.has_page_size ? t.memory.page_size_log2 : 16);
        break;
    case EXTERN_GLOBAL: t.global = x->global->type; break;
    case EXTERN_TAG: t.type = x->tag->type_id; break;
    }
    return t;
}

static bool check_imports(struct engine_module *em, const struct engine_extern *imports, u32 count,
                          struct diags *d)
{
    const struct wasm_module *m = em->source;
    if (count != m->imports.len) {
        diag_error(d, "link", (span){m->source, m->base, m->base},
                   "module has %u imports, %u were given", m->imports.len, count);
        return false;
    }
    u32 errors = d->errors;
    for (u32 i = 0; i < count; i++) {
        const struct wasm_import *import = &m->imports.data[i];
        struct wasm_externtype wanted = engine_import_type(em, i);
        struct wasm_externtype given = type_of(&imports[i]);
        if (validate_import_matches(em->store->types, &given, &wanted))
            continue;
        struct diag *x =
            diag_error(d, "link", import->at, "incompatible import type for `" STRF "` `" STRF "`",
                       STRA(import->module), STRA(import->name));
        diag_note(d, x, "expected " STRF,
                  STRA(validate_externtype_text(d->arena, em->store->types, &wanted)));
        diag_note(d, x, "found " STRF,
                  STRA(validate_externtype_text(d->arena, em->store->types, &given)));
    }
    return d->errors == errors;
}

/* ---- Instantiation ------------------------------------------------------------------------------------------------ */

static struct engine_instance *allocate(struct engine_store *s, struct engine_module *em, str label)
{
    const struct wasm_module *m = em->source;
    struct arena *a = &s->arena;
    struct engine_instance *i = arena_new(a, struct engine_instance);
    i->module = em;
    i->store = s;
    i->label = str_dup(a, label);
    i->funcs = arena_array(a, struct engine_func *, m->funcs.len);
    i->memories = arena_array(a, struct engine_memory *, m->memories.len);
    i->tables = arena_array(a, struct engine_table *, m->tables.len);
    i->globals = arena_array(a, struct engine_global *, m->globals.len);
    i->own = arena_array(a, struct engine_global, m->globals.len - m->imported_globals);
    i->tags = arena_array(a, struct engine_tag *, m->tags.len);
    i->data_dropped = arena_array(a, bool, m->datas.len);
    i->elem_dropped = arena_array(a, bool, m->elems.len);
    i->elem_refs = arena_array(a, engine_ref *, m->elems.len);
    i->memory0 = &s->no_memory;
    i->next = s->instances;
    s->instances = i;
    return i;
}

static void take_imports(struct engine_instance *i, const struct engine_extern *imports, u32 count)
{
    u32 funcs = 0, tables = 0, memories = 0, globals = 0, tags = 0;
    for (u32 k = 0; k < count; k++) {
        switch (imports[k].kind) {
        case EXTERN_FUNC: i->funcs[funcs++] = imports[k].func; break;
        case EXTERN_TABLE: i->tables[tables++] = imports[k].table; break;
        case EXTERN_MEMORY: i->memories[memories++] = imports[k].memory; break;
        case EXTERN_GLOBAL: i->globals[globals++] = imports[k].global; break;
        case EXTERN_TAG: i->tags[tags++] = imports[k].tag; break;
        }
    }
}

static enum trap make_globals(struct engine_instance *i)
{
    const struct wasm_module *m = i->module->source;
    for (u32 k = m->imported_globals; k < m->globals.len; k++) {
        struct engine_global *g = &i->own[k - m->imported_globals];
        g->type = m->globals.data[k].type;
        g->type.type = validate_canonical_valtype(i->module->context, g->type.type);
        i->globals[k] = g;
        enum trap trap = engine_eval(i, &m->globals.data[k].init, g->slots);
        if (trap != TRAP_NONE)
            return trap;
        g->next = i->store->globals;
        i->store->globals = g;
    }
    return TRAP_NONE;
}

/* A memory or a table that needs more than it may have, or more than the system gives. */
static void cannot_make(struct diags *d, span at, const char *what, u32 index, u64 needed,
                        u64 allowed, const char *unit)
{
    struct diag *x =
        diag_error(d, "limit", at, "%s %u cannot be made: it is too large", what, index);
    if (needed > allowed)
        diag_note(d, x, "it needs %llu %s, and may have %llu", (unsigned long long)needed, unit,
                  (unsigned long long)allowed);
    else
        diag_note(d, x, "the system has no room for %llu %s", (unsigned long long)needed, unit);
}

/* False after a diagnostic. */
static bool make_storage(struct engine_instance *i, struct diags *d)
{
    const struct wasm_module *m = i->module->source;
    for (u32 k = m->imported_memories; k < m->memories.len; k++) {
        const struct wasm_limits *type = &m->memories.data[k];
        i->memories[k] = engine_memory_new(i->store, type);
        if (!i->memories[k]) {
            span at = wasm_item_span(m, WASM_SECTION_MEMORY, k - m->imported_memories);
            u64 allowed = i->store->limits.memory_bytes, space = (u64)1 << 32;
            cannot_make(d, at, "memory", k, engine_memory_least(type),
                        type->is_64 || allowed < space ? allowed : space, "bytes");
            return false;
        }
    }
    if (m->memories.len)
        i->memory0 = i->memories[0];
    for (u32 k = m->imported_tags; k < m->tags.len; k++) {
        const struct wasm_functype *type = &m->types.data[m->tags.data[k]].func;
        struct engine_tag *t = arena_new(&i->store->arena, struct engine_tag);
        t->type = *type;
        t->type_id = i->module->type_ids[m->tags.data[k]];
        t->slots = engine_type_slots(type->params, type->param_count);
        i->tags[k] = t;
    }
    return true;
}

static enum trap make_tables(struct engine_instance *i, struct diags *d, bool *made)
{
    const struct wasm_module *m = i->module->source;
    *made = true;
    for (u32 k = m->imported_tables; k < m->tables.len; k++) {
        struct wasm_tabletype type = m->tables.data[k].type;
        type.element = validate_canonical_valtype(i->module->context, type.element);
        u64 init[2] = {0};
        if (m->tables.data[k].has_init) {
            enum trap trap = engine_eval(i, &m->tables.data[k].init, init);
            if (trap != TRAP_NONE)
                return trap;
        }
        i->tables[k] = engine_table_new(i->store, &type, init[0]);
        if (!i->tables[k]) {
            cannot_make(d, wasm_item_span(m, WASM_SECTION_TABLE, k - m->imported_tables), "table",
                        k, type.limits.min, i->store->limits.table_elements, "elements");
            *made = false;
            return TRAP_NONE;
        }
    }
    return TRAP_NONE;
}

/* Tells the first memory that is made here how much of it will be filled. */
static void expect_datas(struct engine_instance *i)
{
    const struct wasm_module *m = i->module->source;
    u32 k = m->imported_memories;
    u64 bytes = 0;
    if (k == m->memories.len)
        return;
    for (u32 n = 0; n < m->datas.len; n++) {
        const struct wasm_data *x = &m->datas.data[n];
        bytes += x->mode == DATA_ACTIVE && x->memory == k ? x->bytes.len : 0;
    }
    engine_memory_expect(i->memories[k], bytes);
}

/* The segment that is applied, to tell why it trapped. */
struct segment {
    span at;
    bool is_data;
    u32 index, of; /* of: the memory or table */
    u64 offset, length, room;
};

static enum trap apply_elem(struct engine_instance *i, u32 k, struct segment *told)
{
    const struct wasm_elem *e = &i->module->source->elems.data[k];
    u64 offset[2] = {0};
    enum trap trap = TRAP_NONE;
    if (e->mode == ELEM_ACTIVE) {
        trap = engine_eval(i, &e->offset, offset);
        *told = (struct segment){
            e->at, false, k, e->table, offset[0], e->count, i->tables[e->table]->size};
        if (trap == TRAP_NONE)
            trap = engine_table_init(i, e->table, k, offset[0], 0, e->count);
    }
    if (e->mode != ELEM_PASSIVE && trap == TRAP_NONE)
        i->elem_dropped[k] = true;
    return trap;
}

static enum trap apply_data(struct engine_instance *i, u32 k, struct segment *told)
{
    const struct wasm_data *x = &i->module->source->datas.data[k];
    u64 offset[2] = {0};
    if (x->mode != DATA_ACTIVE)
        return TRAP_NONE;
    enum trap trap = engine_eval(i, &x->offset, offset);
    *told = (struct segment){
        x->at, true, k, x->memory, offset[0], x->bytes.len, i->memories[x->memory]->size};
    if (trap == TRAP_NONE)
        trap = engine_memory_init(i, x->memory, k, offset[0], 0, x->bytes.len);
    if (trap == TRAP_NONE)
        i->data_dropped[k] = true;
    return trap;
}

static enum trap apply_segments(struct engine_instance *i, struct segment *told)
{
    const struct wasm_module *m = i->module->source;
    enum trap trap = TRAP_NONE;
    for (u32 k = 0; k < m->elems.len && trap == TRAP_NONE; k++)
        trap = apply_elem(i, k, told);
    bool mapped = false;
    if (trap == TRAP_NONE)
        trap = engine_image_map(i, &mapped);
    if (trap == TRAP_NONE && !mapped)
        expect_datas(i);
    for (u32 k = 0; k < m->datas.len && trap == TRAP_NONE && !mapped; k++)
        trap = apply_data(i, k, told);
    return trap;
}

static void tell_trap(struct engine_instance *i, enum trap trap, const struct segment *x,
                      struct diags *d)
{
    const struct wasm_module *m = i->module->source;
    span whole = {m->source, m->base, m->base};
    struct diag *told =
        diag_error(d, "trap", x->at.end ? x->at : whole, "%s", engine_trap_text[trap]);
    if (!x->at.end || (trap != TRAP_MEMORY && trap != TRAP_TABLE))
        return;
    struct buf b = buf_in(d->arena);
    const char *unit = x->is_data ? "byte" : "element";
    buf_printf(&b, "%s segment %u has %llu %s%s for ", x->is_data ? "data" : "element", x->index,
               (unsigned long long)x->length, unit, x->length == 1 ? "" : "s");
    buf_printf(&b, x->is_data ? "address 0x%llx of memory %u" : "index %llu of table %u",
               (unsigned long long)x->offset, x->of);
    buf_printf(&b, ", which has %llu %s%s", (unsigned long long)x->room, unit,
               x->room == 1 ? "" : "s");
    diag_note(d, told, STRF, STRA(buf_view(&b)));
}

enum engine_outcome engine_instantiate(struct engine_store *s, struct engine_module *em,
                                       const struct engine_extern *imports, u32 import_count,
                                       str label, struct engine_instance **result, struct diags *d)
{
    *result = NULL;
    const struct wasm_module *m = em->source;
    span at = {m->source, m->base, m->base};
    if (s->instance_count >= s->limits.instances) {
        diag_error(d, "limit", at, "too many instances: the limit is %u", s->limits.instances);
        return ENGINE_TRAPPED;
    }
    if (!check_imports(em, imports, import_count, d))
        return ENGINE_TRAPPED;
    s->instance_count++;
    struct engine_instance *i = allocate(s, em, label);
    take_imports(i, imports, import_count);
    bool made;
    if (!make_storage(i, d))
        return ENGINE_TRAPPED;
    enum trap trap = make_globals(i);
    if (trap == TRAP_NONE) {
        trap = make_tables(i, d, &made);
        if (!made)
            return ENGINE_TRAPPED;
    }
    *result = i;
    struct segment segment = {0};
    if (trap == TRAP_NONE)
        trap = apply_segments(i, &segment);
    if (trap != TRAP_NONE) {
        tell_trap(i, trap, &segment, d);
        return ENGINE_TRAPPED;
    }
    return ENGINE_DONE;
}

/* ---- Looking at instances ---------------------------------------------------------------------------------------- */

struct engine_func *engine_start_func(struct engine_instance *i)
{
    const struct wasm_module *m = i->module->source;
    return m->has_start ? engine_func_at(i, m->start) : NULL;
}

bool engine_export(struct engine_instance *i, str name, struct engine_extern *out)
{
    u32 found = map_get(&i->module->exports, name);
    if (found == MAP_NONE)
        return false;
    const struct wasm_export *e = &i->module->source->exports.data[found];
    out->kind = e->kind;
    switch (e->kind) {
    case EXTERN_FUNC: out->func = engine_func_at(i, e->index); break;
    case EXTERN_TABLE: out->table = i->tables[e->index]; break;
    case EXTERN_MEMORY: out->memory = i->memories[e->index]; break;
    case EXTERN_GLOBAL: out->global = i->globals[e->index]; break;
    case EXTERN_TAG: out->tag = i->tags[e->index]; break;
    }
    return true;
}

struct engine_func *engine_export_func(struct engine_instance *i, str name)
{
    struct engine_extern x;
    return engine_export(i, name, &x) && x.kind == EXTERN_FUNC ? x.func : NULL;
}

struct engine_module *engine_instance_module(struct engine_instance *i)
{
    return i->module;
}
str engine_instance_label(struct engine_instance *i)
{
    return i->label;
}
void engine_instance_set_data(struct engine_instance *i, void *data)
{
    i->data = data;
}
void *engine_instance_data(struct engine_instance *i)
{
    return i->data;
}
