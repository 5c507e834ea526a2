/* app.c - the application: asks the cache and the database at the same time, tells the answer.
 *
 * Each async export is a small state machine: it does what can be done now, then gives control back with the set of
 * things it waits for, and its callback goes on with the event that came. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

#define TTL_SECONDS  60
#define MILLISECONDS 1000000

typedef exports_myapp_backend_api_result_string_string_t answer;

static void *allocate(size_t size)
{
    void *p = malloc(size);
    if (!p)
        abort();
    return memset(p, 0, size);
}

/* ---- Text that grows ------------------------------------------------------------------------------- */

struct text {
    uint8_t *ptr;
    size_t len, cap;
};

static void put_bytes(struct text *t, const uint8_t *bytes, size_t n)
{
    if (t->cap - t->len < n) {
        t->cap = 2 * t->cap + n;
        t->ptr = realloc(t->ptr, t->cap);
        if (!t->ptr)
            abort();
    }
    memcpy(t->ptr + t->len, bytes, n);
    t->len += n;
}

static void put(struct text *t, const char *s)
{
    put_bytes(t, (const uint8_t *)s, strlen(s));
}

/* ---- Looking up ------------------------------------------------------------------------------------- */

/* One look-up. Its imports write into it while they run, so it stays where it is. */
struct lookup {
    app_waitable_set_t set;
    app_subtask_t cache, database, store; /* 0: not running */
    app_string_t key;
    struct text sql;
    app_option_string_t cached;
    myapp_backend_database_result_list_row_string_t rows;
    myapp_backend_cache_set_args_t to_store;
    bool answered, from_cache;
    answer answer;
};

/* The handle of a call that goes on, watched by the set; 0 if it is done. */
static app_subtask_t watch(app_waitable_set_t set, app_subtask_status_t status)
{
    if (APP_SUBTASK_STATE(status) == APP_SUBTASK_RETURNED)
        return 0;
    app_waitable_join(APP_SUBTASK_HANDLE(status), set);
    return APP_SUBTASK_HANDLE(status);
}

static void choose_answer(struct lookup *l)
{
    l->answered = true;
    if (l->cached.is_some) {
        l->from_cache = true;
        app_string_dup_n(&l->answer.val.ok, (const char *)l->cached.val.ptr, l->cached.val.len);
        return;
    }
    if (l->rows.is_err) {
        l->answer.is_err = true;
        app_string_dup_n(&l->answer.val.err, (const char *)l->rows.val.err.ptr,
                         l->rows.val.err.len);
        return;
    }
    if (l->rows.val.ok.len == 0) {
        l->answer.is_err = true;
        app_string_dup(&l->answer.val.err, "nobody has that key");
        return;
    }
    const app_string_t *name = &l->rows.val.ok.ptr[0].name;
    app_string_dup_n(&l->answer.val.ok, (const char *)name->ptr, name->len);
    l->to_store.key = l->key;
    l->to_store.value = *name;
    l->to_store.ttl_seconds = TTL_SECONDS;
    l->store = watch(l->set, myapp_backend_cache_set(&l->to_store));
}

/* True when the answer is there and nothing runs any more. */
static bool lookup_advance(struct lookup *l)
{
    if (!l->answered && !l->cache && !l->database)
        choose_answer(l);
    return l->answered && !l->store;
}

/* Takes the key. Both questions are asked before either is answered. */
static bool lookup_start(struct lookup *l, const app_string_t *key)
{
    l->set = app_waitable_set_new();
    l->key = *key;
    put(&l->sql, "SELECT * FROM users WHERE key = '");
    put_bytes(&l->sql, key->ptr, key->len);
    put(&l->sql, "'");
    app_string_t sql = {l->sql.ptr, l->sql.len};
    l->cache = watch(l->set, myapp_backend_cache_get(l->key, &l->cached));
    l->database = watch(l->set, myapp_backend_database_query(sql, &l->rows));
    return lookup_advance(l);
}

static bool lookup_event(struct lookup *l, const app_event_t *event)
{
    if (event->event == APP_EVENT_SUBTASK &&
        APP_SUBTASK_STATE(event->code) == APP_SUBTASK_RETURNED) {
        app_subtask_t *const running[] = {&l->cache, &l->database, &l->store};
        for (size_t i = 0; i < sizeof running / sizeof running[0]; i++) {
            if (*running[i] == event->waitable)
                *running[i] = 0;
        }
        app_subtask_drop(event->waitable);
    }
    return lookup_advance(l);
}

