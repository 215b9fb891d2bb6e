"""What AWS is told becomes objects of the lab's cluster, and its pods are what AWS says: on moto's own memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fixtures.evidence import Missing
from fixtures.lab.aws import REGION
from fixtures.lab.fargate.doing import changed
from fixtures.lab.fargate.memory import Memory
from fixtures.lab.fargate.shipped import Line
from fixtures.lab.fargate.told import Task, task
from fixtures.lab.fargate.wanted import objects
from fixtures.lab.layout import Layout
from fixtures.lab.systems.nailbook_line import aws
from fixtures.lab.systems.nailbook_line.breakage import rolled_out, tells_nobody
from fixtures.lab.systems.nailbook_line.catalogue import BALANCER, BLUE, CLUSTER, FAMILY, GREEN, IMAGE
from fixtures.platforms.abilities import Workload
from fixtures.platforms.alb import Alb, Listener
from fixtures.platforms.aws import Account, Aws
from fixtures.platforms.ecs import Ecs

LAYOUT = Layout(7, Path("/nowhere"))
ADDRESS = "127.7.0.10"
SECRETS = {"database": "pass-word", "cache": "pass-word", "token_key": "key"}
LISTENER = Listener(BALANCER, 443, BLUE.group, GREEN.group)
Json = dict[str, Any]


class World:
    """An account that was filled as the lab fills it, and a cluster that does at once what it is told."""

    def __init__(self) -> None:
        aws.fill(self.client, LAYOUT, SECRETS)
        self.memory = Memory()
        self.platform = Ecs(Account(REGION), CLUSTER)
        self.wrong: dict[str, Json] = {}  # deployment's namespace -> status of its containers

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)

    def wanted(self, kind: str) -> dict[str, Json]:
        """By namespace and name."""
        made = objects(self.memory.account(), ("blue", "green"), ADDRESS)
        return {
            f"{one['metadata']['namespace']}/{one['metadata']['name']}": one
            for one in made
            if one["kind"] == kind
        }

    def settle(self) -> list[Task]:
        """Pods for each deployment, all as they should be or wrong as they are told to be; AWS is told of them."""
        found = [
            pod
            for place, one in self.wanted("Deployment").items()
            for pod in pods_of(one, self.wrong.get(place, {"state": {"running": {}}, "ready": True}))
        ]
        tasks = [made for pod in found if (made := task(pod))]
        self.memory.tell(tasks)
        return tasks

    def green(self) -> Workload:
        (found,) = self.platform.workloads("green")
        return found


def pods_of(deployment: Json, status: Json) -> list[Json]:
    template, place = deployment["spec"]["template"], deployment["metadata"]
    network = 65 if place["namespace"] == "blue" else 66
    return [
        {
            "metadata": {"name": f"{place['name']}-{place['namespace']}-{number}", **template["metadata"]},
            "spec": template["spec"],
            "status": {
                "podIP": f"127.7.{network}.{number + 2}",
                "containerStatuses": [
                    {"name": one["name"], **status} for one in template["spec"]["containers"]
                ],
                "conditions": [{"type": "Ready", "status": str(bool(status.get("ready")))}],
            },
        }
        for number in range(deployment["spec"]["replicas"])
    ]


@pytest.fixture
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.setenv("AWS_ACCESS_KEY_ID", "lab")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "lab")
        yield World()


def test_a_service_becomes_pods_of_its_image_with_its_secrets(world: World) -> None:
    deployment = world.wanted("Deployment")["green/api"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert deployment["spec"]["replicas"] == 3
    assert container["image"] == f"{IMAGE}:{GREEN.tag}"
    assert container["resources"]["limits"] == {"cpu": "1000m", "memory": "2048Mi"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    assert {"name": "ENVIRONMENT", "value": "green"} in container["env"]
    assert sorted(world.wanted("Secret")["green/api-secrets-2"]["data"]) == [
        "DATABASE_URL",
        "LINE",
        "REDIS_URL",
        "SESSION_KEY",
    ]


def test_a_secret_that_is_gone_is_not_handed_out(world: World) -> None:
    world.client("secretsmanager").delete_secret(SecretId="nailbook/line", ForceDeleteWithoutRecovery=True)
    assert "LINE" not in world.wanted("Secret")["green/api-secrets-2"]["data"]


def test_a_key_of_a_secret_can_be_asked_for(world: World) -> None:
    account = world.memory.account()
    reference = next(one.arn for one in account.secrets if one.name == "nailbook/database")
    assert account.secret(f"{reference}:username::") == "nailbook_app"
    assert account.secret("arn:aws:secretsmanager:r:1:secret:nailbook/database:username::") == "nailbook_app"
    assert json.loads(account.secret(reference) or "")["database"] == "nailbook"
    assert account.secret(f"{reference}:nothing::") is None


def test_users_are_led_where_the_listener_says_and_each_side_has_its_name(world: World) -> None:
    def leads() -> dict[str, list[tuple[str, int]]]:
        return {
            one["spec"]["hosts"][0]: [
                (to["destination"]["host"].split(".")[1], to["weight"])
                for to in one["spec"]["http"][0]["route"]
            ]
            for one in world.wanted("VirtualService").values()
        }

    sides = {"blue.api.nailbook.com": [("blue", 1)], "green.api.nailbook.com": [("green", 1)]}
    assert leads() == {**sides, "api.nailbook.com": [("blue", 1)]}
    router = Alb(world.platform, LISTENER)
    router.shift(router.read(), 0.25)
    assert leads() == {**sides, "api.nailbook.com": [("blue", 75), ("green", 25)]}


def test_everybody_else_comes_in_by_the_doors_own_address(world: World) -> None:
    *sides, rest = world.wanted("VirtualService").values()
    assert [ADDRESS in one["spec"]["hosts"] for one in (*sides, rest)] == [False, False, True]


def test_a_closed_listener_shows_its_page(world: World) -> None:
    router = Alb(world.platform, LISTENER)
    router.close(router.read(), "<html>維護中</html>")
    (rule,) = list(world.wanted("VirtualService").values())[-1]["spec"]["http"]
    assert rule["directResponse"] == {"status": 503, "body": {"string": "<html>維護中</html>"}}


def test_nothing_is_stable_before_its_tasks_run(world: World) -> None:
    world.memory.tell([])
    assert not aws.runs(world.client)
    assert (world.green().ready, world.green().current) == (0, False)
    world.settle()
    assert aws.runs(world.client)
    green = world.green()
    assert (green.wanted, green.ready, green.updated, green.current) == (3, 3, 3, True)


def test_tasks_have_the_names_and_addresses_of_their_pods(world: World) -> None:
    world.settle()
    pods = world.platform.pods("green", world.green().selector)
    assert sorted(one.name for one in pods) == ["api-green-0", "api-green-1", "api-green-2"]
    assert sorted(one.ip for one in pods) == ["127.7.66.2", "127.7.66.3", "127.7.66.4"]
    assert {one.port for one in pods} == {8000}
    assert {one.images for one in pods} == {(f"{IMAGE}:{GREEN.tag}",)}


def test_a_new_deployment_is_not_stable_until_its_own_tasks_run(world: World) -> None:
    before = world.settle()
    ecs = world.client("ecs")
    ecs.update_service(cluster=CLUSTER, service=GREEN.service, taskDefinition=f"{FAMILY}:1")
    world.memory.tell(before)
    found = world.green()
    assert (found.updated, found.current) == (0, False)
    assert not aws.runs(world.client)
    world.settle()
    assert world.green().current
    assert world.green().images == (f"{IMAGE}:{BLUE.tag}",)
    ecs.update_service(cluster=CLUSTER, service=GREEN.service, forceNewDeployment=True)
    assert (
        world.wanted("Deployment")["green/api"]["spec"]["template"] != world.wanted("Deployment")["blue/api"]
    )
    world.memory.tell(before)
    assert not aws.runs(world.client)


def test_a_task_that_cannot_start_says_why_in_ecs_words(world: World) -> None:
    world.wrong["green/api"] = {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such tag"}}}
    world.settle()
    green = world.green()
    assert (green.ready, green.available, green.current) == (0, 0, False)
    assert "CannotPullContainerError: no such tag" in green.why
    assert not any(one.ready for one in world.platform.pods("green"))


def test_a_task_that_answers_ill_is_an_unhealthy_target(world: World) -> None:
    account = Aws(Account(REGION))
    world.settle()
    assert [one.state for one in account.targets(GREEN.group)] == ["healthy"] * 3
    world.wrong["green/api"] = {"state": {"running": {}}, "ready": False}
    world.settle()
    found = account.targets(GREEN.group)
    assert [one.state for one in found] == ["unhealthy"] * 3
    assert "Target.FailedHealthChecks" in found[0].why
    assert {one.state for one in account.targets(BLUE.group)} == {"healthy"}


def test_a_service_that_is_deleted_runs_no_more(world: World) -> None:
    world.settle()
    world.client("ecs").delete_service(cluster=CLUSTER, service=GREEN.service, force=True)
    assert sorted(world.wanted("Deployment")) == ["blue/api"]
    world.settle()
    assert world.platform.pods("green") == []
    assert Aws(Account(REGION)).targets(GREEN.group) == []


def test_what_is_no_longer_wanted_is_taken_away() -> None:
    before = {"data": {"A": "1", "B": "2"}, "type": "Opaque"}
    assert changed(before, {"data": {"A": "1"}, "type": "Opaque"}) == {
        "data": {"A": "1", "B": None},
        "type": "Opaque",
    }


def test_what_tasks_say_is_read_where_their_definition_leads_it(world: World) -> None:
    tasks = world.settle()
    pod = next(one for one in world.platform.pods("green"))
    with pytest.raises(Missing, match=pod.name):
        world.platform.stamped_log(pod, 10)
    streams = {one.id: stream for one, stream in world.memory.streams(tasks)}
    assert len(streams) == len(tasks) == 6
    now_ms = int(time.time() * 1000)
    for at_ms, text in ((now_ms - 1000, "before"), (now_ms, "after")):
        world.memory.put(streams[pod.name], [Line(at_ms, text)])
    assert [line for _, line in world.platform.stamped_log(pod, 10)] == ["before", "after"]
    assert world.platform.log(pod, 1) == "after"


def test_lines_of_a_task_without_a_driver_go_nowhere(world: World) -> None:
    rolled_out(tells_nobody).change(world.client)
    tasks = world.settle()
    assert {one.side for one, _ in world.memory.streams(tasks)} == {"blue"}
    with pytest.raises(Missing, match="lines of api are told to nobody"):
        world.platform.log(world.platform.pods("green")[0])
