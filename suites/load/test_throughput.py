"""The system carries as much as was promised."""

from __future__ import annotations

import pytest

from fixtures.session.judge import Judge
from fixtures.target import Judged, Objective
from scenarios.load.measure import measure
from scenarios.load.result import LoadRun
from suites.load.conftest import parametrize

pytestmark = pytest.mark.load


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, lambda one: one.over.kind == "load" and one.that.judged is Judged.PLAIN)


def test_throughput(objective: Objective, run: LoadRun, judge: Judge) -> None:
    """So many users, requests, records and reports in the time, answered as they should be."""
    aim = measure(run, objective.aim) if objective.aim else None
    judge(objective, measure(run, objective), objective.over.subject, aim)
