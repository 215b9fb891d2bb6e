"""Faults of a node, felt by our own pods alone: those of other namespaces are let be."""

from __future__ import annotations

from typing import Literal

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Pod, Workloads
from fixtures.platforms.changes import Changes, Evictions, Ref
from fixtures.target.faults import NodeDrained, NodeLost
from scenarios.faults.acts import Act, Edit, Remove
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService


@puts_in(
    NodeLost,
    Declared(
        touches="the node of one of the service's pods, which takes no more; our pods on it are deleted at once",
        seen_by="none of them is on it any more",
        heals="the node takes pods again; the workloads have made others elsewhere",
        needs="the node's own label verdigris.dev/chaos=allowed",
        rights=(Right("Node", ("update",), "platform"), Right("Pod", ("delete",))),
    ),
)
class Lost(OfService[NodeLost | NodeDrained]):
    how: Literal["kill", "evict"] = "kill"
    node = ""

    def plan(self) -> Plan:
        pods = self.remember()
        if not pods:
            raise Missing(f"{self.order.service} has no pod, and so no node")
        self.node = min(pod.node for pod in pods)
        found = self.objects.read_object(Ref("Node", "", self.node))
        if found is None:
            raise Missing(f"there is no node {self.node}")
        ours = self.ours()
        acts: list[Act] = [Edit.plan("Node", found, (("spec", "unschedulable"), True))]
        acts += [
            Remove(Ref("Pod", pod.namespace, pod.name), uid, self.how)
            for pod in ours
            if (uid := self.uid(pod))
        ]
        return Plan(tuple(acts), self.victims(ours), len(self.everyone()))

    def ours(self) -> tuple[Pod, ...]:
        return tuple(pod for pod in self.everyone() if pod.node == self.node)

    def effect(self) -> str:
        return "" if self.ours() else f"none of our pods is on {self.node}"

    def is_over(self) -> bool:
        return self.all_well()


@puts_in(
    NodeDrained,
    Declared(
        touches="the node of one of the service's pods, which takes no more; our pods on it are evicted",
        seen_by="none of them is on it any more",
        heals="the node takes pods again; the workloads have made others elsewhere",
        uses=(Changes, Evictions, Workloads),
        needs="the node's own label verdigris.dev/chaos=allowed",
        rights=(Right("Node", ("update",), "platform"), Right("pods/eviction", ("create",))),
    ),
)
class Drained(Lost):
    how = "evict"
