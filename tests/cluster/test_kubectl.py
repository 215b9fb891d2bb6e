"""kubectl works against the lab's API server unchanged."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator

import httpx
import pytest

from fixtures.lab.layout import KUBELET_PORT
from tests.cluster import kubelets
from tests.cluster.conftest import Kubectl
from tests.cluster.servers import ApiServer

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {app: api}}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: app
        image: registry.local/api:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
        ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: api}}
spec: {nodeName: %s, containers: [{name: app, image: "i:1"}]}
"""
AVAILABLE = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "ok"}


def columns(table: str) -> list[str]:
    return re.split(r"\s{2,}", table.splitlines()[0].strip())


@pytest.fixture
def applied(kubectl: Kubectl, namespace: str) -> str:
    """The namespace, with the manifest applied."""
    kubectl("-n", namespace, "apply", "-f", "-", stdin=MANIFEST)
    return namespace


def test_apply_creates_then_changes_then_does_nothing(kubectl: Kubectl, namespace: str) -> None:
    apply = ("-n", namespace, "apply", "-f", "-")
    assert "deployment.apps/api created" in kubectl(*apply, stdin=MANIFEST)
    assert "deployment.apps/api unchanged" in kubectl(*apply, stdin=MANIFEST)
    without = MANIFEST.replace('{name: A, value: "1"}, ', "").replace("api:1", "api:2")
    assert "deployment.apps/api configured" in kubectl(*apply, stdin=without)
    container = json.loads(kubectl("-n", namespace, "get", "deploy", "api", "-o", "json"))["spec"][
        "template"
    ]["spec"]
    assert container["containers"][0]["image"] == "registry.local/api:2"
    assert [one["name"] for one in container["containers"][0]["env"]] == ["B"]


def test_server_side_apply_keeps_what_another_manager_owns(kubectl: Kubectl, namespace: str) -> None:
    apply = ("-n", namespace, "apply", "--server-side", "-f", "-")
    assert "serverside-applied" in kubectl(*apply, stdin=MANIFEST)
    other = MANIFEST.replace("api:1", "api:2")
    refused = kubectl(*apply, "--field-manager=other", stdin=other, fails=True)
    assert 'conflict with "kubectl": .spec.template.spec.containers[name="app"].image' in refused
    kubectl(*apply, "--field-manager=other", "--force-conflicts", stdin=other)
    image = kubectl(
        "-n", namespace, "get", "deploy", "api", "-o", "jsonpath={.spec.template.spec.containers[0].image}"
    )
    assert image == "registry.local/api:2"


def test_a_misspelt_field_is_refused_by_name(kubectl: Kubectl, namespace: str) -> None:
    wrong = MANIFEST.replace("replicas:", "replicaz:")
    refused = kubectl("-n", namespace, "create", "-f", "-", stdin=wrong, fails=True)
    assert 'unknown field "spec.replicaz"' in refused


def test_get_shows_the_usual_columns(kubectl: Kubectl, applied: str) -> None:
    everything = kubectl("get", "-A", "all")
    assert "deployment.apps/api" in everything
    assert "service/kubernetes" in everything
    wanted = {
        "deployments": ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
        "services": ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
        "namespaces": ["NAME", "STATUS", "AGE"],
        "clusterroles": ["NAME", "CREATED AT"],
        "priorityclasses": ["NAME", "VALUE", "GLOBAL-DEFAULT", "AGE", "PREEMPTIONPOLICY"],
    }
    assert {kind: columns(kubectl("-n", applied, "get", kind)) for kind in wanted} == wanted
    kubectl("-n", applied, "create", "-f", "-", stdin=POD % "nowhere")
    pods = kubectl("-n", applied, "get", "pods")
    assert columns(pods) == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert re.search(r"p\s+0/1\s+Pending\s+0\s+\d+s", pods)
    wide = kubectl("-n", applied, "get", "pods", "-o", "wide")
    assert columns(wide)[5:] == ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]


