"""One time is sold once, whatever breaks while it is sold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.evidence import NoEvidence
from fixtures.plugin import gate_of
from fixtures.session.judge import Judge
from fixtures.target.consistency import SlotsSoldOnce
from reports.verdicts import Measurement
from scenarios.consistency.experiment import carried_out
from scenarios.faults.site import Site
from scenarios.surroundings import Surroundings

Sold = Callable[[SlotsSoldOnce], Measurement]


@pytest.fixture
def sold(surroundings: Surroundings, request: pytest.FixtureRequest) -> Sold:
    """Many book at once while faults come and go; what each was told is held against what is there."""

    def carried(check: SlotsSoldOnce) -> Measurement:
        site: Site = request.getfixturevalue("site")
        try:
            return carried_out(check, surroundings, site)
        except NoEvidence as error:
            return Measurement(None, "count", 0, why=str(error))
        finally:
            if site.mine():
                gate_of(request.config).block(
                    f"{check.name} left something behind: python -m scenarios.faults heal"
                )

    return carried


@pytest.mark.timeout(900)
def test_of_all_who_want_one_time_one_gets_it(check: SlotsSoldOnce, sold: Sold, judge: Judge) -> None:
    judge.here(check)
    judge(check, sold(check))
