/* adapter.c - an adapter cut down to what is used of it, and given a stack.
 *
 * An adapter works in the memory of the main module, where nothing is set aside for it. If it has a
 * `__stack_pointer`, 64 KiB are allocated for it: by the main module's realloc at the first call if the adapter
 * keeps an `allocation_state` (0, then 1 while allocating, then 2), else by memory.grow when it is
 * instantiated. Its import `__main_module__` `cabi_realloc` becomes a function of its own (memory.grow) where
 * the main module has none or must not be called.
 */
#include "componentize.h"

#define STACK_SIZE 65536
#define PAGE_LOG2  16

enum stack_mode { STACK_NONE, STACK_AT_START, STACK_AT_CALLS };

struct trim {
    struct componentizer *c;
    struct arena *a;
    const struct wasm_module *from;
    struct wasm_module *to;
    bool *funcs, *globals; /* what is reached */
    u32 *func_map, *global_map;
    VEC(u32) work, global_work;          /* functions and globals to look into */
    u32 stack_pointer, allocation_state; /* globals; NONE */
    u32 main_realloc;                    /* import of the main module's realloc; NONE */
    bool own_realloc;                    /* that import becomes a function */
    u32 grow;           /* the function that allocates by memory.grow, new index; NONE */
    u32 allocate_stack; /* new index; NONE */
    enum stack_mode stack;
};

/* ---- Walking code ------------------------------------------------------------------------------------ */

static void mark_func(struct trim *t, u32 func)
{
    if (func < t->from->funcs.len && !t->funcs[func]) {
        t->funcs[func] = true;
        *vec_push(t->a, &t->work) = func;
    }
}

static void mark_global(struct trim *t, u32 global)
{
    if (!t->globals[global]) {
        t->globals[global] = true;
        *vec_push(t->a, &t->global_work) = global;
    }
}

/* Walks instructions to the end of the bytes. With `out`, writes them with new indices; else marks what they use. */
static bool walk(struct trim *t, str bytes, u32 offset, struct buf *out)
{
    struct wasm_cursor in = wasm_cursor_of(t->from->source, bytes, offset);
    while (in.at < in.end && !in.failed) {
        const u8 *start = in.at;
        enum wasm_op op = wasm_get_op(&in);
        if (in.failed)
            break;
        enum wasm_imm imm = wasm_op_info[op].imm;
        const u8 *immediates = in.at;
        if (imm != IMM_FUNC && imm != IMM_GLOBAL) {
            wasm_skip_immediates(&in, op);
            if (out)
                buf_put(out, start, (size_t)(in.at - start));
            continue;
        }
        u32 index = wasm_get_u32(&in);
        u32 limit = imm == IMM_FUNC ? t->from->funcs.len : t->from->globals.len;
        if (index >= limit)
            wasm_cursor_fail(&in, immediates, "unknown function or global");
        else if (!out && imm == IMM_FUNC)
            mark_func(t, index);
        else if (!out)
            mark_global(t, index);
        if (out && !in.failed) {
            buf_put(out, start, (size_t)(immediates - start));
            buf_uleb(out, imm == IMM_FUNC ? t->func_map[index] : t->global_map[index]);
        }
    }
    if (in.failed)
        diag_error(t->c->diags, "new-adapter",
                   (span){t->from->source, in.error_offset, in.error_offset},
                   "the code of the adapter cannot be read: %s", in.error);
    return !in.failed;
}

/* Splits a body into its local declarations and its instructions. */
static bool split_body(struct trim *t, const struct wasm_code *code, str *locals, str *instructions)
{
    struct wasm_cursor in = wasm_cursor_of(t->from->source, code->bytes, code->offset);
    u32 n = wasm_get_count(&in, 2);
    for (u32 i = 0; i < n && !in.failed; i++) {
        wasm_get_u32(&in);
        wasm_get_valtype(&in);
    }
    size_t at = (size_t)(in.at - in.start);
    *locals = str_sub(code->bytes, 0, at);
    *instructions = str_sub(code->bytes, at, code->bytes.len);
    return !in.failed;
}

