"""Holds a drill: users read and write, the disaster strikes, the runbook is carried out, and then it is all compared.

Nothing is struck before there is a backup that was read in full, and users were seen to read and write. However it
ends, also by ctrl-C, what was begun is ended and the record is made; what is not as it was found is in that record.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.backups import NotRestored
from fixtures.platforms.postgres.inventory import Inventory, differences
from fixtures.target.drills import Drill
from reports.drills.record import DrillRecord, Moment, StepDone
from scenarios.drills import judging, recovery, runbook
from scenarios.drills.comeback import Comeback, inventories, newest_sound
from scenarios.drills.disasters import Disaster
from scenarios.drills.ground import Ground, Ledger, Note, heal
from scenarios.drills.journal import Outcome
from scenarios.drills.recovery import Recovery
from scenarios.drills.runbook import Act, Person
from scenarios.drills.truth import Cut, compare
from scenarios.drills.writer import Product, Writer
from scenarios.release.probing import Probing
from scenarios.release.timeline import LASTING_S

WARM_UP_WRITES = 10
WARM_UP_S = 30.0
BACK_S = 60.0  # after the last step, for users to read and write again for good


class NotBegun(Exception):
    """The drill cannot be held safely, or nothing could be learned from it; nothing was harmed."""


@dataclass(frozen=True)
class Stage:
    """Where a drill is held, and for whom. `folder`: for its journal and probes, a new one for each drill."""

    ground: Ground
    product: Product
    ledger: Ledger
    folder: Path
    person: Person
    target: str
    environment: str


@dataclass
class Held:
    """A drill while it is held."""

    drill: Drill
    stage: Stage
    writer: Writer
    probing: Probing
    was: Mapping[str, Inventory] = field(default_factory=dict)
    onset_s: float = float("inf")
    bit: str = ""
    way: Comeback | None = None
    steps: list[StepDone] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    cut_short: str = ""

    def note(self, what: str) -> float:
        at_s = self.writer.clock()
        self.moments.append(Moment(at_s, what))
        return at_s

    def warm_up(self) -> None:
        """Wait until users are seen to write, and see that there is a way back. Raises NotBegun."""
        try:
            backup, _ = newest_sound(self.stage.ground.backups, None)
            wait_until(lambda: self._acknowledged() >= WARM_UP_WRITES, WARM_UP_S)
        except NotRestored as error:
            raise NotBegun(str(error)) from error
        except TimedOut as late:
            raise NotBegun(
                f"fewer than {WARM_UP_WRITES} writes were acknowledged within {WARM_UP_S:g} s"
            ) from late
        self.was = inventories(self.stage.ground)
        self.note(f"users write; {backup.id} was read in full")

    def practise(self, disaster: Disaster, others: Mapping[str, Act]) -> None:
        ground, ledger = self.stage.ground, self.stage.ledger
        ledger.open(Note(self.drill.name, str(ground.data())))
        self.onset_s = self.note("the disaster strikes")
        disaster.strike(ground, ledger)
        self.bit = disaster.bit(ground)
        self.way = Comeback(ground, ledger, self.was, disaster.way_back(ledger), self.writer.clock)
        self.steps = runbook.carry_out(self.drill.steps, {**self.way.acts(), **others}, self.stage.person)
        self.note("the last step is done")

    def see_them_back(self) -> None:
        try:
            wait_until(self._is_back, BACK_S + LASTING_S)
            self.note(f"users have read and written for {LASTING_S:g} s")
        except TimedOut:
            self.note(f"users could not read and write for good within {BACK_S:g} s of the last step")

    def end_what_was_begun(self) -> None:
        """After an interruption: users are served again before anything else."""
        if done := heal(self.stage.ground, self.stage.ledger):
            self.note(f"cut short by {self.cut_short}: {done}")

    def measured(self) -> Recovery:
        """Ends the observers. Raises what they failed with: then nothing was measured."""
        timeline, writes = self.probing.stop(), self.writer.stop()
        resumed_s = self.way.resumed_s if self.way else float("inf")
        cut = Cut(min(self.onset_s, self.writer.clock()), resumed_s)
        unread = ""
        try:
            kept = self.stage.product.kept()
        except Exception as error:  # noqa: BLE001 - also then there is a record, which says so
            kept, unread = (), f"what is there could not be read: {type(error).__name__}: {error}"
        return recovery.measure(compare(writes, kept, cut), timeline, writes, unread)

    def _acknowledged(self) -> int:
        return sum(one.outcome is Outcome.ACKNOWLEDGED for one in self.writer.writes())

    def _is_back(self) -> bool:
        since = self.probing.timeline().between(self.onset_s, float("inf"))
        writes = recovery.writes_back(self.writer.writes(), self.onset_s)
        return writes is not None and recovery.reads_back(since, self.onset_s) is not None


def hold(
    drill: Drill, disaster: Disaster, stage: Stage, others: Mapping[str, Act] | None = None
) -> DrillRecord:
    """The record. `others`: acts for steps that are not the database's. Raises NotBegun."""
    if stage.ledger.note() is not None:
        raise NotBegun("an earlier drill was not ended: heal it first")
    stage.folder.mkdir(parents=True)
    began_s = time.time()
    with ExitStack() as stack:
        writer = stack.enter_context(Writer(stage.product, stage.folder / "writes.jsonl"))
        probing = stack.enter_context(Probing(stage.product.reading(), stage.folder / "reads.bin"))
        held = Held(drill, stage, writer, probing)
        held.warm_up()
        try:
            held.practise(disaster, others or {})
            held.see_them_back()
        except BaseException as error:  # noqa: BLE001 - whatever it is, users come first, then the record
            held.cut_short = f"{type(error).__name__}: {error}".rstrip(": ")
            held.end_what_was_begun()
        measured = held.measured()
    return _record(held, measured, began_s)


def left_behind(held: Held) -> list[str]:
    """In what the databases are not as they were found. Only where they are, the note of the drill goes."""
    try:
        now = inventories(held.stage.ground)
    except psycopg.Error as error:
        return [f"the database cannot be read: {error}"]
    found = [f"{name}: {one}" for name, was in held.was.items() for one in differences(was, now[name])]
    if not found:
        held.stage.ledger.settle()
    return found


def cleared(stage: Stage, note: Note, measured: Recovery) -> str:
    """Delete what lies aside, where every write of ours was found in what serves; else it stays, and is told."""
    serves = stage.ground.data()
    lying = [
        path
        for path in map(Path, filter(None, (note.original, note.aside)))
        if path.exists() and path != serves
    ]
    if measured.unread or not measured.truth.is_whole:
        return f"kept, because something is gone: {', '.join(map(str, lying))}" if lying else ""
    for path in lying:
        shutil.rmtree(path)
    return ""


def _record(held: Held, measured: Recovery, began_s: float) -> DrillRecord:
    drill, stage = held.drill, held.stage
    note = stage.ledger.note()
    left = left_behind(held)
    kept = cleared(stage, note, measured) if note and not left else ""
    evidence = {"journal": str(stage.folder / "writes.jsonl"), "probes": str(stage.folder / "reads.bin")}
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began_s))
    return DrillRecord(
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
        evidence=evidence | ({"data": kept} if kept else {}),
        cut_short=held.cut_short,
        left_behind=tuple(left),
    )
