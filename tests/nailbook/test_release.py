"""A release behind an ALB is tried like one on Kubernetes: promoted when green is well, taken back when it is not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from fixtures.lab.systems.nailbook_line.catalogue import CLUSTER, GREEN
from fixtures.platforms.alb import Alb
from fixtures.target import Target
from fixtures.target.quantities import Duration
from fixtures.target.release import Budget
from reports.release import record
from reports.verdicts import Verdict
from scenarios.faults.place import Place
from scenarios.release import back
from scenarios.release.fleet import Fleet
from scenarios.release.moment import Moments
from scenarios.surroundings import ecs_of, listener_of
from tests.release.carried import Carried, carried
from tests.suites.running import ROOT, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(240)]
SYSTEM = "nailbook-line"
DEFECTS = known(SYSTEM)
USERS = {"zero_downtime", "release_notified"}  # how they fare depends on who else uses this machine


class Standing:
    """How the lab's users and tasks stand, as AWS says."""

    def __init__(self, lab: Access) -> None:
        self.environment = Target.load(SYSTEM).environment("lab").with_facts(lab.facts)
        self.platform = ecs_of(self.environment)
        self.router = Alb(self.platform, listener_of(self.environment))

    @property
    def green(self) -> float | None:
        return self.router.read().green

    @property
    def tasks(self) -> dict[str, int]:
        return {side: Fleet(self.platform, side, Moments()).replicas()["api"] for side in ("blue", "green")}

    @property
    def sides(self) -> set[str]:
        """Those that have a service."""
        return {one["metadata"]["namespace"] for one in self.platform.list_objects("Deployment")}

    @property
    def notes(self) -> list[str]:
        """Marks that were left on anything."""
        return [
            key
            for kind in self.platform.change_kinds()
            for one in self.platform.list_objects(kind)
            for key in one["metadata"].get("annotations", ())
            if key.startswith(("faults.verdigris", "verdigris/"))
        ]


@pytest.fixture
def standing(access: Access) -> Standing:
    return Standing(access)


def name_of(defect: Defect) -> str:
    return defect.name


def released(lab: Lab, folder: Path) -> Carried:
    """Every step of a way back in 20 s: a test does not wait a quarter of an hour for a green that stays ill."""
    target, each = Target.load(SYSTEM), Duration.read("20s")
    assert target.rollback is not None
    steps = dict.fromkeys(("switch", "verify", "health", "clean_up"), each)
    budget = Budget(**steps, total=Duration.read("90s"), source="§Incident Response")
    rollback = target.rollback.model_copy(update={"automatic_": budget})
    return carried(lab, folder, target.model_copy(update={"rollback": rollback}))


def failed(found: Carried) -> set[str]:
    return found.with_verdict(Verdict.FAIL) - USERS


def steps(found: Carried) -> dict[str, bool | None]:
    assert found.record.rollback is not None, found.told
    return {step.name: step.ok for step in found.record.rollback.steps}


def as_found(found: Carried, standing: Standing) -> bool:
    assert found.record.restored is not None
    assert found.record.restored.ok, found.record.restored.said
    return (standing.green, standing.tasks, standing.notes) == (0, {"blue": 3, "green": 3}, [])


def test_a_healthy_release_passes_the_whole_suite(access: Access, tmp_path: Path, standing: Standing) -> None:
    run = run_stage("release", lab=access.facts["name"], folder=tmp_path, options=("--target", SYSTEM))
    held_up = run.with_verdict("INVALID")
    assert held_up <= {"zero_downtime"}, run.output[-4000:]
    assert run.with_verdict("FAIL", "UNKNOWN") == set(), run.output[-4000:]
    found = record.read(tmp_path / record.NAME)
    assert [(one.name, one.decision.outcome) for one in found.stages] == [("100%", "promote")]
    assert found.stages[0].written_s == 900
    assert [one.name for one in found.cleaned] == ["backup", "mark", "scale", "able", "scale_again"]
    assert found.rollback is not None
    assert found.rollback.ok
    assert (standing.green, standing.tasks, standing.notes) == (0, {"blue": 3, "green": 3}, [])


@pytest.mark.parametrize(
    "broken", [DEFECTS["green-never-steady"], DEFECTS["green-of-an-older-image"]], ids=name_of, indirect=True
)
def test_nobody_is_led_to_a_green_that_did_not_come_to_be(
    broken: Defect, lab: Lab, tmp_path: Path, standing: Standing
) -> None:
    found = released(lab, tmp_path)
    assert found.record.outcome == "inconclusive", found.told
    assert broken.says in "; ".join(found.record.reasons)
    assert failed(found) == broken.caught_by, found.told
    assert [one.green for one in found.record.weights if one.green] == []
    assert (standing.green, standing.notes) == (0, [])


