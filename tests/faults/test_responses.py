"""MTTD and MTTR over a stage: of every experiment, or of none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fixtures.evidence import Missing
from fixtures.objectives import assess
from fixtures.target.experiment import Experiment, MeanResponse
from reports.verdicts import Measurement, Verdict
from scenarios.faults.course import Course, judged
from scenarios.faults.notices import Seen
from scenarios.faults.responses import Responses
from tests.faults.test_course import EXPECTED, EXPERIMENT, T0, TOLD, course, seen_at

BEGAN = T0 + 1  # of the course that others are made of
HEALING = T0 + 5


def check(of: str = "detection", that: str = "mean < 5s") -> MeanResponse:
    told = {"check": "mean-response", "name": "x", "title": "x", "source": "§6.1", "of": of, "that": that}
    return MeanResponse.model_validate(told)


def of(*courses: Course, **told: Any) -> Responses:
    found = Responses()
    for number, one in enumerate(courses):
        experiment = Experiment.model_validate({**TOLD, **told, "name": f"x{number}"})
        found.add(experiment, one, judged(experiment, one))
    return found


@given(st.lists(st.floats(0.1, 4.0), min_size=1, max_size=20), st.floats(1.0, 4.0))
def test_the_mean_is_of_all_and_is_held_against_its_bound(after_s: list[float], most_s: float) -> None:
    seen = of(*(course(seen=seen_at(1 + one)) for one in after_s))
    said, reason = assess(bound := check(that=f"mean < {most_s:.3f}s"), seen.mean(bound))
    mean_s = sum(after_s) / len(after_s)
    if abs(mean_s - most_s) > 0.01:
        assert said is (Verdict.PASS if mean_s < most_s else Verdict.FAIL), reason


def test_what_is_too_slow_is_told_with_the_longest() -> None:
    seen = of(course(seen=seen_at(2)), course(seen=seen_at(4)))
    said, reason = assess(check(that="mean < 1s"), seen.mean(check(that="mean < 1s")))
    assert said is Verdict.FAIL
    assert "2.00 s in the mean of 2, the longest 3.00 s (x1), where mean < 1s is promised" in reason


def test_what_passes_still_says_which_took_longest() -> None:
    (evidence,) = of(course(seen=seen_at(2)), course(seen=seen_at(4))).mean(check()).evidence
    assert evidence.title == "2.00 s in the mean of 2, the longest 3.00 s (x1)"
    assert evidence.text.splitlines() == ["    3.00 s  x1", "    1.00 s  x0"]


def test_the_first_who_notices_detects() -> None:
    early = Seen({EXPECTED[0]: BEGAN + 0.5, EXPECTED[1]: BEGAN + 2.5}, dict.fromkeys(EXPECTED, ""))
    assert of(course(seen=early)).detection == {"x0": pytest.approx(0.5)}


def test_recovery_counts_from_where_the_experiment_counts_it() -> None:
    back = course(recovered=HEALING + 1.5)
    assert of(back).recovery == {"x0": pytest.approx(1.5)}
    by_itself = {"recovers": {"after": "fault", "within": "1m"}}
    assert of(back, **by_itself).recovery == {"x0": pytest.approx(5.5)}


def test_nothing_noticed_is_no_mean_but_a_failure() -> None:
    seen = of(course(), course(seen=Seen())).mean(check())
    said, reason = assess(check(), seen)
    assert said is Verdict.FAIL
    assert "no detection in x1" in reason
    said, reason = assess(check("recovery"), of(course(recovered=None)).mean(check("recovery")))
    assert said is Verdict.FAIL
    assert "no recovery in x0" in reason


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        (
            course(injections=[]),
            Measurement(1.0, "violations", 1, bad=1),
        ),  # what should mend it was not there
        (course(), Measurement(None, "violations", 0, invalid="nothing changed in 90 s")),
        (course(), Measurement(None, "violations", 0, why="nobody asked")),
    ],
)
def test_an_experiment_that_tells_nothing_leaves_no_mean(found: Course, seen: Measurement) -> None:
    responses = of(course())
    responses.add(named("lost"), found, seen)
    for what in ("detection", "recovery"):
        with pytest.raises(Missing, match=f"lost tell nothing of {what}"):
            responses.mean(check(what))


def test_where_nobody_is_to_notice_nothing_is_detected_and_all_the_same_recovered() -> None:
    responses = of(course(), noticed=None)
    with pytest.raises(Missing, match="no experiment of this run tells anything of detection"):
        responses.mean(check())
    assert assess(check("recovery"), responses.mean(check("recovery")))[0] is Verdict.PASS


@pytest.mark.parametrize("that", ["mean > 5m", "p95 < 5s"])
def test_a_bound_that_is_no_mean_time_is_refused(that: str) -> None:
    with pytest.raises(ValidationError, match="a bound such as mean < 5m"):
        check(that=that)


def named(name: str) -> Experiment:
    return EXPERIMENT.model_copy(update={"name": name})
