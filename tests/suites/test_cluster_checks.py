"""Checks of what is deployed, on recorded objects: each names who breaks it, and an empty list is no evidence."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.platforms.abilities import Ask
from fixtures.target import Side
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import (
    BLUE,
    GREEN,
    SECURE,
    SERVICES,
    TAG,
    Recorded,
    around,
    deployment,
    healthy,
    node,
    pod,
    policy,
    the_check,
)
from tests.suites.recorded import secret as a_secret


def seen(name: str, platform: Recorded, **other: Any) -> Measurement:
    return measure(the_check(name, **other), around(platform))


OF_PODS = ["images-tagged", "images-sized", "pods-secured", "network-policies", "roles-least-privilege"]


# --- nothing there ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["nodes-ready", *OF_PODS])
def test_an_empty_cluster_is_no_evidence(name: str) -> None:
    closed = policy("default-deny", {})
    closed["spec"]["policyTypes"] = ["Ingress", "Egress"]
    found = seen(name, Recorded(found_policies=[closed]))
    assert found.value is None
    assert found.why


@pytest.mark.parametrize("name", ["images-tagged", "images-sized", "pods-secured"])
def test_one_service_without_pods_leaves_the_whole_unknown(name: str) -> None:
    platform = healthy()
    platform.found_pods = [
        one for one in platform.found_pods if one["metadata"]["labels"]["app"] != "web-app"
    ]
    found = seen(name, platform)
    assert found.value is None
    assert "no pod in hwayo-production-green is of web-app" in found.why


def test_a_platform_without_the_ability_is_unsupported_and_not_passed() -> None:
    found = measure(the_check("nodes-ready"), around(object()))
    assert found.value is None
    assert "cannot show nodes" in found.why


# --- nodes and deployments -------------------------------------------------------------------------------------------
def test_a_node_that_is_not_ready_is_named_with_its_reason() -> None:
    platform = Recorded(found_nodes=[node("a"), node("b", ready="False")])
    found = seen("nodes-ready", platform)
    assert (found.value, found.samples) == (1, 2)
    assert "b: not Ready: KubeletNotReady: PLEG is not healthy" in found.why


def test_too_few_nodes_break_it_although_all_are_ready() -> None:
    assert (
        "1 nodes, where at least 3 are wanted"
        in seen("nodes-ready", Recorded(found_nodes=[node("a")]), at_least=3).why
    )


def test_a_healthy_green_breaks_nothing() -> None:
    for name in (
        "nodes-ready",
        "deployments-available",
        "images-tagged",
        "images-sized",
        "pods-secured",
        "secrets-mirrored",
    ):
        found = seen(name, healthy())
        assert found.value == 0, found.why
        assert found.samples > 0


def test_a_crashing_pod_is_named_with_its_exit_code_its_log_and_its_events() -> None:
    platform = healthy()
    platform.deployments[2] = deployment("auth-service", available=1)
    broken = next(one for one in platform.found_pods if one["metadata"]["name"] == "auth-service-2")
    broken["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    broken["status"]["containerStatuses"] = [
        {
            "name": "auth-service",
            "ready": False,
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 3}},
        }
    ]
    found = seen("deployments-available", platform)
    assert found.value == 1
    assert "auth-service: 1 of 2 replicas available" in found.why
    assert "CrashLoopBackOff; before: Error (exit 3)" in found.why
    assert any("last words of auth-service-2" in one.text for one in found.evidence)
    assert any("back-off restarting" in one.text for one in found.evidence)


def test_a_deployment_that_is_missing_scaled_down_or_half_rolled_out_breaks_it() -> None:
    platform = healthy()
    platform.deployments = [one for one in platform.deployments if one["metadata"]["name"] != "web-app"]
    platform.deployments[0] = deployment("api-gateway", wanted=1, available=1)
    platform.deployments[1]["status"]["updatedReplicas"] = 1
    found = seen("deployments-available", platform)
    assert found.value == 3
    assert "web-app: hwayo-production-green has no such deployment" in found.why
    assert "api-gateway: asks for 1 replicas, where 2 are promised" in found.why
    assert "auth-service: its rollout is not finished: 1 of 2 replicas are of now" in found.why


# --- images and pods -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("registry/hwayo-web:latest", "tag 'latest' of hwayo-web"),
        ("registry/hwayo-web", "tag '(none)' of hwayo-web"),
        ("registry:5000/hwayo-web@sha256:0123", "tag '(none)' of hwayo-web"),
        (f"registry/other:{TAG}", "not hwayo-web"),
        ("registry/hwayo-web:1041-8c1f0aa", "runs 2 versions at once: 1041-8c1f0aa, 1042-3f9c2ab"),
    ],
)
def test_an_image_that_leads_back_to_no_build_is_named(image: str, words: str) -> None:
    platform = healthy()
    platform.found_pods[0]["spec"]["containers"][0]["image"] = image
    assert words in seen("images-tagged", platform).why


def blue_runs(tag: str, *services: str) -> Recorded:
    """Of these services that version, of the others another than green's."""
    platform = healthy()
    for one in platform.found_pods:
        if one["metadata"]["namespace"] == BLUE and one["metadata"]["labels"]["app"] in services:
            service = SERVICES[one["metadata"]["labels"]["app"]]
            one["spec"]["containers"][0]["image"] = f"registry/{service}:{tag}"
    return platform


