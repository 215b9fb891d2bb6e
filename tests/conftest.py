"""What all tests share: a property is judged by its truth, not by a busy machine's speed; and who runs beside whom."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.turns import turn

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

settings.register_profile("verdigris", deadline=None)
settings.load_profile("verdigris")

# The gates' own tests are the longest: they go first, and each has a worker for as long as it takes.
LONGEST = ("suites/test_gate.py", "e2e/test_gate.py", "release/test_gate.py", "load/test_gate.py")


def group(nodeid: str) -> str:
    """One folder, one worker: what its tests share is started once."""
    place = nodeid.partition("::")[0].removeprefix("tests/")
    return place if place in LONGEST else place.partition("/")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(group(item.nodeid), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    workers = getattr(item.config, "workerinput", None)
    if workers is None:
        return (yield)
    folder = Path(tempfile.gettempdir()) / f"verdigris-tests-{workers['testrunuid']}"
    folder.mkdir(exist_ok=True)
    with turn(folder, alone=item.get_closest_marker("alone") is not None):
        return (yield)
