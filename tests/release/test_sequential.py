"""The e-values: at most 1 on average under every null, at any look; otherwise as plain as their formula."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scenarios.release.sequential import LATE, ONSETS, Bounded, Comparison, Mixture
from tests.release.streams import Tick, alarms, at_most, column

STREAMS, TICKS, ALPHA = 600, 240, 0.05
counts = st.integers(0, 10**7)
few = st.integers(0, 8)
ratios = st.floats(0.5, 3)
shares = st.floats(0, 1)


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1)]


# --- one tick ----------------------------------------------------------------------------------------------------
@given(few, few, st.floats(0, 0.3), ratios, shares)
def test_a_tick_multiplies_by_at_most_one_on_average_whatever_the_level(
    green: int, blue: int, level: float, ratio: float, how_bad: float
) -> None:
    """Enumerated exactly, for every alternative, with green anywhere up to `ratio` times blue."""
    in_green, in_blue = binomial(green, level * ratio * how_bad), binomial(blue, level)
    expected = np.zeros(len(Comparison().steps(column(0), column(0), column(0))[0]))
    for x, y in product(range(green + 1), range(blue + 1)):
        share = green / (green + blue) if green + blue else 0.0
        steps = Comparison(ratio).steps(column(x), column(x + y), column(share))[0]
        expected += in_green[x] * in_blue[y] * np.exp(steps)
    assert (expected <= 1 + 1e-9).all()


@given(few, st.floats(0.001, 0.9), shares)
def test_a_tick_against_a_bound_multiplies_by_at_most_one_on_average(
    n: int, bound: float, how_bad: float
) -> None:
    expected = sum(
        chance * np.exp(Bounded(column(bound)).steps(column(x), column(n))[0])
        for x, chance in enumerate(binomial(n, bound * how_bad))
    )
    assert np.all(expected <= 1 + 1e-9)


@given(counts, ratios, st.booleans())
def test_a_side_without_traffic_says_nothing(bad: int, ratio: float, only_green: bool) -> None:
    green_bad, share = (bad, 1) if only_green else (0, 0)
    steps = Comparison(ratio).steps(column(green_bad), column(bad), column(share))
    assert np.allclose(steps, 0, atol=1e-6 * max(1, bad))


@given(st.integers(0, 1000), st.integers(1, 1000), st.floats(0.01, 0.99), ratios)
def test_a_bad_answer_weighs_more_on_green_than_on_blue(
    green_bad: int, blue_bad: int, share: float, ratio: float
) -> None:
    comparison, together = Comparison(ratio), column(green_bad + blue_bad)
    here = comparison.steps(column(green_bad), together, column(share))
    moved = comparison.steps(column(green_bad + 1), together, column(share))
    assert (moved > here).all()


@given(st.integers(0, 1000), st.integers(0, 1000), st.floats(0.01, 0.99), ratios)
def test_a_bad_answer_of_blues_always_speaks_for_green(
    green_bad: int, blue_bad: int, share: float, ratio: float
) -> None:
    comparison = Comparison(ratio)
    here = comparison.steps(column(green_bad), column(green_bad + blue_bad), column(share))
    more = comparison.steps(column(green_bad), column(green_bad + blue_bad + 1), column(share))
    assert (more < here).all()


@given(st.integers(1, 10**6), st.floats(1e-6, 0.999), st.data())
def test_against_a_bound_bad_answers_speak_against_green_and_good_ones_for_it(
    n: int, bound: float, data: st.DataObject
) -> None:
    bad = data.draw(st.integers(0, n - 1))
    bounded = Bounded(column(bound))
    here = bounded.steps(column(bad), column(n))
    assert (bounded.steps(column(bad + 1), column(n)) > here).all()
    assert (bounded.steps(column(bad), column(n + 1)) < here).all()


@pytest.mark.parametrize("ratio", [0, -1, math.inf, math.nan])
def test_a_ratio_that_cannot_be_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="ratio"):
        Comparison(ratio)


@pytest.mark.parametrize("bound", [0, 1, -0.1, 1.5])
def test_a_bound_that_cannot_be_broken_or_kept_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Bounded(column(0.5, bound))


# --- many ticks --------------------------------------------------------------------------------------------------
ticks = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20)


def watched(observed: list[tuple[int, int]], share: float, late: float = 0) -> float:
    comparison, mixture = Comparison(), Mixture(1, 1000, late)
    for green_bad, blue_bad in observed:
        mixture.take(comparison.steps(column(green_bad), column(green_bad + blue_bad), column(share)))
    return float(mixture.log_e[0])


@given(ticks, st.floats(0.01, 0.99))
def test_ticks_of_the_same_share_may_be_split_merged_and_reordered(
    observed: list[tuple[int, int]], share: float
) -> None:
    """True of the plain mixture; one that is spread over onsets knows in which tick something began."""
    merged = [(sum(green for green, _ in observed), sum(blue for _, blue in observed))]
    assert watched(observed, share) == pytest.approx(watched(merged, share), abs=1e-6)
    assert watched(observed, share) == pytest.approx(watched(observed[::-1], share), abs=1e-6)


@given(ticks, st.floats(0.01, 0.99), st.integers(0, 500))
def test_nothing_known_before_costs_a_late_onset_at_most_its_share_of_the_weight(
    observed: list[tuple[int, int]], share: float, quiet: int
) -> None:
    healthy = [(0, 40)] * quiet  # a long time in which only blue failed
    apart = math.ceil(1000 / ONSETS)
    until_next = -quiet % apart
    assume(until_next < len(observed))
    known_since = watched(observed[until_next:], share)
    assert watched(healthy + observed, share, LATE) >= known_since - math.log(ONSETS / LATE) - 1e-6


@given(st.integers(1, 5), st.integers(1, 5000), st.floats(0, 0.9))
def test_before_anything_is_seen_and_while_nothing_happens_the_e_value_is_one(
    streams: int, planned: int, late: float
) -> None:
    mixture = Mixture(streams, planned, late)
    assert np.allclose(mixture.log_e, 0)
    for _ in range(100):
        mixture.take(np.zeros((streams, mixture.alternatives)))
    assert np.allclose(mixture.log_e, 0)


@given(st.lists(st.tuples(counts, counts, shares), max_size=10))
def test_no_count_is_too_large(observed: list[tuple[int, int, float]]) -> None:
    comparison, bounded, mixture = Comparison(), Bounded(column(0.01)), Mixture(2, 5)
    for green_bad, rest, share in observed:
        against_blue = comparison.steps(column(green_bad), column(green_bad + rest), column(share))
        against_bound = bounded.steps(column(green_bad), column(green_bad + rest))
        mixture.take(np.concatenate([against_blue, against_bound]))
    assert np.isfinite(mixture.log_e).all()


# --- how often it errs, looking at every tick --------------------------------------------------------------------
def test_a_healthy_green_is_rarely_taken_for_worse() -> None:
    rng = np.random.default_rng(1)

    def healthy() -> Iterator[Tick]:
        for _ in range(TICKS):
            green = rng.binomial(100, 0.3, STREAMS)
            blue = 100 - green
            yield green, rng.binomial(green, 0.02), blue, rng.binomial(blue, 0.02)

    assert alarms(healthy(), TICKS, ALPHA).mean() <= at_most(ALPHA, STREAMS)


@pytest.mark.parametrize("ratio", [1.0, 1.5])
def test_levels_and_traffic_that_drift_on_both_sides_change_nothing(ratio: float) -> None:
    """Green is just as bad as the null allows, while the level wanders and the share of the traffic with it."""
    rng = np.random.default_rng(2)

    def drifting() -> Iterator[Tick]:
        level = np.full(STREAMS, 0.02)
        for tick in range(TICKS):
            level = np.clip(level * np.exp(rng.normal(0, 0.1, STREAMS)), 0.001, 0.3)
            share = 0.05 + 0.4 * np.clip(level / 0.1, 0, 1) + 0.05 * math.sin(tick / 20) ** 2
            total = rng.poisson(60 + 50 * math.sin(tick / 30), STREAMS) + 1
            green = rng.binomial(total, share)
            blue = total - green
            yield green, rng.binomial(green, level * ratio), blue, rng.binomial(blue, level)

    assert alarms(drifting(), TICKS, ALPHA, ratio).mean() <= at_most(ALPHA, STREAMS)


def test_a_shock_that_hits_both_sides_is_not_held_against_green() -> None:
    rng = np.random.default_rng(3)

    def shocked() -> Iterator[Tick]:
        for tick in range(TICKS):
            level = 0.6 if 100 <= tick < 130 else 0.005
            green = rng.binomial(100, 0.25, STREAMS)
            blue = 100 - green
            yield green, rng.binomial(green, level), blue, rng.binomial(blue, level)

    assert alarms(shocked(), TICKS, ALPHA).mean() <= at_most(ALPHA, STREAMS)


@pytest.mark.parametrize("onset", [0, 150])
def test_a_worse_green_is_found_soon_whenever_it_becomes_so(onset: int) -> None:
    rng = np.random.default_rng(4)

    def turning(until: int) -> Iterator[Tick]:
        for tick in range(until):
            green = rng.binomial(100, 0.1, STREAMS)
            blue = 100 - green
            level = 0.05 if tick >= onset else 0.005
            yield green, rng.binomial(green, level), blue, rng.binomial(blue, 0.005)

    assert alarms(turning(onset + 45), TICKS, 0.01).mean() > 0.9
