/* builtins.c - fuzz target: three guests in a row that interpret the input as calls of canonical built-ins, of each other in all forms, and of a host that
 * answers at once, later or never; the host calls the first one several times and cancels. Whatever they do must end in results or traps. */
#include "canon.h"

#include <stdio.h>

#define FUEL       200000
#define MAX_INPUT  600
#define UNTIL_TURN 3000
#define MEM        " (memory (core memory $mem \"mem\"))"
#define REALLOC    " (realloc (core func $mem \"realloc\"))"

/* One function: its canonical definition, parameters and result as letters.
 * Handles come from those that the guest keeps for each kind, capitals give them away: r R, w W the ends of the row's type, y z the same while a copy is under way, s S a
 * waitable set, t a subtask that runs, T one that is done, h a thread, x X a resource of its own, q Q one of the next guest, e E an error-context, j any waitable,
 * 0 a set or none. a: an address; A: that of a resource to give away; c: a count, 1: one; v: a number; p: a list within the input; o: a place for a result. */
struct row {
    const char *definition, *params;
    char result; /* see put_result */
};

/* For each type of stream and future: T is it. */
static const struct row stream_rows[] = {
    {"stream.new T", "", 'N'},
    {"stream.read T async" MEM REALLOC, "rac", 'b'},
    {"stream.write T async" MEM, "wac", 'b'},
    {"stream.read T" MEM REALLOC, "rac", 'd'},
    {"stream.write T" MEM, "wac", 'd'},
    {"stream.cancel-read T", "y", 'n'},
    {"stream.cancel-write T", "z", 'n'},
    {"stream.cancel-read T async", "y", 'n'},
    {"stream.cancel-write T async", "z", 'n'},
    {"stream.drop-readable T", "R", 0},
    {"stream.drop-writable T", "W", 0},
    {"stream.forward T", "RW", 0},
};
static const struct row future_rows[] = {
    {"future.new T", "", 'N'},
    {"future.read T async" MEM REALLOC, "ra", 'b'},
    {"future.write T async" MEM, "wa", 'b'},
    {"future.read T" MEM REALLOC, "ra", 'd'},
    {"future.write T" MEM, "wa", 'd'},
    {"future.cancel-read T", "y", 'n'},
    {"future.cancel-write T", "z", 'n'},
    {"future.cancel-read T async", "y", 'n'},
    {"future.cancel-write T async", "z", 'n'},
    {"future.drop-readable T", "R", 0},
    {"future.drop-writable T", "W", 0},
    {"future.forward T", "RW", 0},
};
static const char *const stream_types[] = {"$s", "$s0", "$st", "$ss", "$so"};
static const char *const future_types[] = {"$f", "$f0", "$ff"};

/* Kinds of handles: two for each type, then these. BUSY and more: the same, while something is under way. */
enum kind { FUTURES = 10, SETS = 16, SUBTASKS, THREADS, OWN, ERRORS, NEXT, BUSY = 32 };

static const struct row rows[] = {
    {"waitable-set.new", "", 'S'},
    {"waitable-set.wait" MEM, "so", 'V'},
    {"waitable-set.poll" MEM, "so", 'V'},
    {"waitable-set.drop", "S", 0},
    {"waitable.join", "j0", 0},
    {"subtask.cancel", "t", 'U'},
    {"subtask.cancel async", "t", 'U'},
    {"subtask.drop", "T", 0},
    {"backpressure.inc", "", 0},
    {"backpressure.dec", "", 0},
    {"context.get i32 1", "", 'd'},
    {"context.set i32 1", "v", 0},
    {"thread.yield", "", 'd'},
    {"thread.index", "", 'H'},
    {"thread.new-indirect $start (core table $table \"t\")", "1v", 'H'},
    {"thread.resume-later", "h", 0},
    {"thread.suspend", "", 'd'},
    {"thread.suspend-then-resume", "h", 'd'},
    {"thread.yield-then-resume", "h", 'd'},
    {"thread.suspend-then-promote", "h", 'd'},
    {"thread.yield-then-promote", "h", 'd'},
    {"resource.new $r0", "v", 'X'},
    {"resource.rep $r0", "x", 'd'},
    {"resource.drop $r0", "X", 0},
    {"error-context.new" MEM, "ac", 'E'},
    {"error-context.debug-message" MEM REALLOC, "eo", 0},
    {"error-context.drop", "E", 0},
    {"lower (func $host \"quick\")", "v", 'd'},
    {"lower (func $host \"slow\") async" MEM, "vo", 'u'},
    {"lower (func $host \"slow\")", "v", 'd'},
    {"lower (func $host \"pipe\") async" MEM, "Ro", 'P'},
    {"lower (func $host \"promise\") async" MEM, "vo", 'F'},
    {"lower (func $host \"text\")" MEM REALLOC, "aco", 0},
    {"task.return (result u32)", "v", 0},
    {"task.cancel", "", 0},
};
/* Calls of the next guest. */
static const struct row calls[] = {
    {"lower (func $next \"work\") async" MEM, "pRo", 'u'},
    {"lower (func $next \"work\")" MEM, "pR", 'd'},
    {"lower (func $next \"stack\") async" MEM, "po", 'u'},
    {"lower (func $next \"stack\")" MEM, "p", 'd'},
    {"lower (func $next \"block\") async" MEM, "po", 'u'},
    {"lower (func $next \"block\")" MEM, "p", 'd'},
    {"lower (func $next \"plain\")" MEM, "p", 'd'},
    {"lower (func $next \"make\")", "v", 'Q'},
    {"lower (func $next \"lend\") async" MEM, "qpo", 'u'},
    {"lower (func $next \"lend\")" MEM, "qp", 'd'},
    {"lower (func $next \"give\")" MEM REALLOC, "Qo", 0},
    {"resource.drop $r", "Q", 0},
};

