"""The one release that these suites judge: carried out once, when the first test asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.evidence import Missing
from fixtures.notify import notifying
from fixtures.plugin import gate_of, target_of
from fixtures.release_options import ReleaseOptions, release_options
from fixtures.session.judge import Judge
from fixtures.session.terminal import following, saying
from fixtures.target import Objective, Side
from reports.recorder import Recorder
from reports.release import page
from reports.release.record import Release
from reports.verdicts import Evidence
from scenarios.release.carrying import Hearers, Wish, carry_out
from scenarios.release.measure import measure
from scenarios.release.stage import Progress
from scenarios.release.terms import longest_s, terms_of
from scenarios.surroundings import Surroundings

LOGGED_EVERY_S = 5  # into a log
JudgeRelease = Callable[[Objective], None]
PAGE = Evidence("How the release went", page.NAME, "file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The first test carries the release out, which takes hours where nothing shortens them."""
    options = gate_of(config).options
    try:
        bound_s = longest_s(terms_of(options.target, options.environment))
    except Missing:  # the first test says so
        return
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(bound_s))


def parametrize(metafunc: pytest.Metafunc, *subjects: str) -> None:
    """A test that takes an `objective` is run for each of the target's over a release whose subject begins so."""
    if "objective" not in metafunc.fixturenames:
        return
    found = [
        one
        for one in target_of(metafunc.config).objectives.values()
        if one.over.kind == "release" and any(one.over.subject.startswith(begin) for begin in subjects)
    ]
    metafunc.parametrize("objective", found, ids=[one.name for one in found])


@pytest.fixture(scope="session")
def asked(pytestconfig: pytest.Config) -> ReleaseOptions:
    return release_options(pytestconfig)


@pytest.fixture(scope="session")
def release(
    surroundings: Surroundings, asked: ReleaseOptions, recorder: Recorder, pytestconfig: pytest.Config
) -> Iterator[Release]:
    """Carried out as asked. What it leaves is in the run's folder, also where it was cut short."""
    environment = surroundings.environment
    proven = Surroundings(surroundings.target, environment, Side.GREEN)
    terms = terms_of(surroundings.target, environment)
    for term in (*terms.stages, terms.full):
        if term.planned_s != term.written_s:
            recorder.scaled(f"release, {term.name}", f"{term.written_s:g} s", f"{term.planned_s:g} s")
    follow = following(pytestconfig, LOGGED_EVERY_S)

    def shown(progress: Progress) -> None:
        follow(progress.left_s, progress)

    gate = gate_of(pytestconfig)
    keep = asked.keep if asked.keep is not None else not environment.embedded
    wish = Wish(asked.observe, keep, "rollback" if asked.rolls_back else "report", gate.options.lab)
    folder = gate.options.folder
    try:
        with notifying(environment, folder.name) as notifier:
            found = carry_out(proven, wish, folder, Hearers(saying(pytestconfig), notifier.tell, shown))
        yield found
    finally:
        page.write_of(folder, gate.redactor)
        proven.close()


@pytest.fixture
def judged(release: Release, judge: Judge) -> JudgeRelease:
    """Judge one promise by the release."""

    def of(objective: Objective) -> None:
        __tracebackhide__ = True
        if objective.over.subject.startswith(_not_asked_for(release)):
            objective = objective.model_copy(update={"must": False})
        measured = measure(release, objective)
        judge(objective, dataclasses.replace(measured, evidence=(*measured.evidence, PAGE)))

    return of


def _not_asked_for(release: Release) -> tuple[str, ...]:
    """What a release that stays, or is only watched, does not show: it is reported, and does not gate."""
    if release.mode == "observe" and release.rollback is None:
        return ("rollback", "restored", "old-environment")
    return ("rollback", "restored") if release.outcome == "promote" and release.restored is None else ()
