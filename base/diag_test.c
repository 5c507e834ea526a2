/* diag_test.c - what a diagnostic looks like, as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base.h"

struct fixture {
    struct arena arena;
    struct sources sources;
    struct diags diags;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){0};
    diags_init(&f->diags, &f->arena, &f->sources);
}

static void expect(struct fixture *f, enum diag_format format, const char *text)
{
    struct buf b = buf_in(&f->arena);
    diags_render(&f->diags, format, &b);
    buf_byte(&b, 0);
    assert_string_equal(b.data, text);
    arena_free(&f->arena);
}

static void carets_labels_and_notes(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    u32 s = sources_add(&f.sources, STR("a.wit"),
                        STR("interface i {\n  f: func(p: pt);\n\tx: y;\n}\n"), SOURCE_TEXT);
    struct diag *x =
        diag_error(&f.diags, "wit-unknown", (span){s, 27, 29}, "type `pt` is not defined");
    diag_say(&f.diags, x, "not found");
    diag_label(&f.diags, x, (span){s, 10, 11}, "in this interface");
    static const str names[] = {STR_INIT("point"), STR_INIT("p2")};
    diag_suggest(&f.diags, x, STR("pt"), names, 2);
    diag_warning(&f.diags, NULL, (span){0}, "nothing else");
    expect(&f, DIAG_TEXT,
           "error: type `pt` is not defined\n"
           "  --> a.wit:2:14\n"
           "   |\n"
           " 2 |   f: func(p: pt);\n"
           "   |              ^^ not found\n"
           " 1 | interface i {\n"
           "   |           - in this interface\n"
           "   = help: did you mean `p2`?\n"
           "warning: nothing else\n");
}

static void binary_places_are_offsets(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    u32 s = sources_add(&f.sources, STR("m.wasm"), STR("\0asm"), SOURCE_BINARY);
    diag_error(&f.diags, "wasm", (span){s, 26, 27}, "unexpected end");
    expect(&f, DIAG_TEXT, "error: unexpected end\n  --> m.wasm:0x1a\n");
}

static void hostile_text_is_not_passed_on(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    u32 s = sources_add(&f.sources, STR("a\033.wit"), STR("x \033[2J \xff y"), SOURCE_TEXT);
    diag_error(&f.diags, NULL, (span){s, 2, 3}, "bad");
    expect(&f, DIAG_TEXT,
           "error: bad\n  --> a\xef\xbf\xbd.wit:1:3\n   |\n 1 | x \xef\xbf\xbd[2J \xef\xbf\xbd y\n "
           "  |   ^\n");
    setup(&f);
    struct diag *d =
        diag_error(&f.diags, NULL, (span){0}, "no export `a\nerror: b` of\n  two lines\n");
    diag_note(&f.diags, d, "one\ntwo");
    expect(&f, DIAG_TEXT,
           "error: no export `a\n  error: b` of\n  two lines\n   = note: one\n  two\n");
}

static void json_has_the_same(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    u32 s = sources_add(&f.sources, STR("a.wit"), STR("one\ntwo\n"), SOURCE_TEXT);
    struct diag *x = diag_error(&f.diags, "wit-x", (span){s, 4, 7}, "say \"no\"");
    diag_help(&f.diags, x, "do");
    expect(&f, DIAG_JSON,
           "{\"severity\":\"error\",\"code\":\"wit-x\",\"message\":\"say "
           "\\\"no\\\"\",\"spans\":[{\"file\":"
           "\"a.wit\",\"start\":4,\"end\":7,\"line\":2,\"column\":1,\"primary\":true}],\"notes\":[{"
           "\"kind\":"
           "\"help\",\"text\":\"do\"}]}\n");
}

static void past_the_limit_errors_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    f.diags.limit = 1;
    diag_error(&f.diags, NULL, (span){0}, "first");
    diag_error(&f.diags, NULL, (span){0}, "second");
    diag_error(&f.diags, NULL, (span){0}, "third");
    assert_int_equal(f.diags.errors, 3);
    expect(&f, DIAG_TEXT, "error: first\n... and 2 more errors\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carets_labels_and_notes),
        cmocka_unit_test(binary_places_are_offsets),
        cmocka_unit_test(hostile_text_is_not_passed_on),
        cmocka_unit_test(json_has_the_same),
        cmocka_unit_test(past_the_limit_errors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
