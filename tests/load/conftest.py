"""The tiny server, running, and what it says it has counted."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.lab.pki import Authority
from scenarios.load.validity import Reading


@dataclass
class Server:
    """A running tests/load/server.py; it is a counter for the engine too."""

    process: subprocess.Popen[bytes]
    url: str
    source: str = "the server"
    exclusive: bool = True

    def read(self) -> Reading:
        with urllib.request.urlopen(f"{self.url}/count", timeout=10) as answer:
            return Reading(int(json.load(answer)["served"]))

    def behave(self, **how: float) -> None:
        query = "&".join(f"{key}={value}" for key, value in how.items())
        request = urllib.request.Request(f"{self.url}/behave?{query}", method="POST")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.load.server", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Server(process, f"http{'s' if arguments else ''}://127.0.0.1:{port}")
        process.kill()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """By TLS, with the certificate of whom to trust."""
    authority = Authority.create(tmp_path)
    authority.issue(["127.0.0.1"]).write(tmp_path, "tls")
    with serving(str(tmp_path)) as found:
        yield found, tmp_path / "ca.crt"
