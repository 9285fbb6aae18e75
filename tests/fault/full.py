#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: full.py [--stride N] [--first N] [--at I] [SCENARIO...]

F08: no space at the i-th call that needs some, for each command that fills the
store.  The command works (what failed was not needed) or says so, with the
reason; if not, the store holds what it held: the same things for the user, no
layer, blob or download more, nothing in staging.  Then it works.

--stride: tries every N-th call only, from --first on
"""
import argparse
import concurrent.futures
import os
import pathlib
import sqlite3
import sys
import time

from engine import Engine, Failure
from sweep import CALLS, INJECT
from tiny import TINY, facts, push_tiny, tar

ENOSPC = "28"


class Scenario:
    """@before: prepares; @command; @after: undoes it when it has worked"""

    def __init__(self, command, after, before=()):
        self.before, self.command, self.after = before, command, after


def scenarios(e):
    """Names of files are of this engine."""
    root, volume = str(e.dir / "root.tar"), str(e.dir / "volume.tar")
    saved, out = str(e.dir / "saved.tar"), str(e.dir / "out")
    again = ("pull", "-q", TINY)
    return {
        "pull": Scenario(again, (), [("rmi", "-f", TINY)]),
        "load": Scenario(("load", "-q", "-i", saved), (),
                         [("rmi", "-f", TINY)]),
        "commit": Scenario(("commit", "-q", "c", "made"),
                           [("rmi", "made")]),
        "import": Scenario(("import", "-q", root, "made"), [("rmi", "made")]),
        "save": Scenario(("save", "-q", "-o", out, TINY), ()),
        "tag": Scenario(("tag", TINY, "more:1"), [("rmi", "more:1")]),
        "volume_import": Scenario(("volume", "import", "v", volume),
                                  [("volume", "rm", "v")],
                                  [("volume", "create", "--ignore", "v")]),
    }


def listing(e):
    """What lies in the directories of the store, but for what rows need."""
    db = sqlite3.connect(f"file:{e.data}/state.db?mode=ro", uri=True)
    needed = {r[0] for sql in ("SELECT diff_id FROM image_layer",
                               "SELECT digest FROM image_blob")
              for r in db.execute(sql)}
    db.close()
    return [str(p.relative_to(e.data)) for d in
            ("layers", "blobs/sha256", "partial", "staging")
            for p in (e.data / d).glob("*") if p.name not in needed]


def settled(e):
    """In the background things may still be on their way to the trash."""
    end = time.monotonic() + 60
    while left := listing(e):
        if time.monotonic() > end:
            raise Failure(f"left: {left}")
        time.sleep(0.02)


def one(e, name, i):
    """False when the command has fewer than i such calls."""
    s = scenarios(e)[name]
    log = pathlib.Path(e.dir / "inject")
    log.unlink(missing_ok=True)
    for argv in s.before:
        e.ok(*argv)
    before = facts(e.ok, e.data.parent)
    try:
        r = e.run(*s.command, prefix=(INJECT, str(log), str(i), ENOSPC, "0",
                                      CALLS["ENOSPC"]))
        if r.returncode not in (0, 125):
            raise Failure(f"crashed: {r.returncode} {r.stderr}")
        if r.returncode:
            if "no space left on device" not in r.stderr.lower():
                raise Failure(f"no reason given: {r.stderr!r}")
            after = facts(e.ok, e.data.parent)
            # what was unpacked into a volume by then stays there
            if {x for x in before ^ after if not x.startswith("file ")}:
                raise Failure(f"not the same as before: {before ^ after}")
            settled(e)
            e.ok(*s.command)
        for argv in s.after:
            e.ok(*argv)
        settled(e)
        e.check()
    except Failure as why:
        where = log.read_text().strip() if log.exists() else "nothing fired"
        raise Failure(f"{why} [{where}]") from why
    return log.exists()


def sweep(name, calls):
    """Counts of what passed and texts of what failed."""
    e = Engine()
    passed, failed = 0, []
    try:
        e.ok("pull", "-q", TINY)
        (e.dir / "root.tar").write_bytes(tar(("d", None), ("d/f", "import")))
        (e.dir / "volume.tar").write_bytes(tar(("vf", "volume" * 50)))
        e.ok("save", "-q", "-o", str(e.dir / "saved.tar"), TINY)
        if name in ("commit", "tag", "save", "import", "volume_import"):
            e.ok("create", "--name", "c", TINY)
        for i in calls:
            try:
                if not one(e, name, i):
                    break
                passed += 1
            except Failure as why:
                failed.append(f"{name} --at {i}: {why}")
                for argv in (("system", "prune", "--external", "-f"),
                             ("pull", "-q", TINY)):
                    e.run(*argv)
        e.ok("rmi", "-fa")
        e.delete()
    except Failure as why:
        failed.append(f"{name}: {why}")
    return passed, failed


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--stride", type=int, default=4)
    ap.add_argument("--first", type=int, default=1)
    ap.add_argument("--at", type=int)
    ap.add_argument("names", nargs="*")
    args = ap.parse_args()
    began = time.monotonic()
    e = Engine()
    push_tiny(e.dir / "tiny")
    names = args.names or list(scenarios(e))
    calls = range(args.at, args.at + 1) if args.at else \
        range(args.first, 5000, args.stride)
    e.delete()
    passed, failed = 0, []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for ok, bad in pool.map(sweep, names, [calls] * len(names)):
            passed += ok
            failed += bad
    for text in failed:
        print("not ok", text)
    print(f"full disk: {passed} passed, {len(failed)} failed "
          f"({time.monotonic() - began:.0f} s)")
    sys.exit(bool(failed) or passed < len(names))


if __name__ == "__main__":
    main()
