#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Push an OCI image layout to a registry: plain HTTP v2, nothing else.

usage: push.py DIR HOST:PORT/REPOSITORY[:TAG]
"""

import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request


def request(method, url, data=None, **headers):
    req = urllib.request.Request(url, data=data, method=method, headers={
        k.replace("_", "-"): v for k, v in headers.items()})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(req, timeout=60)


def push_blob(base, layout, desc):
    url = f"{base}/blobs/{desc['digest']}"
    try:
        request("HEAD", url)
        return
    except urllib.error.HTTPError as e:
        if e.code != 404:
            raise
    data = (layout / "blobs" / desc["digest"].replace(":", "/")).read_bytes()
    where = request("POST", f"{base}/blobs/uploads/", b"").headers["Location"]
    where = urllib.parse.urljoin(base, where)
    where += ("&" if "?" in where else "?") + "digest=" + desc["digest"]
    request("PUT", where, data, Content_Type="application/octet-stream")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    layout = pathlib.Path(sys.argv[1])
    host, _, rest = sys.argv[2].partition("/")
    repo, _, tag = rest.partition(":")
    base = f"http://{host}/v2/{repo}"
    desc = json.loads((layout / "index.json").read_text())["manifests"][0]
    raw = (layout / "blobs" / desc["digest"].replace(":", "/")).read_bytes()
    manifest = json.loads(raw)
    for d in manifest["layers"] + [manifest["config"]]:
        push_blob(base, layout, d)
    request("PUT", f"{base}/manifests/{tag or 'latest'}", raw,
            Content_Type=desc["mediaType"])


if __name__ == "__main__":
    main()
