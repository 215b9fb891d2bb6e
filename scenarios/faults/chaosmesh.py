"""Faults of a service's names and of its clock. Chaos Mesh does them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from fixtures.evidence import Missing, Unsupported
from fixtures.platforms.abilities import Door, Pod, Workloads, able
from fixtures.platforms.changes import Changes, CustomKinds, Json, Ref
from fixtures.target.faults import ClockSkew, DnsFailing, FaultOrder
from scenarios.faults.acts import EXPIRY, Make
from scenarios.faults.asking import PATIENCE_S, unwell_inside
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

C = TypeVar("C", bound=FaultOrder)
LONGEST = "24h"  # shortened to the fault's own time when it is put in
HEALS = "the object is removed, and seen to be gone; Chaos Mesh undoes what it did before it lets it go"


class ByChaosMesh(OfService[C]):
    """An object of Chaos Mesh's, and whoever it selects."""

    over_s = 60.0

    def made(self, kind: str, spec: Json) -> Make:
        if not able(self.around.platform, CustomKinds).has_kind(kind):
            raise Unsupported(self.around.platform, f"{kind}: that part of Chaos Mesh is not installed")
        return Make(Ref(kind, self.namespace, f"verdigris-{self.name}-{self.order.service}"), {"spec": spec})

    def selecting(self) -> Json:
        """All pods of the service."""
        selector = {"namespaces": [self.namespace], "labelSelectors": dict(self.workload().selector)}
        return {"mode": "all", "selector": selector, EXPIRY: LONGEST}


@puts_in(
    DnsFailing,
    Declared(
        touches="the service's pods, by a DNSChaos which answers every name with an error",
        seen_by="the service's own health, asked inside its pods, is no longer 200",
        heals=HEALS,
        uses=(Changes, CustomKinds, Workloads, Door),
        rights=(Right("DNSChaos", ("create", "delete")), Right("pods/proxy", ("get",))),
        needs="Chaos Mesh with its DNS server, and a service that looks names up anew",
    ),
)
class Nameless(ByChaosMesh[DnsFailing]):
    bites_s = 60.0

    def plan(self) -> Plan:
        pods = self.remember()
        act = self.made("DNSChaos", {"action": "error", **self.selecting()})
        return Plan((act,), self.victims(pods), len(pods))

    def effect(self) -> str:
        return unwell_inside(self.around, self.service, self.pods())

    def is_over(self) -> bool:
        return super().is_over() and not self.effect()


@puts_in(
    ClockSkew,
    Declared(
        touches="the clocks of the service's pods, by a TimeChaos",
        seen_by="the date that its pods put on what they answer, asked inside them, against ours",
        heals=HEALS,
        uses=(Changes, CustomKinds, Workloads, Door),
        rights=(Right("TimeChaos", ("create", "delete")), Right("pods/proxy", ("get",))),
        needs="Chaos Mesh, and a service that dates its answers",
    ),
)
class Skewed(ByChaosMesh[ClockSkew]):
    def plan(self) -> Plan:
        pods = self.remember()
        sign = "-" if self.order.back else ""
        offset = f"{sign}{round(self.order.by.amount)}s"
        act = self.made("TimeChaos", {"timeOffset": offset, **self.selecting()})
        return Plan((act,), self.victims(pods), len(pods))

    def effect(self) -> str:
        for pod in self.pods():
            off_s = self.off_s(pod)
            if abs(off_s) >= self.order.by.amount / 2:
                return f"{pod.name}'s clock is {off_s:+.0f} s off ours"
        return ""

    def off_s(self, pod: Pod) -> float:
        reply = able(self.around.platform, Door).get(pod, self.service.health, PATIENCE_S)
        if "date" not in reply.headers:
            raise Missing(f"{pod.name} does not date its answers")
        return (parsedate_to_datetime(reply.headers["date"]) - datetime.now(UTC)).total_seconds()

    def is_over(self) -> bool:
        return super().is_over() and not self.effect()
