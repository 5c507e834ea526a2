/* wit_parser_test.c - versions, names, several errors at once, round trips, memory that runs out. */
#include "snapshot.h"
#include "wit_test.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* ---- Versions and names -------------------------------------------------------------------------------- */

static void versions(void **state)
{
    (void)state;
    static const char *const sorted[] = {"0.0.1",       "0.1.0-a",   "0.1.0-a.1", "0.1.0-a.b",
                                         "0.1.0-a.b.c", "0.1.0",     "1.2.3",     "1.10.0",
                                         "10.0.0-1",    "10.0.0-10", "10.0.0-a"};
    struct wit_version a, b;
    for (u32 i = 0; i + 1 < LENGTH_OF(sorted); i++) {
        assert_true(wit_version_parse(str_c(sorted[i]), &a));
        assert_true(wit_version_parse(str_c(sorted[i + 1]), &b));
        assert_true(wit_version_compare(&a, &b) < 0);
        assert_true(wit_version_compare(&b, &a) > 0);
        assert_int_equal(wit_version_compare(&a, &a), 0);
    }
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2",
                                      "1.2.3.4",
                                      "01.2.3",
                                      "1.2.03",
                                      "1.2.3-",
                                      "1.2.3+",
                                      "1.2.3-a..b",
                                      "1.2.3-01",
                                      "1.2.3-a_b",
                                      "a.b.c",
                                      "1.2.99999999999999999999"};
    for (u32 i = 0; i < LENGTH_OF(bad); i++) {
        assert_false(wit_version_parse(str_c(bad[i]), &a));
    }
}

static void tracks(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"1.2.3", "1"},         {"0.2.12", "0.2"},
                                           {"0.0.7", "0.0.7"},     {"0.3.0-rc-1", "0.3.0-rc-1"},
                                           {"0.2.1+build", "0.2"}, {"1.0.0-a+b", "1.0.0-a"}};
    struct arena arena = {0};
    for (u32 i = 0; i < LENGTH_OF(pairs); i++) {
        struct wit_version v;
        assert_true(wit_version_parse(str_c(pairs[i][0]), &v));
        assert_true(str_eq_c(wit_version_track(&arena, &v), pairs[i][1]));
    }
    arena_free(&arena);
}

static void canonical_ids(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"a:b/c@1.2.3", "a:b/c@1"},
                                           {"a:b/c@0.2.1+x", "a:b/c@0.2"},
                                           {"a:b/c@0.0.3", "a:b/c@0.0.3"},
                                           {"a:b/c@1.0.0-rc", "a:b/c@1.0.0-rc"},
                                           {"a:b/c", "a:b/c"},
                                           {"plain", "plain"}};
    struct arena arena = {0};
    for (u32 i = 0; i < LENGTH_OF(pairs); i++) {
        assert_true(str_eq_c(wit_canonical_id(&arena, str_c(pairs[i][0])), pairs[i][1]));
    }
    arena_free(&arena);
}

static void labels(void **state)
{
    (void)state;
    static const char *const good[] = {"a",  "a-b", "A",       "XML", "parse-XML-document",
                                       "a1", "a-1", "get-URL2"};
    static const char *const bad[] = {"",   "-",  "a-", "-a",  "a--b",
                                      "aB", "Ab", "1a", "a_b", "\xc3\xa9"};
    for (u32 i = 0; i < LENGTH_OF(good); i++) {
        assert_null(wit_check_label(str_c(good[i])));
    }
    for (u32 i = 0; i < LENGTH_OF(bad); i++) {
        assert_non_null(wit_check_label(str_c(bad[i])));
    }
}

static void canonical_names(void **state)
{
    (void)state;
    static const char *const same[][2] = {{"a1", "a-1"},
                                          {"foo-bar", "FOOB-ar"},
                                          {"[method]foo.foo", "foo"},
                                          {"[method]r.f", "[static]r.f"},
                                          {"[get]p", "p"}};
    static const char *const other[][2] = {
        {"[constructor]r", "r"}, {"[set]p", "[get]p"}, {"[method]r.f", "r"}};
    struct arena a = {0};
    for (u32 i = 0; i < LENGTH_OF(same); i++) {
        assert_true(str_eq(wit_canonical_name(&a, str_c(same[i][0])),
                           wit_canonical_name(&a, str_c(same[i][1]))));
    }
    for (u32 i = 0; i < LENGTH_OF(other); i++) {
        assert_false(str_eq(wit_canonical_name(&a, str_c(other[i][0])),
                            wit_canonical_name(&a, str_c(other[i][1]))));
    }
    arena_free(&a);
}

