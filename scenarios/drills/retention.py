"""Whether backups are as fresh, as many, as far spread and as well locked away as was written. Pure.

"Hourly for 24 hours" holds where, from a day ago until now, no two backups that follow one another are further apart
than an hour and its grace: slots of the clock would call a job that is five minutes late a missing one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from fixtures.platforms.backups import Backup, Reach
from fixtures.target.drills import BackupPlan

GRACE = 0.1  # of the interval: how much later than it a backup may be


@dataclass(frozen=True)
class Rule:
    """One line of a backup plan: every so often, kept for so long."""

    name: str
    every_s: float
    for_s: float


@dataclass(frozen=True)
class Plan:
    """What was written. `since_s`: when it came into force; nothing older can be asked for."""

    rules: tuple[Rule, ...]
    copies: int = 1  # places that hold each backup
    encrypted: bool = True
    lag_s: float | None = None  # how far the archive may be behind
    since_s: float = float("-inf")


def planned(written: BackupPlan, since_s: float = float("-inf")) -> Plan:
    """A profile's plan."""
    rules = (Rule(name, one.every.seconds, one.keep.seconds) for name, one in written.kept.items())
    lag_s = written.lag.seconds if written.lag else None
    return Plan(tuple(rules), written.copies, written.encrypted, lag_s, since_s)


class Missing(NamedTuple):
    """No backup between two moments, in unix seconds, though there should be one."""

    from_s: float
    until_s: float


def faults(plan: Plan, backups: Sequence[Backup], now_s: float) -> list[str]:
    """What is wrong, in words; nothing where the plan is kept."""
    if not backups:
        return ["there is no backup"]
    return [*_faults(plan, backups, now_s)]


def _faults(plan: Plan, backups: Sequence[Backup], now_s: float) -> Iterator[str]:
    for rule in plan.rules:
        for gap in missing(rule, [one.ended_s for one in backups], now_s, plan.since_s):
            yield f"{rule.name}: no backup for {_long(gap.until_s - gap.from_s)}, from {_ago(gap.from_s, now_s)} on"
    for one in backups:
        if len(set(one.places)) < plan.copies:
            yield f"{one.id} lies in {len(set(one.places))} of {plan.copies} places ({', '.join(one.places) or 'none'})"
        if plan.encrypted and not one.encrypted:
            yield (
                f"{one.id} is not encrypted"
                if one.encrypted is False
                else f"nobody tells whether {one.id} is encrypted"
            )


def missing(
    rule: Rule, moments_s: Sequence[float], now_s: float, since_s: float = float("-inf")
) -> list[Missing]:
    """The stretches of the rule's time in which a backup is missing. Later than now is no backup's time."""
    longest_s = rule.every_s * (1 + GRACE)
    # The oldest one to be kept may be deleted the moment that it is too old: the first may be an interval younger.
    begin_s = max(now_s - rule.for_s, since_s)
    if now_s - begin_s <= longest_s:  # kept for no longer than an interval: then it is the newest that counts
        begin_s = max((one for one in moments_s if one <= now_s), default=now_s - 2 * longest_s)
        begin_s = max(begin_s, since_s)
    within = sorted(moment for moment in moments_s if begin_s - longest_s <= moment <= now_s)
    edges = [begin_s, *(moment for moment in within if moment > begin_s), now_s]
    return [Missing(a, b) for a, b in pairwise(edges) if b - a > longest_s]


def behind(plan: Plan, reach: Reach) -> list[str]:
    """What keeps from going back to a moment: a log that is late, or has a gap."""
    found = [f"the archive lacks {gap}: what follows cannot be recovered" for gap in reach.gaps]
    if reach.from_s is None:
        found.append("there is no moment that one can go back to")
    if plan.lag_s is not None:
        if reach.lag_s is None:
            found.append("nobody tells how far the archive is behind")
        elif reach.lag_s > plan.lag_s:
            found.append(f"the archive is {_long(reach.lag_s)} behind, allowed are {_long(plan.lag_s)}")
    return found


def run_late(cron: str, moments: Sequence[datetime], now: datetime, grace: timedelta) -> list[datetime]:
    """Times of the last week at which the job was due and no backup began within its grace. All in one time zone."""
    due = (moment for moment in fires(cron, now - timedelta(days=7), now - grace))
    return [one for one in due if not any(one <= moment <= one + grace for moment in moments)]


def fires(cron: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Every minute of that time at which a line of cron is due: five fields of *, numbers, ranges, lists and steps."""
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError(f"read {cron!r}, expected five fields of cron")
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    minutes, hours, days, months, weekdays = (
        _field(text, *bounds) for text, bounds in zip(fields, limits, strict=True)
    )
    weekdays = {day % 7 for day in weekdays}
    either = fields[2] != "*" and fields[4] != "*"  # cron: with both given, one of them is enough
    moment = begin.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment <= end:
        of_month, of_week = moment.day in days, (moment.isoweekday() % 7) in weekdays
        on_day = of_month or of_week if either else of_month and of_week
        if on_day and moment.month in months and moment.hour in hours and moment.minute in minutes:
            yield moment
        moment += timedelta(minutes=1)


def _field(text: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low = least if first == "*" else int(first)
        high = most if first == "*" or (step and not last) else int(last or first)
        if not least <= low <= high <= most:
            raise ValueError(f"read {text!r} in a line of cron, expected {least} to {most}")
        found |= set(range(low, high + 1, int(step or 1)))
    return found


def _long(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _ago(moment_s: float, now_s: float) -> str:
    return f"{_long(now_s - moment_s)} ago"
