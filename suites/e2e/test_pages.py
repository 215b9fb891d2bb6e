"""Every page comes up whole, and no script on it fails."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserPages
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_pages(check: BrowserPages, prove: Prove) -> None:
    prove(check)
