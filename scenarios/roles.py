"""python -m scenarios.roles STAGE...: the least that a run of those stages must be allowed to do on Kubernetes.

A role a stage, for `kubectl apply -f -`, each for a service account of the stage's name in the namespace `verdigris`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from fixtures.platforms.changes import PLATFORM_WIDE
from fixtures.platforms.kubernetes.changes import KINDS, LISTED
from fixtures.target import InvalidProfile, Side, Target, UnknownName
from fixtures.target.base import Sides
from fixtures.target.experiment import Experiment
from fixtures.target.faults import FaultOrder
from scenarios.drills.rights import rights_of as of_drills
from scenarios.faults import takeback
from scenarios.faults.catalogue import kinds
from scenarios.faults.healing import BY_NAME
from scenarios.faults.registry import Right

Manifest = dict[str, Any]
GROUP = "rbac.authorization.k8s.io"
EVERYTHING = "*"
LIST, LOOK = ("list",), ("get", "list")
# Kinds that are looked at and never changed: group, plural.
OTHERS = {
    "Event": ("", "events"),
    "Role": (GROUP, "roles"),
    "RoleBinding": (GROUP, "rolebindings"),
    "ClusterRole": (GROUP, "clusterroles"),
    "ClusterRoleBinding": (GROUP, "clusterrolebindings"),
    "SubjectAccessReview": ("authorization.k8s.io", "subjectaccessreviews"),
}
# What a pod has to say for itself when something is wrong.
TESTIMONY = (Right("pods/log", ("get",)), Right("Event", LIST))
PODS = (Right("Deployment", LIST), Right("Pod", LIST))
PODS_OF_BOTH = (Right("Deployment", LIST, "sides"), Right("Pod", LIST, "sides"))
# What a fault left can be anywhere that lets it: its mark is looked for there.
MARKS = (
    *(Right(kind, LOOK, "platform" if kind in PLATFORM_WIDE else "sides") for kind in LISTED),
    *(Right(one.kind, ("get",), "sides", (one.name,)) for one in BY_NAME),
)
STAGES: Mapping[str, tuple[Right, ...]] = {
    "preflight": (
        *PODS_OF_BOTH,
        *TESTIMONY,
        Right("Node", LIST, "platform"),
        Right("Secret", LIST, "sides"),  # whether they are there, and blue's values are not green's
        Right("NetworkPolicy", LIST),
        *(
            Right(kind, LIST, "platform")
            for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
        ),
        Right("SubjectAccessReview", ("create",), "platform"),
    ),
    "smoke": (*PODS, *TESTIMONY, Right("pods/proxy", ("get",))),
    "e2e": (*PODS, *TESTIMONY),
    "load": (),
    "release": (
        *MARKS,
        *TESTIMONY,
        Right("Namespace", ("update",), "platform"),  # marked with when the old side may go
        *(Right(kind, ("create", "update"), "sides") for kind in ("Deployment", "ConfigMap")),
        Right("VirtualService", ("update",), "sides"),
        Right("pods/proxy", ("get",), "sides"),
    ),
    "chaos": (),
    "drills": (*MARKS, *PODS, *TESTIMONY),
}


def rights(target: Target, stage: str, long: bool = False) -> list[Right]:
    """Chaos and drills need what they do. `long`: also those that are carried out where they are asked for alone."""
    found = list(STAGES[stage])
    if stage == "chaos":
        experiments = [one for one in target.checks if isinstance(one, Experiment) and (long or not one.long)]
        found += [*MARKS, *rights_of(fault for one in experiments for fault in one.faults)]
        if any(one.rolls_back for one in experiments):
            found += takeback.RIGHTS
        if any(one.released for one in experiments):
            found += STAGES["release"]
        if any(one.rolls_back or one.released for one in experiments):
            found += _moving(target)
        if any(notice.admitted_by for one in experiments for notice in one.notices):
            found.append(Right("pods/proxy", ("get",)))
    if stage == "release":
        found += _moving(target)
    if stage == "drills":
        found += of_drills(target.drills.values())
    if stage == "preflight" and target.delivery:
        found.append(Right("Application", ("get",), "platform"))  # they stand where Argo CD does
    return found


def _moving(target: Target) -> list[Right]:
    """To move users, where that is done by what Argo CD is to deliver."""
    deliveries = (one.delivery for one in target.environments.values())
    moves = any(one is not None and one.routes is not None for one in deliveries)
    return [Right("Application", ("get", "update"), "platform")] if moves else []


def manifests(stage: str, rights: Sequence[Right], side: Side, namespaces: Sides[str]) -> list[Manifest]:
    """Nothing where nothing is needed."""
    found = _granted(stage, "", _at(rights, "platform"))
    for namespace in (namespaces.blue, namespaces.green):
        within = _at(rights, "sides") + (_at(rights, "side") if namespace == namespaces[side] else [])
        found += _granted(stage, namespace, within)
    return found


def rights_of(orders: Iterable[FaultOrder]) -> list[Right]:
    """What those faults need, as they are stated."""
    return [
        right
        for order in orders
        for right in kinds()[type(order)].rights
        if not right.when or getattr(order, right.when)
    ]


def rights_of_all() -> list[Right]:
    """What every experiment can need, whatever it puts in and however it is stated."""
    return [*MARKS, *(right for declared in kinds().values() for right in declared.rights), *takeback.RIGHTS]


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
    if kind == EVERYTHING:
        return EVERYTHING, EVERYTHING
    if "/" in kind:
        return "", kind
    if kind in OTHERS:
        return OTHERS[kind]
    path, plural = KINDS[kind]
    return (path.split("/")[2] if path.startswith("/apis/") else ""), plural


def _granted(stage: str, namespace: str, rights: Sequence[Right]) -> list[Manifest]:
    if not rights:
        return []
    kind, name = ("Role" if namespace else "ClusterRole"), f"verdigris-{stage}"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    version = f"{GROUP}/v1"
    binding = {
        "apiVersion": version,
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "namespace": "verdigris", "name": stage}],
    }
    return [{"apiVersion": version, "kind": kind, "metadata": metadata, "rules": _rules(rights)}, binding]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scenarios.roles", description=__doc__)
    parser.add_argument("stages", nargs="+", choices=sorted(STAGES), metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--target", default="hwayo", help="the target: a profile's name, or its file [hwayo]")
    parser.add_argument("--env", default="lab", help="the environment [lab]")
    parser.add_argument(
        "--long", action="store_true", help="with what long experiments need, as pytest's --long"
    )
    chosen = parser.parse_args(arguments)
    try:
        target = Target.load(chosen.target)
        namespaces = target.environment(chosen.env).namespaces
    except (InvalidProfile, UnknownName) as error:
        print(error, file=sys.stderr)
        return 2
    found = [
        one
        for stage in chosen.stages
        for one in manifests(stage, rights(target, stage, chosen.long), Side.GREEN, namespaces)
    ]
    print(yaml.safe_dump_all(found, sort_keys=False), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
