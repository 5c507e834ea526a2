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
    {"list", 'l', NULL, "print a short table of imports and exports"},
    {"vendor", 0, NULL, "write the built-in packages that are used into the folder deps/ of PATH"},
    {"importize", 0, NULL, "turn the world's exports into imports"},
    {"importize-world", 0, "WORLD", "the same for a world of a package"},
    {"importize-out-world-name", 0, "NAME", "what the new world is called"},
    {"exportize", 0, NULL, "turn the world's imports into exports"},
    {"exportize-world", 0, "WORLD", "the same for a world of a package"},
    {"exportize-out-world-name", 0, "NAME", "what the new world is called"},
    {"exportize-import", 0, "NAME", "turn only this import"},
    {"merge-world-imports-based-on-semver", 0, "WORLD", "one import for each semver track"},
    {"generate-nominal-type-ids", 0, "WORLD", "separate types for imports and exports"},
    {"emit-canonical-names", 0, NULL, "in binary form, cut versions in names to their track"},
    {"skip-validation", 0, NULL, "accepted for compatibility; nothing is validated a second time"},
    {"features", 0, "LIST", "turn @unstable features on"},
    {"all-features", 0, NULL, "turn all @unstable features on"},
    {"verbose", 'v', NULL, "accepted for compatibility; messages say all"},
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
    wit_print_json(&b, r);
    buf_byte(&b, '\n');
    return cli_output(cli, buf_view(&b), false) ? 0 : 1;
}

static int print_binary(struct cli *cli, struct wit_resolve *r, u32 package)
{
    struct buf b = buf_in(&cli->arena);
    return wit_encode_package(r, package, &b) && cli_output_wasm(cli, buf_view(&b)) ? 0 : 1;
}

/* How many packages have a name, and a namespace and a name. */
struct file_names {
    struct map names, ids;
};

static str name_and_namespace(struct cli *cli, const struct wit_package_name *name)
{
    return str_printf(&cli->arena, STRF ":" STRF, STRA(name->ns), STRA(name->name));
}

static void count(struct cli *cli, struct map *m, str key)
{
    u32 n = map_get(m, key);
    map_put(&cli->arena, m, key, n == MAP_NONE ? 1 : n + 1);
}

/* The main package as DIR/NAME.wit, the others as DIR/deps/NAME.wit; a version is in the name only where two packages
 * differ by it alone, a namespace where others have the name. */
static str file_of_package(struct cli *cli, const struct wit_resolve *r,
                           const struct file_names *all, u32 package, u32 main)
{
    const struct wit_package_name *name = &r->packages.data[package].name;
    u32 same = map_get(&all->ids, name_and_namespace(cli, name));
    struct buf b = buf_in(&cli->arena);
    buf_c(&b, package == main ? "" : "deps/");
    if (map_get(&all->names, name->name) > same) {
        buf_printf(&b, STRF ":", STRA(name->ns));
    }
    buf_str(&b, name->name);
    if (same > 1 && name->version.text.len) {
        buf_printf(&b, "@" STRF, STRA(name->version.text));
    }
    buf_c(&b, ".wit");
    return buf_view(&b);
}

static int print_directory(struct cli *cli, const struct wit_resolve *r, u32 package,
                           const char *dir)
{
    struct wit_print_options how = {.no_docs = cli_flag(cli, "no-docs")};
    struct file_names names = {0};
    for (u32 i = 0; i < r->packages.len; i++) {
        const struct wit_package_name *name = &r->packages.data[i].name;
        count(cli, &names.names, name->name);
        count(cli, &names.ids, name_and_namespace(cli, name));
    }
    for (u32 i = 0; i < r->packages.len; i++) {
        struct buf b = buf_in(&cli->arena);
        wit_print_package(&b, r, i, &how);
        str file = file_of_package(cli, r, &names, i, package);
        str path = path_join(&cli->arena, str_c(dir), file);
        char *folder = str_to_c(&cli->arena, path_directory(path));
        if (!file_make_directories(folder, &cli->diags) ||
            !file_write(str_to_c(&cli->arena, path), buf_view(&b), &cli->diags)) {
            return 1;
        }
    }
    return 0;
}

