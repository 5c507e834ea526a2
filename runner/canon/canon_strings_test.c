/* canon_strings_test.c - strings that are none: ill-formed ones of each encoding at every offset, lengths at the limits, tags; into each encoding. */
#include "test_world.h"

static const char *const encodings[] = {"utf8", "utf16", "latin1+utf16"};

/* $B takes strings in one encoding, the root gives them in another: `units` of what is at 0, which is full of `fill`, with 8 bytes at `at`. */
static void open_pair(struct world *w, const char *from, const char *to)
{
    world_begin(w);
    struct buf b = buf_in(&w->arena);
    buf_printf(
        &b,
        "(component (component $B"
        " (core module $m (memory (export \"mem\") 1)"
        "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64))"
        "  (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
        " (core instance $i (instantiate $m))"
        " (func (export \"f\") (param \"s\" string) (result u32) (canon lift"
        "  (core func $i \"f\") (memory (core memory $i \"mem\"))"
        "  (realloc (core func $i \"realloc\")) string-encoding=%s)))"
        "(instance $b (instantiate $B))"
        "(core module $memm (memory (export \"mem\") 1))"
        "(core instance $mem (instantiate $memm))"
        "(canon lower (func $b \"f\") (memory (core memory $mem \"mem\"))"
        " string-encoding=%s (core func $f))"
        "(core module $m (import \"mem\" \"mem\" (memory 1))"
        " (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
        " (func (export \"run\") (param $at i32) (param $bytes i64) (param $units i32)"
        "  (param $fill i32) (result i32) (local $i i32)"
        "  (loop $l (i32.store16 (local.get $i) (local.get $fill))"
        "   (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2)))"
        "    (i32.const 512))))"
        "  (i64.store (local.get $at) (local.get $bytes))"
        "  (call $f (i32.const 0) (local.get $units))))"
        "(core instance $i (instantiate $m (with \"mem\" (instance $mem)) (with \"\" (instance"
        " (export \"f\" (func $f))))))"
        "(func (export \"run\") (param \"at\" u32) (param \"bytes\" u64)"
        " (param \"units\" u32) (param \"fill\" u32) (result u32)"
        " (canon lift (core func $i \"run\"))))",
        to, from);
    world_start(w, buf_view(&b));
}

/* The trap's message, or "none". */
static str give(struct world *w, u32 at, u64 bytes, u32 units, u32 fill)
{
    struct canon_value args[4] = {canon_u(CANON_T_U32, at), canon_u(CANON_T_U64, bytes),
                                  canon_u(CANON_T_U32, units), canon_u(CANON_T_U32, fill)};
    enum canon_outcome o = canon_invoke(w->store, world_export(w, "run"), args, 4, &w->arena, NULL);
    return o == CANON_TRAPPED ? canon_trap_of(w->store)->message : STR("none");
}

static void expect(const char *from, const char *to, u32 at, u64 bytes, u32 units, u32 fill,
                   const char *trap)
{
    struct world w;
    open_pair(&w, from, to);
    str have = give(&w, at, bytes, units, fill);
    if (str_find(have, str_c(trap), 0) == SIZE_MAX) {
        fail_msg("%s to %s, %#llx at %u of %#x: trap `" STRF "`, wanted `%s`", from, to,
                 (unsigned long long)bytes, at, units, STRA(have), trap);
    }
    world_end(&w);
}

/* Little-endian: the first byte is the lowest. Behind them are letters. */
static const u64 bad_utf8[] = {
    0x61616161616161ff, 0x6161616161616180, 0x61616161616180c0, 0x616161616161bfc1,
    0x61616161618080e0, 0x616161616180a0ed, 0x61616161808090f4, 0x61616161808080f0,
    0x61616161808080f8, 0x61616161616182e2, 0x616161616180009f, 0x61616161616161c3,
};
static const u64 bad_utf16[] = {
    0x006100610061d800, 0x006100610061dfff, 0x00610061d800dc00,
    0x00610061dbffdbff, 0xdc00d800dc00dc00, 0x006100610061dbff,
};
static const u64 good_utf8[] = {0x616161616161bfc2, 0x6161616161bfbfef, 0x61616161bfbf8ff4};
static const u64 good_utf16[] = {0x00610061dc00d800, 0x00610061dfffdbff, 0xe000d7ff00610061};