/* ---- Many of everything ------------------------------------------------------------------------------------ */

/* `count` copies of a format that takes its number once. */
static void repeat(struct buf *b, u32 count, const char *format)
{
    for (u32 i = 0; i < count; i++) {
        str rest = str_c(format), before;
        while (rest.ptr) {
            rest = str_cut(rest, '#', &before);
            buf_str(b, before);
            if (rest.ptr) {
                buf_printf(b, "%u", i);
            }
        }
    }
}

/* Memory grows with the text, not with its square. */
static void many_names(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    static const struct {
        const char *head, *each, *middle, *other, *tail;
        bool fine;
    } texts[] = {
        {"package a:b;", "interface i# {} world w# { import i#; }\n", "world all {",
         "include w#;\n", "}", true},
        {"package a:b; package c:d { interface t {", "type t# = u32;\n",
         "} } interface u { use c:d/t.{", "x#,\n", "y}; }", false},
        {"package a:b; package c:d {", "interface i# {}\n", "} world u {", "import c:d/x#;\n", "}",
         false},
        {"package a:b;", "package c:d# {}\n", "world u {", "import c:x#/y;\n", "}", false},
    };
    for (u32 i = 0; i < LENGTH_OF(texts); i++) {
        struct world w;
        start(&w);
        struct buf b = buf_in(&w.arena);
        u32 package;
        buf_c(&b, texts[i].head);
        repeat(&b, MANY, texts[i].each);
        buf_c(&b, texts[i].middle);
        repeat(&b, MANY, texts[i].other);
        buf_c(&b, texts[i].tail);
        buf_byte(&b, 0);
        u64 before = w.arena.used;
        assert_int_equal(push(&w, b.data, &package), texts[i].fine);
        assert_true(w.arena.used - before < 16 << 20);
        arena_free(&w.arena);
    }
}

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

static void expect_errors(const char *text, const char *const *codes, const u32 *lines, u32 n)
{
    struct world w;
    u32 package;
    start(&w);
    assert_false(push(&w, text, &package));
    for (u32 i = 0; i < n; i++) {
        bool found = false;
        for (u32 k = 0; k < w.diags.list.len; k++) {
            u32 line, column;
            const struct diag *x = w.diags.list.data[k];
            source_locate(&w.sources, x->at.source, x->at.start, &line, &column);
            found |= strcmp(x->code, codes[i]) == 0 && line == lines[i];
        }
        if (!found) {
            fail_msg("no %s in line %u", codes[i], lines[i]);
        }
    }
    assert_int_equal(w.diags.errors, n);
    arena_free(&w.arena);
}

static void several_errors(void **state)
{
    (void)state;
    static const char *const codes[] = {"wit-syntax", "wit-unknown-name", "wit-duplicate"};
    static const u32 lines[] = {3, 4, 6};
    expect_errors("package a:b;\n"
                  "interface i {\n"
                  "  f: func() -> list<u8;\n"
                  "  g: func(x: missing);\n"
                  "  type t = u32;\n"
                  "  type t = u64;\n"
                  "}\n",
                  codes, lines, 3);
}

static void errors_that_follow_are_not_told(void **state)
{
    (void)state;
    static const char *const codes[] = {"wit-syntax"};
    static const u32 lines[] = {3};
    expect_errors("package a:b;\n"
                  "interface i {\n"
                  "  record r { a: u32 b: u32 }\n"
                  "  f: func(x: r) -> option<r>;\n"
                  "}\n"
                  "interface k { use i.{r}; }\n",
                  codes, lines, 1);
}

static void an_open_block_is_closed(void **state)
{
    (void)state;
    static const char *const codes[] = {"wit-syntax", "wit-unknown-name"};
    static const u32 lines[] = {4, 3};
    expect_errors("package a:b;\ninterface i {\n  f: func(x: missing);\n", codes, lines, 2);
}

static void two_cycles(void **state)
{
    (void)state;
    static const char *const codes[] = {"wit-cycle", "wit-cycle"};
    static const u32 lines[] = {3, 5};
    expect_errors("package a:b;\n"
                  "interface i {\n"
                  "  type a = b;\n"
                  "  type b = a;\n"
                  "  record c { x: option<c> }\n"
                  "  f: func(x: a) -> c;\n"
                  "}\n",
                  codes, lines, 2);
}

