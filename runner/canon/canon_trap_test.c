/* canon_trap_test.c - the specification's trap conditions, a row for each: what the guest does and the trap that follows. Handles count
 * from 1 in the order in which they are made. */
#include "test_world.h"

/* Built-ins of the guest: name in the guest, core type, definition. */
static const struct {
    const char *name, *type, *definition;
} builtins[] = {
    {"rn", "(param i32) (result i32)", "resource.new $r"},
    {"rr", "(param i32) (result i32)", "resource.rep $r"},
    {"rd", "(param i32)", "resource.drop $r"},
    {"qd", "(param i32)", "resource.drop $q"},
    {"sn", "(result i64)", "stream.new $s"},
    {"sr", "(param i32 i32 i32) (result i32)",
     "stream.read $s async (memory (core memory $mem \"mem\"))"},
    {"sw", "(param i32 i32 i32) (result i32)",
     "stream.write $s async (memory (core memory $mem \"mem\"))"},
    {"srs", "(param i32 i32 i32) (result i32)",
     "stream.read $s (memory (core memory $mem \"mem\"))"},
    {"scr", "(param i32) (result i32)", "stream.cancel-read $s"},
    {"scw", "(param i32) (result i32)", "stream.cancel-write $s"},
    {"ccr", "(param i32) (result i32)", "stream.cancel-read $c"},
    {"cdr", "(param i32)", "stream.drop-readable $c"},
    {"cf", "(param i32 i32)", "stream.forward $c"},
    {"fcr", "(param i32) (result i32)", "future.cancel-read $f"},
    {"fcw", "(param i32) (result i32)", "future.cancel-write $f"},
    {"sdr", "(param i32)", "stream.drop-readable $s"},
    {"sdw", "(param i32)", "stream.drop-writable $s"},
    {"sf", "(param i32 i32)", "stream.forward $s"},
    {"cn", "(result i64)", "stream.new $c"},
    {"cr", "(param i32 i32 i32) (result i32)",
     "stream.read $c async (memory (core memory $mem \"mem\"))"},
    {"cw", "(param i32 i32 i32) (result i32)",
     "stream.write $c async (memory (core memory $mem \"mem\"))"},
    {"fn", "(result i64)", "future.new $f"},
    {"fr", "(param i32 i32) (result i32)",
     "future.read $f async (memory (core memory $mem \"mem\"))"},
    {"fw", "(param i32 i32) (result i32)",
     "future.write $f async (memory (core memory $mem \"mem\"))"},
    {"fdr", "(param i32)", "future.drop-readable $f"},
    {"fdw", "(param i32)", "future.drop-writable $f"},
    {"ff", "(param i32 i32)", "future.forward $f"},
    {"wn", "(result i32)", "waitable-set.new"},
    {"ww", "(param i32 i32) (result i32)", "waitable-set.wait (memory (core memory $mem \"mem\"))"},
    {"wp", "(param i32 i32) (result i32)", "waitable-set.poll (memory (core memory $mem \"mem\"))"},
    {"wd", "(param i32)", "waitable-set.drop"},
    {"wj", "(param i32 i32)", "waitable.join"},
    {"sc", "(param i32) (result i32)", "subtask.cancel async"},
    {"scs", "(param i32) (result i32)", "subtask.cancel"},
    {"sd", "(param i32)", "subtask.drop"},
    {"tr", "(param i32)", "task.return (result u32)"},
    {"trn", "", "task.return"},
    {"tro", "", "task.return string-encoding=utf16"},
    {"trm", "", "task.return (memory (core memory $mem \"mem\"))"},
    {"tc", "", "task.cancel"},
    {"bi", "", "backpressure.inc"},
    {"bd", "", "backpressure.dec"},
    {"ti", "(result i32)", "thread.index"},
    {"tn", "(param i32 i32) (result i32)", "thread.new-indirect $start (core table $table \"t\")"},
    {"tl", "(param i32)", "thread.resume-later"},
    {"ts", "(param i32) (result i32)", "thread.suspend-then-resume"},
    {"tp", "(param i32) (result i32)", "thread.yield-then-promote"},
    {"ty", "(result i32)", "thread.yield"},
    {"tu", "(result i32)", "thread.suspend"},
    {"tyr", "(param i32) (result i32)", "thread.yield-then-resume"},
    {"tsp", "(param i32) (result i32)", "thread.suspend-then-promote"},
    {"en", "(param i32 i32) (result i32)", "error-context.new (memory (core memory $mem \"mem\"))"},
    {"en16", "(param i32 i32) (result i32)",
     "error-context.new string-encoding=utf16 (memory (core memory $mem \"mem\"))"},
    {"em", "(param i32 i32)",
     "error-context.debug-message (memory (core memory $mem \"mem\")) (realloc (core func $mem "
     "\"realloc\"))"},
    {"ed", "(param i32)", "error-context.drop"},
    {"blk", "(result i32)", "lower (func $b \"block\") async (memory (core memory $mem \"mem\"))"},
    {"stub", "(result i32)", "lower (func $b \"stubborn\") async"},
    {"text", "(param i32 i32)", "lower (func $b \"text\") (memory (core memory $mem \"mem\"))"},
    {"list", "(param i32 i32)", "lower (func $b \"list\") (memory (core memory $mem \"mem\"))"},
    {"char", "(param i32)", "lower (func $b \"char\")"},
    {"pick", "(param i32)", "lower (func $b \"pick\")"},
    {"picks", "(param i32 i32)", "lower (func $b \"picks\") (memory (core memory $mem \"mem\"))"},
    {"throw", "", "lower (func $b \"throw\")"},
    {"many", "(param i32)", "lower (func $b \"many\") (memory (core memory $mem \"mem\"))"},
    {"give", "(param i32)", "lower (func $b \"give\")"},
    {"mk", "(result i32)", "lower (func $b \"mk\")"},
    {"ownr", "(param i32)", "lower (func $b \"own\")"},
    {"lend", "(param i32)", "lower (func $b \"lend\")"},
    {"hold", "(param i32) (result i32)", "lower (func $b2 \"hold\") async"},
    {"keep", "(param i32)", "lower (func $b2 \"keep\")"},
    {"pass", "(param i32)", "lower (func $b2 \"pass\")"},
    {"pd", "(param i32)", "resource.drop $p"},
    {"stuck", "", "lower (func $b \"stuck\")"},
};

