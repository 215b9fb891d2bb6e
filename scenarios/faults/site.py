"""Puts faults in and takes them out: ledger first, effect proven, each healed on the way out and that proven too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from fixtures.clock import Clock, SystemClock, TimedOut, wait_until
from fixtures.evidence import NoEvidence
from fixtures.ledger import Entry, Ledger, Runner, now
from fixtures.platforms.changes import Json, Ref
from scenarios.faults.acts import MARK, Beside, Hands, HealFailed, Make, Remove, Undone, act_of
from scenarios.faults.healing import Healed, Healer
from scenarios.faults.radius import BlastRadius, Plan
from scenarios.faults.shield import uninterrupted

SERVERS_OWN = ("deployment.kubernetes.io/revision",)  # annotations that controllers keep
FOLLOWS_S = 3.0  # for controllers that follow what was healed: a node's taints


class DidNotBite(Exception):
    """The fault was put in and nothing changed: the experiment did not happen."""


class Unwatched(Exception):
    """Nobody stands by to heal, should this process be killed: then nothing is put in."""


class Fault(Protocol):
    """One way to harm, made for one place. `plan` reads and changes nothing."""

    name: str
    bites_s: float  # within which its effect must be seen
    short: str  # what was seen of it last, where that is too little to be its effect, or to be over
    over_s: float  # within which nothing of it is felt any more, once it is out

    def plan(self) -> Plan: ...

    def effect(self) -> str:
        """What is seen of it from elsewhere than where it was put in; empty while nothing is."""
        ...

    def is_over(self) -> bool:
        """Whether nothing is seen of it any more, once it is healed."""
        ...


class Watchdog(Protocol):
    def must_live(self) -> None:
        """Raises Unwatched."""
        ...


@dataclass
class Injection:
    """A fault that is in. Times are unix seconds."""

    fault: str
    plan: Plan
    began: float
    bit: float = 0.0
    effect: str = ""
    healing: float = 0.0
    healed: float = 0.0
    outcomes: list[Healed] = field(default_factory=list)
    early: list[str] = field(
        default_factory=list
    )  # taken out by somebody else: its time was up, or by command
    touched_by_others: list[str] = field(default_factory=list)  # objects, and who changed them meanwhile

    @property
    def overwritten(self) -> list[Healed]:
        """Those that somebody else had changed meanwhile: the experiment was not the one that was planned."""
        return [one for one in self.outcomes if one.outcome in (Undone.OVERWRITTEN, Undone.GONE)]


class Site:
    """One environment, in which faults may be put."""

    def __init__(self, hands: Hands, ledger: Ledger, watchdog: Watchdog, clock: Clock | None = None) -> None:
        self.hands, self.ledger, self.watchdog = hands, ledger, watchdog
        self.clock = clock or SystemClock()
        self.healer = Healer(hands, ledger, clock=self.clock)
        self.runner = Runner.me()
        self._healing = threading.RLock()  # a guard heals too

    @contextmanager
    def inject(self, fault: Fault, radius: BlastRadius, expires_s: float = 300.0) -> Iterator[Injection]:
        """Raises Forbidden, LedgerFailed, Unwatched: nothing was done. Raises DidNotBite, HealFailed."""
        self.watchdog.must_live()
        plan = fault.plan()
        radius.admit(plan, self.hands.objects)
        self._must_not_be_there(fault)
        before = {
            act.ref: self._essence(act.ref) for act in plan.acts if not isinstance(act, Remove | Beside)
        }
        injection, opened = Injection(fault.name, plan, now()), set[str]()
        with ExitStack() as stack:
            stack.callback(self._prove, fault, injection, before)
            for order, act in enumerate(plan.acts):
                expires = injection.began + expires_s
                entry = Entry(fault.name, act.as_json(), self.runner, injection.began, expires, order)
                # Before it is needed: signals come at any moment.
                stack.callback(self._undo, entry, injection, opened)
                self.ledger.open(entry)
                opened.add(entry.id)
                act.apply(self.hands, entry)
            self._must_bite(fault, injection)
            stack.callback(self._note_ended, injection)
            yield injection

    def abort(self) -> list[Healed]:
        """Heal everything that this process put in, now, from whatever thread."""
        with self._healing, uninterrupted():
            return self.healer.heal_all(self.mine())

    def mine(self) -> list[Entry]:
        return [entry for entry in self.ledger.entries() if entry.runner == self.runner]

    def _must_not_be_there(self, fault: Fault) -> None:
        """What is seen before proves nothing afterwards."""
        try:
            seen = fault.effect()
        except NoEvidence:
            return
        if seen:
            raise DidNotBite(f"{fault.name} was not put in: its effect is there without it: {seen}")

    def _must_bite(self, fault: Fault, injection: Injection) -> None:
        unseen = ""

        def bites() -> str:
            nonlocal unseen
            try:
                injection.effect = fault.effect()
                unseen = f": {fault.short}" if fault.short else ""
            except NoEvidence as error:
                injection.effect, unseen = "", f", as far as can be seen: {error}"
            return injection.effect

        try:
            wait_until(bites, fault.bites_s, self.clock)
        except TimedOut as error:
            waited = f"{error.waited_s:.1f} s{unseen}"
            raise DidNotBite(f"{fault.name} was put in, and nothing changed in {waited}") from error
        injection.bit = now()

    def _note_ended(self, injection: Injection) -> None:
        """What ended by itself before it was healed was not there for as long as it was to be."""
        for act in injection.plan.acts:
            with suppress(NoEvidence):  # then nobody knows, and the heal will say so
                if isinstance(act, Make | Beside) and act.has_ended(self.hands):
                    injection.early.append(f"{act.ref}, which ended by itself")

    def _undo(self, entry: Entry, injection: Injection, opened: set[str]) -> None:
        with self._healing, uninterrupted():
            injection.healing = injection.healing or now()
            if not self.ledger.holds(entry.id):
                injection.early += [str(act_of(entry.act).ref)] * (entry.id in opened)
                return
            healed = self.healer.heal(entry)
            injection.outcomes.append(healed)
            if healed.failed:
                raise HealFailed(healed.text)

    def _prove(self, fault: Fault, injection: Injection, before: dict[Ref, Any]) -> None:
        """Everything is as it was before, by what the platform says now, and nothing of the fault is felt."""
        with uninterrupted():
            injection.healing = injection.healing or now()
            taken_over = {act_ref(one) for one in injection.overwritten}
            acts = [act for act in injection.plan.acts if act.ref not in taken_over]
            if left := [str(act.ref) for act in acts if not act.is_out(self.hands)]:
                raise HealFailed(f"{fault.name} is still in {', '.join(left)}")
            fault.short = ""  # from here on it says what is left of it
            try:
                wait_until(fault.is_over, fault.over_s, self.clock)
            except TimedOut as error:
                waited = f"{error.waited_s:.0f} s later" + (f": {fault.short}" if fault.short else "")
                raise HealFailed(f"{fault.name} was taken out, and is felt {waited}") from error
            injection.healed = now()
            injection.touched_by_others = self._others(before)

    def _others(self, before: dict[Ref, Json | None]) -> list[str]:
        """Objects that are not as they were although nothing of ours is in them, and who wrote them last."""

        def differing() -> dict[Ref, Json | None]:
            found = {ref: self.hands.objects.read_object(ref) for ref in before}
            return {ref: one for ref, one in found.items() if essence(one) != before[ref]}

        try:
            wait_until(lambda: not differing(), FOLLOWS_S, self.clock)
        except TimedOut:
            return [f"{ref}, by {writer(one)}" for ref, one in differing().items()]
        return []

    def _essence(self, ref: Ref) -> Json | None:
        return essence(self.hands.objects.read_object(ref))


def act_ref(healed: Healed) -> Ref:
    return Ref(**healed.entry.act["ref"])


def writer(found: Json | None) -> str:
    """Who wrote the object last, as far as the platform says."""
    fields = (found or {}).get("metadata", {}).get("managedFields") or []
    last: Json = max(fields, key=lambda one: one.get("time", ""), default={})
    return str(last.get("manager", "somebody"))


def essence(found: Json | None) -> Json | None:
    """An object without what the platform writes into it by itself, and without our marks."""
    if found is None:
        return None
    metadata = found.get("metadata", {})
    kept = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if not key.startswith(MARK) and key not in SERVERS_OWN
    }
    body = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    return {
        **body,
        "uid": metadata.get("uid"),
        "labels": metadata.get("labels") or {},
        "annotations": kept,
    }
