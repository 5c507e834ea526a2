/* decode_test.c - WIT through its binary encoding and back; merging; layouts. */
#include "wit-parser.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct arena a;
    struct sources sources;
    struct diags d;
    struct wit_resolve r;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    f->sources.arena = &f->a;
    diags_init(&f->d, &f->a, &f->sources);
    wit_resolve_init(&f->r, &f->a, &f->d);
    f->r.features.all = true;
}

static u32 parse(struct fixture *f, struct wit_resolve *r, str text)
{
    u32 package, source = sources_add(&f->sources, STR("test.wit"), text, SOURCE_TEXT);
    bool ok = wit_push_source(r, source, &package);
    if (!ok && f->d.list.len)
        print_message(STRF "\n", STRA(f->d.list.data[0]->message));
    assert_true(ok);
    return package;
}

static str print(struct fixture *f, const struct wit_resolve *r, u32 package)
{
    struct buf b = buf_in(&f->a);
    struct wit_print_options options = {.nested = true};
    wit_print_package(&b, r, package, &options);
    return buf_view(&b);
}

static str encode(struct fixture *f, struct wit_resolve *r, u32 package)
{
    struct buf b = buf_in(&f->a);
    assert_true(wit_encode_package(r, package, &b));
    return buf_view(&b);
}

static struct wit_resolve *fresh(struct fixture *f)
{
    struct wit_resolve *r = arena_new(&f->a, struct wit_resolve);
    wit_resolve_init(r, &f->a, &f->d);
    r->features.all = true;
    return r;
}

static struct wit_resolve *decode(struct fixture *f, str bytes, u32 *package)
{
    struct wit_resolve *r = fresh(f);
    struct wasm_binary binary;
    u32 world, source = sources_add(&f->sources, STR("test.wasm"), bytes, SOURCE_BINARY);
    assert_true(wasm_read(&f->a, source, features_all(), &binary, &f->d));
    bool ok = wit_decode(r, &binary, package, &world);
    if (!ok && f->d.list.len)
        print_message(STRF "\n", STRA(f->d.list.data[0]->message));
    assert_true(ok);
    assert_int_equal(world, WIT_NONE);
    return r;
}

static void assert_same(str a, str b)
{
    if (!str_eq(a, b))
        print_message(STRF "\n---\n" STRF "\n", STRA(a), STRA(b));
    assert_true(str_eq(a, b));
}

static const char *const packages[] = {
    "package a:b; interface empty {} world w {}",
    "package a:b@1.0.0; interface i { type t = u32; record r { a: t, b: list<r2> } record r2 { c: "
    "char } variant v { x(r), y } enum e { p, q } flags g { m, n } h: func(a: tuple<u8, "
    "option<v>>, "
    "b: result<list<e>, g>) -> result; }",
    "package a:b; interface i { resource r { constructor(x: u32); m: func(o: borrow<r>) -> r; "
    "s: static func() -> list<own<r>>; } type h = own<r>; type alias = r; free: func(x: h, y: "
    "alias); }",
    "package a:b; interface i { f: async func(a: stream<u8>, b: stream, c: future<future<string>>) "
    "-> future; g: func(m: map<string, list<u8>>, l: list<u32, 4>, e: error-context); }",
    "package a:b; interface x { record p { v: u8 } resource res; } interface y { use x.{p as q, "
    "res}; f: func(a: q, b: res); } world w { import y; use y.{q}; import z: interface { g: "
    "func(); } "
    "export y; export run: func(a: q) -> q; type own-type = list<q>; resource here { m: func(); } "
    "}",
    "package a:b; interface store { get: func() -> u32; } world w { import one: store; import two: "
    "store; import store; export three: store; }",
    "package a:b@0.2.1; /// docs of i\n@since(version = 0.2.0) interface i { /// of "
    "r\n@since(version "
    "= 0.2.0) record r { /// of f\n f: u8 } /// of g\n@unstable(feature = x) @external-id(\"id\") "
    "g: "
    "func(); } /// of w\n@since(version = 0.2.0) world w { /// of import\n@since(version = 0.2.0) "
    "import i; /// of e\n export e: func(); }",
    "package a:b; world w { import c:d/e@1.2.3; use c:d/e@1.2.3.{t}; export run: func(x: t); } "
    "package c:d@1.2.3 { interface e { type t = string; f: func(); } }",
};

