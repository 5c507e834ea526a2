/* canon_test.c - signatures, hosts: functions, streams, futures, resources; traps and reports. Guests are
 * small components in text. */
#include "test_world.h"

static u64 call_u32(struct world *w, const char *name, u32 count, const u64 *numbers)
{
    struct canon_value args[8], result = {0};
    for (u32 i = 0; i < count; i++) {
        args[i] = canon_u(CANON_T_U32, numbers[i]);
    }
    enum canon_outcome o =
        canon_invoke(w->store, world_export(w, name), args, count, &w->arena, &result);
    if (o != CANON_OK) {
        fail_msg("trap: " STRF, STRA(canon_trap_of(w->store)->message));
    }
    return result.u;
}

static void expect_trap(struct world *w, const char *name, const char *message)
{
    enum canon_outcome o = canon_invoke(w->store, world_export(w, name), NULL, 0, &w->arena, NULL);
    assert_int_equal(o, CANON_TRAPPED);
    str have = canon_trap_of(w->store)->message;
    if (str_find(have, str_c(message), 0) == SIZE_MAX) {
        fail_msg("trap `" STRF "`, wanted `%s`", STRA(have), message);
    }
}

/* ---- Types --------------------------------------------------------------------------------------- */

static void test_signatures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "func()",
        "async func(a: u8, b: string) -> result<list<u8>, string>",
        "func(a: record{x: s64, y: option<char>}) -> variant{one, two(u32)}",
        "func(a: flags{r, w}, b: enum{x, y}) -> tuple<f32, f64>",
        "func(a: list<u16, 4>, b: map<string, u32>) -> result",
        "func() -> stream<result<_, string>>",
        "func() -> future",
        "func(a: stream) -> error-context",
    };
    struct canon_linker *l = canon_linker_new();
    struct arena a = {0};
    for (u32 i = 0; i < LENGTH_OF(texts); i++) {
        struct canon_linker_instance *in = canon_linker_instance(l, "t:t/t");
        canon_linker_func(in, "f", texts[i], NULL, NULL);
        struct buf text = buf_in(&a);
        const struct canon_type *t = canon_linker_parse_type(in, "list<u8>");
        assert_non_null(t);
        canon_type_print(&text, t);
        assert_true(str_eq_c(buf_view(&text), "list<u8>"));
        struct sources s = {.arena = &a};
        struct diags d;
        diags_init(&d, &a, &s);
        assert_true(canon_linker_check(l, &d));
    }
    static const char *const bad[] = {"func(",    "func(a)",          "func(a: u9)",
                                      "fun()",    "func() -> own<x>", "func() -> record{}",
                                      "func() u8"};
    for (u32 i = 0; i < LENGTH_OF(bad); i++) {
        struct canon_linker *m = canon_linker_new();
        struct sources s = {.arena = &a};
        struct diags d;
        diags_init(&d, &a, &s);
        canon_linker_func(canon_linker_root(m), "f", bad[i], NULL, NULL);
        assert_false(canon_linker_check(m, &d));
        canon_linker_free(m);
    }
    arena_free(&a);
    canon_linker_free(l);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(canon_name_compatible(STR("a:b/c@0.2.4"), STR("a:b/c@0.2.12")));
    assert_true(canon_name_compatible(STR("a:b/c@1.0.0"), STR("a:b/c@1.9.2")));
    assert_true(canon_name_compatible(STR("a:b/c@0.2"), STR("a:b/c@0.2.12")));
    assert_false(canon_name_compatible(STR("a:b/c@0.2.4"), STR("a:b/c@0.3.0")));
    assert_false(canon_name_compatible(STR("a:b/c@0.0.1"), STR("a:b/c@0.0.2")));
    assert_false(canon_name_compatible(STR("a:b/c@0.3.0-rc"), STR("a:b/c@0.3.0")));
    assert_false(canon_name_compatible(STR("a:b/c"), STR("a:b/d")));
    assert_true(canon_name_older(STR("a:b/c@1.9.2"), STR("a:b/c@1.9.1")));
    assert_false(canon_name_older(STR("a:b/c@1.9.2"), STR("a:b/c@1.10.0")));
    assert_false(canon_name_older(STR("a:b/c@1"), STR("a:b/c@1.0.0")));
    assert_false(canon_name_older(STR("a:b/c@2.0.0"), STR("a:b/c@1.0.0")));
}

