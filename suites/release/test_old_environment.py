"""Once green serves, blue is kept for an emergency, and is of use in one."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "old-environment")


def test_old_environment(objective: Objective, judged: JudgeRelease) -> None:
    """Backed up, marked with its removal, scaled down, and shown to take traffic back."""
    judged(objective)
