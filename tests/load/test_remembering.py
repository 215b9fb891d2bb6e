"""What becomes of a run that is over: kept or not, and beside which others it is shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fixtures.objectives import assess
from fixtures.target import Bound
from reports.baseline import store
from reports.baseline.history import FEWEST
from reports.baseline.store import AGAINST_ITSELF, Floor, Kept, Noise
from reports.verdicts import Verdict
from scenarios.load.remembering import Asked, save, standing, told
from tests.load.test_store import HERE, kept

QUIET = Noise({"": Floor(1.02, 1.05)}, {"": Floor(1.1, 1.2)})
NONE_OUT = Bound.read("violations <= 0 violations")


def floor(**more: Any) -> Kept:
    return kept("noise", kind=AGAINST_ITSELF, noise=QUIET, **more)


def slow(run: Kept, times: float) -> Kept:
    spreads = [dataclasses.replace(one, p95_s=(one.p95_s or 0) * times) for one in run.distributions]
    return dataclasses.replace(run, distributions=tuple(spreads))


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(save="main", folder=tmp_path)


def test_the_first_run_brings_its_noise_floor_and_the_next_one_none(asked: Asked) -> None:
    assert save(kept("one"), asked, floor).endswith("main.jsonl, with its noise floor")
    said = save(kept("two", at=2000.0), asked, lambda: pytest.fail("it was measured before"))
    assert said.endswith("main.jsonl")
    assert sorted(one.kind for one in store.load("main", asked.folder).kept) == ["a/a", "run", "run"]


def test_the_noise_of_other_conditions_is_measured_anew(asked: Asked) -> None:
    save(kept("one"), asked, floor)
    other = dataclasses.replace(HERE, load="closed, 100 users, 10 s")
    noise = floor(conditions=other)
    said = save(kept("two", conditions=other), asked, lambda: dataclasses.replace(noise, id="more"))
    assert said.endswith("with its noise floor")


@pytest.mark.parametrize("verdict", ["FAIL", "UNKNOWN", "INVALID", "PARTIAL: 2 of 19 checks"])
def test_whatever_did_not_pass_as_a_whole_is_not_kept_and_costs_no_noise_run(
    asked: Asked, verdict: str
) -> None:
    said = save(kept(verdict=verdict), asked, lambda: pytest.fail("nobody needs it"))
    assert said.startswith("not kept: only valid runs that pass")
    assert verdict in said
    assert not list(asked.folder.iterdir())


def test_a_noise_run_that_is_not_valid_makes_no_floor(asked: Asked) -> None:
    said = save(kept(), asked, lambda: floor(validity="the generator was late"))
    assert "without a noise floor" in said
    assert "the generator was late" in said
    assert store.load("main", asked.folder).noise(HERE) is None


def test_a_run_is_held_against_those_before_it_and_not_against_itself(asked: Asked) -> None:
    save(kept("one"), asked, floor)
    save(kept("two", at=2000.0), asked, floor)
    beside = told(kept("two", at=2000.0), asked, {})
    assert [one.id for one in beside.before] == ["one"]
    assert beside.noise == QUIET
    assert told(kept("one"), dataclasses.replace(asked, save="other"), {}).before == ()


def test_runs_under_other_conditions_are_left_out_or_refused(asked: Asked) -> None:
    other = dataclasses.replace(HERE, pace="1")
    save(kept("one", conditions=other), asked, lambda: floor(conditions=other))
    refused = told(kept("two"), asked, {})
    assert refused.before == ()
    assert "pace: then 1, now 1/60" in refused.refused
    save(kept("two"), asked, lambda: dataclasses.replace(floor(), id="second noise"))
    beside = told(kept("three"), asked, {})
    assert [one.id for one in beside.before] == ["two"]
    assert beside.notes == ("1 of 2 runs were made under other conditions.",)


def test_a_history_says_nothing_before_it_has_ten_runs_and_then_who_is_out_of_line(asked: Asked) -> None:
    verdicts = []
    for at in range(FEWEST + 1):
        now = slow(kept(f"run{at:02}", at=float(at)), 2.0 if at == FEWEST else 1.0)
        verdicts.append(assess(NONE_OUT, standing(told(now, asked, {})))[0])
        save(now, asked, floor)
    assert verdicts[:-1] == [Verdict.UNKNOWN] * FEWEST
    assert verdicts[-1] is Verdict.FAIL
    healthy = standing(told(kept("again", at=99.0), asked, {}))
    assert assess(NONE_OUT, healthy)[0] is Verdict.PASS
