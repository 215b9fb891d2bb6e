"""A stage's charts: bad answers by side, e-values against what they must not reach, latency by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.baseline.charts import Axis, Chart, Line, latency_ticks
from reports.figures import figure
from reports.release.record import Evidence, Metric, Release, Stage

WIDTH, HEIGHT = 430, 210
BLUE, GREEN = 0, 2  # of the page's line colours
NAMED = 3  # e-values that are told apart; the others stay in the background
FEW = 3  # points that would hardly be seen as a line
LEAST_LOG10 = -3.0
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LN10 = math.log(10)


def shares(stage: Stage, metric: Metric) -> Chart:
    """The share of bad answers since the stage began, on either side."""
    lines = [
        Line(side, points, colour, dots=len(points) <= FEW)
        for side, colour in (("blue", BLUE), ("green", GREEN))
        if (points := _shares(stage, metric, side))
    ]
    highest = max((share for line in lines for _, share in line.points), default=0.0)
    high = max(highest * 1.15, (metric.bound or 0) * 1.4, 0.001)
    bound = [(metric.bound, f"bound {figure(metric.bound, 'share')}")] if metric.bound is not None else []
    return Chart(
        title=f"{metric.title}: {metric.bad}",
        x=_since(stage),
        y=Axis(
            "", low=0.0, high=high, ticks=[(high * at / 4, figure(high * at / 4, "share")) for at in range(5)]
        ),
        lines=lines,
        guides=bound,
        height=HEIGHT,
        width=WIDTH,
    )


def _shares(stage: Stage, metric: Metric, side: str) -> list[tuple[float, float]]:
    """From the first answer on: before it there is no share."""
    counts = [(one.at_s, getattr(one, side), getattr(one, f"{side}_bad")) for one in metric.points]
    return [(at_s - stage.begun_s, bad / n) for at_s, n, bad in counts if n]


def evidence(stage: Stage) -> Chart:
    """How strongly each test says that green is worse, as e-values: their logarithms, because they grow by powers."""
    ordered = sorted(stage.evidence, key=highest, reverse=True)
    limit = min((one.threshold for one in ordered), default=0.0) / LN10
    high = max([limit * 1.15, 1.0, *(highest(one) / LN10 + 0.3 for one in ordered)])
    lines = [
        Line(
            one.name,
            [(at_s - stage.begun_s, max(log_e / LN10, LEAST_LOG10)) for at_s, log_e in one.points],
            colour=(3, 1, 4)[rank] if rank < NAMED else 5,
            labelled=rank < NAMED,
            dashed=rank >= NAMED,
            dots=len(one.points) <= FEW,
        )
        for rank, one in enumerate(ordered)
    ]
    powers = range(math.ceil(LEAST_LOG10), math.floor(high) + 1)
    step = max(1, len(powers) // 8)
    return Chart(
        title="Evidence that green is worse (e-values)",
        x=_since(stage),
        y=Axis("", low=LEAST_LOG10, high=high, ticks=[(power, _power(power)) for power in powers[::step]]),
        lines=[line for line in lines if line.points],
        guides=[(limit, f"rolled back from {10**limit:,.0f} on")] if ordered else [],
        height=260,
        width=1080,
        legend=True,
    )


def highest(one: Evidence) -> float:
    """The natural logarithm of the e-value at its highest."""
    return max((log_e for _, log_e in one.points), default=-math.inf)


def odds(one: Evidence) -> str:
    """The e-value at its highest, as it is read aloud."""
    value = 10 ** min(highest(one) / LN10, 300.0)
    return f"{value:,.0f}" if 1000 <= value < 1e6 else f"{value:.3g}"


def _power(power: int) -> str:
    return f"10{str(power).translate(RAISED)}"


def latency(release: Release) -> Chart:
    """What 95% of the probes were answered within, in each bin of the timeline."""
    points = [
        ((one.from_s + one.to_s) / 2 - release.begun_s, one.p95_s)
        for one in release.traffic
        if one.p95_s is not None and one.p95_s > 0
    ]
    return Chart(
        title="Latency of the probes, p95, both sides together",
        x=Axis("seconds since the release began", low=0.0, high=release.ended_s - release.begun_s),
        y=Axis("", log=True, ticks=latency_ticks()),
        lines=[Line("p95", points, 5)] if points else [],
        height=180,
        width=1080,
    )


def _since(stage: Stage) -> Axis:
    return Axis("seconds in the stage", low=0.0, high=max(stage.ended_s - stage.begun_s, 1.0))


def totals(stage: Stage) -> Sequence[tuple[Metric, str, str]]:
    """Each metric with how it ended on green and on blue, in counts."""
    return [(one, _total(one, "green"), _total(one, "blue")) for one in stage.metrics]


def _total(metric: Metric, side: str) -> str:
    if not metric.points:
        return "nothing was counted"
    last = metric.points[-1]
    n, bad = getattr(last, side), getattr(last, f"{side}_bad")
    return f"{bad:,.0f} of {n:,.0f}" + (f" ({figure(bad / n, 'share')})" if n else "")
