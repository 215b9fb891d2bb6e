"""Triggers last as long as the document says, sides are told apart, and few answers prove nothing."""

from __future__ import annotations

import dataclasses

import pytest

from fixtures.target import Bound, Target
from scenarios.release.guards import Seen, Watched, Windowed, compared
from scenarios.release.split import split_of
from scenarios.release.terms import Guard, terms_of
from scenarios.release.watch import Counts
from tests.release.worlds import probes, shared_out

ERRORS = Bound.read("error_rate <= 5%")
FINE = Seen(0.0, False)
BROKEN = Seen(0.2, True, "20 of 100 (20%) bad")


def guard(for_s: float = 120.0) -> Guard:
    return Guard("errors", "errors", ERRORS, "§6.1", is_trigger=True, for_s=for_s)


def test_a_trigger_goes_off_only_when_it_was_broken_without_a_break() -> None:
    watched = Watched(guard())
    said = [watched.take(at_s, BROKEN if at_s != 60 else FINE, FINE) for at_s in range(0, 240, 15)]
    assert [bool(one) for one in said].index(True) == 13  # 75 s and 120 s on
    assert "for 120 s" in said[13]


def test_what_cannot_be_read_neither_breaks_nor_keeps() -> None:
    watched = Watched(guard(0.0))
    assert watched.take(0, Seen(None, None, "no series"), FINE) == ""
    assert watched.holds is None
    assert watched.record().holds is None


def test_a_trigger_remembers_its_worst_and_its_last() -> None:
    watched = Watched(guard())
    for at_s, value in enumerate((0.01, 0.2, 0.02)):
        watched.take(at_s, Seen(value, value > 0.05), FINE)
    made = watched.record()
    assert (made.value, made.worst, made.holds) == (0.02, 0.2, True)


@pytest.mark.parametrize(
    ("bad", "n", "is_broken"), [(1, 10, False), (2, 12, False), (30, 200, True), (0, 200, False)]
)
def test_few_answers_do_not_break_a_bound(bad: int, n: int, is_broken: bool) -> None:
    window = Windowed(60.0)
    window.take(1.0, Counts(n, bad, 1000, 0))
    green, _ = window.seen(ERRORS)
    assert green.broken is is_broken


def test_a_window_forgets_what_is_older() -> None:
    window = Windowed(60.0)
    window.take(0.0, Counts(100, 100, 100, 0))
    window.take(61.0, Counts(100, 0, 100, 0))
    green, blue = window.seen(ERRORS)
    assert (green.value, green.broken, blue.broken) == (0.0, False, False)


def test_without_answers_nobody_can_tell() -> None:
    window = Windowed(60.0)
    assert window.seen(ERRORS)[0].broken is None
    window.take(0.0, Counts(0, 0, 100, 0))
    assert window.seen(ERRORS)[0].broken is None
    assert compared(None, ERRORS).broken is None


def test_paces_shorten_how_long_and_never_what() -> None:
    target = Target.load("hwayo")
    whole, paced = (terms_of(target, target.environment(name)) for name in ("production", "lab"))
    for here, there in zip(whole.guards, paced.guards, strict=True):
        assert here.bound == there.bound
        assert there.for_s == pytest.approx(here.for_s / 60)
    assert [one.written_s for one in paced.stages] == [900, 1800, 1800]
    assert [one.planned_s for one in paced.stages] == [15, 30, 30]
    named = {one.name: one.for_s for one in whole.guards if one.is_trigger and one.for_s}
    assert named == {"http_error_rate": 120, "http_response_time": 300, "login_success": 180}


def test_each_claim_knows_the_sample_that_it_needs() -> None:
    target = Target.load("hwayo")
    found = {one.name: one.needed for one in terms_of(target, target.environment("lab")).claims}
    assert found == {
        "http_error_rate": 473,
        "http_response_time": 93,
        "login_success": 93,
        "submission_success": 93,
        "report_success": 236,
    }


@pytest.mark.parametrize(
    ("weight", "served", "holds"), [(0.05, 0.05, True), (0.05, 0.25, False), (0.25, 0.0, False)]
)
def test_a_split_is_held_against_the_weight_exactly(weight: float, served: float, holds: bool) -> None:
    assert split_of(probes(shared_out(served), 20), weight).holds is holds


def test_one_answer_of_the_wrong_side_is_too_many_where_there_may_be_none() -> None:
    assert not split_of(probes(shared_out(0.01), 20), 0.0).holds
    assert split_of(probes(shared_out(0.0), 20), 0.0).holds
    assert not split_of(probes(shared_out(0.99), 20), 1.0).holds


def test_clients_that_stick_to_a_side_are_seen_on_their_kind_of_connection() -> None:
    serve = shared_out(0.5)
    sticky = probes(lambda at_s, fresh: serve(at_s, fresh) if fresh else ("green", serve(at_s, fresh)[1]), 20)
    found = split_of(sticky, 0.5)
    assert not found.holds
    assert "kept" in found.said


def test_guards_are_told_apart_by_what_they_say() -> None:
    assert guard() != dataclasses.replace(guard(), for_s=1.0)
