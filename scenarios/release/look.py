"""The one look at the end of a stage: is green shown to be good enough, or were there too few answers to tell.

Exact limits from fixtures/statistics.py, at level β for each claim: all must hold, so looking at several costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fixtures.statistics import needed_samples, settling_samples, upper_limit


@dataclass(frozen=True)
class Totals:
    """A stage's counts of one metric. `expected_green`: how many of the bad ones green's share of the traffic, tick by
    tick, would have given it, were both sides alike. `dispersion`: into clusters of what size the bad ones fall."""

    green: float
    green_bad: float
    blue: float
    blue_bad: float
    expected_green: float
    dispersion: float = 1.0

    @property
    def bad(self) -> float:
        return self.green_bad + self.blue_bad

    @property
    def ratio(self) -> float | None:
        """How many times blue's share green's is; None where that cannot be said."""
        if not self.green or not self.blue or not self.bad:
            return None
        blue = self.blue_bad / self.blue
        return self.green_bad / self.green / blue if blue else math.inf


@dataclass(frozen=True)
class Look:
    """`limit`: the smallest share (or ratio) that the counts exclude. `missing`: about how many more answers of green's
    it would take if they came as those so far; None where no number would do."""

    holds: bool
    limit: float
    missing: int | None


def below_bound(totals: Totals, bound: float, beta: float) -> Look:
    """Whether green's share of bad answers is surely below the bound."""
    n = math.floor(totals.green / totals.dispersion)
    bad = min(n, math.ceil(totals.green_bad / totals.dispersion))
    limit = upper_limit(bad, n, 1 - beta)
    if limit < bound:
        return Look(True, limit, 0)
    needed = settling_samples(bad, n, bound, 1 - beta) if n and bad else needed_samples(bound, 0, 1 - beta)
    if needed is None or (n and bad / n > bound):
        return Look(False, limit, None)
    return Look(False, limit, math.ceil((needed - n) * totals.dispersion))


def below_ratio(totals: Totals, ratio: float, beta: float) -> Look:
    """Whether green's share of bad answers is surely less than so many times blue's.

    Of all bad answers, green's are a share that grows with the ratio, so a limit on the one is a limit on the other.
    The traffic's share is weighed by where the bad answers fell: a level that drifts with it makes no difference.
    """
    n = math.floor(totals.bad / totals.dispersion)
    bad = min(n, math.ceil(totals.green_bad / totals.dispersion))
    share = totals.expected_green / totals.bad if totals.bad else 0.0
    if not n or not 0 < share < 1:
        return Look(False, math.inf, None)
    odds = share / (1 - share)
    limit = _odds(upper_limit(bad, n, 1 - beta)) / odds
    if limit < ratio:
        return Look(True, limit, 0)
    worst = ratio * odds / (1 + ratio * odds)
    needed = settling_samples(bad, n, worst, 1 - beta)
    if needed is None or bad / n > worst:
        return Look(False, limit, None)
    return Look(False, limit, math.ceil(totals.green * (needed - n) / n))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf
