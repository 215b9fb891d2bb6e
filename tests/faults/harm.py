"""A fault that edits, edits and makes, on a shelf of objects, and a site to put it in on."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

from fixtures.clock import Clock
from fixtures.evidence import Unreachable
from fixtures.ledger import Ledger
from fixtures.platforms.changes import Changes, Json, Ref
from scenarios.faults.acts import Act, Edit, Hands, Make
from scenarios.faults.radius import Plan
from scenarios.faults.site import Site, essence
from tests.faults.shelf import Shelf

SPACE, CLOSED = Ref("Namespace", "", "shop"), Ref("Namespace", "", "other")
WEB, ROUTE, DENY = (
    Ref("Deployment", "shop", "web"),
    Ref("VirtualService", "shop", "web"),
    Ref("NetworkPolicy", "shop", "x"),
)


class Watched:
    def must_live(self) -> None:
        pass


class Quick:
    """A clock that goes when it is asked to wait."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def shelf() -> Shelf:
    made = Shelf()
    made.put(SPACE, metadata={"labels": {"verdigris.dev/chaos": "allowed"}})
    made.put(CLOSED)
    made.put(
        WEB, metadata={"annotations": {"owner": "us"}}, spec={"replicas": 2, "template": {"image": "a:1"}}
    )
    made.put(ROUTE, spec={"http": [{"route": [{"weight": 95}, {"weight": 5}]}]})
    return made


def state(objects: Shelf) -> dict[Ref, Json | None]:
    return {ref: essence(copy.deepcopy(one)) for ref, one in objects.objects.items()}


@dataclass
class Harm:
    """Scales to zero, delays, and cuts off: an edit of each sort, and an object made."""

    objects: Shelf
    name: str = "harm"
    bites_s: float = 1.0
    over_s: float = 30.0
    short: str = ""
    felt: bool = True
    before: bool = False
    hidden: bool = False  # nobody can look whether it is felt
    lasts: bool = False  # its effect goes on, whatever is healed

    def plan(self) -> Plan:
        web, route = self.objects.read_object(WEB), self.objects.read_object(ROUTE)
        assert web is not None
        assert route is not None
        acts: tuple[Act, ...] = (
            Edit.plan("Deployment", web, (("spec", "replicas"), 0), (("spec", "paused", "why"), "x")),
            Edit.plan("VirtualService", route, (("spec", "http", 0, "fault"), {"delay": "2s"})),
            Make(DENY, {"spec": {"podSelector": {}}}),
        )
        return Plan(acts, ("web-1",), 2)

    def effect(self) -> str:
        if self.hidden:
            raise Unreachable("Prometheus does not answer")
        is_in = self.objects.objects[WEB]["spec"]["replicas"] == 0
        return "web has no pods" if self.before or (self.felt and is_in) else ""

    def is_over(self) -> bool:
        self.short = "web: 0 of 2 are available" if self.lasts else ""
        return not self.lasts


def site(objects: Changes, folder: Path, clock: Clock | None = None) -> Site:
    def say(*_: str) -> None:
        raise AssertionError("no store here")

    return Site(Hands(objects, say), Ledger(folder), Watched(), clock or Quick())