static struct {
    struct row row;
    u32 kind; /* of the readable end */
} all[160];
static u32 row_count, own_count; /* own: without the calls of the next guest */
static u32 task_return, task_cancel, backpressure_dec;

static void add_rows(struct arena *a, const struct row *from, u32 n, const char *type, u32 kind)
{
    for (u32 i = 0; i < n; i++) {
        struct buf b = buf_in(a);
        for (const char *p = from[i].definition; *p; p++) {
            bool hole = type && *p == 'T';
            buf_put(&b, hole ? type : p, hole ? strlen(type) : 1);
        }
        all[row_count].row = from[i];
        all[row_count].kind = kind;
        if (type && strcmp(type, "$so") == 0 && from[i].params[0] == 'w') {
            all[row_count].row.params = "wA1";
        }
        task_return =
            str_starts(str_c(from[i].definition), STR("task.return")) ? row_count : task_return;
        task_cancel =
            str_starts(str_c(from[i].definition), STR("task.cancel")) ? row_count : task_cancel;
        backpressure_dec = str_starts(str_c(from[i].definition), STR("backpressure.dec"))
                               ? row_count
                               : backpressure_dec;
        all[row_count++].row.definition = str_to_c(a, buf_view(&b));
    }
}

static void fill_rows(struct arena *a)
{
    u32 kind = 0;
    for (u32 i = 0; i < LENGTH_OF(stream_types); i++, kind += 2) {
        add_rows(a, stream_rows, LENGTH_OF(stream_rows), stream_types[i], kind);
    }
    for (u32 i = 0; i < LENGTH_OF(future_types); i++, kind += 2) {
        add_rows(a, future_rows, LENGTH_OF(future_rows), future_types[i], kind);
    }
    add_rows(a, rows, LENGTH_OF(rows), NULL, 0);
    own_count = row_count;
    add_rows(a, calls, LENGTH_OF(calls), NULL, 0);
}

/* A handle that a letter takes. */
static u32 kind_of(char letter, u32 kind)
{
    switch (letter) {
    case 'r':
    case 'R': return kind;
    case 'w':
    case 'W': return kind + 1;
    case 'y': return kind + BUSY;
    case 'z': return kind + 1 + BUSY;
    case 's':
    case 'S':
    case '0': return SETS;
    case 't': return SUBTASKS + BUSY;
    case 'T': return SUBTASKS;
    case 'h':
    case 'H': return THREADS;
    case 'x':
    case 'X':
    case 'A': return OWN;
    case 'q':
    case 'Q': return NEXT;
    default: return ERRORS;
    }
}

static void put_params(struct buf *b, const char *params)
{
    for (; *params; params++) {
        buf_c(b, *params == 'p' ? " (param i32 i32)" : " (param i32)");
    }
}

/* Argument n into its local; byte n + 1 of the command chooses it. */
static void put_argument(struct buf *b, u32 n, char letter, u32 kind)
{
    buf_printf(b, "(local.set $x%u ", n);
    switch (letter) {
    case 'v': buf_printf(b, "(call $byte (i32.const %u))", n + 1); break;
    case 'c': buf_printf(b, "(call $count (i32.const %u))", n + 1); break;
    case 'a': buf_printf(b, "(call $address (i32.const %u))", n + 1); break;
    case 'o': buf_c(b, "(i32.const 128)"); break;
    case '1': buf_c(b, "(i32.const 1)"); break;
    case 'p': buf_printf(b, "(i32.and (call $byte (i32.const %u)) (i32.const 63))", n + 1); break;
    case 'j': buf_printf(b, "(call $any (i32.const %u))", n + 1); break;
    default:
        buf_printf(b, "(call $pick (i32.const %u) (i32.const %u))", n + 1, kind_of(letter, kind));
    }
    buf_c(b, ")");
    buf_c(b, letter == '0' ? "(global.set $skip (i32.const 0))" : "");
}

