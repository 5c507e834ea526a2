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
    struct engine_frames frames = engine_backtrace(t, &w.arena);
    assert_int_equal(frames.count, 1);
    assert_true(str_eq_c(frames.list[0].func, "use"));
    engine_add_fuel(w.store, 1000000);
    call(&w, i, "waste", 10000, 0);
    assert_int_equal(engine_resume(t, NULL), ENGINE_DONE);
    assert_int_equal(engine_results(t)[0], 1234);
    world_free(&w);
}

/* What only the host holds may go; a table of its own keeps it. */
static void kept_by_the_host(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 1 << 16});
    struct engine_instance *i = instantiate(&w, objects, NULL, 0, "main");
    struct wasm_tabletype type = {.element = wasm_ref_abstract(HEAP_ANY, true),
                                  .limits = {.min = 10}};
    struct engine_table *kept = engine_table_new(w.store, &type, 0);
    for (u32 k = 0; k < 10; k++)
        assert_true(engine_table_set(kept, k, call(&w, i, "make", 100 + k, 0)));
    call(&w, i, "waste", 10000, 0);
    for (u32 k = 0; k < 10; k++) {
        u64 args[3] = {0};
        assert_true(engine_table_get(kept, k, &args[2]));
        assert_int_equal(engine_start(w.task, func(i, "use"), args), ENGINE_DONE);
        assert_int_equal(engine_results(w.task)[0], 100 + k);
    }
    world_free(&w);
}

/* ---- Types of imports ----------------------------------------------------------------------------------- */

static enum engine_outcome passes(void *env, struct engine_task *t, u64 *slots)
{
    (void)env, (void)t, (void)slots;
    return ENGINE_DONE;
}

static struct engine_extern made_for(struct world *w, const struct engine_module *m, u32 import)
{
    struct wasm_externtype type = engine_import_type(m, import);
    struct engine_extern x = {.kind = type.kind};
    u64 null[2] = {0};
    switch (type.kind) {
    case EXTERN_FUNC:
        x.func = engine_host_func_of(w->store, type.type, STR("passes"), passes, NULL);
        break;
    case EXTERN_TABLE: x.table = engine_table_new(w->store, &type.table, 0); break;
    case EXTERN_MEMORY: x.memory = engine_memory_new(w->store, &type.memory); break;
    case EXTERN_GLOBAL: x.global = engine_global_new(w->store, &type.global, null); break;
    case EXTERN_TAG: x.tag = engine_tag_of(w->store, type.type); break;
    }
    return x;
}

/* Types that mention others, are not final or stand in a group are the same for a host. */
static void made_for_imports(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    load(
        &w,
        "(module (type (struct)) (type (array i32)) (type (func (param f32))))"); /* ids differ from indices */
    struct engine_module *m =
        load(&w, "(module (type $s (struct (field i32)))"
                 " (rec (type $f (sub (func (param (ref null $s)) (result (ref null $s)))))"
                 "  (type $g (sub final $f (func (param (ref null $s)) (result (ref null $s))))))"
                 " (import \"\" \"f\" (func $f (type $f))) (import \"\" \"g\" (func $g (type $g)))"
                 " (import \"\" \"t\" (table $t 3 (ref null $f)))"
                 " (import \"\" \"b\" (global $b (mut (ref null $g))))"
                 " (import \"\" \"e\" (tag $e (param (ref null $s))))"
                 " (import \"\" \"m\" (memory 1 2))"
                 " (elem declare func $f $g)"
                 " (func (export \"run\") (param i32) (result i32)"
                 "  (global.set $b (ref.func $g)) (table.set $t (i32.const 1) (ref.func $g))"
                 "  (call_indirect $t (type $f) (struct.new $s (local.get 0)) (i32.const 1))"
                 "  (call_ref $g (global.get $b)) (call $f) (struct.get $s 0)"
                 "  (i32.add (ref.test (ref $g) (ref.func $g)))))");
    struct engine_extern imports[6];
    for (u32 k = 0; k < LENGTH_OF(imports); k++)
        imports[k] = made_for(&w, m, k);
    struct engine_instance *i;
    enum engine_outcome r =
        engine_instantiate(w.store, m, imports, LENGTH_OF(imports), STR("main"), &i, &w.diags);
    if (r != ENGINE_DONE)
        complain(&w);
    assert_int_equal(r, ENGINE_DONE);
    assert_int_equal(call(&w, i, "run", 41, 0), 42);
    world_free(&w);
}

/* Modules that take all the types that modules may have leave some for the host. */
static void types_are_full(void **state)
{
    (void)state;
    enum { TYPES = 999999 };
    struct world w;
    world_init(&w, NULL);
    struct buf b = buf_in(&w.arena);
    /* One type section of one group of functions without parameters. */
    buf_put(&b, "\0asm\1\0\0\0\1\xc2\x8d\xb7\1\1\x4e\xbf\x84\x3d", 18);
    for (u32 k = 0; k < TYPES; k++)
        buf_put(&b, "\x60\0\0", 3);
    u32 source = sources_add(&w.sources, STR("full.wasm"), buf_view(&b), SOURCE_BINARY);
    struct wasm_module *m;
    if (!wasm_read_module(&w.arena, source, buf_view(&b), 0, features_all(), &m, &w.diags) ||
        !engine_load(w.store, m, features_all(), &w.diags))
        complain(&w);
    assert_int_equal(w.diags.errors, 0);
    struct engine_module *last = load(&w, "(module (import \"\" \"f\" (func (param i32))))");
    static const wasm_valtype params[] = {WASM_I32, WASM_I64};
    struct engine_instance *i;
    for (u32 k = 0; k < 2; k++) {
        struct wasm_functype type = {.params = &params[k], .param_count = 1};
        struct engine_extern import = {EXTERN_FUNC,
                                       {engine_host_func(w.store, &type, STR("f"), passes, NULL)}};
        assert_int_equal(engine_instantiate(w.store, last, &import, 1, STR(""), &i, &w.diags),
                         k == 0 ? ENGINE_DONE : ENGINE_TRAPPED);
    }
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
        assert_int_equal(trap->frames.count, 1);
        assert_true(str_eq_c(trap->frames.list[0].func, callers[k]));
        assert_true(str_eq(trap->frames.list[0].instance, engine_instance_label(i)));
    }
    expect_trap(&w, one, "large", 0, 0, message);
    assert_int_equal(engine_trap_of(w.task)->frames.count, 0);
    struct engine_func *nest[] = {func(one, "large"), func(one, "tail")};
    for (u32 k = 0; k < LENGTH_OF(nest); k++) {
        inner = nest[k];
        expect_trap(&w, other, "nests", 0, 0, message);
        assert_int_equal(engine_trap_of(w.task)->frames.count, 2);
        assert_true(str_eq_c(engine_trap_of(w.task)->frames.list[1].func, "nests"));
    }
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_without_fuel), cmocka_unit_test(kept_by_the_host),
        cmocka_unit_test(made_for_imports),     cmocka_unit_test(types_are_full),
        cmocka_unit_test(fuel_is_shared),       cmocka_unit_test(callers_of_the_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
