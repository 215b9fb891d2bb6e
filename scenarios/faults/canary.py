"""Users moved as a canary moves them, so that a fault can meet them: recorded and healed like a fault itself."""

from __future__ import annotations

import httpx

from fixtures.evidence import Missing
from fixtures.platforms.changes import Json, Ref
from fixtures.probes.http import Entry, open_client
from fixtures.target.faults import Canary
from scenarios.faults.acts import Edit
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

KIND = "VirtualService"
ASKS = 40  # at a time
PATIENCE_S = 3.0


@puts_in(
    Canary,
    Declared(
        touches="the weights of the one rule of a VirtualService that leads users to either side",
        seen_by="users without a side of their own, asked over the front door, of whom our side serves some",
        heals="the weights that they had",
        needs="Istio, a rule that names both sides, and answers that say which side served them",
        rights=(Right(KIND, ("update",), "sides"),),
    ),
)
class Canaried(OfService[Canary]):
    def plan(self) -> Plan:
        pods = self.remember()
        percent = round(self.order.share.amount * 100)
        found, at = self._rule()
        routes = found["spec"]["http"][at]["route"]
        if moved := [one["weight"] for one in routes if self._is_ours(one) and one.get("weight")]:
            side = self.around.side
            raise Missing(f"{moved[0]}% of the users are on {side} already: nobody could tell who was moved")
        puts = [
            (
                ("spec", "http", at, "route", number, "weight"),
                percent if self._is_ours(one) else 100 - percent,
            )
            for number, one in enumerate(routes)
        ]
        return Plan((Edit.plan(KIND, found, *puts),), self.victims(pods), len(pods))

    @property
    def other(self) -> str:
        return self.around.environment.namespaces[self.around.other_side]

    def _is_ours(self, route: Json) -> bool:
        return space_of(route) == self.around.namespace

    def _rule(self) -> tuple[Json, int]:
        """The rule for whoever asks for no side, which names both. Raises Missing."""
        sides = sorted((self.around.namespace, self.other))
        found = [
            (one, at)
            for space in sides
            for one in self.objects.list_objects(KIND, space)
            for at, rule in enumerate(one["spec"].get("http") or ())
            if not rule.get("match") and sorted(map(space_of, rule.get("route") or ())) == sides
        ]
        if len(found) != 1:
            names = ", ".join(str(Ref.of(KIND, one)) for one, _ in found) or "none"
            raise Missing(f"one rule must lead users to either side, and there is: {names}")
        return found[0]

    def served(self) -> int:
        """How many of so many users our side served."""
        count, header = 0, self.around.environment.served.side
        door = Entry(self.around.entry, {}, self.around.ca, self.around.environment.host or "")
        with open_client(door, PATIENCE_S) as users:
            for _ in range(ASKS):
                try:
                    count += users.get(self.service.health).headers.get(header) == str(self.around.side)
                except httpx.HTTPError:
                    continue  # whom nobody serves, our side does not serve
        return count

    def effect(self) -> str:
        count = self.served()
        return f"{count} of {ASKS} users were served by {self.around.side}" if count else ""

    def is_over(self) -> bool:
        return not self.served() and super().is_over()


def space_of(route: Json) -> str:
    """The namespace of a route's destination, where its host says so."""
    parts = str(route["destination"]["host"]).split(".")
    return parts[1] if len(parts) > 1 else ""