/* What becomes of the result, which stands on the stack. */
static void put_result(struct buf *b, char result, u32 kind, char first)
{
    switch (result) {
    case 0: break;
    case 'N': buf_printf(b, "(call $new (i32.const %u))", kind); break;
    case 'b':
        buf_printf(b, "(call $copy (local.get $x0) (i32.const %u))", kind_of(first, kind));
        break;
    case 'n':
        buf_printf(b, "(call $cancelled (local.get $x0) (i32.const %u))",
                   kind_of(first, kind) - BUSY);
        break;
    case 'U': buf_printf(b, "(call $cancelled (local.get $x0) (i32.const %u))", SUBTASKS); break;
    case 'u': buf_c(b, "(call $subtask)"); break;
    case 'V':
        buf_c(b, "(call $event (i32.load (i32.const 128)) (i32.load (i32.const 132)))");
        break;
    case 'P':
    case 'F': buf_printf(b, "(call $end (i32.const %u))", result == 'P' ? 0 : FUTURES); break;
    case 'd': buf_c(b, "(drop)"); break;
    default: buf_printf(b, "(call $put (i32.const %u))", kind_of(result, kind));
    }
}

static void put_call(struct buf *b, u32 number)
{
    const struct row *r = &all[number].row;
    u32 kind = all[number].kind;
    buf_c(b, "(global.set $skip (i32.const 0))");
    for (u32 i = 0; r->params[i]; i++) {
        put_argument(b, i, r->params[i], kind);
    }
    buf_c(b, "(br_if $none (global.get $skip))");
    if (number == task_return || number == task_cancel) { /* rarely right here */
        buf_c(b, "(br_if $none (i32.lt_u (call $byte (i32.const 3)) (i32.const 240)))");
    } else if (number == backpressure_dec) {
        buf_c(b, "(br_if $none (i32.eqz (global.get $pressure)))"
                 "(global.set $pressure (i32.sub (global.get $pressure) (i32.const 1)))");
    } else if (number + 1 == backpressure_dec) {
        buf_c(b, "(global.set $pressure (i32.add (global.get $pressure) (i32.const 1)))");
    }
    for (u32 i = 0; r->params[i]; i++) {
        char c = r->params[i];
        if (c == 'A') {
            buf_printf(b, "(i32.store (i32.const 5120) (local.get $x%u))", i);
        }
        if (c >= 'A' && c <= 'Z') {
            buf_printf(b, "(drop (call $forget (local.get $x%u) (i32.const %u)))", i,
                       kind_of(c, kind));
        }
    }
    buf_printf(b, "(call $b%u", number);
    for (u32 i = 0; r->params[i]; i++) {
        buf_printf(b,
                   r->params[i] == 'p'   ? " (global.get $at) (local.get $x%u)"
                   : r->params[i] == 'A' ? " (i32.const 5120)"
                                         : " (local.get $x%u)",
                   i);
    }
    buf_c(b, ")");
    put_result(b, r->result, kind, r->params[0]);
}

/* The operation, in as many nested blocks as there are functions. */
static void put_dispatch(struct buf *b, u32 count)
{
    buf_c(b, "(block $none ");
    for (u32 i = 0; i < count; i++) {
        buf_printf(b, "(block $l%u ", count - 1 - i);
    }
    buf_c(b, "(br_table");
    for (u32 i = 0; i < count; i++) {
        buf_printf(b, " $l%u", i);
    }
    buf_c(b, " $none (local.get $op))");
    for (u32 i = 0; i < count; i++) {
        buf_c(b, ")");
        put_call(b, i);
        buf_c(b, "(br $none)");
    }
    buf_c(b, ")");
}

