"""What the API server fetches for its clients: logs from kubelets, pages from pods and services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from fixtures.lab.layout import KUBELET_PORT
from tests.cluster import kubelets
from tests.cluster.servers import ApiServer

PORT = 8080


@dataclass(frozen=True)
class Placed:
    """A running pod `p` on a node whose kubelet answers."""

    path: str
    pod_ip: str


@pytest.fixture(scope="module")
def http(own_server: ApiServer) -> Iterator[httpx.Client]:
    with own_server.client() as client:
        yield client


@pytest.fixture(scope="module")
def node(own_server: ApiServer, http: httpx.Client) -> Iterator[str]:
    """A node whose kubelet answers."""
    with kubelets.kubelet(own_server.layout) as address:
        http.post("/api/v1/nodes", json={"metadata": {"name": "proxied"}})
        status = {
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        }
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = http.patch("/api/v1/nodes/proxied/status", headers=headers, json={"status": status})
        assert answer.status_code == 200, answer.text
        yield "proxied"
        http.delete("/api/v1/nodes/proxied")


@pytest.fixture
def placed(own_server: ApiServer, http: httpx.Client, namespace: str, node: str) -> Iterator[Placed]:
    path = f"/api/v1/namespaces/{namespace}"
    containers = [
        {"name": "app", "image": "i:1", "ports": [{"name": "http", "containerPort": PORT}]},
        {"name": "starting", "image": "i:1"},
    ]
    pod = {
        "metadata": {"name": "p", "labels": {"app": "p"}},
        "spec": {"nodeName": node, "containers": containers},
    }
    assert http.post(f"{path}/pods", json=pod).status_code == 201
    address = own_server.layout.pod_ip(1, 9)
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    http.patch(f"{path}/pods/p/status", json={"status": status}, headers=headers)
    with kubelets.served(kubelets.Pod, (address, PORT)):
        yield Placed(path, address)


def test_logs_come_from_the_kubelet_of_the_pods_node(
    http: httpx.Client, placed: Placed, namespace: str
) -> None:
    answer = http.get(f"{placed.path}/pods/p/log", params={"container": "app", "tailLines": "2"})
    assert answer.text == f"/containerLogs/{namespace}/p/app tailLines=2\nsecond\n"
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_logs_are_followed(http: httpx.Client, placed: Placed) -> None:
    query = {"container": "app", "follow": "true"}
    with http.stream("GET", f"{placed.path}/pods/p/log", params=query) as answer:
        assert list(answer.iter_lines())[1:] == ["second", "third"]


def test_what_the_kubelet_refuses_is_told(http: httpx.Client, placed: Placed) -> None:
    answer = http.get(f"{placed.path}/pods/p/log", params={"container": "starting"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert "ContainerCreating" in answer.json()["message"]


def test_one_of_several_containers_must_be_named(http: httpx.Client, placed: Placed) -> None:
    answer = http.get(f"{placed.path}/pods/p/log")
    assert (
        "a container name must be specified for pod p, choose one of: [app starting]"
        in answer.json()["message"]
    )


@pytest.mark.parametrize("name", ["p", f"p:{PORT}", f"http:p:{PORT}", "p:http"])
def test_a_pod_is_reached_through_its_proxy_door(http: httpx.Client, placed: Placed, name: str) -> None:
    answer = http.get(f"{placed.path}/pods/{name}/proxy/api/v1/health", params={"a": "b c"})
    assert answer.text == "GET /api/v1/health?a=b+c token=None"


def test_a_pods_own_answer_comes_back_as_it_is(http: httpx.Client, placed: Placed) -> None:
    answer = http.post(f"{placed.path}/pods/p/proxy/x", content=b"body")
    assert (answer.status_code, answer.text) == (418, "posted body")


def test_a_service_leads_to_a_ready_pod(http: httpx.Client, placed: Placed) -> None:
    spec = {"selector": {"app": "p"}, "ports": [{"name": "web", "port": 80, "targetPort": "http"}]}
    http.post(f"{placed.path}/services", json={"metadata": {"name": "s"}, "spec": spec})
    assert http.get(f"{placed.path}/services/s:web/proxy/health").text.startswith("GET /health")
    nobody = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    http.post(f"{placed.path}/services", json={"metadata": {"name": "empty"}, "spec": nobody})
    answer = http.get(f"{placed.path}/services/empty/proxy/")
    assert (answer.status_code, answer.json()["reason"]) == (503, "ServiceUnavailable")


def test_a_pod_that_does_not_listen_is_unavailable(http: httpx.Client, placed: Placed) -> None:
    answer = http.get(f"{placed.path}/pods/p:1/proxy/")
    assert (answer.status_code, answer.json()["reason"]) == (503, "ServiceUnavailable")
