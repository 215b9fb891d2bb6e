"""A team's own experiments are run as they are, and only where they can harm nobody else and end by themselves."""

from __future__ import annotations

from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from fixtures.clock import wait_until
from fixtures.evidence import Missing, Unsupported
from fixtures.lab import custom
from fixtures.ledger import Entry, Runner, now
from fixtures.platforms.abilities import Reply
from fixtures.platforms.changes import Conflict, Ref
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target import Target
from fixtures.target.faults import AnyFault
from scenarios.faults.acts import Hands, Make, Undone, seconds_of
from scenarios.faults.catalogue import made
from scenarios.faults.conclusions import Conclusion, Conclusions
from scenarios.faults.healing import marks
from scenarios.faults.radius import Forbidden
from scenarios.faults.site import Fault
from tests.cluster.servers import ApiServer
from tests.faults.small import SPACE, Cluster, On

SELECTOR = {"namespaces": [SPACE], "labelSelectors": {"app": "auth-service"}}
SPEC: dict[str, Any] = {
    "mode": "all",
    "selector": SELECTOR,
    "duration": "30s",
    "stressors": {"cpu": {"workers": 1}},
}


def chaos(kind: str = "StressChaos", namespace: str = "chaos", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "burn", "namespace": namespace}
    return {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "spec": {**SPEC, **spec},
    }


def engine(space: str = SPACE, label: str = "app=auth-service", **env: str) -> dict[str, Any]:
    """Litmus's."""
    told = [{"name": name, "value": value} for name, value in env.items()]
    spec = {
        "engineState": "active",
        "appinfo": {"appns": space, "applabel": label, "appkind": "deployment"},
        "experiments": [{"name": "pod-delete", "spec": {"components": {"env": told}}}],
    }
    metadata = {"name": "engine", "namespace": space}
    return {
        "apiVersion": "litmuschaos.io/v1alpha1",
        "kind": "ChaosEngine",
        "metadata": metadata,
        "spec": spec,
    }


def fault(folder: Path, *bodies: dict[str, Any], cluster: Cluster | None = None) -> Fault:
    (folder / "own.yaml").write_text(yaml.safe_dump_all(bodies))
    target = Target.load("hwayo").model_copy(update={"file": str(folder / "hwayo.yaml")})
    told = {"fault": "teams-own", "service": "auth-service", "manifest": "own.yaml"}
    return made(
        TypeAdapter(AnyFault).validate_python(told),
        On(cluster or Cluster("StressChaos", "PodChaos", "ChaosEngine"), {}, target),
    )


def test_a_file_is_run_as_it_is_in_our_namespace(tmp_path: Path) -> None:
    plan = fault(tmp_path, chaos()).plan()
    (act,) = plan.acts
    assert act == Make(Ref("StressChaos", SPACE, "verdigris-burn"), {"spec": SPEC})
    assert plan.victims == ("auth-service-a", "auth-service-b")
    one = fault(tmp_path, chaos(mode="one")).plan()
    assert len(one.victims) == 1
    of_litmus = engine(TOTAL_CHAOS_DURATION="30")
    plan = fault(tmp_path, of_litmus).plan()
    assert plan.acts == (Make(Ref("ChaosEngine", SPACE, "verdigris-engine"), {"spec": of_litmus["spec"]}),)
    assert plan.victims == ("auth-service-a", "auth-service-b")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (chaos(selector={"labelSelectors": {"app": "x"}}), r"selects in \['chaos'\]"),
        (chaos(selector={**SELECTOR, "namespaces": [SPACE, "other"]}), "and not in"),
        (chaos(selector={"namespaces": [SPACE]}), "does not select by labels"),
        (chaos(selector={**SELECTOR, "fieldSelectors": {}}), "does not select by labels alone"),
        (chaos(target={"selector": {**SELECTOR, "namespaces": ["other"]}}), "burn's target selects in"),
        (chaos(duration=""), "has no duration"),
        (chaos(duration="soon"), "has no duration"),
        (engine(space="other"), r"selects in \['other'\]"),
        (engine(label="app in (a, b)"), "does not select by one label"),
        (engine(FORCE="false"), "pod-delete has no TOTAL_CHAOS_DURATION"),
        (engine(TOTAL_CHAOS_DURATION="30", TARGET_NODE="n1"), "chooses nodes by TARGET_NODE"),
    ],
)
def test_what_could_hit_others_or_never_end_is_refused(
    tmp_path: Path, body: dict[str, Any], says: str
) -> None:
    with pytest.raises(Forbidden, match=says):
        fault(tmp_path, body).plan()


def test_what_is_no_experiment_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="2 objects"):
        fault(tmp_path, chaos(), chaos()).plan()
    with pytest.raises(Missing, match="'Deployment'"):
        fault(tmp_path, chaos("Deployment")).plan()
    with pytest.raises(Unsupported, match="TimeChaos: what answers it is not installed"):
        fault(tmp_path, chaos("TimeChaos")).plan()


def litmus(folder: Path, cluster: Cluster, **status: Any) -> Any:
    """The fault of an engine that Litmus has answered so."""
    of_litmus = engine(TOTAL_CHAOS_DURATION="30")
    found = fault(folder, of_litmus, cluster=cluster)
    cluster.put(Ref("ChaosEngine", SPACE, "verdigris-engine"), spec=of_litmus["spec"], status=status)
    return found


def shown(verdict: str) -> list[dict[str, str]]:
    return [{"name": "pod-delete", "status": "Completed", "verdict": verdict}]


