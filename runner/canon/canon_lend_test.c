/* canon_lend_test.c - resources lent through three components, with a cancellation that goes the same way; destructors that drop further resources. */
#include "test_world.h"

/* $A has the resource; its `hold` keeps a borrow until it is cancelled. $B's `pass` lends what it got to $A and does what `how` says: 0 waits for the
 * cancellation of both, 1 drops its borrow too early, 2 returns with it, 3 gives it away, 4 returns while $A still has it. The root owns the resource, lends it to $B and
 * does what its own `how` says. The destructor of the resource counts in $A; `count` tells. */
static const char parts[] =
    "(component $A"
    " (core module $dm (global $n (mut i32) (i32.const 0))"
    "  (func (export \"d\") (param i32) (global.set $n (i32.add (global.get $n) (local.get 0))))"
    "  (func (export \"count\") (result i32) (global.get $n)))"
    " (core instance $d (instantiate $dm))"
    " (type $r0 (resource (rep i32) (dtor (core func $d \"d\")))) (export $r \"r\" (type $r0))"
    " (canon resource.new $r0 (core func $new)) (canon task.cancel (core func $cancel))"
    " (canon waitable-set.new (core func $set))"
    " (core module $m (import \"\" \"set\" (func $set (result i32)))"
    "  (import \"\" \"cancel\" (func $cancel))"
    "  (func (export \"hold\") (param i32) (result i32)"
    "   (if (i32.ne (local.get 0) (i32.const 7)) (then unreachable))" /* $A sees the rep */
    "   (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32)"
    "   (if (i32.ne (local.get 0) (i32.const 6)) (then unreachable))"
    "   (call $cancel) (i32.const 0))"
    "  (func (export \"take\") (param i32)))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "  (export \"set\" (func $set)) (export \"cancel\" (func $cancel))))))"
    " (func (export \"mk\") (param \"rep\" u32) (result (own $r)) (canon lift (core func $new)))"
    " (func (export \"count\") (result u32) (canon lift (core func $d \"count\")))"
    " (func (export \"take\") (param \"r\" (own $r)) (canon lift (core func $i \"take\")))"
    " (func (export \"hold\") async (param \"r\" (borrow $r)) (canon lift"
    "  (core func $i \"hold\") async (callback (core func $i \"cb\")))))"
    "(instance $a (instantiate $A)) (alias export $a \"r\" (type $r))"
    "(component $B (import \"r\" (type $r (sub resource)))"
    " (import \"hold\" (func $hold async (param \"r\" (borrow $r))))"
    " (import \"take\" (func $take (param \"r\" (own $r))))"
    " (core module $memm (memory (export \"mem\") 1)) (core instance $mem (instantiate $memm))"
    " (canon lower (func $hold) async (memory (core memory $mem \"mem\")) (core func $hold'))"
    " (canon lower (func $take) (core func $take'))"
    " (canon resource.drop $r (core func $drop)) (canon task.cancel (core func $cancel))"
    " (canon task.return (core func $return)) (canon subtask.cancel (core func $sc))"
    " (canon subtask.drop (core func $sd)) (canon waitable-set.new (core func $set))"
    " (core module $m (import \"\" \"hold\" (func $hold (param i32) (result i32)))"
    "  (import \"\" \"take\" (func $take (param i32))) (import \"\" \"drop\" (func $drop (param "
    "i32)))"
    "  (import \"\" \"cancel\" (func $cancel)) (import \"\" \"return\" (func $return))"
    "  (import \"\" \"sc\" (func $sc (param i32) (result i32)))"
    "  (import \"\" \"sd\" (func $sd (param i32))) (import \"\" \"set\" (func $set (result i32)))"
    "  (global $r (mut i32) (i32.const 0)) (global $t (mut i32) (i32.const 0))"
    "  (func (export \"pass\") (param $r i32) (param $how i32) (result i32)"
    "   (global.set $r (local.get $r)) (global.set $t (call $hold (local.get $r)))"
    "   (if (i32.ne (i32.and (global.get $t) (i32.const 15)) (i32.const 1)) (then unreachable))"
    "   (global.set $t (i32.shr_u (global.get $t) (i32.const 4)))"
    "   (if (i32.eq (local.get $how) (i32.const 1)) (then (call $drop (local.get $r))))"
    "   (if (i32.eq (local.get $how) (i32.const 2)) (then"
    "    (drop (call $sc (global.get $t))) (call $return)))"
    "   (if (i32.eq (local.get $how) (i32.const 3)) (then"
    "    (drop (call $sc (global.get $t))) (call $take (local.get $r))))"
    "   (if (i32.eq (local.get $how) (i32.const 4)) (then (call $return)))"
    "   (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32)"
    "   (if (i32.ne (local.get 0) (i32.const 6)) (then unreachable))"
    "   (if (i32.ne (call $sc (global.get $t)) (i32.const 4)) (then unreachable))"
    "   (call $sd (global.get $t)) (call $drop (global.get $r)) (call $cancel) (i32.const 0)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"hold\" (func $hold'))"
    "  (export \"take\" (func $take')) (export \"drop\" (func $drop))"
    "  (export \"cancel\" (func $cancel)) (export \"return\" (func $return))"
    "  (export \"sc\" (func $sc)) (export \"sd\" (func $sd)) (export \"set\" (func $set))))))"
    " (func (export \"pass\") async (param \"r\" (borrow $r)) (param \"how\" u32) (canon lift"
    "  (core func $i \"pass\") async (callback (core func $i \"cb\")))))"
    "(instance $b (instantiate $B (with \"r\" (type $r)) (with \"hold\" (func $a \"hold\"))"
    " (with \"take\" (func $a \"take\"))))"
    "(core module $memm (memory (export \"mem\") 1)) (core instance $mem (instantiate $memm))"
    "(canon lower (func $b \"pass\") async (memory (core memory $mem \"mem\")) (core func $pass))"
    "(canon lower (func $a \"mk\") (core func $mk)) (canon lower (func $a \"count\") (core func "
    "$n))"
    "(canon lower (func $a \"take\") (core func $take))"
    "(canon resource.drop $r (core func $drop)) (canon subtask.cancel (core func $sc))"
    "(canon subtask.drop (core func $sd))"
    "(core module $m (import \"\" \"pass\" (func $pass (param i32 i32) (result i32)))"
    " (import \"\" \"mk\" (func $mk (param i32) (result i32))) (import \"\" \"n\" (func $n (result "
    "i32)))"
    " (import \"\" \"take\" (func $take (param i32))) (import \"\" \"drop\" (func $drop (param "
    "i32)))"
    " (import \"\" \"sc\" (func $sc (param i32) (result i32)))"
    " (import \"\" \"sd\" (func $sd (param i32)))"
    " (func (export \"run\") (param $pass i32) (param $how i32) (result i32)"
    "  (local $r i32) (local $t i32)"
    "  (local.set $r (call $mk (i32.const 7)))"
    "  (local.set $t (i32.shr_u (call $pass (local.get $r) (local.get $pass)) (i32.const 4)))"
    "  (if (i32.eq (local.get $how) (i32.const 1)) (then (call $drop (local.get $r))))"
    "  (if (i32.eq (local.get $how) (i32.const 2)) (then (call $take (local.get $r))))"
    "  (if (i32.eq (local.get $how) (i32.const 3)) (then (call $sd (local.get $t))))"
    "  (if (i32.ne (call $sc (local.get $t)) (i32.const 4)) (then unreachable))"
    "  (if (i32.eq (local.get $how) (i32.const 4)) (then (drop (call $sc (local.get $t)))))"
    "  (if (call $n) (then unreachable))"
    "  (call $sd (local.get $t)) (call $drop (local.get $r)) (call $n)))"
    "(core instance $i (instantiate $m (with \"\" (instance (export \"pass\" (func $pass))"
    " (export \"mk\" (func $mk)) (export \"n\" (func $n)) (export \"take\" (func $take))"
    " (export \"drop\" (func $drop)) (export \"sc\" (func $sc)) (export \"sd\" (func $sd))))))"
    "(func (export \"run\") async (param \"pass\" u32) (param \"how\" u32) (result u32)"
    " (canon lift (core func $i \"run\")))";

static const struct {
    u32 pass, how;
    const char *trap, *where;
} rows[] = {
    {0, 0, NULL, NULL},
    {0, 1, "cannot remove owned resource while borrowed", "root"},
    {0, 2, "cannot remove owned resource while borrowed", "root"},
    {0, 3, "cannot drop a subtask which has not yet resolved", "root"},
    {0, 4, "`subtask.cancel` called after terminal status delivered", "root"},
    {1, 0, "cannot remove owned resource while borrowed", "root/B"},
    {2, 0, "borrow handles still remain at the end of the call", "root/B"},
    {3, 0, "cannot lift own resource from a borrow", "root/B"},
    {4, 0, "borrow handles still remain at the end of the call", "root/B"},
};

static void test_lending(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        world_begin(&w);
        struct buf b = buf_in(&w.arena);
        buf_printf(&b, "(component %s)", parts);
        world_start(&w, buf_view(&b));
        struct canon_value args[2] = {canon_u(CANON_T_U32, rows[i].pass),
                                      canon_u(CANON_T_U32, rows[i].how)};
        struct canon_value result = {0};
        enum canon_outcome o =
            canon_invoke(w.store, world_export(&w, "run"), args, 2, &w.arena, &result);
        str have = o == CANON_TRAPPED ? canon_trap_of(w.store)->message : STR("none");
        if (!str_eq_c(have, rows[i].trap ? rows[i].trap : "none")) {
            fail_msg("row %u: trap `" STRF "`", i, STRA(have));
        }
        if (rows[i].trap) {
            str where = canon_trap_of(w.store)->instance;
            if (!str_eq_c(where, rows[i].where)) {
                fail_msg("row %u: trap in " STRF, i, STRA(where));
            }
        } else {
            struct canon_leak *leaks;
            u32 n;
            assert_int_equal(result.u, 7); /* the destructor ran once */
            canon_leaks(w.store, &w.arena, &leaks, &n);
            assert_int_equal(n, 2); /* the waitable sets */
        }
        world_end(&w);
    }
}

