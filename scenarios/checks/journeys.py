"""What people do (§9.3's kind of list), walked through over the front door, each step within its time."""

from __future__ import annotations

from fixtures.target.checks import (
    JourneyAudit,
    JourneyLogin,
    JourneyNotification,
    JourneyPortal,
    JourneyReport,
    JourneySubmission,
)
from reports.verdicts import Measurement
from scenarios.checks.registry import measures
from scenarios.journeys import application
from scenarios.journeys.walk import Walk
from scenarios.surroundings import Surroundings


@measures(JourneyLogin)
def login(check: JourneyLogin, around: Surroundings) -> Measurement:
    return Walk(around, check.within).measure(application(around).journey_login)


@measures(JourneySubmission)
def submission(check: JourneySubmission, around: Surroundings) -> Measurement:
    return Walk(around, check.within).measure(application(around).journey_submission)


@measures(JourneyReport)
def report(check: JourneyReport, around: Surroundings) -> Measurement:
    return Walk(around, check.within).measure(application(around).journey_report)


@measures(JourneyNotification)
def notification(check: JourneyNotification, around: Surroundings) -> Measurement:
    return Walk(around, check.within).measure(application(around).journey_notification)


@measures(JourneyPortal)
def portal(check: JourneyPortal, around: Surroundings) -> Measurement:
    return Walk(around, check.within).measure(application(around).journey_portal)


@measures(JourneyAudit)
def audit(check: JourneyAudit, around: Surroundings) -> Measurement:
    return Walk(around, check.within).measure(application(around).journey_audit)
