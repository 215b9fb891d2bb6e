"""Faults that the application has a switch for."""

from __future__ import annotations

from fixtures.evidence import Missing
from fixtures.platforms.changes import Ref
from fixtures.target.faults import Configured
from scenarios.faults.acts import Edit
from scenarios.faults.measured import Measured
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in


@puts_in(
    Configured,
    Declared(
        touches="the keys of a ConfigMap that the profile names",
        seen_by="a metric of the profile, read from Prometheus, that leaves its bound",
        heals="the values that they had, or none",
        rights=(Right("ConfigMap", ("update",)),),
        needs="an application that obeys such a switch, Prometheus, and load, where the metric counts requests",
    ),
)
class Switched(Measured[Configured]):
    def plan(self) -> Plan:
        pods = self.remember()
        ref = Ref("ConfigMap", self.namespace, self.order.config)
        found = self.objects.read_object(ref)
        if found is None:
            raise Missing(f"there is no {ref}")
        puts = ((("data", key), value) for key, value in self.order.values.items())
        return Plan((Edit.plan("ConfigMap", found, *puts),), self.victims(pods), len(pods))
