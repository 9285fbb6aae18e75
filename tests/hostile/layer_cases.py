#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: layer_cases.py GROUP...

Hostile layers against bryo-layer, by way of layer-tool.  Run as root of a
user namespace with subuids (tests/setup/in-userns.py).  Each case unpacks
one layer into an empty staging directory that has a canary tree beside it;
whatever the outcome, the canary has to be as it was, no process may be left
and memory and time are bounded.  Prints what failed; exit status 1 then.
"""
import ctypes
import errno
import gzip
import hashlib
import io
import os
import re
import select
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mkimg  # noqa: E402
from mkimg import BLOCKDEV, CHAR, DIR, FIFO, FILE, LINK, SYMLINK, Tar  # noqa: E402

TOOL = os.path.join(os.environ.get("BRYO_BUILD", "build"), "layer-tool")
LOOSE = "HOSTILE_LOOSE" in os.environ	# sanitizers: slow and large
RSS_MAX = 128 * 1000 * 1000 // 1024
WORK = tempfile.mkdtemp(prefix="bryo-hostile-")
STAGING = os.path.join(WORK, "staging")
CANARY = os.path.join(WORK, "canary")
USED = tempfile.mkdtemp(prefix="bryo-hostile-used-") + "/staging"
SECRET = hashlib.sha256(os.urandom(16)).hexdigest()
LIBC = ctypes.CDLL(None, use_errno=True)
SYS_OPENAT2 = 437
groups = {}


class Failed(Exception):
    pass


# ---- the tree around ---------------------------------------------------------

def snapshot(top):
    """Everything about a tree that an escape could change."""
    out = {}
    for where, dirs, files in os.walk(top):
        for name in sorted(dirs + files) + ["."]:
            path = os.path.normpath(os.path.join(where, name))
            st = os.lstat(path)
            data = ""
            if stat.S_ISREG(st.st_mode):
                data = hashlib.sha256(open(path, "rb").read()).hexdigest()
            elif stat.S_ISLNK(st.st_mode):
                data = os.readlink(path)
            xattrs = [(x, os.getxattr(path, x, follow_symlinks=False))
                      for x in os.listxattr(path, follow_symlinks=False)]
            out[path] = (st.st_mode, st.st_uid, st.st_gid, st.st_nlink,
                         st.st_size, st.st_mtime_ns, data, xattrs)
    return out


def make_canary():
    os.makedirs(CANARY + "/dir")
    for name, text in (("secret", SECRET), ("victim", "victim\n"),
                       ("dir/file", "file\n")):
        with open(os.path.join(CANARY, name), "w") as f:
            f.write(text)


def fresh_staging():
    """An empty one.  The last is kept aside: ext4 does not reuse inodes that
    were freed a moment ago, and looks at each of them for every new file."""
    if os.path.lexists(STAGING):
        counts[1] += 1
        os.rename(STAGING, "%s-%d" % (USED, counts[1]))
    os.mkdir(STAGING, 0o700)


def remove(path):
    subprocess.run(["rm", "-rf", path], check=True)


def beside():
    """Names next to the staging directory: nothing may appear there."""
    return sorted(os.listdir(WORK))


class Result:
    def __init__(self, code, out, err, wall):
        self.code, self.err, self.wall = code, err, wall
        self.values, self.implied = {}, []
        for line in out.splitlines():
            key, _, value = line.partition("=")
            if key == "implied":
                self.implied.append(value)
            else:
                self.values[key] = value
        self.rss_kb = int(self.values.get("rss_kb", "0"))
        # of the processor: how long it takes depends on who else is there
        self.seconds = int(self.values.get("cpu_ms", "0")) / 1000


shim = [False]


def deny_openat2():
    """As on a kernel without it: openat2(2) fails with ENOSYS."""
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x20, 0, 0, 0), (0x15, 0, 1, SYS_OPENAT2), (0x06, 0, 0, 0x50000 | 38),
        (0x06, 0, 0, 0x7fff0000)))
    buf = ctypes.create_string_buffer(code)
    prog = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buf))
    if LIBC.prctl(38, 1, 0, 0, 0) or LIBC.prctl(22, 2, prog):
        os._exit(99)


def apply(layer, args=(), feed=None):
    """Unpack @layer (bytes, or an open file) and measure."""
    start = time.monotonic()
    stdin = layer if hasattr(layer, "fileno") else subprocess.PIPE
    p = subprocess.Popen([TOOL, "unpack", STAGING, *args], stdin=stdin,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         preexec_fn=deny_openat2 if shim[0] else None)
    if stdin == subprocess.PIPE:
        try:
            p.stdin.write(layer)
            p.stdin.close()
        except BrokenPipeError:
            pass
    out = p.stdout.read()
    err = p.stderr.read()
    code = p.wait()
    return Result(code, out.decode("utf-8", "replace"),
                  err.decode("utf-8", "replace"), time.monotonic() - start)


# ---- one case ----------------------------------------------------------------

MODES = {"overlay": (), "plain": ("format=plain",), "single": ("single_id=1",)}


def check_common(r, before, names, max_seconds):
    if snapshot(CANARY) != before:
        raise Failed("the canary tree was changed")
    if beside() != names:
        raise Failed("new names beside the staging directory: %s" % beside())
    if SECRET in r.err:
        raise Failed("the secret is in the message")
    if r.rss_kb > RSS_MAX and not LOOSE:
        raise Failed("used %d kB" % r.rss_kb)
    if r.seconds > max_seconds and not LOOSE:
        raise Failed("needed %.1f s" % r.seconds)
    if r.wall > 120:
        raise Failed("took %.1f s" % r.wall)
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", r.err):
        raise Failed("control bytes in the message: %r" % r.err)
    if r.code not in (0, 1):
        raise Failed("exit status %d: %s" % (r.code, r.err))
    if r.code and r.err.count("\n") != 1:
        raise Failed("not one line: %r" % r.err)


def secret_unseen():
    def opener(name, flags):
        return os.open(name, flags, dir_fd=fd)

    for where, _, files, fd in os.fwalk(STAGING):
        for name in files[:1000]:
            st = os.lstat(name, dir_fd=fd)
            if stat.S_ISREG(st.st_mode) and st.st_size < 1 << 20:
                with open(name, "rb", opener=opener) as f:
                    is_true("secret in " + name, SECRET.encode() not in f.read())


def expect(name, layer, reject=None, check=None, modes=("overlay", "plain", "single"),
           args=(), max_seconds=15):
    """@reject: a pattern of the error; None: it has to work, then @check(r)"""
    if isinstance(layer, Tar):
        layer = layer.bytes()
    for mode in modes:
        fresh_staging()
        before, names = snapshot(CANARY), beside()
        try:
            r = apply(layer, MODES[mode] + tuple(args))
            check_common(r, before, names, max_seconds)
            secret_unseen()
            if reject is None and r.code:
                raise Failed("refused: " + r.err.strip())
            if reject is not None and not r.code:
                raise Failed("accepted")
            if reject is not None and not re.search(reject, r.err):
                raise Failed("wrong reason: " + r.err.strip())
            if check:
                r.mode = mode
                check(r)
        except Failed as e:
            failures.append("%s [%s%s]: %s" % (name, mode, ", no openat2" * shim[0], e))
        counts[0] += 1


def tolerant(name, layer, check=None, max_seconds=15):
    """Accepted or refused, both are fine: the surroundings count, and @check
    when it was accepted."""
    fresh_staging()
    before, names = snapshot(CANARY), beside()
    counts[0] += 1
    try:
        r = apply(layer)
        check_common(r, before, names, max_seconds)
        secret_unseen()
        if check and not r.code:
            check(r)
    except Failed as e:
        failures.append("%s: %s" % (name, e))


sys.setrecursionlimit(20000)
failures, counts = [], [0, 0]	# cases, staging directories


def there(*names):
    """A check: these names exist below the staging directory."""
    def check(r):
        for name in names:
            if not os.path.lexists(os.path.join(STAGING, name)):
                raise Failed("%s is missing" % name)
    return check


def absent(*names):
    def check(r):
        for name in names:
            if os.path.lexists(os.path.join(STAGING, name)):
                raise Failed("%s is there" % name)
    return check


def content(name, data):
    def check(r):
        with open(os.path.join(STAGING, name), "rb") as f:
            if f.read() != data:
                raise Failed("%s has other content" % name)
    return check


def both(*checks):
    def check(r):
        for c in checks:
            c(r)
    return check


def is_true(what, condition):
    if not condition:
        raise Failed(what)


def group(fn):
    groups[fn.__name__.replace("_", "-").upper()] = fn
    return fn


# ---- TAR-01: names -----------------------------------------------------------

@group
def tar_01():
    for name in ("../../canary/x", "a/../../x", "./../x", "a//../..", "..",
                 "a/..", "/..", "../", "a/../b", "x/../../../canary/victim"):
        expect("name " + name, Tar().file(name), reject=r"'\.\.' component")
        expect("dir " + name, Tar().dir(name), reject=r"'\.\.' component")
    expect("absolute", Tar().file("/canary/x"), check=there("canary/x"))
    expect("absolute canary", Tar().file(CANARY + "/victim", b"!"),
           check=content(CANARY[1:] + "/victim", b"!"))
    expect("slashes", Tar().file("//a///./b/.//c"), check=there("a/b/c"))
    expect("root", Tar().dir("./", mode=0o711).file("x"),
           check=lambda r: is_true("mode of the root", os.stat(STAGING).st_mode & 0o777 == 0o711))
    expect("dot file", Tar().file("."), reject="root is not a directory")
    expect("empty name", Tar().file(""), reject="name is empty|no readable name")
    expect("empty pax path", Tar().add("x", FILE, b"x", {"path": ""}),
           check=absent("canary"))
    # the name ends at the NUL, as for every C program
    expect("NUL in pax path", Tar().add("x", FILE, b"x", {"path": b"a\0/../../canary/x"}),
           check=there("a"))
    long = "/".join(["a" * 63] * 64)
    expect("4096 bytes", Tar().file(long + "b"), reject="longer than 4095")
    expect("4095 bytes", Tar().file(long), check=there(long[:1023]))
    expect("64 KiB", Tar().file("a/" * 32768 + "b"), reject="longer than")
    expect("64 KiB gnu", Tar().raw(mkimg.gnu_long("a/" * 32768 + "b")).file("x"),
           reject="longer than")
    expect("component of 256", Tar().file("b" * 256), reject="component of 256 bytes")
    expect("component of 255", Tar().file("b" * 255), check=there("b" * 255))
    expect("invalid UTF-8", Tar().file(b"\xff\xfe\xc3(x"),
           check=lambda r: is_true("name kept", b"\xff\xfe\xc3(x" in os.listdir(STAGING.encode())))
    expect("UTF-8 in pax", Tar().add("x", FILE, b"x", {"path": "gr\u00fc\u00df/\u65e5\u672c"}),
           check=there("gr\u00fc\u00df/\u65e5\u672c"))
    expect("control bytes", Tar().file(b"a\x1b[31m\r\x07/../x"), reject=r"a\\x1b\[31m")
    expect("bidi", Tar().file("\u202egnp/../x"), reject=r"'\.\.' component")
    expect("newline in an implied name", Tar().file(b"a\nerror=1 1 x/b"),
           check=lambda r: is_true("implied is a list", "error" not in r.values))


# ---- TAR-02: symlinks as parents ---------------------------------------------

@group
def tar_02():
    for target in (CANARY, "../canary", "../../../.." + CANARY, "/proc/self/root" + CANARY):
        expect("link to " + target, Tar().symlink("d", target).file("d/x"),
               reject="symlink that leads to no directory")
        expect("mkdir below " + target, Tar().symlink("d", target).dir("d/x"),
               reject="symlink that leads to no directory")
        expect("replace victim by " + target, Tar().symlink("d", target).file("d/victim", b"!"),
               reject="symlink that leads to no directory")
    expect("in the root", Tar().dir("usr").dir("usr/lib").symlink("lib", "usr/lib").file("lib/x"),
           check=there("usr/lib/x"))
    expect("dots stop at the root", Tar().dir("e").symlink("e/d", "../../../..").file("e/d/x"),
           check=there("x"))
    expect("absolute is the root's", Tar().dir("usr").symlink("d", "/usr").file("d/x"),
           check=there("usr/x"))
    expect("chain", Tar().symlink("a", "b").symlink("b", "c").symlink("c", CANARY).file("a/x"),
           reject="symlink that leads to no")
    expect("loop", Tar().symlink("a", "b").symlink("b", "a").file("a/x"),
           reject="symlink that leads to no")
    expect("root as a symlink", Tar().symlink("./", CANARY).file("x"),
           reject="root is not a directory")
    expect("root as a hard link", Tar().link(".", "x"), reject="root is not a directory")
    expect("link replaces a directory", Tar().dir("d").file("d/a").symlink("d", CANARY),
           check=lambda r: is_true("is a link", os.path.islink(STAGING + "/d")))
    expect("and is used", Tar().dir("d").file("d/a").symlink("d", CANARY).file("d/victim"),
           reject="symlink that leads to no")
    expect("directory replaces a link", Tar().symlink("d", CANARY).dir("d").file("d/x"),
           check=there("d/x"))
    expect("file as a parent", Tar().file("a").file("a/b"), reject="not a directory")
    expect("file through a link", Tar().symlink("f", CANARY + "/victim").file("f", b"mine"),
           check=content("f", b"mine"))
    expect("open directory replaced", Tar().dir("a").symlink("a/l", "..").file("a/l/a").file("a/l/q"),
           reject="not a directory|leads to no")


# ---- TAR-03: hard links ------------------------------------------------------

@group
def tar_03():
    gone = "chained: .*not in this layer"
    for target in (CANARY + "/victim", "/canary/victim", "etc/passwd"):
        expect("hard link to " + target,
               Tar().link("h", target).file("h", b"through"), reject=gone)
    for target in ("../canary/victim", "..", "a/../../x"):
        expect("hard link to " + target, Tar().link("h", target), reject=r"'\.\.' component")
    expect("to a link that leads out", Tar().symlink("s", CANARY + "/victim").link("h", "s")
           .file("h", b"through"), check=content("h", b"through"))
    expect("through a link", Tar().symlink("s", CANARY).link("h", "s/victim"), reject=gone)
    expect("then a file of that name", Tar().file("a", b"one").link("b", "a").file("b", b"two"),
           check=both(content("a", b"one"), content("b", b"two")))
    expect("to itself", Tar().file("a", b"one").link("a", "a"), check=content("a", b"one"))
    expect("to itself, missing", Tar().link("a", "a"), reject=gone)
    expect("to a directory", Tar().dir("d").link("h", "d"), reject="hard link")
    expect("to the root", Tar().link("h", "/"), reject=gone)
    expect("to a whiteout", Tar().file(".wh.w", b"").link("h", "w"), reject=gone)
    expect("over a directory", Tar().file("a").dir("d").file("d/x").link("d", "a"),
           check=lambda r: is_true("is a file", os.path.isfile(STAGING + "/d")))
    expect("over the directory it is in", Tar().dir("d").file("d/x").link("d", "d/x"),
           reject="hard link")
    tolerant("with content", Tar().file("a", b"one").add("b", LINK, b"evil", link="a").bytes(),
             content("a", b"one"))


@group
def tar_03b():
    t = Tar().dir("a").dir("a/b").dir("a/b/c").symlink("a/b/c/up", "../..")
    t.symlink("a/b/escape", "c/up/../..").link("h", "a/b/escape/canary/victim")
    expect("two hops", t, reject="not in this layer")
    expect("from the entry's parent", Tar().dir("d").link("d/h", "../canary/victim"),
           reject=r"'\.\.' component")
    expect("link made shallower", Tar().dir("a").dir("a/b").symlink("a/b/s", "../../canary/victim")
           .link("s", "a/b/s").file("s", b"!"), check=content("s", b"!"))
    expect("target ..", Tar().symlink("s", "..").link("h", "s"),
           check=lambda r: is_true("the link itself", os.path.islink(STAGING + "/h")))
    expect("through ..", Tar().symlink("s", "..").file("s/canary2"), check=there("canary2"))
    random_programs()


# ---- TAR-03b: random programs against the kernel ------------------------------

IN_ROOT = 0x10 | 0x02	# RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS


def openat2(root, path, flags):
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, IN_ROOT)
    while True:
        fd = LIBC.syscall(SYS_OPENAT2, root, path.encode(), how, len(how))
        if fd >= 0:
            return fd
        # somebody has renamed something somewhere while it went through ..
        if ctypes.get_errno() != errno.EAGAIN:
            raise OSError(ctypes.get_errno(), path)


class Model:
    """What a layer means, each step resolved anew by the kernel."""

    def __init__(self, top):
        self.root = os.open(top, os.O_PATH | os.O_DIRECTORY)

    def parent(self, path):
        """A descriptor of the parent of @path, made where it is missing."""
        at = ""
        for part in path.split("/")[:-1]:
            up = openat2(self.root, at or ".", os.O_PATH | os.O_DIRECTORY)
            at = at + "/" + part if at else part
            try:
                os.close(openat2(self.root, at, os.O_PATH | os.O_DIRECTORY))
            except OSError:
                try:
                    mode = os.lstat(part, dir_fd=up).st_mode
                except FileNotFoundError:
                    mode = None
                if mode is not None and not stat.S_ISCHR(mode):
                    raise
                if mode is not None:
                    os.unlink(part, dir_fd=up)
                os.mkdir(part, dir_fd=up)
            os.close(up)
        return openat2(self.root, at or ".", os.O_PATH | os.O_DIRECTORY)

    def clear(self, up, base):
        path = "/proc/self/fd/%d/%s" % (up, base)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    def step(self, kind, path, target):
        up = self.parent(path)
        base = path.rsplit("/", 1)[-1]
        full = "/proc/self/fd/%d/%s" % (up, base)
        real_dir = os.path.isdir(full) and not os.path.islink(full)
        if kind == DIR:
            if not real_dir:
                self.clear(up, base)
                os.mkdir(base, dir_fd=up)
        elif kind == SYMLINK:
            self.clear(up, base)
            os.symlink(target, base, dir_fd=up)
        elif kind == FILE:
            self.clear(up, base)
            with open(full, "w") as f:
                f.write(target)
        elif kind == LINK:
            self.link(up, base, target)
        elif not os.path.lexists(full):	# whiteout
            os.mknod(base, stat.S_IFCHR, 0, dir_fd=up)

    def link(self, up, base, target):
        if target in ("", "/", "."):
            raise OSError("root")
        target = target.strip("/")
        if ".." in target.split("/"):
            raise OSError("dots")
        head, _, tail = target.rpartition("/")
        dirfd = openat2(self.root, head or ".", os.O_PATH | os.O_DIRECTORY)
        st = os.lstat(tail, dir_fd=dirfd)
        if stat.S_ISCHR(st.st_mode) or stat.S_ISDIR(st.st_mode):
            raise OSError("not a file")
        try:
            if os.lstat(base, dir_fd=up).st_ino == st.st_ino:
                return
        except FileNotFoundError:
            pass
        self.clear(up, base)
        os.link(tail, base, src_dir_fd=dirfd, dst_dir_fd=up, follow_symlinks=False)


def shape(top):
    """Names, types, link targets, content and which names are one inode."""
    out, inodes = {}, {}
    for where, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(where, name)
            rel = os.path.relpath(path, top)
            st = os.lstat(path)
            what = [stat.S_IFMT(st.st_mode)]
            if stat.S_ISLNK(st.st_mode):
                what.append(os.readlink(path))
            elif stat.S_ISREG(st.st_mode):
                what.append(open(path).read())
            out[rel] = what
            inodes.setdefault(st.st_ino, []).append(rel)
    return out, sorted(sorted(v) for v in inodes.values())


def random_program(rng):
    places = ["a", "b", "c", "a/b", "a/c", "b/a", "b/c", "a/b/c", "c/a/b", "c/b"]
    targets = ["..", "../..", "/", ".", "../canary", CANARY, "/canary", "a", "b", "a/b",
               "../a", "../b", "b/..", "a/../b", "../../../..", "/a", "/b/c", "c"]
    steps = []
    for i in range(rng.randint(3, 12)):
        kind = rng.choice([DIR, DIR, SYMLINK, SYMLINK, LINK, FILE, FILE, b"w"])
        path = rng.choice(places)
        if kind == SYMLINK:
            target = rng.choice(targets)
        elif kind == LINK:
            target = rng.choice(places + ["canary/victim", CANARY + "/victim", "/"])
        else:
            target = "content %d" % i
        steps.append((kind, path, target))
    return steps


def program_layer(steps):
    t = Tar()
    for kind, path, target in steps:
        if kind == b"w":
            head, slash, tail = path.rpartition("/")
            t.file(head + slash + ".wh." + tail, b"")
        elif kind == FILE:
            t.file(path, target)
        else:
            t.add(path, kind, link=target if kind != DIR else "")
    return t.bytes()


def random_programs():
    import random
    seed = int(os.environ.get("HOSTILE_SEED", "1"))
    model_top = os.path.join(WORK, "model")
    rounds = int(os.environ.get("HOSTILE_ROUNDS", "300"))
    for i in range(rounds):
        rng = random.Random("%d.%d" % (seed, i))
        steps = random_program(rng)
        fresh_staging()
        remove(model_top)
        os.mkdir(model_top)
        model, refused = Model(model_top), False
        before, names = snapshot(CANARY), beside()
        for step in steps:
            try:
                model.step(*step)
            except OSError:
                refused = True
                break
        os.close(model.root)
        counts[0] += 1
        try:
            r = apply(program_layer(steps))
            check_common(r, before, names, 5)
            if bool(r.code) != refused:
                raise Failed("model %s, bryo-layer: %s" %
                             ("refused" if refused else "accepted", r.err.strip() or "accepted"))
            if not refused and shape(STAGING) != shape(model_top):
                raise Failed("trees differ: %s, model %s" % (shape(STAGING), shape(model_top)))
        except Failed as e:
            failures.append("program %d.%d %s: %s" % (seed, i, steps, e))
    remove(model_top)


# ---- TAR-04: metadata through links ------------------------------------------

@group
def tar_04():
    victim = CANARY + "/victim"
    for kind in (FILE, DIR, FIFO, CHAR):
        expect("then type %s" % kind, Tar().symlink("x", victim).add("x", kind, mode=0o4777),
               check=lambda r: None)
    expect("link with mode and time", Tar().symlink("x", victim, mode=0o777, mtime=1),
           check=lambda r: is_true("time of the link", os.lstat(STAGING + "/x").st_mtime == 1))
    expect("attribute of a link",
           Tar().add("x", SYMLINK, link=victim, records={"SCHILY.xattr.user.a": "1"}))
    expect("owner of a link", Tar().symlink("x", victim, uid=7, gid=8), modes=("overlay",),
           check=lambda r: is_true("owner", os.lstat(STAGING + "/x").st_uid == 7))
    expect("directory over the link", Tar().symlink("x", CANARY).dir("x", mode=0o700, mtime=5),
           check=lambda r: is_true("is a directory", not os.path.islink(STAGING + "/x")))


# ---- TAR-05: whiteouts -------------------------------------------------------

def is_whiteout(r, name):
    if r.mode == "plain":
        head, tail = os.path.split(name)
        return os.path.exists(os.path.join(STAGING, head, ".wh." + tail))
    st = os.lstat(os.path.join(STAGING, name))
    return stat.S_ISCHR(st.st_mode) and st.st_rdev == 0


def is_opaque(r, name):
    path = os.path.join(STAGING, name)
    if r.mode == "plain":
        return os.path.exists(path + "/.wh..wh..opq")
    return "user.overlay.opaque" in os.listxattr(path)


@group
def tar_05():
    expect("plain one", Tar().dir("d").file("d/.wh.f", b""),
           check=lambda r: is_true("whiteout", is_whiteout(r, "d/f")))
    expect("implied parent", Tar().file("d/.wh.f", b""),
           check=lambda r: is_true("implied", "d" in r.implied and is_whiteout(r, "d/f")))
    for name in (".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..."):
        expect(name, Tar().file(name, b""), reject="whiteout of nothing")
    expect(".wh../x", Tar().file(".wh../x", b""), reject="used as a directory")
    expect(".wh./x", Tar().file(".wh./x", b""), reject="used as a directory")
    expect(".wh.d/../x", Tar().file(".wh.d/../x", b""), reject=r"'\.\.' component")
    expect("aufs names", Tar().file(".wh..wh.aufs", b"").dir(".wh..wh.plnk").file(".wh..wh.plnk/1.2", b""),
           check=lambda r: is_true("nothing", not os.listdir(STAGING)))
    expect("through a link", Tar().symlink("d", CANARY).file("d/.wh.victim", b""),
           reject="symlink that leads to no")
    expect("opaque through a link", Tar().symlink("d", CANARY).file("d/.wh..wh..opq", b""),
           reject="symlink that leads to no")
    expect("of a file made here", Tar().file("f", b"1").file(".wh.f", b""),
           check=content("f", b"1"))
    expect("before the file", Tar().file(".wh.f", b"").file("f", b"1"), check=both(
        content("f", b"1"), absent(".wh.f")))
    expect("of a directory made here", Tar().dir("d").file("d/x").file(".wh.d", b""),
           check=lambda r: is_true("opaque", is_opaque(r, "d") and os.path.exists(STAGING + "/d/x")))
    expect("before the directory", Tar().file(".wh.d", b"").dir("d").file("d/x"),
           check=lambda r: is_true("opaque", is_opaque(r, "d") and os.path.exists(STAGING + "/d/x")
                                   and not os.path.lexists(STAGING + "/.wh.d")))
    expect("before an implied directory", Tar().file(".wh.d", b"").file("d/x"),
           check=lambda r: is_true("opaque", is_opaque(r, "d") and "d" not in r.implied))
    expect("opaque", Tar().dir("d").file("d/.wh..wh..opq", b"").file("d/x"),
           check=lambda r: is_true("opaque", is_opaque(r, "d")))
    expect("opaque root", Tar().file(".wh..wh..opq", b"").file("x"), check=there("x"))
    expect("with content", Tar().file(".wh.f", b"data" * 1000).file("x"), check=there("x"))
    many = Tar().dir("d")
    for i in range(100000):
        many.file("d/.wh..wh..opq", b"")
    expect("opaque 100 000 times", many)
    many = Tar().dir("d").dir("e")
    for i in range(100000):
        many.file("%s/.wh..wh..opq" % "de"[i & 1], b"")
    expect("in turn", many)
    many = Tar().dir("d")
    for i in range(100000):
        many.file("d/.wh.%d" % i, b"")
        if i == 10000:
            expect("10 000 whiteouts", many.bytes(), max_seconds=20)
    expect("100 000 whiteouts", many, max_seconds=20, modes=("overlay",))


# ---- TAR-06: extended attributes ---------------------------------------------

CAPS2 = struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0, 0)
CAPS3 = CAPS2.replace(struct.pack("<I", 0x02000001), struct.pack("<I", 0x03000001)) + \
    struct.pack("<I", 0)


def with_xattr(name, value, kind=FILE):
    return Tar().add("x", kind, b"" if kind == DIR else b"x",
                     {b"SCHILY.xattr." + mkimg.raw(name): value})


def names_are(*want):
    def check(r):
        have = set(os.listxattr(STAGING + "/x"))
        have.discard("user.containers.override_stat" if r.mode == "single" else "")
        is_true("attributes are %s" % have, have == set(want))
    return check


@group
def tar_06():
    for name in ("trusted.overlay.opaque", "user.overlay.opaque", "user.overlay.redirect",
                 "user.overlay.metacopy", "user.overlay.whiteout", "trusted.overlay.redirect",
                 "user.fuseoverlayfs.opaque", "user.fuseoverlayfs.override_stat",
                 "user.containers.override_stat", "user.bryo.x", "security.selinux",
                 "security.ima", "system.posix_acl_access", "system.posix_acl_default",
                 "user.", "", "nonsense", "user." + "x" * 300):
        for kind in (FILE, DIR):
            expect("%s of type %s" % (name[:40], kind), with_xattr(name, "y", kind),
                   check=names_are())
    expect("user", with_xattr("user.a", b"\0\xff=\n"), check=names_are("user.a"))
    for value in (CAPS2, CAPS3):
        expect("file capabilities", with_xattr("security.capability", value), check=both(
            names_are("security.capability"),
            lambda r: is_true("setid", r.values["setid"] == "1")))
    expect("broken capabilities", with_xattr("security.capability", b"\1\2\3"), check=names_are())
    many = {"SCHILY.xattr.user.%d" % i: "v" for i in range(10000)}
    expect("10 000", Tar().add("x", FILE, b"x", many), reject="extended attributes")
    expect("200 small", Tar().add("x", FILE, b"x", {"SCHILY.xattr.user.%d" % i: "v" for i in range(20)}),
           check=lambda r: is_true("kept", len(os.listxattr(STAGING + "/x")) >= 20))
    expect("a large one", with_xattr("user.a", b"v" * 500000), reject="extended attributes")
    expect("larger than a file system takes", with_xattr("user.a", b"v" * 70000),
           reject="set attribute user.a")


# ---- TAR-07: devices, setuid, owners -----------------------------------------

@group
def tar_07():
    t = Tar().add("mem", CHAR, major=1, minor=1).add("sda", BLOCKDEV, major=8)
    t.add("zero", CHAR).add("fifo", FIFO, mode=0o620).file("x")
    expect("devices", t, check=both(
        absent("mem", "sda", "zero"), there("fifo", "x"),
        lambda r: is_true("three skipped", r.values["skipped"] == "3"),
        lambda r: is_true("mode", os.stat(STAGING + "/fifo").st_mode & 0o777 == 0o620)))
    expect("device named as a whiteout", Tar().add(".wh.x", CHAR, major=1, minor=1),
           check=absent("x", ".wh.x"))
    expect("setuid root", Tar().file("su", mode=0o6755), check=both(
        lambda r: is_true("mode", os.stat(STAGING + "/su").st_mode & 0o7777 == 0o6755),
        lambda r: is_true("reported", r.values["setid"] == "1")))
    expect("setuid other", Tar().file("su", mode=0o4711, uid=33, gid=33), modes=("overlay",),
           check=lambda r: is_true("mode and owner", (os.stat(STAGING + "/su").st_mode & 0o7777,
                                                      os.stat(STAGING + "/su").st_uid) == (0o4711, 33)))
    expect("below a setgid directory", Tar().dir("d", mode=0o2775, gid=50).file("d/f").dir("d/e"),
           modes=("overlay",), check=lambda r: is_true(
               "group is the member's", os.stat(STAGING + "/d/f").st_gid == 0 and
               os.stat(STAGING + "/d/e").st_mode & 0o7777 == 0o755))
    expect("owner outside the map", Tar().file("x", uid=100000), modes=("overlay",),
           reject="uid 100000 is not among .*/etc/subuid")
    expect("group outside the map", Tar().file("x", gid=100000), modes=("overlay",),
           reject="gid 100000 is not among .*/etc/subgid")
    expect("owner -1", Tar().file("x", uid=-1), reject="uid|tar")
    expect("owner 2^40", Tar().add("x", FILE, b"x", {"uid": str(1 << 40)}), reject="uid")
    expect("owner kept as attribute", Tar().file("x", uid=100000, gid=3, mode=0o640), modes=("single",),
           check=lambda r: is_true("value", os.getxattr(
               STAGING + "/x", "user.containers.override_stat") == b"100000:3:0640"))


# ---- TAR-08: bombs -----------------------------------------------------------

def with_size(name, size):
    return mkimg.header(name, FILE, size=size)


def full_disk():
    """A file system of 40 MB: an error that says so, before it is full."""
    layer = mkimg.gz_zeros(with_size("z", 100 << 20), 100 << 20, b"\0" * 1024)
    script = "mount -t tmpfs -o size=40m tmpfs '%s' && exec '%s' unpack '%s'" % (STAGING, TOOL, STAGING)
    fresh_staging()
    p = subprocess.run(["unshare", "-m", "sh", "-c", script], input=layer, capture_output=True)
    counts[0] += 1
    if p.returncode != 1 or not re.search(rb"member 'z': no space left on device", p.stderr):
        failures.append("full disk: %d %s" % (p.returncode, p.stderr))


@group
def tar_08():
    small = ("max_bytes=%d" % (64 << 20),)
    gib = 1 << 30
    head = with_size("zeros", gib)
    expect("gzip, 1 GiB of zeros", mkimg.gz_zeros(head, gib, b"\0" * 1024), args=small, reject="claims 1073741824 bytes",
           modes=("overlay",))
    many = b"".join(with_size("z%d" % i, 1 << 20) + b"\0" * (1 << 20) for i in range(80))
    expect("zeros in many files", mkimg.gz(many), args=small, reject="max-layer-size",
           modes=("overlay",))
    zst_bomb = mkimg.zst_zeros(with_size("zeros", 10 * gib), 10 * gib, b"\0" * 1024)
    is_small = len(zst_bomb) < 2 << 20
    expect("zstd, 10 GiB in %d kB" % (len(zst_bomb) >> 10), zst_bomb, args=small,
           reject="claims 10737418240 bytes", modes=("overlay",))
    if not is_small:
        failures.append("the zstd bomb is not small")
    expect("and unpacked", mkimg.gz_zeros(with_size("z", 256 << 20), 256 << 20, b"\0" * 1024),
           modes=("overlay",), max_seconds=30)
    expect("zeros behind the end", mkimg.zst_zeros(Tar().file("x").bytes(), gib, b""),
           args=("max_bytes=%d" % (64 << 20), "max_entries=1000"), modes=("overlay",),
           reject="unpacked layer is longer", max_seconds=20)
    large = Tar().file("x").bytes() + b"\0" * (160 << 20)
    expect("window of 128 MiB", mkimg.zst(large, "-1", "--long=27"),
           modes=("overlay",), reject="window of more than 64 MiB")
    expect("window of 64 MiB", mkimg.zst(large, "-1", "--long=26"),
           modes=("overlay",), max_seconds=20)
    del large
    full_disk()
    once = mkimg.gz(Tar().file("x").bytes())
    expect("gzip in gzip", mkimg.gz(once), reject="not a valid tar")
    expect("zstd in gzip", mkimg.gz(mkimg.zst(Tar().file("x").bytes())), reject="not a valid tar")
    expect("xz in xz", mkimg.filtered(mkimg.filtered(Tar().file("x").bytes(), "xz"), "xz"),
           reject="not a valid tar", modes=("overlay",))
    sparse = mkimg.pax({"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "s",
                        "GNU.sparse.size": str(1 << 63 - 1), "GNU.sparse.numblocks": "1",
                        "GNU.sparse.map": "%d,1" % ((1 << 62))})
    expect("sparse, 4 EiB", sparse + with_size("s", 1) + mkimg.pad(b"x") + b"\0" * 1024,
           reject="claims|tar")
    few = mkimg.pax({"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "s",
                     "GNU.sparse.size": str(32 << 20), "GNU.sparse.numblocks": "1",
                     "GNU.sparse.map": "%d,4" % (16 << 20)})
    expect("sparse, holes kept", few + with_size("s", 4) + mkimg.pad(b"data") + b"\0" * 1024,
           check=lambda r: is_true("size and blocks", os.stat(STAGING + "/s").st_size == 32 << 20 and
                                   os.stat(STAGING + "/s").st_blocks < 64))
    entry = mkimg.header("f", FILE)
    expect("members over the limit", mkimg.gz(entry * 20000), args=("max_entries=10000",),
           reject="more than 10000 members", modes=("overlay",))
    links = Tar().file("f")
    for i in range(20000):
        links.link("l%d" % i, "f")
    expect("hard links", links, modes=("overlay",), max_seconds=20)
    deep = "/".join("d" * 1024)
    expect("1025 deep", Tar().file(deep + "/x"), reject="1024 directories deep")
    expect("1024 deep", Tar().file(deep), modes=("overlay", "plain"))
    expect("65535 deep", Tar().raw(mkimg.gnu_long("d/" * 65535)).dir("x"), reject="longer than")
    grow = Tar()
    for i in range(1, 1024, 50):
        grow.dir("/".join("e" * i))
    grow.file("e", b"flat")
    expect("deep and replaced", grow, check=content("e", b"flat"), modes=("overlay", "plain"))
    implied = Tar()
    for i in range(33000):
        implied.file("%d/.wh..wh..opq" % i, b"")
    expect("33 000 implied directories", mkimg.gz(implied.bytes()), reject="have no member",
           modes=("overlay",), max_seconds=30)


# ---- TAR-09, TAR-10: the parser ----------------------------------------------

@group
def tar_09():
    plain = with_size("s", 4) + mkimg.pad(b"data") + b"\0" * 1024
    for records in ({"SUN.holesdata": " 0 " * 1000}, {"SUN.holesdata": " 9999999999999999999 1 2"},
                    {"SUN.holesdata": "-1 -2"}, {"GNU.sparse.map": "1,2,3"},
                    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" * 30},
                    {"GNU.sparse.numblocks": "999999999", "GNU.sparse.size": "1"},
                    {"LIBARCHIVE.xattr.user.a": "%%%%"}, {"SCHILY.acl.access": "u" * 1000},
                    {"SCHILY.fflags": "x" * 500}, {"mtime": "9" * 400}, {"mtime": "-" * 10},
                    {"hdrcharset": "x"}, {"": ""}, {"SCHILY.realsize": "-1"}):
        tolerant("pax %s" % records, mkimg.pax(records) + plain)
    for text in (b"5 a=b\n", b"99999999999999999999 a=b\n", b"0 a=b\n", b"-1 a=b\n", b"6 a=b",
                 b"7 path=x\n", b"\0" * 600, b"11 path=abc\n13 path"):
        tolerant("pax text %r" % text[:20], mkimg.pax(text) + plain)
    for i in range(0, 512, 7):
        broken = bytearray(Tar().file("a", b"x" * 600).symlink("s", "a").bytes())
        broken[i] ^= 0xff
        tolerant("byte %d" % i, bytes(broken))


@group
def tar_10():
    after = mkimg.pad(b"data") + b"\0" * 1024
    for size in ((1 << 63) - 1, 1 << 62, 1 << 40, -1, -(1 << 62), b"\xff" * 12, b"\x80" + b"\xff" * 11,
                 b"777777777777", b"zzz"):
        expect("size %r" % (size,), mkimg.header("f", FILE, size=size) + after, reject=".",
               modes=("overlay",))
    for value in (str((1 << 63) - 1), "-1", str(1 << 70), "x"):
        tolerant("pax size " + value, mkimg.pax({"size": value}) + with_size("f", 4) + after)
    expect("longlink of 1 GiB", mkimg.header("././@LongLink", b"L", size=1 << 30, magic=b"ustar  \0")
           + b"a" * 4096, reject=".", modes=("overlay",))
    expect("pax header of 1 GiB", mkimg.header("p", b"x", size=1 << 30) + b"a" * 4096, reject=".",
           modes=("overlay",))
    expect("wrong checksum", Tar().file("a").raw(mkimg.header("b", bad_sum=True)).bytes(), reject="tar")
    expect("checksum of the first", mkimg.header("b", bad_sum=True) + b"\0" * 1024, reject="tar")
    expect("no end blocks", Tar().file("a").bytes(end=False), check=there("a"))
    expect("garbage behind", Tar().file("a").bytes() + os.urandom(5000), check=there("a"))
    expect("two archives", Tar().file("a").bytes() + Tar().file("b").bytes(),
           check=both(there("a"), absent("b")))
    expect("nothing", b"", check=lambda r: is_true("empty", not os.listdir(STAGING)))
    expect("only zeros", b"\0" * 1024)
    expect("no tar", b"#!/bin/sh\n" * 200, reject="tar")
    expect("a thousand long names", b"".join(mkimg.gnu_long("n%d" % i) for i in range(1000))
           + Tar().file("x").bytes(), reject=".", modes=("overlay",))
    expect("a thousand pax headers", mkimg.pax({"path": "p"}) * 1000 + Tar().file("x").bytes(),
           reject=".", modes=("overlay",))
    tolerant("global pax path", mkimg.pax({"path": "../../canary/x"}, b"g") + Tar().file("x").bytes())
    expect("digest", Tar().file("a"), args=("digest=sha256:" + "0" * 64,), reject="digest is",
           modes=("overlay",))
    expect("diff id", Tar().file("a"), args=("diff_id=sha256:" + "0" * 64,),
           reject="unpacked digest is", modes=("overlay",))
    expect("longer than said", Tar().file("a"), args=("size=100",), reject="longer than the 100",
           modes=("overlay",))
    expect("shorter than said", Tar().file("a"), args=("size=100000",), reject="not the 100000",
           modes=("overlay",))


# ---- TAR-11: truncated streams ------------------------------------------------

@group
def tar_11():
    import random
    rng = random.Random(1)
    t = Tar()
    for i in range(20):
        t.file("f%d" % i, rng.randbytes(3000))
    plain = t.bytes()
    gz = mkimg.gz(plain)
    streams = {
        "gzip": gz, "zstd": mkimg.zst(plain), "xz": mkimg.filtered(plain, "xz"),
        "bzip2": mkimg.filtered(plain, "bzip2"),
    }
    for name, data in streams.items():
        expect(name, data, modes=("overlay",), check=there("f19"))
        for i in range(50):
            expect("%s cut at %d/50" % (name, i), data[:len(data) * i // 50], modes=("overlay",),
                   reject="truncated|damaged|tar" if i else None, max_seconds=1)
        for i in range(0, 50, 5):
            broken = bytearray(data)
            broken[len(data) * i // 50] ^= 0x55
            tolerant("%s bit at %d/50" % (name, i), bytes(broken), max_seconds=1)
    for i in range(1, 50):
        expect("tar cut at %d/50" % i, plain[:len(plain) * i // 50 // 512 * 512 - 100],
               modes=("overlay",), reject="tar", max_seconds=1)
    parts = [mkimg.gz(plain[i:i + 7001]) for i in range(0, len(plain), 7001)]
    expect("gzip of many members", b"".join(parts), modes=("overlay",), check=both(
        there("f19"), lambda r: is_true("diff id", r.values["diff_id"] == mkimg.digest(plain))))
    expect("zeros after gzip", gz + b"\0" * 1000, modes=("overlay",), check=there("f19"))
    expect("garbage after gzip", gz + b"garbage", modes=("overlay",), reject="gzip stream|garbage")
    expect("zstd frames and a skippable one",
           struct.pack("<II", 0x184D2A50, 5) + b"12345" + mkimg.zst(plain[:9999]) +
           mkimg.zst(plain[9999:]), modes=("overlay",), check=there("f19"))
    wrong = bytearray(gz)
    wrong[-6] ^= 1
    expect("wrong checksum", bytes(wrong), modes=("overlay",), reject="checksum")


# ---- packing: what was unpacked comes out again --------------------------------

def pack(*args):
    p = subprocess.run([TOOL, "pack", STAGING, *args], capture_output=True)
    if p.returncode:
        raise Failed("pack: " + p.stderr.decode("utf-8", "replace"))
    values = dict(line.split("=", 1) for line in p.stderr.decode().splitlines())
    if values["diff_id"] != mkimg.digest(p.stdout):
        raise Failed("diff id of the packed layer is wrong")
    return p.stdout


def members(data):
    """What Python's tar reader makes of it."""
    out = []
    for m in tarfile.open(fileobj=io.BytesIO(data)):
        keep = {k: v for k, v in m.pax_headers.items() if k.startswith("SCHILY")}
        out.append((m.name, m.type, m.mode, m.uid, m.gid, m.size, m.linkname, m.mtime, keep))
    return out


