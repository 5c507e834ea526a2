/* componentize_code.c - the shim and the fixup: two core modules that let the main module be instantiated before
 * its late imports exist.
 *
 * Shim: a table `$imports` and one function for each slot that calls through it; the memory, if the main module
 * imports one; the thread-local base. With --return-call-ref the slots are globals of typed references, which the
 * fixup sets. Fixup: fills the slots with what the component gives it ("actual"), then runs `_initialize`. If
 * the main module has a task hook, the fixup also wraps what the component lifts and calls:
 *
 *     hook code   0 / 1 around a synchronous call      2 / 3 an async call starts / its callback does
 *                 4 / 5 it will be called back / is done  6 / 7 around `_initialize`
 *                 8 / 9 around a destructor               12 / 13 around realloc
 */
#include "componentize.h"

enum hook_code {
    HOOK_SYNC_START = 0,
    HOOK_SYNC_END = 1,
    HOOK_ASYNC_START = 2,
    HOOK_CALLBACK_START = 3,
    HOOK_ASYNC_WAIT = 4,
    HOOK_ASYNC_END = 5,
    HOOK_INIT_START = 6,
    HOOK_INIT_END = 7,
    HOOK_DTOR_START = 8,
    HOOK_DTOR_END = 9,
    HOOK_REALLOC_START = 12,
    HOOK_REALLOC_END = 13,
};

/* ---- Instructions ----------------------------------------------------------------------------------- */

static void op(struct buf *b, enum wasm_op op_)
{
    const struct wasm_op_info *info = &wasm_op_info[op_];
    if (info->prefix) {
        buf_byte(b, info->prefix);
        buf_uleb(b, info->code);
    } else {
        buf_byte(b, (u8)info->code);
    }
}

static void op_u32(struct buf *b, enum wasm_op op_, u32 immediate)
{
    op(b, op_);
    buf_uleb(b, immediate);
}

static void op_i32(struct buf *b, i32 value)
{
    op(b, OP_I32_CONST);
    buf_sleb(b, value);
}

/* ---- A module under construction ------------------------------------------------------------------- */

struct maker {
    struct arena *a;
    struct wasm_module m;
    struct map types;      /* function types by their text */
    struct buf func_names; /* entries of the name section */
    u32 named;
};

static struct maker maker_of(struct arena *a)
{
    return (struct maker){.a = a, .func_names = buf_in(a)};
}

static u32 make_type(struct maker *k, const struct wasm_functype *type)
{
    struct buf key = buf_in(k->a);
    buf_put(&key, &type->param_count, sizeof type->param_count);
    buf_put(&key, type->params, type->param_count * sizeof *type->params);
    buf_put(&key, type->results, type->result_count * sizeof *type->results);
    u32 index = map_get(&k->types, buf_view(&key));
    if (index != MAP_NONE)
        return index;
    index = k->m.types.len;
    struct wasm_type *t = vec_push(k->a, &k->m.types);
    *t = (struct wasm_type){
        .kind = COMPTYPE_FUNC, .is_final = true, .rec_start = index, .rec_count = 1};
    wasm_valtype *params = arena_array(k->a, wasm_valtype, type->param_count);
    wasm_valtype *results = arena_array(k->a, wasm_valtype, type->result_count);
    for (u32 i = 0; i < type->param_count; i++)
        params[i] = type->params[i];
    for (u32 i = 0; i < type->result_count; i++)
        results[i] = type->results[i];
    t->func = (struct wasm_functype){params, results, type->param_count, type->result_count};
    map_put(k->a, &k->types, buf_view(&key), index);
    return index;
}

static void name_func(struct maker *k, u32 index, str name)
{
    buf_uleb(&k->func_names, index);
    wasm_write_name(&k->func_names, name);
    k->named++;
}

