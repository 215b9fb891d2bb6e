"""A cluster of its own for these tests: the lab's API server and its controllers, with a tiny system."""

from __future__ import annotations

import json
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from fixtures.lab import access
from fixtures.lab.layout import KUBELET_PORT, Layout
from fixtures.lab.process import Part, Running
from tests.subnets import claimed

T = TypeVar("T")
Object = dict[str, Any]

ECHO = "registry.lab:5000/echo:1.0"
SYSTEM = "tests.control.system"
BACKOFF = 0.02  # 10 s become 0.2 s


def eventually(look: Callable[[], T], timeout_s: float = 10.0, every_s: float = 0.02) -> T:
    """What `look` answers, once it is truthy. A connection that is refused is not yet."""
    give_up = time.monotonic() + timeout_s
    seen: object = None
    while time.monotonic() < give_up:
        try:
            seen = found = look()
        except httpx.TransportError as error:
            seen = error
        else:
            if found:
                return found
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s} s; last seen: {seen}")


@dataclass
class Cluster:
    """The API as the tests use it: JSON by path, 404 as None."""

    layout: Layout
    http: httpx.Client
    kubelet: httpx.Client

    def get(self, path: str) -> Object:
        return self._body(self.http.get(path))

    def find(self, path: str) -> Object | None:
        answer = self.http.get(path)
        return None if answer.status_code == 404 else self._body(answer)

    def create(self, path: str, body: Object) -> Object:
        return self._body(self.http.post(path, json=body))

    def patch(self, path: str, body: Object) -> Object:
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._body(self.http.patch(path, content=json.dumps(body), headers=headers))

    def delete(self, path: str, options: Object | None = None) -> None:
        self._body(self.http.request("DELETE", path, json=options))

    def _body(self, answer: httpx.Response) -> Object:
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
        body: Object = answer.json()
        return body

    def events(self, namespace: str, name: str) -> list[Object]:
        items: list[Object] = self.get(f"/api/v1/namespaces/{namespace}/events")["items"]
        return [event for event in items if event["involvedObject"]["name"] == name]

    def reasons(self, namespace: str, name: str) -> set[str]:
        return {event["reason"] for event in self.events(namespace, name)}


@dataclass
class Space:
    """One namespace of the cluster, and what tests do in it."""

    cluster: Cluster
    name: str

    def path(self, plural: str, name: str = "") -> str:
        groups = {"deployments": "/apis/apps/v1", "replicasets": "/apis/apps/v1", "jobs": "/apis/batch/v1"}
        groups |= {"cronjobs": "/apis/batch/v1", "poddisruptionbudgets": "/apis/policy/v1"}
        groups |= {"endpointslices": "/apis/discovery.k8s.io/v1"}
        base = f"{groups.get(plural, '/api/v1')}/namespaces/{self.name}/{plural}"
        return f"{base}/{name}" if name else base

    def create(self, plural: str, body: Object) -> Object:
        return self.cluster.create(self.path(plural), body)

    def get(self, plural: str, name: str) -> Object:
        return self.cluster.get(self.path(plural, name))

    def find(self, plural: str, name: str) -> Object | None:
        return self.cluster.find(self.path(plural, name))

    def patch(self, plural: str, name: str, body: Object) -> Object:
        return self.cluster.patch(self.path(plural, name), body)

    def delete(self, plural: str, name: str, options: Object | None = None) -> None:
        self.cluster.delete(self.path(plural, name), options)

    def all(self, plural: str, selector: str = "") -> list[Object]:
        query = f"?labelSelector={selector}" if selector else ""
        items: list[Object] = self.cluster.get(self.path(plural) + query)["items"]
        return items

    def pod(self, name: str, spec: Object, **metadata: Any) -> Object:
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}
        return self.create("pods", body)

    def ready(self, name: str, timeout_s: float = 10.0) -> Object:
        """The pod, once it is Ready."""

        def look() -> Object | None:
            pod = self.find("pods", name)
            return pod if pod and is_ready(pod) else None

        pod = eventually(look, timeout_s)
        assert pod
        return pod

    def state(self, name: str) -> Object:
        """The first container's status, {} before it has one."""
        statuses = ((self.find("pods", name) or {}).get("status") or {}).get("containerStatuses") or [{}]
        found: Object = statuses[0]
        return found

    def waits(self, name: str, reason: str) -> Object:
        def look() -> Object | None:
            waiting: Object = (self.state(name).get("state") or {}).get("waiting") or {}
            return waiting if waiting.get("reason") == reason else None

        found = eventually(look)
        assert found
        return found

    def ask(self, pod: Object, path: str, /, **query: str) -> httpx.Response:
        """Straight to the pod's address."""
        return httpx.get(f"http://{pod['status']['podIP']}:8080{path}", params=query, timeout=5)

    def logs(self, pod: Object, query: str = "") -> httpx.Response:
        container = pod["spec"]["containers"][0]["name"]
        path = f"/containerLogs/{self.name}/{pod['metadata']['name']}/{container}{query}"
        return self.cluster.kubelet.get(f"https://{pod['status']['hostIP']}:{KUBELET_PORT}{path}")

    def cadvisor(self, pod: Object) -> dict[str, float]:
        """Its container's figures by metric name."""
        page = self.cluster.kubelet.get(
            f"https://{pod['status']['hostIP']}:{KUBELET_PORT}/metrics/cadvisor"
        ).text
        mine = [line for line in page.splitlines() if f'pod="{pod["metadata"]["name"]}"' in line]
        return {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in mine}


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def container(image: str = ECHO, **fields: Any) -> Object:
    return {"name": "main", "image": image, **fields}


