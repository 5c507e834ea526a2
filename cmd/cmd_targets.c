/* cmd_targets.c - `witc targets`: does a component fit a world, and if not, where not? */
#include "cmd.h"
#include "compose.h"

static const struct option options[] = {
    {"wit", 0, "PATH", "the WIT package of the world"},
    {"world", 'w', "WORLD", "the world, where the package has several"},
    {"semver-compatible", 0, NULL, "interfaces may differ in compatible versions"},
    OPTION_FEATURES,
    {NULL},
};

static int run(struct cli *cli)
{
    struct features features;
    struct compose_graph g;
    struct wit_resolve r;
    struct wasm_binary binary;
    validate_id component, world;
    u32 package, index;
    const char *name = cli_value(cli, "world"), *wit = cli_value(cli, "wit");
    if (!cli_expect_args(cli, 1, 1))
        return 2;
    if (!wit)
        return cli_usage(cli, "say which WIT the world is in with `--wit PATH`");
    if (!cli_features(cli, &features))
        return 2;
    compose_graph_init(&g, &cli->arena, features);
    wit_resolve_init(&r, &cli->arena, &cli->diags);
    r.features.all = true;
    if (!cli_read_binary(cli, cli->args.data[0], features, &binary))
        return 1;
    if (!binary.component) {
        diag_error(&cli->diags, "compose", (span){0}, "`%s` is a core module, not a component",
                   cli->args.data[0]);
        return 1;
    }
    struct compose_targets_options how = {.compatible_versions =
                                              cli_flag(cli, "semver-compatible")};
    return validate_component(g.types, binary.component, features, &component, &cli->diags) &&
                   wit_push_path(&r, wit, &package) &&
                   wit_select_world(&r, package, str_c(name), &index) &&
                   compose_world_type(&g, &r, index, &world, &cli->diags) &&
                   compose_targets(&g, component, world, &how, &cli->diags)
               ? 0
               : 1;
}

const struct command cmd_targets = {
    .name = "targets",
    .summary = "check that a component fits a world",
    .usage = "[OPTIONS] COMPONENT --wit PATH",
    .options = options,
    .run = run,
};
