"""Requests per processor second: ours with every sample kept, against stock Locust's FastHttpUser."""

from __future__ import annotations

import os
import statistics

from scenarios.load.arrivals import constant
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Closed, Model, Open, Plan
from scenarios.load.validity import Generated
from tests.bench.figures import Figure
from tests.bench.load_server import cores, serving
from tests.bench.load_stock import LOCUSTFILE, run_stock

ROUNDS, LENGTH_S, USERS, RATE_RPS = 3, 5, 20, 400.0


def figures() -> list[Figure]:
    """Both on the same core, in turns, against the same server; the median of the rounds' ratios.

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
            stock = run_stock(url, users, LENGTH_S, each_rps, core=generator)
            one, samples = _ours(url, model, generator)
            kept = kept and samples == one.written > 0
            theirs, ours = stock.requests / stock.cpu_s, one.written / one.cpu_s
            ratios[name].append(ours / theirs)
            print(f"  {name}: {ours:.0f} requests per CPU second, stock {theirs:.0f}", flush=True)
    over_stock = {name: statistics.median(each) for name, each in ratios.items()}
    return [
        *(
            Figure(f"load: requests per CPU second over stock, {name}", over, 0.95, "", at_least=True)
            for name, over in over_stock.items()
        ),
        Figure("load: every sample kept", float(kept), 1, "", at_least=True),
    ]


def _ours(url: str, model: Model, core: int) -> tuple[Generated, int]:
    """What the generator said of itself, and how many samples there are."""
    with traffic(Plan(url, model, LOCUSTFILE), Means()) as running:
        for pid in running.pids:
            os.sched_setaffinity(pid, {core})
        run = running.finish()
    return run.generators[0], run.samples.count
