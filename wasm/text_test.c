/* text_test.c - tokens, literals and messages of the text parser, and scripts as data. Whole modules: testdata/wat/. */
#include "text.h"
#include "wast.h"

#include <setjmp.h>

#include <cmocka.h>

struct world {
    struct arena arena;
    struct sources sources;
    struct diags diags;
};

static u32 begin(struct world *w, const char *text)
{
    *w = (struct world){{0}};
    w->sources.arena = &w->arena;
    diags_init(&w->diags, &w->arena, &w->sources);
    return sources_add(&w->sources, STR("t.wat"), str_c(text), SOURCE_TEXT);
}

static struct text_parser parser(struct world *w, const char *text)
{
    struct text_parser p = {0};
    text_init(&p, &w->arena, begin(w, text), features_all(), &w->diags);
    return p;
}

/* ---- Tokens ------------------------------------------------------------------------------------------- */

static void tokens(void **state)
{
    (void)state;
    struct world w;
    struct text_parser p = parser(
        &w, "(a $b $\"c d\" 1 -x \"s\" (; ( (; ) ;) ;) ;; )\n x\"y\" [ (@no (x \")\")) ) end.x");
    static const struct {
        u8 kind;
        const char *text;
    } rows[] = {
        {TEXT_LPAREN, "("},     {TEXT_KEYWORD, "a"},       {TEXT_ID, "$b"},
        {TEXT_ID, "$\"c d\""},  {TEXT_NUMBER, "1"},        {TEXT_NUMBER, "-x"},
        {TEXT_STRING, "\"s\""}, {TEXT_RESERVED, "x\"y\""}, {TEXT_RESERVED, "["},
        {TEXT_RPAREN, ")"},     {TEXT_KEYWORD, "end.x"},   {TEXT_EOF, ""},
        {TEXT_EOF, ""},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        assert_int_equal(p.tok.kind, rows[i].kind);
        assert_true(str_eq_c(text_of(&p, p.tok), rows[i].text));
        text_advance(&p);
    }
    arena_free(&w.arena);
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
        size_t length;
    } rows[] = {
        {"\"\"", "", 0},
        {"\"ab\"", "ab", 2},
        {"\"\\t\\n\\r\\\"\\'\\\\\"", "\t\n\r\"'\\", 6},
        {"\"\\00\\fF\"", "\0\xff", 2},
        {"\"\\u{41}\\u{1_F600}\"", "A\xf0\x9f\x98\x80", 5},
        {"\"\xc3\xa4\"", "\xc3\xa4", 2},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        struct text_parser p = parser(&w, rows[i].text);
        str s = text_string(&p);
        assert_false(p.failed);
        assert_int_equal(s.len, rows[i].length);
        assert_true(str_eq(s, str_of(rows[i].bytes, rows[i].length)));
        arena_free(&w.arena);
    }
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned bits;
        u64 value;
        bool fine;
    } rows[] = {
        {"0", 32, 0, true},
        {"-1", 32, 0xffffffff, true},
        {"4294967295", 32, 0xffffffff, true},
        {"4294967296", 32, 0, false},
        {"-2147483648", 32, 0x80000000, true},
        {"-2147483649", 32, 0, false},
        {"0x1_0", 32, 16, true},
        {"0x_1", 32, 0, false},
        {"1_", 32, 0, false},
        {"1__0", 32, 0, false},
        {"+7", 8, 7, true},
        {"-129", 8, 0, false},
        {"255", 8, 255, true},
        {"0xffffffffffffffff", 64, UINT64_MAX, true},
        {"-9223372036854775808", 64, (u64)1 << 63, true},
        {"18446744073709551616", 64, 0, false},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        struct text_parser p = parser(&w, rows[i].text);
        u64 value = text_integer(&p, rows[i].bits);
        assert_int_equal(!p.failed, rows[i].fine);
        if (rows[i].fine)
            assert_true(value == rows[i].value);
        arena_free(&w.arena);
    }
}

static void floats(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool single;
        u64 bits;
        bool fine;
    } rows[] = {
        {"0", true, 0, true},
        {"-0.0", true, 0x80000000, true},
        {"1.5", true, 0x3fc00000, true},
        {"1.", true, 0x3f800000, true},
        {"1.e2", true, 0x42c80000, true},
        {"0x1.8p1", true, 0x40400000, true},
        {"0x1p-149", true, 1, true},
        {"0x1.fffffefffffffffffp127", true, 0x7f7fffff, true},
        {"0x1.ffffffp127", true, 0, false},
        {"3.4028236e38", true, 0, false},
        {"inf", true, 0x7f800000, true},
        {"-nan", true, 0xffc00000, true},
        {"nan:0x1", true, 0x7f800001, true},
        {"nan:0x0", true, 0, false},
        {"nan:0x800000", true, 0, false},
        {"1_000.5", false, 0x408f440000000000, true},
        {"1._5", false, 0, false},
        {".5", false, 0, false},
        {"1e", false, 0, false},
        {"0x1.0e5", false, 0x3ff0e50000000000, true},
        {"1e-400", false, 0, true},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        struct text_parser p = parser(&w, rows[i].text);
        u64 bits = rows[i].single ? text_f32(&p) : text_f64(&p);
        assert_int_equal(!p.failed, rows[i].fine);
        if (rows[i].fine)
            assert_true(bits == rows[i].bits);
        arena_free(&w.arena);
    }
}

