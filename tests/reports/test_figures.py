"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from reports.figures import figure, margin, measured, seconds
from reports.verdicts import Measurement
from tests.reports.making import finding


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0821, "s", "82.1 ms"),
        (1.5, "s", "1.5 s"),
        (0.0, "s", "0 s"),
        (125.0, "s", "2.08 min"),
        (0.00042, "share", "0.042%"),
        (0.0, "share", "0%"),
        (1.0, "share", "100%"),
        (500.0, "1/s", "500/s"),
        (734003200.0, "B", "700 MiB"),
        (3.0, "count", "3"),
        (12345.0, "count", "12,345"),
        (3.0, "pods", "3 pods"),
        (None, "s", "–"),
        (math.nan, "s", "–"),
        (math.inf, "share", "∞%"),
    ],
)
def test_a_value_has_the_unit_that_suits_it(value: float | None, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (Measurement(0.4, "s", 4000, bad=3), "400 ms (3 of 4,000 bad)"),
        (Measurement(0.0, "violations", 12, bad=0), "no violation in 12"),
        (Measurement(1.0, "violations", 12, bad=1), "1 violation in 12"),
        (Measurement(4.0, "violations", 12, bad=3), "4 violations in 12"),
        (Measurement(None, "violations", 0), "–"),
        (Measurement(0.0, "violations", 12, bad=0, slowest_s=0.0412), "no violation in 12, slowest 41.2 ms"),
        (Measurement(2.0, "violations", 12, bad=2, slowest_s=3.1), "2 violations in 12, slowest 3.1 s"),
    ],
)
def test_a_measurement_says_what_was_counted(seen: Measurement, shown: str) -> None:
    assert measured(seen) == shown


@pytest.mark.parametrize(
    ("bound", "value", "unit", "shown"),
    [
        ("p95 < 500ms", 0.4, "s", "20% to spare"),
        ("p95 < 2s", 3.0, "s", "50% beyond"),
        ("p95 < 2s", 400.0, "ms", "80% to spare"),
        ("error_rate < 0.1%", 0.0004, "share", "60% to spare"),
        ("success_rate >= 98%", 0.49, "share", "50% beyond"),
        ("throughput >= 500 rps", 600.0, "1/s", "20% to spare"),
        ("throughput >= 1000 records/h", 0.5, "1/s", "80% to spare"),
        ("max < 1GB", 250e6, "B", "75% to spare"),
        ("users >= 100 users", 150.0, "count", "50% to spare"),
        ("max < 1s", 40.0, "s", "39× beyond"),
    ],
)
def test_a_margin_is_a_share_of_the_bound(bound: str, value: float, unit: str, shown: str) -> None:
    assert str(margin(finding(bound=bound, measurement=Measurement(value, unit, 10)))) == shown


@pytest.mark.parametrize(
    ("within", "bad", "slowest_s", "shown"),
    [
        ("2s", 0.0, 0.16, "92% to spare"),
        ("500ms", 0.0, 0.0004, "over 99% to spare"),
        ("1m30s", 0.0, 45.0, "50% to spare"),
        ("2s", 1.0, 3.0, "50% beyond"),
        ("2s", 1.0, 0.16, "None"),  # something else is wrong: that there was time says nothing
        ("2s", None, 0.16, "None"),
        ("2s", 0.0, None, "None"),
        ("2s", 0.0, math.nan, "None"),
    ],
)
def test_the_margin_of_a_timed_check_is_the_slowests(
    within: str, bad: float | None, slowest_s: float | None, shown: str
) -> None:
    seen = Measurement(bad, "violations", 12, slowest_s=slowest_s)
    assert str(margin(finding(bound=f"no violation, each within {within}", measurement=seen))) == shown


@pytest.mark.parametrize(
    ("bound", "value", "unit"),
    [
        ("no violation", 0.0, "violations"),
        ("p95 < 2s", None, "s"),
        ("p95 < 2s", math.nan, "s"),
        ("p95 < 2s", 0.1, "share"),
        ("", 1.0, "s"),
        ("time > 0s", 1.0, "s"),
    ],
)
def test_there_is_no_margin_without_two_numbers_of_one_kind(
    bound: str, value: float | None, unit: str
) -> None:
    assert margin(finding(bound=bound, measurement=Measurement(value, unit, 10))) is None


@pytest.mark.parametrize(
    ("duration_s", "shown"),
    [(0.04, "40 ms"), (8.44, "8.4 s"), (59.99, "60.0 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_a_length_of_time_is_rounded_to_what_matters(duration_s: float, shown: str) -> None:
    assert seconds(duration_s) == shown
