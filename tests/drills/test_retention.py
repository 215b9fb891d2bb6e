"""A backup plan is kept or not: what is missing is named, and what is late by a grace is not missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.platforms.backups import Backup, Reach
from fixtures.target import Target
from scenarios.drills import retention
from scenarios.drills.retention import GRACE, Plan, Rule

NOW_S = 1_700_000_000.0
HOUR_S, DAY_S = 3600.0, 86400.0
HOURLY = Rule("hourly", HOUR_S, 24 * HOUR_S)
# §7.1 of machine-native-ops: hourly for 24 hours, daily for 7 days, weekly for 4 weeks, monthly for 12 months.
WRITTEN = Plan(
    (
        HOURLY,
        Rule("daily", DAY_S, 7 * DAY_S),
        Rule("weekly", 7 * DAY_S, 28 * DAY_S),
        Rule("monthly", 31 * DAY_S, 365 * DAY_S),
    ),
    copies=3,
)
REGIONS = ("a", "b", "c")


def backup(ago_s: float) -> Backup:
    return Backup(f"b{ago_s:.0f}", "db", NOW_S - ago_s, NOW_S - ago_s, 1, REGIONS, True)


def kept_as_written() -> list[Backup]:
    hours = [HOUR_S * n for n in range(25)]
    days = [DAY_S * n for n in range(1, 8)]
    weeks = [7 * DAY_S * n for n in range(1, 5)]
    months = [30.4 * DAY_S * n for n in range(1, 13)]
    return [backup(ago) for ago in sorted({*hours, *days, *weeks, *months})]


def test_a_plan_that_is_kept_has_no_faults() -> None:
    assert retention.faults(WRITTEN, kept_as_written(), NOW_S) == []


@pytest.mark.parametrize(
    ("without", "says"),
    [
        (lambda ago: ago < 3 * HOUR_S, "hourly: no backup for 3 h"),  # the job fails silently since
        (lambda ago: 10 * HOUR_S <= ago <= 12 * HOUR_S, "hourly: no backup for 4 h, from 13 h ago"),
        (lambda ago: ago > 5 * DAY_S, "daily: no backup for 2 d"),
        (lambda ago: ago > 40 * DAY_S, "monthly: no backup for 335 d"),
    ],
)
def test_what_is_missing_is_named(without: object, says: str) -> None:
    assert callable(without)
    left = [one for one in kept_as_written() if not without(NOW_S - one.ended_s)]
    assert any(fault.startswith(says) for fault in retention.faults(WRITTEN, left, NOW_S)), retention.faults(
        WRITTEN, left, NOW_S
    )


def test_hwayos_own_plan_is_a_backup_a_day_for_thirty_days() -> None:
    """§3.1, §11.2."""
    written = Target.load("hwayo").backups
    assert written is not None
    plan = retention.planned(written)
    assert plan == Plan((Rule("daily", DAY_S, 30 * DAY_S),), lag_s=900.0)
    assert retention.faults(plan, [backup(DAY_S * n) for n in range(30)], NOW_S) == []
    (fault,) = retention.faults(plan, [backup(DAY_S * n) for n in range(2, 30)], NOW_S)
    assert fault == "daily: no backup for 2 d, from 2 d ago on"


def test_no_backup_at_all_is_a_fault_and_no_empty_list_of_faults() -> None:
    assert retention.faults(Plan(()), [], NOW_S) == ["there is no backup"]


def test_a_plan_younger_than_its_claim_asks_for_no_more_than_its_own_time() -> None:
    young = replace(WRITTEN, since_s=NOW_S - 3 * HOUR_S)
    assert retention.faults(young, [backup(HOUR_S * n) for n in range(3)], NOW_S) == []
    assert retention.faults(young, [backup(0)], NOW_S) == ["hourly: no backup for 3 h, from 3 h ago on"]


@given(st.lists(st.floats(0, 26 * HOUR_S), max_size=60))
def test_missing_is_every_stretch_that_is_too_long_and_no_other(agos: list[float]) -> None:
    """Against one look at each minute that is too simple to be wrong."""
    moments = [NOW_S - ago for ago in agos]
    found = retention.missing(HOURLY, moments, NOW_S)
    longest_s = HOUR_S * (1 + GRACE)
    for minute in range(1, 24 * 60, 7):
        at = NOW_S - minute * 60
        earlier = max((one for one in moments if one <= at), default=float("-inf"))
        later = min((one for one in moments if one > at), default=NOW_S)
        is_missing = later - max(earlier, NOW_S - 24 * HOUR_S) > longest_s
        assert is_missing == any(gap.from_s <= at < gap.until_s for gap in found)


def test_copies_and_encryption_are_judged_on_each_backup() -> None:
    one = replace(backup(60), places=("a", "a", "b"))
    assert retention.faults(Plan((), copies=3), [one], NOW_S) == ["b60 lies in 2 of 3 places (a, a, b)"]
    assert retention.faults(Plan(()), [replace(one, encrypted=False)], NOW_S) == ["b60 is not encrypted"]
    unknown = retention.faults(Plan(()), [replace(one, encrypted=None)], NOW_S)
    assert unknown == ["nobody tells whether b60 is encrypted"]


def test_a_backup_from_the_future_is_none() -> None:
    assert retention.faults(Plan((HOURLY,)), [backup(-60)], NOW_S) == [
        "hourly: no backup for 24 h, from 24 h ago on"
    ]


@pytest.mark.parametrize(
    ("reach", "says"),
    [
        (Reach(0, 1, 20 * 60), "the archive is 20 min behind, allowed are 15 min"),
        (Reach(0, 1, None), "nobody tells how far the archive is behind"),
        (Reach(0, 1, 5, ("000000010000000000000003",)), "the archive lacks 000000010000000000000003"),
        (Reach(None, None, 5), "there is no moment that one can go back to"),
    ],
)
def test_what_keeps_from_going_back_is_named(reach: Reach, says: str) -> None:
    (fault,) = retention.behind(Plan((), lag_s=15 * 60), reach)
    assert fault.startswith(says)
    assert retention.behind(Plan((), lag_s=15 * 60), Reach(0, 1, 899)) == []


# --- the cron times of the MemoryArk document ------------------------------------------------------------------------
MONDAY = datetime(2025, 6, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "first", "times"),
    [
        ("0 2 * * *", datetime(2025, 6, 2, 2, tzinfo=UTC), 30),
        ("0 1 * * 0", datetime(2025, 6, 8, 1, tzinfo=UTC), 4),
        ("0 0 1 * *", datetime(2025, 7, 1, tzinfo=UTC), 1),
        ("*/15 9-10 * * 1-5", datetime(2025, 6, 2, 9, tzinfo=UTC), 8 * 22),
        ("0 0 1 * 7", datetime(2025, 6, 8, tzinfo=UTC), 5),  # either day, where both are given
    ],
)
def test_lines_of_cron_are_read_as_cron_reads_them(cron: str, first: datetime, times: int) -> None:
    found = [*retention.fires(cron, MONDAY, MONDAY + timedelta(days=30))]
    assert (found[0], len(found)) == (first, times)


@pytest.mark.parametrize("cron", ["0 2 * *", "61 * * * *", "0 0 0 * *", "a * * * *"])
def test_what_is_no_line_of_cron_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"cron|invalid literal"):
        [*retention.fires(cron, MONDAY, MONDAY + timedelta(days=1))]


def test_a_job_that_did_not_run_when_it_was_due_is_named() -> None:
    now = MONDAY + timedelta(days=7)
    ran = [MONDAY + timedelta(days=day, hours=2, minutes=4) for day in range(7) if day != 3]
    late = retention.run_late("0 2 * * *", ran, now, timedelta(minutes=30))
    assert late == [MONDAY + timedelta(days=3, hours=2)]


def test_kept_for_a_day_and_made_each_day_it_is_the_newest_that_counts() -> None:
    plan = Plan((Rule("daily", DAY_S, DAY_S),))
    assert retention.faults(plan, [backup(20 * HOUR_S)], NOW_S) == []
    (fault,) = retention.faults(plan, [backup(40 * HOUR_S)], NOW_S)
    assert fault == "daily: no backup for 40 h, from 40 h ago on"
    assert retention.faults(replace(plan, since_s=NOW_S - HOUR_S), [backup(40 * HOUR_S)], NOW_S) == []
