"""Simulated traffic for watches: many streams at once, so that how often something happens can be counted."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from scenarios.release.sequential import Comparison, Floats, Mixture

Whole = NDArray[np.int64]
Tick = tuple[Whole, Whole, Whole, Whole]  # green, green's bad, blue, blue's bad: a number a stream each


def alarms(ticks: Iterable[Tick], planned: int, alpha: float, ratio: float = 1.0) -> NDArray[np.bool_]:
    """Which streams ever reach 1/alpha, looking at every tick."""
    comparison, mixture, alarmed = Comparison(ratio), None, np.zeros(0, dtype=bool)
    for green, green_bad, blue, blue_bad in ticks:
        if mixture is None:
            mixture, alarmed = Mixture(len(green), planned), np.zeros(len(green), dtype=bool)
        bad = np.asarray(green_bad + blue_bad, dtype=np.float64)
        share = np.asarray(green / (green + blue), dtype=np.float64)
        mixture.take(comparison.steps(green_bad.astype(np.float64), bad, share))
        alarmed |= mixture.log_e >= -math.log(alpha)
    return alarmed


def at_most(share: float, streams: int) -> float:
    """What a true share of at most that may show by chance in so many streams, once in a thousand times."""
    return share + 3.1 * math.sqrt(share * (1 - share) / streams)


def column(*values: float) -> Floats:
    return np.array(values, dtype=float)
