/* canon_host_test.c - several calls of host functions that are open at a time: what ends them, in which order, and what lives until then. */
#include "canon_internal.h"
#include "test_world.h"

/* `echo` is the host's own function, `run` calls it and lowers what it gives. The realloc uses the built-ins that it may, also where
 * no thread runs. */
static const char guest[] =
    "(component (import \"host\" (instance $host"
    " (export \"echo\" (func async (param \"s\" string) (result string)))))"
    " (canon backpressure.inc (core func $inc)) (canon backpressure.dec (core func $dec))"
    " (core module $memm (import \"\" \"inc\" (func $inc)) (import \"\" \"dec\" (func $dec))"
    "  (memory (export \"mem\") 1) (data (i32.const 0) \"guest\")"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
    "   (call $inc) (call $dec) (i32.const 1024)))"
    " (core instance $mem (instantiate $memm"
    "  (with \"\" (instance (export \"inc\" (func $inc)) (export \"dec\" (func $dec))))))"
    " (canon lower (func $host \"echo\") (memory (core memory $mem \"mem\"))"
    "  (realloc (core func $mem \"realloc\")) (core func $echo))"
    " (core module $m (import \"mem\" \"mem\" (memory 1))"
    "  (import \"\" \"echo\" (func $echo (param i32 i32 i32)))"
    "  (func (export \"run\") (result i32)"
    "   (call $echo (i32.const 0) (i32.const 5) (i32.const 16)) (i32.load offset=20 (i32.const "
    "0))))"
    " (core instance $i (instantiate $m (with \"mem\" (instance $mem))"
    "  (with \"\" (instance (export \"echo\" (func $echo))))))"
    " (func (export \"run\") async (result u32) (canon lift (core func $i \"run\")))"
    " (export \"echo\" (func $host \"echo\")))";

struct open {
    struct world w;
    struct canon_call *calls[4];
    u32 count, done;
    bool at_once, both;
};

static void echo(void *env, struct canon_call *c)
{
    struct open *o = env;
    o->calls[o->count++] = c;
    if (o->at_once) {
        canon_call_return(c, canon_call_arg(c, 0));
    }
}

static void is_done(void *env, const struct canon_value *result)
{
    struct open *o = env;
    assert_non_null(result);
    o->done++;
    if (o->both) { /* the first ends the other, which was begun before it */
        o->both = false;
        canon_call_return(o->calls[0], canon_call_arg(o->calls[0], 0));
    }
}

static u32 last(void *ctx, enum canon_choice kind, u32 n)
{
    (void)ctx;
    return kind == CHOICE_HOST_LATER ? n - 1 : 0;
}

static void open_begin(struct open *o, struct canon_config config)
{
    memset(o, 0, sizeof *o);
    config.features = features_all();
    world_begin_with(&o->w, &config);
    canon_linker_func(canon_linker_instance(o->w.linker, "host"), "echo",
                      "async func(s: string) -> string", echo, o);
    world_start(&o->w, str_c(guest));
}

static struct canon_invocation *begin_echo(struct open *o, const char *text)
{
    struct canon_invocation *inv;
    struct canon_value s = canon_string(str_c(text));
    assert_int_equal(canon_begin(o->w.store, world_export(&o->w, "echo"), &s, 1, is_done, o, &inv),
                     CANON_OK);
    return inv;
}

/* A call that is done a turn later: who hears of it ends the call that comes after it in the store's list. */
static void test_done_ends_another(void **state)
{
    (void)state;
    struct open o;
    open_begin(&o, (struct canon_config){.choose = last});
    begin_echo(&o, "one");
    o.at_once = true;
    begin_echo(&o, "two");
    o.both = true;
    assert_int_equal(o.done, 0);
    assert_int_equal(canon_store_run_until(o.w.store, NULL, NULL), CANON_IDLE);
    assert_int_equal(o.done, 2);
    world_end(&o.w);
}

static void test_arguments_outlive_the_invocation(void **state)
{
    (void)state;
    struct open o;
    open_begin(&o, (struct canon_config){0});
    canon_forget(o.w.store,
                 begin_echo(&o, "a text that is longer than what fits into a few words"));
    str have = canon_text(canon_call_arg(o.calls[0], 0));
    assert_true(str_eq(have, STR("a text that is longer than what fits into a few words")));
    canon_call_return(o.calls[0], canon_call_arg(o.calls[0], 0)); /* nobody listens */
    assert_int_equal(o.done, 0);
    world_end(&o.w);
}

