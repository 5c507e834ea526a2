/* script_host.c - what scripts may import: `spectest` for core modules, `host` and its kin for components. */
#include "script_internal.h"

/* ---- spectest ---------------------------------------------------------------------------------------------- */

/* The print functions take their arguments and say nothing. */
static enum engine_outcome print(void *env, struct engine_task *t, u64 *slots)
{
    (void)env, (void)t, (void)slots;
    return ENGINE_DONE;
}

static void provide(struct runner *r, const char *name, struct engine_extern item)
{
    map_put(r->arena, &r->spectest, str_c(name), r->spectest_items.len);
    *vec_push(r->arena, &r->spectest_items) = item;
}

void script_spectest(struct runner *r)
{
    static const struct {
        const char *name;
        u32 count;
        wasm_valtype params[2];
    } prints[] = {
        {"print", 0, {0}},
        {"print_i32", 1, {WASM_I32}},
        {"print_i64", 1, {WASM_I64}},
        {"print_f32", 1, {WASM_F32}},
        {"print_f64", 1, {WASM_F64}},
        {"print_i32_f32", 2, {WASM_I32, WASM_F32}},
        {"print_f64_f64", 2, {WASM_F64, WASM_F64}},
    };
    static const struct {
        const char *name;
        wasm_valtype type;
        u64 bits;
    } globals[] = {
        {"global_i32", WASM_I32, 666},
        {"global_i64", WASM_I64, 666},
        {"global_f32", WASM_F32, 0x4426a666},          /* 666.6 */
        {"global_f64", WASM_F64, 0x4084d4cccccccccdu}, /* 666.6 */
    };
    for (u32 i = 0; i < LENGTH_OF(prints); i++) {
        struct wasm_functype type = {.params = prints[i].params, .param_count = prints[i].count};
        provide(r, prints[i].name,
                (struct engine_extern){
                    .kind = EXTERN_FUNC,
                    .func = engine_host_func(r->store, &type, str_c(prints[i].name), print, NULL)});
    }
    for (u32 i = 0; i < LENGTH_OF(globals); i++) {
        struct wasm_globaltype type = {.type = globals[i].type};
        provide(
            r, globals[i].name,
            (struct engine_extern){.kind = EXTERN_GLOBAL,
                                   .global = engine_global_new(r->store, &type, &globals[i].bits)});
    }
    struct wasm_tabletype table = {.element = WASM_FUNCREF,
                                   .limits = {.min = 10, .max = 20, .has_max = true}};
    provide(r, "table",
            (struct engine_extern){.kind = EXTERN_TABLE,
                                   .table = engine_table_new(r->store, &table, 0)});
    table.limits.is_64 = true;
    provide(r, "table64",
            (struct engine_extern){.kind = EXTERN_TABLE,
                                   .table = engine_table_new(r->store, &table, 0)});
    struct wasm_limits memory = {.min = 1, .max = 2, .has_max = true, .page_size_log2 = 16};
    provide(r, "memory",
            (struct engine_extern){.kind = EXTERN_MEMORY,
                                   .memory = engine_memory_new(r->store, &memory)});
    memory.is_shared = true;
    provide(r, "shared_memory",
            (struct engine_extern){.kind = EXTERN_MEMORY,
                                   .memory = engine_memory_new(r->store, &memory)});
}

/* ---- host ---------------------------------------------------------------------------------------------------- */

/* A call that answers at the next turn of the loop. */
struct pending {
    struct canon_call *call;
    u64 value;
    enum canon_kind kind;
    struct pending *next;
};

static bool poll(void *env, bool may_block)
{
    struct world *w = env;
    (void)may_block;
    struct pending *list = w->pending;
    w->pending = NULL;
    bool any = list != NULL;
    while (list) {
        struct pending *next = list->next;
        struct canon_value value = canon_u(list->kind, list->value);
        canon_call_return(list->call, &value);
        mem_free(list);
        list = next;
    }
    return any;
}

static void cancelled(void *env, struct canon_call *c)
{
    struct world *w = env;
    for (struct pending **at = &w->pending; *at; at = &(*at)->next) {
        if ((*at)->call == c) {
            struct pending *gone = *at;
            *at = gone->next;
            mem_free(gone);
            break;
        }
    }
    canon_call_cancelled(c);
}

static void answer_later(struct world *w, struct canon_call *c, enum canon_kind kind, u64 value)
{
    struct pending *p = mem_alloc(sizeof *p), **end = &w->pending;
    *p = (struct pending){c, value, kind, NULL};
    while (*end)
        end = &(*end)->next;
    *end = p;
    canon_call_on_cancel(c, cancelled, w);
}

static void answer_u32(struct canon_call *c, u64 value)
{
    struct canon_value v = canon_u(CANON_T_U32, value);
    canon_call_return(c, &v);
}

static void echo(void *env, struct canon_call *c)
{
    (void)env;
    answer_u32(c, canon_call_arg(c, 0)->u);
}

static void return_two(void *env, struct canon_call *c)
{
    (void)env;
    answer_u32(c, 2);
}

static void return_three(void *env, struct canon_call *c)
{
    (void)env;
    answer_u32(c, 3);
}

