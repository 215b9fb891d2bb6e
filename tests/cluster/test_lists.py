"""Lists and watches at their edges: pages of one moment, lost history, tables, metadata alone."""

from __future__ import annotations

import json

import httpx


def _make(http: httpx.Client, namespace: str, *names: str) -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": {"n": name}}, "data": {"k": "v"}}
        assert http.post(f"/api/v1/namespaces/{namespace}/configmaps", json=body).status_code == 201


def test_pages_show_the_moment_of_the_first_one(http: httpx.Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    _make(http, namespace, "a", "b", "c")
    first = http.get(path, params={"limit": 1}).json()
    http.delete(f"{path}/b")
    _make(http, namespace, "d")
    rest = http.get(path, params={"limit": 9, "continue": first["metadata"]["continue"]}).json()
    assert [one["metadata"]["name"] for one in rest["items"]] == ["b", "c"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_streamed_list_tells_where_what_existed_ends(http: httpx.Client, namespace: str) -> None:
    _make(http, namespace, "a")
    query = {
        "watch": "true",
        "sendInitialEvents": "true",
        "allowWatchBookmarks": "true",
        "resourceVersionMatch": "NotOlderThan",
        "timeoutSeconds": "1",
    }
    answer = http.get(f"/api/v1/namespaces/{namespace}/configmaps", params=query)
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["type"] for event in events[:2]] == ["ADDED", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_one_object_can_be_watched_by_its_name(http: httpx.Client, namespace: str) -> None:
    _make(http, namespace, "a", "b")
    query = {"watch": "true", "timeoutSeconds": "1"}
    lines = http.get(f"/api/v1/namespaces/{namespace}/configmaps/b", params=query).text.splitlines()
    assert [json.loads(line)["object"]["metadata"]["name"] for line in lines] == ["b"]


def test_a_table_has_the_columns_of_its_kind(http: httpx.Client, namespace: str) -> None:
    _make(http, namespace, "a")
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = http.get(f"/api/v1/namespaces/{namespace}/configmaps", headers=accept).json()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 1]


def test_metadata_alone_can_be_asked_for(http: httpx.Client, namespace: str) -> None:
    _make(http, namespace, "a")
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    listed = http.get(f"/api/v1/namespaces/{namespace}/configmaps", headers=accept).json()
    assert listed["kind"] == "PartialObjectMetadataList"
    assert set(listed["items"][0]) == {"kind", "apiVersion", "metadata"}


def test_events_are_the_same_in_both_groups(http: httpx.Client, namespace: str) -> None:
    body = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": namespace},
        "reason": "Killing",
        "message": "Stopping container",
        "type": "Normal",
    }
    assert http.post(f"/api/v1/namespaces/{namespace}/events", json=body).status_code == 201
    seen = http.get(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events/e").json()
    assert (seen["regarding"]["name"], seen["note"]) == ("p", "Stopping container")
    query = {"fieldSelector": "involvedObject.name=p,reason=Killing"}
    assert len(http.get(f"/api/v1/namespaces/{namespace}/events", params=query).json()["items"]) == 1
