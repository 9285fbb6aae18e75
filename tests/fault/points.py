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
import fcntl
import json
import os
import re
import shutil
import sys
import time

from engine import BRYO, HERE, IMAGE, Engine, Failure

SLEEP = ("--network", "none", IMAGE, "sleep", "1000")
EXIT7 = ("--network", "none", IMAGE, "sh", "-c", "exit 7")
ENOUGH = 3
TRIES = 5
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


def codes(code, fault):
    """What wait may say: who dies with the code on its lips leaves -1."""
    return (code, "-1") if fault and fault != ALL else (code,)


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
    """Once; a monitor that was killed does not do it."""
    r = e.run("run", "-d", "--name", "r", "--restart", "on-failure:1", *EXIT7,
              fault=fault)
    code = e.run("wait", "r")
    # one that was killed never gets there; nobody is killed at first, when
    # all points that come have to be seen
    end = time.monotonic() + (60 if fault in (None, ALL) else 2)
    while r.returncode == 0 and time.monotonic() < end:
        now = e.run("inspect", "--format",
                    "{{.RestartCount}} {{.State.Status}}", "r")
        if now.stdout.strip() == "1 exited":
            break
        time.sleep(0.02)
    if r.returncode == 0:
        need(code.stdout.strip() in codes("7", fault),
             f"wait said {code.stdout}")
    return expect(r, 0, lambda: "r" in e.states())


def resume(e, fault):
    """A monitor died in its back-off: ps has the round started."""
    r = e.run("run", "-d", "--name", "r", "--restart", "on-failure:1", *EXIT7,
              fault="monitor.exec:kill")
    need(r.returncode == 0, r.stderr)
    lock = e.data / "containers" / r.stdout.strip() / "lock"
    with open(lock, encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)   # the monitor is dead
    r = e.run("ps", "-aq", fault=fault)
    end = time.monotonic() + (60 if fault in (None, ALL) else 2)
    while time.monotonic() < end:
        now = e.run("inspect", "--format",
                    "{{.RestartCount}} {{.State.Status}}", "r")
        if now.stdout.strip() == "1 exited":
            break
        time.sleep(0.02)
    return expect(r, 0)


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


def init(e, fault):
    e.ok("create", "--name", "i", *SLEEP)
    r = e.run("init", "i", fault=fault)
    return expect(r, 0, lambda: e.states().get("i") == "initialized")


def init_start(e, fault):
    e.ok("create", "--name", "i", *SLEEP)
    e.run("init", "i", fault=fault)     # its monitor has the fault, too
    r = e.run("start", "i", fault=fault)
    return expect(r, 0, lambda: e.states().get("i") == "running")


def init_stop(e, fault):
    e.ok("create", "--name", "i", *SLEEP)
    e.ok("init", "i")
    r = e.run("stop", "i", fault=fault)
    return expect(r, 0, lambda: e.states().get("i") == "created")


def mount(e, fault):
    e.ok("create", "--name", "m", *SLEEP)
    r = e.run("unshare", BRYO, "mount", "m", fault=fault)
    e.ok("start", "m")      # the namespace is gone, and the mount with it
    return expect(r, 0)


def stop(e, fault):
    e.ok("run", "-d", "--name", "t", *SLEEP)
    r = e.run("stop", "-t", "0", "t", fault=fault)
    return expect(r, 0, lambda: e.states().get("t") == "exited")


def stop_fault_in_monitor(e, fault):
    r = e.run("run", "-d", "--name", "t", *SLEEP, fault=fault)
    e.run("stop", "-t", "0", "t")
    if e.states().get("t", "created") != "created":
        need(e.run("wait", "t").stdout.strip() in codes("137", fault),
             "wait has another code")
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


def exec_d(e, fault):
    e.ok("run", "-d", "--name", "x", *SLEEP)
    r = e.run("exec", "-d", "x", "true", fault=fault)
    need(e.ok("exec", "x", "echo", "in") == "in", "exec works no more")
    return expect(r, 0)


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


def made(e, content):
    """The image "made" has the file that was asked for."""
    r = e.run("run", "--rm", "--network", "none", "made", "cat", "/f")
    return r.returncode == 0 and r.stdout.strip() == content


def commit(e, fault):
    e.ok("run", "-d", "--name", "c", "--network", "none", IMAGE, "sh", "-c",
         "echo x >/f; sleep 1000")
    while e.run("exec", "c", "test", "-s", "/f").returncode:
        time.sleep(0.01)
    r = e.run("commit", "-q", "c", "made", fault=fault)
    good = expect(r, 0, lambda: made(e, "x"))
    e.run("rmi", "-f", "made")
    return good


def import_(e, fault):
    path = str(e.dir / "root.tar")
    e.ok("run", "--name", "i", "--network", "none", IMAGE, "sh", "-c",
         "echo y >/f")
    e.ok("export", "-o", path, "i")
    r = e.run("import", "-q", path, "made", fault=fault)
    good = expect(r, 0, lambda: made(e, "y"))
    e.run("rmi", "-f", "made")
    return good


