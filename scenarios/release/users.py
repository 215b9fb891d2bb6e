"""Tops traffic up where real users are too few for what a stage has to show: how many, and the plan that sends them.

They come in pairs, one who asks for no side and one who asks for green, with the same mix in turns: where nobody else
comes, both sides are asked the same, and their shares of errors can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from fixtures.clock import Clock
from fixtures.evidence import NoEvidence
from fixtures.probes.prometheus import Prometheus
from fixtures.target import Environment, Side, Target
from fixtures.target.release import Release
from scenarios.load.arrivals import constant
from scenarios.load.plan import Open, Plan, locustfile_of
from scenarios.release.terms import LONGEST, Terms, missing_rate_rps

SESSIONS = 10
GENTLE_RPS = 30.0
MOST_RPS = 200.0  # beside real users; a claim that would need more is reported as too thin
LONGEST_S = 24 * 3600.0  # ended with the release
NATURAL_S = 60.0  # over which real traffic is looked at


def natural_rps(prometheus: Prometheus, target: Target, terms: Terms, clock: Clock) -> dict[str, float]:
    """Answers a second that each claim's metric has by itself, of both sides together. Nothing where it has none.

    A window's time is let pass first: what an earlier stage of the same run has asked is in it until then, and would be
    taken for users who go on.
    """
    found, window_s = {}, max(5 * terms.tick_s, NATURAL_S * terms.pace)
    clock.sleep(window_s + terms.tick_s)  # until the last of it was scraped, and is over
    for claim in terms.claims:
        metric = target.metrics[claim.name]
        assert metric.counted is not None
        try:
            samples = prometheus.query(metric.promql(metric.counted.of, window_s))
        except NoEvidence:
            samples = []
        values = (one.value for one in samples if math.isfinite(one.value))
        found[claim.name] = max(0.0, sum(values) / window_s)
    return found


def share(release: Release, metric: str) -> float:
    """Of arrivals, how many give the metric an answer to count."""
    counted = sum(one.often for one in release.users.values() if metric in one.counts)
    return counted / sum(one.often for one in release.users.values()) if counted else 1.0


def needed_rps(release: Release, terms: Terms, natural: Mapping[str, float]) -> float:
    """Arrivals a second, both of a pair counted, so that green has the answers of every claim in every stage. Where a
    stage is so short that they would crowd it, rather fewer come for longer: a stage waits for its answers."""
    in_time_rps = _needed_rps(release, terms, natural, 1.0)
    if in_time_rps <= GENTLE_RPS:
        return in_time_rps
    return min(MOST_RPS, max(GENTLE_RPS, _needed_rps(release, terms, natural, LONGEST)))


def _needed_rps(release: Release, terms: Terms, natural: Mapping[str, float], longer: float) -> float:
    most = 0.0
    for stage in (*terms.stages, terms.full):
        # The first and the last tick are not whole.
        counted_s = max(terms.tick_s, stage.planned_s * longer - 2 * terms.tick_s)
        for claim in terms.claims:
            own_rps = natural.get(claim.name, 0.0) * stage.weight
            lacking_rps = missing_rate_rps(claim.needed, counted_s, own_rps)
            most = max(most, 2 * lacking_rps / share(release, claim.name) / (1 + stage.weight))
    return math.ceil(most)


def users_plan(target: Target, environment: Environment, rate_rps: float) -> Plan | None:
    """None where nobody is needed, or nobody wrote what such users do."""
    doings = target.release.users if target.release else {}
    if not rate_rps or not doings or environment.entry is None:
        return None
    return Plan(
        host=environment.entry,
        model=Open(constant(rate_rps, LONGEST_S), sessions=SESSIONS),
        locustfile=locustfile_of(target.system),
        mix={name: one.often for name, one in doings.items()},
        sides={"users": {}, "green": dict(environment.route[Side.GREEN])},
        served_header=environment.served.side,
        ca=environment.ca or "",
        drain_s=2.0,
    )
