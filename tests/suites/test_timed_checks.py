"""Whoever is held to a time says how long the slowest took."""

from __future__ import annotations

import pytest

from fixtures.lab import Lab
from fixtures.target import Side, Target
from scenarios.checks import measure
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


def test_the_slowest_is_told_and_named() -> None:
    tally = Tally("pods")
    for pod, took_s in (("web-1", 0.02), ("web-2", 0.31), ("web-3", 0.05)):
        tally.took(pod, took_s)
    seen = tally.measurement()
    assert (seen.samples, seen.slowest_s) == (3, 0.31)
    assert "slowest: web-2, 310 ms" in [one.title for one in seen.evidence]


def test_it_is_told_of_violations_and_of_what_stays_unknown_too() -> None:
    tally = Tally("pods")
    tally.took("web-1", 0.02)
    tally.unseen("auth-service has no pod")
    assert (tally.measurement().value, tally.measurement().slowest_s) == (None, 0.02)
    tally.breaks("web-2", "does not answer")
    assert (tally.measurement().value, tally.measurement().slowest_s) == (1, 0.02)


def test_nobody_is_slowest_where_nobody_was_timed() -> None:
    tally = Tally("nodes")
    tally.saw("node-1")
    assert tally.measurement().slowest_s is None


@pytest.mark.lab
def test_every_check_that_has_a_time_tells_it(lab: Lab) -> None:
    target = Target.load("hwayo")
    environment = target.environment("lab").with_facts(lab.facts)
    timed = [one for one in target.checks if hasattr(one, "within") and one.stage in ("preflight", "smoke")]
    assert len(timed) > 20
    around = Surroundings(target, environment, Side.GREEN)
    try:
        slowest = {one.name: (measure(one, around).slowest_s or 0.0) / one.within.amount for one in timed}
    finally:
        around.close()
    assert {name for name, used in slowest.items() if not 0 < used <= 1} == set()