/* Bookkeeping of the guest: 8 handles of each kind lie at 2048. Arguments are mostly true, sometimes lies. */
static const char helpers[] =
    "(global $at (mut i32) (i32.const 0)) (global $end (mut i32) (i32.const 0))"
    "(global $n (mut i32) (i32.const 0)) (global $skip (mut i32) (i32.const 0))"
    "(global $pressure (mut i32) (i32.const 0))"
    "(func $slot (param $kind i32) (param $i i32) (result i32) (i32.add (i32.const 2048) (i32.shl"
    " (i32.add (i32.shl (local.get $kind) (i32.const 3)) (i32.and (local.get $i) (i32.const 7)))"
    " (i32.const 2))))"
    /* A free place, else the next in turn. */
    "(func $put (param $h i32) (param $kind i32) (local $i i32) (local $at i32)"
    " (loop $l (local.set $at (call $slot (local.get $kind) (local.get $i)))"
    "  (if (i32.eqz (i32.load (local.get $at))) (then"
    "   (i32.store (local.get $at) (local.get $h)) (return)))"
    "  (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))"
    " (global.set $n (i32.add (global.get $n) (i32.const 1)))"
    " (i32.store (call $slot (local.get $kind) (global.get $n)) (local.get $h)))"
    "(func $forget (param $h i32) (param $kind i32) (result i32) (local $i i32) (local $at i32)"
    " (loop $l (local.set $at (call $slot (local.get $kind) (local.get $i)))"
    "  (if (i32.eq (i32.load (local.get $at)) (local.get $h)) (then"
    "   (i32.store (local.get $at) (i32.const 0)) (return (i32.const 1))))"
    "  (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))"
    " (i32.const 0))"
    "(func $move (param $h i32) (param $from i32) (param $to i32)"
    " (if (call $forget (local.get $h) (local.get $from)) (then"
    "  (call $put (local.get $h) (local.get $to)))))"
    "(func $byte (param i32) (result i32)"
    " (i32.load8_u (i32.sub (i32.add (global.get $at) (local.get 0)) (i32.const 4))))"
    "(func $number (param i32) (result i32) (select (i32.const -1)"
    " (i32.mul (local.get 0) (i32.const 291)) (i32.eq (local.get 0) (i32.const 255))))"
    "(func $count (param i32) (result i32) (local.set 0 (call $byte (local.get 0)))"
    " (if (result i32) (i32.gt_u (local.get 0) (i32.const 251))"
    "  (then (call $number (local.get 0))) (else (i32.and (local.get 0) (i32.const 7)))))"
    "(func $address (param i32) (result i32) (local.set 0 (call $byte (local.get 0)))"
    " (if (result i32) (i32.gt_u (local.get 0) (i32.const 251))"
    "  (then (call $number (local.get 0)))"
    "  (else (i32.add (i32.const 4096) (i32.shl (i32.and (local.get 0) (i32.const 31))"
    "   (i32.const 3))))))"
    "(func $pick (param $n i32) (param $kind i32) (result i32)"
    " (local.set $n (call $byte (local.get $n)))"
    " (if (i32.gt_u (local.get $n) (i32.const 252)) (then (return (call $number (local.get $n)))))"
    " (if (i32.eq (local.get $n) (i32.const 252)) (then (return (i32.const 1))))"
    " (local.set $n (i32.load (call $slot (local.get $kind) (local.get $n))))"
    " (if (i32.eqz (local.get $n)) (then (global.set $skip (i32.const 1))))"
    " (local.get $n))"
    "(func $any (param $n i32) (result i32) (local $v i32)"
    " (local.set $v (call $byte (local.get $n)))"
    " (call $pick (local.get $n) (i32.add (i32.rem_u (i32.shr_u (local.get $v) (i32.const 3))"
    "  (i32.const 18)) (i32.and (local.get $v) (i32.const 32)))))"
    "(func $new (param $ends i64) (param $kind i32)"
    " (call $put (i32.wrap_i64 (local.get $ends)) (local.get $kind))"
    " (call $put (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32)))"
    "  (i32.add (local.get $kind) (i32.const 1))))"
    "(func $copy (param $code i32) (param $h i32) (param $kind i32)"
    " (if (i32.eq (local.get $code) (i32.const -1)) (then (call $move (local.get $h)"
    "  (local.get $kind) (i32.add (local.get $kind) (i32.const 32))))))"
    "(func $cancelled (param $code i32) (param $h i32) (param $kind i32)"
    " (if (i32.ne (local.get $code) (i32.const -1)) (then (call $move (local.get $h)"
    "  (i32.add (local.get $kind) (i32.const 32)) (local.get $kind)))))"
    "(func $subtask (param $code i32)"
    " (if (i32.lt_u (i32.and (local.get $code) (i32.const 15)) (i32.const 2)) (then"
    "  (call $put (i32.shr_u (local.get $code) (i32.const 4)) (i32.const 49)))))"
    "(func $end (param $code i32) (param $kind i32)"
    " (if (i32.eq (i32.and (local.get $code) (i32.const 15)) (i32.const 2))"
    "  (then (call $put (i32.load (i32.const 128)) (local.get $kind)))"
    "  (else (call $subtask (local.get $code)))))"
    /* An event: what was under way is so no longer. */
    "(func $event (param $code i32) (param $h i32) (param $state i32) (local $i i32)"
    " (if (i32.eq (local.get $code) (i32.const 1)) (then"
    "  (if (i32.gt_u (local.get $state) (i32.const 1)) (then"
    "   (call $move (local.get $h) (i32.const 49) (i32.const 17)))) (return)))"
    " (if (i32.gt_u (i32.sub (local.get $code) (i32.const 2)) (i32.const 3)) (then (return)))"
    " (loop $l (call $move (local.get $h) (i32.add (local.get $i) (i32.const 32)) (local.get $i))"
    "  (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
    "   (i32.const 16)))))";

