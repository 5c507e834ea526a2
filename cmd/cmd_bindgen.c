/* cmd_bindgen.c - `witc bindgen`: C bindings of a world. */
#include "bindgen.h"
#include "cmd.h"
#include "wit-parser.h"

static const struct option options[] = {
    {"world", 'w', "WORLD",
     "the world, if the package has several; `ns:pkg/world` for one of a dependency"},
    {"out-dir", 0, "DIR", "where to write the files"},
    {"check", 0, NULL, "write nothing; fail if the files differ"},
    {"sync", 0, "FILTER",
     "bind async functions as blocking ones: all, [import:|export:][IFACE#]FUNC"},
    {"async", 0, "FILTER", "is no more: see --sync"},
    {"rename", 0, "K=V", "call the interface K by the C name V"},
    {"rename-world", 0, "NAME", "another name for the world in file names and symbols"},
    {"no-helpers", 0, NULL, "leave out the functions that make and free values"},
    {"string-encoding", 0, "ENCODING", "utf8 or utf16"},
    {"no-sig-flattening", 0, NULL, "no pointers that may be NULL for options, no bool for results"},
    {"no-object-file", 0, NULL, "do not write the object file with the component type"},
    {"type-section-suffix", 0, "SUFFIX", "added to the name of the custom section"},
    {"autodrop-borrows", 0, "yes|no", "drop the borrowed handles that exports receive"},
    {"generate-async-helpers", 0, NULL, "add the helpers for async code in any case"},
    {"generate-threading-helpers", 0, NULL, "add the built-ins for threads; implies the previous"},
    {"features", 0, "LIST", "turn @unstable features on"},
    {"all-features", 0, NULL, "turn all @unstable features on"},
    {NULL},
};

/* ---- Options ------------------------------------------------------------------------------------ */

static u32 comma_list(struct cli *cli, const char *name, const str **out)
{
    VEC(str) list = {0};
    const char **values;
    u32 n = cli_values(cli, name, &values);
    for (u32 i = 0; i < n; i++) {
        str rest = str_c(values[i]);
        while (rest.len) {
            str item;
            rest = str_cut(rest, ',', &item);
            *vec_push(&cli->arena, &list) = item;
        }
    }
    *out = list.data;
    return list.len;
}

static bool read_renames(struct cli *cli, struct bindgen_options *o)
{
    const char **values;
    u32 n = cli_values(cli, "rename", &values);
    struct bindgen_rename *renames = arena_array(&cli->arena, struct bindgen_rename, n + 1);
    for (u32 i = 0; i < n; i++) {
        renames[i].to = str_cut(str_c(values[i]), '=', &renames[i].from);
        if (renames[i].to.ptr == NULL) {
            cli_usage(cli, "`--rename %s` is not of the form INTERFACE=NAME", values[i]);
            return false;
        }
    }
    o->renames = renames;
    o->rename_count = n;
    return true;
}

static bool read_encoding(struct cli *cli, struct bindgen_options *o)
{
    str name = str_c(cli_value(cli, "string-encoding"));
    if (name.len == 0 || str_eq(name, STR("utf8"))) {
        o->encoding = ENCODING_UTF8;
    } else if (str_eq(name, STR("utf16"))) {
        o->encoding = ENCODING_UTF16;
    } else {
        cli_usage(cli, "`" STRF "` is no string encoding of C bindings; write `utf8` or `utf16`",
                  STRA(name));
        return false;
    }
    return true;
}

