"""A session that is over is over on every page."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserSession
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_session(check: BrowserSession, prove: Prove) -> None:
    prove(check)
