"""We would know if something went wrong."""

from __future__ import annotations

import pytest

from fixtures.target.checks import LogsCollected, MonitoringHealthy, TargetsUp
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