static const struct {
    const char *body, *trap;
} rows[] = {
    /* Handles. */
    {"(drop (call $rr (i32.const 0)))", "unknown handle index 0"},
    {"(loop $l (drop (call $rn (i32.const 5))) (br $l))", "resource table has no free keys"},
    {"(drop (call $rr (i32.const 7)))", "unknown handle index 7"},
    {"(drop (call $rr (i32.const -1)))", "unknown handle index 4294967295"},
    {"(drop (call $rn (i32.const 5))) (call $rd (i32.const 1)) (call $rd (i32.const 1))",
     "unknown handle index 1"},
    {"(drop (call $wn)) (drop (call $rr (i32.const 1)))",
     "handle index 1 used with the wrong type"},
    {"(drop (call $rn (i32.const 5))) (call $qd (i32.const 1))",
     "expected guest-defined resource but found a different guest-defined resource"},
    {"(drop (call $rn (i32.const 5))) (call $wd (i32.const 1))", "used with the wrong type"},
    {"(drop (call $wn)) (call $wj (i32.const 1) (i32.const 1))", "used with the wrong type"},
    {"(drop (call $sn)) (call $wj (i32.const 1) (i32.const 2))", "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 2) (i32.const 0) (i32.const 1)))",
     "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $cr (i32.const 1) (i32.const 0) (i32.const 1)))",
     "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $fr (i32.const 1) (i32.const 0)))", "used with the wrong type"},
    {"(drop (call $sn)) (call $give (i32.const 2))", "used with the wrong type"},
    {"(drop (call $sc (i32.const 3)))", "unknown handle index 3"},
    {"(call $ed (i32.const 2))", "unknown handle index 2"},
    {"(drop (call $wn)) (call $rd (i32.const 1))", "used with the wrong type"},
    {"(drop (call $wn)) (call $sd (i32.const 1))", "used with the wrong type"},
    {"(drop (call $wn)) (drop (call $sc (i32.const 1)))", "used with the wrong type"},
    {"(drop (call $wn)) (call $ed (i32.const 1))", "used with the wrong type"},
    {"(drop (call $wn)) (call $em (i32.const 1) (i32.const 0))", "used with the wrong type"},
    {"(drop (call $rn (i32.const 5))) (drop (call $ww (i32.const 1) (i32.const 0)))",
     "used with the wrong type"},
    {"(drop (call $rn (i32.const 5))) (drop (call $wp (i32.const 1) (i32.const 0)))",
     "used with the wrong type"},
    {"(drop (call $rn (i32.const 5))) (drop (call $sn)) (call $wj (i32.const 2) (i32.const 1))",
     "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $scr (i32.const 2)))", "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $ccr (i32.const 1)))", "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $scw (i32.const 1)))", "used with the wrong type"},
    {"(drop (call $fn)) (drop (call $fcr (i32.const 2)))", "used with the wrong type"},
    {"(drop (call $fn)) (drop (call $fcw (i32.const 1)))", "used with the wrong type"},
    {"(drop (call $sn)) (call $sdr (i32.const 2))", "used with the wrong type"},
    {"(drop (call $sn)) (call $cdr (i32.const 1))", "used with the wrong type"},
    {"(drop (call $sn)) (call $cf (i32.const 1) (i32.const 2))", "used with the wrong type"},
    {"(drop (call $sn)) (call $sf (i32.const 2) (i32.const 1))", "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $sn)) (call $sf (i32.const 1) (i32.const 3))",
     "used with the wrong type"},
    {"(drop (call $sn)) (drop (call $cn)) (call $sf (i32.const 1) (i32.const 4))",
     "used with the wrong type"},
    {"(drop (call $cn)) (call $give (i32.const 1))", "used with the wrong type"},
    {"(drop (call $rn (i32.const 5))) (call $give (i32.const 1))", "used with the wrong type"},
    {"(drop (call $wn)) (call $ownr (i32.const 1))", "used with the wrong type"},
    {"(drop (call $wn)) (call $lend (i32.const 1))", "used with the wrong type"},
    {"(drop (call $rn (i32.const 5))) (drop (call $mk)) (call $ownr (i32.const 1))", "different"},
    {"(drop (call $rn (i32.const 5))) (call $lend (i32.const 1))", "different"},
    {"(drop (call $mk)) (drop (call $hold (i32.const 1))) (call $ownr (i32.const 1))",
     "cannot remove owned resource while borrowed"},
    {"(drop (call $mk)) (drop (call $hold (i32.const 1))) (call $pd (i32.const 1))",
     "cannot remove owned resource while borrowed"},
    {"(drop (call $mk)) (call $pass (i32.const 1))", "cannot lift own resource from a borrow"},
    {"(drop (call $mk)) (drop (call $hold (i32.const 1))) (drop (call $sc (i32.const 2)))",
     "borrow handles still remain at the end of the call"},
    {"(drop (call $mk)) (call $keep (i32.const 1))",
     "borrow handles still remain at the end of the call"},
    /* Values from a guest. */
    {"(call $text (i32.const 65536) (i32.const 1))", "out-of-bounds"},
    {"(call $text (i32.const 0) (i32.const -1))", "string byte length exceeds maximum"},
    {"(i32.store8 (i32.const 0) (i32.const 255)) (call $text (i32.const 0) (i32.const 1))",
     "invalid utf-8"},
    {"(i32.store8 (i32.const 0) (i32.const 0xc3)) (call $text (i32.const 0) (i32.const 1))",
     "incomplete utf-8 byte sequence"},
    {"(call $list (i32.const 65536) (i32.const 1))", "list content out-of-bounds"},
    {"(call $list (i32.const 2) (i32.const 1))", "unaligned pointer"},
    {"(call $list (i32.const 0) (i32.const 0x10000000))", "list byte length exceeds maximum"},
    {"(call $char (i32.const 0xd800))", "invalid `char` bit pattern"},
    {"(call $char (i32.const 0x110000))", "invalid `char` bit pattern"},
    {"(call $pick (i32.const 2))", "invalid variant discriminant"},
    {"(i32.store8 (i32.const 1) (i32.const 2)) (call $picks (i32.const 0) (i32.const 2))",
     "invalid variant discriminant"},
    {"(drop (call $en16 (i32.const 1) (i32.const 1)))", "unaligned pointer"},
    {"(call $throw)", "uncaught exception"},
    {"(call $many (i32.const 65535))", "unaligned pointer"},
    {"(call $many (i32.const 65532))", "out of bounds"},
    {"(drop (call $en (i32.const 65535) (i32.const 2)))", "out-of-bounds"},
    {"(drop (call $wn)) (drop (call $wp (i32.const 1) (i32.const 1)))", "unaligned pointer"},
    {"(drop (call $wn)) (drop (call $wp (i32.const 1) (i32.const 65532)))", "out of bounds"},
    {"(drop (call $en (i32.const 0) (i32.const 2))) (call $em (i32.const 1) (i32.const 65532))",
     "out of bounds"},
    /* Waitable sets. */
    {"(drop (call $wn)) (drop (call $tyr (call $tn (i32.const 5) (i32.const 0))))"
     "(call $wd (i32.const 1))",
     "cannot drop waitable set with waiters"},
    {"(drop (call $wn)) (drop (call $sn)) (call $wj (i32.const 2) (i32.const 1))"
     "(call $wd (i32.const 1))",
     "cannot drop waitable set with waitables in it"},
    {"(drop (call $wn)) (drop (call $ww (i32.const 1) (i32.const 0)))", "deadlock detected"},
    {"(drop (call $wn)) (drop (call $sn)) (call $wj (i32.const 2) (i32.const 1))"
     "(drop (call $srs (i32.const 2) (i32.const 0) (i32.const 1)))",
     "waitable cannot be used synchronously while added to a waitable set"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(drop (call $wn)) (call $wj (i32.const 1) (i32.const 3)) (drop (call $scr (i32.const 1)))",
     "waitable cannot be used synchronously while added to a waitable set"},
    {"(drop (call $wn)) (drop (call $blk)) (call $wj (i32.const 2) (i32.const 1))"
     "(drop (call $sc (i32.const 2)))",
     "waitable cannot be used synchronously while added to a waitable set"},
    /* Streams and futures. */
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 65536) (i32.const 1)))",
     "out of bounds"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const -1)))",
     "stream read/write count too large"},
    {"(drop (call $cn)) (drop (call $cr (i32.const 1) (i32.const 1) (i32.const 1)))",
     "unaligned pointer"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))",
     "cannot read from busy stream"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(call $sdr (i32.const 1))",
     "cannot drop busy stream"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(call $give (i32.const 1))",
     "cannot remove busy stream"},
    {"(drop (call $sn)) (call $sdw (i32.const 2))"
     "(drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))",
     "cannot read from stream after being notified that the writable end dropped"},
    {"(drop (call $sn)) (call $sdw (i32.const 2))"
     "(drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1))) (call $give (i32.const 1))",
     "cannot lift stream after being notified that the writable end dropped"},
    {"(drop (call $sn)) (call $sdr (i32.const 1))"
     "(drop (call $sw (i32.const 2) (i32.const 0) (i32.const 1)))"
     "(drop (call $sw (i32.const 2) (i32.const 0) (i32.const 1)))",
     "cannot write to stream after being notified that the readable end dropped"},
    {"(drop (call $wn)) (drop (call $sn)) (call $wj (i32.const 2) (i32.const 1))"
     "(call $give (i32.const 2))",
     "cannot lift stream while it's in a waitable set"},
    {"(drop (call $sn)) (drop (call $scr (i32.const 1)))",
     "read cancelled when no read is pending"},
    {"(drop (call $cn)) (drop (call $cr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(drop (call $cw (i32.const 2) (i32.const 8) (i32.const 1)))",
     "intra-component stream with non-numeric payload"},
    {"(drop (call $fn)) (call $fdw (i32.const 2))",
     "cannot drop future write end without first writing a value"},
    {"(drop (call $fn)) (drop (call $fw (i32.const 2) (i32.const 0)))"
     "(drop (call $fr (i32.const 1) (i32.const 8))) (drop (call $fr (i32.const 1) (i32.const 8)))",
     "cannot read from future after previous read succeeded"},
    {"(drop (call $fn)) (call $fdr (i32.const 1)) (drop (call $fw (i32.const 2) (i32.const 0)))"
     "(drop (call $fw (i32.const 2) (i32.const 0)))",
     "cannot write to future after previous write succeeded or readable end dropped"},
    {"(drop (call $sn)) (drop (call $sn))"
     "(drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(call $sf (i32.const 1) (i32.const 4))",
     "cannot forward busy stream"},
    {"(drop (call $sn)) (drop (call $sn))"
     "(drop (call $sw (i32.const 4) (i32.const 0) (i32.const 1)))"
     "(call $sf (i32.const 1) (i32.const 4))",
     "cannot forward busy stream"},
    {"(drop (call $wn)) (drop (call $sn)) (drop (call $sn)) (call $wj (i32.const 5) (i32.const 1))"
     "(call $sf (i32.const 2) (i32.const 5))",
     "cannot forward stream while it's in a waitable set"},
    {"(drop (call $sn)) (call $sdw (i32.const 2))"
     "(drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1))) (drop (call $sn))"
     "(call $sf (i32.const 1) (i32.const 3))",
     "cannot forward stream after being notified that the writable end dropped"},
    {"(drop (call $fn)) (drop (call $fn)) (drop (call $fr (i32.const 1) (i32.const 0)))"
     "(call $ff (i32.const 1) (i32.const 4))",
     "cannot forward busy future"},
    {"(drop (call $fn)) (drop (call $fn)) (drop (call $fw (i32.const 2) (i32.const 0)))"
     "(drop (call $fr (i32.const 1) (i32.const 8))) (call $ff (i32.const 1) (i32.const 4))",
     "cannot forward future after previous read succeeded"},
    /* Subtasks and tasks. */
    {"(drop (call $blk)) (call $sd (i32.const 1))",
     "cannot drop a subtask which has not yet resolved"},
    {"(drop (call $blk)) (drop (call $sc (i32.const 1))) (drop (call $sc (i32.const 1)))",
     "`subtask.cancel` called after terminal status delivered"},
    {"(call $tr (i32.const 1))", "invalid `task.return` signature and/or options"},
    {"(call $tc)", "`task.cancel` called by task which has not been cancelled"},
    {"(call $bd)", "backpressure counter underflow"},
    {"(local.set 0 (i32.const 65536)) (loop $l (call $bi)"
     "(br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))",
     "backpressure counter overflow"},
    {"(call $stuck)", "cannot block a synchronous task before returning"},
    /* Threads. */
    {"(drop (call $tn (i32.const 9) (i32.const 0)))", "table index out of bounds"},
    {"(drop (call $tn (i32.const 0) (i32.const 0)))", "uninitialized element"},
    {"(drop (call $tn (i32.const 2) (i32.const 0)))", "start function does not match"},
    {"(call $tl (i32.const 4))", "unknown thread index 4"},
    {"(call $tl (call $ti))", "cannot resume thread which is not suspended"},
    {"(drop (call $ts (call $ti)))", "cannot resume thread which is not suspended"},
    {"(drop (call $tp (call $ti)))", "cannot resume thread which is not suspended"},
    {"(drop (call $tyr (call $ti)))", "cannot resume thread which is not suspended"},
    {"(drop (call $tsp (call $ti)))", "cannot resume thread which is not suspended"},
    {"(call $tl (call $tn (i32.const 1) (i32.const 0)))"
     "(call $tl (i32.const 2))",
     "cannot resume thread which is not suspended"},
    {"(drop (call $sn)) (drop (call $scr (i32.const 1)))",
     "read cancelled when no read is pending"},
    {"(drop (call $sn)) (drop (call $scw (i32.const 2)))",
     "write cancelled when no write is pending"},
    {"(drop (call $fn)) (drop (call $fcw (i32.const 2)))",
     "write cancelled when no write is pending"},
    {"(drop (call $wn)) (drop (call $blk)) (call $wj (i32.const 2) (i32.const 1))"
     "(drop (call $scs (i32.const 2)))",
     "waitable cannot be used synchronously while added to a waitable set"},
    {"(drop (call $stub)) (drop (call $sc (i32.const 1))) (drop (call $sc (i32.const 1)))",
     "`subtask.cancel` called twice"},
    {"(drop (call $sn)) (call $tl (call $tn (i32.const 3) (i32.const 0)))"
     "(drop (call $srs (i32.const 1) (i32.const 0) (i32.const 1)))",
     "waitable cannot be used synchronously"},
    {"(drop (call $sn)) (call $tl (call $tn (i32.const 4) (i32.const 0)))"
     "(drop (call $srs (i32.const 1) (i32.const 0) (i32.const 1)))",
     "waitable cannot be used synchronously"},
    /* What the core says. */
    {"(unreachable)", "unreachable"},
};

