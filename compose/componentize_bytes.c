/* componentize_bytes.c - a core module as it goes into the component: without the embedded worlds, and with each
 * import under a name of its own. All else is copied byte by byte, so that offsets in debug information of the code
 * section stay true. */
#include "componentize.h"

enum { SECTION_CUSTOM = 0, SECTION_IMPORT = 2 };

static void skip_limits(struct wasm_cursor *in)
{
    u32 flags = wasm_get_u32(in);
    wasm_get_u64(in);
    if (flags & 1)
        wasm_get_u64(in);
    if (flags & 8)
        wasm_get_u32(in);
}

/* Moves past what an import is declared to be. */
static void skip_extern(struct wasm_cursor *in)
{
    switch (wasm_get_byte(in)) {
    case EXTERN_TABLE:
        wasm_get_reftype(in);
        skip_limits(in);
        break;
    case EXTERN_MEMORY: skip_limits(in); break;
    case EXTERN_GLOBAL:
        wasm_get_valtype(in);
        wasm_get_byte(in);
        break;
    case EXTERN_TAG:
        wasm_get_byte(in);
        wasm_get_u32(in);
        break;
    default: wasm_get_u32(in); break;
    }
}

static void rename_imports(struct componentizer *c, const struct unit *u, struct wasm_cursor in,
                           struct buf *out)
{
    struct buf section = buf_in(c->arena);
    u32 n = wasm_get_u32(&in);
    buf_uleb(&section, n);
    for (u32 i = 0; i < n && !in.failed; i++) {
        wasm_write_name(&section, wasm_get_name(&in));
        wasm_get_name(&in);
        wasm_write_name(&section, u->bindings[i].field);
        const u8 *from = in.at;
        skip_extern(&in);
        buf_put(&section, from, (size_t)(in.at - from));
    }
    wasm_write_section(out, SECTION_IMPORT, buf_view(&section));
}

static bool has_renamed(const struct unit *u)
{
    for (u32 i = 0; i < u->body->imports.len; i++)
        if (!str_eq(u->bindings[i].field, u->body->imports.data[i].name))
            return true;
    return false;
}

str compose_unit_bytes(struct componentizer *c, const struct unit *u)
{
    struct buf out = buf_in(c->arena);
    str bytes = u->body->bytes;
    if (!bytes.len) { /* an adapter that was cut down */
        wasm_write_module(&out, u->body);
        bytes = buf_view(&out);
        out = buf_in(c->arena);
    }
    struct wasm_cursor in = wasm_cursor_of(u->body->source, bytes, 0);
    bool rename = has_renamed(u);
    buf_str(&out, wasm_get_bytes(&in, 8));
    while (in.at < in.end && !in.failed) {
        const u8 *from = in.at;
        u8 id = wasm_get_byte(&in);
        u32 size = wasm_get_u32(&in);
        str contents = wasm_get_bytes(&in, size);
        struct wasm_cursor inner = wasm_cursor_of(u->body->source, contents, 0);
        if (id == SECTION_CUSTOM && str_starts(wasm_get_name(&inner), STR("component-type")))
            continue;
        if (id == SECTION_IMPORT && rename)
            rename_imports(c, u, inner, &out);
        else
            buf_put(&out, from, (size_t)(in.at - from));
    }
    return buf_view(&out);
}
