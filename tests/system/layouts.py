#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OCI layouts for the tests of the store, on top of the busybox image.

usage: layouts.py DIR BUSYBOX-LAYOUT
       layouts.py --serve LAYOUT PORT LOG

Each layout is one image: the layers of busybox, then what the table says.
--serve is a registry with that one image; it sends half of the largest
blob once and then nothing more, and writes a line per blob that is asked for.
"""
import gzip
import hashlib
import http.server
import io
import json
import pathlib
import sys
import tarfile
import time

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(*members):
    """(name, mode, uid, gid, content, pax headers); no content is a
    directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, mode, uid, gid, content, pax in members:
            t = tarfile.TarInfo(name)
            t.pax_headers = pax
            t.mode, t.uid, t.gid, t.mtime = mode, uid, gid, 1700000000
            if content is None:
                t.type = tarfile.DIRTYPE
                tar.addfile(t)
            else:
                t.size = len(content)
                tar.addfile(t, io.BytesIO(content))
    return out.getvalue()


def f(name, content=b"", mode=0o644, uid=0, gid=0, pax=None):
    return (name, mode, uid, gid, content, pax or {})


def d(name, mode=0o755, uid=0, gid=0):
    return (name, mode, uid, gid, None, {})


NOISE = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(200000))
TOP = layer(f("etc/top", b"top\n"), f("noise", NOISE))
BETWEEN = layer(f("etc/top", b"hidden\n"), f("etc/between", b"between\n"))
BASE = layer(d("home/u", 0o700, 1000, 1000), d("home/u/sub", 0o750, 1000, 7),
             d("tmp", 0o1777), d("opaque"), d("opaque/sub"), f("opaque/old"),
             f("opaque/sub/old"), f("etc/gone"), f("kind"), f("again", b"lower"))
IMPLIES = layer(f("home/u/sub/file"), f("tmp/file"))
HIDES = layer(f("etc/.wh.gone"), d("opaque"), f("opaque/.wh..wh..opq"),
              f("opaque/new"), d("opaque/sub"), d("kind"), f("kind/new"),
              f(".wh.again"), f("again", b"upper"))

# what a file system may lack: attributes, marks of opaque directories
ATTR = layer(d("opaque"), f("opaque/low"), d("kept"), f("kept/a"), f("kept/b"),
             f("gone"), f("old", b"old\n"),
             f("attr", b"x", pax={"SCHILY.xattr.user.bryotest": "value"}))
ATTR_HIDES = layer(d("opaque"), f("opaque/.wh..wh..opq"), f("opaque/up"),
                   f(".wh.gone"))

IMAGES = {
    "odd": [ATTR, ATTR_HIDES],
    "plain": [TOP],
    "implied": [BASE, IMPLIES],
    "whiteout": [TOP, HIDES],
    "twice": [TOP, BETWEEN, TOP],
    "many": [layer(f("many/%d" % i, b"line\n")) for i in range(200)],
}
IMAGES["whiteout"].insert(1, BASE)


class Layout:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.blobs = self.path / "blobs/sha256"

    def put(self, data):
        self.blobs.mkdir(parents=True, exist_ok=True)
        name = digest(data)
        (self.blobs / name[7:]).write_bytes(data)
        return name

    def get(self, name):
        return (self.blobs / name[7:]).read_bytes()

    def finish(self, config, layers):
        config = json.dumps(config).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": self.put(config),
                       "size": len(config)},
            "layers": layers}).encode()
        index = {"schemaVersion": 2, "manifests": [
            {"mediaType": MANIFEST, "digest": self.put(manifest),
             "size": len(manifest)}]}
        (self.path / "index.json").write_text(json.dumps(index))
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def one_manifest(layout):
    index = json.loads((layout.path / "index.json").read_text())
    return json.loads(layout.get(index["manifests"][0]["digest"]))


def make(path, base, tars):
    out = Layout(path)
    manifest = one_manifest(base)
    config = json.loads(base.get(manifest["config"]["digest"]))
    layers = manifest["layers"]
    for name in layers:
        out.put(base.get(name["digest"]))
    config.pop("history", None)
    for tar in tars:
        blob = gzip.compress(tar, 1, mtime=0)
        layers.append({"mediaType": GZIP, "digest": out.put(blob),
                       "size": len(blob)})
        config["rootfs"]["diff_ids"].append(digest(tar))
    out.finish(config, layers)


def make_all(where, busybox):
    where = pathlib.Path(where)
    base = Layout(busybox)
    for name, tars in IMAGES.items():
        make(where / name, base, tars)
    config = {"os": "linux", "architecture": json.loads(
        base.get(one_manifest(base)["config"]["digest"]))["architecture"],
        "rootfs": {"type": "layers", "diff_ids": []}}
    Layout(where / "none").finish(config, [])


def serve(path, port, log):
    layout = Layout(path)
    manifest = json.loads((layout.path / "index.json").read_text())
    manifest = layout.get(manifest["manifests"][0]["digest"])
    largest = max(json.loads(manifest)["layers"], key=lambda l: l["size"])
    stalled = []

    def note(text):
        with open(log, "a") as out:
            out.write(text + "\n")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def answer(self, code, body, kind, **headers):
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()

        def blob(self, name):
            data = layout.get(name)
            asked = self.headers.get("Range", "")
            first = int(asked[6:].split("-")[0]) if asked else 0
            note(f"GET blob {name} {asked}")
            if asked:
                self.answer(206, data[first:], "application/octet-stream",
                            Content_Range=f"bytes {first}-{len(data) - 1}/{len(data)}")
            else:
                self.answer(200, data, "application/octet-stream")
            data = data[first:]
            if name == largest["digest"] and not stalled:
                stalled.append(True)
                self.wfile.write(data[:len(data) // 2])
                self.wfile.flush()
                note("stalled")
                time.sleep(600)
            self.wfile.write(data)

        def do_GET(self):
            part = self.path.split("/")
            if self.path == "/v2/":
                self.answer(200, b"{}", "application/json")
                self.wfile.write(b"{}")
            elif part[-2] == "manifests":
                self.answer(200, manifest, MANIFEST)
                self.wfile.write(manifest)
            elif json.loads(manifest)["config"]["digest"] == part[-1]:
                data = layout.get(part[-1])
                self.answer(200, data, "application/octet-stream")
                self.wfile.write(data)
            else:
                self.blob(part[-1])

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64  # many pulls at once

    server = Server(("127.0.0.1", port), Handler)
    server.serve_forever()


if sys.argv[1] == "--serve":
    serve(sys.argv[2], int(sys.argv[3]), sys.argv[4])
else:
    make_all(sys.argv[1], sys.argv[2])
