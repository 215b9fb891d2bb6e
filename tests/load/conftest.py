"""The tiny server, running, and what it says it has counted."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

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


@pytest.fixture
def server() -> Iterator[Server]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.load.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Server(process, f"http://127.0.0.1:{port}")
        process.kill()
