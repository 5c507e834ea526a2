/* canon_order_test.c - crowds of tasks that wait for the lock or the gate of one instance, or for one waitable set: they run in their order, and nobody looks at
 * those whose time has not come. */
#include "canon_internal.h"
#include "test_world.h"

#define CROWD 100000

/* `hold` has the lock for n turns; `f` needs it, and again after a yield; `close` and `open` are the gate's. */
static const char text[] =
    "(component"
    " (canon thread.yield (core func $yield))"
    " (canon backpressure.inc (core func $inc)) (canon backpressure.dec (core func $dec))"
    " (canon task.return (result u32) (core func $return))"
    " (core module $m (import \"\" \"yield\" (func $yield (result i32)))"
    "  (import \"\" \"inc\" (func $inc)) (import \"\" \"dec\" (func $dec))"
    "  (import \"\" \"return\" (func $return (param i32)))"
    "  (func (export \"hold\") (param $n i32)"
    "   (loop $l (drop (call $yield))"
    "    (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"
    "  (func (export \"f\") (param i32) (result i32) (call $return (local.get 0)) (i32.const 1))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32) (i32.const 0))"
    "  (func (export \"close\") (call $inc)) (func (export \"open\") (call $dec)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"yield\" (func $yield))"
    "  (export \"inc\" (func $inc)) (export \"dec\" (func $dec))"
    "  (export \"return\" (func $return))))))"
    " (func (export \"hold\") async (param \"n\" u32) (canon lift (core func $i \"hold\")))"
    " (func (export \"f\") async (param \"x\" u32) (result u32)"
    "  (canon lift (core func $i \"f\") async (callback (core func $i \"cb\"))))"
    " (func (export \"close\") (canon lift (core func $i \"close\")))"
    " (func (export \"open\") (canon lift (core func $i \"open\"))))";

static void in_order(void *env, const struct canon_value *result)
{
    u32 *next = env;
    assert_non_null(result);
    assert_int_equal(result->u, *next);
    ++*next;
}

static void begin(struct world *w, const char *name, u32 arg, canon_done_fn *done, void *env)
{
    struct canon_value v = canon_u(CANON_T_U32, arg);
    struct canon_invocation *inv;
    assert_int_equal(canon_begin(w->store, world_export(w, name), &v, 1, done, env, &inv),
                     CANON_OK);
}

static void begin_crowd(struct world *w, u32 *next)
{
    for (u32 i = 0; i < CROWD; i++) {
        begin(w, "f", i, in_order, next);
    }
    assert_int_equal(*next, 0);
}

static void call(struct world *w, const char *name)
{
    assert_int_equal(canon_invoke(w->store, world_export(w, name), NULL, 0, &w->arena, NULL),
                     CANON_OK);
}

static void run_crowd(struct world *w, const u32 *next, u64 most)
{
    w->store->looked = 0;
    assert_int_equal(canon_store_run_until(w->store, NULL, NULL), CANON_IDLE);
    assert_int_equal(*next, CROWD);
    assert_true(w->store->looked <= most);
}

/* The holder's turns go past the crowd, and each of the crowd takes the lock twice. */
static void test_lock(void **state)
{
    (void)state;
    struct world w;
    u32 next = 0;
    world_begin(&w);
    world_start(&w, str_c(text));
    begin(&w, "hold", CROWD, NULL, NULL);
    begin_crowd(&w, &next);
    run_crowd(&w, &next, 6 * CROWD);
    world_end(&w);
}

/* The gate opens and closes before the crowd comes in. */
static void test_gate(void **state)
{
    (void)state;
    struct world w;
    u32 next = 0;
    world_begin(&w);
    world_start(&w, str_c(text));
    call(&w, "close");
    begin_crowd(&w, &next);
    for (u32 i = 0; i < CROWD / 100; i++) {
        call(&w, "open");
        call(&w, "close");
        assert_int_equal(canon_store_run_until(w.store, NULL, NULL), CANON_IDLE);
        assert_int_equal(next, 0);
    }
    call(&w, "open");
    run_crowd(&w, &next, 6 * CROWD);
    world_end(&w);
}

