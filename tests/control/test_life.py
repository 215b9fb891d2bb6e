"""The control process as a whole: how fast it is, how idle, how it ends, and what a second life finds."""

from __future__ import annotations

import signal
import time

import psutil

from fixtures.lab.process import Part, Running
from tests.control.lab import Cluster, Space, container, deployment, eventually, is_ready, probe, started

PODS = 24


def a_dozen_deployments(space: Space) -> list[psutil.Process]:
    """Their processes, once all pods are Ready."""
    for number in range(PODS // 2):
        space.create("deployments", deployment(f"service-{number}"))
    eventually(lambda: sum(map(is_ready, space.all("pods"))) == PODS, 20)
    return [p for p in psutil.process_iter(["cwd"]) if f"/{space.name}_" in (p.info["cwd"] or "")]


def test_two_dozen_pods_come_up_fast_and_idle_cheaply_and_end_at_once() -> None:
    with started() as (cluster, control):
        space = a_space(cluster)
        began = time.monotonic()
        pods = a_dozen_deployments(space)
        assert time.monotonic() - began < 5
        assert len(pods) == PODS
        everyone = [psutil.Process(control.process.pid), *psutil.Process(control.process.pid).children()]
        before = sum(map(cpu_s, [*everyone, *pods]))
        time.sleep(5)  # the window of the measurement
        assert (sum(map(cpu_s, [*everyone, *pods])) - before) / 5 < 0.12
        began = time.monotonic()
        control.process.send_signal(signal.SIGTERM)
        assert control.process.wait(3) == 0
        assert not any(process.is_running() for process in [*everyone, *pods])


def test_a_control_process_that_is_killed_takes_every_pod_along() -> None:
    with started() as (cluster, control):
        pods = a_dozen_deployments(a_space(cluster))
        control.process.kill()
        eventually(lambda: not any(is_alive(process) for process in pods), 3)
        control.process.wait()


def test_a_second_life_takes_up_what_the_first_left() -> None:
    with started() as (cluster, control):
        space = a_space(cluster)
        space.pod("echo", {"containers": [container(readinessProbe=probe())]})
        first = space.ready("echo")
        control.stop()
        again = Running(Part("control", control.part.command), control.log)
        try:
            eventually(lambda: space.state("echo")["restartCount"] == 1)
            second = space.ready("echo")
            assert second["status"]["podIP"] == first["status"]["podIP"]
            assert space.ask(second, "/health").status_code == 200
        finally:
            again.stop()


def a_space(cluster: Cluster) -> Space:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "life"}})
    return Space(cluster, "life")


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def is_alive(process: psutil.Process) -> bool:
    """A zombie that nobody has reaped yet is not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