/* text -> binary -> text -> binary is a fixed point. */
static void test_fixed_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(packages); i++) {
        struct fixture f;
        begin(&f);
        u32 package = parse(&f, &f.r, str_c(packages[i])), decoded, reparsed;
        str binary = encode(&f, &f.r, package);
        struct wit_resolve *r = decode(&f, binary, &decoded);
        assert_same(encode(&f, r, decoded), binary);
        str text = print(&f, r, decoded);
        struct wit_resolve *again = fresh(&f);
        reparsed = parse(&f, again, text);
        assert_same(print(&f, again, reparsed), text);
        assert_same(encode(&f, again, reparsed), binary);
        arena_free(&f.a);
    }
}

static u32 only_world(struct fixture *f, struct wit_resolve *r, u32 package)
{
    u32 world;
    (void)f;
    assert_true(wit_select_world(r, package, (str){0}, &world));
    return world;
}

static bool decode_section(struct fixture *f, struct wit_resolve *r, str section, u32 *world)
{
    enum cm_encoding encoding;
    u32 source = sources_add(&f->sources, STR("section"), section, SOURCE_BINARY);
    bool ok = wit_decode_world(r, source, section, 0, world, &encoding);
    if (ok)
        assert_int_equal(encoding, ENCODING_UTF16);
    return ok;
}

static str section_of(struct fixture *f, const char *text)
{
    struct wit_resolve *r = fresh(f);
    struct buf b = buf_in(&f->a);
    u32 world = only_world(f, r, parse(f, r, str_c(text)));
    assert_true(wit_encode_world(r, world, ENCODING_UTF16, &b));
    return buf_view(&b);
}

static void test_merge(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    str one =
        section_of(&f, "package a:b; interface i { record r { x: u8 } f: func() -> r; } world "
                       "w { import i; type t = list<u8>; import g: func(a: t); }");
    str two =
        section_of(&f, "package a:b; interface i { record r { x: u8 } h: func(v: r); } world "
                       "v { import i; type t = list<u8>; export k: func(a: t) -> option<t>; }");
    struct wit_resolve *r = fresh(&f);
    u32 root = wit_add_root_world(r), world;
    assert_true(decode_section(&f, r, one, &world));
    assert_true(wit_merge_worlds(r, world, root));
    assert_true(decode_section(&f, r, two, &world));
    assert_true(wit_merge_worlds(r, world, root));
    const struct wit_world *w = &r->worlds.data[root];
    assert_int_equal(w->imports.len, 3); /* i, t, g */
    assert_int_equal(w->exports.len, 1);
    assert_int_equal(r->interfaces.data[w->imports.data[0].interface].funcs.len, 2);
    assert_int_equal(w->exports.data[0].func.params[0].type.id, w->imports.data[1].type);
    assert_int_equal(f.d.errors, 0);

    static const char *const clashes[] = {
        "package a:b; interface i { record r { x: u16 } } world c { import i; }",
        "package a:b; interface i { f: func() -> u8; } world c { import i; }",
        "package a:c; world c { type t = list<u16>; }",
        "package a:c; world c { import g: func(a: u8); }",
    };
    for (size_t i = 0; i < LENGTH_OF(clashes); i++) {
        u32 errors = f.d.errors;
        str section = section_of(&f, clashes[i]);
        bool ok = decode_section(&f, r, section, &world) && wit_merge_worlds(r, world, root);
        assert_false(ok);
        assert_true(f.d.errors > errors);
    }
    arena_free(&f.a);
}

