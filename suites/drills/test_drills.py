"""Each drill of the profile: what is lost comes back as its runbook says, in time, and with what was acknowledged."""

from __future__ import annotations

import pytest

from fixtures.session.judge import Judge
from fixtures.target.drills import Held
from fixtures.target.objective import Objective
from reports.verdicts import Measurement
from suites.drills.conftest import Try


@pytest.mark.timeout(900)
def test_what_is_lost_comes_back(held: Held, try_out: Try) -> None:
    try_out(held)


def test_what_no_row_holds_is_not_known(unheld: Objective, judge: Judge) -> None:
    judge(unheld, Measurement(None, "", 0, why=f"no row of this suite holds {unheld.over.subject}"))