/* Under a seed each of the waiting ones is as likely as another to be the first. */
static void test_seeded(void **state)
{
    (void)state;
    enum { FEW = 5, TIMES = 1000 };
    u32 counts[FEW] = {0};
    struct world w;
    struct canon_seed seed = {1};
    world_begin(&w);
    world_start(&w, str_c(text));
    w.store->config.choose = canon_choose_seeded;
    w.store->config.choose_ctx = &seed;
    for (u32 t = 0; t < TIMES; t++) {
        struct canon_invocation *inv[FEW];
        call(&w, "close");
        for (u32 i = 0; i < FEW; i++) {
            struct canon_value v = canon_u(CANON_T_U32, i);
            assert_int_equal(
                canon_begin(w.store, world_export(&w, "f"), &v, 1, NULL, NULL, &inv[i]), CANON_OK);
        }
        call(&w, "open");
        struct thread *th = canon_pick_thread(w.store, NULL, CHOICE_THREAD, NULL);
        assert_non_null(th);
        counts[th->task->inv->args[0].u]++;
        assert_int_equal(canon_store_run_until(w.store, NULL, NULL), CANON_IDLE);
        for (u32 i = 0; i < FEW; i++) {
            canon_invocation_free(w.store, inv[i]);
        }
    }
    for (u32 i = 0; i < FEW; i++) {
        assert_in_range(counts[i], TIMES / FEW - 50, TIMES / FEW + 50);
    }
    world_end(&w);
}

static void count(void *env, const struct canon_value *result)
{
    assert_non_null(result);
    ++*(u32 *)env;
}

/* Under a seed too nobody walks past all that are ready. */
static void test_seeded_crowd(void **state)
{
    (void)state;
    struct world w;
    struct canon_seed seed = {1};
    u32 n = 0;
    world_begin(&w);
    world_start(&w, str_c(text));
    w.store->config.choose = canon_choose_seeded;
    w.store->config.choose_ctx = &seed;
    begin(&w, "hold", CROWD / 10, NULL, NULL);
    for (u32 i = 0; i < CROWD / 10; i++) {
        begin(&w, "f", i, count, &n);
    }
    w.store->looked = 0;
    assert_int_equal(canon_store_run_until(w.store, NULL, NULL), CANON_IDLE);
    assert_int_equal(n, CROWD / 10);
    assert_true(w.store->looked <= CROWD);
    world_end(&w);
}

