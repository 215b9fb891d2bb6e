"""A release on the terms of a target's document: stages, what is counted for them, what is watched beside. Pure.

What the environment's pace shortens is how long something is watched or must last; what it is held against never is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from fixtures.evidence import Missing
from fixtures.statistics import needed_samples
from fixtures.target import Bound, Environment, Target
from fixtures.target.bounds import Judged
from fixtures.target.objective import Metric as Read
from fixtures.target.release import Condition, Release, Rollback, Trigger
from scenarios.release.counts import Counter
from scenarios.release.source import counter
from scenarios.release.watch import Metric

SCRAPE_S = 15.0  # Prometheus's usual interval, where the pace leaves everything as long as it is written
LEAST_TICK_S = 1.0
SCRAPES = 5  # a window holds at least so many
LONGEST = 2.0  # times as long as planned is a stage watched, where answers are still missing
FOLLOWED = 3.0  # times as long as planned may a pipeline leave a stage as it is
BEGINS_S = 3600.0  # how long a pipeline may take to send the first users to green, before the pace
ROOM = 1.15  # more answers than a claim needs: they come unevenly, and a scrape may be late


@dataclass(frozen=True)
class Term:
    """A stage: `written_s` as the document has it, `planned_s` as it is paced here."""

    weight: float
    written_s: float
    planned_s: float

    @property
    def name(self) -> str:
        return f"{self.weight * 100:g}%"


@dataclass(frozen=True)
class Guard:
    """A condition to go on (looked at when a stage ends) or a trigger to go back.

    `counted`: the number of the counter behind it; else its metric's `query` tells it; else health is asked for.
    """

    name: str
    title: str
    bound: Bound
    source: str
    is_trigger: bool
    for_s: float = 0.0
    window_s: float = 0.0
    counted: int | None = None
    query: str = ""

    @property
    def unit(self) -> str:
        """Of what is read."""
        return self.bound.limit.base if self.counted is None else "share"


@dataclass(frozen=True)
class Claim:
    """What green must be shown to keep for a stage to be promoted, and what is compared with blue."""

    name: str
    title: str
    metric: Metric
    source: str
    needed: int  # answers of green's, with room for one bad one


@dataclass(frozen=True)
class Terms:
    stages: tuple[Term, ...]
    full: Term  # everything to green, and how long that is watched
    claims: tuple[Claim, ...]  # one a counter, in the counters' order
    counters: tuple[Counter, ...]  # the claims' first, then those that only triggers need
    guards: tuple[Guard, ...]
    release: Release
    rollback: Rollback
    tick_s: float
    pace: float

    @property
    def metrics(self) -> list[Metric]:
        return [claim.metric for claim in self.claims]

    @property
    def stale_s(self) -> float:
        return max(5.0, 4 * SCRAPE_S * self.pace)

    @property
    def patience_s(self) -> float:
        """How long a side may be silent before a stage is ended for want of sight."""
        return 2 * self.stale_s

    def term(self, weight: float) -> Term:
        """The document's stage of that weight; of one that it does not have, the longest watch."""
        named = {round(one.weight, 4): one for one in (*self.stages, self.full)}
        longest = max((*self.stages, self.full), key=lambda one: one.written_s)
        return named.get(round(weight, 4)) or Term(weight, longest.written_s, longest.planned_s)


def terms_of(target: Target, environment: Environment) -> Terms:
    """Raises Missing where the profile has no release to speak of."""
    if target.release is None or target.rollback is None:
        raise Missing(f"{target.system} says nothing of how it is released and rolled back")
    pace = float(environment.pace)
    stages = tuple(_term(one.weight.amount, one.watch.seconds, pace) for one in target.release.stages)
    counting = _Counting(target, pace)
    healthy = [counting.guard(one) for one in target.release.healthy]
    triggers = [counting.guard(one) for one in (*target.rollback.triggers, *target.rollback.business)]
    claims = counting.claims([*target.release.healthy, *target.rollback.business])
    if not claims:
        raise Missing(f"{target.system} counts nothing that a release could be judged by")
    return Terms(
        stages=stages,
        full=_term(1.0, target.release.settle.seconds, pace),
        claims=claims,
        counters=tuple(counting.counters),
        guards=(*healthy, *triggers),
        release=target.release,
        rollback=target.rollback,
        tick_s=tick_s(pace),
        pace=pace,
    )


