#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bryo beside podman, crun, bubblewrap, skopeo, umoci and the floor, in one run.

usage: bench.py [--rounds N] [--binary DIR] [--dir DIR] [ROW...]

Rows: run lifecycle small parallel ps1000 running memory pull push rmi archive
commit (default: all).

The peers of a row take turns: A B C A B C ..., so that a machine whose speed
drifts treats them alike.  Printed: median and minimum of each in
milliseconds, the median of the processor time it took (its own and that of
children it waited for), and the ratio of the medians bryo/peer.  Nothing is
asserted.  --dir says where stores and registries are: on a memory file system
the engines are measured and not the disk that they share.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
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
ap.add_argument("--dir", default=None)
ap.add_argument("rows", nargs="*")
args = ap.parse_args()

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = TOP / args.binary
WORK = pathlib.Path(tempfile.mkdtemp(prefix="bryo-bench.", dir=args.dir))
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


def measure(argv, want=0):
    """Milliseconds of one command on the clock and of the processors, stdio
    on /dev/null."""
    act = [(os.POSIX_SPAWN_DUP2, NULL, i) for i in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, ENV, file_actions=act)
    _, status, usage = os.wait4(pid, 0)
    end = time.perf_counter()
    code = os.waitstatus_to_exitcode(status)
    if want is not None and code != want:
        sys.exit(f"{' '.join(argv)}: exit code {code}")
    return (end - start) * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def once(argv, want=0):
    """Milliseconds on the clock"""
    return measure(argv, want)[0]


class Row:
    """One table line: peers take turns, the first is bryo."""

    def __init__(self, title, rounds=None):
        self.title = title
        self.peers = {}
        self.rounds = rounds or args.rounds

    def peer(self, name, argv, before=None, after=None, want=0, rounds=None):
        """argv may be a function of the round's number; @rounds: fewer, for
        the slow"""
        self.peers[name] = (argv, before, after, want, rounds)
        return self

    def run(self):
        times = {n: [] for n in self.peers}
        cpu = {n: [] for n in self.peers}
        for i in range(-1, self.rounds):
            for name, peer in self.peers.items():
                argv, before, after, want, rounds = peer
                if rounds and not 0 <= i < rounds:
                    continue
                if before:
                    before(i)
                t, used = measure(argv(i) if callable(argv) else argv, want)
                if after:
                    after(i)
                if i >= 0:
                    times[name].append(t)
                    cpu[name].append(used)
        report(self.title, times, cpu)


def report(title, times, cpu=None):
    ours = statistics.median(times["bryo"])
    cells = []
    for name, t in times.items():
        mid = statistics.median(t)
        cell = f"{name} {mid:.2f} (min {min(t):.2f}"
        cell += f", cpu {statistics.median(cpu[name]):.1f})" if cpu else ")"
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


def start_registry(name, nth):
    port = 5000 + os.getpid() % 1000 + 1000 * nth
    pid = subprocess.run([str(TOP / "tests/images/registry.sh"),
                          str(WORK / name), str(port)], check=True,
                         capture_output=True, text=True).stdout.strip()
    return int(pid), f"localhost:{port}"


def empty_registry(name):
    """It keeps nothing in memory."""
    shutil.rmtree(WORK / name / "data", ignore_errors=True)


def push(path, where):
    subprocess.run([sys.executable, str(TOP / "tests/images/push.py"),
                    str(path), where], check=True)


def podman_config(hosts):
    """Native overlay and insecure loopback registries: podman at its best.
    skopeo reads the same files."""
    conf = WORK / "home/.config/containers"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "storage.conf").write_text('[storage]\ndriver = "overlay"\n')
    (conf / "registries.conf").write_text("".join(
        f'[[registry]]\nlocation = "{h}"\ninsecure = true\n'
        for h in hosts))
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


def small_layout():
    """3 layers, 5 MB, 60 files: what most small images are like."""
    path = CACHE / "small5"
    if (path / "index.json").exists():
        return path
    sys.path.insert(0, str(TOP / "tests/images"))
    import mkimage
    rng = random.Random(3)
    layers = []
    for n in range(3):
        layer = mkimage.Layer()
        layer.dir(f"small{n}")
        for f in range(20):
            text = rng.randbytes(45 * 1024)
            layer.file(f"small{n}/f{f}", text + text.hex().encode()[:45000])
        layers.append(layer)
    mkimage.Layout(path).image("small5", layers, {"Cmd": ["true"]})
    return path


