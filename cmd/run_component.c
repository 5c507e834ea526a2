/* run_component.c - runs a component: `wasi:cli/run`, or a call of one of its exports. */
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
    bool stalled; /* --stall-timeout is over: the loop said that nothing is pending */
};

/* ---- Reports ------------------------------------------------------------------------------------------ */

/* The wait-for graph as data; the store is gone when it is shown. */
static void add_waits(struct cli *cli, struct diag *d, const struct canon_trap *t)
{
    struct arena *a = &cli->arena;
    for (u32 i = 0; i < t->wait_count; i++) {
        const struct canon_wait *w = &t->waits[i];
        u32 *waits_for = arena_array(a, u32, w->edge_count + 1);
        memcpy(waits_for, w->edges ? w->edges : waits_for, w->edge_count * sizeof *waits_for);
        *vec_push(a, &d->waits) = (struct diag_wait){.task = w->task,
                                                     .instance = str_dup(a, w->instance),
                                                     .func = str_dup(a, w->func),
                                                     .what = str_dup(a, w->what),
                                                     .waits_for = waits_for,
                                                     .count = w->edge_count,
                                                     .in_cycle = w->in_cycle};
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
    }
    if (t->detail.len) {
        diag_note(&cli->diags, d, STRF, STRA(t->detail));
    }
    run_add_frames(cli, d, t->frames, t->frame_count, t->frames_left_out, t->left_out_at);
    add_waits(cli, d, t);
    for (str rest = t->report, line; rest.len;) {
        rest = str_cut(rest, '\n', &line);
        diag_note(&cli->diags, d, STRF, STRA(line));
    }
    return run_trap_code();
}

static void report_leaks(struct session *x)
{
    struct canon_leak *leaks;
    u32 n;
    canon_leaks(x->store, &x->cli->arena, &leaks, &n);
    for (u32 i = 0; i < n; i++) {
        struct diag *d = diag_warning(&x->cli->diags, "leak", (span){0},
                                      "still open at the end: " STRF " in `" STRF "`",
                                      STRA(leaks[i].what), STRA(leaks[i].instance));
        if (leaks[i].made_by.len) {
            diag_note(&x->cli->diags, d, "made by " STRF, STRA(leaks[i].made_by));
        }
    }
}

static const char *const event_names[] = {
    [TRACE_CALL] = "call",   [TRACE_RETURN] = "return",   [TRACE_CANCEL] = "cancel",
    [TRACE_BLOCK] = "block", [TRACE_RESUME] = "resume",   [TRACE_COPY] = "copy",
    [TRACE_DROP] = "drop",   [TRACE_BUILTIN] = "builtin", [TRACE_TRAP] = "trap",
};

#define TRACE_VALUE 500 /* bytes of a value, about */

/* One line for each event: `[task] event instance func(values) what`. */
static void trace(void *ctx, const struct canon_trace *t)
{
    struct arena a = {0};
    struct buf b = buf_in(&a);
    (void)ctx;
    buf_printf(&b, "[%u] %-7s " STRF " " STRF, t->task, event_names[t->event], STRA(t->instance),
               STRA(t->func));
    if (t->event == TRACE_CALL && t->type) {
        buf_byte(&b, '(');
        for (u32 i = 0; i < t->value_count; i++) {
            buf_c(&b, i ? ", " : "");
            wave_print_some(&b, &t->values[i], t->type->params[i].type, TRACE_VALUE);
        }
        buf_byte(&b, ')');
    } else if (t->event == TRACE_RETURN && t->type && t->type->result && t->value_count) {
        buf_c(&b, " -> ");
        wave_print_some(&b, &t->values[0], t->type->result, TRACE_VALUE);
    }
    if (t->what.len) {
        buf_printf(&b, " " STRF, STRA(t->what));
    }
    if (t->count) {
        buf_printf(&b, " (%u)", t->count);
    }
    buf_byte(&b, '\n');
    fwrite(b.data, 1, b.len, stderr);
    arena_free(&a);
}

/* ---- Which export ----------------------------------------------------------------------------------------- */

struct candidate {
    str interface, name;
    struct canon_func *func;
};
typedef VEC(struct candidate) candidate_vec;

/* Does the user's `wanted` mean the exported interface `have`? In full, without the version, or by its last word. */
static bool interface_matches(str wanted, str have)
{
    str plain, version = str_cut(have, '@', &plain);
    str want_plain, want_version = str_cut(wanted, '@', &want_plain);
    if (wanted.len == 0 || str_eq(wanted, have) || canon_name_compatible(wanted, have)) {
        return true;
    }
    size_t slash = str_rfind_char(plain, '/');
    bool last_word = slash != SIZE_MAX && str_eq(want_plain, str_sub(plain, slash + 1, plain.len));
    return (str_eq(want_plain, plain) || last_word) &&
           (want_version.len == 0 || str_eq(want_version, version));
}

