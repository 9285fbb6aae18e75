# SPDX-License-Identifier: Apache-2.0
"""What the fault tests share: an engine of their own and its checks."""
import os
import pathlib
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BRYO = os.environ.get("BRYO") or os.environ["BRYO_BUILD"] + "/bryo"
IMAGE = os.environ.get("BUSYBOX") or \
    f"localhost:{os.environ['REGISTRY_PORT']}/busybox"


class Failure(Exception):
    pass


class Engine:
    """Data and run directory of one series of faults."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bryo."))
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("BRYO_F")}
        for key, name in (("HOME", "home"), ("XDG_RUNTIME_DIR", "run"),
                          ("XDG_DATA_HOME", "data")):
            path = self.dir / name
            path.mkdir(mode=0o700)
            self.env[key] = str(path)

    def run(self, *argv, fault=None, prefix=(), timeout=30):
        env = dict(self.env)
        if fault:
            env["BRYO_FAULT"] = fault
        try:
            r = subprocess.run([*prefix, BRYO, *argv], env=env, timeout=timeout,
                               stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, errors="replace")
        except subprocess.TimeoutExpired as e:
            raise Failure(f"bryo {' '.join(argv)} hangs ({fault})") from e
        return r

    def ok(self, *argv, **kw):
        r = self.run(*argv, **kw)
        if r.returncode:
            raise Failure(f"bryo {' '.join(argv)}: {r.returncode}: {r.stderr}")
        return r.stdout.strip()

    def unless_gone(self, *argv):
        """What a --rm container answers whose monitor removes it just now."""
        r = self.run(*argv)
        if r.returncode and "no such" not in r.stderr:
            raise Failure(f"bryo {' '.join(argv)}: {r.returncode}: {r.stderr}")
        return r.stdout.strip()

    def recover(self):
        """Every state that a crash may leave can be listed and removed."""
        listed = self.ok("ps", "-aq", "--no-trunc").split()
        for i in listed:
            self.unless_gone("inspect", i)
        start = time.monotonic()
        for i in listed:
            state = self.unless_gone("inspect", "--format",
                                     "{{.State.Status}}", i)
            if state in ("exited", "created"):
                self.unless_gone("wait", i)
        self.ok("rm", "-fa", "-t", "0")
        if time.monotonic() - start > 10:
            raise Failure("recovery took more than 10 s")
        if self.ok("ps", "-aq"):
            raise Failure("rm -fa left containers")
        self.check()

    def check(self, *more):
        r = subprocess.run([str(HERE / "checker.py"), "--data",
                            self.env["XDG_DATA_HOME"] + "/bryo", "--run",
                            self.env["XDG_RUNTIME_DIR"] + "/bryo", *more],
                           capture_output=True, text=True)
        if r.returncode:
            raise Failure(f"checker: {r.stdout}{r.stderr}")

    def delete(self):
        self.run("rm", "-fa", "-t", "0")
        self.check("--empty")
        subprocess.run([str(HERE.parent / "setup/in-userns.py"), "rm", "-rf",
                        str(self.dir)], check=False)
