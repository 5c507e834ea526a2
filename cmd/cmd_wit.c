/* cmd_wit.c - `witc wit`: check, print and convert WIT. */
#include "cmd.h"
#include "wit-parser.h"

static const struct option options[] = {
    {"wasm", 'w', NULL, "print the package in its binary encoding"},
    {"wat", 0, NULL, "print the binary encoding as text"},
    {"text", 't', NULL, "the same as --wat"},
    {"json", 'j', NULL, "print the resolved graph as JSON"},
    {"out-dir", 0, "DIR", "write one file for each package"},
    {"no-docs", 0, NULL, "leave out doc comments"},
    {"features", 0, "LIST", "turn @unstable features on"},
    {"all-features", 0, NULL, "turn all @unstable features on"},
    OPTION_OUTPUT,
    {NULL},
};

void cli_wit_features(struct cli *cli, struct wit_resolve *r)
{
    VEC(str) names = {0};
    const char **lists;
    u32 n = cli_values(cli, "features", &lists);
    for (u32 i = 0; i < n; i++) {
        str list = str_c(lists[i]);
        while (list.len) {
            str name;
            list = str_cut(list, ',', &name);
            *vec_push(&cli->arena, &names) = str_trim(name);
        }
    }
    r->features = (struct wit_features){names.data, names.len, cli_flag(cli, "all-features")};
}

static int print_json(struct cli *cli, const struct wit_resolve *r)
{
    struct buf b = buf_in(&cli->arena);
    if (!wit_print_json(&b, r)) {
        return 1;
    }
    buf_byte(&b, '\n');
    return cli_output(cli, buf_view(&b), false) ? 0 : 1;
}

static int print_binary(struct cli *cli, struct wit_resolve *r, u32 package)
{
    struct buf b = buf_in(&cli->arena);
    if (!wit_encode_package(r, package, &b)) {
        return 1;
    }
    if (!cli_flag(cli, "wat") && !cli_flag(cli, "text")) {
        return cli_output(cli, buf_view(&b), true) ? 0 : 1;
    }
    struct buf text = buf_in(&cli->arena);
    struct wasm_binary binary;
    struct wasm_print_options how = {0};
    u32 source = sources_add(&cli->sources, STR("<encoded>"), buf_view(&b), SOURCE_BINARY);
    return wasm_read(&cli->arena, source, features_all(), &binary, &cli->diags) &&
                   wasm_print(&text, &binary, &how, &cli->diags) &&
                   cli_output(cli, buf_view(&text), false)
               ? 0
               : 1;
}

/* The main package as DIR/NAME.wit, the others as DIR/deps/NAME.wit; a version is in the name only where two packages
 * differ by it alone. */
static str file_of_package(struct cli *cli, const struct wit_resolve *r, u32 package, u32 main)
{
    const struct wit_package_name *name = &r->packages.data[package].name;
    bool shared = false, versions = false;
    for (u32 i = 0; i < r->packages.len; i++) {
        const struct wit_package_name *other = &r->packages.data[i].name;
        if (i != package && str_eq(other->name, name->name)) {
            shared |= !str_eq(other->ns, name->ns);
            versions |= str_eq(other->ns, name->ns);
        }
    }
    struct buf b = buf_in(&cli->arena);
    buf_c(&b, package == main ? "" : "deps/");
    if (shared) {
        buf_printf(&b, STRF ":", STRA(name->ns));
    }
    buf_str(&b, name->name);
    if (versions && name->version.text.len) {
        buf_printf(&b, "@" STRF, STRA(name->version.text));
    }
    buf_c(&b, ".wit");
    return buf_view(&b);
}

static int print_directory(struct cli *cli, const struct wit_resolve *r, u32 package,
                           const char *dir)
{
    struct wit_print_options how = {.no_docs = cli_flag(cli, "no-docs")};
    for (u32 i = 0; i < r->packages.len; i++) {
        struct buf b = buf_in(&cli->arena);
        wit_print_package(&b, r, i, &how);
        str path = path_join(&cli->arena, str_c(dir), file_of_package(cli, r, i, package));
        char *folder = str_to_c(&cli->arena, path_directory(path));
        if (!file_make_directories(folder, &cli->diags) ||
            !file_write(str_to_c(&cli->arena, path), buf_view(&b), &cli->diags)) {
            return 1;
        }
    }
    return 0;
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    struct wit_resolve r;
    u32 package;
    wit_resolve_init(&r, &cli->arena, &cli->diags);
    cli_wit_features(cli, &r);
    const char *path = cli->args.len ? cli->args.data[0] : file_exists("wit") ? "wit" : "-";
    if (!wit_push_path(&r, path, &package)) {
        return 1;
    }
    if (cli_flag(cli, "json")) {
        return print_json(cli, &r);
    }
    if (cli_flag(cli, "wasm") || cli_flag(cli, "wat") || cli_flag(cli, "text")) {
        return print_binary(cli, &r, package);
    }
    const char *dir = cli_value(cli, "out-dir");
    if (dir) {
        return print_directory(cli, &r, package, dir);
    }
    struct buf b = buf_in(&cli->arena);
    struct wit_print_options how = {.no_docs = cli_flag(cli, "no-docs"), .nested = true};
    wit_print_package(&b, &r, package, &how);
    return cli_output(cli, buf_view(&b), false) ? 0 : 1;
}

const struct command cmd_wit = {
    .name = "wit",
    .summary = "check, print or convert a WIT package or a component's WIT",
    .usage = "[OPTIONS] [PATH]",
    .options = options,
    .run = run,
};
