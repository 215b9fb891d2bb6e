"""The checks of monitoring, against an HTTP server that answers as Prometheus does: its silences are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.evidence import Missing, Unreachable
from fixtures.probes.prometheus import Prometheus
from fixtures.target import Target
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import BLUE, GREEN, around, healthy, the_check
from tests.suites.servers import Canned, http_server, nobody, silent_server

JOBS = ("web-app", "postgresql")


class FakeClock:
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def answer(result: list[Any], kind: str = "vector") -> tuple[int, Any]:
    return 200, {"status": "success", "data": {"resultType": kind, "result": result}}


def targets(*found: tuple[str, str], namespace: str = GREEN) -> tuple[int, Any]:
    """Two pods of each job."""
    active = [
        {
            "labels": {"job": job, "pod": f"{job}-{number}", "namespace": namespace},
            "health": health,
            "lastError": "connection refused",
            "scrapeUrl": "http://x",
        }
        for job, health in found
        for number in (1, 2)
    ]
    return 200, {"status": "success", "data": {"activeTargets": active}}


def seen(name: str, canned: Canned, **other: Any) -> Measurement:
    with http_server(canned) as url:
        return measure(
            the_check(name, **other), around(healthy(), clock=FakeClock(), prometheus=url, alertmanager=url)
        )


# --- the probe -------------------------------------------------------------------------------------------------------
def asked(canned: Canned) -> Prometheus:
    with http_server(canned) as url:
        looking = Prometheus(url)
        looking.one("up")
        return looking


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ([], "0 values for up, not one"),
        ([{"metric": {}, "value": [1, "NaN"]}], "NaN for up"),
        (
            [{"metric": {}, "value": [1, "1"]}, {"metric": {"a": "b"}, "value": [1, "1"]}],
            "2 values for up, not one",
        ),
        ([{"metric": {}, "values": [[1, "1"]]}], "a range for up"),
    ],
)
def test_whatever_is_not_one_number_is_no_evidence(result: list[Any], words: str) -> None:
    with pytest.raises(Missing, match=words):
        asked({"/api/v1/query": answer(result)})


def test_one_number_is_what_was_asked_for() -> None:
    with http_server({"/api/v1/query": answer([{"metric": {}, "value": [1, "0.25"]}])}) as url:
        assert Prometheus(url).one("up") == 0.25


def test_a_refused_query_and_a_silent_server_are_told_apart() -> None:
    with pytest.raises(Missing, match="cannot answer up"):
        asked({"/api/v1/query": (400, {"status": "error", "error": "parse error"})})
    with pytest.raises(Unreachable, match=r"does not answer: .*refused"):
        Prometheus(f"http://{nobody()}").one("up")


@pytest.mark.parametrize("name", ["monitoring-healthy", "targets-up", "alert-rules-loaded"])
def test_monitoring_that_cannot_be_reached_leaves_everything_unknown(name: str) -> None:
    url = f"http://{nobody()}"
    found = measure(the_check(name), around(clock=FakeClock(), prometheus=url, alertmanager=url))
    assert found.value is None
    assert "does not answer" in found.why


def test_a_prometheus_that_never_answers_is_given_up() -> None:
    with silent_server() as where:
        found = measure(
            the_check("monitoring-healthy"), around(prometheus=f"http://{where}", alertmanager="http://x")
        )
    assert found.value is None


def test_a_prometheus_that_says_it_is_not_ready_is_not_healthy() -> None:
    found = seen("monitoring-healthy", {"/-/ready": (503, "Service Unavailable")})
    assert found.value == 2
    assert "Prometheus: is not ready: 503 Service Unavailable" in found.why


# --- targets ---------------------------------------------------------------------------------------------------------
def test_every_job_has_targets_and_all_are_up() -> None:
    found = seen(
        "targets-up", {"/api/v1/targets": targets(("web-app", "up"), ("postgresql", "up"))}, jobs=JOBS
    )
    assert (found.value, found.samples) == (0, 4)


def test_a_side_that_is_not_scraped_is_not_hidden_by_the_other() -> None:
    blues = targets(("web-app", "up"), ("postgresql", "up"), namespace=BLUE)
    found = seen("targets-up", {"/api/v1/targets": blues}, jobs=JOBS)
    assert found.value == 2
    assert f"web-app web-app-2: Prometheus does not scrape this pod of {GREEN}" in found.why


def test_a_target_that_is_down_and_a_job_without_any_are_named() -> None:
    found = seen("targets-up", {"/api/v1/targets": targets(("web-app", "down"))}, jobs=JOBS)
    assert found.value == 3
    assert "web-app web-app-1: is down: connection refused" in found.why
    assert "postgresql: Prometheus has no target of this job" in found.why


def test_no_target_at_all_is_no_evidence() -> None:
    assert seen("targets-up", {"/api/v1/targets": targets(("other", "up"))}, jobs=JOBS).value is None


# --- rules -----------------------------------------------------------------------------------------------------------
def rules(health: str = "ok", shown: Mapping[str, Any] | None = None, **changed: str) -> tuple[int, Any]:
    """The profile's own rules as Prometheus shows them, each `shown` otherwise, some with another expression."""
    file = Target.load("hwayo").alert_rules
    assert file is not None
    groups = yaml.safe_load(file.read_text())["groups"]
    listed = [
        {
            "name": one["alert"],
            "query": changed.get(one["alert"], one["expr"]),
            "health": health,
            "type": "alerting",
            "duration": 60 * int(one["for"].removesuffix("m")),
            "labels": one["labels"],
            "annotations": one["annotations"],
            **(shown or {}),
        }
        for group in groups
        for one in group["rules"]
        if changed.get(one["alert"]) != ""
    ]
    return 200, {"status": "success", "data": {"groups": [{"name": "all", "rules": listed}]}}


