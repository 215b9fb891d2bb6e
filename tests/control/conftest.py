"""One cluster for all of these tests, a namespace for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.control.lab import Cluster, Space, started

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    with started() as lab:
        yield lab.cluster


@pytest.fixture
def space(cluster: Cluster) -> Iterator[Space]:
    name = f"test-{next(_numbers)}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield Space(cluster, name)
    cluster.delete(f"/api/v1/namespaces/{name}")
