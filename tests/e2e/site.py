"""A small real web site: each path answers as it was told to, and is counted."""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREEN = {"x-served-side": "green"}
STRICT = {"content-security-policy": "default-src 'self'"}
BIG = "<p>" + "a paragraph that is the largest thing to be painted " * 8 + "</p>"


@dataclass(frozen=True)
class Answer:
    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(GREEN))
    kind: str = "text/html"
    after_s: float = 0.0


def page(body: str = BIG, script: str = "") -> Answer:
    """Complete with icon; its script stands in a file, because its policy forbids any other."""
    head = f'<link rel="icon" href="data:,">{f"<script src={script} defer></script>" if script else ""}'
    text = f"<!doctype html><html><head><title>x</title>{head}</head><body>{body}</body></html>"
    return Answer(
        text, headers={**GREEN, **STRICT, "content-security-policy": "default-src 'self'; img-src data:"}
    )


def script(text: str) -> Answer:
    return Answer(text, kind="text/javascript", headers={**GREEN, "cache-control": "max-age=3600"})


class Site:
    """`answers` by path; `asked` counts."""

    def __init__(
        self, server: ThreadingHTTPServer, answers: dict[str, Answer], asked: Counter[str], scheme: str
    ) -> None:
        self.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        self.answers = answers
        self.asked = asked


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    answers: dict[str, Answer] = {}
    asked: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked[self.path] += 1
            answer = answers.get(self.path, Answer("nobody is here", 404))
            time.sleep(answer.after_s)
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.send_header("content-type", f"{answer.kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Not to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Site(server, answers, asked, "https" if tls else "http")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
