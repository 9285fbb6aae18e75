#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: archive.py LAYOUT NAME OUT

An OCI archive of a layout that mkimage.py made, its image named NAME.
"""
import io
import json
import pathlib
import sys
import tarfile

layout, name, out = sys.argv[1:]
index = json.loads((pathlib.Path(layout) / "index.json").read_text())
index["manifests"][0]["annotations"] = {
    "io.containerd.image.name": name,
    "org.opencontainers.image.ref.name": name}
data = json.dumps(index).encode()
with tarfile.open(out, "w") as tar:
    tar.add(pathlib.Path(layout) / "oci-layout", "oci-layout")
    tar.add(pathlib.Path(layout) / "blobs", "blobs")
    info = tarfile.TarInfo("index.json")
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
