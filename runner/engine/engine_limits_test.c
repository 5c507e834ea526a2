/* engine_limits_test.c - what is too long, too large or too deep: it stops, and the store goes on. */
#include "engine_internal.h"
#include "engine_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

/* ---- Long instructions ----------------------------------------------------------------------------- */

/* Each export touches a megabyte in one instruction. */
static const char bulk[] =
    "(module (type $bytes (array (mut i8))) (type $words (array (mut i64)))"
    " (type $refs (array (mut funcref)))"
    " (memory (export \"m\") 32) (memory $other 16)"
    " (table $t 131072 funcref) (table $u 131072 funcref)"
    " (global $b (mut (ref null $bytes)) (array.new_default $bytes (i32.const 1048576)))"
    " (global $w (mut (ref null $words)) (array.new_default $words (i32.const 131072)))"
    " (global $r (mut (ref null $refs)) (array.new_default $refs (i32.const 131072)))"
    " (func (export \"memory.fill\")"
    "  (memory.fill (i32.const 5) (i32.const 7) (i32.const 1048576)))"
    " (func (export \"memory.copy\")"
    "  (memory.copy (i32.const 1) (i32.const 0) (i32.const 1048576)))"
    " (func (export \"memory.copy other\")"
    "  (memory.copy $other 0 (i32.const 0) (i32.const 0) (i32.const 1048576)))"
    " (func (export \"table.fill\")"
    "  (table.fill $t (i32.const 0) (ref.null func) (i32.const 131072)))"
    " (func (export \"table.copy\")"
    "  (table.copy $u $t (i32.const 0) (i32.const 0) (i32.const 131072)))"
    " (func (export \"table.grow\")"
    "  (drop (table.grow $t (ref.null func) (i32.const 131072))))"
    " (func (export \"array.new\")"
    "  (global.set $w (array.new $words (i64.const 3) (i32.const 131072))))"
    " (func (export \"array.new_default\")"
    "  (global.set $b (array.new_default $bytes (i32.const 1048576))))"
    " (func (export \"array.fill\")"
    "  (array.fill $words (global.get $w) (i32.const 0) (i64.const 9) (i32.const 131072)))"
    " (func (export \"array.copy\")"
    "  (array.copy $bytes $bytes (global.get $b) (i32.const 0) (global.get $b) (i32.const 0)"
    "   (i32.const 1048576)))"
    " (func (export \"byte\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
    " (func (export \"set\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
    " (func (export \"word\") (param i32) (result i64)"
    "  (array.get $words (global.get $w) (local.get 0))))";

static const char *const long_ones[] = {
    "memory.fill", "memory.copy", "memory.copy other", "table.fill", "table.copy",
    "table.grow",  "array.new",   "array.new_default", "array.fill", "array.copy",
};

static void long_interrupted(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(&w, bulk, NULL, 0, "main");
    for (u32 k = 0; k < LENGTH_OF(long_ones); k++) {
        call(&w, i, long_ones[k], 0, 0);
        engine_interrupt(w.store);
        expect_trap(&w, i, long_ones[k], 0, 0, "interrupted");
    }
    assert_int_equal(call(&w, i, "byte", 6, 0), 7);
    world_free(&w);
}

/* They cost a turn for each kilobyte; what was paid counts when the task goes on, and nothing is done before all is paid. */
static void long_out_of_fuel(void **state)
{
    (void)state;
    struct world w;
    for (u32 k = 0; k < LENGTH_OF(long_ones); k++) {
        world_init(&w, &(struct engine_limits){.fuel = 100});
        struct engine_instance *i = instantiate(&w, bulk, NULL, 0, "main");
        enum engine_outcome r = engine_start(w.task, func(i, long_ones[k]), NULL);
        u32 turns = 0;
        while (r == ENGINE_SUSPENDED && turns < 20) {
            assert_true(engine_out_of_fuel(w.task));
            struct engine_extern m;
            assert_true(engine_export(i, STR("m"), &m));
            assert_int_equal(engine_memory_data(m.memory)[100], 0);
            engine_add_fuel(w.store, 100);
            r = engine_resume(w.task, NULL);
            turns++;
        }
        assert_int_equal(r, ENGINE_DONE);
        assert_in_range(turns, 9, 11);
        world_free(&w);
    }
}

