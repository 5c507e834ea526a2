/* canon_elements_test.c - a stream of each type of element from one component to another: in parts, with a cancellation in between, to the end. */
#include "test_world.h"

static const struct {
    const char *type;
    u32 size;
    const char *bytes; /* of one element in the writer's memory, as in a data segment */
    u32 compared;      /* so many bytes of each arrive as they were: not those of pointers */
} rows[] = {
    {"", 0, "", 0},
    {"u8", 1, "\\07", 1},
    {"s8", 1, "\\87", 1},
    {"u16", 2, "\\07\\80", 2},
    {"s32", 4, "\\07\\00\\00\\80", 4},
    {"u64", 8, "\\01\\02\\03\\04\\05\\06\\07\\88", 8},
    {"f32", 4, "\\00\\00\\80\\3f", 4},
    {"f64", 8, "\\01\\02\\03\\04\\05\\06\\07\\3f", 8},
    {"bool", 1, "\\01", 1},
    {"(tuple char)", 4, "\\ac\\20\\00\\00", 4},
    {"(tuple u8 u64)", 16, "\\09\\00\\00\\00\\00\\00\\00\\00\\01\\02\\03\\04\\05\\06\\07\\88", 16},
    {"(tuple u16 u16)", 4, "\\01\\02\\03\\04", 4},
    {"(list u16 3)", 6, "\\01\\02\\03\\04\\05\\06", 6},
    {"(option u32)", 8, "\\01\\00\\00\\00\\05\\06\\07\\08", 8},
    {"(result u8 (error char))", 8, "\\01\\00\\00\\00\\41\\00\\00\\00", 8},
    {"(flags \"a\" \"b\" \"c\")", 1, "\\05", 1},
    {"(enum \"a\" \"b\" \"c\")", 1, "\\02", 1},
    {"(tuple u32 string)", 12, "\\01\\02\\03\\04\\00\\10\\00\\00\\05\\00\\00\\00", 4},
    {"(tuple u32 (list char))", 12, "\\01\\02\\03\\04\\08\\10\\00\\00\\02\\00\\00\\00", 4},
    {"(tuple u32 (map string u8))", 12, "\\01\\02\\03\\04\\00\\10\\00\\00\\00\\00\\00\\00", 4},
};

/* The writer offers five elements and gives the stream away; `finish` takes the event, and drops its end. @T is the type of the elements, @E how an export
 * names it, @S the stream, @D the elements. */
static const char writer[] =
    "(component $W (type $t0 @T) @E (type $s @S) @M"
    " (data (i32.const 4096) \"hello\\00\\00\\00\\ac\\20\\00\\00\\41\\00\\00\\00\")"
    " (data (i32.const 256) \"@D@D@D@D@D\")) (core instance $mem (instantiate $memm))"
    " (canon stream.new $s (core func $new)) (canon stream.drop-writable $s (core func $drop))"
    " (canon stream.write $s async (memory (core memory $mem \"mem\")) (core func $write))"
    " (canon waitable-set.new (core func $set)) (canon waitable.join (core func $join))"
    " (canon waitable-set.poll (memory (core memory $mem \"mem\")) (core func $poll))"
    " (core module $m (import \"mem\" \"mem\" (memory 1))"
    "  (import \"\" \"new\" (func $new (result i64))) (import \"\" \"drop\" (func $drop (param "
    "i32)))"
    "  (import \"\" \"write\" (func $write (param i32 i32 i32) (result i32)))"
    "  (import \"\" \"set\" (func $set (result i32))) (import \"\" \"join\" (func $join (param i32 "
    "i32)))"
    "  (import \"\" \"poll\" (func $poll (param i32 i32) (result i32)))"
    "  (global $w (mut i32) (i32.const 0)) (global $s (mut i32) (i32.const 0))"
    "  (func (export \"start\") (result i32) (local $ends i64) (local.set $ends (call $new))"
    "   (global.set $w (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))"
    "   (if (i32.ne (call $write (global.get $w) (i32.const 256) (i32.const 5)) (i32.const -1))"
    "    (then unreachable))"
    "   (i32.wrap_i64 (local.get $ends)))"
    "  (func (export \"finish\") (result i32) (global.set $s (call $set))"
    "   (call $join (global.get $w) (global.get $s))"
    "   (if (i32.ne (call $poll (global.get $s) (i32.const 8)) (i32.const 3)) (then unreachable))"
    "   (call $drop (global.get $w)) (i32.load (i32.const 12))))"
    " (core instance $i (instantiate $m (with \"mem\" (instance $mem)) (with \"\" (instance"
    "  (export \"new\" (func $new)) (export \"drop\" (func $drop)) (export \"write\" (func $write))"
    "  (export \"set\" (func $set)) (export \"join\" (func $join)) (export \"poll\" (func "
    "$poll))))))"
    " (func (export \"start\") (result $s) (canon lift (core func $i \"start\")))"
    " (func (export \"finish\") (result u32) (canon lift (core func $i \"finish\"))))";

