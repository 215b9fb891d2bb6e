"""Reports are written, and can be read."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserReport
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_reports(check: BrowserReport, prove: Prove) -> None:
    prove(check)
