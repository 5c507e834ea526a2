/* run_component.c - runs a component: `wasi:cli/run`, or a call of one of its exports. */
#include "run_find.h"
#include "run_results.h"
#include "wasi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct cli *cli;
    const struct run_options *o;
    struct wasi_options wasi_options;
    struct wasi *wasi;
    struct canon_linker *linker;
    struct canon_store *store;
    struct canon_seed seed;
    bool is_over; /* nothing more can run, and no trap has ended it */
    bool stalled; /* --stall-timeout is over: the loop said that nothing is pending */
    struct run_trace trace;
};

/* ---- Reports ------------------------------------------------------------------------------------------ */

static struct diag_party party(struct arena *a, struct diag_party p)
{
    return (struct diag_party){p.task, str_dup(a, p.instance), str_dup(a, p.func)};
}

static struct diag_awaited awaited(struct arena *a, struct diag_awaited on)
{
    on.func = str_dup(a, on.func);
    on.instance = str_dup(a, on.instance);
    return on;
}

/* The wait-for graph as text and as data; the store is gone when it is shown. */
static void add_waits(struct cli *cli, struct diag *d, const struct diag_wait *waits, u32 n,
                      str text)
{
    struct arena *a = &cli->arena;
    for (str line; text.len;) {
        text = str_cut(text, '\n', &line);
        diag_note(&cli->diags, d, STRF, STRA(line));
    }
    for (u32 i = 0; i < n; i++) {
        struct diag_wait w = waits[i];
        struct diag_awaited *members = arena_array(a, struct diag_awaited, w.member_count);
        u32 *waits_for = arena_array(a, u32, w.count);
        for (u32 k = 0; k < w.member_count; k++) {
            members[k] = awaited(a, w.members[k]);
        }
        for (u32 k = 0; k < w.count; k++) {
            waits_for[k] = w.waits_for[k];
        }
        w.instance = str_dup(a, w.instance);
        w.func = str_dup(a, w.func);
        w.caller = party(a, w.caller);
        w.core = str_dup(a, w.core);
        w.on = awaited(a, w.on);
        w.members = members;
        w.raiser = party(a, w.raiser);
        w.holder = party(a, w.holder);
        w.what = str_dup(a, w.what);
        w.waits_for = waits_for;
        *vec_push(a, &d->waits) = w;
    }
}

static int report_trap(struct session *x)
{
    struct cli *cli = x->cli;
    const struct canon_trap *t = canon_trap_of(x->store);
    if (t->is_exit) {
        return t->exit_code;
    }
    struct diag *d;
    if (run_time_left() == 0 || !t->is_deadlock) {
        d = run_trap_error(cli, x->o, t->message);
    } else if (x->stalled) {
        d = diag_error(&cli->diags, "stall", (span){0}, "nothing has moved for " STRF,
                       STRA(run_time_text(cli, x->o->stall_timeout)));
    } else {
        d = diag_error(&cli->diags, "deadlock", (span){0}, STRF, STRA(t->message));
    }
    if (t->func.len) {
        diag_note(&cli->diags, d, "in component instance `" STRF "`, running `" STRF "`",
                  STRA(t->instance), STRA(t->func));
    } else if (t->instance.len && !t->wait_count) { /* the graph names them */
        diag_note(&cli->diags, d, "in component instance `" STRF "`", STRA(t->instance));
    }
    if (t->detail.len) {
        diag_note(&cli->diags, d, STRF, STRA(t->detail));
    }
    run_add_frames(cli, d, t->frames);
    add_waits(cli, d, t->waits, t->wait_count, t->report);
    return run_trap_code();
}

/* ` (handle 1, and 2 like it)`, or what of it there is to say. */
static str which(struct arena *a, const struct canon_leak *l)
{
    struct buf b = buf_in(a);
    if (l->handle) {
        buf_printf(&b, "handle %u", l->handle);
    }
    if (l->count > 1) {
        buf_printf(&b, "%sand %u like it", l->handle ? ", " : "", l->count - 1);
    }
    return b.len ? str_printf(a, " (" STRF ")", STRA(buf_view(&b))) : STR("");
}

