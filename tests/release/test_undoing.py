"""A release that is killed, at whatever moment, is put back by its ledger; one that ends leaves nothing to undo."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import Unreachable
from fixtures.ledger import Entry, Ledger
from fixtures.platforms.argo_cd import ArgoCd, Switch
from fixtures.platforms.changes import Changes, Conflict, Json, Ref
from fixtures.platforms.istio import Istio
from scenarios.faults.acts import MARK, Hands, notes_of
from scenarios.faults.healing import Healer
from scenarios.faults.site import Unwatched
from scenarios.release.fleet import Fleet
from scenarios.release.undoing import NotPutBack, Undoable, put_back
from tests.release.worlds import BLUE, GREEN, FakeClock, FakePlatform, deployment, namespace, virtual_service

CANARY = Ref("VirtualService", BLUE, "canary")


class Killed(BaseException):
    """Nothing that a process does after SIGKILL is done."""


class Doom:
    """Counts what is done; nothing is, from the given moment on."""

    def __init__(self, at: int) -> None:
        self.at, self.done = at, 0

    def passes(self) -> None:
        if self.done == self.at:
            raise Killed
        self.done += 1


class Mortal(FakePlatform):
    doom = Doom(-1)

    def create_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        metadata = {"namespace": ref.namespace, "name": ref.name, "resourceVersion": "1", "uid": str(ref)}
        self.objects[ref] = {**body, "metadata": {**body["metadata"], **metadata}}
        return self.objects[ref]

    def replace_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        self.doom.passes()
        made = super().replace_object(ref, body)
        self.doom.passes()
        return made


@dataclass(frozen=True)
class MortalLedger(Ledger):
    doom: Doom

    def open(self, entry: Entry) -> None:
        self.doom.passes()
        super().open(entry)

    def settle(self, id: str) -> None:
        self.doom.passes()
        super().settle(id)


class Awake:
    def must_live(self) -> None:
        """It does."""


class Gone:
    def must_live(self) -> None:
        raise Unwatched("the watchdog has ended")


def world() -> Mortal:
    sides = [deployment(side, name) for side in (BLUE, GREEN) for name in ("gate", "till")]
    return Mortal(("VirtualService", virtual_service()), *sides, namespace(BLUE), namespace(GREEN))


def essence(platform: FakePlatform) -> dict[Ref, tuple[Any, Any]]:
    """What objects say, and what is noted on them."""
    return {ref: (body.get("spec"), dict(notes_of(body))) for ref, body in platform.objects.items()}


def released(platform: Mortal, ledger: Ledger) -> Undoable:
    """Up to all users on green and blue small and marked; then back, and green gone."""
    changes = Undoable(platform, ledger, Awake(), 3600)
    router, blue = Istio(changes, BLUE, GREEN), Fleet(platform, BLUE, FakeClock(), changes)
    green = Fleet(platform, GREEN, FakeClock(), changes)
    for share in (0.05, 0.25, 1.0):
        router.shift(router.read(), share)
    blue.mark("2026-01-02")
    blue.scale_all(1)
    blue.scale_all(2)
    router.shift(router.read(), 0.0)
    green.scale_all(0)
    return changes


def healed(platform: Changes, folder: Path) -> None:
    ledger = Ledger(folder)
    healer = Healer(Hands(platform, lambda *_: None), ledger, clock=FakeClock())
    assert not [one.text for one in healer.heal_of_killed(ledger.entries) if one.failed]
    assert not ledger.entries()


def test_users_who_were_moved_by_what_is_delivered_are_put_back_by_it(tmp_path: Path) -> None:
    """Although the controller has written into the Application since."""
    switch = Switch("argocd", "door", {"to-blue": 0.0, "to-green": 1.0}, within_s=0.0)
    metadata = {"namespace": "argocd", "name": "door", "resourceVersion": "1", "uid": "door"}
    source, automated = {"path": "door", "targetRevision": "to-blue"}, {"automated": dict[str, str]()}
    spec = {"source": source, "syncPolicy": automated}
    platform = FakePlatform(("Application", {"metadata": metadata, "spec": spec}))
    found = essence(platform)
    router = ArgoCd(Undoable(platform, Ledger(tmp_path), Awake(), 3600), switch)
    assert router.shift(router.read(), 1.0).green == 1
    platform.change(switch.ref, "argocd", lambda body: body.update(status={"sync": {"status": "Synced"}}))
    healed(platform, tmp_path)
    assert essence(platform) == found


def test_wherever_it_is_killed_everything_is_put_back(tmp_path: Path) -> None:
    for moment in itertools.count():
        platform, doom = world(), Doom(moment)
        found = essence(platform)
        platform.doom, ledger = doom, MortalLedger(tmp_path / str(moment), doom)
        try:
            released(platform, ledger)
        except Killed:
            platform.doom = Doom(-1)
            healed(platform, ledger.folder)
            assert essence(platform) == found, f"killed at step {moment}"
        else:
            assert moment > 30
            break


def left_by_the_dead(platform: Mortal, ledger: Ledger) -> None:
    """As a run leaves it that was killed together with its watchdog."""
    released(platform, ledger)
    for entry in ledger.entries():
        ledger.open(dataclasses.replace(entry, runner=dataclasses.replace(entry.runner, started="long ago")))


def test_the_next_start_puts_back_what_nobody_has_and_says_so(tmp_path: Path) -> None:
    platform, ledger, said = world(), Ledger(tmp_path), list[str]()
    found = essence(platform)
    left_by_the_dead(platform, ledger)
    put_back(Hands(platform, lambda *_: None), ledger, said.append)
    assert essence(platform) == found
    assert (
        f"an earlier run was killed and left this behind: release on Deployment {GREEN}/gate: healed" in said
    )


def test_nothing_is_begun_on_top_of_what_cannot_be_put_back(tmp_path: Path) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    left_by_the_dead(platform, ledger)

    def others_write_all_the_time(ref: Ref) -> None:
        platform.change(ref, "somebody", lambda _: None)

    platform.meddle = others_write_all_the_time
    with pytest.raises(NotPutBack, match=r"changes so fast.*scenarios\.faults heal"):
        put_back(Hands(platform, lambda *_: None), ledger, lambda _: None, FakeClock())
    assert ledger.entries()


def test_what_is_as_it_was_found_needs_nobody_to_undo_it(tmp_path: Path) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    found = essence(platform)
    changes = released(platform, ledger)
    assert {entry.act["ref"]["kind"] for entry in ledger.entries()} == {"Deployment", "Namespace"}
    Fleet(platform, GREEN, FakeClock(), changes).scale_all(2)
    Fleet(platform, BLUE, FakeClock(), changes).mark(None)
    assert not ledger.entries()
    assert essence(platform) == found


def test_what_is_to_stay_stays_and_carries_no_mark(tmp_path: Path) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    changes = released(platform, ledger)
    assert any(key.startswith(MARK) for _, notes in essence(platform).values() for key in notes)
    changes.keep()
    assert not ledger.entries()
    assert not any(key.startswith(MARK) for _, notes in essence(platform).values() for key in notes)
    assert Fleet(platform, GREEN, FakeClock()).replicas() == {"gate": 0, "till": 0}
    changes.replace_object(CANARY, changing(platform, CANARY, virtual_service(30)["spec"]))
    assert not ledger.entries()


def test_where_nobody_answers_nothing_is_let_go(tmp_path: Path) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    changes = released(platform, ledger)
    before = ledger.entries()

    def silent(ref: Ref) -> Json | None:
        raise Unreachable("nobody answers")

    platform.read_object = silent  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        changes.keep()
    assert ledger.entries() == before


def test_without_a_watchdog_nothing_is_changed_but_for_the_way_back(tmp_path: Path) -> None:
    platform = world()
    found = essence(platform)
    changes = Undoable(platform, Ledger(tmp_path), Gone(), 3600)
    router = Istio(changes, BLUE, GREEN)
    with pytest.raises(Unwatched):
        router.shift(router.read(), 0.05)
    assert essence(platform) == found


def test_what_somebody_else_was_faster_to_change_is_not_written_down(tmp_path: Path) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    changes = Undoable(platform, ledger, Awake(), 3600)
    seen = changing(platform, CANARY, virtual_service(5)["spec"])
    taken: Callable[[Json], None] = lambda body: body.update(spec=virtual_service(40)["spec"])  # noqa: E731
    platform.meddle = lambda ref: platform.change(ref, "somebody", taken)
    with pytest.raises(Conflict):
        changes.replace_object(CANARY, seen)
    assert not ledger.entries()


def changing(platform: FakePlatform, ref: Ref, spec: Json) -> Json:
    return {**copy.deepcopy(platform.objects[ref]), "spec": spec}


def test_the_mark_of_a_fault_on_what_is_moved_is_not_taken_away(tmp_path: Path) -> None:
    """It is what another machine would heal the fault by."""
    platform, note = world(), f"{MARK}fault"
    gate = Ref("Deployment", GREEN, "gate")
    platform.change(gate, "a fault", lambda body: body["metadata"].update(annotations={note: "as it was"}))
    changes = released(platform, Ledger(tmp_path))
    marks = [key for key in notes_of(platform.objects[gate]) if key.startswith(MARK)]
    assert len(marks) == 2  # and ours
    changes.keep()
    assert dict(notes_of(platform.objects[gate])) == {note: "as it was"}


LATE = Ref("Deployment", GREEN, "late")


@pytest.mark.parametrize("ends", ["unmade", "killed"])
def test_what_was_made_goes_again_although_it_was_scaled(tmp_path: Path, ends: str) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    found = essence(platform)
    changes = Undoable(platform, ledger, Awake(), 3600)
    changes.make_object(LATE, {"metadata": {}, "spec": {"replicas": 3}})
    Fleet(platform, GREEN, FakeClock(), changes).scale({"late": 0})
    if ends == "unmade":
        changes.unmake()
    healed(platform, tmp_path)
    assert essence(platform) == found


def test_what_was_made_for_a_release_that_stays_stays_without_a_mark(tmp_path: Path) -> None:
    platform, ledger = world(), Ledger(tmp_path)
    changes = Undoable(platform, ledger, Awake(), 3600)
    changes.make_object(LATE, {"metadata": {}, "spec": {"replicas": 3}})
    changes.keep()
    changes.unmake()
    healed(platform, tmp_path)
    assert essence(platform)[LATE] == ({"replicas": 3}, {})


def test_nothing_is_made_while_nobody_watches(tmp_path: Path) -> None:
    platform = world()
    with pytest.raises(Unwatched):
        Undoable(platform, Ledger(tmp_path), Gone(), 3600).make_object(LATE, {"metadata": {}, "spec": {}})
    assert LATE not in platform.objects
