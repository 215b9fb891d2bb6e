"""What is to be proven is there at all."""

from __future__ import annotations

import pytest

from fixtures.target.checks import DeploymentsAvailable
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_deployments_available(check: DeploymentsAvailable, prove: Prove) -> None:
    """Every service has its replicas up on the side being proven, and none of its pods is stuck."""
    prove(check)
