"""Locust's own distributed workers: their histograms are merged exactly, and a worker that is killed is noticed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenarios.load.arrivals import constant
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Open, Plan
from scenarios.load.processes import Master
from tests.load.conftest import Server
from tests.load.test_engine import SIDES, TIMING

LOCUSTFILES = "scenarios/load/distributed.py,tests/load/locustfile.py"
Worker = subprocess.Popen[bytes]


@contextmanager
def workers(port: int, log: Path) -> Iterator[list[Worker]]:
    """Two stock Locust workers, as another machine would run them."""
    command = [sys.executable, "-m", "locust", "-f", LOCUSTFILES, "--worker"]
    command += ["--master-host", "127.0.0.1", "--master-port", str(port)]
    with log.open("wb") as out:
        running = [subprocess.Popen(command, stdout=out, stderr=out) for _ in range(2)]
        try:
            yield running
        finally:
            for one in running:
                one.kill()
                one.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plan(server: Server) -> Plan:
    model = Open(constant(60, 4), sessions=4)
    return Plan(server.url, model, "tests/load/locustfile.py", SIDES, bounds_us=(2_000_000,))


def test_two_workers_reports_add_up_to_the_servers_count(server: Server, tmp_path: Path) -> None:
    port = free_port()
    means = Means(Master(f"127.0.0.1:{port}", 2), counter=server)
    with workers(port, tmp_path / "log") as running, traffic(plan(server), means) as load:
        run = load.finish()
        left = [one.wait(timeout=20) for one in running]
    assert set(run.validity.reasons) <= TIMING
    assert run.samples.count == 240
    assert run.samples.served() == {"blue": 120, "green": 120}
    assert run.samples.slower(2_000_000) == 0
    assert sum(one.requests for one in run.samples.seconds()) == 240
    assert left == [0, 0]  # sent home when the run was over


def test_a_killed_worker_makes_the_run_invalid(server: Server, tmp_path: Path) -> None:
    port = free_port()
    with (
        workers(port, tmp_path / "log") as running,
        traffic(plan(server), Means(Master(f"127.0.0.1:{port}", 2), counter=server)) as load,
    ):
        load.run_for(1.5)
        running[0].kill()
        run = load.finish()
    assert "lost" in run.validity.reasons
    assert run.samples.count < 240
