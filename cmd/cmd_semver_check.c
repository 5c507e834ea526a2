/* cmd_semver_check.c - `witc semver-check`: may one world take the place of another? */
#include "cmd.h"
#include "wit-parser.h"

static const struct option options[] = {
    {"prev", 0, "WORLD", "the world that components were made for"},
    {"new", 0, "WORLD", "the world that is to take its place"},
    {"features", 0, "LIST", "turn @unstable features on"},
    {"all-features", 0, NULL, "turn all @unstable features on"},
    {NULL},
};

static int run(struct cli *cli)
{
    const char *prev = cli_value(cli, "prev"), *next = cli_value(cli, "new");
    if (!cli_expect_args(cli, 1, 1)) {
        return 2;
    }
    if (!prev || !next) {
        return cli_usage(cli, "both --prev and --new are needed");
    }
    struct wit_resolve r;
    u32 package, old_world, new_world;
    wit_resolve_init(&r, &cli->arena, &cli->diags);
    cli_wit_features(cli, &r);
    return wit_push_path(&r, cli->args.data[0], &package) &&
                   wit_select_world(&r, package, str_c(prev), &old_world) &&
                   wit_select_world(&r, package, str_c(next), &new_world) &&
                   wit_semver_check(&r, old_world, new_world)
               ? 0
               : 1;
}

const struct command cmd_semver_check = {
    .name = "semver-check",
    .summary = "check that a new version of a world serves the components of the old one",
    .usage = "--prev WORLD --new WORLD PATH",
    .options = options,
    .run = run,
};
