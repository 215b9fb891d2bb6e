"""The system's monitoring saw what its users saw: otherwise it would not tell when they are badly off."""

from __future__ import annotations

import pytest

from fixtures.session.judge import Judge
from fixtures.target import Bound, Indicator, Target
from scenarios.load.monitoring import Queries, disagreements
from scenarios.load.result import LoadRun
from suites.load.conftest import OWN_COUNTS, Promised

pytestmark = pytest.mark.load

# The document's figures are no use where they are not what users see; §7.1 says what its alarms stand on.
AGREEMENT = Promised(
    parts=frozenset({OWN_COUNTS}),
    name="monitoring_agrees",
    title="監控數據與用戶所見一致",
    that=Bound.read("violations <= 0 violations"),
    over=Indicator.read("load"),
    source="§7.1",
)


def test_monitoring_agrees(request: pytest.FixtureRequest, target: Target, judge: Judge) -> None:
    """Requests to the last one, errors within 0.1% of them, slow ones within 1%."""
    judge.here(AGREEMENT)
    run: LoadRun = request.getfixturevalue("run")
    judge(AGREEMENT, disagreements(run, Queries.of(target).bound_us))
