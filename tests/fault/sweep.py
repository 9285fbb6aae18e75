#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: sweep.py [--stride N] [--at I] ACTION [SCENARIO...]

ACTION is kill, or the name of an error (ENOSPC, EIO, EMFILE, ENOMEM, EINTR).

The system-call sweep: a scenario runs under tests/tools/inject.c, which in
the i-th run kills the process that makes the i-th relevant call of all
processes of the scenario, or lets that call fail; for i = 1, 1 + N, ... until
nothing fires any more.  After each run the engine must recover (see
engine.py), and what said that it succeeded must have.  Needs no cooperation
of the code under test.

--stride 1 tries every call, --at I only the I-th.
"""
import concurrent.futures
import errno
import os
import pathlib
import sys
import time

from engine import IMAGE, Engine, Failure

INJECT = os.environ["BRYO_BUILD"] + "/inject"
# names are no prefixes of ids: they have letters beyond f
# what an error can really come from; death can come at any call
CALLS = {
    "kill": "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,"
            "link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,"
            "ftruncate,fallocate,openat,mount,move_mount,fsmount,fsconfig,"
            "open_tree,mount_setattr,pivot_root,clone,clone3,execve,fchmod,"
            "fchown,sendmsg,sendto,socket,socketpair,pipe2,setns,bind,flock,"
            "epoll_ctl,openat2,memfd_create,pidfd_send_signal",
    "ENOSPC": "write,pwrite64,writev,fsync,rename,renameat,renameat2,link,"
              "linkat,symlink,symlinkat,mkdir,mkdirat,ftruncate,fallocate",
    "EIO": "write,pwrite64,fsync,fdatasync,read,pread64",
    "EMFILE": "openat,openat2,socket,socketpair,pipe2,fsopen,fsmount,"
              "open_tree,memfd_create,epoll_create1,pidfd_open,dup",
    "ENOMEM": "clone,clone3,fork,vfork,mount,fsmount,socket,execve",
    "EINTR": "recvfrom,recvmsg,sendto,sendmsg,flock,wait4,waitid,poll,ppoll,"
             "epoll_wait,epoll_pwait,nanosleep,clock_nanosleep,connect,"
             "accept4,read,write",
}
STRIDE = {"kill": 9, "ENOSPC": 4, "EIO": 7, "EMFILE": 9, "ENOMEM": 1,
          "EINTR": 5}
SLEEP = ("--network", "none", IMAGE, "sleep", "1000")
EXIT7 = ("--network", "none", IMAGE, "sh", "-c", "exit 7")
# the dynamic loader's own words, before any line of ours runs
LOADER = "error while loading shared libraries"


def create(e, prefix):
    r = e.run("create", "--name", "new", *SLEEP, prefix=prefix)
    return r, r.returncode != 0 or e.states().get("new") == "created"


def run(e, prefix):
    r = e.run("run", "--rm", *EXIT7, prefix=prefix)
    return r, r.returncode != 0


def run_d(e, prefix):
    r = e.run("run", "-d", "--name", "new", *SLEEP, prefix=prefix)
    # its monitor is traced too, and may be what was hit
    return r, r.returncode != 0 or e.states().get("new") in ("running", "exited")


def run_d_rm(e, prefix):
    r = e.run("run", "-d", "--rm", "--name", "new", *EXIT7, prefix=prefix)
    e.run("wait", "new")
    return r, True


def start(e, prefix):
    e.ok("create", "--name", "s", *SLEEP)
    r = e.run("start", "s", prefix=prefix)
    return r, r.returncode != 0 or e.states().get("s") in ("running", "exited")


def stop(e, prefix):
    e.ok("run", "-d", "--name", "t", *SLEEP)
    r = e.run("stop", "-t", "0", "t", prefix=prefix)
    return r, r.returncode != 0 or e.states().get("t") == "exited"


def exec_(e, prefix):
    r = e.run("exec", "keep", "sh", "-c", "exit 7", prefix=prefix)
    return r, r.returncode != 0


def rm(e, prefix):
    e.ok("create", "--name", "m", "-v", "/anon", *SLEEP)
    r = e.run("rm", "-v", "m", prefix=prefix)
    return r, r.returncode != 0 or "m" not in e.states()


def rm_f(e, prefix):
    e.ok("run", "-d", "--name", "m", *SLEEP)
    r = e.run("rm", "-f", "-t", "0", "m", prefix=prefix)
    return r, r.returncode != 0 or "m" not in e.states()


def has_image(e):
    return e.run("image", "inspect", IMAGE).returncode == 0


def pull(e, prefix):
    e.ok("rm", "-fa", "-t", "0")
    e.ok("rmi", "-f", IMAGE)
    r = e.run("pull", "-q", IMAGE, prefix=prefix)
    told = r.returncode != 0 or has_image(e)
    e.ok("pull", "-q", IMAGE)
    return r, told


SCENARIOS = {f.__name__.rstrip("_"): f for f in (
    create, run, run_d, run_d_rm, start, stop, exec_, rm, rm_f, pull)}
# how long the processes that a command leaves are watched, in ms
LINGER = {"run_d_rm": 3000, "run": 300, "rm": 300}


def one(e, name, action, i):
    """False when the scenario has fewer than i calls."""
    log = pathlib.Path(e.dir / "inject")
    log.unlink(missing_ok=True)
    number = "0" if action == "kill" else str(getattr(errno, action))
    # keeps the user namespace: set-uid helpers do not work traced
    e.ok("run", "-d", "--name", "keep", *SLEEP)
    try:
        r, right = SCENARIOS[name](e, [INJECT, str(log), str(i), number, str(
            LINGER.get(name, 0)), CALLS[action]])
        if not right:
            raise Failure(f"said {r.returncode}, but it is not so")
        if r.returncode == 125 and "Error: " not in r.stderr:
            raise Failure(f"no reason given: {r.stderr!r}")
        if r.returncode >= 128 + 3 and action != "kill" and \
                r.returncode != 255:
            raise Failure(f"crashed: {r.returncode}")
        # the kept one must not have suffered
        if name != "pull" and e.states().get("keep") != "running":
            raise Failure("another container does not run any more")
        e.recover(blobs=name == "pull")
    except Failure as why:
        where = log.read_text().strip() if log.exists() else "nothing fired"
        raise Failure(f"{why} [{where}]") from why
    return log.exists()


def sweep(name, action, calls):
    """Counts of what passed and texts of what failed."""
    e = Engine()
    e.ok("pull", "-q", IMAGE)
    passed, failed = 0, []
    for i in calls:
        try:
            if not one(e, name, action, i):
                break
            passed += 1
        except Failure as why:
            failed.append(f"{name} {action} --at {i}: {why}")
            e.run("rm", "-fa", "-t", "0")
            e.run("pull", "-q", IMAGE)
    try:
        e.delete()
    except Failure as why:
        failed.append(f"{name} {action}, at the end: {why}")
    return passed, failed


def option(argv, name):
    if name not in argv:
        return 0
    at = argv.index(name)
    value = int(argv[at + 1])
    del argv[at:at + 2]
    return value


def main():
    argv = sys.argv[1:]
    stride, at = option(argv, "--stride"), option(argv, "--at")
    if not argv or argv[0] not in CALLS:
        sys.exit(__doc__)
    action, names = argv[0], argv[1:] or list(SCENARIOS)
    calls = range(at, at + 1) if at else \
        range(1, 5000, stride or STRIDE[action])
    began = time.monotonic()
    passed = failed = 0
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for ok, bad in pool.map(sweep, names, [action] * len(names),
                                [calls] * len(names)):
            passed += ok
            failed += len(bad)
            for text in bad:
                print("not ok", text, flush=True)
    print(f"sweep {action} of {', '.join(names)}: {passed} passed, {failed} "
          f"failed ({time.monotonic() - began:.0f} s)")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
