"""Alert rules: files that the tools accept, loaded as written, and about series that exist, so that they can fire."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
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
    """Of each rule of the profile's file: loaded, the same expression, evaluated without error, and able to fire."""
    tally = Tally("rules")
    wanted = _wanted(_rules_file(around))
    loaded = _loaded(around, wanted)
    windows = around.environment.pace == 1  # a faster environment shortens them, and nothing else
    for name, expression in wanted.items():
        rule = loaded.get(name)
        tally.saw(name)
        if rule is None:
            tally.breaks(name, "Prometheus has not loaded it")
            continue
        if rule.health != "ok":
            tally.breaks(name, f"Prometheus cannot evaluate it: {rule.error or rule.health}")
        if not promql.same(rule.query, expression, windows=windows):
            tally.breaks(name, f"Prometheus has another expression for it: {rule.query}")
        with tally.looking():
            for selector in promql.selectors(rule.query):
                if why := _nothing(around.prometheus, selector):
                    tally.breaks(name, f"cannot fire: {why}")
    return tally.measurement()


def _loaded(around: Surroundings, wanted: Mapping[str, str]) -> dict[str, Rule]:
    """Prometheus's rules by name, once each that is wanted has been evaluated or the patience is over."""
    found: dict[str, Rule] = {}

    def evaluated() -> bool:
        found.update({rule.name: rule for rule in around.prometheus.rules()})
        return all(name not in found or found[name].health != "unknown" for name in wanted)

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


def _wanted(file: Path) -> dict[str, str]:
    """Expressions of the file's alerts, by name."""
    try:
        groups: list[dict[str, Any]] = yaml.safe_load(file.read_text())["groups"]
        found = {
            rule["alert"]: str(rule["expr"]) for group in groups for rule in group["rules"] if "alert" in rule
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise Missing(f"{file} cannot be read as alert rules: {error}") from error
    if not found:
        raise Missing(f"{file} holds no alert rule")
    return found
