"""Is traffic split as it was configured? Probes that ask for no side are held against the weight, exactly (binomial).

A weight that was written and not applied would have every stage look at users that green never served.
"""

from __future__ import annotations

from fixtures.statistics import lower_limit, upper_limit
from reports.release.record import Split
from scenarios.release.timeline import Timeline

DOUBT = 1e-5  # how often a split that is right is called off, at each look
ENOUGH = 150  # answers, before a look says anything


def split_of(timeline: Timeline, weight: float) -> Split:
    """Of answers that say who gave them; those on kept connections and on fresh ones must each be as configured."""
    whole = _held(timeline, weight, "")
    parts = [
        _held(timeline.on(fresh=fresh), weight, name)
        for fresh, name in ((True, "new connections"), (False, "connections that were kept"))
    ]
    return next((part for part in parts if not part.holds), whole)


def _held(timeline: Timeline, weight: float, where: str) -> Split:
    sides = _answers(timeline)
    green, n = sides.get("green", 0), sides.get("green", 0) + sides.get("blue", 0)
    low, high = lower_limit(green, n, 1 - DOUBT), upper_limit(green, n, 1 - DOUBT)
    nobody_else = weight in (0.0, 1.0)  # then not a single answer may come from the other side
    holds = green == round(n * weight) if nobody_else else low <= weight <= high
    share = f"{green:,} of {n:,} answers ({green / n:.1%})" if n else "no answer"
    on = f" on {where}" if where else ""
    said = f"{share}{on} came from green, and {weight:.0%} is configured"
    return Split(weight, n, green, low, high, holds or not n, said)


def _answers(timeline: Timeline) -> dict[str, int]:
    sides: dict[str, int] = {}
    for server, n in timeline.served().items():
        sides[server.side] = sides.get(server.side, 0) + n
    return sides
