/* canon_stream_test.c - what hosts do with streams of values, and with calls that they cancel. */
#include "test_world.h"

static void open_world(struct world *w, const char *text, struct canon_seed *seed)
{
    struct canon_config config = {.features = features_all()};
    if (seed) {
        config.choose = canon_choose_seeded;
        config.choose_ctx = seed;
    }
    world_begin_with(w, &config);
    world_start(w, str_c(text));
}

/* ---- Values ---------------------------------------------------------------------------------------- */

/* The guest gives a stream of its one string, three times, and a future of a record. */
static const char giver[] =
    "(component"
    " (type $s (stream string)) (type $p (record (field \"x\" u8) (field \"y\" (option u32))))"
    " (export $pe \"p\" (type $p)) (type $f (future $pe)) (type $r (tuple $s $f))"
    " (core module $mem (memory (export \"mem\") 1)"
    "   (data (i32.const 16) \"hello\") (data (i32.const 32) "
    "\"\\07\\00\\00\\00\\01\\00\\00\\00\\2a\"))"
    " (core instance $mem (instantiate $mem))"
    " (canon stream.new $s (core func $sn))"
    " (canon stream.write $s (memory (core memory $mem \"mem\")) (core func $sw))"
    " (canon stream.drop-writable $s (core func $sd))"
    " (canon future.new $f (core func $fn))"
    " (canon future.write $f (memory (core memory $mem \"mem\")) (core func $fw))"
    " (canon future.drop-writable $f (core func $fd))"
    " (canon task.return (result $r) (core func $return))"
    " (core module $m (import \"\" \"mem\" (memory 1))"
    "   (import \"\" \"sn\" (func $sn (result i64)))"
    "   (import \"\" \"sw\" (func $sw (param i32 i32 i32) (result i32)))"
    "   (import \"\" \"sd\" (func $sd (param i32)))"
    "   (import \"\" \"fn\" (func $fn (result i64)))"
    "   (import \"\" \"fw\" (func $fw (param i32 i32) (result i32)))"
    "   (import \"\" \"fd\" (func $fd (param i32)))"
    "   (import \"\" \"return\" (func $return (param i32 i32)))"
    "   (func $write (param i32) (local i32)"
    "     (loop $l (local.set 1 (i32.add (local.get 1) (i32.shr_u (call $sw (local.get 0)"
    "       (i32.const 64) (i32.sub (i32.const 3) (local.get 1))) (i32.const 4))))"
    "       (br_if $l (i32.lt_u (local.get 1) (i32.const 3)))))"
    "   (func (export \"give\") (local $s i64) (local $f i64)"
    "     (local.set $s (call $sn)) (local.set $f (call $fn))"
    "     (i32.store (i32.const 64) (i32.const 16)) (i32.store (i32.const 68) (i32.const 5))"
    "     (i32.store (i32.const 72) (i32.const 16)) (i32.store (i32.const 76) (i32.const 4))"
    "     (i32.store (i32.const 80) (i32.const 16)) (i32.store (i32.const 84) (i32.const 0))"
    "     (call $return (i32.wrap_i64 (local.get $s)) (i32.wrap_i64 (local.get $f)))"
    "     (call $write (i32.wrap_i64 (i64.shr_u (local.get $s) (i64.const 32))))"
    "     (call $sd (i32.wrap_i64 (i64.shr_u (local.get $s) (i64.const 32))))"
    "     (drop (call $fw (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 32)))"
    "       (i32.const 32)))"
    "     (call $fd (i32.wrap_i64 (i64.shr_u (local.get $f) (i64.const 32))))))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"mem\" (memory $mem \"mem\"))"
    "   (export \"sn\" (func $sn)) (export \"sw\" (func $sw)) (export \"sd\" (func $sd))"
    "   (export \"fn\" (func $fn)) (export \"fw\" (func $fw)) (export \"fd\" (func $fd))"
    "   (export \"return\" (func $return))))))"
    " (func (export \"give\") async (result $r) (canon lift (core func $i \"give\") async"
    "   (memory (core memory $mem \"mem\")))))";

struct taken {
    char text[64];
    u32 count;
    bool closed;
    u64 x, y;
    bool got;
};

static void take_strings(void *env, struct canon_end *end, const struct canon_read *r)
{
    struct taken *t = env;
    for (u32 i = 0; i < r->count; i++) {
        strncat(t->text, r->values[i].text.ptr, r->values[i].text.len);
        strcat(t->text, ".");
    }
    t->count += r->count;
    if (r->closed) {
        t->closed = true;
        canon_end_drop(end);
    } else {
        canon_stream_read(end, 2, take_strings, env);
    }
}

