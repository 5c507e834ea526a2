/* cmd_print.c - `witc print`: WebAssembly binary to text. */
#include "cmd.h"
#include "validate.h"

static const struct option options[] = {
    OPTION_OUTPUT,
    {"skeleton", 0, NULL, "leave out function bodies, elements and data"},
    {"print-offsets", 'p', NULL, "show the offset of each line"},
    {"fold-instructions", 'f', NULL, "print instructions as nested expressions"},
    {"name-unnamed", 0, NULL, "invent names for what has none"},
    {"print-operand-stack", 0, NULL, "show the types of the operands after each instruction"},
    {"indent", 0, "N", "blanks for each level, 2 if not given"},
    {"indent-text", 0, "TEXT", "what to indent with instead of blanks"},
    {"features", 0, "LIST", "turn features on, or off with a leading `-`; all are on"},
    {NULL},
};

/* What the validator knows of the operands of a function, one module and one function at a time. */
struct stacks {
    struct features features;
    struct diags *diags; /* of the command */
    const struct wasm_module *module;
    struct validate_context *context; /* of that module, in `shell`; NULL: it is invalid */
    struct arena shell, func;
    struct sources *sources;
    VEC(struct wasm_remark) remarks;
};

static void seen(void *ctx, u32 offset, str operands)
{
    struct stacks *s = ctx;
    *vec_push(&s->func, &s->remarks) = (struct wasm_remark){offset, operands};
}

static const struct wasm_remark *remarks(void *ctx, const struct wasm_module *m, u32 func,
                                         u32 *count)
{
    struct stacks *s = ctx;
    if (s->module != m) {
        arena_reset(&s->shell);
        s->module = m;
        s->context = validate_module_shell(&s->shell, NULL, m, s->features, s->diags);
    }
    arena_reset(&s->func);
    s->remarks.data = NULL;
    s->remarks.len = s->remarks.cap = 0;
    struct diags d;
    diags_init(&d, &s->func, s->sources);
    if (s->context && !validate_func_seen(s->context, func, seen, s, &d) && d.list.len) {
        seen(s, d.list.data[0]->at.start, STR("(invalid)"));
    }
    *count = s->remarks.len;
    return s->remarks.data;
}

struct job {
    struct cli *cli;
    const struct wasm_binary *binary;
    struct wasm_print_options how;
    struct file_out *file;
    bool fine;
};

static bool put(void *ctx, str text)
{
    return file_put(ctx, text);
}

static void print_text(void *ctx)
{
    struct job *j = ctx;
    j->fine = wasm_print_stream(&j->cli->arena, j->binary, &j->how, put, j->file, &j->cli->diags);
    j->fine = j->fine && j->cli->diags.errors == 0;
}

/* The text goes out as it is made; a file has its name when all of it is there. */
static bool print(struct cli *cli, const struct wasm_binary *binary, struct features features,
                  const struct wasm_print_options *how)
{
    const char *path = cli_value(cli, "output");
    struct stacks stacks = {.features = features, .diags = &cli->diags, .sources = &cli->sources};
    struct job job = {.cli = cli,
                      .binary = binary,
                      .how = *how,
                      .file = file_begin(path ? path : "-", &cli->diags)};
    if (cli_flag(cli, "print-operand-stack")) {
        job.how.remarks = remarks;
        job.how.remarks_ctx = &stacks;
    }
    if (!job.file) {
        return false;
    }
    bool enough = oom_guard(print_text, &job);
    arena_free(&stacks.shell);
    arena_free(&stacks.func);
    bool fine = file_end(job.file, enough && job.fine);
    if (!enough) {
        arena_alloc_array(&cli->arena, SIZE_MAX, 16); /* goes on unwinding */
    }
    return fine;
}

static int read_indent(struct cli *cli, const char **indent)
{
    const char *number = cli_value(cli, "indent");
    *indent = cli_value(cli, "indent-text");
    if (!number) {
        return 0;
    }
    u64 width;
    if (!str_to_u64(str_c(number), &width) || width > 64) {
        return cli_usage(cli, "`--indent` takes a number from 0 to 64, not `%s`", number);
    }
    if (!*indent) {
        *indent = str_to_c(&cli->arena, str_printf(&cli->arena, "%*s", (int)width, ""));
    }
    return 0;
}

static int run(struct cli *cli)
{
    if (!cli_expect_args(cli, 0, 1)) {
        return 2;
    }
    struct wasm_print_options how = {
        .skeleton = cli_flag(cli, "skeleton"),
        .offsets = cli_flag(cli, "print-offsets"),
        .folded = cli_flag(cli, "fold-instructions"),
        .name_unnamed = cli_flag(cli, "name-unnamed"),
    };
    int usage = read_indent(cli, &how.indent);
    if (usage) {
        return usage;
    }
    struct features features = features_all();
    const char **lists;
    u32 n = cli_values(cli, "features", &lists);
    for (u32 i = 0; i < n; i++) {
        if (!features_apply(&features, str_c(lists[i]), &cli->diags)) {
            return 2;
        }
    }
    struct wasm_binary binary;
    const char *path = cli->args.len ? cli->args.data[0] : "-";
    return cli_read_binary(cli, path, features, &binary) && print(cli, &binary, features, &how) ? 0
                                                                                                : 1;
}

const struct command cmd_print = {
    .name = "print",
    .summary = "turn WebAssembly binary into text",
    .usage = "[OPTIONS] [FILE]",
    .options = options,
    .run = run,
};
