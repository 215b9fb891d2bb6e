"""An alert that must fire can fire, and reaches people."""

from __future__ import annotations

import pytest

from fixtures.target.checks import AlertRulesLoaded, AlertRulesValid, NotificationRoute
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_alert_rules_valid(check: AlertRulesValid, prove: Prove) -> None:
    """promtool and amtool accept the rules and the routes."""
    prove(check)


def test_alert_rules_loaded(check: AlertRulesLoaded, prove: Prove) -> None:
    """Prometheus has every rule as written, evaluates it, and has the series that it is about."""
    prove(check)


def test_notification_route(check: NotificationRoute, prove: Prove) -> None:
    """A test alert of the severity arrives on every channel that its route promises, in time."""
    prove(check)
