"""Hwayo's rules, routes and queries are accepted by Prometheus's and Alertmanager's own tools, and mean what they say:
promtool runs them over made-up series."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.target import Bound, Target
from fixtures.tools import find

GREEN, BLUE = "hwayo-production-green", "hwayo-production"
SEVERAL = "0+{}x60"  # so many more every minute, for an hour


@pytest.fixture(scope="module")
def hwayo() -> Target:
    return Target.load("hwayo")


def run(tool: str, *arguments: str | Path) -> str:
    program = find(tool)
    assert program is not None, f"{tool} is missing: `make setup`"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def series(name: str, namespace: str, /, **labels: str) -> str:
    inside = ", ".join(f'{key}="{value}"' for key, value in {"namespace": namespace, **labels}.items())
    return f"{name}{{{inside}}}"


def rising(name: str, namespace: str, each_minute: float, /, **labels: str) -> dict[str, str]:
    return {"series": series(name, namespace, **labels), "values": SEVERAL.format(each_minute)}


def steady(name: str, namespace: str, value: str, /, **labels: str) -> dict[str, str]:
    return {"series": series(name, namespace, **labels), "values": f"{value}x60"}


def requests(namespace: str, status: str, each_minute: float) -> dict[str, str]:
    return rising(
        "http_requests_total", namespace, each_minute, service="api-gateway", status=status, path="/a"
    )


def durations(namespace: str, **at_most: float) -> list[dict[str, str]]:
    """Buckets that grow by so many each minute: le_2=90 as le="2.0"."""
    name = "http_request_duration_seconds_bucket"
    bounds = {"le_2": "2.0", "le_5": "5.0", "le_10": "10.0", "le_inf": "+Inf"}
    return [
        rising(name, namespace, count, service="api-gateway", le=bounds[key])
        for key, count in at_most.items()
    ] + [rising(name.replace("bucket", "count"), namespace, at_most["le_inf"], service="api-gateway")]


def container(namespace: str, *, cores: float, memory: str, limit: str) -> list[dict[str, str]]:
    """One container that may use half a core."""
    who = {"pod": "p", "container": "c", "job": "cadvisor"}
    return [
        rising("container_cpu_usage_seconds_total", namespace, cores * 60, **who),
        steady("container_spec_cpu_quota", namespace, "50000+0", **who),
        steady("container_spec_cpu_period", namespace, "100000+0", **who),
        steady("container_memory_working_set_bytes", namespace, f"{memory}+0", **who),
        steady("container_spec_memory_limit_bytes", namespace, f"{limit}+0", **who),
    ]


DATABASE = {"series": 'up{job="postgresql"}', "values": "1+0x60"}
# What is happening, which alerts it raises, and in which namespaces.
ALERTS: dict[str, tuple[list[dict[str, str]], dict[str, list[str]]]] = {
    "a healthy system is silent, though it has never seen an error": (
        [
            DATABASE,
            *[
                one
                for side in (BLUE, GREEN)
                for one in durations(side, le_2=100, le_5=100, le_10=100, le_inf=100)
            ],
            *[requests(side, "200", 100) for side in (BLUE, GREEN)],
            *[one for side in (BLUE, GREEN) for one in container(side, cores=0.1, memory="100", limit="200")],
        ],
        {},
    ),
    "errors are a share of all requests, and of green's alone": (
        [DATABASE, requests(BLUE, "200", 1000), requests(GREEN, "200", 90), requests(GREEN, "503", 10)],
        {"HighErrorRate": [GREEN]},
    ),
    "four in a hundred are not more than five": (
        [DATABASE, requests(GREEN, "200", 96), requests(GREEN, "500", 4)],
        {},
    ),
    "nothing but errors is the worst error rate": (
        [DATABASE, requests(GREEN, "500", 10)],
        {"HighErrorRate": [GREEN]},
    ),
    "no traffic raises nothing": ([DATABASE, requests(GREEN, "200", 0)], {}),
    "slow is told over all pods and paths of a side": (
        [DATABASE, *durations(GREEN, le_2=50, le_5=60, le_10=100, le_inf=100)],
        {"HighResponseTime": [GREEN]},
    ),
    "a database that does not answer": (
        [{"series": 'up{job="postgresql"}', "values": "0+0x60"}],
        {"DatabaseConnectionFailure": [""]},
    ),
    "a database that nobody asks any more": (
        [requests(GREEN, "200", 1)],
        {"DatabaseConnectionFailure": [""]},
    ),
    "log-ins that fail": (
        [
            DATABASE,
            rising("user_login_attempts_total", GREEN, 100, pod="a"),
            rising("user_login_success_total", GREEN, 85, pod="a"),
        ],
        {"LowLoginSuccessRate": [GREEN]},
    ),
    "CPU and memory are shares of their limits": (
        [DATABASE, *container(GREEN, cores=0.45, memory="90", limit="100")],
        {"HighCPUUsage": [GREEN], "HighMemoryUsage": [GREEN]},
    ),
    "a container without a memory limit divides by nothing": (
        [DATABASE, *container(GREEN, cores=0.1, memory="90", limit="0")],
        {},
    ),
}
NAMES = (
    "HighErrorRate",
    "HighResponseTime",
    "DatabaseConnectionFailure",
    "LowLoginSuccessRate",
    "HighCPUUsage",
    "HighMemoryUsage",
)


@pytest.mark.parametrize("case", ALERTS)
def test_alerts_fire_for_what_they_are_about(hwayo: Target, tmp_path: Path, case: str) -> None:
    given, raised = ALERTS[case]
    rules = yaml.safe_load((hwayo.alert_rules or Path()).read_text())
    # What an annotation says is not under test here; that it fires, where, and how severe, is.
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.pop("annotations")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    expected = [
        {
            "alertname": name,
            "eval_time": "30m",
            "exp_alerts": [{"exp_labels": _labels(name, namespace)} for namespace in raised.get(name, [])],
        }
        for name in NAMES
    ]
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": expected}],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(tests))
    run("promtool", "test", "rules", tmp_path / "test.yaml")


def _labels(name: str, namespace: str) -> dict[str, str]:
    severity = "warning" if name in ("HighCPUUsage", "HighMemoryUsage") else "critical"
    side = {"namespace": namespace} if namespace else {"job": "postgresql"}
    return {"severity": severity, **side}


def test_the_files_are_accepted_as_they_stand(hwayo: Target) -> None:
    assert "6 rules found" in run("promtool", "check", "rules", str(hwayo.alert_rules))
    assert "3 receivers" in run("amtool", "check-config", str(hwayo.alert_routes))


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [("critical", "critical-alerts"), ("warning", "warning-alerts"), ("info", "default")],
)
def test_alerts_are_routed_by_severity(hwayo: Target, severity: str, receiver: str) -> None:
    arguments = ("config", "routes", "test", f"--config.file={hwayo.alert_routes}", f"severity={severity}")
    assert run("amtool", *arguments).strip() == receiver


def test_the_rules_say_what_the_document_says(hwayo: Target) -> None:
    rules = yaml.safe_load((hwayo.alert_rules or Path()).read_text())
    found = {
        rule["alert"]: (rule["for"], rule["labels"]["severity"])
        for g in rules["groups"]
        for rule in g["rules"]
    }
    assert found == {
        "HighErrorRate": ("2m", "critical"),
        "HighResponseTime": ("5m", "critical"),
        "DatabaseConnectionFailure": ("1m", "critical"),
        "LowLoginSuccessRate": ("3m", "critical"),
        "HighCPUUsage": ("10m", "warning"),
        "HighMemoryUsage": ("10m", "warning"),
    }
    assert tuple(found) == NAMES


def test_every_query_of_a_metric_is_promql(hwayo: Target, tmp_path: Path) -> None:
    queries = [
        metric.promql(query)
        for metric in hwayo.metrics.values()
        for query in (metric.query, *((metric.counted.bad, metric.counted.of) if metric.counted else ()))
    ]
    records = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    assert f"{len(queries)} rules found" in run("promtool", "check", "rules", file)
    assert not any("$" in query for query in queries)


# Metric -> the series it is asked about, and what each of its queries must answer for green: query, bad, of.
VALUES: dict[str, tuple[list[dict[str, str]], tuple[float, ...]]] = {
    "http_error_rate": ([requests(GREEN, "200", 90), requests(GREEN, "500", 10)], (0.1, 50, 500)),
    "http_response_time": (durations(GREEN, le_2=90, le_5=100, le_10=100, le_inf=100), (3.5, 50, 500)),
    "cpu_usage": (container(GREEN, cores=0.25, memory="1", limit="2"), (0.5,)),
    "memory_usage": (container(GREEN, cores=0.25, memory="1", limit="2"), (0.5,)),
    "disk_usage": (
        [steady("disk_usage_percent", GREEN, f"{used}+0", pod=used) for used in ("40", "91")],
        (0.91,),
    ),
    "queue_length": ([steady("queue_length", GREEN, "12+0", queue="reports")], (12,)),
    "api_availability": (
        [
            steady("up", GREEN, "1+0", job="api-gateway", pod="a"),
            steady("up", GREEN, "0+0", job="api-gateway", pod="b"),
        ],
        (0.5, 5, 10),
    ),
    "login_success": (
        [rising("user_login_attempts_total", GREEN, 100), rising("user_login_success_total", GREEN, 90)],
        (0.9, 50, 500),
    ),
    "active_users": (
        [
            rising("user_activity_total", GREEN, 3, user="a", pod="x"),
            rising("user_activity_total", GREEN, 3, user="a", pod="y"),
            rising("user_activity_total", GREEN, 0, user="b", pod="x"),
        ],
        (1,),
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_metrics_answer_in_base_units_and_count_what_they_say(
    hwayo: Target, tmp_path: Path, name: str
) -> None:
    metric, (given, answers) = hwayo.metrics[name], VALUES[name]
    queries = (metric.query, *((metric.counted.bad, metric.counted.of) if metric.counted else ()))
    window_s = max(120, metric.window.seconds if metric.window else 0)  # series come once a minute here
    expected = [
        {
            "expr": f"round(({metric.promql(query, window_s=window_s)}), 0.001)",
            "eval_time": "30m30s",  # between two samples: whether a range includes its start depends on the version
            "exp_samples": [{"labels": f'{{namespace="{GREEN}"}}', "value": value}],
        }
        for query, value in zip(queries, answers, strict=True)
    ]
    tests: dict[str, Any] = {
        "tests": [{"interval": "1m", "input_series": given, "promql_expr_test": expected}]
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(tests))
    run("promtool", "test", "rules", tmp_path / "test.yaml")


def test_queries_are_filled_in_for_a_window_and_a_bound(hwayo: Target) -> None:
    metric = hwayo.metrics["http_response_time"]
    assert metric.counted is not None
    assert "[300s]" in metric.promql(metric.query)
    assert "[5s]" in metric.promql(metric.query, window_s=5)
    assert 'le=~"2|2[.]0"' in metric.promql(metric.counted.bad)
    assert 'le=~"0[.]5"' in metric.promql(metric.counted.bad, bound=Bound.read("p95 < 500ms"))
