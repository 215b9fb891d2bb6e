"""Green came to be as the document has it, before anybody was led to it."""

from __future__ import annotations

import pytest

from fixtures.target import Objective
from suites.release.conftest import JudgeRelease, parametrize

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "created")


def test_green_is_created(objective: Objective, judged: JudgeRelease) -> None:
    """Made where it did not stand, steady, of the newest version, and well in every pod."""
    judged(objective)
