"""Mean times to repair and between failures, of what monitoring kept of a system's past. Pure.

Failures are few, so what they tell is bounded as counts are: with 95% confidence, exactly. Without a failure it takes
three times as long a past as is promised between two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fixtures.statistics import CONFIDENCE, lower_limit, upper_limit
from fixtures.target.bounds import Bound
from reports.figures import figure

HOLE = 2.5  # steps between two samples, beyond which the time between was not watched
ALMOST = 0.99  # of a past that counts as the whole of it


@dataclass(frozen=True)
class Past:
    """What a time was like. An outage whose begin or end nobody watched is a failure, but not one of `repaired_s`."""

    step_s: float
    watched_s: float
    failures: int
    repaired_s: tuple[float, ...]


@dataclass(frozen=True)
class Judged:
    """`value_s` is None where the past cannot tell."""

    value_s: float | None
    why: str


def outages(samples: Sequence[tuple[float, float]], step_s: float) -> Past:
    """From (unix seconds, 1 or 0) in their order, a step apart where nothing is missing. Each holds until the next."""
    watched_s, failures, repaired = 0.0, 0, list[float]()
    down_since: float | None = None  # where its begin was seen
    before: tuple[float, float] | None = None
    for at, value in samples:
        is_up = value > 0.5
        hole = before is None or at - before[0] > HOLE * step_s
        was_up = before is not None and before[1] > 0.5
        watched_s += step_s if hole or before is None else at - before[0]
        if not is_up and (hole or was_up):
            failures += 1
            down_since = None if hole else at
        if is_up and not was_up and not hole and down_since is not None:
            repaired.append(at - down_since)
        if hole and is_up:
            down_since = None
        before = (at, value)
    return Past(step_s, watched_s, failures, tuple(repaired))


def time_to_repair(seen: Past, whole_s: float) -> Judged:
    """The mean over the whole time; a shorter past may have had the easy ones only."""
    if seen.watched_s < ALMOST * whole_s:
        return Judged(None, f"{_days(seen.watched_s)} were watched, and it is asked for {_days(whole_s)}")
    if seen.failures > len(seen.repaired_s):
        unknown = seen.failures - len(seen.repaired_s)
        return Judged(None, f"of {unknown} of {seen.failures} outages nobody saw the begin or the end")
    if not seen.repaired_s:
        return Judged(0.0, f"nothing had to be repaired in {_days(seen.watched_s)}")
    mean_s = sum(seen.repaired_s) / len(seen.repaired_s)
    return Judged(mean_s, f"{len(seen.repaired_s)} outages took {figure(mean_s, 's')} each to repair")


def time_between(seen: Past, bound: Bound) -> Judged:
    """The end of what is likely that decides: the least where that keeps the bound, the most where that breaks it."""
    steps = max(seen.failures, int(seen.watched_s / seen.step_s))
    if not steps:
        return Judged(None, "nothing was watched")
    least_s = seen.step_s / upper_limit(seen.failures, steps)
    rate = lower_limit(seen.failures, steps)
    most_s = seen.step_s / rate if rate else None
    said = f"{seen.failures} failures in {_days(seen.watched_s)}"
    sure = f"{CONFIDENCE * 100:g}% sure of"
    if bound.admits(least_s):
        return Judged(least_s, f"{said}: {sure} more than {_days(least_s)} between two")
    if most_s is not None and not bound.admits(most_s):
        return Judged(most_s, f"{said}: {sure} less than {_days(most_s)} between two")
    return Judged(None, f"{said} cannot tell whether {bound.text} between two")


def _days(seconds: float) -> str:
    return f"{seconds / 86400:.1f} d" if seconds >= 86400 else f"{seconds / 3600:.1f} h"
