"""Users are taken back to the other side while a fault is in, by what takes a release back, in the document's time."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.evidence import Missing
from fixtures.target.base import Side
from reports.release.record import Rollback, Step
from scenarios.faults.registry import Right
from scenarios.release import rollback
from scenarios.release.carrying import router_of
from scenarios.release.fleet import Fleet
from scenarios.release.moment import Moments
from scenarios.release.moving import Road
from scenarios.release.rollback import REHEARSAL, Known, Why
from scenarios.release.stage import SETTLES_S
from scenarios.release.timeline import Timeline
from scenarios.surroundings import Surroundings

RIGHTS = (
    Right("VirtualService", ("update",), "sides"),
    Right(
        "pods/proxy", ("get",), "sides"
    ),  # whether the other side is fit to take users is asked of its pods
)


def take_back(around: Surroundings, users: Callable[[], Timeline], reason: str) -> Rollback:
    """`users`: those who ask for no side. Nobody is shown a maintenance page, and the side that is harmed is not
    cleaned up: it still has a fault to be taken out. Raises Missing."""
    written = around.target.rollback
    if written is None or around.side is not Side.GREEN:
        raise Missing(f"{around.target.system} says nothing of how users are taken back from {around.side}")
    if around.environment.route[around.other_side]:
        raise Missing(
            "the other side's users are led there by themselves: nobody asks as those who are taken back do"
        )
    moments, namespaces = Moments(), around.environment.namespaces
    fleets = {side: Fleet(around.platform, namespaces[side], moments) for side in Side}
    known = Known([], {Side.BLUE: fleets[Side.BLUE].replicas()})
    road = Road(router_of(around), moments, users)
    why = Why(reason, moments.now(), kind=REHEARSAL)
    return rollback.Rollback(around, road, fleets, known, written, moments, lambda _: None, cleans=False).run(
        why
    )


def longest_s(around: Surroundings) -> float:
    """By the document's budget."""
    return around.target.rollback.automatic.total.seconds if around.target.rollback else 0.0


def wrong(found: Rollback) -> list[str]:
    """What of it went otherwise than the document says."""
    steps = [f"{step.title}: {step.said}" for step in found.steps if not step.ok]
    late = found.took_s is None or found.took_s > found.budget_s
    total = f"users were not taken back within {found.budget_s:g} s" if late else ""
    return [*steps, *([total] if total else [])]


def afterwards(found: Rollback, users: Timeline) -> Timeline | None:
    """What users saw once the switch was over, while the fault was still in; None where it never was."""
    switched = [step.begun_s for step in found.steps if step.name == "switch" and step.ok and step.begun_s]
    if not switched:
        return None
    since_s = max(found.last_green_s or 0.0, *switched) + SETTLES_S
    return users.between(since_s, users.whole_until_s)


def said(step: Step) -> str:
    if not step.ok:
        return f"rollback: {step.title}: {step.said}"
    return f"rollback: {step.title}, in {step.took_s:.1f} s of {step.budget_s:g} s"
