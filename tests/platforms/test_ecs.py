"""ECS through boto3, on moto; and AWS's answers, as they are written in its reference, as plain facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api import state_manager

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Nodes, Workloads
from fixtures.platforms.aws import Account
from fixtures.platforms.changes import Ref
from fixtures.platforms.ecs import Ecs, is_ready, pod, workload

REGION, CLUSTER = "ap-northeast-1", "nailbook-prod"
NOTE = "verdigris.dev/fault"


@dataclass
class Cluster:
    client: Any
    network: Any

    def register(self, image: str) -> str:
        container = {
            "name": "api",
            "image": image,
            "memory": 512,
            "portMappings": [{"containerPort": 8000}],
            "secrets": [{"name": "DATABASE_URL", "valueFrom": "nailbook/database"}],
        }
        made = self.client.register_task_definition(
            family="api", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="1024", memory="2048",
            containerDefinitions=[container],
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def serve(self, name: str, definition: str, wanted: int, running: int) -> None:
        """moto starts no tasks of a service: those that run are put there by hand."""
        self.client.create_service(
            cluster=CLUSTER, serviceName=name, taskDefinition=definition, desiredCount=wanted,
            launchType="FARGATE", networkConfiguration=self.network,
        )  # fmt: skip
        for _ in range(running):
            self.client.run_task(
                cluster=CLUSTER, taskDefinition=definition, launchType="FARGATE", group=f"service:{name}",
                networkConfiguration=self.network,
            )  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.setenv("AWS_ACCESS_KEY_ID", "lab")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "lab")
        state_manager.set_transition(
            "ecs::task", {"progression": "manual", "times": 1000}
        )  # tasks stay RUNNING
        ec2 = boto3.client("ec2", region_name=REGION)
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        ecs = boto3.client("ecs", region_name=REGION)
        ecs.create_cluster(clusterName=CLUSTER)
        made = Cluster(ecs, {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}})
        made.serve("api-blue", made.register("ecr/nailbook-api:a"), wanted=3, running=3)
        made.serve("api-green", made.register("ecr/nailbook-api:b"), wanted=3, running=2)
        for number in range(11):  # more than are described at once
            made.serve(f"job{number:02}-blue", made.register("ecr/jobs:a"), wanted=0, running=0)
        yield made
        state_manager.unset_transition("ecs::task")


@pytest.fixture(scope="module")
def platform(cluster: Cluster) -> Ecs:
    return Ecs(Account(REGION), CLUSTER)


def test_it_shows_workloads_and_nothing_that_it_has_not(platform: Ecs) -> None:
    assert isinstance(platform, Workloads)
    assert not isinstance(platform, Nodes)


def test_the_services_of_a_side_are_its_workloads(platform: Ecs) -> None:
    (green,) = platform.workloads("green")
    assert (green.name, green.wanted, green.ready, green.updated) == ("api", 3, 2, 2)
    assert green.images == ("ecr/nailbook-api:b",)
    assert green.selector == {"service": "api-green"}
    assert not green.current
    assert "in progress" in green.why
    blue = platform.workloads("blue")
    assert [one.name for one in blue] == ["api", *(f"job{number:02}" for number in range(11))]
    assert blue[0].images == ("ecr/nailbook-api:a",)


def test_the_tasks_of_a_side_are_its_pods(platform: Ecs) -> None:
    (workload_,) = platform.workloads("green")
    pods = platform.pods("green", workload_.selector)
    assert len({one.name for one in pods}) == 2
    assert all(one.ready and one.ip and one.port == 8000 for one in pods)
    assert pods[0].containers[0].secrets == ("nailbook/database",)
    assert platform.pods("green", {"service": "api-blue"}) == []
    assert len(platform.pods("blue")) == 3


def test_a_side_or_a_cluster_that_is_not_there_is_empty_or_missing(platform: Ecs) -> None:
    assert platform.workloads("grey") == []
    with pytest.raises(Missing, match="services of the cluster nobody"):
        Ecs(Account(REGION), "nobody").workloads("blue")


def test_a_service_is_made_with_its_marks_on_in_one_call(platform: Ecs, cluster: Cluster) -> None:
    """Whoever is killed between two calls would leave a service that nobody knows to take away."""
    events = platform.kinds["Deployment"].cluster.client.meta.events  # type: ignore[attr-defined]
    ref = Ref("Deployment", "green", "marked")
    spec = {"taskDefinition": cluster.register("ecr/nailbook-api:c"), "replicas": 0, "launchType": "FARGATE"}
    spec["networkConfiguration"] = cluster.network
    note = json.dumps({"made by": "a run", "at": "步驟 1", "why": "x" * 400})

    def refused(**_: Any) -> None:
        raise AssertionError("tagged by a call of its own")

    events.register("before-call.ecs.TagResource", refused)
    try:
        made = platform.create_object(ref, {"metadata": {"annotations": {NOTE: note}}, "spec": spec})
    finally:
        events.unregister("before-call.ecs.TagResource", refused)
    try:
        assert made["metadata"]["annotations"] == {NOTE: note}
    finally:
        platform.delete_object(ref, made["metadata"]["uid"])
    assert platform.read_object(ref) is None


# --- AWS's answers as facts -----------------------------------------------------------------------------------------
CHECKED = {
    "containerDefinitions": [{"name": "api", "image": "a", "healthCheck": {"command": ["CMD", "true"]}}]
}
PLAIN = {"containerDefinitions": [{"name": "api", "image": "a"}]}


def task(
    last: str = "RUNNING", desired: str = "RUNNING", health: str = "UNKNOWN", **container: Any
) -> dict[str, Any]:
    inside = {"name": "api", "lastStatus": last, "healthStatus": health, **container}
    return {
        "taskArn": "arn:aws:ecs:r:1:task/c/77",
        "taskDefinitionArn": "api:2",
        "lastStatus": last,
        "desiredStatus": desired,
        "group": "service:api-green",
        "containers": [inside],
    }


@pytest.mark.parametrize(
    ("found", "definition", "ready"),
    [
        (task(), PLAIN, True),
        (task(), CHECKED, False),  # not known to be healthy is not healthy
        (task(health="HEALTHY"), CHECKED, True),
        (task(health="UNHEALTHY"), CHECKED, False),
        (task("PENDING"), PLAIN, False),
        (task("RUNNING", "STOPPED"), PLAIN, False),  # on its way out
    ],
)
def test_a_task_is_ready_when_it_runs_is_to_run_and_is_healthy(
    found: dict[str, Any], definition: dict[str, Any], ready: bool
) -> None:
    assert is_ready(found, definition) is ready
    assert pod(found, definition, "green").containers[0].ready is (
        ready or found["desiredStatus"] == "STOPPED"
    )


def test_a_container_that_ended_says_why() -> None:
    ended = task("STOPPED", exitCode=137, reason="OutOfMemoryError: container killed")
    assert pod(ended, PLAIN, "green").containers[0].state == "OutOfMemoryError: container killed (exit 137)"


def test_while_two_deployments_are_there_a_service_is_not_current() -> None:
    service = {
        "serviceName": "api-green",
        "desiredCount": 2,
        "taskDefinition": "api:2",
        "deployments": [
            {"status": "PRIMARY", "rolloutState": "COMPLETED"},
            {"status": "ACTIVE", "rolloutState": "COMPLETED"},
        ],
    }
    old = {**task(), "taskDefinitionArn": "api:1"}
    found = workload(service, PLAIN, [task(), old], "green")
    assert (found.current, found.updated, found.ready) == (False, 1, 2)
    settled = workload({**service, "deployments": service["deployments"][:1]}, PLAIN, [task()], "green")  # type: ignore[index]
    assert (settled.current, settled.why) == (True, "")
