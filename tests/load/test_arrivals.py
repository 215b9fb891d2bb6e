"""Arrival profiles are pure: hours of them are checked here without waiting."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.load_model import PROFILES
from scenarios.load import arrivals
from scenarios.load.arrivals import Profile, Segment, named

rates = st.floats(0, 2000, allow_subnormal=False)
lengths = st.floats(0.5, 7200)
segments = st.builds(Segment, lengths, rates, rates)
profiles = (
    st.lists(segments, min_size=1, max_size=6)
    .filter(lambda rows: sum(row.arrivals for row in rows) > 1)
    .map(lambda rows: Profile("any", tuple(rows)))
)


@given(profiles, st.floats(0, 1))
def test_an_arrival_is_due_when_the_rate_amounts_to_it(profile: Profile, share: float) -> None:
    arrival = int(share * (profile.total - 1))
    assert profile.planned(profile.due_s(arrival)) == pytest.approx(arrival, abs=1e-3, rel=1e-6)


@given(profiles, st.floats(0, 1))
def test_arrivals_come_in_order_and_within_the_duration(profile: Profile, share: float) -> None:
    arrival = int(share * max(0, profile.total - 2))
    first, then = profile.due_s(arrival), profile.due_s(min(arrival + 1, profile.total - 1))
    assert 0 <= first <= then <= profile.duration_s


@given(profiles)
def test_what_is_planned_only_grows(profile: Profile) -> None:
    steps = [profile.planned(profile.duration_s * at / 50) for at in range(51)]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert math.ceil(steps[-1] - 1e-6) == profile.total


@given(profiles, st.integers(1, 5))
def test_processes_share_a_profile_without_gap_or_overlap(profile: Profile, parts: int) -> None:
    shares = [len(range(part, profile.total, parts)) for part in range(parts)]
    assert sum(shares) == profile.total
    assert max(shares) - min(shares) <= 1


def test_a_constant_rate_is_evenly_spaced() -> None:
    profile = arrivals.constant(500, 600)
    assert profile.total == 300_000
    assert profile.due_s(0) == 0
    assert profile.due_s(250) == pytest.approx(0.5)
    assert profile.due_s(299_999) == pytest.approx(599.998)


def test_a_ramp_grows_in_a_straight_line() -> None:
    profile = arrivals.ramp(0, 100, 60)
    assert profile.total == 3000
    assert profile.rate(30) == pytest.approx(50)
    assert profile.planned(30) == pytest.approx(750)


def test_steps_spike_and_soak_have_the_rates_that_they_say() -> None:
    assert [arrivals.steps([10, 20, 30], 60).rate(at) for at in (0, 59, 60, 150, 180)] == [10, 10, 20, 30, 0]
    spike = arrivals.spike(100, 900, 100)
    assert [spike.rate(at) for at in (10, 50, 90)] == [100, 900, 100]
    soak = arrivals.soak(50, 36_000)
    assert soak.rate(30) == pytest.approx(25)
    assert soak.rate(20_000) == 50


@pytest.mark.parametrize(("length_s", "rise_s"), [(10, 5), (200, 20), (65, 6), (36_000, 60)])
def test_a_soak_rises_first_and_is_then_held_for_the_whole_length(length_s: float, rise_s: float) -> None:
    assert arrivals.soak(50, length_s).held_s == (rise_s, rise_s + length_s)


def test_what_is_held_is_the_peak_at_the_end_or_else_all_of_it() -> None:
    assert arrivals.constant(10, 40).held_s == (0, 40)
    assert arrivals.steps([10, 20], 40).held_s == (40, 80)
    assert arrivals.spike(10, 30, 40).held_s == (0, 40)
    assert arrivals.ramp(0, 30, 40).held_s == (0, 40)


@pytest.mark.parametrize("name", PROFILES)
def test_every_named_profile_keeps_its_length(name: str) -> None:
    rise_s = 5 if name == "soak" else 0
    assert named(name, 100, 40).duration_s == pytest.approx(40 + rise_s)
    assert named(name, 100, 40).total > 100


@pytest.mark.parametrize("rows", [(), (Segment(0, 1, 1),), (Segment(1, -1, 5),), (Segment(5, 0, 0),)])
def test_a_profile_in_which_nothing_happens_is_refused(rows: tuple[Segment, ...]) -> None:
    with pytest.raises(ValueError, match="needs segments"):
        Profile("wrong", rows)
