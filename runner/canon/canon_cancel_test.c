/* canon_cancel_test.c - subtask.cancel in each state of a subtask, for each way in which its callee was lifted. */
#include "test_world.h"

/* What $B's functions do: WAITS for what never comes, YIELDS once and returns; a callback that hears of the request cancels itself, or ANSWERS with its result,
 * or is DEAF. The root calls one, behind the gate of backpressure if it is told so, and cancels. */
enum how { WAITS, YIELDS, ANSWERS, DEAF };
static const char guest[] =
    "(component (component $B"
    " (core module $memm (memory (export \"mem\") 1)) (core instance $mem (instantiate $memm))"
    " (canon waitable-set.new (core func $set)) (canon thread.yield (core func $yield))"
    " (canon waitable-set.wait (memory (core memory $mem \"mem\")) (core func $wait))"
    " (canon task.return (result u32) (core func $return)) (canon task.cancel (core func $cancel))"
    " (canon backpressure.inc (core func $inc))"
    " (core module $m (import \"\" \"set\" (func $set (result i32)))"
    "  (import \"\" \"yield\" (func $yield (result i32)))"
    "  (import \"\" \"wait\" (func $wait (param i32 i32) (result i32)))"
    "  (import \"\" \"return\" (func $return (param i32))) (import \"\" \"cancel\" (func $cancel))"
    "  (global $how (mut i32) (i32.const 0))"
    "  (func $block (param $how i32) (if (local.get $how) (then (drop (call $yield)))"
    "   (else (drop (call $wait (call $set) (i32.const 0))))))"
    "  (func (export \"sync\") (param i32) (result i32) (call $block (local.get 0)) (i32.const 42))"
    "  (func (export \"stack\") (param i32) (call $block (local.get 0)) (call $return (i32.const "
    "42)))"
    "  (func $again (result i32) (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))"
    "  (func (export \"call\") (param $how i32) (result i32) (global.set $how (local.get $how))"
    "   (if (result i32) (i32.eq (local.get $how) (i32.const 1)) (then (i32.const 1))"
    "    (else (call $again))))"
    "  (func (export \"back\") (param $event i32) (param i32 i32) (result i32)"
    "   (if (i32.and (i32.eq (local.get $event) (i32.const 6))"
    "    (i32.eq (global.get $how) (i32.const 3)))"
    "    (then (return (call $again))))"
    "   (if (i32.or (i32.eqz (local.get $event)) (i32.eq (global.get $how) (i32.const 2)))"
    "    (then (call $return (i32.const 42))) (else (call $cancel)))"
    "   (i32.const 0)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"set\" (func $set))"
    "  (export \"yield\" (func $yield)) (export \"wait\" (func $wait))"
    "  (export \"return\" (func $return)) (export \"cancel\" (func $cancel))))))"
    " (func (export \"gate\") (canon lift (core func $inc)))"
    " (func (export \"sync\") async (param \"how\" u32) (result u32)"
    "  (canon lift (core func $i \"sync\")))"
    " (func (export \"stack\") async (param \"how\" u32) (result u32)"
    "  (canon lift (core func $i \"stack\") async))"
    " (func (export \"call\") async (param \"how\" u32) (result u32)"
    "  (canon lift (core func $i \"call\") async (callback (core func $i \"back\")))))"
    "(instance $b (instantiate $B))"
    "(core module $memm (memory (export \"mem\") 1)) (core instance $mem (instantiate $memm))"
    "(canon lower (func $b \"gate\") (core func $gate))"
    "(canon lower (func $b \"%s\") async (memory (core memory $mem \"mem\")) (core func $f))"
    "(canon subtask.cancel %s (core func $cancel)) (canon subtask.drop (core func $drop))"
    "(core module $m (import \"mem\" \"mem\" (memory 1)) (import \"\" \"gate\" (func $gate))"
    " (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
    " (import \"\" \"cancel\" (func $cancel (param i32) (result i32)))"
    " (import \"\" \"drop\" (func $drop (param i32)))"
    " (func (export \"run\") (param $gate i32) (param $how i32) (result i32) (local $t i32)"
    "  (local $code i32) (if (local.get $gate) (then (call $gate)))"
    "  (local.set $t (call $f (local.get $how) (i32.const 16)))"
    "  (local.set $code (call $cancel (i32.shr_u (local.get $t) (i32.const 4))))"
    "  (if (i32.ne (local.get $code) (i32.const -1))"
    "   (then (call $drop (i32.shr_u (local.get $t) (i32.const 4)))))"
    "  (i32.or (i32.or (i32.and (local.get $t) (i32.const 15))"
    "   (i32.shl (i32.load (i32.const 16)) (i32.const 16)))"
    "   (i32.shl (i32.and (local.get $code) (i32.const 255)) (i32.const 8)))))"
    "(core instance $i (instantiate $m (with \"mem\" (instance $mem)) (with \"\" (instance"
    " (export \"gate\" (func $gate)) (export \"f\" (func $f)) (export \"cancel\" (func $cancel))"
    " (export \"drop\" (func $drop))))))"
    "(func (export \"run\") async (param \"gate\" u32) (param \"how\" u32) (result u32)"
    " (canon lift (core func $i \"run\"))))";

enum state { STARTING, STARTED };
enum code { RETURNED = 2, NOT_STARTED, NOT_RETURNED, BLOCKED = 255 };

static const struct {
    const char *lift;
    enum how how;
    bool gate;
    enum state state; /* at the cancellation */
    enum code code;   /* BLOCKED: without `async` that is a deadlock */
} rows[] = {
    {"sync", WAITS, true, STARTING, NOT_STARTED},   {"call", WAITS, true, STARTING, NOT_STARTED},
    {"stack", WAITS, true, STARTING, NOT_STARTED},  {"sync", WAITS, false, STARTED, BLOCKED},
    {"stack", WAITS, false, STARTED, BLOCKED},      {"call", WAITS, false, STARTED, NOT_RETURNED},
    {"sync", YIELDS, false, STARTED, RETURNED},     {"stack", YIELDS, false, STARTED, RETURNED},
    {"call", YIELDS, false, STARTED, NOT_RETURNED}, {"call", ANSWERS, false, STARTED, RETURNED},
    {"call", DEAF, false, STARTED, BLOCKED},
};

static void run_row(u32 row, bool is_async)
{
    struct world w;
    world_begin(&w);
    struct buf b = buf_in(&w.arena);
    buf_printf(&b, guest, rows[row].lift, is_async ? "async" : "");
    world_start(&w, buf_view(&b));
    struct canon_value args[2] = {canon_u(CANON_T_U32, rows[row].gate),
                                  canon_u(CANON_T_U32, rows[row].how)};
    struct canon_value result = {0};
    enum canon_outcome o =
        canon_invoke(w.store, world_export(&w, "run"), args, 2, &w.arena, &result);
    if (rows[row].code == BLOCKED && !is_async) {
        assert_int_equal(o, CANON_TRAPPED);
        assert_true(canon_trap_of(w.store)->is_deadlock);
    } else {
        u64 value = rows[row].code == RETURNED ? 42 : 0;
        if (o == CANON_TRAPPED) {
            fail_msg("row %u: trap `" STRF "`", row, STRA(canon_trap_of(w.store)->message));
        }
        u64 want = rows[row].state | (u64)rows[row].code << 8 | value << 16;
        if (result.u != want) {
            fail_msg("row %u: %#llx, wanted %#llx", row, (unsigned long long)result.u,
                     (unsigned long long)want);
        }
    }
    world_end(&w);
}

static void test_cancellation(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        run_row(i, true);
        run_row(i, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cancellation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
