/* builtins_guest.h - the guests of the fuzz target as text: a component with built-ins, whose core module interprets commands of four bytes: operation,
 * then up to three arguments. Each operation is a function of its own, so that a run translates only what it uses. There are many variants of the
 * component, each with a part of the built-ins only, so that a run need not define them all. */
#ifndef BUILTINS_GUEST_H
#define BUILTINS_GUEST_H

#include "canon.h"

#define MEM     " (memory (core memory $mem \"mem\"))"
#define REALLOC " (realloc (core func $mem \"realloc\"))"
#define UTF16   " string-encoding=utf16"
#define LATIN1  " string-encoding=latin1+utf16"

/* One operation: its canonical definition (or, after a `!`, core code), parameters and result as letters.
 * Handles come from those that the guest keeps for each kind, capitals give them away: r R, w W the ends of the row's type, y z the same while a copy is under way, s S a
 * waitable set, t a subtask that runs, T one that is done, h a thread, x X a resource of its own, q Q one of the next guest, e E an error-context, j any waitable,
 * 0 a set or none. a: an address; A, B: that of a resource, a stream to give away; c: a count, l: with a tag, 1: one; v: a number; p: a list within the input;
 * o: a place for a result. */
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
/* Strings in other encodings. */
static const struct row text_rows[] = {
    {"stream.read T async" UTF16 MEM REALLOC, "rac", 'b'},
    {"stream.write T async" UTF16 MEM, "wac", 'b'},
    {"stream.read T async" LATIN1 MEM REALLOC, "rac", 'b'},
    {"stream.write T async" LATIN1 MEM, "wac", 'b'},
};
static const char *const stream_types[] = {"$s", "$s0", "$st", "$so", "$ss"};
static const char *const future_types[] = {"$f", "$f0", "$ff"};

/* Kinds of handles: two for each type, then these. BUSY and more: the same, while something is under way. */
enum kind { STRINGS = 8, FUTURES = 10, SETS = 16, SUBTASKS, THREADS, OWN, ERRORS, NEXT, BUSY = 32 };

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
    {"lower (func $host \"text\")" LATIN1 MEM REALLOC, "alo", 0},
    {"task.return (result u32)", "v", 0},
    {"task.cancel", "", 0},
    {"!(drop (memory.grow (i32.const 1)))", "", 0},
    {"!(global.set $lie (i32.and (local.get $x0) (i32.const 15)))", "v", 0},
    {"!(global.set $lie_dtor (i32.and (local.get $x0) (i32.const 1)))", "v", 0},
    {"!(i32.store (i32.add (i32.const 4096) (i32.shl (local.get $x0) (i32.const 2)))"
     " (i32.mul (local.get $x1) (local.get $x2)))",
     "vvv", 0},
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
    {"lower (func $next \"say\") async" UTF16 MEM REALLOC, "aco", 'u'},
    {"lower (func $next \"say\")" MEM REALLOC, "aco", 0},
    {"lower (func $next \"tell\")" MEM REALLOC, "aco", 0},
    {"lower (func $next \"tell\")" LATIN1 MEM REALLOC, "alo", 0},
    {"resource.drop $r", "Q", 0},
};

static struct {
    struct row row;
    u32 kind;   /* of the readable end */
    bool typed; /* a built-in of a stream or future */
} all[200];
static u32 row_count;
static bool chosen[LENGTH_OF(all)]; /* in the variant that is being made */
static u32 task_return, task_cancel, backpressure_dec;

static void remember(u32 row)
{
    str definition = str_c(all[row].row.definition);
    if (str_starts(definition, STR("task.return"))) {
        task_return = row;
    } else if (str_starts(definition, STR("task.cancel"))) {
        task_cancel = row;
    } else if (str_starts(definition, STR("backpressure.dec"))) {
        backpressure_dec = row;
    }
}

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
        all[row_count].typed = type != NULL;
        if (type && from[i].params[0] == 'w') {
            const char *params = all[row_count].row.params;
            all[row_count].row.params = strcmp(type, "$so") == 0   ? "wA1"
                                        : strcmp(type, "$ff") == 0 ? "wB"
                                                                   : params;
        }
        all[row_count].row.definition = str_to_c(a, buf_view(&b));
        remember(row_count++);
    }
}

