/* builtins.c - fuzz target: three guests in a row that interpret the input as calls of canonical built-ins, of each other in all forms, and of a host that
 * answers at once, later or never; the host calls the first one several times and cancels. Whatever they do must end in results or traps.
 * An input: seed and switches, variant of the guests, number of sessions and whether they share a store; for each session, which has instances of its own, an
 * equal part: three bytes of plan (see run), then commands (builtins_guest.h). */
#include "builtins_world.h"

#include <stdio.h>
#include <stdlib.h>

#define FUEL         50000
#define HEAD         3
#define PLAN         3
#define MAX_INPUT    1200
#define MAX_SESSIONS 6
#define UNTIL_TURN   1000
#define MAX_POLLS    200
#define TOGETHER     248

/* ---- The host -------------------------------------------------------------------------------------------- */

#define PENDING 8

struct host {
    struct canon_store *store;
    struct canon_resource_type *resource;
    const struct canon_type *byte, *string;
    struct canon_call *calls[PENDING]; /* answered by the loop, oldest first */
    struct canon_end *writers[PENDING];
    struct canon_end *promises[PENDING];
    u32 call_count, writer_count, promise_count, polls;
};

static void quick(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_return(c, canon_call_arg(c, 0));
}

static void answer(struct canon_call *c)
{
    struct canon_value v = canon_call_type(c)->result->kind == CANON_T_STRING
                               ? canon_string(STR("h\xc3\xb6rt"))
                               : canon_u(CANON_T_U32, 7);
    canon_call_return(c, &v);
}

static void on_cancel(void *env, struct canon_call *c)
{
    struct host *h = env;
    for (u32 i = 0; i < h->call_count; i++) {
        if (h->calls[i] == c) {
            h->calls[i] = h->calls[--h->call_count];
        }
    }
    canon_call_cancelled(c);
}

static void slow(void *env, struct canon_call *c)
{
    struct host *h = env;
    if (h->call_count == PENDING) {
        canon_call_trap(c, "too much to do");
        return;
    }
    h->calls[h->call_count++] = c;
    if (h->call_count & 1) {
        canon_call_on_cancel(c, on_cancel, h);
    }
}

static void writer_gone(void *env, struct canon_end *end)
{
    struct host *h = env;
    for (u32 i = 0; i < h->writer_count; i++) {
        if (h->writers[i] == end) {
            h->writers[i] = h->writers[--h->writer_count];
        }
    }
    for (u32 i = 0; i < h->promise_count; i++) {
        if (h->promises[i] == end) {
            h->promises[i] = h->promises[--h->promise_count];
        }
    }
}

static const struct canon_source source = {NULL, NULL, writer_gone};

static void on_read(void *env, struct canon_end *end, const struct canon_read *r)
{
    struct host *h = env;
    if (h->writer_count && r->count) {
        canon_stream_write_bytes(h->writers[0], r->bytes, r->count);
    }
    if (r->closed) {
        canon_end_drop(end);
    } else {
        canon_stream_read(end, 3, on_read, h);
    }
}

static void work(void *env, struct canon_call *c)
{
    canon_stream_read(canon_call_arg(c, 1)->end, 5, on_read, env);
    slow(env, c);
}

static void pipe_through(void *env, struct canon_call *c)
{
    struct host *h = env;
    if (h->writer_count == PENDING) {
        canon_call_trap(c, "too many streams");
        return;
    }
    u32 at = h->writer_count++;
    struct canon_value v = canon_readable(
        CANON_T_STREAM, canon_stream_new(h->store, h->byte, &source, h, &h->writers[at]));
    canon_stream_read(canon_call_arg(c, 0)->end, 5, on_read, h);
    canon_call_return(c, &v);
}

static void promise(void *env, struct canon_call *c)
{
    struct host *h = env;
    if (h->promise_count == PENDING) {
        canon_call_trap(c, "too many promises");
        return;
    }
    u32 at = h->promise_count++;
    struct canon_value v = canon_readable(
        CANON_T_FUTURE, canon_future_new(h->store, h->string, &source, h, &h->promises[at]));
    canon_call_return(c, &v);
}

static void make(void *env, struct canon_call *c)
{
    struct host *h = env;
    struct canon_value v = canon_own(h->resource, canon_call_arg(c, 0)->u);
    canon_call_return(c, &v);
}

static void give(void *env, struct canon_call *c)
{
    struct host *h = env;
    struct canon_value v = canon_bytes(STR("given"));
    canon_resource_drop(h->store, h->resource, canon_call_arg(c, 0)->rep);
    canon_call_return(c, &v);
}

