/* metadata_add.c - `witc metadata add`: writes what a module or component says of itself. Those inside it stay as they are. */
#include "metadata.h"

/* ---- Producers ---------------------------------------------------------------------------------------- */

struct version {
    str name, version;
};
struct field {
    str name;
    VEC(struct version) versions;
};
typedef VEC(struct field) fields;

static struct field *field_of(struct arena *a, fields *list, str name)
{
    for (u32 i = 0; i < list->len; i++) {
        if (str_eq(list->data[i].name, name)) {
            return &list->data[i];
        }
    }
    struct field *f = vec_push(a, list);
    f->name = name;
    return f;
}

static void set_version(struct arena *a, struct field *f, str name, str version)
{
    for (u32 i = 0; i < f->versions.len; i++) {
        if (str_eq(f->versions.data[i].name, name)) {
            f->versions.data[i].version = version;
            return;
        }
    }
    *vec_push(a, &f->versions) = (struct version){name, version};
}

static bool read_fields(struct cli *cli, struct wasm_cursor c, fields *out)
{
    u32 at = wasm_cursor_offset(&c), n = wasm_get_count(&c, 2);
    for (u32 i = 0; i < n && !c.failed; i++) {
        struct field *f = field_of(&cli->arena, out, wasm_get_name(&c));
        u32 count = wasm_get_count(&c, 2);
        for (u32 k = 0; k < count && !c.failed; k++) {
            str name = wasm_get_name(&c), version = wasm_get_name(&c);
            set_version(&cli->arena, f, name, version);
        }
    }
    if (c.failed || c.at != c.end) {
        diag_error(&cli->diags, "malformed", (span){c.source, at, at + 1},
                   "the section `producers` is malformed, so that nothing can be added to it");
        return false;
    }
    return true;
}

static void put_fields(struct buf *out, const fields *list)
{
    struct buf b = buf_in(out->arena);
    buf_uleb(&b, list->len);
    for (u32 i = 0; i < list->len; i++) {
        const struct field *f = &list->data[i];
        wasm_write_name(&b, f->name);
        buf_uleb(&b, f->versions.len);
        for (u32 k = 0; k < f->versions.len; k++) {
            wasm_write_name(&b, f->versions.data[k].name);
            wasm_write_name(&b, f->versions.data[k].version);
        }
    }
    wasm_write_custom(out, STR("producers"), buf_view(&b));
}

/* `NAME=VERSION` options; 0, or the exit code of wrong usage. */
static int add_versions(struct cli *cli, fields *list)
{
    for (size_t i = 0; i < WASM_PRODUCER_FIELDS; i++) {
        const char **values;
        u32 n = cli_values(cli, wasm_producer_fields[i].ptr, &values);
        for (u32 k = 0; k < n; k++) {
            str name, version = str_cut(str_c(values[k]), '=', &name);
            if (!version.ptr) {
                return cli_usage(cli, "`--%s` takes NAME=VERSION, not `%s`",
                                 wasm_producer_fields[i].ptr, values[k]);
            }
            struct field *f = field_of(&cli->arena, list, wasm_producer_fields[i]);
            set_version(&cli->arena, f, name, version);
        }
    }
    return 0;
}

/* ---- What to do ----------------------------------------------------------------------------------------- */

static const char *clear_option(struct cli *cli, const char *name)
{
    return str_to_c(&cli->arena, str_printf(&cli->arena, "clear-%s", name));
}

static bool is_url(str text)
{
    size_t colon = str_find_char(text, ':', 0);
    return colon != SIZE_MAX && colon > 0 && colon + 1 < text.len &&
           ((text.ptr[0] | 0x20) >= 'a' && (text.ptr[0] | 0x20) <= 'z') &&
           str_find_char(text, ' ', 0) == SIZE_MAX && str_find_char(text, '/', 0) > colon;
}

static int check_texts(struct cli *cli)
{
    for (size_t i = 0; i <= METADATA_TEXTS; i++) {
        const char *name = i < METADATA_TEXTS ? metadata_texts[i] : "name";
        const char *value = cli_value(cli, name);
        if (value && cli_flag(cli, clear_option(cli, name))) {
            return cli_usage(cli, "`--%s` and `--clear-%s` exclude each other", name, name);
        }
        if (value && utf8_check(str_c(value)) != SIZE_MAX) {
            return cli_usage(cli, "the value of `--%s` is not UTF-8", name);
        }
        bool url = strcmp(name, "source") == 0 || strcmp(name, "homepage") == 0;
        if (value && url && !is_url(str_c(value))) {
            return cli_usage(cli, "`--%s` takes a URL such as https://example.com, not `%s`", name,
                             value);
        }
    }
    return 0;
}

