/* canon_values_test.c - strings through every pair of encodings and both widths of pointers, what realloc may not answer, NaNs, small
 * integers, and layouts in memory. */
#include "test_world.h"

static void open_world(struct world *w, str text)
{
    world_begin(w);
    world_start(w, text);
}

static enum canon_outcome call(struct world *w, const char *name, struct canon_value *args, u32 n,
                               struct canon_value *result)
{
    return canon_invoke(w->store, world_export(w, name), args, n, &w->arena, result);
}

/* ---- Strings ------------------------------------------------------------------------------------------- */

static const char *const encodings[] = {"utf8", "utf16", "latin1+utf16"};

static const struct {
    const char *text;
    u32 len;
} samples[] = {
    {"", 0},
    {"a", 1},
    {"hi", 2},
    {"\0", 1},
    {"a\0b", 3},
    {"\xc2\x80", 2},
    {"\xc2\x80"
     "b",
     3},
    {"ab\u00efc", 5},
    {"\u01ffy", 3},
    {"xy\u01ff", 4},
    {"a\ud7ffb", 5},
    {"a\u02ff\u03ff\u04ff"
     "bc",
     9},
    {"\uf123", 3},
    {"\uf123\uf123"
     "abc",
     9},
    {"abcdef\uf123", 9},
    {"\U0001f600", 4},
    {"\u00ff\U0010ffff\u00ff", 8},
};

/* A component $NAME with `f`, from string to string, in an encoding and a width; it gives back what it got, by way of `next` if it
 * imports that. The memory starts filled, so that nothing rests on zeros. */
static void put_identity(struct buf *b, const char *name, const char *encoding, bool wide,
                         bool imports)
{
    const char *p = wide ? "i64" : "i32";
    buf_printf(b, "(component $%s ", name);
    buf_c(b, imports ? "(import \"next\" (func $next (param \"s\" string) (result string)))" : "");
    buf_printf(
        b,
        "(core module $lib (memory (export \"mem\") %s 2) (global $at (mut %s) (%s.const 1024))"
        "(func (export \"realloc\") (param $old %s) (param $len %s) (param %s) (param $n %s)"
        " (result %s) (local $new %s)"
        " (local.set $new (global.get $at))"
        " (global.set $at (%s.and (%s.add (%s.add (global.get $at) (local.get $n))"
        "  (%s.const 7)) (%s.const -8)))"
        " (memory.copy (local.get $new) (local.get $old)"
        "  (select (local.get $len) (local.get $n) (%s.lt_u (local.get $len) (local.get $n))))"
        " (local.get $new))"
        "(func (memory.fill (%s.const 0) (i32.const 0xa5) (%s.const 65536))) (start 1))"
        "(core instance $lib (instantiate $lib))",
        wide ? "i64" : "", p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p);
    const char *options = "(memory (core memory $lib \"mem\")) (realloc (core func $lib "
                          "\"realloc\")) string-encoding=";
    if (imports) {
        buf_printf(b, "(canon lower (func $next) %s%s (core func $low))", options, encoding);
    } else {
        buf_printf(b,
                   "(core module $same (import \"\" \"mem\" (memory %s 1))"
                   "(func (export \"f\") (param %s %s %s)"
                   " (%s.store (local.get 2) (local.get 0))"
                   " (%s.store offset=%d (local.get 2) (local.get 1))))"
                   "(core instance $same (instantiate $same (with \"\" (instance $lib))))"
                   "(alias core export $same \"f\" (core func $low))",
                   wide ? "i64" : "", p, p, p, p, p, wide ? 8 : 4);
    }
    buf_printf(
        b,
        "(core module $m (import \"\" \"low\" (func $low (param %s %s %s)))"
        "(func (export \"f\") (param %s %s) (result %s)"
        " (call $low (local.get 0) (local.get 1) (%s.const 512)) (%s.const 512)))"
        "(core instance $m (instantiate $m (with \"\" (instance (export \"low\" (func $low))))))"
        "(func (export \"f\") (param \"s\" string) (result string) (canon lift (core func $m "
        "\"f\") %s%s)))",
        p, p, p, p, p, p, p, p, options, encoding);
}

static void pass_samples(struct world *w)
{
    for (u32 i = 0; i < LENGTH_OF(samples); i++) {
        str text = {samples[i].text, samples[i].len};
        struct canon_value arg = canon_string(text), result = {0};
        if (call(w, "f", &arg, 1, &result) != CANON_OK) {
            fail_msg("sample %u: trap: " STRF, i, STRA(canon_trap_of(w->store)->message));
        }
        if (!str_eq(canon_text(&result), text)) {
            fail_msg("sample %u comes back as `" STRF "`", i, STRA(canon_text(&result)));
        }
    }
}

