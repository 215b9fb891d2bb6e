"""What a drill on a database stands on, and the note of what it is doing there, written before it is done.

A drill that is killed leaves its note. Whoever comes next reads it and ends what was begun: `heal`.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import psycopg

from fixtures.platforms.postgres.backups import BaseBackups, Recovery
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

    def beside(self, data: Path) -> contextlib.AbstractContextManager[BesideServer]:
        """That folder, recovered, at an address that no client knows; ended in order."""
        ...

    def abandon(self, data: Path) -> None:
        """End whatever runs on that folder, and delete it: a restore that was not finished."""
        ...

    def connect(self, database: str) -> Connection: ...


class BesideServer(Protocol):
    def connect(self, database: str) -> Connection: ...


@dataclass(frozen=True)
class Note:
    """What a drill is about to do. Paths are absolute. `aside`: where the original went, untouched; `restored`: where a
    backup is being laid out; `until_s`: the moment to go back to."""

    drill: str
    original: str
    aside: str = ""
    restored: str = ""
    until_s: float | None = None
    is_harmed: bool = False  # the original itself is being changed
    table: str = ""  # "DATABASE TABLE" whose absence is the harm


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


def heal(ground: Ground, ledger: Ledger) -> str:
    """End what a killed drill began; what was done, in words, "" where there was nothing. Can be asked again and again.

    The untouched original comes first: nothing is lost with it. Only where it was harmed, a backup is restored.
    """
    note = ledger.note()
    if note is None:
        return ""
    original, aside, restored = Path(note.original), Path(note.aside), Path(note.restored)
    done = "nothing had been done yet"
    named = [Path(one) for one in (note.original, note.aside, note.restored) if one]
    if named and ground.is_serving() and not any(one.exists() for one in named):
        done = "the server that it was held on is no more, and another one serves"
    elif note.restored and ground.data() == restored:
        ground.serve(restored)
        done = "the restored data serve"
    elif note.aside and aside.exists() and not original.exists():
        aside.rename(original)
        ground.serve(original)
        done = "the original was put back"
    elif note.is_harmed and not _is_spared(ground, note):
        done = f"restored from {_restored_anew(ground, note, ledger)}"
    elif note.original:
        ground.serve(original)
        done = "the original serves"
    if note.restored and ground.data() != restored and restored.exists():
        ground.abandon(restored)
    ledger.settle()
    return done


def _is_spared(ground: Ground, note: Note) -> bool:
    """Whether the harm that was noted had not been done when the drill was killed."""
    database, _, table = note.table.partition(" ")
    if not table or not ground.is_serving():
        return False
    with ground.connect(database) as link:
        return link.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)


def _restored_anew(ground: Ground, note: Note, ledger: Ledger) -> str:
    from scenarios.drills.comeback import newest_sound

    backup, _ = newest_sound(ground.backups, note.until_s)
    into = fresh(Path(note.original))
    if note.restored and Path(note.restored).exists():
        ground.abandon(Path(note.restored))
    ledger.update(restored=str(into))
    ground.hold()
    ground.backups.restore(backup, into, Recovery(note.until_s, Path(note.original) / "pg_wal"))
    with ground.beside(into):
        pass
    ground.serve(into)
    return backup.id


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
