"""The time of a release: unix seconds that only go forward, so that probes, monitoring and steps fit together."""

from __future__ import annotations

import time
from collections.abc import Callable


class Moments:
    """A clock (fixtures.clock.Clock) that takes one step of the wall clock, as the prober does."""

    def __init__(self, pass_s: Callable[[float], None] = time.sleep) -> None:
        """`pass_s` lets time go by, e.g. while load generators are listened to."""
        self._unix_s, self._began_s = time.time(), time.monotonic()
        self.pass_s = pass_s

    def now(self) -> float:
        return self._unix_s + time.monotonic() - self._began_s

    def sleep(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        self.pass_s(seconds)
        if (left_s := until_s - time.monotonic()) > 0:
            time.sleep(left_s)
