/* cmd_fmt.c - `witc fmt`: format WIT files in place. */
#include "cmd.h"
#include "wit-parser.h"

#include <stdio.h>

static const struct option options[] = {
    {"check", 0, NULL, "write nothing; exit 1 if a file is not formatted"},
    {"stdin", 0, NULL, "format standard input to standard output"},
    {NULL},
};

static bool format_file(struct cli *cli, const char *path)
{
    u32 source;
    struct buf b = buf_in(&cli->arena);
    if (!file_source(path, &source, &cli->diags) ||
        !wit_format(&cli->arena, source, &cli->diags, &b)) {
        return false;
    }
    bool same = str_eq(sources_get(&cli->sources, source)->text, buf_view(&b));
    if (strcmp(path, "-") == 0) {
        return file_write("-", buf_view(&b), &cli->diags);
    }
    if (same) {
        return true;
    }
    if (cli_flag(cli, "check")) {
        struct diag *x =
            diag_error(&cli->diags, "not-formatted", (span){0}, "`%s` is not formatted", path);
        diag_help(&cli->diags, x, "run `witc fmt %s`", path);
        return false;
    }
    return file_write(path, buf_view(&b), &cli->diags);
}

/* A directory stands for the .wit files in it and in its sub-directories. */
static bool format_path(struct cli *cli, const char *path, u32 depth)
{
    if (!file_is_directory(path)) {
        return format_file(cli, path);
    }
    str *names;
    u32 n;
    bool fine = file_list(&cli->arena, path, &names, &n, &cli->diags);
    for (u32 i = 0; fine && i < n && depth < 32; i++) {
        char *inner = str_to_c(&cli->arena, path_join(&cli->arena, str_c(path), names[i]));
        if (file_is_directory(inner) || str_ends(names[i], STR(".wit"))) {
            fine &= format_path(cli, inner, depth + 1);
        }
    }
    return fine;
}

static int run(struct cli *cli)
{
    if (cli_flag(cli, "stdin")) {
        return format_file(cli, "-") ? 0 : 1;
    }
    if (!cli->args.len) {
        return cli_usage(cli, "name the files or directories to format");
    }
    bool fine = true;
    for (u32 i = 0; i < cli->args.len; i++) {
        fine &= format_path(cli, cli->args.data[i], 0);
    }
    return fine ? 0 : 1;
}

const struct command cmd_fmt = {
    .name = "fmt",
    .summary = "format WIT files, comments kept",
    .usage = "[--check] PATH...",
    .options = options,
    .run = run,
};