def test_describe_tells_of_an_object_and_its_events(
    kubectl: Kubectl, http: httpx.Client, applied: str
) -> None:
    uid = http.get(f"/apis/apps/v1/namespaces/{applied}/deployments/api").json()["metadata"]["uid"]
    about = {"kind": "Deployment", "namespace": applied, "name": "api", "uid": uid, "apiVersion": "apps/v1"}
    event = {
        "metadata": {"generateName": "e-"},
        "involvedObject": about,
        "reason": "ScalingReplicaSet",
        "message": "Scaled up replica set",
        "type": "Normal",
        "count": 1,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    http.post(f"/api/v1/namespaces/{applied}/events", json=event)
    told = kubectl("-n", applied, "describe", "deploy", "api")
    assert "Replicas:               2 desired" in told
    assert "Scaled up replica set" in told
    assert "Scaled up replica set" in kubectl("-n", applied, "events")
    assert "deployment/api" in kubectl("-n", applied, "get", "events")
    assert "80/TCP" in kubectl("-n", applied, "describe", "service", "api")


def test_patch_scale_label_and_delete(kubectl: Kubectl, applied: str) -> None:
    def get(path: str) -> str:
        return kubectl("-n", applied, "get", "deploy", "api", "-o", f"jsonpath={{{path}}}")

    kubectl("-n", applied, "scale", "deploy", "api", "--replicas=5")
    assert get(".spec.replicas") == "5"
    kubectl("-n", applied, "patch", "deploy", "api", "-p", '{"spec":{"paused":true}}')
    assert get(".spec.paused") == "true"
    kubectl(
        "-n",
        applied,
        "patch",
        "deploy",
        "api",
        "--type=json",
        "-p",
        '[{"op":"remove","path":"/spec/paused"}]',
    )
    kubectl(
        "-n", applied, "patch", "deploy", "api", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}'
    )
    assert get(".metadata.labels.a") == "b"
    kubectl("-n", applied, "label", "deploy", "api", "a-")
    kubectl("-n", applied, "annotate", "deploy", "api", "note=x")
    kubectl("-n", applied, "set", "image", "deploy/api", "app=registry.local/api:7")
    assert get(".spec.template.spec.containers[0].image") == "registry.local/api:7"
    assert 'deployment.apps "api" deleted' in kubectl("-n", applied, "delete", "deploy", "api")
    assert "NotFound" in kubectl("-n", applied, "get", "deploy", "api", fails=True)


def test_rollouts_are_restarted_followed_and_listed(
    kubectl: Kubectl, http: httpx.Client, applied: str
) -> None:
    kubectl("-n", applied, "rollout", "restart", "deploy", "api")
    path = f"/apis/apps/v1/namespaces/{applied}/deployments/api"
    deployment = http.get(path).json()
    assert "kubectl.kubernetes.io/restartedAt" in deployment["spec"]["template"]["metadata"]["annotations"]
    template = deployment["spec"]["template"]
    labels = {**template["metadata"]["labels"], "pod-template-hash": "x"}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "api",
        "uid": deployment["metadata"]["uid"],
    }
    replica_set = {
        "metadata": {
            "name": "api-x",
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {**template, "metadata": {"labels": labels}},
        },
    }
    assert http.post(f"/apis/apps/v1/namespaces/{applied}/replicasets", json=replica_set).status_code == 201
    assert re.search(r"^1\s+<none>$", kubectl("-n", applied, "rollout", "history", "deploy", "api"), re.M)

    def become_ready() -> None:
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
        status = {
            **counts,
            "observedGeneration": deployment["metadata"]["generation"],
            "conditions": [AVAILABLE],
        }
        headers = {"Content-Type": "application/merge-patch+json"}
        http.patch(f"{path}/status", json={"status": status}, headers=headers)

    timer = threading.Timer(0.5, become_ready)
    timer.start()
    told = kubectl("-n", applied, "rollout", "status", "deploy", "api", "--timeout=20s")
    assert 'deployment "api" successfully rolled out' in told
    timer.join()
    assert "condition met" in kubectl(
        "-n", applied, "wait", "--for=condition=Available", "deploy/api", "--timeout=5s"
    )


def test_wait_sees_an_object_go(kubectl: Kubectl, http: httpx.Client, applied: str) -> None:
    timer = threading.Timer(0.5, lambda: http.delete(f"/api/v1/namespaces/{applied}/services/api"))
    timer.start()
    assert "condition met" in kubectl("-n", applied, "wait", "--for=delete", "service/api", "--timeout=10s")
    timer.join()


def test_get_watches_with_the_columns_of_the_table(
    kubectl: Kubectl, http: httpx.Client, applied: str
) -> None:
    def change() -> None:
        http.post(f"/api/v1/namespaces/{applied}/configmaps", json={"metadata": {"name": "new"}})

    timer = threading.Timer(0.7, change)
    timer.start()
    seen = kubectl("-n", applied, "get", "configmaps", "-w", "--request-timeout=3s")
    timer.join()
    assert columns(seen) == ["NAME", "DATA", "AGE"]
    assert re.search(r"new\s+0", seen)


