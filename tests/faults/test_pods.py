"""Pods that nobody would bring back are not killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from fixtures.platforms.changes import Ref
from fixtures.target.faults import AnyFault
from scenarios.faults.catalogue import made
from scenarios.faults.radius import BlastRadius, Forbidden
from tests.faults import small
from tests.faults.small import SPACE, Cluster, On


@pytest.mark.parametrize("name", ["pod-kill", "all-pods-killed"])
def test_a_pod_that_nobody_owns_is_refused(name: str, tmp_path: Path) -> None:
    cluster = Cluster()
    for pod in cluster.pods(SPACE):
        cluster.put(Ref("Pod", SPACE, pod.name))
    fault = made(
        TypeAdapter(AnyFault).validate_python({"fault": name, "service": "auth-service"}), On(cluster, {})
    )
    here = small.site(cluster, {}, tmp_path)
    with (
        pytest.raises(Forbidden, match="is owned by nobody: nothing would bring it back"),
        here.inject(fault, BlastRadius(at_most=2)),
    ):
        pass
    assert len(cluster.list_objects("Pod")) == 2
    assert here.ledger.entries() == []
