"""What a project's folders and its monitoring hold: backups by their plan, the access log, metrics in bounds."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.platforms.abilities import Pod, able
from fixtures.platforms.containers import Inside
from fixtures.target.composed import AccessLogged, BackupFiles, MetricWithin
from fixtures.target.objective import Metric
from reports.figures import figure
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.drills.retention import fires
from scenarios.journeys.marks import marked
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

LONGEST = timedelta(days=32)  # between two times that a plan's line has: archives are made monthly
LEAST_WINDOW_S = 10.0  # below this a rate has too few scrapes to be made of
SUM = ".sha256"


@measures(BackupFiles)
def backup_files(check: BackupFiles, around: Surroundings) -> Measurement:
    """The newest file of each line: made since it was last due, not empty, and what its sum says."""
    tally, plan = Tally("backups"), around.target.backups
    if plan is None:
        raise Missing(f"the profile of {around.target.system} plans no backups")
    pod, now = _of(around, check.of), datetime.now(ZoneInfo(check.zone))
    for name, cron in plan.schedule.items():
        folder = f"{check.folder}/{name}"
        found = _files(around, pod, folder)
        tally.saw(name)
        if not found:
            tally.breaks(name, f"there is no backup in {folder}")
            continue
        made, size, file = max(found)
        due = max(fires(cron, now - LONGEST, now - timedelta(seconds=check.late.seconds)), default=None)
        if due and made < due.astimezone(UTC):
            of, at = f"{made.astimezone(due.tzinfo):%Y-%m-%d %H:%M}", f"{due:%Y-%m-%d %H:%M %Z}"
            tally.breaks(name, f"the newest, {file}, is of {of}, and one was due at {at}")
        if not size:
            tally.breaks(name, f"the newest, {file}, is empty")
        said = able(around.platform, Inside).run(
            pod, ["sh", "-c", f"cd {folder} && sha256sum -c {file}{SUM}"]
        )
        if said.code:
            tally.breaks(name, f"{file} is not what its sum says: {' '.join(said.output.split())[-200:]}")
        tally.note(Evidence(f"{name}: {file}, {size} bytes, of {made:%Y-%m-%d %H:%M} UTC", ""))
    return tally.measurement()


def _files(around: Surroundings, pod: Pod, folder: str) -> list[tuple[datetime, int, str]]:
    """When each was made, its bytes, its name."""
    listed = able(around.platform, Inside).run(pod, ["sh", "-c", f"cd {folder} && stat -c '%Y %s %n' *"])
    rows = re.findall(r"^(\d+) (\d+) ([\w.-]+)$", listed.output, re.MULTILINE) if listed.code == 0 else []
    return [
        (datetime.fromtimestamp(int(made), UTC), int(size), name)
        for made, size, name in rows
        if not name.endswith(SUM)
    ]


@measures(MetricWithin)
def metric_within(check: MetricWithin, around: Surroundings) -> Measurement:
    """Over the metric's window at the environment's pace, counted where it can be. No series says nothing, and nor does
    a time in which nothing happened."""
    metric = around.target.metrics.get(check.of)
    if metric is None:
        raise Missing(f"the profile of {around.target.system} has no metric {check.of}")
    tally = Tally("series")
    is_, ok = _counted(metric, around) if metric.counted else _plain(metric, around)
    tally.saw(check.of)
    tally.note(Evidence(f"{check.of}: {is_}", ""))
    if not ok:
        tally.breaks(check.of, f"{metric.title}: {is_}, where {metric.that.text} is promised")
    return tally.measurement()


def _plain(metric: Metric, around: Surroundings) -> tuple[str, bool]:
    value = _value(metric, metric.query, around)
    return figure(value, metric.that.limit.base), metric.that.admits(value)


def _counted(metric: Metric, around: Surroundings) -> tuple[str, bool]:
    """Raises Missing where there was nothing to count."""
    assert metric.counted is not None
    bad, of = (_value(metric, query, around) for query in (metric.counted.bad, metric.counted.of))
    if not of > 0:
        raise Missing(f"nothing happened of which {metric.name or metric.title} could be made")
    share, allowed = max(0.0, bad) / of, metric.that.bad_share
    ok = share <= allowed if metric.that.inclusive else share < allowed
    return f"{bad:.0f} of {of:.0f} are bad, {share:.1%}", ok


def _value(metric: Metric, query: str, around: Surroundings) -> float:
    """Our side's. Raises Missing where it has none."""
    paced_s = metric.window.seconds * float(around.environment.pace) if metric.window else 0.0
    window_s = max(LEAST_WINDOW_S, paced_s) if metric.window else None
    asked = metric.promql(query, window_s)
    ours = [one for one in around.prometheus.query(asked) if one.labels.get("namespace") == around.namespace]
    if len(ours) != 1 or math.isnan(ours[0].value):
        raise Missing(f"Prometheus has no value of {around.namespace} for {asked}")
    return ours[0].value


@measures(AccessLogged)
def access_logged(check: AccessLogged, around: Surroundings) -> Measurement:
    tally, pod, mark = Tally("requests"), _of(around, check.of), marked().split()[-1]
    path = f"{check.path}{'&' if '?' in check.path else '?'}mark={mark}"
    try:
        answer = around.http.get(path, timeout=check.within.amount)
    except httpx.HTTPError as error:
        raise Missing(f"{path} is not answered, so that nothing was to be logged: {error}") from error

    def written() -> bool:
        return able(around.platform, Inside).run(pod, ["grep", "-q", "-F", mark, check.file]).code == 0

    began_s = around.clock.now()
    try:
        wait_until(written, check.within.amount, around.clock, poll_s=0.2)
        tally.took(path, around.clock.now() - began_s)
    except TimedOut:
        tally.breaks(path, f"was answered {answer.status_code}, and is not in {check.file} of {pod.name}")
    return tally.measurement()


def _of(around: Surroundings, name: str) -> Pod:
    """Raises Missing."""
    found = next((one for one in around.target.services if one.name == name), None)
    if found is None:
        raise Missing(f"{around.target.system} has no service {name}")
    pods = [one for one in around.pods(found) if one.phase == "running"]
    if not pods:
        raise Missing(f"no container of {name} runs in {around.namespace}")
    return pods[0]
