"""Nobody speaks to a service who need not."""

from __future__ import annotations

import pytest

from fixtures.target.checks import NetworkPolicies
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_network_policies(check: NetworkPolicies, prove: Prove) -> None:
    """A default deny stands, and every service has a policy that says who may call it."""
    prove(check)
