/* cmd_print.c - `witc print`: WebAssembly binary to text. */
#include "cmd.h"

#include <stdlib.h>

static const struct option options[] = {
    OPTION_OUTPUT,
    {"skeleton", 0, NULL, "leave out function bodies and data"},
    {"print-offsets", 'p', NULL, "show the offset of each line"},
    {"fold-instructions", 'f', NULL, "print instructions as nested expressions"},
    {"name-unnamed", 0, NULL, "invent names for what has none"},
    {"indent", 0, "N", "blanks for each level, 2 if not given"},
    {NULL},
};

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    struct wasm_print_options how = {
        .skeleton = cli_flag(cli, "skeleton"),
        .offsets = cli_flag(cli, "print-offsets"),
        .folded = cli_flag(cli, "fold-instructions"),
        .name_unnamed = cli_flag(cli, "name-unnamed"),
    };
    const char *indent = cli_value(cli, "indent");
    u64 width;
    if (indent) {
        if (!str_to_u64(str_c(indent), &width) || width > 16) {
            return cli_usage(cli, "`--indent` takes a number from 0 to 16, not `%s`", indent);
        }
        how.indent = str_to_c(&cli->arena, str_printf(&cli->arena, "%*s", (int)width, ""));
    }
    struct wasm_binary binary;
    struct buf text = buf_in(&cli->arena);
    return cli_read_binary(cli, cli->args.len ? cli->args.data[0] : "-", features_all(), &binary) &&
                   wasm_print(&text, &binary, &how, &cli->diags) &&
                   cli_output(cli, buf_view(&text), false)
               ? 0
               : 1;
}

const struct command cmd_print = {
    .name = "print",
    .summary = "turn WebAssembly binary into text",
    .usage = "[OPTIONS] [FILE]",
    .options = options,
    .run = run,
};
