"""Customers find what is theirs, and only that."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserPortal
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_portal(check: BrowserPortal, prove: Prove) -> None:
    prove(check)
