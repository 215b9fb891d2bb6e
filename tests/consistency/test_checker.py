"""The checker against every order in which small histories could have been made, and against each way to go wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.consistency.checker import Found, Wrong, check, measured
from scenarios.consistency.history import Attempt, History, Outcome, Row, Slot

NOON, ONE = Slot(1, 720, 780), Slot(1, 780, 840)
HALF_PAST = Slot(1, 750, 810)
ELSEWHERE = Slot(2, 720, 780)


def attempt(key: str, slot: Slot, outcome: Outcome, began_s: float = 0, ended_s: float = 1) -> Attempt:
    return Attempt(key, slot, began_s, ended_s, outcome)


def wrongs(found: Found) -> set[Wrong]:
    return {one.wrong for one in found.violations}


WON = attempt("won", NOON, Outcome.BOOKED)
OUT = attempt("out", HALF_PAST, Outcome.TAKEN)
CASES: dict[str, tuple[list[Attempt], list[Row], set[Wrong]]] = {
    "one wins, the other is refused": ([WON, OUT], [Row("won", NOON)], set()),
    "an unknown that won": ([attempt("won", NOON, Outcome.UNKNOWN), OUT], [Row("won", NOON)], set()),
    "an unknown that lost": ([WON, attempt("other", NOON, Outcome.UNKNOWN)], [Row("won", NOON)], set()),
    "one after the other": (
        [WON, attempt("next", ONE, Outcome.BOOKED)],
        [Row("won", NOON), Row("next", ONE)],
        set(),
    ),
    "the same time of two people": (
        [WON, attempt("b", ELSEWHERE, Outcome.BOOKED)],
        [Row("won", NOON), Row("b", ELSEWHERE)],
        set(),
    ),
    "two are told yes": (
        [WON, attempt("b", HALF_PAST, Outcome.BOOKED)],
        [Row("won", NOON), Row("b", HALF_PAST)],
        {Wrong.SHARED},
    ),
    "an unknown shares": (
        [WON, attempt("b", HALF_PAST, Outcome.UNKNOWN)],
        [Row("won", NOON), Row("b", HALF_PAST)],
        {Wrong.SHARED},
    ),
    "the winner is gone": ([WON], [], {Wrong.LOST}),
    "one of two winners is gone, and nobody would see it": (
        [WON, attempt("b", NOON, Outcome.BOOKED)],
        [Row("b", NOON)],
        {Wrong.LOST},
    ),
    "refused and there": (
        [attempt("a", NOON, Outcome.NEVER)],
        [Row("a", NOON)],
        {Wrong.REFUSED_AND_THERE},
    ),
    "refused by itself": (
        [attempt("a", NOON, Outcome.TAKEN)],
        [Row("a", NOON)],
        {Wrong.REFUSED_AND_THERE, Wrong.BASELESS},
    ),
    "another slot": ([WON], [Row("won", ONE)], {Wrong.ALTERED}),
    "twice by a retry": ([WON], [Row("won", NOON), Row("won", NOON)], {Wrong.DOUBLED}),
    "nobody asked": ([], [Row("who", NOON)], {Wrong.INVENTED}),
    "everybody is refused": ([OUT, attempt("b", NOON, Outcome.TAKEN)], [], {Wrong.BASELESS}),
    "refused before the winner had begun": (
        [OUT, attempt("late", NOON, Outcome.BOOKED, 2, 3)],
        [Row("late", NOON)],
        {Wrong.BASELESS},
    ),
    "refused because of somebody else's time": (
        [attempt("a", NOON, Outcome.TAKEN), attempt("b", ELSEWHERE, Outcome.BOOKED)],
        [Row("b", ELSEWHERE)],
        {Wrong.BASELESS},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_way_to_go_wrong_is_named(case: str) -> None:
    attempts, rows, expected = CASES[case]
    assert wrongs(check(attempts, rows)) == expected


def test_every_wrong_has_a_case() -> None:
    assert set[Wrong]().union(*(expected for _, _, expected in CASES.values())) == set(Wrong)


# --- against every order --------------------------------------------------------------------------------------------
def possible(attempts: list[Attempt], rows: list[Row]) -> bool:
    """Whether some order of the attempts, each at a moment within its time, gives these answers and ends in these rows.

    The unknown that are not there are left out: they may come later, or never.
    """
    keys = [row.key for row in rows]
    if len(set(keys)) != len(keys):
        return False
    there = {row.key: row.slot for row in rows}
    acted = [one for one in attempts if one.outcome in (Outcome.BOOKED, Outcome.TAKEN) or one.key in there]
    return any(_gives(order, there) for order in permutations(acted) if _in_time(order))


def _in_time(order: tuple[Attempt, ...]) -> bool:
    """Moments can be found that rise: each as early as it can be must still be within its attempt."""
    moment = float("-inf")
    for one in order:
        moment = max(moment, one.began_s)
        ended_s = float("inf") if one.outcome is Outcome.UNKNOWN else one.ended_s
        if moment > ended_s:
            return False
    return True


def _gives(order: tuple[Attempt, ...], there: dict[str, Slot]) -> bool:
    booked: dict[str, Slot] = {}
    for one in order:
        free = not any(one.slot.overlaps(other) for other in booked.values())
        if free != (one.outcome in (Outcome.BOOKED, Outcome.UNKNOWN)):
            return False
        if free:
            booked[one.key] = one.slot
    return booked == there


slots = st.builds(
    lambda whose, begins, length: Slot(whose, begins, begins + length),
    st.integers(1, 2),
    st.integers(0, 3),
    st.integers(1, 2),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Attempt], list[Row]]:
    """Mostly what a good system might have done, with answers and rows then changed at will."""
    number = draw(st.integers(0, 5))
    attempts: list[Attempt] = []
    for index in range(number):
        began = draw(st.integers(0, 6))
        ended = began + draw(st.integers(0, 4))
        slot, outcome = draw(slots), draw(st.sampled_from(list(Outcome)))
        attempts.append(attempt(str(index), slot, outcome, began, ended))
    there = draw(st.sets(st.sampled_from([one.key for one in attempts]))) if attempts else set()
    likely = {one.key for one in attempts if one.outcome is Outcome.BOOKED}
    chosen = there if draw(st.booleans()) else likely
    rows = [Row(one.key, one.slot) for one in attempts if one.key in chosen]
    return attempts, rows


@given(histories())
@settings(max_examples=600, deadline=None)
def test_the_checker_accepts_exactly_what_some_order_explains(made: tuple[list[Attempt], list[Row]]) -> None:
    attempts, rows = made
    assert check(attempts, rows).consistent == possible(attempts, rows)


@st.composite
def honest(draw: st.DrawFn) -> tuple[list[Attempt], list[Row]]:
    """What a system that is right does: one after another, each answered, some answers lost on the way."""
    attempts, rows = list[Attempt](), list[Row]()
    for index, slot in enumerate(draw(st.lists(slots, max_size=20))):
        free = not any(slot.overlaps(row.slot) for row in rows)
        heard = draw(st.booleans())
        outcome = (Outcome.BOOKED if free else Outcome.TAKEN) if heard else Outcome.UNKNOWN
        early, late = draw(st.integers(0, 5)), draw(st.integers(0, 5))
        attempts.append(attempt(str(index), slot, outcome, index - early, index + late))
        if free:
            rows.append(Row(str(index), slot))
    return attempts, rows


@given(honest(), st.data())
@settings(max_examples=200, deadline=None)
def test_what_a_good_system_did_is_consistent_in_whatever_order_it_is_told(
    made: tuple[list[Attempt], list[Row]], data: st.DataObject
) -> None:
    attempts, rows = made
    assert check(data.draw(st.permutations(attempts)), rows[::-1]).violations == ()


@given(honest(), st.data())
@settings(max_examples=200, deadline=None)
def test_an_acknowledged_booking_that_is_taken_away_is_missed(
    made: tuple[list[Attempt], list[Row]], data: st.DataObject
) -> None:
    attempts, rows = made
    acknowledged = [one.key for one in attempts if one.outcome is Outcome.BOOKED]
    if not acknowledged:
        return
    gone = data.draw(st.sampled_from(acknowledged))
    found = check(attempts, [row for row in rows if row.key != gone])
    assert (Wrong.LOST, (gone,)) in {(one.wrong, one.keys) for one in found.violations}


# --- what proves something ------------------------------------------------------------------------------------------
def test_what_proves_nothing_is_no_measurement() -> None:
    good = check([WON, OUT], [Row("won", NOON)])
    assert (measured(good, faults=0).value, measured(good, faults=0).invalid) == (0, "")
    assert "only 0 connections were lost" in measured(good, faults=3).invalid
    alone = check([WON, replace(OUT, began_s=5, ended_s=6)], [Row("won", NOON)])
    assert measured(alone, faults=0).invalid == "nobody wanted a slot while somebody else did"
    nobody = check([replace(WON, outcome=Outcome.NEVER), replace(OUT, outcome=Outcome.UNKNOWN)], [])
    assert measured(nobody, faults=0).value is None
    unrefused = check([WON, replace(OUT, outcome=Outcome.UNKNOWN)], [Row("won", NOON)])
    assert "nobody was refused" in measured(unrefused, faults=0).why


def test_a_violation_counts_even_where_the_faults_were_not_felt() -> None:
    measurement = measured(check([WON], []), faults=3)
    assert (measurement.value, measurement.invalid, measurement.samples) == (1, "", 1)


def test_two_attempts_of_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="one key for several attempts: won"):
        check([WON, WON], [])


@pytest.mark.parametrize(("begins", "ends"), [(5, 5), (6, 5)])
def test_a_slot_of_no_time_is_refused(begins: int, ends: int) -> None:
    with pytest.raises(ValueError, match="a slot ends after it begins"):
        Slot(1, begins, ends)


def test_lost_connections_are_summed_over_the_history() -> None:
    history = History()
    history.add(replace(WON, lost=2))
    history.add(OUT)
    assert history.lost == 2
