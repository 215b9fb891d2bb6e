"""What a drill on a database stands on, and the note of what it is doing there, written before it is done.

A drill that is killed leaves its note. Whoever comes next reads it and ends what was begun (healing.py).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

import psycopg

from fixtures.platforms.postgres.backups import BaseBackups
from fixtures.platforms.postgres.programs import Login
from scenarios.drills.journal import sync_folder

Connection = psycopg.Connection[tuple[object, ...]]


class Ground(Protocol):
    """A database server that can be told which data to serve, and its backups."""

    @property
    def backups(self) -> BaseBackups: ...

    @property
    def databases(self) -> tuple[str, ...]:
        """Those that are to come back."""
        ...

    def data(self) -> Path:
        """The folder that is served, or was last."""
        ...

    def is_serving(self) -> bool: ...

    def kill(self) -> None:
        """The server's process, without clean-up."""
        ...

    def hold(self) -> None:
        """End serving, in order."""
        ...

    def serve(self, data: Path) -> None:
        """Serve that folder at the address that clients know, and wait until it takes writes. Raises NotRestored."""
        ...

    def beside(self, data: Path, *, archives: bool = True) -> contextlib.AbstractContextManager[BesideServer]:
        """That folder, recovered, at an address that no client knows; ended in order. `archives`: whether its log goes
        to the archive, which is for what is to be served: recovery follows the newest history that it finds there."""
        ...

    def abandon(self, data: Path) -> None:
        """End whatever runs on that folder, and delete it: a restore that is not served. What it put into the archive
        is moved out of the way of later ones."""
        ...

    def connect(self, database: str) -> Connection: ...


class BesideServer(Protocol):
    @property
    def login(self) -> Login: ...

    def connect(self, database: str) -> Connection: ...


@dataclass(frozen=True)
class Note:
    """What a drill is about to do. Paths are absolute. `aside`: where the original went, untouched; `restored`: where a
    backup is being laid out; `until_s`: the moment to go back to; `limits`: how many connections each database that
    was shut let in before."""

    drill: str
    original: str
    aside: str = ""
    restored: str = ""
    until_s: float | None = None
    is_harmed: bool = False  # the original itself is being changed
    table: str = ""  # "DATABASE TABLE" whose absence is the harm
    limits: Mapping[str, int] = field(default_factory=dict)

    def lying(self, serves: Path) -> list[Path]:
        """Folders of data that it names and that nobody is served from."""
        named = (Path(one) for one in (self.original, self.aside, self.restored) if one)
        return [path for path in dict.fromkeys(named) if path.exists() and path != serves]


class Ledger:
    """At most one drill at a time on a ground: its note, on disk before what it says is done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, note: Note) -> None:
        """Raises FileExistsError where another drill is under way, or was left."""
        with self.path.open("x") as file:
            self._put(file.fileno(), note)

    def update(self, **changes: object) -> Note:
        note = self.note()
        assert note is not None
        note = replace(note, **changes)  # type: ignore[arg-type]
        beside = self.path.with_suffix(".new")
        with beside.open("w") as file:
            self._put(file.fileno(), note)
        beside.rename(self.path)
        sync_folder(self.path.parent)
        return note

    def note(self) -> Note | None:
        """Of a drill that was killed while it opened its note, nothing was done yet."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return None
        try:
            return Note(**json.loads(text))
        except (ValueError, TypeError):
            return Note("", "")

    def settle(self) -> None:
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    def _put(self, handle: int, note: Note) -> None:
        os.write(handle, json.dumps(asdict(note)).encode())
        os.fsync(handle)
        sync_folder(self.path.parent)


def fresh(original: Path) -> Path:
    """A folder beside it that is not there yet, to restore into."""
    return _unused(original.with_name(f"{original.name.split('-restored-')[0]}-restored"))


def aside_of(original: Path) -> Path:
    """A folder beside it that is not there yet, to move it to: of an earlier drill, one may still lie there."""
    return _unused(original.with_name(f"{original.name}-aside"))


def _unused(stem: Path) -> Path:
    number = 1
    while (found := stem.with_name(f"{stem.name}-{number}")).exists():
        number += 1
    return found
