"""Over all experiments of the stage, faults are detected and recovered from as soon as is promised in the mean."""

from __future__ import annotations

from fixtures.evidence import NoEvidence
from fixtures.session.judge import Judge
from fixtures.target.experiment import MeanResponse
from reports.verdicts import Measurement
from scenarios.faults.responses import Responses


def test_the_mean_is_as_promised(check: MeanResponse, responses: Responses, judge: Judge) -> None:
    judge.here(check)
    try:
        seen = responses.mean(check)
    except NoEvidence as error:
        seen = Measurement(None, "violations", 0, why=str(error))
    judge(check, seen)
