"""People get in with the right password, and only with it."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserLogin
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_login(check: BrowserLogin, prove: Prove) -> None:
    prove(check)