static void test_seeds(void **state)
{
    (void)state;
    struct canon_seed a = {7}, b = {7};
    for (u32 i = 0; i < 1000; i++) {
        u32 x = canon_choose_seeded(&a, CHOICE_THREAD, 2 + i % 5);
        assert_int_equal(x, canon_choose_seeded(&b, CHOICE_THREAD, 2 + i % 5));
        assert_true(x < 2 + i % 5);
    }
}

/* ---- Host functions --------------------------------------------------------------------------------- */

static void host_add(void *env, struct canon_call *c)
{
    (void)env;
    struct canon_value v = canon_u(CANON_T_U32, canon_call_arg(c, 0)->u + canon_call_arg(c, 1)->u);
    canon_call_return(c, &v);
}

static const char add_guest[] =
    "(component (import \"h:h/math@0.2.4\" (instance $h"
    "   (export \"add\" (func (param \"a\" u32) (param \"b\" u32) (result u32)))))"
    " (core func $add (canon lower (func $h \"add\")))"
    " (core module $m (import \"\" \"add\" (func $add (param i32 i32) (result i32)))"
    "   (func (export \"run\") (param i32 i32) (result i32)"
    "     (call $add (local.get 0) (local.get 1))))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"add\" (func $add))))))"
    " (func (export \"run\") (param \"a\" u32) (param \"b\" u32) (result u32)"
    "   (canon lift (core func $i \"run\"))))";

static void test_host_function(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    canon_linker_func(canon_linker_instance(w.linker, "h:h/math@0.2.12"), "add",
                      "func(a: u32, b: u32) -> u32", host_add, NULL);
    world_start(&w, str_c(add_guest));
    assert_int_equal(call_u32(&w, "run", 2, (u64[]){20, 22}), 42);
    world_end(&w);
}

/* A value goes to a start function, whose result is exported. */
static void test_values(void **state)
{
    (void)state;
    static const char text[] = "(component (import \"n\" (value $n u32)) (import \"h\" (instance $h"
                               "   (export \"on\" (value bool))))"
                               " (alias export $h \"on\" (value $on))"
                               " (core module $m (func (export \"f\") (param i32 i32) (result i32)"
                               "   (i32.add (local.get 0) (local.get 1))))"
                               " (core instance $i (instantiate $m))"
                               " (func $f (param \"n\" u32) (param \"on\" bool) (result u32)"
                               "   (canon lift (core func $i \"f\")))"
                               " (start $f (value $n) (value $on) (result (value $sum)))"
                               " (export \"sum\" (value $sum)))";
    for (u32 bad = 0; bad < 2; bad++) {
        struct world w;
        struct canon_value n = canon_u(bad ? CANON_T_U64 : CANON_T_U32, 41), on = canon_bool(true);
        world_begin(&w);
        canon_linker_value(canon_linker_root(w.linker), "n", bad ? "u64" : "u32", &n);
        canon_linker_value(canon_linker_instance(w.linker, "h"), "on", "bool", &on);
        assert_int_equal(world_try(&w, str_c(text)), !bad);
        assert_int_equal(w.diags.errors, bad);
        if (!bad) {
            const struct canon_export *e = canon_export_find(w.instance, STR("sum"));
            assert_non_null(e);
            assert_int_equal(e->sort, SORT_VALUE);
            assert_int_equal(e->type->kind, CANON_T_U32);
            assert_int_equal(e->value->u, 42);
        }
        world_end(&w);
    }
}

static void test_lying_import(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    canon_linker_func(canon_linker_instance(w.linker, "h:h/math@0.2.12"), "add",
                      "func(a: u32, b: string) -> u32", host_add, NULL);
    assert_false(world_try(&w, str_c(add_guest)));
    assert_int_equal(w.diags.errors, 1);
    world_end(&w);
}