/* Each resource's destructor drops the handle that is its rep: all the way down, in a chain of calls into the same instance. */
static const char chain[] =
    "(component"
    " (core module $tm (table (export \"t\") 1 funcref)"
    "  (func (export \"d\") (param i32) (call_indirect (param i32) (local.get 0) (i32.const 0))))"
    " (core instance $t (instantiate $tm))"
    " (type $r (resource (rep i32) (dtor (core func $t \"d\"))))"
    " (canon resource.new $r (core func $new)) (canon resource.drop $r (core func $drop))"
    " (core module $m (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32))) (import \"t\" \"t\" (table 1 funcref))"
    "  (global $n (mut i32) (i32.const 0))"
    "  (func $d (param i32) (global.set $n (i32.add (global.get $n) (i32.const 1)))"
    "   (if (local.get 0) (then (call $drop (local.get 0)))))"
    "  (elem (i32.const 0) func $d)"
    "  (func (export \"run\") (param $count i32) (result i32) (local $h i32)"
    "   (loop $l (local.set $h (call $new (local.get $h)))"
    "    (br_if $l (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))"
    "   (call $drop (local.get $h)) (global.get $n)))"
    " (core instance $i (instantiate $m (with \"t\" (instance $t)) (with \"\" (instance"
    "  (export \"new\" (func $new)) (export \"drop\" (func $drop))))))"
    " (func (export \"run\") (param \"count\" u32) (result u32) (canon lift (core func $i "
    "\"run\"))))";

static void test_chain_of_destructors(void **state)
{
    (void)state;
    struct world w;
    struct canon_value result = {0}, count = canon_u(CANON_T_U32, 1000);
    world_begin(&w);
    world_start(&w, str_c(chain));
    struct canon_func *run = world_export(&w, "run");
    assert_int_equal(canon_invoke(w.store, run, &count, 1, &w.arena, &result), CANON_OK);
    assert_int_equal(result.u, 1000);
    count.u = 900000;
    assert_int_equal(canon_invoke(w.store, run, &count, 1, &w.arena, &result), CANON_TRAPPED);
    str have = canon_trap_of(w.store)->message;
    if (!str_eq(have, STR("call stack exhausted"))) {
        fail_msg("trap `" STRF "`", STRA(have));
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lending),
        cmocka_unit_test(test_chain_of_destructors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