SOME = answer([{"metric": {}, "value": [1, "3"]}])


def test_rules_that_are_loaded_and_have_their_series_can_fire() -> None:
    found = seen("alert-rules-loaded", {"/api/v1/rules": rules(), "/api/v1/query": SOME})
    assert found.value == 0, found.why
    assert found.samples == 6


def test_a_rule_about_series_that_do_not_exist_cannot_fire() -> None:
    found = seen("alert-rules-loaded", {"/api/v1/rules": rules(), "/api/v1/query": answer([])})
    assert found.bad == 6
    assert 'DatabaseConnectionFailure: cannot fire: no series matches up{job="postgresql"}' in "\n".join(
        [found.why, *(one.text for one in found.evidence)]
    )


def test_a_rule_that_is_missing_changed_or_broken_is_named() -> None:
    shown = rules(HighCPUUsage="", DatabaseConnectionFailure="up == 0")
    found = seen("alert-rules-loaded", {"/api/v1/rules": shown, "/api/v1/query": SOME})
    assert found.value == 2
    assert "HighCPUUsage: Prometheus has not loaded it" in found.why
    assert "DatabaseConnectionFailure: Prometheus has another expression for it: up == 0" in found.why
    broken = seen("alert-rules-loaded", {"/api/v1/rules": rules("err"), "/api/v1/query": SOME})
    assert "Prometheus cannot evaluate it: err" in broken.why


@pytest.mark.parametrize(
    ("shown", "bad", "words"),
    [
        (
            {"duration": 7 * 86400},
            6,
            "Prometheus has it wait 604800 s before it fires, where 120 s are written",
        ),
        ({"duration": 0}, 6, "Prometheus has it wait 0 s"),
        ({"labels": {"severity": "info"}}, 6, "other labels on it: severity=info, where severity=critical"),
        ({"labels": {"severity": "critical"}}, 2, "where severity=warning are written"),
        ({"annotations": {"summary": "x"}}, 6, "no description to tell people of it"),
    ],
)
def test_a_rule_that_waits_or_is_labelled_otherwise_is_named(
    shown: dict[str, Any], bad: int, words: str
) -> None:
    found = seen("alert-rules-loaded", {"/api/v1/rules": rules(shown=shown), "/api/v1/query": SOME})
    assert found.bad == bad
    assert words in "\n".join([found.why, *(one.text for one in found.evidence)])


@pytest.mark.parametrize(("waits_s", "bad"), [(2, 0), (60, 0), (1, 2), (61, 1)])
def test_a_faster_environment_may_shorten_a_wait_by_its_pace_and_no_further(waits_s: float, bad: int) -> None:
    """Written are waits of 1, 2, 3, 5 and 10 minutes; the lab would never go below two looks."""
    canned = {"/api/v1/rules": rules(shown={"duration": waits_s}), "/api/v1/query": SOME}
    with http_server(canned) as url:
        found = measure(
            the_check("alert-rules-loaded"),
            around(clock=FakeClock(), prometheus=url, alertmanager=url, pace=Fraction(1, 300)),
        )
    assert found.bad == bad, found.why


def test_files_that_the_tools_refuse_are_named_with_what_they_said(tmp_path: Path) -> None:
    made = around()
    profile = tmp_path / "hwayo"
    profile.mkdir()
    (profile / "alerts.yaml").write_text("groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]")
    (profile / "alertmanager.yaml").write_text("route: {receiver: nobody}\nreceivers: [{name: somebody}]")
    made.target = made.target.model_copy(update={"file": str(tmp_path / "hwayo.yaml")})
    found = measure(the_check("alert-rules-valid"), made)
    assert (found.value, found.samples) == (2, 2)
    assert "alerts.yaml: " in found.why
    assert "nobody" in found.why
