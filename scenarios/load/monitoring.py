"""What the system's own monitoring says about a load run: how many requests it counted, and what they cost it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from fixtures.clock import Clock, SystemClock, TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.probes.prometheus import Prometheus
from fixtures.target.bounds import Judged
from fixtures.target.model import Target
from fixtures.target.objective import Metric
from reports.verdicts import Evidence, Measurement

SCRAPED_S = 60.0  # within which every pod is scraped again, at the documents' 15 s too
LEAST_WINDOW_S = 10.0  # below this a rate has too few scrapes to be made of


def requests_query(target: Target) -> str:
    """The counter behind the target's error rate, as it stands: without `increase`, which extrapolates.

    Raises Missing where the profile has none.
    """
    counted = [
        one.counted.of
        for one in target.metrics.values()
        if one.counted and one.that.what == "error_rate" and "increase(" in one.counted.of
    ]
    if not counted:
        raise Missing(f"{target.system} has no metric that counts requests")
    return re.sub(r"\bincrease\((.*?)\[\$window\]\)", r"\1", counted[0])


@dataclass
class ScrapedCounter:
    """Requests as Prometheus has them, of one namespace or several. Reads only what was scraped after the question."""

    prometheus: Prometheus
    query: str
    namespaces: tuple[str, ...]
    exclusive: bool = True
    clock: Clock | None = None
    source: str = "Prometheus"

    def read(self) -> int:
        """Waits until every series was scraped since. Raises Missing where that does not happen."""
        asked_at, clock = time.time(), self.clock or SystemClock()
        try:
            wait_until(lambda: self._oldest() > asked_at, SCRAPED_S, clock, poll_s=0.5)
        except TimedOut as late:
            raise Missing(f"Prometheus did not scrape again: {late}") from late
        return round(sum(self._of_ours(self.query)))

    def _oldest(self) -> float:
        """When the stalest of our series was scraped."""
        selector = re.search(r"[a-zA-Z_:][a-zA-Z0-9_:]*\{[^}]*\}", self.query)
        if selector is None:
            raise Missing(f"no selector in {self.query}")
        by = f"min by (namespace) (timestamp({selector[0]}))"
        return min(self._of_ours(by), default=0.0)

    def _of_ours(self, query: str) -> list[float]:
        found = self.prometheus.query(query)
        return [one.value for one in found if one.labels.get("namespace") in self.namespaces]


def measure_metric(prometheus: Prometheus, metric: Metric, namespace: str, window_s: float) -> Measurement:
    """A metric of the target in one namespace, with rates over the window that is just over."""
    window_s = max(window_s, LEAST_WINDOW_S)
    query = metric.promql(metric.query, window_s)
    now = time.time()
    value = _one(prometheus, query, namespace)
    unit = metric.that.limit.base
    evidence = (Evidence("asked of Prometheus", f"{query.strip()}\n→ {value}", "query"),)
    if value is None:
        return Measurement(None, unit, 0, why=f"Prometheus has no value in {namespace}", evidence=evidence)
    samples, bad = 1, None
    if metric.counted is not None and metric.that.judged is not Judged.PLAIN:
        limit = f"{metric.that.limit.amount:g}|{metric.that.limit.amount}"  # exporters write 2 or 2.0
        counts = [
            _one(prometheus, metric.promql(one, window_s).replace("$limit", limit), namespace)
            for one in (metric.counted.of, metric.counted.bad)
        ]
        samples, bad = round(counts[0] or 0), round(counts[1]) if counts[1] is not None else None
    return Measurement(value, unit, samples, bad, (now - window_s, now), evidence=evidence)


def _one(prometheus: Prometheus, query: str, namespace: str) -> float | None:
    found = [one.value for one in prometheus.query(query) if one.labels.get("namespace") == namespace]
    return found[0] if len(found) == 1 and found[0] == found[0] else None