/* `go` starts n threads that wait for one set, and gives it m events, one after the other. */
static const char herd[] =
    "(component "
    "(core module $lib (memory (export \"mem\") 1) (table (export \"t\") 1 funcref)) "
    "(core instance $lib (instantiate $lib)) "
    "(core type $start (func (param i32))) "
    "(type $s (stream u8)) "
    "(canon thread.new-indirect $start (core table $lib \"t\") (core func $thread)) "
    "(canon thread.resume-later (core func $later)) "
    "(canon thread.yield (core func $yield)) "
    "(canon waitable-set.new (core func $set)) "
    "(canon waitable-set.wait (memory (core memory $lib \"mem\")) (core func $wait)) "
    "(canon waitable.join (core func $join)) "
    "(canon stream.new $s (core func $new)) "
    "(canon stream.read $s async (memory (core memory $lib \"mem\")) (core func $read)) "
    "(canon stream.write $s async (memory (core memory $lib \"mem\")) (core func $write)) "
    "(core module $m "
    "(import \"\" \"t\" (table 1 funcref)) "
    "(import \"\" \"thread\" (func $thread (param i32 i32) (result i32))) "
    "(import \"\" \"later\" (func $later (param i32))) "
    "(import \"\" \"yield\" (func $yield (result i32))) "
    "(import \"\" \"set\" (func $set (result i32))) "
    "(import \"\" \"wait\" (func $wait (param i32 i32) (result i32))) "
    "(import \"\" \"join\" (func $join (param i32 i32))) "
    "(import \"\" \"new\" (func $new (result i64))) "
    "(import \"\" \"read\" (func $read (param i32 i32 i32) (result i32))) "
    "(import \"\" \"write\" (func $write (param i32 i32 i32) (result i32))) "
    "(global $s (mut i32) (i32.const 0)) "
    "(global $taken (mut i32) (i32.const 0)) "
    "(func $waits (param i32) "
    "(loop $l "
    "(drop (call $wait (global.get $s) (i32.const 16))) "
    "(global.set $taken (i32.add (global.get $taken) (i32.const 1))) "
    "(br $l))) "
    "(elem (i32.const 0) func $waits) "
    "(func (export \"go\") (param $n i32) (param $m i32) (result i32) (local $e i64) (local $r "
    "i32) (local $w i32) "
    "(global.set $s (call $set)) "
    "(local.set $e (call $new)) "
    "(local.set $r (i32.wrap_i64 (local.get $e))) "
    "(local.set $w (i32.wrap_i64 (i64.shr_u (local.get $e) (i64.const 32)))) "
    "(call $join (local.get $r) (global.get $s)) "
    "(loop $l "
    "(call $later (call $thread (i32.const 0) (i32.const 0))) "
    "(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) "
    "(drop (call $yield)) "
    "(loop $l "
    "(drop (call $read (local.get $r) (i32.const 0) (i32.const 1))) "
    "(drop (call $write (local.get $w) (i32.const 0) (i32.const 1))) "
    "(drop (call $yield)) "
    "(br_if $l (local.tee $m (i32.sub (local.get $m) (i32.const 1))))) "
    "(global.get $taken))) "
    "(core instance $i (instantiate $m (with \"\" (instance "
    "(export \"t\" (table $lib \"t\")) (export \"thread\" (func $thread)) (export \"later\" (func "
    "$later)) (export \"yield\" (func $yield)) "
    "(export \"set\" (func $set)) (export \"wait\" (func $wait)) (export \"join\" (func $join)) "
    "(export \"new\" (func $new)) (export \"read\" (func $read)) (export \"write\" (func "
    "$write)))))) "
    "(func (export \"go\") async (param \"n\" u32) (param \"m\" u32) (result u32) (canon lift "
    "(core func $i \"go\")))) ";

static void test_herd(void **state)
{
    (void)state;
    struct world w;
    struct canon_value args[2] = {canon_u(CANON_T_U32, CROWD / 10), canon_u(CANON_T_U32, 1000)};
    struct canon_value result;
    world_begin(&w);
    world_start(&w, str_c(herd));
    assert_int_equal(canon_invoke(w.store, world_export(&w, "go"), args, 2, &w.arena, &result),
                     CANON_OK);
    assert_int_equal(result.u, 1000);
    assert_true(w.store->turns <= CROWD);
    world_end(&w);
}

