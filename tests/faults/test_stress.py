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

from fixtures.evidence import Missing, Unsupported
from fixtures.lab import custom
from fixtures.lab.layout import KUBELET_PORT
from fixtures.ledger import Entry, Runner, now
from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.probes.prometheus import Sample
from fixtures.target import Side, Target
from fixtures.target.base import Sides
from fixtures.target.faults import AnyFault
from scenarios.faults.acts import Hands, Undone
from scenarios.faults.catalogue import made
from scenarios.faults.healing import marks
from scenarios.faults.radius import BlastRadius, Forbidden
from scenarios.faults.site import Fault, Site
from scenarios.surroundings import Surroundings
from tests.control.lab import Cluster, Space, container, deployment, eventually, probe, started
from tests.faults import small

SPACE = "shop-green"
STRESS = "registry.lab:5000/stress-ng:0.17"
LINE = re.compile(r'(\w+)\{.*pod="([^"]+)".*\} (\S+)')
BETWEEN_S = 1.0


class Figures:
    """What Prometheus would say, from cAdvisor's own pages: sums are a pod's, rates of a second."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

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
        found: dict[str, float] = {}
        for node in (1, 2, 3):
            url = f"https://{self.cluster.layout.node_ip(node)}:{KUBELET_PORT}/metrics/cadvisor"
            for line in self.cluster.kubelet.get(url).text.splitlines():
                if (match := LINE.match(line)) and f"({match[1]}{{" in promql:
                    found[match[2]] = found.get(match[2], 0.0) + float(match[3])
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
        assert 0.5 * unit <= lowest <= 1.25 * unit
    assert here.hands.objects.list_objects("StressChaos") == []
    assert marks(here.hands.objects) == here.ledger.entries() == []
    assert injection.early == injection.touched_by_others == []


class Bare(Kubernetes):
    """The cluster, as if nobody had installed Chaos Mesh."""

    def has_kind(self, kind: str) -> bool:
        return False if kind.endswith("Chaos") else super().has_kind(kind)


@pytest.fixture
def bare(around: Surroundings) -> Iterator[Surroundings]:
    figures: Any = around.prometheus
    found = Surroundings(around.target, around.environment, Side.GREEN)
    platform = Bare(Path(figures.cluster.layout.kubeconfig))
    found.__dict__ |= {"platform": platform, "prometheus": around.prometheus}
    yield found
    platform.close()


@pytest.mark.parametrize(
    "told",
    [{"fault": "cpu-stress", "load": "80%"}, {"fault": "memory-stress", "fill": "90%"}],
    ids=["cpu", "memory"],
)
def test_without_chaos_mesh_a_container_of_ours_stresses_every_pod(
    told: dict[str, Any], bare: Surroundings, tmp_path: Path
) -> None:
    """It cannot be taken away: while it runs, its pod is asked to leave, and another takes its place."""
    here = site(bare, tmp_path)
    before = {pod.name for pod in able(bare.platform, Workloads).pods(SPACE)}
    with here.inject(fault(bare, **told, image=STRESS), BlastRadius(at_most=2)) as injection:
        assert injection.effect.startswith("2 pods are at ")
        assert len(marks(here.hands.objects)) == 2
        (helper,) = {one.image for pod in able(bare.platform, Workloads).pods(SPACE) for one in pod.helpers}
        assert helper == STRESS
    after = able(bare.platform, Workloads).pods(SPACE)
    assert len(after) == 2
    assert not before & {pod.name for pod in after}
    assert [one.helpers for one in after] == [(), ()]
    assert marks(here.hands.objects) == here.ledger.entries() == []
    assert injection.early == injection.touched_by_others == []
    assert injection.overwritten == []


def test_a_container_of_ours_ends_by_itself_whoever_is_dead(bare: Surroundings, tmp_path: Path) -> None:
    """And its pod goes on; what is left of it is a line in the pod's list."""
    here = site(bare, tmp_path)
    acts = fault(bare, fault="cpu-stress", load="50%", image=STRESS).plan().acts
    runner = Runner(1, "", "elsewhere")
    entry = Entry("cpu-stress", acts[0].as_json(), runner, now(), now() + 2)
    acts[0].apply(here.hands, entry)
    assert not acts[0].is_out(here.hands)
    eventually(lambda: acts[0].is_out(here.hands))
    assert acts[0].undo(here.hands, entry) is Undone.HEALED
    assert marks(here.hands.objects) == []
    (pod,) = (one for one in able(bare.platform, Workloads).pods(SPACE) if one.name == acts[0].ref.name)
    assert pod.ready
    assert [one.state for one in pod.helpers] == ["Completed (exit 0)"]
    assert acts[0].undo(here.hands, entry) is Undone.HEALED  # as often as it is asked to


def test_without_chaos_mesh_and_without_an_image_it_is_unsupported(bare: Surroundings) -> None:
    with pytest.raises(Unsupported, match="not installed, and no `image` is stated"):
        fault(bare, fault="cpu-stress", load="50%").plan()


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