static void long_effects(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *i = instantiate(&w, bulk, NULL, 0, "main");
    call(&w, i, "memory.fill", 0, 0);
    assert_int_equal(call(&w, i, "byte", 4, 0), 0);
    assert_int_equal(call(&w, i, "byte", 5, 0), 7);
    assert_int_equal(call(&w, i, "byte", 4 + 1048576, 0), 7);
    assert_int_equal(call(&w, i, "byte", 5 + 1048576, 0), 0);
    /* Overlapping, towards higher addresses: one byte further in each turn. */
    call(&w, i, "set", 3, 1);
    call(&w, i, "memory.copy", 0, 0);
    call(&w, i, "memory.copy", 0, 0);
    assert_int_equal(call(&w, i, "byte", 3, 0), 0);
    assert_int_equal(call(&w, i, "byte", 5, 0), 1);
    assert_int_equal(call(&w, i, "byte", 6, 0), 0);
    assert_int_equal(call(&w, i, "byte", 7, 0), 7);
    call(&w, i, "array.new", 0, 0);
    assert_int_equal(call(&w, i, "word", 131071, 0), 3);
    call(&w, i, "array.fill", 0, 0);
    assert_int_equal(call(&w, i, "word", 0, 0), 9);
    assert_int_equal(call(&w, i, "word", 777, 0), 9);
    assert_int_equal(call(&w, i, "word", 131071, 0), 9);
    world_free(&w);
}

/* ---- Large things ------------------------------------------------------------------------------------ */

static void refuse(struct world *w, const char *text)
{
    struct engine_instance *i;
    u32 before = w->diags.errors;
    assert_int_equal(engine_instantiate(w->store, load(w, text), NULL, 0, STR("x"), &i, &w->diags),
                     ENGINE_TRAPPED);
    assert_null(i);
    assert_int_equal(w->diags.errors, before + 1);
}

/* Without limits given: 4 GiB for a memory also of 64-bit addresses, ten million elements for a table. */
static void standard_limits(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    refuse(&w, "(module (memory i64 65537))");
    refuse(&w, "(module (memory i64 0x1000000000000))");
    refuse(&w, "(module (table 0xffffffff funcref))");
    refuse(&w, "(module (table i64 0x100000000 funcref))");
    refuse(&w, "(module (table i64 0xffffffffffffffff funcref))");
    struct engine_instance *i = instantiate(
        &w,
        "(module (memory $m i64 0) (memory $n 0) (table $t 0 funcref) (table $u i64 0 funcref)"
        " (func (export \"m\") (param i64) (result i64) (memory.grow $m (local.get 0)))"
        " (func (export \"n\") (param i32) (result i32) (memory.grow $n (local.get 0)))"
        " (func (export \"t\") (param i32) (result i32)"
        "  (table.grow $t (ref.null func) (local.get 0)))"
        " (func (export \"u\") (param i64) (result i64)"
        "  (table.grow $u (ref.null func) (local.get 0)))"
        " (func (export \"last\") (result i32)"
        "  (i32.store8 $n (i32.const -1) (i32.const 77)) (i32.load8_u $n (i32.const -1)))"
        " (func (export \"last64\") (result i32)"
        "  (i32.store8 $m (i64.const 0xffffffff) (i32.const 78))"
        "  (i32.load8_u $m (i64.const 0xffffffff)))"
        " (func (export \"past\") (result i32) (i32.load8_u $m (i64.const 0x100000000))))",
        NULL, 0, "main");
    assert_true(call(&w, i, "m", UINT64_MAX, 0) == UINT64_MAX);
    assert_true(call(&w, i, "m", 65537, 0) == UINT64_MAX);
    assert_int_equal(call(&w, i, "m", 65536, 0), 0);
    assert_true(call(&w, i, "m", 1, 0) == UINT64_MAX);
    assert_int_equal(call(&w, i, "n", 65536, 0), 0);
    assert_int_equal(call(&w, i, "n", 1, 0), UINT32_MAX);
    assert_int_equal(call(&w, i, "n", 0, 0), 65536);
    assert_int_equal(call(&w, i, "last", 0, 0), 77);
    assert_int_equal(call(&w, i, "last64", 0, 0), 78);
    expect_trap(&w, i, "past", 0, 0, "out of bounds memory access");
    assert_int_equal(call(&w, i, "t", UINT32_MAX, 0), UINT32_MAX);
    assert_true(call(&w, i, "u", (u64)1 << 32, 0) == UINT64_MAX);
    assert_true(call(&w, i, "u", UINT64_MAX, 0) == UINT64_MAX);
    assert_int_equal(call(&w, i, "u", 1000, 0), 0);
    world_free(&w);
}

