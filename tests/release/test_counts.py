"""Counters into counts: nothing is counted twice or out of nothing, and whatever went wrong has a name."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.release.counts import (
    LASTING_TICKS,
    LONGEST_HELD,
    MOST_KINDS,
    NOTHING,
    SIDES,
    Counter,
    Increments,
    Kind,
    Noted,
    Point,
    Reading,
    Series,
    Step,
    Trouble,
)
from scenarios.release.watch import Counts

ALL, GOOD = "requests", 'requests{status!~"5.."}'
ERRORS = Counter("error rate", of={ALL: 1}, bad={ALL: 1, GOOD: -1})
STALE_S, PATIENCE_S = 5.0, 20.0
Values = Mapping[tuple[str, str], tuple[float, float] | None]  # (side, pod) -> all, good


def reading(
    at_s: float, values: Values, *, age_s: float = 0, started: Mapping[tuple[str, str], float] | None = None
) -> Reading:
    series = {}
    for (side, pod), value in values.items():
        if value is not None:
            for name, amount in zip((ALL, GOOD), value, strict=True):
                series[Series(name, side, pod)] = Point(amount, at_s - age_s)
    return Reading(at_s, series, started or {})


def increments() -> Increments:
    return Increments([ERRORS], STALE_S, PATIENCE_S)


def both(green: tuple[float, float], blue: tuple[float, float] = (0, 0)) -> Values:
    return {("green", "g"): green, ("blue", "b"): blue}


def kinds(step: Step) -> list[Kind]:
    return [one.kind for one in step.troubles]


def test_counting_begins_at_the_first_reading() -> None:
    made = increments()
    assert made.take(reading(0, both((1000, 990), (5000, 5000)))) == Step(0, None)
    step = made.take(reading(1, both((1010, 999), (5090, 5089))))
    assert step == Step(1, (Counts(10, 1, 90, 1),), (), ((Counts(10, 1, 90, 1),),))


def kinds_of_answers(at_s: float, pages: tuple[float, float], reports: tuple[float, float]) -> Reading:
    """Both sides have answered so many of each kind, and no error but for one of green's in each report."""
    asked = {"pages": pages, "reports": reports}
    series = {}
    for kind, of_sides in asked.items():
        for side, n in zip(SIDES, of_sides, strict=True):
            bad = n if (side, kind) == ("green", "reports") else 0
            series[Series(ALL, side, side, kind)] = Point(n, at_s)
            series[Series(GOOD, side, side, kind)] = Point(n - bad, at_s)
    return Reading(at_s, series)


def test_answers_of_one_kind_are_counted_apart_and_compared_when_they_are_enough() -> None:
    made = Increments([dataclasses.replace(ERRORS, by=("path",))], STALE_S, PATIENCE_S)
    made.take(kinds_of_answers(0, (0, 0), (0, 0)))
    steps = [made.take(kinds_of_answers(at, (50 * at, 70 * at), (at, at))) for at in range(1, 21)]
    assert {step.counts for step in steps} == {(Counts(51, 1, 71, 0),)}
    assert {step.alike[0][0] for step in steps} == {Counts(50, 0, 70, 0)}
    reports = [step.alike[0][1] for step in steps]
    assert [at for at, row in enumerate(reports, start=1) if row != NOTHING] == [10, 20]
    assert reports[9] == Counts(10, 10, 10, 0)


def test_kinds_without_number_are_one_and_rare_ones_are_not_held_for_ever() -> None:
    made = Increments([dataclasses.replace(ERRORS, by=("path",))], STALE_S, PATIENCE_S)
    step = None
    for at in range(LONGEST_HELD + 2):
        names = [f"/{number}" for number in range(3 * MOST_KINDS)]
        both = {
            Series(name, side, side, path): Point(at, at)
            for name in (ALL, GOOD)
            for side in SIDES
            for path in names
        }
        step = made.take(Reading(at, both))
        if at == LONGEST_HELD:
            assert sum(row.green for row in step.alike[0]) == MOST_KINDS * LONGEST_HELD + 2 * MOST_KINDS
    assert step is not None
    assert step.counts == (Counts(3 * MOST_KINDS, 0, 3 * MOST_KINDS, 0),)
    assert len(step.alike[0]) == MOST_KINDS + 1


def test_a_tick_waits_until_every_pod_was_scraped_again() -> None:
    made = increments()
    made.take(reading(0, both((0, 0))))
    same = {Series(ALL, "blue", "b"): Point(0, 0), Series(GOOD, "blue", "b"): Point(0, 0)}
    early = reading(1, {("green", "g"): (10, 10)})
    assert made.take(Reading(1, {**early.series, **same})) == Step(1, None)
    assert made.take(reading(2, both((20, 20), (40, 40)))).counts == (Counts(20, 0, 40, 0),)


