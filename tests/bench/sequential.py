"""What watching a canary costs in false alarms, misses and delay: the sequential test beside what people use instead.

Simulated streams: 100 requests a second, 5% of them green's, blue at 0.5% errors; healthy green at 0.5%, bad at 5%. All
rules look at the very same streams. The test has the threshold of a whole stage: eight tests, as the document's five
counted metrics and their bounds have, at 1% in all; the threshold rules judge this one metric alone.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scenarios.release.sequential import Comparison, Mixture
from scenarios.release.watch import Metric, Watch
from tests.bench.figures import Figure, report

RUNS, SECONDS = 2000, 3600
RPS, WEIGHT, BLUE, BAD = 100, 0.05, 0.005, 0.05
TESTS, ALPHA = 8, 0.01
BOUND = 0.01  # §5.2.3's, for those that check a share every minute
STEADY_S = 15 * 60  # a fault that comes late comes after so much health
METRICS, TICKS = 20, 1000
DAY_S = 24 * 3600

Whole = NDArray[np.int64]


@dataclass
class Rule:
    """One way of watching; `first` is the second in which each run is rolled back, 0 for never."""

    name: str
    first: Whole = field(default_factory=lambda: np.zeros(RUNS, dtype=np.int64))

    def rolled(self, now: NDArray[np.bool_], second: int) -> None:
        self.first[now & (self.first == 0)] = second

    def share(self) -> float:
        return float((self.first > 0).mean())

    def before(self, onset_s: int) -> NDArray[np.bool_]:
        return (self.first > 0) & (self.first <= onset_s)

    def delay_s(self, onset_s: int) -> float:
        """The median over runs that were not rolled back before; those that missed it took for ever. NaN of none."""
        watching = self.first[~self.before(onset_s)]
        return (
            float(np.median(np.where(watching > 0, watching - onset_s, np.inf)))
            if len(watching)
            else math.nan
        )


def watched(onset_s: int | None, seconds: int, seed: int) -> Mapping[str, Rule]:
    """All rules over the same streams: green turns bad at the onset, or never."""
    names = ("sequential", "per minute, 0 allowed", "per minute, 3 allowed", "ten accumulated", "share > 1%")
    rules = {name: Rule(name) for name in names}
    comparison, mixture = Comparison(), Mixture(RUNS, SECONDS)
    minute, answers, total = (np.zeros(RUNS, dtype=np.int64) for _ in range(3))
    for second, (green, green_bad, blue_bad) in enumerate(streams(onset_s, seconds, seed), start=1):
        bad = (green_bad + blue_bad).astype(np.float64)
        mixture.take(comparison.steps(green_bad.astype(np.float64), bad, green / RPS))
        rules["sequential"].rolled(mixture.log_e >= math.log(TESTS / ALPHA), second)
        minute, answers, total = minute + green_bad, answers + green, total + green_bad
        rules["ten accumulated"].rolled(total >= 10, second)
        if second % 60 == 0:
            rules["per minute, 0 allowed"].rolled(minute > 0, second)
            rules["per minute, 3 allowed"].rolled(minute > 3, second)
            rules["share > 1%"].rolled(minute > BOUND * answers, second)
            minute, answers = np.zeros_like(minute), np.zeros_like(answers)
    return rules


def streams(onset_s: int | None, seconds: int, seed: int) -> Iterator[tuple[Whole, Whole, Whole]]:
    """Each second: green's answers, green's bad ones, blue's bad ones, for every run."""
    rng = np.random.default_rng(seed)
    for second in range(seconds):
        is_bad = onset_s is not None and second >= onset_s
        green = rng.binomial(RPS, WEIGHT, RUNS)
        yield green, rng.binomial(green, BAD if is_bad else BLUE), rng.binomial(RPS - green, BLUE)


def judging_ms() -> float:
    """CPU time of a thousand ticks of twenty metrics, half of them with a bound too; the best of five."""
    rng = np.random.default_rng(5)
    green = rng.binomial(RPS, WEIGHT, (TICKS, METRICS))
    blue = RPS - green
    ticks = np.stack([green, rng.binomial(green, BLUE), blue, rng.binomial(blue, BLUE)], axis=-1).tolist()
    metrics = [Metric(f"metric {at}", bound=BOUND if at % 2 else None) for at in range(METRICS)]
    took_ms = []
    for _ in range(5):
        watch, begun = Watch(metrics, TICKS), time.process_time()
        for at, tick in enumerate(ticks):
            watch.observe(at, tick)
        took_ms.append((time.process_time() - begun) * 1000)
    return min(took_ms)


def growth_bytes() -> int:
    """How much more a watch of a day holds, at a tick a second, than it did after an hour."""
    watch = Watch([Metric("errors", bound=BOUND)], DAY_S)
    tick = [[5.0, 0.0, 95.0, 0.0]]
    for second in range(3600):
        watch.observe(second, tick)
    tracemalloc.start()
    for second in range(3600, DAY_S):
        watch.observe(second, tick)
    grown: int = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return grown


def main() -> int:
    healthy = watched(None, SECONDS, seed=1)
    at_once = watched(0, 600, seed=2)
    late = watched(STEADY_S, STEADY_S + 600, seed=3)
    print(f"  {'':<24}{'false alarms':>14}{'misses':>9}{'delay':>9}{'late: before':>14}{'delay':>9}")
    for name, rule in healthy.items():
        before = float(late[name].before(STEADY_S).mean())
        missed, delay_s = 1 - at_once[name].share(), at_once[name].delay_s(0)
        late_s = late[name].delay_s(STEADY_S)
        print(
            f"  {name:<24}{rule.share():>13.1%} {missed:>8.1%}{delay_s:>8.0f}s{before:>13.1%} {late_s:>8.0f}s"
        )
    return report(
        [
            Figure("canary: healthy 60 min rolled back", healthy["sequential"].share() * 100, 1, "%"),
            Figure("canary: 5% errors rolled back, median", at_once["sequential"].delay_s(0), 30, "s"),
            Figure("canary: 1,000 ticks of 20 metrics, CPU", judging_ms(), 100, "ms"),
            Figure("canary: growth over a watch of a day", growth_bytes() / 1024, 16, "KiB"),
        ]
    )
