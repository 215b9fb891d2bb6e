"""The watch over one stage of a canary: counts in, tick by tick; out comes to promote, to roll back, or neither.

One watch, one weight: counts are never pooled across steps, because a level that drifts while the weight changes would
look like a difference between the sides. While blue serves enough to be compared with, only the comparison rolls back:
a bound that green breaks together with blue is not green's doing, and going back would not help. Such a stage is not
promoted either. Where blue serves next to nothing (the last stage), the bounds decide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import le
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scenarios.release import words
from scenarios.release.clustering import Clustering
from scenarios.release.look import Look, Totals, below_bound, below_ratio
from scenarios.release.sequential import LATE, Bounded, Comparison, Floats, Mixture
from scenarios.release.trail import Shown, Trail

TOLERATED = 2.0  # times blue's share, where a metric has no bound that says what is good enough
NEXT_TO_NOTHING = 1e-9  # of answers: what none are divided by
LEAST_COMPARED = 0.02  # of the traffic must be blue's for blue to be something to compare with


class Outcome(StrEnum):
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    INCONCLUSIVE = "inconclusive"


class Counts(NamedTuple):
    """One metric's answers in a tick: of each side, all and the bad ones."""

    green: float
    green_bad: float
    blue: float
    blue_bad: float


@dataclass(frozen=True)
class Metric:
    """What is counted. `bound`: the share of bad answers that green must be shown to stay below; `ratio`: how many
    times blue's share must be ruled out. Without either, TOLERATED times. `bad`: what a bad answer is, in words."""

    name: str
    bound: float | None = None
    ratio: float | None = None
    bad: str = "failed"

    @property
    def least_ratio(self) -> float | None:
        return TOLERATED if self.bound is None and self.ratio is None else self.ratio


@dataclass(frozen=True)
class Settings:
    """`alpha`: how often a healthy stage may be rolled back, however long and often it is looked at; `beta`: how often
    a bad one may be promoted; `ratio`: how many times worse than blue is still no reason to roll back."""

    alpha: float = 0.01
    beta: float = 0.05
    ratio: float = 1.0
    late: float = LATE


@dataclass(frozen=True)
class Judged:
    """One metric when the decision fell. e-values as their logarithms; None where the metric has no such claim."""

    metric: Metric
    totals: Totals
    log_e_compared: float
    log_e_bounded: float | None
    bound: Look | None
    ratio: Look | None


@dataclass(frozen=True)
class Decision:
    outcome: Outcome
    reasons: tuple[str, ...]  # the weightiest first
    at_s: float
    metrics: tuple[Judged, ...]


