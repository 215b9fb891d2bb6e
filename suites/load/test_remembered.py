"""What was measured is held against what was measured before, shown on a page, and kept where that was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from fixtures.load_options import LoadOptions
from fixtures.plugin import gate_of
from fixtures.session.judge import Judge
from fixtures.session.terminal import Say
from fixtures.target import Bound, Indicator, Objective
from reports.baseline import page
from reports.baseline.store import AGAINST_ITSELF, Kept
from reports.recorder import Recorder
from reports.verdicts import Evidence, Verdict
from scenarios.load.document import Wish, side_by_side_plan
from scenarios.load.engine import run_load
from scenarios.load.keeping import Occasion, kept, noise_floor, side_by_side, uncompared
from scenarios.load.remembering import Asked, save, standing, told
from scenarios.load.result import LoadRun
from scenarios.surroundings import Surroundings
from suites.load.conftest import MadeMeans, local

pytestmark = pytest.mark.load

PAGE = "performance.html"
# A history is for people: it gates nothing.
IN_LINE = Objective(
    name="in_line_with_baseline",
    title="效能基準測試通過",
    that=Bound.read("violations <= 0 violations"),
    over=Indicator.read("load"),
    source="§9.3",
    must=False,
)


@pytest.fixture
def occasion(surroundings: Surroundings, recorder: Recorder, pytestconfig: pytest.Config) -> Occasion:
    """The verdict is the one that the other tests of the whole stage came to; a part of them is no verdict."""
    found = [one.verdict for one in recorder.findings if one.stage == "load" and one.gates]
    verdict = gate_of(pytestconfig).scope.part or str(Verdict.worst(found))
    pods = surroundings.pods(surroundings.target.services[0])
    release = ", ".join(sorted({image.rpartition(":")[2] for pod in pods for image in pod.images}))
    return Occasion(surroundings.target, surroundings.environment, release, verdict, recorder.id)


@pytest.fixture
def remembered(run: LoadRun, occasion: Occasion) -> Kept:
    return kept(run, occasion)


@pytest.fixture
def measure_noise(
    surroundings: Surroundings, wish: Wish, means: MadeMeans, say: Say, remembered: Kept, occasion: Occasion
) -> Callable[[], Kept]:
    """Runs the same side against itself, to see what is only noise under the conditions of this run."""

    def measured() -> Kept:
        say("the same code against itself, once for these conditions")
        same, twice = surroundings.side, ("a", "b")
        plan = side_by_side_plan(
            surroundings.target, surroundings.environment, dict.fromkeys(twice, same), wish
        )
        itself = run_load(plan, local(means(same)))
        about = dataclasses.replace(occasion, id=f"{occasion.id}-aa", kind=AGAINST_ITSELF)
        floor = noise_floor(itself, twice)
        return dataclasses.replace(kept(itself, about, floor), conditions=remembered.conditions)

    return measured


def test_remembered(
    remembered: Kept, both: LoadRun, measure_noise: Callable[[], Kept], asked: LoadOptions, say: Say,
    judge: Judge, pytestconfig: pytest.Config,
) -> None:  # fmt: skip
    """In line with what was measured before, under the same conditions."""
    names = Asked(asked.baseline, asked.save_baseline, pytestconfig.rootpath / asked.baselines)
    if names.save:
        say(save(remembered, names, measure_noise))
    if why := uncompared(both):
        beside = told(remembered, names, {})
        notes = (*beside.notes, f"Blue and green were not compared: {why}.")
        beside = dataclasses.replace(beside, notes=notes)
    else:
        beside = told(remembered, names, side_by_side(both))
    path = page.write(beside, gate_of(pytestconfig).options.folder / PAGE)
    say(f"performance: {path}")
    seen = standing(beside)
    shown = Evidence("how it performed, against what it was", PAGE, "file")
    judge(IN_LINE, dataclasses.replace(seen, evidence=(*seen.evidence, shown)))