static bool poll_host(void *env, bool may_block)
{
    struct host *h = env;
    if (!may_block || ++h->polls > MAX_POLLS) {
        return false;
    }
    if (h->promise_count) {
        struct canon_value v = canon_string(STR("kept"));
        canon_future_resolve(h->promises[--h->promise_count], &v);
        return true;
    }
    if (h->writer_count && h->polls % 4 == 0) {
        canon_stream_close(h->writers[h->writer_count - 1]);
        return true;
    }
    if (h->writer_count && canon_stream_write_bytes(h->writers[0], "abc", 3)) {
        return true;
    }
    if (h->call_count) {
        answer(h->calls[--h->call_count]);
        return true;
    }
    return false;
}

static const struct canon_host_row host_rows[] = {
    {"quick", "func(x: u32) -> u32", quick},
    {"slow", "async func(x: u32) -> u32", slow},
    {"pipe", "async func(s: stream<u8>) -> stream<u8>", pipe_through},
    {"promise", "async func(x: u32) -> future<string>", promise},
    {"text", "func(s: string) -> string", quick},
    {NULL, NULL, NULL},
};
static const struct canon_host_row next_rows[] = {
    {"work", "async func(p: list<u8>, s: stream<u8>) -> u32", work},
    {"stack", "async func(p: list<u8>) -> u32", slow},
    {"block", "async func(p: list<u8>) -> u32", slow},
    {"plain", "func(p: list<u8>) -> u32", slow},
    {"make", "func(x: u32) -> own<r>", make},
    {"lend", "async func(r: borrow<r>, p: list<u8>) -> u32", slow},
    {"give", "func(r: own<r>) -> list<u8>", give},
    {"say", "async func(s: string) -> string", slow},
    {"tell", "func(s: string) -> string", quick},
    {NULL, NULL, NULL},
};

static struct canon_linker *new_linker(struct host *h)
{
    struct canon_linker *l = canon_linker_new();
    struct canon_linker_instance *next = canon_linker_instance(l, "next");
    canon_linker_funcs(canon_linker_instance(l, "host"), host_rows, h);
    h->resource = canon_linker_resource(next, "r", NULL, NULL);
    canon_linker_funcs(next, next_rows, h);
    h->byte = canon_linker_parse_type(canon_linker_root(l), "u8");
    h->string = canon_linker_parse_type(canon_linker_root(l), "string");
    return l;
}

/* ---- The run ---------------------------------------------------------------------------------------------- */

#define VARIANTS 120

static struct arena shared;
static const struct wasm_component *components[VARIANTS];

static const struct wasm_component *get_component(u32 variant)
{
    struct sources sources = {.arena = &shared};
    struct diags d;
    struct buf text = buf_in(&shared);
    struct wasm_binary b;
    if (components[variant]) {
        return components[variant];
    }
    if (!row_count) {
        fill_rows(&shared);
    }
    diags_init(&d, &shared, &sources);
    put_text(&text, variant);
    u32 from = sources_add(&sources, STR("guest"), buf_view(&text), SOURCE_TEXT);
    if (!wasm_read(&shared, from, features_all(), &b, &d)) {
        show(&shared, &d);
    }
    return components[variant] = b.component;
}

static u32 turns;

static bool done(void *env)
{
    (void)env;
    return ++turns % 64 == 0 || turns > UNTIL_TURN;
}

enum { CALLS = 4 };
static const char *const names[] = {"plain", "stack", "block", "work",
                                    "say",   "tell",  "work",  "stack"};

static enum canon_outcome begin(struct host *h, struct canon_instance *instance, const char *name,
                                str commands, struct canon_invocation **out)
{
    struct canon_value args[2] = {canon_bytes(commands)};
    u32 count = 1;
    if (strcmp(name, "work") == 0) {
        struct canon_end *end;
        args[1] =
            canon_readable(CANON_T_STREAM, canon_stream_new(h->store, h->byte, NULL, NULL, &end));
        canon_stream_write_bytes(end, "xyz", 3);
        count = 2;
    } else if (strcmp(name, "say") == 0 || strcmp(name, "tell") == 0) {
        args[0] = canon_string(STR("caf\xc3\xa9 \xe2\x82\xac 10"));
    }
    return canon_begin(h->store, canon_find_func(instance, STR(""), str_c(name)), args, count, NULL,
                       NULL, out);
}

/* plan: 3 bits for each of four calls, 4 bits after which of them the store runs until nothing moves, one whether the first one is cancelled. */
static void run(struct host *h, struct canon_instance *instance, u32 plan, str commands)
{
    struct canon_invocation *inv[CALLS] = {0};
    enum canon_outcome o = CANON_OK;
    turns = 0;
    h->polls = 0;
    for (u32 i = 0; i < CALLS && o != CANON_TRAPPED; i++) {
        o = begin(h, instance, names[plan >> 3 * i & 7],
                  str_sub(commands, commands.len / CALLS * i, commands.len), &inv[i]);
        if (o == CANON_OK && plan >> (12 + i) & 1) {
            o = canon_store_run_until(h->store, NULL, NULL);
        }
    }
    if (o != CANON_TRAPPED && inv[0] && plan & 0x10000) {
        o = canon_cancel(h->store, inv[0]);
    }
    do {
        o = canon_store_run_until(h->store, done, NULL);
    } while (o == CANON_OK && turns < UNTIL_TURN);
}

