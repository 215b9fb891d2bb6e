"""Fixed buckets: exact to merge, narrow enough to read quantiles from, honest about bounds."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.baseline.histogram import Histogram, NoBucketAtBound, bucket, highest
from scenarios.load.samples import histogram

values = st.lists(st.integers(0, 2**32 - 1), max_size=200)


@given(st.integers(0, 2**40))
def test_a_value_is_at_most_its_buckets_highest_and_less_than_one_percent_below(us: int) -> None:
    top = highest(bucket(us))
    assert us <= top <= us * 1.008 + 1
    assert bucket(top) == bucket(us) != bucket(top + 1)


@given(values, values)
def test_merging_is_the_same_as_having_seen_both(one: list[int], other: list[int]) -> None:
    merged = Histogram.of(one, (1000, 2_000_000))
    merged.merge(Histogram.of(other, (1000, 2_000_000)))
    assert merged == Histogram.of(one + other, (1000, 2_000_000))


@given(values.filter(bool), st.floats(0.01, 1))
def test_a_quantile_is_that_of_the_samples_within_a_bucket(samples: list[int], share: float) -> None:
    exact = sorted(samples)[max(1, math.ceil(share * len(samples))) - 1]
    found = Histogram.of(samples).quantile(share)
    assert found is not None
    assert exact <= found <= exact * 1.008 + 1


@given(values)
def test_a_whole_column_is_counted_like_one_by_one(samples: list[int]) -> None:
    assert histogram(np.array(samples, np.uint32)).counts == Histogram.of(samples).counts


@given(values)
def test_it_survives_being_written_down(samples: list[int]) -> None:
    kept = Histogram.of(samples, (500,))
    assert Histogram.read(json.loads(json.dumps(kept.plain()))) == kept


def test_a_bound_is_counted_exactly_or_not_at_all() -> None:
    told = Histogram.of([1_999_999, 2_000_000, 2_000_001], (2_000_000,))
    assert told.beyond(2_000_000) == 1
    with pytest.raises(NoBucketAtBound):
        Histogram.of([1, 5_000_000]).beyond(2_000_000)


def test_a_bound_that_one_of_two_did_not_know_is_unknown_of_both() -> None:
    merged = Histogram.of([3_000_000], (2_000_000,))
    merged.merge(Histogram.of([3_000_000]))
    with pytest.raises(NoBucketAtBound):
        merged.beyond(2_000_000)
