# SPDX-License-Identifier: Apache-2.0
"""Archives that no tar program would write.

Raw members: any name, type, link name, pax or GNU record and any lie about
sizes, then compressed or broken as a test wants it.  No tarfile module: it
refuses or repairs half of what is needed here.
"""
import gzip
import hashlib
import io
import json
import subprocess

BLOCK = 512
FILE, LINK, SYMLINK, CHAR, BLOCKDEV, DIR, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


def raw(s):
    return s if isinstance(s, bytes) else s.encode("utf-8", "surrogateescape")


def octal(value, width):
    """A number field; bytes are taken as they are, large ones base-256."""
    if isinstance(value, bytes):
        return value[:width].ljust(width, b"\0")
    if value < 0 or value >= 8 ** (width - 1):
        body = value.to_bytes(width, "big", signed=True)
        return bytes([body[0] | 0x80]) + body[1:]
    return b"%0*o\0" % (width - 1, value)


def header(name, type=FILE, link=b"", mode=0o644, uid=0, gid=0, size=0,
           mtime=1700000000, major=0, minor=0, magic=b"ustar\x0000",
           bad_sum=False):
    h = bytearray(BLOCK)

    def put(at, data, width):
        h[at:at + len(data[:width])] = data[:width]

    put(0, raw(name), 100)
    put(100, octal(mode, 8), 8)
    put(108, octal(uid, 8), 8)
    put(116, octal(gid, 8), 8)
    put(124, octal(size, 12), 12)
    put(136, octal(mtime, 12), 12)
    put(148, b" " * 8, 8)
    put(156, raw(type), 1)
    put(157, raw(link), 100)
    put(257, magic, 8)
    put(329, octal(major, 8), 8)
    put(337, octal(minor, 8), 8)
    total = sum(h) + (17 if bad_sum else 0)
    put(148, b"%06o\0 " % total, 8)
    return bytes(h)


def pad(data):
    return data + b"\0" * (-len(data) % BLOCK)


def pax_records(records):
    out = b""
    for key, value in (records.items() if isinstance(records, dict) else records):
        body = b" " + raw(key) + b"=" + raw(value) + b"\n"
        length = len(body)
        while length != len(body) + len(str(length)):
            length = len(body) + len(str(length))
        out += str(length).encode() + body
    return out


def pax(records, type=b"x"):
    data = records if isinstance(records, bytes) else pax_records(records)
    return header("pax", type, size=len(data)) + pad(data)


def gnu_long(text, type=b"L"):
    data = raw(text) + b"\0"
    return header("././@LongLink", type, size=len(data),
                  magic=b"ustar  \0") + pad(data)


class Tar:
    """A layer; every method returns self."""

    def __init__(self):
        self.out = io.BytesIO()

    def add(self, name, type=FILE, data=b"", records=None, size=None, **kw):
        data = raw(data)
        name = raw(name)
        link = raw(kw.pop("link", b""))
        records = dict(records or {})
        if len(name) > 100:
            records.setdefault("path", name)
        if len(link) > 100:
            records.setdefault("linkpath", link)
        if records:
            self.out.write(pax(records))
        if type == DIR:
            kw.setdefault("mode", 0o755)
        self.out.write(header(name, type, link=link,
                              size=len(data) if size is None else size, **kw))
        self.out.write(pad(data))
        return self

    def dir(self, name, **kw):
        return self.add(name, DIR, **kw)

    def file(self, name, data=b"x", **kw):
        return self.add(name, FILE, data, **kw)

    def symlink(self, name, target, **kw):
        return self.add(name, SYMLINK, link=target, **kw)

    def link(self, name, target, **kw):
        return self.add(name, LINK, link=target, **kw)

    def raw(self, data):
        self.out.write(data)
        return self

    def bytes(self, end=True):
        return self.out.getvalue() + (b"\0" * 2 * BLOCK if end else b"")


def gz(data, level=6):
    return gzip.compress(data, level, mtime=0)


def zst(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def filtered(data, program):
    return subprocess.run([program, "-c"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def gz_zeros(head, size, tail):
    """gzip of head, @size zeros (whole MiB) and tail, in many members."""
    return gz(head) + gz(b"\0" * (1 << 20), 9) * (size >> 20) + gz(tail)


def zst_zeros(head, size, tail):
    """The same as zstd frames of 64 MiB."""
    return zst(head) + zst(b"\0" * (64 << 20)) * (size >> 26) + zst(tail)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# ---- images around layers ---------------------------------------------------

def config(diff_ids, **extra):
    return json.dumps({
        "architecture": "amd64", "os": "linux", "config": extra,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }).encode()


def docker_archive(layers, names=("localhost/hostile:latest",), paths=None,
                   manifest=None, diff_ids=None):
    """docker save's format; @paths and @manifest replace what is right."""
    conf = config(diff_ids or [digest(x) for x in layers])
    paths = paths or ["%d/layer.tar" % i for i in range(len(layers))]
    manifest = manifest or [{"Config": "config.json", "RepoTags": list(names),
                             "Layers": paths}]
    t = Tar()
    t.file("config.json", conf)
    for path, layer in zip(paths, layers):
        t.file(path, layer)
    t.file("manifest.json", json.dumps(manifest))
    return t


def oci_layout(layers, media="application/vnd.oci.image.layer.v1.tar",
               diff_ids=None, name="localhost/hostile:latest"):
    """{file name: content} of an OCI layout."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(data):
        d = digest(data)
        files["blobs/sha256/" + d[7:]] = data
        return d

    conf = config(diff_ids or [digest(x) for x in layers])
    man = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                   "digest": blob(conf), "size": len(conf)},
        "layers": [{"mediaType": media, "digest": blob(x), "size": len(x)}
                   for x in layers],
    }).encode()
    files["index.json"] = json.dumps({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": blob(man), "size": len(man),
            "annotations": {"org.opencontainers.image.ref.name": name}}],
    }).encode()
    return files
