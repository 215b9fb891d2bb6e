"""The mesh's process follows a real cluster API, also when Istio's kinds come later."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.lab import access, custom
from fixtures.lab.api import Api
from fixtures.lab.layout import Layout
from fixtures.lab.pki import Authority
from fixtures.lab.populate import populate
from fixtures.lab.process import Part, Running
from tests import loops
from tests.mesh.manifests import Object, certificate, gateway, namespace, service, to, virtual_service
from tests.mesh.running import wait_until

VERSIONS = {"Gateway": "networking.istio.io/v1beta1", "VirtualService": "networking.istio.io/v1beta1"}

VIRTUAL_SERVICES = "/apis/networking.istio.io/v1beta1/namespaces/blue/virtualservices"


@pytest.fixture
def cluster(layout: Layout) -> Iterator[Layout]:
    layout.logs.mkdir()
    (layout.home / "layout.json").write_text(json.dumps({"subnet": layout.subnet, "system": "shop"}))
    access.issue(layout, nodes=1)
    running = own(layout, "cluster")
    try:
        wait_until(lambda: _listens(layout.api))
        running.must_live()
        yield layout
    finally:
        running.stop()


@pytest.fixture
def following(cluster: Layout) -> Iterator[Layout]:
    mesh = own(cluster, "mesh")
    try:
        yield cluster
        mesh.must_live()
    finally:
        mesh.stop()


def own(layout: Layout, name: str) -> Running:
    """A part of the lab, started as the supervisor does."""
    command = [sys.executable, "-m", f"fixtures.lab.{name}", "--home", str(layout.home)]
    return Running(Part(name, command), layout.logs / f"{name}.log")


def _listens(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def create(layout: Layout, *objects: Object) -> None:
    async def all_of_them() -> None:
        async with Api.from_kubeconfig(layout.kubeconfig) as api:
            await populate(api, [{"apiVersion": VERSIONS.get(o["kind"], "v1"), **o} for o in objects])

    loops.run(all_of_them())


def patch(layout: Layout, path: str, body: Object) -> None:
    async def one() -> None:
        async with Api.from_kubeconfig(layout.kubeconfig) as api:
            await api.patch(path, body)

    loops.run(one())


def pod(name: str, ip: str) -> Object:
    conditions = [{"type": "Ready", "status": "True"}]
    return {
        "kind": "Pod",
        "metadata": {"namespace": "blue", "name": name, "labels": {"app": "web"}},
        "spec": {
            "containers": [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 3000}]}]
        },
        "status": {"podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running", "conditions": conditions},
    }


def web() -> Object:
    made = service("blue", "web", "")
    del made["spec"]["clusterIP"]  # the API gives it out
    return made


def read(layout: Layout, name: str) -> Any:
    path = layout.home / "mesh" / name
    return json.loads(path.read_text())["resources"] if path.exists() else []


def weights(layout: Layout) -> dict[str, int]:
    hosts = read(layout, "front-door.json")[0]["virtual_hosts"]
    return {c["name"]: c["weight"] for c in hosts[0]["routes"][0]["route"]["weighted_clusters"]["clusters"]}


def rules(weight: int) -> list[Object]:
    return [{"route": [to("web", 100 - weight), to("other", weight)]}]


def test_the_files_follow_the_cluster(following: Layout) -> None:
    create(following, namespace("blue"), web(), pod("web-1", following.pod_ip(1, 2)))
    wait_until(lambda: "lb_endpoints" in json.dumps(read(following, "clusters.json")))
    assert list(json.loads(following.hosts.read_text())) == ["web.blue"]
    pair = Authority.load(following.pki).issue(["shop.example"])
    create(
        following,
        *custom.istio(),
        certificate("blue", "shop-tls", pair),
        gateway("blue", "door"),
        virtual_service("blue", "canary", ["shop.example"], gateways=["door"], http=rules(5)),
    )
    wait_until(lambda: bool(read(following, "front-door.json")))
    wait_until(lambda: weights(following) == {"web.blue:80": 95, "no such service: other": 5})
    started = time.monotonic()
    patch(following, f"{VIRTUAL_SERVICES}/canary", {"spec": {"http": rules(25)}})
    wait_until(lambda: weights(following)["web.blue:80"] == 75)
    assert time.monotonic() - started < 0.5


def test_an_object_that_makes_no_sense_leaves_the_mesh_as_it_was(following: Layout) -> None:
    create(following, namespace("blue"), web(), *custom.istio())
    wait_until(lambda: bool(read(following, "listeners.json")))
    create(following, {**gateway("blue", "door"), "spec": {"servers": "all of them"}})
    wait_until(lambda: "makes no sense" in (following.logs / "mesh.log").read_text())
    assert [listener["name"] for listener in read(following, "listeners.json")] == ["web.blue:80"]
