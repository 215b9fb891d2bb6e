"""Faults that the application has a switch for, and the loss of what it keeps in its cache."""

from __future__ import annotations

import redis

from fixtures.evidence import Missing, NoEvidence, Unreachable
from fixtures.platforms.changes import Ref
from fixtures.target.faults import CacheEmptied, Configured
from fixtures.target.objective import Metric
from scenarios.faults.acts import Edit, Say
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

TIMEOUT_S = 3


@puts_in(
    Configured,
    Declared(
        touches="the keys of a ConfigMap that the profile names",
        seen_by="a metric of the profile, read from Prometheus, that leaves its bound",
        heals="the values that they had, or none",
        rights=(Right("ConfigMap", ("update",)),),
        needs="an application that obeys such a switch, Prometheus, and load, where the metric counts requests",
    ),
)
class Switched(OfService[Configured]):
    bites_s = 60.0

    def plan(self) -> Plan:
        pods = self.remember()
        ref = Ref("ConfigMap", self.namespace, self.order.config)
        found = self.objects.read_object(ref)
        if found is None:
            raise Missing(f"there is no {ref}")
        puts = ((("data", key), value) for key, value in self.order.values.items())
        return Plan((Edit.plan("ConfigMap", found, *puts),), self.victims(pods), len(pods))

    @property
    def metric(self) -> Metric:
        found = self.around.target.metrics.get(self.order.felt)
        if found is None:
            raise Missing(f"{self.around.target.system} has no metric {self.order.felt}")
        return found

    def value(self) -> float | None:
        """Of our side now; None where it has none."""
        window_s = self.metric.window.seconds if self.metric.window else 0.0
        query = self.metric.promql(
            self.metric.query, max(5.0, window_s * float(self.around.environment.pace))
        )
        for sample in self.around.prometheus.query(query):
            if sample.labels.get("namespace", self.namespace) == self.namespace:
                return sample.value
        return None

    def effect(self) -> str:
        value = self.value()
        if value is None or value != value or self.metric.that.admits(value):
            return ""
        return f"{self.order.felt} is {value:.4g}, which breaks {self.metric.that.text}"

    def is_over(self) -> bool:
        """A metric that counts requests has no value once there are none: what is gone is not felt."""
        try:
            return not self.effect() and super().is_over()
        except NoEvidence:
            return False


@puts_in(
    CacheEmptied,
    Declared(
        touches="everything in our side's part of the cache",
        seen_by="the cache, asked how much it holds, holds less than before",
        heals="nothing: what a cache holds is to be dispensable, and the application fills it again",
        needs="the cache's address, and a part of it that is our side's alone",
        undone=False,
        rights=(Right("Namespace", ("update",)),),
    ),
)
class Emptied(OfService[CacheEmptied]):
    _held = 0

    def plan(self) -> Plan:
        pods = self.remember()
        self._held = self._holds()
        space, side = Ref("Namespace", "", self.namespace), str(self.around.side)
        return Plan((Say(space, "cache", side, ("FLUSHDB",), ()),), self.victims(pods), len(pods))

    def effect(self) -> str:
        left = self._holds()
        return f"{self._held} keys before, {left} now" if left < self._held else ""

    def _holds(self) -> int:
        url = self.around.store("cache", self.around.side)
        try:
            with redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            ) as cache:
                return int(cache.dbsize())
        except redis.RedisError as error:
            raise Unreachable(f"the cache does not answer: {error}") from error
