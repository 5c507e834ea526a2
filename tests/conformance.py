#!/usr/bin/env python3
"""Runs the public component-model suites and compares with the list of cases that are green.

    conformance.py --check CHECK.PY --tool WITC [--update] [SUITE...]

tests/conformance.txt names, a line each, the cases (SUITE/NAME) that pass; a whole suite that passes is named by
`SUITE/*`. The list only grows: a listed case that fails is an error, a new one that passes is reported and added
by --update. CHECK.PY is the suites' own runner, which is not part of this project.
"""
import argparse
import fnmatch
import json
import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).resolve().parent / "conformance.txt"


def read_list():
    return [line.strip() for line in LIST.read_text().splitlines() if line.strip() and not line.startswith("#")]


def run(check, tool, suites):
    """{case: passed}, by the runner's own list of cases and its list of failures."""
    listed = subprocess.run([sys.executable, check, "--list", *suites], capture_output=True, text=True, check=True)
    cases = [line for line in listed.stdout.splitlines() if ": excluded" not in line]
    done = subprocess.run([sys.executable, check, "--tool", tool, "--json", *suites], capture_output=True, text=True)
    report = json.loads(done.stdout)
    failed = {f"{f['suite']}/{f['case']}": f["reason"] for f in report["failures"]}
    return cases, failed


def summary(cases, failed):
    """The list that stands for what passes now."""
    suites = {}
    for case in cases:
        suite = next(s for s in sorted(SUITES, key=len, reverse=True) if case.startswith(s + "/"))
        suites.setdefault(suite, []).append(case)
    for suite, names in suites.items():
        green = [n for n in names if n not in failed]
        yield from ([f"{suite}/*"] if len(green) == len(names) else green)


SUITES = ["wit-parser", "wit-parser-spans", "wit-component/interfaces", "wit-component/components", "wasm-compose",
          "wac-parser", "wac-parser-spans", "wasm-tools-cli", "core", "component-model", "wasmtime", "wasm-wave", "roundtrip"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", required=True)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("suites", nargs="*")
    options = parser.parse_args()
    green = read_list()
    suites = options.suites or sorted({s for s in SUITES for g in green if g.startswith(s + "/")})
    if not suites:
        print("no case is listed as green")
        return 1
    cases, failed = run(options.check, options.tool, suites)
    must = [c for c in cases if any(fnmatch.fnmatchcase(c, g) for g in green)]
    broken = [c for c in must if c in failed]
    new = [c for c in cases if c not in must and c not in failed]
    for case in broken:
        print(f"{case}: {failed[case]}")
    if new:
        print(f"note: {len(new)} more cases pass than are listed; `--update` adds them: {' '.join(new[:5])} ...")
    if options.update:
        head = [l for l in LIST.read_text().splitlines() if l.startswith("#")]
        others = [g for g in green if not any(g.startswith(s + "/") for s in suites)]
        LIST.write_text("\n".join(head + sorted(set(others) | set(summary(cases, failed)))) + "\n")
    print(f"conformance: {len(must) - len(broken)} passed, {len(broken)} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