static const struct wasm_code *code_of(const struct wasm_module *m, u32 func)
{
    return &m->codes.data[func - m->imported_funcs];
}

static bool mark_inits(struct trim *t)
{
    while (t->global_work.len) {
        u32 global = t->global_work.data[--t->global_work.len];
        const struct wasm_expr *init = &t->from->globals.data[global].init;
        if (global >= t->from->imported_globals && !walk(t, init->bytes, init->offset, NULL))
            return false;
    }
    return true;
}

static bool mark_reached(struct trim *t)
{
    while (t->work.len || t->global_work.len) {
        if (!mark_inits(t))
            return false;
        if (!t->work.len)
            continue;
        u32 func = t->work.data[--t->work.len];
        str locals, instructions;
        if (func < t->from->imported_funcs)
            continue;
        const struct wasm_code *code = code_of(t->from, func);
        if (!split_body(t, code, &locals, &instructions) ||
            !walk(t, instructions, code->offset + (u32)locals.len, NULL))
            return false;
    }
    return true;
}

/* ---- What to keep -------------------------------------------------------------------------------------- */

/* Names of globals in the section "name" (subsection 7). */
static void find_globals(struct trim *t)
{
    for (u32 i = 0; i < t->from->customs.len; i++) {
        const struct wasm_custom *x = &t->from->customs.data[i];
        if (!str_eq(x->name, STR("name")))
            continue;
        struct wasm_cursor in = wasm_cursor_of(t->from->source, x->bytes, 0);
        while (in.at < in.end && !in.failed) {
            u8 id = wasm_get_byte(&in);
            str contents = wasm_get_bytes(&in, wasm_get_u32(&in));
            if (id != 7)
                continue;
            struct wasm_cursor names = wasm_cursor_of(t->from->source, contents, 0);
            for (u32 n = wasm_get_count(&names, 2); n > 0 && !names.failed; n--) {
                u32 global = wasm_get_u32(&names);
                str name = wasm_get_name(&names);
                bool fits = global < t->from->globals.len &&
                            t->from->globals.data[global].type.is_mutable &&
                            t->from->globals.data[global].type.type == WASM_I32;
                if (fits && str_eq(name, STR("__stack_pointer")))
                    t->stack_pointer = global;
                else if (fits && str_eq(name, STR("allocation_state")))
                    t->allocation_state = global;
            }
        }
    }
}

static bool check_adapter(struct trim *t, const struct unit *u)
{
    span at = {t->from->source, t->from->base, t->from->base};
    if (t->from->datas.len || t->from->elems.len) {
        diag_error(t->c->diags, "new-adapter", at,
                   "the adapter `" STRF "` has %s segments, which would overwrite those of the "
                   "core module",
                   STRA(u->name), t->from->datas.len ? "data" : "element");
        return false;
    }
    if (t->from->memories.len > t->from->imported_memories) {
        diag_error(t->c->diags, "new-adapter", at,
                   "the adapter `" STRF
                   "` has a memory of its own; it must import that of the core module as `env` "
                   "`memory`",
                   STRA(u->name));
        return false;
    }
    return true;
}

static void find_main_realloc(struct trim *t)
{
    const struct unit *main = &t->c->units.data[0];
    bool there = main->known[MODULE_EXPORT_REALLOC] != NONE ||
                 main->known[MODULE_EXPORT_REALLOC_ADAPTER] != NONE;
    for (u32 i = 0, func = 0; i < t->from->imports.len; i++) {
        const struct wasm_import *x = &t->from->imports.data[i];
        if (x->type.kind != EXTERN_FUNC)
            continue;
        if (str_eq(x->module, STR(NAME_MAIN_MODULE)) && str_eq(x->name, STR("cabi_realloc")))
            t->main_realloc = func;
        func++;
    }
    t->own_realloc = t->main_realloc != NONE && (!there || t->c->options->realloc_via_memory_grow);
}

