/* canon_scenario_test.c - the scenarios of the specification's own tests, a file each in scenarios/. Their text is shortened: #N is a constant, %x a
 * local, and (@host), (@types ELEMENT RESULT), (@imports), (@with) stand for what all guests share: the host's functions, a memory, types of streams and
 * futures of the element (_: none), built-ins, a few helpers. RESULT is that of task.return. */
#include "scenario_text.h"

/* ---- The host --------------------------------------------------------------------------------------------- */

#define CELLS 16
#define ENDS  8

struct reader {
    struct canon_end *end;
    u8 bytes[64];
    u32 len, at, remain;
    bool reading, dropped, later;
    struct writer *out; /* gets each byte + 10 */
};
struct writer {
    struct canon_end *end;
    u8 queue[64];
    u32 len, chunk, wanted;
    bool is_wanted, keep, dead;
};
struct host {
    struct world w;
    u32 cells[CELLS];
    struct canon_call *waiting[CELLS];
    struct reader readers[ENDS];
    struct writer writers[ENDS];
    u32 reader_count, writer_count, checks;
    u32 remain; /* of the reader of the result */
    u32 result, results;
    struct canon_end *result_end;
};

static u32 arg(struct canon_call *c, u32 i)
{
    return (u32)canon_call_arg(c, i)->u;
}

static void return_u(struct canon_call *c, enum canon_kind kind, u32 value)
{
    struct canon_value v = canon_u(kind, value);
    canon_call_return(c, &v);
}

static void pump_writer(struct writer *w)
{
    while (!w->dead && w->is_wanted) {
        if (w->len == 0) {
            if (w->keep) {
                return;
            }
            w->dead = true;
            canon_stream_close(w->end);
            return;
        }
        w->is_wanted = false;
        u32 n = canon_stream_write_bytes(w->end, w->queue, w->len < w->chunk ? w->len : w->chunk);
        w->len -= n;
        memmove(w->queue, w->queue + n, w->len);
    }
    if (!w->dead && w->len == 0 && !w->keep) {
        w->dead = true;
        canon_stream_close(w->end);
    }
}

static void on_wanted(void *env, struct canon_end *end, u32 n)
{
    struct writer *w = env;
    w->end = end;
    w->is_wanted = true;
    w->wanted = n;
    pump_writer(w);
}

static void on_cancelled(void *env, struct canon_end *end)
{
    (void)end;
    ((struct writer *)env)->is_wanted = false;
}

static void on_dropped(void *env, struct canon_end *end)
{
    (void)end;
    ((struct writer *)env)->dead = true;
}

static void put_bytes(struct writer *w, u32 first, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        w->queue[w->len++] = (u8)(first + i);
    }
}

static struct canon_end *writer_new(struct host *h, struct writer *w, u32 chunk, bool keep)
{
    static const struct canon_source source = {on_wanted, on_cancelled, on_dropped};
    w->chunk = chunk;
    w->keep = keep;
    return canon_stream_new(h->w.store,
                            canon_linker_parse_type(canon_linker_root(h->w.linker), "u8"), &source,
                            w, &w->end);
}

static void hand_over(struct reader *r)
{
    for (; r->at < r->len; r->at++) {
        put_bytes(r->out, r->bytes[r->at] + 10u, 1);
    }
    if (r->dropped && !r->later) {
        r->out->keep = false;
    }
    pump_writer(r->out);
}

static void pump_reader(struct reader *r);

static void on_read(void *env, struct canon_end *end, const struct canon_read *read)
{
    struct reader *r = env;
    if (read->count) {
        memcpy(r->bytes + r->len, read->bytes, read->count);
    }
    r->len += read->count;
    r->remain -= read->count;
    r->reading = false;
    r->dropped = read->closed;
    if (r->out && !r->later) {
        hand_over(r);
    }
    if (r->dropped) {
        canon_end_drop(end);
    } else {
        pump_reader(r);
    }
}

static void pump_reader(struct reader *r)
{
    if (!r->reading && !r->dropped && r->remain) {
        r->reading = true;
        canon_stream_read(r->end, r->remain, on_read, r);
    }
}

static void reader_start(struct reader *r, struct canon_end *end, u32 remain)
{
    r->end = end;
    r->remain = remain;
    pump_reader(r);
}