static void hostile_texts(void **state)
{
    (void)state;
    static const struct {
        const char *head, *repeated, *tail;
    } texts[] = {
        {"package a:b; interface i { type t = ", "list<", ""},
        {"package a:b;", " package c:d {", ""},
        {"package a:b; interface i {", " f: func(", ""},
        {"", "/*", ""},
        {"", "{", ""},
        {"", "}", ""},
        {"package a:b; interface i { record r { ", "a: u32, ", "} }"},
        {"", "\"", ""},
        {"package a:b; interface i {", " @since(version = 1.0.0)", ""},
        {"", "%", ""},
        {"package a:b; interface i { @external-id(\"", "long ", ""},
        {"package a:b; interface i { f: func(", "/**/", "u8) }"},
    };
    for (u32 i = 0; i < LENGTH_OF(texts); i++) {
        struct world w;
        u32 package;
        start(&w);
        struct buf b = buf_in(&w.arena);
        buf_c(&b, texts[i].head);
        u32 count = i < 4 || i >= LENGTH_OF(texts) - 2 ? 70000 : 300;
        for (u32 k = 0; k < count; k++) {
            buf_c(&b, texts[i].repeated);
        }
        buf_c(&b, texts[i].tail);
        buf_byte(&b, 0);
        assert_false(push(&w, b.data, &package));
        assert_true(w.diags.errors > 0);
        arena_free(&w.arena);
    }
}

/* ---- Round trips ----------------------------------------------------------------------------------------------------- */

static const char sample[] =
    "package my:app@1.0.0;\n"
    "interface types {\n"
    "  resource r { constructor(a: u32); m: async func() -> list<u8, 4>; s: static func(x: "
    "borrow<r>); }\n"
    "  record rec { a: tuple<u8, option<string>>, b: map<string, r> }\n"
    "  variant v { a, b(rec) }\n"
    "  flags f { x, y }\n"
    "  enum e { %enum, other }\n"
    "  @since(version = 1.0.0)\n"
    "  get-all: func(x: stream<u8>, y: future, z: result<_, e>) -> stream<v>;\n"
    "}\n"
    "world w {\n"
    "  use types.{r as res};\n"
    "  import wasi:cli/stdout@0.3.0;\n"
    "  import second: types;\n"
    "  import inline: interface { use types.{e}; f: func(x: e); }\n"
    "  export run: async func(x: res) -> result;\n"
    "  export types;\n"
    "}\n";

static str json_of(struct world *w)
{
    struct buf b = buf_in(&w->arena);
    wit_print_json(&b, &w->r);
    return buf_view(&b);
}

static str text_of(struct world *w, u32 package)
{
    struct buf b = buf_in(&w->arena);
    struct wit_print_options how = {.nested = true};
    wit_print_package(&b, &w->r, package, &how);
    buf_byte(&b, 0);
    return str_of(b.data, b.len - 1);
}

static void printed_text_is_read_again(void **state)
{
    (void)state;
    struct world a, b;
    u32 package;
    start(&a);
    assert_true(push(&a, sample, &package));
    str first = text_of(&a, package);
    start(&b);
    assert_true(push(&b, first.ptr, &package));
    assert_true(str_eq(first, text_of(&b, package)));
    arena_free(&b.arena);
    arena_free(&a.arena);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool same_but_blanks(str a, str b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && is_blank(a.ptr[i])) {
            i++;
        }
        while (k < b.len && is_blank(b.ptr[k])) {
            k++;
        }
        if (i == a.len || k == b.len) {
            return i == a.len && k == b.len;
        }
        if (a.ptr[i++] != b.ptr[k++]) {
            return false;
        }
    }
}