static bool mark(struct trim *t, const struct unit *u)
{
    for (u32 i = 0; i < t->from->exports.len; i++) {
        const struct wasm_export *x = &t->from->exports.data[i];
        if (u->used[i] && x->kind == EXTERN_FUNC)
            mark_func(t, x->index);
    }
    if (t->from->has_start)
        mark_func(t, t->from->start);
    if (!mark_reached(t))
        return false;
    if (t->stack_pointer == NONE || !t->globals[t->stack_pointer])
        return true;
    bool lazy = t->allocation_state != NONE && t->globals[t->allocation_state] &&
                t->main_realloc != NONE && !t->own_realloc;
    t->stack = lazy ? STACK_AT_CALLS : STACK_AT_START;
    if (lazy)
        mark_func(t, t->main_realloc);
    return true;
}

/* ---- Writing -------------------------------------------------------------------------------------------- */

static void op_index(struct buf *b, enum wasm_op op, u32 index)
{
    buf_byte(b, (u8)wasm_op_info[op].code);
    buf_uleb(b, index);
}

static void op_const(struct buf *b, i32 value)
{
    buf_byte(b, (u8)wasm_op_info[OP_I32_CONST].code);
    buf_sleb(b, value);
}

static void op_plain(struct buf *b, enum wasm_op op)
{
    buf_byte(b, (u8)wasm_op_info[op].code);
}

/* if <condition on the stack> unreachable end */
static void trap_if(struct buf *b)
{
    op_plain(b, OP_IF);
    buf_byte(b, 0x40);
    op_plain(b, OP_UNREACHABLE);
    op_plain(b, OP_END);
}

/* realloc(0, 0, align, size) in fresh pages; it cannot grow what it gave. */
static str grow_body(struct trim *t)
{
    struct buf b = buf_in(t->a);
    buf_uleb(&b, 1);
    buf_uleb(&b, 1);
    buf_byte(&b, WASM_I32); /* local 4: the first new page */
    op_index(&b, OP_LOCAL_GET, 0);
    trap_if(&b);
    op_index(&b, OP_LOCAL_GET, 3);
    op_const(&b, STACK_SIZE - 1);
    op_plain(&b, OP_I32_ADD);
    op_const(&b, PAGE_LOG2);
    op_plain(&b, OP_I32_SHR_U);
    op_index(&b, OP_MEMORY_GROW, 0);
    op_index(&b, OP_LOCAL_TEE, 4);
    op_const(&b, -1);
    op_plain(&b, OP_I32_EQ);
    trap_if(&b);
    op_index(&b, OP_LOCAL_GET, 4);
    op_const(&b, PAGE_LOG2);
    op_plain(&b, OP_I32_SHL);
    op_plain(&b, OP_END);
    return buf_view(&b);
}

static str stack_body(struct trim *t)
{
    struct buf b = buf_in(t->a);
    bool guarded = t->allocation_state != NONE && t->globals[t->allocation_state];
    u32 state = guarded ? t->global_map[t->allocation_state] : 0;
    buf_uleb(&b, 0);
    if (guarded) {
        op_index(&b, OP_GLOBAL_GET, state);
        op_plain(&b, OP_I32_EQZ);
        op_plain(&b, OP_IF);
        buf_byte(&b, 0x40);
        op_const(&b, 1);
        op_index(&b, OP_GLOBAL_SET, state);
    }
    op_const(&b, 0);
    op_const(&b, 0);
    op_const(&b, 8);
    op_const(&b, STACK_SIZE);
    op_index(&b, OP_CALL, t->grow != NONE ? t->grow : t->func_map[t->main_realloc]);
    op_const(&b, STACK_SIZE);
    op_plain(&b, OP_I32_ADD);
    op_index(&b, OP_GLOBAL_SET, t->global_map[t->stack_pointer]);
    if (guarded) {
        op_const(&b, 2);
        op_index(&b, OP_GLOBAL_SET, state);
        op_plain(&b, OP_END);
    }
    if (t->stack == STACK_AT_START && t->from->has_start)
        op_index(&b, OP_CALL, t->func_map[t->from->start]);
    op_plain(&b, OP_END);
    return buf_view(&b);
}

