"""The locustfile of the benchmarks, for stock Locust and for ours: one request after the other, or so many a second."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import Any

import gevent
from locust import FastHttpUser, constant, constant_throughput, events, task

EACH_RPS = float(os.environ.get("BENCH_EACH_RPS", "0"))  # of a user; 0: as fast as answers come
USERS = int(os.environ.get("BENCH_USERS", "1"))
OUT = os.environ.get("BENCH_OUT", "")
places = itertools.count()
began: dict[str, float] = {}


class Caller(FastHttpUser):
    wait_time = constant_throughput(EACH_RPS) if EACH_RPS else constant(0)

    def on_start(self) -> None:
        """Paced users who begin together stay together, and a burst is cheaper to send than what comes evenly."""
        if EACH_RPS:
            gevent.sleep(next(places) / EACH_RPS / USERS)

    @task
    def call(self) -> None:
        self.client.get("/work/read", name="/work/read")


def begin(**_: Any) -> None:
    began["cpu_s"] = time.process_time()


def end(environment: Any, **_: Any) -> None:
    """Stock Locust's own figures, and the processor time that the test itself took."""
    if not OUT:
        return
    total = environment.stats.total
    with open(OUT, "w") as file:  # noqa: PTH123  # gevent's patched process; nothing else is open
        json.dump(
            {
                "cpu_s": time.process_time() - began["cpu_s"],
                "requests": total.num_requests,
                "p95_s": total.get_response_time_percentile(0.95) / 1000,
                "p99_s": total.get_response_time_percentile(0.99) / 1000,
            },
            file,
        )


events.test_start.add_listener(begin)  # type: ignore[no-untyped-call]
events.test_stop.add_listener(end)  # type: ignore[no-untyped-call]
