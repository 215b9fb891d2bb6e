"""Quantities and bounds: what is read, what is refused, and how bounds compare."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from fixtures.target.bounds import BAD_RATES, GOOD_RATES, PLAIN, Bound, Judged
from fixtures.target.quantities import KINDS, Count, Duration, Quantity, Rate, Share, Size, kind_of
from fixtures.target.release import Span


@pytest.mark.parametrize(
    ("kind", "text", "amount"),
    [
        (Duration, "300ms", 0.3),
        (Duration, "2s", 2),
        (Duration, "1.5s", 1.5),
        (Duration, "15m", 900),
        (Duration, "1h30m", 5400),
        (Duration, "7y", 7 * 365 * 86400),
        (Duration, "1w", 604800),
        (Share, "0.1%", 0.001),
        (Share, "99.9%", 0.999),
        (Share, "100%", 1),
        (Rate, "500 rps", 500),
        (Rate, "1000/h", 1000 / 3600),
        (Rate, "50 reports/h", 50 / 3600),
        (Size, "1GB", 10**9),
        (Size, "512MiB", 512 * 2**20),
        (Count, "100 users", 100),
    ],
)
def test_a_quantity_is_read_into_its_base_unit(kind: type[Quantity], text: str, amount: float) -> None:
    quantity = kind.read(text)
    assert quantity.amount == pytest.approx(amount, rel=1e-12)
    assert str(quantity) == text


NO_QUANTITIES: list[object] = [
    2,
    0.5,
    True,
    None,
    [],
    {},
    "",
    "2",
    "s",
    "-2s",
    "2 s 3",
    "２s",
    "1e3s",
    "nan%",
    "9" * 400 + "s",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", NO_QUANTITIES)
def test_whatever_has_no_unit_is_refused(kind: type[Quantity], value: object) -> None:
    with pytest.raises(PydanticCustomError):
        kind.read(value)


def test_a_quantity_of_another_kind_is_named_in_the_refusal() -> None:
    with pytest.raises(PydanticCustomError, match="not a share"):
        Duration.read("5%")
    with pytest.raises(PydanticCustomError, match="not a duration"):
        Share.read("5m")
    assert [kind_of(text) for text in ("2s", "5%", "5 rps", "1GB", "5 users", "5")] == [
        "a duration",
        "a share",
        "a rate",
        "a size",
        "a count",
        "",
    ]


def test_quantities_are_compared_by_amount_and_not_by_text() -> None:
    assert Duration.read("60s") == Duration.read("1m")
    assert Duration.read("999ms") < Duration.read("1s")


@given(st.text(max_size=20) | st.integers() | st.floats() | st.none())
@settings(deadline=None)
def test_no_value_does_more_than_be_read_or_refused(value: object) -> None:
    for kind in (*KINDS, Bound, Span):
        try:
            kind.read(value)  # type: ignore[attr-defined]
        except PydanticCustomError:
            continue


def test_a_span_goes_from_less_to_more() -> None:
    span = Span.read("30m..45m")
    assert (span.least.seconds, span.most.seconds, str(span)) == (1800, 2700, "30m..45m")
    for wrong in ("45m..30m", "30m..30m", "30m", "30m..", 5, "1%..2%"):
        with pytest.raises(PydanticCustomError):
            Span.read(wrong)


@pytest.mark.parametrize(
    ("text", "judged", "unit", "amount"),
    [
        ("p95 < 2s", Judged.PERCENTILE, Duration, 2),
        ("p99.9<=300ms", Judged.PERCENTILE, Duration, 0.3),
        ("error_rate < 0.1%", Judged.RATE, Share, 0.001),
        ("success_rate >= 98%", Judged.RATE, Share, 0.98),
        ("cpu < 80%", Judged.PLAIN, Share, 0.8),
        ("throughput >= 500 rps", Judged.PLAIN, Rate, 500),
        ("queue <= 1000 jobs", Judged.PLAIN, Count, 1000),
        ("rto <= 4h", Judged.PLAIN, Duration, 14400),
    ],
)
def test_a_bound_is_read(text: str, judged: Judged, unit: type[Quantity], amount: float) -> None:
    bound = Bound.read(text)
    assert (bound.judged, type(bound.limit), bound.limit.amount) == (judged, unit, amount)


@pytest.mark.parametrize(
    "text",
    [
        "p95 < 0s",
        "p95 > 2s",
        "p0 < 2s",
        "p100 < 2s",
        "p95 < 2",
        "p95 < 2%",
        "p95 = 2s",
        "error_rate < 0%",
        "error_rate <= 0%",
        "error_rate < 100%",
        "error_rate > 5%",
        "error_rate < 200%",
        "success_rate >= 100%",
        "success_rate < 95%",
        "success_rate >= 0%",
        "cpu > 100%",
        "cpu <= 100%",
        "integrity >= 0%",
        "queue < 0 jobs",
        "time <= 0s",
        "latency < 5",
        "speed < 5s",
        "< 5s",
        "p95 <",
        "",
    ],
)
def test_a_bound_that_cannot_be_read_kept_or_broken_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        Bound.read(text)


def test_the_nearest_word_is_named() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        Bound.read("sucess_rate >= 95%")
    assert (refused.value.context or {})["near"] == "success_rate"


@pytest.mark.parametrize(
    ("bound", "share"),
    [("p95 < 2s", 0.05), ("p99 < 2s", 0.01), ("error_rate < 0.1%", 0.001), ("success_rate >= 98%", 0.02)],
)
def test_counted_bounds_say_which_share_may_be_bad(bound: str, share: float) -> None:
    assert Bound.read(bound).bad_share == pytest.approx(share, abs=1e-12)


def test_a_bound_that_is_compared_has_no_share_that_may_be_bad() -> None:
    with pytest.raises(ValueError, match="compared"):
        _ = Bound.read("cpu < 80%").bad_share


@pytest.mark.parametrize(
    ("one", "other", "holds"),
    [
        ("p95 < 300ms", "p95 < 500ms", True),
        ("p95 < 500ms", "p95 < 500ms", True),
        ("p95 < 500ms", "p95 <= 500ms", True),
        ("p95 <= 500ms", "p95 < 500ms", False),
        ("p95 < 1s", "p95 < 500ms", False),
        ("p99 < 300ms", "p95 < 500ms", False),
        ("throughput >= 600 rps", "throughput >= 500 rps", True),
        ("throughput >= 400 rps", "throughput >= 500 rps", False),
        ("cpu < 5%", "cpu > 1%", False),
    ],
)
def test_which_bound_is_the_stricter_one(one: str, other: str, holds: bool) -> None:
    assert Bound.read(one).at_least_as_strict_as(Bound.read(other)) is holds


def test_no_bound_admits_nan() -> None:
    words = [("p95", "2s"), *((word, "5%") for word in (*BAD_RATES, *GOOD_RATES))]
    words += [
        (word, {Duration: "2s", Share: "5%", Rate: "5 rps", Count: "5 jobs"}[PLAIN[word]]) for word in PLAIN
    ]
    for word, limit in words:
        bound = Bound.read(f"{word} {'>=' if word in GOOD_RATES else '<'} {limit}")
        assert not bound.admits(math.nan)