static u32 add_type(struct trim *t, const char *signature)
{
    u32 index = t->to->types.len;
    *vec_push(t->a, &t->to->types) = (struct wasm_type){.kind = COMPTYPE_FUNC,
                                                        .is_final = true,
                                                        .rec_start = index,
                                                        .rec_count = 1,
                                                        .func = compose_signature(t->a, signature)};
    return index;
}

/* Types stay where they are; imports, functions and globals that are not reached go. */
static void keep_imports(struct trim *t)
{
    u32 func = 0, global = 0;
    for (u32 i = 0; i < t->from->imports.len; i++) {
        const struct wasm_import *x = &t->from->imports.data[i];
        bool keep = true;
        if (x->type.kind == EXTERN_FUNC) {
            keep = t->funcs[func] && !(t->own_realloc && func == t->main_realloc);
            if (keep) {
                t->func_map[func] = t->to->funcs.len;
                *vec_push(t->a, &t->to->funcs) = x->type.type;
                t->to->imported_funcs++;
            }
            func++;
        } else if (x->type.kind == EXTERN_GLOBAL) {
            keep = t->globals[global];
            if (keep) {
                t->global_map[global] = t->to->globals.len;
                *vec_push(t->a, &t->to->globals) = t->from->globals.data[global];
                t->to->imported_globals++;
            }
            global++;
        }
        if (keep)
            *vec_push(t->a, &t->to->imports) = *x;
    }
    for (u32 i = 0; i < t->from->tables.len; i++)
        *vec_push(t->a, &t->to->tables) = t->from->tables.data[i];
    for (u32 i = 0; i < t->from->memories.len; i++)
        *vec_push(t->a, &t->to->memories) = t->from->memories.data[i];
    for (u32 i = 0; i < t->from->tags.len; i++)
        *vec_push(t->a, &t->to->tags) = t->from->tags.data[i];
    t->to->imported_tables = t->from->imported_tables;
    t->to->imported_memories = t->from->imported_memories;
    t->to->imported_tags = t->from->imported_tags;
}

static bool keep_globals(struct trim *t)
{
    for (u32 i = t->from->imported_globals; i < t->from->globals.len; i++) {
        struct wasm_global g = t->from->globals.data[i];
        struct buf init = buf_in(t->a);
        if (!t->globals[i])
            continue;
        t->global_map[i] = t->to->globals.len;
        if (!walk(t, g.init.bytes, g.init.offset, &init))
            return false;
        g.init.bytes = buf_view(&init);
        *vec_push(t->a, &t->to->globals) = g;
    }
    return true;
}

/* Gives the functions their new indices: the bodies are written when all are known. */
static void place_funcs(struct trim *t)
{
    bool needs_grow = t->own_realloc || (t->stack == STACK_AT_START);
    u32 next = t->to->funcs.len;
    if (needs_grow) {
        t->grow = next++;
        *vec_push(t->a, &t->to->funcs) = add_type(t, "iiii:i");
        if (t->own_realloc)
            t->func_map[t->main_realloc] = t->grow;
    }
    for (u32 i = t->from->imported_funcs; i < t->from->funcs.len; i++)
        if (t->funcs[i]) {
            t->func_map[i] = next++;
            *vec_push(t->a, &t->to->funcs) = t->from->funcs.data[i];
        }
    if (t->stack != STACK_NONE) {
        t->allocate_stack = next;
        *vec_push(t->a, &t->to->funcs) = add_type(t, ":");
    }
}

static bool write_func(struct trim *t, u32 func, bool allocates)
{
    const struct wasm_code *code = code_of(t->from, func);
    struct buf b = buf_in(t->a);
    str locals, instructions;
    if (!split_body(t, code, &locals, &instructions))
        return false;
    buf_str(&b, locals);
    if (allocates)
        op_index(&b, OP_CALL, t->allocate_stack);
    if (!walk(t, instructions, code->offset + (u32)locals.len, &b))
        return false;
    *vec_push(t->a, &t->to->codes) = (struct wasm_code){.bytes = buf_view(&b)};
    return true;
}

