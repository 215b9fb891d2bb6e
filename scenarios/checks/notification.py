"""A test alert travels the way that a real one of its severity would, and is seen to arrive on every channel."""

from __future__ import annotations

import time
import uuid

from fixtures.clock import TimedOut, wait_until
from fixtures.probes.alertmanager import TestAlert
from fixtures.target.checks import NotificationRoute
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

CLOCKS_DIFFER_S = 2.0  # the sink stamps by its own clock


def unique_alert(severity: str) -> TestAlert:
    """One that nobody has seen before, so that it waits for no group that already stands; it says that it is a test."""
    mark = f"VerdigrisTest{uuid.uuid4().hex[:12]}"
    words = f"{mark}: a test of the notification route by Verdigris, nothing is wrong"
    return TestAlert({"alertname": mark, "severity": severity}, {"summary": words, "description": words})


@measures(NotificationRoute)
def notification_route(check: NotificationRoute, around: Surroundings) -> Measurement:
    """Each channel on which the alert has not arrived within the bound is a violation."""
    tally = Tally("channels")
    alert, since = unique_alert(check.severity), time.time() - CLOCKS_DIFFER_S
    manager, begun = around.alertmanager, around.clock.now()
    arrived: dict[str, float] = {}

    def everywhere() -> bool:
        for message in around.sink.messages(since):
            if alert.labels["alertname"] in message.text:
                arrived.setdefault(message.channel, around.clock.now() - begun)
        return all(channel in arrived for channel in check.channels)

    manager.raise_alert(alert, lasts_s=check.within.amount + 30)
    try:
        wait_until(everywhere, check.within.amount, around.clock)
    except TimedOut:
        routed = ", ".join(manager.receivers(alert)) or "nobody"
        for channel in check.channels:
            if channel not in arrived:
                tally.breaks(
                    channel,
                    f"no {check.severity} test alert within {check.within}; it was routed to {routed}",
                )
    finally:
        manager.end_alert(alert)
    tally.saw(*check.channels)
    for name, after_s in arrived.items():
        if name in check.channels:
            tally.took(name, after_s)
        tally.note(Evidence(f"{name} had it after {after_s:.1f} s", alert.labels["alertname"]))
    return tally.measurement()
