"""The site of the experiments: what an earlier run left is healed first, and a watchdog stands by from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.chaos_options import wants_long
from fixtures.evidence import Missing
from fixtures.objectives import assess
from fixtures.plugin import gate_of
from fixtures.redact import Redactor
from fixtures.session.judge import Judge
from fixtures.target import Environment, Target
from fixtures.target.experiment import Experiment
from reports.chaos import page
from reports.release import page as release_page
from reports.verdicts import Evidence, Measurement
from scenarios.faults import during
from scenarios.faults.experiment import Trial
from scenarios.faults.lasting import longest_s
from scenarios.faults.place import Place
from scenarios.faults.responses import Responses
from scenarios.faults.site import Site
from scenarios.faults.stage import Stage
from scenarios.faults.standing import standing
from scenarios.surroundings import Surroundings

FOLDER = "experiments"
Try = Callable[[Experiment], None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """An experiment for which a stage has no time is no test of it, unless it is asked for."""
    if not wants_long(config):
        items[:] = [item for item in items if not any(one.long for one in experiments([item]))]
    options = gate_of(config).options
    give_time(items, options.target, options.environment)


def give_time(items: Sequence[pytest.Item], target: Target, environment: Environment) -> None:
    """Each test of an experiment has all the time that its row allows: what takes longer ends in a verdict."""
    for item in items:
        for experiment in experiments([item]):
            with suppress(Missing):  # of a release that cannot be told: the test says so
                item.add_marker(pytest.mark.timeout(longest_s(experiment, target, environment)))


def with_page(trial: Trial, seen: Measurement, redact: Redactor) -> Measurement:
    """The same, with a page of its own beside the run's."""
    verdict, reason = assess(trial.experiment, seen)
    told = trial.course.told(trial.experiment, verdict, reason)
    page.write(told, trial.folder, redact)
    shown = [Evidence(trial.experiment.name, f"{FOLDER}/{trial.experiment.name}/{page.NAME}", "file")]
    if release_page.write_of(trial.folder / during.FOLDER, redact):
        within = f"{FOLDER}/{trial.experiment.name}/{during.FOLDER}/{release_page.NAME}"
        shown.append(Evidence("How the release went", within, "file"))
    return replace(seen, evidence=(*seen.evidence, *shown))


@pytest.fixture(scope="session")
def site(surroundings: Surroundings, pytestconfig: pytest.Config) -> Iterator[Site]:
    options = gate_of(pytestconfig).options
    place = Place.of(surroundings.target.system, surroundings.environment, options.lab)
    with standing(place) as found:
        yield found


@pytest.fixture(scope="session")
def stage(surroundings: Surroundings, folder: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    with Stage(surroundings) as found:
        found.prepare(experiments(request.session.items), folder)
        yield found


def experiments(items: Sequence[pytest.Item]) -> list[Experiment]:
    """That those tests are of."""
    told = (getattr(item, "callspec", None) for item in items)
    found = (one.params.get("check") for one in told if one is not None)
    return [one for one in found if isinstance(one, Experiment)]


@pytest.fixture(scope="session")
def folder(pytestconfig: pytest.Config) -> Path:
    return gate_of(pytestconfig).options.folder / FOLDER


@pytest.fixture(scope="session")
def responses() -> Responses:
    """Of the stage's experiments, as they go by."""
    return Responses()


@pytest.fixture
def try_out(judge: Judge, request: pytest.FixtureRequest, folder: Path, responses: Responses) -> Try:
    """Carry the experiment out and judge it. Where something is left behind, nothing more is tried."""

    def tried(experiment: Experiment) -> None:
        __tracebackhide__ = True
        judge.here(experiment)
        stage: Stage = request.getfixturevalue("stage")  # first: it comes up while the site does
        site: Site = request.getfixturevalue("site")
        around: Surroundings = request.getfixturevalue("surroundings")
        later = experiments(request.session.items[request.session.items.index(request.node) + 1 :])
        following = (later[0], folder / later[0].name) if later else None
        lab = gate_of(request.config).options.lab
        trial = Trial(experiment, around, site, folder / experiment.name, stage, following, lab)
        measurement = with_page(trial, trial.run(), gate_of(request.config).redactor)
        responses.add(experiment, trial.course, measurement)
        if site.mine():
            gate_of(request.config).block(
                f"{experiment.name} left something behind: python -m scenarios.faults heal"
            )
        elif left := trial.course.left:  # nothing of ours, and still nobody to harm any further
            gate_of(request.config).block(f"{experiment.name} left something behind: {left}")
        judge(experiment, measurement)

    return tried
