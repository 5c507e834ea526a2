/* cmd_wast.c - `witc wast`: runs scripts of modules, calls and assertions. */
#include "cmd.h"
#include "script.h"
#include "wast.h"

#include <stdio.h>

static const struct option options[] = {
    OPTION_FEATURES,
    {"quiet", 'q', NULL, "say nothing when everything holds"},
    {NULL},
};

static bool run_file(struct cli *cli, const char *path, struct features features)
{
    u32 source;
    struct wast_script script;
    struct script_result result;
    if (!file_source(path, &source, &cli->diags) ||
        !wast_parse(&cli->arena, source, features, &script, &cli->diags)) {
        return false;
    }
    bool fine = script_run(&cli->arena, &script, features, &result, &cli->diags);
    if (!fine || !cli_flag(cli, "quiet")) {
        cli_flush(cli);
        printf("%s: %u directives, %u of them assertions: %u failed\n", path, result.directives,
               result.assertions, result.failed);
    }
    return fine;
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 1, UINT32_MAX)) {
        return 2;
    }
    struct features features;
    if (!cli_features(cli, &features)) {
        return 1;
    }
    /* the flags that the reference tests name for these built-ins know no finer ones */
    if (features_has(features, FEATURE_CM_MORE_ASYNC)) {
        features_set(&features, FEATURE_CM_FORWARD, true);
    }
    bool fine = true;
    for (u32 i = 0; i < cli->args.len; i++) {
        fine &= run_file(cli, cli->args.data[i], features);
    }
    return fine ? 0 : 1;
}

const struct command cmd_wast = {
    .name = "wast",
    .summary = "run scripts of modules, calls and assertions",
    .usage = "[OPTIONS] SCRIPT...",
    .options = options,
    .run = run,
};
