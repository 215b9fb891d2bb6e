"""A service that is asked more often while it fails is told; a count that says nothing is not taken for calm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from fixtures.evidence import Missing, NoEvidence, Unreachable
from fixtures.probes.prometheus import Sample
from fixtures.target import Side, Target
from fixtures.target.experiment import Amplified
from scenarios.faults.rush import LEAST_WINDOW_S, Rush
from scenarios.surroundings import Surroundings

COUNTED = 'sum by (namespace) (increase(asked_total{service="s"}[$window]))'
WANTED = Amplified.model_validate({"service": "s", "counted": COUNTED, "over": "5m", "at_most": 1.5})
GREEN = {"namespace": "hwayo-production-green"}


class Says:
    """A Prometheus that answers in turn."""

    def __init__(self, *answers: list[Sample] | NoEvidence) -> None:
        self._answers = list(answers)
        self.queries: list[str] = []

    def query(self, promql: str) -> list[Sample]:
        self.queries.append(promql)
        answer = self._answers.pop(0)
        if isinstance(answer, NoEvidence):
            raise answer
        return answer


def around(prometheus: Says) -> Surroundings:
    target = Target.load("hwayo")
    found = Surroundings(target, target.environment("lab"), Side.GREEN)
    found.__dict__["prometheus"] = prometheus
    return found


def counts(value: float) -> list[Sample]:
    return [Sample({"namespace": "hwayo-production"}, 7.0, 0), Sample(GREEN, value, 0)]


def rush(before: int, during: int) -> Rush:
    return Rush(WANTED, LEAST_WINDOW_S, before, during)


def test_it_is_counted_on_our_side_over_the_window_at_the_environments_pace() -> None:
    says = Says(counts(249.6), counts(2750.2))
    here, seen = around(says), Rush.of(WANTED, 1 / 60)
    seen.look_before(here)
    seen.look_during(here)
    assert (seen.before, seen.during) == (250, 2750)
    assert set(says.queries) == {COUNTED.replace("$window", f"{LEAST_WINDOW_S:g}s")}
    assert Rush.of(WANTED, 1.0).window_s == 300


@pytest.mark.parametrize(("before", "during"), [(250, 250), (250, 300), (250, 130)])
def test_what_stays_within_its_bound_is_neither_wrong_nor_unknown(before: int, during: int) -> None:
    seen = rush(before, during)
    assert seen.wrong == seen.unknown == ""


@pytest.mark.parametrize(("before", "during"), [(250, 2750), (20, 60), (250, 500)])
def test_a_storm_is_told_with_both_counts(before: int, during: int) -> None:
    wrong = rush(before, during).wrong
    assert (
        f"s was asked {during} times in {LEAST_WINDOW_S:g} s, and {before} times in {LEAST_WINDOW_S:g} s before"
        in wrong
    )
    assert f"{during / before:.1f} times as often, allowed are 1.5" in wrong


@pytest.mark.parametrize(
    ("before", "during", "why"),
    [
        (0, 40, "nobody asked before"),
        (250, 100, "what does not reach it says nothing"),
        (8, 9, "too few to tell"),
        (250, 370, "too few to tell"),
    ],
)
def test_counts_that_say_nothing_are_unknown(before: int, during: int, why: str) -> None:
    seen = rush(before, during)
    assert seen.wrong == ""
    assert why in seen.unknown


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: [], "has no count of what s was asked"),
        (lambda: counts(float("nan")), "has no count of what s was asked"),
        (lambda: Unreachable("nobody answers"), "nobody answers"),
    ],
)
def test_without_a_count_nothing_is_known(answer: Callable[[], list[Sample] | NoEvidence], why: str) -> None:
    seen = Rush.of(WANTED, 1 / 60)
    seen.look_before(around(Says(counts(250))))
    seen.look_during(around(Says(answer())))
    assert seen.wrong == ""
    assert why in seen.unknown


def test_nothing_needs_to_be_harmed_where_nothing_can_be_counted() -> None:
    with pytest.raises(Missing, match="has no count"):
        Rush.of(WANTED, 1 / 60).look_before(around(Says([])))


def test_a_count_without_a_window_is_refused() -> None:
    with pytest.raises(ValidationError, match="counted"):
        Amplified.model_validate({"service": "s", "counted": "asked_total", "over": "5m", "at_most": 2})
