#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bryo beside podman, crun, bubblewrap and the floor, in one run.

usage: bench.py [--rounds N] [--binary DIR] [ROW...]

Rows: run lifecycle small parallel ps1000 running memory pull archive
(default: all).

The peers of a row take turns: A B C A B C ..., so that a machine whose speed
drifts treats them alike.  Printed: median and minimum of each in
milliseconds, and the ratio of the medians bryo/peer.  Nothing is asserted.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

ap = argparse.ArgumentParser(description=__doc__,
                             formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--rounds", type=int, default=21)
ap.add_argument("--binary", default="build-release")
ap.add_argument("rows", nargs="*")
args = ap.parse_args()

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = TOP / args.binary
WORK = pathlib.Path(tempfile.mkdtemp(prefix="bryo-bench."))
ENV = {**os.environ, "HOME": str(WORK / "home"),
       "XDG_RUNTIME_DIR": str(WORK / "run")}
for name in ("home", "run"):
    (WORK / name).mkdir(mode=0o700)
BRYO = [str(BIN / "bryo")]
PODMAN = ["podman", "--log-level=error"]
NULL = os.open("/dev/null", os.O_RDWR)
CACHE = pathlib.Path(os.environ.get("BRYO_TEST_CACHE") or
                     pathlib.Path.home() / ".cache/bryo-tests")


def sh(argv, check=True):
    r = subprocess.run(argv, env=ENV, stdin=subprocess.DEVNULL,
                       capture_output=True, text=True)
    if check and r.returncode:
        sys.exit(f"{' '.join(map(str, argv))}: {r.returncode}\n{r.stderr}")
    return r.stdout.strip()


def once(argv, want=0):
    """Milliseconds of one command, stdio on /dev/null."""
    act = [(os.POSIX_SPAWN_DUP2, NULL, i) for i in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, ENV, file_actions=act)
    _, status = os.waitpid(pid, 0)
    end = time.perf_counter()
    code = os.waitstatus_to_exitcode(status)
    if want is not None and code != want:
        sys.exit(f"{' '.join(argv)}: exit code {code}")
    return (end - start) * 1000


class Row:
    """One table line: peers take turns, the first is bryo."""

    def __init__(self, title, rounds=None):
        self.title = title
        self.peers = {}
        self.rounds = rounds or args.rounds

    def peer(self, name, argv, before=None, after=None, want=0):
        """argv may be a function of the round's number"""
        self.peers[name] = (argv, before, after, want)
        return self

    def run(self):
        times = {n: [] for n in self.peers}
        for i in range(-1, self.rounds):
            for name, (argv, before, after, want) in self.peers.items():
                if before:
                    before(i)
                t = once(argv(i) if callable(argv) else argv, want)
                if after:
                    after(i)
                if i >= 0:
                    times[name].append(t)
        report(self.title, times)


def report(title, times):
    ours = statistics.median(times["bryo"])
    cells = []
    for name, t in times.items():
        mid = statistics.median(t)
        cell = f"{name} {mid:.2f} (min {min(t):.2f})"
        if name != "bryo":
            cell += f" ratio {ours / mid:.3f} = 1/{mid / ours:.1f}"
        cells.append(cell)
    print(f"{title:34s} {'  |  '.join(cells)}", flush=True)


# ---- what the rows share ---------------------------------------------------

def layout(name):
    path = CACHE / name
    subprocess.run([sys.executable, str(TOP / "tests/images/mkimage.py"), name,
                    str(path)], check=True)
    return path


def start_registry():
    port = 5000 + os.getpid() % 1000
    pid = subprocess.run([str(TOP / "tests/images/registry.sh"),
                          str(WORK / "registry"), str(port)], check=True,
                         capture_output=True, text=True).stdout.strip()
    return int(pid), f"localhost:{port}"


def push(path, where):
    subprocess.run([sys.executable, str(TOP / "tests/images/push.py"),
                    str(path), where], check=True)


def podman_config(host):
    """Native overlay and an insecure loopback registry: podman at its best."""
    conf = WORK / "home/.config/containers"
    conf.mkdir(parents=True)
    (conf / "storage.conf").write_text('[storage]\ndriver = "overlay"\n')
    (conf / "registries.conf").write_text(
        f'[[registry]]\nlocation = "{host}"\ninsecure = true\n')
    (conf / "policy.json").write_text(
        '{"default": [{"type": "insecureAcceptAnything"}]}')
    (conf / "containers.conf").write_text(
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')


def floor_setup():
    """A rootfs tree for floor, crun and bwrap: busybox, unpacked."""
    root = WORK / "rootfs"
    root.mkdir()
    index = json.loads((CACHE / "busybox/index.json").read_text())
    blob = lambda d: CACHE / "busybox/blobs" / d.replace(":", "/")
    manifest = json.loads(blob(index["manifests"][0]["digest"]).read_text())
    for layer in manifest["layers"]:
        with tarfile.open(blob(layer["digest"])) as tar:
            for m in tar:
                m.uid = m.gid = 0
                tar.extract(m, root, set_attrs=False)
                if m.isfile() or m.isdir():
                    os.chmod(root / m.name, m.mode | 0o700)
    state = WORK / "floor"
    for name in ("upper", "work", "root"):
        (state / name).mkdir(parents=True)
    return root, state


def crun_bundle(root):
    bundle = WORK / "bundle"
    bundle.mkdir()
    sh(["sh", "-c", f"cd {bundle} && crun spec --rootless"])
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"].update(args=["/bin/true"], terminal=False)
    spec["root"] = {"path": str(root), "readonly": False}
    spec["linux"].pop("resources", None)
    spec["linux"]["namespaces"].append({"type": "network"})
    (bundle / "config.json").write_text(json.dumps(spec))
    return bundle


def drop(engine, names):
    sh(engine + ["rm", "-f", "-t", "0"] + names, check=False)


# ---- rows ------------------------------------------------------------------

def row_run(image):
    root, state = floor_setup()
    bundle = crun_bundle(root)
    hold = subprocess.Popen([str(BIN / "bench-floor"), "hold"], env=ENV,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)
    holder = hold.stdout.readline().strip()
    floor = [str(BIN / "bench-floor"), "run"]
    tail = [str(root), str(state), "/bin/true"]
    opts = ["run", "--rm", "--network", "none", image, "true"]
    row = Row("run --rm --network none IMG true")
    row.peer("bryo", BRYO + opts).peer("podman", PODMAN + opts)
    row.peer("floor", floor + [holder] + tail)
    row.peer("crun", ["crun", "run", "-b", str(bundle), "b"])
    row.peer("bwrap", ["bwrap", "--unshare-all", "--bind", str(root), "/",
                       "--proc", "/proc", "--dev", "/dev", "/bin/true"])
    row.run()

    def forget(_):
        # the holder of the user namespace goes by itself after a while
        time.sleep(12)
    row = Row("  the same, first of its user", rounds=3)
    row.peer("bryo", BRYO + opts, before=forget)
    row.peer("floor", floor + ["0"] + tail)
    row.run()
    hold.stdin.close()
    hold.wait()


def row_lifecycle(image):
    sleep = ["--network", "none", image, "sleep", "1000"]
    both = {"bryo": BRYO, "podman": PODMAN}

    def each(title, argv, before=None, after=None):
        row = Row(title)
        for name, engine in both.items():
            row.peer(name, engine + argv,
                     before and (lambda i, e=engine: before(e)),
                     after and (lambda i, e=engine: after(e)))
        row.run()

    each("run -d", ["run", "-d", "--name", "d"] + sleep,
         after=lambda e: drop(e, ["d"]))
    for e in both.values():
        sh(e + ["run", "-d", "--name", "x"] + sleep)
    each("exec C true", ["exec", "x", "true"])
    for e in both.values():
        drop(e, ["x"])
    each("create", ["create", "--name", "c"] + sleep,
         after=lambda e: drop(e, ["c"]))
    each("start", ["start", "c"],
         before=lambda e: sh(e + ["create", "--name", "c"] + sleep),
         after=lambda e: drop(e, ["c"]))
    each("stop -t0", ["stop", "-t0", "c"],
         before=lambda e: sh(e + ["run", "-d", "--name", "c"] + sleep),
         after=lambda e: drop(e, ["c"]))
    each("rm", ["rm", "c"],
         before=lambda e: sh(e + ["create", "--name", "c"] + sleep))
    each("run -d -p (private network)",
         ["run", "-d", "--name", "d", "--network", "slirp4netns", "-p",
          "127.0.0.1:18080:80", image, "sleep", "1000"],
         after=lambda e: drop(e, ["d"]))


def row_small(image):
    for argv in (["images"], ["ps"], ["inspect", image], ["version"]):
        row = Row(" ".join(argv[:1]))
        row.peer("bryo", BRYO + argv).peer("podman", PODMAN + argv).run()


def row_ps1000(image):
    for engine in (BRYO, PODMAN):
        start = time.perf_counter()
        for _ in range(1000):
            once(engine + ["create", "--network", "none", image, "true"])
        took = time.perf_counter() - start
        print(f"  {engine[0].rsplit('/', 1)[-1]}: 1000 x create: "
              f"{took:.1f} s", flush=True)
    row = Row("ps -a with 1000 containers")
    row.peer("bryo", BRYO + ["ps", "-a"]).peer("podman", PODMAN + ["ps", "-a"])
    row.run()
    row = Row("run --rm with 1000 containers", rounds=7)
    opts = ["run", "--rm", "--network", "none", image, "true"]
    row.peer("bryo", BRYO + opts).peer("podman", PODMAN + opts).run()
    for engine in (BRYO, PODMAN):
        sh(engine + ["rm", "-fa"])


def at_once(argv, n):
    """Seconds until n copies that start together have all ended well."""
    start = time.perf_counter()
    act = [(os.POSIX_SPAWN_DUP2, NULL, i) for i in (0, 1, 2)]
    pids = [os.posix_spawnp(argv[0], argv, ENV, file_actions=act)
            for _ in range(n)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids]
    took = time.perf_counter() - start
    if any(codes):
        print(f"  {argv[0]}: {sum(map(bool, codes))} of {n} failed")
    return took


def row_parallel(image):
    opts = ["run", "--rm", "--network", "none", image, "true"]
    times = {"bryo": [], "podman": []}
    for _ in range(3):
        for name, engine in (("bryo", BRYO), ("podman", PODMAN)):
            times[name].append(at_once(engine + opts, 100) * 1000)
    report("100 x run --rm at once", times)


def row_running(image):
    """1000 of bryo; podman's number would take minutes: a tenth of it."""
    for name, engine, n in (("bryo", BRYO, 1000), ("podman", PODMAN, 100)):
        opts = ["run", "-d", "--network", "none", image, "sleep", "10000"]
        first = [once(engine + opts) for _ in range(n)]
        last = first[-n // 10:]
        mons = engine_processes(("bryo-monitor", "conmon"))
        total = sum(dirty_kb(p) for p in mons)
        ps = min(once(engine + ["ps"]) for _ in range(5))
        print(f"  {name}: {n} running: {sum(first) / 1000:.1f} s to start, "
              f"first tenth {statistics.median(first[:n // 10]):.1f} ms, last "
              f"tenth {statistics.median(last):.1f} ms; monitors "
              f"{total / max(1, len(mons)):.0f} kB dirty each; ps {ps:.1f} ms",
              flush=True)
        start = time.perf_counter()
        sh(engine + ["rm", "-fa", "-t", "0"])
        print(f"  {name}: rm -fa of them "
              f"{time.perf_counter() - start:.1f} s", flush=True)


def dirty_kb(pid):
    for line in open(f"/proc/{pid}/smaps_rollup"):
        if line.startswith("Private_Dirty"):
            return int(line.split()[1])
    return 0


def private_kb(pid):
    total = 0
    for line in open(f"/proc/{pid}/smaps_rollup"):
        if line.startswith("Private_"):
            total += int(line.split()[1])
    return total


def engine_processes(words):
    """pid -> command of our processes whose program is one of words"""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            argv0 = open(f"/proc/{pid}/cmdline").read().split("\0")[0]
            comm = open(f"/proc/{pid}/comm").read().strip()
            if os.stat(f"/proc/{pid}").st_uid == os.getuid() and \
                    (comm in words or os.path.basename(argv0) in words):
                private_kb(pid)
                out[pid] = comm
        except OSError:
            continue
    return out


def row_memory(image):
    """What one more container costs: pages that a second instance of the
    same program shares are nobody's own, so one of each runs beside it."""
    words = {"bryo": ("bryo-monitor", "bryo-proxy"),
             "podman": ("conmon", "rootlessport", "exe", "rootlessport-child")}
    for title, opts in (("none", ["--network", "none"]),
                        ("ports", ["--network", "slirp4netns", "-p",
                                   "127.0.0.1:18081:80"])):
        for name, engine in (("bryo", BRYO), ("podman", PODMAN)):
            sh(engine + ["run", "-d", "--name", "beside"] +
               [o.replace("18081", "18082") for o in opts] +
               [image, "sleep", "1000"])
            before = engine_processes(words[name])
            sh(engine + ["run", "-d", "--name", "m"] + opts +
               [image, "sleep", "1000"])
            time.sleep(0.5)
            new = {p: c for p, c in engine_processes(words[name]).items()
                   if p not in before}
            parts = ", ".join(f"{c} {private_kb(p)}" for p, c in new.items())
            print(f"monitor memory, network {title:6s} {name:7s} "
                  f"{sum(private_kb(p) for p in new)} kB private ({parts})",
                  flush=True)
            drop(engine, ["m", "beside"])


def big_layout():
    """10 layers, 560 MB, 20k files, half of it compressible."""
    path = CACHE / "big"
    if (path / "index.json").exists():
        return path
    sys.path.insert(0, str(TOP / "tests/images"))
    import mkimage
    rng = random.Random(1)
    text = rng.randbytes(1 << 20).hex().encode()
    layers = []
    for n in range(10):
        layer = mkimage.Layer()
        for d in range(20):
            layer.dir(f"data{n}/d{d}")
            for f in range(100):
                size = 28 * 1024
                if f % 2:
                    at = rng.randrange(len(text) - size)
                    data = text[at:at + size]
                else:
                    data = rng.randbytes(size)
                layer.file(f"data{n}/d{d}/f{f}", data)
        layers.append(layer)
    mkimage.Layout(path).image("big", layers, {"Cmd": ["true"]})
    return path


def many_layout():
    """1 layer, 100k files of 1.8 kB in 500 directories."""
    path = CACHE / "many"
    if (path / "index.json").exists():
        return path
    sys.path.insert(0, str(TOP / "tests/images"))
    import mkimage
    rng = random.Random(2)
    text = rng.randbytes(1 << 16).hex().encode()
    layer = mkimage.Layer()
    for d in range(500):
        layer.dir(f"many/d{d}")
        for f in range(200):
            at = rng.randrange(len(text) - 1800)
            layer.file(f"many/d{d}/f{f}", text[at:at + 1800])
    mkimage.Layout(path).image("many", [layer], {"Cmd": ["true"]})
    return path


ENGINES = (("bryo", BRYO), ("podman", PODMAN))


def pull_row(title, image, rounds):
    row = Row("pull, " + title, rounds=rounds)
    for name, engine in ENGINES:
        row.peer(name, engine + ["pull", "-q", image],
                 after=lambda i, e=engine: (sh(e + ["rmi", image]),
                                            time.sleep(2)))
    row.run()


def row_pull(host):
    for name, make, title in (
            ("big", big_layout, "10 layers 560 MB 20k files"),
            ("many", many_layout, "1 layer 100k files")):
        push(make(), f"{host}/{name}")
        pull_row(title, f"{host}/{name}", 3)
    pull_row("busybox 2 MB", f"{host}/busybox", args.rounds)
    for name, engine in ENGINES:
        sh(engine + ["pull", "-q", f"{host}/busybox"])


def row_archive(host):
    """save, load, commit, rmi of the image with ten layers"""
    push(big_layout(), f"{host}/big")
    image = f"{host}/big"
    tars = {name: WORK / f"{name}.tar" for name, _ in ENGINES}
    save, load, rmi, commit = (
        Row("save, docker-archive 560 MB", rounds=2),
        Row("load, docker-archive 560 MB", rounds=2),
        Row("rmi, 560 MB", rounds=2), Row("commit, 20 MB 2000 files", rounds=3))
    for name, engine in ENGINES:
        sh(engine + ["pull", "-q", image])
        tar = tars[name]
        save.peer(name, engine + ["save", "-q", "-o", str(tar), image],
                  before=lambda i, t=tar: t.unlink(missing_ok=True))
        load.peer(name, engine + ["load", "-q", "-i", str(tar)],
                  before=lambda i, e=engine: (sh(e + ["rmi", image]),
                                              time.sleep(2)))
        rmi.peer(name, engine + ["rmi", image],
                 after=lambda i, e=engine, t=tar: (
                     time.sleep(2), sh(e + ["load", "-q", "-i", str(t)])))
        sh(engine + ["run", "--name", "wrote", "--network", "none",
                     f"{host}/busybox", "sh", "-c",
                     "mkdir /w; i=0; while [ $i -lt 2000 ]; do"
                     " head -c 10240 /dev/urandom >/w/$i;"
                     " i=$((i+1)); done"])
        commit.peer(name, engine + ["commit", "-q", "wrote"])
    for row in (save, load, rmi, commit):
        row.run()
    for name, engine in ENGINES:
        sh(engine + ["rm", "wrote"])
        sh(engine + ["rmi", image])


def main():
    rows = args.rows or ["run", "lifecycle", "small", "parallel", "ps1000",
                         "running", "memory", "pull", "archive"]
    layout("busybox")
    registry, host = start_registry()
    try:
        image = f"{host}/busybox"
        push(CACHE / "busybox", image)
        podman_config(host)
        for engine in (BRYO, PODMAN):
            sh(engine + ["pull", "-q", image])
        load = os.getloadavg()[0]
        print(f"{os.cpu_count()} cpus, load {load:.2f}, "
              f"{os.uname().release}, {args.rounds} rounds, milliseconds")
        for name in rows:
            globals()["row_" + name](
                host if name in ("pull", "archive") else image)
    finally:
        for engine in (BRYO, PODMAN):
            sh(engine + ["rm", "-fa", "-t", "0"], check=False)
        os.kill(registry, 15)
        subprocess.run([sys.executable, str(TOP / "tests/setup/in-userns.py"),
                        "rm", "-rf", str(WORK)], check=False)


main()
