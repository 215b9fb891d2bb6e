"""Takes a release back as §6.2 has it, every step timed against its budget; and §6.3.1, where blue is not fit to go to.

A switch is over when green's last answer has reached a user, whatever the router said before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fixtures.clock import Clock, TimedOut, wait_until
from fixtures.evidence import NoEvidence
from fixtures.ledger import LedgerFailed
from fixtures.platforms.changes import Conflict, Rejected
from fixtures.platforms.routing import Changed
from fixtures.target import Side
from fixtures.target.release import Budget
from fixtures.target.release import Rollback as Written
from reports.release import record
from scenarios.faults.site import Unwatched
from scenarios.release.fleet import Fleet
from scenarios.release.health import inside, through_door, unwell
from scenarios.release.moving import Road
from scenarios.release.telling import titles_of, wording_of
from scenarios.surroundings import Surroundings

TROUBLES = (NoEvidence, Conflict, Rejected, Changed, LedgerFailed, Unwatched)
FIT_S = 5.0  # how long blue may seem unfit before it is taken for that
REHEARSAL = "rehearsal"
Json = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Known:
    """What was known to be good when the release began: blue's definitions and numbers of replicas, and green's."""

    blue: list[Json]
    replicas: Mapping[Side, Mapping[str, int]]


@dataclass(frozen=True)
class Why:
    """Why it is taken back; `onset_s`: green's first bad answer, where one was counted."""

    reason: str
    decided_s: float
    onset_s: float | None = None
    kind: str = "automatic"
    before: tuple[record.Step, ...] = ()  # what led to it: who confirmed it, the reason on record


