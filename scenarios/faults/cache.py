"""Faults of what the side keeps in its cache: all of it gone, or a queue of it full of what nobody asked for."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from itertools import islice
from typing import Any

import redis

from fixtures.evidence import NoEvidence, Unreachable
from fixtures.platforms.changes import Ref
from fixtures.target.faults import CacheEmptied, QueueFlooded
from scenarios.faults.acts import Say
from scenarios.faults.measured import Measured
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService
from scenarios.surroundings import Surroundings

TIMEOUT_S = 3
SAMPLE = 100  # keys that are looked for again
FILLS = "for i = 1, ARGV[2] do redis.call('LPUSH', KEYS[1], ARGV[1]) end"
RIGHTS = (Right("Namespace", ("update",)),)
NEEDS = "the cache's address, and a part of it that is our side's alone"


def asked(around: Surroundings, ask: Callable[[redis.Redis], Any]) -> Any:
    """Of our side's part of the cache. Raises Unreachable."""
    url = around.store("cache", around.side)
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as cache:
            return ask(cache)
    except redis.RedisError as error:
        raise Unreachable(f"the cache does not answer: {error}") from error


@puts_in(
    CacheEmptied,
    Declared(
        touches="everything in our side's part of the cache",
        seen_by="most of the keys that the cache held are gone when it is asked for them",
        heals="nothing: what a cache holds is to be dispensable, and the application fills it again",
        needs=NEEDS,
        undone=False,
        rights=RIGHTS,
    ),
)
class Emptied(OfService[CacheEmptied]):
    """Keys come and go in a cache that is used: one that was emptied has lost most of those that it held."""

    _held: tuple[bytes, ...] = ()

    def plan(self) -> Plan:
        pods = self.remember()
        self._held = asked(self.around, lambda cache: tuple(islice(cache.scan_iter(), SAMPLE)))
        space, side = Ref("Namespace", "", self.namespace), str(self.around.side)
        return Plan((Say(space, "cache", side, ("FLUSHDB",), ()),), self.victims(pods), len(pods))

    def effect(self) -> str:
        held = len(self._held)
        gone = held - asked(self.around, lambda cache: cache.exists(*self._held)) if held else 0
        return f"{gone} of {held} keys that it held are gone" if gone > held / 2 else ""


@puts_in(
    QueueFlooded,
    Declared(
        touches="the queue's list in our side's part of the cache, which is given jobs that are nobody's",
        seen_by="a metric of the profile, read from Prometheus, that leaves its bound",
        heals="those jobs are taken out of the list; the jobs of users stay where they are",
        needs=f"{NEEDS}, and workers that drop what there is no such thing of",
        rights=RIGHTS,
    ),
)
class Flooded(Measured[QueueFlooded]):
    def plan(self) -> Plan:
        pods, order = self.remember(), self.order
        queue, job = shlex.quote(order.queue), shlex.quote(order.job)
        fill = f"EVAL {shlex.quote(FILLS)} 1 {queue} {job} {order.jobs}"
        space, side = Ref("Namespace", "", self.namespace), str(self.around.side)
        act = Say(space, "cache", side, (fill,), (f"LREM {queue} 0 {job}",))
        return Plan((act,), self.victims(pods), len(pods))

    def is_over(self) -> bool:
        try:
            left = asked(self.around, lambda cache: cache.lpos(self.order.queue, self.order.job))
        except NoEvidence:
            return False
        return left is None and super().is_over()
