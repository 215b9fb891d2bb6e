"""Whether users were answered in time, whatever the answer: who waits for another for ever keeps them waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from scenarios.release.probes import UNSEEN
from scenarios.release.timeline import Timeline


@dataclass(frozen=True)
class Answers:
    """To what users asked in a stretch of time. They wait from when it was sent: a late prober keeps nobody waiting."""

    asked: int
    late: int  # not answered in time, or not at all
    longest_s: float
    complete: bool  # everything that was due was asked, and is known to have been answered or given up

    @classmethod
    def between(cls, users: Timeline, stretch: tuple[float, float], within_s: float) -> Self:
        """`stretch` in unix seconds: what was due from the one moment on and before the other."""
        probes = users.between(*stretch).probes
        waited_s = (probes["latency_us"].astype(np.int64) - probes["late_us"]) / 1e6
        unseen = np.isin(probes["outcome"], UNSEEN)
        return cls(
            asked=len(probes),
            late=int(np.count_nonzero((waited_s > within_s) & ~unseen)),
            longest_s=float(waited_s[~unseen].max(initial=0.0)),
            complete=not unseen.any() and users.whole_until_s >= stretch[1],
        )
