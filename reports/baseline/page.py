"""The performance page: what was measured, against what it is held, and how much of a difference would be noise. One
file, nothing fetched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from reports.baseline import charts, drawn, forest, history
from reports.baseline.conditions import Difference
from reports.baseline.history import Figure, Trend
from reports.baseline.sides import Change, Comparison
from reports.baseline.store import Distribution, Kept, Noise
from reports.figures import figure, seconds

HERE = Path(__file__).parent
QUANTILES = ("p50", "p95", "p99")


@dataclass(frozen=True)
class Told:
    """Everything that the page says. `before` are the runs it is held against, oldest first."""

    now: Kept
    baseline: str = ""
    before: Sequence[Kept] = ()
    differences: Sequence[Difference] = ()
    refused: str = ""  # why there is no comparison
    sides: Mapping[str, Comparison] = field(
        default_factory=dict
    )  # endpoint -> blue against green; "": all of them
    noise: Noise | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """One distribution of the run, with the same one of the latest run before it."""

    now: Distribution
    then: Distribution | None
    figures: Sequence[Figure]  # its p95 from run to run
    noise: Noise | None

    @property
    def trend(self) -> Trend | None:
        return history.trend(self.figures) if len(self.figures) > 1 else None

    def ratio(self, quantile: str) -> float | None:
        now, then = (getattr(one, f"{quantile}_s", None) for one in (self.now, self.then))
        if not now or not then or not math.isfinite(now) or not math.isfinite(then):
            return None
        return float(now / then)

    def floor(self, quantile: str) -> float | None:
        """How far from 1 its ratio would come if nothing had changed."""
        found = self.noise.later.get(self.now.endpoint) if self.noise else None
        return getattr(found, quantile, None)

    def beyond_noise(self, quantile: str) -> bool:
        ratio, floor = self.ratio(quantile), self.floor(quantile)
        return ratio is not None and floor is not None and not 1 / floor <= ratio <= floor


@dataclass(frozen=True)
class Headline:
    """The page in one word, in the tone of its banner, and why in a sentence or two."""

    word: str
    tone: str
    reason: str


def rows(told: Told) -> list[Row]:
    last = told.before[-1] if told.before else None
    return [
        Row(one, last.of(one.endpoint, one.side) if last else None, _figures(told, one), told.noise)
        for one in told.now.distributions
    ]


def _figures(told: Told, one: Distribution) -> list[Figure]:
    found = [(run, run.of(one.endpoint, one.side)) for run in (*told.before, told.now)]
    values = [(run, part.p95_s) for run, part in found if part is not None]
    return [
        Figure(run.id, run.conditions.commit, value)
        for run, value in values
        if value is not None and math.isfinite(value)
    ]


# --- in a word -------------------------------------------------------------------------------------------------------
def headline(told: Told) -> Headline:
    if told.now.validity != "valid":
        why = f"This run is not valid, and says nothing about the service: {told.now.validity}."
        return Headline("INVALID", "inconclusive", why)
    history_says = _against_history(told)
    slower = {name: one for name, one in told.sides.items() if one.change is Change.REGRESSED}
    if slower:
        name, worst = max(
            slower.items(), key=lambda one: max(each.low for each in one[1].ratios if each.gates)
        )
        by = max((one for one in worst.ratios if one.gates), key=lambda one: one.low)
        more = f"; so {'is' if len(slower) == 2 else 'are'} {len(slower) - 1} more" if len(slower) > 1 else ""
        why = f"Green is slower than blue: {by.quantile} of {drawn.called(name)} by {_by(by.value).lstrip('+')}, "
        return Headline(
            "REGRESSED", "fail", f"{why}and surely by {_by(by.low).lstrip('+')}{more}. {history_says}"
        )
    if told.now.verdict == "FAIL":
        why = "It did not keep what is promised under this load; the run's report says what, and it is no baseline."
        return Headline("FAILED", "fail", f"{why} {history_says}")
    if not told.sides:
        return Headline("MEASURED", "inconclusive", history_says)
    whole = told.sides[""]
    if whole.change is Change.UNCHANGED:
        seen = ", ".join(f"{one.quantile} × {one.value:.2f}" for one in whole.ratios)
        why = f"Green is as fast as blue ({seen})."
        return Headline("UNCHANGED", "pass", f"{why} {history_says}")
    why = "Nobody can tell yet whether green is slower than blue by more than 5%."
    return Headline("TOO LITTLE DATA", "inconclusive", f"{why} {history_says}")


def _by(ratio: float) -> str:
    return (
        f"{ratio - 1:.1%}" if ratio < 3 else f"{ratio:.3g} times" if ratio < 1000 else "more than one can say"
    )


def _against_history(told: Told) -> str:
    if told.refused:
        return f"It is not comparable with baseline {told.baseline}: {told.refused}."
    if not told.before:
        name = told.baseline
        hint = f"--save-baseline {name} keeps a run that passes"
        return f"Nothing is kept under {name} before it ({hint})." if name else "There is no baseline yet."
    runs = f"{len(told.before)} run{'s' if len(told.before) > 1 else ''}"
    beside = f"Held against {runs} of baseline {told.baseline}"
    changed = [f"{drawn.called(one.now.endpoint)} {one.trend.changes[-1]}" for one in rows(told)
               if one.trend and one.trend.standing is history.Standing.CHANGED]  # fmt: skip
    if changed:
        return f"{beside}: {changed[0]}."
    out = [drawn.called(one.now.endpoint) for one in rows(told)
           if one.trend and one.trend.standing is history.Standing.OUT]  # fmt: skip
    if out:
        return f"{beside}: p95 of {', '.join(out)} is out of line, which two more runs would confirm."
    if len(told.before) < history.FEWEST:
        return f"{beside}, of {history.FEWEST} that a history needs."
    return f"{beside}, it is in line."


# --- the page --------------------------------------------------------------------------------------------------------
def render(told: Told) -> str:
    folders = [HERE / "templates", HERE.parent / "templates"]
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "latency": lambda value: figure(value, "s"),
        "share": lambda value: figure(value, "share"),
        "seconds": seconds,
        "called": drawn.called,
        "times": lambda value: "–" if value is None else f"{value:.2f} ×",
        "day": lambda at: datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC"),
        "svg": lambda chart: Markup(charts.svg(chart)),
        "forest": lambda made: Markup(forest.svg(made)),
    }
    shown = rows(told)
    return environment.get_template("baseline.html.jinja2").render(
        told=told,
        headline=headline(told),
        rows=shown,
        whole=next((one for one in shown if not one.now.endpoint), None),
        quantiles=QUANTILES,
        sides=drawn.sides_forest(told.sides, told.noise) if told.sides else None,
        baseline=drawn.baseline_forest(shown) if told.before else None,
        distribution=drawn.distribution_chart(shown),
        course=drawn.course_charts(told.now) if told.now.course else [],
        trend=drawn.trend_chart(shown) if told.before else None,
    )


def write(told: Told, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(told), encoding="utf-8")
    return path
