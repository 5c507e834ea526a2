#!/usr/bin/env python3
"""Are the tests there that canon-scenarios.md and canon-traps.md name? Has each code of a diagnostic an explanation?

    tables.py PROJECT
"""
import re
import sys
from pathlib import Path

NAMED = re.compile(r"`(canon_\w+_test)`: ([^|,;]*)")


def functions(text):
    """Tests of a C file, those made by SCENARIO(name) too, that main lists."""
    listed = set(re.findall(r"cmocka_unit_test\((\w+)\)", text))
    made = set(re.findall(r"static void (test_\w+)\(void \*\*state\)", text))
    made |= {"test_" + name for name in re.findall(r"^SCENARIO\((\w+)\)", text, re.M)}
    return listed & made


CODE_TABLES = ("wit-parser/codes.def", "cmd/other_codes.def")
EMITTED = (
    re.compile(r'diag_(?:error|warning)\(\s*[^,]+,\s*"([\w-]+)"'),
    re.compile(r'"(wit-[a-z-]+)"'),
    re.compile(r'^#define CODE(?:_[A-Z]+)? +"([\w-]+)"', re.M),
)


def unexplained(project):
    """Codes of diagnostics that no table explains, rows without words, and rows that nothing emits."""
    rows = [row for table in CODE_TABLES for row in re.findall(r'^CODE\("([\w-]+)", "(.*)', (project / table).read_text(), re.M)]
    explained = {code for code, _ in rows}
    wrong = [f"codes: `{code}` has no explanation" for code, text in rows if len(text) < 20]
    wrong += [f"codes: `{code}` is explained twice" for code in explained if sum(code == row[0] for row in rows) > 1]
    emitted = {}
    for path in sorted(project.glob("*/**/*.[ch]")):
        if not path.name.endswith("_test.c") and not path.parts[len(project.parts)].startswith("build"):
            text = path.read_text(errors="replace")
            forms = EMITTED if path.suffix == ".c" and path.parent.name in ("wit-parser", "cmd") else EMITTED[::2]
            emitted |= {code: path.name for form in forms for code in form.findall(text)}
    wrong += [f"codes: {emitted[code]} has `{code}`, which no table explains" for code in sorted(set(emitted) - explained)]
    return wrong + [f"codes: nothing emits `{code}`" for code in sorted(explained - set(emitted))]


def main():
    project = Path(sys.argv[1])
    folder = project / "runner/canon"
    missing, rows, named = [], 0, set()
    for table in ("canon-scenarios.md", "canon-traps.md"):
        for line in (project / "tests" / table).read_text().splitlines():
            if not line.startswith("| `"):
                continue
            rows += 1
            for file, what in NAMED.findall(line):
                path = folder / f"{file}.c"
                text = path.read_text() if path.is_file() else ""
                wanted = re.findall(r"`(test_\w+)`", what)
                named.update((file, name) for name in wanted)
                missing += [f"{table}: {file} has no {name}" for name in wanted if name not in functions(text)]
                section = what.split("(")[0].strip()
                if not wanted and section.capitalize() not in text and section not in text:
                    missing.append(f"{table}: {file} has nothing called `{section}`")
    for name in functions((folder / "canon_scenario_test.c").read_text()):
        if ("canon_scenario_test", name) not in named:
            missing.append(f"canon-scenarios.md: no row names canon_scenario_test's {name}")
    missing += unexplained(project)
    print("\n".join(missing) or f"{rows} rows name tests that are there")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