@dataclass
class Rollback:
    """One rollback. `run` is what became of it, whatever happened. `cleans`: green is scaled to nothing in the end."""

    around: Surroundings
    road: Road
    fleets: Mapping[Side, Fleet]
    known: Known
    written: Written
    clock: Clock
    say: Say
    cleans: bool = True
    steps: list[record.Step] = field(default_factory=list)
    last_green_s: float | None = None

    def __post_init__(self) -> None:
        self.titles = titles_of(self.around.target)

    def run(self, why: Why) -> record.Rollback:
        """Never raises for what it meets: that is said in the steps."""
        began_s = self.clock.now()
        self.steps += why.before
        self.say(f"rolling back: {why.reason}")
        if unfit := self.unfit():
            self.say(f"blue is not fit to take the traffic: {unfit}")
            refused = self._refused if why.kind == REHEARSAL else self._emergency
            return self._ended(refused(why, unfit), began_s)
        budget = self.written.automatic
        ok = self._switch(budget)
        ok = self._timed("verify", budget.verify.seconds, self._verified) and ok
        ok = self._timed("health", budget.health.seconds, self._healthy) and ok
        if ok and self.cleans:  # only once blue is known to serve: green is all there is until then
            ok = self._timed("clean_up", budget.clean_up.seconds, self._cleaned)
        return self._ended(self._told(why, ok), began_s)

    # --- is blue fit -------------------------------------------------------------------------------------------------
    def unfit(self) -> str:
        """Why users must not be sent to blue; empty where they may. Looked at more than once before it is said."""
        said = [""]

        def is_fit() -> bool:
            said[0] = self._unfit()
            return not said[0]

        try:
            wait_until(is_fit, FIT_S, self.clock, poll_s=0.5)
        except TimedOut:
            return said[0]
        return ""

    def _unfit(self) -> str:
        """Scales blue up first where it was scaled down."""
        blue = self.fleets[Side.BLUE]
        try:
            if blue.replicas() != self.known.replicas[Side.BLUE] and not blue.lacking():
                blue.at_least(self.known.replicas[Side.BLUE])
                blue.wait_ready(self.written.automatic.switch.seconds)
            lacking = blue.idle() or blue.lacking()
            failing = unwell(self.around.target.services, inside(self.around, Side.BLUE))
        except TROUBLES as error:
            return f"it cannot be told: {error}"
        return lacking or "; ".join(f"{name} {said}" for name, said in failing.items())

    # --- the steps ---------------------------------------------------------------------------------------------------
    def _switch(self, budget: Budget) -> bool:
        began_s = self.clock.now()

        def switched() -> str:
            self.road.shift(0.0, "rollback")
            left_s = self.road.wait_left("green", began_s, budget.switch.seconds)
            if left_s is None:
                kept = self.road.timeline().on(fresh=False).between(self.clock.now() - 2, self.clock.now())
                where = " on connections that were kept" if "green" in kept.shares() else ""
                return f"green still answers users{where} after {budget.switch}"
            self.last_green_s = left_s
            return ""

        return self._timed("switch", budget.switch.seconds, switched, lambda: self.last_green_s)

    def _verified(self) -> str:
        return self.fleets[Side.BLUE].wait_ready(self.written.automatic.verify.seconds)

    def _healthy(self) -> str:
        """As users ask: they are led to blue by now."""
        failing = unwell(self.around.target.services, through_door(self.around, Side.BLUE))
        return "; ".join(f"{name} {said}" for name, said in failing.items())

    def _cleaned(self) -> str:
        """Scaled to nothing, not deleted as in the document: what failed is still there to be looked at."""
        green = self.fleets[Side.GREEN]
        green.scale_all(0)
        return green.wait_ready(self.written.automatic.clean_up.seconds)

    def _refused(self, why: Why, unfit: str) -> record.Rollback:
        """Nobody is shown a maintenance page for practice."""
        self._timed("verify", self.written.automatic.verify.seconds, lambda: f"blue is not fit: {unfit}")
        return self._told(why, False)

    # --- §6.3.1 ------------------------------------------------------------------------------------------------------
    def _emergency(self, why: Why, unfit: str) -> record.Rollback:
        """Nobody is sent to a blue that is not fit: maintenance page, last known good version, and then back."""
        verify_s = self.written.automatic.verify.seconds
        blue = self.fleets[Side.BLUE]

        def closed() -> str:
            self.road.close(wording_of(self.around.target).page)
            return self._closed(self.written.automatic.switch.seconds)

        def redeployed() -> str:
            blue.redeploy(self.known.blue)
            lacking = blue.wait_ready(verify_s)
            failing = {} if lacking else unwell(self.around.target.services, inside(self.around, Side.BLUE))
            return lacking or "; ".join(f"{name} {said}" for name, said in failing.items())

        def lifted() -> str:
            since_s = self.clock.now()
            self.road.restore(self.road.found, "emergency")
            if self.road.found.green:
                self.road.shift(0.0, "emergency")
            left_s = self.road.wait_left("green", since_s, self.written.automatic.switch.seconds)
            self.last_green_s = left_s
            return "" if left_s is not None else "green still answers users"

        ok = self._timed("maintenance", self.written.automatic.switch.seconds, closed)
        ok = self._timed("redeploy", verify_s, redeployed) and ok
        if ok:
            ok = self._timed("lift", self.written.automatic.switch.seconds, lifted)
        left = "left to a person: it loses data"
        self.steps.append(record.Step("restore", self.titles["restore"], None, None, None, left))
        reason = f"{why.reason}; blue was not fit: {unfit}"
        return self._told(Why(reason, why.decided_s, why.onset_s, "emergency"), ok)

    def _closed(self, within_s: float) -> str:
        """The router has been told; the front door turns users away a moment later."""
        door, seen = self.around.http_to(Side.BLUE), 0

        def is_closed() -> bool:
            nonlocal seen
            seen = door.get("/").status_code
            return seen == 503

        try:
            wait_until(is_closed, within_s, self.clock)
        except TimedOut:
            return f"the front door answers {seen}"
        return ""

    # -----------------------------------------------------------------------------------------------------------------
    def _timed(
        self,
        name: str,
        budget_s: float,
        act: Callable[[], str],
        until_s: Callable[[], float | None] = lambda: None,
    ) -> bool:
        """Carry out a step, which says what is wrong with its outcome; `until_s`: when it was over, if not now."""
        began_s = self.clock.now()
        try:
            wrong = act()
        except TROUBLES as error:
            wrong = str(error)
        ended_s = until_s() or self.clock.now()
        took_s = max(0.0, ended_s - began_s)
        late = f"took {took_s:.1f} s, and {budget_s:g} s is all it may take" if took_s > budget_s else ""
        said = "; ".join(part for part in (wrong, late) if part)
        title = self.titles.get(name, name)
        self.steps.append(record.Step(name, title, budget_s, took_s, not said, said, began_s))
        self.say(f"{title}: {said or f'{took_s:.1f} s of {budget_s:g} s'}")
        return not wrong

    def _told(self, why: Why, ok: bool) -> record.Rollback:
        took = [step.took_s for step in self.steps if step.took_s is not None]
        total_s = (self.written.manual if why.kind == "manual" else self.written.automatic).total.seconds
        return record.Rollback(
            kind=why.kind,
            reason=why.reason,
            decided_s=why.decided_s,
            steps=tuple(self.steps),
            budget_s=total_s,
            took_s=sum(took),
            ok=ok and all(step.ok is not False for step in self.steps),
            source=self.written.automatic.source,
            onset_s=why.onset_s,
            last_green_s=self.last_green_s,
            anyhow_s=self.written.anyhow.total.seconds,
        )

    def _ended(self, found: record.Rollback, began_s: float) -> record.Rollback:
        """Its time is from the decision until the last step, and what was waited for in between counts."""
        took_s = self.clock.now() - min(began_s, found.decided_s)
        return dataclasses.replace(found, took_s=took_s, ok=found.ok and took_s <= found.budget_s)