/* Every prefix of a section, and every single changed byte, decodes or is reported. */
static void test_broken(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    str section = section_of(&f, packages[4]);
    for (size_t i = 0; i < section.len; i++) {
        struct fixture g;
        u32 world;
        begin(&g);
        struct wit_resolve *r = fresh(&g);
        bool ok = decode_section(&g, r, str_sub(section, 0, i), &world);
        assert_true(ok || g.d.errors > 0); /* what follows the export may be cut off */
        for (u32 bit = 1; bit < 256; bit <<= 1) {
            char *copy = str_to_c(&g.a, section);
            copy[i] ^= (char)bit;
            enum cm_encoding encoding;
            u32 source =
                sources_add(&g.sources, STR("x"), str_of(copy, section.len), SOURCE_BINARY);
            u32 errors = g.d.errors + g.d.dropped;
            ok = wit_decode_world(fresh(&g), source, str_of(copy, section.len), 0, &world,
                                  &encoding);
            assert_true(ok || g.d.errors + g.d.dropped > errors);
        }
        arena_free(&g.a);
    }
    arena_free(&f.a);
}

static void test_layout(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    u32 package = parse(
        &f, &f.r,
        STR("package a:b; interface i { record r { a: u8, b: u64, c: string } variant v { x(r), "
            "y(f32), z } flags w { a, b, c, d, e, f, g, h, i } type l = list<u16, 3>; type n = "
            "option<char>; f: func(a: r, b: v); g: async func(a: r) -> string; h: func(s: "
            "stream<future<u8>>) -> tuple<stream<u8>, future<u8>>; }"));
    const struct wit_interface *i =
        &f.r.interfaces.data[f.r.packages.data[package].interfaces.data[0].type];
    static const struct {
        u32 size, align, payload;
    } wanted[] = {{24, 8, 0}, {32, 8, 8}, {2, 2, 0}, {6, 2, 0}, {8, 4, 4}};
    for (size_t k = 0; k < LENGTH_OF(wanted); k++) {
        struct wit_type t = {WIT_ID, i->types.data[k].type};
        struct wit_layout l = wit_layout_of(&f.r, t);
        assert_int_equal(l.size, wanted[k].size);
        assert_int_equal(l.align, wanted[k].align);
        assert_int_equal(wit_payload_offset(&f.r, t), wanted[k].payload);
    }
    struct wit_core_sig sig;
    wit_core_signature(&f.r, &i->funcs.data[0], WIT_ABI_LOWER, &sig);
    assert_int_equal(sig.param_count, 9); /* i32 i64 i32 i32, i32 and (i32 i64 i32 i32) */
    assert_int_equal(sig.params[5], WASM_I32);
    wit_core_signature(&f.r, &i->funcs.data[1], WIT_ABI_LOWER_ASYNC, &sig);
    assert_int_equal(sig.param_count, 5);
    assert_true(sig.ret_pointer && sig.result_count == 1);
    wit_core_signature(&f.r, &i->funcs.data[1], WIT_ABI_LIFT_ASYNC_STACKFUL, &sig);
    assert_int_equal(sig.result_count, 0);
    u32 *payloads;
    assert_int_equal(wit_payload_types(&f.r, &f.a, &i->funcs.data[2], &payloads), 4);
    assert_int_equal(f.r.types.data[payloads[0]].kind, WIT_FUTURE);
    assert_int_equal(f.r.types.data[payloads[1]].kind, WIT_STREAM);
    assert_int_equal(payloads[0], payloads[3]);
    arena_free(&f.a);
}

static void round_trip(void *ctx)
{
    struct fixture *f = ctx;
    u32 decoded, package = f->r.packages.len - 1;
    str binary = encode(f, &f->r, package);
    struct wit_resolve *r = decode(f, binary, &decoded);
    (void)encode(f, r, decoded);
}

/* Memory may run out at any allocation: nothing leaks, nothing crashes. */
static void test_memory(void **state)
{
    (void)state;
    bool fine = false;
    for (u64 n = 1; !fine; n++) {
        struct fixture f;
        begin(&f);
        parse(&f, &f.r, str_c(packages[6]));
        mem_fail_after(n);
        fine = oom_guard(round_trip, &f);
        mem_fail_after(0);
        arena_free(&f.a);
        assert_true(n < 1000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_point), cmocka_unit_test(test_merge),
        cmocka_unit_test(test_broken),      cmocka_unit_test(test_layout),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
