"""The error budget is judged over the time that was promised, and a history that is too short says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.objectives import assess
from fixtures.target.bounds import Bound
from reports.verdicts import Verdict
from scenarios.drills.budget import Watched, allowed_s, downtime, watched

MONTH_S = 730.5 * 3600  # an average one
ALLOWED_S = allowed_s(0.999, MONTH_S)
BOUND = Bound.read("downtime <= 43.83m")
STEP_S = 60.0


def samples(minutes: int, down: range = range(0), missing: range = range(0)) -> list[tuple[float, float]]:
    return [(n * STEP_S, 0.0 if n in down else 1.0) for n in range(minutes) if n not in missing]


def test_three_nines_of_a_month_are_43_8_minutes() -> None:
    assert pytest.approx(43.83) == ALLOWED_S / 60


@pytest.mark.parametrize(
    ("seen", "verdict", "says"),
    [
        (samples(43830), Verdict.PASS, ""),
        (samples(43830, down=range(100, 140)), Verdict.PASS, ""),
        (samples(43830, down=range(100, 145)), Verdict.FAIL, "overspent by 1.2 min"),
        (samples(600), Verdict.UNKNOWN, "600.0 min of 43,830.0 min were watched"),
        (samples(600, down=range(100, 150)), Verdict.FAIL, "overspent by 6.2 min"),
        (samples(43830, missing=range(1000, 1060)), Verdict.UNKNOWN, "that nobody watched could hold more"),
        (samples(43830, missing=range(1000, 1020)), Verdict.PASS, ""),  # they fit into what is left
        ([], Verdict.UNKNOWN, "nothing was watched"),
    ],
    ids=[
        "up",
        "40 min",
        "45 min",
        "too short",
        "too short and overspent",
        "a hole",
        "a small hole",
        "nothing",
    ],
)
def test_the_budget_of_a_month(seen: list[tuple[float, float]], verdict: Verdict, says: str) -> None:
    found = downtime(watched(seen, MONTH_S, STEP_S), ALLOWED_S)
    judged, reason = assess(BOUND, found)
    assert judged is verdict, reason
    assert says in reason
    assert found.young is (says == "600.0 min of 43,830.0 min were watched")


def test_nobody_looking_any_longer_is_not_youth() -> None:
    seen = samples(600)
    assert downtime(watched(seen, MONTH_S, STEP_S, now_s=600 * STEP_S), ALLOWED_S).young
    assert not downtime(watched(seen, MONTH_S, STEP_S, now_s=660 * STEP_S), ALLOWED_S).young


@given(st.lists(st.sampled_from([0.0, 1.0]), max_size=50))
def test_no_time_is_counted_twice_or_invented(values: list[float]) -> None:
    found = watched([(n * STEP_S, value) for n, value in enumerate(values)], 50 * STEP_S, STEP_S)
    assert found.up_s == pytest.approx(STEP_S * sum(values))
    assert found.down_s == pytest.approx(STEP_S * (len(values) - sum(values)))
    assert found.unseen_s == pytest.approx(STEP_S * (50 - len(values)))


def test_what_is_unseen_is_never_below_nothing() -> None:
    assert Watched(10.0, 9.0, 5.0).unseen_s == 0
