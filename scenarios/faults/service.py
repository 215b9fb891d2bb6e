"""What faults of a service have in common: its workload and its pods, as they were before and as they are now."""

from __future__ import annotations

from typing import Generic, TypeVar

from fixtures.evidence import Missing, NoEvidence
from fixtures.platforms.abilities import Pod, Workload, Workloads, able
from fixtures.platforms.changes import Changes, Json, Ref
from fixtures.target.faults import FaultOrder
from fixtures.target.model import Service
from scenarios.faults.radius import Plan
from scenarios.faults.registry import name_of
from scenarios.surroundings import Surroundings

O = TypeVar("O", bound=FaultOrder)  # noqa: E741 - an order
BITES_S = 20.0
BACK_S = 30.0  # for what a heal sets in motion: pods that come back


class OfService(Generic[O]):
    """A fault of one service on the side that is being proven."""

    bites_s = BITES_S
    over_s = BACK_S
    short = ""

    def __init__(self, order: O, around: Surroundings) -> None:
        self.order, self.around = order, around
        self.name = name_of(type(order))
        self.objects = able(around.platform, Changes)
        self.before: tuple[Pod, ...] = ()

    def plan(self) -> Plan:
        raise NotImplementedError

    @property
    def namespace(self) -> str:
        return self.around.namespace

    @property
    def service(self) -> Service:
        found = next((one for one in self.around.target.services if one.name == self.order.service), None)
        if found is None:
            raise Missing(f"{self.around.target.system} has no service {self.order.service}")
        return found

    def pods(self) -> tuple[Pod, ...]:
        """Those of the service now; none is no error."""
        platform = able(self.around.platform, Workloads)
        return tuple(platform.pods(self.namespace, self.workload().selector))

    def workload(self) -> Workload:
        for one in self.workloads():
            if one.name == self.order.service:
                return one
        raise Missing(f"{self.namespace} has no workload {self.order.service}")

    def workloads(self) -> tuple[Workload, ...]:
        """All of our side's."""
        return tuple(able(self.around.platform, Workloads).workloads(self.namespace))

    def everyone(self) -> tuple[Pod, ...]:
        """All of our side's pods, whatever service they do the work of."""
        return tuple(able(self.around.platform, Workloads).pods(self.namespace))

    def all_well(self) -> bool:
        """Every workload of our side has all its pods, of the newest specification, and available."""
        found = self.workloads()
        return bool(found) and all(one.available == one.wanted == one.updated for one in found)

    def deployment(self) -> Json:
        ref = Ref("Deployment", self.namespace, self.order.service)
        found = self.objects.read_object(ref)
        if found is None:
            raise Missing(f"there is no {ref}")
        return found

    def uid(self, pod: Pod) -> str:
        found = self.objects.read_object(Ref("Pod", pod.namespace, pod.name))
        return found["metadata"]["uid"] if found else ""

    def victims(self, pods: tuple[Pod, ...]) -> tuple[str, ...]:
        return tuple(pod.name for pod in pods)

    def remember(self) -> tuple[Pod, ...]:
        """The pods as they are before anything is done to them."""
        self.before = self.pods()
        return self.before

    def is_over(self) -> bool:
        """As many pods as are wanted, all of the newest specification, all ready, none too many."""
        try:
            workload, pods = self.workload(), self.pods()
        except NoEvidence as error:
            self.short = str(error)
            return False
        counts = {workload.wanted, workload.ready, workload.available, workload.updated, len(pods)}
        over = workload.current and len(counts) == 1 and all(pod.ready for pod in pods)
        numbers = f"{workload.available} of {workload.wanted} are available"
        self.short = "" if over else f"{workload.name}: {workload.why or numbers}"
        return over
