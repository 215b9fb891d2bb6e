"""What a driven release changes stands in the ledger first, with how it was found: should its run be killed, a watchdog
puts it back. What is changed again is written down anew; what is as it was found again is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fixtures.clock import Clock
from fixtures.evidence import Missing, NoEvidence
from fixtures.ledger import Entry, Ledger, Runner, now
from fixtures.platforms.changes import Changes, Conflict, Json, Ref, Rejected
from scenarios.faults.acts import Edit, Hands, Make, mark
from scenarios.faults.edits import ABSENT, Change
from scenarios.faults.healing import Healer, left_behind
from scenarios.faults.place import Place
from scenarios.faults.site import Watchdog
from scenarios.faults.standby import Standby
from scenarios.release.within import Path, differing, put, unmarked

NAME = "release"
TRIES = 5  # a controller writes to the same objects all the time


class NotPutBack(NoEvidence):
    """What an earlier run left behind could not be put back: nothing is begun on top of it."""


@dataclass
class _Held:
    """An object that is not as it was found: what was where we wrote, and the entries that tell of it."""

    found: dict[Path, Any] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)


class Undoable:
    """A platform's Changes, of which every object that is replaced can be put back by another process.

    Raises LedgerFailed and Unwatched before anything is done.
    """

    def __init__(self, changes: Changes, ledger: Ledger, watchdog: Watchdog, lasts_s: float) -> None:
        """`lasts_s`: after so long, what still stands is put back although its run is alive."""
        self._changes, self._ledger, self._watchdog, self._lasts_s = changes, ledger, watchdog, lasts_s
        self._runner, self._numbers = Runner.me(), count()
        self._held: dict[Ref, _Held] = {}
        self._made: dict[Ref, Entry] = {}
        self._is_kept = False
        self._ours: set[str] = (
            set()
        )  # ids of entries: a fault's mark on the same object is not ours to take away

    # --- Changes -----------------------------------------------------------------------------------------------------
    def change_kinds(self) -> Sequence[str]:
        return self._changes.change_kinds()

    def read_object(self, ref: Ref) -> Json | None:
        return self._changes.read_object(ref)

    def list_objects(self, kind: str, namespace: str = "") -> Sequence[Json]:
        return self._changes.list_objects(kind, namespace)

    def create_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        return self._changes.create_object(ref, body)

    def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
        self._changes.delete_object(ref, uid, at_once)

    def replace_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        bare = unmarked(body, self._ours)
        seen = None if self._is_kept else self._changes.read_object(ref)
        if seen is None or seen["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            return self._changes.replace_object(ref, bare)  # which says what is wrong with it
        held = self._held.setdefault(ref, _Held())
        if entry := self._recorded(ref, held, unmarked(seen, self._ours), bare):
            bare = put(bare, ("metadata", "annotations", mark(entry)), entry.text)
        try:
            made = self._changes.replace_object(ref, bare)
        except (Conflict, Rejected):  # of anything else nobody knows whether it was carried out
            if entry:
                held.entries.remove(entry)
                self._ledger.settle(entry.id)
            raise
        for old in [one for one in held.entries if one is not entry]:
            held.entries.remove(old)
            self._ledger.settle(old.id)
        return made

    def make_object(self, ref: Ref, body: Json) -> None:
        """One that was not there, and is not to stay: `unmake` takes it away again, or whoever comes after a kill."""
        self._watchdog.must_live()
        act, began = Make(ref, body), now()
        entry = Entry(NAME, act.as_json(), self._runner, began, began + self._lasts_s, next(self._numbers))
        self._ledger.open(entry)
        self._made[ref] = entry
        act.apply(self._hands, entry)

    def unmake(self) -> None:
        """What was made is gone. Raises NoEvidence, HealFailed: then it is the watchdog's."""
        for ref, entry in list(self._made.items()):
            Make(ref, {}).undo(self._hands, entry)
            self._ledger.settle(entry.id)
            del self._made[ref]

    @property
    def _hands(self) -> Hands:
        def silent(store: str, side: str, statement: str) -> None:
            raise Missing(f"a release tells {store} of {side} nothing, such as {statement}")

        return Hands(self._changes, silent)

    def _recorded(self, ref: Ref, held: _Held, seen: Json, body: Json) -> Entry | None:
        """None where the object will be as it was found."""
        for path in differing(seen, body):
            held.found.setdefault(path, Change(path, ABSENT, ABSENT).read(seen))
        written = (
            Change(path, before, Change(path, before, ABSENT).read(body))
            for path, before in held.found.items()
        )
        changes = tuple(one for one in written if one.put != one.before)
        if not changes:
            return None
        self._watchdog.must_live()
        act, began = Edit(ref, seen["metadata"]["uid"], changes), now()
        entry = Entry(NAME, act.as_json(), self._runner, began, began + self._lasts_s, next(self._numbers))
        self._ledger.open(entry)
        self._ours.add(entry.id)
        held.entries.append(entry)
        return entry

    # --- the end -----------------------------------------------------------------------------------------------------
    def keep(self) -> None:
        """What stands now is to stay, and so is whatever is written from now on. Raises NoEvidence where nobody
        answers: then nothing is let go, and all of it will be put back."""
        for ref, entry in self._made.items():  # what was made stays too
            self._held.setdefault(ref, _Held()).entries.append(entry)
            self._ours.add(entry.id)
        self._made.clear()
        left = [ref for ref, held in self._held.items() if held.entries]
        for ref in left:
            self._changes.read_object(ref)
        self._is_kept = True
        # Settled before the marks go: an entry without its mark is taken for one that was never put in, or may be yet.
        for held in self._held.values():
            for entry in held.entries:
                self._ledger.settle(entry.id)
        for ref in left:
            self._unmark(ref)
        self._held.clear()

    def _unmark(self, ref: Ref) -> None:
        for _ in range(TRIES):
            found = self._changes.read_object(ref)
            if found is None or unmarked(found, self._ours) == found:
                return
            try:
                self._changes.replace_object(ref, unmarked(found, self._ours))
            except Conflict:
                continue
            return
        raise Conflict(f"{ref} changes so fast that {TRIES} writes came too late")


@contextmanager
def undoable(
    changes: Changes,
    place: Place,
    lasts_s: float,
    say: Callable[[str], None],
    watchdog: Watchdog | None = None,
) -> Iterator[Undoable]:
    """With a watchdog beside it, or the one that stands by already: one of our own would, when we leave, take out what
    else this process has in. What an earlier run left behind is put back first, and said. Raises NotPutBack."""
    with place.opened() as hands:
        put_back(hands, place.ledger, say)
    if watchdog is not None:
        yield Undoable(changes, place.ledger, watchdog, lasts_s)
        return
    with Standby(place) as standby:
        yield Undoable(changes, place.ledger, standby, lasts_s)


def put_back(hands: Hands, ledger: Ledger, say: Callable[[str], None], clock: Clock | None = None) -> None:
    """What runs that are dead have left. Raises NotPutBack."""
    for one in Healer(hands, ledger, clock=clock).heal_all(left_behind(hands.objects, ledger)):
        say(f"an earlier run was killed and left this behind: {one.text}")
        if one.failed:
            raise NotPutBack(f"{one.text}; python -m scenarios.faults heal")
