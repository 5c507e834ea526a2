/* cmd_strip.c - `witc strip`: removes custom sections, also those of nested modules and components. */
#include "cmd.h"

#include <regex.h>

static const struct option options[] = {
    OPTION_OUTPUT,
    OPTION_TEXT,
    {"all", 'a', NULL, "remove all custom sections"},
    {"delete", 'd', "REGEX", "remove only the custom sections whose names match"},
    {NULL},
};

struct strip {
    struct arena *arena;
    bool all;
    regex_t *patterns;
    u32 pattern_count;
};

/* What stays unless asked for: names of modules, the interface of a module that is to become a component, and
 * what linkers need. */
static bool is_kept(str name)
{
    return str_eq(name, STR("name")) || str_eq(name, STR("dylink.0")) ||
           str_eq(name, STR("component-type")) || str_starts(name, STR("component-type:"));
}

/* A name may have NULs in it. */
static bool matches(struct arena *a, const regex_t *pattern, str name)
{
    const char *text = str_to_c(a, name);
#ifdef REG_STARTEND
    regmatch_t all = {0, (regoff_t)name.len};
    return regexec(pattern, text, 1, &all, REG_STARTEND) == 0;
#else
    return regexec(pattern, text, 0, NULL, 0) == 0;
#endif
}

static bool is_removed(const struct strip *s, str name)
{
    if (s->all || s->pattern_count == 0) {
        return s->all || !is_kept(name);
    }
    for (u32 i = 0; i < s->pattern_count; i++) {
        if (matches(s->arena, &s->patterns[i], name)) {
            return true;
        }
    }
    return false;
}

static void strip(const struct strip *s, struct buf *out, str bytes)
{
    bool component = wasm_is_component(bytes);
    struct wasm_cursor top = wasm_cursor_of(0, str_sub(bytes, 8, bytes.len), 8), c;
    u8 id;
    buf_str(out, str_sub(bytes, 0, 8));
    while (wasm_get_section(&top, &id, &c)) {
        str contents = str_of((const char *)c.at, (size_t)(c.end - c.at));
        if (component && (id == 1 || id == 4)) {
            struct buf inner = buf_in(s->arena);
            strip(s, &inner, contents);
            wasm_write_section(out, id, buf_view(&inner));
        } else if (id != 0 || !is_removed(s, wasm_get_name(&c))) {
            wasm_write_section(out, id, contents);
        }
    }
}

static bool read_patterns(struct cli *cli, struct strip *s)
{
    const char **texts;
    u32 n = cli_values(cli, "delete", &texts);
    s->patterns = arena_array(&cli->arena, regex_t, n);
    for (u32 i = 0; i < n; i++) {
        bool any_case = strncmp(texts[i], "(?i)", 4) == 0;
        int code = regcomp(&s->patterns[i], texts[i] + (any_case ? 4 : 0),
                           REG_EXTENDED | REG_NOSUB | (any_case ? REG_ICASE : 0));
        if (code != 0) {
            char why[128];
            regerror(code, &s->patterns[i], why, sizeof why);
            diag_error(&cli->diags, "usage", (span){0}, "bad expression `%s`: %s", texts[i], why);
            return false;
        }
        s->pattern_count++;
    }
    return true;
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    struct strip s = {.arena = &cli->arena, .all = cli_flag(cli, "all")};
    struct wasm_binary binary;
    const char *path = cli->args.len ? cli->args.data[0] : "-";
    bool usage = read_patterns(cli, &s);
    bool fine = usage && cli_read_binary(cli, path, features_all(), &binary);
    if (fine) {
        bool module = binary.layer == LAYER_MODULE;
        struct buf out = buf_in(&cli->arena);
        strip(&s, &out, module ? binary.module->bytes : binary.component->bytes);
        fine = cli_output_wasm(cli, buf_view(&out));
    }
    for (u32 i = 0; i < s.pattern_count; i++) {
        regfree(&s.patterns[i]);
    }
    return fine ? 0 : usage ? 1 : 2;
}

const struct command cmd_strip = {
    .name = "strip",
    .summary = "remove custom sections",
    .usage = "[OPTIONS] [FILE]",
    .options = options,
    .run = run,
};
