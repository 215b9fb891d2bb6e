"""Takes out what was put in: from the ledger, or from the marks on the platform alone, as often as it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from fixtures.clock import Clock, SystemClock
from fixtures.evidence import NoEvidence
from fixtures.ledger import Entry, Ledger, now, undone_in_order
from fixtures.platforms.changes import PLATFORM_WIDE, Changes, Conflict, Json, Ref, Rejected
from scenarios.faults.acts import MARK, Act, Hands, HealFailed, Hold, Make, Say, Undone, act_of, notes_of
from scenarios.faults.radius import has_opted_in

# What is made under one name in a side's namespace, of kinds that nobody lists.
EXPIRED = "verdigris-expired"  # the secret with a certificate that has ended
BY_NAME = (Ref("Secret", "", EXPIRED),)
RETRY_S = 0.1
SETTLES_S = 0.5  # a call whose caller was killed has arrived by then, or never will
TROUBLE = (NoEvidence, Conflict, Rejected, HealFailed, OSError)


@dataclass(frozen=True)
class Healed:
    """What became of one entry. `failed` says why it is still there, and is empty where it is not."""

    entry: Entry
    outcome: Undone | None
    failed: str = ""

    @property
    def text(self) -> str:
        act = _readable(self.entry)
        touched = act.ref if act else "something that is not named"
        became = f"NOT HEALED: {self.failed}" if self.failed else str(self.outcome)
        return f"{self.entry.fault} on {touched}: {became}"


class Healer:
    """`within_s`: how long an entry is tried, should its heal fail at first."""

    def __init__(self, hands: Hands, ledger: Ledger, within_s: float = 5.0, clock: Clock | None = None):
        self._hands, self._ledger = hands, ledger
        self._within_s, self._clock = within_s, clock or SystemClock()

    def heal(self, entry: Entry) -> Healed:
        """Settled in the ledger only when it was undone. Never raises what the platform raises."""
        begun = self._clock.now()
        while True:
            try:
                outcome = act_of(entry.act).undo(self._hands, entry)
                self._ledger.settle(entry.id)
            except (*TROUBLE, ValueError) as error:
                if self._clock.now() - begun >= self._within_s or isinstance(error, ValueError):
                    return Healed(entry, None, f"{type(error).__name__}: {error}")
                self._clock.sleep(RETRY_S)
            else:
                return Healed(entry, outcome)

    def heal_all(self, entries: Iterable[Entry]) -> list[Healed]:
        """Each of them, the last first, whatever becomes of the others."""
        return [self.heal(entry) for entry in undone_in_order(list(entries))]

    def heal_of_killed(self, entries: Callable[[], list[Entry]]) -> list[Healed]:
        """What a killed runner left: looked at twice, because its last call may still have been on its way."""
        found = {one.entry.id: one for one in self.heal_all(entries())}
        # An edit that was on its way is fenced off; an object can still appear, and a store still obey: once more.
        late = [one.entry for one in found.values() if _may_come_late(one)]
        if late:
            self._clock.sleep(SETTLES_S)
            found |= {one.entry.id: one for one in self.heal_all(late) if one.outcome is not Undone.CLEAN}
        return list(found.values())


def _readable(entry: Entry) -> Act | None:
    """None of an act that only another version knows."""
    try:
        return act_of(entry.act)
    except ValueError:
        return None


def _may_come_late(healed: Healed) -> bool:
    act = _readable(healed.entry)
    return isinstance(act, Say | Hold) or (isinstance(act, Make) and healed.outcome is Undone.CLEAN)


def marks(objects: Changes) -> list[Entry]:
    """Every entry that an object of the platform carries, the last first; the ledger is not asked.

    A mark that cannot be read raises ValueError: something is left behind, and nobody can tell what.
    """
    found: dict[str, Entry] = {}
    for kind, one in _everything(objects):
        for key, text in notes_of(one).items():
            if key.startswith(MARK):
                found[key] = _entry(Ref.of(kind, one), text)
    return undone_in_order(list(found.values()))


def _everything(objects: Changes) -> Iterator[tuple[str, Json]]:
    """What a fault can have touched: in no namespace, and in those that let it. Nobody need see more."""
    kinds = objects.change_kinds()
    for kind in kinds:
        if kind in PLATFORM_WIDE:
            yield from ((kind, one) for one in objects.list_objects(kind))
    for space in filter(has_opted_in, objects.list_objects("Namespace")):
        name = space["metadata"]["name"]
        for kind in kinds:
            if kind not in PLATFORM_WIDE:
                yield from ((kind, one) for one in objects.list_objects(kind, name))
        for ref in BY_NAME:
            if (one := objects.read_object(replace(ref, namespace=name))) is not None:
                yield ref.kind, one


def _entry(ref: Ref, text: str) -> Entry:
    try:
        entry = Entry.read(text)
        act_of(entry.act)
    except ValueError as error:
        raise ValueError(f"{ref} carries a mark that cannot be read: {error}") from error
    return entry


def left_behind(objects: Changes, ledger: Ledger) -> list[Entry]:
    """What neither its runner nor a watchdog of its own takes out any more: whose runner is dead, or whose time is up.

    Of a runner on another machine only the time can tell.
    """
    known = {entry.id: entry for entry in [*marks(objects), *ledger.entries()]}
    return undone_in_order([entry for entry in known.values() if is_abandoned(entry)])


def is_abandoned(entry: Entry) -> bool:
    if entry.expires <= now():
        return True
    return entry.runner.is_here and not entry.runner.is_alive
