"""Records are kept whole, and the history says what is overdue: a drill counts as held only where it passed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.drills.history import Wanted, keep, records, standings
from reports.drills.record import BrokenRecord, DrillRecord, Judged, Moment, StepDone, read, to_json
from reports.verdicts import Verdict
from scenarios.drills.__main__ import main

DAY_S = 86400.0
NOW_S = 1_700_000_000.0
MONTHLY = Wanted("disaster", "災難恢復", 30 * DAY_S)


def record(ago_d: float = 1, verdict: Verdict = Verdict.PASS, **changes: Any) -> DrillRecord:
    began_s = NOW_S - ago_d * DAY_S
    step = StepDone(
        "restore", "從備份恢復資料庫", "automatic", "DevOps", began_s + 1, 2.0, 60.0, verdict, "base <1>"
    )
    figure = Judged("rto", "RTO", "rto <= 4h", 12.0, "s", 240, Verdict.PASS, "12 s keeps rto <= 4h")
    made = DrillRecord(
        f"r{ago_d}-{verdict}", "disaster", "災難恢復", "§6.3", "hwayo", "lab", began_s, began_s + 60,
        (step,), (figure,), (Moment(began_s + 1, "the disaster strikes"),),
    )  # fmt: skip
    return replace(made, **changes)


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = record(losses=("000017 (id 18), acknowledged 0.04 s before the onset",), evidence={"journal": "j"})
    path = keep(made, tmp_path)
    assert read(path) == made
    page = path.with_suffix(".html").read_text()
    assert "base &lt;1&gt;" in page
    assert "000017 (id 18)" in page
    assert "從備份恢復資料庫" in page


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.PASS),
        ({"cut_short": "SIGTERM"}, Verdict.UNKNOWN),
        ({"steps": ()}, Verdict.UNKNOWN),
        ({"figures": ()}, Verdict.UNKNOWN),
        ({"left_behind": ("right public.records to app: INSERT is missing",)}, Verdict.FAIL),
    ],
)
def test_a_drill_passes_only_as_a_whole(changes: dict[str, Any], verdict: Verdict) -> None:
    made = record(**changes)
    assert made.verdict is verdict
    assert bool(made.follow_ups) == (bool(changes.get("cut_short")) or verdict is Verdict.FAIL)


def test_what_is_to_be_done_names_whose_it_is() -> None:
    assert record(verdict=Verdict.FAIL).follow_ups == ("從備份恢復資料庫: base <1> (DevOps)",)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.update(verdict="FAIL"),
        lambda told: told.update(version=2),
        lambda told: told.pop("steps"),
        lambda told: told["steps"][0].update(verdict="FINE"),
        lambda told: told.update(ended_s=told["began_s"] - 1),
    ],
)
def test_a_record_that_was_tampered_with_is_none(tmp_path: Path, spoil: Any) -> None:
    told = json.loads(to_json(record()))
    spoil(told)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(told))
    with pytest.raises(BrokenRecord):
        records(tmp_path)


def test_a_drill_is_due_an_interval_after_it_last_passed() -> None:
    held = [record(40), record(10), record(2, Verdict.FAIL)]
    (found,) = standings([MONTHLY], held, "hwayo", "lab")
    assert found.last == held[2]
    assert found.overdue_s(NOW_S) == 0
    assert found.due_s == pytest.approx(NOW_S + 20 * DAY_S)


@pytest.mark.parametrize("held", [[], [record(2, Verdict.FAIL)], [record(1, environment="staging")]])
def test_what_never_passed_here_is_overdue(held: list[DrillRecord]) -> None:
    (found,) = standings([MONTHLY], held, "hwayo", "lab")
    assert found.overdue_s(NOW_S) > 0


def test_the_command_says_when_and_what_is_overdue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--records", str(tmp_path), "--due"]
    assert main(asked, NOW_S) == 1
    assert "never held" in capsys.readouterr().out
    assert main(asked[:-1], NOW_S) == 0
    (tmp_path / "r.json").write_text("{}")
    assert main(asked, NOW_S) == 2
    assert "no record of a drill" in capsys.readouterr().err