def probe(period_s: int = 1, **fields: Any) -> Object:
    return {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": period_s, **fields}


def deployment(name: str, replicas: int = 2, **spec: Any) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container(readinessProbe=probe())]}}
    body = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def image_change(image: str) -> Object:
    """A merge patch of a deployment of `deployment`'s form."""
    return {"spec": {"template": {"spec": {"containers": [container(image, readinessProbe=probe())]}}}}


@dataclass
class Started:
    cluster: Cluster
    api: Running
    control: Running


@contextmanager
def started() -> Iterator[Started]:
    """A cluster and its control process, both gone at the end."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verdigris-control-")))
        layout = Layout(stack.enter_context(claimed()), home)
        _lay_out(layout)
        parts = [stack.enter_context(_running(layout, part)) for part in ("cluster", "control")]
        cluster = stack.enter_context(_entered(layout))
        eventually(lambda: _nodes_ready(cluster, parts), 20)
        yield Started(cluster, *parts)
        log = parts[1].log.read_text()
        assert "Traceback" not in log, log


def _lay_out(layout: Layout) -> None:
    layout.logs.mkdir()
    keys = {"subnet": layout.subnet, "system": SYSTEM, "backoff": BACKOFF}
    (layout.home / "layout.json").write_text(json.dumps(keys))
    access.issue(layout, nodes=3)


@contextmanager
def _running(layout: Layout, part: str) -> Iterator[Running]:
    command = [sys.executable, "-m", f"fixtures.lab.{part}", "--home", str(layout.home)]
    running = Running(Part(part, command), layout.logs / f"{part}.log")
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def _entered(layout: Layout) -> Iterator[Cluster]:
    token = yaml.safe_load(layout.kubeconfig.read_text())["users"][0]["user"]["token"]
    tls = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=f"https://{layout.api}", verify=tls, headers=headers) as http,
        httpx.Client(verify=tls) as kubelet,
    ):
        yield Cluster(layout, http, kubelet)


def _nodes_ready(cluster: Cluster, running: list[Running]) -> bool:
    for part in running:
        part.must_live()
    nodes = cluster.get("/api/v1/nodes")["items"]
    return bool(nodes) and all(is_ready(node) for node in nodes)
