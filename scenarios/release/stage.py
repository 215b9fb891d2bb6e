"""One stage under way: every tick counts are read, weighed and held against triggers, until it is decided or over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fixtures.evidence import NoEvidence
from reports.release import record
from scenarios.release.clustering import Clustering
from scenarios.release.counts import Increments, Noted, Reading
from scenarios.release.guards import UNSEEN, Seen, Watched, Windowed
from scenarios.release.split import ENOUGH, split_of
from scenarios.release.terms import LONGEST, Guard, Term, Terms, ticks
from scenarios.release.timeline import Timeline
from scenarios.release.watch import Decision, Outcome, Watch

SETTLES_S = 2.0  # after a change of weight: answers that were under way, and the mesh taking it up
BLIND_S = 0.5  # a prober that was held up for longer saw nothing of what happened meanwhile
# of a stage: then nobody knows how its traffic was split. A moment in an hour leaves the stage as it is, whose errors
# monitoring has counted; that nobody was without service is not shown by such a release, which says so
BLIND_SHARE = 0.1
SILENT_S = 10.0  # without a word of the prober's, which waits for an answer for 5 s at most
LATE_S = 0.25  # a probe that was sent so much too late says nothing of its moment


class Eyes(Protocol):
    """What a stage looks through. Each may raise NoEvidence."""

    def counters(self) -> Reading: ...

    def guarded(self, guards: Sequence[Guard]) -> Mapping[Guard, tuple[Seen, Seen]]:
        """Of guards that are not counted: green's and blue's value."""
        ...

    def timeline(self) -> Timeline: ...


@dataclass(frozen=True)
class Progress:
    """A stage at one tick, for whoever watches."""

    stage: str
    left_s: float
    green: tuple[float, float]  # answers, and the bad ones, of the first claim's metric
    blue: tuple[float, float]
    evidence: float  # the highest e-value over its threshold, as a share of the way there: 1 decides
    missing: int  # answers that the claims still lack

    def __str__(self) -> str:
        def errors(side: tuple[float, float]) -> str:
            return f"{side[1]:,.0f}/{side[0]:,.0f}"

        lacking = f", {self.missing:,} answers missing" if self.missing else ""
        return (
            f"green {self.stage}, {self.left_s:.0f} s left: errors green {errors(self.green)}, "
            f"blue {errors(self.blue)}, evidence {self.evidence:.0%}{lacking}"
        )


@dataclass
class StageRun:
    """Feed it ticks; it says when to go back, and at the end whether to go on. Times are the clock's, in seconds."""

    terms: Terms
    term: Term
    eyes: Eyes
    begun_s: float
    clustering: Clustering | None = None
    split: record.Split | None = None
    decision: Decision | None = None
    decided_by: str = "watch"
    noted: Noted = field(default_factory=Noted)

    def __post_init__(self) -> None:
        planned = ticks(self.term.planned_s, self.terms.tick_s)
        self.watch = Watch(self.terms.metrics, planned, clustering=self.clustering, begun_s=self.begun_s)
        self._increments = Increments(self.terms.counters, self.terms.stale_s, self.terms.patience_s)
        self._watched = [Watched(guard) for guard in self.terms.guards]
        self._windows = {one: Windowed(one.window_s) for one in self.terms.guards if one.counted is not None}
        self._unread: dict[str, int] = {}
        self._counted_s = self.begun_s
        self._at_s = self.begun_s
        self.needed = {claim.name: claim.needed for claim in self.terms.claims}

    # --- a tick ------------------------------------------------------------------------------------------------------
    def tick(self, at_s: float) -> Decision | None:
        """The decision to go back or to stop, once it has fallen."""
        self._at_s = at_s
        self._count(at_s)
        if self.decision is None:
            self._guard(at_s)
        if self.decision is None:
            self._look_at_split(at_s)
        if self.decision is None and at_s - self._counted_s > self.terms.patience_s:
            silent = f"nothing could be counted for {at_s - self._counted_s:.0f} s"
            self._decide(Outcome.INCONCLUSIVE, [silent, *self.blind()], "watch")
        return self.decision

    def _count(self, at_s: float) -> None:
        try:
            step = self._increments.take(self.eyes.counters())
        except NoEvidence as error:
            self._miss(str(error))
            return
        self.noted.add(step.troubles)
        if step.counts is None:
            return
        if any(counts.green for counts in step.counts):
            self._counted_s = at_s
        for guard, window in self._windows.items():
            assert guard.counted is not None
            window.take(at_s, step.counts[guard.counted])
        claims = len(self.terms.claims)
        found = self.watch.observe(at_s, step.counts[:claims], step.alike[:claims])
        if found is not None:
            self.decision = found

    def _guard(self, at_s: float) -> None:
        rest = [one for one in self.terms.guards if one.counted is None]
        try:
            read = dict(self.eyes.guarded(rest))
        except NoEvidence as error:
            self._miss(str(error))
            read = {}
        for watched in self._watched:
            guard = watched.guard
            window = self._windows.get(guard)
            green, blue = window.seen(guard.bound) if window else read.get(guard, (UNSEEN, UNSEEN))
            if why := watched.take(at_s, green, blue):
                self._decide(Outcome.ROLL_BACK, [why], "trigger")
                return

    def _look_at_split(self, at_s: float) -> None:
        seen = self.eyes.timeline().between(self.begun_s + SETTLES_S, at_s)
        if seen.count < ENOUGH:
            return
        self.split = split_of(seen, self.term.weight)
        if not self.split.holds:
            self._decide(Outcome.INCONCLUSIVE, [f"the split is off: {self.split.said}"], "split")

    # --- the end -----------------------------------------------------------------------------------------------------
    def is_over(self, at_s: float) -> bool:
        """Decided, or watched for long enough; longer where answers are missing, which is no look at what they say."""
        lasted_s = at_s - self.begun_s
        if self.decision is not None:
            return True
        return lasted_s >= self.term.planned_s and (
            not self.missing or lasted_s >= LONGEST * self.term.planned_s
        )

    @property
    def missing(self) -> int:
        """Answers of green's that the claims lack, whatever the answers were: the most that one lacks."""
        lacking = [claim.needed - self.watch.totals(at).green for at, claim in enumerate(self.terms.claims)]
        return max(0, math.ceil(max(lacking)))

    def end(self) -> Decision:
        """The one look at the end of the stage."""
        if self.decision is None:
            self._end_of_conditions()
        if self.decision is None:
            self.decision = self.watch.end(blind=self.blind())
        return self.decision

    def _end_of_conditions(self) -> None:
        """§5.2.3: those that are not counted are held as they stand now; the counted ones are the watch's."""
        ended = [one for one in self._watched if not one.guard.is_trigger and one.guard.counted is None]
        broken = [one for one in ended if one.holds is False]
        if not broken:
            return
        shared = all(one.shared for one in broken)
        outcome = Outcome.INCONCLUSIVE if shared else Outcome.ROLL_BACK
        also = ", and blue breaks it too" if shared else ""
        said = [
            f"{one.guard.title}: {one.last.said} breaks {one.guard.bound}{also} ({one.guard.source})"
            for one in broken
        ]
        self._decide(outcome, said, "condition")

    def blind(self) -> list[str]:
        """What could not be seen of the stage, in words."""
        found = self.noted.blind(self.terms.stale_s)
        found += [
            f"{one.guard.title}: {one.last.said}"
            for one in self._watched
            if one.holds is None and one.guard.counted is None
        ]
        found += [f"{said} ({times} times)" for said, times in self._unread.items() if times > 2]
        whole = self.eyes.timeline()
        if (silent_s := self._at_s - whole.whole_until_s) > SILENT_S:
            found.append(f"the prober has said nothing for {silent_s:.0f} s")
        timeline = whole.between(self.begun_s, self._at_s)
        held_up = [one for one in timeline.blind(LATE_S) if one.length_s > BLIND_S]
        if sum(one.length_s for one in held_up) > BLIND_SHARE * (self._at_s - self.begun_s):
            found.append(
                f"the prober itself was held up {len(held_up)} times, {max(one.length_s for one in held_up):.1f} s "
                "at worst, and saw nothing of what happened then"
            )
        if self.split is None:
            found.append(f"only {timeline.count} probes were answered: too few to tell how traffic is split")
        return found

    # -----------------------------------------------------------------------------------------------------------------
    def _decide(self, outcome: Outcome, reasons: Sequence[str], by: str) -> None:
        self.decision = Decision(outcome, tuple(reasons), self._at_s, self.watch.judged())
        self.decided_by = by

    def _miss(self, said: str) -> None:
        self._unread[said] = self._unread.get(said, 0) + 1

    def progress(self, at_s: float) -> Progress:
        first = self.watch.totals(0)
        judged = self.watch.judged()
        highest = max(max(one.log_e_compared, one.log_e_bounded or 0.0) for one in judged)
        left_s = max(0.0, self.term.planned_s - (at_s - self.begun_s))
        return Progress(
            self.term.name,
            left_s,
            (first.green, first.green_bad),
            (first.blue, first.blue_bad),
            max(0.0, highest / self.watch.threshold),
            self.missing,
        )

    def record(self, topped_up_rps: float, queries: Sequence[str]) -> record.Stage:
        assert self.decision is not None
        shown = self.watch.shown()
        return record.Stage(
            name=self.term.name,
            weight=self.term.weight,
            written_s=self.term.written_s,
            planned_s=self.term.planned_s,
            begun_s=self.begun_s,
            ended_s=self._at_s,
            decision=_decided(self.decision, self.decided_by),
            split=self.split,
            metrics=tuple(
                record.Metric(
                    claim.name,
                    claim.title,
                    claim.metric.bad,
                    claim.metric.bound,
                    claim.needed,
                    tuple(
                        record.Point(float(moment), *map(float, row[at]))
                        for moment, row in zip(shown.at_s, shown.counts, strict=True)
                    ),
                )
                for at, claim in enumerate(self.terms.claims)
            ),
            evidence=tuple(
                record.Evidence(
                    name,
                    self.watch.threshold,
                    tuple(
                        (float(moment), float(row[at]))
                        for moment, row in zip(shown.at_s, shown.log_e, strict=True)
                    ),
                )
                for at, name in enumerate(self.watch.test_names)
            ),
            conditions=tuple(one.record() for one in self._watched),
            troubles=tuple(self.noted.lines()),
            topped_up_rps=topped_up_rps,
            queries=tuple(queries),
        )


def _decided(decision: Decision, by: str) -> record.Decision:
    return record.Decision(decision.at_s, decision.outcome.value, decision.reasons, by)
