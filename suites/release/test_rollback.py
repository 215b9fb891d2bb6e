"""A release comes back in time, step by step and in all."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "rollback")


def test_rollback(objective: Objective, judged: JudgeRelease) -> None:
    """The switch is over when green's last answer has reached a user."""
    judged(objective)
