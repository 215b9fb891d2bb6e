"""How a project's containers were asked for: checked, limited, brought back, and with what settings and folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.containers import Asked, Containers
from fixtures.target.composed import (
    ContainersChecked,
    LimitsKept,
    PortsPublished,
    RestartsKept,
    SettingsKept,
    VolumesMounted,
)
from fixtures.target.model import Resources, Restart, Service
from reports.verdicts import Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

COMES_BACK = ("always", "unless-stopped", "on-failure")
MIB = 1024 * 1024


def containers(around: Surroundings) -> Sequence[Asked]:
    """All of our side's. Raises Missing where there are none."""
    found = able(around.platform, Containers).asked(around.namespace)
    if not found:
        raise Missing(f"there is no container of the project {around.namespace}")
    return found


def by_service(around: Surroundings) -> Mapping[str, Sequence[Asked]]:
    found: dict[str, list[Asked]] = {}
    for one in containers(around):
        found.setdefault(one.service, []).append(one)
    return found


@measures(ContainersChecked)
def containers_checked(check: ContainersChecked, around: Surroundings) -> Measurement:
    tally, found = Tally("containers"), by_service(around)
    for name in (*(one.name for one in around.target.services), *check.also):
        if name not in found:
            tally.breaks(name, f"the project {around.namespace} has no container of it")
    for one in (one for several in found.values() for one in several):
        tally.saw(one.name)
        if not one.checked:
            tally.breaks(one.name, "has no health check")
        elif one.health != "healthy":
            tally.breaks(
                one.name, f"is {one.health or 'not checked yet'}{f': {one.said}' if one.said else ''}"
            )
    return tally.measurement()


@measures(LimitsKept)
def limits_kept(_: LimitsKept, around: Surroundings) -> Measurement:
    tally = Tally("containers")
    for service, one in _of_promises(around, tally, "limits"):
        tally.saw(one.name)
        for why in (
            *_not_as(service.limits, one.cpu, one.memory, "limit"),
            *_not_as(service.requests, None, one.memory_reserved, "reservation"),
        ):
            tally.breaks(one.name, why)
    return tally.measurement()


def _not_as(promised: Resources | None, cpu: float | None, memory: int, what: str) -> list[str]:
    """An engine by itself keeps no reservation of cores: Swarm does, and it is not asked for."""
    if promised is None:
        return []
    found = []
    if cpu is not None and abs(cpu - promised.cpu.amount) > 0.001:
        found.append(
            f"its {what} of cores is {f'{cpu:g}' if cpu else 'none'}, where {promised.cpu} is promised"
        )
    if memory != promised.memory.amount:
        has = f"{memory / MIB:g} MiB" if memory else "none"
        found.append(f"its {what} of memory is {has}, where {promised.memory} is promised")
    return found


@measures(RestartsKept)
def restarts_kept(_: RestartsKept, around: Surroundings) -> Measurement:
    """Docker's own policies know neither a delay nor a window: those are Swarm's, and cannot be looked at."""
    tally = Tally("containers")
    promised = {one.name: one.restart for one in around.target.services}
    pods = {one.name: one for one in able(around.platform, Workloads).pods(around.namespace)}
    for one in containers(around):
        tally.saw(one.name)
        if why := _does_not_come_back(one, promised.get(one.service)):
            tally.breaks(one.name, why)
        elif one.name in pods and (held := pods[one.name].containers[0]).state.startswith(
            ("exited", "OOMKilled")
        ):
            tally.breaks(one.name, f"does not come back any more: {held.state}")
    return tally.measurement()


def _does_not_come_back(one: Asked, promised: Restart | None) -> str:
    if promised and promised.condition == "none":
        return "" if one.restart == "no" else f"its policy is {one.restart}, where none is promised"
    if one.restart not in COMES_BACK:
        return f"its policy is {one.restart}: once ended, it stays so"
    if promised and one.attempts != promised.attempts:
        tries = f"gives up after {one.attempts}" if one.attempts else "never gives up"
        return f"{one.restart} {tries} restarts, where {promised.attempts} are promised"
    return ""


@measures(PortsPublished)
def ports_published(check: PortsPublished, around: Surroundings) -> Measurement:
    tally, found = Tally("containers"), by_service(around)
    for name, one in ((name, one) for name, several in found.items() for one in several):
        tally.saw(one.name)
        if one.published and name not in check.of:
            tally.breaks(one.name, f"can be reached from outside at {', '.join(one.published)}")
        if one.privileged:
            tally.breaks(one.name, "is privileged: it may do what the machine may")
    for name in check.of:
        if not any(one.published for one in found.get(name, ())):
            tally.breaks(name, "publishes no port: nobody outside reaches the system")
    return tally.measurement()


@measures(VolumesMounted)
def volumes_mounted(check: VolumesMounted, around: Surroundings) -> Measurement:
    tally, found = Tally("mounts"), by_service(around)
    planned = around.target.infrastructure.volumes if around.target.infrastructure else {}
    sources: dict[str, set[str]] = {}
    for target, name in ((target, name) for target, names in check.used.items() for name in names):
        for one in found.get(name, ()):
            mount = next((mount for mount in one.mounts if mount.target == target), None)
            tally.saw(f"{target} of {one.name}")
            if mount is None:
                tally.breaks(f"{target} of {one.name}", f"{one.name} has nothing mounted at {target}")
                continue
            sources.setdefault(target, set()).add(mount.source)
            if name in check.written.get(target, ()) and not mount.writable:
                tally.breaks(f"{target} of {one.name}", f"{one.name} may not write to {target}")
        if name not in found:
            tally.unseen(f"{around.namespace} has no container of {name}")
    for target, several in sources.items():
        if len(several) > 1:
            tally.breaks(target, f"is not one folder for all: {', '.join(sorted(several))}")
        if wanted := next((host for host, inside in planned.items() if inside == target), ""):
            for source in several:
                if PurePosixPath(source).name != PurePosixPath(wanted).name:
                    tally.breaks(target, f"is {source}, where {wanted} is planned")
    return tally.measurement()


@measures(SettingsKept)
def settings_kept(check: SettingsKept, around: Surroundings) -> Measurement:
    """What is secret is looked at, and never shown."""
    tally = Tally("settings")
    for one in by_service(around).get(check.of, ()):
        for name, wanted in check.settings.items():
            tally.saw(f"{name} of {one.name}")
            has = one.environment.get(name)
            if has != wanted:
                told = "is not set" if has is None else f"is {has!r}"
                tally.breaks(f"{name} of {one.name}", f"{told}, where {wanted!r} is promised")
        for name in check.secrets:
            tally.saw(f"{name} of {one.name}")
            if not one.environment.get(name, "").strip():
                tally.breaks(f"{name} of {one.name}", "is not set, or empty")
    return tally.measurement()


def _of_promises(around: Surroundings, tally: Tally, what: str) -> list[tuple[Service, Asked]]:
    """Containers of services that promise something of that name; one that is not there is unseen."""
    found, made = by_service(around), []
    for service in around.target.services:
        if getattr(service, what) is None:
            continue
        if service.name not in found:
            tally.unseen(f"{around.namespace} has no container of {service.name}")
        made += [(service, one) for one in found.get(service.name, ())]
    return made
