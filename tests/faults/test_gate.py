"""Experiments on the lab: a healthy one passes, and each way in which it or the experiment can be broken is named."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.clock import wait_until
from fixtures.lab.breaking import Access, Changed
from fixtures.lab.defects import is_well, known, mend_all, put_in
from fixtures.lab.systems.hwayo import breakage
from fixtures.objectives import assess
from fixtures.target.experiment import Experiment
from reports.verdicts import Verdict
from scenarios.faults import watching
from scenarios.faults.experiment import Trial
from scenarios.faults.onlookers import Onlookers
from scenarios.faults.site import Site
from scenarios.release.probes import Connections, Outcome
from scenarios.surroundings import Surroundings
from tests.faults.rows import WELL_S, Tried, behaving, broken, row

pytestmark = pytest.mark.lab
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "chaos"}
BLUE = "/apis/apps/v1/namespaces/hwayo-production/deployments/auth-service"
EXPIRED: dict[str, Any] = {
    "faults": [{"fault": "certificate-expired", "service": "api-gateway", "gateway": "hwayo-own"}],
    "asks": "/api/v1/health",
    "load": None,
    "noticed": None,
}


def test_one_pod_lost_is_withstood_and_when_another_was_there_is_told(
    around: Surroundings, site: Site, tmp_path: Path
) -> None:
    trial = Trial(row("one-pod-lost"), around, site, tmp_path)
    said, reason = assess(trial.experiment, trial.run())
    assert said is Verdict.PASS, reason
    (put_back,) = (one for one in trial.course.moments if one.what.startswith("put back by the platform"))
    assert trial.course.injections[0].bit - trial.course.began < put_back.at_s
    assert put_back.at_s < trial.course.healing - trial.course.began


@pytest.mark.long
@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_named_by_the_experiment_that_must_catch_it(
    name: str, tried: Tried, access: Access, around: Surroundings
) -> None:
    (caught_by,) = DEFECTS[name].caught_by
    (row,) = (one for one in around.target.checks if isinstance(one, Experiment) and one.name == caught_by)
    put_in(access, DEFECTS[name])
    try:
        said, reason = tried(row)
    finally:
        mend_all(access)
    assert said is Verdict.FAIL
    assert DEFECTS[name].says in reason


def test_a_fault_that_does_not_bite_proves_nothing(around: Surroundings, site: Site, tmp_path: Path) -> None:
    harmless = {"fault": "errors", "service": "workflow-engine", "share": "0%"}
    one = row("errors-noticed", faults=[harmless], load=None, noticed=None)
    trial = Trial(one, around, site, tmp_path)
    for fault in trial.faults:
        fault.bites_s = 2.0  # nobody need wait for longer to see nothing
    said, reason = assess(one, trial.run())
    assert said is Verdict.INVALID
    assert "nothing changed" in reason


@pytest.mark.long
def test_a_fault_from_which_the_other_side_suffers_is_ended(tried: Tried, access: Access) -> None:
    """Somebody scales blue's service down while green is being harmed."""
    cut = {"fault": "store-partition", "service": "report-generator", "store": "cache"}
    told = row(
        "errors-noticed",
        faults=[cut],
        asks="/auth/health",
        load=None,
        noticed={"trigger": "http_error_rate", "within": "60s"},
    )
    step = Changed(BLUE, breakage.scaled(0))
    prior = step.before(access)

    def later() -> None:
        time.sleep(8)
        step.apply(access)

    thread = threading.Thread(target=later)
    thread.start()
    try:
        said, reason = tried(told)
    finally:
        thread.join()
        step.mend(access, prior)
    wait_until(lambda: is_well(access), WELL_S)
    assert said is Verdict.FAIL
    assert "the other side suffered" in reason


@pytest.mark.long
def test_a_recovery_slower_than_allowed_is_told(tried: Tried, access: Access) -> None:
    """Pods of a service that takes its time to say that it is ready."""

    def slow(found: dict[str, Any]) -> None:
        found["readinessProbe"]["initialDelaySeconds"] = 15

    told = row(
        "one-pod-lost",
        faults=[{"fault": "all-pods-killed", "service": "auth-service"}],
        at_most=4,
        share=None,
        lost="100%",
        recovers={"after": "fault", "within": "6s"},
    )
    with broken(access, breakage.container("auth-service", slow)):
        wait_until(lambda: is_well(access) and breakage.rolled_out("auth-service")(access), WELL_S)
        said, reason = tried(told)
    wait_until(lambda: is_well(access), WELL_S)
    assert said is Verdict.FAIL
    assert "users were not served again within 6s of the fault" in reason


