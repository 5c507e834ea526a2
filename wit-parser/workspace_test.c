/* workspace_test.c - for editors: documents that change, the queries beside the grammar. */
#include "wit_test.h"

#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_wit(void);

/* language.c knows the tables of this version alone. */
static void the_parser_is_of_abi_14(void **state)
{
    (void)state;
    assert_int_equal(ts_language_version(tree_sitter_wit()), 14);
}

struct typing {
    struct wit_workspace *workspace;
    struct world *world;
    bool fine;
};

static void type_letters(void *context)
{
    struct typing *t = context;
    str text = STR("package a:b; interface i { /* c */ f: func(x: list<u8>) -> string; }");
    u32 package, doc = wit_workspace_open(t->workspace, STR("a.wit"), text);
    for (u32 i = 0; i < 3; i++) {
        u32 at = (u32)str_find(wit_workspace_text(t->workspace, doc), STR(": func"), 0);
        assert_true(wit_workspace_edit(t->workspace, doc, at, at, STR("f")));
    }
    t->fine = wit_workspace_resolve(t->workspace, &t->world->r, doc, &package);
}

static void make_workspace(void *context)
{
    (void)context;
    wit_workspace_free(wit_workspace_new());
}

/* A workspace that memory has run out in goes on afterwards, though all trees are lost. */
static void workspaces_outlive_memory(void **state)
{
    (void)state;
    for (u64 n = 1; n < 3; n++) {
        mem_fail_after(n);
        assert_false(oom_guard(make_workspace, NULL)); /* and nothing is left */
        mem_fail_after(0);
    }
    for (u64 n = 2; n < 100000; n++) {
        struct world w;
        start(&w);
        struct typing t = {.workspace = wit_workspace_new(), .world = &w};
        mem_fail_after(n);
        bool all = oom_guard(type_letters, &t);
        mem_fail_after(0);
        arena_free(&w.arena);
        start(&w);
        t.fine = false;
        type_letters(&t);
        assert_true(t.fine);
        assert_int_equal(w.r.interfaces.len, 1);
        assert_true(str_eq(w.r.interfaces.data[0].funcs.data[0].name, STR("ffff")));
        wit_workspace_free(t.workspace);
        arena_free(&w.arena);
        if (all) {
            assert_true(n > 20);
            return;
        }
    }
    fail();
}

/* ---- For editors ------------------------------------------------------------------------------------------------------------- */

static void queries_compile(void **state)
{
    (void)state;
    static const char *const files[] = {"queries/highlights.scm", "queries/folds.scm",
                                        "queries/tags.scm"};
    for (u32 i = 0; i < LENGTH_OF(files); i++) {
        struct world w;
        str text;
        u32 offset;
        TSQueryError error;
        start(&w);
        assert_true(file_read(&w.arena, str_to_c(&w.arena, path_here(&w.arena, files[i])), &text,
                              &w.diags));
        TSQuery *query = ts_query_new(tree_sitter_wit(), text.ptr, (u32)text.len, &offset, &error);
        if (!query) {
            fail_msg("%s: error %d at byte %u", files[i], (int)error, offset);
        }
        ts_query_delete(query);
        arena_free(&w.arena);
    }
}

/* Has each construct. */
static const char everything[] =
    "package a:b@1.0.0;\nuse c:d/e@0.1.0 as g;\n/// docs\ninterface i {\n  use t.{a as b};\n"
    "  @since(version = 1.0.0) @deprecated(version = 1.0.0) type x = list<u8, 4>;\n"
    "  @unstable(feature = y) record r { a: u8, b: option<s8>, c: result<_, u16>, d: tuple<s16> }\n"
    "  variant v { a(map<string, bool>), b } enum n { a } flags f { a }\n"
    "  resource q { constructor(a: borrow<q>); m: static async func() -> own<q>; }\n"
    "  resource none;\n  p: get() -> future<char>; p: set(a: stream<f32>);\n"
    "  h: func(a: u32, b: s32, c: u64, d: s64, e: f64, f: error-context);\n}\n"
    "world w {\n  @external-id(\"z\") import l: i;\n  export k: interface { /* block */ }\n"
    "  include o with { a as b }\n}\npackage k:l { interface j {} }\n";

