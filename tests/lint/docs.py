#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: docs.py BRYO: compare the command table with docs/man.

Every visible command has a page; its synopsis is the usage of the table,
every name of it is there; each option that works is described, with all its
names and its argument; those that are refused are under NOT SUPPORTED YET;
a page describes nothing else.  bryo.1 lists all commands and global flags.
"""
import json
import pathlib
import re
import subprocess
import sys

MAN = pathlib.Path("docs/man")
problems = []


def unescape(text):
    return re.sub(r"\\(.)", r"\1", text).replace("*", "").replace("_", "")


def plain(text):
    return (text or "").replace("*", "").replace("_", "")


def section(page, title):
    m = re.search(rf"^# {title}\n(.*?)(?=^# |\Z)", page, re.S | re.M)
    return m.group(1) if m else ""


def option_lines(page):
    """{name: line} of the lines that open an option's description"""
    found = {}
    for line in section(page, "OPTIONS").splitlines():
        m = re.match(r"\*--([a-z0-9-]+)\*", line)
        if m:
            found[m.group(1)] = unescape(line)
    return found


def want_line(o):
    names = ["--" + o["name"]]
    if o.get("alias"):
        names.append("--" + o["alias"])
    if o["short"]:
        names.append("-" + o["short"])
    metavar = plain(re.sub(r"[\[\]]", "", o.get("metavar") or ""))
    if metavar and o["optional_value"]:
        metavar = f"[{metavar}]"
    return " ".join(filter(None, [", ".join(names), metavar]))


def check_options(name, page, options):
    have = option_lines(page)
    later = set(re.findall(r"--([a-z0-9-]+)",
                           section(page, "NOT SUPPORTED YET")))
    want = {o["name"]: want_line(o) for o in options
            if o["supported"] and not o["hidden"]}
    for opt, line in want.items():
        if opt not in have:
            problems.append(f"{name}: --{opt} is not described")
        elif have[opt] != line:
            problems.append(f"{name}: '{have[opt]}' should be '{line}'")
    for opt in have.keys() - want.keys() - {"help"}:
        problems.append(f"{name}: there is no --{opt}")
    refused = {o["name"] for o in options if not o["supported"]}
    for opt in refused ^ later:
        problems.append(f"{name}: --{opt}: NOT SUPPORTED YET and the table "
                        "differ")


def check_command(c):
    name = "bryo-" + c["path"].replace(" ", "-")
    path = MAN / f"{name}.1.scd"
    if not path.exists():
        problems.append(f"{path}: missing")
        return
    page = path.read_text()
    synopsis = unescape(section(page, "SYNOPSIS")).split("\n")
    for word in [c["path"]] + c["aliases"]:
        line = plain(" ".join(filter(None, ["bryo", word, c.get("usage")])))
        if line not in synopsis:
            problems.append(f"{name}: SYNOPSIS has no '{line}'")
    check_options(name, page, c["options"])


def check_config(keys):
    """bryo-config(5): a section per table, and one of what is not used"""
    page = (MAN / "bryo-config.5.scd").read_text()
    unused = set(re.findall(r"\*([a-z]+\.[a-z_]+)\*",
                            section(page, "KEYS WITHOUT EFFECT")))
    for table in sorted({k["table"] for k in keys}):
        have = re.findall(r"^\*([a-z_]+)\* = ",
                          section(page, table.upper()), re.M)
        want = [k["name"] for k in keys if k["table"] == table and k["used"]]
        if have != want:
            problems.append(f"bryo-config: [{table}]: "
                            f"{sorted(set(have) ^ set(want)) or 'order'}")
    want = {f"{k['table']}.{k['name']}" for k in keys if not k["used"]}
    for key in sorted(unused ^ want):
        problems.append(f"bryo-config: {key}: KEYS WITHOUT EFFECT and the "
                        "table differ")


def main():
    table = json.loads(subprocess.run([sys.argv[1], "__dump"], check=True,
                                      capture_output=True).stdout)
    visible = [c for c in table["commands"] if not c["hidden"]]
    for c in visible:
        check_command(c)
    root = (MAN / "bryo.1.scd").read_text()
    check_options("bryo", root, table["global"])
    check_config(table["config"])
    pages = {"bryo-" + c["path"].replace(" ", "-") for c in visible}
    listed = set(re.findall(r"^\*(bryo-[a-z-]+)\*\(1\)$",
                            section(root, "COMMANDS"), re.M))
    for name in pages ^ listed:
        problems.append(f"bryo.1: list of commands: {name}")
    for path in MAN.glob("bryo-*.1.scd"):
        if path.name.removesuffix(".1.scd") not in pages:
            problems.append(f"{path}: no such command")
    for p in problems:
        print(p)
    sys.exit(1 if problems else 0)


main()
