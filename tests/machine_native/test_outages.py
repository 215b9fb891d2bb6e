"""Mean times, by what was watched: what it cannot tell it does not tell."""

from __future__ import annotations

import pytest

from fixtures.target.bounds import Bound
from scenarios.outages import outages, time_between, time_to_repair

STEP_S = 30.0
MONTH_S = 720 * 3600.0
RARE = Bound.read("mean > 720h")


def past(*spans: tuple[int, float | None]) -> list[tuple[float, float]]:
    """So many steps each, up (1), down (0) or not watched (None)."""
    samples, at = [], 0.0
    for steps, value in spans:
        for _ in range(steps):
            if value is not None:
                samples.append((at, value))
            at += STEP_S
    return samples


def test_an_outage_is_as_long_as_it_was_seen_down() -> None:
    seen = outages(past((10, 1), (4, 0), (10, 1), (2, 0), (5, 1)), STEP_S)
    assert (seen.failures, seen.repaired_s) == (2, (120.0, 60.0))
    assert seen.watched_s == 31 * STEP_S


def test_one_whose_begin_or_end_nobody_saw_is_a_failure_of_unknown_length() -> None:
    begins_down = outages(past((3, 0), (10, 1)), STEP_S)
    assert (begins_down.failures, begins_down.repaired_s) == (1, ())
    ends_unseen = outages(past((10, 1), (3, 0), (20, None), (10, 1)), STEP_S)
    assert (ends_unseen.failures, ends_unseen.repaired_s) == (1, ())
    still_down = outages(past((10, 1), (3, 0)), STEP_S)
    assert (still_down.failures, still_down.repaired_s) == (1, ())


def test_what_nobody_watched_counts_as_nothing() -> None:
    seen = outages(past((10, 1), (100, None), (10, 1)), STEP_S)
    assert (seen.failures, seen.watched_s) == (0, 20 * STEP_S)


def test_a_shorter_history_does_not_tell_the_mean_time_to_repair() -> None:
    judged = time_to_repair(outages(past((100, 1), (4, 0), (100, 1)), STEP_S), 86400)
    assert judged.value_s is None
    assert "1.7 h were watched, and it is asked for 1.0 d" in judged.why


@pytest.mark.parametrize(("down", "mean_s"), [((4, 2), 90.0), ((), 0.0)])
def test_the_whole_history_does(down: tuple[int, ...], mean_s: float) -> None:
    spans = [span for steps in down for span in ((500, 1.0), (steps, 0.0))]
    judged = time_to_repair(outages(past(*spans, (2000, 1.0)), STEP_S), 2000 * STEP_S)
    assert judged.value_s == mean_s


def test_an_outage_of_unknown_length_leaves_the_mean_unknown() -> None:
    judged = time_to_repair(outages(past((3, 0), (2880, 1)), STEP_S), 86400)
    assert judged.value_s is None
    assert "1 of 1 outages" in judged.why


def steps_of(seconds: float) -> int:
    return int(seconds / STEP_S)


def test_three_times_as_long_without_a_failure_is_sure_enough() -> None:
    short = time_between(outages(past((steps_of(2 * MONTH_S), 1)), STEP_S), RARE)
    assert short.value_s is None
    assert "cannot tell" in short.why
    long = time_between(outages(past((steps_of(3.1 * MONTH_S), 1)), STEP_S), RARE)
    assert long.value_s is not None
    assert RARE.admits(long.value_s)


def test_many_failures_in_a_month_are_too_many_and_one_in_two_days_says_nothing() -> None:
    spans = [span for _ in range(8) for span in ((steps_of(MONTH_S / 8), 1.0), (2, 0.0))]
    often = time_between(outages(past(*spans, (2, 1)), STEP_S), RARE)
    assert often.value_s is not None
    assert not RARE.admits(often.value_s)
    assert "8 failures in 30.0 d: 95% sure of less than" in often.why
    spans = [(steps_of(48 * 3600), 1.0), (2, 0.0), (20, 1.0)]
    assert time_between(outages(past(*spans), STEP_S), RARE).value_s is None
    soon = time_between(outages(past((100, 1), (2, 0), (20, 1)), STEP_S), RARE)
    assert soon.value_s is not None  # by chance, one fails in its first hour in seven hundred times
    assert not RARE.admits(soon.value_s)


def test_nothing_watched_tells_nothing() -> None:
    assert time_between(outages([], STEP_S), RARE).value_s is None
    assert time_to_repair(outages([], STEP_S), 60).value_s is None