static void test_missing_import(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    canon_linker_func(canon_linker_instance(w.linker, "h:h/math@0.2.12"), "adds",
                      "func(a: u32, b: u32) -> u32", host_add, NULL);
    assert_false(world_try(&w, str_c(add_guest)));
    assert_int_equal(w.diags.errors, 1);
    world_end(&w);

    world_begin(&w);
    canon_linker_trap_unknown(w.linker, true);
    world_start(&w, str_c(add_guest));
    struct canon_value args[2] = {canon_u(CANON_T_U32, 1), canon_u(CANON_T_U32, 2)};
    assert_int_equal(canon_invoke(w.store, world_export(&w, "run"), args, 2, &w.arena, NULL),
                     CANON_TRAPPED);
    assert_true(str_starts(canon_trap_of(w.store)->message, STR("unknown import")));
    world_end(&w);
}

/* A host function that returns later, from the loop. */
struct later {
    struct canon_call *call;
    u32 polls, cancels;
};

static void host_later(void *env, struct canon_call *c)
{
    ((struct later *)env)->call = c;
}

static bool poll_later(void *env, bool may_block)
{
    struct later *l = env;
    l->polls++;
    if (!l->call || !may_block) {
        return l->call != NULL;
    }
    struct canon_call *c = l->call;
    struct canon_value v = canon_u(CANON_T_U32, canon_call_arg(c, 0)->u * 2);
    l->call = NULL;
    canon_call_return(c, &v);
    return true;
}

/* A component that exports what it imports. */
static void test_reexport(void **state)
{
    (void)state;
    struct world w;
    struct later later = {0};
    world_begin(&w);
    canon_set_loop(w.store, (struct canon_loop){&later, poll_later});
    canon_linker_func(canon_linker_root(w.linker), "add", "func(a: u32, b: u32) -> u32", host_add,
                      NULL);
    canon_linker_func(canon_linker_root(w.linker), "later", "async func(a: u32) -> u32", host_later,
                      &later);
    world_start(
        &w,
        str_c("(component (import \"add\" (func $a (param \"a\" u32) (param \"b\" u32)"
              " (result u32))) (import \"later\" (func $l async (param \"a\" u32) (result u32)))"
              " (export \"plus\" (func $a)) (export \"twice\" (func $l)))"));
    assert_int_equal(call_u32(&w, "plus", 2, (u64[]){3, 4}), 7);
    assert_int_equal(call_u32(&w, "twice", 1, (u64[]){4}), 8);
    world_end(&w);
}

#define LATER_GUEST(async_import, lower_options, core_params, body)                           \
    "(component (import \"later\" (func $h " async_import " (param \"a\" u32) (result u32)))" \
    " (core module $mem (memory (export \"mem\") 1))"                                         \
    " (core instance $mem (instantiate $mem))"                                                \
    " (core func $h (canon lower (func $h) " lower_options "))"                               \
    " (canon waitable-set.new (core func $new))"                                              \
    " (canon waitable-set.wait (memory (core memory $mem \"mem\")) (core func $wait))"        \
    " (canon waitable.join (core func $join))"                                                \
    " (canon subtask.cancel (core func $cancel))"                                             \
    " (canon subtask.drop (core func $drop))"                                                 \
    " (core module $m (import \"\" \"mem\" (memory 1))"                                       \
    "   (import \"\" \"h\" (func $h (param " core_params ") (result i32)))"                   \
    "   (import \"\" \"new\" (func $new (result i32)))"                                       \
    "   (import \"\" \"wait\" (func $wait (param i32 i32) (result i32)))"                     \
    "   (import \"\" \"join\" (func $join (param i32 i32)))"                                  \
    "   (import \"\" \"cancel\" (func $cancel (param i32) (result i32)))"                     \
    "   (import \"\" \"drop\" (func $drop (param i32)))"                                      \
    "   (func (export \"run\") (result i32) (local $s i32) (local $t i32) " body "))"         \
    " (core instance $i (instantiate $m (with \"\" (instance"                                 \
    "   (export \"mem\" (memory $mem \"mem\")) (export \"h\" (func $h))"                      \
    "   (export \"new\" (func $new)) (export \"wait\" (func $wait))"                          \
    "   (export \"join\" (func $join)) (export \"cancel\" (func $cancel))"                    \
    "   (export \"drop\" (func $drop))))))"                                                   \
    " (func (export \"run\") async (result u32) (canon lift (core func $i \"run\"))))"
