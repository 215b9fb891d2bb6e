"""Small real servers: TLS with a certificate to choose, HTTP with canned answers, one that never answers."""

from __future__ import annotations

import json
import random
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fixtures.lab.pki import Authority

Canned = Mapping[
    str, tuple[int, Any]
]  # path, without its query -> status and body: text, or what becomes JSON


def address() -> str:
    return f"127.{random.randrange(200, 251)}.{random.randrange(1, 255)}.{random.randrange(1, 255)}"


@contextmanager
def http_server(canned: Canned, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its URL. What is not canned is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                status, body = canned[self.path.partition("?")[0]]
            except KeyError:
                status, body = 404, "not here"
            raw = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.send_header("content-type", "text/plain" if isinstance(body, str) else "application/json")
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET  # noqa: N815 - the base class's way of naming

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer((address(), 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://{server.server_address[0]!s}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent_server() -> Iterator[str]:
    """`host:port` of somebody who lets callers in and then says nothing."""
    with socket.create_server((address(), 0)) as server:
        host, port = server.getsockname()
        yield f"{host}:{port}"


def nobody() -> str:
    """`host:port` where nobody listens."""
    return f"{address()}:9"


def certificate(folder: Path, *names: str, days: float = 30, begun_days_ago: float = 0) -> ssl.SSLContext:
    """A server's context with a certificate of the authority in `folder`, which is made where there is none."""
    authority = Authority.load(folder) if (folder / "ca.key").exists() else Authority.create(folder)
    begun = datetime.now(UTC) - timedelta(days=begun_days_ago)
    authority.issue(list(names), days=days, not_before=begun).write(folder, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context
