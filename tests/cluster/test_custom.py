"""Custom resources: registered by their definition, trimmed and checked by its schema, scaled and printed by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from fixtures.clock import wait_until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 0},
                "port": {"x-kubernetes-int-or-string": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
COLUMN = {"name": "Size", "type": "integer", "jsonPath": ".spec.size"}
SCALE = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}


@dataclass(frozen=True)
class Defined:
    """Where the instances are, and the API version of the older of the two versions."""

    path: str
    group: str
    namespace: str

    def at(self, version: str) -> str:
        return f"/apis/{self.group}/{version}/namespaces/{self.namespace}/widgets"

    def widget(self, name: str = "w", version: str = "v1", **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": f"{self.group}/{version}",
            "kind": "Widget",
            "metadata": {"name": name},
            "spec": spec or {"size": 1},
        }


@pytest.fixture
def defined(http: httpx.Client, namespace: str) -> Iterator[Defined]:
    group = f"{namespace}.example.com"
    versions = [
        {
            "name": version,
            "served": True,
            "storage": version == "v1",
            "schema": {"openAPIV3Schema": SCHEMA},
            "subresources": {"status": {}, "scale": SCALE},
            "additionalPrinterColumns": [COLUMN],
        }
        for version in ("v1", "v1beta1")
    ]
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    answer = http.post(DEFINITIONS, json={"metadata": {"name": f"widgets.{group}"}, "spec": spec})
    assert answer.status_code == 201, answer.text
    found = Defined(f"/apis/{group}/v1/namespaces/{namespace}/widgets", group, namespace)
    wait_until(lambda: http.get(found.path).status_code == 200, 15)
    yield found
    http.delete(f"{DEFINITIONS}/widgets.{group}")


def merge(http: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    return http.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"})


def test_a_definition_is_established_and_discovered(http: httpx.Client, defined: Defined) -> None:
    told = http.get(f"{DEFINITIONS}/widgets.{defined.group}").json()["status"]["conditions"]
    assert {one["type"]: one["status"] for one in told}["Established"] == "True"
    found = http.get(f"/apis/{defined.group}/v1").json()["resources"]
    assert [one["name"] for one in found] == ["widgets", "widgets/scale", "widgets/status"]
    versions = http.get(f"/apis/{defined.group}").json()["versions"]
    assert [one["version"] for one in versions] == ["v1", "v1beta1"]


def test_unknown_fields_are_dropped_and_told_of(http: httpx.Client, defined: Defined) -> None:
    body = defined.widget(size=1, extra=2, free={"any": {"thing": 1}}, labels={"a": "b"})
    answer = http.post(defined.path, json=body)
    assert answer.json()["spec"] == {"size": 1, "free": {"any": {"thing": 1}}, "labels": {"a": "b"}}
    assert 'unknown field \\"spec.extra\\"' in answer.headers["Warning"]
    strict = http.post(
        defined.path, json={**body, "metadata": {"name": "x"}}, params={"fieldValidation": "Strict"}
    )
    assert strict.status_code == 400


@pytest.mark.parametrize(
    "spec", [{"size": "one"}, {"size": -1}, {"port": 1}, {"size": 1, "labels": {"a": 1}}]
)
def test_what_breaks_the_schema_is_invalid(
    http: httpx.Client, defined: Defined, spec: dict[str, Any]
) -> None:
    answer = http.post(defined.path, json=defined.widget(**spec))
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert answer.json()["details"]["causes"][0]["field"].startswith("spec")


def test_each_version_shows_the_same_object(http: httpx.Client, defined: Defined) -> None:
    http.post(defined.at("v1beta1"), json=defined.widget(version="v1beta1"))
    assert http.get(f"{defined.path}/w").json()["apiVersion"] == f"{defined.group}/v1"
    listed = http.get(defined.at("v1beta1")).json()
    assert [one["apiVersion"] for one in listed["items"]] == [f"{defined.group}/v1beta1"]


def test_status_and_scale_have_doors_of_their_own(http: httpx.Client, defined: Defined) -> None:
    http.post(defined.path, json=defined.widget())
    assert merge(http, f"{defined.path}/w", {"status": {"size": 9}}).json().get("status") is None
    seen = merge(http, f"{defined.path}/w/status", {"status": {"size": 1}, "spec": {"size": 7}}).json()
    assert (seen["status"], seen["spec"], seen["metadata"]["generation"]) == ({"size": 1}, {"size": 1}, 1)
    scale = merge(http, f"{defined.path}/w/scale", {"spec": {"replicas": 4}}).json()
    assert (scale["spec"], scale["status"]) == ({"replicas": 4}, {"replicas": 1})
    assert http.get(f"{defined.path}/w").json()["metadata"]["generation"] == 2


def test_the_definitions_columns_are_printed(http: httpx.Client, defined: Defined) -> None:
    http.post(defined.path, json=defined.widget(size=3))
    table = http.get(defined.path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}).json()
    assert [column["name"] for column in table["columnDefinitions"]][:2] == ["Name", "Size"]
    assert table["rows"][0]["cells"][:2] == ["w", 3]


def test_instances_go_with_their_definition(http: httpx.Client, defined: Defined) -> None:
    http.post(defined.path, json=defined.widget())
    http.delete(f"{DEFINITIONS}/widgets.{defined.group}")
    wait_until(lambda: http.get(defined.path).status_code == 404, 15)
    assert http.get(f"/apis/{defined.group}").status_code == 404
