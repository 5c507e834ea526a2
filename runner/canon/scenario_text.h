/* scenario_text.h - the text of scenarios: what stands for the host's functions, types, imports and built-ins that all guests share. */
#ifndef WITC_CANON_SCENARIO_TEXT_H
#define WITC_CANON_SCENARIO_TEXT_H

#include "test_world.h"

struct builtin {
    const char *name, *type, *definition;
};
#define MEM " (memory (core memory $lib \"mem\"))"

static const struct builtin builtins[] = {
    {"s-new", "(result i64)", "stream.new $s"},
    {"s-read", "(param i32 i32 i32) (result i32)", "stream.read $s async" MEM},
    {"s-write", "(param i32 i32 i32) (result i32)", "stream.write $s async" MEM},
    {"s-read-sync", "(param i32 i32 i32) (result i32)", "stream.read $s" MEM},
    {"s-write-sync", "(param i32 i32 i32) (result i32)", "stream.write $s" MEM},
    {"s-cancel-read", "(param i32) (result i32)", "stream.cancel-read $s"},
    {"s-cancel-write", "(param i32) (result i32)", "stream.cancel-write $s"},
    {"s-cancel-read-async", "(param i32) (result i32)", "stream.cancel-read $s async"},
    {"s-cancel-write-async", "(param i32) (result i32)", "stream.cancel-write $s async"},
    {"s-drop-r", "(param i32)", "stream.drop-readable $s"},
    {"s-drop-w", "(param i32)", "stream.drop-writable $s"},
    {"s-forward", "(param i32 i32)", "stream.forward $s"},
    {"f-new", "(result i64)", "future.new $f"},
    {"f-read", "(param i32 i32) (result i32)", "future.read $f async" MEM},
    {"f-write", "(param i32 i32) (result i32)", "future.write $f async" MEM},
    {"f-read-sync", "(param i32 i32) (result i32)", "future.read $f" MEM},
    {"f-write-sync", "(param i32 i32) (result i32)", "future.write $f" MEM},
    {"f-cancel-read", "(param i32) (result i32)", "future.cancel-read $f"},
    {"f-drop-r", "(param i32)", "future.drop-readable $f"},
    {"f-drop-w", "(param i32)", "future.drop-writable $f"},
    {"f-forward", "(param i32 i32)", "future.forward $f"},
    {"set-new", "(result i32)", "waitable-set.new"},
    {"set-wait", "(param i32 i32) (result i32)", "waitable-set.wait" MEM},
    {"set-poll", "(param i32 i32) (result i32)", "waitable-set.poll" MEM},
    {"set-drop", "(param i32)", "waitable-set.drop"},
    {"join", "(param i32 i32)", "waitable.join"},
    {"t-cancel", "(param i32) (result i32)", "subtask.cancel"},
    {"t-cancel-async", "(param i32) (result i32)", "subtask.cancel async"},
    {"t-drop", "(param i32)", "subtask.drop"},
    {"task-cancel", "", "task.cancel"},
    {"bp-inc", "", "backpressure.inc"},
    {"bp-dec", "", "backpressure.dec"},
    {"ctx-get", "(result i32)", "context.get i32 0"},
    {"ctx-set", "(param i32)", "context.set i32 0"},
    {"ctx-get1", "(result i32)", "context.get i32 1"},
    {"ctx-set1", "(param i32)", "context.set i32 1"},
    {"yield", "(result i32)", "thread.yield"},
    {"index", "(result i32)", "thread.index"},
    {"spawn", "(param i32 i32) (result i32)", "thread.new-indirect $start (core table $lib \"t\")"},
    {"later", "(param i32)", "thread.resume-later"},
    {"suspend", "(result i32)", "thread.suspend"},
    {"suspend-resume", "(param i32) (result i32)", "thread.suspend-then-resume"},
    {"yield-resume", "(param i32) (result i32)", "thread.yield-then-resume"},
    {"suspend-promote", "(param i32) (result i32)", "thread.suspend-then-promote"},
    {"yield-promote", "(param i32) (result i32)", "thread.yield-then-promote"},
    {"err-new", "(param i32 i32) (result i32)", "error-context.new" MEM},
    {"err-drop", "(param i32)", "error-context.drop"},
    /* The host's. */
    {"eq", "(param i32 i32)", "lower (func $host \"eq\")"},
    {"put", "(param i32 i32)", "lower (func $host \"put\")"},
    {"at", "(param i32) (result i32)", "lower (func $host \"at\")"},
    {"wait", "(param i32)", "lower (func $host \"wait\")"},
    {"hold", "(param i32) (result i32)", "lower (func $host \"hold\")"},
    {"hold-async", "(param i32 i32) (result i32)", "lower (func $host \"hold\") async" MEM},
    {"sink", "(param i32 i32) (result i32)", "lower (func $host \"sink\") async"},
    {"more", "(param i32 i32)", "lower (func $host \"more\")"},
    {"taken", "(param i32) (result i32)", "lower (func $host \"taken\")"},
    {"dropped", "(param i32) (result i32)", "lower (func $host \"dropped\")"},
    {"source", "(param i32 i32 i32) (result i32)", "lower (func $host \"source\") async" MEM},
    {"write", "(param i32 i32 i32)", "lower (func $host \"write\")"},
    {"finish", "(param i32)", "lower (func $host \"finish\")"},
    {"echo", "(param i32 i32) (result i32)", "lower (func $host \"echo\") async" MEM},
    {"add10", "(param i32 i32 i32 i32) (result i32)", "lower (func $host \"add10\") async" MEM},
    {"add1", "(param i32 i32) (result i32)", "lower (func $host \"add1\") async" MEM},
    {"flat4", "(param f32 f64 i32 i64) (result i32)", "lower (func $host \"flat4\") async"},
    {"four", "(param i32 i32 i32 i32) (result i32)", "lower (func $host \"four\") async"},
    {"five", "(param i32) (result i32)", "lower (func $host \"five\") async" MEM},
};

