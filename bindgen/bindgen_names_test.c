/* bindgen_names_test.c - names of WIT in C. */
#include "gen.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static void check(str got, const char *expected)
{
    char *text = str_to_c(&arena, got);
    assert_string_equal(text, expected);
}

static void test_snake(void **state)
{
    static const char *const rows[][2] = {
        {"a", "a"},
        {"foo-bar", "foo_bar"},
        {"FOO-bar", "foo_bar"},
        {"[method]r.do-it", "method_r_do_it"},
        {"[static]a-b.c", "static_a_b_c"},
        {"[constructor]r", "constructor_r"},
        {"[method][get]r.p", "method_get_r_p"},
        {"[set]p", "set_p"},
        {"my_world", "my_world"},
        {"MyWorld", "my_world"},
        {"HTTPServer", "http_server"},
        {"x1-y2", "x1_y2"},
        {"--a--b-", "a_b"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        check(bindgen_snake(&arena, str_c(rows[i][0])), rows[i][1]);
}

static void test_shouty(void **state)
{
    (void)state;
    check(bindgen_shouty(&arena, STR("foo-bar")), "FOO_BAR");
    check(bindgen_shouty(&arena, STR("exports_my_dep_0_1_0_a")), "EXPORTS_MY_DEP_0_1_0_A");
    check(bindgen_shouty(&arena, STR("myWorld")), "MY_WORLD");
}

static void test_identifier(void **state)
{
    static const char *const rows[][2] = {
        {"name", "name"},
        {"int", "int_"},
        {"INT", "int_"},
        {"static-assert", "static_assert_"},
        {"thread-local", "thread_local_"},
        {"restrict", "restrict_"},
        {"errno", "errno_"},
        {"ret", "ret_"},
        {"result", "result"},
        {"alignas", "alignas_"}, /* the ends of the table */
        {"xor-eq", "xor_eq_"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        check(bindgen_identifier(&arena, str_c(rows[i][0])), rows[i][1]);
}

static void test_keywords_sorted(void **state)
{
    static const str words[] = {
#define KEYWORD(word) STR_INIT(#word),
#include "keywords.def"
#undef KEYWORD
    };
    (void)state;
    for (size_t i = 1; i < LENGTH_OF(words); i++)
        assert_true(str_cmp(words[i - 1], words[i]) < 0);
}

static void test_is_identifier(void **state)
{
    (void)state;
    assert_true(bindgen_is_identifier(STR("_a1")));
    assert_false(bindgen_is_identifier(STR("1a")));
    assert_false(bindgen_is_identifier(STR("a-b")));
    assert_false(bindgen_is_identifier(STR("")));
}

static void test_claim(void **state)
{
    struct sources sources = {.arena = &arena};
    struct diags diags;
    struct gen g = {.arena = &arena, .diags = &diags};
    (void)state;
    diags_init(&diags, &arena, &sources);
    check(bindgen_claim(&g, STR("a_b"), (span){0}, STR("x")), "a_b");
    check(bindgen_claim(&g, STR("a_b"), (span){0}, STR("x")), "a_b_2");
    check(bindgen_claim(&g, STR("a_b"), (span){0}, STR("x")), "a_b_3");
    check(bindgen_claim(&g, STR("a_t"), (span){0}, STR("")), "a_t");
    check(bindgen_claim(&g, STR("a_t"), (span){0}, STR("")), "a_2_t");
    assert_int_equal(diags.list.len, 2); /* a warning for each that is told of */
    assert_int_equal(diags.errors, 0);
    struct locals locals = {.g = &g};
    check(bindgen_local(&locals, STR("x")), "x");
    check(bindgen_local(&locals, STR("x")), "x0");
    check(bindgen_local(&locals, STR("a_b")), "a_b1"); /* hides nothing public */
}

static void test_put(void **state)
{
    struct buf b = buf_in(&arena);
    (void)state;
    PUT(&b, "$0-$1 $root $0$9.", STR("a"), STR("b"));
    check(buf_view(&b), "a-b $root a.");
}

static void test_docs(void **state)
{
    struct buf b = buf_in(&arena);
    (void)state;
    bindgen_docs(&b, STR("one\n\ntwo \\\n"), "  ");
    check(buf_view(&b), "  // one\n  //\n  // two \\.\n");
}

static void test_join(void **state)
{
    struct flats v = {1, {FLAT_I32}}, f = {0};
    const struct {
        enum flat_kind a, b, joined;
    } rows[] = {
        {FLAT_I32, FLAT_F32, FLAT_I32},           {FLAT_I32, FLAT_I64, FLAT_I64},
        {FLAT_F32, FLAT_F64, FLAT_I64},           {FLAT_LENGTH, FLAT_F32, FLAT_LENGTH},
        {FLAT_LENGTH, FLAT_F64, FLAT_I64},        {FLAT_POINTER, FLAT_LENGTH, FLAT_POINTER},
        {FLAT_POINTER, FLAT_I64, FLAT_POINTER64}, {FLAT_POINTER64, FLAT_F32, FLAT_POINTER64},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        v = (struct flats){2, {FLAT_I32, rows[i].a}};
        f = (struct flats){1, {rows[i].b}};
        bindgen_flats_join(&v, &f);
        assert_int_equal(v.count, 2);
        assert_int_equal(v.kinds[1], rows[i].joined);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snake),         cmocka_unit_test(test_shouty),
        cmocka_unit_test(test_identifier),    cmocka_unit_test(test_keywords_sorted),
        cmocka_unit_test(test_is_identifier), cmocka_unit_test(test_claim),
        cmocka_unit_test(test_put),           cmocka_unit_test(test_docs),
        cmocka_unit_test(test_join),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