/* ---- Worlds turned round ---- */

static str value_of(struct cli *cli, const char *name)
{
    const char *value = cli_value(cli, name);
    return value ? str_of(value, strlen(value)) : (str){NULL, 0};
}

static bool exportize(struct cli *cli, struct wit_resolve *r, u32 world)
{
    const char **values;
    u32 n = cli_values(cli, "exportize-import", &values);
    str *names = arena_array(&cli->arena, str, n);
    for (u32 i = 0; i < n; i++) {
        names[i] = str_c(values[i]);
    }
    return wit_exportize(r, world, value_of(cli, "exportize-out-world-name"), names, n);
}

enum change { CHANGE_IMPORTIZE, CHANGE_EXPORTIZE, CHANGE_SEMVER, CHANGE_SPLIT };
static const struct {
    const char *option;
    const char *world; /* the option that names the world */
    enum change change;
} changes[] = {
    {"importize", "importize-world", CHANGE_IMPORTIZE},
    {"importize-world", "importize-world", CHANGE_IMPORTIZE},
    {"exportize", "exportize-world", CHANGE_EXPORTIZE},
    {"exportize-world", "exportize-world", CHANGE_EXPORTIZE},
    {"merge-world-imports-based-on-semver", "merge-world-imports-based-on-semver", CHANGE_SEMVER},
    {"generate-nominal-type-ids", "generate-nominal-type-ids", CHANGE_SPLIT},
};

/* Does what one of those options asks for. The world's package is what is printed then. */
static int change_world(struct cli *cli, struct wit_resolve *r, u32 *package)
{
    for (u32 i = 0; i < LENGTH_OF(changes); i++) {
        if (!cli_flag(cli, changes[i].option)) {
            continue;
        }
        u32 world;
        str name = value_of(cli, changes[i].world);
        r->world_option = changes[i].world;
        bool fine = wit_select_world(r, *package, name, &world);
        if (fine && changes[i].change == CHANGE_IMPORTIZE) {
            fine = wit_importize(r, world, value_of(cli, "importize-out-world-name"));
        } else if (fine && changes[i].change == CHANGE_EXPORTIZE) {
            fine = exportize(cli, r, world);
        } else if (fine && changes[i].change == CHANGE_SEMVER) {
            fine = wit_merge_semver(r, world, true);
        } else if (fine) {
            wit_split_identities(r, world);
        }
        if (!fine) {
            return 1;
        }
        *package = r->worlds.data[world].package;
    }
    return 0;
}

/* ---- Paths, --vendor ---- */

struct paths {
    const char *const *list;
    u32 count;
    u32 *ends; /* of each: how many packages there are once it is read */
    u32 main;  /* the package of the last one */
};

static bool push_paths(struct wit_resolve *r, struct paths *p)
{
    for (u32 i = 0; i < p->count; i++) {
        if (!wit_push_path(r, p->list[i], &p->main)) {
            return false;
        }
        p->ends[i] = r->packages.len;
    }
    return true;
}

/* Puts what is built in, with its unstable items, as one file into the deps/ of `path`: there is all of it or nothing. */
static bool vendor_package(struct cli *cli, const struct wit_resolve *all, u32 package,
                           const char *path)
{
    const struct wit_package_name *name = &all->packages.data[package].name;
    struct wit_print_options how = {0};
    struct buf b = buf_in(&cli->arena), line = buf_in(&cli->arena);
    wit_print_package(&b, all, package, &how);
    char *folder = str_to_c(&cli->arena, path_join(&cli->arena, str_c(path), STR("deps")));
    char *file = str_to_c(&cli->arena,
                          str_printf(&cli->arena, "%s/" STRF "-" STRF "-" STRF ".wit", folder,
                                     STRA(name->ns), STRA(name->name), STRA(name->version.text)));
    buf_printf(&line, "%s\n", file);
    return file_make_directories(folder, &cli->diags) &&
           file_write(file, buf_view(&b), &cli->diags) &&
           file_write("-", buf_view(&line), &cli->diags);
}

