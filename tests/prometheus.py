"""A Prometheus that answers as a test tells it to, on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Told = Mapping[str, str]  # what was asked: query, time, start, end, step


@contextmanager
def prometheus(kind: str, answer: Callable[[Told], list[Any]]) -> Iterator[str]:
    """Its URL. `kind`: vector or matrix, of which `answer` gives the results."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = {name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()}
            data = {"resultType": kind, "result": answer(told)}
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
