#!/usr/bin/env python3
"""Texts with comments and blank lines between any two tokens, put through `witc fmt`.

    wit_torture.py --bin DIR [--seed N] [--cases N] [FOLDER...]

From the WIT files of the golden tests, the examples, the built-in packages and the folders named, each is taken apart into tokens and put together again
with random blanks, lines and comments (of a line, of documentation, blocks, nested blocks, blocks over lines) between them, now
and then with CRLF, a byte order mark, or no line at its end. Of what `fmt` makes of it must hold:

- every token and every comment is there once, in order (so that none is swallowed by a comment of a line before it);
- formatting it again changes nothing;
- no line ends in blanks, and the text ends with one line.
"""
import argparse
import concurrent.futures
import random
import re
import sys
import tempfile
from pathlib import Path

from golden import SOURCE, prepare, read_sections
from wit_properties import TOKEN, Broken, call, must, same, tokens

BLANKS = [" ", "  ", "\t", "\n", "\n\n", "\n \n\n\n", " \n\t"]
COMMENTS = ["// {}\n", "/// {}\n", "//{}\n", "//\n", "/* {} */", "/** {} */", "/**/", "/* a /* {} */ b */", "/*\n * {}\n */", "/* {}\n{} */", "//// {} */ /*\n"]


def without_comments(text):
    """The text with a blank for each comment, however deep blocks nest in it."""
    out, depth, end = "", 0, 0
    for m in re.finditer(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*|\*/', text):
        if not depth:
            if m.start() < end:
                continue
            out += text[end:m.start()] + (m[0] if m[0][0] == '"' else " ")
        if m[0] in ("/*", "*/"):
            depth += 1 if m[0] == "/*" else -1
        end = m.end()
    return out + text[end:]


def parts(text):
    """Its tokens; a version and the `@` before it stay together."""
    joined = []
    for t in TOKEN.findall(without_comments(text)):
        if joined and joined[-1] == "@" and t[0].isdigit():
            joined[-1] += t
        else:
            joined.append(t)
    return joined


def gap(r, number):
    """What stands between two tokens: blanks, and one time in two comments."""
    out = r.choice(BLANKS)
    while r.random() < 0.4:
        out += r.choice(COMMENTS).replace("{}", f"c{next(number)} u8; }}") + r.choice(["", *BLANKS])
    return out


def counter():
    n = 0
    while True:
        n += 1
        yield n


def torture(text, seed):
    r, number = random.Random(seed), counter()
    density = r.choice([0.05, 0.3, 1.0])
    out = gap(r, number) if r.random() < 0.5 else ""
    for t in parts(text):
        out += t + (gap(r, number) if r.random() < density else " ")
    if r.random() < 0.3:
        out = out.rstrip()
    if r.random() < 0.3:
        out = out.replace("\n", "\r\n")
    return ("\ufeff" if r.random() < 0.1 else "") + out


def check(witc, name, text, seed):
    made = text if len(text) > 100000 else torture(text, seed)
    data = made.encode()
    try:
        once = must(f"a text made of {name}", call(witc, "fmt", "--stdin", data=data))
        same("fmt changes tokens", tokens(data.removeprefix(b"\xef\xbb\xbf")), tokens(once))
        same("fmt changes what it wrote", once, must("what fmt wrote", call(witc, "fmt", "--stdin", data=once)))
        lines = once.decode().split("\n")
        if any(x != x.rstrip(" \t\r") for x in lines) or lines[-1] or not once.strip() or lines[-2:] == ["", ""]:
            raise Broken("blanks at the end of a line, or of the text")
    except Broken as why:
        return f"{name}, seed {seed}: {why}\n"
    return None


def inputs(witc, root, folders):
    for test in sorted((SOURCE / "testdata/wit").rglob("*.test")):
        prepare(read_sections(test.read_text()), root / test.stem)
    for folder in [root, SOURCE / "examples", SOURCE / "wit-parser/wasi", *folders]:
        for path in sorted(folder.rglob("*.wit")):
            data = path.read_bytes() if path.is_file() else b""
            if len(data) < 20000 and parts(data.decode(errors="replace")) and call(witc, "fmt", "--stdin", data=data) is not None:
                yield path.name, data.decode().removeprefix("\ufeff")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=Path, help="folder of the witc to test")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=1, help="texts made of each file")
    parser.add_argument("folders", nargs="*", type=Path, help="more folders with .wit files")
    options = parser.parse_args()
    witc = str(options.bin.resolve() / "witc")
    with tempfile.TemporaryDirectory(prefix="wit-") as root:
        texts = list(inputs(witc, Path(root), options.folders))
    # More comments than a node of a tree of tree-sitter may have children.
    texts.append(("many comments", "package a:b; interface i { f: func(" + "/* x */ " * 70000 + "a: u8); }"))
    work = [(name, text, options.seed * 1000003 + i * 1009 + k) for i, (name, text) in enumerate(texts) for k in range(options.cases)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        broken = [x for x in pool.map(lambda w: check(witc, *w), work) if x]
    print("".join(broken[:10]) + f"{len(work)} texts of {len(texts)} files, {len(broken)} broken")
    return 1 if broken or not work else 0


if __name__ == "__main__":
    sys.exit(main())