static void fill_rows(struct arena *a)
{
    u32 kind = 0;
    for (u32 i = 0; i < LENGTH_OF(stream_types); i++, kind += 2) {
        add_rows(a, stream_rows, LENGTH_OF(stream_rows), stream_types[i], kind);
    }
    add_rows(a, text_rows, LENGTH_OF(text_rows), "$ss", STRINGS);
    for (u32 i = 0; i < LENGTH_OF(future_types); i++, kind += 2) {
        add_rows(a, future_rows, LENGTH_OF(future_rows), future_types[i], kind);
    }
    add_rows(a, rows, LENGTH_OF(rows), NULL, 0);
    add_rows(a, calls, LENGTH_OF(calls), NULL, 0);
}

/* One type of stream and one of future, what makes things to work with, and half of the rest. */
static void choose_rows(u32 variant)
{
    u32 stream = variant % LENGTH_OF(stream_types);
    u32 future = variant / LENGTH_OF(stream_types) % LENGTH_OF(future_types);
    struct canon_seed seed = {variant};
    for (u32 i = 0; i < row_count; i++) {
        const struct row *r = &all[i].row;
        bool half = canon_choose_seeded(&seed, CHOICE_THREAD, 2);
        if (all[i].typed) {
            chosen[i] = all[i].kind == 2 * stream || all[i].kind == FUTURES + 2 * future;
        } else {
            chosen[i] = half || r->result == 'S' || r->result == 'X' || i == task_return ||
                        i == task_cancel;
        }
    }
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
    case 'B': return 0;
    case 'q':
    case 'Q': return NEXT;
    default: return ERRORS;
    }
}

static bool is_core(u32 row)
{
    return all[row].row.definition[0] == '!';
}

