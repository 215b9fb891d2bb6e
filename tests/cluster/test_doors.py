"""Writes beside the recorded ones: dry runs, decoding, addresses, budgets, binding, finalizers, odd bodies."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

MERGE = {"Content-Type": "application/merge-patch+json"}


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "registry.local/app:1"}]
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": containers, **spec}}


@pytest.fixture
def path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_dry_run_changes_nothing(http: httpx.Client, path: str, method: str) -> None:
    http.post(f"{path}/pods", json=pod())
    before = http.get(f"{path}/pods/p").json()
    body = {"metadata": {"labels": {"x": "y"}}} if method == "PATCH" else None
    answer = http.request(method, f"{path}/pods/p", json=body, params={"dryRun": "All"}, headers=MERGE)
    assert answer.status_code == 200
    assert http.get(f"{path}/pods/p").json() == before


def test_a_write_that_changes_nothing_keeps_the_version(http: httpx.Client, path: str) -> None:
    made = http.post(f"{path}/pods", json=pod()).json()
    again = http.patch(f"{path}/pods/p", json={"metadata": {"labels": {"app": "p"}}}, headers=MERGE).json()
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_nulls_and_empty_lists_are_not_kept(http: httpx.Client, path: str) -> None:
    body = pod(nodeSelector={}, tolerations=[], hostname=None)
    spec = http.post(f"{path}/pods", json={**body, "metadata": {"name": "p", "annotations": {}}}).json()[
        "spec"
    ]
    assert "nodeSelector" not in spec
    assert "hostname" not in spec


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"containers": "none"},
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers",
        ),
        (
            {"hostNetwork": 1},
            "json: cannot unmarshal number into Go struct field PodSpec.spec.hostNetwork of type bool",
        ),
        ({"volumes": [[]]}, "json: cannot unmarshal array into Go struct field"),
        ({"nodeSelector": {"a": 1}}, "json: cannot unmarshal number into Go struct field"),
    ],
)
def test_a_wrong_type_is_named(http: httpx.Client, path: str, spec: dict[str, Any], said: str) -> None:
    answer = http.post(f"{path}/pods", json=pod(**spec))
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert said in answer.json()["message"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"3", b"null", b"{", b"\xff\xfe", b"k8s\x00\xff\xff", b"a: [", b"'x'"]
)
def test_no_body_is_too_odd_for_a_status(http: httpx.Client, path: str, body: bytes) -> None:
    for method, where in (("POST", "pods"), ("PUT", "pods/p"), ("PATCH", "pods/p"), ("DELETE", "pods/p")):
        answer = http.request(method, f"{path}/{where}", content=body, headers=MERGE)
        assert answer.status_code < 500, answer.text
        assert answer.json()["kind"] == "Status"


def test_a_service_keeps_the_address_that_it_was_given(http: httpx.Client, path: str) -> None:
    body: dict[str, Any] = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    address = http.post(f"{path}/services", json=body).json()["spec"]["clusterIP"]
    assert address.startswith("10.96.0.")
    kept = http.put(f"{path}/services/s", json=body)
    assert kept.json()["spec"]["clusterIP"] == address
    moved = http.patch(f"{path}/services/s", json={"spec": {"clusterIP": "10.96.0.200"}}, headers=MERGE)
    assert moved.status_code == 422
    taken = http.post(
        f"{path}/services", json={"metadata": {"name": "t"}, "spec": {**body["spec"], "clusterIP": address}}
    )
    assert taken.status_code == 422
    headless = {"metadata": {"name": "h"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}
    assert http.post(f"{path}/services", json=headless).json()["spec"]["clusterIP"] == "None"


def test_a_budget_is_spent_by_each_eviction(http: httpx.Client, path: str, namespace: str) -> None:
    for name in ("a", "b"):
        body = pod(name, nodeName="n")
        body["metadata"]["labels"] = {"guarded": "yes"}
        http.post(f"{path}/pods", json=body)
        http.patch(f"{path}/pods/{name}/status", json={"status": {"phase": "Running"}}, headers=MERGE)
    budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    selector = {"matchLabels": {"guarded": "yes"}}
    http.post(budgets, json={"metadata": {"name": "g"}, "spec": {"minAvailable": 1, "selector": selector}})
    waiting = http.post(f"{path}/pods/a/eviction", json={"metadata": {"name": "a"}})
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (
        429,
        "10",
    )  # no controller has counted yet
    counted = {
        "observedGeneration": 1,
        "disruptionsAllowed": 1,
        "currentHealthy": 2,
        "desiredHealthy": 1,
        "expectedPods": 2,
    }
    http.patch(f"{budgets}/g/status", json={"status": counted}, headers=MERGE)
    assert http.post(f"{path}/pods/a/eviction", json={"metadata": {"name": "a"}}).status_code == 201
    assert http.post(f"{path}/pods/b/eviction", json={"metadata": {"name": "b"}}).status_code == 429
    assert set(http.get(f"{budgets}/g").json()["status"]["disruptedPods"]) == {"a"}


def test_a_pod_is_bound_once(http: httpx.Client, path: str) -> None:
    http.post(f"{path}/pods", json=pod())
    body = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert http.post(f"{path}/pods/p/binding", json=body).status_code == 201
    assert http.post(f"{path}/pods/p/binding", json=body).status_code == 409
    conditions = http.get(f"{path}/pods/p").json()["status"]["conditions"]
    assert [(one["type"], one["status"]) for one in conditions] == [("PodScheduled", "True")]


def test_a_finalizer_holds_an_object_until_it_is_taken_off(http: httpx.Client, path: str) -> None:
    body = {"metadata": {"name": "c", "finalizers": ["example.com/hold"]}}
    http.post(f"{path}/configmaps", json=body)
    assert http.delete(f"{path}/configmaps/c").json()["metadata"]["deletionTimestamp"]
    more = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
    assert http.patch(f"{path}/configmaps/c", json=more, headers=MERGE).status_code == 422
    http.patch(f"{path}/configmaps/c", json={"metadata": {"finalizers": None}}, headers=MERGE)
    assert http.get(f"{path}/configmaps/c").status_code == 404


@pytest.mark.parametrize(
    ("propagation", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"]), ("Background", None)],
)
def test_propagation_is_left_to_the_collector_as_a_finalizer(
    http: httpx.Client, path: str, propagation: str, finalizers: list[str] | None
) -> None:
    http.post(f"{path}/configmaps", json={"metadata": {"name": "c"}})
    http.delete(f"{path}/configmaps/c", params={"propagationPolicy": propagation})
    assert http.get(f"{path}/configmaps/c").json()["metadata"].get("finalizers") == finalizers


def test_an_ephemeral_container_is_added_by_its_own_door(http: httpx.Client, path: str) -> None:
    http.post(f"{path}/pods", json=pod())
    added = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox:1"}]}}
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    answer = http.patch(f"{path}/pods/p/ephemeralcontainers", json=added, headers=strategic)
    assert answer.json()["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert http.patch(f"{path}/pods/p", json={"spec": {"hostname": "x"}}, headers=MERGE).status_code == 422


def test_a_secret_is_applied_in_plain_text_and_kept_as_data(http: httpx.Client, path: str) -> None:
    apply = {"Content-Type": "application/apply-patch+yaml"}
    body = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n"
    query = {"fieldManager": "lab"}
    made = http.patch(f"{path}/secrets/s", content=body, headers=apply, params=query)
    assert (made.status_code, made.json()["data"]) == (201, {"a": "Yg=="})
    again = http.patch(f"{path}/secrets/s", content=body, headers=apply, params=query)
    assert again.json()["metadata"]["resourceVersion"] == made.json()["metadata"]["resourceVersion"]
    less = body.replace("stringData: {a: b}", "stringData: {c: d}")
    assert http.patch(f"{path}/secrets/s", content=less, headers=apply, params=query).json()["data"] == {
        "c": "ZA=="
    }


def test_applied_lists_merge_by_their_keys(http: httpx.Client, path: str) -> None:
    apply = {"Content-Type": "application/apply-patch+yaml"}

    def service(*ports: int) -> dict[str, Any]:
        listed = [{"name": f"p{port}", "port": port} for port in ports]
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": listed}}

    for manager, ports in (("a", (80, 81)), ("b", (82,)), ("a", (80,))):
        answer = http.patch(
            f"{path}/services/s", json=service(*ports), headers=apply, params={"fieldManager": manager}
        )
        assert answer.status_code in (200, 201), answer.text
    assert [one["port"] for one in answer.json()["spec"]["ports"]] == [80, 82]


def test_a_client_that_prefers_protobuf_is_answered_in_json(http: httpx.Client, path: str) -> None:
    accept = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
    answer = http.get(f"{path}/pods", headers=accept)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "application/json")


def test_what_is_too_large_is_refused(http: httpx.Client, path: str) -> None:
    def post(size: int) -> httpx.Response:
        body = {"metadata": {"name": "c"}, "data": {"k": "x" * size}}
        return http.post(f"{path}/configmaps", json=body)

    assert (post(2**20 + 1).status_code, post(4 * 2**20).status_code) == (422, 413)
    assert post(2**20 - 1).status_code == 201


def test_protected_namespaces_stay(http: httpx.Client) -> None:
    assert http.delete("/api/v1/namespaces/default").status_code == 403
