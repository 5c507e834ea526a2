#!/usr/bin/env python3
"""Seeds for the fuzz targets, from the golden tests and from folders of further files.

    corpus.py --tool WITC OUT [FOLDER...]

Makes OUT/wit, OUT/wat, OUT/wasm, OUT/compose and OUT/any: the input files of testdata/, and those below each FOLDER, by kind; and OUT/commands: random bytes.
`OUT/wasm` also holds what `witc parse` makes of each text, and each WIT file as a package (`witc wit --wasm`). Files of over 64 KiB are left out: a fuzzer does more with small ones.
"""
import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import golden

LIMIT = 64 * 1024
KINDS = {".wit": "wit", ".wat": "wat", ".wast": "wat", ".wasm": "wasm", ".wac": "compose", ".yaml": "compose", ".yml": "compose"}


def inputs(folders):
    """(suffix, bytes) of each input file."""
    for test in sorted((golden.SOURCE / "testdata").rglob("*.test")):
        for kind, argument, body in golden.read_sections(test.read_text()):
            if kind == "file":
                yield Path(argument).suffix, body.encode()
            elif kind == "hex":
                yield Path(argument).suffix, bytes.fromhex("".join(body.split()))
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix in KINDS and path.is_file():
                yield path.suffix, path.read_bytes()


def binary(tool, suffix, content):
    """What the tool makes of a text, b'' if nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input" + suffix)
        path.write_bytes(content)
        command = ["wit", "--wasm", "--all-features"] if suffix == ".wit" else ["parse"]
        done = subprocess.run([tool, *command, path, "-o", Path(folder, "out")], capture_output=True, timeout=20)
        return Path(folder, "out").read_bytes() if done.returncode == 0 else b""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", nargs="*")
    args = parser.parse_args()
    count = 0

    def keep(kind, content):
        nonlocal count
        if 0 < len(content) <= LIMIT:
            folder = args.out / kind
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)
            count += 1

    for suffix, content in inputs(args.folder):
        kind = KINDS.get(suffix)
        if kind:
            keep(kind, content)
        if suffix in (".wit", ".wat") and len(content) <= LIMIT:
            keep("wasm", binary(args.tool, suffix, content))
    random = Random(1)
    for _ in range(200):
        keep("commands", random.randbytes(random.randrange(100, 1200)))
    (args.out / "any").mkdir(parents=True, exist_ok=True)
    print(f"{count} seeds in {args.out}")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