static const char functions[] =
    "(func $begin (param i32 i32) (if (i32.eqz (global.get $open)) (then (call $open)))"
    "  (global.set $at (local.get 0))"
    "  (global.set $end (i32.add (local.get 0) (local.get 1))))"
    /* Ends the task, if the code says so, unless it has: context slot 0 tells. */
    "(func $finish (param $code i32) (result i32)"
    "  (if (i32.eqz (i32.or (local.get $code) (call $get))) (then"
    "    (call $set (i32.const 1)) (call $return (i32.const 7))))"
    "  (local.get $code))"
    "(func (export \"work\") (param i32 i32 i32) (result i32)"
    "  (call $begin (local.get 0) (local.get 1)) (call $put (local.get 2) (i32.const 0))"
    "  (call $finish (call $run)))"
    "(func (export \"stack\") (param i32 i32)"
    "  (call $begin (local.get 0) (local.get 1)) (drop (call $run))"
    "  (drop (call $finish (i32.const 0))))"
    "(func (export \"block\") (param i32 i32) (result i32)"
    "  (call $begin (local.get 0) (local.get 1)) (call $run))"
    "(func (export \"lend\") (param i32 i32 i32) (result i32)"
    "  (call $begin (local.get 1) (local.get 2)) (call $finish (call $run)))"
    "(func (export \"give\") (param i32) (result i32)"
    "  (i32.store (i32.const 96) (local.get 0)) (i32.store (i32.const 100) (i32.const 9))"
    "  (i32.const 96))"
    "(func (export \"callback\") (param $code i32) (param $p1 i32) (param $p2 i32) (result i32)"
    "  (call $event (local.get $code) (local.get $p1) (local.get $p2))"
    "  (if (i32.and (i32.eq (local.get $code) (i32.const 6))"
    "    (i32.and (i32.eqz (call $get)) (i32.and (global.get $at) (i32.const 4)))) (then"
    "    (call $set (i32.const 1)) (call $cancel) (return (i32.const 0))))"
    "  (call $finish (call $run)))"
    "(func $thread (param i32) (drop (call $run)))"
    "(func (export \"post\") (param i32))"
    "(elem (i32.const 1) func $thread))";

/* Makes two of each thing at the first call, so that there is something to work with. */
static void put_open(struct buf *b)
{
    buf_c(b, "(global $open (mut i32) (i32.const 0)) (func $open (global.set $open (i32.const 1))");
    for (u32 i = 0; i < own_count; i++) {
        const struct row *r = &all[i].row;
        if (r->result == 'N' || r->result == 'S' || r->result == 'X') {
            const char *value = r->params[0] ? "(i32.const 3)" : "";
            for (u32 k = 0; k < 2; k++) {
                buf_printf(b, "(call $b%u %s)", i, value);
                put_result(b, r->result, all[i].kind, 0);
            }
        }
    }
    buf_c(b, ")");
}

/* The module that interprets: 4 bytes a command; operation, then up to three arguments. */
static void put_interpreter(struct buf *b, u32 count)
{
    buf_c(b,
          "(core module $m (import \"\" \"mem\" (memory 1)) (import \"\" \"t\" (table 8 funcref))"
          "(import \"\" \"get\" (func $get (result i32))) (import \"\" \"set\" (func $set (param "
          "i32)))");
    for (u32 i = 0; i < count; i++) {
        const struct row *r = &all[i].row;
        buf_printf(b, "(import \"\" \"b%u\" (func $b%u", i, i);
        put_params(b, r->params);
        buf_c(b, r->result == 'N' ? " (result i64)" : r->result ? " (result i32)" : "");
        buf_c(b, "))");
    }
    buf_c(b, "(import \"\" \"return\" (func $return (param i32))) (import \"\" \"cancel\" (func "
             "$cancel))");
    buf_c(b, helpers);
    buf_c(b, "(func $run (result i32) (local $op i32) (local $max i32)"
             " (local $x0 i32) (local $x1 i32) (local $x2 i32) (local $x3 i32)"
             "  (loop $next"
             "   (if (i32.ge_u (i32.add (global.get $at) (i32.const 4)) (global.get $end))"
             "     (then (return (i32.const 0))))"
             "   (if (i32.gt_u (local.get $max) (i32.const 60)) (then (return (i32.const 1))))"
             "   (local.set $max (i32.add (local.get $max) (i32.const 1)))"
             "   (local.set $op (i32.load8_u (global.get $at)))"
             "   (global.set $at (i32.add (global.get $at) (i32.const 4)))");
    put_dispatch(b, count);
    buf_c(b, "  (if (i32.gt_u (local.get $op) (i32.const 240)) (then"
             "    (global.set $skip (i32.const 0))"
             "    (local.set $x0 (call $pick (i32.const 1) (i32.const 16)))"
             "    (if (i32.and (i32.eqz (global.get $skip)) (i32.lt_u (local.get $op)"
             "      (i32.const 248))) (then (return (i32.or (i32.const 2)"
             "      (i32.shl (local.get $x0) (i32.const 4))))))"
             "    (return (i32.and (local.get $op) (i32.const 1)))))"
             "  (br $next)) (unreachable))");
    put_open(b);
    buf_c(b, functions);
}

