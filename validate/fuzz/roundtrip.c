/* roundtrip.c - fuzz target, for binaries and texts: what is valid prints as a text that is parsed and is valid too. Custom sections may come in another order then
 * (`@producers` is printed where it stands, and assembled last), once: from then on the text stays what it is. */
#include "validate.h"
#include "wast.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(bool fine)
{
    if (!fine) {
        abort();
    }
}

static bool read(struct arena *a, struct diags *d, str bytes, struct wasm_binary *out)
{
    u32 source = sources_add(d->sources, STR("input"), bytes, SOURCE_BINARY);
    return wasm_read(a, source, features_all(), out, d) &&
           validate_binary(a, out, features_all(), d);
}

/* False where the printer says that text cannot hold it. */
static bool print(struct arena *a, struct diags *d, const struct wasm_binary *binary, bool folded,
                  str *text)
{
    struct buf out = buf_in(a);
    struct wasm_print_options how = {.folded = folded};
    bool fine = wasm_print(&out, binary, &how, d);
    *text = buf_view(&out);
    return fine;
}

/* The binary that the text of *binary gives, read and validated. */
static bool again(struct arena *a, struct diags *d, struct wasm_binary *binary, bool folded,
                  str *text)
{
    str bytes;
    if (!print(a, d, binary, folded, text)) {
        return false;
    }
    u32 source = sources_add(d->sources, STR("text"), *text, SOURCE_TEXT);
    check(wasm_parse_text(a, source, features_all(), &bytes, d));
    check(read(a, d, bytes, binary));
    return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    diags_init(&d, &a, &sources);
    struct wasm_binary first;
    if (read(&a, &d, str_dup(&a, str_of((const char *)data, size)), &first)) {
        for (u32 folded = 0; folded < 2; folded++) {
            struct wasm_binary binary = first;
            str once, twice, thrice;
            if (again(&a, &d, &binary, folded, &once)) {
                check(again(&a, &d, &binary, folded, &twice));
                check(print(&a, &d, &binary, folded, &thrice));
                check(str_eq(twice, thrice));
            }
        }
    }
    arena_free(&a);
    return 0;
}
