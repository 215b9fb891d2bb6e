"""What every suite is handed. A test that takes a `check` runs once for each of the target's checks of that kind."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator

import pytest

from fixtures.plugin import gate_of, target_of
from fixtures.release_options import release_options
from fixtures.session.judge import Judge
from fixtures.target import Check, Environment, Objective, Side, Target
from scenarios.checks import measure
from scenarios.surroundings import Surroundings

Prove = Callable[[Check], None]
# What a test takes that is run for each of them.
ASKED = {"check": Check, "held": Check, "unheld": Objective, "objective": Objective}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`def test_x(check: NodesReady)` is run for every check of that kind in the profile, under the check's name."""
    if "check" not in metafunc.fixturenames:
        return
    kind = typing.get_type_hints(metafunc.function)["check"]
    checks = [check for check in target_of(metafunc.config).checks if isinstance(check, kind)]
    metafunc.parametrize("check", checks, ids=[check.name for check in checks])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A kind that the profile does not ask for is no test: neither skipped, nor deselected by anybody."""
    items[:] = [item for item in items if not (isinstance(item, pytest.Function) and _asks_nothing(item))]


def _asks_nothing(item: pytest.Function) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return any(not isinstance(params[name], kind) for name, kind in ASKED.items() if name in params)


@pytest.fixture(scope="session")
def surroundings(target: Target, environment: Environment, side: Side) -> Iterator[Surroundings]:
    """The side that is being proven, and ways to look at it."""
    found = Surroundings(target, environment, side)
    yield found
    found.close()


@pytest.fixture(scope="session", autouse=True)
def way_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """With --on-fail rollback: where the gate failed and users are on green, they are taken back, and it is timed."""
    if not release_options(request.config).rolls_back:
        yield
        return
    environment: Environment = request.getfixturevalue(
        "environment"
    )  # now, so that it is still open in the end
    yield
    from suites.way_back import take_back_where_it_failed  # what only this needs is slow to load

    take_back_where_it_failed(gate_of(request.config), environment)


@pytest.fixture
def prove(judge: Judge, request: pytest.FixtureRequest) -> Prove:
    """Measure a check and judge what was found; one that the environment cannot show is said so, and not tried."""

    def proven(check: Check) -> None:
        __tracebackhide__ = True
        judge.here(check)
        judge(check, measure(check, request.getfixturevalue("surroundings")))

    return proven
