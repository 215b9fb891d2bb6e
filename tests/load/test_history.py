"""A history is silent about noise, waits for two more runs before it speaks of a change, and says where it began."""

from __future__ import annotations

import random

import pytest

from reports.baseline.history import Figure, Standing, robust_z, trend


def runs(*levels: float, noise: float = 0.02, seed: int = 1) -> list[Figure]:
    rng = random.Random(seed)
    return [Figure(f"run{at}", f"c{at:02d}", level * rng.gauss(1, noise)) for at, level in enumerate(levels)]


def test_ten_runs_are_needed_before_anything_is_said() -> None:
    assert trend(runs(*[1.0] * 10)).standing is Standing.TOO_FEW
    assert trend(runs(*[1.0] * 11)).standing is Standing.IN_LINE


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_change(seed: int) -> None:
    found = trend(runs(*[1.0] * 60, seed=seed))
    assert found.changes == ()
    assert found.standing is Standing.IN_LINE


def test_a_change_is_confirmed_by_two_more_runs_and_named_where_it_began() -> None:
    levels = [1.0] * 12 + [1.3, 1.3]
    assert trend(runs(*levels[:13])).standing is Standing.OUT
    assert trend(runs(*levels)).changes == ()
    found = trend(runs(*levels, 1.3))
    assert found.standing is Standing.CHANGED
    (change,) = found.changes
    assert (change.run, change.commit) == ("run12", "c12")
    assert change.ratio == pytest.approx(1.3, abs=0.05)
    assert str(change).startswith("3") or str(change).startswith("2")
    assert "slower since run run12 (commit c12)" in str(change)


def test_one_slow_run_is_forgiven() -> None:
    found = trend(runs(*[1.0] * 12, 1.5, *[1.0] * 8))
    assert found.changes == ()
    assert found.standing is Standing.IN_LINE


def test_a_new_level_becomes_what_later_runs_are_held_against() -> None:
    found = trend(runs(*[1.0] * 12, *[1.4] * 12, *[1.0] * 12))
    assert [one.run for one in found.changes] == ["run12", "run24"]
    assert found.changes[0].ratio > 1 > found.changes[1].ratio
    assert found.standing is Standing.IN_LINE


def test_less_than_a_tenth_is_no_effect_however_sure() -> None:
    assert trend(runs(*[1.0] * 15, *[1.08] * 6, noise=0.001)).changes == ()


def test_runs_that_agree_to_the_last_digit_do_not_make_everything_else_an_outlier() -> None:
    assert abs(robust_z(1.01, [1.0] * 12)) < 3.5
    assert robust_z(2.0, [1.0] * 12) > 3.5
