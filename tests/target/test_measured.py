"""A promise that no suite would measure is refused, and so is a query that could never answer: else a run would end
well without having looked."""

from __future__ import annotations

import pytest

from fixtures.target import Target
from fixtures.target.errors import Problem
from fixtures.target.load import PROFILES
from tests.target.profiles import SMALL, built, changed, only

LOGIN = "  login: {title: Login, that: p95 < 2s, should: p95 < 1s, over: load POST /login, source: §3}\n"
COUNTED = "counted: {bad: 'sum by (namespace) (increase(b[$window]))', of: 'sum by (namespace) (increase(a[$window]))'}"
WHOLE = f"""{SMALL}
pages:
  home: {{title: Home, path: /home, ready: body, source: §3}}
metrics:
  errors:
    {{title: Errors, group: application, query: 'sum by (namespace) (rate(b[$window]))', {COUNTED}, window: 5m,
      that: error_rate < 1%, severity: critical, source: §4}}
  cpu: {{title: CPU, group: business_operations, query: QUERY, that: cpu < 80%, severity: warning, source: §4}}
release:
  {{source: §5, phases: {{}}, probe: /ping, pods_ready: 5m, stages: [{{weight: 10%, watch: 1m}}], settle: 1m,
    healthy: [{{over: metric errors, that: error_rate < 1%, source: §5}}], clean: {{replicas: 0, source: §5}}}}
rollback: {{triggers: [{{over: probe health, that: failures <= 3 failures, source: §6}}]}}
"""
QUERY = "avg by (namespace) (cpu)"


def whole(objective: str = "", query: str = QUERY) -> str:
    """A profile that is right, with another objective and another query."""
    text = (
        changed(LOGIN, f"  login: {{title: Login, {objective}, source: §3}}\n", WHOLE) if objective else WHOLE
    )
    return text.replace("QUERY", f"{query!r}")


MEASURED = [
    "that: p95 < 2s, over: page /home",
    "that: p95 < 2s, over: page",
    "that: cpu < 70%, over: metric cpu",
    "that: error_rate < 0.5%, over: metric errors",
    "that: availability >= 99.9%, over: probe",
    "that: availability >= 99.9%, over: probe /ping",
    "that: downtime < 1m, over: probe",
    "that: failures <= 0 failures, over: release",
    "that: violations <= 0 violations, over: release watch-10",
    "that: violations <= 0 violations, over: release split-100",
    "that: time <= 10m, over: release rollback-total",
    "that: satisfaction > 95%, over: person the team",
]
NOBODY_MEASURES = [
    # (the objective, of which what is wrong, expected, near)
    ("that: success_rate >= 99%, over: journey clone", "over", "an indicator such as", ""),
    ("that: time < 3s, over: page /home", "that", "a percentile, such as p95 < 3s", ""),
    ("that: p95 < 3s, over: metric cpu", "that", "like the metric's own, cpu < 80%", ""),
    ("that: cpu < 1%, over: metric errors", "that", "like the metric's own, error_rate < 1%", ""),
    ("that: availability >= 99%, over: probe /pong", "over", "probe /ping, which release.probe names", ""),
    ("that: p95 < 1s, over: probe", "that", "availability, success_rate, downtime", ""),
    ("that: time <= 9m, over: release", "that", "over release rollback-total", ""),
    ("that: time <= 9m, over: release rollbak-total", "over", ", rollback-total", "release rollback-total"),
    ("that: violations <= 0 violations, over: release watch-25", "over", "watch-10", "release watch-10"),
    ("that: violations <= 0 violations, over: release created", "over", "release.create beside it", ""),
    ("that: failures <= 0 failures, over: release zero-downtime", "over", "release, or release with", ""),
    ("that: failures <= 0 failures, over: release rollback-total", "that", "a time, such as", ""),
]  # fmt: skip


@pytest.mark.parametrize("objective", MEASURED)
def test_what_a_suite_measures_is_accepted(objective: str) -> None:
    assert built(whole(objective)).objectives["login"].title == "Login"


@pytest.mark.parametrize(("objective", "key", "expected", "near"), NOBODY_MEASURES)
def test_what_no_suite_measures_is_refused(objective: str, key: str, expected: str, near: str) -> None:
    problem = only(whole(objective))
    assert (problem.path, problem.near) == (f"objectives.login.{key}", near)
    assert expected in problem.expected


def test_a_release_goes_by_metrics_and_health_alone() -> None:
    problem = only(changed("over: probe health", "over: load", whole()))
    assert (problem.path, problem.expected) == ("rollback.triggers[0].over", "metric NAME, or probe health")
    healthy = "healthy: [{over: metric errors, that: error_rate < 1%"
    problem = only(changed(healthy, "healthy: [{over: metric cpu, that: p95 < 1s", whole()))
    assert problem.path == "release.healthy[0].that"


def test_no_service_answers_for_another() -> None:
    service = "  - {name: api, image: small-api, health: /health, source: §1}\n"
    text = changed(service, service + service.replace("name: api", "name: web"))
    assert len(built(text).services) == 2
    mesh = "  - {check: health-through-mesh, name: mesh, title: Mesh, within: 2s, source: §2}\n"
    problem = only(changed("checks:\n", f"checks:\n{mesh}", text))
    assert (problem.path, problem.read) == ("services[1].health", "/health, which is api's too")


@pytest.mark.parametrize(
    "query",
    [
        "up",
        "1 - avg by (namespace) (up)",
        "sum by (pod, namespace) (a) / 100",
        "sum without (pod) (a)",
        "topk(1, avg by (namespace) (a))",
        "clamp_max(sum by (namespace) (a) / sum by (namespace) (b), 1)",
        "(sum by (namespace) (a) or 0 * sum(b))",
        'label_replace(sum by (of) (a), "namespace", "$1", "of", "(.*)")',
        "sum by (of) (a) * on (of) group_left (namespace) b",
    ],
)
def test_a_query_that_may_tell_the_sides_apart_is_accepted(query: str) -> None:
    assert built(whole(query=query)).metrics["cpu"].query == query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum(up)", "one series for each namespace"),
        ("sum by (pod) (a)", "one series for each namespace"),
        ("sum without (namespace) (a)", "one series for each namespace"),
        ("1 - (sum by (of) (a) / sum by (of) (b))", "one series for each namespace"),
        ("histogram_quantile(0.95, sum by (le) (a))", "one series for each namespace"),
        ("topk(1, sum(a))", "one series for each namespace"),
        ("avg by (namespace) (a", "PromQL: "),
    ],
)
def test_a_query_that_cannot_is_refused(query: str, expected: str) -> None:
    problem = only(whole(query=query))
    assert problem.path == "metrics.cpu.query"
    assert problem.expected.startswith(expected)


def test_a_bucket_is_asked_for_by_a_pattern() -> None:
    """le="$limit" would be le="0[.]8", which no histogram has: every request would be counted as too slow."""
    problem: Problem = only(changed("increase(b[$window])", 'increase(b{le="$limit"}[$window])', whole()))
    assert problem.path == "metrics.errors.counted.bad"
    assert problem.expected.startswith('le=~"$limit"')


@pytest.mark.parametrize("profile", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_profiles_that_are_there_promise_nothing_of_the_kind(profile: str) -> None:
    assert Target.load(profile).objectives
