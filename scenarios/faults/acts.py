"""What a fault does to a platform, as data: each act says what undoes it, so a heal needs the act and nothing else.

    Edit      an object is changed in place, and carries the act in an annotation, written with the change itself
    Make      an object is added, which carries it too
    Remove    a pod that somebody owns is deleted or evicted: nothing to undo, its owner makes another
    Say       a store is told something, and the opposite to undo it; the side's namespace carries the act
    Beside    a container is put beside a running pod's (guests.py)
    Hold      a store is kept at something by a connection of its own, which is ended to undo it; marked likewise

`apply` may be carried out although it raised; `undo` may be repeated, from any state that a crash can leave.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from fixtures.clock import TimedOut, wait_until
from fixtures.ledger import Entry, now
from fixtures.platforms.abilities import able
from fixtures.platforms.changes import Conflict, Evictions, Json, Ref
from scenarios.faults.edits import Change
from scenarios.faults.guests import Beside
from scenarios.faults.marking import (
    BUDGET_S,
    MARK,
    TRIES,
    Hands,
    HealFailed,
    Undone,
    annotate,
    mark,
    marked,
    notes_of,
    written,
)

__all__ = [
    "MARK",
    "Act",
    "Beside",
    "Edit",
    "Hands",
    "HealFailed",
    "Hold",
    "Make",
    "Remove",
    "Say",
    "Undone",
    "mark",
    "notes_of",
]

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
EXPIRY = "duration"  # of a spec: Chaos Mesh ends by itself what is older
ENDING = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"


class Act(Protocol):
    @property
    def ref(self) -> Ref:
        """What it touches."""
        ...

    def apply(self, hands: Hands, entry: Entry) -> None: ...

    def undo(self, hands: Hands, entry: Entry) -> Undone:
        """Raises NoEvidence where nobody answers, and HealFailed."""
        ...

    def is_out(self, hands: Hands) -> bool:
        """Whether nothing of it is there any more, read anew."""
        ...

    def as_json(self) -> Json: ...


@dataclass(frozen=True)
class Edit:
    """`uid`: of the object as it was planned for; one that took its place is not touched."""

    ref: Ref
    uid: str
    changes: tuple[Change, ...]
    act: ClassVar[Literal["edit"]] = "edit"

    @classmethod
    def plan(cls, kind: str, found: Json, *puts: tuple[tuple[str | int, ...], Any]) -> Edit:
        changes = tuple(Change.plan(found, path, put) for path, put in puts)
        return cls(Ref.of(kind, found), found["metadata"]["uid"], changes)

    def apply(self, hands: Hands, entry: Entry) -> None:
        found = hands.objects.read_object(self.ref)
        if found is None or found["metadata"]["uid"] != self.uid:
            raise Conflict(f"{self.ref} is not the one that was planned for")
        for change in self.changes:
            if not change.is_out(found):
                raise Conflict(f"{self.ref} was changed in between, at {'/'.join(map(str, change.path))}")
            change.write(found, change.put)
        annotate(found, mark(entry), entry.text)
        hands.objects.replace_object(self.ref, found)

    def undo(self, hands: Hands, entry: Entry) -> Undone:
        fenced = False
        for _ in range(TRIES):
            found = hands.objects.read_object(self.ref)
            if found is None or found["metadata"]["uid"] != self.uid:
                return Undone.GONE
            marked = mark(entry) in notes_of(found)
            outcome = self._take_out(found) if marked else Undone.CLEAN
            # Not marked: perhaps the write that puts it in is still on its way. A write of ours overtakes it for good,
            # because it carries a version that is then no longer the newest.
            annotate(found, mark(entry), None if marked else entry.text)
            try:
                hands.objects.replace_object(self.ref, found)
            except Conflict:
                continue
            if marked:
                return Undone.CLEAN if fenced and outcome is Undone.HEALED else outcome
            fenced = True
        raise HealFailed(f"{self.ref} changes so fast that {TRIES} writes came too late")

    def _take_out(self, found: Json) -> Undone:
        outcome = Undone.HEALED
        for change in reversed(self.changes):
            if change.is_in(found):
                change.write(found, change.before)
            elif not change.is_out(found):
                outcome = Undone.OVERWRITTEN
        return outcome

    def is_out(self, hands: Hands) -> bool:
        found = hands.objects.read_object(self.ref)
        if found is None or found["metadata"]["uid"] != self.uid:
            return True
        return all(change.is_out(found) for change in self.changes)

    def as_json(self) -> Json:
        changes = [change.as_json() for change in self.changes]
        return {"act": self.act, "ref": written(self.ref), "uid": self.uid, "changes": changes}


@dataclass(frozen=True)
class Make:
    ref: Ref
    body: Json = field(hash=False)
    act: ClassVar[Literal["make"]] = "make"

    def apply(self, hands: Hands, entry: Entry) -> None:
        body = {**self.body, "metadata": {**self.body.get("metadata", {})}}
        annotate(body, mark(entry), entry.text)
        if lasts_s := seconds_of(str(body.get("spec", {}).get(EXPIRY, ""))):  # then the platform ends it too
            left_s = max(1.0, min(lasts_s, math.ceil(entry.expires - now())))
            body["spec"] = {**body["spec"], EXPIRY: f"{left_s:.0f}s"}
        hands.objects.create_object(self.ref, body)

    def undo(self, hands: Hands, entry: Entry) -> Undone:
        found = hands.objects.read_object(self.ref)
        if found is None or mark(entry) not in notes_of(found):
            return Undone.CLEAN
        hands.objects.delete_object(self.ref, found["metadata"]["uid"])
        left = hands.objects.read_object(self.ref)
        if left is not None and left["metadata"]["uid"] == found["metadata"]["uid"]:
            raise HealFailed(f"{self.ref} is being deleted and still there")
        return Undone.HEALED

    def is_out(self, hands: Hands) -> bool:
        return hands.objects.read_object(self.ref) is None

    def has_ended(self, hands: Hands) -> bool:
        """Whether it is there and does no harm any more: its own time was up, or somebody stopped it. What comes to a
        conclusion of its own is waited for, and has not ended before its time then."""
        status = (hands.objects.read_object(self.ref) or {}).get("status") or {}
        said = {one["type"]: one["status"] for one in status.get("conditions") or ()}
        return said.get("AllRecovered") == "True" or status.get("engineStatus") == "stopped"

    def as_json(self) -> Json:
        return {"act": self.act, "ref": written(self.ref), "body": self.body}


@dataclass(frozen=True)
class Remove:
    """`how`: kill (at once), delete (with its time to end), evict (as its disruption budget allows)."""

    ref: Ref
    uid: str
    how: Literal["kill", "delete", "evict"] = "kill"
    act: ClassVar[Literal["remove"]] = "remove"

    def apply(self, hands: Hands, entry: Entry) -> None:  # noqa: ARG002 - what is gone cannot carry a mark
        if self.how != "evict":
            hands.objects.delete_object(self.ref, self.uid, at_once=self.how == "kill")
            return
        platform = able(hands.objects, Evictions)
        try:
            wait_until(lambda: platform.evict(self.ref), BUDGET_S, poll_s=0.3)
        except TimedOut as error:
            raise Conflict(f"{self.ref}: its disruption budget lets it not go in {BUDGET_S:.0f} s") from error

    def undo(self, hands: Hands, entry: Entry) -> Undone:  # noqa: ARG002 - its owner has done it
        return Undone.CLEAN

    def is_out(self, hands: Hands) -> bool:  # noqa: ARG002 - told by what the fault's own probe sees
        return True

    def as_json(self) -> Json:
        return {"act": self.act, "ref": written(self.ref), "uid": self.uid, "how": self.how}


@dataclass(frozen=True)
class Say:
    """`ref` is the namespace of the side whose store it is. Statements are in the store's own language."""

    ref: Ref
    store: str
    side: str
    do: tuple[str, ...]
    undone_by: tuple[str, ...]
    act: ClassVar[Literal["say"]] = "say"

    def apply(self, hands: Hands, entry: Entry) -> None:
        marked(hands.objects, self.ref, mark(entry), entry.text)
        for statement in self.do:
            hands.say(self.store, self.side, statement)

    def undo(self, hands: Hands, entry: Entry) -> Undone:
        for statement in self.undone_by:
            hands.say(self.store, self.side, statement)
        marked(hands.objects, self.ref, mark(entry), None)
        return Undone.HEALED

    def is_out(self, hands: Hands) -> bool:  # noqa: ARG002 - told by what the fault's own probe sees
        return True

    def as_json(self) -> Json:
        statements = {"do": list(self.do), "undone_by": list(self.undone_by)}
        return {
            "act": self.act,
            "ref": written(self.ref),
            "store": self.store,
            "side": self.side,
            **statements,
        }