/* From now on there is so much address space beside what is in use. Gives the limit of before. */
static struct rlimit leave_space(rlim_t bytes)
{
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld", &pages) != 1)
        skip();
    fclose(f);
    now = before;
    now.rlim_cur = (rlim_t)pages * 4096 + bytes;
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
    return before;
}

/* The host has no more memory: growing fails or the guest traps, and what is there works on. */
static void host_is_full(void **state)
{
    (void)state;
#ifdef WITC_SANITIZED /* its shadow memory does not go with limits of the address space */
    skip();
#endif
    struct world w;
    world_init(&w, &(struct engine_limits){.table_elements = (u64)1 << 40,
                                           .heap_bytes = (u64)1 << 40,
                                           .stack_slots = 1u << 30});
    struct engine_instance *i = instantiate(
        &w,
        "(module (type $a (array i64)) (memory 1 16384) (table 1 funcref)"
        " (func (export \"memory\") (param i32) (result i32) (memory.grow (local.get 0)))"
        " (func (export \"table\") (param i32) (result i32)"
        "  (table.grow (ref.null func) (local.get 0)))"
        " (func (export \"array\") (param i32) (result i32)"
        "  (array.len (array.new_default $a (local.get 0))))"
        " (func $deep (export \"deep\") (param i32) (result i32)"
        "  (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1))))",
        NULL, 0, "main");
    struct rlimit before = leave_space((rlim_t)64 << 20);
    u64 table = call(&w, i, "table", 1u << 27, 0);
    u64 slots[1] = {1u << 27};
    enum engine_outcome array = engine_start(w.task, func(i, "array"), slots);
    enum engine_outcome deep = engine_start(w.task, func(i, "deep"), slots);
    bool told =
        deep == ENGINE_TRAPPED && str_eq_c(engine_trap_of(w.task)->message, "out of memory");
    u32 frames = engine_trap_of(w.task)->frames.count;
    u64 small = call(&w, i, "table", 1, 0);
    struct engine_instance *full;
    enum engine_outcome made = engine_instantiate(w.store, load(&w, "(module (memory 8192))"), NULL,
                                                  0, STR("x"), &full, &w.diags);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(table, UINT32_MAX);
    assert_int_equal(array, ENGINE_TRAPPED);
    assert_true(told);
    assert_true(frames > 1);
    assert_int_equal(small, 1);
    assert_int_equal(made, ENGINE_TRAPPED);
    assert_null(full);
    assert_int_equal(call(&w, i, "array", 1u << 20, 0), 1u << 20);
    assert_int_equal(call(&w, i, "memory", 2, 0), 1);
    instantiate(&w, "(module (memory 8192))", NULL, 0, "after");
    world_free(&w);
}

/* With no address space left, empty memories are made without any, and no search for some goes on for ever. */
static void host_has_no_space(void **state)
{
    (void)state;
#ifdef WITC_SANITIZED /* its shadow memory does not go with limits of the address space */
    skip();
#endif
    struct world w;
    world_init(&w, &(struct engine_limits){0});
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    now = before;
    now.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
    struct engine_memory *empty = engine_memory_new(w.store, &(struct wasm_limits){.min = 0});
    struct engine_memory *one = engine_memory_new(w.store, &(struct wasm_limits){.min = 1});
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_non_null(empty);
    assert_null(one);
    world_free(&w);
}

/* What nobody refers to is collected before the heap is said to be full, also when most of it is in use. */
static void garbage(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 32 << 20});
    struct engine_instance *i = instantiate(
        &w,
        "(module (type $a (array (mut i8))) (global $kept (mut (ref null $a)) (ref.null $a))"
        " (func (export \"keep\") (param i32)"
        "  (global.set $kept (array.new_default $a (local.get 0))))"
        " (func (export \"forget\") (global.set $kept (ref.null $a)))"
        " (func (export \"waste\") (param i32) (loop"
        "  (drop (array.new_default $a (i32.const 1000)))"
        "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
        NULL, 0, "main");
    call(&w, i, "waste", 100000, 0);
    call(&w, i, "keep", 24 << 20, 0);
    call(&w, i, "waste", 100000, 0);
    call(&w, i, "forget", 0, 0);
    call(&w, i, "keep", (32 << 20) - 5000, 0); /* there is no room for waste beside it */
    expect_trap(&w, i, "waste", 1000, 0, "out of memory: the garbage-collected heap is full");
    call(&w, i, "forget", 0, 0);
    call(&w, i, "waste", 100000, 0);
    world_free(&w);
}

