"""Experiments on the lab: a healthy one passes, and each way in which it or the experiment can be broken is named."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.clock import wait_until
from fixtures.lab.breaking import Access, Changed, Step, Written
from fixtures.lab.defects import is_well, known, mend_all, put_in
from fixtures.lab.systems.hwayo import breakage, release_breakage
from fixtures.objectives import assess
from fixtures.target import Side
from fixtures.target.experiment import Experiment
from reports.verdicts import Verdict
from scenarios.faults import watching
from scenarios.faults.experiment import Trial
from scenarios.faults.healing import marks
from scenarios.faults.onlookers import Onlookers
from scenarios.faults.site import Site
from scenarios.release.probes import Connections, Outcome
from scenarios.roles import STAGES, manifests
from scenarios.surroundings import Surroundings
from tests.rights import lent

pytestmark = pytest.mark.lab
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "chaos"}
WELL_S = 60.0
READ_S = 2.0
BLUE = "/apis/apps/v1/namespaces/hwayo-production/deployments/auth-service"
ERRORS: dict[str, Any] = {
    "faults": ({"fault": "errors", "service": "workflow-engine", "share": "80%", "status": 503},),
    "at_most": 2,
    "asks": "/workflow/health",
    "load": "20 rps",
    "lost": "100%",
    "recovers": {"after": "heal", "within": "30s"},
}
NOTICED = {
    "trigger": "http_error_rate",
    "alert": "HighErrorRate",
    "channels": ("pagerduty", "slack", "email"),
}
KILL: dict[str, Any] = {
    "faults": ({"fault": "pod-kill", "service": "auth-service"},),
    "share": "50%",
    "asks": "/auth/health",
    "lost": "5%",
    "recovers": {"after": "fault", "within": "1m"},
}


SILENCE: dict[str, Any] = {
    "faults": ({"fault": "partition", "service": "report-generator", "from": "api-gateway"},),
    "at_most": 2,
    "asks": "/report/health",
    "lost": "100%",
    "answers": "13s",
    "recovers": {"after": "heal", "within": "30s"},
}

EMPTIED: dict[str, Any] = {
    "faults": ({"fault": "cache-emptied", "service": "auth-service"},),
    "at_most": 2,
    "asks": "/api/v1/me",
    "signed_in": True,
    "lost": "1%",
    "recovers": {"after": "heal", "within": "5s"},
}

FAILING: dict[str, Any] = {
    "faults": (
        {
            "fault": "configured",
            "service": "workflow-engine",
            "config": "workflow-engine-behaviour",
            "values": {"errors": "1"},
            "felt": "http_error_rate",
        },
    ),
    "at_most": 2,
    "asks": "/api/v1/data-records?limit=1",
    "signed_in": True,
    "lost": "100%",
    "amplified": {
        "service": "workflow-engine",
        "counted": 'sum by (namespace) (increase(http_requests_total{service="workflow-engine"}[$window]))',
        "over": "5m",
        "at_most": 1.5,
    },
    "recovers": {"after": "heal", "within": "30s"},
}

TAKEN_BACK: dict[str, Any] = {
    "faults": (
        {"fault": "canary", "service": "api-gateway", "share": "10%"},
        {"fault": "crash-loop", "service": "api-gateway"},
    ),
    "at_most": 2,
    "asks": "/api/v1/health",
    "lost": "100%",
    "noticed": {"trigger": "api_availability", "within": "1m"},
    "rolls_back": True,
    "recovers": {"after": "heal", "within": "1m"},
}


RELEASED: dict[str, Any] = {
    "faults": (ERRORS["faults"][0],),
    "at_most": 2,
    "released": "5%",
    "asks": "/workflow/health",
    "lost": "10%",
    "noticed": {"trigger": "http_error_rate", "within": "5m"},
    "recovers": {"after": "fault", "within": "5m"},
}

EXPIRED: dict[str, Any] = {
    "faults": ({"fault": "certificate-expired", "service": "api-gateway", "gateway": "hwayo-own"},),
    "at_most": 2,
    "asks": "/api/v1/health",
    "at": "own",
    "lost": "100%",
    "recovers": {"after": "heal", "within": "30s"},
}


def experiment(**told: Any) -> Experiment:
    named = {"check": "experiment", "name": "x", "title": "x", "source": "§6.1"}
    return Experiment.model_validate({**named, **told})


@pytest.fixture
def tried(
    around: Surroundings, site: Site, access: Access, tmp_path: Path
) -> Iterator[Callable[[Experiment], tuple[Verdict, str]]]:
    """Carry it out on a lab that is well; whatever comes of it, nothing is left."""

    def carried_out(one: Experiment) -> tuple[Verdict, str]:
        seen = Trial(one, around, site, tmp_path, lab=access.facts["name"]).run()
        print("\n".join(evidence.text for evidence in seen.evidence))
        return assess(one, seen)

    wait_until(lambda: is_well(access), WELL_S)
    yield carried_out
    assert marks(site.hands.objects) == site.ledger.entries() == []


@pytest.fixture
def releasing(access: Access, around: Surroundings) -> Iterator[None]:
    """Who puts faults in may carry a release out as well."""
    made = manifests("release", STAGES["release"], Side.GREEN, around.environment.namespaces)
    with lent(access, made, "chaos"):
        yield


@contextmanager
def broken(access: Access, step: Step) -> Iterator[None]:
    prior = step.before(access)
    step.apply(access)
    try:
        yield
    finally:
        step.mend(access, prior)


@contextmanager
def behaving(access: Access, service: str, **told: str) -> Iterator[None]:
    """The service's own misbehaviour, once its pods have read of it."""
    with broken(access, breakage.behaves(service, **told)):
        time.sleep(READ_S)
        yield


