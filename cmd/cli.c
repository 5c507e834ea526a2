/* cli.c - arguments, diagnostics and results of every command. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct option common_options[] = {
    {"color", 0, "WHEN", "colour in messages: auto, always, never"},
    {"message-format", 0, "FORM", "messages as text or json"},
    {"error-limit", 0, "N", "show at most N errors, 0 for all; otherwise 20"},
    {"help", 'h', NULL, "this help; --help shows the manual page"},
    {NULL},
};

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_value(cli, name) != NULL;
}

const char *cli_value(const struct cli *cli, const char *name)
{
    for (u32 i = cli->uses.len; i-- > 0;) {
        const struct option_use *u = &cli->uses.data[i];
        if (strcmp(u->option->name, name) == 0) {
            return u->value ? u->value : "";
        }
    }
    return NULL;
}

u32 cli_values(struct cli *cli, const char *name, const char ***values)
{
    VEC(const char *) list = {0};
    for (u32 i = 0; i < cli->uses.len; i++) {
        const struct option_use *u = &cli->uses.data[i];
        if (strcmp(u->option->name, name) == 0) {
            *vec_push(&cli->arena, &list) = u->value;
        }
    }
    *values = list.data;
    return list.len;
}

int cli_usage(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_vprintf(&cli->arena, format, args);
    va_end(args);
    const char *name = cli->command ? cli->command->name : NULL;
    fprintf(stderr, "error: " STRF "\n", STRA(text));
    if (name) {
        fprintf(stderr, "usage: witc %s %s\n", name, cli->command->usage);
    }
    fprintf(stderr, "`witc %s%s-h` tells more\n", name ? name : "", name ? " " : "");
    return 2;
}

bool cli_expect_args(struct cli *cli, u32 least, u32 most)
{
    if (cli->args.len < least) {
        cli_usage(cli,
                  cli->args.len ? "an argument is missing after `%s`" : "an argument is missing",
                  cli->args.len ? cli->args.data[cli->args.len - 1] : "");
        return false;
    }
    if (cli->args.len > most) {
        cli_usage(cli, "unexpected argument `%s`", cli->args.data[most]);
        return false;
    }
    return true;
}

bool cli_features(struct cli *cli, struct features *out)
{
    *out = features_default();
    bool fine = true;
    const char **lists;
    u32 n = cli_values(cli, "features", &lists);
    for (u32 i = 0; i < n; i++) {
        fine &= features_apply(out, str_c(lists[i]), &cli->diags);
    }
    return fine;
}

bool cli_read_binary(struct cli *cli, const char *path, struct features features,
                     struct wasm_binary *out)
{
    u32 source;
    return file_source(path, &source, &cli->diags) &&
           wasm_read(&cli->arena, source, features, out, &cli->diags);
}

bool cli_output(struct cli *cli, str bytes, bool binary)
{
    const char *path = cli_value(cli, "output");
    if (!path && binary && isatty(1)) {
        struct diag *x = diag_error(&cli->diags, "usage", (span){0},
                                    "will not write binary WebAssembly to a terminal");
        diag_help(&cli->diags, x, "give `-o FILE`, or `-t` for text");
        return false;
    }
    return file_write(path ? path : "-", bytes, &cli->diags);
}

bool cli_output_wasm(struct cli *cli, str bytes)
{
    if (!cli_flag(cli, "text") && !cli_flag(cli, "wat")) {
        return cli_output(cli, bytes, true);
    }
    struct buf text = buf_in(&cli->arena);
    struct wasm_binary binary;
    struct wasm_print_options options = {0};
    u32 source = sources_add(&cli->sources, STR("<output>"), bytes, SOURCE_BINARY);
    return wasm_read(&cli->arena, source, features_all(), &binary, &cli->diags) &&
           wasm_print(&text, &binary, &options, &cli->diags) &&
           cli_output(cli, buf_view(&text), false);
}

void cli_flush(struct cli *cli)
{
    struct buf b = buf_in(&cli->arena);
    u32 dropped = cli->diags.dropped;
    if (dropped && cli->format == DIAG_JSON) {
        diag_warning(&cli->diags, NULL, (span){0}, "%u more error%s not shown", dropped,
                     dropped == 1 ? " is" : "s are");
    }
    diags_render(&cli->diags, cli->format, &b);
    if (dropped && cli->format != DIAG_JSON) {
        buf_c(&b, "   = help: `--error-limit 0` shows them all\n");
    }
    fflush(stdout);
    fwrite(b.data ? b.data : "", 1, b.len, stderr);
    cli->diags.list.len = 0;
    cli->diags.dropped = 0;
}