/* What stands in the guest beside the built-ins; `r` and `w` are the ends that were made last. */
static const char helpers[] =
    "(core module $help (import \"\" \"mem\" (memory 1)) (import \"\" \"eq\" (func $eq (param i32 "
    "i32)))"
    " (import \"\" \"s-new\" (func $sn (result i64))) (import \"\" \"f-new\" (func $fn (result "
    "i64)))"
    " (import \"\" \"set-wait\" (func $wait (param i32 i32) (result i32)))"
    " (global $r (export \"r\") (mut i32) (i32.const 0)) (global $w (export \"w\") (mut i32) "
    "(i32.const 0))"
    " (func $split (param i64) (global.set $r (i32.wrap_i64 (local.get 0)))"
    "  (global.set $w (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32)))))"
    " (func (export \"stream\") (call $split (call $sn)))"
    " (func (export \"future\") (call $split (call $fn)))"
    " (func (export \"event\") (param $set i32) (param $code i32) (param $p1 i32) (param $p2 i32)"
    "  (call $eq (call $wait (local.get $set) (i32.const 1000)) (local.get $code))"
    "  (call $eq (i32.load (i32.const 1000)) (local.get $p1))"
    "  (call $eq (i32.load (i32.const 1004)) (local.get $p2)))"
    " (func (export \"began\") (param $code i32) (param $state i32) (result i32)"
    "  (call $eq (i32.and (local.get $code) (i32.const 15)) (local.get $state))"
    "  (i32.shr_u (local.get $code) (i32.const 4)))"
    " (func (export \"copied\") (param $code i32) (param $result i32) (param $n i32)"
    "  (call $eq (local.get $code)"
    "   (i32.or (i32.shl (local.get $n) (i32.const 4)) (local.get $result)))))"
    "(core instance $help (instantiate $help (with \"\" (instance (export \"mem\" (memory $lib "
    "\"mem\"))"
    " (export \"eq\" (func $b-eq)) (export \"s-new\" (func $b-s-new)) (export \"f-new\" (func "
    "$b-f-new))"
    " (export \"set-wait\" (func $b-set-wait))))))";
static const struct builtin helped[] = {
    {"stream", "", ""},
    {"future", "", ""},
    {"event", "(param i32 i32 i32 i32)", ""},
    {"began", "(param i32 i32) (result i32)", ""},
    {"copied", "(param i32 i32 i32)", ""},
};

static const char host_import[] =
    "(import \"host\" (instance $host"
    " (type $s (stream u8)) (type $f (future u8))"
    " (export \"eq\" (func (param \"got\" u32) (param \"want\" u32)))"
    " (export \"put\" (func (param \"cell\" u32) (param \"value\" u32)))"
    " (export \"at\" (func (param \"cell\" u32) (result u32)))"
    " (export \"wait\" (func async (param \"cell\" u32)))"
    " (export \"hold\" (func async (param \"cell\" u32) (result u8)))"
    " (export \"sink\" (func async (param \"s\" $s) (param \"remain\" u32)))"
    " (export \"more\" (func (param \"reader\" u32) (param \"remain\" u32)))"
    " (export \"taken\" (func (param \"reader\" u32) (result u32)))"
    " (export \"dropped\" (func (param \"reader\" u32) (result u32)))"
    " (export \"source\" (func async (param \"chunk\" u32) (param \"keep\" u32) (result $s)))"
    " (export \"write\" (func (param \"writer\" u32) (param \"first\" u32) (param \"n\" u32)))"
    " (export \"finish\" (func (param \"writer\" u32)))"
    " (export \"echo\" (func async (param \"s\" $s) (result $s)))"
    " (export \"add10\" (func async (param \"s\" $s) (param \"remain\" u32) (param \"later\" u32) "
    "(result $s)))"
    " (export \"add1\" (func async (param \"f\" $f) (result $f)))"
    " (export \"flat4\" (func async (param \"a\" f32) (param \"b\" f64) (param \"c\" u32) (param "
    "\"d\" s64)))"
    " (export \"four\" (func async (param \"a\" u32) (param \"b\" u8) (param \"c\" u8) (param "
    "\"d\" u8)))"
    " (export \"five\" (func async (param \"a\" u32) (param \"b\" u8) (param \"c\" u8) (param "
    "\"d\" u8) (param \"e\" u8)))"
    "))";

