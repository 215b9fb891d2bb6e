"""A node lost with our pods on it: others take them over, and it takes pods again. Put in and healed as a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.abilities import Workloads
from scenarios.drills.comeback import NotProven
from scenarios.drills.practice import NotBegun
from scenarios.drills.runbook import Act
from scenarios.faults.radius import BlastRadius, Forbidden
from scenarios.faults.site import DidNotBite, Fault, Injection, Site

MOVES_S = 120.0
EXPIRES_S = 900.0  # then the watchdog ends it, should this process hang


@dataclass
class OfNode:
    """`fault`: the loss of a node, made for our side; `namespace`: our side's workloads."""

    site: Site
    fault: Fault
    radius: BlastRadius
    workloads: Workloads
    namespace: str
    resumed_s: float = float("inf")  # no data are lost with it
    reaches_s: float | None = None
    may_go_unfelt: bool = True  # others stand in
    _open: ExitStack = field(default_factory=ExitStack)
    _injection: Injection | None = None
    _victims: frozenset[str] = frozenset()
    _lost: frozenset[str] = frozenset()  # nodes
    _ready: int = 0  # pods, before

    def fit(self) -> str:
        if not self._is_whole():
            raise NotBegun(f"{self.namespace} is not whole to begin with")
        plan = self.fault.plan()
        try:
            self.radius.admit(plan, self.site.hands.objects)
        except Forbidden as error:
            raise NotBegun(str(error)) from error
        return f"{len(plan.victims)} of {plan.of} pods would go with it"

    def strike(self, _: str) -> str:
        before = self.workloads.pods(self.namespace)
        self._victims = frozenset(self.fault.plan().victims)
        self._lost = frozenset(one.node for one in before if one.name in self._victims)
        self._ready = sum(one.ready for one in before)
        try:
            self._injection = self._open.enter_context(self.site.inject(self.fault, self.radius, EXPIRES_S))
        except DidNotBite:
            return ""
        return self._injection.effect

    def acts(self) -> Mapping[str, Act]:
        return {"take_over": self.take_over, "return": self.come_back}

    def take_over(self) -> str:
        """As many pods are ready as before, none of them among the victims or where these were. Raises NotProven."""
        try:
            took_s = wait_until(lambda: self._elsewhere() >= self._ready and self._is_whole(), MOVES_S)
        except TimedOut as late:
            found = self.workloads.workloads(self.namespace)
            lacking = [
                f"{one.name} has {one.available} of {one.wanted}"
                for one in found
                if one.available < one.wanted
            ]
            count = f"{self._elsewhere()} of {self._ready} pods are ready elsewhere"
            raise NotProven(f"after {MOVES_S:g} s {'; '.join([count, *lacking])}") from late
        return f"all pods are available elsewhere after {took_s:.1f} s"

    def come_back(self) -> str:
        """The node takes pods again, and that is proven. Raises HealFailed."""
        self._open.close()
        return "the node takes pods again"

    def heal(self) -> str:
        self._open.close()
        healed = self.site.abort()
        return "; ".join(one.text for one in healed)

    def left_behind(self) -> Sequence[str]:
        left = [f"{one.fault} is still in" for one in self.site.mine()]
        return [*left, *([] if self._is_whole() else [f"{self.namespace} is not whole"])]

    def clear(self) -> None:
        """Nothing lies aside."""

    def keep(self, *, is_over: bool) -> str:  # noqa: ARG002 - there are no data of its own
        return ""

    def _elsewhere(self) -> int:
        """Pods that are ready and have nothing to do with what was lost."""
        found = self.workloads.pods(self.namespace)
        return sum(
            one.ready and one.name not in self._victims and one.node not in self._lost for one in found
        )

    def _is_whole(self) -> bool:
        found = self.workloads.workloads(self.namespace)
        return bool(found) and all(one.current and one.available >= one.wanted for one in found)