static const char host_import[] =
    "(import \"host\" (instance $host (type $s (stream u8)) (type $f (future string))"
    " (export \"quick\" (func (param \"x\" u32) (result u32)))"
    " (export \"slow\" (func async (param \"x\" u32) (result u32)))"
    " (export \"pipe\" (func async (param \"s\" $s) (result $s)))"
    " (export \"promise\" (func async (param \"x\" u32) (result $f)))"
    " (export \"text\" (func (param \"s\" string) (result string)))))";

static const char next_import[] =
    "(import \"r\" (type $r (sub resource)))"
    "(import \"next\" (instance $next (type $s (stream u8)) (alias outer 1 $r (type $r'))"
    " (export \"work\" (func async (param \"p\" (list u8)) (param \"s\" $s) (result u32)))"
    " (export \"stack\" (func async (param \"p\" (list u8)) (result u32)))"
    " (export \"block\" (func async (param \"p\" (list u8)) (result u32)))"
    " (export \"plain\" (func (param \"p\" (list u8)) (result u32)))"
    " (export \"make\" (func (param \"x\" u32) (result (own $r'))))"
    " (export \"lend\" (func async (param \"r\" (borrow $r')) (param \"p\" (list u8)) (result "
    "u32)))"
    " (export \"give\" (func (param \"r\" (own $r')) (result (list u8))))))";

static const char exports[] =
    "(func (export \"work\") async (param \"p\" (list u8)) (param \"s\" $s) (result u32) (canon "
    "lift"
    " (core func $i \"work\") async (callback (core func $i \"callback\"))" MEM REALLOC "))"
    "(func (export \"stack\") async (param \"p\" (list u8)) (result u32) (canon lift"
    " (core func $i \"stack\") async" MEM REALLOC "))"
    "(func (export \"block\") async (param \"p\" (list u8)) (result u32) (canon lift"
    " (core func $i \"block\")" MEM REALLOC "))"
    "(func (export \"plain\") (param \"p\" (list u8)) (result u32) (canon lift"
    " (core func $i \"block\")" MEM REALLOC " (post-return (core func $i \"post\"))))"
    "(func (export \"make\") (param \"x\" u32) (result (own $r1)) (canon lift (core func $new)))"
    "(func (export \"lend\") async (param \"r\" (borrow $r1)) (param \"p\" (list u8)) (result u32)"
    " (canon lift (core func $i \"lend\") async (callback (core func $i \"callback\"))" MEM REALLOC
    "))"
    "(func (export \"give\") (param \"r\" (own $r1)) (result (list u8)) (canon lift"
    " (core func $i \"give\")" MEM REALLOC "))";

/* A component with everything that the rows name. */
static void put_component(struct buf *b, const char *name, bool last)
{
    u32 count = last ? own_count : row_count;
    buf_printf(b, "(component $%s ", name);
    buf_c(b, host_import);
    buf_c(b, last ? "" : next_import);
    buf_c(b, "(type $s (stream u8)) (type $s0 (stream)) (type $st (stream (tuple u8 u64)))"
             "(type $ss (stream string)) (type $f (future string)) (type $f0 (future))"
             "(type $ff (future $s)) (core type $start (func (param i32)))"
             "(core module $memm (memory (export \"mem\") 1) (global $a (mut i32) (i32.const 8192))"
             " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $r i32)"
             "  (local.set $r (i32.and (i32.add (global.get $a) (i32.const 15)) (i32.const -16)))"
             "  (global.set $a (i32.add (local.get $r) (local.get 3))) (local.get $r)))"
             "(core instance $mem (instantiate $memm))"
             "(core module $tablem (table (export \"t\") 8 funcref))"
             "(core instance $table (instantiate $tablem))"
             "(core module $dtorm (func (export \"d\") (param i32)))"
             "(core instance $dtor (instantiate $dtorm))"
             "(type $r0 (resource (rep i32) (dtor (core func $dtor \"d\"))))"
             "(export $r1 \"r\" (type $r0)) (canon resource.new $r0 (core func $new))"
             "(type $so (stream (own $r0)))");
    for (u32 i = 0; i < count; i++) {
        buf_printf(b, "(canon %s (core func $b%u))", all[i].row.definition, i);
    }
    buf_c(b,
          "(canon context.get i32 0 (core func $get))(canon context.set i32 0 (core func $set))");
    put_interpreter(b, count);
    buf_c(b, "(core instance $i (instantiate $m (with \"\" (instance"
             " (export \"mem\" (memory $mem \"mem\")) (export \"t\" (table $table \"t\"))");
    for (u32 i = 0; i < count; i++) {
        buf_printf(b, "(export \"b%u\" (func $b%u))", i, i);
    }
    buf_printf(b,
               "(export \"get\" (func $get)) (export \"set\" (func $set))"
               "(export \"return\" (func $b%u)) (export \"cancel\" (func $b%u))))))",
               task_return, task_cancel);
    buf_c(b, exports);
    buf_c(b, ")");
}