static void test_strings(void **state)
{
    (void)state;
    for (u32 n = 0; n < 9 * 4; n++) {
        struct arena a = {0};
        struct buf b = buf_in(&a);
        buf_c(&b, "(component ");
        put_identity(&b, "A", encodings[n % 3], n / 9 & 1, false);
        put_identity(&b, "B", encodings[n / 3 % 3], n / 18, true);
        buf_c(&b, "(instance $a (instantiate $A))"
                  "(instance $b (instantiate $B (with \"next\" (func $a \"f\"))))"
                  "(export \"f\" (func $b \"f\")))");
        struct world w;
        open_world(&w, buf_view(&b));
        pass_samples(&w);
        world_end(&w);
        arena_free(&a);
    }
}

/* ---- realloc --------------------------------------------------------------------------------------------- */

/* Lying reallocs: a guest of one page takes a value from another one; its realloc gives these addresses in turn. */
static const struct {
    const char *encoding, *type, *source; /* encoding of the producer; NULL: the host */
    const char *text;
    u32 answers[3];
    const char *trap;
} lies[] = {
    {"utf16", "string", "utf16", "hi", {1}, "result not aligned"},
    {"utf16", "string", "utf16", "hi", {65534}, "beyond end of memory"},
    {"utf8", "string", "utf8", "hi", {65535}, "beyond end of memory"},
    {"utf8", "string", "utf8", "hi", {0xffffffff}, "beyond end of memory"},
    {"utf8", "string", "utf16", "hi", {65535}, "beyond end of memory"},
    {"utf8", "string", "utf16", "h\u00e9", {0, 65531}, "beyond end of memory"},
    {"utf8", "string", "utf16", "h\u00e9", {0, 0, 65534}, "beyond end of memory"},
    {"utf8", "string", "latin1+utf16", "h\u00e9\u00e9", {0, 65531}, "beyond end of memory"},
    {"utf8", "string", "latin1+utf16", "h\u00e9\u00e9", {0, 0, 65532}, "beyond end of memory"},
    {"utf16", "string", "utf8", "hi", {1}, "result not aligned"},
    {"utf16", "string", "utf8", "hi", {65534}, "beyond end of memory"},
    {"utf16", "string", "utf8", "\u00e9", {0, 1}, "result not aligned"},
    {"utf16", "string", "utf8", "\u00e9\u00e9", {0, 65534}, "beyond end of memory"},
    {"latin1+utf16", "string", "utf8", "hi", {1}, "result not aligned"},
    {"latin1+utf16", "string", "utf8", "hip", {65534}, "beyond end of memory"},
    {"latin1+utf16", "string", "utf8", "a\u0200", {0, 1}, "result not aligned"},
    {"latin1+utf16", "string", "utf8", "a\u0200", {0, 65532}, "beyond end of memory"},
    {"latin1+utf16", "string", "utf8", "a\u0200", {0, 0, 1}, "result not aligned"},
    {"latin1+utf16", "string", "utf8", "a\u0200", {0, 0, 65534}, "beyond end of memory"},
    {"latin1+utf16", "string", "utf8", "a\u00e9", {0, 1}, "result not aligned"},
    {"latin1+utf16", "string", "utf8", "ab\u00e9", {0, 65534}, "beyond end of memory"},
    {"latin1+utf16", "string", "wide", "hi", {1}, "result not aligned"},
    {"latin1+utf16", "string", "wide", "hi", {65534}, "beyond end of memory"},
    {"latin1+utf16", "string", "wide", "hi", {0, 65535}, "beyond end of memory"},
    {"utf8", "(list u32)", NULL, NULL, {2}, "result not aligned"},
    {"utf8", "(list u32)", NULL, NULL, {65536}, "beyond end of memory"},
    {"utf8", "(list u32 17)", NULL, NULL, {2}, "result not aligned"},
    {"utf8", "(list u32 17)", NULL, NULL, {65532}, "beyond end of memory"},
};

static struct canon_value numbers(u32 n)
{
    static struct canon_value items[17];
    for (u32 i = 0; i < n; i++) {
        items[i] = canon_u(CANON_T_U32, i);
    }
    return canon_list(n == 17 ? CANON_T_FIXED_LIST : CANON_T_LIST, items, n);
}

