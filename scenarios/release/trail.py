"""What a watch keeps for its charts: counts and e-values over time, in memory that does not grow with the watch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios.release.sequential import Floats

POINTS = 512


@dataclass(frozen=True)
class Shown:
    """Points in the order of time. `counts` are totals since the watch began; `log_e` is the highest since the last."""

    at_s: Floats  # (points,) unix seconds
    counts: Floats  # (points, metrics, 4): green's answers, bad ones, blue's answers, bad ones
    log_e: Floats  # (points, tests)


class Trail:
    """At most POINTS points: when they are full, every two become one, and points come half as often from then on.

    The last tick is always shown, and no maximum of an e-value is lost.
    """

    def __init__(self, metrics: int, tests: int) -> None:
        self._at = np.zeros(POINTS)
        self._counts = np.zeros((POINTS, metrics, 4))
        self._log_e = np.zeros((POINTS, tests))
        self._full = 0  # points that are complete
        self._stride = 1
        self._open = 0  # ticks in the point that is being made

    def take(self, at_s: float, counts: Floats, log_e: Floats) -> None:
        if self._full == POINTS:
            self._halve()
        here = self._full
        self._at[here] = at_s
        self._counts[here] = counts
        if self._open:
            np.maximum(self._log_e[here], log_e, out=self._log_e[here])
        else:
            self._log_e[here] = log_e
        self._open += 1
        if self._open == self._stride:
            self._full += 1
            self._open = 0

    def _halve(self) -> None:
        half = POINTS // 2
        self._at[:half] = self._at[1::2]
        self._counts[:half] = self._counts[1::2]
        self._log_e[:half] = np.maximum(self._log_e[::2], self._log_e[1::2])
        self._full = half
        self._stride *= 2

    def shown(self) -> Shown:
        end = self._full + bool(self._open)
        return Shown(self._at[:end].copy(), self._counts[:end].copy(), self._log_e[:end].copy())
