"""What users ask is written down."""

from __future__ import annotations

import pytest

from fixtures.target.composed import AccessLogged
from suites.conftest import Prove

pytestmark = pytest.mark.smoke


def test_access_logged(check: AccessLogged, prove: Prove) -> None:
    """A request through the front door is in the access log."""
    prove(check)
