"""Requests per processor second: ours with every sample kept, against stock Locust's FastHttpUser."""

from __future__ import annotations

import os
import statistics
from functools import partial

from scenarios.load.arrivals import constant
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Closed, Model, Open, Plan
from scenarios.load.validity import Generated
from tests.bench.figures import Figure
from tests.bench.load_server import cores, serving
from tests.bench.load_stock import LOCUSTFILE, run_stock

ROUNDS, LENGTH_S, USERS, RATE_RPS = 5, 6, 20, 400.0
STARTS_S = 2  # how long ours takes to begin


def figures() -> list[Figure]:
    """Both on the same core at the same time, against the same server; the median of the rounds' ratios. One after the
    other on a machine that is shared, the same code differs by a sixth and more.

    Like with like: users without a pause against users without a pause, and an even rate against the same even rate,
    which stock Locust keeps with one paced user and no more: several soon go in step, wake the process 55 times a
    second instead of 740 at 400/s, and keep their users waiting (p95 59 ms, of a server that answers within 2).
    """
    generator, *rest = cores()
    pairs: list[tuple[str, Model, int, float]] = [
        ("users", Closed(USERS, LENGTH_S), USERS, 0),
        ("rate", Open(constant(RATE_RPS, LENGTH_S), USERS), 1, RATE_RPS),
    ]
    ratios: dict[str, list[float]] = {"users": [], "rate": []}
    kept = True
    with serving(rest[0] if rest else generator) as (url, _):
        for name, model, users, each_rps in pairs * ROUNDS:
            ours: list[tuple[Generated, int]] = []
            beside = partial(_ours, url, model, generator, ours)
            stock = run_stock(url, users, LENGTH_S + STARTS_S, each_rps, beside, generator)
            ((one, samples),) = ours
            kept = kept and samples == one.written > 0
            theirs, own = stock.requests / stock.cpu_s, one.written / one.cpu_s
            ratios[name].append(own / theirs)
            print(f"  {name}: {own:.0f} requests per CPU second, stock {theirs:.0f}", flush=True)
    over_stock = {name: statistics.median(each) for name, each in ratios.items()}
    return [
        *(
            Figure(f"load: requests per CPU second over stock, {name}", over, 0.95, "", at_least=True)
            for name, over in over_stock.items()
        ),
        Figure("load: every sample kept", float(kept), 1, "", at_least=True),
    ]


def _ours(url: str, model: Model, core: int, found: list[tuple[Generated, int]]) -> None:
    """Finds what the generator said of itself, and how many samples there are."""
    with traffic(Plan(url, model, LOCUSTFILE), Means()) as running:
        for pid in running.pids:
            os.sched_setaffinity(pid, {core})
        run = running.finish()
    found.append((run.generators[0], run.samples.count))