static void take_record(void *env, struct canon_end *end, const struct canon_read *r)
{
    struct taken *t = env;
    t->got = r->count == 1;
    if (t->got) {
        t->x = r->values[0].items[0].u;
        t->y = r->values[0].items[1].payload ? r->values[0].items[1].payload->u : 0;
    }
    canon_end_drop(end);
}

static void take(struct canon_seed *seed)
{
    struct world w;
    struct taken t = {0};
    struct canon_value out;
    open_world(&w, giver, seed);
    assert_int_equal(canon_invoke(w.store, world_export(&w, "give"), NULL, 0, &w.arena, &out),
                     CANON_OK);
    canon_stream_read(out.items[0].end, 2, take_strings, &t);
    canon_future_read(out.items[1].end, take_record, &t);
    assert_int_equal(canon_store_run_until(w.store, NULL, NULL), CANON_IDLE);
    assert_true(str_eq_c(str_c(t.text), "hello.hell.."));
    assert_true(t.closed && t.got);
    assert_int_equal(t.x, 7);
    assert_int_equal(t.y, 42);
    assert_false(canon_has_waiting(w.store));
    world_end(&w);
}

static void test_values(void **state)
{
    (void)state;
    take(NULL);
    for (u64 i = 0; i < 30; i++) {
        take(&(struct canon_seed){i});
    }
}

/* ---- Cancelling -------------------------------------------------------------------------------------- */

static const char waiter[] =
    "(component"
    " (canon task.return (result u32) (core func $return))"
    " (canon task.cancel (core func $cancel))"
    " (canon waitable-set.new (core func $new))"
    " (core module $m (import \"\" \"return\" (func $return (param i32)))"
    "   (import \"\" \"cancel\" (func $cancel)) (import \"\" \"new\" (func $new (result i32)))"
    "   (func (export \"wait\") (result i32)"
    "     (i32.or (i32.const 2) (i32.shl (call $new) (i32.const 4))))"
    "   (func (export \"gives-up\") (param i32 i32 i32) (result i32)"
    "     (if (i32.eq (local.get 0) (i32.const 6)) (then (call $cancel))) (i32.const 0))"
    "   (func (export \"insists\") (param i32 i32 i32) (result i32)"
    "     (call $return (i32.const 11)) (i32.const 0)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"return\" (func $return))"
    "   (export \"cancel\" (func $cancel)) (export \"new\" (func $new))))))"
    " (func (export \"gives-up\") async (result u32) (canon lift (core func $i \"wait\") async"
    "   (callback (core func $i \"gives-up\"))))"
    " (func (export \"insists\") async (result u32) (canon lift (core func $i \"wait\") async"
    "   (callback (core func $i \"insists\")))))";

struct ended {
    u32 times;
    u64 result;
};

static void on_done(void *env, const struct canon_value *result)
{
    struct ended *e = env;
    e->times++;
    e->result = result ? result->u : 0;
}

static void test_cancel(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 result;
    } rows[] = {{"gives-up", 0}, {"insists", 11}};
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        struct world w;
        struct ended e = {0};
        struct canon_invocation *inv;
        open_world(&w, waiter, NULL);
        assert_int_equal(
            canon_begin(w.store, world_export(&w, rows[i].name), NULL, 0, on_done, &e, &inv),
            CANON_OK);
        assert_int_equal(canon_store_run_until(w.store, NULL, NULL), CANON_IDLE);
        assert_int_equal(e.times, 0);
        assert_true(canon_has_waiting(w.store));
        assert_int_equal(canon_cancel(w.store, inv), CANON_OK);
        assert_int_equal(e.times, 1);
        assert_int_equal(e.result, rows[i].result);
        assert_false(canon_has_waiting(w.store));
        world_end(&w);
    }
}

/* ---- Several calls at a time ------------------------------------------------------------------------------ */

static void test_many_calls(void **state)
{
    (void)state;
    struct world w;
    struct ended e = {0};
    struct canon_invocation *inv[100];
    open_world(&w, waiter, NULL);
    for (u32 i = 0; i < LENGTH_OF(inv); i++) {
        assert_int_equal(
            canon_begin(w.store, world_export(&w, "insists"), NULL, 0, on_done, &e, &inv[i]),
            CANON_OK);
    }
    for (u32 i = 0; i < LENGTH_OF(inv); i++) {
        assert_int_equal(canon_cancel(w.store, inv[LENGTH_OF(inv) - 1 - i]), CANON_OK);
        assert_int_equal(e.times, i + 1);
        canon_forget(w.store, inv[LENGTH_OF(inv) - 1 - i]);
    }
    world_end(&w);
}

