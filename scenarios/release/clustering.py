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
        # Squared distances as they were seen, and as they are expected.
        self._moments = np.full((2, metrics), PRIOR)
        # Blue's answers in the last tick that had any, and the bad ones.
        self._before = np.zeros((2, metrics))
        self._fades = 1 - 1 / MEMORY_TICKS

    @property
    def dispersion(self) -> Floats:
        seen, expected = self._moments
        found: Floats = np.maximum(1.0, seen / expected)
        return found

    def take(self, n: Floats, bad: Floats) -> None:
        """Blue's answers of a tick. A tick without traffic is passed over: the next is held against the one before."""
        now = np.array((n, bad))
        both, together = self._before + now
        share = n / np.maximum(both, 1e-9)  # 0 or 1 where one tick had no traffic: nothing is expected then
        here = share * together
        self._moments *= self._fades
        self._moments += PRIOR * (1 - self._fades)  # the prior does not fade
        apart = bad - here
        self._moments[0] += apart * apart
        self._moments[1] += here * (1 - share)
        if n.all():
            self._before = now
        else:
            np.copyto(self._before, now, where=n > 0)
