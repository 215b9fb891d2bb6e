"""Whatever happens on the way, a fault leaves nothing behind that was not there before."""

from __future__ import annotations

import copy
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import Unreachable
from fixtures.ledger import Ledger, LedgerFailed
from fixtures.platforms.changes import Json, Ref
from scenarios.faults.acts import MARK, HealFailed, Undone
from scenarios.faults.healing import left_behind, marks
from scenarios.faults.radius import BlastRadius
from scenarios.faults.site import DidNotBite, Unwatched
from tests.faults.harm import DENY, ROUTE, WEB, Harm, shelf, site, state
from tests.faults.shelf import Dying


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
        pytest.raises(DidNotBite, match=r"nothing changed in .* s: 1 of 2 pods is at 3%"),
        site(objects, tmp_path).inject(
            Harm(objects, felt=False, short="1 of 2 pods is at 3%"), BlastRadius()
        ),
    ):
        pass
    assert state(objects) == before


def test_a_fault_that_nobody_can_look_at_says_why(tmp_path: Path) -> None:
    objects = shelf()
    before = state(objects)
    with (
        pytest.raises(DidNotBite, match="as far as can be seen: Prometheus does not answer"),
        site(objects, tmp_path).inject(Harm(objects, hidden=True), BlastRadius()),
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
        pytest.raises(HealFailed, match="is felt 30 s later: web: 0 of 2 are available"),
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
