"""What the system's own monitoring says about a load run: how many requests it counted, and what they cost it."""

from __future__ import annotations

import dataclasses
import re
import time
from dataclasses import dataclass

from fixtures.clock import Clock, SystemClock, TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.probes import promql
from fixtures.probes.prometheus import Prometheus
from fixtures.target.bounds import Judged
from fixtures.target.model import Target
from fixtures.target.objective import Metric
from reports.verdicts import Evidence, Measurement
from scenarios.load.result import LoadRun
from scenarios.load.validity import Reading

SCRAPED_S = 60.0  # within which every pod is scraped again, at the documents' 15 s too
ERRORS_WITHIN, SLOW_WITHIN = 0.001, 0.01  # shares of the requests
LEAST_WINDOW_S = 10.0  # below this a rate has too few scrapes to be made of


@dataclass(frozen=True)
class Queries:
    """The counters behind a target's error rate and response time, as they stand: `increase` would extrapolate."""

    requests: str
    errors: str
    slow: str | None = None
    bound_us: int | None = None  # what "slow" means

    @classmethod
    def of(cls, target: Target) -> Queries:
        """Raises Missing where the profile counts no requests."""
        by_judged: dict[str, Metric] = {}
        for metric in target.metrics.values():
            if metric.group == "application" and metric.counted and "_total" in metric.counted.of:
                by_judged.setdefault(metric.that.what, metric)
        errors = by_judged.get("error_rate")
        if errors is None or errors.counted is None:
            raise Missing(f"{target.system} has no metric that counts requests and errors")
        slow = next(
            (
                one
                for one in target.metrics.values()
                if one.group == "application" and one.that.judged is Judged.PERCENTILE
            ),
            None,
        )
        asked = cls(as_it_stands(errors.counted.of), as_it_stands(errors.counted.bad))
        if slow is None or slow.counted is None:
            return asked
        limit_us = round(slow.that.limit.amount * 1e6)
        return dataclasses.replace(
            asked, slow=as_it_stands(_limited(slow, slow.counted.bad)), bound_us=limit_us
        )


def as_it_stands(query: str) -> str:
    return re.sub(r"\bincrease\((.*?)\[\$window\]\)", r"\1", query)


def _limited(metric: Metric, query: str) -> str:
    """With the bound filled in: exporters write 2 or 2.0."""
    amount = metric.that.limit.amount
    return query.replace("$limit", f"{amount:g}|{amount}")


@dataclass
class ScrapedCounter:
    """Requests as Prometheus has them, of some namespaces. Reads only what was scraped after the question."""

    prometheus: Prometheus
    queries: Queries
    namespaces: tuple[str, ...]
    exclusive: bool = True
    clock: Clock | None = None
    source: str = "Prometheus"

    def read(self) -> Reading:
        """Waits until every series was scraped since. Raises Missing where that does not happen."""
        asked_at, clock = time.time(), self.clock or SystemClock()
        try:
            wait_until(lambda: self._oldest() > asked_at, SCRAPED_S, clock, poll_s=0.5)
        except TimedOut as late:
            raise Missing(f"Prometheus did not scrape again: {late}") from late
        slow = self._sum(self.queries.slow) if self.queries.slow else None
        return Reading(self._sum(self.queries.requests), self._sum(self.queries.errors), slow)

    def _oldest(self) -> float:
        """When the stalest of our series was scraped."""
        selector = next(iter(promql.selectors(self.queries.requests)), None)
        if selector is None:
            raise Missing(f"no selector in {self.queries.requests}")
        return min(self._of_ours(f"min by (namespace) (timestamp({selector}))"), default=0.0)

    def _sum(self, query: str) -> int:
        return round(sum(self._of_ours(query)))

    def _of_ours(self, query: str) -> list[float]:
        found = self.prometheus.query(query)
        return [one.value for one in found if one.labels.get("namespace") in self.namespaces]


def disagreements(run: LoadRun, bound_us: int | None) -> Measurement:
    """Where the system's monitoring and its users differ on the same requests: numbers exactly, errors within 0.1% of
    them, those over the bound within 1% (monitoring sees neither the way there nor the queue before it)."""
    if run.server is None:
        return Measurement(
            None, "count", 0, why="nobody asked the server what it counted", invalid=_invalid(run)
        )
    requests, seen = run.samples.requests_only(), run.server.reading
    sent = run.sent()
    pairs = [
        (
            "requests",
            sent.most if seen.requests > sent.most else max(sent.least, seen.requests),
            seen.requests,
            0.0,
        )
    ]
    if seen.errors is not None:
        pairs.append(("errors", requests.errors, seen.errors, ERRORS_WITHIN))
    if seen.slow is not None and bound_us is not None:
        pairs.append((f"slower than {bound_us / 1e6:g} s", requests.slower(bound_us), seen.slow, SLOW_WITHIN))
    lines, broken = [], []
    for what, clients, server, within in pairs:
        lines.append(f"{what}: the clients saw {clients}, {run.server.source} {server}")
        if abs(clients - server) > within * requests.count:
            broken.append(lines[-1])
    evidence = (Evidence("both counts", "\n".join(lines)),)
    why = "; ".join(broken)
    return Measurement(
        float(len(broken)),
        "count",
        requests.count,
        window=run.window,
        why=why,
        invalid=_invalid(run),
        evidence=evidence,
    )


def _invalid(run: LoadRun) -> str:
    return "" if run.validity.valid else str(run.validity)


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
        counts = [
            _one(prometheus, metric.promql(_limited(metric, one), window_s), namespace)
            for one in (metric.counted.of, metric.counted.bad)
        ]
        samples, bad = round(counts[0] or 0), round(counts[1]) if counts[1] is not None else None
    return Measurement(value, unit, samples, bad, (now - window_s, now), evidence=evidence)


def _one(prometheus: Prometheus, query: str, namespace: str) -> float | None:
    found = [one.value for one in prometheus.query(query) if one.labels.get("namespace") == namespace]
    return found[0] if len(found) == 1 and found[0] == found[0] else None
