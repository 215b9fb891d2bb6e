"""A namespace deleted and put back from its kept configuration, on the lab's API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.system import Manifest
from fixtures.lab.systems.hwayo.catalogue import BLUE
from fixtures.lab.systems.hwayo.sides import side_objects
from fixtures.platforms.kubernetes.configuration import Absent, Configuration, differences
from fixtures.platforms.kubernetes.session import Session
from tests.cluster import servers
from tests.cluster.servers import ApiServer

CREDENTIALS = {"database": "d", "cache": "c", "token_key": "t"}
NAMESPACE = BLUE.namespace


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    layout = servers.new_home(tmp_path_factory.mktemp("cluster"))
    with servers.running(layout, [servers.own_part(layout)]) as made:
        yield made


@pytest.fixture(scope="module")
def http(server: ApiServer) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def configuration(server: ApiServer) -> Iterator[Configuration]:
    session = Session(server.kubeconfig)
    yield Configuration(session)
    session.close()


@pytest.fixture
def side(http: httpx.Client, tmp_path: Path) -> Iterator[list[Manifest]]:
    """Blue's objects as the lab makes them."""
    objects = side_objects(BLUE, Layout(1, tmp_path), CREDENTIALS)
    for one in objects:
        answer = http.post(collection(one), json=one)
        assert answer.status_code == 201, answer.text
    yield objects
    delete(http)


def collection(one: Manifest) -> str:
    version = one["apiVersion"]
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    plurals = {"NetworkPolicy": "networkpolicies"}
    plural = plurals.get(one["kind"], f"{one['kind'].lower()}s")
    return f"{root}/{plural}" if one["kind"] == "Namespace" else f"{root}/namespaces/{NAMESPACE}/{plural}"


def delete(http: httpx.Client) -> None:
    """The namespace with all in it; no controller runs here that would empty it."""
    kinds = {collection({"apiVersion": version, "kind": kind}) for version, kind in KINDS}
    for path in kinds:
        http.delete(path).raise_for_status()
    http.delete(f"/api/v1/namespaces/{NAMESPACE}")
    http.put(
        f"/api/v1/namespaces/{NAMESPACE}/finalize",
        json={"spec": {"finalizers": []}, "metadata": {"name": NAMESPACE}},
    )


KINDS = (
    ("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "Service"), ("v1", "ServiceAccount"), ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "NetworkPolicy"), ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"), ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)  # fmt: skip


def test_a_deleted_namespace_comes_back_as_it_was(
    configuration: Configuration, side: list[Manifest], http: httpx.Client
) -> None:
    was = configuration.keep(NAMESPACE)
    assert configuration.phase(NAMESPACE) == "Active"
    assert {one["kind"] for one in was} >= {"Namespace", *(kind for _, kind in KINDS)}
    assert len(was) == len(side)
    delete(http)
    assert configuration.phase(NAMESPACE) == ""
    with pytest.raises(Absent, match="404"):
        configuration.keep(NAMESPACE)
    made = configuration.put_back(was)
    assert len(made) == len(was)
    assert differences(was, configuration.keep(NAMESPACE)) == []
    assert configuration.put_back(was) == []  # what is there is left as it is


def test_what_a_restore_lacks_or_changed_is_named(
    configuration: Configuration, side: list[Manifest], http: httpx.Client
) -> None:
    was = configuration.keep(NAMESPACE)
    http.delete(f"/api/v1/namespaces/{NAMESPACE}/secrets/hwayo-tokens").raise_for_status()
    patch = {"spec": {"replicas": 1}}
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web-app"
    http.patch(path, json=patch, headers={"content-type": "application/merge-patch+json"}).raise_for_status()
    http.post(
        f"/api/v1/namespaces/{NAMESPACE}/configmaps", json={"metadata": {"name": "stray"}}
    ).raise_for_status()
    assert differences(was, configuration.keep(NAMESPACE)) == [
        "Secret hwayo-tokens is missing",
        "Deployment web-app is not as it was",
        "ConfigMap stray was not there",
    ]
    assert configuration.put_back(was) == ["Secret hwayo-tokens"]


def test_a_cluster_that_does_not_answer_is_no_empty_namespace(tmp_path: Path) -> None:
    layout = servers.new_home(tmp_path)
    session = Session(layout.kubeconfig)
    with pytest.raises(Exception, match=r"refused|Connection"):
        Configuration(session).keep(NAMESPACE)
