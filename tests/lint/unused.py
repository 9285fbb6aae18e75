#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# usage: unused.py OBJECT-DIRECTORY [--includes]
#
# What nobody needs.  A function or variable with external linkage that no
# other file names is static; one that only tests name is dead code, but for
# the parsers (_parse) that tests feed from memory and what frees their results
# (_done, _free); what a header declares is defined somewhere.  With --includes
# also: of each header that a file includes it names something.
import glob
import os
import re
import subprocess
import sys

PRODUCT = "cmd libpod storage network util".split()
SEAM = re.compile(r"_(parse|done|free)$")
WORD = re.compile(r"\w+")
COMMENT = re.compile(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')|/\*.*?\*/""",
                     re.S)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
DECLARATION = re.compile(r"^(?!static|typedef|#|\s)[\w\s*]*?\b(\w+)\(", re.M)
# What a file can use of a header; too much rather than too little.
OFFERS = [re.compile(p, re.M | re.S) for p in (
    r"^\s*#\s*define\s+(\w+)", r"\b(\w+)\s*\(",
    r"\b(?:struct|enum|union)\s+(\w+)", r"\b([A-Z][A-Z0-9_]+)\b",
    r"\b(\w+)(?:\[[^]]*\])*;")]
DEFINES = re.compile(r"^struct (\w+) \{", re.M)
IGNORED = {"err", "if", "for", "while", "switch", "return", "sizeof", "defined"}
texts = {}


def files(roots, *suffixes):
    return sorted(f for r in roots for s in suffixes
                  for f in glob.glob(f"{r}/**/*{s}", recursive=True))


def text(path):
    """Without comments."""
    if path not in texts:
        with open(path, encoding="utf-8") as f:
            texts[path] = COMMENT.sub(r"\1", f.read())
    return texts[path]


def words(path):
    return WORD.findall(text(path))


def symbols(obj_dir):
    """Name to file that defines it, and the names that files want of others;
    objects of files that are gone do not count."""
    objs = [o for o in (f"{obj_dir}/{c[:-2]}.o" for c in files(PRODUCT, ".c"))
            if os.path.exists(o)]
    out = subprocess.run(["nm", "-A", "-P", *objs], check=True,
                         capture_output=True, text=True).stdout
    defined, wanted = {}, set()
    for line in out.splitlines():
        obj, name, kind = line.replace(": ", " ").split()[:3]
        if kind == "U":
            wanted.add(name)
        elif kind in "TDBR" and name != "main":
            defined[name] = os.path.relpath(obj, obj_dir)[:-2] + ".c"
    return defined, wanted


def linkage(obj_dir):
    defined, wanted = symbols(obj_dir)
    if len(defined) < 500:
        sys.exit(f"unused: {obj_dir} has few objects: not built?")
    tested = {w for f in files(["tests"], ".c") for w in words(f)}
    for name, path in sorted(defined.items()):
        alone = words(path).count(name) == 1
        if name in wanted or name.startswith("__"):
            continue
        if name not in tested:
            yield (f"{path}: nobody uses {name}" if alone else
                   f"{path}: {name} can be static, no other file uses it")
        elif alone and not SEAM.search(name):
            yield f"{path}: only tests use {name}"


def declarations():
    known = {w for f in files(PRODUCT, ".c") for w in words(f)}
    for header in files(PRODUCT, ".h"):
        for name in DECLARATION.findall(text(header)):
            if name not in known:
                yield f"{header}: nobody defines or uses {name}"


def includes():
    offers = {}
    for path in files(PRODUCT + ["tests"], ".c", ".h"):
        body = set(WORD.findall(INCLUDE.sub("", text(path))))
        for header in INCLUDE.findall(text(path)):
            if not os.path.exists(header):
                continue
            if header not in offers:
                offers[header] = {n for p in OFFERS
                                  for n in p.findall(text(header))} - IGNORED
                offers[header].update(DEFINES.findall(text(header)))
            if header[:-2] != path[:-2] and not offers[header] & body:
                yield f"{path}: includes {header} and names nothing of it"


def main():
    found = [*linkage(sys.argv[1]), *declarations()]
    if "--includes" in sys.argv:
        found += includes()
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print("unused: nothing")
    return bool(found)


sys.exit(main())
