"""Green is no slower than blue: both are asked the same, in turns, in the same minutes."""

from __future__ import annotations

import pytest

from fixtures.session.judge import Judge
from fixtures.target import Bound, Indicator
from reports.baseline.sides import Change
from scenarios.load.keeping import compared, side_by_side, uncompared
from scenarios.load.result import LoadRun
from suites.load.conftest import Promised

pytestmark = pytest.mark.load


def promise(must: bool) -> Promised:
    """Too little data to tell is worth reading, and takes no release back."""
    return Promised(
        parts=frozenset({"other-side"}),
        name="green_no_slower",
        title="綠環境不慢於藍環境",
        that=Bound.read("violations <= 0 violations"),
        over=Indicator.read("load"),
        source="§11.1",
        must=must,
    )


def test_green_is_no_slower(request: pytest.FixtureRequest, judge: Judge) -> None:
    """p50 and p95 of everything and of each endpoint; slower by more than 5%, for sure, is a regression."""
    judge.here(promise(must=True))
    both: LoadRun = request.getfixturevalue("both")
    comparisons = side_by_side(both)
    seen = compared(both, comparisons)
    compared_well = not uncompared(both)
    undecided = seen.value is None and comparisons[""].change is Change.TOO_LITTLE
    judge(promise(must=not (compared_well and undecided)), seen)
