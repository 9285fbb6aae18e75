#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make an OCI image layout from Debian packages, without a container engine.

usage: mkimage.py NAME DIR

NAME is one of the recipes below, DIR becomes the layout (oci-layout,
index.json, blobs/).  Runs as any user: package contents go from the .deb's
tar to the layer's tar, owners and modes as the package has them; nothing is
unpacked.  Maintainer scripts do not run, the recipe does by hand what they
would have done.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

ARCH = subprocess.run(["dpkg", "--print-architecture"], check=True,
                      capture_output=True, text=True).stdout.strip()
# Debian's packages still name /bin and friends; the system is usr-merged.
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
DROP = ("usr/share/doc/", "usr/share/man/", "usr/share/locale/",
        "usr/share/info/", "usr/share/lintian/", "usr/share/bug/")

LIBC = ["libc6", "libgcc-s1"]
SHELL = ["base-files", "base-passwd", "dash", "bash", "libtinfo6", "coreutils",
         "libacl1", "libattr1", "libgmp10", "libselinux1", "libpcre2-8-0",
         "sed", "grep", "procps", "libproc2-0", "libncursesw6", "libcap2",
         "libsystemd0", "liblz4-1", "liblzma5", "libzstd1", "libgcrypt20",
         "libgpg-error0", "hostname", "util-linux", "libsmartcols1"]


class Layer:
    """One layer's tar, built in memory order, written once."""

    def __init__(self):
        self.entries = {}

    def add(self, info, data=None):
        self.entries[info.name] = (info, data)

    def dir(self, name, mode=0o755, uid=0, gid=0):
        t = tarfile.TarInfo(name)
        t.type, t.mode, t.uid, t.gid = tarfile.DIRTYPE, mode, uid, gid
        self.add(t)

    def file(self, name, text, mode=0o644, uid=0, gid=0):
        data = text if isinstance(text, bytes) else text.encode()
        t = tarfile.TarInfo(name)
        t.size, t.mode, t.uid, t.gid = len(data), mode, uid, gid
        self.add(t, data)

    def link(self, name, target):
        t = tarfile.TarInfo(name)
        t.type, t.linkname, t.mode = tarfile.SYMTYPE, target, 0o777
        self.add(t)

    def hardlink(self, name, target):
        t = tarfile.TarInfo(name)
        t.type, t.linkname, t.mode = tarfile.LNKTYPE, target, 0o755
        self.add(t)

    def package(self, deb):
        tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True,
                             capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(tar)) as src:
            for m in src:
                m.name = clean(m.name)
                if m.islnk():
                    m.linkname = clean(m.linkname)
                if not m.name or m.name in MERGED or m.name.startswith(DROP):
                    continue
                if m.isdir() and m.name in self.entries:
                    continue
                m.uname = m.gname = ""
                m.pax_headers = {}
                self.add(m, src.extractfile(m).read() if m.isfile() else None)

    def tar(self):
        out = io.BytesIO()
        # Hard links come behind their targets whatever the names are.
        order = sorted(self.entries.values(),
                       key=lambda e: (e[0].islnk(), e[0].name))
        with tarfile.open(fileobj=out, mode="w",
                          format=tarfile.PAX_FORMAT) as dst:
            for info, data in order:
                info.mtime = 1700000000
                dst.addfile(info, io.BytesIO(data) if data is not None else None)
        return out.getvalue()


def clean(name):
    name = name.lstrip("./")
    first, slash, _ = name.partition("/")
    return "usr/" + name if slash and first in MERGED else name


