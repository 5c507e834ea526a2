/* cmd_metadata.c - `witc metadata`: shows what modules and components say of themselves. */
#include "metadata.h"

#include <cjson/cJSON.h>

static const struct option options[] = {
    OPTION_OUTPUT,
    OPTION_TEXT,
    {"json", 0, NULL, "print JSON (show)"},
    {"name", 0, "NAME", "set the name of the module or component"},
    {"clear-name", 0, NULL, "remove it"},
    {"language", 0, "NAME=VERSION", "add a programming language"},
    {"processed-by", 0, "NAME=VERSION", "add a tool that it went through"},
    {"sdk", 0, "NAME=VERSION", "add an SDK"},
    {"authors", 0, "TEXT", "set who answers for it"},
    {"clear-authors", 0, NULL, "remove them"},
    {"description", 0, "TEXT", "set a description for people"},
    {"clear-description", 0, NULL, "remove it"},
    {"licenses", 0, "SPDX", "set the licences, as an SPDX expression"},
    {"clear-licenses", 0, NULL, "remove them"},
    {"source", 0, "URL", "set where its source is"},
    {"clear-source", 0, NULL, "remove it"},
    {"homepage", 0, "URL", "set where to read more"},
    {"clear-homepage", 0, NULL, "remove it"},
    {"revision", 0, "TEXT", "set the revision of its source"},
    {"clear-revision", 0, NULL, "remove it"},
    {"version", 0, "TEXT", "set the version of the package"},
    {"clear-version", 0, NULL, "remove it"},
    {NULL},
};

const char *const metadata_texts[METADATA_TEXTS] = {"authors",  "description", "licenses", "source",
                                                    "homepage", "revision",    "version"};

struct producer {
    str field, name, version;
};
/* A module or component of the file, outermost first. */
struct unit {
    bool component;
    u32 parent; /* index + 1, 0 for the file itself */
    str name;
    u32 number; /* of those without a name before it */
    u32 start, end;
    VEC(struct producer) producers;
    str texts[METADATA_TEXTS];
};
typedef VEC(struct unit) units;

/* ---- Collecting ------------------------------------------------------------------------------------- */

static void read_producers(struct arena *a, struct unit *u, struct wasm_cursor c)
{
    u32 fields = wasm_get_count(&c, 2);
    for (u32 i = 0; i < fields && !c.failed; i++) {
        str field = wasm_get_name(&c);
        u32 n = wasm_get_count(&c, 2);
        for (u32 k = 0; k < n && !c.failed; k++) {
            struct producer p = {.field = field, .name = wasm_get_name(&c)};
            p.version = wasm_get_name(&c);
            if (!c.failed) {
                *vec_push(a, &u->producers) = p;
            }
        }
    }
}

/* Subsection 0 of a name section. */
static str read_unit_name(struct wasm_cursor c)
{
    struct wasm_cursor contents;
    u8 id;
    while (wasm_get_section(&c, &id, &contents)) {
        str name = id == 0 ? wasm_get_name(&contents) : (str){0};
        if (name.len) {
            return name;
        }
    }
    return (str){0};
}

static void read_custom(struct arena *a, struct unit *u, struct wasm_cursor c)
{
    str name = wasm_get_name(&c);
    if (str_eq_c(name, u->component ? "component-name" : "name")) {
        u->name = read_unit_name(c);
    } else if (str_eq(name, STR("producers"))) {
        read_producers(a, u, c);
    }
    for (size_t i = 0; i < METADATA_TEXTS; i++) {
        str text = str_of((const char *)c.at, (size_t)(c.end - c.at));
        if (str_eq_c(name, metadata_texts[i]) && utf8_check(text) == SIZE_MAX) {
            u->texts[i] = text;
        }
    }
}

/* The form was checked when the file was read, the depth too. */
static void collect(struct arena *a, units *list, str bytes, u32 base, u32 parent)
{
    u32 self = list->len;
    *vec_push(a, list) = (struct unit){.component = wasm_is_component(bytes),
                                       .parent = parent,
                                       .start = base,
                                       .end = base + (u32)bytes.len};
    bool component = list->data[self].component;
    struct wasm_cursor top = wasm_cursor_of(0, str_sub(bytes, 8, bytes.len), base + 8), c;
    u8 id;
    while (wasm_get_section(&top, &id, &c)) {
        if (id == 0) {
            read_custom(a, &list->data[self], c);
        } else if (component && (id == 1 || id == 4)) {
            str inner = str_of((const char *)c.at, (size_t)(c.end - c.at));
            collect(a, list, inner, wasm_cursor_offset(&c), self + 1);
        }
    }
}

