"""Whenever a run is killed, and whatever was on its way then, a heal puts everything back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.ledger import Ledger
from fixtures.platforms.changes import Json, Ref
from scenarios.faults.acts import Hands, Undone
from scenarios.faults.healing import Healer, marks
from scenarios.faults.radius import BlastRadius
from tests.faults.harm import Harm, Quick, shelf, site, state
from tests.faults.shelf import Dying, Killed


@settings(max_examples=80, deadline=None)
@given(at=st.integers(1, 30), after=st.booleans(), by_marks=st.booleans())
def test_killed_at_any_call_the_state_is_as_before_once_healed(at: int, after: bool, by_marks: bool) -> None:
    """By the ledger; or on another machine, by the marks alone."""
    objects = shelf()
    before = state(objects)
    with tempfile.TemporaryDirectory() as folder:
        dying = site(Dying(objects, at, after), Path(folder))
        try:
            with dying.inject(Harm(objects), BlastRadius()):
                pass
        except Killed:
            pass
        healthy = site(objects, Path(folder) / "elsewhere" if by_marks else Path(folder))
        entries = marks(objects) if by_marks else healthy.ledger.entries()
        healed = healthy.healer.heal_all(entries)
        assert [one.failed for one in healed if one.failed] == []
        assert state(objects) == before
        assert marks(objects) == healthy.ledger.entries() == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4))
def test_a_heal_that_is_itself_killed_is_taken_up_again(deaths: list[tuple[int, bool]]) -> None:
    objects = shelf()
    before = state(objects)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with site(Dying(objects, 12, False), Path(folder)).inject(Harm(objects), BlastRadius()):
                raise Killed
        except Killed:
            pass
        for at, after in deaths:
            again = site(Dying(objects, at, after), Path(folder))
            try:
                again.healer.heal_all(again.ledger.entries())
            except Killed:
                continue
        last = site(objects, Path(folder))
        assert [one.failed for one in last.healer.heal_all(last.ledger.entries()) if one.failed] == []
        assert state(objects) == before


def test_a_write_that_was_on_its_way_when_its_runner_died_changes_nothing_any_more(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    late: list[Callable[[], object]] = []

    class Slow(Dying):
        def replace_object(self, ref: Ref, body: Any) -> Json:
            late.append(lambda: objects.replace_object(ref, body))
            self.dead = True
            raise Killed

    dying = site(Slow(objects, 99, False), tmp_path)
    with pytest.raises(Killed), dying.inject(Harm(objects), BlastRadius()):
        pass
    healer = site(objects, tmp_path).healer
    assert [one.outcome for one in healer.heal_of_killed(Ledger(tmp_path).entries)] == [Undone.CLEAN]
    with pytest.raises(Exception, match="not what was read"):
        late[0]()
    assert state(objects) == before


def test_an_object_that_was_on_its_way_is_looked_for_again(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    late: list[Callable[[], object]] = []

    class Slow(Dying):
        def create_object(self, ref: Ref, body: Any) -> Json:
            late.append(lambda: objects.create_object(ref, body))
            self.dead = True
            raise Killed

    class Late(Quick):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            for one in late:
                one()

    with pytest.raises(Killed), site(Slow(objects, 99, False), tmp_path).inject(Harm(objects), BlastRadius()):
        pass
    healer = Healer(Hands(objects, lambda *_: None), Ledger(tmp_path), clock=Late())
    outcomes = {one.entry.act["act"]: one.outcome for one in healer.heal_of_killed(Ledger(tmp_path).entries)}
    assert outcomes == {"edit": Undone.HEALED, "make": Undone.HEALED}
    assert state(objects) == before


def test_an_act_that_only_another_version_knows_is_told_of_and_keeps_no_other_from_healing(
    tmp_path: Path,
) -> None:
    objects = shelf()
    before = state(objects)
    injection = site(objects, tmp_path).inject(Harm(objects), BlastRadius())
    injection.__enter__()  # and nobody who would leave it again
    ledger = Ledger(tmp_path)
    known = ledger.entries()
    unknown = replace(known[0], act={**known[0].act, "act": "levitate"}, id="0" * 16)
    ledger.open(unknown)
    said = Healer(Hands(objects, lambda *_: None), ledger, clock=Quick()).heal_of_killed(ledger.entries)
    assert [one.text for one in said if one.failed] == [
        f"{unknown.fault} on something that is not named: NOT HEALED: ValueError: not an act: 'levitate'"
    ]
    assert len(said) == len(known) + 1
    assert ledger.entries() == [unknown]
    assert state(objects) == before
