"""Monitoring itself is well, and watches every job that it must. When it cannot be reached nothing is known, least
of all that nothing is wrong."""

from __future__ import annotations

import contextlib

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.platforms.abilities import Pod
from fixtures.probes.prometheus import ScrapeTarget
from fixtures.target.checks import MonitoringHealthy, TargetsUp
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

SETTLES_S = 6.0  # a pod that was just replaced is still listed, and its successor not yet scraped
ENDED = ("Succeeded", "Failed")  # phases of pods that nobody can scrape any more


@measures(MonitoringHealthy)
def monitoring_healthy(_: MonitoringHealthy, around: Surroundings) -> Measurement:
    tally = Tally("monitors")
    with tally.looking():
        _ready(tally, "Prometheus", *around.prometheus.ready())
    with tally.looking():
        _ready(tally, "Alertmanager", *around.alertmanager.ready())
    return tally.measurement()


def _ready(tally: Tally, name: str, ok: bool, said: str) -> None:
    tally.saw(name)
    tally.note(Evidence(f"{name}: {said}", ""))
    if not ok:
        tally.breaks(name, f"is not ready: {said}")


@measures(TargetsUp)
def targets_up(check: TargetsUp, around: Surroundings) -> Measurement:
    """Every target of each job is up; and of the services among the jobs, every pod of our side is a target."""
    found: list[ScrapeTarget] = []

    def settled() -> bool:
        found[:] = [one for one in around.prometheus.targets() if one.job in check.jobs]
        up = bool(found) and all(one.health == "up" for one in found)
        return up and not _unwatched(_watchable(check, around, Tally("pods")), found)

    with contextlib.suppress(TimedOut):  # what is not up by then is judged as it is
        wait_until(settled, SETTLES_S, around.clock, poll_s=0.5)
    if not found:
        raise Missing(f"Prometheus scrapes nothing of {', '.join(check.jobs)}")
    tally = Tally("targets")
    for job in check.jobs:
        targets = [one for one in found if one.job == job]
        if not targets:
            tally.breaks(job, "Prometheus has no target of this job")
        for one in targets:
            tally.saw(_name(one))
            if one.health != "up":
                tally.breaks(_name(one), f"is {one.health}: {one.error or 'no scrape yet'}")
    for job, pod in _unwatched(_watchable(check, around, tally), found):
        tally.breaks(f"{job} {pod.name}", f"Prometheus does not scrape this pod of {pod.namespace}")
    return tally.measurement()


def _watchable(check: TargetsUp, around: Surroundings, tally: Tally) -> list[tuple[str, Pod]]:
    """Our side's pods of the services that are jobs: a job with targets on the other side alone says nothing of us."""
    pods: list[tuple[str, Pod]] = []
    for service in around.target.services:
        if service.name in check.jobs:
            with tally.looking():
                pods += [(service.name, pod) for pod in around.pods(service) if pod.phase not in ENDED]
    return pods


def _unwatched(pods: list[tuple[str, Pod]], targets: list[ScrapeTarget]) -> list[tuple[str, Pod]]:
    """Those that are no target, by the labels `namespace` and `pod` that a target of a pod has."""
    watched = {(one.labels.get("namespace"), one.labels.get("pod")) for one in targets}
    return [(job, pod) for job, pod in pods if (pod.namespace, pod.name) not in watched]


def _name(target: ScrapeTarget) -> str:
    return f"{target.job} {target.labels.get('pod') or target.url}"
