"""The role that is made from what faults declare suffices for what they do, and allows nothing besides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
import pytest

from fixtures.evidence import Refused
from fixtures.platforms.abilities import Ask
from fixtures.platforms.changes import Ref
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target import Side, Sides, Target
from fixtures.target.drills import NamespaceDeleted
from scenarios.faults.healing import EXPIRED
from scenarios.faults.registry import Right
from scenarios.roles import GROUP, STAGES, Manifest, manifests, rights, rights_of_all
from tests.cluster import servers
from tests.rights import account, collection, entering

CHANGES = ("release", "chaos", "drills")  # what they harm or move
SIDES = Sides[str](blue="shop", green="shop-green")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = (
    *(
        ("", name)
        for name in ("pods", "secrets", "configmaps", "namespaces", "nodes", "services", "serviceaccounts")
    ),
    *(("apps", name) for name in ("deployments", "statefulsets")),
    *(("networking.istio.io", name) for name in ("virtualservices", "gateways")),
    *((GROUP, name) for name in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")),
    ("networking.k8s.io", "networkpolicies"),
    ("batch", "jobs"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("", "events"),
)
DOORS = ("exec", "proxy", "eviction", "portforward", "log", "ephemeralcontainers")


@dataclass(frozen=True)
class Granted:
    """An API server on which every stage's role was applied, and two who enter it: its owner, and chaos's account."""

    admin: Kubernetes
    runner: Kubernetes
    rules: dict[str, list[Manifest]]  # of a stage


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    layout = servers.new_home(tmp_path_factory.mktemp("role"))
    with servers.running(layout, servers.wanted_parts(layout)) as server, server.client() as http:
        for name in (SIDES.blue, SIDES.green, "elsewhere"):
            labels = {"verdigris.dev/chaos": "allowed"}
            assert _post(http, "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}) == 201
        made = {stage: manifests(stage, needed(stage), Side.GREEN, SIDES) for stage in STAGES}
        for one in (one for found in made.values() for one in found):
            assert _post(http, collection(one), one) == 201
        least = layout.home / "least.kubeconfig"
        least.write_text(entering(Path(server.kubeconfig), layout.tokens, "chaos"))
        admin, runner = Kubernetes(Path(server.kubeconfig)), Kubernetes(least)
        yield Granted(admin, runner, made)
        admin.close()
        runner.close()


def needed(stage: str) -> list[Right]:
    """Of drills but for the one that brings a namespace back, which may make anything."""
    target = Target.load("hwayo")
    bounded = {
        name: one for name, one in target.drills.items() if not isinstance(one.loses, NamespaceDeleted)
    }
    return (
        rights_of_all() if stage == "chaos" else rights(target.model_copy(update={"drills": bounded}), stage)
    )


def _post(http: httpx.Client, path: str, body: Manifest) -> int:
    return http.post(path, json=body).status_code


def wanted(rules: list[Manifest], ask: Ask) -> bool:
    """Whether one of the rules says so."""
    resource = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    return any(
        ask.verb in rule["verbs"] and resource in rule["resources"] and ask.group in rule["apiGroups"]
        for one in rules
        if one["kind"] == "ClusterRole"
        or (one["kind"] == "Role" and one["metadata"]["namespace"] == ask.namespace)
        for rule in one["rules"]
        if not rule.get("resourceNames")
    )


def asks() -> Iterator[Ask]:
    places = (SIDES.blue, SIDES.green, "elsewhere", "kube-system")
    for (group, resource), verb, namespace in product(RESOURCES, VERBS, places):
        yield Ask(verb, resource, group, namespace)
    for door, verb, namespace in product(DOORS, ("get", "create"), places):
        yield Ask(verb, "pods", "", namespace, door)


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_allowed_beyond_what_a_stage_declares(granted: Granted, stage: str) -> None:
    allowed = {ask for ask in asks() if granted.admin.may(account(stage), ask)}
    assert allowed == {ask for ask in asks() if wanted(granted.rules[stage], ask)}
    assert len(allowed) < len(list(asks())) / 4
    assert bool(allowed) == bool(needed(stage))


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in CHANGES])
def test_who_is_only_to_look_changes_nothing(granted: Granted, stage: str) -> None:
    """Asking the authorizer is a review made, of which nothing stays."""
    looks = ("get", "list", "watch")
    asked = [ask for ask in asks() if ask.verb not in looks and ask.resource != "subjectaccessreviews"]
    assert [ask for ask in asked if granted.admin.may(account(stage), ask)] == []


def test_who_brings_a_namespace_back_may_make_anything_and_change_and_take_away_no_more() -> None:
    """No role that stands in it is left by then: it is the platform's that must allow it."""
    target = Target.load("hwayo")
    more = [one for one in rights(target, "drills") if one not in needed("drills")]
    assert {(one.kind, one.verbs, one.where) for one in more} == {
        ("*", ("create", "get", "list"), "platform"),
        ("Namespace", ("delete",), "platform"),
        ("Role", ("bind", "escalate"), "platform"),
        ("ClusterRole", ("bind", "escalate"), "platform"),
    }


