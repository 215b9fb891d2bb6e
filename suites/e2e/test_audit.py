"""Who did what can be seen."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserAudit
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_audit(check: BrowserAudit, prove: Prove) -> None:
    prove(check)
