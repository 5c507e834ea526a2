/* builtins.c - fuzz target: two guests that interpret the input as calls of canonical built-ins with arbitrary arguments, one of them
 * called by the other in all forms. Whatever they do must end in results or traps. */
#include "canon.h"

#define FUEL       200000
#define MAX_INPUT  400
#define UNTIL_TURN 2000

/* One built-in: its canonical definition, parameters and result as letters (i, I). */
static const struct row {
    const char *definition, *params;
    char result;
} rows[] = {
    {"stream.new $s", "", 'I'},
    {"stream.read $s async (memory (core memory $mem \"mem\"))", "iii", 'i'},
    {"stream.write $s async (memory (core memory $mem \"mem\"))", "iii", 'i'},
    {"stream.read $s (memory (core memory $mem \"mem\"))", "iii", 'i'},
    {"stream.write $s (memory (core memory $mem \"mem\"))", "iii", 'i'},
    {"stream.cancel-read $s", "i", 'i'},
    {"stream.cancel-write $s async", "i", 'i'},
    {"stream.drop-readable $s", "i", 0},
    {"stream.drop-writable $s", "i", 0},
    {"stream.forward $s", "ii", 0},
    {"future.new $f", "", 'I'},
    {"future.read $f async (memory (core memory $mem \"mem\"))"
     " (realloc (core func $mem \"realloc\"))",
     "ii", 'i'},
    {"future.write $f async (memory (core memory $mem \"mem\"))", "ii", 'i'},
    {"future.write $f (memory (core memory $mem \"mem\"))", "ii", 'i'},
    {"future.cancel-read $f", "i", 'i'},
    {"future.cancel-write $f", "i", 'i'},
    {"future.drop-readable $f", "i", 0},
    {"future.drop-writable $f", "i", 0},
    {"future.forward $f", "ii", 0},
    {"waitable-set.new", "", 'i'},
    {"waitable-set.wait (memory (core memory $mem \"mem\"))", "ii", 'i'},
    {"waitable-set.poll (memory (core memory $mem \"mem\"))", "ii", 'i'},
    {"waitable-set.drop", "i", 0},
    {"waitable.join", "ii", 0},
    {"subtask.cancel", "i", 'i'},
    {"subtask.cancel async", "i", 'i'},
    {"subtask.drop", "i", 0},
    {"task.return (result u32)", "i", 0},
    {"task.cancel", "", 0},
    {"backpressure.inc", "", 0},
    {"backpressure.dec", "", 0},
    {"context.get i32 0", "", 'i'},
    {"context.set i32 1", "i", 0},
    {"thread.yield", "", 'i'},
    {"thread.index", "", 'i'},
    {"thread.new-indirect $start (core table $table \"t\")", "ii", 'i'},
    {"thread.resume-later", "i", 0},
    {"thread.suspend", "", 'i'},
    {"thread.suspend-then-resume", "i", 'i'},
    {"thread.yield-then-resume", "i", 'i'},
    {"thread.suspend-then-promote", "i", 'i'},
    {"thread.yield-then-promote", "i", 'i'},
    {"resource.new $r", "i", 'i'},
    {"resource.rep $r", "i", 'i'},
    {"resource.drop $r", "i", 0},
    {"error-context.new (memory (core memory $mem \"mem\"))", "ii", 'i'},
    {"error-context.debug-message (memory (core memory $mem \"mem\"))"
     " (realloc (core func $mem \"realloc\"))",
     "ii", 0},
    {"error-context.drop", "i", 0},
};

static void put_params(struct buf *b, const char *params)
{
    for (; *params; params++) {
        buf_c(b, *params == 'I' ? " (param i64)" : " (param i32)");
    }
}

static void put_dispatch(struct buf *b, u32 number, const char *params, char result)
{
    buf_printf(b, "(if (i32.eq (local.get $op) (i32.const %u)) (then ", number);
    buf_c(b, result == 'I' ? "(call $keep64 " : result ? "(call $keep " : "");
    buf_printf(b, "(call $b%u", number);
    for (u32 i = 0; params[i]; i++) {
        buf_printf(b, " (call $arg (i32.const %u))", i + 1);
    }
    buf_printf(b, ")%s))", result ? ")" : "");
}

