"""A server that stands still for 3 s of a 20 s run at 200 requests/s: who tells the truth about it?"""

from __future__ import annotations

import os
import signal
import time

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
    with serving() as (url, server):
        ours, begun_s, ended_s = _ours(url, server)
        profile = constant(RATE_RPS, LENGTH_S)
        for share in (0.95, 0.99):
            truth_s = _truth(profile, (begun_s, ended_s), share)
            seen_s = ours.quantile(share) or 0.0
            name = f"load: p{share * 100:.0f} through a 3 s stall, off the truth ({truth_s:.2f} s)"
            found.append(Figure(name, abs(seen_s / truth_s - 1) * 100, 5, "%"))
        for users in (100, 10):
            stock = run_stock(url, users, LENGTH_S, RATE_RPS / users, meanwhile=lambda: _stall(server))
            for share, said_s in ((0.95, stock.p95_s), (0.99, stock.p99_s)):
                truth_s = _truth(profile, (STALL_AT_S, STALL_AT_S + STALL_S), share)
                times = truth_s / max(said_s, 1e-3)
                print(
                    f"  stock Locust, {users} users: p{share * 100:.0f} {said_s:.3f} s, {times:.0f} times too low",
                    flush=True,
                )
    return found


def _ours(url: str, server: int) -> tuple[Samples, float, float]:
    """The samples, and when the server really stood still, in seconds from the run's zero."""
    plan = Plan(url, Open(constant(RATE_RPS, LENGTH_S), sessions=20), LOCUSTFILE)
    with traffic(plan, Means()) as running:
        running.run_for(STALL_AT_S - running.elapsed_s)
        os.kill(server, signal.SIGSTOP)
        begun_s = running.elapsed_s
        running.run_for(STALL_S)
        os.kill(server, signal.SIGCONT)
        ended_s = running.elapsed_s
        run = running.finish()
    assert isinstance(run.samples, Samples)
    print(f"  {run.samples.count} requests, {run.validity}", flush=True)
    return run.samples, begun_s, ended_s


def _stall(server: int) -> None:
    time.sleep(STALL_AT_S)
    os.kill(server, signal.SIGSTOP)
    time.sleep(STALL_S)
    os.kill(server, signal.SIGCONT)


def _truth(profile: Profile, stall_s: tuple[float, float], share: float) -> float:
    """From the schedule: whoever was due during the stall waited for its end, everybody else hardly at all."""
    due = [profile.due_s(arrival) for arrival in range(profile.total)]
    waits = sorted(stall_s[1] - one if stall_s[0] <= one < stall_s[1] else 0.0 for one in due)
    return waits[int(share * len(waits)) - 1]
