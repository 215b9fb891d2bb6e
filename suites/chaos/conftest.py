"""The site of the experiments: what an earlier run left is healed first, and a watchdog stands by from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.plugin import gate_of
from fixtures.session.judge import Judge
from fixtures.target.experiment import Experiment
from scenarios.faults.experiment import run
from scenarios.faults.healing import Healer, left_behind
from scenarios.faults.place import Place
from scenarios.faults.site import Site
from scenarios.faults.standby import Standby
from scenarios.surroundings import Surroundings

Try = Callable[[Experiment], None]


@pytest.fixture(scope="session")
def site(surroundings: Surroundings, pytestconfig: pytest.Config) -> Iterator[Site]:
    options = gate_of(pytestconfig).options
    place = Place.of(surroundings.target.system, surroundings.environment, options.lab)
    with place.opened() as hands:
        left = Healer(hands, place.ledger).heal_all(left_behind(hands.objects, place.ledger))
        assert not [one.text for one in left if one.failed], (
            "an earlier run left something that cannot be healed"
        )
        with Standby(place) as standby:
            found = Site(hands, place.ledger, standby)
            yield found
            found.abort()


@pytest.fixture
def folder(pytestconfig: pytest.Config) -> Path:
    return gate_of(pytestconfig).options.folder / "experiments"


@pytest.fixture
def try_out(judge: Judge, request: pytest.FixtureRequest, folder: Path) -> Try:
    """Carry the experiment out and judge it. Where something is left behind, nothing more is tried."""

    def tried(experiment: Experiment) -> None:
        __tracebackhide__ = True
        judge.here(experiment)
        site: Site = request.getfixturevalue("site")
        around: Surroundings = request.getfixturevalue("surroundings")
        measurement = run(experiment, around, site, folder / experiment.name)
        if site.mine():
            gate_of(request.config).block(
                f"{experiment.name} left something behind: python -m scenarios.faults heal"
            )
        judge(experiment, measurement)

    return tried
