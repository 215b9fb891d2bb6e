"""Faults that are seen by a metric of the profile: it leaves the bound that it has there."""

from __future__ import annotations

from typing import TypeVar

from fixtures.evidence import Missing, NoEvidence
from fixtures.target.faults import Configured, QueueFlooded, TeamsOwn
from fixtures.target.objective import Metric
from scenarios.faults.service import OfService

M = TypeVar("M", Configured, QueueFlooded, TeamsOwn)


class Measured(OfService[M]):
    bites_s = 60.0

    @property
    def metric(self) -> Metric:
        found = self.around.target.metrics.get(self.order.felt or "")
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
