"""What breaks a promise under a fault is named by the experiments that must catch it. Each is carried out as the
profile has it, but that nobody waits five minutes for what is known never to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, is_well, known
from fixtures.objectives import assess
from fixtures.target import Side, Target
from fixtures.target.experiment import Experiment
from fixtures.target.quantities import Duration
from reports.verdicts import Verdict
from scenarios.faults.experiment import Trial
from scenarios.faults.healing import marks
from scenarios.faults.place import Place
from scenarios.faults.site import Site
from scenarios.faults.standby import Standby
from scenarios.surroundings import Surroundings
from tests.labs import broken as broken

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(420)]
SYSTEM = "machine-native-ops"
NOTICED_WITHIN = Duration.read("25s")
WELL_S = 60.0
EXPERIMENTS = {one.name: one for one in Target.load(SYSTEM).checks if isinstance(one, Experiment)}
DEFECTS = {
    name: one
    for name, one in known(SYSTEM).items()
    if one.stage == "chaos" and one.caught_by <= EXPERIMENTS.keys()
}
Tried = Callable[[Experiment], tuple[Verdict, str]]


@pytest.fixture(scope="module")
def around(lab: Lab) -> Iterator[Surroundings]:
    target = Target.load(SYSTEM)
    found = Surroundings(target, target.environment("lab").with_facts(lab.facts), Side.GREEN)
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = replace(Place.of(SYSTEM, around.environment), folder=str(tmp_path_factory.mktemp("ledger")))
    with place.opened() as hands, Standby(place) as standby:
        yield Site(hands, place.ledger, standby)


@pytest.fixture
def tried(around: Surroundings, site: Site, tmp_path: Path) -> Iterator[Tried]:
    """Carry it out; whatever comes of it, nothing is left."""

    def carried_out(one: Experiment) -> tuple[Verdict, str]:
        seen = Trial(one, around, site, tmp_path / one.name).run()
        print("\n".join(evidence.text for evidence in seen.evidence))
        return assess(one, seen)

    yield carried_out
    assert marks(site.hands.objects) == site.ledger.entries() == []


def hurried(one: Experiment) -> Experiment:
    noticed = one.noticed and one.noticed.model_copy(update={"within": NOTICED_WITHIN})
    return one.model_copy(update={"noticed": noticed})


@pytest.mark.parametrize("broken", DEFECTS.values(), ids=DEFECTS, indirect=True)
def test_a_defect_is_named_by_each_experiment_that_must_catch_it(broken: Defect, tried: Tried) -> None:
    reasons = []
    for name in sorted(broken.caught_by):
        said, reason = tried(hurried(EXPERIMENTS[name]))
        assert said is Verdict.FAIL, (name, reason)
        reasons.append(reason)
    assert broken.says in "\n".join(reasons)


def test_a_healthy_lab_notices_in_the_hurry_that_defects_are_given(tried: Tried, access: Access) -> None:
    """So that what a defect fails by is the defect."""
    wait_until(lambda: is_well(access), WELL_S)
    said, reason = tried(hurried(EXPERIMENTS["service-down-noticed"]))
    assert said is Verdict.PASS, reason
