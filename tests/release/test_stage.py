"""A stage under a scripted sky: an hour's watch in no time, each ending for its own reason."""

from __future__ import annotations

import pytest

from fixtures.target import Target
from scenarios.release.guards import Seen
from scenarios.release.probes import Outcome as Probed
from scenarios.release.stage import StageRun
from scenarios.release.terms import LONGEST, Terms, moments, terms_of
from scenarios.release.watch import Decision, Outcome
from tests.release.worlds import BEGAN_S, FakeClock, Scripted, shared_out


@pytest.fixture(scope="module")
def terms() -> Terms:
    target = Target.load("hwayo")
    return terms_of(target, target.environment("production"))


def watched(terms: Terms, **seen: object) -> tuple[Decision, StageRun, float]:
    """The first stage, whatever it comes to, and how long it took."""
    clock = FakeClock()
    eyes = Scripted(terms, clock, **seen)  # type: ignore[arg-type]
    run = StageRun(terms, terms.stages[0], eyes, clock.now())
    for due_s in moments(clock.now(), terms.tick_s):
        clock.sleep(due_s - clock.now())
        if run.tick(clock.now()) or run.is_over(clock.now()):
            break
    return run.end(), run, clock.now() - BEGAN_S


def test_a_healthy_stage_is_promoted_when_its_time_is_over(terms: Terms) -> None:
    decision, run, took_s = watched(terms)
    assert decision.outcome is Outcome.PROMOTE, decision.reasons
    assert took_s == terms.stages[0].planned_s == 900
    made = run.record(0.0, ["query"])
    assert made.decision.outcome == "promote"
    assert [metric.name for metric in made.metrics] == [claim.name for claim in terms.claims]
    assert all(condition.holds for condition in made.conditions)
    assert made.split is not None
    assert made.split.holds


def test_more_errors_than_blue_are_rolled_back_long_before_the_end(terms: Terms) -> None:
    decision, run, took_s = watched(
        terms, green_bad={"http_error_rate": 0.05}, blue_bad={"http_error_rate": 0.005}
    )
    assert decision.outcome is Outcome.ROLL_BACK
    assert "HTTP 錯誤率" in decision.reasons[0]
    assert run.decided_by == "watch"
    assert took_s < 120


def test_what_hits_both_sides_is_no_reason_to_go_back(terms: Terms) -> None:
    both = {"http_error_rate": 0.3, "login_success": 0.3}
    decision, _, took_s = watched(terms, green_bad=both, blue_bad=both)
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert any("going back would not have helped" in reason for reason in decision.reasons)
    assert took_s == 900


def test_a_trigger_goes_off_after_what_it_must_last(terms: Terms) -> None:
    """CPU is no count: only the trigger of §6.1 sees it before the end."""
    hot = (Seen(0.97, True, "0.97"), Seen(0.3, False, "0.3"))
    decision, run, took_s = watched(terms, values={"cpu_usage": hot})
    assert decision.outcome is Outcome.ROLL_BACK
    assert run.decided_by == "trigger"
    assert "cpu <= 95%" in decision.reasons[0]
    assert took_s == terms.tick_s


def test_a_trigger_that_blue_breaks_too_does_not_go_off(terms: Terms) -> None:
    hot = (Seen(0.97, True, "0.97"), Seen(0.97, True, "0.97"))
    decision, _, took_s = watched(terms, values={"cpu_usage": hot})
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert "blue breaks it too" in decision.reasons[0]
    assert took_s == 900


def test_a_condition_that_cannot_be_read_keeps_the_stage_from_being_promoted(terms: Terms) -> None:
    unread = (Seen(None, None, "it could not be read"), Seen(None, None))
    decision, _, _ = watched(terms, values={"memory_usage": unread})
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert any("could not be read" in reason for reason in decision.reasons)


def test_a_green_that_falls_silent_ends_the_stage(terms: Terms) -> None:
    decision, _, took_s = watched(terms, silent_from_s=BEGAN_S + 300)
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert "green" in "; ".join(decision.reasons)
    assert took_s < 300 + 3 * terms.patience_s


def test_a_weight_that_was_not_applied_ends_the_stage_by_its_own_name(terms: Terms) -> None:
    decision, run, took_s = watched(terms, serve=lambda *_: ("blue", Probed.OK))
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert "the split is off" in decision.reasons[0]
    assert run.decided_by == "split"
    assert took_s <= 3 * terms.tick_s


def test_a_stage_waits_for_answers_that_are_missing_and_not_for_ever(terms: Terms) -> None:
    decision, run, took_s = watched(terms, rps=3.0)
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert took_s == LONGEST * 900
    assert run.missing > 0
    assert any("more answers are missing" in reason for reason in decision.reasons)


def test_a_prober_that_died_keeps_the_stage_from_being_promoted(terms: Terms) -> None:
    clock = FakeClock()
    eyes = Scripted(terms, clock)
    run = StageRun(terms, terms.stages[0], eyes, clock.now())
    clock.sleep(300)
    run.tick(clock.now())
    clock.sleep(600)
    eyes.serve_until_s = BEGAN_S + 300
    run.tick(clock.now())
    assert any("the prober has said nothing for 600 s" in said for said in run.blind())


@pytest.mark.parametrize(("held_up_s", "is_blind"), [(2.0, False), (120.0, True)])
def test_a_prober_that_was_held_up_for_a_moment_does_not_end_the_stage(
    terms: Terms, held_up_s: float, is_blind: bool
) -> None:
    def serve(at_s: float, fresh: bool) -> tuple[str, Probed]:
        if BEGAN_S + 100 <= at_s < BEGAN_S + 100 + held_up_s:
            return "", Probed.DROPPED
        return shared_out(terms.stages[0].weight)(at_s, fresh)

    decision, run, _ = watched(terms, serve=serve)
    assert any("the prober itself was held up 1 times" in said for said in run.blind()) is is_blind
    assert decision.outcome is (Outcome.INCONCLUSIVE if is_blind else Outcome.PROMOTE)
