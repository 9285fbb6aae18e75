# SPDX-License-Identifier: Apache-2.0
"""What the fault tests share: an engine of their own and its checks."""
import os
import pathlib
import subprocess
import tempfile
import time

import checker

HERE = pathlib.Path(__file__).resolve().parent
BRYO = os.environ.get("BRYO") or os.environ["BRYO_BUILD"] + "/bryo"
IMAGE = os.environ.get("BUSYBOX") or \
    f"localhost:{os.environ['REGISTRY_PORT']}/busybox"
# recovery after a crash is quick, also on a loaded machine
RECOVERY_S = 100  # on a busy machine


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
        self.faulted = []   # what was run with a fault
        self.data = self.dir / "data/bryo"
        self.run_dir = self.dir / "run/bryo"

    def run(self, *argv, fault=None, prefix=(), timeout=120):
        env = dict(self.env)
        if fault:
            self.faulted.append(argv)
            env["BRYO_FAULT"] = fault
            env["BRYO_FAULT_LOG"] = str(self.dir / "faults")
        # A file, no pipe: a background child must not keep us waiting.
        with tempfile.TemporaryFile("w+", errors="replace") as out, \
                tempfile.TemporaryFile("w+", errors="replace") as err:
            p = subprocess.Popen([*prefix, BRYO, *argv], env=env, stdout=out,
                                 stderr=err, stdin=subprocess.DEVNULL)
            try:
                p.wait(timeout)
            except subprocess.TimeoutExpired as e:
                p.kill()
                p.wait()
                raise Failure(f"bryo {' '.join(argv)} hangs ({fault})") from e
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(argv, p.returncode, out.read(),
                                               err.read())

    def ok(self, *argv, **kw):
        r = self.run(*argv, **kw)
        if r.returncode:
            raise Failure(f"bryo {' '.join(argv)}: {r.returncode}: {r.stderr}")
        return r.stdout.strip()

    def points(self):
        """The fault points that commands passed since the last call."""
        path = self.dir / "faults"
        if not path.exists():
            return []
        text = path.read_bytes()[4:].replace(b"\0", b"").decode()
        path.unlink()
        return text.split()

    def states(self):
        """Names of all containers with their states."""
        text = self.ok("ps", "-a", "--format", "{{.Names}} {{.State}}")
        return dict(line.split() for line in text.splitlines())

    def healed(self):
        """No command is at work, so none may seem to be."""
        end = time.monotonic() + 60
        while True:
            text = self.ok("ps", "-a", "--format", "{{.Names}} {{.Status}}")
            left = [x for x in text.splitlines() if x.split(None, 1)[-1] in (
                "Creating", "Starting", "Removing", "Stopping")]
            if not left:
                return
            if time.monotonic() > end:
                raise Failure(f"does not heal: {left}")
            time.sleep(0.02)

    def unless_gone(self, *argv):
        """What a --rm container answers whose monitor removes it just now."""
        r = self.run(*argv)
        if r.returncode and "no such" not in r.stderr:
            raise Failure(f"bryo {' '.join(argv)}: {r.returncode}: {r.stderr}")
        return r.stdout.strip()

    def recover(self, blobs=False):
        """Every state that a crash may leave can be listed and removed."""
        start = time.monotonic()
        self.healed()
        for i in self.ok("ps", "-aq", "--no-trunc").split():
            state = self.unless_gone("inspect", "--format",
                                     "{{.State.Status}}", i)
            if state in ("exited", "created"):
                self.unless_gone("wait", i)
        self.ok("rm", "-fav", "-t", "0")
        if time.monotonic() - start > RECOVERY_S:
            raise Failure(f"recovery took more than {RECOVERY_S} s")
        if left := self.ok("ps", "-aq"):
            raise Failure(f"rm -fa left containers: {left}")
        self.check(blobs=blobs, removed=True)

    def check(self, **kw):
        if found := checker.check(self.data, self.run_dir, **kw):
            raise Failure("checker: " + "; ".join(found))

    def delete(self):
        self.run("rm", "-fa", "-t", "0")
        try:
            self.check(empty=True)
        finally:
            subprocess.run([str(HERE.parent / "setup/in-userns.py"), "rm",
                            "-rf", str(self.dir)], check=False)