/* All imports come before all functions. */
static u32 import_func(struct maker *k, str module, str name, const struct wasm_functype *type)
{
    u32 index = k->m.funcs.len;
    *vec_push(k->a, &k->m.imports) = (struct wasm_import){
        .module = module, .name = name, .type = {.kind = EXTERN_FUNC, .type = make_type(k, type)}};
    *vec_push(k->a, &k->m.funcs) = make_type(k, type);
    k->m.imported_funcs++;
    name_func(k, index, name);
    return index;
}

static u32 add_func(struct maker *k, str name, const struct wasm_functype *type, str body)
{
    u32 index = k->m.funcs.len;
    *vec_push(k->a, &k->m.funcs) = make_type(k, type);
    *vec_push(k->a, &k->m.codes) = (struct wasm_code){.bytes = body};
    name_func(k, index, name);
    return index;
}

static void add_export(struct maker *k, str name, enum wasm_extern kind, u32 index)
{
    *vec_push(k->a, &k->m.exports) =
        (struct wasm_export){.name = name, .kind = kind, .index = index};
}

static struct wasm_expr const_expr(struct arena *a, wasm_valtype type)
{
    struct buf b = buf_in(a);
    op(&b, type == WASM_I64 ? OP_I64_CONST : OP_I32_CONST);
    buf_sleb(&b, 0);
    op(&b, OP_END);
    return (struct wasm_expr){.bytes = buf_view(&b)};
}

static str finish(struct maker *k, str name, bool debug_names)
{
    struct buf names = buf_in(k->a), module = buf_in(k->a), funcs = buf_in(k->a);
    wasm_write_name(&module, name);
    wasm_write_section(&names, 0, buf_view(&module));
    buf_uleb(&funcs, k->named);
    buf_str(&funcs, buf_view(&k->func_names));
    wasm_write_section(&names, 1, buf_view(&funcs));
    if (debug_names)
        *vec_push(k->a, &k->m.customs) =
            (struct wasm_custom){.name = STR("name"), .bytes = buf_view(&names), .after = 11};
    struct buf out = buf_in(k->a);
    wasm_write_module(&out, &k->m);
    return buf_view(&out);
}

/* ---- The shim ------------------------------------------------------------------------------------------ */

static str slot_name(struct componentizer *c, u32 slot)
{
    return str_printf(c->arena, "%u", slot);
}

static str shim_body(struct componentizer *c, struct maker *k, u32 slot, bool by_ref)
{
    const struct wasm_functype *type = &c->slots.data[slot].type;
    struct buf b = buf_in(c->arena);
    buf_uleb(&b, 0);
    for (u32 i = 0; i < type->param_count; i++)
        op_u32(&b, OP_LOCAL_GET, i);
    if (by_ref) {
        op_u32(&b, OP_GLOBAL_GET, slot);
        op_u32(&b, OP_RETURN_CALL_REF, make_type(k, type));
    } else {
        op_i32(&b, (i32)slot);
        op_u32(&b, OP_CALL_INDIRECT, make_type(k, type));
        buf_uleb(&b, 0);
    }
    op(&b, OP_END);
    return buf_view(&b);
}

static struct wasm_tabletype slots_table(const struct componentizer *c)
{
    return (struct wasm_tabletype){
        .element = WASM_FUNCREF,
        .limits = {.min = c->slots.len, .max = c->slots.len, .has_max = true}};
}

static void shim_slots(struct componentizer *c, struct maker *k)
{
    bool by_ref = c->options->return_call_ref;
    for (u32 i = 0; i < c->slots.len; i++) {
        const struct shim_slot *s = &c->slots.data[i];
        u32 type = make_type(k, &s->type);
        add_export(k, slot_name(c, i), EXTERN_FUNC,
                   add_func(k, s->name, &s->type, shim_body(c, k, i, by_ref)));
        if (by_ref) {
            struct buf init = buf_in(c->arena);
            op(&init, OP_REF_NULL);
            buf_sleb(&init, type);
            op(&init, OP_END);
            *vec_push(c->arena, &k->m.globals) = (struct wasm_global){
                .type = {.type = wasm_ref_concrete(type, true), .is_mutable = true},
                .init = {.bytes = buf_view(&init)}};
            add_export(k, str_printf(c->arena, "$global%u", i), EXTERN_GLOBAL, i);
        }
    }
    if (c->slots.len && !by_ref) {
        *vec_push(c->arena, &k->m.tables) = (struct wasm_table){.type = slots_table(c)};
        add_export(k, STR("$imports"), EXTERN_TABLE, 0);
    }
}

