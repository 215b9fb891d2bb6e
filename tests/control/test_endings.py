"""How containers end, and what follows: exit codes, restarts, back-off, grace, memory."""

from __future__ import annotations

import contextlib
import time

import httpx
import psutil
import pytest

from tests.control.lab import Space, container, eventually, probe

STUBBORN = "registry.lab:5000/stubborn:1.0"
TASK = "registry.lab:5000/task:1.0"


def test_a_crash_is_restarted_and_its_exit_code_kept(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    space.ready("echo")
    _leave(space, "echo", 7)
    eventually(lambda: space.state("echo")["restartCount"] == 1)
    ended = space.state("echo")["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (7, "Error")
    space.ready("echo")


def test_a_pod_given_another_image_starts_that_one(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pod = space.ready("echo")
    newer = "registry.lab:5000/echo:1.1"
    space.patch("pods", "echo", {"spec": {"containers": [{**pod["spec"]["containers"][0], "image": newer}]}})
    eventually(lambda: space.state("echo")["image"] == newer and space.state("echo")["ready"])
    eventually(lambda: space.ask(pod, "/env").json()["env"]["POD_IMAGE"] == newer)


def test_a_container_that_keeps_crashing_backs_off(space: Space) -> None:
    env = [{"name": "EXIT", "value": "1"}]
    space.pod("task", {"containers": [container(TASK, env=env)]})
    waiting = space.waits("task", "CrashLoopBackOff")
    assert waiting["message"].startswith("back-off ")
    eventually(lambda: space.state("task")["restartCount"] >= 3)
    eventually(lambda: "BackOff" in space.cluster.reasons(space.name, "task"))
    (started,) = [e for e in space.cluster.events(space.name, "task") if e["reason"] == "Started"]
    assert started["count"] >= 3
    assert space.get("pods", "task")["status"]["phase"] == "Running"


def test_a_pod_that_never_restarts_succeeds_or_fails(space: Space) -> None:
    for name, code in (("good", "0"), ("bad", "3")):
        env = [{"name": "EXIT", "value": code}]
        space.pod(name, {"restartPolicy": "Never", "containers": [container(TASK, env=env)]})
    eventually(lambda: space.get("pods", "good")["status"]["phase"] == "Succeeded")
    eventually(lambda: space.get("pods", "bad")["status"]["phase"] == "Failed")
    assert space.state("good")["state"]["terminated"]["reason"] == "Completed"
    assert space.state("bad")["state"]["terminated"]["exitCode"] == 3
    assert space.state("bad")["restartCount"] == 0


def test_a_deleted_pod_may_finish_what_it_holds(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pod = space.ready("echo")
    pid = space.ask(pod, "/env").json()["pid"]
    log = space.cluster.layout.pods / f"{space.name}_echo_{pod['metadata']['uid']}/containers/main/0.log"
    with log.open() as kept:
        space.delete("pods", "echo")
        eventually(lambda: space.find("pods", "echo") is None, 3)
        assert "echo leaves" in kept.read()
    assert not psutil.pid_exists(pid)
    assert not log.parents[2].exists()


def test_one_that_will_not_go_is_killed_when_its_grace_is_over(space: Space) -> None:
    space.pod("rock", {"containers": [container(STUBBORN)], "terminationGracePeriodSeconds": 1})
    space.ready("rock")
    began = time.monotonic()
    space.delete("pods", "rock")
    assert space.get("pods", "rock")["metadata"]["deletionTimestamp"]
    eventually(lambda: space.find("pods", "rock") is None, 3)
    assert 0.9 <= time.monotonic() - began <= 2


def test_a_second_deletion_can_shorten_the_grace(space: Space) -> None:
    space.pod("rock", {"containers": [container(STUBBORN)], "terminationGracePeriodSeconds": 60})
    space.ready("rock")
    space.delete("pods", "rock")
    space.delete("pods", "rock", {"gracePeriodSeconds": 1})
    eventually(lambda: space.find("pods", "rock") is None, 3)


def test_a_forced_deletion_ends_the_process_too(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pid = space.ask(space.ready("echo"), "/env").json()["pid"]
    space.delete("pods", "echo", {"gracePeriodSeconds": 0})
    assert space.find("pods", "echo") is None
    eventually(lambda: not psutil.pid_exists(pid), 3)


def test_a_signal_shows_in_the_exit_code(space: Space) -> None:
    space.pod("rock", {"containers": [container(STUBBORN)], "restartPolicy": "Never"})
    space.ready("rock")
    (process,) = _processes(space)
    process.kill()
    eventually(lambda: space.get("pods", "rock")["status"]["phase"] == "Failed")
    assert space.state("rock")["state"]["terminated"]["exitCode"] == 137


def test_a_container_over_its_memory_limit_is_killed_for_it(space: Space) -> None:
    limits = {"memory": "64Mi"}
    space.pod("echo", {"containers": [container(resources={"limits": limits}, readinessProbe=probe())]})
    pod = space.ready("echo")
    with contextlib.suppress(httpx.TransportError):  # it may be killed before it has answered
        space.ask(pod, "/keep", mib="80")
    eventually(lambda: space.state("echo")["restartCount"] == 1, 5)
    ended = space.state("echo")["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_a_pre_stop_sleep_is_slept(space: Space) -> None:
    hook = {"preStop": {"sleep": {"seconds": 1}}}
    space.pod("echo", {"containers": [container(lifecycle=hook, readinessProbe=probe())]})
    pod = space.ready("echo")
    began = time.monotonic()
    space.delete("pods", "echo")
    assert space.ask(pod, "/health").status_code == 200  # it serves until it is told to end
    eventually(lambda: space.find("pods", "echo") is None, 4)
    assert time.monotonic() - began >= 0.9


def _leave(space: Space, name: str, code: int) -> None:
    with pytest.raises(httpx.TransportError):
        space.ask(space.get("pods", name), "/leave", code=str(code))


def _processes(space: Space) -> list[psutil.Process]:
    """Those that stand in a pod's folder of this namespace."""
    return [p for p in psutil.process_iter(["cwd"]) if f"/{space.name}_" in (p.info["cwd"] or "")]