static void collect(struct cli *cli, const struct canon_instance *i, str interface,
                    candidate_vec *out)
{
    for (u32 n = 0; n < canon_export_count(i); n++) {
        const struct canon_export *e = canon_export_at(i, n);
        if (e->sort == SORT_FUNC) {
            *vec_push(&cli->arena, out) = (struct candidate){interface, e->name, e->func};
        } else if (e->sort == SORT_INSTANCE && interface.len == 0) {
            collect(cli, e->instance, e->name, out);
        }
    }
}

static str candidate_name(struct cli *cli, const struct candidate *c)
{
    return c->interface.len
               ? str_printf(&cli->arena, STRF "#" STRF, STRA(c->interface), STRA(c->name))
               : c->name;
}

static struct canon_func *not_found(struct cli *cli, const struct wave_call *call,
                                    const candidate_vec *all)
{
    str *names = arena_array(&cli->arena, str, all->len);
    struct diag *d =
        diag_error(&cli->diags, "invoke", call->name, "the component exports no such function");
    for (u32 i = 0; i < all->len; i++) {
        names[i] = all->data[i].name;
    }
    diag_suggest(&cli->diags, d, call->func, names, all->len);
    if (all->len == 0) {
        diag_note(&cli->diags, d, "it exports no function at all");
    }
    for (u32 i = 0; i < all->len && i < 20; i++) {
        struct buf b = buf_in(&cli->arena);
        canon_functype_print(&b, canon_func_type(all->data[i].func));
        diag_note(&cli->diags, d, "exported: " STRF ": " STRF,
                  STRA(candidate_name(cli, &all->data[i])), STRA(buf_view(&b)));
    }
    return NULL;
}

static struct canon_func *find_func(struct cli *cli, const struct canon_instance *root,
                                    const struct wave_call *call)
{
    candidate_vec all = {0}, found = {0};
    collect(cli, root, (str){0}, &all);
    for (u32 i = 0; i < all.len; i++) {
        struct candidate *c = &all.data[i];
        if (str_eq(c->name, call->func) && interface_matches(call->interface, c->interface)) {
            if (call->interface.len == 0 && c->interface.len == 0) {
                return c->func; /* an export of the root goes first */
            }
            *vec_push(&cli->arena, &found) = *c;
        }
    }
    if (found.len == 0) {
        return not_found(cli, call, &all);
    }
    if (found.len > 1) {
        struct diag *d =
            diag_error(&cli->diags, "invoke", call->name, "several exports have this name");
        for (u32 i = 0; i < found.len; i++) {
            diag_note(&cli->diags, d, "one is `" STRF "`",
                      STRA(candidate_name(cli, &found.data[i])));
        }
        diag_help(&cli->diags, d, "write the interface too, as in `" STRF "(...)`",
                  STRA(candidate_name(cli, &found.data[0])));
        return NULL;
    }
    return found.data[0].func;
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static int invoke(struct session *x, struct canon_instance *root)
{
    struct cli *cli = x->cli;
    struct wave_call call;
    u32 source;
    struct canon_value *args, result;
    if (!run_read_invoke(cli, x->o, &source, &call)) {
        return 1;
    }
    struct canon_func *f = find_func(cli, root, &call);
    if (!f || !wave_read_args(&cli->arena, &cli->diags, source, &call, canon_func_type(f), &args)) {
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
        candidate_vec all = {0};
        collect(cli, root, (str){0}, &all);
        for (u32 i = 0; i < all.len && i < 20; i++) {
            diag_note(&cli->diags, d, "it exports `" STRF "`",
                      STRA(candidate_name(cli, &all.data[i])));
        }
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
        return 1;
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
    if (!cli->diags.errors && canon_store_run_until(x->store, NULL, NULL) == CANON_TRAPPED) {
        int last = report_trap(x);
        code = last ? last : code;
    }
    return code;
}

/* ---- The session --------------------------------------------------------------------------------------------------- */

int run_component(struct cli *cli, const struct run_options *o, const struct wasm_component *c)
{
    struct session x = {.cli = cli, .o = o, .seed = {o->seed}};
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
        config.trace = trace;
    }
    x.store = canon_store_new(&config);
    run_watch_signals(canon_engine(x.store));
    int code = run_session(&x, c);
    if (o->leaks && !cli->diags.errors) {
        report_leaks(&x);
    }
    int error = wasi_output_error(x.wasi) ? wasi_output_error(x.wasi) : run_results_error();
    if (error && !cli->diags.errors) {
        diag_error(&cli->diags, "output", (span){0}, "cannot write `<stdout>`: %s",
                   strerror(error));
        code = code ? code : 1;
    }
    run_unwatch_signals();
    canon_store_free(x.store);
    canon_linker_free(x.linker);
    wasi_free(x.wasi);
    return code;
}
