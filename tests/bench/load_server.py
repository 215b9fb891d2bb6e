"""A server to measure generators against, and ways to run and stop it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serving(core: int | None = None) -> Iterator[tuple[str, int]]:
    """The tests' tiny server: its URL and its process id."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.load.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        process.kill()


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))
