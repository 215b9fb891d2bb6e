"""How somebody is let into an API server for tests with rights of their own."""

from __future__ import annotations

import csv
from pathlib import Path

from scenarios.faults.role import Manifest

FAULTS = "system:serviceaccount:verdigris:faults"


def collection(one: Manifest) -> str:
    """Where a role or a binding is posted."""
    namespace = one["metadata"].get("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/rbac.authorization.k8s.io/v1{within}/{one['kind'].lower()}s"


def token_of(tokens: Path, owner: str) -> str:
    """From kube-apiserver's --token-auth-file."""
    with tokens.open() as lines:
        return next(token for token, who, *_ in csv.reader(lines) if who == owner)
