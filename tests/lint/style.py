#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What of the house style a machine can tell, and files that docs name.

Lines of C end by column 80 (tabs of eight) and in no blank, are indented with
tabs, and hold no notes to ourselves; a .c of more than 200 lines
below cmd/ says before its first function how it works.  A path in backticks in a Markdown file is there.
"""
import pathlib
import re
import subprocess
import sys

WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
LONG = 200
AREAS = ("libpod/", "network/", "storage/", "util/")
# named in backticks by docs, but made or of other trees
PATHS = re.compile(r"`((?:%s|cmd/|tests/|mk/|docs/)[\w./-]+\.[a-z]+)(?::\d+)?`" %
                   "|".join(AREAS))


def c_problems(path, text):
    lines = text.split("\n")
    for n, line in enumerate(lines, 1):
        where = f"{path}:{n}"
        if len(line.expandtabs(8)) > 80:
            yield f"{where}: longer than 80 columns"
        if line != line.rstrip():
            yield f"{where}: blanks at the end"
        if line.startswith("        "):
            yield f"{where}: indented with blanks"
        if WORDS.search(line):
            yield f"{where}: {WORDS.search(line)[0]}"
    if lines[-1] or (len(lines) > 1 and not lines[-2]):
        yield f"{path}: ends in no line, or in an empty one"
    if path.endswith(".c") and path.startswith(AREAS) and len(lines) > LONG:
        code = lines.index("{") if "{" in lines else len(lines)
        if not any(line == "/*" for line in lines[:code]):
            yield f"{path}: {len(lines)} lines, and nothing says how it works"


def doc_problems(path, text):
    for m in PATHS.finditer(text):
        if not re.search("[A-Z]{4}|NNN", m[1]) and \
                not pathlib.Path(m[1]).exists():
            yield f"{path}: {m[1]} is not there"


def main():
    found = []
    names = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.md"],
                           capture_output=True, text=True).stdout.split()
    if not names:   # no checkout
        names = [str(p) for g in ("*.c", "*.h", "*.md")
                 for p in pathlib.Path(".").rglob(g)
                 if not str(p).startswith("build")]
    for name in names:
        if not pathlib.Path(name).exists():
            continue
        text = pathlib.Path(name).read_text()
        check = doc_problems if name.endswith(".md") else c_problems
        found += check(name, text)
    print("\n".join(found) if found else f"style: {len(names)} files")
    return bool(found)


sys.exit(main())
