#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: power.py [--cuts N] [--seed N] [--keep]

F26: the power goes.  A series of commands is recorded (tests/tools/fsrec.c);
for moments between them and within them the disk is put together as it may
be found afterwards (fsmodel.py), and bryo is let loose on it: it has to start,
`system check` has to find nothing, or with --repair nothing any more, and
everything that a command before the cut reported as done has to be there.

--cuts: how many states at most; those in which only what was synced is left
right after a command said that it was done are always among them.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import time

from engine import BRYO, Engine, Failure
from fsmodel import Log, materialize
from tiny import TINY, facts, push_tiny, tar

FSREC = os.environ["BRYO_BUILD"] + "/fsrec"
LINGER_MS = "250"


# ---- what a store holds -----------------------------------------------------

def facts_of_copy(e, root):
    """The recorder would not see what the commands that look change."""
    copy = e.dir / "copy"
    # not what a container has written, which may be closed to us, and not
    # what somebody may be deleting right now
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(
        "diff", "upper", "work", "trash"))
    try:
        return facts(lambda *a: e.ok("--root", str(copy / "bryo"), *a), copy)
    finally:
        shutil.rmtree(copy)


def series(e, root):
    """The commands, each with what it reports as done."""
    (e.dir / "f").write_text("hello" * 100)
    (e.dir / "root.tar").write_bytes(tar(("d", None), ("d/f", "import")))
    (e.dir / "volume.tar").write_bytes(tar(("vf", "volume" * 50)))
    return [
        ("volume", "create", "v1"),
        ("pull", "-q", TINY),
        ("tag", TINY, "localhost/other:1"),
        ("create", "--name", "c1", "-v", "v2:/v", TINY),
        ("cp", str(e.dir / "f"), "c1:/etc/new"),
        ("commit", "-q", "c1", "made"),
        ("import", "-q", str(e.dir / "root.tar"), "imported"),
        ("volume", "import", "v1", str(e.dir / "volume.tar")),
        ("save", "-q", "-o", str(root / "made.tar"), "made"),
        ("rename", "c1", "c3"),
        ("secret", "create", "s1", str(e.dir / "f")),
        ("manifest", "create", "localhost/list:1", "made"),
        ("rm", "c3"),
        ("untag", "localhost/other:1"),
        ("rmi", "made"),
        ("load", "-q", "-i", str(root / "made.tar")),
        ("secret", "rm", "s1"),
        ("volume", "rm", "v1", "v2"),
        ("rmi", "imported"),
        ("rmi", "-f", TINY, "made", "localhost/list:1"),
        ("pull", "-q", TINY),
        ("create", "--name", "c4", TINY),
        ("image", "prune", "-af"),
        ("system", "prune", "-f"),
    ]


def record(e, root):
    """The log, the commands, and the facts before and after each of them."""
    log = e.dir / "log"
    before = facts(lambda *a: "", root)
    known = [before]
    done = series(e, root)
    # set-uid programs do not work traced: the user namespace is there already
    holder = subprocess.Popen([BRYO, "--root", str(e.dir / "other"), "unshare",
                               "sleep", "1000"], env=e.env)
    try:
        comm = pathlib.Path(f"/proc/{holder.pid}/comm")
        while comm.read_text() != "sleep\n":
            if holder.poll() is not None:
                raise Failure("no user namespace")
            time.sleep(0.02)
        for argv in done:
            r = e.run("--root", str(root / "bryo"), *argv,
                      prefix=(FSREC, str(log), LINGER_MS))
            if r.returncode:
                raise Failure(f"{argv}: {r.returncode} {r.stderr}")
            known.append(facts_of_copy(e, root))
    finally:
        holder.kill()
        holder.wait()
    return log, done, known


def same_as(tree, root):
    """Did the recorder see everything?  With nothing lost the model has what
    is there.  What is deleted in the background may have gone later."""
    there = {}
    for folder, dirs, files in os.walk(root):
        if folder.endswith("/trash"):
            dirs[:], files = [], []
        for name in dirs + files:
            path = pathlib.Path(folder, name)
            st = path.lstat()
            what = os.readlink(path) if path.is_symlink() else \
                path.read_bytes() if stat.S_ISREG(st.st_mode) else st.st_rdev \
                if stat.S_ISCHR(st.st_mode) else b""
            there[str(path.relative_to(root))] = st.st_mode, what
    model = {path: entry[:2] for path, entry in tree.items()}
    return [f"{path}: {str(model.get(path))[:80]} is not "
            f"{str(there.get(path))[:80]}"
            for path in sorted(there.keys() | model.keys())
            if there.get(path) != model.get(path)
            and not path.endswith("-shm") and "/trash/" not in path]


# ---- after the cut ----------------------------------------------------------

class Cut:
    """A state of the disk; @commands: how many had reported by then"""

    def __init__(self, moment, how, seed, commands):
        self.moment, self.how, self.seed = moment, how, seed
        self.commands = commands
        self.tree = None