/* What is told about the end of a run. */
static void report(struct canon_store *s)
{
    struct arena a = {0};
    struct canon_leak *leaks;
    struct diag_wait *waits;
    u32 n;
    canon_leaks(s, &a, &leaks, &n);
    canon_waits(s, &a, &waits, &n);
    canon_waits_text(&a, waits, n);
    arena_free(&a);
}

static void trace(void *ctx, const struct canon_trace *t)
{
    u32 *events = ctx;
    *events += t->event;
}

static void set_config(struct canon_config *c, const u8 *data, struct canon_seed *seed)
{
    seed->state = data[0];
    c->track_handles = data[0] & 1;
    c->trace = data[0] & 2 ? trace : NULL;
    c->choose = data[0] > 3 ? canon_choose_seeded : NULL;
    c->choose_ctx = seed;
}

/* The host is where the world is. */
static void world_new(struct world *w, struct host *h, u32 variant, const struct canon_config *more)
{
    static u32 events;
    struct canon_config config = *more;
    struct sources sources = {.arena = &w->arena};
    struct diags d;
    diags_init(&d, &w->arena, &sources);
    config.features = features_all();
    config.lazy_validation = true;
    config.trace_ctx = &events;
    config.loop = (struct canon_loop){h, poll_host};
    config.limits.fuel = FUEL;
    w->store = h->store = canon_store_new(&config);
    w->linker = new_linker(h);
    w->loaded = canon_load(h->store, get_component(variant), &d);
    world_instantiate(w);
}

/* Whoever is ready is on a queue or one of those that wait for the same set stands in for it; nobody else is there. */
static void check_ready(const struct canon_store *s)
{
    for (const struct thread *th = s->threads; th; th = th->all_next) {
        bool holds =
            th->state == THREAD_WAITING && (th->wait == WAIT_GATE || canon_thread_condition(th));
        bool is_idle = false;
        if (holds && th->in_set) {
            const struct waiters *w = &th->on.set->waiters[th->wait == WAIT_CALLBACK];
            is_idle =
                th->set_at < w->idle && w->threads.len - w->idle >= canon_set_pending(th->on.set);
        }
        if (holds ? !th->in_ready && !is_idle : th->in_ready) {
            abort();
        }
    }
}

static void session(struct world *w, struct host *h, const u8 *p, size_t size)
{
    h->call_count = h->writer_count = h->promise_count = 0;
    engine_add_fuel(canon_engine(w->store), FUEL);
    run(h, w->instance, p[0] | (u32)p[1] << 8 | (u32)p[2] << 16,
        str_of((const char *)p + PLAN, size - PLAN));
    check_ready(w->store);
}

/* Each session has new instances beside those of the sessions before it. */
static void run_together(const u8 *data, const u8 *p, size_t part, u32 sessions)
{
    struct canon_seed seed;
    struct canon_config config = {0};
    struct host h = {0};
    struct world w = {0};
    set_config(&config, data, &seed);
    world_new(&w, &h, data[1] % VARIANTS, &config);
    for (u32 n = 0; n < sessions; n++) {
        if (n) {
            world_instantiate(&w);
        }
        session(&w, &h, p + n * part, part);
    }
    report(w.store);
    world_free(&w);
}

/* Each session has instances that are as new. */
static void run_alone(const u8 *data, const u8 *p, size_t part, u32 sessions)
{
    static struct world worlds[VARIANTS];
    static struct host hosts[VARIANTS];
    struct world *w = &worlds[data[1] % VARIANTS];
    struct host *h = &hosts[data[1] % VARIANTS];
    struct canon_seed seed;
    for (u32 n = 0; n < sessions; n++) {
        if (!w->store) {
            world_new(w, h, data[1] % VARIANTS, &(struct canon_config){0});
            world_save(w);
        }
        set_config(&w->store->config, data, &seed);
        session(w, h, p + n * part, part);
        report(w->store);
        if (!world_restore(w)) {
            world_free(w);
        }
    }
}

const char *__asan_default_options(void);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A run frees much: less of it kept away from reuse makes runs faster. */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8";
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size < HEAD + PLAN || size > MAX_INPUT) {
        return 0;
    }
    u32 sessions = 1 + data[2] % MAX_SESSIONS;
    size_t part = (size - HEAD) / sessions;
    if (part > PLAN) {
        (data[2] < TOGETHER ? run_alone : run_together)(data, data + HEAD, part, sessions);
    }
    return 0;
}
