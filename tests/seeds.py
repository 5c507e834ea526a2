#!/usr/bin/env python3
"""Runs the async scripts of the component-model suite under many seeds: what holds must not lean on one order.

    tests/seeds.py --tool PATH/witc [--seeds N] [--first N] FOLDER

FOLDER holds the `.wast` files. Every directive must hold under each of the N seeds, except those that LEANING lists: there
the script expects one of several behaviours that the specification allows. Exit code 1 if another one fails, or if one of
the list never does (when there are 40 seeds or more), so that the list stays true.
"""
import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FEATURES = "cm-more-async-builtins,cm-threading,cm-async-stackful,cm-implements,cm-fixed-length-lists,cm-map"

# (script, pattern of the assertion, why it may fail)
LEANING = [
    ("async-calls-sync.wast", r'\(invoke "run[12]"\)',
     "two calls in two instances wait at once; which of them runs first is open (Thread.resume_later puts them among the ready "
     "threads, of which Store.tick takes any), and the script numbers the calls in the order in which they run"),
    ("big-interleaving-test.wast", r'"await" .*"stream-write".*\s+.*"expect-code" \(s32.const 2\)',
     "the event is there, yet waitable-set.wait may still block once (Thread.wait_until), so that the call of `await` gives "
     "STARTED (1) instead of the RETURNED (2) that the program expects"),
    ("big-interleaving-test.wast", r'"await-readable" .*"stream-read"',
     "as above; the program then drops the stream that the blocked call is still to be told of"),
]
# Scripts whose assertions stand each for itself: each gets an instance of its own, so that one failure does not hide others.
FRESH = {"big-interleaving-test.wast": "(component instance $i $Tester)"}


def prepare(path, folder):
    """Writes the script to run; its lines keep their numbers."""
    text = path.read_text()
    if path.name in FRESH:
        head, instance, body = text.partition(FRESH[path.name])
        text = head + instance + re.sub(r"(?m)^\(assert_", instance + r" (assert_", body)
    copy = folder / path.name
    copy.write_text(text)
    return copy


def directive_at(text, line):
    """The directive that starts in the line, to the next one."""
    rest = text.split("\n", line - 1)[-1]
    return re.split(r"\n(?=\()", rest, maxsplit=1)[0]


def failures(tool, seed, scripts):
    """The exit code and the diagnostics of one run of all scripts."""
    done = subprocess.run([tool, "wast", "--message-format=json", "--seed", str(seed), "-q", "-f", FEATURES, *map(str, scripts)],
                          capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1):
        raise SystemExit(f"seed {seed}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    found = []
    for line in (done.stdout + done.stderr).splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return done.returncode, found


def place(diag):
    """(file name, line, message) of a diagnostic in JSON."""
    span = next(s for s in diag["spans"] if s["primary"])
    return Path(span["file"]).name, span["line"], diag["message"]


def run(options, folder):
    scripts = [prepare(p, folder) for p in sorted(options.folder.glob("*.wast"))]
    texts = {p.name: p.read_text() for p in scripts}
    hits, wrong = collections.Counter(), []
    for seed in range(options.first, options.first + options.seeds):
        code, found = failures(options.tool, seed, scripts)
        if code and not found:
            raise SystemExit(f"seed {seed}: failed without a diagnostic")
        locked = set()  # scripts whose instance a listed assertion has locked down
        for name, line, message in map(place, found):
            text = directive_at(texts[name], line)
            row = next((i for i, (script, pattern, _) in enumerate(LEANING)
                        if script == name and re.search(pattern, text)), None)
            if row is not None:
                hits[row] += 1
                locked.add(name)
            elif not (name in locked and name not in FRESH and "cannot enter component instance" in message):
                wrong.append((seed, name, line, message))
    return len(scripts), hits, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seeds-") as tmp:
        count, hits, wrong = run(options, Path(tmp))
    for seed, name, line, message in wrong:
        print(f"seed {seed}: {name}:{line}: {message}")
    never = [r for r in range(len(LEANING)) if not hits[r]] if options.seeds >= 40 else []
    for row in never:
        print(f"listed, but held under every seed: {LEANING[row][0]}: {LEANING[row][1]}")
    for row, times in sorted(hits.items()):
        print(f"leans on an order, {times} times: {LEANING[row][0]}: {LEANING[row][1]}")
    print(f"{count} scripts, {options.seeds} seeds: {len(wrong)} failures outside the list")
    return 1 if wrong or never else 0


if __name__ == "__main__":
    sys.exit(main())