/* ---- Messages ---------------------------------------------------------------------------------------------- */

static void messages(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 line, column;
        const char *message;
    } rows[] = {
        {"(module", 1, 8, "unexpected end of the text, expected `)`"},
        {"(modul)", 1, 2, "unexpected token `modul`, expected a field of a module"},
        {"(module (func\n  i32.ad))", 2, 3, "unknown operator `i32.ad`"},
        {"(module (func br $x))", 1, 18, "unknown label `$x`"},
        {"(module (func $f call $g))", 1, 23, "unknown func `$g`"},
        {"(module (func (local $a i32) (local $a i32)))", 1, 37, "duplicate local identifier `$a`"},
        {"(module (func $f) (func $f))", 1, 25, "duplicate func identifier `$f`"},
        {"(module (func i32.const 4294967296))", 1, 25, "i32 constant out of range"},
        {"(module (memory 1) (func i32.const 0 i32.load align=3 drop))", 1, 47,
         "alignment must be a power of two"},
        {"(module (func block $a end $b))", 1, 28, "mismatching label `$b`"},
        {"(module (func) (import \"a\" \"b\" (func)))", 1, 17, "import after func"},
        {"(module (type (func)) (func (type 0) (param i32)))", 1, 35,
         "inline function type does not match the type it refers to"},
        {"(module (func \"", 1, 15, "unclosed string"},
        {"(module (; (;)", 1, 9, "unclosed comment"},
        {"(module (data \"\\u{d800}\"))", 1, 16,
         "invalid escape: `\\u{...}` takes the hexadecimal number of a Unicode scalar value"},
        {"(module (start 0) (start 0))", 1, 20, "multiple start sections"},
        {"(component (instance (instantiate $c)))", 1, 35, "unknown component `$c`"},
        {"(component (core func (canon stream.nwe 0)))", 1, 30,
         "unknown canonical definition `stream.nwe`"},
        {"(component (type $t u8) (type $t u8))", 1, 31, "duplicate type identifier `$t`"},
    };
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        str bytes;
        u32 source = begin(&w, rows[i].text), line, column;
        assert_false(wasm_parse_text(&w.arena, source, features_all(), &bytes, &w.diags));
        assert_int_equal(w.diags.errors, 1);
        const struct diag *x = w.diags.list.data[0];
        source_locate(&w.sources, x->at.source, x->at.start, &line, &column);
        assert_string_equal(str_to_c(&w.arena, x->message), rows[i].message);
        assert_int_equal(line, rows[i].line);
        assert_int_equal(column, rows[i].column);
        arena_free(&w.arena);
    }
}

/* ---- Nesting and memory ------------------------------------------------------------------------------------- */

static void repeat(struct buf *b, const char *text, u32 times)
{
    for (u32 i = 0; i < times; i++)
        buf_c(b, text);
}

static bool assembles(const char *before, const char *open, const char *inner, const char *close,
                      const char *after, u32 times)
{
    struct world w;
    struct arena a = {0};
    struct buf text = buf_in(&a);
    buf_c(&text, before);
    repeat(&text, open, times);
    buf_c(&text, inner);
    repeat(&text, close, times);
    buf_c(&text, after);
    buf_byte(&text, 0);
    str bytes;
    u32 source = begin(&w, text.data);
    bool fine = wasm_parse_text(&w.arena, source, features_all(), &bytes, &w.diags);
    assert_int_equal(w.diags.errors, !fine);
    arena_free(&w.arena);
    arena_free(&a);
    return fine;
}

static void nesting(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    assert_true(
        assembles("(module (func (result i32) ", "(i32.eqz ", "(i32.const 1)", ")", "))", DEEP));
    assert_true(assembles("(module (func ", "block $a ", "br $a ", "end $a ", "))", DEEP));
    assert_true(assembles("(module (func ", "(if (i32.const 1) (then ", "", "))", "))", DEEP));
    assert_true(assembles("(module ", "(; ", "", " ;)", ")", DEEP));
    assert_true(assembles("(module (@x ", "(@y ", "", ")", "))", DEEP));
    assert_false(assembles("", "(", "", "", "", DEEP));
    assert_false(assembles("(component ", "(component ", "", ")", ")", DEEP));
    assert_false(assembles("(component (type ", "(list ", "u8", ")", "))", DEEP));
    assert_false(assembles("(component (type ", "(component (type ", "", "))", "))", DEEP));
}

