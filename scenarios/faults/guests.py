"""An act that cannot be taken back by itself: a container put beside those of a running pod, where it stays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from fixtures.clock import TimedOut, wait_until
from fixtures.ledger import Entry, now
from fixtures.platforms.abilities import able
from fixtures.platforms.changes import Conflict, Evictions, Guests, Json, Ref
from scenarios.faults.marking import BUDGET_S, Hands, HealFailed, Undone, mark, marked, notes_of, written

PREFIX = "verdigris-"  # of its name; then the entry's id
LEFT = "$left"  # in its arguments: how many seconds it may run at most


@dataclass(frozen=True)
class Beside:
    """`container`: without a name. It ends by itself when its time is up; to end it before, its pod is asked to leave,
    as its disruption budget allows, and the pod's owner makes another."""

    ref: Ref
    uid: str
    container: Json = field(hash=False)
    act: ClassVar[Literal["beside"]] = "beside"

    def apply(self, hands: Hands, entry: Entry) -> None:
        if self._pod(hands) is None:
            raise Conflict(f"{self.ref} is not the one that was planned for")
        marked(hands.objects, self.ref, mark(entry), entry.text)
        found = self._pod(hands)
        if found is None or mark(entry) not in notes_of(found):
            raise Conflict(f"{self.ref} changed in between")
        left_s = str(max(1, math.ceil(entry.expires - now())))
        arguments = [one.replace(LEFT, left_s) for one in self.container["args"]]
        able(hands.objects, Guests).add_guest(
            found, {**self.container, "name": name_of(entry), "args": arguments}
        )

    def undo(self, hands: Hands, entry: Entry) -> Undone:
        found, name = self._pod(hands), name_of(entry)
        if found is None:
            return Undone.GONE
        if not _is_in(found, name):
            # Perhaps it is on its way. A write of ours overtakes it: it carries a version that is no longer the newest.
            if mark(entry) not in notes_of(found):
                marked(hands.objects, self.ref, mark(entry), entry.text)
            marked(hands.objects, self.ref, mark(entry), None)
            found = self._pod(hands)
            if found is None or not _is_in(found, name):
                return Undone.CLEAN
        if runs(found, name):
            self._leave(hands)
        else:
            marked(hands.objects, self.ref, mark(entry), None)
        return Undone.HEALED

    def _leave(self, hands: Hands) -> None:
        platform = able(hands.objects, Evictions)
        try:
            wait_until(lambda: self._pod(hands) is None or platform.evict(self.ref), BUDGET_S, poll_s=0.3)
            wait_until(lambda: self._pod(hands) is None, BUDGET_S, poll_s=0.3)
        except TimedOut as error:
            raise HealFailed(
                f"{self.ref} is asked to leave, and still there {error.waited_s:.0f} s later"
            ) from error

    def is_out(self, hands: Hands) -> bool:
        """No container of ours runs in that pod."""
        found = self._pod(hands)
        names = [one["name"] for one in (found or {}).get("spec", {}).get("ephemeralContainers") or ()]
        return not any(runs(found, name) for name in names if name.startswith(PREFIX))

    def has_ended(self, hands: Hands) -> bool:
        """Whether its own time was up, or its pod went."""
        return self.is_out(hands)

    def _pod(self, hands: Hands) -> Json | None:
        found = hands.objects.read_object(self.ref)
        return found if found is not None and found["metadata"]["uid"] == self.uid else None

    def as_json(self) -> Json:
        return {"act": self.act, "ref": written(self.ref), "uid": self.uid, "container": self.container}


def name_of(entry: Entry) -> str:
    return PREFIX + entry.id


def runs(pod: Json | None, name: str) -> bool:
    """Whether a container that was put beside is there and has not ended, as far as the platform has said yet."""
    if pod is None or not _is_in(pod, name):
        return False
    states = pod.get("status", {}).get("ephemeralContainerStatuses") or ()
    return not any(one["name"] == name and "terminated" in one["state"] for one in states)


def _is_in(pod: Json, name: str) -> bool:
    return any(one["name"] == name for one in pod["spec"].get("ephemeralContainers") or ())
