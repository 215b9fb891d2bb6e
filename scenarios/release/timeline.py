"""What users saw while a release went on, from a prober's record alone: when it failed, who served, when it was over.

Every question is a pure function of the record, so it can be asked again of a kept one. Times are unix seconds. Moments
between two probes cannot be told apart: every answer is good to one interval between probes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from scenarios.release.probes import UNSEEN, Outcome, Probes, Served, read

LASTING_S = 5.0  # without a failure, to count as recovered


class Interval(NamedTuple):
    from_s: float
    to_s: float

    @property
    def length_s(self) -> float:
        return self.to_s - self.from_s


@dataclass(frozen=True)
class Timeline:
    """Probes by when they were due, evenly spaced. Those that say nothing of the system (dropped because too many were
    unanswered, or unfinished when the prober was stopped) count for nothing but `blind`."""

    probes: Probes
    servers: tuple[Served, ...]
    interval_s: float
    began_s: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """A record file, finished or still being written."""
        found = read(path)
        return cls(found.probes, found.servers, found.plan.interval_us / 1e6, found.began_us / 1e6)

    # --- parts of it -------------------------------------------------------------------------------------------------
    def between(self, from_s: float, to_s: float) -> Self:
        """Probes due from the one moment on and before the other."""
        due_s = self._due_s
        return self._only((due_s >= from_s) & (due_s < to_s))

    def on(self, *, fresh: bool) -> Self:
        """Probes on a connection of their own, or on kept ones: half of them where they take turns."""
        return self._only(self.probes["fresh"] == fresh)

    def _only(self, chosen: NDArray[np.bool_]) -> Self:
        return replace(self, probes=self.probes[chosen])

    # --- how much of it is known -------------------------------------------------------------------------------------
    @property
    def count(self) -> int:
        """Probes that say something."""
        return int(np.count_nonzero(self._seen))

    @property
    def whole_until_s(self) -> float:
        """Every probe due before this moment is in the record; of a live record, later ones may still be answered."""
        numbers = np.round((self._due_s - self.began_s) / self.interval_s).astype(np.int64)
        gaps = np.flatnonzero(numbers != np.arange(len(numbers)))
        return self.began_s + float(gaps[0] if len(gaps) else len(numbers)) * self.interval_s

    def blind(self, longest_late_s: float) -> list[Interval]:
        """Stretches of which nothing is known, or only too late: the prober itself was held up."""
        return self._runs(~self._seen | (self.probes["late_us"] > longest_late_s * 1e6), self.probes)

    # --- failures ----------------------------------------------------------------------------------------------------
    def downtime(self) -> list[Interval]:
        """From when the first probe that failed was due, until the first was due that did not."""
        probes = self.probes[self._seen]
        return self._runs(probes["outcome"] != Outcome.OK, probes)

    @property
    def longest_downtime_s(self) -> float:
        return max((one.length_s for one in self.downtime()), default=0.0)

    @property
    def total_downtime_s(self) -> float:
        return sum(one.length_s for one in self.downtime())

    @property
    def failed(self) -> int:
        return int(np.count_nonzero(self._failed))

    @property
    def error_share(self) -> float | None:
        """None where nothing was seen."""
        return self.failed / self.count if self.count else None

    def outcomes(self) -> dict[Outcome, int]:
        seen = np.bincount(self.probes["outcome"], minlength=len(Outcome))
        return {outcome: int(seen[outcome]) for outcome in Outcome if seen[outcome]}

    @property
    def last_failure_s(self) -> float | None:
        """When users saw the last one: when its answer came, or it was given up."""
        return _latest(self._answered_s[self._failed])

    def recovered_s(self, after_s: float, lasting_s: float = LASTING_S) -> float | None:
        """When the first probe was due, from that moment on, from which none failed for so long; None if none was, or
        the record does not last long enough to say."""
        due_s, failed_s = self._due_s, self._due_s[self._failed]
        end_s = float(due_s[-1]) + self.interval_s if len(due_s) else after_s
        candidates = due_s[self._seen & ~self._failed & (due_s >= after_s)]
        following = np.append(failed_s, np.inf)[np.searchsorted(failed_s, candidates)]
        lasting = (following - candidates >= lasting_s) & (end_s - candidates >= lasting_s)
        return float(candidates[lasting][0]) if lasting.any() else None

    # --- who served --------------------------------------------------------------------------------------------------
    def served(self) -> dict[Served, int]:
        """How many were answered by whom."""
        numbers = np.bincount(self.probes["served"][self._answered], minlength=len(self.servers))
        return {server: int(n) for server, n in zip(self.servers, numbers, strict=True) if n}

    def shares(self) -> dict[str, float]:
        """The share of all answers that each side gave; "" is whoever did not say. Nothing where nobody answered."""
        sides: Counter[str] = Counter()
        for server, n in self.served().items():
            sides[server.side] += n
        total = sum(sides.values())
        return {side: n / total for side, n in sides.items()}

    def left_s(self, side: str) -> float | None:
        """When the side's last answer reached a user: from then on it never answered again. None: it never did."""
        return _latest(self._answered_s[self._by(side)])

    def arrived_s(self, side: str) -> float | None:
        """When the side's first answer reached a user."""
        answered_s = self._answered_s[self._by(side)]
        return float(answered_s.min()) if len(answered_s) else None

    def _by(self, side: str) -> NDArray[np.bool_]:
        numbers = [number for number, server in enumerate(self.servers) if server.side == side]
        return self._answered & np.isin(self.probes["served"], numbers)

    # --- columns -----------------------------------------------------------------------------------------------------
    @property
    def _due_s(self) -> NDArray[np.float64]:
        due_s: NDArray[np.float64] = self.probes["due_us"] / 1e6
        return due_s

    @property
    def _answered_s(self) -> NDArray[np.float64]:
        answered_s: NDArray[np.float64] = (
            self.probes["due_us"] + self.probes["latency_us"].astype(np.int64)
        ) / 1e6
        return answered_s

    @property
    def _seen(self) -> NDArray[np.bool_]:
        return ~np.isin(self.probes["outcome"], UNSEEN)

    @property
    def _failed(self) -> NDArray[np.bool_]:
        failed: NDArray[np.bool_] = self._seen & (self.probes["outcome"] != Outcome.OK)
        return failed

    @property
    def _answered(self) -> NDArray[np.bool_]:
        answered: NDArray[np.bool_] = self.probes["status"] > 0
        return answered & self._seen

    def _runs(self, bad: NDArray[np.bool_], probes: Probes) -> list[Interval]:
        """Neighbours that are bad, as stretches to the due moment of the next that is not, or to the record's end."""
        due_s = probes["due_us"] / 1e6
        ends = np.append(due_s, due_s[-1:] + self.interval_s)
        edges = np.diff(np.concatenate(([0], bad.astype(np.int8), [0])))
        begins, after = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return [
            Interval(float(due_s[first]), float(ends[last]))
            for first, last in zip(begins, after, strict=True)
        ]


def _latest(moments_s: NDArray[np.float64]) -> float | None:
    return float(moments_s.max()) if len(moments_s) else None
