"""The comparison finds what is gone and what is wrong, and nothing else: against histories whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scenarios.drills.journal import Outcome, Write
from scenarios.drills.truth import Cut, Kept, compare
from tests.drills.histories import History, histories, kept, write


@given(histories())
def test_a_recovery_to_a_moment_loses_exactly_the_end_and_breaks_nothing(history: History) -> None:
    truth = compare(history.writes, history.kept, history.cut)
    gone = {one.key for one in history.committed[history.kept_n :] if one.outcome is Outcome.ACKNOWLEDGED}
    assert {one.key for one in truth.lost} == gone
    assert truth.offences == ()
    assert truth.intact + len(gone) == len(truth.acknowledged)
    assert truth.is_whole == (not gone)


@given(histories())
def test_rpo_is_the_age_of_the_oldest_acknowledged_write_that_is_gone(history: History) -> None:
    truth = compare(history.writes, history.kept, history.cut)
    acknowledged = [one for one in history.committed if one.answered_s is not None]
    before = [one for one in acknowledged if one.answered_s <= history.cut.onset_s]  # type: ignore[operator]
    gone = [one.answered_s for one in history.committed[history.kept_n :] if one.answered_s is not None]
    if not before:
        assert truth.rpo_s is None
        assert truth.resolution_s is None
    elif not gone:
        assert truth.rpo_s == 0
    else:
        assert truth.rpo_s == pytest.approx(max(history.cut.onset_s, *gone) - min(gone))


@given(histories(), st.data())
def test_a_write_missing_from_the_midst_is_a_hole(history: History, data: st.DataObject) -> None:
    survivors = history.committed[: history.kept_n]
    shown = [
        one
        for one in survivors
        if one.outcome is Outcome.ACKNOWLEDGED
        and any(
            other.outcome is Outcome.ACKNOWLEDGED
            and one.answered_s is not None
            and other.sent_s > one.answered_s
            for other in survivors
        )
    ]
    assume(shown)
    taken = data.draw(st.sampled_from(shown))
    truth = compare(history.writes, [one for one in history.kept if one.key != taken.key], history.cut)
    assert taken in truth.holes
    assert any(taken.key in offence for offence in truth.offences)


@given(histories(), st.data())
def test_whatever_is_done_to_a_record_is_named(history: History, data: st.DataObject) -> None:
    assume(history.kept)
    chosen = data.draw(st.sampled_from(history.kept))
    was_heard = next(one for one in history.writes if one.key == chosen.key).id is not None
    rest = [one for one in history.kept if one != chosen]
    spoiled = {
        "altered": [*rest, replace(chosen, print="something else")],
        "there more than once": [*rest, chosen, replace(chosen, id=9000)],
        "nobody sent": [*history.kept, Kept("stranger", "print", 9001)],
    }
    if was_heard:
        spoiled["now 9002"] = [*rest, replace(chosen, id=9002)]
    for word, found in spoiled.items():
        truth = compare(history.writes, found, history.cut)
        assert any(word in offence for offence in truth.offences), word
        assert not truth.is_whole


@given(histories())
def test_order_is_judged_only_where_a_client_could_know_it(history: History) -> None:
    """Against a reading of every pair that is too simple to be wrong."""
    backwards = [replace(one, id=10_000 - one.id) for one in history.kept]
    writes = [replace(one, id=None if one.id is None else 10_000 - one.id) for one in history.writes]
    found = compare(writes, backwards, history.cut).disordered
    there = {one.key: one.id for one in backwards}
    late = {
        b.key
        for b in writes
        if b.key in there
        and any(
            a.key in there
            and a.outcome is Outcome.ACKNOWLEDGED
            and a.answered_s is not None
            and a.answered_s < b.sent_s
            and there[a.key] > there[b.key]
            for a in writes
        )
    }
    assert {key for _, key in found} == late


def cut_at(onset_s: float, resumed_s: float) -> Cut:
    return Cut(onset_s, resumed_s)


def test_ids_that_begin_again_are_named_also_where_their_first_holder_is_lost() -> None:
    old = [write(number, float(number), 0.1) for number in range(5)]
    new = [replace(write(10 + number, 20.0 + number, 0.1), id=old[3 + number].id) for number in range(2)]
    truth = compare([*old, *new], [kept(one) for one in (*old[:3], *new)], cut_at(10, 15))
    assert [one.key for one in truth.lost] == ["w3", "w4"]
    assert truth.reused == ((304, ("w3", "w10")), (305, ("w4", "w11")))
    assert "ids given more than once" in truth.offences[0]


def test_a_write_that_is_gone_although_it_came_after_the_recovery_is_no_cost_of_going_back() -> None:
    writes = [write(0, 0, 0.1), write(1, 20, 0.1)]
    truth = compare(writes, [kept(writes[0])], cut_at(10, 15))
    assert truth.lost == ()
    assert [one.key for one in truth.holes] == ["w1"]


def test_what_was_taken_after_the_onset_and_lost_counts_from_the_oldest_to_the_newest() -> None:
    """A table was dropped at 10 s; other writes were taken for 30 s more, and the recovery went back to 10 s."""
    writes = [write(number, float(number), 0.5) for number in range(40)]
    truth = compare(writes, [kept(one) for one in writes[:10]], cut_at(10, 60))
    assert truth.rpo_s == pytest.approx(39.5 - 10.5)


def test_a_refused_write_that_is_there_was_invented() -> None:
    refused = write(0, 0, 0.1, Outcome.REFUSED)
    truth = compare([refused], [kept(refused)], cut_at(10, 15))
    assert truth.invented == (kept(refused),)


def test_silence_before_the_onset_is_told() -> None:
    writes = [write(0, 0, 0.5), write(1, 1, 0.5)]
    truth = compare(writes, [kept(one) for one in writes], cut_at(60, 65))
    assert truth.rpo_s == 0
    assert truth.resolution_s == pytest.approx(58.5)


def test_nothing_acknowledged_shows_nothing() -> None:
    unsure = Write("w0", "p", 0.0)
    truth = compare([unsure], [], cut_at(10, 15))
    assert (truth.rpo_s, truth.resolution_s, truth.acknowledged) == (None, None, ())


def test_where_nothing_of_ours_is_left_the_loss_counts_from_what_was_brought_back() -> None:
    """Others wrote before we began; where one of ours is left, what came before it is there, too."""
    ours = [write(number, float(number), 0.1) for number in (10, 11, 12)]
    cut = Cut(onset_s=13.0, resumed_s=20.0, reaches_s=4.0)
    assert compare(ours, [], cut).rpo_s == pytest.approx(9.0)
    assert compare(ours, [kept(ours[0])], cut).rpo_s == pytest.approx(13.0 - 11.1)
    assert compare(ours, [kept(one) for one in ours], cut).rpo_s == 0
    assert compare(ours, [], replace(cut, reaches_s=12.5)).rpo_s == pytest.approx(13.0 - 10.1)
