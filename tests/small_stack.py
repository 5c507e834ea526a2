"""Loops over every instruction (wasm/ops.def) with a C stack of 64 KiB: the interpreter keeps guests off it.

    small_stack.py --bin FOLDER SOURCE

A handler that does not end in a jump leaves at least 16 bytes on the stack each time. The table OTHERS has the instructions without a fixed
signature; one that is missing fails the test.
"""
import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TURNS = 5000
ROW = re.compile(r'^(?:OP|MEM)\(\w+,\s*0x?\w*,\s*0x\w+,\s*"([^"]+)",\s*(\w+),\s*"([^"]*)",\s*(\w+)')
CONSTANTS = {"i": "(i32.const 16)", "I": "(i64.const 16)", "f": "(f32.const 1.5)", "F": "(f64.const 1.5)",
             "v": "(v128.const i32x4 1 2 3 4)", "a": "(i32.const 16)"}
LOCALS = {"i": "$i", "I": "$I", "f": "$f", "F": "$F", "v": "$v", "a": "$i"}
IMMEDIATES = {"NONE": "", "MEMARG": "", "MEMARG_LANE": " 0", "LANE": " 0", "MEMORY": "", "MEMORY_MEMORY": "", "DATA_MEMORY": " $d",
              "DATA": " $d", "I32": " 7", "I64": " 7", "F32": " 7", "F64": " 7", "V128": " i32x4 5 6 7 8",
              "SHUFFLE": " " + " ".join(map(str, range(16))), "FENCE": ""}
