"""The rules and queries of the other three systems: accepted by promtool, silent while all is well, and each alert
fires for what it is about, on the side that it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.target import Target
from tests.target.test_rules import rising, run, steady

SYSTEMS = ("nailbook-line", "memoryark-line", "machine-native-ops")
WELL, ILL = "blue", "green"
Series = list[dict[str, str]]


def outcomes(name: str, side: str, good: float, bad: float, labels: tuple[str, str, str]) -> Series:
    """A counter of what went well and what did not, by a label with its two values."""
    label, fine, wrong = labels
    return [rising(name, side, good, **{label: fine}), rising(name, side, bad, **{label: wrong})]


def durations(name: str, side: str, within: dict[str, float]) -> Series:
    count = rising(f"{name}_count", side, within["+Inf"])
    return [*(rising(f"{name}_bucket", side, number, le=le) for le, number in within.items()), count]


def container(side: str, labels: dict[str, str], *, cores: float, memory: int) -> Series:
    """One that may use half a core and 100 bytes."""
    return [
        rising("container_cpu_usage_seconds_total", side, cores * 60, **labels),
        steady("container_spec_cpu_quota", side, "50000+0", **labels),
        steady("container_spec_cpu_period", side, "100000+0", **labels),
        steady("container_memory_working_set_bytes", side, f"{memory}+0", **labels),
        steady("container_spec_memory_limit_bytes", side, "100+0", **labels),
    ]


BOOKED = ("status", "success", "overlap_error")
DONE = ("outcome", "success", "failed")


def nailbook(side: str, *, ill: bool) -> Series:
    quick = {"0.3": 80.0, "0.5": 90.0 if ill else 96.0, "1.0": 100.0, "+Inf": 100.0}
    return [
        *outcomes("booking_created_total", side, 94 if ill else 95, 6 if ill else 5, BOOKED),
        *durations("booking_creation_duration_seconds", side, quick),
        rising("http_requests_total", side, 89 if ill else 90, job="api", status="200"),
        rising("http_requests_total", side, 11 if ill else 10, job="api", status="500"),
        steady("sqlalchemy_pool_size", side, "20+0"),
        steady("sqlalchemy_pool_checkedout", side, "24+0" if ill else "15+0"),  # of 20, and 10 beyond
    ]


def memoryark(side: str, *, ill: bool) -> Series:
    calls = {"5.0": 94.0 if ill else 96.0, "10.0": 100.0, "+Inf": 100.0}
    hooks = {"8.0": 94.0 if ill else 96.0, "10.0": 100.0, "+Inf": 100.0}
    return [
        *container(side, {"name": "line-service"}, cores=0.45 if ill else 0.39, memory=90 if ill else 85),
        steady("node_filesystem_avail_bytes", side, "9+0" if ill else "11+0"),
        steady("node_filesystem_size_bytes", side, "100+0"),
        *durations("http_request_duration_seconds", side, calls),
        *outcomes("http_requests_total", side, 94 if ill else 96, 6 if ill else 4, ("status", "200", "404")),
        steady("queue_length", side, "1001+0" if ill else "1000+0"),
        steady("websocket_connections", side, "501+0" if ill else "500+0"),
        *outcomes("line_webhook_total", side, 94 if ill else 96, 6 if ill else 4, DONE),
        *outcomes("line_photo_downloads_total", side, 89 if ill else 91, 11 if ill else 9, DONE),
        steady("line_quota_remaining", side, "19+0" if ill else "20+0"),
        steady("line_quota_limit", side, "100+0"),
        *durations("line_webhook_duration_seconds", side, hooks),
    ]


SERVICES = ("memory-service", "configuration-service", "reporting-service", "supply-chain-service")


def machine_native_ops(side: str, *, ill: bool) -> Series:
    calls = {"0.5": 90.0, "1.0": 98.0 if ill else 99.5, "5.0": 100.0, "+Inf": 100.0}
    up = [
        steady("up", side, "0+0" if ill and job == "reporting-service" else "1+0", job=job)
        for job in SERVICES
    ]
    return [
        *up,
        *outcomes("http_requests_total", side, 94 if ill else 96, 6 if ill else 4, ("status", "200", "503")),
        *durations("http_request_duration_seconds", side, calls),
        *container(side, {"pod": "p", "container": "c"}, cores=0.45 if ill else 0.39, memory=90 if ill else 85),
        *outcomes("cache_requests_total", side, 79 if ill else 81, 21 if ill else 19, ("result", "hit", "miss")),
    ]  # fmt: skip


HAPPENS = {
    "nailbook-line": nailbook,
    "memoryark-line": memoryark,
    "machine-native-ops": machine_native_ops,
}


def rules_of(system: str) -> Any:
    file = Target.load(system).alert_rules
    assert file is not None
    return yaml.safe_load(file.read_text())


def named(rules: Any) -> list[dict[str, Any]]:
    return [rule for group in rules["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_alert_fires_for_the_side_that_is_ill_and_for_no_other(system: str, tmp_path: Path) -> None:
    rules = rules_of(system)
    for rule in named(rules):
        rule.pop("annotations")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    happens = HAPPENS[system]
    expected = [
        {
            "alertname": rule["alert"],
            "eval_time": "40m",
            "exp_alerts": [{"exp_labels": {**rule["labels"], "namespace": ILL, **job_of(rule["alert"])}}],
        }
        for rule in named(rules)
    ]
    assert expected
    cases = {
        "interval": "1m",
        "input_series": [*happens(WELL, ill=False), *happens(ILL, ill=True)],
        "alert_rule_test": expected,
    }
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [cases]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(tests))
    run("promtool", "test", "rules", tmp_path / "test.yaml")


def job_of(alert: str) -> dict[str, str]:
    return {"job": "reporting-service"} if alert == "ServiceDown" else {}


@pytest.mark.parametrize("system", SYSTEMS)
def test_rules_and_queries_are_accepted_as_they_stand(system: str, tmp_path: Path) -> None:
    target = Target.load(system)
    assert f"{len(named(rules_of(system)))} rules found" in run(
        "promtool", "check", "rules", str(target.alert_rules)
    )
    queries = [
        metric.promql(query)
        for metric in target.metrics.values()
        for query in (metric.query, *((metric.counted.bad, metric.counted.of) if metric.counted else ()))
    ]
    assert queries
    records = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "q.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    assert f"{len(queries)} rules found" in run("promtool", "check", "rules", tmp_path / "q.yaml")
    assert not any("$" in query for query in queries)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_metric_tells_the_sides_apart_and_counts_what_is_bad(system: str, tmp_path: Path) -> None:
    """On the same made-up day: one series a side, and the counted share is worse where the side is ill."""
    target, happens = Target.load(system), HAPPENS[system]
    counted = {name: metric for name, metric in target.metrics.items() if metric.counted}
    assert counted
    groups = []
    for name, metric in counted.items():
        assert metric.counted is not None
        share = f"({metric.promql(metric.counted.bad)}) / ({metric.promql(metric.counted.of)})"
        limit = metric.that.bad_share
        record = name.replace("-", "_")
        broken = f"count(({share}) > {limit} + 1e-9) == 1 and count({share}) == 2"
        groups.append({"record": f"broken:{record}", "expr": broken})
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "q", "rules": groups}]}))
    asked = [
        {"expr": f"count({one['record']})", "eval_time": "40m", "exp_samples": [{"labels": "{}", "value": 1}]}
        for one in groups
        if one["record"] != "broken:booking_overlap"  # its bound is broken on both sides here
    ]
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [*happens(WELL, ill=False), *happens(ILL, ill=True)],
                "promql_expr_test": asked,
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(tests))
    run("promtool", "test", "rules", tmp_path / "test.yaml")