/* ---- Between hosts ------------------------------------------------------------------------------------- */

/* A guest that gives the host a stream, and forwards into it what another one of the host's has; or reads strings of the host's, and traps. */
static const char between[] =
    "(component (type $s (stream u8)) (type $t (stream string))"
    " (import \"source\" (func $source (result $s))) (import \"sink\" (func $sink (param \"s\" "
    "$s)))"
    " (import \"strings\" (func $strings (result $t)))"
    " (core module $memm (memory (export \"mem\") 1)"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (unreachable)))"
    " (core instance $mem (instantiate $memm))"
    " (canon lower (func $source) (core func $source)) (canon lower (func $sink) (core func $sink))"
    " (canon lower (func $strings) (core func $strings))"
    " (canon stream.new $s (core func $new)) (canon stream.forward $s (core func $forward))"
    " (canon stream.read $t async (memory (core memory $mem \"mem\"))"
    "  (realloc (core func $mem \"realloc\")) (core func $read))"
    " (core module $m (import \"\" \"source\" (func $source (result i32)))"
    "  (import \"\" \"sink\" (func $sink (param i32))) (import \"\" \"new\" (func $new (result "
    "i64)))"
    "  (import \"\" \"strings\" (func $strings (result i32)))"
    "  (import \"\" \"forward\" (func $forward (param i32 i32)))"
    "  (import \"\" \"read\" (func $read (param i32 i32 i32) (result i32)))"
    "  (func (export \"forward\") (local $ends i64) (local.set $ends (call $new))"
    "   (call $sink (i32.wrap_i64 (local.get $ends)))"
    "   (call $forward (call $source)"
    "    (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32)))))"
    "  (func (export \"trap\") (drop (call $read (call $strings) (i32.const 0) (i32.const 1)))"
    "   (unreachable)))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"source\" (func $source))"
    "  (export \"sink\" (func $sink)) (export \"new\" (func $new))"
    "  (export \"strings\" (func $strings)) (export \"forward\" (func $forward))"
    "  (export \"read\" (func $read))))))"
    " (func (export \"forward\") (canon lift (core func $i \"forward\")))"
    " (func (export \"trap\") (canon lift (core func $i \"trap\"))))";

struct both {
    struct world w;
    char text[16];
    u32 len, wanted;
    bool closed;
    struct canon_end *writable;
};

static void wanted(void *env, struct canon_end *end, u32 n)
{
    struct both *b = env;
    (void)n;
    if (b->wanted++ == 0) {
        canon_stream_write_bytes(end, "hi", 2);
    } else {
        canon_stream_close(end);
    }
}

static const struct canon_source two_bytes = {.wanted = wanted};

static void collect(void *env, struct canon_end *end, const struct canon_read *r)
{
    struct both *b = env;
    for (u32 i = 0; i < r->count && b->len < sizeof b->text; i++) {
        b->text[b->len++] = (char)r->bytes[i];
    }
    b->closed = r->closed;
    if (r->closed) {
        canon_end_drop(end);
    } else {
        canon_stream_read(end, 8, collect, b);
    }
}

static void host_source(void *env, struct canon_call *c)
{
    struct both *b = env;
    const struct canon_type *t = canon_call_type(c)->result->element;
    bool bytes = t->kind == CANON_T_U8;
    struct canon_value v =
        canon_readable(CANON_T_STREAM,
                       canon_stream_new(b->w.store, t, bytes ? &two_bytes : NULL, b, &b->writable));
    canon_call_return(c, &v);
}

static void host_sink(void *env, struct canon_call *c)
{
    canon_stream_read(canon_call_arg(c, 0)->end, 8, collect, env);
    canon_call_return(c, NULL);
}

static void open_between(struct both *b)
{
    memset(b, 0, sizeof *b);
    world_begin(&b->w);
    struct canon_linker_instance *root = canon_linker_root(b->w.linker);
    canon_linker_func(root, "source", "func() -> stream<u8>", host_source, b);
    canon_linker_func(root, "strings", "func() -> stream<string>", host_source, b);
    canon_linker_func(root, "sink", "func(s: stream<u8>)", host_sink, b);
    world_start(&b->w, str_c(between));
}

static void test_forward_between_hosts(void **state)
{
    (void)state;
    struct both b;
    open_between(&b);
    assert_int_equal(
        canon_invoke(b.w.store, world_export(&b.w, "forward"), NULL, 0, &b.w.arena, NULL),
        CANON_OK);
    assert_int_equal(canon_store_run_until(b.w.store, NULL, NULL), CANON_IDLE);
    assert_true(str_eq(str_of(b.text, b.len), STR("hi")));
    assert_true(b.closed);
    world_end(&b.w);
}

