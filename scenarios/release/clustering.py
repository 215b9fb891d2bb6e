"""How much bad answers come in clusters, estimated from blue: retries make one fault into several that are counted.

The dispersion of counts around what their neighbours let expect: each tick is held against the one before it, so
that a level that drifts, or a shock that lasts, is not taken for clustering. Of S bad answers in two ticks of which the
second had the share w of the traffic, independent ones would put S·w into the second, with variance S·w·(1 - w); how
much larger the squared distance is, summed over the ticks, is the dispersion. Counts divided by it weigh what
independent answers would.
"""

from __future__ import annotations

import numpy as np

from scenarios.release.sequential import Floats

MEMORY_TICKS = 600  # what lies further back fades: one burst must not dull the watch for good
PRIOR = 5.0  # of expected variance, about twenty bad answers, for "no clustering"


class Clustering:
    """Dispersion of several metrics: 1 until something else was seen, never less. Kept from one stage to the next."""

    def __init__(self, metrics: int) -> None:
        self._seen = np.full(metrics, PRIOR)
        self._expected = np.full(metrics, PRIOR)
        self._n = np.zeros(metrics)
        self._bad = np.zeros(metrics)
        self._fades = 1 - 1 / MEMORY_TICKS

    @property
    def dispersion(self) -> Floats:
        found: Floats = np.maximum(1.0, self._seen / self._expected)
        return found

    def take(self, n: Floats, bad: Floats) -> None:
        """Blue's answers of a tick. A tick without traffic is passed over: the next is held against the one before."""
        both = self._n + n
        comparable = (self._n > 0) & (n > 0)
        share = comparable * n / np.maximum(both, 1e-9)
        together = self._bad + bad
        prior = PRIOR * (1 - self._fades)  # the prior does not fade
        self._seen = self._seen * self._fades + (prior + comparable * (bad - share * together) ** 2)
        self._expected = self._expected * self._fades + (prior + together * share * (1 - share))
        self._n, self._bad = np.where(n > 0, (n, bad), (self._n, self._bad))
