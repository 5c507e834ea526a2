/* canon_limit_test.c - guests that start tasks or make handles for ever: they end in a trap before the host's memory does. */
#include "test_world.h"

/* $B blocks for ever: `wait` in a callback, `deep` below many calls. What $A's `run` does in a loop is a row's. */
static const char parts[] =
    "(component $B"
    " (core module $mem (memory (export \"mem\") 1)) (core instance $mem (instantiate $mem))"
    " (canon waitable-set.new (core func $new))"
    " (canon waitable-set.wait (memory (core memory $mem \"mem\")) (core func $wait))"
    " (core module $m (import \"\" \"new\" (func $new (result i32)))"
    "  (import \"\" \"wait\" (func $wait (param i32 i32) (result i32)))"
    "  (global $set (mut i32) (i32.const 0))"
    "  (func $get (result i32) (if (i32.eqz (global.get $set)) (then"
    "   (global.set $set (call $new)))) (global.get $set))"
    "  (func $sink (param i32) (result i32) (if (result i32) (local.get 0)"
    "   (then (i32.add (i32.const 1) (call $sink (i32.sub (local.get 0) (i32.const 1)))))"
    "   (else (call $wait (call $get) (i32.const 0)))))"
    "  (func (export \"wait\") (result i32)"
    "   (i32.or (i32.const 2) (i32.shl (call $get) (i32.const 4))))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32) (unreachable))"
    "  (func (export \"deep\") (drop (call $sink (i32.const 10000)))))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "  (export \"new\" (func $new)) (export \"wait\" (func $wait))))))"
    " (func (export \"wait\") async"
    "  (canon lift (core func $i \"wait\") async (callback (core func $i \"cb\"))))"
    " (func (export \"deep\") async (canon lift (core func $i \"deep\") async)))"
    "(instance $b (instantiate $B))"
    "(core module $mem (memory (export \"mem\") 512)) (core instance $mem (instantiate $mem))"
    "(core module $tablem (table (export \"t\") 2 funcref))"
    "(core instance $table (instantiate $tablem))"
    "(core type $start (func (param i32))) (type $s (stream u8)) (type $f (future u8))"
    "(type $r (resource (rep i32)))";

static const struct {
    const char *definition, *type, *call; /* of the built-in $f */
} rows[] = {
    {"lower (func $b \"wait\") async (memory (core memory $mem \"mem\"))", "(result i32)",
     "(drop (call $f))"},
    {"lower (func $b \"deep\") async (memory (core memory $mem \"mem\"))", "(result i32)",
     "(drop (call $f))"},
    {"lower (func $host \"never\") async (memory (core memory $mem \"mem\"))",
     "(param i32 i32) (result i32)", "(drop (call $f (i32.const 0) (i32.const 1000000)))"},
    {"stream.new $s", "(result i64)", "(drop (call $f))"},
    {"future.new $f", "(result i64)", "(drop (call $f))"},
    {"waitable-set.new", "(result i32)", "(drop (call $f))"},
    {"resource.new $r", "(param i32) (result i32)", "(drop (call $f (i32.const 1)))"},
    {"error-context.new (memory (core memory $mem \"mem\"))", "(param i32 i32) (result i32)",
     "(drop (call $f (i32.const 0) (i32.const 1000000)))"},
    {"thread.new-indirect $start (core table $table \"t\")", "(param i32 i32) (result i32)",
     "(drop (call $f (i32.const 1) (i32.const 0)))"},
};

static void never(void *env, struct canon_call *c)
{
    (void)env;
    (void)c;
}

static void run_row(u32 row, u64 task_bytes, const char *trap)
{
    struct canon_config config = {.features = features_all()};
    struct world w;
    config.limits.task_bytes = task_bytes;
    world_begin_with(&w, &config);
    canon_linker_func(canon_linker_instance(w.linker, "host"), "never", "async func(b: list<u8>)",
                      never, NULL);
    struct buf b = buf_in(&w.arena);
    buf_printf(&b,
               "(component (import \"host\" (instance $host"
               " (export \"never\" (func async (param \"b\" (list u8))))))"
               "%s (canon %s (core func $f))"
               "(core module $m (import \"\" \"f\" (func $f %s))"
               " (import \"\" \"t\" (table 2 funcref)) (func $thread (param i32))"
               " (func (export \"run\") (loop $l %s (br $l))) (elem (i32.const 1) func $thread))"
               "(core instance $i (instantiate $m (with \"\" (instance (export \"f\" (func $f))"
               " (export \"t\" (table $table \"t\"))))))"
               "(func (export \"run\") async (canon lift (core func $i \"run\"))))",
               parts, rows[row].definition, rows[row].type, rows[row].call);
    world_start(&w, buf_view(&b));
    enum canon_outcome o = canon_invoke(w.store, world_export(&w, "run"), NULL, 0, &w.arena, NULL);
    str have = o == CANON_TRAPPED ? canon_trap_of(w.store)->message : STR("none");
    if (!str_eq_c(have, trap)) {
        fail_msg("%s: trap `" STRF "`, wanted `%s`", rows[row].definition, STRA(have), trap);
    }
    world_end(&w);
}

static void test_limit_of_tasks(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        run_row(i, 8 << 20, "tasks need too much memory");
    }
}

