"""What a prober was to do and what came of it: a record a probe, of 22 bytes, written the moment its outcome is known.

A record file `NAME.bin` has a companion, `NAME.names`: a JSON line of the plan, then one for each server that was met.
Both can be read at any time, and after a crash up to the last whole record.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FORMAT = struct.Struct("<qIIHHBB")
COLUMNS = np.dtype(
    [
        ("due_us", "<i8"),  # unix time
        ("late_us", "<u4"),  # how much later than due it was sent
        ("latency_us", "<u4"),  # from when it was due to the last byte
        ("status", "<u2"),  # 0 where nobody answered
        ("served", "<u2"),  # number of who answered; 0: nobody, or nobody who said
        ("outcome", "u1"),
        ("fresh", "u1"),  # on a connection of its own
    ]
)
# Environment variable of a prober: headers that are nobody's business, as JSON; in no record and on no command line.
PRIVATE = "VERDIGRIS_PROBE_HEADERS"
LONGEST_US = 0xFFFFFFFF
MOST_SERVERS = 0xFFFF
Probes = NDArray[np.void]


class Outcome(IntEnum):
    OK = 0
    STATUS = 1  # answered, with 400 or above
    TIMEOUT = 2
    REFUSED = 3
    RESET = 4  # the connection ended before the answer did
    UNREACHABLE = 5
    NAME = 6  # does not resolve
    TLS = 7
    UNREADABLE = 8
    DROPPED = 9  # not sent: as many as may be were unanswered
    UNFINISHED = 10  # the prober was stopped before it was known


UNSEEN = (Outcome.DROPPED, Outcome.UNFINISHED)  # these say nothing about the system


class Connections(StrEnum):
    """How probes connect. Clients that stay connected may stay with whom they are connected to."""

    FRESH = "fresh"  # a connection each, as new users do
    KEPT = "kept"  # on connections that stay open, as browsers and gateways do
    BOTH = "both"  # in turns


class Served(NamedTuple):
    side: str = ""
    version: str = ""
    by: str = ""


NOBODY = Served()


@dataclass(frozen=True)
class Plan:
    """Probes come at a fixed rate whatever the system does; `timeout_s` counts from when one is sent."""

    url: str
    rate_rps: float = 50.0
    timeout_s: float = 5.0
    in_flight: int = 500
    connections: Connections = Connections.BOTH
    headers: dict[str, str] = field(default_factory=dict)
    ca: str = ""  # a PEM file to trust besides the system's authorities

    def __post_init__(self) -> None:
        if not (self.rate_rps > 0 and self.timeout_s > 0 and self.in_flight > 0):
            raise ValueError(f"a rate, a time-out and room in flight above 0, not {self}")

    @property
    def interval_us(self) -> float:
        return 1e6 / self.rate_rps

    def due_us(self, number: int) -> int:
        """When the probe of that number (from 0) is due, from the beginning."""
        return round(number * self.interval_us)

    def is_fresh(self, number: int) -> bool:
        return self.connections is Connections.FRESH or (
            self.connections is Connections.BOTH and number % 2 == 0
        )


class Record(NamedTuple):
    due_us: int
    late_us: int
    latency_us: int
    status: int
    served: int
    outcome: int
    fresh: bool


class Writer:
    """Appends, unbuffered: at a prober's rates a write each costs nothing, and nothing is lost with the process."""

    def __init__(self, path: Path, plan: Plan, began_us: int, run: str) -> None:
        self._records = path.open("xb", buffering=0)
        self._names = names_path(path).open("x", encoding="utf-8")
        self._servers = {NOBODY: 0}
        self._say({"began_us": began_us, "run": run, "plan": dataclasses.asdict(plan)})

    def write(self, record: Record) -> None:
        late_us, latency_us = min(record.late_us, LONGEST_US), min(record.latency_us, LONGEST_US)
        self._records.write(FORMAT.pack(*record._replace(late_us=late_us, latency_us=latency_us)))

    def number(self, served: Served) -> int:
        """Whoever comes after MOST_SERVERS is nobody by name."""
        found = self._servers.get(served)
        if found is None and len(self._servers) < MOST_SERVERS:
            found = self._servers[served] = len(self._servers)
            self._say({"server": found, **served._asdict()})
        return found or 0

    def _say(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), file=self._names, flush=True)

    def close(self) -> None:
        self._records.close()
        self._names.close()


def names_path(records: Path) -> Path:
    return records.with_suffix(".names")


@dataclass(frozen=True)
class Read:
    """A record file: probes in the order in which they were due, whoever answered by their numbers, and the plan."""

    probes: Probes
    servers: tuple[Served, ...]
    began_us: int
    run: str
    plan: Plan


def read(path: Path) -> Read:
    """Everything that was written so far; what is half written is left out."""
    data = path.read_bytes()  # first: every server of a record has its name written before it
    probes = np.frombuffer(data[: len(data) // FORMAT.size * FORMAT.size], COLUMNS)
    whole, _, _ = names_path(path).read_text(encoding="utf-8").rpartition("\n")
    first, *rest = [json.loads(line) for line in whole.splitlines()]
    plan = Plan(**{**first["plan"], "connections": Connections(first["plan"]["connections"])})
    servers = [NOBODY, *(Served(one["side"], one["version"], one["by"]) for one in rest)]
    in_order = probes[np.argsort(probes["due_us"], kind="stable")]
    return Read(in_order, tuple(servers), first["began_us"], first["run"], plan)