CAST = "(ref.i31 (local.get $i))"
OTHERS = {
    "block": "(block)",
    "loop": "(loop)",
    "if": "(if (local.get $n) (then (nop)) (else (nop)))",
    "br": "(block (br 0))",
    "br_if": "(block (br_if 0 (local.get $n)))",
    "br_table": "(block (block (br_table 0 1 (i32.and (local.get $n) (i32.const 1)))))",
    "return": "(call $return)",
    "call": "(call $callee)",
    "call_indirect": "(call_indirect (type $void) (local.get $zero)) (call_indirect $funcs (type $void) (i32.const 0))",
    "call_ref": "(call_ref $void (ref.func $callee))",
    "return_call": "(call $return_call)",
    "return_call_indirect": "(call $return_call_indirect)",
    "return_call_ref": "(call $return_call_ref)",
    "throw": "(block (try_table (catch_all 0) (throw $e)))",
    "throw_ref": "(block (try_table (catch_all 0) (throw_ref (block (result exnref) (try_table (catch_all_ref 0) (throw $e)) (unreachable)))))",
    "try_table": "(block (try_table (catch $e 0) (call $throw)))",
    "drop": "(drop (local.get $n))",
    "select": "(drop (select (local.get $n) (i32.const 2) (local.get $n)))"
              " (drop (select (result externref) (ref.null extern) (ref.null extern) (local.get $n)))"
              " (drop (select (local.get $v) (local.get $v) (local.get $n)))",
    "local.get": "(drop (i32.add (local.get $i) (local.get $n)))",
    "local.set": "(local.set $x (local.get $n)) (local.set $y (local.get $v))",
    "local.tee": "(drop (i32.add (local.tee $x (local.get $n)) (i32.const 1)))",
    "global.get": "(drop (global.get $g)) (drop (global.get $w))",
    "global.set": "(global.set $g (local.get $n)) (global.set $w (local.get $v))",
    "table.get": "(drop (table.get $t (local.get $zero)))",
    "table.set": "(table.set $t (local.get $zero) (ref.null func))",
    "table.init": "(table.init $t $el (i32.const 0) (i32.const 0) (i32.const 1))",
    "elem.drop": "(elem.drop $dropped)",
    "table.copy": "(table.copy $t $funcs (i32.const 0) (i32.const 0) (i32.const 1))",
    "table.grow": "(drop (table.grow $t (ref.null func) (i32.const 1)))",
    "table.size": "(drop (table.size $t))",
    "table.fill": "(table.fill $t (i32.const 0) (ref.null func) (i32.const 2))",
    "memory.init": "(memory.init $kept (i32.const 0) (i32.const 0) (i32.const 1))",
    "memory.copy": "(memory.copy (i32.const 0) (i32.const 8) (i32.const 8)) (memory.copy $shared 0 (i32.const 0) (i32.const 8) (i32.const 8))",
    "memory.atomic.wait32": "(drop (memory.atomic.wait32 $shared (i32.const 0) (i32.const 1) (i64.const 0)))",
    "memory.atomic.wait64": "(drop (memory.atomic.wait64 $shared (i32.const 8) (i64.const 1) (i64.const 0)))",
    "ref.null": "(drop (ref.null any))",
    "ref.is_null": "(drop (ref.is_null (table.get $t (local.get $zero))))",
    "ref.func": "(drop (ref.func $callee))",
    "ref.eq": "(drop (ref.eq (ref.null eq) (ref.null eq)))",
    "ref.as_non_null": "(drop (ref.as_non_null (ref.func $callee)))",
    "br_on_null": "(block (drop (br_on_null 0 (ref.null any))))",
    "br_on_non_null": "(drop (block (result (ref i31)) (br_on_non_null 0 (ref.i31 (local.get $i))) (unreachable)))",
    "struct.new": "(drop (struct.new $s (i32.const 1) (i32.const 2) (v128.const i64x2 1 2)))",
    "struct.new_default": "(drop (struct.new_default $s))",
    "struct.get": "(drop (struct.get $s 0 (local.get $struct))) (drop (struct.get $s 2 (local.get $struct)))",
    "struct.get_s": "(drop (struct.get_s $s 1 (local.get $struct)))",
    "struct.get_u": "(drop (struct.get_u $s 1 (local.get $struct)))",
    "struct.set": "(struct.set $s 0 (local.get $struct) (i32.const 1)) (struct.set $s 2 (local.get $struct) (local.get $v))",
    "array.new": "(drop (array.new $a (i32.const 1) (i32.const 3)))",
    "array.new_default": "(drop (array.new_default $a (i32.const 3)))",
    "array.new_fixed": "(drop (array.new_fixed $a 2 (i32.const 3) (i32.const 4)))",
    "array.new_data": "(drop (array.new_data $a $kept (i32.const 0) (i32.const 1)))",
    "array.new_elem": "(drop (array.new_elem $r $el (i32.const 0) (i32.const 1)))",
    "array.get": "(drop (array.get $r (local.get $refs) (i32.const 0)))",
    "array.get_s": "(drop (array.get_s $a (local.get $array) (i32.const 0)))",
    "array.get_u": "(drop (array.get_u $a (local.get $array) (i32.const 0)))",
    "array.set": "(array.set $a (local.get $array) (i32.const 0) (i32.const 5))",
    "array.len": "(drop (array.len (local.get $array)))",
    "array.fill": "(array.fill $a (local.get $array) (i32.const 0) (i32.const 5) (i32.const 2))",
    "array.copy": "(array.copy $a $a (local.get $array) (i32.const 0) (local.get $array) (i32.const 1) (i32.const 1))",
    "array.init_data": "(array.init_data $a $kept (local.get $array) (i32.const 0) (i32.const 0) (i32.const 1))",
    "array.init_elem": "(array.init_elem $r $el (local.get $refs) (i32.const 0) (i32.const 0) (i32.const 1))",
    "ref.test": f"(drop (ref.test (ref i31) {CAST})) (drop (ref.test (ref null struct) {CAST}))",
    "ref.cast": f"(drop (ref.cast (ref i31) {CAST})) (drop (ref.cast (ref null $s) (local.get $struct)))",
    "br_on_cast": f"(drop (block (result anyref) (br_on_cast 0 anyref (ref i31) {CAST})))",
    "br_on_cast_fail": f"(drop (block (result anyref) (br_on_cast_fail 0 anyref (ref struct) {CAST})))",
    "any.convert_extern": "(drop (any.convert_extern (ref.null extern)))",
    "extern.convert_any": f"(drop (extern.convert_any {CAST}))",
    "ref.i31": f"(drop {CAST})",
    "i31.get_s": f"(drop (i31.get_s {CAST}))",
    "i31.get_u": f"(drop (i31.get_u {CAST}))",
}
# What ends the run; parts of others; what is validated only.
LEFT_OUT = {"unreachable", "else", "end", "try", "catch", "rethrow", "delegate", "catch_all"}
MODULE = """(module
  (type $void (func))
  (type $s (struct (field (mut i32)) (field (mut i8)) (field (mut v128))))
  (type $a (array (mut i8)))
  (type $r (array (mut funcref)))
  (memory 1 8)
  (memory $shared 1 1 shared)
  (table $funcs funcref (elem $callee))
  (table $t 10 20 funcref)
  (tag $e)
  (global $g (mut i32) (i32.const 1))
  (global $w (mut v128) (v128.const i64x2 1 2))
  (data $d "\\00")
  (data $kept "abc")
  (elem $el func $callee)
  (elem $dropped func $callee)
  (func $callee)
  (func $return (return))
  (func $throw (throw $e))
  (func $return_call (return_call $callee))
  (func $return_call_indirect (return_call_indirect $funcs (type $void) (i32.const 0)))
  (func $return_call_ref (return_call_ref $void (ref.func $callee)))
  (func (export "run") (result i32)
    (local $n i32) (local $x i32) (local $zero i32) (local $i i32) (local $I i64) (local $f f32) (local $F f64) (local $v v128) (local $y v128)
    (local $struct (ref null $s)) (local $array (ref null $a)) (local $refs (ref null $r))
    (local.set $i (i32.const 24)) (local.set $I (i64.const 24)) (local.set $f (f32.const 2.5)) (local.set $F (f64.const 2.5))
    (local.set $struct (struct.new_default $s)) (local.set $array (array.new_default $a (i32.const 9)))
    (local.set $refs (array.new_default $r (i32.const 9)))
"""


