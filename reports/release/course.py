"""A release in one picture: weights, who answered, and downtime, one below the other over the same time. Inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from reports.release.record import Release, Stage, Traffic

WIDTH, LEFT, RIGHT = 1080.0, 64.0, 12.0
WEIGHT_TOP, WEIGHT_HEIGHT = 56.0, 96.0
TRAFFIC_TOP, TRAFFIC_HEIGHT = 192.0, 110.0
FAILED_HEIGHT = 40.0  # below the line
STRIP_TOP, STRIP_HEIGHT = 374.0, 16.0
HEIGHT = 430.0
LEAST_WIDTH = 2.5  # of what must be seen, however short it was
SIDES = (("blue", "blue"), ("green", "green"), ("", "nobody"))
SIGNS = {"promote": "✓", "roll back": "✗", "inconclusive": "?"}
TONES = {"promote": "pass", "roll back": "fail", "inconclusive": "open"}
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


@dataclass(frozen=True)
class Span:
    """The release's time on the page."""

    from_s: float
    to_s: float

    def __call__(self, at_s: float) -> float:
        share = (min(max(at_s, self.from_s), self.to_s) - self.from_s) / max(self.to_s - self.from_s, 1e-9)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def svg(release: Release) -> str:
    x = Span(release.begun_s, release.ended_s)
    title = f"The course of the release of {release.title or release.system}"
    parts = [
        f'<svg class="chart course" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>',
        *_rollback(release, x),
        *_weights(release, x),
        *_traffic(release, x),
        *_strip(release, x),
        *_time(release, x),
        "</svg>",
    ]
    return "".join(parts)


# --- weights ---------------------------------------------------------------------------------------------------------
def _weights(release: Release, x: Span) -> Iterator[str]:
    base = WEIGHT_TOP + WEIGHT_HEIGHT
    yield _name("weight of green", WEIGHT_TOP)
    for share in (0.0, 0.5, 1.0):
        y = base - share * WEIGHT_HEIGHT
        yield _line("grid", (LEFT, y), (WIDTH - RIGHT, y))
        yield _text("tick end", LEFT - 7, y + 3.5, f"{share:.0%}")
    steps = sorted(release.weights, key=lambda one: one.at_s)
    level, path = 0.0, f"M{x(release.begun_s):.1f} {base:.1f}"
    for one in steps:
        path += f"H{x(one.at_s):.1f}V{base - one.green * WEIGHT_HEIGHT:.1f}"
        level = one.green
    path += f"H{x(release.ended_s):.1f}"
    if steps:
        yield f'<path class="weight" d="{path}V{base:.1f}Z"/><path class="line c2" d="{path}"/>'
    if level:  # said, because an area that is simply cut off looks like a mistake
        yield _text("word end", WIDTH - RIGHT, base - level * WEIGHT_HEIGHT - 4, "stays")
    for stage in release.stages:
        yield from _stage(stage, x)


def _stage(stage: Stage, x: Span) -> Iterator[str]:
    begin, end = x(stage.begun_s), x(stage.ended_s)
    tone = TONES.get(stage.decision.outcome, "open")
    bottom = TRAFFIC_TOP + TRAFFIC_HEIGHT
    yield _line("mark-line", (begin, WEIGHT_TOP - 16), (begin, bottom))
    yield _line(f"ends {tone}", (end, WEIGHT_TOP - 16), (end, bottom))
    sign = SIGNS.get(stage.decision.outcome, "?")
    yield (
        f'<text class="stage middle" x="{(begin + end) / 2:.1f}" y="{WEIGHT_TOP - 22:.1f}">{escape(stage.name)} '
        f'<tspan class="{tone}">{sign}</tspan></text>'
    )


def _rollback(release: Release, x: Span) -> Iterator[str]:
    back = release.rollback
    if back is None:
        return
    begin, end = x(back.decided_s), x(back.decided_s + (back.took_s or 0))
    width = max(end - begin, LEAST_WIDTH)
    top, bottom = WEIGHT_TOP - 36, STRIP_TOP + STRIP_HEIGHT
    yield _rect("back", (begin, top), (width, bottom - top))
    at_end = begin > WIDTH * 0.85
    style, at = ("word end", begin + width) if at_end else ("word", begin)
    yield _text(style, at, WEIGHT_TOP - 40, f"{back.kind} rollback")


