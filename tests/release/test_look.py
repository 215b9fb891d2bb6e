"""The look at the end: exact limits, honest about what is missing."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fixtures.statistics import upper_limit
from scenarios.release.look import Totals, below_bound, below_ratio

BETA = 0.05


def totals(green: int, green_bad: int, blue: int, blue_bad: int, dispersion: float = 1.0) -> Totals:
    share = green / (green + blue) if green + blue else 0.0
    return Totals(green, green_bad, blue, blue_bad, (green_bad + blue_bad) * share, dispersion)


@st.composite
def seen(draw: st.DrawFn) -> Totals:
    green, blue = draw(st.integers(1, 20000)), draw(st.integers(1, 20000))
    return totals(green, draw(st.integers(0, green // 5)), blue, draw(st.integers(0, blue // 5)))


def test_no_bad_one_of_299_is_surely_below_one_percent_and_of_298_is_not() -> None:
    assert below_bound(totals(299, 0, 1, 0), 0.01, BETA).holds
    look = below_bound(totals(298, 0, 1, 0), 0.01, BETA)
    assert not look.holds
    assert look.missing == 1


def test_a_green_over_its_bound_is_not_helped_by_more_of_the_same() -> None:
    assert below_bound(totals(1000, 50, 1, 0), 0.01, BETA).missing is None


@given(seen(), st.floats(0.001, 0.5))
def test_the_limit_on_a_share_is_clopper_and_pearsons(seen: Totals, bound: float) -> None:
    look = below_bound(seen, bound, BETA)
    assert look.limit == upper_limit(int(seen.green_bad), int(seen.green), 1 - BETA)
    assert look.holds == (look.limit < bound)


@given(seen())
def test_the_limit_on_a_ratio_gives_greens_part_of_the_bad_ones_just_that_limit(seen: Totals) -> None:
    assume(seen.bad and seen.green_bad < seen.bad)
    limit = below_ratio(seen, 2, BETA).limit
    share = seen.green / (seen.green + seen.blue)
    part = share * limit / (1 - share + share * limit)
    assert part == pytest.approx(upper_limit(int(seen.green_bad), int(seen.bad), 1 - BETA), rel=1e-6)


@given(seen())
def test_what_was_observed_is_never_excluded(seen: Totals) -> None:
    ratio = seen.ratio
    assume(ratio is not None)
    assert ratio is not None
    assert below_ratio(seen, 2, BETA).limit >= ratio * (1 - 1e-9)


@given(seen(), st.floats(1, 10))
def test_clustering_never_makes_surer(seen: Totals, dispersion: float) -> None:
    clustered = Totals(
        seen.green, seen.green_bad, seen.blue, seen.blue_bad, seen.expected_green, dispersion=dispersion
    )
    assert below_ratio(clustered, 2, BETA).limit >= below_ratio(seen, 2, BETA).limit - 1e-9
    assert below_bound(clustered, 0.01, BETA).limit >= below_bound(seen, 0.01, BETA).limit - 1e-9


@given(seen())
def test_what_is_missing_is_nothing_where_it_holds_and_something_where_it_does_not(seen: Totals) -> None:
    for look in (below_ratio(seen, 2, BETA), below_bound(seen, 0.05, BETA)):
        assert (look.missing == 0) == look.holds
        assert look.missing is None or look.missing >= 0


@pytest.mark.parametrize("nothing", [totals(0, 0, 0, 0), totals(0, 0, 10, 3), totals(10, 3, 0, 0)])
def test_a_side_without_traffic_excludes_nothing(nothing: Totals) -> None:
    look = below_ratio(nothing, 2, BETA)
    assert not look.holds
    assert math.isinf(look.limit)
    assert nothing.ratio is None
