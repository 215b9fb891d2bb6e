"""Faults of what runs short: something else in the pods takes their CPU or their memory. Chaos Mesh puts it there, or
where there is none, a container of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from fixtures.evidence import Missing, NoEvidence, Unsupported
from fixtures.platforms.abilities import Pod, Workload, Workloads, able
from fixtures.platforms.changes import Changes, CustomKinds, Guests, Json, Ref
from fixtures.target.faults import CpuStress, MemoryStress
from scenarios.faults.acts import EXPIRY, Act, Beside, Make
from scenarios.faults.guests import LEFT
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

KIND = "StressChaos"
USES = (Changes, CustomKinds, Workloads)
RIGHTS = (
    Right(KIND, ("create", "delete")),
    Right("Pod", ("update",), when="image"),
    Right("pods/ephemeralcontainers", ("update",), when="image"),
    Right("pods/eviction", ("create",), when="image"),
)
TOUCHES = (
    "the service's pods, or all of the side's, by a StressChaos for each workload, which ends itself; without Chaos"
    " Mesh, by an ephemeral container of `image` in each pod, which ends itself too"
)
NEEDS = (
    "Prometheus with cAdvisor's figures, and Chaos Mesh or an `image` whose program is told as stress-ng is"
)
HEALS = (
    "its objects are removed, and seen to be gone; a pod with a container of ours that still runs is evicted, and"
    " another takes its place: an ephemeral container cannot be taken away, and when it has ended stays listed"
)
LONGEST = "24h"  # shortened to the fault's own time when it is put in
WINDOW_S = 60.0  # in which CPU is counted, shortened by pace; never below LEAST_S
LEAST_S = 5.0  # a rate needs a few scrapes, however fast the pace is
KNOWN_S = 15  # a figure that was not scraped again is good for so long
MB = 1e6
CONFINED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
S = TypeVar("S", CpuStress, MemoryStress)


class Stressed(OfService[S]):
    bites_s = 90.0
    over_s = 90.0

    def plan(self) -> Plan:
        self.remember()
        acts: tuple[Act, ...]
        if able(self.around.platform, CustomKinds).has_kind(KIND):
            acts = tuple(self._chaos(one) for one in self.stressed())
        elif self.order.image:
            able(self.around.platform, Guests)
            acts = tuple(act for one in self.stressed() for act in self._beside(one))
        else:
            lacks = (
                f"{KIND}: that part of Chaos Mesh is not installed, and no `image` is stated to do without"
            )
            raise Unsupported(self.around.platform, lacks)
        return Plan(acts, self.victims(self.felt_by()), len(self.everyone()))

    def stressed(self) -> tuple[Workload, ...]:
        return self.workloads() if self.order.everybody else (self.workload(),)

    def felt_by(self) -> tuple[Pod, ...]:
        return self.everyone() if self.order.everybody else self.pods()

    def _chaos(self, workload: Workload) -> Make:
        if not workload.selector:
            raise Missing(f"{workload.name} selects everybody: whom its pods are cannot be said")
        selector = {"namespaces": [self.namespace], "labelSelectors": dict(workload.selector)}
        spec = {"mode": "all", "selector": selector, "stressors": self.stressors(workload), EXPIRY: LONGEST}
        return Make(Ref(KIND, self.namespace, f"verdigris-{self.name}-{workload.name}"), {"spec": spec})

    def _beside(self, workload: Workload) -> Iterator[Beside]:
        arguments = [*self.arguments(workload), "--timeout", f"{LEFT}s"]
        container = {"image": self.order.image, "args": arguments, "securityContext": CONFINED}
        for pod in able(self.around.platform, Workloads).pods(self.namespace, workload.selector):
            yield Beside(Ref("Pod", pod.namespace, pod.name), self.uid(pod), container)

    def stressors(self, workload: Workload) -> Json:
        """As Chaos Mesh is told."""
        raise NotImplementedError

    def arguments(self, workload: Workload) -> list[str]:
        """As stress-ng is told."""
        raise NotImplementedError

    def measured(self, expression: str) -> Iterator[tuple[str, float]]:
        """Pod and value, of our side's."""
        for one in self.around.prometheus.query(expression):
            yield one.labels.get("pod", ""), one.value

    def shares(self) -> dict[str, float]:
        """Pod -> how much of what it may have it takes."""
        raise NotImplementedError

    @property
    def least(self) -> float:
        """From what share on it is felt."""
        raise NotImplementedError

    def effect(self) -> str:
        shares, felt_by = self.shares(), self.felt_by()
        seen = [shares.get(pod.name, 0.0) for pod in felt_by]
        self.short = f"{sum(one < self.least for one in seen)} of {len(seen)} pods are below {self.least:.0%}"
        if not seen or min(seen) < self.least:
            return ""
        return f"{len(seen)} pods are at {min(seen):.0%} to {max(seen):.0%}"

    def is_over(self) -> bool:
        """None of those that are there takes that much; one that just came has no figures, and is none."""
        try:
            names = {pod.name for pod in self.felt_by()}
            return (
                all(value < self.least for pod, value in self.shares().items() if pod in names)
                and self.all_well()
            )
        except NoEvidence:
            return False


