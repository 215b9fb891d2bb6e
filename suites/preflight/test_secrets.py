"""Green knows what blue knows."""

from __future__ import annotations

import pytest

from fixtures.target.checks import SecretsMirrored
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_secrets_mirrored(check: SecretsMirrored, prove: Prove) -> None:
    """Every secret of blue, with each of its keys, is there in green."""
    prove(check)
