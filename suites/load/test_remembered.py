"""What was measured is held against what was measured before, shown on a page, and kept where that was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.load_options import LoadOptions
from fixtures.plugin import gate_of
from fixtures.session.judge import Judge
from fixtures.target import Bound, Indicator, Objective, Side
from reports.baseline import page
from reports.baseline.store import Kept
from reports.recorder import Recorder
from reports.verdicts import Verdict
from scenarios.load.document import Wish, side_by_side_plan
from scenarios.load.engine import run_load
from scenarios.load.keeping import Occasion, failing, kept, noise_floor, side_by_side
from scenarios.load.remembering import Asked, against_itself, save, standing, told
from scenarios.load.result import LoadRun
from scenarios.surroundings import Surroundings
from suites.load.conftest import MadeMeans, Say, local

pytestmark = pytest.mark.load

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
def remembered(run: LoadRun, surroundings: Surroundings, recorder: Recorder) -> Kept:
    """The run with the verdict that the other tests came to."""
    found = [one.verdict for one in recorder.findings if one.stage == "load" and one.gates]
    pods = surroundings.pods(surroundings.target.services[0])
    release = ", ".join(sorted({image.rpartition(":")[2] for pod in pods for image in pod.images}))
    occasion = Occasion(
        surroundings.target, surroundings.environment, release, str(Verdict.worst(found)), recorder.id
    )
    return kept(run, occasion)


@pytest.fixture
def noise(
    surroundings: Surroundings, wish: Wish, means: MadeMeans, remembered: Kept, say: Say
) -> Callable[[], Kept]:
    """Runs the same side against itself, to see what is only noise here."""

    def measured() -> Kept:
        say("the same code against itself, once for this environment")
        one: Side = surroundings.side
        plan = side_by_side_plan(surroundings.target, surroundings.environment, {"a": one, "b": one}, wish)
        itself = run_load(plan, local(means(one)))
        return against_itself(remembered, noise_floor(side_by_side(itself, ("a", "b"))[""]))

    return measured


def test_remembered(
    remembered: Kept,
    both: LoadRun,
    noise: Callable[[], Kept],
    asked: LoadOptions,
    request: pytest.FixtureRequest,
) -> None:
    """In line with what was measured before, under the same conditions."""
    names = Asked(asked.baseline, asked.save_baseline)
    beside = told(remembered, names, {} if failing(both) else side_by_side(both))
    say: Say = request.getfixturevalue("say")
    if names.save:
        say(save(remembered, names, noise))
    path = page.write(beside, gate_of(request.config).options.folder / "performance.html")
    say(f"performance: {path}")
    judge: Judge = request.getfixturevalue("judge")
    judge(IN_LINE, standing(beside))