static void report_leak(struct cli *cli, const struct canon_leak *l)
{
    struct arena *a = &cli->arena; /* the store is gone when it is shown */
    struct diag_leak *data = arena_new(a, struct diag_leak);
    *data = (struct diag_leak){.instance = str_dup(a, l->instance),
                               .what = str_dup(a, l->what),
                               .handle = l->handle,
                               .count = l->count,
                               .maker_instance = str_dup(a, l->maker_instance),
                               .maker = str_dup(a, l->maker)};
    struct diag *d = diag_warning(&cli->diags, "leak", (span){0},
                                  "still open at the end: " STRF STRF " in `" STRF "`",
                                  STRA(l->what), STRA(which(a, l)), STRA(l->instance));
    d->leak = data;
    if (l->maker.len && l->maker_instance.len) {
        diag_note(&cli->diags, d, "made by `" STRF "` in `" STRF "`", STRA(l->maker),
                  STRA(l->maker_instance));
    } else if (l->maker.len) {
        diag_note(&cli->diags, d, "made by `" STRF "`", STRA(l->maker));
    } else if (l->maker_instance.len) {
        diag_note(&cli->diags, d, "made by a call from `" STRF "`", STRA(l->maker_instance));
    }
}

/* Tasks that have returned, and wait for ever: nobody waits for them, so that is no deadlock. */
static void report_waiting(struct session *x)
{
    struct arena *a = &x->cli->arena;
    struct diag_wait *waits;
    u32 n;
    canon_waits(x->store, a, &waits, &n);
    if (n && waits[0].task) {
        struct diag *d = diag_warning(&x->cli->diags, "leak", (span){0},
                                      "still open at the end: tasks that wait for ever");
        add_waits(x->cli, d, waits, n, canon_waits_text(a, waits, n));
    }
}

