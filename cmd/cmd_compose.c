/* cmd_compose.c - `witc compose`: links components. */
#include "cmd.h"
#include "compose.h"

static const struct option options[] = {
    OPTION_OUTPUT,
    OPTION_TEXT,
    {"plug", 0, "FILE", "a component whose exports satisfy imports of the socket; may be repeated"},
    {"config", 'c', "FILE", "a composition file (YAML)"},
    {"deps-dir", 0, "DIR", "where the packages of a .wac file are, `deps` if not given"},
    {"explain", 0, NULL, "say on standard output what goes where and why, write no component"},
    {"graph", 0, "FORM", "print the graph as `dot`, `mermaid` or `json`, write no component"},
    {"no-validate", 0, NULL, "do not check the composed component"},
    OPTION_FEATURES,
    {NULL},
};

static bool read_package(struct cli *cli, struct compose_graph *g, const char *path, u32 *package)
{
    struct wasm_binary binary;
    if (!cli_read_binary(cli, path, g->features, &binary))
        return false;
    if (!binary.component) {
        struct diag *x = diag_error(&cli->diags, "compose", (span){0},
                                    "`%s` is a core module, not a component", path);
        diag_help(&cli->diags, x, "`witc new %s -o FILE` makes a component of it", path);
        return false;
    }
    str stem = path_stem(str_c(path)), name = stem;
    for (u32 n = 2, i = 0; i < g->packages.len; i++) {
        if (str_eq(g->packages.data[i].name, name)) {
            name = str_printf(&cli->arena, STRF "-%u", STRA(stem), n++);
            i = UINT32_MAX; /* again from the start */
        }
    }
    return compose_add_package(g, name, str_c(path), binary.component, package, &cli->diags);
}

static bool plug(struct cli *cli, struct compose_graph *g, bool *done)
{
    const char **paths;
    u32 count = cli_values(cli, "plug", &paths), socket;
    u32 *plugs = arena_array(&cli->arena, u32, count);
    bool fine = read_package(cli, g, cli->args.data[0], &socket);
    for (u32 i = 0; i < count; i++)
        fine &= read_package(cli, g, paths[i], &plugs[i]);
    if (!fine)
        return false;
    struct compose_plan plan = {0};
    fine = compose_plug(g, socket, plugs, count, &plan, &cli->diags);
    if (cli_flag(cli, "explain")) {
        struct buf text = buf_in(&cli->arena);
        compose_explain(g, socket, plugs, count, &plan, &text);
        *done = true;
        return file_write("-", buf_view(&text), &cli->diags) && fine;
    }
    return fine;
}

static bool picture_of(const char *form, enum compose_picture *out)
{
    static const char *const names[] = {
        [PICTURE_DOT] = "dot", [PICTURE_MERMAID] = "mermaid", [PICTURE_JSON] = "json"};
    for (u32 i = 0; i < LENGTH_OF(names); i++) {
        if (strcmp(form, names[i]) == 0) {
            *out = (enum compose_picture)i;
            return true;
        }
    }
    return false;
}

static int run(struct cli *cli)
{
    struct features features;
    enum compose_picture picture = PICTURE_DOT;
    const char *form = cli_value(cli, "graph");
    bool done = false;
    if (!cli_expect_args(cli, 1, 1))
        return 2;
    if (form && !picture_of(form, &picture))
        return cli_usage(cli, "`--graph` takes dot, mermaid or json, not `%s`", form);
    if (cli_value(cli, "plug") && cli_value(cli, "config"))
        return cli_usage(cli, "`--plug` and `--config` do not go together");
    if (cli_flag(cli, "explain") && !cli_value(cli, "plug"))
        return cli_usage(cli, "`--explain` goes with `--plug`");
    bool wac = str_ends(str_c(cli->args.data[0]), STR(".wac"));
    if (wac && (cli_value(cli, "plug") || cli_value(cli, "config")))
        return cli_usage(cli, "a .wac file says itself what to compose");
    if (!cli_features(cli, &features))
        return 2;
    struct compose_graph g;
    compose_graph_init(&g, &cli->arena, features);
    g.no_validate = cli_flag(cli, "no-validate");
    const char *path = cli->args.data[0], *deps = cli_value(cli, "deps-dir");
    struct buf out = buf_in(&cli->arena);
    if (wac                      ? !compose_wac(&g, path, deps ? deps : "deps", &out, &cli->diags)
        : cli_value(cli, "plug") ? !plug(cli, &g, &done)
                                 : !compose_yaml(&g, cli_value(cli, "config"), path, &cli->diags))
        return 1;
    if (done)
        return 0;
    if (form) {
        struct buf drawing = buf_in(&cli->arena);
        compose_draw(&g, picture, &drawing);
        return cli_output(cli, buf_view(&drawing), false) ? 0 : 1;
    }
    return (wac || compose_encode(&g, &out, &cli->diags)) && cli_output_wasm(cli, buf_view(&out))
               ? 0
               : 1;
}

const struct command cmd_compose = {
    .name = "compose",
    .summary = "link components",
    .usage = "[OPTIONS] COMPONENT [--plug FILE]...",
    .options = options,
    .run = run,
};
