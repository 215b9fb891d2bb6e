"""Whatever happens on the way, a fault leaves nothing behind that was not there before."""

from __future__ import annotations

import copy
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.clock import Clock
from fixtures.evidence import Unreachable
from fixtures.ledger import Ledger, LedgerFailed
from fixtures.platforms.changes import Changes, Json, Ref
from scenarios.faults.acts import MARK, Act, Edit, Hands, HealFailed, Make, Undone
from scenarios.faults.healing import Healer, left_behind, marks
from scenarios.faults.radius import BlastRadius, Plan
from scenarios.faults.site import DidNotBite, Site, Unwatched, essence
from tests.faults.shelf import Dying, Killed, Shelf

SPACE, CLOSED = Ref("Namespace", "", "shop"), Ref("Namespace", "", "other")
WEB, ROUTE, DENY = (
    Ref("Deployment", "shop", "web"),
    Ref("VirtualService", "shop", "web"),
    Ref("NetworkPolicy", "shop", "x"),
)


class Watched:
    def must_live(self) -> None:
        pass


class Quick:
    """A clock that goes when it is asked to wait."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def shelf() -> Shelf:
    made = Shelf()
    made.put(SPACE, metadata={"labels": {"verdigris.dev/chaos": "allowed"}})
    made.put(CLOSED)
    made.put(
        WEB, metadata={"annotations": {"owner": "us"}}, spec={"replicas": 2, "template": {"image": "a:1"}}
    )
    made.put(ROUTE, spec={"http": [{"route": [{"weight": 95}, {"weight": 5}]}]})
    return made


def state(objects: Shelf) -> dict[Ref, Json | None]:
    return {ref: essence(copy.deepcopy(one)) for ref, one in objects.objects.items()}


@dataclass
class Harm:
    """Scales to zero, delays, and cuts off: an edit of each sort, and an object made."""

    objects: Shelf
    name: str = "harm"
    bites_s: float = 1.0
    over_s: float = 30.0
    felt: bool = True
    before: bool = False
    lasts: bool = False  # its effect goes on, whatever is healed

    def plan(self) -> Plan:
        web, route = self.objects.read_object(WEB), self.objects.read_object(ROUTE)
        assert web is not None
        assert route is not None
        acts: tuple[Act, ...] = (
            Edit.plan("Deployment", web, (("spec", "replicas"), 0), (("spec", "paused", "why"), "x")),
            Edit.plan("VirtualService", route, (("spec", "http", 0, "fault"), {"delay": "2s"})),
            Make(DENY, {"spec": {"podSelector": {}}}),
        )
        return Plan(acts, ("web-1",), 2)

    def effect(self) -> str:
        is_in = self.objects.objects[WEB]["spec"]["replicas"] == 0
        return "web has no pods" if self.before or (self.felt and is_in) else ""

    def is_over(self) -> bool:
        return not self.lasts


def site(objects: Changes, folder: Path, clock: Clock | None = None) -> Site:
    def say(*_: str) -> None:
        raise AssertionError("no store here")

    return Site(Hands(objects, say), Ledger(folder), Watched(), clock or Quick())


def test_a_fault_is_in_while_it_is_in_and_out_afterwards(tmp_path: Path) -> None:
    objects = shelf()
    before, here = state(objects), site(objects, tmp_path)
    with here.inject(Harm(objects), BlastRadius()) as injection:
        assert objects.objects[WEB]["spec"] == {
            "replicas": 0,
            "template": {"image": "a:1"},
            "paused": {"why": "x"},
        }
        assert objects.objects[ROUTE]["spec"]["http"][0]["fault"] == {"delay": "2s"}
        assert DENY in objects.objects
        assert len(here.ledger.entries()) == len(marks(objects)) == 3
        assert injection.effect == "web has no pods"
    assert state(objects) == before
    assert here.ledger.entries() == marks(objects) == []
    assert [one.outcome for one in injection.outcomes] == [Undone.HEALED] * 3
    assert injection.began <= injection.bit <= injection.healing <= injection.healed


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


def test_nothing_is_touched_before_the_ledger_is_written(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    (tmp_path / "ledger").write_text("a file where the folder is to be")
    with pytest.raises(LedgerFailed), site(objects, tmp_path / "ledger").inject(Harm(objects), BlastRadius()):
        pass
    assert state(objects) == before


def test_a_fault_that_changes_nothing_is_said_so_and_taken_out(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    with (
        pytest.raises(DidNotBite, match="nothing changed"),
        site(objects, tmp_path).inject(Harm(objects, felt=False), BlastRadius()),
    ):
        pass
    assert state(objects) == before


def test_an_effect_that_is_there_before_proves_nothing(tmp_path: Path) -> None:
    objects = shelf()
    before, here = copy.deepcopy(objects.objects), site(objects, tmp_path)
    with (
        pytest.raises(DidNotBite, match="without it"),
        here.inject(Harm(objects, before=True), BlastRadius()),
    ):
        pass
    assert objects.objects == before


def test_an_exception_within_is_passed_on_and_everything_healed(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    with pytest.raises(ZeroDivisionError), site(objects, tmp_path).inject(Harm(objects), BlastRadius()):
        raise ZeroDivisionError
    assert state(objects) == before


def test_a_heal_that_fails_three_times_is_tried_until_it_holds(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    failures = [3]

    class Flaky(Dying):
        def replace_object(self, ref: Ref, body: Any) -> Json:
            if (
                not any(key.startswith(MARK) for key in body["metadata"].get("annotations", {}))
                and failures[0]
            ):
                failures[0] -= 1
                raise Unreachable("500")
            return objects.replace_object(ref, body)

    with site(Flaky(objects, 999, False), tmp_path).inject(Harm(objects), BlastRadius()):
        pass
    assert failures == [0]
    assert state(objects) == before


def test_what_cannot_be_healed_is_shouted_and_kept_and_the_rest_is_healed(tmp_path: Path) -> None:
    objects = shelf()

    class Stuck(Dying):
        def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
            raise Unreachable("no")

    here = site(Stuck(objects, 999, False), tmp_path)
    with pytest.raises(HealFailed, match="NetworkPolicy shop/x"), here.inject(Harm(objects), BlastRadius()):
        pass
    assert [one.act["act"] for one in here.ledger.entries()] == ["make"]
    assert objects.objects[WEB]["spec"]["replicas"] == 2


def test_a_heal_that_does_not_heal_is_shouted(tmp_path: Path) -> None:
    objects = shelf()
    with (
        pytest.raises(HealFailed, match="harm was taken out, and is felt 30 s later"),
        site(objects, tmp_path).inject(Harm(objects, lasts=True), BlastRadius()),
    ):
        pass


def test_an_object_that_is_kept_from_going_is_shouted(tmp_path: Path) -> None:
    """As by somebody's finalizer."""
    objects = shelf()

    class Kept(Dying):
        def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
            objects.objects[ref]["metadata"]["deletionTimestamp"] = "2025"

    here = site(Kept(objects, 999, False), tmp_path)
    with (
        pytest.raises(HealFailed, match="is still in NetworkPolicy shop/x"),
        here.inject(Harm(objects), BlastRadius()),
    ):
        pass
    assert [one.act["act"] for one in here.ledger.entries()] == ["make"]