static void open_run(struct open *o, struct canon_instance *i, struct canon_invocation **inv)
{
    struct canon_func *f = canon_find_func(i, STR(""), STR("run"));
    assert_int_equal(canon_begin(o->w.store, f, NULL, 0, is_done, o, inv), CANON_OK);
}

static bool fail_then_go_on(void *env, bool may_block)
{
    struct open *o = env;
    if (!may_block || o->count < 2 || !o->calls[0]) {
        return false;
    }
    struct canon_value text = canon_string(STR("text"));
    canon_call_trap(o->calls[0], "first");
    canon_call_return(o->calls[1], &text);
    canon_call_exit(o->calls[2], 3);
    o->calls[0] = NULL;
    return true;
}

/* Three calls end at once: the trap of the first counts, not the exit of the third; the guest of the second, which has nothing to do with
 * either, gets its result once the trap was taken. */
static void test_trap_then_others(void **state)
{
    (void)state;
    struct open o;
    struct canon_invocation *inv[2];
    struct canon_instance *first;
    open_begin(&o, (struct canon_config){.loop = {&o, fail_then_go_on}});
    first = o.w.instance;
    world_start(&o.w, str_c(guest));
    open_run(&o, first, &inv[0]);
    open_run(&o, o.w.instance, &inv[1]);
    begin_echo(&o, "exit");
    assert_int_equal(o.count, 3);
    assert_int_equal(canon_store_run_until(o.w.store, NULL, NULL), CANON_TRAPPED);
    const struct canon_trap *trap = canon_trap_of(o.w.store);
    assert_true(str_eq(trap->message, STR("first")));
    assert_false(trap->is_exit);
    assert_int_equal(o.done, 0);
    assert_int_equal(canon_store_run_until(o.w.store, NULL, NULL), CANON_IDLE);
    assert_int_equal(o.done, 1);
    world_end(&o.w);
}

/* ---- Reports ------------------------------------------------------------------------------------------- */

#define CROWD 300

/* One call of $A's `f` holds the lock, with CROWD threads that are suspended; CROWD more calls wait to enter. */
static const char crowd[] =
    "(component (component $A"
    " (core module $tm (table (export \"t\") 1 funcref) (func $x (param i32))"
    "  (elem (i32.const 0) $x))"
    " (core instance $t (instantiate $tm)) (alias core export $t \"t\" (core table $table))"
    " (core type $start (func (param i32)))"
    " (canon thread.new-indirect $start (core table $table) (core func $new))"
    " (canon thread.suspend (core func $suspend))"
    " (core module $m (import \"\" \"new\" (func $new (param i32 i32) (result i32)))"
    "  (import \"\" \"suspend\" (func $suspend (result i32)))"
    "  (func (export \"f\") (local $n i32) (local.set $n (i32.const 300))"
    "   (loop $l (drop (call $new (i32.const 0) (i32.const 0)))"
    "    (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "   (drop (call $suspend))))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "  (export \"new\" (func $new)) (export \"suspend\" (func $suspend))))))"
    " (func (export \"f\") async (canon lift (core func $i \"f\"))))"
    "(instance $a (instantiate $A))"
    "(canon lower (func $a \"f\") async (core func $f)) (canon waitable-set.new (core func $set))"
    "(core module $m (import \"\" \"f\" (func $f (result i32)))"
    " (import \"\" \"set\" (func $set (result i32)))"
    " (func (export \"run\") (result i32) (local $n i32) (local.set $n (i32.const 301))"
    "  (loop $l (drop (call $f))"
    "   (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4))))"
    " (func (export \"back\") (param i32 i32 i32) (result i32) (unreachable)))"
    "(core instance $i (instantiate $m (with \"\" (instance"
    " (export \"f\" (func $f)) (export \"set\" (func $set))))))"
    "(func (export \"run\") async (canon lift (core func $i \"run\") async"
    " (callback (core func $i \"back\")))))";

