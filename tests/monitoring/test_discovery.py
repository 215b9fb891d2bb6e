"""What is found for a Prometheus without Kubernetes is what one with it would find."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from fixtures.lab.layout import Layout
from fixtures.lab.monitoring import prometheus
from fixtures.lab.monitoring.debian import TEMPLATES, alertmanager_in_place, knows_kubernetes
from fixtures.lab.monitoring.discovery import node_targets, pod_targets
from fixtures.lab.monitoring.watched import Watched
from tests.monitoring.running import Object


def pod(*containers: Object, **status: object) -> Object:
    return {
        "metadata": {"namespace": "shop", "name": "web-1", "labels": {"app.kubernetes.io/name": "web"}},
        "spec": {
            "nodeName": "n1",
            "containers": list(containers),
            "initContainers": [{"name": "first", "image": "i"}],
        },
        "status": {"podIP": "127.1.65.2", "phase": "Running", **status},
    }


def test_every_port_of_every_container_is_a_target() -> None:
    ports = [{"name": "http", "containerPort": 3000}, {"containerPort": 9100}]
    found = pod_targets([pod({"name": "a", "image": "i:1", "ports": ports}, {"name": "b", "image": "i:2"})])
    assert [target["targets"] for target in found] == [
        ["127.1.65.2:3000"],
        ["127.1.65.2:9100"],
        ["127.1.65.2"],  # a container without ports, and the first container
        ["127.1.65.2"],
    ]
    first, last = found[0]["labels"], found[-1]["labels"]
    assert first["__meta_kubernetes_pod_container_port_name"] == "http"
    assert first["__meta_kubernetes_pod_label_app_kubernetes_io_name"] == "web"
    assert (first["__meta_kubernetes_pod_container_init"], last["__meta_kubernetes_pod_container_init"]) == (
        "false",
        "true",
    )
    assert all(isinstance(value, str) for target in found for value in target["labels"].values())


def test_a_pod_without_an_address_is_no_target() -> None:
    assert pod_targets([pod({"name": "a"}, podIP=None), {**pod(), "status": {}}]) == []


def test_a_node_is_its_kubelet() -> None:
    status = {
        "addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "127.1.2.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10251}},
    }
    metadata = {"name": "n1", "labels": {"pool": "system"}}
    (found,) = node_targets([{"metadata": metadata, "status": status}, {"metadata": metadata}])
    assert found["targets"] == ["127.1.2.1:10251"]
    assert found["labels"]["instance"] == found["labels"]["__meta_kubernetes_node_name"] == "n1"
    assert found["labels"]["__meta_kubernetes_node_label_pool"] == "system"


@pytest.mark.parametrize(("exit_code", "door"), [(0, "kubernetes_sd_configs"), (1, "file_sd_configs")])
def test_prometheus_asks_the_cluster_itself_where_it_can(
    layout: Layout,
    watched: Watched,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exit_code: int,
    door: str,
) -> None:
    promtool = tmp_path / "promtool"
    promtool.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    promtool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    knows_kubernetes.cache_clear()
    written = yaml.safe_load(prometheus.write(layout, watched).read_text())
    knows_kubernetes.cache_clear()
    jobs = {job["job_name"]: job for job in written["scrape_configs"]}
    assert door in jobs["pods"]
    assert door in jobs["cadvisor"]
    if exit_code == 0:
        (asked,) = jobs["cadvisor"]["kubernetes_sd_configs"]
        assert (asked["role"], asked["api_server"]) == ("node", f"https://{layout.api}")
        assert asked["authorization"]["credentials_file"].endswith("prometheus.token")


def test_an_unpacked_alertmanager_is_run_where_it_finds_its_templates(tmp_path: Path) -> None:
    root = tmp_path / "unpacked"
    program = root / "usr/bin/prometheus-alertmanager"
    for folder in (program.parent, root / TEMPLATES.lstrip("/")):
        folder.mkdir(parents=True)
    program.write_bytes(b"\0before" + TEMPLATES.encode() + b"after\0")
    if Path(TEMPLATES).exists():  # installed on this machine: nothing is to do
        assert alertmanager_in_place(program, tmp_path) == [str(program)]
        return
    command = alertmanager_in_place(program, tmp_path)
    copy = Path(command[-1])
    assert command[:2] == ["env", f"--chdir={root}"]
    assert copy.read_bytes() == b"\0beforeusr/share/prometheus//alertmanagerafter\0"
    assert len(copy.read_bytes()) == len(program.read_bytes())
    assert copy.stat().st_mode & stat.S_IXUSR
