"""The load runs that these suites judge: each is made once, when the first test asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from fixtures.load_options import LoadOptions, load_options
from fixtures.plugin import target_of
from fixtures.session.terminal import Say, following, saying
from fixtures.target import Objective, Side
from reports.recorder import Recorder
from scenarios.load.document import Wish, document_load, plan_of, secrets_of, side_by_side_plan
from scenarios.load.engine import Means, Progress, run_load
from scenarios.load.monitoring import Queries, ScrapedCounter
from scenarios.load.processes import Local, Master
from scenarios.load.result import LoadRun
from scenarios.surroundings import Surroundings

MadeMeans = Callable[..., Means]
# The part that an environment lacks where what monitoring counts are not users' requests alone.
OWN_COUNTS = "own-counts"
LAST = "test_remembered.py"  # keeps what the others judged
LOGGED_EVERY_S = 10  # into a log
REMARKS = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What keeps and compares comes last, and only where a baseline was named."""
    named = load_options(config)
    last = [item for item in items if item.path.name == LAST]
    items[:] = [item for item in items if item not in last]
    if named.baseline or named.save_baseline:
        items += last


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What became of the run stays on the screen."""
    for line in config.stash.get(REMARKS, []):
        terminalreporter.write_line(line)


def parametrize(metafunc: pytest.Metafunc, wanted: Callable[[Objective], bool]) -> None:
    """A test that takes an `objective` is run for each of the target's that is wanted."""
    if "objective" in metafunc.fixturenames:
        found = [one for one in target_of(metafunc.config).objectives.values() if wanted(one)]
        metafunc.parametrize("objective", found, ids=[one.name for one in found])


@pytest.fixture(scope="session")
def asked(pytestconfig: pytest.Config) -> LoadOptions:
    return load_options(pytestconfig)


@pytest.fixture(scope="session")
def wish(asked: LoadOptions) -> Wish:
    return Wish(asked.model, asked.profile, asked.duration_s)


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Say:
    return saying(pytestconfig)


@pytest.fixture(scope="session")
def remark(pytestconfig: pytest.Config) -> Say:
    """For the end of the run."""
    return pytestconfig.stash.setdefault(REMARKS, []).append


@pytest.fixture(scope="session")
def means(surroundings: Surroundings, asked: LoadOptions, pytestconfig: pytest.Config) -> MadeMeans:
    """With what runs are made: `means(Side.GREEN)` counts on that side."""
    follow = following(pytestconfig, LOGGED_EVERY_S)
    counted_alone = not surroundings.environment.lacks("", frozenset({OWN_COUNTS}))

    def shown(progress: Progress) -> None:
        follow(progress.elapsed_s, progress)

    def made(*sides: Side) -> Means:
        found = surroundings.environment
        namespaces = tuple(found.namespaces[side] for side in sides)
        return Means(
            fleet=Master(asked.master, asked.workers) if asked.master else Local(asked.workers),
            secrets=secrets_of(surroundings.target, found),
            # Only the lab is known to have no other users meanwhile.
            counter=ScrapedCounter(
                surroundings.prometheus, Queries.of(surroundings.target), namespaces, exclusive=found.embedded
            )
            if counted_alone
            else None,
            on_progress=shown,
        )

    return made


class Promised(Objective):
    """By this suite itself, of an environment that has these parts."""

    parts: frozenset[str] = frozenset()


def local(means: Means) -> Means:
    """A comparison needs every sample, and those are only kept here."""
    return dataclasses.replace(means, fleet=Local(1))


@pytest.fixture(scope="session")
def run(surroundings: Surroundings, wish: Wish, means: MadeMeans, say: Say, recorder: Recorder) -> LoadRun:
    """The document's load on the side that is being proven."""
    side, target, environment = surroundings.side, surroundings.target, surroundings.environment
    plan = plan_of(target, environment, {str(side): side}, wish)
    figures = document_load(target, environment)
    if figures.written_s != plan.model.held_s:
        recorder.scaled("load", f"{figures.written_s:g} s", f"{plan.model.held_s:g} s")
    say(f"load: {plan.model}")
    return run_load(plan, means(side))


@pytest.fixture(scope="session")
def both(surroundings: Surroundings, wish: Wish, means: MadeMeans, say: Say) -> LoadRun:
    """Blue and green, request by request in turns."""
    sides = {str(side): side for side in (Side.BLUE, Side.GREEN)}
    plan = side_by_side_plan(surroundings.target, surroundings.environment, sides, wish)
    say(f"blue against green: {plan.model}")
    return run_load(plan, local(means(*sides.values())))