/* Puts a guest between the host and the liar $l, to have its string in an encoding. "wide" is Latin-1 in UTF-16. */
static void put_producer(struct buf *b, const char *source)
{
    bool wide = strcmp(source, "wide") == 0;
    const char *encoding = wide ? "latin1+utf16" : source;
    buf_printf(
        b,
        "(component $P (import \"next\" (func $next (param \"v\" string)))"
        "(core module $lib (memory (export \"mem\") 1) (data (i32.const 0) \"h\\00i\\00\")"
        "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"
        "(core instance $lib (instantiate $lib))"
        "(canon lower (func $next) (memory (core memory $lib \"mem\")) string-encoding=%s"
        " (core func $low))"
        "(core module $m (import \"\" \"low\" (func $low (param i32 i32)))"
        "(func (export \"f\") (param i32 i32) (call $low %s)))"
        "(core instance $m (instantiate $m (with \"\" (instance (export \"low\" (func $low))))))"
        "(func (export \"f\") (param \"v\" string) (canon lift (core func $m \"f\")"
        " (memory (core memory $lib \"mem\")) (realloc (core func $lib \"realloc\"))"
        " string-encoding=%s)))"
        "(instance $p (instantiate $P (with \"next\" (func $l \"f\"))))",
        encoding, wide ? "(i32.const 0) (i32.const 0x80000002)" : "(local.get 0) (local.get 1)",
        encoding);
}

static void put_liar(struct buf *b, u32 row)
{
    buf_printf(b,
               "(component (component $L (core module $m (memory (export \"mem\") 1)"
               "(global $n (mut i32) (i32.const 0)) (func (export \"f\") (param %s))"
               "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
               " (global.set $n (i32.add (global.get $n) (i32.const 1)))"
               " (if (i32.eq (global.get $n) (i32.const 1)) (then (return (i32.const %u))))"
               " (if (i32.eq (global.get $n) (i32.const 2)) (then (return (i32.const %u))))"
               " (i32.const %u)))"
               "(core instance $i (instantiate $m))"
               "(func (export \"f\") (param \"v\" %s) (canon lift (core func $i \"f\")"
               " (memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\"))"
               " string-encoding=%s))) (instance $l (instantiate $L))",
               strstr(lies[row].type, "17") ? "i32" : "i32 i32", lies[row].answers[0],
               lies[row].answers[1], lies[row].answers[2], lies[row].type, lies[row].encoding);
    if (lies[row].source) {
        put_producer(b, lies[row].source);
    }
    buf_printf(b, "(export \"f\" (func $%s \"f\")))", lies[row].source ? "p" : "l");
}

static void test_lying_realloc(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(lies); i++) {
        struct arena a = {0};
        struct buf b = buf_in(&a);
        put_liar(&b, i);
        struct world w;
        open_world(&w, buf_view(&b));
        struct canon_value arg = lies[i].text ? canon_string(str_c(lies[i].text))
                                              : numbers(strstr(lies[i].type, "17") ? 17 : 2);
        enum canon_outcome o = call(&w, "f", &arg, 1, NULL);
        str have = o == CANON_TRAPPED ? canon_trap_of(w.store)->message : STR("none");
        if (str_find(have, str_c(lies[i].trap), 0) == SIZE_MAX) {
            fail_msg("row %u: trap `" STRF "`, wanted `%s`", i, STRA(have), lies[i].trap);
        }
        world_end(&w);
        arena_free(&a);
    }
}

/* ---- Numbers ----------------------------------------------------------------------------------------------- */

