#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is an engine's state whole?  Independent of bryo's own code.

usage: checker.py --data DIR --run DIR [--empty]

--empty: no container may be left (rm -fa ran before).

Checks: the database is sound, every row has its files and every file its
row, nothing unfinished belongs to a dead owner, trash is empty or being
emptied, no process of the engine lives without a container, every blob has
the digest of its name.  One line per finding, exit 1 when there is any.
"""
import argparse
import hashlib
import os
import pathlib
import sqlite3
import sys
import time

ap = argparse.ArgumentParser()
ap.add_argument("--data", type=pathlib.Path, required=True)
ap.add_argument("--run", type=pathlib.Path, required=True)
ap.add_argument("--empty", action="store_true")
args = ap.parse_args()
found = []


def names(path):
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def eventually(what, test, seconds=10):
    """Background work is allowed a moment; then it is a finding."""
    end = time.monotonic() + seconds
    while True:
        left = test()
        if not left:
            return
        if time.monotonic() > end:
            found.append(f"{what}: {left}")
            return
        time.sleep(0.05)


def processes():
    """Processes of this engine: they hold or name its directories."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            cmd = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
            if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1][1] == "Z":
                continue
            if not cmd[0] or b"checker.py" in b" ".join(cmd[:3]):
                continue
            fds = {os.readlink(f"/proc/{pid}/fd/{f}")
                   for f in os.listdir(f"/proc/{pid}/fd")}
        except (OSError, IndexError):
            continue
        if any(f.startswith(str(args.data) + "/") or
               f.startswith(str(args.run) + "/") for f in fds):
            out.append(f"{pid} {cmd[0].decode(errors='replace')}")
    return out


def rows(db, sql):
    return [r[0] for r in db.execute(sql)]


def check_db():
    path = args.data / "state.db"
    if not path.exists():
        return
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    for (text,) in db.execute("PRAGMA integrity_check"):
        if text != "ok":
            found.append(f"database: {text}")
    for row in db.execute("PRAGMA foreign_key_check"):
        found.append(f"database: foreign key {row}")
    tables = set(rows(db, "SELECT name FROM sqlite_master WHERE type='table'"))
    if "container" in tables:
        ids = set(rows(db, "SELECT id FROM container"))
        dirs = set(names(args.data / "containers"))
        for i in sorted(ids - dirs):
            found.append(f"container {i}: row without a directory")
        for i in sorted(dirs - ids):
            found.append(f"container {i}: directory without a row")
        if args.empty and ids:
            found.append(f"containers left: {sorted(ids)}")
    if "volume" in tables:
        vols = set(rows(db, "SELECT name FROM volume"))
        # a row alone is an empty volume: its first user makes the directory
        for v in sorted(set(names(args.data / "volumes")) - vols):
            found.append(f"volume {v}: directory without a row")
    if "layer" in tables:
        columns = rows(db, "SELECT name FROM pragma_table_info('layer')")
        key = next(c for c in ("dir", "diff_id", "id") if c in columns)
        have = {str(x).split(":")[-1]
                for x in rows(db, f"SELECT {key} FROM layer")}
        disk = {n for n in names(args.data / "layers")
                if (args.data / "layers" / n / "diff").is_dir()}
        for n in sorted(have ^ disk):
            found.append(f"layer {n}: row or directory alone")
    db.close()


def check_blobs():
    for name in names(args.data / "blobs/sha256"):
        path = args.data / "blobs/sha256" / name
        digest = hashlib.sha256()
        try:
            with open(path, "rb") as f:
                while chunk := f.read(1 << 20):
                    digest.update(chunk)
        except FileNotFoundError:
            continue
        if digest.hexdigest() != name:
            found.append(f"blob {name}: content has another digest")


eventually("trash is not emptied", lambda: names(args.data / "trash"))
eventually("staging left", lambda: names(args.data / "staging"))
if args.empty:
    # the holder of the user namespace ends by itself some seconds later
    eventually("processes left", processes, 20)
check_db()
check_blobs()
if found:
    print("\n".join(found))
sys.exit(bool(found))
