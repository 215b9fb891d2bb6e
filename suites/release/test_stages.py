"""At every weight green is shown to be as good as was promised, and no worse than blue."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "watch-")


def test_stage(objective: Objective, judged: JudgeRelease) -> None:
    """Rolled back is FAIL; what could not be told is UNKNOWN; a prober that was held up makes it INVALID."""
    judged(objective)
