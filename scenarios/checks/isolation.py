"""Network policies say who may talk to whom: nobody by default, and beyond that the edges that the profile lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.evidence import Missing
from fixtures.platforms.abilities import NetworkPolicy, NetworkRule, Policies, able
from fixtures.target.checks import Edge, NetworkPolicies
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

ANYBODY = "*"
NAMESPACE = "kubernetes.io/metadata.name"  # the label that every namespace carries


@measures(NetworkPolicies)
def network_policies(check: NetworkPolicies, around: Surroundings) -> Measurement:
    """A default deny stands, each service has a policy of its own, and only listed edges are open.

    A profile that lists no edge leaves open which ones are meant: then only what lets anybody in is a violation.
    """
    tally = Tally("services")
    found = able(around.platform, Policies).policies(around.namespace)
    incoming = [policy for policy in found if "ingress" in policy.directions]
    tally.note(Evidence("network policies", "\n".join(_line(policy) for policy in found) or "(none)"))
    tally.saw(around.namespace)
    if not any(not policy.selector and not policy.ingress for policy in incoming):
        tally.breaks(around.namespace, "no policy denies by default what no other allows")
    for service in around.target.services:
        try:
            labels = around.pods(service)[0].labels
        except Missing as error:
            tally.unseen(error)
            continue
        tally.saw(service.name)
        own = [policy for policy in incoming if policy.selector and selects(policy.selector, labels)]
        if not own:
            tally.breaks(service.name, "no policy of its own says who may call it")
        for why in _strangers(
            check.allowed, service.name, [policy for policy in incoming if selects(policy.selector, labels)]
        ):
            tally.breaks(service.name, why)
    return tally.measurement()


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


def _strangers(allowed: Sequence[Edge], to: str, policies: Sequence[NetworkPolicy]) -> Iterator[str]:
    """What the policies let through and the profile does not list."""
    for policy in policies:
        for rule in policy.ingress:
            for source in _sources(rule, policy.namespace):
                if source == ANYBODY and not any(_lists(edge, ANYBODY, to, rule) for edge in allowed):
                    yield f"policy {policy.name} lets anybody in"
                elif allowed and not any(_lists(edge, source, to, rule) for edge in allowed):
                    yield f"policy {policy.name} lets {source} in{_ports(rule)}, which the profile does not list"


def _lists(edge: Edge, source: str, to: str, rule: NetworkRule) -> bool:
    """Whether the edge covers that source, target and every port of the rule."""
    ends = edge.source in (source, ANYBODY) and edge.to in (to, ANYBODY)
    return ends and (not edge.ports or (bool(rule.ports) and set(rule.ports) <= set(edge.ports)))


def _sources(rule: NetworkRule, home: str) -> list[str]:
    """Each peer by its `app` label, its other labels, its namespace or its addresses; `*` for anybody."""
    return [_source(peer, home) for peer in rule.peers] or [ANYBODY]


def _source(peer: Mapping[str, Any], home: str) -> str:
    """Pods of the policy's own namespace by their name alone, so that nobody elsewhere can take it."""
    if block := peer.get("ipBlock"):
        return ANYBODY if block["cidr"] in ("0.0.0.0/0", "::/0") else str(block["cidr"])
    pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
    who = _selected(pods or {}, "app")
    where = home if namespaces is None else _selected(namespaces, NAMESPACE)
    if pods is None and namespaces is None:
        return ANYBODY
    if where == home:
        return who or "namespace itself"
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


def _line(policy: NetworkPolicy) -> str:
    sources = (
        "; ".join(", ".join(_sources(rule, policy.namespace)) + _ports(rule) for rule in policy.ingress)
        or "nobody"
    )
    selected = _labels(policy.selector.get("matchLabels") or {}) or "every pod"
    return (
        f"{policy.name}: {selected} hears {sources}"
        if "ingress" in policy.directions
        else f"{policy.name}: egress"
    )