/* The table of handles has a limit of its own. */
static void test_limit_of_handles(void **state)
{
    (void)state;
    run_row(6, 0, "resource table has no free keys");
}

/* A list of strings that all lie at one place: small for the guest, not for a host. */
static const char list_guest[] =
    "(component (import \"host\" (instance $host"
    " (export \"list\" (func (param \"l\" (list string))))"
    " (export \"bytes\" (func (param \"l\" (list (list u8)))))))"
    " (core module $memm (memory (export \"mem\") 1)) (core instance $mem (instantiate $memm))"
    " (canon lower (func $host \"list\") (memory (core memory $mem \"mem\"))"
    "  string-encoding=utf8 (core func $utf8))"
    " (canon lower (func $host \"list\") (memory (core memory $mem \"mem\"))"
    "  string-encoding=utf16 (core func $utf16))"
    " (canon lower (func $host \"bytes\") (memory (core memory $mem \"mem\")) (core func $bytes))"
    " (core module $m (import \"mem\" \"mem\" (memory 1))"
    "  (import \"\" \"utf8\" (func $utf8 (param i32 i32)))"
    "  (import \"\" \"utf16\" (func $utf16 (param i32 i32)))"
    "  (import \"\" \"bytes\" (func $bytes (param i32 i32)))"
    "  (func $fill (param $n i32) (local $at i32) (local.set $at (i32.const 32768))"
    "   (loop $l (i32.store (local.get $at) (i32.const 0))"
    "    (i32.store offset=4 (local.get $at) (local.get $n))"
    "    (br_if $l (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))"
    "     (i32.const 65536)))))"
    "  (func (export \"utf8\") (param i32) (call $fill (i32.const 1024))"
    "   (call $utf8 (i32.const 32768) (local.get 0)))"
    "  (func (export \"utf16\") (param i32) (call $fill (i32.const 512))"
    "   (call $utf16 (i32.const 32768) (local.get 0)))"
    "  (func (export \"bytes\") (param i32) (call $fill (i32.const 1024))"
    "   (call $bytes (i32.const 32768) (local.get 0))))"
    " (core instance $i (instantiate $m (with \"mem\" (instance $mem)) (with \"\" (instance"
    "  (export \"utf8\" (func $utf8)) (export \"utf16\" (func $utf16))"
    "  (export \"bytes\" (func $bytes))))))"
    " (func (export \"utf8\") (param \"n\" u32) (canon lift (core func $i \"utf8\")))"
    " (func (export \"utf16\") (param \"n\" u32) (canon lift (core func $i \"utf16\")))"
    " (func (export \"bytes\") (param \"n\" u32) (canon lift (core func $i \"bytes\"))))";

static void at_once(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_return(c, NULL);
}

static void test_limit_of_values(void **state)
{
    (void)state;
    static const char *const names[] = {"utf8", "utf16", "bytes"};
    for (u32 i = 0; i < LENGTH_OF(names); i++) {
        struct world w;
        struct canon_config config = {.features = features_all(), .max_values = 10000};
        world_begin_with(&w, &config);
        struct canon_linker_instance *host = canon_linker_instance(w.linker, "host");
        canon_linker_func(host, "list", "func(l: list<string>)", at_once, NULL);
        canon_linker_func(host, "bytes", "func(l: list<list<u8>>)", at_once, NULL);
        world_start(&w, str_c(list_guest));
        struct canon_func *f = world_export(&w, names[i]);
        struct canon_value n = canon_u(CANON_T_U32, 200);
        assert_int_equal(canon_invoke(w.store, f, &n, 1, &w.arena, NULL), CANON_OK);
        n.u = 400; /* 12,800 times 32 bytes */
        assert_int_equal(canon_invoke(w.store, f, &n, 1, &w.arena, NULL), CANON_TRAPPED);
        assert_true(str_eq_c(canon_trap_of(w.store)->message, "too many values in one call"));
        world_end(&w);
    }
}

/* An interrupt ends the loading of modules, and is over then. */
static void test_interrupted_load(void **state)
{
    (void)state;
    struct world w;
    str text = STR("(component (core module) (component (core module)))");
    world_begin(&w);
    canon_interrupt(w.store);
    assert_false(world_try(&w, text));
    assert_int_equal(w.diags.errors, 0);
    assert_true(str_eq_c(canon_trap_of(w.store)->message, "interrupted"));
    assert_true(world_try(&w, text));
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_tasks),
        cmocka_unit_test(test_limit_of_handles),
        cmocka_unit_test(test_limit_of_values),
        cmocka_unit_test(test_interrupted_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