static void shim_tls(struct componentizer *c, struct maker *k)
{
    struct wasm_functype get = compose_signature(c->arena, c->tls_64 ? ":I" : ":i");
    struct wasm_functype set = compose_signature(c->arena, c->tls_64 ? "I:" : "i:");
    wasm_valtype type = c->tls_64 ? WASM_I64 : WASM_I32;
    u32 global = k->m.globals.len;
    *vec_push(c->arena, &k->m.globals) = (struct wasm_global){
        .type = {.type = type, .is_mutable = true}, .init = const_expr(c->arena, type)};
    struct buf b = buf_in(c->arena), s = buf_in(c->arena);
    buf_uleb(&b, 0);
    op_u32(&b, OP_GLOBAL_GET, global);
    op(&b, OP_END);
    add_export(k, STR("$get-tls-base"), EXTERN_FUNC,
               add_func(k, STR("$get-tls-base"), &get, buf_view(&b)));
    buf_uleb(&s, 0);
    op_u32(&s, OP_LOCAL_GET, 0);
    op_u32(&s, OP_GLOBAL_SET, global);
    op(&s, OP_END);
    add_export(k, STR("$set-tls-base"), EXTERN_FUNC,
               add_func(k, STR("$set-tls-base"), &set, buf_view(&s)));
}

str compose_shim_module(struct componentizer *c)
{
    struct maker k = maker_of(c->arena);
    shim_slots(c, &k);
    if (c->shim_tls)
        shim_tls(c, &k);
    if (c->shim_memory) {
        const struct unit *main = &c->units.data[0];
        *vec_push(c->arena, &k.m.memories) = main->m->memories.data[0];
        add_export(&k, STR("$memory"), EXTERN_MEMORY, 0);
    }
    return finish(&k, STR("wit-component-shim-module"), !c->options->no_debug_names);
}

/* ---- The fixup ------------------------------------------------------------------------------------------- */

/* A function of the main module that the task hook is called around. */
struct hooked {
    u32 export_index;
    i32 before, after; /* codes; -1: none */
    bool waits;        /* after: ASYNC_WAIT or ASYNC_END, by the result */
    u32 callee;        /* its import */
    u32 *out;          /* gets the number of the export `hookN` */
};

struct fixup {
    struct componentizer *c;
    struct maker k;
    u32 hook, initialize; /* imports; NONE */
    u32 *slots;           /* by slot: the function that goes into it */
    VEC(struct hooked) hooked;
};

static void call_hook(struct buf *b, u32 hook, i32 code)
{
    if (code < 0)
        return;
    op_i32(b, code);
    op_u32(b, OP_CALL, hook);
}

static str hook_body(const struct fixup *f, const struct wasm_functype *type,
                     const struct hooked *h)
{
    struct buf b = buf_in(f->c->arena);
    u32 local = type->param_count;
    buf_uleb(&b, h->waits);
    if (h->waits) {
        buf_uleb(&b, 1);
        buf_byte(&b, WASM_I32);
    }
    call_hook(&b, f->hook, h->before);
    for (u32 i = 0; i < type->param_count; i++)
        op_u32(&b, OP_LOCAL_GET, i);
    op_u32(&b, OP_CALL, h->callee);
    if (h->waits) {
        op_u32(&b, OP_LOCAL_SET, local);
        op_i32(&b, HOOK_ASYNC_WAIT);
        op_i32(&b, HOOK_ASYNC_END);
        op_u32(&b, OP_LOCAL_GET, local);
        op(&b, OP_SELECT);
        op_u32(&b, OP_CALL, f->hook);
        op_u32(&b, OP_LOCAL_GET, local);
    } else {
        call_hook(&b, f->hook, h->after);
    }
    op(&b, OP_END);
    return buf_view(&b);
}