static bool write_funcs(struct trim *t, const struct unit *u)
{
    bool *entry = arena_array(t->a, bool, t->from->funcs.len);
    for (u32 i = 0; i < t->from->exports.len && t->stack == STACK_AT_CALLS; i++) {
        const struct wasm_export *x = &t->from->exports.data[i];
        bool allocator = i == u->known[MODULE_EXPORT_REALLOC] ||
                         i == u->known[MODULE_EXPORT_REALLOC_IMPORT] ||
                         i == u->known[MODULE_EXPORT_REALLOC_EXPORT];
        if (u->used[i] && x->kind == EXTERN_FUNC && !allocator)
            entry[x->index] = true;
    }
    if (t->grow != NONE)
        *vec_push(t->a, &t->to->codes) = (struct wasm_code){.bytes = grow_body(t)};
    for (u32 i = t->from->imported_funcs; i < t->from->funcs.len; i++)
        if (t->funcs[i] && !write_func(t, i, entry[i]))
            return false;
    if (t->stack != STACK_NONE)
        *vec_push(t->a, &t->to->codes) = (struct wasm_code){.bytes = stack_body(t)};
    t->to->has_start = t->from->has_start || t->stack == STACK_AT_START;
    if (t->to->has_start)
        t->to->start = t->stack == STACK_AT_START ? t->allocate_stack : t->func_map[t->from->start];
    return true;
}

static void keep_exports(struct trim *t, const struct unit *u)
{
    for (u32 i = 0; i < t->from->exports.len; i++) {
        struct wasm_export x = t->from->exports.data[i];
        if (!u->used[i] || x.kind != EXTERN_FUNC)
            continue;
        x.index = t->func_map[x.index];
        *vec_push(t->a, &t->to->exports) = x;
    }
}

/* Function names, for backtraces. */
static void keep_names(struct trim *t)
{
    struct wasm_names names;
    struct buf entries = buf_in(t->a), section = buf_in(t->a), contents = buf_in(t->a);
    u32 n = 0;
    wasm_read_names(t->a, t->from, &names);
    for (u32 i = 0; i < names.func_count && i < t->from->funcs.len; i++)
        if (t->funcs[i] && names.funcs[i].len && !(t->own_realloc && i == t->main_realloc)) {
            buf_uleb(&entries, t->func_map[i]);
            wasm_write_name(&entries, names.funcs[i]);
            n++;
        }
    if (t->allocate_stack != NONE) {
        buf_uleb(&entries, t->allocate_stack);
        wasm_write_name(&entries, STR("allocate_stack"));
        n++;
    }
    if (!n)
        return;
    buf_uleb(&contents, n);
    buf_str(&contents, buf_view(&entries));
    wasm_write_section(&section, 1, buf_view(&contents));
    *vec_push(t->a, &t->to->customs) =
        (struct wasm_custom){.name = STR("name"), .bytes = buf_view(&section), .after = 11};
}

bool compose_trim_adapter(struct componentizer *c, struct unit *u)
{
    struct trim *t = arena_new(c->arena, struct trim);
    *t = (struct trim){
        .c = c, .a = c->arena, .from = u->m, .to = arena_new(c->arena, struct wasm_module)};
    t->stack_pointer = t->allocation_state = t->main_realloc = t->grow = t->allocate_stack = NONE;
    t->funcs = arena_array(t->a, bool, t->from->funcs.len);
    t->globals = arena_array(t->a, bool, t->from->globals.len);
    t->func_map = compose_none_array(t->a, t->from->funcs.len);
    t->global_map = compose_none_array(t->a, t->from->globals.len);
    t->to->source = t->from->source;
    find_globals(t);
    find_main_realloc(t);
    if (!check_adapter(t, u) || !mark(t, u))
        return false;
    for (u32 i = 0; i < t->from->types.len; i++)
        *vec_push(t->a, &t->to->types) = t->from->types.data[i];
    if (t->main_realloc != NONE && !t->funcs[t->main_realloc])
        t->own_realloc = false; /* nobody calls it */
    keep_imports(t);
    if (!keep_globals(t))
        return false;
    place_funcs(t);
    if (!write_funcs(t, u))
        return false;
    keep_exports(t, u);
    keep_names(t);
    u->body = t->to;
    return true;
}