def test_green_in_blues_version_proves_nothing_new() -> None:
    found = seen("images-tagged", blue_runs(TAG, "web-app"))
    assert found.value == 1
    assert "web-app: runs blue's version" in found.why
    assert f"web-app: green and blue run the same version, {TAG}" in [one.title for one in found.evidence]


@pytest.mark.parametrize(("services", "broken"), [(["web-app"], 0), (list(SERVICES), 6)])
def test_where_some_services_are_new_the_others_may_be_blues(services: list[str], broken: int) -> None:
    found = seen("images-tagged", blue_runs(TAG, *services), differs_from_blue="some")
    assert found.value == broken


def test_blue_itself_and_a_profile_that_does_not_ask_may_run_the_same() -> None:
    platform = blue_runs(TAG, *SERVICES)
    assert seen("images-tagged", platform, differs_from_blue=None).value == 0
    surroundings = around(platform)
    surroundings.side = Side.BLUE
    assert measure(the_check("images-tagged"), surroundings).value == 0


def test_a_blue_that_cannot_be_seen_leaves_open_whether_green_is_new() -> None:
    platform = healthy()
    platform.deployments = [one for one in platform.deployments if one["metadata"]["namespace"] != BLUE]
    found = seen("images-tagged", platform)
    assert found.value is None
    assert "whether web-app runs another version than blue is not known" in found.why


def test_an_image_is_as_large_as_the_node_that_holds_it_says() -> None:
    platform = healthy()
    platform.found_nodes[0]["status"]["images"][0]["sizeBytes"] = 1_000_000_000
    found = seen("images-sized", platform)
    assert (found.value, found.samples) == (1, 6)
    assert "1.00 GB, where less than 1GB is promised" in found.why


def test_an_image_that_no_node_knows_is_no_evidence() -> None:
    platform = healthy()
    del platform.found_nodes[0]["status"]["images"][0]
    assert seen("images-sized", platform).value is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"runAsNonRoot": False}, "may run as root"),
        ({"runAsUser": 0}, "may run as root"),
        ({"allowPrivilegeEscalation": None}, "may gain privileges"),
        ({"privileged": True}, "may gain privileges"),
        ({"capabilities": {"drop": ["NET_RAW"]}}, "keeps capabilities"),
        ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "keeps capabilities"),
    ],
)
def test_a_container_with_more_than_it_needs_is_named(more: dict[str, Any], words: str) -> None:
    platform = healthy()
    platform.found_pods[3]["spec"]["containers"][0]["securityContext"] |= more
    found = seen("pods-secured", platform)
    assert (found.value, found.samples) == (1, 12)
    assert words in found.why


def test_what_the_pod_says_holds_for_containers_that_say_nothing() -> None:
    platform = healthy()
    spec = platform.found_pods[0]["spec"]
    del spec["containers"][0]["securityContext"]["runAsNonRoot"]
    spec["securityContext"] = {"runAsNonRoot": True, "runAsUser": 10001}
    assert seen("pods-secured", platform).value == 0
    spec["hostNetwork"] = True
    assert "has hostNetwork" in seen("pods-secured", platform).why


def test_a_pod_beside_the_services_is_held_to_the_same() -> None:
    platform = healthy()
    stranger = pod("web-app", 9)
    stranger["metadata"] |= {"name": "debug", "labels": {}}
    stranger["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    platform.found_pods.append(stranger)
    found = seen("pods-secured", platform)
    assert (found.bad, found.samples) == (1, 13)
    assert "debug: web-app may run as root, may gain privileges, keeps capabilities" in found.why


@pytest.mark.parametrize("kind", ["initContainers", "ephemeralContainers"])
def test_a_container_that_helps_is_held_to_the_same(kind: str) -> None:
    platform = healthy()
    spec = platform.found_pods[0]["spec"]
    spec[kind] = [{"name": "helper", "image": "busybox:1", "securityContext": dict(SECURE)}]
    assert seen("pods-secured", platform).value == 0
    spec[kind][0]["securityContext"]["privileged"] = True
    assert "web-app-1: helper may gain privileges" in seen("pods-secured", platform).why


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"hostPID": True}, "hostPID"),
        ({"hostIPC": True}, "hostIPC"),
        ({"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}, "hostPath /"),
        ({"initContainers": [{"name": "i", "ports": [{"containerPort": 1, "hostPort": 81}]}]}, "hostPort 81"),
    ],
)
def test_a_pod_that_reaches_into_its_node_is_named(more: dict[str, Any], words: str) -> None:
    platform = healthy()
    platform.found_pods[0]["spec"] |= more
    assert f"has {words}" in seen("pods-secured", platform).why
    platform = healthy()
    platform.found_pods[0]["spec"]["containers"][0]["ports"][0]["hostPort"] = 80
    assert "has hostPort 80" in seen("pods-secured", platform).why