static void lookup_end(struct lookup *l)
{
    app_option_string_free(&l->cached);
    myapp_backend_database_result_list_row_string_free(&l->rows);
    exports_myapp_backend_api_result_string_string_free(&l->answer);
    app_string_free(&l->key);
    free(l->sql.ptr);
    app_waitable_set_drop(l->set);
}

static app_callback_code_t lookup_go_on(struct lookup *l, bool done)
{
    if (!done)
        return APP_CALLBACK_CODE_WAIT(l->set);
    exports_myapp_backend_api_lookup_return(l->answer);
    lookup_end(l);
    free(l);
    return APP_CALLBACK_CODE_EXIT;
}

app_callback_code_t exports_myapp_backend_api_lookup(app_string_t *key)
{
    struct lookup *l = allocate(sizeof *l);
    app_context_set_0(l);
    return lookup_go_on(l, lookup_start(l, key));
}

app_callback_code_t exports_myapp_backend_api_lookup_callback(app_event_t *event)
{
    struct lookup *l = app_context_get_0();
    return lookup_go_on(l, lookup_event(l, event));
}

/* ---- Numbers ------------------------------------------------------------------------------------------- */

#define CHUNK 8

/* The squares that a reader still gets. */
struct numbers {
    exports_myapp_backend_api_stream_u32_writer_t writer;
    app_waitable_set_t set;
    uint32_t next, count; /* the first one of the chunk, and how many there are in all */
    uint32_t chunk[CHUNK];
};

/* Counts what a write has moved; false if nobody reads any more. */
static bool numbers_moved(struct numbers *n, app_waitable_status_t status)
{
    n->next += APP_WAITABLE_COUNT(status);
    return APP_WAITABLE_STATE(status) == APP_WAITABLE_COMPLETED;
}

static app_callback_code_t numbers_go_on(struct numbers *n, bool wanted)
{
    while (wanted && n->next < n->count) {
        uint32_t len = n->count - n->next < CHUNK ? n->count - n->next : CHUNK;
        for (uint32_t i = 0; i < len; i++)
            n->chunk[i] = (n->next + i + 1) * (n->next + i + 1);
        app_waitable_status_t status =
            exports_myapp_backend_api_stream_u32_write(n->writer, n->chunk, len);
        if (status == APP_WAITABLE_STATUS_BLOCKED)
            return APP_CALLBACK_CODE_WAIT(n->set);
        wanted = numbers_moved(n, status);
    }
    exports_myapp_backend_api_stream_u32_drop_writable(n->writer);
    app_waitable_set_drop(n->set);
    free(n);
    return APP_CALLBACK_CODE_EXIT;
}

app_callback_code_t exports_myapp_backend_api_numbers(uint32_t count)
{
    struct numbers *n = allocate(sizeof *n);
    n->count = count;
    n->set = app_waitable_set_new();
    /* The reader goes to the caller first; the task lives on and writes. */
    exports_myapp_backend_api_numbers_return(exports_myapp_backend_api_stream_u32_new(&n->writer));
    app_waitable_join(n->writer, n->set);
    app_context_set_0(n);
    return numbers_go_on(n, true);
}

app_callback_code_t exports_myapp_backend_api_numbers_callback(app_event_t *event)
{
    struct numbers *n = app_context_get_0();
    if (event->event != APP_EVENT_STREAM_WRITE)
        return APP_CALLBACK_CODE_WAIT(n->set);
    return numbers_go_on(n, numbers_moved(n, event->code));
}

/* ---- The program ------------------------------------------------------------------------------------------ */

/* Looks up the same key twice, then writes what came of it to standard output. */
struct run {
    enum { LOOKING, WRITING, CLOSING } phase;
    unsigned turn;
    struct lookup lookup;
    wasi_clocks_monotonic_clock_mark_t started;
    struct text text;
    size_t written;
    app_waitable_set_t set;
    wasi_cli_stdout_stream_u8_writer_t writer;
    wasi_cli_stdout_future_result_void_error_code_t outcome;
    wasi_cli_stdout_result_void_error_code_t result;
};
#define TURNS 2

