"""Scanners have looked at what is deployed."""

from __future__ import annotations

import pytest

from fixtures.target.checks import ScanClean
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_scan_clean(check: ScanClean, prove: Prove) -> None:
    """The scan ended, and found nothing of the levels that the document forbids."""
    prove(check)
