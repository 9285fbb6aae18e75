#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Docker-archives of images that were made from one another.

usage: family.py FILE NAME STEP [STEP...]

The image NAME ("" for none) has one history entry per STEP and one small
layer, except for a STEP that begins with "-": that one changes the config
only.  Two images whose first steps are the same are parent and child.
Steps are a day apart, the first on 2024-10-11 12:34:56 UTC.  A step
"label:K=V" sets a label.
"""
import datetime
import hashlib
import io
import json
import sys
import tarfile

FIRST = datetime.datetime(2024, 10, 11, 12, 34, 56)


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def layer(step):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, "step-" + step, step.encode() * 100)
    return out.getvalue()


def main():
    path, name, steps = sys.argv[1], sys.argv[2], sys.argv[3:]
    history, layers, labels, created = [], [], {}, ""
    for i, step in enumerate(steps):
        when = FIRST + datetime.timedelta(days=i)
        created = when.strftime("%Y-%m-%dT%H:%M:%SZ")
        entry = {"created": created, "created_by": step, "comment": f"c{i}"}
        if step.startswith("-"):
            entry["empty_layer"] = True
        elif step.startswith("label:"):
            key, value = step[6:].split("=", 1)
            labels[key] = value
            entry["empty_layer"] = True
        else:
            layers.append(layer(step))
        history.append(entry)
    ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]
    config = json.dumps({
        "created": created, "architecture": "amd64", "os": "linux",
        "config": {"Labels": labels, "Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": ids}, "history": history,
    }).encode()
    index = [{"Config": "config.json", "RepoTags": [name] if name else None,
              "Layers": [d[7:] + ".tar" for d in ids]}]
    with tarfile.open(path, "w") as tar:
        for digest, data in dict(zip(ids, layers)).items():
            add(tar, digest[7:] + ".tar", data)
        add(tar, "config.json", config)
        add(tar, "manifest.json", json.dumps(index).encode())
    print(hashlib.sha256(config).hexdigest())


main()
