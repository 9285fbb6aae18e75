#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server that lies, for tests of `load` and `import` of a URL.

usage: hfile.py DIR

Serves DIR/file as /ok; every other path is a case, see below.  Writes
DIR/ports (A: http on 127.0.0.1, B: http on 127.0.0.2, S: https on 127.0.0.1
with DIR/tls.crt and DIR/tls.key) and DIR/log, a JSON object per request.
"""
import http.server
import json
import pathlib
import ssl
import sys
import threading

DIR = pathlib.Path(sys.argv[1])
PORTS, COUNTS = {}, {}
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length",
                         str(len(body) if length is None else length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with LOCK:
            COUNTS[self.path] = n = COUNTS.get(self.path, 0) + 1
            with open(DIR / "log", "a") as log:
                log.write(json.dumps({"path": self.path,
                                      "headers": dict(self.headers)}) + "\n")
        data = (DIR / "file").read_bytes()
        case = self.path[1:].partition("?")[0]
        port = self.server.server_port
        targets = {
            "same": "/ok", "file": "file:///etc/passwd",
            "ftp": "ftp://127.0.0.1/ok", "loop": "/loop",
            "user": f"http://u:p@127.0.0.1:{port}/ok",
            "plain": f"http://127.0.0.1:{PORTS['A']}/ok",
            "other": f"http://127.0.0.2:{PORTS['B']}/ok", "empty": "",
        }
        if case == "ok":
            self.answer(200, data)
        elif case in targets:
            self.answer(302, Location=targets[case], Set_Cookie="a=b")
        elif case == "auth":
            self.answer(401, WWW_Authenticate='Basic realm="x"')
        elif case == "token":
            self.answer(401, WWW_Authenticate='Bearer realm='
                        f'"http://127.0.0.1:{port}/ok"')
        elif case == "later":
            self.answer(503 if n == 1 else 200, data if n > 1 else b"")
        elif case == "part":
            self.answer(206, data, Content_Range=f"bytes 0-9/{len(data)}")
        elif case == "huge":
            self.answer(200, data, length=60 << 30)
            self.close_connection = True
        elif case == "short":
            self.answer(200, data[:-5120], length=len(data))
            self.close_connection = True
        elif case == "endless":
            self.endless()
        elif case == "headers":
            self.send_response(200)
            for i in range(2000):
                self.send_header(f"X-{i}", "y" * 100)
            self.end_headers()
            self.close_connection = True
        else:
            self.answer(404, b"<html>gone</html>")

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunk = b"100000\r\n" + b"\0" * 0x100000 + b"\r\n"
        self.close_connection = True
        while True:
            try:
                self.wfile.write(chunk)
            except OSError:
                return


def serve(address, tls=None):
    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
    return server.server_port


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DIR / "tls.crt", DIR / "tls.key")
    PORTS.update(A=serve("127.0.0.1"), B=serve("127.0.0.2"),
                 S=serve("127.0.0.1", context))
    (DIR / "ports.new").write_text(
        "".join(f"{k}={v}\n" for k, v in PORTS.items()))
    (DIR / "ports.new").rename(DIR / "ports")


main()