@pytest.fixture
def worker(own_server: ApiServer, http: httpx.Client, namespace: str) -> Iterator[str]:
    """A node with a kubelet, named like the test's namespace."""
    with kubelets.kubelet(own_server.layout) as address:
        http.post("/api/v1/nodes", json={"metadata": {"name": namespace}})
        status = {
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        headers = {"Content-Type": "application/merge-patch+json"}
        http.patch(f"/api/v1/nodes/{namespace}/status", json={"status": status}, headers=headers)
        yield namespace
        http.delete(f"/api/v1/nodes/{namespace}")


def test_logs_are_shown(kubectl: Kubectl, worker: str, namespace: str) -> None:
    kubectl("-n", namespace, "create", "-f", "-", stdin=POD % worker)
    assert kubectl("-n", namespace, "logs", "p").endswith("second\n")
    assert kubectl("-n", namespace, "logs", "-f", "p").endswith("third\n")


def test_a_node_is_cordoned_drained_and_uncordoned(
    kubectl: Kubectl, http: httpx.Client, worker: str, namespace: str
) -> None:
    kubectl("-n", namespace, "create", "-f", "-", stdin=POD % worker)
    kubectl("cordon", worker)
    assert "Ready,SchedulingDisabled" in kubectl("get", "nodes", worker)
    path = f"/api/v1/namespaces/{namespace}/pods/p"

    def kubelet_finishes() -> None:
        http.request("DELETE", path, json={"gracePeriodSeconds": 0})

    timer = threading.Timer(1.0, kubelet_finishes)
    timer.start()
    told = kubectl("drain", worker, "--force", "--ignore-daemonsets", "--timeout=20s")
    timer.join()
    assert f"node/{worker} drained" in told
    assert http.get(path).status_code == 404
    kubectl("uncordon", worker)
    assert "SchedulingDisabled" not in kubectl("get", "nodes", worker)


def test_rights_are_told(kubectl: Kubectl, namespace: str) -> None:
    assert kubectl("auth", "can-i", "delete", "pods").strip() == "yes"
    nobody = f"--as=system:serviceaccount:{namespace}:nobody"
    assert kubectl("auth", "can-i", "get", "secrets", "-n", namespace, nobody, fails=True).strip() == "no"
    assert "*.*" in kubectl("auth", "can-i", "--list", "-n", namespace)
    assert "admin" in kubectl("auth", "whoami")


def test_what_typed_clients_send_as_protobuf_is_read(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "namespace", f"{namespace}-more")
    more = ("-n", f"{namespace}-more")
    kubectl(*more, "create", "deployment", "web", "--image=nginx:1", "--replicas=0", "--port=80")
    made = json.loads(kubectl(*more, "get", "deploy", "web", "-o", "json"))
    assert made["spec"]["replicas"] == 0
    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [
        {"containerPort": 80, "protocol": "TCP"}
    ]
    kubectl(*more, "create", "secret", "generic", "s", "--from-literal=a=b")
    assert kubectl(*more, "get", "secret", "s", "-o", "jsonpath={.data.a}") == "Yg=="
    kubectl(*more, "create", "role", "r", "--verb=get", "--resource=pods")
    kubectl(*more, "create", "rolebinding", "r", "--role=r", "--serviceaccount=default:x")
    kubectl(*more, "create", "serviceaccount", "sa")
    assert kubectl(*more, "create", "token", "sa").count(".") == 2
    kubectl(*more, "create", "cronjob", "c", "--image=i:1", "--schedule=0 2 * * *")
    kubectl(*more, "create", "poddisruptionbudget", "b", "--selector=app=web", "--min-available=1")
    kubectl(*more, "create", "service", "clusterip", "web", "--tcp=80:8080")
    assert kubectl(*more, "get", "svc", "web", "-o", "jsonpath={.spec.ports[0].targetPort}") == "8080"


def test_api_resources_lists_what_is_served(kubectl: Kubectl) -> None:
    told = kubectl("api-resources")
    assert re.search(r"deployments\s+deploy\s+apps/v1\s+true\s+Deployment", told)
    assert "Server Version: v1." in kubectl("version")