/* ---- The text of a scenario ----------------------------------------------------------------------------- */

/* rest: "ELEMENT RESULT". */
static void put_types(struct buf *b, str rest)
{
    size_t space = str_find(rest, STR(" "), 0);
    str element = space == SIZE_MAX ? rest : str_of(rest.ptr, space);
    str result = space == SIZE_MAX ? STR("") : str_of(rest.ptr + space, rest.len - space);
    if (str_eq_c(element, "_")) {
        element = STR("");
    }
    buf_printf(b, "(type $s (stream " STRF ")) (type $f (future " STRF "))", STRA(element),
               STRA(element));
    buf_c(b, "(core type $start (func (param i32)))"
             "(core module $lib (memory (export \"mem\") 1) (table (export \"t\") 16 funcref))"
             "(core instance $lib (instantiate $lib))");
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        buf_printf(b, "(canon %s (core func $b-%s))\n", builtins[i].definition, builtins[i].name);
    }
    if (result.len) {
        result = str_of(result.ptr + 1, result.len - 1);
    }
    buf_printf(b, "(canon task.return " STRF " (core func $b-return))", STRA(result));
    buf_c(b, helpers);
}

static void put_imports(struct buf *b, bool returns)
{
    buf_c(b, "(import \"\" \"mem\" (memory 1)) (import \"\" \"t\" (table 16 funcref))"
             "(import \"\" \"r\" (global $r (mut i32))) (import \"\" \"w\" (global $w (mut i32)))");
    buf_printf(b, "(import \"\" \"return\" (func $return %s))", returns ? "(param i32)" : "");
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        buf_printf(b, "(import \"\" \"%s\" (func $%s %s))", builtins[i].name, builtins[i].name,
                   builtins[i].type);
    }
    for (u32 i = 0; i < LENGTH_OF(helped); i++) {
        buf_printf(b, "(import \"\" \"%s\" (func $%s %s))", helped[i].name, helped[i].name,
                   helped[i].type);
    }
}

static void put_with(struct buf *b)
{
    buf_c(b, "(export \"mem\" (memory $lib \"mem\")) (export \"t\" (table $lib \"t\"))"
             "(export \"r\" (global $help \"r\")) (export \"w\" (global $help \"w\"))"
             "(export \"return\" (func $b-return))");
    for (u32 i = 0; i < LENGTH_OF(builtins); i++) {
        buf_printf(b, "(export \"%s\" (func $b-%s))", builtins[i].name, builtins[i].name);
    }
    for (u32 i = 0; i < LENGTH_OF(helped); i++) {
        buf_printf(b, "(export \"%s\" (func $help \"%s\"))", helped[i].name, helped[i].name);
    }
}

static bool ends_word(char c)
{
    return c == ' ' || c == ')' || c == '\n' || c == '(';
}

/* "(@name ...)" at `at`: what is behind it. */
static size_t put_placeholder(struct buf *b, str text, size_t at, str element, bool *returns)
{
    size_t end = at;
    for (u32 depth = 0;; end++) {
        depth += text.ptr[end] == '(';
        if (text.ptr[end] == ')' && --depth == 0) {
            break;
        }
    }
    str inner = str_of(text.ptr + at + 2, end - at - 2);
    if (str_eq_c(inner, "host")) {
        buf_c(b, host_import);
    } else if (str_starts(inner, STR("types ELEMENT"))) {
        put_types(b, element);
        *returns = false;
    } else if (str_starts(inner, STR("types "))) {
        str rest = str_of(inner.ptr + 6, inner.len - 6);
        put_types(b, rest);
        *returns = str_find(rest, STR("(result"), 0) != SIZE_MAX;
    } else if (str_eq_c(inner, "imports")) {
        put_imports(b, *returns);
    } else if (str_eq_c(inner, "with")) {
        put_with(b);
    } else {
        fail_msg("unknown (@" STRF ")", STRA(inner));
    }
    return end + 1;
}

static void expand(struct buf *b, str text, str element)
{
    bool returns = false;
    for (size_t i = 0; i < text.len;) {
        const char *p = text.ptr + i;
        if (p[0] == ';' && p[1] == ';') {
            while (i < text.len && text.ptr[i] != '\n') {
                i++;
            }
        } else if (p[0] == '(' && p[1] == '@') {
            i = put_placeholder(b, text, i, element, &returns);
        } else if (p[0] == '#' || p[0] == '%') {
            size_t end = i + 1;
            while (!ends_word(text.ptr[end])) {
                end++;
            }
            buf_printf(b, p[0] == '#' ? "(i32.const %.*s)" : "(local.get $%.*s)",
                       (int)(end - i - 1), p + 1);
            i = end;
        } else {
            buf_byte(b, (u8)*p);
            i++;
        }
    }
}

#endif
