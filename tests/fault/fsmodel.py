# SPDX-License-Identifier: Apache-2.0
"""What a disk may hold after a power cut.

Reads the log of tests/tools/fsrec.c and gives, for moments of it, trees of
files that a file system may show when it is mounted again.

Theory of operation

The log is an ordered list of changes, each of them to one file (its bytes, its
size, its attributes) or to one or two directories (an entry more, less,
another; a rename is both at once).  A change is durable as soon as the file or
one of the directories is synced after it, or everything is (syncfs).  POSIX
promises no more, so no more is used: syncing a new file does not make its
name durable.  What is not durable at the moment of the cut may have reached
the disk or not:

  lost    none of it
  all     all of it: what kill -9 leaves
  names   directories and attributes, but no bytes: delayed allocation; a file
          that was not synced is empty, or has its size and reads as zeros
  mixed   by chance: of each directory's changes some of the first ones (their
          order is kept, that of two directories is not), of each file's bytes
          any; what reached only the size reads as zeros

It cannot show sectors torn in the middle of one write, disks that lie about
what they have written, or what is written through a shared memory map; of the
latter only SQLite's shared index is allowed, which no one believes after a
crash.
"""
import os
import pathlib
import stat

FOREVER = float("inf")
EXCHANGE = 2


class Node:
    """One inode; @entries as the running system sees them"""

    def __init__(self, mode, target=None, rdev=0):
        self.mode, self.target, self.rdev = mode, target, rdev
        self.entries = {}

    @property
    def is_dir(self):
        return stat.S_ISDIR(self.mode)


class Change:
    """@nodes: what has to be synced, one of them is enough"""

    def __init__(self, at, kind, nodes, *data):
        self.at, self.kind, self.nodes, self.data = at, kind, nodes, data
        self.durable = FOREVER


class Log:
    """@changes in order; @moments: times worth a cut; @exits: [(time, code)]"""

    def __init__(self, path, root):
        self.path = pathlib.Path(path)
        self.root = Node(stat.S_IFDIR | 0o700)
        st = os.stat(root)
        self.nodes = {f"{st.st_dev}:{st.st_ino}": self.root}
        self.changes, self.moments, self.exits = [], [], []
        self.pending = []
        with open(f"{path}.data", "rb") as f:
            self.bytes = f.read()
        for at, line in enumerate(self.path.read_text().splitlines()):
            verb, *words = line.split()
            getattr(self, "on_" + verb)(at, *words)
        self.end = at + 1
        self.moments.append(self.end)

    # ---- lines of the log --------------------------------------------------

    def change(self, at, kind, nodes, *data):
        c = Change(at, kind, nodes, *data)
        self.changes.append(c)
        self.pending.append(c)

    def entries(self, at, *triples):
        """Change entries: (directory, name, node or None)"""
        for folder, name, node in triples:
            if node:
                folder.entries[name] = node
            else:
                folder.entries.pop(name, None)
        self.change(at, "entries", [t[0] for t in triples], triples)

    def add(self, at, parent, ino, name, node):
        folder = self.nodes.get(parent)
        # what is outside may have the number of something that was inside
        self.nodes.pop(ino, None)
        if folder is None:
            return
        self.nodes[ino] = node
        self.entries(at, (folder, text(name), node))

    def on_create(self, at, parent, ino, mode, name):
        folder = self.nodes.get(parent)
        known = folder and folder.entries.get(text(name))
        if known and self.nodes.get(ino) is known:
            return
        self.add(at, parent, ino, name, Node(int(mode, 8)))

    def on_mkdir(self, at, parent, ino, mode, name):
        self.add(at, parent, ino, name, Node(int(mode, 8)))

    def on_mknod(self, at, parent, ino, mode, rdev, name):
        self.add(at, parent, ino, name, Node(int(mode, 8), rdev=int(rdev)))

    def on_symlink(self, at, parent, ino, target, name):
        self.add(at, parent, ino, name,
                 Node(stat.S_IFLNK | 0o777, target=text(target)))

    def on_link(self, at, parent, ino, name):
        folder, node = self.nodes.get(parent), self.nodes.get(ino)
        if folder and node:
            self.entries(at, (folder, text(name), node))

    def on_unlink(self, at, parent, name):
        folder = self.nodes.get(parent)
        if folder and text(name) in folder.entries:
            self.entries(at, (folder, text(name), None))

    def on_rename(self, at, parent, parent2, flags, name, name2):
        a, b = self.nodes.get(parent), self.nodes.get(parent2)
        name, name2 = text(name), text(name2)
        moved = a and a.entries.get(name)
        if moved is None:
            assert not (b and name2 in b.entries), "renamed from outside"
            return
        if b is None:
            self.entries(at, (a, name, None))
        elif int(flags) & EXCHANGE:
            self.entries(at, (a, name, b.entries[name2]), (b, name2, moved))
        elif (a, name) != (b, name2):
            self.entries(at, (a, name, None), (b, name2, moved))

    def on_write(self, at, ino, offset, length, place):
        node = self.nodes.get(ino)
        if node:
            place = int(place)
            self.change(at, "bytes", [node], int(offset),
                        self.bytes[place:place + int(length)])

    def on_size(self, at, ino, size):
        node = self.nodes.get(ino)
        if node:
            self.change(at, "size", [node], int(size))

    def on_meta(self, at, ino, mode, _uid, _gid):
        node = self.nodes.get(ino)
        if node:
            self.change(at, "mode", [node], int(mode, 8))

    def on_time(self, at, ino, seconds, nanoseconds):
        node = self.nodes.get(ino)
        if node:
            self.change(at, "time", [node],
                        int(seconds) * 1000000000 + int(nanoseconds))

    def on_xattr(self, at, ino, name, value):
        node = self.nodes.get(ino)
        if node:
            value = b"" if value == "-" else bytes.fromhex(value)
            self.change(at, "xattr", [node], text(name), value)

    def on_fsync(self, at, ino):
        node = self.nodes.get(ino)
        if node:
            self.sync(at, lambda c: node in c.nodes)

    def on_syncfs(self, at):
        self.sync(at, lambda c: True)

    def on_mmap(self, at, ino):
        node = self.nodes.get(ino)
        for folder in list(self.nodes.values()):
            for name, child in folder.entries.items():
                assert child is not node or name.endswith("-shm"), \
                    f"{name} is written through a memory map"

    def on_exit(self, at, code):
        self.exits.append((at, int(code)))
        self.moments.append(at + 1)

    def sync(self, at, covers):
        self.moments += [at, at + 1]
        left = []
        for c in self.pending:
            if covers(c):
                c.durable = at
            else:
                left.append(c)
        self.pending = left

    # ---- the disk after a cut ----------------------------------------------

    def tree(self, moment, how, rng=None):
        """{path: (mode, content or target or device, time, xattrs)}"""
        disk = Disk()
        stuck = set()
        for c in self.changes:
            if c.at >= moment:
                break
            sure = c.durable < moment
            if c.kind == "bytes":
                disk.write(c, sure or how == "all" or
                           how == "mixed" and rng.random() < 0.5,
                           zeros=rng and rng.random() < 0.5)
                continue
            if not sure and how == "lost":
                continue
            if not sure and how == "mixed":
                if stuck.intersection(c.nodes) or rng.random() < 0.15:
                    stuck.update(c.nodes)
                    continue
            disk.apply(c)
        return disk.walk(self.root)


