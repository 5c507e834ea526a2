/* Fuzz target: any bytes as a WIT package, component or core module; what encodes must decode to the same text again, and
 * encode to the same bytes. (Packages around it may be named without need: these go.) */
#include "wit-parser.h"

#include <stdlib.h>

struct run {
    str bytes;
    struct arena arena;
};

static bool decode(struct wit_resolve *r, struct arena *a, struct sources *s, struct diags *d,
                   str bytes, u32 *package, u32 *world)
{
    struct wasm_binary binary;
    diags_init(d, a, s);
    wit_resolve_init(r, a, d);
    if (!wasm_is_binary(bytes))
        return false;
    u32 source = sources_add(s, STR("input"), bytes, SOURCE_BINARY);
    return wasm_read(a, source, features_all(), &binary, d) &&
           wit_decode(r, &binary, package, world);
}

static void one(void *ctx)
{
    struct run *run = ctx;
    struct sources s = {.arena = &run->arena};
    struct diags d, d2;
    struct wit_resolve r, again;
    u32 package, world;
    if (!decode(&r, &run->arena, &s, &d, run->bytes, &package, &world))
        return;
    struct wit_print_options options = {0};
    struct buf text = buf_in(&run->arena), binary = buf_in(&run->arena),
               text2 = buf_in(&run->arena), binary2 = buf_in(&run->arena);
    wit_print_package(&text, &r, package, &options);
    if (!wit_encode_package(&r, package, &binary))
        return;
    u32 package2, world2;
    if (r.packages.data[package].interfaces.len + r.packages.data[package].worlds.len == 0)
        return;
    if (!decode(&again, &run->arena, &s, &d2, buf_view(&binary), &package2, &world2))
        abort();
    wit_print_package(&text2, &again, package2, &options);
    if (!str_eq(buf_view(&text), buf_view(&text2)))
        abort();
    if (!wit_encode_package(&again, package2, &binary2) ||
        !str_eq(buf_view(&binary), buf_view(&binary2)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.bytes = str_of((const char *)data, size)};
    oom_guard(one, &run);
    arena_free(&run.arena);
    return 0;
}
