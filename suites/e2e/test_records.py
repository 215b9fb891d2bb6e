"""Records are submitted by a form that lets no mistake pass."""

from __future__ import annotations

import pytest

from fixtures.target.pages import BrowserSubmission
from suites.e2e.conftest import Prove

pytestmark = pytest.mark.e2e


def test_records(check: BrowserSubmission, prove: Prove) -> None:
    prove(check)
