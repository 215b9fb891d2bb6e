"""What holds of every platform that can be changed, as cases: each takes a world, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fixtures.ledger import Entry, Runner, now
from fixtures.platforms.abilities import Workloads
from fixtures.platforms.changes import Changes, Conflict, Ref
from scenarios.faults.acts import Edit, Hands, Undone, notes_of
from scenarios.faults.healing import marks
from scenarios.faults.radius import BlastRadius, Forbidden, Plan, has_opted_in

Json = dict[str, Any]
LONG = "預約 {'\"} " * 200


@dataclass
class World:
    """A platform with a side in which a workload runs as many pods as `runs`, and another workload beside it.
    `scale`: somebody else, past it, has the workload run so many."""

    platform: Any
    side: str
    workload: str
    beside: str
    runs: int
    scale: Callable[[int], None]

    @property
    def ref(self) -> Ref:
        return Ref("Deployment", self.side, self.workload)

    def read(self, ref: Ref | None = None) -> Json:
        found: Json | None = self.platform.read_object(ref or self.ref)
        assert found is not None
        return found

    @property
    def hands(self) -> Hands:
        return Hands(self.platform, lambda *_: None)


def noted(found: Json, **notes: str) -> Json:
    return {**found, "metadata": {**found["metadata"], "annotations": {**notes_of(found), **notes}}}


def scaled_to_zero(world: World) -> tuple[Edit, Entry]:
    edit = Edit.plan("Deployment", world.read(), (("spec", "replicas"), 0))
    return edit, Entry("scale-to-zero", edit.as_json(), Runner.me(), now(), now() + 60)


# --- the cases ------------------------------------------------------------------------------------------------------
def it_can_be_looked_at_and_changed(world: World) -> None:
    assert isinstance(world.platform, Workloads)
    assert isinstance(world.platform, Changes)
    assert {"Namespace", "Deployment", "Pod"} <= set(world.platform.change_kinds())


def a_side_that_opted_in_says_so(world: World) -> None:
    assert has_opted_in(world.read(Ref("Namespace", "", world.side)))
    assert world.platform.read_object(Ref("Namespace", "", "nobodys-side")) is None


def a_workload_selects_its_pods_and_no_others(world: World) -> None:
    found = {one.name: one for one in world.platform.workloads(world.side)}
    mine, others = (
        {pod.name for pod in world.platform.pods(world.side, found[name].selector)}
        for name in (world.workload, world.beside)
    )
    assert len(mine) == found[world.workload].wanted == world.runs
    assert others
    assert not mine & others
    assert mine | others <= {pod.name for pod in world.platform.pods(world.side)}


def what_is_not_there_is_nothing_and_no_error(world: World) -> None:
    assert world.platform.read_object(Ref("Deployment", world.side, "nobody")) is None
    assert world.platform.list_objects("NoSuchKind") == []
    world.platform.delete_object(Ref("Pod", world.side, "nobody-1"), "any")


def what_is_listed_is_what_is_read(world: World) -> None:
    listed = {one["metadata"]["name"]: one for one in world.platform.list_objects("Deployment", world.side)}
    assert {world.workload, world.beside} <= set(listed)
    assert listed[world.workload]["spec"] == world.read()["spec"]


def a_number_is_written_and_read_back(world: World) -> None:
    found = world.read()
    changed = world.platform.replace_object(world.ref, {**found, "spec": {**found["spec"], "replicas": 0}})
    assert changed["spec"]["replicas"] == world.read()["spec"]["replicas"] == 0
    world.platform.replace_object(world.ref, {**changed, "spec": found["spec"]})
    assert world.read()["spec"] == found["spec"]


def what_somebody_else_changed_is_not_overwritten(world: World) -> None:
    found = world.read()
    world.scale(0)
    with pytest.raises(Conflict):
        world.platform.replace_object(world.ref, noted(found, mark="x"))
    assert world.read()["spec"]["replicas"] == 0
    assert "mark" not in notes_of(world.read())
    world.scale(world.runs)


def notes_of_any_length_are_kept_and_taken_off(world: World) -> None:
    for ref in (world.ref, Ref("Namespace", "", world.side)):
        before = world.read(ref)
        world.platform.replace_object(ref, noted(before, short="plain", long=LONG))
        found = world.read(ref)
        assert notes_of(found).items() >= {"short": "plain", "long": LONG}.items()
        assert found.get("spec") == before.get("spec")
        found["metadata"]["annotations"] = dict(notes_of(before))
        world.platform.replace_object(ref, found)
        assert dict(notes_of(world.read(ref))) == dict(notes_of(before))


def only_that_very_pod_is_deleted(world: World) -> None:
    (pod, *_) = world.platform.pods(world.side)
    with pytest.raises(Conflict):
        world.platform.delete_object(Ref("Pod", world.side, pod.name), "uid-of-one-that-was")
    assert pod.name in {one.name for one in world.platform.pods(world.side)}


def a_fault_is_marked_found_by_its_mark_and_healed(world: World) -> None:
    before = world.read()
    edit, entry = scaled_to_zero(world)
    edit.apply(world.hands, entry)
    assert world.read()["spec"]["replicas"] == 0
    assert [one.id for one in marks(world.platform)] == [entry.id]
    assert edit.undo(world.hands, entry) is Undone.HEALED
    assert edit.undo(world.hands, entry) is Undone.CLEAN
    assert edit.is_out(world.hands)
    assert world.read()["spec"] == before["spec"]
    assert marks(world.platform) == []


def a_heal_leaves_alone_what_somebody_else_put_in_its_place(world: World) -> None:
    edit, entry = scaled_to_zero(world)
    edit.apply(world.hands, entry)
    found = world.read()
    spec = {**found["spec"], "replicas": world.runs}
    world.platform.replace_object(world.ref, {**found, "spec": spec})
    assert edit.undo(world.hands, entry) in (Undone.HEALED, Undone.OVERWRITTEN)
    assert world.read()["spec"]["replicas"] == world.runs
    assert marks(world.platform) == []


def nothing_is_touched_beyond_the_cap_or_on_a_side_that_is_closed(world: World) -> None:
    edit, _ = scaled_to_zero(world)
    two = Plan((edit,), ("a", "b"), 2)
    BlastRadius(at_most=2).admit(two, world.platform)
    with pytest.raises(Forbidden, match="at most 1 may"):
        BlastRadius(at_most=1).admit(two, world.platform)
    closed = Edit(Ref("Deployment", "nobodys-side", "x"), "", ())
    with pytest.raises(Forbidden, match="not labelled"):
        BlastRadius().admit(Plan((closed,), ("a",), 1), world.platform)


CASES: tuple[Callable[[World], None], ...] = (
    it_can_be_looked_at_and_changed,
    a_side_that_opted_in_says_so,
    a_workload_selects_its_pods_and_no_others,
    what_is_not_there_is_nothing_and_no_error,
    what_is_listed_is_what_is_read,
    a_number_is_written_and_read_back,
    what_somebody_else_changed_is_not_overwritten,
    notes_of_any_length_are_kept_and_taken_off,
    only_that_very_pod_is_deleted,
    a_fault_is_marked_found_by_its_mark_and_healed,
    a_heal_leaves_alone_what_somebody_else_put_in_its_place,
    nothing_is_touched_beyond_the_cap_or_on_a_side_that_is_closed,
)
