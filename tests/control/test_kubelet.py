"""A pod is a process, and lives as a kubelet would have it."""

from __future__ import annotations

from tests.control.lab import Space, container, eventually, probe


def test_a_pod_becomes_ready_and_serves_on_its_own_address(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pod = space.ready("echo", 5)
    assert space.ask(pod, "/whoami").json()["pod"] == "echo"
    assert pod["status"]["phase"] == "Running"
    eventually(
        lambda: space.cluster.reasons(space.name, "echo") >= {"Scheduled", "Pulled", "Created", "Started"}
    )
