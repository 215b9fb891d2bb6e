"""A test alert travels the way that a real one of its severity would, and is seen to arrive on every channel."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping
from email.utils import getaddresses

import yaml

from fixtures.clock import TimedOut, wait_until
from fixtures.probes import promtool
from fixtures.probes.alertmanager import Silence, TestAlert
from fixtures.target import Side
from fixtures.target.checks import NotificationRoute
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.checks.rules import written_alerts
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

CLOCKS_DIFFER_S = 2.0  # the sink stamps by its own clock


def unique_alert(severity: str, labels: Mapping[str, str] | None = None) -> TestAlert:
    """One that nobody has seen before, so that it waits for no group that already stands; it says that it is a test."""
    mark = f"VerdigrisTest{uuid.uuid4().hex[:12]}"
    words = f"{mark}: a test of the notification route by Verdigris, nothing is wrong"
    told = {"alertname": mark, "severity": severity, **(labels or {})}
    return TestAlert(told, {"summary": words, "description": words})


@measures(NotificationRoute)
def notification_route(check: NotificationRoute, around: Surroundings) -> Measurement:
    """Each channel on which the alert has not reached whom it is written to, within the bound, is a violation.

    So is each silence that holds a rule of this severity back: the test alert has a name of its own and would pass it.
    One that is about none of the rules' labels, but about one that an alert may have, holds back nobody knows what.
    """
    tally = Tally("channels")
    alert, since = unique_alert(check.severity, check.labels), time.time() - CLOCKS_DIFFER_S
    manager, written = around.alertmanager, _recipients(around, alert)
    _silenced(tally, check, around)
    begun = around.clock.now()
    arrived: dict[tuple[str, str], float] = {}  # channel and recipient -> seconds

    def everywhere() -> bool:
        for message in around.sink.messages(since):
            if alert.labels["alertname"] in message.text:
                arrived.setdefault((message.channel, message.to), around.clock.now() - begun)
        return all(_reached(channel, written, arrived) for channel in check.channels)

    manager.raise_alert(alert, lasts_s=check.within.amount + 30)
    try:
        wait_until(everywhere, check.within.amount, around.clock)
    except TimedOut:
        routed = ", ".join(manager.receivers(alert)) or "nobody"
        for channel in check.channels:
            if not _reached(channel, written, arrived):
                tally.breaks(
                    channel,
                    f"no {check.severity} test alert{_at(channel, written, arrived)} within {check.within}; "
                    f"it was routed to {routed}",
                )
    finally:
        manager.end_alert(alert)
    tally.saw(*check.channels)
    for (through, to), after_s in arrived.items():
        if through in check.channels:
            tally.took(through, after_s)
        tally.note(Evidence(f"{through} {to} had it after {after_s:.1f} s", alert.labels["alertname"]))
    return tally.measurement()


# --- to whom ---------------------------------------------------------------------------------------------------------
def _recipients(around: Surroundings, alert: TestAlert) -> Mapping[str, set[str]]:
    """By channel, whom the profile's own routes lead such an alert to, where they name somebody."""
    file = around.target.alert_routes
    if file is None:
        return {}
    meant = promtool.receivers(file, alert.labels)
    receivers = [one for one in yaml.safe_load(file.read_text())["receivers"] if one["name"] in meant]
    mail = [one["to"] for receiver in receivers for one in receiver.get("email_configs") or ()]
    rooms = [one.get("channel", "") for receiver in receivers for one in receiver.get("slack_configs") or ()]
    return {
        "email": {address for _, address in getaddresses(list(filter(_is_plain, mail))) if address},
        "slack": set(filter(_is_plain, rooms)),
    }


def _is_plain(recipient: str) -> bool:
    """Whether it is a name, and not made of a variable or a template."""
    return bool(recipient) and "{{" not in recipient and "${" not in recipient


def _reached(channel: str, written: Mapping[str, set[str]], arrived: Collection[tuple[str, str]]) -> bool:
    there = {to for through, to in arrived if through == channel}
    return bool(there) and not written.get(channel, set()) - there


def _at(channel: str, written: Mapping[str, set[str]], arrived: Collection[tuple[str, str]]) -> str:
    """Who went without it, and who had it instead."""
    there = {to for through, to in arrived if through == channel}
    lacking = ", ".join(sorted(written.get(channel, set()) - there))
    instead = f" ({', '.join(sorted(there))} had it)" if there else ""
    return f" at {lacking}{instead}" if lacking else ""


# --- silences --------------------------------------------------------------------------------------------------------
def _silenced(tally: Tally, check: NotificationRoute, around: Surroundings) -> None:
    if around.target.alert_rules is None:
        return
    silences = around.alertmanager.silences()
    strange: dict[Silence, None] = {}  # about labels that no rule has
    namespaces = tuple(around.environment.namespaces[side] for side in Side)
    for rule in written_alerts(around):
        if not {"severity": check.severity, **check.labels}.items() <= rule.labels.items():
            continue
        own = {label: (value,) for label, value in rule.labels.items() if "{{" not in value}
        known = {"namespace": namespaces, **own, "alertname": (rule.name,)}
        for silence in silences:
            if silence.mutes(known):
                tally.breaks(rule.name, f"{silence} holds it back until {silence.until}")
            elif not any(one.label in known for one in silence.matchers):
                strange[silence] = None
    for silence in strange:
        with tally.looking():
            if silence.may_mute(around.prometheus.values_of):
                about = ", ".join(one.label for one in silence.matchers)
                tally.unseen(
                    f"{silence} may hold {check.severity} alerts back, by {about}, until {silence.until}"
                )
