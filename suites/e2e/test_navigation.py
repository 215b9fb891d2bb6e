"""Every link leads somewhere."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserNavigation
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_navigation(check: BrowserNavigation, prove: Prove) -> None:
    prove(check)