def check(e, fault):
    """A damaged layer is repaired, at the second try at the latest."""
    file = next((e.data / "layers").glob("*/diff/bin/busybox"))
    with open(file, "r+b") as f:
        f.seek(5000)
        f.write(b"damage")
    r = e.run("system", "check", "--repair", fault=fault)
    good = expect(r, 0)
    e.ok("system", "check", "--repair")
    e.ok("system", "check")
    return good


def push(e, fault):
    """A manifest is there after all that it names, or not at all."""
    to = f"{IMAGE.rsplit('/', 1)[0]}/pushed/p{time.monotonic_ns()}"
    r = e.run("push", "-q", "--compression-format", "zstd", IMAGE, to,
              fault=fault)
    if expect(r, 0, lambda: e.run("search", "--list-tags", to).returncode == 0):
        e.ok("pull", "-q", to)
        e.ok("rmi", "-f", to)
        e.ok("pull", "-q", IMAGE)
        return True
    return False


def login(e, fault):
    """Asks a credential helper; nothing of ours is changed."""
    folder = e.dir / "docker"
    folder.mkdir(exist_ok=True)
    helper = folder / "docker-credential-fault"
    helper.write_text('#!/bin/sh\necho \'{"Username":"me","Secret":"x"}\'\n')
    helper.chmod(0o755)
    (folder / "config.json").write_text('{"credHelpers":{"x.io":"fault"}}')
    before = dict(e.env)
    e.env.update(DOCKER_CONFIG=str(folder),
                 PATH=f"{folder}:{before.get('PATH', '/usr/bin:/bin')}")
    r = e.run("login", "--get-login", "x.io", fault=fault)
    e.env = before
    return expect(r, 0, lambda: r.stdout.strip() == "me")


def recover(e, fault):
    """Killed while it cleans up after somebody who was killed."""
    e.run("create", "--name", "new", *SLEEP, fault="create.finish:kill")
    return expect(e.run("ps", "-a", fault=fault), 0, lambda: not e.states())


def simple(*command, before=(), after=()):
    """A command after others that set its stage; what it left is undone."""
    def scenario(e, fault):
        for line in before:
            e.ok(*line)
        r = e.run(*command, fault=fault)
        for line in after:
            e.run(*line)
        return expect(r, 0)
    return scenario


UP = ("run", "-d", "--name", "x", *SLEEP)
DOWN = ("create", "--name", "x", *SLEEP)
LIST = "fault.example/list:1"
LIST_RM = ("manifest", "rm", LIST)
RMI = ("rmi", "-f", "fault.example/new:1")
SIMPLE = {
    "kill": simple("kill", "x", before=[UP]),
    "rename": simple("rename", "x", "y", before=[DOWN]),
    "restart_cmd": simple("restart", "-t", "0", "x", before=[UP]),
    "update": simple("update", "--restart", "always", "x", before=[DOWN]),
    "pause": simple("pause", "x", before=[UP], after=[("unpause", "x")]),
    "unpause": simple("unpause", "x", before=[UP, ("pause", "x")]),
    "cp": simple("cp", "/etc/hostname", "x:/copied", before=[DOWN]),
    "healthcheck": simple("healthcheck", "run", "x", before=[
        UP[:-3] + ("--health-cmd", "true", "--health-interval", "1h") +
        UP[-3:]]),
    "tag": simple("tag", IMAGE, "fault.example/new:1", after=[RMI]),
    "untag": simple("untag", "fault.example/new:1", after=[RMI],
                    before=[("tag", IMAGE, "fault.example/new:1")]),
    "container_prune": simple("container", "prune", "-f", before=[DOWN]),
    "image_prune": simple("image", "prune", "-f"),
    "volume_prune": simple("volume", "prune", "-af",
                           before=[("volume", "create", "fv")]),
    "system_prune": simple("system", "prune", "-f", before=[DOWN]),
    "reset": simple("system", "reset", "-f", before=[DOWN]),
    "manifest_create": simple("manifest", "create", LIST, after=[LIST_RM]),
    "manifest_add": simple("manifest", "add", LIST, IMAGE, after=[LIST_RM],
                           before=[("manifest", "create", LIST)]),
    "manifest_rm": simple("manifest", "rm", LIST, after=[LIST_RM],
                          before=[("manifest", "create", LIST)]),
    "secret_create": simple("secret", "create", "s", "/etc/hostname",
                            after=[("secret", "rm", "s")]),
    "secret_rm": simple("secret", "rm", "s", after=[("secret", "rm", "s")],
                        before=[("secret", "create", "s", "/etc/hostname")]),
}

# What changes no state: a kill can only stop it from telling.
READS = """
attach completion container-diff container-exists container-inspect diff events
export exists history image-diff image-exists image-inspect image-tree images
info inspect logs port ps search stats system-check system-df top version
volume-exists volume-export volume-inspect volume-ls wait secret-exists
secret-inspect secret-ls boot-status manifest-exists manifest-inspect
""".split()