@pytest.mark.long
def test_a_health_that_lies_hides_the_fault_and_the_experiment_says_nothing(
    tried: Tried, access: Access
) -> None:
    with behaving(access, "auth-service", health="lie"):
        said, reason = tried(row("database-unreachable"))
    assert said is Verdict.INVALID
    assert "store-partition was put in, and nothing changed" in reason


@pytest.mark.long
def test_a_service_that_waits_for_ever_keeps_its_users_waiting(tried: Tried, access: Access) -> None:
    """What ends it is the front door, after 15 s. The service itself waits on, with no connection left to ask by."""
    with behaving(access, "api-gateway", waits_forever="true"):
        said, reason = tried(row("silence-answered"))
    for pod in (access.get(f"{breakage.CORE}/pods?labelSelector=app=api-gateway") or {})["items"]:
        access.delete(f"{breakage.CORE}/pods/{pod['metadata']['name']}")
    wait_until(lambda: is_well(access), WELL_S)
    assert said is Verdict.FAIL
    assert "requests of users had no answer within 13s" in reason
    assert "partition was taken out, and is felt" in reason


@pytest.mark.long
def test_sessions_that_live_in_the_cache_alone_are_lost_with_it(tried: Tried, access: Access) -> None:
    with behaving(access, "auth-service", sessions_cached="true"):
        said, reason = tried(row("sessions-outlive-cache"))
    assert said is Verdict.FAIL
    assert "of requests of users who had signed in before failed meanwhile" in reason
    assert "with 401" in reason


@pytest.mark.long
def test_a_storm_of_retries_is_told_by_how_often_the_service_was_asked(tried: Tried, access: Access) -> None:
    with behaving(access, "api-gateway", asks_again="10"):
        said, reason = tried(row("failures-not-multiplied"))
    assert said is Verdict.FAIL
    assert "times as often, allowed are 1.5: its callers ask again and again" in reason
    assert "not served again" not in reason


@pytest.mark.long
def test_a_certificate_that_has_ended_is_felt_by_who_comes_by_that_door_and_by_nobody_else(
    around: Surroundings, site: Site, access: Access, tmp_path: Path
) -> None:
    wait_until(lambda: is_well(access), WELL_S)
    own, front = (
        Trial(row("errors-noticed", **EXPIRED, at=at, lost=lost), around, site, tmp_path / at)
        for at, lost in (("own", "100%"), ("front", "0%"))
    )
    for trial in (own, front):
        said, reason = assess(trial.experiment, trial.run())
        assert said is Verdict.PASS, reason
    lost, asked = own.course.lost()
    assert lost > asked / 4  # half of them open a connection each time
    assert "shows a certificate that ended" in own.course.text
    assert front.course.lost()[0] == 0


@pytest.mark.long
def test_when_users_are_served_again_is_told_to_one_interval_between_probes(
    around: Surroundings, site: Site, access: Access, tmp_path: Path
) -> None:
    """Held against somebody who asks four times as often, by when each of theirs was sent."""
    wait_until(lambda: is_well(access), WELL_S)
    always = {"fault": "errors", "service": "workflow-engine", "share": "100%", "status": 503}
    one = row("errors-noticed", faults=[always], load=None, noticed=None)
    trial = Trial(one, around, site, tmp_path)
    plan = watching.plan_of(one, around, around.side)
    often = replace(plan, rate_rps=4 * plan.rate_rps, connections=Connections.KEPT)
    with Onlookers() as onlookers:
        dense = onlookers.begin(often, tmp_path / "dense.bin", {})
        seen = trial.run()
        dense.stop()
    assert assess(one, seen)[0] is Verdict.PASS
    probes = dense.timeline().probes
    sent_s = (probes["due_us"] + probes["late_us"]) / 1e6
    failed = probes["outcome"] != Outcome.OK
    last_failed_s = sent_s[failed].max()
    served_s = sent_s[~failed & (sent_s > last_failed_s)].min()
    interval_s = plan.interval_us / 1e6
    assert trial.course.recovered is not None
    print(f"told {trial.course.recovered:.3f}, and was between {last_failed_s:.3f} and {served_s:.3f}")
    assert last_failed_s - interval_s <= trial.course.recovered <= served_s + interval_s
