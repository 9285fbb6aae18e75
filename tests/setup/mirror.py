#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: mirror.py SOURCE TARGET <NUL-separated names

Make TARGET hold exactly the named files of SOURCE, beside what is built in
it (build*/).  A file whose content is the same is not touched, one that
differs is written anew: its time is now, so that make sees it whatever the
times in SOURCE are.
"""
import filecmp
import os
import pathlib
import shutil
import sys

source, target = map(pathlib.Path, sys.argv[1:3])
names = {n for n in sys.stdin.read().split("\0") if n}

for root, dirs, files in os.walk(target):
    here = pathlib.Path(root)
    if here == target:
        dirs[:] = [d for d in dirs if not d.startswith("build")]
    dirs[:] = [d for d in dirs if d != "__pycache__"]
    for f in files:
        if str((here / f).relative_to(target)) not in names:
            (here / f).unlink()

for name in sorted(names):
    a, b = source / name, target / name
    if a.is_symlink() or not a.is_file():
        continue
    if not (b.is_file() and filecmp.cmp(a, b, shallow=False)):
        b.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(a, b)
    b.chmod(a.stat().st_mode & 0o777)