def test_what_somebody_else_put_there_meanwhile_is_left_and_told(tmp_path: Path) -> None:
    objects = shelf()
    with site(objects, tmp_path).inject(Harm(objects), BlastRadius()) as injection:
        theirs = objects.read_object(WEB)
        assert theirs is not None
        theirs["spec"]["replicas"] = 5
        theirs["metadata"]["managedFields"] = [{"manager": "horizontal-pod-autoscaler", "time": "2025"}]
        objects.replace_object(WEB, theirs)
    assert objects.objects[WEB]["spec"]["replicas"] == 5
    assert [one.entry.act["ref"]["name"] for one in injection.overwritten] == ["web"]
    assert injection.touched_by_others == ["Deployment shop/web, by horizontal-pod-autoscaler"]


def test_changes_of_others_beside_the_fault_stay(tmp_path: Path) -> None:
    """A canary goes on while its route is being delayed."""
    objects = shelf()
    with site(objects, tmp_path).inject(Harm(objects), BlastRadius()) as injection:
        theirs = objects.read_object(ROUTE)
        assert theirs is not None
        theirs["spec"]["http"][0]["route"] = [{"weight": 75}, {"weight": 25}]
        objects.replace_object(ROUTE, theirs)
    assert objects.objects[ROUTE]["spec"]["http"] == [{"route": [{"weight": 75}, {"weight": 25}]}]
    assert injection.overwritten == []
    assert injection.touched_by_others == ["VirtualService shop/web, by somebody"]


def test_what_ended_by_itself_before_it_was_healed_is_told(tmp_path: Path) -> None:
    objects = shelf()
    with site(objects, tmp_path).inject(Harm(objects), BlastRadius()) as injection:
        objects.objects[DENY]["status"] = {"conditions": [{"type": "AllRecovered", "status": "True"}]}
    assert injection.early == ["NetworkPolicy shop/x, which ended by itself"]


def test_what_was_taken_out_from_elsewhere_is_told(tmp_path: Path) -> None:
    objects = shelf()
    before, here = state(objects), site(objects, tmp_path)
    with here.inject(Harm(objects), BlastRadius()) as injection:
        here.abort()
        assert state(objects) == before
    assert injection.early == ["NetworkPolicy shop/x", "VirtualService shop/web", "Deployment shop/web"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_healing_waits_until_it_is_done(tmp_path: Path, number: signal.Signals) -> None:
    objects = shelf()
    before = state(objects)

    class Signalled(Dying):
        def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
            os.kill(os.getpid(), number)
            objects.delete_object(ref, uid)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    was = signal.signal(number, end)
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            site(Signalled(objects, 999, False), tmp_path).inject(Harm(objects), BlastRadius()),
        ):
            pass
    finally:
        signal.signal(number, was)
    assert state(objects) == before
    assert Ledger(tmp_path).entries() == []


def test_without_a_watchdog_nothing_is_put_in(tmp_path: Path) -> None:
    class Alone:
        def must_live(self) -> None:
            raise Unwatched("gone")

    objects = shelf()
    before = state(objects)
    here = site(objects, tmp_path)
    here.watchdog = Alone()
    with pytest.raises(Unwatched), here.inject(Harm(objects), BlastRadius()):
        pass
    assert state(objects) == before


def test_only_what_nobody_stands_by_is_left_behind(tmp_path: Path) -> None:
    objects = shelf()
    here = site(objects, tmp_path)
    with here.inject(Harm(objects), BlastRadius()):
        assert left_behind(objects, here.ledger) == []
        elsewhere = Ledger(tmp_path / "other")
        for one in here.ledger.entries():
            elsewhere.open(replace(one, runner=replace(one.runner, pid=1, started="0"), id=f"{one.id}0"))
        assert len(left_behind(objects, elsewhere)) == 3
    with here.inject(Harm(objects), BlastRadius(), expires_s=-1):
        assert len(left_behind(objects, here.ledger)) == 3
