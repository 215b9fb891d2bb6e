"""An experiment's test is given the time that its row allows: else an overrun is cut off, and no verdict says it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from fixtures.target import Target
from fixtures.target.experiment import Experiment
from scenarios.faults.lasting import AROUND_S, longest_s
from scenarios.release import terms
from suites.chaos.conftest import give_time

SYSTEMS = ("hwayo", "machine-native-ops", "memoryark-line", "nailbook-line")
ROWS = [
    pytest.param(target, one, id=f"{target.system}-{one.name}")
    for target in map(Target.load, SYSTEMS)
    for one in target.checks
    if isinstance(one, Experiment)
]


class Collected:
    """A test of that experiment, as pytest has collected it."""

    def __init__(self, experiment: Experiment) -> None:
        self.callspec = SimpleNamespace(params={"check": experiment})
        self.markers: list[pytest.MarkDecorator] = []

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        self.markers.append(marker)


@pytest.mark.parametrize(("target", "row"), ROWS)
def test_what_overruns_its_row_is_still_there_to_be_judged(target: Target, row: Experiment) -> None:
    item = Collected(row)
    give_time([cast(pytest.Item, item)], target, target.environment("lab"))
    noticed_s = max((one.within.seconds for one in row.notices), default=0.0)
    ((timeout,),) = [marker.args for marker in item.markers]
    assert timeout >= AROUND_S + noticed_s + row.recovers.within.seconds


def test_an_experiment_in_a_release_has_the_releases_time_too() -> None:
    target = Target.load("hwayo")
    environment = target.environment("lab")
    row = next(one for one in target.checks if isinstance(one, Experiment) and one.released)
    alone = row.model_copy(update={"released": None})
    more_s = longest_s(row, target, environment) - longest_s(alone, target, environment)
    assert more_s == pytest.approx(terms.longest_s(terms.terms_of(target, environment)))


def test_what_is_not_an_experiment_is_given_no_time() -> None:
    target = Target.load("machine-native-ops")
    item = Collected(cast(Experiment, next(one for one in target.checks if one.name == "cache-failover")))
    give_time([cast(pytest.Item, item)], target, target.environment("lab"))
    assert item.markers == []