/* Each word and sign gets a colour, and no word of the grammar is missing from the text above. */
static void all_words_are_highlighted(void **state)
{
    (void)state;
    struct world w;
    str text;
    u32 offset;
    TSQueryError error;
    start(&w);
    const char *path = str_to_c(&w.arena, path_here(&w.arena, "queries/highlights.scm"));
    assert_true(file_read(&w.arena, path, &text, &w.diags));
    TSQuery *query = ts_query_new(tree_sitter_wit(), text.ptr, (u32)text.len, &offset, &error);
    TSParser *parser = ts_parser_new();
    assert_true(query && ts_parser_set_language(parser, tree_sitter_wit()));
    TSTree *tree = ts_parser_parse_string(parser, NULL, everything, sizeof everything - 1);
    assert_false(ts_node_has_error(ts_tree_root_node(tree)));
    bool coloured[sizeof everything] = {false};
    TSQueryCursor *cursor = ts_query_cursor_new();
    TSQueryMatch match;
    ts_query_cursor_exec(cursor, query, ts_tree_root_node(tree));
    while (ts_query_cursor_next_match(cursor, &match)) {
        for (u32 i = 0; i < match.capture_count; i++) {
            TSNode node = match.captures[i].node;
            for (u32 at = ts_node_start_byte(node); at < ts_node_end_byte(node); at++) {
                coloured[at] = true;
            }
        }
    }
    for (u32 at = 0; everything[at]; at++) {
        if (!coloured[at] && everything[at] > ' ' && everything[at] != '_') {
            fail_msg("nothing colours %.20s", everything + at);
        }
    }
    for (u32 i = 0; i < ts_language_symbol_count(tree_sitter_wit()); i++) {
        str name = str_c(ts_language_symbol_name(tree_sitter_wit(), (TSSymbol)i));
        TSSymbolType type = ts_language_symbol_type(tree_sitter_wit(), (TSSymbol)i);
        if (type == TSSymbolTypeAnonymous && str_find_char(name, '_', 0) == SIZE_MAX &&
            str_find(str_c(everything), name, 0) == SIZE_MAX) {
            fail_msg("the text lacks %s", name.ptr);
        }
    }
    ts_query_cursor_delete(cursor);
    ts_tree_delete(tree);
    ts_parser_delete(parser);
    ts_query_delete(query);
    arena_free(&w.arena);
}

/* After each change the workspace says what a reading from the start says. */
static void documents_change(void **state)
{
    (void)state;
    static const struct {
        const char *find, *replace;
        bool fine;
    } edits[] = {
        {"u32", "u64", true},
        {"f: func", "f: fnc", false},
        {"f: fnc", "ff: func", true},
        {"use types.{t}", "use types.{tt}", false},
        {"use types.{tt}", "use types.{t as tt}", false},
        {"-> t", "-> tt", true},
        {"tt; }", "tt; } interface more { g: func(); }", true},
    };
    struct wit_workspace *w = wit_workspace_new();
    wit_workspace_open(w, STR("p/types.wit"),
                       STR("package a:b; interface types { type t = u32; }"));
    u32 doc = wit_workspace_open(w, STR("p/use.wit"),
                                 STR("interface i { use types.{t}; f: func() -> t; }"));
    wit_workspace_open(w, STR("q/other.wit"), STR("package c:d; world w { import a:b/i; }"));
    for (u32 i = 0; i < LENGTH_OF(edits); i++) {
        struct world x;
        u32 package, in = i == 0 ? 0 : doc;
        str text = wit_workspace_text(w, in), find = str_c(edits[i].find);
        u32 at = (u32)str_find(text, find, 0);
        assert_true(wit_workspace_edit(w, in, at, at + (u32)find.len, str_c(edits[i].replace)));
        start(&x);
        bool fine = wit_workspace_resolve(w, &x.r, 2, &package);
        if (fine != edits[i].fine) {
            fail_msg("edit %u: %s", i,
                     x.diags.errors ? x.diags.list.data[0]->message.ptr : "no error");
        }
        assert_true(!fine || x.r.packages.len == 2);
        arena_free(&x.arena);
    }
    assert_false(wit_workspace_edit(w, doc, 0, 100000, STR("")));
    struct world x;
    u32 package;
    start(&x);
    assert_false(wit_workspace_resolve(w, &x.r, 3, &package));
    assert_int_equal(x.diags.errors, 1);
    arena_free(&x.arena);
    wit_workspace_free(w);
}

