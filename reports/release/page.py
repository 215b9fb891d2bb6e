"""release.html: how a release went, for whoever has to answer for it. One file, nothing fetched, no script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from reports.baseline import charts
from reports.figures import figure, seconds
from reports.release import course, drawn, record
from reports.release.record import Downtime, Release, Rollback, Step

HERE = Path(__file__).parent
NAME = "release.html"
TOLD = 12  # stretches of downtime, the longest
Redact = Callable[[str], str]
TONES = {"promote": "pass", "roll back": "fail", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class Headline:
    word: str
    tone: str  # of the banner
    reason: str


def headline(release: Release) -> Headline:
    """What became of it, in a word, and why."""
    reason = "; ".join(release.reasons) or "nothing was decided, and no evidence is not success"
    back = release.rollback
    if release.outcome == "roll back" and back is not None:
        word = "ROLLED BACK" if back.ok else "ROLLBACK FAILED"
        return Headline(word, "fail", reason)
    words = {"promote": "PROMOTED", "roll back": "TO BE ROLLED BACK"}
    return Headline(
        words.get(release.outcome, "INCONCLUSIVE"), TONES.get(release.outcome, "inconclusive"), reason
    )


@dataclass(frozen=True)
class Bar:
    """A step's time as a share of its budget, for drawing: the budget is at 70."""

    used: float
    beyond: bool


def bar(took_s: float | None, budget_s: float | None) -> Bar | None:
    if took_s is None or not budget_s:
        return None
    return Bar(min(took_s / budget_s * 70, 100), took_s > budget_s)


def in_all(back: Rollback) -> list[Step]:
    """What the document bounds beside the single steps."""
    found = [Step("total", "in all", back.budget_s, back.took_s, _within(back.took_s, back.budget_s))]
    if back.anyhow_s is not None:
        took_s = None
        if back.last_green_s is not None:
            took_s = back.last_green_s - (back.onset_s if back.onset_s is not None else back.decided_s)
        since = "first bad answer" if back.onset_s is not None else "decision"
        title = f"from the {since} to green's last answer"
        found.append(Step("anyhow", title, back.anyhow_s, took_s, _within(took_s, back.anyhow_s)))
    return found


def _within(took_s: float | None, budget_s: float) -> bool | None:
    return None if took_s is None else took_s <= budget_s


def longest(release: Release) -> list[Downtime]:
    """The stretches that are told one by one."""
    return sorted(release.downtime, key=lambda one: one.from_s - one.to_s)[:TOLD]


def render(release: Release) -> str:
    return (
        _templates()
        .get_template("release.html.jinja2")
        .render(
            release=release,
            headline=headline(release),
            course=course.svg(release),
            latency=drawn.latency(release),
            downtime=course.downtime_in_words(release),
        )
    )


def write(release: Release, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    fresh = path.with_name(f".{NAME}.new")
    fresh.write_text(render(release), encoding="utf-8")
    return fresh.replace(path)


def write_of(folder: Path, redact: Redact) -> Path | None:
    """The page of the record in that folder, and the record itself without secrets; None where there is no record."""
    if not (folder / record.NAME).is_file():
        return None
    found = record.hidden(record.read(folder / record.NAME), redact)
    record.write(found, folder)
    return write(found, folder)


@cache
def _templates() -> Environment:
    folders = [HERE / "templates", HERE.parent / "templates", HERE.parent / "baseline" / "templates"]
    found = Environment(
        loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {
        "svg": lambda chart: Markup(charts.svg(chart)),
        "drawing": Markup,
        "seconds": seconds,
        "figure": figure,
        "took": lambda value: "–" if value is None else figure(value, "s"),
        "share": lambda value: "–" if value is None else figure(value, "share"),
        "after": lambda at, release: course.clock(round(at - release.begun_s, 1)),
        "day": lambda at: datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M:%S UTC"),
        "shares": lambda metric, stage: drawn.shares(stage, metric),
        "evidence": drawn.evidence,
        "totals": drawn.totals,
        "strongest": lambda stage: max(stage.evidence, key=drawn.highest, default=None),
        "odds": drawn.odds,
        "bar": lambda step: bar(step.took_s, step.budget_s),
        "in_all": in_all,
        "longest": longest,
        "tone": lambda outcome: {"promote": "pass", "roll back": "fail"}.get(outcome, "unknown"),
        "verdict": lambda ok: {True: "pass", False: "fail"}.get(ok, "unknown"),
    }
    return found
