"""Green knows what blue knows, and nothing that has been known for too long."""

from __future__ import annotations

import pytest

from fixtures.target.checks import SecretsMirrored, SecretsRotated
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_secrets_mirrored(check: SecretsMirrored, prove: Prove) -> None:
    """Every secret of blue, with each of its keys, is there in green."""
    prove(check)


def test_secrets_rotated(check: SecretsRotated, prove: Prove) -> None:
    """Every secret that the services read was given a new value in time."""
    prove(check)
