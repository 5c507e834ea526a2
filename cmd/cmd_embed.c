/* cmd_embed.c - `witc embed`: put a WIT world into a core module, or make a dummy module for it. */
#include "cmd.h"
#include "compose.h"

static const struct option options[] = {
    {"world", 'w', "WORLD", "the world, where the package has several"},
    {"encoding", 0, "ENC", "of strings: utf8 (default), utf16 or compact-utf16"},
    {"dummy", 0, NULL, "make a module for the world whose functions all trap"},
    {"dummy-names", 0, "SCHEME", "the same with names as in standard32 (default) or legacy"},
    {"async-callback", 0, NULL, "dummy: async functions with a callback (legacy names)"},
    {"async-stackful", 0, NULL, "dummy: async functions without callback (legacy names)"},
    {"only-custom", 0, NULL, "write just the section, in an empty module"},
    {"emit-canonical-names", 0, NULL, "cut versions in names to their track"},
    {"features", 0, "LIST", "turn @unstable features on"},
    {"all-features", 0, NULL, "turn all @unstable features on"},
    OPTION_TEXT,
    OPTION_OUTPUT,
    {NULL},
};

static bool read_encoding(struct cli *cli, enum cm_encoding *out, int *usage)
{
    static const struct {
        const char *name;
        enum cm_encoding encoding;
    } table[] = {
        {"utf8", ENCODING_UTF8},
        {"utf16", ENCODING_UTF16},
        {"compact-utf16", ENCODING_LATIN1_UTF16},
        {"latin1+utf16", ENCODING_LATIN1_UTF16},
    };
    const char *name = cli_value(cli, "encoding");
    *out = ENCODING_UTF8;
    if (!name) {
        return true;
    }
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        if (strcmp(name, table[i].name) == 0) {
            *out = table[i].encoding;
            return true;
        }
    }
    *usage = cli_usage(cli, "`--encoding` takes utf8, utf16 or compact-utf16, not `%s`", name);
    return false;
}

static int make_dummy(struct cli *cli, struct wit_resolve *r, u32 world)
{
    const char *scheme = cli_value(cli, "dummy-names");
    bool stackful = cli_flag(cli, "async-stackful"), async = cli_flag(cli, "async-callback");
    bool legacy = scheme ? strcmp(scheme, "legacy") == 0 : stackful || async;
    if (scheme && !legacy && strcmp(scheme, "standard32") != 0) {
        return cli_usage(cli, "`--dummy-names` takes standard32 or legacy, not `%s`", scheme);
    }
    if ((stackful || async) && !legacy) {
        return cli_usage(cli, "async functions have names in the legacy scheme only");
    }
    struct buf b = buf_in(&cli->arena);
    return compose_dummy(r, world, legacy ? DUMMY_LEGACY : DUMMY_STANDARD32, stackful, &b) &&
                   cli_output_wasm(cli, buf_view(&b))
               ? 0
               : 1;
}

static bool read_module(struct cli *cli, const struct wasm_module **m)
{
    static const char magic[] = "\0asm\1\0\0\0";
    if (cli_flag(cli, "only-custom")) {
        struct wasm_module *empty = arena_new(&cli->arena, struct wasm_module);
        empty->bytes = str_of(magic, sizeof magic - 1);
        *m = empty;
        return true;
    }
    struct wasm_binary binary;
    const char *path = cli->args.len > 1 ? cli->args.data[1] : "-";
    if (!cli_read_binary(cli, path, features_all(), &binary)) {
        return false;
    }
    if (binary.layer == LAYER_COMPONENT) {
        diag_error(&cli->diags, "embed", (span){binary.component->source, 0, 0},
                   "`%s` is a component: a world is embedded into a core module", path);
        return false;
    }
    *m = binary.module;
    return true;
}

static int run(struct cli *cli)
{
    bool dummy = cli_flag(cli, "dummy") || cli_value(cli, "dummy-names") ||
                 cli_flag(cli, "async-callback") || cli_flag(cli, "async-stackful");
    if (!cli_expect_args(cli, 1, dummy || cli_flag(cli, "only-custom") ? 1 : 2)) {
        return 2;
    }
    int usage = 0;
    enum cm_encoding encoding;
    if (!read_encoding(cli, &encoding, &usage)) {
        return usage;
    }
    struct wit_resolve r;
    u32 package, world;
    wit_resolve_init(&r, &cli->arena, &cli->diags);
    cli_wit_features(cli, &r);
    r.canonical_names = cli_flag(cli, "emit-canonical-names");
    const char *name = cli_value(cli, "world");
    if (!wit_push_path(&r, cli->args.data[0], &package) ||
        !wit_select_world(&r, package, str_c(name), &world)) {
        return 1;
    }
    if (dummy) {
        return make_dummy(cli, &r, world);
    }
    const struct wasm_module *m;
    struct buf b = buf_in(&cli->arena);
    return read_module(cli, &m) && compose_embed(&r, world, encoding, m, &b) &&
                   cli_output_wasm(cli, buf_view(&b))
               ? 0
               : 1;
}

const struct command cmd_embed = {
    .name = "embed",
    .summary = "put a WIT world into a core module",
    .usage = "[OPTIONS] WIT [MODULE]",
    .options = options,
    .run = run,
};
