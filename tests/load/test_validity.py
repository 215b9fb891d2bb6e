"""When a run says nothing: each way is named, and a generator's fault is never the service's."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reports.baseline.histogram import Histogram
from scenarios.load.validity import Ended, Generated, Reading, Sent, ServerCount, judge

GOOD = Generated("1 of 1", 1000, 0, 0, 1000, 2.0, 0.3, Histogram.of([200] * 1000))


def ended(*lost: str, kept: int = 1000, **generated: Any) -> Ended:
    return Ended([dataclasses.replace(GOOD, **generated)], lost, 1000, kept)


def test_a_run_as_it_should_be_is_valid() -> None:
    found = judge(ended(), (Sent(1000, 1000), ServerCount(Reading(1000), "Prometheus")))
    assert found.valid
    assert str(found) == "valid"
    assert found.lateness_p99_s == pytest.approx(0.0002)


@pytest.mark.parametrize(
    ("run", "kind", "said"),
    [
        (ended(offered=989), "offered", "only 989 of 1000 requests were sent (98.9%)"),
        (ended(lateness=Histogram.of([200] * 980 + [30_000] * 20)), "late", "p99 30"),
        (ended(busiest=0.81), "busy", "generator 1 of 1 kept its core 81% busy"),
        (ended("2 of 2"), "lost", "generator 2 of 2 was lost"),
        (ended(unfinished=3), "in flight", "3 requests were still in flight"),
        (ended(kept=998), "kept", "1000 samples were recorded, and 998 arrived"),
        (ended(lateness=Histogram()), "silent", "no request was sent"),
    ],
)
def test_what_makes_a_run_invalid_is_named(run: Ended, kind: str, said: str) -> None:
    found = judge(run)
    assert list(found.reasons) == [kind]
    assert said in str(found)


def test_just_within_every_limit_is_valid() -> None:
    assert judge(ended(offered=990, busiest=0.80, lateness=Histogram.of([200] * 990 + [30_000] * 10))).valid


def test_dropped_requests_are_the_services_failures_and_no_fault_of_the_run() -> None:
    found = judge(ended(dropped=400))
    assert found.valid
    assert found.notes == ["400 requests found no room and count as failures"]


def test_a_closed_run_offers_what_it_offers() -> None:
    assert judge(dataclasses.replace(ended(offered=0), planned=None)).valid


@pytest.mark.parametrize(
    ("sent", "server", "valid"),
    [
        (
            Sent(990, 1000),
            ServerCount(Reading(990), "Prometheus"),
            True,
        ),  # ten got no answer: they may have arrived or not
        (Sent(990, 1000), ServerCount(Reading(1000), "Prometheus"), True),
        (Sent(990, 1000), ServerCount(Reading(989), "Prometheus"), False),
        (Sent(990, 1000), ServerCount(Reading(1001), "Prometheus"), False),
        (
            Sent(990, 1000),
            ServerCount(Reading(5000), "Prometheus", exclusive=False),
            True,
        ),  # others use it too
        (Sent(990, 1000), ServerCount(Reading(900), "Prometheus", exclusive=False), False),
    ],
)
def test_the_servers_count_must_fit_the_clients(sent: Sent, server: ServerCount, valid: bool) -> None:
    assert judge(ended(), (sent, server)).valid is valid


def test_generators_are_judged_together_on_lateness_and_alone_on_their_core() -> None:
    calm, busy = (
        GOOD,
        dataclasses.replace(GOOD, name="2 of 2", busiest=0.9, lateness=Histogram.of([50_000] * 15)),
    )
    found = judge(Ended([calm, busy], (), 2000, 2000))
    assert "generator 2 of 2" in found.reasons["busy"]
    assert "late" in found.reasons