/* What resolving says: fine or not, each error with its place. */
static str verdict(struct world *x, struct wit_workspace *w, u32 document)
{
    u32 package;
    start(x);
    bool fine = wit_workspace_resolve(w, &x->r, document, &package);
    struct buf b = buf_in(&x->arena);
    buf_printf(&b, "%d, %u interfaces, %u types\n", fine, x->r.interfaces.len, x->r.types.len);
    for (u32 i = 0; i < x->diags.list.len; i++) {
        const struct diag *d = x->diags.list.data[i];
        buf_printf(&b, "%u:%u-%u " STRF "\n", d->at.source, d->at.start, d->at.end,
                   STRA(d->message));
    }
    return buf_view(&b);
}

static u32 pick(u64 *seed, u32 n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (u32)((*seed >> 33) % n);
}

/* One of: a piece put in, cut out, or put instead of another; most repair what others broke. */
static void edit_somewhere(struct wit_workspace *w, u32 doc, u64 *seed)
{
    static const char *const pieces[] = {"}",
                                         "{",
                                         ";",
                                         ",",
                                         " ",
                                         "\n",
                                         "/* ",
                                         "*/",
                                         "// c\n",
                                         "/// docs\n",
                                         "\"",
                                         "\\",
                                         "f: func();",
                                         "interface more { g: func(a: u8) -> string; }",
                                         "type u = list<t>;",
                                         "u32",
                                         "%",
                                         "<",
                                         ">",
                                         "\xc3\xa9",
                                         "\xe2\x86\x92",
                                         "\xff",
                                         "\xf0\x9f\x98",
                                         "use",
                                         "i",
                                         "@since(version = 1.0.0)",
                                         "record r { a: u8, b: t }",
                                         "world",
                                         "import a:b/types;",
                                         "\xef\xbb\xbf",
                                         "\r\n",
                                         "x"};
    str text = wit_workspace_text(w, doc);
    u32 length = (u32)text.len, at = pick(seed, length + 1);
    u32 end = at + pick(seed, 3) * pick(seed, 8);
    str piece = pick(seed, 3) ? str_c(pieces[pick(seed, LENGTH_OF(pieces))]) : STR("");
    assert_true(wit_workspace_edit(w, doc, at, end < length ? end : length, piece));
}

/* However a text came to be, it means the same. */
static void random_edits(void **state)
{
    (void)state;
    static const char types[] =
        "package a:b;\n/// A type.\ninterface types {\n  type t = u32; // t\n}\n";
    static const char use[] =
        "interface i {\n  use types.{t};\n  /* f */ f: func(x: t) -> list<t>;\n"
        "  record r { a: t, b: string }\n}\nworld w { import i; }\n";
    u32 fine = 0;
    for (u64 round = 1; round <= 200; round++) {
        struct wit_workspace *w = wit_workspace_new();
        u64 seed = round;
        wit_workspace_open(w, STR("p/types.wit"), str_c(types));
        wit_workspace_open(w, STR("p/use.wit"), str_c(use));
        for (u32 i = 0; i < 12; i++) {
            u32 doc = pick(&seed, 2);
            struct world one, other;
            struct arena kept = {0};
            str before = str_dup(&kept, wit_workspace_text(w, doc));
            edit_somewhere(w, doc, &seed);
            struct wit_workspace *fresh = wit_workspace_new();
            wit_workspace_open(fresh, STR("p/types.wit"), wit_workspace_text(w, 0));
            wit_workspace_open(fresh, STR("p/use.wit"), wit_workspace_text(w, 1));
            str a = verdict(&one, w, 1), b = verdict(&other, fresh, 1);
            if (!str_eq(a, b)) {
                str text = wit_workspace_text(w, doc);
                fail_msg("round %u, edit %u: " STRF "\n-- edited:\n" STRF "-- fresh:\n" STRF,
                         (unsigned)round, i, STRA(text), STRA(a), STRA(b));
            }
            bool sound = a.ptr[0] == '1';
            fine += sound;
            arena_free(&one.arena);
            arena_free(&other.arena);
            wit_workspace_free(fresh);
            if (!sound && pick(&seed, 5)) { /* taken back, as users do */
                str text = wit_workspace_text(w, doc);
                assert_true(wit_workspace_edit(w, doc, 0, (u32)text.len, before));
            }
            arena_free(&kept);
        }
        wit_workspace_free(w);
    }
    assert_true(fine > 100); /* else nothing but errors was compared */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parser_is_of_abi_14), cmocka_unit_test(workspaces_outlive_memory),
        cmocka_unit_test(queries_compile),         cmocka_unit_test(all_words_are_highlighted),
        cmocka_unit_test(documents_change),        cmocka_unit_test(random_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
