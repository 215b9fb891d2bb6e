"""What was written through the product, and what it said: on disk before it counts, so that a killed drill still knows.

A line is synced before a submission is sent, so nothing that is found in the data is unexplained, and another before
its acknowledgement counts, so nothing that counts is forgotten. Times are unix seconds, of one clock that never steps.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Outcome(StrEnum):
    ACKNOWLEDGED = "acknowledged"  # the product said that it is stored
    REFUSED = "refused"  # the product said that it is not
    UNSURE = "unsure"  # no answer, or one that leaves it open: it may be stored or not


@dataclass(frozen=True)
class Write:
    """One submission and what became of it. `print` is the fingerprint of all its fields."""

    key: str
    print: str
    sent_s: float
    outcome: Outcome = Outcome.UNSURE
    answered_s: float | None = None
    id: int | None = None  # as the product calls it
    why: str = ""  # what was answered, where it was not acknowledged


class BrokenJournal(ValueError):
    """A journal that cannot be what was written: it is no evidence."""


class Clock:
    """Wall time that only goes forward: one step of it is taken at the start."""

    def __init__(self) -> None:
        self._offset_s = time.time() - time.monotonic()

    def __call__(self) -> float:
        return self._offset_s + time.monotonic()


class Journal:
    """Appends. One process writes one journal; `read` works at any time, and after a crash."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        sync_folder(path.parent)

    def sending(self, key: str, fingerprint: str, at_s: float) -> None:
        self._append({"key": key, "print": fingerprint, "sent_s": at_s})

    def answered(self, write: Write) -> None:
        said = ("key", "outcome", "answered_s", "id", "why")
        self._append({name: getattr(write, name) for name in said})

    def _append(self, line: dict[str, Any]) -> None:
        data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
        if os.write(self._file, data) != len(data):
            raise OSError("the journal could not be written in whole")
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read(path: Path) -> list[Write]:
    """Every write, in the order in which they were sent. A last line that was cut short was never synced: left out.

    Raises BrokenJournal.
    """
    writes: dict[str, Write] = {}
    for number, line in enumerate(_whole_lines(path), start=1):
        try:
            said = json.loads(line)
            key = said["key"]
            if "sent_s" in said:
                if key in writes:
                    raise BrokenJournal(f"{path}, line {number}: {key} was sent before")
                writes[key] = Write(key, said["print"], said["sent_s"])
            else:
                writes[key] = _settled(writes[key], said)
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, BrokenJournal):
                raise
            raise BrokenJournal(f"{path}, line {number}: {error!r} in {line[:100]!r}") from error
    return list(writes.values())


def _settled(write: Write, said: dict[str, Any]) -> Write:
    if write.answered_s is not None:
        raise BrokenJournal(f"{write.key} was answered before")
    return replace(
        write, outcome=Outcome(said["outcome"]), answered_s=said["answered_s"], id=said["id"], why=said["why"]
    )


def _whole_lines(path: Path) -> Iterator[str]:
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    yield from whole.decode().splitlines() if whole else ()


def put_down(file: Path, told: object) -> None:
    """As JSON, for us alone: there may be secrets in it. On disk when this returns; whoever sees the file sees all."""
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    with beside.open("w", encoding="utf-8") as opened:
        json.dump(told, opened, ensure_ascii=False)
        opened.flush()
        os.fsync(opened.fileno())
    beside.rename(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """A new file's name is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
