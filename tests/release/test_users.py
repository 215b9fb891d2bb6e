"""As many stand-in users come as the claims need beside the real ones, in the same mix for both sides."""

from __future__ import annotations

import dataclasses
import re
from types import SimpleNamespace
from typing import cast

import pytest

from fixtures.probes.prometheus import Prometheus
from fixtures.target import Side, Target
from scenarios.load.plan import Open
from scenarios.release.terms import LONGEST, Terms, terms_of
from scenarios.release.users import GENTLE_RPS, natural_rps, needed_rps, share, users_plan
from tests.release.worlds import BEGAN_S, FakeClock

TARGET = Target.load("hwayo")
assert TARGET.release is not None
RELEASE = TARGET.release


def terms(environment: str) -> Terms:
    return terms_of(TARGET, TARGET.environment(environment))


def test_without_users_green_gets_the_answers_of_every_claim() -> None:
    for name in ("lab", "production"):
        found = terms(name)
        rate_rps = needed_rps(RELEASE, found, {})
        assert rate_rps > 0
        for stage in (*found.stages, found.full):
            green_rps = rate_rps / 2 * (1 + stage.weight)
            longest_s = stage.planned_s * (LONGEST if rate_rps >= GENTLE_RPS else 1) - 2 * found.tick_s
            for claim in found.claims:
                assert green_rps * share(RELEASE, claim.name) * longest_s >= claim.needed


def test_enough_users_are_left_alone() -> None:
    busy = {claim.name: 1000.0 for claim in terms("production").claims}
    assert needed_rps(RELEASE, terms("production"), busy) == 0
    assert users_plan(TARGET, TARGET.environment("production"), 0) is None


def test_a_few_users_are_topped_up_by_what_is_missing() -> None:
    found = terms("production")
    some = {claim.name: 1.0 for claim in found.claims}
    assert 0 < needed_rps(RELEASE, found, some) <= needed_rps(RELEASE, found, {})


class Asked:
    """What monitoring counted in the window before each moment: a stage asked until the release began, nobody since."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def query(self, promql: str) -> list[SimpleNamespace]:
        (window,) = set(re.findall(r"\[(\d+)s\]", promql))
        over = self._clock.now() - int(window) >= BEGAN_S
        return [SimpleNamespace(value=0.0 if over else 1000.0)]


@pytest.mark.parametrize("environment", ["lab", "production"])
def test_what_an_earlier_stage_has_asked_is_not_taken_for_users(environment: str) -> None:
    clock, found = FakeClock(), terms(environment)
    natural = natural_rps(cast(Prometheus, Asked(clock)), TARGET, found, clock)
    assert natural == dict.fromkeys((claim.name for claim in found.claims), 0.0)
    assert needed_rps(RELEASE, found, natural) > 0


def test_stand_ins_come_in_pairs_with_and_without_a_side() -> None:
    environment = TARGET.environment("production")
    plan = users_plan(TARGET, environment, 40)
    assert plan is not None
    assert plan.sides == {"users": {}, "green": dict(environment.route[Side.GREEN])}
    assert isinstance(plan.model, Open)
    assert plan.model.profile.peak_rps == 40


def test_nobody_stands_in_where_nobody_wrote_what_users_do() -> None:
    other = TARGET.model_copy(update={"release": RELEASE.model_copy(update={"users": {}})})
    assert users_plan(other, TARGET.environment("production"), 40) is None


@pytest.mark.parametrize("weight", [0.01, 0.5])
def test_a_smaller_share_needs_more_users(weight: float) -> None:
    found = terms("production")
    only = dataclasses.replace(
        found, stages=(dataclasses.replace(found.stages[0], weight=weight),), full=found.full
    )
    some = {claim.name: 0.5 for claim in found.claims}
    assert needed_rps(RELEASE, only, some) >= needed_rps(
        RELEASE, dataclasses.replace(only, stages=(found.full,)), some
    )