static bool is_defined(u32 row)
{
    return chosen[row] && !is_core(row);
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
    buf_c(b, letter == '0' ? "(global.get $skip)" : "");
    buf_printf(b, "(local.set $x%u ", n);
    switch (letter) {
    case 'v': buf_printf(b, "(call $byte (i32.const %u))", n + 1); break;
    case 'c': buf_printf(b, "(call $count (i32.const %u))", n + 1); break;
    case 'l': buf_printf(b, "(call $tagged (i32.const %u))", n + 1); break;
    case 'a': buf_printf(b, "(call $address (i32.const %u))", n + 1); break;
    case 'o': buf_c(b, "(i32.const 128)"); break;
    case '1': buf_c(b, "(i32.const 1)"); break;
    case 'p': buf_printf(b, "(i32.and (call $byte (i32.const %u)) (i32.const 63))", n + 1); break;
    case 'j': buf_printf(b, "(call $any (i32.const %u))", n + 1); break;
    default:
        buf_printf(b, "(call $pick (i32.const %u) (i32.const %u))", n + 1, kind_of(letter, kind));
    }
    buf_c(b, ")");
    buf_c(b, letter == '0' ? "(global.set $skip)" : "");
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

/* Calls that are rarely right are made rarely. */
static void put_reserve(struct buf *b, u32 row)
{
    str definition = str_c(all[row].row.definition);
    if (row == task_return || row == task_cancel ||
        str_starts(definition, STR("future.drop-writable")) ||
        str_starts(definition, STR("!(drop (memory.grow"))) {
        buf_c(b, "(if (i32.lt_u (call $byte (i32.const 3)) (i32.const 240)) (then (return)))");
    } else if (row == backpressure_dec) {
        buf_c(b, "(if (i32.eqz (global.get $pressure)) (then (return)))"
                 "(global.set $pressure (i32.sub (global.get $pressure) (i32.const 1)))");
    } else if (row + 1 == backpressure_dec) {
        buf_c(b, "(global.set $pressure (i32.add (global.get $pressure) (i32.const 1)))");
    }
}

/* The arguments that are given away are no longer the guest's. */
static void put_given(struct buf *b, const struct row *r, u32 kind)
{
    for (u32 i = 0; r->params[i]; i++) {
        char c = r->params[i];
        if (c == 'A' || c == 'B') {
            buf_printf(b, "(i32.store (i32.const 5120) (local.get $x%u))", i);
        }
        if (c >= 'A' && c <= 'Z') {
            buf_printf(b, "(drop (call $forget (local.get $x%u) (i32.const %u)))", i,
                       kind_of(c, kind));
        }
    }
}

static void put_operation(struct buf *b, u32 number)
{
    const struct row *r = &all[number].row;
    u32 kind = all[number].kind;
    buf_printf(b,
               "(func $op%u (local $x0 i32) (local $x1 i32) (local $x2 i32) (local $x3 i32)"
               "(global.set $skip (i32.const 0))",
               number);
    for (u32 i = 0; r->params[i]; i++) {
        put_argument(b, i, r->params[i], kind);
    }
    buf_c(b, "(if (global.get $skip) (then (return)))");
    put_reserve(b, number);
    put_given(b, r, kind);
    if (is_core(number)) {
        buf_c(b, r->definition + 1);
    } else {
        buf_printf(b, "(call $b%u", number);
        for (u32 i = 0; r->params[i]; i++) {
            char c = r->params[i];
            buf_printf(b,
                       c == 'p'               ? " (global.get $at) (local.get $x%u)"
                       : c == 'A' || c == 'B' ? " (i32.const 5120)"
                                              : " (local.get $x%u)",
                       i);
        }
        buf_c(b, ")");
    }
    put_result(b, r->result, kind, r->params[0]);
    buf_c(b, ")");
}

/* What a guest changes but its memory. */
static const char *const guest_globals[] = {"at",   "end", "n",   "skip",    "pressure",
                                            "open", "a",   "lie", "lie-dtor"};

/* Bookkeeping of the guest: 8 handles of each kind lie at 2048. Arguments are mostly true, sometimes lies. */
static const char helpers[] =
    "(global $at (export \"at\") (mut i32) (i32.const 0))"
    "(global $end (export \"end\") (mut i32) (i32.const 0))"
    "(global $n (export \"n\") (mut i32) (i32.const 0))"
    "(global $skip (export \"skip\") (mut i32) (i32.const 0))"
    "(global $pressure (export \"pressure\") (mut i32) (i32.const 0))"
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
    "(func $tagged (param $n i32) (result i32) (i32.xor (call $count (local.get $n))"
    " (i32.shl (i32.and (call $byte (local.get $n)) (i32.const 128)) (i32.const 24))))"
    "(func $address (param i32) (result i32) (local.set 0 (call $byte (local.get 0)))"
    " (if (result i32) (i32.gt_u (local.get 0) (i32.const 251))"
    "  (then (call $number (local.get 0)))"
    "  (else (i32.add (i32.const 4096) (i32.shl (i32.and (local.get 0) (i32.const 31))"
    "   (i32.const 3))))))"
    "(func $pick (param $n i32) (param $kind i32) (result i32) (local $h i32)"
    " (local.set $n (call $byte (local.get $n)))"
    " (if (i32.gt_u (local.get $n) (i32.const 252)) (then (return (call $number (local.get $n)))))"
    " (if (i32.eq (local.get $n) (i32.const 252)) (then (return (i32.const 1))))"
    " (local.set $h (i32.load (call $slot (local.get $kind) (local.get $n))))"
    " (if (i32.eqz (local.get $h)) (then (local.set $h"
    "  (i32.load (call $slot (local.get $kind) (i32.and (local.get $n) (i32.const 1)))))))"
    " (if (i32.eqz (local.get $h)) (then (global.set $skip (i32.const 1))))"
    " (local.get $h))"
    "(func $any (param $n i32) (result i32) (local $v i32)"
    " (local.set $v (call $byte (local.get $n)))"
    " (call $pick (local.get $n) (i32.add (i32.and (local.get $v) (i32.const 32))"
    "  (i32.load8_u (i32.add (i32.const 64) (i32.rem_u (local.get $v) (i32.const 5)))))))"
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

/* Operations up to 231; above, what the task does next: waits, yields, ends, or returns anything. */
static const char run_function[] =
    "(type $void (func))"
    "(func $run (result i32) (local $op i32) (local $max i32) (local $set i32)"
    " (loop $next"
    "  (if (i32.ge_u (i32.add (global.get $at) (i32.const 4)) (global.get $end))"
    "    (then (return (i32.const 0))))"
    "  (if (i32.gt_u (local.get $max) (i32.const 60)) (then (return (i32.const 1))))"
    "  (local.set $max (i32.add (local.get $max) (i32.const 1)))"
    "  (local.set $op (i32.load8_u (global.get $at)))"
    "  (global.set $at (i32.add (global.get $at) (i32.const 4)))"
    "  (if (i32.lt_u (local.get $op) (i32.const 232)) (then"
    "    (call_indirect $ops (type $void) (i32.rem_u (local.get $op) (table.size $ops)))"
    "    (br $next)))"
    "  (global.set $skip (i32.const 0))"
    "  (local.set $set (call $pick (i32.const 1) (i32.const 16)))"
    "  (if (i32.and (i32.eqz (global.get $skip)) (i32.lt_u (local.get $op) (i32.const 248)))"
    "    (then (return (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))))"
    "  (if (i32.eq (local.get $op) (i32.const 255)) (then"
    "    (return (i32.load (i32.sub (global.get $at) (i32.const 3))))))"
    "  (return (i32.and (local.get $op) (i32.const 1)))) (unreachable))"
    "(func $command (if (i32.lt_u (i32.add (global.get $at) (i32.const 4)) (global.get $end)) (then"
    "  (drop (call $run)))))";

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
    "(func (export \"say\") (param i32 i32) (result i32)"
    "  (call $return_text (local.get 0) (local.get 1)) (call $set (i32.const 1))"
    "  (call $finish (call $run)))"
    "(func (export \"tell\") (param i32 i32) (result i32)"
    "  (i32.store (i32.const 96) (local.get 0)) (i32.store (i32.const 100) (local.get 1))"
    "  (i32.const 96))"
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
    "(func (export \"post\") (param i32) (if (i32.eq (global.get $lie) (i32.const 7)) (then"
    "  (call $command))))"
    /* What realloc may call wherever it runs. */
    "(func $inc (global.set $pressure (i32.add (global.get $pressure) (i32.const 1))) (call "
    "$raise))"
    "(func $dec (if (global.get $pressure) (then"
    "  (global.set $pressure (i32.sub (global.get $pressure) (i32.const 1))) (call $lower))))"
    "(func $look (drop (call $get1)))"
    "(func $keep (call $set1 (global.get $n)))"
    "(elem (table $t) (i32.const 1) func $thread $command $inc $dec $look $keep)";

/* Memory, with strings good and bad from 4096 on, a realloc that lies once when told to, or calls a built-in that is not guarded, a destructor that runs commands when told to. */
static const char tools[] =
    "(core module $tablem (table (export \"t\") 8 funcref))"
    "(core instance $table (instantiate $tablem))"
    "(core module $memm (import \"\" \"t\" (table $t 8 funcref)) (memory (export \"mem\") 1 5)"
    " (global $a (export \"a\") (mut i32) (i32.const 8192)) (global $lie (export \"lie\") (mut "
    "i32) (i32.const 0))"
    " (global $d (export \"lie-dtor\") (mut i32) (i32.const 0)) (type $void (func))"
    " (data (i32.const 4096) \"\\00\\11\\00\\00\\05\\00\\00\\00\" "
    "\"\\10\\11\\00\\00\\03\\00\\00\\00\""
    "  \"\\20\\11\\00\\00\\08\\00\\00\\00\" \"\\30\\11\\00\\00\\04\\00\\00\\80\""
    "  \"\\40\\11\\00\\00\\06\\00\\00\\00\" \"\\00\\00\\00\\00\\00\\00\\00\\80\""
    "  \"\\fe\\ff\\00\\00\\02\\00\\00\\00\" \"\\00\\11\\00\\00\\ff\\ff\\ff\\7f\")"
    " (data (i32.const 4352) \"hello world.....\" \"\\c3\\a9\\e2\\82\\ac\\f0\\9f\\98\\80.......\""
    "  \"a\\00b\\00\\e9\\00\\ac\\20\\3d\\d8\\00\\de..\" "
    "\"\\e9\\ff\\80\\c3........\\3d\\d8\\3d\\d8\")"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $r i32)"
    "  (local $lied i32) (local.set $lied (global.get $lie)) (global.set $lie (i32.const 0))"
    "  (if (i32.eq (local.get $lied) (i32.const 1)) (then (return (i32.const -1))))"
    "  (if (i32.eq (local.get $lied) (i32.const 2)) (then (return (i32.const 8193))))"
    "  (if (i32.eq (local.get $lied) (i32.const 3)) (then (call_indirect (type $void) (i32.const "
    "2))))"
    "  (if (i32.eq (local.get $lied) (i32.const 4)) (then (unreachable)))"
    "  (if (i32.eq (local.get $lied) (i32.const 5)) (then (drop (memory.grow (i32.const 1)))))"
    "  (if (i32.eq (local.get $lied) (i32.const 6)) (then (return (i32.const 8192))))"
    "  (if (i32.eq (i32.and (local.get $lied) (i32.const 12)) (i32.const 8)) (then"
    "   (call_indirect (type $void) (i32.sub (local.get $lied) (i32.const 5)))))"
    "  (local.set $r (i32.and (i32.add (global.get $a) (i32.const 15)) (i32.const -16)))"
    "  (global.set $a (i32.add (local.get $r) (local.get 3))) (local.get $r))"
    " (func (export \"d\") (param i32) (if (global.get $d) (then"
    "  (call_indirect (type $void) (i32.const 2))))))"
    "(core instance $mem (instantiate $memm (with \"\" (instance $table))))";