def body(name, immediate, signature, operands):
    pushes = " ".join(operands(c) for c in signature.split(":")[0])
    return f"{pushes} {name}{IMMEDIATES[immediate]}" + " drop" * len(signature.split(":")[1])


def bodies(ops):
    """A body for each instruction; those that there is none for."""
    found, missing, names = [], [], set()
    for line in ops.splitlines():
        row = ROW.match(line)
        if not row:
            continue
        name, immediate, signature, _ = row.groups()
        names.add(name)
        if name in OTHERS or name in LEFT_OUT:
            continue
        if ":" not in signature or immediate not in IMMEDIATES:
            missing.append(name)
            continue
        found.append(body(name, immediate, signature, CONSTANTS.get))
        if signature[0] != ":":
            found.append(body(name, immediate, signature, lambda c: f"(local.get {LOCALS[c]})"))
    missing += [f"{name} (there is no such instruction)" for name in (OTHERS.keys() | LEFT_OUT) - names]
    return found + list(OTHERS.values()), missing


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of the witc to test")
    parser.add_argument("source", type=Path, help="root of the source tree")
    options = parser.parse_args()
    found, missing = bodies((options.source / "wasm/ops.def").read_text())
    if missing:
        print(f"not tested: {', '.join(missing)}", file=sys.stderr)
        return 1
    text = MODULE
    for instructions in found:
        text += (f"    (local.set $n (i32.const {TURNS})) (loop {instructions}"
                 " (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))\n")
    text += f"    (i32.const {len(found)})))\n"
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ops.wat"
        path.write_text(text)
        done = subprocess.run([f"{options.bin}/witc", "run", "-f", "all", "--invoke", "run()", path], capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, hard)))
    if done.returncode or done.stdout.strip() != str(len(found)) or len(found) < 900:
        print(f"{len(found)} loops: exit {done.returncode}\n{done.stdout}{done.stderr}", file=sys.stderr)
        return 1
    print(f"{len(found)} loops")
    return 0


if __name__ == "__main__":
    sys.exit(main())