def cuts_of(log, n, seed):
    rng = random.Random(seed)
    exits = [at for at, _ in log.exits]
    sure, more = [], []
    for moment in sorted(set(log.moments)):
        said = sum(at < moment for at in exits)
        at_exit = moment - 1 in exits or moment == log.end
        for how in ("lost", "all", "names", "mixed", "mixed"):
            cut = Cut(moment, how, rng.random(), said)
            (sure if at_exit and how == "lost" else more).append(cut)
    rng.shuffle(more)
    seen, out = set(), []
    for cut in sure + more:
        cut.tree = log.tree(cut.moment, cut.how, random.Random(cut.seed)
                            if cut.how == "mixed" else None)
        key = (hash(tuple(sorted(cut.tree.items()))), cut.commands)
        if key not in seen:
            seen.add(key)
            out.append(cut)
        if len(out) == n:
            break
    return out


def try_cut(e, cut, known, doing, folder):
    """What had to be repaired; @doing: the command that was cut off"""
    root = folder / "root"
    root.mkdir()
    materialize(cut.tree, root)
    (root / "bryo").mkdir(mode=0o700, exist_ok=True)

    def bryo(*argv, **kw):
        return e.ok("--root", str(root / "bryo"), *argv, **kw)

    def check(*argv):
        return e.run("--root", str(root / "bryo"), "system", "check", *argv)

    now = facts(bryo, root)
    before = known[cut.commands]
    after = known[min(cut.commands + 1, len(known) - 1)]
    if lost := (before & after) - now:
        raise Failure(f"gone: {sorted(lost)}")
    odd = now - before - after
    if doing[:2] == ("volume", "import"):   # a volume's files are the user's,
        odd = {x for x in odd               # half of them may be there
               if not x.startswith(f"file vf in volume {doing[2]}:")}
    if odd:
        raise Failure(f"nobody made: {sorted(odd)}")
    first = check()
    # the next pull would believe what lies under its hash
    if torn := [x for x in first.stdout.splitlines()
                if x.startswith(("layer ", "blob "))]:
        raise Failure(f"under its hash, but not whole: {torn}")
    if first.returncode:
        check("--repair")
        second = check()
        if second.returncode:
            raise Failure(f"is not repaired: {second.stdout}")
        now = facts(bryo, root)
        if lost := (before & after) - now:
            raise Failure(f"gone with the repair: {sorted(lost)}, because of "
                          f"{first.stdout}")
    e.data = root / "bryo"
    e.check()
    return first.stdout


def try_all(cuts, known, commands, keep):
    e = Engine()
    failed, repaired = [], []
    for i, cut in enumerate(cuts):
        folder = e.dir / f"cut{i}"
        folder.mkdir()
        last = " ".join(commands[cut.commands - 1]) if cut.commands else ""
        try:
            doing = commands[cut.commands] if cut.commands < len(commands) \
                else ()
            if text := try_cut(e, cut, known, doing, folder):
                repaired.append(f"{cut.how} at {cut.moment} after {last}: "
                                f"{text}")
        except Failure as why:
            failed.append(f"{cut.how} at {cut.moment}, after {last}: {why}"
                          + (f" [{folder}]" if keep else ""))
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if not keep:
        e.delete()
    return len(cuts), repaired, failed


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--cuts", type=int, default=120)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--keep", action="store_true")
    args = ap.parse_args()
    began = time.monotonic()
    e = Engine()
    root = e.dir / "disk"
    root.mkdir(mode=0o700)
    push_tiny(e.dir / "tiny")
    path, commands, known = record(e, root)
    log = Log(path, root)
    if [code for _, code in log.exits] != [0] * len(commands):
        sys.exit(f"recorded other exits: {log.exits}")
    if odd := same_as(log.tree(log.end, "all"), root):
        sys.exit("recorded something else:\n" + "\n".join(odd))
    cuts = cuts_of(log, args.cuts, args.seed)
    print(f"{len(log.changes)} changes, {len(log.moments)} moments, "
          f"{len(cuts)} states ({time.monotonic() - began:.0f} s)", flush=True)
    n = os.cpu_count()
    failed, repaired = [], []
    with concurrent.futures.ProcessPoolExecutor(n) as pool:
        for _, fixed, bad in pool.map(
                try_all, [cuts[i::n] for i in range(n)], [known] * n,
                [commands] * n, [args.keep] * n):
            repaired += fixed
            failed += bad
    for text in failed:
        print("not ok", text)
    for text in repaired:
        print("repaired:", text.strip())
    print(f"power: {len(cuts)} states, {len(failed)} bad, {len(repaired)} "
          f"repaired ({time.monotonic() - began:.0f} s)")
    if not args.keep:
        e.delete()
    sys.exit(bool(failed) or len(cuts) < 100)


if __name__ == "__main__":
    main()