static enum engine_outcome interrupt(void *env, struct engine_task *t, u64 *slots)
{
    (void)t, (void)slots;
    engine_interrupt(env);
    return ENGINE_DONE;
}

static struct engine_store *to_interrupt;

static void on_alarm(int signal_)
{
    (void)signal_;
    engine_interrupt(to_interrupt);
}

/* A signal that comes while somebody looks is not lost. */
static void interrupts_are_kept(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    to_interrupt = w.store;
    void (*before)(int) = signal(SIGALRM, on_alarm);
    time_t end = time(NULL) + 20;
    u32 taken = 0;
    for (; taken < 2000 && time(NULL) < end; taken++) {
        struct itimerval soon = {.it_value = {.tv_usec = 10}};
        setitimer(ITIMER_REAL, &soon, NULL);
        bool is = false;
        while (!(is = engine_take_interrupt(w.store)) && time(NULL) < end) {
        }
        if (!is) {
            break;
        }
    }
    signal(SIGALRM, before);
    assert_int_equal(taken, 2000);
    world_free(&w);
}

/* Between two looks at the loop turns and calls, a collection may take seconds. */
static void collection_interrupted(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 4 << 20});
    const struct wasm_functype type = {0};
    struct engine_extern import = {
        EXTERN_FUNC, .func = engine_host_func(w.store, &type, STR("stop"), interrupt, w.store)};
    struct engine_instance *i = instantiate(
        &w,
        "(module (type $a (array (mut i8))) (import \"\" \"stop\" (func $stop))"
        " (global $kept (mut (ref null $a)) (ref.null $a))"
        " (func (export \"f\") (param i32) (result i32)"
        "  (global.set $kept (array.new_fixed $a 2 (i32.const 5) (i32.const 6)))"
        "  (drop (array.new_default $a (i32.const 3000000)))"
        "  (if (local.get 0) (then (call $stop)))"
        "  (array.len (array.new_default $a (i32.const 2000000))))"
        " (func (export \"kept\") (result i32) (array.get_u $a (global.get $kept) (i32.const 1))))",
        &import, 1, "main");
    expect_trap(&w, i, "f", 1, 0, "interrupted");
    assert_int_equal(call(&w, i, "kept", 0, 0), 6);
    for (int k = 0; k < 10; k++)
        assert_int_equal(call(&w, i, "f", 0, 0), 2000000);
    assert_int_equal(call(&w, i, "kept", 0, 0), 6);
    world_free(&w);
}

/* A collection takes hardly any memory itself, however many objects there are. */
static void collection_is_small(void **state)
{
    (void)state;
#ifdef WITC_SANITIZED /* its shadow memory does not go with limits of the address space */
    skip();
#endif
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 32 << 20});
    struct engine_instance *i =
        instantiate(&w,
                    "(module (type $l (sub (struct (field (mut (ref null $l))))))"
                    " (global $list (mut (ref null $l)) (ref.null $l))"
                    " (func (export \"keep\") (param i32) (loop"
                    "  (global.set $list (struct.new $l (global.get $list)))"
                    "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
                    " (func (export \"waste\") (param i32) (loop (drop (struct.new_default $l))"
                    "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
                    " (func (export \"count\") (result i32) (local i32 (ref null $l))"
                    "  (local.set 1 (global.get $list))"
                    "  (loop (local.set 0 (i32.add (local.get 0) (i32.const 1)))"
                    "   (br_if 0 (i32.eqz (ref.is_null"
                    "     (local.tee 1 (struct.get $l 0 (local.get 1)))))))"
                    "  (local.get 0)))",
                    NULL, 0, "main");
    struct rlimit before = leave_space(36 << 20);
    call(&w, i, "keep", 300000, 0);
    u64 slots[1] = {1000000};
    enum engine_outcome wasted = engine_start(w.task, func(i, "waste"), slots);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(wasted, ENGINE_DONE);
    assert_int_equal(call(&w, i, "count", 0, 0), 300000);
    world_free(&w);
}