class Disk:
    def __init__(self):
        self.entries, self.content, self.xattrs = {}, {}, {}
        self.mode, self.time = {}, {}

    def write(self, change, here, zeros):
        offset, data = change.data
        content = self.content.setdefault(change.nodes[0], bytearray())
        if not here and not zeros:
            return
        if len(content) < offset + len(data):
            content.extend(bytes(offset + len(data) - len(content)))
        if here:
            content[offset:offset + len(data)] = data

    def apply(self, c):
        node = c.nodes[0]
        if c.kind == "entries":
            for folder, name, child in c.data[0]:
                self.entries.setdefault(folder, {})[name] = child
        elif c.kind == "size":
            content = self.content.setdefault(node, bytearray())
            del content[c.data[0]:]
            content.extend(bytes(c.data[0] - len(content)))
        elif c.kind == "mode":
            self.mode[node] = c.data[0]
        elif c.kind == "time":
            self.time[node] = c.data[0]
        else:
            self.xattrs.setdefault(node, {})[c.data[0]] = c.data[1]

    def walk(self, folder, prefix="", out=None):
        out = {} if out is None else out
        for name, node in sorted(self.entries.get(folder, {}).items()):
            if node is None:
                continue
            path = prefix + name
            what = bytes(self.content.get(node, b""))
            if node.target is not None:
                what = node.target
            elif stat.S_ISCHR(node.mode):
                what = node.rdev
            out[path] = (self.mode.get(node, node.mode), what,
                         self.time.get(node),
                         tuple(sorted(self.xattrs.get(node, {}).items())))
            if node.is_dir:
                self.walk(node, path + "/", out)
        return out


def text(word):
    return "" if word == "-" else os.fsdecode(bytes.fromhex(word))


def materialize(tree, root):
    """Make the files of a tree() below the directory @root.  Hard links
    become files of their own."""
    root = str(root)
    for path, (mode, what, _, xattrs) in tree.items():
        full = f"{root}/{path}"
        if stat.S_ISDIR(mode):
            os.mkdir(full, 0o700)
        elif stat.S_ISLNK(mode):
            os.symlink(what, full)
        elif stat.S_ISREG(mode):
            with open(full, "xb") as f:
                f.write(what)
        else:
            os.mknod(full, mode, what)
        for name, value in xattrs:
            os.setxattr(full, name, value)
    # from the bottom: a directory may be closed to us then
    for path, (mode, _, time, _) in reversed(tree.items()):
        if not stat.S_ISLNK(mode):
            os.chmod(f"{root}/{path}", stat.S_IMODE(mode))
        if time is not None:
            os.utime(f"{root}/{path}", ns=(time, time), follow_symlinks=False)
