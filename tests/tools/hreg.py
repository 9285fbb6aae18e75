#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hostile registry for tests: plain HTTP, HTTPS, a second origin, a token
server, all in one process on loopback.

usage: hreg.py DIR

Writes DIR/ports as shell assignments once it listens:
  A   the registry, http://127.0.0.1:$A
  B   a second origin, http://127.0.0.1:$B (other port) and 127.0.0.2:$B
  P   the registry, whose /v2/ asks for a bearer token already
  S   the registry over TLS (DIR/tls.crt and .key, made by the caller)
  E   the same with DIR/expired.crt, W with DIR/sha1.crt, where they exist
  X   accepts and never says a word
  N   answers everything with a TLS alert
and DIR/log, one JSON object per request: origin, method, path, headers.

The first component of the repository is the case, see CASES; the content is
always the same: DIR/manifest, DIR/config and DIR/layer are written for the
caller to compare.  Counters are per case, so each test uses a case once.
"""

import gzip
import hashlib
import io
import json
import random
import socket
import sys
import tarfile
import threading
import time
import urllib.parse

import hserve

LAYER = random.Random(1).randbytes(1_000_000)
BIG = random.Random(2).randbytes(3_000_000)
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
    "type": "layers", "diff_ids": []}}).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


MEDIA = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = json.dumps({
    "schemaVersion": 2, "mediaType": MEDIA,
    "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
               "digest": digest(CONFIG), "size": len(CONFIG)},
    "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest(LAYER), "size": len(LAYER)}]}).encode()
BLOBS = {digest(LAYER): LAYER, digest(CONFIG): CONFIG}


# ---- images that are wrong in one way, for the image store ----------------

def tar_layer(name):
    data = BIG if name.startswith("resume") else b"hello"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


V2 = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
BAD_DIGESTS = {
    "dots": "sha256:../../../../etc/passwd", "empty": "sha256:", "none": "",
    "upper": "sha256:" + "A" * 64, "short": "sha256:" + "a" * 63,
    "long": "sha256:" + "a" * 65, "md5": "md5:" + "a" * 32,
    "sha512": "sha512:" + "a" * 64, "escape": "sha256:%2e%2e/" + "a" * 58,
    "newline": "sha256:" + "a" * 63 + "\n", "nul": "sha256:" + "a" * 63 + "\0",
}
BAD_SIZES = {"negative": "-1", "huge": "1e99", "max": "9223372036854775808",
             "text": '"12"'}


class Image:
    """A good image; a variant changes one thing before finish().

    Each has a layer of its own, so that none is in the store already.
    """

    def __init__(self, name):
        self.tar = tar_layer(name)
        self.gzip = gzip.compress(self.tar, mtime=0)
        self.config = {"architecture": "amd64", "os": "linux", "config": {},
                       "rootfs": {"type": "layers", "diff_ids": [digest(self.tar)]}}
        self.layer = {"mediaType":
                      "application/vnd.oci.image.layer.v1.tar+gzip",
                      "digest": digest(self.gzip), "size": len(self.gzip)}
        self.manifest = {"schemaVersion": 2, "mediaType": MEDIA}
        self.type = MEDIA
        self.blobs = {digest(self.gzip): self.gzip}
        self.raw = None

    def finish(self):
        data = json.dumps(self.config).encode()
        self.blobs.setdefault(digest(data), data)
        desc = {"mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(data), "size": len(data)}
        self.manifest.setdefault("config", desc)
        self.manifest.setdefault("layers", [self.layer])
        if self.raw is None:
            self.raw = json.dumps(self.manifest).encode()
        return self


ODD_CONFIGS = {
    "list": {"config": ["a"]},
    "text": {"config": "x"},
    "env": {"config": {"Env": {"A": "b"}}},
    "cmd": {"config": {"Cmd": [{}]}},
    "labels": {"config": {"Labels": ["a"]}},
    "volumes": {"config": {"Volumes": "/v"}},
    "ports": {"config": {"ExposedPorts": ["80"]}},
    "health": {"config": {"Healthcheck": ["CMD"]}},
    "os": {"os": ["linux"]},
    "created": {"created": 5},
    "history": {"history": {"created_by": "x"}},
    "comment": {"history": [{"comment": ["x"]}]},
}


def variant(name, ports):
    """The image of case m.NAME."""
    i = Image(name)
    what, _, how = name.partition("-")
    if what in ("good", "resume"):
        pass
    elif what == "both":
        i.manifest["manifests"] = [dict(i.layer)]
    elif what == "dupkeys":
        text = json.dumps(i.finish().manifest)
        i.raw = text.replace('"layers"', '"layers": [], "layers"').encode()
    elif what == "casekeys":
        text = json.dumps(i.finish().manifest)
        i.raw = text.replace('"layers"', '"Layers": [], "layers"').encode()
    elif what == "escapedkeys":
        text = json.dumps(i.finish().manifest)
        i.raw = text.replace('"layers"',
                             '"\\u006cayers": [], "layers"').encode()
    elif what == "foldedkeys":
        text = json.dumps(i.finish().manifest)
        i.raw = text.replace('"layers"',
                             '"layer\u017f": [], "layers"').encode()
    elif what == "nan":
        i.raw = json.dumps(i.finish().manifest)[:-1].encode() + b',"x":NaN}'
    elif what == "objects":
        i.config["x"] = [{}] * int(how)
    elif what == "lists":
        i.raw = json.dumps(i.finish().manifest)[:-1].encode() + \
            b',"x":[' + b"[]," * int(how) + b"[]]}"
    elif what == "values":
        i.config["x"] = [1] * int(how)
    elif what == "conf":
        i.config.update(ODD_CONFIGS[how])
    elif what == "type":
        i.type = LIST
    elif what == "schema1":
        i.type = "application/vnd.docker.distribution.manifest.v1+prettyjws"
        i.raw = b'{"schemaVersion":1,"name":"x","fsLayers":[],"history":[]}'
    elif what == "html":
        i.type, i.raw = "text/html", b"<html></html>"
    elif what == "deep":
        i.raw = b'{"schemaVersion":2,"config":' + b"[" * 10000 + \
            b"]" * 10000 + b"}"
    elif what == "layerdigest":
        i.layer["digest"] = digest(i.gzip) + "\0x" if how == "nulend" \
            else BAD_DIGESTS[how]
    elif what == "configdigest":
        i.manifest["config"] = {"digest": BAD_DIGESTS[how], "size": 10,
                                "mediaType": "x/y"}
    elif what == "listdigest":
        i.type = INDEX
        i.raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                            "manifests": [{
                                "mediaType": MEDIA, "size": 100,
                                "digest": BAD_DIGESTS[how], "platform": {
                                    "os": "linux", "architecture": arch}}
                                for arch in ("amd64", "arm64")]}).encode()
    elif what == "diffdigest":
        i.config["rootfs"]["diff_ids"] = [BAD_DIGESTS[how]]
    elif what == "size":
        text = json.dumps(i.finish().manifest)
        i.raw = text.replace('"size": %d}]' % len(i.gzip),
                             '"size": %s}]' % {
                                 "less": len(i.gzip) - 1,
                                 "more": len(i.gzip) + 1,
                                 **BAD_SIZES}[how]).encode()
    elif what == "wronglayer":
        i.blobs[digest(i.gzip)] = bytes(len(i.gzip))
    elif what == "wrongconfig":
        data = json.dumps(i.config).encode()
        i.blobs[digest(data)] = data.replace(b"linux", b"Linux")
    elif what == "diffid":
        i.config["rootfs"]["diff_ids"] = [digest(b"other")]
    elif what == "count":
        i.config["rootfs"]["diff_ids"] = [digest(i.tar)] * int(how)
    elif what == "layers":
        i.manifest["layers"] = [i.layer] * int(how)
        i.config["rootfs"]["diff_ids"] = [digest(i.tar)] * int(how)
    elif what == "history":
        i.config["history"] = [{"created_by": "x"}] * int(how)
    elif what == "bigindex":
        i.type = INDEX
        i.raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                            "manifests": [{
                                "mediaType": MEDIA, "size": 100,
                                "digest": "sha256:%064x" % n, "platform": {
                                    "os": "plan9", "architecture": "vax"}}
                                for n in range(int(how))]}).encode()
    elif what == "nested":
        i.type = INDEX
        raw = i.finish().raw
        for _ in range(int(how)):
            i.blobs[digest(raw)] = raw
            raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                              "manifests": [{
                                  "mediaType": INDEX, "size": len(raw),
                                  "digest": digest(raw), "platform": {
                                      "os": "linux", "architecture": arch}}
                                  for arch in ("amd64", "arm64")]}).encode()
        i.raw = raw
    elif what == "urls":
        i.layer["urls"] = ["http://127.0.0.1:%d/elsewhere/x" % ports["B"]]
        i.blobs = {}
    else:
        raise KeyError(name)
    return i.finish()


class Handler(hserve.Handler):
    # ---- answers ----

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name.replace("_", "-"), str(one))
        if not any(n.lower() == "content-length" for n in
                   (h.replace("_", "-") for h in headers)):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code, message, **headers):
        self.answer(status, json.dumps({"errors": [
            {"code": code, "message": message}]}).encode(),
            Content_Type="application/json", **headers)

    def raw(self, data):
        """Exactly these bytes, then the connection ends."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def blob_range(self, data):
        """Serve data, honouring Range."""
        first = self.first_byte()
        if first:
            self.answer(206, data[first:], Content_Range="bytes %d-%d/%d" % (
                first, len(data) - 1, len(data)))
        else:
            self.answer(200, data)

    def first_byte(self):
        value = self.headers.get("Range", "")
        return int(value[6:].split("-")[0]) if value.startswith(
            "bytes=") else 0

    def challenge(self, realm):
        self.error(401, "UNAUTHORIZED", "authentication required",
                   WWW_Authenticate='Bearer realm="%s",service="hreg",'
                   'scope="repository:evil:*"' % realm)

    # ---- routing ----

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        self.do_GET(self.rfile.read(length).decode())

    def do_CONNECT(self):
        self.error(407, "PROXY", "log in", Proxy_Authenticate="Basic realm=x")

    def do_GET(self, body=""):
        self.world.log(self, body=body)
        url = urllib.parse.urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        self.query = urllib.parse.parse_qs(url.query)
        if parts[0] == "token":
            self.token(parts[1])
        elif parts[0] == "elsewhere":
            self.plain("/".join(parts[1:]))
        elif parts == ["v2"] and self.origin == "P":
            self.challenge("http://127.0.0.1:%d/token/good" %
                           self.world.ports["P"])
        elif parts == ["v2"]:
            self.answer(200, b"{}")
        elif parts[0] == "v2" and len(parts) >= 4:
            case, kind, name = parts[1], parts[-2], parts[-1]
            self.case, self.kind, self.name = case, kind, name
            fn = CASES.get(case.split(".")[0], Handler.good)
            fn(self, *case.split(".")[1:])
        else:
            self.error(404, "UNSUPPORTED", "no such thing")

    def plain(self, name):
        data = MANIFEST if name == "manifest" else BLOBS.get(name)
        if data is None:
            self.error(404, "BLOB_UNKNOWN", "blob unknown")
        else:
            self.blob_range(data)

    def token(self, how):
        n = self.world.count("token." + how)
        if how == "good" or (how == "retry" and n > 1):
            self.answer(200, b'{"token":"sesame","expires_in":300}')
        elif how == "count":
            self.answer(200, b'{"access_token":"t%d","expires_in":1}' % n)
        elif how == "retry":
            self.error(503, "UNAVAILABLE", "later")
        elif how == "big":
            self.answer(200, b'{"token":"' + b"x" * (2 << 20) + b'"}')
        elif how == "newline":
            self.answer(200, b'{"token":"a\\r\\nX-Evil: 1"}')
        elif how == "html":
            self.answer(200, b"<html>", Content_Type="text/html")
        elif how == "foreign":
            self.answer(307, Location="http://127.0.0.2:%d/token/good" %
                        self.world.ports["B"])
        else:
            self.error(401, "UNAUTHORIZED", "bad credentials")

    # ---- cases ----

    def m(self, name):
        """An image of variant(), its tag is `latest`."""
        image = variant(name, self.world.ports)
        if self.kind == "manifests":
            body = image.raw if not self.name.startswith("sha256:") else \
                image.blobs.get(self.name, image.raw)
            kind = image.type if body is image.raw else \
                json.loads(body)["mediaType"]
            self.answer(200, body, Content_Type=kind,
                        Docker_Content_Digest=digest(b"a lie"))
        elif self.name not in image.blobs:
            self.error(404, "BLOB_UNKNOWN", "blob unknown")
        elif name == "resume" and self.name == digest(image.gzip) and \
                self.world.count("resume") == 1:
            self.part(image.gzip, 2_000_000)
        else:
            self.blob_range(image.blobs[self.name])

    def part(self, data, n):
        """So many bytes, then silence."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:n])
        time.sleep(60)
        self.close_connection = True

    def good(self):
        if self.kind == "manifests":
            self.answer(200, MANIFEST, Content_Type=MEDIA,
                        Docker_Content_Digest="sha256:" + "0" * 64)
        elif self.kind == "blobs" and self.name in BLOBS:
            self.blob_range(BLOBS[self.name])
        elif self.kind == "tags":
            self.answer(200, b'{"name":"x","tags":["1","2"]}')
        else:
            self.error(404, "BLOB_UNKNOWN", "blob unknown")

    def only_blobs(self):
        """True when this request is not the blob the case is about."""
        if self.kind == "blobs" and self.name == digest(LAYER):
            return False
        self.good()
        return True

    def redirect(self, status, where):
        """Manifest and blobs are elsewhere; Basic credentials wanted here."""
        if "Authorization" not in self.headers:
            self.error(401, "UNAUTHORIZED", "log in",
                       WWW_Authenticate='Basic realm="hreg"')
            return
        port = self.world.ports["B"]
        name = "manifest" if self.kind == "manifests" else self.name
        target = {
            "same": "/elsewhere/" + name,
            "port": "http://127.0.0.1:%d/elsewhere/%s" % (port, name),
            "host": "http://127.0.0.2:%d/elsewhere/%s" % (port, name),
            "scheme": "http://127.0.0.1:%d/elsewhere/%s" % (port, name),
            "user": "http://u:p@127.0.0.1:%d/elsewhere/%s" % (port, name),
            "expired": "https://127.0.0.1:%d/elsewhere/%s" % (
                self.world.ports.get("E", 0), name),
            "file": "file:///etc/passwd",
            "ftp": "ftp://127.0.0.1/x",
            "lan": "http://192.0.2.1/elsewhere/" + name,
            "loop": self.path,
            "empty": "",
            "newline": "/else\twhere",
        }[where]
        self.answer(int(status), Location=target, Set_Cookie="a=b")

    def hops(self, n):
        """A chain of n redirects."""
        at = int(self.query.get("hop", ["0"])[0])
        if at < int(n):
            self.answer(302, Location="?hop=%d" % (at + 1))
        else:
            self.good()

    def nolocation(self):
        self.answer(302)

    def bearer(self, where, how="good"):
        if self.headers.get("Authorization") == "Bearer sesame":
            self.good()
            return
        server = {"here": self.origin, "expired": "E"}.get(where, "B")
        port = self.world.ports[server]
        host = {"other": "127.0.0.2", "lan": "192.0.2.1"}.get(
            where, "127.0.0.1")
        scheme = "https" if server in "SEW" else "http"
        self.challenge("%s://%s:%d/token/%s" % (scheme, host, port, how))

    def oneuse(self):
        """Each token is good for one request."""
        used = self.world.count(
            "used." + self.headers.get("Authorization", "none"))
        if used == 1 and "Authorization" in self.headers:
            self.good()
        else:
            self.challenge("http://127.0.0.1:%d/token/count" %
                           self.world.ports["A"])

    def loop401(self):
        self.challenge("http://127.0.0.1:%d/token/good" %
                       self.world.ports[self.origin])

    def digestauth(self):
        self.answer(401, WWW_Authenticate='Digest realm="x", nonce="y"')

    def badchallenge(self):
        self.answer(401, WWW_Authenticate='Bearer realm="unfinished')

    def status(self, status, after=None):
        extra = {"Retry_After": urllib.parse.unquote(after)} if after else {}
        self.error(int(status), "SAID", "status is " + status, **extra)

    def flaky(self, status, times, after=None):
        """Fails so often, then works."""
        if self.world.count(self.case + self.kind) <= int(times):
            self.status(status, after)
        else:
            self.good()

    def date(self):
        if self.world.count("date") == 1:
            when = time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                                 time.gmtime(time.time() + 1))
            self.error(429, "TOOMANYREQUESTS", "slow down", Retry_After=when)
        else:
            self.good()

    def escapes(self):
        self.error(404, "X", "\x1b]52;c;evil\x07 red\x1b[31m \u202e \r\b\x9b")

    def bigerror(self):
        self.answer(500, b"x" * (20 << 20))

    def norange(self):
        """Cuts the first answer, then sends 200 to a Range request."""
        if self.only_blobs():
            return
        if self.world.count(self.case) == 1:
            self.cut(LAYER, len(LAYER) // 3)
        else:
            self.answer(200, LAYER)

    def wrongrange(self, how):
        if self.only_blobs():
            return
        first = self.first_byte()
        size = len(LAYER)
        value = {"shift": "bytes %d-%d/%d" % (first + 1, size - 1, size),
                 "size": "bytes %d-%d/%d" % (first, size - 2, size - 1),
                 "none": None, "text": "bytes what",
                 "short": "bytes %d-%d/%d" % (first, size - 2, size)}[how]
        if self.world.count(self.case) == 1:
            self.cut(LAYER, size // 3)
        elif value:
            self.answer(206, LAYER[first:], Content_Range=value)
        else:
            self.answer(206, LAYER[first:])

    def status416(self):
        if self.only_blobs():
            return
        if self.first_byte():
            self.answer(416)
        elif self.world.count(self.case) == 1:
            self.cut(LAYER, len(LAYER) // 3)
        else:
            self.answer(200, LAYER)

    def cut(self, data, n, first=0):
        """Say all, send n bytes, end the connection."""
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (
                first, len(data) - 1, len(data)))
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self.raw(data[first:first + n])

    def twentieths(self, how="fin"):
        """The connection breaks after each twentieth of the blob."""
        if self.only_blobs():
            return
        first, step = self.first_byte(), len(LAYER) // 20
        if first + step >= len(LAYER):
            self.blob_range(LAYER)
            return
        self.cut(LAYER, step, first)
        if how == "rst":
            self.reset()

    def nothing(self):
        """Breaks at once, each time."""
        if not self.only_blobs():
            self.cut(LAYER, 0)

    def changed(self):
        """Another blob after the resume."""
        if self.only_blobs():
            return
        first = self.first_byte()
        if first == 0:
            self.cut(LAYER, 1000)
        else:
            other = bytes(len(LAYER))
            self.answer(206, other[first:], Content_Range="bytes %d-%d/%d" % (
                first, len(LAYER) - 1, len(LAYER)))

    def length(self, n):
        if not self.only_blobs():
            self.answer(200, LAYER[:int(n)] + b"x" * (
                int(n) - len(LAYER)))

    def chunked(self, how):
        if self.only_blobs():
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = b"%x\r\n%s\r\n" % (len(LAYER), LAYER)
        self.raw({"good": body + b"0\r\n\r\n",
                  "long": body + body + b"0\r\n\r\n",
                  "short": b"3e8\r\n" + LAYER[:1000] + b"\r\n0\r\n\r\n",
                  "overflow": b"fffffffffffffffff\r\n" + LAYER,
                  "text": b"zz\r\n" + LAYER,
                  "unended": body}[how])

    def trickle(self):
        if self.only_blobs():
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(LAYER)))
        self.end_headers()
        try:
            for i in range(600):
                self.wfile.write(LAYER[i:i + 1])
                time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = True

    def stall(self):
        if not self.only_blobs():
            self.part(LAYER, 1000)

    def silent(self):
        time.sleep(60)
        self.close_connection = True

    def headers64k(self):
        self.answer(200, MANIFEST, X_Long="x" * 65000)

    def manyheaders(self):
        self.answer(200, MANIFEST, **{"X_%d" % i: "1" for i in range(10000)})

    def bigmanifest(self, how):
        body = b"{" + b" " * (5 << 20) + b"}"
        if how == "length":
            self.answer(200, body, Content_Type=MEDIA)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.raw(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    def html(self):
        self.answer(200, b"<html>welcome</html>",
                    Content_Type="text/html; charset=utf-8")

    def gzipped(self):
        if self.kind == "blobs":
            self.answer(200, BLOBS[self.name], Content_Encoding="gzip")
        else:
            self.good()

    def http09(self):
        self.raw(b"hello, I am a registry\r\n")

    def tags(self, how):
        at = int(self.query.get("last", ["0"])[0])
        if how == "pages":
            link = {} if at >= 3 else {
                "Link": '</v2/tags.pages/x/tags/list?last=%d>; rel="next"' % (
                    at + 1)}
            self.answer(200, json.dumps({"tags": ["t%d" % at]}).encode(),
                        **link)
        elif how == "loop":
            self.answer(200, b'{"tags":["a"]}', Link='<%s>; rel="next"' %
                        "/v2/tags.loop/x/tags/list?last=1")
        elif how == "foreign":
            self.answer(200, b'{"tags":["a"]}', Link='<http://127.0.0.2:%d/'
                        'v2/x/tags/list?n=1>; rel="next"' %
                        self.world.ports["B"])
        elif how == "other":
            self.answer(200, b'{"tags":["a"]}',
                        Link='</v2/other/x/tags/list?n=1>; rel="next"')
        elif how == "bad":
            self.answer(200, b'{"tags":["../../etc"]}')
        elif how == "deep":
            self.answer(200, b"[" * 10000 + b"]" * 10000)
        elif how == "null":
            self.answer(200, b'{"name":"x","tags":null}')
        elif how == "double":
            self.answer(200, b'{"tags":["a"],"tags":["b"]}')


CASES = {name: getattr(Handler, name) for name in (
    "m redirect hops nolocation bearer oneuse loop401 digestauth badchallenge status "
    "flaky date escapes bigerror norange wrongrange status416 twentieths "
    "nothing changed length chunked trickle stall silent headers64k "
    "manyheaders bigmanifest html gzipped http09 tags").split()}


def raw_server(world, name, reply):
    """Accept; say `reply` (or nothing for ever)."""
    listener = socket.create_server(("127.0.0.1", 0))
    world.ports[name] = listener.getsockname()[1]
    kept = []

    def run():
        while True:
            s, _ = listener.accept()
            kept.append(s)
            if reply:
                s.recv(1000)
                s.sendall(reply)
                s.close()
    threading.Thread(target=run, daemon=True).start()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    world = hserve.World(sys.argv[1])
    hserve.serve_two_origins(world, Handler)
    world.ports["P"] = hserve.serve(world, Handler, "P")
    for name, cert in (("S", "tls"), ("E", "expired"), ("W", "sha1")):
        file = world.folder / (cert + ".crt")
        if not file.exists():
            continue
        context = hserve.tls_context(file, world.folder / "tls.key")
        world.ports[name] = hserve.serve(world, Handler, name,
                                         context=context)
    raw_server(world, "X", None)
    raw_server(world, "N", b"\x15\x03\x03\x00\x02\x02\x28")
    (world.folder / "manifest").write_bytes(MANIFEST)
    (world.folder / "config").write_bytes(CONFIG)
    (world.folder / "layer").write_bytes(LAYER)
    world.publish("LAYER=" + digest(LAYER), "LAYER_SIZE=%d" % len(LAYER),
                  "CONFIG=" + digest(CONFIG), "CONFIG_SIZE=%d" % len(CONFIG))
    threading.Event().wait()


if __name__ == "__main__":
    main()
