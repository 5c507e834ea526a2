/* engine_host_test.c - what a host may do with tasks: several of them, their fuel, and the references that they hold. */
#include "engine_test.h"

/* ---- References of tasks ------------------------------------------------------------------------------ */

static const char objects[] =
    "(module (type $s (struct (field i64)))"
    " (func (export \"make\") (param i64) (result (ref $s)) (struct.new $s (local.get 0)))"
    " (func (export \"use\") (param i32 i32 (ref null $s)) (result i64)"
    "  (struct.get $s 0 (local.get 2)))"
    " (func (export \"waste\") (param i32)"
    "  (loop (drop (struct.new $s (i64.const 0x666)))"
    "   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";

/* Arguments are kept from the start on, also of a function that never ran while there is no fuel to begin. */
static void started_without_fuel(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.fuel = 1, .heap_bytes = 1 << 16});
    struct engine_instance *i = instantiate(&w, objects, NULL, 0, "main");
    u64 args[] = {1, 2, call(&w, i, "make", 1234, 0)};
    struct engine_task *t = engine_task_new(w.store);
    assert_int_equal(engine_start(t, func(i, "use"), args), ENGINE_SUSPENDED);
    assert_true(engine_out_of_fuel(t));
    struct engine_frame *frames;
    assert_int_equal(engine_backtrace(t, &w.arena, &frames), 1);
    assert_true(str_eq_c(frames[0].func, "use"));
    engine_add_fuel(w.store, 1000000);
    call(&w, i, "waste", 10000, 0);
    assert_int_equal(engine_resume(t, NULL), ENGINE_DONE);
    assert_int_equal(engine_results(t)[0], 1234);
    world_free(&w);
}

/* ---- Fuel of several tasks ---------------------------------------------------------------------------- */

struct starter {
    struct engine_func *f;
    enum engine_outcome outcome;
};

/* Starts a function on a task of its own. */
static enum engine_outcome starts(void *env, struct engine_task *t, u64 *slots)
{
    struct starter *s = env;
    struct engine_task *inner = engine_task_new(engine_task_store(t));
    (void)slots;
    s->outcome = engine_start(inner, s->f, NULL);
    engine_task_free(inner);
    return ENGINE_DONE;
}

/* All tasks burn the same fuel, to the last unit, whichever of them runs while another waits for its host function. */
static void fuel_is_shared(void **state)
{
    (void)state;
    struct starter s;
    /* f takes a unit for itself and one for each call (of `starts` the second and the seventh); g takes three each time. */
    for (u32 fuel = 1; fuel <= 12; fuel++) {
        struct world w;
        world_init(&w, &(struct engine_limits){.fuel = fuel});
        struct engine_extern import = {
            EXTERN_FUNC,
            {engine_host_func(w.store, &(struct wasm_functype){0}, STR("starts"), starts, &s)}};
        struct engine_instance *i =
            instantiate(&w,
                        "(module (import \"\" \"starts\" (func $starts))"
                        " (func $none) (func (export \"g\") (call $none) (call $none))"
                        " (func (export \"f\") (call $starts) (call $none) (call $starts)))",
                        &import, 1, "main");
        s = (struct starter){func(i, "g"), ENGINE_TRAPPED};
        assert_int_equal(engine_start(w.task, func(i, "f"), NULL),
                         fuel < 7 ? ENGINE_SUSPENDED : ENGINE_DONE);
        bool whole = fuel == 5 || fuel == 6 || fuel >= 10;
        assert_int_equal(s.outcome, fuel < 2 ? ENGINE_TRAPPED
                                    : whole  ? ENGINE_DONE
                                             : ENGINE_SUSPENDED);
        world_free(&w);
    }
}

/* ---- Functions that cannot be called ------------------------------------------------------------------ */

static enum engine_outcome nested(void *env, struct engine_task *t, u64 *slots)
{
    struct engine_func **f = env;
    return engine_call_nested(t, *f, slots);
}

/* A function that is too large for the interpreter: the trap is that of its caller, of whatever instance. */
static void callers_of_the_impossible(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct buf b = buf_in(&w.arena);
    buf_c(&b,
          "(module (type $f (func)) (table (export \"t\") 1 funcref) (elem (i32.const 0) $large)"
          " (func (export \"direct\") (call $large))"
          " (func (export \"indirect\") (call_indirect (type $f) (i32.const 0)))"
          " (func (export \"tail\") (return_call_indirect (type $f) (i32.const 0)))"
          " (func $large (export \"large\") (local");
    for (u32 k = 0; k < 40000; k++)
        buf_c(&b, " v128");
    buf_c(&b, ")))");
    buf_byte(&b, 0);
    struct engine_instance *one = instantiate(&w, b.data, NULL, 0, "one");
    struct engine_extern imports[3] = {{EXTERN_FUNC, {func(one, "large")}}};
    struct engine_func *inner = NULL;
    assert_true(engine_export(one, STR("t"), &imports[1]));
    imports[2].kind = EXTERN_FUNC;
    imports[2].func =
        engine_host_func(w.store, &(struct wasm_functype){0}, STR("nested"), nested, &inner);
    struct engine_instance *other =
        instantiate(&w,
                    "(module (type $f (func)) (import \"\" \"large\" (func $large))"
                    " (import \"\" \"t\" (table 1 funcref)) (import \"\" \"nested\" (func $nested))"
                    " (func (export \"imported\") (call $large))"
                    " (func (export \"across\") (call_indirect (type $f) (i32.const 0)))"
                    " (func $tail (return_call_indirect (type $f) (i32.const 0)))"
                    " (func (export \"tail\") (call $tail))"
                    " (func (export \"nests\") (call $nested)))",
                    imports, 3, "other");
    const char *message = "function needs more than 65,535 slots";
    static const char *const callers[] = {"imported", "across", "tail", "direct", "indirect"};
    for (u32 k = 0; k < LENGTH_OF(callers); k++) {
        struct engine_instance *i = k < 3 ? other : one;
        expect_trap(&w, i, callers[k], 0, 0, message);
        const struct engine_trap *trap = engine_trap_of(w.task);
        assert_int_equal(trap->frame_count, 1);
        assert_true(str_eq_c(trap->frames[0].func, callers[k]));
        assert_true(str_eq(trap->frames[0].instance, engine_instance_label(i)));
    }
    expect_trap(&w, one, "large", 0, 0, message);
    assert_int_equal(engine_trap_of(w.task)->frame_count, 0);
    struct engine_func *nest[] = {func(one, "large"), func(one, "tail")};
    for (u32 k = 0; k < LENGTH_OF(nest); k++) {
        inner = nest[k];
        expect_trap(&w, other, "nests", 0, 0, message);
        assert_int_equal(engine_trap_of(w.task)->frame_count, 2);
        assert_true(str_eq_c(engine_trap_of(w.task)->frames[1].func, "nests"));
    }
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_without_fuel),
        cmocka_unit_test(fuel_is_shared),
        cmocka_unit_test(callers_of_the_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
