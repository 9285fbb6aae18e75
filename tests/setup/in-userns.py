#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: in-userns.py COMMAND [ARG...]

Run a command as root of a fresh user namespace with the caller's full subuid
map: what removes or looks at files that belong to subuids.  Independent of
bryo on purpose: the tests' clean-up must work when bryo does not.
"""
import ctypes
import os
import pwd
import subprocess
import sys

CLONE_NEWUSER = 0x10000000


def ranges(path, own):
    me = pwd.getpwuid(os.getuid()).pw_name
    out = ["0", str(own), "1"]
    inside = 1
    for line in open(path):
        name, start, count = line.strip().split(":")
        if name in (me, str(os.getuid())):
            out += [str(inside), start, count]
            inside += int(count)
    return out


def main():
    if os.getuid() == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    ready_r, ready_w = os.pipe()
    mapped_r, mapped_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(mapped_w)
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
            os._exit(126)
        os.write(ready_w, b"x")
        os.read(mapped_r, 1)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        os.execvp(sys.argv[1], sys.argv[1:])
    os.close(ready_w)
    if not os.read(ready_r, 1):
        sys.exit("no user namespace")
    subprocess.run(["newuidmap", str(pid)] + ranges("/etc/subuid", os.getuid()),
                   check=True)
    subprocess.run(["newgidmap", str(pid)] + ranges("/etc/subgid", os.getgid()),
                   check=True)
    os.write(mapped_w, b"x")
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if len(sys.argv) < 2:
    sys.exit(__doc__)
main()
