/* cmd_run.c - `witc run`: run a core module or a component. */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static const struct option options[] = {
    {"invoke", 0, "CALL", "call an export, as in 'f(1, \"a\")', and print its result"},
    {"env", 0, "NAME[=VALUE]", "give the guest an environment variable"},
    {"dir", 0, "HOST[::GUEST]", "let a core module use a folder"},
    {"inherit-env", 0, NULL, "give the guest the whole environment"},
    {"argv0", 0, "NAME", "the guest's own name, instead of the file's"},
    {"fuel", 0, "N", "trap after N loop turns and calls"},
    {"timeout", 0, "TIME", "trap when the guest has run so long: 2, 1.5s, 200ms"},
    {"stall-timeout", 0, "TIME", "report who waits for whom when nothing has moved for so long"},
    {"max-memory", 0, "BYTES", "the most that each memory may hold"},
    {"max-task-memory", 0, "BYTES", "the most that tasks, handles and streams may take in all"},
    {"seed", 0, "N", "draw what is left open from this seed, make up time and random numbers"},
    {"trace", 0, NULL, "print each call, return and copy between components"},
    {"leaks", 0, NULL, "at the end tell which handles and tasks are still open"},
    {"unknown-imports-trap", 0, NULL, "imports that nobody provides trap when they are called"},
    {"lazy-validate", 0, NULL, "validate each function when it is first called"},
    OPTION_FEATURES,
    {"wasi", 'S', "LIST", "as wasmtime has it: inherit-env; `-S help` lists them"},
    {"wasm", 'W', "LIST", "as wasmtime has it: fuel=N, timeout=TIME, gc=n; `-W help` lists them"},
    {NULL},
};

/* ---- Signals ----------------------------------------------------------------------------------------- */

static struct engine_store *volatile watched;
#define A_LONG_TIME 1000000000000u /* milliseconds: about 30 years */
static volatile sig_atomic_t waiting, ended_by_user;
static struct timespec deadline;
static bool has_deadline;
static u64 time_allowed; /* milliseconds, 0: for ever */

/* A guest that runs traps at its next loop turn or call. One that waits for the world does not get there: a Ctrl-C ends the program. */
static void interrupt(int signal_)
{
    if (watched) {
        engine_interrupt(watched);
        ended_by_user |= signal_ == SIGINT;
    }
    if (signal_ == SIGINT && (waiting || !watched)) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
}

static void start_timeout(u64 milliseconds)
{
    u64 time = milliseconds < A_LONG_TIME ? milliseconds : A_LONG_TIME;
    struct itimerval t = {.it_value = {.tv_sec = (time_t)(time / 1000),
                                       .tv_usec = (suseconds_t)(time % 1000) * 1000}};
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += t.it_value.tv_sec;
    deadline.tv_nsec += t.it_value.tv_usec * 1000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    has_deadline = true;
    setitimer(ITIMER_REAL, &t, NULL);
}

void run_watch_signals(struct engine_store *s)
{
    struct sigaction a = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    watched = s;
    sigaction(SIGALRM, &a, NULL);
    a.sa_flags |= (int)SA_RESETHAND; /* a second Ctrl-C finds the default action */
    sigaction(SIGINT, &a, NULL);
    if (time_allowed) {
        start_timeout(time_allowed);
    }
}

void run_unwatch_signals(void)
{
    watched = NULL;
}

void run_waiting(bool on)
{
    waiting = on;
}

u64 run_time_left(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    i64 left =
        (i64)(deadline.tv_sec - now.tv_sec) * 1000 + (deadline.tv_nsec - now.tv_nsec) / 1000000;
    return !has_deadline ? UINT64_MAX : left > 0 ? (u64)left : 0;
}

/* ---- Shared pieces ------------------------------------------------------------------------------------- */