class Watch:
    """Takes the same memory after a minute and after a day."""

    def __init__(
        self,
        metrics: Sequence[Metric],
        ticks: int,
        settings: Settings | None = None,
        clustering: Clustering | None = None,
        begun_s: float = math.nan,
    ) -> None:
        """`ticks`: how many the stage is planned to have. `clustering`: what earlier stages learned of blue. `begun_s`:
        when the stage began; by default with the first tick."""
        if not metrics:
            raise ValueError("a watch over no metric would see nothing")
        self.metrics = tuple(metrics)
        self.settings = settings or Settings()
        self.clustering = clustering or Clustering(len(metrics))
        self.bounded = [at for at, metric in enumerate(metrics) if metric.bound is not None]
        every = len(self.bounded) == len(metrics)  # as is usual, and quicker to take out
        self._bounded_at = slice(None) if every else np.array(self.bounded, dtype=np.intp)
        self.tests = len(metrics) + len(self.bounded)
        self.threshold = math.log(self.tests / self.settings.alpha)
        self._comparison = Comparison(self.settings.ratio)
        self._bounds = Bounded(np.array([m.bound for m in metrics if m.bound is not None], dtype=float))
        self._mixture = Mixture(self.tests, ticks, self.settings.late)
        self._steps = np.zeros((self.tests, self._mixture.alternatives))
        self._counts = np.zeros((len(metrics), 4))
        self._expected_green = np.zeros(len(metrics))
        self._trail = Trail(len(metrics), self.tests)
        self._log_e = self._mixture.log_e
        self._over = np.zeros(self.tests, dtype=bool)  # tests whose e-value has reached the threshold
        self._at_s, self._begun_s = math.nan, begun_s
        self.decision: Decision | None = None

    def observe(
        self, at_s: float, counts: ArrayLike, alike: Sequence[Sequence[Counts]] | None = None
    ) -> Decision | None:
        """One tick: for each metric its Counts, in the metrics' order. The decision to roll back, once it has fallen.

        `alike`: each metric's Counts once more, those of each kind of answers apart: where the sides are asked for
        different things, one that fails more often than the others would look like the side that is asked for it more.
        Raises ValueError for counts that cannot be: it is for whoever counts to notice and name that.
        """
        tick = np.asarray(counts, dtype=float)
        self._check(tick)
        if math.isnan(self._begun_s):
            self._begun_s = at_s
        self._at_s = at_s
        self._weigh(tick, alike)
        self._log_e = self._mixture.log_e
        if self.decision is None and self._log_e.max() >= self.threshold:
            reached = self._log_e >= self.threshold
            self._over |= reached
            self.decision = self._roll_back(reached)
        self._trail.take(at_s, self._counts, self._log_e)
        return self.decision

    def _weigh(self, tick: Floats, alike: Sequence[Sequence[Counts]] | None) -> None:
        dispersion = self.clustering.dispersion  # of the ticks before this one: the factor stays predictable
        if alike is None:
            steps, expected_green = self._compare(tick, dispersion)
        else:
            sizes = [len(rows) for rows in alike]
            of_each = self._compare(np.concatenate(alike), np.repeat(dispersion, sizes))
            steps, expected_green = (np.add.reduceat(one, np.cumsum([0, *sizes[:-1]])) for one in of_each)
        many = len(self.metrics)
        self._steps[:many] = steps
        if self.bounded:
            answers, failures = (tick.T[:2] / dispersion)[:, self._bounded_at]
            self._steps[many:] = self._bounds.steps(failures, answers)
        self._mixture.take(self._steps)
        self.clustering.take(tick[:, 2], tick[:, 3])
        self._counts += tick
        self._expected_green += expected_green

    def _compare(self, rows: Floats, dispersion: Floats) -> tuple[Floats, Floats]:
        """Of each row its log factors, and how many bad answers were green's, were both sides alike."""
        green, green_bad, blue, blue_bad = rows.T
        bad, share = green_bad + blue_bad, green / np.maximum(green + blue, NEXT_TO_NOTHING)
        return self._comparison.steps(green_bad / dispersion, bad / dispersion, share), bad * share

    def _check(self, tick: Floats) -> None:
        if tick.shape != (len(self.metrics), 4):
            raise ValueError(f"{len(self.metrics)} metrics of four counts each, not {tick.shape}")
        flat = tick.ravel().tolist()  # of so few numbers, plain ones are looked at sooner
        if not (sum(flat) < math.inf and min(flat) >= 0 and all(map(le, flat[1::2], flat[::2]))):
            raise ValueError(f"counts of bad answers within counts of answers, not {tick.tolist()}")

    # --- deciding ----------------------------------------------------------------------------------------------------
    def compared(self, metric: int) -> bool:
        """Whether blue has enough of the metric's traffic to be held against."""
        green, _, blue, _ = self._counts[metric]
        return bool(blue > 0 and blue >= LEAST_COMPARED * (green + blue))

    def _roll_back(self, reached: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Decision | None:
        lasted_s = self._at_s - self._begun_s
        reasons = []
        for at, metric in enumerate(self.metrics):
            if reached[at]:
                reasons.append(words.worse_than_blue(metric.name, metric.bad, self.totals(at), lasted_s))
        for row, at in enumerate(self.bounded, start=len(self.metrics)):
            metric = self.metrics[at]
            if reached[row] and metric.bound is not None and not self.compared(at):
                reasons.append(
                    words.over_bound(metric.name, metric.bad, metric.bound, self.totals(at), lasted_s)
                )
        if not reasons:
            return None
        return Decision(Outcome.ROLL_BACK, tuple(reasons), self._at_s, self.judged())

    def end(self, blind: Sequence[str] = ()) -> Decision:
        """The stage is over. `blind`: what could not be seen of it, in words; a stage half seen is not promoted."""
        if self.decision is not None:
            return self.decision
        judged = self.judged()
        reasons = [*self._shared(), *blind]
        for one in judged:
            reasons += words.not_shown(one.metric.name, one.totals, one.bound, one.metric.bound)
            reasons += words.not_excluded(one.metric.name, one.totals, one.ratio, one.metric.least_ratio)
        if reasons:
            outcome = Outcome.INCONCLUSIVE
        else:
            outcome = Outcome.PROMOTE
            reasons = [words.good(one.metric.name, one.totals, one.bound, one.ratio) for one in judged]
        self.decision = Decision(outcome, tuple(reasons), self._at_s, judged)
        return self.decision

    def _shared(self) -> list[str]:
        """Bounds that green broke while nothing says that it is worse than blue."""
        found = []
        for row, at in enumerate(self.bounded, start=len(self.metrics)):
            metric = self.metrics[at]
            if self._over[row] and metric.bound is not None:
                found.append(words.shared(metric.name, metric.bad, metric.bound, self.totals(at)))
        return found

    # --- what is seen ------------------------------------------------------------------------------------------------
    def totals(self, metric: int) -> Totals:
        green, green_bad, blue, blue_bad = map(float, self._counts[metric])
        expected_green = float(self._expected_green[metric])
        dispersion = float(self.clustering.dispersion[metric])
        return Totals(green, green_bad, blue, blue_bad, expected_green, dispersion)

    def judged(self) -> tuple[Judged, ...]:
        """Every metric as it stands."""
        rows = {at: row for row, at in enumerate(self.bounded, start=len(self.metrics))}
        beta = self.settings.beta
        found = []
        for at, metric in enumerate(self.metrics):
            totals, ratio = self.totals(at), metric.least_ratio
            found.append(
                Judged(
                    metric,
                    totals,
                    float(self._log_e[at]),
                    float(self._log_e[rows[at]]) if at in rows else None,
                    None if metric.bound is None else below_bound(totals, metric.bound, beta),
                    None if ratio is None else below_ratio(totals, ratio, beta),
                )
            )
        return tuple(found)

    def shown(self) -> Shown:
        """For charts; `log_e` has the comparisons first, then the bounds, as `test_names` does."""
        return self._trail.shown()

    @property
    def test_names(self) -> tuple[str, ...]:
        bounds = (f"{self.metrics[at].name} < {words.share(self.metrics[at].bound)}" for at in self.bounded)
        return (*(f"{metric.name} against blue" for metric in self.metrics), *bounds)