def test_what_litmus_says_in_the_end_is_waited_for_and_held_to(tmp_path: Path) -> None:
    cluster = Cluster("ChaosEngine")
    going = litmus(tmp_path, cluster, engineStatus="initialized", experiments=shown("Awaited"))
    assert 30 < going.concludes_s < 300
    conclusions = Conclusions([going])
    assert not conclusions.complete()
    assert conclusions.unknown == "teams-own came to no verdict of its own"
    litmus(tmp_path, cluster, engineStatus="completed", experiments=shown("Pass"))
    assert conclusions.complete()
    assert conclusions.unknown == ""
    assert conclusions.wrong == []
    litmus(tmp_path, cluster, engineStatus="completed", experiments=shown("Fail"))
    assert Conclusions([going]).complete() is True
    assert going.conclusion() == Conclusion(False, "pod-delete: Fail")


def test_why_a_verdict_fell_is_told_by_the_result_of_this_run_alone(tmp_path: Path) -> None:
    cluster = Cluster("ChaosEngine")
    found = litmus(tmp_path, cluster, engineStatus="completed", experiments=shown("Fail"))
    of_result = Ref("ChaosResult", SPACE, "verdigris-engine-pod-delete")
    told = {"verdict": "Fail", "failStep": "[post-chaos]: not back", "probeSuccessPercentage": "50"}
    cluster.put(of_result, status={"experimentStatus": told})
    said = "pod-delete: Fail (probes 50%, failed at [post-chaos]: not back)"
    assert found.conclusion() == Conclusion(False, said)
    cluster.put(of_result, status={"experimentStatus": {**told, "verdict": "Pass"}})  # of the run before
    assert found.conclusion() == Conclusion(False, "pod-delete: Fail")


def test_what_chaos_mesh_does_comes_to_no_verdict_of_its_own(tmp_path: Path) -> None:
    conclusions = Conclusions([fault(tmp_path, chaos())])
    assert conclusions.heard == []
    assert conclusions.complete()


@pytest.mark.parametrize("told", [{"fault": "dns-failing"}, {"fault": "clock-skew", "by": "5m"}])
def test_what_the_platform_cannot_do_is_unsupported_and_never_passed(told: dict[str, Any]) -> None:
    order = TypeAdapter(AnyFault).validate_python({**told, "service": "auth-service"})
    with pytest.raises(Unsupported, match="of Chaos Mesh is not installed"):
        made(order, On(Cluster(), {})).plan()
    (act,) = made(order, On(Cluster("DNSChaos", "TimeChaos"), {})).plan().acts
    assert act.as_json()["body"]["spec"]["selector"] == SELECTOR


@pytest.mark.parametrize(("off_s", "seen"), [(0, ""), (-290, "-290"), (315, "+31")])
def test_a_clock_is_held_against_ours(off_s: float, seen: str) -> None:
    cluster = Cluster("TimeChaos")
    cluster.reply = Reply(200, {"date": formatdate(now() + off_s, usegmt=True)}, "ok", 0.0)
    order = TypeAdapter(AnyFault).validate_python(
        {"fault": "clock-skew", "service": "auth-service", "by": "5m"}
    )
    said = made(order, On(cluster, {})).effect()
    assert said.startswith("auth-service-a's clock is ") is bool(seen)
    assert seen[:3] in said


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1m30s", 90), ("1.5h", 5400), ("", 0), ("5", 0), ("5 s", 0)]
)
def test_durations_are_read_as_chaos_mesh_writes_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(("own", "left_s", "told"), [("24h", 60, "60s"), ("30s", 60, "30s")])
def test_the_platform_is_told_to_end_it_when_its_time_is_up(own: str, left_s: float, told: str) -> None:
    cluster, ref = Cluster(), Ref("StressChaos", SPACE, "x")
    act = Make(ref, {"spec": {"duration": own}})
    act.apply(Hands(cluster, lambda *_: None), Entry("x", act.as_json(), Runner.me(), now(), now() + left_s))
    found = cluster.read_object(ref)
    assert found is not None
    assert found["spec"]["duration"] == told


def test_a_cluster_without_chaos_mesh_says_so(platform: Kubernetes) -> None:
    assert not platform.has_kind("StressChaos")
    assert platform.has_kind("Deployment")
    assert platform.list_objects("StressChaos") == []


@pytest.mark.parametrize("told", [{"fault": "dns-failing"}, {"fault": "clock-skew", "by": "5m"}])
def test_a_cluster_with_chaos_mesh_is_told_and_takes_it_back(
    told: dict[str, Any], server: ApiServer, platform: Kubernetes
) -> None:
    kinds = {"DNSChaos": "dnschaos", "TimeChaos": "timechaos"}
    with server.client() as http:
        for one in custom.definitions("chaos-mesh.org", kinds, ("v1alpha1",)):
            http.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=one)
    wait_until(lambda: all(map(platform.has_kind, kinds)), 10)
    with suppress(Conflict):
        labels = {"verdigris.dev/chaos": "allowed"}
        platform.create_object(Ref("Namespace", "", SPACE), {"metadata": {"labels": labels}})
    order = TypeAdapter(AnyFault).validate_python({**told, "service": "auth-service"})
    (act,) = made(order, On(Cluster(*kinds), {})).plan().acts
    entry = Entry(told["fault"], act.as_json(), Runner.me(), now(), now() + 60)
    hands = Hands(platform, lambda *_: None)
    act.apply(hands, entry)
    found = platform.read_object(act.ref)
    assert found is not None
    assert found["spec"]["duration"] == "60s"
    assert [one.id for one in marks(platform)] == [entry.id]
    assert act.undo(hands, entry) is Undone.HEALED
    assert act.is_out(hands)
    assert marks(platform) == []
