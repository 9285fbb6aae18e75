#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: pty.py ROWS COLUMNS INPUT COMMAND [ARG...]

Run COMMAND on a pseudo terminal of that size.  INPUT is typed line by line,
each line when the program has been quiet for a moment ("\\x04", "\\x10" and
friends in it are control keys).  What appears on the terminal is copied to
stdout; the exit code is the command's.  Ends after 60 seconds in any case.
"""
import sys

sys.path.pop(0)  # our own folder: this file is not the module "pty"

import fcntl  # noqa: E402
import os  # noqa: E402
import pty  # noqa: E402
import select  # noqa: E402
import struct  # noqa: E402
import termios  # noqa: E402
import time  # noqa: E402

QUIET = 0.4
LIMIT = 60


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    rows, columns = int(sys.argv[1]), int(sys.argv[2])
    text = sys.argv[3].encode().decode("unicode_escape").encode("latin-1")
    lines = text.splitlines(keepends=True)
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(sys.argv[4], sys.argv[4:])
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        ready, _, _ = select.select([fd], [], [], QUIET)
        if ready:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
        elif lines:
            os.write(fd, lines.pop(0))
    else:
        os.kill(pid, 9)
        print("pty.py: time is up", file=sys.stderr)
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
