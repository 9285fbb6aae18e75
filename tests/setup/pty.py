#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: pty.py ROWS COLUMNS INPUT COMMAND [ARG...]

Run COMMAND on a pseudo terminal of that size.  INPUT is typed line by line,
each line when the program has been quiet for a moment and shows that it
listens: it took the terminal over, or it wrote something since the last line
("\\x04", "\\x10" and friends in it are control keys).  What appears on the
terminal is copied to stdout; the exit code is the command's.  Ends after 200
seconds in any case.

Keys without an end of line wait until the terminal is the program's: before
that they would be edited away ("\\x11" lets output go on) or never arrive.
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
PATIENCE = 25  # times QUIET, for a program that shows nothing
LIMIT = 200
# what a terminal that nobody took over hands on: ^C and ^D among them
LINE_ENDS = (b"\n", b"\r", b"\x03", b"\x04", b"\x1a", b"\x1c")


def cooked(fd):
    return termios.tcgetattr(fd)[3] & termios.ICANON


def echoed(fd, line):
    """How much of LINE the terminal itself will show."""
    if not cooked(fd) or not termios.tcgetattr(fd)[3] & termios.ECHO:
        return 0
    return len(line) + line.count(b"\n")


def is_time(fd, line, shown, quiet):
    """Would the program get LINE now?"""
    if not cooked(fd):
        return True
    return line[-1:] in LINE_ENDS and (shown > 0 or quiet > PATIENCE)


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
    shown = 0  # since the last line, but for its echo
    quiet = 0
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
            shown += len(data)
            quiet = 0
        elif lines:
            quiet += 1
            if is_time(fd, lines[0], shown, quiet):
                line = lines.pop(0)
                shown = -echoed(fd, line)
                quiet = 0
                os.write(fd, line)
    else:
        os.kill(pid, 9)
        print("pty.py: time is up", file=sys.stderr)
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