@puts_in(
    CpuStress,
    Declared(TOUCHES, "what cAdvisor counts of the pods' CPU", HEALS, uses=USES, rights=RIGHTS, needs=NEEDS),
)
class Busy(Stressed[CpuStress]):
    def stressors(self, workload: Workload) -> Json:  # noqa: ARG002 - the same for all
        return {"cpu": {"workers": 1, "load": round(self.order.load.amount * 100)}}

    def arguments(self, workload: Workload) -> list[str]:  # noqa: ARG002 - the same for all
        return ["--cpu", "1", "--cpu-load", str(round(self.order.load.amount * 100))]

    @property
    def least(self) -> float:
        return self.order.load.amount / 2

    def shares(self) -> dict[str, float]:
        """Of a core."""
        window_s = max(LEAST_S, WINDOW_S * float(self.around.environment.pace))
        chosen = f'{{namespace="{self.namespace}", container!=""}}'
        query = f"sum by (pod) (rate(container_cpu_usage_seconds_total{chosen}[{window_s:.0f}s]))"
        return dict(self.measured(query))


@puts_in(
    MemoryStress,
    Declared(TOUCHES, "what cAdvisor says of the pods' memory", HEALS, uses=USES, rights=RIGHTS, needs=NEEDS),
)
class Full(Stressed[MemoryStress]):
    def stressors(self, workload: Workload) -> Json:
        return {"memory": {"workers": 1, "size": f"{self._lacking_mb(workload)}MB"}}

    def arguments(self, workload: Workload) -> list[str]:
        size = str(round(self._lacking_mb(workload) * MB))
        return ["--vm", "1", "--vm-bytes", size, "--vm-keep"]

    def _lacking_mb(self, workload: Workload) -> int:
        """So much as is missing from the fullest of its pods; a share would be one of its node's memory."""
        pods = able(self.around.platform, Workloads).pods(self.namespace, workload.selector)
        names = {pod.name for pod in pods}
        limits = [
            value for pod, value in self._of("container_spec_memory_limit_bytes") if pod in names and value
        ]
        held = [value for pod, value in self._of("container_memory_working_set_bytes") if pod in names]
        if not limits or not held:
            raise Missing(f"nothing is known of the memory of {workload.name}, or it has no limit")
        more = self.order.fill.amount * min(limits) - max(held)
        if more <= 0:
            raise Missing(f"{workload.name} holds that much memory already")
        return int(more / MB)

    @property
    def least(self) -> float:
        return 0.9 * self.order.fill.amount

    def shares(self) -> dict[str, float]:
        """Of its limit."""
        limits = dict(self._of("container_spec_memory_limit_bytes"))
        held = dict(self._of("container_memory_working_set_bytes"))
        return {pod: held[pod] / limit for pod, limit in limits.items() if limit and pod in held}

    def _of(self, metric: str) -> Iterator[tuple[str, float]]:
        series = f'{metric}{{namespace="{self.namespace}", container!=""}}'
        return self.measured(f"sum by (pod) (last_over_time({series}[{KNOWN_S}s]))")