/* Makes two of each thing at the first call, so that there is something to work with. */
static void put_open(struct buf *b)
{
    buf_c(b, "(global $open (export \"open\") (mut i32) (i32.const 0)) (func $open (global.set "
             "$open (i32.const 1))");
    for (u32 i = 0; i < row_count; i++) {
        const struct row *r = &all[i].row;
        if (!chosen[i]) {
            continue;
        }
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

/* The kinds of waitables there are, for $any. */
static void put_waitables(struct buf *b)
{
    buf_c(b, "(data (i32.const 64) \"");
    for (u32 i = 0; i < row_count; i++) {
        if (chosen[i] && all[i].row.result == 'N') {
            buf_printf(b, "\\%02x\\%02x", all[i].kind, all[i].kind + 1);
        }
    }
    buf_printf(b, "\\%02x\")", SUBTASKS);
}

static void put_interpreter(struct buf *b)
{
    buf_c(b, "(core module $m (import \"mem\" \"mem\" (memory 1))"
             "(import \"table\" \"t\" (table $t 8 funcref))"
             "(import \"mem\" \"lie\" (global $lie (mut i32)))"
             "(import \"mem\" \"lie-dtor\" (global $lie_dtor (mut i32)))"
             "(import \"\" \"get\" (func $get (result i32)))"
             "(import \"\" \"set\" (func $set (param i32)))"
             "(import \"\" \"get1\" (func $get1 (result i32)))"
             "(import \"\" \"set1\" (func $set1 (param i32)))"
             "(import \"\" \"raise\" (func $raise)) (import \"\" \"lower\" (func $lower))"
             "(import \"\" \"return\" (func $return (param i32)))"
             "(import \"\" \"cancel\" (func $cancel))"
             "(import \"\" \"text\" (func $return_text (param i32 i32)))");
    for (u32 i = 0; i < row_count; i++) {
        const struct row *r = &all[i].row;
        if (!is_defined(i)) {
            continue;
        }
        buf_printf(b, "(import \"\" \"b%u\" (func $b%u", i, i);
        put_params(b, r->params);
        buf_c(b, r->result == 'N' ? " (result i64)" : r->result ? " (result i32)" : "");
        buf_c(b, "))");
    }
    buf_c(b, helpers);
    for (u32 i = 0; i < row_count; i++) {
        if (chosen[i]) {
            put_operation(b, i);
        }
    }
    buf_c(b, "(table $ops funcref (elem");
    for (u32 i = 0; i < row_count; i++) {
        if (chosen[i]) {
            buf_printf(b, " $op%u", i);
        }
    }
    buf_c(b, "))");
    buf_c(b, run_function);
    put_waitables(b);
    put_open(b);
    buf_c(b, functions);
    buf_c(b, ")");
}

static const char host_import[] =
    "(import \"host\" (instance $host (type $s (stream u8)) (type $f (future string))"
    " (export \"quick\" (func (param \"x\" u32) (result u32)))"
    " (export \"slow\" (func async (param \"x\" u32) (result u32)))"
    " (export \"pipe\" (func async (param \"s\" $s) (result $s)))"
    " (export \"promise\" (func async (param \"x\" u32) (result $f)))"
    " (export \"text\" (func (param \"s\" string) (result string)))))";

/* What a guest calls: another guest, or a host that looks the same. */
static const char next_functions[] =
    " (export \"work\" (func async (param \"p\" (list u8)) (param \"s\" $s) (result u32)))"
    " (export \"stack\" (func async (param \"p\" (list u8)) (result u32)))"
    " (export \"block\" (func async (param \"p\" (list u8)) (result u32)))"
    " (export \"plain\" (func (param \"p\" (list u8)) (result u32)))"
    " (export \"make\" (func (param \"x\" u32) (result (own $r'))))"
    " (export \"lend\" (func async (param \"r\" (borrow $r')) (param \"p\" (list u8)) (result "
    "u32)))"
    " (export \"give\" (func (param \"r\" (own $r')) (result (list u8))))"
    " (export \"say\" (func async (param \"s\" string) (result string)))"
    " (export \"tell\" (func (param \"s\" string) (result string)))))";

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
    " (core func $i \"give\")" MEM REALLOC "))"
    "(func (export \"say\") async (param \"s\" string) (result string) (canon lift"
    " (core func $i \"say\") async (callback (core func $i \"callback\"))" LATIN1 MEM REALLOC "))"
    "(func (export \"tell\") (param \"s\" string) (result string) (canon lift"
    " (core func $i \"tell\")" UTF16 MEM REALLOC " (post-return (core func $i \"post\"))))";

/* A component with everything that the rows name. */
static void put_guest(struct buf *b)
{
    buf_c(b, "(component $G ");
    buf_c(b, host_import);
    buf_c(b,
          "(import \"r\" (type $r (sub resource)))"
          "(import \"next\" (instance $next (type $s (stream u8)) (alias outer 1 $r (type $r'))");
    buf_c(b, next_functions);
    buf_c(b, tools);
    buf_c(b, "(type $s (stream u8)) (type $s0 (stream)) (type $st (stream (tuple u8 u64)))"
             "(type $ss (stream string)) (type $f (future string)) (type $f0 (future))"
             "(type $ff (future $s)) (core type $start (func (param i32)))"
             "(type $r0 (resource (rep i32) (dtor (core func $mem \"d\"))))"
             "(export $r1 \"r\" (type $r0)) (canon resource.new $r0 (core func $new))"
             "(type $so (stream (own $r0)))");
    for (u32 i = 0; i < row_count; i++) {
        if (is_defined(i)) {
            buf_printf(b, "(canon %s (core func $b%u))", all[i].row.definition, i);
        }
    }
    buf_c(b,
          "(canon context.get i32 0 (core func $get))(canon context.set i32 0 (core func $set))"
          "(canon context.get i32 1 (core func $get1))(canon context.set i32 1 (core func $set1))"
          "(canon backpressure.inc (core func $raise))(canon backpressure.dec (core func $lower))"
          "(canon task.return (result string)" LATIN1 MEM " (core func $text))");
    put_interpreter(b);
    buf_c(b, "(core instance $i (instantiate $m (with \"mem\" (instance $mem))"
             " (with \"table\" (instance $table)) (with \"\" (instance");
    for (u32 i = 0; i < row_count; i++) {
        if (is_defined(i)) {
            buf_printf(b, "(export \"b%u\" (func $b%u))", i, i);
        }
    }
    buf_printf(b,
               "(export \"get\" (func $get)) (export \"set\" (func $set))"
               "(export \"get1\" (func $get1)) (export \"set1\" (func $set1))"
               "(export \"raise\" (func $raise)) (export \"lower\" (func $lower))"
               "(export \"text\" (func $text)) (export \"return\" (func $b%u))"
               "(export \"cancel\" (func $b%u))))))",
               task_return, task_cancel);
    buf_c(b, exports);
    buf_c(b, ")");
}

/* One to three of them in a row; the first calls the host. */
static void put_text(struct buf *b, u32 variant)
{
    u32 count = 1 + variant % 3;
    choose_rows(variant);
    buf_printf(b, "(component %s", host_import);
    buf_c(b, "(import \"next\" (instance $i0 (type $s (stream u8))"
             "(export \"r\" (type $r' (sub resource)))");
    buf_c(b, next_functions);
    put_guest(b);
    for (u32 i = 0; i < count; i++) {
        buf_printf(b,
                   "(instance $i%u (instantiate $G (with \"host\" (instance $host))"
                   "(with \"next\" (instance $i%u)) (with \"r\" (type $i%u \"r\"))))",
                   i + 1, i, i);
    }
    static const char *const names[] = {"stack", "block", "work", "plain", "say", "tell"};
    for (u32 i = 0; i < LENGTH_OF(names); i++) {
        buf_printf(b, "(export \"%s\" (func $i%u \"%s\"))", names[i], count, names[i]);
    }
    buf_c(b, ")");
}

#endif
