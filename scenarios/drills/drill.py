"""Holds a drill: users read and write, the disaster strikes, the runbook is carried out, and then it is all compared.

Nothing is struck before there is a way back, and users were seen to read and write. However it ends, also by ctrl-C,
what was begun is ended and the record is made; what is not as it was found is in that record.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.target.drills import Drill
from reports.drills.record import DrillRecord, Moment, StepDone
from reports.verdicts import Verdict
from scenarios.drills import judging, recovery, runbook
from scenarios.drills.journal import Clock, Outcome
from scenarios.drills.practice import NotBegun, Practice
from scenarios.drills.recovery import Recovery
from scenarios.drills.runbook import Act, Person
from scenarios.drills.truth import Cut, compare
from scenarios.drills.writer import Product, Writer
from scenarios.release.probes import Plan
from scenarios.release.probing import Probing
from scenarios.release.timeline import LASTING_S

WARM_UP_WRITES = 10
WARM_UP_S = 30.0
BACK_S = 60.0
GIVEN_UP_S = 10.0


@dataclass(frozen=True)
class Stage:
    """Where a drill is held, and for whom. `folder`: for its journal and probes, a new one for each drill."""

    product: Product
    folder: Path
    person: Person
    target: str
    environment: str
    others: Mapping[str, Act] = field(default_factory=dict)  # steps that are not the practice's own
    reads: Plan | None = None  # what users read, where that is not what the product says
    back_s: float = BACK_S  # after the last step, for users to read and write again for good
    lasting_s: float = LASTING_S  # "for good"
    clock: Clock = field(default_factory=Clock)


@dataclass
class Held:
    """A drill while it is held."""

    drill: Drill
    practice: Practice
    stage: Stage
    writer: Writer
    probing: Probing
    onset_s: float = float("inf")
    bit: str = ""
    steps: list[StepDone] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    cut_short: str = ""

    def note(self, what: str) -> float:
        at_s = self.stage.clock()
        self.moments.append(Moment(at_s, what))
        return at_s

    def warm_up(self) -> None:
        """Wait until users are seen to write, and see that there is a way back. Raises NotBegun."""
        fit = self.practice.fit()
        try:
            wait_until(lambda: self._acknowledged() >= WARM_UP_WRITES, WARM_UP_S)
        except TimedOut as late:
            raise NotBegun(
                f"fewer than {WARM_UP_WRITES} writes were acknowledged within {WARM_UP_S:g} s"
            ) from late
        self.note(f"users write; {fit}")

    def carry_out(self) -> None:
        self.onset_s = self.note("the disaster strikes")
        self.bit = self.practice.strike(self.drill.name)
        acts = {**self.practice.acts(), **self.stage.others}
        self.steps = runbook.carry_out(self.drill.steps, acts, self.stage.person)
        self.note("the last step is done")

    def see_them_back(self) -> None:
        """Not for long where a step failed: they are served again when what was begun is ended."""
        failed = any(one.verdict is Verdict.FAIL for one in self.steps)
        within_s = min(self.stage.back_s, GIVEN_UP_S) if failed else self.stage.back_s
        try:
            wait_until(self._is_back, within_s + self.stage.lasting_s)
            self.note(f"users have read and written for {self.stage.lasting_s:g} s")
        except TimedOut:
            self.note(f"users could not read and write for good within {within_s:g} s of the last step")

    def end_what_was_begun(self) -> None:
        """After an interruption: users are served again before anything else."""
        if done := self.practice.heal():
            self.note(f"cut short by {self.cut_short}: {done}")

    def measured(self) -> Recovery:
        """Ends the observers. Raises what they failed with: then nothing was measured."""
        timeline, writes = self.probing.stop(), self.writer.stop()
        practice = self.practice
        cut = Cut(min(self.onset_s, self.stage.clock()), practice.resumed_s, practice.reaches_s)
        unread = ""
        try:
            kept = self.stage.product.kept()
        except Exception as error:  # noqa: BLE001 - also then there is a record, which says so
            kept, unread = (), f"what is there could not be read: {type(error).__name__}: {error}"
        found = recovery.measure(compare(writes, kept, cut), timeline, writes, self.stage.lasting_s)
        return replace(found, may_go_unfelt=practice.may_go_unfelt, unread=unread)

    def _acknowledged(self) -> int:
        return sum(one.outcome is Outcome.ACKNOWLEDGED for one in self.writer.writes())

    def _is_back(self) -> bool:
        since = self.probing.timeline().between(self.onset_s, float("inf"))
        lasting_s = self.stage.lasting_s
        writes = recovery.known(self.writer.writes())
        if recovery.writes_back(writes, self.onset_s, lasting_s) is None:
            return False
        return recovery.reads_back(since, self.onset_s, lasting_s) is not None


def hold(drill: Drill, practice: Practice, stage: Stage) -> DrillRecord:
    """The record. Raises NotBegun."""
    stage.folder.mkdir(parents=True)
    began_s = time.time()
    with ExitStack() as stack:
        writer = stack.enter_context(Writer(stage.product, stage.folder / "writes.jsonl", clock=stage.clock))
        probing = stack.enter_context(_reads(drill, stage))
        held = Held(drill, practice, stage, writer, probing)
        held.warm_up()
        try:
            held.carry_out()
            held.see_them_back()
        except BaseException as error:  # noqa: BLE001 - whatever it is, users come first, then the record
            held.cut_short = f"{type(error).__name__}: {error}".rstrip(": ")
            held.end_what_was_begun()
        measured = held.measured()
    return _record(held, measured, began_s)


def _reads(drill: Drill, stage: Stage) -> Probing:
    product = stage.product
    return Probing(
        stage.reads or product.reading(drill.asks or ""), stage.folder / "reads.bin", product.private
    )


def _record(held: Held, measured: Recovery, began_s: float) -> DrillRecord:
    """What lies aside goes only where all of it is proven to be back: else somebody has to look at it."""
    drill, stage = held.drill, held.stage
    left = tuple(held.practice.left_behind())
    evidence = {"journal": str(stage.folder / "writes.jsonl"), "probes": str(stage.folder / "reads.bin")}
    is_whole = not measured.unread and measured.truth.is_whole
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began_s))
    record = DrillRecord(
        id=f"{started}-{stage.target}-{stage.environment}-{drill.name}",
        drill=drill.name,
        title=drill.title,
        source=drill.source,
        target=stage.target,
        environment=stage.environment,
        began_s=began_s,
        ended_s=time.time(),
        steps=tuple(held.steps),
        figures=tuple(judging.figures(drill, measured, held.bit)),
        moments=tuple(held.moments),
        losses=(measured.unread,) if measured.unread else judging.losses(measured.truth),
        evidence=evidence,
        cut_short=held.cut_short,
        left_behind=left,
    )
    if record.verdict is Verdict.PASS and is_whole:
        held.practice.clear()
        return record
    kept = held.practice.keep(is_over=not left)
    return replace(record, evidence=evidence | ({"data": kept} if kept else {}))