/* Constant expressions may need room that only a collection makes; what they have so far stays. */
static void constants_collect(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 4 << 20});
    struct engine_instance *i =
        instantiate(&w,
                    "(module (type $a (array (mut i8)))"
                    " (func (export \"waste\") (param i32) (loop"
                    "  (drop (array.new_default $a (i32.const 1000)))"
                    "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
                    NULL, 0, "main");
    call(&w, i, "waste", 3000, 0);
    struct engine_instance *made = instantiate(
        &w,
        "(module (type $a (array (mut i8))) (type $p (struct (field (ref $a) (ref $a))))"
        " (type $e (array (ref $a)))"
        " (global $g (ref $p) (struct.new $p"
        "  (array.new_fixed $a 3 (i32.const 1) (i32.const 2) (i32.const 3))"
        "  (array.new $a (i32.const 7) (i32.const 1400000))))"
        " (elem $e (ref $a) (array.new $a (i32.const 4) (i32.const 1000))"
        "  (array.new $a (i32.const 5) (i32.const 1200000)))"
        " (func (export \"get\") (result i32)"
        "  (i32.add (array.get_u $a (struct.get $p 0 (global.get $g)) (i32.const 2))"
        "   (array.get_u $a (struct.get $p 1 (global.get $g)) (i32.const 1399999))))"
        " (func (export \"elem\") (result i32) (local (ref null $e))"
        "  (local.set 0 (array.new_elem $e $e (i32.const 0) (i32.const 2)))"
        "  (i32.add (array.get_u $a (array.get $e (local.get 0) (i32.const 0)) (i32.const 9))"
        "   (array.get_u $a (array.get $e (local.get 0) (i32.const 1)) (i32.const 1199999)))))",
        NULL, 0, "made");
    call(&w, i, "waste", 3000, 0);
    assert_int_equal(call(&w, made, "get", 0, 0), 10);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(call(&w, made, "elem", 0, 0), 9);
        call(&w, i, "waste", 3000, 0);
    }
    assert_int_equal(call(&w, made, "get", 0, 0), 10);
    world_free(&w);
}

/* ---- Start functions ----------------------------------------------------------------------------------- */

/* They may take all they can get; other instances do not suffer. */
static void greedy_start(void **state)
{
    (void)state;
    static const char *const greedy[][2] = {
        {"(module (type $a (array (mut i8)))"
         " (type $l (struct (field (ref null $l)) (field (ref null $a)))) (global $g (mut (ref "
         "null $l)) (ref.null $l))"
         " (func $f (loop (global.set $g (struct.new $l (global.get $g)"
         "  (array.new_default $a (i32.const 1000000)))) (br 0))) (start $f))",
         "out of memory: the garbage-collected heap is full"},
        {"(module (memory 0) (table 0 funcref) (func $f (loop"
         "  (drop (memory.grow (i32.const 1)))"
         "  (drop (table.grow (ref.null func) (i32.const 1))) (br 0))) (start $f))",
         "interrupted"},
        {"(module (func $f (call $f)) (start $f))", "call stack exhausted"},
        {"(module (tag $e) (func $f (throw $e)) (start $f))", "uncaught exception"},
    };
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 16 << 20, .memory_bytes = 1 << 20});
    for (u32 k = 0; k < LENGTH_OF(greedy); k++) {
        struct engine_instance *i = instantiate(&w, greedy[k][0], NULL, 0, "greedy");
        if (k == 1)
            engine_interrupt(w.store);
        assert_int_equal(engine_start(w.task, engine_start_func(i), NULL), ENGINE_TRAPPED);
        str message = engine_trap_of(w.task)->message;
        if (!str_eq_c(message, greedy[k][1]))
            fprintf(stderr, "trap: " STRF "\n", STRA(message));
        assert_true(str_eq_c(message, greedy[k][1]));
        assert_true(engine_trap_of(w.task)->frames.count > 0 || k == 1);
        i = instantiate(&w,
                        "(module (memory 1) (func (export \"f\") (param i32 i32) (result i32)"
                        " (i32.store (i32.const 8) (local.get 0)) (i32.load (i32.const 8))))",
                        NULL, 0, "other");
        assert_int_equal(call(&w, i, "f", 5, 0), 5);
    }
    world_free(&w);
}

