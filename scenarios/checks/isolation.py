"""Network policies say who may talk to whom: nobody by default, and beyond that the edges that the profile lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.evidence import Missing
from fixtures.platforms.abilities import NetworkPolicy, NetworkRule, Policies, able
from fixtures.target.checks import Direction, Edge, NetworkPolicies
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

ANY = "*"  # written of a source: whoever it is; of whom it calls: any service of the side
ANYBODY, ADDRESSES, ITSELF = "anybody", "addresses", "namespace itself"
VERBS: dict[Direction, str] = {"ingress": "hears", "egress": "calls"}
NAMESPACE = "kubernetes.io/metadata.name"  # the label that every namespace carries
WIDEST = {4: 8, 6: 16}  # bits that a range must fix at least, by the version of IP: a wider one is the world


@measures(NetworkPolicies)
def network_policies(check: NetworkPolicies, around: Surroundings) -> Measurement:
    """A default deny stands, each service has a policy of its own, and only listed edges are open.

    A profile that lists no edge leaves open which ones are meant: then only what is open to anybody is a violation.
    """
    tally = Tally("services")
    found = able(around.platform, Policies).policies(around.namespace)
    tally.note(Evidence("network policies", "\n".join(map(_line, found)) or "(none)"))
    tally.saw(around.namespace)
    for direction in check.directions:
        if not any(_denies(policy, direction) for policy in found):
            tally.breaks(around.namespace, f"no policy denies {direction} by default")
    for service in around.target.services:
        try:
            labels = around.pods(service)[0].labels
        except Missing as error:
            tally.unseen(error)
            continue
        tally.saw(service.name)
        ours = [policy for policy in found if selects(policy.selector, labels)]
        if not any(policy.selector and "ingress" in policy.directions for policy in ours):
            tally.breaks(service.name, "no policy of its own says who may call it")
        services = {one.name for one in around.target.services}
        for direction in check.directions:
            for why in _unlisted(_Listed(check.allowed, services), service.name, ours, direction):
                tally.breaks(service.name, why)
    return tally.measurement()


def _denies(policy: NetworkPolicy, direction: Direction) -> bool:
    return not policy.selector and direction in policy.directions and not _rules(policy, direction)


def _rules(policy: NetworkPolicy, direction: Direction) -> Sequence[NetworkRule]:
    return policy.ingress if direction == "ingress" else policy.egress


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes label selector (matchLabels and matchExpressions) selects those labels."""
    plain = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return plain and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


@dataclass(frozen=True)
class _Listed:
    """The profile's edges, and which services `*` stands for where it says whom one may call."""

    edges: Sequence[Edge]
    services: Collection[str]

    def has(self, source: str, to: str, rule: NetworkRule) -> bool:
        """Whether an edge covers that source, target and every port of the rule."""
        return any(
            edge.source in (source, ANY)
            and self._covers(edge.to, to)
            and (not edge.ports or (bool(rule.ports) and set(rule.ports) <= set(edge.ports)))
            for edge in self.edges
        )

    def _covers(self, written: str, to: str) -> bool:
        if written == ANY:
            return to in self.services or to == ITSELF
        return written == to or (written == ADDRESSES and _is_address(to))


def _unlisted(
    listed: _Listed, service: str, policies: Sequence[NetworkPolicy], direction: Direction
) -> Iterator[str]:
    """What the policies let through and the profile does not list."""
    for policy in policies:
        for rule in _rules(policy, direction):
            for peer in _peers(rule, policy.namespace):
                incoming = direction == "ingress"
                source, to = (peer, service) if incoming else (service, peer)
                if listed.has(source, to, rule) or (not listed.edges and peer != ANYBODY):
                    continue
                open_to = f"lets {peer} in" if incoming else f"lets it call {peer}"
                yield f"policy {policy.name} {open_to}{_ports(rule)}, which the profile does not list"


def _peers(rule: NetworkRule, home: str) -> list[str]:
    """Each by its `app` label, its other labels, its namespace or its addresses; or anybody."""
    return [_peer(peer, home) for peer in rule.peers] or [ANYBODY]


def _peer(peer: Mapping[str, Any], home: str) -> str:
    """Pods of the policy's own namespace by their name alone, so that nobody elsewhere can take it."""
    if block := peer.get("ipBlock"):
        network = ipaddress.ip_network(block["cidr"], strict=False)
        return ANYBODY if network.prefixlen < WIDEST[network.version] else str(block["cidr"])
    pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
    who = _selected(pods or {}, "app")
    where = home if namespaces is None else _selected(namespaces, NAMESPACE)
    if pods is None and namespaces is None:
        return ANYBODY
    if where == home:
        return who or ITSELF
    if not where:
        return f"{who} in any namespace" if who else ANYBODY
    return f"{who} in {where}" if who else f"namespace {where}"


def _selected(selector: Mapping[str, Any], name: str) -> str:
    """Whom a selector means: by the label that names them, else by all that it says; "" for everybody."""
    labels = selector.get("matchLabels") or {}
    conditions = [
        f"{one['key']} {one['operator']} {'|'.join(one.get('values') or ())}".rstrip()
        for one in selector.get("matchExpressions") or ()
    ]
    return str(labels.get(name) or ",".join(filter(None, [_labels(labels), *conditions])))


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _ports(rule: NetworkRule) -> str:
    return f" on {', '.join(map(str, rule.ports))}" if rule.ports else ""


def _is_address(peer: str) -> bool:
    try:
        ipaddress.ip_network(peer, strict=False)
    except ValueError:
        return False
    return True


def _line(policy: NetworkPolicy) -> str:
    selected = _labels(policy.selector.get("matchLabels") or {}) or "every pod"
    said = [
        f"{verb} {_whom(_rules(policy, direction), policy.namespace)}"
        for direction, verb in VERBS.items()
        if direction in policy.directions
    ]
    return f"{policy.name}: {selected} {', '.join(said)}"


def _whom(rules: Sequence[NetworkRule], home: str) -> str:
    return "; ".join(", ".join(_peers(rule, home)) + _ports(rule) for rule in rules) or "nobody"
