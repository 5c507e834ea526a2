/* engine_test.c - the interpreter from outside: calls, host functions, suspension, nesting, traps. */
#include "engine_test.h"

static void numbers(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(
        &w,
        "(module"
        " (func $fib (export \"fib\") (param i32) (result i32)"
        "  (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))"
        "   (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))"
        "    (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"
        " (func (export \"fac\") (param i64) (result i64) (local i64)"
        "  (local.set 1 (i64.const 1))"
        "  (block (loop (br_if 1 (i64.eqz (local.get 0)))"
        "   (local.set 1 (i64.mul (local.get 1) (local.get 0)))"
        "   (local.set 0 (i64.sub (local.get 0) (i64.const 1))) (br 0)))"
        "  (local.get 1))"
        " (func (export \"swap\") (param i32 i32) (result i32 i32) local.get 1 local.get 0)"
        " (func (export \"old\") (param i32) (result i32)"
        "  local.get 0 (local.set 0 (i32.const 7)) local.get 0 i32.sub)"
        " (func (export \"tee\") (param i32 i32) (result i32) (local i32)"
        "  (i32.add (local.tee 2 (i32.mul (local.get 0) (local.get 1))) (local.get 2)))"
        " (func (export \"half\") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))"
        " (func (export \"div\") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get "
        "1)))"
        " (func (export \"switch\") (param i32) (result i32)"
        "  (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10)))"
        "   (return (i32.const 11))) (i32.const 12)))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "fib", 20, 0), 6765);
    assert_int_equal(call(&w, i, "fac", 20, 0), 2432902008176640000);
    call(&w, i, "swap", 1, 2);
    assert_int_equal(engine_results(w.task)[0], 2);
    assert_int_equal(engine_results(w.task)[1], 1);
    assert_int_equal(call(&w, i, "old", 9, 0), 2);
    assert_int_equal(call(&w, i, "tee", 6, 7), 84);
    double x = 5, y;
    u64 bits;
    memcpy(&bits, &x, 8);
    bits = call(&w, i, "half", bits, 0);
    memcpy(&y, &bits, 8);
    assert_true(y == 2.5);
    assert_int_equal(call(&w, i, "div", (u32)-9, 2), (u32)-4);
    expect_trap(&w, i, "div", 1, 0, "integer divide by zero");
    expect_trap(&w, i, "div", 0x80000000, (u32)-1, "integer overflow");
    for (u32 k = 0; k < 4; k++)
        assert_int_equal(call(&w, i, "switch", k, 0), 10 + (k < 2 ? k : 2));
    world_free(&w);
}

/* Each turn begins with the parameters that the branch brings, not with those from before the loop. */
static void loops(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(
        &w,
        "(module (func (export \"constants\") (param i32) (result i32)"
        "  (i32.const 0) (i32.const 1)"
        "  (loop (param i32 i32) (result i32) (local.set 0 (i32.sub (local.get 0) (i32.const 1)))"
        "   (i32.shl (i32.const 1)) (i32.add) (i32.const 3) (br_if 0 (local.get 0)) (drop)))"
        " (func (export \"locals\") (param i32 i32) (result i32)"
        "  (local.get 1) (local.get 0)"
        "  (loop (param i32 i32) (result i32) (local.set 0)"
        "   (i32.add (local.get 0)) (i32.sub (local.get 0) (i32.const 1))"
        "   (br_if 0 (local.get 0)) (drop))))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "constants", 3, 0), 2 + 6 + 6);
    assert_int_equal(call(&w, i, "locals", 4, 100), 100 + 4 + 3 + 2 + 1 + 0);
    world_free(&w);
}

static void memory(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(
        &w,
        "(module (memory (export \"m\") 1 3) (data (i32.const 8) \"\\01\\02\\03\\04\")"
        " (func (export \"load\") (param i32) (result i32) (i32.load offset=4 (local.get 0)))"
        " (func (export \"fixed\") (result i32) (i32.load (i32.const 8)))"
        " (func (export \"store\") (param i32 i32) (i32.store (local.get 0) (local.get 1)))"
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
        " (func (export \"fill\") (param i32 i32)"
        "  (memory.fill (local.get 0) (i32.const 0x5a) (local.get 1))))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "load", 4, 0), 0x04030201);
    assert_int_equal(call(&w, i, "fixed", 0, 0), 0x04030201);
    expect_trap(&w, i, "load", 65529, 0, "out of bounds memory access");
    expect_trap(&w, i, "load", UINT32_MAX, 0, "out of bounds memory access");
    call(&w, i, "store", 65532, 99);
    assert_int_equal(call(&w, i, "load", 65528, 0), 99);
    assert_int_equal(call(&w, i, "grow", 2, 0), 1);
    assert_int_equal(call(&w, i, "grow", 1, 0), UINT32_MAX);
    assert_int_equal(call(&w, i, "load", 65528, 0), 99);
    call(&w, i, "store", 3 * 65536 - 4, 5);
    expect_trap(&w, i, "store", 3 * 65536 - 3, 5, "out of bounds memory access");
    expect_trap(&w, i, "fill", 3 * 65536 - 3, 4, "out of bounds memory access");
    call(&w, i, "fill", 0, 16);
    struct engine_extern m;
    assert_true(engine_export(i, STR("m"), &m));
    assert_int_equal(engine_memory_size(m.memory), 3 * 65536);
    assert_int_equal(engine_memory_data(m.memory)[15], 0x5a);
    assert_int_equal(engine_memory_data(m.memory)[16], 0);
    world_free(&w);
}

/* ---- Host functions ------------------------------------------------------------------------------------------- */

static const wasm_valtype one_i32[] = {WASM_I32};
static const struct wasm_functype i32_to_i32 = {one_i32, one_i32, 1, 1};

static enum engine_outcome twice(void *env, struct engine_task *t, u64 *slots)
{
    (void)env, (void)t;
    slots[0] = (u32)(slots[0] * 2);
    return ENGINE_DONE;
}
static enum engine_outcome wait(void *env, struct engine_task *t, u64 *slots)
{
    (void)t;
    *(u64 *)env = slots[0];
    return ENGINE_SUSPENDED;
}
static enum engine_outcome nested(void *env, struct engine_task *t, u64 *slots)
{
    u64 x[1] = {slots[0]};
    enum engine_outcome r = engine_call_nested(t, *(struct engine_func **)env, x);
    if (r != ENGINE_DONE)
        return r;
    x[0]++;
    r = engine_call_nested(t, *(struct engine_func **)env, x);
    slots[0] = x[0];
    return r;
}
static enum engine_outcome leave(void *env, struct engine_task *t, u64 *slots)
{
    (void)env;
    return engine_exit(t, (int)slots[0]);
}

static const char uses_host[] =
    "(module $m (import \"\" \"f\" (func $host (param i32) (result i32)))"
    " (func $inner (export \"inner\") (param i32) (result i32)"
    "  (i32.add (call $host (local.get 0)) (local.get 0)))"
    " (func $outer (export \"outer\") (param i32) (result i32)"
    "  (i32.mul (call $inner (local.get 0)) (i32.const 3)))"
    " (func (export \"tail\") (param i32) (result i32) (return_call $host (local.get 0))))";

static struct engine_instance *with_host(struct world *w, engine_host_fn *fn, void *env)
{
    struct engine_extern x = {.kind = EXTERN_FUNC};
    x.func = engine_host_func(w->store, &i32_to_i32, STR("host function"), fn, env);
    return instantiate(w, uses_host, &x, 1, "main");
}

static void host_functions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = with_host(&w, twice, NULL);
    assert_int_equal(call(&w, i, "outer", 5, 0), 45);
    assert_int_equal(call(&w, i, "tail", 5, 0), 10);
    i = with_host(&w, leave, NULL);
    u64 code = 7;
    assert_int_equal(engine_start(w.task, func(i, "outer"), &code), ENGINE_TRAPPED);
    assert_true(engine_trap_of(w.task)->is_exit);
    assert_int_equal(engine_trap_of(w.task)->exit_code, 7);
    world_free(&w);
}

static void suspension(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    u64 seen = 0;
    struct engine_instance *i = with_host(&w, wait, &seen);
    enum { N = 50 };
    struct engine_task *tasks[N];
    for (u64 k = 0; k < N; k++) {
        tasks[k] = engine_task_new(w.store);
        assert_int_equal(engine_start(tasks[k], func(i, k % 2 ? "outer" : "tail"), &k),
                         ENGINE_SUSPENDED);
        assert_int_equal(seen, k);
        assert_false(engine_out_of_fuel(tasks[k]));
    }
    struct engine_frames frames = engine_backtrace(tasks[1], &w.arena);
    assert_int_equal(frames.count, 3);
    assert_true(str_eq_c(engine_where(tasks[1], &w.arena), "inner"));
    assert_true(str_eq_c(frames.list[0].func, "host function"));
    assert_true(str_eq_c(frames.list[1].func, "inner"));
    assert_true(str_eq_c(frames.list[2].func, "outer"));
    assert_true(str_eq_c(frames.list[2].instance, "main"));
    for (u64 k = N; k-- > 0;) {
        u64 result = 100 + k;
        assert_int_equal(engine_resume(tasks[k], &result), ENGINE_DONE);
        assert_int_equal(engine_results(tasks[k])[0], k % 2 ? (100 + k + k) * 3 : 100 + k);
        if (k % 3)
            engine_task_free(tasks[k]);
    }
    world_free(&w);
}

static void nested_calls(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *low = with_host(&w, twice, NULL);
    struct engine_func *inner = func(low, "inner");
    struct engine_instance *i = with_host(&w, nested, &inner);
    assert_int_equal(call(&w, i, "tail", 5, 0), 48);
    /* A nested call may not suspend; a trap within is a trap of the whole. */
    u64 seen;
    inner = func(with_host(&w, wait, &seen), "inner");
    expect_trap(&w, i, "outer", 1, 0, "cannot suspend within a nested call");
    assert_int_equal(engine_trap_of(w.task)->frames.count, 5);
    /* Nesting without end. */
    inner = func(i, "inner");
    expect_trap(&w, i, "outer", 1, 0, "call stack exhausted");
    world_free(&w);
}

/* ---- Several instances ------------------------------------------------------------------------------------------- */

static void instances(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    static const char counter[] = "(module $counter (global $g (mut i32) (i32.const 10)) (memory 1)"
                                  " (func $add (export \"add\") (param i32) (result i32)"
                                  "  (global.set $g (i32.add (global.get $g) (local.get 0)))"
                                  "  (i32.store (i32.const 0) (global.get $g))"
                                  "  (i32.load (i32.const 0)))"
                                  " (func (export \"boom\") (param i32) (result i32) unreachable))";
    struct engine_instance *a = instantiate(&w, counter, NULL, 0, "a");
    struct engine_instance *b = instantiate(&w, counter, NULL, 0, "b");
    struct engine_extern imports[2] = {{.kind = EXTERN_FUNC}, {.kind = EXTERN_FUNC}};
    imports[0].func = func(a, "add");
    imports[1].func = func(b, "boom");
    static const char user[] =
        "(module $user (import \"\" \"a\" (func $a (param i32) (result i32)))"
        " (import \"\" \"b\" (func $b (param i32) (result i32))) (memory 1)"
        " (type $t (func (param i32) (result i32)))"
        " (table funcref (elem $a $b $own))"
        " (func $own (param i32) (result i32) (i32.load (i32.const 0)))"
        " (func (export \"both\") (param i32 i32) (result i32)"
        "  (i32.store (i32.const 0) (i32.const 1000))"
        "  (i32.add (call $a (local.get 0))"
        "   (call_indirect (type $t) (local.get 1) (local.get 1))))"
        " (func (export \"tail\") (param i32) (result i32) (return_call $a (local.get 0))))";
    struct engine_instance *i = instantiate(&w, user, imports, 2, "user");
    assert_int_equal(call(&w, i, "both", 5, 2), 15 + 1000);
    assert_int_equal(call(&w, i, "both", 5, 0), 20 + 20);
    assert_int_equal(call(&w, i, "tail", 5, 0), 25);
    expect_trap(&w, i, "both", 5, 1, "unreachable");
    const struct engine_trap *trap = engine_trap_of(w.task);
    assert_int_equal(trap->frames.count, 2);
    assert_true(str_eq_c(trap->frames.list[0].instance, "b"));
    assert_true(str_eq_c(trap->frames.list[0].func, "boom"));
    assert_true(str_eq_c(trap->frames.list[1].instance, "user"));
    expect_trap(&w, i, "both", 5, 3, "undefined element");
    /* A wrong type. */
    struct engine_instance *none;
    imports[1] = (struct engine_extern){.kind = EXTERN_MEMORY};
    imports[1].memory = engine_memory_new(w.store, &(struct wasm_limits){.min = 1});
    assert_int_equal(engine_instantiate(w.store, engine_instance_module(i), imports, 2, STR("x"),
                                        &none, &w.diags),
                     ENGINE_TRAPPED);
    assert_null(none);
    assert_int_equal(w.diags.errors, 1);
    world_free(&w);
}

/* ---- Limits ---------------------------------------------------------------------------------------------------------- */

static const char endless[] =
    "(module (func $deep (export \"deep\") (param i32) (result i32)"
    "  (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))"
    " (func (export \"spin\") (loop (br 0)))"
    " (func $count (export \"count\") (param i32) (result i32)"
    "  (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))"
    " (func $sum (export \"sum\") (param i32) (result i32)"
    "  (if (result i32) (local.get 0)"
    "   (then (i32.add (local.get 0) (call $sum (i32.sub (local.get 0) (i32.const 1)))))"
    "   (else (i32.const 0))))"
    " (func $even (export \"even\") (param i32) (result i32)"
    "  (if (result i32) (local.get 0)"
    "   (then (return_call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))"
    " (func $odd (param i32) (result i32)"
    "  (if (result i32) (local.get 0)"
    "   (then (return_call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0)))))";

static void deep(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(&w, endless, NULL, 0, "main");
    expect_trap(&w, i, "deep", 0, 0, "call stack exhausted");
    const struct engine_trap *trap = engine_trap_of(w.task);
    assert_int_equal(trap->frames.count, 30); /* the first ones and the last */
    assert_true(trap->frames.left_out > 1000);
    assert_int_equal(call(&w, i, "sum", 10000, 0), 50005000);
    assert_int_equal(call(&w, i, "even", 1000001, 0), 0);
    /* More turns than any C stack has room for, should a handler not end in a jump. */
    assert_int_equal(call(&w, i, "count", 3000000, 0), 0);
    world_free(&w);
}

static void fuel(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.fuel = 1000});
    struct engine_instance *i = instantiate(&w, endless, NULL, 0, "main");
    assert_int_equal(call(&w, i, "count", 500, 0), 0);
    u64 n = 600;
    assert_int_equal(engine_start(w.task, func(i, "count"), &n), ENGINE_SUSPENDED);
    assert_true(engine_out_of_fuel(w.task));
    assert_int_equal(engine_resume(w.task, NULL), ENGINE_SUSPENDED);
    engine_add_fuel(w.store, 1000);
    assert_int_equal(engine_resume(w.task, NULL), ENGINE_DONE);
    assert_int_equal(engine_results(w.task)[0], 0);
    assert_int_equal(call(&w, i, "sum", 100, 0), 5050);
    n = 100000;
    assert_int_equal(engine_start(w.task, func(i, "sum"), &n), ENGINE_SUSPENDED);
    engine_add_fuel(w.store, 200000);
    u32 turns = 0;
    enum engine_outcome r;
    while ((r = engine_resume(w.task, NULL)) == ENGINE_SUSPENDED && turns++ < 10)
        ;
    assert_true(r == ENGINE_TRAPPED || r == ENGINE_DONE);
    world_free(&w);
}

