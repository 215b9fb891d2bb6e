"""The cluster has nodes to deploy on."""

from __future__ import annotations

import pytest

from fixtures.target.checks import NodesReady
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_nodes_ready(check: NodesReady, prove: Prove) -> None:
    """Every node of the cluster is Ready, and there are as many as the release needs."""
    prove(check)
