#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that takes blobs and misbehaves, for tests.

usage: hpush.py DIR

Writes DIR/ports once it listens: A the registry, B another origin (on
127.0.0.1 and 127.0.0.2) that takes uploads for A, S the registry over TLS
where DIR/tls.crt and tls.key are; and DIR/log, one JSON object per request
with the length of the body that came.  What was stored whole is in
DIR/stored/HEX.

The first component of the repository is the case, see CASES.  Basic
credentials are asked for by every case but `anon`.
"""

import hashlib
import json
import sys
import threading
import time
import urllib.parse

import hserve


class World(hserve.World):
    def __init__(self, folder):
        super().__init__(folder)
        self.uploads = {}
        (self.folder / "stored").mkdir()

    def has(self, digest):
        return (self.folder / "stored" / digest.removeprefix(
            "sha256:")).exists()


class Handler(hserve.Handler):
    # ---- talking ----

    def length(self):
        return int(self.headers.get("Content-Length", "0"))

    def body(self, limit=None):
        left = self.length() if limit is None else min(limit, self.length())
        data = b""
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                break
            data += piece
            left -= len(piece)
        self.got = len(data)
        return data

    def note(self):
        """The line of this request: it stands there when the client goes on."""
        if not self.noted:
            self.noted = True
            self.world.log(self, got=self.got)

    def answer(self, status, body=b"", **headers):
        self.note()
        if getattr(self, "got", 0) < self.length():
            self.close_connection = True
            headers["Connection"] = "close"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, **headers):
        self.answer(status, json.dumps({"errors": [
            {"code": code, "message": code.lower()}]}).encode(), **headers)

    def hang_up(self):
        self.note()
        self.reset()

    # ---- routing ----

    def handle_one(self):
        self.got = 0
        self.noted = False
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        parts = url.path.strip("/").split("/")
        try:
            self.route(parts)
        except (ConnectionError, ValueError):
            self.close_connection = True
        finally:
            self.note()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_one

    def route(self, parts):
        case = parts[1] if len(parts) > 1 else ""
        self.case, _, self.how = case.partition(".")
        if self.origin in "AS" and self.case != "anon" and \
                "Authorization" not in self.headers:
            self.error(401, "UNAUTHORIZED",
                       WWW_Authenticate='Basic realm="hpush"')
            return
        if parts == ["v2"]:
            self.answer(200, b"{}")
            return
        kind = parts[-2] if parts[-1] != "uploads" else "start"
        fn = getattr(self, "on_" + kind, None)
        if fn is None:
            self.error(404, "UNSUPPORTED")
            return
        fn(parts[-1])

    # ---- blobs ----

    def on_blobs(self, digest):
        if self.case == "status" and "head" in self.how:
            self.error(int(self.how.split(".")[0]), "SAID")
        elif self.case == "headlie" or self.world.has(digest):
            self.answer(200)
        else:
            self.answer(404)

    def upload_url(self, name):
        path = "/v2/%s/x/uploads/%s?state=a%%2Bb" % (
            self.path.split("/")[2], name)
        if self.case != "loc":
            return path
        b = self.world.ports["B"]
        return {"abs": "http://127.0.0.1:%d%s" % (self.world.ports["A"], path),
                "port": "http://127.0.0.1:%d%s" % (b, path),
                "host": "http://127.0.0.2:%d%s" % (b, path),
                "user": "http://u:p@127.0.0.1:%d%s" % (b, path),
                "lan": "http://192.0.2.1%s" % path,
                "file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/x",
                "text": "/else\twhere"}.get(self.how)

    def on_start(self, _):
        n = self.world.count(self.path)
        if "mount" in self.query:
            if self.case == "mount" and self.how != "202":
                self.error(int(self.how), "DENIED")
                return
        elif self.case == "status" and "post" in self.how:
            self.error(int(self.how.split(".")[0]), "SAID")
            return
        elif self.case == "flaky" and n <= 2:
            self.error(503, "UNAVAILABLE", Retry_After="0")
            return
        name = "u%d" % self.world.count("uploads")
        self.world.uploads[name] = b""
        headers = {"Location": self.upload_url(name)}
        if headers["Location"] is None:
            headers = {}
        if self.case == "minchunk":
            headers["OCI_Chunk_Min_Length"] = 20 << 20
        self.answer(202, **headers)

    def on_uploads(self, name):
        if name not in self.world.uploads:
            self.body()
            self.error(404, "BLOB_UPLOAD_UNKNOWN")
        elif self.command == "PUT":
            self.put(name)
        elif self.command == "PATCH":
            self.patch(name)
        elif self.case == "lost":
            del self.world.uploads[name]
            self.error(404, "BLOB_UPLOAD_UNKNOWN")
        else:
            have = len(self.world.uploads[name])
            self.answer(204, Location=self.upload_url(name),
                        Range="0-%d" % max(have - 1, 0))

    def put(self, name):
        n = self.world.count(self.case + self.how + "put")
        if self.length() and self.case in ("toolarge", "pieces", "minchunk",
                                           "lost", "range", "stuck",
                                           "patchbreak"):
            self.error(405 if self.case == "pieces" else 413, "SIZE")
            return
        if self.case == "redir" and self.origin == "A":
            status, where = self.how.split(".")
            port = self.world.ports["A" if where == "same" else "B"]
            host = "192.0.2.1" if where == "lan" else "127.0.0.1"
            if where == "loop":
                port = self.world.ports["A"]
            path = self.path if where in ("port", "loop", "lan") else \
                self.path.replace("/redir.", "/anon.")
            self.answer(int(status), Location="http://%s:%d%s" % (
                host, port, path))
            return
        if self.case == "break" and self.length() and n <= int(self.how):
            self.body(self.length() // 2)
            self.hang_up()
            return
        if self.case == "deaf":
            self.note()
            time.sleep(20)
            self.hang_up()
            return
        if self.case == "digest":
            self.body()
            self.error(400, "DIGEST_INVALID")
            return
        if self.case == "token" and n == 1:
            self.error(401, "UNAUTHORIZED",
                       WWW_Authenticate='Basic realm="hpush"')
            return
        data = self.world.uploads.pop(name) + self.body()
        want = self.query["digest"][0]
        if "sha256:" + hashlib.sha256(data).hexdigest() != want:
            self.error(400, "DIGEST_INVALID")
            return
        (self.world.folder / "stored" / want[7:]).write_bytes(data)
        self.answer(201, Location="/v2/x/blobs/" + want)

    def patch(self, name):
        have = len(self.world.uploads[name])
        first = int(self.headers["Content-Range"].split("-")[0])
        if first != have:
            self.body()
            self.error(416, "RANGE", Range="0-%d" % max(have - 1, 0))
            return
        if self.case == "toolarge" and self.length() > int(self.how):
            self.error(413, "SIZE")
            return
        if self.case in ("patchbreak", "lost") and self.world.count(
                self.case + self.how) <= int(self.how or 1):
            self.world.uploads[name] += self.body(self.length() // 2)
            self.hang_up()
            return
        data = self.body()
        if self.case != "stuck":
            self.world.uploads[name] += data
        value = "0-%d" % max(len(self.world.uploads[name]) - 1, 0)
        if self.case == "range":
            value = {"more": "0-99999999999", "text": "lots", "one": "1-5",
                     "huge": "0-18446744073709551615", "none": None,
                     "bytes": "bytes=" + value}[self.how]
        headers = {"Range": value} if value else {}
        self.answer(202, Location=self.upload_url(name), **headers)

    # ---- manifests ----

    def on_manifests(self, ref):
        data = self.body()
        n = self.world.count(self.path)
        if self.case == "status" and "manifest" in self.how:
            self.error(int(self.how.split(".")[0]), "MANIFEST_INVALID")
        elif self.case == "flaky" and n == 1:
            self.error(503, "UNAVAILABLE", Retry_After="0")
        elif self.case == "liar":
            self.answer(201, Docker_Content_Digest="sha256:" + "0" * 64)
        else:
            (self.world.folder / "stored" / ref).write_bytes(data)
            self.answer(201)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    world = World(sys.argv[1])
    hserve.serve_two_origins(world, Handler)
    if (world.folder / "tls.crt").exists():
        context = hserve.tls_context(world.folder / "tls.crt",
                                     world.folder / "tls.key")
        world.ports["S"] = hserve.serve(world, Handler, "S", context=context)
    world.publish()
    threading.Event().wait()


if __name__ == "__main__":
    main()