/* `back` and `stack` wait for one set, in a callback, which needs the lock, and on a stack; `fire` is an event. */
static const char two_kinds[] =
    "(component "
    "(core module $lib (memory (export \"mem\") 1)) (core instance $lib (instantiate $lib)) "
    "(type $s (stream u8)) "
    "(canon thread.yield (core func $yield)) "
    "(canon task.return (core func $return)) "
    "(canon waitable-set.new (core func $set)) "
    "(canon waitable-set.wait (memory (core memory $lib \"mem\")) (core func $wait)) "
    "(canon waitable.join (core func $join)) "
    "(canon stream.new $s (core func $new)) "
    "(canon stream.read $s async (memory (core memory $lib \"mem\")) (core func $read)) "
    "(canon stream.write $s async (memory (core memory $lib \"mem\")) (core func $write)) "
    "(core module $m "
    "(import \"\" \"yield\" (func $yield (result i32))) "
    "(import \"\" \"return\" (func $return)) "
    "(import \"\" \"set\" (func $set (result i32))) "
    "(import \"\" \"wait\" (func $wait (param i32 i32) (result i32))) "
    "(import \"\" \"join\" (func $join (param i32 i32))) "
    "(import \"\" \"new\" (func $new (result i64))) "
    "(import \"\" \"read\" (func $read (param i32 i32 i32) (result i32))) "
    "(import \"\" \"write\" (func $write (param i32 i32 i32) (result i32))) "
    "(global $s (mut i32) (i32.const 0)) (global $e (mut i64) (i64.const 0)) "
    "(func (export \"make\") (global.set $s (call $set)) (global.set $e (call $new)) "
    "(call $join (i32.wrap_i64 (global.get $e)) (global.get $s))) "
    "(func (export \"fire\") "
    "(drop (call $read (i32.wrap_i64 (global.get $e)) (i32.const 0) (i32.const 1))) "
    "(drop (call $write (i32.wrap_i64 (i64.shr_u (global.get $e) (i64.const 32))) (i32.const 0) "
    "(i32.const 1)))) "
    "(func (export \"hold\") (loop $l (drop (call $yield)) (br $l))) "
    "(func (export \"stack\") (drop (call $wait (global.get $s) (i32.const 16))) (call $return)) "
    "(func (export \"start\") (result i32) (i32.or (i32.const 2) (i32.shl (global.get $s) "
    "(i32.const 4)))) "
    "(func (export \"cb\") (param i32 i32 i32) (result i32) (call $return) (i32.const 0))) "
    "(core instance $i (instantiate $m (with \"\" (instance (export \"yield\" (func $yield)) "
    "(export \"return\" (func $return)) "
    "(export \"set\" (func $set)) (export \"wait\" (func $wait)) (export \"join\" (func $join)) "
    "(export \"new\" (func $new)) (export \"read\" (func $read)) (export \"write\" (func "
    "$write)))))) "
    "(func (export \"make\") (canon lift (core func $i \"make\"))) "
    "(func (export \"fire\") (canon lift (core func $i \"fire\"))) "
    "(func (export \"hold\") async (canon lift (core func $i \"hold\"))) "
    "(func (export \"stack\") async (canon lift (core func $i \"stack\") async)) "
    "(func (export \"back\") async (canon lift (core func $i \"start\") async (callback (core func "
    "$i \"cb\"))))) ";

static void note_done(void *env, const struct canon_value *result)
{
    (void)result;
    *(bool *)env = true;
}

static bool is_done(void *env)
{
    return *(bool *)env;
}

/* Nobody stands in for those that wait for the lock, and a cancelled one takes no event along. */
static void test_two_kinds(void **state)
{
    (void)state;
    for (u32 holds = 0; holds < 2; holds++) {
        struct world w;
        struct canon_invocation *back, *stack, *hold;
        bool is_back = false, is_stack = false;
        world_begin(&w);
        world_start(&w, str_c(two_kinds));
        call(&w, "make");
        assert_int_equal(
            canon_begin(w.store, world_export(&w, "stack"), NULL, 0, note_done, &is_stack, &stack),
            CANON_OK);
        assert_int_equal(
            canon_begin(w.store, world_export(&w, "back"), NULL, 0, note_done, &is_back, &back),
            CANON_OK);
        if (holds) {
            assert_int_equal(
                canon_begin(w.store, world_export(&w, "hold"), NULL, 0, NULL, NULL, &hold),
                CANON_OK);
        }
        call(&w, "fire");
        if (!holds) {
            assert_int_equal(canon_cancel(w.store, back), CANON_OK);
            assert_true(is_back);
        }
        assert_int_equal(canon_store_run_until(w.store, is_done, &is_stack), CANON_OK);
        assert_int_equal(is_back, !holds);
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),   cmocka_unit_test(test_gate),
        cmocka_unit_test(test_seeded), cmocka_unit_test(test_seeded_crowd),
        cmocka_unit_test(test_herd),   cmocka_unit_test(test_two_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