/* Calls, cancels, and gives what subtask.cancel said. */
#define CANCELLING_GUEST                                                           \
    LATER_GUEST("async", "async (memory (core memory $mem \"mem\"))", "i32 i32",   \
                "(local.set $s (i32.shr_u (call $h (i32.const 21) (i32.const 16))" \
                "                         (i32.const 4)))"                         \
                "(local.set $t (call $cancel (local.get $s)))"                     \
                "(call $drop (local.get $s)) (local.get $t)")

static void run_later(const char *signature, const char *guest, u64 want)
{
    struct world w;
    struct later later = {0};
    world_begin(&w);
    canon_set_loop(w.store, (struct canon_loop){&later, poll_later});
    canon_linker_func(canon_linker_root(w.linker), "later", signature, host_later, &later);
    world_start(&w, str_c(guest));
    assert_int_equal(call_u32(&w, "run", 0, NULL), want);
    world_end(&w);
}

static void test_host_later(void **state)
{
    (void)state;
    /* Not async: the guest just waits. Async: lowered both ways. */
    run_later("func(a: u32) -> u32", LATER_GUEST("", "", "i32", "(call $h (i32.const 21))"), 42);
    run_later("async func(a: u32) -> u32",
              LATER_GUEST("async", "", "i32", "(call $h (i32.const 21))"), 42);
    run_later("async func(a: u32) -> u32",
              LATER_GUEST("async", "async (memory (core memory $mem \"mem\"))", "i32 i32",
                          "(local.set $s (call $h (i32.const 21) (i32.const 16)))"
                          "(local.set $t (call $new))"
                          "(call $join (i32.shr_u (local.get $s) (i32.const 4)) (local.get $t))"
                          "(if (i32.ne (call $wait (local.get $t) (i32.const 32)) (i32.const 1))"
                          "  (then unreachable))"
                          "(call $drop (i32.load (i32.const 32)))"
                          "(i32.load (i32.const 16))"),
              42);
}

static void on_cancel(void *env, struct canon_call *c)
{
    ((struct later *)env)->cancels++;
    ((struct later *)env)->call = NULL;
    canon_call_cancelled(c);
}

static void host_cancellable(void *env, struct canon_call *c)
{
    ((struct later *)env)->call = c;
    canon_call_on_cancel(c, on_cancel, env);
}

static void test_host_cancel(void **state)
{
    (void)state;
    struct world w;
    struct later later = {0};
    world_begin(&w);
    canon_linker_func(canon_linker_root(w.linker), "later", "async func(a: u32) -> u32",
                      host_cancellable, &later);
    world_start(&w, str_c(CANCELLING_GUEST));
    assert_int_equal(call_u32(&w, "run", 0, NULL), 4); /* CANCELLED_BEFORE_RETURNED */
    assert_int_equal(later.cancels, 1);
    world_end(&w);
}

static void host_at_once(void *env, struct canon_call *c)
{
    struct canon_value v = canon_u(CANON_T_U32, 42);
    canon_call_on_cancel(c, on_cancel, env);
    canon_call_return(c, &v);
}

static u32 choose_later(void *ctx, enum canon_choice kind, u32 n)
{
    (void)ctx;
    (void)n;
    return kind == CHOICE_HOST_LATER;
}

/* A host that has returned hears of no cancellation, though the guest hears of the return only a turn later. */
static void test_host_cancelled_late(void **state)
{
    (void)state;
    struct world w;
    struct later later = {0};
    world_begin_with(&w,
                     &(struct canon_config){.features = features_all(), .choose = choose_later});
    canon_linker_func(canon_linker_root(w.linker), "later", "async func(a: u32) -> u32",
                      host_at_once, &later);
    world_start(&w, str_c(CANCELLING_GUEST));
    assert_int_equal(call_u32(&w, "run", 0, NULL), 2); /* RETURNED */
    assert_int_equal(later.cancels, 0);
    world_end(&w);
}

