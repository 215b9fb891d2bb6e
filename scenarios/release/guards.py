"""Conditions and triggers of the document, each held against green over its window, and against how long it must last.

A trigger goes off when green broke it without a break for as long as the document says; where blue breaks it as well,
that is nobody's release, and going back would not help. What cannot be read neither breaks nor keeps anything, and
keeps a stage from being promoted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from fixtures.statistics import lower_limit
from fixtures.target import Bound
from reports.figures import figure
from reports.release.record import Condition
from scenarios.release.terms import Guard
from scenarios.release.watch import LEAST_COMPARED, Counts

SURE = 0.999  # of a share over its bound, before it counts as over it: a window of few answers says little


@dataclass(frozen=True)
class Seen:
    """One side's value in the base unit of the bound. `broken` None: nobody can tell; `said` why, or what was seen."""

    value: float | None
    broken: bool | None
    said: str = ""


UNSEEN = Seen(None, None, "it could not be read")


class Windowed:
    """Counts of the ticks that lie within the last so many seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._ticks: deque[tuple[float, Counts]] = deque()

    def take(self, at_s: float, counts: Counts) -> None:
        self._ticks.append((at_s, counts))
        while self._ticks[0][0] <= at_s - self._window_s:
            self._ticks.popleft()

    def seen(self, bound: Bound) -> tuple[Seen, Seen]:
        """Green's and blue's share of bad answers, as the bound speaks of it."""
        sums = [sum(column) for column in zip(*(counts for _, counts in self._ticks), strict=True)]
        if not sums:
            return UNSEEN, UNSEEN
        green, green_bad, blue, blue_bad = sums
        # Blue need not be surely over: it is enough that it does not look better.
        is_shared = blue > 0 and blue >= LEAST_COMPARED * (green + blue) and blue_bad / blue > bound.bad_share
        return _counted(green, green_bad, bound), Seen(blue_bad / blue if blue else None, is_shared)


def _counted(n: float, bad: float, bound: Bound) -> Seen:
    if not n:
        return Seen(None, None, "green answered nothing")
    share = bad / n
    whole = int(n)
    broken = lower_limit(min(whole, int(bad)), whole, SURE) > bound.bad_share if whole else None
    value = 1 - share if bound.upward else share
    return Seen(value, broken, f"{bad:,.0f} of {n:,.0f} ({share * 100:.3g}%) bad")


def compared(value: float | None, bound: Bound) -> Seen:
    """Of a value that is compared as it stands."""
    if value is None:
        return UNSEEN
    return Seen(value, not bound.admits(value), figure(value, bound.limit.base))


class Watched:
    """One guard over one stage."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.last = UNSEEN
        self.worst: float | None = None
        self.shared = False  # blue broke it too, at some moment
        self._since_s: float | None = None

    def take(self, at_s: float, green: Seen, blue: Seen) -> str:
        """Why to go back, once it goes off; empty until then."""
        self.last = green
        if green.value is not None:
            upward = self.guard.bound.upward
            self.worst = (
                green.value if self.worst is None else (min if upward else max)(self.worst, green.value)
            )
        if not green.broken:
            self._since_s = None
            return ""
        if blue.broken:
            self.shared, self._since_s = True, None
            return ""
        self._since_s = at_s if self._since_s is None else self._since_s
        if not self.guard.is_trigger or at_s - self._since_s < self.guard.for_s:
            return ""
        lasted = f" for {at_s - self._since_s:.0f} s" if self.guard.for_s else ""
        return f"{self.guard.title}: {green.said} breaks {self.guard.bound}{lasted} ({self.guard.source})"

    @property
    def holds(self) -> bool | None:
        """When the stage ends."""
        return None if self.last.broken is None else not self.last.broken

    def record(self) -> Condition:
        guard = self.guard
        return Condition(
            name=guard.name,
            title=guard.title,
            bound=guard.bound.text,
            source=guard.source,
            holds=self.holds,
            value=self.last.value,
            worst=self.worst,
            said=self.last.said + (", and blue breaks it too" if self.shared else ""),
            for_s=guard.for_s,
            query=guard.query,
            unit=guard.unit,
        )
