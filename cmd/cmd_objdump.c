/* cmd_objdump.c - `witc objdump`: one line for each section, nested modules and components inside. */
#include "cmd.h"

static const struct option options[] = {
    OPTION_OUTPUT,
    {NULL},
};

/* `counted`: the contents begin with the number of items. */
struct section_row {
    const char *name;
    bool counted;
};
static const struct section_row module_rows[] = {
    [1] = {"types", true},   [2] = {"imports", true},  [3] = {"functions", true},
    [4] = {"tables", true},  [5] = {"memories", true}, [6] = {"globals", true},
    [7] = {"exports", true}, [8] = {"start", false},   [9] = {"elements", true},
    [10] = {"code", true},   [11] = {"data", true},    [12] = {"data count", false},
    [13] = {"tags", true},
};
static const struct section_row component_rows[] = {
    [1] = {"module", false},
    [2] = {"core instances", true},
    [3] = {"core types", true},
    [4] = {"component", false},
    [5] = {"component instances", true},
    [6] = {"component alias", true},
    [7] = {"component types", true},
    [8] = {"canonical functions", true},
    [9] = {"component start", false},
    [10] = {"component imports", true},
    [11] = {"component exports", true},
    [12] = {"component values", true},
};

struct dump {
    struct buf out;
    struct arena *arena;
};

static void quoted(struct buf *out, str name)
{
    static const char escapes[0x80] = {
        [0] = '0', ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    buf_c(out, "custom \"");
    for (size_t i = 0; i < name.len; i++) {
        u8 c = (u8)name.ptr[i];
        if (c < 0x80 && escapes[c]) {
            buf_byte(out, '\\');
            buf_byte(out, (u8)escapes[c]);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\u{%x}", c);
        } else {
            buf_byte(out, c);
        }
    }
    buf_byte(out, '"');
}

static u32 characters(str text)
{
    u32 n = 0;
    for (size_t i = 0; i < text.len; n++) {
        utf8_next(text, &i);
    }
    return n;
}

static void line(struct dump *d, u32 depth, str name, struct wasm_cursor range, u32 count)
{
    u32 start = wasm_cursor_offset(&range), size = (u32)(range.end - range.at);
    str first = str_printf(d->arena, "0x%x", start);
    str last = str_printf(d->arena, "0x%x", start + size);
    buf_fill(&d->out, ' ', depth * 2u);
    buf_str(&d->out, name);
    u32 width = depth * 2u + characters(name);
    if (width < 40) {
        buf_fill(&d->out, ' ', 40 - width);
    }
    buf_printf(&d->out, " | %10.*s - %10.*s | %9u bytes | %u count\n", STRA(first), STRA(last),
               size, count);
}

static void dump(struct dump *d, str bytes, u32 base, u32 depth);

static void nested(struct dump *d, struct wasm_cursor c, u32 depth, const char *word, u32 number)
{
    static const char rule[] = "----------";
    str bytes = str_of((const char *)c.at, (size_t)(c.end - c.at));
    bool module = word[0] == 'm';
    buf_fill(&d->out, ' ', depth * 2u + 2);
    buf_printf(&d->out, "------ start %s %u %s%s\n", word, number, rule, module ? "---" : "");
    dump(d, bytes, wasm_cursor_offset(&c), depth + 1);
    buf_fill(&d->out, ' ', depth * 2u + 2);
    buf_printf(&d->out, "------ end %s %u %s%s\n", word, number, rule, module ? "---" : "");
}

/* The form was checked when the file was read. */
static void dump(struct dump *d, str bytes, u32 base, u32 depth)
{
    bool component = wasm_is_component(bytes);
    const struct section_row *rows = component ? component_rows : module_rows;
    struct wasm_cursor top = wasm_cursor_of(0, str_sub(bytes, 8, bytes.len), base + 8), c;
    u32 modules = 0, components = 0;
    u8 id;
    while (wasm_get_section(&top, &id, &c)) {
        if (id == 0) {
            struct buf name = buf_in(d->arena);
            quoted(&name, wasm_get_name(&c));
            line(d, depth, buf_view(&name), c, 1);
            continue;
        }
        struct wasm_cursor counter = c;
        u32 count = rows[id].counted ? wasm_get_u32(&counter) : 1;
        line(d, depth, str_c(rows[id].name), c, count);
        if (component && id == 1) {
            nested(d, c, depth, "module", modules++);
        } else if (component && id == 4) {
            nested(d, c, depth, "component", components++);
        }
    }
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    struct wasm_binary binary;
    const char *path = cli->args.len ? cli->args.data[0] : "-";
    if (!cli_read_binary(cli, path, features_all(), &binary)) {
        return 1;
    }
    str bytes = binary.layer == LAYER_MODULE ? binary.module->bytes : binary.component->bytes;
    struct dump d = {.out = buf_in(&cli->arena), .arena = &cli->arena};
    dump(&d, bytes, 0, 1);
    return cli_output(cli, buf_view(&d.out), false) ? 0 : 1;
}

const struct command cmd_objdump = {
    .name = "objdump",
    .summary = "list the sections of a binary",
    .usage = "[OPTIONS] [FILE]",
    .options = options,
    .run = run,
};
