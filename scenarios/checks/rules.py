"""Alert rules: files that the tools accept, loaded as written, and about series that exist, so that they can fire."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.probes import promql, promtool
from fixtures.probes.prometheus import Prometheus, Rule
from fixtures.probes.promql import Matcher, Selector
from fixtures.target.checks import AlertRulesLoaded, AlertRulesValid
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

EVALUATED_S = 6.0  # a rule that was just loaded has not been evaluated yet
ROUNDED_S = 0.001  # a faster environment's waits are whole milliseconds


@dataclass(frozen=True)
class Written:
    """An alert as the profile's file has it."""

    name: str
    query: str
    for_s: float
    labels: Mapping[str, str]
    annotations: frozenset[str]  # their names: what they say may be reworded


@measures(AlertRulesValid)
def alert_rules_valid(_: AlertRulesValid, around: Surroundings) -> Measurement:
    tally = Tally("files")
    for file, opinion in (
        (_rules_file(around), promtool.check_rules),
        (around.target.alert_routes, promtool.check_routes),
    ):
        if file is None:
            continue
        said = opinion(file)
        tally.saw(file.name)
        tally.note(Evidence(file.name, said.text))
        if not said.ok:
            tally.breaks(file.name, " ".join(said.text.split())[-300:])
    return tally.measurement()


@measures(AlertRulesLoaded)
def alert_rules_loaded(_: AlertRulesLoaded, around: Surroundings) -> Measurement:
    """Of each rule of the profile's file: loaded as it is written, evaluated without error, and able to fire."""
    tally = Tally("rules")
    wanted = written_alerts(around)
    loaded = _loaded(around, {one.name for one in wanted})
    for one in wanted:
        tally.saw(one.name)
        # Two rules may share a name, a severity each: the loaded one that is most like the written one is meant.
        like = [(list(_changed(one, rule, around)), rule) for rule in loaded if rule.name == one.name]
        if not like:
            tally.breaks(one.name, "Prometheus has not loaded it")
            continue
        changes, rule = min(like, key=lambda found: len(found[0]))
        if rule.health != "ok":
            tally.breaks(one.name, f"Prometheus cannot evaluate it: {rule.error or rule.health}")
        for change in changes:
            tally.breaks(one.name, f"Prometheus has {change}")
        with tally.looking():
            for selector in promql.selectors(rule.query):
                if why := _nothing(around.prometheus, selector):
                    tally.breaks(one.name, f"cannot fire: {why}")
    return tally.measurement()


def _changed(written: Written, rule: Rule, around: Surroundings) -> Iterator[str]:
    """What Prometheus has otherwise. A faster environment shortens windows and waits, and nothing else."""
    pace = around.environment.pace
    if not promql.same(rule.query, written.query, windows=pace == 1):
        yield f"another expression for it: {rule.query}"
    least_s = written.for_s * float(pace) - ROUNDED_S
    if not least_s <= rule.for_s <= written.for_s + ROUNDED_S:
        yield f"it wait {rule.for_s:g} s before it fires, where {written.for_s:g} s are written"
    if dict(rule.labels) != dict(written.labels):
        yield f"other labels on it: {_labels(rule.labels)}, where {_labels(written.labels)} are written"
    if lost := sorted(written.annotations - rule.annotations.keys()):
        yield f"no {' and no '.join(lost)} to tell people of it"


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{label}={value}" for label, value in sorted(labels.items())) or "none"


def _loaded(around: Surroundings, wanted: set[str]) -> Sequence[Rule]:
    """Prometheus's rules, once each that is wanted has been evaluated or the patience is over."""
    found: list[Rule] = []

    def evaluated() -> bool:
        found[:] = around.prometheus.rules()
        return all(rule.name not in wanted or rule.health != "unknown" for rule in found)

    with contextlib.suppress(TimedOut):  # a rule that is still unknown is reported as such
        wait_until(evaluated, EVALUATED_S, around.clock, poll_s=0.5)
    return found


def _nothing(prometheus: Prometheus, selector: Selector) -> str:
    """Why the selector matches no series, or "" where it does.

    A pattern such as status=~"5.." is about what has not happened yet: it need not match while its label is there.
    A name, or a label's exact value, that no series has will never match.
    """
    if prometheus.query(f"count({selector})"):
        return ""
    exact = Selector(selector.metric, tuple(one for one in selector.matchers if one.operator == "="))
    patterns = [one for one in selector.matchers if one.operator != "="]
    if patterns and prometheus.query(f"count({exact})"):
        present = (Matcher(one.label, "!=", "") for one in patterns)
        having = Selector(exact.metric, (*exact.matchers, *present))
        return (
            ""
            if prometheus.query(f"count({having})")
            else f"no series of {exact} has the labels of {selector}"
        )
    return f"no series matches {selector}"


def _rules_file(around: Surroundings) -> Path:
    if around.target.alert_rules is None:
        raise Missing(f"target {around.target.system} names no file of alert rules")
    return around.target.alert_rules


def written_alerts(around: Surroundings) -> list[Written]:
    """The alerts of the profile's file. Raises Missing where there are none."""
    file = _rules_file(around)
    try:
        groups: list[dict[str, Any]] = yaml.safe_load(file.read_text())["groups"]
        found = [_written(rule) for group in groups for rule in group["rules"] if "alert" in rule]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise Missing(f"{file} cannot be read as alert rules: {error}") from error
    if not found:
        raise Missing(f"{file} holds no alert rule")
    return found


def _written(rule: Mapping[str, Any]) -> Written:
    return Written(
        name=rule["alert"],
        query=str(rule["expr"]),
        for_s=promql.seconds(str(rule.get("for", "0"))),
        labels={label: str(value) for label, value in (rule.get("labels") or {}).items()},
        annotations=frozenset(rule.get("annotations") or ()),
    )
