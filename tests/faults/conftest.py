"""An API server for faults that need no pods: objects, versions and namespaces as a real one has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.platforms.kubernetes import Kubernetes
from tests.cluster import servers
from tests.cluster.servers import ApiServer


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Also a real kube-apiserver, with KUBEBUILDER_ASSETS set."""
    layout = servers.new_home(tmp_path_factory.mktemp("lab"))
    with servers.running(layout, servers.wanted_parts(layout)) as found:
        yield found


@pytest.fixture(scope="package")
def platform(server: ApiServer) -> Iterator[Kubernetes]:
    found = Kubernetes(Path(server.kubeconfig))
    yield found
    found.close()
