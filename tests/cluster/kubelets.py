"""A small kubelet and a small pod for tests of what the API server fetches: real servers on loopback."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fixtures.lab.layout import KUBELET_PORT, Layout


class Kubelet(BaseHTTPRequestHandler):
    """Two lines of log; where it is followed, one more."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.endswith("/starting"):
            self._answer(400, b'container "starting" in pod "p" is waiting to start: ContainerCreating')
            return
        lines = [f"{path} {query}\n".encode(), b"second\n"]
        if "follow=true" not in query:
            self._answer(200, b"".join(lines))
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in [*lines, b"third\n", b""]:
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Pod(Kubelet):
    """Tells what it was asked."""

    def do_GET(self) -> None:
        self._answer(200, f"{self.command} {self.path} token={self.headers.get('Authorization')}".encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(418, b"posted " + body)


@contextlib.contextmanager
def served(
    handler: type[BaseHTTPRequestHandler], address: tuple[str, int], trust: ssl.SSLContext | None = None
) -> Iterator[None]:
    server = ThreadingHTTPServer(address, handler)
    server.daemon_threads = True
    if trust:
        server.socket = trust.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def kubelet(layout: Layout) -> Iterator[str]:
    """On the address of node 1, which it returns; with the certificate that the lab gave it."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(layout.pki / "kubelet.crt", layout.pki / "kubelet.key")
    with served(Kubelet, (layout.node_ip(1), KUBELET_PORT), trust):
        yield layout.node_ip(1)
