"""Blue against green, measured in turns: is green slower? The two see the same minutes, so what the machine does to one
it does to the other; what is left is the difference between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST, MOST = 12, 16  # windows
A_SIDE = 125  # requests a side and window, that a p95 may be read from it
A_SIDE_FOR_P50 = 15
TOO_MUCH = 1.05
DRAWS = 2000
CONFIDENCE = 0.95
Column = NDArray[Any]


class Change(StrEnum):
    REGRESSED = "regressed"
    UNCHANGED = "unchanged"
    TOO_LITTLE = "too little data"


@dataclass(frozen=True)
class Window:
    """Latencies of both sides in the same stretch of time, in µs; whoever got no answer is infinite."""

    blue: Column
    green: Column

    @property
    def smaller(self) -> int:
        return min(len(self.blue), len(self.green))


@dataclass(frozen=True)
class Ratio:
    """Green over blue of one quantile: the median over the windows, and its bootstrap interval."""

    quantile: str
    value: float
    low: float
    high: float
    gates: bool = True

    def __str__(self) -> str:
        return f"{self.quantile} × {self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Comparison:
    change: Change
    ratios: tuple[Ratio, ...]
    windows: int
    a_side: int  # requests a side in the smallest window

    @property
    def reason(self) -> str:
        shown = ", ".join(map(str, self.ratios)) or "nothing to compare"
        return (
            f"{self.change}: green over blue {shown}; {self.windows} windows of at least {self.a_side} a side"
        )


def cut(blue: Column, green: Column, windows: int = MOST) -> list[Window]:
    """Latencies in the order in which they were due, cut into windows of equal numbers; as many as A_SIDE allows, and
    not fewer than FEWEST."""
    fewer = min(len(blue), len(green))
    number = max(FEWEST, min(windows, fewer // A_SIDE))
    parts = zip(np.array_split(blue, number), np.array_split(green, number), strict=True)
    return [Window(*part) for part in parts]


def compare(windows: Sequence[Window], seed: int = 1) -> Comparison:
    """The rule: regressed when the lower end of p50's or p95's interval is above 1.05, unchanged when both upper ends
    are below it; otherwise one more window is taken, and when there are none left, there was too little data."""
    usable = [one for one in windows[:MOST] if one.smaller >= A_SIDE_FOR_P50]
    found = Comparison(Change.TOO_LITTLE, (), len(usable), min((one.smaller for one in usable), default=0))
    for number in range(FEWEST, len(usable) + 1):
        found = _decided(usable[:number], seed)
        if found.change is not Change.TOO_LITTLE:
            break
    return found


def _decided(windows: Sequence[Window], seed: int) -> Comparison:
    smallest = min(one.smaller for one in windows)
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99} if smallest >= A_SIDE else {"p50": 0.50}
    logs = {name: np.array([_log_ratio(one, share) for one in windows]) for name, share in shares.items()}
    rng = np.random.default_rng(seed)
    # p99 is reported and does not gate: of 125 requests it is all but the slowest one.
    ratios = [_ratio(name, values, rng, gates=name != "p99") for name, values in logs.items()]
    gating = [one for one in ratios if one.gates]
    if any(one.low > TOO_MUCH for one in gating):
        change = Change.REGRESSED
    elif smallest >= A_SIDE and all(one.high < TOO_MUCH for one in gating):
        change = Change.UNCHANGED
    else:
        change = Change.TOO_LITTLE
    return Comparison(change, tuple(ratios), len(windows), smallest)


def _log_ratio(window: Window, share: float) -> float:
    blue, green = (_quantile(side, share) for side in (window.blue, window.green))
    if math.isinf(blue) or math.isinf(green):
        return 0.0 if math.isinf(blue) and math.isinf(green) else math.copysign(50.0, green - blue)
    return math.log(max(green, 1.0) / max(blue, 1.0))


def _quantile(values: Column, share: float) -> float:
    rank = max(1, math.ceil(round(share * len(values), 6))) - 1
    return float(np.partition(values, rank)[rank])


def _ratio(name: str, logs: Column, rng: np.random.Generator, gates: bool) -> Ratio:
    draws = np.median(logs[rng.integers(0, len(logs), (DRAWS, len(logs)))], axis=1)
    tail = (1 - CONFIDENCE) / 2 * 100
    low, high = np.percentile(draws, [tail, 100 - tail])
    return Ratio(name, math.exp(np.median(logs)), math.exp(low), math.exp(high), gates)


def noise(comparison: Comparison) -> dict[str, float]:
    """Of a comparison of the same code with itself: how far from 1 a ratio of each quantile still means nothing."""
    return {one.quantile: max(one.high, 1 / one.low) for one in comparison.ratios if one.gates}


def drift(latencies: Column) -> dict[str, float]:
    """Of one code's latencies in the order in which they were due: how far apart its quarters are, which is what
    another run, a while later, differs by at least."""
    quarters = np.array_split(latencies, 4)
    shares = {"p50": (0.50, A_SIDE_FOR_P50), "p95": (0.95, A_SIDE)}
    found = {}
    for name, (share, fewest) in shares.items():
        seen = [max(_quantile(one, share), 1.0) for one in quarters if len(one) >= fewest]
        if len(seen) == len(quarters) and not math.isinf(max(seen)):
            found[name] = max(seen) / min(seen)
    return found
