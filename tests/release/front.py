"""A small front door for probes: says which side serves, and can be slow, wrong, gone, or hang up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Front(ThreadingHTTPServer):
    """`side` serves from now on, with that status, after so long; `hangs_up` instead of answering."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port: int = 0) -> None:
        self.side, self.status, self.delay_s, self.hangs_up = "blue", 200, 0.0, False
        self.connections = 0
        self.heard: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/health"

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def process_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        self.connections += 1
        super().process_request(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def do_GET(self) -> None:
        front = self.server
        front.heard.append(dict(self.headers))
        time.sleep(front.delay_s)
        if front.hangs_up:
            self.close_connection = True
            return
        self.send_response(front.status)
        self.send_header("x-served-side", front.side)
        self.send_header("x-served-version", f"{front.side}-1")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line a probe helps nobody."""


@contextmanager
def serving(port: int = 0) -> Iterator[Front]:
    with Front(port) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield front
        front.shutdown()
        thread.join()
