/* read.c - the entrances of the binary reader, and what its files share. */
#include "reader.h"
#include "text.h"

void wasm_rd_fail(struct wasm_reader *r, const u8 *at, const char *format, ...)
{
    if (r->c.failed) {
        return;
    }
    va_list args;
    va_start(args, format);
    str text = str_vprintf(r->a, format, args);
    va_end(args);
    wasm_cursor_fail(&r->c, at, str_to_c(r->a, text));
}

void wasm_rd_bad_byte(struct wasm_reader *r, u8 byte, const char *what)
{
    wasm_rd_fail(r, r->c.at - 1, "invalid leading byte (0x%x) for %s", byte, what);
}

void wasm_rd_gate(struct wasm_reader *r, const u8 *at, enum feature feature, const char *what)
{
    if (features_has(r->features, feature) || r->c.failed) {
        return;
    }
    r->state->refused = true;
    if (r->state->reported >> feature & 1) {
        return;
    }
    r->state->reported |= (u64)1 << feature;
    u32 offset = r->c.base + (u32)(at - r->c.start);
    struct diag *x = diag_error(r->d, "feature-off", (span){r->c.source, offset, offset + 1},
                                "%s: the feature `%s` is not active", what, feature_name(feature));
    diag_help(r->d, x, "turn it on with `--features %s`", feature_name(feature));
}

enum { PATH_SHOWN = 8 };

/* Says what is wrong, in which section, and in which module or component of the file. */
void wasm_rd_report(struct wasm_reader *r, const struct wasm_cursor *c)
{
    u32 end = c->error_offset + (c->error_offset < UINT32_MAX);
    struct diag *x =
        diag_error(r->d, "malformed", (span){c->source, c->error_offset, end}, "%s", c->error);
    struct buf place = buf_in(r->a);
    if (r->section) {
        buf_printf(&place, "in the %s section", r->section);
    }
    u32 depth = r->depth < READ_MAX_DEPTH ? r->depth : READ_MAX_DEPTH;
    for (u32 i = depth; i-- > 0;) {
        const struct wasm_read_step *step = &r->state->path[i];
        if (depth - i > PATH_SHOWN) {
            buf_c(&place, " and so on");
            break;
        }
        buf_printf(&place, "%s %s %u", place.len ? " of" : "in",
                   step->component ? "component" : "core module", step->index);
    }
    if (place.len) {
        diag_note(r->d, x, STRF, STRA(buf_view(&place)));
    }
}

bool wasm_rd_enter_unit(struct wasm_reader *r, str bytes, u32 base, u32 source, const char *what)
{
    r->c = wasm_cursor_of(source, bytes, base);
    r->section = NULL;
    if (++r->state->units > READ_MAX_UNITS) {
        wasm_rd_fail(r, r->c.at, "more than %d modules and components in one file", READ_MAX_UNITS);
    }
    if (r->depth > READ_MAX_DEPTH) {
        wasm_rd_fail(r, r->c.at, "components nest deeper than %d", READ_MAX_DEPTH);
    }
    const u8 *at = r->c.at;
    str magic = wasm_get_bytes(&r->c, 4);
    if (r->c.failed) {
        r->c.error =
            bytes.len < 4 ? "unexpected end: too short for a WebAssembly binary" : r->c.error;
        return false;
    }
    if (!wasm_is_binary(magic)) {
        wasm_rd_fail(r, at, "magic header not detected");
        return false;
    }
    at = r->c.at;
    str version = wasm_get_bytes(&r->c, 4);
    bool component = strcmp(what, "component") == 0;
    static const char expect[2][5] = {"\x01\0\0\0", "\x0d\0\x01\0"};
    if (!r->c.failed && memcmp(version.ptr, expect[component], 4) != 0) {
        if (memcmp(version.ptr, expect[!component], 4) == 0) {
            wasm_rd_fail(r, at, "expected a version header for a %s", what);
        } else {
            wasm_rd_fail(r, at, "unknown binary version 0x%02x%02x%02x%02x", (u8)version.ptr[3],
                         (u8)version.ptr[2], (u8)version.ptr[1], (u8)version.ptr[0]);
        }
    }
    return !r->c.failed;
}

bool wasm_is_binary(str bytes)
{
    return str_starts(bytes, STR("\0asm"));
}

bool wasm_is_component(str bytes)
{
    return wasm_is_binary(bytes) && bytes.len >= 8 && bytes.ptr[6] == 1 && bytes.ptr[7] == 0;
}

bool wasm_read_module(struct arena *a, u32 source, str bytes, u32 base, struct features features,
                      struct wasm_module **out, struct diags *d)
{
    struct wasm_read_state state = {0};
    struct wasm_reader r = {.a = a, .d = d, .features = features, .state = &state};
    *out = wasm_rd_module(&r, source, bytes, base);
    return *out && !state.refused;
}

bool wasm_read_component(struct arena *a, u32 source, str bytes, u32 base, struct features features,
                         struct wasm_component **out, struct diags *d)
{
    struct wasm_read_state state = {0};
    struct wasm_reader r = {.a = a, .d = d, .features = features, .state = &state};
    *out = wasm_rd_component(&r, source, bytes, base);
    return *out && !state.refused;
}

bool wasm_read(struct arena *a, u32 source, struct features features, struct wasm_binary *out,
               struct diags *d)
{
    *out = (struct wasm_binary){0};
    const struct source of = *sources_get(d->sources, source); /* others are added: they move */
    str bytes = of.text;
    if (!wasm_is_binary(bytes)) {
        if (!wasm_parse_text(a, source, features, &bytes, d)) {
            return false;
        }
        span text = {source, 0, (u32)of.text.len};
        source = sources_add(d->sources, of.path, bytes, SOURCE_BINARY);
        text_set_places(d->sources, source, text, features, text_again);
    }
    if (wasm_is_component(bytes)) {
        out->layer = LAYER_COMPONENT;
        return wasm_read_component(a, source, bytes, 0, features, &out->component, d);
    }
    out->layer = LAYER_MODULE;
    return wasm_read_module(a, source, bytes, 0, features, &out->module, d);
}
