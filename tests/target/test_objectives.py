"""Verdicts: what passes, what fails, what cannot be told, and what the reason says."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.objectives import Occasion, assess, finding
from fixtures.statistics import needed_samples
from fixtures.target import Bound, Target
from reports.verdicts import Measurement, Verdict
from tests.target.profiles import SMALL, built

P95, ERRORS, SUCCESS, CPU = map(
    Bound.read, ("p95 < 2s", "error_rate < 0.1%", "success_rate >= 95%", "cpu < 80%")
)

TARGET = built(SMALL)


@pytest.fixture(scope="module")
def small() -> Target:
    return TARGET


def counted(bad: int | None, n: int) -> Measurement:
    return Measurement(value=0.5, unit="s", samples=n, bad=bad)


@pytest.mark.parametrize(
    ("bound", "bad", "n", "verdict"),
    [
        (P95, 0, 59, Verdict.PASS),
        (P95, 0, 58, Verdict.UNKNOWN),
        (P95, 40, 1000, Verdict.UNKNOWN),
        (P95, 36, 1000, Verdict.PASS),
        (P95, 60, 1000, Verdict.UNKNOWN),
        (P95, 100, 1000, Verdict.FAIL),
        (P95, 1, 2, Verdict.UNKNOWN),
        (P95, 2, 2, Verdict.FAIL),
        (ERRORS, 20, 30_000, Verdict.PASS),
        (ERRORS, 21, 30_000, Verdict.UNKNOWN),
        (ERRORS, 60, 30_000, Verdict.FAIL),
        (SUCCESS, 0, 59, Verdict.PASS),
        (SUCCESS, 20, 100, Verdict.FAIL),
    ],
)
def test_counted_bounds_are_judged_by_their_limits(bound: Bound, bad: int, n: int, verdict: Verdict) -> None:
    assert assess(bound, counted(bad, n))[0] is verdict


def test_an_unknown_verdict_names_how_many_samples_are_missing() -> None:
    verdict, reason = assess(ERRORS, counted(0, 100))
    assert verdict is Verdict.UNKNOWN
    assert "2,895 more" in reason
    assert "2,995 in all" in reason
    assert "about 459 more" in assess(P95, counted(60, 1000))[1]
    assert "no sample would tell" in assess(P95, counted(50, 1000))[1]


@given(st.integers(0, 300), st.integers(1, 6000), st.sampled_from([P95, ERRORS, SUCCESS]))
@settings(deadline=None, max_examples=80)
def test_the_missing_samples_suffice_and_no_counted_pass_is_unsure(bad: int, n: int, bound: Bound) -> None:
    bad = min(bad, n)
    verdict, reason = assess(bound, counted(bad, n))
    if verdict is Verdict.PASS:
        assert n >= needed_samples(bound.bad_share, bad)
    more = re.search(r"few to be sure: ([\d,]+) more", reason)
    if more:
        assert verdict is Verdict.UNKNOWN
        assert assess(bound, counted(bad, n + int(more[1].replace(",", ""))))[0] is Verdict.PASS


@pytest.mark.parametrize(
    ("measurement", "verdict"),
    [
        (Measurement(0.5, "share", 10), Verdict.PASS),
        (Measurement(50, "%", 10), Verdict.PASS),
        (Measurement(80, "%", 10), Verdict.FAIL),
        (Measurement(0.9, "share", 10), Verdict.FAIL),
        (Measurement(math.nan, "share", 10), Verdict.UNKNOWN),
        (Measurement(math.inf, "share", 10), Verdict.UNKNOWN),
        (Measurement(None, "share", 10), Verdict.UNKNOWN),
        (Measurement(0.5, "share", 0), Verdict.UNKNOWN),
        (Measurement(0.5, "s", 10), Verdict.INVALID),
        (Measurement(0.5, "share", 10, invalid="the load never came"), Verdict.INVALID),
    ],
)
def test_plain_bounds_are_compared_in_the_same_unit(measurement: Measurement, verdict: Verdict) -> None:
    assert assess(CPU, measurement)[0] is verdict


def test_units_of_a_measurement_are_converted() -> None:
    assert assess(Bound.read("time <= 30s"), Measurement(900, "ms", 1)) == (
        Verdict.PASS,
        "900 ms keeps time <= 30s",
    )
    assert assess(Bound.read("throughput >= 500 rps"), Measurement(480, "rps", 9))[0] is Verdict.FAIL
    assert assess(Bound.read("throughput >= 50 reports/h"), Measurement(60, "1/h", 9))[0] is Verdict.PASS


@pytest.mark.parametrize(
    "measurement",
    [
        Measurement(None, "s", 0, why="Prometheus does not answer"),
        Measurement(1.0, "s", 0, 0),
        Measurement(1.0, "s", 500),  # a percentile that was interpolated and not counted
    ],
)
def test_no_evidence_is_never_a_pass_for_counted_bounds(measurement: Measurement) -> None:
    verdict, reason = assess(P95, measurement)
    assert verdict is Verdict.UNKNOWN
    assert measurement.why in reason


def test_a_count_that_cannot_be_is_invalid() -> None:
    assert assess(P95, counted(7, 5))[0] is Verdict.INVALID
    assert assess(P95, counted(-1, 5))[0] is Verdict.INVALID


@pytest.mark.parametrize(
    ("measurement", "verdict", "said"),
    [
        (Measurement(0, "violations", 3, 0), Verdict.PASS, "3 examined"),
        (Measurement(2, "violations", 3, 2, why="pod a is root"), Verdict.FAIL, "pod a is root"),
        (Measurement(2, "violations", 3), Verdict.FAIL, "2 of 3"),
        (Measurement(0, "violations", 0, 0), Verdict.UNKNOWN, "no evidence"),
        (Measurement(None, "violations", 0, why="no pods to examine"), Verdict.UNKNOWN, "no pods"),
        (
            Measurement(None, "violations", 4, why="one could not be seen"),
            Verdict.UNKNOWN,
            "could not be seen",
        ),
        (Measurement(math.nan, "violations", 4, 0), Verdict.UNKNOWN, "could not be seen"),
        (
            Measurement(0, "violations", 4, 0, invalid="the alert was never raised"),
            Verdict.INVALID,
            "never raised",
        ),
    ],
)
def test_a_check_passes_when_something_was_examined_and_nothing_is_wrong(
    small: Target, measurement: Measurement, verdict: Verdict, said: str
) -> None:
    judged, reason = assess(small.checks[0], measurement)
    assert judged is verdict
    assert said in reason


@given(
    st.none() | st.floats(),
    st.integers(-3, 100),
    st.none() | st.integers(-3, 100),
    st.sampled_from(["s", "share", "rps", "furlongs"]),
)
@settings(deadline=None)
def test_every_measurement_gets_a_verdict_and_nothing_passes_without_samples(
    value: float | None, samples: int, bad: int | None, unit: str
) -> None:
    for rule in (P95, ERRORS, SUCCESS, CPU, TARGET.checks[0], TARGET.objectives["login"]):
        verdict, reason = assess(rule, Measurement(value, unit, samples, bad))
        assert reason
        assert verdict is not Verdict.PASS or samples > 0


def test_a_finding_carries_what_the_profile_says(small: Target) -> None:
    objective = small.objectives["login"]
    found = finding(
        objective, counted(0, 100), Occasion(side="green", subject="POST /login", test="t.py::test")
    )
    assert (found.name, found.title, found.stage, found.bound) == ("login", "Login", "load", "p95 < 2s")
    assert (found.source, found.side, found.subject, found.test) == (
        "§3",
        "green",
        "POST /login",
        "t.py::test",
    )
    assert (found.verdict, found.must, found.gates) == (Verdict.PASS, True, True)
    assert finding(small.checks[0], counted(0, 1)).stage == "preflight"


def test_what_the_environment_lacks_is_unknown_and_does_not_gate(small: Target) -> None:
    found = finding(
        small.checks[0], Measurement(None, "violations", 0), Occasion(absent="no such thing here")
    )
    assert found.verdict is Verdict.UNKNOWN
    assert "no such thing here" in found.reason
    assert not found.gates


def test_the_aim_is_an_objective_of_its_own_that_does_not_gate(small: Target) -> None:
    aim = small.objectives["login"].aim
    assert aim is not None
    assert (aim.name, aim.bound, aim.must, aim.aim) == ("login_aim", "p95 < 1s", False, None)