/* A store that is freed while a host still has a call of it. */
static void test_host_forgotten(void **state)
{
    (void)state;
    struct world w;
    struct later later = {0};
    world_begin(&w);
    canon_linker_func(canon_linker_root(w.linker), "later", "async func(a: u32) -> u32",
                      host_cancellable, &later);
    world_start(
        &w, str_c(LATER_GUEST("async", "async (memory (core memory $mem \"mem\"))", "i32 i32",
                              "(i32.and (call $h (i32.const 21) (i32.const 16)) (i32.const 15))")));
    assert_int_equal(call_u32(&w, "run", 0, NULL), 1); /* STARTED */
    assert_int_equal(later.cancels, 0);
    world_end(&w);
    assert_int_equal(later.cancels, 1);
    assert_null(later.call);
}

static void test_deadlock(void **state)
{
    (void)state;
    struct world w;
    struct later later = {0};
    world_begin(&w);
    canon_linker_func(canon_linker_root(w.linker), "later", "async func(a: u32) -> u32", host_later,
                      &later);
    world_start(&w, str_c(LATER_GUEST("async", "", "i32", "(call $h (i32.const 21))")));
    expect_trap(&w, "run", "deadlock detected");
    const struct canon_trap *t = canon_trap_of(w.store);
    assert_true(t->is_deadlock);
    assert_int_equal(t->wait_count, 2);
    assert_true(str_find(t->report, STR("the host has not finished `later`"), 0) != SIZE_MAX);
    expect_trap(&w, "run", "cannot enter component instance");
    world_end(&w);
}

static void host_exit(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_exit(c, (int)canon_call_arg(c, 0)->u);
}

static void host_trap(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_trap(c, "no %s today", "bread");
}

static void host_unfit(void *env, struct canon_call *c)
{
    (void)env;
    struct canon_value v = canon_bool(true);
    canon_call_return(c, &v);
}

static void test_host_ends(void **state)
{
    (void)state;
    struct world w;
    const char *guest = LATER_GUEST("", "", "i32", "(call $h (i32.const 21))");
    static const struct {
        canon_host_fn *fn;
        const char *message;
        bool is_exit;
    } rows[] = {{host_exit, "exit", true},
                {host_trap, "no bread today", false},
                {host_unfit, "unfit value", false}};
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        world_begin(&w);
        canon_linker_func(canon_linker_root(w.linker), "later", "func(a: u32) -> u32", rows[i].fn,
                          NULL);
        world_start(&w, str_c(guest));
        expect_trap(&w, "run", rows[i].message);
        assert_int_equal(canon_trap_of(w.store)->is_exit, rows[i].is_exit);
        world_end(&w);
    }
}

/* ---- Streams and futures ------------------------------------------------------------------------------ */