/* ---- JSON --------------------------------------------------------------------------------------------- */

static cJSON *json_text(struct arena *a, str s)
{
    return s.ptr ? cJSON_CreateString(str_to_c(a, s)) : cJSON_CreateNull();
}

static cJSON *json_producers(struct arena *a, const struct unit *u)
{
    if (!u->producers.len) {
        return cJSON_CreateNull();
    }
    cJSON *fields = cJSON_CreateArray(), *values = NULL;
    for (u32 i = 0; i < u->producers.len; i++) {
        const struct producer *p = &u->producers.data[i];
        if (i == 0 || !str_eq(p->field, u->producers.data[i - 1].field)) {
            cJSON *pair = cJSON_CreateArray();
            values = cJSON_CreateObject();
            cJSON_AddItemToArray(pair, json_text(a, p->field));
            cJSON_AddItemToArray(pair, values);
            cJSON_AddItemToArray(fields, pair);
        }
        cJSON_AddItemToObject(values, str_to_c(a, p->name), json_text(a, p->version));
    }
    return fields;
}

static cJSON *json_unit(struct arena *a, const units *list, u32 index)
{
    const struct unit *u = &list->data[index];
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddItemToObject(metadata, "name", json_text(a, u->name));
    cJSON_AddItemToObject(metadata, "producers", json_producers(a, u));
    for (size_t i = 0; i < METADATA_TEXTS; i++) {
        cJSON_AddItemToObject(metadata, metadata_texts[i], json_text(a, u->texts[i]));
    }
    cJSON *range = cJSON_CreateObject();
    cJSON_AddNumberToObject(range, "start", u->start);
    cJSON_AddNumberToObject(range, "end", u->end);
    cJSON_AddItemToObject(metadata, "range", range);
    cJSON_AddItemToObject(metadata, "dependencies", cJSON_CreateNull());
    cJSON *outer = cJSON_CreateObject();
    if (!u->component) {
        cJSON_AddItemToObject(outer, "module", metadata);
        return outer;
    }
    cJSON *component = cJSON_CreateObject(), *children = cJSON_CreateArray();
    cJSON_AddItemToObject(component, "metadata", metadata);
    for (u32 i = index + 1; i < list->len; i++) {
        if (list->data[i].parent == index + 1) {
            cJSON_AddItemToArray(children, json_unit(a, list, i));
        }
    }
    cJSON_AddItemToObject(component, "children", children);
    cJSON_AddItemToObject(outer, "component", component);
    return outer;
}

static void put_json(struct arena *a, struct buf *out, const units *list)
{
    cJSON *json = json_unit(a, list, 0);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    buf_c(out, text);
    buf_byte(out, '\n');
    cJSON_free(text);
}

/* ---- Text ----------------------------------------------------------------------------------------------- */

/* A name of its own, or the number among those without one. */
static str unit_name(struct arena *a, const units *list, u32 index)
{
    const struct unit *u = &list->data[index];
    return u->name.len ? u->name : str_printf(a, "unknown(%u)", u->number);
}

static str size_text(struct arena *a, u32 bytes)
{
    if (bytes < 1000) {
        return str_printf(a, "%uB", bytes);
    }
    return bytes < 1000000 ? str_printf(a, "%.1fk", bytes / 1e3)
                           : str_printf(a, "%.1fM", bytes / 1e6);
}

static str languages(struct arena *a, const struct unit *u)
{
    str all = {0};
    for (u32 i = 0; i < u->producers.len; i++) {
        const struct producer *p = &u->producers.data[i];
        if (str_eq(p->field, STR("language"))) {
            all = all.len ? str_printf(a, STRF ", " STRF, STRA(all), STRA(p->name)) : p->name;
        }
    }
    return all.len ? all : STR("-");
}

static void column(struct buf *out, str text, size_t width)
{
    buf_str(out, text);
    buf_fill(out, ' ', (width > text.len ? width - text.len : 0) + 2);
}