/* What active segments wrote before one trapped stays, and what refers to the instance works on. */
static void half_instantiated(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    struct engine_instance *host = instantiate(
        &w,
        "(module (table (export \"t\") 4 funcref) (memory (export \"m\") 1)"
        " (func (export \"call\") (param i32) (result i32)"
        "  (call_indirect (result i32) (local.get 0)))"
        " (func (export \"byte\") (param i32) (result i32) (i32.load8_u (local.get 0))))",
        NULL, 0, "host");
    struct engine_extern imports[2];
    assert_true(engine_export(host, STR("t"), &imports[0]));
    assert_true(engine_export(host, STR("m"), &imports[1]));
    struct engine_instance *i;
    enum engine_outcome r = engine_instantiate(
        w.store,
        load(&w, "(module (import \"\" \"t\" (table 4 funcref)) (import \"\" \"m\" (memory 1))"
                 " (global $g (mut i32) (i32.const 40)) (func $f (result i32)"
                 "  (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))"
                 " (elem (i32.const 1) $f) (data (i32.const 3) \"a\")"
                 " (data (i32.const 65535) \"bc\") (data (i32.const 4) \"d\"))"),
        imports, 2, STR("half"), &i, &w.diags);
    assert_int_equal(r, ENGINE_TRAPPED);
    assert_int_equal(call(&w, host, "call", 1, 0), 41);
    assert_int_equal(call(&w, host, "call", 1, 0), 42);
    assert_int_equal(call(&w, host, "byte", 3, 0), 'a');
    assert_int_equal(call(&w, host, "byte", 65535, 0), 0);
    assert_int_equal(call(&w, host, "byte", 4, 0), 0);
    world_free(&w);
}

/* ---- The host's memory runs out ------------------------------------------------------------------------- */

/* Collects, throws, calls the host with many values, which calls back; the results of it all make 25. */
static const char hungry[] =
    "(module (type $n (struct (field (ref null $n))))"
    " (type $many (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)"
    "  (result i64)))"
    " (import \"\" \"host\" (func $host (type $many))) (tag $e (param i32))"
    " (global (ref null $n) (struct.new $n (struct.new_default $n)))"
    " (table $t 4 anyref)"
    " (elem (table $t) (i32.const 0) anyref (item (struct.new_default $n)) (item (ref.i31 "
    "(i32.const 1))))"
    " (elem $passive anyref (item (struct.new_default $n)) (item (ref.i31 (i32.const 1))))"
    " (func (export \"waste\") (param i32) (loop $l"
    "  (drop (struct.new $n (ref.null $n)))"
    "  (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
    " (func $thrower (throw $e (i32.const 12)))"
    " (func (export \"back\") (param i64) (result i64)"
    "  (block $caught (result i32) (try_table (catch $e $caught) (call $thrower)) (i32.const 0))"
    "  (i64.add (i64.extend_i32_u) (local.get 0)))"
    " (func (export \"f\") (result i64)"
    "  (table.init $t $passive (i32.const 1) (i32.const 0) (i32.const 2))"
    "  (if (i32.ne (i31.get_u (ref.cast (ref i31) (table.get $t (i32.const 2)))) (i32.const 1))"
    "   (then (unreachable)))"
    "  (i64.add (i64.const 1) (call $host (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)"
    "   (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)"
    "   (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)"
    "   (i64.const 12)))))";

struct hunger {
    struct world *w;
    struct engine_module *module;
    struct engine_extern host;
    struct engine_instance *instance;
    u64 result;
};

static enum engine_outcome call_back(void *env, struct engine_task *t, u64 *slots)
{
    struct hunger *x = env;
    slots[0] = slots[16];
    struct engine_extern back;
    return engine_export(x->instance, STR("back"), &back)
               ? engine_call_nested(t, back.func, slots)
               : engine_trap(t, "there is no way back: %d", 1);
}

static void starve(void *context)
{
    struct hunger *x = context;
    struct world *w = x->w;
    assert_int_equal(engine_instantiate(w->store, x->module, &x->host, 1, STR("hungry"),
                                        &x->instance, &w->diags),
                     ENGINE_DONE);
    struct engine_task *t = engine_task_new(w->store);
    assert_int_equal(engine_start(t, func(x->instance, "f"), NULL), ENGINE_DONE);
    x->result = engine_results(t)[0];
    assert_int_equal(engine_backtrace(t, &w->arena).count, 0);
    engine_task_free(t);
}

