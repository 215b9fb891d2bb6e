"""What was measured is held against what was measured before, shown on a page, and kept where that was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from fixtures.load_options import LoadOptions
from fixtures.plugin import gate_of
from fixtures.session.judge import Judge
from fixtures.session.terminal import Say
from fixtures.target import Bound, Indicator, Objective, Target
from reports.baseline import page
from reports.baseline.page import Told
from reports.baseline.store import AGAINST_ITSELF, Kept
from reports.recorder import Recorder
from reports.verdicts import Evidence, Verdict
from scenarios.load.document import Wish, load_objectives, side_by_side_plan
from scenarios.load.engine import run_load
from scenarios.load.keeping import Occasion, kept, noise_floor, side_by_side, uncompared
from scenarios.load.measure import beyond_the_load
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
def names(asked: LoadOptions, pytestconfig: pytest.Config) -> Asked:
    return Asked(asked.baseline, asked.save_baseline, pytestconfig.rootpath / asked.baselines)


@pytest.fixture
def beyond(run: LoadRun, target: Target) -> dict[str, str]:
    """Promises that this load cannot show, and why: a baseline of little load is one all the same."""
    why = {one.name: beyond_the_load(run, one) for one in load_objectives(target)}
    return {name: reason for name, reason in why.items() if reason}


@pytest.fixture
def occasion(
    surroundings: Surroundings, recorder: Recorder, beyond: dict[str, str], pytestconfig: pytest.Config
) -> Occasion:
    """The verdict is the one that the other tests of the whole stage came to; a part of them is no verdict."""
    found = [
        one.verdict
        for one in recorder.findings
        if one.stage == "load" and one.gates and one.name not in beyond
    ]
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


@pytest.fixture
def beside(
    remembered: Kept, both: LoadRun, measure_noise: Callable[[], Kept], names: Asked, remark: Say,
    beyond: dict[str, str],
) -> Told:  # fmt: skip
    """The run beside those before it, and what became of it."""
    notes = [f"Not put to the test: {why}." for why in beyond.values()]
    if names.save:
        notes.append(f"Baseline {names.save}, {save(remembered, names, measure_noise)}.")
        remark(notes[-1])
    if why := uncompared(both):
        notes.append(f"Blue and green were not compared: {why}.")
    found = told(remembered, names, {} if why else side_by_side(both))
    return dataclasses.replace(found, notes=(*found.notes, *notes))


def test_remembered(beside: Told, remark: Say, judge: Judge, pytestconfig: pytest.Config) -> None:
    """In line with what was measured before, under the same conditions."""
    path = page.write(beside, gate_of(pytestconfig).options.folder / PAGE)
    remark(f"performance: {path}")
    seen = standing(beside)
    shown = Evidence("how it performed, against what it was", PAGE, "file")
    judge(IN_LINE, dataclasses.replace(seen, evidence=(*seen.evidence, shown)))