static void put_text(struct buf *b)
{
    static const char *const names[] = {"A", "B", "C"};
    buf_printf(b, "(component %s", host_import);
    for (u32 i = 0; i < LENGTH_OF(names); i++) {
        bool last = i == 0;
        put_component(b, names[i], last);
        buf_printf(b, "(instance $i%u (instantiate $%s (with \"host\" (instance $host))", i,
                   names[i]);
        if (!last) {
            buf_printf(b, "(with \"next\" (instance $i%u)) (with \"r\" (type $i%u \"r\"))", i - 1,
                       i - 1);
        }
        buf_c(b, "))");
    }
    buf_c(b, "(export \"stack\" (func $i2 \"stack\")) (export \"block\" (func $i2 \"block\"))"
             "(export \"work\" (func $i2 \"work\")) (export \"plain\" (func $i2 \"plain\")))");
}

/* ---- The host -------------------------------------------------------------------------------------------- */

#define PENDING 8

struct host {
    struct canon_store *store;
    const struct canon_type *byte, *string;
    struct canon_call *calls[PENDING]; /* answered by the loop, oldest first */
    struct canon_end *writers[PENDING];
    struct canon_end *promises[PENDING];
    u32 call_count, writer_count, promise_count, polls;
};

static void quick(void *env, struct canon_call *c)
{
    (void)env;
    canon_call_return(c, canon_call_arg(c, 0));
}

static void on_cancel(void *env, struct canon_call *c)
{
    struct host *h = env;
    for (u32 i = 0; i < h->call_count; i++) {
        if (h->calls[i] == c) {
            h->calls[i] = h->calls[--h->call_count];
        }
    }
    canon_call_cancelled(c);
}

static void slow(void *env, struct canon_call *c)
{
    struct host *h = env;
    if (h->call_count == PENDING) {
        canon_call_trap(c, "too much to do");
        return;
    }
    h->calls[h->call_count++] = c;
    if (canon_call_arg(c, 0)->u & 1) {
        canon_call_on_cancel(c, on_cancel, h);
    }
}

static void writer_gone(void *env, struct canon_end *end)
{
    struct host *h = env;
    for (u32 i = 0; i < h->writer_count; i++) {
        if (h->writers[i] == end) {
            h->writers[i] = h->writers[--h->writer_count];
        }
    }
    for (u32 i = 0; i < h->promise_count; i++) {
        if (h->promises[i] == end) {
            h->promises[i] = h->promises[--h->promise_count];
        }
    }
}

static const struct canon_source source = {NULL, NULL, writer_gone};

static void on_read(void *env, struct canon_end *end, const struct canon_read *r)
{
    struct host *h = env;
    if (h->writer_count && r->count) {
        canon_stream_write_bytes(h->writers[0], r->bytes, r->count);
    }
    if (r->closed) {
        canon_end_drop(end);
    } else {
        canon_stream_read(end, 3, on_read, h);
    }
}

static void pipe_through(void *env, struct canon_call *c)
{
    struct host *h = env;
    if (h->writer_count == PENDING) {
        canon_call_trap(c, "too many streams");
        return;
    }
    u32 at = h->writer_count++;
    struct canon_value v = canon_readable(
        CANON_T_STREAM, canon_stream_new(h->store, h->byte, &source, h, &h->writers[at]));
    canon_stream_read(canon_call_arg(c, 0)->end, 5, on_read, h);
    canon_call_return(c, &v);
}

static void promise(void *env, struct canon_call *c)
{
    struct host *h = env;
    if (h->promise_count == PENDING) {
        canon_call_trap(c, "too many promises");
        return;
    }
    u32 at = h->promise_count++;
    struct canon_value v = canon_readable(
        CANON_T_FUTURE, canon_future_new(h->store, h->string, &source, h, &h->promises[at]));
    canon_call_return(c, &v);
}

static bool poll_host(void *env, bool may_block)
{
    struct host *h = env;
    if (!may_block || ++h->polls > 200) {
        return false;
    }
    if (h->promise_count) {
        struct canon_value v = canon_string(STR("kept"));
        canon_future_resolve(h->promises[--h->promise_count], &v);
        return true;
    }
    if (h->writer_count && h->polls % 4 == 0) {
        canon_stream_close(h->writers[h->writer_count - 1]);
        return true;
    }
    if (h->writer_count && canon_stream_write_bytes(h->writers[0], "abc", 3)) {
        return true;
    }
    if (h->call_count) {
        struct canon_call *c = h->calls[--h->call_count];
        canon_call_return(c, canon_call_arg(c, 0));
        return true;
    }
    return false;
}

