/* cmd_validate.c - `witc validate`: is a module or component valid? */
#include "cmd.h"
#include "validate.h"

static const struct option options[] = {
    OPTION_FEATURES,
    {NULL},
};

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, UINT32_MAX)) {
        return 2;
    }
    struct features features;
    if (!cli_features(cli, &features)) {
        return 2;
    }
    const char *standard_input = "-";
    const char **paths = cli->args.len ? cli->args.data : &standard_input;
    u32 count = cli->args.len ? cli->args.len : 1;
    bool fine = true;
    for (u32 i = 0; i < count; i++) {
        struct wasm_binary binary;
        fine &= cli_read_binary(cli, paths[i], features, &binary) &&
                validate_binary(&cli->arena, &binary, features, &cli->diags);
    }
    return fine ? 0 : 1;
}

const struct command cmd_validate = {
    .name = "validate",
    .summary = "check that modules and components are valid",
    .usage = "[OPTIONS] [FILE...]",
    .options = options,
    .run = run,
};
