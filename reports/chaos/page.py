"""experiment.html: one time axis with what was done, noticed and healed, and beneath it what users saw. No script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from reports.baseline import charts
from reports.baseline.charts import Axis, Chart, Line
from reports.verdicts import Verdict

HERE = Path(__file__).parent
NAME = "experiment.html"
HEIGHT = 220
Redact = Callable[[str], str]
TONES = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}


@dataclass(frozen=True)
class Moment:
    """Seconds after the fault was put in."""

    at_s: float
    what: str


@dataclass(frozen=True)
class Second:
    """What users asked in a second of it, and how that went. Latency counts from when a request was due."""

    at_s: float
    asked: int
    failed: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Told:
    """An experiment, as its page shows it."""

    name: str
    title: str
    source: str
    bound: str
    verdict: Verdict
    reason: str
    asks: str
    moments: Sequence[Moment] = ()
    seconds: Sequence[Second] = ()
    others: Sequence[Second] = ()  # of the other side's users, where they are others
    notes: Sequence[str] = ()
    kind: str = "Experiment"
    begins: str = "the fault was put in"


def rates(told: Told, of: Sequence[Second], title: str) -> Chart:
    asked = [(one.at_s, float(one.asked)) for one in of]
    failed = [(one.at_s, float(one.failed)) for one in of]
    lines = [Line("asked", asked, 0, steps=True), Line("failed", failed, 1, steps=True)]
    return _chart(told, title, Axis("requests/s", low=0.0), lines)


def latency(told: Told) -> Chart:
    lines = [
        Line("p95", [(one.at_s, one.p95_ms) for one in told.seconds if one.asked], 1),
        Line("median", [(one.at_s, one.p50_ms) for one in told.seconds if one.asked], 0),
    ]
    return _chart(told, "How long users waited", Axis("ms", low=0.0), lines)


def _chart(told: Told, title: str, y: Axis, lines: list[Line]) -> Chart:
    marks = [(one.at_s, str(number)) for number, one in enumerate(told.moments, start=1)]
    return Chart(
        title, Axis(f"seconds after {told.begins}"), y, lines, marks=marks, height=HEIGHT, legend=True
    )


def render(told: Told) -> str:
    template = _templates().get_template("experiment.html.jinja2")
    drawn = [rates(told, told.seconds, "What users asked, and what failed"), latency(told)]
    if told.others:
        drawn.append(rates(told, told.others, "What the other side's users asked, whom nobody was to harm"))
    return template.render(told=told, tone=TONES.get(told.verdict, "inconclusive"), charts=drawn)


def write(told: Told, folder: Path, redact: Redact) -> Path:
    """The page in that folder, without secrets."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    fresh = path.with_name(f".{NAME}.new")
    fresh.write_text(redact(render(told)), encoding="utf-8")
    return fresh.replace(path)


@cache
def _templates() -> Environment:
    folders = [HERE / "templates", HERE.parent / "templates", HERE.parent / "baseline" / "templates"]
    found = Environment(
        loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {"svg": lambda chart: Markup(charts.svg(chart)), "clock": lambda at_s: f"{at_s:.2f} s"}
    return found
