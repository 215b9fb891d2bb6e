"""A replacement with all that it takes: users who ask, somebody who writes, a watchdog; and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.abilities import able
from fixtures.platforms.changes import Changes
from fixtures.target.replacement import Replacement
from reports.chaos.page import Moment, Told
from reports.verdicts import Evidence, Measurement, Verdict
from scenarios.drills.api import Unreadable
from scenarios.drills.application import product_of
from scenarios.drills.journal import Outcome, Write
from scenarios.drills.truth import Cut, Kept, Truth, compare
from scenarios.drills.writer import Writer
from scenarios.faults.course import seconds_of
from scenarios.faults.place import Place
from scenarios.release.probing import Probing
from scenarios.release.release import Say, Tell
from scenarios.release.replacing import Replacing
from scenarios.release.timeline import Timeline
from scenarios.release.undoing import undoable
from scenarios.surroundings import Surroundings
from scenarios.tally import UNIT

STEADY_S = 3.0
STEADY_WITHIN_S = 60.0
PROBES_RPS = 25.0
SETTLES_S = 20.0  # for what was acknowledged to be listed once the old version serves again
ROOM_S = 900.0  # beside what the row allows, until a watchdog takes a run for one that hangs


@dataclass
class Replaced:
    """What is known of one in the end."""

    course: Replacing
    users: Timeline
    writes: list[Write]
    kept: list[Kept] | None  # None: it could not be read in the end
    began_s: float

    @property
    def truth(self) -> Truth:
        """Nothing that was acknowledged, at whatever moment, may be gone."""
        return compare(self.writes, self.kept or (), Cut(self.began_s, self.began_s))

    @property
    def without_s(self) -> float:
        """For how long users were without service while containers were replaced."""
        if self.course.cuts is None:
            return 0.0
        return self.users.between(*self.course.cuts).total_downtime_s

    def available(self) -> Measurement:
        """Of users' requests while the new version was watched: the stop before it is one that people were told of."""
        seen = self.users.between(*self.course.span) if self.course.span else None
        if seen is None or not seen.count:
            return Measurement(None, "share", 0, why="the new version was not watched")
        return Measurement(
            1 - seen.failed / seen.count, "share", seen.count, bad=seen.failed, window=self.course.span
        )

    def judged(self, row: Replacement) -> Measurement:
        steps = self.course.steps
        if not self.course.begun and steps[0].ok is False:
            return Measurement(
                None, UNIT, 0, invalid=f"not begun: {steps[0].said}", evidence=self._evidence()
            )
        truth, wrong = self.truth, self.course.wrong
        if self.without_s > row.without.seconds:
            wrong.append(f"users were without service for {self.without_s:.1f} s, allowed are {row.without}")
        if self.kept is None:
            wrong.append("what was acknowledged cannot be read any more")
        elif truth.lost:
            keys = ", ".join(one.key for one in truth.lost[:5])
            wrong.append(
                f"{len(truth.lost)} of {len(truth.acknowledged)} acknowledged texts are gone: {keys}"
            )
        wrong += truth.offences if self.kept is not None else ()
        if not wrong and not truth.acknowledged:
            return Measurement(
                None, UNIT, 0, why="nothing was acknowledged meanwhile", evidence=self._evidence()
            )
        return Measurement(
            float(len(wrong)),
            UNIT,
            len(steps) + 2,
            bad=len(wrong),
            why="; ".join(wrong),
            evidence=self._evidence(),
        )

    def _evidence(self) -> tuple[Evidence, ...]:
        lines = [f"{one.at_s:8.2f} s  {one.what}" for one in self.moments()]
        return (Evidence("What happened when", "\n".join([*lines, *self.notes()]), "text"),)

    def moments(self) -> list[Moment]:
        return [
            Moment(
                (one.begun_s or self.began_s) - self.began_s,
                f"{one.title}: {one.said} ({one.took_s or 0.0:.1f} s{'' if one.ok else ', FAILED'})",
            )
            for one in self.course.steps
        ]

    def notes(self) -> list[str]:
        acknowledged = sum(one.outcome is Outcome.ACKNOWLEDGED for one in self.writes)
        return [
            f"users were without service for {self.without_s:.1f} s while containers were replaced",
            f"{acknowledged} texts were acknowledged from before the first step until after the last, "
            f"{self.truth.intact} of them are there as they were sent",
            *(
                ()
                if self.course.around.environment.channels
                else ("nobody was told: the environment has no channels",)
            ),
        ]

    def told(self, row: Replacement, verdict: Verdict, reason: str) -> Told:
        return Told(
            name=row.name,
            title=row.title,
            source=row.source,
            bound=row.bound,
            verdict=verdict,
            reason=reason,
            asks=row.asks,
            moments=self.moments(),
            seconds=seconds_of(self.users, self.began_s - STEADY_S, self.began_s),
            notes=self.notes(),
            kind="Release",
            begins="it began",
        )


@dataclass(frozen=True)
class Wanted:
    """How it is carried out, beside the row."""

    folder: Path
    lab: str
    keep: bool
    say: Say
    tell: Tell


def carry_out(around: Surroundings, row: Replacement, wanted: Wanted) -> Replaced:
    """Raises NoEvidence where it cannot even begin."""
    product = product_of(around)
    place = Place.of(around.target.system, around.environment, wanted.lab)
    writer = Writer(product, wanted.folder / "writes.jsonl", rate_rps=5.0)
    plan = product.reading(row.asks)
    probes = wanted.folder / "probes.bin"
    with (
        undoable(able(around.platform, Changes), place, _longest_s(row), wanted.say) as undo,
        Probing(plan, probes, product.private) as probing,
        writer,
    ):
        _calm(probing)
        course = Replacing(around, row, undo, probing.timeline, wanted.say, wanted.tell, wanted.keep)
        began_s = writer.clock()
        course.carry_out()
        writes, users = writer.stop(), probing.stop()
    return Replaced(course, users, writes, _listed(product.kept, writes), began_s)


def _calm(probing: Probing) -> None:
    """Users are served before anything is done, or the first step says that they are not."""

    def calm() -> bool:
        seen = probing.timeline()
        last = seen.between(seen.whole_until_s - STEADY_S, seen.whole_until_s)
        return last.count >= 0.9 * STEADY_S / seen.interval_s and not last.failed

    try:
        wait_until(calm, STEADY_WITHIN_S, poll_s=0.25)
    except TimedOut:
        return


def _listed(kept: Callable[[], Sequence[Kept]], writes: list[Write]) -> list[Kept] | None:
    """What is there in the end, once all that was acknowledged is, or its time is up; None where nobody could tell."""
    wanted = {one.key for one in writes if one.outcome is Outcome.ACKNOWLEDGED}
    found: list[Kept] | None = None

    def all_there() -> bool:
        nonlocal found
        try:
            found = list(kept())
        except (Unreadable, httpx.HTTPError):  # nobody knows yet
            return False
        return wanted <= {one.key for one in found}

    with suppress(TimedOut):
        wait_until(all_there, SETTLES_S, poll_s=0.5)
    return found


def _longest_s(row: Replacement) -> float:
    return ROOM_S + row.watched.seconds + row.back.seconds + 2 * len(row.services) * row.ready.seconds
