/* print_test.c - literals and identifiers of the printer, one by one. Whole modules: testdata/wasm/. */
#include "print.h"

#include <setjmp.h>

#include <cmocka.h>

static struct wasm_print_options plain;

static void begin(struct printer *p, struct arena *a, struct buf *out)
{
    *a = (struct arena){0};
    *out = buf_in(a);
    *p = (struct printer){.out = out, .a = a, .options = &plain};
}

static void floats(void **state)
{
    (void)state;
    static const struct {
        bool single;
        u64 bits;
        const char *text;
    } rows[] = {
        {true, 0x00000000, "0x0p+0 (;=0;)"},
        {true, 0x80000000, "-0x0p+0 (;=-0;)"},
        {true, 0x3f800000, "0x1p+0 (;=1;)"},
        {true, 0x3dcccccd, "0x1.99999ap-4 (;=0.1;)"},
        {true, 0x7f800000, "inf (;=inf;)"},
        {true, 0xff800000, "-inf (;=-inf;)"},
        {true, 0x7fc00000, "nan (;=NaN;)"},
        {true, 0xffc00001, "-nan:0x400001 (;=NaN;)"},
        {true, 0x00000001, "0x1.p-149 (;=0.000000000000000000000000000000000000000000001;)"},
        {true, 0x7f7fffff, "0x1.fffffep+127 (;=340282350000000000000000000000000000000;)"},
        {false, 0x4000000000000000, "0x1p+1 (;=2;)"},
        {false, 0x3e70000000000000, "0x1p-24 (;=0.00000005960464477539063;)"},
        {false, 0x400921fb54442d18, "0x1.921fb54442d18p+1 (;=3.141592653589793;)"},
        {false, 0x7ff4000000000000, "nan:0x4000000000000 (;=NaN;)"},
        {false, 0x44b52d02c7e14af6, "0x1.52d02c7e14af6p+76 (;=100000000000000000000000;)"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct printer p;
        struct arena a;
        struct buf out;
        begin(&p, &a, &out);
        if (rows[i].single) {
            p_f32(&p, (u32)rows[i].bits);
        } else {
            p_f64(&p, rows[i].bits);
        }
        assert_string_equal(str_to_c(&a, buf_view(&out)), rows[i].text);
        arena_free(&a);
    }
}

static void strings(void **state)
{
    (void)state;
    struct printer p;
    struct arena a;
    struct buf out;
    begin(&p, &a, &out);
    p_string(&p, STR("a\"\\\n\xc3\xa9~\x7f"));
    p_data(&p, STR("a\"\\\n\xff"));
    assert_string_equal(str_to_c(&a, buf_view(&out)),
                        "\"a\\u{22}\\u{5c}\\u{a}\\u{e9}~\\u{7f}\"\"a\\22\\5c\\0a\\ff\"");
    arena_free(&a);
}

static void identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool taken;
        const char *use, *def;
    } rows[] = {
        {"f", false, "$f", "$f"},
        {"a.b-c", false, "$a.b-c", "$a.b-c"},
        {"a b", false, "$\"a b\"", "$\"a b\""},
        {"", false, "$\"#func7 \"", "$\"#func7 \" (@name \"\")"},
        {"#x", false, "$\"#func7 #x\"", "$\"#func7 #x\" (@name \"#x\")"},
        {"f", true, "$\"#func7 f\"", "$\"#func7 f\" (@name \"f\")"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct printer p;
        struct arena a;
        struct buf out;
        begin(&p, &a, &out);
        struct ident ident = wasm_pr_ident(str_c(rows[i].name), 7, "func", rows[i].taken);
        p_ident_use(&p, &ident);
        assert_string_equal(str_to_c(&a, buf_view(&out)), rows[i].use);
        out.len = 0;
        p_ident_def(&p, &ident);
        assert_string_equal(str_to_c(&a, buf_view(&out)), rows[i].def);
        arena_free(&a);
    }
}

/* Entries may stand in any order and more than once: the last one counts. */
static void name_maps(void **state)
{
    (void)state;
    struct arena a = {0};
    struct name_map map = {0};
    static const struct name_entry entries[] = {
        {0, 5, 0, STR_INIT("five")}, {0, 1, 0, STR_INIT("one")}, {0, 5, 0, STR_INIT("FIVE")},
        {0, 2, 0, STR_INIT("one")},  {1, 2, 1, STR_INIT("one")},
    };
    for (size_t i = 0; i < LENGTH_OF(entries); i++) {
        *vec_push(&a, &map.entries) = entries[i];
    }
    struct ident_table t = wasm_pr_idents(&a, &map, "func", true);
    assert_int_equal(t.len, 4);
    assert_true(str_eq_c(wasm_pr_find(&t, 0, 5)->name, "FIVE"));
    assert_int_equal(wasm_pr_find(&t, 0, 1)->kind, IDENT_PLAIN);
    assert_int_equal(wasm_pr_find(&t, 0, 2)->kind, IDENT_SYNTHETIC);
    assert_int_equal(wasm_pr_find(&t, 1, 2)->kind, IDENT_PLAIN);
    assert_null(wasm_pr_find(&t, 0, 0));
    assert_null(wasm_pr_find(&t, 2, 2));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats),
        cmocka_unit_test(strings),
        cmocka_unit_test(identifiers),
        cmocka_unit_test(name_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
