"""Steps are timed, proven, and able to fail the drill; what was not carried out is never passed over."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.target.drills import Drill, Step
from reports.verdicts import Verdict
from scenarios.drills.runbook import AtTheTerminal, Nobody, carry_out


def step(name: str, **told: Any) -> Step:
    return Step.model_validate({"name": name, "title": name.title(), **told}, strict=False)


def test_each_step_has_its_proof_and_its_time() -> None:
    first, second = carry_out(
        [step("a", owner="DevOps"), step("b")], {"a": lambda: "done so", "b": lambda: "too"}, Nobody()
    )
    assert (first.verdict, first.said, first.owner) == (Verdict.PASS, "done so", "DevOps")
    assert second.verdict is Verdict.PASS
    assert 0 <= first.took_s < 1


@pytest.mark.parametrize(
    ("act", "verdict", "says"),
    [
        (None, Verdict.UNKNOWN, "skipped: nobody has written down"),
        (lambda: "", Verdict.UNKNOWN, "skipped: nothing proves"),
        (lambda: 1 / 0, Verdict.FAIL, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_step_that_was_not_done_is_named(act: Any, verdict: Verdict, says: str) -> None:
    (done,) = carry_out([step("notify")], {} if act is None else {"notify": act}, Nobody())
    assert done.verdict is verdict
    assert done.said.startswith(says)


def test_a_step_beyond_its_budget_fails_and_keeps_its_proof() -> None:
    def slow() -> str:
        time.sleep(0.03)
        return "done at last"

    (done,) = carry_out([step("switch", budget="10ms")], {"switch": slow}, Nobody())
    assert done.verdict is Verdict.FAIL
    assert done.said.startswith("took 0.0 s, allowed are 10ms; done at last")
    assert done.budget_s == 0.01


def test_after_a_failure_only_what_must_be_done_anyway_is_done() -> None:
    steps = [step("restore"), step("redeploy"), step("tell", anyway=True)]
    done = carry_out(steps, {"redeploy": lambda: "x", "tell": lambda: "told"}, Nobody())
    assert [one.verdict for one in done] == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PASS]
    assert done[1].said == "not carried out: Restore had failed"


def test_a_person_is_asked_and_the_answer_recorded() -> None:
    asked: list[str] = []

    def read(prompt: str) -> str:
        asked.append(prompt)
        return " 資料完整性問題 "

    reason = step("reason", by="person", prompt="why?")
    (done,) = carry_out([reason], {}, AtTheTerminal(read))
    assert (done.verdict, done.said, done.by) == (Verdict.PASS, "資料完整性問題", "person")
    assert asked == ["Reason: why? "]


def test_without_anybody_to_ask_a_persons_step_fails() -> None:
    def ended(_: str) -> str:
        raise EOFError

    reason = step("reason", by="person", prompt="why?")
    for person in (Nobody(), AtTheTerminal(ended), AtTheTerminal(lambda _: "  ")):
        (done,) = carry_out([reason], {"reason": lambda: "made up"}, person)
        assert (done.verdict, done.said) == (Verdict.FAIL, "it needs a person, and nobody answered")


def test_ctrl_c_stops_at_any_step() -> None:
    def stopped() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out([step("a")], {"a": stopped}, Nobody())


@pytest.mark.parametrize(
    "wrong",
    [{"by": "person"}, {"prompt": "why?"}, {"by": "robot"}, {"budget": 5}],
)
def test_a_step_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        step("a", **wrong)


def test_a_drill_names_each_step_once() -> None:
    told = {"title": "t", "steps": [{"name": "a", "title": "A"}] * 2, "source": "§1"}
    with pytest.raises(ValidationError):
        Drill.model_validate(told, strict=False)
