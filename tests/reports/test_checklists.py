"""A line is ticked only by what proves it."""

from __future__ import annotations

import pytest

from reports.checklists import Checklist, Line, State, tick
from reports.verdicts import Finding, Verdict
from tests.reports.making import finding

LINE = Line("post.1", "用戶登入功能正常", "for a person")
ANSWERS = ("post.1",)


@pytest.mark.parametrize(
    ("findings", "state", "why"),
    [
        ([], State.UNVERIFIED, "for a person"),
        ([finding(checklist=("post.2",))], State.UNVERIFIED, "for a person"),
        ([finding(checklist=ANSWERS)], State.PROVEN, ""),
        ([finding(Verdict.UNKNOWN, checklist=ANSWERS, reason="dark")], State.UNVERIFIED, "dark"),
        ([finding(Verdict.FAIL, checklist=ANSWERS, reason="slow")], State.FAILED, "slow"),
        (
            [finding(checklist=ANSWERS), finding(Verdict.FAIL, checklist=ANSWERS, reason="slow")],
            State.FAILED,
            "slow",
        ),
        (
            [finding(checklist=ANSWERS), finding(checklist=ANSWERS, absent="no DNS")],
            State.UNVERIFIED,
            "no DNS",
        ),
        ([finding(Verdict.FAIL, checklist=ANSWERS, absent="no DNS")], State.UNVERIFIED, "no DNS"),
        (
            [
                finding(checklist=ANSWERS, absent="no DNS"),
                finding(Verdict.FAIL, checklist=ANSWERS, reason="slow"),
            ],
            State.FAILED,
            "slow",
        ),
        ([finding(Verdict.FAIL, checklist=ANSWERS, must=False, reason="slow")], State.FAILED, "slow"),
    ],
)
def test_a_line_is_in_one_of_three_states(findings: list[Finding], state: State, why: str) -> None:
    ticked = tick(Checklist("After", "§9.3", {"functional": (LINE,)}), findings)
    (line,) = ticked.sections["functional"]
    assert (line.state, line.why) == (state, why)
    assert ticked.counts[state] == 1


def test_a_missed_should_does_not_untick_what_its_must_proves() -> None:
    findings = [finding(checklist=ANSWERS), finding(Verdict.FAIL, checklist=ANSWERS, must=False)]
    (line,) = tick(Checklist("After", "§9.3", {"functional": (LINE,)}), findings).sections["functional"]
    assert line.state is State.PROVEN