@group
def pack_tree():
    long = "/".join(["n" * 60] * 9)
    t = Tar().dir("./", mode=0o711, mtime=3).dir("a", mode=0o1777, uid=5, gid=6)
    t.file("a/f", b"hello" * 1000, mode=0o4755, uid=33, gid=44, mtime=1234567890)
    t.link("a/h", "a/f").symlink("a/l", "../" + "t" * 150, uid=3).add("a/p", FIFO)
    t.file(long, b"deep", records={"mtime": "1700000000.123456789"})
    t.add("x", FILE, b"x", {"SCHILY.xattr.user.k": "v\n=", "SCHILY.xattr.security.capability": CAPS2})
    t.file("old", b"", mtime=0).add("neg", FILE, b"x", {"mtime": "-2"})
    t.file("d/.wh.gone", b"").dir("o").file("o/.wh..wh..opq", b"").file("o/new")
    t.file(b"\xff" + b"n" * 120, b"bytes")
    for i in range(3000):
        t.file("many/%d" % (i * 7919 % 3000), b"")
    for mode in ("overlay", "plain"):
        try:
            fresh_staging()
            r = apply(t.bytes(), MODES[mode])
            is_true(r.err, r.code == 0)
            first = pack(*MODES[mode])
            listed = {m[0]: m for m in members(first)}
            for name in ("d/.wh.gone", "o/.wh..wh..opq", "a/p", long):
                is_true("%s is packed" % name, name in listed)
            is_true("file", listed["a/f"][1:6] == (b"0", 0o4755, 33, 44, 5000))
            is_true("link", listed["a/h"][1] == b"1" and listed["a/h"][6] == "a/f")
            is_true("symlink", listed["a/l"][6] == "../" + "t" * 150 and listed["a/l"][3] == 3)
            is_true("directory", listed["a"][2:5] == (0o1777, 5, 6))
            is_true("nanoseconds", abs(listed[long][7] - 1700000000.123456789) < 1e-6)
            is_true("before 1970", listed["neg"][7] == 0)
            is_true("attributes", set(listed["x"][8]) == {
                "SCHILY.xattr.user.k", "SCHILY.xattr.security.capability"})
            fresh_staging()
            r = apply(first, MODES[mode])
            is_true(r.err, r.code == 0)
            is_true("the same again", pack(*MODES[mode]) == first)
            fresh_staging()
            r = apply(mkimg.gz(first), MODES["plain" if mode == "overlay" else "overlay"])
            is_true("the same from the other format", pack() == first)
        except Failed as e:
            failures.append("pack [%s]: %s" % (mode, e))
        counts[0] += 1
    resume_and_blob()


