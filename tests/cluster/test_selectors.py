"""Selectors match what they say, however they were written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lab.cluster import selectors
from fixtures.lab.cluster.errors import ApiError

KEYS = st.sampled_from(["app", "tier", "example.com/role", "a.b-c_d"])
VALUES = st.sampled_from(["", "web", "db", "v1.2", "x_y"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=4)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": KEYS,
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(VALUES, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
SELECTORS = st.fixed_dictionaries(
    {"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=3)}
)


def holds(rule: dict[str, Any], labels: dict[str, str]) -> bool:
    """The documentation of LabelSelectorRequirement, word for word."""
    here = rule["key"] in labels
    match rule["operator"]:
        case "In":
            return here and labels[rule["key"]] in rule["values"]
        case "NotIn":
            return not here or labels[rule["key"]] not in rule["values"]
        case "Exists":
            return here
    return not here


@given(SELECTORS, LABELS)
def test_an_object_and_its_text_select_the_same(selector: dict[str, Any], labels: dict[str, str]) -> None:
    expected = all(labels.get(key) == value for key, value in selector["matchLabels"].items()) and all(
        holds(rule, labels) for rule in selector["matchExpressions"]
    )
    parsed = selectors.from_object(selector)
    assert parsed
    assert parsed.matches(labels) is expected
    assert selectors.parse_labels(selectors.as_text(selector)).matches(labels) is expected


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "c"}, False),
        ("a = b , c != d", {"a": "b"}, True),
        ("a in (b, c),!d", {"a": "c"}, True),
        ("a in (b,c),!d", {"a": "c", "d": ""}, False),
        ("a notin (b)", {}, True),
        ("a=", {"a": ""}, True),
        ("in=notin", {"in": "notin"}, True),
        ("a", {"a": "x"}, True),
    ],
)
def test_a_selector_reads_as_documented(text: str, labels: dict[str, str], matches: bool) -> None:
    assert selectors.parse_labels(text).matches(labels) is matches


@pytest.mark.parametrize(
    "text", ["a=b=c", "a in b", "a in (b", "=b", "a,,b", "a,", "!", "a=b c", "a>1", "(", "a!b"]
)
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        selectors.parse_labels(text)
    assert refused.value.code == 400


def refusal(text: str) -> int:
    """The status with which the text is refused as a selector; 200 where it is one."""
    try:
        selectors.parse_labels(text).matches({})
        selectors.parse_fields(text, "pods")({"metadata": {"name": "x"}})
    except ApiError as refused:
        return refused.code
    return 200


@given(st.text(max_size=20))
def test_any_text_is_a_selector_or_a_bad_request(text: str) -> None:
    assert refusal(text) in (200, 400)


def test_fields_are_those_of_the_kind() -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}}
    assert selectors.parse_fields("spec.nodeName=n,status.phase!=Failed", "pods")(pod)
    assert not selectors.parse_fields("spec.nodeName=", "pods")(pod)
    with pytest.raises(ApiError, match=r'"spec\.nodeName" is not a known field selector'):
        selectors.parse_fields("spec.nodeName=n", "deployments.apps")
    assert selectors.parse_fields("spec.unschedulable=false", "nodes")({"metadata": {}, "spec": {}})