static void interruption(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(&w, endless, NULL, 0, "main");
    engine_interrupt(w.store);
    expect_trap(&w, i, "spin", 0, 0, "interrupted");
    assert_int_equal(call(&w, i, "count", 5, 0), 0);
    world_free(&w);
}

/* ---- References, exceptions -------------------------------------------------------------------------------------- */

static void exceptions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(
        &w,
        "(module (tag $e (param i32 i64)) (tag $other)"
        " (func $thrower (param i32) (if (local.get 0)"
        "  (then (throw $e (local.get 0) (i64.const 3)))) )"
        " (func $middle (param i32) (call $thrower (local.get 0)))"
        " (func (export \"catch\") (param i32) (result i32) (local i64)"
        "  (block $h (result i32 i64)"
        "   (block $o"
        "    (try_table (catch $other $o) (catch $e $h) (call $middle (local.get 0))))"
        "   (return (i32.const -1)))"
        "  (local.set 1) (i32.add (i32.wrap_i64 (local.get 1))))"
        " (func (export \"rethrow\") (param i32) (result i32)"
        "  (block $h (result exnref) (try_table (catch_all_ref $h) (call $middle (local.get 0)))"
        "   (return (i32.const -1)))"
        "  throw_ref))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "catch", 39, 0), 42);
    assert_int_equal(call(&w, i, "catch", 0, 0), UINT32_MAX);
    expect_trap(&w, i, "rethrow", 1, 0, "uncaught exception");
    assert_true(engine_trap_of(w.task)->is_exception);
    world_free(&w);
}