/* The module that interprets: 4 bytes a command; operation, then up to three arguments. */
static void put_interpreter(struct buf *b, u32 calls)
{
    buf_c(b,
          "(core module $m (import \"\" \"mem\" (memory 1)) (import \"\" \"t\" (table 8 funcref))");
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        buf_printf(b, "(import \"\" \"b%u\" (func $b%u", i, i);
        put_params(b, rows[i].params);
        buf_c(b, rows[i].result == 'I' ? " (result i64)" : rows[i].result ? " (result i32)" : "");
        buf_c(b, "))");
    }
    for (u32 i = 0; i < calls; i++) { /* async, then sync */
        buf_printf(b, "(import \"\" \"b%u\" (func $b%u (param i32 i32 i32%s) (result i32)))",
                   (u32)LENGTH_OF(rows) + i, (u32)LENGTH_OF(rows) + i, i ? "" : " i32");
    }
    buf_c(b, "(global $at (mut i32) (i32.const 0)) (global $end (mut i32) (i32.const 0))"
             "(global $n (mut i32) (i32.const 0))"
             "(func $keep (param i32) (i32.store"
             "  (i32.shl (i32.and (global.get $n) (i32.const 15)) (i32.const 2)) (local.get 0))"
             "  (global.set $n (i32.add (global.get $n) (i32.const 1))))"
             "(func $keep64 (param i64) (call $keep (i32.wrap_i64 (local.get 0)))"
             "  (call $keep (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32)))))"
             "(func $arg (param i32) (result i32)"
             "  (local.set 0 (i32.load8_u (i32.sub (i32.add (global.get $at) (local.get 0))"
             "    (i32.const 4))))"
             "  (if (i32.lt_u (local.get 0) (i32.const 96)) (then (return (local.get 0))))"
             "  (if (i32.lt_u (local.get 0) (i32.const 224)) (then (return (i32.load"
             "    (i32.shl (i32.and (local.get 0) (i32.const 15)) (i32.const 2))))))"
             "  (if (i32.eq (local.get 0) (i32.const 255)) (then (return (i32.const -1))))"
             "  (i32.mul (local.get 0) (i32.const 291)))"
             "(func $run (result i32) (local $op i32) (local $max i32)"
             "  (loop $next"
             "   (if (i32.ge_u (i32.add (global.get $at) (i32.const 4)) (global.get $end))"
             "     (then (return (i32.const 0))))"
             "   (if (i32.gt_u (local.get $max) (i32.const 40)) (then (return (i32.const 1))))"
             "   (local.set $max (i32.add (local.get $max) (i32.const 1)))"
             "   (local.set $op (i32.load8_u (global.get $at)))"
             "   (global.set $at (i32.add (global.get $at) (i32.const 4)))");
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        put_dispatch(b, i, rows[i].params, rows[i].result);
    }
    for (u32 i = 0; i < calls; i++) {
        buf_printf(b,
                   "(if (i32.eq (local.get $op) (i32.const %u)) (then (call $keep (call $b%u"
                   " (global.get $at) (i32.and (call $arg (i32.const 1)) (i32.const 63))"
                   " (call $arg (i32.const 2))%s))))",
                   (u32)LENGTH_OF(rows) + i, (u32)LENGTH_OF(rows) + i, i ? "" : " (i32.const 128)");
    }
    buf_c(b, "  (if (i32.gt_u (local.get $op) (i32.const 250)) (then"
             "    (return (i32.sub (local.get $op) (i32.const 251)))))"
             "  (if (i32.gt_u (local.get $op) (i32.const 230)) (then"
             "    (return (i32.or (i32.const 2) (i32.shl (call $arg (i32.const 1))"
             "      (i32.const 4))))))"
             "  (br $next)) (unreachable))"
             "(func (export \"run\") (param i32 i32) (drop (call $begin (local.get 0)"
             "  (local.get 1) (i32.const 0))))"
             "(func $begin (export \"work\") (param i32 i32 i32) (result i32)"
             "  (global.set $at (local.get 0))"
             "  (global.set $end (i32.add (local.get 0) (local.get 1)))"
             "  (call $keep (local.get 2)) (call $run))"
             "(func (export \"callback\") (param i32 i32 i32) (result i32)"
             "  (call $keep (local.get 1)) (call $run))"
             "(func $thread (param i32) (call $keep (local.get 0)) (drop (call $run)))"
             "(func (export \"dtor\") (param i32) (call $keep (local.get 0)))"
             "(elem (i32.const 1) func $thread))");
}

