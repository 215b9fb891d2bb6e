"""Runs over weeks: is this one out of line, and where did a change begin? For reports; it gates nothing."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FEWEST = 10  # runs before anything is said
OUT_OF_LINE = 3.5  # robust z (Iglewicz and Hoaglin 1993)
LEAST_EFFECT = 0.10
CONFIRMED_BY = 2  # further runs
MAD_TO_SIGMA = 1.4826
LEAST_SPREAD = (
    0.005  # of the median: runs that agree to the last digit must not make everything else an outlier
)


class Standing(StrEnum):
    TOO_FEW = "too few runs"
    IN_LINE = "in line"
    OUT = "out of line, not confirmed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Figure:
    """One figure of one run, e.g. the p95 of an endpoint in seconds."""

    run: str
    commit: str
    value: float


@dataclass(frozen=True)
class ChangePoint:
    """Where a change began that two more runs confirmed."""

    run: str
    commit: str
    before: float  # medians
    after: float

    @property
    def ratio(self) -> float:
        return self.after / self.before

    def __str__(self) -> str:
        way = "slower" if self.ratio > 1 else "faster"
        return f"{abs(self.ratio - 1):.0%} {way} since run {self.run} (commit {self.commit or 'unknown'})"


@dataclass(frozen=True)
class Trend:
    """What a history says of its latest run. `z` is robust: from the median, in sigmas from the median deviation."""

    standing: Standing
    z: float | None
    median: float | None
    changes: tuple[ChangePoint, ...]


def trend(figures: Sequence[Figure]) -> Trend:
    """Oldest first. Each change begins a new era, which later runs are held against."""
    changes: list[ChangePoint] = []
    era: list[Figure] = []
    at = 0
    while at < len(figures):
        nexts = figures[at : at + 1 + CONFIRMED_BY]
        sign = _sign(nexts[0].value, era)
        if sign and len(nexts) > CONFIRMED_BY and all(_sign(one.value, era) == sign for one in nexts):
            before = statistics.median(one.value for one in era)
            after = statistics.median(one.value for one in nexts)
            changes.append(ChangePoint(nexts[0].run, nexts[0].commit, before, after))
            # Until there are enough runs of the new era, only what is known of it counts.
            era = []
        era.append(figures[at])
        at += 1
    return _standing(figures, era, changes)


def _standing(figures: Sequence[Figure], era: list[Figure], changes: list[ChangePoint]) -> Trend:
    if len(figures) <= FEWEST:
        return Trend(Standing.TOO_FEW, None, None, tuple(changes))
    latest, before = figures[-1], [one for one in era if one is not figures[-1]]
    if changes and len(before) < FEWEST:
        return Trend(Standing.CHANGED, None, changes[-1].after, tuple(changes))
    standing = Standing.OUT if _sign(latest.value, before) else Standing.IN_LINE
    z = robust_z(latest.value, [one.value for one in before])
    return Trend(standing, z, statistics.median(one.value for one in before), tuple(changes))


def robust_z(value: float, others: Sequence[float]) -> float:
    median = statistics.median(others)
    spread = statistics.median(abs(one - median) for one in others) * MAD_TO_SIGMA
    return (value - median) / max(spread, LEAST_SPREAD * abs(median), 1e-12)


def _sign(value: float, era: Sequence[Figure]) -> int:
    """1 or -1 where the value is out of line with its era, in that direction; 0 where it is not, or nobody can tell."""
    if len(era) < FEWEST:
        return 0
    values = [one.value for one in era]
    median, z = statistics.median(values), robust_z(value, values)
    if abs(z) <= OUT_OF_LINE or abs(value - median) < LEAST_EFFECT * median:
        return 0
    return 1 if z > 0 else -1
