#!/usr/bin/env python3
"""Golden tests: command, input files and expected output in one text file.

    golden.py --bin DIR [--rewrite] FILE.test...

A test file is made of sections; each starts with a line `--- KIND [ARGUMENT]`:

    what the test is about, in a sentence or two (free text before the first section)
    --- needs clang wasm-ld          programs that must be there, else the test is skipped
    --- file a/b.wit                 an input file
    --- hex broken.wasm              a binary input file, as hex digits
    --- run                          a shell command; witc is on PATH, the folder is fresh
    witc wit a
    --- exit 1                       expected exit code, 0 if there is no such section
    --- stdout                       expected output, empty if there is no such section
    --- stderr

A file may have several runs, each with its own expectations; they share the folder. `--rewrite` puts what
the commands really print into the file. `{SRC}` in a command is the project's folder.
"""
import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
SKIPPED = 77
TIMEOUT = 60


def read_sections(text):
    """[(kind, argument, body)]; the text before the first section has kind ''."""
    sections = [["", "", ""]]
    for line in text.splitlines(keepends=True):
        if line.startswith("--- "):
            kind, _, argument = line[4:].strip().partition(" ")
            sections.append([kind, argument, ""])
        else:
            sections[-1][2] += line
    return sections


class Failure(Exception):
    pass


def check(name, what, actual, expected):
    if actual != expected:
        lines = difflib.unified_diff(expected.splitlines(True), actual.splitlines(True),
                                     f"expected {what}", f"actual {what}")
        raise Failure(f"{name}: {what} differs\n" + "".join(lines))


def execute(command, folder, path):
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["sh", "-c", command.replace("{SRC}", str(SOURCE))], cwd=folder, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    clean = lambda b: b.decode(errors="backslashreplace").replace(str(SOURCE), "{SRC}")
    out, err = clean(done.stdout), clean(done.stderr)
    if out and not out.endswith("\n"):
        out += "\\no-newline\n"
    if "Sanitizer" in err or "runtime error:" in err:
        raise Failure(f"sanitizer report from: {command}{err}")
    if done.returncode < 0:
        raise Failure(f"died by signal {-done.returncode}: {command}{err}")
    return done.returncode, out, err


def prepare(sections, folder):
    for kind, argument, body in sections:
        target = folder / argument
        if kind in ("file", "hex"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(bytes.fromhex(body) if kind == "hex" else body.encode())


def missing_programs(sections):
    words = [w for kind, argument, _ in sections if kind == "needs" for w in argument.split()]
    return [w for w in words if not shutil.which(w)]


def run_test(path, binaries, rewrite):
    sections = read_sections(path.read_text())
    known = {"", "needs", "file", "hex", "run", "exit", "stdout", "stderr"}
    for kind, _, _ in sections:
        if kind not in known:
            raise Failure(f"{path}: unknown section `{kind}`")
    if not any(kind == "run" for kind, _, _ in sections):
        raise Failure(f"{path}: runs nothing")
    missing = missing_programs(sections)
    if missing:
        print(f"skipped: {path.name} needs {' '.join(missing)}")
        return SKIPPED
    result = []
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        prepare(sections, Path(folder))
        at = 0
        while at < len(sections):
            kind, argument, body = sections[at]
            at += 1
            if kind in ("exit", "stdout", "stderr"):
                raise Failure(f"{path}: section `{kind}` stands behind no run")
            result.append([kind, argument, body])
            if kind != "run":
                continue
            expected = {"exit": "0", "stdout": "", "stderr": ""}
            while at < len(sections) and sections[at][0] in expected:
                kind, argument, text = sections[at]
                expected[kind] = argument if kind == "exit" else text
                at += 1
            code, out, err = execute(body, folder, binaries)
            if rewrite:
                result += [["exit", str(code), ""]] if code else []
                result += [["stdout", "", out]] if out else []
                result += [["stderr", "", err]] if err else []
            else:
                check(path.name, "stderr", err, expected["stderr"])
                check(path.name, "stdout", out, expected["stdout"])
                check(path.name, "exit code", f"{code}\n", f"{expected['exit']}\n")
    if rewrite:
        text = "".join((f"--- {kind} {argument}".rstrip() + "\n" if kind else "") + body
                       for kind, argument, body in result)
        path.write_text(text)
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of the witc to test")
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("tests", nargs="+", type=Path)
    options = parser.parse_args()
    worst = 0
    for path in options.tests:
        try:
            code = run_test(path, os.path.abspath(options.bin), options.rewrite)
        except (Failure, subprocess.TimeoutExpired, ValueError) as why:
            print(why)
            code = 1
        worst = 1 if 1 in (code, worst) else max(code, worst)
    return worst


if __name__ == "__main__":
    sys.exit(main())