static bool poll_host(void *env, bool may_block)
{
    struct host *h = env;
    bool did = false;
    for (u32 i = 0; may_block && i < ENDS; i++) {
        struct reader *r = &h->readers[i];
        if (r->out && r->later && r->at < r->len) {
            hand_over(r);
            did = true;
        }
    }
    return did;
}

static void host_eq(void *env, struct canon_call *c)
{
    struct host *h = env;
    h->checks++;
    if (arg(c, 0) != arg(c, 1)) {
        canon_call_trap(c, "check %u: got %u, wanted %u", h->checks, arg(c, 0), arg(c, 1));
    } else {
        canon_call_return(c, NULL);
    }
}

static void host_put(void *env, struct canon_call *c)
{
    struct host *h = env;
    u32 cell = arg(c, 0) % CELLS;
    h->cells[cell] = arg(c, 1);
    struct canon_call *waiting = h->waiting[cell];
    canon_call_return(c, NULL);
    if (waiting && h->cells[cell]) {
        h->waiting[cell] = NULL;
        if (canon_call_type(waiting)->result) {
            return_u(waiting, CANON_T_U8, 43);
        } else {
            canon_call_return(waiting, NULL);
        }
    }
}

static void host_at(void *env, struct canon_call *c)
{
    return_u(c, CANON_T_U32, ((struct host *)env)->cells[arg(c, 0) % CELLS]);
}

static void host_wait(void *env, struct canon_call *c)
{
    struct host *h = env;
    u32 cell = arg(c, 0) % CELLS;
    if (h->cells[cell]) {
        canon_call_return(c, NULL);
    } else {
        h->waiting[cell] = c;
    }
}

static void host_hold(void *env, struct canon_call *c)
{
    ((struct host *)env)->waiting[arg(c, 0) % CELLS] = c;
}

static void host_sink(void *env, struct canon_call *c)
{
    struct host *h = env;
    struct canon_end *end = canon_call_arg(c, 0)->end;
    reader_start(&h->readers[++h->reader_count % ENDS], end, arg(c, 1));
    canon_call_return(c, NULL);
}

static void host_more(void *env, struct canon_call *c)
{
    struct reader *r = &((struct host *)env)->readers[arg(c, 0) % ENDS];
    r->remain = arg(c, 1);
    pump_reader(r);
    canon_call_return(c, NULL);
}

/* The next four bytes that the reader has got, the first of them lowest. */
static void host_taken(void *env, struct canon_call *c)
{
    struct reader *r = &((struct host *)env)->readers[arg(c, 0) % ENDS];
    u32 bytes = 0;
    for (u32 i = 0; i < 4 && r->at < r->len; i++) {
        bytes |= (u32)r->bytes[r->at++] << 8 * i;
    }
    return_u(c, CANON_T_U32, bytes);
}

static void host_dropped(void *env, struct canon_call *c)
{
    return_u(c, CANON_T_U32, ((struct host *)env)->readers[arg(c, 0) % ENDS].dropped);
}

static void host_source(void *env, struct canon_call *c)
{
    struct host *h = env;
    struct writer *w = &h->writers[++h->writer_count % ENDS];
    struct canon_value v =
        canon_readable(CANON_T_STREAM, writer_new(h, w, arg(c, 0), arg(c, 1) != 0));
    canon_call_return(c, &v);
}

static void host_write(void *env, struct canon_call *c)
{
    struct writer *w = &((struct host *)env)->writers[arg(c, 0) % ENDS];
    put_bytes(w, arg(c, 1), arg(c, 2));
    pump_writer(w);
    canon_call_return(c, NULL);
}

static void host_finish(void *env, struct canon_call *c)
{
    struct writer *w = &((struct host *)env)->writers[arg(c, 0) % ENDS];
    w->keep = false;
    pump_writer(w);
    canon_call_return(c, NULL);
}

static void host_echo(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_return(c, canon_call_arg(c, 0));
}

static void host_add10(void *env, struct canon_call *c)
{
    struct host *h = env;
    struct reader *r = &h->readers[++h->reader_count % ENDS];
    r->out = &h->writers[++h->writer_count % ENDS];
    r->later = arg(c, 2) != 0;
    struct canon_value v = canon_readable(CANON_T_STREAM, writer_new(h, r->out, 4, true));
    reader_start(r, canon_call_arg(c, 0)->end, arg(c, 1));
    canon_call_return(c, &v);
}

