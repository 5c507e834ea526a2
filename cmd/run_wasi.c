/* run_wasi.c - what a guest of `witc run` is given: arguments, environment, folders, and for core modules the functions of WASI 0.1. */
#include "run.h"

#include <stdlib.h>

extern char **environ;

static void read_environment(struct cli *cli, bool inherit, struct wasi_options *o)
{
    VEC(struct wasi_variable) list = {0};
    const char **given;
    u32 n = cli_values(cli, "env", &given);
    for (char **e = environ; inherit && *e; e++) {
        str name, value = str_cut(str_c(*e), '=', &name);
        *vec_push(&cli->arena, &list) = (struct wasi_variable){name, value};
    }
    for (u32 i = 0; i < n; i++) {
        str name, value = str_cut(str_c(given[i]), '=', &name);
        if (!value.ptr) {
            value = str_c(getenv(str_to_c(&cli->arena, name)));
            if (!value.ptr) {
                continue;
            }
        }
        *vec_push(&cli->arena, &list) = (struct wasi_variable){name, value};
    }
    o->env = list.data;
    o->env_count = list.len;
}

/* `--dir HOST[::GUEST]`: the guest knows the folder by the same name if none is given. */
static void read_dirs(struct cli *cli, struct wasi_options *o)
{
    const char **given;
    u32 n = cli_values(cli, "dir", &given);
    struct wasi_dir *dirs = arena_array(&cli->arena, struct wasi_dir, n);
    for (u32 i = 0; i < n; i++) {
        str all = str_c(given[i]);
        size_t colons = str_find(all, STR("::"), 0);
        bool both = colons != SIZE_MAX;
        dirs[i] = (struct wasi_dir){both ? str_sub(all, 0, colons) : all,
                                    both ? str_sub(all, colons + 2, all.len) : all};
    }
    o->dirs = dirs;
    o->dir_count = n;
}

void run_wasi_options(struct cli *cli, const struct run_options *o, struct wasi_options *out)
{
    str *args = arena_array(&cli->arena, str, o->arg_count);
    for (u32 i = 0; i < o->arg_count; i++) {
        args[i] = str_c(o->args[i]);
    }
    *out = (struct wasi_options){.args = args,
                                 .arg_count = o->arg_count,
                                 .input = 0,
                                 .output = 1,
                                 .error = 2,
                                 .waiting = run_waiting,
                                 .time_left = run_time_left,
                                 .has_seed = o->has_seed,
                                 .seed = o->seed};
    read_environment(cli, o->inherit_env, out);
    read_dirs(cli, out);
}

bool run_find_preview1(struct wasi_preview1 *p, struct engine_store *s,
                       const struct wasm_import *import, struct engine_extern *out)
{
    if (!str_eq_c(import->module, wasi_preview1_module) || import->type.kind != EXTERN_FUNC) {
        return false;
    }
    *out =
        (struct engine_extern){.kind = EXTERN_FUNC, .func = wasi_preview1_func(p, s, import->name)};
    return out->func != NULL;
}

void run_unknown_import(struct cli *cli, const struct wasm_import *import)
{
    struct diags *d = &cli->diags;
    str module = str_c(wasi_preview1_module);
    struct diag *x = diag_error(d, "link", import->at,
                                "unknown import `" STRF "` `" STRF "`: nobody provides it",
                                STRA(import->module), STRA(import->name));
    if (str_eq(import->module, module)) {
        u32 n;
        const str *names = wasi_preview1_names(&n);
        diag_suggest(d, x, import->name, names, n);
    } else {
        diag_suggest(d, x, import->module, &module, 1);
        diag_note(d, x, "a core module can import the functions of `%s`", wasi_preview1_module);
    }
    if (import->type.kind == EXTERN_FUNC) {
        diag_help(d, x, "with `--unknown-imports-trap` it traps when it is called");
    }
}