/* Whichever allocation fails: once there is memory again, the store does all it did, and collects what it left. */
static void unwinding(void **state)
{
    (void)state;
    bool done = false;
    for (u64 n = 1; !done; n++) {
        struct world w;
        world_init(&w, &(struct engine_limits){.heap_bytes = 1 << 18});
        struct hunger x = {.w = &w};
        static wasm_valtype many[17];
        for (u32 k = 0; k < LENGTH_OF(many); k++)
            many[k] = WASM_I64;
        struct wasm_functype type = {
            .params = many, .param_count = LENGTH_OF(many), .results = many, .result_count = 1};
        x.host = (struct engine_extern){
            EXTERN_FUNC, {engine_host_func(w.store, &type, STR("host"), call_back, &x)}};
        x.module = load(&w, hungry);
        mem_fail_after(n);
        done = oom_guard(starve, &x);
        mem_fail_after(0);
        assert_true(oom_guard(starve, &x));
        assert_int_equal(x.result, 25);
        call(&w, x.instance, "waste", 100000, 0); /* far more than the heap has room for */
        world_free(&w);
        assert_true(n < 10000);
    }
}

/* ---- Throws ------------------------------------------------------------------------------------------------- */

/* The fuel that it takes to throw through 1,000 frames with 1,000 ranges each: beside a call, or around it. */
static u64 fuel_of_throw(bool around)
{
    struct world w;
    world_init(&w, &(struct engine_limits){.fuel = 100});
    struct buf b = buf_in(&w.arena);
    const char *inner = "(call $g (i32.sub (local.get 0) (i32.const 1)))";
    buf_c(&b, "(module (tag $e) (tag $other) (func $g (param i32)"
              " (if (i32.eqz (local.get 0)) (then (throw $e)))");
    for (u32 k = 0; k < 1000; k++)
        buf_c(&b,
              around ? "(block (try_table (catch $other 0)" : "(block (try_table (catch_all 0)))");
    buf_c(&b, inner);
    for (u32 k = 0; around && k < 1000; k++)
        buf_c(&b, "))");
    buf_c(&b, ") (func (export \"f\") (block (try_table (catch $e 0)"
              " (call $g (i32.const 1000)) (unreachable)))))");
    buf_byte(&b, 0);
    struct engine_instance *i = instantiate(&w, b.data, NULL, 0, "main");
    u64 fuel = 100, slice = 10;
    enum engine_outcome r = engine_start(w.task, func(i, "f"), NULL);
    for (; r == ENGINE_SUSPENDED && fuel < 100000; fuel += slice) {
        engine_add_fuel(w.store, slice);
        r = engine_resume(w.task, NULL);
    }
    assert_int_equal(r, ENGINE_DONE);
    /* A range and its clause are looked at once, however often the fuel runs out. */
    assert_true(w.task->searched < 2100000);
    world_free(&w);
    return fuel;
}

static void far_throw(void **state)
{
    (void)state;
    assert_in_range(fuel_of_throw(false), 1000, 1200);
    assert_in_range(fuel_of_throw(true), 10000, 40000);
}

/* ---- What a task keeps ---------------------------------------------------------------------------------- */

/* The results of a task that ended stay until it is used again, however many they are; a segment that was dropped keeps nothing. */
static void kept_results(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct engine_limits){.heap_bytes = 1 << 18});
    struct buf b = buf_in(&w.arena);
    buf_c(&b, "(module (type $s (struct (field i32))) (type $a (array i8))"
              " (elem $large anyref (array.new_default $a (i32.const 200000)))"
              " (table $t 1 anyref) (func (export \"drop\")"
              "  (table.init $t $large (i32.const 0) (i32.const 0) (i32.const 1))"
              "  (table.set $t (i32.const 0) (ref.null any)) (elem.drop $large))"
              " (func (export \"large\") (drop (array.new_default $a (i32.const 200000))))"
              " (func (export \"waste\") (param i32) (loop (drop (struct.new $s (i32.const 0)))"
              "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
              " (func (export \"get\") (param (ref $s)) (result i32)"
              "  (struct.get $s 0 (local.get 0)))"
              " (func (export \"many\") (result");
    for (u32 k = 0; k < 200; k++)
        buf_c(&b, " (ref $s)");
    buf_c(&b, ")");
    for (u32 k = 0; k < 200; k++)
        buf_printf(&b, " (struct.new $s (i32.const %u))", k);
    buf_c(&b, "))");
    buf_byte(&b, 0);
    struct engine_instance *i = instantiate(&w, b.data, NULL, 0, "main");
    call(&w, i, "drop", 0, 0);
    call(&w, i, "large", 0, 0);
    struct engine_task *t = engine_task_new(w.store);
    assert_int_equal(engine_start(t, func(i, "many"), NULL), ENGINE_DONE);
    call(&w, i, "waste", 10000, 0);
    for (u32 k = 0; k < 200; k++)
        assert_int_equal(call(&w, i, "get", engine_results(t)[k], 0), k);
    engine_task_free(t);
    world_free(&w);
}

