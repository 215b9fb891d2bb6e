"""A release by Argo CD is tried like one by weights: promoted when green is well, taken back when it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from fixtures.lab.systems.machine_native_ops import door
from fixtures.platforms.argo_cd import ArgoCd
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target import Target
from reports.release import record
from reports.verdicts import Verdict
from scenarios.surroundings import switch_of
from tests.labs import broken as broken
from tests.release.carried import Carried, carried
from tests.suites.running import run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(420)]
SYSTEM = "machine-native-ops"
DEFECTS = known(SYSTEM)
USERS = {"zero_downtime"}  # how they fare depends on who else uses this machine
ROUTING = "/apis/networking.istio.io/v1beta1/namespaces/machine-native-ops/virtualservices/mno"


class Standing:
    """Where the lab's users are led, by what is to be delivered and by what is there."""

    def __init__(self, lab: Access) -> None:
        environment = Target.load(SYSTEM).environment("lab").with_facts(lab.facts)
        switch = switch_of(environment)
        assert switch is not None
        self.lab, self.switch = lab, switch

    @property
    def as_found(self) -> bool:
        """Blue is followed and is there, and nothing tells of a fault any more."""
        platform = Kubernetes(Path(self.lab.facts["kubeconfig"]))
        try:
            routes = ArgoCd(platform, self.switch).read()
        finally:
            platform.close()
        live = self.lab.get(ROUTING)
        assert live is not None
        marks = json.dumps(routes.body["metadata"].get("annotations", {}))
        return routes.green == 0 and live["spec"] == door.routing()["spec"] and "verdigris" not in marks


@pytest.fixture
def standing(access: Access) -> Standing:
    return Standing(access)


def name_of(defect: Defect) -> str:
    return defect.name


def failed(found: Carried) -> set[str]:
    return found.with_verdict(Verdict.FAIL) - USERS


def test_a_healthy_release_passes_the_whole_suite(access: Access, tmp_path: Path, standing: Standing) -> None:
    run = run_stage("release", lab=access.facts["name"], folder=tmp_path, options=("--target", SYSTEM))
    assert run.with_verdict("INVALID") <= USERS, run.output[-4000:]
    assert run.with_verdict("FAIL", "UNKNOWN") == set(), run.output[-4000:]
    found = record.read(tmp_path / record.NAME)
    assert [(one.name, one.decision.outcome) for one in found.stages] == [("100%", "promote")]
    assert [one.green for one in found.weights] == [0, 1, 0, 0]
    assert found.cleaned == ()  # the document says nothing of the side that users have left
    assert found.rollback is not None
    assert [step.name for step in found.rollback.steps] == ["switch", "verify", "health"]
    assert standing.as_found


@pytest.mark.parametrize("broken", [DEFECTS["green-fails-its-users"]], ids=name_of, indirect=True)
def test_a_green_that_fails_its_users_is_taken_back(
    broken: Defect, lab: Lab, tmp_path: Path, standing: Standing
) -> None:
    found = carried(lab, tmp_path, Target.load(SYSTEM))
    assert found.record.outcome == "roll back", found.told
    assert broken.says in "; ".join(found.record.reasons)
    assert failed(found) == broken.caught_by, found.told
    assert found.record.rollback is not None
    assert found.record.rollback.ok, found.told
    assert standing.as_found


@pytest.mark.parametrize("broken", [DEFECTS["green-fails-under-users"]], ids=name_of, indirect=True)
def test_the_pipelines_gate_takes_back_what_only_users_show(
    broken: Defect, access: Access, tmp_path: Path, standing: Standing
) -> None:
    """Steps 3 to 8 as one gate: all is well until users are on green, and then they are taken back."""
    stages = ("preflight", "smoke", "release")
    run = run_stage(*stages, lab=access.facts["name"], folder=tmp_path, options=("--target", SYSTEM))
    assert run.exit_code == 1
    assert run.with_verdict("FAIL") - USERS == broken.caught_by, run.output[-4000:]
    assert broken.says in run.reasons("FAIL", broken.caught_by)
    found = record.read(tmp_path / record.NAME)
    assert [(one.name, one.decision.outcome) for one in found.stages] == [("100%", "roll back")]
    assert found.rollback is not None
    assert found.rollback.ok
    assert standing.as_found


@pytest.mark.parametrize("broken", [DEFECTS["door-not-delivered"]], ids=name_of, indirect=True)
def test_users_who_are_not_moved_are_not_taken_for_moved(broken: Defect, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, Target.load(SYSTEM))
    assert found.record.outcome != "promote", found.told
    assert broken.caught_by <= failed(found), found.told
    assert broken.says in "; ".join(found.record.reasons)
