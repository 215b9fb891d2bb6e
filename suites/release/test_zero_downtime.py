"""No user notices: from the first change of weight to the last, by a prober that asks as users do."""

from __future__ import annotations

import pytest

from fixtures.plugin import target_of
from fixtures.target import Objective
from fixtures.target.replacement import Replacement
from suites.release.conftest import JudgeRelease

pytestmark = pytest.mark.release


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The promises over a release as a whole, and over probing."""
    if "objective" in metafunc.fixturenames:
        target = target_of(metafunc.config)
        replaced = any(
            isinstance(one, Replacement) for one in target.checks
        )  # which judges probing by itself
        found = [
            one
            for one in target.objectives.values()
            if (one.over.kind == "probe" and not replaced)
            or (one.over.kind == "release" and not one.over.subject)
        ]
        metafunc.parametrize("objective", found, ids=[one.name for one in found])


def test_zero_downtime(objective: Objective, judged: JudgeRelease) -> None:
    """A failure is a user who was not served, whatever the reason."""
    judged(objective)