/* Of each path what was built in when it was read: `ends` says how many packages there were behind it. */
static int vendor(struct cli *cli, const struct wit_resolve *used, const struct paths *paths)
{
    struct wit_resolve all;
    struct paths again = *paths;
    wit_resolve_init(&all, &cli->arena, &cli->diags);
    all.features.all = true;
    again.ends = arena_array(&cli->arena, u32, paths->count);
    for (u32 i = 0, k = 0; k < paths->count; k++) {
        for (; i < paths->ends[k]; i++) {
            if (used->packages.data[i].built_in && !file_is_directory(paths->list[k])) {
                return cli_usage(cli,
                                 "--vendor needs the directory of a package: `%s` is none, and "
                                 "uses what is built in",
                                 paths->list[k]);
            }
        }
    }
    if (!push_paths(&all, &again)) {
        return 1;
    }
    for (u32 i = 0, k = 0; k < paths->count; k++) {
        for (; i < paths->ends[k]; i++) {
            u32 package = wit_find_package(&all, &used->packages.data[i].name);
            if (used->packages.data[i].built_in && package != WIT_NONE &&
                !vendor_package(cli, &all, package, paths->list[k])) {
                return 1;
            }
        }
    }
    return 0;
}

static int print(struct cli *cli, struct wit_resolve *r, u32 package)
{
    struct buf b = buf_in(&cli->arena);
    const char *dir = cli_value(cli, "out-dir");
    if (cli_flag(cli, "json")) {
        return print_json(cli, r);
    }
    if (cli_flag(cli, "wasm") || cli_flag(cli, "wat") || cli_flag(cli, "text")) {
        return print_binary(cli, r, package);
    }
    if (dir) {
        return print_directory(cli, r, package, dir);
    }
    if (cli_flag(cli, "list")) {
        wit_print_list(&b, r, package);
    } else {
        struct wit_print_options how = {.no_docs = cli_flag(cli, "no-docs"), .nested = true};
        wit_print_package(&b, r, package, &how);
    }
    return cli_output(cli, buf_view(&b), false) ? 0 : 1;
}

/* Of each row at most one may be given. With --wasm, --wat only says in which form. */
static const char *const alternatives[][12] = {
    /* each ends with NULL */
    {"json", "list", "out-dir", "vendor", "wasm"},
    {"json", "list", "out-dir", "vendor", "wat"},
    {"json", "list", "out-dir", "vendor", "text"},
    {"out-dir", "vendor", "output"},
    {"vendor", "importize", "importize-world", "exportize", "exportize-world",
     "merge-world-imports-based-on-semver", "generate-nominal-type-ids"},
};

static int check_alternatives(struct cli *cli)
{
    for (u32 i = 0; i < LENGTH_OF(alternatives); i++) {
        const char *before = NULL;
        for (const char *const *option = alternatives[i]; *option; option++) {
            if (!cli_flag(cli, *option)) {
                continue;
            }
            if (before) {
                return cli_usage(cli, "`--%s` and `--%s` do not go together", before, *option);
            }
            before = *option;
        }
    }
    return 0;
}

static int run(struct cli *cli)
{
    int wrong = check_alternatives(cli);
    if (wrong) {
        return wrong;
    }
    struct wit_resolve r;
    const char *path = file_exists("wit") ? "wit" : "-";
    struct paths paths = {.list = &path, .count = 1};
    if (cli->args.len) {
        paths.list = cli->args.data;
        paths.count = cli->args.len;
    }
    paths.ends = arena_array(&cli->arena, u32, paths.count);
    wit_resolve_init(&r, &cli->arena, &cli->diags);
    cli_wit_features(cli, &r);
    r.canonical_names = cli_flag(cli, "emit-canonical-names");
    if (!push_paths(&r, &paths)) {
        return 1;
    }
    if (cli_flag(cli, "vendor")) {
        return vendor(cli, &r, &paths);
    }
    u32 package = paths.main;
    int status = change_world(cli, &r, &package);
    return status ? status : print(cli, &r, package);
}

const struct command cmd_wit = {
    .name = "wit",
    .summary = "check, print or convert a WIT package or a component's WIT",
    .usage = "[OPTIONS] [PATH...]",
    .options = options,
    .run = run,
};
