"""The metrics: every name that the document's queries use is there, from the start and with its labels."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fixtures.lab.systems.serving.metrics import BOUNDS_S
from tests.systems.side import CREDENTIALS, Side
from tests.systems.test_api import finished, submit

DOCUMENT = Path(__file__).parents[2].parent / "shared/documents/hwayo.md"
# Not the services' own: the kubelets export these, and Prometheus itself.
ELSEWHERE = re.compile(r"container_\w+|up")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(side: Side, service: str) -> Samples:
    answer = httpx.get(side.pods[service].url + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def names_in_the_document() -> set[str]:
    queries = re.findall(r"(?:query: \"|expr: |prometheus_query ')(.+)", DOCUMENT.read_text())
    words = {word for query in queries for word in re.findall(r"\b([a-z]+(?:_[a-z]+)+)\b", query)}
    return {word for word in words if word != "histogram_quantile" and not ELSEWHERE.fullmatch(word)}


def test_every_metric_that_the_document_queries_is_exported(side: Side) -> None:
    wanted = names_in_the_document()
    assert len(wanted) == 17
    there = {name for service in side.pods for name, _ in scraped(side, service)}
    assert wanted - there == set()


@pytest.mark.parametrize(
    ("service", "counter"),
    [
        ("auth-service", "user_registration_total"),
        ("workflow-engine", "data_submission_attempts_total"),
        ("report-generator", "report_generation_success_total"),
        ("notification-service", "notifications_failed_total"),
    ],
)
def test_counters_are_there_before_anything_happened(side: Side, service: str, counter: str) -> None:
    assert value(scraped(side, service), counter) >= 0


def test_a_route_has_its_series_before_the_first_request(side: Side) -> None:
    samples = scraped(side, "api-gateway")
    for status in ("200", "500", "503"):
        labels = {"method": "GET", "path": "/api/v1/data-records/{id}", "status": status}
        assert value(samples, "http_requests_total", **labels) >= 0


def test_every_bound_of_the_document_is_a_bucket(side: Side) -> None:
    assert {0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 3, 5, 10, 20, 30} <= set(BOUNDS_S)
    samples = scraped(side, "web-app")
    bounds = {dict(labels)["le"] for name, labels in samples if name == "page_load_duration_seconds_bucket"}
    assert bounds == {*(str(float(bound)) for bound in BOUNDS_S), "+Inf"}


def test_a_request_is_counted_under_its_route_and_a_probe_is_not(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    route = {"method": "GET", "path": "/api/v1/data-records/{id}"}
    before = {service: scraped(side, service) for service in ("api-gateway", "workflow-engine")}
    for number in (1, 2, 3):
        door.get(f"/api/v1/data-records/{number}", headers=inspector)
    door.get("/workflow/health")
    for service, old in before.items():
        new = scraped(side, service)
        counted = [value(seen, "http_requests_total", **route, status="200") for seen in (old, new)]
        timed = [value(seen, "http_request_duration_seconds_count", **route) for seen in (old, new)]
        assert counted[1] - counted[0] == timed[1] - timed[0] == 3
        assert not [
            labels for name, labels in new if name == "http_requests_total" and "health" in str(labels)
        ]
    users = [
        value(seen, "user_activity_total", user="inspector")
        for seen in (before["api-gateway"], scraped(side, "api-gateway"))
    ]
    assert users[1] - users[0] == 3


def test_business_counters_follow_the_business(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    watched = {
        "auth-service": ("user_login_attempts_total", "user_login_success_total"),
        "workflow-engine": ("data_submission_attempts_total", "data_submission_success_total"),
        "report-generator": (
            "report_generation_attempts_total", "report_generation_success_total", "reports_generated_total",
        ),
    }  # fmt: skip
    before = {service: scraped(side, service) for service in watched}
    for password in (CREDENTIALS["password"], "wrong"):
        door.post("/api/v1/auth/login", json={"username": "inspector", "password": password})
    submit(door, inspector)
    submit(door, inspector, value=-1)
    submit(door, inspector, customer="nobody")
    ordered = door.post("/api/v1/reports/generate", headers=inspector, json={"record": 1})
    finished(door, inspector, ordered.json()["url"])
    rises = {
        name: value(scraped(side, service), name) - value(before[service], name)
        for service, names in watched.items()
        for name in names
    }
    assert rises == {
        "user_login_attempts_total": 2,
        "user_login_success_total": 1,
        "data_submission_attempts_total": 1,
        "data_submission_success_total": 1,
        "report_generation_attempts_total": 1,
        "report_generation_success_total": 1,
        "reports_generated_total": 1,
    }


def test_a_page_load_is_observed_and_nonsense_refused(side: Side, door: httpx.Client) -> None:
    before = scraped(side, "web-app")
    assert door.post("/api/v1/rum", json={"page": "dashboard", "seconds": 2.2}).status_code == 204
    for body in (
        {"page": "x", "seconds": 1},
        {"page": "login", "seconds": -1},
        {"page": ["login"], "seconds": True},
    ):
        assert door.post("/api/v1/rum", json=body).status_code == 422
    after = scraped(side, "web-app")
    for bound, rise in (("2.0", 0), ("2.5", 1)):
        labels = {"page": "dashboard", "le": bound}
        assert (
            value(after, "page_load_duration_seconds_bucket", **labels)
            - value(before, "page_load_duration_seconds_bucket", **labels)
            == rise
        )


def test_the_disk_is_as_full_as_df_says(side: Side) -> None:
    """df rounds up to a whole percent; meanwhile others on this machine may write."""
    root = str(side.pods["workflow-engine"].root)
    said = subprocess.run(["df", "--output=pcent", root], capture_output=True, text=True, check=True).stdout
    seen = value(scraped(side, "workflow-engine"), "disk_usage_percent")
    assert seen == pytest.approx(int(said.split()[-1].rstrip("%")) - 0.5, abs=1)


def test_gauges_measure(side: Side) -> None:
    samples = scraped(side, "workflow-engine")
    assert 0 < value(samples, "network_latency_seconds") < 1
    assert value(samples, "database_connection_pool_max") == 8
    assert value(samples, "database_connection_pool_active") == 0
    assert value(scraped(side, "report-generator"), "queue_length", queue="reports") == 0