# What no scenario of its own needs, and why.
ELSEWHERE = {
    "boot": "starts containers: scenario start",
    "boot install": "a file of the user's, replaced by a rename",
    "boot uninstall": "likewise",
    "image mount": "a process that ends with its mount",
    "image unmount": "likewise",
    "mount": "scenario mount, inside unshare",
    "unmount": "a mount of the caller's own namespace",
    "manifest annotate": "replaces a list's blob as manifest add does",
    "manifest remove": "likewise",
    "manifest push": "changes the registry",
    "login": "a file of the user's, replaced by a rename",
    "logout": "likewise",
    "push": "changes the registry; its store side is that of save",
    "load": "scenario save",
    "doctor": "runs a container: scenario run",
    "system migrate": "stops and starts: scenarios stop and start",
    "unshare": "a program of the user's in a namespace",
    "volume import": "writes into a directory of a volume",
    "volume mount": "asks for a mount that is there already",
    "volume unmount": "likewise",
    "volume create": "scenario volume",
    "volume rm": "scenario volume",
}


def command_of(argv, table):
    """The path of the command that @argv names, or None."""
    words = [a for a in argv if not a.startswith("-")]
    for skip in range(min(2, len(words))):
        for n in (2, 1):
            path = table.get(" ".join(words[skip:skip + n]))
            if path:
                return path
    return None


def unfaulted(calls):
    """Commands that no scenario kills and that nobody has thought of.
    @calls: what the scenarios ran with a fault"""
    table = {}
    for c in json.loads(Engine().ok("__dump"))["commands"]:
        if not c["hidden"]:
            table.update({n: c["path"] for n in (c["path"], *c["aliases"])})
    known = {table.get(n.replace("-", " "), table.get(n)) for n in READS}
    known |= {table.get(n) for n in ELSEWHERE}
    known |= {command_of(argv, table) for argv in calls}
    return [f"{p}: no scenario in points.py" for p in
            sorted(set(table.values()) - known)]


SCENARIOS = {f.__name__.rstrip("_"): f for f in (
    create, vfs, start, init, init_start, init_stop, mount, run, run_net,
    run_first, run_d, run_d_rm, restart, resume, stop, stop_fault_in_monitor,
    rm, rm_f, exec_, exec_d, volume, pull, push, login, rmi, save, commit,
    import_, check, recover)} | SIMPLE


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
    """The points that a scenario passes, in order, or why it does not work,
    and the commands it ran with a fault."""
    e = Engine()
    try:
        e.ok("pull", "-q", IMAGE)
        need(SCENARIOS[name](e, ALL), "does not work without a fault")
        points = e.points()
        clean(e)
        e.delete()
    except Failure as why:
        return [], f"{name}: {why}", e.faulted
    return list(dict.fromkeys(points)), None, e.faulted


def one(e, name, point):
    # where two processes can do the same thing it may be the other one
    for _ in range(TRIES):
        e.points()
        SCENARIOS[name](e, point + ":kill")
        fired = point in e.points()
        clean(e)
        if fired:
            break
    need(fired, "did not fire")
    need(SCENARIOS[name](e, None), "works no more")
    clean(e)


def series(name, points):
    """What was wrong at each point, or None."""
    e = Engine()
    out = []
    e.ok("pull", "-q", IMAGE)
    for point in points:
        try:
            one(e, name, point)
            out.append(None)
        except Failure as why:
            out.append(f"{name} {point}: {why}")
            e.run("rm", "-fa", "-t", "0")
            e.run("pull", "-q", IMAGE)
    try:
        e.delete()
    except Failure as why:
        out.append(f"{name}, at the end: {why}")
    return out


def plan(pool, names, dense):
    """Points of each scenario; those that only few pass go first."""
    found = dict(zip(names, pool.map(profile, names)))
    seen = collections.Counter()
    todo = {}
    for name in sorted(names, key=lambda n: len(found[n][0])):
        todo[name] = [p for p in found[name][0] if dense or seen[p] < ENOUGH]
        seen.update(todo[name])
    calls = [argv for f in found.values() for argv in f[2]]
    return todo, [f[1] for f in found.values() if f[1]], calls


def show(results):
    for text in results:
        if text:
            print("not ok", text, flush=True)
    return results


def main():
    argv = sys.argv[1:] or sys.exit(__doc__)
    dense = "--dense" in argv
    names = [a for a in argv if a in SCENARIOS]
    only = [a for a in argv if a not in SCENARIOS and a not in ("--dense",
                                                                "all")]
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        todo, results, calls = plan(pool, names or list(SCENARIOS),
                             dense or bool(names))
        show(results)
        if only:
            todo = {n: [p for p in v if p in only] for n, v in todo.items()}
        for part in pool.map(series, todo.keys(), todo.values()):
            results += show(part)
    if not names:
        hit = {p for points in todo.values() for p in points}
        results += show([f"{p}: no scenario passes it"
                         for p in sorted(all_points() - hit)])
        results += show(unfaulted(calls))
    failed = sum(r is not None for r in results)
    print(f"fault points: {len(results) - failed} passed, {failed} failed "
          f"({time.monotonic() - began:.0f} s)")
    sys.exit(failed > 0 or not results)


if __name__ == "__main__":
    main()
