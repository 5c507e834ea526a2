#!/usr/bin/env python3
"""Executes the examples of README.md and the manual pages and compares what they print.

    docs.py --bin DIR [--rewrite] README.md man/*.1

In README.md an example is a fenced block marked `console`, in a manual page a `.Bd -literal` display; in both a line
`$ command` is run and the lines behind it, up to the next command, are its output (both streams, as on a
terminal). Blocks without a `$` line are no examples. All examples of one call run in order in one copy of the project's examples folder,
so that README's build the components which the manual pages go on to use.
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
TIMEOUT = 120


def blocks(path, text):
    """Yields (start, end) line numbers of the bodies of example blocks."""
    if path.suffix == ".md":
        opening, closing = re.compile(r"```console\s*$"), re.compile(r"```\s*$")
    else:
        opening, closing = re.compile(r"\.Bd -literal"), re.compile(r"\.Ed")
    start = None
    for number, line in enumerate(text):
        if start is None and opening.match(line):
            start = number + 1
        elif start is not None and closing.match(line):
            if any(l.startswith("$ ") for l in text[start:number]):
                yield start, number
            start = None


def unescape(path, line):
    return line if path.suffix == ".md" else line.replace("\\e", "\\").replace("\\&", "").replace("\\-", "-")


def escape(path, line):
    if path.suffix == ".md":
        return line
    line = line.replace("\\", "\\e")
    return "\\&" + line if line.startswith((".", "'")) else line


def execute(command, folder, binaries):
    env = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
    return done.stdout.decode(errors="replace").splitlines(), done.returncode


def run_block(path, lines, folder, binaries):
    """The block as it should read."""
    result, at = [], 0
    while at < len(lines):
        if not lines[at].startswith("$ "):
            result += [lines[at]] if not result else []
            at += 1
            continue
        command = [lines[at]]
        while command[-1].rstrip().endswith(("\\", "\\e")) and at + 1 < len(lines):
            at += 1
            command.append(lines[at])
        at += 1
        while at < len(lines) and not lines[at].startswith("$ "):
            at += 1
        text = "\n".join(unescape(path, l) for l in command)[2:]
        output, _ = execute(text, folder, binaries)
        result += command + [escape(path, l) for l in output]
    return result


def check_file(path, folder, binaries, rewrite):
    text = path.read_text().splitlines()
    actual, last, count = [], 0, 0
    for start, end in blocks(path, text):
        actual += text[last:start] + run_block(path, text[start:end], folder, binaries)
        last, count = end, count + 1
    actual += text[last:]
    if actual == text:
        return True, count
    if rewrite:
        path.write_text("\n".join(actual) + "\n")
        return True, count
    print("\n".join(difflib.unified_diff(text, actual, str(path), "what the examples print", lineterm="")))
    return False, count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    fine, total = True, 0
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        shutil.copytree(SOURCE / "examples", Path(folder) / "examples")
        for path in options.files:
            good, count = check_file(path, folder, os.path.abspath(options.bin), options.rewrite)
            fine, total = fine and good, total + count
    if total == 0:
        print("no examples found")
        return 1
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