def test_a_green_that_does_not_stand_is_made_like_blue_and_goes_again(
    access: Access, lab: Lab, tmp_path: Path, standing: Standing
) -> None:
    """As the document's first step has it: the service is created, and only then are users led there."""
    ecs = access.aws("ecs")
    before = ecs.describe_services(cluster=CLUSTER, services=[GREEN.service])["services"][0]
    ecs.delete_service(cluster=CLUSTER, service=GREEN.service, force=True)
    try:
        wait_until(lambda: standing.sides == {"blue"}, 20)
        found = released(lab, tmp_path)
        assert [(one.name, one.ok) for one in found.record.created] == [
            ("create", True),
            ("steady", True),
            ("newest", True),
            ("well", True),
        ], found.told
        assert found.record.created[0].said == "made: api"
        assert failed(found) == set(), found.told
        assert found.record.outcome == "promote", found.told
        assert (standing.sides, standing.green, standing.notes) == ({"blue"}, 0, [])
    finally:
        kept = ("taskDefinition", "desiredCount", "launchType", "networkConfiguration", "loadBalancers")
        told = {key: before[key] for key in kept}
        ecs.create_service(cluster=CLUSTER, serviceName=GREEN.service, **told)
        assert Fleet(standing.platform, "green", Moments()).wait_ready(60) == ""


@pytest.mark.parametrize("broken", [DEFECTS["green-loses-bookings"]], ids=name_of, indirect=True)
def test_a_green_that_loses_bookings_is_taken_back(
    broken: Defect, lab: Lab, tmp_path: Path, standing: Standing
) -> None:
    found = released(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert broken.says in "; ".join(found.record.reasons)
    assert failed(found) == {"full_watch"}, found.told
    assert list(steps(found)) == ["switch", "verify", "health", "clean_up"]
    assert all(steps(found).values()), found.told
    assert as_found(found, standing)


@pytest.mark.parametrize("broken", [DEFECTS["green-falls-ill"]], ids=name_of, indirect=True)
def test_a_green_whose_health_checks_fail_is_taken_back(
    broken: Defect, lab: Lab, tmp_path: Path, standing: Standing
) -> None:
    found = released(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert broken.says in "; ".join(found.record.reasons)
    assert found.record.stages[-1].decision.by == "trigger"
    assert all(steps(found).values()), found.told
    assert (standing.green, standing.tasks["blue"], standing.notes) == (0, 3, [])


@pytest.mark.parametrize("broken", [DEFECTS["blue-cannot-take-back"]], ids=name_of, indirect=True)
def test_nobody_is_sent_to_a_blue_that_somebody_else_deploys_to(
    broken: Defect, lab: Lab, tmp_path: Path, standing: Standing
) -> None:
    """A maintenance page of the ALB's, blue's definition as it was when the release began, and then the users."""
    found = released(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert broken.says in "; ".join(found.record.reasons)
    assert found.record.rollback is not None
    assert found.record.rollback.kind == "emergency", found.told
    assert all(steps(found)[name] for name in ("maintenance", "redeploy", "lift")), found.told
    assert as_found(found, standing)


def test_the_users_of_a_run_that_is_killed_are_put_back_within_five_seconds(
    access: Access, tmp_path: Path, standing: Standing
) -> None:
    command = [sys.executable, "-m", "pytest", "suites/release", "-p", "no:cacheprovider", "-x", "-s"]
    command += ["--target", SYSTEM, "--lab", access.facts["name"], "--run-dir", str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as run:  # type: ignore[call-overload]
        said = []
        for line in run.stdout:
            said.append(line)
            if "of the users to green" in line:
                wait_until(lambda: standing.green == 1, 10)
                run.send_signal(signal.SIGKILL)
        run.wait(60)
    wait_until(lambda: standing.green == 0, 5)
    place = Place.of(SYSTEM, standing.environment, access.facts["name"])
    wait_until(lambda: not place.ledger.entries(), 5)
    assert standing.notes == [], "".join(said)


def test_a_person_takes_users_back_with_a_reason(access: Access, tmp_path: Path, standing: Standing) -> None:
    green = Fleet(standing.platform, "green", Moments())
    standing.router.shift(standing.router.read(), 0.5)
    try:
        told = ["--target", SYSTEM, "--lab", access.facts["name"], "--run-dir", str(tmp_path)]
        assert back.main([*told, "--reason", "客訴", "--confirm"]) == 0
        assert (standing.green, standing.tasks) == (0, {"blue": 3, "green": 0})
    finally:
        green.scale({"api": 3})
        assert green.wait_ready(60) == ""
    found = record.read(tmp_path / record.NAME).rollback
    assert found is not None
    assert (found.kind, found.budget_s) == ("manual", 900)
