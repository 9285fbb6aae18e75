#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: aarch64.py CC QEMU BUILD: does what knows the machine know this one?

Compiles the sources that have code per machine for aarch64, and runs
bryo-init there: its assembly, its errors, its work as pid 1.  A few seconds;
everything else is the same C on both.
"""
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile

CC, QEMU, BUILD = sys.argv[1:4]
FLAGS = ["-D_GNU_SOURCE", "-I.", "-std=gnu17", "-Wall", "-Wextra", "-Werror"]
INIT = ["-Os", "-ffreestanding", "-fno-pie", "-fno-stack-protector",
        "-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns",
        "-nostdlib", "-static", "-no-pie"]
# headers of libraries that are the same on every machine
SHARED = ["seccomp.h", "json-c"]


def compile_sources(tmp):
    include = tmp / "include"
    include.mkdir()
    for name in SHARED:
        (include / name).symlink_to(pathlib.Path("/usr/include") / name)
    n = 0
    for area in ("util", "libpod", "network", "storage"):
        for src in pathlib.Path(area).rglob("*.c"):
            text = src.read_text()
            if "__aarch64__" not in text or src.name == "gen.c":
                continue
            subprocess.run([CC, *FLAGS, "-fsyntax-only", f"-I{include}",
                            f"-I{BUILD}/gen", "-include",
                            "util/banned.h", str(src)], check=True)
            n += 1
    if n < 3:
        sys.exit("aarch64: where did the code per machine go?")
    return n


def run(program, mode, *args):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    p = subprocess.run([QEMU, program, f"{mode}:{theirs.fileno()}", *args],
                       pass_fds=[theirs.fileno()], capture_output=True,
                       text=True, timeout=20)
    theirs.close()
    return p.returncode, p.stdout, ours.recv(4096)


def main():
    with tempfile.TemporaryDirectory() as d:
        tmp = pathlib.Path(d)
        n = compile_sources(tmp)
        init = str(tmp / "bryo-init")
        subprocess.run([CC, *FLAGS, *INIT, "-o", init,
                        "libpod/oci/init/main.c"], check=True)
        # programs of this machine: an execve goes straight to its kernel
        for mode in "ti":
            assert run(init, mode, "/bin/echo", "echo", "a", "b") == \
                (0, "a b\n", b""), mode
            assert run(init, mode, "/bin/sh", "sh", "-c", "exit 7")[0] == 7
            code, out, message = run(init, mode, "/nosuch", "name")
            assert (code, out) == (127, ""), (code, out)
            # struct sync_msg: the errno is its second word
            assert struct.unpack_from("<i", message, 4)[0] == 2, message
            assert message.endswith(b"name"), message
        assert run(init, "i", "/bin/sh", "sh", "-c", "kill -9 $$")[0] == 137
        assert subprocess.run([QEMU, init]).returncode == 125
        assert os.path.getsize(init) < 16384
    print(f"aarch64: {n} sources, bryo-init runs")


main()
