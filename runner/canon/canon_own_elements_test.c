/* canon_own_elements_test.c - streams of owned resources from one component to another: what is read, cancelled or never taken is owned by exactly
 * one of the two. A row is what the reader does and the number that comes of it, or the trap. */
#include "test_world.h"

/* The reader has $start (gives the stream, its handle 1; the writer has four resources, its handles 1 to 4), $write (of so many at an address: 0 holds
 * handles 1 2 3 4, 64 holds 1 1 2, 96 holds 1 9), $cancelw, $dropw, $wdrop (of a resource of the writer's), $count of destroyed ones; $read, $cancelr
 * and $dropr of the stream, $drop of a resource: its handles are at 0, as they come. */
#define START          "(drop (call $start))"
#define READ(n)        "(drop (call $read (i32.const 1) (i32.const 0) (i32.const " #n ")))"
#define WRITE(at, n)   "(drop (call $write (i32.const " #at ") (i32.const " #n ")))"
#define DROP(n)        "(call $drop (i32.load (i32.const " #n ")))"
#define WRITER_DROP(n) "(call $wdrop (i32.const " #n "))"

static const struct {
    const char *body;
    u32 result;
    const char *trap;
} rows[] = {
    /* The write is cancelled: what has been read is the reader's, the rest the writer's. */
    {START WRITE(0, 4) READ(2) "(call $cancelw)", 0x22, NULL},
    {START WRITE(0, 4) READ(2) "(drop (call $cancelw))" DROP(0) DROP(4) "(call $count)", 2, NULL},
    {START WRITE(0, 4) READ(2) "(drop (call $cancelw))" WRITER_DROP(3)
         WRITER_DROP(4) "(call $count)",
     2, NULL},
    {START WRITE(0, 4) READ(2) "(drop (call $cancelw))" WRITER_DROP(1) "(i32.const 0)", 0,
     "unknown handle index 1"},
    {START WRITE(0, 4) READ(2) "(drop (call $cancelw))" WRITE(0, 4) READ(1) "(i32.const 0)", 0,
     "unknown handle index 1"},
    {START WRITE(0, 4) READ(2) "(drop (call $cancelw))" WRITE(8, 2) READ(2) DROP(0)
         DROP(4) "(call $count)",
     2, NULL},
    {START WRITE(0, 4) "(call $cancelw)", 2, NULL},
    {START WRITE(0, 4) "(drop (call $cancelw))" WRITER_DROP(1) WRITER_DROP(2) WRITER_DROP(3)
         WRITER_DROP(4) "(call $count)",
     4, NULL},
    {START WRITE(0, 4) READ(4) "(call $cancelw)", 0x42, NULL},
    /* A resource that waits to be read is still the writer's, to drop as well. */
    {START WRITE(0, 4) WRITER_DROP(1) READ(1) "(i32.const 0)", 0, "unknown handle index 1"},
    {START WRITE(0, 4) WRITER_DROP(2) "(call $read (i32.const 1) (i32.const 0) (i32.const 1))",
     0x10, NULL},
    /* The read is cancelled. */
    {START READ(3) "(call $cancelr (i32.const 1))", 2, NULL},
    {START READ(3) "(drop (call $cancelr (i32.const 1)))" WRITE(0, 4) READ(3) "(call $cancelw)",
     0x32, NULL},
    {START READ(3) WRITE(0, 2) "(call $cancelr (i32.const 1))", 0x22, NULL},
    {START READ(3) WRITE(0, 2) "(drop (call $cancelr (i32.const 1)))" DROP(0)
         DROP(4) "(call $count)",
     2, NULL},
    {START READ(3) WRITE(0, 1) WRITE(4, 1) WRITE(8, 1) WRITE(12, 1) "(call $cancelr (i32.const 1))",
     0x32, NULL},
    /* An end is dropped. */
    {START WRITE(0, 4) READ(1) "(call $dropr (i32.const 1)) (call $cancelw)", 0x11, NULL},
    {START WRITE(0, 4) READ(1) "(call $dropr (i32.const 1)) (drop (call $cancelw))" DROP(0)
         WRITER_DROP(2) WRITER_DROP(3) WRITER_DROP(4) "(call $count)",
     4, NULL},
    {START READ(3) WRITE(0, 2) "(call $dropw) (call $cancelr (i32.const 1))", 0x21, NULL},
    {START READ(3) "(call $dropw) (call $cancelr (i32.const 1))", 1, NULL},
    {START READ(3) "(call $dropr (i32.const 1)) (i32.const 0)", 0, "cannot drop busy stream"},
    {START WRITE(0, 4) "(call $dropw) (i32.const 0)", 0, "cannot drop busy stream"},
    /* Bad elements trap when they are copied, not before. */
    {START WRITE(64, 3) READ(1) "(call $cancelw)", 0x12, NULL},
    {START WRITE(64, 3) READ(2) "(i32.const 0)", 0, "unknown handle index 1"},
    {START WRITE(96, 2) READ(1) "(call $cancelw)", 0x12, NULL},
    {START WRITE(96, 2) READ(2) "(i32.const 0)", 0, "unknown handle index 9"},
};

