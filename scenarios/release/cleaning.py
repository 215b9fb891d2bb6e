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


def clean(old: Old, plan: Clean, budget_s: float, clock: Clock, folder: Path) -> tuple[Step, ...]:
    """Backed up, marked, scaled down, and shown to take traffic back; at the end scaled down. Stops where it fails."""
    fleet, steps = old.fleet, list[Step]()
    kept_s = plan.keep.seconds if plan.keep else 0.0
    until = datetime.fromtimestamp(clock.now(), UTC) + timedelta(seconds=kept_s)
    note = until.isoformat(timespec="seconds")
    few = {name: min(plan.replicas, number) for name, number in old.replicas.items()}

    def backed_up() -> str:
        kept = fleet.back_up(folder / BACKUP)
        return f"{kept} objects in {BACKUP}"

    def marked() -> str:
        fleet.mark(note)
        if fleet.marked() != note:
            raise NotSo(f"the mark reads {fleet.marked()!r}")
        return f"to be removed after {note}"

    def scaled_down() -> str:
        fleet.scale(few)
        _wait(fleet, budget_s)
        return f"{plan.replicas} of each"

    def taken_back() -> str:
        fleet.scale(old.replicas)
        _wait(fleet, budget_s)
        if failing := unwell(old.services, old.ask):
            raise NotSo("; ".join(f"{name} {said}" for name, said in failing.items()))
        return "every service is ready and well"

    for name, title, act in (
        ("backup", "備份舊環境配置", backed_up),
        ("mark", "保留舊環境以備緊急回滾", marked),
        ("scale", "縮減舊環境資源", scaled_down),
        ("able", "舊環境能接回流量", taken_back),
        ("scale_again", "縮減舊環境資源", scaled_down),
    ):
        steps.append(_step(name, title, act, clock))
        if not steps[-1].ok:
            break
    return tuple(steps)


def _wait(fleet: Fleet, budget_s: float) -> None:
    if lacking := fleet.wait_ready(budget_s):
        raise NotSo(lacking)


def _step(name: str, title: str, act: Callable[[], str], clock: Clock) -> Step:
    began_s = clock.now()
    try:
        ok, said = True, act()
    except (*TROUBLES, NotSo, OSError) as error:
        ok, said = False, str(error)
    return Step(name, title, None, clock.now() - began_s, ok, said, began_s)