void run_print_line(const struct buf *b)
{
    fwrite(b->data ? b->data : "", 1, b->len, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

struct diag *run_trap_error(struct cli *cli, const struct run_options *o, str message)
{
    if (ended_by_user) {
        return diag_error(&cli->diags, "interrupted", (span){0}, "the guest was interrupted");
    }
    if (run_time_left() == 0) {
        return diag_error(&cli->diags, "timeout", (span){0}, "the guest has run longer than " STRF,
                          STRA(run_time_text(cli, o->timeout)));
    }
    return diag_error(&cli->diags, "trap", (span){0}, "the guest trapped: " STRF, STRA(message));
}

int run_trap_code(void)
{
    return ended_by_user ? 128 + SIGINT : EXIT_TRAP;
}

void run_add_frames(struct cli *cli, struct diag *x, struct engine_frames frames)
{
    struct arena *a = &cli->arena; /* the store is gone when they are shown */
    engine_locate(a, frames.list, frames.count);
    for (u32 i = 0; i < frames.count; i++) {
        const struct engine_frame *f = &frames.list[i];
        struct diag_place *places = arena_array(a, struct diag_place, f->place_count);
        for (u32 k = 0; k < f->place_count; k++) {
            const struct engine_place *p = &f->places[k];
            places[k] = (struct diag_place){engine_demangle(str_dup(a, p->func), a),
                                            str_dup(a, p->file), p->line, p->column};
        }
        str name = str_dup(a, f->func), readable = engine_demangle(name, a);
        *vec_push(a, &x->frames) =
            (struct diag_frame){.instance = str_dup(a, f->instance),
                                .func = name,
                                .demangled = readable.ptr == name.ptr ? STR("") : readable,
                                .no_code = !f->module,
                                .index = f->index,
                                .offset = f->offset,
                                .places = places,
                                .place_count = f->place_count,
                                .left_out = i == frames.left_out_at ? frames.left_out : 0};
    }
}

bool run_read_invoke(struct cli *cli, const struct run_options *o, u32 *source,
                     struct wave_call *call)
{
    str text = str_c(o->invoke);
    if (str_find_char(text, '(', 0) == SIZE_MAX) {
        /* `--invoke f FILE 1 2`, as wasmtime has it for core modules */
        struct buf b = buf_in(&cli->arena);
        buf_str(&b, text);
        for (u32 i = 1; i < o->arg_count; i++) {
            buf_printf(&b, "%s%s", i == 1 ? "(" : ", ", o->args[i]);
        }
        buf_c(&b, o->arg_count > 1 ? ")" : "()");
        text = buf_view(&b);
    }
    *source = sources_add(&cli->sources, STR("<invoke>"), text, SOURCE_TEXT);
    return wave_read_call(&cli->diags, *source, call);
}

/* ---- Options ---------------------------------------------------------------------------------------------- */

bool run_read_number(struct cli *cli, const char *name, str text, u64 least, u64 *out)
{
    if (!str_to_u64(text, out)) {
        cli_usage(cli, "`%s` takes a number, not `" STRF "`", name, STRA(text));
        return false;
    }
    if (*out < least) {
        cli_usage(cli, "`%s` takes a number from %llu, not `" STRF "`", name,
                  (unsigned long long)least, STRA(text));
        return false;
    }
    return true;
}

static bool number_option(struct cli *cli, const char *name, u64 least, u64 *out)
{
    const char *value = cli_value(cli, name);
    return !value || run_read_number(cli, name, str_c(value), least, out);
}

static bool time_option(struct cli *cli, const char *name, u64 *out)
{
    const char *value = cli_value(cli, name);
    if (!value || run_read_time(str_c(value), out)) {
        return true;
    }
    cli_usage(cli, "`%s` takes a time such as 2, 1.5s or 200ms, not `%s`", name, value);
    return false;
}

static bool read_options(struct cli *cli, struct run_options *o)
{
    const char *seed = cli_value(cli, "seed");
    o->path = cli->args.data[0];
    o->invoke = cli_value(cli, "invoke");
    o->trace = cli_flag(cli, "trace");
    o->leaks = cli_flag(cli, "leaks");
    o->lazy_validate = cli_flag(cli, "lazy-validate");
    o->inherit_env = cli_flag(cli, "inherit-env");
    o->has_seed = seed != NULL;
    o->unknown_imports_trap = cli_flag(cli, "unknown-imports-trap");
    if (!cli_features(cli, &o->features) || !number_option(cli, "fuel", 1, &o->limits.fuel) ||
        !time_option(cli, "timeout", &o->timeout) ||
        !time_option(cli, "stall-timeout", &o->stall_timeout) ||
        !number_option(cli, "max-memory", 1, &o->limits.memory_bytes) ||
        !number_option(cli, "max-task-memory", 1, &o->limits.task_bytes) ||
        !number_option(cli, "seed", 0, &o->seed) || !run_read_lists(cli, o)) {
        return false;
    }
    const char **args = arena_array(&cli->arena, const char *, cli->args.len);
    const char *argv0 = cli_value(cli, "argv0");
    for (u32 i = 0; i < cli->args.len; i++) {
        args[i] = i || !argv0 ? cli->args.data[i] : argv0;
    }
    o->args = args;
    o->arg_count = cli->args.len;
    return true;
}

static int run(struct cli *cli)
{
    struct run_options o = {0};
    struct wasm_binary binary;
    if (run_show_lists(cli)) {
        return 0;
    }
    if (cli->args.len == 0) {
        return cli_usage(cli, "a module or component is missing");
    }
    if (!read_options(cli, &o)) {
        return cli->diags.errors ? 1 : 2;
    }
    if (!cli_read_binary(cli, o.path, o.features, &binary)) {
        return 1;
    }
    time_allowed = o.timeout;
    return binary.layer == LAYER_COMPONENT ? run_component(cli, &o, binary.component)
                                           : run_module(cli, &o, binary.module);
}

const struct command cmd_run = {
    .name = "run",
    .summary = "run a module or a component",
    .usage = "[OPTIONS] FILE [ARGUMENTS]",
    .options = options,
    .rest_is_guest = true,
    .run = run,
};
