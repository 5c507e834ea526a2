/* print_custom.c - prints custom sections: known ones in a form of their own, others as bytes. */
#include "print.h"

/* ---- (@producers ...) ------------------------------------------------------------------------------- */

static bool is_producer_field(str name)
{
    for (u32 i = 0; i < WASM_PRODUCER_FIELDS; i++) {
        if (str_eq(name, wasm_producer_fields[i]))
            return true;
    }
    return false;
}

static void producers(struct printer *p, struct wasm_cursor *c)
{
    p_open(p, "@producers");
    u32 fields = wasm_get_count(c, 2);
    for (u32 i = 0; i < fields && !c->failed; i++) {
        const u8 *at = c->at;
        str field = wasm_get_name(c);
        if (!is_producer_field(field))
            wasm_cursor_fail(c, at, "unknown field");
        u32 values = wasm_get_count(c, 2);
        for (u32 k = 0; k < values && !c->failed; k++) {
            p_newline(p, wasm_cursor_offset(c));
            str name = wasm_get_name(c), version = wasm_get_name(c);
            p_byte(p, '(');
            p_str(p, field);
            p_byte(p, ' ');
            p_string(p, name);
            p_byte(p, ' ');
            p_string(p, version);
            p_byte(p, ')');
        }
    }
    p_close(p);
}

/* ---- (@dylink.0 ...) ---------------------------------------------------------------------------------- */

static const char *const symbol_flags[] = {
    "binding-weak", "binding-local", "visibility-hidden", NULL,  "undefined",
    "exported",     "explicit-name", "no-strip",          "tls", "absolute",
};

static void dylink_flags(struct printer *p, u32 flags)
{
    static const u8 bits[] = {0, 1, 2, 4, 5, 6, 7, 8, 9};
    for (u32 i = 0; i < LENGTH_OF(bits); i++) {
        if (flags >> bits[i] & 1) {
            p_byte(p, ' ');
            p_c(p, symbol_flags[bits[i]]);
            flags &= ~(1u << bits[i]);
        }
    }
    if (flags) {
        p_c(p, " 0x");
        p_hex(p, flags);
    }
}

static void dylink_strings(struct printer *p, struct wasm_cursor *c, const char *word)
{
    p_open(p, word);
    for (u32 n = wasm_get_count(c, 1); n-- > 0 && !c->failed;) {
        p_byte(p, ' ');
        p_string(p, wasm_get_name(c));
    }
    p_close(p);
}

static void dylink_memory(struct printer *p, struct wasm_cursor *c)
{
    static const char *const words[] = {" (memory ", " (table "};
    p_open(p, "mem-info");
    for (u32 i = 0; i < 2; i++) {
        u32 size = wasm_get_u32(c), alignment = wasm_get_u32(c);
        if (size || alignment) {
            p_c(p, words[i]);
            p_u64(p, size);
            p_byte(p, ' ');
            p_u64(p, alignment);
            p_byte(p, ')');
        }
    }
    p_close(p);
}

static void dylink_symbols(struct printer *p, struct wasm_cursor *c, u32 offset, bool imports)
{
    for (u32 n = wasm_get_count(c, 2); n-- > 0 && !c->failed;) {
        p_newline(p, offset);
        p_open(p, imports ? "import-info " : "export-info ");
        p_string(p, wasm_get_name(c));
        if (imports) {
            p_byte(p, ' ');
            p_string(p, wasm_get_name(c));
        }
        dylink_flags(p, wasm_get_u32(c));
        p_close(p);
    }
}

static void dylink_subsection(struct printer *p, struct wasm_cursor *c, u8 id, u32 offset)
{
    if (id != 3 && id != 4) {
        p_newline(p, offset);
    }
    switch (id) {
    case 1: dylink_memory(p, c); break;
    case 2: dylink_strings(p, c, "needed"); break;
    case 3: dylink_symbols(p, c, offset, false); break;
    case 4: dylink_symbols(p, c, offset, true); break;
    case 5: dylink_strings(p, c, "runtime-path"); break;
    case 6:
        p_open(p, "target-arch ");
        p_string(p, wasm_get_name(c));
        p_close(p);
        break;
    default: wasm_cursor_fail(c, c->at, "unknown subsection");
    }
}

static void dylink(struct printer *p, struct wasm_cursor *c)
{
    p_open(p, "@dylink.0");
    while (c->at < c->end && !c->failed) {
        u32 offset = wasm_cursor_offset(c);
        u8 id = wasm_get_byte(c);
        u32 size = wasm_get_u32(c), base = wasm_cursor_offset(c);
        struct wasm_cursor contents = wasm_cursor_of(c->source, wasm_get_bytes(c, size), base);
        if (c->failed) {
            break;
        }
        dylink_subsection(p, &contents, id, offset);
        if (contents.failed || contents.at != contents.end) {
            wasm_cursor_fail(c, c->at, "malformed subsection");
        }
    }
    p_close(p);
}

/* ---- Any ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*print)(struct printer *p, struct wasm_cursor *c);
} known[] = {
    {"producers", producers},
    {"dylink.0", dylink},
};
/* Shown elsewhere: as identifiers and hints. */
static const char *const hidden[] = {"name", "component-name", "metadata.code.branch_hint"};

static void raw(struct printer *p, const struct print_scope *s, const struct wasm_custom *c)
{
    p_open(p, "@custom ");
    p_string(p, c->name);
    if (s->place) {
        p_c(p, " (");
        p_c(p, s->place);
        p_byte(p, ')');
    }
    p_byte(p, ' ');
    if (p->options->skeleton) {
        p_c(p, "...");
    } else {
        p_data(p, c->bytes);
    }
    p_close(p);
}

/* Tries a form on the side: false if the section is ill-formed. */
static bool try_known(struct printer *p, const struct wasm_custom *c,
                      void (*print)(struct printer *p, struct wasm_cursor *c))
{
    struct printer side = *p;
    struct buf text = buf_in(p->a);
    struct wasm_print_options plain = {0};
    side.out = &text;
    side.sink = NULL;
    side.options = &plain;
    struct wasm_cursor cursor = wasm_cursor_of(p->source, c->bytes, 0);
    print(&side, &cursor);
    p->group_lines.data = side.group_lines.data;
    p->group_lines.cap = side.group_lines.cap;
    return !cursor.failed && cursor.at == cursor.end;
}

u32 wasm_pr_custom_start(const struct wasm_custom *c)
{
    u32 start = c->at.end - (u32)c->bytes.len - (u32)c->name.len;
    for (size_t n = c->name.len; n >= 0x80; n >>= 7) {
        start--; /* the bytes of the length */
    }
    return start - 1;
}

void p_custom(struct printer *p, const struct print_scope *s, const struct wasm_custom *c,
              u32 offset)
{
    for (size_t i = 0; i < LENGTH_OF(hidden); i++) {
        if (str_eq_c(c->name, hidden[i])) {
            return;
        }
    }
    for (size_t i = 0; i < LENGTH_OF(known); i++) {
        if (!str_eq_c(c->name, known[i].name)) {
            continue;
        }
        u32 data = c->at.end - (u32)c->bytes.len;
        if (try_known(p, c, known[i].print)) {
            p_newline(p, offset);
            struct wasm_cursor cursor = wasm_cursor_of(p->source, c->bytes, data);
            known[i].print(p, &cursor);
            return;
        }
        p_newline(p, data);
        p_c(p, ";; failed to parse custom section `");
        p_c(p, known[i].name);
        p_byte(p, '`');
    }
    p_newline(p, offset);
    raw(p, s, c);
}
