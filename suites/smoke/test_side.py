"""What answers as this side is this side."""

from __future__ import annotations

import pytest

from fixtures.target.checks import SideProven
from suites.conftest import Prove

pytestmark = pytest.mark.smoke


def test_side_proven(check: SideProven, prove: Prove) -> None:
    """Who serves, which version, and whose data: all of the side asked for, nothing of the other."""
    prove(check)
