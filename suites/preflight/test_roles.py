"""Nobody may do what they need not."""

from __future__ import annotations

import pytest

from fixtures.target.checks import RolesLeastPrivilege
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_roles_least_privilege(check: RolesLeastPrivilege, prove: Prove) -> None:
    """No service account holds a forbidden power, by its roles or by the authorizer's own word."""
    prove(check)
