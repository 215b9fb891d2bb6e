"""A service that is taken over takes over nothing else."""

from __future__ import annotations

import pytest

from fixtures.target.checks import PodsSecured
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_pods_secured(check: PodsSecured, prove: Prove) -> None:
    """Every container runs with the security context that the document asks for."""
    prove(check)
