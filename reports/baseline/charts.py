"""Line charts as inline SVG: no script, no fetched font, legible in the dark and on paper.

Lines differ in colour, what they are compared with is dashed, and each says at its end what it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from unicodedata import east_asian_width

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 58, 130, 14, 34
LABEL_GAP = 13


@dataclass(frozen=True)
class Line:
    """Points in data units. `colour` counts the page's line colours; `dashed` is what it is compared with."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 0
    dashed: bool = False
    steps: bool = False
    dots: bool = False
    labelled: bool = True


@dataclass(frozen=True)
class Axis:
    title: str
    log: bool = False
    ticks: Sequence[tuple[float, str]] = ()  # where they are not to be found
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Chart:
    """`guides` are levels worth a line of their own, with a word; `bands` stretches of y; `marks` moments of x. Lines
    are named at their ends, or where these lie on each other in a `legend` above."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    guides: Sequence[tuple[float, str]] = ()
    bands: Sequence[tuple[float, float, str]] = ()
    marks: Sequence[tuple[float, str]] = ()
    height: int = 300
    width: int = WIDTH
    legend: bool = False

    @property
    def right(self) -> int:
        """Where the field ends."""
        return self.width - (20 if self.legend else RIGHT if self.width == WIDTH else 84)

    @property
    def top(self) -> int:
        return TOP + (20 if self.legend else 0)


@dataclass
class _Scale:
    low: float
    high: float
    begin: float
    end: float
    log: bool
    ticks: list[tuple[float, str]] = field(default_factory=list)

    def __call__(self, value: float) -> float:
        low, high, at = (
            math.log10(one) if self.log else one for one in (self.low, self.high, max(value, self.low))
        )
        return self.begin + (min(at, high) - low) / (high - low) * (self.end - self.begin)


def svg(chart: Chart) -> str:
    """The chart, with its title for those who cannot see it."""
    points = [point for line in chart.lines for point in line.points]
    if not points:
        return f'<p class="note">{escape(chart.title)}: nothing to draw.</p>'
    bottom = chart.height - BOTTOM
    right, ceiling = chart.right, chart.top
    x = _scale(chart.x, [one[0] for one in points], LEFT, right)
    levels = [one[1] for one in points] + [edge for band in chart.bands for edge in band[:2]]
    y = _scale(chart.y, levels, bottom, ceiling)
    title = escape(chart.title)
    view = f'viewBox="0 0 {chart.width} {chart.height}"'
    parts = [f'<svg class="chart" {view} role="img" aria-label="{title}"><title>{title}</title>']
    for low, high, word in chart.bands:
        top, base = y(high), y(low)
        parts.append(
            f'<rect class="band" x="{LEFT}" y="{top:.1f}" width="{right - LEFT}" height="{base - top:.1f}"/>'
            f'<text class="word" x="{LEFT + 6}" y="{top + 12:.1f}">{escape(word)}</text>'
        )
    parts += _axes(chart, x, y, bottom)
    for value, word in chart.guides:
        parts.append(
            f'<line class="guide" x1="{LEFT}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            f'<text class="word" x="{LEFT + 6}" y="{y(value) - 4:.1f}">{escape(word)}</text>'
        )
    for value, word in chart.marks:
        parts.append(
            f'<line class="mark-line" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{ceiling}" y2="{bottom}"/>'
            f'<text class="word" x="{x(value) + 5:.1f}" y="{bottom - 6}">{escape(word)}</text>'
        )
    parts += [_path(line, x, y) for line in chart.lines if line.points]
    parts += _legend(chart) if chart.legend else _labels(chart.lines, x, y)
    return "".join([*parts, "</svg>"])


def _axes(chart: Chart, x: _Scale, y: _Scale, bottom: float) -> list[str]:
    parts, right = [], chart.right
    for value, word in y.ticks:
        at = y(value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text class="tick end" x="{LEFT - 7}" y="{at + 3.5:.1f}">{escape(word)}</text>'
        )
    for value, word in x.ticks:
        at = x(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
        parts.append(f'<text class="tick middle" x="{at:.1f}" y="{bottom + 16}">{escape(word)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    middle = (LEFT + right) / 2
    parts.append(
        f'<text class="name middle" x="{middle}" y="{chart.height - 4}">{escape(chart.x.title)}</text>'
    )
    turned = f'transform="rotate(-90 12 {bottom / 2:.0f})"'
    parts.append(
        f'<text class="name middle" x="12" y="{bottom / 2:.0f}" {turned}>{escape(chart.y.title)}</text>'
    )
    return parts


def _path(line: Line, x: _Scale, y: _Scale) -> str:
    drawn: list[str] = []
    before: tuple[float, float] | None = None
    for point in line.points:
        at = (x(point[0]), y(point[1]))
        if before is None:
            drawn.append(f"M{at[0]:.1f} {at[1]:.1f}")
        elif line.steps:
            drawn.append(f"H{at[0]:.1f}V{at[1]:.1f}")
        else:
            drawn.append(f"L{at[0]:.1f} {at[1]:.1f}")
        before = at
    style = f"line c{line.colour % 6}{' dashed' if line.dashed else ''}"
    dots = ""
    if line.dots:
        style_dot = f"dot c{line.colour % 6}"
        dots = "".join(
            f'<circle class="{style_dot}" cx="{x(one):.1f}" cy="{y(other):.1f}" r="3"/>'
            for one, other in line.points
        )
    return f'<path class="{style}" d="{"".join(drawn)}"/>{dots}'


def _legend(chart: Chart) -> list[str]:
    parts, at = [], float(LEFT)
    for line in (one for one in chart.lines if one.points and one.labelled):
        colour = f"c{line.colour % 6}"
        parts.append(
            f'<path class="line {colour}" d="M{at:.1f} 12h16"/>'
            f'<text class="label {colour}" x="{at + 21:.1f}" y="16">{escape(line.name)}</text>'
        )
        at += 36 + sum(12 if east_asian_width(letter) in "WF" else 6.6 for letter in line.name)
    return parts


def _labels(lines: Sequence[Line], x: _Scale, y: _Scale) -> list[str]:
    """Names at the lines' ends, pushed apart where they would lie on each other, and up where they would lie on x."""
    ends = sorted((y(line.points[-1][1]), line) for line in _Named.of(lines))
    places, last = [], -math.inf
    for at, _ in ends:
        places.append(last := max(at + 4, last + LABEL_GAP))
    lowest = y.begin + 4
    for number in reversed(range(len(places))):
        places[number] = min(places[number], lowest)
        lowest = places[number] - LABEL_GAP
    parts = []
    for place, (_, named) in zip(places, ends, strict=True):
        line = named.line
        begin = x(line.points[-1][0]) + 6
        style = f"label c{line.colour % 6}"
        parts.append(f'<text class="{style}" x="{begin:.1f}" y="{place:.1f}">{escape(line.name)}</text>')
    return parts


