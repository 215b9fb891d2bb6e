"""Reading a cluster through the official client: bounded in time, and every refusal told apart from an empty answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.evidence import Missing, NoEvidence, Refused, Unreachable, Unsupported
from fixtures.platforms.abilities import Nodes, Pod, able
from fixtures.platforms.kubernetes import Kubernetes, objects
from fixtures.platforms.kubernetes.session import CONNECT_S
from tests.suites.recorded import GREEN, node, pod
from tests.suites.servers import http_server, nobody, silent_server


@contextmanager
def cluster(folder: Path, server: str) -> Iterator[Kubernetes]:
    file = folder / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "it",
                "clusters": [{"name": "it", "cluster": {"server": server}}],
                "users": [{"name": "me", "user": {"token": "t"}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
            }
        )
    )
    found = Kubernetes(file)
    yield found
    found.close()


def status(code: int, message: str) -> tuple[int, Any]:
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, Refused), (403, Refused), (404, Missing), (410, Unreachable), (500, Unreachable)],
)
def test_each_refusal_is_another_lack_of_evidence(tmp_path: Path, code: int, error: type[NoEvidence]) -> None:
    with (
        http_server({"/api/v1/nodes": status(code, "because")}) as url,
        cluster(tmp_path, url) as it,
        pytest.raises(error, match="because"),
    ):
        it.nodes()


def test_what_is_not_json_is_no_evidence(tmp_path: Path) -> None:
    with (
        http_server({"/api/v1/nodes": (200, "<html>")}) as url,
        cluster(tmp_path, url) as it,
        pytest.raises(Missing),
    ):
        it.nodes()


def test_a_cluster_where_nobody_listens_is_unreachable_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()
    with (
        cluster(tmp_path, f"http://{nobody()}") as it,
        pytest.raises(Unreachable, match="does not answer list_node"),
    ):
        it.nodes()
    assert time.monotonic() - begun < CONNECT_S


def test_a_kubeconfig_that_is_not_there_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="cannot open the cluster"):
        Kubernetes(tmp_path / "nothing")


def test_a_list_is_read_to_its_end(tmp_path: Path) -> None:
    pages = iter(
        [{"items": [node("a")], "metadata": {"continue": "more"}}, {"items": [node("b")], "metadata": {}}]
    )

    class Pages(dict[str, tuple[int, Any]]):
        """Whatever is asked for, the next page."""

        def __missing__(self, _: str) -> tuple[int, Any]:
            return 200, next(pages)

    with http_server(Pages()) as url, cluster(tmp_path, url) as it:
        assert [one.name for one in it.nodes()] == ["a", "b"]


def a_pod() -> Pod:
    return objects.pod(pod("web-app"))


PROXY = f"/api/v1/namespaces/{GREEN}/pods/web-app-1:3000/proxy/health"


def test_a_pods_own_error_is_an_answer(tmp_path: Path) -> None:
    with http_server({PROXY: (503, {"status": "failing"})}) as url, cluster(tmp_path, url) as it:
        reply = it.get(a_pod(), "/health", 2)
    assert reply.status == 503
    assert reply.body == '{"status": "failing"}'


def test_an_error_of_the_api_in_the_pods_stead_is_none(tmp_path: Path) -> None:
    answer = status(503, "error trying to reach service: connection refused")
    with (
        http_server({PROXY: answer}) as url,
        cluster(tmp_path, url) as it,
        pytest.raises(Unreachable, match="refused"),
    ):
        it.get(a_pod(), "/health", 2)


def test_a_pod_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    begun = time.monotonic()
    with silent_server() as where, cluster(tmp_path, f"http://{where}") as it, pytest.raises(Unreachable):
        it.get(a_pod(), "/health", 0.3)
    assert time.monotonic() - begun < 2


def test_a_pod_without_a_port_cannot_be_asked(tmp_path: Path) -> None:
    bare = pod("web-app")
    del bare["spec"]["containers"][0]["ports"]
    with cluster(tmp_path, f"http://{nobody()}") as it, pytest.raises(Missing, match="names no port"):
        it.get(objects.pod(bare), "/health", 1)


def test_what_a_container_reads_its_secrets_from_is_found_wherever_it_is_written() -> None:
    written = pod("web-app")
    container = written["spec"]["containers"][0]
    container["env"] = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "by-key", "key": "a"}}},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "maybe", "key": "b", "optional": True}}},
        {"name": "C", "value": "plain"},
    ]
    container["volumeMounts"] = [{"name": "certificates", "mountPath": "/etc/tls"}]
    written["spec"]["volumes"] = [
        {"name": "certificates", "secret": {"secretName": "tls"}},
        {"name": "unused", "secret": {"secretName": "not-mounted"}},
    ]
    assert objects.pod(written).containers[0].secrets == ("tokens", "by-key", "tls")


def test_equal_values_have_equal_fingerprints_that_tell_nothing() -> None:
    def held(value: str) -> str:
        return objects.secret({"metadata": {"name": "s", "namespace": "n"}, "data": {"k": value}}).keys["k"]

    assert held("YQ==") == held("YQ==") != held("Yg==")
    assert "YQ==" not in held("YQ==")


def test_what_a_platform_lacks_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="object cannot show nodes"):
        able(object(), Nodes)