@dataclass(frozen=True)
class Hold:
    """`statement` goes on by itself until its connection ends; `%s` in it is how many seconds it may last at most."""

    ref: Ref
    store: str
    side: str
    statement: str
    act: ClassVar[Literal["hold"]] = "hold"

    def apply(self, hands: Hands, entry: Entry) -> None:
        marked(hands.objects, self.ref, mark(entry), entry.text)
        left_s = max(1, math.ceil(entry.expires - now()))
        hands.hold(self.store, self.side, self.statement.replace("%s", str(left_s)), held_by(entry))

    def undo(self, hands: Hands, entry: Entry) -> Undone:
        hands.say(self.store, self.side, ENDING.format(name=held_by(entry)))
        marked(hands.objects, self.ref, mark(entry), None)
        return Undone.HEALED

    def is_out(self, hands: Hands) -> bool:  # noqa: ARG002 - told by what the fault's own probe sees
        return True

    def as_json(self) -> Json:
        told = {"store": self.store, "side": self.side, "statement": self.statement}
        return {"act": self.act, "ref": written(self.ref), **told}


def held_by(entry: Entry) -> str:
    """The name of the connection that holds a store."""
    return f"verdigris-{entry.id}"


def seconds_of(duration: str) -> float:
    """Of a duration as Chaos Mesh writes it, 1m30s; 0 where it is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", duration)
    if "".join(number + unit for number, unit in parts) != duration:
        return 0.0
    return sum(float(number) * UNITS_S[unit] for number, unit in parts)


def act_of(found: Mapping[str, Any]) -> Act:
    """From its JSON. Raises ValueError."""
    try:
        ref = Ref(**found["ref"])
        match found["act"]:
            case "edit":
                return Edit(ref, found["uid"], tuple(map(Change.of_json, found["changes"])))
            case "make":
                return Make(ref, found["body"])
            case "remove":
                return Remove(ref, found["uid"], found["how"])
            case "say":
                do, undone_by = tuple(found["do"]), tuple(found["undone_by"])
                return Say(ref, found["store"], found["side"], do, undone_by)
            case "beside":
                return Beside(ref, found["uid"], found["container"])
            case "hold":
                return Hold(ref, found["store"], found["side"], found["statement"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an act: {error}") from error
    raise ValueError(f"not an act: {found['act']!r}")
