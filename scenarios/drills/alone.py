"""One run at a time holds drills in a place; whoever comes next ends what one that was killed had begun."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenarios.drills.practice import Practice


class AnotherHolds(Exception):
    """Somebody else holds drills here at this moment."""


@contextmanager
def alone(note: Path) -> Iterator[None]:
    """`note`: the file of whoever holds a drill. Raises AnotherHolds."""
    note.parent.mkdir(parents=True, exist_ok=True)
    with note.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnotherHolds(f"another run holds drills here: {note.with_suffix('.lock')}") from error
        yield


@contextmanager
def ended(practice: Practice) -> Iterator[None]:
    """However a drill ends, also where a step of it failed: what it began is ended."""
    practice.heal()
    try:
        yield
    finally:
        practice.heal()
