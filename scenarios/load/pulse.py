"""What a generator says of itself every second: what it has done, how late and how busy it was. For people, and for the
verdict on whether the run is valid."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol

from scenarios.load.recorder import Recorder

BUSY_WINDOW_S = 5  # a core is busy when it was over so long, not for an instant


class Counts(Protocol):
    """What a generator counts besides its records."""

    offered: int
    dropped: int
    unfinished: int


class Pulse:
    """Takes a generator's pulse. Processor time over wall time, because a generator is one thread."""

    def __init__(self, counts: Counts, recorder: Recorder, zero_ns: int) -> None:
        self._counts, self._recorder, self._zero_ns = counts, recorder, zero_ns
        self._marks: deque[tuple[float, float]] = deque([self._mark()], maxlen=BUSY_WINDOW_S + 1)
        self._begun = self._marks[0]
        self._busiest = 0.0

    def beat(self) -> dict[str, Any]:
        recent, self._recorder.recent = self._recorder.recent, {}
        self._marks.append(self._mark())
        if len(self._marks) > BUSY_WINDOW_S:
            self._busiest = max(self._busiest, _share(self._marks[0], self._marks[-1]))
        return {
            "elapsed_s": (time.monotonic_ns() - self._zero_ns) / 1e9,
            "done": self._recorder.done,
            "failed": self._recorder.failed,
            "in_flight": len(self._recorder.in_flight),
            "recent": recent,
            **self._of_arrivals(),
        }

    def last(self) -> dict[str, Any]:
        """The final figures. A run shorter than the window is judged as a whole."""
        end = self._mark()
        cpu_s = end[1] - self._begun[1]
        return {
            **self.beat(),
            "cpu_s": cpu_s,
            "busiest": self._busiest or _share(self._begun, end),
            "lateness": self._recorder.lateness.plain(),
            "causes": [[*key, seen] for key, seen in self._recorder.causes.items()],
        }

    def _of_arrivals(self) -> dict[str, int]:
        counts = self._counts
        return {"offered": counts.offered, "dropped": counts.dropped, "unfinished": counts.unfinished}

    @staticmethod
    def _mark() -> tuple[float, float]:
        return time.monotonic(), time.process_time()


def _share(before: tuple[float, float], after: tuple[float, float]) -> float:
    return (after[1] - before[1]) / max(1e-9, after[0] - before[0])
