"""Who is let through by NetworkPolicies, and what to change so that one is no more. Pure.

Policies add up: whatever any of them allows is allowed. So nothing is denied by adding one; the allowance is narrowed
in every policy that has it, to everybody but the one. Only where no policy speaks of the subject is one added.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fixtures.evidence import Missing
from fixtures.platforms.changes import Json, Ref
from scenarios.faults.acts import Act, Edit, Make

KIND = "NetworkPolicy"
Labels = Mapping[str, str]
Direction = Literal["ingress", "egress"]
SIDES = {"ingress": "from", "egress": "to"}


@dataclass(frozen=True)
class Pods:
    """Whom to cut off: pods of the same namespace by their labels, of which `selector` tells them from all others."""

    labels: Labels
    selector: Labels
    namespace_labels: Labels

    def narrowed(self, peer: Json) -> Json | None:
        """The same peer without them; None where it does not mean them."""
        if "ipBlock" in peer:
            return None
        if not matches(peer.get("namespaceSelector") or {}, self.namespace_labels):
            return None
        if not matches(peer.get("podSelector") or {}, self.labels):
            return None
        selector = dict(peer.get("podSelector") or {})
        selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), *others(self.selector)]
        return {**peer, "podSelector": selector}

    def everybody_else(self) -> list[Json]:
        return [{"namespaceSelector": {}, "podSelector": {"matchExpressions": others(self.selector)}}]


@dataclass(frozen=True)
class Address:
    """Somebody outside of the cluster."""

    ip: str

    def narrowed(self, peer: Json) -> Json | None:
        block = peer.get("ipBlock")
        if not block or not self._within(block):
            return None
        if ipaddress.ip_network(block["cidr"], strict=False).num_addresses == 1:
            return {"podSelector": {"matchLabels": {"verdigris.dev/nobody": "nobody"}}}
        return {"ipBlock": {**block, "except": [*(block.get("except") or ()), f"{self.ip}/32"]}}

    def everybody_else(self) -> list[Json]:
        return [{"namespaceSelector": {}}, {"ipBlock": {"cidr": "0.0.0.0/0", "except": [f"{self.ip}/32"]}}]

    def _within(self, block: Json) -> bool:
        address = ipaddress.ip_address(self.ip)
        networks = [
            ipaddress.ip_network(text, strict=False) for text in (block["cidr"], *(block.get("except") or ()))
        ]
        return address in networks[0] and not any(address in one for one in networks[1:])


def cut(policies: Sequence[Json], subject: Pods, direction: Direction, whom: Pods | Address) -> list[Edit]:
    """What it takes that the subject no longer hears from, or speaks to, whom; nothing where no policy selects it.

    Raises Missing where a policy lets it do so with anybody, which cannot be narrowed peer by peer.
    """
    edits = []
    for policy in policies:
        if not selects(policy, subject.labels, direction):
            continue
        puts: list[tuple[tuple[str | int, ...], Any]] = []
        for at, rule in enumerate(policy["spec"].get(direction) or ()):
            peers = (rule or {}).get(SIDES[direction])
            if not peers:
                raise Missing(
                    f"{Ref.of(KIND, policy)} allows anybody: nobody can be cut off without adding peers"
                )
            for number, peer in enumerate(peers):
                if (narrowed := whom.narrowed(peer)) is not None:
                    puts.append((("spec", direction, at, SIDES[direction], number), narrowed))
        if puts:
            edits.append(Edit.plan(KIND, policy, *puts))
    return edits


def partition(
    policies: Sequence[Json], subject: Pods, direction: Direction, whom: Pods | Address
) -> tuple[Act, ...]:
    """Edits where policies speak of the subject in that direction, else one policy more. Raises Missing."""
    if any(selects(policy, subject.labels, direction) for policy in policies):
        return tuple(cut(policies, subject, direction, whom))
    spec = {
        "podSelector": {"matchLabels": dict(subject.selector)},
        "policyTypes": [direction.capitalize()],
        direction: [{SIDES[direction]: whom.everybody_else()}],
    }
    namespace = subject.namespace_labels["kubernetes.io/metadata.name"]
    name = f"verdigris-{'-'.join(subject.selector.values())}-{direction}"
    return (Make(Ref(KIND, namespace, name), {"spec": spec}),)


def concerned(acts: Sequence[Act], policies: Sequence[Json], labels: Labels) -> bool:
    """Whether a policy that those acts narrow selects pods with such labels: what it allowed them is narrowed too."""
    narrowed = {act.ref.name for act in acts if isinstance(act, Edit)}
    about = [one for one in policies if one["metadata"]["name"] in narrowed]
    return any(matches(one["spec"].get("podSelector") or {}, labels) for one in about)


def selects(policy: Json, labels: Labels, direction: Direction) -> bool:
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return direction.capitalize() in types and matches(spec.get("podSelector") or {}, labels)


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """A label selector; the empty one matches everything."""
    return (selector.get("matchLabels") or {}).items() <= labels.items() and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def others(selector: Labels) -> list[Json]:
    """Everybody whom the selector does not select, as far as its first label tells."""
    key, value = next(iter(selector.items()))
    return [{"key": key, "operator": "NotIn", "values": [value]}]
