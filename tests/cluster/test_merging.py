"""Patches by their laws: RFC 7386, strategic merge by keys and directives, ownership of applied fields."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lab.cluster import fields, merge, ownership, strategic
from fixtures.lab.cluster.errors import ApiError
from fixtures.lab.cluster.ownership import Owner

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text("xyz", max_size=2)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(KEYS, JSON, max_size=4)

# The examples of RFC 7386, appendix A.
RFC = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC)
def test_a_merge_patch_does_what_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge.merge(target, patch) == result


def has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(child is None or has_null(child) for child in value.values())
    return False


@given(JSON, OBJECTS)
def test_a_merge_patch_is_idempotent_and_changes_nothing_in_place(target: Any, patch: dict[str, Any]) -> None:
    before = copy.deepcopy((target, patch))
    once = merge.merge(target, patch)
    assert merge.merge(once, patch) == once
    assert (target, patch) == before


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_can_reach_every_object_without_nulls(
    target: dict[str, Any], wanted: dict[str, Any]
) -> None:
    if has_null(wanted):
        return
    assert merge.merge(target, _difference(target, wanted)) == wanted


def _difference(target: Any, wanted: Any) -> Any:
    if not isinstance(target, dict) or not isinstance(wanted, dict):
        return wanted
    gone = {key: None for key in target if key not in wanted}
    changed = {key: _difference(target.get(key), value) for key, value in wanted.items()}
    return {**gone, **changed}


# --- strategic merge -------------------------------------------------------------------------------------------------
NAMES = st.sampled_from(["app", "proxy", "log", "init"])
CONTAINER = st.fixed_dictionaries({"image": st.sampled_from(["i:1", "i:2"])}, optional={"tty": st.booleans()})
CONTAINERS = st.dictionaries(NAMES, CONTAINER, max_size=4).map(
    lambda named: [{"name": name, **one} for name, one in named.items()]
)


def by_name(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in items}


@given(CONTAINERS, CONTAINERS)
def test_containers_merge_by_name(old: list[dict[str, Any]], patch: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(old)
    result = strategic.merge({"containers": old}, {"containers": patch}, "V1PodSpec")["containers"]
    was, said = by_name(old), by_name(patch)
    assert by_name(result) == {name: {**was.get(name, {}), **said.get(name, {})} for name in {*was, *said}}
    assert old == before
    assert strategic.merge({"containers": result}, {"containers": patch}, "V1PodSpec")["containers"] == result


@given(CONTAINERS, st.lists(NAMES, unique=True))
def test_a_directive_deletes_by_name(old: list[dict[str, Any]], gone: list[str]) -> None:
    patch = {"containers": [{"name": name, "$patch": "delete"} for name in gone]}
    result = strategic.merge({"containers": old}, patch, "V1PodSpec")["containers"]
    assert result == [one for one in old if one["name"] not in gone]


@given(CONTAINERS, CONTAINERS)
def test_a_directive_replaces_the_list(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    patch = {"containers": [{"$patch": "replace"}, *new]}
    assert strategic.merge({"containers": old}, patch, "V1PodSpec")["containers"] == new


@given(CONTAINERS, st.data())
def test_the_order_asked_for_is_the_order_given(old: list[dict[str, Any]], data: st.DataObject) -> None:
    order = data.draw(st.permutations([one["name"] for one in old]))
    patch = {"$setElementOrder/containers": [{"name": name} for name in order], "containers": []}
    result = strategic.merge({"containers": old}, patch, "V1PodSpec")["containers"]
    assert [one["name"] for one in result] == order


@given(OBJECTS, OBJECTS)
def test_where_no_list_has_keys_it_is_a_merge_patch(old: dict[str, Any], patch: dict[str, Any]) -> None:
    plain = _without_lists_of_nulls(patch)
    assert strategic.merge(old, plain, "V1Unknown") == merge.merge(old, plain)


def _without_lists_of_nulls(value: Any) -> Any:
    """A strategic merge cleans new lists of nulls, which a merge patch keeps."""
    if isinstance(value, dict):
        return {key: _without_lists_of_nulls(child) for key, child in value.items()}
    return [] if isinstance(value, list) else value


def test_directives_reach_below() -> None:
    spec = {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 2}]}],
    }
    patch = {
        "volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}],
        "containers": [{"name": "a", "ports": [{"containerPort": 1, "$patch": "delete"}]}],
    }
    assert strategic.merge(spec, patch, "V1PodSpec") == {
        "volumes": [{"name": "v", "configMap": {"name": "c"}}],
        "containers": [{"name": "a", "ports": [{"containerPort": 2}]}],
    }
    meta = {"finalizers": ["a", "b", "c"]}
    gone = {"$deleteFromPrimitiveList/finalizers": ["b"], "finalizers": ["d"]}
    assert sorted(strategic.merge(meta, gone, "V1ObjectMeta")["finalizers"]) == ["a", "c", "d"]


def test_an_item_without_its_key_is_refused() -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        strategic.merge({}, {"containers": [{"image": "i"}]}, "V1PodSpec")


# --- ownership -------------------------------------------------------------------------------------------------------
def owner(name: str, operation: str = "Apply") -> Owner:
    return Owner(name, operation, "apps/v1", "2026-01-01T00:00:00Z", frozenset())


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def applied(live: dict[str, Any], wanted: dict[str, Any], by: str, force: bool = False) -> dict[str, Any]:
    if force:
        live = ownership.yielded(live, wanted, "V1Pod", owner(by))
    return ownership.apply(live, wanted, "V1Pod", owner(by))


@given(CONTAINERS, CONTAINERS)
def test_what_a_manager_no_longer_wants_goes(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    live = applied({"metadata": {}}, pod(containers=first), "a")
    result = applied(live, pod(containers=second), "a")
    assert by_name(result["spec"]["containers"]) == by_name(second)


@given(CONTAINERS, CONTAINERS)
def test_what_another_manager_wants_stays(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    live = applied({"metadata": {}}, pod(containers=first), "a")
    live = applied(live, pod(containers=second), "b", force=True)
    result = applied(live, pod(containers=[]), "a")
    assert by_name(second).items() <= by_name(result["spec"]["containers"]).items()
    assert set(by_name(result["spec"]["containers"])) == set(by_name(second))


@given(OBJECTS)
def test_a_set_of_fields_survives_its_encoding(body: dict[str, Any]) -> None:
    found = fields.of({"metadata": {"name": "x", "labels": {"a/b": "c"}}, "spec": body}, "")
    assert fields.decode(fields.encode(found)) == found


def test_a_conflict_names_the_manager_and_the_field() -> None:
    live = applied({"metadata": {}}, pod(containers=[{"name": "app", "image": "i:1"}]), "a")
    with pytest.raises(
        ApiError, match=r'conflict with "a": \.spec\.containers\[name="app"\]\.image'
    ) as refused:
        applied(live, pod(containers=[{"name": "app", "image": "i:2"}]), "b")
    assert refused.value.code == 409


def test_a_plain_write_takes_its_fields_over() -> None:
    live = applied({"metadata": {}}, pod(nodeName="n", hostname="h"), "a")
    changed = {**live, "spec": {**live["spec"], "hostname": "other"}}
    result = ownership.written(live, changed, "V1Pod", owner("kubectl", "Update"))
    held = {one.manager: one.fields for one in ownership.owners(result)}
    assert held == {"a": {("f:spec", "f:nodeName")}, "kubectl": {("f:spec", "f:hostname")}}