def resume_and_blob():
    layer = mkimg.gz(Tar().file("f", os.urandom(300000)).bytes())
    blob = os.path.join(WORK, "blob")
    for cut in (0, 1, 5, 100000, len(layer)):
        with open(blob, "wb") as f:
            f.write(layer[:cut])
        fresh_staging()
        r = apply(layer[cut:], ("blob=" + blob, "resume=" + blob, "resume_len=%d" % cut,
                                "digest=" + mkimg.digest(layer), "size=%d" % len(layer)))
        counts[0] += 1
        if r.code or open(blob, "rb").read() != layer:
            failures.append("resume at %d: %s" % (cut, r.err))
    os.unlink(blob)


@group
def client_killed():
    """bryo-layer ends with the command that started it."""
    for sig, args in ((9, ()), (15, ()), (9, ("host=1",)), (15, ("host=1",))):
        fresh_staging()
        p = subprocess.Popen([TOOL, "unpack", STAGING, *args], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        p.stdin.write(Tar().file("f", b"x" * 5000000).bytes()[:4000000])
        p.stdin.flush()
        while not os.path.exists(STAGING + "/f"):
            time.sleep(0.01)
        p.send_signal(sig)
        p.wait()
        counts[0] += 1
        # our end of the input is still open: only a signal ends the worker,
        # and as long as it lives it has stderr
        if not select.select([p.stderr], [], [], 60)[0]:
            failures.append("signal %d: bryo-layer is still there" % sig)
        p.stdin = None


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(c) for c in f.read().split()]


