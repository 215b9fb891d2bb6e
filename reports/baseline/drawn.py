"""What the performance page shows, as charts: sides, baseline, distributions, the run's course, the trend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from reports.baseline import charts, history
from reports.baseline.charts import Axis, Chart, Line
from reports.baseline.forest import Forest, Ratio
from reports.baseline.histogram import Histogram, highest
from reports.baseline.sides import TOO_MUCH, Change, Comparison
from reports.baseline.store import Distribution, Kept, Noise
from reports.figures import figure

if TYPE_CHECKING:
    from reports.baseline.page import Row

LEAST_SHARE = 1e-5
MOST_LINES = 5
SHARES = [(10.0**-power, f"{100 / 10**power:g}%") for power in range(6)]
TONES = {Change.REGRESSED: "fail", Change.UNCHANGED: "pass", Change.TOO_LITTLE: "open"}


def called(endpoint: str) -> str:
    return endpoint or "all requests"


# --- ratios ----------------------------------------------------------------------------------------------------------
def sides_forest(sides: Mapping[str, Comparison], noise: Noise | None) -> Forest:
    """Green over blue. p99 is there to be seen, and decides nothing."""
    lines = []
    for endpoint, one in sides.items():
        floor = noise.in_turns.get(endpoint) if noise else None
        for ratio in one.ratios:
            tone = TONES[one.change] if ratio.low > TOO_MUCH or one.change is not Change.REGRESSED else "open"
            lines.append(
                Ratio(
                    ratio.quantile, ratio.value, f"{_times(ratio.value)} ({_times(ratio.low)} to {_times(ratio.high)})",
                    ratio.low, ratio.high, getattr(floor, ratio.quantile, None),
                    tone if ratio.gates else "none",
                    short(endpoint) if ratio is one.ratios[0] else "",
                )
            )  # fmt: skip
    return Forest("Green over blue, with 95% intervals", lines, "green over blue", TOO_MUCH)


def baseline_forest(rows: Sequence[Row]) -> Forest:
    """Now over then, in the band within which the same code differs from itself."""
    lines = []
    for row in rows:
        drawn = [(name, ratio) for name in ("p50", "p95") if (ratio := row.ratio(name)) is not None]
        for name, ratio in drawn:
            now, then = (figure(getattr(one, f"{name}_s"), "s") for one in (row.now, row.then))
            known = row.floor(name) is not None
            tone = "open" if not known else "pass" if not row.beyond_noise(name) or ratio < 1 else "fail"
            group = short(row.now.endpoint) if (name, ratio) == drawn[0] else ""
            lines.append(
                Ratio(name, ratio, f"{now}, was {then}", noise=row.floor(name), tone=tone, group=group)
            )
    return Forest("This run over the latest one before it, and what is noise", lines, "now over then")


def _times(value: float) -> str:
    return f"{value:.2f}" if value < 100 else "∞"


# --- distributions ---------------------------------------------------------------------------------------------------
def distribution_chart(rows: Sequence[Row]) -> Chart:
    """How many requests took longer than so long: tails are what a distribution is looked at for."""
    lines: list[Line] = []
    held = any(row.then for row in rows)
    for number, row in enumerate(_largest(rows)):
        if row.then is not None:
            points = slower_than(row.then.histogram)
            lines.append(Line("", points, number, dashed=True, steps=True, labelled=False))
        lines.append(Line(_named(rows, row.now), slower_than(row.now.histogram), number, steps=True))
    return Chart(
        "Latency: the share of requests that took longer" + (", dashed the run before" if held else ""),
        Axis("latency", log=True, ticks=charts.latency_ticks()),
        Axis("share that took longer", log=True, ticks=SHARES, high=1.0),
        lines,
        guides=((0.5, "p50"), (0.05, "p95"), (0.01, "p99")),
        height=360,
        legend=True,
    )


def slower_than(histogram: Histogram) -> list[tuple[float, float]]:
    """(seconds, share of requests that took longer), one a bucket."""
    count, indices = histogram.count, sorted(histogram.counts)
    if not count:
        return []
    reached = accumulate(histogram.counts[index] for index in indices)
    points = [(highest(index) / 1e6, 1 - seen / count) for index, seen in zip(indices, reached, strict=True)]
    least = max(LEAST_SHARE, 0.5 / count)
    first = (max(points[0][0] * 0.97, 1e-6), 1.0)
    return [first, *((at, share) for at, share in points[:-1] if share >= least), (points[-1][0], least)]


# --- over time -------------------------------------------------------------------------------------------------------
def course_charts(kept: Kept) -> list[Chart]:
    """Rate and errors, and latency, over the time of the run."""
    course, time = kept.course, Axis("seconds into the run")
    rate = [(one.at_s, one.rate_rps) for one in course]
    errors = [(one.at_s, one.errors_rps) for one in course]
    quantiles = [
        Line(name, [(one.at_s, value) for one in course if _usable(value := getattr(one, key))], colour)
        for name, key, colour in (("p50", "p50_s", 0), ("p95", "p95_s", 1))
    ]
    counts = [Line("requests", rate, 0), Line("errors", errors, 3)]
    latency = Axis("latency", log=True, ticks=charts.latency_ticks())
    return [
        Chart("Requests and errors a second", time, Axis("per second"), counts, height=240, width=460),
        Chart("Latency over time", time, latency, quantiles, height=240, width=460),
    ]


def trend_chart(rows: Sequence[Row]) -> Chart:
    """p95 of each endpoint from run to run, with where a change began."""
    lines, marks = [], []
    for number, row in enumerate(_largest(rows)):
        points = [(at + 1, each.value) for at, each in enumerate(row.figures)]
        lines.append(Line(_named(rows, row.now), points, number, dots=True))
        where = {each.run: at + 1 for at, each in enumerate(row.figures)}
        marks += [
            (float(where[each.run]), f"{each.commit or each.run[:15]}: {each.ratio:.2f} ×")
            for each in history.trend(row.figures).changes
        ]
    runs = max((len(row.figures) for row in rows), default=1)
    ticks = [(float(at), f"{at}") for at in range(1, runs + 1, max(1, math.ceil(runs / 12)))]
    return Chart(
        "p95 from run to run",
        Axis("run", ticks=ticks, low=1, high=max(2.0, runs)),
        Axis("p95", log=True, ticks=charts.latency_ticks()),
        lines,
        marks=list(dict(marks).items())[:4],  # a change that several endpoints saw is marked once
    )


def _largest(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row.now.count)[:MOST_LINES]


def short(endpoint: str) -> str:
    """Short enough for a chart: the method and the last of the path."""
    if not endpoint:
        return called(endpoint)
    method, _, path = endpoint.partition(" ")
    parts = path.strip("/").split("/")
    own = parts[-1] if not parts[-1].startswith("{") else "/".join(parts[-2:])
    return f"{method} {own}"[:22]


def _named(rows: Sequence[Row], one: Distribution) -> str:
    """With the side, where there are two."""
    several = len({row.now.side for row in rows}) > 1
    return short(one.endpoint)[:18] + (f" {one.side}" if several else "")


def _usable(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
