#!/usr/bin/env python3
"""Does the example that `witc explain` gives for a code of WIT give that code?

    explain.py --bin DIR

An example is a text, x.wit, and lines `$ command` that are run on it in a fresh folder; without any it is read by `witc wit`. A text
that names no package gets `package zz:yy;` in front.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BARE = {"wit-no-package"}
# What only a program that uses the library can do; kinds that are about several packages, told in words.
WITHOUT = {"wit-broken", "wit-merge"}


def example(witc, code):
    text = subprocess.run([witc, "explain", code], capture_output=True, text=True, check=True).stdout
    _, _, shown = text.partition("\nExample:\n\n")
    return "".join(line[4:] or "\n" for line in shown.splitlines(keepends=True))


def output(binaries, code, shown):
    text, *commands = ("\n" + shown).split("\n$ ")
    text = text.lstrip("\n")
    with tempfile.TemporaryDirectory() as folder:
        if not text.startswith("package ") and code not in BARE:
            text = "package zz:yy;\n" + text
        if text.strip():
            (Path(folder) / "x.wit").write_text(text + "\n")
        script = "witc() { command witc \"$@\" --message-format json; }\n" + "\n".join(commands or ["witc wit x.wit"])
        env = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
        return subprocess.run(["sh", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    binaries = Path(parser.parse_args().bin).resolve()
    witc = binaries / "witc"
    wrong = []
    codes = subprocess.run([witc, "explain"], capture_output=True, text=True, check=True).stdout.split()
    for code in [code for code in codes if code.startswith("wit-")]:
        shown = example(witc, code)
        if not shown:
            wrong += [f"{code}: no example"] * (code not in WITHOUT)
            continue
        done = output(binaries, code, shown)
        if f'"code":"{code}"' not in done.stderr.replace('": "', '":"') or done.returncode not in (0, 1):
            wrong.append(f"{code}: exit {done.returncode}, {done.stderr[:600]}")
    print("\n".join(wrong) or "each example gives its code")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