/* ---- Traps one after the other ---------------------------------------------------------------------------- */

static enum engine_outcome ends(void *env, struct engine_task *t, u64 *slots)
{
    (void)env;
    (void)slots;
    return engine_exit(t, 3);
}

static enum engine_outcome tries(void *env, struct engine_task *t, u64 *slots)
{
    struct engine_instance *i = *(struct engine_instance **)env;
    static const char *const names[] = {"exit", "throw", "load"};
    struct engine_extern x;
    bool recovers = slots[0] >> 8;
    if (!engine_export(i, str_c(names[slots[0] & 255]), &x) ||
        engine_call_nested(t, x.func, slots) != ENGINE_TRAPPED)
        return ENGINE_DONE;
    if (recovers)
        return engine_exit(t, 4);
    return engine_trap(t, "it said: " STRF, STRA(engine_trap_of(t)->message));
}

/* A host function that tells of the trap of a nested call makes a trap of its own, with nothing of the other. */
static void trap_after_trap(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    static const wasm_valtype param[] = {WASM_I32};
    struct engine_instance *i;
    struct engine_extern imports[] = {
        {EXTERN_FUNC,
         {engine_host_func(w.store, &(struct wasm_functype){0}, STR("ends"), ends, NULL)}},
        {EXTERN_FUNC,
         {engine_host_func(w.store, &(struct wasm_functype){.params = param, .param_count = 1},
                           STR("tries"), tries, &i)}}};
    i = instantiate(&w,
                    "(module (import \"\" \"ends\" (func $ends))"
                    " (import \"\" \"tries\" (func $tries (param i32))) (tag $e) (memory 1)"
                    " (func (export \"exit\") (call $ends))"
                    " (func (export \"throw\") (throw $e))"
                    " (func (export \"load\") (drop (i32.load (i32.const -1))))"
                    " (func (export \"f\") (param i32) (call $tries (local.get 0))))",
                    imports, 2, "main");
    static const char *const said[] = {"it said: exit", "it said: uncaught exception",
                                       "it said: out of bounds memory access"};
    for (u32 k = 0; k < LENGTH_OF(said); k++) {
        expect_trap(&w, i, "f", k, 0, said[k]);
        const struct engine_trap *trap = engine_trap_of(w.task);
        assert_false(trap->is_exit || trap->is_exception);
        assert_int_equal(trap->detail.len, 0);
        assert_int_equal(trap->frames.count, 2);
        expect_trap(&w, i, "f", 256 + k, 0, "exit");
        trap = engine_trap_of(w.task);
        assert_true(trap->is_exit && !trap->is_exception);
        assert_int_equal(trap->exit_code, 4);
        assert_int_equal(trap->frames.count + trap->detail.len, 0);
    }
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_interrupted),
        cmocka_unit_test(long_out_of_fuel),
        cmocka_unit_test(long_effects),
        cmocka_unit_test(standard_limits),
        cmocka_unit_test(host_is_full),
        cmocka_unit_test(host_has_no_space),
        cmocka_unit_test(garbage),
        cmocka_unit_test(interrupts_are_kept),
        cmocka_unit_test(collection_interrupted),
        cmocka_unit_test(collection_is_small),
        cmocka_unit_test(constants_collect),
        cmocka_unit_test(greedy_start),
        cmocka_unit_test(half_instantiated),
        cmocka_unit_test(unwinding),
        cmocka_unit_test(far_throw),
        cmocka_unit_test(kept_results),
        cmocka_unit_test(trap_after_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