def test_a_restarted_pod_counts_from_zero_and_is_named() -> None:
    made = increments()
    made.take(reading(0, both((100, 100))))
    step = made.take(reading(1, both((7, 5))))
    assert step.counts == (Counts(7, 2, 0, 0),)
    assert kinds(step) == [Kind.RESET]


def test_a_restart_is_known_by_when_the_process_began_even_where_the_counter_grew() -> None:
    made, pod = increments(), ("green", "g")
    made.take(reading(0, both((100, 100)), started={pod: -50}))
    step = made.take(reading(10, both((150, 150)), started={pod: 3}))
    assert step.counts == (Counts(150, 0, 0, 0),)
    assert kinds(step) == [Kind.RESET]


@pytest.mark.parametrize(
    ("value", "kind"), [(None, Kind.MISSING), ((math.nan, 3), Kind.NAN), ((math.inf, math.inf), Kind.NAN)]
)
def test_a_gap_holds_the_tick_back_and_loses_nothing(value: tuple[float, float] | None, kind: Kind) -> None:
    made = increments()
    made.take(reading(0, both((0, 0))))
    step = made.take(reading(1, {("green", "g"): value, ("blue", "b"): (90, 90)}))
    assert step.counts is None
    assert kind in kinds(step)
    assert made.take(reading(2, both((20, 18), (180, 180)))).counts == (Counts(20, 2, 180, 0),)


def test_a_stale_pod_is_named() -> None:
    made = increments()
    made.take(reading(0, both((0, 0))))
    step = made.take(reading(10, both((0, 0)), age_s=10))
    assert kinds(step) == [Kind.STALE, Kind.STALE]
    assert step.counts is None


def test_a_pod_that_stays_silent_is_given_up_and_the_watch_goes_on() -> None:
    made = increments()
    two = {("green", "g"): (0.0, 0.0), ("green", "h"): (0.0, 0.0), ("blue", "b"): (0.0, 0.0)}
    made.take(reading(0, two))
    steps = [made.take(reading(at, both((at, at), (at, at)))) for at in range(1, 30)]
    given_up = next(step for step in steps if Kind.GONE in kinds(step))
    assert given_up.at_s == PATIENCE_S + 1
    assert given_up.counts == (Counts(21, 0, 21, 0),)
    assert all(step.counts is None for step in steps[:20])
    assert all(step.counts == (Counts(1, 0, 1, 0),) for step in steps[21:])


def test_a_pod_that_comes_back_is_counted_from_then_on() -> None:
    made = increments()
    made.take(reading(0, both((0, 0))))
    for at in range(1, 25):
        made.take(reading(at, {("blue", "b"): (at, at)}))
    step = made.take(reading(25, both((500, 400), (25, 25))))
    assert Kind.APPEARED in kinds(step)
    assert step.counts == (Counts(0, 0, 1, 0),)
    assert made.take(reading(26, both((510, 409), (26, 26)))).counts == (Counts(10, 1, 1, 0),)


def test_a_pod_that_began_within_the_tick_is_counted_from_its_beginning() -> None:
    made, new = increments(), ("green", "new")
    made.take(reading(0, both((0, 0))))
    step = made.take(reading(10, {**both((5, 5), (50, 50)), new: (8, 6)}, started={new: 4}))
    assert kinds(step) == [Kind.APPEARED]
    assert step.counts == (Counts(13, 2, 50, 0),)


def test_a_label_that_a_known_pod_never_had_before_began_at_zero() -> None:
    """The first errors are the first of their series: to take them for a starting point would lose them."""
    made = Increments([Counter("errors", {ALL: 1}, {"errors": 1})], STALE_S, PATIENCE_S)
    made.take(reading(0, both((100, 100))))
    later = reading(1, both((110, 110)))
    step = made.take(Reading(1, {**later.series, Series("errors", "green", "g"): Point(4, 1)}))
    assert step.counts == (Counts(10, 4, 0, 0),)


def test_a_metric_without_any_series_on_a_side_is_named() -> None:
    step = increments().take(reading(0, {("blue", "b"): (0, 0)}))
    assert [(one.kind, one.side, one.subject) for one in step.troubles] == [
        (Kind.MISSING, "green", "error rate")
    ]