ENGINES = (("bryo", BRYO), ("podman", PODMAN))
IMAGES = (("big", big_layout, "10 layers 560 MB 20k files", 3),
          ("many", many_layout, "1 layer 100k files", 3),
          ("small5", small_layout, "5 MB", None))


def in_userns(*argv):
    """Files of subordinate ids go only where these are mapped."""
    subprocess.run([sys.executable, str(TOP / "tests/setup/in-userns.py"),
                    *map(str, argv)], env=ENV, check=True)


def unpackers(row, ref, rounds):
    """Those that fetch and unpack but run nothing."""
    store = WORK / "skopeo"
    oci, bundle = WORK / "oci", WORK / "bundle-umoci"
    row.peer("skopeo", ["skopeo", "copy", "-q", f"docker://{ref}",
                        f"containers-storage:[overlay@{store}/g+{store}/r]"
                        "x/y:latest"],
             after=lambda i: in_userns("rm", "-rf", store), rounds=rounds)
    row.peer("umoci", ["sh", "-c", f"skopeo copy -q docker://{ref} oci:{oci}:x"
                       f" && umoci unpack --rootless --image {oci}:x {bundle}"],
             after=lambda i: in_userns("rm", "-rf", oci, bundle),
             rounds=rounds)


def remove(engine, image):
    """and wait until the files that bryo deletes later are gone: nobody is
    to be measured while another's deletions go on"""
    sh(engine + ["rmi", image])
    trash = WORK / "home/.local/share/bryo/trash"
    while trash.is_dir() and any(trash.iterdir()):
        time.sleep(0.1)


def row_pull(host):
    for name, make, title, rounds in IMAGES:
        image = f"{host}/{name}"
        push(make(), image)
        row = Row("pull, " + title, rounds=rounds)
        for peer, engine in ENGINES:
            row.peer(peer, engine + ["pull", "-q", image],
                     after=lambda i, e=engine: remove(e, image))
        unpackers(row, image, 1 if rounds else 5)
        row.run()


def plain_push(path, where):
    """The blobs of a directory with curl, two at a time, and nothing else:
    what the registry itself takes."""
    script = WORK / "plain-push"
    script.write_text("""
        where=$(curl -fsS -o /dev/null -D - -X POST "$1/blobs/uploads/" |
            tr -d '\\r' | sed -n 's/^Location: //Ip')
        curl -fsS -o /dev/null -T "$2" -H Expect: "$where&digest=sha256:${2##*/}"
        """)
    host, _, repo = where.partition("/")
    return ["sh", "-c", f"ls {path}/blobs/sha256/* | xargs -n 1 -P 2 "
            f"sh -e {script} http://{host}/v2/{repo}"]


def row_push(host):
    """What was pulled, to a registry that has nothing; skopeo sends the blobs
    of a directory as they are."""
    pid, other = start_registry("other", 1)
    podman_config((host, other))
    try:
        for name, make, title, rounds in IMAGES:
            image = f"{host}/{name}"
            push(make(), image)
            row = Row("push, " + title, rounds=rounds)

            def empty(_):
                empty_registry("other")

            for peer, engine in ENGINES:
                sh(engine + ["pull", "-q", image])
                row.peer(peer, engine + ["push", "-q", image,
                                         f"{other}/{name}"], before=empty)
            row.peer("skopeo", ["skopeo", "copy", "-q",
                                f"oci:{CACHE / name}",
                                f"docker://{other}/{name}"], before=empty)
            row.peer("curl", plain_push(CACHE / name, f"{other}/{name}"),
                     before=empty)
            row.run()
            for _, engine in ENGINES:
                remove(engine, image)
    finally:
        os.kill(pid, 15)


def row_rmi(host):
    """Right after it was pulled"""
    for name, make, title, rounds in IMAGES:
        image = f"{host}/{name}"
        push(make(), image)
        row = Row("rmi, " + title, rounds=rounds)
        for peer, engine in ENGINES:
            row.peer(peer, engine + ["rmi", image],
                     before=lambda i, e=engine: sh(e + ["pull", "-q", image]),
                     after=lambda i: time.sleep(1))
        row.run()


