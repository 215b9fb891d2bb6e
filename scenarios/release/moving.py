"""Moves users from side to side, and tells when they have moved: when the last answer of the side that they left has
reached one of them. That the router took the change says nothing yet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from fixtures.clock import Clock, TimedOut, wait_until
from fixtures.platforms.routing import Changed, Router, Routes
from reports.release.record import Weight
from scenarios.release.timeline import Timeline

QUIET_S = 2.0  # without an answer of the side's, it is taken to have gone
BY_CHANCE = 1e-6  # so seldom may a side that still answers, as often as it did, be taken to have gone
POLL_S = 0.2
CLOSED = "closed for maintenance"
MOST_BINS = 240


@dataclass
class Road:
    """Where users are sent, as we left it. `weights` is every change so far, whoever made it. `before_closing`: from
    then on nobody else is to send users anywhere."""

    router: Router
    clock: Clock
    timeline: Callable[[], Timeline]
    before_closing: Callable[[], None] = lambda: None
    weights: list[Weight] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.found = self.routes = self.router.read()  # as it was found, as it is now
        if self.routes.green is not None:
            self._note(self.routes.green, "as found")

    def _note(self, green: float, by: str) -> None:
        self.weights.append(Weight(self.clock.now(), green, by))

    def shift(self, green: float, by: str = "release") -> None:
        """Raises Changed where somebody else has changed the routes since we did."""
        self.checked()
        self.routes = self.router.shift(self.routes, green)
        self._note(green, by)

    def close(self, page: str) -> None:
        self.before_closing()
        self.checked()
        self.routes = self.router.close(self.routes, page)
        self._note(0.0, CLOSED)

    def restore(self, before: Routes, by: str = "restore") -> None:
        self.checked()
        if self.routes.body["spec"] != before.body["spec"]:
            self.routes = self.router.restore(self.routes, before)
        if before.green is not None:
            self._note(before.green, by)

    def checked(self) -> None:
        """That the routes are as we left them. A new version with the same words is nobody's change."""
        now = self.router.read()
        if now.version != self.routes.version and now.body["spec"] != self.routes.body["spec"]:
            raise Changed(
                f"{now.name} was changed by {self.router.changed_by(self.routes, now)}: {self.routes} became "
                f"{now}; it is left as it is"
            )
        self.routes = now

    def followed(self) -> bool:
        """Take up whatever somebody else has set, and say whether the weight is another one."""
        now = self.router.read()
        changed = now.green != self.routes.green
        if changed and now.green is not None:
            self._note(now.green, f"pipeline ({self.router.changed_by(self.routes, now)})")
        self.routes = now
        return changed

    # --- who has left ------------------------------------------------------------------------------------------------
    def wait_left(self, side: str, since_s: float, timeout_s: float) -> float | None:
        """When its last answer reached a user; None where it still answered when the time was up."""
        left: list[float] = []
        silence = self._silence(side)

        def has_left() -> bool:
            timeline = self.timeline()
            known_s, last_s = timeline.whole_until_s, timeline.left_s(side)
            last_s = since_s if last_s is None else max(since_s, last_s)
            since = timeline.between(last_s, known_s)
            if known_s - last_s < QUIET_S or sum(since.served().values()) < silence:
                return False
            left.append(last_s)
            return True

        try:
            quiet_s = max(QUIET_S, silence * self.timeline().interval_s)
            wait_until(has_left, timeout_s + quiet_s, self.clock, POLL_S)
        except TimedOut:
            return None
        return left[0]

    def _silence(self, side: str) -> int:
        """How many answers of others in a row say that the side has gone, and not only that few were its own."""
        share = next((one.green for one in reversed(self.weights) if one.green), 1.0)
        if side != "green":
            share = 1 - share
        return math.ceil(math.log(BY_CHANCE) / math.log1p(-share)) if 0 < share < 1 else 0


def during(weights: list[Weight], at_s: float) -> str:
    """What went on at that moment, in words."""
    before = [one for one in weights if one.at_s <= at_s]
    if not before:
        return "before the release"
    last = before[-1]
    return f"{last.green:.0%} to green ({last.by}), {at_s - last.at_s:.1f} s after the change"


def bins(timeline: Timeline) -> list[tuple[float, float]]:
    """The timeline's stretch cut into at most MOST_BINS, of whole seconds."""
    begin_s, end_s = timeline.began_s, timeline.whole_until_s
    each_s = max(1.0, -(-(end_s - begin_s) // MOST_BINS))
    edges = [begin_s + number * each_s for number in range(int((end_s - begin_s) / each_s) + 2)]
    return list(pairwise(edges))
