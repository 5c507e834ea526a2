/* binary.c - fuzz target: bytes are read; what can be read is written, read again and printed. */
#include "wasm.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(bool fine)
{
    if (!fine) {
        abort();
    }
}

static bool discard(void *ctx, str text)
{
    *(size_t *)ctx += text.len;
    return true;
}

static bool read(struct arena *a, struct diags *d, str bytes, struct wasm_binary *out)
{
    u32 source = sources_add(d->sources, STR("input"), bytes, SOURCE_BINARY);
    return wasm_is_binary(bytes) && wasm_read(a, source, features_all(), out, d);
}

static str write(struct arena *a, const struct wasm_binary *binary)
{
    struct buf out = buf_in(a);
    if (binary->layer == LAYER_COMPONENT) {
        wasm_write_component(&out, binary->component);
    } else {
        wasm_write_module(&out, binary->module);
    }
    return buf_view(&out);
}

/* Nested modules and components are written from their models too. */
static void forget_bytes(struct arena *a, struct wasm_component *c)
{
    for (u32 i = 0; i < c->modules.len; i++) {
        struct buf out = buf_in(a);
        wasm_write_module(&out, c->modules.data[i]);
        c->modules.data[i]->bytes = buf_view(&out);
    }
    for (u32 i = 0; i < c->components.len; i++) {
        forget_bytes(a, c->components.data[i]);
        c->components.data[i]->bytes = (str){0};
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    diags_init(&d, &a, &sources);
    struct wasm_binary first, second;
    str bytes = str_dup(&a, str_of((const char *)data, size));
    if (read(&a, &d, bytes, &first)) {
        size_t printed = 0;
        for (u32 i = 0; i < 8; i++) {
            struct wasm_print_options how = {
                .folded = i & 1, .offsets = i & 2, .name_unnamed = i & 4};
            bool ignored = wasm_print_stream(&a, &first, &how, discard, &printed, &d);
            (void)ignored;
        }
        if (first.layer == LAYER_COMPONENT) {
            forget_bytes(&a, first.component);
        }
        str once = write(&a, &first);
        check(read(&a, &d, once, &second));
        check(str_eq(once, write(&a, &second)));
    } else {
        check(d.errors > 0 || !wasm_is_binary(bytes));
    }
    struct buf text = buf_in(&a);
    diags_render(&d, DIAG_TEXT, &text);
    arena_free(&a);
    return 0;
}
