"""Availability over the time that was promised, and what is left of its error budget, from what monitoring kept.

99.9% of an average month leaves 43.8 minutes. A history that is shorter than the month, or has holes, says nothing of
the rest: what was seen down counts all the same, and only a budget that is overspent can be judged early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.verdicts import Measurement

HOLE = 2.5  # steps between two samples, beyond which the time between was not watched


@dataclass(frozen=True)
class Watched:
    """What a time was like. Seconds; `whole_s` is the time that was promised, and `holes_s` was not watched though
    what came before it was."""

    whole_s: float
    up_s: float
    down_s: float
    holes_s: float = 0.0

    @property
    def unseen_s(self) -> float:
        return max(0.0, self.whole_s - self.up_s - self.down_s)


def watched(
    samples: Sequence[tuple[float, float]], whole_s: float, step_s: float, now_s: float | None = None
) -> Watched:
    """From (unix seconds, 1 or 0) in their order, a step apart where nothing is missing. Each holds until the next; the
    last for a step. Between two that are too far apart nobody looked, nor after the last one until `now_s`."""
    up_s = down_s = 0.0
    for (at_s, value), (next_s, _) in pairwise([*samples, (samples[-1][0] + step_s, 0.0)] if samples else []):
        held_s = min(next_s - at_s, step_s) if next_s - at_s > HOLE * step_s else next_s - at_s
        up_s, down_s = up_s + held_s * value, down_s + held_s * (1 - value)
    reach_s = (now_s if now_s is not None else samples[-1][0] + step_s) - samples[0][0] if samples else 0.0
    return Watched(whole_s, up_s, down_s, max(0.0, reach_s - up_s - down_s))


def downtime(seen: Watched, allowed_s: float) -> Measurement:
    """Seconds down. Without a value where what was not seen could still decide it; young where it is for nothing but
    what lies before anybody looked."""
    n = int(seen.up_s + seen.down_s > 0)
    if not n:
        return Measurement(None, "s", 0, why="nothing was watched")
    if seen.down_s <= allowed_s and seen.down_s + seen.unseen_s > allowed_s:
        why = (
            f"{_minutes(seen.up_s + seen.down_s)} of {_minutes(seen.whole_s)} were watched, {_minutes(seen.down_s)} "
            f"of them down; the {_minutes(seen.unseen_s)} that nobody watched could hold more than the "
            f"{_minutes(allowed_s)} allowed"
        )
        return Measurement(None, "s", 0, why=why, young=seen.down_s + seen.holes_s <= allowed_s)
    left_s = allowed_s - seen.down_s
    word = (
        f"{_minutes(left_s)} of the budget are left" if left_s >= 0 else f"overspent by {_minutes(-left_s)}"
    )
    return Measurement(seen.down_s, "s", n, why=word)


def allowed_s(availability: float, whole_s: float) -> float:
    """The error budget of a share such as 0.999 over that time."""
    return (1 - availability) * whole_s


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.1f} min"
