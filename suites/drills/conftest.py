"""The scene of the drills: one run at a time, and what an earlier one began is ended before another thing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.drill_options import drill_options
from fixtures.plugin import gate_of, target_of
from fixtures.redact import Redactor
from fixtures.session.judge import Judge, Promise
from fixtures.session.outcomes import Judged
from fixtures.target.drills import Drill, Held
from reports.drills import page
from reports.drills.history import keep
from reports.drills.record import DrillRecord
from reports.verdicts import Evidence, Measurement
from scenarios.drills import findings
from scenarios.drills.alone import alone_on, ended, healed
from scenarios.drills.application import product_of
from scenarios.drills.drill import Stage, hold
from scenarios.drills.practice import NotBegun, NoWayBack, Practice
from scenarios.drills.practices import Scene
from scenarios.drills.runbook import AtTheTerminal, Nobody, Person
from scenarios.drills.standby import standing_by
from scenarios.surroundings import Surroundings
from scenarios.tally import UNIT

FOLDER = "drills"
Try = Callable[[Held], None]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a `held` is run for each drill of the profile that says what is lost; one that takes an
    `unheld`, for each figure that is promised of another."""
    if "held" in metafunc.fixturenames:
        drills = [one.held for one in target_of(metafunc.config).drills.values() if one.loses]
        metafunc.parametrize("held", drills, ids=[one.name for one in drills])
    if "unheld" in metafunc.fixturenames:
        promised = findings.unheld(target_of(metafunc.config))
        metafunc.parametrize("unheld", promised, ids=[one.name for one in promised])


@pytest.fixture(scope="session")
def scene(surroundings: Surroundings, pytestconfig: pytest.Config) -> Iterator[Scene]:
    options = gate_of(pytestconfig).options
    where = ("--target", str(options.target.file), "--env", options.environment.name, "--lab", options.lab)
    with alone_on(surroundings, options.lab) as found, standing_by(where, found.note.with_suffix(".log")):
        healed(found)
        found.pass_the_night()
        yield found


@pytest.fixture
def person(pytestconfig: pytest.Config) -> Person:
    """Whoever sits at the terminal, which pytest otherwise keeps to itself."""
    if drill_options(pytestconfig).unattended:
        return Nobody()
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def read(prompt: str) -> str:
        capture.suspend(in_=True)
        try:
            return input(prompt)
        finally:
            capture.resume()

    return AtTheTerminal(read)


@pytest.fixture
def try_out(judge: Judge, scene: Scene, person: Person, pytestconfig: pytest.Config) -> Try:
    """Hold the drill, keep its record, and judge all that was promised of it."""
    gate, asked = gate_of(pytestconfig), drill_options(pytestconfig)
    target, environment = gate.options.target, gate.options.environment.name

    def tried(check: Held) -> None:
        __tracebackhide__ = True
        drill, folder = target.drills[check.name], gate.options.folder / FOLDER / check.name
        product = product_of(scene.around)
        stage = Stage(product, folder, person, target.system, environment, clock=scene.clock)
        stage = replace(stage, reads=scene.reading(drill, product), others=scene.others(drill))
        practice = scene.practice(drill)
        try:
            with ended(practice):
                record = hold(drill, practice, stage)
        except NotBegun as error:
            judge(check, _not_begun(error))
            return
        except BaseException as error:
            # Whatever it was, nobody knows how far it got: nothing more is lost in this run.
            gate.block(f"{drill.name} could not be carried through: {type(error).__name__}: {error}")
            raise
        _block_where_left(practice, record)
        keep(record, asked.records, gate.redactor)
        _judge_all(judge, drill, record, _page(record, folder, gate.redactor))

    def _block_where_left(practice: Practice, record: DrillRecord) -> None:
        """Nothing more is lost where something lies about, or where somebody wanted it to end."""
        if left := practice.left_behind():
            gate.block(f"{record.drill} left something behind: {'; '.join(left)}")
        elif record.cut_short:
            gate.block(f"{record.drill} was cut short by {record.cut_short}")

    def _judge_all(judge: Judge, drill: Drill, record: DrillRecord, shown: Evidence) -> None:
        __tracebackhide__ = True
        objectives = findings.promises(drill, list(target.objectives.values()))
        found: list[tuple[Promise, Measurement]] = [(drill.held, findings.held(record))]
        found += [(one, findings.figure(record, one)) for one in objectives]
        failed: list[Judged] = []
        for promise, measured in found:
            try:
                judge(promise, replace(measured, evidence=(*measured.evidence, shown)))
            except Judged as error:  # the others are judged all the same
                failed.append(error)
        if failed:
            raise failed[0]

    return tried


def _not_begun(error: NotBegun) -> Measurement:
    """To have no way back is what a drill is held to find out; whatever else kept it from beginning proves nothing."""
    if isinstance(error, NoWayBack):
        return Measurement(1.0, UNIT, 1, bad=1, why=str(error))
    return Measurement(None, UNIT, 0, invalid=str(error))


def _page(record: DrillRecord, folder: Path, redact: Redactor) -> Evidence:
    path = folder / "drill.html"
    path.write_text(redact(page.to_html(record)), encoding="utf-8")
    return Evidence(record.title, f"{FOLDER}/{folder.name}/{path.name}", "file")
