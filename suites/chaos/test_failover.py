"""A cache that loses the server it is written to has another one soon."""

from __future__ import annotations

import pytest

from fixtures.evidence import NoEvidence
from fixtures.plugin import gate_of
from fixtures.session.judge import Judge
from fixtures.target.guarded import CacheFailover
from reports.verdicts import Measurement
from scenarios.failover import Carried, carried_out
from scenarios.faults.site import Site
from scenarios.surroundings import Surroundings


@pytest.mark.timeout(600)
def test_another_takes_the_place(
    check: CacheFailover, surroundings: Surroundings, judge: Judge, request: pytest.FixtureRequest
) -> None:
    judge.here(check)
    site: Site = request.getfixturevalue("site")
    try:
        carried = carried_out(check, surroundings, site)
    except NoEvidence as error:
        carried = Carried(Measurement(None, "violations", 0, why=str(error)))
    if carried.left:
        gate_of(request.config).block(f"{check.name} left something behind: {carried.left}")
    judge(check, carried.seen)
