"""Exact limits against brute force, against published values, and against their own promise."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fixtures.statistics import (
    allowed_bad,
    beta_cdf,
    lower_limit,
    needed_samples,
    settling_samples,
    upper_limit,
)


def at_most(bad: int, n: int, share: float) -> float:
    """The chance of at most `bad` bad ones of n, added up exactly."""
    p = Fraction(share)
    return float(sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(bad + 1)))


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
sure = st.sampled_from([0.9, 0.95, 0.99])


@given(counts, sure)
@example((0, 1), 0.95)
@example((1, 1), 0.95)
@settings(deadline=None)
def test_the_upper_limit_is_where_so_few_become_improbable(count: tuple[int, int], confidence: float) -> None:
    bad, n = count
    limit = upper_limit(bad, n, confidence)
    if bad == n:
        assert limit == 1
    else:
        assert at_most(bad, n, limit) == pytest.approx(1 - confidence, rel=1e-7)


@given(counts, sure)
@settings(deadline=None)
def test_the_lower_limit_is_where_so_many_become_improbable(
    count: tuple[int, int], confidence: float
) -> None:
    bad, n = count
    limit = lower_limit(bad, n, confidence)
    if bad == 0:
        assert limit == 0
    else:
        assert 1 - at_most(bad - 1, n, limit) == pytest.approx(1 - confidence, rel=1e-7)


@given(counts)
@settings(deadline=None)
def test_the_observed_share_lies_between_the_limits(count: tuple[int, int]) -> None:
    bad, n = count
    assert lower_limit(bad, n) <= bad / n <= upper_limit(bad, n)
    assert lower_limit(bad, n) == pytest.approx(1 - upper_limit(n - bad, n), abs=1e-9)


@given(st.integers(2, 40), st.floats(0.01, 0.99))
@settings(deadline=None, max_examples=50)
def test_the_truth_is_above_the_upper_limit_at_most_one_time_in_twenty(n: int, truth: float) -> None:
    missed = sum(
        at_most(bad, n, truth) - (at_most(bad - 1, n, truth) if bad else 0)
        for bad in range(n + 1)
        if upper_limit(bad, n) < truth
    )
    assert missed <= 0.05 + 1e-9


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_the_incomplete_beta_function_is_a_binomial_tail(a: int, b: int, x: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(1 - at_most(a - 1, a + b - 1, x), abs=1e-10)


def test_published_values() -> None:
    # The rule of three, and the samples of the design: 0.1% takes 2,995 clean requests, p95 takes 59.
    assert needed_samples(0.001) == 2995
    assert needed_samples(0.05) == 59
    assert needed_samples(0.05, bad=1) == 93
    assert needed_samples(0.01) == 299
    assert allowed_bad(30_000, 0.001) == 20
    # Clopper and Pearson's limits for 5 of 10, 90% two-sided.
    assert lower_limit(5, 10) == pytest.approx(0.22244, abs=5e-6)
    assert upper_limit(5, 10) == pytest.approx(0.77756, abs=5e-6)


@given(st.floats(0.0005, 0.5), st.integers(0, 30))
@settings(deadline=None, max_examples=40)
def test_the_needed_sample_is_the_least_one(share: float, bad: int) -> None:
    n = needed_samples(share, bad)
    assert upper_limit(bad, n) < share
    assert n - 1 <= bad or upper_limit(bad, n - 1) >= share


@given(st.integers(1, 20_000), st.floats(0.0005, 0.5))
@settings(deadline=None, max_examples=60)
def test_as_many_bad_ones_are_allowed_as_still_pass(n: int, share: float) -> None:
    allowed = allowed_bad(n, share)
    assert allowed < 0 or upper_limit(allowed, n) < share
    assert upper_limit(allowed + 1, n) >= share


@given(
    st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.5)
)
@settings(deadline=None, max_examples=60)
def test_a_settling_sample_is_no_smaller_than_what_there_is(count: tuple[int, int], share: float) -> None:
    bad, n = count
    assume(abs(bad / n - share) > 0.05 * share)
    total = settling_samples(bad, n, share)
    assert total is not None
    assert total >= n


def test_right_on_the_bound_no_sample_settles_it() -> None:
    assert settling_samples(50, 1000, 0.05) is None


def test_large_counts_are_fast_and_near_the_normal_approximation() -> None:
    n, bad = 10_000_000, 10_000
    share = bad / n
    spread = 1.6449 * math.sqrt(share * (1 - share) / n)
    assert upper_limit(bad, n) == pytest.approx(share + spread, rel=1e-3)
    assert lower_limit(bad, n) == pytest.approx(share - spread, rel=1e-3)


@pytest.mark.parametrize(("bad", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_counts_that_cannot_be_are_errors(bad: int, n: int) -> None:
    with pytest.raises(ValueError, match="bad ones"):
        upper_limit(bad, n)
    with pytest.raises(ValueError, match="bad ones"):
        lower_limit(bad, n)