static void on_future(void *env, struct canon_end *end, const struct canon_read *read)
{
    struct host *h = env;
    struct canon_value v = canon_u(CANON_T_U8, 43);
    assert_int_equal(read->count, 1);
    assert_int_equal(read->bytes ? read->bytes[0] : read->values[0].u, 42);
    canon_end_drop(end);
    canon_future_resolve(h->writers[0].end, &v);
    h->cells[1] = 1;
}

static void host_add1(void *env, struct canon_call *c)
{
    struct host *h = env;
    const struct canon_type *u8_type =
        canon_linker_parse_type(canon_linker_root(h->w.linker), "u8");
    struct canon_value v = canon_readable(
        CANON_T_FUTURE, canon_future_new(h->w.store, u8_type, NULL, NULL, &h->writers[0].end));
    canon_future_read(canon_call_arg(c, 0)->end, on_future, h);
    canon_call_return(c, &v);
}

static void host_flat4(void *env, struct canon_call *c)
{
    (void)env;
    assert_true(canon_call_arg(c, 0)->f32 == 1.1f);
    assert_true(canon_call_arg(c, 1)->f64 == 2.2);
    assert_int_equal(arg(c, 2), 3);
    assert_int_equal(canon_call_arg(c, 3)->s, 4);
    canon_call_return(c, NULL);
}

static void host_count(void *env, struct canon_call *c)
{
    (void)env;
    for (u32 i = 0; i < canon_call_arg_count(c); i++) {
        assert_int_equal(arg(c, i), i + 1);
    }
    canon_call_return(c, NULL);
}

static const struct canon_host_row host_rows[] = {
    {"eq", "func(got: u32, want: u32)", host_eq},
    {"put", "func(cell: u32, value: u32)", host_put},
    {"at", "func(cell: u32) -> u32", host_at},
    {"wait", "async func(cell: u32)", host_wait},
    {"hold", "async func(cell: u32) -> u8", host_hold},
    {"sink", "async func(s: stream<u8>, remain: u32)", host_sink},
    {"more", "func(reader: u32, remain: u32)", host_more},
    {"taken", "func(reader: u32) -> u32", host_taken},
    {"dropped", "func(reader: u32) -> u32", host_dropped},
    {"source", "async func(chunk: u32, keep: u32) -> stream<u8>", host_source},
    {"write", "func(writer: u32, first: u32, n: u32)", host_write},
    {"finish", "func(writer: u32)", host_finish},
    {"echo", "async func(s: stream<u8>) -> stream<u8>", host_echo},
    {"add10", "async func(s: stream<u8>, remain: u32, later: u32) -> stream<u8>", host_add10},
    {"add1", "async func(f: future<u8>) -> future<u8>", host_add1},
    {"flat4", "async func(a: f32, b: f64, c: u32, d: s64)", host_flat4},
    {"four", "async func(a: u32, b: u8, c: u8, d: u8)", host_count},
    {"five", "async func(a: u32, b: u8, c: u8, d: u8, e: u8)", host_count},
    {NULL, NULL, NULL},
};

/* ---- Running one ---------------------------------------------------------------------------------------------- */

static str read_scenario(struct arena *a, const char *name)
{
    struct buf path = buf_in(a), text = buf_in(a);
    const char *slash = strrchr(__FILE__, '/');
    buf_put(&path, __FILE__, slash ? (size_t)(slash - __FILE__ + 1) : 0);
    buf_printf(&path, "scenarios/%s.wat", name);
    FILE *f = fopen(str_to_c(a, buf_view(&path)), "rb");
    char block[4096];
    if (!f) {
        fail_msg("no " STRF, STRA(buf_view(&path)));
    }
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) {
        buf_put(&text, block, n);
    }
    fclose(f);
    return buf_view(&text);
}

