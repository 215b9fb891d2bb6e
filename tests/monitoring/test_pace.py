"""Waits and windows are shortened, and nothing else is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lab.monitoring.pace import Pace, milliseconds, written

UNITS = ("ms", "s", "m", "h", "d", "w")
durations = st.builds(lambda number, unit: f"{number}{unit}", st.integers(0, 5000), st.sampled_from(UNITS))
paces = st.builds(
    Pace,
    st.fractions(min_value=Fraction(1, 1000), max_value=1),
    st.floats(0.1, 60, allow_nan=False),
)
LAB = Pace(Fraction(1, 60))


@given(st.integers(0, 10**12))
def test_what_is_written_is_read_as_the_same(length_ms: int) -> None:
    assert milliseconds(written(length_ms)) == length_ms


@given(paces, durations)
def test_a_wait_is_never_longer_than_before_nor_shorter_than_two_looks(pace: Pace, duration: str) -> None:
    before, after = milliseconds(duration), milliseconds(pace.wait(duration))
    assert after <= before
    assert after >= min(before, round(2000 * pace.scrape_s))


@given(paces, durations, durations)
def test_what_was_shorter_is_not_longer_now(pace: Pace, one: str, other: str) -> None:
    shorter, longer = sorted((one, other), key=milliseconds)
    assert milliseconds(pace.wait(shorter)) <= milliseconds(pace.wait(longer))
    assert milliseconds(pace.window(shorter)) <= milliseconds(pace.window(longer))


@given(st.floats(0.1, 60), durations)
def test_at_full_pace_nothing_changes(scrape_s: float, duration: str) -> None:
    pace = Pace(Fraction(1), scrape_s)
    assert milliseconds(pace.wait(duration)) == milliseconds(duration)


@given(durations)
def test_far_above_the_floor_the_pace_is_exact(duration: str) -> None:
    before = milliseconds(duration)
    if before >= 240_000:
        assert abs(milliseconds(LAB.wait(duration)) - before / 60) <= 0.5


@given(st.text(alphabet="abc[]0159smh{}=~!#'\\ ", max_size=30), paces)
def test_text_inside_an_expression_is_left_alone(text: str, pace: Pace) -> None:
    quoted = '"' + text.replace("\\", "\\\\") + '"'
    assert quoted in pace.expression(f"rate(a{{b={quoted}}}[5m])")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rate(a[5m])", "rate(a[5s])"),
        ("rate(a[1m])", "rate(a[4s])"),  # four looks
        ("rate(a[2s])", "rate(a[2s])"),  # never longer than it was
        ("increase(a[24h])", "increase(a[24m])"),
        ("max_over_time(rate(a[5m])[1h:5m])", "max_over_time(rate(a[5s])[1m:5s])"),
        ("max_over_time(a[1h:])", "max_over_time(a[1m:])"),
        ("a offset 1h", "a offset 1m"),
        ("a offset -5m", "a offset -5s"),
        ('a{b="x[5m]"} > 5', 'a{b="x[5m]"} > 5'),
        ("a{b='offset 5m'}", "a{b='offset 5m'}"),
        ("a # [5m]\n + rate(b[10m])", "a # [5m]\n + rate(b[10s])"),
        (
            "histogram_quantile(0.95, rate(a_bucket[5m])) > 5",
            "histogram_quantile(0.95, rate(a_bucket[5s])) > 5",
        ),
    ],
)
def test_an_expression_keeps_its_meaning_at_another_pace(before: str, after: str) -> None:
    assert LAB.expression(before) == after


def test_rules_keep_their_names_labels_and_thresholds() -> None:
    rule: dict[str, Any] = {"alert": "A", "expr": "a > 5", "for": "5m", "labels": {"severity": "critical"}}
    document = {"groups": [{"name": "g", "interval": "30s", "rules": [rule, {"record": "r", "expr": "b"}]}]}
    paced = LAB.rules(document)
    assert paced == {
        "groups": [{"name": "g", "rules": [{**rule, "for": "5s"}, {"record": "r", "expr": "b"}]}]
    }
    assert document["groups"][0]["interval"] == "30s"


@pytest.mark.parametrize("wrong", ["", "5", "5x", "m5", "-5m", "5 m", "1.5h"])
def test_what_prometheus_would_not_read_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        milliseconds(wrong)