/* A handle of each kind is dropped in each of its states: a trap, or (NULL) a return after which nothing is left. */
static const struct {
    const char *body, *trap;
} drops[] = {
    /* Resources: owned; lent in a call that goes on; after a call that has ended; dropped. */
    {"(call $rd (call $rn (i32.const 5)))", NULL},
    {"(drop (call $mk)) (drop (call $hold (i32.const 1))) (call $pd (i32.const 1))",
     "cannot remove owned resource while borrowed"},
    {"(call $rd (call $rn (i32.const 5))) (call $rd (i32.const 1))", "unknown handle index 1"},
    /* Subtasks: started; cancelled, and told so; dropped. */
    {"(drop (call $blk)) (call $sd (i32.const 1))",
     "cannot drop a subtask which has not yet resolved"},
    {"(drop (call $blk)) (drop (call $sc (i32.const 1))) (call $sd (i32.const 1))", NULL},
    {"(drop (call $blk)) (drop (call $scs (i32.const 1))) (call $sd (i32.const 1))", NULL},
    {"(drop (call $blk)) (drop (call $sc (i32.const 1))) (drop (call $wn))"
     "(call $wj (i32.const 1) (i32.const 2)) (call $sd (i32.const 1)) (call $wd (i32.const 2))",
     NULL},
    {"(drop (call $stub)) (drop (call $sc (i32.const 1))) (call $sd (i32.const 1))",
     "cannot drop a subtask which has not yet resolved"},
    {"(drop (call $blk)) (drop (call $sc (i32.const 1))) (call $sd (i32.const 1))"
     "(call $sd (i32.const 1))",
     "unknown handle index 1"},
    /* Ends of streams: idle, in any order; while a copy goes on; copied but not told; cancelled; the other end gone, told or not; in a set. */
    {"(drop (call $sn)) (call $sdr (i32.const 1)) (call $sdw (i32.const 2))", NULL},
    {"(drop (call $sn)) (call $sdw (i32.const 2)) (call $sdr (i32.const 1))", NULL},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(call $sdr (i32.const 1))",
     "cannot drop busy stream"},
    {"(drop (call $sn)) (drop (call $sw (i32.const 2) (i32.const 0) (i32.const 1)))"
     "(call $sdw (i32.const 2))",
     "cannot drop busy stream"},
    {"(drop (call $sn)) (drop (call $sw (i32.const 2) (i32.const 0) (i32.const 1)))"
     "(drop (call $sr (i32.const 1) (i32.const 8) (i32.const 1))) (call $sdw (i32.const 2))",
     "cannot drop busy stream"},
    {"(drop (call $sn)) (drop (call $sw (i32.const 2) (i32.const 0) (i32.const 1)))"
     "(drop (call $sr (i32.const 1) (i32.const 8) (i32.const 1))) (call $sdr (i32.const 1))"
     "(drop (call $scw (i32.const 2))) (call $sdw (i32.const 2))",
     NULL},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(drop (call $scr (i32.const 1))) (call $sdr (i32.const 1)) (call $sdw (i32.const 2))",
     NULL},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(call $sdw (i32.const 2)) (call $sdr (i32.const 1))",
     "cannot drop busy stream"},
    {"(drop (call $sn)) (drop (call $sr (i32.const 1) (i32.const 0) (i32.const 1)))"
     "(call $sdw (i32.const 2)) (drop (call $scr (i32.const 1))) (call $sdr (i32.const 1))",
     NULL},
    {"(drop (call $sn)) (drop (call $wn)) (call $wj (i32.const 1) (i32.const 3))"
     "(call $sdw (i32.const 2)) (call $sdr (i32.const 1)) (call $wd (i32.const 3))",
     NULL},
    /* Ends of futures: the writable one only once it is written or the other end is known to be gone. */
    {"(drop (call $fn)) (call $fdr (i32.const 1)) (call $fdw (i32.const 2))",
     "cannot drop future write end without first writing a value"},
    {"(drop (call $fn)) (call $fdr (i32.const 1)) (drop (call $fw (i32.const 2) (i32.const 0)))"
     "(call $fdw (i32.const 2))",
     NULL},
    {"(drop (call $fn)) (call $fdr (i32.const 1)) (drop (call $wn))"
     "(call $wj (i32.const 2) (i32.const 1)) (drop (call $wp (i32.const 1) (i32.const 0)))"
     "(call $fdw (i32.const 2)) (call $wd (i32.const 1))",
     NULL},
    {"(drop (call $fn)) (drop (call $fw (i32.const 2) (i32.const 0))) (call $fdw (i32.const 2))",
     "cannot drop busy future"},
    {"(drop (call $fn)) (drop (call $fr (i32.const 1) (i32.const 0))) (call $fdr (i32.const 1))",
     "cannot drop busy future"},
    {"(drop (call $fn)) (drop (call $fw (i32.const 2) (i32.const 0))) (call $fdr (i32.const 1))"
     "(drop (call $fcw (i32.const 2))) (call $fdw (i32.const 2))",
     NULL},
    {"(drop (call $fn)) (drop (call $fw (i32.const 2) (i32.const 0)))"
     "(drop (call $fcw (i32.const 2))) (call $fdw (i32.const 2))",
     "cannot drop future write end without first writing a value"},
    {"(drop (call $fn)) (drop (call $fr (i32.const 1) (i32.const 0)))"
     "(drop (call $fw (i32.const 2) (i32.const 8))) (call $fdw (i32.const 2))"
     "(call $fdr (i32.const 1))",
     "cannot drop busy future"},
    {"(drop (call $fn)) (drop (call $fr (i32.const 1) (i32.const 0)))"
     "(drop (call $fw (i32.const 2) (i32.const 8))) (call $fdw (i32.const 2))"
     "(drop (call $fcr (i32.const 1))) (call $fdr (i32.const 1))",
     NULL},
    {"(drop (call $fn)) (drop (call $fr (i32.const 1) (i32.const 0)))"
     "(drop (call $fcr (i32.const 1))) (call $fdr (i32.const 1))"
     "(drop (call $fw (i32.const 2) (i32.const 0))) (call $fdw (i32.const 2))",
     NULL},
    /* Waitable sets: empty; never with members or waiters; emptied. */
    {"(call $wd (call $wn))", NULL},
    {"(drop (call $wn)) (drop (call $sn)) (call $wj (i32.const 2) (i32.const 1))"
     "(call $wj (i32.const 2) (i32.const 0)) (call $wd (i32.const 1)) (call $sdr (i32.const 2))"
     "(call $sdw (i32.const 3))",
     NULL},
    {"(drop (call $wn)) (drop (call $sn)) (call $wj (i32.const 2) (i32.const 1))"
     "(call $sdr (i32.const 2)) (call $wd (i32.const 1)) (call $sdw (i32.const 3))",
     NULL},
    {"(call $wd (call $wn)) (call $wd (i32.const 1))", "unknown handle index 1"},
    /* Error contexts. */
    {"(call $ed (call $en (i32.const 0) (i32.const 0)))", NULL},
    {"(call $ed (call $en (i32.const 0) (i32.const 0))) (call $ed (i32.const 1))",
     "unknown handle index 1"},
};

