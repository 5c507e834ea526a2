/* embed.c - a C program that runs WebAssembly with libwitc: a module that calls back into the host.
 *
 *     cc embed.c $(pkg-config --cflags --libs witc) -o embed && ./embed
 */
#include <stdio.h>
#include <witc/engine.h>

static const char text[] = "(module (import \"host\" \"print\" (func $print (param i32)))"
                           "  (func (export \"countdown\") (param i32) (result i32) (local i32)"
                           "    (loop $again"
                           "      (call $print (local.get 0))"
                           "      (local.set 1 (i32.add (local.get 1) (local.get 0)))"
                           "      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))"
                           "      (br_if $again (local.get 0)))"
                           "    (local.get 1)))";

/* A host function: arguments in slots, results back into them. `env` is what engine_host_func was given. */
static enum engine_outcome print(void *env, struct engine_task *task, u64 *slots)
{
    (void)task;
    printf("%s %u\n", (const char *)env, (u32)slots[0]);
    return ENGINE_DONE;
}

static int run(struct engine_store *store, struct diags *diags)
{
    u32 source = sources_add(diags->sources, STR("countdown.wat"), str_c(text), SOURCE_TEXT);
    struct engine_module *module = engine_load_source(store, source, features_default(), diags);
    struct wasm_functype type = {.params = (wasm_valtype[]){WASM_I32}, .param_count = 1};
    struct engine_func *host = engine_host_func(store, &type, STR("print"), print, "guest:");
    struct engine_extern imports[] = {{EXTERN_FUNC, {host}}};
    struct engine_instance *i;
    if (!module ||
        engine_instantiate(store, module, imports, 1, STR("main"), &i, diags) != ENGINE_DONE)
        return 1;
    struct engine_task *task = engine_task_new(store);
    struct engine_func *countdown = engine_export_func(i, STR("countdown"));
    if (engine_start(task, countdown, (u64[]){3}) != ENGINE_DONE) {
        printf("trap: " STRF "\n", STRA(engine_trap_of(task)->message));
        return 1;
    }
    printf("the sum is %u\n", (u32)engine_results(task)[0]);
    return 0;
}

int main(void)
{
    struct arena arena = {0};
    struct sources sources = {.arena = &arena};
    struct diags diags;
    struct buf messages = buf_in(&arena);
    diags_init(&diags, &arena, &sources);
    struct engine_store *store = engine_store_new(NULL);
    int code = run(store, &diags);
    diags_render(&diags, DIAG_TEXT, &messages);
    fprintf(stderr, STRF, STRA(buf_view(&messages)));
    engine_store_free(store);
    arena_free(&arena);
    return code;
}
