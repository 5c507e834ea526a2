"""Writes WIT packages to measure with: one of many interfaces in many files, and shapes that tempt a parser to recurse or to look twice."""
import random

PRIMITIVES = "bool u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 char string".split()
WORDS = "open close read write list get-next update delete-all find-by-name poll reset size-hint attach split-off merge".split()


class Writer:
    """Interfaces with a record, an enum or a variant, and functions over their types and those of an interface before."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def type(self, names, depth=2):
        kind = self.random.randrange(10) if depth else self.random.randrange(6)
        if kind < 4:
            return self.random.choice(PRIMITIVES)
        if kind < 6:
            return self.random.choice(names)
        inner = self.type(names, depth - 1)
        if kind == 9:
            return f"result<{inner}, {self.random.choice(names)}>"
        return (f"list<{inner}>", f"option<{inner}>", f"tuple<{inner}, {self.type(names, depth - 1)}>")[kind - 6]

    def function(self, number, names):
        name = f"{self.random.choice(WORDS)}-{number}"
        params = ", ".join(f"{self.random.choice('abcdefgh')}{i}: {self.type(names)}" for i in range(self.random.randrange(4)))
        result = f" -> {self.type(names)}" if self.random.randrange(3) else ""
        docs = f"  /// Says what `{name}` is for.\n" if self.random.randrange(4) == 0 else ""
        return f"{docs}  {name}: func({params}){result};\n"

    def interface(self, number, functions):
        names = ["point", "mode", "outcome"]
        out = [f"/// Interface {number}.\ninterface part-{number} {{\n"]
        if number % 50:
            out.append(f"  use part-{number - 1}.{{point as other-point}};\n")
            names.append("other-point")
        out.append("  record point {\n    x: u32,\n    y: u32,\n    label: option<string>,\n  }\n")
        out.append("  enum mode {\n    idle,\n    busy,\n    gone,\n  }\n")
        out.append("  variant outcome {\n    nothing,\n    some(point),\n    many(list<mode>),\n  }\n")
        out += [self.function(i, names) for i in range(functions)]
        return "".join(out) + "}\n\n"


def package(directory, interfaces, functions, files, seed=1):
    """Gives the bytes written."""
    w = Writer(seed)
    directory.mkdir(parents=True)
    size = 0
    for f in range(files):
        text = "package made:big@1.0.0;\n\n" if f == 0 else ""
        for number in range(f * interfaces // files, (f + 1) * interfaces // files):
            text += w.interface(number, functions)
        (directory / f"part-{f:03}.wit").write_text(text)
        size += len(text)
    return size


PROSE = """Gives what was asked for, or the reason why it cannot be had.

The caller keeps what it handed over; nothing is changed before the result is there. See the
section on errors for `would-block`, and note that an empty list is no error:
it says that nothing more will come.""".split("\n")


def documented(source, target):
    """A copy of a folder of packages with documentation before each item, as in texts that people write. Gives the bytes written."""
    size = 0
    for path in sorted(source.rglob("*.wit")):
        out = []
        for number, line in enumerate(path.read_text().split("\n")):
            word = line.strip()
            if word and word[0].isalpha() and not word.startswith(("package", "use ", "include", "import", "export")):
                indent = " " * (len(line) - len(line.lstrip()))
                out += [f"{indent}/// {x}".rstrip() for x in PROSE[:1 + 4 * (number % 3 == 0)]]
            out.append(line)
        text = "\n".join(out)
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        size += len(text)
    return size


def head(text):
    return "package a:b;\n" + text


# Each of about n bytes; what they give is an error or an answer, and takes time in proportion to n.
HOSTILE = {
    "open angles": lambda n: head("interface i { type t = " + "list<" * (n // 5)),
    "open braces": lambda n: head("interface i {" * (n // 13)),
    "nested packages": lambda n: head("".join(f"package a:b{i} {{" for i in range(n // 16)) + "}" * (n // 16)),
    "open comments": lambda n: head("/*" * (n // 2)),
    "nested comments": lambda n: head("/*" * (n // 4) + "*/" * (n // 4)),
    "open parentheses": lambda n: head("interface i { f: func" + "(" * n),
    "one long name": lambda n: head("interface i { type " + "a" * n + " = u8; }"),
    "attributes": lambda n: head("interface i { " + "@since(version = 1.0.0) " * (n // 24) + "f: func(); }"),
    "line comments": lambda n: head("interface i { f: func(); }\n" + "// x\n" * (n // 5)),
    "wide enum": lambda n: head("interface i { enum e {" + "".join(f"c{i}," for i in range(n // 8)) + "} }"),
    "chain of uses": lambda n: head("interface i0 { type t = u8; }\n" + "".join(
        f"interface i{i} {{ use i{i - 1}.{{t}}; }}\n" for i in range(1, n // 40))),
    "errors": lambda n: head("interface i { f: func() }\n" * (n // 26)),
    "rubbish": lambda n: head("".join(random.Random(2).choice("{}()<>,;:.@/\"%ab1 \n") for _ in range(n))),
}