static void formatting_keeps_the_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        sample,
        "// a\npackage a:b;// b\n\n\n\n// c\ninterface i{/* d */f:func(a:u32,// e\n b:u8);\n\n// "
        "f\n}",
        "package a:b; world w { include x:y/z with{a as b,c as d} use i . { a , b as c } ; }",
        "package a:b;\r\n\r\n/* x\r\n y */\r\ninterface i { type t = stream /* q */ < // r\r\n u8 "
        ">; }",
    };
    for (u32 i = 0; i < LENGTH_OF(texts); i++) {
        struct world w;
        start(&w);
        struct buf once = buf_in(&w.arena), twice = buf_in(&w.arena);
        u32 source = sources_add(&w.sources, STR("a.wit"), str_c(texts[i]), SOURCE_TEXT);
        assert_true(wit_format(&w.arena, source, &w.diags, &once));
        assert_true(same_but_blanks(str_c(texts[i]), buf_view(&once)));
        source = sources_add(&w.sources, STR("b.wit"), buf_view(&once), SOURCE_TEXT);
        assert_true(wit_format(&w.arena, source, &w.diags, &twice));
        assert_true(str_eq(buf_view(&once), buf_view(&twice)));
        arena_free(&w.arena);
    }
}

/* The built-in packages are what their texts say. */
static void built_in_packages(void **state)
{
    (void)state;
    static const char *const versions_of[] = {"0.2.12", "0.3.0"};
    static const char *const packages[] = {"clocks",  "filesystem", "random",
                                           "sockets", "cli",        "http"};
    for (u32 v = 0; v < LENGTH_OF(versions_of); v++) {
        struct world text, builtin;
        u32 package;
        start(&text);
        start(&builtin);
        struct buf user = buf_in(&text.arena);
        buf_c(&user, "package a:b;\nworld w {\n");
        for (u32 i = 0; i < LENGTH_OF(packages); i++) {
            buf_printf(&user, "  include wasi:%s/%s@%s;\n", packages[i],
                       i == 5 ? (v ? "service" : "proxy") : "imports", versions_of[v]);
        }
        buf_c(&user, "}\n");
        buf_byte(&user, 0);
        assert_true(push(&builtin, user.data, &package));
        if (v == 0) {
            str io = path_here(&text.arena, "wasi/0.2.12/io");
            assert_true(wit_push_path(&text.r, str_to_c(&text.arena, io), &package));
        }
        for (u32 i = 0; i < LENGTH_OF(packages); i++) {
            str path = str_printf(&text.arena, STRF "/%s/%s", STRA(path_here(&text.arena, "wasi")),
                                  versions_of[v], packages[i]);
            assert_true(wit_push_path(&text.r, str_to_c(&text.arena, path), &package));
            assert_false(text.r.packages.data[package].built_in);
        }
        assert_true(push(&text, user.data, &package));
        assert_true(str_eq(json_of(&text), json_of(&builtin)));
        arena_free(&builtin.arena);
        arena_free(&text.arena);
    }
}

static void earlier_versions_of_built_in_packages(void **state)
{
    (void)state;
    struct world w;
    u32 package;
    start(&w);
    assert_true(push(&w, "package a:b; world w { import wasi:cli/exit@0.2.0; }", &package));
    struct wit_package_name name = {STR("wasi"), STR("cli"), {{NULL, 0}}};
    assert_true(wit_version_parse(STR("0.2.0"), &name.version));
    assert_int_not_equal(wit_find_package(&w.r, &name), WIT_NONE);
    arena_free(&w.arena);
    start(&w);
    assert_false(push(&w, "package a:b; world w { import wasi:cli/exit@0.9.0; }", &package));
    arena_free(&w.arena);
}

/* ---- Memory -------------------------------------------------------------------------------------------------------------- */

static void resolve_all(void *context)
{
    struct world *w = context;
    u32 package;
    struct buf b = buf_in(&w->arena);
    assert_true(push(w, sample, &package));
    wit_print_json(&b, &w->r);
    assert_true(wit_format(&w->arena, 1, &w->diags, &b));
    str broken = STR("package c:d; interface i { f: fnc(); g: func(x: nothing)");
    u32 source = sources_add(&w->sources, STR("broken.wit"), broken, SOURCE_TEXT);
    assert_false(wit_push_source(&w->r, source, &package));
}

/* Memory runs out at each allocation in turn. */
static void memory_runs_out(void **state)
{
    (void)state;
    for (u64 n = 1; n < 100000; n++) {
        struct world w;
        start(&w);
        mem_fail_after(n);
        bool fine = oom_guard(resolve_all, &w);
        mem_fail_after(0);
        arena_free(&w.arena);
        if (fine) {
            assert_true(n > 20);
            return;
        }
    }
    fail();
}