/* What a core value becomes when it is lifted. */
static const struct {
    const char *type, *core;
    u64 bits, want;
} pairs[] = {
    {"bool", "i32", 0, 0},
    {"bool", "i32", 1, 1},
    {"bool", "i32", 2, 1},
    {"bool", "i32", 0xffffffff, 1},
    {"u8", "i32", 127, 127},
    {"u8", "i32", 128, 128},
    {"u8", "i32", 255, 255},
    {"u8", "i32", 256, 0},
    {"u8", "i32", 0xffffffff, 255},
    {"u8", "i32", 0xffffff80, 128},
    {"u8", "i32", 0xffffff7f, 127},
    {"s8", "i32", 127, 127},
    {"s8", "i32", 128, (u64)-128},
    {"s8", "i32", 255, (u64)-1},
    {"s8", "i32", 256, 0},
    {"s8", "i32", 0xffffffff, (u64)-1},
    {"s8", "i32", 0xffffff80, (u64)-128},
    {"s8", "i32", 0xffffff7f, 127},
    {"u16", "i32", 32767, 32767},
    {"u16", "i32", 32768, 32768},
    {"u16", "i32", 65535, 65535},
    {"u16", "i32", 65536, 0},
    {"u16", "i32", 0xffffffff, 65535},
    {"u16", "i32", 0xffff8000, 32768},
    {"u16", "i32", 0xffff7fff, 32767},
    {"s16", "i32", 32767, 32767},
    {"s16", "i32", 32768, (u64)-32768},
    {"s16", "i32", 65535, (u64)-1},
    {"s16", "i32", 65536, 0},
    {"s16", "i32", 0xffffffff, (u64)-1},
    {"s16", "i32", 0xffff8000, (u64)-32768},
    {"s16", "i32", 0xffff7fff, 32767},
    {"u32", "i32", 0x7fffffff, 0x7fffffff},
    {"u32", "i32", 0x80000000, 0x80000000},
    {"u32", "i32", 0xffffffff, 0xffffffff},
    {"s32", "i32", 0x7fffffff, 0x7fffffff},
    {"s32", "i32", 0x80000000, 0xffffffff80000000},
    {"s32", "i32", 0xffffffff, (u64)-1},
    {"u64", "i64", INT64_MAX, INT64_MAX},
    {"u64", "i64", (u64)1 << 63, (u64)1 << 63},
    {"u64", "i64", UINT64_MAX, UINT64_MAX},
    {"s64", "i64", INT64_MAX, INT64_MAX},
    {"s64", "i64", (u64)1 << 63, (u64)1 << 63},
    {"s64", "i64", UINT64_MAX, (u64)-1},
    {"char", "i32", 0, 0},
    {"char", "i32", 0xd7ff, 0xd7ff},
    {"char", "i32", 0xe000, 0xe000},
    {"char", "i32", 0x10ffff, 0x10ffff},
    {"f32", "f32", 0x7fc00000, 0x7fc00000},
    {"f32", "f32", 0x7fc00001, 0x7fc00000},
    {"f32", "f32", 0x7fe00000, 0x7fc00000},
    {"f32", "f32", 0x7fffffff, 0x7fc00000},
    {"f32", "f32", 0xffffffff, 0x7fc00000},
    {"f32", "f32", 0x7f800000, 0x7f800000},
    {"f32", "f32", 0x3fc00000, 0x3fc00000},
    {"f64", "f64", 0x7ff8000000000000, 0x7ff8000000000000},
    {"f64", "f64", 0x7ff8000000000001, 0x7ff8000000000000},
    {"f64", "f64", 0x7ffc000000000000, 0x7ff8000000000000},
    {"f64", "f64", 0x7fffffffffffffff, 0x7ff8000000000000},
    {"f64", "f64", 0xffffffffffffffff, 0x7ff8000000000000},
    {"f64", "f64", 0x7ff0000000000000, 0x7ff0000000000000},
    {"f64", "f64", 0x3ff0000000000000, 0x3ff0000000000000},
};

static u64 bits_of(const struct canon_value *v)
{
    u64 bits = v->u;
    u32 half;
    switch (v->kind) {
    case CANON_T_F32: memcpy(&half, &v->f32, sizeof half); return half;
    case CANON_T_F64: memcpy(&bits, &v->f64, sizeof bits); return bits;
    case CANON_T_S8:
    case CANON_T_S16:
    case CANON_T_S32:
    case CANON_T_S64: return (u64)v->s;
    default: return bits;
    }
}

/* Each number flat, and as what a list in memory holds. */
static void test_numbers(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(pairs); i++) {
        struct arena a = {0};
        struct buf b = buf_in(&a);
        bool is_float = pairs[i].core[0] == 'f', is_64 = strstr(pairs[i].core, "64") != NULL;
        const char *bits = is_64 ? "i64" : "i32";
        buf_printf(&b,
                   "(component (core module $m (memory (export \"mem\") 1)"
                   "(func (export \"flat\") (result %s) (%s.const %llu) %s%s%s)"
                   "(func (export \"list\") (result i32) (%s.store (i32.const 64) (%s.const %llu))"
                   " (i32.store (i32.const 16) (i32.const 64))"
                   " (i32.store (i32.const 20) (i32.const 1)) (i32.const 16)))"
                   "(core instance $i (instantiate $m))"
                   "(func (export \"flat\") (result %s) (canon lift (core func $i \"flat\")))"
                   "(func (export \"list\") (result (list %s)) (canon lift (core func $i \"list\")"
                   " (memory (core memory $i \"mem\")))))",
                   pairs[i].core, bits, (unsigned long long)pairs[i].bits, is_float ? "(" : "",
                   is_float ? pairs[i].core : "",
                   is_float ? is_64 ? ".reinterpret_i64)" : ".reinterpret_i32)" : "", bits, bits,
                   (unsigned long long)pairs[i].bits, pairs[i].type, pairs[i].type);
        struct world w;
        open_world(&w, buf_view(&b));
        struct canon_value flat = {0}, list = {0};
        assert_int_equal(call(&w, "flat", NULL, 0, &flat), CANON_OK);
        assert_int_equal(call(&w, "list", NULL, 0, &list), CANON_OK);
        assert_int_equal(bits_of(&flat), pairs[i].want);
        if (list.is_bytes) {
            assert_int_equal(list.text.len, 1);
            assert_int_equal((u8)list.text.ptr[0], (u8)pairs[i].want);
        } else {
            assert_int_equal(list.count, 1);
            assert_int_equal(bits_of(&list.items[0]), pairs[i].want);
        }
        world_end(&w);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_lying_realloc),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
