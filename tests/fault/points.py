#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: points.py SCENARIO...

kill -9 at every fault point that a scenario passes.

The points come from the binary itself (`bryo __fault-points`), so that a new
one is tested without anybody thinking of it.  For each point: run the
scenario with the fault armed; then every container that is left must be
listed, inspected, waited for and removed, the independent checker must find
nothing, and the same scenario must work.  With the scenario `all` every point
has to be passed by one of them.
"""
import sys

from engine import IMAGE, Engine, Failure

SLEEP = ("--network", "none", IMAGE, "sleep", "1000")


def pull(e, fault):
    e.ok("rmi", "-f", IMAGE)
    return [e.run("pull", "-q", IMAGE, fault=fault)]


def run(e, fault):
    return [e.run("run", "--rm", "--network", "none", IMAGE, "true",
                  fault=fault)]


def run_net(e, fault):
    return [e.run("run", "--rm", "-p", "127.0.0.1::80", "-v", "/anon", IMAGE,
                  "true", fault=fault)]


def run_d(e, fault):
    r = e.run("run", "-d", "--name", "f", *SLEEP, fault=fault)
    listed = e.ok("ps", "-a", "--format", "{{.Names}} {{.State}}").split()
    if r.returncode == 0 and listed[:2] != ["f", "running"]:
        raise Failure(f"run -d said 0, but ps says {listed}")
    return [r]


def restart(e, fault):
    e.ok("run", "-d", "--name", "r", "--restart", "on-failure:1", "--network",
         "none", IMAGE, "false", fault=fault) if not fault else \
        e.run("run", "-d", "--name", "r", "--restart", "on-failure:1",
              "--network", "none", IMAGE, "false", fault=fault)
    return [e.run("wait", "r")]


def create(e, fault):
    return [e.run("create", "--name", "c", "-v", "vol:/v", *SLEEP,
                  fault=fault)]


def start(e, fault):
    e.ok("create", "--name", "s", *SLEEP)
    return [e.run("start", "s", fault=fault)]


def stop(e, fault):
    e.ok("run", "-d", "--name", "t", *SLEEP)
    return [e.run("stop", "-t", "0", "t", fault=fault)]


def rm(e, fault):
    e.ok("create", "--name", "m", "-v", "/anon", *SLEEP)
    return [e.run("rm", "-v", "m", fault=fault)]


def rm_f(e, fault):
    e.ok("run", "-d", "--name", "m", *SLEEP)
    return [e.run("rm", "-f", "-t", "0", "m", fault=fault)]


def exec_(e, fault):
    e.ok("run", "-d", "--name", "x", *SLEEP)
    return [e.run("exec", "x", "true", fault=fault)]


def volume(e, fault):
    a = e.run("volume", "create", "fv", fault=fault)
    b = e.run("volume", "rm", "-f", "fv", fault=fault)
    return [a, b]


def rmi(e, fault):
    r = e.run("rmi", "-f", IMAGE, fault=fault)
    e.ok("pull", "-q", IMAGE)
    return [r]


def save(e, fault):
    path = str(e.dir / "image.tar")
    return [e.run("save", "-q", "-o", path, IMAGE, fault=fault),
            e.run("load", "-q", "-i", path, fault=fault)]


SCENARIOS = {f.__name__.rstrip("_"): f for f in (
    create, start, run, run_net, run_d, restart, stop, rm, rm_f, exec_, volume,
    pull, rmi, save)}


def died(results, point):
    """The fault fired: a process of ours ended by it or said that one did."""
    return any(r.returncode not in (0,) for r in results)


def clean(e):
    e.recover()
    e.ok("volume", "rm", "-f", "vol", "fv")
    # an image that was being removed or pulled may be there or not
    e.ok("pull", "-q", IMAGE)


def main():
    names = sys.argv[1:] or sys.exit(__doc__)
    everything = names == ["all"]
    e = Engine()
    e.ok("pull", "-q", IMAGE)
    points = e.ok("__fault-points").split()
    passed, failed, hit = 0, 0, set()
    for name in (SCENARIOS if everything else names):
        scenario = SCENARIOS[name]
        scenario(e, None)
        clean(e)
        for point in points:
            # a point that this scenario does not pass costs one normal run
            if everything and point in hit and \
                    not point.startswith(name.split("_")[0]):
                continue
            try:
                fired = died(scenario(e, point + ":kill"), point)
                if not fired:
                    clean(e)
                    continue
                hit.add(point)
                clean(e)
                again = scenario(e, None)
                if any(r.returncode for r in again if name != "restart"):
                    raise Failure(f"works no more: {again[-1].stderr}")
                clean(e)
                passed += 1
                print(f"ok {name} {point}", flush=True)
            except Failure as why:
                failed += 1
                print(f"not ok {name} {point}: {why}", flush=True)
                e = Engine()  # what is wrong there stays to be looked at
                e.ok("pull", "-q", IMAGE)
    never = [p for p in points if p not in hit] if everything else []
    if never:
        failed += 1
        print("not ok points that no scenario passes:", " ".join(never))
    e.delete()
    print(f"fault points: {passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


main()
