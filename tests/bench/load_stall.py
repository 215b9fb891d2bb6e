"""A server that stands still for 3 s of a 20 s run at 200 requests/s: who tells the truth about it?"""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request

from scenarios.load.arrivals import Profile, constant
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Open, Plan
from scenarios.load.samples import Samples
from tests.bench.figures import Figure
from tests.bench.load_server import serving
from tests.bench.load_stock import LOCUSTFILE, run_stock

RATE_RPS, LENGTH_S, STALL_AT_S, STALL_S = 200, 20, 8.0, 3.0


def figures() -> list[Figure]:
    found = []
    profile = constant(RATE_RPS, LENGTH_S)
    with serving() as (url, server):
        ours, answered_s = _ours(url, server)
        truth = _waits(profile, answered_s)
        for share in (0.95, 0.99):
            truth_s, seen_s = _at(truth, share), ours.quantile(share) or 0.0
            name = f"load: p{share * 100:.0f} through a 3 s stall, off the truth ({truth_s:.2f} s)"
            found.append(Figure(name, abs(seen_s / truth_s - 1) * 100, 5, "%"))
        for users in (100, 10):
            stock = run_stock(url, users, LENGTH_S, RATE_RPS / users, meanwhile=lambda: _stall(server))
            for share, said_s in ((0.95, stock.p95_s), (0.99, stock.p99_s)):
                truth_s = _at(truth, share)
                times = truth_s / max(said_s, 1e-3)
                print(
                    f"  stock Locust, {users} users: p{share * 100:.0f} {said_s:.3f} s, {times:.1f} times too low",
                    flush=True,
                )
    return found


def _ours(url: str, server: int) -> tuple[Samples, list[float]]:
    """The samples, and when the server says that it answered each, in seconds from the run's zero."""
    plan = Plan(url, Open(constant(RATE_RPS, LENGTH_S), sessions=20), LOCUSTFILE)
    with traffic(plan, Means()) as running:
        zero_ns = time.monotonic_ns() - int(running.elapsed_s * 1e9)
        running.run_for(STALL_AT_S - running.elapsed_s)
        os.kill(server, signal.SIGSTOP)
        running.run_for(STALL_S)
        os.kill(server, signal.SIGCONT)
        run = running.finish()
    assert isinstance(run.samples, Samples)
    print(f"  {run.samples.count} requests, {run.validity}", flush=True)
    with urllib.request.urlopen(f"{url}/finished", timeout=30) as answer:
        finished_ns = json.load(answer)
    return run.samples, [(one - zero_ns) / 1e9 for one in finished_ns]


def _stall(server: int) -> None:
    time.sleep(STALL_AT_S)
    os.kill(server, signal.SIGSTOP)
    time.sleep(STALL_S)
    os.kill(server, signal.SIGCONT)


def _waits(profile: Profile, answered_s: list[float]) -> list[float]:
    """The truth without any generator's word: the schedule's due moments, and the server's clock at each answer.

    First come, first served: who was due first was answered first.
    """
    due_s = [profile.due_s(arrival) for arrival in range(profile.total)]
    return sorted(one - due for one, due in zip(sorted(answered_s), due_s, strict=True))


def _at(waits: list[float], share: float) -> float:
    return waits[int(share * len(waits)) - 1]
