"""The document's load costs the system no more than was promised."""

from __future__ import annotations

import pytest

from fixtures.session.judge import Judge
from fixtures.target import Objective
from scenarios.load.monitoring import measure_metric
from scenarios.load.result import LoadRun
from scenarios.surroundings import Surroundings
from suites.load.conftest import parametrize

pytestmark = pytest.mark.load


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, lambda one: one.over.kind == "metric")


def test_resource(objective: Objective, run: LoadRun, surroundings: Surroundings, judge: Judge) -> None:
    """As the system's own monitoring has it, over the time of the run."""
    metric = surroundings.target.metrics[objective.over.subject]
    metric = metric.model_copy(
        update={"that": objective.that}
    )  # whose limit the slow ones are counted beyond
    seen = measure_metric(surroundings.prometheus, metric, surroundings.namespace, run.duration_s)
    judge(objective, seen, objective.over.subject)
