"""A metric is held to the document's threshold as it is now: counted where it can be, unknown where there is none."""

from __future__ import annotations

import math

import pytest

from fixtures.lab.defects import known
from fixtures.target import Target
from tests.memoryark.drawn import Drawn, Told, seen

BY_VALUE = [
    ("quota-left", 0.2, 0),
    ("quota-left", 0.19, 1),
    ("queue-length", 1000, 0),
    ("queue-length", 1001, 1),
    ("websockets", 501, 1),
    ("cpu-usage", 0.81, 1),
    ("memory-usage", 0.85, 0),
    ("memory-usage", 0.86, 1),
    ("disk-usage", 0.91, 1),
]
RATES = [("webhook-success", 5), ("photo-success", 10)]  # of a hundred, so many may be bad
PERCENTILES = [("webhook-time", 8), ("response-time-now", 5)]  # and their bounds, in seconds


@pytest.mark.parametrize(("name", "value", "broken"), BY_VALUE)
def test_a_value_is_held_to_its_bound(name: str, value: float, broken: int) -> None:
    found = seen(Drawn(), name, Told(value))
    assert found.value == broken, found.why
    assert bool(found.why) is bool(broken)


@pytest.mark.parametrize(("name", "most"), RATES)
def test_a_rate_is_counted(name: str, most: float) -> None:
    for bad, broken in ((0, 0), (most, 0), (most + 1, 1), (100, 1)):
        found = seen(Drawn(), name, Told(100, **{"- (": bad}))
        assert found.value == broken, (bad, found.why)


@pytest.mark.parametrize(("name", "bound_s"), PERCENTILES)
def test_a_percentile_is_counted_by_its_bucket_and_over_the_environments_window(
    name: str, bound_s: int
) -> None:
    prometheus = Told(100, **{"- sum": 6})
    found = seen(Drawn(), name, prometheus)
    assert found.value == 1
    assert f"6 of 100 are bad, 6.0%, where p95 <= {bound_s}s is promised" in found.why
    assert any(f'le=~"{bound_s}|{bound_s}[.]0"' in asked for asked in prometheus.asked)
    assert all("[10s]" in asked for asked in prometheus.asked)
    assert seen(Drawn(), name, Told(100, **{"- sum": 5})).value == 0


@pytest.mark.parametrize("name", ["quota-left", "webhook-success", "response-time-now"])
@pytest.mark.parametrize("value", [None, math.nan])
def test_where_there_is_nothing_nothing_is_known(name: str, value: float | None) -> None:
    found = seen(Drawn(), name, Told(value))
    assert found.value is None
    assert "Prometheus has no value of memoryark-green" in found.why


def test_of_nothing_that_happened_no_rate_is_made() -> None:
    found = seen(Drawn(), "webhook-success", Told(0.0))
    assert found.value is None
    assert "nothing happened" in found.why


# Seen to fail above. What it takes to break these in a lab would break all the rest too.
BY_HAND = {name for name, _, broken in BY_VALUE if broken} | {name for name, _ in (*RATES, *PERCENTILES)}
# A file of rules cut off, in tests/suites/test_monitoring_checks.py; a month that was spent, in test_budget.py.
ELSEWHERE = {"alert-rules-valid", "error-budget"}

# By what an objective is over.
JUDGED_IN = {"drill": "drills", "load": "load", "metric": "load", "probe": "release"}


def test_every_check_that_the_lab_can_show_is_proven_by_a_defect() -> None:
    target, defects = Target.load("memoryark-line"), known("memoryark-line").values()
    lab = target.environment("lab")
    shown: dict[str, str] = {
        one.name: one.stage for one in target.checks if not lab.lacks(one.name, one.parts)
    }
    shown |= {one.name: one.held.stage for one in target.drills.values()}
    shown |= {one.name: "drills" for drill in target.drills.values() for one in drill.promises()}
    objectives = target.objectives.values()
    shown |= {one.name: JUDGED_IN[one.over.kind] for one in objectives if one.over.kind in JUDGED_IN}
    proven = {name for defect in defects for name in defect.caught_by}
    checks = {name for name, stage in shown.items() if stage != "drills"} | {"error-budget"}
    assert checks - proven - BY_HAND == ELSEWHERE
    for defect in defects:
        for name in defect.caught_by | defect.blinds | defect.also:
            assert shown[name] == defect.stage, (defect.name, name)
