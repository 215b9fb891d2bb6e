"""Ratios with their intervals, a line each, as inline SVG: who is slower than whom, and by how much for sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW = 720, 196, 172, 22, 34, 21
GROUP_GAP = 9
WIDEST = 4.0  # times; what lies beyond stands at the edge, with an arrow
NARROWEST = 1.12  # the axis reaches at least this far to either side, so that noise looks like noise
TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class Ratio:
    """One line: `low` to `high` is its interval, `noise` how far from 1 nothing is meant. `tone`: pass, fail, open."""

    name: str
    value: float
    text: str  # at the end of the line
    low: float | None = None
    high: float | None = None
    noise: float | None = None
    tone: str = "open"
    group: str = ""  # a word for several lines, before the first of them

    @property
    def reach(self) -> float:
        """How far from 1 anything of it lies."""
        edges = [self.value, self.low or self.value, self.high or self.value, self.noise or 1.0]
        return max(math.exp(abs(math.log(min(max(one, 1e-9), 1e9)))) for one in edges)


@dataclass(frozen=True)
class Forest:
    title: str
    ratios: Sequence[Ratio]
    axis: str = "times as slow"
    limit: float | None = None  # from here on it is too much


def svg(forest: Forest) -> str:
    if not forest.ratios:
        return f'<p class="note">{escape(forest.title)}: nothing to draw.</p>'
    edge = min(max(NARROWEST, *(one.reach for one in forest.ratios)) * 1.03, WIDEST)
    tops, height = _tops(forest.ratios)
    bottom = height - BOTTOM

    def x(value: float) -> float:
        share = math.log(min(max(value, 1 / edge), edge)) / math.log(edge)
        return LEFT + (share + 1) / 2 * (WIDTH - LEFT - RIGHT)

    title = escape(forest.title)
    parts = [
        f'<svg class="chart forest" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
    ]
    if forest.limit is not None:
        parts.append(
            f'<rect class="beyond" x="{x(forest.limit):.1f}" y="{TOP - 8}" '
            f'width="{x(edge) - x(forest.limit):.1f}" height="{bottom - TOP + 8}"/>'
            f'<text class="word end" x="{x(edge) - 4:.1f}" y="{TOP - 11}">over {forest.limit - 1:.0%} slower</text>'
        )
    for value in (one for one in TICKS if 1 / edge <= one <= edge):
        one = ' class="one"' if value == 1 else ' class="grid"'
        parts.append(f'<line{one} x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{TOP - 8}" y2="{bottom}"/>')
    parts += [
        f'<text class="tick middle" x="{x(value):.1f}" y="{bottom + 15}">{value:g} ×</text>'
        for value in _apart([one for one in TICKS if 1 / edge <= one <= edge], x)
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="name middle" x="{middle}" y="{height - 4}">{escape(forest.axis)}</text>')
    for ratio, top in zip(forest.ratios, tops, strict=True):
        parts += _line(ratio, top + ROW / 2, x(1.0), [x(one) for one in _edges(ratio)], ratio.value > edge)
    return "".join([*parts, "</svg>"])


def _tops(ratios: Sequence[Ratio]) -> tuple[list[float], float]:
    """Where each line begins, with a gap before each group; and the height of the whole."""
    tops, at = [], float(TOP)
    for number, one in enumerate(ratios):
        at += GROUP_GAP if one.group and number else 0
        tops.append(at)
        at += ROW
    return tops, at + BOTTOM + 4


def _edges(ratio: Ratio) -> list[float]:
    """Value, both ends of the interval, both ends of the noise."""
    noise = ratio.noise or 1.0
    return [ratio.value, ratio.low or ratio.value, ratio.high or ratio.value, 1 / noise, noise]


def _line(ratio: Ratio, y: float, one: float, at: Sequence[float], beyond: bool) -> list[str]:
    value, low, high, quiet, loud = at
    parts = []
    if ratio.group:
        parts.append(f'<text class="group" x="0" y="{y + 4:.1f}">{escape(ratio.group)}</text>')
    parts.append(f'<text class="tick end" x="{LEFT - 10}" y="{y + 4:.1f}">{escape(ratio.name)}</text>')
    if ratio.noise:
        parts.append(
            f'<rect class="noise" x="{quiet:.1f}" y="{y - 7:.1f}" width="{loud - quiet:.1f}" height="14" rx="3"/>'
        )
    tone = escape(ratio.tone)
    if ratio.low is None:
        parts.append(f'<line class="stem {tone}" x1="{one:.1f}" x2="{value:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    else:
        parts.append(f'<line class="span {tone}" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    shape = f"M{value - 5:.1f} {y - 5:.1f}l8 5l-8 5z" if beyond else ""
    parts.append(
        f'<path class="spot {tone}" d="{shape}"/>'
        if beyond
        else f'<circle class="spot {tone}" cx="{value:.1f}" cy="{y:.1f}" r="4.2"/>'
    )
    parts.append(
        f'<text class="tick said" x="{WIDTH - RIGHT + 12}" y="{y + 4:.1f}">{escape(ratio.text)}</text>'
    )
    return parts


def _apart(ticks: Sequence[float], x: object) -> list[float]:
    """Those whose words do not lie on each other, 1 always among them."""
    assert callable(x)
    kept = [1.0]
    for value in sorted(ticks, key=lambda one: abs(math.log(one))):
        if all(abs(x(value) - x(other)) > 42 for other in kept):
            kept.append(value)
    return kept
