"""What becomes of blue once green serves (§5.3.2): kept for an emergency, and proven to be of use in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fixtures.clock import Clock
from fixtures.target.model import Service
from fixtures.target.release import Clean
from reports.release.record import Step
from scenarios.release.fleet import Fleet
from scenarios.release.health import Ask, unwell
from scenarios.release.rollback import TROUBLES

BACKUP = "backup-blue.yaml"


class NotSo(Exception):
    """A step was carried out, and what it was for is not so."""


@dataclass(frozen=True)
class Old:
    """The old environment, and what it takes to look at it."""

    fleet: Fleet
    replicas: Mapping[str, int]  # as they were while it served
    services: tuple[Service, ...]
    ask: Ask


@dataclass(frozen=True)
class Cleaning:
    """`ready_s`: how long blue's pods may take each time; `folder`: where the backup goes."""

    plan: Clean
    titles: Mapping[str, str]
    ready_s: float
    folder: Path


def clean(old: Old, cleaning: Cleaning, clock: Clock) -> tuple[Step, ...]:
    """Backed up, marked, scaled down, and shown to take traffic back; at the end scaled down. Stops where it fails."""
    plan, fleet, steps = cleaning.plan, old.fleet, list[Step]()
    kept_s = plan.keep.seconds if plan.keep else 0.0
    until = datetime.fromtimestamp(clock.now(), UTC) + timedelta(seconds=kept_s)
    note = until.isoformat(timespec="seconds")
    few = {name: min(plan.replicas, number) for name, number in old.replicas.items()}

    def backed_up() -> str:
        kept = fleet.back_up(cleaning.folder / BACKUP)
        return f"{kept} objects in {BACKUP}"

    def marked() -> str:
        fleet.mark(note)
        if fleet.marked() != note:
            raise NotSo(f"the mark reads {fleet.marked()!r}")
        return f"to be removed after {note}"

    def scaled_down() -> str:
        fleet.scale(few)
        _wait(fleet, cleaning.ready_s)
        return f"{plan.replicas} of each"

    def taken_back() -> str:
        fleet.scale(old.replicas)
        _wait(fleet, cleaning.ready_s)
        if failing := unwell(old.services, old.ask):
            raise NotSo("; ".join(f"{name} {said}" for name, said in failing.items()))
        return "every service is ready and well"

    for name, act in (
        ("backup", backed_up),
        ("mark", marked),
        ("scale", scaled_down),
        ("able", taken_back),
        ("scale_again", scaled_down),
    ):
        steps.append(step(name, cleaning.titles[name], act, clock))
        if not steps[-1].ok:
            break
    return tuple(steps)


def _wait(fleet: Fleet, budget_s: float) -> None:
    if lacking := fleet.wait_ready(budget_s):
        raise NotSo(lacking)


def step(name: str, title: str, act: Callable[[], str], clock: Clock) -> Step:
    began_s = clock.now()
    try:
        ok, said = True, act()
    except (*TROUBLES, NotSo, OSError) as error:
        ok, said = False, str(error)
    return Step(name, title, None, clock.now() - began_s, ok, said, began_s)