static void test_report_of_a_crowd(void **state)
{
    (void)state;
    struct world w;
    u32 edges = 0, gated = 0;
    world_begin(&w);
    world_start(&w, str_c(crowd));
    assert_int_equal(canon_invoke(w.store, world_export(&w, "run"), NULL, 0, &w.arena, NULL),
                     CANON_TRAPPED);
    const struct canon_trap *trap = canon_trap_of(w.store);
    assert_true(trap->is_deadlock);
    assert_int_equal(trap->wait_count, 1 + 1 + CROWD + CROWD);
    for (u32 i = 0; i < trap->wait_count; i++) {
        const struct diag_wait *n = &trap->waits[i];
        edges += n->count;
        if (n->on.kind == AWAIT_GATE) {
            gated++;
            assert_int_equal(n->count, 1);
            assert_int_equal(trap->waits[n->waits_for[0]].task, 2); /* the holder's */
        }
    }
    assert_int_equal(gated, CROWD);
    assert_int_equal(edges, CROWD);
    world_end(&w);
}

/* ---- Calls from guest to guest --------------------------------------------------------------------------- */

#define CHAIN 400

/* Each instance calls the one before it: too long a chain for the C stack is no trap. */
static void test_chain_of_instances(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    struct buf b = buf_in(&w.arena);
    buf_c(&b,
          "(component (component $P"
          " (core module $m (func (export \"f\") (param i32) (result i32) (local.get 0)))"
          " (core instance $i (instantiate $m))"
          " (func (export \"f\") (param \"n\" u32) (result u32) (canon lift (core func $i \"f\"))))"
          "(component $C (import \"f\" (func $f (param \"n\" u32) (result u32)))"
          " (canon lower (func $f) (core func $f')) (core module $m"
          "  (import \"\" \"f\" (func $f (param i32) (result i32)))"
          "  (func (export \"f\") (param i32) (result i32)"
          "   (i32.add (i32.const 1) (call $f (local.get 0)))))"
          " (core instance $i (instantiate $m (with \"\" (instance (export \"f\" (func $f'))))))"
          " (func (export \"f\") (param \"n\" u32) (result u32) (canon lift (core func $i \"f\"))))"
          "(instance $i0 (instantiate $P))");
    for (u32 i = 1; i <= CHAIN; i++) {
        buf_printf(&b, "(instance $i%u (instantiate $C (with \"f\" (func $i%u \"f\"))))", i, i - 1);
    }
    buf_printf(&b, "(export \"f\" (func $i%u \"f\")))", CHAIN);
    world_start(&w, buf_view(&b));
    struct canon_value n = canon_u(CANON_T_U32, 7), result = {0};
    enum canon_outcome o = canon_invoke(w.store, world_export(&w, "f"), &n, 1, &w.arena, &result);
    if (o != CANON_OK) {
        fail_msg(STRF, STRA(canon_trap_of(w.store)->message));
    }
    assert_int_equal(result.u, 7 + CHAIN);
    world_end(&w);
}

/* Many lowerings of one function are one edge of the graph of calls: it is searched for each of them. */
static void test_many_lowerings(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    struct buf b = buf_in(&w.arena);
    buf_c(&b, "(component (component $P (core module $m (func (export \"f\")))"
              " (core instance $i (instantiate $m)) (func (export \"f\") (canon lift (core func $i "
              "\"f\"))))"
              "(instance $a (instantiate $P)) (instance $b (instantiate $P))");
    for (u32 i = 0; i < 100; i++) {
        buf_printf(&b, "(core func (canon lower (func $%c \"f\")))", i % 2 ? 'a' : 'b');
    }
    buf_c(&b, "(export \"f\" (func $a \"f\")))");
    world_start(&w, buf_view(&b));
    const struct component_instance *root = w.instance->state;
    assert_int_equal(root->callees.len, 2);
    assert_int_equal(root->callees.data[0]->callers.len, 1);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done_ends_another),
        cmocka_unit_test(test_arguments_outlive_the_invocation),
        cmocka_unit_test(test_trap_then_others),
        cmocka_unit_test(test_report_of_a_crowd),
        cmocka_unit_test(test_chain_of_instances),
        cmocka_unit_test(test_many_lowerings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
