"""What checks say of a system that Argo CD delivers: what is wrong, and what they could not see."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Container, Delivery, Pod, Resource, Secret, Workload
from fixtures.platforms.kubernetes import argocd
from fixtures.target import Credential, Environment, Side, Target
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings
from tests.machine_native.instant import Instant
from tests.suites.servers import http_server

COMMIT = "7e6bbf9da6cec2c7411cfa5fa86bc077e48ce2f7"
OTHER = "0" * 40
NAMESPACE = "machine-native-ops-green"


def around(**stated: Any) -> Surroundings:
    target = Target.load("machine-native-ops")
    environment: Environment = target.environment("lab")
    assert environment.delivery is not None
    meant = environment.delivery.model_copy(update={"revision": Credential.of_lab(COMMIT)})
    told = {"delivery": meant, **stated}
    return Surroundings(target, environment.model_copy(update=told), Side.GREEN, Instant())


def seen(name: str, where: Surroundings) -> Measurement:
    return measure(next(one for one in where.target.checks if one.name == name), where)


def now(ago_s: float = 0) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()


WELL = Delivery(
    name=NAMESPACE,
    synced="Synced",
    health="Healthy",
    compared=COMMIT,
    delivered=COMMIT,
    source=f"{NAMESPACE} at main",
    looked_at="",
    resources=(
        Resource("Deployment memory-service", True, "Healthy"),
        Resource("Service redis", True, "Healthy"),
    ),
)


@dataclasses.dataclass
class Argo:
    """A platform whose deliverer says that."""

    found: Delivery | None
    ago_s: float = 0

    def delivery(self, namespace: str, name: str) -> Delivery:
        assert (namespace, name) == ("argocd", NAMESPACE)
        if self.found is None:
            raise Missing("Argo CD has no such Application")
        return dataclasses.replace(self.found, looked_at=self.found.looked_at or now(self.ago_s))


def said(check: str, found: Delivery | None = WELL, ago_s: float = 0, **stated: Any) -> Measurement:
    where = around(**stated)
    where.platform = Argo(found, ago_s)
    return seen(check, where)


DELIVERY = ("application-synced", "application-healthy", "revision-deployed")


@pytest.mark.parametrize("check", DELIVERY)
def test_what_is_synced_healthy_and_of_the_commit_meant_is_well(check: str) -> None:
    found = said(check)
    assert found.value == 0
    assert found.samples >= 2


@pytest.mark.parametrize("check", DELIVERY)
def test_what_argo_cd_said_long_ago_says_nothing_of_now(check: str) -> None:
    found = said(check, ago_s=60)  # an hour, at the lab's pace
    assert found.value is None
    assert "looked at machine-native-ops-green" in found.why


@pytest.mark.parametrize("check", DELIVERY)
def test_an_application_that_is_not_there_or_not_stated_is_no_evidence(check: str) -> None:
    assert said(check, None).value is None
    found = said(check, delivery=None)
    assert found.value is None
    assert "states no delivery" in found.why
    assert said(check, dataclasses.replace(WELL, looked_at="never")).value is None


def test_drift_is_named_by_what_differs() -> None:
    drifted = Resource("Deployment memory-service", False, "Healthy")
    extra = Resource("ConfigMap flags", False, "Healthy", extra=True)
    found = said(
        "application-synced", dataclasses.replace(WELL, synced="OutOfSync", resources=(drifted, extra))
    )
    assert found.value == 2
    assert "Deployment memory-service: is not as machine-native-ops-green at main has it" in found.why
    assert "ConfigMap flags: is not in the repository" in found.why


def test_drift_that_nobody_names_is_drift() -> None:
    found = said("application-synced", dataclasses.replace(WELL, synced="OutOfSync"))
    assert found.value == 1


def test_where_argo_cd_cannot_compare_nothing_is_known() -> None:
    unknown = dataclasses.replace(
        WELL, synced="Unknown", health="Unknown", compared="", problems=("ComparisonError: no such revision",)
    )
    found = said("application-synced", unknown)
    assert found.value is None
    assert "ComparisonError: no such revision" in found.why
    assert said("application-healthy", unknown).value is None
    assert said("revision-deployed", unknown).value is None


def test_what_is_not_healthy_is_named_with_its_reason() -> None:
    ill = Resource("Deployment memory-service", True, "Degraded", "exceeded its progress deadline")
    found = said("application-healthy", dataclasses.replace(WELL, health="Degraded", resources=(ill,)))
    assert found.value == 1
    assert "Deployment memory-service: is Degraded: exceeded its progress deadline" in found.why
    assert (
        said("application-synced", dataclasses.replace(WELL, health="Degraded", resources=(ill,))).value == 0
    )


@pytest.mark.parametrize("field", ["compared", "delivered"])
def test_another_commit_is_not_the_one_that_is_meant(field: str) -> None:
    told: dict[str, Any] = {field: OTHER}
    found = said("revision-deployed", dataclasses.replace(WELL, **told))
    assert found.value == 1
    assert "000000000000" in found.why
    assert "where 7e6bbf9da6ce is meant" in found.why


def test_a_commit_may_be_written_short_and_one_that_nobody_stated_is_no_evidence() -> None:
    stated = around().environment.delivery
    assert stated is not None
    short = stated.model_copy(update={"revision": Credential.of_lab(COMMIT[:8])})
    assert said("revision-deployed", delivery=short).value == 0
    found = said("revision-deployed", delivery=stated.model_copy(update={"revision": None}))
    assert found.value is None
    assert "the commit that is meant" in found.why


def test_an_application_is_read_as_argo_cd_writes_it() -> None:
    late = {"status": "Degraded", "message": "late"}
    status = {
        "sync": {"status": "OutOfSync", "revision": COMMIT},
        "health": {"status": "Degraded"},
        "reconciledAt": "2026-01-01T00:00:00Z",
        "history": [{"revision": OTHER}, {"revision": COMMIT}],
        "resources": [
            {"kind": "Deployment", "name": "a", "status": "OutOfSync", "health": late},
            {"kind": "Service", "name": "b", "status": "Synced"},
            {"kind": "Job", "name": "c", "hook": True},
            {"kind": "Role", "name": "d", "status": "Unknown"},
        ],
        "conditions": [{"type": "SyncError", "message": "no"}, {"type": "OrphanedResourceWarning"}],
        "operationState": {"phase": "Failed", "message": "why"},
    }  # fmt: skip
    spec = {"source": {"path": "green", "targetRevision": "main"}}
    found = argocd.delivery({"metadata": {"name": "x"}, "spec": spec, "status": status})
    assert (found.synced, found.health, found.compared, found.delivered) == (
        "OutOfSync",
        "Degraded",
        COMMIT,
        COMMIT,
    )
    assert found.source == "green at main"
    assert [(one.name, one.synced, one.health, one.why) for one in found.resources] == [
        ("Deployment a", False, "Degraded", "late"),
        ("Service b", True, "Healthy", ""),
        ("Job c", True, "Healthy", ""),
        ("Role d", True, "Healthy", ""),
    ]
    assert found.problems == ("SyncError: no", "the last synchronization failed: why")
    bare = argocd.delivery({"metadata": {"name": "x"}})
    assert (bare.synced, bare.health, bare.compared, bare.delivered) == ("Unknown", "Unknown", "", "")


# --- pods, lines, secrets --------------------------------------------------------------------------------------------
class Cluster:
    """One pod a service, which reads one secret and has said two lines."""

    def __init__(self, lines: Sequence[str] = ("one", "two"), rotated: str = "", ago_s: float = 60) -> None:
        self.lines, self.rotated, self.ago_s = lines, rotated, ago_s

    def workloads(self, namespace: str) -> list[Workload]:
        names = [one.name for one in Target.load("machine-native-ops").services]
        return [Workload(namespace, name, 1, 1, 1, 1, selector={"app": name}) for name in names]

    def pods(self, namespace: str, selector: dict[str, str] | None = None) -> list[Pod]:
        container = Container("app", "image", ready=True, secrets=("mno-tokens",))
        name = (selector or {})["app"]
        return [Pod(namespace, f"{name}-1", labels={"app": name}, containers=(container,))]

    def labels(self, _: str) -> dict[str, str]:
        return {}

    def stamped_log(self, _: Pod, lines: int) -> list[tuple[datetime, str]]:
        at = datetime.now(UTC) - timedelta(seconds=self.ago_s)
        return [(at, line) for line in self.lines[-lines:]]

    def secrets(self, namespace: str) -> list[Secret]:
        notes = {"machinenativeops.io/rotated-at": self.rotated} if self.rotated else {}
        return [Secret(namespace, "mno-tokens", "Opaque", {}, notes)]


@contextmanager
def a_loki(status: int, body: Any) -> Iterator[str]:
    with http_server({"/loki/api/v1/query_range": (status, body)}) as url:
        yield url


def streams(*lines: str) -> Any:
    values = [[str(number), line] for number, line in enumerate(lines)]
    return {
        "status": "success",
        "data": {"resultType": "streams", "result": [{"stream": {}, "values": values}]},
    }


def covered(cluster: Cluster, status: int, body: Any) -> Measurement:
    with a_loki(status, body) as url:
        where = around(loki=url)
        where.platform = cluster
        try:
            return seen("logs-covered", where)
        finally:
            where.close()


def test_lines_that_are_all_in_loki_are_covered() -> None:
    found = covered(Cluster(), 200, streams("one", "before", "two"))
    assert (found.value, found.samples) == (0, 4), found.why


def test_a_line_that_is_not_there_is_missed_in_each_pod() -> None:
    found = covered(Cluster(), 200, streams("one"))
    assert found.value == 4
    assert "memory-service-1: 1 of its last 2 lines are not in Loki" in found.why


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, "no", "does not let us look: 401"),
        (200, "<html>", "answers 200"),
        (200, {"status": "success"}, "without streams"),
        (500, {}, "answers 500"),
    ],
)
def test_a_loki_that_does_not_answer_as_one_is_no_evidence(status: int, body: Any, words: str) -> None:
    found = covered(Cluster(), status, body)
    assert found.value is None
    assert words in found.why


def test_pods_that_said_nothing_tell_nothing_of_loki() -> None:
    assert covered(Cluster(lines=()), 200, streams("one")).value is None


def rotated(at: str) -> Measurement:
    where = around()
    where.platform = Cluster(rotated=at)
    return seen("secrets-rotated", where)


def test_a_secret_is_as_old_as_its_last_rotation() -> None:
    assert rotated(now(12 * 86400)).value == 0
    old = rotated(now(100 * 86400))
    assert old.value == 1
    assert "mno-tokens: was rotated 100 days ago, where 90d are allowed" in old.why


@pytest.mark.parametrize("at", ["", "last spring", "2026-01-01T00:00:00"])
def test_a_secret_that_does_not_say_so_is_no_evidence(at: str) -> None:
    found = rotated(at)
    assert found.value is None
    assert "mno-tokens does not say" in found.why


# --- the cache -------------------------------------------------------------------------------------------------------
def cached(results: Sequence[str], status: int = 200) -> Measurement:
    """A system that answers reads so, one after the other, and the last for ever."""
    left = list(results)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/auth/login":
            return httpx.Response(200, json={"token": "t"})
        if request.method == "POST":
            return httpx.Response(201, json={"id": 7})
        result = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, json={}, headers={"x-cache": result})

    words = {"user": Credential.of_lab("operator"), "password": Credential.of_lab("word")}
    where = around(credentials=words)
    where.doors[Side.GREEN] = httpx.Client(transport=httpx.MockTransport(answer), base_url="https://mno.test")
    return seen("cache-used", where)


def test_a_cache_that_has_what_was_read_is_used() -> None:
    found = cached(["miss", "hit"])
    assert (found.value, found.samples) == (0, 60)


def test_one_that_never_has_it_is_not() -> None:
    found = cached(["miss"])
    assert found.value == 1
    assert "0 of 60 reads came from the cache" in found.why


def test_one_that_has_it_just_as_often_as_promised_is_not_sure_to() -> None:
    found = cached([*(["miss"] + ["hit"] * 4) * 12, "hit"])
    assert found.value is None
    assert "more" in found.why


def test_answers_that_are_errors_are_none() -> None:
    found = cached(["hit"], status=503)
    assert found.value == 1
    assert "answers 503" in found.why
