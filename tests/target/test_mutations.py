"""Whatever is done to Hwayo's profile, it is either a target or an error that names a line: never a traceback."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fixtures.target import InvalidProfile, Problem, Target
from fixtures.target.load import PROFILES
from tests.target.profiles import HWAYO, built

FILE = PROFILES / "hwayo.yaml"
LINES = HWAYO.splitlines()
DATA: dict[str, Any] = yaml.safe_load(HWAYO)
SLOW = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])

nonsense: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["2s", "5%", "-1s", "p95 < 0s", "§1", "2", "*a", "200%", "person", "blue", "1/60", "", "§"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def is_target_or_named_problems(text: str) -> None:
    lines = text.count("\n") + 1
    for problem in problems_of(text):
        assert 1 <= problem.line <= lines + 1, problem
        assert problem.read, problem
        assert problem.expected, problem
        assert "\n" not in str(problem), problem


def problems_of(text: str) -> tuple[Problem, ...]:
    """Those of a profile; none where it is a target. Anything else that is raised fails the test."""
    try:
        target = built(text, FILE)
    except InvalidProfile as error:
        return error.problems or (Problem("", 0, "", "", ""),)
    return () if isinstance(target, Target) else (Problem("", 0, "", "", ""),)


def written(data: Any) -> str:
    """As JSON, which is YAML too, and quick to write."""
    return json.dumps(data, ensure_ascii=False, indent=1)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the data, from the root down."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place, *(below for key, child in children for below in places(child, (*place, key)))]


PLACES = places(DATA)


@given(st.sampled_from(PLACES), nonsense)
@example(("pages",), 5)
@SLOW
def test_a_value_replaced_by_nonsense(place: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(DATA)
    if not place:
        data = value
    else:
        around = data
        for key in place[:-1]:
            around = around[key]
        around[place[-1]] = value
    is_target_or_named_problems(written(data))


@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES[1:]), st.sampled_from(["drop", "double", "rename"])), max_size=4
    )
)
@SLOW
def test_keys_and_items_dropped_doubled_and_renamed(changes: list[tuple[tuple[Any, ...], str]]) -> None:
    data = copy.deepcopy(DATA)
    for place, change in changes:
        around: Any = data
        for key in place[:-1]:
            around = around[key] if _has(around, key) else None
        if _has(around, place[-1]):  # an earlier change may have taken it away
            _change(around, place[-1], change)
    is_target_or_named_problems(written(data))


def _has(around: Any, key: Any) -> bool:
    if isinstance(around, list):
        return isinstance(key, int) and key < len(around)
    return isinstance(around, dict) and key in around


def _change(around: Any, key: Any, change: str) -> None:
    value = around[key]
    if isinstance(around, list):
        around[key : key + 1] = {"drop": [], "double": [value, value], "rename": [[value]]}[change]
        return
    del around[key]
    if change != "drop":
        around[f"{key}x"] = value
    if change == "double":
        around[key] = value


@given(
    st.integers(0, len(LINES) - 1),
    st.sampled_from(["drop", "double", "indent", "cut", "tab", "anchor", "merge"]),
    st.text(max_size=12),
)
@example(0, "tab", "")
@example(5, "anchor", "&a *a")
@SLOW
def test_lines_spoiled(number: int, change: str, text: str) -> None:
    line = LINES[number]
    spoiled = {
        "drop": [],
        "double": [line, line],
        "indent": [f"  {line}"],
        "cut": [line[: len(line) // 2]],
        "tab": [f"\t{line}"],
        "anchor": [f"{line} {text}"],
        "merge": [line, f"<<: {text}"],
    }[change]
    is_target_or_named_problems("\n".join([*LINES[:number], *spoiled, *LINES[number + 1 :]]) + "\n")


@given(st.text(max_size=200))
@SLOW
def test_any_text(text: str) -> None:
    is_target_or_named_problems(text)


@given(nonsense)
@SLOW
def test_any_data(value: Any) -> None:
    is_target_or_named_problems(written(value))