/* Reads two, none, two, of four the last one, one, which it cancels, and one again, which the drop ends. Gives the codes, and from 240 on the elements. */
static const char reader[] =
    "(instance $w (instantiate $W)) @A (type $s @S) @M) (core instance $mem (instantiate $memm))"
    "(canon lower (func $w \"start\") (core func $start))"
    "(canon lower (func $w \"finish\") (core func $finish))"
    "(canon stream.read $s async (memory (core memory $mem \"mem\"))"
    " (realloc (core func $mem \"realloc\")) string-encoding=utf16 (core func $read))"
    "(canon stream.cancel-read $s (core func $cancel))"
    "(core module $m (import \"mem\" \"mem\" (memory 1))"
    " (import \"\" \"start\" (func $start (result i32)))"
    " (import \"\" \"finish\" (func $finish (result i32)))"
    " (import \"\" \"read\" (func $read (param i32 i32 i32) (result i32)))"
    " (import \"\" \"cancel\" (func $cancel (param i32) (result i32)))"
    " (global $n (mut i32) (i32.const 16)) (global $s (mut i32) (i32.const 0))"
    " (func $code (param i32) (i32.store (global.get $n) (local.get 0))"
    "  (global.set $n (i32.add (global.get $n) (i32.const 4))))"
    " (func $get (param $at i32) (param $n i32)"
    "  (call $code (call $read (global.get $s) (local.get $at) (local.get $n))))"
    " (func (export \"run\") (param $size i32) (result i32) (global.set $s (call $start))"
    "  (call $get (i32.const 256) (i32.const 2)) (call $get (i32.const 1) (i32.const 0))"
    "  (call $get (i32.add (i32.const 256) (i32.mul (local.get $size) (i32.const 2))) (i32.const "
    "2))"
    "  (call $get (i32.add (i32.const 256) (i32.mul (local.get $size) (i32.const 4))) (i32.const "
    "4))"
    "  (call $get (i32.const 1024) (i32.const 1)) (call $code (call $cancel (global.get $s)))"
    "  (call $get (i32.const 1024) (i32.const 1)) (call $code (call $finish))"
    "  (call $code (call $cancel (global.get $s)))"
    "  (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 400))"
    "  (i32.const 0)))"
    "(core instance $i (instantiate $m (with \"mem\" (instance $mem)) (with \"\" (instance"
    " (export \"start\" (func $start)) (export \"finish\" (func $finish))"
    " (export \"read\" (func $read)) (export \"cancel\" (func $cancel))))))"
    "(func (export \"run\") (param \"size\" u32) (result (list u8)) (canon lift"
    " (core func $i \"run\") (memory (core memory $mem \"mem\"))))";

static const char memory[] =
    "(core module $memm (memory (export \"mem\") 1) (global $at (mut i32) (i32.const 8192))"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
    "  (global.set $at (i32.add (global.get $at) (i32.const 64))) (global.get $at))";

static void expand(struct buf *b, const char *text, u32 row)
{
    const char *type = rows[row].type;
    bool named = strstr(type, "flags") || strstr(type, "enum");
    for (; *text; text++) {
        if (*text != '@') {
            buf_put(b, text, 1);
            continue;
        }
        switch (*++text) {
        case 'T': buf_c(b, *type ? type : "u8"); break;
        case 'E':
            buf_c(b, named ? "(export $t \"t\" (type $t0))" : "(alias outer $W $t0 (type $t))");
            break;
        case 'A':
            buf_c(b, named ? "(alias export $w \"t\" (type $t))" : "(type $t ");
            buf_c(b, named ? "" : *type ? type : "u8");
            buf_c(b, named ? "" : ")");
            break;
        case 'S': buf_c(b, *type ? "(stream $t)" : "(stream)"); break;
        case 'D': buf_c(b, rows[row].bytes); break;
        default: buf_c(b, memory);
        }
    }
}

/* The bytes that a data segment would hold. */
static u32 read_bytes(const char *text, u8 *out)
{
    u32 n = 0;
    for (; *text; text += 3) {
        out[n++] = (u8)strtoul((char[]){text[1], text[2], 0}, NULL, 16);
    }
    return n;
}

static void run_row(u32 row)
{
    static const u32 codes[] = {0x20, 0, 0x20, 0x10, 0xffffffff, 2, 0xffffffff, 0x50, 1};
    struct world w;
    u8 element[16];
    world_begin(&w);
    struct buf b = buf_in(&w.arena);
    buf_c(&b, "(component ");
    expand(&b, writer, row);
    expand(&b, reader, row);
    buf_c(&b, ")");
    world_start(&w, buf_view(&b));
    struct canon_value size = canon_u(CANON_T_U32, rows[row].size), result = {0};
    if (canon_invoke(w.store, world_export(&w, "run"), &size, 1, &w.arena, &result) != CANON_OK) {
        fail_msg("%s: trap `" STRF "`", rows[row].type, STRA(canon_trap_of(w.store)->message));
    }
    for (u32 i = 0; i < LENGTH_OF(codes); i++) {
        u32 code;
        memcpy(&code, result.text.ptr + 4 * i, 4);
        if (code != codes[i]) {
            fail_msg("%s: code %u is %#x, wanted %#x", rows[row].type, i, code, codes[i]);
        }
    }
    assert_int_equal(read_bytes(rows[row].bytes, element), rows[row].size);
    for (u32 i = 0; i < 5; i++) {
        if (memcmp(result.text.ptr + 240 + i * rows[row].size, element, rows[row].compared) != 0) {
            fail_msg("%s: element %u has come as something else", rows[row].type, i);
        }
    }
    world_end(&w);
}

static void test_elements(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        run_row(i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_elements)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