/* Callbacks: exports that are lifted with one; the body gives the code. */
static const struct {
    const char *body, *trap;
} async_rows[] = {
    {"(i32.const 0)", "async-lifted export failed to produce a result"},
    {"(call $trn) (call $trn) (i32.const 0)", "the task has resolved already"},
    {"(call $tr (i32.const 1)) (i32.const 0)", "invalid `task.return` signature and/or options"},
    {"(call $tro) (i32.const 0)", "invalid `task.return` signature and/or options"},
    {"(call $tc) (i32.const 0)", "`task.cancel` called by task which has not been cancelled"},
    {"(i32.const 3)", "unsupported callback code: 3"},
    {"(i32.const 15)", "unsupported callback code: 15"},
    {"(i32.const 0x12)", "unknown handle index 1"},
    {"(drop (call $rn (i32.const 5))) (i32.const 0x12)", "used with the wrong type"},
    {"(drop (call $wn)) (i32.const 0x12)", "deadlock detected"},
};

enum form { FORM_SYNC, FORM_POST_RETURN, FORM_CALLBACK, FORM_WITH_MEMORY };

/* What the guest calls, and the start of the guest: all but its built-ins. */
static const char before[] =
    "(component (component $B"
    " (core module $m (memory (export \"mem\") 1)"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024))"
    "  (func (export \"f1\") (param i32)) (func (export \"f2\") (param i32 i32))"
    "  (tag $e) (func (export \"throw\") (throw $e))"
    "  (func (export \"wait\") (result i32) (i32.const 1))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32) (i32.const 1)))"
    " (core instance $i (instantiate $m))"
    " (canon waitable-set.new (core func $new))"
    " (canon waitable-set.wait (memory (core memory $i \"mem\")) (core func $wait))"
    " (core module $w (import \"\" \"new\" (func $new (result i32)))"
    "  (import \"\" \"wait\" (func $wait (param i32 i32) (result i32)))"
    "  (func (export \"stuck\") (drop (call $wait (call $new) (i32.const 0)))))"
    " (core instance $w (instantiate $w (with \"\" (instance (export \"new\" (func $new))"
    "  (export \"wait\" (func $wait))))))"
    " (func (export \"stuck\") (canon lift (core func $w \"stuck\")))"
    " (canon task.cancel (core func $cancel))"
    " (core module $n (import \"\" \"cancel\" (func $cancel))"
    "  (func (export \"block\") (result i32) (i32.const 1))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32)"
    "   (if (result i32) (i32.eq (local.get 0) (i32.const 6))"
    "    (then (call $cancel) (i32.const 0)) (else (i32.const 1)))))"
    " (core instance $j (instantiate $n (with \"\" (instance (export \"cancel\" (func "
    "$cancel))))))"
    " (func (export \"block\") async"
    "  (canon lift (core func $j \"block\") async (callback (core func $j \"cb\"))))"
    " (func (export \"stubborn\") async"
    "  (canon lift (core func $i \"wait\") async (callback (core func $i \"cb\"))))"
    " (type $s (stream u8)) (type $v (variant (case \"a\") (case \"b\")))"
    " (export $ve \"v\" (type $v))"
    " (type $t17 (tuple u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u32))"
    " (func (export \"text\") (param \"t\" string) (canon lift (core func $i \"f2\")"
    "  (memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\"))))"
    " (func (export \"list\") (param \"t\" (list u32)) (canon lift (core func $i \"f2\")"
    "  (memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\"))))"
    " (func (export \"char\") (param \"t\" char) (canon lift (core func $i \"f1\")))"
    " (func (export \"pick\") (param \"t\" $ve) (canon lift (core func $i \"f1\")))"
    " (func (export \"picks\") (param \"t\" (list $ve)) (canon lift (core func $i \"f2\")"
    "  (memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\"))))"
    " (func (export \"throw\") (canon lift (core func $i \"throw\")))"
    " (func (export \"give\") (param \"t\" $s) (canon lift (core func $i \"f1\")))"
    " (type $p0 (resource (rep i32))) (export $p \"p\" (type $p0))"
    " (canon resource.new $p0 (core func $pn))"
    " (core module $k (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "  (func (export \"mk\") (result i32) (call $new (i32.const 7))))"
    " (core instance $k (instantiate $k (with \"\" (instance (export \"new\" (func $pn))))))"
    " (func (export \"mk\") (result (own $p)) (canon lift (core func $k \"mk\")))"
    " (func (export \"own\") (param \"t\" (own $p)) (canon lift (core func $i \"f1\")))"
    " (func (export \"lend\") (param \"t\" (borrow $p)) (canon lift (core func $i \"f1\")))"
    " (func (export \"many\") (param \"t\" $t17) (canon lift (core func $i \"f1\")"
    "  (memory (core memory $i \"mem\")) (realloc (core func $i \"realloc\")))))"
    "(instance $b (instantiate $B)) (alias export $b \"p\" (type $p))"
    /* Borrows, seen from a component that does not have the resource. */
    "(component $B2 (import \"p\" (type $p (sub resource)))"
    " (import \"own\" (func $own (param \"t\" (own $p))))"
    " (canon task.cancel (core func $cancel)) (canon lower (func $own) (core func $own'))"
    " (core module $m (import \"\" \"cancel\" (func $cancel))"
    "  (import \"\" \"own\" (func $own (param i32)))"
    "  (func (export \"keep\") (param i32))"
    "  (func (export \"pass\") (param i32) (call $own (local.get 0)))"
    "  (func (export \"hold\") (param i32) (result i32) (i32.const 1))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32)"
    "   (if (i32.eq (local.get 0) (i32.const 6)) (then (call $cancel))) (i32.const 1)))"
    " (core instance $i (instantiate $m (with \"\" (instance"
    "  (export \"cancel\" (func $cancel)) (export \"own\" (func $own'))))))"
    " (func (export \"keep\") (param \"t\" (borrow $p)) (canon lift (core func $i \"keep\")))"
    " (func (export \"pass\") (param \"t\" (borrow $p)) (canon lift (core func $i \"pass\")))"
    " (func (export \"hold\") async (param \"t\" (borrow $p)) (canon lift"
    "  (core func $i \"hold\") async (callback (core func $i \"cb\")))))"
    "(instance $b2 (instantiate $B2 (with \"p\" (type $p)) (with \"own\" (func $b \"own\"))))"
    "(type $s (stream u8)) (type $pair (tuple u32 u32)) (type $c (stream $pair)) (type $f "
    "(future u32))"
    "(core type $start (func (param i32)))"
    "(type $r (resource (rep i32))) (type $q (resource (rep i32)))"
    "(core module $memm (memory (export \"mem\") 1)"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"
    "(core instance $mem (instantiate $memm))"
    "(core module $tablem (table (export \"t\") 8 funcref))"
    "(core instance $table (instantiate $tablem))";

static void put_guest(struct buf *b, enum form form, const char *body)
{
    buf_c(b, before);
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        buf_printf(b, "(canon %s (core func $%s))", builtins[i].definition, builtins[i].name);
    }
    buf_c(b,
          "(core module $m (import \"\" \"mem\" (memory 1)) (import \"\" \"t\" (table 8 funcref))");
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        buf_printf(b, "(import \"\" \"%s\" (func $%s %s))", builtins[i].name, builtins[i].name,
                   builtins[i].type);
    }
    buf_printf(b,
               "(func (export \"run\") %s (local i32) %s)"
               "(func (export \"post\") %s)"
               "(func (export \"cb\") (param i32 i32 i32) (result i32) (i32.const 0)) (func "
               "$thread (param i32)) (func $none)"
               "(func $joiner (param i32) (call $wj (i32.const 1) (i32.const 0)))"
               "(func $canceller (param i32) (drop (call $scr (i32.const 1))))"
               "(func $waiter (param i32) (drop (call $ww (i32.const 1) (i32.const 0))))"
               "(elem (i32.const 1) func $thread $none $joiner $canceller $waiter))"
               "(core instance $i (instantiate $m (with \"\" (instance"
               " (export \"mem\" (memory $mem \"mem\")) (export \"t\" (table $table \"t\"))",
               form >= FORM_CALLBACK ? "(result i32)" : "", form == FORM_POST_RETURN ? "" : body,
               form == FORM_POST_RETURN ? body : "");
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        buf_printf(b, "(export \"%s\" (func $%s))", builtins[i].name, builtins[i].name);
    }
    static const char *const options[] = {
        [FORM_SYNC] = "",
        [FORM_POST_RETURN] = "(post-return (core func $i \"post\"))",
        [FORM_CALLBACK] = "async (callback (core func $i \"cb\"))",
        [FORM_WITH_MEMORY] =
            "async (callback (core func $i \"cb\")) (memory (core memory $mem \"mem\"))",
    };
    buf_printf(b, "))))(func (export \"run\") async (canon lift (core func $i \"run\") %s)))",
               options[form]);
}