# --- who answered ----------------------------------------------------------------------------------------------------
def _traffic(release: Release, x: Span) -> Iterator[str]:
    """Answers above the line, and below it how many probes failed: an answer of 503 is both."""
    yield _name("probes answered, a second; failed ones below", TRAFFIC_TOP)
    base = TRAFFIC_TOP + TRAFFIC_HEIGHT
    bins = [one for one in release.traffic if one.to_s > max(one.from_s, release.begun_s)]
    rates = [max(sum(one.by_side.values()), one.failed) / (one.to_s - one.from_s) for one in bins]
    most = max(rates, default=0)
    if not most:
        yield _text("word", LEFT + 6, base - 8, "nothing was seen")
    else:
        yield _text("tick end", LEFT - 7, TRAFFIC_TOP + 3.5, f"{most:.3g}")
        yield _text("tick end", LEFT - 7, base + 3.5, "0")
        for one in bins:
            yield from _bin(one, x, (TRAFFIC_HEIGHT / most, FAILED_HEIGHT / most))
        yield from _legend(release)
    yield _line("axis", (LEFT, base), (WIDTH - RIGHT, base))


def _bin(one: Traffic, x: Span, scales: tuple[float, float]) -> Iterator[str]:
    """`scales`: height of one answer, and of one failure, a second."""
    left, lasted_s = x(one.from_s), one.to_s - one.from_s
    width = max(x(one.to_s) - left, 0.5)
    base = top = TRAFFIC_TOP + TRAFFIC_HEIGHT
    for side, shown in SIDES:
        if height := one.by_side.get(side, 0) / lasted_s * scales[0]:
            top -= height
            yield _rect(f"by {shown}", (left, top), (width, height))
    if one.failed:
        height = max(one.failed / lasted_s * scales[1], LEAST_WIDTH)
        yield _rect("by failed", (left, base), (width, height))


def _legend(release: Release) -> Iterator[str]:
    seen = {side for one in release.traffic for side, amount in one.by_side.items() if amount}
    words = [(shown, "nobody said" if shown == "nobody" else shown) for side, shown in SIDES if side in seen]
    if any(one.failed for one in release.traffic):
        words.append(("failed", "failed"))
    at = WIDTH - RIGHT - 84.0 * len(words)
    for shown, word in words:
        yield _rect(f"by {shown}", (at, TRAFFIC_TOP - 16), (10, 10))
        yield _text("word", at + 14, TRAFFIC_TOP - 7, word)
        at += 84


# --- downtime --------------------------------------------------------------------------------------------------------
def _strip(release: Release, x: Span) -> Iterator[str]:
    yield _name("downtime", STRIP_TOP - 6)
    whole = WIDTH - LEFT - RIGHT
    yield _rect("up", (LEFT, STRIP_TOP), (whole, STRIP_HEIGHT))
    marked: Sequence[tuple[str, float, float]] = [
        *(("blind", from_s, to_s) for from_s, to_s in release.blind),
        *(("down", one.from_s, one.to_s) for one in release.downtime),
    ]
    for kind, from_s, to_s in marked:
        width = max(x(to_s) - x(from_s), LEAST_WIDTH)
        yield _rect(kind, (x(from_s), STRIP_TOP), (width, STRIP_HEIGHT))
    yield _text("word end", WIDTH - RIGHT, STRIP_TOP - 6, downtime_in_words(release))


def downtime_in_words(release: Release) -> str:
    """What the strip shows."""
    if not release.probes:
        return "no probe was sent, so nobody knows"
    blind = f"; the prober itself was blind {_times(len(release.blind))}" if release.blind else ""
    if not release.downtime:
        return f"none in {release.probes:,} probes{blind}"
    total_s = sum(one.to_s - one.from_s for one in release.downtime)
    longest_s = max(one.to_s - one.from_s for one in release.downtime)
    longest = f", {longest_s:.3g} s at the longest" if len(release.downtime) > 1 else ""
    failed = f"{release.failed_probes:,} of {release.probes:,} probes failed"
    return f"{_times(len(release.downtime))}, {total_s:.3g} s in all{longest}; {failed}{blind}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _time(release: Release, x: Span) -> Iterator[str]:
    length_s = release.ended_s - release.begun_s
    step_s = next((one for one in STEPS_S if length_s / one <= 12), STEPS_S[-1])
    y = STRIP_TOP + STRIP_HEIGHT
    for number in range(int(length_s // step_s) + 1):
        at = x(release.begun_s + number * step_s)
        yield _line("axis", (at, y + 2), (at, y + 6))
        yield _text("tick middle", at, y + 19, clock(number * step_s))
    yield _text("name middle", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3, "since the release began")


def clock(after_s: float) -> str:
    """`45 s`, `2:30 min`, `1:05 h`."""
    if after_s < 120:
        return f"{after_s:g} s"
    big, small, unit = (
        (*divmod(round(after_s), 60), "min") if after_s < 7200 else (*divmod(round(after_s / 60), 60), "h")
    )
    return f"{big}:{small:02d} {unit}"


def _name(text: str, top: float) -> str:
    return _text("name", 0, top - 22, text) if top == WEIGHT_TOP else _text("name", LEFT, top - 7, text)


def _line(style: str, begin: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = begin, end
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rect(style: str, corner: tuple[float, float], size: tuple[float, float]) -> str:
    (x, y), (width, height) = corner, size
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
