"""As much of the traffic as was configured goes to green, at every weight."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "split-")


def test_split(objective: Objective, judged: JudgeRelease) -> None:
    """By probes that ask for no side, held against the weight exactly."""
    judged(objective)
