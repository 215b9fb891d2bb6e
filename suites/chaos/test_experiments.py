"""Each experiment of the profile: the fault bites, is noticed, does no more harm than allowed, and is over in time."""

from __future__ import annotations

from fixtures.target.experiment import Experiment
from suites.chaos.conftest import Try


def test_the_system_answers_as_its_document_says(check: Experiment, try_out: Try) -> None:
    try_out(check)