static void tell_answer(struct run *r)
{
    const struct lookup *l = &r->lookup;
    bool waited = wasi_clocks_monotonic_clock_now() - r->started >= 20 * MILLISECONDS;
    const app_string_t *told = l->answer.is_err ? &l->answer.val.err : &l->answer.val.ok;
    put_bytes(&r->text, l->key.ptr, l->key.len);
    put(&r->text, l->answer.is_err ? ": " : " is ");
    put_bytes(&r->text, told->ptr, told->len);
    put(&r->text, l->from_cache ? ", says the cache" : ", says the database");
    put(&r->text, l->from_cache ? "\n" : waited ? " after a while\n" : " at once\n");
}

static bool next_lookup(struct run *r)
{
    app_string_t key;
    app_string_dup(&key, "user:1");
    memset(&r->lookup, 0, sizeof r->lookup);
    r->started = wasi_clocks_monotonic_clock_now();
    return lookup_start(&r->lookup, &key);
}

static app_callback_code_t run_end(struct run *r)
{
    exports_wasi_cli_run_result_void_void_t ret = {.is_err = r->result.is_err};
    wasi_cli_stdout_future_result_void_error_code_drop_readable(r->outcome);
    app_waitable_set_drop(r->set);
    free(r->text.ptr);
    free(r);
    exports_wasi_cli_run_run_return(ret);
    return APP_CALLBACK_CODE_EXIT;
}

/* Everything is written, or nobody reads: learns how it went. */
static app_callback_code_t run_close(struct run *r)
{
    r->phase = CLOSING;
    wasi_cli_stdout_stream_u8_drop_writable(r->writer);
    app_waitable_join(r->outcome, r->set);
    app_waitable_status_t status =
        wasi_cli_stdout_future_result_void_error_code_read(r->outcome, &r->result);
    return status == APP_WAITABLE_STATUS_BLOCKED ? APP_CALLBACK_CODE_WAIT(r->set) : run_end(r);
}

static bool run_moved(struct run *r, app_waitable_status_t status)
{
    r->written += APP_WAITABLE_COUNT(status);
    return APP_WAITABLE_STATE(status) == APP_WAITABLE_COMPLETED;
}

static app_callback_code_t run_write(struct run *r, bool wanted)
{
    while (wanted && r->written < r->text.len) {
        app_waitable_status_t status = wasi_cli_stdout_stream_u8_write(
            r->writer, r->text.ptr + r->written, r->text.len - r->written);
        if (status == APP_WAITABLE_STATUS_BLOCKED)
            return APP_CALLBACK_CODE_WAIT(r->set);
        wanted = run_moved(r, status);
    }
    return run_close(r);
}

static app_callback_code_t run_lookups(struct run *r, bool done)
{
    for (; done; done = next_lookup(r)) {
        tell_answer(r);
        lookup_end(&r->lookup);
        if (++r->turn == TURNS)
            break;
    }
    if (!done)
        return APP_CALLBACK_CODE_WAIT(r->lookup.set);
    r->phase = WRITING;
    r->set = app_waitable_set_new();
    r->outcome = wasi_cli_stdout_write_via_stream(wasi_cli_stdout_stream_u8_new(&r->writer));
    app_waitable_join(r->writer, r->set);
    return run_write(r, true);
}

app_callback_code_t exports_wasi_cli_run_run(void)
{
    struct run *r = allocate(sizeof *r);
    app_context_set_0(r);
    return run_lookups(r, next_lookup(r));
}

app_callback_code_t exports_wasi_cli_run_run_callback(app_event_t *event)
{
    struct run *r = app_context_get_0();
    switch (r->phase) {
    case LOOKING: return run_lookups(r, lookup_event(&r->lookup, event));
    case WRITING:
        if (event->event != APP_EVENT_STREAM_WRITE)
            return APP_CALLBACK_CODE_WAIT(r->set);
        return run_write(r, run_moved(r, event->code));
    case CLOSING:
        if (event->event != APP_EVENT_FUTURE_READ)
            return APP_CALLBACK_CODE_WAIT(r->set);
        return run_end(r);
    }
    abort();
}
