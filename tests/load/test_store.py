"""Baselines only grow, only by valid passing runs, merge across branches, and are refused under other conditions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from reports.baseline import store
from reports.baseline.conditions import Conditions, OtherConditions, comparable, machine, versions
from reports.baseline.histogram import Histogram
from reports.baseline.store import (
    AGAINST_ITSELF,
    Baseline,
    Distribution,
    Floor,
    Kept,
    NoBaseline,
    Noise,
    Point,
)

HERE = Conditions(
    target="hwayo",
    environment="lab",
    load="open, constant 505/s, 100 sessions, 10 s",
    pace="1/60",
    side="green",
    machine="2 × CPU, 4 GiB",
    fingerprint="abc",
    versions={"python": "3.11.9", "locust": "2.47.0"},
    commit="a1b2c3d",
    release="1042-3f9c2ab",
)


def kept(identity: str = "one", at: float = 1000.0, **more: Any) -> Kept:
    histogram = Histogram.of([1000, 2000, 3000])
    spread = Distribution("GET /a", "green", 3, 0, 0.002, 0.003, 0.003, histogram)
    made = Kept(identity, at, "PASS", "valid", 10.0, HERE, (spread,), (Point(0.0, 3.0, 0.0, 0.002, None),))
    return dataclasses.replace(made, **more)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    store.append("main", kept(), tmp_path)
    assert store.load("main", tmp_path).runs == [kept()]


def test_a_baseline_only_grows(tmp_path: Path) -> None:
    path = store.append("main", kept("one"), tmp_path)
    before = path.read_bytes()
    store.append("main", kept("two", at=2000), tmp_path)
    assert path.read_bytes().startswith(before)
    with pytest.raises(NoBaseline, match="already"):
        store.append("main", kept("one"), tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"verdict": "FAIL"}, {"verdict": "UNKNOWN"}, {"validity": "the generator was late"}]
)
def test_only_valid_passing_runs_become_a_baseline(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(NoBaseline, match="only valid runs that pass"):
        store.append("main", kept(**wrong), tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_branches_files_merge_line_by_line(tmp_path: Path) -> None:
    path = store.append("main", kept("one", at=1), tmp_path)
    common = path.read_text()
    ours = store.append("main", kept("three", at=3), tmp_path).read_text()
    path.write_text(common)
    theirs = store.append("main", kept("two", at=2), tmp_path).read_text()
    path.write_text(ours + theirs)  # as a union merge leaves it, the common line twice
    assert [one.id for one in store.load("main", tmp_path).runs] == ["one", "two", "three"]


def test_distributions_of_several_runs_merge_exactly() -> None:
    both = store.merged([kept("one"), kept("two")], "GET /a")
    assert both == Histogram.of([1000, 2000, 3000] * 2)


def test_a_run_is_small_enough_to_commit(tmp_path: Path) -> None:
    histogram = Histogram.of(range(100, 10_000_000, 500)).coarser()
    spread = tuple(Distribution(f"GET /{at}", "green", 20_000, 0, 1, 2, 3, histogram) for at in range(6))
    course = tuple(Point(float(at), 505.123456, 0.0, 0.0123456789, 0.0345678912) for at in range(120))
    path = store.append("main", kept(distributions=spread, course=course), tmp_path)
    assert path.stat().st_size < 32_000


def test_names_and_files_that_cannot_be_are_said(tmp_path: Path) -> None:
    with pytest.raises(NoBaseline, match=r"no baseline 'main'.*--save-baseline main"):
        store.load("main", tmp_path)
    with pytest.raises(NoBaseline, match="letters"):
        store.path_of("../etc/passwd")
    (tmp_path / "old.jsonl").write_text(json.dumps({"schema": 99}) + "\n")
    with pytest.raises(NoBaseline, match="schema 99"):
        store.load("old", tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        {"load": "closed, 100 users, 10 s"},
        {"pace": "1"},
        {"environment": "staging"},
        {"target": "nailbook"},
        {"fingerprint": "def"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_run_under_other_conditions_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(OtherConditions, match="measured under other conditions"):
        comparable(HERE, dataclasses.replace(HERE, **other))  # type: ignore[arg-type]


def test_other_versions_are_compared_and_said() -> None:
    now = dataclasses.replace(HERE, versions={"python": "3.12.0", "locust": "2.47.0"}, side="blue")
    said = {str(one) for one in comparable(HERE, now)}
    assert said == {"python: then 3.11.9, now 3.12.0", "side: then green, now blue"}


def test_another_release_is_what_a_comparison_is_about() -> None:
    assert comparable(HERE, dataclasses.replace(HERE, commit="eeee", release="1043-aaaa")) == []


FLOOR = Noise({"": Floor(1.02, 1.05)}, {"": Floor(1.1, 1.2), "GET /a": Floor(1.2, None)})


@pytest.mark.parametrize("other", [{"fingerprint": "def"}, {"load": "open, constant 50/s"}])
def test_the_noise_floor_belongs_to_the_conditions_it_was_measured_under(other: dict[str, str]) -> None:
    baseline = Baseline("main", [kept("one"), kept("a", kind=AGAINST_ITSELF, noise=FLOOR)])
    assert baseline.noise(HERE) == FLOOR
    assert baseline.noise(dataclasses.replace(HERE, commit="eeee", side="blue")) == FLOOR
    assert baseline.noise(dataclasses.replace(HERE, **other)) is None  # type: ignore[arg-type]
    assert [one.id for one in baseline.runs] == ["one"]


def test_a_noise_floor_is_read_back(tmp_path: Path) -> None:
    store.append("main", kept(kind=AGAINST_ITSELF, noise=FLOOR), tmp_path)
    assert store.load("main", tmp_path).noise(HERE) == FLOOR


def test_a_machine_is_told_by_what_it_is_and_not_by_its_name() -> None:
    described, fingerprint = machine()
    assert machine()[1] == fingerprint
    assert "GiB" in described
    assert versions()["locust"]