static void test_ill_formed(void **state)
{
    (void)state;
    for (u32 to = 0; to < LENGTH_OF(encodings); to++) {
        for (u32 i = 0; i < LENGTH_OF(bad_utf8); i++) {
            for (u32 at = 0; at < 70; at += at < 18 ? 1 : 13) {
                expect("utf8", encodings[to], at, bad_utf8[i], 80, 0x6161, "utf-8");
            }
        }
        for (u32 i = 0; i < LENGTH_OF(bad_utf16); i++) {
            for (u32 at = 0; at < 70; at += at < 18 ? 2 : 14) {
                expect("utf16", encodings[to], at, bad_utf16[i], 40, 0x61, "unpaired surrogate");
                expect("latin1+utf16", encodings[to], at, bad_utf16[i], 0x80000000 + 40, 0x61,
                       "unpaired surrogate");
            }
        }
        /* The string ends within a character. */
        for (u32 n = 1; n < 40; n++) {
            expect("utf8", encodings[to], n - 1, 0x61616161808080f1, n, 0x6161, "incomplete utf-8");
            expect("utf16", encodings[to], 2 * (n - 1), 0x00610061dc00d800, n, 0x61,
                   "unpaired surrogate");
        }
    }
}

/* Whole characters of every length at every offset, in one guest after the other. */
static void test_well_formed(void **state)
{
    (void)state;
    for (u32 n = 0; n < 9; n++) {
        struct world w;
        const char *from = encodings[n % 3];
        bool is_utf8 = n % 3 == 0;
        open_pair(&w, from, encodings[n / 3]);
        for (u32 at = 0; at < 70; at += is_utf8 ? 1 : 2) {
            for (u32 i = 0; i < 3; i++) {
                u32 tag = n % 3 == 2 ? 0x80000000 : 0;
                str have = give(&w, at, is_utf8 ? good_utf8[i] : good_utf16[i],
                                is_utf8 ? 80 : tag + 40, is_utf8 ? 0x6161 : 0x61);
                assert_true(str_eq_c(have, "none"));
            }
            if (n % 3 == 2) { /* Latin-1: any bytes are a string */
                assert_true(str_eq_c(give(&w, at, 0xff80c3e99f000100, 80, 0xffff), "none"));
            }
        }
        world_end(&w);
    }
}

static const struct {
    const char *from;
    u32 units;
    const char *trap;
} lengths[] = {
    {"utf8", 0, "none"},
    {"utf8", 65536, "beyond end of memory"}, /* realloc gives a place at 64 */
    {"utf8", 65537, "out-of-bounds"},
    {"utf8", 0x0fffffff, "out-of-bounds"},
    {"utf8", 0x10000000, "exceeds maximum"},
    {"utf8", 0x7fffffff, "exceeds maximum"},
    {"utf8", 0x80000000, "exceeds maximum"},
    {"utf8", 0xffffffff, "exceeds maximum"},
    {"utf16", 32769, "out-of-bounds"},
    {"utf16", 0x07ffffff, "out-of-bounds"},
    {"utf16", 0x08000000, "exceeds maximum"},
    {"utf16", 0x80000000, "exceeds maximum"},
    {"utf16", 0x80000001, "exceeds maximum"},
    {"utf16", 0xffffffff, "exceeds maximum"},
    {"latin1+utf16", 0x0fffffff, "out-of-bounds"},
    {"latin1+utf16", 0x10000000, "exceeds maximum"},
    {"latin1+utf16", 0x7fffffff, "exceeds maximum"},
    {"latin1+utf16", 0x80000000, "none"},
    {"latin1+utf16", 0x80008001, "out-of-bounds"},
    {"latin1+utf16", 0x87ffffff, "out-of-bounds"},
    {"latin1+utf16", 0x88000000, "exceeds maximum"},
    {"latin1+utf16", 0xffffffff, "exceeds maximum"},
};

static void test_lengths(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(lengths); i++) {
        for (u32 to = 0; to < LENGTH_OF(encodings); to++) {
            expect(lengths[i].from, encodings[to], 0, 0, lengths[i].units, 0, lengths[i].trap);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ill_formed),
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
