"""Who may do what: bearer tokens, RBAC objects, impersonation, and the reviews that tell."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.cluster.servers import ApiServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def reader(http: httpx.Client, namespace: str) -> str:
    """The token of a service account that may read pods of its namespace, and of one ConfigMap."""
    http.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", json={"metadata": {"name": "reader"}})
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["get"]},
    ]
    http.post(f"{RBAC}/namespaces/{namespace}/roles", json={"metadata": {"name": "reader"}, "rules": rules})
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
    }
    assert http.post(f"{RBAC}/namespaces/{namespace}/rolebindings", json=binding).status_code == 201
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/reader/token"
    return str(http.post(path, json={"spec": {}}).json()["status"]["token"])


def test_a_role_allows_what_it_names_and_nothing_else(
    api_server: ApiServer, reader: str, namespace: str
) -> None:
    with api_server.client(token=reader) as mine:
        inside = f"/api/v1/namespaces/{namespace}"
        assert mine.get(f"{inside}/pods").status_code == 200
        assert mine.get("/api/v1/namespaces/default/pods").status_code == 403
        assert mine.delete(f"{inside}/pods/p").status_code == 403
        assert mine.get(f"{inside}/configmaps/mine").status_code == 404
        assert mine.get(f"{inside}/configmaps/other").status_code == 403
        assert mine.get(f"{inside}/pods/p/log").status_code == 403
        refused = mine.get("/api/v1/nodes").json()
    assert refused["message"].startswith("nodes is forbidden: User ")
    assert refused["reason"] == "Forbidden"


def test_rights_end_with_their_binding(
    api_server: ApiServer, http: httpx.Client, reader: str, namespace: str
) -> None:
    http.delete(f"{RBAC}/namespaces/{namespace}/rolebindings/reader")
    with api_server.client(token=reader) as mine:
        assert mine.get(f"/api/v1/namespaces/{namespace}/pods").status_code == 403


def test_a_token_ends_with_its_account(
    api_server: ApiServer, http: httpx.Client, reader: str, namespace: str
) -> None:
    http.delete(f"/api/v1/namespaces/{namespace}/serviceaccounts/reader")
    with api_server.client(token=reader) as mine:
        assert mine.get(f"/api/v1/namespaces/{namespace}/pods").status_code == 401


def _may(http: httpx.Client, user: str, **about: Any) -> bool:
    spec = {"user": user, "resourceAttributes": about}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(http.post(path, json={"spec": spec}).json()["status"]["allowed"])


def test_a_review_tells_what_somebody_else_may(http: httpx.Client, reader: str, namespace: str) -> None:
    user = f"system:serviceaccount:{namespace}:reader"
    assert _may(http, user, namespace=namespace, verb="list", resource="pods")
    assert not _may(http, user, namespace=namespace, verb="list", resource="secrets")
    assert not _may(http, user, verb="list", resource="pods")


def test_whoever_may_impersonate_acts_as_somebody_else(
    api_server: ApiServer, http: httpx.Client, reader: str, namespace: str
) -> None:
    headers = {"Impersonate-User": f"system:serviceaccount:{namespace}:reader"}
    assert http.get(f"/api/v1/namespaces/{namespace}/pods", headers=headers).status_code == 200
    assert http.get("/api/v1/nodes", headers=headers).status_code == 403
    with api_server.client(token=reader) as mine:
        answer = mine.get(f"/api/v1/namespaces/{namespace}/pods", headers={"Impersonate-User": "admin"})
    assert answer.status_code == 403


def test_nobody_may_read_health_but_not_objects(api_server: ApiServer) -> None:
    with api_server.client(token="") as anonymous:
        assert anonymous.get("/readyz").text == "ok"
        assert anonymous.get("/version").status_code == 200
        assert anonymous.get("/api/v1/pods").status_code == 403
        assert anonymous.get("/nope").status_code == 403
