"""Whether a load run happened as it was meant to. What a generator did badly is never held against the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.baseline.histogram import Histogram

LEAST_OFFERED = 0.99
MOST_LATE_S = 0.010  # p99
MOST_BUSY = 0.80  # of the core that a generator has, since it is one thread


@dataclass(frozen=True)
class Generated:
    """What one generator says of itself at its end."""

    name: str
    offered: int
    dropped: int
    unfinished: int
    written: int
    cpu_s: float
    busiest: float  # share of a core over its busiest stretch
    lateness: Histogram
    causes: tuple[tuple[str, str, int], ...] = ()  # endpoint, why, how often: of failures


@dataclass(frozen=True)
class Reading:
    """A server's own counters at one moment. None of what it does not count."""

    requests: int
    errors: int | None = None  # answered with 500 or more
    slow: int | None = None  # took longer than the bound that its monitoring has a bucket for

    def since(self, before: Reading) -> Reading:
        def delta(one: int | None, other: int | None) -> int | None:
            return None if one is None or other is None else one - other

        errors, slow = delta(self.errors, before.errors), delta(self.slow, before.slow)
        return Reading(self.requests - before.requests, errors, slow)


@dataclass(frozen=True)
class ServerCount:
    """What the server counted during the run. Where others use it too, it may have seen more."""

    reading: Reading
    source: str
    exclusive: bool = True

    @property
    def seen(self) -> int:
        return self.reading.requests


@dataclass(frozen=True)
class Sent:
    """What the clients saw: answers that a serving side owned up to, and requests that may have reached one."""

    least: int
    most: int


@dataclass
class Validity:
    """Reasons why the run says nothing, by kind; none: it is valid. `notes` are worth reading and no reason.

    Kinds: lost, silent, offered, late, busy, in flight, kept, counted.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lateness_p99_s: float | None = None
    busiest: float = 0.0
    offered_share: float | None = None

    @property
    def valid(self) -> bool:
        return not self.reasons

    def __str__(self) -> str:
        return "; ".join(self.reasons.values()) or "valid"


@dataclass(frozen=True)
class Ended:
    """A run's end, as its generators report it. `planned`: arrivals due until then, None of a closed model."""

    generators: Sequence[Generated]
    lost: Sequence[str]  # generators that did not report
    planned: int | None
    kept: int  # samples that are there to be judged


def judge(ended: Ended, counted: tuple[Sent, ServerCount] | None = None) -> Validity:
    found, generators = Validity(), ended.generators
    if ended.lost:
        names = " and ".join(ended.lost)
        found.reasons["lost"] = f"generator {names} was lost during the run, and samples with it"
    if not generators:
        return found
    _offered(found, generators, ended.planned)
    _late(found, generators)
    _busy(found, generators)
    if left := sum(one.unfinished for one in generators):
        found.reasons["in flight"] = f"{left} requests were still in flight when the run had ended"
    written = sum(one.written for one in generators)
    if not ended.lost and written != ended.kept:
        found.reasons["kept"] = f"{written} samples were recorded, and {ended.kept} arrived"
    if counted is not None:
        _agreed(found, *counted)
    return found


def _offered(found: Validity, generators: Sequence[Generated], planned: int | None) -> None:
    if not planned:
        return
    offered = sum(one.offered for one in generators)
    found.offered_share = offered / planned
    if offered < LEAST_OFFERED * planned:
        found.reasons["offered"] = (
            f"only {offered} of {planned} requests were sent ({found.offered_share:.1%})"
        )
    if dropped := sum(one.dropped for one in generators):
        found.notes.append(f"{dropped} requests found no room and count as failures")


def _late(found: Validity, generators: Sequence[Generated]) -> None:
    together = Histogram()
    for one in generators:
        together.merge(one.lateness)
    late_us = together.quantile(0.99)
    if late_us is None:
        found.reasons["silent"] = "no request was sent"
        return
    found.lateness_p99_s = late_us / 1e6
    if found.lateness_p99_s > MOST_LATE_S:
        found.reasons["late"] = (
            f"the generator was late: p99 {late_us / 1000:.1f} ms, and {MOST_LATE_S * 1000:g} ms is what may be"
        )


def _busy(found: Validity, generators: Sequence[Generated]) -> None:
    found.busiest = max(one.busiest for one in generators)
    for one in generators:
        if one.busiest > MOST_BUSY:
            found.reasons["busy"] = (
                f"generator {one.name} kept its core {one.busiest:.0%} busy, and {MOST_BUSY:.0%} is what may be: "
                "use more of them (--load-workers)"
            )


def _agreed(found: Validity, sent: Sent, server: ServerCount) -> None:
    most = sent.most if server.exclusive else server.seen
    if sent.least <= server.seen <= most:
        return
    between = f"{sent.least}" if sent.least == sent.most else f"{sent.least} to {sent.most}"
    found.reasons["counted"] = (
        f"the clients sent {between} requests, and {server.source} counted {server.seen}"
    )
