"""The performance page: what was measured, against what it is held, and how much of a difference would be noise. One
file, nothing fetched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from reports.baseline import charts, history
from reports.baseline.charts import Axis, Chart, Line
from reports.baseline.conditions import Difference
from reports.baseline.histogram import Histogram, highest
from reports.baseline.history import Figure, Trend
from reports.baseline.sides import Comparison
from reports.baseline.store import Distribution, Kept, Noise
from reports.figures import figure, seconds

HERE = Path(__file__).parent
LEAST_SHARE = 1e-5
MOST_LINES = 5


@dataclass(frozen=True)
class Told:
    """Everything that the page says. `before` are the runs it is held against, oldest first."""

    now: Kept
    baseline: str = ""
    before: Sequence[Kept] = ()
    differences: Sequence[Difference] = ()
    refused: str = ""  # why there is no comparison
    sides: dict[str, Comparison] = field(
        default_factory=dict
    )  # endpoint -> blue against green; "" is all of them
    noise: Noise | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    now: Distribution
    then: Distribution | None
    trend: Trend | None
    noise: Noise | None

    def ratio(self, quantile: str) -> float | None:
        now, then = (getattr(one, f"{quantile}_s", None) for one in (self.now, self.then))
        if not now or not then or not math.isfinite(now) or not math.isfinite(then):
            return None
        return float(now / then)

    def beyond_noise(self, quantile: str) -> bool:
        ratio, floor = self.ratio(quantile), getattr(self.noise, quantile, None)
        return ratio is not None and floor is not None and not 1 / floor <= ratio <= floor


def rows(told: Told) -> list[Row]:
    """Each distribution of the run, with the same one of the latest run before it."""
    last = told.before[-1] if told.before else None
    return [
        Row(one, last.of(one.endpoint, one.side) if last else None, _trend(told, one), told.noise)
        for one in told.now.distributions
    ]


def _figures(told: Told, one: Distribution, quantile: str = "p95_s") -> list[Figure]:
    found = [(run, run.of(one.endpoint, one.side)) for run in (*told.before, told.now)]
    values = [(run, getattr(part, quantile)) for run, part in found if part is not None]
    return [
        Figure(run.id, run.conditions.commit, value)
        for run, value in values
        if value is not None and math.isfinite(value)
    ]


def _trend(told: Told, one: Distribution) -> Trend | None:
    figures = _figures(told, one)
    return history.trend(figures) if len(figures) > 1 else None


# --- charts ----------------------------------------------------------------------------------------------------------
def distribution_chart(told: Told) -> Chart:
    """How many requests took longer than so long: tails are what a distribution is looked at for."""
    last = told.before[-1] if told.before else None
    lines: list[Line] = []
    for number, one in enumerate(_largest(told.now.distributions)):
        then = last.of(one.endpoint, one.side) if last else None
        if then is not None:
            points = slower_than(then.histogram)
            lines.append(Line("", points, number, dashed=True, steps=True, labelled=False))
        lines.append(Line(_named(told, one), slower_than(one.histogram), number, steps=True))
    shares = [
        (1.0, "100%"),
        (0.1, "10%"),
        (0.01, "1%"),
        (0.001, "0.1%"),
        (0.0001, "0.01%"),
        (0.00001, "0.001%"),
    ]
    return Chart(
        "Latency: the share of requests that took longer" + (", dashed the baseline" if last else ""),
        Axis("latency", log=True, ticks=charts.latency_ticks()),
        Axis("share that took longer", log=True, ticks=shares, high=1.0),
        lines,
        guides=((0.5, "p50"), (0.05, "p95"), (0.01, "p99")),
        height=340,
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
        Chart("Requests and errors a second", time, Axis("per second"), counts, height=220),
        Chart("Latency over time", time, latency, quantiles, height=220),
    ]


def trend_chart(told: Told) -> Chart:
    """p95 of each endpoint from run to run, with where a change began."""
    lines, marks = [], []
    for number, one in enumerate(_largest(told.now.distributions)):
        figures = _figures(told, one)
        lines.append(
            Line(
                _named(told, one),
                [(at + 1, each.value) for at, each in enumerate(figures)],
                number,
                dots=True,
            )
        )
        found = history.trend(figures)
        where = {each.run: at + 1 for at, each in enumerate(figures)}
        marks += [
            (float(where[each.run]), f"{each.commit or each.run[:15]}: {each.ratio:.2f} ×")
            for each in found.changes
        ]
    runs = len(told.before) + 1
    ticks = [(float(at), f"{at}") for at in range(1, runs + 1, max(1, math.ceil(runs / 12)))]
    latency = Axis("p95", log=True, ticks=charts.latency_ticks())
    return Chart(
        "p95 from run to run",
        Axis("run", ticks=ticks, low=1, high=max(2.0, runs)),
        latency,
        lines,
        marks=marks[:4],
    )


def noise_chart(told: Told) -> Chart | None:
    """Each endpoint's ratio now over then, in the band within which the same code differs from itself."""
    made = [row for row in rows(told) if row.ratio("p95") is not None]
    if not made or told.noise is None:
        return None
    ratios = [(float(at), row.ratio("p95") or 1.0) for at, row in enumerate(made)]
    lines = [Line("", [point], 0, dots=True, labelled=False) for point in ratios]
    floor = told.noise.p95
    edges = [value for _, value in ratios] + [floor, 1 / floor]
    ticks = [(float(at), _named(told, row.now)) for at, row in enumerate(made)]
    return Chart(
        "p95 against the baseline, and what is noise",
        Axis("", ticks=ticks, low=-0.5, high=len(made) - 0.5),
        Axis("now over then", low=min(edges) * 0.95, high=max(edges) * 1.05),
        lines,
        guides=((1.0, "as before"),),
        bands=((1 / floor, floor, "the same code differs from itself by as much"),),
        height=220,
    )


def _largest(distributions: Sequence[Distribution]) -> list[Distribution]:
    return sorted(distributions, key=lambda one: -one.count)[:MOST_LINES]


def _named(told: Told, one: Distribution) -> str:
    """Short enough for the end of a line: the method and the last of the path, and the side where there are two."""
    method, _, path = one.endpoint.partition(" ")
    parts = path.strip("/").split("/")
    own = parts[-1] if not parts[-1].startswith("{") else "/".join(parts[-2:])
    several = len({each.side for each in told.now.distributions}) > 1
    return f"{method} {own}"[:18] + (f" {one.side}" if several else "")


def _usable(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


# --- the page --------------------------------------------------------------------------------------------------------
def render(told: Told) -> str:
    folders = [HERE / "templates", HERE.parent / "templates"]
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "latency": lambda value: figure(value, "s"),
        "seconds": seconds,
        "times": lambda value: "–" if value is None else f"{value:.2f} ×",
        "day": lambda at: datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC"),
        "svg": lambda chart: Markup(charts.svg(chart)),
    }
    found = noise_chart(told)
    return environment.get_template("baseline.html.jinja2").render(
        told=told,
        rows=rows(told),
        distribution=distribution_chart(told),
        course=course_charts(told.now) if told.now.course else [],
        trend=trend_chart(told) if told.before else None,
        noise=found,
    )


def write(told: Told, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(told), encoding="utf-8")
    return path
