/* embed.c - a C program that runs WebAssembly with libwitc: a module that calls back into the host.
 *
 *     cc embed.c $(pkg-config --cflags --libs witc) -o embed && ./embed
 */
#include <stdio.h>
#include <witc/engine.h>

static const char text[] = "(module"
                           "  (import \"host\" \"print\" (func $print (param i32)))"
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

static int run(struct arena *arena, struct diags *diags, struct engine_store *store)
{
    const wasm_valtype i32_[] = {WASM_I32};
    const struct wasm_functype print_type = {.params = i32_, .param_count = 1};
    struct engine_extern import = {.kind = EXTERN_FUNC}, export_;
    struct engine_instance *instance;
    struct wasm_binary binary;
    u32 source = sources_add(diags->sources, STR("countdown.wat"), str_c(text), SOURCE_TEXT);
    u64 three[] = {3};

    if (!wasm_read(arena, source, features_default(), &binary, diags))
        return 1;
    struct engine_module *module = engine_load(store, binary.module, features_default(), diags);
    import.func = engine_host_func(store, &print_type, STR("print"), print, "the guest says");
    if (!module ||
        engine_instantiate(store, module, &import, 1, STR("main"), &instance, diags) != ENGINE_DONE)
        return 1;
    if (!engine_export(instance, STR("countdown"), &export_) || export_.kind != EXTERN_FUNC)
        return 1;
    struct engine_task *task = engine_task_new(store);
    if (engine_start(task, export_.func, three) == ENGINE_TRAPPED) {
        str why = engine_trap_of(task)->message;
        printf("trap: " STRF "\n", STRA(why));
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
    int code = run(&arena, &diags, store);
    diags_render(&diags, DIAG_TEXT, &messages);
    fwrite(messages.data ? messages.data : "", 1, messages.len, stderr);
    engine_store_free(store);
    arena_free(&arena);
    return code;
}