def test_where_no_bucket_ends_at_the_bound_nothing_is_counted_as_slow_and_nothing_as_fast() -> None:
    """Blue has the bucket; a new version came with others."""
    count, within = "duration_count", 'duration_bucket{le=~"0.5"}'
    made = Increments([Counter("p95", {count: 1}, {count: 1, within: -1})], STALE_S, PATIENCE_S)

    def at(at_s: float, answers: float) -> Reading:
        of = {Series(count, side, side[0]): Point(answers, at_s) for side in SIDES}
        return Reading(at_s, {**of, Series(within, "blue", "b"): Point(answers, at_s)})

    made.take(at(0, 0))
    step = made.take(at(1, 100))
    assert step.counts == (NOTHING,)
    assert [(one.kind, one.side, one.subject) for one in step.troubles] == [(Kind.NO_BUCKET, "green", "p95")]


def test_what_is_read_twice_counts_once() -> None:
    made = increments()
    made.take(reading(5, both((0, 0))))
    assert kinds(made.take(reading(5, both((9, 9))))) == [Kind.BACKWARDS]


def test_answers_in_flight_between_two_counters_are_carried_to_the_next_tick() -> None:
    """Attempts are counted when they begin, successes when they end."""
    made = increments()
    made.take(reading(0, both((0, 0))))
    assert made.take(reading(1, both((10, 7)))).counts == (Counts(10, 3, 0, 0),)
    assert made.take(reading(2, both((20, 20)))).counts == (Counts(10, 0, 0, 0),)
    assert made.take(reading(3, both((30, 27)))).counts == (Counts(10, 0, 0, 0),)


def test_counters_that_contradict_each_other_are_named() -> None:
    made = increments()
    made.take(reading(0, both((0, 0))))
    step = made.take(reading(1, both((10, 100))))
    assert kinds(step) == [Kind.UNEVEN]
    assert step.counts == (Counts(10, 0, 0, 0),)


# --- against what really happened --------------------------------------------------------------------------------
PODS = [("green", "g1"), ("green", "g2"), ("blue", "b1")]
happenings = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 50), st.integers(0, 50), st.sampled_from(["", "", "", "silent", "nan", "restart"])
        ),
        min_size=len(PODS),
        max_size=len(PODS),
    ),
    min_size=1,
    max_size=15,
)
Happenings = list[list[tuple[int, int, str]]]


def played(happened: Happenings) -> tuple[list[Step], dict[str, list[int]]]:
    """What the increments make of it, ending with a clean scrape, and what truly happened on each side."""
    made, values = increments(), {pod: [0, 0] for pod in PODS}
    truth = {side: [0, 0] for side in SIDES}
    steps = [made.take(reading(0, dict.fromkeys(PODS, (0, 0))))]
    for at, row in enumerate([*happened, [(0, 0, "")] * len(PODS)], start=1):
        told: dict[tuple[str, str], tuple[float, float] | None] = {}
        for pod, (good, bad, event) in zip(PODS, row, strict=True):
            if event == "restart":
                values[pod] = [0, 0]
            values[pod][0] += good + bad
            values[pod][1] += good
            truth[pod[0]][0] += good + bad
            truth[pod[0]][1] += bad
            told[pod] = {"silent": None, "nan": (math.nan, 1.0)}.get(event, (values[pod][0], values[pod][1]))
        steps.append(made.take(reading(at, told)))
    return steps, truth


def summed(steps: list[Step]) -> Counts:
    ticks = [step.counts[0] for step in steps if step.counts is not None]
    return Counts(*(sum(column) for column in zip(*ticks, strict=True))) if ticks else Counts(0, 0, 0, 0)


@given(happenings)
def test_nothing_is_lost_where_nobody_restarts(happened: Happenings) -> None:
    calm = [
        [(good, bad, "" if event == "restart" else event) for good, bad, event in row] for row in happened
    ]
    steps, truth = played(calm)
    assert summed(steps) == Counts(*truth["green"], *truth["blue"])


@given(happenings)
def test_nothing_is_counted_that_did_not_happen(happened: Happenings) -> None:
    steps, truth = played(happened)
    green, green_bad, blue, blue_bad = summed(steps)
    assert 0 <= green_bad <= green <= truth["green"][0]
    assert 0 <= blue_bad <= blue <= truth["blue"][0]
    assert all(
        0 <= tick.green_bad <= tick.green and 0 <= tick.blue_bad <= tick.blue
        for step in steps
        if step.counts
        for tick in step.counts
    )


@given(happenings)
def test_whatever_goes_wrong_has_a_name(happened: Happenings) -> None:
    steps, _ = played(happened)
    for row, step in zip(happened, steps[1:], strict=False):
        named = {(one.side, one.subject, one.kind) for one in step.troubles}
        for pod, (_, _, event) in zip(PODS, row, strict=True):
            if event in ("silent", "nan"):
                assert (*pod, Kind.MISSING if event == "silent" else Kind.NAN) in named


