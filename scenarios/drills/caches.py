"""A cache killed with all that it held, started again empty, and warmed: what users need of it must come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.orders import Orders
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock
from scenarios.drills.practice import NotBegun
from scenarios.drills.runbook import Act

TIMEOUT_S = 2
ENDS_S = 30.0
WARMS_S = 60.0
WITNESS = "verdigris:drill"  # a key that is to be gone with the rest
WITNESS_S = 900


@dataclass
class OfCache:
    """`url`: our side's part of the cache; `holds`: the keys that it must hold again."""

    orders: Orders
    url: str
    holds: Sequence[str]
    clock: Clock
    resumed_s: float = float("inf")
    reaches_s: float | None = None
    may_go_unfelt: bool = True  # a cache is to be dispensable

    def fit(self) -> str:
        if self.orders.is_down:
            raise NotBegun("an earlier drill was not ended: heal it first")
        if cold := self.cold():
            raise NotBegun(f"it is not warm to begin with: {', '.join(cold)} missing")
        return f"the cache holds {', '.join(self.holds)}"

    def strike(self, _: str) -> str:
        self._asked(lambda cache: cache.set(WITNESS, "1", ex=WITNESS_S))
        self.orders.down("kill")
        try:
            wait_until(lambda: not self._answers(), ENDS_S)
        except TimedOut:
            return ""
        return "nobody answers at the cache's address"

    def acts(self) -> Mapping[str, Act]:
        return {"restart": self.restart, "warm": self.warm}

    def restart(self) -> str:
        self.orders.serve()
        self.resumed_s = self.clock()
        took_s = wait_until(self._answers, ENDS_S)
        if self._asked(lambda cache: cache.delete(WITNESS)):
            raise NotProven("what it held outlived the kill: it was never lost")
        kept = self._asked(lambda cache: cache.dbsize())
        return f"it answers after {took_s:.1f} s, with {kept} keys"

    def warm(self, within_s: float = WARMS_S) -> str:
        """Whoever uses it fills it again. Raises NotProven."""
        try:
            took_s = wait_until(lambda: not self.cold(), within_s)
        except TimedOut as late:
            raise NotProven(f"not warm after {within_s:g} s: {', '.join(self.cold())} missing") from late
        return f"it holds {', '.join(self.holds)} again after {took_s:.1f} s"

    def heal(self) -> str:
        if not self.orders.is_down:
            return ""
        self.orders.serve()
        wait_until(self._answers, ENDS_S)
        return "the cache runs again"

    def left_behind(self) -> Sequence[str]:
        cold = ["everything"] if not self._answers() else self.cold()
        return [f"the cache lacks {one}" for one in cold]

    def clear(self) -> None:
        """Nothing lies aside."""

    def keep(self, *, is_over: bool) -> str:  # noqa: ARG002 - there are no data of its own
        return ""

    def cold(self) -> list[str]:
        """What it does not hold."""
        missing: list[str] = self._asked(lambda cache: [key for key in self.holds if not cache.exists(key)])
        return missing

    def _answers(self) -> bool:
        try:
            return bool(self._asked(lambda cache: cache.ping()))
        except redis.RedisError:
            return False

    def _asked(self, ask: Callable[[redis.Redis], Any]) -> Any:
        with redis.Redis.from_url(
            self.url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        ) as cache:
            return ask(cache)