static void open_scenario(struct host *h, const char *name, const char *element)
{
    memset(h, 0, sizeof *h);
    world_begin(&h->w);
    canon_set_loop(h->w.store, (struct canon_loop){h, poll_host});
    canon_linker_funcs(canon_linker_instance(h->w.linker, "host"), host_rows, h);
    struct buf b = buf_in(&h->w.arena);
    expand(&b, read_scenario(&h->w.arena, name), str_c(element));
    world_start(&h->w, buf_view(&b));
}

static void on_done(void *env, const struct canon_value *result)
{
    struct host *h = env;
    h->results++;
    if (result && (result->kind == CANON_T_STREAM || result->kind == CANON_T_FUTURE)) {
        h->result_end = result->end;
        if (h->remain != UINT32_MAX) {
            reader_start(&h->readers[7], result->end, h->remain);
        }
    } else if (result) {
        h->result = (u32)result->u;
    }
}

static enum canon_outcome call_run(struct host *h, struct canon_value *args, u32 n)
{
    struct canon_invocation *inv;
    enum canon_outcome o =
        canon_begin(h->w.store, world_export(&h->w, "run"), args, n, on_done, h, &inv);
    return o == CANON_OK ? canon_store_run_until(h->w.store, NULL, NULL) : o;
}

/* Runs it to the end: each thread has ended, and `run` has returned once. */
static void finish(struct host *h, const char *name, struct canon_value *args, u32 n, u32 want)
{
    if (call_run(h, args, n) == CANON_TRAPPED) {
        const struct canon_trap *t = canon_trap_of(h->w.store);
        fail_msg("%s: " STRF " (in " STRF ")\n" STRF, name, STRA(t->message), STRA(t->func),
                 STRA(t->report));
    }
    assert_int_equal(h->results, 1);
    assert_int_equal(h->result, want);
    assert_false(canon_has_waiting(h->w.store));
}

static void run_scenario(const char *name, const char *element)
{
    struct host h;
    open_scenario(&h, name, element);
    finish(&h, name, NULL, 0, 0);
    world_end(&h.w);
}

static void run_with_result(const char *name, struct canon_value *args, u32 n, u32 want)
{
    struct host h;
    open_scenario(&h, name, "");
    finish(&h, name, args, n, want);
    world_end(&h.w);
}

/* Those that end in a trap come there after `put 2 1`, if they say so. */
static void run_to_trap(const char *name, u32 cell, const char *message)
{
    struct host h;
    open_scenario(&h, name, "");
    assert_int_equal(call_run(&h, NULL, 0), CANON_TRAPPED);
    str have = canon_trap_of(h.w.store)->message;
    if (str_find(have, str_c(message), 0) == SIZE_MAX) {
        fail_msg("%s: trap `" STRF "`, wanted `%s`", name, STRA(have), message);
    }
    assert_int_equal(h.cells[2], cell);
    world_end(&h.w);
}

