"""Blue against green: silent about the same code, loud about a real difference, honest about too little data."""

from __future__ import annotations

import numpy as np
import pytest

from reports.baseline.sides import FEWEST, Change, Comparison, Window, compare, cut, drift, noise


def windows(seed: int, green: float = 1.0, a_side: int = 150, number: int = 16) -> list[Window]:
    """Both sides from the same distribution, with a neighbour who slows some windows down for both."""
    rng = np.random.default_rng(seed)
    neighbour = 1 + 2 * (rng.random(number) < 0.3)
    return [
        Window(rng.lognormal(9, 0.3, a_side) * slow, rng.lognormal(9, 0.3, a_side) * slow * green)
        for slow in neighbour
    ]


def share(change: Change, green: float) -> float:
    return sum(compare(windows(seed, green)).change is change for seed in range(60)) / 60


def test_the_same_code_is_never_called_slower_whatever_the_neighbour_does() -> None:
    assert share(Change.REGRESSED, 1.0) == 0


def test_a_fifth_slower_is_always_called_so() -> None:
    assert share(Change.REGRESSED, 1.2) == 1


def test_faster_is_not_slower() -> None:
    assert share(Change.REGRESSED, 0.7) == 0


def test_with_enough_requests_the_same_code_is_called_unchanged() -> None:
    found = compare(windows(1, a_side=4000))
    assert found.change is Change.UNCHANGED
    assert [one.quantile for one in found.ratios] == ["p50", "p95", "p99"]
    assert all(one.low <= one.value <= one.high for one in found.ratios)


def test_fewer_windows_than_needed_say_nothing() -> None:
    assert compare(windows(1)[: FEWEST - 1]).change is Change.TOO_LITTLE
    assert compare([]).reason.startswith("too little data")


def test_few_requests_can_only_show_a_large_difference_and_never_that_there_is_none() -> None:
    few = {green: compare(windows(3, green, a_side=20)) for green in (1.0, 3.0)}
    assert few[1.0].change is Change.TOO_LITTLE
    assert few[3.0].change is Change.REGRESSED
    assert [one.quantile for one in few[3.0].ratios] == ["p50"]


def test_p99_is_reported_and_does_not_gate() -> None:
    slow = windows(5, a_side=2000)
    for one in slow:
        one.green[:30] *= 50  # 1.5% of green takes far longer
    found = compare(slow)
    assert found.change is not Change.REGRESSED
    assert next(one for one in found.ratios if one.quantile == "p99").value > 5


def test_a_side_that_does_not_answer_is_slower_than_any_ratio() -> None:
    dead = [Window(one.blue, np.full(150, np.inf)) for one in windows(7)]
    assert compare(dead).change is Change.REGRESSED
    both = [Window(np.full(150, np.inf), np.full(150, np.inf)) for _ in range(16)]
    assert compare(both).change is not Change.REGRESSED


@pytest.mark.parametrize(
    ("requests", "expected"), [(16 * 125, 16), (13 * 125 + 7, 13), (500, 12), (100_000, 16)]
)
def test_a_run_is_cut_into_as_many_windows_as_it_has_requests_for(requests: int, expected: int) -> None:
    column = np.arange(requests, dtype=float)
    found = cut(column, column)
    assert len(found) == expected
    assert sum(len(one.blue) for one in found) == requests


def test_the_noise_floor_is_how_far_the_same_code_is_from_itself() -> None:
    found = noise(compare(windows(11)))
    assert set(found) == {"p50", "p95"}
    assert all(1 < floor < 1.3 for floor in found.values())
    assert noise(Comparison(Change.TOO_LITTLE, (), 0, 0)) == {}


def test_what_a_machine_did_meanwhile_is_in_the_drift() -> None:
    rng = np.random.default_rng(3)
    still = rng.lognormal(9, 0.3, 4000)
    assert all(1 < far < 1.2 for far in drift(still).values())
    assert drift(still * np.repeat([1.0, 1.0, 1.5, 1.0], 1000))["p95"] == pytest.approx(1.5, rel=0.15)


def test_few_requests_tell_no_drift_of_their_tail() -> None:
    assert set(drift(np.arange(1.0, 200.0))) == {"p50"}
    assert drift(np.arange(1.0, 20.0)) == {}
    assert drift(np.full(4000, np.inf)) == {}
