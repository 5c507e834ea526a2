/* main.c - witc: finds the command, reads its options by its table, runs it, shows what it has to say. */
#include "cmd.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct command *const commands[] = {
#define COMMAND(table) &table,
#include "commands.def"
#undef COMMAND
};
const u32 command_count = LENGTH_OF(commands);

static void print_version(void)
{
    printf("witc %s\n", WITC_VERSION);
}

static void print_help(void)
{
    printf(
        "witc, a WebAssembly component toolchain\n\nusage: witc COMMAND [OPTIONS] [ARGUMENTS]\n\n"
        "commands:\n");
    for (u32 i = 0; i < command_count; i++) {
        printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    printf("\n`witc COMMAND -h` lists the options of a command, `witc COMMAND --help` shows its "
           "manual "
           "page.\n");
}

static void print_options(const struct option *o)
{
    for (; o && o->name; o++) {
        char left[64];
        bool optional = o->value && o->value[0] == '=';
        snprintf(left, sizeof left, "--%s%s%s%s", o->name,
                 optional   ? "["
                 : o->value ? " "
                            : "",
                 o->value ? o->value : "", optional ? "]" : "");
        if (o->letter) {
            printf("  -%c, %-28s %s\n", o->letter, left, o->help);
        } else {
            printf("      %-28s %s\n", left, o->help);
        }
    }
}

void print_command_help(struct cli *cli, const struct command *c)
{
    (void)cli;
    printf("witc %s: %s\n\nusage: witc %s %s\n\noptions:\n", c->name, c->summary, c->name,
           c->usage);
    print_options(c->options);
    print_options(common_options);
}

static const struct option *find_option(const struct command *c, str name, char letter)
{
    const struct option *tables[] = {c->options, common_options};
    for (size_t t = 0; t < LENGTH_OF(tables); t++) {
        for (const struct option *o = tables[t]; o && o->name; o++) {
            if (name.ptr ? str_eq_c(name, o->name) : o->letter == letter) {
                return o;
            }
        }
    }
    return NULL;
}

static int unknown_option(struct cli *cli, str name)
{
    str names[64];
    size_t n = 0;
    const struct option *tables[] = {cli->command->options, common_options};
    for (size_t t = 0; t < LENGTH_OF(tables); t++) {
        for (const struct option *o = tables[t]; o && o->name && n < LENGTH_OF(names); o++) {
            names[n++] = str_c(o->name);
        }
    }
    str near = near_name(name, names, n);
    if (near.len) {
        return cli_usage(cli, "unknown option `--" STRF "`, did you mean `--" STRF "`?", STRA(name),
                         STRA(near));
    }
    return cli_usage(cli, "unknown option `--" STRF "`", STRA(name));
}

/* `--name`, `--name=value` or `--name value` at argv[*i]. */
static int read_long(struct cli *cli, char **argv, int *i)
{
    str name, value = str_cut(str_c(argv[*i] + 2), '=', &name);
    const struct option *o = find_option(cli->command, name, 0);
    if (!o) {
        return unknown_option(cli, name);
    }
    struct option_use use = {o, NULL};
    if (o->value && o->value[0] == '=') {
        use.value = value.ptr; /* may be left out */
    } else if (o->value) {
        use.value = value.ptr ? value.ptr : argv[*i + 1];
        if (!use.value) {
            return cli_usage(cli, "option `--%s` needs a value %s", o->name, o->value);
        }
        *i += !value.ptr;
    } else if (value.ptr) {
        return cli_usage(cli, "option `--%s` takes no value", o->name);
    }
    *vec_push(&cli->arena, &cli->uses) = use;
    return 0;
}

/* `-x`, `-xvalue`, `-x value`, or flags together: `-tg`. */
static int read_short(struct cli *cli, char **argv, int *i)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct option *o = find_option(cli->command, (str){NULL, 0}, *p);
        if (!o) {
            return cli_usage(cli, "unknown option `-%c`", *p);
        }
        struct option_use use = {o, NULL};
        if (o->value) {
            const char *rest = p[1] == '=' ? p + 2 : p + 1;
            use.value = p[1] ? rest : argv[++*i];
            if (!use.value) {
                return cli_usage(cli, "option `-%c` needs a value %s", *p, o->value);
            }
        }
        *vec_push(&cli->arena, &cli->uses) = use;
        if (o->value) {
            break;
        }
    }
    return 0;
}

static int read_arguments(struct cli *cli, char **argv)
{
    bool only_positional = false;
    for (int i = 0; argv[i]; i++) {
        int code = 0;
        if (only_positional || argv[i][0] != '-' || argv[i][1] == '\0') {
            *vec_push(&cli->arena, &cli->args) = argv[i];
            only_positional |= cli->command->rest_is_guest;
        } else if (strcmp(argv[i], "--") == 0) {
            only_positional = true;
        } else if (strcmp(argv[i], "-h") == 0) {
            print_command_help(cli, cli->command);
            return -1;
        } else if (strcmp(argv[i], "--help") == 0) {
            if (!show_manual(cli, cli->command->name)) {
                print_command_help(cli, cli->command);
            }
            return -1;
        } else {
            code = argv[i][1] == '-' ? read_long(cli, argv, &i) : read_short(cli, argv, &i);
        }
        if (code) {
            return code;
        }
    }
    return 0;
}

