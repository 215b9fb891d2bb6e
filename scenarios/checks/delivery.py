"""What Argo CD says of the side's Application: is it what the repository has, is it well, is it the commit meant."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.abilities import Deliveries, Delivery, able
from fixtures.target.delivery import ApplicationHealthy, ApplicationSynced, RevisionDeployed
from fixtures.target.environment import ArgoCd
from reports.figures import figure
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings, stated, value_of
from scenarios.tally import Tally

SETTLES_S = 6.0  # it compares every now and then, and what was just changed may be on its way
UNSETTLED = ("Unknown", "Progressing", "Missing")
SHOWN = 12  # letters of a commit that people are shown


@measures(ApplicationSynced)
def application_synced(_: ApplicationSynced, around: Surroundings) -> Measurement:
    """Each resource that is not as the repository has it is a violation; what was not looked at of late is unseen."""
    tally = Tally("resources")
    found = _settled(around, lambda one: one.synced == "Synced")
    tally.saw(*(one.name for one in found.resources))
    _note(tally, found)
    for one in found.resources:
        if not one.synced:
            where = "is not in the repository" if one.extra else f"is not as {found.source} has it"
            tally.breaks(one.name, f"{where} ({found.name} is {found.synced})")
    if found.synced == "OutOfSync" and not tally.broken:
        tally.breaks(found.name, "is OutOfSync, and does not say of what")
    if found.synced not in ("Synced", "OutOfSync"):
        why = "; ".join(found.problems) or "and does not say why"
        tally.unseen(f"Argo CD does not know whether {found.name} is as {found.source} has it: {why}")
    return _of_now(tally, found, around)


@measures(ApplicationHealthy)
def application_healthy(_: ApplicationHealthy, around: Surroundings) -> Measurement:
    tally = Tally("resources")
    found = _settled(around, lambda one: one.health not in UNSETTLED)
    tally.saw(*(one.name for one in found.resources))
    _note(tally, found)
    for one in found.resources:
        if one.health != "Healthy":
            tally.breaks(one.name, f"is {one.health}{f': {one.why}' if one.why else ''}")
    if found.health == "Unknown":
        tally.unseen(
            f"Argo CD does not know how {found.name} is: {'; '.join(found.problems) or 'it says no more'}"
        )
    elif found.health != "Healthy" and not tally.broken:
        tally.breaks(found.name, f"is {found.health}")
    return _of_now(tally, found, around)


@measures(RevisionDeployed)
def revision_deployed(_: RevisionDeployed, around: Surroundings) -> Measurement:
    """The commit that the cluster is held against, and the one that was brought out, are the one that is meant."""
    tally, told = Tally("revisions"), _told(around)
    meant = value_of(stated(around.environment, told.revision, "delivery revision, the commit that is meant"))
    found = _settled(around, lambda one: _same(one.compared, meant) and _same(one.delivered, meant))
    _note(tally, found)
    for what, revision in (
        ("is held against", found.compared),
        ("was brought out last from", found.delivered),
    ):
        if not revision:
            tally.unseen(f"Argo CD does not say which commit {found.name} {what}")
            continue
        tally.saw(f"{found.name} {what} {revision[:SHOWN]}")
        if not _same(revision, meant):
            tally.breaks(
                found.name, f"{what} {revision[:SHOWN]} ({found.source}), where {meant[:SHOWN]} is meant"
            )
    return _of_now(tally, found, around)


def _told(around: Surroundings) -> ArgoCd:
    return stated(
        around.environment, around.environment.delivery, "delivery: whose Application delivers which side"
    )


def _settled(around: Surroundings, well: Callable[[Delivery], bool]) -> Delivery:
    """As it is when it is well and was looked at of late, or when the patience is over."""
    told, seen = _told(around), list[Delivery]()
    platform = able(around.platform, Deliveries)

    def looked() -> bool:
        seen[:] = [platform.delivery(told.namespace, told.applications[around.side])]
        return well(seen[0]) and not _too_old(seen[0], told, around)

    with contextlib.suppress(TimedOut):
        wait_until(looked, SETTLES_S, around.clock, poll_s=0.5)
    return seen[0]


def _of_now(tally: Tally, found: Delivery, around: Surroundings) -> Measurement:
    """Without a value where what it says may be no longer so: whoever compares may have stopped."""
    if why := _too_old(found, _told(around), around):
        tally.unseen(why)
    return tally.measurement()


def _too_old(found: Delivery, told: ArgoCd, around: Surroundings) -> str:
    most_s = told.looked_within.seconds * float(around.environment.pace)
    try:
        age_s = (datetime.now(UTC) - datetime.fromisoformat(found.looked_at)).total_seconds()
    except ValueError:
        return f"Argo CD does not say when it looked at {found.name}"
    if age_s <= most_s:
        return ""
    allowed = figure(most_s, "s")
    return f"Argo CD looked at {found.name} {figure(age_s, 's')} ago, where {allowed} are allowed"


def _same(revision: str, meant: str) -> bool:
    """Whether one is the other, or a beginning of it as people write it."""
    return bool(revision) and len(meant) >= 7 and revision.startswith(meant)


def _note(tally: Tally, found: Delivery) -> None:
    said = f"{found.name}: {found.synced}, {found.health}, {found.source}, compared with {found.compared or 'nothing'}"
    lines = [
        f"{one.name}: {'Synced' if one.synced else 'OutOfSync'}, {one.health}" for one in found.resources
    ]
    tally.note(Evidence(said, "\n".join([*lines, *found.problems])))
