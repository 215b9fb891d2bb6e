"""What a run says about promises: counted, over the right requests, and nothing where it is not valid."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from fixtures.objectives import assess
from fixtures.target import Bound, Indicator, Objective, Side, Target
from reports.baseline.sides import compare
from reports.verdicts import Verdict
from scenarios.load.arrivals import Profile, constant, soak
from scenarios.load.document import (
    LEAST_A_SIDE,
    Wish,
    document_load,
    load_objectives,
    model_of,
    plan_of,
    side_by_side_plan,
)
from scenarios.load.keeping import compared
from scenarios.load.measure import bounds_us, measure
from scenarios.load.plan import BadModel, Closed, Open, Plan, read_model
from scenarios.load.records import Outcome
from scenarios.load.result import LoadRun, Phase
from scenarios.load.samples import Samples
from scenarios.load.validity import Validity
from tests.load.test_samples import Row, written

LOCUSTFILE = "tests/load/locustfile.py"


def promise(that: str, over: str = "load") -> Objective:
    bound, indicator = Bound.read(that), Indicator.read(over)
    return Objective(title="promise", that=bound, over=indicator, source="§1")


def run_of(
    folder: Path, rows: list[Row], validity: Validity | None = None, profile: Profile | None = None
) -> LoadRun:
    samples = Samples.read([written(folder, 0, rows)])
    plan = Plan("http://nobody", Open(profile or constant(500, 10)), LOCUSTFILE)
    phases = [Phase("before", 0, 5), Phase("during", 5, 10)]
    return LoadRun(plan, samples, 10.0, 1000.0, phases, validity or Validity())


def rows(number: int, latency_ms: int, outcome: Outcome = Outcome.OK, endpoint: str = "GET /a") -> list[Row]:
    return [
        (at * 10_000 // max(1, number), latency_ms * 1000, endpoint, "green", outcome) for at in range(number)
    ]


def test_a_percentile_is_counted_and_the_bound_itself_is_beyond(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(960, 100) + rows(20, 1999) + rows(15, 2000) + rows(5, 9000))
    seen = measure(run, promise("p95 < 2s"))
    assert (seen.samples, seen.bad, seen.unit) == (1000, 20, "s")
    assert seen.value == pytest.approx(0.1)
    assert seen.window == (1000.0, 1010.0)
    assert measure(run, promise("p95 <= 2s")).bad == 5
    assert assess(promise("p95 < 2s"), seen)[0] is Verdict.PASS


def test_one_percent_at_ten_seconds_breaks_p99_and_not_p95(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(4900, 100) + rows(100, 10_000))
    assert assess(promise("p95 < 2s"), measure(run, promise("p95 < 2s")))[0] is Verdict.PASS
    assert assess(promise("p99 < 2s"), measure(run, promise("p99 < 2s")))[0] is Verdict.FAIL


def test_what_was_never_offered_is_not_held_against_the_system(tmp_path: Path) -> None:
    """300 requests in ten seconds tell nothing about 500 a second; failures among enough of them do."""
    (tmp_path / "few").mkdir()
    (tmp_path / "failing").mkdir()
    few = run_of(tmp_path / "few", rows(300, 100))
    verdict, reason = assess(promise("throughput >= 500 rps"), measure(few, promise("throughput >= 500 rps")))
    assert verdict is Verdict.UNKNOWN
    assert "only 30/s were offered" in reason
    failing = run_of(tmp_path / "failing", rows(250, 100) + rows(100, 100, Outcome.ERROR))
    assert (
        assess(promise("throughput >= 30 rps"), measure(failing, promise("throughput >= 30 rps")))[0]
        is Verdict.FAIL
    )


def test_who_asks_on_after_the_end_adds_nothing_to_what_was_carried(tmp_path: Path) -> None:
    """The run was ten seconds long; somebody went on asking for a report that did not come."""
    late = [(10_000 + at * 10, 100_000, "GET /report", "green", Outcome.OK) for at in range(500)]
    run = run_of(tmp_path, rows(4000, 100) + late)
    assert measure(run, promise("throughput >= 100 rps")).value == pytest.approx(400)
    assert "only 400/s" in measure(run, promise("throughput >= 450 rps")).why


def test_who_got_no_answer_waited_longer_than_any_bound(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(900, 10) + rows(100, 10, Outcome.DROPPED))
    seen = measure(run, promise("p95 < 30s"))
    assert seen.bad == 100
    assert seen.value == math.inf


def test_whoever_was_refused_fast_was_not_served_in_time(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(100, 10, Outcome.ERROR) + rows(900, 10) + rows(50, 3000))
    assert measure(run, promise("p95 < 2s")).bad == 150


def test_sides_that_mostly_fail_have_no_speed_to_compare(tmp_path: Path) -> None:
    seen = compared(run_of(tmp_path, rows(100, 10, Outcome.ERROR) + rows(900, 10)), {"": compare([])})
    assert seen.value is None
    assert seen.why == "100 of 1000 requests to green failed: there is no speed to compare"


def test_errors_are_counted_by_the_exact_limit(tmp_path: Path) -> None:
    objective = promise("error_rate < 0.1%")
    few = measure(run_of(tmp_path, rows(29_980, 10) + rows(20, 10, Outcome.REFUSED)), objective)
    assert (few.samples, few.bad) == (30_000, 20)
    assert assess(objective, few)[0] is Verdict.PASS
    many = measure(run_of(tmp_path, rows(4975, 10) + rows(25, 10, Outcome.REFUSED)), objective)
    assert many.value == pytest.approx(0.005)
    assert assess(objective, many)[0] is Verdict.FAIL
    short = measure(run_of(tmp_path, rows(1000, 10)), objective)
    verdict, reason = assess(objective, short)
    assert verdict is Verdict.UNKNOWN
    assert "1,995 more" in reason


def test_a_promise_about_an_endpoint_counts_only_that_one(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(100, 10) + rows(50, 900, endpoint="POST /a"))
    assert measure(run, promise("p95 < 500ms", "load GET /a")).bad == 0
    assert measure(run, promise("p95 < 500ms", "load POST /a")).bad == 50
    nobody = measure(run, promise("p95 < 500ms", "load POST /other"))
    assert (nobody.value, nobody.samples) == (None, 0)
    assert nobody.why == "no request of POST /other was sent"


def test_a_whole_that_the_scenario_times_answers_for_its_path_and_is_no_request(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(100, 10, endpoint="POST /r") + rows(60, 25_000, endpoint="REPORT /r"))
    assert measure(run, promise("p95 < 20s", "load POST /r")).bad == 60
    assert measure(run, promise("p95 < 20s")).samples == 100
    assert measure(run, promise("throughput >= 50 reports/h", "load POST /r")).value == pytest.approx(6.0)


def test_throughput_is_what_was_answered_as_it_should_be(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(5000, 10) + rows(100, 10, Outcome.REFUSED))
    seen = measure(run, promise("throughput >= 500 rps"))
    assert seen.value == pytest.approx(500)
    assert assess(promise("throughput >= 500 rps"), seen)[0] is Verdict.PASS
    assert measure(run, promise("users >= 100 users")).value == 100


def test_throughput_is_told_of_the_time_in_which_the_whole_rate_was_asked_for(tmp_path: Path) -> None:
    """The rise before it asks for less; what fails in it is a failure like any other."""
    rise = [(at * 50, 10_000, "GET /a", "green", Outcome.REFUSED) for at in range(100)]
    held = [(5000 + at * 2, 10_000, "GET /a", "green", Outcome.OK) for at in range(2500)]
    run = run_of(tmp_path, rise + held, profile=soak(500, 5))
    assert measure(run, promise("throughput >= 500 rps")).value == pytest.approx(500)
    assert measure(run, promise("error_rate < 0.1%")).bad == 100


def test_a_phase_is_measured_by_itself(tmp_path: Path) -> None:
    run = run_of(tmp_path, rows(100, 10))
    assert measure(run, promise("p95 < 1s"), phase="during").samples == 50
    assert measure(run, promise("throughput >= 5 rps"), phase="during").value == pytest.approx(10)


def test_an_invalid_run_passes_nothing_and_blames_nobody(tmp_path: Path) -> None:
    late = Validity({"late": "the generator was late: p99 15.0 ms"})
    for load in (rows(1000, 10), rows(1000, 9000)):
        objective = promise("p95 < 2s")
        verdict, reason = assess(objective, measure(run_of(tmp_path, load, late), objective))
        assert verdict is Verdict.INVALID
        assert "the generator was late" in reason


def test_what_a_load_run_cannot_tell_is_not_made_up(tmp_path: Path) -> None:
    seen = measure(run_of(tmp_path, rows(10, 10)), promise("bandwidth < 60%"))
    assert seen.value is None
    assert "cannot tell" in seen.why


# --- the document's load ---------------------------------------------------------------------------------------------
def test_the_documents_load_is_that_of_its_objectives_at_the_environments_pace() -> None:
    target = Target.load("hwayo")
    figures = document_load(target, target.environment("lab"))
    assert (figures.rate_rps, figures.users, figures.written_s) == (500, 100, 600)
    assert figures.duration_s == pytest.approx(10)
    model = model_of(figures, Wish())
    assert isinstance(model, Open)
    assert model.sessions == 100
    assert model.profile.rate(1) == pytest.approx(101)
    assert model.profile.rate(6) == pytest.approx(505)
    assert model.held_s == pytest.approx(10)
    assert document_load(target, target.environment("production")).duration_s == 600


def test_a_plan_leads_to_the_sides_and_knows_the_bounds() -> None:
    target = Target.load("hwayo")
    sides = {"blue": Side.BLUE, "green": Side.GREEN}
    plan = plan_of(target, target.environment("production"), sides, Wish())
    assert plan.host == "https://hwayo.com"
    assert plan.sides == {"blue": {}, "green": {"canary": "true"}}
    assert plan.file.name == "hwayo.py"
    assert plan.file.exists()
    assert {299_999, 499_999, 1_999_999} <= set(plan.bounds_us)
    assert Plan.read(plan.plain()) == plan


@pytest.mark.parametrize(
    ("wish", "rate_rps", "duration_s"),
    [
        (Wish("rate=300/s", duration_s=60), 150, 120),  # as many requests, at half the rate
        (Wish("rate=300/s", duration_s=10), 150, 2 * LEAST_A_SIDE / 150),  # and never too few to compare
        (Wish("users=50", duration_s=100), 50, 200),
    ],
)
def test_sides_that_take_turns_are_asked_for_half_of_what_was_wished(
    wish: Wish, rate_rps: float, duration_s: float
) -> None:
    target = Target.load("hwayo")
    sides = {str(side): side for side in (Side.BLUE, Side.GREEN)}
    plan = side_by_side_plan(target, target.environment("production"), sides, wish)
    assert isinstance(plan.model, Open)
    assert plan.model.profile.rate(1.0) == rate_rps
    assert plan.model.duration_s == duration_s
    assert list(plan.sides) == ["blue", "green"]


def test_every_load_promise_of_the_document_has_a_bound_or_an_answer() -> None:
    objectives = load_objectives(Target.load("hwayo"))
    assert {one.that.what for one in objectives} >= {"p95", "error_rate", "throughput", "users"}
    assert bounds_us(objectives) == tuple(sorted(bounds_us(objectives)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("rate=500/s", "open, soak 500/s, 100 sessions, 60 s"), ("users=100", "closed, 100 users, 60 s")],
)
def test_a_model_is_read_as_it_is_written(text: str, expected: str) -> None:
    assert str(read_model(text, 60)) == expected


@pytest.mark.parametrize(
    "text", ["500", "rate=500", "rate=0/s", "users=0", "users=1.5", "rate=-1/s", "rate=5/m", ""]
)
def test_a_model_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadModel):
        read_model(text, 60)
    with pytest.raises(BadModel, match="no profile"):
        read_model("users=5", 60, "spike")


def test_a_closed_plan_survives_the_way_to_a_worker() -> None:
    plan = Plan("http://x", Closed(5, 2.0), LOCUSTFILE, bounds_us=(1, 2))
    assert Plan.read(plan.plain()) == plan
