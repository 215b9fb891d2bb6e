"""Docker's answers as plain facts, and an engine that does not answer as no evidence."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import Unreachable, Unsupported
from fixtures.ledger import Entry, Runner, now
from fixtures.platforms.abilities import Nodes, able
from fixtures.platforms.changes import Ref, Rejected
from fixtures.platforms.compose import Compose, told
from fixtures.platforms.compose.kinds import killed
from scenarios.faults.acts import Edit, Hands, Undone
from scenarios.faults.edits import ABSENT
from tests.memoryark.drawn import MIB, Drawn, container
from tests.platforms import docker_api

RUNNING: dict[str, Any] = {"Running": True, "Status": "running"}


def with_state(**state: Any) -> dict[str, Any]:
    return {**container("redis"), "State": state}


@pytest.mark.parametrize(
    ("state", "ready", "words"),
    [
        ({**RUNNING, "Health": {"Status": "healthy"}}, True, "running"),
        ({**RUNNING, "Health": {"Status": "starting"}}, False, "running, starting: "),
        (RUNNING, False, "running"),  # not known to be healthy is not healthy
        ({"Running": False, "Status": "exited", "ExitCode": 3}, False, "exited (exit 3)"),
        (
            {"Running": False, "Status": "exited", "ExitCode": 137, "OOMKilled": True},
            False,
            "OOMKilled (exit 137)",
        ),
        ({"Running": False, "Status": "created", "ExitCode": 0}, False, "created (exit 0)"),
    ],
)
def test_a_container_is_ready_when_it_runs_and_is_healthy(
    state: dict[str, Any], ready: bool, words: str
) -> None:
    found = with_state(**state)
    assert told.is_ready(found) is ready
    assert told.state(found) == words


def test_one_that_nobody_checks_is_ready_when_it_runs() -> None:
    found = with_state(**RUNNING)
    found["Config"]["Healthcheck"] = None
    assert told.is_ready(found)


def test_what_was_asked_for_is_told_in_base_units() -> None:
    found = told.asked(container("line-service"), {})
    assert (found.cpu, found.memory, found.memory_reserved) == (1.0, 512 * MIB, 256 * MIB)
    assert (found.restart, found.attempts) == ("on-failure", 3)
    assert found.environment["REDIS_PASSWORD"] == "d=e"
    assert "d=e" not in repr(found)


def test_a_workload_is_available_by_its_containers_and_says_why_it_is_not() -> None:
    well, ended = container("redis"), with_state(Running=False, Status="exited", ExitCode=1)
    found = told.workload("ark", "redis", [well, {**ended, "Name": "/ark-redis-2"}])
    assert (found.wanted, found.available) == (2, 1)
    assert found.why == "ark-redis-2 exited (exit 1)"


def test_lines_come_with_the_time_at_which_they_were_said() -> None:
    log = "2026-01-02T03:04:05.123456789Z one\n2026-01-02T03:04:06Z two\nno time\n"
    assert list(told.stamped(log)) == [
        (datetime(2026, 1, 2, 3, 4, 5, 123456, UTC), "one"),
        (datetime(2026, 1, 2, 3, 4, 6, 0, UTC), "two"),
    ]


def test_an_engine_that_is_not_there_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no container engine answers"):
        Compose(f"unix://{tmp_path}/nobody.sock")


def test_what_an_engine_cannot_show_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        able(Drawn(), Nodes)


# --- changed ---------------------------------------------------------------------------------------------------------
API = Ref("Pod", "shop", "shop-api-1")


@pytest.fixture
def machine() -> docker_api.Machine:
    return docker_api.Machine(
        docker_api.container("shop", "api", 11), docker_api.container("shop", "web", 12)
    )


@pytest.fixture
def shop(machine: docker_api.Machine) -> Iterator[Compose]:
    with docker_api.served(machine) as address:
        platform = Compose(address)
        yield platform
        platform.close()


def test_a_container_leaves_a_network_and_is_in_it_again_as_it_was(
    shop: Compose, machine: docker_api.Machine
) -> None:
    def networks() -> Any:
        found = machine.one("shop-api-1")
        return dict(found["NetworkSettings"]["Networks"]) if found else None

    before, body = networks(), shop.read_object(API)
    assert body is not None
    assert set(body["spec"]["networks"]) == {"back"}  # as the project calls it
    edit = Edit.plan("Pod", body, (("spec", "networks", "back"), ABSENT))
    entry = Entry("network-cut", edit.as_json(), Runner.me(), now(), now() + 60)
    hands = Hands(shop, lambda *_: None)
    edit.apply(hands, entry)
    assert networks() == {}
    assert len(machine.volumes) == 1  # the mark
    assert edit.undo(hands, entry) is Undone.HEALED
    assert networks() == before
    assert machine.volumes == {}


def test_nobody_is_killed_on_another_machine_or_in_place_of_a_container(shop: Compose) -> None:
    body = shop.read_object(API)
    assert body is not None
    assert body["metadata"]["ownerReferences"] == [{"kind": "RestartPolicy", "name": "unless-stopped"}]
    with pytest.raises(Rejected, match="another machine"):
        shop.delete_object(API, body["metadata"]["uid"])
    with subprocess.Popen(["sleep", "60"]) as bystander:
        with pytest.raises(Rejected, match="not known to be that of"):
            killed(bystander.pid, body["metadata"]["uid"], API)
        assert bystander.poll() is None
        bystander.kill()


def test_more_than_there_are_cannot_be_begun(shop: Compose) -> None:
    ref = Ref("Deployment", "shop", "api")
    body = shop.read_object(ref)
    assert body is not None
    with pytest.raises(Rejected, match="has 1 containers"):
        shop.replace_object(ref, {**body, "spec": {"replicas": 2}})
