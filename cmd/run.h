/* run.h - the parts of `witc run`: cmd_run.c reads options, run_component.c and run_module.c run. */
#ifndef WITC_RUN_H
#define WITC_RUN_H

#include "canon.h"
#include "cmd.h"
#include "engine.h"
#include "wasi.h"
#include "wave.h"

#define EXIT_TRAP 134

struct run_options {
    const char *path;
    const char *invoke;      /* NULL: the program's own start */
    const char *const *args; /* the guest's arguments, args[0] its name */
    u32 arg_count;
    struct features features;
    struct engine_limits limits;
    bool has_seed, trace, leaks;
    u64 seed;
    u64 timeout, stall_timeout; /* milliseconds, 0: none */
    bool unknown_imports_trap, inherit_env, lazy_validate;
};

/* Reads the lists of `-W` and `-S`, as wasmtime has them; says what is wrong with them. */
WITC_NODISCARD bool run_read_lists(struct cli *cli, struct run_options *o);
/* Prints what a list may hold if one of them is `help`. */
bool run_show_lists(struct cli *cli);
/* A number of at least `least`; the name is for the mistake. */
WITC_NODISCARD bool run_read_number(struct cli *cli, const char *name, str text, u64 least,
                                    u64 *out);
/* `5`, `1.5s`, `200ms`, `2m`: a time in milliseconds, never 0; seconds if there is no unit. */
WITC_NODISCARD bool run_read_time(str text, u64 *milliseconds);

/* Both run to the end and give the exit code; what there is to say is in cli->diags. */
int run_component(struct cli *cli, const struct run_options *o, const struct wasm_component *c);
int run_module(struct cli *cli, const struct run_options *o, const struct wasm_module *m);

/* What --env, --dir and the arguments say. */
void run_wasi_options(struct cli *cli, const struct run_options *o, struct wasi_options *out);
/* A function of WASI 0.1; false if the import is none. */
bool run_find_preview1(struct wasi_preview1 *p, struct engine_store *s,
                       const struct wasm_import *import, struct engine_extern *out);
/* The error for an import of a core module that nobody provides. */
void run_unknown_import(struct cli *cli, const struct wasm_import *import);

/* The source of --invoke, and the head of the call; a bare name takes its arguments from the guest's. */
WITC_NODISCARD bool run_read_invoke(struct cli *cli, const struct run_options *o, u32 *source,
                                    struct wave_call *call);
/* Writes a line to standard output. */
void run_print_line(const struct buf *b);
/* The error of a guest that trapped, or that --timeout or Ctrl-C ended. */
struct diag *run_trap_error(struct cli *cli, const struct run_options *o, str message);
/* The exit code of such a guest: EXIT_TRAP, or 130 after Ctrl-C. */
int run_trap_code(void);
/* "2 s" or "1500 ms" */
str run_time_text(struct cli *cli, u64 milliseconds);
/* Adds the frames of a trap with their places in the source. */
void run_add_frames(struct cli *cli, struct diag *x, struct engine_frames frames);
/* Where the lines of --trace go: standard error, as text or as JSON. */
struct run_trace {
    bool as_json;
    int error; /* errno of the first line that could not be written, or 0 */
};
/* A canon_trace_fn whose context is a struct run_trace. */
void run_trace_event(void *trace, const struct canon_trace *t);
/* From now on Ctrl-C and the end of --timeout, which starts here, interrupt the store. */
void run_watch_signals(struct engine_store *s);
void run_unwatch_signals(void);
/* While no guest runs, Ctrl-C ends the program at once. */
void run_waiting(bool on);
/* Milliseconds until --timeout, 0 when it is over, UINT64_MAX without it. */
u64 run_time_left(void);

#endif
