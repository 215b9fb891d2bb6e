"""report.html: our part of the page, and the frame in which pytest-html puts it with its own table and script.

pytest-html writes the page. We hand it this frame because its own has no viewport, no dark mode and no room on top.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pytest_html  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, Template

from reports.figures import margin, measured, seconds
from reports.run import Run, by_stage, headline
from reports.verdicts import Evidence, Finding, Verdict

OURS = Path(__file__).with_name("templates")
THEIRS = Path(pytest_html.__file__).with_name("resources")
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+")


def frame() -> Template:
    """The whole page, with the names that pytest-html fills in."""
    return _templates().get_template("page.html.jinja2")


def fragment(run: Run) -> str:
    """What we put on top of it: verdict, failures, objectives, checklists, terms."""
    template = _templates().get_template("run.html.jinja2")
    return template.render(run=run, setting=run.setting, counts=run.counts, stages=by_stage(run.findings))


@cache
def _templates() -> Environment:
    found = Environment(loader=FileSystemLoader([OURS, THEIRS]), autoescape=True, trim_blocks=True)
    found.filters |= {
        "headline": headline,
        "measured": measured,
        "margin": margin,
        "seconds": seconds,
        "picture": _picture,
        "beside": lambda evidence: _beside(evidence.text),
        "beside_it": _beside,
        "tally": _tally,
        "slug": lambda state: state.replace(" ", "-"),
        "clock": lambda at: datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S UTC"),
        "day": lambda at: datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC"),
    }
    return found


def _picture(evidence: Evidence) -> str:
    """Only a picture that lies in the page itself: a report fetches nothing."""
    return evidence.text if PICTURE.fullmatch(evidence.text) else "data:,"


def _beside(file: str) -> str:
    """Only a file that lies in the run's own folder."""
    path = PurePosixPath(file)
    return "#" if path.is_absolute() or ".." in path.parts or ":" in file else quote(file)


def _tally(findings: list[Finding]) -> str:
    """`12 PASS, 1 FAIL`, of those that gate."""
    verdicts = Counter(one.verdict for one in findings if one.gates)
    return ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts[verdict])
