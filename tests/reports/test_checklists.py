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


@pytest.mark.parametrize(
    ("findings", "state", "why"),
    [
        ([], State.UNVERIFIED, "not looked at in this run: log-in, session"),
        ([finding(name="log-in", checklist=ANSWERS)], State.UNVERIFIED, "not looked at in this run: session"),
        (
            [
                finding(name="log-in", checklist=ANSWERS),
                finding(name="session", checklist=ANSWERS, must=False),
            ],
            State.PROVEN,
            "",
        ),
        (
            [finding(Verdict.UNKNOWN, name="session", checklist=ANSWERS, reason="dark")],
            State.UNVERIFIED,
            "dark; not looked at in this run: log-in",
        ),
        (
            [finding(Verdict.FAIL, name="session", checklist=ANSWERS, reason="slow")],
            State.FAILED,
            "slow",
        ),
        (
            [
                finding(name="log-in", checklist=ANSWERS),
                finding(name="session", checklist=ANSWERS, subject="one"),
                finding(Verdict.FAIL, name="session", checklist=ANSWERS, subject="two", reason="slow"),
            ],
            State.FAILED,
            "slow",
        ),
        (
            [
                finding(name="log-in", checklist=ANSWERS),
                finding(name="session", checklist=ANSWERS, absent="no door"),
            ],
            State.UNVERIFIED,
            "no door",
        ),
    ],
)
def test_a_line_with_several_provers_needs_each_of_them(
    findings: list[Finding], state: State, why: str
) -> None:
    line = Line("post.1", "用戶登入功能正常", "", ("log-in", "session"))
    (ticked,) = tick(Checklist("After", "§9.3", {"functional": (line,)}), findings).sections["functional"]
    assert (ticked.state, ticked.why) == (state, why)


def test_a_long_list_of_what_is_missing_is_cut() -> None:
    line = Line("post.1", "API", "", tuple("abcdefg"))
    (ticked,) = tick(Checklist("After", "§9.3", {"api": (line,)}), []).sections["api"]
    assert ticked.why == "not looked at in this run: a, b, c, d and 3 more"
