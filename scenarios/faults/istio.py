"""Faults that the mesh makes: a share of the requests to a service fails, or is held back."""

from __future__ import annotations

from typing import Any

from fixtures.evidence import Missing
from fixtures.platforms.changes import Json, Ref
from fixtures.target.faults import Delay, Errors, HealthFailing
from scenarios.faults.acts import Act, Edit, Make
from scenarios.faults.asking import PATIENCE_S, Asked, ask
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

KIND = "VirtualService"
GOOD_IN_A_ROW = 5
TOUCHES = "those rules of VirtualServices that lead to the service on our side alone; where there is none, one is added"
RIGHTS = (Right(KIND, ("update",), "sides"), Right(KIND, ("create", "delete")))
ASKED = "the service's health path, asked over the front door,"
HEALS = (
    "the fault that was put in is taken out, and nothing else of the rule; an added VirtualService is removed"
)


class Meshed(OfService[Any]):
    """A fault in the rules that lead to the service."""

    _good = 0

    def plan(self) -> Plan:
        pods = self.remember()
        acts: list[Act] = []
        spaces = self.around.environment.namespaces
        for found in (
            one for space in (spaces.blue, spaces.green) for one in self.objects.list_objects(KIND, space)
        ):
            puts = [
                (("spec", "http", at, "fault"), self.fault())
                for at, rule in enumerate(found["spec"].get("http") or ())
                if self.leads_here(found, rule)
            ]
            if puts:
                acts.append(Edit.plan(KIND, found, *puts))
        return Plan(tuple(acts) or (self._added(),), self.victims(pods), len(pods))

    def fault(self) -> Json:
        raise NotImplementedError

    def leads_here(self, found: Json, rule: Json) -> bool:
        """To this service on our side, and to nobody else."""
        own = found["metadata"]["namespace"]
        hosts = [str(one["destination"]["host"]).split(".") for one in rule.get("route") or ()]
        wanted = (self.order.service, self.namespace)
        return bool(hosts) and all(
            (parts[0], parts[1] if len(parts) > 1 else own) == wanted for parts in hosts
        )

    def _added(self) -> Make:
        name = self.order.service
        ref = Ref(KIND, self.namespace, f"verdigris-{name}")
        return Make(ref, {"spec": {"hosts": [name], "http": self._rules()}})

    def _rules(self) -> list[Json]:
        return [{"route": [{"destination": {"host": self.order.service}}], "fault": self.fault()}]

    def ask(self) -> Asked:
        return ask(self.around, self.service)

    def hurts(self, asked: Asked) -> bool:
        raise NotImplementedError

    def effect(self) -> str:
        asked = self.ask()
        if not self.hurts(asked):
            return ""
        return f"{self.service.health} answered {asked.status} after {asked.took_s:.2f} s"

    def is_over(self) -> bool:
        asked = self.ask()
        self._good = self._good + 1 if asked.status == 200 and not self.hurts(asked) else 0
        return self._good >= GOOD_IN_A_ROW and super().is_over()


@puts_in(
    Errors,
    Declared(
        TOUCHES,
        f"{ASKED} answers with that error",
        HEALS,
        needs="Istio",
        rights=RIGHTS,
    ),
)
class Failing(Meshed):
    def fault(self) -> Json:
        share = {"value": float(self.order.share.amount * 100)}
        return {"abort": {"httpStatus": self.order.status, "percentage": share}}

    def hurts(self, asked: Asked) -> bool:
        return bool(asked.status == self.order.status)


@puts_in(
    HealthFailing,
    Declared(
        "a VirtualService more, which answers the service's health path and leads everything else on",
        f"{ASKED} answers with that error",
        "the added VirtualService is removed",
        needs="Istio, and a service that no VirtualService speaks of yet",
        rights=(Right(KIND, ("create", "delete")),),
    ),
)
class Unhealthy(Failing):
    def plan(self) -> Plan:
        pods = self.remember()
        for found in self.objects.list_objects(KIND, self.namespace):
            if self.order.service in (str(host).split(".")[0] for host in found["spec"].get("hosts") or ()):
                raise Missing(
                    f"{Ref.of(KIND, found)} speaks of {self.order.service} already: two would contend"
                )
        return Plan((self._added(),), self.victims(pods), len(pods))

    def fault(self) -> Json:
        return {"abort": {"httpStatus": self.order.status, "percentage": {"value": 100.0}}}

    def _rules(self) -> list[Json]:
        to = {"route": [{"destination": {"host": self.order.service}}]}
        asked = {"match": [{"uri": {"exact": self.service.health}}], "fault": self.fault(), **to}
        return [asked, to]


@puts_in(
    Delay,
    Declared(
        TOUCHES,
        f"{ASKED} answers that much later",
        HEALS,
        needs="Istio",
        rights=RIGHTS,
    ),
)
class Late(Meshed):
    def fault(self) -> Json:
        share = {"value": float(self.order.share.amount * 100)}
        return {"delay": {"fixedDelay": f"{round(self.order.by.amount * 1000)}ms", "percentage": share}}

    def ask(self) -> Asked:
        return ask(self.around, self.service, self.order.by.amount + PATIENCE_S)

    def hurts(self, asked: Asked) -> bool:
        return bool(asked.took_s >= 0.9 * self.order.by.amount)
