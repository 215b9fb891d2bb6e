"""When requests are due, as pure functions of elapsed time: nothing here waits, so tests of an hour take no time.

A profile is a row of segments in each of which the rate goes in a straight line; constant, ramp, steps, spike and soak
are rows of that kind.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

_ROUNDING = 1e-6  # arrivals; sums of floats miss whole numbers by less


@dataclass(frozen=True)
class Segment:
    """A stretch in which the rate goes from one figure to another in a straight line. Rates in requests per second."""

    length_s: float
    from_rps: float
    to_rps: float

    @property
    def arrivals(self) -> float:
        return self.length_s * (self.from_rps + self.to_rps) / 2

    def planned(self, elapsed_s: float) -> float:
        """The integral of the rate from the segment's beginning."""
        slope = (self.to_rps - self.from_rps) / self.length_s
        return elapsed_s * (self.from_rps + slope * elapsed_s / 2)

    def due_s(self, arrivals: float) -> float:
        """When that many have been planned: the inverse of `planned`, in the form that cancels nothing."""
        slope = (self.to_rps - self.from_rps) / self.length_s
        root = math.sqrt(max(0.0, self.from_rps**2 + 2 * slope * arrivals))
        return min(self.length_s, 2 * arrivals / (self.from_rps + root)) if arrivals > 0 else 0.0


@dataclass(frozen=True)
class Profile:
    """How many requests are due by when. Arrival 0 is due when the first segment with a rate begins."""

    name: str
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        wrong = [one for one in self.segments if one.length_s <= 0 or min(one.from_rps, one.to_rps) < 0]
        if wrong or not self.segments or self.planned(self.duration_s) <= 0:
            raise ValueError(f"a profile needs segments of some length, with some arrivals: {self.segments}")

    @cached_property
    def _ends_s(self) -> list[float]:
        return list(accumulate(one.length_s for one in self.segments))

    @cached_property
    def _reached(self) -> list[float]:
        return list(accumulate(one.arrivals for one in self.segments))

    @property
    def duration_s(self) -> float:
        return self._ends_s[-1]

    @cached_property
    def total(self) -> int:
        """How many arrivals are due within the duration."""
        return math.ceil(self._reached[-1] - _ROUNDING)

    @property
    def peak_rps(self) -> float:
        return max(max(one.from_rps, one.to_rps) for one in self.segments)

    @property
    def held_s(self) -> tuple[float, float]:
        """From when to when the peak is kept up to the end; the whole where it is not."""
        last = self.segments[-1]
        steady = last.from_rps == last.to_rps == self.peak_rps
        return (self.duration_s - last.length_s if steady else 0.0, self.duration_s)

    def rate(self, elapsed_s: float) -> float:
        """Requests per second at that moment; 0 outside of the profile."""
        if not 0 <= elapsed_s < self.duration_s:
            return 0.0
        at = bisect.bisect_right(self._ends_s, elapsed_s)
        one = self.segments[at]
        into = elapsed_s - (self._ends_s[at - 1] if at else 0.0)
        return one.from_rps + (one.to_rps - one.from_rps) * into / one.length_s

    def planned(self, elapsed_s: float) -> float:
        """How many arrivals the rate amounts to by then."""
        elapsed_s = min(max(elapsed_s, 0.0), self.duration_s)
        at = min(bisect.bisect_right(self._ends_s, elapsed_s), len(self.segments) - 1)
        before_s, before = (self._ends_s[at - 1], self._reached[at - 1]) if at else (0.0, 0.0)
        return before + self.segments[at].planned(elapsed_s - before_s)

    def due_s(self, arrival: int) -> float:
        """When the arrival (from 0) is due, in seconds from the beginning."""
        at = min(bisect.bisect_right(self._reached, arrival), len(self.segments) - 1)
        before_s, before = (self._ends_s[at - 1], self._reached[at - 1]) if at else (0.0, 0.0)
        return before_s + self.segments[at].due_s(arrival - before)


def constant(rps: float, duration_s: float) -> Profile:
    return Profile("constant", (Segment(duration_s, rps, rps),))


def ramp(from_rps: float, to_rps: float, duration_s: float) -> Profile:
    return Profile("ramp", (Segment(duration_s, from_rps, to_rps),))


def steps(rates_rps: Sequence[float], each_s: float) -> Profile:
    return Profile("steps", tuple(Segment(each_s, rps, rps) for rps in rates_rps))


def spike(rps: float, peak_rps: float, duration_s: float) -> Profile:
    """The peak for a tenth of the time, in the middle."""
    calm, high = 0.45 * duration_s, 0.1 * duration_s
    return Profile(
        "spike", (Segment(calm, rps, rps), Segment(high, peak_rps, peak_rps), Segment(calm, rps, rps))
    )


def soak(rps: float, duration_s: float) -> Profile:
    """Steady for that long, after a rise (a tenth of the time, five seconds to a minute): a load that begins all at
    once asks everything of processes that have done nothing yet, and measures that. In whole seconds, by which what
    comes from other machines is cut."""
    rise_s = float(round(min(60, max(5, duration_s / 10))))
    return Profile("soak", (Segment(rise_s, 0, rps), Segment(duration_s, rps, rps)))


def named(name: str, rps: float, duration_s: float) -> Profile:
    """The profile of that name around a rate, as the command line asks for it."""
    made = {
        "constant": lambda: constant(rps, duration_s),
        "ramp": lambda: ramp(0, rps, duration_s),
        "steps": lambda: steps([rps * share for share in (0.25, 0.5, 0.75, 1)], duration_s / 4),
        "spike": lambda: spike(rps, 3 * rps, duration_s),
        "soak": lambda: soak(rps, duration_s),
    }
    if name not in made:
        raise ValueError(f"no arrival profile {name!r}; there are: {', '.join(made)}")
    return made[name]()