static u32 import_main(struct fixup *f, u32 export_index)
{
    const struct unit *main = &f->c->units.data[0];
    return import_func(&f->k, STR("main"), main->m->exports.data[export_index].name,
                       compose_export_type(main, export_index));
}

static void want_hook(struct fixup *f, u32 export_index, i32 before, i32 after, bool waits,
                      u32 *out)
{
    *out = f->hooked.len;
    for (u32 i = 0; i < f->hooked.len; i++)
        if (f->hooked.data[i].export_index == export_index) {
            *out = i; /* several roles, one function */
            return;
        }
    *vec_push(f->c->arena, &f->hooked) =
        (struct hooked){export_index, before, after, waits, import_main(f, export_index), out};
}

static void want_lift_hooks(struct fixup *f, struct lift *l)
{
    switch (l->kind) {
    case LIFT_SYNC:
        /* With a post-return the call ends after that. */
        want_hook(f, l->export_index, HOOK_SYNC_START, l->post_return == NONE ? HOOK_SYNC_END : -1,
                  false, &l->hooked);
        if (l->post_return != NONE)
            want_hook(f, l->post_return, -1, HOOK_SYNC_END, false, &l->hooked_post);
        break;
    case LIFT_ASYNC:
        want_hook(f, l->export_index, HOOK_ASYNC_START, 0, true, &l->hooked);
        want_hook(f, l->callback, HOOK_CALLBACK_START, 0, true, &l->hooked_callback);
        break;
    case LIFT_STACKFUL:
        want_hook(f, l->export_index, HOOK_ASYNC_START, HOOK_ASYNC_END, false, &l->hooked);
        break;
    }
}

static void fixup_imports(struct fixup *f)
{
    struct componentizer *c = f->c;
    const struct unit *main = &c->units.data[0];
    u32 init = main->known[MODULE_EXPORT_INITIALIZE];
    u32 hook = main->known[MODULE_EXPORT_TASK_HOOK];
    u32 realloc_ = main->known[MODULE_EXPORT_REALLOC];
    for (u32 i = 0; i < c->slots.len; i++)
        if (c->slots.data[i].what != SLOT_REALLOC)
            f->slots[i] =
                import_func(&f->k, STR("actual"), slot_name(c, i), &c->slots.data[i].type);
    f->initialize = init == NONE ? NONE : import_main(f, init);
    f->hook = hook == NONE ? NONE : import_main(f, hook);
    if (hook == NONE)
        return;
    for (u32 i = 0; i < c->lifts.len; i++)
        if (c->lifts.data[i].unit == 0)
            want_lift_hooks(f, &c->lifts.data[i]);
    if (realloc_ != NONE)
        want_hook(f, realloc_, HOOK_REALLOC_START, HOOK_REALLOC_END, false, &c->hooked_realloc);
}

static void fixup_hooks(struct fixup *f)
{
    struct componentizer *c = f->c;
    const struct unit *main = &c->units.data[0];
    for (u32 i = 0; i < f->hooked.len; i++) {
        const struct hooked *h = &f->hooked.data[i];
        const struct wasm_functype *type = compose_export_type(main, h->export_index);
        str name = str_concat(c->arena, STR("hook-"), main->m->exports.data[h->export_index].name);
        u32 func = add_func(&f->k, name, type, hook_body(f, type, h));
        add_export(&f->k, str_printf(c->arena, "hook%u", i), EXTERN_FUNC, func);
        if (h->out == &c->hooked_realloc)
            for (u32 s = 0; s < c->slots.len; s++)
                if (c->slots.data[s].what == SLOT_REALLOC)
                    f->slots[s] = func;
    }
    if (f->hook == NONE)
        return;
    for (u32 s = 0; s < c->slots.len; s++) {
        const struct shim_slot *slot = &c->slots.data[s];
        if (slot->what != SLOT_DTOR || c->dtors.data[slot->dtor].unit != 0)
            continue;
        struct hooked h = {
            .before = HOOK_DTOR_START, .after = HOOK_DTOR_END, .callee = f->slots[s]};
        f->slots[s] = add_func(&f->k, str_concat(c->arena, STR("hook-"), slot->name), &slot->type,
                               hook_body(f, &slot->type, &h));
    }
}