def debs(packages, cache):
    cache.mkdir(parents=True, exist_ok=True)
    missing = [p for p in packages if not list(cache.glob(f"{p}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", "-qq"] + missing, check=True,
                       cwd=cache, stdout=subprocess.DEVNULL)
    return [str(next(cache.glob(f"{p}_*.deb"))) for p in packages]


def package_layer(packages, cache):
    layer = Layer()
    for deb in debs(packages, cache):
        layer.package(deb)
    return layer


def base_layer(cache):
    layer = package_layer(LIBC + SHELL, cache)
    for name in ("bin", "sbin", "lib", "lib64"):
        layer.link(name, "usr/" + name)
    layer.link("usr/bin/sh", "dash")
    master = layer.entries["usr/share/base-passwd/passwd.master"][1]
    group = layer.entries["usr/share/base-passwd/group.master"][1]
    layer.file("etc/passwd", master)
    layer.file("etc/group", group)
    layer.dir("tmp", 0o1777)
    layer.dir("var/tmp", 0o1777)
    layer.dir("root", 0o700)
    for name in ("proc", "sys", "dev", "run"):
        layer.dir(name)
    return layer


def busybox(cache):
    del cache
    layer = Layer()
    binary = pathlib.Path("/bin/busybox").read_bytes()
    applets = subprocess.run(["/bin/busybox", "--list"], check=True,
                             capture_output=True, text=True).stdout.split()
    for name in ("bin", "etc", "dev", "proc", "sys", "usr", "usr/bin", "var",
                 "home", "run"):
        layer.dir(name)
    layer.dir("tmp", 0o1777)
    layer.dir("root", 0o700)
    layer.file("bin/busybox", binary, 0o755)
    for applet in applets:
        if applet != "busybox":
            layer.hardlink("bin/" + applet, "bin/busybox")
    layer.file("etc/passwd",
               "root:x:0:0:root:/root:/bin/sh\n"
               "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
               "www-data:x:33:33:www-data:/var/www:/bin/false\n"
               "user:x:1000:1000:user:/home/user:/bin/sh\n"
               "nobody:x:65534:65534:nobody:/home:/bin/false\n")
    layer.file("etc/group",
               "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\naudio:x:29:user\n"
               "user:x:1000:\nnogroup:x:65534:\n")
    layer.dir("home/user", 0o755, 1000, 1000)
    return [layer], {"Cmd": ["sh"]}


def nginx(cache):
    web = package_layer(["nginx", "nginx-common"], cache)
    web.link("etc/nginx/sites-enabled/default",
             "/etc/nginx/sites-available/default")
    web.dir("var/lib/nginx", 0o755)
    web.dir("var/log/nginx", 0o755, 33, 4)
    web.link("var/log/nginx/access.log", "/dev/stdout")
    web.link("var/log/nginx/error.log", "/dev/stderr")
    page = Layer()
    page.file("var/www/html/index.nginx-debian.html",
              "<html><body><h1>nginx in bryo</h1></body></html>\n")
    return [base_layer(cache),
            package_layer(["libssl3", "zlib1g", "libcrypt1", "libpcre2-8-0"],
                          cache), web, page], {
        "Cmd": ["nginx", "-g", "daemon off;"],
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
        "Labels": {"maintainer": "bryo tests"},
    }


def debian(cache):
    return [base_layer(cache)], {"Cmd": ["bash"]}


def redis(cache):
    server = package_layer(["redis-server", "redis-tools"], cache)
    server.dir("var/lib/redis", 0o750, 999, 999)
    return [base_layer(cache),
            package_layer(["libssl3", "zlib1g", "libcrypt1", "libstdc++6",
                           "libatomic1", "libhiredis0.14", "libjemalloc2",
                           "liblua5.1-0", "liblzf1", "lua-bitop",
                           "lua-cjson"], cache), server], {
        "Cmd": ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"],
        "ExposedPorts": {"6379/tcp": {}},
        "User": "999:999",
        "WorkingDir": "/var/lib/redis",
        "Volumes": {"/var/lib/redis": {}},
    }


def python3(cache):
    libs = package_layer(["zlib1g", "libexpat1", "libssl3", "libbz2-1.0",
                          "libffi8", "libcrypt1", "libuuid1"], cache)
    python = package_layer(["python3.11-minimal", "libpython3.11-minimal",
                            "python3.11", "libpython3.11-stdlib"], cache)
    python.link("usr/bin/python3", "python3.11")
    return [base_layer(cache), libs, python], {"Cmd": ["python3"]}


def mariadb(cache):
    libs = package_layer(["libssl3", "zlib1g", "libcrypt1", "libstdc++6",
                          "libaio1", "libnuma1", "libsnappy1v5", "liburing2",
                          "liblzo2-2", "libedit2", "libbsd0", "libmd0",
                          "libncurses6", "libbz2-1.0", "gawk", "mawk",
                          "libreadline8", "libmpfr6", "libsigsegv2"], cache)
    server = package_layer(["mariadb-server-core", "mariadb-server",
                            "mariadb-client-core", "mariadb-common",
                            "mysql-common"], cache)
    server.dir("var/lib/mysql", 0o755, 999, 999)
    server.dir("run/mysqld", 0o755, 999, 999)
    server.file("etc/mysql/my.cnf", "[mysqld]\nuser=\n")
    return [base_layer(cache), libs, server], {
        "Cmd": ["sh", "-c", "mariadb-install-db --skip-test-db "
                "--auth-root-authentication-method=normal >/dev/null && "
                "exec mariadbd --bind-address=0.0.0.0"],
        "ExposedPorts": {"3306/tcp": {}},
        "User": "999:999",
        "Volumes": {"/var/lib/mysql": {}},
    }


def registry(cache):
    server = package_layer(["docker-registry"], cache)
    server.dir("var/lib/docker-registry", 0o755)
    server.file("etc/docker/registry/config.yml", """version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: /var/lib/docker-registry }
  delete: { enabled: true }
http: { addr: ":5000" }
""")
    return [base_layer(cache), server], {
        "Env": ["OTEL_TRACES_EXPORTER=none"],
        "Cmd": ["docker-registry", "serve", "/etc/docker/registry/config.yml"],
        "ExposedPorts": {"5000/tcp": {}},
    }


RECIPES = {"busybox": busybox, "nginx": nginx, "debian": debian,
           "redis": redis, "python3": python3, "mariadb": mariadb,
           "registry": registry}


class Layout:
    """An OCI image layout on disk."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text(
            '{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        (self.path / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest,
                "size": len(data)}

    def image(self, name, layers, config):
        tars = [layer.tar() for layer in layers]
        packed = [self.blob(gzip.compress(t, 6, mtime=0),
                            "application/vnd.oci.image.layer.v1.tar+gzip")
                  for t in tars]
        env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
               "/sbin:/bin"]
        document = {
            "created": "2023-11-14T22:13:20Z", "architecture": ARCH,
            "os": "linux",
            "config": {**config, "Env": env + config.get("Env", [])},
            "rootfs": {"type": "layers", "diff_ids": [
                "sha256:" + hashlib.sha256(t).hexdigest() for t in tars]},
            "history": [{"created": "2023-11-14T22:13:20Z",
                         "created_by": f"mkimage {name} layer {i}"}
                        for i in range(len(tars))],
        }
        manifest = self.blob(json.dumps({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(
                json.dumps(document).encode(),
                "application/vnd.oci.image.config.v1+json"),
            "layers": packed}).encode(),
            "application/vnd.oci.image.manifest.v1+json")
        manifest["annotations"] = {
            "org.opencontainers.image.ref.name": "latest"}
        (self.path / "index.json").write_text(json.dumps({
            "schemaVersion": 2, "manifests": [manifest]}))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in RECIPES:
        sys.exit(__doc__ + "\nrecipes: " + ", ".join(sorted(RECIPES)))
    name, target = sys.argv[1:]
    if (pathlib.Path(target) / "index.json").exists():
        return
    cache = pathlib.Path(os.environ.get("BRYO_TEST_CACHE") or
                         tempfile.gettempdir() + f"/bryo-debs-{os.getuid()}")
    layers, config = RECIPES[name](cache / "debs")
    Layout(target).image(name, layers, config)


if __name__ == "__main__":
    main()
