"""Network policies, on recorded objects: whatever they open beyond the profile's edges is named, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.systems.hwayo.policies import policies
from fixtures.target.checks import Edge
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import GREEN, SERVICES, Recorded, around, healthy, policy, the_check


def seen(platform: Recorded, **other: Any) -> Measurement:
    return measure(the_check("network-policies", **other), around(platform))


def hears(*apps: str, ports: tuple[int, ...] = (3000,)) -> dict[str, Any]:
    peers = [{"podSelector": {"matchLabels": {"app": app}}} for app in apps]
    return {"from": peers, "ports": [{"port": port} for port in ports]}


def outward(name: str, selector: dict[str, Any], *egress: dict[str, Any]) -> dict[str, Any]:
    """A policy on whom the selected pods may call."""
    found = policy(name, selector)
    found["spec"] = {"podSelector": selector, "policyTypes": ["Egress"], "egress": list(egress)}
    return found


def calls(peer: dict[str, Any], *ports: dict[str, Any]) -> dict[str, Any]:
    return {"to": [peer], "ports": list(ports or ({"port": 3000},))}


def isolated() -> Recorded:
    platform = healthy()
    platform.found_policies = [policy("default-deny", {}), outward("nowhere", {})]
    platform.found_policies += [
        policy(f"{name}-in", {"matchLabels": {"app": name}}, hears("api-gateway")) for name in SERVICES
    ]
    return platform


WEB_PODS = {"matchLabels": {"app": "web-app"}}


def gateway(**port: Any) -> dict[str, Any]:
    return hears("api-gateway") | {"ports": [port]}


def abroad(namespace: str = "") -> dict[str, Any]:
    """The gateway's name, in another namespace; without one in whichever."""
    names = {"matchLabels": {"kubernetes.io/metadata.name": namespace}} if namespace else {}
    rule = hears("api-gateway")
    rule["from"][0]["namespaceSelector"] = names
    return rule


ALLOWED = (Edge.model_validate({"from": "api-gateway", "to": "*", "ports": (3000,)}),)


def test_a_default_deny_with_a_policy_for_each_service_is_what_is_wanted() -> None:
    assert seen(isolated(), allowed=ALLOWED).value == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found.pop(0), "no policy denies ingress by default"),
        (lambda found: found.pop(1), "no policy denies egress by default"),
        (lambda found: found.pop(3), "api-gateway: no policy of its own"),
        (lambda found: found.append(policy("open", {}, {})), "policy open lets anybody in"),
        (
            lambda found: found.append(policy("wide", {}, {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})),
            "policy wide lets anybody in",
        ),
        (
            lambda found: found.append(
                policy("extra", {"matchLabels": {"app": "web-app"}}, hears("report-generator"))
            ),
            "web-app: policy extra lets report-generator in on 3000, which the profile does not list",
        ),
        (
            lambda found: found.append(
                policy("port", {"matchLabels": {"app": "web-app"}}, hears("api-gateway", ports=(22,)))
            ),
            "web-app: policy port lets api-gateway in on 22",
        ),
        (
            lambda found: found.append(policy("foreign", WEB_PODS, abroad("other"))),
            "web-app: policy foreign lets api-gateway in other in on 3000",
        ),
        (
            lambda found: found.append(policy("foreign", WEB_PODS, abroad())),
            "web-app: policy foreign lets api-gateway in any namespace in on 3000",
        ),
        (
            lambda found: found.append(policy("wide", WEB_PODS, gateway(port=3000, endPort=65535))),
            "web-app: policy wide lets api-gateway in on 3000-65535",
        ),
        (
            lambda found: found.append(policy("udp", WEB_PODS, gateway(port=3000, protocol="UDP"))),
            "web-app: policy udp lets api-gateway in on 3000/UDP",
        ),
    ],
)
def test_a_gap_in_the_policies_is_named(change: Any, words: str) -> None:
    platform = isolated()
    change(platform.found_policies)
    assert words in seen(platform, allowed=ALLOWED).why


WORLD, STORES = {"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "10.0.5.0/24"}}
GATEWAY, PEER = {"matchLabels": {"app": "api-gateway"}}, {"podSelector": {"matchLabels": {"app": "web-app"}}}
DNS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}


@pytest.mark.parametrize(
    ("opened", "words"),
    [
        (outward("out", GATEWAY, calls(PEER)), ""),
        (outward("out", GATEWAY, calls({"podSelector": {}})), ""),
        (outward("out", WEB_PODS, calls(PEER)), "web-app: policy out lets it call web-app on 3000"),
        (outward("out", GATEWAY, calls(PEER, {"port": 22})), "policy out lets it call web-app on 22"),
        (outward("out", GATEWAY, calls(WORLD)), "api-gateway: policy out lets it call anybody on 3000"),
        (outward("out", GATEWAY, {}), "api-gateway: policy out lets it call anybody, which"),
        (outward("out", GATEWAY, calls({"ipBlock": {"cidr": "128.0.0.0/1"}})), "lets it call anybody"),
        (outward("out", GATEWAY, calls(STORES)), "policy out lets it call 10.0.5.0/24 on 3000"),
        (outward("out", {}, calls(DNS, {"port": 53, "protocol": "UDP"})), "namespace kube-system on 53/UDP"),
    ],
)
def test_whom_a_service_may_call_is_listed_too(opened: dict[str, Any], words: str) -> None:
    platform = isolated()
    platform.found_policies.append(opened)
    found = seen(platform, allowed=ALLOWED)
    assert (found.value == 0) == (not words)
    assert words in found.why
    assert seen(platform, allowed=ALLOWED, directions=("ingress",)).value == 0


@pytest.mark.parametrize(
    ("edge", "opened"),
    [
        ({"to": "addresses", "ports": (5432,)}, calls(STORES, {"port": 5432})),
        ({"to": "10.0.5.0/24", "ports": (5432,)}, calls(STORES, {"port": 5432})),
        ({"to": "anybody", "ports": (443,)}, calls(WORLD, {"port": 443})),
        ({"to": "namespace kube-system", "ports": ("53/UDP",)}, calls(DNS, {"port": 53, "protocol": "UDP"})),
    ],
)
def test_beyond_the_cluster_only_what_the_profile_lists_may_be_called(
    edge: dict[str, Any], opened: dict[str, Any]
) -> None:
    platform = isolated()
    platform.found_policies.append(outward("out", GATEWAY, opened))
    listed = Edge.model_validate({"from": "api-gateway", **edge})
    assert seen(platform, allowed=(*ALLOWED, listed)).value == 0
    others = Edge.model_validate({"from": "web-app", **edge})
    assert "api-gateway: policy out lets it call" in seen(platform, allowed=(*ALLOWED, others)).why


def test_pods_elsewhere_are_let_in_where_the_profile_lists_them_with_their_namespace() -> None:
    platform = isolated()
    platform.found_policies.append(policy("foreign", WEB_PODS, abroad("other")))
    platform.found_policies.append(policy("home", WEB_PODS, abroad(GREEN)))
    other = Edge.model_validate({"from": "api-gateway in other", "to": "web-app", "ports": (3000,)})
    assert seen(platform, allowed=(*ALLOWED, other)).value == 0


def test_the_labs_own_policies_open_what_the_profile_lists() -> None:
    platform = healthy()
    platform.found_policies = [
        {**one, "metadata": {**one["metadata"], "namespace": GREEN}} for one in policies(Layout(200, Path()))
    ]
    found = seen(platform)
    assert found.value == 0, found.why
