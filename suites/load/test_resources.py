"""The document's load costs the system no more than was promised."""

from __future__ import annotations

import pytest

from fixtures.plugin import target_of
from fixtures.session.judge import Judge
from fixtures.target import Objective
from scenarios.load.monitoring import measure_metric
from scenarios.load.result import LoadRun
from scenarios.surroundings import Surroundings
from suites.load.conftest import parametrize

pytestmark = pytest.mark.load
GROUPS = (
    "infrastructure",
    "application",
)  # what people experience is measured where they are: in their browser


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metrics = target_of(metafunc.config).metrics
    parametrize(metafunc, lambda one: one.over.kind == "metric" and metrics[one.over.subject].group in GROUPS)


def test_resource(objective: Objective, run: LoadRun, surroundings: Surroundings, judge: Judge) -> None:
    """As the system's own monitoring has it, over the time of the run."""
    metric = surroundings.target.metrics[objective.over.subject]
    seen = measure_metric(surroundings.prometheus, metric, surroundings.namespace, run.duration_s)
    judge(objective, seen, objective.over.subject)