struct attempt {
    struct world w;
    const char *text;
    bool fine;
};

static void attempt(void *ctx)
{
    struct attempt *x = ctx;
    str bytes;
    u32 source = begin(&x->w, x->text);
    x->fine = wasm_parse_text(&x->w.arena, source, features_all(), &bytes, &x->w.diags);
}

/* Whichever allocation fails, nothing is lost. */
static void exhaustion(void **state)
{
    (void)state;
    struct attempt x = {.text =
                            "(component (core module $m (func $f (export \"f\") (param $p i32)\n"
                            "  (block $b (br_table $b 0 (local.get $p)))) (data \"x\\00\"))\n"
                            " (core instance $i (instantiate $m))\n"
                            " (func (export \"g\") (param \"a\" u32)"
                            " (canon lift (core func $i \"f\"))))"};
    bool finished = false;
    for (u64 n = 1; !finished; n++) {
        mem_fail_after(n);
        finished = oom_guard(attempt, &x);
        mem_fail_after(0);
        arena_free(&x.w.arena);
        assert_true(n < 10000);
    }
    assert_true(x.fine);
}

/* ---- Scripts ---------------------------------------------------------------------------------------------------- */

static void scripts(void **state)
{
    (void)state;
    struct world w;
    struct wast_script s;
    u32 source =
        begin(&w, "(module $m (func (export \"f\")))\n"
                  "(assert_return (invoke $m \"f\" (i32.const -1) (ref.null func))"
                  " (f32.const nan:canonical) (either (i64.const 1) (ref.extern 7)))\n"
                  "(assert_malformed (module quote \"(func\") \"unexpected\")\n"
                  "(component definition $C (core module (func)))\n"
                  "(component instance $I $C)\n"
                  "(register \"r\" $I)\n"
                  "(assert_return (invoke \"g\" (record.const (field \"a\" str.const \"x\")"
                  " (field \"b\" (list.const (u8.const 1) (u8.const 2)))))"
                  " (variant.const \"c\" (tuple.const (bool.const true))))\n"
                  "(assert_trap (invoke \"g\" (map.const (entry (char.const \"x\") (s8.const "
                  "-1)))) \"t\")\n");
    assert_true(wast_parse(&w.arena, source, features_all(), &s, &w.diags));
    assert_int_equal(s.directives.len, 8);
    const struct wast_directive *x = s.directives.data;
    assert_int_equal(x[0].kind, WAST_MODULE);
    assert_true(wasm_is_binary(x[0].module->bytes));
    assert_true(str_eq_c(x[0].module->id, "m"));
    assert_int_equal(x[1].action.arg_count, 2);
    assert_int_equal((i64)x[1].action.args[0].bits[0], 0xffffffff);
    assert_int_equal(x[1].action.args[1].kind, WAST_REF_NULL);
    assert_int_equal(x[1].result_count, 2);
    assert_int_equal(x[1].results[0].nan[0], WAST_NAN_CANONICAL);
    assert_int_equal(x[1].results[1].kind, WAST_EITHER);
    assert_int_equal(x[1].results[1].items[1].bits[0], 7);
    assert_true(x[2].module->malformed);
    assert_int_equal(x[2].module->why->errors, 1);
    assert_int_equal(x[3].module->form, WAST_DEFINITION);
    assert_true(wasm_is_component(x[3].module->bytes));
    assert_int_equal(x[4].module->form, WAST_INSTANCE);
    assert_true(str_eq_c(x[4].module->definition, "C"));
    assert_int_equal(x[5].kind, WAST_REGISTER);
    const struct wast_value *record = &x[6].action.args[0];
    assert_int_equal(record->count, 2);
    assert_true(str_eq_c(record->items[0].text, "x"));
    assert_int_equal(record->items[1].items[1].bits[0], 2);
    assert_true(x[6].results[0].has_payload);
    assert_int_equal(x[7].action.args[0].count, 2);
    arena_free(&w.arena);

    source = begin(&w, "(module)\n(asert_return (invoke \"f\"))");
    assert_false(wast_parse(&w.arena, source, features_all(), &s, &w.diags));
    arena_free(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),     cmocka_unit_test(strings),  cmocka_unit_test(integers),
        cmocka_unit_test(floats),     cmocka_unit_test(messages), cmocka_unit_test(nesting),
        cmocka_unit_test(exhaustion), cmocka_unit_test(scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
