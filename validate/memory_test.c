/* memory_test.c - every allocation fails once, from the text of a component to its verdict: each time it unwinds, and
 * nothing is lost (the build with a sanitizer looks for leaks). */
#include "validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* clang-format off */
static const char valid[] =
    "(component $outer\n"
    "  (core module $m\n"
    "    (type $t (func (param i32 i32) (result i32)))\n"
    "    (rec (type $s (sub (struct (field (mut i8)) (field (ref null $s)))))\n"
    "         (type $a (array (ref null $s))))\n"
    "    (import \"a\" \"b\" (func (type $t)))\n"
    "    (memory (export \"memory\") 1 4) (table 3 funcref) (global $g (mut i64) (i64.const 7))\n"
    "    (elem (i32.const 0) func 0 $f) (data (i32.const 8) \"text\") (tag (param i32))\n"
    "    (func $f (export \"realloc\") (param $p i32) (param i32 i32 i32) (result i32)\n"
    "      (local $l (ref null $a))\n"
    "      (block $b (loop $c (br_table $b $c (local.get $p))))\n"
    "      (local.set $l (array.new_default $a (i32.const 3)))\n"
    "      (if (result i32) (local.get 1)\n"
    "        (then (i32.load8_u offset=3 (local.get $p))) (else (i32.const 1))))\n"
    "    (func (export \"f\") (param i32 i32) (result i32) local.get 0))\n"
    "  (core module $n (func (export \"b\") (param i32 i32) (result i32) unreachable))\n"
    "  (core instance $x (instantiate $n))\n"
    "  (core instance $i (instantiate $m (with \"a\" (instance $x))))\n"
    "  (alias core export $i \"memory\" (core memory $memory))\n"
    "  (alias core export $i \"realloc\" (core func $realloc))\n"
    "  (type $record (record (field \"a\" u8) (field \"b\" (list string))\n"
    "    (field \"c\" (option (tuple s64 char)))))\n"
    "  (type $choice (variant (case \"none\") (case \"some\" $record) (case \"list\" (list u8))))\n"
    "  (import \"wasi:io/streams@0.2.0\" (instance $streams\n"
    "    (export \"input\" (type $input (sub resource))) (export \"err\" (type $err (sub resource)))\n"
    "    (type $error (variant (case \"a\" (own $err)) (case \"closed\")))\n"
    "    (export \"error\" (type $e (eq $error)))\n"
    "    (export \"[method]input.read\" (func (param \"self\" (borrow $input)) (param \"n\" u64)\n"
    "      (result (result (list u8) (error $e)))))))\n"
    "  (import \"res\" (type $res (sub resource)))\n"
    "  (core func $drop (canon resource.drop $res))\n"
    "  (component $inner\n"
    "    (import \"i\" (instance $i (export \"input\" (type $t (sub resource)))\n"
    "      (export \"[method]input.read\" (func (param \"self\" (borrow $t)) (param \"n\" u64)))))\n"
    "    (type $own (resource (rep i32))) (export $shown \"own\" (type $own))\n"
    "    (core func $new (canon resource.new $own))\n"
    "    (core module $k (import \"\" \"new\" (func (param i32) (result i32)))\n"
    "      (func (export \"f\") (param i32) (result i32) local.get 0))\n"
    "    (core instance $k (instantiate $k (with \"\" (instance (export \"new\" (func $new))))))\n"
    "    (func (export \"[constructor]own\") (param \"x\" u32) (result (own $shown))\n"
    "      (canon lift (core func $k \"f\"))))\n"
    "  (component $wants\n"
    "    (import \"c\" (component (import \"i\" (instance $i (export \"input\" (type (sub resource)))\n"
    "        (export \"[method]input.read\" (func (param \"self\" (borrow 0)) (param \"n\" u64)))))\n"
    "      (export \"own\" (type (sub resource))))))\n"
    "  (instance (instantiate $wants (with \"c\" (component $inner))))\n"
    "  (func $lifted (param \"s\" string) (result u32)\n"
    "    (canon lift (core func $i \"f\") (memory $memory) (realloc $realloc) string-encoding=utf16))\n"
    "  (core func (canon lower (func $streams \"[method]input.read\")\n"
    "    (memory $memory) (realloc $realloc)))\n"
    "  (type (func (param \"c\" $choice)))\n"
    "  (export \"f\" (func $lifted)))\n";