static void collection(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 32 << 20});
    struct engine_instance *i = instantiate(
        &w,
        "(module (type $list (struct (field i32) (field (ref null $list))))"
        " (global $keep (mut (ref null $list)) (ref.null $list))"
        /* Ten million cells of garbage, a hundred kept. */
        " (func (export \"churn\") (param i32) (result i32)"
        "  (loop"
        "   (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 10000)))"
        "    (then (global.set $keep (struct.new $list (local.get 0) (global.get $keep))))"
        "    (else (drop (struct.new $list (local.get 0) (ref.null $list)))))"
        "   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
        "  (call $length (global.get $keep)))"
        " (func $length (param (ref null $list)) (result i32)"
        "  (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0))"
        "   (else (i32.add (i32.const 1)"
        "    (call $length (struct.get $list 1 (local.get 0)))))))"
        " (func (export \"hoard\") (loop"
        "  (global.set $keep (struct.new $list (i32.const 0) (global.get $keep))) (br 0))))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "churn", 1000000, 0), 100);
    expect_trap(&w, i, "hoard", 0, 0, "out of memory: the garbage-collected heap is full");
    world_free(&w);
}

static void proposals(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(
        &w,
        "(module (memory $a 1) (memory $b i64 1 2) (memory $tiny 100 (pagesize 1))"
        " (func (export \"add\") (param i32 i32) (result i32)"
        "  (i32.store $a (i32.const 16) (local.get 0))"
        "  (i32.add (i32.mul (i32.atomic.rmw.add $a (i32.const 16) (local.get 1)) (i32.const 1000))"
        "   (i32.atomic.load $a (i32.const 16))))"
        " (func (export \"exchange\") (param i32 i32) (result i32)"
        "  (i32.store8 $a offset=3 (i32.const 0) (local.get 0))"
        "  (drop (i32.atomic.rmw8.cmpxchg_u $a offset=3 (i32.const 0) (i32.const 9) (local.get 1)))"
        "  (i32.load8_u $a offset=3 (i32.const 0)))"
        " (func (export \"unaligned\") (result i32) (i32.atomic.load $a (i32.const 2)))"
        " (func (export \"wait\") (result i32)"
        "  (memory.atomic.wait32 $a (i32.const 0) (i32.const 0) (i64.const 0)))"
        " (func (export \"notify\") (result i32)"
        "  (memory.atomic.notify $a (i32.const 0) (i32.const 1)))"
        " (func (export \"wide\") (param i64 i64) (result i64 i64)"
        "  (i64.mul_wide_u (local.get 0) (local.get 1)))"
        " (func (export \"sum\") (param i64 i64) (result i64 i64)"
        "  (i64.add128 (local.get 0) (i64.const 1) (local.get 1) (i64.const 2)))"
        " (func (export \"far\") (param i64) (result i64)"
        "  (i64.store $b (local.get 0) (i64.const 77)) (i64.load $b (local.get 0)))"
        " (func (export \"grow\") (param i64) (result i64) (memory.grow $b (local.get 0)))"
        " (func (export \"tiny\") (param i32) (result i32) (i32.load8_u $tiny (local.get 0)))"
        " (func (export \"tiny size\") (result i32) (memory.size $tiny))"
        " (func (export \"vector\") (param i32) (result i32)"
        "  (i32x4.extract_lane 2 (i32x4.add (i32x4.splat (local.get 0))"
        "   (v128.const i32x4 1 2 3 4)))))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "add", 5, 6), 5011);
    assert_int_equal(call(&w, i, "exchange", 9, 4), 4);
    assert_int_equal(call(&w, i, "exchange", 8, 4), 8);
    expect_trap(&w, i, "unaligned", 0, 0, "unaligned atomic");
    expect_trap(&w, i, "wait", 0, 0, "expected shared memory");
    assert_int_equal(call(&w, i, "notify", 0, 0), 0);
    assert_int_equal(call(&w, i, "wide", UINT64_MAX, UINT64_MAX), 1);
    assert_true(engine_results(w.task)[1] == UINT64_MAX - 1);
    assert_int_equal(call(&w, i, "sum", UINT64_MAX, 1), 0);
    assert_int_equal(engine_results(w.task)[1], 4);
    assert_int_equal(call(&w, i, "far", 65528, 0), 77);
    expect_trap(&w, i, "far", 65529, 0, "out of bounds memory access");
    expect_trap(&w, i, "far", UINT64_MAX - 3, 0, "out of bounds memory access");
    assert_true(call(&w, i, "grow", UINT64_MAX, 0) == UINT64_MAX);
    assert_int_equal(call(&w, i, "grow", 1, 0), 1);
    assert_int_equal(call(&w, i, "far", 65529, 0), 77);
    assert_int_equal(call(&w, i, "tiny", 99, 0), 0);
    expect_trap(&w, i, "tiny", 100, 0, "out of bounds memory access");
    assert_int_equal(call(&w, i, "tiny size", 0, 0), 100);
    assert_int_equal(call(&w, i, "vector", 39, 0), 42);
    world_free(&w);
}

/* A cast to an exact type takes no subtypes of it. */
static void exact_casts(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(
        &w,
        "(module (type $a (sub (struct (field i32)))) (type $b (sub $a (struct (field i32))))"
        " (type $f (sub (func))) (type $g (sub $f (func))) (elem declare func $h)"
        " (func $h (type $g))"
        " (func $make (param i32) (result (ref null $a)) (if (result (ref null $a)) (local.get 0)"
        "  (then (struct.new $b (i32.const 1))) (else (struct.new $a (i32.const 1)))))"
        " (func (export \"test\") (param i32) (result i32)"
        "  (ref.test (ref (exact $a)) (call $make (local.get 0))))"
        " (func (export \"cast\") (param i32)"
        "  (drop (ref.cast (ref null (exact $b)) (call $make (local.get 0)))))"
        " (func (export \"branch\") (param i32) (result i32)"
        "  (drop (block $l (result (ref null (exact $a)))"
        "   (drop (br_on_cast $l (ref null $a) (ref null (exact $a)) (call $make (local.get 0))))"
        "   (return (i32.const 7))))"
        "  (i32.const 8))"
        " (func (export \"func\") (result i32) (local (ref null $f)) (local.set 0 (ref.func $h))"
        "  (i32.add (i32.shl (ref.test (ref (exact $f)) (local.get 0)) (i32.const 1))"
        "   (ref.test (ref (exact $g)) (local.get 0)))))",
        NULL, 0, "main");
    assert_int_equal(call(&w, i, "test", 0, 0), 1);
    assert_int_equal(call(&w, i, "test", 1, 0), 0);
    assert_int_equal(call(&w, i, "branch", 0, 0), 8);
    assert_int_equal(call(&w, i, "branch", 1, 0), 7);
    assert_int_equal(call(&w, i, "func", 0, 0), 1);
    expect_trap(&w, i, "cast", 0, 0, "cast failure");
    assert_int_equal(engine_start(w.task, func(i, "cast"), (u64[]){1}), ENGINE_DONE);
    world_free(&w);
}

/* What a trap says of operands is read from its frame, which may end where the stack ends. */
static void frames_at_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *code, *detail;
    } traps[] = {
        {"(drop (table.get $t (i32.const 7)))", "index 7 is out of bounds of table 0 of 1 element"},
        {"(table.set $t (i32.const 7) (ref.null func))",
         "index 7 is out of bounds of table 0 of 1 element"},
        {"(table.fill $t (i32.const 7) (ref.null func) (i32.const 0))",
         "0 elements from index 7 are out of bounds of table 0 of 1 element"},
        {"(table.init $t $e (i32.const 7) (i32.const 0) (i32.const 1))",
         "index 7 is out of bounds of table 0 of 1 element"},
        {"(drop (array.new_elem $a $e (i32.const 7) (i32.const 1)))", ""},
        {"(drop (array.get $a (array.new_default $a (i32.const 3)) (i32.const 7)))",
         "index 7 is out of bounds of an array of 3 elements"},
        {"(drop (i32.load (i32.const 70000)))",
         "address 0x11170 is out of bounds of memory 0 of 65536 bytes"},
        {"(drop (memory.atomic.notify (i32.const 3) (i32.const 0)))",
         "address 0x3 is not a multiple of 4"},
        {"(call_indirect $t (i32.const 7))", "index 7 is out of bounds of table 0 of 1 element"},
    };
    for (u32 k = 0; k < LENGTH_OF(traps); k++) {
        struct world w;
        world_init(&w, NULL);
        struct buf b = buf_in(&w.arena);
        buf_c(&b,
              "(module (memory 1) (table $t 1 funcref) (elem $e func) (type $a (array funcref))");
        for (u32 slots = 500; slots < 512; slots++) {
            buf_printf(&b, " (func (export \"%u\") (local", slots);
            for (u32 n = 3; n < slots; n++)
                buf_c(&b, " i32");
            buf_printf(&b, ") %s)", traps[k].code);
        }
        buf_c(&b, ")");
        buf_byte(&b, 0);
        struct engine_instance *i = instantiate(&w, b.data, NULL, 0, "main");
        for (u32 slots = 500; slots < 512; slots++) {
            struct engine_task *t = engine_task_new(w.store);
            str name = str_printf(&w.arena, "%u", slots);
            assert_int_equal(engine_start(t, func(i, name.ptr), NULL), ENGINE_TRAPPED);
            str detail = engine_trap_of(t)->detail;
            if (!str_eq_c(detail, traps[k].detail))
                fprintf(stderr, "%s: " STRF "\n", traps[k].code, STRA(detail));
            assert_true(str_eq_c(detail, traps[k].detail));
            engine_task_free(t);
        }
        world_free(&w);
    }
}

