#include "validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum validate_name_kind kind;
    } cases[] = {{"a", NAME_LABEL},
                 {"a-b-c", NAME_LABEL},
                 {"A1-2-3", NAME_LABEL},
                 {"m1x3d-4CR0NYMS", NAME_LABEL},
                 {"1-2", NAME_INVALID},
                 {"a--b", NAME_INVALID},
                 {"a-", NAME_INVALID},
                 {"aB", NAME_INVALID},
                 {"", NAME_INVALID},
                 {"[constructor]r", NAME_CONSTRUCTOR},
                 {"[method]r.m", NAME_METHOD},
                 {"[static]r.m", NAME_STATIC},
                 {"[method][get]r.p", NAME_METHOD},
                 {"[get]p", NAME_GET},
                 {"[method]r", NAME_INVALID},
                 {"[other]r", NAME_INVALID},
                 {"wasi:http/types@0.2.0", NAME_INTERFACE},
                 {"wasi:http/types", NAME_INTERFACE},
                 {"wasi:http", NAME_INVALID},
                 {"wasi:http/types@1", NAME_INTERFACE},
                 {"wasi:http/types@1.2", NAME_INVALID},
                 {"Wasi:http/types", NAME_INVALID},
                 {"url=<x>", NAME_INVALID}};
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        const char *reason;
        struct validate_name n = validate_parse_name(str_c(cases[i].name), features_all(), &reason);
        if (n.kind != cases[i].kind)
            fail_msg("%s: kind %d, expected %d", cases[i].name, n.kind, cases[i].kind);
        if (n.kind == NAME_INVALID)
            assert_non_null(reason);
    }
}

static void unique_keys(void **state)
{
    (void)state;
    struct arena a = {0};
    static const char *const clashes[][2] = {{"foo-bar", "foob-ar"},
                                             {"foo", "FOO"},
                                             {"foo", "[method]foo.foo"},
                                             {"foo", "[static][set]foo.FOO"},
                                             {"[constructor]foo", "[constructor]FOO"},
                                             {"[method]foo.bar", "[static]foo.BAR"},
                                             {"prop", "[get]prop"},
                                             {"foo:bar/baz", "foo:bar/BAZ"}};
    static const char *const distinct[][2] = {{"foo", "[constructor]foo"},
                                              {"foo", "[method]foo.bar"},
                                              {"[get]prop", "[set]prop"},
                                              {"a:b/c@1.0.0-a-b", "a:b/c@1.0.0-ab"}};
    for (size_t i = 0; i < LENGTH_OF(clashes); i++)
        assert_true(str_eq(validate_unique_key(&a, str_c(clashes[i][0])),
                           validate_unique_key(&a, str_c(clashes[i][1]))));
    for (size_t i = 0; i < LENGTH_OF(distinct); i++)
        assert_false(str_eq(validate_unique_key(&a, str_c(distinct[i][0])),
                            validate_unique_key(&a, str_c(distinct[i][1]))));
    arena_free(&a);
}

static void versions(void **state)
{
    (void)state;
    struct arena a = {0};
    struct validate_semver x, y;
    static const char *const ascending[] = {"0.0.1",      "0.2.0-alpha", "0.2.0-alpha.1",
                                            "0.2.0-beta", "0.2.0-rc.2",  "0.2.0-rc.10",
                                            "0.2.0",      "0.10.0",      "1.0.0"};
    for (size_t i = 0; i + 1 < LENGTH_OF(ascending); i++) {
        assert_true(validate_parse_semver(str_c(ascending[i]), &x));
        assert_true(validate_parse_semver(str_c(ascending[i + 1]), &y));
        assert_true(validate_semver_cmp(&x, &y) < 0);
    }
    assert_false(validate_parse_semver(STR("1.2"), &x));
    assert_false(validate_parse_semver(STR("1.02.3"), &x));
    assert_false(validate_parse_semver(STR("1.2.3-"), &x));
    assert_false(validate_parse_semver(STR("1.2.3-01"), &x));
    assert_true(str_eq_c(validate_semver_track(&a, STR("a:b/c@1.2.3")), "a:b/c@1"));
    assert_true(str_eq_c(validate_semver_track(&a, STR("a:b/c@0.2.3")), "a:b/c@0.2"));
    assert_true(str_eq_c(validate_semver_track(&a, STR("a:b/c@0.0.3")), "a:b/c@0.0.3"));
    assert_true(str_eq_c(validate_semver_track(&a, STR("a:b/c@0.2")), "a:b/c@0.2"));
    assert_int_equal(validate_semver_track(&a, STR("a:b/c@1.2.3-x")).len, 0);
    assert_int_equal(validate_semver_track(&a, STR("a:b/c")).len, 0);
    arena_free(&a);
}

