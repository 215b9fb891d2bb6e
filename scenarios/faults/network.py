"""Faults of the network: two services, or a service and its store, that no longer reach each other."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

from fixtures.evidence import Missing, Unreachable
from fixtures.platforms.abilities import Door, Workloads, able
from fixtures.platforms.changes import Changes, Ref
from fixtures.platforms.containers import Inside
from fixtures.target.faults import CacheStopped, NetworkCut, Partition, StorePartition
from scenarios.checks.networks import inside, is_let_in
from scenarios.faults.acts import Act, Edit
from scenarios.faults.asking import ask, unwell_inside
from scenarios.faults.cutting import KIND, Address, Direction, Pods, concerned, partition
from scenarios.faults.edits import ABSENT
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import O, OfService
from scenarios.surroundings import Surroundings

GOOD_IN_A_ROW = 3
RIGHTS = (Right(KIND, ("update", "create", "delete")),)


def pods_of(around: Surroundings, service: str) -> Pods:
    platform = able(around.platform, Workloads)
    found = [one for one in platform.workloads(around.namespace) if one.name == service]
    if not found:
        raise Missing(f"{around.namespace} has no workload {service}")
    selector = found[0].selector
    pods = platform.pods(around.namespace, selector)
    if not pods or not selector:
        raise Missing(f"no pod in {around.namespace} is of {service}")
    return Pods(pods[0].labels, selector, platform.labels(around.namespace))


class OfNetwork(OfService[O]):
    """A way that is closed by policies."""

    def cut_off(self, direction: Direction, whom: Pods | Address) -> Plan:
        """Felt by the service's pods, and by whoever else a policy selects that is narrowed for them."""
        own, subject = self.remember(), pods_of(self.around, self.order.service)
        policies = self.objects.list_objects(KIND, self.namespace)
        acts = partition(policies, subject, direction, whom)
        others = (one for one in self.everyone() if one not in own and concerned(acts, policies, one.labels))
        felt_by = (*own, *others)
        return Plan(acts, self.victims(felt_by), len(felt_by))


@puts_in(
    Partition,
    Declared(
        touches="every NetworkPolicy that lets the one reach the other; where none closes it, one is added",
        seen_by="the service's health path, asked over the front door, has no answer or a gateway's error",
        heals="the peers that the policies had; an added policy is removed",
        rights=RIGHTS,
        needs="a network that enforces policies, and a way to the service that leads through the one that is cut off",
    ),
)
class Partitioned(OfNetwork[Partition]):
    _good = 0

    def plan(self) -> Plan:
        return self.cut_off("ingress", pods_of(self.around, self.order.source))

    def effect(self) -> str:
        asked = ask(self.around, self.service)
        if asked.status and asked.status < 500:
            return ""
        return f"{self.service.health}: {asked.status or 'no answer'} after {asked.took_s:.2f} s"

    def is_over(self) -> bool:
        self._good = self._good + 1 if ask(self.around, self.service).status == 200 else 0
        return self._good >= GOOD_IN_A_ROW and super().is_over()


@puts_in(
    StorePartition,
    Declared(
        touches="every NetworkPolicy that lets the service reach its store; where none closes it, one is added",
        seen_by="the service's own health, asked inside its pods, is no longer 200",
        heals="the peers that the policies had; an added policy is removed",
        uses=(Changes, Workloads, Door),
        rights=(*RIGHTS, Right("pods/proxy", ("get",))),
        needs="a network that enforces policies, and the store's address",
    ),
)
class Storeless(OfNetwork[Any]):
    def plan(self) -> Plan:
        store = self.around.store(self.order.store, self.around.side)
        return self.cut_off("egress", Address(address_of(store)))

    def effect(self) -> str:
        try:
            return unwell_inside(self.around, self.service, self.pods())
        except Unreachable as error:
            return str(error)

    def is_over(self) -> bool:
        return super().is_over() and not self.effect()


@puts_in(
    CacheStopped,
    Declared(
        touches="every NetworkPolicy that lets any pod of the side reach the cache; where none closes it, one is added",
        seen_by="the service's own health, asked inside its pods, is no longer 200",
        heals="the peers that the policies had; an added policy is removed",
        uses=(Changes, Workloads, Door),
        rights=(*RIGHTS, Right("pods/proxy", ("get",))),
        needs="a network that enforces policies, and the cache's address",
    ),
)
class Cacheless(Storeless):
    over_s = 60.0

    def plan(self) -> Plan:
        self.remember()
        cache = Address(address_of(self.around.store("cache", self.around.side)))
        policies = self.objects.list_objects(KIND, self.namespace)
        acts: dict[Ref, Act] = {}
        for one in self.workloads():
            for act in partition(policies, pods_of(self.around, one.name), "egress", cache):
                acts.setdefault(act.ref, act)  # a policy may be several workloads', and is narrowed once
        felt_by = self.everyone()
        return Plan(tuple(acts.values()), self.victims(felt_by), len(felt_by))

    def is_over(self) -> bool:
        return super().is_over() and self.all_well()


@puts_in(
    NetworkCut,
    Declared(
        touches="the networks that the service's containers are in: one of them less",
        seen_by="who reached it there, asked from inside of theirs, does not any more",
        heals="the network, at the address and by the names that each container had in it",
        uses=(Changes, Workloads, Inside),
        needs="containers whose networks can be changed while they run, and a shell in the one that knocks",
    ),
)
class Cut(OfService[NetworkCut]):
    over_s = 60.0

    def plan(self) -> Plan:
        pods = self.remember()
        path = ("spec", "networks", self.order.network)
        acts = []
        for pod in pods:
            ref = Ref("Pod", pod.namespace, pod.name)
            found = self.objects.read_object(ref)
            if found is None or self.order.network not in found["spec"]["networks"]:
                raise Missing(f"{ref} is not in {self.order.network}")
            acts.append(Edit.plan("Pod", found, (path, ABSENT)))
        return Plan(tuple(acts), self.victims(pods), len(pods))

    def effect(self) -> str:
        pod = inside(self.order.source, self.around)
        doors = [(self.order.service, one.port) for one in self.pods() if one.port]
        if not doors:
            raise Missing(f"{self.order.service} has no port to knock at")
        if is_let_in(self.around, pod, self.order.by, doors[0]):
            return ""
        return f"{pod.name} does not reach {doors[0][0]}:{doors[0][1]}"

    def is_over(self) -> bool:
        return super().is_over() and self.all_well() and not self.effect()


def address_of(url: str) -> str:
    """Raises Missing where its name leads nowhere."""
    host = urlsplit(url).hostname or ""
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET)[0][4][0])
    except OSError as error:
        raise Missing(f"the store's name leads nowhere: {error}") from error