def is_asleep(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "S"


def sandbox_of(args):
    """What the kernel says of a worker in the middle of a layer."""
    fresh_staging()
    p = subprocess.Popen([TOOL, "unpack", STAGING, *args], stdin=subprocess.PIPE,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    p.stdin.write(Tar().file("f", b"x" * 5000000).bytes()[:4000000])
    p.stdin.flush()
    while not os.path.exists(STAGING + "/f"):
        time.sleep(0.01)
    found = [(c, w) for c in children(p.pid) for w in children(c)]
    if len(found) != 1:
        raise Failed("%d workers" % len(found))
    # who waits may not have come to that yet, and have more descriptors open
    while not all(is_asleep(pid) for pid in found[0]):
        time.sleep(0.01)
    proc = "/proc/%d/" % found[0][1]
    with open(proc + "status") as f:
        seen = [line.strip() for line in f if line.startswith(
            ("Cap", "NoNewPrivs", "Seccomp", "Uid", "Gid", "Groups", "Sig"))]
    with open(proc + "limits") as f:
        seen += [line for line in f if "address" not in line]
    for name in ("user", "mnt", "pid", "net", "ipc"):
        own = os.readlink("/proc/self/ns/" + name)
        seen.append("%s its own: %d" % (name, os.readlink(proc + "ns/" + name) != own))
    seen += ["%s %s" % (fd, os.readlink(proc + "fd/" + fd).split(":")[0].split("(")[0])
             for fd in sorted(os.listdir(proc + "fd"), key=int)]
    seen.append(os.readlink(proc + "root"))
    seen.append("who waits for it has %s" % sorted(os.listdir("/proc/%d/fd" % found[0][0])))
    p.kill()
    p.wait()
    p.stdin = None
    return seen


@group
def hosted():
    """A job that a loaded bryo-layer forks is like one that was started."""
    alone, forked = sandbox_of(()), sandbox_of(("host=1",))
    counts[0] += 1
    if alone != forked:
        failures.append("sandbox alone %s, forked %s" % (
            [x for x in alone if x not in forked], [x for x in forked if x not in alone]))
    layer = gzip.compress(Tar().dir("d").file("d/f", b"text").bytes())
    for args in ((), ("host=1",), ("host=killed",)):
        fresh_staging()
        r = apply(layer, args)
        counts[0] += 1
        if r.code or open(STAGING + "/d/f", "rb").read() != b"text":
            failures.append("%s: %s" % (args, r.err))
    fresh_staging()
    r = apply(layer[:-20], ("host=1",))
    if r.code == 0 or "truncated" not in r.err:
        failures.append("a truncated layer of a host: %d %s" % (r.code, r.err))


def main():
    make_canary()
    try:
        for name in sys.argv[1:] or sorted(groups):
            start = time.monotonic()
            at = counts[0]
            groups[name]()
            if name in ("TAR-02", "TAR-03", "TAR-03B"):
                # once more with the fallback of the path resolution
                shim[0] = True
                groups[name]()
                shim[0] = False
            print("%s: %d cases, %.1f s" % (name, counts[0] - at, time.monotonic() - start))
    finally:
        remove(WORK)
        remove(os.path.dirname(USED))
    for text in failures:
        print("FAILED " + text)
    sys.exit(1 if failures else 0)


main()