/* Limits of the store: what cannot be had is refused, and the store goes on. */
static void too_much(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){
                       .memory_bytes = 1 << 20, .table_elements = 100, .instances = 3});
    struct engine_instance *i;
    static const char *const refused[] = {"(module (memory 17))", "(module (table 101 funcref))",
                                          "(module (table i64 0xffffffffffff funcref))"};
    for (u32 k = 0; k < LENGTH_OF(refused); k++) {
        w.diags.errors = 0;
        assert_int_equal(
            engine_instantiate(w.store, load(&w, refused[k]), NULL, 0, STR("x"), &i, &w.diags),
            ENGINE_TRAPPED);
        assert_null(i);
        assert_int_equal(w.diags.errors, 1);
    }
    assert_int_equal(
        engine_instantiate(w.store, load(&w, "(module)"), NULL, 0, STR("x"), &i, &w.diags),
        ENGINE_TRAPPED);
    world_free(&w);
    world_init(&w, &(struct engine_limits){.memory_bytes = 1 << 20, .table_elements = 100});
    i = instantiate(&w,
                    "(module (memory 1) (table 1 funcref)"
                    " (func (export \"memory\") (param i32) (result i32)"
                    "  (memory.grow (local.get 0)))"
                    " (func (export \"table\") (param i32) (result i32)"
                    "  (table.grow (ref.null func) (local.get 0))))",
                    NULL, 0, "main");
    assert_int_equal(call(&w, i, "memory", 16, 0), UINT32_MAX);
    assert_int_equal(call(&w, i, "memory", 15, 0), 1);
    assert_int_equal(call(&w, i, "table", 100, 0), UINT32_MAX);
    assert_int_equal(call(&w, i, "table", 99, 0), 1);
    world_free(&w);
}

/* ---- Loading ------------------------------------------------------------------------------------------------- */

static struct engine_module *load_source(struct world *w, const char *text)
{
    u32 source = sources_add(&w->sources, STR("x.wat"), str_c(text), SOURCE_TEXT);
    return engine_load_source(w->store, source, features_default(), &w->diags);
}

static void sources_of_all_kinds(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    assert_non_null(load_source(&w, "(module (func (export \"f\")))"));
    assert_int_equal(w.diags.errors, 0);
    assert_null(load_source(&w, "(component)"));
    assert_null(load_source(&w, "(module (func (result i32)))"));
    assert_null(load_source(&w, "(module"));
    assert_int_equal(w.diags.errors, 3);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(memory),
        cmocka_unit_test(loops),
        cmocka_unit_test(host_functions),
        cmocka_unit_test(suspension),
        cmocka_unit_test(nested_calls),
        cmocka_unit_test(instances),
        cmocka_unit_test(deep),
        cmocka_unit_test(fuel),
        cmocka_unit_test(interruption),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(collection),
        cmocka_unit_test(proposals),
        cmocka_unit_test(too_much),
        cmocka_unit_test(frames_at_the_end),
        cmocka_unit_test(exact_casts),
        cmocka_unit_test(sources_of_all_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