static bool read_options(struct cli *cli, struct bindgen_options *o)
{
    str autodrop = str_c(cli_value(cli, "autodrop-borrows"));
    if (autodrop.len && !str_eq(autodrop, STR("yes")) && !str_eq(autodrop, STR("no"))) {
        cli_usage(cli, "`--autodrop-borrows` takes `yes` or `no`");
        return false;
    }
    if (cli_flag(cli, "async")) {
        cli_usage(
            cli,
            "there is no `--async`: functions that are `async` in WIT are bound so, others cannot "
            "be; `--sync FILTER` binds the former as blocking ones");
        return false;
    }
    o->sync_count = comma_list(cli, "sync", &o->sync);
    o->rename_world = str_c(cli_value(cli, "rename-world"));
    o->type_section_suffix = str_c(cli_value(cli, "type-section-suffix"));
    o->no_helpers = cli_flag(cli, "no-helpers");
    o->no_sig_flattening = cli_flag(cli, "no-sig-flattening");
    o->no_object_file = cli_flag(cli, "no-object-file");
    o->autodrop_borrows = str_eq(autodrop, STR("yes"));
    o->async_helpers = cli_flag(cli, "generate-async-helpers");
    o->threading_helpers = cli_flag(cli, "generate-threading-helpers");
    return read_renames(cli, o) && read_encoding(cli, o);
}

/* ---- The world -------------------------------------------------------------------------------------- */

static bool has_world(const struct wit_resolve *r, u32 package, str name)
{
    const struct wit_package *p = &r->packages.data[package];
    for (u32 i = 0; i < p->worlds.len; i++) {
        if (name.len == 0 || str_eq(p->worlds.data[i].name, name))
            return true;
    }
    return false;
}

/* Reads all paths; the world is looked for in the last package that can have it. */
static bool find_world(struct cli *cli, struct wit_resolve *r, u32 *world)
{
    static const char *const here[] = {"wit"};
    const char *const *paths = cli->args.len ? cli->args.data : here;
    u32 n = cli->args.len ? cli->args.len : 1, chosen = WIT_NONE, last = WIT_NONE;
    str name = str_c(cli_value(cli, "world"));
    if (str_starts(name, STR("%")))
        name = str_sub(name, 1, name.len);
    for (u32 i = 0; i < n; i++) {
        if (!wit_push_path(r, paths[i], &last))
            return false;
        if (has_world(r, last, name))
            chosen = last;
    }
    return wit_select_world(r, chosen == WIT_NONE ? last : chosen, name, world);
}

/* ---- Results ------------------------------------------------------------------------------------------- */

static str without_returns(struct arena *a, str s)
{
    struct buf b = buf_in(a);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '\r' || i + 1 == s.len || s.ptr[i + 1] != '\n')
            buf_byte(&b, (u8)s.ptr[i]);
    }
    return buf_view(&b);
}

static bool check_file(struct cli *cli, const char *path, str bytes)
{
    str now;
    if (!file_read(&cli->arena, path, &now, &cli->diags))
        return false;
    if (str_eq(now, bytes))
        return true;
    struct diag *x =
        diag_error(&cli->diags, "bindgen-check", (span){0}, "%s is not up to date", path);
    if (str_eq(without_returns(&cli->arena, now), without_returns(&cli->arena, bytes)))
        diag_note(&cli->diags, x, "only the line ends differ (CRLF and LF)");
    else
        diag_help(&cli->diags, x, "run the command without `--check` to write it");
    return false;
}

static int run(struct cli *cli)
{
    struct bindgen_options o = {0};
    struct bindgen_output out;
    struct wit_resolve r;
    u32 world;
    if (!read_options(cli, &o))
        return 2;
    wit_resolve_init(&r, &cli->arena, &cli->diags);
    cli_wit_features(cli, &r);
    if (!find_world(cli, &r, &world) || !bindgen_c(&r, world, &o, &out))
        return 1;
    const char *directory = cli_value(cli, "out-dir");
    bool check = cli_flag(cli, "check"), fine = true;
    if (directory && !check && !file_make_directories(directory, &cli->diags))
        return 1;
    for (u32 i = 0; i < out.count; i++) {
        const struct bindgen_file *f = &out.files[i];
        str joined = directory ? path_join(&cli->arena, str_c(directory), f->name) : f->name;
        const char *path = str_to_c(&cli->arena, joined);
        fine &= check ? check_file(cli, path, f->bytes) : file_write(path, f->bytes, &cli->diags);
    }
    return fine ? 0 : 1;
}

const struct command cmd_bindgen = {
    .name = "bindgen",
    .summary = "generate C bindings of a world",
    .usage = "[OPTIONS] [WIT]...",
    .options = options,
    .run = run,
};
