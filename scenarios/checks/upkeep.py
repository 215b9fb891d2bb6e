"""Whether backups and their archive are as the profile plans them, and what is left of the error budget."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime, timedelta

from fixtures.evidence import Missing
from fixtures.target.drills import BackupPlan
from fixtures.target.upkeep import BackupsArchived, BackupsKept, CopiesEncrypted, ErrorBudget
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.drills import budget, retention
from scenarios.drills.servers import keeper_of
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

LATE = timedelta(hours=1)  # after its line of cron, a backup has begun
STEP_S = 30.0  # between two looks at the past: no outage that is longer is missed


@measures(BackupsKept)
def backups_kept(_: BackupsKept, around: Surroundings) -> Measurement:
    """Of a time before the database was made nobody can ask for backups: then how long they are kept is not known."""
    tally, written, keeper = Tally("backups"), _written(around), keeper_of(around)
    made_s, now_s = keeper.made_s(), time.time()
    plan = dataclasses.replace(retention.planned(written, made_s), encrypted=False)
    found = keeper.backups()
    tally.saw(*(one.id for one in found))
    for fault in retention.faults(plan, found, now_s):
        tally.breaks(fault.partition(":")[0], fault)
    now, began = (
        datetime.fromtimestamp(now_s, UTC),
        [datetime.fromtimestamp(one.begun_s, UTC) for one in found],
    )
    for name, cron in written.schedule.items():
        for due in retention.run_late(cron, began, now, LATE):
            if due.timestamp() > made_s:
                tally.breaks(name, f"no backup began at {due:%Y-%m-%d %H:%M}, as {cron} has it")
    for rule in plan.rules:
        if (age_s := now_s - made_s) < rule.for_s:
            kept = f"{rule.for_s / 86400:g} d"
            tally.too_early(
                f"{rule.name}: the database is {age_s / 3600:.1f} h old, and backups are kept for {kept}"
            )
    return tally.measurement()


@measures(BackupsArchived)
def backups_archived(_: BackupsArchived, around: Surroundings) -> Measurement:
    tally, keeper = Tally("archives"), keeper_of(around)
    reach = keeper.reach()
    tally.saw(keeper.place)
    for fault in retention.behind(retention.planned(_written(around)), reach):
        tally.breaks(keeper.place, fault)
    if reach.lag_s is not None:
        tally.note(Evidence(f"the archive is {reach.lag_s:.0f} s behind", ""))
    return tally.measurement()


@measures(CopiesEncrypted)
def copies_encrypted(_: CopiesEncrypted, around: Surroundings) -> Measurement:
    tally = Tally("backups")
    for one in keeper_of(around).backups():
        tally.saw(one.id)
        if one.encrypted is None:
            tally.unseen(f"nobody tells whether {one.id} is encrypted")
        elif not one.encrypted:
            tally.breaks(one.id, "is not encrypted")
    return tally.measurement()


@measures(ErrorBudget)
def error_budget(check: ErrorBudget, around: Surroundings) -> Measurement:
    """Over the real time that was promised, whatever the environment's pace."""
    tally, whole_s, now_s = Tally("promises"), check.over.seconds, time.time()
    past = around.prometheus.past(check.query, now_s - whole_s, now_s, STEP_S)
    if not past:
        raise Missing(f"nobody has watched: no answer to {check.query}")
    seen = budget.watched(past, whole_s, STEP_S, now_s)
    allowed_s = budget.allowed_s(check.availability.amount, whole_s)
    found = budget.downtime(seen, allowed_s)
    said = (
        f"down for {seen.down_s / 60:.1f} of {allowed_s / 60:.1f} min, watched for {seen.up_s / 3600:.1f} h"
    )
    tally.note(Evidence(said, found.why))
    if found.value is None:
        (tally.too_early if found.young else tally.unseen)(found.why)
        return tally.measurement()
    tally.saw(check.name)
    if found.value > allowed_s:
        tally.breaks(check.name, found.why)
    return tally.measurement()


def _written(around: Surroundings) -> BackupPlan:
    plan = around.target.backups
    if plan is None:
        raise Missing(f"the profile of {around.target.system} plans no backups")
    return plan
