#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point downward only, and are spelled from the root.

A file may include headers of its own area and of lower ranks.  Peers of one
rank do not see each other.  A *_priv.h stays in its folder and those
below, and each foreign library has one area that may include it.
"""
import pathlib
import re
import sys

RANK = {"util": 0, "storage": 1, "network": 1, "libpod/oci": 1,
        "libpod/monitor": 2, "libpod/core": 3, "cmd": 9}
# who may include which library
LIBRARY = {"sqlite3.h": ["util/db.c", "util/db_files.c"],
           "archive.h": ["storage/layer/"], "archive_entry.h": ["storage/layer/"],
           "curl/curl.h": ["storage/registry/"], "isa-l": ["storage/layer/"],
           "zstd.h": ["storage/layer/"], "openssl/": ["util/sha256.c"],
           "sys/capability.h": ["libpod/oci/"], "seccomp.h": ["libpod/oci/"]}


def area(path):
    return max((a for a in RANK if path.startswith(a + "/")), key=len,
               default=None)


def problems(path):
    here = area(path)
    for n, line in enumerate(open(path), 1):
        m = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not m:
            continue
        kind, name = m.groups()
        where = f"{path}:{n}: includes {name}"
        for lib, owners in LIBRARY.items():
            if name.startswith(lib) and not path.startswith(tuple(owners)):
                yield f"{where}: only {', '.join(owners)} may"
        if kind == "<":
            continue
        there = area(name)
        if there is None:
            # generated headers (build/gen) have no folder
            if "/" in name and not pathlib.Path(name).exists():
                yield f"{where}: not spelled from the root"
        elif there != here and RANK[there] >= RANK[here]:
            yield f"{where}: {here} must not see {there}"
        elif name.endswith("_priv.h") and \
                pathlib.Path(name).parent not in pathlib.Path(path).parents:
            yield f"{where}: private to its folder"


files = [str(p) for a in ("util", "storage", "network", "libpod", "cmd")
         for p in pathlib.Path(a).rglob("*.[ch]")]
found = [p for f in sorted(files) if area(f) for p in problems(f)]
print("\n".join(found) if found else f"layers: {len(files)} files, all downward")
sys.exit(bool(found))