static void resolve_wasi(void *context)
{
    struct world *w = context;
    static const char *const packages[] = {"clocks",  "filesystem", "random",
                                           "sockets", "cli",        "http"};
    u32 package;
    for (u32 i = 0; i < LENGTH_OF(packages); i++) {
        str path = str_printf(&w->arena, STRF "/0.3.0/%s", STRA(path_here(&w->arena, "wasi")),
                              packages[i]);
        assert_true(wit_push_path(&w->r, str_to_c(&w->arena, path), &package));
    }
}

/* The same with WASI as text; tree-sitter's allocations count, and there are many: later ones are tried at growing
 * distances. */
static void memory_runs_out_in_wasi(void **state)
{
    (void)state;
    for (u64 n = 1; n < 10000000; n += 1 + n / 40) {
        struct world w;
        start(&w);
        mem_fail_after(n);
        bool fine = oom_guard(resolve_wasi, &w);
        mem_fail_after(0);
        arena_free(&w.arena);
        if (fine) {
            assert_true(n > 2000);
            return;
        }
    }
    fail();
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

/* JSON needs no memory but that of its buffer. */
static void json_is_written_in_place(void **state)
{
    (void)state;
    struct world w;
    u32 package;
    struct buf text = buf_in(&w.arena);
    start(&w);
    buf_c(&text, "/// \"q\" \\ \t");
    buf_fill(&text, 'x', 1000);
    buf_c(&text, "\n/// \303\244\npackage a:b;");
    assert_true(push(&w, str_to_c(&w.arena, buf_view(&text)), &package));
    str json = json_of(&w);
    assert_true(str_find(json, STR("\\\"q\\\" \\\\ \\txx"), 0) != SIZE_MAX);
    cJSON_InitHooks(&(cJSON_Hooks){no_memory, mem_free});
    str same = json_of(&w);
    cJSON_InitHooks(NULL);
    assert_true(str_eq(json, same));
    arena_free(&w.arena);
}

/* ---- Large texts ----------------------------------------------------------------------------------------------------------------- */

/* Comments are not parsed; items are parsed part by part, and a mistake in a late one is told of where it is. */
static void long_texts(void **state)
{
    (void)state;
    struct world w;
    u32 package;
    start(&w);
    struct buf b = buf_in(&w.arena);
    buf_c(&b, "package a:b;\n");
    for (u32 i = 0; i < 70000; i++) {
        buf_c(&b, "// a comment of its own\n");
    }
    for (u32 i = 0; i < 2000; i++) {
        buf_printf(&b, "/// Interface %u.\ninterface i%u { f: func(x: u32, /* y */ z: string); }\n",
                   i, i);
    }
    size_t sound = b.len;
    buf_byte(&b, 0);
    assert_true(push(&w, b.data, &package));
    assert_int_equal(w.r.interfaces.len, 2000);
    assert_true(str_eq(w.r.interfaces.data[1999].docs, STR("Interface 1999.")));
    static const struct {
        const char *text;
        u32 line;
    } late[] = {{"interface j { g: fnc(); }", 74002},
                {"package c:d;", 74002},
                {"interface j {\n  g: func(x: missing); }", 74003},
                {"interface j { /* open", 74002}};
    for (u32 i = 0; i < LENGTH_OF(late); i++) {
        struct world x;
        u32 line, column;
        start(&x);
        b.len = sound;
        buf_c(&b, late[i].text);
        buf_byte(&b, 0);
        assert_false(push(&x, b.data, &package));
        assert_int_equal(x.diags.errors, 1);
        span at = x.diags.list.data[0]->at;
        source_locate(&x.sources, at.source, at.start, &line, &column);
        assert_int_equal(line, late[i].line);
        arena_free(&x.arena);
    }
    arena_free(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(tracks),
        cmocka_unit_test(canonical_ids),
        cmocka_unit_test(labels),
        cmocka_unit_test(canonical_names),
        cmocka_unit_test(many_names),
        cmocka_unit_test(several_errors),
        cmocka_unit_test(errors_that_follow_are_not_told),
        cmocka_unit_test(an_open_block_is_closed),
        cmocka_unit_test(two_cycles),
        cmocka_unit_test(hostile_texts),
        cmocka_unit_test(printed_text_is_read_again),
        cmocka_unit_test(formatting_keeps_the_text),
        cmocka_unit_test(built_in_packages),
        cmocka_unit_test(earlier_versions_of_built_in_packages),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(json_is_written_in_place),
        cmocka_unit_test(memory_runs_out_in_wasi),
        cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