Tried = Callable[[Experiment], tuple[Verdict, str]]


def test_one_pod_lost_is_withstood(tried: Tried) -> None:
    said, reason = tried(experiment(**KILL))
    assert said is Verdict.PASS, reason


@pytest.mark.long
def test_errors_are_noticed_by_trigger_alert_and_people(tried: Tried) -> None:
    said, reason = tried(experiment(**ERRORS, noticed={**NOTICED, "within": "90s"}))
    assert said is Verdict.PASS, reason


@pytest.mark.long
def test_an_alert_that_is_led_elsewhere_is_missed_by_people(tried: Tried, access: Access) -> None:
    """Without its severity it takes the default route, which no pager hears."""

    def unlabelled(text: str) -> str:
        head, name, tail = text.partition("alert: HighErrorRate")
        return head + name + tail.replace("severity: critical", "severity: none", 1)

    with broken(access, Written(breakage.rules_file, unlabelled, breakage.read_again)):
        said, reason = tried(experiment(**ERRORS, noticed={**NOTICED, "within": "25s"}))
    assert said is Verdict.FAIL
    assert "received by pagerduty: not within 25 s" in reason
    assert "trigger" not in reason


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
    one = experiment(**{**ERRORS, "faults": (harmless,), "load": None})
    trial = Trial(one, around, site, tmp_path)
    for fault in trial.faults:
        fault.bites_s = 2.0  # nobody need wait for longer to see nothing
    said, reason = assess(one, trial.run())
    assert said is Verdict.INVALID
    assert "nothing changed" in reason


@pytest.mark.long
def test_a_fault_from_which_the_other_side_suffers_is_ended(tried: Tried, access: Access) -> None:
    """Somebody scales blue's service down while green is being harmed."""
    told = {
        **ERRORS,
        "faults": ({"fault": "store-partition", "service": "report-generator", "store": "cache"},),
    }
    told |= {"asks": "/auth/health", "load": None, "noticed": {"trigger": "http_error_rate", "within": "60s"}}
    step = Changed(BLUE, breakage.scaled(0))
    prior = step.before(access)

    def later() -> None:
        time.sleep(8)
        step.apply(access)

    thread = threading.Thread(target=later)
    thread.start()
    try:
        said, reason = tried(experiment(**told))
    finally:
        thread.join()
        step.mend(access, prior)
    wait_until(lambda: is_well(access), WELL_S)
    assert said is Verdict.FAIL
    assert "the other side suffered" in reason


@pytest.mark.long
def test_a_route_to_nobody_is_missed_by_people_and_by_nobody_else(tried: Tried, access: Access) -> None:
    def to_nobody(text: str) -> str:
        routes = yaml.safe_load(text)
        routes["receivers"].append({"name": "nobody"})
        for route in routes["route"]["routes"]:
            route["receiver"] = "nobody"
        return yaml.safe_dump(routes)

    with broken(access, Written(breakage.routes_file, to_nobody, breakage.routes_read_again)):
        said, reason = tried(experiment(**ERRORS, noticed={**NOTICED, "within": "20s"}))
    assert said is Verdict.FAIL
    for channel in NOTICED["channels"]:
        assert f"HighErrorRate received by {channel}: not within 20 s" in reason
    assert "alert HighErrorRate firing" not in reason


@pytest.mark.long
def test_a_recovery_slower_than_allowed_is_told(tried: Tried, access: Access) -> None:
    """Pods of a service that takes its time to say that it is ready."""

    def slow(found: dict[str, Any]) -> None:
        found["readinessProbe"]["initialDelaySeconds"] = 15

    gone = {"faults": ({"fault": "all-pods-killed", "service": "auth-service"},), "at_most": 4}
    told = {**gone, "asks": "/auth/health", "lost": "100%", "recovers": {"after": "fault", "within": "6s"}}
    with broken(access, breakage.container("auth-service", slow)):
        wait_until(lambda: is_well(access) and breakage.rolled_out("auth-service")(access), WELL_S)
        said, reason = tried(experiment(**told))
    wait_until(lambda: is_well(access), WELL_S)
    assert said is Verdict.FAIL
    assert "users were not served again within 6s of the fault" in reason


