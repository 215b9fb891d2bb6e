"""What is known about the running system: each pod's series and lines, its past, and what its cache is good for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.objectives import assess
from fixtures.platforms.abilities import Pod, StampedLogs, able
from fixtures.target.coverage import CacheUsed, Exported, LogsCovered, MeanTime, SeriesPresent
from reports.verdicts import Evidence, Measurement, Verdict
from scenarios.checks.endpoints import filled
from scenarios.checks.health import too_slow
from scenarios.checks.monitoring import ENDED, SETTLES_S
from scenarios.checks.registry import measures
from scenarios.journeys import application
from scenarios.journeys.walk import needed
from scenarios.outages import outages, time_between, time_to_repair
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

STEP_S = 30.0  # between two looks at the past: no outage that is longer is missed
SOON = timedelta(seconds=1)  # a line's time may be later than we asked


# --- series ----------------------------------------------------------------------------------------------------------
@measures(SeriesPresent)
def series_present(check: SeriesPresent, around: Surroundings) -> Measurement:
    """Of each pod of the side, every series that its service must export is there now."""
    tally = Tally("series of pods")
    lacking: list[tuple[str, str]] = []
    pods = {one.name: _running(around, one.name, tally) for one in around.target.services}

    def complete() -> bool:
        lacking[:] = [found for one in check.exported for found in _lacking(around, one, pods)]
        return not lacking

    with contextlib.suppress(TimedOut):  # a pod that was just started is not scraped yet
        wait_until(complete, SETTLES_S, around.clock, poll_s=0.5)
    for one in check.exported:
        for service in one.of or pods:
            tally.saw(*(f"{name} of {pod.name}" for pod in pods[service] for name in one.series))
    for pod, name in lacking:
        tally.breaks(f"{name} of {pod}", f"{pod} exports no {name}, or nobody scrapes it")
    return tally.measurement()


def _running(around: Surroundings, name: str, tally: Tally) -> list[Pod]:
    service = next(one for one in around.target.services if one.name == name)
    with tally.looking():
        return [pod for pod in around.pods(service) if pod.phase not in ENDED]
    return []


def _lacking(around: Surroundings, wanted: Exported, pods: dict[str, list[Pod]]) -> list[tuple[str, str]]:
    found = []
    for name in wanted.series:
        query = f'count by (pod) ({name}{{namespace="{around.namespace}", pod!=""}})'
        there = {one.labels.get("pod") for one in around.prometheus.query(query)}
        ours = (pod for service in wanted.of or pods for pod in pods[service])
        found += [(pod.name, name) for pod in ours if pod.name not in there]
    return found


# --- lines -----------------------------------------------------------------------------------------------------------
@measures(LogsCovered)
def logs_covered(check: LogsCovered, around: Surroundings) -> Measurement:
    """Each pod is asked for its last lines, and each of these must come to Loki within the time."""
    tally, platform = Tally("pods"), able(around.platform, StampedLogs)
    for service in around.target.services:
        for pod in _running(around, service.name, tally):
            with tally.looking():
                said = platform.stamped_log(pod, check.lines)
                if not said:
                    tally.unseen(f"{pod.name} has said nothing yet")
                    continue
                tally.saw(pod.name)
                lost = _lost(check, around, pod, said)
                if lost:
                    of = f"{len(lost)} of its last {len(said)} lines"
                    tally.breaks(
                        pod.name,
                        f"{of} are not in Loki {check.within} after they were said",
                        Evidence(f"{pod.name}: not in Loki", "\n".join(lost)),
                    )
    return tally.measurement()


def _lost(
    check: LogsCovered, around: Surroundings, pod: Pod, said: Sequence[tuple[datetime, str]]
) -> list[str]:
    lost: list[str] = []
    labels = {"namespace": pod.namespace, "pod": pod.name}

    def arrived() -> bool:
        kept = set(around.loki.lines(labels, said[0][0] - SOON, datetime.now(UTC) + SOON))
        lost[:] = [line for _, line in said if line not in kept]
        return not lost

    waited_s = (datetime.now(UTC) - said[-1][0]).total_seconds()
    with contextlib.suppress(TimedOut):
        wait_until(arrived, max(0.0, check.within.amount - waited_s), around.clock, poll_s=0.5)
    return lost


# --- the past --------------------------------------------------------------------------------------------------------
@measures(MeanTime)
def mean_time(check: MeanTime, around: Surroundings) -> Measurement:
    """Seconds, judged by what the past can tell: a history that is too short for it tells nothing."""
    tally, now_s = Tally("pasts"), time.time()
    past = around.prometheus.past(check.query, now_s - check.over.seconds, now_s, STEP_S)
    if not past:
        raise Missing(f"nobody has watched: no answer to {check.query}")
    seen = outages(past, STEP_S)
    judged = (
        time_to_repair(seen, check.over.seconds) if check.of == "repair" else time_between(seen, check.that)
    )
    tally.note(
        Evidence(f"{seen.failures} outages in {seen.watched_s / 3600:.1f} h that were watched", judged.why)
    )
    if judged.value_s is None:
        tally.unseen(judged.why)
        return tally.measurement()
    tally.saw(check.name)
    if not check.that.admits(judged.value_s):
        tally.breaks(check.name, f"{judged.why}, where {check.that.text} is promised")
    return tally.measurement()


# --- the cache -------------------------------------------------------------------------------------------------------
@measures(CacheUsed)
def cache_used(check: CacheUsed, around: Surroundings) -> Measurement:
    """One thing is read again and again; the first time may be anything, and is not counted."""
    tally = Tally("answers")
    with needed("make something to read"):
        app = application(around)
        path, headers = filled(check.path, app, {}), app.sign_in(check.as_)
    hits = 0
    for number in range(check.requests + 1):
        begun = around.clock.now()
        try:
            response = around.http.get(path, headers=headers, timeout=check.within.amount)
        except httpx.HTTPError as error:
            tally.breaks(path, f"does not answer: {error or type(error).__name__}")
            return tally.measurement()
        if response.status_code != 200:
            tally.breaks(path, f"answers {response.status_code}")
            return tally.measurement()
        if number:
            tally.took(f"{path}, read {number}", took_s := around.clock.now() - begun)
            if why := too_slow(took_s, check.within):
                tally.breaks(f"{path}, read {number}", why)
            hits += response.headers.get(check.header) == check.hit
    counted = Measurement(None, "share", check.requests, bad=check.requests - hits)
    verdict, why = assess(check.that, counted)
    tally.note(Evidence(f"{hits} of {check.requests} reads of {path} were answered from the cache", why))
    if verdict is Verdict.FAIL:
        tally.breaks(path, f"{hits} of {check.requests} reads came from the cache: {why}")
    elif verdict is not Verdict.PASS:
        tally.unseen(why)
    return tally.measurement()
