"""The control process as a whole: how fast it is, how idle, how it ends, and what a second life finds."""

from __future__ import annotations

import signal
import time

import psutil

from fixtures.lab.process import Running
from tests.control.lab import (
    Cluster,
    Space,
    Started,
    container,
    deployment,
    eventually,
    is_ready,
    probe,
    started,
)

PODS = 24


def a_dozen_deployments(space: Space) -> list[psutil.Process]:
    """Their processes, once all pods are Ready."""
    for number in range(PODS // 2):
        space.create("deployments", deployment(f"service-{number}"))
    eventually(lambda: sum(map(is_ready, space.all("pods"))) == PODS, 20)
    return [p for p in psutil.process_iter(["cwd"]) if f"/{space.name}_" in (p.info["cwd"] or "")]


def test_two_dozen_pods_come_up_fast_and_idle_cheaply_and_end_at_once() -> None:
    with started() as lab:
        began = time.monotonic()
        pods = a_dozen_deployments(a_space(lab.cluster))
        assert time.monotonic() - began < 5
        assert len(pods) == PODS
        everyone = [*ours(lab), *pods]
        before = sum(map(cpu_s, everyone))
        time.sleep(5)  # the window of the measurement
        assert (sum(map(cpu_s, everyone)) - before) / 5 < 0.12
        began = time.monotonic()
        lab.control.process.send_signal(signal.SIGTERM)
        assert lab.control.process.wait(3) == 0
        assert not any(process.is_running() for process in everyone)


def test_a_control_process_that_is_killed_takes_every_pod_along() -> None:
    with started() as lab:
        pods = a_dozen_deployments(a_space(lab.cluster))
        lab.control.process.kill()
        eventually(lambda: not any(is_alive(process) for process in pods), 3)
        lab.control.process.wait()


def test_without_its_zygote_the_control_process_ends_and_says_so() -> None:
    with started() as lab:
        pods = a_dozen_deployments(a_space(lab.cluster))
        ours(lab)[1].kill()
        assert lab.control.process.wait(5) == 1
        eventually(lambda: not any(is_alive(process) for process in pods), 3)
        assert "ZygoteLostError" in lab.control.tail()
        lab.control.log.write_text("")  # it was meant to end so


def test_a_second_life_takes_up_what_the_first_left() -> None:
    with started() as lab:
        space = a_space(lab.cluster)
        space.pod("echo", {"containers": [container(readinessProbe=probe())]})
        first = space.ready("echo")
        lab.control.stop()
        again = Running(lab.control.part, lab.control.log)
        try:
            eventually(lambda: space.state("echo")["restartCount"] == 1)
            second = space.ready("echo")
            assert second["status"]["podIP"] == first["status"]["podIP"]
            assert space.ask(second, "/health").status_code == 200
        finally:
            again.stop()


def test_an_api_server_that_comes_back_finds_everything_as_it_was() -> None:
    with started() as lab:
        space = a_space(lab.cluster)
        space.create("deployments", deployment("web"))
        eventually(lambda: sum(map(is_ready, space.all("pods"))) == 2)
        before = {pod["metadata"]["uid"] for pod in space.all("pods")}
        lab.api.process.kill()
        lab.api.process.wait()
        again = Running(lab.api.part, lab.api.log)
        try:
            eventually(lambda: space.patch("deployments", "web", {"spec": {"replicas": 3}}))
            eventually(lambda: sum(map(is_ready, space.all("pods"))) == 3)
            pods = space.all("pods")
            assert before <= {pod["metadata"]["uid"] for pod in pods}
            assert all(space.state(pod["metadata"]["name"])["restartCount"] == 0 for pod in pods)
            space.delete("deployments", "web")
            eventually(lambda: not space.all("pods"))
        finally:
            again.stop()


def ours(lab: Started) -> list[psutil.Process]:
    """The control process and its zygote."""
    control = psutil.Process(lab.control.process.pid)
    return [control, *control.children()]


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