/* The guest copies the stream it is given, 4 bytes at a time, into the one it returns. */
static const char copy_guest[] =
    "(component"
    " (type $s (stream u8))"
    " (core module $mem (memory (export \"mem\") 1))"
    " (core instance $mem (instantiate $mem))"
    " (canon stream.new $s (core func $new))"
    " (canon stream.read $s (memory (core memory $mem \"mem\")) (core func $read))"
    " (canon stream.write $s (memory (core memory $mem \"mem\")) (core func $write))"
    " (canon stream.drop-readable $s (core func $dropr))"
    " (canon stream.drop-writable $s (core func $dropw))"
    " (canon task.return (result $s) (core func $return))"
    " (core module $m (import \"\" \"mem\" (memory 1))"
    "   (import \"\" \"new\" (func $new (result i64)))"
    "   (import \"\" \"read\" (func $read (param i32 i32 i32) (result i32)))"
    "   (import \"\" \"write\" (func $write (param i32 i32 i32) (result i32)))"
    "   (import \"\" \"dropr\" (func $dropr (param i32)))"
    "   (import \"\" \"dropw\" (func $dropw (param i32)))"
    "   (import \"\" \"return\" (func $return (param i32)))"
    "   (func (export \"copy\") (param $in i32) (local $both i64) (local $out i32) (local $n i32)"
    "     (local.set $both (call $new))"
    "     (local.set $out (i32.wrap_i64 (i64.shr_u (local.get $both) (i64.const 32))))"
    "     (call $return (i32.wrap_i64 (local.get $both)))"
    "     (block $done (loop $next"
    "       (local.set $n (call $read (local.get $in) (i32.const 0) (i32.const 4)))"
    "       (if (i32.shr_u (local.get $n) (i32.const 4)) (then"
    "         (drop (call $write (local.get $out) (i32.const 0)"
    "           (i32.shr_u (local.get $n) (i32.const 4))))))"
    "       (br_if $done (i32.and (local.get $n) (i32.const 15)))"
    "       (br $next)))"
    "     (call $dropr (local.get $in)) (call $dropw (local.get $out))))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "   (export \"mem\" (memory $mem \"mem\")) (export \"new\" (func $new))"
    "   (export \"read\" (func $read)) (export \"write\" (func $write))"
    "   (export \"dropr\" (func $dropr)) (export \"dropw\" (func $dropw))"
    "   (export \"return\" (func $return))))))"
    " (func (export \"copy\") async (param \"in\" $s) (result $s)"
    "   (canon lift (core func $i \"copy\") async)))";

struct text_source {
    str text;
    size_t at;
    bool dropped;
};

static void source_wanted(void *env, struct canon_end *w, u32 n)
{
    struct text_source *t = env;
    if (t->at == t->text.len) {
        canon_stream_close(w);
        return;
    }
    (void)n;
    t->at += canon_stream_write_bytes(w, t->text.ptr + t->at, (u32)(t->text.len - t->at));
}

static void source_dropped(void *env, struct canon_end *w)
{
    (void)w;
    ((struct text_source *)env)->dropped = true;
}

static const struct canon_source text_source = {.wanted = source_wanted, .dropped = source_dropped};

struct sink {
    char text[64];
    u32 len;
    bool closed;
};

static void sink_read(void *env, struct canon_end *r, const struct canon_read *read)
{
    struct sink *s = env;
    if (read->count) {
        memcpy(s->text + s->len, read->bytes, read->count);
    }
    s->len += read->count;
    s->closed |= read->closed;
    if (read->closed) {
        canon_end_drop(r);
    } else {
        canon_stream_read(r, 3, sink_read, env);
    }
}

static void copy_stream(struct canon_seed *seed)
{
    struct world w;
    struct text_source source = {.text = STR("the quick brown fox")};
    struct sink sink = {0};
    struct canon_config config = {.features = features_all(),
                                  .track_handles = true,
                                  .choose = seed ? canon_choose_seeded : NULL,
                                  .choose_ctx = seed};
    world_begin_with(&w, &config);
    world_start(&w, str_c(copy_guest));
    struct canon_end *writable;
    const struct canon_type *u8_type = canon_linker_parse_type(canon_linker_root(w.linker), "u8");
    struct canon_end *in = canon_stream_new(w.store, u8_type, &text_source, &source, &writable);
    struct canon_value arg = canon_readable(CANON_T_STREAM, in), out;
    assert_int_equal(canon_invoke(w.store, world_export(&w, "copy"), &arg, 1, &w.arena, &out),
                     CANON_OK);
    canon_stream_read(out.end, 3, sink_read, &sink);
    assert_int_equal(canon_store_run_until(w.store, NULL, NULL), CANON_IDLE);
    assert_true(sink.closed);
    assert_true(source.dropped);
    assert_true(str_eq_c(str_of(sink.text, sink.len), "the quick brown fox"));
    struct canon_leak *leaks;
    u32 n;
    canon_leaks(w.store, &w.arena, &leaks, &n);
    assert_int_equal(n, 0);
    world_end(&w);
}

static void test_streams(void **state)
{
    (void)state;
    copy_stream(NULL);
    for (u64 i = 0; i < 50; i++) {
        copy_stream(&(struct canon_seed){i});
    }
}

/* From host to host, without a guest in between. */
static void test_host_pipe(void **state)
{
    (void)state;
    struct world w;
    struct text_source source = {.text = STR("pipe dreams")};
    struct sink sink = {0};
    world_begin(&w);
    struct canon_end *writable;
    struct canon_end *r =
        canon_stream_new(w.store, canon_linker_parse_type(canon_linker_root(w.linker), "u8"),
                         &text_source, &source, &writable);
    canon_stream_read(r, 3, sink_read, &sink);
    assert_true(sink.closed && source.dropped);
    assert_true(str_eq_c(str_of(sink.text, sink.len), "pipe dreams"));
    world_end(&w);
}

static const char future_guest[] =
    "(component"
    " (type $f (future string))"
    " (core module $mem (memory (export \"mem\") 1)"
    "   (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"
    " (core instance $mem (instantiate $mem))"
    " (canon future.read $f (memory (core memory $mem \"mem\"))"
    "   (realloc (core func $mem \"realloc\")) (core func $read))"
    " (canon future.drop-readable $f (core func $drop))"
    " (core module $m (import \"\" \"mem\" (memory 1))"
    "   (import \"\" \"read\" (func $read (param i32 i32) (result i32)))"
    "   (import \"\" \"drop\" (func $drop (param i32)))"
    "   (func (export \"run\") (param i32) (result i32) (local $r i32)"
    "     (local.set $r (call $read (local.get 0) (i32.const 0)))"
    "     (call $drop (local.get 0))"
    "     (if (local.get $r) (then (return (i32.const 1000))))"
    "     (i32.load (i32.const 4))))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "   (export \"mem\" (memory $mem \"mem\")) (export \"read\" (func $read))"
    "   (export \"drop\" (func $drop))))))"
    " (func (export \"run\") async (param \"f\" $f) (result u32)"
    "   (canon lift (core func $i \"run\"))))";

static bool resolve_poll(void *env, bool may_block)
{
    struct canon_end **writable = env;
    if (!*writable || !may_block) {
        return *writable != NULL;
    }
    struct canon_end *w = *writable;
    struct canon_value text = canon_string(STR("future"));
    *writable = NULL;
    canon_future_resolve(w, &text);
    return true;
}

static void run_future(int when, u64 want)
{
    struct world w;
    struct canon_end *writable, *pending = NULL;
    world_begin(&w);
    canon_set_loop(w.store, (struct canon_loop){&pending, resolve_poll});
    world_start(&w, str_c(future_guest));
    struct canon_end *r =
        canon_future_new(w.store, canon_linker_parse_type(canon_linker_root(w.linker), "string"),
                         NULL, NULL, &writable);
    struct canon_value text = canon_string(STR("now"));
    if (when == 0) {
        canon_future_resolve(writable, &text);
    } else if (when == 1) {
        pending = writable;
    } else {
        canon_stream_close(writable);
    }
    struct canon_value arg = canon_readable(CANON_T_FUTURE, r), out = {0};
    assert_int_equal(canon_invoke(w.store, world_export(&w, "run"), &arg, 1, &w.arena, &out),
                     CANON_OK);
    assert_int_equal(out.u, want);
    world_end(&w);
}

static void test_futures(void **state)
{
    (void)state;
    run_future(0, 3);
    run_future(1, 6);
    run_future(2, 1000);
}

/* ---- Resources ------------------------------------------------------------------------------------------ */

static const char resource_guest[] =
    "(component"
    " (import \"h:h/files\" (instance $h"
    "   (export \"file\" (type $file (sub resource)))"
    "   (export \"open\" (func (param \"n\" u32) (result (own $file))))"
    "   (export \"[method]file.size\" (func (param \"self\" (borrow $file)) (result u32)))))"
    " (alias export $h \"file\" (type $file))"
    " (core func $open (canon lower (func $h \"open\")))"
    " (core func $size (canon lower (func $h \"[method]file.size\")))"
    " (canon resource.drop $file (core func $drop))"
    " (core module $m"
    "   (import \"\" \"open\" (func $open (param i32) (result i32)))"
    "   (import \"\" \"size\" (func $size (param i32) (result i32)))"
    "   (import \"\" \"drop\" (func $drop (param i32)))"
    "   (func (export \"run\") (param i32) (result i32) (local $h i32) (local $n i32)"
    "     (local.set $h (call $open (local.get 0)))"
    "     (local.set $n (call $size (local.get $h)))"
    "     (call $drop (local.get $h)) (local.get $n))"
    "   (func (export \"leak\") (param i32) (result i32) (call $open (local.get 0)))"
    "   (func (export \"bad\") (call $drop (i32.const 5))))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"open\" (func $open))"
    "   (export \"size\" (func $size)) (export \"drop\" (func $drop))))))"
    " (func (export \"run\") (param \"n\" u32) (result u32) (canon lift (core func $i \"run\")))"
    " (func (export \"leak\") (param \"n\" u32) (result u32) (canon lift (core func $i \"leak\")))"
    " (func (export \"bad\") (canon lift (core func $i \"bad\"))))";

struct files {
    struct canon_resource_type *type;
    u32 opened, closed;
};

static void file_open(void *env, struct canon_call *c)
{
    struct files *f = env;
    struct canon_value v = canon_own(f->type, canon_call_arg(c, 0)->u + 1000);
    f->opened++;
    canon_call_return(c, &v);
}

static void file_size(void *env, struct canon_call *c)
{
    (void)env;
    struct canon_value v = canon_u(CANON_T_U32, canon_call_arg(c, 0)->rep - 1000);
    canon_call_return(c, &v);
}

static void file_close(void *env, u64 rep)
{
    (void)rep;
    ((struct files *)env)->closed++;
}

static void test_resources(void **state)
{
    (void)state;
    struct world w;
    struct files files = {0};
    world_begin(&w);
    struct canon_linker_instance *i = canon_linker_instance(w.linker, "h:h/files");
    files.type = canon_linker_resource(i, "file", file_close, &files);
    canon_linker_func(i, "open", "func(n: u32) -> file", file_open, &files);
    canon_linker_func(i, "[method]file.size", "func(self: borrow<file>) -> u32", file_size, &files);
    world_start(&w, str_c(resource_guest));
    assert_int_equal(call_u32(&w, "run", 1, (u64[]){77}), 77);
    assert_int_equal(files.opened, 1);
    assert_int_equal(files.closed, 1);
    call_u32(&w, "leak", 1, (u64[]){5});
    struct canon_leak *leaks;
    u32 n;
    canon_leaks(w.store, &w.arena, &leaks, &n);
    assert_int_equal(n, 1);
    assert_true(str_eq_c(leaks[0].what, "own<file>"));
    assert_true(str_eq_c(leaks[0].maker, "leak") && str_eq_c(leaks[0].maker_instance, "root"));
    expect_trap(&w, "bad", "unknown handle index 5");
    assert_true(str_eq_c(canon_trap_of(w.store)->instance, "root"));
    assert_true(str_eq_c(canon_trap_of(w.store)->func, "resource.drop"));
    canon_store_free(w.store);
    w.store = NULL;
    assert_int_equal(files.closed, 2);
    world_end(&w);
}

/* ---- Arguments --------------------------------------------------------------------------------------------- */

static void test_arguments(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    canon_linker_func(canon_linker_instance(w.linker, "h:h/math@0.2.12"), "add",
                      "func(a: u32, b: u32) -> u32", host_add, NULL);
    world_start(&w, str_c(add_guest));
    struct canon_func *f = world_export(&w, "run");
    struct canon_value args[2] = {canon_u(CANON_T_U32, 1), canon_u(CANON_T_U64, 2)};
    assert_int_equal(canon_invoke(w.store, f, args, 1, &w.arena, NULL), CANON_TRAPPED);
    assert_int_equal(canon_invoke(w.store, f, args, 2, &w.arena, NULL), CANON_TRAPPED);
    args[1] = canon_u(CANON_T_U32, (u64)1 << 33);
    assert_int_equal(canon_invoke(w.store, f, args, 2, &w.arena, NULL), CANON_TRAPPED);
    args[1].u = 3;
    assert_int_equal(canon_invoke(w.store, f, args, 2, &w.arena, NULL), CANON_OK);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_host_function),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lying_import),
        cmocka_unit_test(test_reexport),
        cmocka_unit_test(test_missing_import),
        cmocka_unit_test(test_host_later),
        cmocka_unit_test(test_host_cancel),
        cmocka_unit_test(test_host_forgotten),
        cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_host_ends),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_host_pipe),
        cmocka_unit_test(test_futures),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_host_cancelled_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
