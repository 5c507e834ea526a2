/* Fuzz target: any bytes as a core module for `witc new`. */
#include "compose.h"

struct run {
    str bytes;
    struct arena arena;
};

static void one(void *ctx)
{
    struct run *run = ctx;
    struct sources s = {.arena = &run->arena};
    struct diags d;
    struct wasm_binary binary;
    struct compose_new_options options = {0};
    struct buf out = buf_in(&run->arena);
    diags_init(&d, &run->arena, &s);
    if (!wasm_is_binary(run->bytes))
        return;
    u32 source = sources_add(&s, STR("input"), run->bytes, SOURCE_BINARY);
    if (wasm_read(&run->arena, source, features_all(), &binary, &d) && binary.layer == LAYER_MODULE)
        (void)!compose_new(&run->arena, binary.module, &options, &d, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.bytes = str_of((const char *)data, size)};
    oom_guard(one, &run);
    arena_free(&run.arena);
    return 0;
}
