"""The audit trail is kept as long as the law asks."""

from __future__ import annotations

import pytest

from fixtures.target.checks import AuditRetention
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_audit_retention(check: AuditRetention, prove: Prove) -> None:
    """The store of the audit trail forgets nothing before its time."""
    prove(check)