#define SCENARIO(name)                    \
    static void test_##name(void **state) \
    {                                     \
        (void)state;                      \
        run_scenario(#name, "");          \
    }
SCENARIO(handles)
SCENARIO(callback_interleaving)
SCENARIO(sync_ignores_backpressure)
SCENARIO(sync_using_wait)
SCENARIO(forward)
SCENARIO(receive_own_stream)
SCENARIO(host_partial_reads_writes)
SCENARIO(wasm_to_wasm_stream)
SCENARIO(wasm_to_wasm_stream_empty)
SCENARIO(cancel_copy)
SCENARIO(future_drop_readable_with_pending_write)
SCENARIO(async_flat_params)

static void test_cross_component_realloc(void **state)
{
    (void)state;
    run_scenario("realloc", "");
    run_to_trap("realloc_leaves", 0, "cannot leave component instance");
}

static void test_async_to_async(void **state)
{
    (void)state;
    struct canon_value yes = canon_bool(true);
    run_with_result("async_to_async", &yes, 1, 42);
}

static void test_async_callback(void **state)
{
    (void)state;
    run_with_result("async_callback", NULL, 0, 83);
}

static void test_async_to_sync(void **state)
{
    (void)state;
    run_with_result("async_to_sync", NULL, 0, 83);
}

static void test_async_backpressure(void **state)
{
    (void)state;
    run_with_result("async_backpressure", NULL, 0, 84);
}

static void test_cancel_subtask(void **state)
{
    (void)state;
    struct canon_value one = canon_u(CANON_T_U8, 1);
    run_with_result("cancel_subtask", &one, 1, 42);
}

static void test_threads(void **state)
{
    (void)state;
    run_with_result("threads", NULL, 0, 42);
}

static void test_futures(void **state)
{
    (void)state;
    run_to_trap("futures", 1, "cannot drop");
}

static void test_stream_drop_both_ends_while_idle(void **state)
{
    (void)state;
    run_to_trap("stream_drop_both_ends_while_idle", 1,
                "after being notified that the writable end dropped");
}

static void test_self_copy(void **state)
{
    (void)state;
    run_scenario("self_copy", "_");
    run_scenario("self_copy", "u8");
    run_scenario("self_copy", "f64");
}

static void stream_through(const char *name, u32 chunk, bool keep, u32 n, u32 remain)
{
    struct host h;
    open_scenario(&h, name, "");
    h.remain = remain;
    struct canon_value in =
        canon_readable(CANON_T_STREAM, writer_new(&h, &h.writers[7], chunk, keep));
    put_bytes(&h.writers[7], 1, n);
    finish(&h, name, &in, 1, 0);
    assert_int_equal(h.readers[7].len, 8);
    for (u32 i = 0; i < 8; i++) {
        assert_int_equal(h.readers[7].bytes[i], 11 + i);
    }
    world_end(&h.w);
}

static void test_eager_stream_completion(void **state)
{
    (void)state;
    stream_through("eager_stream_completion", 4, false, 8, 100);
}

static void test_async_stream_ops(void **state)
{
    (void)state;
    stream_through("async_stream_ops", 4, true, 0, 0);
}

static void test_transfer_readable_end(void **state)
{
    (void)state;
    for (u32 n = 0; n < 2; n++) {
        struct host h;
        open_scenario(&h, "transfer_readable_end", "");
        h.remain = UINT32_MAX;
        struct canon_end *end = writer_new(&h, &h.writers[7], 4, false);
        put_bytes(&h.writers[7], 1, n ? 4 : 0);
        pump_writer(&h.writers[7]);
        struct canon_value in = canon_readable(CANON_T_STREAM, end);
        finish(&h, "transfer_readable_end", &in, 1, 0);
        assert_ptr_equal(h.result_end, end);
        reader_start(&h.readers[7], end, 100);
        assert_true(h.readers[7].dropped);
        assert_int_equal(h.readers[7].len, n ? 4 : 0);
        world_end(&h.w);
    }
}

static void test_sync_threads(void **state)
{
    (void)state;
    struct host h;
    struct canon_invocation *inv;
    open_scenario(&h, "sync_threads", "");
    assert_int_equal(
        canon_begin(h.w.store, world_export(&h.w, "other"), NULL, 0, on_done, &h, &inv), CANON_OK);
    assert_int_equal(h.results, 0);
    h.cells[1] = 1;
    canon_call_return(h.waiting[1], NULL);
    assert_int_equal(call_run(&h, NULL, 0), CANON_IDLE);
    assert_int_equal(h.results, 2);
    world_end(&h.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_component_realloc),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_async_to_async),
        cmocka_unit_test(test_async_callback),
        cmocka_unit_test(test_callback_interleaving),
        cmocka_unit_test(test_sync_ignores_backpressure),
        cmocka_unit_test(test_async_to_sync),
        cmocka_unit_test(test_async_backpressure),
        cmocka_unit_test(test_sync_using_wait),
        cmocka_unit_test(test_eager_stream_completion),
        cmocka_unit_test(test_async_stream_ops),
        cmocka_unit_test(test_transfer_readable_end),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_receive_own_stream),
        cmocka_unit_test(test_host_partial_reads_writes),
        cmocka_unit_test(test_wasm_to_wasm_stream),
        cmocka_unit_test(test_wasm_to_wasm_stream_empty),
        cmocka_unit_test(test_cancel_copy),
        cmocka_unit_test(test_futures),
        cmocka_unit_test(test_future_drop_readable_with_pending_write),
        cmocka_unit_test(test_stream_drop_both_ends_while_idle),
        cmocka_unit_test(test_cancel_subtask),
        cmocka_unit_test(test_self_copy),
        cmocka_unit_test(test_async_flat_params),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sync_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
