"""Pages are loaded in time."""

from __future__ import annotations

import pytest

from fixtures.session.judge import Judge
from fixtures.target import Objective
from scenarios.journeys.browser.loads import Sample, Sampler, measured
from suites.e2e.conftest import several

pytestmark = pytest.mark.e2e


def test_page_load(
    objective: Objective,
    page_loads: tuple[Sampler, Sample],
    judge: Judge,
    request: pytest.FixtureRequest,
    browser_name: str,
) -> None:
    """Counted over cold loads, until load event, largest paint and data are all there."""
    seen = measured(objective, objective.that, *page_loads)
    aim = measured(objective, objective.should, *page_loads) if objective.should else None
    judge(objective, seen, several(request.config, browser_name), aim)
