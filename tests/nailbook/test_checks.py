"""What an ECS target's checks say is wrong, and what they could not see; and how its platform is opened."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from fixtures.evidence import Missing, Unreachable
from fixtures.platforms.abilities import Container, Pod
from fixtures.platforms.aws import Account, TargetHealth
from fixtures.platforms.ecs import Ecs
from fixtures.probes.http import Entry, open_client
from fixtures.target import Credential, Environment, Side, Target
from fixtures.target.environment import Aws
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings


def nailbook(**stated: Any) -> Surroundings:
    target = Target.load("nailbook-line")
    environment: Environment = target.environment("lab").model_copy(update=stated)
    return Surroundings(target, environment, Side.GREEN)


def seen(name: str, around: Surroundings) -> Measurement:
    return measure(next(one for one in around.target.checks if one.name == name), around)


class Groups:
    """An account whose target groups were told."""

    def __init__(self, **groups: Sequence[TargetHealth]) -> None:
        self._groups = groups

    def targets(self, group: str) -> Sequence[TargetHealth]:
        if group not in self._groups:
            raise Missing(f"there is no target group {group}")
        return self._groups[group]


def healthy(*states: str) -> Measurement:
    around = nailbook()
    found = [TargetHealth(f"10.0.0.{number}:8000", state, "timed out") for number, state in enumerate(states)]
    around.aws = Groups(**{"nailbook-green": found, "nailbook-blue": []})
    return seen("targets-healthy", around)


def test_a_healthy_target_for_every_replica_is_what_is_promised() -> None:
    assert healthy("healthy", "healthy", "healthy").value == 0


def test_one_that_leaves_beside_them_is_no_harm() -> None:
    assert healthy("healthy", "healthy", "healthy", "draining").value == 0


@pytest.mark.parametrize("third", ["initial", "draining", "unused"])
def test_one_that_is_not_healthy_yet_counts_for_nothing(third: str) -> None:
    found = healthy("healthy", "healthy", third)
    assert found.value == 1
    assert "nailbook-green: has 2 healthy targets, where 3 are promised" in found.why


def test_an_unhealthy_one_is_named_with_its_reason() -> None:
    found = healthy("healthy", "healthy", "healthy", "unhealthy")
    assert found.value == 1
    assert "10.0.0.3:8000: is unhealthy in nailbook-green: timed out" in found.why


def test_a_group_without_targets_is_not_healthy() -> None:
    assert healthy().value == 1


def test_where_the_load_balancer_is_not_stated_nothing_is_known() -> None:
    found = seen("targets-healthy", nailbook(alb=None))
    assert found.value is None
    assert "states no alb" in found.why


def test_a_journey_that_nobody_wrote_down_is_no_evidence() -> None:
    around = nailbook(entry="https://shop.test")
    check = next(one for one in around.target.checks if one.name == "journey-booking")
    found = measure(check.model_copy(update={"of": "moonlight"}), around)
    assert found.value is None
    assert "the journey moonlight of nailbook-line" in found.why


def test_the_platform_of_the_profile_is_opened_and_not_another() -> None:
    secret = Credential.of_lab("lab")
    aws = Aws(region="ap-northeast-1", endpoint="http://127.0.0.1:1", access_key=secret, secret_key=secret)
    assert isinstance(nailbook(aws=aws).platform, Ecs)
    with pytest.raises(Missing, match="states no cluster"):
        _ = nailbook(aws=aws, cluster=None).platform
    with pytest.raises(Missing, match="states no aws"):
        _ = nailbook().platform


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("X-Served-By", "task")
        self.end_headers()
        self.wfile.write(f"{self.path} for {self.headers['host']}".encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answering) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found.server_port
        found.shutdown()


def test_a_task_is_asked_at_its_own_address(server: int) -> None:
    platform = Ecs(Account("ap-northeast-1", "http://127.0.0.1:1", "lab", "lab"), "shop")
    task = Pod("green", "task", ip="127.0.0.1", containers=(Container("api", "image", (server,)),))
    reply = platform.get(task, "/health", 2)
    assert (reply.status, reply.headers["x-served-by"]) == (503, "task")
    assert reply.body.startswith("/health for 127.0.0.1")
    with pytest.raises(Unreachable, match="no address yet"):
        platform.get(Pod("green", "task"), "/health", 2)
    closed = Pod("green", "task", ip="127.0.0.1", containers=(Container("api", "image", (1,)),))
    with pytest.raises(Unreachable, match="does not answer /health at its own address"):
        platform.get(closed, "/health", 2)


def test_a_side_may_have_a_host_of_its_own(server: int) -> None:
    url = f"http://127.0.0.1:{server}"
    with open_client(Entry(url, {"Host": "green.shop.test"}, host="shop.test")) as client:
        assert client.get("/").text == "/ for green.shop.test"
    with open_client(Entry(url, host="shop.test")) as client:
        assert client.get("/").text == "/ for shop.test"
    with open_client(Entry(url)) as client:
        answer: httpx.Response = client.get("/")
        assert answer.text == f"/ for 127.0.0.1:{server}"
