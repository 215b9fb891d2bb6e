"""How it went is told on every channel, and arrives."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "notified")


def test_notified(objective: Objective, judged: JudgeRelease) -> None:
    """Read back where that can be; a channel that is dead is named, and holds nothing up."""
    judged(objective)
