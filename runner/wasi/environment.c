/* environment.c - wasi:cli environment, exit and terminal-*, of 0.2 and 0.3. */
#include "wasi_internal.h"

#include <stdio.h>
#include <unistd.h>

static void get_environment(void *env, struct canon_call *c)
{
    const struct wasi_options *o = ((struct wasi *)env)->options;
    struct arena *a = canon_call_arena(c);
    struct canon_value *items = arena_array(a, struct canon_value, o->env_count);
    for (u32 i = 0; i < o->env_count; i++) {
        struct canon_value *pair = arena_array(a, struct canon_value, 2);
        pair[0] = canon_string(o->env[i].name);
        pair[1] = canon_string(o->env[i].value);
        items[i] = canon_list(CANON_T_TUPLE, pair, 2);
    }
    struct canon_value list = canon_list(CANON_T_LIST, items, o->env_count);
    canon_call_return(c, &list);
}

static void get_arguments(void *env, struct canon_call *c)
{
    const struct wasi_options *o = ((struct wasi *)env)->options;
    struct canon_value *items = arena_array(canon_call_arena(c), struct canon_value, o->arg_count);
    for (u32 i = 0; i < o->arg_count; i++) {
        items[i] = canon_string(o->args[i]);
    }
    struct canon_value list = canon_list(CANON_T_LIST, items, o->arg_count);
    canon_call_return(c, &list);
}

static void initial_cwd(void *env, struct canon_call *c)
{
    const struct wasi_options *o = ((struct wasi *)env)->options;
    struct canon_value text = canon_string(o->initial_cwd);
    bool some = o->initial_cwd.len != 0;
    struct canon_value option = canon_case(CANON_T_OPTION, some, some ? &text : NULL);
    canon_call_return(c, &option);
}

const struct canon_host_row wasi_environment2_rows[] = {
    {"get-environment", "func() -> list<tuple<string, string>>", get_environment},
    {"get-arguments", "func() -> list<string>", get_arguments},
    {"initial-cwd", "func() -> option<string>", initial_cwd},
    {NULL},
};
const struct canon_host_row wasi_environment3_rows[] = {
    {"get-environment", "func() -> list<tuple<string, string>>", get_environment},
    {"get-arguments", "func() -> list<string>", get_arguments},
    {"get-initial-cwd", "func() -> option<string>", initial_cwd},
    {NULL},
};

static void exit_(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_exit(c, canon_call_arg(c, 0)->index ? 1 : 0);
}

static void exit_with_code(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_exit(c, (int)canon_call_arg(c, 0)->u);
}

const struct canon_host_row wasi_exit_rows[] = {
    {"exit", "func(status: result)", exit_},
    {"exit-with-code", "func(status-code: u8)", exit_with_code},
    {NULL},
};

/* ---- Terminals: a handle that says that there is one ---------------------------------------------- */

static void return_terminal(struct canon_call *c, struct canon_resource_type *resource, int fd)
{
    bool some = fd >= 0 && isatty(fd);
    struct canon_value handle = canon_own(resource, (u64)fd);
    struct canon_value option = canon_case(CANON_T_OPTION, some, some ? &handle : NULL);
    canon_call_return(c, &option);
}

static struct canon_resource_type *result_resource(const struct canon_call *c)
{
    return canon_call_type(c)->result->fields[1].type->resource;
}

static void terminal_stdin(void *env, struct canon_call *c)
{
    return_terminal(c, result_resource(c), ((struct wasi *)env)->options->input);
}

static void terminal_stdout(void *env, struct canon_call *c)
{
    return_terminal(c, result_resource(c), ((struct wasi *)env)->options->output);
}

static void terminal_stderr(void *env, struct canon_call *c)
{
    return_terminal(c, result_resource(c), ((struct wasi *)env)->options->error);
}

static struct canon_linker_instance *instance(struct canon_linker *l, const char *interface,
                                              const char *version)
{
    char name[64];
    snprintf(name, sizeof name, "wasi:cli/%s@%s", interface, version);
    return canon_linker_instance(l, name);
}

void wasi_link_terminal(struct wasi *w, struct canon_linker *l, u32 which, const char *version)
{
    static const struct {
        const char *interface, *func, *signature;
        canon_host_fn *fn;
        bool input;
    } rows[] = {
        {"terminal-stdin", "get-terminal-stdin", "func() -> option<own<terminal-input>>",
         terminal_stdin, true},
        {"terminal-stdout", "get-terminal-stdout", "func() -> option<own<terminal-output>>",
         terminal_stdout, false},
        {"terminal-stderr", "get-terminal-stderr", "func() -> option<own<terminal-output>>",
         terminal_stderr, false},
    };
    struct wasi_resources *r = &w->resources;
    r->terminal_input[which] =
        canon_linker_resource(instance(l, "terminal-input", version), "terminal-input", NULL, w);
    r->terminal_output[which] =
        canon_linker_resource(instance(l, "terminal-output", version), "terminal-output", NULL, w);
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct canon_linker_instance *x = instance(l, rows[i].interface, version);
        canon_linker_use(x, rows[i].input ? "terminal-input" : "terminal-output",
                         rows[i].input ? r->terminal_input[which] : r->terminal_output[which]);
        canon_linker_func(x, rows[i].func, rows[i].signature, rows[i].fn, w);
    }
}
