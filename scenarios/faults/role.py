"""The least that a run must be allowed to do on Kubernetes, from what its faults declare: as objects to apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fixtures.platforms.changes import PLATFORM_WIDE
from fixtures.platforms.kubernetes.changes import KINDS, LISTED
from fixtures.target.base import Side, Sides
from fixtures.target.faults import FaultOrder
from scenarios.faults.catalogue import kinds
from scenarios.faults.healing import BY_NAME
from scenarios.faults.registry import Right

Manifest = dict[str, Any]
GROUP = "rbac.authorization.k8s.io"
NAME = "verdigris-faults"
LOOKS = ("get", "list")


def manifests(
    rights: Sequence[Right], side: Side, namespaces: Sides[str], account: Mapping[str, str]
) -> list[Manifest]:
    """`account`: the subject, as a binding writes it. Looking is allowed on both sides: marks are looked for there."""
    looks = [Right(kind, LOOKS, "platform" if kind in PLATFORM_WIDE else "sides") for kind in LISTED]
    looks += [Right(one.kind, ("get",), "sides", (one.name,)) for one in BY_NAME]
    made = _granted("ClusterRole", "", _rules(_at([*looks, *rights], "platform")), account)
    for namespace in (namespaces.blue, namespaces.green):
        within = _at([*looks, *rights], "sides")
        if namespace == namespaces[side]:
            within += _at(rights, "side")
        made += _granted("Role", namespace, _rules(within), account)
    return made


def rights_of(orders: Iterable[FaultOrder]) -> list[Right]:
    """What those faults need, as they are stated."""
    return [
        right
        for order in orders
        for right in kinds()[type(order)].rights
        if not right.when or getattr(order, right.when)
    ]


def rights_of_all() -> list[Right]:
    """What every kind of fault needs, however it is stated."""
    return [right for declared in kinds().values() for right in declared.rights]


def _at(rights: Iterable[Right], where: str) -> list[Right]:
    return [right for right in rights if right.where == where]


def _rules(rights: Iterable[Right]) -> list[Manifest]:
    """One rule a resource, or for some of its objects, with the verbs of all that need it."""
    verbs: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    for right in rights:
        verbs.setdefault((*_resource(right.kind), right.names), set()).update(right.verbs)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": sorted(found)}
        | ({"resourceNames": list(names)} if names else {})
        for (group, resource, names), found in sorted(verbs.items())
    ]


def _resource(kind: str) -> tuple[str, str]:
    """Group and resource; of the core group a subresource is named as it is."""
    if "/" in kind:
        return "", kind
    path, plural = KINDS[kind]
    return (path.split("/")[2] if path.startswith("/apis/") else ""), plural


def _granted(kind: str, namespace: str, rules: list[Manifest], account: Mapping[str, str]) -> list[Manifest]:
    metadata = {"name": NAME, **({"namespace": namespace} if namespace else {})}
    version = f"{GROUP}/v1"
    binding = {
        "apiVersion": version,
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": NAME},
        "subjects": [dict(account)],
    }
    return [{"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules}, binding]
