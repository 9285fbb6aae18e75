#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is an engine's state whole?  Independent of bryo's own code.

usage: checker.py --data DIR --run DIR [--empty]

--empty: no container may be left (rm -fa ran before).

Checks: the database is sound, every row has its files and every file its
row, nobody unknown is said to use an image or a volume, images are complete,
nothing unfinished belongs to a dead owner, trash is empty or being emptied,
no process of the engine lives without a container, every blob has the digest
of its name.  One line per finding, exit 1 when there is any.
"""
import argparse
import hashlib
import os
import pathlib
import sqlite3
import sys
import time


def names(path):
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def eventually(what, test, seconds=60):
    """Background work is allowed a moment; then it is a finding."""
    end = time.monotonic() + seconds
    while left := test():
        if time.monotonic() > end:
            return [f"{what}: {left}"]
        time.sleep(0.02)
    return []


def is_payload(pid, data):
    """Does it live in a container of this engine?  Its mounts tell, whatever
    has become of the container's directory."""
    tail = "/".join(data.parts[-3:])
    with open(f"/proc/{pid}/mountinfo", errors="replace") as f:
        return any(f"{tail}/{d}/" in line for line in f
                   for d in ("containers", "trash"))


def processes(data, run, holder=True):
    """Processes of this engine: payloads, and what holds its directories.
    Not @holder: without the one that keeps the user namespace."""
    ours = (str(data) + "/", str(run) + "/")
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                cmd = f.read().split(b"\0")[0].decode(errors="replace")
            with open(f"/proc/{pid}/stat") as f:
                zombie = f.read().rsplit(")", 1)[1][1] == "Z"
            if zombie or not cmd:
                continue
            if is_payload(pid, data):
                out.append(f"payload {pid} {cmd}")
                continue
            fds = {os.readlink(f"/proc/{pid}/fd/{f}")
                   for f in os.listdir(f"/proc/{pid}/fd")}
        except (OSError, IndexError):
            continue
        if any(f.startswith(ours) for f in fds) and \
                (holder or cmd.endswith("bryo-monitor")):
            out.append(f"{pid} {cmd}")
    return out


def rows(db, sql):
    return {r[0] for r in db.execute(sql)}


def check_containers(db, data):
    ids = rows(db, "SELECT id FROM container")
    dirs = set(names(data / "containers"))
    for i in sorted(ids - dirs):
        yield f"container {i}: row without a directory"
    for i in sorted(dirs - ids):
        yield f"container {i}: directory without a row"
    for table, column in (("container_config", "id"), ("volume_use", "ctr"),
                          ("image_user", "user")):
        for i in sorted(rows(db, f"SELECT {column} FROM {table}") - ids):
            yield f"{table}: names container {i}, which is unknown"
    for i in sorted(ids - rows(db, "SELECT id FROM container_config")):
        yield f"container {i}: row without a configuration"


def check_volumes(db, data):
    have = rows(db, "SELECT name FROM volume")
    # a row alone is an empty volume: its first user makes the directory
    for v in sorted(set(names(data / "volumes")) - have):
        yield f"volume {v}: directory without a row"
    for v in sorted(rows(db, "SELECT volume FROM volume_use") - have):
        yield f"volume {v}: used, but unknown"


def check_images(db, data):
    images = rows(db, "SELECT id FROM image")
    for table in ("image_name", "image_layer", "image_blob", "image_user"):
        for i in sorted(rows(db, f"SELECT image FROM {table}") - images):
            yield f"{table}: names image {i}, which is unknown"
    for d in sorted(rows(db, "SELECT diff_id FROM image_layer")):
        path = data / "layers" / d.split(":")[-1]
        if not (path / "diff").is_dir() or not (path / "layer.json").is_file():
            yield f"layer {d}: an image needs it, it is not whole"
    for d in sorted(rows(db, "SELECT digest FROM image_blob")):
        if not (data / "blobs/sha256" / d.split(":")[-1]).is_file():
            yield f"blob {d}: an image needs it, it is not there"
    # what is on disk without an image waits for the pull to be tried again


def check_db(data, empty):
    path = data / "state.db"
    if not path.exists():
        return
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    for (text,) in db.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield f"database: {text}"
    yield from check_containers(db, data)
    yield from check_volumes(db, data)
    yield from check_images(db, data)
    left = rows(db, "SELECT id FROM container")
    if empty and left:
        yield f"containers left: {sorted(left)}"
    db.close()


def check_blobs(data):
    for name in names(data / "blobs/sha256"):
        digest = hashlib.sha256()
        try:
            with open(data / "blobs/sha256" / name, "rb") as f:
                while chunk := f.read(1 << 20):
                    digest.update(chunk)
        except FileNotFoundError:
            continue
        if digest.hexdigest() != name:
            yield f"blob {name}: content has another digest"


def check(data, run, empty=False, blobs=True, removed=False):
    """All findings as a list of lines; @removed: rm -fa ran just now"""
    data, run = pathlib.Path(data), pathlib.Path(run)
    found = eventually("trash is not emptied", lambda: names(data / "trash"))
    found += eventually("staging left", lambda: names(data / "staging"))
    if removed:
        found += eventually("monitors or payloads left", lambda: processes(
            data, run, holder=False))
    if empty:
        # the holder of the user namespace ends by itself some seconds later
        found += eventually("processes left", lambda: processes(data, run))
        found += eventually("directories in the run directory",
                            lambda: names(run / "containers"))
    found += check_db(data, empty)
    if blobs:
        found += check_blobs(data)
    return found


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--data", required=True)
    ap.add_argument("--run", required=True)
    ap.add_argument("--empty", action="store_true")
    args = ap.parse_args()
    found = check(args.data, args.run, args.empty)
    if found:
        print("\n".join(found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