/* Slots in the table: one active segment. */
static void fill_table(struct fixup *f)
{
    struct componentizer *c = f->c;
    *vec_push(c->arena, &f->k.m.imports) =
        (struct wasm_import){.module = STR("shim"),
                             .name = STR("$imports"),
                             .type = {.kind = EXTERN_TABLE, .table = slots_table(c)}};
    *vec_push(c->arena, &f->k.m.tables) = (struct wasm_table){.type = slots_table(c)};
    f->k.m.imported_tables = 1;
    *vec_push(c->arena, &f->k.m.elems) =
        (struct wasm_elem){.mode = ELEM_ACTIVE,
                           .offset = const_expr(c->arena, WASM_I32),
                           .type = WASM_FUNCREF,
                           .count = c->slots.len,
                           .funcs = f->slots};
}

/* Slots as globals of typed references: set by the start function. */
static void import_globals(struct fixup *f)
{
    struct componentizer *c = f->c;
    for (u32 i = 0; i < c->slots.len; i++) {
        struct wasm_globaltype type = {
            .type = wasm_ref_concrete(make_type(&f->k, &c->slots.data[i].type), true),
            .is_mutable = true};
        *vec_push(c->arena, &f->k.m.imports) =
            (struct wasm_import){.module = STR("shim"),
                                 .name = str_printf(c->arena, "$global%u", i),
                                 .type = {.kind = EXTERN_GLOBAL, .global = type}};
        *vec_push(c->arena, &f->k.m.globals) = (struct wasm_global){.type = type};
    }
    f->k.m.imported_globals = c->slots.len;
    *vec_push(c->arena, &f->k.m.elems) = (struct wasm_elem){.mode = ELEM_DECLARED,
                                                            .flags = 3,
                                                            .type = WASM_FUNCREF,
                                                            .count = c->slots.len,
                                                            .funcs = f->slots};
}

static void start_func(struct fixup *f)
{
    struct componentizer *c = f->c;
    bool by_ref = c->options->return_call_ref && c->slots.len > 0;
    if (!by_ref && f->initialize == NONE)
        return;
    struct wasm_functype type = {0};
    struct buf b = buf_in(c->arena);
    buf_uleb(&b, 0);
    for (u32 i = 0; i < c->slots.len && by_ref; i++) {
        op_u32(&b, OP_REF_FUNC, f->slots[i]);
        op_u32(&b, OP_GLOBAL_SET, i);
    }
    if (f->initialize != NONE) {
        if (f->hook != NONE)
            call_hook(&b, f->hook, HOOK_INIT_START);
        op_u32(&b, OP_CALL, f->initialize);
        if (f->hook != NONE)
            call_hook(&b, f->hook, HOOK_INIT_END);
    }
    op(&b, OP_END);
    f->k.m.has_start = true;
    f->k.m.start = add_func(&f->k, STR("start"), &type, buf_view(&b));
}

str compose_fixup_module(struct componentizer *c, bool *needed)
{
    struct fixup *f = arena_new(c->arena, struct fixup);
    *f = (struct fixup){.c = c, .k = maker_of(c->arena)};
    f->slots = arena_array(c->arena, u32, c->slots.len);
    c->hooked_realloc = NONE;
    fixup_imports(f);
    *needed = c->slots.len > 0 || f->initialize != NONE || f->hooked.len > 0;
    if (c->slots.len && c->options->return_call_ref)
        import_globals(f);
    else if (c->slots.len)
        fill_table(f);
    fixup_hooks(f);
    start_func(f);
    return finish(&f->k, STR("wit-component-fixup"), !c->options->no_debug_names);
}
