"""Experiments of Chaos Mesh: those that a team has already, run as they are; and a service's names and its clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml

from fixtures.evidence import Missing, NoEvidence, Unsupported
from fixtures.platforms.abilities import Door, Pod, Workloads, able
from fixtures.platforms.changes import Changes, CustomKinds, Json, Ref
from fixtures.target.faults import ClockSkew, DnsFailing, FaultOrder, TeamsOwn
from scenarios.faults.acts import EXPIRY, Make, seconds_of
from scenarios.faults.asking import PATIENCE_S, unwell_inside
from scenarios.faults.measured import Measured
from scenarios.faults.radius import Forbidden, Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

C = TypeVar("C", bound=FaultOrder)
KINDS = ("StressChaos", "PodChaos", "NetworkChaos", "HTTPChaos", "DNSChaos", "IOChaos", "TimeChaos")
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


@puts_in(
    TeamsOwn,
    Declared(
        touches="what the file's object selects, in our side's namespace alone; an object without an end is refused",
        seen_by="the metric that is named, leaving its bound; or else pods of the service, gone or begun anew",
        heals=HEALS,
        uses=(Changes, CustomKinds, Workloads),
        rights=tuple(Right(kind, ("create", "delete")) for kind in KINDS),
        needs="Chaos Mesh, and the metric's Prometheus where one is named",
    ),
)
class AsItIs(Measured[TeamsOwn]):
    over_s = 90.0

    def plan(self) -> Plan:
        self.remember()
        body = read(self.file)
        if not able(self.around.platform, CustomKinds).has_kind(body["kind"]):
            raise Unsupported(
                self.around.platform, f"{body['kind']}: that part of Chaos Mesh is not installed"
            )
        selector, where = must_stay_within(body, self.namespace), self.namespace
        felt_by = tuple(able(self.around.platform, Workloads).pods(where, selector))
        if body["spec"].get("mode") == "one":
            felt_by = felt_by[:1]
        ref = Ref(body["kind"], where, f"verdigris-{body['metadata']['name']}")
        return Plan((Make(ref, {"spec": body["spec"]}),), self.victims(felt_by), len(self.everyone()))

    @property
    def file(self) -> Path:
        return self.around.target.beside(self.order.manifest)

    def effect(self) -> str:
        if self.order.felt:
            return super().effect()
        before = {pod.name: restarts(pod) for pod in self.before}
        now = {pod.name: restarts(pod) for pod in self.pods()}
        gone = [name for name in before if name not in now]
        again = [name for name in before if now.get(name, 0) > before[name]]
        return f"gone: {', '.join(gone)}; restarted: {', '.join(again)}" if gone or again else ""

    def is_over(self) -> bool:
        """Pods that are gone stay gone, and others are there for them."""
        try:
            return self.all_well() and (not self.order.felt or super().is_over())
        except NoEvidence:
            return False


def restarts(pod: Pod) -> int:
    return sum(one.restarts for one in pod.containers)


def read(file: Path) -> Json:
    """The one object of a team's file. Raises Missing."""
    try:
        found = [one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one]
    except (OSError, yaml.YAMLError) as error:
        raise Missing(f"{file.name} cannot be read: {error}") from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise Missing(f"{file.name} holds {len(found)} objects, not one: each is an experiment of its own")
    body: Json = found[0]
    if (
        body.get("kind") not in KINDS
        or not isinstance(body.get("spec"), dict)
        or "name" not in body.get("metadata", {})
    ):
        raise Missing(f"{file.name} is no named object of {', '.join(KINDS)}: it is a {body.get('kind')!r}")
    return body


def must_stay_within(body: Json, namespace: str) -> dict[str, str]:
    """The labels of whom it selects. Raises Forbidden where that could be anybody else, or would never end."""
    spec: dict[str, Any] = body["spec"]
    name, selector = body["metadata"]["name"], spec.get("selector") or {}
    spaces = selector.get("namespaces") or [body["metadata"].get("namespace")]
    if spaces != [namespace]:
        raise Forbidden(f"{name} selects in {spaces}, and not in {namespace} alone")
    labels = selector.get("labelSelectors")
    if not labels or selector.keys() - {"namespaces", "labelSelectors"}:
        raise Forbidden(f"{name} does not select by labels alone: whom it would hit cannot be counted")
    if spec.get("action") != "pod-kill" and not seconds_of(str(spec.get(EXPIRY, ""))):
        raise Forbidden(f"{name} has no duration: nothing would end it, should we not")
    return {str(key): str(value) for key, value in labels.items()}
