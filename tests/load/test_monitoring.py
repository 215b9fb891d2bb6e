"""What the system's monitoring counted: read when it is fresh, exact, and held against what the clients saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import Missing
from fixtures.probes.prometheus import Prometheus
from fixtures.target import Target
from scenarios.load.monitoring import Queries, ScrapedCounter, as_it_stands, disagreements, measure_metric
from scenarios.load.records import Outcome
from scenarios.load.validity import Reading, ServerCount
from tests.load.test_measure import rows, run_of
from tests.prometheus import Told
from tests.prometheus import prometheus as answering

Answer = Callable[[str], dict[str, float]]  # a query -> value by namespace


class FakeClock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def prometheus() -> Iterator[Callable[[Answer], Prometheus]]:
    """A Prometheus that answers instant queries as it is told to."""
    with ExitStack() as stack:

        def made(answer: Answer) -> Prometheus:
            def vector(told: Told) -> list[Any]:
                return [
                    {"metric": {"namespace": namespace}, "value": [time.time(), str(value)]}
                    for namespace, value in answer(told["query"]).items()
                ]

            client = Prometheus(stack.enter_context(answering("vector", vector)))
            stack.callback(client.close)
            return client

        yield made


def test_counters_are_read_as_they_stand_without_extrapolation() -> None:
    queries = Queries.of(Target.load("hwayo"))
    assert queries.requests == 'sum by (namespace) (http_requests_total{service="api-gateway"})'
    assert "increase" not in queries.errors + (queries.slow or "")
    assert "$" not in queries.errors + (queries.slow or "")
    assert queries.bound_us == 2_000_000
    assert (
        as_it_stands("sum(increase(a{b='c'}[$window])) - sum(increase(d[$window]))")
        == "sum(a{b='c'}) - sum(d)"
    )


@pytest.mark.parametrize("counted", ["x{a='b'}", "x"])
def test_only_a_count_that_was_scraped_since_is_believed(
    prometheus: Callable[[Answer], Prometheus], counted: str
) -> None:
    scrapes = iter([time.time() - 5, time.time() - 1, time.time() + 60])

    def answer(query: str) -> dict[str, float]:
        if "timestamp(" in query:
            assert query == f"min by (namespace) (timestamp({counted}))".replace("'", '"')
            return {"green": next(scrapes), "blue": 0.0}
        return {"green": 120.0, "blue": 7.0}

    clock = FakeClock()
    counter = ScrapedCounter(
        prometheus(answer), Queries(f"sum by (namespace) ({counted})", "e"), ("green",), clock=clock
    )
    assert counter.read() == Reading(120, 120)
    assert clock.at == pytest.approx(1.0)


def test_a_count_that_is_never_scraped_again_is_no_evidence(
    prometheus: Callable[[Answer], Prometheus],
) -> None:
    stale = prometheus(lambda _: {"green": 5.0})
    with pytest.raises(Missing, match="did not scrape again"):
        ScrapedCounter(stale, Queries("sum(x{a='b'})", "e"), ("green",), clock=FakeClock()).read()


def test_a_metric_is_that_of_its_namespace_or_unknown(prometheus: Callable[[Answer], Prometheus]) -> None:
    metric = Target.load("hwayo").metrics["cpu_usage"]
    asked: list[str] = []

    def answer(query: str) -> dict[str, float]:
        asked.append(query)
        return {"blue": 0.9, "green": 0.4}

    seen = measure_metric(prometheus(answer), metric, "green", 30)
    assert (seen.value, seen.unit, seen.samples) == (0.4, "share", 1)
    assert "[30s]" in asked[0]
    missing = measure_metric(prometheus(answer), metric, "elsewhere", 30)
    assert missing.value is None
    assert "no value in elsewhere" in missing.why


def test_monitoring_that_sees_what_clients_see_agrees(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(4995, 10) + rows(5, 3000, Outcome.ERROR))
    run.server = ServerCount(Reading(5000, 5, 0), "Prometheus")
    assert disagreements(run, 2_000_000).value == 0


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        (Reading(5100, 60, 0), "requests: the clients saw 5000, Prometheus 5100"),
        (Reading(5000, 10, 0), "errors: the clients saw 60, Prometheus 10"),
        (Reading(5000, 60, 400), "slower than 2 s: the clients saw 0, Prometheus 400"),
    ],
)
def test_monitoring_that_misses_what_clients_see_is_named(tmp_path: Path, reading: Reading, why: str) -> None:
    run = run_of(tmp_path, rows(4940, 10) + rows(60, 10, Outcome.ERROR))
    run.server = ServerCount(reading, "Prometheus")
    seen = disagreements(run, 2_000_000)
    assert seen.value == 1
    assert seen.why == why


def test_nobody_asked_is_unknown(tmp_path: Path) -> None:
    assert disagreements(run_of(tmp_path, rows(10, 10)), None).value is None
