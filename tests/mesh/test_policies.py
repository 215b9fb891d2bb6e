"""NetworkPolicies decide as Kubernetes documents it; a naive oracle, which knows no shortcuts, agrees on every case."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.lab.mesh.policies import EVERYWHERE, Policies, intersection, matches
from fixtures.lab.mesh.snapshot import Peer, Snapshot
from tests.mesh.manifests import Object, namespace, policy

NAMESPACES = {"blue": {"environment": "blue"}, "green": {"environment": "green", "tier": "edge"}}
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.1")
PORTS = {"http": 80, "admin": 90}


# --- a small world ----------------------------------------------------------------------------------------------------
def labels() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["a", "b", "edge"]), max_size=2)


def expression() -> st.SearchStrategy[Object]:
    key = st.sampled_from(["app", "tier", "environment"])
    values = st.lists(st.sampled_from(["a", "b", "edge", "blue"]), min_size=1, max_size=2)
    return st.one_of(
        st.builds(
            lambda k, o, v: {"key": k, "operator": o, "values": v},
            key,
            st.sampled_from(["In", "NotIn"]),
            values,
        ),
        st.builds(lambda k, o: {"key": k, "operator": o}, key, st.sampled_from(["Exists", "DoesNotExist"])),
    )


def selector() -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries(
        {}, optional={"matchLabels": labels(), "matchExpressions": st.lists(expression(), max_size=2)}
    )


def block() -> st.SearchStrategy[Object]:
    cidrs = st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.1/32", "10.1.0.0/16"])
    return st.fixed_dictionaries({"cidr": cidrs}, optional={"except": st.lists(cidrs, max_size=2)})


def described() -> st.SearchStrategy[Object]:
    selectors = st.fixed_dictionaries(
        {}, optional={"podSelector": selector(), "namespaceSelector": selector()}
    )
    return st.one_of(selectors.filter(bool), st.builds(lambda b: {"ipBlock": b}, block()))


def port() -> st.SearchStrategy[Object]:
    numbered = st.fixed_dictionaries(
        {"port": st.sampled_from([80, 85, 90])}, optional={"endPort": st.just(90)}
    )
    named = st.fixed_dictionaries({"port": st.sampled_from(["http", "admin", "other"])})
    protocol = st.sampled_from([{}, {"protocol": "TCP"}, {"protocol": "UDP"}])
    return st.builds(lambda one, other: {**one, **other}, st.one_of(numbered, named, st.just({})), protocol)


def rules(side: str) -> st.SearchStrategy[list[Object]]:
    parts = {side: st.lists(described(), max_size=2), "ports": st.lists(port(), max_size=2)}
    return st.lists(st.fixed_dictionaries({}, optional=parts), max_size=2)


def policies() -> st.SearchStrategy[Object]:
    spec = st.fixed_dictionaries(
        {"podSelector": selector()},
        optional={
            "ingress": rules("from"),
            "egress": rules("to"),
            "policyTypes": st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
        },
    )
    return st.builds(lambda home, spec: policy(home, "p", **spec), st.sampled_from(sorted(NAMESPACES)), spec)


def pods() -> st.SearchStrategy[Peer]:
    return st.builds(
        lambda ip, home, worn, named: Peer(ip, home, worn, PORTS if named else {}),
        st.sampled_from(ADDRESSES),
        st.sampled_from(sorted(NAMESPACES)),
        labels(),
        st.booleans(),
    )


def peers() -> st.SearchStrategy[Peer]:
    return st.one_of(pods(), st.builds(Peer, st.sampled_from(ADDRESSES)))


def snapshot(found: list[Object]) -> Snapshot:
    return Snapshot.of([*(namespace(name, **worn) for name, worn in NAMESPACES.items()), *found])


# --- the oracle: the documentation's sentences, one after the other ---------------------------------------------------
def selected(selector: Object, worn: dict[str, str]) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if worn.get(key) != value:
            return False
    for wanted in selector.get("matchExpressions", []):
        has, value = wanted["key"] in worn, worn.get(wanted["key"])
        holds = {
            "In": has and value in wanted.get("values", []),
            "NotIn": not has or value not in wanted.get("values", []),
            "Exists": has,
            "DoesNotExist": not has,
        }[wanted["operator"]]
        if not holds:
            return False
    return True


def is_described(entry: Object, home: str, peer: Peer) -> bool:
    if "ipBlock" in entry:
        inside = [
            n for n in [entry["ipBlock"]["cidr"]] if ipaddress.ip_address(peer.ip) in ipaddress.ip_network(n)
        ]
        cut = [
            n
            for n in entry["ipBlock"].get("except", [])
            if ipaddress.ip_address(peer.ip) in ipaddress.ip_network(n)
        ]
        return bool(inside) and not cut
    if peer.namespace == "":
        return False
    if "namespaceSelector" in entry:
        worn = {**NAMESPACES[peer.namespace], "kubernetes.io/metadata.name": peer.namespace}
        if not selected(entry["namespaceSelector"], worn):
            return False
    elif peer.namespace != home:
        return False
    return selected(entry.get("podSelector", {}), dict(peer.labels))


def is_port(entry: Object, destination: Peer, number: int) -> bool:
    if entry.get("protocol", "TCP") != "TCP":
        return False
    if "port" not in entry:
        return True
    if isinstance(entry["port"], str):
        return destination.ports.get(entry["port"], -1) == number
    last: int = {"endPort": entry["port"], **entry}["endPort"]
    return bool(entry["port"] <= number <= last)


def side_allows(found: list[Object], ingress: bool, one: Peer, other: Peer, target: tuple[Peer, int]) -> bool:
    """Whether the policies on `one`, the receiving end where `ingress`, let `other` through."""
    kind, field, peers_of = ("Ingress", "ingress", "from") if ingress else ("Egress", "egress", "to")
    isolated = allowed = False
    for manifest in found:
        spec, home = manifest["spec"], manifest["metadata"]["namespace"]
        kinds = spec.get("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
        if kind not in kinds or one.namespace != home or not selected(spec["podSelector"], dict(one.labels)):
            continue
        isolated = True
        for rule in spec.get(field, []):
            who, where = rule.get(peers_of, []), rule.get("ports", [])
            right_peer = who == [] or any(is_described(entry, home, other) for entry in who)
            right_port = where == [] or any(is_port(entry, *target) for entry in where)
            allowed = allowed or (right_peer and right_port)
    return allowed or not isolated


def oracle(found: list[Object], source: Peer, destination: Peer, number: int) -> bool:
    target = (destination, number)
    return side_allows(found, False, source, destination, target) and side_allows(
        found, True, destination, source, target
    )


# --- properties -------------------------------------------------------------------------------------------------------
@settings(max_examples=500)
@given(st.lists(policies(), max_size=4), peers(), peers(), st.sampled_from([80, 85, 90]))
def test_the_oracle_agrees(found: list[Object], source: Peer, destination: Peer, number: int) -> None:
    assert Policies(snapshot(found)).allows(source, destination, number) == oracle(
        found, source, destination, number
    )


@settings(max_examples=300)
@given(st.lists(policies(), max_size=4), pods(), st.sampled_from(ADDRESSES), st.sampled_from([80, 90]))
def test_the_networks_outside_are_those_of_which_every_address_is_allowed(
    found: list[Object], destination: Peer, address: str, number: int
) -> None:
    networks = Policies(snapshot(found)).outside(destination, number)
    inside = any(ipaddress.IPv4Address(address) in network for network in networks)
    assert inside == oracle(found, Peer(address), destination, number)


@given(st.lists(policies(), min_size=1, max_size=4), pods(), pods(), st.sampled_from([80, 90]))
def test_a_further_policy_opens_only_what_is_closed_already(
    found: list[Object], source: Peer, destination: Peer, number: int
) -> None:
    """Policies add up: one more never closes what another allows, unless it is the first on an end."""
    fewer, all_of_them = Policies(snapshot(found[1:])), Policies(snapshot(found))
    ends = (("Egress", source), ("Ingress", destination))
    closed_before = all(fewer.selecting(direction, peer) for direction, peer in ends)
    if closed_before and fewer.allows(source, destination, number):
        assert all_of_them.allows(source, destination, number)


@given(st.lists(st.lists(block(), min_size=1, max_size=3), max_size=3), st.sampled_from(ADDRESSES))
def test_an_intersection_holds_what_every_group_holds(groups: list[list[Object]], address: str) -> None:
    networks = [[ipaddress.IPv4Network(b["cidr"]) for b in group] for group in groups]
    within = [any(ipaddress.IPv4Address(address) in n for n in group) for group in networks]
    assert any(ipaddress.IPv4Address(address) in n for n in intersection(networks)) == all(within)


# --- what people trip over --------------------------------------------------------------------------------------------
BLUE, GREEN, OUTSIDE = (
    Peer("10.0.0.1", "blue", {"app": "a"}),
    Peer("10.0.0.2", "green", {"app": "a"}),
    Peer("9.9.9.9"),
)


def allows(source: Peer, destination: Peer, *found: Object) -> bool:
    return Policies(snapshot(list(found))).allows(source, destination, 80)


def test_without_policies_everybody_may() -> None:
    assert allows(GREEN, BLUE)
    assert allows(OUTSIDE, BLUE)
    assert Policies(snapshot([])).outside(BLUE, 80) == EVERYWHERE


def test_a_policy_without_rules_closes_its_pods_and_no_others() -> None:
    closed = policy("blue", "closed")
    assert not allows(GREEN, BLUE, closed)
    assert allows(BLUE, GREEN, closed)  # the other direction, the other namespace


def test_an_empty_rule_allows_everything_and_no_rule_nothing() -> None:
    assert allows(OUTSIDE, BLUE, policy("blue", "open", ingress=[{}]))
    assert not allows(OUTSIDE, BLUE, policy("blue", "closed", ingress=[]))


def test_one_entry_with_both_selectors_wants_both_and_two_entries_want_either() -> None:
    namespaces, pods = (
        {"namespaceSelector": {"matchLabels": {"environment": "green"}}},
        {"podSelector": {"matchLabels": {"app": "b"}}},
    )
    assert not allows(GREEN, BLUE, policy("blue", "both", ingress=[{"from": [{**namespaces, **pods}]}]))
    assert allows(GREEN, BLUE, policy("blue", "either", ingress=[{"from": [namespaces, pods]}]))


def test_a_pod_selector_alone_means_the_policys_own_namespace() -> None:
    near = policy("blue", "near", ingress=[{"from": [{"podSelector": {}}]}])
    assert allows(BLUE, BLUE, near)
    assert not allows(GREEN, BLUE, near)


@pytest.mark.parametrize(("number", "reached"), [(79, False), (80, True), (90, True), (91, False)])
def test_a_range_of_ports_has_both_its_ends(number: int, reached: bool) -> None:
    ranged = policy("blue", "ports", ingress=[{"ports": [{"port": 80, "endPort": 90}]}])
    assert Policies(snapshot([ranged])).allows(GREEN, BLUE, number) is reached


def test_a_policy_on_egress_only_leaves_ingress_open() -> None:
    assert allows(OUTSIDE, BLUE, policy("blue", "out", policyTypes=["Egress"]))


def test_addresses_of_the_other_internet_concern_nobody_here() -> None:
    both = policy(
        "blue", "both", ingress=[{"from": [{"ipBlock": {"cidr": "::/0", "except": ["fe80::/10"]}}]}]
    )
    assert not allows(OUTSIDE, BLUE, both)
    assert Policies(snapshot([both])).outside(BLUE, 80) == []
    mixed = policy(
        "blue", "mixed", ingress=[{"from": [{"ipBlock": {"cidr": "9.0.0.0/8", "except": ["::/0"]}}]}]
    )
    assert allows(OUTSIDE, BLUE, mixed)


def test_a_selector_that_nobody_knows_is_an_error() -> None:
    wrong: dict[str, Any] = {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["a"]}]}
    with pytest.raises(ValueError, match="Like"):
        matches(wrong, {})
