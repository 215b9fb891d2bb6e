"""Every endpoint answers."""

from __future__ import annotations

import pytest

from fixtures.target.checks import AuthRefused, Endpoint
from suites.conftest import Prove

pytestmark = pytest.mark.smoke


def test_endpoint(check: Endpoint, prove: Prove) -> None:
    """The endpoint answers with the status that it should, in time and from the right side."""
    prove(check)


def test_auth_refused(check: AuthRefused, prove: Prove) -> None:
    """Without a token, and with a false one, nobody gets in."""
    prove(check)