def longest_s(terms: Terms) -> float:
    """What a release may take at most, with everything that is waited for in it and after it."""
    watched_s = sum(one.planned_s for one in (*terms.stages, terms.full))
    waited_s = 4 * terms.release.pods_ready.seconds + 2 * terms.rollback.anyhow.total.seconds
    return begins_s(terms.pace) + FOLLOWED * watched_s + waited_s


def begins_s(pace: float) -> float:
    return max(10.0, BEGINS_S * pace)


def tick_s(pace: float) -> float:
    return max(LEAST_TICK_S, SCRAPE_S * pace)


def _term(weight: float, written_s: float, pace: float) -> Term:
    return Term(weight, written_s, written_s * pace)


class _Counting:
    """Numbers the counters that conditions and triggers stand on; those of the claims come first."""

    def __init__(self, target: Target, pace: float) -> None:
        self._target, self._pace = target, pace
        self.counters: list[Counter] = []
        assert target.release is not None
        assert target.rollback is not None
        self._numbers: dict[tuple[str, str], int] = {}
        first: dict[str, Condition] = {}
        for one in (*target.release.healthy, *target.rollback.business):
            if self._is_counted(one):
                first.setdefault(one.over.subject, one)
        for one in first.values():
            self._number(one)
        self._claimed = tuple(first.values())

    def claims(self, conditions: Sequence[Condition]) -> tuple[Claim, ...]:
        """The strictest bound on each metric is what must be shown."""
        return tuple(self._claim(one) for one in self._claimed if one in conditions)

    def guard(self, one: Condition) -> Guard:
        metric = self._target.metrics.get(one.over.subject)
        lasting = one.lasting if isinstance(one, Trigger) else None
        written_s = metric.window.seconds if metric and metric.window else 0.0
        window_s = max(SCRAPES * tick_s(self._pace), written_s * self._pace)
        return Guard(
            name=one.over.subject or one.over.kind,
            title=metric.title if metric else str(one.over),
            bound=one.that,
            source=one.source,
            is_trigger=isinstance(one, Trigger),
            for_s=lasting.seconds * self._pace if lasting else 0.0,
            window_s=window_s,
            counted=self._number(one) if self._is_counted(one) else None,
            query=metric.promql(metric.query, window_s, one.that) if metric else "",
        )

    def _is_counted(self, one: Condition) -> bool:
        metric = self._target.metrics.get(one.over.subject)
        if metric is None or metric.counted is None or one.that.judged is Judged.PLAIN:
            return False
        try:
            counter(metric, one.that)
        except Missing:  # counted, and not by counters that only grow: its query still says how it stands
            return False
        return True

    def _number(self, one: Condition) -> int:
        metric = self._target.metrics[one.over.subject]
        limit = one.that.text if one.that.judged is Judged.PERCENTILE else ""
        key = (metric.name, limit)
        if key not in self._numbers:
            name = (
                f"{metric.name} {one.that.limit}" if limit and metric.name in self._known() else metric.name
            )
            self._numbers[key] = len(self.counters)
            self.counters.append(counter(metric, one.that, name))
        return self._numbers[key]

    def _known(self) -> set[str]:
        return {name for name, _ in self._numbers}

    def _claim(self, one: Condition) -> Claim:
        read: Read = self._target.metrics[one.over.subject]
        share = one.that.bad_share
        metric = Metric(read.title, bound=share, bad=bad_words(one.that))
        return Claim(read.name, read.title, metric, one.source, needed_samples(share, 1))


def bad_words(bound: Bound) -> str:
    return f"took longer than {bound.limit}" if bound.judged is Judged.PERCENTILE else "failed"


def missing_rate_rps(needed: int, seconds: float, natural_rps: float) -> float:
    """How many answers a second green lacks for a claim over a stage of that length, with some room."""
    return max(0.0, ROOM * needed / seconds - natural_rps)


def ticks(planned_s: float, each_s: float) -> int:
    return max(1, math.ceil(planned_s / each_s))


def moments(begin_s: float, each_s: float) -> Iterator[float]:
    """When ticks are due, evenly from the beginning: one that came late does not delay the others."""
    return (begin_s + number * each_s for number in count(1))
