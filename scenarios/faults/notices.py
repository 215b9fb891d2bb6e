"""When a fault was noticed: the trigger beyond its bound, the alert pending, firing, routed, received by people."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fixtures.evidence import Missing, NoEvidence
from fixtures.ledger import now
from fixtures.target.bounds import Bound
from fixtures.target.experiment import Noticed
from fixtures.target.objective import Metric
from scenarios.faults.asking import unwell_inside
from scenarios.release.health import InARow, through_door, unwell
from scenarios.surroundings import Surroundings

HEALTH = "health"
ASKED_EVERY_S = 0.5
LEAST_WINDOW_S = 5.0  # a rate needs a few scrapes, however fast the environment's pace is


@dataclass
class Seen:
    """Moments in unix seconds, of the first time."""

    moments: dict[str, float] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def at(self, what: str, at: float, said: str = "") -> None:
        if what not in self.moments:
            self.moments[what] = at
            self.said[what] = said


class Notices:
    """Looks for what an experiment wants noticed, on our side, from a moment on."""

    def __init__(self, wanted: Noticed, around: Surroundings) -> None:
        self._wanted, self._around = wanted, around
        self._since = now()
        self._summary = ""
        self._health = Health(around)
        self.seen = Seen()

    @property
    def expected(self) -> list[str]:
        wanted = self._wanted
        alert = [f"alert {wanted.alert} firing"] if wanted.alert else []
        channels = [f"{wanted.alert} received by {channel}" for channel in self._channels()]
        admitted = [_admitted(wanted.admitted_by)] if wanted.admitted_by else []
        if wanted.channels and not channels and self._around.environment.alertmanager:
            channels = [
                _routed(wanted.alert)
            ]  # nobody can read back what people receive: the last that can be seen
        return [*([f"trigger {wanted.trigger}"] if wanted.trigger else []), *alert, *channels, *admitted]

    @property
    def trigger(self) -> str:
        return self._wanted.trigger or ""

    @property
    def within_s(self) -> float:
        return self._wanted.within.amount

    @property
    def complete(self) -> bool:
        return all(one in self.seen.moments for one in self.expected)

    def quiet(self) -> bool:
        """Nothing of it is noticed now: what was there before says nothing afterwards."""
        return not self._trigger() and not self._alert_states() and not self._admission()

    def begin(self, seen: Seen) -> None:
        """From now on, and into there."""
        self._since, self.seen = now(), seen

    def look(self) -> None:
        """What cannot be looked at just now is looked for again."""
        looks = (self._look_at_alert, self._look_at_route, self._look_at_people, self._look_inside)
        for look in (self._look_at_trigger, *looks):
            try:
                look()
            except NoEvidence:
                continue

    def _look_at_trigger(self) -> None:
        if said := self._trigger():
            self.seen.at(f"trigger {self._wanted.trigger}", now(), said)

    def _look_at_alert(self) -> None:
        for state in self._alert_states():
            self.seen.at(f"alert {self._wanted.alert} {state}", now())

    def _look_at_route(self) -> None:
        what = _routed(self._wanted.alert)
        if not self._wanted.alert or not self._around.environment.alertmanager or what in self.seen.moments:
            return
        namespace = self._around.namespace
        for one in self._around.alertmanager.routed(self._wanted.alert):
            if one.labels.get("namespace", namespace) == namespace and one.receivers:
                self.seen.at(what, now(), f"to {', '.join(one.receivers)}")

    def _look_at_people(self) -> None:
        alert = self._wanted.alert
        if not alert or not self._channels():
            return
        if not self._summary:
            rules = [one for one in self._around.prometheus.rules() if one.name == alert]
            self._summary = next((one.annotations.get("summary", "") for one in rules), "") or alert
        for message in self._around.sink.messages(self._since):
            about = alert in message.text or self._summary in message.text  # mail names no alert
            if about and self._around.namespace in message.text:
                self.seen.at(f"{alert} received by {message.channel}", message.at, message.to)

    def _look_inside(self) -> None:
        if self._wanted.admitted_by and (said := self._admission()):
            self.seen.at(_admitted(self._wanted.admitted_by), now(), said)

    def _admission(self) -> str:
        """What the service says of itself, where that is not that it is well."""
        for service in self._around.target.services:
            if service.name == self._wanted.admitted_by:
                return unwell_inside(self._around, service, self._around.pods(service))
        return ""

    def _channels(self) -> tuple[str, ...]:
        """None where nobody can read notifications back."""
        return self._wanted.channels if self._around.environment.sink else ()

    def _alert_states(self) -> list[str]:
        if not self._wanted.alert:
            return []
        namespace = self._around.namespace
        found = self._around.prometheus.query(f'ALERTS{{alertname="{self._wanted.alert}"}}')
        ours = [one.labels for one in found if one.labels.get("namespace", namespace) == namespace]
        return sorted({labels["alertstate"] for labels in ours}, reverse=True)  # pending before firing

    def _trigger(self) -> str:
        """What the metric says, where that is beyond the trigger's bound."""
        if not self._wanted.trigger:
            return ""
        if self._wanted.trigger == HEALTH:
            return self._health.beyond()
        metric, bound = trigger_of(self._around, self._wanted.trigger)
        pace = float(self._around.environment.pace)
        window_s = max(LEAST_WINDOW_S, metric.window.seconds * pace) if metric.window else None
        query = metric.promql(metric.query, window_s, bound)
        for one in self._around.prometheus.query(query):
            ours = one.labels.get("namespace", self._around.namespace) == self._around.namespace
            if ours and math.isfinite(one.value) and not bound.admits(one.value):
                return f"{one.value:.4g} breaks {bound.text}"
            if ours and math.isinf(one.value):
                return f"beyond every bucket breaks {bound.text}"
        return ""


def _routed(alert: str | None) -> str:
    return f"alert {alert} routed"


def _admitted(service: str) -> str:
    return f"admitted by {service}'s own health"


class Health:
    """The rollback's trigger on health: how often a service failed in a row when asked as users ask."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._failures = InARow()
        self._asked = 0.0
        self._said = ""

    def beyond(self) -> str:
        """What breaks the trigger's bound, by the last time that all were asked."""
        bound = health_bound(self._around)
        if now() - self._asked >= ASKED_EVERY_S:
            self._asked = now()
            ask = through_door(self._around, self._around.side)
            count = self._failures.take(unwell(self._around.target.services, ask))
            self._said = "" if bound.admits(count) else f"{self._failures.said[:120]}; breaks {bound.text}"
        return self._said


def health_bound(around: Surroundings) -> Bound:
    """Raises Missing."""
    for trigger in around.target.rollback.triggers if around.target.rollback else ():
        if trigger.over.kind == "probe" and trigger.over.subject == HEALTH:
            return trigger.that
    raise Missing(f"{around.target.system} has no rollback trigger over health")


def trigger_of(around: Surroundings, name: str) -> tuple[Metric, Bound]:
    """A metric, and the bound that the rollback's trigger puts on it. Raises Missing."""
    rollback, metric = around.target.rollback, around.target.metrics.get(name)
    if rollback is not None and metric is not None:
        for trigger in (*rollback.triggers, *rollback.business):
            if trigger.over.kind == "metric" and trigger.over.subject == name:
                return metric, trigger.that
    raise Missing(f"{around.target.system} has no rollback trigger over the metric {name}")
