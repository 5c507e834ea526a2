/* Fuzz target: any bytes as a core module for `witc new`, and as an adapter of itself. */
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
    diags_init(&d, &run->arena, &s);
    if (!wasm_is_binary(run->bytes))
        return;
    u32 source = sources_add(&s, STR("input"), run->bytes, SOURCE_BINARY);
    if (!wasm_read(&run->arena, source, features_all(), &binary, &d) ||
        binary.layer != LAYER_MODULE)
        return;
    const struct wasm_module *m = binary.module;
    struct compose_adapter adapter = {.module = m};
    if (m->imports.len)
        adapter.name = m->imports.data[0].module;
    for (u32 adapters = 0; adapters < 2; adapters++) {
        struct compose_new_options options = {.adapters = &adapter, .adapter_count = adapters};
        struct buf out = buf_in(&run->arena);
        (void)!compose_new(&run->arena, m, &options, &d, &out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.bytes = str_of((const char *)data, size)};
    oom_guard(one, &run);
    arena_free(&run.arena);
    return 0;
}
