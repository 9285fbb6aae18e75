#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: sweep.py kill|ENOSPC|EIO|EMFILE|ENOMEM|EINTR [SCENARIO...]

The system-call sweep: a scenario runs under strace, which in the i-th run
kills the process at its i-th write-class call, or lets that call fail; for
i = 1, 2, ... until nothing fires any more.  After each run the engine must
recover (see engine.py).  Needs no cooperation of the code under test.
"""
import re
import sys
import tempfile

from engine import IMAGE, Engine, Failure

CALLS = ("write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,"
         "linkat,symlinkat,unlink,unlinkat,mkdir,mkdirat,mount,move_mount,"
         "fsmount,fsconfig,clone,clone3,ftruncate,fchmod,fallocate,sendmsg,"
         "openat,socket,pipe2")
SLEEP = ("--network", "none", IMAGE, "sleep", "1000")
STRIDE_LIMIT = 400


def run(e, prefix):
    return e.run("run", "--rm", "--network", "none", IMAGE, "true",
                 prefix=prefix)


def run_d(e, prefix):
    return e.run("run", "-d", "--name", "f", *SLEEP, prefix=prefix)


def rm(e, prefix):
    e.ok("create", "--name", "m", "-v", "/anon", *SLEEP)
    return e.run("rm", "-v", "m", prefix=prefix)


def create(e, prefix):
    return e.run("create", "--name", "c", *SLEEP, prefix=prefix)


SCENARIOS = {"create": create, "run": run, "run_d": run_d, "rm": rm}


def inject(action, i, log):
    what = "signal=KILL" if action == "kill" else f"error={action}"
    return ["strace", "-f", "-qq", "-o", log, "-e", f"trace={CALLS}", "-e",
            f"inject={CALLS}:{what}:when={i}"]


def fired(action, log):
    text = open(log, errors="replace").read()
    return "killed by SIGKILL" in text if action == "kill" else \
        "(INJECTED)" in text


def main():
    action = sys.argv[1]
    e = Engine()
    e.ok("pull", "-q", IMAGE)
    passed = failed = 0
    for name in sys.argv[2:] or SCENARIOS:
        i, step = 1, 1
        while i < STRIDE_LIMIT:
            # keeps the user namespace: set-uid helpers do not work traced
            e.ok("run", "-d", "--name", "keep", *SLEEP)
            with tempfile.NamedTemporaryFile() as log:
                try:
                    r = SCENARIOS[name](e, inject(action, i, log.name))
                    if not fired(action, log.name):
                        e.recover()
                        break
                    if r.returncode and action != "kill" and \
                            not re.search("Error: |level=", r.stderr):
                        raise Failure(f"no reason given: {r.stderr!r}")
                    e.recover()
                    passed += 1
                except Failure as why:
                    failed += 1
                    print(f"not ok {name} call {i} {action}: {why}", flush=True)
                    e.run("rm", "-fa", "-t", "0")
            # dense at first, then every third: the cost is a run each
            step = 1 if i < 40 else 3
            i += step
        print(f"# {name} {action}: up to call {i}", flush=True)
    e.delete()
    print(f"sweep {action}: {passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


main()