static void core_types(void **state)
{
    (void)state;
    struct arena a = {0};
    struct validate_store *s = validate_store_new(&a);
    wasm_valtype i32s[] = {WASM_I32, WASM_I32};
    struct wasm_functype f = {i32s, i32s, 2, 1}, g = {i32s, i32s, 1, 1};
    u32 x = validate_store_functype(s, &f), y = validate_store_functype(s, &g);
    assert_int_not_equal(x, y);
    assert_int_equal(x, validate_store_functype(s, &f));
    assert_int_equal(validate_store_size(s), 2);
    assert_true(validate_valtype_matches(s, wasm_ref_concrete(x, false), WASM_FUNCREF));
    assert_false(
        validate_valtype_matches(s, wasm_ref_concrete(x, true), wasm_ref_concrete(x, false)));
    assert_false(
        validate_valtype_matches(s, wasm_ref_concrete(x, false), wasm_ref_concrete(y, false)));
    assert_true(validate_valtype_matches(s, wasm_ref_abstract(HEAP_NOFUNC, true),
                                         wasm_ref_concrete(y, true)));
    assert_false(validate_valtype_matches(s, WASM_EXTERNREF, WASM_FUNCREF));
    struct wasm_externtype have = {.kind = EXTERN_MEMORY,
                                   .memory = {.min = 2, .max = 4, .has_max = true}};
    struct wasm_externtype want = {.kind = EXTERN_MEMORY, .memory = {.min = 1}};
    assert_true(validate_import_matches(s, &have, &want));
    assert_false(validate_import_matches(s, &want, &have));
    arena_free(&a);
}

static validate_id list_of(struct validate_types *t, enum cm_def kind, validate_id element)
{
    struct validate_type d = validate_empty(kind);
    d.element = element;
    return validate_make(t, &d);
}

static void component_types(void **state)
{
    (void)state;
    struct arena a = {0};
    struct validate_types *t = validate_types_new(&a);
    validate_id u8s = list_of(t, DEF_LIST, validate_prim(t, PRIM_U8));
    validate_id string = validate_prim(t, PRIM_STRING);
    assert_int_equal(u8s, list_of(t, DEF_LIST, validate_prim(t, PRIM_U8)));
    assert_int_equal(validate_get(t, u8s)->elem32, 8);
    assert_int_equal(validate_get(t, u8s)->elem64, 16);
    struct validate_label labels[] = {{STR("a"), validate_prim(t, PRIM_U8)},
                                      {STR("b"), validate_prim(t, PRIM_F64)},
                                      {STR("c"), string}};
    struct validate_type record = validate_empty(DEF_RECORD);
    record.labels = labels;
    record.label_count = 3;
    const struct validate_type *r = validate_get(t, validate_make(t, &record));
    assert_int_equal(r->elem32, 24);
    assert_int_equal(r->align32, 8);
    assert_int_equal(r->flat_count, 4);
    struct validate_type variant = validate_empty(DEF_VARIANT);
    variant.labels = labels;
    variant.label_count = 3;
    const struct validate_type *v = validate_get(t, validate_make(t, &variant));
    assert_int_equal(v->elem32, 16);
    assert_int_equal(v->flat_count, 3);
    assert_int_equal(v->flat32[1], WASM_I64); /* u8, f64 and a pointer share it */

    struct validate_type f = validate_empty(DEF_FUNC), g = f;
    f.element = list_of(t, DEF_OPTION, string);
    g.element = list_of(t, DEF_OPTION, u8s);
    struct validate_item get = {{.name = STR("get")}, {SORT_FUNC, validate_make(t, &f)}};
    struct validate_item other = {{.name = STR("get")}, {SORT_FUNC, validate_make(t, &g)}};
    struct validate_type want = validate_empty(DEF_INSTANCE), have = want;
    want.exports = &get;
    have.exports = &other;
    want.export_count = have.export_count = 1;
    struct validate_entity sub = {SORT_INSTANCE, validate_make(t, &have)};
    struct validate_entity super = {SORT_INSTANCE, validate_make(t, &want)};
    struct validate_mismatch why;
    assert_true(validate_subtype(t, super, super, NULL, 0, &a, &why));
    assert_false(validate_subtype(t, sub, super, NULL, 0, &a, &why));
    assert_true(str_eq_c(validate_mismatch_text(&a, &why),
                         "function get: result: expected option<string>, found option<list<u8>>"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),      cmocka_unit_test(unique_keys),     cmocka_unit_test(versions),
        cmocka_unit_test(core_types), cmocka_unit_test(component_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
