"""The sequential tests of a canary: e-values that may be looked at at every tick, because the peeking is paid for.

Each test is a mixture of likelihood ratios, one for each of K alternatives, a martingale at most under its null
hypothesis: the chance that it ever reaches x is at most 1/x (Ville), whenever and however often one looks.

Compared with blue (null: green's share of bad answers is at most r0 times blue's), with E of both sides' answers bad,
e_G of them green's, and green's observed share ρ of the traffic in that tick:

    log M_k += e_G·ln(r_k/r0) - E·ln((1 - ρ + ρ·r_k)/(1 - ρ + ρ·r0))

Within a tick, levels may be anything, as long as both sides share them: with independent answers the expected factor
is (1 + p_G·(c·r_k/r0 - 1))^n_G · (1 + p_B·(c - 1))^n_B with c = (1 - ρ + ρ·r0)/(1 - ρ + ρ·r_k), and ln(1 + x) <= x
makes it at most 1 for every p_B, so no Poisson limit is needed. Held against a bound p0 on green alone, the factor of n
answers of which x are bad is (q/p0)^x · ((1 - q)/(1 - p0))^(n - x).

A mixture that has watched a healthy green for long would need long to change its mind. So a part of its weight, `late`,
is held back and comes in at moments spread over the watch: a mixture over alternatives and onsets, and a martingale.

Lindon, Sanden, Shirikian: Rapid Regression Detection in Software Deployments through Sequential Testing (KDD 2022);
Lindon, Malek: arXiv 2011.03567; Howard, Ramdas: Bernoulli 2022.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALTERNATIVES = 16
NEAREST, FARTHEST = 1.1, 50.0  # alternatives, as multiples of the null's ratio, or of the bound's odds
ALIKE = np.full(ALTERNATIVES, 1 / ALTERNATIVES, dtype=np.float32)  # their weights
ONSETS = 60
LATE = 0.2  # costs an onset at the start ln(1/0.8) = 0.2 nats; one later is worth that of 60 at most


def spread(alternatives: int = ALTERNATIVES) -> Floats:
    """Multiples of the null, log-spaced."""
    return np.geomspace(NEAREST, FARTHEST, alternatives)


class Comparison:
    """Green against blue, for any number of streams at once."""

    def __init__(self, ratio: float = 1.0) -> None:
        if not 0 < ratio < math.inf:
            raise ValueError(f"a ratio above 0, not {ratio}")
        multiples = spread()
        self._gain = np.log(multiples)
        self._alternatives = ratio * multiples - 1
        self._null = ratio - 1

    def steps(self, bad_green: Floats, bad: Floats, share: Floats) -> Floats:
        """Log factors, (streams, K), of the bad answers of green, of both sides, and green's share of the traffic.

        A tick in which one side had no traffic says nothing, and yields zeros.
        """
        expected: Floats = share[:, None] * self._alternatives
        expected += 1
        np.log(expected, out=expected)
        if self._null:
            expected -= np.log(1 + share * self._null)[:, None]
        expected *= bad[:, None]
        return bad_green[:, None] * self._gain - expected


class Bounded:
    """Green against a bound on its share of bad answers, one for each stream. Alternatives are spread by their odds."""

    def __init__(self, bounds: Floats) -> None:
        if np.any((bounds <= 0) | (bounds >= 1)):
            raise ValueError(f"bounds between 0 and 1, not {bounds}")
        odds = (bounds / (1 - bounds))[:, None] * spread()
        shares = odds / (1 + odds)
        self._good = -np.log1p(odds) - np.log1p(-bounds)[:, None]
        self._worse = np.log(shares / bounds[:, None]) - self._good  # of a bad answer instead of a good one

    def steps(self, bad: Floats, n: Floats) -> Floats:
        """Log factors, (streams, K)."""
        factors: Floats = n[:, None] * self._good
        factors += bad[:, None] * self._worse
        return factors


class Mixture:
    """The e-values of any number of streams: (streams, K) numbers, however long they are watched."""

    alternatives = ALTERNATIVES

    def __init__(self, streams: int, ticks: int, late: float = LATE) -> None:
        """`ticks`: how many are planned; watching longer stays valid, and is only slower to notice what begins then."""
        if ticks < 1 or not 0 <= late < 1:
            raise ValueError(f"at least one tick and a part held back below 1, not {ticks} and {late}")
        self._each = max(1, math.ceil(ticks / ONSETS))
        self._onsets = math.ceil(ticks / self._each)
        self._late = late
        self._ticks = self._entered = 0
        self._log = np.full((streams, self.alternatives), math.log1p(-late))

    def take(self, steps: Floats) -> None:
        """One tick's log factors."""
        if self._late and self._ticks % self._each == 0 and self._entered < self._onsets:
            self._entered += 1
            np.logaddexp(self._log, math.log(self._late) - math.log(self._onsets), out=self._log)
        self._ticks += 1
        self._log += steps

    @property
    def log_e(self) -> Floats:
        """ln of the e-values: of the alternatives' mean, and of what is still held back."""
        highest = self._log.max(axis=1)
        # In single precision: several times as fast, and off by less than a millionth.
        means = np.exp((self._log - highest[:, None]).astype(np.float32)) @ ALIKE
        current: Floats = highest + np.log(means)
        waiting = self._late * (1 - self._entered / self._onsets)
        return np.logaddexp(current, math.log(waiting)) if waiting > 0 else current