def own_store(name, i):
    """A store of its own for each round: ext4 does not use inodes again that
    were freed in the last minute, and looks at each of them first."""
    store = WORK / "stores" / f"{name}.{i}"
    argv = ["--root", str(store / "g"), "--runroot", str(store / "r")]
    return BRYO + argv if name == "bryo" else \
        PODMAN + argv + ["--storage-driver", "overlay"]


def save_row(title, form, name, image):
    """skopeo reads the same blobs from an OCI layout"""
    tars = {n: WORK / f"{n}.{form}.tar" for n in ("bryo", "podman", "skopeo")}
    argvs = {n: e + ["save", "-q", "--format", form, "-o", str(tars[n]), image]
             for n, e in ENGINES}
    argvs["skopeo"] = ["skopeo", "copy", "-q", f"oci:{CACHE / name}",
                       f"{form}:{tars['skopeo']}:x/y:latest"]
    row = Row(f"save, {form} {title}", rounds=3)
    for peer, argv in argvs.items():
        row.peer(peer, argv,
                 before=lambda i, t=tars[peer]: t.unlink(missing_ok=True))
    row.run()
    tars["skopeo"].unlink()
    return tars


def load_row(title, form, tars):
    row = Row(f"load, {form} {title}", rounds=2)
    for peer, _ in ENGINES:
        row.peer(peer, lambda i, p=peer: own_store(p, i) + [
            "load", "-q", "-i", str(tars[p])])
    row.run()
    in_userns("rm", "-rf", WORK / "stores")
    for tar in tars.values():
        tar.unlink(missing_ok=True)


def row_archive(host):
    """save and load, where save inflates and where it copies"""
    for name, make, title, _ in IMAGES[:2]:
        image = f"{host}/{name}"
        push(make(), image)
        for _, engine in ENGINES:
            sh(engine + ["pull", "-q", image])
        for form in ("docker-archive", "oci-archive"):
            load_row(title, form, save_row(title, form, name, image))
        for _, engine in ENGINES:
            remove(engine, image)


def change_files(engine, name, i):
    """Something new in each round, or the layer is there already"""
    (WORK / "new").write_text(f"{name} {i}")
    sh(engine + ["cp", str(WORK / "new"), f"{name}:/new"])


def row_commit(host):
    for title, n, size in (("20 MB 2000 files", 2000, 10 << 10),
                           ("300 MB 40 files", 40, 7500 << 10)):
        tree = WORK / "tree"
        tree.mkdir()
        for i in range(n):
            half = os.urandom(size // 2)
            (tree / str(i)).write_bytes(half + half.hex().encode()[:size // 2])
        row = Row("commit, " + title, rounds=5)
        for name, engine in ENGINES:
            sh(engine + ["create", "--name", "wrote", f"{host}/busybox",
                         "true"])
            sh(engine + ["cp", str(tree), "wrote:/tree"])
            row.peer(name, engine + ["commit", "-q", "wrote"],
                     before=lambda i, e=engine: change_files(e, "wrote", i))
        row.run()
        for name, engine in ENGINES:
            sh(engine + ["rm", "wrote"])
        shutil.rmtree(tree)


def main():
    rows = args.rows or ["run", "lifecycle", "small", "parallel", "ps1000",
                         "running", "memory", "pull", "push", "rmi",
                         "archive", "commit"]
    layout("busybox")
    registry, host = start_registry("registry", 0)
    try:
        image = f"{host}/busybox"
        push(CACHE / "busybox", image)
        podman_config((host,))
        for engine in (BRYO, PODMAN):
            sh(engine + ["pull", "-q", image])
        load = os.getloadavg()[0]
        print(f"{os.cpu_count()} cpus, load {load:.2f}, "
              f"{os.uname().release}, {args.rounds} rounds, milliseconds")
        of_registry = ("pull", "push", "rmi", "archive", "commit")
        for name in rows:
            globals()["row_" + name](host if name in of_registry else image)
    finally:
        for engine in (BRYO, PODMAN):
            sh(engine + ["rm", "-fa", "-t", "0"], check=False)
        os.kill(registry, 15)
        subprocess.run([sys.executable, str(TOP / "tests/setup/in-userns.py"),
                        "rm", "-rf", str(WORK)], check=False)


main()