/* ---- Sections --------------------------------------------------------------------------------------------- */

/* A name section (empty if there was none) with another name of the whole, or none. */
static void put_names(struct buf *out, struct wasm_cursor c, bool component, const char *name)
{
    struct buf b = buf_in(out->arena);
    if (name) {
        struct buf text = buf_in(out->arena);
        wasm_write_name(&text, str_c(name));
        wasm_write_section(&b, 0, buf_view(&text));
    }
    for (;;) {
        struct wasm_cursor before = c, contents;
        u8 id;
        if (!wasm_get_section(&c, &id, &contents)) {
            c = before; /* what is ill-formed stays */
            break;
        }
        if (id != 0) {
            buf_put(&b, before.at, (size_t)(c.at - before.at));
        }
    }
    buf_put(&b, c.at, (size_t)(c.end - c.at));
    if (b.len) {
        wasm_write_custom(out, component ? STR("component-name") : STR("name"), buf_view(&b));
    }
}

struct rewrite {
    struct cli *cli;
    bool component, names, producers; /* the sections to be written still */
    fields fields;
    struct buf out;
};

static bool is_replaced(struct cli *cli, str name)
{
    for (size_t i = 0; i < METADATA_TEXTS; i++) {
        if (str_eq_c(name, metadata_texts[i])) {
            return cli_value(cli, metadata_texts[i]) ||
                   cli_flag(cli, clear_option(cli, metadata_texts[i]));
        }
    }
    return false;
}

/* Writes something else for a custom section; false if it stays as it is. */
static bool replace(struct rewrite *w, struct wasm_cursor c)
{
    str name = wasm_get_name(&c);
    if (w->names && str_eq_c(name, w->component ? "component-name" : "name")) {
        put_names(&w->out, c, w->component, cli_value(w->cli, "name"));
        w->names = false;
        return true;
    }
    if (w->producers && str_eq(name, STR("producers"))) {
        put_fields(&w->out, &w->fields);
        w->producers = false;
        return true;
    }
    return is_replaced(w->cli, name);
}

/* Sections keep their places; new ones come last. */
static void rewrite(struct rewrite *w, str bytes)
{
    struct wasm_cursor top = wasm_cursor_of(0, str_sub(bytes, 8, bytes.len), 8), c;
    u8 id;
    buf_str(&w->out, str_sub(bytes, 0, 8));
    for (const u8 *start = top.at; wasm_get_section(&top, &id, &c); start = top.at) {
        if (id != 0 || !replace(w, c)) {
            buf_put(&w->out, start, (size_t)(top.at - start));
        }
    }
    if (w->names && cli_value(w->cli, "name")) {
        put_names(&w->out, (struct wasm_cursor){0}, w->component, cli_value(w->cli, "name"));
    }
    if (w->producers) {
        put_fields(&w->out, &w->fields);
    }
    for (size_t i = 0; i < METADATA_TEXTS; i++) {
        const char *value = cli_value(w->cli, metadata_texts[i]);
        if (value) {
            wasm_write_custom(&w->out, str_c(metadata_texts[i]), str_c(value));
        }
    }
}

/* The first section `producers` of the file itself. */
static bool find_fields(struct cli *cli, u32 source, str bytes, fields *out)
{
    struct wasm_cursor top = wasm_cursor_of(source, str_sub(bytes, 8, bytes.len), 8), c;
    u8 id;
    while (wasm_get_section(&top, &id, &c)) {
        if (id == 0 && str_eq(wasm_get_name(&c), STR("producers"))) {
            return read_fields(cli, c, out);
        }
    }
    return true;
}

int metadata_add(struct cli *cli, const struct wasm_binary *binary)
{
    int usage = check_texts(cli);
    fields wanted = {0};
    usage = usage ? usage : add_versions(cli, &wanted);
    if (usage) {
        return usage;
    }
    bool component = binary->layer == LAYER_COMPONENT;
    struct rewrite w = {
        .cli = cli,
        .component = component,
        .names = cli_value(cli, "name") || cli_flag(cli, "clear-name"),
        .producers = wanted.len > 0,
        .out = buf_in(&cli->arena),
    };
    str bytes = component ? binary->component->bytes : binary->module->bytes;
    u32 source = component ? binary->component->source : binary->module->source;
    if (w.producers && !find_fields(cli, source, bytes, &w.fields)) {
        return 1;
    }
    add_versions(cli, &w.fields);
    rewrite(&w, bytes);
    return cli_output_wasm(cli, buf_view(&w.out)) ? 0 : 1;
}
