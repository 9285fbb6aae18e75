#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: points.py [--dense] all | SCENARIO... [POINT...]

kill -9 at every fault point that a scenario passes.

The points come from the binary itself (`bryo __fault-points`) and from the
sources of its helpers, so that a new one is tested without anybody thinking
of it; one that no scenario passes is a failure.  A first run of each scenario
notes which points it passes.  Then, for each: run the scenario with the fault
armed; what said that it succeeded must have; every container that is left
must be listed, inspected, waited for and removed; the independent checker
must find nothing; and the same scenario must work.

Without --dense a point is tested in three scenarios, with it in all.
"""
import collections
import concurrent.futures
import os
import re
import shutil
import sys
import time

from engine import HERE, IMAGE, Engine, Failure

SLEEP = ("--network", "none", IMAGE, "sleep", "1000")
EXIT7 = ("--network", "none", IMAGE, "sh", "-c", "exit 7")
ENOUGH = 3
ALL = "*:delay=0"       # fires at each point and does nothing


def need(condition, text):
    if not condition:
        raise Failure(text)


def expect(r, code, effect=None):
    """Only @code is success, and success has its effect; a made-up exit code
    of the payload never is."""
    need(r.returncode == code or r.returncode != 0,
         f"exit code 0 instead of {code}")
    if r.returncode == code and effect:
        need(effect(), f"said {code}, but it is not so: {r.args}")
    return r.returncode == code


def pull(e, fault):
    e.ok("rmi", "-f", IMAGE)
    r = e.run("pull", "-q", IMAGE, fault=fault)
    return expect(r, 0, lambda: has_image(e))


def run(e, fault):
    return expect(e.run("run", "--rm", *EXIT7, fault=fault), 7)


def run_net(e, fault):
    return expect(e.run("run", "--rm", "-p", "127.0.0.1::80", "-v", "/anon",
                        IMAGE, "sh", "-c", "exit 7", fault=fault), 7)


def run_first(e, fault):
    """The run directory is empty, as after a login: U is made anew."""
    shutil.rmtree(e.run_dir, ignore_errors=True)
    return expect(e.run("run", "--rm", *EXIT7, fault=fault), 7)


def run_d(e, fault):
    r = e.run("run", "-d", "--name", "new", *SLEEP, fault=fault)
    return expect(r, 0, lambda: e.states().get("new") == "running")


def run_d_rm(e, fault):
    """Its monitor removes it."""
    r = e.run("run", "-d", "--rm", "--name", "new", *EXIT7, fault=fault)
    e.run("wait", "new")
    while "new" in e.states():
        time.sleep(0.01)
    return expect(r, 0)


def restart(e, fault):
    r = e.run("run", "-d", "--name", "r", "--restart", "on-failure:1", *EXIT7,
              fault=fault)
    code = e.run("wait", "r")
    if r.returncode == 0:
        need(code.stdout.strip() in ("7", "-1"), f"wait said {code.stdout}")
    return expect(r, 0, lambda: "r" in e.states())


def create(e, fault):
    r = e.run("create", "--name", "new", "-v", "vol:/v", *SLEEP, fault=fault)
    return expect(r, 0, lambda: e.states().get("new") == "created")


def vfs(e, fault):
    r = e.run("--storage-driver", "vfs", "create", "--name", "new", *SLEEP,
              fault=fault)
    return expect(r, 0, lambda: e.states().get("new") == "created")


def start(e, fault):
    e.ok("create", "--name", "s", *SLEEP)
    r = e.run("start", "s", fault=fault)
    return expect(r, 0, lambda: e.states().get("s") == "running")


def stop(e, fault):
    e.ok("run", "-d", "--name", "t", *SLEEP)
    r = e.run("stop", "-t", "0", "t", fault=fault)
    return expect(r, 0, lambda: e.states().get("t") == "exited")


def stop_fault_in_monitor(e, fault):
    r = e.run("run", "-d", "--name", "t", *SLEEP, fault=fault)
    e.run("stop", "-t", "0", "t")
    if "t" in e.states():
        need(e.run("wait", "t").stdout.strip() in ("137", "-1", "0"),
             "wait has no code")
    return expect(r, 0)


def rm(e, fault):
    e.ok("create", "--name", "m", "-v", "/anon", *SLEEP)
    r = e.run("rm", "-v", "m", fault=fault)
    return expect(r, 0, lambda: not e.states() and not e.ok("volume", "ls",
                                                            "-q"))


def rm_f(e, fault):
    e.ok("run", "-d", "--name", "m", *SLEEP)
    r = e.run("rm", "-f", "-t", "0", "m", fault=fault)
    return expect(r, 0, lambda: not e.states())


def exec_(e, fault):
    e.ok("run", "-d", "--name", "x", *SLEEP)
    r = e.run("exec", "x", "sh", "-c", "exit 7", fault=fault)
    need(e.ok("exec", "x", "echo", "in") == "in", "exec works no more")
    return expect(r, 7)


def volume(e, fault):
    a = e.run("volume", "create", "fv", fault=fault)
    made = expect(a, 0, lambda: "fv" in e.ok("volume", "ls", "-q"))
    b = e.run("volume", "rm", "-f", "fv", fault=fault)
    return expect(b, 0, lambda: "fv" not in e.ok("volume", "ls", "-q")) and made


def rmi(e, fault):
    r = e.run("rmi", "-f", IMAGE, fault=fault)
    return expect(r, 0, lambda: not has_image(e))


def save(e, fault):
    path = str(e.dir / "image.tar")
    saved = expect(e.run("save", "-q", "-o", path, IMAGE, fault=fault), 0)
    if not saved:
        return False
    e.ok("rmi", "-f", IMAGE)
    r = e.run("load", "-q", "-i", path, fault=fault)
    return expect(r, 0, lambda: has_image(e))


def recover(e, fault):
    """Killed while it cleans up after somebody who was killed."""
    e.run("create", "--name", "new", *SLEEP, fault="create.finish:kill")
    return expect(e.run("ps", "-a", fault=fault), 0, lambda: not e.states())


SCENARIOS = {f.__name__.rstrip("_"): f for f in (
    create, vfs, start, run, run_net, run_first, run_d, run_d_rm, restart,
    stop, stop_fault_in_monitor, rm, rm_f, exec_, volume, pull, rmi, save,
    recover)}


def has_image(e):
    return e.run("image", "inspect", IMAGE).returncode == 0


def clean(e):
    e.recover(blobs=not has_image(e))
    e.ok("volume", "rm", "-f", "vol", "fv")
    need(not e.ok("volume", "ls", "-q"), "volumes left")
    if not has_image(e):
        e.ok("pull", "-q", IMAGE)


def all_points():
    out = set(Engine().ok("__fault-points").split())
    for path in (HERE.parent.parent / "storage").rglob("*.c"):
        out |= set(re.findall(r'FAULT\("([^"]+)"\)', path.read_text()))
    return out


def profile(name):
    """The points that a scenario passes, in order."""
    e = Engine()
    e.ok("pull", "-q", IMAGE)
    if not SCENARIOS[name](e, ALL):
        raise Failure(f"{name} does not work without a fault")
    points = e.points()
    clean(e)
    e.delete()
    return list(dict.fromkeys(points))


def one(e, name, point):
    e.points()
    SCENARIOS[name](e, point + ":kill")
    fired = point in e.points()
    clean(e)
    if fired and not SCENARIOS[name](e, None):
        raise Failure("works no more")
    clean(e)
    return fired


def series(name, points):
    """(ok, text) of each point."""
    e = Engine()
    out = []
    e.ok("pull", "-q", IMAGE)
    for point in points:
        try:
            out.append((one(e, name, point), f"{name} {point}: did not fire"))
        except Failure as why:
            out.append((False, f"{name} {point}: {why}"))
            e.run("rm", "-fa", "-t", "0")
            e.run("pull", "-q", IMAGE)
    try:
        e.delete()
    except Failure as why:
        out.append((False, f"{name}, at the end: {why}"))
    return out


def plan(pool, names, dense):
    """Points of each scenario; those that only few pass go first."""
    passed = dict(zip(names, pool.map(profile, names)))
    seen = collections.Counter()
    todo = {}
    for name in sorted(names, key=lambda n: len(passed[n])):
        todo[name] = [p for p in passed[name] if dense or seen[p] < ENOUGH]
        seen.update(todo[name])
    return todo


def main():
    argv = sys.argv[1:] or sys.exit(__doc__)
    dense = "--dense" in argv
    names = [a for a in argv if a in SCENARIOS]
    only = [a for a in argv if a not in SCENARIOS and a not in ("--dense",
                                                                "all")]
    results = []
    start_time = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        todo = plan(pool, names or list(SCENARIOS), dense or bool(names))
        if only:
            todo = {n: [p for p in v if p in only] for n, v in todo.items()}
        for part in pool.map(series, todo.keys(), todo.values()):
            results += part
            for ok, text in part:
                if not ok:
                    print("not ok", text, flush=True)
    if not names:
        hit = {p for points in todo.values() for p in points}
        for p in sorted(all_points() - hit):
            results.append((False, p))
            print(f"not ok {p}: no scenario passes it")
    failed = sum(not ok for ok, _ in results)
    print(f"fault points: {len(results) - failed} passed, {failed} failed "
          f"({time.monotonic() - start_time:.0f} s)")
    sys.exit(failed > 0 or not results)


if __name__ == "__main__":
    main()
