"""One record a request, in 24 bytes: kept for every sample, because quantiles of summaries are not quantiles.

A record file has a companion, `NAME.names`, with a JSON line for each endpoint and side when it is first seen; both are
readable after a crash up to the last whole record. Nothing here needs numpy, so a generator's process stays small.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple, TextIO

FORMAT = struct.Struct("<qIIIHBB")  # due ns, late µs, latency µs, size B, status, endpoint, mark
SIZE = FORMAT.size
FLUSH_AT = 64 * 1024
LONGEST_US = 0xFFFFFFFF  # 71 minutes; longer ones are kept as this
NO_SIDE = ""
STEP = "REPORT"  # the method under which a scenario times a whole that is more than one request
MOST_ENDPOINTS, MOST_ASKED, MOST_SERVED = 256, 4, 8


class Outcome(IntEnum):
    OK = 0
    ERROR = 1  # answered with a status of 500 or more
    REFUSED = 2  # answered, and not as it should have been: another status, or a check of the scenario's
    UNANSWERED = 3  # sent, and nothing came back: refused, reset, timed out
    DROPPED = 4  # due, and not sent, because as many as may be were in flight
    UNFINISHED = 5  # still in flight when the run had ended and everybody had been waited for
    BROKEN = 6  # the scenario's own code raised


class Record(NamedTuple):
    """`due_ns` counts from zero, `latency_us` from the due moment to the last byte, so it includes `late_us`."""

    due_ns: int
    late_us: int
    latency_us: int
    size: int
    status: int  # 0 where nobody answered
    endpoint: int
    mark: int

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.mark & 7)


def mark(outcome: int, asked: int, served: int) -> int:
    """Outcome (3 bits), the side that was asked for (2) and the side that answered (3), in one byte."""
    return outcome | asked << 3 | served << 5


MORE = (
    "(more)"  # what comes when a record has no number left: give requests with ids in their path one `name`
)


class Names:
    """Numbers for endpoints and sides, in the order in which they are first seen, written down at once."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self.endpoints: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.served: dict[str, int] = {NO_SIDE: 0}
        self.steps: set[str] = set()  # endpoints that no server saw: the scenario's own measurements

    def endpoint(self, name: str, step: bool = False) -> int:
        found = self.endpoints.get(name)
        if found is None:
            if step:
                self.steps.add(name)
            found = self._new("endpoint", self.endpoints, name, MOST_ENDPOINTS, step)
        return found

    def asked_side(self, name: str) -> int:
        found = self.asked.get(name)
        return self._new("asked", self.asked, name, MOST_ASKED) if found is None else found

    def served_side(self, name: str) -> int:
        found = self.served.get(name)
        return self._new("served", self.served, name, MOST_SERVED) if found is None else found

    def _new(self, kind: str, table: dict[str, int], name: str, most: int, step: bool = False) -> int:
        if len(table) >= most - 1:
            if MORE in table:
                return table[MORE]
            name = MORE
        table[name] = len(table)
        if self._out is not None:
            print(json.dumps({kind: name, "number": table[name], "step": step}), file=self._out, flush=True)
        return table[name]

    @classmethod
    def read(cls, path: Path) -> Names:
        names = cls()
        tables = {"endpoint": names.endpoints, "asked": names.asked, "served": names.served}
        for line in path.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            kind = next(key for key in tables if key in said)
            tables[kind][said[kind]] = said["number"]
            if said["step"]:
                names.steps.add(said[kind])
        return names


class Writer:
    """Appends records to a file through a buffer; `flush` before anyone reads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._names_file = names_path(path).open("w", encoding="utf-8")
        self._buffer = bytearray()
        self.names = Names(self._names_file)
        self.written = 0

    def write(self, record: Record) -> None:
        self._buffer += FORMAT.pack(*record)
        self.written += 1
        if len(self._buffer) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        self._file.write(self._buffer)
        self._buffer.clear()

    def close(self) -> None:
        self.flush()
        self._file.close()
        self._names_file.close()


def names_path(records: Path) -> Path:
    return records.with_suffix(".names")


def read(path: Path) -> Iterator[Record]:
    """Every whole record of a file; what a killed process half wrote is left out."""
    data = path.read_bytes()
    whole = memoryview(data)[: len(data) // SIZE * SIZE]
    return (Record._make(fields) for fields in FORMAT.iter_unpack(whole))
