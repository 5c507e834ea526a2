/* canon_realloc_test.c - what a realloc may do while values are on their way: move its memory, give the same place again, change the memory that the values
 * come from. */
#include "test_world.h"

/* The guest calls itself: from memory A, which holds "hello", into memory B, whose realloc does what a row says. The export gives what is at the
 * start of the value in B, and all bytes of A's must have come as they were at the call. */
static const struct {
    const char *type, *lower, *lift, *realloc, *got;
    u64 want;
} rows[] = {
#define CLOBBER                               \
    "(drop (memory.grow $a (i32.const 100)))" \
    "(memory.fill $a (i32.const 0) (i32.const 0xff) (i32.const 16)) (i32.const 64)"
#define HELL 0x6c6c6568
    {"string", "utf8", "utf8", CLOBBER, "(i32.load $b (local.get 0))", HELL},
    {"string", "utf8", "utf16", CLOBBER, "(i32.load $b (local.get 0))", 0x650068},
    {"string", "utf8", "latin1+utf16", CLOBBER, "(i32.load $b (local.get 0))", HELL},
    {"string", "utf16", "utf8", CLOBBER, "(local.get 1)", 15}, /* each unit gives three bytes */
    {"string", "latin1+utf16", "utf16", CLOBBER, "(i32.load $b (local.get 0))", 0x650068},
    {"(list u8)", "utf8", "utf8", CLOBBER, "(i32.load $b (local.get 0))", HELL},
    {"(list u32)", "utf8", "utf8", CLOBBER, "(i32.load $b (local.get 0))", HELL},
    /* The block lies at the end of a memory that grows each time. */
    {"string", "utf8", "utf8", "(i32.shl (memory.grow $b (i32.const 100)) (i32.const 16))",
     "(i32.load $b (local.get 0))", HELL},
    {"string", "utf8", "utf16", "(i32.shl (memory.grow $b (i32.const 100)) (i32.const 16))",
     "(i32.load $b (local.get 0))", 0x650068},
};

static void run_row(u32 row)
{
    struct world w;
    struct buf b;
    world_begin(&w);
    b = buf_in(&w.arena);
    buf_printf(&b,
               "(component (core module $am (memory (export \"mem\") 1)"
               " (data (i32.const 0) \"hello wo\\40\\20\\40\\20\"))"
               "(core instance $a (instantiate $am))"
               "(core module $bm (import \"\" \"mem\" (memory $a 1)) (memory $b (export \"mem\") 1)"
               " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) %s)"
               " (func (export \"f\") (param i32 i32) (result i32) %s))"
               "(core instance $b (instantiate $bm (with \"\" (instance $a))))"
               "(func $f (param \"v\" %s) (result u32) (canon lift (core func $b \"f\")"
               " (memory (core memory $b \"mem\")) (realloc (core func $b \"realloc\"))"
               " string-encoding=%s))"
               "(canon lower (func $f) (memory (core memory $a \"mem\")) string-encoding=%s"
               " (core func $low))",
               rows[row].realloc, rows[row].got, rows[row].type, rows[row].lift, rows[row].lower);
    buf_printf(&b, "(core module $m (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
                   " (func (export \"run\") (result i32) (call $f (i32.const 0) (i32.const 5))))"
                   "(core instance $m (instantiate $m (with \"\" (instance"
                   " (export \"f\" (func $low))))))"
                   "(func (export \"run\") (result u32) (canon lift (core func $m \"run\"))))");
    world_start(&w, buf_view(&b));
    struct canon_value result = {0};
    if (canon_invoke(w.store, world_export(&w, "run"), NULL, 0, &w.arena, &result) != CANON_OK) {
        fail_msg("row %u: trap `" STRF "`", row, STRA(canon_trap_of(w.store)->message));
    }
    if (result.u != rows[row].want) {
        fail_msg("row %u: %#llx, wanted %#llx", row, (unsigned long long)result.u,
                 (unsigned long long)rows[row].want);
    }
    world_end(&w);
}

static void test_realloc_and_memories(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        run_row(i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_realloc_and_memories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
