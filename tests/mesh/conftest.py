"""A mesh for a test: a real Envoy before small pods, on a subnet that no lab uses."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.pki import Authority
from tests.mesh.manifests import Object, shop
from tests.mesh.running import Mesh, Pods
from tests.subnets import claimed


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    with claimed() as subnet:
        yield Layout(subnet, tmp_path)


@pytest.fixture
def authority(layout: Layout) -> Authority:
    return Authority.create(layout.pki)


@pytest.fixture
def objects(layout: Layout, authority: Authority) -> list[Object]:
    """The shop of tests/mesh/manifests.py."""
    return shop(layout, authority.issue(["shop.example", layout.front_door.rsplit(":", 1)[0]]))


@pytest.fixture
def pods(layout: Layout) -> Iterator[Pods]:
    with Pods() as running:
        for node, number, side in ((1, 2, "blue"), (1, 3, "blue"), (2, 2, "green")):
            running.serve(layout.pod_ip(node, number), side)
        running.echo(layout.database)
        yield running


@pytest.fixture
def mesh(layout: Layout, objects: list[Object], pods: Pods) -> Iterator[Mesh]:
    with Mesh(layout).running(objects) as running:
        yield running


@pytest.fixture
def trust(layout: Layout, authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=layout.pki / "ca.crt")
