"""What a record comes to as findings: the worst of its steps is said, and a figure that is missing is no success."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fixtures.objectives import assess
from fixtures.target import Target
from fixtures.target.drills import Drill
from fixtures.target.objective import Indicator
from reports.drills.record import DrillRecord, Judged
from reports.verdicts import Verdict
from scenarios.drills import findings
from tests.drills.test_history import record
from tests.target.profiles import HWAYO, changed, only

BITTEN = Judged("disaster", "災難確實發生", "seen", None, "", 1, Verdict.PASS, "it is gone")


def drill(**told: Any) -> Drill:
    steps = [{"name": "restore", "title": "restore"}]
    given = {
        "name": "x",
        "title": "演練",
        "steps": steps,
        "rto": "1m",
        "rpo": "15m",
        "source": "§6.3",
        **told,
    }
    return Drill.model_validate(given, strict=False)


def with_step(verdict: Verdict) -> DrillRecord:
    made = record(verdict=verdict)
    return replace(made, figures=(*made.figures, BITTEN))


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL])
def test_a_step_decides_whether_the_drill_was_held(verdict: Verdict) -> None:
    said, reason = assess(drill().held, findings.held(with_step(verdict)))
    assert said is verdict
    assert verdict is Verdict.PASS or "從備份恢復資料庫: base <1>" in reason


@pytest.mark.parametrize(
    ("changes", "verdict", "says"),
    [
        (
            {"left_behind": ("table records is missing",)},
            Verdict.FAIL,
            "LEFT BEHIND: table records is missing",
        ),
        ({"cut_short": "SIGTERM"}, Verdict.UNKNOWN, "cut short by SIGTERM"),
        ({"cut_short": "SIGTERM", "left_behind": ("a folder",)}, Verdict.FAIL, "cut short by SIGTERM"),
        ({"steps": ()}, Verdict.UNKNOWN, "no step was carried out"),
        (
            {"figures": (replace(BITTEN, verdict=Verdict.INVALID, reason="no sign"),)},
            Verdict.INVALID,
            "no sign",
        ),
        (
            {"figures": (Judged("rto", "RTO", "rto <= 4h", None, "s", 9, Verdict.FAIL, "never back"),)},
            Verdict.FAIL,
            "RTO: never back",
        ),
    ],
    ids=[
        "left behind",
        "cut short",
        "left behind by what was cut short",
        "no steps",
        "did not bite",
        "never back",
    ],
)
def test_what_else_keeps_a_drill_from_having_been_held(
    changes: dict[str, Any], verdict: Verdict, says: str
) -> None:
    said, reason = assess(drill().held, findings.held(replace(with_step(Verdict.PASS), **changes)))
    assert said is verdict
    assert says in reason


@pytest.mark.parametrize(("value", "verdict"), [(12.0, "PASS"), (61.0, "FAIL"), (None, "UNKNOWN")])
def test_a_figure_is_judged_against_the_drills_own_target(value: float | None, verdict: str) -> None:
    rto, rpo = drill().promises()
    made = record()
    seen = replace(made, figures=(replace(made.figures[0], value=value),))
    assert assess(rto, findings.figure(seen, rto))[0] == verdict
    unseen, reason = assess(rpo, findings.figure(seen, rpo))
    assert unseen is Verdict.UNKNOWN
    assert "rpo was not measured" in reason


def test_the_profiles_own_objectives_over_a_drill_are_judged_by_it() -> None:
    target = Target.load("hwayo")
    found = findings.promises(target.drills["backup_restore"], list(target.objectives.values()))
    assert [one.name for one in found] == ["backup_restore_rto", "backup_restore_rpo", "data_integrity"]


def test_what_is_promised_of_a_drill_without_a_row_is_found() -> None:
    target = Target.load("hwayo")
    assert findings.unheld(target) == []  # rollbacks are the release stage's
    promise = target.objectives["disaster_recovery"]
    elsewhere = promise.model_copy(update={"over": Indicator.read("drill automatic_rollback")})
    other = target.model_copy(update={"objectives": {**target.objectives, "x": elsewhere}})
    assert findings.unheld(other) == [elsewhere]


def test_integrity_is_the_share_that_was_kept() -> None:
    integrity = Target.load("hwayo").objectives["data_integrity"]
    made = record()
    for value, verdict in ((1.0, Verdict.PASS), (0.99, Verdict.FAIL)):
        figure = Judged("integrity", "x", "", value, "share", 200, verdict, "2 altered")
        assert assess(integrity, findings.figure(replace(made, figures=(figure,)), integrity))[0] is verdict


def test_a_drill_that_may_cost_no_time_at_all_is_refused() -> None:
    problem = only(
        changed(
            'rto: 4h\n    rpo: 24h\n    every: 30d\n    source: "§6.3.2',
            'rto: 0s\n    every: 30d\n    source: "§6.3.2',
            HWAYO,
        )
    )
    assert "a time above 0s" in str(problem)