static void put_summary(struct arena *a, struct buf *out, const units *list)
{
    size_t name = 4, language = 9;
    for (u32 i = 0; i < list->len; i++) {
        size_t n = unit_name(a, list, i).len, l = languages(a, &list->data[i]).len;
        name = n > name ? n : name;
        language = l > language ? l : language;
    }
    column(out, STR("KIND"), 9);
    column(out, STR("NAME"), name);
    buf_c(out, "   SIZE  SIZE%  ");
    column(out, STR("LANGUAGES"), language);
    buf_c(out, "PARENT\n");
    double whole = list->data[0].end;
    for (u32 i = 0; i < list->len; i++) {
        const struct unit *u = &list->data[i];
        u32 size = u->end - u->start;
        double percent = 100 * size / whole;
        str amount = size_text(a, size);
        str share = percent < 0.5 ? STR("<1%") : str_printf(a, "%.0f%%", percent);
        column(out, u->component ? STR("component") : STR("module"), 9);
        column(out, unit_name(a, list, i), name);
        buf_printf(out, "%7.*s  %5.*s  ", STRA(amount), STRA(share));
        column(out, languages(a, u), language);
        buf_str(out, u->parent ? unit_name(a, list, u->parent - 1) : STR("<root>"));
        buf_byte(out, '\n');
    }
}

static void put_row(struct buf *out, str key, str value)
{
    buf_c(out, "  ");
    column(out, key, 12);
    buf_str(out, value);
    buf_byte(out, '\n');
}

static void put_unit(struct arena *a, struct buf *out, const units *list, u32 index)
{
    const struct unit *u = &list->data[index];
    buf_printf(out, "\n" STRF "\n", STRA(unit_name(a, list, index)));
    put_row(out, STR("kind"), u->component ? STR("component") : STR("module"));
    put_row(out, STR("range"), str_printf(a, "0x%x..0x%x", u->start, u->end));
    for (u32 i = 0; i < u->producers.len; i++) {
        const struct producer *p = &u->producers.data[i];
        put_row(out, p->field,
                p->version.len ? str_printf(a, STRF " [" STRF "]", STRA(p->name), STRA(p->version))
                               : p->name);
    }
    for (size_t i = 0; i < METADATA_TEXTS; i++) {
        if (u->texts[i].ptr) {
            put_row(out, str_c(metadata_texts[i]), u->texts[i]);
        }
    }
    for (u32 i = index + 1; i < list->len; i++) {
        if (list->data[i].parent == index + 1) {
            put_row(out, STR("child"), unit_name(a, list, i));
        }
    }
}

/* ---- The command ------------------------------------------------------------------------------------------ */

static int show(struct cli *cli, const struct wasm_binary *binary)
{
    units list = {0};
    bool module = binary->layer == LAYER_MODULE;
    collect(&cli->arena, &list, module ? binary->module->bytes : binary->component->bytes, 0, 0);
    u32 unnamed = 0;
    for (u32 i = 0; i < list.len; i++) {
        list.data[i].number = unnamed;
        unnamed += list.data[i].name.len == 0;
    }
    struct buf out = buf_in(&cli->arena);
    if (cli_flag(cli, "json")) {
        put_json(&cli->arena, &out, &list);
    } else {
        put_summary(&cli->arena, &out, &list);
        for (u32 i = 0; i < list.len; i++) {
            put_unit(&cli->arena, &out, &list, i);
        }
    }
    return cli_output(cli, buf_view(&out), false) ? 0 : 1;
}

static bool is_json(const struct option *o)
{
    return strcmp(o->name, "json") == 0;
}

static bool is_of_add(const struct option *o)
{
    for (size_t i = 0; i < LENGTH_OF(options); i++) {
        if (o == &options[i]) {
            return !is_json(o) && strcmp(o->name, "output") != 0;
        }
    }
    return false; /* of all commands */
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 1, 2)) {
        return 2;
    }
    const char *what = cli->args.data[0];
    bool add = strcmp(what, "add") == 0;
    if (!add && strcmp(what, "show") != 0) {
        return cli_usage(cli, "`metadata` knows `show` and `add`, not `%s`", what);
    }
    for (u32 i = 0; i < cli->uses.len; i++) {
        const struct option *o = cli->uses.data[i].option;
        if (add ? is_json(o) : is_of_add(o)) {
            return cli_usage(cli, "`metadata %s` takes no `--%s`", what, o->name);
        }
    }
    struct wasm_binary binary;
    const char *path = cli->args.len > 1 ? cli->args.data[1] : "-";
    if (!cli_read_binary(cli, path, features_all(), &binary)) {
        return 1;
    }
    return add ? metadata_add(cli, &binary) : show(cli, &binary);
}

const struct command cmd_metadata = {
    .name = "metadata",
    .summary = "show or change names, producers and other metadata",
    .usage = "show|add [OPTIONS] [FILE]",
    .options = options,
    .run = run,
};
