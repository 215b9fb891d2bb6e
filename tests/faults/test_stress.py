"""Objects of Chaos Mesh's, in a small cluster that answers them: what they do is seen in the pods, and is gone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from fixtures.evidence import Missing
from fixtures.lab import custom
from fixtures.lab.layout import KUBELET_PORT
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.probes.prometheus import Sample
from fixtures.target import Side, Target
from fixtures.target.base import Sides
from fixtures.target.faults import AnyFault
from scenarios.faults.acts import Hands
from scenarios.faults.catalogue import made
from scenarios.faults.healing import marks
from scenarios.faults.radius import BlastRadius, Forbidden
from scenarios.faults.site import Fault, Site
from scenarios.surroundings import Surroundings
from tests.control.lab import Cluster, Space, container, deployment, eventually, probe, started
from tests.faults import small

SPACE = "shop-green"
LINE = re.compile(r'(\w+)\{.*pod="([^"]+)".*\} (\S+)')
BETWEEN_S = 1.0


class Figures:
    """What Prometheus would say, from cAdvisor's own pages: sums are of one container each, rates of a second."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def query(self, promql: str) -> list[Sample]:
        now = self._read(promql)
        if "rate(" not in promql:
            return [Sample({"pod": pod}, value, time.time()) for pod, value in now.items()]
        begun = time.monotonic()
        time.sleep(BETWEEN_S)
        later, took_s = self._read(promql), time.monotonic() - begun
        return [
            Sample({"pod": pod}, (later[pod] - value) / took_s, time.time())
            for pod, value in now.items()
            if pod in later
        ]

    def _read(self, promql: str) -> dict[str, float]:
        found = {}
        for node in (1, 2, 3):
            url = f"https://{self._cluster.layout.node_ip(node)}:{KUBELET_PORT}/metrics/cadvisor"
            for line in self._cluster.kubelet.get(url).text.splitlines():
                if (match := LINE.match(line)) and f"({match[1]}{{" in promql:
                    found[match[2]] = float(match[3])
        return found


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    """A service `echo` of two pods, on our side."""
    with started() as lab:
        labels = {"verdigris.dev/chaos": "allowed"}
        lab.cluster.create("/api/v1/namespaces", {"metadata": {"name": SPACE, "labels": labels}})
        for one in custom.chaos_mesh():
            lab.cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", one)
        body = deployment("echo")
        limits = {"limits": {"cpu": "1", "memory": "128Mi"}}
        body["spec"]["template"]["spec"]["containers"] = [container(resources=limits, readinessProbe=probe())]
        space = Space(lab.cluster, SPACE)
        space.create("deployments", body)
        eventually(lambda: space.get("deployments", "echo")["status"].get("availableReplicas") == 2)
        target = Target.load("hwayo")
        sides = Sides[str](blue="shop", green=SPACE)
        environment = target.environment("lab").model_copy(update={"namespaces": sides})
        found = Surroundings(target, environment, Side.GREEN)
        platform = Kubernetes(Path(lab.cluster.layout.kubeconfig))
        found.__dict__ |= {"platform": platform, "prometheus": Figures(lab.cluster)}
        yield found
        platform.close()


def fault(around: Surroundings, **told: Any) -> Fault:
    return made(TypeAdapter(AnyFault).validate_python({"service": "echo", **told}), around)


def site(around: Surroundings, folder: Path) -> Site:
    def say(*_: str) -> None:
        raise AssertionError("no store here")

    place = small.site(small.Cluster(), {}, folder)
    return Site(Hands(around.platform, say), place.ledger, place.watchdog)  # type: ignore[arg-type]  # it changes things


@pytest.mark.parametrize(
    ("told", "unit"),
    [({"fault": "cpu-stress", "load": "80%"}, 0.8), ({"fault": "memory-stress", "fill": "90%"}, 0.9)],
    ids=["cpu", "memory"],
)
def test_stress_bites_every_pod_and_is_gone(
    told: dict[str, Any], unit: float, around: Surroundings, tmp_path: Path
) -> None:
    here = site(around, tmp_path)
    with here.inject(fault(around, **told), BlastRadius(at_most=2)) as injection:
        assert injection.effect.startswith("2 pods are at ")
        assert len(marks(here.hands.objects)) == 1
        lowest = int(injection.effect.split()[4].rstrip("%")) / 100
        assert 0.5 * unit <= lowest <= 1.1 * unit
    assert here.hands.objects.list_objects("StressChaos") == []
    assert marks(here.hands.objects) == here.ledger.entries() == []
    assert injection.early == injection.touched_by_others == []


def test_a_teams_own_experiment_is_run_and_seen(around: Surroundings, tmp_path: Path) -> None:
    spec = {"action": "pod-kill", "mode": "one", "selector": {"labelSelectors": {"app": "echo"}}}
    body = {"kind": "PodChaos", "metadata": {"name": "kill", "namespace": SPACE}, "spec": spec}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(body))
    target = around.target.model_copy(update={"file": str(tmp_path / "shop.yaml")})
    theirs = Surroundings(target, around.environment, Side.GREEN)
    theirs.__dict__["platform"] = around.platform
    harm = fault(theirs, fault="teams-own", manifest="own.yaml")
    here = site(around, tmp_path / "ledger")
    with here.inject(harm, BlastRadius(at_most=1, share=0.5)) as injection:
        assert re.match(r"gone: echo-\S+$", injection.effect)
    assert here.hands.objects.list_objects("PodChaos") == []
    assert injection.early == []


def test_everybody_is_counted_before_anybody_is_stressed(around: Surroundings, tmp_path: Path) -> None:
    harm = fault(around, fault="cpu-stress", load="100%", everybody=True)
    with (
        pytest.raises(Forbidden, match="2 would feel it, at most 1 may"),
        site(around, tmp_path).inject(harm, BlastRadius(at_most=1)),
    ):
        pass


def test_memory_that_is_held_already_is_said_so(around: Surroundings) -> None:
    with pytest.raises(Missing, match="echo holds that much memory already"):
        fault(around, fault="memory-stress", fill="1%").plan()
