# SPDX-License-Identifier: Apache-2.0
"""What the hostile servers of tests (hreg.py, hpush.py) have in common.

A World is a folder with a log, counters and the ports that tests read; each
server of it answers for one origin with a handler of the caller.
"""

import http.server
import json
import pathlib
import socket
import ssl
import threading


class World:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.lock = threading.Lock()
        self.counts = {}
        self.ports = {}

    def log(self, handler, **more):
        """One line per request; @more is the caller's."""
        line = json.dumps({
            "origin": handler.origin, "method": handler.command,
            "path": handler.path, "headers": dict(handler.headers), **more})
        with self.lock, open(self.folder / "log", "a") as f:
            f.write(line + "\n")

    def count(self, what):
        """The how manieth time this is."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            return self.counts[what]

    def publish(self, *more):
        """The ports, and lines NAME=VALUE; all is there for who sees the file."""
        (self.folder / "log").touch()
        lines = ["%s=%d" % item for item in self.ports.items()]
        temporary = self.folder / "ports.new"
        temporary.write_text("\n".join(lines + list(more)) + "\n")
        temporary.rename(self.folder / "ports")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world = None
    origin = "A"

    def log_message(self, *_):
        pass

    def reset(self):
        """End with a RST instead of a FIN."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   b"\1\0\0\0\0\0\0\0")
        self.connection.close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class TlsServer(Server):
    """The handshake happens in the request's own thread."""

    context = None

    def finish_request(self, request, address):
        request.settimeout(30)
        try:
            request = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        request.settimeout(None)
        super().finish_request(request, address)


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(cert, key)
    return context


def serve(world, handler, name, address="127.0.0.1", port=0, context=None):
    """Return: the port."""
    of_name = type("H" + name, (handler,), {"world": world, "origin": name})
    server = (TlsServer if context else Server)((address, port), of_name)
    server.context = context
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def serve_two_origins(world, handler):
    """A, and B on 127.0.0.1 and 127.0.0.2."""
    world.ports["A"] = serve(world, handler, "A")
    world.ports["B"] = serve(world, handler, "B")
    serve(world, handler, "B", "127.0.0.2", world.ports["B"])
