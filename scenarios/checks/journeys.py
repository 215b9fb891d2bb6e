"""What people do (§9.3's kind of list), walked through over the front door, each step within its time."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.evidence import Missing
from fixtures.target.checks import (
    Journey,
    JourneyAudit,
    JourneyLogin,
    JourneyNotification,
    JourneyOf,
    JourneyPortal,
    JourneyReport,
    JourneySubmission,
)
from reports.verdicts import Measurement
from scenarios.checks.registry import measures
from scenarios.journeys import application
from scenarios.journeys.walk import Walk
from scenarios.surroundings import Surroundings


def _walked(check: Journey, around: Surroundings, name: str) -> Measurement:
    """Raises Missing where the system has no journey of that name."""
    journey: Callable[[Walk], None] | None = getattr(application(around), f"journey_{name}", None)
    if journey is None:
        raise Missing(f"nobody has written down the journey {name} of {around.target.system}")
    return Walk(around, check.within).measure(journey)


@measures(JourneyOf)
def journey(check: JourneyOf, around: Surroundings) -> Measurement:
    return _walked(check, around, check.of)


@measures(JourneyLogin)
def login(check: JourneyLogin, around: Surroundings) -> Measurement:
    return _walked(check, around, "login")


@measures(JourneySubmission)
def submission(check: JourneySubmission, around: Surroundings) -> Measurement:
    return _walked(check, around, "submission")


@measures(JourneyReport)
def report(check: JourneyReport, around: Surroundings) -> Measurement:
    return _walked(check, around, "report")


@measures(JourneyNotification)
def notification(check: JourneyNotification, around: Surroundings) -> Measurement:
    return _walked(check, around, "notification")


@measures(JourneyPortal)
def portal(check: JourneyPortal, around: Surroundings) -> Measurement:
    return _walked(check, around, "portal")


@measures(JourneyAudit)
def audit(check: JourneyAudit, around: Surroundings) -> Measurement:
    return _walked(check, around, "audit")