static void report_leaks(struct session *x)
{
    struct canon_leak *leaks;
    u32 n;
    u64 more = canon_leaks(x->store, &x->cli->arena, &leaks, &n);
    for (u32 i = 0; i < n; i++) {
        report_leak(x->cli, &leaks[i]);
    }
    if (more) {
        diag_warning(&x->cli->diags, "leak", (span){0},
                     "still open at the end: %llu more handles and tasks",
                     (unsigned long long)more);
    }
    if (x->is_over) {
        report_waiting(x);
    }
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static int print_value(struct session *x, u32 source, const struct wave_call *call,
                       const struct canon_export *e)
{
    struct cli *cli = x->cli;
    const struct canon_functype none = {0};
    struct canon_value *args;
    if (!wave_read_args(&cli->arena, &cli->diags, source, call, &none, NULL, &args)) {
        diag_note(&cli->diags, *vec_last(&cli->diags.list), "`" STRF "` is a value, no function",
                  STRA(e->name));
        return 1;
    }
    return run_print_result(cli, x->store, e->value, e->type) ? 0 : report_trap(x);
}

static int invoke(struct session *x, struct canon_instance *root)
{
    struct cli *cli = x->cli;
    struct wave_call call;
    struct run_export e;
    u32 source;
    struct canon_value *args, result;
    if (!run_read_invoke(cli, x->o, &source, &call) || !run_find_export(cli, root, &call, &e)) {
        return 1;
    }
    if (e.what->sort == SORT_VALUE) {
        return print_value(x, source, &call, e.what);
    }
    struct canon_func *f = e.what->func;
    if (!wave_read_args(&cli->arena, &cli->diags, source, &call, canon_func_type(f), x->store,
                        &args)) {
        return 1;
    }
    if (canon_invoke(x->store, f, args, canon_func_type(f)->param_count, &cli->arena, &result) ==
        CANON_TRAPPED) {
        return report_trap(x);
    }
    return run_print_result(cli, x->store, &result, canon_func_type(f)->result) ? 0
                                                                                : report_trap(x);
}

static int run_command(struct session *x, struct canon_instance *root)
{
    static const char *const interfaces[] = {"wasi:cli/run@0.3.0", "wasi:cli/run@0.2.0"};
    struct cli *cli = x->cli;
    struct canon_func *f = NULL;
    struct canon_value result = {0};
    for (size_t i = 0; !f && i < LENGTH_OF(interfaces); i++) {
        f = canon_find_func(root, str_c(interfaces[i]), STR("run"));
    }
    if (!f) {
        struct diag *d =
            diag_error(&cli->diags, "run", (span){0},
                       "`%s` is no program: it does not export `wasi:cli/run`", x->o->path);
        run_list_exports(cli, d, root);
        diag_help(&cli->diags, d, "call an export with `--invoke 'NAME(ARGUMENTS)'`");
        return 1;
    }
    if (canon_invoke(x->store, f, NULL, 0, &cli->arena, &result) == CANON_TRAPPED) {
        return report_trap(x);
    }
    return result.kind == CANON_T_RESULT && result.index ? 1 : 0;
}

/* The loop of the hosts, with an end to its patience. While it waits a signal is not for the guest. */
static bool poll_patiently(void *env, bool may_block)
{
    struct session *x = env;
    struct canon_loop loop = wasi_loop(x->wasi);
    u64 stall = x->o->stall_timeout ? x->o->stall_timeout : UINT64_MAX;
    u64 left = run_time_left(), patience = stall < left ? stall : left;
    run_waiting(may_block);
    enum wasi_turn turn;
    if (!may_block || patience == UINT64_MAX) {
        turn = loop.poll(loop.env, may_block) ? WASI_PROGRESS : WASI_NOTHING;
    } else {
        turn = wasi_wait(x->wasi, patience);
    }
    run_waiting(false);
    x->stalled = turn == WASI_TIMEOUT && stall < left;
    return turn == WASI_PROGRESS;
}

static int run_session(struct session *x, const struct wasm_component *c)
{
    struct cli *cli = x->cli;
    struct canon_instance *root;
    struct canon_loaded *loaded = canon_load(x->store, c, &cli->diags);
    if (!loaded) {
        return cli->diags.errors ? 1 : report_trap(x);
    }
    enum canon_outcome outcome =
        canon_instantiate(x->store, loaded, x->linker, NULL, &root, &cli->diags);
    if (cli->diags.errors) {
        return 1;
    }
    if (outcome == CANON_TRAPPED) {
        return report_trap(x);
    }
    int code = x->o->invoke ? invoke(x, root) : run_command(x, root);
    /* What the program has begun goes on: tasks that have returned and not ended, output on its way. */
    if (!cli->diags.errors) {
        x->is_over = canon_store_run_until(x->store, NULL, NULL) != CANON_TRAPPED;
        int last = x->is_over ? 0 : report_trap(x);
        code = last ? last : code;
    }
    return code;
}

/* ---- The session --------------------------------------------------------------------------------------------------- */

int run_component(struct cli *cli, const struct run_options *o, const struct wasm_component *c)
{
    struct session x = {
        .cli = cli, .o = o, .seed = {o->seed}, .trace = {cli->format == DIAG_JSON, 0}};
    run_wasi_options(cli, o, &x.wasi_options);
    x.wasi = wasi_new(&x.wasi_options);
    x.linker = canon_linker_new();
    wasi_link(x.wasi, x.linker);
    canon_linker_trap_unknown(x.linker, o->unknown_imports_trap);
    struct canon_config config = {
        .features = o->features,
        .limits = o->limits,
        .loop = {&x, poll_patiently},
        .track_handles = o->leaks,
        .lazy_validation = o->lazy_validate,
    };
    if (o->has_seed) {
        config.choose = canon_choose_seeded;
        config.choose_ctx = &x.seed;
    }
    if (o->trace) {
        config.trace = run_trace_event;
        config.trace_ctx = &x.trace;
    }
    x.store = canon_store_new(&config);
    run_watch_signals(canon_engine(x.store));
    int code = run_session(&x, c);
    if (o->leaks) {
        report_leaks(&x);
    }
    int error = wasi_output_error(x.wasi) ? wasi_output_error(x.wasi) : run_results_error();
    if ((error || x.trace.error) && !cli->diags.errors) {
        diag_error(&cli->diags, "output", (span){0}, "cannot write `<%s>`: %s",
                   error ? "stdout" : "stderr", strerror(error ? error : x.trace.error));
        code = code ? code : 1;
    }
    run_unwatch_signals();
    canon_store_free(x.store);
    canon_linker_free(x.linker);
    wasi_free(x.wasi);
    return code;
}