/* What has trapped runs no realloc for the host either. */
static void test_write_after_trap(void **state)
{
    (void)state;
    struct both b;
    struct canon_value text = canon_string(STR("late"));
    open_between(&b);
    assert_int_equal(canon_invoke(b.w.store, world_export(&b.w, "trap"), NULL, 0, &b.w.arena, NULL),
                     CANON_TRAPPED);
    assert_int_equal(canon_stream_write(b.writable, &text, 1), 0);
    assert_int_equal(canon_store_run_until(b.w.store, NULL, NULL), CANON_IDLE);
    world_end(&b.w);
}

/* ---- What copies cost ------------------------------------------------------------------------------- */

/* `give` writes to the host for ever, `take` reads from it: 16 MiB at a time, if the host would. */
static const char mover[] =
    "(component (type $s (stream u8))"
    " (core module $mem (memory (export \"mem\") 256)) (core instance $mem (instantiate $mem))"
    " (canon stream.new $s (core func $new))"
    " (canon stream.write $s (memory (core memory $mem \"mem\")) (core func $write))"
    " (canon stream.read $s (memory (core memory $mem \"mem\")) (core func $read))"
    " (canon task.return (result $s) (core func $return))"
    " (core module $m (import \"\" \"new\" (func $new (result i64)))"
    "  (import \"\" \"write\" (func $write (param i32 i32 i32) (result i32)))"
    "  (import \"\" \"read\" (func $read (param i32 i32 i32) (result i32)))"
    "  (import \"\" \"return\" (func $return (param i32)))"
    "  (func (export \"give\") (local $s i64) (local.set $s (call $new))"
    "   (call $return (i32.wrap_i64 (local.get $s)))"
    "   (loop $l (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $s) (i64.const 32)))"
    "    (i32.const 0) (i32.const 0x1000000))) (br $l)))"
    "  (func (export \"take\") (param $s i32)"
    "   (loop $l (drop (call $read (local.get $s) (i32.const 0) (i32.const 0x1000000)))"
    "    (br $l))))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"new\" (func $new))"
    "  (export \"write\" (func $write)) (export \"read\" (func $read))"
    "  (export \"return\" (func $return))))))"
    " (func (export \"give\") async (result $s) (canon lift (core func $i \"give\") async))"
    " (func (export \"take\") async (param \"s\" $s) (canon lift (core func $i \"take\"))))";

enum { MOVED_AT_ONCE = 1 << 20, FUEL = 10000 };

static void count_bytes(void *env, struct canon_end *end, const struct canon_read *r)
{
    u64 *moved = env;
    *moved += r->count;
    canon_stream_read(end, MOVED_AT_ONCE, count_bytes, env);
}

static void write_bytes(void *env, struct canon_end *end, u32 n)
{
    static const u8 bytes[MOVED_AT_ONCE];
    u64 *moved = env;
    *moved += canon_stream_write_bytes(end, bytes, n < MOVED_AT_ONCE ? n : MOVED_AT_ONCE);
}

static enum canon_outcome move_all(struct world *w, bool takes, u64 *moved)
{
    static const struct canon_source source = {.wanted = write_bytes};
    struct canon_func *f = world_export(w, takes ? "take" : "give");
    struct canon_value v;
    if (takes) {
        struct canon_end *writable;
        const struct canon_type *t = canon_func_type(f)->params[0].type->element;
        v = canon_readable(CANON_T_STREAM,
                           canon_stream_new(w->store, t, &source, moved, &writable));
        return canon_invoke(w->store, f, &v, 1, &w->arena, NULL);
    }
    assert_int_equal(canon_invoke(w->store, f, NULL, 0, &w->arena, &v), CANON_OK);
    canon_stream_read(v.end, MOVED_AT_ONCE, count_bytes, moved);
    return canon_store_run_until(w->store, NULL, NULL);
}

static void test_copies_burn_fuel(void **state)
{
    struct canon_config config = {.features = features_all(), .limits = {.fuel = FUEL}};
    (void)state;
    for (u32 takes = 0; takes < 2; takes++) {
        struct world w;
        u64 moved = 0;
        world_begin_with(&w, &config);
        world_start(&w, str_c(mover));
        assert_int_equal(move_all(&w, takes, &moved), CANON_TRAPPED);
        assert_true(str_eq_c(canon_trap_of(w.store)->message, "all fuel consumed"));
        assert_in_range(moved, FUEL / 2 * 1024, FUEL * 1024);
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),           cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_many_calls),       cmocka_unit_test(test_forward_between_hosts),
        cmocka_unit_test(test_write_after_trap), cmocka_unit_test(test_copies_burn_fuel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
