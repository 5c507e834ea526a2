/* cmd_parse.c - `witc parse`: WebAssembly text to binary. */
#include "cmd.h"

static const struct option options[] = {
    OPTION_OUTPUT,
    OPTION_TEXT,
    {NULL},
};

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    u32 source;
    if (!file_source(cli->args.len ? cli->args.data[0] : "-", &source, &cli->diags)) {
        return 1;
    }
    str bytes = sources_get(&cli->sources, source)->text;
    struct wasm_binary binary; /* a binary passes through if it is one */
    bool fine = wasm_is_binary(bytes)
                    ? wasm_read(&cli->arena, source, features_all(), &binary, &cli->diags)
                    : wasm_parse_text(&cli->arena, source, features_all(), &bytes, &cli->diags);
    if (fine && bytes.len < 8) { /* `(module binary "...")` may hold anything */
        fine = wasm_read(&cli->arena, source, features_all(), &binary, &cli->diags);
    }
    return fine && cli_output_wasm(cli, bytes) ? 0 : 1;
}

const struct command cmd_parse = {
    .name = "parse",
    .summary = "turn WebAssembly text into binary",
    .usage = "[OPTIONS] [FILE]",
    .options = options,
    .run = run,
};
