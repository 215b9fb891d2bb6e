"""We would know if something went wrong."""

from __future__ import annotations

import pytest

from fixtures.target.checks import LogsCollected, MonitoringHealthy, TargetsUp
from fixtures.target.coverage import LogsCovered, MeanTime, SeriesPresent
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_monitoring_healthy(check: MonitoringHealthy, prove: Prove) -> None:
    """Prometheus and Alertmanager say that they are ready."""
    prove(check)


def test_targets_up(check: TargetsUp, prove: Prove) -> None:
    """Every job has targets, and Prometheus reaches each of them."""
    prove(check)


def test_logs_collected(check: LogsCollected, prove: Prove) -> None:
    """The cluster that keeps the logs is green and has lines of the last minutes."""
    prove(check)


def test_series_present(check: SeriesPresent, prove: Prove) -> None:
    """Every pod has each of the series that its service must export."""
    prove(check)


def test_logs_covered(check: LogsCovered, prove: Prove) -> None:
    """What each pod said last is found where lines are kept."""
    prove(check)


def test_mean_time(check: MeanTime, prove: Prove) -> None:
    """What monitoring kept of the past is as good as is promised, where it reaches back far enough to tell."""
    prove(check)
