"""People can do what they come for."""

from __future__ import annotations

import pytest

from fixtures.target.checks import (
    JourneyAudit,
    JourneyLogin,
    JourneyNotification,
    JourneyOf,
    JourneyPortal,
    JourneyReport,
    JourneySubmission,
)
from suites.conftest import Prove

pytestmark = pytest.mark.smoke


def test_journey_login(check: JourneyLogin, prove: Prove) -> None:
    """A user logs in with the right password only, is known, and logs out for good."""
    prove(check)


def test_journey_submission(check: JourneySubmission, prove: Prove) -> None:
    """An inspector's record is checked, kept as submitted, and found again."""
    prove(check)


def test_journey_report(check: JourneyReport, prove: Prove) -> None:
    """A report is written in time, and is about the record it was asked for."""
    prove(check)


def test_journey_notification(check: JourneyNotification, prove: Prove) -> None:
    """A customer is told of a new record, and the message arrives."""
    prove(check)


def test_journey_portal(check: JourneyPortal, prove: Prove) -> None:
    """A customer finds their records in the portal, and nobody else's."""
    prove(check)


def test_journey_audit(check: JourneyAudit, prove: Prove) -> None:
    """Who wrote and who opened a record is on the audit trail."""
    prove(check)


def test_journey(check: JourneyOf, prove: Prove) -> None:
    """Each step of what people do with this system does what it should, in time."""
    prove(check)
