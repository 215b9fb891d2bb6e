"""What a release's record says about each promise; what it does not say is never a pass."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fixtures import objectives
from fixtures.target import Target
from fixtures.target.wording import Wording
from reports.release import record
from reports.verdicts import Verdict
from scenarios.release.back import asked
from scenarios.release.measure import measure

TARGET = Target.load("hwayo")
AT_S = 1_700_000_000.0


def decided(outcome: str, *reasons: str) -> record.Decision:
    return record.Decision(AT_S + 15, outcome, reasons or ("because",))


def stage(weight: float = 0.05, outcome: str = "promote", holds: bool = True) -> record.Stage:
    split = record.Split(weight, 700, round(700 * weight), 0.03, 0.08, holds, "so many of 700")
    points = (record.Point(AT_S + 14, 500, 0, 500, 0),)
    metric = record.Metric("http_error_rate", "HTTP", "failed", 0.01, 473, points)
    return record.Stage(
        f"{weight:.0%}",
        weight,
        900,
        15,
        AT_S,
        AT_S + 15,
        decided(outcome),
        split,
        (metric,),
        topped_up_rps=20,
    )


STEPS = tuple(
    record.Step(name, name, budget_s, 1.0, True)
    for name, budget_s in (("switch", 30.0), ("verify", 120.0), ("health", 60.0), ("clean_up", 60.0))
)
BACK = record.Rollback(
    "automatic",
    "bad",
    AT_S,
    STEPS,
    300,
    5.0,
    True,
    "§6.2.1",
    onset_s=AT_S - 4,
    last_green_s=AT_S + 1,
    anyhow_s=900,
)
WHOLE = record.Release(
    system="hwayo", title="", environment="lab", pace="1/60", mode="drive", begun_s=AT_S, ended_s=AT_S + 100,
    outcome="promote", reasons=("promoted",),
    stages=tuple(stage(weight) for weight in (0.05, 0.25, 0.5, 1.0)),
    weights=(record.Weight(AT_S, 0.0), record.Weight(AT_S + 1, 0.05)),
    probes=5000, cleaned=STEPS, rollback=BACK, restored=record.Restored(True, "as found", AT_S),
    notifications=(record.Notification(AT_S, "slack", "success", "done", True),),
)  # fmt: skip


def verdicts(found: record.Release) -> dict[str, Verdict]:
    promises = [one for one in TARGET.objectives.values() if one.over.kind in ("release", "probe")]
    return {one.name: objectives.assess(one, measure(found, one))[0] for one in promises}


def with_verdict(found: record.Release, verdict: Verdict) -> set[str]:
    return {name for name, one in verdicts(found).items() if one is verdict}


def changed(**parts: object) -> record.Release:
    return dataclasses.replace(WHOLE, **parts)  # type: ignore[arg-type]


def test_a_release_without_a_flaw_keeps_every_promise() -> None:
    assert set(verdicts(WHOLE).values()) == {Verdict.PASS}
    assert len(verdicts(WHOLE)) >= 20


def test_a_release_that_never_began_keeps_none() -> None:
    nothing = changed(
        stages=(), weights=(), probes=0, cleaned=(), rollback=None, restored=None, notifications=(),
        outcome="inconclusive", reasons=("green is not ready",),
    )  # fmt: skip
    found = verdicts(nothing)
    assert {name for name, one in found.items() if one is not Verdict.UNKNOWN} <= {"downtime"}


@pytest.mark.parametrize(
    ("part", "fails"),
    [
        ({"stages": (stage(outcome="roll back"),)}, {"canary_watch_5"}),
        ({"stages": (stage(holds=False),)}, {"canary_split_5"}),
        ({"failed_probes": 1}, {"zero_downtime"}),
        ({"restored": record.Restored(False, "weights differ", AT_S)}, {"release_restored"}),
        (
            {"notifications": (record.Notification(AT_S, "slack", "x", "y", False, "dead"),)},
            {"release_notified"},
        ),
        ({"cleaned": (dataclasses.replace(STEPS[0], ok=False),)}, {"old_environment"}),
    ],
    ids=["rolled-back", "split", "downtime", "restored", "notified", "old"],
)
def test_each_flaw_fails_its_own_promise(part: dict[str, object], fails: set[str]) -> None:
    assert with_verdict(changed(**part), Verdict.FAIL) == fails


def test_a_step_over_its_budget_fails_its_time_and_the_whole() -> None:
    late = dataclasses.replace(STEPS[0], took_s=33.0, ok=False, said="took 33 s")
    found = changed(rollback=dataclasses.replace(BACK, steps=(late, *STEPS[1:]), ok=False))
    assert with_verdict(found, Verdict.FAIL) == {"release_rollback_switch", "release_rollback"}


def test_a_step_that_failed_fast_has_no_time_to_be_proud_of() -> None:
    failed = dataclasses.replace(STEPS[2], took_s=0.1, ok=False, said="502")
    found = changed(rollback=dataclasses.replace(BACK, steps=(*STEPS[:2], failed), ok=False))
    assert verdicts(found)["release_rollback_health"] is Verdict.UNKNOWN
    assert verdicts(found)["release_rollback"] is Verdict.FAIL


def test_all_of_a_rollback_may_take_so_long_and_no_longer() -> None:
    found = changed(rollback=dataclasses.replace(BACK, took_s=301.0, last_green_s=AT_S + 900))
    assert with_verdict(found, Verdict.FAIL) == {"release_rollback_total", "release_rollback_anyhow"}


def test_what_could_not_be_told_is_unknown_and_what_could_not_be_seen_invalid() -> None:
    told = changed(stages=(stage(outcome="inconclusive"),))
    assert verdicts(told)["canary_watch_5"] is Verdict.UNKNOWN
    blind = changed(stages=(stage(outcome="inconclusive"),), blind=((AT_S + 3, AT_S + 5),))
    assert verdicts(blind)["canary_watch_5"] is Verdict.INVALID
    assert verdicts(blind)["zero_downtime"] is Verdict.INVALID


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert record.read(record.write(WHOLE, tmp_path)) == WHOLE


@pytest.mark.parametrize(
    ("confirm", "reason", "answers", "expected"),
    [
        (False, "", ["yes", "complaints"], "complaints"),
        (False, "given", ["yes"], "given"),
        (True, "given", [], "given"),
        (False, "given", ["no"], ""),
        (False, "given", ["YES!"], ""),
        (True, "", ["  "], ""),
    ],
)
def test_nobody_is_taken_back_by_hand_without_a_yes_and_a_reason(
    confirm: bool, reason: str, answers: list[str], expected: str
) -> None:
    left = iter(answers)
    assert asked(confirm, reason, Wording(), lambda _: next(left)) == expected
    assert list(left) == []
