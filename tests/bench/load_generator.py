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

ROUNDS, LENGTH_S, USERS = 3, 5, 20
PACED_RPS = 400.0


def figures() -> list[Figure]:
    """Both on the same core, in turns, against the same server; the median of the rounds' ratios. Each as fast as it
    can: users without a pause, and a rate of nine tenths of what stock Locust reached."""
    generator, *rest = cores()
    closed: list[float] = []
    opened: list[float] = []
    kept = True
    with serving(rest[0] if rest else generator) as (url, _):
        for _round in range(ROUNDS):
            stock = run_stock(url, USERS, LENGTH_S, core=generator)
            per_cpu_s, rate_rps = stock.requests / stock.cpu_s, 0.9 * stock.requests / LENGTH_S
            for ratios, model in (
                (closed, Closed(USERS, LENGTH_S)),
                (opened, Open(constant(rate_rps, LENGTH_S), 20)),
            ):
                one, samples = _ours(url, model, generator)
                kept = kept and samples == one.written > 0
                ratios.append(one.written / one.cpu_s / per_cpu_s)
            print(
                f"  stock {per_cpu_s:.0f}, users {closed[-1] * per_cpu_s:.0f}, "
                f"rate {opened[-1] * per_cpu_s:.0f} requests per CPU second",
                flush=True,
            )
        _unhurried(url, generator)
    return [
        Figure(
            "load: users, requests per CPU second over stock",
            statistics.median(closed),
            0.95,
            "",
            at_least=True,
        ),
        Figure(
            "load: rate, requests per CPU second over stock",
            statistics.median(opened),
            0.95,
            "",
            at_least=True,
        ),
        Figure("load: every sample kept", float(kept), 1, "", at_least=True),
    ]


def _unhurried(url: str, core: int) -> None:
    """Far below its limit, every request wakes the process twice, whoever sends it; said, because it is most runs."""
    stock = run_stock(url, USERS, LENGTH_S, PACED_RPS / USERS, core=core)
    one, _ = _ours(url, Open(constant(PACED_RPS, LENGTH_S), 20), core)
    print(
        f"  at an unhurried {PACED_RPS:g}/s: stock's paced users {stock.requests / stock.cpu_s:.0f}, "
        f"rate {one.written / one.cpu_s:.0f} requests per CPU second",
        flush=True,
    )


def _ours(url: str, model: Model, core: int) -> tuple[Generated, int]:
    """What the generator said of itself, and how many samples there are."""
    with traffic(Plan(url, model, LOCUSTFILE), Means()) as running:
        for pid in running.pids:
            os.sched_setaffinity(pid, {core})
        run = running.finish()
    return run.generators[0], run.samples.count
