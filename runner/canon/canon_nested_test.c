/* canon_nested_test.c - synchronous calls that run on top of their callers (direct.c), through more instances than may be on top of each other: the last
 * one returns, blocks, switches threads, cancels, traps, with text, borrows and post-return functions on the way. */
#include "canon_internal.h"
#include "test_world.h"

#define CHAIN 12

enum how {
    RETURN,
    YIELD,
    SWITCH,   /* to a thread of its own, and back */
    CANCEL,   /* an async callee that has blocked */
    COMPLETE, /* an async callee that has not */
    FINE,     /* the first that is not */
    SUSPEND = FINE,
    UNREACHABLE,
    KEEP,  /* the borrow */
    LEAVE, /* from within post-return */
    HOW_COUNT,
};

/* $R has the resource, $X async functions, $L is the last instance of the chain, $M any other, the root the first. */
static const char parts[] =
    "(component $R"
    " (core module $m (func (export \"d\") (param i32)))"
    " (core instance $i (instantiate $m))"
    " (type $r0 (resource (rep i32) (dtor (core func $i \"d\")))) (export $r \"r\" (type $r0))"
    " (canon resource.new $r0 (core func $new))"
    " (func (export \"mk\") (param \"rep\" u32) (result (own $r)) (canon lift (core func $new))))"
    "(instance $r (instantiate $R)) (alias export $r \"r\" (type $t))"
    "(component $X"
    " (canon task.cancel (core func $cancel)) (canon task.return (result u32) (core func $return))"
    " (canon waitable-set.new (core func $set))"
    " (core module $m (import \"\" \"cancel\" (func $cancel))"
    "  (import \"\" \"return\" (func $return (param i32)))"
    "  (import \"\" \"set\" (func $set (result i32)))"
    "  (func (export \"done\") (result i32) (call $return (i32.const 5)) (i32.const 0))"
    "  (func (export \"hold\") (result i32) (i32.or (i32.const 2) (i32.shl (call $set) (i32.const "
    "4))))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32)"
    "   (if (i32.ne (local.get 0) (i32.const 6)) (then unreachable)) (call $cancel) (i32.const "
    "0)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"cancel\" (func $cancel))"
    "  (export \"return\" (func $return)) (export \"set\" (func $set))))))"
    " (func (export \"done\") async (result u32) (canon lift (core func $i \"done\") async"
    "  (callback (core func $i \"cb\"))))"
    " (func (export \"hold\") async (result u32) (canon lift (core func $i \"hold\") async"
    "  (callback (core func $i \"cb\")))))"
    "(instance $x (instantiate $X))"
    "(component $L (import \"r\" (type $r (sub resource)))"
    " (import \"done\" (func $done async (result u32)))"
    " (import \"hold\" (func $hold async (result u32)))"
    " (core module $memm (memory (export \"mem\") 1) (table (export \"t\") 1 funcref)"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"
    " (core instance $mem (instantiate $memm)) (alias core export $mem \"t\" (core table $table))"
    " (canon lower (func $done) async (memory (core memory $mem \"mem\")) (core func $done'))"
    " (canon lower (func $hold) async (memory (core memory $mem \"mem\")) (core func $hold'))"
    " (core type $start (func (param i32)))"
    " (canon thread.new-indirect $start (core table $table) (core func $new))"
    " (canon thread.index (core func $index)) (canon thread.yield (core func $yield))"
    " (canon thread.suspend (core func $suspend))"
    " (canon thread.suspend-then-resume (core func $switch))"
    " (canon thread.resume-later (core func $later))"
    " (canon resource.drop $r (core func $drop))"
    " (canon subtask.cancel (core func $sc)) (canon subtask.drop (core func $sd))"
    " (core module $m (import \"\" \"mem\" (memory 1)) (import \"\" \"t\" (table 1 funcref))"
    "  (import \"\" \"done\" (func $done (param i32) (result i32)))"
    "  (import \"\" \"hold\" (func $hold (param i32) (result i32)))"
    "  (import \"\" \"new\" (func $new (param i32 i32) (result i32)))"
    "  (import \"\" \"index\" (func $index (result i32)))"
    "  (import \"\" \"yield\" (func $yield (result i32)))"
    "  (import \"\" \"suspend\" (func $suspend (result i32)))"
    "  (import \"\" \"switch\" (func $switch (param i32) (result i32)))"
    "  (import \"\" \"later\" (func $later (param i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32)))"
    "  (import \"\" \"sc\" (func $sc (param i32) (result i32)))"
    "  (import \"\" \"sd\" (func $sd (param i32)))"
    "  (global $posts (mut i32) (i32.const 0)) (global $how (mut i32) (i32.const 0))"
    "  (elem (i32.const 0) $back) (func $back (param i32) (call $later (local.get 0)))"
    "  (func $act (param $how i32) (local $x i32) (global.set $how (local.get $how))"
    "   (if (i32.eq (local.get $how) (i32.const 1)) (then (drop (call $yield))))"
    "   (if (i32.eq (local.get $how) (i32.const 2)) (then"
    "    (drop (call $switch (call $new (i32.const 0) (call $index))))))"
    "   (if (i32.eq (local.get $how) (i32.const 3)) (then"
    "    (local.set $x (call $hold (i32.const 32)))"
    "    (if (i32.ne (i32.and (local.get $x) (i32.const 15)) (i32.const 1)) (then unreachable))"
    "    (local.set $x (i32.shr_u (local.get $x) (i32.const 4)))"
    "    (if (i32.ne (call $sc (local.get $x)) (i32.const 4)) (then unreachable))"
    "    (call $sd (local.get $x))))"
    "   (if (i32.eq (local.get $how) (i32.const 4)) (then"
    "    (if (i32.ne (call $done (i32.const 32)) (i32.const 2)) (then unreachable))"
    "    (if (i32.ne (i32.load (i32.const 32)) (i32.const 5)) (then unreachable))))"
    "   (if (i32.eq (local.get $how) (i32.const 5)) (then (drop (call $suspend))))"
    "   (if (i32.eq (local.get $how) (i32.const 6)) (then unreachable)))"
    "  (func (export \"f\") (param i32 i32) (result i32) (call $act (local.get 1))"
    "   (i32.add (local.get 0) (i32.const 1)))"
    "  (func (export \"g\") (param i32 i32 i32) (result i32) (call $act (local.get 2))"
    "   (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))"
    "   (i32.const 16))"
    "  (func (export \"h\") (param i32 i32) (result i32) (call $act (local.get 1))"
    "   (if (i32.ne (local.get 1) (i32.const 7)) (then (call $drop (local.get 0))))"
    "   (local.get 1))"
    "  (func (export \"narrow\") (param i64) (result i32) (i32.const 5))"
    "  (func (export \"post\") (param i32) (global.set $posts (i32.add (global.get $posts) "
    "(i32.const 1)))"
    "   (if (i32.eq (global.get $how) (i32.const 8)) (then (drop (call $yield)))))"
    "  (func (export \"posts\") (result i32) (global.get $posts)))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "  (export \"mem\" (memory $mem \"mem\")) (export \"t\" (table $mem \"t\"))"
    "  (export \"done\" (func $done')) (export \"hold\" (func $hold')) (export \"new\" (func "
    "$new))"
    "  (export \"index\" (func $index)) (export \"yield\" (func $yield))"
    "  (export \"suspend\" (func $suspend)) (export \"switch\" (func $switch))"
    "  (export \"later\" (func $later)) (export \"drop\" (func $drop)) (export \"sc\" (func $sc))"
    "  (export \"sd\" (func $sd))))))"
    " (func (export \"narrow\") (param \"a\" u64) (result u32) (canon lift (core func $i "
    "\"narrow\")))"
    " (func (export \"posts\") (result u32) (canon lift (core func $i \"posts\")))";

/* What $L and $M export besides. */
static const char exports[] =
    " (func (export \"f\") (param \"n\" u32) (param \"how\" u32) (result u32)"
    "  (canon lift (core func $i \"f\") (post-return (core func $i \"post\"))))"
    " (func (export \"g\") (param \"s\" string) (param \"how\" u32) (result string)"
    "  (canon lift (core func $i \"g\") (memory (core memory $mem \"mem\"))"
    "  (realloc (core func $mem \"realloc\")) (post-return (core func $i \"post\"))))"
    " (func (export \"h\") (param \"r\" (borrow $r)) (param \"how\" u32) (result u32)"
    "  (canon lift (core func $i \"h\") (post-return (core func $i \"post\")))))";

static const char middle[] =
    "(component $M (import \"r\" (type $r (sub resource)))"
    " (import \"f\" (func $f (param \"n\" u32) (param \"how\" u32) (result u32)))"
    " (import \"g\" (func $g (param \"s\" string) (param \"how\" u32) (result string)))"
    " (import \"h\" (func $h (param \"r\" (borrow $r)) (param \"how\" u32) (result u32)))"
    " (core module $memm (memory (export \"mem\") 1)"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"
    " (core instance $mem (instantiate $memm))"
    " (canon lower (func $f) (core func $f')) (canon lower (func $h) (core func $h'))"
    " (canon lower (func $g) (memory (core memory $mem \"mem\"))"
    "  (realloc (core func $mem \"realloc\")) (core func $g'))"
    " (canon resource.drop $r (core func $drop)) (canon thread.yield (core func $yield))"
    " (core module $m (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
    "  (import \"\" \"g\" (func $g (param i32 i32 i32 i32)))"
    "  (import \"\" \"h\" (func $h (param i32 i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32)))"
    "  (func (export \"f\") (param i32 i32) (result i32)"
    "   (i32.add (call $f (local.get 0) (local.get 1)) (i32.const 1)))"
    "  (func (export \"g\") (param i32 i32 i32) (result i32)"
    "   (call $g (local.get 0) (local.get 1) (local.get 2) (i32.const 16)) (i32.const 16))"
    "  (func (export \"h\") (param i32 i32) (result i32)"
    "   (call $h (local.get 0) (local.get 1)) (call $drop (local.get 0)))"
    "  (func (export \"post\") (param i32)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"f\" (func $f'))"
    "  (export \"g\" (func $g')) (export \"h\" (func $h')) (export \"drop\" (func $drop))))))";

static const char root[] =
    "(core module $memm (memory (export \"mem\") 1)"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"
    "(core instance $mem (instantiate $memm)) (canon lower (func $r \"mk\") (core func $mk))"
    "(canon resource.drop $t (core func $drop)) (canon thread.yield (core func $yield))"
    "(canon lower (func $first-f) (core func $f))"
    "(canon lower (func $first-h) (core func $h))"
    "(canon lower (func $first-g) (memory (core memory $mem \"mem\"))"
    " (realloc (core func $mem \"realloc\")) (core func $g))"
    "(canon lower (func $narrow') (core func $narrow))"
    "(core module $m (import \"\" \"mem\" (memory 1))"
    " (import \"\" \"mk\" (func $mk (param i32) (result i32)))"
    " (import \"\" \"drop\" (func $drop (param i32)))"
    " (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
    " (import \"\" \"g\" (func $g (param i32 i32 i32 i32)))"
    " (import \"\" \"h\" (func $h (param i32 i32) (result i32)))"
    " (import \"\" \"narrow\" (func $narrow (param i64) (result i32)))"
    " (data (i32.const 64) \"a text of 20 letters\")"
    " (func (export \"f\") (param i32) (result i32) (call $f (i32.const 100) (local.get 0)))"
    " (func (export \"g\") (param i32) (result i32)"
    "  (call $g (i32.const 64) (i32.const 20) (local.get 0) (i32.const 16))"
    "  (i32.add (i32.mul (i32.load (i32.const 20)) (i32.const 1000))"
    "   (i32.load8_u offset=19 (i32.load (i32.const 16)))))"
    " (func (export \"h\") (param i32) (result i32) (local $r i32)"
    "  (local.set $r (call $mk (i32.const 7))) (call $h (local.get $r) (local.get 0))"
    "  (call $drop (local.get $r)))"
    " (func (export \"wide\") (param i32) (result i64)"
    "  (i64.extend_i32_u (call $narrow (i64.const -1)))))"
    "(core instance $i (instantiate $m (with \"\" (instance (export \"mem\" (memory $mem \"mem\"))"
    " (export \"mk\" (func $mk)) (export \"drop\" (func $drop)) (export \"f\" (func $f))"
    " (export \"g\" (func $g)) (export \"h\" (func $h)) (export \"narrow\" (func $narrow))))))"
    "(func (export \"f\") (param \"how\" u32) (result u32) (canon lift (core func $i \"f\")))"
    "(func (export \"g\") (param \"how\" u32) (result u32) (canon lift (core func $i \"g\")))"
    "(func (export \"h\") (param \"how\" u32) (result u32) (canon lift (core func $i \"h\")))"
    "(func (export \"wide\") (param \"how\" u32) (result u64) (canon lift (core func $i \"wide\")))"
    "(export \"posts\" (func $posts')))";

static void chain_begin(struct world *w)
{
    world_begin(w);
    struct buf b = buf_in(&w->arena);
    buf_printf(&b, "(component %s%s%s%s", parts, exports, middle, exports);
    buf_c(&b, "(instance $i0 (instantiate $L (with \"r\" (type $t))"
              " (with \"done\" (func $x \"done\")) (with \"hold\" (func $x \"hold\"))))"
              "(alias export $i0 \"narrow\" (func $narrow'))"
              "(alias export $i0 \"posts\" (func $posts'))");
    for (u32 i = 1; i <= CHAIN; i++) {
        buf_printf(&b,
                   "(instance $i%u (instantiate $M (with \"r\" (type $t)) (with \"f\" (func $i%u "
                   "\"f\")) (with \"g\" (func $i%u \"g\")) (with \"h\" (func $i%u \"h\"))))",
                   i, i - 1, i - 1, i - 1);
    }
    for (const char *f = "fgh"; *f; f++) {
        buf_printf(&b, "(alias export $i%u \"%c\" (func $first-%c))", CHAIN, *f, *f);
    }
    buf_c(&b, root);
    world_start(w, buf_view(&b));
}

static enum canon_outcome call(struct world *w, const char *name, enum how how, u64 *result)
{
    struct canon_value arg = canon_u(CANON_T_U32, how), v = {0};
    enum canon_outcome o = canon_invoke(w->store, world_export(w, name), &arg, 1, &w->arena, &v);
    *result = v.u;
    return o;
}

static u32 posts(struct world *w)
{
    struct canon_value v = {0};
    assert_int_equal(canon_invoke(w->store, world_export(w, "posts"), NULL, 0, &w->arena, &v),
                     CANON_OK);
    return (u32)v.u;
}

static const struct {
    const char *name;
    u64 result[FINE];
} funcs[] = {
    {"f", {101 + CHAIN, 101 + CHAIN, 101 + CHAIN, 101 + CHAIN, 101 + CHAIN}},
    {"g", {20000 + 's', 20000 + 's', 20000 + 's', 20000 + 's', 20000 + 's'}},
    {"h", {RETURN, YIELD, SWITCH, CANCEL, COMPLETE}},
};

static void all_fine(struct world *w)
{
    u32 before = posts(w);
    for (u32 i = 0; i < LENGTH_OF(funcs); i++) {
        for (enum how how = RETURN; how < FINE; how++) {
            u64 result;
            if (call(w, funcs[i].name, how, &result) != CANON_OK) {
                fail_msg("%s(%d): " STRF, funcs[i].name, how,
                         STRA(canon_trap_of(w->store)->message));
            }
            assert_int_equal(result, funcs[i].result[how]);
        }
    }
    assert_int_equal(posts(w), before + LENGTH_OF(funcs) * FINE);
    assert_int_equal(w->store->thread_count, 0);
    assert_int_equal(w->store->nested, 0);
    assert_null(w->store->subtasks);
}

/* Again and again: what one call leaves behind the next one takes over as new. */
static void test_fine(void **state)
{
    (void)state;
    struct world w;
    chain_begin(&w);
    for (u32 i = 0; i < 20; i++) {
        all_fine(&w);
    }
    canon_store_clear(w.store);
    all_fine(&w);
    world_end(&w);
}

static void test_seeded(void **state)
{
    (void)state;
    struct world w;
    struct canon_seed seed = {0};
    chain_begin(&w);
    w.store->config.choose = canon_choose_seeded;
    w.store->config.choose_ctx = &seed;
    for (seed.state = 1; seed.state < 10; seed.state++) {
        u64 at = seed.state;
        all_fine(&w);
        seed.state = at;
    }
    world_end(&w);
}

/* An i32 fills its slot, wherever it comes from. */
static void test_wide(void **state)
{
    (void)state;
    struct world w;
    u64 result;
    chain_begin(&w);
    assert_int_equal(call(&w, "wide", RETURN, &result), CANON_OK);
    assert_int_equal(result, 5);
    world_end(&w);
}

/* Traps at the end of the chain, with borrows lent all along it; nobody can enter afterwards. */
static void test_traps(void **state)
{
    (void)state;
    static const char *const texts[HOW_COUNT] = {
        [SUSPEND] = "cannot block a synchronous task before returning",
        [UNREACHABLE] = "unreachable",
        [KEEP] = "borrow handles still remain at the end of the call",
        [LEAVE] = "cannot leave component instance",
    };
    for (u32 i = 0; i < LENGTH_OF(funcs); i++) {
        for (enum how how = FINE; how < HOW_COUNT; how++) {
            struct world w;
            u64 result;
            if (how == KEEP && strcmp(funcs[i].name, "h") != 0) {
                continue;
            }
            chain_begin(&w);
            all_fine(&w);
            assert_int_equal(call(&w, funcs[i].name, how, &result), CANON_TRAPPED);
            const struct canon_trap *trap = canon_trap_of(w.store);
            if (!str_starts(trap->message, str_c(texts[how])) ||
                !str_eq(trap->instance, STR("root/L"))) {
                fail_msg("%s(%d): " STRF " in " STRF, funcs[i].name, how, STRA(trap->message),
                         STRA(trap->instance));
            }
            assert_int_equal(w.store->nested, 0);
            assert_int_equal(call(&w, "f", RETURN, &result), CANON_TRAPPED);
            assert_true(
                str_eq(canon_trap_of(w.store)->message, STR("cannot enter component instance")));
            canon_store_clear(w.store);
            all_fine(&w);
            world_end(&w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine),
        cmocka_unit_test(test_seeded),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
