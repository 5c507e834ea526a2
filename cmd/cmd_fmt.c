/* cmd_fmt.c - `witc fmt`: format WIT files in place. */
#include "cmd.h"
#include "wit-parser.h"

static const struct option options[] = {
    {"check", 0, NULL, "write nothing; exit 1 if a file is not formatted"},
    {"stdin", 0, NULL, "format standard input to standard output"},
    {NULL},
};

static bool format_file(struct cli *cli, const char *path, bool listed)
{
    u32 source;
    struct buf b = buf_in(&cli->arena);
    bool standard = strcmp(path, "-") == 0;
    bool in_place =
        !standard && !cli_flag(cli, "check"); /* what a pipe has can be read once only */
    bool read = listed || in_place ? file_source_listed(path, &source, &cli->diags)
                                   : file_source(path, &source, &cli->diags);
    if (!read || !wit_format(&cli->arena, source, &cli->diags, &b)) {
        return false;
    }
    const struct source *s = sources_get(&cli->sources, source);
    bool same = str_eq(s->text, buf_view(&b));
    if (!cli_flag(cli, "check")) {
        return (same && !standard) || file_write(path, buf_view(&b), &cli->diags);
    }
    if (!same) {
        struct diag *x = diag_error(&cli->diags, "not-formatted", (span){0},
                                    "`" STRF "` is not formatted", STRA(s->path));
        diag_help(&cli->diags, x, "run `witc fmt %s`", standard ? "--stdin" : path);
    }
    return same;
}

/* What is left to do, the next one last; and the directories seen, links to them included. */
struct walk {
    VEC(struct step {
        const char *path;
        bool listed;
    })
    steps;
    struct map seen;
};

/* The .wit files and the sub-directories of a directory that is new. */
static bool enter_directory(struct cli *cli, struct walk *w, const char *path)
{
    u64 id[2];
    if (file_identity(path, id)) {
        str key = str_dup(&cli->arena, str_of((const char *)id, sizeof id));
        if (!map_put(&cli->arena, &w->seen, key, 0)) {
            return true;
        }
    }
    str *names;
    u32 n;
    if (!file_list(&cli->arena, path, &names, &n, &cli->diags)) {
        return false;
    }
    while (n--) {
        char *inner = str_to_c(&cli->arena, path_join(&cli->arena, str_c(path), names[n]));
        if (str_ends(names[n], STR(".wit")) || file_is_directory(inner)) {
            *vec_push(&cli->arena, &w->steps) = (struct step){inner, true};
        }
    }
    return true;
}

static int run(struct cli *cli)
{
    struct walk w = {0};
    bool fine = true, input = cli_flag(cli, "stdin");
    if (input && cli->args.len) {
        return cli_usage(cli, "`--stdin` and `%s` do not go together", cli->args.data[0]);
    }
    if (!input && !cli->args.len) {
        return cli_usage(cli, "name the files or directories to format");
    }
    if (input) {
        return format_file(cli, "-", false) ? 0 : 1;
    }
    for (u32 i = cli->args.len; i--;) {
        *vec_push(&cli->arena, &w.steps) = (struct step){cli->args.data[i], false};
    }
    while (w.steps.len) {
        struct step s = w.steps.data[--w.steps.len];
        fine &= file_is_directory(s.path) ? enter_directory(cli, &w, s.path)
                                          : format_file(cli, s.path, s.listed);
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
