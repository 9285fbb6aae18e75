#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: load_cases.py

Hostile archives and layouts against `bryo load` and `bryo pull`, in a store
of their own.  Run as the user that bryo runs as.  After each case: exit
status 125 and one "Error:" line, nothing listed, nothing in staging, a canary
tree unchanged and its secret nowhere in the output or the store.
"""
import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mkimg  # noqa: E402
from mkimg import DIR, FIFO, LINK, SYMLINK, Tar  # noqa: E402

BRYO = os.path.join(os.environ.get("BRYO_BUILD", "build"), "bryo")
WORK = tempfile.mkdtemp(prefix="bryo-load-")
CANARY = os.path.join(WORK, "canary")
STORE = os.path.join(WORK, "store")
SECRET = hashlib.sha256(os.urandom(16)).hexdigest()
failures, counts = [], [0]
LAYER = Tar().dir("etc").file("etc/passwd", b"root:x:0:0::/:/bin/sh\n").bytes()


def bryo(*args, data=None):
    return subprocess.run([BRYO, "--root", STORE, "--runroot", WORK + "/run", *args],
                          input=data, capture_output=True, timeout=60)


def snapshot():
    out = {}
    for where, dirs, files in os.walk(CANARY):
        for name in dirs + files + ["."]:
            path = os.path.join(where, name)
            st = os.lstat(path)
            out[path] = (st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns, st.st_nlink)
    return out


def secret_in_store():
    for where, _, files in os.walk(STORE):
        for name in files:
            path = os.path.join(where, name)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode) and \
                   SECRET.encode() in open(path, "rb").read():
                    return path
            except FileNotFoundError:
                pass  # the trash is being emptied
    return None


def fail(name, text):
    failures.append("%s: %s" % (name, text))


def check(name, p, before, good):
    counts[0] += 1
    text = (p.stdout + p.stderr).decode("utf-8", "replace")
    errors = [x for x in text.splitlines() if x.startswith("Error:")]
    listed = bryo("images", "-a", "-q").stdout.decode().split()
    staging = os.path.join(STORE, "staging")
    if snapshot() != before:
        fail(name, "the canary tree was changed")
    if SECRET in text or secret_in_store():
        fail(name, "the secret was read: %s" % (secret_in_store() or text))
    if os.path.isdir(staging) and os.listdir(staging):
        fail(name, "left in staging: %s" % os.listdir(staging))
    if good is None:	# not read at all: only the surroundings count
        bryo("rmi", "-a", "-f")
        return
    if good:
        if p.returncode or not listed:
            fail(name, "refused: " + text)
        bryo("rmi", "-a", "-f")
        return
    if p.returncode != 125 or len(errors) != 1:
        fail(name, "exit status %d: %s" % (p.returncode, text))
    if listed:
        fail(name, "an image is listed")
        bryo("rmi", "-a", "-f")


def load(name, archive, good=False):
    if isinstance(archive, Tar):
        archive = archive.bytes()
    path = os.path.join(WORK, "archive")
    with open(path, "wb") as f:
        f.write(archive)
    before = snapshot()
    try:
        check(name, bryo("load", "-i", path), before, good)
    except subprocess.TimeoutExpired:
        fail(name, "hangs")


def docker(members, manifest=None):
    """A docker-archive of (name, type, data or link) tuples."""
    t = Tar()
    conf = mkimg.config([mkimg.digest(LAYER)])
    files = {"config.json": ("0", conf), "layer.tar": ("0", LAYER),
             "manifest.json": ("0", json.dumps(manifest or [{
                 "Config": "config.json", "RepoTags": ["localhost/h:1"], "Layers": ["layer.tar"]}]))}
    files.update(members)
    for member, (kind, value) in files.items():
        if kind == "0":
            t.file(member, value)
        else:
            t.add(member, kind.encode(), link=value)
    return t


def docker_cases():
    load("control", docker({}), good=True)
    load("control, gzip", mkimg.gz(docker({}).bytes()), good=True)
    secret = CANARY + "/secret"
    for path in ("../../canary/secret", secret, "/etc/passwd", "..", ".", "", "layer.tar/../x", "none"):
        load("layer path '%s'" % path, docker({}, [{
            "Config": "config.json", "RepoTags": ["localhost/h:1"], "Layers": [path]}]))
        load("config path '%s'" % path, docker({}, [{
            "Config": path, "RepoTags": ["localhost/h:1"], "Layers": ["layer.tar"]}]))
    for member in ("layer.tar", "config.json", "manifest.json"):
        for kind, value in (("2", secret), ("2", "../canary/secret"), ("2", "/dev/zero"),
                            ("1", secret), ("1", "../canary/secret"), ("6", ""), ("5", ""),
                            ("3", "")):
            load("%s as type %s to %s" % (member, kind, value), docker({member: (kind, value)}))
    load("wrong diff id", docker({"config.json": ("0", mkimg.config([mkimg.digest(b"x")]))}))
    load("more diff ids than layers", docker({"config.json": ("0", mkimg.config(
        [mkimg.digest(LAYER)] * 2))}))
    load("no layers in the config", docker({"config.json": ("0", "{}")}))
    for text in ("", "[", "{}", "[]", "[{}]", "null", '[{"Config":"a","Config":"b"}]', "[" * 100000,
                 '"' + "x" * 1000 + '"', "\0", '[{"Config":1,"Layers":2}]'):
        load("manifest %r" % text[:20], docker({"manifest.json": ("0", text)}))
        load("config %r" % text[:20], docker({"config.json": ("0", text)}))
    for member in ("../x", "/canary/x", "a/../../canary/x"):
        load("member " + member, docker({}).file(member, b"x"), good=member[0] == "/")
    bad = Tar().file("../../canary/x").bytes()
    load("hostile layer", mkimg.docker_archive([LAYER, bad]))
    bad = Tar().symlink("d", CANARY).file("d/victim", b"!").bytes()
    load("layer with a symlink", mkimg.docker_archive([LAYER, bad]))
    load("truncated layer", mkimg.docker_archive([LAYER, mkimg.gz(LAYER)[:-9]]))
    load("nothing", b"")
    load("no archive", b"hello\n" * 1000)
    load("gzip of nothing", mkimg.gz(b""))
    load("truncated archive", docker({}).bytes()[:2000])


def as_archive(files, links=()):
    t = Tar()
    for name, data in files.items():
        if name not in dict((x[0], 1) for x in links):
            t.file(name, data)
    for name, kind, target in links:
        t.add(name, kind, link=target)
    return t


def oci_cases():
    files = mkimg.oci_layout([LAYER])
    layer = "blobs/sha256/" + mkimg.digest(LAYER)[7:]
    load("oci control", as_archive(files), good=True)
    for name in ("index.json", layer, "oci-layout"):
        for kind, target in ((SYMLINK, CANARY + "/secret"), (LINK, CANARY + "/secret"),
                             (FIFO, ""), (DIR, "")):
            load("oci %s as %s" % (name[:20], kind), as_archive(files, [(name, kind, target)]),
                 good=None if name == "oci-layout" else False)
    changed = dict(files)
    changed[layer] = LAYER[:-1] + b"x"
    load("oci blob with another digest", as_archive(changed))
    del changed[layer]
    load("oci blob missing", as_archive(changed))
    for digest in ("sha256:../../../../canary/secret", "sha256:" + "0" * 63, "md5:00", "", "sha256:" + "G" * 64):
        index = json.loads(files["index.json"])
        index["manifests"][0]["digest"] = digest
        load("oci digest '%s'" % digest, as_archive(dict(files, **{"index.json": json.dumps(index)})))
    layouts(files, layer)
    plain_dirs(files)
    destinations()


def write_tree(top, files):
    for path, data in files.items():
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())


def plain_dirs(files):
    """dir: the manifest names its files by digest."""
    index = json.loads(files["index.json"])
    blobs = {name.split("/")[-1]: data for name, data in files.items() if "/" in name}
    manifest = blobs.pop(index["manifests"][0]["digest"][7:])
    good = dict(blobs, **{"manifest.json": manifest, "version": "Directory Transport Version: 1.1\n"})
    doc = json.loads(manifest)
    layer = doc["layers"][0]["digest"][7:]
    cases = {"control": good}
    for digest in ("sha256:../canary/secret", "sha256:" + "0" * 64, "sha512:" + "0" * 128):
        lie = json.loads(manifest)
        lie["layers"][0]["digest"] = digest
        cases["layer " + digest[:20]] = dict(good, **{"manifest.json": json.dumps(lie)})
    cases["two readings"] = dict(good, **{"manifest.json": json.dumps(dict(doc, manifests=[]))})
    cases["no manifest"] = {k: v for k, v in good.items() if k != "manifest.json"}
    cases["layer changed"] = dict(good, **{layer: good[layer][:-1] + b"x"})
    cases["manifest of 5 MiB"] = dict(good, **{"manifest.json": manifest + b" " * (5 << 20)})
    cases["depth"] = dict(good, **{"manifest.json": "[" * 100000})
    for name, tree in cases.items():
        top = tempfile.mkdtemp(dir=WORK, prefix="dir-")
        write_tree(top, tree)
        check("dir: " + name, bryo("pull", "dir:" + top), snapshot(), name == "control")
    top = tempfile.mkdtemp(dir=WORK, prefix="dir-")
    write_tree(top, good)
    os.unlink(os.path.join(top, layer))
    os.symlink(CANARY + "/secret", os.path.join(top, layer))
    check("dir: layer a symlink", bryo("pull", "dir:" + top), snapshot(), False)


def destinations():
    """Directories that wait for a push with links in them."""
    p = bryo("load", "-q", data=docker({}).bytes())
    name = p.stdout.decode().split(": ", 1)[1].strip()
    name = name[7:] if name.startswith("sha256:") else name
    before = snapshot()
    for kind, links in (("oci", ("blobs",)), ("oci", ("blobs/sha256",)), ("oci", ("index.json",)),
                        ("oci", ("oci-layout",)), ("dir", ("version",)), ("dir", ("manifest.json",))):
        top = tempfile.mkdtemp(dir=WORK, prefix="dest-")
        if kind == "dir" and links != ("version",):
            write_tree(top, {"version": "Directory Transport Version: 1.1\n"})
        for link in links:
            os.makedirs(os.path.dirname(os.path.join(top, link)), exist_ok=True)
            os.symlink(CANARY if "blobs" in link else CANARY + "/victim", os.path.join(top, link))
        for fmt in ("push", "save"):
            counts[0] += 1
            if fmt == "push":
                p = bryo("push", "-q", name, kind + ":" + top)
            else:
                p = bryo("save", "-q", "--format", {"oci": "oci-dir", "dir": "docker-dir"}[kind],
                         "-o", top, name)
            what = "%s to %s with %s a link" % (fmt, kind, links)
            if snapshot() != before:
                fail(what, "the canary changed")
            if p.returncode not in (0, 125):
                fail(what, "exit %d %r" % (p.returncode, p.stderr))
    bryo("rmi", "-fa")


def layouts(files, layer):
    """The same as a directory: here the names are the host's own."""
    for name in ("index.json", layer, "oci-layout", "blobs/sha256", None):
        for kind in ("symlink", "fifo", "dangling"):
            top = tempfile.mkdtemp(dir=WORK, prefix="layout-")
            for path, data in files.items():
                full = os.path.join(top, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "wb") as f:
                    f.write(data)
            if name:
                subprocess.run(["rm", "-rf", os.path.join(top, name)], check=True)
                if kind == "fifo":
                    os.mkfifo(os.path.join(top, name))
                else:
                    os.symlink(CANARY + ("/secret" if kind == "symlink" else "/none"),
                               os.path.join(top, name))
            before = snapshot()
            try:
                check("layout, %s a %s" % (name, kind), bryo("pull", "oci:" + top), before,
                      None if name == "oci-layout" else not name)
            except subprocess.TimeoutExpired:
                fail("layout, %s a %s" % (name, kind), "hangs")


def main():
    os.makedirs(CANARY)
    os.mkdir(STORE, 0o700)
    for name, text in (("secret", SECRET), ("victim", "victim\n")):
        with open(os.path.join(CANARY, name), "w") as f:
            f.write(text)
    docker_cases()
    oci_cases()
    subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                 "../setup/in-userns.py"), "rm", "-rf", WORK], check=True)
    print("%d cases" % counts[0])
    for text in failures:
        print("FAILED " + text)
    sys.exit(1 if failures else 0)


main()