/* Without a trap the body returns and leaves nothing open. */
static void run_row(enum form form, const char *body, const char *trap)
{
    struct world w;
    world_begin_with(&w, &(struct canon_config){.features = features_all()});
    struct buf text = buf_in(&w.arena);
    put_guest(&text, form, body);
    world_start(&w, buf_view(&text));
    struct canon_func *f = world_export(&w, "run");
    enum canon_outcome o = canon_invoke(w.store, f, NULL, 0, &w.arena, NULL);
    if (!trap && o == CANON_OK) {
        struct canon_leak *leaks;
        u32 left;
        canon_leaks(w.store, &w.arena, &leaks, &left);
        if (left) {
            fail_msg("%s: " STRF " is left", body, STRA(leaks[0].what));
        }
        world_end(&w);
        return;
    }
    str have = o == CANON_TRAPPED ? canon_trap_of(w.store)->message : STR("none");
    if (!trap || str_find(have, str_c(trap), 0) == SIZE_MAX) {
        fail_msg("%s: trap `" STRF "`, wanted `%s`", body, STRA(have), trap ? trap : "none");
    }
    /* Nothing runs in the instance after that. */
    assert_int_equal(canon_invoke(w.store, f, NULL, 0, &w.arena, NULL), CANON_TRAPPED);
    assert_true(str_eq_c(canon_trap_of(w.store)->message, "cannot enter component instance"));
    world_end(&w);
}

