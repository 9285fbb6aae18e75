#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each id of behaviours.txt has a test of its name, or a deviation.

A test covers the ids that stand before the colon of its name; an entry of
docs/DEVIATIONS.md excuses the ids that it holds in parentheses.  Ids that
the list does not know are mistyped: tests may also name a row of the fault
catalogue (F24), of the security catalogue (REG-05) or a promise.
"""
import pathlib
import re
import sys

ID = re.compile(r"\b([GIRP]\d+)\b")
here = pathlib.Path(__file__).parent
top = here.parent.parent


def wanted():
    lines = (here / "behaviours.txt").read_text().splitlines()
    return [ln.split()[0] for ln in lines if ln and not ln.startswith("#")]


def tested():
    found = {}
    for path in sorted((top / "tests").glob("*/**/*.bats")):
        for n, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'@test "([^"]*?): ', line)
            for name in ID.findall(m.group(1)) if m else []:
                found.setdefault(name, f"{path.relative_to(top)}:{n}")
    return found


def main():
    known, tests = wanted(), tested()
    ids = [i for i in known if not i.endswith("?")]
    known = {i.rstrip("?") for i in known}
    text = (top / "docs/DEVIATIONS.md").read_text()
    excused = {i for group in re.findall(r"\(([^()]*)\)", text)
               for i in ID.findall(group)}
    bad = [f"{i}: no test and no entry in docs/DEVIATIONS.md"
           for i in ids if i not in tests and i not in excused]
    bad += [f"{where}: {i} is not in tests/lint/behaviours.txt"
            for i, where in tests.items() if i not in known]
    print("\n".join(bad) if bad else f"behaviours: {len(ids)} covered")
    return bool(bad)


sys.exit(main())
