/* names_test.c - the names of names.def, read and written. */
#include "names.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static struct compose_module_name module(const char *name)
{
    return compose_read_module(str_c(name));
}

static void test_modules(void **state)
{
    (void)state;
    struct compose_module_name m = module("$root");
    assert_true(m.root && !m.exported && !m.standard && !m.env);
    m = module("[export]$root");
    assert_true(m.root && m.exported);
    m = module("[export]a:b/c@0.2.0");
    assert_true(m.exported && !m.root && str_eq(m.key, STR("a:b/c@0.2.0")));
    m = module("env");
    assert_true(m.env);
    m = module("cm32p2");
    assert_true(m.standard && m.root && !m.exported);
    m = module("cm32p2|a:b/c@0.2");
    assert_true(m.standard && !m.root && str_eq(m.key, STR("a:b/c@0.2")));
    m = module("cm32p2|_ex_a:b/c");
    assert_true(m.standard && m.exported && str_eq(m.key, STR("a:b/c")));
    m = module("cm32p2x");
    assert_true(!m.standard && str_eq(m.key, STR("cm32p2x")));
}

/* Each row is found by its own text, in a place that fits, with a tail. */
static void test_rows(void **state)
{
    (void)state;
    static const char *const places[] = {
        [PLACE_ROOT] = "$root",
        [PLACE_EXPORT] = "[export]a:b/c",
        [PLACE_ANY] = "a:b/c",
        [PLACE_ENV] = "env",
    };
    static const char *const tails[] = {
        [TAIL_NONE] = "",        [TAIL_FUNC] = "[method]r.f", [TAIL_RESOURCE] = "r",
        [TAIL_PAYLOAD] = "12]f", [TAIL_SLOT] = "1]",          [TAIL_ENCODING] = "latin1+utf16]",
    };
    struct arena a = {0};
    for (u32 i = 0; i < IMPORT_COUNT; i++) {
        const struct compose_import_row *row = &compose_import_rows[i];
        struct compose_module_name m = module(places[row->place]);
        struct compose_field_name f;
        str name = str_printf(&a, STRF "%s", STRA(row->text), tails[row->tail]);
        assert_true(compose_read_field(&m, name, &f));
        assert_true(f.is_intrinsic && !f.async);
        assert_int_equal(f.id, i);
        if (row->tail == TAIL_PAYLOAD)
            assert_true(f.number == 12 && str_eq(f.name, STR("f")));
        if (row->tail == TAIL_ENCODING)
            assert_int_equal(f.encoding, ENCODING_LATIN1_UTF16);
        name = str_concat(&a, STR(NAME_ASYNC_LOWER), name);
        assert_int_equal(compose_read_field(&m, name, &f) && f.is_intrinsic, row->async);
    }
    arena_free(&a);
}

static void test_fields(void **state)
{
    (void)state;
    struct compose_module_name root = module("$root"), any = module("a:b/c");
    struct compose_module_name standard = module("cm32p2|a:b/c"), ex = module("cm32p2|_ex_a:b/c");
    struct compose_field_name f;
    assert_true(compose_read_field(&any, STR("[async-lower][method]r.f"), &f));
    assert_true(!f.is_intrinsic && f.async && str_eq(f.name, STR("[method]r.f")));
    assert_true(compose_read_field(&any, STR("[stream-read-unit]f"), &f));
    assert_true(f.unit && f.id == IMPORT_STREAM_READ);
    assert_true(compose_read_field(&root, STR("[context-get-i64-1]"), &f));
    assert_true(f.id == IMPORT_CONTEXT_GET64 && f.number == 1);
    static const char *const wrong[] = {
        "[stream-read-]f",  "[stream-read-1]", "[stream-read-01]f",        "[stream-read-x]f",
        "[context-get-0]x", "[context-get-",   "[error-context-new-utf9]", "[resource-drop]"};
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        assert_false(compose_read_field(&root, str_c(wrong[i]), &f));
    assert_true(compose_read_field(&standard, STR("r_drop"), &f));
    assert_true(f.id == IMPORT_RESOURCE_DROP && str_eq(f.name, STR("r")));
    assert_true(compose_read_field(&standard, STR("r_new"), &f) && !f.is_intrinsic);
    assert_true(compose_read_field(&ex, STR("r_new"), &f) && f.id == IMPORT_RESOURCE_NEW);
}

static void assert_text(str actual, const char *wanted)
{
    assert_true(str_eq_c(actual, wanted));
}

static void test_writing(void **state)
{
    (void)state;
    struct arena a = {0};
    str key = STR("a:b/c@0.2.3"), none = {0}, f = STR("f");
    assert_text(compose_export_name(&a, FUNC_EXPORT_LIFT, none, f), "f");
    assert_text(compose_export_name(&a, FUNC_EXPORT_CALLBACK, key, f),
                "[callback][async-lift]a:b/c@0.2.3#f");
    assert_text(compose_standard_export(&a, FUNC_EXPORT_LIFT, none, f), "cm32p2||f");
    assert_text(compose_standard_export(&a, FUNC_EXPORT_POST_RETURN, key, f),
                "cm32p2|a:b/c@0.2|f_post");
    assert_text(compose_dtor_name(&a, key, STR("r"), false), "a:b/c@0.2.3#[dtor]r");
    assert_text(compose_dtor_name(&a, key, STR("r"), true), "cm32p2|a:b/c@0.2|r_dtor");
    struct wasm_functype type = compose_signature(&a, "iI:i");
    assert_text(compose_show_type(&a, &type), "(i32 i64) -> (i32)");
    assert_true(compose_signature_is("iI:i", &type));
    assert_false(compose_signature_is("iI:", &type));
    assert_false(compose_signature_is("ii:i", &type));
    assert_false(compose_signature_is("i:i", &type));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
