"""The record of a release, put together from what it decided and from the prober's timeline."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from reports.release import record
from scenarios.release.moving import bins, during
from scenarios.release.release import Release
from scenarios.release.stage import BLIND_S, LATE_S
from scenarios.release.timeline import Timeline


def recorded(release: Release) -> record.Release:
    ways, timeline = release.ways, release.ways.timeline()
    target, environment = ways.around.target, ways.around.environment
    weights = ways.road.weights
    return record.Release(
        system=target.system,
        title=target.title,
        environment=environment.name,
        pace=str(environment.pace),
        mode="observe" if release.observe else "drive",
        begun_s=release.begun_s,
        ended_s=ways.clock.now(),
        outcome=release.outcome.value,
        reasons=release.reasons,
        stages=tuple(release.stages),
        created=release.created,
        cleaned=release.cleaned,
        rollback=release.rollback,
        notifications=tuple(release.told),
        restored=release.restored,
        **seen_by_users(timeline, weights),
    )


class Seen(TypedDict):
    """The fields of a record that come from the prober alone."""

    weights: tuple[record.Weight, ...]
    traffic: tuple[record.Traffic, ...]
    downtime: tuple[record.Downtime, ...]
    blind: tuple[tuple[float, float], ...]
    probes: int
    failed_probes: int


def seen_by_users(timeline: Timeline, weights: list[record.Weight]) -> Seen:
    return Seen(
        weights=tuple(weights),
        traffic=tuple(traffic(timeline)),
        downtime=tuple(
            record.Downtime(
                one.from_s,
                one.to_s,
                timeline.between(one.from_s, one.to_s).failed,
                during(weights, one.from_s),
            )
            for one in timeline.downtime()
        ),
        blind=tuple((one.from_s, one.to_s) for one in timeline.blind(LATE_S) if one.length_s > BLIND_S),
        probes=timeline.count,
        failed_probes=timeline.failed,
    )


def traffic(timeline: Timeline) -> list[record.Traffic]:
    found = []
    for from_s, to_s in bins(timeline):
        part = timeline.between(from_s, to_s)
        if not part.count:
            continue
        by_side: dict[str, int] = {}
        for server, n in part.served().items():
            by_side[server.side] = by_side.get(server.side, 0) + n
        p95_s = float(np.quantile(part.probes["latency_us"], 0.95)) / 1e6
        found.append(record.Traffic(from_s, to_s, by_side, part.failed, p95_s))
    return found