static const char writer[] =
    "(component $W"
    " (core module $memm (memory (export \"mem\") 1) (global $n (mut i32) (i32.const 0))"
    "  (data (i32.const 0) \"\\01\\00\\00\\00\\02\\00\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00\")"
    "  (data (i32.const 64) \"\\01\\00\\00\\00\\01\\00\\00\\00\\02\\00\\00\\00\")"
    "  (data (i32.const 96) \"\\01\\00\\00\\00\\09\\00\\00\\00\")"
    "  (func (export \"dtor\") (param i32) (global.set $n (i32.add (global.get $n) (i32.const 1))))"
    "  (func (export \"count\") (result i32) (global.get $n)))"
    " (core instance $mem (instantiate $memm))"
    " (type $r0 (resource (rep i32) (dtor (core func $mem \"dtor\")))) (export $r \"r\" (type $r0))"
    " (type $s (stream (own $r0))) (type $s' (stream (own $r)))"
    " (canon resource.new $r0 (core func $rn)) (canon resource.drop $r0 (core func $rd))"
    " (canon stream.new $s (core func $new)) (canon stream.drop-writable $s (core func $drop))"
    " (canon stream.write $s async (memory (core memory $mem \"mem\")) (core func $write))"
    " (canon stream.cancel-write $s (core func $cancel))"
    " (core module $m (import \"\" \"rn\" (func $rn (param i32) (result i32)))"
    "  (import \"\" \"new\" (func $new (result i64)))"
    "  (import \"\" \"write\" (func $write (param i32 i32 i32) (result i32)))"
    "  (import \"\" \"cancel\" (func $cancel (param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32))) (global $w (mut i32) (i32.const 0))"
    "  (func (export \"start\") (result i32) (local $i i32) (local $ends i64)"
    "   (loop $l (drop (call $rn (i32.const 5)))"
    "    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))"
    "   (local.set $ends (call $new))"
    "   (global.set $w (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))"
    "   (i32.wrap_i64 (local.get $ends)))"
    "  (func (export \"write\") (param i32 i32) (result i32)"
    "   (call $write (global.get $w) (local.get 0) (local.get 1)))"
    "  (func (export \"cancel\") (result i32) (call $cancel (global.get $w)))"
    "  (func (export \"drop\") (call $drop (global.get $w))))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"rn\" (func $rn))"
    "  (export \"new\" (func $new)) (export \"drop\" (func $drop)) (export \"write\" (func $write))"
    "  (export \"cancel\" (func $cancel))))))"
    " (func (export \"start\") (result $s') (canon lift (core func $i \"start\")))"
    " (func (export \"write\") (param \"at\" u32) (param \"n\" u32) (result u32) (canon lift (core "
    "func $i \"write\")))"
    " (func (export \"cancelw\") (result u32) (canon lift (core func $i \"cancel\")))"
    " (func (export \"dropw\") (canon lift (core func $i \"drop\")))"
    " (func (export \"wdrop\") (param \"i\" u32) (canon lift (core func $rd)))"
    " (func (export \"count\") (result u32) (canon lift (core func $mem \"count\"))))"
    "(instance $w (instantiate $W)) (alias export $w \"r\" (type $r)) (type $s (stream (own $r)))"
    "(core module $memm (memory (export \"mem\") 1)) (core instance $mem (instantiate $memm))";

static const struct {
    const char *name, *type, *definition;
} functions[] = {
    {"start", "(result i32)", "lower (func $w \"start\")"},
    {"write", "(param i32 i32) (result i32)", "lower (func $w \"write\")"},
    {"cancelw", "(result i32)", "lower (func $w \"cancelw\")"},
    {"dropw", "", "lower (func $w \"dropw\")"},
    {"wdrop", "(param i32)", "lower (func $w \"wdrop\")"},
    {"count", "(result i32)", "lower (func $w \"count\")"},
    {"read", "(param i32 i32 i32) (result i32)",
     "stream.read $s async (memory (core memory $mem \"mem\"))"},
    {"cancelr", "(param i32) (result i32)", "stream.cancel-read $s"},
    {"dropr", "(param i32)", "stream.drop-readable $s"},
    {"drop", "(param i32)", "resource.drop $r"},
};

static void put_world(struct buf *b, const char *body)
{
    buf_printf(b, "(component %s", writer);
    for (u32 i = 0; i < LENGTH_OF(functions); i++) {
        buf_printf(b, "(canon %s (core func $%s))", functions[i].definition, functions[i].name);
    }
    buf_c(b, "(core module $m (import \"mem\" \"mem\" (memory 1))");
    for (u32 i = 0; i < LENGTH_OF(functions); i++) {
        buf_printf(b, "(import \"\" \"%s\" (func $%s %s))", functions[i].name, functions[i].name,
                   functions[i].type);
    }
    buf_printf(b,
               "(func (export \"run\") (result i32) %s)) (core instance $i (instantiate $m"
               " (with \"mem\" (instance $mem)) (with \"\" (instance",
               body);
    for (u32 i = 0; i < LENGTH_OF(functions); i++) {
        buf_printf(b, "(export \"%s\" (func $%s))", functions[i].name, functions[i].name);
    }
    buf_c(b, "))))(func (export \"run\") (result u32) (canon lift (core func $i \"run\"))))");
}

static void test_rows(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        world_begin(&w);
        struct buf text = buf_in(&w.arena);
        struct canon_value result = {0};
        put_world(&text, rows[i].body);
        world_start(&w, buf_view(&text));
        enum canon_outcome o =
            canon_invoke(w.store, world_export(&w, "run"), NULL, 0, &w.arena, &result);
        str trap = o == CANON_TRAPPED ? canon_trap_of(w.store)->message : STR("");
        const char *wanted = rows[i].trap ? rows[i].trap : "";
        if (!str_eq_c(trap, wanted) || (!trap.len && result.u != rows[i].result)) {
            fail_msg("%s: trap `" STRF "`, result %#x, wanted `%s`, %#x", rows[i].body, STRA(trap),
                     (u32)result.u, wanted, rows[i].result);
        }
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
