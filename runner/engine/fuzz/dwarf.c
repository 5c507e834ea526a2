/* dwarf.c - fuzz target: places in the source from the debug information of a module, or from sections as such: for each one its
 * length in two bytes and its bytes. */
#include "../dwarf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void of_module(struct arena *a, str bytes)
{
    struct sources sources = {.arena = a};
    struct diags d;
    struct wasm_module *m;
    diags_init(&d, a, &sources);
    u32 source = sources_add(&sources, STR("input"), bytes, SOURCE_BINARY);
    if (!wasm_read_module(a, source, bytes, 0, features_all(), &m, &d))
        return;
    struct engine_frame frames[30] = {{.module = NULL}};
    for (u32 i = 0; i < LENGTH_OF(frames); i++) {
        frames[i].module = m;
        frames[i].offset = (u32)(bytes.len * i / LENGTH_OF(frames));
    }
    engine_locate(a, frames, LENGTH_OF(frames));
}

static void of_sections(struct arena *a, str bytes)
{
    str sections[DWARF_SECTIONS] = {{0}};
    for (u32 i = 0; i < DWARF_SECTIONS && bytes.len >= 2; i++) {
        size_t n = (u8)bytes.ptr[0] | (size_t)(u8)bytes.ptr[1] << 8;
        sections[i] = str_sub(bytes, 2, 2 + n);
        bytes = str_sub(bytes, 2 + n, bytes.len);
    }
    u32 addresses[30];
    for (u32 i = 0; i < LENGTH_OF(addresses); i++)
        addresses[i] = i * i;
    struct dwarf_places places[LENGTH_OF(addresses)];
    dwarf_find(a, sections, addresses, LENGTH_OF(addresses), places);
    for (u32 i = 0; i < LENGTH_OF(addresses); i++) {
        for (u32 k = 0; k < places[i].count; k++) {
            struct buf b = buf_in(a); /* reads what was found */
            buf_str(&b, places[i].places[k].func);
            buf_str(&b, places[i].places[k].file);
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena a = {0};
    str bytes = str_of((const char *)data, size);
    if (str_starts(bytes, STR("\0asm")))
        of_module(&a, bytes);
    else
        of_sections(&a, bytes);
    if (a.used > ((size_t)64 << 20))
        abort(); /* far more than the input can be worth */
    arena_free(&a);
    return 0;
}
