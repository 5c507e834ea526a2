/* wait_test.c - tasks in memory.atomic.wait: who is woken, and who is not there any more. */
#include "engine_test.h"

static const char module[] =
    "(module (memory 1 1 shared)"
    " (func (export \"wait\") (param i32) (result i32)"
    "  (memory.atomic.wait32 (local.get 0) (i32.const 0) (i64.const -1)))"
    " (func (export \"briefly\") (param i32) (result i32)"
    "  (memory.atomic.wait32 (local.get 0) (i32.const 0) (i64.const 1000)))"
    " (func (export \"notify\") (param i32 i32) (result i32)"
    "  (memory.atomic.notify (local.get 0) (local.get 1))))";

static struct engine_task *waits(struct world *w, struct engine_instance *i, const char *name,
                                 u64 address)
{
    struct engine_task *t = engine_task_new(w->store);
    bool forever;
    assert_int_equal(engine_start(t, func(i, name), &address), ENGINE_SUSPENDED);
    assert_true(engine_waits(t, &forever));
    assert_int_equal(forever, name[0] == 'w');
    return t;
}

static void assert_woken(struct engine_task *t, u64 result)
{
    bool forever;
    assert_false(engine_waits(t, &forever));
    assert_int_equal(engine_resume(t, NULL), ENGINE_DONE);
    assert_int_equal(engine_results(t)[0], result);
    engine_task_free(t);
}

/* In the order in which they came, those at that address. */
static void in_turn(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    engine_let_wait(w.store, true);
    struct engine_instance *i = instantiate(&w, module, NULL, 0, "main");
    struct engine_task *t[6];
    for (u32 k = 0; k < LENGTH_OF(t); k++)
        t[k] = waits(&w, i, "wait", k == 2 ? 8 : 0);
    assert_int_equal(call(&w, i, "notify", 0, 2), 2);
    bool forever;
    for (u32 k = 2; k < LENGTH_OF(t); k++)
        assert_true(engine_waits(t[k], &forever));
    assert_woken(t[0], 0);
    assert_woken(t[1], 0);
    assert_int_equal(call(&w, i, "notify", 4, 10), 0);
    assert_int_equal(call(&w, i, "notify", 8, 10), 1);
    assert_int_equal(call(&w, i, "notify", 8, 10), 0);
    assert_int_equal(call(&w, i, "notify", 0, (u32)-1), 3);
    for (u32 k = LENGTH_OF(t) - 1; k >= 2; k--)
        assert_woken(t[k], 0);
    world_free(&w);
}

/* Tasks that were freed, started again, or whose time is over wait no more. */
static void gone(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    engine_let_wait(w.store, true);
    struct engine_instance *i = instantiate(&w, module, NULL, 0, "main");
    struct engine_task *t[5];
    for (u32 k = 0; k < LENGTH_OF(t); k++)
        t[k] = waits(&w, i, k == 3 ? "briefly" : "wait", 0);
    engine_task_free(t[0]);
    engine_task_free(t[2]);
    engine_end_wait(t[3]);
    u64 there[2] = {4, 0};
    assert_int_equal(engine_start(t[4], func(i, "notify"), there), ENGINE_DONE);
    assert_int_equal(call(&w, i, "notify", 0, 10), 1);
    assert_woken(t[1], 0);
    assert_woken(t[3], 2);
    t[0] = waits(&w, i, "wait", 0);
    engine_end_wait(t[0]); /* nobody will come */
    assert_int_equal(engine_resume(t[0], NULL), ENGINE_TRAPPED);
    assert_int_equal(call(&w, i, "notify", 0, 10), 0);
    waits(&w, i, "wait", 0); /* is freed with the store */
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_turn), cmocka_unit_test(gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