static void test_traps(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(rows); i++) {
        run_row(FORM_SYNC, rows[i].body, rows[i].trap);
    }
    for (u32 i = 0; i < LENGTH_OF(async_rows); i++) {
        run_row(FORM_CALLBACK, async_rows[i].body, async_rows[i].trap);
    }
}

/* A memory that task.return names is that of the lift. */
static void test_return_memory(void **state)
{
    (void)state;
    run_row(FORM_CALLBACK, "(call $trm) (i32.const 0)",
            "invalid `task.return` signature and/or options");
    run_row(FORM_CALLBACK, "(call $trn) (i32.const 0)", NULL);
    run_row(FORM_WITH_MEMORY, "(call $trn) (i32.const 0)", NULL);
    run_row(FORM_WITH_MEMORY, "(call $trm) (i32.const 0)", NULL);
}

static void test_drops(void **state)
{
    (void)state;
    for (u32 i = 0; i < LENGTH_OF(drops); i++) {
        run_row(FORM_SYNC, drops[i].body, drops[i].trap);
    }
}

/* What leaves the component (`may_leave`) may not be called after its return. */
static void test_leaving(void **state)
{
    (void)state;
    static const char *const may[] = {"rr", "bi", "bd"};
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        bool skip = false;
        for (u32 n = 0; n < LENGTH_OF(may); n++) {
            skip |= strcmp(builtins[i].name, may[n]) == 0;
        }
        struct arena a = {0};
        struct buf body = buf_in(&a);
        const char *end = strstr(builtins[i].type, "(result");
        buf_printf(&body, "%s(call $%s", end ? "(drop " : "", builtins[i].name);
        for (const char *at = strstr(builtins[i].type, "(param"); at && (!end || at < end);) {
            at = strstr(at, " i32");
            if (at && (!end || at < end)) {
                buf_c(&body, " (i32.const 0)");
                at += 4;
            }
        }
        buf_c(&body, end ? "))" : ")");
        if (!skip) {
            run_row(FORM_POST_RETURN, str_to_c(&a, buf_view(&body)),
                    "cannot leave component instance");
        }
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_traps), cmocka_unit_test(test_drops),
                                       cmocka_unit_test(test_return_memory),
                                       cmocka_unit_test(test_leaving)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