static const struct canon_host_row host_rows[] = {
    {"quick", "func(x: u32) -> u32", quick},
    {"slow", "async func(x: u32) -> u32", slow},
    {"pipe", "async func(s: stream<u8>) -> stream<u8>", pipe_through},
    {"promise", "async func(x: u32) -> future<string>", promise},
    {"text", "func(s: string) -> string", quick},
    {NULL, NULL, NULL},
};

/* ---- The run ---------------------------------------------------------------------------------------------- */

static struct arena shared;
static const struct wasm_component *component;

static void show(struct arena *a, struct diags *d)
{
    struct buf out = buf_in(a);
    diags_render(d, DIAG_TEXT, &out);
    fwrite(out.data, 1, out.len, stderr);
    __builtin_trap();
}

static void prepare(void)
{
    struct sources sources = {.arena = &shared};
    struct diags d;
    struct buf text = buf_in(&shared);
    struct wasm_binary b;
    diags_init(&d, &shared, &sources);
    fill_rows(&shared);
    put_text(&text);
    u32 from = sources_add(&sources, STR("guest"), buf_view(&text), SOURCE_TEXT);
    if (!wasm_read(&shared, from, features_all(), &b, &d)) {
        show(&shared, &d);
    }
    component = b.component;
}

static u32 turns;

static bool done(void *env)
{
    (void)env;
    return ++turns % 64 == 0 || turns > UNTIL_TURN;
}

/* plan: 2 bits for each of four calls (none, stack, block, work), then when the first is cancelled. */
static void run(struct host *h, struct canon_instance *instance, u32 plan, const u8 *data,
                size_t size)
{
    static const char *const names[] = {"plain", "stack", "block", "work"};
    struct arena a = {0};
    struct canon_invocation *inv[4] = {0};
    struct canon_leak *leaks;
    u32 n;
    enum canon_outcome o = CANON_OK;
    turns = 0;
    for (u32 i = 0; i < 4 && o != CANON_TRAPPED; i++) {
        const char *name = names[plan >> 2 * i & 3];
        struct canon_end *end;
        size_t part = size / 4 * i;
        struct canon_value args[2] = {canon_bytes(str_of((const char *)data + part, size - part))};
        if (strcmp(name, "work") == 0) {
            args[1] = canon_readable(CANON_T_STREAM,
                                     canon_stream_new(h->store, h->byte, NULL, NULL, &end));
            canon_stream_write_bytes(end, "xyz", 3);
        }
        o = canon_begin(h->store, canon_find_func(instance, STR(""), str_c(name)), args,
                        strcmp(name, "work") == 0 ? 2 : 1, NULL, NULL, &inv[i]);
        if (o == CANON_OK && plan >> (9 + i) & 1) {
            o = canon_store_run_until(h->store, NULL, NULL);
        }
    }
    if (o != CANON_TRAPPED && inv[0] && plan & 0x100) {
        o = canon_cancel(h->store, inv[0]);
    }
    while (o != CANON_TRAPPED && turns < UNTIL_TURN) {
        o = canon_store_run_until(h->store, done, NULL);
    }
    canon_leaks(h->store, &a, &leaks, &n);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (!component) {
        prepare();
    }
    if (size < 8 || size > MAX_INPUT) {
        return 0;
    }
    struct canon_seed seed = {data[0]};
    struct host h = {0};
    struct canon_config config = {.features = features_all(), .track_handles = data[0] & 1};
    config.limits.fuel = FUEL;
    config.choose = data[0] ? canon_choose_seeded : NULL;
    config.choose_ctx = &seed;
    config.loop = (struct canon_loop){&h, poll_host};
    h.store = canon_store_new(&config);
    struct canon_linker *l = canon_linker_new();
    struct arena a = {0};
    struct sources sources = {.arena = &a};
    struct diags d;
    struct canon_instance *i;
    diags_init(&d, &a, &sources);
    canon_linker_funcs(canon_linker_instance(l, "host"), host_rows, &h);
    h.byte = canon_linker_parse_type(canon_linker_root(l), "u8");
    h.string = canon_linker_parse_type(canon_linker_root(l), "string");
    struct canon_loaded *loaded = canon_load(h.store, component, &d);
    if (!loaded || canon_instantiate(h.store, loaded, l, NULL, &i, &d) != CANON_OK) {
        show(&a, &d);
    }
    run(&h, i, data[1] | (u32)data[2] << 8, data + 3, size - 3);
    canon_store_free(h.store);
    canon_linker_free(l);
    arena_free(&a);
    return 0;
}