@dataclass(frozen=True, order=True)
class _Named:
    """A line that can be sorted."""

    name: str
    line: Line = field(compare=False)

    @property
    def points(self) -> Sequence[tuple[float, float]]:
        return self.line.points

    @classmethod
    def of(cls, lines: Sequence[Line]) -> list[_Named]:
        return [cls(line.name, line) for line in lines if line.points and line.labelled]


def _scale(axis: Axis, values: Sequence[float], begin: float, end: float) -> _Scale:
    usable = [one for one in values if math.isfinite(one) and (one > 0 or not axis.log)]
    low = axis.low if axis.low is not None else min(usable, default=1.0)
    high = axis.high if axis.high is not None else max(usable, default=low)
    if high <= low:
        low, high = (low / 2, low * 2) if axis.log else (low - 0.5, low + 0.5)
    if not axis.log and axis.low is None and low >= 0:
        low = 0.0
    scale = _Scale(low, high, begin, end, axis.log)
    scale.ticks = [one for one in axis.ticks or _ticks(scale) if low <= one[0] <= high]
    if axis.log and high / low > 300:  # only whole decades have room
        scale.ticks = [
            one for one in scale.ticks if math.log10(one[0]) % 1 < 0.01 or math.log10(one[0]) % 1 > 0.99
        ]
    return scale


def _ticks(scale: _Scale) -> list[tuple[float, str]]:
    if scale.log:
        decades = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
        wide = math.log10(scale.high / scale.low) > 2.5
        return [
            (step * 10.0**one, f"{step * 10.0**one:g}")
            for one in decades
            for step in ((1,) if wide else (1, 2, 5))
        ]
    rough = (scale.high - scale.low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(one * unit for one in (1, 2, 5, 10) if one * unit >= rough)
    first = math.ceil(scale.low / step)
    return [(at * step, f"{at * step:g}") for at in range(first, math.floor(scale.high / step + 1e-9) + 1)]


def latency_ticks() -> list[tuple[float, str]]:
    """For axes in seconds, from 100 µs to minutes."""
    steps = [(step * 10.0**power) for power in range(-4, 3) for step in (1, 2, 5)]
    return [(one, f"{one * 1000:g} ms" if one < 1 else f"{one:g} s") for one in steps]
