"""One API server for all tests of the cluster; each test makes the namespaces that it uses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from fixtures.lab import kubebuilder
from fixtures.tools import find
from tests.cluster import servers
from tests.cluster.servers import ApiServer


@pytest.fixture(scope="package")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """(url, token, ca): the tests that take it run unchanged on a real kube-apiserver, with KUBEBUILDER_ASSETS set."""
    layout = servers.new_home(tmp_path_factory.mktemp("lab"))
    with servers.running(layout, servers.wanted_parts(layout)) as server:
        yield server


@pytest.fixture(scope="package")
def own_server(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The lab's own server, whatever the other tests run on: a real one does not proxy to loopback."""
    if kubebuilder.wanted() is None:
        yield api_server
        return
    layout = servers.new_home(tmp_path_factory.mktemp("own"))
    with servers.running(layout, [servers.own_part(layout)]) as server:
        yield server


@pytest.fixture(scope="package")
def http(api_server: ApiServer) -> Iterator[httpx.Client]:
    with api_server.client() as client:
        yield client


@pytest.fixture
def namespace(http: httpx.Client) -> str:
    """A namespace of the test's own."""
    body = {"metadata": {"generateName": "test-"}}
    answer = http.post("/api/v1/namespaces", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["metadata"]["name"])


Kubectl = Callable[..., str]


@pytest.fixture(scope="package")
def kubectl(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Runs kubectl against the server; its standard output. Fails with its standard error."""
    program = find("kubectl")
    if program is None:
        pytest.fail(
            "kubectl is missing: `make setup` brings it, or see https://kubernetes.io/docs/tasks/tools/"
        )
    cache = tmp_path_factory.mktemp("kubectl")

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> str:
        done = subprocess.run(
            [str(program), "--cache-dir", str(cache), *arguments],
            env={**os.environ, "KUBECONFIG": str(api_server.kubeconfig), "HOME": str(cache)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        told = f"kubectl {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert bool(done.returncode) is fails, told
        return done.stdout + (done.stderr if fails else "")

    return run


@pytest.fixture(scope="package")
def exchanges() -> Path:
    """The exchanges recorded from a real kube-apiserver."""
    shared = Path(__file__).parents[2].parent / "shared" / "kube" / "kube-apiserver-exchanges.jsonl"
    assert shared.exists(), f"{shared} is missing: the recordings lie beside the project"
    return shared