@pytest.mark.long
def test_a_health_that_lies_hides_the_fault_and_the_experiment_says_nothing(
    tried: Tried, access: Access
) -> None:
    cut = {"faults": ({"fault": "store-partition", "service": "auth-service", "store": "database"},)}
    told = {**cut, "at_most": 2, "asks": "/report/health", "lost": "5%"}
    with behaving(access, "auth-service", health="lie"):
        said, reason = tried(experiment(**told, recovers={"after": "heal", "within": "1m"}))
    assert said is Verdict.INVALID
    assert "store-partition was put in, and nothing changed" in reason


@pytest.mark.long
def test_a_service_that_gives_up_in_time_answers_its_users(tried: Tried) -> None:
    said, reason = tried(experiment(**SILENCE))
    assert said is Verdict.PASS, reason


@pytest.mark.long
def test_a_service_that_waits_for_ever_keeps_its_users_waiting(tried: Tried, access: Access) -> None:
    """What ends it is the front door, after 15 s. The service itself waits on, with no connection left to ask by."""
    with behaving(access, "api-gateway", waits_forever="true"):
        said, reason = tried(experiment(**SILENCE))
    for pod in (access.get(f"{breakage.CORE}/pods?labelSelector=app=api-gateway") or {})["items"]:
        access.delete(f"{breakage.CORE}/pods/{pod['metadata']['name']}")
    wait_until(lambda: is_well(access), WELL_S)
    assert said is Verdict.FAIL
    assert "requests of users had no answer within 13s" in reason
    assert "partition was taken out, and is felt" in reason


@pytest.mark.long
def test_an_emptied_cache_logs_nobody_out(tried: Tried) -> None:
    said, reason = tried(experiment(**EMPTIED))
    assert said is Verdict.PASS, reason


@pytest.mark.long
def test_sessions_that_live_in_the_cache_alone_are_lost_with_it(tried: Tried, access: Access) -> None:
    with behaving(access, "auth-service", sessions_cached="true"):
        said, reason = tried(experiment(**EMPTIED))
    assert said is Verdict.FAIL
    assert "of requests of users who had signed in before failed meanwhile" in reason
    assert "with 401" in reason


@pytest.mark.long
def test_failures_are_handed_on_and_not_asked_for_again(tried: Tried) -> None:
    said, reason = tried(experiment(**FAILING))
    assert said is Verdict.PASS, reason


@pytest.mark.long
def test_a_storm_of_retries_is_told_by_how_often_the_service_was_asked(tried: Tried, access: Access) -> None:
    with behaving(access, "api-gateway", asks_again="10"):
        said, reason = tried(experiment(**FAILING))
    assert said is Verdict.FAIL
    assert "times as often, allowed are 1.5: its callers ask again and again" in reason
    assert "not served again" not in reason


@pytest.mark.long
def test_users_are_taken_back_from_a_side_that_is_failing(tried: Tried) -> None:
    said, reason = tried(experiment(**TAKEN_BACK))
    assert said is Verdict.PASS, reason


@pytest.mark.long
def test_users_who_stay_with_a_side_that_is_failing_are_told_of(tried: Tried, access: Access) -> None:
    """The mesh leads whoever was connected on to green, whose answers are errors by then."""
    canary, errors = TAKEN_BACK["faults"][0], ERRORS["faults"][0]
    told = {**TAKEN_BACK, "faults": (canary, errors), "asks": ERRORS["asks"], "noticed": None}
    keeps = release_breakage.Reluctant(taking_from=release_breakage.GREEN_PART, keeps=True)
    with broken(access, keeps):
        said, reason = tried(experiment(**told))
    assert said is Verdict.FAIL
    assert "green still answers users on connections that were kept after 30s" in reason


@pytest.mark.long
@pytest.mark.usefixtures("releasing")
def test_users_who_stay_with_a_side_from_which_a_release_was_taken_back_are_told_of(
    tried: Tried, access: Access
) -> None:
    keeps = release_breakage.Reluctant(taking_from=release_breakage.GREEN_PART, keeps=True)
    with broken(access, keeps):
        said, reason = tried(experiment(**RELEASED))
    assert said is Verdict.FAIL
    assert "green still answers users on connections that were kept after 30s" in reason


@pytest.mark.long
@pytest.mark.usefixtures("releasing")
def test_a_release_that_does_not_notice_is_not_taken_for_one_that_does(tried: Tried) -> None:
    """A fault that is felt and breaks no bound of the document's; stand-in users are too few to promote anything."""
    slow = {"fault": "delay", "service": "notification-service", "by": "300ms", "share": "50%"}
    said, reason = tried(experiment(**{**RELEASED, "faults": (slow,), "asks": "/notification/health"}))
    assert said is not Verdict.PASS
    assert (
        "the release could not tell: inconclusive" in reason or "went on to 25% with the fault in" in reason
    )
    assert "after the release" not in reason


@pytest.mark.long
def test_a_certificate_that_has_ended_is_felt_by_who_comes_by_that_door_and_by_nobody_else(
    around: Surroundings, site: Site, access: Access, tmp_path: Path
) -> None:
    wait_until(lambda: is_well(access), WELL_S)
    own, front = (
        Trial(experiment(**EXPIRED | {"at": at, "lost": lost}), around, site, tmp_path / at)
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
    one = experiment(**{**ERRORS, "faults": (always,), "load": None})
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
