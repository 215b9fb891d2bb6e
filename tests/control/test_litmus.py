"""Litmus's engines are answered in the lab's pods: begun, carried out, judged, and ended where they are taken away."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.lab import custom
from tests.control.lab import Cluster, Object, Space, container, eventually, probe

WEB = {"app": "web"}


@pytest.fixture(scope="module")
def litmus(cluster: Cluster) -> None:
    for one in custom.litmus():
        cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", one)


def path(space: Space, plural: str, name: str = "") -> str:
    base = f"/apis/litmuschaos.io/v1alpha1/namespaces/{space.name}/{plural}"
    return f"{base}/{name}" if name else base


def run(space: Space, experiment: str = "pod-delete", **env: str) -> None:
    told = [{"name": name, "value": value} for name, value in env.items()]
    spec: Object = {
        "engineState": "active",
        "appinfo": {"appns": space.name, "applabel": "app=web", "appkind": "deployment"},
        "experiments": [{"name": experiment, "spec": {"components": {"env": told}}}],
    }
    body = {
        "apiVersion": "litmuschaos.io/v1alpha1",
        "kind": "ChaosEngine",
        "metadata": {"name": "x"},
        "spec": spec,
    }
    eventually(lambda: space.cluster.http.get(path(space, "chaosengines")).status_code == 200)
    space.cluster.create(path(space, "chaosengines"), body)


def engine(space: Space) -> Object:
    found: Object = space.cluster.get(path(space, "chaosengines", "x")).get("status") or {}
    return found


def verdict(space: Space) -> str:
    shown = engine(space).get("experiments") or [{}]
    return str(shown[0].get("verdict", ""))


def result(space: Space, experiment: str = "pod-delete") -> dict[str, Any]:
    found = space.cluster.get(path(space, "chaosresults", f"x-{experiment}"))
    told: dict[str, Any] = found["status"]["experimentStatus"]
    return told


def pod(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]}, labels=WEB)
    space.ready("echo")


def test_pods_are_deleted_for_as_long_as_is_said_and_who_is_not_back_fails_it(
    space: Space, litmus: None
) -> None:
    """A pod that nobody owns does not come back."""
    pod(space)
    run(space, TOTAL_CHAOS_DURATION="1", STATUS_CHECK_TIMEOUT="1")
    eventually(lambda: verdict(space) == "Awaited")
    eventually(lambda: space.find("pods", "echo") is None)
    eventually(lambda: engine(space).get("engineStatus") == "completed")
    assert verdict(space) == "Fail"
    assert result(space)["verdict"] == "Fail"
    assert "0 of 1 pods are ready" in result(space)["failStep"]


def test_an_engine_that_is_taken_away_does_no_more_and_is_gone(space: Space, litmus: None) -> None:
    pod(space)
    run(space, TOTAL_CHAOS_DURATION="60", CHAOS_INTERVAL="1")
    eventually(lambda: space.find("pods", "echo") is None)
    space.cluster.delete(path(space, "chaosengines", "x"))
    eventually(lambda: space.cluster.find(path(space, "chaosengines", "x")) is None)
    pod(space)
    assert space.find("pods", "echo")


def test_an_experiment_that_the_lab_does_not_do_is_an_error_and_harms_nobody(
    space: Space, litmus: None
) -> None:
    pod(space)
    run(space, "pod-network-loss")
    eventually(lambda: engine(space).get("engineStatus") == "completed")
    assert verdict(space) == "Error"
    assert "pod-delete, not pod-network-loss" in result(space, "pod-network-loss")["failStep"]
    assert space.find("pods", "echo")
