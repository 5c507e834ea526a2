/* text.c - fuzz target: bytes as the text of a module, component or script. What assembles may still be invalid, so all that is asked
 * is that nothing breaks. */
#include "wast.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    diags_init(&d, &a, &sources);
    str text = str_dup(&a, str_of((const char *)data, size)), bytes;
    u32 source = sources_add(&sources, STR("input"), text, SOURCE_TEXT);
    struct wasm_binary binary;
    struct wast_script script;
    if (wasm_parse_text(&a, source, features_all(), &bytes, &d)) {
        u32 result = sources_add(&sources, STR("result"), bytes, SOURCE_BINARY);
        bool fine = wasm_read(&a, result, features_all(), &binary, &d);
        (void)fine;
    }
    bool fine = wast_parse(&a, source, features_all(), &script, &d);
    (void)fine;
    struct buf shown = buf_in(&a);
    diags_render(&d, DIAG_TEXT, &shown);
    arena_free(&a);
    return 0;
}
