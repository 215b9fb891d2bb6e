"""The verdict on a run, and how it is put into one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from reports.run import BRIEF, Ending, Run, brief, by_stage
from reports.verdicts import Finding, Verdict
from tests.reports.making import LEFT, STARTED, finding, run

FINDINGS = some.lists(
    some.builds(
        finding,
        some.sampled_from(Verdict),
        must=some.booleans(),
        absent=some.sampled_from(["", "not in this environment"]),
        at=some.floats(STARTED, STARTED + 60),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(FINDINGS)
def test_a_run_passes_only_when_something_gates_and_all_that_gates_passed(findings: list[Finding]) -> None:
    gating = [one.verdict for one in findings if one.gates]
    assert (run(*findings).verdict is Verdict.PASS) == (bool(gating) and set(gating) == {Verdict.PASS})
    assert (run(*findings).word == "FAIL") == (Verdict.FAIL in gating)


@settings(deadline=None)
@given(FINDINGS)
def test_what_did_not_run_or_was_cut_short_is_no_pass_and_hides_no_failure(findings: list[Finding]) -> None:
    for left in (run(*findings, not_run=(LEFT,)), run(*findings, ending=Ending(STARTED, 2, "SIGTERM"))):
        assert left.verdict is not Verdict.PASS
        assert (left.word == "FAIL") == bool(run(*findings).failures)


@settings(deadline=None)
@given(FINDINGS)
def test_counts_account_for_every_finding(findings: list[Finding]) -> None:
    counts = run(*findings).counts
    assert sum(counts[verdict] for verdict in Verdict) == sum(one.gates for one in findings)
    assert counts["absent"] == sum(bool(one.absent) for one in findings)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (run(finding()), "All 1 must-objectives hold on green of Hwayo in lab."),
        (run(), "Nothing was judged, and no evidence is not success."),
        (run(finding(absent="no DNS")), "Nothing was judged, and no evidence is not success."),
        (
            run(
                finding(),
                finding(Verdict.FAIL, at=STARTED + 9, title="Later"),
                finding(Verdict.FAIL, reason="too slow", subject="POST /login"),
            ),
            "Login is fast (POST /login): too slow; 1 more failed",
        ),
        (
            run(finding(), finding(Verdict.UNKNOWN, reason="Prometheus did not answer")),
            "Nothing failed, but 1 of 2 could not be judged. First, Login is fast: Prometheus did not answer",
        ),
        (run(finding(), not_run=(LEFT,)), f"Nothing failed, but 1 check did not run: {LEFT.why}."),
        (
            run(finding(), not_run=(LEFT, LEFT), ending=Ending(STARTED, 2, "SIGTERM")),
            "The run was cut short by SIGTERM, with 2 checks not carried out.",
        ),
    ],
)
def test_the_reason_is_one_sentence_about_what_decided(made: Run, reason: str) -> None:
    assert made.reason == reason


def test_stages_come_in_the_order_in_which_they_run() -> None:
    stages = ["chaos", "ours", "smoke", "preflight"]
    assert list(by_stage([finding(stage=one) for one in stages])) == ["preflight", "smoke", "chaos", "ours"]


def test_reasons_for_what_is_absent_are_told_once() -> None:
    made = run(finding(absent="no DNS"), finding(absent="no DNS", title="Zone"), finding(absent="no ELK"))
    assert made.unverifiable == {"no DNS": ["Login is fast", "Zone"], "no ELK": ["Login is fast"]}


@settings(deadline=None)
@given(some.text(), some.integers(0, 300))
def test_a_reason_in_brief_is_one_line_and_its_own_beginning(text: str, times: int) -> None:
    whole = " ".join((text + " word; ") * times).strip() or text
    short = brief(whole)
    assert len(short) <= BRIEF + 2
    assert "\n" not in short
    assert " ".join(whole.split()).startswith(short.removesuffix(" …"))


def test_a_reason_that_begins_with_what_it_is_about_says_it_once() -> None:
    found = finding(Verdict.FAIL, title="GET /me", reason="GET /me: answered 401")
    assert run(found).reason == "GET /me: answered 401"
    assert (
        run(finding(Verdict.FAIL, title="GET /me", reason="answered 401")).reason == "GET /me: answered 401"
    )
