"""What a project of real containers does when things happen to it, and that nothing of it is left behind."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.compose import wires
from fixtures.lab.compose.builder import mac_of
from fixtures.lab.compose.engine import Engine, missing
from fixtures.lab.systems.memoryark_line import breakage
from fixtures.platforms.abilities import Workloads
from fixtures.platforms.compose import Compose, told
from fixtures.platforms.containers import Containers, Inside, Networks
from tests.platforms.contract import CASES, World

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(180)]
PROJECT, LINE = "memoryark-green", "line-service"
COMES_BACK_S, APART_S = 20.0, 1.0
KNOCK = ("timeout", "2", "bash", "-c")


@pytest.fixture
def platform(access: Access) -> Compose:
    return Compose(access.facts["engine"])


def _restarts(platform: Compose) -> int:
    (pod,) = [one for one in platform.pods(PROJECT) if one.labels[told.SERVICE] == LINE]
    return pod.containers[0].restarts


def test_it_shows_what_an_engine_knows(platform: Compose) -> None:
    for ability in (Workloads, Containers, Networks, Inside):
        assert isinstance(platform, ability)
    assert len(platform.workloads(PROJECT)) == 7
    assert len(platform.networks(PROJECT)) == 3
    assert platform.workloads("another-project") == []


@pytest.mark.parametrize("holds", CASES, ids=lambda one: one.__name__)
def test_the_contract_of_every_platform_holds_on_a_real_engine(
    holds: Callable[[World], None], access: Access, platform: Compose
) -> None:
    grafana = access.engine.container("grafana")

    def scale(number: int) -> None:
        (access.engine.api.start if number else access.engine.api.stop)(grafana)

    try:
        holds(World(platform, PROJECT, "grafana", "memoryark-frontend", 1, scale))
    finally:
        scale(1)
        wait_until(lambda: not access.engine.unwell(), COMES_BACK_S)


def test_a_killed_container_comes_back_three_times_and_the_fourth_time_it_does_not(
    access: Access, platform: Compose
) -> None:
    access.engine.again(
        access.engine.project.unit(LINE)
    )  # whoever joins a lab may find one that was killed before
    try:
        wait_until(lambda: not access.engine.unwell(), COMES_BACK_S)
        for time_ in (1, 2, 3):
            breakage.kill(access, LINE)
            wait_until(lambda: not access.engine.unwell(), COMES_BACK_S)
            assert _restarts(platform) == time_
        breakage.kill(access, LINE)
        time.sleep(3)
        (gone,) = [one for one in platform.workloads(PROJECT) if one.name == LINE]
        assert (gone.available, _restarts(platform)) == (0, 3)
        assert "after 3 restarts" in gone.why
    finally:
        access.engine.again(access.engine.project.unit(LINE))
        wait_until(lambda: not access.engine.unwell(), COMES_BACK_S)


def test_what_takes_more_memory_than_its_limit_is_killed(access: Access, platform: Compose) -> None:
    (pod,) = [one for one in platform.pods(PROJECT) if one.labels[told.SERVICE] == LINE]
    eats = "import sys; held = b'x' * (700 << 20); print(len(held))"
    python = access.engine.project.unit(LINE).command[0]
    ran = platform.run(pod, [python, "-c", eats])
    assert ran.code == 137, ran.output
    wait_until(lambda: not access.engine.unwell(), COMES_BACK_S)


def test_networks_that_somebody_opened_are_apart_again_within_a_second_and_people_are_served(
    access: Access, platform: Compose
) -> None:
    """As Podman opens them, when it ends the network of another engine."""
    rule = ("FORWARD", "-j", wires.APART)
    assert _filter("-D", *rule), "networks were not kept apart to begin with"
    while _filter("-D", *rule):
        pass  # of more than one lab
    wait_until(lambda: _filter("-C", *rule), APART_S, poll_s=0.05)
    (front,) = [one for one in platform.pods(PROJECT) if one.labels[told.SERVICE] == "memoryark-frontend"]
    redis = access.engine.project.unit("redis").networks["memoryark-backend-net"]
    assert platform.run(front, [*KNOCK, f"exec 3<>/dev/tcp/{redis}/6379"]).code != 0
    assert platform.run(front, [*KNOCK, "exec 3<>/dev/tcp/nginx-proxy/443"]).code == 0
    trusted = ssl.create_default_context(cafile=access.facts["ca"])
    answer = httpx.get(access.facts["entry"], verify=trusted, trust_env=False, timeout=5)
    assert (answer.status_code, answer.headers["x-served-side"]) == (200, "green")


def test_a_network_keeps_its_address_whoever_leaves_and_joins_it(access: Access) -> None:
    """Else those who stay ask for names, for seconds, at an address that is no more."""
    nets = access.engine.project.nets
    try:
        for unit in ("nginx-proxy", "memoryark-backend", "nginx-proxy"):
            access.engine.again(access.engine.project.unit(unit))
            at = [Path(f"/sys/class/net/{wires.bridge(net.subnet)}/address").read_text() for net in nets]
            assert [one.strip() for one in at] == [mac_of(net.gateway) for net in nets]
    finally:
        wait_until(lambda: not access.engine.unwell(), COMES_BACK_S)


def _filter(*command: str) -> bool:
    """Whether iptables did it, or found it so."""
    done = subprocess.run(["iptables", *command], capture_output=True, timeout=10, check=False)
    return done.returncode == 0


def test_of_a_lab_that_ended_no_container_no_network_and_no_address_is_left() -> None:
    if why := missing():
        pytest.skip(why)
    lab = Lab.start("memoryark-line", "memoryark-ends")
    engine = Engine(int(lab.facts["subnet"]))
    assert engine.folder.exists()
    lab.stop()
    assert not engine.folder.exists()
    with socket.socket() as door, pytest.raises(OSError, match="assign"):
        door.bind((f"10.{lab.facts['subnet']}.1.1", 0))
