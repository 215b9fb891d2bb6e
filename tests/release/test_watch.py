"""A stage's watch: when it promotes, when it takes back, when it says that it cannot tell, and in what words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.release.clustering import Clustering
from scenarios.release.sequential import Floats
from scenarios.release.trail import POINTS, Trail
from scenarios.release.watch import Counts, Decision, Metric, Outcome, Settings, Watch

ERRORS = Metric("error rate", bound=0.01)
LOGINS = Metric("login", ratio=2.0)


def seconds(n: int, green: float, blue: float, share: float = 0.05, rps: int = 100) -> list[Counts]:
    """So many seconds of traffic with those shares of bad answers."""
    rng = np.random.default_rng(n + rps)
    made = []
    for _ in range(n):
        to_green = int(rng.binomial(rps, share))
        to_blue = rps - to_green
        made.append(Counts(to_green, rng.binomial(to_green, green), to_blue, rng.binomial(to_blue, blue)))
    return made


def watch(metric: Metric, ticks: list[Counts], planned: int = 900) -> tuple[Watch, Decision | None, int]:
    """The watch, the decision if it fell before the end, and after how many ticks."""
    made = Watch([metric], planned)
    for at, tick in enumerate(ticks, start=1):
        if decision := made.observe(1000.0 + at, [tick]):
            return made, decision, at
    return made, None, len(ticks)


def test_a_healthy_stage_is_promoted_with_what_was_shown() -> None:
    made, early, _ = watch(ERRORS, seconds(900, 0.003, 0.003))
    decision = made.end()
    assert early is None
    assert decision.outcome is Outcome.PROMOTE
    assert "surely below" in decision.reasons[0]


def test_a_green_that_fails_ten_times_as_often_is_taken_back_within_a_minute() -> None:
    _, decision, after = watch(ERRORS, seconds(900, 0.05, 0.005))
    assert decision is not None
    assert decision.outcome is Outcome.ROLL_BACK
    assert after < 90
    assert "of green's failed" in decision.reasons[0]
    assert "of blue's" in decision.reasons[0]
    assert decision.metrics[0].log_e_compared >= math.log(2 / Settings().alpha)


def test_a_decision_stands_whatever_comes_after() -> None:
    made, decision, _ = watch(ERRORS, seconds(900, 0.05, 0.005))
    assert made.observe(5000, [Counts(10**6, 0, 10**6, 0)]) is decision
    assert made.end() is decision


def test_a_shock_that_hits_both_sides_neither_takes_back_nor_promotes() -> None:
    ticks = seconds(300, 0.003, 0.003, 0.25) + seconds(60, 0.3, 0.3, 0.25) + seconds(300, 0.003, 0.003, 0.25)
    made, early, _ = watch(ERRORS, ticks)
    decision = made.end()
    assert early is None
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert "nothing shows that blue was not" in decision.reasons[0]


def test_where_blue_serves_next_to_nothing_the_bound_decides() -> None:
    leftovers = [Counts(80, 0, 20, 0)]
    _, decision, _ = watch(ERRORS, leftovers + seconds(600, 0.05, 0.0, share=1.0))
    assert decision is not None
    assert decision.outcome is Outcome.ROLL_BACK
    assert "over the bound of 1%" in decision.reasons[0]


def test_at_full_weight_a_healthy_green_is_promoted_without_blue() -> None:
    made, early, _ = watch(ERRORS, seconds(600, 0.003, 0.0, share=1.0))
    assert early is None
    assert made.end().outcome is Outcome.PROMOTE


def test_a_green_that_served_nothing_is_not_promoted_and_the_sample_it_needs_is_named() -> None:
    made, _, _ = watch(ERRORS, [Counts(0, 0, 100, 1)] * 50)
    decision = made.end()
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert decision.reasons == ("error rate: green served nothing; about 299 more answers are missing",)


def test_a_watch_that_saw_no_tick_at_all_is_inconclusive() -> None:
    assert Watch([ERRORS, LOGINS], 10).end().outcome is Outcome.INCONCLUSIVE


def test_without_blue_there_is_no_comparison() -> None:
    made, _, _ = watch(LOGINS, [Counts(100, 1, 0, 0)] * 50)
    assert "blue served nothing" in made.end().reasons[0]


def test_without_a_bad_answer_no_ratio_can_be_ruled_out() -> None:
    made, _, _ = watch(LOGINS, [Counts(5, 0, 95, 0)] * 50)
    decision = made.end()
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert "no bad answer on either side" in decision.reasons[0]


def test_too_few_answers_are_inconclusive_with_the_ratio_they_could_exclude_and_what_is_missing() -> None:
    made, _, _ = watch(LOGINS, [Counts(10, 1, 90, 9)] * 5)
    decision = made.end()
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert "rule out only" in decision.reasons[0]
    assert "times blue's share or more, not 2 times" in decision.reasons[0]
    assert "more answers are missing" in decision.reasons[0]


def test_as_many_answers_as_were_missing_are_enough() -> None:
    tick = Counts(100, 1, 900, 9)
    made, _, _ = watch(LOGINS, [tick] * 3)
    missing = made.end().metrics[0].ratio
    assert missing is not None
    assert missing.missing
    more, _, _ = watch(LOGINS, [tick] * (3 + math.ceil(missing.missing / 100)))
    assert more.end().outcome is Outcome.PROMOTE


def test_a_stage_half_seen_is_not_promoted() -> None:
    made, _, _ = watch(ERRORS, seconds(900, 0.003, 0.003))
    decision = made.end(blind=["auth-service-2 on green was not scraped"])
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert decision.reasons == ("auth-service-2 on green was not scraped",)


def test_every_metric_must_hold() -> None:
    made = Watch([ERRORS, LOGINS], 100)
    for at in range(100):
        made.observe(at, [Counts(100, 0, 900, 2), Counts(1, 0, 9, 0)])
    decision = made.end()
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert len(decision.reasons) == 1
    assert decision.reasons[0].startswith("login")


@pytest.mark.parametrize(
    "counts",
    [
        [Counts(1, 2, 1, 0)],
        [Counts(1, 0, -1, 0)],
        [Counts(math.nan, 0, 1, 0)],
        [],
        [Counts(math.inf, 0, 1, 0)],
    ],
)
def test_counts_that_cannot_be_are_refused(counts: list[Counts]) -> None:
    with pytest.raises(ValueError, match=r"four counts|within counts"):
        Watch([ERRORS], 10).observe(0, counts)


def test_a_watch_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no metric"):
        Watch([], 10)


def test_more_metrics_ask_for_more_evidence() -> None:
    assert Watch([ERRORS], 10).threshold < Watch([ERRORS, LOGINS], 10).threshold


# --- clustering --------------------------------------------------------------------------------------------------
def bursts(rng: np.random.Generator, streams: int, size: int) -> tuple[Floats, Floats, Floats, Floats]:
    """A second in which every bad answer comes `size` times, as with retries."""
    green_bad, blue_bad = (rng.poisson(rate, streams).astype(np.float64) * size for rate in (0.6, 1.4))
    return np.full(streams, 60.0), green_bad, np.full(streams, 140.0), blue_bad


def test_independent_answers_show_no_clustering_and_retries_show_theirs() -> None:
    for size in (1, 4):
        rng, clustering = np.random.default_rng(size), Clustering(200)
        for _ in range(600):
            _, _, blue, blue_bad = bursts(rng, 200, size)
            clustering.take(blue, blue_bad)
        assert float(np.median(clustering.dispersion)) == pytest.approx(size, rel=0.1)


def test_a_level_that_jumps_or_drifts_is_not_taken_for_clustering() -> None:
    rng, clustering = np.random.default_rng(5), Clustering(100)
    for tick in range(600):
        level = 0.2 if 200 <= tick < 300 else 0.01 + tick / 60000
        clustering.take(np.full(100, 200.0), rng.binomial(200, level, 100).astype(np.float64))
    assert float(np.median(clustering.dispersion)) < 2.5


def asked_for_reports(
    rng: np.random.Generator, of_green: float, of_blue: float, worse: float = 1.0
) -> list[Floats]:
    """A second of 150 streams: pages and reports, (streams, 4) each. One in twenty reports fails, whoever is asked."""
    rows = []
    for fails, shares in ((0.001, (1 - of_green, 1 - of_blue)), (0.05, (of_green, of_blue))):
        green, blue = (rng.poisson(20 * share, 150) for share in shares)
        bad = rng.binomial(green, fails * worse), rng.binomial(blue, fails)
        rows.append(np.stack((green, bad[0], blue, bad[1]), axis=1).astype(np.float64))
    return rows


def test_a_side_that_is_asked_for_what_fails_more_often_is_not_taken_for_a_worse_one() -> None:
    """Counted as one it would be: that is shown beside. One that is worse is found all the same."""
    alpha, streams = 0.05, 150
    metrics, rng = [Metric(str(at)) for at in range(streams)], np.random.default_rng(7)
    knowing, naive, worse = (Watch(metrics, 300, Settings(alpha=alpha * streams)) for _ in range(3))
    for tick in range(300):
        rows = asked_for_reports(rng, 0.5, 0.1)
        knowing.observe(tick, rows[0] + rows[1], [*zip(*rows, strict=True)])
        naive.observe(tick, rows[0] + rows[1])
        rows = asked_for_reports(rng, 0.5, 0.1, worse=3.0)
        worse.observe(tick, rows[0] + rows[1], [*zip(*rows, strict=True)])
    highest = [made.shown().log_e.max(axis=0) for made in (knowing, naive, worse)]
    alarmed = [float((log_e >= -math.log(alpha)).mean()) for log_e in highest]
    assert alarmed[0] <= 2 * alpha
    assert alarmed[1] > 0.9
    assert alarmed[2] > 0.9


def test_retries_do_not_take_a_healthy_green_back() -> None:
    """Without dividing by what blue shows of them, they would: that is shown beside."""
    streams, alpha = 150, 0.05
    metrics = [Metric(str(at)) for at in range(streams)]
    rng, before = np.random.default_rng(6), Clustering(streams)
    for _ in range(200):
        _, _, blue, blue_bad = bursts(rng, streams, 4)
        before.take(blue, blue_bad)
    knowing = Watch(metrics, 300, Settings(alpha=alpha * streams), before)
    naive = Watch(metrics, 300, Settings(alpha=alpha * streams))
    for tick in range(300):
        counts = np.stack(bursts(rng, streams, 4), axis=1)
        knowing.observe(tick, counts)
        naive.clustering = Clustering(streams)  # it never learns
        naive.observe(tick, counts)
    highest = [made.shown().log_e.max(axis=0) for made in (knowing, naive)]
    alarmed = [float((log_e >= -math.log(alpha)).mean()) for log_e in highest]
    assert alarmed[0] <= 2 * alpha
    assert alarmed[1] > 4 * alpha


# --- the trail ---------------------------------------------------------------------------------------------------
@given(st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_a_trail_keeps_the_last_tick_and_every_maximum_in_a_bounded_number_of_points(
    ticks: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(size=ticks)
    trail = Trail(1, 1)
    for at, value in enumerate(values):
        trail.take(at, np.full((1, 4), float(at)), np.array([value]))
    shown = trail.shown()
    assert len(shown.at_s) <= POINTS
    assert shown.at_s[-1] == ticks - 1
    assert shown.counts[-1, 0, 0] == ticks - 1
    assert list(shown.at_s) == sorted(set(shown.at_s))
    begins = [0, *(int(at) + 1 for at in shown.at_s[:-1])]
    for first, last, log_e in zip(begins, shown.at_s, shown.log_e[:, 0], strict=True):
        assert log_e == values[first : int(last) + 1].max()


def test_a_watch_shows_its_totals_and_e_values_over_time() -> None:
    made, _, after = watch(ERRORS, seconds(900, 0.05, 0.005))
    shown = made.shown()
    assert len(shown.at_s) == after
    assert made.test_names == ("error rate against blue", "error rate < 1%")
    assert tuple(shown.counts[-1, 0, :2]) == (made.totals(0).green, made.totals(0).green_bad)
    assert shown.log_e[-1, 0] >= made.threshold