def test_a_release_is_carried_out_only_by_who_is_asked_for_long_experiments() -> None:
    target = Target.load("hwayo")
    everyday, long = rights(target, "chaos"), rights(target, "chaos", long=True)
    assert set(STAGES["release"]) <= set(long)
    assert Right("Namespace", ("update",), "platform") in long
    assert Right("Namespace", ("update",), "platform") not in everyday


@pytest.mark.parametrize("namespace", ["shop", "shop-green", "elsewhere"])
def test_no_secret_is_read_and_nothing_is_run_in_a_pod(granted: Granted, namespace: str) -> None:
    """But that one may be made on the harmed side: an expired certificate is."""
    made = {"create"} if namespace == SIDES.green else set()
    asked = [Ask(verb, "secrets", "", namespace) for verb in VERBS if verb not in made]
    asked += [Ask(verb, "pods", "", namespace, "exec") for verb in ("get", "create")]
    asked += [Ask("create", resource, "", namespace) for resource in ("pods", "serviceaccounts")]
    assert [ask for ask in asked if granted.admin.may(account("chaos"), ask)] == []


def test_the_other_side_is_only_looked_at(granted: Granted) -> None:
    ours = [ask for ask in asks() if ask.namespace == SIDES.blue and granted.admin.may(account("chaos"), ask)]
    changed = {ask.resource for ask in ours if ask.verb in ("create", "delete", "patch")}
    updated = {ask.resource for ask in ours if ask.verb == "update"}
    assert changed == set()
    assert updated == {
        "virtualservices",
        "nodes",
    }  # routes of the front door lead to both; nodes are in no namespace


def test_what_is_allowed_can_be_done_and_what_is_not_is_refused(granted: Granted) -> None:
    ref = Ref("NetworkPolicy", SIDES.green, "cut")
    made = granted.runner.create_object(ref, {"spec": {"podSelector": {}}})
    granted.runner.delete_object(ref, made["metadata"]["uid"])
    assert granted.runner.has_kind("NetworkPolicy")
    assert not granted.runner.has_kind("StressChaos")  # nobody has installed it
    ours, others = (Ref("Secret", SIDES.green, name) for name in (EXPIRED, "shop-tls"))
    made = granted.runner.create_object(ours, {"stringData": {"x": "y"}})
    assert granted.runner.read_object(ours) is not None
    granted.runner.delete_object(ours, made["metadata"]["uid"])
    for refused in (
        lambda: granted.runner.read_object(others),
        lambda: granted.runner.delete_object(others, "x"),
        lambda: granted.runner.list_objects("Secret", SIDES.green),
    ):
        with pytest.raises(Refused):
            refused()
    with pytest.raises(Refused):
        granted.runner.create_object(Ref("NetworkPolicy", SIDES.blue, "cut"), {"spec": {"podSelector": {}}})
    with pytest.raises(Refused):
        granted.runner.secrets(SIDES.green)
