/* Reads and validates any bytes, with all features on, and renders what there is to say. */
#include "validate.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena arena = {0};
    struct sources sources = {.arena = &arena};
    struct diags diags;
    struct wasm_binary binary;
    diags_init(&diags, &arena, &sources);
    str bytes = str_of((const char *)data, size);
    u32 source = sources_add(&sources, STR("input"), bytes, SOURCE_BINARY);
    bool valid = wasm_is_binary(bytes) &&
                 wasm_read(&arena, source, features_all(), &binary, &diags) &&
                 validate_binary(&arena, &binary, features_all(), &diags);
    (void)valid; /* both verdicts are fine here */
    struct buf text = buf_in(&arena);
    diags_render(&diags, DIAG_TEXT, &text);
    arena_free(&arena);
    return 0;
}