/* The definitions of a component with everything that the rows name, and calls that `lowered` defines. */
static void put_component(struct buf *b, const char *lowered, u32 calls)
{
    buf_c(b, "(type $s (stream u8)) (type $f (future string)) (core type $start (func (param i32)))"
             "(core module $memm (memory (export \"mem\") 1) (global $a (mut i32) (i32.const 8192))"
             " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $r i32)"
             "  (local.set $r (i32.and (i32.add (global.get $a) (i32.const 15)) (i32.const -16)))"
             "  (global.set $a (i32.add (local.get $r) (local.get 3))) (local.get $r)))"
             "(core instance $mem (instantiate $memm))"
             "(core module $tablem (table (export \"t\") 8 funcref))"
             "(core instance $table (instantiate $tablem))"
             "(core module $dtorm (func (export \"d\") (param i32)))"
             "(core instance $dtor (instantiate $dtorm))"
             "(type $r (resource (rep i32) (dtor (core func $dtor \"d\"))))");
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        buf_printf(b, "(canon %s (core func $b%u))", rows[i].definition, i);
    }
    buf_c(b, lowered);
    put_interpreter(b, calls);
    buf_c(b, "(core instance $i (instantiate $m (with \"\" (instance"
             " (export \"mem\" (memory $mem \"mem\")) (export \"t\" (table $table \"t\"))");
    for (u32 i = 0; i < LENGTH_OF(rows) + calls; i++) {
        buf_printf(b, "(export \"b%u\" (func $b%u))", i, i);
    }
    buf_c(b, "))))");
}

static void put_text(struct buf *b)
{
    buf_c(b, "(component (component $C ");
    put_component(b, "", 0);
    buf_c(b, "(func (export \"work\") async (param \"p\" (list u8)) (param \"s\" $s) (result u32)"
             " (canon lift (core func $i \"work\") async (callback (core func $i \"callback\"))"
             "  (memory (core memory $mem \"mem\")) (realloc (core func $mem \"realloc\")))))"
             "(instance $c (instantiate $C))");
    struct buf lowered = buf_in(b->arena);
    for (u32 i = 0; i < 2; i++) {
        buf_printf(&lowered,
                   "(canon lower (func $c \"work\")%s (memory (core memory $mem \"mem\"))"
                   " (core func $b%u))",
                   i ? "" : " async", (u32)LENGTH_OF(rows) + i);
    }
    buf_byte(&lowered, 0);
    put_component(b, lowered.data, 2);
    buf_c(b, "(func (export \"run\") async (param \"p\" (list u8))"
             " (canon lift (core func $i \"run\") (memory (core memory $mem \"mem\"))"
             "  (realloc (core func $mem \"realloc\")))))");
}

static struct arena shared;
static const struct wasm_component *component;

static void prepare(void)
{
    struct sources sources = {.arena = &shared};
    struct diags d;
    struct buf text = buf_in(&shared);
    struct wasm_binary b;
    diags_init(&d, &shared, &sources);
    put_text(&text);
    u32 source = sources_add(&sources, STR("guest"), buf_view(&text), SOURCE_TEXT);
    if (!wasm_read(&shared, source, features_all(), &b, &d)) {
        struct buf out = buf_in(&shared);
        diags_render(&d, DIAG_TEXT, &out);
        __builtin_trap();
    }
    component = b.component;
}

static u32 turns;

static bool done(void *env)
{
    (void)env;
    return ++turns > UNTIL_TURN;
}

static void run(struct canon_store *s, struct canon_instance *i, const u8 *data, size_t size)
{
    struct arena a = {0};
    struct canon_value arg = canon_bytes(str_of((const char *)data, size));
    struct canon_func *f = canon_find_func(i, STR(""), STR("run"));
    struct canon_leak *leaks;
    u32 n;
    struct canon_invocation *inv;
    turns = 0;
    if (canon_begin(s, f, &arg, 1, NULL, NULL, &inv) == CANON_OK) {
        canon_store_run_until(s, done, NULL);
    }
    canon_leaks(s, &a, &leaks, &n);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (!component) {
        prepare();
    }
    if (size < 2 || size > MAX_INPUT) {
        return 0;
    }
    struct canon_seed seed = {data[0]};
    struct canon_config config = {.features = features_all(), .track_handles = true};
    config.limits.fuel = FUEL;
    config.choose = data[0] ? canon_choose_seeded : NULL;
    config.choose_ctx = &seed;
    struct canon_store *s = canon_store_new(&config);
    struct canon_linker *l = canon_linker_new();
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    struct canon_instance *i;
    diags_init(&d, &a, &sources);
    struct canon_loaded *loaded = canon_load(s, component, &d);
    if (!loaded || canon_instantiate(s, loaded, l, NULL, &i, &d) != CANON_OK) {
        __builtin_trap();
    }
    run(s, i, data + 1, size - 1);
    canon_store_free(s);
    canon_linker_free(l);
    arena_free(&a);
    return 0;
}
