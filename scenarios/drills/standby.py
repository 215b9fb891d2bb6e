"""Stands by while drills are held: should their run be killed, what it had begun is ended as `heal` does it.

As a program it waits for a word on its standard input. Where that ends without one, its run is no more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OVER = b"over\n"
ENDS_S = 10.0


class Unwatched(Exception):
    """Nobody would end what is begun, should this process be killed: then nothing is begun."""


@contextmanager
def standing_by(told: Sequence[str], log: Path) -> Iterator[None]:
    """`told`: the arguments of `heal`; `log`: what it says goes there."""
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "scenarios.drills.standby", *told],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,  # ctrl-C is for the runner
        )
    assert process.stdin is not None
    try:
        if process.poll() is not None:
            raise Unwatched(f"nobody stands by: see {log}")
        yield
    finally:
        try:
            process.stdin.write(OVER)
            process.stdin.close()
        except BrokenPipeError:
            pass
        process.wait(ENDS_S)


def main(told: Sequence[str]) -> None:
    if sys.stdin.buffer.readline() != OVER:
        os.execv(sys.executable, [sys.executable, "-m", "scenarios.drills", "heal", *told])


if __name__ == "__main__":
    main(sys.argv[1:])
