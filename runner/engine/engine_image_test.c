/* engine_image_test.c - instances of one module share the data of their start, and nothing else. */
#include "engine_test.h"

#include <sys/resource.h>

#define SEGMENT 200000

/* Two large segments that overlap, at odd addresses, and a small one within the first. */
static const char *module_text(struct world *w, const char *memory, const char *offset)
{
    struct buf b = buf_in(&w->arena);
    buf_printf(
        &b,
        "(module (global $k i32 (i32.const 1001)) (memory (export \"m\") %s)"
        " (func (export \"get\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
        " (func (export \"set\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
        " (func (export \"again\") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))"
        " (data $d (offset %s) \"",
        memory, offset);
    for (u32 i = 0; i < SEGMENT; i++)
        buf_byte(&b, 'x');
    buf_c(&b, "\") (data (i32.const 150000) \"");
    for (u32 i = 0; i < SEGMENT; i++)
        buf_byte(&b, 'y');
    buf_c(&b, "\") (data (i32.const 2000) \"ab\") (data (i32.const 0) \"\"))");
    buf_byte(&b, 0);
    return b.data;
}

static struct engine_instance *make(struct world *w, struct engine_module *em)
{
    struct engine_instance *i;
    assert_int_equal(engine_instantiate(w->store, em, NULL, 0, STR("i"), &i, &w->diags),
                     ENGINE_DONE);
    return i;
}

static void expect_start(struct world *w, struct engine_instance *i)
{
    static const struct {
        u32 at;
        char value;
    } expected[] = {{0, 0},        {1000, 0},   {1001, 'x'},   {1999, 'x'},   {2000, 'a'},
                    {2001, 'b'},   {2002, 'x'}, {149999, 'x'}, {150000, 'y'}, {201000, 'y'},
                    {349999, 'y'}, {350000, 0}, {360447, 0},   {524287, 0}};
    for (u32 k = 0; k < LENGTH_OF(expected); k++)
        assert_int_equal(call(w, i, "get", expected[k].at, 0), (u8)expected[k].value);
}

static void images(u32 *mappings)
{
    char line[512];
    *mappings = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof(line), f))
        *mappings += strstr(line, "memfd:witc-data") != NULL;
    if (f)
        fclose(f);
}

/* So many instances of the module that so many of them map their data. */
static void many(struct world *w, const char *memory, const char *offset, u32 expected)
{
    struct engine_module *em = load(w, module_text(w, memory, offset));
    struct engine_instance *made[4];
    u32 before, after;
    images(&before);
    for (u32 k = 0; k < LENGTH_OF(made); k++) {
        made[k] = make(w, em);
        expect_start(w, made[k]);
        expect_trap(w, made[k], "again", 0, 0, "out of bounds memory access");
        call(w, made[k], "set", 1500, 100 + k);
        call(w, made[k], "set", 1000, 110 + k);
    }
    images(&after);
#ifdef __linux__
    assert_int_equal(after - before, expected);
#else
    (void)expected;
#endif
    for (u32 k = 0; k < LENGTH_OF(made); k++) {
        assert_int_equal(call(w, made[k], "grow", 3, 0), 8);
        call(w, made[k], "set", 9 * 65536, 5);
        assert_int_equal(call(w, made[k], "get", 1500, 0), 100 + k);
        assert_int_equal(call(w, made[k], "get", 1000, 0), 110 + k);
        assert_int_equal(call(w, made[k], "get", 349999, 0), 'y');
        assert_int_equal(call(w, made[k], "get", 9 * 65536, 0), 5);
    }
}

static void shared(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    many(&w, "8", "(i32.const 1001)", 3); /* the first one is made by copying */
    many(&w, "8 20", "(i32.const 1001)", 3);
    world_free(&w);
}

static void copied(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL);
    many(&w, "8", "(global.get $k)", 0);
    many(&w, "8", "(i32.add (i32.const 1000) (i32.const 1))", 0);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    many(&w, "8", "(i32.const 1001)", 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    world_free(&w);
}

/* A memory beyond what was reserved for it moves, whatever it consists of. */
static void moved(void **state)
{
    (void)state;
#ifdef WITC_SANITIZED /* its shadow memory does not go with limits of the address space */
    skip();
#endif
    struct world w;
    world_init(&w, NULL);
    struct engine_module *em = load(&w, module_text(&w, "8", "(i32.const 1001)"));
    make(&w, em);
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld", &pages) != 1)
        skip();
    fclose(f);
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    now = before;
    now.rlim_cur = (rlim_t)pages * 4096 + ((rlim_t)16 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
    struct engine_instance *i = make(&w, em);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    call(&w, i, "set", 1500, 77);
    assert_int_equal(call(&w, i, "grow", 1000, 0), 8);
    assert_int_equal(call(&w, i, "get", 1500, 0), 77);
    call(&w, i, "set", 1500, 'x');
    expect_start(&w, i);
    call(&w, i, "set", 1007 * 65536, 5);
    assert_int_equal(call(&w, i, "get", 1007 * 65536, 0), 5);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared),
        cmocka_unit_test(copied),
        cmocka_unit_test(moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
