"""Loops over every instruction of a fixed signature (wasm/ops.def) with a C stack of 64 KiB: the interpreter keeps guests off it.

    small_stack.py --bin FOLDER SOURCE
"""
import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROW = re.compile(r'^(?:OP|MEM)\(\w+,\s*0x?\w*,\s*0x\w+,\s*"([^"]+)",\s*(\w+),\s*"([^"]*)",\s*(\w+)')
CONSTANTS = {"i": "(i32.const 16)", "I": "(i64.const 16)", "f": "(f32.const 1.5)", "F": "(f64.const 1.5)",
             "v": "(v128.const i32x4 1 2 3 4)", "a": "(i32.const 16)"}
IMMEDIATES = {"NONE": "", "MEMARG": "", "MEMARG_LANE": " 0", "LANE": " 0", "MEMORY": "", "MEMORY_MEMORY": "", "DATA_MEMORY": " $d",
              "DATA": " $d", "I32": " 7", "I64": " 7", "F32": " 7", "F64": " 7", "V128": " i32x4 5 6 7 8",
              "SHUFFLE": " " + " ".join(map(str, range(16))), "FENCE": ""}
# These trap, or wait for threads that are not there.
LEFT_OUT = {"memory.atomic.wait32", "memory.atomic.wait64", "memory.init"}


def functions(ops):
    for line in ops.splitlines():
        row = ROW.match(line)
        if not row:
            continue
        name, immediate, signature, gate = row.groups()
        if ":" not in signature or immediate not in IMMEDIATES or name in LEFT_OUT:
            continue
        operands, results = signature.split(":")
        pushes = " ".join(CONSTANTS[c] for c in operands)
        body = f"{pushes} {name}{IMMEDIATES[immediate]}" + " drop" * len(results)
        yield name, gate, body


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of the witc to test")
    parser.add_argument("source", type=Path, help="root of the source tree")
    options = parser.parse_args()
    rows = list(functions((options.source / "wasm/ops.def").read_text()))
    text = '(module (memory 1 8) (data $d "\\00") (func (export "run") (result i32) (local i32)\n'
    for name, _, body in rows:
        text += f"  (local.set 0 (i32.const 300)) (loop {body} (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))\n"
    text += f"  (i32.const {len(rows)})))\n"
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ops.wat"
        path.write_text(text)
        done = subprocess.run([f"{options.bin}/witc", "run", "-f", "all", "--invoke", "run()", path], capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, hard)))
    if done.returncode or done.stdout.strip() != str(len(rows)) or len(rows) < 450:
        print(f"{len(rows)} instructions: exit {done.returncode}\n{done.stdout}{done.stderr}", file=sys.stderr)
        return 1
    print(f"{len(rows)} instructions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
