"""A drill as one self-contained page, for whoever has to answer for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.drills.record import DrillRecord

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def to_html(record: DrillRecord) -> str:
    return PAGES.get_template("drill.html.jinja2").render(
        record=record, moment=_moment, share=lambda at_s: share(record, at_s), seconds=seconds
    )


def share(record: DrillRecord, at_s: float) -> float:
    """Where a moment stands in the drill's time, in per cent."""
    whole_s = record.ended_s - record.began_s
    return 0.0 if whole_s <= 0 else min(100.0, max(0.0, (at_s - record.began_s) / whole_s * 100))


def seconds(amount: float | None) -> str:
    if amount is None:
        return "–"
    return f"{amount:.2f} s" if amount < 120 else f"{amount / 60:.1f} min"


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
