/* cmd_new.c - `witc new`: make a component of a core module. */
#include "cmd.h"
#include "compose.h"
#include "validate.h"

static const struct option options[] = {
    {"adapt", 0, "[NAME=]FILE", "a core module that stands for the import module NAME"},
    {"import-name", 0, "OLD=NEW", "call the imported instance OLD by another name"},
    {"merge-imports-based-on-semver", 0, "=BOOL", "join imports of compatible versions (on)"},
    {"debug-names", 0, "=BOOL", "write names for debugging (on)"},
    {"validate", 0, "=BOOL", "check the component before it is written (on)"},
    {"realloc-via-memory-grow", 0, NULL, "adapters get their memory by memory.grow"},
    {"return-call-ref", 0, "=BOOL", "shims call by typed references (off)"},
    {"emit-canonical-names", 0, NULL, "cut versions in names to their track"},
    {"reject-legacy-names", 0, NULL, "take imports and exports named as in standard32 only"},
    OPTION_TEXT,
    OPTION_OUTPUT,
    {NULL},
};

/* --NAME, --NAME=true or --NAME=false. */
static bool read_bool(struct cli *cli, const char *name, bool unless_given, bool *out, int *usage)
{
    const char *value = cli_value(cli, name);
    *out = value ? strcmp(value, "false") != 0 : unless_given;
    if (value && value[0] && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        *usage = cli_usage(cli, "`--%s` takes true or false, not `%s`", name, value);
        return false;
    }
    return true;
}

static bool read_core_module(struct cli *cli, const char *path, const struct wasm_module **out)
{
    struct wasm_binary binary;
    if (!cli_read_binary(cli, path, features_all(), &binary)) {
        return false;
    }
    if (binary.layer == LAYER_COMPONENT) {
        diag_error(&cli->diags, "new", (span){binary.component->source, 0, 0},
                   "`%s` is a component already: a component is made of a core module", path);
        return false;
    }
    *out = binary.module;
    return true;
}

/* `NAME=FILE`, or `FILE` whose name up to the first dot is NAME. */
static bool read_adapters(struct cli *cli, struct compose_new_options *o)
{
    const char **values;
    u32 n = cli_values(cli, "adapt", &values);
    struct compose_adapter *list = arena_array(&cli->arena, struct compose_adapter, n);
    for (u32 i = 0; i < n; i++) {
        str name, file = str_cut(str_c(values[i]), '=', &name);
        if (!file.ptr) {
            file = name;
            str_cut(path_base(file), '.', &name);
        }
        list[i].name = name;
        if (!read_core_module(cli, str_to_c(&cli->arena, file), &list[i].module)) {
            return false;
        }
    }
    o->adapters = list;
    o->adapter_count = n;
    return true;
}

static bool read_renames(struct cli *cli, struct compose_new_options *o, int *usage)
{
    const char **values;
    u32 n = cli_values(cli, "import-name", &values);
    struct compose_rename *list = arena_array(&cli->arena, struct compose_rename, n);
    for (u32 i = 0; i < n; i++) {
        list[i].to = str_cut(str_c(values[i]), '=', &list[i].from);
        if (!list[i].to.ptr) {
            *usage = cli_usage(cli, "`--import-name` takes OLD=NEW, not `%s`", values[i]);
            return false;
        }
    }
    o->renames = list;
    o->rename_count = n;
    return true;
}

static bool read_options(struct cli *cli, struct compose_new_options *o, bool *validate, int *usage)
{
    bool merge, names;
    *o = (struct compose_new_options){
        .realloc_via_memory_grow = cli_flag(cli, "realloc-via-memory-grow"),
        .emit_canonical_names = cli_flag(cli, "emit-canonical-names"),
        .reject_legacy_names = cli_flag(cli, "reject-legacy-names"),
    };
    if (!read_bool(cli, "merge-imports-based-on-semver", true, &merge, usage) ||
        !read_bool(cli, "debug-names", true, &names, usage) ||
        !read_bool(cli, "validate", true, validate, usage) ||
        !read_bool(cli, "return-call-ref", false, &o->return_call_ref, usage) ||
        !read_renames(cli, o, usage)) {
        return false;
    }
    o->keep_versions = !merge;
    o->no_debug_names = !names;
    return true;
}

/* A core module that is not valid makes a component that is not; so does a mistake of ours. */
static bool check(struct cli *cli, str bytes)
{
    struct wasm_binary binary;
    u32 source = sources_add(&cli->sources, STR("<component>"), bytes, SOURCE_BINARY);
    if (wasm_read(&cli->arena, source, features_all(), &binary, &cli->diags) &&
        validate_binary(&cli->arena, &binary, features_all(), &cli->diags)) {
        return true;
    }
    struct diag *x = diag_error(&cli->diags, "new", (span){0}, "the component is not valid");
    diag_help(&cli->diags, x,
              "`witc validate` of the core module tells whether that is the cause; "
              "`--validate=false` writes the component nonetheless");
    return false;
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    struct compose_new_options o;
    int usage = 1;
    bool validate;
    const struct wasm_module *m;
    struct buf b = buf_in(&cli->arena);
    if (!read_options(cli, &o, &validate, &usage)) {
        return usage;
    }
    return read_core_module(cli, cli->args.len ? cli->args.data[0] : "-", &m) &&
                   read_adapters(cli, &o) && compose_new(&cli->arena, m, &o, &cli->diags, &b) &&
                   (!validate || check(cli, buf_view(&b))) && cli_output_wasm(cli, buf_view(&b))
               ? 0
               : 1;
}

const struct command cmd_new = {
    .name = "new",
    .summary = "make a component of a core module",
    .usage = "[OPTIONS] [MODULE]",
    .options = options,
    .run = run,
};
