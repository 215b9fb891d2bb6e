"""Each drill of the profile: what is lost comes back as its runbook says, in time, and with what was acknowledged."""

from __future__ import annotations

import pytest

from fixtures.target.drills import Held
from suites.drills.conftest import Try


@pytest.mark.timeout(900)
def test_what_is_lost_comes_back(held: Held, try_out: Try) -> None:
    try_out(held)
