#!/usr/bin/env python3
"""Properties that hold for every WIT file, checked on those of the golden tests and of the folders named.

    wit_properties.py --bin DIR [FOLDER...]

- Text -> binary -> text -> binary is a fixed point: the second binary is the first (but for the order within the JSON of its docs:
  text has the functions of a resource together), and so is the second text.
- `fmt` keeps every token and comment in their order, and changes nothing the second time.

Files that witc refuses have no properties. Of a golden test the input files are laid out as its runs find them.
"""
import argparse
import concurrent.futures
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from golden import SOURCE, prepare, read_sections

TOKEN = re.compile(r'//[^\n]*|/\*(?:[^*/]|\*(?!/)|/(?!\*)|/\*.*?\*/)*\*/|"(?:\\.|[^"\\])*"|->|[%\w][\w.+-]*|[^\s\w]', re.S)
FEATURES = [["--all-features"], []]


class Broken(Exception):
    pass


def call(witc, *arguments, data=None):
    done = subprocess.run([witc, *map(str, arguments)], input=data, capture_output=True, timeout=60)
    if done.returncode not in (0, 1) or b"Sanitizer" in done.stderr or b"runtime error:" in done.stderr:
        raise Broken(f"witc {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr.decode(errors='replace')[:2000]}")
    return done.stdout if done.returncode == 0 else None


def tokens(text):
    """Tokens and comments; those over several lines without their indents."""
    return ["\n".join(line.strip() for line in t.splitlines()) for t in TOKEN.findall(text.decode())]


def number(data, at):
    """An unsigned LEB128 and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def sections(component):
    """[(id, bytes)]; the docs as what their JSON says, without blanks at the ends of lines: text has none."""
    at, found = 8, []
    while at < len(component):
        kind, (size, start) = component[at], number(component, at + 1)
        at, body = start + size, component[start:start + size]
        length, text = number(body, 0)
        if kind == 0 and body[text:text + length] == b"package-docs":
            body = json.loads(re.sub(rb' +(?=\\n|")', b"", body[text + length + 1:]))
        found.append((kind, body))
    return found


def same(what, a, b):
    if a != b:
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        raise Broken(f"{what}, at {at}: {a[max(0, at - 40):at + 40]!r} | {b[max(0, at - 40):at + 40]!r}")


def must(what, output):
    if output is None:
        raise Broken(f"witc refuses {what}")
    return output


def round_trip(witc, path, folder):
    """False if witc refuses `path`, or if it holds nothing: the binary of that is not known for a package."""
    for features in FEATURES:
        if (first := call(witc, "wit", path, "--wasm", *features)) is not None:
            break
    else:
        return False
    if not call(witc, "wit", path, "--list", *features):
        return False
    binary, source = folder / "p.wasm", folder / "p.wit"
    binary.write_bytes(first)
    text = must("to decode its own binary", call(witc, "wit", binary))
    source.write_bytes(text)
    again = must("its own text:\n" + text.decode(), call(witc, "wit", source, "--wasm", "--all-features"))
    same("the binaries differ", sections(first), sections(again))
    binary.write_bytes(again)
    same("the texts differ", text, must("to decode its second binary", call(witc, "wit", binary)))
    return True


def formatting(witc, path):
    """False if witc cannot parse `path`."""
    text = path.read_bytes()
    once = call(witc, "fmt", "--stdin", data=text)
    if once is None:
        return False
    same("fmt changes tokens", tokens(text.removeprefix(b"\xef\xbb\xbf")), tokens(once))
    same("fmt changes what it wrote", once, must("what fmt wrote", call(witc, "fmt", "--stdin", data=once)))
    return True


def check(witc, path):
    """(round trips, formatted, what is broken) of a file, or of a package folder."""
    done, broken = [0, 0], []
    with tempfile.TemporaryDirectory(prefix="wit-") as folder:
        for i, property in enumerate([lambda: round_trip(witc, path, Path(folder)), lambda: path.is_file() and formatting(witc, path)]):
            try:
                done[i] += property()
            except (Broken, subprocess.TimeoutExpired, UnicodeDecodeError) as why:
                broken.append(f"{path}: {why}")
    return *done, broken


def inputs(root):
    files = sorted(p for p in root.rglob("*.wit") if p.is_file())
    return files + sorted({p.parent for p in files if (p.parent / "deps").is_dir() or len(list(p.parent.glob("*.wit"))) > 1})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=Path, help="folder of the witc to test")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("folders", nargs="*", type=Path, help="more folders with .wit files")
    options = parser.parse_args()
    witc = str(options.bin.resolve() / "witc")
    with tempfile.TemporaryDirectory(prefix="wit-") as root:
        for test in sorted((SOURCE / "testdata").rglob("*.test")):
            prepare(read_sections(test.read_text()), Path(root) / test.relative_to(SOURCE / "testdata").with_suffix(""))
        paths = [p for folder in [Path(root), SOURCE / "examples", *options.folders] for p in inputs(folder)]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(lambda p: check(witc, p), paths))
    for _, _, broken in results:
        for line in broken:
            print(line)
    print(f"{len(paths)} inputs: {sum(r[0] for r in results)} round trips, {sum(r[1] for r in results)} formatted, "
          f"{sum(len(r[2]) for r in results)} broken")
    return 1 if any(r[2] for r in results) or not any(r[0] for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
