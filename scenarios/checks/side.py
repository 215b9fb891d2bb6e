"""What answers as our side is our side: who served, in which version, and whose data it reads."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from fixtures.evidence import Missing, NoEvidence
from fixtures.platforms.abilities import Door, Pod, able
from fixtures.target.base import Side
from fixtures.target.checks import SideProven
from fixtures.target.environment import Stores
from fixtures.target.model import Service
from reports.verdicts import Evidence, Measurement
from scenarios.checks.health import health_details, too_slow
from scenarios.checks.images import parse
from scenarios.checks.registry import measures
from scenarios.journeys import application
from scenarios.journeys.walk import needed
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

Pods = list[tuple[Service, Pod]]
REQUESTS = 10  # a route that leaks a tenth to the other side is seen with 65%, one that leaks half with 99.9%
NUMBERED, FIRST = ("redis", "rediss", "valkey", "valkeys"), "0"  # stores whose databases have numbers


@measures(SideProven)
def side_proven(check: SideProven, around: Surroundings) -> Measurement:
    tally = Tally("proofs")
    ours = Ours(around)
    for error in ours.unlisted:
        tally.unseen(error)
    pods = list(ours.pods)
    with tally.looking():
        _served_by_us(check, around, ours, tally)
    with tally.looking():
        _stores(check, around, pods, tally)
    with tally.looking():
        _data_stays(around, tally)
    return tally.measurement()


class Ours:
    """Our side's pods. They are listed once more for a name that is none of theirs: it may have been made meanwhile."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.list()

    def list(self) -> None:
        self.pods: Pods = []
        self.unlisted: list[NoEvidence] = []
        for service in self._around.target.services:
            try:
                self.pods += [(service, pod) for pod in self._around.pods(service)]
            except NoEvidence as error:
                self.unlisted.append(error)

    def tags(self, name: str) -> set[str]:
        """Of the images that the pod runs; empty where it is none of ours. Raises NoEvidence where nobody can tell."""
        found = self._tags(name)
        if not found and not self.unlisted:
            self.list()
            found = self._tags(name)
        if not found and self.unlisted:
            raise Missing(
                f"whether {name or 'who answered'} is one of ours cannot be told: {self.unlisted[0]}"
            )
        return found

    def _tags(self, name: str) -> set[str]:
        return {parse(image).tag for _, pod in self.pods if pod.name == name for image in pod.images}


def _served_by_us(check: SideProven, around: Surroundings, ours: Ours, tally: Tally) -> None:
    """Each answer names our side, one of our pods, and the tag of the image which that pod runs."""
    served = around.environment.served
    for service in around.target.services:
        for _ in range(REQUESTS // len(around.target.services) + 1):
            begun = around.clock.now()
            try:
                response = around.http.get(service.health, timeout=check.within.amount)
            except httpx.HTTPError as error:
                tally.unseen(f"{service.health} does not answer: {error or type(error).__name__}")
                break
            took_s = around.clock.now() - begun
            tally.took(f"who serves {service.health}", took_s)
            if why := _impostor(around, response.headers, ours) or too_slow(took_s, check.within):
                tally.breaks(f"who serves {service.health}", why)
                break
    tally.note(Evidence(f"asked for {around.side} by {dict(around.environment.route[around.side]) or 'no header'}",
                        f"proof by {served.side}, {served.version}, {served.by}"))  # fmt: skip


def _impostor(around: Surroundings, headers: Mapping[str, str], ours: Ours) -> str:
    served = around.environment.served
    side, version, pod = (headers.get(name, "") for name in (served.side, served.version, served.by))
    if side != around.side:
        return f"{side or 'nobody knows who'} answered, not {around.side}"
    if not (tags := ours.tags(pod)):
        return f"{pod or 'a pod without a name'} answered, which is none of {around.namespace}'s"
    if version not in tags:
        return f"{pod} says that it is version {version}, and its image is {', '.join(sorted(tags))}"
    return ""


def _stores(check: SideProven, around: Surroundings, pods: Pods, tally: Tally) -> None:
    """Every store that a pod names in its health's details is the one that the environment states for our side."""
    stated = {kind: _both(around, kind, tally) for kind in Stores.model_fields}
    named: set[str] = set()
    for service, pod in pods:
        try:
            reply = able(around.platform, Door).get(pod, service.health, check.within.amount)
            details = health_details(reply)
        except NoEvidence as error:
            tally.unseen(error)
            continue
        for kind, seen in details.get("checks", {}).items():
            name, both = seen.get("name") if isinstance(seen, dict) else None, stated.get(kind)
            if name is None or both is None:
                continue
            named.add(kind)
            tally.took(f"{kind} of {pod.name}", reply.took_s)
            why = _wrong_store(around, str(name), both) or too_slow(reply.took_s, check.within)
            if why:
                tally.breaks(f"{kind} of {pod.name}", why)
    if "database" not in named:
        tally.unseen("no pod says which database it uses, or the environment does not say which is ours")


def _both(around: Surroundings, kind: str, tally: Tally) -> tuple[str, str] | None:
    """What our side's store and the other's are called; None where the environment does not say."""
    if kind != "database" and getattr(around.environment.stores, kind) is None:
        return None  # whether it must be stated is asked by the checks that look at it
    with tally.looking():
        ours, theirs = (_name(around, kind, side) for side in (around.side, around.other_side))
        tally.note(Evidence(f"{around.side}'s {kind} is {ours}, {around.other_side}'s is {theirs}", ""))
        return (ours, theirs) if ours else None
    return None


def _wrong_store(around: Surroundings, name: str, both: tuple[str, str]) -> str:
    ours, theirs = both
    if name == ours:
        return ""
    whose = f", which is {around.other_side}'s" if name == theirs else ""
    return f"reads {name}{whose}, where {ours} is {around.side}'s"


def _data_stays(around: Surroundings, tally: Tally) -> None:
    """What is stored on our side is found there, and not on the other, where the two have databases of their own."""
    with needed(f"leave a mark on {around.side}"):
        of, mark = application(around).leave_mark()
        here = application(around).sees_mark(of, mark)
    tally.saw("data")
    if not here:
        tally.breaks("data", f"what was stored on {around.side} is not found there")
    if _name(around, "database", Side.BLUE) == _name(around, "database", Side.GREEN):
        tally.note(Evidence("both sides share one database", ""))
        return
    with needed(f"look for the mark on {around.other_side}"):
        there = application(around, around.other_side).sees_mark(of, mark)
    if there:
        tally.breaks("data", f"what was stored on {around.side} is found on {around.other_side}")


def _name(around: Surroundings, kind: str, side: Side) -> str:
    """The database, or its number, that the store's URL leads to; "" where the URL leads to all of them."""
    url = urlsplit(around.store(kind, side))
    return url.path.strip("/") or (FIRST if url.scheme in NUMBERED else "")
