"""What the kubelet shows: logs, previous logs, and cAdvisor's figures."""

from __future__ import annotations

import re
import threading

import httpx
import pytest

from fixtures.lab.layout import KUBELET_PORT
from tests.control.lab import Object, Space, container, eventually, probe

MIB = 2**20


@pytest.fixture
def talker(space: Space) -> Object:
    """A pod whose log says one, two, three after its greeting."""
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pod = space.ready("echo")
    for word in ("one", "two", "three"):
        space.ask(pod, "/say", text=word)
    return pod


def test_a_log_is_what_the_process_printed(space: Space, talker: Object) -> None:
    assert space.logs(talker).text.splitlines()[1:] == ["one", "two", "three"]
    assert space.logs(talker, "?tailLines=2").text == "two\nthree\n"
    assert space.logs(talker, "?tailLines=0").text == ""
    assert space.logs(talker, "?limitBytes=4").text == "echo"
    assert space.logs(talker, "?sinceSeconds=60&tailLines=1").text == "three\n"
    assert space.logs(talker, "?sinceTime=2020-01-01T00:00:00Z&tailLines=1").text == "three\n"
    assert space.logs(talker, "?sinceTime=2999-01-01T00:00:00Z").text == ""


def test_log_lines_can_have_times(space: Space, talker: Object) -> None:
    lines = space.logs(talker, "?timestamps=true").text.splitlines()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z .+", line) for line in lines)
    assert lines == sorted(lines, key=lambda line: line.split()[0])


def test_a_log_can_be_followed_to_its_end(space: Space, talker: Object) -> None:
    url = f"https://{talker['status']['hostIP']}:{KUBELET_PORT}/containerLogs/{space.name}/echo/main"
    seen: list[str] = []

    def follow() -> None:
        with space.cluster.kubelet.stream("GET", url, params={"follow": "true", "tailLines": "1"}) as answer:
            seen.extend(answer.iter_lines())

    follower = threading.Thread(target=follow)
    follower.start()
    eventually(lambda: seen == ["three"])
    space.ask(talker, "/say", text="four")
    eventually(lambda: seen[-1] == "four", 2)
    space.delete("pods", "echo")
    follower.join(5)
    assert not follower.is_alive()
    assert seen == ["three", "four", "echo leaves"]


def test_the_log_of_the_container_before_is_kept(space: Space, talker: Object) -> None:
    assert space.logs(talker, "?previous=true").status_code == 400
    with pytest.raises(httpx.TransportError):
        space.ask(talker, "/leave", code="9")
    eventually(lambda: space.state("echo")["restartCount"] == 1)
    space.ready("echo")
    assert space.logs(talker, "?previous=true&tailLines=1").text == "three\n"
    assert len(space.logs(talker).text.splitlines()) == 1


def test_unknown_logs_are_refused_with_their_reason(space: Space, talker: Object) -> None:
    base = f"https://{talker['status']['hostIP']}:{KUBELET_PORT}/containerLogs/{space.name}"
    assert space.cluster.kubelet.get(f"{base}/none/main").status_code == 404
    assert space.cluster.kubelet.get(f"{base}/echo/none").status_code == 404
    assert space.cluster.kubelet.get(f"{base}/echo/main?tailLines=x").status_code == 400


def test_the_api_server_hands_logs_on(space: Space, talker: Object) -> None:
    answer = space.cluster.http.get(space.path("pods", "echo") + "/log", params={"tailLines": 1})
    assert answer.text == "three\n"


def test_figures_are_measured_from_the_process(space: Space) -> None:
    resources = {"limits": {"cpu": "500m", "memory": "256Mi"}}
    space.pod("echo", {"containers": [container(resources=resources, readinessProbe=probe())]})
    pod = space.ready("echo")
    idle = space.cadvisor(pod)
    assert idle["container_spec_memory_limit_bytes"] == 256 * MIB
    assert idle["container_spec_cpu_quota"] / idle["container_spec_cpu_period"] == 0.5
    assert 0 < idle["container_memory_usage_bytes"] < 100 * MIB
    space.ask(pod, "/burn", s="0.3")
    space.ask(pod, "/keep", mib="50")
    busy = space.cadvisor(pod)
    assert 0.2 <= busy["container_cpu_usage_seconds_total"] - idle["container_cpu_usage_seconds_total"] <= 1.0
    grown = eventually(lambda: _memory(space, pod) - idle["container_memory_usage_bytes"] > 49 * MIB, 3)
    assert grown


def test_a_kubelet_is_healthy(space: Space) -> None:
    ip = space.cluster.layout.node_ip(1)
    assert space.cluster.kubelet.get(f"https://{ip}:{KUBELET_PORT}/healthz").text == "ok"


def _memory(space: Space, pod: Object) -> float:
    return space.cadvisor(pod)["container_memory_usage_bytes"]
