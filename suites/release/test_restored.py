"""A release that does not stay leaves everything as it was found."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "restored")


def test_restored(objective: Objective, judged: JudgeRelease) -> None:
    """Routes, numbers of replicas and marks are read again."""
    judged(objective)
