# SPDX-License-Identifier: Apache-2.0
"""A small image, and what a store holds: for tests that do a thing often."""
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

from engine import HERE, IMAGE

TINY = f"{IMAGE.rsplit('/', 1)[0]}/tiny"
DOCKER = "application/vnd.docker."


def tar(*members):
    """(name, content) or (name, None) for a directory"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, content in members:
            m = tarfile.TarInfo(name)
            m.mtime = 1700000000
            if content is None:
                m.type, m.mode = tarfile.DIRTYPE, 0o755
                t.addfile(m)
            elif content.startswith("->"):
                m.type, m.linkname = tarfile.SYMTYPE, content[2:]
                t.addfile(m)
            else:
                m.size, m.mode = len(content), 0o644
                t.addfile(m, io.BytesIO(content.encode()))
    return out.getvalue()


def push_tiny(folder):
    layers = [
        tar(("etc", None), ("etc/a", "a" * 3000), ("etc/b", "b"), ("bin", None),
            ("bin/x", "x" * 9000), ("bin/y", "->x")),
        tar(("etc/.wh.b", ""), ("etc/c", "c" * 5000), ("srv/only", "implied")),
    ]
    blobs = pathlib.Path(folder) / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(content, kind):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": DOCKER + kind, "size": len(content),
                "digest": f"sha256:{digest}"}

    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/x"]},
        "rootfs": {"type": "layers", "diff_ids": [
            "sha256:" + hashlib.sha256(x).hexdigest() for x in layers]}})
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": DOCKER + "distribution.manifest.v2+json",
        "config": put(config.encode(), "container.image.v1+json"),
        "layers": [put(gzip.compress(x, mtime=0),
                       "image.rootfs.diff.tar.gzip") for x in layers]})
    index = {"manifests": [put(manifest.encode(),
                               "distribution.manifest.v2+json")]}
    (pathlib.Path(folder) / "index.json").write_text(json.dumps(index))
    subprocess.run([sys.executable, HERE.parent / "images/push.py", folder,
                    TINY.replace("localhost", "127.0.0.1")], check=True)


def facts(bryo, root):
    """Everything that a user can see in it, as a set of lines."""
    out = set()

    def lines(what, *argv):
        out.update(f"{what} {x}" for x in bryo(*argv).splitlines())

    lines("image", "images", "-a", "--no-trunc", "--format",
          "{{.ID}} {{.Repository}}:{{.Tag}}")
    lines("container", "ps", "-a", "--no-trunc", "--format",
          "{{.ID}} {{.Names}} {{.State}}")
    lines("volume", "volume", "ls", "-q")
    lines("secret", "secret", "ls", "--format", "{{.ID}} {{.Name}}")
    for path in (root / "bryo/volumes").glob("*/_data/*"):
        out.add(f"file {path.name} in volume {path.parent.parent.name}: "
                f"{path.read_bytes()[:40]}")
    return out