static int choose_format(struct cli *cli)
{
    const char *color = cli_value(cli, "color");
    const char *form = cli_value(cli, "message-format");
    bool on = isatty(2) && !getenv("NO_COLOR");
    /* always-ansi: a word of wasm-tools */
    bool always = color && (strcmp(color, "always") == 0 || strcmp(color, "always-ansi") == 0);
    if (always) {
        on = true;
    } else if (color && strcmp(color, "never") == 0) {
        on = false;
    } else if (color && strcmp(color, "auto") != 0) {
        return cli_usage(cli, "`--color` takes auto, always or never, not `%s`", color);
    }
    cli->format = on ? DIAG_TEXT_COLOR : DIAG_TEXT;
    if (form && strcmp(form, "json") == 0) {
        cli->format = DIAG_JSON;
    } else if (form && strcmp(form, "text") != 0 && strcmp(form, "human") != 0) {
        return cli_usage(cli, "`--message-format` takes text or json, not `%s`", form);
    }
    return 0;
}

static int choose_limit(struct cli *cli)
{
    const char *text = cli_value(cli, "error-limit");
    u64 limit = DIAG_LIMIT;
    if (text && (!str_to_u64(str_c(text), &limit) || limit > UINT32_MAX)) {
        return cli_usage(cli, "`--error-limit` takes a number, not `%s`", text);
    }
    cli->diags.limit = limit ? (u32)limit : DIAG_NO_LIMIT;
    return 0;
}

static const struct command *find_command(struct cli *cli, const char *name)
{
    str *names = arena_array(&cli->arena, str, command_count);
    for (u32 i = 0; i < command_count; i++) {
        names[i] = str_c(commands[i]->name);
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    str near = near_name(str_c(name), names, command_count);
    if (near.len) {
        cli_usage(cli, "unknown command `%s`, did you mean `" STRF "`?", name, STRA(near));
    } else {
        cli_usage(cli, "unknown command `%s`", name);
    }
    return NULL;
}

static int run_command(struct cli *cli, char **argv)
{
    cli->command = find_command(cli, argv[0]);
    if (!cli->command) {
        return 2;
    }
    int code = read_arguments(cli, argv + 1);
    if (code) {
        return code < 0 ? 0 : code;
    }
    code = choose_format(cli);
    code = code ? code : choose_limit(cli);
    if (code) {
        return code;
    }
    code = cli->command->run(cli);
    if (code == 0 && cli->diags.errors) {
        code = 1;
    }
    cli_flush(cli);
    return code;
}

struct invocation {
    struct cli *cli;
    char **argv;
    int code;
};

static void guarded(void *ctx)
{
    struct invocation *x = ctx;
    char **argv = x->argv;
    if (!argv[0]) {
        print_help();
        x->code = 2;
    } else if (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0 ||
               strcmp(argv[0], "help") == 0) {
        bool topic = argv[1] != NULL;
        x->code = 0;
        if (topic) {
            x->cli->command = find_command(x->cli, argv[1]);
            x->code = x->cli->command ? 0 : 2;
        }
        if (x->cli->command) {
            if (!show_manual(x->cli, x->cli->command->name)) {
                print_command_help(x->cli, x->cli->command);
            }
        } else if (!topic && (argv[0][1] != '-' || !show_manual(x->cli, NULL))) {
            print_help();
        }
    } else if (strcmp(argv[0], "-V") == 0 || strcmp(argv[0], "--version") == 0) {
        print_version();
    } else {
        x->code = run_command(x->cli, argv);
    }
}

/* Descriptors 0 to 2 are taken, so that no file that is opened later becomes standard output. Writing to one that was closed fails. */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0) {
            _exit(70);
        }
    }
}

/* The end by a signal leaves no file behind that is written in part. */
static void end(int signal_)
{
    file_abandon();
    signal(signal_, SIG_DFL);
    raise(signal_);
}

static void watch_end(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};
    for (size_t i = 0; i < LENGTH_OF(signals); i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
            signal(signals[i], end);
        }
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    hold_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a closed standard output is an error message, not a death */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow */
    watch_end();
    cJSON_InitHooks(&(cJSON_Hooks){mem_alloc, mem_free}); /* which never give NULL */
    static struct cli cli;
    diags_init(&cli.diags, &cli.arena, &cli.sources);
    struct invocation x = {&cli, argv + 1, 0};
    if (!oom_guard(guarded, &x)) {
        static const char text[] = "error: out of memory\n";
        ssize_t ignored = write(2, text, sizeof text - 1);
        file_abandon();
        (void)ignored;
        x.code = 70;
    }
    errno = 0;
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (lost && x.code == 0) {
        fprintf(stderr, "error: cannot write `<stdout>`%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
        x.code = 1;
    }
    arena_free(&cli.arena);
    return x.code;
}
