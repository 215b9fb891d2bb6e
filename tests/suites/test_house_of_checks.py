"""What holds for all checks, suites and defects together."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest

from fixtures.clock import TimedOut, wait_until
from fixtures.lab.defects import known
from fixtures.target import Check
from fixtures.target.checks import AnyCheck
from scenarios.checks import kinds
from scenarios.tally import Tally
from tests.suites.recorded import hwayo

SUITES = Path(__file__).resolve().parents[2] / "suites"
STAGES = ("preflight", "smoke")
KINDS = {
    kind
    for kind in typing.get_args(typing.get_args(AnyCheck)[0])
    if kind.model_fields["stage"].default in STAGES
}


def promised_in(stage: str) -> dict[str, ast.FunctionDef]:
    """Of each test its syntax, by file and name."""
    return {
        f"{file.name}::{node.name}": node
        for file in (SUITES / stage).glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_kind_of_check_can_be_measured() -> None:
    assert kinds() >= KINDS


def test_every_kind_of_check_has_its_test() -> None:
    asked = {
        typing.cast(ast.Name, argument.annotation).id
        for stage in STAGES
        for test in promised_in(stage).values()
        for argument in test.args.args
        if argument.arg == "check"
    }
    assert asked == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("stage", STAGES)
def test_a_suite_says_what_it_promises_and_knows_no_system(stage: str) -> None:
    for name, test in promised_in(stage).items():
        assert ast.get_docstring(test), name
    for file in (SUITES / stage).glob("*.py"):
        assert "hwayo" not in file.read_text().lower(), file


def test_every_defect_names_checks_of_its_stage() -> None:
    pages = {name: "e2e" for name, one in hwayo().objectives.items() if one.over.kind == "page"}
    stages = {**pages, **{check.name: check.stage for check in hwayo().checks}}
    for defect in known("hwayo").values():
        if defect.stage not in (*STAGES, "e2e"):
            continue  # tests/release and tests/load say what theirs come to
        assert defect.caught_by or defect.blinds
        for name in defect.caught_by | defect.blinds:
            assert stages[name] == defect.stage, (defect.name, name)


def test_every_check_that_the_lab_can_show_is_proven_by_a_defect() -> None:
    """A check that no defect has ever failed may be one that cannot fail."""
    lab = hwayo().environment("lab")
    shown = [
        check for check in hwayo().checks if check.stage in STAGES and not lab.lacks(check.name, check.parts)
    ]
    caught = {name for defect in known("hwayo").values() for name in defect.caught_by}
    assert {check.name for check in shown if isinstance(check, Check)} - caught == ELSEWHERE


# By a profile whose rules are cut off (test_gate), and on small servers (test_monitoring_checks).
ELSEWHERE = {"alert-rules-valid", "monitoring-healthy"}


def test_nothing_examined_is_no_value_and_a_violation_outweighs_what_was_not_seen() -> None:
    tally = Tally("doors")
    assert tally.measurement().value is None
    tally.saw("front")
    assert tally.measurement().value == 0
    tally.unseen("the back door is out of sight")
    assert tally.measurement().value is None
    tally.breaks("front", "stands open")
    found = tally.measurement()
    assert (found.value, found.samples, found.bad) == (1, 1, 1)
    assert found.why == "front: stands open"


def test_many_violations_are_all_in_the_evidence_and_few_in_the_summary() -> None:
    tally = Tally("doors")
    for number in range(9):
        tally.breaks(f"door {number}", "stands open")
    found = tally.measurement()
    assert found.why.endswith("; and 4 more")
    assert "door 8: stands open" in found.evidence[0].text


class FakeClock:
    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_waiting_ends_with_the_answer_or_with_the_bound() -> None:
    clock = FakeClock()
    assert wait_until(lambda: clock.at >= 3, 10, clock, poll_s=1) == 3
    with pytest.raises(TimedOut) as caught:
        wait_until(lambda: False, 5, clock, poll_s=2)
    assert caught.value.waited_s == 5
