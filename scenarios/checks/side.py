"""What answers as our side is our side: who served, in which version, and whose data it reads."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from fixtures.evidence import NoEvidence
from fixtures.platforms.abilities import Door, Pod, able
from fixtures.target.base import Side
from fixtures.target.checks import SideProven
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


@measures(SideProven)
def side_proven(check: SideProven, around: Surroundings) -> Measurement:
    tally = Tally("proofs")
    pods = _pods(around, tally)
    with tally.looking():
        _served_by_us(check, around, pods, tally)
    with tally.looking():
        _databases(check, around, pods, tally)
    with tally.looking():
        _data_stays(around, tally)
    return tally.measurement()


def _pods(around: Surroundings, tally: Tally) -> Pods:
    found: Pods = []
    for service in around.target.services:
        with tally.looking():
            found += [(service, pod) for pod in around.pods(service)]
    return found


def _served_by_us(check: SideProven, around: Surroundings, pods: Pods, tally: Tally) -> None:
    """Each answer names our side, one of our pods, and the tag of the image which that pod runs."""
    served = around.environment.served
    tags = {pod.name: {parse(image).tag for image in pod.images} for _, pod in pods}
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
            if why := _impostor(around, response.headers, tags) or too_slow(took_s, check.within):
                tally.breaks(f"who serves {service.health}", why)
                break
    tally.note(Evidence(f"asked for {around.side} by {dict(around.environment.route[around.side]) or 'no header'}",
                        f"proof by {served.side}, {served.version}, {served.by}"))  # fmt: skip


def _impostor(around: Surroundings, headers: Mapping[str, str], tags: Mapping[str, set[str]]) -> str:
    served = around.environment.served
    side, version, pod = (headers.get(name, "") for name in (served.side, served.version, served.by))
    if side != around.side:
        return f"{side or 'nobody knows who'} answered, not {around.side}"
    if pod not in tags:
        return f"{pod or 'a pod without a name'} answered, which is none of {around.namespace}'s"
    if version not in tags[pod]:
        return f"{pod} says that it is version {version}, and its image is {', '.join(sorted(tags[pod]))}"
    return ""


def _databases(check: SideProven, around: Surroundings, pods: Pods, tally: Tally) -> None:
    """The database that each pod says it uses is the one that the environment states for our side."""
    ours, theirs = (_database(around, side) for side in (around.side, around.other_side))
    tally.note(Evidence(f"{around.side}'s database is {ours}, {around.other_side}'s is {theirs}", ""))
    named = 0
    for service, pod in pods:
        try:
            reply = able(around.platform, Door).get(pod, service.health, check.within.amount)
            details = health_details(reply)
        except NoEvidence as error:
            tally.unseen(error)
            continue
        name = details.get("checks", {}).get("database", {}).get("name")
        if name is None:
            continue
        named += 1
        tally.took(f"database of {pod.name}", reply.took_s)
        if name != ours:
            whose = f", which is {around.other_side}'s" if name == theirs else ""
            tally.breaks(f"database of {pod.name}", f"reads {name}{whose}, where {ours} is {around.side}'s")
        elif why := too_slow(reply.took_s, check.within):
            tally.breaks(f"database of {pod.name}", why)
    if not named:
        tally.unseen("no pod says which database it uses")


def _data_stays(around: Surroundings, tally: Tally) -> None:
    """What is stored on our side is found there, and not on the other, where the two have databases of their own."""
    with needed(f"leave a mark on {around.side}"):
        of, mark = application(around).leave_mark()
        here = application(around).sees_mark(of, mark)
    tally.saw("data")
    if not here:
        tally.breaks("data", f"what was stored on {around.side} is not found there")
    if _database(around, Side.BLUE) == _database(around, Side.GREEN):
        tally.note(Evidence("both sides share one database", ""))
        return
    with needed(f"look for the mark on {around.other_side}"):
        there = application(around, around.other_side).sees_mark(of, mark)
    if there:
        tally.breaks("data", f"what was stored on {around.side} is found on {around.other_side}")


def _database(around: Surroundings, side: Side) -> str:
    return urlsplit(around.store("database", side)).path.lstrip("/")