static void return_four(void *env, struct canon_call *c)
{
    (void)env;
    answer_u32(c, 4);
}

static void return_hi(void *env, struct canon_call *c)
{
    (void)env;
    struct canon_value v = canon_string(STR("hi"));
    canon_call_return(c, &v);
}

static void never_return(void *env, struct canon_call *c)
{
    canon_call_on_cancel(c, cancelled, env);
}

static void return_two_slowly(void *env, struct canon_call *c)
{
    answer_later(env, c, CANON_T_S32, 2);
}

static void echo_slowly(void *env, struct canon_call *c)
{
    answer_later(env, c, CANON_T_U32, canon_call_arg(c, 0)->u);
}

static void make_resource(void *env, struct canon_call *c)
{
    struct canon_value v = canon_own(env, canon_call_arg(c, 0)->u);
    canon_call_return(c, &v);
}

/* (self, rep): the representation must be `rep`. */
static void check_resource(void *env, struct canon_call *c)
{
    (void)env;
    u64 have = canon_call_arg(c, 0)->rep, want = canon_call_arg(c, 1)->u;
    if (have == want)
        canon_call_return(c, NULL);
    else
        canon_call_trap(c, "the resource has representation %llu, not %llu",
                        (unsigned long long)have, (unsigned long long)want);
}

static void take(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_return(c, NULL);
}

static void last_drop(void *env, struct canon_call *c)
{
    answer_u32(c, ((struct world *)env)->last_drop);
}

static void drops(void *env, struct canon_call *c)
{
    answer_u32(c, ((struct world *)env)->drops);
}

static void dropped(void *env, u64 rep)
{
    struct world *w = env;
    w->last_drop = rep;
    w->drops++;
}

static void no_drop(void *env, u64 rep)
{
    (void)env, (void)rep;
}

static const struct wasm_module *simple_module(struct runner *r)
{
    static const char text[] = "(module (global (export \"g\") i32 (i32.const 100))"
                               " (func (export \"f\") (result i32) (i32.const 101)))";
    if (!r->simple_module) {
        struct wasm_binary binary = {0};
        u32 source = sources_add(r->d->sources, STR("<simple-module>"), str_c(text), SOURCE_TEXT);
        if (wasm_read(r->arena, source, r->features, &binary, r->d))
            r->simple_module = binary.module;
    }
    return r->simple_module;
}

static void provide_host(struct runner *r, struct world *w)
{
    struct canon_linker_instance *root = canon_linker_root(w->linker);
    struct canon_linker_instance *host = canon_linker_instance(w->linker, "host");
    canon_linker_func(root, "host-echo-u32", "async func(v: u32) -> u32", echo, w);
    canon_linker_func(root, "host-return-two", "func() -> u32", return_two, w);
    struct canon_resource_type *resource = canon_linker_resource(host, "resource1", dropped, w);
    canon_linker_resource(host, "resource2", no_drop, w);
    canon_linker_use(host, "resource1-again", resource);
    const struct canon_host_row rows[] = {
        {"return-three", "func() -> u32", return_three},
        {"return-hi", "func() -> string", return_hi},
        {"never-return", "async func()", never_return},
        {"return-two-slowly", "async func() -> s32", return_two_slowly},
        {"echo-slowly", "async func(val: u32) -> u32", echo_slowly},
        {"[static]resource1.assert", "func(r: own<resource1>, rep: u32)", check_resource},
        {"[static]resource1.last-drop", "func() -> u32", last_drop},
        {"[static]resource1.drops", "func() -> u32", drops},
        {"[method]resource1.simple", "func(self: borrow<resource1>, rep: u32)", check_resource},
        {"[method]resource1.take-borrow", "func(self: borrow<resource1>, b: borrow<resource1>)",
         take},
        {"[method]resource1.take-own", "func(self: borrow<resource1>, b: own<resource1>)", take},
        {"[method]resource1.never-return", "async func(self: borrow<resource1>)", never_return},
        {NULL, NULL, NULL},
    };
    canon_linker_funcs(host, rows, w);
    canon_linker_func(host, "[constructor]resource1", "func(r: u32) -> own<resource1>",
                      make_resource, resource);
    canon_linker_func(canon_linker_nested(host, "nested"), "return-four", "func() -> u32",
                      return_four, w);
    const struct wasm_module *module = simple_module(r);
    if (module)
        canon_linker_module(host, "simple-module", module);
}

struct world *script_world(struct runner *r)
{
    struct world *w = mem_alloc(sizeof *w);
    w->next = r->main->worlds;
    r->main->worlds = w;
    struct canon_config config = {.features = r->features, .loop = {w, poll}};
    config.limits.memory_bytes = SCRIPT_MEMORY;
    if (r->seed) {
        config.choose = canon_choose_seeded;
        config.choose_ctx = r->seed;
    }
    w->store = canon_store_new(&config);
    w->linker = canon_linker_new();
    provide_host(r, w);
    return w;
}

void script_world_free(struct world *w)
{
    if (w->store)
        canon_store_free(w->store);
    if (w->linker)
        canon_linker_free(w->linker);
    while (w->pending) {
        struct pending *next = w->pending->next;
        mem_free(w->pending);
        w->pending = next;
    }
    mem_free(w);
}
