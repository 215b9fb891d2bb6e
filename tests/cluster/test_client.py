"""The official Python client works against the lab's API server unchanged: typed, dynamic, watching, asynchronous."""

# mypy: allow-untyped-calls
from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import aio, client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException

from tests import loops
from tests.cluster.servers import ApiServer

LABELS = {"app": "auth-service"}


@pytest.fixture(scope="module")
def api(api_server: ApiServer) -> Iterator[Any]:
    with config.new_client_from_config(config_file=str(api_server.kubeconfig)) as api:
        yield api


def deployment(name: str, image: str = "registry.local/app:1") -> client.V1Deployment:
    container = client.V1Container(name="app", image=image, env=[client.V1EnvVar(name="A", value="1")])
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name, labels=LABELS),
        spec=client.V1DeploymentSpec(
            replicas=2,
            selector=client.V1LabelSelector(match_labels=LABELS),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=LABELS),
                spec=client.V1PodSpec(containers=[container]),
            ),
        ),
    )


def test_a_deployment_is_created_read_patched_scaled_and_deleted(api: Any, namespace: str) -> None:
    apps: Any = client.AppsV1Api(api)
    made = apps.create_namespaced_deployment(namespace, deployment("auth"))
    assert made.metadata.generation == 1
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    patched = apps.patch_namespaced_deployment(
        "auth",
        namespace,
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.local/app:2"}]}}}},
    )
    assert patched.spec.template.spec.containers[0].env[0].value == "1"
    apps.patch_namespaced_deployment_scale("auth", namespace, {"spec": {"replicas": 0}})
    assert apps.read_namespaced_deployment("auth", namespace).spec.replicas == 0
    assert apps.read_namespaced_deployment_scale("auth", namespace).status.selector == "app=auth-service"
    listed = apps.list_deployment_for_all_namespaces(label_selector="app=auth-service")
    assert [(one.metadata.namespace, one.metadata.name) for one in listed.items] == [(namespace, "auth")]
    apps.delete_namespaced_deployment("auth", namespace)
    with pytest.raises(ApiException) as refused:
        apps.read_namespaced_deployment("auth", namespace)
    assert refused.value.status == 404


def test_a_write_with_a_stale_version_is_a_conflict(api: Any, namespace: str) -> None:
    core: Any = client.CoreV1Api(api)
    made = core.create_namespaced_config_map(
        namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="c"), data={"k": "1"})
    )
    core.patch_namespaced_config_map("c", namespace, {"data": {"k": "2"}})
    made.data = {"k": "3"}
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("c", namespace, made)
    assert refused.value.status == 409


def test_a_pod_is_deleted_only_where_its_uid_is_the_one_meant(api: Any, namespace: str) -> None:
    core: Any = client.CoreV1Api(api)
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="p"),
        spec=client.V1PodSpec(containers=[client.V1Container(name="c", image="i:1")], node_name="n"),
    )
    uid = core.create_namespaced_pod(namespace, pod).metadata.uid
    with pytest.raises(ApiException) as refused:
        core.delete_namespaced_pod("p", namespace, body=_killing("another"))
    assert refused.value.status == 409
    core.delete_namespaced_pod("p", namespace, body=_killing(uid))
    assert core.list_namespaced_pod(namespace).items == []


def _killing(uid: str) -> client.V1DeleteOptions:
    return client.V1DeleteOptions(grace_period_seconds=0, preconditions=client.V1Preconditions(uid=uid))


def test_a_watch_sees_changes_in_order_and_continues_from_a_version(api: Any, namespace: str) -> None:
    core: Any = client.CoreV1Api(api)
    start = core.list_namespaced_config_map(namespace).metadata.resource_version
    for number in range(3):
        core.create_namespaced_config_map(
            namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=f"c{number}"))
        )
    core.delete_namespaced_config_map("c1", namespace)
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, namespace, resource_version=start, timeout_seconds=1
    )
    seen = [(event["type"], event["object"].metadata.name) for event in stream]
    assert seen == [("ADDED", "c0"), ("ADDED", "c1"), ("ADDED", "c2"), ("DELETED", "c1")]


def test_a_watch_of_a_deployment_ends_when_told(api: Any, namespace: str) -> None:
    apps: Any = client.AppsV1Api(api)
    watcher = watch.Watch()
    apps.create_namespaced_deployment(namespace, deployment("auth"))
    timer = threading.Timer(
        0.2, lambda: apps.patch_namespaced_deployment("auth", namespace, {"spec": {"paused": True}})
    )
    timer.start()
    for event in watcher.stream(apps.list_namespaced_deployment, namespace, timeout_seconds=10):
        if event["object"].spec.paused:
            watcher.stop()
    timer.join()


def test_a_service_account_token_is_its_account(api: Any, api_server: ApiServer, namespace: str) -> None:
    core: Any = client.CoreV1Api(api)
    core.create_namespaced_service_account(
        namespace, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="reader"))
    )
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    token = core.create_namespaced_service_account_token("reader", namespace, request).status.token
    authentication: Any = client.AuthenticationV1Api(api)
    review = authentication.create_token_review(
        client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token))
    )
    assert review.status.user.username == f"system:serviceaccount:{namespace}:reader"
    with api_server.client(token=token) as mine:
        assert mine.get(f"/api/v1/namespaces/{namespace}/pods").status_code == 403


def test_the_dynamic_client_discovers_and_changes_custom_resources(api: Any, namespace: str) -> None:
    found = dynamic.DynamicClient(api)
    definitions = found.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
    group = f"{namespace}.example.com"
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    names = {"plural": "routes", "singular": "route", "kind": "Route"}
    definitions.create(
        body={
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"routes.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )
    for event in definitions.watch(name=f"routes.{group}", timeout=15):
        told = (event["raw_object"].get("status") or {}).get("conditions") or []
        if any(one["type"] == "Established" and one["status"] == "True" for one in told):
            break
    found.resources.invalidate_cache()
    routes = found.resources.get(api_version=f"{group}/v1", kind="Route")
    body = {"apiVersion": f"{group}/v1", "kind": "Route", "metadata": {"name": "r"}, "spec": {"weight": 5}}
    routes.create(namespace=namespace, body=body)
    routes.patch(
        namespace=namespace,
        name="r",
        body={"spec": {"weight": 25}},
        content_type="application/merge-patch+json",
    )
    assert routes.get(namespace=namespace, name="r").spec.weight == 25
    custom: Any = client.CustomObjectsApi(api)
    held: Any = custom.get_namespaced_custom_object(group, "v1", namespace, "routes", "r")
    assert held["metadata"]["generation"] == 2
    definitions.delete(name=f"routes.{group}")


async def _work(kubeconfig: str, namespace: str) -> list[tuple[str, str]]:
    await aio.config.load_kube_config(config_file=kubeconfig)
    seen = []
    async with aio.client.ApiClient() as api:
        core: Any = aio.client.CoreV1Api(api)
        await core.create_namespaced_config_map(namespace, {"metadata": {"name": "a"}, "data": {"k": "v"}})
        async with aio.watch.Watch().stream(
            core.list_namespaced_config_map, namespace, timeout_seconds=1
        ) as stream:
            async for event in stream:
                seen.append((event["type"], event["object"].metadata.name))
    return seen


def test_the_asynchronous_client_reads_writes_and_watches(api_server: ApiServer, namespace: str) -> None:
    assert loops.run(_work(str(api_server.kubeconfig), namespace)) == [("ADDED", "a")]