# --- secrets ---------------------------------------------------------------------------------------------------------
def test_green_must_have_each_secret_of_blue_with_each_key() -> None:
    platform = healthy()
    platform.found_secrets += [a_secret("mail", BLUE, "USER", "PASSWORD"), a_secret("mail", GREEN, "USER")]
    platform.found_secrets += [
        a_secret("pay", BLUE, "KEY"),
        a_secret("helm", BLUE, "r", kind="helm.sh/release.v1"),
    ]
    found = seen("secrets-mirrored", platform)
    assert found.value == 2
    assert "mail: hwayo-production-green lacks its key PASSWORD" in found.why
    assert "pay: blue has it, hwayo-production-green does not" in found.why


def test_a_secret_that_pods_read_and_nobody_has_is_named() -> None:
    platform = healthy()
    platform.found_secrets = [a_secret("other", side, "KEY") for side in (BLUE, GREEN)]
    assert (
        "tokens: web-app reads it, and hwayo-production-green does not have it"
        in seen("secrets-mirrored", platform).why
    )


@pytest.mark.parametrize("value", ["", "IAo="])
def test_a_key_with_nothing_in_it_is_as_good_as_none(value: str) -> None:
    platform = healthy()
    platform.found_secrets[1]["data"]["KEY"] = value
    found = seen("secrets-mirrored", platform)
    assert found.value == 1
    assert "tokens: hwayo-production-green has nothing in its key KEY" in found.why
    del platform.found_secrets[0]
    assert "has nothing in its key KEY" in seen("secrets-mirrored", platform).why


def test_no_value_of_a_secret_gets_into_the_evidence() -> None:
    found = seen("secrets-mirrored", healthy())
    assert "eA==" not in str(found)


# --- roles -----------------------------------------------------------------------------------------------------------
def bound(
    role: str, rules: list[dict[str, Any]], *subjects: dict[str, str], cluster: bool = False
) -> Recorded:
    platform = healthy()
    kind, home = ("ClusterRole", "") if cluster else ("Role", GREEN)
    metadata = {"name": f"{role}-binding"} | ({} if cluster else {"namespace": GREEN})
    platform.bindings = [
        {"metadata": metadata, "roleRef": {"kind": kind, "name": role}, "subjects": list(subjects)}
    ]
    platform.roles = {f"{kind}/{home}/{role}": {"rules": rules}}
    return platform


WEB = {"kind": "ServiceAccount", "name": "web-app"}


@pytest.mark.parametrize(
    "rule",
    [
        {"verbs": ["*"], "resources": ["pods"]},
        {"verbs": ["get"], "resources": ["*"]},
        {"verbs": ["get", "patch"], "resources": ["secrets"]},
        {"verbs": ["*"], "resources": ["secrets"]},
        {"verbs": ["create"], "resources": ["pods/exec"]},
    ],
)
def test_a_role_with_a_forbidden_power_is_named_with_its_binding(rule: dict[str, Any]) -> None:
    found = seen("roles-least-privilege", bound("reader", [rule], WEB))
    assert (found.bad, found.samples) == (1, 6)
    assert "web-app: Role/reader, bound by reader-binding, lets it" in found.why


def test_a_cluster_role_reaches_everywhere_and_a_group_reaches_everybody() -> None:
    group = {"kind": "Group", "name": f"system:serviceaccounts:{GREEN}"}
    found = seen(
        "roles-least-privilege", bound("boss", [{"verbs": ["*"], "resources": ["*"]}], group, cluster=True)
    )
    assert found.bad == 6
    assert "in the whole cluster" in found.why


def test_a_role_of_others_or_without_such_power_is_nobodys_fault() -> None:
    stranger = {"kind": "ServiceAccount", "name": "web-app", "namespace": "elsewhere"}
    assert (
        seen("roles-least-privilege", bound("boss", [{"verbs": ["*"], "resources": ["*"]}], stranger)).value
        == 0
    )
    assert (
        seen(
            "roles-least-privilege", bound("reader", [{"verbs": ["get"], "resources": ["configmaps"]}], WEB)
        ).value
        == 0
    )


def test_the_authorizer_has_the_last_word() -> None:
    platform = healthy()
    platform.allowed = {Ask("create", "pods", "", GREEN, "exec")}
    assert (
        "may create pods/exec in hwayo-production-green, says the authorizer"
        in seen("roles-least-privilege", platform).why
    )
