"""The document's load on the whole lab: 500 requests a second for a minute, on the cores that there are.

They come after a rise of some seconds, as users do. What fails meanwhile counts too.
"""

from __future__ import annotations

import sys
from contextlib import closing

from fixtures.lab import Lab
from fixtures.target import Side, Target
from scenarios.load.document import Wish, plan_of, secrets_of
from scenarios.load.engine import Means, run_load
from scenarios.load.monitoring import Queries, ScrapedCounter
from scenarios.load.result import LoadRun
from scenarios.surroundings import Surroundings
from tests.bench.ending import in_order
from tests.bench.figures import Figure, report

LENGTH_S, PROMISED_RPS = 60.0, 500.0


def figures() -> list[Figure]:
    lab = Lab.start("hwayo", "bench-load")
    try:
        run = _carried(lab)
    finally:
        lab.stop()
    requests, validity = run.samples.requests_only(), run.validity
    steady = run.samples.of(between_s=(run.duration_s - LENGTH_S, run.duration_s)).requests_only()
    p95_ms = (requests.quantile(0.95) or 0) * 1000
    print(f"  {run.plan.model}: {requests.count} requests, p95 {p95_ms:.0f} ms, {validity}", flush=True)
    for seen, endpoint, why in run.causes():
        print(f"  {seen:>7} {endpoint}: {why}", flush=True)
    return [
        Figure("load: the lab's errors at the document's load", requests.failed, 0, ""),
        Figure(
            "load: answered a second, for a minute",
            (steady.count - steady.failed) / LENGTH_S,
            PROMISED_RPS,
            "/s",
            at_least=True,
        ),
        Figure("load: the run is valid", float(validity.valid), 1, "", at_least=True),
        Figure("load: lateness there, p99", (validity.lateness_p99_s or 9e9) * 1000, 10, "ms"),
        Figure("load: the generator's core, at its busiest", validity.busiest * 100, 80, "%"),
    ]


def _carried(lab: Lab) -> LoadRun:
    target = Target.load("hwayo")
    environment = target.environment("lab").with_facts(lab.facts)
    plan = plan_of(target, environment, {"green": Side.GREEN}, Wish(duration_s=LENGTH_S))
    with closing(Surroundings(target, environment, Side.GREEN)) as around:
        counter = ScrapedCounter(around.prometheus, Queries.of(target), (around.namespace,))
        return run_load(plan, Means(secrets=secrets_of(target, environment), counter=counter))


if __name__ == "__main__":
    in_order()
    sys.exit(report(figures()))
