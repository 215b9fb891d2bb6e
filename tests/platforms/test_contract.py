"""One contract for every platform: the same cases on the lab's Kubernetes API, on ECS (moto), and on a Compose project
as Docker's own client reads it. tests/memoryark/test_project.py tries them on a real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api import state_manager

from fixtures.platforms.aws import Account
from fixtures.platforms.compose import Compose
from fixtures.platforms.ecs import Ecs
from fixtures.platforms.kubernetes import Kubernetes
from tests.cluster import servers
from tests.platforms.contract import CASES, World
from tests.platforms.docker_api import Machine, container, served
from tests.subnets import claimed

REGION, CLUSTER = "ap-northeast-1", "shop"
OPT_IN = {"verdigris.dev/chaos": "allowed"}


# --- Kubernetes -----------------------------------------------------------------------------------------------------
@contextmanager
def kubernetes(folder: Path) -> Iterator[World]:
    with claimed() as subnet:
        layout = servers.new_home(folder / "lab", subnet)
        with servers.running(layout, [servers.own_part(layout)]) as server, server.client() as http:

            def post(path: str, body: dict[str, Any]) -> None:
                answer = http.post(path, json=body)
                assert answer.status_code == 201, answer.text

            post("/api/v1/namespaces", {"metadata": {"name": "green", "labels": OPT_IN}})
            for name in ("api", "web"):
                post("/apis/apps/v1/namespaces/green/deployments", _deployment(name))
                post("/api/v1/namespaces/green/pods", _pod(name))
            platform = Kubernetes(layout.kubeconfig)

            def scale(number: int) -> None:
                answer = http.patch(
                    "/apis/apps/v1/namespaces/green/deployments/api/scale",
                    json={"spec": {"replicas": number}},
                    headers={"content-type": "application/merge-patch+json"},
                )
                assert answer.status_code == 200, answer.text

            yield World(platform, "green", "api", "web", 1, scale)
            platform.close()


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": _pod(name)["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def _pod(name: str) -> dict[str, Any]:
    metadata = {"name": f"{name}-1", "labels": {"app": name}}
    return {"metadata": metadata, "spec": {"containers": [{"name": name, "image": f"shop/{name}:v1"}]}}


# --- ECS ------------------------------------------------------------------------------------------------------------
@contextmanager
def ecs(_: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.setenv("AWS_ACCESS_KEY_ID", "lab")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "lab")
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1000})
        client = boto3.client("ecs", region_name=REGION)
        client.create_cluster(
            clusterName=CLUSTER, tags=[{"key": f"green/{key}", "value": one} for key, one in OPT_IN.items()]
        )
        for name in ("api", "web"):
            _serve(client, name)

        def scale(number: int) -> None:
            client.update_service(cluster=CLUSTER, service="api-green", desiredCount=number)

        yield World(Ecs(Account(REGION), CLUSTER), "green", "api", "web", 2, scale)
        state_manager.unset_transition("ecs::task")


def _serve(client: Any, name: str) -> None:
    """moto starts no tasks of a service: those that run are put there by hand."""
    ec2 = boto3.client("ec2", region_name=REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    where: dict[str, Any] = {
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}},
    }
    made = client.register_task_definition(
        family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[{"name": name, "image": f"shop/{name}:v1", "memory": 512}],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    service = f"{name}-green"
    client.create_service(cluster=CLUSTER, serviceName=service, taskDefinition=made, desiredCount=2, **where)
    for _ in range(2):
        client.run_task(cluster=CLUSTER, taskDefinition=made, group=f"service:{service}", **where)


# --- Compose --------------------------------------------------------------------------------------------------------
@contextmanager
def compose(_: Path) -> Iterator[World]:
    machine = Machine(container("green", "api", 11), container("green", "web", 12))
    with served(machine) as address:
        platform = Compose(address)

        def scale(number: int) -> None:
            machine.answer("POST", f"/containers/green-api-1/{'start' if number else 'stop'}", {}, {})

        yield World(platform, "green", "api", "web", 1, scale)
        platform.close()


# --------------------------------------------------------------------------------------------------------------------
WORLDS: tuple[Callable[..., Any], ...] = (kubernetes, ecs, compose)


@pytest.fixture(scope="module", params=WORLDS, ids=lambda one: one.__name__)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with request.param(tmp_path_factory.mktemp("contract")) as found:
        yield found


@pytest.mark.parametrize("holds", CASES, ids=lambda one: one.__name__)
def test_it_holds_of_every_platform(holds: Callable[[World], None], world: World) -> None:
    holds(world)
