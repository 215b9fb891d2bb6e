"""What clients saw of the bookings that they tried to make: each from its first word to what became of it.

In Jepsen's sense: who is told "yes" has it, who is told "no" has not, and of everything else either may be true.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    BOOKED = "booked"  # acknowledged
    TAKEN = "taken"  # refused, because somebody else has the slot
    NEVER = "never"  # surely not carried out, for another reason: nobody could be reached, the statement was undone
    UNKNOWN = "unknown"  # sent, and no answer: either may be true, now or as long as it is under way


@dataclass(frozen=True, order=True)
class Slot:
    """Somebody's time, from `begins` to before `ends`, in whatever unit the system counts it."""

    whose: int
    begins: int
    ends: int

    def __post_init__(self) -> None:
        if self.begins >= self.ends:
            raise ValueError(f"a slot ends after it begins, and this does not: {self.begins} to {self.ends}")

    def overlaps(self, other: Slot) -> bool:
        return self.whose == other.whose and self.begins < other.ends and other.begins < self.ends


@dataclass(frozen=True)
class Attempt:
    """One booking that a client wanted, with all its retries. `key` is the client's own name for it."""

    key: str
    slot: Slot
    began_s: float  # of one clock for all
    ended_s: float
    outcome: Outcome
    retries: int = 0
    lost: int = 0  # connections that broke over it

    def __post_init__(self) -> None:
        if self.ended_s < self.began_s:
            raise ValueError(f"{self.key} ended before it began")


@dataclass(frozen=True)
class Row:
    """A booking as the system has it in the end."""

    key: str
    slot: Slot


@dataclass
class History:
    """Filled by many threads at once."""

    now: Callable[[], float] = time.monotonic
    attempts: list[Attempt] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, attempt: Attempt) -> None:
        with self._lock:
            self.attempts.append(attempt)

    @property
    def lost(self) -> int:
        with self._lock:
            return sum(one.lost for one in self.attempts)
