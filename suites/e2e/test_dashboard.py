"""The dashboard shows what is new."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserDashboard
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_dashboard(check: BrowserDashboard, prove: Prove) -> None:
    prove(check)
