/* WAVE: what is read, how it is printed again, what is refused. */
#include "wave.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct value_case {
    const char *type, *text;
    const char *printed; /* NULL: refused */
};

static const struct value_case cases[] = {
    {"bool", "true", "true"},
    {"bool", "%true", NULL},
    {"bool", "1", NULL},
    {"u8", "255", "255"},
    {"u8", "256", NULL},
    {"u8", "-0", NULL},
    {"u8", "01", NULL},
    {"u8", "1.0", NULL},
    {"s8", "-128", "-128"},
    {"s8", "128", NULL},
    {"s64", "-9223372036854775808", "-9223372036854775808"},
    {"u64", "18446744073709551615", "18446744073709551615"},
    {"u64", "18446744073709551616", NULL},
    {"f32", "0.1", "0.1"},
    {"f32", "3.4028234664e39", "inf"},
    {"f32", "1e-45", "0.000000000000000000000000000000000000000000001"},
    {"f64", "1e21", "1000000000000000000000"},
    {"f64", "-0.0", "-0"},
    {"f64", "-inf", "-inf"},
    {"f64", "nan", "nan"},
    {"f64", "-nan", NULL},
    {"f64", "Infinity", NULL},
    {"char", "'x'", "'x'"},
    {"char", "'\\u{1f40c}'", "'\xf0\x9f\x90\x8c'"},
    {"char", "'\\u{d800}'", NULL},
    {"char", "'ab'", NULL},
    {"char", "''", NULL},
    {"string", "\"a\\tb\\u{0}\"", "\"a\\tb\\u{0}\""},
    /* What joins the quote, or shows nothing: as wasm-wave has it. */
    {"char", "'\\u{301}'", "'\\u{301}'"},
    {"char", "'\\u{ad}'", "'\\u{ad}'"},
    {"char", "'\\u{a0}'", "'\\u{a0}'"},
    {"char", "'\\u{e000}'", "'\\u{e000}'"},
    {"char", "'\\u{ffff}'", "'\\u{ffff}'"},
    {"char", "'\\u{e0001}'", "'\\u{e0001}'"},
    {"char", "'\\u{10ffff}'", "'\\u{10ffff}'"},
    {"char", "'\\u{fffd}'", "'\xef\xbf\xbd'"},
    {"string", "\"e\\u{301} \\u{2062}\\u{200b}\\u{e9}\"",
     "\"e\\u{301} \\u{2062}\\u{200b}\xc3\xa9\""},
    {"string", "\"open", NULL},
    {"string", "\"\\z\"", NULL},
    {"string", "\"\"\"\n    two\n  lines\n  \"\"\"", "\"  two\\nlines\""},
    {"string", "\"\"\"\n\"\"\"", "\"\""},
    {"string", "\"\"\"\nless\n  \"\"\"", NULL},
    {"list<u8>", "[1, 2, 3,]", "[1, 2, 3]"},
    {"list<u8>", "[]", "[]"},
    {"list<u8>", "[1,,]", NULL},
    {"list<u8>", "[1", NULL},
    {"list<u8, 2>", "[1, 2]", "[1, 2]"},
    {"list<u8, 2>", "[1]", NULL},
    {"tuple<u8, string>", "(1, \"a\")", "(1, \"a\")"},
    {"tuple<u8, string>", "(1)", NULL},
    {"record{a: u8, b: option<u8>}", "{a: 1}", "{a: 1}"},
    {"record{a: u8, b: option<u8>}", "{b: 2, a: 1}", "{a: 1, b: some(2)}"},
    {"record{a: u8, b: option<u8>}", "{b: 2}", NULL},
    {"record{a: u8, b: option<u8>}", "{a: 1, a: 2}", NULL},
    {"record{a: option<u8>}", "{:}", "{:}"},
    {"record{a: option<u8>}", "{}", NULL},
    {"flags{r, w}", "{w, r}", "{r, w}"},
    {"flags{r, w}", "{}", "{}"},
    {"flags{r, w}", "{x}", NULL},
    {"flags{r, w}", "{r, r}", NULL},
    {"variant{none, days(u8)}", "days(30)", "days(30)"},
    {"variant{none, days(u8)}", "%none", "%none"},
    {"variant{none, days(u8)}", "none", NULL},
    {"variant{none, days(u8)}", "days", NULL},
    {"enum{north, south}", "south", "south"},
    {"enum{north, south}", "west", NULL},
    {"option<u8>", "3", "some(3)"},
    {"option<u8>", "none", "none"},
    {"option<option<u8>>", "3", NULL},
    {"option<option<u8>>", "some(none)", "some(none)"},
    {"result<u8, string>", "7", "ok(7)"},
    {"result<u8, string>", "err(\"no\")", "err(\"no\")"},
    {"result", "ok", "ok"},
    {"result", "ok()", NULL},
    {"result<_, u8>", "err", NULL},
    {"map<string, u32>", "{\"a\": 1, \"b\": 2, \"a\": 3}", "{\"a\": 3, \"b\": 2}"},
    {"map<string, u32>", "{}", "{}"},
    {"map<string, u32>", "{:}", "{}"},
    {"map<string, u32>", "{a: 1}", NULL},
    {"u8", "1 // and a comment", "1"},
    {"u8", "1 2", NULL},
    {"stream<u8>", "[1]", NULL},
};

