#!/usr/bin/env python3
"""Are the tests there that canon-scenarios.md and canon-traps.md name? Has each code of a WIT diagnostic an explanation?

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
    explained = set(re.findall(r'^CODE\("([\w-]+)"', (project / "wit-parser/codes.def").read_text(), re.M))
    for path in sorted([*project.glob("wit-parser/*.c"), *project.glob("cmd/*.c")]):
        missing += [f"codes.def: {path.name} has `{code}`" for code in set(re.findall(r'"(wit-[a-z-]+)"', path.read_text())) - explained]
    print("\n".join(missing) or f"{rows} rows name tests that are there")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
