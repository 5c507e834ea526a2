/* cmd_wast.c - `witc wast`: runs scripts of modules, calls and assertions. */
#include "canon.h"
#include "cmd.h"
#include "run.h"
#include "script.h"
#include "wast.h"

#include <stdio.h>

static const struct option options[] = {
    OPTION_FEATURES,
    {"seed", 0, "N", "draw what the specification leaves open from this seed"},
    {"strict", 0, NULL, "a trap with another text than its assertion's is a failure"},
    {"quiet", 'q', NULL, "say nothing when everything holds"},
    {NULL},
};

/* Each file starts from the seed anew: its run does not depend on the files before it. */
static bool run_file(struct cli *cli, const char *path, struct features features, const u64 *seed)
{
    struct canon_seed generator = {.state = seed ? *seed : 0};
    u32 source;
    struct wast_script script;
    struct script_result result;
    if (!file_source(path, &source, &cli->diags) ||
        !wast_parse(&cli->arena, source, features, &script, &cli->diags)) {
        return false;
    }
    struct script_config config = {
        .features = features,
        .seed = seed ? &generator : NULL,
        .texts = cli_flag(cli, "strict")  ? SCRIPT_TEXTS_COUNT
                 : cli_flag(cli, "quiet") ? SCRIPT_TEXTS_IGNORED
                                          : SCRIPT_TEXTS_WARN,
    };
    bool fine = script_run(&cli->arena, &script, &config, &result, &cli->diags);
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
    u64 seed = 0;
    if (!cli_features(cli, &features)) {
        return 2;
    }
    const char *text = cli_value(cli, "seed");
    if (text && !run_read_number(cli, "seed", str_c(text), 0, &seed)) {
        return 2;
    }
    /* the flags that the reference tests name for these built-ins know no finer ones */
    if (features_has(features, FEATURE_CM_MORE_ASYNC)) {
        features_set(&features, FEATURE_CM_FORWARD, true);
    }
    bool fine = true;
    for (u32 i = 0; i < cli->args.len; i++) {
        fine &= run_file(cli, cli->args.data[i], features, text ? &seed : NULL);
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