struct fixture {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct canon_linker *linker;
    struct canon_linker_instance *instance;
};

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){0};
    diags_init(&f->diags, &f->arena, &f->sources);
    f->linker = canon_linker_new();
    f->instance = canon_linker_root(f->linker);
}

static void fixture_close(struct fixture *f)
{
    canon_linker_free(f->linker);
    arena_free(&f->arena);
}

static u32 text_source(struct fixture *f, const char *text)
{
    return sources_add(&f->sources, STR("<test>"), str_c(text), SOURCE_TEXT);
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct fixture f;
        struct canon_value v;
        fixture_open(&f);
        const struct canon_type *type = canon_linker_parse_type(f.instance, cases[i].type);
        assert_non_null(type);
        bool fine = wave_read_value(&f.arena, &f.diags, text_source(&f, cases[i].text), type, &v);
        if (fine != (cases[i].printed != NULL) || fine == (f.diags.errors != 0)) {
            fail_msg("%s of `%s`", cases[i].text, cases[i].type);
        }
        if (fine) {
            struct buf b = buf_in(&f.arena);
            wave_print(&b, &v, type);
            assert_string_equal(str_to_c(&f.arena, buf_view(&b)), cases[i].printed);
        }
        fixture_close(&f);
    }
}

static const struct {
    const char *text, *name;
} calls[] = {
    {"f()", "f"},
    {" ui.f (1)", "ui.f"},
    {"a:b/ui@0.3.0-rc.1#f()", "a:b/ui@0.3.0-rc.1#f"},
    {"a:b/ui.[method]r.f()", "a:b/ui.[method]r.f"},
};

static void test_call_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(calls); i++) {
        struct fixture f;
        struct wave_call call;
        fixture_open(&f);
        assert_true(wave_read_call(&f.diags, text_source(&f, calls[i].text), &call));
        assert_string_equal(str_to_c(&f.arena, call.text), calls[i].name);
        fixture_close(&f);
    }
}

static bool read_args(struct fixture *f, const char *text, u32 *count)
{
    const struct canon_param params[] = {
        {STR("a"), canon_linker_parse_type(f->instance, "u8")},
        {STR("b"), canon_linker_parse_type(f->instance, "option<u8>")},
    };
    const struct canon_functype type = {.params = params, .param_count = 2};
    struct wave_call call;
    struct canon_value *args;
    u32 source = text_source(f, text);
    *count = type.param_count;
    return wave_read_call(&f->diags, source, &call) &&
           wave_read_args(&f->arena, &f->diags, source, &call, &type, NULL, &args) &&
           args[0].u == 1 && args[1].kind == CANON_T_OPTION;
}

static void test_arguments(void **state)
{
    static const struct {
        const char *text;
        bool fine;
    } rows[] = {{"f(1)", true},        {"f(1, none)", true},
                {"f(1, 2,)", true},    {"f()", false},
                {"f(1, 2, 3)", false}, {"f(1", false},
                {"f(1) x", false},     {"f(,)", false},
                {"f(-nan)", false},    {"f(\"\"\" \"\"\")", false}};
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct fixture f;
        u32 count;
        fixture_open(&f);
        if (read_args(&f, rows[i].text, &count) != rows[i].fine) {
            fail_msg("%s", rows[i].text);
        }
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_call_names),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
