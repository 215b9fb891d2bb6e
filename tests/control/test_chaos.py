"""Chaos Mesh's objects are answered in the lab's pods: stress is burnt and held, shows in their own figures, ends."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from fixtures.lab import custom
from fixtures.lab.control.chaos import (
    NotAnsweredError,
    left_of,
    offset_s,
    selected,
    status_of,
    stress_of,
)
from fixtures.lab.control.kubelet.beside import Stress
from fixtures.lab.control.stressor import resident
from tests.control.lab import Cluster, Object, Space, container, eventually, probe

MIB = 1024 * 1024
LIMITS = {"limits": {"cpu": "1", "memory": "256Mi"}}
SMAPS = """7f00-7f10 r--p 00000000 fe:00 1 /lib/x.so
Rss:                  16 kB
7f20-7f30 r--s 00000000 fe:00 2 /home/lab/stress.memory
Size:               2048 kB
Rss:                1024 kB
Pss:                 512 kB
7f40-7f50 rw-p 00000000 00:00 0
Rss:                  99 kB
"""


def pod(name: str, phase: str = "Running", **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": "shop", "labels": labels}, "status": {"phase": phase}}


def chaos(**spec: Any) -> dict[str, Any]:
    return {"mode": "all", "selector": {"labelSelectors": {"app": "web"}}, **spec}


PODS = [pod("a", app="web"), pod("b", app="web"), pod("c", app="db"), pod("d", "Failed", app="web")]


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (chaos(), 2),
        (chaos(mode="one"), 1),
        (chaos(mode="fixed", value="5"), 2),
        (chaos(mode="fixed-percent", value="50"), 1),
        (chaos(selector={"namespaces": ["elsewhere"]}), 0),
        (chaos(selector={}), 3),
    ],
)
def test_a_selector_chooses_as_many_as_its_mode_says(spec: dict[str, Any], count: int) -> None:
    assert len(selected(spec, PODS, "shop")) == count


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (chaos(mode="some"), "the mode 'some'"),
        (chaos(selector={"nodes": ["x"]}), "does not know nodes"),
        ({"mode": "all"}, "no selector"),
    ],
)
def test_what_is_not_known_is_refused_and_not_taken_for_everybody(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(NotAnsweredError, match=said):
        selected(spec, PODS, "shop")


def test_stress_is_read_as_chaos_mesh_writes_it() -> None:
    told = {"cpu": {"workers": 2, "load": 50}, "memory": {"workers": 1, "size": "50%"}}
    assert stress_of({"stressors": told}, container(resources=LIMITS)) == Stress(1.0, 128 * MIB)
    sized = stress_of({"stressors": {"memory": {"size": "256MB"}}}, container())
    assert sized == Stress(0.0, 256_000_000)
    refused: tuple[Any, ...] = ({}, {"io": {}}, None)
    for wrong in refused:
        with pytest.raises(NotAnsweredError):
            stress_of({"stressors": wrong}, container())


def test_a_duration_counts_from_its_creation() -> None:
    made = {"metadata": {"creationTimestamp": "2025-05-31T00:00:00Z"}, "spec": {"duration": "1m30s"}}
    assert left_of(made, datetime(2025, 5, 31, 0, 1, tzinfo=UTC)) == 30
    assert left_of({**made, "spec": {}}, datetime(2025, 5, 31, tzinfo=UTC)) is None
    with pytest.raises(NotAnsweredError):
        left_of({**made, "spec": {"duration": "soon"}}, datetime(2025, 5, 31, tzinfo=UTC))


def test_an_offset_is_read_as_chaos_mesh_writes_it() -> None:
    assert offset_s({"timeOffset": "-1m30s"}) == -90
    assert offset_s({"timeOffset": "2h", "clockIds": ["CLOCK_REALTIME"]}) == 7200
    for wrong in ({}, {"timeOffset": "soon"}, {"timeOffset": "5m", "clockIds": ["CLOCK_MONOTONIC"]}):
        with pytest.raises(NotAnsweredError):
            offset_s(wrong)


def test_nothing_selected_is_not_reported_as_injected() -> None:
    said = {one["type"]: one["status"] for one in status_of([], "Run")["conditions"]}
    assert said["Selected"] == said["AllInjected"] == "False"


def test_memory_is_what_a_stressor_holds_of_its_file() -> None:
    assert resident(SMAPS, "stress.memory") == 1024 * 1024


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> None:
    for one in custom.chaos_mesh():
        cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", one)


def path(space: Space, plural: str, name: str = "") -> str:
    base = f"/apis/chaos-mesh.org/v1alpha1/namespaces/{space.name}/{plural}"
    return f"{base}/{name}" if name else base


def put(space: Space, kind: str, plural: str, spec: Object) -> None:
    body = {"apiVersion": "chaos-mesh.org/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    eventually(lambda: space.cluster.http.get(path(space, plural)).status_code == 200)
    space.cluster.create(path(space, plural), body)


def condition(space: Space, plural: str, kind: str) -> str:
    found = space.cluster.get(path(space, plural, "x")).get("status", {}).get("conditions") or ()
    return next((one["status"] for one in found if one["type"] == kind), "")


def test_stress_burns_and_holds_until_its_object_is_deleted(space: Space, mesh: None) -> None:
    spec = {"containers": [container(resources=LIMITS, readinessProbe=probe())]}
    space.pod("echo", spec, labels={"app": "web"})
    standing = space.ready("echo")
    idle = space.cadvisor(standing)
    stressors = {"cpu": {"workers": 1, "load": 100}, "memory": {"workers": 1, "size": "50%"}}
    put(space, "StressChaos", "stresschaos", chaos(stressors=stressors, duration="60s"))
    eventually(lambda: condition(space, "stresschaos", "AllInjected") == "True")

    def burnt_s() -> float:
        used = space.cadvisor(standing)["container_cpu_usage_seconds_total"]
        return used - idle["container_cpu_usage_seconds_total"]

    eventually(lambda: burnt_s() > 1.0)

    def held() -> float:
        return space.cadvisor(standing)["container_memory_usage_bytes"] - idle["container_memory_usage_bytes"]

    eventually(lambda: held() > 120 * MIB)
    assert held() < 140 * MIB
    space.cluster.delete(path(space, "stresschaos", "x"))
    eventually(lambda: space.cluster.find(path(space, "stresschaos", "x")) is None)
    assert held() < 20 * MIB
    assert burnt_s() > 1.0  # a counter goes on from where it was
    assert space.state("echo")["restartCount"] == 0


def test_stress_beyond_the_memory_limit_ends_the_container(space: Space, mesh: None) -> None:
    spec = {"containers": [container(resources=LIMITS, readinessProbe=probe())]}
    space.pod("echo", spec, labels={"app": "web"})
    space.ready("echo")
    put(space, "StressChaos", "stresschaos", chaos(stressors={"memory": {"size": "110%"}}))
    eventually(lambda: space.state("echo")["restartCount"] == 1)
    assert space.state("echo")["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_stress_ends_by_itself_when_its_time_is_up(space: Space, mesh: None) -> None:
    space.pod(
        "echo", {"containers": [container(resources=LIMITS, readinessProbe=probe())]}, labels={"app": "web"}
    )
    space.ready("echo")
    put(space, "StressChaos", "stresschaos", chaos(stressors={"cpu": {"workers": 1}}, duration="2s"))
    eventually(lambda: condition(space, "stresschaos", "AllRecovered") == "True")


def test_a_pod_is_killed_and_what_the_lab_does_not_do_is_never_injected(space: Space, mesh: None) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]}, labels={"app": "web"})
    space.ready("echo")
    put(space, "PodChaos", "podchaos", chaos(action="pod-failure"))
    eventually(lambda: "Failed" in space.cluster.reasons(space.name, "x"))
    assert condition(space, "podchaos", "AllInjected") == ""
    assert space.find("pods", "echo")
    space.cluster.delete(path(space, "podchaos", "x"))
    eventually(lambda: space.cluster.find(path(space, "podchaos", "x")) is None)
    put(space, "PodChaos", "podchaos", chaos(action="pod-kill"))
    eventually(lambda: space.find("pods", "echo") is None)


def off_s(space: Space, standing: Object) -> float:
    """By how much the date on what the pod answers is off ours."""
    answered = space.ask(standing, "/health").headers["date"]
    return (parsedate_to_datetime(answered) - datetime.now(UTC)).total_seconds()


def test_a_clock_is_off_until_its_object_is_deleted(space: Space, mesh: None) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]}, labels={"app": "web"})
    standing = space.ready("echo")
    assert abs(off_s(space, standing)) < 5
    put(space, "TimeChaos", "timechaos", chaos(timeOffset="-10m", duration="60s"))
    eventually(lambda: condition(space, "timechaos", "AllInjected") == "True")
    eventually(lambda: -605 < off_s(space, standing) < -595)
    space.cluster.delete(path(space, "timechaos", "x"))
    eventually(lambda: space.cluster.find(path(space, "timechaos", "x")) is None)
    eventually(lambda: abs(off_s(space, standing)) < 5)
    assert space.state("echo")["restartCount"] == 0