def test_troubles_are_noted_once_each_with_how_long_they_lasted() -> None:
    made, noted = increments(), Noted()
    made.take(reading(0, both((0, 0))))
    for at in range(1, 10):
        noted.add(made.take(reading(at, {("blue", "b"): (at, at), ("green", "g"): (math.nan, 1)})).troubles)
    assert noted.lines() == ["g on green has no number (NaN) (9 times, for 8 s)"]
    assert noted.blind(longer_than_s=5) == noted.lines()
    assert noted.blind(longer_than_s=10) == []


def test_short_silences_do_not_add_up_to_a_long_one() -> None:
    noted = Noted()
    for at_s in range(60):
        noted.add([Trouble(Kind.STALE, "green", "g", at_s)] if at_s % 10 < 2 else [])
    assert noted.lines() == ["g on green was not scraped (12 times, for 1 s)"]
    assert noted.blind(longer_than_s=5) == []


LOGINS = Counter("login", of={ALL: 1}, bad={ALL: 1, GOOD: -1}, in_flight=True)


def test_an_attempt_that_is_still_under_way_is_no_failure() -> None:
    made = Increments([LOGINS], STALE_S, PATIENCE_S)
    made.take(reading(0, both((0, 0))))
    steps = [made.take(reading(at_s, both((10 * at_s, 10 * at_s - at_s % 3)))) for at_s in range(1, 30)]
    assert all(step.counts == (Counts(10, 0, 0, 0),) and step.troubles == () for step in steps)


def test_attempts_of_many_sources_that_are_under_way_in_turns_are_no_failures() -> None:
    """At every moment some pod is busy with one, and none of them for long."""
    made = Increments([LOGINS], STALE_S, PATIENCE_S)
    pods = [("green", f"g{number}") for number in range(3)]
    made.take(reading(0, dict.fromkeys([*pods, ("blue", "b")], (0, 0))))
    for at_s in range(1, 60):
        told = {pod: (at_s, at_s - (at_s % 3 == number)) for number, pod in enumerate(pods)}
        step = made.take(reading(at_s, {**told, ("blue", "b"): (at_s, at_s)}))
        assert step.counts == (Counts(3, 0, 1, 0),)


def test_attempts_without_a_success_are_failures_some_ticks_later() -> None:
    made = Increments([LOGINS], STALE_S, PATIENCE_S)
    made.take(reading(0, both((0, 0))))
    steps = [made.take(reading(at_s, both((10 * at_s, 8 * at_s)))) for at_s in range(1, 21)]
    bad = [step.counts[0].green_bad for step in steps if step.counts]
    late = LASTING_TICKS - 1
    assert bad[:late] == [0] * late
    assert set(bad[late:]) == {2}


def test_an_attempt_whose_source_is_gone_has_failed() -> None:
    made = Increments([LOGINS], STALE_S, PATIENCE_S)
    pods = [("green", "g1"), ("green", "g2"), ("blue", "b")]
    made.take(reading(0, dict.fromkeys(pods, (0, 0))))
    made.take(reading(1, dict.fromkeys(pods, (10, 9))))
    steps = [
        made.take(reading(at_s, dict.fromkeys(pods[1:], (10 * at_s, 10 * at_s)))) for at_s in range(2, 40)
    ]
    ticks = [step.counts[0] for step in steps if step.counts]
    assert sum(tick.green_bad for tick in ticks) == 1
    assert sum(tick.blue_bad for tick in ticks) == 0


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=40)
)
def test_where_one_counts_attempts_and_another_successes_no_success_is_called_a_failure(
    asked: list[tuple[int, int, int]],
) -> None:
    """The queue's front counts what begins, its workers what ends, each attempt within two ticks."""
    made = Increments([LOGINS], STALE_S, PATIENCE_S)
    made.take(reading(0, dict.fromkeys([("green", "front"), ("green", "worker"), ("blue", "b")], (0, 0))))
    begun = [0, 0, *(sum(row[0] for row in asked[: at + 1]) for at in range(len(asked)))]
    for at_s in range(1, len(asked) + 1):
        told: dict[tuple[str, str], tuple[float, float] | None] = {
            ("green", "front"): (begun[at_s + 1], 0),
            ("green", "worker"): (0, begun[at_s - 1]),
            ("blue", "b"): (0, 0),
        }
        step = made.take(reading(at_s, told))
        assert step.counts is not None
        assert step.counts[0].green_bad == 0
