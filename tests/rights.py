"""How somebody is let into an API server or a lab for tests with rights of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import yaml

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.target import Side, Target
from scenarios.roles import Manifest, manifests, rights


def collection(one: Manifest) -> str:
    """Where a role or a binding is posted."""
    namespace = one["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/rbac.authorization.k8s.io/v1{within}/{one['kind'].lower()}s"


def account(stage: str) -> str:
    return f"system:serviceaccount:verdigris:{stage}"


def entering(kubeconfig: Path, tokens: Path, stage: str) -> str:
    """That kubeconfig as it is for the stage's account. `tokens`: kube-apiserver's --token-auth-file."""
    with tokens.open() as lines:
        token = next(token for token, who, *_ in csv.reader(lines) if who == account(stage))
    found = yaml.safe_load(kubeconfig.read_text())
    found["users"][0]["user"] = {"token": token}
    return str(yaml.safe_dump(found))


def let_in(access: Access, made: Sequence[Manifest]) -> None:
    """Apply roles and bindings."""
    for one in made:
        if access.get(f"{collection(one)}/{one['metadata']['name']}") is None:
            access.post(collection(one), one)


def _named(one: Manifest, suffix: str, account: str) -> Manifest:
    found = {**one, "metadata": {**one["metadata"], "name": one["metadata"]["name"] + suffix}}
    if "roleRef" in one:
        found["roleRef"] = {**one["roleRef"], "name": one["roleRef"]["name"] + suffix}
        found["subjects"] = [{**subject, "name": account} for subject in one["subjects"]]
    return found


@contextmanager
def lent(access: Access, made: Sequence[Manifest], to: str) -> Iterator[None]:
    """Meanwhile that account may do this too."""
    given = [_named(one, f"-to-{to}", to) for one in made]
    let_in(access, given)
    try:
        yield
    finally:
        for one in given:
            access.delete(f"{collection(one)}/{one['metadata']['name']}")


@contextmanager
def least_of(lab: Lab, access: Access, *stages: str, long: bool = False) -> Iterator[None]:
    """Whoever joins the lab meanwhile may do what those stages must, on either side, and nothing else: all by the first
    one's account."""
    target = Target.load(lab.facts["system"])
    namespaces = target.environment("lab").namespaces
    for stage, side in product(stages, Side):
        made = manifests(stage, rights(target, stage, long), side, namespaces)
        let_in(access, [_named(one, f"-{side}", stages[0]) for one in made])
    layout = access.layout
    least = layout.home / "least.kubeconfig"
    least.touch(mode=0o600)
    least.write_text(entering(layout.kubeconfig, layout.tokens, stages[0]))
    facts = layout.facts.read_text()
    layout.facts.write_text(json.dumps({**json.loads(facts), "kubeconfig": str(least)}))
    try:
        yield
    finally:
        layout.facts.write_text(facts)
