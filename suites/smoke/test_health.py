"""Every service says that it is well."""

from __future__ import annotations

import pytest

from fixtures.target.checks import HealthInPod, HealthThroughMesh, LogsClean, StoreFromApplication
from suites.conftest import Prove

pytestmark = pytest.mark.smoke


def test_health_in_pod(check: HealthInPod, prove: Prove) -> None:
    """Each pod of each service answers its health path with 200, asked inside the pod."""
    prove(check)


def test_health_through_mesh(check: HealthThroughMesh, prove: Prove) -> None:
    """Each service's health path answers 200 through the front door, from the side asked for."""
    prove(check)


def test_store_from_application(check: StoreFromApplication, prove: Prove) -> None:
    """Each pod that needs the store says that it reaches it."""
    prove(check)


def test_logs_clean(check: LogsClean, prove: Prove) -> None:
    """Each pod's last lines are where they are kept, and none of them is an error's."""
    prove(check)