static const char odd[] =
    "(component\n"
    "  (type $r (record (field \"foo-bar\" u32) (field \"bar\" u8)))\n"
    "  (import \"f\" (func $f (param \"r\" (list (tuple u8 string)))))\n"
    "  (component $c (import \"i\" (instance (export \"f\" (func)))))\n"
    "  (instance (instantiate $c (with \"i\" (instance (export \"f\" (func $f)))))))\n";
/* clang-format on */

struct attempt {
    struct arena arena;
    const char *text;
    bool assembled, valid, printed;
    u64 written;
};

static bool discard(void *context, str text)
{
    struct attempt *x = context;
    x->written += text.len;
    return true;
}

static void attempt(void *context)
{
    struct attempt *x = context;
    struct arena *a = &x->arena;
    struct sources sources = {.arena = a};
    struct diags diags;
    str bytes;
    struct wasm_binary binary;
    struct wasm_print_options how = {.folded = true};
    diags_init(&diags, a, &sources);
    u32 text = sources_add(&sources, STR("t.wat"), str_c(x->text), SOURCE_TEXT);
    x->assembled = wasm_parse_text(a, text, features_all(), &bytes, &diags);
    u32 source = sources_add(&sources, STR("t.wasm"), bytes, SOURCE_BINARY);
    if (!x->assembled || !wasm_read(a, source, features_all(), &binary, &diags))
        return;
    x->valid = validate_binary(a, &binary, features_all(), &diags);
    struct buf out = buf_in(a);
    wasm_write_component(&out, binary.component);
    assert_true(str_eq(buf_view(&out), bytes));
    x->printed = wasm_print_stream(a, &binary, &how, discard, x, &diags);
    diags_render(&diags, DIAG_TEXT, &out);
}

static void fail_everywhere(const char *text, bool good)
{
    struct attempt x;
    bool done = false;
    u64 n = 1;
    for (; !done; n++) {
        x = (struct attempt){.text = text};
        mem_fail_after(n);
        done = oom_guard(attempt, &x);
        mem_fail_after(0);
        arena_free(&x.arena);
        assert_true(n < 100000);
    }
    assert_true(n > 5); /* arenas ask for few, large blocks */
    assert_true(x.assembled && x.printed);
    assert_int_equal(x.valid, good);
}

static void a_component(void **state)
{
    (void)state;
    fail_everywhere(valid, true);
}

static void mistakes(void **state)
{
    (void)state;
    fail_everywhere(odd, false);
}

/* A small definition takes little, whatever could stand in it. */
static void many(void **state)
{
    (void)state;
    static const char *const definitions[] = {
        "(component)",
        "(core module)",
        "(type (instance))",
        "(type (component))",
        "(core type (module))",
        "(type (instance (type (func)) (export \"a\" (func (type 0)))))",
        "(type (instance (export \"a\" (type (sub resource)))))",
    };
    enum { COUNT = 500, BYTES = 4096 };
    for (size_t i = 0; i < LENGTH_OF(definitions); i++) {
        struct arena a = {0};
        struct buf text = buf_in(&a);
        buf_c(&text, "(component");
        for (u32 n = 0; n < COUNT; n++)
            buf_c(&text, definitions[i]);
        buf_put(&text, ")", 2);
        struct attempt x = {.text = text.data};
        attempt(&x);
        assert_true(x.valid && x.printed);
        if (x.arena.used / COUNT > BYTES)
            fail_msg("%s takes %zu bytes", definitions[i], x.arena.used / COUNT);
        arena_free(&x.arena);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_component), cmocka_unit_test(mistakes),
                                       cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
