"""Stock Locust, run as anybody would, beside which our generator is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOCUSTFILE = "tests/bench/load_users.py"


@dataclass(frozen=True)
class Stock:
    """What stock Locust said at its end. Quantiles in seconds, rounded as it rounds them."""

    cpu_s: float
    requests: int
    p95_s: float
    p99_s: float


def run_stock(url: str, users: int, duration_s: int, each_rps: float = 0, meanwhile: Callable[[], None] | None = None,
              core: int | None = None) -> Stock:  # fmt: skip
    """`meanwhile` is called when the users have begun."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            LOCUSTFILE,
            "--headless",
            "--host",
            url,
            "--only-summary",
        ]
        command += ["-u", str(users), "-r", "1000", "-t", f"{duration_s}s", "--stop-timeout", "10"]
        environment = {
            **os.environ,
            "BENCH_OUT": str(out),
            "BENCH_EACH_RPS": str(each_rps),
            "BENCH_USERS": str(users),
        }
        log = (Path(folder) / "log").open("w+")
        with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            if meanwhile is not None:
                _until_spawned(Path(log.name))
                meanwhile()
            process.wait()
        return Stock(**json.loads(out.read_text()))


def _until_spawned(log: Path) -> None:
    until = time.monotonic() + 60
    while "All users spawned" not in log.read_text():
        if time.monotonic() > until:
            raise TimeoutError(f"stock Locust did not begin: {log.read_text()[-500:]}")
        time.sleep(0.05)
