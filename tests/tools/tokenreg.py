#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token server in front of docker-registry's idea of one, for tests.

usage: tokenreg.py DIR UPSTREAM

Listens on loopback, forwards /v2/ to UPSTREAM (http://host:port, a registry
without authentication) for requests that bring a token with the scope that
they need, and issues tokens at /token: to tester:secret for everything below
repository team/, to nobody else for anything but repository public/.  A token
lives LIFE seconds (DIR/life, default 60) on its own clock.  With a method in
DIR/over the token of the next such request is over in that moment, once.

Writes DIR/port once it listens, and DIR/log: one JSON object per request.
"""

import base64
import http.client
import http.server
import json
import pathlib
import re
import sys
import threading
import time
import urllib.parse

TOKENS = {}
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder = None
    upstream = None

    def log_message(self, *_):
        pass

    def log(self, **more):
        line = json.dumps({"method": self.command, "path": self.path,
                           "headers": dict(self.headers), **more})
        with LOCK, open(self.folder / "log", "a") as f:
            f.write(line + "\n")

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        # a socket that is closed with something unread resets the connection,
        # and the answer may be lost with it
        length = int(self.headers.get("Content-Length", "0"))
        while length:
            length -= len(self.rfile.read(min(length, 65536))) or length
        body = json.dumps({"errors": [{"code": code,
                                       "message": code.lower()}]}).encode()
        self.close_connection = True
        self.answer(status, body, Content_Type="application/json",
                    Connection="close",
                    WWW_Authenticate='Bearer realm="http://127.0.0.1:%d/token"'
                    ',service="tokenreg"' % self.server.server_address[1])

    def token(self, query):
        user = base64.b64decode(self.headers.get(
            "Authorization", "Basic ").split(" ")[1]).decode()
        if user and user != "tester:secret":
            self.refuse(401, "UNAUTHORIZED")
            return
        scopes = query.get("scope", [])
        granted = []
        for scope in scopes:
            kind, name, what = scope.split(":", 2)
            mine = user and (name.startswith("team/") or kind == "registry")
            if mine or (name.startswith("public/") and what == "pull"):
                granted += [(kind, name, w) for w in what.split(",")]
        life = self.folder / "life"
        with LOCK:
            name = "t%d" % len(TOKENS)
            TOKENS[name] = (time.monotonic() + (
                float(life.read_text()) if life.exists() else 60), granted)
        self.answer(200, json.dumps({"token": name,
                                     "expires_in": 60}).encode(),
                    Content_Type="application/json")

    def is_over(self, name):
        over = self.folder / "over"
        with LOCK:
            if name not in TOKENS or not over.exists() or \
                    over.read_text().strip() != self.command:
                return False
            over.unlink()
            del TOKENS[name]
            return True

    def allowed(self, url):
        name = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.is_over(name):
            return False
        until, granted = TOKENS.get(name, (0, []))
        if time.monotonic() > until:
            return False
        if url.path == "/v2/":
            return True
        if url.path == "/v2/_catalog":
            return ("registry", "catalog", "*") in granted
        name = re.match(r"/v2/(.+?)/(manifests|blobs|tags)/", url.path)
        what = "pull" if self.command in ("GET", "HEAD") else "push"
        return bool(name) and ("repository", name[1], what) in granted

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        self.log()
        if url.path == "/token":
            self.token(query)
        elif not self.allowed(url):
            self.refuse(401, "UNAUTHORIZED")
        else:
            self.forward()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def forward(self):
        length = int(self.headers.get("Content-Length", "0"))
        up = http.client.HTTPConnection(self.upstream)
        keep = {k: v for k, v in self.headers.items() if k.lower() not in
                ("authorization", "connection", "content-length")}
        if self.command in ("PUT", "POST", "PATCH"):
            keep["Content-Length"] = str(length)
        up.putrequest(self.command, self.path, skip_host=True,
                      skip_accept_encoding=True)
        for name, value in keep.items():
            up.putheader(name, value)
        up.endheaders()
        while length:
            data = self.rfile.read(min(length, 65536))
            up.send(data)
            length -= len(data)
        reply = up.getresponse()
        body = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() in ("connection", "transfer-encoding"):
                continue
            if name.lower() == "content-length" and self.command != "HEAD":
                continue
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        up.close()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Handler.folder = pathlib.Path(sys.argv[1])
    Handler.upstream = sys.argv[2].removeprefix("http://")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    (Handler.folder / "log").touch()
    temporary = Handler.folder / "port.new"
    temporary.write_text("%d\n" % server.server_address[1])
    temporary.rename(Handler.folder / "port")
    server.serve_forever()


if __name__ == "__main__":
    main()
